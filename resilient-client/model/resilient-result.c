/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a request ended. It owns the context, the answer or error and the log of attempts, none of
 * which changes. Any thread. */

#include "config.h"

#include "resilient-result-private.h"

#include "resilient-clock-private.h"
#include "resilient-response-private.h"

/**
 * ResilientResult:
 *
 * How a request ended, or that it has not ended yet, with a log of its attempts.
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */
/* Immutable. */
struct _ResilientResult
{
  ResilientRequestContext *context;
  ResilientResultStatus status;
  ResilientResponse *response; /* nullable */
  GError *error;               /* nullable */
  ResilientFailure failure;
  guint attempts;
  guint sends;
  double total_time;      /* seconds */
  gint64 created_at;      /* microseconds since 1970 */
  gint64 created_boot;    /* the same moment on the boot-time clock */
  GPtrArray *log;         /* ResilientAttempt, never changed; NULL: none, or only one */
  ResilientAttempt *only; /* in place of a log */
};

G_DEFINE_BOXED_TYPE (ResilientResult,
                     resilient_result,
                     resilient_result_ref,
                     resilient_result_unref)

static void
clear_result (gpointer data)
{
  ResilientResult *self = data;

  resilient_request_context_unref (self->context);
  g_clear_pointer (&self->response, resilient_response_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->log, g_ptr_array_unref);
  g_clear_pointer (&self->only, resilient_attempt_unref);
}

static GPtrArray *
make_log (GSList *newest)
{
  guint n = g_slist_length (newest);
  GPtrArray *log = g_ptr_array_new_full (n, (GDestroyNotify) resilient_attempt_unref);

  g_ptr_array_set_size (log, (int) n);
  for (GSList *link = newest; link != NULL; link = link->next)
    log->pdata[--n] = resilient_attempt_ref (link->data);

  return log;
}

ResilientResult *
resilient_result_new (ResilientRequestContext *context,
                      ResilientResultStatus status,
                      ResilientResponse *response,
                      const GError *error,
                      ResilientFailure failure,
                      guint attempts,
                      guint sends,
                      double total_time,
                      GSList *log)
{
  ResilientResult *self = g_atomic_rc_box_new0 (ResilientResult);

  self->context = resilient_request_context_ref (context);
  self->status = status;
  self->response = response != NULL ? resilient_response_ref (response) : NULL;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  self->failure = failure;
  self->attempts = attempts;
  self->sends = sends;
  self->total_time = total_time;
  self->created_at = resilient_clock_get_real ();
  self->created_boot = resilient_clock_get_boot ();
  /* nearly always one, and results are kept for long */
  if (log != NULL && log->next == NULL)
    self->only = resilient_attempt_ref (log->data);
  else if (log != NULL)
    self->log = make_log (log);

  return self;
}

ResilientResult *
resilient_result_without_body (ResilientResult *self)
{
  ResilientResult *result;

  if (self->response == NULL
      || (!resilient_response_has_body (self->response)
          && resilient_response_get_weight (self->response) == 0))
    return resilient_result_ref (self);

  result = g_atomic_rc_box_dup (sizeof *self, self);
  resilient_request_context_ref (result->context);
  result->response = resilient_response_without_body (self->response);
  result->error = self->error != NULL ? g_error_copy (self->error) : NULL;
  result->log = self->log != NULL ? g_ptr_array_ref (self->log) : NULL;
  result->only = self->only != NULL ? resilient_attempt_ref (self->only) : NULL;

  return result;
}

/**
 * resilient_result_ref:
 * @self: a result
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientResult *
resilient_result_ref (ResilientResult *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_result_unref:
 * @self: (transfer full): a result
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_result_unref (ResilientResult *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_result);
}

/**
 * resilient_result_copy:
 * @self: a result
 *
 * Copies a result, which is taking a reference, as results never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientResult *
resilient_result_copy (ResilientResult *self)
{
  return resilient_result_ref (self);
}

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
 * Gets how many times the request went on the wire, see [method@Attempt.get_sends]; not what
 * another one sent, whose attempt it shared.
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
