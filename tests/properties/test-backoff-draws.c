/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>
#include <resilient.h>

#include "resilient-retry-policy-private.h"
#include "resilient-random-private.h"
#include "test-util.h"

/* Delays of random policies at any attempt, and how evenly full jitter spreads them. */

#define N_POLICIES 20000
#define N_DRAWS 100000

/* Every power of two with its neighbours, what is near the ends, and chance. */
static guint
some_attempt (GRand *random, guint i)
{
  static const guint edges[] = { 0, 1, 2, 3, 1074, 1075, 1076, G_MAXINT, G_MAXUINT - 1, G_MAXUINT };

  if (i < G_N_ELEMENTS (edges))
    return edges[i];
  i -= G_N_ELEMENTS (edges);
  if (i < 3 * 32)
    return (1u << i / 3) + i % 3 - 1;
  return g_rand_int (random);
}
#define N_ATTEMPTS (10 + 3 * 32 + 10)

/* Of any order of magnitude. */
static double
some_duration (GRand *random)
{
  switch (g_rand_int_range (random, 0, 8))
    {
    case 0:
      return 0;
    case 1:
      return 1e250;
    default:
      return pow (10, g_rand_double_range (random, -9, 9));
    }
}

static ResilientRetryPolicy *
some_policy (GRand *random)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (GError) error = NULL;
  double a = some_duration (random), b = some_duration (random), factor = some_duration (random);
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, G_MAXINT);
  resilient_retry_policy_builder_set_base_delay (builder, MIN (a, b));
  resilient_retry_policy_builder_set_max_delay (builder, MAX (a, b));
  resilient_retry_policy_builder_set_backoff_factor (builder, MAX (1, factor));
  resilient_retry_policy_builder_set_jitter_mode (builder, g_rand_int_range (random, 0, 5));
  resilient_retry_policy_builder_set_jitter (builder, g_rand_double (random));
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

/* What a delay may be, from the formulas of the documentation, with logarithms where those of the
 * library could overflow. */
static void
get_bounds (ResilientRetryPolicy *policy, guint n, double previous, double *low, double *high)
{
  double base = resilient_retry_policy_get_base_delay (policy);
  double factor = resilient_retry_policy_get_backoff_factor (policy);
  double cap = resilient_retry_policy_get_max_delay (policy);
  double jitter = resilient_retry_policy_get_jitter (policy);
  double nominal = base;

  if (base > 0 && log (base) + (n - 1.0) * log (factor) >= log (cap))
    nominal = cap;
  else if (base > 0)
    nominal = exp (log (base) + (n - 1.0) * log (factor));

  *low = 0;
  *high = nominal;
  switch (resilient_retry_policy_get_jitter_mode (policy))
    {
    case RESILIENT_JITTER_NONE:
      *low = nominal;
      break;
    case RESILIENT_JITTER_PROPORTIONAL:
      *low = MIN (nominal, cap / (1 + jitter)) * (1 - jitter);
      *high = MIN (nominal, cap / (1 + jitter)) * (1 + jitter);
      break;
    case RESILIENT_JITTER_EQUAL:
      *low = nominal / 2;
      break;
    case RESILIENT_JITTER_DECORRELATED:
      *low = base;
      *high = MAX (previous, base) < cap / 3 ? 3 * MAX (previous, base) : cap;
      break;
    case RESILIENT_JITTER_FULL:
    default:
      break;
    }
}

static void
check_delay (ResilientRetryPolicy *policy, guint n, double previous, double delay, guint seed)
{
  double cap = resilient_retry_policy_get_max_delay (policy);
  double low, high;

  get_bounds (policy, n, previous, &low, &high);
  /* Logarithms of large numbers: eleven digits are left. Written so that NaN fails. */
  if (!(delay >= 0 && delay <= cap && delay >= low * (1 - 1e-6) && delay <= high * (1 + 1e-6)))
    g_error ("policy %u, attempt %u: %.17g is not in %.17g … %.17g (cap %.17g)",
             seed,
             n,
             delay,
             low,
             high,
             cap);
}

static void
test_bounds (void)
{
  guint n_policies = !test_is_quick () ? N_POLICIES : N_POLICIES / 50;

  for (guint seed = 1; seed <= n_policies; seed++)
    {
      GRand *random = g_rand_new_with_seed (seed);
      g_autoptr (ResilientRetryPolicy) policy = some_policy (random);
      double previous = 0;

      resilient_random_seed (seed);
      for (guint i = 0; i < N_ATTEMPTS; i++)
        {
          guint n = some_attempt (random, i);
          double delay;

          /* Attempt 0 is the first: nobody sleeps before it, and nobody may ask. */
          if (n == 0)
            continue;
          delay = resilient_retry_policy_draw_delay (policy, n, previous);
          check_delay (policy, n, previous, delay, seed);
          /* Chained, as contexts do, and now and then after a server's longer wait. */
          previous = i % 7 == 0 ? some_duration (random) : delay;
        }
      g_rand_free (random);
    }
  resilient_random_unseed ();
}

/* The same through what an app calls; before attempt 0 there is no delay. */
static void
test_context (void)
{
  ResilientRetryPolicy *policy = resilient_retry_policy_get_standard ();
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, policy, NULL, NULL);

  g_assert_cmpfloat (resilient_request_context_calculate_delay (context), ==, 0);
  for (guint i = 0; i < N_ATTEMPTS; i++)
    {
      GRand *random = g_rand_new_with_seed (i);
      guint n = some_attempt (random, i);
      double delay = resilient_retry_policy_delay_for_attempt (policy, n);

      g_rand_free (random);
      if (n == 0)
        g_assert_cmpfloat (delay, ==, 0);
      else
        check_delay (policy, n, 0, delay, 0);
    }
}

/* No 100 ms in which more than 1 % of all come back. At attempt 3 that can't be with a base of
 * 0.5 s: its whole range is 2 s, twenty such buckets; it needs a range of 10 s and more. So the
 * early attempt is tried with a base that gives it one. */
static void
test_spread (void)
{
  static const struct
  {
    guint n;
    double base;
  } rows[] = { { 3, 4 }, { 8, 0.5 }, { 8, 1 }, { 12, 0.5 }, { 12, 1 }, { 20, 0.5 }, { 20, 1 } };

  resilient_random_seed (1);
  for (guint row = 0; row < G_N_ELEMENTS (rows); row++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder =
        resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
      g_autoptr (ResilientRetryPolicy) policy = NULL;
      guint buckets[301] = { 0 }, fullest = 0, n_buckets;
      double top, expected, chi = 0;

      resilient_retry_policy_builder_set_base_delay (builder, rows[row].base);
      policy = resilient_retry_policy_builder_build (builder, NULL);
      g_assert_cmpfloat (resilient_retry_policy_get_max_delay (policy), ==, 30);
      top = resilient_retry_policy_get_nominal_delay (policy, rows[row].n);
      n_buckets = (guint) round (top * 10);
      for (guint i = 0; i < N_DRAWS; i++)
        buckets[(guint) (resilient_retry_policy_draw_delay (policy, rows[row].n, 0) * 10)]++;

      /* Pearson's test of evenness: the sum has about n_buckets − 1 in the mean, and a variance of
       * twice that. */
      expected = (double) N_DRAWS / n_buckets;
      for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
        {
          fullest = MAX (fullest, buckets[i]);
          if (i < n_buckets)
            chi += (buckets[i] - expected) * (buckets[i] - expected) / expected;
          else
            g_assert_cmpuint (buckets[i], ==, 0);
        }
      g_test_message ("attempt %u, base %g s: up to %g s, fullest bucket %.2f %%, χ² %.0f of %u",
                      rows[row].n,
                      rows[row].base,
                      top,
                      100.0 * fullest / N_DRAWS,
                      chi,
                      n_buckets - 1);
      g_assert_cmpfloat (fullest, <=, N_DRAWS / 100);
      g_assert_cmpfloat (fabs (chi - (n_buckets - 1)), <, 5 * sqrt (2.0 * (n_buckets - 1)));
    }
  resilient_random_unseed ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/backoff-draws/bounds", test_bounds);
  g_test_add_func ("/backoff-draws/context", test_context);
  g_test_add_func ("/backoff-draws/spread", test_spread);

  return g_test_run ();
}
