/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-event-private.h"

G_BEGIN_DECLS

/* A GAsyncQueue of events on its way to the signals, and the GSource (the monitor) that drains it
 * in the home context. */
typedef struct _ResilientEventQueue ResilientEventQueue;

ResilientEventQueue *resilient_event_queue_new (guint capacity);
ResilientEventQueue *resilient_event_queue_ref (ResilientEventQueue *self);
void resilient_event_queue_unref (ResilientEventQueue *self);
void resilient_event_queue_set_capacity (ResilientEventQueue *self, guint capacity);
guint resilient_event_queue_get_capacity (ResilientEventQueue *self);
guint resilient_event_queue_get_length (ResilientEventQueue *self);
guint64 resilient_event_queue_get_dropped (ResilientEventQueue *self);
/* Any thread, never blocks. Beyond the capacity RETRY events are dropped and counted, terminal
 * events lose their response. */
void resilient_event_queue_push (ResilientEventQueue *self, ResilientEvent *event);
/* Wakes the contexts of the monitors, where they wait, after one event or many. Any thread, under
 * no lock. */
void resilient_event_queue_wake (ResilientEventQueue *self);

typedef void (*ResilientMonitorFunc) (ResilientEvent *event, gpointer data);

/* Attaches the monitor to @context (NULL: the global default one): a source that may recurse and
 * emits one event after the other, in order. Transfer full: detach with g_source_destroy() and
 * release with g_source_unref(). The source keeps the queue alive; @context must outlive its
 * attachment. Of several monitors each event goes to one. */
GSource *resilient_event_queue_attach (ResilientEventQueue *self,
                                       GMainContext *context,
                                       ResilientMonitorFunc func,
                                       gpointer data,
                                       GDestroyNotify destroy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEventQueue, resilient_event_queue_unref)

G_END_DECLS
