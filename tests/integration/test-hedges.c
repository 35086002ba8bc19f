/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Two attempts of one request over real connections: what the server sees of them. */

#define DELAY 0.05 /* seconds, of a hedge */
#define N_PAYING 20

static gboolean
is_http1 (gconstpointer flags)
{
  return !(GPOINTER_TO_UINT (flags) & FAULT_SERVER_HTTP2);
}

/* So many requests pay for a hedge. */
static void
earn_hedge (ClientFixture *fixture)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_max_retries (builder, 0);
  resilient_retry_policy_builder_set_hedge_delay (builder, DELAY);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_client_set_retry_policy (fixture->client, policy);

  fault_server_on (fixture->server, "/quick", fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < N_PAYING; i++)
    {
      g_autoptr (ResilientResponse) response = client_get (fixture, "/quick", NULL, &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
}

static guint64
count_hedges (ClientFixture *fixture)
{
  g_autoptr (ResilientStats) stats = resilient_client_get_stats (fixture->client);

  return resilient_stats_get_hedges (stats);
}

/* The second one answers, and the connection of the first is closed. */
static void
test_wins (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("hedged", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) log = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n_before;
  guint n_closed;
  gint64 answered;

  earn_hedge (fixture);
  n_before = count_hedges (fixture);
  n_closed = fault_server_get_closed (fixture->server);
  fault_server_next (fixture->server, "/slow", fault_silence (), NULL);
  fault_server_on (fixture->server, "/slow", fault_answer (200, NULL, "second"), NULL);
  response = client_get (fixture, "/slow", context, &error);
  answered = g_get_monotonic_time ();
  g_assert_no_error (error);
  assert_response (response, 200, "second");

  g_assert_cmpuint (fault_server_count (fixture->server, "/slow"), ==, 2);
  g_assert_cmpuint (count_hedges (fixture), ==, n_before + 1);
  result =
    assert_result (fixture, "hedged", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 2);
  log = resilient_result_list_attempts (result);
  g_assert_cmpuint (log->len, ==, 2);
  g_assert_cmpint (resilient_attempt_get_reason (log->pdata[0]), ==, RESILIENT_REASON_HEDGE);
  g_assert_cmpfloat (resilient_attempt_get_delay_before (log->pdata[1]), ==, DELAY);

  /* a stream of HTTP/2 ends, and its connection stays */
  if (is_http1 (flags))
    fault_server_wait_closed (fixture->server, n_closed + 1);
  else
    fault_server_wait_active (fixture->server, 0);
  g_test_message ("the other one was left after %.1f ms",
                  (g_get_monotonic_time () - answered) / 1000.0);
  wait_last_events (fixture, N_PAYING + 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_SUCCESS, "hedged"), ==, 1);
}

static void
gone_cb (gpointer user_data, GObject *client)
{
  *(gboolean *) user_data = TRUE;
}

/* The client goes while two attempts are under way; the call has both, until it is cancelled. */
static void
test_dispose (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/slow");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) log = NULL;
  g_autoptr (GError) error = NULL;
  gboolean gone = FALSE;

  earn_hedge (fixture);
  wait_last_events (fixture, N_PAYING);
  fault_server_on (fixture->server, "/slow", fault_silence (), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  fault_server_wait_requests (fixture->server, N_PAYING + 2);
  g_object_weak_ref (G_OBJECT (fixture->client), gone_cb, &gone);
  g_clear_object (&fixture->client);
  test_run_until_true (&gone);
  g_assert_cmpint (resilient_call_get_state (call), !=, RESILIENT_CALL_STATE_DONE);

  resilient_call_cancel (call);
  response = call_wait (call, &error);
  g_assert_null (response);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  result = resilient_call_get_result (call);
  log = resilient_result_list_attempts (result);
  g_assert_cmpuint (log->len, ==, 2);
  fault_server_wait_active (fixture->server, 0);
}

/* The same of one that is closed: both end with it. */
static void
test_close (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/slow");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  earn_hedge (fixture);
  wait_last_events (fixture, N_PAYING);
  fault_server_on (fixture->server, "/slow", fault_silence (), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  fault_server_wait_requests (fixture->server, N_PAYING + 2);
  client_dispose (g_steal_pointer (&fixture->client));
  result = resilient_call_get_result (call);
  g_assert_nonnull (result);
  g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_CANCELLED);
  fault_server_wait_active (fixture->server, 0);
}

static const ClientTest tests[] = {
  { "/hedges/wins", test_wins, FAULT_SERVER_PLAIN },
  { "/hedges/wins/http2", test_wins, FAULT_SERVER_HTTP2 },
  { "/hedges/dispose", test_dispose, FAULT_SERVER_PLAIN },
  { "/hedges/dispose/http2", test_dispose, FAULT_SERVER_HTTP2 },
  { "/hedges/close", test_close, FAULT_SERVER_PLAIN },
};

int
main (int argc, char *argv[])
{
  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
