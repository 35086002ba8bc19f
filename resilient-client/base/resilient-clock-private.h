/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The seam through which all time is read. Every value is in microseconds.
 * monotonic stops during suspend, boot does not, real is the wall clock since 1970. */
typedef struct
{
  gint64 (*monotonic) (gpointer data);
  gint64 (*boot) (gpointer data);
  gint64 (*real) (gpointer data);
  /* Nullable: a timer queue waits for another time than before. Any thread, under no lock. */
  void (*awaited) (gpointer data);
} ResilientClockFuncs;

gint64 resilient_clock_get_monotonic (void);
gint64 resilient_clock_get_boot (void);
gint64 resilient_clock_get_real (void);

/* Replaces the clock of the whole process; NULL restores the real one. For tests: call before the
 * first use. */
void resilient_clock_install (const ResilientClockFuncs *funcs, gpointer data);
/* TRUE while a replaced clock is installed: nothing may then be left to the kernel's timers. */
gboolean resilient_clock_is_virtual (void);
/* Tells who waits by the replaced clock that it has moved. */
void resilient_clock_moved (void);
/* Who that is: the timer queues. @func stays for ever. */
void resilient_clock_set_moved_func (void (*func) (void));
/* Tells the replaced clock, if there is one, that a timer queue waits for another time than
 * before. */
void resilient_clock_await (void);

/* As g_cond_wait(), but FALSE, without having waited, once @due on the boot-time clock has come.
 * Like every condition it may return TRUE for no reason: look again. */
gboolean resilient_clock_wait_until (GCond *cond, GMutex *mutex, gint64 due);

/* seconds → microseconds, saturating, never negative; and back. */
gint64 resilient_clock_from_seconds (double seconds);
double resilient_clock_to_seconds (gint64 microseconds);
/* @start plus @seconds, saturating at G_MAXINT64. */
gint64 resilient_clock_add (gint64 start, double seconds);

G_END_DECLS
