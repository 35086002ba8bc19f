/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What can be asked of a retry policy. It is immutable: no function here changes or owns anything.
 * Any thread. */

#include "config.h"

#include "resilient-retry-policy-private.h"

/**
 * resilient_retry_policy_get_max_retries:
 * @self: a policy
 *
 * Gets how many retries there may be after the first attempt.
 *
 * Returns: the number of retries, -1 for no limit
 *
 * Since: 1.0
 */
int
resilient_retry_policy_get_max_retries (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->values.max_retries;
}

/**
 * resilient_retry_policy_get_base_delay:
 * @self: a policy
 *
 * Gets the delay before the first retry, jitter aside.
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_base_delay (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.base_delay;
}

/**
 * resilient_retry_policy_get_backoff_factor:
 * @self: a policy
 *
 * Gets by what a delay is multiplied from one retry to the next.
 *
 * Returns: the factor, at least 1
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_backoff_factor (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 1.0);

  return self->values.backoff_factor;
}

/**
 * resilient_retry_policy_get_max_delay:
 * @self: a policy
 *
 * Gets the longest delay that backoff and jitter may come to.
 *
 * Only a server's `Retry-After` may ask for more, see [method@RetryPolicy.get_max_retry_after].
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_max_delay (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.max_delay;
}

/**
 * resilient_retry_policy_get_jitter_mode:
 * @self: a policy
 *
 * Gets how chance spreads the delays.
 *
 * Returns: the mode
 *
 * Since: 1.0
 */
ResilientJitter
resilient_retry_policy_get_jitter_mode (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_JITTER_NONE);

  return self->values.jitter_mode;
}

/**
 * resilient_retry_policy_get_jitter:
 * @self: a policy
 *
 * Gets by which part of itself a delay may be shorter or longer under
 * %RESILIENT_JITTER_PROPORTIONAL.
 *
 * The other modes don't use it.
 *
 * Returns: the part, from 0 to 1
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_jitter (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.jitter;
}

/**
 * resilient_retry_policy_get_retry_on:
 * @self: a policy
 *
 * Gets the kinds of failure after which there may be a retry.
 *
 * Returns: the kinds
 *
 * Since: 1.0
 */
ResilientFailure
resilient_retry_policy_get_retry_on (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_FAILURE_NONE);

  return self->values.retry_on;
}

/**
 * resilient_retry_policy_get_retry_statuses:
 * @self: a policy
 * @n_statuses: (out) (optional): return location for how many they are
 *
 * Gets the HTTP statuses that are failures to this policy, and after which there may be a retry.
 *
 * They have an effect only when %RESILIENT_FAILURE_STATUS is among
 * [method@RetryPolicy.get_retry_on].
 *
 * Returns: (transfer none) (array length=n_statuses): the statuses, ascending, each once; valid as
 *   long as the policy
 *
 * Since: 1.0
 */
const guint16 *
resilient_retry_policy_get_retry_statuses (ResilientRetryPolicy *self, gsize *n_statuses)
{
  if (n_statuses != NULL)
    *n_statuses = 0;

  g_return_val_if_fail (self != NULL, NULL);

  if (n_statuses != NULL)
    *n_statuses = self->n_statuses;

  return self->statuses;
}

/**
 * resilient_retry_policy_get_respect_retry_after:
 * @self: a policy
 *
 * Gets whether the wait that a server asks for by `Retry-After` is honoured.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
resilient_retry_policy_get_respect_retry_after (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->values.respect_retry_after;
}

/**
 * resilient_retry_policy_get_max_retry_after:
 * @self: a policy
 *
 * Gets the longest wait that a server may ask for by `Retry-After`.
 *
 * When a server asks for more there is no retry: the request ends with the response, from which the
 * wait can be read, see [method@Response.get_retry_after].
 *
 * Returns: the wait in seconds
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_max_retry_after (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.max_retry_after;
}
