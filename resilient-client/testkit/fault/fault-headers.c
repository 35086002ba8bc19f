/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Looks for headers by their name. Pure functions that own nothing, for any thread. */

#include "config.h"

#include "fault-headers-private.h"

#include <string.h>

/* The value of @header if that is its name, else NULL. */
static const char *
match (const char *header, const char *name)
{
  gsize length = strlen (name);

  return g_ascii_strncasecmp (header, name, length) == 0 && g_str_has_prefix (header + length, ": ")
           ? header + length + 2
           : NULL;
}

const char *
fault_headers_get (char **headers, const char *name)
{
  const char *value = NULL;

  for (guint i = 0; value == NULL && headers[i] != NULL; i++)
    value = match (headers[i], name);

  return value;
}

guint
fault_headers_count (char **headers, const char *name)
{
  guint n = 0;

  for (guint i = 0; headers[i] != NULL; i++)
    n += match (headers[i], name) != NULL;

  return n;
}
