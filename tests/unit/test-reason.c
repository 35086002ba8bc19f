/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-reason-private.h"

/* The words are public: none may change. */
static void
test_words (void)
{
  const struct
  {
    ResilientReason reason;
    const char *word;
  } rows[] = {
    { RESILIENT_REASON_NONE, "none" },
    { RESILIENT_REASON_SUCCESS, "success" },
    { RESILIENT_REASON_RETRY, "retry" },
    { RESILIENT_REASON_CANCELLED, "cancelled" },
    { RESILIENT_REASON_DEADLINE, "deadline" },
    { RESILIENT_REASON_CLOSED, "closed" },
    { RESILIENT_REASON_NOT_RETRYABLE, "not-retryable" },
    { RESILIENT_REASON_RETRIES_EXHAUSTED, "retries-exhausted" },
    { RESILIENT_REASON_NOT_IDEMPOTENT, "not-idempotent" },
    { RESILIENT_REASON_BODY_SPENT, "body-spent" },
    { RESILIENT_REASON_RETRY_AFTER_TOO_LONG, "retry-after-too-long" },
    { RESILIENT_REASON_DEADLINE_TOO_NEAR, "deadline-too-near" },
    { RESILIENT_REASON_BUDGET_EMPTY, "budget-empty" },
    { RESILIENT_REASON_QUEUE_TIMEOUT, "queue-timeout" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_assert_cmpint (rows[i].reason, ==, i);
      g_assert_cmpstr (resilient_reason_to_string (rows[i].reason), ==, rows[i].word);
      /* Static: the same memory each time. */
      g_assert_true (resilient_reason_to_string (rows[i].reason)
                     == resilient_reason_to_string (rows[i].reason));
    }
}

static void
test_unknown (void)
{
  g_test_expect_message ("Resilient", G_LOG_LEVEL_CRITICAL, "*should not be reached*");
  g_assert_cmpstr (resilient_reason_to_string ((ResilientReason) 99), ==, "none");
  g_test_assert_expected_messages ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/reason/words", test_words);
  g_test_add_func ("/reason/unknown", test_unknown);

  return g_test_run ();
}
