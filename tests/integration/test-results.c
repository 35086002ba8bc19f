/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Looking at what became of requests: results, waiting for them, statistics. */

static void
expect_wait (ClientFixture *fixture, TestResult *slot, const char *id, ResilientResultStatus status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResult) result =
    resilient_client_wait_result_finish (fixture->client, test_result_wait (slot), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (resilient_result_get_request_id (result), ==, id);
  g_assert_cmpint (resilient_result_get_status (result), ==, status);
  test_result_clear (slot);
}

static void
test_pending (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("live", NULL);
  g_autoptr (ResilientResult) live = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_auto (TestResult) slot = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  g_assert_null (resilient_client_get_result (fixture->client, "live"));
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_held (fixture->server, "go", 1);
  live = resilient_client_get_result (fixture->client, "live");
  g_assert_nonnull (live);
  g_assert_cmpint (resilient_result_get_status (live), ==, RESILIENT_RESULT_STATUS_PENDING);
  g_assert_null (resilient_result_get_response (live));
  g_assert_false (resilient_result_is_success (live));
  g_assert_false (resilient_result_is_error (live));
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 0);
  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &slot, NULL);
  result =
    assert_result (fixture, "live", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  g_assert_cmpint (resilient_result_get_status (live), ==, RESILIENT_RESULT_STATUS_PENDING);
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 1);
}

static void
test_wait (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("awaited", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) waiter = { 0 };
  g_auto (TestResult) impatient = { 0 };
  g_auto (TestResult) too_late = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  resilient_client_wait_result_async (
    fixture->client, "awaited", -1, NULL, test_result_cb, &waiter);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&waiter), &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  test_result_clear (&waiter);

  client_start_get (fixture, "/", context, NULL, &slot);
  resilient_client_wait_result_async (
    fixture->client, "awaited", -1, NULL, test_result_cb, &waiter);
  resilient_client_wait_result_async (
    fixture->client, "awaited", 0.01, NULL, test_result_cb, &impatient);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&impatient), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_cmpuint (waiter.calls, ==, 0);
  fault_server_open (fixture->server, "go");
  expect_wait (fixture, &waiter, "awaited", RESILIENT_RESULT_STATUS_SUCCESS);
  response = client_end_get (fixture, &slot, NULL);

  /* it is there: nothing to wait for */
  resilient_client_wait_result_async (
    fixture->client, "awaited", 0, NULL, test_result_cb, &too_late);
  expect_wait (fixture, &too_late, "awaited", RESILIENT_RESULT_STATUS_SUCCESS);
}

/* The time runs out where the waiting began, also when nobody turns the context that drives the
 * call. */
static void
test_wait_away_from_home (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (ResilientRequestContext) request_context = context_new ("awaited", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) impatient = { 0 };

  client_start_get (fixture, "/", request_context, NULL, &slot);
  g_main_context_push_thread_default (context);
  resilient_client_wait_result_async (
    fixture->client, "awaited", 0.01, NULL, test_result_cb, &impatient);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&impatient), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_main_context_pop_thread_default (context);

  g_assert_cmpuint (resilient_client_cancel (fixture->client, "awaited"), ==, 1);
  g_clear_error (&error);
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_wait_cancelled (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("awaited", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) waiter = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  resilient_client_wait_result_async (
    fixture->client, "awaited", -1, cancellable, test_result_cb, &waiter);
  fault_server_wait_held (fixture->server, "go", 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&waiter), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &slot, NULL);
  assert_response (response, 200, "ok");
}

static void
test_wait_all (ClientFixture *fixture, gconstpointer flags)
{
  const char *ids[] = { "a", "b", "c" };
  TestResult slots[3] = { 0 };
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GPtrArray) listed = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) waiter = { 0 };

  resilient_client_wait_all_async (fixture->client, NULL, test_result_cb, &waiter);
  none = resilient_client_wait_all_finish (fixture->client, test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
  test_result_clear (&waiter);

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (ResilientRequestContext) context = context_new (ids[i], NULL);

      client_start_get (fixture, "/", context, NULL, &slots[i]);
    }
  resilient_client_wait_all_async (fixture->client, NULL, test_result_cb, &waiter);
  fault_server_wait_held (fixture->server, "go", 3);
  g_assert_cmpuint (waiter.calls, ==, 0);
  fault_server_open (fixture->server, "go");
  results = resilient_client_wait_all_finish (fixture->client, test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, 3);
  g_assert_cmpuint (resilient_client_get_active_count (fixture->client), ==, 0);
  listed = resilient_client_list_results (fixture->client);
  g_assert_cmpuint (listed->len, ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &slots[i], NULL);
      g_autoptr (ResilientResult) result =
        assert_result (fixture, ids[i], RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);

      g_assert_true (resilient_result_get_response (result) == response);
    }
}

/* Nor does one count as active that libsoup holds on to after its end. */
static void
test_wait_all_cancelled (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("cancelled", NULL);
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) waiter = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_held (fixture->server, "go", 1);
  g_assert_cmpuint (resilient_client_get_active_count (fixture->client), ==, 1);
  resilient_client_wait_all_async (fixture->client, NULL, test_result_cb, &waiter);
  resilient_client_cancel_all (fixture->client);
  results = resilient_client_wait_all_finish (fixture->client, test_result_wait (&waiter), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (resilient_client_get_active_count (fixture->client), ==, 0);
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fault_server_open (fixture->server, "go");
}

static void
get_as (ClientFixture *fixture, const char *id, const char *path)
{
  g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = client_get (fixture, path, context, &error);

  g_assert_no_error (error);
  g_assert_true (resilient_response_has_body (response));
}

static void
assert_known (ClientFixture *fixture, const char *id, gboolean known)
{
  g_autoptr (ResilientResult) result = resilient_client_get_result (fixture->client, id);

  g_assert_cmpint (result != NULL, ==, known);
}

static void
test_max_results (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_max_results (fixture->client, 2);
  get_as (fixture, "a", "/");
  get_as (fixture, "b", "/");
  get_as (fixture, "c", "/");
  assert_known (fixture, "a", FALSE);
  assert_known (fixture, "b", TRUE);
  assert_known (fixture, "c", TRUE);

  resilient_client_set_max_results (fixture->client, 0);
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 0);
  get_as (fixture, "d", "/");
  assert_known (fixture, "d", FALSE);
}

/* No result is kept, but whoever waits gets it. */
static void
test_none_kept (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("fleeting", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) waiter = { 0 };

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_max_results (fixture->client, 0);
  client_start_get (fixture, "/", context, NULL, &slot);
  resilient_client_wait_result_async (
    fixture->client, "fleeting", -1, NULL, test_result_cb, &waiter);
  expect_wait (fixture, &waiter, "fleeting", RESILIENT_RESULT_STATUS_SUCCESS);
  response = client_end_get (fixture, &slot, NULL);
  assert_known (fixture, "fleeting", FALSE);
}

static void
test_max_bytes (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *text = g_strnfill (1000, 'b');
  g_autoptr (ResilientResult) old = NULL;
  g_autoptr (ResilientResult) young = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, "X-A: b", text), NULL);
  resilient_client_set_max_result_bytes (fixture->client, 1500);
  get_as (fixture, "old", "/");
  get_as (fixture, "young", "/");
  old = assert_result (fixture, "old", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  g_assert_false (resilient_response_has_body (resilient_result_get_response (old)));
  g_assert_null (resilient_response_get_body (resilient_result_get_response (old)));
  g_assert_cmpstr (
    resilient_response_get_header (resilient_result_get_response (old), "x-a"), ==, "b");
  young =
    assert_result (fixture, "young", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  assert_response (resilient_result_get_response (young), 200, text);
}

static gboolean
none_left (gpointer data)
{
  return resilient_client_get_result_count (data) == 0;
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_ttl (ClientFixture *fixture, gconstpointer flags)
{
  guint ticks = g_timeout_add (5, tick_cb, NULL);

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_result_ttl (fixture->client, 0.02);
  get_as (fixture, "mortal", "/");
  test_run_until (none_left, fixture->client);
  assert_known (fixture, "mortal", FALSE);
  g_source_remove (ticks);
}

static void
test_newest_wins (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResult) result = NULL;

  fault_server_on (fixture->server, "/one", fault_answer (200, NULL, "one"), NULL);
  fault_server_on (fixture->server, "/two", fault_answer (404, NULL, "two"), NULL);
  get_as (fixture, "same", "/one");
  get_as (fixture, "same", "/two");
  result =
    assert_result (fixture, "same", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  assert_response (resilient_result_get_response (result), 404, "two");
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 1);
  wait_last_events (fixture, 2);
  g_ptr_array_set_size (fixture->events, 1);
}

static void
test_stats (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientStats) before = resilient_client_get_stats (fixture->client);
  g_autoptr (ResilientStats) stats = NULL;
  const char *paths[] = { "/ok", "/once", "/never", "/silent" };

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/once", fault_answer (503, NULL, ""), NULL);
  fault_server_on (fixture->server, "/never", fault_answer (503, NULL, ""), NULL);
  fault_server_on (fixture->server, "/silent", fault_silence (), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, "GET", paths[i]);
      g_autoptr (ResilientResponse) response = NULL;

      if (g_str_equal (paths[i], "/silent"))
        resilient_request_set_attempt_timeout (request, 0.1);
      response = client_send (fixture, request, NULL, NULL);
    }
  stats = resilient_client_get_stats (fixture->client);
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 4);
  g_assert_cmpuint (resilient_stats_get_attempts (stats), ==, 6);
  g_assert_cmpuint (resilient_stats_get_retries (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_errors (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_timeouts (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_cancelled (stats), ==, 0);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 0);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_success_rate (stats), 0.5, 1e-9);
  g_assert_cmpfloat (resilient_stats_get_percentile (stats, 1), >=, 0.09);
  g_assert_cmpuint (resilient_stats_get_requests (before), ==, 0);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/results/pending", test_pending, FAULT_SERVER_PLAIN },
    { "/results/wait", test_wait, FAULT_SERVER_PLAIN },
    { "/results/wait-away-from-home", test_wait_away_from_home, FAULT_SERVER_PLAIN },
    { "/results/wait-cancelled", test_wait_cancelled, FAULT_SERVER_PLAIN },
    { "/results/wait-all", test_wait_all, FAULT_SERVER_PLAIN },
    { "/results/wait-all/cancelled", test_wait_all_cancelled, FAULT_SERVER_PLAIN },
    { "/results/max-results", test_max_results, FAULT_SERVER_PLAIN },
    { "/results/none-kept", test_none_kept, FAULT_SERVER_PLAIN },
    { "/results/max-bytes", test_max_bytes, FAULT_SERVER_PLAIN },
    { "/results/ttl", test_ttl, FAULT_SERVER_PLAIN },
    { "/results/newest-wins", test_newest_wins, FAULT_SERVER_PLAIN },
    { "/results/stats", test_stats, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
