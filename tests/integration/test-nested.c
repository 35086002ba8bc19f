/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Whatever the library calls of an app's may run a main loop, and in it do anything: cancel the
 * request that it is called for, close the client, drop it, or wait for another request. */

#define ID "victim"
#define BODY "a body"

/* What is called. */
typedef enum
{
  PLACE_BODY_FUNC,       /* the function of a body, for the first attempt */
  PLACE_BODY_FUNC_RETRY, /* for the second */
  PLACE_BODY_FUNC_HOP,   /* for what a redirect leads to */
  PLACE_BODY_FUNC_AGAIN, /* inside libsoup's signal, where it sends again by itself */
  PLACE_BODY_READ,       /* the stream of a body is read */
  PLACE_QUEUED,          /* handlers of the session, and of its messages */
  PLACE_UNQUEUED,
  PLACE_STARTING,
  PLACE_HEADERS,
  PLACE_FINISHED,
  PLACE_EVENT,    /* a signal of the client */
  PLACE_NOTIFY,   /* of a property of the call */
  PLACE_CALLBACK, /* of another request */
  N_PLACES
} Place;

/* What it does. */
typedef enum
{
  DEED_TURN,    /* run what is ready */
  DEED_CANCEL,  /* cancel the request, and wait for its callback */
  DEED_CLOSE,   /* close the client, and wait until that is done */
  DEED_DROP,    /* let go of it */
  DEED_REQUEST, /* send another request, and wait for its answer */
  DEED_HURRY,   /* end the sleep of what may sleep, and wait until that is sent */
  N_DEEDS
} Deed;

static const char *const places[N_PLACES] = {
  "body-func", "body-func-retry", "body-func-hop", "body-func-again", "body-read",
  "queued",    "unqueued",        "starting",      "headers",         "finished",
  "event",     "notify",          "callback",
};
static const char *const deeds[N_DEEDS] = { "turn", "cancel", "close", "drop", "request", "hurry" };

typedef struct
{
  Place place;
  Deed deed;
  FaultServerFlags flags;
} Case;

/* One for a test, with references: libsoup may hold a message, and with it a handler and a body,
 * for longer than the test runs. What is called then finds it done. */
typedef struct
{
  ClientFixture *fixture;
  const Case *test;
  ResilientCall *call;
  ResilientCall *sleeper; /* nullable */
  TestResult victim;
  TestResult other;
  guint n_opened; /* bodies */
  gboolean done;
} Nested;

static void
nested_unref (gpointer self)
{
  g_rc_box_release (self);
}

static void
connect_message (SoupMessage *message, const char *signal, GCallback callback, Nested *self)
{
  g_signal_connect_data (message,
                         signal,
                         callback,
                         g_rc_box_acquire (self),
                         (GClosureNotify) (void (*) (void)) nested_unref,
                         0);
}

/* --- a stream of the app's, that runs a loop when it is read ---------------------------------- */

typedef struct
{
  GInputStream parent;
  Nested *nested; /* a reference */
  gboolean ended;
} LoopStream;

typedef GInputStreamClass LoopStreamClass;

static GType loop_stream_get_type (void);
G_DEFINE_TYPE (LoopStream, loop_stream, G_TYPE_INPUT_STREAM)

static void run_loop (Nested *self);

static gssize
loop_stream_read (GInputStream *stream,
                  void *buffer,
                  gsize count,
                  GCancellable *cancellable,
                  GError **error)
{
  LoopStream *self = (LoopStream *) stream;

  if (self->ended)
    return 0;
  self->ended = TRUE;
  memcpy (buffer, BODY, strlen (BODY));
  return strlen (BODY);
}

static void
loop_stream_read_async (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        int priority,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  LoopStream *self = (LoopStream *) stream;

  run_loop (self->nested);
  g_task_return_int (task, loop_stream_read (stream, buffer, count, NULL, NULL));
}

static gssize
loop_stream_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

static void
loop_stream_finalize (GObject *object)
{
  nested_unref (((LoopStream *) object)->nested);
  G_OBJECT_CLASS (loop_stream_parent_class)->finalize (object);
}

static void
loop_stream_class_init (LoopStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = loop_stream_finalize;
  klass->read_fn = loop_stream_read;
  klass->read_async = loop_stream_read_async;
  klass->read_finish = loop_stream_read_finish;
}

static void
loop_stream_init (LoopStream *self)
{
}

/* --- the loop --------------------------------------------------------------------------------- */

static gboolean
has_sent_twice (gpointer data)
{
  return fault_server_count (((Nested *) data)->fixture->server, "/sleeper") == 2;
}

static void
run_loop (Nested *self)
{
  ClientFixture *fixture = self->fixture;
  g_auto (TestResult) closed = { 0 };
  g_autoptr (ResilientClient) client = NULL;

  if (self->done)
    return;
  self->done = TRUE;

  switch (self->test->deed)
    {
    case DEED_TURN:
      test_run_pending ();
      break;

    case DEED_CANCEL:
      resilient_call_cancel (self->call);
      test_result_wait (&self->victim);
      break;

    case DEED_CLOSE:
      client = g_object_ref (fixture->client);
      resilient_client_close_async (client, 0, NULL, test_result_cb, &closed);
      g_assert_true (resilient_client_close_finish (client, test_result_wait (&closed), NULL));
      break;

    case DEED_DROP:
      g_clear_object (&fixture->client);
      test_run_pending ();
      break;

    case DEED_REQUEST:
      client_start_get (fixture, "/other", NULL, NULL, &self->other);
      test_result_wait (&self->other);
      break;

    case DEED_HURRY:
      g_assert_true (resilient_call_retry_now (self->sleeper));
      test_run_until (has_sent_twice, self);
      break;

    case N_DEEDS:
    default:
      g_assert_not_reached ();
    }
  fault_server_open (fixture->server, "go");
}

/* --- what is called --------------------------------------------------------------------------- */

static GInputStream *
open_body (gpointer user_data, GError **error)
{
  Nested *self = user_data;
  Place place = self->test->place;

  self->n_opened++;
  if (place == PLACE_BODY_READ)
    {
      LoopStream *stream = g_object_new (loop_stream_get_type (), NULL);

      stream->nested = g_rc_box_acquire (self);
      return G_INPUT_STREAM (stream);
    }
  if (place == PLACE_BODY_FUNC || (place <= PLACE_BODY_FUNC_AGAIN && self->n_opened == 2))
    run_loop (self);
  return g_memory_input_stream_new_from_data (BODY, strlen (BODY), NULL);
}

static gboolean
is_victim (SoupMessage *message)
{
  return g_str_equal (g_uri_get_path (soup_message_get_uri (message)), "/");
}

static void
message_cb (SoupMessage *message, gpointer user_data)
{
  run_loop (user_data);
}

static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer user_data)
{
  Nested *self = user_data;

  if (!is_victim (message))
    return;
  if (self->test->place == PLACE_QUEUED)
    run_loop (self);
  else if (self->test->place == PLACE_STARTING)
    connect_message (message, "starting", G_CALLBACK (message_cb), self);
  else if (self->test->place == PLACE_HEADERS)
    connect_message (message, "got-headers", G_CALLBACK (message_cb), self);
  else if (self->test->place == PLACE_FINISHED)
    connect_message (message, "finished", G_CALLBACK (message_cb), self);
}

static void
unqueued_cb (SoupSession *session, SoupMessage *message, gpointer user_data)
{
  Nested *self = user_data;

  if (is_victim (message) && self->test->place == PLACE_UNQUEUED)
    run_loop (self);
}

static void
event_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  run_loop (user_data);
}

static void
notify_cb (GObject *call, GParamSpec *pspec, gpointer user_data)
{
  run_loop (user_data);
}

static void
callback_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  run_loop (user_data);
  nested_unref (user_data);
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
script_server (FaultServer *server, Place place)
{
  fault_server_on (server, "/other", fault_answer (200, NULL, "other"), NULL);
  fault_server_on (server, "/sleeper", fault_answer (503, NULL, "later"), NULL);
  fault_server_on (server, "/there", fault_answer (200, NULL, "ok"), NULL);
  /* alive, where nothing of its own calls the app */
  if (place == PLACE_NOTIFY || place == PLACE_CALLBACK)
    fault_server_on (server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  else
    fault_server_on (server, "/", fault_answer (200, NULL, "ok"), NULL);
  if (place == PLACE_BODY_FUNC_RETRY)
    fault_server_next (server, "/", fault_answer (503, NULL, "busy"), NULL);
  if (place == PLACE_BODY_FUNC_HOP)
    fault_server_next (server, "/", fault_answer (307, "Location: /there", ""), NULL);
  if (place == PLACE_BODY_FUNC_AGAIN)
    fault_server_next (server, "/", fault_close (), NULL);
}

static void
connect_handlers (Nested *self)
{
  ResilientClient *client = self->fixture->client;
  Place place = self->test->place;

  if (place >= PLACE_QUEUED && place <= PLACE_FINISHED)
    {
      SoupSession *session = resilient_client_share_session (client);

      g_signal_connect (session, "request-queued", G_CALLBACK (queued_cb), self);
      g_signal_connect (session, "request-unqueued", G_CALLBACK (unqueued_cb), self);
    }
  if (place == PLACE_EVENT)
    g_signal_connect (client, "event", G_CALLBACK (event_cb), self);
}

static void
start_sleeper (Nested *self)
{
  g_autoptr (ResilientRequest) request = request_new (self->fixture, "GET", "/sleeper");
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;

  resilient_retry_policy_builder_set_max_delay (builder, 600);
  resilient_retry_policy_builder_set_base_delay (builder, 600);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  resilient_request_set_retry_policy (request, policy);
  self->sleeper = resilient_client_start (self->fixture->client, request, NULL, NULL);
  call_wait_state (self->sleeper, RESILIENT_CALL_STATE_WAITING);
}

/* The request that libsoup sends again by itself is one on a connection that was kept alive. */
static void
warm_up (Nested *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = client_get (self->fixture, "/other", NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (response);
}

static void
check_end (Nested *self)
{
  Place place = self->test->place;
  Deed deed = self->test->deed;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (self->call, test_result_wait (&self->victim), &error);
  /* what ended before it was called for can't be undone any more */
  gboolean ended = place == PLACE_EVENT
                   || ((place == PLACE_FINISHED || place == PLACE_UNQUEUED) && response != NULL);

  g_assert_cmpuint (self->victim.calls, ==, 1);
  if ((deed == DEED_CANCEL || deed == DEED_CLOSE) && !ended)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_null (response);
    }
  else if (place == PLACE_QUEUED && (deed == DEED_REQUEST || deed == DEED_HURRY) && error != NULL)
    {
      /* libsoup 3.2 loses the answer if its session goes on inside this signal: what was sent is
       * not known to have been answered */
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
    }
  else
    {
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
  test_run_until_true (&self->done);
}

static void
test_nested (ClientFixture *fixture, gconstpointer data)
{
  const Case *test = data;
  Nested *nested = g_rc_box_new0 (Nested);
  gboolean with_body = test->place <= PLACE_BODY_READ;
  ResilientClient *client = g_object_ref (fixture->client);
  g_autoptr (ResilientRequest) request = request_new (fixture, with_body ? "PUT" : "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new (ID, NULL);
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (SoupSession) session = NULL;

  nested->fixture = fixture;
  nested->test = test;
  script_server (fixture->server, test->place);
  connect_handlers (nested);
  if (test->deed == DEED_HURRY)
    start_sleeper (nested);
  if (test->place == PLACE_BODY_FUNC_AGAIN)
    warm_up (nested);

  resilient_request_set_retry_policy (request, policy);
  if (with_body)
    resilient_request_set_body_stream_factory (
      request, NULL, open_body, g_rc_box_acquire (nested), nested_unref);
  if (test->place == PLACE_CALLBACK)
    {
      g_autofree char *uri = fault_server_uri (fixture->server, "/other");

      resilient_client_get_async (client, uri, NULL, NULL, callback_cb, g_rc_box_acquire (nested));
    }
  nested->call = resilient_client_start (client, request, context, NULL);
  if (test->place == PLACE_NOTIFY)
    g_signal_connect (nested->call, "notify::state", G_CALLBACK (notify_cb), nested);
  resilient_call_wait_async (nested->call, NULL, test_result_cb, &nested->victim);
  check_end (nested);

  resilient_client_cancel_all (client);
  g_signal_handlers_disconnect_by_data (nested->call, nested);
  g_signal_handlers_disconnect_by_data (client, nested);
  if (test->place >= PLACE_QUEUED && test->place <= PLACE_FINISHED)
    {
      session = g_object_ref (resilient_client_share_session (client));
      g_signal_handlers_disconnect_by_data (session, nested);
      g_clear_object (&session);
    }
  g_clear_object (&nested->call);
  g_clear_object (&nested->sleeper);
  test_result_clear (&nested->victim);
  test_result_clear (&nested->other);
  nested_unref (nested);
  if (fixture->client != NULL)
    g_object_unref (client);
  else
    fixture->client = client;
}

static void
set_up (ClientFixture *fixture, gconstpointer data)
{
  client_fixture_set_up (fixture, GUINT_TO_POINTER (((const Case *) data)->flags));
}

static gboolean
is_possible (Place place, Deed deed, FaultServerFlags flags)
{
  /* HTTP/2 loses no idle connection in the midst of a request that libsoup would send again */
  if (place == PLACE_BODY_FUNC_AGAIN && flags != FAULT_SERVER_PLAIN)
    return FALSE;
  /* There libsoup 3.2 can't be helped: it sends a message whose session goes on inside
   * "request-queued" without knowing whom to tell, which over HTTP/2 aborts the process, and emits
   * "got-headers" from inside of nghttp2, which must not be entered again. */
  if (flags == FAULT_SERVER_HTTP2 && (place == PLACE_QUEUED || place == PLACE_HEADERS)
      && (deed == DEED_REQUEST || deed == DEED_HURRY))
    return FALSE;
  /* nothing is left that could be waited for */
  return !(place == PLACE_EVENT && deed == DEED_HURRY);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    FaultServerFlags flags;
  } protocols[] = {
    { "http1", FAULT_SERVER_PLAIN },
    { "tls", FAULT_SERVER_TLS },
    { "http2", FAULT_SERVER_HTTP2 },
  };
  static Case cases[G_N_ELEMENTS (protocols) * N_PLACES * N_DEEDS];
  guint n = 0;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint protocol = 0; protocol < G_N_ELEMENTS (protocols); protocol++)
    for (Place place = 0; place < N_PLACES; place++)
      for (Deed deed = 0; deed < N_DEEDS; deed++)
        {
          g_autofree char *path = g_strdup_printf (
            "/nested/%s/%s/%s", protocols[protocol].name, places[place], deeds[deed]);

          if (!is_possible (place, deed, protocols[protocol].flags))
            continue;
          cases[n] = (Case){ place, deed, protocols[protocol].flags };
          g_test_add (
            path, ClientFixture, &cases[n++], set_up, test_nested, client_fixture_tear_down);
        }

  return g_test_run ();
}
