/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

/* The verbs without a body: one request without a ResilientRequest. */

/**
 * resilient_client_get_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Gets a resource. See [method@Client.send_async].
 *
 * Since: 1.0
 */
void
resilient_client_get_async (ResilientClient *self,
                            const char *uri,
                            ResilientRequestContext *context,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  resilient_client_send_verb (self,
                              "GET",
                              uri,
                              NULL,
                              NULL,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_get_async);
}

/**
 * resilient_client_get_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.get_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_get_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_get_async, error);
}

/**
 * resilient_client_head_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Asks for the headers of a resource only. See [method@Client.send_async].
 *
 * Since: 1.0
 */
void
resilient_client_head_async (ResilientClient *self,
                             const char *uri,
                             ResilientRequestContext *context,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  resilient_client_send_verb (self,
                              "HEAD",
                              uri,
                              NULL,
                              NULL,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_head_async);
}

/**
 * resilient_client_head_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.head_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_head_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_head_async, error);
}

/**
 * resilient_client_options_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Asks what can be done with a resource. See [method@Client.send_async].
 *
 * Since: 1.0
 */
void
resilient_client_options_async (ResilientClient *self,
                                const char *uri,
                                ResilientRequestContext *context,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  resilient_client_send_verb (self,
                              "OPTIONS",
                              uri,
                              NULL,
                              NULL,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_options_async);
}

/**
 * resilient_client_options_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.options_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_options_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_options_async, error);
}

/**
 * resilient_client_delete_async:
 * @self: a client
 * @uri: an absolute http or https URI
 * @context: (nullable): who the request is to observers; %NULL for one with a random id
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Deletes a resource. See [method@Client.send_async].
 *
 * Since: 1.0
 */
void
resilient_client_delete_async (ResilientClient *self,
                               const char *uri,
                               ResilientRequestContext *context,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  resilient_client_send_verb (self,
                              "DELETE",
                              uri,
                              NULL,
                              NULL,
                              context,
                              cancellable,
                              callback,
                              user_data,
                              resilient_client_delete_async);
}

/**
 * resilient_client_delete_finish:
 * @self: a client
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [method@Client.delete_async]; returns and fails as [method@Client.send_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_client_delete_finish (ResilientClient *self, GAsyncResult *result, GError **error)
{
  return resilient_client_finish_response (self, result, resilient_client_delete_async, error);
}
