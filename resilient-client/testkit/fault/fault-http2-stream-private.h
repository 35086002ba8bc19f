/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request of HTTP/2 and its answer: a stream among those of its connection. */

#pragma once

#include "fault-http2-output-private.h"
#include "fault-service-private.h"

G_BEGIN_DECLS

typedef struct _Http2Stream Http2Stream;

/* In the reading thread. It is in @streams, id → stream, under the log's lock, until it is
 * answered.
 * @window: bytes that the peer takes of it. @whole: the request has no body. Takes @headers. */
Http2Stream *http2_stream_new (FaultService *service,
                               Http2Output *output,
                               GHashTable *streams,
                               guint32 id,
                               char **headers,
                               gint64 window,
                               gboolean whole);
/* Before it runs: nothing that it does waits. */
gboolean http2_stream_is_instant (Http2Stream *self);
/* Follows the script to its end, and frees the stream. A GThreadFunc. */
gpointer http2_stream_run (gpointer data);

/* These under the log's lock, which keeps it from being freed. */

/* Of its record. */
guint http2_stream_get_index (Http2Stream *self);
/* The peer takes @n bytes more of it, or less. */
void http2_stream_widen (Http2Stream *self, gint64 n);
/* So much of its body has come, @whole: to its end. Returns how much more the peer may be let send,
 * as far as the script has asked for it. */
guint64 http2_stream_receive (Http2Stream *self, gsize size, gboolean whole);
/* The peer gave it up, or has gone. */
void http2_stream_abandon (Http2Stream *self);

G_END_DECLS
