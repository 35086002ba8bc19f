/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* All time that the library reads comes from here: the real clocks, or one that a test moves by
 * hand. It owns the chain of replaced clocks, which is never freed. Any thread. */

#include "config.h"

#include "resilient-clock-private.h"

#include <math.h>
#include <time.h>

/* How long a thread waits at once. The monotonic clock, by which a condition is waited for, stops
 * during suspend: what fell due meanwhile is found after so long. A clock that is moved by hand
 * wakes nobody who waits like this, so such a thread looks at it now and then. */
#define WAIT_HORIZON (G_GINT64_CONSTANT (30) * G_USEC_PER_SEC)
#define VIRTUAL_SLICE (5 * G_TIME_SPAN_MILLISECOND)

/* A replaced clock. Never freed: another thread may be reading the time through it, and a process
 * replaces its clock a few times at most. The chain keeps old ones reachable. */
typedef struct _Replacement Replacement;

struct _Replacement
{
  ResilientClockFuncs funcs;
  gpointer data;
  Replacement *previous;
};

static GMutex replacement_lock;
/* Written under replacement_lock, read atomically; NULL: the real clock. */
static Replacement *replacement;
/* Under replacement_lock. */
static Replacement *all_replacements;

/* Set once, read atomically. */
static void (*moved_func) (void);

static gint64
get_system_boot_time (void)
{
#ifdef CLOCK_BOOTTIME
  struct timespec now;

  /* A sandbox may refuse this clock; a clock that stops during suspend is better than none. */
  if (clock_gettime (CLOCK_BOOTTIME, &now) == 0)
    return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
#endif

  return g_get_monotonic_time ();
}

gint64
resilient_clock_get_monotonic (void)
{
  Replacement *clock = g_atomic_pointer_get (&replacement);

  if (G_UNLIKELY (clock != NULL))
    return clock->funcs.monotonic (clock->data);

  return g_get_monotonic_time ();
}

gint64
resilient_clock_get_boot (void)
{
  Replacement *clock = g_atomic_pointer_get (&replacement);

  if (G_UNLIKELY (clock != NULL))
    return clock->funcs.boot (clock->data);

  return get_system_boot_time ();
}

gint64
resilient_clock_get_real (void)
{
  Replacement *clock = g_atomic_pointer_get (&replacement);

  if (G_UNLIKELY (clock != NULL))
    return clock->funcs.real (clock->data);

  return g_get_real_time ();
}

void
resilient_clock_install (const ResilientClockFuncs *funcs, gpointer data)
{
  Replacement *clock = NULL;

  g_mutex_lock (&replacement_lock);

  if (funcs != NULL)
    {
      clock = g_new0 (Replacement, 1);
      clock->funcs = *funcs;
      clock->data = data;
      clock->previous = all_replacements;
      all_replacements = clock;
    }

  g_atomic_pointer_set (&replacement, clock);

  g_mutex_unlock (&replacement_lock);

  /* What is due by the other clock is due now, and whom the kernel shall wake has changed. */
  resilient_clock_moved ();
}

gboolean
resilient_clock_is_virtual (void)
{
  return g_atomic_pointer_get (&replacement) != NULL;
}

void
resilient_clock_moved (void)
{
  void (*func) (void) = g_atomic_pointer_get (&moved_func);

  if (func != NULL)
    func ();
}

void
resilient_clock_set_moved_func (void (*func) (void))
{
  g_atomic_pointer_set (&moved_func, func);
}

void
resilient_clock_await (void)
{
  Replacement *clock = g_atomic_pointer_get (&replacement);

  if (clock != NULL && clock->funcs.awaited != NULL)
    clock->funcs.awaited (clock->data);
}

gboolean
resilient_clock_wait_until (GCond *cond, GMutex *mutex, gint64 due)
{
  gint64 left = due - resilient_clock_get_boot ();

  if (left <= 0)
    return FALSE;

  left = MIN (left, resilient_clock_is_virtual () ? VIRTUAL_SLICE : WAIT_HORIZON);
  g_cond_wait_until (cond, mutex, g_get_monotonic_time () + left);

  return TRUE;
}

gint64
resilient_clock_from_seconds (double seconds)
{
  double microseconds;

  /* Written so that NaN ends here too. */
  if (!(seconds > 0.0))
    return 0;

  microseconds = round (seconds * G_USEC_PER_SEC);

  /* (double) G_MAXINT64 is 2^63, the first value that does not fit. */
  if (microseconds >= (double) G_MAXINT64)
    return G_MAXINT64;

  /* 0 means "none" where durations are configured: what is short stays short, it does not become
   * endless. */
  return MAX ((gint64) microseconds, 1);
}

double
resilient_clock_to_seconds (gint64 microseconds)
{
  return microseconds / (double) G_USEC_PER_SEC;
}

gint64
resilient_clock_add (gint64 start, double seconds)
{
  gint64 duration = resilient_clock_from_seconds (seconds);

  if (start > G_MAXINT64 - duration)
    return G_MAXINT64;

  return start + duration;
}
