/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"

/* What an app sees of a call; any thread. */

/**
 * resilient_call_get_request_id:
 * @self: a call
 *
 * Gets the id of the request.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
resilient_call_get_request_id (ResilientCall *self)
{
  const char *id;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  resilient_call_lock (self);
  /* Every context of a call shares the one string of the id. */
  id = self->context != NULL ? resilient_request_context_get_request_id (self->context) : NULL;
  resilient_call_unlock (self);

  return id;
}

/**
 * resilient_call_get_context:
 * @self: a call
 *
 * Gets the context of the attempt that is being made, or that comes next.
 *
 * Returns: (transfer full): the context
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_call_get_context (ResilientCall *self)
{
  ResilientRequestContext *value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  resilient_call_lock (self);
  value = self->context != NULL ? resilient_request_context_ref (self->context) : NULL;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_result:
 * @self: a call
 *
 * Gets how the call ended.
 *
 * Returns: (nullable) (transfer full): the result, or %NULL until the call is done
 *
 * Since: 1.0
 */
ResilientResult *
resilient_call_get_result (ResilientCall *self)
{
  ResilientResult *value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), NULL);

  resilient_call_lock (self);
  value = self->result != NULL ? resilient_result_ref (self->result) : NULL;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_state:
 * @self: a call
 *
 * Gets where the request stands.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
ResilientCallState
resilient_call_get_state (ResilientCall *self)
{
  ResilientCallState value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), RESILIENT_CALL_STATE_DONE);

  resilient_call_lock (self);
  value = self->state;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_attempt:
 * @self: a call
 *
 * Gets the number of the newest attempt.
 *
 * Returns: the number, from 1; 0 while none was begun
 *
 * Since: 1.0
 */
guint
resilient_call_get_attempt (ResilientCall *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  value = self->attempts;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_max_attempts:
 * @self: a call
 *
 * Gets how many attempts the policy of the call allows.
 *
 * Returns: the number; 0 = no limit
 *
 * Since: 1.0
 */
guint
resilient_call_get_max_attempts (ResilientCall *self)
{
  int max_retries = -1;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  if (self->context != NULL)
    max_retries = resilient_request_context_get_max_retries (self->context);
  resilient_call_unlock (self);

  return (guint) max_retries + 1;
}

/**
 * resilient_call_get_failure:
 * @self: a call
 *
 * Gets the kind of the last failed attempt, or how the call failed.
 *
 * Returns: the kind; %RESILIENT_FAILURE_NONE while nothing failed
 *
 * Since: 1.0
 */
ResilientFailure
resilient_call_get_failure (ResilientCall *self)
{
  ResilientFailure value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), RESILIENT_FAILURE_NONE);

  resilient_call_lock (self);
  value = self->failure;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_status_code:
 * @self: a call
 *
 * Gets the last HTTP status received, redirects that were followed left out.
 *
 * Returns: the status; 0 = none yet
 *
 * Since: 1.0
 */
guint
resilient_call_get_status_code (ResilientCall *self)
{
  guint value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  value = self->status_code;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_bytes_sent:
 * @self: a call
 *
 * Gets how much of the body was handed to the network in this attempt.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
gint64
resilient_call_get_bytes_sent (ResilientCall *self)
{
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  value = self->bytes_sent;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_bytes_received:
 * @self: a call
 *
 * Gets how much of the body was received in this attempt, before decoding.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
gint64
resilient_call_get_bytes_received (ResilientCall *self)
{
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  value = self->bytes_received;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_upload_size:
 * @self: a call
 *
 * Gets the size of the body to send.
 *
 * Returns: bytes; -1 = unknown
 *
 * Since: 1.0
 */
gint64
resilient_call_get_upload_size (ResilientCall *self)
{
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), -1);

  resilient_call_lock (self);
  value = self->upload_size;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_download_size:
 * @self: a call
 *
 * Gets the size of the body to receive, as the peer announced it.
 *
 * Returns: bytes; -1 = unknown
 *
 * Since: 1.0
 */
gint64
resilient_call_get_download_size (ResilientCall *self)
{
  gint64 value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), -1);

  resilient_call_lock (self);
  value = self->download_size;
  resilient_call_unlock (self);

  return value;
}

/**
 * resilient_call_get_priority:
 * @self: a call
 *
 * Gets the priority among the calls that wait for a slot.
 *
 * Returns: the priority; lower goes first
 *
 * Since: 1.0
 */
int
resilient_call_get_priority (ResilientCall *self)
{
  int value;

  g_return_val_if_fail (RESILIENT_IS_CALL (self), 0);

  resilient_call_lock (self);
  value = self->priority;
  resilient_call_unlock (self);

  return value;
}
