/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What can be asked of a result. It is immutable: no function here changes or owns anything. Any
 * thread. */

#include "config.h"

#include "resilient-result-private.h"

#include "resilient-clock-private.h"
#include "resilient-response-private.h"

gsize
resilient_result_get_weight (ResilientResult *self)
{
  return self->response != NULL ? resilient_response_get_weight (self->response) : 0;
}

gint64
resilient_result_get_created_boot (ResilientResult *self)
{
  return self->created_boot;
}

/**
 * resilient_result_get_request_id:
 * @self: a result
 *
 * Gets the id of the request.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
resilient_result_get_request_id (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return resilient_request_context_get_request_id (self->context);
}

/**
 * resilient_result_get_context:
 * @self: a result
 *
 * Gets the context of the last attempt made.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_result_get_context (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->context;
}

/**
 * resilient_result_get_status:
 * @self: a result
 *
 * Gets how the request ended, or that it has not yet.
 *
 * Returns: the status
 *
 * Since: 1.0
 */
ResilientResultStatus
resilient_result_get_status (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_RESULT_STATUS_ERROR);

  return self->status;
}

/**
 * resilient_result_get_response:
 * @self: a result
 *
 * Gets the response of the last attempt.
 *
 * It is there on success, and on an error because of a status. Its body may have been dropped to
 * save memory, see [method@Response.has_body].
 *
 * Returns: (transfer none) (nullable): the response, or %NULL if there is none
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_result_get_response (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->response;
}

/**
 * resilient_result_get_error:
 * @self: a result
 *
 * Gets the error that the request ended with.
 *
 * There is none on success, while the request is pending, nor where a status is the failure: see
 * [method@Result.get_response].
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if there is none
 *
 * Since: 1.0
 */
const GError *
resilient_result_get_error (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}

/**
 * resilient_result_get_failure:
 * @self: a result
 *
 * Gets how the request failed.
 *
 * Returns: the one kind of failure, or %RESILIENT_FAILURE_NONE
 *
 * Since: 1.0
 */
ResilientFailure
resilient_result_get_failure (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_FAILURE_NONE);

  return self->failure;
}

/**
 * resilient_result_get_attempts:
 * @self: a result
 *
 * Gets how many attempts were made.
 *
 * Returns: the number: 1 for success at once, at most one more than the retries that the policy
 *   allows
 *
 * Since: 1.0
 */
guint
resilient_result_get_attempts (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->attempts;
}

/**
 * resilient_result_get_sends:
 * @self: a result
 *
 * Gets how many times the request went on the wire, see [method@Attempt.get_sends].
 *
 * Returns: the sum over all attempts
 *
 * Since: 1.0
 */
guint
resilient_result_get_sends (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->sends;
}

/**
 * resilient_result_get_total_time:
 * @self: a result
 *
 * Gets how long the request took, with its waits for a slot and its sleeps between attempts.
 *
 * Returns: seconds; of a pending request, so far
 *
 * Since: 1.0
 */
double
resilient_result_get_total_time (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->total_time;
}

/**
 * resilient_result_get_created_at:
 * @self: a result
 *
 * Gets when the request ended, or when a pending result was asked for.
 *
 * Returns: microseconds since 1970, UTC
 *
 * Since: 1.0
 */
gint64
resilient_result_get_created_at (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->created_at;
}

/**
 * resilient_result_get_age:
 * @self: a result
 *
 * Gets how long ago it was created. Setting the wall clock does not matter, and suspended time
 * counts.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
double
resilient_result_get_age (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_clock_to_seconds (MAX (resilient_clock_get_boot () - self->created_boot, 0));
}

/**
 * resilient_result_is_success:
 * @self: a result
 *
 * Tells whether there was an answer that the policy accepts.
 *
 * With the default policy that is any answer, also one of status 404 or 500.
 * [method@Response.check_status] tells more.
 *
 * Returns: %TRUE if there was
 *
 * Since: 1.0
 */
gboolean
resilient_result_is_success (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->status == RESILIENT_RESULT_STATUS_SUCCESS;
}

/**
 * resilient_result_is_error:
 * @self: a result
 *
 * Tells whether the request ended in any other way than with success: it failed, took too long or
 * was cancelled.
 *
 * Of a pending request neither this nor [method@Result.is_success] is true.
 *
 * Returns: %TRUE if it did
 *
 * Since: 1.0
 */
gboolean
resilient_result_is_error (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->status != RESILIENT_RESULT_STATUS_SUCCESS
         && self->status != RESILIENT_RESULT_STATUS_PENDING;
}

/**
 * resilient_result_list_attempts:
 * @self: a result
 *
 * Lists the attempts that were made, the first one first. Of a request that made more than a
 * hundred these are the newest hundred; a pending result has none.
 *
 * Returns: (transfer container) (element-type ResilientAttempt): a new array of the attempts
 *
 * Since: 1.0
 */
GPtrArray *
resilient_result_list_attempts (ResilientResult *self)
{
  GPtrArray *list;

  g_return_val_if_fail (self != NULL, NULL);

  /* A new one each time, as its receiver may change it. */
  list = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_attempt_unref);
  if (self->only != NULL)
    g_ptr_array_add (list, resilient_attempt_ref (self->only));
  for (guint i = 0; self->log != NULL && i < self->log->len; i++)
    g_ptr_array_add (list, resilient_attempt_ref (g_ptr_array_index (self->log, i)));

  return list;
}
