/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One timer source per main context with a heap inside. Due times are on the boot-time clock, so
 * that what falls due during suspend fires on resume. */
typedef struct _ResilientTimerQueue ResilientTimerQueue;
typedef struct _ResilientTimer ResilientTimer;
typedef void (*ResilientTimerFunc) (gpointer data);

/* Embedded in its owner, zero-initialised; owned by the timer queue's lock while set. */
struct _ResilientTimer
{
  gint64 due;
  ResilientTimerFunc func;
  gpointer data;
  guint32 order; /* ties fire in the order in which they were set; the number may wrap */
  guint index;   /* 1 + place in the heap; 0: not set */
};

/* The queue of @context (NULL: the global default one), made at first use and shared by the whole
 * process. */
ResilientTimerQueue *resilient_timer_queue_get (GMainContext *context);
ResilientTimerQueue *resilient_timer_queue_ref (ResilientTimerQueue *self);
void resilient_timer_queue_unref (ResilientTimerQueue *self);

/* Any thread. Setting a timer again moves it. @func runs in the timer queue's context, with the
 * timer no longer set, under no lock; it may set or clear any timer, run a nested main loop, or
 * free the owner. The thread that has the context must not set one between the preparation of a
 * turn and its poll: the kernel is asked to wake it in the former. */
void resilient_timer_queue_set (ResilientTimerQueue *self,
                                ResilientTimer *timer,
                                gint64 due,
                                ResilientTimerFunc func,
                                gpointer data);
/* TRUE if it was set and will now not fire. */
gboolean resilient_timer_queue_clear (ResilientTimerQueue *self, ResilientTimer *timer);
/* When it falls due, on the boot-time clock; 0: it is not set. */
gint64 resilient_timer_queue_get_due (ResilientTimerQueue *self, ResilientTimer *timer);
gboolean resilient_timer_is_set (ResilientTimer *timer);
/* How many timers are set; for tests and benchmarks. */
guint resilient_timer_queue_get_length (ResilientTimerQueue *self);
/* When the first timer falls due, on the boot-time clock; G_MAXINT64: none is set. What a moved
 * clock moves to next. */
gint64 resilient_timer_queue_get_next_due (ResilientTimerQueue *self);
GMainContext *resilient_timer_queue_get_context (ResilientTimerQueue *self);
/* References to the queues of the process, oldest first: for who moves a replaced clock. */
GPtrArray *resilient_timer_queue_list (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTimerQueue, resilient_timer_queue_unref)

G_END_DECLS
