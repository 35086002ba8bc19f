/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Waiting for results, and cancelling. */

/**
 * resilient_client_wait_async:
 * @self: a client
 * @request_id: the id of a request, live or ended
 * @timeout: seconds to wait at most; less than 0 = no limit
 * @cancellable: (nullable): ends the waiting, not the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits for the newest request of that id to end. Completes at once if it has, or if no request of
 * that id is known.
 *
 * Since: 1.0
 */
void
resilient_client_wait_async (ResilientClient *self,
                             const char *request_id,
                             double timeout,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (ResilientCall) call = NULL;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (request_id != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_wait_async);
  g_task_set_check_cancellable (task, FALSE);

  call = resilient_core_find_call (self->core, request_id);
  if (call != NULL)
    {
      resilient_call_add_task (call, task, TRUE, timeout, cancellable);
    }
  else
    {
      /* It is in the store before it leaves the live ones. */
      ResilientResult *result = resilient_recorder_get_result (self->core->recorder, request_id);

      if (result != NULL)
        g_task_return_pointer (task, result, (GDestroyNotify) resilient_result_unref);
      else
        g_task_return_new_error (task,
                                 RESILIENT_CLIENT_ERROR,
                                 RESILIENT_CLIENT_ERROR_NOT_FOUND,
                                 _ ("No request with the id “%s” is known"),
                                 request_id);
      g_object_unref (task);
    }
}

/**
 * resilient_client_wait_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.wait_async].
 *
 * Fails with %RESILIENT_CLIENT_ERROR_NOT_FOUND for an id that is not known (any more),
 * %G_IO_ERROR_TIMED_OUT when the time is over, and %G_IO_ERROR_CANCELLED. That the request failed
 * is no error here: the result says so.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResult *
resilient_client_wait_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_wait_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Shared by who may end the waiting first: the last call, or the cancellable. */
typedef struct
{
  GTask *task;
  GPtrArray *calls; /* live when the waiting began: their results may not be kept */
  GSource *source;  /* nullable */
  int returned;     /* atomic */
} WaitAll;

static void
wait_all_free (gpointer data)
{
  WaitAll *wait = data;

  g_object_unref (wait->task);
  g_ptr_array_unref (wait->calls);
  g_clear_pointer (&wait->source, g_source_unref);
}

static void
wait_all_unref (gpointer wait)
{
  g_atomic_rc_box_release_full (wait, wait_all_free);
}

static void
all_ended_cb (gpointer data)
{
  WaitAll *wait = data;
  ResilientClient *self = g_task_get_source_object (wait->task);

  if (g_atomic_int_compare_and_exchange (&wait->returned, FALSE, TRUE))
    {
      GPtrArray *results = resilient_recorder_list_results (self->core->recorder);
      g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

      for (guint i = 0; i < results->len; i++)
        g_hash_table_add (known, (gpointer) resilient_result_get_request_id (results->pdata[i]));
      for (guint i = 0; i < wait->calls->len; i++)
        {
          if (!g_hash_table_contains (known, resilient_call_get_request_id (wait->calls->pdata[i])))
            g_ptr_array_add (results, resilient_call_get_result (wait->calls->pdata[i]));
        }

      if (wait->source != NULL)
        g_source_destroy (wait->source);
      g_task_return_pointer (wait->task, results, (GDestroyNotify) g_ptr_array_unref);
    }

  wait_all_unref (wait);
}

static gboolean
wait_all_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  WaitAll *wait = user_data;

  if (g_atomic_int_compare_and_exchange (&wait->returned, FALSE, TRUE))
    g_task_return_error_if_cancelled (wait->task);

  return G_SOURCE_REMOVE;
}

/**
 * resilient_client_wait_all_async:
 * @self: a client
 * @cancellable: (nullable): ends the waiting, not the requests
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Waits until no request is alive and everything is recorded. It does not wait for signals to be
 * delivered.
 *
 * Since: 1.0
 */
void
resilient_client_wait_all_async (ResilientClient *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  WaitAll *wait;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  wait = g_atomic_rc_box_new0 (WaitAll);
  wait->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (wait->task, resilient_client_wait_all_async);
  g_task_set_check_cancellable (wait->task, FALSE);
  wait->calls = resilient_core_list_calls (self->core, NULL);

  if (cancellable != NULL)
    {
      wait->source = g_cancellable_source_new (cancellable);
      g_source_set_callback (wait->source,
                             G_SOURCE_FUNC (wait_all_cancelled_cb),
                             g_atomic_rc_box_acquire (wait),
                             wait_all_unref);
      g_source_attach (wait->source, g_task_get_context (wait->task));
    }
  resilient_core_when_idle (self->core, all_ended_cb, wait);
}

/**
 * resilient_client_wait_all_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.wait_all_async].
 *
 * Returns: (transfer container) (element-type ResilientResult): the results that are kept, oldest
 * first, and those of requests that were waited for but whose results are not kept; or %NULL with
 * %G_IO_ERROR_CANCELLED
 *
 * Since: 1.0
 */
GPtrArray *
resilient_client_wait_all_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_wait_all_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_client_cancel:
 * @self: a client
 * @request_id: an id
 *
 * Cancels every live request of that id; see [method@Call.cancel].
 *
 * Returns: how many there were
 *
 * Since: 1.0
 */
guint
resilient_client_cancel (ResilientClient *self, const char *request_id)
{
  g_autoptr (GPtrArray) calls = NULL;
  guint n = 0;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  g_return_val_if_fail (request_id != NULL, 0);

  calls = resilient_core_list_calls (self->core, request_id);
  for (guint i = 0; i < calls->len; i++)
    n += resilient_call_cancel_for (calls->pdata[i], RESILIENT_CANCEL_BY_CALLER);

  return n;
}

/**
 * resilient_client_cancel_all:
 * @self: a client
 *
 * Cancels every live request; see [method@Call.cancel]. Later ones are not affected.
 *
 * Since: 1.0
 */
void
resilient_client_cancel_all (ResilientClient *self)
{
  g_autoptr (GPtrArray) calls = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  calls = resilient_core_list_calls (self->core, NULL);
  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
}
