/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The guard that takes tokens of rate limiters: of the origin's and of the client's. It owns
 * nothing; what it remembers of an attempt is its place in a line, or what it was given. Any
 * thread. */

#include "config.h"

#include "resilient-rate-guard-private.h"

#include "resilient-clock-private.h"
#include "resilient-origin-private.h"
#include "resilient-rate-limiter-private.h"
#include "resilient-retry-budget-private.h"

/* A token that a limiter put aside for who did not come at once is as old as this at most,
 * milliseconds: what was put aside while a thread did nothing must not be used all at once. */
#define MAX_AGE 100

#define N_LIMITERS 2

typedef struct _RateEntry RateEntry;

typedef struct
{
  ResilientRateTicket ticket; /* first */
  RateEntry *entry;
  ResilientRateLimiter *limiter; /* owned; NULL: no place, no token */
  gboolean taken;                /* a token, by us */
  gint moved;                    /* atomic; when it was told so, milliseconds that wrap; 0: never */
} RatePlace;

struct _RateEntry
{
  ResilientGuardEntry parent;
  RatePlace places[N_LIMITERS]; /* with the origin's limiter, and with the client's */
};

/* 0 is kept for never. */
static gint
get_milliseconds (void)
{
  return (gint) ((guint32) (resilient_clock_get_boot () / 1000) | 1);
}

static void
moved_cb (ResilientRateTicket *ticket)
{
  RatePlace *place = (RatePlace *) ticket;

  g_atomic_int_set (&place->moved, get_milliseconds ());
  resilient_guard_entry_ask_again (&place->entry->parent);
}

static void
hold_cb (ResilientRateTicket *ticket)
{
  resilient_guard_entry_hold (&((RatePlace *) ticket)->entry->parent);
}

static void
release_cb (ResilientRateTicket *ticket)
{
  resilient_guard_entry_release (&((RatePlace *) ticket)->entry->parent);
}

/* Out of the line, and back with a token that was not used. */
static void
give_up (RatePlace *place)
{
  g_autoptr (ResilientRateLimiter) limiter = g_steal_pointer (&place->limiter);

  if (limiter == NULL)
    return;
  if (place->taken)
    resilient_rate_limiter_give_back (limiter);
  else
    resilient_rate_limiter_withdraw (limiter, &place->ticket);
  place->taken = FALSE;
  g_atomic_int_set (&place->moved, 0);
}

/* Whether it comes late, after it was told to come. */
static gboolean
take_late (RatePlace *place)
{
  gint moved = g_atomic_int_and ((guint *) &place->moved, 0);

  return moved != 0 && (guint32) get_milliseconds () - (guint32) moved > MAX_AGE;
}

static gboolean
take (RateEntry *entry, RatePlace *place, ResilientRateLimiter *limiter, gint64 *not_before)
{
  if (place->limiter != limiter || take_late (place))
    give_up (place);
  if (limiter == NULL)
    return TRUE;

  if (place->limiter == NULL)
    {
      place->entry = entry;
      place->ticket.moved = moved_cb;
      place->ticket.hold = hold_cb;
      place->ticket.release = release_cb;
      /* Calls of another thread, even of one that is blocked, hold up nobody. */
      place->ticket.eager = TRUE;
      place->limiter = g_object_ref (limiter);
    }
  place->taken = resilient_rate_limiter_take (limiter, &place->ticket, not_before);
  return place->taken;
}

/* A limiter or a budget of values that are not valid, as g_object_new() makes them, admits nothing:
 * the error of the first request says what is wrong with it. */
static ResilientGuardAnswer
check (ResilientGuard *guard, ResilientOrigin *origin, gint64 *not_before, GError **error)
{
  g_autoptr (ResilientRetryBudget) budget =
    resilient_origin_guards_dup_budget (resilient_origin_get_guards (origin));
  ResilientRateLimiter *limiters[N_LIMITERS];
  ResilientGuardAnswer answer = RESILIENT_GUARD_ADMIT;

  resilient_origin_guards_dup_limiters (resilient_origin_get_guards (origin), limiters);
  for (guint i = 0; i < N_LIMITERS; i++)
    {
      if (limiters[i] != NULL && answer == RESILIENT_GUARD_ADMIT
          && !resilient_rate_limiter_check (limiters[i], error))
        answer = RESILIENT_GUARD_REFUSE;
      g_clear_object (&limiters[i]);
    }
  if (budget != NULL && answer == RESILIENT_GUARD_ADMIT
      && !resilient_retry_budget_check (budget, error))
    answer = RESILIENT_GUARD_REFUSE;
  return answer;
}

/* It stands in one line at a time: the head of a line that waits in another would hold up all that
 * stand behind it. And what the first has given goes back while it waits for the second: two tokens
 * that were given apart would be used together. */
static ResilientGuardAnswer
enter (ResilientGuard *guard,
       ResilientGuardEntry *parent,
       ResilientOrigin *origin,
       gint64 *not_before,
       GError **error)
{
  RateEntry *entry = (RateEntry *) parent;
  ResilientRateLimiter *limiters[N_LIMITERS];
  ResilientGuardAnswer answer = RESILIENT_GUARD_ADMIT;

  resilient_origin_guards_dup_limiters (resilient_origin_get_guards (origin), limiters);
  for (guint i = 0; i < N_LIMITERS && answer == RESILIENT_GUARD_ADMIT; i++)
    {
      if (take (entry, &entry->places[i], limiters[i], not_before))
        continue;
      answer = RESILIENT_GUARD_NOT_BEFORE;
      for (guint other = 0; other < N_LIMITERS; other++)
        {
          if (other != i)
            give_up (&entry->places[other]);
        }
    }
  for (guint i = 0; i < N_LIMITERS; i++)
    g_clear_object (&limiters[i]);

  return answer;
}

static void
leave (ResilientGuard *guard, ResilientGuardEntry *parent, ResilientGuardEnd end)
{
  RateEntry *entry = (RateEntry *) parent;

  for (guint i = 0; i < N_LIMITERS; i++)
    {
      RatePlace *place = &entry->places[i];

      /* what was used is gone, however it ended */
      if (end != RESILIENT_GUARD_END_UNUSED && place->taken)
        {
          place->taken = FALSE;
          g_clear_object (&place->limiter);
        }
      give_up (place);
    }
}

static void
rate_guard_free (ResilientGuard *self)
{
  g_free (self);
}

ResilientGuard *
resilient_rate_guard_new (void)
{
  static const ResilientGuardFuncs funcs = {
    .check = check,
    .enter = enter,
    .leave = leave,
    .free = rate_guard_free,
    .entry_size = sizeof (RateEntry),
  };
  ResilientGuard *self = g_new0 (ResilientGuard, 1);

  self->funcs = &funcs;

  return self;
}
