/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-reason-private.h"

static void
test_words (void)
{
  g_assert_cmpstr (resilient_reason_to_string (RESILIENT_REASON_SUCCESS), ==, "success");
  g_assert_cmpstr (
    resilient_reason_to_string (RESILIENT_REASON_QUEUE_TIMEOUT), ==, "queue-timeout");
  /* Static: the same memory each time. */
  g_assert_true (resilient_reason_to_string (RESILIENT_REASON_RETRY)
                 == resilient_reason_to_string (RESILIENT_REASON_RETRY));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/reason/words", test_words);

  return g_test_run ();
}
