/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "resilient-clock-private.h"

/* What an app does with a call; any thread. */

/**
 * resilient_call_set_priority:
 * @self: a call
 * @priority: any number, like %G_PRIORITY_HIGH or %G_PRIORITY_LOW; lower goes first
 *
 * Sets the priority; a call that waits for a slot moves at once.
 *
 * Since: 1.0
 */
void
resilient_call_set_priority (ResilientCall *self, int priority)
{
  gboolean changed = FALSE;

  g_return_if_fail (RESILIENT_IS_CALL (self));

  resilient_call_lock (self);
  if (self->priority != priority)
    {
      self->priority = priority;
      if (self->engine != NULL)
        {
          resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_PRIORITY);
          changed = TRUE;
        }
    }
  resilient_call_unlock (self);

  if (changed)
    resilient_call_post (self, RESILIENT_WORK_PRIORITY);
}

/**
 * resilient_call_get_delay_left:
 * @self: a call
 *
 * Gets how long the call will still sleep before its next attempt.
 *
 * While the network monitor says that the machine is offline a sleep goes on past its end, and this
 * is 0.
 *
 * Returns: seconds; 0 when it does not sleep
 *
 * Since: 1.0
 */
double
resilient_call_get_delay_left (ResilientCall *self)
{
  gint64 left = 0;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  if (self->state == RESILIENT_CALL_STATE_WAITING)
    left =
      resilient_timer_queue_get_due (resilient_scheduler_get_timers (self->scheduler), &self->timer)
      - resilient_clock_get_boot ();
  resilient_call_unlock (self);

  return resilient_clock_to_seconds (MAX (left, 0));
}

/**
 * resilient_call_retry_now:
 * @self: a call
 *
 * Ends the sleep before the next attempt: what a "Retry now" button does.
 *
 * The attempt counts like any other. It may still have to wait for a slot.
 *
 * Returns: %TRUE if the call slept, in the state %RESILIENT_CALL_STATE_WAITING
 *
 * Since: 1.0
 */
gboolean
resilient_call_retry_now (ResilientCall *self)
{
  gboolean waiting;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), FALSE);

  resilient_call_lock (self);
  waiting = self->state == RESILIENT_CALL_STATE_WAITING;
  resilient_call_unlock (self);

  if (waiting)
    resilient_call_post (self, RESILIENT_WORK_RETRY_NOW);

  return waiting;
}

/**
 * resilient_call_cancel:
 * @self: a call
 *
 * Cancels the call: it ends with %G_IO_ERROR_CANCELLED in the next turn of its context, wherever it
 * stands. Does nothing once it is done.
 *
 * Since: 1.0
 */
void
resilient_call_cancel (ResilientCall *self)
{
  g_return_if_fail (RESILIENT_IS_CALL (self));
  g_return_if_fail (self->engine != NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  resilient_call_cancel_for (self, RESILIENT_CANCEL_BY_CALLER);
}

/**
 * resilient_call_wait_async:
 * @self: a call
 * @cancellable: (nullable): ends the waiting, not the call
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits for the end of the call. Any number may wait, also after the end.
 *
 * Since: 1.0
 */
void
resilient_call_wait_async (ResilientCall *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CALL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  g_return_if_fail (self->engine != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_call_wait_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  g_task_set_check_cancellable (task, FALSE);
  resilient_call_add_task (self, task, FALSE, -1, cancellable);
}

/**
 * resilient_call_wait_finish:
 * @self: a call
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Call.wait_async].
 *
 * Fails as [method@Client.send_finish] does, and with %G_IO_ERROR_CANCELLED when the waiting was
 * cancelled.
 *
 * Returns: (transfer full): the response, of any status, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_call_wait_finish (ResilientCall *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_call_wait_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
