/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The guard that finds out how many attempts the server of an origin takes at once. It measures,
 * the gate limits: so those that wait have their order and their priority, and are cancelled at
 * once, as in any other queue. It owns nothing; the limit is the origin's. Any thread. */

#include "config.h"

#include "resilient-concurrency-guard-private.h"

#include "resilient-debug-private.h"
#include "resilient-origin-private.h"

typedef struct
{
  ResilientGuardEntry parent;
  ResilientOrigin *origin; /* not owned: the admission has it */
  gboolean measured;       /* it is under way, and counts */
  ResilientConcurrencySample sample;
  guint status_code; /* 0: no answer yet */
} ConcurrencyEntry;

/* Of two threads the one with the older limit may be the last: it looks again. */
static void
apply (ResilientOrigin *origin)
{
  ResilientOriginGuards *guards = resilient_origin_get_guards (origin);
  ResilientSlots *slots = resilient_origin_get_slots (origin);
  guint limit;

  do
    {
      limit = resilient_origin_guards_take_concurrency (guards);
      resilient_slots_set_ceiling (slots, limit);
    }
  while (limit != resilient_origin_guards_take_concurrency (guards));

  if (G_UNLIKELY (resilient_debug_is_on ()))
    resilient_debug_write (resilient_origin_peek_key (origin), "takes %u at once", limit);
}

/* Before the first of them has a slot, or all that come together would. And when it is not wanted
 * any more. */
static ResilientGuardAnswer
check (ResilientGuard *guard, ResilientOrigin *origin, gint64 *not_before, GError **error)
{
  if (resilient_origin_guards_is_concurrency_due (resilient_origin_get_guards (origin)))
    apply (origin);
  return RESILIENT_GUARD_ADMIT;
}

static ResilientGuardAnswer
enter (ResilientGuard *guard,
       ResilientGuardEntry *parent,
       ResilientOrigin *origin,
       gint64 *not_before,
       GError **error)
{
  ((ConcurrencyEntry *) parent)->origin = origin;
  return RESILIENT_GUARD_ADMIT;
}

/* Not when it was admitted: an app may take its time to prepare it. */
static void
started (ResilientGuard *guard, ResilientGuardEntry *parent)
{
  ConcurrencyEntry *entry = (ConcurrencyEntry *) parent;
  gboolean changed;

  entry->status_code = 0;
  entry->measured = resilient_origin_guards_begin_attempt (
    resilient_origin_get_guards (entry->origin), &entry->sample, &changed);
  if (changed)
    apply (entry->origin);
}

static void
answered (ResilientGuard *guard, ResilientGuardEntry *parent, guint status_code)
{
  ConcurrencyEntry *entry = (ConcurrencyEntry *) parent;

  entry->status_code = status_code;
  if (entry->measured)
    resilient_origin_guards_answer_attempt (resilient_origin_get_guards (entry->origin),
                                            &entry->sample);
}

/* A server that fails may do so much faster than it works: that says nothing of how many it takes.
 */
static ResilientConcurrencyEnd
judge (ConcurrencyEntry *entry, ResilientGuardEnd end)
{
  if (end == RESILIENT_GUARD_END_SUCCESS)
    return RESILIENT_CONCURRENCY_END_ANSWERED;
  if (end != RESILIENT_GUARD_END_FAILURE)
    return RESILIENT_CONCURRENCY_END_IGNORED;
  if (entry->status_code == 429 || entry->status_code == 503)
    return RESILIENT_CONCURRENCY_END_TURNED_AWAY;
  return entry->status_code == 0 ? RESILIENT_CONCURRENCY_END_UNANSWERED
                                 : RESILIENT_CONCURRENCY_END_IGNORED;
}

static void
leave (ResilientGuard *guard, ResilientGuardEntry *parent, ResilientGuardEnd end)
{
  ConcurrencyEntry *entry = (ConcurrencyEntry *) parent;
  ResilientOriginGuards *guards = resilient_origin_get_guards (entry->origin);

  if (!entry->measured)
    return;

  entry->measured = FALSE;
  if (resilient_origin_guards_end_attempt (guards, &entry->sample, judge (entry, end))
      || resilient_origin_guards_is_concurrency_due (guards))
    apply (entry->origin);
}

static void
concurrency_guard_free (ResilientGuard *self)
{
  g_free (self);
}

ResilientGuard *
resilient_concurrency_guard_new (void)
{
  static const ResilientGuardFuncs funcs = {
    .check = check,
    .enter = enter,
    .leave = leave,
    .free = concurrency_guard_free,
    .entry_size = sizeof (ConcurrencyEntry),
    .started = started,
    .answered = answered,
  };
  ResilientGuard *self = g_new0 (ResilientGuard, 1);

  self->funcs = &funcs;

  return self;
}
