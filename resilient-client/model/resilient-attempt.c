/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-attempt-private.h"

/**
 * ResilientAttempt:
 *
 * What became of one attempt of a request: one line of the log that a [struct@Result] keeps.
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */

/* Not in a g_atomic_rc_box, which adds half of its size: a hundred thousand requests that sleep
 * have one at least. */
struct _ResilientAttempt
{
  gatomicrefcount ref_count;
  guint number;
  gint64 started_at;   /* microseconds since 1970 */
  double duration;     /* seconds */
  double delay_before; /* seconds */
  ResilientFailure failure;
  ResilientReason reason;
  guint64 span_id; /* 0: none */
  guint sends;
  guint16 status_code;
  guint8 reused_connection;
};

G_DEFINE_BOXED_TYPE (ResilientAttempt,
                     resilient_attempt,
                     resilient_attempt_ref,
                     resilient_attempt_unref)

ResilientAttempt *
resilient_attempt_new (guint number,
                       gint64 started_at,
                       double duration,
                       ResilientFailure failure,
                       guint status_code,
                       double delay_before,
                       gboolean reused_connection,
                       guint sends,
                       ResilientReason reason)
{
  ResilientAttempt *self = g_new0 (ResilientAttempt, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->number = number;
  self->started_at = started_at;
  self->duration = duration;
  self->failure = failure;
  self->status_code = MIN (status_code, G_MAXUINT16);
  self->delay_before = delay_before;
  self->reused_connection = reused_connection;
  self->sends = sends;
  self->reason = reason;

  return self;
}

void
resilient_attempt_set_span_id (ResilientAttempt *self, guint64 span_id)
{
  self->span_id = span_id;
}

/**
 * resilient_attempt_ref:
 * @self: an attempt
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientAttempt *
resilient_attempt_ref (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * resilient_attempt_unref:
 * @self: (transfer full): an attempt
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_attempt_unref (ResilientAttempt *self)
{
  g_return_if_fail (self != NULL);

  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

/**
 * resilient_attempt_copy:
 * @self: an attempt
 *
 * Copies an attempt, which is taking a reference, as it never changes.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientAttempt *
resilient_attempt_copy (ResilientAttempt *self)
{
  return resilient_attempt_ref (self);
}

/**
 * resilient_attempt_get_number:
 * @self: an attempt
 *
 * Gets its number.
 *
 * Returns: the number, 1 for the first attempt of a request
 *
 * Since: 1.0
 */
guint
resilient_attempt_get_number (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->number;
}

/**
 * resilient_attempt_get_started_at:
 * @self: an attempt
 *
 * Gets when it began.
 *
 * Returns: microseconds since 1970, UTC
 *
 * Since: 1.0
 */
gint64
resilient_attempt_get_started_at (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->started_at;
}

/**
 * resilient_attempt_get_duration:
 * @self: an attempt
 *
 * Gets how long it took.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
double
resilient_attempt_get_duration (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->duration;
}

/**
 * resilient_attempt_get_failure:
 * @self: an attempt
 *
 * Gets how it failed.
 *
 * Returns: the one kind of failure, or %RESILIENT_FAILURE_NONE
 *
 * Since: 1.0
 */
ResilientFailure
resilient_attempt_get_failure (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_FAILURE_NONE);

  return self->failure;
}

/**
 * resilient_attempt_get_status_code:
 * @self: an attempt
 *
 * Gets the status of the answer.
 *
 * Returns: the HTTP status, or 0 when no status line was read
 *
 * Since: 1.0
 */
guint
resilient_attempt_get_status_code (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->status_code;
}

/**
 * resilient_attempt_get_delay_before:
 * @self: an attempt
 *
 * Gets how long the request slept before it.
 *
 * Returns: seconds, 0 for the first attempt
 *
 * Since: 1.0
 */
double
resilient_attempt_get_delay_before (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->delay_before;
}

/**
 * resilient_attempt_get_reused_connection:
 * @self: an attempt
 *
 * Tells whether it began on a connection that was already open.
 *
 * Returns: %TRUE if it did
 *
 * Since: 1.0
 */
gboolean
resilient_attempt_get_reused_connection (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->reused_connection;
}

/**
 * resilient_attempt_get_sends:
 * @self: an attempt
 *
 * Gets how many times the request went on the wire.
 *
 * More than once when a kept-alive connection turned out to be dead before a byte of the answer
 * came, and the request was sent again on another connection. Redirects and authentication are not
 * counted.
 *
 * Returns: the number, 0 when nothing was sent
 *
 * Since: 1.0
 */
guint
resilient_attempt_get_sends (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->sends;
}

/**
 * resilient_attempt_get_reason:
 * @self: an attempt
 *
 * Gets why it was the last attempt, or why there was another one.
 *
 * Returns: the rule that decided it
 *
 * Since: 1.0
 */
ResilientReason
resilient_attempt_get_reason (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_REASON_SUCCESS);

  return self->reason;
}

/**
 * resilient_attempt_dup_span_id:
 * @self: an attempt
 *
 * Gets the id of the span that the attempt was in its trace: what its `traceparent` header named
 * as the parent of whatever the server did.
 *
 * Returns: (transfer full) (nullable): 16 hexadecimal digits, or %NULL if the request was part of
 * no trace; see [method@Request.set_trace_parent]
 *
 * Since: 1.0
 */
char *
resilient_attempt_dup_span_id (ResilientAttempt *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->span_id != 0 ? g_strdup_printf ("%016" G_GINT64_MODIFIER "x", self->span_id) : NULL;
}
