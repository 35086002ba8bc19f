/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Makes the steps of scripts. A step owns what it sends and is immutable once it is in a script.
 * Any thread. */

#include "config.h"

#include <string.h>

#include "fault-private.h"

static FaultStep *
step_new (FaultOp op)
{
  FaultStep *self = g_atomic_rc_box_new0 (FaultStep);

  self->op = op;

  return self;
}

static FaultStep *
answer_new (guint status, const char *headers, GBytes *body, gsize chunk_size)
{
  FaultStep *self = step_new (FAULT_OP_ANSWER);

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
  FaultStep *self = step_new (FAULT_OP_HEAD);

  self->status = status;
  self->headers = g_strdup (headers);

  return self;
}

FaultStep *
fault_send (const char *text)
{
  FaultStep *self = step_new (FAULT_OP_SEND);

  self->bytes = g_bytes_new (text, strlen (text));

  return self;
}

FaultStep *
fault_send_bytes (GBytes *bytes)
{
  FaultStep *self = step_new (FAULT_OP_SEND);

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
  FaultStep *self = step_new (FAULT_OP_DRIP);

  self->bytes = g_bytes_ref (bytes);
  self->gate = g_strdup (gate);
  self->number = milliseconds;

  return self;
}

FaultStep *
fault_send_filler (guint64 size)
{
  FaultStep *self = step_new (FAULT_OP_FILLER);

  self->size = size;

  return self;
}

FaultStep *
fault_flood_headers (guint64 size)
{
  FaultStep *self = step_new (FAULT_OP_FLOOD);

  self->size = size;

  return self;
}

FaultStep *
fault_read (guint64 size)
{
  FaultStep *self = step_new (FAULT_OP_READ);

  self->size = size;

  return self;
}

FaultStep *
fault_read_slowly (gsize chunk_size, const char *gate)
{
  FaultStep *self = step_new (FAULT_OP_READ_SLOWLY);

  self->size = chunk_size;
  self->gate = g_strdup (gate);

  return self;
}

FaultStep *
fault_hold (const char *gate)
{
  FaultStep *self = step_new (FAULT_OP_HOLD);

  self->gate = g_strdup (gate);

  return self;
}

FaultStep *
fault_pause (guint milliseconds)
{
  FaultStep *self = step_new (FAULT_OP_PAUSE);

  self->number = milliseconds;

  return self;
}

FaultStep *
fault_silence (void)
{
  return step_new (FAULT_OP_SILENCE);
}

FaultStep *
fault_close (void)
{
  return step_new (FAULT_OP_CLOSE);
}

FaultStep *
fault_cut (void)
{
  return step_new (FAULT_OP_CUT);
}

FaultStep *
fault_reset (void)
{
  return step_new (FAULT_OP_RESET);
}

FaultStep *
fault_reset_stream (guint code)
{
  FaultStep *self = step_new (FAULT_OP_RESET_STREAM);

  self->number = code;

  return self;
}

FaultStep *
fault_goaway (guint code, gboolean processed)
{
  FaultStep *self = step_new (FAULT_OP_GOAWAY);

  self->number = code;
  self->processed = processed;

  return self;
}

FaultStep *
fault_trailers (const char *headers)
{
  FaultStep *self = step_new (FAULT_OP_TRAILERS);

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
  FaultStep *self = step_new (FAULT_OP_FRAMES);

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
  FaultStep *self = step_new (FAULT_OP_RAW);

  self->bytes = g_bytes_new (bytes, size);

  return self;
}

FaultStep *
fault_await_next (void)
{
  return step_new (FAULT_OP_AWAIT_NEXT);
}

FaultStep *
fault_show_certificate (FaultCertificate which)
{
  FaultStep *self = step_new (FAULT_OP_CERTIFICATE);

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

static void
add_steps (FaultScript *script, va_list steps)
{
  FaultStep *step;

  while ((step = va_arg (steps, FaultStep *)) != NULL)
    g_ptr_array_add (script, step);
}

FaultScript *
fault_script_new (FaultStep *first, ...)
{
  FaultScript *self = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_step_free);
  va_list steps;

  if (first == NULL)
    return self;
  g_ptr_array_add (self, first);
  va_start (steps, first);
  add_steps (self, steps);
  va_end (steps);

  return self;
}

FaultScript *
fault_script_new_valist (va_list steps)
{
  FaultScript *self = fault_script_new (NULL, NULL);

  add_steps (self, steps);

  return self;
}

FaultScript *
fault_script_copy (FaultScript *self)
{
  FaultScript *copy = fault_script_new (NULL, NULL);

  for (guint i = 0; i < self->len; i++)
    g_ptr_array_add (copy, fault_step_ref (self->pdata[i]));

  return copy;
}

FaultScript *
fault_script_ref (FaultScript *self)
{
  return g_ptr_array_ref (self);
}

void
fault_script_unref (FaultScript *self)
{
  g_ptr_array_unref (self);
}

GBytes *
fault_gzip (const char *text, FaultGzip how)
{
  g_autoptr (GZlibCompressor) compressor =
    g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  g_autoptr (GInputStream) memory = g_memory_input_stream_new_from_data (text, strlen (text), NULL);
  g_autoptr (GInputStream) source = g_converter_input_stream_new (memory, G_CONVERTER (compressor));
  g_autoptr (GOutputStream) target = g_memory_output_stream_new_resizable ();
  g_autoptr (GBytes) whole = NULL;
  guint8 *data;
  gsize size;

  g_output_stream_splice (target,
                          source,
                          G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                          NULL,
                          NULL);
  whole = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (target));
  switch (how)
    {
    case FAULT_GZIP_CUT:
      /* the last eight bytes are checksum and length: leave those and some data out */
      return g_bytes_new_from_bytes (whole, 0, g_bytes_get_size (whole) - 10);

    case FAULT_GZIP_CORRUPT:
      data = g_bytes_unref_to_data (g_steal_pointer (&whole), &size);
      data[size - 8] ^= 0xff;
      data[size / 2] ^= 0xff;
      return g_bytes_new_take (data, size);

    case FAULT_GZIP_WHOLE:
    default:
      return g_steal_pointer (&whole);
    }
}
