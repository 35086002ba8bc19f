/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads the frames of a connection of HTTP/2 and hands them to its streams. It owns the
 * connection's state, under its lock; it reads in the thread of the connection. */

#include "config.h"

#include "fault-http2-private.h"

#include <string.h>

#include "fault-hpack-private.h"
#include "fault-http2-output-private.h"
#include "fault-http2-stream-private.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* A connection. One thread reads its frames; that one, or one for each stream whose script may
 * wait, answers. */
typedef struct
{
  FaultConnection *connection;
  FaultService *service;
  Http2Output *output;
  GHashTable *streams; /* the log's lock: id → Http2Stream, those that are not answered */

  /* the reading thread */
  gint64 initial_window; /* of a stream */
  FaultHpack *hpack;
  GPtrArray *threads;
  GByteArray *block; /* of headers, until END_HEADERS */
  guint32 block_stream;
  guint8 block_flags;
} Http2;

typedef struct
{
  guint8 type;
  guint8 flags;
  guint32 stream;
  const guint8 *data; /* in the connection's input */
  gsize size;
} Frame;

static guint32
get_number (const guint8 *data)
{
  guint32 number;

  memcpy (&number, data, sizeof number);

  return GUINT32_FROM_BE (number);
}

static gboolean
read_frame (FaultConnection *connection, Frame *frame)
{
  const guint8 *head;
  gsize there;

  if (!fault_connection_fill_to (connection, HTTP2_FRAME_HEAD))
    return FALSE;
  head = fault_connection_peek (connection, &there);
  frame->size = head[0] << 16 | head[1] << 8 | head[2];
  frame->type = head[3];
  frame->flags = head[4];
  frame->stream = get_number (head + 5) & G_MAXINT32;
  if (!fault_connection_fill_to (connection, HTTP2_FRAME_HEAD + frame->size))
    return FALSE;
  frame->data = fault_connection_peek (connection, &there) + HTTP2_FRAME_HEAD;

  return TRUE;
}

/* Takes padding off, and the priority that HEADERS may have. */
static gboolean
strip (Frame *frame)
{
  gsize padding = 0;

  if (frame->flags & HTTP2_FLAG_PADDED)
    {
      if (frame->size < 1)
        return FALSE;
      padding = *frame->data++;
      frame->size--;
    }
  if (frame->type == HTTP2_HEADERS && frame->flags & HTTP2_FLAG_PRIORITY)
    {
      if (frame->size < 5)
        return FALSE;
      frame->data += 5;
      frame->size -= 5;
    }
  if (padding > frame->size)
    return FALSE;
  frame->size -= padding;

  return TRUE;
}

static gboolean
on_headers_whole (Http2 *self)
{
  char **headers = fault_hpack_decode (self->hpack, self->block->data, self->block->len);
  Http2Stream *stream;
  gboolean whole = self->block_flags & HTTP2_FLAG_END_STREAM;

  g_byte_array_set_size (self->block, 0);
  if (headers == NULL)
    return FALSE;
  stream = http2_stream_new (self->service,
                             self->output,
                             self->streams,
                             self->block_stream,
                             headers,
                             self->initial_window,
                             whole);
  if (whole && http2_stream_is_instant (stream))
    http2_stream_run (stream);
  else
    g_ptr_array_add (self->threads, g_thread_new ("fault-stream", http2_stream_run, stream));

  return TRUE;
}

static gboolean
on_header_block (Http2 *self, Frame *frame)
{
  if (frame->type == HTTP2_HEADERS)
    {
      if (!strip (frame))
        return FALSE;
      self->block_stream = frame->stream;
      self->block_flags = frame->flags;
    }
  g_byte_array_append (self->block, frame->data, frame->size);

  return !(frame->flags & HTTP2_FLAG_END_HEADERS) || on_headers_whole (self);
}

static gboolean
on_data (Http2 *self, Frame *frame)
{
  FaultLog *log = self->service->log;
  gsize flow = frame->size;
  Http2Stream *stream;
  guint index = 0;

  if (!strip (frame))
    return FALSE;
  /* the script may end, and free the stream, once it is known to be whole: so that comes last */
  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (stream != NULL)
    index = http2_stream_get_index (stream);
  g_mutex_unlock (&log->lock);
  if (stream != NULL && frame->size > 0)
    fault_log_body (log, index, frame->data, frame->size);
  if (stream != NULL && frame->flags & HTTP2_FLAG_END_STREAM)
    fault_log_body_end (log, index, TRUE);

  if (flow > 0 && !http2_output_write_numbers (self->output, HTTP2_WINDOW_UPDATE, 0, 1, flow, 0))
    return FALSE;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  flow = 0;
  if (stream != NULL)
    {
      flow = http2_stream_receive (stream, frame->size, frame->flags & HTTP2_FLAG_END_STREAM);
      fault_log_wake (log);
    }
  g_mutex_unlock (&log->lock);

  return flow == 0
         || http2_output_write_numbers (
           self->output, HTTP2_WINDOW_UPDATE, frame->stream, 1, flow, 0);
}

/* The log's lock is held. */
static void
change_windows (Http2 *self, gint64 initial_window)
{
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    http2_stream_widen (stream, initial_window - self->initial_window);
  self->initial_window = initial_window;
}

static gboolean
on_settings (Http2 *self, Frame *frame)
{
  FaultLog *log = self->service->log;

  if (frame->flags & HTTP2_FLAG_ACK)
    return TRUE;
  g_mutex_lock (&log->lock);
  for (gsize i = 0; i + 6 <= frame->size; i += 6)
    if ((frame->data[i] << 8 | frame->data[i + 1]) == HTTP2_SETTING_INITIAL_WINDOW)
      change_windows (self, get_number (frame->data + i + 2));
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);

  return http2_output_write_frame (self->output, HTTP2_SETTINGS, HTTP2_FLAG_ACK, 0, NULL, 0);
}

static void
on_window_update (Http2 *self, Frame *frame)
{
  FaultLog *log = self->service->log;
  gint64 more = frame->size == 4 ? get_number (frame->data) & G_MAXINT32 : 0;
  Http2Stream *stream;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (frame->stream == 0)
    http2_output_widen (self->output, more);
  else if (stream != NULL)
    http2_stream_widen (stream, more);
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);
}

static void
on_reset (Http2 *self, Frame *frame)
{
  FaultLog *log = self->service->log;
  Http2Stream *stream;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (stream != NULL)
    http2_stream_abandon (stream);
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);
}

static gboolean
on_frame (Http2 *self, Frame *frame)
{
  switch (frame->type)
    {
    case HTTP2_HEADERS:
    case HTTP2_CONTINUATION:
      return on_header_block (self, frame);
    case HTTP2_DATA:
      return on_data (self, frame);
    case HTTP2_SETTINGS:
      return on_settings (self, frame);
    case HTTP2_PING:
      return frame->flags & HTTP2_FLAG_ACK
             || http2_output_write_frame (
               self->output, HTTP2_PING, HTTP2_FLAG_ACK, 0, frame->data, frame->size);
    case HTTP2_WINDOW_UPDATE:
      on_window_update (self, frame);
      return TRUE;
    case HTTP2_RST_STREAM:
      on_reset (self, frame);
      return TRUE;
    default:
      return TRUE;
    }
}

static void
end_streams (Http2 *self)
{
  FaultLog *log = self->service->log;
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&log->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    http2_stream_abandon (stream);
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);
}

static gboolean
begin (Http2 *self)
{
  gsize size, preface = strlen (PREFACE);

  return fault_connection_fill_to (self->connection, preface)
         && memcmp (fault_connection_peek (self->connection, &size), PREFACE, preface) == 0
         && (self->service->flags & FAULT_SERVER_NO_SETTINGS
             || http2_output_write_frame (self->output, HTTP2_SETTINGS, 0, 0, NULL, 0));
}

void
fault_http2_run (FaultConnection *connection, FaultService *service)
{
  Http2 self = { .connection = connection, .service = service, .initial_window = HTTP2_WINDOW };
  Frame frame;

  self.output = http2_output_new (connection);
  self.streams = g_hash_table_new (NULL, NULL);
  self.hpack = fault_hpack_new ();
  self.threads = g_ptr_array_new ();
  self.block = g_byte_array_new ();

  if (begin (&self))
    {
      fault_connection_consume (connection, strlen (PREFACE));
      while (read_frame (connection, &frame))
        {
          gsize size = HTTP2_FRAME_HEAD + frame.size;

          if (!on_frame (&self, &frame))
            break;
          fault_connection_consume (connection, size);
        }
    }
  /* threads that still write must not wait for a peer that nobody listens to */
  fault_connection_cancel (connection);
  end_streams (&self);

  g_byte_array_unref (self.block);
  g_ptr_array_unref (self.threads);
  fault_hpack_free (self.hpack);
  g_hash_table_unref (self.streams);
  http2_output_free (self.output);
}
