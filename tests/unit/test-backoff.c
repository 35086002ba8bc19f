/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>

#include "resilient-random-private.h"
#include "resilient-retry-policy-private.h"

#define N_DRAWS 20000

static ResilientRetryPolicy *
make_policy (double base_delay,
             double backoff_factor,
             double max_delay,
             ResilientJitter jitter_mode,
             double jitter)
{
  const ResilientRetryPolicyValues values = {
    .max_retries = -1,
    .base_delay = base_delay,
    .backoff_factor = backoff_factor,
    .max_delay = max_delay,
    .jitter_mode = jitter_mode,
    .jitter = jitter,
  };

  return resilient_retry_policy_new_from_values (&values, NULL, 0);
}

/* base × factor^(n − 1), at most the cap. */
static void
test_nominal (void)
{
  const struct
  {
    double base, factor, cap;
    guint n;
    double expected;
  } rows[] = {
    { 1.0, 2.0, 30.0, 1, 1.0 },        { 1.0, 2.0, 30.0, 2, 2.0 },
    { 1.0, 2.0, 30.0, 5, 16.0 },       { 1.0, 2.0, 30.0, 6, 30.0 },
    { 1.0, 2.0, 30.0, 7, 30.0 },       { 0.5, 2.0, 30.0, 1, 0.5 },
    { 0.5, 2.0, 30.0, 6, 16.0 },       { 0.5, 2.0, 30.0, 7, 30.0 },
    { 1.0, 1.0, 30.0, 1, 1.0 },        { 1.0, 1.0, 30.0, G_MAXUINT, 1.0 },
    { 1.0, 1.5, 30.0, 3, 2.25 },       { 30.0, 2.0, 30.0, 1, 30.0 },
    { 0.0, 2.0, 30.0, 1, 0.0 },        { 0.0, 2.0, 30.0, 5000, 0.0 },
    { 0.0, 2.0, 0.0, G_MAXUINT, 0.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy =
        make_policy (rows[i].base, rows[i].factor, rows[i].cap, RESILIENT_JITTER_NONE, 0.0);

      g_assert_cmpfloat (
        resilient_retry_policy_get_nominal_delay (policy, rows[i].n), ==, rows[i].expected);
      g_assert_cmpfloat (
        resilient_retry_policy_draw_delay (policy, rows[i].n, 0.0), ==, rows[i].expected);
    }
}

/* No n overflows, whatever the factor. */
static void
test_no_overflow (void)
{
  const guint numbers[] = {
    1, 2, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 1076, 65536, 1u << 31, G_MAXUINT - 1, G_MAXUINT
  };
  const double factors[] = { 1.0, 1.0000001, 2.0, 1e10, 1e300, G_MAXDOUBLE };
  const double bases[] = { 0.0, 1e-300, 1.0, 30.0 };
  const double caps[] = { 30.0, 1e300, G_MAXDOUBLE };

  for (guint b = 0; b < G_N_ELEMENTS (bases); b++)
    for (guint f = 0; f < G_N_ELEMENTS (factors); f++)
      for (guint c = 0; c < G_N_ELEMENTS (caps); c++)
        for (int mode = RESILIENT_JITTER_NONE; mode <= RESILIENT_JITTER_DECORRELATED; mode++)
          {
            g_autoptr (ResilientRetryPolicy) policy =
              make_policy (bases[b], factors[f], caps[c], mode, 1.0);
            double before = 0.0;

            for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
              {
                double nominal = resilient_retry_policy_get_nominal_delay (policy, numbers[i]);
                double delay = resilient_retry_policy_draw_delay (policy, numbers[i], before);

                /* Also FALSE for NaN. */
                g_assert_true (nominal >= 0.0 && nominal <= caps[c]);
                g_assert_true (delay >= 0.0 && delay <= caps[c]);
                before = delay;
              }
          }
}

/* Every mode within its bounds and over all of them: the cap comes before the draw. */
static void
test_bounds (void)
{
  const struct
  {
    ResilientJitter mode;
    double jitter;
    double base, cap;
    guint n;
    double previous;
    double low, high;
  } rows[] = {
    { RESILIENT_JITTER_PROPORTIONAL, 0.2, 1.0, 30.0, 1, 0.0, 0.8, 1.2 },
    { RESILIENT_JITTER_PROPORTIONAL, 0.2, 1.0, 30.0, 3, 0.0, 3.2, 4.8 },
    { RESILIENT_JITTER_PROPORTIONAL, 0.2, 1.0, 30.0, 20, 0.0, 20.0, 30.0 },
    { RESILIENT_JITTER_PROPORTIONAL, 1.0, 1.0, 30.0, 20, 0.0, 0.0, 30.0 },
    { RESILIENT_JITTER_PROPORTIONAL, 0.2, 28.0, 30.0, 1, 0.0, 20.0, 30.0 },
    { RESILIENT_JITTER_PROPORTIONAL, 0.0, 1.0, 30.0, 20, 0.0, 30.0, 30.0 },
    { RESILIENT_JITTER_FULL, 0.2, 0.5, 30.0, 1, 0.0, 0.0, 0.5 },
    { RESILIENT_JITTER_FULL, 0.2, 0.5, 30.0, 4, 0.0, 0.0, 4.0 },
    { RESILIENT_JITTER_FULL, 0.2, 0.5, 30.0, G_MAXUINT, 0.0, 0.0, 30.0 },
    { RESILIENT_JITTER_EQUAL, 0.2, 1.0, 30.0, 1, 0.0, 0.5, 1.0 },
    { RESILIENT_JITTER_EQUAL, 0.2, 1.0, 30.0, 9, 0.0, 15.0, 30.0 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 1, 0.0, 1.0, 3.0 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 2, 2.5, 1.0, 7.5 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 3, 10.0, 1.0, 30.0 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 4, 30.0, 1.0, 30.0 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 4, 3600.0, 1.0, 30.0 },
    /* after a Retry-After */
    { RESILIENT_JITTER_DECORRELATED, 0.2, 1.0, 30.0, 4, 0.1, 1.0, 3.0 },
    { RESILIENT_JITTER_DECORRELATED, 0.2, 30.0, 30.0, 4, 30.0, 30.0, 30.0 },
  };

  resilient_random_seed (3);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy =
        make_policy (rows[i].base, 2.0, rows[i].cap, rows[i].mode, rows[i].jitter);
      double span = rows[i].high - rows[i].low;
      double smallest = INFINITY, largest = 0.0, sum = 0.0;

      for (guint draw = 0; draw < N_DRAWS; draw++)
        {
          double delay = resilient_retry_policy_draw_delay (policy, rows[i].n, rows[i].previous);

          smallest = MIN (smallest, delay);
          largest = MAX (largest, delay);
          sum += delay;
        }

      g_test_message ("row %u: %g … %g", i, smallest, largest);
      g_assert_cmpfloat (smallest, >=, rows[i].low - 1e-9);
      g_assert_cmpfloat (largest, <=, rows[i].high + 1e-9);
      g_assert_cmpfloat (largest, <=, rows[i].cap);

      /* Uniform: it comes near both ends, and its mean is in the middle. */
      g_assert_cmpfloat (smallest, <=, rows[i].low + span / 100.0 + 1e-9);
      g_assert_cmpfloat (largest, >=, rows[i].high - span / 100.0 - 1e-9);
      g_assert_cmpfloat_with_epsilon (sum / N_DRAWS, rows[i].low + span / 2.0, span / 50.0 + 1e-9);
    }
  resilient_random_unseed ();
}

/* No moment at which many come back at once, least of all at the cap. */
static void
test_spread (void)
{
  const struct
  {
    ResilientJitter mode;
    double jitter;
    double limit; /* the share that a bucket of 100 ms may have */
  } rows[] = {
    { RESILIENT_JITTER_FULL, 0.0, 0.01 },
    { RESILIENT_JITTER_EQUAL, 0.0, 0.01 },
    { RESILIENT_JITTER_PROPORTIONAL, 0.2, 0.015 }, /* the 10 s around 25 s */
    { RESILIENT_JITTER_DECORRELATED, 0.0, 0.01 },  /* from the cap on */
  };
  const guint attempts[] = { 8, 12, 20 };

  resilient_random_seed (4);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRetryPolicy) policy =
        make_policy (0.5, 2.0, 30.0, rows[i].mode, rows[i].jitter);

      for (guint a = 0; a < G_N_ELEMENTS (attempts); a++)
        {
          guint buckets[301] = { 0 };
          guint fullest = 0;

          for (guint draw = 0; draw < N_DRAWS; draw++)
            {
              double delay = resilient_retry_policy_draw_delay (policy, attempts[a], 30.0);

              buckets[(guint) (delay * 10.0)]++;
            }

          for (guint b = 0; b < G_N_ELEMENTS (buckets); b++)
            fullest = MAX (fullest, buckets[b]);

          g_test_message ("mode %d, attempt %u: fullest bucket %u of %u",
                          rows[i].mode,
                          attempts[a],
                          fullest,
                          N_DRAWS);
          g_assert_cmpfloat (fullest / (double) N_DRAWS, <=, rows[i].limit);
        }
    }
  resilient_random_unseed ();
}

/* Seeded, the same draws come again. */
static void
test_reproducible (void)
{
  g_autoptr (ResilientRetryPolicy) policy =
    make_policy (1.0, 2.0, 30.0, RESILIENT_JITTER_FULL, 0.0);
  double first[16], second[16];

  resilient_random_seed (5);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    first[i] = resilient_retry_policy_draw_delay (policy, i + 1, 0.0);
  resilient_random_seed (5);
  for (guint i = 0; i < G_N_ELEMENTS (second); i++)
    second[i] = resilient_retry_policy_draw_delay (policy, i + 1, 0.0);
  resilient_random_unseed ();

  g_assert_cmpmem (first, sizeof first, second, sizeof second);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/backoff/nominal", test_nominal);
  g_test_add_func ("/backoff/no-overflow", test_no_overflow);
  g_test_add_func ("/backoff/bounds", test_bounds);
  g_test_add_func ("/backoff/spread", test_spread);
  g_test_add_func ("/backoff/reproducible", test_reproducible);

  return g_test_run ();
}
