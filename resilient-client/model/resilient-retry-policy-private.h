/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-retry-policy.h"

G_BEGIN_DECLS

/* What a policy is made of, but for its statuses. Durations in seconds. */
typedef struct
{
  int max_retries;
  double base_delay;
  double backoff_factor;
  double max_delay;
  ResilientJitter jitter_mode;
  double jitter;
  ResilientFailure retry_on;
  gboolean respect_retry_after;
  double max_retry_after;
  gboolean shared_retry_after;
  double hedge_delay; /* 0: no hedges; RESILIENT_HEDGE_DELAY_AUTOMATIC */
  int hedge_max;
} ResilientRetryPolicyValues;

/* In place of a delay: what answers of the origin take. */
#define RESILIENT_HEDGE_DELAY_AUTOMATIC (-1.0)

/* Without a limit of retries nothing else keeps a request that fails at once from being sent as
 * fast as the machine can. In seconds. */
#define RESILIENT_UNLIMITED_BASE_DELAY_MIN 0.01

/* The kinds that another attempt may cure. The others have the same end every time (CERTIFICATE,
 * REDIRECT, TOO_LARGE, INVALID), or end the request whatever a policy says (QUEUE_TIMEOUT,
 * OVERLOADED, CLOSED, CANCELLED). */
#define RESILIENT_FAILURE_RETRYABLE                                                                \
  (RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS                   \
   | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT                           \
   | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_DISCONNECT | RESILIENT_FAILURE_STATUS      \
   | RESILIENT_FAILURE_PROTOCOL | RESILIENT_FAILURE_DEADLINE)

/* INVALID_POLICY, with the field named, unless a policy can be made of these. */
gboolean resilient_retry_policy_values_check (const ResilientRetryPolicyValues *values,
                                              const guint16 *statuses,
                                              gsize n_statuses,
                                              GError **error);
/* Values are taken as they are: the builder has checked them. @statuses may come in any order and
 * twice. */
ResilientRetryPolicy *
resilient_retry_policy_new_from_values (const ResilientRetryPolicyValues *values,
                                        const guint16 *statuses,
                                        gsize n_statuses);
const ResilientRetryPolicyValues *resilient_retry_policy_get_values (ResilientRetryPolicy *self);
gboolean resilient_retry_policy_has_status (ResilientRetryPolicy *self, guint status_code);

/* base × factor^(n − 1), saturating at the policy's cap; seconds; n ≥ 1. */
double resilient_retry_policy_get_nominal_delay (ResilientRetryPolicy *self, guint n);
/* The delay before the n-th retry, drawn; @previous is the last delay drawn (0 = none), for
 * decorrelated jitter. */
double resilient_retry_policy_draw_delay (ResilientRetryPolicy *self, guint n, double previous);

G_END_DECLS
