/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-verdict-private.h"

#include "resilient-clock-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-policy-private.h"

#define F(kind) RESILIENT_FAILURE_##kind

static const struct
{
  const char *method;
  gboolean safe, idempotent;
} methods[] = {
  { "GET", TRUE, TRUE },
  { "HEAD", TRUE, TRUE },
  { "OPTIONS", TRUE, TRUE },
  { "TRACE", TRUE, TRUE },
  { "PUT", FALSE, TRUE },
  { "DELETE", FALSE, TRUE },
  { "POST", FALSE, FALSE },
  { "PATCH", FALSE, FALSE },
  { "PROPFIND", FALSE, FALSE },
  /* methods have case */
  { "get", FALSE, FALSE },
  { "Put", FALSE, FALSE },
  { "", FALSE, FALSE },
};

/* One that retries all that can be retried, without chance. */
static ResilientRetryPolicy *
make_policy (int max_retries)
{
  const guint16 statuses[] = { 429, 500, 503 };
  const ResilientRetryPolicyValues values = {
    .max_retries = max_retries,
    .base_delay = 1.0,
    .backoff_factor = 2.0,
    .max_delay = 30.0,
    .jitter_mode = RESILIENT_JITTER_NONE,
    .retry_on = RESILIENT_FAILURE_RETRYABLE,
    .respect_retry_after = TRUE,
    .max_retry_after = 100.0,
  };

  return resilient_retry_policy_new_from_values (&values, statuses, G_N_ELEMENTS (statuses));
}

/* The context of the given attempt, 0 being the first. */
static ResilientRequestContext *
make_context (guint attempt)
{
  ResilientRequestContext *context = resilient_request_context_new ("id", NULL, NULL, NULL);

  for (guint i = 0; i < attempt; i++)
    {
      g_autoptr (ResilientRequestContext) before = g_steal_pointer (&context);

      context = resilient_request_context_advance (before, 1.0);
    }

  return context;
}

/* A GET that was sent and answered by a 503: retried unless a test says otherwise. */
static ResilientVerdictInput
make_input (ResilientRequestContext *context, ResilientRetryPolicy *policy)
{
  return (ResilientVerdictInput){
    .context = context,
    .policy = policy,
    .failure = RESILIENT_FAILURE_STATUS,
    .status_code = 503,
    .retry_after = -1.0,
    .method = "GET",
    .now = 1000 * G_USEC_PER_SEC,
  };
}

static void
assert_final (const ResilientVerdictInput *input, ResilientReason reason)
{
  ResilientVerdict verdict = resilient_verdict (input);

  g_assert_cmpint (verdict.reason, ==, reason);
  g_assert_false (verdict.retry);
  g_assert_cmpfloat (verdict.delay, ==, 0.0);
}

static double
assert_retry (const ResilientVerdictInput *input)
{
  ResilientVerdict verdict = resilient_verdict (input);

  g_assert_cmpint (verdict.reason, ==, RESILIENT_REASON_RETRY);
  g_assert_true (verdict.retry);
  g_assert_cmpfloat (verdict.delay, >=, 0.0);
  return verdict.delay;
}

static void
test_methods (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_assert_cmpint (resilient_method_is_safe (methods[i].method), ==, methods[i].safe);
      g_assert_cmpint (
        resilient_method_is_idempotent (methods[i].method), ==, methods[i].idempotent);
    }
  g_assert_false (resilient_method_is_safe (NULL));
  g_assert_false (resilient_method_is_idempotent (NULL));
}

static const struct
{
  ResilientIdempotency idempotency;
  gboolean has_key, idempotent_method;
  gboolean expected;
} repeat_rows[] = {
  { RESILIENT_IDEMPOTENCY_AUTO, FALSE, FALSE, FALSE },
  { RESILIENT_IDEMPOTENCY_AUTO, FALSE, TRUE, TRUE },
  { RESILIENT_IDEMPOTENCY_AUTO, TRUE, FALSE, TRUE },
  { RESILIENT_IDEMPOTENCY_AUTO, TRUE, TRUE, TRUE },
  { RESILIENT_IDEMPOTENCY_YES, FALSE, FALSE, TRUE },
  { RESILIENT_IDEMPOTENCY_YES, FALSE, TRUE, TRUE },
  { RESILIENT_IDEMPOTENCY_YES, TRUE, FALSE, TRUE },
  { RESILIENT_IDEMPOTENCY_YES, TRUE, TRUE, TRUE },
  { RESILIENT_IDEMPOTENCY_NO, FALSE, FALSE, FALSE },
  { RESILIENT_IDEMPOTENCY_NO, FALSE, TRUE, FALSE },
  { RESILIENT_IDEMPOTENCY_NO, TRUE, FALSE, FALSE },
  { RESILIENT_IDEMPOTENCY_NO, TRUE, TRUE, FALSE },
};

static gboolean
look_up_repeat (ResilientIdempotency idempotency, gboolean has_key, gboolean idempotent_method)
{
  for (guint i = 0; i < G_N_ELEMENTS (repeat_rows); i++)
    {
      if (repeat_rows[i].idempotency == idempotency && repeat_rows[i].has_key == has_key
          && repeat_rows[i].idempotent_method == idempotent_method)
        return repeat_rows[i].expected;
    }

  g_assert_not_reached ();
}

static void
test_may_repeat (void)
{
  for (guint m = 0; m < G_N_ELEMENTS (methods); m++)
    for (guint i = 0; i < G_N_ELEMENTS (repeat_rows); i++)
      {
        if (repeat_rows[i].idempotent_method == methods[m].idempotent)
          g_assert_cmpint (resilient_verdict_may_repeat (
                             methods[m].method, repeat_rows[i].has_key, repeat_rows[i].idempotency),
                           ==,
                           repeat_rows[i].expected);
      }
}

/* Which policy retries which kind of failure. A status without a row is retried by none. */
static const struct
{
  ResilientFailure failure;
  guint status_code;
  gboolean by_default, by_standard, by_all;
} kinds[] = {
  { F (RESOLVE), 0, TRUE, TRUE, TRUE },
  { F (CONNECT), 0, TRUE, TRUE, TRUE },
  { F (TLS), 0, TRUE, TRUE, TRUE },
  { F (CERTIFICATE), 0, FALSE, FALSE, FALSE },
  { F (CONNECT_TIMEOUT), 0, FALSE, TRUE, TRUE },
  { F (WRITE_TIMEOUT), 0, FALSE, TRUE, TRUE },
  { F (READ_TIMEOUT), 0, FALSE, TRUE, TRUE },
  { F (DISCONNECT), 0, FALSE, TRUE, TRUE },
  { F (STATUS), 408, FALSE, TRUE, FALSE },
  { F (STATUS), 425, FALSE, TRUE, FALSE },
  { F (STATUS), 429, FALSE, TRUE, TRUE },
  { F (STATUS), 502, FALSE, TRUE, FALSE },
  { F (STATUS), 503, FALSE, TRUE, TRUE },
  { F (STATUS), 504, FALSE, TRUE, FALSE },
  { F (STATUS), 404, FALSE, FALSE, FALSE },
  { F (STATUS), 501, FALSE, FALSE, FALSE },
  { F (PROTOCOL), 0, FALSE, FALSE, TRUE },
  { F (REDIRECT), 0, FALSE, FALSE, FALSE },
  { F (TOO_LARGE), 200, FALSE, FALSE, FALSE },
  { F (QUEUE_TIMEOUT), 0, FALSE, FALSE, FALSE },
  { F (DEADLINE), 0, FALSE, FALSE, TRUE },
  { F (OVERLOADED), 0, FALSE, FALSE, FALSE },
  { F (CLOSED), 0, FALSE, FALSE, FALSE },
  { F (INVALID), 0, FALSE, FALSE, FALSE },
  { F (CANCELLED), 0, FALSE, FALSE, FALSE },
};

/* All of it: kind × method × key × idempotency × whether anything was sent × policy. */
static void
test_table (void)
{
  g_autoptr (ResilientRetryPolicy) all = make_policy (2);
  g_autoptr (ResilientRequestContext) context = make_context (0);
  ResilientRetryPolicy *policies[] = {
    resilient_retry_policy_get_default (),
    resilient_retry_policy_get_standard (),
    all,
  };
  guint n_verdicts = 0;

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint p = 0; p < G_N_ELEMENTS (policies); p++)
      for (guint m = 0; m < G_N_ELEMENTS (methods); m++)
        for (int key = FALSE; key <= TRUE; key++)
          for (int mark = RESILIENT_IDEMPOTENCY_AUTO; mark <= RESILIENT_IDEMPOTENCY_NO; mark++)
            for (int nothing_sent = FALSE; nothing_sent <= TRUE; nothing_sent++)
              {
                const gboolean retried[] = { kinds[k].by_default,
                                             kinds[k].by_standard,
                                             kinds[k].by_all };
                ResilientVerdictInput input = make_input (context, policies[p]);

                input.failure = kinds[k].failure;
                input.status_code = kinds[k].status_code;
                input.method = methods[m].method;
                input.has_idempotency_key = key;
                input.idempotency = mark;
                input.nothing_sent = nothing_sent;

                if (!retried[p])
                  assert_final (&input, RESILIENT_REASON_NOT_RETRYABLE);
                else if (nothing_sent || look_up_repeat (mark, key, methods[m].idempotent))
                  assert_retry (&input);
                else
                  assert_final (&input, RESILIENT_REASON_NOT_IDEMPOTENT);

                /* An answer that is accepted is final in every case. */
                input.failure = RESILIENT_FAILURE_NONE;
                assert_final (&input, RESILIENT_REASON_SUCCESS);
                n_verdicts++;
              }

  g_assert_cmpuint (n_verdicts, ==, 25 * 3 * 12 * 2 * 3 * 2);
}

/* 500 is for safe methods only, whatever the list, the key or the mark say. */
static void
test_status_500 (void)
{
  g_autoptr (ResilientRequestContext) context = make_context (0);

  for (guint m = 0; m < G_N_ELEMENTS (methods); m++)
    for (int key = FALSE; key <= TRUE; key++)
      for (int mark = RESILIENT_IDEMPOTENCY_AUTO; mark <= RESILIENT_IDEMPOTENCY_NO; mark++)
        {
          ResilientVerdictInput input =
            make_input (context, resilient_retry_policy_get_standard ());

          input.status_code = 500;
          input.method = methods[m].method;
          input.has_idempotency_key = key;
          input.idempotency = mark;

          if (!methods[m].safe)
            assert_final (&input, RESILIENT_REASON_NOT_RETRYABLE);
          else if (mark == RESILIENT_IDEMPOTENCY_NO)
            assert_final (&input, RESILIENT_REASON_NOT_IDEMPOTENT);
          else
            assert_retry (&input);
        }
}

/* The first rule that applies gives the reason: all 512 sets of reasons. */
static void
test_order (void)
{
  static const ResilientReason order[] = {
    RESILIENT_REASON_CANCELLED,
    RESILIENT_REASON_DEADLINE,
    RESILIENT_REASON_CLOSED,
    RESILIENT_REASON_NOT_RETRYABLE,
    RESILIENT_REASON_RETRIES_EXHAUSTED,
    RESILIENT_REASON_NOT_IDEMPOTENT,
    RESILIENT_REASON_BODY_SPENT,
    RESILIENT_REASON_RETRY_AFTER_TOO_LONG,
    RESILIENT_REASON_DEADLINE_TOO_NEAR,
  };
  g_autoptr (ResilientRetryPolicy) policy = make_policy (2);
  g_autoptr (ResilientRequestContext) early = make_context (1);
  g_autoptr (ResilientRequestContext) late = make_context (2);

  for (guint set = 0; set < 1u << G_N_ELEMENTS (order); set++)
    {
      ResilientVerdictInput input = make_input (early, policy);
      guint first = 0;

      for (guint i = 0; i < G_N_ELEMENTS (order); i++)
        {
          if ((set & 1u << i) == 0)
            continue;

          switch (order[i])
            {
            case RESILIENT_REASON_CANCELLED:
              input.cancelled = TRUE;
              break;
            case RESILIENT_REASON_DEADLINE:
              input.deadline = input.now;
              break;
            case RESILIENT_REASON_CLOSED:
              input.closed = TRUE;
              break;
            case RESILIENT_REASON_NOT_RETRYABLE:
              input.status_code = 418;
              break;
            case RESILIENT_REASON_RETRIES_EXHAUSTED:
              input.context = late;
              break;
            case RESILIENT_REASON_NOT_IDEMPOTENT:
              input.method = "POST";
              break;
            case RESILIENT_REASON_BODY_SPENT:
              input.body_spent = TRUE;
              break;
            case RESILIENT_REASON_RETRY_AFTER_TOO_LONG:
              input.retry_after = 101.0;
              break;
            case RESILIENT_REASON_DEADLINE_TOO_NEAR:
              if (input.deadline == 0)
                input.deadline = input.now + G_USEC_PER_SEC;
              break;
            default:
              g_assert_not_reached ();
            }
        }

      if (set == 0)
        {
          assert_retry (&input);
          continue;
        }

      while ((set & 1u << first) == 0)
        first++;
      assert_final (&input, order[first]);
    }
}

/* An accepted answer counts more than a deadline or closing, but not than the caller's cancel. */
static void
test_success (void)
{
  g_autoptr (ResilientRequestContext) context = make_context (0);
  ResilientVerdictInput input = make_input (context, resilient_retry_policy_get_standard ());

  input.failure = RESILIENT_FAILURE_NONE;
  input.status_code = 404;
  input.closed = TRUE;
  input.deadline = input.now - 1;
  assert_final (&input, RESILIENT_REASON_SUCCESS);

  input.cancelled = TRUE;
  assert_final (&input, RESILIENT_REASON_CANCELLED);
}

static void
test_max_retries (void)
{
  const struct
  {
    int max_retries;
    guint attempt;
    gboolean retry;
  } rows[] = {
    { 0, 0, FALSE },         { 1, 0, TRUE },           { 1, 1, FALSE },
    { 2, 0, TRUE },          { 2, 1, TRUE },           { 2, 2, FALSE },
    { 2, 3, FALSE },         { G_MAXINT, 1000, TRUE }, { -1, 0, TRUE },
    { -1, 1000, TRUE },      { -1, G_MAXUINT, TRUE },  { G_MAXINT, G_MAXUINT, FALSE },
    { 0, G_MAXUINT, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy = make_policy (rows[i].max_retries);
      g_autoptr (ResilientRequestContext) first = make_context (0);
      g_autoptr (ResilientRequestContext) context =
        resilient_request_context_at (first, rows[i].attempt, 0.0);
      ResilientVerdictInput input = make_input (context, policy);

      if (rows[i].retry)
        assert_retry (&input);
      else
        assert_final (&input, RESILIENT_REASON_RETRIES_EXHAUSTED);
    }
}

/* One failing request, as many attempts as its policy has. */
static void
test_attempts (void)
{
  for (int max_retries = 0; max_retries < 5; max_retries++)
    {
      g_autoptr (ResilientRetryPolicy) policy = make_policy (max_retries);
      g_autoptr (ResilientRequestContext) context = make_context (0);
      double expected = 1.0;
      int attempts = 1;

      for (;;)
        {
          g_autoptr (ResilientRequestContext) before = NULL;
          ResilientVerdictInput input = make_input (context, policy);
          ResilientVerdict verdict = resilient_verdict (&input);

          if (!verdict.retry)
            break;

          g_assert_cmpfloat (verdict.delay, ==, expected);
          expected *= 2.0;
          attempts++;
          before = g_steal_pointer (&context);
          context = resilient_request_context_advance (before, verdict.delay);
        }

      g_assert_cmpint (attempts, ==, max_retries + 1);
    }
}

/* The larger of backoff and Retry-After, plus up to a tenth; above the cap none. */
static void
test_retry_after (void)
{
  const struct
  {
    guint attempt; /* backoff: 1, 2, 4 … 30 s */
    double retry_after;
    double low, high; /* -1: final */
  } rows[] = {
    { 0, -1.0, 1.0, 1.0 },
    { 2, -1.0, 4.0, 4.0 },
    { 0, 0.0, 1.0, 1.1 },
    { 0, 0.5, 1.0, 1.1 },
    { 0, 1.0, 1.0, 1.1 },
    { 0, 2.0, 2.0, 2.2 },
    { 3, 2.0, 8.0, 8.8 },
    { 9, 20.0, 30.0, 33.0 },
    { 0, 50.0, 50.0, 55.0 },
    { 0, 100.0, 100.0, 110.0 },
    { 0, 100.001, -1.0, -1.0 },
    { 0, 3600.0, -1.0, -1.0 },
    { 0, 2147483648.0, -1.0, -1.0 },
  };

  resilient_random_seed (8);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy = make_policy (-1);
      g_autoptr (ResilientRequestContext) context = make_context (rows[i].attempt);
      ResilientVerdictInput input = make_input (context, policy);
      double smallest = G_MAXDOUBLE, largest = 0.0;

      input.retry_after = rows[i].retry_after;
      if (rows[i].low < 0.0)
        {
          assert_final (&input, RESILIENT_REASON_RETRY_AFTER_TOO_LONG);
          continue;
        }

      for (guint draw = 0; draw < 1000; draw++)
        {
          double delay = assert_retry (&input);

          smallest = MIN (smallest, delay);
          largest = MAX (largest, delay);
        }

      g_assert_cmpfloat (smallest, >=, rows[i].low);
      g_assert_cmpfloat (largest, <=, rows[i].high + 1e-9);
      /* All of the tenth is used: who were told the same don't come back together. */
      g_assert_cmpfloat (smallest, <=, rows[i].low + (rows[i].high - rows[i].low) * 0.02);
      g_assert_cmpfloat (largest, >=, rows[i].high - (rows[i].high - rows[i].low) * 0.02);
    }
  resilient_random_unseed ();
}

/* A policy may ignore it; and it may be of an earlier attempt than the one that failed last. */
static void
test_retry_after_ignored (void)
{
  g_autoptr (ResilientRequestContext) context = make_context (0);
  g_autoptr (ResilientRetryPolicy) deaf = NULL;
  g_autoptr (ResilientRetryPolicy) policy = make_policy (2);
  ResilientRetryPolicyValues values = *resilient_retry_policy_get_values (policy);
  const guint16 statuses[] = { 503 };
  ResilientVerdictInput input;

  values.respect_retry_after = FALSE;
  deaf = resilient_retry_policy_new_from_values (&values, statuses, 1);

  input = make_input (context, deaf);
  input.retry_after = 5000.0;
  g_assert_cmpfloat (assert_retry (&input), ==, 1.0);

  input = make_input (context, policy);
  input.failure = RESILIENT_FAILURE_DISCONNECT;
  input.retry_after = 5000.0;
  assert_final (&input, RESILIENT_REASON_RETRY_AFTER_TOO_LONG);
  input.retry_after = 50.0;
  g_assert_cmpfloat (assert_retry (&input), >=, 50.0);
}

/* A sleep ends before the deadline or is not begun. */
static void
test_deadline (void)
{
  const struct
  {
    gint64 left; /* microseconds */
    ResilientReason reason;
  } rows[] = {
    { -G_USEC_PER_SEC, RESILIENT_REASON_DEADLINE },
    { 0, RESILIENT_REASON_DEADLINE },
    { 1, RESILIENT_REASON_DEADLINE_TOO_NEAR },
    { G_USEC_PER_SEC - 1, RESILIENT_REASON_DEADLINE_TOO_NEAR },
    { G_USEC_PER_SEC, RESILIENT_REASON_DEADLINE_TOO_NEAR },
    { G_USEC_PER_SEC + 1, RESILIENT_REASON_RETRY },
    { G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC, RESILIENT_REASON_RETRY },
  };
  g_autoptr (ResilientRetryPolicy) policy = make_policy (2);
  g_autoptr (ResilientRequestContext) context = make_context (0);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      ResilientVerdictInput input = make_input (context, policy);

      input.deadline = input.now + rows[i].left;
      g_assert_cmpint (resilient_verdict (&input).reason, ==, rows[i].reason);
    }
}

/* Decorrelated jitter goes on from the delay of the attempt just made. */
static void
test_decorrelated (void)
{
  g_autoptr (ResilientRetryPolicy) plain = make_policy (-1);
  ResilientRetryPolicyValues values = *resilient_retry_policy_get_values (plain);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRequestContext) start = make_context (0);
  g_autoptr (ResilientRequestContext) context = resilient_request_context_advance (start, 8.0);
  double largest = 0.0;

  values.jitter_mode = RESILIENT_JITTER_DECORRELATED;
  policy = resilient_retry_policy_new_from_values (&values, NULL, 0);

  resilient_random_seed (9);
  for (guint draw = 0; draw < 1000; draw++)
    {
      ResilientVerdictInput input = make_input (context, policy);
      double delay;

      input.failure = RESILIENT_FAILURE_CONNECT;
      delay = assert_retry (&input);
      g_assert_cmpfloat (delay, >=, 1.0);
      g_assert_cmpfloat (delay, <=, 24.0);
      largest = MAX (largest, delay);
    }
  resilient_random_unseed ();
  g_assert_cmpfloat (largest, >, 23.0);
}

/* A status is a failure when the policy lists it and has STATUS among its kinds. */
static void
test_status_is_failure (void)
{
  const guint16 statuses[] = { 503 };
  ResilientRetryPolicyValues values =
    *resilient_retry_policy_get_values (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) listed_only = NULL;

  values.retry_on &= ~RESILIENT_FAILURE_STATUS;
  listed_only = resilient_retry_policy_new_from_values (&values, statuses, 1);

  for (guint status = 100; status < 700; status++)
    {
      gboolean standard = status == 408 || status == 425 || status == 429 || status == 500
                          || status == 502 || status == 503 || status == 504;

      g_assert_false (
        resilient_verdict_status_is_failure (resilient_retry_policy_get_default (), status));
      g_assert_false (resilient_verdict_status_is_failure (listed_only, status));
      g_assert_cmpint (
        resilient_verdict_status_is_failure (resilient_retry_policy_get_standard (), status),
        ==,
        standard);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/verdict/methods", test_methods);
  g_test_add_func ("/verdict/may-repeat", test_may_repeat);
  g_test_add_func ("/verdict/table", test_table);
  g_test_add_func ("/verdict/status-500", test_status_500);
  g_test_add_func ("/verdict/order", test_order);
  g_test_add_func ("/verdict/success", test_success);
  g_test_add_func ("/verdict/max-retries", test_max_retries);
  g_test_add_func ("/verdict/attempts", test_attempts);
  g_test_add_func ("/verdict/retry-after", test_retry_after);
  g_test_add_func ("/verdict/retry-after/ignored", test_retry_after_ignored);
  g_test_add_func ("/verdict/deadline", test_deadline);
  g_test_add_func ("/verdict/decorrelated", test_decorrelated);
  g_test_add_func ("/verdict/status-is-failure", test_status_is_failure);

  return g_test_run ();
}
