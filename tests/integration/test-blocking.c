/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* What blocks a thread comes back: when the I/O thread stands still, and when the thread that
 * blocks is the one that all others wait for. */

#define SHORT 0.05

/* --- the I/O thread stands still -------------------------------------------------------------- */

/* A request whose body function keeps the I/O thread until the test lets it go. */
typedef struct
{
  ClientFixture *fixture;
  GThread *thread;
  GMutex lock;
  GCond cond;
  gboolean holds; /* under lock */
  gboolean open;  /* under lock */
} Holder;

static GInputStream *
hold_cb (gpointer data, GError **error)
{
  Holder *self = data;

  g_mutex_lock (&self->lock);
  self->holds = TRUE;
  g_cond_broadcast (&self->cond);
  while (!self->open)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);

  return g_memory_input_stream_new_from_data ("x", 1, NULL);
}

static gpointer
holder_thread (gpointer data)
{
  Holder *self = data;
  g_autoptr (ResilientRequest) request = request_new (self->fixture, "PUT", "/held");
  g_autoptr (ResilientRequestContext) context = context_new ("holder", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  resilient_request_set_body_stream_factory (request, NULL, hold_cb, self, NULL);
  response = resilient_client_send (self->fixture->client, request, context, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "held");

  return NULL;
}

static void
holder_init (Holder *self, ClientFixture *fixture)
{
  *self = (Holder){ .fixture = fixture };
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  fault_server_on (fixture->server, "/held", fault_answer (200, NULL, "held"), NULL);
}

static void
holder_wait (Holder *self)
{
  g_mutex_lock (&self->lock);
  while (!self->holds)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
holder_start (Holder *self, ClientFixture *fixture)
{
  holder_init (self, fixture);
  self->thread = g_thread_new ("holder", holder_thread, self);
  holder_wait (self);
}

static void
holder_open (Holder *self)
{
  g_mutex_lock (&self->lock);
  self->open = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
holder_end (Holder *self)
{
  holder_open (self);
  g_clear_pointer (&self->thread, g_thread_join);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

/* For observers it ends once the I/O thread goes on, once, and as its caller was told. */
static void
expect_end (ClientFixture *fixture,
            ResilientEventType type,
            ResilientResultStatus status,
            ResilientFailure failure,
            guint attempts,
            guint n_last_events)
{
  g_autoptr (ResilientResult) result = NULL;

  wait_last_events (fixture, n_last_events);
  g_assert_cmpuint (count_events (fixture, type, "stuck"), ==, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_SUCCESS, "stuck"), ==, 0);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, "stuck"), ==, 0);
  result = assert_result (fixture, "stuck", status, failure, attempts);
  g_assert_null (resilient_result_get_response (result));
}

static void
test_deadline (ClientFixture *fixture, gconstpointer flags)
{
  Holder holder;
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new ("stuck", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  holder_start (&holder, fixture);
  resilient_request_set_total_timeout (request, SHORT);
  g_assert_null (resilient_client_send (fixture->client, request, context, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  result = resilient_client_get_result (fixture->client, "stuck");
  g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_PENDING);

  holder_end (&holder);
  expect_end (fixture,
              RESILIENT_EVENT_TYPE_TIMEOUT,
              RESILIENT_RESULT_STATUS_TIMEOUT,
              RESILIENT_FAILURE_DEADLINE,
              0,
              2);
  /* that of the holder */
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

/* The thread that cancels: by cancellable or by id. */
typedef struct
{
  ClientFixture *fixture;
  GCancellable *cancellable; /* nullable */
} Cancel;

static gpointer
cancel_thread (gpointer data)
{
  Cancel *cancel = data;

  /* it is alive as soon as it blocks */
  while (cancel->cancellable == NULL
         && resilient_client_cancel (cancel->fixture->client, "stuck") == 0)
    g_thread_yield ();
  if (cancel->cancellable != NULL)
    g_cancellable_cancel (cancel->cancellable);

  return NULL;
}

static void
cancel_stuck (ClientFixture *fixture, GCancellable *cancellable, gboolean before)
{
  Holder holder;
  Cancel cancel = { fixture, cancellable };
  GThread *thread = NULL;
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new ("stuck", NULL);
  g_autoptr (GError) error = NULL;

  holder_start (&holder, fixture);
  if (before)
    cancel_thread (&cancel);
  else
    thread = g_thread_new ("cancel", cancel_thread, &cancel);
  g_assert_null (resilient_client_send (fixture->client, request, context, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (thread != NULL)
    g_thread_join (thread);

  holder_end (&holder);
  expect_end (fixture,
              RESILIENT_EVENT_TYPE_CANCELLED,
              RESILIENT_RESULT_STATUS_CANCELLED,
              RESILIENT_FAILURE_CANCELLED,
              0,
              2);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

static void
test_cancellable (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  cancel_stuck (fixture, cancellable, FALSE);
}

static void
test_cancelled_before (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  cancel_stuck (fixture, cancellable, TRUE);
}

static void
test_cancel (ClientFixture *fixture, gconstpointer flags)
{
  cancel_stuck (fixture, NULL, FALSE);
}

/* A blocking request in a thread, whose error goes to @error. */
typedef struct
{
  ClientFixture *fixture;
  ResilientRequest *request;
  const char *id;
  GThread *thread;
  ResilientResponse *response;
  GError *error;
  int done; /* atomic */
} Sender;

static gpointer
sender_thread (gpointer data)
{
  Sender *self = data;
  g_autoptr (ResilientRequestContext) context = context_new (self->id, NULL);

  self->response =
    resilient_client_send (self->fixture->client, self->request, context, NULL, &self->error);
  g_atomic_int_set (&self->done, TRUE);
  g_main_context_wakeup (NULL);

  return NULL;
}

static void
sender_start (Sender *self, ClientFixture *fixture, ResilientRequest *request, const char *id)
{
  *self = (Sender){ .fixture = fixture, .request = request, .id = id };
  self->thread = g_thread_new ("sender", sender_thread, self);
}

static void
sender_clear (Sender *self)
{
  g_clear_pointer (&self->response, resilient_response_unref);
  g_clear_error (&self->error);
}

/* An answer that comes after the caller was told is none, for anybody; nor is there a retry. */
static void
answer_too_late (ClientFixture *fixture, guint status)
{
  Holder holder;
  Sender sender;
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (
    fixture->server, "/", fault_hold ("answer"), fault_answer (status, NULL, "late"), NULL);
  /* the handshake of TLS is a part of it, and slow where each instruction is checked */
  resilient_request_set_total_timeout (request, !test_is_quick () ? 4 * SHORT : 5);
  resilient_request_set_retry_policy (request, policy);
  sender_start (&sender, fixture, request, "stuck");
  fault_server_wait_held (fixture->server, "answer", 1);
  holder_start (&holder, fixture);
  fault_server_open (fixture->server, "answer");
  g_thread_join (sender.thread);
  g_assert_null (sender.response);
  g_assert_error (sender.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  sender_clear (&sender);

  holder_end (&holder);
  expect_end (fixture,
              RESILIENT_EVENT_TYPE_TIMEOUT,
              RESILIENT_RESULT_STATUS_TIMEOUT,
              RESILIENT_FAILURE_DEADLINE,
              1,
              2);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 2);
}

static void
test_answer_too_late (ClientFixture *fixture, gconstpointer flags)
{
  answer_too_late (fixture, 200);
}

static void
test_failure_too_late (ClientFixture *fixture, gconstpointer flags)
{
  answer_too_late (fixture, 503);
}

/* In the I/O thread, which is about to end the request: the next thing that it does is to start one
 * whose body function keeps it. */
static void
got_body_cb (SoupMessage *message, gpointer data)
{
  Holder *holder = data;
  g_autoptr (ResilientRequest) request = request_new (holder->fixture, "PUT", "/held");
  g_autoptr (ResilientRequestContext) context = context_new ("holder", NULL);
  g_autoptr (ResilientCall) call = NULL;

  resilient_request_set_body_stream_factory (request, NULL, hold_cb, holder, NULL);
  call = resilient_client_start (holder->fixture->client, request, context, NULL);
}

static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  if (g_str_equal (g_uri_get_path (soup_message_get_uri (message)), "/"))
    g_signal_connect (message, "got-body", G_CALLBACK (got_body_cb), data);
}

/* An end that is there is not waited for any longer. */
static void
test_answer_in_time (ClientFixture *fixture, gconstpointer flags)
{
  Holder holder;
  Sender sender;
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientResult) result = NULL;
  TestResult ended = { 0 };
  g_autoptr (GError) error = NULL;
  ResilientClient *own = fixture->client;

  holder_init (&holder, fixture);
  fixture->client = resilient_client_new_with_session (session);
  g_signal_connect (session, "request-queued", G_CALLBACK (queued_cb), &holder);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "in time"), NULL);
  sender_start (&sender, fixture, request, "sender");
  holder_wait (&holder);
  g_thread_join (sender.thread);
  g_assert_no_error (sender.error);
  assert_response (sender.response, 200, "in time");
  sender_clear (&sender);

  resilient_client_wait_result_async (fixture->client, "holder", -1, NULL, test_result_cb, &ended);
  holder_open (&holder);
  result = resilient_client_wait_result_finish (fixture->client, test_result_wait (&ended), &error);
  g_assert_no_error (error);
  g_assert_true (resilient_result_is_success (result));
  test_result_clear (&ended);
  holder_end (&holder);
  client_dispose (fixture->client);
  fixture->client = own;
}

/* Who waits for a request of the I/O thread, in another context, waits no longer than he said. */
static void
test_wait (ClientFixture *fixture, gconstpointer flags)
{
  Holder holder;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) timed = { 0 };
  g_auto (TestResult) cancelled = { 0 };

  holder_start (&holder, fixture);
  resilient_client_wait_result_async (
    fixture->client, "holder", -1, cancellable, test_result_cb, &cancelled);
  resilient_client_wait_result_async (
    fixture->client, "holder", SHORT, NULL, test_result_cb, &timed);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&timed), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (cancelled.result);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&cancelled), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  holder_end (&holder);
}

/* --- the home thread blocks ------------------------------------------------------------------- */

/* Every slot belongs to requests that end only when this thread goes on. */
static void
hold_all_slots (ClientFixture *fixture, guint n, TestResult *results)
{
  fault_server_on (
    fixture->server, "/first", fault_hold ("go"), fault_answer (200, NULL, "first"), NULL);
  for (guint i = 0; i < n; i++)
    client_start_get (fixture, "/first", NULL, NULL, &results[i]);
  fault_server_wait_held (fixture->server, "go", n);
}

static void
end_all_slots (ClientFixture *fixture, guint n, TestResult *results)
{
  fault_server_open (fixture->server, "go");
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &results[i], &error);

      g_assert_no_error (error);
      assert_response (response, 200, "first");
      test_result_clear (&results[i]);
    }
}

static void
expect_sync (ClientFixture *fixture)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/second");
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  fault_server_on (fixture->server, "/second", fault_answer (200, NULL, "second"), NULL);
  /* after its sleep it comes to the gate again */
  fault_server_next (fixture->server, "/second", fault_answer (503, NULL, "busy"), NULL);
  resilient_request_set_retry_policy (request, policy);
  response = resilient_client_send (fixture->client, request, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "second");
}

static void
test_slots (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[3] = { { 0 } };
  g_auto (TestResult) waiting = { 0 };
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  resilient_client_set_max_concurrent (fixture->client, 3);
  hold_all_slots (fixture, 3, results);
  /* and more wait for them already */
  client_start_get (fixture, "/second", NULL, NULL, &waiting);
  expect_sync (fixture);
  g_assert_cmpuint (resilient_client_get_pending_count (fixture->client), ==, 1);
  end_all_slots (fixture, 3, results);
  response = client_end_get (fixture, &waiting, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "second");
}

static void
test_slots_of_origin (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[2] = { { 0 } };

  resilient_client_set_max_concurrent_per_host (fixture->client, 2);
  hold_all_slots (fixture, 2, results);
  expect_sync (fixture);
  end_all_slots (fixture, 2, results);
}

/* In a callback of the home context, which then has an owner. */
static gboolean
sync_in_callback (gpointer data)
{
  expect_sync (data);
  return G_SOURCE_REMOVE;
}

static void
test_slots_in_callback (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[1] = { { 0 } };

  resilient_client_set_max_concurrent (fixture->client, 1);
  hold_all_slots (fixture, 1, results);
  g_idle_add (sync_in_callback, fixture);
  test_run_pending ();
  end_all_slots (fixture, 1, results);
}

/* A session of the app's own has no connection more than it says. */
static void
test_slots_of_session (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[1] = { { 0 } };
  g_autoptr (SoupSession) session =
    soup_session_new_with_options ("max-conns", 1, "max-conns-per-host", 1, NULL);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/second");
  g_autoptr (GError) error = NULL;
  ResilientClient *own = fixture->client;

  fixture->client = resilient_client_new_with_session (session);
  hold_all_slots (fixture, 1, results);
  g_assert_null (resilient_client_send (fixture->client, request, NULL, NULL, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED);
  end_all_slots (fixture, 1, results);
  client_dispose (fixture->client);
  fixture->client = own;
}

static gboolean
is_pending (gpointer client)
{
  return resilient_client_get_pending_count (client) == 1;
}

static gboolean
is_done (gpointer sender)
{
  return g_atomic_int_get (&((Sender *) sender)->done);
}

/* A worker thread keeps to the limits: the home thread goes on meanwhile. */
static void
test_slots_worker (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[1] = { { 0 } };
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/second");
  Sender sender;

  fault_server_on (fixture->server, "/second", fault_answer (200, NULL, "second"), NULL);
  resilient_client_set_max_concurrent (fixture->client, 1);
  hold_all_slots (fixture, 1, results);
  sender_start (&sender, fixture, request, "worker");
  test_run_until (is_pending, fixture->client);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  end_all_slots (fixture, 1, results);
  test_run_until (is_done, &sender);
  g_thread_join (sender.thread);
  g_assert_no_error (sender.error);
  assert_response (sender.response, 200, "second");
  sender_clear (&sender);
}

/* Nor is who comes again refused, where nobody may wait: the slot of the call before is free. */
static gpointer
again_thread (gpointer data)
{
  ClientFixture *fixture = data;
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response =
        resilient_client_send (fixture->client, request, NULL, NULL, &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }

  return NULL;
}

static void
test_slots_again (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_max_concurrent (fixture->client, 1);
  resilient_client_set_max_pending (fixture->client, 0);
  g_thread_join (g_thread_new ("again", again_thread, fixture));
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/blocking/deadline", test_deadline, FAULT_SERVER_PLAIN },
    { "/blocking/cancellable", test_cancellable, FAULT_SERVER_PLAIN },
    { "/blocking/cancelled-before", test_cancelled_before, FAULT_SERVER_PLAIN },
    { "/blocking/cancel", test_cancel, FAULT_SERVER_PLAIN },
    { "/blocking/answer-too-late", test_answer_too_late, FAULT_SERVER_PLAIN },
    { "/blocking/answer-too-late/tls", test_answer_too_late, FAULT_SERVER_TLS },
    { "/blocking/answer-too-late/http2", test_answer_too_late, FAULT_SERVER_HTTP2 },
    { "/blocking/failure-too-late", test_failure_too_late, FAULT_SERVER_PLAIN },
    { "/blocking/answer-in-time", test_answer_in_time, FAULT_SERVER_PLAIN },
    { "/blocking/wait", test_wait, FAULT_SERVER_PLAIN },
    { "/blocking/slots", test_slots, FAULT_SERVER_PLAIN },
    { "/blocking/slots/http2", test_slots, FAULT_SERVER_HTTP2 },
    { "/blocking/slots/origin", test_slots_of_origin, FAULT_SERVER_PLAIN },
    { "/blocking/slots/callback", test_slots_in_callback, FAULT_SERVER_PLAIN },
    { "/blocking/slots/session", test_slots_of_session, FAULT_SERVER_PLAIN },
    { "/blocking/slots/worker", test_slots_worker, FAULT_SERVER_PLAIN },
    { "/blocking/slots/again", test_slots_again, FAULT_SERVER_PLAIN },
    { "/blocking/slots/again/tls", test_slots_again, FAULT_SERVER_TLS },
    { "/blocking/slots/again/http2", test_slots_again, FAULT_SERVER_HTTP2 },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
