/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Requests for the same thing that are under way at the same time, over real connections. */

#define N_CALLS 10

static ResilientRequest *
request_coalesced (ClientFixture *fixture)
{
  ResilientRequest *request = request_new (fixture, "GET", "/");

  resilient_request_set_coalesce (request, TRUE);
  return request;
}

/* The one that has sent it is cancelled, and all others have the answer. */
static void
test_cancelled (ClientFixture *fixture, gconstpointer flags)
{
  ResilientCall *calls[N_CALLS];

  fault_server_on (
    fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "shared"), NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (ResilientRequest) request = request_coalesced (fixture);

      calls[i] = resilient_client_start (fixture->client, request, NULL, NULL);
    }
  fault_server_wait_held (fixture->server, "go", 1);
  for (guint i = 0; i < N_CALLS; i++)
    call_wait_state (calls[i], RESILIENT_CALL_STATE_SENDING);
  resilient_call_cancel (calls[0]);
  call_wait_state (calls[0], RESILIENT_CALL_STATE_DONE);
  fault_server_open (fixture->server, "go");
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = call_wait (calls[i], &error);

      if (i == 0)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        }
      else
        {
          g_assert_no_error (error);
          assert_response (response, 200, "shared");
        }
      g_object_unref (calls[i]);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  wait_last_events (fixture, N_CALLS);
}

/* When all are cancelled the connection is closed. */
static void
test_all_cancelled (ClientFixture *fixture, gconstpointer flags)
{
  ResilientCall *calls[N_CALLS];

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (ResilientRequest) request = request_coalesced (fixture);

      calls[i] = resilient_client_start (fixture->client, request, NULL, NULL);
    }
  fault_server_wait_requests (fixture->server, 1);
  for (guint i = 0; i < N_CALLS; i++)
    {
      resilient_call_cancel (calls[i]);
      call_wait_state (calls[i], RESILIENT_CALL_STATE_DONE);
      g_object_unref (calls[i]);
    }
  fault_server_wait_closed (fixture->server, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

/* One takes 503 for the answer, so that its body is read; the other tries again, whatever becomes
 * of that body. */
static void
test_body_of_others (ClientFixture *fixture, gconstpointer flags)
{
  const guint16 statuses[] = { 503 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) again = NULL;
  g_autoptr (ResilientRetryPolicy) once = quick_policy (0);
  g_autoptr (ResilientRequest) request = request_coalesced (fixture);
  g_autoptr (ResilientCall) first = NULL;
  g_autoptr (ResilientCall) second = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResponse) none = NULL;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_retry_on (builder, RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  resilient_retry_policy_builder_set_base_delay (builder, 0.001);
  again = resilient_retry_policy_builder_build (builder, NULL);
  g_assert_nonnull (again);
  fault_server_next (fixture->server,
                     "/",
                     fault_hold ("go"),
                     fault_head (503, "Content-Length: 10"),
                     fault_send ("cut"),
                     fault_close (),
                     NULL);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "well"), NULL);

  resilient_request_set_retry_policy (request, again);
  first = resilient_client_start (fixture->client, request, NULL, NULL);
  fault_server_wait_held (fixture->server, "go", 1);
  resilient_request_set_retry_policy (request, once);
  second = resilient_client_start (fixture->client, request, NULL, NULL);
  call_wait_state (second, RESILIENT_CALL_STATE_SENDING);
  fault_server_open (fixture->server, "go");

  response = call_wait (first, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "well");
  none = call_wait (second, &error);
  g_assert_null (none);
  g_assert_nonnull (error);
  wait_last_events (fixture, 2);
}

typedef struct
{
  ClientFixture *fixture;
  int n_answers; /* atomic */
} Workers;

static gpointer
worker_thread (gpointer data)
{
  Workers *workers = data;
  g_autoptr (ResilientRequest) request = request_coalesced (workers->fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send (workers->fixture->client, request, NULL, NULL, &error);

  g_assert_no_error (error);
  assert_response (response, 200, "shared");
  g_atomic_int_inc (&workers->n_answers);
  return NULL;
}

static guint
count_sending (ResilientClient *client)
{
  GListModel *calls = resilient_client_get_calls (client);
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (calls); i++)
    {
      g_autoptr (ResilientCall) call = g_list_model_get_item (calls, i);

      n += resilient_call_get_state (call) == RESILIENT_CALL_STATE_SENDING;
    }
  return n;
}

/* Threads that block share one, too; and none with a request that the main context drives. */
static void
test_threads (ClientFixture *fixture, gconstpointer flags)
{
  Workers workers = { fixture, 0 };
  GThread *threads[N_CALLS];
  g_autoptr (ResilientRequest) request = request_coalesced (fixture);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  fault_server_on (
    fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "shared"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  for (guint i = 0; i < N_CALLS; i++)
    threads[i] = g_thread_new ("worker", worker_thread, &workers);
  while (count_sending (fixture->client) < N_CALLS + 1)
    {
      test_run_pending ();
      g_thread_yield ();
    }
  fault_server_wait_held (fixture->server, "go", 2);
  fault_server_open (fixture->server, "go");
  for (guint i = 0; i < N_CALLS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (g_atomic_int_get (&workers.n_answers), ==, N_CALLS);
  response = call_wait (call, NULL);
  assert_response (response, 200, "shared");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 2);
}

/* The client closes while some share: each has its end. */
static void
test_close (ClientFixture *fixture, gconstpointer flags)
{
  ResilientCall *calls[N_CALLS];

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (ResilientRequest) request = request_coalesced (fixture);

      calls[i] = resilient_client_start (fixture->client, request, NULL, NULL);
    }
  fault_server_wait_requests (fixture->server, 1);
  client_dispose (g_steal_pointer (&fixture->client));
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls[i]);

      g_assert_nonnull (result);
      g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_CANCELLED);
      g_object_unref (calls[i]);
    }
  fault_server_wait_closed (fixture->server, 1);
}

static void
test_property (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequest) copy = NULL;
  gboolean coalesce = TRUE;

  g_object_get (request, "coalesce", &coalesce, NULL);
  g_assert_false (coalesce);
  g_object_set (request, "coalesce", TRUE, NULL);
  copy = resilient_request_copy (request);
  g_assert_true (resilient_request_get_coalesce (copy));
  resilient_request_set_coalesce (request, FALSE);
  g_assert_false (resilient_request_get_coalesce (request));
}

static const ClientTest tests[] = {
  { "/shared-attempts/cancelled", test_cancelled, FAULT_SERVER_PLAIN },
  { "/shared-attempts/cancelled/http2", test_cancelled, FAULT_SERVER_HTTP2 },
  { "/shared-attempts/all-cancelled", test_all_cancelled, FAULT_SERVER_PLAIN },
  { "/shared-attempts/threads", test_threads, FAULT_SERVER_PLAIN },
  { "/shared-attempts/close", test_close, FAULT_SERVER_PLAIN },
  { "/shared-attempts/body-of-others", test_body_of_others, FAULT_SERVER_PLAIN },
  { "/shared-attempts/property", test_property, FAULT_SERVER_PLAIN },
};

int
main (int argc, char *argv[])
{
  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
