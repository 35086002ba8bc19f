/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Settings that are not plain numbers: policy, agent, default headers, origins. */

/**
 * resilient_client_get_retry_policy:
 * @self: a client
 *
 * Gets [property@Client:retry-policy].
 *
 * Returns: (transfer full): the policy of requests that bring none
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_client_get_retry_policy (ResilientClient *self)
{
  ResilientRetryPolicy *policy;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return resilient_retry_policy_ref (self->engine->settings.retry_policy);

  g_mutex_lock (&self->engine->lock);
  policy = resilient_retry_policy_ref (self->engine->settings.retry_policy);
  g_mutex_unlock (&self->engine->lock);

  return policy;
}

/**
 * resilient_client_set_retry_policy:
 * @self: a client
 * @retry_policy: (nullable): a policy; %NULL for the default one
 *
 * Sets [property@Client:retry-policy].
 *
 * Since: 1.0
 */
void
resilient_client_set_retry_policy (ResilientClient *self, ResilientRetryPolicy *retry_policy)
{
  g_autoptr (ResilientRetryPolicy) old = NULL;

  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (retry_policy == NULL)
    retry_policy = resilient_retry_policy_get_default ();

  g_mutex_lock (&self->engine->lock);
  old = self->engine->settings.retry_policy;
  self->engine->settings.retry_policy = resilient_retry_policy_ref (retry_policy);
  g_mutex_unlock (&self->engine->lock);

  if (old != retry_policy)
    g_object_notify (G_OBJECT (self), "retry-policy");
}

/**
 * resilient_client_get_user_agent:
 * @self: a client
 *
 * Gets [property@Client:user-agent].
 *
 * Returns: (nullable) (transfer none): the product tokens (RFC 9110, 10.1.5)
 *
 * Since: 1.0
 */
const char *
resilient_client_get_user_agent (ResilientClient *self)
{
  GET_SETTING (self, limits->user_agent);
}

/**
 * resilient_client_set_user_agent:
 * @self: a client
 * @user_agent: (nullable): product tokens (RFC 9110, 10.1.5), such as `MyApp/1.0`
 *
 * Sets [property@Client:user-agent]. A value with CR, LF or NUL is a programmer error.
 *
 * Since: 1.0
 */
void
resilient_client_set_user_agent (ResilientClient *self, const char *user_agent)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (user_agent == NULL || resilient_headers_value_is_valid (user_agent));

  /* Interned, so that a call on any thread can go on using it. */
  user_agent = g_intern_string (user_agent);
  SET_LIMIT (self, user_agent);
  g_object_notify (G_OBJECT (self), "user-agent");
}

/* Such a header would go to every host that a client talks to. */
static gboolean
is_of_origin (const char *name)
{
  return g_ascii_strcasecmp (name, "Authorization") == 0
         || g_ascii_strcasecmp (name, "Proxy-Authorization") == 0
         || g_ascii_strcasecmp (name, "Cookie") == 0;
}

/**
 * resilient_client_set_default_header:
 * @self: a client
 * @name: a header name
 * @value: (nullable): its value, or %NULL to remove it
 * @error: return location for an error
 *
 * Sets a header for every request that does not set one of that name itself.
 *
 * `Authorization`, `Proxy-Authorization` and `Cookie` are refused, because they would be sent to
 * every host: they belong to an origin, see [method@Origin.set_default_header]. So is what is not
 * valid in HTTP (RFC 9110, 5.1 and 5.5). What is refused changes nothing, and fails with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * Returns: %TRUE if it was set; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_client_set_default_header (ResilientClient *self,
                                     const char *name,
                                     const char *value,
                                     GError **error)
{
  g_autoptr (ResilientHeaders) old = NULL;
  ResilientHeaders *changed;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  if (resilient_engine_is_foreign (self->engine, error))
    return FALSE;

  if (!resilient_origin_check_header (name, value, error))
    return FALSE;
  if (is_of_origin (name))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The header “%s” would be sent to every host: set it for an origin"),
                   name);
      return FALSE;
    }

  g_mutex_lock (&self->engine->lock);
  old = self->engine->default_headers;
  changed = old != NULL ? resilient_headers_copy (old) : resilient_headers_new ();
  resilient_headers_replace (changed, name, value);
  self->engine->default_headers = changed;
  g_mutex_unlock (&self->engine->lock);

  return TRUE;
}

/**
 * resilient_client_get_origin:
 * @self: a client
 * @uri: an absolute http or https URI; only its scheme, host and port matter
 * @error: return location for an error
 *
 * Gets the origin of a URI, to give it limits and headers of its own. It lasts as long as the
 * client.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST if @uri is none that a request could be sent
 * to, and with %RESILIENT_CLIENT_ERROR_CLOSED in a forked child.
 *
 * Returns: (transfer full): the origin, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientOrigin *
resilient_client_get_origin (ResilientClient *self, const char *uri, GError **error)
{
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);
  if (resilient_engine_is_foreign (self->engine, error))
    return NULL;

  frozen = resilient_frozen_request_new ("GET", uri, error);
  return frozen != NULL ? resilient_gate_get_origin (self->engine->gate, frozen->uri) : NULL;
}
