/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-policy-builder.h"

#include "resilient-retry-policy-private.h"

/**
 * ResilientRetryPolicyBuilder:
 *
 * Makes a [struct@RetryPolicy], starting from another one.
 *
 * The setters take any value. [method@RetryPolicyBuilder.build] checks all of them, so values from
 * outside, such as settings, can be passed as they are. A builder can build any number of policies.
 *
 * A builder is not thread-safe, the policies that it builds are. A copy of a builder is the same
 * builder.
 *
 * ```c
 * g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
 * g_autoptr (ResilientRetryPolicy) policy = NULL;
 *
 * resilient_retry_policy_builder_set_max_retries (builder, 5);
 * resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_FULL);
 * policy = resilient_retry_policy_builder_build (builder, &error);
 * ```
 *
 * Since: 1.0
 */
struct _ResilientRetryPolicyBuilder
{
  ResilientRetryPolicyValues values;
  GArray *statuses; /* guint16 */
};

G_DEFINE_BOXED_TYPE (ResilientRetryPolicyBuilder,
                     resilient_retry_policy_builder,
                     resilient_retry_policy_builder_ref,
                     resilient_retry_policy_builder_unref)

static void
clear_builder (gpointer data)
{
  ResilientRetryPolicyBuilder *self = data;

  g_array_unref (self->statuses);
}

/**
 * resilient_retry_policy_builder_new:
 * @base: (nullable): the policy to start from, or %NULL for [func@RetryPolicy.get_default]
 *
 * Creates a builder whose values are those of @base.
 *
 * Returns: (transfer full): a new builder
 *
 * Since: 1.0
 */
ResilientRetryPolicyBuilder *
resilient_retry_policy_builder_new (ResilientRetryPolicy *base)
{
  ResilientRetryPolicyBuilder *self;
  const guint16 *statuses;
  gsize n_statuses;

  if (base == NULL)
    base = resilient_retry_policy_get_default ();
  statuses = resilient_retry_policy_get_retry_statuses (base, &n_statuses);

  self = g_atomic_rc_box_new0 (ResilientRetryPolicyBuilder);
  self->values = *resilient_retry_policy_get_values (base);
  self->statuses = g_array_new (FALSE, FALSE, sizeof (guint16));
  g_array_append_vals (self->statuses, statuses, (guint) n_statuses);

  return self;
}

/**
 * resilient_retry_policy_builder_ref:
 * @self: a builder
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientRetryPolicyBuilder *
resilient_retry_policy_builder_ref (ResilientRetryPolicyBuilder *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_retry_policy_builder_unref:
 * @self: (transfer full): a builder
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_unref (ResilientRetryPolicyBuilder *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_builder);
}

/**
 * resilient_retry_policy_builder_set_max_retries:
 * @self: a builder
 * @max_retries: how many retries there may be after the first attempt, -1 for no limit
 *
 * Sets how many retries there may be.
 *
 * With 0 there is one attempt. With no limit, only a deadline or a cancellation ends a request that
 * keeps failing, and the base delay must be at least 0.01 seconds.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_max_retries (ResilientRetryPolicyBuilder *self, int max_retries)
{
  g_return_if_fail (self != NULL);

  self->values.max_retries = max_retries;
}

/**
 * resilient_retry_policy_builder_set_base_delay:
 * @self: a builder
 * @base_delay: a delay in seconds, not negative; at least 0.01 without a limit of retries
 *
 * Sets the delay before the first retry, jitter aside.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_base_delay (ResilientRetryPolicyBuilder *self, double base_delay)
{
  g_return_if_fail (self != NULL);

  self->values.base_delay = base_delay;
}

/**
 * resilient_retry_policy_builder_set_backoff_factor:
 * @self: a builder
 * @backoff_factor: a factor, at least 1
 *
 * Sets by what a delay is multiplied from one retry to the next.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_backoff_factor (ResilientRetryPolicyBuilder *self,
                                                   double backoff_factor)
{
  g_return_if_fail (self != NULL);

  self->values.backoff_factor = backoff_factor;
}

/**
 * resilient_retry_policy_builder_set_max_delay:
 * @self: a builder
 * @max_delay: a delay in seconds, at least the base delay
 *
 * Sets the longest delay that backoff and jitter may come to.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_max_delay (ResilientRetryPolicyBuilder *self, double max_delay)
{
  g_return_if_fail (self != NULL);

  self->values.max_delay = max_delay;
}

/**
 * resilient_retry_policy_builder_set_jitter_mode:
 * @self: a builder
 * @jitter_mode: how chance spreads the delays
 *
 * Sets how chance spreads the delays, see [method@RetryPolicy.delay_for_attempt].
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_jitter_mode (ResilientRetryPolicyBuilder *self,
                                                ResilientJitter jitter_mode)
{
  g_return_if_fail (self != NULL);

  self->values.jitter_mode = jitter_mode;
}

/**
 * resilient_retry_policy_builder_set_jitter:
 * @self: a builder
 * @jitter: a part, from 0 to 1
 *
 * Sets by which part of itself a delay may be shorter or longer under
 * %RESILIENT_JITTER_PROPORTIONAL.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_jitter (ResilientRetryPolicyBuilder *self, double jitter)
{
  g_return_if_fail (self != NULL);

  self->values.jitter = jitter;
}

/**
 * resilient_retry_policy_builder_set_retry_on:
 * @self: a builder
 * @retry_on: kinds of failure
 *
 * Sets the kinds of failure after which there may be a retry.
 *
 * There is no retry after %RESILIENT_FAILURE_CERTIFICATE, %RESILIENT_FAILURE_REDIRECT,
 * %RESILIENT_FAILURE_TOO_LARGE, %RESILIENT_FAILURE_QUEUE_TIMEOUT, %RESILIENT_FAILURE_OVERLOADED,
 * %RESILIENT_FAILURE_CLOSED, %RESILIENT_FAILURE_INVALID and %RESILIENT_FAILURE_CANCELLED: a policy
 * that has one of these can't be built.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_retry_on (ResilientRetryPolicyBuilder *self,
                                             ResilientFailure retry_on)
{
  g_return_if_fail (self != NULL);

  self->values.retry_on = retry_on;
}

/**
 * resilient_retry_policy_builder_set_retry_statuses:
 * @self: a builder
 * @statuses: (array length=n_statuses) (nullable): HTTP statuses from 400 to 599
 * @n_statuses: how many they are
 *
 * Sets the HTTP statuses that are failures to the policy, and after which there may be a retry.
 *
 * They have an effect only with %RESILIENT_FAILURE_STATUS among
 * [method@RetryPolicyBuilder.set_retry_on]. Status 500 is retried for safe methods only (RFC 9110,
 * 9.2.1), as nobody knows what had been done by then.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_retry_statuses (ResilientRetryPolicyBuilder *self,
                                                   const guint16 *statuses,
                                                   gsize n_statuses)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (statuses != NULL || n_statuses == 0);
  g_return_if_fail (n_statuses <= G_MAXUINT16);

  g_array_set_size (self->statuses, 0);
  if (n_statuses > 0)
    g_array_append_vals (self->statuses, statuses, n_statuses);
}

/**
 * resilient_retry_policy_builder_set_respect_retry_after:
 * @self: a builder
 * @respect_retry_after: whether to honour `Retry-After`
 *
 * Sets whether the wait that a server asks for by `Retry-After` is honoured (RFC 9110, 10.2.3).
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_respect_retry_after (ResilientRetryPolicyBuilder *self,
                                                        gboolean respect_retry_after)
{
  g_return_if_fail (self != NULL);

  self->values.respect_retry_after = respect_retry_after != FALSE;
}

/**
 * resilient_retry_policy_builder_set_shared_retry_after:
 * @self: a builder
 * @shared_retry_after: whether all requests to the origin wait
 *
 * Sets whether a 429 or 503 with `Retry-After` that a request gets holds back all requests to that
 * origin until the time it names: those that wait, those that sleep before a retry, and new ones,
 * whatever their policies are.
 *
 * Else each request finds out by itself, and is answered the same. The time is never shortened by a
 * later answer with a smaller wait, and is at most [method@RetryPolicy.get_max_retry_after] ahead.
 * When it is over the requests do not all go at once: each waits on for a time of its own, drawn
 * evenly from the next two seconds, or from a tenth of the wait where that is longer. The deadlines
 * of a request hold on. [property@Origin:held-until] tells of it.
 *
 * Nothing is shared where [method@RetryPolicy.get_respect_retry_after] is %FALSE.
 *
 * Why chance: clients that were turned away together come back together, and are turned away again;
 * see M. Brooker, *Timeouts, retries, and backoff with jitter*, The Amazon Builders' Library.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_shared_retry_after (ResilientRetryPolicyBuilder *self,
                                                       gboolean shared_retry_after)
{
  g_return_if_fail (self != NULL);

  self->values.shared_retry_after = shared_retry_after != FALSE;
}

/**
 * resilient_retry_policy_builder_set_max_retry_after:
 * @self: a builder
 * @max_retry_after: a wait in seconds, not negative
 *
 * Sets the longest wait that a server may ask for by `Retry-After`; when it asks for more there is
 * no retry.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_max_retry_after (ResilientRetryPolicyBuilder *self,
                                                    double max_retry_after)
{
  g_return_if_fail (self != NULL);

  self->values.max_retry_after = max_retry_after;
}

/**
 * resilient_retry_policy_builder_set_hedge_delay:
 * @self: a builder
 * @hedge_delay: a delay in seconds; 0, the default, for no hedges; -1 for one that follows how long
 *   the answers of each origin take
 *
 * Sets how long an attempt may be without an answer before another is made beside it.
 *
 * Such a hedge cuts off the few answers that take many times as long as the others: the first
 * answer that the policy accepts is taken, and the other attempts are given up at once. A good
 * delay is longer than 19 of 20 answers take. Hedging is described in Jeffrey Dean and Luiz André
 * Barroso, “The Tail at Scale”, Communications of the ACM, 2013, and in gRFC A6 of gRPC.
 *
 * With -1 the delay is the time within which 95 of 100 answers of the origin began that the policy
 * accepts, counted by its client from requests of such policies: the delay that the paper advises.
 * It is at least 0.001 s. There are no hedges until 20 answers came, and the count begins anew now
 * and then, so that the delay follows a server that becomes faster or slower.
 *
 * There are hedges only of what may be sent twice: idempotent requests (RFC 9110, 9.2.2, or by
 * [property@Request:idempotency] or a key) whose body, if any, can be sent again. A hedge needs a
 * slot that is free at that moment, and guards that admit it; it never waits for either. And each
 * attempt with a hedge delay to an origin earns a twentieth of a hedge, of which ten at most are
 * saved up: in the long run there are 5 for each 100 attempts.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_hedge_delay (ResilientRetryPolicyBuilder *self,
                                                double hedge_delay)
{
  g_return_if_fail (self != NULL);

  self->values.hedge_delay = hedge_delay;
}

/**
 * resilient_retry_policy_builder_set_hedge_max:
 * @self: a builder
 * @hedge_max: how many, at least 1, which is the default
 *
 * Sets how many hedges there may be beside an attempt, each after another
 * [method@RetryPolicyBuilder.set_hedge_delay].
 *
 * They do not count as attempts of the policy: after the last of them has failed there may be a
 * retry, which may be hedged again.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_builder_set_hedge_max (ResilientRetryPolicyBuilder *self, int hedge_max)
{
  g_return_if_fail (self != NULL);

  self->values.hedge_max = hedge_max;
}

/**
 * resilient_retry_policy_builder_build:
 * @self: a builder
 * @error: return location for an error
 *
 * Makes a policy of the values set so far.
 *
 * When they are out of range or contradict each other this fails with
 * %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message names the field.
 *
 * Returns: (transfer full): a new policy, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_builder_build (ResilientRetryPolicyBuilder *self, GError **error)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!resilient_retry_policy_values_check (
        &self->values, (const guint16 *) self->statuses->data, self->statuses->len, error))
    return NULL;

  return resilient_retry_policy_new_from_values (
    &self->values, (const guint16 *) self->statuses->data, self->statuses->len);
}
