/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-deadlines-private.h"

#include <gio/gio.h>

#define MS G_TIME_SPAN_MILLISECOND

static ResilientDeadlines
make (void)
{
  ResilientDeadlines deadlines;

  resilient_deadlines_init (&deadlines, 1000 * MS, 0.1, 0.2, 0.3, 1.0);
  return deadlines;
}

/* In each phase one deadline counts, from the last sign of life, in fractions of a second. */
static void
test_phases (void)
{
  const struct
  {
    ResilientPhase phase;
    gint64 span;
    ResilientFailure failure;
  } cases[] = {
    { RESILIENT_PHASE_CONNECTING, 100 * MS, RESILIENT_FAILURE_CONNECT_TIMEOUT },
    { RESILIENT_PHASE_WRITING, 200 * MS, RESILIENT_FAILURE_WRITE_TIMEOUT },
    { RESILIENT_PHASE_WAITING, 300 * MS, RESILIENT_FAILURE_READ_TIMEOUT },
    { RESILIENT_PHASE_READING, 300 * MS, RESILIENT_FAILURE_READ_TIMEOUT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ResilientDeadlines deadlines = make ();
      gint64 due = 1050 * MS + cases[i].span;

      resilient_deadlines_enter (&deadlines, cases[i].phase, 1050 * MS);
      g_assert_cmpint (resilient_deadlines_get_due (&deadlines), ==, due);
      g_assert_cmpint (
        resilient_deadlines_check (&deadlines, due - 1, TRUE), ==, RESILIENT_FAILURE_NONE);
      g_assert_cmpint (resilient_deadlines_check (&deadlines, due, TRUE), ==, cases[i].failure);
      deadlines.activity += 5 * MS;
      g_assert_cmpint (
        resilient_deadlines_check (&deadlines, due, TRUE), ==, RESILIENT_FAILURE_NONE);
    }
}

static void
test_later_send (void)
{
  ResilientDeadlines deadlines = make ();

  g_assert_cmpint (
    resilient_deadlines_check (&deadlines, 1100 * MS, FALSE), ==, RESILIENT_FAILURE_READ_TIMEOUT);
}

static void
test_attempt (void)
{
  ResilientDeadlines deadlines = make ();

  resilient_deadlines_enter (&deadlines, RESILIENT_PHASE_READING, 1900 * MS);
  g_assert_cmpint (resilient_deadlines_get_due (&deadlines), ==, 2000 * MS);
  g_assert_cmpint (
    resilient_deadlines_check (&deadlines, 2000 * MS, FALSE), ==, RESILIENT_FAILURE_DEADLINE);
  /* both passed while the machine slept: the one that was due first is to blame */
  g_assert_cmpint (
    resilient_deadlines_check (&deadlines, 9999 * MS, FALSE), ==, RESILIENT_FAILURE_DEADLINE);
  resilient_deadlines_enter (&deadlines, RESILIENT_PHASE_READING, 1600 * MS);
  g_assert_cmpint (
    resilient_deadlines_check (&deadlines, 9999 * MS, FALSE), ==, RESILIENT_FAILURE_READ_TIMEOUT);
}

static void
test_none (void)
{
  ResilientDeadlines deadlines;

  resilient_deadlines_init (&deadlines, 1000 * MS, 0, 0, 0, 0);
  for (ResilientPhase phase = RESILIENT_PHASE_CONNECTING; phase <= RESILIENT_PHASE_DONE; phase++)
    {
      resilient_deadlines_enter (&deadlines, phase, 1000 * MS);
      g_assert_cmpint (resilient_deadlines_get_due (&deadlines), ==, G_MAXINT64);
      g_assert_cmpint (
        resilient_deadlines_check (&deadlines, G_MAXINT64 - 1, TRUE), ==, RESILIENT_FAILURE_NONE);
    }
  /* as good as none, and not in the past */
  resilient_deadlines_init (&deadlines, 1000 * MS, G_MAXDOUBLE, 0, 0, G_MAXDOUBLE);
  g_assert_cmpint (resilient_deadlines_get_due (&deadlines), ==, G_MAXINT64);
  resilient_deadlines_init (&deadlines, 1000 * MS, 1e-9, 0, 0, 0);
  g_assert_cmpint (resilient_deadlines_get_due (&deadlines), ==, 1000 * MS + 1);
}

static void
test_poll (void)
{
  const struct
  {
    double write, read;
    gint64 interval;
  } cases[] = { { 10, 30, 250 * MS }, { 1, 30, 50 * MS },   { 0.01, 30, 5 * MS },
                { 0, 2, 100 * MS },   { 30, 0.02, 5 * MS }, { 30, 0.002, 2 * MS } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ResilientDeadlines deadlines;

      resilient_deadlines_init (&deadlines, 0, 0, cases[i].write, cases[i].read, 0);
      g_assert_cmpint (resilient_deadlines_get_poll_interval (&deadlines), ==, cases[i].interval);
    }
}

/* The message names the phase: no two are alike. */
static void
test_errors (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (ResilientPhase phase = RESILIENT_PHASE_CONNECTING; phase <= RESILIENT_PHASE_DONE; phase++)
    {
      ResilientDeadlines deadlines = make ();
      ResilientFailure failure =
        phase == RESILIENT_PHASE_DONE ? RESILIENT_FAILURE_DEADLINE : RESILIENT_FAILURE_READ_TIMEOUT;
      g_autoptr (GError) error = NULL;

      resilient_deadlines_enter (&deadlines, phase, 0);
      error = resilient_deadlines_make_error (&deadlines, failure);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_assert_true (g_hash_table_add (seen, g_strdup (error->message)));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/deadlines/phases", test_phases);
  g_test_add_func ("/deadlines/later-send", test_later_send);
  g_test_add_func ("/deadlines/attempt", test_attempt);
  g_test_add_func ("/deadlines/none", test_none);
  g_test_add_func ("/deadlines/poll", test_poll);
  g_test_add_func ("/deadlines/errors", test_errors);
  return g_test_run ();
}
