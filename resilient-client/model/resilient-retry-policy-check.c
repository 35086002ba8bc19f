/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Says what is wrong with the values of a retry policy, before one is made of them. Pure functions,
 * for any thread. */

#include "config.h"

#include "resilient-retry-policy-private.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

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
         && check_triggers (values, statuses, n_statuses, error);
}
