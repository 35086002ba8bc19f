/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* The end of a client: closed with and without grace, or just let go of. */

static void
close_now (ClientFixture *fixture, double grace, TestResult *result)
{
  resilient_client_close_async (fixture->client, grace, NULL, test_result_cb, result);
}

static void
expect_closed (ClientFixture *fixture, TestResult *result)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
    resilient_client_close_finish (fixture->client, test_result_wait (result), &error));
  g_assert_no_error (error);
  g_assert_true (resilient_client_get_closed (fixture->client));
  g_assert_cmpuint (g_list_model_get_n_items (resilient_client_get_calls (fixture->client)), ==, 0);
}

static void
test_idle (ClientFixture *fixture, gconstpointer flags)
{
  g_auto (TestResult) closed = { 0 };

  g_assert_false (resilient_client_get_closed (fixture->client));
  close_now (fixture, 10, &closed);
  expect_closed (fixture, &closed);
}

/* Grace lets live requests end, and keeps new ones out meanwhile. */
static void
test_grace (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientRequestContext) context = context_new ("lucky", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) closed = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_held (fixture->server, "go", 1);
  close_now (fixture, 15, &closed);
  response = client_get (fixture, "/", NULL, &error);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpuint (closed.calls, ==, 0);
  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &slot, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  expect_closed (fixture, &closed);
  result =
    assert_result (fixture, "lucky", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
}

static void
test_grace_runs_out (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("unlucky", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) closed = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_requests (fixture->server, 1);
  close_now (fixture, 0.02, &closed);
  expect_closed (fixture, &closed);
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  result = assert_result (
    fixture, "unlucky", RESILIENT_RESULT_STATUS_CANCELLED, RESILIENT_FAILURE_CANCELLED, 1);
}

/* The grace runs out where the close was called, whatever becomes of the home context. */
static void
test_grace_away_from_home (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) closed = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  g_main_context_push_thread_default (context);
  client_start_get (fixture, "/", NULL, NULL, &slot);
  fault_server_wait_requests (fixture->server, 1);
  close_now (fixture, 0.02, &closed);
  expect_closed (fixture, &closed);
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_main_context_pop_thread_default (context);
}

/* A second close that is in more of a hurry does not wait for the grace of the first. */
static void
test_twice (ClientFixture *fixture, gconstpointer flags)
{
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) first = { 0 };
  g_auto (TestResult) second = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  client_start_get (fixture, "/", NULL, NULL, &slot);
  fault_server_wait_requests (fixture->server, 1);
  close_now (fixture, 600, &first);
  close_now (fixture, 0, &second);
  expect_closed (fixture, &second);
  expect_closed (fixture, &first);
  g_assert_null (client_end_get (fixture, &slot, NULL));
}

/* Whoever waits for the end of a close may stop waiting; the client closes all the same. */
static void
test_stop_waiting (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) closed = { 0 };
  g_auto (TestResult) again = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", NULL, NULL, &slot);
  fault_server_wait_held (fixture->server, "go", 1);
  resilient_client_close_async (fixture->client, 600, cancellable, test_result_cb, &closed);
  g_cancellable_cancel (cancellable);
  g_assert_false (
    resilient_client_close_finish (fixture->client, test_result_wait (&closed), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &slot, &error);
  g_assert_no_error (error);
  close_now (fixture, 10, &again);
  expect_closed (fixture, &again);
}

static void
gone_cb (gpointer user_data, GObject *object)
{
  *(gboolean *) user_data = TRUE;
}

/* The last reference goes while requests run in every state: each comes to its own end. */
static void
test_let_go (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (1);
  g_autoptr (ResilientRequestContext) context = context_new ("sleeping", policy);
  g_autoptr (FaultServer) refusing = fault_server_new (FAULT_SERVER_REFUSING);
  g_autofree char *refusing_uri = fault_server_uri (refusing, "/");
  g_autoptr (ResilientRequest) sleeper = resilient_request_new ("GET", refusing_uri);
  ResilientCall *calls[3];
  gboolean gone = FALSE;

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (refusing, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_max_concurrent_per_host (fixture->client, 1);
  calls[0] = resilient_client_start (fixture->client, request, NULL, NULL);
  calls[1] = resilient_client_start (fixture->client, request, NULL, NULL);
  calls[2] = resilient_client_start (fixture->client, sleeper, context, NULL);
  fault_server_wait_held (fixture->server, "go", 1);
  call_wait_state (calls[2], RESILIENT_CALL_STATE_WAITING);
  g_object_weak_ref (G_OBJECT (fixture->client), gone_cb, &gone);
  g_clear_object (&fixture->client);

  fault_server_open (fixture->server, "go");
  fault_server_set_listening (refusing, TRUE);
  g_assert_true (resilient_call_retry_now (calls[2]));
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = call_wait (calls[i], &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      g_object_unref (calls[i]);
    }
  test_run_until_true (&gone);
}

/* A call outlives its client, and still has its result. */
static void
test_call_outlives (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResponse) again = NULL;
  g_autoptr (ResilientResult) result = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  response = call_wait (call, NULL);
  client_dispose (g_steal_pointer (&fixture->client));
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  result = resilient_call_get_result (call);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
  again = call_wait (call, NULL);
  assert_response (again, 200, "ok");
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/close/idle", test_idle, FAULT_SERVER_PLAIN },
    { "/close/grace", test_grace, FAULT_SERVER_PLAIN },
    { "/close/grace/http2", test_grace, FAULT_SERVER_HTTP2 },
    { "/close/grace-runs-out", test_grace_runs_out, FAULT_SERVER_PLAIN },
    { "/close/grace-runs-out/http2", test_grace_runs_out, FAULT_SERVER_HTTP2 },
    { "/close/grace-away-from-home", test_grace_away_from_home, FAULT_SERVER_PLAIN },
    { "/close/grace-away-from-home/http2", test_grace_away_from_home, FAULT_SERVER_HTTP2 },
    { "/close/twice", test_twice, FAULT_SERVER_PLAIN },
    { "/close/stop-waiting", test_stop_waiting, FAULT_SERVER_PLAIN },
    { "/close/let-go", test_let_go, FAULT_SERVER_PLAIN },
    { "/close/let-go/http2", test_let_go, FAULT_SERVER_HTTP2 },
    { "/close/call-outlives", test_call_outlives, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
