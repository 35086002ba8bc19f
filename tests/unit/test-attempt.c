/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-attempt-private.h"

static void
test_getters (void)
{
  g_autoptr (ResilientAttempt) attempt =
    resilient_attempt_new (3,
                           G_GINT64_CONSTANT (1700000000000001),
                           0.75,
                           RESILIENT_FAILURE_STATUS,
                           503,
                           2.5,
                           TRUE,
                           2,
                           RESILIENT_REASON_RETRIES_EXHAUSTED);

  g_assert_cmpuint (resilient_attempt_get_number (attempt), ==, 3);
  g_assert_cmpint (
    resilient_attempt_get_started_at (attempt), ==, G_GINT64_CONSTANT (1700000000000001));
  g_assert_cmpfloat (resilient_attempt_get_duration (attempt), ==, 0.75);
  g_assert_cmphex (resilient_attempt_get_failure (attempt), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpuint (resilient_attempt_get_status_code (attempt), ==, 503);
  g_assert_cmpfloat (resilient_attempt_get_delay_before (attempt), ==, 2.5);
  g_assert_true (resilient_attempt_get_reused_connection (attempt));
  g_assert_cmpuint (resilient_attempt_get_sends (attempt), ==, 2);
  g_assert_cmpint (resilient_attempt_get_reason (attempt), ==, RESILIENT_REASON_RETRIES_EXHAUSTED);
}

static void
test_copy (void)
{
  ResilientAttempt *attempt = resilient_attempt_new (
    1, 0, 0.0, RESILIENT_FAILURE_NONE, 200, 0.0, FALSE, 1, RESILIENT_REASON_SUCCESS);
  ResilientAttempt *copy = resilient_attempt_copy (attempt);
  ResilientAttempt *boxed = g_boxed_copy (RESILIENT_TYPE_ATTEMPT, attempt);

  g_assert_true (copy == attempt);
  g_assert_true (boxed == attempt);
  resilient_attempt_unref (attempt);
  g_boxed_free (RESILIENT_TYPE_ATTEMPT, boxed);
  g_assert_false (resilient_attempt_get_reused_connection (copy));
  resilient_attempt_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/attempt/getters", test_getters);
  g_test_add_func ("/attempt/copy", test_copy);

  return g_test_run ();
}
