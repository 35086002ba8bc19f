/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-histogram-private.h"

#include <math.h>

#define N_DRAWS 20000

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

/* Within 1 % of what sorting all of them gives. @times gets sorted. */
static void
check_percentiles (const ResilientHistogram *histogram, GArray *times)
{
  static const double percentiles[] = { 0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0 };

  g_array_sort (times, compare);
  g_assert_cmpuint (histogram->count, ==, times->len);
  for (guint i = 0; i < G_N_ELEMENTS (percentiles); i++)
    {
      guint rank = MAX (ceil (percentiles[i] * times->len - 1e-9), 1.0);
      gint64 exact = g_array_index (times, gint64, rank - 1);
      double found = resilient_histogram_get_percentile (histogram, percentiles[i]);

      g_assert_cmpfloat (fabs (found - exact), <=, exact / 100.0);
    }
}

/* Microseconds, of one kind of server each. */
static gint64
draw_uniform (GRand *rand)
{
  return g_rand_int_range (rand, 0, 1000000);
}

static gint64
draw_exponential (GRand *rand)
{
  return -50000.0 * log (1.0 - g_rand_double (rand));
}

/* Pareto with shape 1.1: its tail goes on over six powers of ten. */
static gint64
draw_heavy_tail (GRand *rand)
{
  return 2000.0 * pow (1.0 - g_rand_double (rand), -1.0 / 1.1);
}

/* One in a hundred takes a thousand times as long. */
static gint64
draw_two_modes (GRand *rand)
{
  return (g_rand_int_range (rand, 0, 100) == 0 ? 3000000 : 3000) + g_rand_int_range (rand, 0, 999);
}

static gint64
draw_constant (GRand *rand)
{
  return 123457;
}

typedef gint64 (*Draw) (GRand *rand);
static const Draw draws[] = {
  draw_uniform, draw_exponential, draw_heavy_tail, draw_two_modes, draw_constant,
};

static void
test_distributions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (draws); i++)
    {
      GRand *rand = g_rand_new_with_seed (i);
      g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
      ResilientHistogram histogram = { 0 };

      for (guint n = 0; n < N_DRAWS; n++)
        {
          gint64 time = draws[i](rand);

          g_array_append_val (times, time);
          resilient_histogram_add (&histogram, time);
        }
      check_percentiles (&histogram, times);
      resilient_histogram_clear (&histogram);
      g_rand_free (rand);
    }
}

/* Every duration from a microsecond to three hundred thousand years, alone. */
static void
test_bound (void)
{
  double worst = 0.0;

  for (gint64 time = 1; time < G_MAXINT64 / 2; time += MAX (time / 173, 1))
    {
      ResilientHistogram histogram = { 0 };

      resilient_histogram_add (&histogram, time);
      worst = MAX (worst,
                   fabs (resilient_histogram_get_percentile (&histogram, 0.5) - (double) time)
                     / (double) time);
      resilient_histogram_clear (&histogram);
    }

  g_test_message ("worst relative error: %.3f %%", 100.0 * worst);
  g_assert_cmpfloat (worst, <=, 0.01);
  /* The steps hit the ends of buckets. */
  g_assert_cmpfloat (worst, >, 0.007);
}

/* Two that are merged know what one would that had counted everything. */
static void
test_merge (void)
{
  GRand *rand = g_rand_new_with_seed (7);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  ResilientHistogram parts[G_N_ELEMENTS (draws)] = { { 0 } };
  ResilientHistogram sum = { 0 }, empty = { 0 };

  for (guint i = 0; i < N_DRAWS; i++)
    {
      guint part = i % G_N_ELEMENTS (draws);
      gint64 time = draws[part](rand);

      g_array_append_val (times, time);
      resilient_histogram_add (&parts[part], time);
    }

  resilient_histogram_merge (&sum, &empty);
  g_assert_cmpuint (sum.count, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      resilient_histogram_merge (&sum, &parts[i]);
      resilient_histogram_clear (&parts[i]);
    }
  resilient_histogram_merge (&sum, &empty);
  check_percentiles (&sum, times);

  resilient_histogram_clear (&sum);
  g_rand_free (rand);
}

static void
test_extremes (void)
{
  ResilientHistogram histogram = { 0 };

  g_assert_cmpfloat (resilient_histogram_get_percentile (&histogram, 0.5), ==, 0.0);

  resilient_histogram_add (&histogram, G_MININT64);
  resilient_histogram_add (&histogram, -1);
  resilient_histogram_add (&histogram, 0);
  g_assert_cmpfloat (resilient_histogram_get_percentile (&histogram, 1.0), ==, 0.0);

  resilient_histogram_add (&histogram, G_MAXINT64);
  g_assert_cmpuint (histogram.count, ==, 4);
  g_assert_cmpfloat (resilient_histogram_get_percentile (&histogram, 0.75), ==, 0.0);
  g_assert_cmpfloat (
    resilient_histogram_get_percentile (&histogram, 1.0), >=, 0.99 * (double) G_MAXINT64);
  resilient_histogram_clear (&histogram);
}

/* What it needs does not grow with how many it counts. */
static void
test_memory (void)
{
  ResilientHistogram histogram = { 0 };
  guint n_blocks = 0;

  /* From a millisecond to a second: ten powers of two, and the two that they begin and end in. */
  for (guint i = 0; i < 1000000; i++)
    resilient_histogram_add (&histogram, 1000 + (i * 7919LL) % 1000000);
  for (guint i = 0; i < RESILIENT_HISTOGRAM_BLOCKS; i++)
    n_blocks += histogram.blocks[i] != NULL;

  g_assert_cmpuint (histogram.count, ==, 1000000);
  g_assert_cmpuint (n_blocks, <=, 12);
  g_test_message ("bytes: %" G_GSIZE_FORMAT,
                  sizeof histogram + n_blocks * RESILIENT_HISTOGRAM_SUB_BUCKETS * sizeof (guint64));
  resilient_histogram_clear (&histogram);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/histogram/distributions", test_distributions);
  g_test_add_func ("/histogram/bound", test_bound);
  g_test_add_func ("/histogram/merge", test_merge);
  g_test_add_func ("/histogram/extremes", test_extremes);
  g_test_add_func ("/histogram/memory", test_memory);

  return g_test_run ();
}
