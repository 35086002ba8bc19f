/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-event-private.h"

G_BEGIN_DECLS

/* What a subscription and its recorder share: a bounded sequence of events with any number of
 * readers. The recorder holds this and never the GObject, so that recording neither keeps a
 * subscription alive nor touches its reference count, which may have toggle references of a
 * language binding. Atomically refcounted, any thread. */
typedef struct _ResilientEventBuffer ResilientEventBuffer;

/* Of capacity 0; @reader, the GObject through which it is read, is held weakly. */
ResilientEventBuffer *resilient_event_buffer_new (GObject *reader);
ResilientEventBuffer *resilient_event_buffer_ref (ResilientEventBuffer *self);
void resilient_event_buffer_unref (ResilientEventBuffer *self);

GObject *resilient_event_buffer_dup_reader (ResilientEventBuffer *self); /* nullable */

/* Set before the stream is shared; 0 keeps only what a reader waits for. */
void resilient_event_buffer_set_capacity (ResilientEventBuffer *self, guint capacity);
guint resilient_event_buffer_get_capacity (ResilientEventBuffer *self);
guint resilient_event_buffer_get_length (ResilientEventBuffer *self);
guint64 resilient_event_buffer_get_dropped (ResilientEventBuffer *self);
gboolean resilient_event_buffer_is_ended (ResilientEventBuffer *self);

/* Runs no foreign code, so it may be called under a lock. FALSE once it has ended. When it is full
 * the oldest event leaves: it is handed out in @dropped, to be released under no lock. */
gboolean resilient_event_buffer_push (ResilientEventBuffer *self,
                                      ResilientEvent *event,
                                      ResilientEvent **dropped);
/* No more events come; waiting readers are told. @discard: neither can those be read that are
 * queued. FALSE if it had ended before. Under no lock. */
gboolean resilient_event_buffer_end (ResilientEventBuffer *self, gboolean discard);

/* The oldest event, or NULL when there is none. */
ResilientEvent *resilient_event_buffer_pop (ResilientEventBuffer *self);
/* @task (transfer full) returns exactly once; then the other function gives the next event, NULL at
 * the end, or G_IO_ERROR_CANCELLED. An event that it does not give, because of a cancel or because
 * it is never asked, is the next reader's. */
void resilient_event_buffer_next (ResilientEventBuffer *self, GTask *task);
ResilientEvent *resilient_event_buffer_next_finish (GTask *task, GError **error);
/* Blocks. @timeout in seconds, < 0: none. */
ResilientEvent *resilient_event_buffer_wait (ResilientEventBuffer *self,
                                             double timeout,
                                             GCancellable *cancellable,
                                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEventBuffer, resilient_event_buffer_unref)

G_END_DECLS
