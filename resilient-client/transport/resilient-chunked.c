/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-chunked-private.h"

#include <string.h>

#include "resilient-i18n-private.h"

/* A decoder of chunked bodies that refuses what it does not understand. A guess would give the
 * caller a body that is too short, or one with somebody else's bytes in it, and call that a
 * success. It is lenient in two points in which a guess can't do that: a line may end with a line
 * feed alone, and white space may follow a size, with which some servers pad it.
 *
 * Extensions and trailer fields are checked for their form and dropped: nobody here asked for
 * them (RFC 9112, 7.1.1 and 7.1.2). */

/* The largest size is that of a goffset, 16 digits; zeros in front count as digits too. */
#define MAX_DIGITS 16
/* Extensions are rare and short. Without a bound a server could go on with one for ever. */
#define MAX_EXTENSION_SIZE 4096
/* As much as libsoup 3.2 takes of a header section. */
#define MAX_TRAILER_SIZE (64 * 1024)

static gboolean
fail (ResilientChunked *self, GError **error)
{
  self->state = RESILIENT_CHUNKED_BROKEN;
  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_INVALID_DATA,
                       _ ("The chunks of the response body are not valid"));
  return FALSE;
}

static void
begin_size (ResilientChunked *self)
{
  self->state = RESILIENT_CHUNKED_SIZE;
  self->n_digits = 0;
  self->n_line_bytes = 0;
  self->n_left = 0;
}

void
resilient_chunked_init (ResilientChunked *self)
{
  memset (self, 0, sizeof *self);
  begin_size (self);
}

/* RFC 9110, 5.6.2 */
static gboolean
is_token_char (guint8 c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
take_digit (ResilientChunked *self, guint8 c)
{
  if (++self->n_digits > MAX_DIGITS || self->n_left > (guint64) G_MAXINT64 >> 4)
    return FALSE;
  self->n_left = self->n_left << 4 | (guint64) g_ascii_xdigit_value (c);
  return TRUE;
}

/* Between a size and the end of its line. */
static gboolean
take_after_size (ResilientChunked *self, guint8 c)
{
  switch (c)
    {
    case '\n':
      self->state = self->n_left > 0 ? RESILIENT_CHUNKED_DATA : RESILIENT_CHUNKED_TRAILER;
      return TRUE;
    case '\r':
      self->state = RESILIENT_CHUNKED_SIZE_LF;
      return TRUE;
    case ';':
      self->state = RESILIENT_CHUNKED_EXTENSION;
      break;
    case ' ':
    case '\t':
      if (self->state != RESILIENT_CHUNKED_EXTENSION)
        self->state = RESILIENT_CHUNKED_PADDING;
      break;
    default:
      if (self->state != RESILIENT_CHUNKED_EXTENSION || c == '\0')
        return FALSE;
      break;
    }
  return ++self->n_line_bytes <= MAX_EXTENSION_SIZE;
}

static gboolean
take_trailer_byte (ResilientChunked *self, guint8 c)
{
  if (++self->n_trailer_bytes > MAX_TRAILER_SIZE || c == '\0')
    return FALSE;
  switch (self->state)
    {
    case RESILIENT_CHUNKED_TRAILER:
      if (c == '\n')
        self->state = RESILIENT_CHUNKED_DONE;
      else if (c == '\r')
        self->state = RESILIENT_CHUNKED_TRAILER_LF;
      else if (is_token_char (c))
        self->state = RESILIENT_CHUNKED_NAME;
      else if ((c == ' ' || c == '\t') && self->n_trailer_bytes > 1)
        self->state = RESILIENT_CHUNKED_VALUE; /* the line before goes on (RFC 9112, 5.2) */
      else
        return FALSE;
      return TRUE;

    case RESILIENT_CHUNKED_NAME:
      if (c == ':')
        self->state = RESILIENT_CHUNKED_VALUE;
      return c == ':' || is_token_char (c);

    case RESILIENT_CHUNKED_TRAILER_LF:
      self->state = RESILIENT_CHUNKED_DONE;
      return c == '\n';

    case RESILIENT_CHUNKED_VALUE:
    default:
      if (c == '\n')
        self->state = RESILIENT_CHUNKED_TRAILER;
      return TRUE;
    }
}

/* All but the bytes of chunks. */
static gboolean
take_byte (ResilientChunked *self, guint8 c)
{
  switch (self->state)
    {
    case RESILIENT_CHUNKED_SIZE:
      if (g_ascii_isxdigit (c))
        return take_digit (self, c);
      return self->n_digits > 0 && take_after_size (self, c);

    case RESILIENT_CHUNKED_PADDING:
    case RESILIENT_CHUNKED_EXTENSION:
      return take_after_size (self, c);

    case RESILIENT_CHUNKED_SIZE_LF:
      return c == '\n' && take_after_size (self, c);

    case RESILIENT_CHUNKED_DATA_END:
      if (c == '\r')
        self->state = RESILIENT_CHUNKED_DATA_LF;
      else if (c == '\n')
        begin_size (self);
      return c == '\r' || c == '\n';

    case RESILIENT_CHUNKED_DATA_LF:
      begin_size (self);
      return c == '\n';

    case RESILIENT_CHUNKED_TRAILER:
    case RESILIENT_CHUNKED_NAME:
    case RESILIENT_CHUNKED_VALUE:
    case RESILIENT_CHUNKED_TRAILER_LF:
      return take_trailer_byte (self, c);

    case RESILIENT_CHUNKED_DATA:
    case RESILIENT_CHUNKED_DONE:
    case RESILIENT_CHUNKED_BROKEN:
    default:
      return FALSE;
    }
}

gboolean
resilient_chunked_decode (ResilientChunked *self,
                          guint8 *data,
                          gsize length,
                          gsize *n_decoded,
                          gsize *n_consumed,
                          GError **error)
{
  gsize from = 0, to = 0;

  while (from < length && self->state != RESILIENT_CHUNKED_DONE)
    {
      if (self->state == RESILIENT_CHUNKED_DATA)
        {
          gsize n = (gsize) MIN ((guint64) (length - from), self->n_left);

          memmove (data + to, data + from, n);
          from += n;
          to += n;
          self->n_left -= n;
          if (self->n_left == 0)
            self->state = RESILIENT_CHUNKED_DATA_END;
        }
      else if (!take_byte (self, data[from++]))
        return fail (self, error);
    }

  *n_decoded = to;
  *n_consumed = from;
  return TRUE;
}

gboolean
resilient_chunked_is_done (const ResilientChunked *self)
{
  return self->state == RESILIENT_CHUNKED_DONE;
}
