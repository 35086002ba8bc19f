/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-early-answer-private.h"

#include <string.h>

#include "resilient-chunked-private.h"

/* Reads and parses the response that a server gave before it had the whole request. It is the last
 * that is looked for before such a request fails, in one go: what is not there is not waited
 * for. */

#define BLOCK (16 * 1024)
/* What the interim and the final head may have, as libsoup allows them. */
#define HEAD_SIZE (256 * 1024)
/* What the kernel may have room for. A peer that goes on sending could fill any amount: nothing
 * else of the context runs meanwhile. */
#define BODY_SIZE (6 * 1024 * 1024)

struct _ResilientEarlyAnswer
{
  guint status_code;
  char *reason_phrase;
  SoupHTTPVersion version;
  SoupMessageHeaders *headers;
  GByteArray *body; /* as it came, without its chunks */
};

/* TRUE: and then the connection ended. */
static gboolean
read_all (GPollableInputStream *stream, GByteArray *bytes, gsize limit)
{
  gssize n = BLOCK;

  while (n > 0 && bytes->len < limit)
    {
      guint old = bytes->len;

      g_byte_array_set_size (bytes, old + BLOCK);
      n = g_pollable_input_stream_read_nonblocking (stream, bytes->data + old, BLOCK, NULL, NULL);
      g_byte_array_set_size (bytes, old + (guint) MAX (n, 0));
    }
  return n == 0;
}

/* After the next end of a line; NULL: there is none. */
static const char *
next_line (const char *at, const char *end)
{
  const char *feed = memchr (at, '\n', (gsize) (end - at));

  return feed != NULL ? feed + 1 : NULL;
}

static gboolean
is_empty_line (const char *at, const char *end)
{
  return at < end && (*at == '\n' || (*at == '\r' && at + 1 < end && at[1] == '\n'));
}

/* Where the empty line is that ends the head; NULL: it is not there. */
static const char *
find_head_end (const char *at, const char *end)
{
  do
    at = next_line (at, end);
  while (at != NULL && !is_empty_line (at, end));
  return at;
}

/* FALSE: not whole, or none. */
static gboolean
take_chunks (const char *at, gsize there, GByteArray *body)
{
  ResilientChunked chunked;
  gsize n_decoded = 0, n_consumed;

  resilient_chunked_init (&chunked);
  g_byte_array_append (body, (const guint8 *) at, (guint) there);
  if (!resilient_chunked_decode (&chunked, body->data, there, &n_decoded, &n_consumed, NULL))
    return FALSE;
  g_byte_array_set_size (body, (guint) n_decoded);
  return resilient_chunked_is_done (&chunked);
}

static gboolean
take_body (ResilientEarlyAnswer *self, const char *at, const char *end, gboolean ended)
{
  gsize there = (gsize) (end - at);
  goffset length;

  if (self->status_code == SOUP_STATUS_NO_CONTENT || self->status_code == SOUP_STATUS_NOT_MODIFIED)
    return TRUE;
  switch (soup_message_headers_get_encoding (self->headers))
    {
    case SOUP_ENCODING_CHUNKED:
      return take_chunks (at, there, self->body);

    case SOUP_ENCODING_CONTENT_LENGTH:
      length = soup_message_headers_get_content_length (self->headers);
      if (length < 0 || (guint64) length > there)
        return FALSE;
      g_byte_array_append (self->body, (const guint8 *) at, (guint) length);
      return TRUE;

    case SOUP_ENCODING_EOF:
      g_byte_array_append (self->body, (const guint8 *) at, (guint) there);
      return ended;

    case SOUP_ENCODING_UNRECOGNIZED:
    case SOUP_ENCODING_NONE:
    case SOUP_ENCODING_BYTERANGES:
    default:
      return FALSE;
    }
}

/* Passes interim responses over. Returns where the body begins; NULL: no final head is there. */
static const char *
parse_head (ResilientEarlyAnswer *self, const char *at, const char *end)
{
  while (at < end)
    {
      const char *head_end = find_head_end (at, end);

      if (head_end == NULL)
        return NULL;
      g_clear_pointer (&self->reason_phrase, g_free);
      soup_message_headers_clear (self->headers);
      if (!soup_headers_parse_response (at,
                                        (int) (head_end - at),
                                        self->headers,
                                        &self->version,
                                        &self->status_code,
                                        &self->reason_phrase))
        return NULL;
      at = next_line (head_end, end);
      if (self->status_code >= 200)
        return at;
    }
  return NULL;
}

ResilientEarlyAnswer *
resilient_early_answer_read (GInputStream *stream, guint64 limit)
{
  g_autoptr (ResilientEarlyAnswer) self = g_new0 (ResilientEarlyAnswer, 1);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const char *body, *end;
  gboolean ended;

  self->headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  self->body = g_byte_array_new ();
  ended = read_all (G_POLLABLE_INPUT_STREAM (stream),
                    bytes,
                    HEAD_SIZE + (gsize) MIN (limit > 0 ? limit : BODY_SIZE, BODY_SIZE));
  end = (const char *) bytes->data + bytes->len;
  body = parse_head (self, (const char *) bytes->data, end);
  if (body == NULL || !take_body (self, body, end, ended) || (limit > 0 && self->body->len > limit))
    return NULL;
  return g_steal_pointer (&self);
}

void
resilient_early_answer_free (ResilientEarlyAnswer *self)
{
  g_free (self->reason_phrase);
  soup_message_headers_unref (self->headers);
  g_byte_array_unref (self->body);
  g_free (self);
}

guint
resilient_early_answer_get_status_code (ResilientEarlyAnswer *self)
{
  return self->status_code;
}

const char *
resilient_early_answer_get_reason_phrase (ResilientEarlyAnswer *self)
{
  return self->reason_phrase;
}

SoupHTTPVersion
resilient_early_answer_get_version (ResilientEarlyAnswer *self)
{
  return self->version;
}

SoupMessageHeaders *
resilient_early_answer_get_headers (ResilientEarlyAnswer *self)
{
  return self->headers;
}

GByteArray *
resilient_early_answer_get_body (ResilientEarlyAnswer *self)
{
  return self->body;
}
