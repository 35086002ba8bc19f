/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The guard that keeps requests from an origin whose server has asked for a wait. It owns nothing:
 * the time is the origin's. Any thread. */

#include "config.h"

#include "resilient-hold-guard-private.h"

#include "resilient-clock-private.h"
#include "resilient-origin-guards-private.h"
#include "resilient-origin-private.h"
#include "resilient-random-private.h"

/* Each draws for itself when it may go after the time that all were told: M. Brooker, "Timeouts,
 * retries, and backoff with jitter", The Amazon Builders' Library. Requests that come after the
 * wait go at once. */
static ResilientGuardAnswer
check (ResilientGuard *self, ResilientOrigin *origin, gint64 *not_before, GError **error)
{
  gint64 until;
  double spread;

  if (!resilient_origin_guards_is_held (resilient_origin_get_guards (origin), &until, &spread))
    return RESILIENT_GUARD_ADMIT;

  *not_before = resilient_clock_add (until, resilient_random_range (0, spread));
  return RESILIENT_GUARD_NOT_BEFORE;
}

static void
hold_guard_free (ResilientGuard *self)
{
  g_free (self);
}

ResilientGuard *
resilient_hold_guard_new (void)
{
  static const ResilientGuardFuncs funcs = {
    .check = check,
    .free = hold_guard_free,
    .entry_size = sizeof (ResilientGuardEntry),
  };
  ResilientGuard *self = g_new0 (ResilientGuard, 1);

  self->funcs = &funcs;

  return self;
}
