/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The type of a circuit policy: what is valid, and what there is in any case. What it owns never
 * changes. Any thread. */

#include "config.h"

#include "resilient-circuit-policy-private.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

/**
 * ResilientCircuitPolicy:
 *
 * When a circuit breaker opens, and how it finds out that it may close again.
 *
 * A policy is immutable and may be shared by any number of breakers, clients and threads. Copying
 * one is taking a reference. [struct@CircuitPolicyBuilder] makes new ones.
 *
 * | setting | default | what it says |
 * |---|---|---|
 * | failure threshold | 5 | so many failures in a row open the circuit |
 * | failure rate | 0.5 | or this part of the outcomes of the window |
 * | minimum calls | 10 | of which there must be so many |
 * | window | 60 s | how far back the failure rate looks |
 * | recovery timeout | 30 s | how long the circuit stays open at least |
 * | half-open max calls | 1 | so many probes are let through then, and all must succeed |
 * | lease | 60 s | how long a probe may take to report |
 *
 * Since: 1.0
 */
struct _ResilientCircuitPolicy
{
  ResilientCircuitPolicyValues values;
};

G_DEFINE_BOXED_TYPE (ResilientCircuitPolicy,
                     resilient_circuit_policy,
                     resilient_circuit_policy_ref,
                     resilient_circuit_policy_unref)

/* Small enough for an app with one user, whose calls are few: with the hundred calls in half a
 * minute that services ask for, its breakers would never open. */
static const ResilientCircuitPolicyValues default_values = {
  .failure_threshold = 5,
  .failure_rate = 0.5,
  .minimum_calls = 10,
  .window = 60.0,
  .recovery_timeout = 30.0,
  .half_open_max_calls = 1,
  .lease = 60.0,
};

static gboolean
check_count (const char *field, int value, GError **error)
{
  if (value >= 1)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: %s is the name of a field of a circuit policy, such as
                  minimum_calls. */
               _ ("Invalid circuit policy: %s must be at least 1, and is %d"),
               field,
               value);
  return FALSE;
}

/* Written so that NaN fails it, as the next one is. */
static gboolean
check_time (const char *field, double value, GError **error)
{
  if (isfinite (value) && value > 0.0)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: %s is the name of a field of a circuit policy, such as window. */
               _ ("Invalid circuit policy: %s must be a finite number, more than 0, and is %g"),
               field,
               value);
  return FALSE;
}

/* A rate of 0 is reached by successes alone: no circuit would ever stay closed. */
static gboolean
check_rate (const char *field, double value, GError **error)
{
  if (value > 0.0 && value <= 1.0)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: %s is the name of a field of a circuit policy, failure_rate. */
               _ ("Invalid circuit policy: %s must be more than 0 and at most 1, and is %g"),
               field,
               value);
  return FALSE;
}

gboolean
resilient_circuit_policy_values_check (const ResilientCircuitPolicyValues *values, GError **error)
{
  return check_count ("failure_threshold", values->failure_threshold, error)
         && check_rate ("failure_rate", values->failure_rate, error)
         && check_count ("minimum_calls", values->minimum_calls, error)
         && check_time ("window", values->window, error)
         && check_time ("recovery_timeout", values->recovery_timeout, error)
         && check_count ("half_open_max_calls", values->half_open_max_calls, error)
         && check_time ("lease", values->lease, error);
}

ResilientCircuitPolicy *
resilient_circuit_policy_new_from_values (const ResilientCircuitPolicyValues *values)
{
  ResilientCircuitPolicy *self = g_atomic_rc_box_new0 (ResilientCircuitPolicy);

  self->values = *values;
  return self;
}

const ResilientCircuitPolicyValues *
resilient_circuit_policy_get_values (ResilientCircuitPolicy *self)
{
  return &self->values;
}

/**
 * resilient_circuit_policy_get_default:
 *
 * Gets the policy of a breaker that was given none.
 *
 * Returns: (transfer none): the default policy
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_circuit_policy_get_default (void)
{
  static gsize policy = 0;

  if (g_once_init_enter (&policy))
    g_once_init_leave (&policy, (gsize) resilient_circuit_policy_new_from_values (&default_values));

  return (ResilientCircuitPolicy *) policy;
}

/**
 * resilient_circuit_policy_ref:
 * @self: a policy
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_circuit_policy_ref (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_circuit_policy_unref:
 * @self: (transfer full): a policy
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_circuit_policy_unref (ResilientCircuitPolicy *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release (self);
}

/**
 * resilient_circuit_policy_copy:
 * @self: a policy
 *
 * Copies a policy, which is taking a reference, as policies never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientCircuitPolicy *
resilient_circuit_policy_copy (ResilientCircuitPolicy *self)
{
  return resilient_circuit_policy_ref (self);
}

/**
 * resilient_circuit_policy_equal:
 * @self: a policy
 * @other: another policy
 *
 * Compares two policies by all of their settings.
 *
 * Returns: %TRUE if they say the same
 *
 * Since: 1.0
 */
gboolean
resilient_circuit_policy_equal (ResilientCircuitPolicy *self, ResilientCircuitPolicy *other)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (other != NULL, FALSE);

  return self->values.failure_threshold == other->values.failure_threshold
         && self->values.failure_rate == other->values.failure_rate
         && self->values.minimum_calls == other->values.minimum_calls
         && self->values.window == other->values.window
         && self->values.recovery_timeout == other->values.recovery_timeout
         && self->values.half_open_max_calls == other->values.half_open_max_calls
         && self->values.lease == other->values.lease;
}

/**
 * resilient_circuit_policy_get_failure_threshold:
 * @self: a policy
 *
 * Gets after how many failures in a row the circuit opens.
 *
 * Returns: a number of failures, at least 1
 *
 * Since: 1.0
 */
int
resilient_circuit_policy_get_failure_threshold (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->values.failure_threshold;
}

/**
 * resilient_circuit_policy_get_failure_rate:
 * @self: a policy
 *
 * Gets at which part of failures the circuit opens.
 *
 * Returns: a part, more than 0 and at most 1
 *
 * Since: 1.0
 */
double
resilient_circuit_policy_get_failure_rate (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.failure_rate;
}

/**
 * resilient_circuit_policy_get_minimum_calls:
 * @self: a policy
 *
 * Gets how many outcomes the window must have before their failure rate counts.
 *
 * Returns: a number of calls, at least 1
 *
 * Since: 1.0
 */
int
resilient_circuit_policy_get_minimum_calls (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->values.minimum_calls;
}

/**
 * resilient_circuit_policy_get_window:
 * @self: a policy
 *
 * Gets how far back the failure rate looks.
 *
 * Returns: a time in seconds, more than 0
 *
 * Since: 1.0
 */
double
resilient_circuit_policy_get_window (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.window;
}

/**
 * resilient_circuit_policy_get_recovery_timeout:
 * @self: a policy
 *
 * Gets how long the circuit stays open at least before it lets probes through.
 *
 * Returns: a time in seconds, more than 0
 *
 * Since: 1.0
 */
double
resilient_circuit_policy_get_recovery_timeout (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.recovery_timeout;
}

/**
 * resilient_circuit_policy_get_half_open_max_calls:
 * @self: a policy
 *
 * Gets how many probes are let through, all of which must succeed to close the circuit.
 *
 * Returns: a number of calls, at least 1
 *
 * Since: 1.0
 */
int
resilient_circuit_policy_get_half_open_max_calls (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->values.half_open_max_calls;
}

/**
 * resilient_circuit_policy_get_lease:
 * @self: a policy
 *
 * Gets how long a probe may take to report before its place is given to another one.
 *
 * Returns: a time in seconds, more than 0
 *
 * Since: 1.0
 */
double
resilient_circuit_policy_get_lease (ResilientCircuitPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.lease;
}
