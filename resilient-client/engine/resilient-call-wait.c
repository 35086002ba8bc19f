/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-i18n-private.h"

/* How the end of a call is waited for, from any thread. */

/* So long the scheduler has, after a cancel or the total deadline, to end a call that blocks a
 * thread, and after the end to give its slot back: many times what it needs unless something keeps
 * its thread, such as a callback of the app's. */
#define SCHEDULER_PATIENCE (G_USEC_PER_SEC / 10)

/* Who waits for a call, with a completion of its own. */
typedef struct
{
  ResilientCompletion *completion; /* owned by the call's list, in which this is */
  ResilientCall *call;             /* owned */
  gboolean want_result;
} CallTask;

static void
call_task_free (gpointer data)
{
  CallTask *waiting = data;

  g_object_unref (waiting->call);
  g_free (waiting);
}

ResilientResponse *
resilient_call_take_response (ResilientCall *self, GError **error)
{
  ResilientResponse *response = resilient_result_get_response (self->result);

  if (response != NULL)
    return resilient_response_ref (response);

  g_propagate_error (error, g_error_copy (resilient_result_get_error (self->result)));
  return NULL;
}

static void
return_task (ResilientCall *self, GTask *task, gboolean want_result)
{
  GError *error = NULL;

  if (want_result)
    {
      g_task_return_pointer (
        task, resilient_result_ref (self->result), (GDestroyNotify) resilient_result_unref);
    }
  else
    {
      ResilientResponse *response = resilient_call_take_response (self, &error);

      if (response != NULL)
        g_task_return_pointer (task, response, (GDestroyNotify) resilient_response_unref);
      else
        g_task_return_error (task, error);
    }
}

static gboolean
has_tasks (ResilientCall *self)
{
  return self->task != NULL || (self->tasks != NULL && !g_queue_is_empty (self->tasks));
}

/* The oldest who still waits, with what it is to be given. */
static GTask *
take_oldest (ResilientCall *self, gboolean *want_result, gboolean *more)
{
  GTask *task;

  do
    {
      CallTask *waiting = NULL;

      g_mutex_lock (&self->lock);
      task = g_steal_pointer (&self->task);
      *want_result = self->task_wants_result;
      if (task == NULL && self->tasks != NULL)
        waiting = g_queue_pop_head (self->tasks);
      *more = has_tasks (self);
      g_mutex_unlock (&self->lock);

      if (waiting != NULL)
        {
          g_autoptr (ResilientCompletion) completion = waiting->completion;

          *want_result = waiting->want_result;
          task = resilient_completion_take (completion);
        }
    }
  while (task == NULL && *more);

  return task;
}

void
resilient_call_complete (ResilientCall *self)
{
  gboolean want_result, more;
  g_autoptr (GTask) task = take_oldest (self, &want_result, &more);
  g_autoptr (GCancellable) cancellable = NULL;
  gulong cancelled_id;

  g_mutex_lock (&self->lock);
  cancellable = g_steal_pointer (&self->cancellable);
  cancelled_id = self->cancelled_id;
  self->cancelled_id = 0;
  g_mutex_unlock (&self->lock);

  /* Once for all that ended before this piece of work got its turn. */
  resilient_recorder_wake (self->engine->recorder);

  /* Not g_cancellable_disconnect(): it would wait for a handler that may be what runs us, in a
   * nested loop. The handler's data is a reference, so it may well run on meanwhile. */
  if (cancelled_id != 0)
    g_signal_handler_disconnect (cancellable, cancelled_id);

  /* Before the callback: a nested loop in it goes on with the rest. */
  if (more)
    resilient_call_post (self, RESILIENT_WORK_COMPLETE);

  if (task != NULL)
    return_task (self, task, want_result);
}

static void
stopped_waiting_cb (ResilientCompletion *completion, gpointer data)
{
  CallTask *waiting = data;
  ResilientCall *self = waiting->call;
  gboolean removed;

  g_mutex_lock (&self->lock);
  removed = g_queue_remove (self->tasks, waiting);
  g_mutex_unlock (&self->lock);

  if (removed)
    resilient_completion_unref (completion);
}

void
resilient_call_add_task (ResilientCall *self,
                         GTask *task,
                         gboolean want_result,
                         double timeout,
                         GCancellable *cancellable)
{
  g_autoptr (ResilientCompletion) completion = NULL;
  gboolean own_end = timeout >= 0 || cancellable != NULL;
  CallTask *waiting;

  g_mutex_lock (&self->lock);
  /* Until the callbacks that wait already were called, also a late one waits its turn. */
  if (self->state == RESILIENT_CALL_STATE_DONE && !has_tasks (self))
    {
      g_mutex_unlock (&self->lock);
      return_task (self, task, want_result);
      g_object_unref (task);
      return;
    }

  if (!has_tasks (self) && !own_end)
    {
      self->task = task;
      self->task_wants_result = want_result;
      g_mutex_unlock (&self->lock);
      return;
    }

  waiting = g_new (CallTask, 1);
  waiting->call = g_object_ref (self);
  waiting->want_result = want_result;
  waiting->completion =
    resilient_completion_new (task, stopped_waiting_cb, waiting, call_task_free);
  completion = resilient_completion_ref (waiting->completion);
  if (self->tasks == NULL)
    self->tasks = g_queue_new ();
  g_queue_push_tail (self->tasks, waiting);
  g_mutex_unlock (&self->lock);

  /* Outside of the lock, which those who end the call take while a cancellable calls its
   * handlers. */
  if (own_end)
    resilient_completion_arm (completion,
                              cancellable,
                              timeout,
                              _ ("The request has not ended in the time given for waiting"));
}

GError *
resilient_call_make_interruption (ResilientCall *self,
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

/* TRUE: there is a reason not to wait for the scheduler any more, unless it is at the end
 * already. */
static gboolean
is_overdue_locked (ResilientCall *self, gint64 deadline)
{
  return !self->ending
         && (self->cancel_cause != RESILIENT_CANCEL_NONE
             || (deadline != 0 && deadline <= resilient_clock_get_boot ()));
}

/* FALSE: the scheduler had its time, and the call is given up. The time is real even where the
 * clock is not: it is threads that are waited for. */
static gboolean
wait_for_scheduler_locked (ResilientCall *self, gint64 *give_up)
{
  if (*give_up == 0)
    *give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;
  if (g_cond_wait_until (self->done_cond, &self->lock, *give_up))
    return TRUE;
  if (self->ending || self->state == RESILIENT_CALL_STATE_DONE)
    return TRUE;

  self->given_up = TRUE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = RESILIENT_CANCEL_BY_DEADLINE;
  return FALSE;
}

/* It has ended, and its slot goes back at once. Where nobody may wait for one, the next call of
 * this thread would be refused before that. */
static void
wait_for_slot_locked (ResilientCall *self)
{
  gint64 give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;

  while (self->slot_due && g_cond_wait_until (self->done_cond, &self->lock, give_up))
    ;
}

ResilientResponse *
resilient_call_block (ResilientCall *self, GError **error)
{
  gint64 deadline = resilient_call_get_deadline (self);
  gint64 give_up = 0;
  gboolean waiting = TRUE, may_queue;

  g_mutex_lock (&self->engine->lock);
  may_queue = self->engine->settings.max_pending > 0;
  g_mutex_unlock (&self->engine->lock);

  g_mutex_lock (&self->lock);
  g_assert (self->done_cond == NULL);
  self->done_cond = g_new (GCond, 1);
  g_cond_init (self->done_cond);
  while (waiting && self->state != RESILIENT_CALL_STATE_DONE)
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

  if (!waiting)
    {
      ResilientResultStatus status;
      ResilientFailure failure;
      ResilientReason reason;

      g_propagate_error (error,
                         resilient_call_make_interruption (self, &status, &failure, &reason));
      resilient_call_post (self, RESILIENT_WORK_CANCEL);
      return NULL;
    }

  return resilient_call_take_response (self, error);
}
