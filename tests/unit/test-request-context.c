/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-context-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-builder.h"
#include "test-clock.h"
#include "test-util.h"

static GVariant *
make_metadata (const char *value)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "key", "s", value);
  return g_variant_dict_end (&dict);
}

static void
assert_metadata (ResilientRequestContext *context, const char *value)
{
  GVariant *metadata = resilient_request_context_get_metadata (context);
  const char *found = NULL;

  g_assert_true (g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT));
  g_assert_false (g_variant_is_floating (metadata));
  g_assert_cmpuint (g_variant_n_children (metadata), ==, value != NULL ? 1 : 0);
  g_variant_lookup (metadata, "key", "&s", &found);
  g_assert_cmpstr (found, ==, value);
}

static void
test_defaults (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, NULL, NULL, &error);
  g_autoptr (ResilientRequestContext) other =
    resilient_request_context_new (NULL, NULL, NULL, NULL);

  g_assert_no_error (error);

  /* A random id, of its own. */
  g_assert_true (g_uuid_string_is_valid (resilient_request_context_get_request_id (context)));
  g_assert_cmpstr (resilient_request_context_get_request_id (context),
                   !=,
                   resilient_request_context_get_request_id (other));

  /* No policy is known, and the library's default answers. */
  g_assert_null (resilient_request_context_get_policy (context));
  g_assert_true (resilient_request_context_peek_policy (context)
                 == resilient_retry_policy_get_default ());
  g_assert_cmpint (resilient_request_context_get_max_retries (context), ==, 2);
  g_assert_cmpfloat (resilient_request_context_get_base_delay (context), ==, 1.0);
  g_assert_cmpfloat (resilient_request_context_get_backoff_factor (context), ==, 2.0);
  g_assert_cmpfloat (resilient_request_context_get_max_delay (context), ==, 30.0);

  g_assert_cmpuint (resilient_request_context_get_current_attempt (context), ==, 0);
  g_assert_cmpint (
    resilient_request_context_get_created_at (context), ==, resilient_clock_get_real ());
  assert_metadata (context, NULL);
}

static void
test_policy (void)
{
  ResilientRetryPolicy *standard = resilient_retry_policy_get_standard ();
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("id", standard, NULL, NULL);

  g_assert_true (resilient_request_context_get_policy (context) == standard);
  g_assert_cmpint (resilient_request_context_get_max_retries (context), ==, 3);
  g_assert_cmpfloat (resilient_request_context_get_base_delay (context), ==, 0.5);
  g_assert_cmpfloat (resilient_request_context_get_backoff_factor (context), ==, 2.0);
  g_assert_cmpfloat (resilient_request_context_get_max_delay (context), ==, 30.0);
}

static void
test_request_id (void)
{
  g_autofree char *longest = g_strnfill (128, 'x');
  g_autofree char *too_long = g_strnfill (129, 'x');
  const struct
  {
    const char *id;
    gboolean valid;
  } rows[] = {
    { "a", TRUE },     { "Z", TRUE },    { "0", TRUE },       { ".", TRUE },
    { "_", TRUE },     { ":", TRUE },    { "-", TRUE },       { "user:42.retry_1-B", TRUE },
    { longest, TRUE }, { "", FALSE },    { too_long, FALSE }, { "a b", FALSE },
    { "a\n", FALSE },  { "a/b", FALSE }, { "a,b", FALSE },    { "é", FALSE },
    { "a@b", FALSE },  { "[a]", FALSE }, { "a;b", FALSE },    { "\x7f", FALSE },
    { "\xff", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRequestContext) context = NULL;
      g_autoptr (GError) error = NULL;

      context = resilient_request_context_new (rows[i].id, NULL, NULL, &error);
      if (rows[i].valid)
        {
          g_assert_no_error (error);
          g_assert_cmpstr (resilient_request_context_get_request_id (context), ==, rows[i].id);
        }
      else
        {
          g_assert_null (context);
          g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
        }
    }
}

static void
test_metadata (void)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (make_metadata ("owned"));
  g_autoptr (ResilientRequestContext) sinks =
    resilient_request_context_new (NULL, NULL, make_metadata ("floats"), NULL);
  g_autoptr (ResilientRequestContext) shares =
    resilient_request_context_new (NULL, NULL, owned, NULL);
  g_autoptr (ResilientRequestContext) changed = NULL;
  g_autoptr (ResilientRequestContext) emptied = NULL;
  g_autoptr (ResilientRequestContext) retried =
    resilient_request_context_increment_attempt (shares);
  g_autoptr (GError) error = NULL;

  assert_metadata (sinks, "floats");
  assert_metadata (shares, "owned");
  g_assert_true (resilient_request_context_get_metadata (shares) == owned);

  changed = resilient_request_context_with_metadata (retried, make_metadata ("changed"), &error);
  g_assert_no_error (error);
  assert_metadata (changed, "changed");
  assert_metadata (retried, "owned");
  g_assert_cmpuint (resilient_request_context_get_current_attempt (changed), ==, 1);
  g_assert_cmpfloat (resilient_request_context_get_previous_delay (changed),
                     ==,
                     resilient_request_context_get_previous_delay (retried));

  emptied = resilient_request_context_with_metadata (changed, NULL, &error);
  g_assert_no_error (error);
  assert_metadata (emptied, NULL);
}

static void
test_metadata_refused (void)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("id", NULL, NULL, NULL);
  const char *texts[] = { "'a string'", "{'key': 'value'}", "[<1>]", "(@a{sv} {},)" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      /* Floating ones are sunk, so nothing leaks here. */
      g_assert_null (
        resilient_request_context_new (NULL, NULL, g_variant_new_parsed (texts[i]), &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_nonnull (strstr (error->message, "a{sv}"));
      g_clear_error (&error);

      g_assert_null (
        resilient_request_context_with_metadata (context, g_variant_new_parsed (texts[i]), &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
    }
}

/* The number of the attempt may be made when there is no limit or it is not above it. */
static void
test_has_retries_left (void)
{
  const struct
  {
    int max_retries;
    guint attempt;
    gboolean expected;
  } rows[] = {
    { 0, 0, TRUE },  { 0, 1, FALSE }, { 1, 0, TRUE },    { 1, 1, TRUE },
    { 1, 2, FALSE }, { 2, 2, TRUE },  { 2, 3, FALSE },   { 2, 10, FALSE },
    { -1, 0, TRUE }, { -1, 1, TRUE }, { -1, 200, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy =
        resilient_retry_policy_new (rows[i].max_retries, 0.01);
      g_autoptr (ResilientRequestContext) context =
        resilient_request_context_new (NULL, policy, NULL, NULL);

      for (guint attempt = 0; attempt < rows[i].attempt; attempt++)
        {
          g_autoptr (ResilientRequestContext) before = g_steal_pointer (&context);

          context = resilient_request_context_increment_attempt (before);
        }

      g_assert_cmpuint (
        resilient_request_context_get_current_attempt (context), ==, rows[i].attempt);
      g_assert_cmpint (resilient_request_context_has_retries_left (context), ==, rows[i].expected);
    }
}

static void
test_attempts (void)
{
  g_autoptr (ResilientRequestContext) first = resilient_request_context_new (
    "id", resilient_retry_policy_get_standard (), make_metadata ("x"), NULL);
  g_autoptr (ResilientRequestContext) second = NULL;
  g_autoptr (ResilientRequestContext) third = NULL;
  g_autoptr (ResilientRequestContext) again = NULL;
  gint64 created_at = resilient_request_context_get_created_at (first);

  test_clock_pass (1);
  second = resilient_request_context_increment_attempt (first);
  third = resilient_request_context_increment_attempt (second);
  again = resilient_request_context_reset_attempts (third);

  /* The original never changes. */
  g_assert_true (first != second);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (first), ==, 0);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (second), ==, 1);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (third), ==, 2);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (again), ==, 0);

  /* Nor does anything else. */
  g_assert_cmpstr (resilient_request_context_get_request_id (third), ==, "id");
  g_assert_true (resilient_request_context_get_policy (third)
                 == resilient_retry_policy_get_standard ());
  g_assert_cmpint (resilient_request_context_get_created_at (third), ==, created_at);
  assert_metadata (third, "x");

  g_assert_true (resilient_request_context_equal (first, again));
  g_assert_cmpfloat (resilient_request_context_get_previous_delay (again), ==, 0.0);
}

static void
test_last_attempt (void)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (-1, 0.01);
  g_autoptr (ResilientRequestContext) first =
    resilient_request_context_new (NULL, policy, NULL, NULL);
  /* Four thousand million attempts later. */
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_at (first, G_MAXUINT, 0.0);
  g_autoptr (ResilientRequestContext) next = NULL;

  g_assert_true (resilient_request_context_has_retries_left (context));
  next = resilient_request_context_increment_attempt (context);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (next), ==, G_MAXUINT);
}

static void
test_calculate_delay (void)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, NULL, NULL, NULL);
  const double nominal[] = { 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 25.0, 25.0 };

  resilient_random_seed (6);
  for (guint attempt = 0; attempt < G_N_ELEMENTS (nominal); attempt++)
    {
      g_autoptr (ResilientRequestContext) before = NULL;

      for (guint i = 0; i < 200; i++)
        {
          double delay = resilient_request_context_calculate_delay (context);

          g_assert_cmpfloat (delay, >=, 0.8 * nominal[attempt] - 1e-9);
          g_assert_cmpfloat (delay, <=, 1.2 * nominal[attempt] + 1e-9);
        }
      before = g_steal_pointer (&context);
      context = resilient_request_context_increment_attempt (before);
    }
  resilient_random_unseed ();
}

/* Decorrelated jitter goes on from the delay before: that of the attempt before, not its own. */
static void
test_calculate_delay_decorrelated (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRequestContext) start = NULL;
  g_autoptr (ResilientRequestContext) first = NULL;
  g_autoptr (ResilientRequestContext) second = NULL;
  double longest_first = 0.0, longest_second = 0.0, longest_grown = 0.0;

  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_DECORRELATED);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  start = resilient_request_context_new (NULL, policy, NULL, NULL);
  first = resilient_request_context_advance (start, 5.0);
  second = resilient_request_context_advance (first, 9.0);

  g_assert_cmpfloat (resilient_request_context_get_previous_delay (start), ==, 0.0);
  g_assert_cmpfloat (resilient_request_context_get_previous_delay (first), ==, 5.0);
  g_assert_cmpfloat (resilient_request_context_get_previous_delay (second), ==, 9.0);

  resilient_random_seed (7);
  for (guint i = 0; i < 2000; i++)
    {
      double delay_first = resilient_request_context_calculate_delay (first);
      double delay_second = resilient_request_context_calculate_delay (second);

      g_assert_cmpfloat (delay_first, >=, 1.0);
      g_assert_cmpfloat (delay_first, <=, 3.0);
      g_assert_cmpfloat (delay_second, >=, 1.0);
      g_assert_cmpfloat (delay_second, <=, 15.0);
      longest_first = MAX (longest_first, delay_first);
      longest_second = MAX (longest_second, delay_second);
    }
  g_assert_cmpfloat (longest_first, >, 2.9);
  g_assert_cmpfloat (longest_second, >, 14.5);

  /* Counting by hand lets it grow all the same. */
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (ResilientRequestContext) context = resilient_request_context_ref (start);

      for (guint attempt = 0; attempt < 8; attempt++)
        {
          g_autoptr (ResilientRequestContext) before = g_steal_pointer (&context);

          context = resilient_request_context_increment_attempt (before);
        }
      longest_grown = MAX (longest_grown, resilient_request_context_calculate_delay (context));
    }
  g_assert_cmpfloat (longest_grown, >, 10.0);
  resilient_random_unseed ();
}

/* Boot time: it goes on in suspend, and the wall clock doesn't matter. */
static void
test_elapsed_time (void)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, NULL, NULL, NULL);
  g_autoptr (ResilientRequestContext) retried = NULL;

  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 0.0);

  test_clock_pass (1.5);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 1.5);

  test_clock_set_real (resilient_clock_get_real () - G_TIME_SPAN_HOUR);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 1.5);

  test_clock_suspend (10.0);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 11.5);

  /* From the creation of the first one. */
  retried = resilient_request_context_increment_attempt (context);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (retried), ==, 11.5);
  test_clock_set_real (resilient_clock_get_real () + G_TIME_SPAN_HOUR);
}

static void
test_stamp (void)
{
  ResilientRetryPolicy *standard = resilient_retry_policy_get_standard ();
  g_autoptr (ResilientRequestContext) bare =
    resilient_request_context_new ("bare", NULL, NULL, NULL);
  g_autoptr (ResilientRequestContext) full = resilient_request_context_new (
    "full", resilient_retry_policy_get_default (), make_metadata ("mine"), NULL);
  g_autoptr (ResilientRequestContext) used = resilient_request_context_advance (full, 3.0);
  g_autoptr (ResilientRequestContext) stamped = NULL;

  /* None: one of our own. */
  stamped = resilient_request_context_stamp (NULL, standard, make_metadata ("theirs"));
  g_assert_true (g_uuid_string_is_valid (resilient_request_context_get_request_id (stamped)));
  g_assert_true (resilient_request_context_get_policy (stamped) == standard);
  assert_metadata (stamped, "theirs");
  g_clear_pointer (&stamped, resilient_request_context_unref);

  /* No metadata: those of the request. */
  stamped = resilient_request_context_stamp (bare, standard, make_metadata ("theirs"));
  g_assert_cmpstr (resilient_request_context_get_request_id (stamped), ==, "bare");
  g_assert_true (resilient_request_context_get_policy (stamped) == standard);
  assert_metadata (stamped, "theirs");
  g_assert_null (resilient_request_context_get_policy (bare));
  assert_metadata (bare, NULL);
  g_clear_pointer (&stamped, resilient_request_context_unref);

  /* Its own metadata stay; it starts at the first attempt, whatever was counted before. */
  stamped = resilient_request_context_stamp (used, standard, make_metadata ("theirs"));
  g_assert_true (resilient_request_context_get_policy (stamped) == standard);
  assert_metadata (stamped, "mine");
  g_assert_cmpuint (resilient_request_context_get_current_attempt (stamped), ==, 0);
  g_assert_cmpfloat (resilient_request_context_get_previous_delay (stamped), ==, 0.0);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (used), ==, 1);
  g_clear_pointer (&stamped, resilient_request_context_unref);

  stamped = resilient_request_context_stamp (bare, standard, NULL);
  assert_metadata (stamped, NULL);
}

/* An empty dictionary that was given is given. */
static void
test_stamp_empty_metadata (void)
{
  GVariant *empty = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("id", NULL, empty, NULL);
  g_autoptr (ResilientRequestContext) stamped = resilient_request_context_stamp (
    context, resilient_retry_policy_get_default (), make_metadata ("theirs"));

  assert_metadata (stamped, NULL);
}

static void
test_equal (void)
{
  g_autoptr (ResilientRetryPolicy) same_policy = resilient_retry_policy_new (2, 1.0);
  g_autoptr (ResilientRequestContext) context = resilient_request_context_new (
    "id", resilient_retry_policy_get_default (), make_metadata ("x"), NULL);
  g_autoptr (ResilientRequestContext) same =
    resilient_request_context_new ("id", same_policy, make_metadata ("x"), NULL);
  ResilientRequestContext *others[] = {
    resilient_request_context_new ("other", same_policy, make_metadata ("x"), NULL),
    resilient_request_context_new ("id", NULL, make_metadata ("x"), NULL),
    resilient_request_context_new (
      "id", resilient_retry_policy_get_standard (), make_metadata ("x"), NULL),
    resilient_request_context_new ("id", same_policy, make_metadata ("y"), NULL),
    resilient_request_context_new ("id", same_policy, NULL, NULL),
    resilient_request_context_increment_attempt (context),
    NULL,
  };

  test_clock_pass (1e-6);
  others[G_N_ELEMENTS (others) - 1] =
    resilient_request_context_new ("id", same_policy, make_metadata ("x"), NULL);

  g_assert_true (resilient_request_context_equal (context, context));
  g_assert_true (resilient_request_context_equal (context, same));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_assert_false (resilient_request_context_equal (context, others[i]));
      g_assert_false (resilient_request_context_equal (others[i], context));
      resilient_request_context_unref (others[i]);
    }
}

static void
test_copy (void)
{
  ResilientRequestContext *context = resilient_request_context_new ("id", NULL, NULL, NULL);
  ResilientRequestContext *copy = resilient_request_context_copy (context);
  ResilientRequestContext *boxed = g_boxed_copy (RESILIENT_TYPE_REQUEST_CONTEXT, context);

  g_assert_true (copy == context);
  g_assert_true (boxed == context);
  resilient_request_context_unref (context);
  g_boxed_free (RESILIENT_TYPE_REQUEST_CONTEXT, boxed);
  g_assert_cmpstr (resilient_request_context_get_request_id (copy), ==, "id");
  resilient_request_context_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/request-context/defaults", test_defaults);
  g_test_add_func ("/request-context/policy", test_policy);
  g_test_add_func ("/request-context/request-id", test_request_id);
  g_test_add_func ("/request-context/metadata", test_metadata);
  g_test_add_func ("/request-context/metadata/refused", test_metadata_refused);
  g_test_add_func ("/request-context/has-retries-left", test_has_retries_left);
  g_test_add_func ("/request-context/attempts", test_attempts);
  g_test_add_func ("/request-context/attempts/last", test_last_attempt);
  g_test_add_func ("/request-context/calculate-delay", test_calculate_delay);
  g_test_add_func ("/request-context/calculate-delay/decorrelated",
                   test_calculate_delay_decorrelated);
  g_test_add_func ("/request-context/elapsed-time", test_elapsed_time);
  g_test_add_func ("/request-context/stamp", test_stamp);
  g_test_add_func ("/request-context/stamp/empty-metadata", test_stamp_empty_metadata);
  g_test_add_func ("/request-context/equal", test_equal);
  g_test_add_func ("/request-context/copy", test_copy);

  return g_test_run ();
}
