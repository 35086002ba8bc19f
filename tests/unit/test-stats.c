/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-stats-private.h"

#include <math.h>
#include <string.h>

static void
test_counters (void)
{
  ResilientStatsData data = {
    .requests = 11,
    .attempts = 12,
    .retries = 3,
    .hedges = 16,
    .successes = 4,
    .errors = 2,
    .timeouts = 1,
    .cancelled = 1,
    .refused = 9,
    .held_back = 13,
    .circuit_refusals = 14,
    .budget_refusals = 15,
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
  g_assert_cmpuint (resilient_stats_get_held_back (stats), ==, 13);
  g_assert_cmpuint (resilient_stats_get_circuit_refusals (stats), ==, 14);
  g_assert_cmpuint (resilient_stats_get_budget_refusals (stats), ==, 15);
  g_assert_cmpuint (resilient_stats_get_hedges (stats), ==, 16);

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

static void
add (ResilientStatsData *data, double seconds)
{
  resilient_stats_data_add_ended (data, RESILIENT_RESULT_STATUS_SUCCESS, 1, seconds);
}

static void
test_extremes (void)
{
  const double times[] = { 0.0, 1e-9, 1e9, 1e18, INFINITY, -1.0, NAN };
  ResilientStatsData data = { 0 };
  g_autoptr (ResilientStats) stats = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    add (&data, times[i]);
  stats = resilient_stats_new (&data);
  resilient_stats_data_clear (&data);

  /* None is lost, none is beyond the last bucket. */
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, G_N_ELEMENTS (times));
  g_assert_true (isfinite (resilient_stats_get_mean_time (stats)));
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 1.0), >, 8e12);
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 0.0), ==, 0.0);
}

static void
test_ended (void)
{
  ResilientStatsData data = { .requests = 10 };
  g_autoptr (ResilientStats) stats = NULL;

  for (ResilientResultStatus status = RESILIENT_RESULT_STATUS_SUCCESS;
       status <= RESILIENT_RESULT_STATUS_CANCELLED;
       status++)
    for (guint i = 0; i < status; i++)
      resilient_stats_data_add_ended (&data, status, 1, 0.5);
  stats = resilient_stats_new (&data);
  resilient_stats_data_clear (&data);

  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_errors (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_timeouts (stats), ==, 3);
  g_assert_cmpuint (resilient_stats_get_cancelled (stats), ==, 4);
  g_assert_cmpfloat (resilient_stats_get_mean_time (stats), ==, 0.5);
}

static void
test_merge (void)
{
  ResilientStatsData data = {
    .requests = 3,
    .attempts = 4,
    .retries = 1,
    .hedges = 5,
    .refused = 2,
    .held_back = 7,
    .circuit_refusals = 8,
    .budget_refusals = 9,
  };
  g_autoptr (ResilientStats) a = NULL;
  g_autoptr (ResilientStats) b = NULL;
  g_autoptr (ResilientStats) sum = NULL;
  g_autofree char *text = NULL;

  add (&data, 1.0);
  resilient_stats_data_add_attempt (
    &data, "https://example.org:443", "GET", 200, RESILIENT_FAILURE_NONE, 1.0);
  a = resilient_stats_new (&data);
  add (&data, 3.0);
  b = resilient_stats_new (&data);
  resilient_stats_data_clear (&data);
  resilient_stats_set_live (b, 2, 5);
  sum = resilient_stats_merge (a, b);

  g_assert_cmpuint (resilient_stats_get_requests (sum), ==, 6);
  g_assert_cmpuint (resilient_stats_get_attempts (sum), ==, 8);
  g_assert_cmpuint (resilient_stats_get_retries (sum), ==, 2);
  g_assert_cmpuint (resilient_stats_get_hedges (sum), ==, 10);
  g_assert_cmpuint (resilient_stats_get_refused (sum), ==, 4);
  g_assert_cmpuint (resilient_stats_get_successes (sum), ==, 3);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_mean_time (sum), 5.0 / 3.0, 1e-9);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_percentile (sum, 0.5), 1.0, 0.01);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_percentile (sum, 1.0), 3.0, 0.03);
  /* What was added up is as it was. */
  g_assert_cmpuint (resilient_stats_get_requests (a), ==, 3);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_percentile (a, 1.0), 1.0, 0.01);

  text = resilient_stats_to_openmetrics (sum);
  g_assert_nonnull (strstr (text, "http_client_active_requests 2\n"));
  g_assert_nonnull (strstr (text, "\nresilient_client_hedges_total 10\n"));
  g_assert_nonnull (strstr (text, "\nresilient_client_held_back_total 14\n"));
  g_assert_nonnull (strstr (text, "\nresilient_client_circuit_refusals_total 16\n"));
  g_assert_nonnull (strstr (text, "\nresilient_client_budget_refusals_total 18\n"));
  g_assert_nonnull (strstr (text, "http_response_status_code=\"200\"} 2\n"));
}

static void
test_openmetrics (void)
{
  ResilientStatsData data = { .requests = 11, .attempts = 12, .retries = 3, .refused = 9 };
  g_autoptr (ResilientStats) stats = resilient_stats_new (&data);
  g_autofree char *text = resilient_stats_to_openmetrics (stats);
  static const char *const parts[] = {
    "# TYPE resilient_client_requests counter\n", "resilient_client_requests_total 11\n",
    "resilient_client_attempts_total 12\n",       "resilient_client_retries_total 3\n",
    "resilient_client_successes_total 0\n",       "resilient_client_errors_total 0\n",
    "resilient_client_timeouts_total 0\n",        "resilient_client_cancelled_total 0\n",
    "resilient_client_refused_total 9\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    g_assert_nonnull (strstr (text, parts[i]));
  g_assert_true (g_str_has_suffix (text, "\n# EOF\n"));
  /* Of one that nobody said it of. */
  g_assert_null (strstr (text, "http_client_active_requests"));
}

static void
test_percentile (void)
{
  ResilientStatsData data = { 0 };
  g_autoptr (ResilientStats) stats = NULL;

  /* 10 ms, 20 ms … 1 s: the nearest rank of p is p itself. */
  for (guint i = 1; i <= 100; i++)
    add (&data, i / 100.0);
  stats = resilient_stats_new (&data);
  resilient_stats_data_clear (&data);

  for (guint i = 1; i <= 100; i++)
    g_assert_cmpfloat_with_epsilon (
      resilient_stats_get_percentile (stats, i / 100.0), i / 100.0, i / 10000.0);

  g_assert_cmpfloat_with_epsilon (resilient_stats_get_percentile (stats, 0.0), 0.01, 0.0001);
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
  g_test_add_func ("/stats/extremes", test_extremes);
  g_test_add_func ("/stats/ended", test_ended);
  g_test_add_func ("/stats/merge", test_merge);
  g_test_add_func ("/stats/openmetrics", test_openmetrics);
  g_test_add_func ("/stats/percentile", test_percentile);
  g_test_add_func ("/stats/percentile/misuse", test_percentile_misuse);
  g_test_add_func ("/stats/copy", test_copy);

  return g_test_run ();
}
