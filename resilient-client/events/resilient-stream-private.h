/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-event-private.h"

G_BEGIN_DECLS

/* What a subscription and its recorder share: a bounded sequence of events with any number of readers. The recorder holds
 * this and never the GObject, so that recording neither keeps a subscription alive nor touches its reference count, which
 * may have toggle references of a language binding. Atomically refcounted, any thread. */
typedef struct _ResilientStream ResilientStream;

/* Of capacity 0; @reader, the GObject through which it is read, is held weakly. */
ResilientStream *resilient_stream_new (GObject *reader);
ResilientStream *resilient_stream_ref (ResilientStream *self);
void resilient_stream_unref (ResilientStream *self);

GObject *resilient_stream_dup_reader (ResilientStream *self); /* nullable */

/* Set before the stream is shared; 0 keeps only what a reader waits for. */
void resilient_stream_set_capacity (ResilientStream *self, guint capacity);
guint resilient_stream_get_capacity (ResilientStream *self);
guint resilient_stream_get_length (ResilientStream *self);
guint64 resilient_stream_get_dropped (ResilientStream *self);
gboolean resilient_stream_is_ended (ResilientStream *self);

/* Runs no foreign code, so it may be called under a lock. FALSE once it has ended. When it is full the oldest event leaves:
 * it is handed out in @dropped, to be released under no lock. */
gboolean resilient_stream_push (ResilientStream *self, ResilientEvent *event, ResilientEvent **dropped);
/* No more events come; waiting readers are told. @discard: neither can those be read that are queued.
 * FALSE if it had ended before. Under no lock. */
gboolean resilient_stream_end (ResilientStream *self, gboolean discard);

/* The oldest event, or NULL when there is none. */
ResilientEvent *resilient_stream_pop (ResilientStream *self);
/* @task (transfer full) returns the next event, NULL at the end, or G_IO_ERROR_CANCELLED; exactly once. */
void resilient_stream_next (ResilientStream *self, GTask *task);
/* Blocks. @timeout in seconds, < 0: none. */
ResilientEvent *resilient_stream_wait (ResilientStream *self, double timeout, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientStream, resilient_stream_unref)

G_END_DECLS
