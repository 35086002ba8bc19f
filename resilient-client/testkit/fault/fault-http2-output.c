/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Writes the frames of a connection of HTTP/2, each of them whole, and keeps the window of the peer
 * for all of its streams. Any thread; the window under the log's lock. */

#include "config.h"

#include "fault-http2-output-private.h"

#include <string.h>

struct _Http2Output
{
  FaultConnection *connection; /* set once */
  GMutex write_lock;           /* a frame is written whole */
  gint64 window;               /* the log's lock: bytes that the peer takes, of all streams */
};

Http2Output *
http2_output_new (FaultConnection *connection)
{
  Http2Output *self = g_new0 (Http2Output, 1);

  self->connection = connection;
  self->window = HTTP2_WINDOW;
  g_mutex_init (&self->write_lock);

  return self;
}

void
http2_output_free (Http2Output *self)
{
  g_mutex_clear (&self->write_lock);
  g_free (self);
}

FaultConnection *
http2_output_get_connection (Http2Output *self)
{
  return self->connection;
}

gboolean
http2_output_write_raw (Http2Output *self, gconstpointer data, gsize size)
{
  gboolean written;

  g_mutex_lock (&self->write_lock);
  written = fault_connection_write (self->connection, data, size);
  g_mutex_unlock (&self->write_lock);

  return written;
}

gboolean
http2_output_write_frame (Http2Output *self,
                          Http2FrameType type,
                          guint8 flags,
                          guint32 stream,
                          gconstpointer data,
                          gsize size)
{
  g_autofree guint8 *frame = g_malloc (HTTP2_FRAME_HEAD + size);

  frame[0] = size >> 16;
  frame[1] = size >> 8;
  frame[2] = size;
  frame[3] = type;
  frame[4] = flags;
  stream = GUINT32_TO_BE (stream);
  memcpy (frame + 5, &stream, sizeof stream);
  if (size > 0)
    memcpy (frame + HTTP2_FRAME_HEAD, data, size);

  return http2_output_write_raw (self, frame, HTTP2_FRAME_HEAD + size);
}

gboolean
http2_output_write_numbers (Http2Output *self,
                            Http2FrameType type,
                            guint32 stream,
                            gsize n,
                            guint32 first,
                            guint32 second)
{
  guint32 numbers[2] = { GUINT32_TO_BE (first), GUINT32_TO_BE (second) };

  return http2_output_write_frame (self, type, 0, stream, numbers, n * sizeof (guint32));
}

void
http2_output_widen (Http2Output *self, gint64 n)
{
  self->window += n;
}

gsize
http2_output_take_window (Http2Output *self, gint64 *window, gsize size)
{
  gint64 n = MIN (MIN (*window, self->window), (gint64) MIN (size, HTTP2_FRAME_SIZE));

  if (n <= 0)
    return 0;
  *window -= n;
  self->window -= n;

  return n;
}
