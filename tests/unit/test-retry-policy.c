/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-policy-private.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-builder.h"

#define NOTHING_SENT (RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS)

static const guint16 standard_statuses[] = { 408, 425, 429, 500, 502, 503, 504 };

/* The table of the two policies, row by row. */
static void
test_presets (void)
{
  const struct
  {
    ResilientRetryPolicy *policy;
    ResilientRetryPolicyValues values;
    gsize n_statuses;
  } rows[] = {
    { resilient_retry_policy_get_default (),
      { 2, 1.0, 2.0, 30.0, RESILIENT_JITTER_PROPORTIONAL, 0.2, NOTHING_SENT, FALSE, 3600.0 },
      0 },
    { resilient_retry_policy_get_standard (),
      { 3,
        0.5,
        2.0,
        30.0,
        RESILIENT_JITTER_FULL,
        0.2,
        NOTHING_SENT | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_DISCONNECT
          | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
          | RESILIENT_FAILURE_STATUS,
        TRUE,
        3600.0,
        TRUE },
      G_N_ELEMENTS (standard_statuses) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      ResilientRetryPolicy *policy = rows[i].policy;
      const ResilientRetryPolicyValues *values = &rows[i].values;
      const guint16 *statuses;
      gsize n_statuses = 99;

      g_assert_cmpint (resilient_retry_policy_get_max_retries (policy), ==, values->max_retries);
      g_assert_cmpfloat (resilient_retry_policy_get_base_delay (policy), ==, values->base_delay);
      g_assert_cmpfloat (
        resilient_retry_policy_get_backoff_factor (policy), ==, values->backoff_factor);
      g_assert_cmpfloat (resilient_retry_policy_get_max_delay (policy), ==, values->max_delay);
      g_assert_cmpint (resilient_retry_policy_get_jitter_mode (policy), ==, values->jitter_mode);
      g_assert_cmpfloat (resilient_retry_policy_get_jitter (policy), ==, values->jitter);
      g_assert_cmphex (resilient_retry_policy_get_retry_on (policy), ==, values->retry_on);
      g_assert_cmpint (
        resilient_retry_policy_get_respect_retry_after (policy), ==, values->respect_retry_after);
      g_assert_cmpfloat (
        resilient_retry_policy_get_max_retry_after (policy), ==, values->max_retry_after);
      g_assert_cmpint (
        resilient_retry_policy_get_shared_retry_after (policy), ==, values->shared_retry_after);
      g_assert_cmpfloat (resilient_retry_policy_get_hedge_delay (policy), ==, 0.0);
      g_assert_cmpint (resilient_retry_policy_get_hedge_max (policy), ==, 1);

      statuses = resilient_retry_policy_get_retry_statuses (policy, &n_statuses);
      g_assert_cmpmem (statuses,
                       n_statuses * sizeof *statuses,
                       standard_statuses,
                       rows[i].n_statuses * sizeof *standard_statuses);
    }

  /* The same ones each time, and the count is optional. */
  g_assert_true (resilient_retry_policy_get_default () == rows[0].policy);
  g_assert_true (resilient_retry_policy_get_standard () == rows[1].policy);
  g_assert_nonnull (resilient_retry_policy_get_retry_statuses (rows[1].policy, NULL));
}

static void
test_new (void)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (7, 0.25);
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) expected = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (resilient_retry_policy_get_max_retries (policy), ==, 7);
  g_assert_cmpfloat (resilient_retry_policy_get_base_delay (policy), ==, 0.25);

  /* Nothing else differs from the default. */
  resilient_retry_policy_builder_set_max_retries (builder, 7);
  resilient_retry_policy_builder_set_base_delay (builder, 0.25);
  expected = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  g_assert_true (resilient_retry_policy_equal (policy, expected));
}

static void
test_new_bounds (void)
{
  g_autoptr (ResilientRetryPolicy) unlimited = resilient_retry_policy_new (-1, 0.01);
  g_autoptr (ResilientRetryPolicy) single = resilient_retry_policy_new (0, 30.0);
  g_autoptr (ResilientRetryPolicy) slow = resilient_retry_policy_new (1, 90.0);

  g_assert_cmpint (resilient_retry_policy_get_max_retries (unlimited), ==, -1);
  g_assert_cmpfloat (resilient_retry_policy_get_base_delay (unlimited), ==, 0.01);
  g_assert_cmpfloat (resilient_retry_policy_get_max_delay (unlimited), ==, 30.0);
  g_assert_cmpint (resilient_retry_policy_get_max_retries (single), ==, 0);
  g_assert_cmpfloat (resilient_retry_policy_get_max_delay (single), ==, 30.0);

  /* A longer base raises the longest delay with it, and so a builder accepts such a policy. */
  g_assert_cmpfloat (resilient_retry_policy_get_max_delay (slow), ==, 90.0);
}

static void
test_new_misuse (void)
{
  const struct
  {
    int max_retries;
    double base_delay;
    const char *message;
  } rows[] = {
    { -2, 1.0, "*max_retries >= -1*" }, { G_MININT, 1.0, "*max_retries >= -1*" },
    { 2, -0.001, "*base_delay*" },      { 2, NAN, "*base_delay*" },
    { 2, INFINITY, "*base_delay*" },    { -1, 0.0, "*base_delay*" },
    { -1, 0.0099, "*base_delay*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_expect_message ("Resilient", G_LOG_LEVEL_CRITICAL, rows[i].message);
      g_assert_null (resilient_retry_policy_new (rows[i].max_retries, rows[i].base_delay));
      g_test_assert_expected_messages ();
    }
}

/* A value from outside is an error that names it, and no CRITICAL. */
static void
test_new_checked (void)
{
  const struct
  {
    int max_retries;
    double base_delay;
    const char *named; /* NULL: it is valid */
  } rows[] = {
    { 3, 0.5, NULL },
    { -1, 0.01, NULL },
    { 0, 90.0, NULL },
    { -5, 1.0, "max_retries" },
    { 2, -0.001, "base_delay" },
    { 2, NAN, "base_delay" },
    { 2, INFINITY, "base_delay" },
    { -1, 0.0, "base_delay" },
    { -1, 0.0099, "base_delay" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRetryPolicy) policy =
        resilient_retry_policy_new_checked (rows[i].max_retries, rows[i].base_delay, &error);

      if (rows[i].named == NULL)
        {
          g_autoptr (ResilientRetryPolicy) same =
            resilient_retry_policy_new (rows[i].max_retries, rows[i].base_delay);

          g_assert_no_error (error);
          g_assert_true (resilient_retry_policy_equal (policy, same));
          continue;
        }
      g_assert_null (policy);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, rows[i].named));
    }
}

static void
test_copy (void)
{
  ResilientRetryPolicy *policy = resilient_retry_policy_new (1, 1.0);
  ResilientRetryPolicy *copy = resilient_retry_policy_copy (policy);
  ResilientRetryPolicy *boxed = g_boxed_copy (RESILIENT_TYPE_RETRY_POLICY, policy);

  g_assert_true (copy == policy);
  g_assert_true (boxed == policy);

  resilient_retry_policy_unref (policy);
  g_boxed_free (RESILIENT_TYPE_RETRY_POLICY, boxed);
  g_assert_cmpint (resilient_retry_policy_get_max_retries (copy), ==, 1);
  resilient_retry_policy_unref (copy);
}

static void
test_equal (void)
{
  const guint16 one_status[] = { 503 };
  const guint16 other_status[] = { 502 };
  const ResilientRetryPolicyValues values = {
    2, 1.0, 2.0, 30.0, RESILIENT_JITTER_PROPORTIONAL, 0.2, RESILIENT_FAILURE_STATUS, TRUE, 60.0
  };
  g_autoptr (ResilientRetryPolicy) policy =
    resilient_retry_policy_new_from_values (&values, one_status, 1);
  g_autoptr (ResilientRetryPolicy) same =
    resilient_retry_policy_new_from_values (&values, one_status, 1);
  g_autoptr (ResilientRetryPolicy) none = resilient_retry_policy_new_from_values (&values, NULL, 0);
  g_autoptr (ResilientRetryPolicy) other =
    resilient_retry_policy_new_from_values (&values, other_status, 1);

  g_assert_true (resilient_retry_policy_equal (policy, policy));
  g_assert_true (resilient_retry_policy_equal (policy, same));
  g_assert_false (resilient_retry_policy_equal (policy, none));
  g_assert_false (resilient_retry_policy_equal (policy, other));

  /* Each value counts. */
  for (guint field = 0; field < 12; field++)
    {
      g_autoptr (ResilientRetryPolicy) changed = NULL;
      ResilientRetryPolicyValues copy = values;

      switch (field)
        {
        case 0:
          copy.max_retries++;
          break;
        case 1:
          copy.base_delay += 0.5;
          break;
        case 2:
          copy.backoff_factor += 0.5;
          break;
        case 3:
          copy.max_delay += 0.5;
          break;
        case 4:
          copy.jitter_mode = RESILIENT_JITTER_FULL;
          break;
        case 5:
          copy.jitter += 0.5;
          break;
        case 6:
          copy.retry_on |= RESILIENT_FAILURE_CONNECT;
          break;
        case 7:
          copy.respect_retry_after = FALSE;
          break;
        case 8:
          copy.hedge_delay += 0.5;
          break;
        case 9:
          copy.hedge_max++;
          break;
        case 10:
          copy.max_retry_after += 0.5;
          break;
        default:
          copy.shared_retry_after = TRUE;
          break;
        }
      changed = resilient_retry_policy_new_from_values (&copy, one_status, 1);
      g_assert_false (resilient_retry_policy_equal (policy, changed));
      g_assert_false (resilient_retry_policy_equal (changed, policy));
    }
}

static void
test_has_status (void)
{
  ResilientRetryPolicy *standard = resilient_retry_policy_get_standard ();

  for (guint status = 0; status < 70000; status++)
    {
      gboolean listed = FALSE;

      for (guint i = 0; i < G_N_ELEMENTS (standard_statuses); i++)
        listed = listed || standard_statuses[i] == status;

      g_assert_cmpint (resilient_retry_policy_has_status (standard, status), ==, listed);
      g_assert_false (
        resilient_retry_policy_has_status (resilient_retry_policy_get_default (), status));
    }
}

static void
test_delay_for_attempt (void)
{
  ResilientRetryPolicy *policy = resilient_retry_policy_get_default ();

  resilient_random_seed (1);

  /* Nothing is slept before the first attempt. */
  g_assert_cmpfloat (resilient_retry_policy_delay_for_attempt (policy, 0), ==, 0.0);

  for (guint i = 0; i < 1000; i++)
    {
      const struct
      {
        guint attempt;
        double low, high;
      } rows[] = {
        { 1, 0.8, 1.2 },
        { 2, 1.6, 2.4 },
        { 3, 3.2, 4.8 },
        { 4, 6.4, 9.6 },
        { 5, 12.8, 19.2 },
        /* 32 s is beyond the cap: 25 ± 5 s. */
        { 6, 20.0, 30.0 },
        { 7, 20.0, 30.0 },
        { G_MAXUINT, 20.0, 30.0 },
      };

      for (guint row = 0; row < G_N_ELEMENTS (rows); row++)
        {
          double delay = resilient_retry_policy_delay_for_attempt (policy, rows[row].attempt);

          g_assert_cmpfloat (delay, >=, rows[row].low - 1e-9);
          g_assert_cmpfloat (delay, <=, rows[row].high);
        }
    }

  resilient_random_unseed ();
}

/* Decorrelated jitter has a history: the delay of a later attempt is longer than an early one. */
static void
test_delay_for_attempt_decorrelated (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  double sum_first = 0.0, sum_late = 0.0, longest = 0.0;

  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_DECORRELATED);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  g_assert_nonnull (policy);

  resilient_random_seed (2);
  for (guint i = 0; i < 2000; i++)
    {
      double first = resilient_retry_policy_delay_for_attempt (policy, 1);
      double late = resilient_retry_policy_delay_for_attempt (policy, G_MAXUINT);

      g_assert_cmpfloat (first, >=, 1.0);
      g_assert_cmpfloat (first, <=, 3.0);
      g_assert_cmpfloat (late, >=, 1.0);
      g_assert_cmpfloat (late, <=, 30.0);
      sum_first += first;
      sum_late += late;
      longest = MAX (longest, late);
    }
  resilient_random_unseed ();

  g_assert_cmpfloat (sum_late, >, 2.0 * sum_first);
  g_assert_cmpfloat (longest, >, 25.0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/retry-policy/presets", test_presets);
  g_test_add_func ("/retry-policy/new", test_new);
  g_test_add_func ("/retry-policy/new/bounds", test_new_bounds);
  g_test_add_func ("/retry-policy/new/misuse", test_new_misuse);
  g_test_add_func ("/retry-policy/new/checked", test_new_checked);
  g_test_add_func ("/retry-policy/copy", test_copy);
  g_test_add_func ("/retry-policy/equal", test_equal);
  g_test_add_func ("/retry-policy/has-status", test_has_status);
  g_test_add_func ("/retry-policy/delay-for-attempt", test_delay_for_attempt);
  g_test_add_func ("/retry-policy/delay-for-attempt/decorrelated",
                   test_delay_for_attempt_decorrelated);

  return g_test_run ();
}
