/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-patience-private.h"

/* Each new figure counts for an eighth, as in TCP's mean of round trips (RFC 6298, 2.3). */
#define WEIGHT 0.125
/* ... and for no more than so many times the mean: when this process had no turn for a while, say
 * because a handshake took the processor, that says nothing of the server, but each of those who
 * would then open a connection would cause another handshake. What lasts gets through all the same.
 */
#define OUTLIER 2.0
/* A thread that is busy for more of its time than this has no use for more connections. */
#define SATURATED 0.8

static double
smooth (double mean, double value)
{
  return mean > 0 ? mean + WEIGHT * (value - mean) : value;
}

void
resilient_patience_note_opened (ResilientPatience *self, gint64 span)
{
  self->opening = smooth (self->opening, (double) MAX (span, 1));
}

void
resilient_patience_note_served (ResilientPatience *self, gint64 span, guint n_open, guint n_waiting)
{
  double value = (double) MAX (span, 1);

  if (self->serving > 0)
    value = MIN (value, OUTLIER * self->serving);
  self->serving = smooth (self->serving, value);
  /* one of them is free every serving ÷ n, with one more every serving ÷ (n + 1) */
  self->lost += n_waiting * self->serving / ((double) n_open * (n_open + 1));
}

void
resilient_patience_note_vain (ResilientPatience *self)
{
  self->serving = (self->serving + self->opening) / 2;
}

gboolean
resilient_patience_should_wait (const ResilientPatience *self,
                                guint position,
                                guint n_open,
                                guint n_opening)
{
  double wait = position * self->serving;
  /* They cost processor time, which those that are made at once share: as if they were made one
   * after the other. */
  double cost = self->opening * (1 + n_opening);

  if (n_open > 0)
    wait /= n_open;
  else if (n_opening > 0)
    wait = self->opening + wait / n_opening;
  else
    return FALSE;
  return wait < cost;
}

/* Rent or buy: to wait is right until what was lost by it is as much as a connection costs; who
 * does so never loses more than twice what was needed. (Karlin et al., Competitive Snoopy Caching,
 * 1988.) */
gboolean
resilient_patience_wants_more (ResilientPatience *self, guint n_opening, gint64 now, gint64 cpu_now)
{
  double busy;

  if (self->lost < self->opening || n_opening > 0)
    return FALSE;
  busy = (double) (cpu_now - self->cpu_since);
  busy /= (double) MAX (now - self->since, 1);
  self->lost = 0;
  self->since = now;
  self->cpu_since = cpu_now;
  return busy < SATURATED;
}
