/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the rest of the library takes tokens of a rate limiter: by tickets that stand in its line,
 * each embedded in whoever waits. The limiter has no timer: a ticket is told when to ask again.
 * Any thread. */

#pragma once

#include "resilient-rate-limit-fields-private.h"
#include "resilient-rate-limiter.h"

G_BEGIN_DECLS

typedef struct _ResilientRateTicket ResilientRateTicket;

/* All zero before the first use but for what is set once, and used with one limiter until it has a
 * token or was withdrawn. */
struct _ResilientRateTicket
{
  /* Set once. */
  /* Ask again: the time that it was told is not that of its turn any more. In any thread, under no
   * lock; it may come late, when the ticket has left the line. */
  void (*moved) (ResilientRateTicket *ticket);
  /* Keep the owner alive while the ticket stands in the line and while moved() runs. The first is
   * called under the limiter's lock, and only counts; the other under no lock. NULL: the owner
   * sees to it by itself. */
  void (*hold) (ResilientRateTicket *ticket);
  void (*release) (ResilientRateTicket *ticket);
  /* A token may be taken for it at its turn by whoever uses the limiter then. moved() tells, and
   * take() is TRUE. Its owner may be late without holding up the line, and uses it once. */
  gboolean eager;

  /* The limiter's, under its lock. */
  GList link; /* in the line */
  gint64 told;
  guint64 serial;
  guint generation; /* of the process that it stands in line for */
  gboolean stands;
  gboolean taken; /* a token, in its absence */
};

/* FALSE with the error that resilient_rate_limiter_new() would have given: it was made by
 * g_object_new() with what can't be, and admits nobody. */
gboolean resilient_rate_limiter_check (ResilientRateLimiter *self, GError **error);

/* TRUE: a token is taken, and the ticket is out of the line. FALSE: it stands in the line, since
 * the first time, and its turn comes at *@not_before, boot-time microseconds, if nobody before it
 * gives up: ask again then. First come, first served. What gave itself up by
 * resilient_rate_limiter_check() takes nothing. */
gboolean resilient_rate_limiter_take (ResilientRateLimiter *self,
                                      ResilientRateTicket *ticket,
                                      gint64 *not_before);
/* Leaves the line if it stands there, and gives back what was taken in its absence. */
void resilient_rate_limiter_withdraw (ResilientRateLimiter *self, ResilientRateTicket *ticket);
/* A token that was taken just now and will not be used. */
void resilient_rate_limiter_give_back (ResilientRateLimiter *self);

/* What the server says of its own quota: with nothing left no token is given before the reset, but
 * for a day at most, and never sooner than was said before; else there are no more tokens in the
 * bucket than the server takes. */
void resilient_rate_limiter_observe_hint (ResilientRateLimiter *self,
                                          const ResilientRateLimitHint *hint);

/* Takes @task (transfer full), which returns TRUE when it has a token, or an error. */
void resilient_rate_limiter_acquire (ResilientRateLimiter *self, GTask *task);

G_END_DECLS
