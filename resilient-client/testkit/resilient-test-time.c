/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Holds the times that the library reads while a test clock is installed, under one lock for the
 * process. Any thread. */

#include "config.h"

#include "resilient-test-time-private.h"

#include "resilient-test-seams-private.h"
#include "resilient-test-world-private.h"

/* The times belong to the process: another thread may read them after the clock was uninstalled. */
static GMutex lock;
static GCond cond;
/* Under lock. */
static gint64 boot = RESILIENT_TEST_TIME_START_BOOT;
static gint64 monotonic = RESILIENT_TEST_TIME_START_BOOT;
static gint64 real = RESILIENT_TEST_TIME_START_REAL;
static gboolean automatic;
static GThread *automatic_thread;
static gboolean look; /* the thread shall look what is waited for */

static gint64
read_time (const gint64 *time)
{
  gint64 now;

  g_mutex_lock (&lock);
  now = *time;
  g_mutex_unlock (&lock);

  return now;
}

static gint64
get_monotonic (gpointer data)
{
  return read_time (&monotonic);
}

static gint64
get_boot (gpointer data)
{
  return read_time (&boot);
}

static gint64
get_real (gpointer data)
{
  return read_time (&real);
}

/* --- by itself -------------------------------------------------------------------------------- */

static void
look_again (gpointer data)
{
  g_mutex_lock (&lock);
  look = TRUE;
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);
}

static gpointer
move_by_itself (gpointer data)
{
  gint64 patience = 0;

  for (;;)
    {
      ResilientTestStop *stop;
      gboolean goes_on, moved;
      gint64 due;

      g_mutex_lock (&lock);
      while (!look && automatic)
        g_cond_wait (&cond, &lock);
      look = FALSE;
      goes_on = automatic;
      g_mutex_unlock (&lock);

      if (!goes_on)
        return NULL;

      stop = resilient_test_world_watch (&due, &patience, look_again);
      moved = stop != NULL && due < G_MAXINT64;
      if (moved)
        resilient_test_time_move_to (due);
      if (stop != NULL)
        resilient_test_stop_go_on (stop);

      if (moved)
        resilient_clock_moved ();
      /* Those who were busy will rest soon. */
      if (moved || (stop == NULL && due >= 0))
        look_again (NULL);
    }
}

gboolean
resilient_test_time_get_automatic (void)
{
  gboolean value;

  g_mutex_lock (&lock);
  value = automatic;
  g_mutex_unlock (&lock);

  return value;
}

static void
stop_moving_by_itself (void)
{
  GThread *thread;

  g_mutex_lock (&lock);
  automatic = FALSE;
  thread = g_steal_pointer (&automatic_thread);
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);

  if (thread != NULL)
    {
      resilient_test_world_interrupt ();
      g_thread_join (thread);
    }
}

void
resilient_test_time_set_automatic (gboolean value)
{
  if (!value)
    {
      stop_moving_by_itself ();
      return;
    }

  g_mutex_lock (&lock);
  if (!automatic)
    {
      automatic = TRUE;
      look = TRUE;
      automatic_thread = g_thread_new ("resilient-test-time", move_by_itself, NULL);
    }
  g_mutex_unlock (&lock);
}

/* --- by hand ---------------------------------------------------------------------------------- */

void
resilient_test_time_install (void)
{
  static const ResilientClockFuncs funcs = {
    .monotonic = get_monotonic,
    .boot = get_boot,
    .real = get_real,
    .awaited = look_again,
  };

  g_mutex_lock (&lock);
  boot = monotonic = RESILIENT_TEST_TIME_START_BOOT;
  real = RESILIENT_TEST_TIME_START_REAL;
  g_mutex_unlock (&lock);

  resilient_clock_install (&funcs, NULL);
}

void
resilient_test_time_uninstall (void)
{
  stop_moving_by_itself ();
  resilient_clock_install (NULL, NULL);
}

gint64
resilient_test_time_get_boot (void)
{
  return read_time (&boot);
}

gint64
resilient_test_time_get_real (void)
{
  return read_time (&real);
}

void
resilient_test_time_set_real (gint64 value)
{
  g_mutex_lock (&lock);
  real = value;
  g_mutex_unlock (&lock);
}

void
resilient_test_time_move_to (gint64 due)
{
  gint64 step;

  g_mutex_lock (&lock);
  step = MAX (due - boot, 0);
  boot += step;
  monotonic += step;
  real += step;
  g_mutex_unlock (&lock);
}

void
resilient_test_time_jump (gint64 step)
{
  g_mutex_lock (&lock);
  boot += step;
  real += step;
  g_mutex_unlock (&lock);
}
