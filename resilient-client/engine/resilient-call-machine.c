/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-machine-private.h"

#include "resilient-attempt-private.h"
#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-network-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"
#include "resilient-verdict-private.h"

/* The states of a call, and what moves it from one to the next: from its place at the gate over its
 * attempts and the sleeps between them to its end. Any thread may ask something of it, which is
 * posted as work; what it does happens in the driving context, from a source of its own, never
 * inside a signal of libsoup's but for the callbacks of an attempt. */

/* The log of a call that retries for days keeps its newest attempts. */
#define MAX_LOG 100
/* Retries that fell due together, on resume or when the network came back, are spread over so many
 * seconds. */
#define SPREAD 2.0
/* So long the scheduler has, after a cancel or the total deadline, to end a call that blocks a
 * thread, and after the end to give its slot back: many times what it needs unless something keeps
 * its thread, such as a callback of the app's. */
#define SCHEDULER_PATIENCE (G_USEC_PER_SEC / 10)

/* An attempt: queued, then with a slot that it holds until libsoup lets go of it, which may be
 * after the call ended or sleeps already. */
typedef struct
{
  ResilientWaiter waiter;        /* first */
  ResilientCallMachine *machine; /* with a reference to its call */
  ResilientTransportAttempt *transport_attempt;
  gboolean admitted; /* it has its slot, and the gate won't touch the waiter any more */
  /* A start calls the app's functions, which may run a main loop, in which anything may happen. */
  gboolean starting; /* inside resilient_transport_attempt_start() */
  gboolean left;     /* the call let go of it meanwhile: to be abandoned */
  gboolean released; /* the attempt was released meanwhile */
  gboolean last;     /* it ended the call */
  gboolean has_early_verdict;
  ResilientVerdict early_verdict; /* taken when the headers came */
  gint64 started;                 /* the attempt; boot-time clock, microseconds */
  gint64 started_real;            /* the same moment since 1970 */
} CallAttempt;

/* What few calls need, made when one does, and kept until it is finalized: whoever resumes one that
 * is offline may be about to do so, in another thread, when it goes on for another reason. */
typedef struct
{
  ResilientParked parked;        /* first; a sleep that goes on past its end */
  ResilientCallMachine *machine; /* with a reference to its call while it is parked */
  ResilientTimer deadline;
} Extras;

/* Things to do in the driving context, several of which may be due at once. */
enum
{
  WORK_START = 1 << 0,
  WORK_ADMITTED = 1 << 1,
  WORK_RETRY_NOW = 1 << 2,
  WORK_SPREAD = 1 << 3, /* retry within two seconds: many others may do so too */
  WORK_CANCEL = 1 << 4,
  WORK_COMPLETE = 1 << 5,
  WORK_PRIORITY = 1 << 6,
};

struct _ResilientCallMachine
{
  /* Set once. */
  ResilientEngineMember member; /* whose call owns us */
  const ResilientCallMachineFuncs *funcs;
  ResilientEngine *engine;
  ResilientScheduler *scheduler;
  ResilientFrozenRequest *frozen;
  ResilientOrigin *origin; /* that of the request's URI; NULL: refused before it was asked for */
  ResilientCallOptions *limits;
  gint64 started; /* boot-time clock, microseconds */

  /* Of the driving context; of the starting thread until WORK_START is posted. */
  CallAttempt *attempt; /* the present one; NULL while it sleeps */
  ResilientTimer timer; /* queue time-out, or the end of a sleep */
  Extras *extras;       /* owned, nullable */
  GSList *log;          /* of ResilientAttempt, newest first */

  /* Under the lock, as is what follows it. */
  GMutex lock;
  GCond *done_cond; /* who blocks waits on it; owned, nullable */
  ResilientCallView view;
  /* of the last attempt made, while the next one is to come; else NULL */
  ResilientRequestContext *last_context;
  guint sends;
  guint16 work_bits;
  /* Not bits: some are read without the lock once they can't change. */
  guint8 cancel_cause; /* a ResilientCancelCause */
  guint8 ending;       /* nothing can be changed about its end any more */
  guint8 work_posted;
  /* the slot of the attempt that ended it is still to be given back; set before it is done */
  guint8 slot_due;
  /* who blocked has returned with the error of the cause above: no other end any more */
  guint8 given_up;
  /* Of the driving context; of the starting thread until WORK_START is posted. */
  guint8 running : 1;        /* WORK_START was done */
  guint8 new_connection : 1; /* the last one fell silent: HTTP/2 would give it to a retry again */
  guint8
    blocks_home : 1; /* set once: the thread that is to turn the home context waits for its end */
  guint generation;  /* of resumes from suspend, already spread over */
  ResilientWork work;
};

/* A hundred thousand may wait: malloc() gives what is of this size 288 bytes. */
G_STATIC_ASSERT (sizeof (ResilientCallMachine) <= 280);

/* --- work ------------------------------------------------------------------------------------- */

static void run (ResilientCallMachine *self, guint bits);
static void begin_attempt (ResilientCallMachine *self);
static void sleep_until (ResilientCallMachine *self, gint64 due);
static void log_attempt (CallAttempt *attempt,
                         ResilientOutcome *outcome,
                         ResilientFailure failure,
                         ResilientReason reason);
static GSList *get_log (ResilientCallMachine *self);
static void end (ResilientCallMachine *self,
                 ResilientResultStatus status,
                 ResilientFailure failure,
                 ResilientReason reason,
                 ResilientResponse *response,
                 const GError *error);

static void
ref_call (ResilientCallMachine *self)
{
  g_object_ref (self->member.call);
}

/* It may be the last one. */
static void
unref_call (ResilientCallMachine *self)
{
  g_object_unref (self->member.call);
}

static void
work_cb (gpointer data)
{
  ResilientCallMachine *self = data;
  guint bits;

  g_mutex_lock (&self->lock);
  bits = self->work_bits;
  self->work_bits = 0;
  self->work_posted = FALSE;
  g_mutex_unlock (&self->lock);

  run (self, bits);
  unref_call (self);
}

static void
post (ResilientCallMachine *self, guint bits)
{
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_mutex_lock (&self->lock);
  self->work_bits |= bits;
  if (!self->work_posted)
    {
      self->work_posted = TRUE;
      ref_call (self);
      resilient_scheduler_post (self->scheduler, &self->work, work_cb, self);
    }
  g_mutex_unlock (&self->lock);
}

/* On the boot-time clock, microseconds; 0 = none. */
static gint64
get_deadline (ResilientCallMachine *self)
{
  double timeout = self->limits->total_timeout;

  return timeout > 0 ? resilient_clock_add (self->started, timeout) : 0;
}

/* Under the lock. */
static void
changed_locked (ResilientCallMachine *self, guint props)
{
  self->funcs->changed (self->member.call, props);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The end that the cause of its cancelling asks for. Transfer full. */
static GError *
make_interruption (ResilientCallMachine *self,
                   ResilientResultStatus *status,
                   ResilientFailure *failure,
                   ResilientReason *reason)
{
  gboolean closed = self->cancel_cause == RESILIENT_CANCEL_BY_CLOSE;

  if (self->cancel_cause == RESILIENT_CANCEL_BY_DEADLINE)
    {
      *status = RESILIENT_RESULT_STATUS_TIMEOUT;
      *failure = RESILIENT_FAILURE_DEADLINE;
      *reason = RESILIENT_REASON_DEADLINE;
      return g_error_new (G_IO_ERROR,
                          G_IO_ERROR_TIMED_OUT,
                          /* Translators: seconds, with a fraction. */
                          _ ("The request was not done within %g s"),
                          self->limits->total_timeout);
    }

  *status = RESILIENT_RESULT_STATUS_CANCELLED;
  *failure = RESILIENT_FAILURE_CANCELLED;
  *reason = closed ? RESILIENT_REASON_CLOSED : RESILIENT_REASON_CANCELLED;
  return g_error_new_literal (G_IO_ERROR,
                              G_IO_ERROR_CANCELLED,
                              closed ? _ ("The client was closed before the request ended")
                                     : _ ("The request was cancelled"));
}

/* Makes the call an ended one, with @result; takes it. */
static void
set_ended (ResilientCallMachine *self, ResilientResult *result)
{
  g_autoptr (GObject) blocked = NULL;

  g_mutex_lock (&self->lock);
  self->view.result = result;
  self->view.failure = resilient_result_get_failure (result);
  self->view.state = RESILIENT_CALL_STATE_DONE;
  changed_locked (self,
                  1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_RESULT
                    | 1 << RESILIENT_CALL_PROP_FAILURE);
  /* who blocks may take its result, and drop the call, at any moment from now on */
  if (self->done_cond != NULL)
    blocked = g_object_ref (G_OBJECT (self->member.call));
  g_mutex_unlock (&self->lock);

  /* The callbacks run from a piece of work of their own, not inside libsoup's dispatch that brought
   * the end. */
  post (self, WORK_COMPLETE);
  if (blocked != NULL)
    g_cond_broadcast (self->done_cond);
}

/* --- the gate --------------------------------------------------------------------------------- */

static void
attempt_free (CallAttempt *attempt)
{
  g_clear_pointer (&attempt->transport_attempt, resilient_transport_attempt_unref);
  unref_call (attempt->machine);
  g_free (attempt);
}

static void
attempt_leave (CallAttempt *attempt)
{
  ResilientCallMachine *self = attempt->machine;

  resilient_gate_leave (self->engine->gate, &attempt->waiter);
  if (attempt->last)
    {
      g_mutex_lock (&self->lock);
      self->slot_due = FALSE;
      if (self->done_cond != NULL)
        g_cond_broadcast (self->done_cond);
      g_mutex_unlock (&self->lock);
    }
  attempt_free (attempt);
}

static void
attempt_admitted (ResilientWaiter *waiter)
{
  CallAttempt *attempt = (CallAttempt *) waiter;

  post (attempt->machine, WORK_ADMITTED);
}

static void
tell_place (ResilientCallMachine *self, gboolean admitted)
{
  g_autofree char *name = resilient_debug_name_new (
    resilient_request_context_get_request_id (self->view.context),
    resilient_request_context_get_current_attempt (self->view.context) + 1);

  resilient_debug (name, admitted ? "has a slot" : "queued for a slot");
}

static gboolean
enter_gate (ResilientCallMachine *self, gboolean woken, ResilientGateAnswer *answer)
{
  CallAttempt *attempt = g_new0 (CallAttempt, 1);

  ref_call (self);
  attempt->machine = self;
  attempt->waiter.woken = woken;
  attempt->waiter.beyond = self->blocks_home;
  attempt->waiter.admitted = attempt_admitted;

  g_mutex_lock (&self->lock);
  attempt->waiter.priority = self->view.priority;
  self->attempt = attempt;
  g_mutex_unlock (&self->lock);

  *answer = resilient_gate_enter (self->engine->gate, self->origin, &attempt->waiter);
  if (*answer == RESILIENT_GATE_OVERLOADED)
    {
      self->attempt = NULL;
      attempt_free (attempt);
      return FALSE;
    }

  attempt->admitted = *answer == RESILIENT_GATE_ADMITTED;
  if (!attempt->admitted)
    resilient_frozen_request_forget_uri (self->frozen);
  if (G_UNLIKELY (resilient_debug_is_on ()))
    tell_place (self, attempt->admitted);
  return TRUE;
}

static void
queue_timeout_cb (gpointer data)
{
  ResilientCallMachine *self = data;
  g_autoptr (GError) error = NULL;

  if (!resilient_gate_withdraw (self->engine->gate, &self->attempt->waiter))
    return; /* admitted at this very moment */

  g_clear_pointer (&self->attempt, attempt_free);
  error = g_error_new (G_IO_ERROR,
                       G_IO_ERROR_TIMED_OUT,
                       /* Translators: seconds, with a fraction. */
                       _ ("No slot became free for the request within %g s"),
                       self->limits->queue_timeout);
  end (self,
       RESILIENT_RESULT_STATUS_TIMEOUT,
       RESILIENT_FAILURE_QUEUE_TIMEOUT,
       RESILIENT_REASON_QUEUE_TIMEOUT,
       NULL,
       error);
}

static void
wait_in_queue (ResilientCallMachine *self)
{
  double timeout = self->limits->queue_timeout;

  if (timeout > 0)
    resilient_timer_queue_set (resilient_scheduler_get_timers (self->scheduler),
                               &self->timer,
                               resilient_clock_add (resilient_clock_get_boot (), timeout),
                               queue_timeout_cb,
                               self);
}

static GError *
make_overloaded (ResilientCallMachine *self)
{
  return g_error_new_literal (
    RESILIENT_CLIENT_ERROR,
    RESILIENT_CLIENT_ERROR_OVERLOADED,
    self->blocks_home ? _ ("The session has no connection left, and the thread that is to free one"
                           " would wait for it")
                      : _ ("Too many requests are waiting already"));
}

/* --- offline ---------------------------------------------------------------------------------- */

static void
network_back (ResilientParked *parked, gboolean spread)
{
  ResilientCallMachine *self = ((Extras *) parked)->machine;

  post (self, spread ? WORK_SPREAD : WORK_RETRY_NOW);
  unref_call (self);
}

static void
ensure_extras (ResilientCallMachine *self)
{
  if (self->extras != NULL)
    return;

  self->extras = g_new0 (Extras, 1);
  self->extras->machine = self;
  self->extras->parked.timers = resilient_scheduler_get_timers (self->scheduler);
  self->extras->parked.resume = network_back;
}

static gboolean
go_offline (ResilientCallMachine *self)
{
  ResilientNetwork *network = self->engine->network;

  if (resilient_origin_is_near (self->origin) || !resilient_network_is_offline (network))
    return FALSE;

  ensure_extras (self);
  ref_call (self);
  if (!resilient_network_park (network, &self->extras->parked, self->origin))
    {
      unref_call (self);
      return FALSE;
    }

  return TRUE;
}

static void
leave_offline (ResilientCallMachine *self)
{
  if (self->extras != NULL
      && resilient_network_unpark (self->engine->network, &self->extras->parked))
    unref_call (self);
}

/* --- sleeping --------------------------------------------------------------------------------- */

static void
wake (ResilientCallMachine *self)
{
  ResilientGateAnswer answer;

  /* A woken call was admitted once, and is never refused but in place of a deadlock. */
  if (!enter_gate (self, TRUE, &answer))
    {
      g_autoptr (GError) error = make_overloaded (self);

      end (self,
           RESILIENT_RESULT_STATUS_ERROR,
           RESILIENT_FAILURE_OVERLOADED,
           RESILIENT_REASON_NOT_RETRYABLE,
           NULL,
           error);
      return;
    }

  if (answer == RESILIENT_GATE_ADMITTED)
    {
      begin_attempt (self);
      return;
    }

  g_mutex_lock (&self->lock);
  self->view.state = RESILIENT_CALL_STATE_QUEUED;
  changed_locked (self, 1 << RESILIENT_CALL_PROP_STATE);
  g_mutex_unlock (&self->lock);
  wait_in_queue (self);
}

static void
sleep_over_cb (gpointer data)
{
  ResilientCallMachine *self = data;
  guint generation = resilient_network_check_resume (self->engine->network);

  if (generation != self->generation)
    {
      self->generation = generation;
      sleep_until (
        self,
        resilient_clock_add (resilient_clock_get_boot (), resilient_random_range (0, SPREAD)));
    }
  /* not from here, where hundreds may wake at once at a priority above that of I/O */
  else if (!go_offline (self))
    post (self, WORK_RETRY_NOW);
}

static void
sleep_until (ResilientCallMachine *self, gint64 due)
{
  resilient_timer_queue_set (
    resilient_scheduler_get_timers (self->scheduler), &self->timer, due, sleep_over_cb, self);
}

static void
go_to_sleep (ResilientCallMachine *self,
             double delay,
             ResilientFailure failure,
             ResilientReason reason,
             ResilientResponse *response,
             const GError *error)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  gboolean given_up;

  g_mutex_lock (&self->lock);
  given_up = self->given_up;
  g_mutex_unlock (&self->lock);
  if (given_up)
    {
      end (self, RESILIENT_RESULT_STATUS_ERROR, failure, reason, response, error);
      return;
    }

  context = resilient_request_context_advance (self->view.context, delay);
  resilient_recorder_retry (
    self->engine->recorder, context, failure, reason, response, error, delay);

  resilient_frozen_request_forget_uri (self->frozen);
  self->generation = resilient_network_check_resume (self->engine->network);
  sleep_until (self, resilient_clock_add (resilient_clock_get_boot (), delay));

  g_mutex_lock (&self->lock);
  self->view.state = RESILIENT_CALL_STATE_WAITING;
  self->view.failure = failure;
  self->last_context = self->view.context;
  self->view.context = g_steal_pointer (&context);
  changed_locked (self,
                  1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_FAILURE
                    | 1 << RESILIENT_CALL_PROP_CONTEXT);
  g_mutex_unlock (&self->lock);
}

/* Whatever it holds of gate, attempt and timers; a slot may stay with a detached attempt. */
static void
let_go (ResilientCallMachine *self)
{
  ResilientTimerQueue *timers = resilient_scheduler_get_timers (self->scheduler);
  CallAttempt *attempt = self->attempt;

  resilient_timer_queue_clear (timers, &self->timer);
  if (self->extras != NULL)
    resilient_timer_queue_clear (timers, &self->extras->deadline);
  leave_offline (self);

  if (attempt == NULL)
    return;

  if (attempt->starting)
    {
      self->attempt = NULL;
      attempt->left = TRUE;
    }
  else if (attempt->transport_attempt != NULL)
    {
      self->attempt = NULL;
      resilient_transport_attempt_abandon (attempt->transport_attempt);
    }
  else if (attempt->admitted)
    {
      self->attempt = NULL;
      attempt_leave (attempt);
    }
  else if (resilient_gate_withdraw (self->engine->gate, &attempt->waiter))
    {
      self->attempt = NULL;
      attempt_free (attempt);
    }
  /* Else it was admitted at this very moment: WORK_ADMITTED gives the slot back. */
}

static void
end (ResilientCallMachine *self,
     ResilientResultStatus status,
     ResilientFailure failure,
     ResilientReason reason,
     ResilientResponse *response,
     const GError *error)
{
  double total = resilient_clock_to_seconds (resilient_clock_get_boot () - self->started);
  g_autoptr (GError) interruption = NULL;
  ResilientResult *result;

  let_go (self);

  g_mutex_lock (&self->lock);
  /* Other threads learn of the end before it leaves the live ones. */
  self->ending = TRUE;
  /* What was said already to who had blocked holds, whatever came after. */
  if (self->given_up)
    {
      interruption = make_interruption (self, &status, &failure, &reason);
      error = interruption;
      response = NULL;
    }
  /* The attempt that was to come does not: the last word is on the one before. */
  if (self->last_context != NULL)
    {
      /* never one that is gone: a forked child reads it without the lock */
      ResilientRequestContext *to_come = self->view.context;

      self->view.context = g_steal_pointer (&self->last_context);
      resilient_request_context_unref (to_come);
      changed_locked (self, 1 << RESILIENT_CALL_PROP_CONTEXT);
    }
  g_mutex_unlock (&self->lock);

  result = resilient_result_new (self->view.context,
                                 status,
                                 response,
                                 error,
                                 failure,
                                 self->view.attempts,
                                 self->sends,
                                 total,
                                 get_log (self));
  resilient_recorder_ended (self->engine->recorder, result, reason);
  set_ended (self, result);
  resilient_engine_remove_call (self->engine, &self->member, self->scheduler);
}

static void
end_interrupted (ResilientCallMachine *self)
{
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  g_autoptr (GError) error = make_interruption (self, &status, &failure, &reason);

  if (self->attempt != NULL
      && (self->attempt->starting || self->attempt->transport_attempt != NULL))
    {
      ResilientOutcome outcome = { .nothing_sent = TRUE };

      if (self->attempt->transport_attempt != NULL)
        outcome = *self->attempt->transport_attempt->outcome;
      log_attempt (self->attempt, &outcome, failure, reason);
    }

  end (self, status, failure, reason, NULL, error);
}

static void
deadline_cb (gpointer data)
{
  ResilientCallMachine *self = data;

  g_mutex_lock (&self->lock);
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = RESILIENT_CANCEL_BY_DEADLINE;
  g_mutex_unlock (&self->lock);

  end_interrupted (self);
}

/* --- the attempt ------------------------------------------------------------------------------ */

static ResilientVerdict
judge (ResilientCallMachine *self,
       ResilientFailure failure,
       gboolean nothing_sent,
       guint status_code,
       double retry_after)
{
  ResilientVerdictInput input = {
    .context = self->view.context,
    .policy = resilient_request_context_peek_policy (self->view.context),
    .failure = failure,
    .nothing_sent = nothing_sent,
    .status_code = status_code,
    .retry_after = retry_after,
    .method = self->frozen->method,
    .has_idempotency_key = resilient_frozen_request_has_idempotency_key (self->frozen),
    .idempotency = self->frozen->idempotency,
    .body_spent = self->frozen->body != NULL && resilient_body_is_spent (self->frozen->body),
    .closed = resilient_engine_is_closing (self->engine),
    .now = resilient_clock_get_boot (),
    .deadline = get_deadline (self),
  };

  return resilient_verdict (&input);
}

static void
attempt_phase (ResilientTransportAttempt *transport_attempt, ResilientPhase phase, gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;
  ResilientCallState state = phase >= RESILIENT_PHASE_READING ? RESILIENT_CALL_STATE_RECEIVING
                                                              : RESILIENT_CALL_STATE_SENDING;

  if (attempt->left)
    return;
  g_mutex_lock (&self->lock);
  if (self->view.state != state)
    {
      self->view.state = state;
      changed_locked (self, 1 << RESILIENT_CALL_PROP_STATE);
    }
  g_mutex_unlock (&self->lock);
}

static void
attempt_progress (ResilientTransportAttempt *transport_attempt,
                  gint64 sent,
                  gint64 received,
                  gint64 upload_size,
                  gint64 download_size,
                  gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;
  guint props = 0;

  if (attempt->left)
    return;
  g_mutex_lock (&self->lock);
#define UPDATE(field, value, PROP)                                                                 \
  if (self->view.field != value)                                                                   \
    {                                                                                              \
      self->view.field = value;                                                                    \
      props |= 1 << RESILIENT_CALL_PROP_##PROP;                                                    \
    }
  UPDATE (bytes_sent, sent, BYTES_SENT)
  UPDATE (bytes_received, received, BYTES_RECEIVED)
  UPDATE (upload_size, upload_size, UPLOAD_SIZE)
  UPDATE (download_size, download_size, DOWNLOAD_SIZE)
#undef UPDATE
  if (props != 0)
    changed_locked (self, props);
  g_mutex_unlock (&self->lock);
}

/* The verdict on a status is taken here already: if there will be a retry, the body need not be
 * read. */
static gboolean
attempt_headers (ResilientTransportAttempt *transport_attempt,
                 guint status_code,
                 double retry_after,
                 gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;

  if (attempt->left)
    return FALSE;
  g_mutex_lock (&self->lock);
  self->view.status_code = MIN (status_code, G_MAXUINT16);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_STATUS_CODE);
  g_mutex_unlock (&self->lock);

  if (!resilient_verdict_status_is_failure (
        resilient_request_context_peek_policy (self->view.context), status_code))
    return TRUE;

  attempt->early_verdict = judge (self, RESILIENT_FAILURE_STATUS, FALSE, status_code, retry_after);
  attempt->has_early_verdict = TRUE;
  return !attempt->early_verdict.retry;
}

/* The newest come first. */
static void
cut_log (ResilientCallMachine *self)
{
  GSList *last = g_slist_nth (self->log, MAX_LOG - 1);

  if (last == NULL)
    return;
  g_slist_free_full (g_steal_pointer (&last->next), (GDestroyNotify) resilient_attempt_unref);
}

static void
log_attempt (CallAttempt *attempt,
             ResilientOutcome *outcome,
             ResilientFailure failure,
             ResilientReason reason)
{
  ResilientCallMachine *self = attempt->machine;
  double duration = resilient_clock_to_seconds (resilient_clock_get_boot () - attempt->started);

  self->log = g_slist_prepend (
    self->log,
    resilient_attempt_new (self->view.attempts,
                           attempt->started_real,
                           duration,
                           failure,
                           outcome->status_code,
                           resilient_request_context_get_previous_delay (self->view.context),
                           outcome->reused_connection,
                           outcome->sends,
                           reason));
  /* Not each time: it takes a walk to the end. */
  if (self->view.attempts % MAX_LOG == 0)
    cut_log (self);
  g_mutex_lock (&self->lock);
  self->sends += outcome->sends;
  g_mutex_unlock (&self->lock);
}

static GSList *
get_log (ResilientCallMachine *self)
{
  cut_log (self);
  return self->log;
}

static GError *
describe_last_error (ResilientCallMachine *self, const GError *error)
{
  GError *described;

  if (self->view.attempts < 2)
    return g_error_copy (error);

  described = g_error_new_literal (error->domain, error->code, "");
  g_free (described->message);
  described->message = g_strdup_printf (
    /* Translators: %s is the message of the last error. */
    resilient_ngettext ("%s (after %u attempt)", "%s (after %u attempts)", self->view.attempts),
    error->message,
    self->view.attempts);
  return described;
}

static void
attempt_done (ResilientTransportAttempt *transport_attempt,
              ResilientOutcome *outcome,
              gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;
  ResilientFailure failure = outcome->failure;
  ResilientVerdict verdict = { .reason = RESILIENT_REASON_SUCCESS };

  if (attempt->left)
    return;
  /* The slot goes back when the attempt is released. */
  self->attempt = NULL;

  if (outcome->answered)
    resilient_network_answered (self->engine->network, attempt->waiter.origin, outcome->socket);
  if (outcome->http2_of_origin)
    resilient_gate_set_http2 (self->engine->gate, attempt->waiter.origin);

  if (failure == RESILIENT_FAILURE_NONE
      && resilient_verdict_status_is_failure (
        resilient_request_context_peek_policy (self->view.context), outcome->status_code))
    failure = RESILIENT_FAILURE_STATUS;

  if (failure == RESILIENT_FAILURE_STATUS && attempt->has_early_verdict)
    verdict = attempt->early_verdict;
  else if (failure != RESILIENT_FAILURE_NONE)
    verdict = judge (self, failure, outcome->nothing_sent, outcome->status_code, -1);
  self->new_connection =
    (failure & (RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT)) != 0;

  log_attempt (attempt, outcome, failure, verdict.reason);

  if (verdict.retry)
    {
      go_to_sleep (self, verdict.delay, failure, verdict.reason, outcome->response, outcome->error);
    }
  else if (failure == RESILIENT_FAILURE_NONE)
    {
      attempt->last = self->slot_due = TRUE;
      end (self, RESILIENT_RESULT_STATUS_SUCCESS, failure, verdict.reason, outcome->response, NULL);
    }
  else
    {
      g_autoptr (GError) error =
        outcome->error != NULL ? describe_last_error (self, outcome->error) : NULL;

      attempt->last = self->slot_due = TRUE;
      end (self,
           failure & RESILIENT_FAILURE_ANY_TIMEOUT ? RESILIENT_RESULT_STATUS_TIMEOUT
                                                   : RESILIENT_RESULT_STATUS_ERROR,
           failure,
           verdict.reason,
           outcome->response,
           error);
    }
}

static void
attempt_released (ResilientTransportAttempt *transport_attempt, gpointer data)
{
  CallAttempt *attempt = data;

  if (attempt->starting)
    attempt->released = TRUE;
  else
    attempt_leave (attempt);
}

static ResilientHeaders *
attempt_default_headers (GUri *uri, gpointer data)
{
  CallAttempt *attempt = data;
  ResilientEngine *engine = attempt->machine->engine;
  g_autoptr (ResilientOrigin) other = NULL;

  if (uri == attempt->machine->frozen->uri)
    return resilient_engine_dup_default_headers (engine, attempt->waiter.origin);
  other = resilient_gate_get_origin (engine->gate, uri);
  return resilient_engine_dup_default_headers (engine, other);
}

static const ResilientTransportAttemptFuncs attempt_funcs = {
  .phase = attempt_phase,
  .progress = attempt_progress,
  .headers = attempt_headers,
  .done = attempt_done,
  .released = attempt_released,
  .default_headers = attempt_default_headers,
};

static void
begin_attempt (ResilientCallMachine *self)
{
  g_autoptr (ResilientTransport) transport = resilient_engine_dup_transport (self->engine);
  guint generation = resilient_network_check_resume (self->engine->network);
  CallAttempt *attempt = self->attempt;
  ResilientTransportAttemptParams params = {
    .context = self->view.context,
    .frozen = self->frozen,
    .idempotency_key = self->frozen->idempotency_key,
    .user_agent = self->limits->user_agent,
    .connect_timeout = self->limits->connect_timeout,
    .read_timeout = self->limits->read_timeout,
    .write_timeout = self->limits->write_timeout,
    .attempt_timeout = self->limits->attempt_timeout,
    .max_response_size = self->limits->max_response_size,
    .new_connection = self->new_connection,
    .io_priority = resilient_scheduler_get_priority (self->scheduler),
    .pace = resilient_scheduler_get_pace (self->scheduler),
  };

  if (generation > 0 && resilient_origin_take_fresh_connection (attempt->waiter.origin, generation))
    params.new_connection = TRUE;

  resilient_frozen_request_ensure_uri (self->frozen);
  attempt->started = resilient_clock_get_boot ();
  attempt->started_real = resilient_clock_get_real ();

  g_mutex_lock (&self->lock);
  self->view.attempts++;
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  self->view.state = RESILIENT_CALL_STATE_SENDING;
  changed_locked (self, 1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_ATTEMPT);
  g_mutex_unlock (&self->lock);

  resilient_recorder_attempt (self->engine->recorder);
  attempt->starting = TRUE;
  attempt->transport_attempt = resilient_transport_attempt_start (
    transport, &params, resilient_scheduler_get_timers (self->scheduler), &attempt_funcs, attempt);
  attempt->starting = FALSE;
  if (attempt->released)
    attempt_leave (attempt);
  else if (attempt->left)
    resilient_transport_attempt_abandon (attempt->transport_attempt);
}

/* --- moving on -------------------------------------------------------------------------------- */

static void
start (ResilientCallMachine *self)
{
  self->running = TRUE;

  if (self->limits->total_timeout > 0)
    {
      ensure_extras (self);
      resilient_timer_queue_set (resilient_scheduler_get_timers (self->scheduler),
                                 &self->extras->deadline,
                                 get_deadline (self),
                                 deadline_cb,
                                 self);
    }

  if (self->attempt->admitted)
    begin_attempt (self);
  else
    wait_in_queue (self);
}

static void
admitted (ResilientCallMachine *self)
{
  self->attempt->admitted = TRUE;

  if (self->view.state == RESILIENT_CALL_STATE_DONE)
    {
      attempt_leave (g_steal_pointer (&self->attempt));
      return;
    }

  resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler), &self->timer);
  begin_attempt (self);
}

static int
get_priority (ResilientCallMachine *self)
{
  int priority;

  g_mutex_lock (&self->lock);
  priority = self->view.priority;
  g_mutex_unlock (&self->lock);

  return priority;
}

static void
run (ResilientCallMachine *self, guint bits)
{
  if (!self->running && !(bits & WORK_START))
    {
      /* Cancelled, or admitted, while the starting thread is still at it. */
      g_mutex_lock (&self->lock);
      self->work_bits |= bits;
      g_mutex_unlock (&self->lock);
      return;
    }

  if (self->view.state != RESILIENT_CALL_STATE_DONE && bits & WORK_CANCEL)
    {
      end_interrupted (self);
      self->running = TRUE;
    }

  if (bits & WORK_START && self->view.state != RESILIENT_CALL_STATE_DONE)
    start (self);
  self->running = TRUE;

  if (bits & WORK_ADMITTED)
    admitted (self);

  if (self->view.state == RESILIENT_CALL_STATE_WAITING && bits & (WORK_RETRY_NOW | WORK_SPREAD))
    {
      resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler), &self->timer);
      leave_offline (self);
      if (bits & WORK_RETRY_NOW)
        wake (self);
      else
        sleep_until (
          self,
          resilient_clock_add (resilient_clock_get_boot (), resilient_random_range (0, SPREAD)));
    }

  if (bits & WORK_PRIORITY && self->attempt != NULL)
    resilient_gate_set_priority (self->engine->gate, &self->attempt->waiter, get_priority (self));

  if (bits & WORK_COMPLETE)
    {
      /* Once for all that ended before this piece of work got its turn. */
      resilient_recorder_wake (self->engine->recorder);
      self->funcs->complete (self->member.call);
    }
}

/* --- from any thread ---------------------------------------------------------------------------
 */

ResilientCallMachine *
resilient_call_machine_new (ResilientCall *call, const ResilientCallMachineFuncs *funcs)
{
  ResilientCallMachine *self = g_new0 (ResilientCallMachine, 1);

  self->member.call = call;
  self->funcs = funcs;
  self->view.download_size = -1;
  g_mutex_init (&self->lock);

  return self;
}

void
resilient_call_machine_free (ResilientCallMachine *self)
{
  g_slist_free_full (self->log, (GDestroyNotify) resilient_attempt_unref);
  g_clear_pointer (&self->view.result, resilient_result_unref);
  g_clear_pointer (&self->view.context, resilient_request_context_unref);
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  g_clear_pointer (&self->frozen, resilient_frozen_request_unref);
  g_clear_object (&self->origin);
  if (self->done_cond != NULL)
    g_cond_clear (self->done_cond);
  g_free (self->done_cond);
  g_clear_pointer (&self->limits, g_atomic_rc_box_release);
  g_free (self->extras);
  g_clear_pointer (&self->scheduler, resilient_scheduler_unref);
  g_clear_pointer (&self->engine, resilient_engine_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
set_context (ResilientCallMachine *self, ResilientRequestContext *context)
{
  self->view.context = context;
  /* Every context of a call shares the one string of the id. */
  self->member.id = resilient_request_context_get_request_id (context);
}

/* INVALID, OVERLOADED or CLOSED: the caller gets the error, nobody else hears of it. */
static void
refuse (ResilientCallMachine *self, const GError *error)
{
  ResilientFailure failure = resilient_failure_from_error (error, TRUE);

  resilient_recorder_refused (self->engine->recorder);
  set_ended (
    self,
    resilient_result_new (
      self->view.context, RESILIENT_RESULT_STATUS_ERROR, NULL, error, failure, 0, 0, 0, NULL));
  post (self, WORK_START);
}

gboolean
resilient_call_machine_enter (ResilientCallMachine *self,
                              ResilientEngine *engine,
                              ResilientScheduler *scheduler,
                              ResilientFrozenRequest *frozen,
                              ResilientRequestContext *context,
                              gboolean blocks)
{
  ResilientGateAnswer answer;
  g_autoptr (GError) error = NULL;

  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (scheduler);
  self->frozen = resilient_frozen_request_ref (frozen);
  self->blocks_home = blocks && resilient_engine_is_home_thread (engine);
  self->view.priority = frozen->priority;
  self->view.upload_size = frozen->body != NULL ? resilient_body_get_size (frozen->body) : 0;
  set_context (self, resilient_engine_take_settings (engine, frozen, context, &self->limits));
  self->started = resilient_clock_get_boot ();

  if (!resilient_engine_add_call (engine, &self->member, &error))
    {
      refuse (self, error);
      return FALSE;
    }

  self->origin =
    resilient_gate_get_origin (engine->gate, resilient_frozen_request_ensure_uri (self->frozen));

  /* The place in the queue is taken now, in the order of the calls; everything else happens in the
   * driving context: libsoup must not be touched by a thread while another iterates its context. */
  if (!enter_gate (self, FALSE, &answer))
    {
      error = make_overloaded (self);
      refuse (self, error);
      resilient_engine_remove_call (engine, &self->member, self->scheduler);
      return FALSE;
    }

  resilient_recorder_started (engine->recorder);
  return TRUE;
}

void
resilient_call_machine_refuse (ResilientCallMachine *self,
                               ResilientEngine *engine,
                               ResilientScheduler *scheduler,
                               const GError *error)
{
  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (scheduler);
  set_context (self,
               resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL));
  refuse (self, error);
}

void
resilient_call_machine_refuse_foreign (ResilientCallMachine *self,
                                       ResilientEngine *engine,
                                       const GError *error)
{
  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (engine->home);
  set_context (self,
               resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL));
  self->view.failure = RESILIENT_FAILURE_CLOSED;
  self->view.result = resilient_result_new (self->view.context,
                                            RESILIENT_RESULT_STATUS_ERROR,
                                            NULL,
                                            error,
                                            self->view.failure,
                                            0,
                                            0,
                                            0,
                                            NULL);
  self->ending = TRUE;
  self->view.state = RESILIENT_CALL_STATE_DONE;
}

void
resilient_call_machine_begin (ResilientCallMachine *self)
{
  post (self, WORK_START);
}

ResilientEngine *
resilient_call_machine_get_engine (ResilientCallMachine *self)
{
  return self->engine;
}

static gboolean
is_foreign (ResilientCallMachine *self)
{
  return self->engine != NULL && resilient_engine_is_foreign (self->engine, NULL);
}

const ResilientCallView *
resilient_call_machine_lock (ResilientCallMachine *self)
{
  if (!is_foreign (self))
    g_mutex_lock (&self->lock);

  return &self->view;
}

void
resilient_call_machine_unlock (ResilientCallMachine *self)
{
  if (!is_foreign (self))
    g_mutex_unlock (&self->lock);
}

double
resilient_call_machine_get_delay_left_locked (ResilientCallMachine *self)
{
  gint64 left = 0;

  if (self->view.state == RESILIENT_CALL_STATE_WAITING)
    left =
      resilient_timer_queue_get_due (resilient_scheduler_get_timers (self->scheduler), &self->timer)
      - resilient_clock_get_boot ();

  return resilient_clock_to_seconds (MAX (left, 0));
}

void
resilient_call_machine_set_priority (ResilientCallMachine *self, int priority)
{
  gboolean same;

  resilient_call_machine_lock (self);
  same = self->view.priority == priority;
  self->view.priority = priority;
  if (!same && self->engine != NULL)
    changed_locked (self, 1 << RESILIENT_CALL_PROP_PRIORITY);
  resilient_call_machine_unlock (self);

  if (!same && self->engine != NULL)
    post (self, WORK_PRIORITY);
}

gboolean
resilient_call_machine_retry_now (ResilientCallMachine *self)
{
  gboolean waiting;

  resilient_call_machine_lock (self);
  waiting = self->view.state == RESILIENT_CALL_STATE_WAITING;
  resilient_call_machine_unlock (self);

  if (waiting)
    post (self, WORK_RETRY_NOW);
  return waiting;
}

gboolean
resilient_call_machine_cancel (ResilientCallMachine *self, ResilientCancelCause cause)
{
  gboolean live;

  g_mutex_lock (&self->lock);
  live = !self->ending && self->view.state != RESILIENT_CALL_STATE_DONE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = cause;
  if (live && self->done_cond != NULL)
    g_cond_broadcast (self->done_cond);
  g_mutex_unlock (&self->lock);

  if (live)
    post (self, WORK_CANCEL);

  return live;
}

void
resilient_call_machine_ask_complete (ResilientCallMachine *self)
{
  post (self, WORK_COMPLETE);
}

ResilientResult *
resilient_call_machine_snapshot (ResilientCallMachine *self)
{
  ResilientResult *result;

  g_mutex_lock (&self->lock);
  if (self->view.result != NULL)
    result = resilient_result_ref (self->view.result);
  else
    result = resilient_result_new (
      self->view.context,
      RESILIENT_RESULT_STATUS_PENDING,
      NULL,
      NULL,
      self->view.failure,
      self->view.attempts,
      self->sends,
      resilient_clock_to_seconds (resilient_clock_get_boot () - self->started),
      NULL);
  g_mutex_unlock (&self->lock);

  return result;
}

/* TRUE: there is a reason not to wait for the scheduler any more, unless it is at the end
 * already. */
static gboolean
is_overdue_locked (ResilientCallMachine *self, gint64 deadline)
{
  return !self->ending
         && (self->cancel_cause != RESILIENT_CANCEL_NONE
             || (deadline != 0 && deadline <= resilient_clock_get_boot ()));
}

/* FALSE: the scheduler had its time, and the call is given up. The time is real even where the
 * clock is not: it is threads that are waited for. */
static gboolean
wait_for_scheduler_locked (ResilientCallMachine *self, gint64 *give_up)
{
  if (*give_up == 0)
    *give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;
  if (g_cond_wait_until (self->done_cond, &self->lock, *give_up))
    return TRUE;
  if (self->ending || self->view.state == RESILIENT_CALL_STATE_DONE)
    return TRUE;

  self->given_up = TRUE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = RESILIENT_CANCEL_BY_DEADLINE;
  return FALSE;
}

/* It has ended, and its slot goes back at once. Where nobody may wait for one, the next call of
 * this thread would be refused before that. */
static void
wait_for_slot_locked (ResilientCallMachine *self)
{
  gint64 give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;

  while (self->slot_due && g_cond_wait_until (self->done_cond, &self->lock, give_up))
    ;
}

GError *
resilient_call_machine_block (ResilientCallMachine *self)
{
  gboolean may_queue = resilient_engine_may_queue (self->engine);
  gint64 deadline = get_deadline (self);
  gint64 give_up = 0;
  gboolean waiting = TRUE;
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  GError *error;

  g_mutex_lock (&self->lock);
  g_assert (self->done_cond == NULL);
  self->done_cond = g_new (GCond, 1);
  g_cond_init (self->done_cond);
  while (waiting && self->view.state != RESILIENT_CALL_STATE_DONE)
    {
      if (is_overdue_locked (self, deadline))
        waiting = wait_for_scheduler_locked (self, &give_up);
      else if (deadline == 0
               || !resilient_clock_wait_until (self->done_cond, &self->lock, deadline))
        g_cond_wait (self->done_cond, &self->lock);
    }
  if (waiting && !may_queue)
    wait_for_slot_locked (self);
  g_mutex_unlock (&self->lock);

  if (waiting)
    return NULL;

  error = make_interruption (self, &status, &failure, &reason);
  post (self, WORK_CANCEL);
  return error;
}
