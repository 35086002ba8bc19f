/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Makes the steps of scripts, and runs them on a stream, whichever version of HTTP that speaks. A
 * step owns what it sends and is immutable once it is in a script. Made in any thread, run in that
 * of the stream. */

#include "config.h"

#include "fault-step-private.h"

#include <string.h>

#define FILLER_BLOCK 16384

typedef enum
{
  OP_ANSWER,
  OP_HEAD,
  OP_SEND,
  OP_DRIP,
  OP_FILLER,
  OP_FLOOD,
  OP_READ,
  OP_READ_SLOWLY,
  OP_HOLD,
  OP_PAUSE,
  OP_SILENCE,
  OP_AWAIT_NEXT,
  OP_CERTIFICATE,
  OP_CLOSE,
  OP_CUT,
  OP_RESET,
  OP_RESET_STREAM,
  OP_GOAWAY,
  OP_TRAILERS,
  OP_FRAMES,
  OP_RAW,
} Op;

struct _FaultStep
{
  Op op;
  guint status;
  char *headers; /* nullable */
  GBytes *bytes; /* nullable */
  char *gate;    /* nullable */
  guint64 size;  /* of chunks, filler, reads; how many frames */
  guint number;  /* milliseconds, HTTP/2 error code, type of a frame, certificate */
  guint flags;
  gint64 stream;
  gboolean processed;
};

/* --- making ----------------------------------------------------------------------------------- */

static FaultStep *
step_new (Op op)
{
  FaultStep *self = g_atomic_rc_box_new0 (FaultStep);

  self->op = op;

  return self;
}

static FaultStep *
answer_new (guint status, const char *headers, GBytes *body, gsize chunk_size)
{
  FaultStep *self = step_new (OP_ANSWER);

  self->status = status;
  self->headers = g_strdup (headers);
  self->bytes = body;
  self->size = chunk_size;

  return self;
}

FaultStep *
fault_answer (guint status, const char *headers, const char *body)
{
  return answer_new (status, headers, g_bytes_new (body, strlen (body)), 0);
}

FaultStep *
fault_answer_bytes (guint status, const char *headers, GBytes *body)
{
  return answer_new (status, headers, g_bytes_ref (body), 0);
}

FaultStep *
fault_answer_chunked (guint status, const char *headers, const char *body, gsize chunk_size)
{
  g_return_val_if_fail (chunk_size > 0, NULL);

  return answer_new (status, headers, g_bytes_new (body, strlen (body)), chunk_size);
}

FaultStep *
fault_answer_bytes_chunked (guint status, const char *headers, GBytes *body, gsize chunk_size)
{
  return answer_new (status, headers, g_bytes_ref (body), chunk_size);
}

FaultStep *
fault_redirect (guint status, const char *location)
{
  g_autofree char *headers = g_strconcat ("Location: ", location, NULL);

  return fault_answer (status, headers, "");
}

FaultStep *
fault_head (guint status, const char *headers)
{
  FaultStep *self = step_new (OP_HEAD);

  self->status = status;
  self->headers = g_strdup (headers);

  return self;
}

FaultStep *
fault_send (const char *text)
{
  FaultStep *self = step_new (OP_SEND);

  self->bytes = g_bytes_new (text, strlen (text));

  return self;
}

FaultStep *
fault_send_bytes (GBytes *bytes)
{
  FaultStep *self = step_new (OP_SEND);

  self->bytes = g_bytes_ref (bytes);

  return self;
}

FaultStep *
fault_drip (const char *text, const char *gate, guint milliseconds)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return fault_drip_bytes (bytes, gate, milliseconds);
}

FaultStep *
fault_drip_bytes (GBytes *bytes, const char *gate, guint milliseconds)
{
  FaultStep *self = step_new (OP_DRIP);

  self->bytes = g_bytes_ref (bytes);
  self->gate = g_strdup (gate);
  self->number = milliseconds;

  return self;
}

FaultStep *
fault_send_filler (guint64 size)
{
  FaultStep *self = step_new (OP_FILLER);

  self->size = size;

  return self;
}

FaultStep *
fault_flood_headers (guint64 size)
{
  FaultStep *self = step_new (OP_FLOOD);

  self->size = size;

  return self;
}

FaultStep *
fault_read (guint64 size)
{
  FaultStep *self = step_new (OP_READ);

  self->size = size;

  return self;
}

FaultStep *
fault_read_slowly (gsize chunk_size, const char *gate)
{
  FaultStep *self = step_new (OP_READ_SLOWLY);

  self->size = chunk_size;
  self->gate = g_strdup (gate);

  return self;
}

FaultStep *
fault_hold (const char *gate)
{
  FaultStep *self = step_new (OP_HOLD);

  self->gate = g_strdup (gate);

  return self;
}

FaultStep *
fault_pause (guint milliseconds)
{
  FaultStep *self = step_new (OP_PAUSE);

  self->number = milliseconds;

  return self;
}

FaultStep *
fault_silence (void)
{
  return step_new (OP_SILENCE);
}

FaultStep *
fault_close (void)
{
  return step_new (OP_CLOSE);
}

FaultStep *
fault_cut (void)
{
  return step_new (OP_CUT);
}

FaultStep *
fault_reset (void)
{
  return step_new (OP_RESET);
}

FaultStep *
fault_reset_stream (guint code)
{
  FaultStep *self = step_new (OP_RESET_STREAM);

  self->number = code;

  return self;
}

FaultStep *
fault_goaway (guint code, gboolean processed)
{
  FaultStep *self = step_new (OP_GOAWAY);

  self->number = code;
  self->processed = processed;

  return self;
}

FaultStep *
fault_trailers (const char *headers)
{
  FaultStep *self = step_new (OP_TRAILERS);

  self->headers = g_strdup (headers);

  return self;
}

FaultStep *
fault_frame (guint type, guint flags, gint64 stream, gconstpointer payload, gsize size)
{
  return fault_frames (1, type, flags, stream, payload, size);
}

FaultStep *
fault_frames (guint n, guint type, guint flags, gint64 stream, gconstpointer payload, gsize size)
{
  FaultStep *self = step_new (OP_FRAMES);

  self->size = n;
  self->number = type;
  self->flags = flags;
  self->stream = stream;
  self->bytes = g_bytes_new (payload, size);

  return self;
}

FaultStep *
fault_send_raw (gconstpointer bytes, gsize size)
{
  FaultStep *self = step_new (OP_RAW);

  self->bytes = g_bytes_new (bytes, size);

  return self;
}

FaultStep *
fault_await_next (void)
{
  return step_new (OP_AWAIT_NEXT);
}

FaultStep *
fault_show_certificate (FaultCertificate which)
{
  FaultStep *self = step_new (OP_CERTIFICATE);

  self->number = which;

  return self;
}

FaultStep *
fault_step_ref (FaultStep *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear_step (gpointer data)
{
  FaultStep *self = data;

  g_free (self->headers);
  g_free (self->gate);
  g_clear_pointer (&self->bytes, g_bytes_unref);
}

void
fault_step_free (FaultStep *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, clear_step);
}

/* --- what a script must know ------------------------------------------------------------------ */

gboolean
fault_step_reads (FaultStep *self)
{
  return self->op == OP_READ || self->op == OP_READ_SLOWLY;
}

gboolean
fault_step_is_instant (FaultStep *self)
{
  switch (self->op)
    {
    case OP_CLOSE:
    case OP_CUT:
    case OP_RESET:
    case OP_RESET_STREAM:
    case OP_GOAWAY:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
fault_step_is_last_word (FaultStep *self, gboolean is_last)
{
  switch (self->op)
    {
    case OP_ANSWER:
    case OP_CLOSE:
    case OP_CUT:
    case OP_RESET:
    case OP_RESET_STREAM:
      return TRUE;
    case OP_HEAD:
    case OP_SEND:
    case OP_GOAWAY:
    case OP_TRAILERS:
    case OP_FRAMES:
    case OP_RAW:
      return is_last;
    default:
      return FALSE;
    }
}

/* --- running ---------------------------------------------------------------------------------- */

static gboolean
send_in_chunks (FaultStream *stream, GBytes *body, gsize chunk_size)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (body, &size);

  for (gsize at = 0; at < size; at += chunk_size)
    {
      gsize length = MIN (chunk_size, size - at);
      g_autoptr (GByteArray) chunk = g_byte_array_new ();

      if (stream->raw_chunks)
        {
          g_autofree char *line = g_strdup_printf ("%" G_GSIZE_MODIFIER "x\r\n", length);

          g_byte_array_append (chunk, (const guint8 *) line, strlen (line));
        }
      g_byte_array_append (chunk, data + at, length);
      if (stream->raw_chunks)
        g_byte_array_append (chunk, (const guint8 *) "\r\n", 2);
      if (!stream->funcs->data (stream, chunk->data, chunk->len))
        return FALSE;
    }

  return !stream->raw_chunks || stream->funcs->data (stream, "0\r\n\r\n", 5);
}

static gboolean
answer (FaultStep *self, FaultStream *stream)
{
  gsize size = g_bytes_get_size (self->bytes);
  gboolean bodiless = self->status == 204 || self->status == 304 || self->status < 200;
  g_autoptr (GString) headers = g_string_new (self->headers);

  if (headers->len > 0)
    g_string_append (headers, "\r\n");
  if (bodiless)
    g_string_truncate (headers, headers->len > 0 ? headers->len - 2 : 0);
  else if (self->size > 0 && stream->raw_chunks)
    g_string_append (headers, "Transfer-Encoding: chunked");
  else
    g_string_append_printf (headers, "Content-Length: %" G_GSIZE_FORMAT, size);

  if (!stream->funcs->head (stream, self->status, headers->str))
    return FALSE;
  if (!bodiless && !stream->is_head)
    {
      if (self->size > 0 && !send_in_chunks (stream, self->bytes, self->size))
        return FALSE;
      if (self->size == 0 && size > 0
          && !stream->funcs->data (stream, g_bytes_get_data (self->bytes, NULL), size))
        return FALSE;
    }

  return stream->funcs->end == NULL || stream->funcs->end (stream);
}

static gboolean
drip (FaultStep *self, FaultStream *stream)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (self->bytes, &size);
  FaultLog *log = fault_connection_get_log (stream->connection);

  for (gsize i = 0; i < size; i++)
    {
      gboolean passed = self->gate != NULL ? fault_log_pass (log, self->gate, &stream->gone)
                                           : fault_log_pause (log, self->number, &stream->gone);

      if (!passed || !stream->funcs->data (stream, data + i, 1))
        return FALSE;
    }

  return TRUE;
}

static gboolean
send_filler (FaultStep *self, FaultStream *stream)
{
  g_autofree guint8 *block = g_malloc (FILLER_BLOCK);
  gboolean for_ever = self->size == 0;
  guint64 left = self->size;

  memset (block, 'x', FILLER_BLOCK);
  while (for_ever || left > 0)
    {
      gsize length = for_ever ? FILLER_BLOCK : MIN (left, FILLER_BLOCK);

      if (!stream->funcs->data (stream, block, length))
        return FALSE;
      left -= for_ever ? 0 : length;
    }

  return TRUE;
}

static gboolean
flood_headers (FaultStep *self, FaultStream *stream)
{
  const char *status = "HTTP/1.1 200 OK\r\n";
  guint64 sent = 0;

  if (!stream->funcs->data (stream, status, strlen (status)))
    return FALSE;
  for (guint i = 0; self->size == 0 || sent < self->size; i++)
    {
      g_autofree char *line =
        g_strdup_printf ("X-Flood-%u: %s\r\n", i, "0123456789abcdef0123456789abcdef");

      if (!stream->funcs->data (stream, line, strlen (line)))
        return FALSE;
      sent += strlen (line);
    }

  return TRUE;
}

static gboolean
send_frames (FaultStep *self, FaultStream *stream)
{
  for (guint64 i = 0; self->size == 0 || i < self->size; i++)
    if (!stream->funcs->frame (stream, self->number, self->flags, self->stream, self->bytes))
      return FALSE;

  return TRUE;
}

static gboolean
read_slowly (FaultStep *self, FaultStream *stream)
{
  while (!stream->funcs->read_done (stream))
    if (!fault_log_pass (fault_connection_get_log (stream->connection), self->gate, &stream->gone)
        || !stream->funcs->read (stream, self->size))
      return FALSE;

  return TRUE;
}

static gboolean
end_connection (FaultStream *stream, FaultEnd how)
{
  fault_connection_stop (stream->connection, how);

  return FALSE;
}

gboolean
fault_step_run (FaultStep *self, FaultStream *stream)
{
  const FaultStreamFuncs *funcs = stream->funcs;
  FaultLog *log = fault_connection_get_log (stream->connection);

  switch (self->op)
    {
    case OP_ANSWER:
      return answer (self, stream);
    case OP_HEAD:
      return funcs->head (stream, self->status, self->headers);
    case OP_SEND:
      return funcs->data (
        stream, g_bytes_get_data (self->bytes, NULL), g_bytes_get_size (self->bytes));
    case OP_DRIP:
      return drip (self, stream);
    case OP_FILLER:
      return send_filler (self, stream);
    case OP_FLOOD:
      return flood_headers (self, stream);
    case OP_READ:
      return self->size == 0 || funcs->read (stream, self->size);
    case OP_READ_SLOWLY:
      return read_slowly (self, stream);
    case OP_HOLD:
      return fault_log_pass (log, self->gate, &stream->gone);
    case OP_PAUSE:
      return fault_log_pause (log, self->number, &stream->gone);
    case OP_SILENCE:
      return funcs->silence (stream);
    case OP_CLOSE:
      return end_connection (stream, FAULT_END_CLOSE);
    case OP_CUT:
      return end_connection (stream, FAULT_END_CUT);
    case OP_RESET:
      return end_connection (stream, FAULT_END_RESET);
    case OP_RESET_STREAM:
      return funcs->reset_stream != NULL ? funcs->reset_stream (stream, self->number)
                                         : end_connection (stream, FAULT_END_RESET);
    case OP_GOAWAY:
      return funcs->goaway != NULL ? funcs->goaway (stream, self->number, self->processed)
                                   : end_connection (stream, FAULT_END_CLOSE);
    case OP_TRAILERS:
      return funcs->trailers != NULL ? funcs->trailers (stream, self->headers)
                                     : end_connection (stream, FAULT_END_CLOSE);
    case OP_FRAMES:
      return funcs->frame != NULL ? send_frames (self, stream)
                                  : end_connection (stream, FAULT_END_CLOSE);
    case OP_RAW:
      return funcs->raw != NULL ? funcs->raw (stream, self->bytes)
                                : end_connection (stream, FAULT_END_CLOSE);
    case OP_AWAIT_NEXT:
      return funcs->await_next (stream);
    case OP_CERTIFICATE:
      if (funcs->show_certificate != NULL)
        funcs->show_certificate (stream, self->number);
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}
