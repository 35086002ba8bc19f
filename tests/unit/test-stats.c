/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-stats-private.h"

#include <math.h>

#define DAY (24.0 * 60.0 * 60.0)

static void
test_counters (void)
{
  ResilientStatsData data = {
    .requests = 11,
    .attempts = 12,
    .retries = 3,
    .successes = 4,
    .errors = 2,
    .timeouts = 1,
    .cancelled = 1,
    .refused = 9,
  };
  g_autoptr (ResilientStats) stats = resilient_stats_new (&data);

  /* A snapshot. */
  data.requests = 99;

  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 11);
  g_assert_cmpuint (resilient_stats_get_attempts (stats), ==, 12);
  g_assert_cmpuint (resilient_stats_get_retries (stats), ==, 3);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, 4);
  g_assert_cmpuint (resilient_stats_get_errors (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_timeouts (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_cancelled (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 9);

  /* 8 ended, 3 still live; the refused ones don't count. */
  g_assert_cmpfloat (resilient_stats_get_success_rate (stats), ==, 4.0 / 8.0);
  g_assert_cmpfloat (resilient_stats_get_error_rate (stats), ==, 3.0 / 8.0);
  g_assert_cmpfloat (resilient_stats_get_retry_rate (stats), ==, 3.0 / 12.0);
}

/* Nothing is divided by nothing. */
static void
test_empty (void)
{
  ResilientStatsData data = { .requests = 5, .refused = 3 };
  g_autoptr (ResilientStats) stats = resilient_stats_new (&data);

  g_assert_cmpfloat (resilient_stats_get_success_rate (stats), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_error_rate (stats), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_retry_rate (stats), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_mean_time (stats), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 0.0), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 0.5), ==, 0.0);
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 1.0), ==, 0.0);
}

/* Every time from a microsecond to weeks is found again within 1/32. */
static void
test_resolution (void)
{
  gint64 microseconds = 1;

  while (microseconds < (gint64) (40 * DAY * G_USEC_PER_SEC))
    {
      double seconds = microseconds / (double) G_USEC_PER_SEC;
      ResilientStatsData data = { 0 };
      double found;

      resilient_stats_data_add_time (&data, seconds);
      found = resilient_stats_data_get_percentile (&data, 0.5);
      g_assert_cmpfloat (fabs (found - seconds), <=, seconds / 32.0 + 1e-9);

      microseconds += MAX (microseconds / 37, 1);
    }
}

static void
test_extremes (void)
{
  const double times[] = { 0.0, 1e-9, 1e9, 1e18, INFINITY, -1.0, NAN };
  ResilientStatsData data = { 0 };
  guint64 counted = 0;

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    resilient_stats_data_add_time (&data, times[i]);
  for (guint i = 0; i < RESILIENT_HISTOGRAM_BUCKETS; i++)
    counted += data.histogram[i];

  /* None is lost, none is beyond the last bucket. */
  g_assert_cmpuint (data.n_times, ==, G_N_ELEMENTS (times));
  g_assert_cmpuint (counted, ==, G_N_ELEMENTS (times));
  g_assert_true (isfinite (data.total_time));
  g_assert_cmpfloat (resilient_stats_data_get_percentile (&data, 1.0), >, 8e12);
  g_assert_cmpfloat (resilient_stats_data_get_percentile (&data, 0.0), ==, 0.0);
}

/* A full bucket stays full. */
static void
test_saturation (void)
{
  ResilientStatsData data = { 0 };

  resilient_stats_data_add_time (&data, 1.0);
  for (guint i = 0; i < RESILIENT_HISTOGRAM_BUCKETS; i++)
    {
      if (data.histogram[i] != 0)
        data.histogram[i] = G_MAXUINT32;
    }
  resilient_stats_data_add_time (&data, 1.0);
  g_assert_cmpfloat_with_epsilon (
    resilient_stats_data_get_percentile (&data, 0.99), 1.0, 1.0 / 32.0);
}

static void
test_percentile (void)
{
  ResilientStatsData data = { 0 };
  g_autoptr (ResilientStats) stats = NULL;

  /* 10 ms, 20 ms … 1 s: the nearest rank of p is p itself. */
  for (guint i = 1; i <= 100; i++)
    resilient_stats_data_add_time (&data, i / 100.0);
  stats = resilient_stats_new (&data);

  for (guint i = 1; i <= 100; i++)
    g_assert_cmpfloat_with_epsilon (
      resilient_stats_get_percentile (stats, i / 100.0), i / 100.0, i / 3200.0);

  g_assert_cmpfloat_with_epsilon (resilient_stats_get_percentile (stats, 0.0), 0.01, 0.01 / 32.0);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_mean_time (stats), 0.505, 1e-9);
}

static void
test_percentile_misuse (void)
{
  ResilientStatsData data = { 0 };
  g_autoptr (ResilientStats) stats = resilient_stats_new (&data);
  const double wrong[] = { -0.1, 1.1, NAN };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_test_expect_message ("Resilient", G_LOG_LEVEL_CRITICAL, "*percentile*");
      g_assert_cmpfloat (resilient_stats_get_percentile (stats, wrong[i]), ==, 0.0);
      g_test_assert_expected_messages ();
    }
}

static void
test_copy (void)
{
  ResilientStatsData data = { .requests = 1 };
  ResilientStats *stats = resilient_stats_new (&data);
  ResilientStats *copy = resilient_stats_copy (stats);
  ResilientStats *boxed = g_boxed_copy (RESILIENT_TYPE_STATS, stats);

  g_assert_true (copy == stats);
  g_assert_true (boxed == stats);
  resilient_stats_unref (stats);
  g_boxed_free (RESILIENT_TYPE_STATS, boxed);
  g_assert_cmpuint (resilient_stats_get_requests (copy), ==, 1);
  resilient_stats_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/stats/counters", test_counters);
  g_test_add_func ("/stats/empty", test_empty);
  g_test_add_func ("/stats/resolution", test_resolution);
  g_test_add_func ("/stats/extremes", test_extremes);
  g_test_add_func ("/stats/saturation", test_saturation);
  g_test_add_func ("/stats/percentile", test_percentile);
  g_test_add_func ("/stats/percentile/misuse", test_percentile_misuse);
  g_test_add_func ("/stats/copy", test_copy);

  return g_test_run ();
}
