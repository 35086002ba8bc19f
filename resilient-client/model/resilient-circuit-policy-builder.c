/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-policy-builder.h"

#include "resilient-circuit-policy-private.h"

/**
 * ResilientCircuitPolicyBuilder:
 *
 * Makes a [struct@CircuitPolicy], starting from another one.
 *
 * The setters take any value. [method@CircuitPolicyBuilder.build] checks all of them, so values
 * from outside, such as settings, can be passed as they are. A builder can build any number of
 * policies.
 *
 * A builder is not thread-safe, the policies that it builds are. A copy of a builder is the same
 * builder.
 *
 * ```c
 * g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
 * g_autoptr (ResilientCircuitPolicy) policy = NULL;
 *
 * resilient_circuit_policy_builder_set_failure_threshold (builder, 3);
 * resilient_circuit_policy_builder_set_recovery_timeout (builder, 10.0);
 * policy = resilient_circuit_policy_builder_build (builder, &error);
 * ```
 *
 * Since: 1.0
 */
struct _ResilientCircuitPolicyBuilder
{
  ResilientCircuitPolicyValues values;
};

G_DEFINE_BOXED_TYPE (ResilientCircuitPolicyBuilder,
                     resilient_circuit_policy_builder,
                     resilient_circuit_policy_builder_ref,
                     resilient_circuit_policy_builder_unref)

/**
 * resilient_circuit_policy_builder_new:
 * @base: (nullable): the policy to start from, or %NULL for [func@CircuitPolicy.get_default]
 *
 * Creates a builder whose values are those of @base.
 *
 * Returns: (transfer full): a new builder
 *
 * Since: 1.0
 */
ResilientCircuitPolicyBuilder *
resilient_circuit_policy_builder_new (ResilientCircuitPolicy *base)
{
  ResilientCircuitPolicyBuilder *self = g_atomic_rc_box_new0 (ResilientCircuitPolicyBuilder);

  if (base == NULL)
    base = resilient_circuit_policy_get_default ();
  self->values = *resilient_circuit_policy_get_values (base);

  return self;
}

/**
 * resilient_circuit_policy_builder_ref:
 * @self: a builder
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientCircuitPolicyBuilder *
resilient_circuit_policy_builder_ref (ResilientCircuitPolicyBuilder *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_circuit_policy_builder_unref:
 * @self: (transfer full): a builder
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_unref (ResilientCircuitPolicyBuilder *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release (self);
}

/**
 * resilient_circuit_policy_builder_set_failure_threshold:
 * @self: a builder
 * @failure_threshold: a number of failures, at least 1
 *
 * Sets after how many failures in a row the circuit opens.
 *
 * A success begins the count anew. To have only the failure rate decide, set `G_MAXINT`.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_failure_threshold (ResilientCircuitPolicyBuilder *self,
                                                        int failure_threshold)
{
  g_return_if_fail (self != NULL);

  self->values.failure_threshold = failure_threshold;
}

/**
 * resilient_circuit_policy_builder_set_failure_rate:
 * @self: a builder
 * @failure_rate: a part, more than 0 and at most 1
 *
 * Sets at which part of failures among the outcomes of the window the circuit opens.
 *
 * It counts only with at least as many outcomes as [method@CircuitPolicyBuilder.set_minimum_calls]
 * says. To have only failures in a row decide, set `G_MAXINT` there.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_failure_rate (ResilientCircuitPolicyBuilder *self,
                                                   double failure_rate)
{
  g_return_if_fail (self != NULL);

  self->values.failure_rate = failure_rate;
}

/**
 * resilient_circuit_policy_builder_set_minimum_calls:
 * @self: a builder
 * @minimum_calls: a number of calls, at least 1
 *
 * Sets how many outcomes the window must have before their failure rate counts.
 *
 * A few calls say little about a rate: the first failure would be a rate of 1.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_minimum_calls (ResilientCircuitPolicyBuilder *self,
                                                    int minimum_calls)
{
  g_return_if_fail (self != NULL);

  self->values.minimum_calls = minimum_calls;
}

/**
 * resilient_circuit_policy_builder_set_window:
 * @self: a builder
 * @window: a time in seconds, more than 0
 *
 * Sets how far back the failure rate looks.
 *
 * The window slides by a sixtieth of its length at a time, so that its memory does not depend on
 * how many calls there are.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_window (ResilientCircuitPolicyBuilder *self, double window)
{
  g_return_if_fail (self != NULL);

  self->values.window = window;
}

/**
 * resilient_circuit_policy_builder_set_recovery_timeout:
 * @self: a builder
 * @recovery_timeout: a time in seconds, more than 0
 *
 * Sets how long the circuit stays open at least before it lets probes through.
 *
 * It stays open up to a fifth longer, by chance, so that clients which failed together do not come
 * back together. Each time that the probes fail the time is doubled, up to five minutes unless
 * @recovery_timeout is longer, and it is back at @recovery_timeout after the circuit has closed.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_recovery_timeout (ResilientCircuitPolicyBuilder *self,
                                                       double recovery_timeout)
{
  g_return_if_fail (self != NULL);

  self->values.recovery_timeout = recovery_timeout;
}

/**
 * resilient_circuit_policy_builder_set_half_open_max_calls:
 * @self: a builder
 * @half_open_max_calls: a number of calls, at least 1
 *
 * Sets how many probes are let through when the circuit is half-open.
 *
 * All of them must succeed to close the circuit; the first that fails opens it again.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_half_open_max_calls (ResilientCircuitPolicyBuilder *self,
                                                          int half_open_max_calls)
{
  g_return_if_fail (self != NULL);

  self->values.half_open_max_calls = half_open_max_calls;
}

/**
 * resilient_circuit_policy_builder_set_lease:
 * @self: a builder
 * @lease: a time in seconds, more than 0
 *
 * Sets how long a probe may take to report.
 *
 * A probe that has not reported by then lost its place to the next one, without a verdict: a call
 * that hangs, or was forgotten, can’t keep the circuit half-open for ever. Make it longer than the
 * longest call.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_builder_set_lease (ResilientCircuitPolicyBuilder *self, double lease)
{
  g_return_if_fail (self != NULL);

  self->values.lease = lease;
}

/**
 * resilient_circuit_policy_builder_build:
 * @self: a builder
 * @error: return location for an error
 *
 * Makes a policy of the values set so far.
 *
 * When one is out of range this fails with %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message
 * names the field.
 *
 * Returns: (transfer full): a new policy, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_circuit_policy_builder_build (ResilientCircuitPolicyBuilder *self, GError **error)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!resilient_circuit_policy_values_check (&self->values, error))
    return NULL;

  return resilient_circuit_policy_new_from_values (&self->values);
}
