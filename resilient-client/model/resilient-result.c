/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

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
