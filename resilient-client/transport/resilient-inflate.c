/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The content decoder of response bodies: a chain of at most two codings, each with the input that
 * it has not used yet. The stage nearest to the output that can do something does it first, so that
 * no more than one step of output waits between two stages. All work is linear in what comes in and
 * what goes out, and the share of one call is bounded. */

#include "config.h"

#include "resilient-inflate-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

/* Nobody has a use for a third one, while each multiplies what a byte on the wire may cost. */
#define MAX_STAGES 2
#define OUTPUT_STEP (32 * 1024)
/* Of one call, in bytes that go in and out of a stage; each round costs as much as some bytes. That
 * is about a millisecond. */
#define WORK_MAX (256 * 1024)
#define WORK_PER_ROUND 128
/* GByteArray counts in guint, doubles what it has, and aborts where that ends. */
#define MAX_BODY_SIZE (G_MAXUINT / 2)

typedef enum
{
  CODING_GZIP,
  CODING_DEFLATE,
} Coding;

typedef enum
{
  STAGE_START, /* the first bytes decide */
  STAGE_RUNNING,
  STAGE_FINISHED, /* whole; what follows may be another member of gzip */
  STAGE_PADDED,   /* whole; what follows is ignored */
  STAGE_PLAIN,    /* not encoded after all */
} StageState;

/* One coding. */
typedef struct
{
  Coding coding;
  StageState state;
  GConverter *converter;
  GByteArray *input;
  gsize used;       /* bytes at its beginning that are done with */
  gboolean starved; /* it can't go on without more input */
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
      self->stages[self->n_stages++] =
        (Stage){ .coding = coding, .input = g_byte_array_new (), .starved = TRUE };
    }
  return self->n_stages > 0 ? g_steal_pointer (&self) : NULL;
}

void
resilient_inflate_free (ResilientInflate *self)
{
  for (guint i = 0; i < self->n_stages; i++)
    {
      g_clear_object (&self->stages[i].converter);
      g_byte_array_unref (self->stages[i].input);
    }
  g_free (self);
}

void
resilient_set_too_large (GError **error, guint64 limit)
{
  g_autofree char *size = g_format_size_full (limit, G_FORMAT_SIZE_IEC_UNITS);

  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_TOO_LARGE,
               /* Translators: %s is a size, such as 64.0 MiB. */
               _ ("The response is larger than the allowed %s"),
               size);
}

void
resilient_set_headers_too_large (GError **error)
{
  g_set_error_literal (error,
                       RESILIENT_CLIENT_ERROR,
                       RESILIENT_CLIENT_ERROR_TOO_LARGE,
                       _ ("The headers of the response are too large"));
}

guint64
resilient_get_body_limit (guint64 max_response_size)
{
  return max_response_size > 0 ? MIN (max_response_size, MAX_BODY_SIZE) : MAX_BODY_SIZE;
}

static gboolean
append (GByteArray *out, const guint8 *data, gsize length, guint64 limit, GError **error)
{
  limit = resilient_get_body_limit (limit);
  if (length > limit || out->len > limit - length)
    {
      resilient_set_too_large (error, limit);
      return FALSE;
    }
  g_byte_array_append (out, data, (guint) length);
  return TRUE;
}

/* --- one stage -------------------------------------------------------------------------------- */

static const guint8 *
get_rest (Stage *self)
{
  return self->input->data + self->used;
}

static gsize
get_rest_length (Stage *self)
{
  return self->input->len - self->used;
}

/* What is done with goes when it is the larger part, so that each byte is moved once or twice. */
static void
stage_take (Stage *self, const guint8 *data, gsize length)
{
  if (length == 0)
    return;
  if (self->used > self->input->len / 2)
    {
      g_byte_array_remove_range (self->input, 0, (guint) self->used);
      self->used = 0;
    }
  g_byte_array_append (self->input, data, (guint) length);
  self->starved = FALSE;
}

static void
stage_drop_rest (Stage *self)
{
  g_byte_array_set_size (self->input, 0);
  self->used = 0;
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

  if (self->coding == CODING_GZIP && lenient && !is_gzip (get_rest (self)))
    {
      self->state = STAGE_PLAIN;
      return;
    }
  if (self->coding == CODING_DEFLATE && is_zlib (get_rest (self)))
    format = G_ZLIB_COMPRESSOR_FORMAT_ZLIB;
  else if (self->coding == CODING_DEFLATE && lenient)
    {
      self->state = STAGE_PLAIN;
      return;
    }
  else if (self->coding == CODING_DEFLATE)
    format = G_ZLIB_COMPRESSOR_FORMAT_RAW;

  /* for another member what zlib has set up serves again */
  if (self->converter != NULL)
    g_converter_reset (self->converter);
  else
    self->converter = G_CONVERTER (g_zlib_decompressor_new (format));
  self->state = STAGE_RUNNING;
}

/* One call of zlib. @n_out: bytes in @buffer. */
static gboolean
stage_convert (Stage *self, guint8 *buffer, gsize *n_out, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gsize n_read = 0;
  GConverterResult result = g_converter_convert (self->converter,
                                                 get_rest (self),
                                                 get_rest_length (self),
                                                 buffer,
                                                 OUTPUT_STEP,
                                                 G_CONVERTER_NO_FLAGS,
                                                 &n_read,
                                                 n_out,
                                                 &local_error);

  if (result == G_CONVERTER_ERROR)
    {
      self->starved = TRUE;
      if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
        return TRUE; /* more must come */
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_INVALID_DATA,
                           _ ("The encoded body of the response is corrupt"));
      return FALSE;
    }
  self->used += n_read;
  if (result == G_CONVERTER_FINISHED)
    self->state = STAGE_FINISHED;
  else
    self->starved = n_read == 0 && *n_out == 0;
  return TRUE;
}

/* Some of the work. What it yields is in @out, *n_out bytes of it. */
static gboolean
stage_step (Stage *self,
            gboolean lenient,
            guint8 *buffer,
            const guint8 **out,
            gsize *n_out,
            GError **error)
{
  *out = buffer;
  *n_out = 0;
  switch (self->state)
    {
    case STAGE_START:
      self->starved = get_rest_length (self) < 2;
      if (!self->starved)
        stage_begin (self, lenient);
      return TRUE;

    case STAGE_RUNNING:
      return stage_convert (self, buffer, n_out, error);

    case STAGE_FINISHED:
      /* Another member (RFC 1952, 2.2) must show its magic. Anything else is padding. */
      self->starved = get_rest_length (self) < 2;
      if (self->coding != CODING_GZIP)
        self->state = STAGE_PADDED;
      else if (!self->starved)
        self->state = is_gzip (get_rest (self)) ? STAGE_START : STAGE_PADDED;
      return TRUE;

    case STAGE_PADDED:
      stage_drop_rest (self);
      self->starved = TRUE;
      return TRUE;

    case STAGE_PLAIN:
    default:
      *out = get_rest (self);
      *n_out = get_rest_length (self);
      self->used += *n_out;
      self->starved = TRUE;
      return TRUE;
    }
}

/* Was the body cut within this coding? */
static gboolean
stage_is_whole (Stage *self, gboolean lenient)
{
  switch (self->state)
    {
    case STAGE_START:
      return get_rest_length (self) == 0 || lenient;
    case STAGE_RUNNING:
      return FALSE;
    case STAGE_FINISHED:
    case STAGE_PADDED:
    case STAGE_PLAIN:
    default:
      return TRUE;
    }
}

/* --- the chain -------------------------------------------------------------------------------- */

/* The one nearest to the output that has something to do. */
static Stage *
find_ready (ResilientInflate *self)
{
  for (guint i = self->n_stages; i > 0; i--)
    if (!self->stages[i - 1].starved)
      return &self->stages[i - 1];
  return NULL;
}

ResilientInflateState
resilient_inflate_feed (ResilientInflate *self,
                        const guint8 *data,
                        gsize length,
                        GByteArray *out,
                        guint64 limit,
                        GError **error)
{
  Stage *last = &self->stages[self->n_stages - 1];
  gsize work = 0;
  Stage *stage;

  stage_take (&self->stages[0], data, length);
  while ((stage = find_ready (self)) != NULL)
    {
      gsize before = get_rest_length (stage);
      const guint8 *decoded;
      gsize n_decoded;

      if (work > WORK_MAX)
        return RESILIENT_INFLATE_MORE;
      if (!stage_step (stage, self->lenient, self->buffer, &decoded, &n_decoded, error))
        return RESILIENT_INFLATE_FAILED;
      work += before - get_rest_length (stage) + n_decoded + WORK_PER_ROUND;
      if (stage != last)
        stage_take (stage + 1, decoded, n_decoded);
      else if (!append (out, decoded, n_decoded, limit, error))
        return RESILIENT_INFLATE_FAILED;
    }
  return RESILIENT_INFLATE_DRAINED;
}

gboolean
resilient_inflate_finish (ResilientInflate *self, GByteArray *out, guint64 limit, GError **error)
{
  g_assert (find_ready (self) == NULL);

  for (guint i = 0; i < self->n_stages; i++)
    {
      Stage *stage = &self->stages[i];

      if (!stage_is_whole (stage, self->lenient))
        {
          g_set_error_literal (error,
                               G_IO_ERROR,
                               G_IO_ERROR_PARTIAL_INPUT,
                               _ ("The encoded body of the response ended too early"));
          return FALSE;
        }
      /* a single byte can't tell what it is: it was no coding's */
      if (stage->state == STAGE_START && get_rest_length (stage) > 0
          && !append (out, get_rest (stage), get_rest_length (stage), limit, error))
        return FALSE;
    }
  return TRUE;
}
