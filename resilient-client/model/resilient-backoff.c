/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-backoff-private.h"

#include <math.h>

#include "resilient-random-private.h"

/* Capped exponential backoff. Full, equal and decorrelated jitter are those of Marc Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * The cap always comes before the draw. Cutting what was drawn would give all that is cut one
 * and the same delay, and clients that failed together would come back together: just what
 * jitter is there to prevent. */

double
resilient_backoff_nominal (ResilientRetryPolicy *policy, guint n)
{
  double base = resilient_retry_policy_get_base_delay (policy);
  double factor = resilient_retry_policy_get_backoff_factor (policy);
  double cap = resilient_retry_policy_get_max_delay (policy);
  double nominal;

  g_assert (n >= 1);

  /* pow() may well be infinite, and nothing times infinity is not a number. */
  if (base <= 0.0)
    return 0.0;

  nominal = base * pow (factor, (double) (n - 1));

  return MIN (nominal, cap);
}

double
resilient_backoff_draw (ResilientRetryPolicy *policy, guint n, double previous)
{
  double cap = resilient_retry_policy_get_max_delay (policy);
  double nominal = resilient_backoff_nominal (policy, n);
  double delay;

  switch (resilient_retry_policy_get_jitter_mode (policy))
    {
    case RESILIENT_JITTER_PROPORTIONAL:
      {
        double jitter = resilient_retry_policy_get_jitter (policy);
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
        double base = resilient_retry_policy_get_base_delay (policy);
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
