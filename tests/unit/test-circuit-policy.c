/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-policy-builder.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"

static void
test_default (void)
{
  ResilientCircuitPolicy *policy = resilient_circuit_policy_get_default ();

  g_assert_true (policy == resilient_circuit_policy_get_default ());
  g_assert_cmpint (resilient_circuit_policy_get_failure_threshold (policy), ==, 5);
  g_assert_cmpfloat (resilient_circuit_policy_get_failure_rate (policy), ==, 0.5);
  g_assert_cmpint (resilient_circuit_policy_get_minimum_calls (policy), ==, 10);
  g_assert_cmpfloat (resilient_circuit_policy_get_window (policy), ==, 60.0);
  g_assert_cmpfloat (resilient_circuit_policy_get_recovery_timeout (policy), ==, 30.0);
  g_assert_cmpint (resilient_circuit_policy_get_half_open_max_calls (policy), ==, 1);
  g_assert_cmpfloat (resilient_circuit_policy_get_lease (policy), ==, 60.0);
}

typedef enum
{
  FIELD_FAILURE_THRESHOLD,
  FIELD_FAILURE_RATE,
  FIELD_MINIMUM_CALLS,
  FIELD_WINDOW,
  FIELD_RECOVERY_TIMEOUT,
  FIELD_HALF_OPEN_MAX_CALLS,
  FIELD_LEASE,
  N_FIELDS
} Field;

static const struct
{
  const char *name;
  void (*set_int) (ResilientCircuitPolicyBuilder *builder, int value);
  int (*get_int) (ResilientCircuitPolicy *policy);
  void (*set_double) (ResilientCircuitPolicyBuilder *builder, double value);
  double (*get_double) (ResilientCircuitPolicy *policy);
} fields[] = {
  { "failure_threshold",
    resilient_circuit_policy_builder_set_failure_threshold,
    resilient_circuit_policy_get_failure_threshold,
    NULL,
    NULL },
  { "failure_rate",
    NULL,
    NULL,
    resilient_circuit_policy_builder_set_failure_rate,
    resilient_circuit_policy_get_failure_rate },
  { "minimum_calls",
    resilient_circuit_policy_builder_set_minimum_calls,
    resilient_circuit_policy_get_minimum_calls,
    NULL,
    NULL },
  { "window",
    NULL,
    NULL,
    resilient_circuit_policy_builder_set_window,
    resilient_circuit_policy_get_window },
  { "recovery_timeout",
    NULL,
    NULL,
    resilient_circuit_policy_builder_set_recovery_timeout,
    resilient_circuit_policy_get_recovery_timeout },
  { "half_open_max_calls",
    resilient_circuit_policy_builder_set_half_open_max_calls,
    resilient_circuit_policy_get_half_open_max_calls,
    NULL,
    NULL },
  { "lease",
    NULL,
    NULL,
    resilient_circuit_policy_builder_set_lease,
    resilient_circuit_policy_get_lease },
};

static void
set_field (ResilientCircuitPolicyBuilder *builder, Field field, double value)
{
  if (fields[field].set_int != NULL)
    fields[field].set_int (builder, (int) value);
  else
    fields[field].set_double (builder, value);
}

static double
get_field (ResilientCircuitPolicy *policy, Field field)
{
  return fields[field].get_int != NULL ? fields[field].get_int (policy)
                                       : fields[field].get_double (policy);
}

static void
test_refused (void)
{
  const struct
  {
    Field field;
    double value;
  } rows[] = {
    { FIELD_FAILURE_THRESHOLD, 0 },
    { FIELD_FAILURE_THRESHOLD, -1 },
    { FIELD_FAILURE_THRESHOLD, G_MININT },
    { FIELD_FAILURE_RATE, 0.0 },
    { FIELD_FAILURE_RATE, -0.0 },
    { FIELD_FAILURE_RATE, -0.1 },
    { FIELD_FAILURE_RATE, 1.001 },
    { FIELD_FAILURE_RATE, 50.0 },
    { FIELD_FAILURE_RATE, NAN },
    { FIELD_FAILURE_RATE, INFINITY },
    { FIELD_FAILURE_RATE, -INFINITY },
    { FIELD_MINIMUM_CALLS, 0 },
    { FIELD_MINIMUM_CALLS, -1 },
    { FIELD_WINDOW, 0.0 },
    { FIELD_WINDOW, -1.0 },
    { FIELD_WINDOW, NAN },
    { FIELD_WINDOW, INFINITY },
    { FIELD_RECOVERY_TIMEOUT, 0.0 },
    { FIELD_RECOVERY_TIMEOUT, -1.0 },
    { FIELD_RECOVERY_TIMEOUT, NAN },
    { FIELD_RECOVERY_TIMEOUT, INFINITY },
    { FIELD_HALF_OPEN_MAX_CALLS, 0 },
    { FIELD_HALF_OPEN_MAX_CALLS, -1 },
    { FIELD_LEASE, 0.0 },
    { FIELD_LEASE, -1.0 },
    { FIELD_LEASE, NAN },
    { FIELD_LEASE, INFINITY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientCircuitPolicyBuilder) builder =
        resilient_circuit_policy_builder_new (NULL);
      g_autoptr (ResilientCircuitPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s = %g", fields[rows[i].field].name, rows[i].value);
      set_field (builder, rows[i].field, rows[i].value);
      policy = resilient_circuit_policy_builder_build (builder, &error);
      g_assert_null (policy);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, fields[rows[i].field].name));

      /* Without a place for the error it is the same, and a mistake can be mended. */
      g_assert_null (resilient_circuit_policy_builder_build (builder, NULL));
      set_field (builder, rows[i].field, 1);
      g_clear_error (&error);
      policy = resilient_circuit_policy_builder_build (builder, &error);
      g_assert_no_error (error);
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
    { FIELD_FAILURE_THRESHOLD, 1 },
    { FIELD_FAILURE_THRESHOLD, G_MAXINT },
    { FIELD_FAILURE_RATE, 1e-9 },
    { FIELD_FAILURE_RATE, 1.0 },
    { FIELD_MINIMUM_CALLS, 1 },
    { FIELD_MINIMUM_CALLS, G_MAXINT },
    { FIELD_WINDOW, 1e-9 },
    { FIELD_WINDOW, 1e300 },
    { FIELD_RECOVERY_TIMEOUT, 1e-9 },
    { FIELD_RECOVERY_TIMEOUT, 1e300 },
    { FIELD_HALF_OPEN_MAX_CALLS, 1 },
    { FIELD_HALF_OPEN_MAX_CALLS, G_MAXINT },
    { FIELD_LEASE, 1e-9 },
    { FIELD_LEASE, 1e300 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientCircuitPolicyBuilder) builder =
        resilient_circuit_policy_builder_new (NULL);
      g_autoptr (ResilientCircuitPolicy) policy = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s = %g", fields[rows[i].field].name, rows[i].value);
      set_field (builder, rows[i].field, rows[i].value);
      policy = resilient_circuit_policy_builder_build (builder, &error);
      g_assert_no_error (error);
      g_assert_cmpfloat (get_field (policy, rows[i].field), ==, rows[i].value);
    }
}

static void
test_equal (void)
{
  ResilientCircuitPolicy *base = resilient_circuit_policy_get_default ();
  g_autoptr (ResilientCircuitPolicyBuilder) same = resilient_circuit_policy_builder_new (base);
  g_autoptr (ResilientCircuitPolicy) copy = resilient_circuit_policy_builder_build (same, NULL);

  g_assert_true (copy != base);
  g_assert_true (resilient_circuit_policy_equal (copy, base));
  g_assert_true (resilient_circuit_policy_equal (base, base));

  for (guint i = 0; i < N_FIELDS; i++)
    {
      g_autoptr (ResilientCircuitPolicyBuilder) builder =
        resilient_circuit_policy_builder_new (base);
      g_autoptr (ResilientCircuitPolicy) other = NULL;
      g_autoptr (ResilientCircuitPolicy) after = NULL;

      g_test_message ("%s", fields[i].name);
      set_field (builder, i, i == FIELD_FAILURE_RATE ? 0.25 : 25);
      other = resilient_circuit_policy_builder_build (builder, NULL);
      g_assert_false (resilient_circuit_policy_equal (base, other));
      g_assert_false (resilient_circuit_policy_equal (other, base));

      /* The builder goes on, the policy stays. */
      set_field (builder, i, get_field (base, i));
      after = resilient_circuit_policy_builder_build (builder, NULL);
      g_assert_true (resilient_circuit_policy_equal (base, after));
      g_assert_false (resilient_circuit_policy_equal (base, other));
    }
}

static void
test_boxed (void)
{
  ResilientCircuitPolicyBuilder *builder = resilient_circuit_policy_builder_new (NULL);
  ResilientCircuitPolicyBuilder *boxed =
    g_boxed_copy (RESILIENT_TYPE_CIRCUIT_POLICY_BUILDER, builder);
  ResilientCircuitPolicy *policy = resilient_circuit_policy_builder_build (builder, NULL);
  ResilientCircuitPolicy *copy = resilient_circuit_policy_copy (policy);

  g_assert_true (boxed == builder);
  resilient_circuit_policy_builder_unref (builder);
  g_boxed_free (RESILIENT_TYPE_CIRCUIT_POLICY_BUILDER, boxed);

  g_assert_true (copy == policy);
  resilient_circuit_policy_unref (policy);
  policy = g_boxed_copy (RESILIENT_TYPE_CIRCUIT_POLICY, copy);
  g_assert_true (copy == policy);
  resilient_circuit_policy_unref (copy);
  g_boxed_free (RESILIENT_TYPE_CIRCUIT_POLICY, policy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/circuit-policy/default", test_default);
  g_test_add_func ("/circuit-policy/refused", test_refused);
  g_test_add_func ("/circuit-policy/accepted", test_accepted);
  g_test_add_func ("/circuit-policy/equal", test_equal);
  g_test_add_func ("/circuit-policy/boxed", test_boxed);

  return g_test_run ();
}
