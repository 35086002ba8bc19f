/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Finds the table of the library's hidden functions and checks that it is of the same version. It
 * owns nothing. Any thread. */

#include "config.h"

#include "resilient-test-seams-private.h"

#include "resilient-client.h"
#include "resilient-version.h"

static gpointer
find_seams (gpointer data)
{
  const ResilientSeams *seams;

  /* Its initialisation puts the table there; the class stays for ever, as for any static type. */
  g_type_class_ref (RESILIENT_TYPE_CLIENT);
  seams = g_type_get_qdata (RESILIENT_TYPE_CLIENT, RESILIENT_SEAMS_QUARK);

  if (seams == NULL)
    g_error ("This version of libresilient-client-1 can't be tested with the test kit %s",
             RESILIENT_VERSION_S);
  if (!g_str_equal (seams->version, RESILIENT_VERSION_S) || seams->size != sizeof *seams)
    g_error (
      "The test kit %s goes with the same version of libresilient-client-1, which is %s here",
      RESILIENT_VERSION_S,
      seams->version);

  return (gpointer) seams;
}

const ResilientSeams *
resilient_test_get_seams (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, find_seams, NULL);
}
