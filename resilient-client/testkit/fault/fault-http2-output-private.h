/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What goes out on a connection of HTTP/2, and the names of frames (RFC 9113, 4 to 6). */

#pragma once

#include "fault-connection-private.h"

G_BEGIN_DECLS

/* RFC 9113, 6. */
typedef enum
{
  HTTP2_DATA,
  HTTP2_HEADERS,
  HTTP2_PRIORITY,
  HTTP2_RST_STREAM,
  HTTP2_SETTINGS,
  HTTP2_PUSH_PROMISE,
  HTTP2_PING,
  HTTP2_GOAWAY,
  HTTP2_WINDOW_UPDATE,
  HTTP2_CONTINUATION,
} Http2FrameType;

#define HTTP2_FLAG_END_STREAM 0x1 /* of DATA and HEADERS */
#define HTTP2_FLAG_ACK 0x1        /* of SETTINGS and PING */
#define HTTP2_FLAG_END_HEADERS 0x4
#define HTTP2_FLAG_PADDED 0x8
#define HTTP2_FLAG_PRIORITY 0x20
#define HTTP2_FRAME_HEAD 9
#define HTTP2_FRAME_SIZE 16384
#define HTTP2_WINDOW 65535
#define HTTP2_SETTING_INITIAL_WINDOW 4

typedef struct _Http2Output Http2Output;

Http2Output *http2_output_new (FaultConnection *connection);
void http2_output_free (Http2Output *self);
FaultConnection *http2_output_get_connection (Http2Output *self);

/* Any thread: what is given is written whole. */
gboolean http2_output_write_raw (Http2Output *self, gconstpointer data, gsize size);
gboolean http2_output_write_frame (Http2Output *self,
                                   Http2FrameType type,
                                   guint8 flags,
                                   guint32 stream,
                                   gconstpointer data,
                                   gsize size);
/* A frame of one number, or of two. */
gboolean http2_output_write_numbers (Http2Output *self,
                                     Http2FrameType type,
                                     guint32 stream,
                                     gsize n,
                                     guint32 first,
                                     guint32 second);

/* Under the log's lock. The peer takes @n bytes more, of all streams. */
void http2_output_widen (Http2Output *self, gint64 n);
/* Under the log's lock. How much of @size may be sent in one frame, by the window of the connection
 * and by @window, that of a stream; it is taken off both. 0: nothing now. */
gsize http2_output_take_window (Http2Output *self, gint64 *window, gsize size);

G_END_DECLS
