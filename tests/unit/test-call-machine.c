/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-origin-private.h"
#include "resilient-request-private.h"
#include "resilient-retry-policy-builder.h"
#include "resilient-timer-queue-private.h"
#include "resilient-test-network.h"
#include "test-clock.h"
#include "test-util.h"

/* The machine of a call as a table: every event in every state, and what comes of it. Time is
 * virtual, and the transport does what the test says when the test says it. What other threads may
 * ask for is asked for in another thread. */

/* --- a transport moved by hand --------------------------------------------------------------- */

typedef struct
{
  ResilientTransportAttempt parent;
  ResilientOutcome so_far;
  ResilientTransportAttemptFuncs funcs;
  gpointer data;
  gboolean abandoned;
  gboolean released;
} ManualAttempt;

typedef struct
{
  ResilientTransport parent;
  GPtrArray *attempts; /* of ManualAttempt, oldest first */
  guint n_slots;       /* attempts that are not released */
  /* Runs inside start() or abandon(); once. */
  void (*inside) (ManualAttempt *attempt, gpointer data);
  gpointer inside_data;
} ManualTransport;

static void
run_inside (ManualTransport *self, ManualAttempt *attempt)
{
  void (*inside) (ManualAttempt *, gpointer) = g_steal_pointer (&self->inside);

  if (inside != NULL)
    inside (attempt, self->inside_data);
}

/* They live as long as the transport. */
static void
manual_attempt_unref (ResilientTransportAttempt *attempt)
{
}

static ResilientTransportAttempt *
manual_start (ResilientTransport *transport,
              const ResilientTransportAttemptParams *params,
              ResilientTimerQueue *timers,
              const ResilientTransportAttemptFuncs *funcs,
              gpointer data)
{
  ManualTransport *self = (ManualTransport *) transport;
  ManualAttempt *attempt = g_new0 (ManualAttempt, 1);

  attempt->parent.transport = transport;
  attempt->parent.unref = manual_attempt_unref;
  attempt->parent.outcome = &attempt->so_far;
  attempt->so_far.sends = 1;
  attempt->funcs = *funcs;
  attempt->data = data;
  g_ptr_array_add (self->attempts, attempt);
  self->n_slots++;
  run_inside (self, attempt);

  return &attempt->parent;
}

static void
manual_abandon (ResilientTransportAttempt *parent)
{
  ManualAttempt *attempt = (ManualAttempt *) parent;

  g_assert_false (attempt->abandoned);
  attempt->abandoned = TRUE;
  run_inside ((ManualTransport *) parent->transport, attempt);
}

static void
manual_release (ManualAttempt *attempt)
{
  g_assert_false (attempt->released);
  attempt->released = TRUE;
  ((ManualTransport *) attempt->parent.transport)->n_slots--;
  attempt->funcs.released (&attempt->parent, attempt->data);
}

static void
manual_answer (ManualAttempt *attempt, guint status)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", SOUP_HTTP_URI_FLAGS, NULL);
  ResilientOutcome outcome = { .phase = RESILIENT_PHASE_DONE, .status_code = status, .sends = 1 };
  g_autoptr (ResilientResponse) response = NULL;

  response = resilient_response_new_full (status, "", uri, SOUP_HTTP_1_1, headers, NULL, 0, -1);
  outcome.response = response;
  attempt->funcs.done (&attempt->parent, &outcome, attempt->data);
}

static void
manual_succeed (ManualAttempt *attempt)
{
  manual_answer (attempt, 200);
}

static void
manual_fail (ManualAttempt *attempt)
{
  g_autoptr (GError) error =
    g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "by hand");
  ResilientOutcome outcome = {
    .failure = RESILIENT_FAILURE_CONNECT,
    .error = error,
    .nothing_sent = TRUE,
  };

  attempt->funcs.done (&attempt->parent, &outcome, attempt->data);
}

/* After something was sent: not retried without the app's word. */
static void
manual_break (ManualAttempt *attempt)
{
  g_autoptr (GError) error =
    g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "by hand");
  ResilientOutcome outcome = { .failure = RESILIENT_FAILURE_DISCONNECT, .error = error };

  attempt->funcs.done (&attempt->parent, &outcome, attempt->data);
}

static void
manual_free (ResilientTransport *transport)
{
  ManualTransport *self = (ManualTransport *) transport;

  g_ptr_array_unref (self->attempts);
  g_free (self);
}

static ManualTransport *
manual_transport_new (void)
{
  static const ResilientTransportFuncs funcs = {
    .start = manual_start,
    .abandon = manual_abandon,
    .free = manual_free,
  };
  ManualTransport *self = g_new0 (ManualTransport, 1);

  self->parent.funcs = &funcs;
  self->parent.ref_count = 1;
  self->attempts = g_ptr_array_new_with_free_func (g_free);

  return self;
}

/* --- a call in a state ----------------------------------------------------------------------- */

typedef struct
{
  ResilientEngine *engine;
  ManualTransport *transport;
  ResilientTestNetwork *monitor;
  ResilientSubscription *events;
  gboolean puts_off; /* what is to be done before an attempt is done later */

  ResilientCall *call;
  ResilientCallMachine *machine; /* of the call */
  ResilientCall *other;          /* in its way */
  guint n_answers;

  GMainContext *caller; /* of a call with a fallback */
  gboolean gives;       /* it has an answer */
  guint n_asked;
  guint n_asked_with_response;
  void (*inside_fallback) (gpointer data);
} Fixture;

static gboolean
prepare_cb (ResilientCall *call, gpointer data)
{
  return !((Fixture *) data)->puts_off;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->monitor = resilient_test_network_new ();
  resilient_test_network_install (f->monitor);
  f->engine = resilient_engine_new (g_main_context_default (), NULL);
  f->transport = manual_transport_new ();
  resilient_engine_set_transport (f->engine, &f->transport->parent);
  resilient_engine_set_preparation (f->engine, prepare_cb, f);
  f->events = resilient_recorder_subscribe (resilient_engine_get_recorder (f->engine), 1000);
  f->caller = g_main_context_new ();
}

static ManualAttempt *
newest (Fixture *f)
{
  return f->transport->attempts->pdata[f->transport->attempts->len - 1];
}

static void
release_all (Fixture *f)
{
  for (guint i = 0; i < f->transport->attempts->len; i++)
    {
      ManualAttempt *attempt = f->transport->attempts->pdata[i];

      if (!attempt->released)
        manual_release (attempt);
    }
}

static guint
count_terminal_events (Fixture *f)
{
  guint n = 0;

  for (;;)
    {
      g_autoptr (ResilientEvent) event = resilient_subscription_try_next (f->events);

      if (event == NULL)
        return n;
      n += resilient_event_get_event_type (event) != RESILIENT_EVENT_TYPE_RETRY;
    }
}

static void
turn_caller (Fixture *f)
{
  while (g_main_context_iteration (f->caller, FALSE))
    ;
}

/* Whatever the state, a cancel ends it: once, with one answer and one event, and each slot goes
 * back when the transport lets go. */
static void
clear_call (Fixture *f)
{
  f->puts_off = FALSE;
  f->transport->inside = NULL;
  resilient_call_cancel (f->call);
  test_run_pending ();
  g_assert_cmpint (resilient_call_machine_get_state (f->machine), ==, RESILIENT_MACHINE_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (f->call), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (f->n_answers, ==, 1);
  g_assert_cmpuint (count_terminal_events (f), ==, 1);

  if (f->other != NULL)
    resilient_call_cancel (f->other);
  test_run_pending ();
  count_terminal_events (f);
  release_all (f);
  test_run_pending ();
  g_assert_cmpuint (resilient_engine_count_calls (f->engine), ==, 0);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 0);

  turn_caller (f);
  g_clear_object (&f->other);
  g_assert_finalize_object (g_steal_pointer (&f->call));
  g_ptr_array_set_size (f->transport->attempts, 0);
  resilient_test_network_set_available (f->monitor, TRUE);
  f->n_answers = 0;
  f->n_asked = f->n_asked_with_response = 0;
  f->inside_fallback = NULL;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->events);
  g_main_context_unref (f->caller);
  resilient_engine_unref (f->engine);
  resilient_transport_unref (&f->transport->parent);
  test_run_pending ();
  resilient_test_network_uninstall (f->monitor);
  g_assert_finalize_object (f->monitor);
  test_clock_uninstall ();
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ResilientResponse) response G_GNUC_UNUSED =
    resilient_call_wait_finish (RESILIENT_CALL (source), result, NULL);

  ++*(guint *) user_data;
}

static ResilientCall *
start_one (Fixture *f)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://example.com/", NULL);

  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

static void
start (Fixture *f)
{
  f->call = start_one (f);
  f->machine = resilient_call_get_machine (f->call);
  resilient_call_wait_async (f->call, NULL, answered_cb, &f->n_answers);
}

static ResilientResponse *
fallback_cb (ResilientRequestContext *context,
             ResilientResponse *response,
             const GError *error,
             gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GUri) uri = g_uri_parse ("fallback:", SOUP_HTTP_URI_FLAGS, NULL);

  g_assert_nonnull (resilient_request_context_get_request_id (context));
  g_assert_true ((response != NULL) != (error != NULL));
  f->n_asked++;
  f->n_asked_with_response += response != NULL;
  if (f->inside_fallback != NULL)
    f->inside_fallback (f);
  return f->gives ? resilient_response_new (203, "Stored", uri, NULL, NULL) : NULL;
}

static void
count_destroyed_cb (gpointer user_data)
{
  ++*(guint *) user_data;
}

static ResilientFrozenRequest *
freeze_with_fallback (Fixture *f, ResilientRetryPolicy *policy)
{
  g_autoptr (ResilientFallback) fallback = resilient_fallback_new (fallback_cb, f, NULL);
  ResilientFrozenRequest *frozen =
    resilient_frozen_request_new ("GET", "http://example.com/", NULL);

  resilient_frozen_request_set_retry_policy (frozen, policy);
  resilient_frozen_request_set_fallback (frozen, fallback);
  return frozen;
}

/* By a caller of another context than that which drives it. */
static void
start_with_fallback (Fixture *f, ResilientRetryPolicy *policy)
{
  g_autoptr (ResilientFrozenRequest) frozen = freeze_with_fallback (f, policy);

  g_main_context_push_thread_default (f->caller);
  f->call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
  g_main_context_pop_thread_default (f->caller);
  f->machine = resilient_call_get_machine (f->call);
  resilient_call_wait_async (f->call, NULL, answered_cb, &f->n_answers);
}

static ResilientCall *
start_coalesced (Fixture *f, ResilientRetryPolicy *policy)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://example.com/", NULL);

  resilient_frozen_request_set_retry_policy (frozen, policy);
  resilient_frozen_request_set_coalesce (frozen);
  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

/* Shares an attempt of the other. */
static void
start_joined (Fixture *f, ResilientRetryPolicy *policy)
{
  f->other = start_coalesced (f, policy);
  test_run_pending ();
  f->call = start_coalesced (f, policy);
  f->machine = resilient_call_get_machine (f->call);
  resilient_call_wait_async (f->call, NULL, answered_cb, &f->n_answers);
}

#define assert_state(f, state)                                                                     \
  g_assert_cmpint (                                                                                \
    resilient_call_machine_get_state ((f)->machine), ==, RESILIENT_MACHINE_STATE_##state)

/* A call of which the first attempt has failed, and that sleeps; the attempt has its slot still. */
static void
bring_to_sleep (Fixture *f)
{
  start (f);
  test_run_pending ();
  manual_fail (newest (f));
  assert_state (f, SLEEPING);
}

/* A call in @state. @again: in its second attempt, while the first has its slot still. */
static void
bring_to (Fixture *f, ResilientMachineState state, gboolean again)
{
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  if (state == RESILIENT_MACHINE_STATE_JOINED)
    {
      start_joined (f, NULL);
      test_run_pending ();
      return;
    }
  if (state == RESILIENT_MACHINE_STATE_FALLBACK)
    {
      start_with_fallback (f, NULL);
      test_run_pending ();
      manual_break (newest (f));
      return;
    }
  if (state == RESILIENT_MACHINE_STATE_QUEUED)
    {
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
      if (!again)
        {
          f->other = start_one (f);
          test_run_pending ();
        }
    }

  if (again || state == RESILIENT_MACHINE_STATE_SLEEPING
      || state == RESILIENT_MACHINE_STATE_OFFLINE)
    {
      bring_to_sleep (f);
      f->puts_off = state == RESILIENT_MACHINE_STATE_PREPARING;
      if (state == RESILIENT_MACHINE_STATE_SLEEPING)
        return;
      if (state == RESILIENT_MACHINE_STATE_OFFLINE)
        {
          resilient_test_network_set_available (f->monitor, FALSE);
          test_clock_run (5);
          return;
        }
      if (state == RESILIENT_MACHINE_STATE_STREAMING)
        resilient_call_machine_set_streams (f->machine);
      g_assert_true (resilient_call_retry_now (f->call));
    }
  else
    {
      f->puts_off = state == RESILIENT_MACHINE_STATE_PREPARING;
      start (f);
      if (state == RESILIENT_MACHINE_STATE_NEW)
        return;
      if (state == RESILIENT_MACHINE_STATE_STREAMING)
        resilient_call_machine_set_streams (f->machine);
    }
  test_run_pending ();

  switch (state)
    {
    case RESILIENT_MACHINE_STATE_RECEIVING:
    case RESILIENT_MACHINE_STATE_STREAMING:
      newest (f)->funcs.phase (&newest (f)->parent, RESILIENT_PHASE_READING, newest (f)->data);
      if (state == RESILIENT_MACHINE_STATE_STREAMING)
        newest (f)->funcs.headers (&newest (f)->parent, 200, -1, newest (f)->data);
      break;
    case RESILIENT_MACHINE_STATE_DONE:
      resilient_call_cancel (f->call);
      test_run_pending ();
      break;
    default:
      break;
    }
}

/* --- the table ------------------------------------------------------------------------------- */

static gpointer
ask_thread (gpointer data)
{
  gpointer *ask = data;

  ((void (*) (ResilientCall *)) ask[0]) (ask[1]);
  return NULL;
}

static void
ask_in_thread (Fixture *f, void (*func) (ResilientCall *call))
{
  gpointer ask[] = { func, f->call };

  g_thread_join (g_thread_new ("asks", ask_thread, ask));
}

static void
ask_close (ResilientCall *call)
{
  resilient_call_cancel_for (call, RESILIENT_CANCEL_BY_CLOSE);
}

static void
ask_retry (ResilientCall *call)
{
  resilient_call_retry_now (call);
}

static void
ask_go_on (ResilientCall *call)
{
  resilient_call_machine_prepared (resilient_call_get_machine (call));
}

/* Columns beside those of the events. */
enum
{
  /* ATTEMPT_DONE with a failure that may be retried; alone it is a success */
  ATTEMPT_FAILED = RESILIENT_MACHINE_N_EVENTS,
  N_COLUMNS
};

/* Delivers an event as it comes in the state where it is awaited, else as one that comes too late:
 * to the dispatcher. */
static void
deliver (Fixture *f, ResilientMachineState state, guint event)
{
  gboolean attended = state == RESILIENT_MACHINE_STATE_SENDING
                      || state == RESILIENT_MACHINE_STATE_RECEIVING
                      || state == RESILIENT_MACHINE_STATE_STREAMING;
  /* of a call that is done: what it left behind may still speak */
  ManualAttempt *attempt = attended || state == RESILIENT_MACHINE_STATE_DONE ? newest (f) : NULL;

  switch (event)
    {
    case RESILIENT_MACHINE_EVENT_START:
      if (state == RESILIENT_MACHINE_STATE_NEW)
        test_run_pending ();
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case RESILIENT_MACHINE_EVENT_ADMITTED:
      if (state == RESILIENT_MACHINE_STATE_QUEUED)
        {
          resilient_call_cancel (f->other);
          test_run_pending ();
          manual_release (f->transport->attempts->pdata[0]);
          test_run_pending ();
          count_terminal_events (f);
        }
      else
        {
          resilient_call_machine_handle (f->machine, event, NULL);
        }
      return;
    case RESILIENT_MACHINE_EVENT_PREPARED:
      if (state == RESILIENT_MACHINE_STATE_NEW)
        return;
      ask_in_thread (f, ask_go_on);
      test_run_pending ();
      return;
    case RESILIENT_MACHINE_EVENT_PHASE:
      if (attempt != NULL)
        attempt->funcs.phase (&attempt->parent,
                              state == RESILIENT_MACHINE_STATE_RECEIVING ? RESILIENT_PHASE_WRITING
                                                                         : RESILIENT_PHASE_READING,
                              attempt->data);
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case RESILIENT_MACHINE_EVENT_HEADERS:
      if (attempt != NULL)
        g_assert_cmpint (attempt->funcs.headers (&attempt->parent, 200, -1, attempt->data),
                         ==,
                         state != RESILIENT_MACHINE_STATE_DONE);
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case RESILIENT_MACHINE_EVENT_ATTEMPT_DONE:
      if (attempt != NULL)
        manual_succeed (attempt);
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case ATTEMPT_FAILED:
      if (attempt != NULL)
        manual_fail (attempt);
      return;
    case RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED:
      /* the oldest: of an earlier attempt, or what the call left */
      if (state != RESILIENT_MACHINE_STATE_NEW)
        manual_release (f->transport->attempts->pdata[0]);
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case RESILIENT_MACHINE_EVENT_WAKE:
      if (state == RESILIENT_MACHINE_STATE_SLEEPING)
        test_clock_run (5);
      else
        resilient_call_machine_handle (f->machine, event, NULL);
      return;
    case RESILIENT_MACHINE_EVENT_RETRY_NOW:
      ask_in_thread (f, ask_retry);
      if (state != RESILIENT_MACHINE_STATE_NEW)
        test_run_pending ();
      return;
    case RESILIENT_MACHINE_EVENT_NETWORK_BACK:
      if (state == RESILIENT_MACHINE_STATE_OFFLINE)
        {
          resilient_test_network_set_available (f->monitor, TRUE);
          test_run_pending ();
        }
      else
        {
          resilient_call_machine_handle (f->machine, event, NULL);
        }
      return;
    case RESILIENT_MACHINE_EVENT_SHARED:
      if (state == RESILIENT_MACHINE_STATE_JOINED)
        {
          /* the other one has left, and what it has begun goes on */
          resilient_call_cancel (f->other);
          test_run_pending ();
          count_terminal_events (f);
          g_clear_object (&f->other);
          manual_succeed (f->transport->attempts->pdata[0]);
          test_run_pending ();
        }
      else
        {
          resilient_call_machine_handle (f->machine, event, NULL);
        }
      return;
    case RESILIENT_MACHINE_EVENT_CANCEL:
      ask_in_thread (f, resilient_call_cancel);
      test_run_pending ();
      return;
    case RESILIENT_MACHINE_EVENT_CLOSE:
      ask_in_thread (f, ask_close);
      test_run_pending ();
      return;
    default:
      /* QUEUE_TIMEOUT, DEADLINE, and HEDGE and SETTLED where there is but one attempt */
      resilient_call_machine_handle (f->machine, event, NULL);
    }
}

/* What is expected: the state after, and how many attempts begin. */
#define STAYS 0xff
#define N RESILIENT_MACHINE_STATE_NEW
#define SEND RESILIENT_MACHINE_STATE_SENDING
#define RECV RESILIENT_MACHINE_STATE_RECEIVING
#define SLEEP RESILIENT_MACHINE_STATE_SLEEPING
#define END RESILIENT_MACHINE_STATE_DONE
#define __ STAYS

static const guint8 expected[RESILIENT_MACHINE_N_STATES][N_COLUMNS] = {
  /* clang-format off */
  /*              start admit prep  qtime phase head done rel wake  ask retry netb   hedge settl share fallb canc close deadl fail */
  [RESILIENT_MACHINE_STATE_NEW] =
                { SEND, __,   __,   __,   __,   __,  __,  __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_QUEUED] =
                { __,   SEND, __,   END,  __,   __,  __,  __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_PREPARING] =
                { __,   __,   SEND, __,   __,   __,  __,  __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_SENDING] =
                { __,   __,   __,   __,   RECV, __,  END, __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  SLEEP },
  [RESILIENT_MACHINE_STATE_RECEIVING] =
                { __,   __,   __,   __,   SEND, __,  END, __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  SLEEP },
  [RESILIENT_MACHINE_STATE_STREAMING] =
                { __,   __,   __,   __,   __,   __,  END, __, __,   __, __,   __,    __,   __,   __,   __,   END, END,  END,  SLEEP },
  [RESILIENT_MACHINE_STATE_JOINED] =
                { __,   __,   __,   __,   __,   __,  __,  __, __,   __, __,   __,    __,   __,   END,  __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_SLEEPING] =
                { __,   __,   __,   __,   __,   __,  __,  __, SEND, __, SEND, __,    __,   __,   __,   __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_OFFLINE] =
                { __,   __,   __,   __,   __,   __,  __,  __, __,   __, SEND, SLEEP, __,   __,   __,   __,   END, END,  END,  __ },
  [RESILIENT_MACHINE_STATE_FALLBACK] =
                { __,   __,   __,   __,   __,   __,  __,  __, __,   __, __,   __,    __,   __,   __,   END,  END, END,  __,   __ },
  [RESILIENT_MACHINE_STATE_DONE] =
                { __,   __,   __,   __,   __,   __,  __,  __, __,   __, __,   __,    __,   __,   __,   __,   __,  __,   __,   __ },
  /* clang-format on */
};

static const struct
{
  guint event;
  ResilientFailure failure;
  ResilientResultStatus status;
  ResilientReason reason;
} ends[] = {
  { RESILIENT_MACHINE_EVENT_ATTEMPT_DONE,
    RESILIENT_FAILURE_NONE,
    RESILIENT_RESULT_STATUS_SUCCESS,
    RESILIENT_REASON_SUCCESS },
  { RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT,
    RESILIENT_FAILURE_QUEUE_TIMEOUT,
    RESILIENT_RESULT_STATUS_TIMEOUT,
    RESILIENT_REASON_QUEUE_TIMEOUT },
  { RESILIENT_MACHINE_EVENT_SHARED,
    RESILIENT_FAILURE_NONE,
    RESILIENT_RESULT_STATUS_SUCCESS,
    RESILIENT_REASON_SUCCESS },
  { RESILIENT_MACHINE_EVENT_FALLBACK,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_RESULT_STATUS_ERROR,
    RESILIENT_REASON_NOT_RETRYABLE },
  { RESILIENT_MACHINE_EVENT_CANCEL,
    RESILIENT_FAILURE_CANCELLED,
    RESILIENT_RESULT_STATUS_CANCELLED,
    RESILIENT_REASON_CANCELLED },
  { RESILIENT_MACHINE_EVENT_CLOSE,
    RESILIENT_FAILURE_CANCELLED,
    RESILIENT_RESULT_STATUS_CANCELLED,
    RESILIENT_REASON_CLOSED },
  { RESILIENT_MACHINE_EVENT_DEADLINE,
    RESILIENT_FAILURE_DEADLINE,
    RESILIENT_RESULT_STATUS_TIMEOUT,
    RESILIENT_REASON_DEADLINE },
};

/* What the result says of an end, and the log of its attempts, where the last one was on its way.
 */
static void
assert_end (Fixture *f, ResilientMachineState from, guint event)
{
  g_autoptr (ResilientResult) result = resilient_call_get_result (f->call);
  g_autoptr (GPtrArray) log = resilient_result_list_attempts (result);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      if (ends[i].event != event)
        continue;
      g_assert_cmpuint (resilient_result_get_failure (result), ==, ends[i].failure);
      g_assert_cmpint (resilient_result_get_status (result), ==, ends[i].status);
      if (from == RESILIENT_MACHINE_STATE_SENDING || from == RESILIENT_MACHINE_STATE_RECEIVING
          || from == RESILIENT_MACHINE_STATE_STREAMING)
        g_assert_cmpint (
          resilient_attempt_get_reason (log->pdata[log->len - 1]), ==, ends[i].reason);
      return;
    }
  g_assert_not_reached ();
}

/* An attempt that has its slot and is not sent yet: it is prepared, or has not had its first turn,
 * or has not heard of the slot that was just given back. */
static gboolean
has_unused_slot (ResilientMachineState state, guint event)
{
  return state == RESILIENT_MACHINE_STATE_PREPARING || state == RESILIENT_MACHINE_STATE_NEW
         || (state == RESILIENT_MACHINE_STATE_QUEUED
             && event == RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED);
}

static void
test_cell (Fixture *f, ResilientMachineState from, guint event)
{
  ResilientMachineState to = expected[from][event] == STAYS ? from : expected[from][event];
  guint n_begun;

  bring_to (f,
            from,
            event == RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED && from != RESILIENT_MACHINE_STATE_NEW
              && from != RESILIENT_MACHINE_STATE_DONE);
  g_assert_cmpint (resilient_call_machine_get_state (f->machine), ==, from);
  n_begun = f->transport->attempts->len;

  deliver (f, from, event);
  g_test_message (
    "state %d, event %u: state %d", from, event, resilient_call_machine_get_state (f->machine));
  g_assert_cmpint (resilient_call_machine_get_state (f->machine), ==, to);
  g_assert_cmpuint (f->transport->attempts->len - n_begun,
                    ==,
                    to == RESILIENT_MACHINE_STATE_SENDING
                        && from != RESILIENT_MACHINE_STATE_RECEIVING && from != to
                      ? 1
                      : 0);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)),
                    ==,
                    f->transport->n_slots + has_unused_slot (to, event));
  /* What a call that has ended leaves behind is not told as running. */
  if (to == RESILIENT_MACHINE_STATE_DONE)
    g_assert_cmpuint (resilient_gate_get_running (resilient_engine_get_gate (f->engine)),
                      ==,
                      f->other != NULL ? 1 : 0);
  if (to == RESILIENT_MACHINE_STATE_DONE && from != to)
    assert_end (f, from, event);

  clear_call (f);
}

static void
test_table (Fixture *f, gconstpointer data)
{
  for (ResilientMachineState from = 0; from < RESILIENT_MACHINE_N_STATES; from++)
    {
      for (guint event = 0; from != RESILIENT_MACHINE_STATE_ENDING && event < N_COLUMNS; event++)
        {
          /* what it shares is not its own to be released */
          if (from != RESILIENT_MACHINE_STATE_JOINED
              || event != RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED)
            test_cell (f, from, event);
        }
    }
}

/* What comes while its end is recorded changes nothing about it. */
static void
inside_end (ManualAttempt *attempt, gpointer data)
{
  Fixture *f = data;

  assert_state (f, ENDING);
  for (guint event = 0; event < RESILIENT_MACHINE_N_EVENTS; event++)
    {
      if (event != RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED)
        resilient_call_machine_handle (f->machine, event, NULL);
      assert_state (f, ENDING);
    }
  /* nor is it shown as done before all of it is there */
  g_assert_cmpint (resilient_call_get_state (f->call), ==, RESILIENT_CALL_STATE_SENDING);
  g_assert_null (resilient_call_get_result (f->call));
  g_assert_false (resilient_call_cancel_for (f->call, RESILIENT_CANCEL_BY_CALLER));
  manual_release (attempt);
  assert_state (f, ENDING);
}

static void
test_ending (Fixture *f, gconstpointer data)
{
  bring_to (f, RESILIENT_MACHINE_STATE_SENDING, FALSE);
  f->transport->inside = inside_end;
  f->transport->inside_data = f;
  resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
  assert_end (f, RESILIENT_MACHINE_STATE_SENDING, RESILIENT_MACHINE_EVENT_DEADLINE);
  g_assert_true (newest (f)->released);
  clear_call (f);
}

/* --- where each state may lead --------------------------------------------------------------- */

static void
test_edges (void)
{
  static const char *const edges[RESILIENT_MACHINE_N_STATES] = {
    [RESILIENT_MACHINE_STATE_NEW] = ".q.......fe.",
    [RESILIENT_MACHINE_STATE_QUEUED] = "..ps..j..fe.",
    [RESILIENT_MACHINE_STATE_PREPARING] = "...s.....fe.",
    [RESILIENT_MACHINE_STATE_SENDING] = "....rt.z.fe.",
    [RESILIENT_MACHINE_STATE_RECEIVING] = "...s.t.z.fe.",
    [RESILIENT_MACHINE_STATE_STREAMING] = ".......z.fe.",
    [RESILIENT_MACHINE_STATE_JOINED] = ".......z.fe.",
    [RESILIENT_MACHINE_STATE_SLEEPING] = ".q......ofe.",
    [RESILIENT_MACHINE_STATE_OFFLINE] = ".q.....z.fe.",
    [RESILIENT_MACHINE_STATE_FALLBACK] = "..........e.",
    [RESILIENT_MACHINE_STATE_ENDING] = "...........d",
    [RESILIENT_MACHINE_STATE_DONE] = "............",
  };

  for (guint from = 0; from < RESILIENT_MACHINE_N_STATES; from++)
    {
      for (guint to = 0; to < RESILIENT_MACHINE_N_STATES; to++)
        g_assert_cmpint (resilient_machine_state_may_follow (from, to), ==, edges[from][to] != '.');
    }
}

/* What an app sees in each of them. */
static void
test_shown (Fixture *f, gconstpointer data)
{
  static const ResilientCallState shown[RESILIENT_MACHINE_N_STATES] = {
    [RESILIENT_MACHINE_STATE_NEW] = RESILIENT_CALL_STATE_QUEUED,
    [RESILIENT_MACHINE_STATE_QUEUED] = RESILIENT_CALL_STATE_QUEUED,
    [RESILIENT_MACHINE_STATE_PREPARING] = RESILIENT_CALL_STATE_QUEUED,
    [RESILIENT_MACHINE_STATE_SENDING] = RESILIENT_CALL_STATE_SENDING,
    [RESILIENT_MACHINE_STATE_RECEIVING] = RESILIENT_CALL_STATE_RECEIVING,
    [RESILIENT_MACHINE_STATE_STREAMING] = RESILIENT_CALL_STATE_RECEIVING,
    [RESILIENT_MACHINE_STATE_SLEEPING] = RESILIENT_CALL_STATE_WAITING,
    [RESILIENT_MACHINE_STATE_OFFLINE] = RESILIENT_CALL_STATE_OFFLINE,
    [RESILIENT_MACHINE_STATE_JOINED] = RESILIENT_CALL_STATE_SENDING,
    /* where it stood */
    [RESILIENT_MACHINE_STATE_FALLBACK] = RESILIENT_CALL_STATE_SENDING,
    [RESILIENT_MACHINE_STATE_DONE] = RESILIENT_CALL_STATE_DONE,
  };

  for (ResilientMachineState state = 0; state < RESILIENT_MACHINE_N_STATES; state++)
    {
      if (state == RESILIENT_MACHINE_STATE_ENDING)
        continue;
      bring_to (f, state, FALSE);
      g_assert_cmpint (resilient_call_get_state (f->call), ==, shown[state]);
      g_assert_cmpint (
        resilient_call_get_delay_left (f->call) > 0, ==, state == RESILIENT_MACHINE_STATE_SLEEPING);
      clear_call (f);
    }
}

/* --- what comes in between ------------------------------------------------------------------- */

/* The time of a sleep that something else ended does not end the next one. */
static void
test_stale_wake (Fixture *f, gconstpointer data)
{
  bring_to (f, RESILIENT_MACHINE_STATE_SLEEPING, FALSE);
  resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_WAKE, NULL);
  assert_state (f, SLEEPING);
  g_assert_cmpfloat (resilient_call_get_delay_left (f->call), >, 0);
  clear_call (f);
}

/* Back, and not with all the others: at once. */
static void
test_network_back_alone (Fixture *f, gconstpointer data)
{
  bring_to (f, RESILIENT_MACHINE_STATE_OFFLINE, FALSE);
  resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_NETWORK_BACK, NULL);
  assert_state (f, SENDING);
  clear_call (f);
}

static void
inside_start_cancel (ManualAttempt *attempt, gpointer data)
{
  resilient_call_machine_handle (data, RESILIENT_MACHINE_EVENT_CANCEL, NULL);
  g_assert_false (attempt->abandoned);
  attempt->funcs.progress (&attempt->parent, 1, 2, 3, 4, attempt->data);
}

static void
inside_start_done (ManualAttempt *attempt, gpointer data)
{
  manual_succeed (attempt);
}

static void
inside_start_released (ManualAttempt *attempt, gpointer data)
{
  manual_succeed (attempt);
  manual_release (attempt);
}

static void
inside_start_all (ManualAttempt *attempt, gpointer data)
{
  inside_start_cancel (attempt, data);
  manual_release (attempt);
}

/* A function of the app's may run a main loop while an attempt starts, and anything may come. */
static void
test_inside_start (Fixture *f, gconstpointer data)
{
  static const struct
  {
    void (*inside) (ManualAttempt *attempt, gpointer data);
    gboolean abandoned;
    gboolean released;
  } rows[] = {
    { inside_start_cancel, TRUE, FALSE },
    { inside_start_done, FALSE, FALSE },
    { inside_start_released, FALSE, TRUE },
    { inside_start_all, FALSE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
      start (f);
      f->transport->inside = rows[i].inside;
      f->transport->inside_data = f->machine;
      test_run_pending ();
      assert_state (f, DONE);
      g_assert_cmpint (resilient_call_get_bytes_sent (f->call), ==, 0);
      g_assert_cmpint (newest (f)->abandoned, ==, rows[i].abandoned);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)),
                        ==,
                        rows[i].released ? 0 : 1);
      clear_call (f);
    }
}

/* Both at the same moment: the slot that nobody needs any more goes to the next. */
static void
test_admitted_too_late (Fixture *f, gconstpointer data)
{
  for (guint timed_out = 0; timed_out < 2; timed_out++)
    {
      bring_to (f, RESILIENT_MACHINE_STATE_QUEUED, FALSE);
      resilient_call_cancel (f->other);
      test_run_pending ();
      count_terminal_events (f);
      manual_release (f->transport->attempts->pdata[0]);
      /* it has its slot now, and has not heard of it */
      resilient_call_machine_handle (f->machine,
                                     timed_out ? RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT
                                               : RESILIENT_MACHINE_EVENT_CANCEL,
                                     NULL);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 1);
      test_run_pending ();
      if (timed_out)
        assert_state (f, SENDING);
      else
        g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
      clear_call (f);
    }
}

/* --- guards ---------------------------------------------------------------------------------- */

/* What stands in the line of a guard, or was admitted by it. */
typedef struct
{
  ResilientGuardEntry parent;
  gboolean in_line;
  gboolean admitted;
} TestEntry;

typedef struct
{
  ResilientGuard parent;
  ResilientGuardAnswer check; /* NOT_BEFORE and a time that has passed: ADMIT */
  ResilientGuardAnswer enter;
  gint64 not_before;
  TestEntry *waits; /* one that is in the line */
  guint n_checked;
  guint n_entered;
  guint n_in_line;
  guint n_inside; /* admitted, and not told yet how it ended */
  guint n_ends[RESILIENT_GUARD_END_FAILURE + 1];
  guint n_started;
  guint n_answered;
  guint *n_freed;
} TestGuard;

static ResilientGuardAnswer
test_guard_answer (TestGuard *self,
                   ResilientGuardAnswer answer,
                   ResilientOrigin *origin,
                   gint64 *not_before,
                   GError **error)
{
  g_assert_cmpstr (resilient_origin_peek_key (origin), ==, "http://example.com:80");
  if (answer == RESILIENT_GUARD_NOT_BEFORE && self->not_before <= resilient_clock_get_boot ())
    return RESILIENT_GUARD_ADMIT;

  *not_before = self->not_before;
  if (answer == RESILIENT_GUARD_REFUSE)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "guarded");
  return answer;
}

static ResilientGuardAnswer
test_guard_check (ResilientGuard *guard,
                  ResilientOrigin *origin,
                  gint64 *not_before,
                  GError **error)
{
  TestGuard *self = (TestGuard *) guard;

  self->n_checked++;
  return test_guard_answer (self, self->check, origin, not_before, error);
}

static ResilientGuardAnswer
test_guard_enter (ResilientGuard *guard,
                  ResilientGuardEntry *parent,
                  ResilientOrigin *origin,
                  gint64 *not_before,
                  GError **error)
{
  TestGuard *self = (TestGuard *) guard;
  TestEntry *entry = (TestEntry *) parent;
  ResilientGuardAnswer answer = test_guard_answer (self, self->enter, origin, not_before, error);

  g_assert_false (entry->admitted);
  self->n_entered++;
  self->n_in_line -= entry->in_line;
  entry->in_line = answer == RESILIENT_GUARD_NOT_BEFORE;
  entry->admitted = answer == RESILIENT_GUARD_ADMIT;
  self->n_in_line += entry->in_line;
  self->n_inside += entry->admitted;
  self->waits = entry->in_line ? entry : NULL;
  return answer;
}

static void
test_guard_leave (ResilientGuard *guard, ResilientGuardEntry *parent, ResilientGuardEnd end)
{
  TestGuard *self = (TestGuard *) guard;
  TestEntry *entry = (TestEntry *) parent;

  g_assert_true (entry->in_line != entry->admitted);
  if (entry->in_line)
    g_assert_cmpint (end, ==, RESILIENT_GUARD_END_UNUSED);
  else
    self->n_ends[end]++;
  self->n_in_line -= entry->in_line;
  self->n_inside -= entry->admitted;
  entry->in_line = entry->admitted = FALSE;
  self->waits = NULL;
}

static void
test_guard_started (ResilientGuard *guard, ResilientGuardEntry *parent)
{
  g_assert_true (((TestEntry *) parent)->admitted);
  ((TestGuard *) guard)->n_started++;
}

static void
test_guard_answered (ResilientGuard *guard, ResilientGuardEntry *parent, guint status_code)
{
  g_assert_true (((TestEntry *) parent)->admitted);
  g_assert_cmpuint (status_code, !=, 0);
  ((TestGuard *) guard)->n_answered++;
}

static void
test_guard_free (ResilientGuard *guard)
{
  TestGuard *self = (TestGuard *) guard;

  g_assert_cmpuint (self->n_inside, ==, 0);
  g_assert_cmpuint (self->n_in_line, ==, 0);
  ++*self->n_freed;
  g_free (self);
}

static TestGuard *
add_guard (Fixture *f, guint *n_freed)
{
  static const ResilientGuardFuncs funcs = {
    .check = test_guard_check,
    .enter = test_guard_enter,
    .leave = test_guard_leave,
    .free = test_guard_free,
    .entry_size = sizeof (TestEntry),
    .started = test_guard_started,
    .answered = test_guard_answered,
  };
  TestGuard *self = g_new0 (TestGuard, 1);

  self->parent.funcs = &funcs;
  self->n_freed = n_freed;
  resilient_engine_add_guard (f->engine, &self->parent);

  return self;
}

static void
assert_nothing_taken (TestGuard *guard)
{
  g_assert_cmpuint (guard->n_inside, ==, 0);
  g_assert_cmpuint (guard->n_in_line, ==, 0);
}

static guint n_freed;

/* Each attempt is asked about, before it queues and when it has its slot; a refusal ends the call
 * before it begins, and what others gave goes back. */
static void
test_guard_refuses (Fixture *f, gconstpointer data)
{
  TestGuard *first = add_guard (f, &n_freed);
  TestGuard *second = add_guard (f, &n_freed);

  for (guint at_slot = 0; at_slot < 2; at_slot++)
    {
      g_autoptr (ResilientResult) result = NULL;
      guint n_checked, n_entered;

      first->check = first->enter = second->check = second->enter = RESILIENT_GUARD_ADMIT;
      bring_to (f, RESILIENT_MACHINE_STATE_SLEEPING, FALSE);
      assert_nothing_taken (first);
      g_assert_cmpuint (first->n_ends[RESILIENT_GUARD_END_FAILURE], ==, 1 + at_slot);
      n_checked = second->n_checked;
      n_entered = first->n_entered;
      *(at_slot ? &second->enter : &first->check) = RESILIENT_GUARD_REFUSE;
      first->not_before = second->not_before =
        resilient_clock_add (resilient_clock_get_boot (), 20);
      test_clock_run (5);
      g_assert_cmpuint (second->n_checked, ==, n_checked + at_slot * 2);
      g_assert_cmpuint (first->n_entered, ==, n_entered + at_slot);
      g_assert_cmpuint (first->n_ends[RESILIENT_GUARD_END_UNUSED], ==, at_slot);
      assert_nothing_taken (first);
      assert_nothing_taken (second);
      assert_state (f, DONE);
      result = resilient_call_get_result (f->call);
      g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_CONNECT);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
      /* when it may be tried again */
      g_assert_cmpfloat (resilient_call_get_delay_left (f->call), >=, 15);
      test_clock_run (20);
      g_assert_cmpfloat (resilient_call_get_delay_left (f->call), ==, 0);
      clear_call (f);

      /* from the first on, too */
      start (f);
      test_run_pending ();
      assert_state (f, DONE);
      g_assert_cmpuint (resilient_call_get_attempt (f->call), ==, 0);
      clear_call (f);
      first->n_ends[RESILIENT_GUARD_END_UNUSED] = 0;
    }
}

/* Until the time it waits in the queue, counted there, without a slot. */
static void
test_guard_not_before (Fixture *f, gconstpointer data)
{
  TestGuard *before = add_guard (f, &n_freed);
  TestGuard *guard = add_guard (f, &n_freed);

  for (guint i = 0; i < 4; i++)
    {
      ResilientGuardAnswer *answer = i & 2 ? &guard->enter : &guard->check;
      gboolean again = i & 1;

      guard->check = guard->enter = RESILIENT_GUARD_ADMIT;
      if (again)
        {
          bring_to (f, RESILIENT_MACHINE_STATE_SLEEPING, FALSE);
          manual_release (newest (f));
        }
      *answer = RESILIENT_GUARD_NOT_BEFORE;
      guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
      if (again)
        resilient_call_retry_now (f->call);
      else
        start (f);
      test_clock_run (9.9);
      assert_state (f, QUEUED);
      g_assert_cmpfloat_with_epsilon (resilient_call_get_delay_left (f->call), 0.1, 1e-6);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
      g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 1);
      g_assert_cmpuint (f->transport->n_slots, ==, 0);
      g_assert_cmpuint (guard->n_in_line, ==, i & 2 ? 1 : 0);
      assert_nothing_taken (before);
      resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_WAKE, NULL);
      assert_state (f, QUEUED);
      test_clock_run (0.2);
      assert_state (f, SENDING);
      g_assert_cmpfloat (resilient_call_get_delay_left (f->call), ==, 0);
      g_assert_cmpuint (guard->n_inside, ==, 1);
      g_assert_cmpuint (before->n_inside, ==, 1);
      clear_call (f);
      assert_nothing_taken (guard);
      assert_nothing_taken (before);
    }
}

static gpointer
ask_again_thread (gpointer entry)
{
  resilient_guard_entry_ask_again (entry);
  return NULL;
}

/* A guard may say earlier than it said, in any thread, that it is to be asked again; too late it
 * may, too. */
static void
test_guard_ask_again (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);
  TestEntry *entry;

  guard->enter = RESILIENT_GUARD_NOT_BEFORE;
  guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
  start (f);
  test_run_pending ();
  assert_state (f, QUEUED);
  entry = guard->waits;
  resilient_guard_entry_hold (&entry->parent);

  /* the answer is the same, and the time is kept */
  g_thread_join (g_thread_new ("asks", ask_again_thread, entry));
  test_run_pending ();
  assert_state (f, QUEUED);
  g_assert_cmpuint (guard->n_entered, ==, 2);
  g_assert_cmpfloat_with_epsilon (resilient_call_get_delay_left (f->call), 10, 1e-6);

  guard->enter = RESILIENT_GUARD_ADMIT;
  g_thread_join (g_thread_new ("asks", ask_again_thread, entry));
  test_run_pending ();
  assert_state (f, SENDING);
  g_thread_join (g_thread_new ("asks", ask_again_thread, entry));
  test_run_pending ();
  assert_state (f, SENDING);
  test_clock_run (20);
  g_assert_cmpuint (guard->n_entered, ==, 3);

  clear_call (f);
  resilient_guard_entry_ask_again (&entry->parent);
  resilient_guard_entry_release (&entry->parent);
}

/* Whose turn comes while no slot is free does not keep others from theirs. */
static void
test_guard_steps_back (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
  guard->enter = RESILIENT_GUARD_NOT_BEFORE;
  guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
  start (f);
  test_run_pending ();
  g_assert_cmpuint (guard->n_in_line, ==, 1);

  /* the only slot goes to another meanwhile */
  guard->enter = RESILIENT_GUARD_ADMIT;
  f->other = start_one (f);
  test_run_pending ();
  g_assert_cmpuint (guard->n_inside, ==, 1);
  guard->enter = RESILIENT_GUARD_NOT_BEFORE;
  test_clock_run (10.1);
  assert_state (f, QUEUED);
  g_assert_cmpuint (guard->n_in_line, ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 1);

  resilient_call_cancel (f->other);
  test_run_pending ();
  count_terminal_events (f);
  manual_release (f->transport->attempts->pdata[0]);
  test_run_pending ();
  assert_state (f, SENDING);
  g_assert_cmpuint (guard->n_inside, ==, 1);
  clear_call (f);
}

/* Those held back count as waiting: a limit of them is one for both. One that had a slot already is
 * not refused. */
static void
test_guard_overloaded (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);
  g_autoptr (ResilientCall) refused = NULL;
  g_autoptr (ResilientResult) result = NULL;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 1);
  guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
  guard->enter = RESILIENT_GUARD_NOT_BEFORE;
  f->other = start_one (f);
  test_run_pending ();
  start (f);
  test_run_pending ();
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 2);
  assert_state (f, QUEUED);

  guard->check = RESILIENT_GUARD_NOT_BEFORE;
  refused = start_one (f);
  test_run_pending ();
  result = resilient_call_get_result (refused);
  g_assert_nonnull (result);
  g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_OVERLOADED);
  test_clock_run (11);
  assert_state (f, SENDING);
  clear_call (f);
}

/* The time in the queue is one, whoever keeps it there. */
static void
test_guard_queue_timeout (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  resilient_engine_lock_settings (f->engine)->options->queue_timeout = 4;
  resilient_engine_unlock_settings (f->engine);
  /* held back for long; held back, then behind the gate; behind the gate, then held back */
  for (guint i = 0; i < 3; i++)
    {
      gboolean behind_gate = i > 0;

      guard->check = guard->enter = RESILIENT_GUARD_ADMIT;
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
      if (behind_gate)
        {
          f->other = start_one (f);
          test_run_pending ();
        }
      *(i == 2 ? &guard->enter : &guard->check) = RESILIENT_GUARD_NOT_BEFORE;
      guard->not_before = resilient_clock_add (resilient_clock_get_boot (), i == 1 ? 3 : 10);
      start (f);
      test_clock_run (3);
      if (i == 2)
        {
          resilient_call_cancel (f->other);
          test_run_pending ();
          count_terminal_events (f);
          manual_release (f->transport->attempts->pdata[0]);
        }
      test_clock_run (0.9);
      assert_state (f, QUEUED);
      g_assert_cmpuint (guard->n_in_line, ==, i == 2 ? 1 : 0);
      g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 1);
      test_clock_run (0.2);
      assert_state (f, DONE);
      g_assert_cmpuint (resilient_call_get_failure (f->call), ==, RESILIENT_FAILURE_QUEUE_TIMEOUT);
      g_assert_cmpfloat (resilient_call_get_delay_left (f->call), ==, 0);
      g_assert_cmpuint (guard->n_in_line, ==, 0);
      clear_call (f);
    }
}

/* Whatever ends a call in whatever state, what the guards gave goes back, once. */
static void
test_guard_interrupted (Fixture *f, gconstpointer data)
{
  static const ResilientMachineEvent events[] = { RESILIENT_MACHINE_EVENT_CANCEL,
                                                  RESILIENT_MACHINE_EVENT_CLOSE,
                                                  RESILIENT_MACHINE_EVENT_DEADLINE };
  TestGuard *guard = add_guard (f, &n_freed);

  /* one that falls back has nothing of them any more */
  for (ResilientMachineState from = 0; from < RESILIENT_MACHINE_STATE_FALLBACK; from++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (events); i++)
        {
          gboolean sending = from == RESILIENT_MACHINE_STATE_SENDING;
          gboolean sent = sending || from == RESILIENT_MACHINE_STATE_RECEIVING
                          || from == RESILIENT_MACHINE_STATE_STREAMING;
          guint *told = guard->n_ends;

          guard->enter = RESILIENT_GUARD_ADMIT;
          bring_to (f, from, FALSE);
          memset (told, 0, sizeof guard->n_ends);
          deliver (f, from, events[i]);
          assert_state (f, DONE);
          g_assert_cmpuint (told[RESILIENT_GUARD_END_UNUSED],
                            ==,
                            from == RESILIENT_MACHINE_STATE_PREPARING ? 1 : 0);
          /* a deadline says something of a server that has said nothing */
          if (events[i] != RESILIENT_MACHINE_EVENT_DEADLINE)
            g_assert_cmpuint (told[RESILIENT_GUARD_END_NO_VERDICT], ==, sent ? 1 : 0);
          else if (from != RESILIENT_MACHINE_STATE_RECEIVING)
            g_assert_cmpuint (told[RESILIENT_GUARD_END_FAILURE], ==, sending ? 1 : 0);
          clear_call (f);
          assert_nothing_taken (guard);

          /* and while it stands in the line */
          guard->enter = RESILIENT_GUARD_NOT_BEFORE;
          guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
          start (f);
          test_run_pending ();
          g_assert_cmpuint (guard->n_in_line, ==, 1);
          deliver (f, RESILIENT_MACHINE_STATE_QUEUED, events[i]);
          assert_state (f, DONE);
          /* the guard did not refuse it */
          g_assert_cmpfloat (resilient_call_get_delay_left (f->call), ==, 0);
          assert_nothing_taken (guard);
          clear_call (f);
        }
    }
}

/* The total deadline says nothing of a server that could not be reached. */
static void
test_guard_offline_deadline (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  bring_to (f, RESILIENT_MACHINE_STATE_SENDING, FALSE);
  resilient_test_network_set_available (f->monitor, FALSE);
  deliver (f, RESILIENT_MACHINE_STATE_SENDING, RESILIENT_MACHINE_EVENT_DEADLINE);
  assert_state (f, DONE);
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_NO_VERDICT], ==, 1);
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_FAILURE], ==, 0);
  clear_call (f);
}

/* What fails for want of a network is not paid for. */
static void
test_guard_offline_budget (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 5, NULL);
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientOrigin) origin =
    resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);

  resilient_origin_set_retry_budget (origin, budget);
  for (guint online = 0; online < 2; online++)
    {
      double before;

      resilient_test_network_set_available (f->monitor, TRUE);
      bring_to (f, RESILIENT_MACHINE_STATE_SENDING, FALSE);
      resilient_test_network_set_available (f->monitor, online == 1);
      before = resilient_retry_budget_get_available (budget);
      manual_fail (newest (f));
      g_assert_cmpfloat_with_epsilon (
        resilient_retry_budget_get_available (budget), before - online, 1e-3);
      clear_call (f);
    }
}

/* How an attempt ended is told once, as what it says of the server. */
static void
test_guard_ends (Fixture *f, gconstpointer data)
{
  static const struct
  {
    ResilientFailure failure;
    guint status;
    ResilientGuardEnd end;
    gboolean offline;
  } rows[] = {
    { RESILIENT_FAILURE_NONE, 200, RESILIENT_GUARD_END_SUCCESS },
    { RESILIENT_FAILURE_NONE, 304, RESILIENT_GUARD_END_SUCCESS },
    { RESILIENT_FAILURE_NONE, 404, RESILIENT_GUARD_END_SUCCESS },
    { RESILIENT_FAILURE_NONE, 408, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_NONE, 425, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_NONE, 429, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_NONE, 500, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_NONE, 503, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_RESOLVE, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_RESOLVE, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_CONNECT, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_CONNECT, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_CONNECT_TIMEOUT, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_TLS, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_CERTIFICATE, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_WRITE_TIMEOUT, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_READ_TIMEOUT, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_DISCONNECT, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_DISCONNECT, 200, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_PROTOCOL, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_DEADLINE, 0, RESILIENT_GUARD_END_FAILURE },
    { RESILIENT_FAILURE_DEADLINE, 200, RESILIENT_GUARD_END_NO_VERDICT },
    { RESILIENT_FAILURE_REDIRECT, 302, RESILIENT_GUARD_END_NO_VERDICT },
    { RESILIENT_FAILURE_TOO_LARGE, 200, RESILIENT_GUARD_END_NO_VERDICT },
    { RESILIENT_FAILURE_INVALID, 0, RESILIENT_GUARD_END_NO_VERDICT },
    { RESILIENT_FAILURE_CANCELLED, 0, RESILIENT_GUARD_END_NO_VERDICT },
    { RESILIENT_FAILURE_CONNECT_TIMEOUT, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_WRITE_TIMEOUT, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_READ_TIMEOUT, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_DISCONNECT, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_DISCONNECT, 200, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_DEADLINE, 0, RESILIENT_GUARD_END_NO_VERDICT, TRUE },
    { RESILIENT_FAILURE_PROTOCOL, 0, RESILIENT_GUARD_END_FAILURE, TRUE },
  };
  TestGuard *guard = add_guard (f, &n_freed);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error =
        g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "by hand");
      ResilientOutcome outcome = {
        .failure = rows[i].failure,
        .status_code = rows[i].status,
        .error = error,
      };
      guint n = 0;

      guard->n_started = 0;
      bring_to (f, RESILIENT_MACHINE_STATE_SENDING, FALSE);
      g_assert_cmpuint (guard->n_started, ==, 1);
      memset (guard->n_ends, 0, sizeof guard->n_ends);
      guard->n_answered = 0;
      resilient_test_network_set_available (f->monitor, !rows[i].offline);
      if (rows[i].status != 0)
        newest (f)->funcs.headers (&newest (f)->parent, rows[i].status, -1, newest (f)->data);
      if (rows[i].failure == RESILIENT_FAILURE_NONE)
        manual_answer (newest (f), rows[i].status);
      else
        newest (f)->funcs.done (&newest (f)->parent, &outcome, newest (f)->data);
      g_test_message ("failure %x, status %u", rows[i].failure, rows[i].status);
      g_assert_cmpuint (guard->n_ends[rows[i].end], ==, 1);
      g_assert_cmpint (guard->n_answered > 0, ==, rows[i].status != 0);
      for (guint end = 0; end < G_N_ELEMENTS (guard->n_ends); end++)
        n += guard->n_ends[end];
      g_assert_cmpuint (n, ==, 1);
      clear_call (f);
      g_assert_cmpuint (guard->n_inside, ==, 0);
    }
}

/* What an app does before a request is sent is not the server's. */
static void
test_guard_started_late (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  bring_to (f, RESILIENT_MACHINE_STATE_PREPARING, FALSE);
  g_assert_cmpuint (guard->n_inside, ==, 1);
  g_assert_cmpuint (guard->n_started, ==, 0);
  clear_call (f);
  g_assert_cmpuint (guard->n_inside, ==, 0);
  g_assert_cmpuint (guard->n_started, ==, 0);
}

static void
tear_down_guards (Fixture *f, gconstpointer data)
{
  n_freed = 0;
  tear_down (f, data);
  g_assert_cmpuint (n_freed, >, 0);
}

/* --- several attempts at once ---------------------------------------------------------------- */

static ResilientRetryPolicy *
make_hedging_policy (double hedge_delay, int hedge_max)
{
  const guint16 statuses[] = { 503 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  ResilientRetryPolicy *policy;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_retry_on (
    builder, RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  resilient_retry_policy_builder_set_hedge_delay (builder, hedge_delay);
  resilient_retry_policy_builder_set_hedge_max (builder, hedge_max);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  return policy;
}

/* As many as 20 requests pay for. */
static void
pay_for_hedges (Fixture *f, guint n)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientOrigin) origin =
    resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);

  while (resilient_origin_withdraw_hedge (origin))
    ;
  for (guint i = 0; i < 20 * n; i++)
    resilient_origin_deposit_hedge (origin);
}

static void
start_hedged_after (Fixture *f, double hedge_delay, const char *method, int hedge_max)
{
  g_autoptr (ResilientRetryPolicy) policy = make_hedging_policy (hedge_delay, hedge_max);
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new (method, "http://example.com/", NULL);

  resilient_frozen_request_set_retry_policy (frozen, policy);
  f->call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
  f->machine = resilient_call_get_machine (f->call);
  resilient_call_wait_async (f->call, NULL, answered_cb, &f->n_answers);
}

static void
start_hedged (Fixture *f, const char *method, int hedge_max)
{
  start_hedged_after (f, 0.5, method, hedge_max);
}

static ManualAttempt *
nth (Fixture *f, guint i)
{
  return f->transport->attempts->pdata[i];
}

/* Two of them. */
static void
bring_to_hedge (Fixture *f, ResilientMachineState state)
{
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  pay_for_hedges (f, 1);
  start_hedged (f, "GET", 1);
  test_clock_run (0.6);
  assert_state (f, SENDING);
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  if (state == RESILIENT_MACHINE_STATE_RECEIVING)
    nth (f, 0)->funcs.phase (&nth (f, 0)->parent, RESILIENT_PHASE_READING, nth (f, 0)->data);
  g_assert_cmpint (resilient_call_machine_get_state (f->machine), ==, state);
}

typedef enum
{
  DO_PHASE,
  DO_HEADERS,
  DO_BAD_HEADERS,
  DO_SUCCEED,
  DO_BAD_STATUS,
  DO_FAIL,
  DO_RELEASE, /* after it has lost */
  DO_EVENT
} HedgeDeed;

/* Each event while two attempts are under way, of the first and of the second. */
static void
test_hedge_table (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *name;
    HedgeDeed deed;
    guint event;           /* of DO_EVENT */
    guint8 of;             /* which attempt */
    guint8 to;             /* the state after, STAYS: as before */
    const char *abandoned; /* which attempts are, after the turn */
  } rows[] = {
    { "first is read", DO_PHASE, 0, 0, RECV, "--" },
    { "second is read", DO_PHASE, 0, 1, RECV, "--" },
    { "first has headers", DO_HEADERS, 0, 0, STAYS, "-x" },
    { "second has headers", DO_HEADERS, 0, 1, STAYS, "x-" },
    { "first has bad headers", DO_BAD_HEADERS, 0, 0, STAYS, "--" },
    { "second has bad headers", DO_BAD_HEADERS, 0, 1, STAYS, "--" },
    { "first succeeds", DO_SUCCEED, 0, 0, END, "-x" },
    { "second succeeds", DO_SUCCEED, 0, 1, END, "x-" },
    { "first has a bad status", DO_BAD_STATUS, 0, 0, SEND, "--" },
    { "second has a bad status", DO_BAD_STATUS, 0, 1, STAYS, "--" },
    { "first fails", DO_FAIL, 0, 0, SEND, "--" },
    { "second fails", DO_FAIL, 0, 1, STAYS, "--" },
    { "the one that lost is released", DO_RELEASE, 0, 1, STAYS, "x-" },
    { "start", DO_EVENT, RESILIENT_MACHINE_EVENT_START, 0, STAYS, "--" },
    { "admitted", DO_EVENT, RESILIENT_MACHINE_EVENT_ADMITTED, 0, STAYS, "--" },
    { "prepared", DO_EVENT, RESILIENT_MACHINE_EVENT_PREPARED, 0, STAYS, "--" },
    { "queue timeout", DO_EVENT, RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT, 0, STAYS, "--" },
    { "wake", DO_EVENT, RESILIENT_MACHINE_EVENT_WAKE, 0, STAYS, "--" },
    { "ask again", DO_EVENT, RESILIENT_MACHINE_EVENT_ASK_AGAIN, 0, STAYS, "--" },
    { "retry now", DO_EVENT, RESILIENT_MACHINE_EVENT_RETRY_NOW, 0, STAYS, "--" },
    { "network back", DO_EVENT, RESILIENT_MACHINE_EVENT_NETWORK_BACK, 0, STAYS, "--" },
    { "hedge", DO_EVENT, RESILIENT_MACHINE_EVENT_HEDGE, 0, STAYS, "--" },
    { "settled", DO_EVENT, RESILIENT_MACHINE_EVENT_SETTLED, 0, STAYS, "--" },
    { "shared", DO_EVENT, RESILIENT_MACHINE_EVENT_SHARED, 0, STAYS, "--" },
    { "fallback", DO_EVENT, RESILIENT_MACHINE_EVENT_FALLBACK, 0, STAYS, "--" },
    { "cancel", DO_EVENT, RESILIENT_MACHINE_EVENT_CANCEL, 0, END, "xx" },
    { "close", DO_EVENT, RESILIENT_MACHINE_EVENT_CLOSE, 0, END, "xx" },
    { "deadline", DO_EVENT, RESILIENT_MACHINE_EVENT_DEADLINE, 0, END, "xx" },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      guint row = i / 2;
      ResilientMachineState from =
        i % 2 == 0 ? RESILIENT_MACHINE_STATE_SENDING : RESILIENT_MACHINE_STATE_RECEIVING;
      ManualAttempt *attempt;

      g_test_message ("%s, from state %d", rows[row].name, from);
      bring_to_hedge (f, from);
      attempt = nth (f, rows[row].of);
      switch (rows[row].deed)
        {
        case DO_PHASE:
          attempt->funcs.phase (&attempt->parent, RESILIENT_PHASE_READING, attempt->data);
          break;
        case DO_HEADERS:
          g_assert_true (attempt->funcs.headers (&attempt->parent, 200, -1, attempt->data));
          /* the other one may answer in the same turn: that is too late */
          g_assert_false (
            nth (f, !rows[row].of)
              ->funcs.headers (
                &nth (f, !rows[row].of)->parent, 200, -1, nth (f, !rows[row].of)->data));
          break;
        case DO_BAD_HEADERS:
          g_assert_true (attempt->funcs.headers (&attempt->parent, 503, -1, attempt->data));
          break;
        case DO_SUCCEED:
          manual_succeed (attempt);
          break;
        case DO_BAD_STATUS:
          manual_answer (attempt, 503);
          break;
        case DO_FAIL:
          manual_fail (attempt);
          break;
        case DO_RELEASE:
          attempt->funcs.headers (&attempt->parent, 200, -1, attempt->data);
          test_run_pending ();
          manual_release (nth (f, !rows[row].of));
          break;
        case DO_EVENT:
          resilient_call_machine_handle (f->machine, rows[row].event, NULL);
          break;
        }
      test_run_pending ();

      g_assert_cmpint (resilient_call_machine_get_state (f->machine),
                       ==,
                       rows[row].to == STAYS ? from : rows[row].to);
      for (guint j = 0; j < 2; j++)
        g_assert_cmpint (nth (f, j)->abandoned, ==, rows[row].abandoned[j] == 'x');
      g_assert_cmpuint (f->transport->attempts->len, ==, 2);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)),
                        ==,
                        f->transport->n_slots);
      if (rows[row].to == END)
        {
          g_autoptr (ResilientResult) result = resilient_call_get_result (f->call);
          g_autoptr (GPtrArray) log = resilient_result_list_attempts (result);

          g_assert_cmpuint (
            resilient_gate_get_running (resilient_engine_get_gate (f->engine)), ==, 0);
          g_assert_cmpuint (log->len, ==, 2);
          g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
          g_assert_cmpuint (resilient_result_get_sends (result), ==, 2);
          if (rows[row].deed == DO_SUCCEED)
            {
              g_assert_cmpint (
                resilient_attempt_get_reason (log->pdata[0]), ==, RESILIENT_REASON_HEDGE);
              g_assert_cmpuint (
                resilient_attempt_get_failure (log->pdata[0]), ==, RESILIENT_FAILURE_CANCELLED);
              g_assert_cmpint (
                resilient_attempt_get_reason (log->pdata[1]), ==, RESILIENT_REASON_SUCCESS);
            }
          else
            {
              g_assert_cmpint (resilient_attempt_get_reason (log->pdata[0]),
                               ==,
                               resilient_attempt_get_reason (log->pdata[1]));
            }
          for (guint j = 0; j < 2; j++)
            g_assert_cmpuint (resilient_attempt_get_number (log->pdata[j]), ==, 1);
        }
      clear_call (f);
    }
}

/* The last of them to fail is what the policy judges, and there is one retry, which may be hedged
 * again. */
static void
test_hedge_all_fail (Fixture *f, gconstpointer data)
{
  for (guint first = 0; first < 2; first++)
    {
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GPtrArray) log = NULL;

      bring_to_hedge (f, RESILIENT_MACHINE_STATE_SENDING);
      manual_fail (nth (f, first));
      assert_state (f, SENDING);
      manual_answer (nth (f, !first), 503);
      assert_state (f, SLEEPING);
      pay_for_hedges (f, 1);
      test_clock_run (1.5);
      assert_state (f, SENDING);
      g_assert_cmpuint (resilient_call_get_attempt (f->call), ==, 2);
      test_clock_run (1);
      g_assert_cmpuint (f->transport->attempts->len, ==, 4);
      g_assert_cmpuint (resilient_call_get_attempt (f->call), ==, 2);
      manual_succeed (nth (f, 3));
      assert_state (f, DONE);

      result = resilient_call_get_result (f->call);
      g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_SUCCESS);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
      log = resilient_result_list_attempts (result);
      g_assert_cmpuint (log->len, ==, 4);
      for (guint i = 0; i < log->len; i++)
        g_assert_cmpuint (resilient_attempt_get_number (log->pdata[i]), ==, 1 + i / 2);
      g_assert_cmpint (resilient_attempt_get_reason (log->pdata[0]), ==, RESILIENT_REASON_HEDGE);
      g_assert_cmpint (resilient_attempt_get_reason (log->pdata[1]), ==, RESILIENT_REASON_RETRY);
      g_assert_cmpint (resilient_attempt_get_reason (log->pdata[2]), ==, RESILIENT_REASON_HEDGE);
      g_assert_cmpint (resilient_attempt_get_reason (log->pdata[3]), ==, RESILIENT_REASON_SUCCESS);
      g_assert_cmpfloat (resilient_attempt_get_delay_before (log->pdata[3]), ==, 0.5);
      clear_call (f);
    }
}

/* A status that came beside another attempt can still be the answer, with what it asks for. */
static void
test_hedge_last_word (Fixture *f, gconstpointer data)
{
  bring_to_hedge (f, RESILIENT_MACHINE_STATE_SENDING);
  g_assert_true (nth (f, 1)->funcs.headers (&nth (f, 1)->parent, 503, -1, nth (f, 1)->data));
  manual_fail (nth (f, 0));
  assert_state (f, SENDING);
  manual_answer (nth (f, 1), 503);
  assert_state (f, SLEEPING);
  clear_call (f);
}

/* Where there is nothing that pays, no slot, a guard against it, an answer on the way, a method
 * that must not be repeated, or a client that closes, there is no hedge; nothing is kept of it. */
static void
test_hedge_none (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  for (guint i = 0; i < 9; i++)
    {
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), i == 1 ? 1 : 100, 100, 100);
      pay_for_hedges (f, i == 0 ? 0 : 1);
      guard->check = guard->enter = RESILIENT_GUARD_ADMIT;
      start_hedged (f, i == 6 ? "POST" : "GET", 1);
      test_run_pending ();
      guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
      switch (i)
        {
        case 2:
          guard->check = RESILIENT_GUARD_REFUSE;
          break;
        case 3:
          guard->check = RESILIENT_GUARD_NOT_BEFORE;
          break;
        case 4:
          guard->enter = RESILIENT_GUARD_REFUSE;
          break;
        case 5:
          guard->enter = RESILIENT_GUARD_NOT_BEFORE;
          break;
        case 7:
          newest (f)->funcs.headers (&newest (f)->parent, 200, -1, newest (f)->data);
          break;
        case 8:
          /* the slot that is free is another's who waits */
          resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
          f->other = start_one (f);
          test_run_pending ();
          break;
        default:
          break;
        }
      test_clock_run (2);
      g_test_message ("case %u", i);
      assert_state (f, SENDING);
      g_assert_cmpuint (f->transport->attempts->len, ==, 1);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 1);
      g_assert_cmpuint (
        resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, i == 8 ? 1 : 0);
      g_assert_cmpuint (guard->n_in_line, ==, 0);
      g_assert_cmpuint (guard->n_inside, ==, 1);
      /* a guard that admits it later does not bring it back */
      guard->check = guard->enter = RESILIENT_GUARD_ADMIT;
      test_clock_run (20);
      g_assert_cmpuint (f->transport->attempts->len, ==, 1);
      clear_call (f);
      assert_nothing_taken (guard);
    }
}

/* Guards hear of each attempt, and of one that lost nothing against the server. */
static void
test_hedge_guards (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  bring_to_hedge (f, RESILIENT_MACHINE_STATE_SENDING);
  g_assert_cmpuint (guard->n_inside, ==, 2);
  manual_succeed (nth (f, 1));
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_SUCCESS], ==, 1);
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_NO_VERDICT], ==, 1);
  assert_nothing_taken (guard);
  clear_call (f);
}

/* One after the other, each after another delay, as many as the policy says. */
static void
test_hedge_max (Fixture *f, gconstpointer data)
{
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  pay_for_hedges (f, 9);
  start_hedged (f, "GET", 3);
  for (guint n = 1; n <= 4; n++)
    {
      test_clock_run (n == 1 ? 0.4 : 0.5);
      g_assert_cmpuint (f->transport->attempts->len, ==, n);
    }
  test_clock_run (10);
  g_assert_cmpuint (f->transport->attempts->len, ==, 4);
  manual_fail (nth (f, 1));
  manual_succeed (nth (f, 2));
  test_run_pending ();
  g_assert_true (nth (f, 0)->abandoned && nth (f, 3)->abandoned);
  assert_state (f, DONE);
  clear_call (f);
}

static guint64
count_hedges (Fixture *f)
{
  g_autoptr (ResilientStats) stats =
    resilient_recorder_get_stats (resilient_engine_get_recorder (f->engine));

  return resilient_stats_get_hedges (stats);
}

/* Without a delay of its own a hedge waits for as long as 95 of 100 answers took. */
static void
test_hedge_automatic (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) log = NULL;
  double delay;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  /* an answer that the policy does not accept, and a failure, are no answers */
  for (guint i = 0; i < 2; i++)
    {
      start_hedged_after (f, -1, "GET", 1);
      test_clock_run (0.001);
      if (i == 0)
        newest (f)->funcs.headers (&newest (f)->parent, 503, -1, newest (f)->data);
      else
        manual_fail (newest (f));
      clear_call (f);
    }
  for (guint i = 0; i < 20; i++)
    {
      pay_for_hedges (f, 9);
      start_hedged_after (f, -1, "GET", 1);
      test_clock_run (0.2);
      newest (f)->funcs.headers (&newest (f)->parent, 200, -1, newest (f)->data);
      /* the body may take as long as it likes */
      test_clock_run (10);
      g_assert_cmpuint (f->transport->attempts->len, ==, 1);
      manual_succeed (newest (f));
      clear_call (f);
    }
  g_assert_cmpuint (count_hedges (f), ==, 0);

  pay_for_hedges (f, 1);
  start_hedged_after (f, -1, "GET", 1);
  test_clock_run (0.19);
  g_assert_cmpuint (f->transport->attempts->len, ==, 1);
  test_clock_run (0.02);
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  g_assert_cmpuint (count_hedges (f), ==, 1);
  manual_succeed (nth (f, 1));
  result = resilient_call_get_result (f->call);
  log = resilient_result_list_attempts (result);
  delay = resilient_attempt_get_delay_before (log->pdata[1]);
  g_assert_cmpfloat_with_epsilon (delay, 0.2, 0.2 * 0.01);
  clear_call (f);
}

/* While a hedge starts a function of the app's may run a main loop, in which the call ends, by
 * whatever: the one that starts is abandoned then. */
static void
inside_hedge_first_succeeds (ManualAttempt *attempt, gpointer data)
{
  manual_succeed (nth (data, 0));
  test_run_pending ();
  g_assert_false (attempt->abandoned);
}

static void
inside_hedge_cancel (ManualAttempt *attempt, gpointer data)
{
  resilient_call_machine_handle (((Fixture *) data)->machine, RESILIENT_MACHINE_EVENT_CANCEL, NULL);
  g_assert_true (nth (data, 0)->abandoned);
  g_assert_false (attempt->abandoned);
}

static void
test_hedge_inside_start (Fixture *f, gconstpointer data)
{
  void (*insides[]) (ManualAttempt *, gpointer) = { inside_hedge_first_succeeds,
                                                    inside_hedge_cancel };

  for (guint i = 0; i < G_N_ELEMENTS (insides); i++)
    {
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
      pay_for_hedges (f, 1);
      start_hedged (f, "GET", 1);
      test_run_pending ();
      f->transport->inside = insides[i];
      f->transport->inside_data = f;
      test_clock_run (1);
      g_assert_cmpuint (f->transport->attempts->len, ==, 2);
      g_assert_true (nth (f, 1)->abandoned);
      assert_state (f, DONE);
      clear_call (f);
    }
}

/* To abandon one may release the other. */
static void
inside_abandon_release (ManualAttempt *attempt, gpointer data)
{
  Fixture *f = data;

  manual_release (attempt == nth (f, 0) ? nth (f, 1) : nth (f, 0));
}

static void
test_hedge_inside_abandon (Fixture *f, gconstpointer data)
{
  bring_to_hedge (f, RESILIENT_MACHINE_STATE_SENDING);
  f->transport->inside = inside_abandon_release;
  f->transport->inside_data = f;
  resilient_call_cancel (f->call);
  test_run_pending ();
  assert_state (f, DONE);
  clear_call (f);
}

/* --- a fallback ------------------------------------------------------------------------------ */

static ResilientRetryPolicy *
make_policy_of_503 (void)
{
  const guint16 statuses[] = { 503 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  ResilientRetryPolicy *policy;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_max_retries (builder, 0);
  resilient_retry_policy_builder_set_retry_on (builder, RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  return policy;
}

static void
assert_only_event (Fixture *f, ResilientEventType type, ResilientReason reason)
{
  g_autoptr (ResilientEvent) event = resilient_subscription_try_next (f->events);
  g_autoptr (ResilientEvent) second = resilient_subscription_try_next (f->events);

  g_assert_nonnull (event);
  g_assert_null (second);
  g_assert_cmpint (resilient_event_get_event_type (event), ==, type);
  g_assert_cmpint (resilient_event_get_reason (event), ==, reason);
}

/* Without an event that clear_call() would count. */
static void
clear_ended_call (Fixture *f)
{
  assert_state (f, DONE);
  g_assert_cmpuint (f->n_answers, ==, 1);
  turn_caller (f);
  release_all (f);
  if (f->other != NULL)
    resilient_call_cancel (f->other);
  test_run_pending ();
  release_all (f);
  test_run_pending ();
  count_terminal_events (f);
  g_clear_object (&f->other);
  g_assert_finalize_object (g_steal_pointer (&f->call));
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
  g_ptr_array_set_size (f->transport->attempts, 0);
  f->n_answers = f->n_asked = f->n_asked_with_response = 0;
  f->inside_fallback = NULL;
}

typedef enum
{
  FAILS_BY_ERROR,
  FAILS_BY_STATUS,
  FAILS_BY_DEADLINE,
  FAILS_BY_DEADLINE_IN_QUEUE,
  FAILS_BY_QUEUE_TIMEOUT,
  FAILS_BY_GUARD,
  N_FAILS,
} Fails;

/* A call that has failed in one of these ways; who has sent it has not had a turn yet. */
static void
bring_to_fall (Fixture *f, TestGuard *guard, Fails fails)
{
  g_autoptr (ResilientRetryPolicy) policy = make_policy_of_503 ();
  gboolean in_queue = fails == FAILS_BY_DEADLINE_IN_QUEUE || fails == FAILS_BY_QUEUE_TIMEOUT;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), in_queue ? 1 : 100, 0, 100);
  guard->check = fails == FAILS_BY_GUARD ? RESILIENT_GUARD_REFUSE : RESILIENT_GUARD_ADMIT;
  if (in_queue)
    {
      f->other = start_one (f);
      test_run_pending ();
    }
  start_with_fallback (f, policy);
  test_run_pending ();
  switch (fails)
    {
    case FAILS_BY_ERROR:
      manual_break (newest (f));
      break;
    case FAILS_BY_STATUS:
      newest (f)->funcs.headers (&newest (f)->parent, 503, -1, newest (f)->data);
      manual_answer (newest (f), 503);
      break;
    case FAILS_BY_DEADLINE:
    case FAILS_BY_DEADLINE_IN_QUEUE:
      resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
      break;
    case FAILS_BY_QUEUE_TIMEOUT:
      resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT, NULL);
      break;
    case FAILS_BY_GUARD:
    default:
      break;
    }
  test_clock_run (1000);
  assert_state (f, FALLBACK);
  g_assert_cmpuint (f->n_asked, ==, 0);
  /* nothing is held meanwhile */
  g_assert_cmpuint (
    resilient_gate_get_running (resilient_engine_get_gate (f->engine)), ==, in_queue ? 1 : 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 0);
}

/* However it fails, the app is asked once, where it has sent from, and has the last word. */
static void
test_fallback_answers (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  for (guint i = 0; i < 2 * N_FAILS; i++)
    {
      g_autoptr (ResilientResult) result = NULL;
      Fails fails = i / 2;

      g_test_message ("fails %d, gives %u", fails, i % 2);
      f->gives = i % 2;
      bring_to_fall (f, guard, fails);
      turn_caller (f);
      assert_state (f, FALLBACK);
      g_assert_cmpuint (f->n_asked, ==, 1);
      g_assert_cmpuint (f->n_asked_with_response, ==, fails == FAILS_BY_STATUS);
      test_run_pending ();
      assert_state (f, DONE);
      result = resilient_call_get_result (f->call);
      if (f->gives)
        {
          assert_only_event (f, RESILIENT_EVENT_TYPE_SUCCESS, RESILIENT_REASON_FALLBACK);
          g_assert_cmpint (
            resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_SUCCESS);
          g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_NONE);
          g_assert_null (resilient_result_get_error (result));
          g_assert_cmpuint (
            resilient_response_get_status_code (resilient_result_get_response (result)), ==, 203);
        }
      else
        {
          g_assert_cmpint (
            resilient_result_get_status (result), !=, RESILIENT_RESULT_STATUS_SUCCESS);
          g_assert_cmpuint (resilient_result_get_failure (result), !=, RESILIENT_FAILURE_NONE);
          g_assert_cmpint (
            resilient_result_get_error (result) == NULL, ==, fails == FAILS_BY_STATUS);
        }
      turn_caller (f);
      g_assert_cmpuint (f->n_asked, ==, 1);
      clear_ended_call (f);
    }
}

/* Of an answer that the policy accepts nobody is asked, whatever it is, nor after a cancel or a
 * close, wherever the call stands. */
static void
test_fallback_not_asked (Fixture *f, gconstpointer data)
{
  static const guint statuses[] = { 200, 404, 500 };
  static const ResilientMachineEvent events[] = { RESILIENT_MACHINE_EVENT_CANCEL,
                                                  RESILIENT_MACHINE_EVENT_CLOSE };
  g_autoptr (ResilientRetryPolicy) policy = make_policy_of_503 ();

  f->gives = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      start_with_fallback (f, policy);
      test_run_pending ();
      manual_answer (newest (f), statuses[i]);
      test_run_pending ();
      turn_caller (f);
      g_assert_cmpuint (f->n_asked, ==, 0);
      assert_only_event (f, RESILIENT_EVENT_TYPE_SUCCESS, RESILIENT_REASON_SUCCESS);
      clear_ended_call (f);
    }
  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      start_with_fallback (f, policy);
      test_run_pending ();
      deliver (f, RESILIENT_MACHINE_STATE_SENDING, events[i]);
      assert_state (f, DONE);
      turn_caller (f);
      g_assert_cmpuint (f->n_asked, ==, 0);
      clear_call (f);
    }
}

static void
inside_fallback_cancel (gpointer data)
{
  Fixture *f = data;

  resilient_call_cancel (f->call);
  test_run_pending ();
  assert_state (f, DONE);
}

static void
inside_fallback_close (gpointer data)
{
  Fixture *f = data;

  g_assert_true (resilient_call_cancel_for (f->call, RESILIENT_CANCEL_BY_CLOSE));
}

/* A cancel or a close ends it at every moment: before the app is asked, while it thinks, and before
 * its answer has had its turn; also one whose time was over. */
static void
test_fallback_interrupted (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);

  f->gives = TRUE;
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (ResilientResult) result = NULL;
      guint when = i / 2;

      bring_to_fall (f, guard, i % 2 ? FAILS_BY_DEADLINE : FAILS_BY_ERROR);
      resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
      assert_state (f, FALLBACK);
      if (when == 1)
        f->inside_fallback = inside_fallback_cancel;
      else if (when == 2)
        f->inside_fallback = inside_fallback_close;
      if (when > 0)
        turn_caller (f);
      if (when == 0 || when == 3)
        ask_in_thread (f, resilient_call_cancel);
      if (when == 0)
        turn_caller (f);
      test_run_pending ();
      assert_state (f, DONE);
      g_assert_cmpuint (f->n_asked, ==, when == 0 ? 0 : 1);
      result = resilient_call_get_result (f->call);
      g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_CANCELLED);
      assert_only_event (f,
                         RESILIENT_EVENT_TYPE_CANCELLED,
                         when == 2 ? RESILIENT_REASON_CLOSED : RESILIENT_REASON_CANCELLED);
      clear_ended_call (f);
    }
}

/* Two attempts are left when the time is over; to abandon the first may run a main loop, in which
 * the call is cancelled: each attempt is in the log once. */
static void
inside_abandon_cancel (ManualAttempt *attempt, gpointer data)
{
  Fixture *f = data;

  assert_state (f, FALLBACK);
  resilient_call_cancel (f->call);
  test_run_pending ();
  assert_state (f, DONE);
}

static void
test_fallback_left_attempts (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = make_hedging_policy (0.5, 1);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) log = NULL;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  pay_for_hedges (f, 1);
  start_with_fallback (f, policy);
  test_clock_run (0.6);
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  f->transport->inside = inside_abandon_cancel;
  f->transport->inside_data = f;
  resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
  assert_state (f, DONE);
  g_assert_true (nth (f, 0)->abandoned && nth (f, 1)->abandoned);
  turn_caller (f);
  g_assert_cmpuint (f->n_asked, ==, 0);
  result = resilient_call_get_result (f->call);
  log = resilient_result_list_attempts (result);
  g_assert_cmpuint (log->len, ==, 2);
  clear_ended_call (f);
}

static gpointer
start_in_thread_that_ends (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (ResilientFrozenRequest) frozen = freeze_with_fallback (f, NULL);

  g_main_context_push_thread_default (context);
  f->call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Where the caller's context has ended nobody can be asked, and it ends all the same. */
static void
test_fallback_nobody (Fixture *f, gconstpointer data)
{
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  g_thread_join (g_thread_new ("short", start_in_thread_that_ends, f));
  f->machine = resilient_call_get_machine (f->call);
  test_run_pending ();
  manual_break (newest (f));
  test_run_pending ();
  assert_state (f, DONE);
  g_assert_cmpuint (f->n_asked, ==, 0);
  g_assert_cmpuint (resilient_call_get_failure (f->call), !=, RESILIENT_FAILURE_NONE);
  manual_release (newest (f));
  test_run_pending ();
  g_assert_cmpuint (count_terminal_events (f), ==, 1);
  g_ptr_array_set_size (f->transport->attempts, 0);
  g_clear_object (&f->call);
}

typedef struct
{
  Fixture *f;
  GThread *asked_in;
  gboolean cancels;
  gboolean done; /* atomic */
} Blocking;

static ResilientResponse *
blocking_fallback_cb (ResilientRequestContext *context,
                      ResilientResponse *response,
                      const GError *error,
                      gpointer user_data)
{
  Blocking *blocking = user_data;
  g_autoptr (GUri) uri = g_uri_parse ("fallback:", SOUP_HTTP_URI_FLAGS, NULL);

  blocking->asked_in = g_thread_self ();
  if (blocking->cancels)
    resilient_call_cancel (blocking->f->call);
  return resilient_response_new (203, "Stored", uri, NULL, NULL);
}

static gpointer
block_thread (gpointer data)
{
  Blocking *blocking = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_call_block (blocking->f->call, &error);

  if (blocking->cancels)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  else
    {
      g_assert_no_error (error);
      g_assert_cmpuint (resilient_response_get_status_code (response), ==, 203);
    }
  g_atomic_int_set (&blocking->done, TRUE);
  return NULL;
}

/* Who blocks is asked in its own thread, also when its time was over. */
static void
test_fallback_blocks (Fixture *f, gconstpointer data)
{
  guint n_destroyed = 0;

  for (guint i = 0; i < 3; i++)
    {
      Blocking blocking = { .f = f, .cancels = i == 2 };
      g_autoptr (ResilientFallback) fallback =
        resilient_fallback_new (blocking_fallback_cb, &blocking, NULL);
      g_autoptr (ResilientFallback) counted =
        resilient_fallback_new (blocking_fallback_cb, &n_destroyed, count_destroyed_cb);
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("GET", "http://example.com/", NULL);
      GThread *thread;

      resilient_frozen_request_set_fallback (frozen, fallback);
      f->call = resilient_call_start_blocking (
        f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
      f->machine = resilient_call_get_machine (f->call);
      test_run_pending ();
      thread = g_thread_new ("blocks", block_thread, &blocking);
      if (i == 1)
        resilient_call_machine_handle (f->machine, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
      else
        manual_break (newest (f));
      while (!g_atomic_int_get (&blocking.done))
        test_run_pending ();
      g_assert_true (blocking.asked_in == thread);
      g_thread_join (thread);
      test_run_pending ();
      assert_state (f, DONE);
      f->n_answers = 1;
      clear_ended_call (f);
      g_clear_pointer (&counted, resilient_fallback_unref);
      g_assert_cmpuint (n_destroyed, ==, i + 1);
    }
}

/* --- an attempt that several share ----------------------------------------------------------- */

#define N_SHARING 10

static void
end_all (Fixture *f, GPtrArray *calls)
{
  test_run_pending ();
  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
  test_run_pending ();
  release_all (f);
  test_run_pending ();
  count_terminal_events (f);
  g_ptr_array_set_size (calls, 0);
  g_assert_cmpuint (resilient_engine_count_calls (f->engine), ==, 0);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 0);
  g_ptr_array_set_size (f->transport->attempts, 0);
}

static void
start_all (Fixture *f, GPtrArray *calls, ResilientRetryPolicy *policy)
{
  for (guint i = 0; i < N_SHARING; i++)
    g_ptr_array_add (calls, start_coalesced (f, policy));
}

static void
assert_all (GPtrArray *calls, ResilientResultStatus status, guint attempts, guint sends_of_first)
{
  for (guint i = 0; i < calls->len; i++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[i]);
      g_autoptr (GPtrArray) log = resilient_result_list_attempts (result);

      g_assert_cmpint (resilient_result_get_status (result), ==, status);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, attempts);
      g_assert_cmpuint (log->len, ==, attempts);
      g_assert_cmpuint (resilient_result_get_sends (result), ==, i == 0 ? sends_of_first : 0);
    }
}

/* One is sent, whatever the limits, and each has its answer and its event. */
static void
test_share_answer (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ResilientStats) stats = NULL;

  for (guint behind = 0; behind < 2; behind++)
    {
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
      if (behind)
        {
          f->other = start_one (f);
          test_run_pending ();
        }
      start_all (f, calls, NULL);
      test_run_pending ();
      g_assert_cmpuint (
        resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, behind);
      if (behind)
        {
          resilient_call_cancel (f->other);
          test_run_pending ();
          count_terminal_events (f);
          manual_release (nth (f, 0));
          test_run_pending ();
          g_clear_object (&f->other);
        }
      g_assert_cmpuint (f->transport->attempts->len, ==, 1 + behind);
      newest (f)->funcs.headers (&newest (f)->parent, 200, -1, newest (f)->data);
      manual_succeed (newest (f));
      test_run_pending ();
      assert_all (calls, RESILIENT_RESULT_STATUS_SUCCESS, 1, 1);
      g_assert_cmpuint (count_terminal_events (f), ==, N_SHARING);
      end_all (f, calls);
    }
  stats = resilient_recorder_get_stats (resilient_engine_get_recorder (f->engine));
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 2 * N_SHARING + 1);
  g_assert_cmpuint (resilient_stats_get_attempts (stats), ==, 3);
}

/* Each decides for itself: who retries shares again, whose policy takes it has the answer, with its
 * body. */
static void
test_share_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ResilientRetryPolicy) hedging = make_hedging_policy (0.5, 1);
  ResilientCall *easy;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  start_all (f, calls, NULL);
  test_run_pending ();
  manual_fail (newest (f));
  test_run_pending ();
  for (guint i = 0; i < N_SHARING; i++)
    g_assert_cmpint (resilient_call_get_state (calls->pdata[i]), ==, RESILIENT_CALL_STATE_WAITING);
  /* the first one to wake sends for all who wake while it does */
  test_clock_run (5);
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  manual_succeed (newest (f));
  test_run_pending ();
  for (guint i = 0; i < N_SHARING; i++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[i]);

      g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_SUCCESS);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
    }
  end_all (f, calls);

  /* a policy that retries 503, and there are no hedges; one that does not */
  g_ptr_array_add (calls, start_coalesced (f, hedging));
  g_ptr_array_add (calls, easy = start_coalesced (f, NULL));
  pay_for_hedges (f, 9);
  test_clock_run (10);
  g_assert_cmpuint (f->transport->attempts->len, ==, 1);
  g_assert_true (newest (f)->funcs.headers (&newest (f)->parent, 503, -1, newest (f)->data));
  manual_answer (newest (f), 503);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (calls->pdata[0]), ==, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpint (resilient_call_get_state (easy), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (resilient_call_get_status_code (easy), ==, 503);
  end_all (f, calls);
}

/* Whoever leaves, the others have the answer; with the last of them it is given up. At any moment:
 * while the first waits for a slot, and while its attempt runs. */
static void
test_share_leave (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 8; i++)
    {
      gboolean queued = i & 1;
      gboolean all = (i & 2) != 0;
      gboolean first_last = (i & 4) != 0;
      ManualAttempt *attempt;

      g_test_message ("queued %d, all %d, first last %d", queued, all, first_last);
      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), queued ? 1 : 100, 0, 100);
      if (queued)
        {
          f->other = start_one (f);
          test_run_pending ();
        }
      start_all (f, calls, NULL);
      test_run_pending ();
      g_assert_cmpuint (f->transport->attempts->len, ==, 1);
      attempt = queued ? NULL : newest (f);
      for (guint j = 0; j < (all ? N_SHARING : N_SHARING - 1); j++)
        {
          if (attempt != NULL)
            g_assert_false (attempt->abandoned);
          resilient_call_cancel (calls->pdata[first_last ? N_SHARING - 1 - j : j]);
          test_run_pending ();
        }
      g_assert_cmpuint (count_terminal_events (f), ==, all ? N_SHARING : N_SHARING - 1);
      if (queued)
        {
          resilient_call_cancel (f->other);
          test_run_pending ();
          count_terminal_events (f);
          manual_release (nth (f, 0));
          test_run_pending ();
          g_clear_object (&f->other);
          g_assert_cmpuint (f->transport->attempts->len, ==, all ? 1 : 2);
          attempt = all ? NULL : newest (f);
        }
      if (attempt != NULL)
        g_assert_cmpint (attempt->abandoned, ==, all);
      if (!all)
        {
          ResilientCall *left = calls->pdata[first_last ? 0 : N_SHARING - 1];

          g_assert_cmpint (resilient_call_get_state (left), ==, RESILIENT_CALL_STATE_SENDING);
          manual_succeed (attempt);
          test_run_pending ();
          g_assert_cmpint (resilient_call_get_state (left), ==, RESILIENT_CALL_STATE_DONE);
          g_assert_cmpuint (resilient_call_get_attempt (left), ==, 1);
          g_assert_cmpuint (resilient_call_get_failure (left), ==, RESILIENT_FAILURE_NONE);
        }
      end_all (f, calls);
    }
}

/* Nobody comes to an answer that has begun, and the guards hear of an attempt that its first call
 * has left when it ends. */
static void
test_share_late (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  resilient_call_cancel (calls->pdata[0]);
  test_run_pending ();
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 1);
  g_assert_cmpuint (guard->n_inside, ==, 1);
  g_assert_true (nth (f, 0)->funcs.headers (&nth (f, 0)->parent, 200, -1, nth (f, 0)->data));
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_SUCCESS], ==, 0);
  manual_succeed (nth (f, 0));
  test_run_pending ();
  g_assert_cmpuint (guard->n_ends[RESILIENT_GUARD_END_SUCCESS], ==, 1);
  g_assert_cmpint (resilient_call_get_state (calls->pdata[1]), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (calls->pdata[2]), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (calls->pdata[3]), ==, RESILIENT_CALL_STATE_SENDING);
  end_all (f, calls);
  assert_nothing_taken (guard);
}

/* A guard that refuses the first refuses all, each by its own word. */
static void
test_share_refused (Fixture *f, gconstpointer data)
{
  TestGuard *guard = add_guard (f, &n_freed);
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  guard->check = RESILIENT_GUARD_NOT_BEFORE;
  guard->not_before = resilient_clock_add (resilient_clock_get_boot (), 10);
  start_all (f, calls, NULL);
  test_clock_run (5);
  g_assert_cmpuint (f->transport->attempts->len, ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, 1);
  guard->check = RESILIENT_GUARD_REFUSE;
  test_clock_run (6);
  for (guint i = 0; i < N_SHARING; i++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[i]);

      g_assert_nonnull (result);
      g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_CONNECT);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 0);
    }
  g_assert_cmpuint (count_terminal_events (f), ==, N_SHARING);
  end_all (f, calls);
}

/* What is not the same is not shared. */
static void
test_share_equal (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *method;
    const char *uri;
    const char *header; /* nullable */
    const char *trace;  /* nullable */
    double read_timeout;
    gboolean coalesce;
    gboolean shared;
    int priority;
    ResilientIdempotency idempotency;
  } rows[] = {
    { "GET", "http://example.com/", NULL, NULL, -1, TRUE, TRUE, 0, 0 },
    { "GET", "http://EXAMPLE.com:80/", NULL, NULL, -1, TRUE, TRUE, 0, 0 },
    { "GET", "http://a:b@example.com/", NULL, NULL, -1, TRUE, FALSE, 0, 0 },
    { "GET", "https://example.com/", NULL, NULL, -1, TRUE, FALSE, 0, 0 },
    { "GET", "http://example.com/", NULL, NULL, -1, TRUE, FALSE, -1, 0 },
    { "GET", "http://example.com/", NULL, NULL, -1, TRUE, FALSE, 0, RESILIENT_IDEMPOTENCY_NO },
    { "GET", "http://example.com/", NULL, NULL, -1, FALSE, FALSE, 0, 0 },
    { "HEAD", "http://example.com/", NULL, NULL, -1, TRUE, FALSE, 0, 0 },
    { "GET", "http://example.com/?a", NULL, NULL, -1, TRUE, FALSE, 0, 0 },
    { "GET", "http://example.com/", "1", NULL, -1, TRUE, FALSE, 0, 0 },
    { "GET", "http://example.com/", NULL, NULL, 7, TRUE, FALSE, 0, 0 },
    { "GET",
      "http://example.com/",
      NULL,
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      -1,
      TRUE,
      FALSE,
      0,
      0 },
  };
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new (rows[i].method, rows[i].uri);
      g_autoptr (ResilientFrozenRequest) frozen = NULL;
      g_autoptr (GError) error = NULL;

      if (rows[i].header != NULL)
        resilient_request_set_header (request, "X-One", rows[i].header);
      resilient_request_set_trace_parent (request, rows[i].trace);
      resilient_request_set_read_timeout (request, rows[i].read_timeout);
      resilient_request_set_coalesce (request, rows[i].coalesce);
      resilient_request_set_priority (request, rows[i].priority);
      resilient_request_set_idempotency (request, rows[i].idempotency);
      frozen = resilient_request_freeze (request, &error);
      g_assert_no_error (error);
      g_test_message ("row %u", i);
      g_ptr_array_add (calls, start_coalesced (f, NULL));
      g_ptr_array_add (calls,
                       resilient_call_start (
                         f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL));
      test_run_pending ();
      g_assert_cmpuint (f->transport->attempts->len, ==, rows[i].shared ? 1 : 2);
      end_all (f, calls);
    }
}

/* What client and origin add to a request counts as of the moment when it is made: who has another
 * token since then does not get the answer for the old one. */
static void
test_share_default_headers (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientOrigin) origin =
    resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);
  g_autoptr (GError) error = NULL;
  const char *tokens[] = { "Bearer one", "Bearer two", "Bearer two" };

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
    {
      resilient_origin_set_default_header (origin, "Authorization", tokens[i], &error);
      g_assert_no_error (error);
      g_ptr_array_add (calls, start_coalesced (f, NULL));
    }
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  end_all (f, calls);
}

/* A retry that is to have a new connection does not share one of a request that takes any. */
static void
test_share_new_connection (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  ResilientRetryPolicy *policy = resilient_retry_policy_get_standard ();
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "by hand");
  ResilientOutcome silence = { .failure = RESILIENT_FAILURE_READ_TIMEOUT };

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  g_ptr_array_add (calls, start_coalesced (f, policy));
  test_run_pending ();
  silence.error = error;
  newest (f)->funcs.done (&newest (f)->parent, &silence, newest (f)->data);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (calls->pdata[0]), ==, RESILIENT_CALL_STATE_WAITING);
  g_ptr_array_add (calls, start_coalesced (f, policy));
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  resilient_call_retry_now (calls->pdata[0]);
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 3);
  end_all (f, calls);
}

/* As long as the first waits for a slot the others wait in the queue, each for as long as it may.
 */
static void
test_share_queue (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.com/");
      g_autoptr (ResilientFrozenRequest) frozen = NULL;
      ResilientCall *patient, *impatient;

      resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
      f->other = start_one (f);
      g_ptr_array_add (calls, patient = start_coalesced (f, NULL));
      resilient_request_set_coalesce (request, TRUE);
      resilient_request_set_queue_timeout (request, 5);
      frozen = resilient_request_freeze (request, NULL);
      impatient =
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
      g_ptr_array_add (calls, impatient);
      test_clock_run (3);
      g_assert_cmpint (resilient_call_get_state (impatient), ==, RESILIENT_CALL_STATE_QUEUED);
      g_assert_cmpuint (resilient_call_get_attempt (impatient), ==, 0);

      switch (i)
        {
        case 0:
          break;
        case 1: /* its time goes on where it waits for a slot of its own */
          resilient_call_cancel (patient);
          break;
        default:
          resilient_call_cancel (f->other);
          test_run_pending ();
          manual_release (nth (f, 0));
          test_run_pending ();
          g_assert_cmpint (resilient_call_get_state (impatient), ==, RESILIENT_CALL_STATE_SENDING);
          g_assert_cmpuint (resilient_call_get_attempt (impatient), ==, 1);
        }
      test_clock_run (2.5);
      g_assert_cmpint (resilient_call_get_state (impatient),
                       ==,
                       i < 2 ? RESILIENT_CALL_STATE_DONE : RESILIENT_CALL_STATE_SENDING);
      if (i < 2)
        {
          g_assert_cmpuint (
            resilient_call_get_failure (impatient), ==, RESILIENT_FAILURE_QUEUE_TIMEOUT);
          g_assert_cmpuint (resilient_call_get_attempt (impatient), ==, 0);
        }
      resilient_call_cancel (f->other);
      g_clear_object (&f->other);
      end_all (f, calls);
    }
}

/* An answer that is there before those who share it had their first turn. */
static void
test_share_at_once (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  manual_succeed (newest (f));
  test_run_pending ();
  assert_all (calls, RESILIENT_RESULT_STATUS_SUCCESS, 1, 1);
  end_all (f, calls);
}

/* Who keeps the home context from turning waits for nothing that may be driven there. */
static void
test_share_blocks_home (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://example.com/", NULL);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  resilient_frozen_request_set_coalesce (frozen);
  g_ptr_array_add (calls, start_coalesced (f, NULL));
  g_ptr_array_add (calls,
                   resilient_call_start_blocking (
                     f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL));
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 2);
  end_all (f, calls);
}

/* Very many may come and go, in whatever order. */
static void
test_share_crowd (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 1);
  for (guint i = 0; i < 20000; i++)
    g_ptr_array_add (calls, start_coalesced (f, NULL));
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 1);
  for (guint i = 0; i < calls->len; i += 2)
    resilient_call_cancel (calls->pdata[i]);
  test_run_pending ();
  g_assert_false (newest (f)->abandoned);
  manual_succeed (newest (f));
  test_run_pending ();
  for (guint i = 0; i < calls->len; i++)
    g_assert_cmpuint (resilient_call_get_failure (calls->pdata[i]),
                      ==,
                      i % 2 == 0 ? RESILIENT_FAILURE_CANCELLED : RESILIENT_FAILURE_NONE);
  end_all (f, calls);
}

/* While the attempt starts a function of the app's may run a main loop, in which all leave. */
static void
inside_start_leave (ManualAttempt *attempt, gpointer data)
{
  GPtrArray *calls = data;

  for (guint i = 0; i < calls->len; i++)
    {
      resilient_call_cancel (calls->pdata[i]);
      test_run_pending ();
    }
  g_assert_false (attempt->abandoned);
}

static void
test_share_inside_start (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 100);
  start_all (f, calls, NULL);
  f->transport->inside = inside_start_leave;
  f->transport->inside_data = calls;
  test_run_pending ();
  g_assert_cmpuint (f->transport->attempts->len, ==, 1);
  g_assert_true (nth (f, 0)->abandoned);
  g_assert_cmpuint (count_terminal_events (f), ==, N_SHARING);
  end_all (f, calls);
}

/* --- what is told of it ---------------------------------------------------------------------- */

static void
test_debug_lines (void)
{
  Fixture f = { NULL };

  if (!g_test_subprocess ())
    {
      g_setenv ("G_MESSAGES_DEBUG", "Resilient", TRUE);
      g_test_trap_subprocess (NULL, 0, 0);
      g_unsetenv ("G_MESSAGES_DEBUG");
      g_test_trap_assert_passed ();
      g_test_trap_assert_stdout ("*, attempt 0: from new to queued*");
      g_test_trap_assert_stdout ("*, attempt 1: from preparing to sending*");
      g_test_trap_assert_stdout ("*, attempt 1: from sending to ending*");
      g_test_trap_assert_stdout ("*: success*");
      return;
    }

  set_up (&f, NULL);
  bring_to (&f, RESILIENT_MACHINE_STATE_SENDING, FALSE);
  manual_succeed (newest (&f));
  clear_call (&f);
  tear_down (&f, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func, end) g_test_add ("/call-machine/" name, Fixture, NULL, set_up, func, end)
  ADD ("table", test_table, tear_down);
  ADD ("ending", test_ending, tear_down);
  g_test_add_func ("/call-machine/edges", test_edges);
  ADD ("shown", test_shown, tear_down);
  ADD ("stale-wake", test_stale_wake, tear_down);
  ADD ("network-back-alone", test_network_back_alone, tear_down);
  ADD ("inside-start", test_inside_start, tear_down);
  ADD ("admitted-too-late", test_admitted_too_late, tear_down);
  ADD ("guard/refuses", test_guard_refuses, tear_down_guards);
  ADD ("guard/not-before", test_guard_not_before, tear_down_guards);
  ADD ("guard/ask-again", test_guard_ask_again, tear_down_guards);
  ADD ("guard/steps-back", test_guard_steps_back, tear_down_guards);
  ADD ("guard/overloaded", test_guard_overloaded, tear_down_guards);
  ADD ("guard/queue-timeout", test_guard_queue_timeout, tear_down_guards);
  ADD ("guard/interrupted", test_guard_interrupted, tear_down_guards);
  ADD ("guard/offline-deadline", test_guard_offline_deadline, tear_down_guards);
  ADD ("guard/offline-budget", test_guard_offline_budget, tear_down);
  ADD ("guard/ends", test_guard_ends, tear_down_guards);
  ADD ("guard/started-late", test_guard_started_late, tear_down_guards);
  ADD ("hedge/table", test_hedge_table, tear_down);
  ADD ("hedge/all-fail", test_hedge_all_fail, tear_down);
  ADD ("hedge/last-word", test_hedge_last_word, tear_down);
  ADD ("hedge/none", test_hedge_none, tear_down_guards);
  ADD ("hedge/guards", test_hedge_guards, tear_down_guards);
  ADD ("hedge/max", test_hedge_max, tear_down);
  ADD ("hedge/automatic", test_hedge_automatic, tear_down);
  ADD ("hedge/inside-start", test_hedge_inside_start, tear_down);
  ADD ("hedge/inside-abandon", test_hedge_inside_abandon, tear_down);
  ADD ("fallback/answers", test_fallback_answers, tear_down_guards);
  ADD ("fallback/not-asked", test_fallback_not_asked, tear_down);
  ADD ("fallback/interrupted", test_fallback_interrupted, tear_down_guards);
  ADD ("fallback/left-attempts", test_fallback_left_attempts, tear_down);
  ADD ("fallback/nobody", test_fallback_nobody, tear_down);
  ADD ("fallback/blocks", test_fallback_blocks, tear_down);
  ADD ("share/answer", test_share_answer, tear_down);
  ADD ("share/failure", test_share_failure, tear_down);
  ADD ("share/leave", test_share_leave, tear_down);
  ADD ("share/late", test_share_late, tear_down_guards);
  ADD ("share/refused", test_share_refused, tear_down_guards);
  ADD ("share/equal", test_share_equal, tear_down);
  ADD ("share/default-headers", test_share_default_headers, tear_down);
  ADD ("share/new-connection", test_share_new_connection, tear_down);
  ADD ("share/queue", test_share_queue, tear_down);
  ADD ("share/at-once", test_share_at_once, tear_down);
  ADD ("share/blocks-home", test_share_blocks_home, tear_down);
  ADD ("share/crowd", test_share_crowd, tear_down);
  ADD ("share/inside-start", test_share_inside_start, tear_down);
  g_test_add_func ("/call-machine/debug-lines", test_debug_lines);

  return g_test_run ();
}
