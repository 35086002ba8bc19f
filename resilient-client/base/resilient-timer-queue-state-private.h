/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-timer-queue-private.h"
#include "resilient-heap-private.h"

G_BEGIN_DECLS

/* The queue is the source. References of its users are counted apart from those of GLib: with the
 * last of them the source is destroyed, but its memory stays for as long as a dispatch runs. */
struct _ResilientTimerQueue
{
  GSource source;

  GMainContext *context; /* owned, constant */
  guint refs;            /* under the lock of the registry */
  guint64 serial;        /* constant: the order in which timers were made */
  guint generation;      /* constant: of the process; see resilient-fork-private.h */

  GMutex lock;        /* guards all below, and every timer that is set */
  ResilientHeap heap; /* of ResilientTimer, by (due, order) */
  guint32 next_order;
  gint64 armed_due; /* when the kernel wakes us, on the boot clock; G_MAXINT64: it will not */
  int fd;           /* the timerfd; -1: the source's ready time is used instead */
  gpointer fd_tag;
};

/* Attached to @context, with one reference. */
ResilientTimerQueue *resilient_timer_queue_new (GMainContext *context);
/* It belongs to the process from which this one was forked. */
gboolean resilient_timer_queue_is_foreign (ResilientTimerQueue *self);
/* Makes the kernel wake the context for the first timer; with the lock held. */
void resilient_timer_queue_arm (ResilientTimerQueue *self);

G_END_DECLS
