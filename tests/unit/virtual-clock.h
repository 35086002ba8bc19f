/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-timer-queue-private.h"
#include "resilient-clock-private.h"

/* Time that moves only when the test says so, for programs that run everything in the default main
 * context. */

static gint64 virtual_now = G_USEC_PER_SEC; /* boot and monotonic */
static gint64 virtual_suspended = 0;        /* how far boot is ahead of monotonic */
static gint64 virtual_epoch = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC;

static gint64
virtual_monotonic (gpointer data)
{
  return virtual_now - virtual_suspended;
}

static gint64
virtual_boot (gpointer data)
{
  return virtual_now;
}

static gint64
virtual_real (gpointer data)
{
  return virtual_epoch + virtual_now;
}

static inline void
virtual_clock_install (void)
{
  static const ResilientClockFuncs funcs = { virtual_monotonic, virtual_boot, virtual_real };

  resilient_clock_install (&funcs, NULL);
}

/* Dispatches all that is ready now. */
static inline void
virtual_clock_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Moves on by @seconds, stopping at every timer on the way. */
static inline void
virtual_clock_advance (double seconds)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);
  gint64 end = virtual_now + (gint64) (seconds * G_USEC_PER_SEC);

  virtual_clock_settle ();
  for (;;)
    {
      gint64 due = resilient_timer_queue_get_next_due (timers);

      if (due > end)
        break;
      virtual_now = MAX (virtual_now, due);
      resilient_clock_moved ();
      virtual_clock_settle ();
    }
  virtual_now = end;
  resilient_clock_moved ();
  virtual_clock_settle ();
}

/* The machine sleeps: boot time goes on, the monotonic clock does not, no timer fires meanwhile. */
static inline void
virtual_clock_suspend (double seconds)
{
  virtual_now += (gint64) (seconds * G_USEC_PER_SEC);
  virtual_suspended += (gint64) (seconds * G_USEC_PER_SEC);
  resilient_clock_moved ();
  virtual_clock_settle ();
}
