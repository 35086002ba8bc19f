/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-clock.h"
#include "held-resolver.h"
#include "phases-private.h"

/* One cell, from set-up to the proof that nothing is left of it. */

const End end_success = { RESILIENT_EVENT_TYPE_SUCCESS, NULL, 0, RESILIENT_FAILURE_NONE };
const End end_cancelled = { RESILIENT_EVENT_TYPE_CANCELLED,
                            g_io_error_quark,
                            G_IO_ERROR_CANCELLED,
                            RESILIENT_FAILURE_CANCELLED };
const End end_queue_timeout = { RESILIENT_EVENT_TYPE_TIMEOUT,
                                g_io_error_quark,
                                G_IO_ERROR_TIMED_OUT,
                                RESILIENT_FAILURE_QUEUE_TIMEOUT };
const End end_connect_timeout = { RESILIENT_EVENT_TYPE_TIMEOUT,
                                  g_io_error_quark,
                                  G_IO_ERROR_TIMED_OUT,
                                  RESILIENT_FAILURE_CONNECT_TIMEOUT };
const End end_write_timeout = { RESILIENT_EVENT_TYPE_TIMEOUT,
                                g_io_error_quark,
                                G_IO_ERROR_TIMED_OUT,
                                RESILIENT_FAILURE_WRITE_TIMEOUT };
const End end_read_timeout = { RESILIENT_EVENT_TYPE_TIMEOUT,
                               g_io_error_quark,
                               G_IO_ERROR_TIMED_OUT,
                               RESILIENT_FAILURE_READ_TIMEOUT };
const End end_deadline = { RESILIENT_EVENT_TYPE_TIMEOUT,
                           g_io_error_quark,
                           G_IO_ERROR_TIMED_OUT,
                           RESILIENT_FAILURE_DEADLINE };
const End end_refused = { RESILIENT_EVENT_TYPE_ERROR,
                          g_io_error_quark,
                          G_IO_ERROR_CONNECTION_REFUSED,
                          RESILIENT_FAILURE_CONNECT };

/* --- waiting ---------------------------------------------------------------------------------- */

typedef struct
{
  Cell *cell;
  gboolean (*condition) (Cell *self);
} CellWish;

static gboolean
is_so (gpointer data)
{
  CellWish *wish = data;

  return wish->condition (wish->cell);
}

void
cell_wait (Cell *self, gboolean (*condition) (Cell *self))
{
  CellWish wish = { self, condition };

  test_run_until (is_so, &wish);
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
cell_wait_while_time_goes_on (Cell *self, double step, gboolean (*condition) (Cell *self))
{
  g_autoptr (GSource) tick = g_timeout_source_new (1);
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE_SECONDS * G_TIME_SPAN_SECOND;

  g_source_set_callback (tick, tick_cb, NULL, NULL);
  g_source_attach (tick, NULL);
  while (!condition (self))
    {
      if (g_get_monotonic_time () > end)
        g_error ("nothing came of it: %u of %u connections closed, %d sessions live",
                 fault_server_get_closed (self->fixture.server),
                 fault_server_get_connections (self->fixture.server),
                 g_atomic_int_get (&self->n_sessions));
      test_clock_advance (step);
      g_main_context_iteration (NULL, TRUE);
    }
  g_source_destroy (tick);
}

/* Libsoup hears of the cancel of a request of HTTP/2 when a frame comes in, or when the connection
 * is given up, which takes a moment: for that time must go on. */
static void
cell_wait_for_libsoup (Cell *self, gboolean (*condition) (Cell *self))
{
  if (self->test->protocol == FAULT_SERVER_HTTP2)
    cell_wait_while_time_goes_on (self, 0.05, condition);
  else
    cell_wait (self, condition);
}

gboolean
cell_has_ended (Cell *self)
{
  return g_atomic_int_get (&self->calls) > 0;
}

void
cell_wait_end (Cell *self)
{
  cell_wait (self, cell_has_ended);
}

gboolean
cell_is_at_home (Cell *self)
{
  return self->test->start == START_SEND || self->test->start == START_CALL;
}

/* --- the victim ------------------------------------------------------------------------------- */

void
cell_act (Cell *self)
{
  if (!g_atomic_int_compare_and_exchange (&self->acting, FALSE, TRUE))
    return;
  self->act (self);
  g_atomic_int_set (&self->acted, TRUE);
  g_main_context_wakeup (NULL);
}

/* In whichever thread the victim was started. */
static void
note_end (Cell *self, ResilientResponse *response, GError *error)
{
  g_assert_cmpint (g_atomic_int_get (&self->calls), ==, 0);
  g_assert_true ((response == NULL) != (error == NULL));
  self->response = response;
  self->error = error;
  self->called_in = g_thread_self ();
  g_atomic_int_inc (&self->calls);
  g_main_context_wakeup (NULL);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Cell *self = user_data;
  ResilientResponse *response;
  GError *error = NULL;

  if (RESILIENT_IS_CALL (source))
    response = resilient_call_wait_finish (RESILIENT_CALL (source), result, &error);
  else
    response = resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);
  if (self->phase->place == PLACE_CALLBACK)
    cell_act (self);
  note_end (self, response, error);
}

/* What a worker needs, with a reference of its own to the client. */
typedef struct
{
  Cell *cell;
  ResilientClient *client;
  gboolean act_at_once;
} Worker;

static gpointer
send_async_thread (gpointer data)
{
  Worker *worker = data;
  Cell *self = worker->cell;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  resilient_client_send_async (
    worker->client, self->request, self->context, self->cancellable, done_cb, self);
  g_object_unref (worker->client);
  if (worker->act_at_once)
    cell_act (self);
  g_free (worker);
  while (!cell_has_ended (self))
    g_main_context_iteration (context, TRUE);
  /* a second callback would come now */
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (self->called_in == g_thread_self ());
  g_main_context_pop_thread_default (context);

  return NULL;
}

static gpointer
send_thread (gpointer data)
{
  Worker *worker = data;
  Cell *self = worker->cell;
  g_autoptr (ResilientClient) client = worker->client;
  ResilientResponse *response;
  GError *error = NULL;

  g_free (worker);
  response =
    resilient_client_send (client, self->request, self->context, self->cancellable, &error);
  g_clear_object (&client);
  note_end (self, response, error);

  return NULL;
}

static void
start (Cell *self)
{
  ResilientClient *client = self->fixture.client;
  Worker *worker;

  switch (self->test->start)
    {
    case START_SEND:
      resilient_client_send_async (
        client, self->request, self->context, self->cancellable, done_cb, self);
      break;

    case START_CALL:
      self->call = resilient_client_start (client, self->request, self->context, NULL);
      resilient_call_wait_async (self->call, NULL, done_cb, self);
      break;

    case START_THREAD:
    case START_SYNC:
    default:
      worker = g_new0 (Worker, 1);
      worker->cell = self;
      worker->client = g_object_ref (client);
      worker->act_at_once = self->phase->place == PLACE_START;
      self->worker = g_thread_new (
        "victim", self->test->start == START_SYNC ? send_thread : send_async_thread, worker);
      break;
    }
}

/* Somebody must look, for the context to be woken by changes that another thread brings. */
static void
state_cb (GObject *call, GParamSpec *pspec, gpointer user_data)
{
}

gboolean
cell_look_for_call (Cell *self)
{
  GListModel *calls = resilient_client_get_calls (self->fixture.client);

  for (guint i = 0; i < g_list_model_get_n_items (calls) && self->call == NULL; i++)
    {
      g_autoptr (ResilientCall) call = g_list_model_get_item (calls, i);

      if (g_str_equal (resilient_call_get_request_id (call), VICTIM))
        self->call = g_steal_pointer (&call);
    }

  return self->call != NULL;
}

ResilientCall *
cell_find_call (Cell *self)
{
  if (self->call == NULL)
    cell_wait (self, cell_look_for_call);

  return self->call;
}

void
cell_wait_state (Cell *self, ResilientCallState state)
{
  ResilientCall *call = cell_find_call (self);
  gulong id = g_signal_connect (call, "notify", G_CALLBACK (state_cb), NULL);

  call_wait_state (call, state);
  g_signal_handler_disconnect (call, id);
}

void
cell_start_other (Cell *self, const char *path, const char *gate)
{
  g_autoptr (ResilientRequest) request = request_new (&self->fixture, "GET", path);
  g_autoptr (ResilientRequestContext) context = context_new ("other", NULL);

  fault_server_on (
    self->fixture.server, path, fault_hold (gate), fault_answer (200, NULL, "other"), NULL);
  self->other = resilient_client_start (self->fixture.client, request, context, NULL);
  fault_server_wait_held (self->fixture.server, gate, 1);
}

static gboolean
has_acted (Cell *self)
{
  return g_atomic_int_get (&self->acted);
}

void
cell_act_in_phase (Cell *self, CellFunc act)
{
  self->act = act;
  if (self->phase->prepare != NULL)
    self->phase->prepare (self);
  if (self->tune != NULL)
    self->tune (self);
  start (self);
  if (self->phase->reach != NULL)
    self->phase->reach (self);
  if (self->phase->place == PLACE_REACHED
      || (self->phase->place == PLACE_START && cell_is_at_home (self)))
    cell_act (self);
  cell_wait (self, has_acted);
}

void
cell_finish (Cell *self)
{
  if (self->phase->finish != NULL)
    self->phase->finish (self);
  cell_wait_end (self);
}

/* --- what must hold --------------------------------------------------------------------------- */

static const ResilientResultStatus statuses[] = {
  [RESILIENT_EVENT_TYPE_SUCCESS] = RESILIENT_RESULT_STATUS_SUCCESS,
  [RESILIENT_EVENT_TYPE_ERROR] = RESILIENT_RESULT_STATUS_ERROR,
  [RESILIENT_EVENT_TYPE_TIMEOUT] = RESILIENT_RESULT_STATUS_TIMEOUT,
  [RESILIENT_EVENT_TYPE_CANCELLED] = RESILIENT_RESULT_STATUS_CANCELLED,
};

/* Of the subscription, which sees them all, also those of a client that is gone. */
static void
expect_events (Cell *self, const End *end)
{
  guint n_last = 0;

  for (;;)
    {
      g_autoptr (ResilientEvent) event = resilient_subscription_try_next (self->subscription);
      ResilientEventType type;

      if (event == NULL)
        break;
      if (!g_str_equal (
            resilient_request_context_get_request_id (resilient_event_get_context (event)), VICTIM))
        continue;
      g_assert_cmpuint (n_last, ==, 0);
      type = resilient_event_get_event_type (event);
      if (type == RESILIENT_EVENT_TYPE_RETRY)
        continue;
      n_last++;
      g_assert_cmpint (type, ==, end->type);
      g_assert_cmpuint (resilient_event_get_failure (event), ==, end->failure);
      if (end->domain != NULL)
        g_assert_error (resilient_event_get_error (event), end->domain (), end->code);
      else
        g_assert_no_error (resilient_event_get_error (event));
    }
  g_assert_cmpuint (n_last, ==, 1);
}

static gboolean
has_last_signal (Cell *self)
{
  for (ResilientEventType type = RESILIENT_EVENT_TYPE_SUCCESS;
       type <= RESILIENT_EVENT_TYPE_CANCELLED;
       type++)
    if (type != RESILIENT_EVENT_TYPE_RETRY && count_events (&self->fixture, type, VICTIM) > 0)
      return TRUE;

  return FALSE;
}

static void
assert_result_is (Cell *self, ResilientResult *result, const End *end, guint attempts)
{
  g_assert_cmpint (resilient_result_get_status (result), ==, statuses[end->type]);
  g_assert_cmpuint (resilient_result_get_failure (result), ==, end->failure);
  /* a request that another thread drives may have gone on meanwhile */
  if (self->phase->place != PLACE_START || cell_is_at_home (self))
    g_assert_cmpuint (resilient_result_get_attempts (result), ==, attempts);
}

void
cell_expect_end (Cell *self, const End *end, guint attempts)
{
  g_assert_true (cell_has_ended (self));
  if (self->worker != NULL)
    g_thread_join (g_steal_pointer (&self->worker));
  test_run_pending ();
  g_assert_cmpint (g_atomic_int_get (&self->calls), ==, 1);
  if (end->domain != NULL)
    {
      g_assert_error (self->error, end->domain (), end->code);
    }
  else
    {
      g_assert_no_error (self->error);
      g_assert_cmpuint (resilient_response_get_status_code (self->response), ==, 200);
    }

  if (self->fixture.client != NULL)
    {
      g_autoptr (ResilientResult) result = NULL;

      /* a thread that blocks does not wait for long until the scheduler has noted its end */
      cell_wait (self, has_last_signal);
      result = resilient_client_get_result (self->fixture.client, VICTIM);
      g_assert_nonnull (result);
      assert_result_is (self, result, end, attempts);
      test_run_pending ();
      g_assert_cmpuint (count_events (&self->fixture, end->type, VICTIM), ==, 1);
      g_assert_cmpuint (resilient_client_cancel (self->fixture.client, VICTIM), ==, 0);
    }
  if (self->call != NULL)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (self->call);

      g_assert_cmpint (resilient_call_get_state (self->call), ==, RESILIENT_CALL_STATE_DONE);
      assert_result_is (self, result, end, attempts);
    }
  expect_events (self, end);
}

void
cell_expect_own_end (Cell *self)
{
  cell_expect_end (self, self->phase->end, self->phase->all_attempts);
}

static gboolean
has_next (Cell *self)
{
  return self->next.calls > 0;
}

void
cell_expect_slot (Cell *self)
{
  g_autofree char *uri = fault_server_uri (self->healthy, "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  resilient_client_get_async (self->fixture.client, uri, NULL, NULL, test_result_cb, &self->next);
  if (self->phase->stuck)
    {
      test_run_pending ();
      /* unless what holds it was ended as well; behind others inside libsoup it may be free */
      if (self->other == NULL
          || (!self->phase->wide
              && resilient_call_get_state (self->other) != RESILIENT_CALL_STATE_DONE))
        g_assert_cmpuint (self->next.calls, ==, 0);
      self->phase->finish (self);
    }
  cell_wait_for_libsoup (self, has_next);
  response = resilient_client_get_finish (self->fixture.client, self->next.result, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "next");
}

/* --- before and after ------------------------------------------------------------------------- */

static void
client_gone_cb (gpointer user_data, GObject *client)
{
  Cell *self = user_data;

  g_atomic_int_set (&self->client_gone, TRUE);
  g_main_context_wakeup (NULL);
}

static void
session_gone_cb (gpointer user_data, GObject *session)
{
  Cell *self = user_data;

  g_atomic_int_add (&self->n_sessions, -1);
  g_main_context_wakeup (NULL);
}

static void
count_session (Cell *self, SoupSession *session)
{
  static const char key[] = "counted";

  if (g_object_replace_data (G_OBJECT (session), key, NULL, (gpointer) key, NULL, NULL))
    {
      g_atomic_int_inc (&self->n_sessions);
      g_object_weak_ref (G_OBJECT (session), session_gone_cb, self);
    }
}

/* Of every session of the process, in whichever thread. */
static gboolean
request_queued_cb (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer data)
{
  Cell *self = data;
  SoupSession *session = g_value_get_object (&values[0]);

  count_session (self, session);
  if (self->message_queued != NULL)
    self->message_queued (self, session, g_value_get_object (&values[1]));

  return TRUE;
}

/* The client lets go of its observers in the thread that drops it, after it has told that it
 * goes. */
static gboolean
all_gone (Cell *self)
{
  return g_atomic_int_get (&self->client_gone) && g_atomic_int_get (&self->n_sessions) == 0
         && resilient_subscription_get_closed (self->subscription);
}

void
cell_drop_client (Cell *self)
{
  g_clear_object (&self->fixture.client);
}

void
cell_wait_gone (Cell *self)
{
  g_clear_object (&self->call);
  g_clear_object (&self->other);
  test_result_clear (&self->next);
  cell_wait_for_libsoup (self, all_gone);
}

static void
note_event_cb (ResilientClient *client, ResilientEvent *event, GPtrArray *events)
{
  g_ptr_array_add (events, resilient_event_ref (event));
}

/* Instead of the client that the fixture made. */
static void
use_given_session (Cell *self)
{
  /* libsoup 3.2 may go on counting a connection of HTTP/2 that broke */
  int limit = self->test->protocol == FAULT_SERVER_HTTP2 ? 2 : 1;
  g_autoptr (SoupSession) session = soup_session_new_with_options (
    "max-conns", limit, "max-conns-per-host", limit, "timeout", 0, NULL);
  ResilientClient *client = resilient_client_new_with_session (session);

  client_dispose (g_steal_pointer (&self->fixture.client));
  self->fixture.client = client;
  resilient_client_set_connect_timeout (client, 0);
  g_signal_connect (client, "event", G_CALLBACK (note_event_cb), self->fixture.events);
}

static void
set_up (Cell *self, gconstpointer data)
{
  const Case *test = data;

  self->test = test;
  self->phase = test->phase;
  client_fixture_set_up (&self->fixture, GUINT_TO_POINTER (test->protocol | test->phase->flags));
  if (test->sessions == SESSIONS_GIVEN)
    use_given_session (self);
  /* libsoup 3.2 lets go of a connection of HTTP/2 that is just being closed */
  if (test->protocol == FAULT_SERVER_HTTP2)
    test_allow_warning ("libsoup", "while still connected");
  resilient_client_set_max_concurrent (self->fixture.client, 1);
  resilient_client_set_write_timeout (self->fixture.client, 0);
  resilient_client_set_read_timeout (self->fixture.client, 0);
  g_object_weak_ref (G_OBJECT (self->fixture.client), client_gone_cb, self);
  self->hook_id = g_signal_add_emission_hook (
    g_signal_lookup ("request-queued", SOUP_TYPE_SESSION), 0, request_queued_cb, self, NULL);
  if (test->sessions != SESSIONS_HIDDEN)
    count_session (self, resilient_client_share_session (self->fixture.client));
  self->subscription = resilient_client_subscribe (self->fixture.client, 100);
  g_signal_connect_swapped (
    self->subscription, "notify::closed", G_CALLBACK (g_main_context_wakeup), NULL);
  self->healthy = fault_server_new (FAULT_SERVER_PLAIN);
  fault_server_on (self->healthy, NULL, fault_answer (200, NULL, "next"), NULL);
  fault_server_on (self->fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  self->request = request_new (&self->fixture, "GET", "/");
  self->context = context_new (VICTIM, NULL);
  self->cancellable = g_cancellable_new ();
}

static void
close_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  resilient_client_close_finish (RESILIENT_CLIENT (source), result, &error);
  g_assert_no_error (error);
}

static void
tear_down (Cell *self, gconstpointer data)
{
  if (self->fixture.client != NULL)
    {
      resilient_client_close_async (self->fixture.client, 0, NULL, close_cb, NULL);
      cell_drop_client (self);
    }
  cell_wait_gone (self);
  g_signal_remove_emission_hook (g_signal_lookup ("request-queued", SOUP_TYPE_SESSION),
                                 self->hook_id);
  /* of other requests, perhaps; none of the victim */
  for (;;)
    {
      g_autoptr (ResilientEvent) event = resilient_subscription_try_next (self->subscription);

      if (event == NULL)
        break;
      g_assert_cmpstr (
        resilient_request_context_get_request_id (resilient_event_get_context (event)), !=, VICTIM);
    }
  g_assert_cmpint (g_atomic_int_get (&self->calls), ==, 1);
  g_object_unref (self->subscription);
  g_object_unref (self->request);
  g_object_unref (self->cancellable);
  resilient_request_context_unref (self->context);
  g_clear_pointer (&self->response, resilient_response_unref);
  g_clear_error (&self->error);
  fault_server_free (self->healthy);
  client_fixture_tear_down (&self->fixture, data);
}

/* --- the table -------------------------------------------------------------------------------- */

/* Of Case; they live as long as the program. */
static GSList *cases;

static const char *const start_names[N_STARTS] = { "send", "call", "thread", "sync" };
static const char *const session_names[N_SESSIONS] = { "", "-seen", "-given" };

static const struct
{
  const char *name;
  FaultServerFlags flags;
} protocols[] = {
  { "plain", FAULT_SERVER_PLAIN },
  { "tls", FAULT_SERVER_TLS },
  { "http2", FAULT_SERVER_HTTP2 },
};

void
phases_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  held_resolver_install ();
  /* its signals are looked up before there is one */
  g_type_class_ref (SOUP_TYPE_SESSION);
}

static gboolean
makes_sense (const Case *test, guint protocol)
{
  const Phase *phase = test->phase;

  if (!(phase->protocols & 1 << protocol) || !(phase->starts & 1 << test->start))
    return FALSE;
  /* sessions make no difference to who starts a request, but for the thread */
  if (test->sessions != SESSIONS_HIDDEN && test->start != START_SEND && test->start != START_SYNC)
    return FALSE;

  /* nor do the two threads of a client always meet on one connection */
  if (phase->wide && test->start != START_SEND && test->start != START_CALL)
    return FALSE;
  /* where each instruction is checked: one of each two threads and two kinds of sessions */
  if (test_is_quick ()
      && (test->sessions == SESSIONS_SEEN || test->start == START_CALL
          || test->start == START_THREAD))
    return FALSE;

  return test->sessions != SESSIONS_GIVEN || !phase->wide;
}

void
phases_add (const char *prefix,
            const char *action_name,
            int action,
            gboolean (*only) (const Case *test),
            CellTest func)
{
  for (guint i = 0; i < n_phases; i++)
    for (guint j = 0; j < G_N_ELEMENTS (protocols); j++)
      for (Start how = 0; how < N_STARTS; how++)
        for (Sessions sessions = 0; sessions < N_SESSIONS; sessions++)
          {
            Case test = { &phases[i], how, protocols[j].flags, sessions, action };
            g_autofree char *path = g_strdup_printf ("/%s/%s/%s/%s%s/%s",
                                                     prefix,
                                                     phases[i].name,
                                                     action_name,
                                                     protocols[j].name,
                                                     session_names[sessions],
                                                     start_names[how]);

            if (makes_sense (&test, j) && (only == NULL || only (&test)))
              {
                cases = g_slist_prepend (cases, g_memdup2 (&test, sizeof test));
                g_test_add (path, Cell, cases->data, set_up, func, tear_down);
              }
          }
}
