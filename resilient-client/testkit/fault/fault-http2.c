/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads the frames of a connection of HTTP/2 and hands them to its streams. It owns the
 * connection's state, under its lock; it reads in the thread of the connection. */

#include "config.h"

#include <string.h>

#include "fault-http2-private.h"

#define FRAME_HEAD 9
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

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

gboolean
http2_write_raw (Http2 *self, gconstpointer data, gsize size)
{
  gboolean written;

  g_mutex_lock (&self->write_lock);
  written = fault_connection_write (self->connection, data, size);
  g_mutex_unlock (&self->write_lock);

  return written;
}

gboolean
http2_write_frame (Http2 *self,
                   Http2FrameType type,
                   guint8 flags,
                   guint32 stream,
                   gconstpointer data,
                   gsize size)
{
  g_autofree guint8 *frame = g_malloc (FRAME_HEAD + size);

  frame[0] = size >> 16;
  frame[1] = size >> 8;
  frame[2] = size;
  frame[3] = type;
  frame[4] = flags;
  stream = GUINT32_TO_BE (stream);
  memcpy (frame + 5, &stream, sizeof stream);
  if (size > 0)
    memcpy (frame + FRAME_HEAD, data, size);

  return http2_write_raw (self, frame, FRAME_HEAD + size);
}

gboolean
http2_write_numbers (Http2 *self,
                     Http2FrameType type,
                     guint32 stream,
                     gsize n,
                     guint32 first,
                     guint32 second)
{
  guint32 numbers[2] = { GUINT32_TO_BE (first), GUINT32_TO_BE (second) };

  return http2_write_frame (self, type, 0, stream, numbers, n * sizeof (guint32));
}

static gboolean
fill_to (FaultConnection *connection, gsize size)
{
  while (connection->input->len < size)
    if (!fault_connection_fill (connection))
      return FALSE;

  return TRUE;
}

static gboolean
read_frame (FaultConnection *connection, Frame *frame)
{
  const guint8 *head;

  if (!fill_to (connection, FRAME_HEAD))
    return FALSE;
  head = connection->input->data;
  frame->size = head[0] << 16 | head[1] << 8 | head[2];
  frame->type = head[3];
  frame->flags = head[4];
  frame->stream = get_number (head + 5) & G_MAXINT32;
  if (!fill_to (connection, FRAME_HEAD + frame->size))
    return FALSE;
  frame->data = connection->input->data + FRAME_HEAD;

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
  stream = http2_stream_new (self, self->block_stream, headers, whole);
  if (whole && fault_script_is_instant (stream->script))
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
  FaultLog *log = self->connection->log;
  gsize flow = frame->size;
  Http2Stream *stream;
  guint index = 0;

  if (!strip (frame))
    return FALSE;
  /* the script may end, and free the stream, once it is known to be whole: so that comes last */
  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (stream != NULL)
    index = stream->base.index;
  g_mutex_unlock (&log->lock);
  if (stream != NULL && frame->size > 0)
    fault_log_body (log, index, frame->data, frame->size);
  if (stream != NULL && frame->flags & HTTP2_FLAG_END_STREAM)
    fault_log_body_end (log, index, TRUE);

  if (flow > 0 && !http2_write_numbers (self, HTTP2_WINDOW_UPDATE, 0, 1, flow, 0))
    return FALSE;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  flow = 0;
  if (stream != NULL)
    {
      stream->received += frame->size;
      if (frame->flags & HTTP2_FLAG_END_STREAM)
        stream->whole = TRUE;
      else
        flow = MIN (stream->received, stream->wanted) - stream->credited;
      stream->credited += flow;
      fault_log_wake (log);
    }
  g_mutex_unlock (&log->lock);

  return flow == 0 || http2_write_numbers (self, HTTP2_WINDOW_UPDATE, frame->stream, 1, flow, 0);
}

/* The log's lock is held. */
static void
change_windows (Http2 *self, gint64 initial_window)
{
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    ((Http2Stream *) stream)->window += initial_window - self->initial_window;
  self->initial_window = initial_window;
}

static gboolean
on_settings (Http2 *self, Frame *frame)
{
  FaultLog *log = self->connection->log;

  if (frame->flags & HTTP2_FLAG_ACK)
    return TRUE;
  g_mutex_lock (&log->lock);
  for (gsize i = 0; i + 6 <= frame->size; i += 6)
    if ((frame->data[i] << 8 | frame->data[i + 1]) == HTTP2_SETTING_INITIAL_WINDOW)
      change_windows (self, get_number (frame->data + i + 2));
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);

  return http2_write_frame (self, HTTP2_SETTINGS, HTTP2_FLAG_ACK, 0, NULL, 0);
}

static void
on_window_update (Http2 *self, Frame *frame)
{
  FaultLog *log = self->connection->log;
  gint64 more = frame->size == 4 ? get_number (frame->data) & G_MAXINT32 : 0;
  Http2Stream *stream;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (frame->stream == 0)
    self->window += more;
  else if (stream != NULL)
    stream->window += more;
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);
}

static void
on_reset (Http2 *self, Frame *frame)
{
  FaultLog *log = self->connection->log;
  Http2Stream *stream;

  g_mutex_lock (&log->lock);
  stream = g_hash_table_lookup (self->streams, GUINT_TO_POINTER (frame->stream));
  if (stream != NULL)
    stream->base.gone = TRUE;
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
             || http2_write_frame (self, HTTP2_PING, HTTP2_FLAG_ACK, 0, frame->data, frame->size);
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
  FaultLog *log = self->connection->log;
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&log->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    ((Http2Stream *) stream)->base.gone = TRUE;
  fault_log_wake (log);
  g_mutex_unlock (&log->lock);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);
}

void
fault_http2_run (FaultConnection *connection)
{
  Http2 self = { .connection = connection, .window = HTTP2_WINDOW, .initial_window = HTTP2_WINDOW };
  gsize preface = strlen (PREFACE);
  Frame frame;

  g_mutex_init (&self.write_lock);
  self.streams = g_hash_table_new (NULL, NULL);
  self.hpack = fault_hpack_new ();
  self.threads = g_ptr_array_new ();
  self.block = g_byte_array_new ();

  if (fill_to (connection, preface) && memcmp (connection->input->data, PREFACE, preface) == 0
      && (fault_server_get_flags (connection->server) & FAULT_SERVER_NO_SETTINGS
          || http2_write_frame (&self, HTTP2_SETTINGS, 0, 0, NULL, 0)))
    {
      fault_connection_consume (connection, preface);
      while (read_frame (connection, &frame))
        {
          gsize size = FRAME_HEAD + frame.size;

          if (!on_frame (&self, &frame))
            break;
          fault_connection_consume (connection, size);
        }
    }
  /* threads that still write must not wait for a peer that nobody listens to */
  g_cancellable_cancel (connection->cancellable);
  end_streams (&self);

  g_byte_array_unref (self.block);
  g_ptr_array_unref (self.threads);
  fault_hpack_free (self.hpack);
  g_hash_table_unref (self.streams);
  g_mutex_clear (&self.write_lock);
}
