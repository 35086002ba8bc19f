/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What can be asked of a request context. It is immutable: no function here changes or owns
 * anything. Any thread. */

#include "config.h"

#include "resilient-request-context-private.h"

#include "resilient-retry-policy-private.h"
#include "resilient-clock-private.h"

ResilientRetryPolicy *
resilient_request_context_peek_policy (ResilientRequestContext *self)
{
  ResilientRetryPolicy *policy = self->common->policy;

  return policy != NULL ? policy : resilient_retry_policy_get_default ();
}

double
resilient_request_context_get_previous_delay (ResilientRequestContext *self)
{
  return self->delay;
}

/**
 * resilient_request_context_get_request_id:
 * @self: a context
 *
 * Gets the id of the request.
 *
 * Returns: (transfer none): the id
 *
 * Since: 1.0
 */
const char *
resilient_request_context_get_request_id (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->common->request_id;
}

/**
 * resilient_request_context_get_policy:
 * @self: a context
 *
 * Gets the retry policy of the request.
 *
 * A context made without one has none until it is used: the contexts of events and results have the
 * policy that was in force.
 *
 * Returns: (transfer none) (nullable): the policy, or %NULL as long as none is known
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_request_context_get_policy (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->common->policy;
}

/**
 * resilient_request_context_get_max_retries:
 * @self: a context
 *
 * Gets how many retries its policy allows after the first attempt.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the number of retries, -1 for no limit
 *
 * Since: 1.0
 */
int
resilient_request_context_get_max_retries (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return resilient_retry_policy_get_max_retries (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_base_delay:
 * @self: a context
 *
 * Gets the delay that its policy has before the first retry, jitter aside.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_request_context_get_base_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_retry_policy_get_base_delay (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_backoff_factor:
 * @self: a context
 *
 * Gets by what its policy multiplies a delay from one retry to the next.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the factor, at least 1
 *
 * Since: 1.0
 */
double
resilient_request_context_get_backoff_factor (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 1.0);

  return resilient_retry_policy_get_backoff_factor (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_max_delay:
 * @self: a context
 *
 * Gets the longest delay of its policy.
 *
 * As long as no policy is known this answers for [func@RetryPolicy.get_default].
 *
 * Returns: the delay in seconds
 *
 * Since: 1.0
 */
double
resilient_request_context_get_max_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_retry_policy_get_max_delay (resilient_request_context_peek_policy (self));
}

/**
 * resilient_request_context_get_current_attempt:
 * @self: a context
 *
 * Gets the number of the attempt.
 *
 * Returns: the number, 0 for the first attempt, 1 for the first retry
 *
 * Since: 1.0
 */
guint
resilient_request_context_get_current_attempt (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->attempt;
}

/**
 * resilient_request_context_get_created_at:
 * @self: a context
 *
 * Gets the date of its creation.
 *
 * Contexts that were made from others keep the date of the first one.
 *
 * Returns: microseconds since 1970, UTC
 *
 * Since: 1.0
 */
gint64
resilient_request_context_get_created_at (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->common->created_at;
}

/**
 * resilient_request_context_get_metadata:
 * @self: a context
 *
 * Gets what the app attached to the request.
 *
 * Returns: (transfer none): a dictionary of type `a{sv}`, empty when there is none
 *
 * Since: 1.0
 */
GVariant *
resilient_request_context_get_metadata (ResilientRequestContext *self)
{
  static gsize none = 0;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->common->metadata != NULL)
    return self->common->metadata;

  if (g_once_init_enter (&none))
    {
      GVariant *empty = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

      g_once_init_leave (&none, (gsize) g_variant_ref_sink (empty));
    }

  return (GVariant *) none;
}

/**
 * resilient_request_context_get_elapsed_time:
 * @self: a context
 *
 * Gets how long ago it was created, as a span of real time: it counts while the machine is
 * suspended, and does not jump when the wall clock is set.
 *
 * Returns: seconds since the date of creation
 *
 * Since: 1.0
 */
double
resilient_request_context_get_elapsed_time (ResilientRequestContext *self)
{
  gint64 elapsed;

  g_return_val_if_fail (self != NULL, 0.0);

  elapsed = resilient_clock_get_boot () - self->common->created_boot;

  return resilient_clock_to_seconds (MAX (elapsed, 0));
}

/**
 * resilient_request_context_has_retries_left:
 * @self: a context
 *
 * Tells whether its policy allows an attempt of its number.
 *
 * Returns: %TRUE if the attempt may be made
 *
 * Since: 1.0
 */
gboolean
resilient_request_context_has_retries_left (ResilientRequestContext *self)
{
  int max_retries;

  g_return_val_if_fail (self != NULL, FALSE);

  max_retries = resilient_request_context_get_max_retries (self);

  return max_retries == -1 || self->attempt <= (guint) max_retries;
}

/**
 * resilient_request_context_calculate_delay:
 * @self: a context
 *
 * Draws a delay as there might be before the attempt of its number, see
 * [method@RetryPolicy.delay_for_attempt].
 *
 * Each call draws anew. Decorrelated jitter goes on from the delay before the attempt before.
 *
 * Returns: the delay in seconds, 0 for the first attempt
 *
 * Since: 1.0
 */
double
resilient_request_context_calculate_delay (ResilientRequestContext *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  if (self->attempt == 0)
    return 0.0;

  return resilient_retry_policy_draw_delay (
    resilient_request_context_peek_policy (self), self->attempt, self->delay_before);
}
