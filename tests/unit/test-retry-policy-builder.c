/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-policy-builder.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"

static void
test_base (void)
{
  ResilientRetryPolicy *bases[] = {
    resilient_retry_policy_get_default (),
    resilient_retry_policy_get_standard (),
  };

  for (guint i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder =
        resilient_retry_policy_builder_new (bases[i]);
      g_autoptr (ResilientRetryPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      policy = resilient_retry_policy_builder_build (builder, &error);
      g_assert_no_error (error);
      g_assert_true (resilient_retry_policy_equal (policy, bases[i]));
    }
}

static void
test_setters (void)
{
  const guint16 statuses[] = { 503, 429, 503, 599, 400 };
  const guint16 expected[] = { 400, 429, 503, 599 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRetryPolicy) emptied = NULL;
  g_autoptr (GError) error = NULL;
  const guint16 *kept;
  gsize n_kept = 0;

  resilient_retry_policy_builder_set_max_retries (builder, -1);
  resilient_retry_policy_builder_set_base_delay (builder, 0.125);
  resilient_retry_policy_builder_set_backoff_factor (builder, 1.0);
  resilient_retry_policy_builder_set_max_delay (builder, 0.125);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_EQUAL);
  resilient_retry_policy_builder_set_jitter (builder, 1.0);
  resilient_retry_policy_builder_set_retry_on (builder, RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  resilient_retry_policy_builder_set_respect_retry_after (builder, 42);
  resilient_retry_policy_builder_set_shared_retry_after (builder, 42);
  resilient_retry_policy_builder_set_max_retry_after (builder, 0.0);
  resilient_retry_policy_builder_set_hedge_delay (builder, 0.25);
  resilient_retry_policy_builder_set_hedge_max (builder, 3);

  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  g_assert_cmpint (resilient_retry_policy_get_max_retries (policy), ==, -1);
  g_assert_cmpfloat (resilient_retry_policy_get_base_delay (policy), ==, 0.125);
  g_assert_cmpfloat (resilient_retry_policy_get_backoff_factor (policy), ==, 1.0);
  g_assert_cmpfloat (resilient_retry_policy_get_max_delay (policy), ==, 0.125);
  g_assert_cmpint (resilient_retry_policy_get_jitter_mode (policy), ==, RESILIENT_JITTER_EQUAL);
  g_assert_cmpfloat (resilient_retry_policy_get_jitter (policy), ==, 1.0);
  g_assert_cmphex (resilient_retry_policy_get_retry_on (policy), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpint (resilient_retry_policy_get_respect_retry_after (policy), ==, TRUE);
  g_assert_cmpint (resilient_retry_policy_get_shared_retry_after (policy), ==, TRUE);
  g_assert_cmpfloat (resilient_retry_policy_get_max_retry_after (policy), ==, 0.0);
  g_assert_cmpfloat (resilient_retry_policy_get_hedge_delay (policy), ==, 0.25);
  g_assert_cmpint (resilient_retry_policy_get_hedge_max (policy), ==, 3);

  /* In order, each once. */
  kept = resilient_retry_policy_get_retry_statuses (policy, &n_kept);
  g_assert_cmpmem (kept, n_kept * sizeof *kept, expected, sizeof expected);

  /* The builder goes on, the policy stays. */
  resilient_retry_policy_builder_set_retry_statuses (builder, NULL, 0);
  emptied = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_retry_policy_get_retry_statuses (emptied, &n_kept);
  g_assert_cmpuint (n_kept, ==, 0);
  resilient_retry_policy_get_retry_statuses (policy, &n_kept);
  g_assert_cmpuint (n_kept, ==, 4);
}

typedef enum
{
  FIELD_MAX_RETRIES,
  FIELD_BASE_DELAY,
  FIELD_BACKOFF_FACTOR,
  FIELD_MAX_DELAY,
  FIELD_JITTER_MODE,
  FIELD_JITTER,
  FIELD_RETRY_ON,
  FIELD_RETRY_STATUSES,
  FIELD_MAX_RETRY_AFTER,
  FIELD_HEDGE_DELAY,
  FIELD_HEDGE_MAX,
} Field;

static const char *const field_names[] = {
  "max_retries", "base_delay",     "backoff_factor",  "max_delay",   "jitter_mode", "jitter",
  "retry_on",    "retry_statuses", "max_retry_after", "hedge_delay", "hedge_max",
};

static void
set_field (ResilientRetryPolicyBuilder *builder, Field field, double value)
{
  switch (field)
    {
    case FIELD_MAX_RETRIES:
      resilient_retry_policy_builder_set_max_retries (builder, (int) value);
      break;
    case FIELD_BASE_DELAY:
      resilient_retry_policy_builder_set_base_delay (builder, value);
      break;
    case FIELD_BACKOFF_FACTOR:
      resilient_retry_policy_builder_set_backoff_factor (builder, value);
      break;
    case FIELD_MAX_DELAY:
      resilient_retry_policy_builder_set_max_delay (builder, value);
      break;
    case FIELD_JITTER_MODE:
      resilient_retry_policy_builder_set_jitter_mode (builder, (ResilientJitter) (int) value);
      break;
    case FIELD_JITTER:
      resilient_retry_policy_builder_set_jitter (builder, value);
      break;
    case FIELD_RETRY_ON:
      resilient_retry_policy_builder_set_retry_on (builder, (ResilientFailure) (gint64) value);
      break;
    case FIELD_RETRY_STATUSES:
      {
        const guint16 statuses[] = { 503, (guint16) value };

        resilient_retry_policy_builder_set_retry_statuses (
          builder, statuses, G_N_ELEMENTS (statuses));
      }
      break;
    case FIELD_MAX_RETRY_AFTER:
      resilient_retry_policy_builder_set_max_retry_after (builder, value);
      break;
    case FIELD_HEDGE_DELAY:
      resilient_retry_policy_builder_set_hedge_delay (builder, value);
      break;
    case FIELD_HEDGE_MAX:
      resilient_retry_policy_builder_set_hedge_max (builder, (int) value);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
test_refused (void)
{
  const struct
  {
    Field field;
    double value;
  } rows[] = {
    { FIELD_MAX_RETRIES, -2 },
    { FIELD_MAX_RETRIES, G_MININT },
    { FIELD_BASE_DELAY, -1.0 },
    { FIELD_BASE_DELAY, NAN },
    { FIELD_BASE_DELAY, INFINITY },
    { FIELD_BASE_DELAY, 30.5 }, /* above the longest delay */
    { FIELD_BACKOFF_FACTOR, 0.999 },
    { FIELD_BACKOFF_FACTOR, 0.0 },
    { FIELD_BACKOFF_FACTOR, -2.0 },
    { FIELD_BACKOFF_FACTOR, NAN },
    { FIELD_BACKOFF_FACTOR, INFINITY },
    { FIELD_MAX_DELAY, -1.0 },
    { FIELD_MAX_DELAY, NAN },
    { FIELD_MAX_DELAY, INFINITY },
    { FIELD_MAX_DELAY, 0.5 }, /* below the base delay */
    { FIELD_JITTER_MODE, -1 },
    { FIELD_JITTER_MODE, RESILIENT_JITTER_DECORRELATED + 1 },
    { FIELD_JITTER, -0.1 },
    { FIELD_JITTER, 1.1 },
    { FIELD_JITTER, NAN },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CERTIFICATE },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_REDIRECT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_TOO_LARGE },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_QUEUE_TIMEOUT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_OVERLOADED },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CLOSED },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_INVALID },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CANCELLED },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_CANCELLED },
    { FIELD_RETRY_ON, 1 << 19 },
    { FIELD_RETRY_ON, 1 << 30 },
    { FIELD_RETRY_STATUSES, 0 },
    { FIELD_RETRY_STATUSES, 99 },
    { FIELD_RETRY_STATUSES, 200 },
    { FIELD_RETRY_STATUSES, 304 },
    { FIELD_RETRY_STATUSES, 399 },
    { FIELD_RETRY_STATUSES, 600 },
    { FIELD_RETRY_STATUSES, 65535 },
    { FIELD_MAX_RETRY_AFTER, -1.0 },
    { FIELD_MAX_RETRY_AFTER, NAN },
    { FIELD_MAX_RETRY_AFTER, INFINITY },
    { FIELD_HEDGE_DELAY, -0.1 },
    { FIELD_HEDGE_DELAY, -2 },
    { FIELD_HEDGE_DELAY, NAN },
    { FIELD_HEDGE_DELAY, INFINITY },
    { FIELD_HEDGE_MAX, 0 },
    { FIELD_HEDGE_MAX, -1 },
    { FIELD_HEDGE_MAX, G_MININT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
      g_autoptr (ResilientRetryPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s = %g", field_names[rows[i].field], rows[i].value);
      set_field (builder, rows[i].field, rows[i].value);
      policy = resilient_retry_policy_builder_build (builder, &error);

      g_assert_null (policy);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, field_names[rows[i].field]));

      /* Without a place for the error it is the same. */
      g_assert_null (resilient_retry_policy_builder_build (builder, NULL));
    }
}

static void
test_accepted (void)
{
  const struct
  {
    Field field;
    double value;
  } rows[] = {
    { FIELD_MAX_RETRIES, -1 },
    { FIELD_MAX_RETRIES, 0 },
    { FIELD_MAX_RETRIES, G_MAXINT },
    { FIELD_BASE_DELAY, 0.0 },
    { FIELD_BASE_DELAY, 30.0 },
    { FIELD_BACKOFF_FACTOR, 1.0 },
    { FIELD_BACKOFF_FACTOR, 1e300 },
    { FIELD_MAX_DELAY, 1.0 },
    { FIELD_MAX_DELAY, 1e300 },
    { FIELD_JITTER_MODE, RESILIENT_JITTER_NONE },
    { FIELD_JITTER_MODE, RESILIENT_JITTER_DECORRELATED },
    { FIELD_JITTER, 0.0 },
    { FIELD_JITTER, 1.0 },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_NONE },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_RESOLVE },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CONNECT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_TLS },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_CONNECT_TIMEOUT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_WRITE_TIMEOUT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_READ_TIMEOUT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_DISCONNECT },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_STATUS },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_PROTOCOL },
    { FIELD_RETRY_ON, RESILIENT_FAILURE_DEADLINE },
    { FIELD_RETRY_STATUSES, 400 },
    { FIELD_RETRY_STATUSES, 599 },
    { FIELD_MAX_RETRY_AFTER, 0.0 },
    { FIELD_MAX_RETRY_AFTER, 1e300 },
    { FIELD_HEDGE_DELAY, -1 },
    { FIELD_HEDGE_DELAY, 0.0 },
    { FIELD_HEDGE_DELAY, 1e300 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
      g_autoptr (ResilientRetryPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s = %g", field_names[rows[i].field], rows[i].value);
      set_field (builder, rows[i].field, rows[i].value);
      policy = resilient_retry_policy_builder_build (builder, &error);
      g_assert_no_error (error);
      g_assert_nonnull (policy);
    }
}

/* Nothing but the base delay keeps a request without a limit of retries from being sent without a
 * pause. */
static void
test_unlimited (void)
{
  const struct
  {
    int max_retries;
    double base_delay;
    gboolean accepted;
  } rows[] = {
    { -1, 0.0, FALSE }, { -1, 1e-9, FALSE }, { -1, 0.0099, FALSE }, { -1, 0.01, TRUE },
    { -1, 30.0, TRUE }, { 0, 0.0, TRUE },    { 5, 0.0, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
      g_autoptr (ResilientRetryPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("max_retries %d, base_delay %g", rows[i].max_retries, rows[i].base_delay);
      /* Two setters in whichever order: only the whole can contradict itself. */
      resilient_retry_policy_builder_set_base_delay (builder, rows[i].base_delay);
      resilient_retry_policy_builder_set_max_retries (builder, rows[i].max_retries);
      policy = resilient_retry_policy_builder_build (builder, &error);
      g_assert_cmpint (policy != NULL, ==, rows[i].accepted);
      if (rows[i].accepted)
        continue;
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, "base_delay"));
      g_assert_nonnull (strstr (error->message, "max_retries"));
    }
}

/* A mistake can be mended. */
static void
test_mended (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_base_delay (builder, 60.0);
  g_assert_null (resilient_retry_policy_builder_build (builder, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
  g_assert_nonnull (strstr (error->message, "max_delay"));
  g_clear_error (&error);

  resilient_retry_policy_builder_set_max_delay (builder, 60.0);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (resilient_retry_policy_get_base_delay (policy), ==, 60.0);
}

static void
test_boxed (void)
{
  ResilientRetryPolicyBuilder *builder = resilient_retry_policy_builder_new (NULL);
  ResilientRetryPolicyBuilder *boxed = g_boxed_copy (RESILIENT_TYPE_RETRY_POLICY_BUILDER, builder);

  g_assert_true (boxed == builder);
  resilient_retry_policy_builder_unref (builder);
  g_boxed_free (RESILIENT_TYPE_RETRY_POLICY_BUILDER, boxed);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/retry-policy-builder/base", test_base);
  g_test_add_func ("/retry-policy-builder/setters", test_setters);
  g_test_add_func ("/retry-policy-builder/refused", test_refused);
  g_test_add_func ("/retry-policy-builder/accepted", test_accepted);
  g_test_add_func ("/retry-policy-builder/unlimited", test_unlimited);
  g_test_add_func ("/retry-policy-builder/mended", test_mended);
  g_test_add_func ("/retry-policy-builder/boxed", test_boxed);

  return g_test_run ();
}
