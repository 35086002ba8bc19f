/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"

/* How the end of a call is waited for, from any thread. */

/* Who waits for a call. */
typedef struct
{
  GTask *task;         /* owned; whoever takes it from the call's list returns it */
  ResilientCall *call; /* owned */
  gboolean want_result;
  GSource *source;      /* of the waiter's own cancellable; owned, nullable */
  ResilientTimer timer; /* of the waiter's own time-out, on the driver's alarm */
} CallTask;

static void
call_task_free (gpointer data)
{
  CallTask *waiting = data;

  g_clear_pointer (&waiting->source, g_source_unref);
  g_object_unref (waiting->task);
  g_object_unref (waiting->call);
}

/* References: the list's, the source's and the timer's. */
static void
call_task_unref (gpointer waiting)
{
  g_atomic_rc_box_release_full (waiting, call_task_free);
}

/* What might still end the waiting does not any more. */
static void
call_task_disarm (CallTask *waiting)
{
  if (waiting->source != NULL)
    g_source_destroy (waiting->source);
  if (resilient_alarm_clear (resilient_driver_get_alarm (waiting->call->driver), &waiting->timer))
    call_task_unref (waiting);
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

void
resilient_call_complete (ResilientCall *self)
{
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GTask) task = NULL;
  CallTask *waiting = NULL;
  GCond *done_cond;
  gulong cancelled_id;
  gboolean more;

  g_mutex_lock (&self->lock);
  task = g_steal_pointer (&self->task);
  if (task == NULL && self->tasks != NULL)
    waiting = g_queue_pop_head (self->tasks);
  more = has_tasks (self);
  cancellable = g_steal_pointer (&self->cancellable);
  cancelled_id = self->cancelled_id;
  self->cancelled_id = 0;
  done_cond = self->done_cond;
  g_mutex_unlock (&self->lock);

  /* It stays until we are finalised. */
  if (done_cond != NULL)
    g_cond_broadcast (done_cond);
  /* Once for all that ended before this piece of work got its turn. */
  resilient_recorder_wake (self->core->recorder);

  /* Not g_cancellable_disconnect(): it would wait for a handler that may be what runs us, in a
   * nested loop. The handler's data is a reference, so it may well run on meanwhile. */
  if (cancelled_id != 0)
    g_signal_handler_disconnect (cancellable, cancelled_id);

  /* Before the callback: a nested loop in it goes on with the rest. */
  if (more)
    resilient_call_post (self, RESILIENT_WORK_COMPLETE);

  if (task != NULL)
    return_task (self, task, self->task_wants_result);
  if (waiting != NULL)
    {
      call_task_disarm (waiting);
      return_task (self, waiting->task, waiting->want_result);
      call_task_unref (waiting);
    }
}

static gboolean
take_from_list (CallTask *waiting)
{
  ResilientCall *self = waiting->call;
  gboolean removed;

  g_mutex_lock (&self->lock);
  removed = g_queue_remove (self->tasks, waiting);
  g_mutex_unlock (&self->lock);

  return removed;
}

static gboolean
waiter_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  CallTask *waiting = user_data;

  if (take_from_list (waiting))
    {
      call_task_disarm (waiting);
      g_task_return_error_if_cancelled (waiting->task);
      call_task_unref (waiting);
    }

  return G_SOURCE_REMOVE;
}

static void
waiter_timeout_cb (gpointer data)
{
  CallTask *waiting = data;

  if (take_from_list (waiting))
    {
      call_task_disarm (waiting);
      g_task_return_new_error (waiting->task,
                               G_IO_ERROR,
                               G_IO_ERROR_TIMED_OUT,
                               _ ("The request has not ended in the time given for waiting"));
      call_task_unref (waiting);
    }
  call_task_unref (waiting);
}

void
resilient_call_add_task (ResilientCall *self,
                         GTask *task,
                         gboolean want_result,
                         double timeout,
                         GCancellable *cancellable)
{
  g_autoptr (GSource) source = NULL;
  CallTask *waiting;

  /* Made outside of the lock, as it may take the cancellable's, under which our handler of
   * "cancelled" wants this one. */
  if (cancellable != NULL)
    source = g_cancellable_source_new (cancellable);

  g_mutex_lock (&self->lock);
  /* Until the callbacks that wait already were called, also a late one waits its turn. */
  if (self->state == RESILIENT_CALL_STATE_DONE && !has_tasks (self))
    {
      g_mutex_unlock (&self->lock);
      return_task (self, task, want_result);
      g_object_unref (task);
      return;
    }

  if (!has_tasks (self) && timeout < 0 && source == NULL)
    {
      self->task = task;
      self->task_wants_result = want_result;
      g_mutex_unlock (&self->lock);
      return;
    }

  waiting = g_atomic_rc_box_new0 (CallTask);
  waiting->task = task;
  waiting->call = g_object_ref (self);
  waiting->want_result = want_result;
  if (self->tasks == NULL)
    self->tasks = g_queue_new ();
  g_queue_push_tail (self->tasks, waiting);
  if (timeout >= 0)
    resilient_alarm_set (resilient_driver_get_alarm (self->driver),
                         &waiting->timer,
                         resilient_clock_add (resilient_clock_get_boot (), timeout),
                         waiter_timeout_cb,
                         g_atomic_rc_box_acquire (waiting));
  if (source != NULL)
    {
      waiting->source = g_steal_pointer (&source);
      g_source_set_callback (waiting->source,
                             G_SOURCE_FUNC (waiter_cancelled_cb),
                             g_atomic_rc_box_acquire (waiting),
                             call_task_unref);
      g_source_attach (waiting->source, g_task_get_context (task));
    }
  g_mutex_unlock (&self->lock);
}

void
resilient_call_block (ResilientCall *self)
{
  g_mutex_lock (&self->lock);
  if (self->state != RESILIENT_CALL_STATE_DONE)
    {
      g_assert (self->done_cond == NULL);
      self->done_cond = g_new (GCond, 1);
      g_cond_init (self->done_cond);
    }
  while (self->state != RESILIENT_CALL_STATE_DONE)
    g_cond_wait (self->done_cond, &self->lock);
  g_mutex_unlock (&self->lock);
}
