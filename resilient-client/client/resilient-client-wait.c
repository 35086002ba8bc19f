/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-completion-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Waiting for results, and cancelling. */

/**
 * resilient_client_wait_result_async:
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
resilient_client_wait_result_async (ResilientClient *self,
                                    const char *request_id,
                                    double timeout,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCall) call = NULL;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (request_id != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_wait_result_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  g_task_set_check_cancellable (task, FALSE);

  call = resilient_engine_find_call (self->engine, request_id);
  if (call != NULL)
    {
      resilient_call_add_task (call, task, TRUE, timeout, cancellable);
    }
  else
    {
      /* It is in the store before it leaves the live ones. */
      ResilientResult *result = resilient_recorder_get_result (self->engine->recorder, request_id);

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
 * resilient_client_wait_result_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.wait_result_async].
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
resilient_client_wait_result_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_client_wait_result_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Two references to the completion: the engine's until no call is live, and the caller's. */
typedef struct
{
  ResilientClient *client;
  GPtrArray *calls;                /* live when the waiting began: their results may not be kept */
  ResilientCompletion *completion; /* the engine's reference to us */
} WaitAll;

static void
wait_all_free (gpointer data)
{
  WaitAll *wait = data;

  g_object_unref (wait->client);
  g_ptr_array_unref (wait->calls);
  g_free (wait);
}

static GPtrArray *
list_all (WaitAll *wait)
{
  GPtrArray *results = resilient_recorder_list_results (wait->client->engine->recorder);
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < results->len; i++)
    g_hash_table_add (known, (gpointer) resilient_result_get_request_id (results->pdata[i]));
  for (guint i = 0; i < wait->calls->len; i++)
    {
      if (!g_hash_table_contains (known, resilient_call_get_request_id (wait->calls->pdata[i])))
        g_ptr_array_add (results, resilient_call_get_result (wait->calls->pdata[i]));
    }

  return results;
}

static void
all_ended_cb (gpointer data)
{
  WaitAll *wait = data;
  g_autoptr (ResilientCompletion) completion = wait->completion;
  g_autoptr (GTask) task = resilient_completion_take (completion);

  if (task != NULL)
    g_task_return_pointer (task, list_all (wait), (GDestroyNotify) g_ptr_array_unref);
}

static void
stopped_waiting_cb (ResilientCompletion *completion, gpointer data)
{
  WaitAll *wait = data;

  if (resilient_engine_withdraw_idle (wait->client->engine, wait))
    resilient_completion_unref (completion);
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
  g_autoptr (GError) foreign = NULL;
  g_autoptr (ResilientCompletion) completion = NULL;
  WaitAll *wait;
  GTask *task;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_client_wait_all_async);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  if (resilient_engine_is_foreign (self->engine, &foreign))
    {
      g_task_return_error (task, g_steal_pointer (&foreign));
      g_object_unref (task);
      return;
    }
  wait = g_new (WaitAll, 1);
  wait->client = g_object_ref (self);
  wait->calls = resilient_engine_list_calls (self->engine, NULL);
  wait->completion = resilient_completion_new (task, stopped_waiting_cb, wait, wait_all_free);
  completion = resilient_completion_ref (wait->completion);

  resilient_engine_when_idle (self->engine, all_ended_cb, wait);
  resilient_completion_arm (completion, cancellable, -1, NULL);
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

  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  calls = resilient_engine_list_calls (self->engine, request_id);
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

  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  calls = resilient_engine_list_calls (self->engine, NULL);
  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
}
