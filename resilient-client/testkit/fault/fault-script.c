/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Runs the steps of a script on a stream, whichever version of HTTP that speaks. It owns nothing;
 * in the thread of the stream. */

#include "config.h"

#include <string.h>

#include "fault-private.h"

#define FILLER_BLOCK 16384

gboolean
fault_script_is_instant (FaultScript *script)
{
  for (guint i = 0; i < script->len; i++)
    switch (((FaultStep *) script->pdata[i])->op)
      {
      case FAULT_OP_CLOSE:
      case FAULT_OP_CUT:
      case FAULT_OP_RESET:
      case FAULT_OP_RESET_STREAM:
      case FAULT_OP_GOAWAY:
        break;
      default:
        return FALSE;
      }

  return TRUE;
}

static gboolean
reads_by_itself (FaultScript *script)
{
  for (guint i = 0; i < script->len; i++)
    {
      FaultOp op = ((FaultStep *) script->pdata[i])->op;

      if (op == FAULT_OP_READ || op == FAULT_OP_READ_SLOWLY)
        return TRUE;
    }

  return FALSE;
}

/* A request stops being active just before the peer can know that it is answered: a peer that then
 * starts its next one must not be counted as having two at once. */
static gboolean
is_last_word (FaultScript *script, guint i)
{
  switch (((FaultStep *) script->pdata[i])->op)
    {
    case FAULT_OP_ANSWER:
    case FAULT_OP_CLOSE:
    case FAULT_OP_CUT:
    case FAULT_OP_RESET:
    case FAULT_OP_RESET_STREAM:
      return TRUE;
    case FAULT_OP_HEAD:
    case FAULT_OP_SEND:
    case FAULT_OP_GOAWAY:
    case FAULT_OP_TRAILERS:
    case FAULT_OP_FRAMES:
    case FAULT_OP_RAW:
      return i + 1 == script->len;
    default:
      return FALSE;
    }
}

static void
finish (FaultStream *stream)
{
  if (stream->counted)
    fault_log_finish (stream->connection->log);
  stream->counted = FALSE;
}

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
answer (FaultStream *stream, FaultStep *step)
{
  gsize size = g_bytes_get_size (step->bytes);
  gboolean bodiless = step->status == 204 || step->status == 304 || step->status < 200;
  g_autoptr (GString) headers = g_string_new (step->headers);

  if (headers->len > 0)
    g_string_append (headers, "\r\n");
  if (bodiless)
    g_string_truncate (headers, headers->len > 0 ? headers->len - 2 : 0);
  else if (step->size > 0 && stream->raw_chunks)
    g_string_append (headers, "Transfer-Encoding: chunked");
  else
    g_string_append_printf (headers, "Content-Length: %" G_GSIZE_FORMAT, size);

  if (!stream->funcs->head (stream, step->status, headers->str))
    return FALSE;
  if (!bodiless && !stream->is_head)
    {
      if (step->size > 0 && !send_in_chunks (stream, step->bytes, step->size))
        return FALSE;
      if (step->size == 0 && size > 0
          && !stream->funcs->data (stream, g_bytes_get_data (step->bytes, NULL), size))
        return FALSE;
    }

  return stream->funcs->end == NULL || stream->funcs->end (stream);
}

static gboolean
drip (FaultStream *stream, FaultStep *step)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (step->bytes, &size);
  FaultLog *log = stream->connection->log;

  for (gsize i = 0; i < size; i++)
    {
      gboolean passed = step->gate != NULL ? fault_log_pass (log, step->gate, &stream->gone)
                                           : fault_log_pause (log, step->number, &stream->gone);

      if (!passed || !stream->funcs->data (stream, data + i, 1))
        return FALSE;
    }

  return TRUE;
}

static gboolean
send_filler (FaultStream *stream, FaultStep *step)
{
  g_autofree guint8 *block = g_malloc (FILLER_BLOCK);
  gboolean for_ever = step->size == 0;
  guint64 left = step->size;

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
flood_headers (FaultStream *stream, FaultStep *step)
{
  const char *status = "HTTP/1.1 200 OK\r\n";
  guint64 sent = 0;

  if (!stream->funcs->data (stream, status, strlen (status)))
    return FALSE;
  for (guint i = 0; step->size == 0 || sent < step->size; i++)
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
send_frames (FaultStream *stream, FaultStep *step)
{
  for (guint64 i = 0; step->size == 0 || i < step->size; i++)
    if (!stream->funcs->frame (stream, step->number, step->flags, step->stream, step->bytes))
      return FALSE;

  return TRUE;
}

static gboolean
read_slowly (FaultStream *stream, FaultStep *step)
{
  while (!stream->funcs->read_done (stream))
    if (!fault_log_pass (stream->connection->log, step->gate, &stream->gone)
        || !stream->funcs->read (stream, step->size))
      return FALSE;

  return TRUE;
}

static gboolean
end_connection (FaultStream *stream, FaultEnd how)
{
  fault_connection_stop (stream->connection, how);

  return FALSE;
}

static gboolean
run_step (FaultStream *stream, FaultStep *step)
{
  const FaultStreamFuncs *funcs = stream->funcs;
  FaultLog *log = stream->connection->log;

  switch (step->op)
    {
    case FAULT_OP_ANSWER:
      return answer (stream, step);
    case FAULT_OP_HEAD:
      return funcs->head (stream, step->status, step->headers);
    case FAULT_OP_SEND:
      return funcs->data (
        stream, g_bytes_get_data (step->bytes, NULL), g_bytes_get_size (step->bytes));
    case FAULT_OP_DRIP:
      return drip (stream, step);
    case FAULT_OP_FILLER:
      return send_filler (stream, step);
    case FAULT_OP_FLOOD:
      return flood_headers (stream, step);
    case FAULT_OP_READ:
      return step->size == 0 || funcs->read (stream, step->size);
    case FAULT_OP_READ_SLOWLY:
      return read_slowly (stream, step);
    case FAULT_OP_HOLD:
      return fault_log_pass (log, step->gate, &stream->gone);
    case FAULT_OP_PAUSE:
      return fault_log_pause (log, step->number, &stream->gone);
    case FAULT_OP_SILENCE:
      return funcs->silence (stream);
    case FAULT_OP_CLOSE:
      return end_connection (stream, FAULT_END_CLOSE);
    case FAULT_OP_CUT:
      return end_connection (stream, FAULT_END_CUT);
    case FAULT_OP_RESET:
      return end_connection (stream, FAULT_END_RESET);
    case FAULT_OP_RESET_STREAM:
      return funcs->reset_stream != NULL ? funcs->reset_stream (stream, step->number)
                                         : end_connection (stream, FAULT_END_RESET);
    case FAULT_OP_GOAWAY:
      return funcs->goaway != NULL ? funcs->goaway (stream, step->number, step->processed)
                                   : end_connection (stream, FAULT_END_CLOSE);
    case FAULT_OP_TRAILERS:
      return funcs->trailers != NULL ? funcs->trailers (stream, step->headers)
                                     : end_connection (stream, FAULT_END_CLOSE);
    case FAULT_OP_FRAMES:
      return funcs->frame != NULL ? send_frames (stream, step)
                                  : end_connection (stream, FAULT_END_CLOSE);
    case FAULT_OP_RAW:
      return funcs->raw != NULL ? funcs->raw (stream, step->bytes)
                                : end_connection (stream, FAULT_END_CLOSE);
    case FAULT_OP_AWAIT_NEXT:
      return funcs->await_next (stream);
    case FAULT_OP_CERTIFICATE:
      stream->connection->certificate = step->number;
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

gboolean
fault_script_run (FaultScript *script, FaultStream *stream)
{
  gboolean go_on = TRUE;

  stream->counted = stream->is_request;
  if (stream->is_request && !reads_by_itself (script))
    go_on = stream->funcs->read (stream, G_MAXUINT64);
  for (guint i = 0; go_on && i < script->len; i++)
    {
      if (is_last_word (script, i))
        finish (stream);
      go_on = run_step (stream, script->pdata[i]);
    }
  finish (stream);

  return go_on;
}
