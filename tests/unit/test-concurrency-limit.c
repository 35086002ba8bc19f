/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>

#include "resilient-concurrency-limit-private.h"
#include "resilient-random-private.h"

/* The limit against a simulated server, event by event, in virtual time: so many requests are
 * served at once, some more wait there in line, the rest is turned away with 503. */

#define MAX_REQUESTS 256
#define MILLISECOND 1000

typedef struct
{
  /* Set by the test, at any time. */
  guint capacity;
  guint max_queue;
  double service; /* seconds, mean */
  double spread;  /* of it, by chance, evenly to both sides; 1: exponential */
  double flaky;   /* the share that fails by chance, with 503 */
  guint demand;   /* so many want to be under way */

  ResilientConcurrencyLimit *limit;
  gint64 now;
  struct
  {
    ResilientConcurrencySample sample;
    gint64 done; /* 0: it waits in line */
    gboolean turned_away;
  } requests[MAX_REQUESTS]; /* in order of arrival */
  guint n_requests;
  guint n_serving;

  /* Since they were cleared. */
  guint n_served;
  guint n_turned_away;
  double area;    /* limit × seconds */
  double settled; /* seconds with a limit of 8 … 14 */
  guint least, most;
  gint64 since;
} World;

static void
world_init (World *self)
{
  *self = (World){
    .capacity = 10,
    .max_queue = 10,
    .service = 0.1,
    .spread = 0.2,
    .demand = 100,
    .limit = resilient_concurrency_limit_new (),
    .now = G_USEC_PER_SEC,
  };
  resilient_random_seed (20);
}

static void
world_clear (World *self)
{
  resilient_concurrency_limit_free (self->limit);
  resilient_random_unseed ();
}

static void
clear_counts (World *self)
{
  self->n_served = self->n_turned_away = 0;
  self->area = self->settled = 0;
  self->least = G_MAXUINT;
  self->most = 0;
  self->since = self->now;
}

static gint64
draw_service (World *self)
{
  double factor = self->spread >= 1 ? -log (1 - resilient_random_double ())
                                    : resilient_random_range (1 - self->spread, 1 + self->spread);

  return MAX ((gint64) (self->service * factor * G_USEC_PER_SEC), 1);
}

static void
serve (World *self)
{
  for (guint i = 0; i < self->n_requests && self->n_serving < self->capacity; i++)
    {
      if (self->requests[i].done != 0)
        continue;
      self->requests[i].done = self->now + draw_service (self);
      self->n_serving++;
    }
}

static void
arrive (World *self)
{
  guint i = self->n_requests++;
  guint n_waiting = 0;

  for (guint k = 0; k < i; k++)
    n_waiting += self->requests[k].done == 0;
  g_assert_cmpuint (i, <, MAX_REQUESTS);
  resilient_concurrency_limit_begin (self->limit, &self->requests[i].sample, self->now);
  self->requests[i].turned_away =
    n_waiting >= self->max_queue + self->capacity - MIN (self->n_serving, self->capacity)
    || resilient_random_double () < self->flaky;
  self->requests[i].done = self->requests[i].turned_away ? self->now + MILLISECOND : 0;
  serve (self);
}

static void
leave (World *self, guint i)
{
  gboolean turned_away = self->requests[i].turned_away;
  ResilientConcurrencySample sample = self->requests[i].sample;

  for (guint k = i + 1; k < self->n_requests; k++)
    self->requests[k - 1] = self->requests[k];
  self->n_requests--;
  if (turned_away)
    self->n_turned_away++;
  else
    {
      self->n_served++;
      self->n_serving--;
      resilient_concurrency_limit_answer (self->limit, &sample, self->now);
    }
  serve (self);
  resilient_concurrency_limit_end (self->limit,
                                   &sample,
                                   turned_away ? RESILIENT_CONCURRENCY_END_TURNED_AWAY
                                               : RESILIENT_CONCURRENCY_END_ANSWERED,
                                   self->now);
}

static guint
find_first_done (World *self)
{
  guint first = G_MAXUINT;

  for (guint i = 0; i < self->n_requests; i++)
    {
      if (self->requests[i].done != 0
          && (first == G_MAXUINT || self->requests[i].done < self->requests[first].done))
        first = i;
    }
  return first;
}

static void
run (World *self, double seconds)
{
  gint64 end = self->now + (gint64) (seconds * G_USEC_PER_SEC);

  clear_counts (self);
  for (;;)
    {
      guint limit = resilient_concurrency_limit_get (self->limit);
      gint64 next = end;
      double passed;
      guint first;

      while (self->n_requests < MIN (limit, self->demand))
        arrive (self);
      first = find_first_done (self);
      if (first != G_MAXUINT)
        next = MIN (self->requests[first].done, end);
      passed = (double) (next - self->now) / G_USEC_PER_SEC;
      self->area += limit * passed;
      self->settled += limit >= 8 && limit <= 14 ? passed : 0;
      self->least = MIN (self->least, limit);
      self->most = MAX (self->most, limit);
      self->now = next;
      if (next == end)
        return;
      leave (self, first);
    }
}

static double
get_mean (World *self)
{
  return self->area * G_USEC_PER_SEC / (double) (self->now - self->since);
}

static double
get_settled (World *self)
{
  return self->settled * G_USEC_PER_SEC / (double) (self->now - self->since);
}

static double
get_error_rate (World *self)
{
  return (double) self->n_turned_away / (double) (self->n_turned_away + self->n_served);
}

static double
get_throughput (World *self)
{
  return self->n_served * (double) G_USEC_PER_SEC / (double) (self->now - self->since);
}

static void
tell (World *self, const char *what)
{
  g_test_message (
    "%s: limit %.1f (%u … %u, in 8 … 14 for %.1f %%), %.1f/s, errors %.2f %%, base %.0f ms",
    what,
    get_mean (self),
    self->least,
    self->most,
    get_settled (self) * 100,
    get_throughput (self),
    get_error_rate (self) * 100,
    (double) resilient_concurrency_limit_get_base (self->limit) / MILLISECOND);
}

/* Within a minute it stays between 8 and 14, and the server is not idle for that. */
static void
test_settles (void)
{
  static const double spreads[] = { 0.0, 0.2, 0.5 };

  for (guint i = 0; i < G_N_ELEMENTS (spreads); i++)
    {
      World world;

      world_init (&world);
      world.spread = spreads[i];
      run (&world, 60);
      tell (&world, "first minute");
      g_assert_cmpfloat (get_error_rate (&world), <, 0.02);
      /* ten minutes, so with ten measurements */
      run (&world, 600);
      tell (&world, "then");
      g_assert_cmpfloat (get_error_rate (&world), <, 0.02);
      /* but for the measurements, for half a second each minute */
      g_assert_cmpfloat (get_settled (&world), >, 0.98);
      g_assert_cmpuint (world.least, >=, 6);
      g_assert_cmpuint (world.most, <=, 16);
      g_assert_cmpfloat (get_throughput (&world), >, 90);
      world_clear (&world);
    }
}

/* Answers of very different size: the middle of a few is far from that of all. */
static void
test_settles_by_chance (void)
{
  World world;

  world_init (&world);
  world.spread = 1;
  run (&world, 60);
  tell (&world, "first minute");
  run (&world, 600);
  tell (&world, "then");
  g_assert_cmpfloat (get_error_rate (&world), <, 0.02);
  g_assert_cmpfloat (get_mean (&world), >=, 8);
  g_assert_cmpfloat (get_mean (&world), <=, 14);
  world_clear (&world);
}

/* One without a line: its answers never become slower, they are 503. */
static void
test_no_line (void)
{
  World world;

  world_init (&world);
  world.max_queue = 0;
  run (&world, 60);
  tell (&world, "first minute");
  run (&world, 600);
  tell (&world, "then");
  g_assert_cmpfloat (get_error_rate (&world), <, 0.02);
  g_assert_cmpfloat (get_mean (&world), >=, 8);
  g_assert_cmpfloat (get_mean (&world), <=, 11);
  world_clear (&world);
}

/* 503 by chance, however many run, does not bring it down. */
static void
test_flaky (void)
{
  static const struct
  {
    double share, mean, throughput;
  } rows[] = { { 0.01, 10, 95 }, { 0.02, 9, 90 }, { 0.03, 8, 80 }, { 0.05, 6, 55 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      World world;

      world_init (&world);
      world.flaky = rows[i].share;
      run (&world, 60);
      run (&world, 600);
      tell (&world, "by chance");
      g_assert_cmpfloat (get_mean (&world), >=, rows[i].mean);
      g_assert_cmpfloat (get_throughput (&world), >=, rows[i].throughput);
      world_clear (&world);
    }
}

/* The server gets less, and more, and slower: two minutes later the limit has followed. */
static void
test_follows (void)
{
  World world;

  world_init (&world);
  run (&world, 120);
  world.capacity = 3;
  run (&world, 120);
  tell (&world, "capacity 3");
  run (&world, 120);
  tell (&world, "then");
  g_assert_cmpfloat (get_mean (&world), >=, 2);
  g_assert_cmpfloat (get_mean (&world), <=, 5);
  world.capacity = 40;
  world.max_queue = 40;
  run (&world, 120);
  run (&world, 60);
  tell (&world, "capacity 40");
  g_assert_cmpfloat (get_mean (&world), >=, 32);
  g_assert_cmpfloat (get_mean (&world), <=, 56);
  world.service = 0.3;
  run (&world, 180);
  run (&world, 60);
  tell (&world, "three times as slow");
  g_assert_cmpfloat (get_mean (&world), >=, 28);
  g_assert_cmpfloat (get_mean (&world), <=, 60);
  world_clear (&world);
}

/* What measured its base on a server that was full finds that out. */
static void
test_full_from_the_beginning (void)
{
  World world;

  world_init (&world);
  world.capacity = 1;
  run (&world, 300);
  run (&world, 60);
  tell (&world, "capacity 1");
  g_assert_cmpfloat (get_mean (&world), <=, 3);
  g_assert_cmpuint (world.least, >=, 1);
  g_assert_cmpfloat (get_throughput (&world), >, 9);
  world_clear (&world);
}

/* It does not grow without being used: a burst later would find it far too high. */
static void
test_not_used (void)
{
  World world;

  world_init (&world);
  world.capacity = 100;
  world.demand = 3;
  run (&world, 300);
  tell (&world, "three at once");
  g_assert_cmpuint (world.most, <=, 7);
  world_clear (&world);
}

/* What says nothing of the server changes nothing, and what is rare is not compared with what was
 * long ago. */
static void
test_ignored (void)
{
  g_autoptr (ResilientConcurrencyLimit) limit = resilient_concurrency_limit_new ();
  ResilientConcurrencySample sample = { 0 };
  gint64 now = G_USEC_PER_SEC;

  for (guint i = 0; i < 1000; i++)
    {
      resilient_concurrency_limit_begin (limit, &sample, now);
      now += G_USEC_PER_SEC;
      g_assert_false (
        resilient_concurrency_limit_end (limit, &sample, RESILIENT_CONCURRENCY_END_IGNORED, now));
    }
  for (guint i = 0; i < 100; i++)
    {
      resilient_concurrency_limit_begin (limit, &sample, now);
      now += G_USEC_PER_SEC;
      g_assert_false (resilient_concurrency_limit_end (
        limit, &sample, RESILIENT_CONCURRENCY_END_TURNED_AWAY, now));
      now += G_USEC_PER_SEC * 20;
    }
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), ==, 4);
  g_assert_cmpint (resilient_concurrency_limit_get_base (limit), ==, 0);
}

static void
burst (ResilientConcurrencyLimit *limit, guint n, ResilientConcurrencyEnd end, gint64 *now)
{
  ResilientConcurrencySample samples[1000];

  while (n > 0)
    {
      guint k = 0;

      /* those that have begun may change how many there are */
      while (k < n && k < resilient_concurrency_limit_get (limit))
        resilient_concurrency_limit_begin (limit, &samples[k++], *now);
      *now += 50 * MILLISECOND;
      for (guint i = 0; i < k; i++)
        resilient_concurrency_limit_end (limit, &samples[i], end, *now);
      n -= k;
    }
}

/* An app that sends some now and then is learnt from, too, and is not held for ever to what was
 * found in bad times. */
static void
test_bursts (void)
{
  static const guint sizes[] = { 15, 30, 40 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (ResilientConcurrencyLimit) limit = resilient_concurrency_limit_new ();
      gint64 now = G_USEC_PER_SEC;

      for (guint k = 0; k < 40; k++)
        {
          burst (limit, sizes[i], RESILIENT_CONCURRENCY_END_ANSWERED, &now);
          now += 15 * G_USEC_PER_SEC;
        }
      g_assert_cmpuint (resilient_concurrency_limit_get (limit), >=, 12);

      burst (limit, 1000, RESILIENT_CONCURRENCY_END_TURNED_AWAY, &now);
      g_assert_cmpuint (resilient_concurrency_limit_get (limit), <=, 2);
      now += 15 * G_USEC_PER_SEC;
      burst (limit, sizes[i], RESILIENT_CONCURRENCY_END_ANSWERED, &now);
      g_assert_cmpuint (resilient_concurrency_limit_get (limit), >=, 4);
    }
}

/* No connection is no news of the load, no answer in time is. */
static void
test_unanswered (void)
{
  g_autoptr (ResilientConcurrencyLimit) limit = resilient_concurrency_limit_new ();
  ResilientConcurrencySample sample = { 0 };
  gint64 now = G_USEC_PER_SEC;
  guint before;

  for (guint i = 0; i < 200; i++)
    {
      resilient_concurrency_limit_begin (limit, &sample, now);
      now += 50 * MILLISECOND;
      resilient_concurrency_limit_end (limit, &sample, RESILIENT_CONCURRENCY_END_ANSWERED, now);
    }
  before = resilient_concurrency_limit_get (limit);
  for (guint i = 0; i < 200; i++)
    {
      resilient_concurrency_limit_begin (limit, &sample, now);
      now += 10 * MILLISECOND;
      resilient_concurrency_limit_end (limit, &sample, RESILIENT_CONCURRENCY_END_UNANSWERED, now);
    }
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), ==, before);
  for (guint i = 0; i < 200; i++)
    {
      resilient_concurrency_limit_begin (limit, &sample, now);
      now += 3000 * MILLISECOND;
      resilient_concurrency_limit_end (limit, &sample, RESILIENT_CONCURRENCY_END_UNANSWERED, now);
    }
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), <, before);
}

/* The time that the body of an answer takes does not count, where the head came before. */
static void
test_large_answers (void)
{
  g_autoptr (ResilientConcurrencyLimit) limit = resilient_concurrency_limit_new ();
  ResilientConcurrencySample samples[4];
  gint64 now = G_USEC_PER_SEC;

  for (guint round = 0; round < 50; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
        resilient_concurrency_limit_begin (limit, &samples[i], now);
      now += 50 * MILLISECOND;
      for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
        resilient_concurrency_limit_answer (limit, &samples[i], now);
      now += (round % 10) * 100 * MILLISECOND;
      for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
        resilient_concurrency_limit_end (
          limit, &samples[i], RESILIENT_CONCURRENCY_END_ANSWERED, now);
    }
  g_assert_cmpint (resilient_concurrency_limit_get_base (limit), ==, 50 * MILLISECOND);
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), >=, 7);
}

/* However it goes, there is room for one, and for no more than anybody needs. */
static void
test_bounds (void)
{
  g_autoptr (ResilientConcurrencyLimit) limit = resilient_concurrency_limit_new ();
  ResilientConcurrencySample samples[2000];
  gint64 now = G_USEC_PER_SEC;

  for (guint round = 0; round < 400; round++)
    {
      guint n = MIN (resilient_concurrency_limit_get (limit), G_N_ELEMENTS (samples));

      for (guint i = 0; i < n; i++)
        resilient_concurrency_limit_begin (limit, &samples[i], now);
      now += MILLISECOND;
      for (guint i = 0; i < n; i++)
        resilient_concurrency_limit_end (
          limit, &samples[i], RESILIENT_CONCURRENCY_END_ANSWERED, now);
      g_assert_cmpuint (resilient_concurrency_limit_get (limit), <=, 1000);
    }
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), >, 500);
  for (guint i = 0; i < 5000; i++)
    {
      resilient_concurrency_limit_begin (limit, &samples[0], now);
      now += MILLISECOND;
      resilient_concurrency_limit_end (
        limit, &samples[0], RESILIENT_CONCURRENCY_END_TURNED_AWAY, now);
    }
  g_assert_cmpuint (resilient_concurrency_limit_get (limit), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add_func ("/concurrency-limit/" name, func)
  ADD ("settles", test_settles);
  ADD ("settles-by-chance", test_settles_by_chance);
  ADD ("no-line", test_no_line);
  ADD ("flaky", test_flaky);
  ADD ("follows", test_follows);
  ADD ("full-from-the-beginning", test_full_from_the_beginning);
  ADD ("not-used", test_not_used);
  ADD ("ignored", test_ignored);
  ADD ("bursts", test_bursts);
  ADD ("unanswered", test_unanswered);
  ADD ("large-answers", test_large_answers);
  ADD ("bounds", test_bounds);

  return g_test_run ();
}
