/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-retry-policy-builder.h"
#include "resilient-retry-policy-private.h"

/* A policy may be built of what stands in a file of settings.
 *
 * An input has a line for each of: max_retries, base_delay, backoff_factor, max_delay, jitter_mode,
 * jitter, retry_on, respect_retry_after, max_retry_after, hedge_delay, hedge_max; then one for each
 * status. */

#define MAX_STATUSES 64

static const char *const fields[] = {
  "max_retries", "base_delay",     "backoff_factor",  "max_delay",   "jitter_mode", "jitter",
  "retry_on",    "retry_statuses", "max_retry_after", "hedge_delay", "hedge_max",   NULL,
};

static ResilientRetryPolicyBuilder *
make_builder (const ResilientRetryPolicyValues *values, const guint16 *statuses, gsize n_statuses)
{
  ResilientRetryPolicyBuilder *builder = resilient_retry_policy_builder_new (NULL);

  resilient_retry_policy_builder_set_max_retries (builder, values->max_retries);
  resilient_retry_policy_builder_set_base_delay (builder, values->base_delay);
  resilient_retry_policy_builder_set_backoff_factor (builder, values->backoff_factor);
  resilient_retry_policy_builder_set_max_delay (builder, values->max_delay);
  resilient_retry_policy_builder_set_jitter_mode (builder, values->jitter_mode);
  resilient_retry_policy_builder_set_jitter (builder, values->jitter);
  resilient_retry_policy_builder_set_retry_on (builder, values->retry_on);
  resilient_retry_policy_builder_set_respect_retry_after (builder, values->respect_retry_after);
  resilient_retry_policy_builder_set_max_retry_after (builder, values->max_retry_after);
  resilient_retry_policy_builder_set_hedge_delay (builder, values->hedge_delay);
  resilient_retry_policy_builder_set_hedge_max (builder, values->hedge_max);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, n_statuses);

  return builder;
}

static gboolean
is_duration (double seconds)
{
  return seconds >= 0.0 && seconds <= G_MAXDOUBLE;
}

static gboolean
is_valid (const ResilientRetryPolicyValues *values, const guint16 *statuses, gsize n_statuses)
{
  for (gsize i = 0; i < n_statuses; i++)
    if (statuses[i] < 400 || statuses[i] > 599)
      return FALSE;

  return values->max_retries >= -1 && is_duration (values->base_delay)
         && (values->max_retries >= 0 || values->base_delay >= 0.01)
         && (values->hedge_delay == -1 || is_duration (values->hedge_delay))
         && values->hedge_max >= 1 && is_duration (values->max_delay)
         && is_duration (values->max_retry_after) && values->base_delay <= values->max_delay
         && values->backoff_factor >= 1.0 && values->backoff_factor <= G_MAXDOUBLE
         && (int) values->jitter_mode >= 0
         && (int) values->jitter_mode <= RESILIENT_JITTER_DECORRELATED && values->jitter >= 0.0
         && values->jitter <= 1.0 && ((int) values->retry_on & ~RESILIENT_FAILURE_RETRYABLE) == 0;
}

static void
check_refused (const GError *error)
{
  gboolean names_field = FALSE;

  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
  for (guint i = 0; fields[i] != NULL; i++)
    names_field = names_field || strstr (error->message, fields[i]) != NULL;
  g_assert_true (names_field);
}

/* Ascending, each once, and none that was not asked for. */
static void
check_statuses (ResilientRetryPolicy *policy, const guint16 *statuses, gsize n_statuses)
{
  gsize n;
  const guint16 *sorted = resilient_retry_policy_get_retry_statuses (policy, &n);

  g_assert_cmpuint (n, <=, n_statuses);
  for (gsize i = 1; i < n; i++)
    g_assert_cmpuint (sorted[i - 1], <, sorted[i]);
  for (gsize i = 0; i < n_statuses; i++)
    g_assert_true (resilient_retry_policy_has_status (policy, statuses[i]));
}

/* Never negative, never above the cap; without chance, never shorter than the one before. */
static void
check_delays (ResilientRetryPolicy *policy)
{
  const guint attempts[] = { 1, 2, 3, 10, 63, 64, 65, 1000, G_MAXUINT };
  double cap = resilient_retry_policy_get_max_delay (policy);
  double nominal = 0.0, delay = 0.0;

  g_assert_cmpfloat (resilient_retry_policy_delay_for_attempt (policy, 0), ==, 0.0);
  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      double next = resilient_retry_policy_get_nominal_delay (policy, attempts[i]);
      double drawn = resilient_retry_policy_delay_for_attempt (policy, attempts[i]);

      g_assert_true (next >= nominal && next <= cap);
      g_assert_true (drawn >= 0.0 && drawn <= cap);
      nominal = next;
      delay = resilient_retry_policy_draw_delay (policy, attempts[i], delay);
      g_assert_true (delay >= 0.0 && delay <= cap);
      if (resilient_retry_policy_get_jitter_mode (policy) == RESILIENT_JITTER_NONE)
        g_assert_cmpfloat (delay, ==, nominal);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  guint16 statuses[MAX_STATUSES];
  gsize n_statuses = 0;
  ResilientRetryPolicyValues values = {
    .max_retries = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT),
    .base_delay = fuzz_take_double (&input),
    .backoff_factor = fuzz_take_double (&input),
    .max_delay = fuzz_take_double (&input),
    .jitter_mode = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT),
    .jitter = fuzz_take_double (&input),
    .retry_on = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT),
    .respect_retry_after = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT),
    .max_retry_after = fuzz_take_double (&input),
    .hedge_delay = fuzz_take_double (&input),
    .hedge_max = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT),
  };
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicyBuilder) copier = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRetryPolicy) copy = NULL;
  g_autoptr (GError) error = NULL;

  while (input.size > 0 && n_statuses < MAX_STATUSES)
    statuses[n_statuses++] = (guint16) fuzz_take_integer (&input, 0, G_MAXUINT16);

  builder = make_builder (&values, statuses, n_statuses);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_cmpint (policy != NULL, ==, is_valid (&values, statuses, n_statuses));
  if (policy == NULL)
    {
      check_refused (error);
      return 0;
    }

  g_assert_no_error (error);
  g_assert_cmpint (resilient_retry_policy_get_max_retries (policy), ==, values.max_retries);
  g_assert_cmpfloat (
    resilient_retry_policy_get_max_retry_after (policy), ==, values.max_retry_after);
  check_statuses (policy, statuses, n_statuses);
  check_delays (policy);

  /* What is built of a policy is that policy. */
  copier = resilient_retry_policy_builder_new (policy);
  copy = resilient_retry_policy_builder_build (copier, &error);
  g_assert_no_error (error);
  g_assert_true (resilient_retry_policy_equal (policy, copy));

  return 0;
}
