/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The type of a policy: what is valid, what there is in any case, and the delays that it draws.
 * What it owns never changes. Any thread. */

#include "config.h"

#include "resilient-retry-policy-private.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-random-private.h"

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
 * | `Retry-After` | ignored | honoured up to one hour, by all requests to the origin |
 * | hedges | none | none |
 *
 * A policy can't make the library send something twice that must not be sent twice: after a byte of
 * a request may have reached the server, only idempotent requests are repeated, whatever the policy
 * says. Likewise status 500 is retried for safe methods only.
 *
 * Since: 1.0
 */

struct _ResilientRetryPolicy
{
  ResilientRetryPolicyValues values;
  gsize n_statuses;
  guint16 statuses[]; /* ascending, each once */
};

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
  .shared_retry_after = FALSE,
  .hedge_delay = 0.0,
  .hedge_max = 1,
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
  .shared_retry_after = TRUE,
  .hedge_delay = 0.0,
  .hedge_max = 1,
};

static const guint16 standard_statuses[] = { 408, 425, 429, 500, 502, 503, 504 };

/* Only statuses of failure can be failures: RFC 9110, 15.5 and 15.6. */
#define FIRST_FAILURE_STATUS 400
#define LAST_FAILURE_STATUS 599

/* Every check is written so that NaN fails it. */
static gboolean
check_delay (const char *field, double value, GError **error)
{
  if (isfinite (value) && value >= 0.0)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: %s is the name of a field of a retry policy, such as base_delay. */
               _ ("Invalid retry policy: %s must be a finite number, at least 0, and is %g"),
               field,
               value);
  return FALSE;
}

static gboolean
check_delays (const ResilientRetryPolicyValues *values, GError **error)
{
  if (!check_delay ("base_delay", values->base_delay, error)
      || !check_delay ("max_delay", values->max_delay, error)
      || !check_delay ("max_retry_after", values->max_retry_after, error))
    return FALSE;

  if (!isfinite (values->backoff_factor) || values->backoff_factor < 1.0)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: %s is the name of a field, backoff_factor. */
                   _ ("Invalid retry policy: %s must be a finite number, at least 1, and is %g"),
                   "backoff_factor",
                   values->backoff_factor);
      return FALSE;
    }

  if (values->base_delay > values->max_delay)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: each %s is the name of a field, each %g seconds. */
                   _ ("Invalid retry policy: %s is %g s, more than %s, which is %g s"),
                   "base_delay",
                   values->base_delay,
                   "max_delay",
                   values->max_delay);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_pace (const ResilientRetryPolicyValues *values, GError **error)
{
  if (values->max_retries != -1 || values->base_delay >= RESILIENT_UNLIMITED_BASE_DELAY_MIN)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: the first %s is the name of a field, base_delay; each %g is seconds;
                  the second %s is the name of a field, max_retries. */
               _ ("Invalid retry policy: %s is %g s, and must be at least %g s when %s is -1, "
                  "no limit"),
               "base_delay",
               values->base_delay,
               RESILIENT_UNLIMITED_BASE_DELAY_MIN,
               "max_retries");
  return FALSE;
}

static gboolean
check_jitter (const ResilientRetryPolicyValues *values, GError **error)
{
  /* Through guint, so that negative values are too large. */
  if ((guint) values->jitter_mode > RESILIENT_JITTER_DECORRELATED)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: %s is the name of a field, jitter_mode. */
                   _ ("Invalid retry policy: %s is %d, which is not a known mode"),
                   "jitter_mode",
                   (int) values->jitter_mode);
      return FALSE;
    }

  if (!(values->jitter >= 0.0 && values->jitter <= 1.0))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: %s is the name of a field, jitter. */
                   _ ("Invalid retry policy: %s must be between 0 and 1, and is %g"),
                   "jitter",
                   values->jitter);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_hedges (const ResilientRetryPolicyValues *values, GError **error)
{
  if (values->hedge_delay != RESILIENT_HEDGE_DELAY_AUTOMATIC
      && !check_delay ("hedge_delay", values->hedge_delay, error))
    return FALSE;
  if (values->hedge_max >= 1)
    return TRUE;

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_POLICY,
               /* Translators: %s is the name of a field, hedge_max. */
               _ ("Invalid retry policy: %s must be at least 1, and is %d"),
               "hedge_max",
               values->hedge_max);
  return FALSE;
}

static gboolean
check_triggers (const ResilientRetryPolicyValues *values,
                const guint16 *statuses,
                gsize n_statuses,
                GError **error)
{
  guint unfit = (guint) values->retry_on & ~(guint) RESILIENT_FAILURE_RETRYABLE;

  if (unfit != 0)
    {
      g_autofree char *names = g_flags_to_string (RESILIENT_TYPE_FAILURE, unfit);

      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: the name of a field, retry_on, and a list of kinds of failure,
                      such as certificate|too-large. */
                   _ ("Invalid retry policy: %s has kinds of failure that can’t be retried: %s"),
                   "retry_on",
                   names);
      return FALSE;
    }

  for (gsize i = 0; i < n_statuses; i++)
    {
      if (statuses[i] < FIRST_FAILURE_STATUS || statuses[i] > LAST_FAILURE_STATUS)
        {
          g_set_error (
            error,
            RESILIENT_CLIENT_ERROR,
            RESILIENT_CLIENT_ERROR_INVALID_POLICY,
            /* Translators: %s is the name of a field, retry_statuses; %u an HTTP status. */
            _ ("Invalid retry policy: %s has %u, which is not between 400 and 599"),
            "retry_statuses",
            statuses[i]);
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
resilient_retry_policy_values_check (const ResilientRetryPolicyValues *values,
                                     const guint16 *statuses,
                                     gsize n_statuses,
                                     GError **error)
{
  if (values->max_retries < -1)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                   /* Translators: %s is the name of a field, max_retries. */
                   _ ("Invalid retry policy: %s must be at least -1, and is %d"),
                   "max_retries",
                   values->max_retries);
      return FALSE;
    }

  return check_delays (values, error) && check_pace (values, error) && check_jitter (values, error)
         && check_hedges (values, error) && check_triggers (values, statuses, n_statuses, error);
}

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

const ResilientRetryPolicyValues *
resilient_retry_policy_get_values (ResilientRetryPolicy *self)
{
  return &self->values;
}

/* Capped exponential backoff. Full, equal and decorrelated jitter are those of Marc Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * The cap always comes before the draw. Cutting what was drawn would give all that is cut one
 * and the same delay, and clients that failed together would come back together: just what
 * jitter is there to prevent. */

double
resilient_retry_policy_get_nominal_delay (ResilientRetryPolicy *self, guint n)
{
  double base = self->values.base_delay;
  double factor = self->values.backoff_factor;
  double cap = self->values.max_delay;
  double nominal;

  g_assert (n >= 1);

  /* pow() may well be infinite, and nothing times infinity is not a number. */
  if (base <= 0.0)
    return 0.0;

  nominal = base * pow (factor, (double) (n - 1));

  return MIN (nominal, cap);
}

double
resilient_retry_policy_draw_delay (ResilientRetryPolicy *self, guint n, double previous)
{
  double cap = self->values.max_delay;
  double nominal = resilient_retry_policy_get_nominal_delay (self, n);
  double delay;

  switch (self->values.jitter_mode)
    {
    case RESILIENT_JITTER_PROPORTIONAL:
      {
        double jitter = self->values.jitter;
        double centre = MIN (nominal, cap / (1.0 + jitter));

        delay = resilient_random_range (centre * (1.0 - jitter), centre * (1.0 + jitter));
      }
      break;

    case RESILIENT_JITTER_FULL:
      delay = resilient_random_range (0.0, nominal);
      break;

    case RESILIENT_JITTER_EQUAL:
      delay = nominal / 2.0 + resilient_random_range (0.0, nominal / 2.0);
      break;

    case RESILIENT_JITTER_DECORRELATED:
      {
        double base = self->values.base_delay;
        double last = MAX (previous, base);
        /* Written so that three times a huge delay does not overflow. */
        double high = last < cap / 3.0 ? 3.0 * last : cap;

        /* A cap equal to the base leaves no room: then this is the base, always. */
        delay = resilient_random_range (base, MAX (high, base));
      }
      break;

    case RESILIENT_JITTER_NONE:
    default:
      delay = nominal;
      break;
    }

  /* Only rounding can get here beyond the bounds. */
  return CLAMP (delay, 0.0, cap);
}

/**
 * resilient_retry_policy_new:
 * @max_retries: how many retries there may be after the first attempt, 0 for a single attempt, -1
 *   for no limit
 * @base_delay: the delay before the first retry in seconds, finite and not negative
 *
 * Creates the default policy with another number of retries and another base delay, both known to
 * be valid when the program is written: what is not is a programmer's error. For values from
 * outside there is [ctor@RetryPolicy.new_checked], which is what all languages but C get for this.
 *
 * When @base_delay is longer than the longest delay of the default policy, 30 seconds, then that is
 * raised to it, so that every delay is about as long as the first one.
 *
 * With no limit of retries, only a deadline or a cancellation ends a request that keeps failing,
 * and @base_delay must be at least 0.01 seconds: it alone keeps a request that fails at once from
 * being sent as fast as the machine can.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_new (int max_retries, double base_delay)
{
  g_return_val_if_fail (max_retries >= -1, NULL);
  g_return_val_if_fail (isfinite (base_delay) && base_delay >= 0.0, NULL);
  g_return_val_if_fail (max_retries != -1 || base_delay >= RESILIENT_UNLIMITED_BASE_DELAY_MIN,
                        NULL);

  return resilient_retry_policy_new_checked (max_retries, base_delay, NULL);
}

/**
 * resilient_retry_policy_new_checked: (rename-to resilient_retry_policy_new)
 * @max_retries: how many retries there may be after the first attempt, 0 for a single attempt, -1
 *   for no limit
 * @base_delay: the delay before the first retry in seconds, finite and not negative; at least 0.01
 *   with no limit of retries
 * @error: return location for an error
 *
 * Creates the default policy with another number of retries and another base delay.
 *
 * When @base_delay is longer than the longest delay of the default policy, 30 seconds, then that is
 * raised to it. What is not valid is %RESILIENT_CLIENT_ERROR_INVALID_POLICY with the name of the
 * value. A [struct@RetryPolicyBuilder] sets all the others.
 *
 * Returns: (transfer full): a new policy, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_retry_policy_new_checked (int max_retries, double base_delay, GError **error)
{
  ResilientRetryPolicyValues values = default_values;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  values.max_retries = max_retries;
  values.base_delay = base_delay;
  values.max_delay = MAX (values.max_delay, base_delay);
  if (!resilient_retry_policy_values_check (&values, NULL, 0, error))
    return NULL;

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
         && !a->shared_retry_after == !b->shared_retry_after
         && a->max_retry_after == b->max_retry_after && a->hedge_delay == b->hedge_delay
         && a->hedge_max == b->hedge_max && self->n_statuses == other->n_statuses
         && memcmp (self->statuses, other->statuses, self->n_statuses * sizeof *self->statuses)
              == 0;
}

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
 * resilient_retry_policy_get_shared_retry_after:
 * @self: a policy
 *
 * Gets whether a wait that a server asks for by `Retry-After` holds back all requests to it.
 *
 * See [method@RetryPolicyBuilder.set_shared_retry_after].
 *
 * Returns: %TRUE if it does
 *
 * Since: 1.0
 */
gboolean
resilient_retry_policy_get_shared_retry_after (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->values.shared_retry_after;
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

/**
 * resilient_retry_policy_get_hedge_delay:
 * @self: a policy
 *
 * Gets how long an attempt may be without an answer before another is made beside it, see
 * [method@RetryPolicyBuilder.set_hedge_delay].
 *
 * Returns: the delay in seconds, 0 when there are no hedges, -1 when it is automatic
 *
 * Since: 1.0
 */
double
resilient_retry_policy_get_hedge_delay (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->values.hedge_delay;
}

/**
 * resilient_retry_policy_get_hedge_max:
 * @self: a policy
 *
 * Gets how many hedges there may be beside an attempt, see
 * [method@RetryPolicyBuilder.set_hedge_max].
 *
 * Returns: the number, at least 1
 *
 * Since: 1.0
 */
int
resilient_retry_policy_get_hedge_max (ResilientRetryPolicy *self)
{
  g_return_val_if_fail (self != NULL, 1);

  return self->values.hedge_max;
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
    delay = resilient_retry_policy_draw_delay (self, attempt, delay);

  return delay;
}
