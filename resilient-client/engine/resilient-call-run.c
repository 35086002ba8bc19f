/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-run-private.h"

#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"

/* The way of one call. Everything here runs in the call's driving context, from a source of its
 * own: never inside a signal of libsoup's, but for the callbacks of an attempt. */

/* Retries that fell due together, on resume or when the network came back, are spread over so many
 * seconds. */
#define SPREAD 2.0
static void sleep_until (ResilientCall *self, gint64 due);

/* --- the gate --------------------------------------------------------------------------------- */

static void
turn_free (ResilientTurn *turn)
{
  g_clear_pointer (&turn->attempt, resilient_transport_attempt_unref);
  g_object_unref (turn->call);
  g_free (turn);
}

void
resilient_turn_leave (ResilientTurn *turn)
{
  ResilientCall *self = turn->call;

  resilient_gate_leave (self->engine->gate, &turn->waiter);
  if (turn->last)
    {
      g_mutex_lock (&self->lock);
      self->slot_due = FALSE;
      if (self->done_cond != NULL)
        g_cond_broadcast (self->done_cond);
      g_mutex_unlock (&self->lock);
    }
  turn_free (turn);
}

static void
turn_admitted (ResilientWaiter *waiter)
{
  ResilientTurn *turn = (ResilientTurn *) waiter;

  resilient_call_post (turn->call, RESILIENT_WORK_ADMITTED);
}

gboolean
resilient_call_enter_gate (ResilientCall *self, gboolean woken, ResilientGateAnswer *answer)
{
  ResilientTurn *turn = g_new0 (ResilientTurn, 1);

  turn->call = g_object_ref (self);
  turn->waiter.woken = woken;
  turn->waiter.beyond = self->blocks_home;
  turn->waiter.admitted = turn_admitted;

  g_mutex_lock (&self->lock);
  turn->waiter.priority = self->priority;
  self->turn = turn;
  g_mutex_unlock (&self->lock);

  *answer = resilient_gate_enter (self->engine->gate, self->origin, &turn->waiter);
  if (*answer == RESILIENT_GATE_OVERLOADED)
    {
      self->turn = NULL;
      turn_free (turn);
      return FALSE;
    }

  turn->admitted = *answer == RESILIENT_GATE_ADMITTED;
  if (!turn->admitted)
    resilient_frozen_request_forget_uri (self->frozen);
  return TRUE;
}

static void
queue_timeout_cb (gpointer data)
{
  ResilientCall *self = data;
  g_autoptr (GError) error = NULL;

  if (!resilient_gate_withdraw (self->engine->gate, &self->turn->waiter))
    return; /* admitted at this very moment */

  g_clear_pointer (&self->turn, turn_free);
  error = g_error_new (G_IO_ERROR,
                       G_IO_ERROR_TIMED_OUT,
                       /* Translators: seconds, with a fraction. */
                       _ ("No slot became free for the request within %g s"),
                       self->limits->queue_timeout);
  resilient_call_end (self,
                      RESILIENT_RESULT_STATUS_TIMEOUT,
                      RESILIENT_FAILURE_QUEUE_TIMEOUT,
                      RESILIENT_REASON_QUEUE_TIMEOUT,
                      NULL,
                      error);
}

static void
wait_in_queue (ResilientCall *self)
{
  double timeout = self->limits->queue_timeout;

  if (timeout > 0)
    resilient_timer_queue_set (resilient_scheduler_get_timers (self->scheduler),
                               &self->timer,
                               resilient_clock_add (resilient_clock_get_boot (), timeout),
                               queue_timeout_cb,
                               self);
}

/* --- sleeping --------------------------------------------------------------------------------- */

static void
wake (ResilientCall *self)
{
  ResilientGateAnswer answer;

  /* A woken call was admitted once, and is never refused but in place of a deadlock. */
  if (!resilient_call_enter_gate (self, TRUE, &answer))
    {
      g_autoptr (GError) error = resilient_call_make_overloaded (self);

      resilient_call_end (self,
                          RESILIENT_RESULT_STATUS_ERROR,
                          RESILIENT_FAILURE_OVERLOADED,
                          RESILIENT_REASON_NOT_RETRYABLE,
                          NULL,
                          error);
      return;
    }

  if (answer == RESILIENT_GATE_ADMITTED)
    {
      resilient_call_begin_attempt (self);
      return;
    }

  g_mutex_lock (&self->lock);
  self->state = RESILIENT_CALL_STATE_QUEUED;
  resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_STATE);
  g_mutex_unlock (&self->lock);
  wait_in_queue (self);
}

static void
sleep_over_cb (gpointer data)
{
  ResilientCall *self = data;
  guint generation = resilient_network_check_resume (self->engine->network);

  if (generation != self->generation)
    {
      self->generation = generation;
      sleep_until (
        self,
        resilient_clock_add (resilient_clock_get_boot (), resilient_random_range (0, SPREAD)));
    }
  /* not from here, where hundreds may wake at once at a priority above that of I/O */
  else if (!resilient_call_park (self))
    resilient_call_post (self, RESILIENT_WORK_RETRY_NOW);
}

static void
sleep_until (ResilientCall *self, gint64 due)
{
  resilient_timer_queue_set (
    resilient_scheduler_get_timers (self->scheduler), &self->timer, due, sleep_over_cb, self);
}

void
resilient_call_sleep (ResilientCall *self,
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
      resilient_call_end (self, RESILIENT_RESULT_STATUS_ERROR, failure, reason, response, error);
      return;
    }

  context = resilient_request_context_advance (self->context, delay);
  resilient_recorder_retry (
    self->engine->recorder, context, failure, reason, response, error, delay);

  resilient_frozen_request_forget_uri (self->frozen);
  self->generation = resilient_network_check_resume (self->engine->network);
  sleep_until (self, resilient_clock_add (resilient_clock_get_boot (), delay));

  g_mutex_lock (&self->lock);
  self->state = RESILIENT_CALL_STATE_WAITING;
  self->failure = failure;
  self->last_context = self->context;
  self->context = g_steal_pointer (&context);
  resilient_call_changed (self,
                          1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_FAILURE
                            | 1 << RESILIENT_CALL_PROP_CONTEXT);
  g_mutex_unlock (&self->lock);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Whatever it holds of gate, attempt and timers; a slot may stay with a detached attempt. */
static void
let_go (ResilientCall *self)
{
  ResilientTimerQueue *timers = resilient_scheduler_get_timers (self->scheduler);
  ResilientTurn *turn = self->turn;

  resilient_timer_queue_clear (timers, &self->timer);
  if (self->deadline_timer != NULL)
    resilient_timer_queue_clear (timers, self->deadline_timer);
  resilient_call_unpark (self);

  if (turn == NULL)
    return;

  if (turn->starting)
    {
      self->turn = NULL;
      turn->left = TRUE;
    }
  else if (turn->attempt != NULL)
    {
      self->turn = NULL;
      resilient_transport_attempt_abandon (turn->attempt);
    }
  else if (turn->admitted)
    {
      self->turn = NULL;
      resilient_turn_leave (turn);
    }
  else if (resilient_gate_withdraw (self->engine->gate, &turn->waiter))
    {
      self->turn = NULL;
      turn_free (turn);
    }
  /* Else it was admitted at this very moment: RESILIENT_WORK_ADMITTED gives the slot back. */
}

void
resilient_call_end (ResilientCall *self,
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
  /* Other threads learn of the end before it leaves the registry. */
  self->ending = TRUE;
  /* What was said already to who had blocked holds, whatever came after. */
  if (self->given_up)
    {
      interruption = resilient_call_make_interruption (self, &status, &failure, &reason);
      error = interruption;
      response = NULL;
    }
  /* The attempt that was to come does not: the last word is on the one before. */
  if (self->last_context != NULL)
    {
      /* never one that is gone: a forked child reads it without the lock */
      ResilientRequestContext *to_come = self->context;

      self->context = g_steal_pointer (&self->last_context);
      resilient_request_context_unref (to_come);
      resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_CONTEXT);
    }
  g_mutex_unlock (&self->lock);

  result = resilient_result_new (self->context,
                                 status,
                                 response,
                                 error,
                                 failure,
                                 self->attempts,
                                 self->sends,
                                 total,
                                 resilient_call_get_log (self));
  resilient_recorder_ended (self->engine->recorder, result, reason);
  resilient_call_set_ended (self, result);
  resilient_engine_remove_call (self->engine, self);
}

static void
end_interrupted (ResilientCall *self)
{
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  g_autoptr (GError) error = resilient_call_make_interruption (self, &status, &failure, &reason);

  if (self->turn != NULL && (self->turn->starting || self->turn->attempt != NULL))
    {
      ResilientOutcome outcome = { .nothing_sent = TRUE };

      if (self->turn->attempt != NULL)
        outcome = *self->turn->attempt->outcome;
      resilient_turn_log_attempt (self->turn, &outcome, failure, reason);
    }

  resilient_call_end (self, status, failure, reason, NULL, error);
}

static void
deadline_cb (gpointer data)
{
  ResilientCall *self = data;

  g_mutex_lock (&self->lock);
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = RESILIENT_CANCEL_BY_DEADLINE;
  g_mutex_unlock (&self->lock);

  end_interrupted (self);
}

static void
start (ResilientCall *self)
{
  self->running = TRUE;

  if (self->limits->total_timeout > 0)
    {
      self->deadline_timer = g_new0 (ResilientTimer, 1);
      resilient_timer_queue_set (resilient_scheduler_get_timers (self->scheduler),
                                 self->deadline_timer,
                                 resilient_call_get_deadline (self),
                                 deadline_cb,
                                 self);
    }

  if (self->turn->admitted)
    resilient_call_begin_attempt (self);
  else
    wait_in_queue (self);
}

static void
admitted (ResilientCall *self)
{
  self->turn->admitted = TRUE;

  if (self->state == RESILIENT_CALL_STATE_DONE)
    {
      resilient_turn_leave (g_steal_pointer (&self->turn));
      return;
    }

  resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler), &self->timer);
  resilient_call_begin_attempt (self);
}

void
resilient_call_run (ResilientCall *self, guint bits)
{
  if (!self->running && !(bits & RESILIENT_WORK_START))
    {
      /* Cancelled, or admitted, while the starting thread is still at it. */
      g_mutex_lock (&self->lock);
      self->work_bits |= bits;
      g_mutex_unlock (&self->lock);
      return;
    }

  if (self->state != RESILIENT_CALL_STATE_DONE && bits & RESILIENT_WORK_CANCEL)
    {
      end_interrupted (self);
      self->running = TRUE;
    }

  if (bits & RESILIENT_WORK_START && self->state != RESILIENT_CALL_STATE_DONE)
    start (self);
  self->running = TRUE;

  if (bits & RESILIENT_WORK_ADMITTED)
    admitted (self);

  if (self->state == RESILIENT_CALL_STATE_WAITING
      && bits & (RESILIENT_WORK_RETRY_NOW | RESILIENT_WORK_SPREAD))
    {
      resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler), &self->timer);
      resilient_call_unpark (self);
      if (bits & RESILIENT_WORK_RETRY_NOW)
        wake (self);
      else
        sleep_until (
          self,
          resilient_clock_add (resilient_clock_get_boot (), resilient_random_range (0, SPREAD)));
    }

  if (bits & RESILIENT_WORK_PRIORITY && self->turn != NULL)
    resilient_gate_set_priority (
      self->engine->gate, &self->turn->waiter, resilient_call_get_priority (self));

  if (bits & RESILIENT_WORK_COMPLETE)
    resilient_call_complete (self);
}
