/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How many requests a server takes at once, by the gradient of its answer times: as long as more
 * requests do not make answers slower, it has room; when they do, they wait there for each other.
 * It owns its samples and knows neither clock, lock nor network.
 *
 * The idea is that of Netflix' concurrency-limits (their gradient limit) and of Envoy's adaptive
 * concurrency filter: limit × (time when not busy ÷ time of now) + some headroom, after each window
 * of samples. As Envoy does, it measures the time when not busy anew each minute, with fewer
 * requests than before. Both took it from the control of congestion in TCP Vegas (Brakmo and
 * Peterson, 1995). */

#include "config.h"

#include "resilient-concurrency-limit-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resilient-random-private.h"

/* Few enough for any server, and enough to measure. */
#define INITIAL 4.0
/* More than any client needs to one origin. */
#define MAX_LIMIT 1000.0
/* Answers that take so much longer are not slower yet: the rest is chance. */
#define TOLERANCE 1.1
/* By so much of its root the limit grows with each window in which answers are not slower: what a
 * limit that never grows could not find out. Half the requests that wait at a server that is full
 * are there for this. */
#define HEADROOM 0.25
/* By how much it grows after the server has turned requests away, until the next measurement: so
 * that it does not run into that again and again. */
#define CAREFUL_HEADROOM 0.02
/* One window takes no more than this off, for slower answers and for requests that were turned
 * away. */
#define MIN_GRADIENT 0.5
#define TURNED_AWAY_GRADIENT 0.9
/* A smaller share of them is no sign of too much load. */
#define TURNED_AWAY_TOLERANCE 0.05
/* Nor is what is turned away when there are fewer, up to this share. */
#define MAX_USUAL_TURNED_AWAY 0.1

/* So many times the answer time of a server that is not busy is too late for the connection to be
 * the reason that there is no answer. */
#define LATE 4

/* Samples of a window: as many as may run, but no fewer than that their mean tells something,
 * and no more than have a place. All of them began after the last change, so that what it did is
 * known before the next one. */
#define MIN_SAMPLES 20
#define MAX_SAMPLES 100
/* After one in which nothing was under way, what came before says nothing of now. */
#define MAX_PAUSE (10 * G_USEC_PER_SEC)

/* How often it is measured what the server does when it is not busy, and how much earlier or later
 * by chance: those of several clients should not come together. */
#define MEASURE_INTERVAL (60 * G_USEC_PER_SEC)
#define MEASURE_JITTER 0.1
/* To which part of the limit it goes for that: where as much as a half more than the server can
 * take is under way, nothing waits there then, and more than that is found out in several steps. */
#define MEASURE_SHARE 0.66
#define MEASURE_SAMPLES 50
/* By which factor two of them may differ by chance. */
#define SAME_SERVER 1.5

struct _ResilientConcurrencyLimit
{
  double limit; /* but for measurements */
  gint64 base;  /* answer time when the server is not busy, microseconds; 0: not known */
  gboolean careful;
  double usual_turned_away; /* share, as last measured: it is not for want of room */

  guint in_flight;
  gint64 last_end;
  /* Of the window. */
  gint64 window_began; /* what began before does not count */
  guint max_in_flight;
  guint n_samples;
  guint n_turned_away;
  gint64 samples[MAX_SAMPLES]; /* microseconds, of answers */
  guint n_answers;

  gboolean measuring;
  gint64 next_measure; /* 0: not set yet */
};

ResilientConcurrencyLimit *
resilient_concurrency_limit_new (void)
{
  ResilientConcurrencyLimit *self = g_new0 (ResilientConcurrencyLimit, 1);

  self->limit = INITIAL;

  return self;
}

void
resilient_concurrency_limit_free (ResilientConcurrencyLimit *self)
{
  g_free (self);
}

guint
resilient_concurrency_limit_get (ResilientConcurrencyLimit *self)
{
  double limit = self->measuring ? self->limit * MEASURE_SHARE : self->limit;

  return (guint) MAX (limit, 1.0);
}

gint64
resilient_concurrency_limit_get_base (ResilientConcurrencyLimit *self)
{
  return self->base;
}

/* --- windows ---------------------------------------------------------------------------------- */

static void
clear_window (ResilientConcurrencyLimit *self, gint64 now)
{
  self->window_began = now;
  self->max_in_flight = self->in_flight;
  self->n_samples = 0;
  self->n_turned_away = 0;
  self->n_answers = 0;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

/* The mean, which grows with what is under way (J. Little's law), but for the eighth at either end:
 * a few that had to connect first, or are long to make, say nothing. */
static gint64
get_mean (ResilientConcurrencyLimit *self)
{
  guint n_cut = self->n_answers / 8;
  gint64 sum = 0;

  qsort (self->samples, self->n_answers, sizeof self->samples[0], compare_times);
  for (guint i = n_cut; i < self->n_answers - n_cut; i++)
    sum += self->samples[i];
  return MAX (sum / (self->n_answers - 2 * n_cut), 1);
}

static guint
get_wanted_samples (ResilientConcurrencyLimit *self)
{
  if (self->measuring || self->base == 0)
    return MEASURE_SAMPLES;
  return CLAMP ((guint) self->limit, MIN_SAMPLES, MAX_SAMPLES);
}

static void
plan_measurement (ResilientConcurrencyLimit *self, gint64 now)
{
  self->next_measure =
    now
    + (gint64) (MEASURE_INTERVAL * resilient_random_range (1 - MEASURE_JITTER, 1 + MEASURE_JITTER));
}

/* A server that has become another one is taken as it is; what differs by chance is not. */
static void
update_base (ResilientConcurrencyLimit *self)
{
  gint64 base = get_mean (self);

  if ((double) base < (double) self->base * SAME_SERVER
      && (double) self->base < (double) base * SAME_SERVER)
    base = (self->base + base) / 2;
  self->base = base;
}

/* By what began with fewer under way: by then what waited at the server had gone. */
static void
end_measurement (ResilientConcurrencyLimit *self, gint64 now)
{
  if (self->n_answers > 0)
    update_base (self);
  self->usual_turned_away =
    MIN ((double) self->n_turned_away / self->n_samples, MAX_USUAL_TURNED_AWAY);
  self->measuring = FALSE;
  self->careful = FALSE;
  plan_measurement (self, now);
}

static double
get_gradient (ResilientConcurrencyLimit *self)
{
  double gradient;

  if (self->n_answers == 0)
    return 1;
  gradient = TOLERANCE * (double) self->base / (double) get_mean (self);
  return CLAMP (gradient, MIN_GRADIENT, 1.0);
}

/* The share of those that are turned away because there are too many: beyond what is turned away
 * when there are fewer, too, and more of them than it takes by chance (two standard deviations of
 * J. Poisson's distribution). */
static double
get_turned_away (ResilientConcurrencyLimit *self)
{
  double usual = self->usual_turned_away * self->n_samples;
  double chance = 2 * sqrt (MAX (usual, 0.25));

  return MAX (self->n_turned_away - usual - chance, 0) / self->n_samples;
}

/* What a server turns away it does at once, and more of it comes in the time of one answer: the
 * share says that there are too many, but not by how many. */
static void
adjust (ResilientConcurrencyLimit *self)
{
  double turned_away = get_turned_away (self);
  double gradient = get_gradient (self);
  double limit = self->limit * gradient;

  if (turned_away > TURNED_AWAY_TOLERANCE)
    {
      limit *= MAX (1 - turned_away, TURNED_AWAY_GRADIENT);
      self->careful = TRUE;
    }
  else if (2.0 * self->max_in_flight >= self->limit)
    {
      /* Where not even half of it is used, there is nothing to learn of more. */
      limit += self->careful ? CAREFUL_HEADROOM : HEADROOM * sqrt (self->limit);
    }
  self->limit = CLAMP (limit, 1.0, MAX_LIMIT);
}

static void
end_window (ResilientConcurrencyLimit *self, gint64 now)
{
  if (self->measuring)
    {
      end_measurement (self, now);
    }
  else
    {
      if (self->base == 0 && self->n_answers > 0)
        self->base = get_mean (self);
      if (self->base != 0 || self->n_turned_away > 0)
        adjust (self);
      if (self->next_measure == 0)
        plan_measurement (self, now);
      else if (now >= self->next_measure)
        self->measuring = TRUE;
    }
  clear_window (self, now);
}

/* --- requests --------------------------------------------------------------------------------- */

/* After a pause. What came in bursts too short for a whole window is learnt from as well, a
 * measurement is not half of one burst and half of the next, and what was too many then may be few
 * by now. */
static void
start_again (ResilientConcurrencyLimit *self, gint64 now)
{
  if (self->n_samples >= MIN_SAMPLES / 2)
    end_window (self, now);
  self->measuring = FALSE;
  self->limit = MAX (self->limit, INITIAL);
  clear_window (self, now);
}

gboolean
resilient_concurrency_limit_begin (ResilientConcurrencyLimit *self,
                                   ResilientConcurrencySample *sample,
                                   gint64 now)
{
  guint before = resilient_concurrency_limit_get (self);

  if (self->in_flight == 0 && now - self->last_end > MAX_PAUSE)
    start_again (self, now);
  sample->began = now;
  sample->answered = 0;
  self->in_flight++;
  self->max_in_flight = MAX (self->max_in_flight, self->in_flight);

  return resilient_concurrency_limit_get (self) != before;
}

void
resilient_concurrency_limit_answer (ResilientConcurrencyLimit *self,
                                    ResilientConcurrencySample *sample,
                                    gint64 now)
{
  sample->answered = now;
}

gboolean
resilient_concurrency_limit_end (ResilientConcurrencyLimit *self,
                                 ResilientConcurrencySample *sample,
                                 ResilientConcurrencyEnd end,
                                 gint64 now)
{
  guint before = resilient_concurrency_limit_get (self);

  self->in_flight--;
  self->last_end = now;
  if (end == RESILIENT_CONCURRENCY_END_IGNORED || sample->began < self->window_began)
    return FALSE;
  if (end == RESILIENT_CONCURRENCY_END_UNANSWERED)
    {
      /* One that is not there at all says so at once. */
      if (self->base == 0 || (now - sample->began) / LATE < self->base)
        return FALSE;
      end = RESILIENT_CONCURRENCY_END_TURNED_AWAY;
    }

  self->n_samples++;
  if (end == RESILIENT_CONCURRENCY_END_TURNED_AWAY)
    self->n_turned_away++;
  else if (self->n_answers < MAX_SAMPLES)
    self->samples[self->n_answers++] =
      (sample->answered != 0 ? sample->answered : now) - sample->began;

  if (self->n_samples >= get_wanted_samples (self))
    end_window (self, now);

  return resilient_concurrency_limit_get (self) != before;
}
