/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the two sources of the server's HTTP/2 share: its frames, its connection and its streams
 * (RFC 9113). In the threads of the connection. */

#pragma once

#include "fault-hpack-private.h"
#include "fault-private.h"
#include "fault-script-private.h"

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
#define HTTP2_FRAME_SIZE 16384
#define HTTP2_WINDOW 65535
#define HTTP2_SETTING_INITIAL_WINDOW 4

/* A connection. One thread reads its frames; that one, or one for each stream whose script may
 * wait, answers. */
typedef struct
{
  FaultConnection *connection;
  GMutex write_lock; /* a frame is written whole */

  /* the log's lock */
  GHashTable *streams; /* id → Http2Stream, those that are not answered */
  gint64 window;       /* bytes that the peer takes, of all streams */
  gint64 initial_window;

  /* the reading thread */
  FaultHpack *hpack;
  GPtrArray *threads;
  GByteArray *block; /* of headers, until END_HEADERS */
  guint32 block_stream;
  guint8 block_flags;
} Http2;

typedef struct
{
  FaultStream base;
  Http2 *http2;
  FaultScript *script;
  guint32 id;
  gboolean head_sent;
  gboolean answered; /* END_STREAM was sent */

  /* the log's lock */
  gint64 window;
  guint64 received; /* of the request's body */
  guint64 wanted;   /* of it, by the script */
  guint64 credited; /* of it, to the peer's window */
  gboolean whole;   /* the peer sent END_STREAM */
} Http2Stream;

gboolean http2_write_frame (Http2 *self,
                            Http2FrameType type,
                            guint8 flags,
                            guint32 stream,
                            gconstpointer data,
                            gsize size);
gboolean http2_write_raw (Http2 *self, gconstpointer data, gsize size);
gboolean http2_write_numbers (Http2 *self,
                              Http2FrameType type,
                              guint32 stream,
                              gsize n,
                              guint32 first,
                              guint32 second);

Http2Stream *http2_stream_new (Http2 *http2, guint32 id, char **headers, gboolean whole);
void http2_stream_free (Http2Stream *self);
/* Gives the peer's window back what the script has asked for. */
gboolean http2_stream_credit (Http2Stream *self);
/* Follows the script to its end, and frees the stream. A GThreadFunc. */
gpointer http2_stream_run (gpointer data);

G_END_DECLS
