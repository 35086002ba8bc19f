/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-clock-private.h"
#include "resilient-pace-private.h"

#define DRAWING 120
#define LOW 150
#define STEP 1000 /* microseconds */

static gint64 now = G_USEC_PER_SEC;

static gint64
clock_cb (gpointer data)
{
  return now;
}

typedef struct
{
  GMainContext *context;
  ResilientPace *pace;
  GSource *busy;
  guint n_busy; /* dispatches that did something */
  guint n_drawn;
  guint n_longest; /* of the former between two of the latter */
  guint n_since;
} Fixture;

/* A millisecond's work in each turn. */
static gboolean
busy_cb (gpointer data)
{
  Fixture *fixture = data;

  if (resilient_pace_hold (fixture->pace, fixture->busy, G_PRIORITY_DEFAULT))
    return G_SOURCE_CONTINUE;
  fixture->n_busy++;
  fixture->n_since++;
  fixture->n_longest = MAX (fixture->n_longest, fixture->n_since);
  now += STEP;
  return G_SOURCE_CONTINUE;
}

static gboolean
draw_cb (gpointer data)
{
  Fixture *fixture = data;

  fixture->n_drawn++;
  fixture->n_since = 0;
  return G_SOURCE_REMOVE;
}

static GSource *
attach (Fixture *fixture, int priority, GSourceFunc func)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, fixture, NULL);
  g_source_attach (source, fixture->context);
  return source;
}

static void
set_up (Fixture *fixture, gconstpointer low)
{
  fixture->context = g_main_context_new ();
  fixture->pace = resilient_pace_new (fixture->context, GPOINTER_TO_INT (low));
  fixture->busy = attach (fixture, G_PRIORITY_DEFAULT, busy_cb);
}

static void
tear_down (Fixture *fixture, gconstpointer low)
{
  g_source_destroy (fixture->busy);
  g_source_unref (fixture->busy);
  resilient_pace_stop (fixture->pace);
  resilient_pace_unref (fixture->pace);
  g_main_context_unref (fixture->context);
}

static void
turn (Fixture *fixture, guint n)
{
  for (guint i = 0; i < n; i++)
    g_main_context_iteration (fixture->context, FALSE);
}

/* Whoever waits has a turn after 8 ms, and the work goes on. */
static void
test_gives_way (Fixture *fixture, gconstpointer low)
{
  for (guint i = 0; i < 10; i++)
    {
      g_source_unref (attach (fixture, DRAWING, draw_cb));
      turn (fixture, 30);
      g_assert_cmpuint (fixture->n_drawn, ==, i + 1);
    }
  g_assert_cmpuint (fixture->n_busy, >, 200);
  g_assert_cmpuint (fixture->n_longest, <=, 30);
}

/* Not for what is below. */
static void
test_below (Fixture *fixture, gconstpointer low)
{
  GSource *source = attach (fixture, LOW + 1, draw_cb);

  turn (fixture, 200);
  g_assert_cmpuint (fixture->n_drawn, ==, 0);
  g_source_destroy (source);
  g_source_unref (source);
}

static void
test_never (Fixture *fixture, gconstpointer low)
{
  GSource *source = attach (fixture, DRAWING, draw_cb);

  turn (fixture, 200);
  g_assert_cmpuint (fixture->n_busy, ==, 200);
  g_assert_cmpuint (fixture->n_drawn, ==, 0);
  resilient_pace_set_low (fixture->pace, LOW);
  turn (fixture, 20);
  g_assert_cmpuint (fixture->n_drawn, ==, 1);
  g_source_unref (source);
}

static gboolean
draw_on_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* As long as something is always to be drawn, nothing else is done. */
static void
test_draws_always (Fixture *fixture, gconstpointer low)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, DRAWING);
  g_source_set_callback (source, draw_on_cb, NULL, NULL);
  g_source_attach (source, fixture->context);
  turn (fixture, 100);
  g_assert_cmpuint (fixture->n_busy, <, 12);
  g_source_destroy (source);
  g_source_unref (source);
  turn (fixture, 20);
  g_assert_cmpuint (fixture->n_busy, >, 20);
}

static void
test_nobody (void)
{
  GSource *source = g_idle_source_new ();

  g_assert_cmpint (resilient_pace_get_priority (NULL, 7), ==, 7);
  g_assert_false (resilient_pace_is_overdue (NULL));
  g_source_set_priority (source, 7);
  g_assert_false (resilient_pace_hold (NULL, source, 7));
  g_source_unref (source);
}

int
main (int argc, char *argv[])
{
  static const ResilientClockFuncs funcs = { clock_cb, clock_cb, clock_cb };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  resilient_clock_install (&funcs, NULL);
#define ADD(name, low, func)                                                                       \
  g_test_add ("/pace/" name, Fixture, GINT_TO_POINTER (low), set_up, func, tear_down)
  ADD ("gives-way", LOW, test_gives_way);
  ADD ("below", LOW, test_below);
  ADD ("never", G_PRIORITY_DEFAULT, test_never);
  ADD ("draws-always", LOW, test_draws_always);
  g_test_add_func ("/pace/nobody", test_nobody);
  return g_test_run ();
}
