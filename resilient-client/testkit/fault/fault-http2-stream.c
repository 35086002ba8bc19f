/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One stream of a connection of HTTP/2 and the script that answers on it, in a thread of its own.
 * It owns what has come of the request. */

#include "config.h"

#include "fault-http2-stream-private.h"

#include <string.h>

#include "fault-headers-private.h"
#include "fault-hpack-private.h"
#include "fault-script-private.h"

struct _Http2Stream
{
  FaultStream base;
  FaultService *service;
  Http2Output *output;
  GHashTable *streams; /* the log's lock */
  FaultScript *script;
  guint32 id;
  gboolean head_sent;
  gboolean answered; /* END_STREAM was sent */

  /* the log's lock */
  gint64 window;    /* bytes that the peer takes */
  guint64 received; /* of the request's body */
  guint64 wanted;   /* of it, by the script */
  guint64 credited; /* of it, to the peer's window */
  gboolean whole;   /* the peer sent END_STREAM */
};

static void
encode_headers (GByteArray *block, const char *headers)
{
  g_auto (GStrv) lines = g_strsplit (headers != NULL ? headers : "", "\r\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (lines[i], ": ", 2);

      /* a header of the connection makes an HTTP/2 message malformed (RFC 9113, 8.2.2) */
      if (g_strv_length (parts) == 2 && g_ascii_strcasecmp (parts[0], "Connection") != 0
          && g_ascii_strcasecmp (parts[0], "Transfer-Encoding") != 0)
        {
          /* a run of the same line takes a byte for each: the bomb of header compression */
          if (g_strcmp0 (lines[i], lines[i + 1]) != 0)
            fault_hpack_encode (block, parts[0], parts[1]);
          else
            i += fault_hpack_encode_run (block, parts[0], parts[1], lines + i) - 1;
        }
    }
}

static gboolean
stream_head (FaultStream *stream, guint status, const char *headers)
{
  Http2Stream *self = (Http2Stream *) stream;
  g_autofree char *code = g_strdup_printf ("%03u", status);
  g_autoptr (GByteArray) block = g_byte_array_new ();

  fault_hpack_encode (block, ":status", code);
  encode_headers (block, headers);
  self->head_sent = TRUE;

  return http2_output_write_frame (
    self->output, HTTP2_HEADERS, HTTP2_FLAG_END_HEADERS, self->id, block->data, block->len);
}

/* How much of @size may be sent now, taken off the windows; 0 when the stream is gone. */
static gsize
take_window (Http2Stream *self, gsize size)
{
  FaultLog *log = self->service->log;
  gsize n = 0;

  g_mutex_lock (&log->lock);
  while (!self->base.gone && !log->closing
         && (n = http2_output_take_window (self->output, &self->window, size)) == 0)
    g_cond_wait (&log->changed, &log->lock);
  g_mutex_unlock (&log->lock);

  return n;
}

static gboolean
stream_data (FaultStream *stream, gconstpointer data, gsize size)
{
  Http2Stream *self = (Http2Stream *) stream;
  const guint8 *at = data;

  /* text before the head: only HTTP/1.1 has that */
  if (!self->head_sent)
    {
      fault_connection_stop (stream->connection, FAULT_END_CLOSE);
      return FALSE;
    }
  while (size > 0)
    {
      gsize n = take_window (self, size);

      if (n == 0 || !http2_output_write_frame (self->output, HTTP2_DATA, 0, self->id, at, n))
        return FALSE;
      at += n;
      size -= n;
    }

  return TRUE;
}

static gboolean
stream_end (FaultStream *stream)
{
  Http2Stream *self = (Http2Stream *) stream;

  if (self->answered)
    return TRUE;
  self->answered = TRUE;

  return http2_output_write_frame (
    self->output, HTTP2_DATA, HTTP2_FLAG_END_STREAM, self->id, NULL, 0);
}

/* How much more the script has asked for than the peer was let send. The log's lock is held. */
static guint64
take_credit (Http2Stream *self)
{
  guint64 credit = MIN (self->received, self->wanted) - self->credited;

  self->credited += credit;

  return self->whole ? 0 : credit;
}

/* Gives the peer's window back what the script has asked for. */
static gboolean
credit_window (Http2Stream *self)
{
  FaultLog *log = self->service->log;
  guint64 credit;

  g_mutex_lock (&log->lock);
  credit = take_credit (self);
  g_mutex_unlock (&log->lock);

  return credit == 0
         || http2_output_write_numbers (self->output, HTTP2_WINDOW_UPDATE, self->id, 1, credit, 0);
}

static gboolean
stream_read (FaultStream *stream, guint64 size)
{
  Http2Stream *self = (Http2Stream *) stream;
  FaultLog *log = fault_connection_get_log (stream->connection);
  gboolean go_on;

  g_mutex_lock (&log->lock);
  self->wanted += MIN (size, G_MAXUINT64 - self->wanted);
  g_mutex_unlock (&log->lock);
  if (!credit_window (self))
    return FALSE;

  g_mutex_lock (&log->lock);
  while (!stream->gone && !log->closing && !self->whole && self->received < self->wanted)
    g_cond_wait (&log->changed, &log->lock);
  go_on = !stream->gone && !log->closing;
  g_mutex_unlock (&log->lock);

  return go_on;
}

static gboolean
stream_read_done (FaultStream *stream)
{
  Http2Stream *self = (Http2Stream *) stream;
  FaultLog *log = fault_connection_get_log (stream->connection);
  gboolean done;

  g_mutex_lock (&log->lock);
  done = self->whole && self->wanted >= self->received;
  g_mutex_unlock (&log->lock);

  return done;
}

static gboolean
stream_silence (FaultStream *stream)
{
  FaultLog *log = fault_connection_get_log (stream->connection);

  g_mutex_lock (&log->lock);
  while (!stream->gone && !log->closing)
    g_cond_wait (&log->changed, &log->lock);
  g_mutex_unlock (&log->lock);

  return FALSE;
}

static gboolean
stream_reset (FaultStream *stream, guint code)
{
  Http2Stream *self = (Http2Stream *) stream;

  self->answered = TRUE;

  return http2_output_write_numbers (self->output, HTTP2_RST_STREAM, self->id, 1, code, 0);
}

static gboolean
stream_goaway (FaultStream *stream, guint code, gboolean processed)
{
  Http2Stream *self = (Http2Stream *) stream;
  /* a client's streams have odd numbers */
  guint32 last = processed ? self->id : self->id > 1 ? self->id - 2 : 0;

  return http2_output_write_numbers (self->output, HTTP2_GOAWAY, 0, 2, last, code);
}

static gboolean
stream_trailers (FaultStream *stream, const char *headers)
{
  Http2Stream *self = (Http2Stream *) stream;
  g_autoptr (GByteArray) block = g_byte_array_new ();

  encode_headers (block, headers);
  self->answered = TRUE;

  return http2_output_write_frame (self->output,
                                   HTTP2_HEADERS,
                                   HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_END_STREAM,
                                   self->id,
                                   block->data,
                                   block->len);
}

static gboolean
stream_frame (FaultStream *stream, guint type, guint flags, gint64 number, GBytes *payload)
{
  Http2Stream *self = (Http2Stream *) stream;
  guint32 id = number == FAULT_HTTP2_OWN_STREAM ? self->id : number;

  if (id == self->id && type == HTTP2_HEADERS)
    self->head_sent = TRUE;
  if (id == self->id && type <= HTTP2_HEADERS && flags & HTTP2_FLAG_END_STREAM)
    self->answered = TRUE;

  return http2_output_write_frame (
    self->output, type, flags, id, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
}

static gboolean
stream_raw (FaultStream *stream, GBytes *bytes)
{
  Http2Stream *self = (Http2Stream *) stream;

  return http2_output_write_raw (
    self->output, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static gboolean
stream_await_next (FaultStream *stream)
{
  return FALSE;
}

static const FaultStreamFuncs stream_funcs = {
  .await_next = stream_await_next,
  .head = stream_head,
  .data = stream_data,
  .read = stream_read,
  .read_done = stream_read_done,
  .silence = stream_silence,
  .end = stream_end,
  .reset_stream = stream_reset,
  .goaway = stream_goaway,
  .trailers = stream_trailers,
  .frame = stream_frame,
  .raw = stream_raw,
};

Http2Stream *
http2_stream_new (FaultService *service,
                  Http2Output *output,
                  GHashTable *streams,
                  guint32 id,
                  char **headers,
                  gint64 window,
                  gboolean whole)
{
  Http2Stream *self = g_new0 (Http2Stream, 1);
  const char *method = fault_headers_get (headers, ":method");
  const char *path = fault_headers_get (headers, ":path");

  self->base.funcs = &stream_funcs;
  self->base.connection = http2_output_get_connection (output);
  self->base.is_request = TRUE;
  self->base.is_head = g_strcmp0 (method, "HEAD") == 0;
  self->service = service;
  self->output = output;
  self->streams = streams;
  self->id = id;
  self->window = window;
  self->whole = whole;
  method = method != NULL ? method : "";
  path = path != NULL ? path : "";
  self->script = fault_service_begin (service, &self->base, method, path, "2", headers);
  if (whole)
    fault_log_body_end (service->log, self->base.index, TRUE);

  g_mutex_lock (&service->log->lock);
  g_hash_table_insert (streams, GUINT_TO_POINTER (id), self);
  g_mutex_unlock (&service->log->lock);

  return self;
}

gboolean
http2_stream_is_instant (Http2Stream *self)
{
  return fault_script_is_instant (self->script);
}

gpointer
http2_stream_run (gpointer data)
{
  Http2Stream *self = data;
  FaultLog *log = self->service->log;
  gboolean whole;

  if (fault_script_run (self->script, &self->base) && self->head_sent)
    stream_end (&self->base);
  if (self->base.last)
    stream_goaway (&self->base, FAULT_HTTP2_NO_ERROR, TRUE);

  g_mutex_lock (&log->lock);
  g_hash_table_remove (self->streams, GUINT_TO_POINTER (self->id));
  whole = self->whole;
  g_mutex_unlock (&log->lock);
  fault_service_end (self->service, &self->base, self->script);
  if (!whole)
    fault_log_body_end (log, self->base.index, FALSE);
  g_free (self);

  return NULL;
}

guint
http2_stream_get_index (Http2Stream *self)
{
  return self->base.index;
}

void
http2_stream_widen (Http2Stream *self, gint64 n)
{
  self->window += n;
}

guint64
http2_stream_receive (Http2Stream *self, gsize size, gboolean whole)
{
  self->received += size;
  self->whole |= whole;

  return take_credit (self);
}

void
http2_stream_abandon (Http2Stream *self)
{
  self->base.gone = TRUE;
}
