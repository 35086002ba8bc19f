/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-policy-private.h"

#include <math.h>
#include <string.h>

#include "resilient-backoff-private.h"

/**
 * ResilientRetryPolicy:
 *
 * When a request is tried again, how often and after how long.
 *
 * A policy is immutable and may be shared by any number of requests, contexts, clients and threads.
 * Copying one is taking a reference. [struct@RetryPolicyBuilder] makes new ones.
 *
 * Two policies are always there:
 *
 * | | [func@RetryPolicy.get_default] | [func@RetryPolicy.get_standard] |
 * |---|---|---|
 * | retries | 2 | 3 |
 * | base delay, factor, longest delay | 1 s, ×2, 30 s | 0.5 s, ×2, 30 s |
 * | jitter | proportional, 0.2 | full |
 * | retried failures, where nothing had been sent | resolve, connect, tls | the same, connect-timeout |
 * | other retried failures | none | disconnect, read-timeout, write-timeout, status |
 * | retried statuses | none | 408, 425, 429, 500, 502, 503, 504 |
 * | `Retry-After` | ignored | honoured up to one hour |
 *
 * A policy can't make the library send something twice that must not be sent twice: after a byte of
 * a request may have reached the server, only idempotent requests are repeated, whatever the policy
 * says. Likewise status 500 is retried for safe methods only.
 *
 * Since: 1.0
 */

G_DEFINE_BOXED_TYPE (ResilientRetryPolicy,
                     resilient_retry_policy,
                     resilient_retry_policy_ref,
                     resilient_retry_policy_unref)

#define NOTHING_SENT (RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS)

static const ResilientRetryPolicyValues default_values = {
  .max_retries = 2,
  .base_delay = 1.0,
  .backoff_factor = 2.0,
  .max_delay = 30.0,
  .jitter_mode = RESILIENT_JITTER_PROPORTIONAL,
  .jitter = 0.2,
  .retry_on = NOTHING_SENT,
  .respect_retry_after = FALSE,
  .max_retry_after = 3600.0,
};

static const ResilientRetryPolicyValues standard_values = {
  .max_retries = 3,
  .base_delay = 0.5,
  .backoff_factor = 2.0,
  .max_delay = 30.0,
  .jitter_mode = RESILIENT_JITTER_FULL,
  .jitter = 0.2, /* not used by full jitter; what a builder that changes the mode starts from */
  .retry_on = NOTHING_SENT | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_DISCONNECT
              | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
              | RESILIENT_FAILURE_STATUS,
  .respect_retry_after = TRUE,
  .max_retry_after = 3600.0,
};

static const guint16 standard_statuses[] = { 408, 425, 429, 500, 502, 503, 504 };

static int
compare_statuses (const void *a, const void *b)
{
  return (int) *(const guint16 *) a - (int) *(const guint16 *) b;
}

ResilientRetryPolicy *
resilient_retry_policy_new_from_values (const ResilientRetryPolicyValues *values,
                                        const guint16 *statuses,
                                        gsize n_statuses)
{
  ResilientRetryPolicy *self;

  self = g_atomic_rc_box_alloc0 (sizeof *self + n_statuses * sizeof *statuses);
  self->values = *values;

  if (n_statuses > 0)
    {
      memcpy (self->statuses, statuses, n_statuses * sizeof *statuses);
      qsort (self->statuses, n_statuses, sizeof *statuses, compare_statuses);

      self->n_statuses = 1;
      for (gsize i = 1; i < n_statuses; i++)
        {
          if (self->statuses[i] != self->statuses[self->n_statuses - 1])
            self->statuses[self->n_statuses++] = self->statuses[i];
        }
    }

  return self;
}

gboolean
resilient_retry_policy_has_status (ResilientRetryPolicy *self, guint status_code)
{
  for (gsize i = 0; i < self->n_statuses; i++)
    {
      if (self->statuses[i] == status_code)
        return TRUE;
    }

  return FALSE;
}

/**
 * resilient_retry_policy_new:
 * @max_retries: how many retries there may be after the first attempt, 0 for a single attempt, -1
 *   for no limit
 * @base_delay: the delay before the first retry in seconds, finite and not negative
 *
 * Creates the default policy with another number of retries and another base delay.
 *
 * When @base_delay is longer than the longest delay of the default policy, 30 seconds, then that is
 * raised to it, so that every delay is about as long as the first one.
 *
 * With no limit of retries, only a deadline or a cancellation ends a request that keeps failing,
 * and
 * @base_delay must be at least 0.01 seconds: it alone keeps a request that fails at once from being
 * sent as fast as the machine can.
 *
 * Values out of range are a programmer's error. Use a [struct@RetryPolicyBuilder] for values from
 * outside, such as settings.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_new (int max_retries, double base_delay)
{
  ResilientRetryPolicyValues values = default_values;

  g_return_val_if_fail (max_retries >= -1, NULL);
  g_return_val_if_fail (isfinite (base_delay) && base_delay >= 0.0, NULL);
  g_return_val_if_fail (max_retries != -1 || base_delay >= RESILIENT_UNLIMITED_BASE_DELAY_MIN,
                        NULL);

  values.max_retries = max_retries;
  values.base_delay = base_delay;
  values.max_delay = MAX (values.max_delay, base_delay);

  return resilient_retry_policy_new_from_values (&values, NULL, 0);
}

/**
 * resilient_retry_policy_get_default:
 *
 * Gets the policy that is in force where none was set.
 *
 * It makes at most 3 attempts, and only after failures before which nothing of the request had been
 * sent, so it is right for every request. Answers of any status are answers to it, not failures.
 *
 * Returns: (transfer none): the default policy
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_get_default (void)
{
  static gsize policy = 0;

  if (g_once_init_enter (&policy))
    {
      ResilientRetryPolicy *new_policy;

      new_policy = resilient_retry_policy_new_from_values (&default_values, NULL, 0);
      g_once_init_leave (&policy, (gsize) new_policy);
    }

  return (ResilientRetryPolicy *) policy;
}

/**
 * resilient_retry_policy_get_standard:
 *
 * Gets the policy that is recommended for HTTP APIs.
 *
 * It makes at most 4 attempts, also after a lost connection, a time-out or a status that says that
 * the server can't answer now, and waits as long as the server's `Retry-After` asks for.
 *
 * Returns: (transfer none): the standard policy
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_get_standard (void)
{
  static gsize policy = 0;

  if (g_once_init_enter (&policy))
    {
      ResilientRetryPolicy *standard;

      standard = resilient_retry_policy_new_from_values (
        &standard_values, standard_statuses, G_N_ELEMENTS (standard_statuses));
      g_once_init_leave (&policy, (gsize) standard);
    }

  return (ResilientRetryPolicy *) policy;
}

/**
 * resilient_retry_policy_ref:
 * @self: a policy
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_ref (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_retry_policy_unref:
 * @self: (transfer full): a policy
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_retry_policy_unref (ResilientRetryPolicy *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release (self);
}

/**
 * resilient_retry_policy_copy:
 * @self: a policy
 *
 * Copies a policy, which is taking a reference, as policies never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_copy (ResilientRetryPolicy *self)
{
  return resilient_retry_policy_ref (self);
}

/**
 * resilient_retry_policy_equal:
 * @self: a policy
 * @other: another policy
 *
 * Compares two policies by their values.
 *
 * Returns: %TRUE if all their values are equal
 *
 * Since: 1.0
 */
gboolean
resilient_retry_policy_equal (ResilientRetryPolicy *self, ResilientRetryPolicy *other)
{
  const ResilientRetryPolicyValues *a, *b;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (other != NULL, FALSE);

  if (self == other)
    return TRUE;

  a = &self->values;
  b = &other->values;

  /* Member by member: between them the structs may hold bytes of no meaning. */
  return a->max_retries == b->max_retries && a->base_delay == b->base_delay
         && a->backoff_factor == b->backoff_factor && a->max_delay == b->max_delay
         && a->jitter_mode == b->jitter_mode && a->jitter == b->jitter && a->retry_on == b->retry_on
         && !a->respect_retry_after == !b->respect_retry_after
         && a->max_retry_after == b->max_retry_after && self->n_statuses == other->n_statuses
         && memcmp (self->statuses, other->statuses, self->n_statuses * sizeof *self->statuses)
              == 0;
}

/**
 * resilient_retry_policy_delay_for_attempt:
 * @self: a policy
 * @attempt: the number of the retry, 1 for the first one
 *
 * Draws a delay as there might be before an attempt.
 *
 * The delay grows as base × factor^(@attempt - 1) up to [method@RetryPolicy.get_max_delay], with
 * *m* being the smaller of both spread by chance:
 *
 * | jitter | delay |
 * |---|---|
 * | none | *m* |
 * | proportional | *c* × U(1 − *j*, 1 + *j*) |
 * | full | U(0, *m*) |
 * | equal | *m* / 2 + U(0, *m* / 2) |
 * | decorrelated | U(base, 3 × the delay before), the upper bound never above the longest delay |
 *
 * where *j* is the jitter, and *c* the smaller of *m* and longest / (1 + *j*).
 *
 * The last three are those of Marc Brooker, [Exponential Backoff And
 * Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). As
 * decorrelated jitter goes on from the delay before, this draws the delays of the attempts before
 * too. To follow one request, use [method@RequestContext.calculate_delay].
 *
 * Each call draws anew. Before attempt 0, the first of a request, there is no delay.
 *
 * Returns: the delay in seconds, never negative nor above the longest delay
 *
 * Since: 1.0
 */
double
resilient_retry_policy_delay_for_attempt (ResilientRetryPolicy *self, guint attempt)
{
  /* How many earlier delays a decorrelated one is drawn from at most. The chain has long
   * forgotten its start by then. */
  const guint max_history = 64;
  double delay = 0.0;
  guint steps = 1;

  g_return_val_if_fail (self != NULL, 0.0);

  if (attempt == 0)
    return 0.0;

  if (self->values.jitter_mode == RESILIENT_JITTER_DECORRELATED)
    steps = MIN (attempt, max_history);

  for (guint i = 0; i < steps; i++)
    delay = resilient_backoff_draw (self, attempt, delay);

  return delay;
}
