/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Every way to cancel, in every phase of a request: one callback, in a later turn, and one
 * CANCELLED event. */

#define ID "victim"
#define UPLOAD_SIZE (32 * 1024 * 1024)

typedef enum
{
  FIRST_TURN,
  QUEUED,
  CONNECTING,
  HANDSHAKING,
  UPLOADING,
  WAITING,
  RECEIVING,
  SLEEPING,
  N_PHASES
} Phase;

typedef enum
{
  BY_CANCELLABLE,
  BY_ID,
  BY_CALL,
  ALL,
  N_WAYS
} Way;

static const struct
{
  const char *name;
  FaultServerFlags flags;
  guint attempts;
} phases[N_PHASES] = {
  [FIRST_TURN] = { "first-turn", FAULT_SERVER_PLAIN, 0 },
  [QUEUED] = { "queued", FAULT_SERVER_PLAIN, 0 },
  [CONNECTING] = { "connecting", FAULT_SERVER_FULL_BACKLOG, 1 },
  [HANDSHAKING] = { "handshaking", FAULT_SERVER_TLS, 1 },
  [UPLOADING] = { "uploading", FAULT_SERVER_PLAIN, 1 },
  [WAITING] = { "waiting", FAULT_SERVER_PLAIN, 1 },
  [RECEIVING] = { "receiving", FAULT_SERVER_PLAIN, 1 },
  [SLEEPING] = { "sleeping", FAULT_SERVER_REFUSING, 1 },
};

static const char *const ways[N_WAYS] = { "cancellable", "id", "call", "all" };

typedef struct
{
  Phase phase;
  Way way;
  FaultServerFlags more; /* FAULT_SERVER_HTTP2 or none */
} Case;

/* The live call of that id, from the client's list. */
static ResilientCall *
find_call (ResilientClient *client, const char *id)
{
  GListModel *calls = resilient_client_get_calls (client);

  for (guint i = 0; i < g_list_model_get_n_items (calls); i++)
    {
      g_autoptr (ResilientCall) call = g_list_model_get_item (calls, i);

      if (g_str_equal (resilient_call_get_request_id (call), id))
        return g_steal_pointer (&call);
    }

  return NULL;
}

static void
prepare (ClientFixture *fixture, Phase phase, ResilientRequest *request, TestResult *other)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (3);
  g_autoptr (GBytes) body = NULL;

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_request_set_retry_policy (request, policy);
  switch (phase)
    {
    case QUEUED:
      resilient_client_set_max_concurrent (fixture->client, 1);
      fault_server_on (
        fixture->server, "/other", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
      client_start_get (fixture, "/other", NULL, NULL, other);
      fault_server_wait_held (fixture->server, "go", 1);
      break;
    case HANDSHAKING:
      fault_server_next_connection (fixture->server, fault_silence (), NULL);
      break;
    case UPLOADING:
      body = g_bytes_new_take (g_malloc0 (UPLOAD_SIZE), UPLOAD_SIZE);
      resilient_request_set_body_bytes (request, NULL, body);
      fault_server_on (fixture->server,
                       "/",
                       fault_head (100, NULL),
                       fault_read (1000),
                       fault_hold ("never"),
                       NULL);
      break;
    case RECEIVING:
      fault_server_on (fixture->server,
                       "/",
                       fault_head (200, "Content-Length: 10"),
                       fault_send ("abc"),
                       fault_silence (),
                       NULL);
      break;
    default:
      break;
    }
}

static void
reach (ClientFixture *fixture, Phase phase)
{
  g_autoptr (ResilientCall) call = NULL;

  if (phase == FIRST_TURN)
    return;
  call = find_call (fixture->client, ID);
  g_assert_nonnull (call);
  switch (phase)
    {
    case QUEUED:
      call_wait_state (call, RESILIENT_CALL_STATE_QUEUED);
      test_run_pending ();
      break;
    case CONNECTING:
      call_wait_state (call, RESILIENT_CALL_STATE_SENDING);
      test_run_pending ();
      break;
    case HANDSHAKING:
      fault_server_wait_connections (fixture->server, 1);
      test_run_pending ();
      break;
    case UPLOADING:
      fault_server_wait_held (fixture->server, "never", 1);
      break;
    case WAITING:
      fault_server_wait_requests (fixture->server, 1);
      break;
    case RECEIVING:
      call_wait_state (call, RESILIENT_CALL_STATE_RECEIVING);
      break;
    case SLEEPING:
    default:
      call_wait_state (call, RESILIENT_CALL_STATE_WAITING);
      break;
    }
}

static void
cancel (ClientFixture *fixture, Way way, GCancellable *cancellable)
{
  g_autoptr (ResilientCall) call = NULL;

  switch (way)
    {
    case BY_CANCELLABLE:
      g_cancellable_cancel (cancellable);
      break;
    case BY_ID:
      g_assert_cmpuint (resilient_client_cancel (fixture->client, ID), ==, 1);
      break;
    case BY_CALL:
      call = find_call (fixture->client, ID);
      g_assert_nonnull (call);
      resilient_call_cancel (call);
      break;
    case ALL:
    default:
      resilient_client_cancel_all (fixture->client);
      break;
    }
}

static void
test_cancel (ClientFixture *fixture, gconstpointer data)
{
  const Case *test = data;
  g_autoptr (ResilientRequest) request =
    request_new (fixture, test->phase == UPLOADING ? "PUT" : "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new (ID, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  g_auto (TestResult) other = { 0 };

  prepare (fixture, test->phase, request, &other);
  resilient_client_send_async (
    fixture->client, request, context, cancellable, test_result_cb, &slot);
  reach (fixture, test->phase);
  cancel (fixture, test->way, cancellable);
  /* not inside the call that cancels */
  g_assert_cmpuint (slot.calls, ==, 0);

  response = resilient_client_send_finish (fixture->client, test_result_wait (&slot), &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (response);
  result = assert_result (fixture,
                          ID,
                          RESILIENT_RESULT_STATUS_CANCELLED,
                          RESILIENT_FAILURE_CANCELLED,
                          phases[test->phase].attempts);
  g_assert_cmpuint (resilient_client_cancel (fixture->client, ID), ==, 0);

  if (test->phase == QUEUED)
    {
      fault_server_open (fixture->server, "go");
      test_result_wait (&other);
      g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
    }
  wait_last_events (fixture, test->phase == QUEUED ? 2 : 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_CANCELLED, ID), ==, 1);
  g_assert_cmpuint (slot.calls, ==, 1);
}

static void
set_up (ClientFixture *fixture, gconstpointer data)
{
  const Case *test = data;

  client_fixture_set_up (fixture, GUINT_TO_POINTER (phases[test->phase].flags | test->more));
}

/* A cancellable that was cancelled before. */
static void
test_too_late (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };

  g_cancellable_cancel (cancellable);
  client_start_get (fixture, "/", NULL, cancellable, &slot);
  g_assert_cmpuint (slot.calls, ==, 0);
  response = client_end_get (fixture, &slot, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 0);
}

static void
test_same_id (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new (ID, NULL);
  TestResult slots[2] = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  for (guint i = 0; i < 2; i++)
    client_start_get (fixture, "/", context, NULL, &slots[i]);
  fault_server_wait_requests (fixture->server, 2);
  g_assert_cmpuint (resilient_client_cancel (fixture->client, "nobody"), ==, 0);
  g_assert_cmpuint (resilient_client_cancel (fixture->client, ID), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (client_end_get (fixture, &slots[i], &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  wait_last_events (fixture, 2);
  /* one each; the check of one per id is for requests that don't share one */
  g_ptr_array_set_size (fixture->events, 0);
}

/* Whoever waits for a call may stop waiting; the call goes on. */
static void
test_stop_waiting (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) impatient = { 0 };
  g_auto (TestResult) patient = { 0 };

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  resilient_call_wait_async (call, cancellable, test_result_cb, &impatient);
  resilient_call_wait_async (call, NULL, test_result_cb, &patient);
  fault_server_wait_held (fixture->server, "go", 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (resilient_call_wait_finish (call, test_result_wait (&impatient), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  fault_server_open (fixture->server, "go");
  response = resilient_call_wait_finish (call, test_result_wait (&patient), &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

/* The cancellable with which a call was started ends the call: from any thread, once, and not after
 * its end. */
static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
count_event_cb (ResilientClient *client, ResilientEvent *event, guint *n)
{
  (*n)++;
}

static void
test_start (ClientFixture *fixture, gconstpointer flags)
{
  static const char *const moments[] = { "before", "under way", "in a thread", "after" };
  guint n_cancelled = 0, n_succeeded = 0;

  g_signal_connect (fixture->client, "cancelled", G_CALLBACK (count_event_cb), &n_cancelled);
  g_signal_connect (fixture->client, "success", G_CALLBACK (count_event_cb), &n_succeeded);
  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      gboolean ends = i == 3;
      g_autoptr (ResilientRequest) request = request_new (fixture, "GET", ends ? "/ok" : "/");
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (ResilientCall) call = NULL;
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      if (i == 0)
        g_cancellable_cancel (cancellable);
      call = resilient_client_start (fixture->client, request, NULL, cancellable);
      if (i == 1 || i == 2)
        fault_server_wait_requests (fixture->server, i);
      if (i == 1)
        g_cancellable_cancel (cancellable);
      if (i == 2)
        g_thread_join (g_thread_new ("canceller", cancel_thread, cancellable));
      response = call_wait (call, &error);
      if (ends)
        {
          g_cancellable_cancel (cancellable);
          g_assert_no_error (error);
          assert_response (response, 200, "ok");
        }
      else
        {
          g_assert_null (response);
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        }
      test_run_pending ();
      g_assert_cmpuint (n_cancelled, ==, MIN (i + 1, 3));
      g_assert_cmpuint (n_succeeded, ==, ends);
      /* and nothing listens to it any more */
      g_assert_false (g_signal_has_handler_pending (
        cancellable, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE), 0, TRUE));
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 3);
}

/* --- cancelled and reset in one go, as apps do that use a cancellable again ------------------- */

static void
cancel_and_reset (GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
  g_cancellable_reset (cancellable);
}

/* Everything that takes a cancellable, at once: each has one callback. */
static void
test_reset (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 10);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new (ID, NULL);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  TestResult sent = { 0 }, fetched = { 0 }, finished = { 0 }, waited = { 0 }, waited_all = { 0 },
             closed = { 0 }, next = { 0 };
  TestResult *all[] = { &sent, &fetched, &finished, &waited, &waited_all, &closed, &next };
  GError *errors[G_N_ELEMENTS (all)] = { NULL };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  call = resilient_client_start (fixture->client, request, context, NULL);
  resilient_call_wait_async (call, cancellable, test_result_cb, &finished);
  resilient_client_send_async (fixture->client, request, NULL, cancellable, test_result_cb, &sent);
  resilient_fetch_async ("GET", uri, 0, 0, cancellable, test_result_cb, &fetched);
  resilient_client_wait_result_async (
    fixture->client, ID, 100, cancellable, test_result_cb, &waited);
  resilient_client_wait_all_async (fixture->client, cancellable, test_result_cb, &waited_all);
  resilient_subscription_next_async (subscription, cancellable, test_result_cb, &next);
  fault_server_wait_requests (fixture->server, 3);
  resilient_client_close_async (fixture->client, 100, cancellable, test_result_cb, &closed);

  cancel_and_reset (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_assert_cmpuint (all[i]->calls, ==, 0);

  g_assert_null (
    resilient_client_send_finish (fixture->client, test_result_wait (&sent), &errors[0]));
  g_assert_null (resilient_fetch_finish (test_result_wait (&fetched), &errors[1]));
  g_assert_null (resilient_call_wait_finish (call, test_result_wait (&finished), &errors[2]));
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&waited), &errors[3]));
  g_assert_null (
    resilient_client_wait_all_finish (fixture->client, test_result_wait (&waited_all), &errors[4]));
  g_assert_false (
    resilient_client_close_finish (fixture->client, test_result_wait (&closed), &errors[5]));
  g_assert_null (
    resilient_subscription_next_finish (subscription, test_result_wait (&next), &errors[6]));
  test_run_pending ();

  /* the call that was only waited for lives on */
  g_assert_cmpint (resilient_call_get_state (call), !=, RESILIENT_CALL_STATE_DONE);
  client_close (fixture, 0);
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      g_assert_error (errors[i], G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpuint (all[i]->calls, ==, 1);
      g_clear_error (&errors[i]);
      test_result_clear (all[i]);
    }
}

/* One that was reset is as good as new. */
static void
test_reset_again (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_auto (TestResult) finished = { 0 };
      g_autoptr (GError) cancelled = NULL;

      resilient_call_wait_async (call, cancellable, test_result_cb, &finished);
      test_run_pending ();
      cancel_and_reset (cancellable);
      g_assert_null (resilient_call_wait_finish (call, test_result_wait (&finished), &cancelled));
      g_assert_error (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpuint (finished.calls, ==, 1);
    }
  fault_server_open (fixture->server, "go");
  response = call_wait (call, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

/* Threads that block. */
typedef struct
{
  ClientFixture *fixture;
  GCancellable *cancellable;
  ResilientSubscription *subscription; /* NULL: a request */
  GError *error;
  gboolean ended; /* atomic */
} Blocked;

static gpointer
block_thread (gpointer data)
{
  Blocked *self = data;

  if (self->subscription != NULL)
    {
      g_assert_null (
        resilient_subscription_wait_next (self->subscription, -1, self->cancellable, &self->error));
    }
  else
    {
      g_autoptr (ResilientRequest) request = request_new (self->fixture, "GET", "/");

      g_assert_null (resilient_client_send (
        self->fixture->client, request, NULL, self->cancellable, &self->error));
    }
  g_atomic_int_set (&self->ended, TRUE);
  return NULL;
}

static void
test_reset_blocked (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 10);
  Blocked blocked[2] = {
    { fixture, g_cancellable_new (), subscription },
    { fixture, g_cancellable_new (), NULL },
  };
  GThread *threads[2];

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("blocked", block_thread, &blocked[i]);
  fault_server_wait_requests (fixture->server, 1);
  while (!g_signal_has_handler_pending (
    blocked[0].cancellable, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE), 0, TRUE))
    g_thread_yield ();

  for (guint i = 0; i < 2; i++)
    {
      cancel_and_reset (blocked[i].cancellable);
      g_thread_join (threads[i]);
      g_assert_error (blocked[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&blocked[i].error);
      g_object_unref (blocked[i].cancellable);
    }
}

/* Two who wait until nothing is alive; the callback of one waits for that of the other. */
static TestResult second;

static void
first_idle_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  test_result_wait (&second);
  test_result_cb (source, result, user_data);
}

static void
test_nested_waits (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_auto (TestResult) first = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  resilient_client_wait_all_async (fixture->client, NULL, first_idle_cb, &first);
  resilient_client_wait_all_async (fixture->client, NULL, test_result_cb, &second);
  fault_server_wait_requests (fixture->server, 1);
  resilient_call_cancel (call);
  test_result_wait (&first);
  g_assert_cmpuint (first.calls, ==, 1);
  g_assert_cmpuint (second.calls, ==, 1);
  test_result_clear (&second);
}

/* A slot that a cancelled request held is free again. */
static void
test_slots_come_back (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  for (guint round = 0; round < 3; round++)
    {
      TestResult slots[6] = { 0 };
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
        client_start_get (fixture, "/", NULL, NULL, &slots[i]);
      fault_server_wait_requests (fixture->server, round * 7 + 6);
      resilient_client_cancel_all (fixture->client);
      for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
        g_assert_null (client_end_get (fixture, &slots[i], NULL));
      response = client_get (fixture, "/ok", NULL, &error);
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
}

int
main (int argc, char **argv)
{
  static Case cases[N_PHASES * N_WAYS + N_WAYS * 2];
  guint n = 0;
  const ClientTest tests[] = {
    { "/cancel/too-late", test_too_late, FAULT_SERVER_PLAIN },
    { "/cancel/same-id", test_same_id, FAULT_SERVER_PLAIN },
    { "/cancel/stop-waiting", test_stop_waiting, FAULT_SERVER_PLAIN },
    { "/cancel/start", test_start, FAULT_SERVER_PLAIN },
    { "/cancel/reset", test_reset, FAULT_SERVER_PLAIN },
    { "/cancel/reset/http2", test_reset, FAULT_SERVER_HTTP2 },
    { "/cancel/reset/again", test_reset_again, FAULT_SERVER_PLAIN },
    { "/cancel/reset/blocked", test_reset_blocked, FAULT_SERVER_PLAIN },
    { "/cancel/nested-waits", test_nested_waits, FAULT_SERVER_PLAIN },
    { "/cancel/slots-come-back", test_slots_come_back, FAULT_SERVER_PLAIN },
    { "/cancel/slots-come-back/http2", test_slots_come_back, FAULT_SERVER_HTTP2 },
  };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (Phase phase = 0; phase < N_PHASES; phase++)
    for (Way way = 0; way < N_WAYS; way++)
      for (guint http2 = 0; http2 < (phase == WAITING || phase == RECEIVING ? 2 : 1); http2++)
        {
          g_autofree char *path = g_strdup_printf (
            "/cancel/%s%s/by-%s", phases[phase].name, http2 ? "-http2" : "", ways[way]);

          cases[n] = (Case){ phase, way, http2 ? FAULT_SERVER_HTTP2 : FAULT_SERVER_PLAIN };
          g_test_add (
            path, ClientFixture, &cases[n++], set_up, test_cancel, client_fixture_tear_down);
        }
  client_tests_add (tests, G_N_ELEMENTS (tests));

  return g_test_run ();
}
