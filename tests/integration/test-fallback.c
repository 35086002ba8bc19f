/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* What answers when no server does, as an app sets it, over real connections. */

typedef struct
{
  GThread *thread; /* which asked last */
  guint n_asked;
  guint last_status; /* of the response that was there; 0: there was none */
  int last_code;     /* of the error */
  gboolean silent;   /* it has no answer either */
} Store;

static ResilientResponse *
store_answer (ResilientRequestContext *context,
              ResilientResponse *response,
              const GError *error,
              gpointer user_data)
{
  Store *store = user_data;
  g_autoptr (GBytes) body = g_bytes_new_static ("stored", 6);
  g_autoptr (GUri) uri = g_uri_parse ("https://stored.test/", SOUP_HTTP_URI_FLAGS, NULL);

  g_assert_nonnull (resilient_request_context_get_request_id (context));
  store->thread = g_thread_self ();
  store->n_asked++;
  store->last_status = response != NULL ? resilient_response_get_status_code (response) : 0;
  store->last_code = error != NULL ? error->code : -1;
  return store->silent ? NULL : resilient_response_new (200, "Stored", uri, NULL, body);
}

static void
count_cb (gpointer user_data)
{
  ++*(guint *) user_data;
}

static ResilientResponse *
never_answer (ResilientRequestContext *context,
              ResilientResponse *response,
              const GError *error,
              gpointer user_data)
{
  g_assert_not_reached ();
}

static ResilientRequest *
request_with_store (ClientFixture *fixture, Store *store)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  ResilientRequest *request = request_new (fixture, "GET", "/");

  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_fallback (request, store_answer, store, NULL);
  return request;
}

static void
test_refused (ClientFixture *fixture, gconstpointer flags)
{
  Store store = { NULL };
  g_autoptr (ResilientRequest) request = request_with_store (fixture, &store);
  g_autoptr (ResilientRequest) copy = resilient_request_copy (request);
  g_autoptr (ResilientRequestContext) context = context_new ("refused", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ResilientEvent *event;

  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "stored");
  g_assert_cmpuint (store.n_asked, ==, 1);
  g_assert_true (store.thread == g_thread_self ());
  g_assert_cmpint (store.last_code, ==, G_IO_ERROR_CONNECTION_REFUSED);
  result =
    assert_result (fixture, "refused", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 2);
  wait_last_events (fixture, 1);
  event = find_event (fixture, RESILIENT_EVENT_TYPE_SUCCESS, "refused", 0);
  g_assert_nonnull (event);
  g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_FALLBACK);

  /* a copy has it too; without an answer of its own the failure stays */
  g_clear_pointer (&response, resilient_response_unref);
  store.silent = TRUE;
  response = client_send (fixture, copy, NULL, &error);
  g_assert_null (response);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_cmpuint (store.n_asked, ==, 2);
}

static void
test_status (ClientFixture *fixture, gconstpointer flags)
{
  Store store = { NULL };
  g_autoptr (ResilientRequest) request = request_with_store (fixture, &store);
  g_autoptr (ResilientResponse) first = NULL;
  g_autoptr (ResilientResponse) second = NULL;

  fault_server_next (fixture->server, "/", fault_answer (404, NULL, "none"), NULL);
  fault_server_on (fixture->server, "/", fault_answer (503, NULL, "busy"), NULL);
  first = client_send (fixture, request, NULL, NULL);
  assert_response (first, 404, "none");
  g_assert_cmpuint (store.n_asked, ==, 0);

  second = client_send (fixture, request, NULL, NULL);
  assert_response (second, 200, "stored");
  g_assert_cmpuint (store.last_status, ==, 503);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 3);
}

typedef struct
{
  ClientFixture *fixture;
  ResilientRequest *request;
  gboolean done;
} Worker;

static gboolean
done_cb (gpointer user_data)
{
  ((Worker *) user_data)->done = TRUE;
  return G_SOURCE_REMOVE;
}

static gpointer
worker_thread (gpointer data)
{
  Worker *worker = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send (worker->fixture->client, worker->request, NULL, NULL, &error);

  g_assert_no_error (error);
  assert_response (response, 200, "stored");
  g_main_context_invoke (NULL, done_cb, worker);
  return NULL;
}

/* Who blocks is asked where it blocks, whether the server refuses, or the time is over. */
static void
test_blocking (ClientFixture *fixture, gconstpointer flags)
{
  for (guint i = 0; i < 2; i++)
    {
      Store store = { NULL };
      g_autoptr (ResilientRequest) request = request_with_store (fixture, &store);
      Worker worker = { fixture, request, FALSE };
      GThread *thread;

      if (i == 1)
        {
          fault_server_set_listening (fixture->server, TRUE);
          fault_server_on (fixture->server, "/", fault_silence (), NULL);
          resilient_request_set_total_timeout (request, 0.05);
        }
      thread = g_thread_new ("worker", worker_thread, &worker);
      test_run_until_true (&worker.done);
      g_assert_true (store.thread == thread);
      g_assert_cmpuint (store.n_asked, ==, 1);
      g_assert_cmpint (
        store.last_code, ==, i == 0 ? G_IO_ERROR_CONNECTION_REFUSED : G_IO_ERROR_TIMED_OUT);
      g_thread_join (thread);
    }
}

/* What was given with the function goes with the last who needs it, asked or not. */
static void
test_destroyed (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientResponse) response = NULL;
  guint n[3] = { 0 };

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_request_set_fallback (request, never_answer, &n[0], count_cb);
  resilient_request_set_fallback (request, never_answer, &n[1], count_cb);
  g_assert_cmpuint (n[0], ==, 1);
  resilient_request_set_fallback (request, NULL, &n[2], count_cb);
  g_assert_cmpuint (n[1], ==, 1);
  g_assert_cmpuint (n[2], ==, 1);

  resilient_request_set_fallback (request, never_answer, &n[0], count_cb);
  response = client_send (fixture, request, NULL, NULL);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (n[0], ==, 1);
  g_clear_object (&request);
  client_dispose (g_steal_pointer (&fixture->client));
  g_assert_cmpuint (n[0], ==, 2);
}

static const ClientTest tests[] = {
  { "/fallback/refused", test_refused, FAULT_SERVER_REFUSING },
  { "/fallback/status", test_status, FAULT_SERVER_PLAIN },
  { "/fallback/blocking", test_blocking, FAULT_SERVER_REFUSING },
  { "/fallback/destroyed", test_destroyed, FAULT_SERVER_PLAIN },
};

int
main (int argc, char *argv[])
{
  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
