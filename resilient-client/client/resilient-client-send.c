/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Starting requests, and the settings that are not plain numbers. */

ResilientCall *
resilient_client_start_recipe (ResilientClient *self,
                               ResilientRecipe *recipe,
                               const GError *recipe_error,
                               ResilientRequestContext *context,
                               GCancellable *cancellable)
{
  g_autoptr (ResilientDriver) driver = NULL;

  if (recipe == NULL)
    return resilient_call_new_refused (self->core, recipe_error);

  driver = resilient_core_dup_driver (self->core);
  return resilient_call_start (self->core, driver, recipe, context, cancellable);
}

void
resilient_client_send_recipe (ResilientClient *self,
                              ResilientRecipe *recipe,
                              const GError *recipe_error,
                              ResilientRequestContext *context,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data,
                              gpointer tag)
{
  g_autoptr (ResilientCall) call = NULL;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  /* The function: the macro would give each task a name, in a block of its own, and that name were
   * “tag”. */
  (g_task_set_source_tag) (task, tag);
  /* What the callback gets is what was recorded: a cancel that comes after the end changes neither.
   */
  g_task_set_check_cancellable (task, FALSE);

  call = resilient_client_start_recipe (self, recipe, recipe_error, context, cancellable);
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
  g_autoptr (ResilientRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (uri != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  recipe = resilient_recipe_new (method, uri, &error);
  if (recipe != NULL && body != NULL)
    resilient_recipe_set_body (recipe, content_type, body);
  resilient_client_send_recipe (
    self, recipe, error, context, cancellable, callback, user_data, tag);
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
 *
 * Starts a request and returns it as a live call.
 *
 * The context is never changed and starts at attempt 0. A request that is refused (not valid, too
 * many waiting, client closed) gives a call that is done: [method@Call.finish_async] tells its
 * error. The request goes on when the caller drops the call.
 *
 * Returns: (transfer full): the call
 *
 * Since: 1.0
 */
ResilientCall *
resilient_client_start (ResilientClient *self,
                        ResilientRequest *request,
                        ResilientRequestContext *context)
{
  g_autoptr (ResilientRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);

  recipe = resilient_request_freeze (request, &error);
  return resilient_client_start_recipe (self, recipe, error, context, NULL);
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
  g_autoptr (ResilientRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (RESILIENT_IS_REQUEST (request));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  recipe = resilient_request_freeze (request, &error);
  resilient_client_send_recipe (
    self, recipe, error, context, cancellable, callback, user_data, resilient_client_send_async);
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
                                   ResilientRecipe *recipe,
                                   ResilientRequestContext *context,
                                   GCancellable *cancellable,
                                   GError **error)
{
  g_autoptr (ResilientDriver) io = resilient_core_dup_io_driver (self->core);
  g_autoptr (ResilientCall) call = NULL;

  if (resilient_driver_is_current_thread (io))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("A body function can’t send a request and wait for it"));
      return NULL;
    }

  call = resilient_call_start (self->core, io, recipe, context, cancellable);
  resilient_call_block (call);
  return resilient_call_take_response (call, error);
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
  g_autoptr (ResilientRecipe) recipe = NULL;
  g_autoptr (GError) recipe_error = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (RESILIENT_IS_REQUEST (request), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  recipe = resilient_request_freeze (request, &recipe_error);
  if (recipe == NULL)
    {
      g_autoptr (ResilientCall) call = resilient_call_new_refused (self->core, recipe_error);

      return resilient_call_take_response (call, error);
    }

  return resilient_client_send_recipe_sync (self, recipe, context, cancellable, error);
}
