/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads requests of HTTP/1.1 and lets their scripts answer. It owns one stream at a time, in the
 * thread of the connection. */

#include "config.h"

#include "fault-http1-private.h"

#include <string.h>

#include <libsoup/soup.h>

#include "fault-headers-private.h"
#include "fault-script-private.h"

#define HEAD_LIMIT (1024 * 1024)

typedef struct
{
  FaultStream base;
  gboolean chunked;
  gboolean expects_continue;
  gboolean done;  /* the body was read to its end */
  gboolean ended; /* and that is recorded */
  guint64 left;   /* of the body, or of the chunk */
} Http1;

/* What comes before @pattern, which is taken too; NULL: it did not come, or not within @limit
 * bytes. */
static char *
read_until (FaultConnection *connection, const char *pattern, gsize limit)
{
  gsize size;
  const guint8 *data = fault_connection_peek (connection, &size);
  const guint8 *end;
  char *text;

  while (size == 0 || (end = memmem (data, size, pattern, strlen (pattern))) == NULL)
    {
      if (size > limit || !fault_connection_fill (connection))
        return NULL;
      data = fault_connection_peek (connection, &size);
    }
  text = g_strndup ((const char *) data, end - data);
  fault_connection_consume (connection, end - data + strlen (pattern));

  return text;
}

/* The head of a request, split at its lines. NULL: none came. */
static char **
read_head (FaultConnection *connection)
{
  g_autofree char *head = read_until (connection, "\r\n\r\n", HEAD_LIMIT);

  return head != NULL ? g_strsplit (head, "\r\n", -1) : NULL;
}

/* A line of the chunked coding without its end; NULL: none came. */
static char *
read_line (FaultConnection *connection)
{
  return read_until (connection, "\r\n", G_MAXSIZE);
}

/* Takes the size of the next chunk, and with the last one the trailers. */
static gboolean
next_chunk (Http1 *self)
{
  g_autofree char *line = read_line (self->base.connection);

  if (line == NULL)
    return FALSE;
  self->left = g_ascii_strtoull (line, NULL, 16);
  if (self->left > 0)
    return TRUE;

  do
    {
      g_free (line);
      line = read_line (self->base.connection);
      if (line == NULL)
        return FALSE;
    }
  while (*line != '\0');
  self->done = TRUE;

  return TRUE;
}

static gboolean
read_some (Http1 *self, guint64 *size)
{
  FaultConnection *connection = self->base.connection;
  const guint8 *data;
  gsize n;

  if (self->chunked && self->left == 0)
    return next_chunk (self);
  if (!fault_connection_fill_to (connection, 1))
    return FALSE;

  data = fault_connection_peek (connection, &n);
  n = MIN (MIN (*size, self->left), n);
  fault_log_body (fault_connection_get_log (connection), self->base.index, data, n);
  fault_connection_consume (connection, n);
  *size -= n;
  self->left -= n;
  if (self->left == 0 && self->chunked)
    {
      /* the end of line after each chunk */
      g_autofree char *nothing = read_line (connection);

      return nothing != NULL;
    }
  self->done = self->left == 0;

  return TRUE;
}

static gboolean
http1_read (FaultStream *stream, guint64 size)
{
  Http1 *self = (Http1 *) stream;
  gboolean go_on = TRUE;

  if (self->expects_continue && !self->done)
    go_on = fault_connection_write (stream->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  self->expects_continue = FALSE;
  while (go_on && !self->done && size > 0)
    go_on = read_some (self, &size);
  if (!self->ended && (self->done || !go_on))
    {
      self->ended = TRUE;
      fault_log_body_end (fault_connection_get_log (stream->connection), stream->index, self->done);
    }

  return go_on;
}

static gboolean
http1_read_done (FaultStream *stream)
{
  return ((Http1 *) stream)->done;
}

static const char *
get_phrase (guint status)
{
  /* libsoup knows those of RFC 9110 only */
  return status == 429 ? "Too Many Requests" : soup_status_get_phrase (status);
}

static gboolean
http1_head (FaultStream *stream, guint status, const char *headers)
{
  g_autofree char *head =
    g_strdup_printf ("HTTP/1.1 %u %s\r\n%s%s%s\r\n",
                     status,
                     get_phrase (status),
                     headers != NULL ? headers : "",
                     headers != NULL && *headers != '\0' ? "\r\n" : "",
                     stream->last && status >= 200 ? "Connection: close\r\n" : "");

  return fault_connection_write (stream->connection, head, strlen (head));
}

static gboolean
http1_data (FaultStream *stream, gconstpointer data, gsize size)
{
  return fault_connection_write (stream->connection, data, size);
}

static gboolean
http1_silence (FaultStream *stream)
{
  gsize size;

  do
    {
      fault_connection_peek (stream->connection, &size);
      fault_connection_consume (stream->connection, size);
    }
  while (fault_connection_fill (stream->connection));

  return FALSE;
}

static gboolean
http1_await_next (FaultStream *stream)
{
  return fault_connection_fill_to (stream->connection, 1);
}

static const FaultStreamFuncs http1_funcs = {
  .await_next = http1_await_next,
  .head = http1_head,
  .data = http1_data,
  .read = http1_read,
  .read_done = http1_read_done,
  .silence = http1_silence,
};

static gboolean
has_token (char **headers, const char *name, const char *token)
{
  const char *value = fault_headers_get (headers, name);

  return value != NULL && g_ascii_strcasecmp (value, token) == 0;
}

/* FALSE: the connection is over. */
static gboolean
serve_one (FaultConnection *connection, FaultService *service)
{
  Http1 self = { .base = { .funcs = &http1_funcs,
                           .connection = connection,
                           .is_request = TRUE,
                           .raw_chunks = TRUE } };
  g_auto (GStrv) lines = read_head (connection);
  g_auto (GStrv) words = NULL;
  char **headers;
  const char *length;
  FaultScript *script;
  gboolean go_on, last;

  if (lines == NULL || lines[0] == NULL)
    return FALSE;
  words = g_strsplit (lines[0], " ", 3);
  if (g_strv_length (words) != 3)
    return FALSE;

  headers = lines + 1;
  self.base.is_head = g_str_equal (words[0], "HEAD");
  self.chunked = has_token (headers, "Transfer-Encoding", "chunked");
  self.expects_continue = has_token (headers, "Expect", "100-continue");
  length = fault_headers_get (headers, "Content-Length");
  self.left = !self.chunked && length != NULL ? g_ascii_strtoull (length, NULL, 10) : 0;
  self.done = !self.chunked && self.left == 0;
  last = has_token (headers, "Connection", "close");

  script = fault_service_begin (service,
                                &self.base,
                                words[0],
                                words[1],
                                g_str_has_prefix (words[2], "HTTP/") ? words[2] + 5 : words[2],
                                g_strdupv (headers));
  if (self.done)
    http1_read (&self.base, 0);
  go_on = fault_script_run (script, &self.base);
  if (!self.ended)
    fault_log_body_end (service->log, self.base.index, FALSE);
  fault_service_end (service, &self.base, script);

  return go_on && self.done && !last && !self.base.last;
}

void
fault_http1_run (FaultConnection *connection, FaultService *service)
{
  while (serve_one (connection, service))
    ;
}
