/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Starting requests, and the settings that are not plain numbers. */

/* NULL with @error when there is nobody to drive it. */
static ResilientCall *
try_start (ResilientClient *self,
           ResilientFrozenRequest *frozen,
           const GError *frozen_error,
           ResilientRequestContext *context,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (ResilientScheduler) scheduler = NULL;
  g_autoptr (GError) foreign = NULL;

  if (resilient_engine_is_foreign (self->engine, &foreign))
    return resilient_call_new_foreign (self->engine, foreign);
  if (frozen == NULL)
    return resilient_call_new_refused (self->engine, frozen_error);

  scheduler = resilient_engine_dup_scheduler (self->engine, error);
  if (scheduler == NULL)
    return NULL;
  return resilient_call_start (self->engine, scheduler, frozen, context, cancellable);
}

ResilientCall *
resilient_client_start_frozen (ResilientClient *self,
                               ResilientFrozenRequest *frozen,
                               const GError *frozen_error,
                               ResilientRequestContext *context,
                               GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  ResilientCall *call = try_start (self, frozen, frozen_error, context, cancellable, &error);

  return call != NULL ? call : resilient_call_new_refused (self->engine, error);
}

void
resilient_client_send_frozen (ResilientClient *self,
                              ResilientFrozenRequest *frozen,
                              const GError *frozen_error,
                              ResilientRequestContext *context,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data,
                              gpointer tag)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  /* The function: the macro would give each task a name, in a block of its own, and that name were
   * “tag”. */
  (g_task_set_source_tag) (task, tag);
  g_task_set_priority (task, resilient_engine_get_source_priority (self->engine));
  /* What the callback gets is what was recorded: a cancel that comes after the end changes
   * neither. */
  g_task_set_check_cancellable (task, FALSE);

  call = try_start (self, frozen, frozen_error, context, cancellable, &error);
  if (call == NULL)
    {
      resilient_recorder_refused (self->engine->recorder);
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  resilient_call_add_task (call, task, FALSE, -1, NULL);
}

void
resilient_client_send_verb (ResilientClient *self,
                            const char *method,
                            const char *uri,
                            const char *content_type,
                            GBytes *body,
                            ResilientRequestContext *context,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data,
                            gpointer tag)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (uri != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  frozen = resilient_frozen_request_new (method, uri, &error);
  if (frozen != NULL && body != NULL)
    resilient_frozen_request_set_body (frozen, content_type, body);
  resilient_client_send_frozen (
    self, frozen, error, context, cancellable, callback, user_data, tag);
}

ResilientResponse *
resilient_client_finish_response (ResilientClient *self,
                                  GAsyncResult *result,
                                  gpointer tag,
                                  GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_client_start:
 * @self: a client
 * @request: what is sent and how; taken as it is now, later changes touch later sends only
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request, from any thread, as [method@Call.cancel] does
 *
 * Starts a request and returns it as a live call.
 *
 * The context is never changed and starts at attempt 0. A request that is refused (not valid, too
 * many waiting, client closed) gives a call that is done: [method@Call.wait_async] tells its
 * error. With a @cancellable that is cancelled already the call ends cancelled, and nothing is
 * sent. The request goes on when the caller drops the call or @cancellable.
 *
 * Returns: (transfer full): the call
 *
 * Since: 1.0
 */
ResilientCall *
resilient_client_start (ResilientClient *self,
                        ResilientRequest *request,
                        ResilientRequestContext *context,
                        GCancellable *cancellable)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);

  frozen = resilient_request_freeze (request, &error);
  return resilient_client_start_frozen (self, frozen, error, context, cancellable);
}

/**
 * resilient_client_send_async:
 * @self: a client
 * @request: what is sent and how; taken as it is now, later changes touch later sends only
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Sends a request, with as many attempts as its policy allows.
 *
 * The context is never changed and starts at attempt 0. When @callback runs, the result is in the
 * store. It runs exactly once.
 *
 * Since: 1.0
 */
void
resilient_client_send_async (ResilientClient *self,
                             ResilientRequest *request,
                             ResilientRequestContext *context,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (RESILIENT_IS_REQUEST (request));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  frozen = resilient_request_freeze (request, &error);
  resilient_client_send_frozen (
    self, frozen, error, context, cancellable, callback, user_data, resilient_client_send_async);
}

/**
 * resilient_client_send_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.send_async].
 *
 * The response of the last attempt is returned whatever its status, even if retries ran out: see
 * [method@Response.check_status].
 *
 * Without one, the error of the last attempt keeps its domain and code, such as
 * %G_IO_ERROR_CONNECTION_REFUSED. Deadlines give %G_IO_ERROR_TIMED_OUT, a cancel gives
 * %G_IO_ERROR_CANCELLED, and what this library refuses has the domain %RESILIENT_CLIENT_ERROR.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_send_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_send_async, error);
}

ResilientResponse *
resilient_client_send_recipe_sync (ResilientClient *self,
                                   ResilientFrozenRequest *frozen,
                                   ResilientRequestContext *context,
                                   GCancellable *cancellable,
                                   GError **error)
{
  g_autoptr (ResilientScheduler) io = NULL;
  g_autoptr (ResilientCall) call = NULL;

  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;
  io = resilient_engine_dup_io_scheduler (self->engine, error);
  if (io == NULL)
    {
      resilient_recorder_refused (self->engine->recorder);
      return NULL;
    }
  if (resilient_scheduler_is_current_thread (io))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("A body function can’t send a request and wait for it"));
      return NULL;
    }

  call = resilient_call_start_blocking (self->engine, io, frozen, context, cancellable);
  return resilient_call_block (call, error);
}

/**
 * resilient_client_send:
 * @self: a client
 * @request: what is sent and how
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request, from another thread
 * @error: return location for an error
 *
 * Sends a request and blocks until it ended; the synchronous twin of [method@Client.send_async],
 * for worker threads.
 *
 * No main context needs to turn for it. Returns and fails as [method@Client.send_finish] does; in a
 * [callback@BodyFunc] of the same client it fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST
 * rather than wait for itself.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_send (ResilientClient *self,
                       ResilientRequest *request,
                       ResilientRequestContext *context,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) frozen_error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;

  frozen = resilient_request_freeze (request, &frozen_error);
  if (frozen == NULL)
    {
      g_autoptr (ResilientCall) call = resilient_call_new_refused (self->engine, frozen_error);

      return resilient_call_take_response (call, error);
    }

  return resilient_client_send_recipe_sync (self, frozen, context, cancellable, error);
}
