/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-soup-transport-private.h"

/* A closing goes on when nobody waits for it any more. References: the engine's until no call is
 * live, and that of the end of the grace. */
typedef struct
{
  ResilientClient *client;
  ResilientCompletion *completion;
  /* Of the grace: in the context of who closes, as nobody might turn the home context. */
  ResilientTimerQueue *timers;
  ResilientTimer timer;
} Close;

static void
close_free (gpointer data)
{
  Close *close = data;

  g_object_unref (close->client);
  resilient_completion_unref (close->completion);
  resilient_timer_queue_unref (close->timers);
}

static void
close_unref (gpointer close)
{
  g_atomic_rc_box_release_full (close, close_free);
}

static void
cancel_rest (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = resilient_engine_list_calls (self->engine, NULL);

  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel_for (calls->pdata[i], RESILIENT_CANCEL_BY_CLOSE);
}

static void
grace_over_cb (gpointer data)
{
  Close *close = data;

  cancel_rest (close->client);
  close_unref (close);
}

static void
abort_session_cb (gpointer session)
{
  soup_session_abort (session);
}

static void
abort_transport_cb (gpointer transport)
{
  resilient_soup_transport_abort (transport, g_main_context_get_thread_default ());
}

/* What is idle is closed in the context that drives it; of a session that two drive, it is left to
 * its idle time-out. */
static void
drop_connections (ResilientEngine *engine)
{
  g_autoptr (ResilientTransport) transport = resilient_engine_dup_transport (engine);
  g_autoptr (ResilientScheduler) io = NULL;
  g_autoptr (SoupSession) session = NULL;

  g_mutex_lock (&engine->lock);
  if (engine->io != NULL)
    io = resilient_scheduler_ref (engine->io);
  else if (engine->own_session && engine->session != NULL)
    session = g_object_ref (engine->session);
  g_mutex_unlock (&engine->lock);

  if (session != NULL)
    resilient_scheduler_invoke (
      engine->home, abort_session_cb, g_steal_pointer (&session), g_object_unref);
  resilient_scheduler_invoke (engine->home,
                              abort_transport_cb,
                              resilient_transport_ref (transport),
                              (GDestroyNotify) resilient_transport_unref);
  if (io != NULL)
    resilient_scheduler_invoke (io,
                                abort_transport_cb,
                                g_steal_pointer (&transport),
                                (GDestroyNotify) resilient_transport_unref);
}

static void
all_ended_cb (gpointer data)
{
  Close *close = data;
  ResilientEngine *engine = close->client->engine;
  g_autoptr (GTask) task = NULL;

  if (resilient_timer_queue_clear (close->timers, &close->timer))
    close_unref (close);
  drop_connections (engine);

  task = resilient_completion_take (close->completion);
  if (task != NULL)
    g_task_return_boolean (task, TRUE);

  close_unref (close);
}

/**
 * resilient_client_close_async:
 * @self: a client
 * @grace: seconds for which live requests may still run; 0 or less cancels them now
 * @cancellable: (nullable): ends the waiting, not the closing
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Closes the client: from now on new requests are refused with %RESILIENT_CLIENT_ERROR_CLOSED.
 *
 * Live requests may end for @grace seconds, without another retry for what fails meanwhile; then
 * the rest is cancelled, which gives their callers %G_IO_ERROR_CANCELLED. Everything is recorded,
 * subscriptions end after the last event, then this completes. Closing again is fine, also to
 * shorten the grace.
 *
 * Since: 1.0
 */
void
resilient_client_close_async (ResilientClient *self,
                              double grace,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCompletion) completion = NULL;
  Close *close;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_close_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  completion = resilient_completion_new (task, NULL, NULL, NULL);
  close = g_atomic_rc_box_new0 (Close);
  close->client = g_object_ref (self);
  close->completion = resilient_completion_ref (completion);
  close->timers = resilient_timer_queue_get (g_task_get_context (task));

  if (resilient_engine_close (self->engine))
    resilient_client_counts_changed (self);

  if (grace > 0)
    resilient_timer_queue_set (close->timers,
                               &close->timer,
                               resilient_clock_add (resilient_clock_get_boot (), grace),
                               grace_over_cb,
                               g_atomic_rc_box_acquire (close));
  else
    cancel_rest (self);

  resilient_engine_when_idle (self->engine, all_ended_cb, close);
  resilient_completion_arm (completion, cancellable, -1, NULL);
}

/**
 * resilient_client_close_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.close_async].
 *
 * Returns: %TRUE when no request is alive any more; %FALSE with %G_IO_ERROR_CANCELLED
 *
 * Since: 1.0
 */
gboolean
resilient_client_close_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_close_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
