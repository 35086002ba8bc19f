/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-clock-private.h"

/* Shared by who may end the closing first: the last call, or the cancellable; and by the end of the
 * grace. */
typedef struct
{
  GTask *task;
  GSource *source; /* nullable */
  ResilientTimer timer;
  int returned; /* atomic */
} Close;

static void
close_free (gpointer data)
{
  Close *close = data;

  g_object_unref (close->task);
  g_clear_pointer (&close->source, g_source_unref);
}

static void
close_unref (gpointer close)
{
  g_atomic_rc_box_release_full (close, close_free);
}

static void
cancel_rest (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = resilient_core_list_calls (self->core, NULL);

  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel_for (calls->pdata[i], RESILIENT_CANCEL_BY_CLOSE);
}

static void
grace_over_cb (gpointer data)
{
  Close *close = data;

  cancel_rest (g_task_get_source_object (close->task));
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
drop_connections (ResilientCore *core)
{
  g_autoptr (ResilientTransport) transport = resilient_core_dup_transport (core);
  g_autoptr (ResilientDriver) io = NULL;
  g_autoptr (SoupSession) session = NULL;

  g_mutex_lock (&core->lock);
  if (core->io != NULL)
    io = resilient_driver_ref (core->io);
  else if (core->own_session && core->session != NULL)
    session = g_object_ref (core->session);
  g_mutex_unlock (&core->lock);

  if (session != NULL)
    resilient_driver_invoke (
      core->home, abort_session_cb, g_steal_pointer (&session), g_object_unref);
  resilient_driver_invoke (core->home,
                           abort_transport_cb,
                           resilient_transport_ref (transport),
                           (GDestroyNotify) resilient_transport_unref);
  if (io != NULL)
    resilient_driver_invoke (io,
                             abort_transport_cb,
                             g_steal_pointer (&transport),
                             (GDestroyNotify) resilient_transport_unref);
}

static void
all_ended_cb (gpointer data)
{
  Close *close = data;
  ResilientClient *self = g_task_get_source_object (close->task);

  if (resilient_alarm_clear (resilient_driver_get_alarm (self->core->home), &close->timer))
    close_unref (close);
  drop_connections (self->core);

  if (g_atomic_int_compare_and_exchange (&close->returned, FALSE, TRUE))
    {
      if (close->source != NULL)
        g_source_destroy (close->source);
      g_task_return_boolean (close->task, TRUE);
    }

  close_unref (close);
}

static gboolean
close_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Close *close = user_data;

  if (g_atomic_int_compare_and_exchange (&close->returned, FALSE, TRUE))
    g_task_return_error_if_cancelled (close->task);

  return G_SOURCE_REMOVE;
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
  Close *close;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  close = g_atomic_rc_box_new0 (Close);
  close->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (close->task, resilient_client_close_async);
  g_task_set_check_cancellable (close->task, FALSE);

  if (resilient_core_close (self->core))
    resilient_client_counts_changed (self);

  if (grace > 0)
    resilient_alarm_set (resilient_driver_get_alarm (self->core->home),
                         &close->timer,
                         resilient_clock_add (resilient_clock_get_boot (), grace),
                         grace_over_cb,
                         g_atomic_rc_box_acquire (close));
  else
    cancel_rest (self);

  if (cancellable != NULL)
    {
      close->source = g_cancellable_source_new (cancellable);
      g_source_set_callback (close->source,
                             G_SOURCE_FUNC (close_cancelled_cb),
                             g_atomic_rc_box_acquire (close),
                             close_unref);
      g_source_attach (close->source, g_task_get_context (close->task));
    }
  resilient_core_when_idle (self->core, all_ended_cb, close);
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
