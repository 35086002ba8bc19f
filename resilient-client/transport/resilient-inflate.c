/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-inflate-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* A server that lists more codings than this plays games. */
#define MAX_STAGES 4
#define OUTPUT_STEP (32 * 1024)

typedef enum
{
  CODING_GZIP,
  CODING_DEFLATE,
} Coding;

typedef enum
{
  STAGE_START, /* the first bytes decide */
  STAGE_RUNNING,
  STAGE_FINISHED, /* whole; what follows is another gzip member, or ignored */
  STAGE_PLAIN,    /* not encoded after all */
} StageState;

/* One coding. @pending is input that was not enough to go on with. */
typedef struct
{
  Coding coding;
  StageState state;
  GConverter *converter;
  GByteArray *pending;
} Stage;

struct _ResilientInflate
{
  gboolean lenient;
  guint n_stages;
  Stage stages[MAX_STAGES]; /* in the order of decoding */
  guint8 buffer[OUTPUT_STEP];
};

static gboolean
parse_coding (const char *name, Coding *coding)
{
  if (g_ascii_strcasecmp (name, "gzip") == 0 || g_ascii_strcasecmp (name, "x-gzip") == 0)
    *coding = CODING_GZIP;
  else if (g_ascii_strcasecmp (name, "deflate") == 0)
    *coding = CODING_DEFLATE;
  else
    return FALSE;
  return TRUE;
}

ResilientInflate *
resilient_inflate_new (const char *content_encoding, gboolean lenient)
{
  g_auto (GStrv) names = NULL;
  g_autoptr (ResilientInflate) self = NULL;

  if (content_encoding == NULL)
    return NULL;

  self = g_new0 (ResilientInflate, 1);
  self->lenient = lenient;
  names = g_strsplit (content_encoding, ",", -1);
  /* they are listed in the order in which they were applied */
  for (guint i = g_strv_length (names); i > 0; i--)
    {
      const char *name = g_strstrip (names[i - 1]);
      Coding coding;

      if (*name == '\0' || g_ascii_strcasecmp (name, "identity") == 0)
        continue;
      if (!parse_coding (name, &coding) || self->n_stages == MAX_STAGES)
        return NULL;
      self->stages[self->n_stages++] = (Stage){ .coding = coding, .pending = g_byte_array_new () };
    }
  return self->n_stages > 0 ? g_steal_pointer (&self) : NULL;
}

void
resilient_inflate_free (ResilientInflate *self)
{
  for (guint i = 0; i < self->n_stages; i++)
    {
      g_clear_object (&self->stages[i].converter);
      g_byte_array_unref (self->stages[i].pending);
    }
  g_free (self);
}

void
resilient_set_too_large (GError **error, guint64 limit)
{
  g_autofree char *size = g_format_size_full (limit, G_FORMAT_SIZE_IEC_UNITS);

  g_set_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE,
               /* Translators: %s is a size, such as 64.0 MiB. */
               _("The response is larger than the allowed %s"), size);
}

static gboolean
append (GByteArray *out, const guint8 *data, gsize length, guint64 limit, GError **error)
{
  if ((limit > 0 && out->len + length > limit) || length > G_MAXUINT / 2 - out->len)
    {
      resilient_set_too_large (error, limit > 0 ? limit : G_MAXUINT / 2);
      return FALSE;
    }
  g_byte_array_append (out, data, (guint) length);
  return TRUE;
}

static gboolean
is_gzip (const guint8 *data)
{
  return data[0] == 0x1f && data[1] == 0x8b;
}

/* RFC 1950, 2.2: method 8, and a check over both bytes. Servers that send "deflate" without this
 * wrapper are common. */
static gboolean
is_zlib (const guint8 *data)
{
  return (data[0] & 0x0f) == 8 && ((data[0] << 8) | data[1]) % 31 == 0;
}

/* Once two bytes are there. */
static void
stage_begin (Stage *self, gboolean lenient)
{
  GZlibCompressorFormat format = G_ZLIB_COMPRESSOR_FORMAT_GZIP;

  if (self->coding == CODING_GZIP && lenient && !is_gzip (self->pending->data))
    {
      self->state = STAGE_PLAIN;
      return;
    }
  if (self->coding == CODING_DEFLATE && is_zlib (self->pending->data))
    format = G_ZLIB_COMPRESSOR_FORMAT_ZLIB;
  else if (self->coding == CODING_DEFLATE && lenient)
    {
      self->state = STAGE_PLAIN;
      return;
    }
  else if (self->coding == CODING_DEFLATE)
    format = G_ZLIB_COMPRESSOR_FORMAT_RAW;

  g_clear_object (&self->converter);
  self->converter = G_CONVERTER (g_zlib_decompressor_new (format));
  self->state = STAGE_RUNNING;
}

/* Decodes all that @pending holds. */
static gboolean
stage_convert (Stage *self,
               guint8 *buffer,
               gboolean at_end,
               GByteArray *out,
               guint64 limit,
               GError **error)
{
  gsize offset = 0;

  while (self->state == STAGE_RUNNING)
    {
      g_autoptr (GError) local_error = NULL;
      gsize n_read = 0, n_written = 0;
      GConverterResult result = g_converter_convert (
        self->converter, self->pending->data + offset, self->pending->len - offset, buffer,
        OUTPUT_STEP, at_end ? G_CONVERTER_INPUT_AT_END : G_CONVERTER_NO_FLAGS, &n_read, &n_written,
        &local_error);

      if (result == G_CONVERTER_ERROR)
        {
          if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
            break; /* more must come */
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                               _("The encoded body of the response is corrupt"));
          return FALSE;
        }
      offset += n_read;
      if (!append (out, buffer, n_written, limit, error))
        return FALSE;
      if (result == G_CONVERTER_FINISHED)
        self->state = STAGE_FINISHED;
      else if (n_read == 0 && n_written == 0)
        break;
    }
  g_byte_array_remove_range (self->pending, 0, (guint) offset);
  return TRUE;
}

static gboolean
stage_feed (Stage *self,
            guint8 *buffer,
            const guint8 *data,
            gsize length,
            gboolean lenient,
            gboolean at_end,
            GByteArray *out,
            guint64 limit,
            GError **error)
{
  if (self->state == STAGE_PLAIN)
    return append (out, data, length, limit, error);

  g_byte_array_append (self->pending, data, (guint) length);
  while (self->pending->len > 0)
    {
      /* another member (RFC 1952, 2.2) must show its magic; anything else after a whole body is
       * padding */
      if (self->state == STAGE_FINISHED)
        {
          if (self->coding != CODING_GZIP
              || (self->pending->len >= 2 && !is_gzip (self->pending->data)))
            {
              g_byte_array_set_size (self->pending, 0);
              return TRUE;
            }
          if (self->pending->len < 2)
            return TRUE;
          self->state = STAGE_START;
        }
      if (self->state == STAGE_START)
        {
          if (self->pending->len < 2)
            return TRUE;
          stage_begin (self, lenient);
        }
      if (self->state == STAGE_PLAIN)
        {
          gboolean ok = append (out, self->pending->data, self->pending->len, limit, error);

          g_byte_array_set_size (self->pending, 0);
          return ok;
        }
      if (!stage_convert (self, buffer, at_end, out, limit, error))
        return FALSE;
      if (self->state == STAGE_RUNNING)
        return TRUE;
    }
  return TRUE;
}

/* Was the body cut within this coding? */
static gboolean
stage_is_whole (Stage *self, gboolean lenient)
{
  switch (self->state)
    {
    case STAGE_START:
      return self->pending->len == 0 || lenient;
    case STAGE_RUNNING:
      return FALSE;
    case STAGE_FINISHED:
    case STAGE_PLAIN:
    default:
      return TRUE;
    }
}

static gboolean
feed_from (ResilientInflate *self,
           guint stage,
           const guint8 *data,
           gsize length,
           gboolean at_end,
           GByteArray *out,
           guint64 limit,
           GError **error)
{
  g_autoptr (GByteArray) between = NULL;

  if (stage + 1 == self->n_stages)
    return stage_feed (&self->stages[stage], self->buffer, data, length, self->lenient, at_end, out,
                       limit, error);

  between = g_byte_array_new ();
  return stage_feed (&self->stages[stage], self->buffer, data, length, self->lenient, at_end,
                     between, limit, error)
         && feed_from (self, stage + 1, between->data, between->len, at_end, out, limit, error);
}

gboolean
resilient_inflate_feed (ResilientInflate *self,
                        const guint8 *data,
                        gsize length,
                        GByteArray *out,
                        guint64 limit,
                        GError **error)
{
  return feed_from (self, 0, data, length, FALSE, out, limit, error);
}

gboolean
resilient_inflate_finish (ResilientInflate *self, GByteArray *out, guint64 limit, GError **error)
{
  if (!feed_from (self, 0, (const guint8 *) "", 0, TRUE, out, limit, error))
    return FALSE;

  for (guint i = 0; i < self->n_stages; i++)
    {
      Stage *stage = &self->stages[i];

      if (!stage_is_whole (stage, self->lenient))
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                               _("The encoded body of the response ended too early"));
          return FALSE;
        }
      /* a single byte can't tell what it is: it was no coding's */
      if (stage->state == STAGE_START && stage->pending->len > 0
          && !append (out, stage->pending->data, stage->pending->len, limit, error))
        return FALSE;
    }
  return TRUE;
}
