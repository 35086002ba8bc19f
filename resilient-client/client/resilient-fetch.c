/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One request without a client: each call makes a client, sends with it and lets go of it. It owns
 * nothing that lasts. Any thread. */

#include "config.h"

#include "resilient-client-private.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

static ResilientFrozenRequest *
new_frozen (const char *method, const char *uri, int max_retries, double timeout, GError **error)
{
  ResilientFrozenRequest *frozen;

  if (max_retries < -1)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   _ ("Invalid retry policy: %s must be at least -1, and is %d"),
                   "max_retries",
                   max_retries);
      return NULL;
    }
  if (isnan (timeout))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("The time-out is not a number"));
      return NULL;
    }

  frozen = resilient_frozen_request_new (method, uri, error);
  if (frozen != NULL)
    {
      const double base_delay =
        resilient_retry_policy_get_base_delay (resilient_retry_policy_get_default ());
      ResilientOverrides overrides = RESILIENT_OVERRIDES_NONE;
      g_autoptr (ResilientRetryPolicy) policy =
        resilient_retry_policy_new (max_retries, base_delay);

      resilient_frozen_request_set_retry_policy (frozen, policy);
      overrides.total_timeout = MAX (timeout, 0);
      resilient_frozen_request_set_overrides (frozen, &overrides);
    }

  return frozen;
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ResilientResponse *response;
  GError *error = NULL;

  response = resilient_client_finish_response (
    RESILIENT_CLIENT (source), result, resilient_fetch_async, &error);
  if (response != NULL)
    g_task_return_pointer (task, response, (GDestroyNotify) resilient_response_unref);
  else
    g_task_return_error (task, error);
}

/**
 * resilient_fetch_async:
 * @method: an HTTP method, such as `GET`
 * @uri: an absolute http or https URI
 * @max_retries: how many retries, at least 0, or -1 for no limit
 * @timeout: seconds that it may take in all, retries and sleeps included; 0 or less = no limit
 * @cancellable: (nullable): cancels the request
 * @callback: (scope async) (closure user_data): called in the thread-default main context of now
 * @user_data: data for @callback
 *
 * Sends a single request under the default policy with @max_retries, by a client of its own: for a
 * script, or an app that asks one thing. Who asks more often keeps a [class@Client], which keeps
 * its connections.
 *
 * A method, URI, number of retries or time-out that is not valid is an error of
 * [func@fetch_finish].
 *
 * Since: 1.0
 */
void
resilient_fetch_async (const char *method,
                       const char *uri,
                       int max_retries,
                       double timeout,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;

  g_return_if_fail (method != NULL);
  g_return_if_fail (uri != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_fetch_async);
  g_task_set_check_cancellable (task, FALSE);

  client = resilient_client_new ();
  frozen = new_frozen (method, uri, max_retries, timeout, &error);
  resilient_client_send_frozen (
    client, frozen, error, NULL, cancellable, fetched_cb, task, resilient_fetch_async);
}

/**
 * resilient_fetch_finish:
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Ends [func@fetch_async]; fails as [method@Client.send_finish] does, with
 * %RESILIENT_CLIENT_ERROR_INVALID_POLICY for less than -1 retries and
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST for a time-out that is not a number.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_fetch_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_fetch_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * resilient_fetch:
 * @method: an HTTP method, such as `GET`
 * @uri: an absolute http or https URI
 * @max_retries: how many retries, at least 0, or -1 for no limit
 * @timeout: seconds that it may take in all, retries and sleeps included; 0 or less = no limit
 * @cancellable: (nullable): cancels the request, from another thread
 * @error: return location for an error
 *
 * Sends a single request and blocks until it ended; the synchronous twin of [func@fetch_async], for
 * worker threads. Fails as [func@fetch_finish] does.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_fetch (const char *method,
                 const char *uri,
                 int max_retries,
                 double timeout,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  frozen = new_frozen (method, uri, max_retries, timeout, error);
  if (frozen == NULL)
    return NULL;

  client = resilient_client_new ();
  return resilient_client_send_frozen_sync (client, frozen, NULL, cancellable, error);
}
