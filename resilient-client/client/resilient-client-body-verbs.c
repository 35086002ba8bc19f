/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

/* The verbs with a body: one request without a ResilientRequest. */

/**
 * resilient_client_post_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @content_type: (nullable): the media type of @body
 * @body: (nullable): the body
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Posts a body to a resource. See [method@Client.send_async].
 *
 * POST is not idempotent: once it may have reached the peer it is not sent again. To have that,
 * send a [class@Request] with an `Idempotency-Key`.
 *
 * Since: 1.0
 */
void
resilient_client_post_async (ResilientClient *self,
                             const char *uri,
                             const char *content_type,
                             GBytes *body,
                             ResilientRequestContext *context,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  resilient_client_send_verb (self,
                              "POST",
                              uri,
                              content_type,
                              body,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_post_async);
}

/**
 * resilient_client_post_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.post_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_post_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_post_async, error);
}

/**
 * resilient_client_put_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @content_type: (nullable): the media type of @body
 * @body: (nullable): the body
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Stores a body as a resource. See [method@Client.send_async].
 *
 * Since: 1.0
 */
void
resilient_client_put_async (ResilientClient *self,
                            const char *uri,
                            const char *content_type,
                            GBytes *body,
                            ResilientRequestContext *context,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  resilient_client_send_verb (self,
                              "PUT",
                              uri,
                              content_type,
                              body,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_put_async);
}

/**
 * resilient_client_put_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.put_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_put_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_put_async, error);
}

/**
 * resilient_client_patch_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @content_type: (nullable): the media type of @body
 * @body: (nullable): the body
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Changes a resource by a body. See [method@Client.send_async].
 *
 * PATCH is not idempotent: once it may have reached the peer it is not sent again. To have that,
 * send a [class@Request] with an `Idempotency-Key`.
 *
 * Since: 1.0
 */
void
resilient_client_patch_async (ResilientClient *self,
                              const char *uri,
                              const char *content_type,
                              GBytes *body,
                              ResilientRequestContext *context,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  resilient_client_send_verb (self,
                              "PATCH",
                              uri,
                              content_type,
                              body,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_patch_async);
}

/**
 * resilient_client_patch_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.patch_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_patch_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_patch_async, error);
}
