/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-circuit-policy.h"

G_BEGIN_DECLS

/* What a circuit policy is made of. It owns nothing; a breaker reads it without a lock, as a policy
 * never changes. Durations in seconds. */
typedef struct
{
  int failure_threshold;
  double failure_rate;
  int minimum_calls;
  double window;
  double recovery_timeout;
  int half_open_max_calls;
  double lease;
} ResilientCircuitPolicyValues;

/* INVALID_POLICY, with the field named, unless a policy can be made of these. */
gboolean
resilient_circuit_policy_values_check (const ResilientCircuitPolicyValues *values, GError **error);
/* Values are taken as they are: the builder has checked them. */
ResilientCircuitPolicy *
resilient_circuit_policy_new_from_values (const ResilientCircuitPolicyValues *values);
const ResilientCircuitPolicyValues *
resilient_circuit_policy_get_values (ResilientCircuitPolicy *self);

G_END_DECLS
