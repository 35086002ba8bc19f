/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-clock.h"

#include <pthread.h>

#include "resilient-timer-queue-private.h"
#include "test-util.h"

static GMutex lock;
/* Under lock; microseconds. */
static gint64 boot = 1000 * G_USEC_PER_SEC;
static gint64 suspended;
static gint64 real_offset = TEST_CLOCK_EPOCH * G_USEC_PER_SEC - 1000 * G_USEC_PER_SEC;

static gint64
get_monotonic (gpointer data)
{
  gint64 now;

  g_mutex_lock (&lock);
  now = boot - suspended;
  g_mutex_unlock (&lock);

  return now;
}

static gint64
get_boot (gpointer data)
{
  gint64 now;

  g_mutex_lock (&lock);
  now = boot;
  g_mutex_unlock (&lock);

  return now;
}

static gint64
get_real (gpointer data)
{
  gint64 now;

  g_mutex_lock (&lock);
  now = boot + real_offset;
  g_mutex_unlock (&lock);

  return now;
}

static void
take_lock (void)
{
  g_mutex_lock (&lock);
}

static void
give_lock (void)
{
  g_mutex_unlock (&lock);
}

const ResilientClockFuncs *
test_clock_get_funcs (void)
{
  static const ResilientClockFuncs funcs = { get_monotonic, get_boot, get_real };

  return &funcs;
}

/* A child of another thread's fork would wait for that lock for ever. What the library has for
 * that, resilient_fork_protect(), is not for here: forks would be noticed for what is tested, too,
 * which has to see to that by itself. */
void
test_clock_install (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      pthread_atfork (take_lock, give_lock, give_lock);
      g_once_init_leave (&once, 1);
    }
  resilient_clock_install (test_clock_get_funcs (), NULL);
}

void
test_clock_uninstall (void)
{
  resilient_clock_install (NULL, NULL);
}

gint64
test_clock_get (void)
{
  return get_boot (NULL);
}

static void
go_on (double seconds, gboolean suspend)
{
  gint64 step = resilient_clock_from_seconds (seconds);

  g_mutex_lock (&lock);
  boot += step;
  if (suspend)
    suspended += step;
  g_mutex_unlock (&lock);

  resilient_clock_moved ();
}

void
test_clock_pass (double seconds)
{
  go_on (seconds, FALSE);
}

void
test_clock_set (gint64 microseconds)
{
  g_mutex_lock (&lock);
  boot = microseconds;
  g_mutex_unlock (&lock);

  resilient_clock_moved ();
}

void
test_clock_advance (double seconds)
{
  go_on (seconds, FALSE);
  test_run_pending ();
}

void
test_clock_run (double seconds)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);
  gint64 end = resilient_clock_add (test_clock_get (), seconds);

  test_run_pending ();
  for (;;)
    {
      gint64 due = resilient_timer_queue_get_next_due (timers);

      if (due > end)
        break;
      test_clock_set (MAX (test_clock_get (), due));
      test_run_pending ();
    }
  /* what ran on the way may have gone further */
  test_clock_set (MAX (test_clock_get (), end));
  test_run_pending ();
}

void
test_clock_suspend (double seconds)
{
  go_on (seconds, TRUE);
  test_run_pending ();
}

void
test_clock_set_real (gint64 microseconds)
{
  g_mutex_lock (&lock);
  real_offset = microseconds - boot;
  g_mutex_unlock (&lock);
}
