/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-private.h"

static void
set_string (ResilientRequest *self, char **field, const char *value, const char *property)
{
  if (g_strcmp0 (*field, value) == 0)
    return;
  g_free (*field);
  *field = g_strdup (value);
  g_object_notify (G_OBJECT (self), property);
}

/**
 * resilient_request_new:
 * @method: an HTTP method
 * @uri: an absolute http or https URI
 *
 * Creates a request. A method or URI that is not valid is reported when the request is sent.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
ResilientRequest *
resilient_request_new (const char *method, const char *uri)
{
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (uri != NULL, NULL);

  return g_object_new (RESILIENT_TYPE_REQUEST, "method", method, "uri", uri, NULL);
}

/**
 * resilient_request_new_from_uri:
 * @method: an HTTP method
 * @uri: an absolute http or https URI
 *
 * Creates a request for a parsed URI.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
ResilientRequest *
resilient_request_new_from_uri (const char *method, GUri *uri)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (uri != NULL, NULL);

  text = g_uri_to_string (uri);
  return g_object_new (RESILIENT_TYPE_REQUEST, "method", method, "uri", text, NULL);
}

/**
 * resilient_request_get_method: (get-property method)
 * @self: a request
 *
 * Gets the HTTP method.
 *
 * Returns: (nullable): the HTTP method
 *
 * Since: 1.0
 */
const char *
resilient_request_get_method (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->method;
}

/**
 * resilient_request_set_method: (set-property method)
 * @self: a request
 * @method: (nullable): the HTTP method; checked when the request is sent
 *
 * Sets the HTTP method.
 *
 * Since: 1.0
 */
void
resilient_request_set_method (ResilientRequest *self, const char *method)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  set_string (self, &self->method, method, "method");
}

/**
 * resilient_request_get_uri: (get-property uri)
 * @self: a request
 *
 * Gets the URI.
 *
 * Returns: (nullable): the URI
 *
 * Since: 1.0
 */
const char *
resilient_request_get_uri (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->uri;
}

/**
 * resilient_request_set_uri: (set-property uri)
 * @self: a request
 * @uri: (nullable): the URI; checked when the request is sent
 *
 * Sets the URI.
 *
 * Since: 1.0
 */
void
resilient_request_set_uri (ResilientRequest *self, const char *uri)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  set_string (self, &self->uri, uri, "uri");
}

/**
 * resilient_request_get_retry_policy: (get-property retry-policy)
 * @self: a request
 *
 * Gets the retry policy.
 *
 * Returns: (transfer none) (nullable): the policy, or %NULL for the client's
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_request_get_retry_policy (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->retry_policy;
}

/**
 * resilient_request_set_retry_policy: (set-property retry-policy)
 * @self: a request
 * @retry_policy: (nullable): a policy, or %NULL for the client's
 *
 * Sets the retry policy.
 *
 * Since: 1.0
 */
void
resilient_request_set_retry_policy (ResilientRequest *self, ResilientRetryPolicy *retry_policy)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->retry_policy == retry_policy)
    return;
  g_clear_pointer (&self->retry_policy, resilient_retry_policy_unref);
  if (retry_policy != NULL)
    self->retry_policy = resilient_retry_policy_ref (retry_policy);
  g_object_notify (G_OBJECT (self), "retry-policy");
}

/**
 * resilient_request_get_metadata: (get-property metadata)
 * @self: a request
 *
 * Gets what observers are told about the request.
 *
 * Returns: (transfer none) (nullable): the metadata, or %NULL
 *
 * Since: 1.0
 */
GVariant *
resilient_request_get_metadata (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->metadata;
}

/**
 * resilient_request_set_metadata: (set-property metadata)
 * @self: a request
 * @metadata: (nullable): a dictionary of type `a{sv}`, or %NULL; taken when floating, checked when
 * the request is sent
 *
 * Sets what observers are told about the request.
 *
 * Since: 1.0
 */
void
resilient_request_set_metadata (ResilientRequest *self, GVariant *metadata)
{
  g_autoptr (GVariant) old = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->metadata == metadata)
    return;
  old = self->metadata;
  self->metadata = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  g_object_notify (G_OBJECT (self), "metadata");
}

/**
 * resilient_request_get_priority: (get-property priority)
 * @self: a request
 *
 * Gets where the request stands in the queue.
 *
 * Returns: lower goes first, 0 is the default
 *
 * Since: 1.0
 */
int
resilient_request_get_priority (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), 0);

  return self->priority;
}

/**
 * resilient_request_set_priority: (set-property priority)
 * @self: a request
 * @priority: lower goes first, 0 is the default
 *
 * Sets where the request stands in the queue.
 *
 * Since: 1.0
 */
void
resilient_request_set_priority (ResilientRequest *self, int priority)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->priority == priority)
    return;
  self->priority = priority;
  g_object_notify (G_OBJECT (self), "priority");
}

/**
 * resilient_request_get_idempotency: (get-property idempotency)
 * @self: a request
 *
 * Gets whether sending the request twice does the same as sending it once.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
ResilientIdempotency
resilient_request_get_idempotency (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), RESILIENT_IDEMPOTENCY_AUTO);

  return self->idempotency;
}

/**
 * resilient_request_set_idempotency: (set-property idempotency)
 * @self: a request
 * @idempotency: whether it does
 *
 * Sets whether sending the request twice does the same as sending it once.
 *
 * Since: 1.0
 */
void
resilient_request_set_idempotency (ResilientRequest *self, ResilientIdempotency idempotency)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->idempotency == idempotency)
    return;
  self->idempotency = idempotency;
  g_object_notify (G_OBJECT (self), "idempotency");
}

/**
 * resilient_request_get_max_response_size: (get-property max-response-size)
 * @self: a request
 *
 * Gets the most bytes that the body of the response may have.
 *
 * Returns: bytes after decoding; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
gint64
resilient_request_get_max_response_size (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.max_response_size;
}

/**
 * resilient_request_set_max_response_size: (set-property max-response-size)
 * @self: a request
 * @max_response_size: bytes after decoding; -1 for the client's limit, 0 for none
 *
 * Sets the most bytes that the body of the response may have.
 *
 * Since: 1.0
 */
void
resilient_request_set_max_response_size (ResilientRequest *self, gint64 max_response_size)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (max_response_size < 0)
    max_response_size = -1;
  if (self->overrides.max_response_size == max_response_size)
    return;
  self->overrides.max_response_size = max_response_size;
  g_object_notify (G_OBJECT (self), "max-response-size");
}
