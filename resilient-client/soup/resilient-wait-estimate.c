/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Estimates from what was measured whether to wait for a connection takes less than to open one.
 * Plain arithmetic on data of its owner, in the owner's context. */

#include "config.h"

#include "resilient-wait-estimate-private.h"

/* Each new figure counts for an eighth, as in TCP's mean of round trips (RFC 6298, 2.3). */
#define WEIGHT 0.125
/* ... and for no more than so many times the mean: when this process had no turn for a while, say
 * because a handshake took the processor, that says nothing of the server, but each of those who
 * would then open a connection would cause another handshake. What lasts gets through all the
 * same. */
#define OUTLIER 2.0
/* More connections are of no use when the answers take so many times as long as at best: then what
 * they have to share is used up, be it the processor, the network, or the server. */
#define CONGESTED 3.0
/* Which shows once they are there: no more than an eighth of them is opened at a time, or one. */
#define GROWTH 8

static double
smooth (double mean, double value)
{
  return mean > 0 ? mean + WEIGHT * (value - mean) : value;
}

void
resilient_wait_estimate_note_idle (ResilientWaitEstimate *self)
{
  self->fastest = 0;
  self->waited = 0;
}

void
resilient_wait_estimate_note_opened (ResilientWaitEstimate *self, gint64 span)
{
  self->opening = smooth (self->opening, (double) MAX (span, 1));
}

void
resilient_wait_estimate_note_served (ResilientWaitEstimate *self,
                                     gint64 span,
                                     guint n_open,
                                     guint n_waiting)
{
  double value = (double) MAX (span, 1);

  if (self->serving > 0)
    value = MIN (value, OUTLIER * self->serving);
  self->serving = smooth (self->serving, value);
  if (self->fastest == 0 || value < self->fastest)
    self->fastest = value;
  self->waited += n_waiting * self->serving / n_open;
}

void
resilient_wait_estimate_note_vain (ResilientWaitEstimate *self)
{
  self->serving = (self->serving + self->opening) / 2;
  self->fastest = 0;
}

static double
get_congestion (const ResilientWaitEstimate *self)
{
  return self->fastest > 0 ? CLAMP (self->serving / self->fastest, 1, CONGESTED) : 1;
}

gboolean
resilient_wait_estimate_should_wait (const ResilientWaitEstimate *self,
                                     guint position,
                                     guint n_open,
                                     guint n_opening)
{
  double wait = position * self->serving;
  /* They cost processor time, which those that are made at once share: as if they were made one
   * after the other. And what slows answers down does so with handshakes. */
  double cost = self->opening * (1 + n_opening) * get_congestion (self);

  if (n_open > 0)
    wait /= n_open;
  else if (n_opening > 0)
    wait = self->opening + wait / n_opening;
  else
    return FALSE;
  return wait < cost;
}

/* Rent or buy: to wait is right until all have waited for as long as to open a connection takes;
 * who does so never loses more than twice what was needed. (Karlin et al., Competitive Snoopy
 * Caching, 1988.) To tell congestion by the best time: as TCP Vegas does. */
gboolean
resilient_wait_estimate_wants_more (ResilientWaitEstimate *self, guint n_open, guint n_opening)
{
  if (self->waited < self->opening || n_opening * GROWTH > n_open)
    return FALSE;
  self->waited = 0;
  return get_congestion (self) < CONGESTED;
}
