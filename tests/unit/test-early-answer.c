/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-early-answer-private.h"

#include <string.h>

/* --- a peer that never stops ------------------------------------------------------------------ */

typedef struct
{
  GInputStream parent_instance;

  gsize n_read;
} Endless;

typedef GInputStreamClass EndlessClass;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Endless, g_object_unref)

static const char endless_head[] = "HTTP/1.1 403 No\r\n\r\n";

static gssize
endless_read (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  Endless *self = (Endless *) stream;

  memset (buffer, 'x', count);
  for (gsize i = self->n_read; i < self->n_read + count && i < strlen (endless_head); i++)
    ((char *) buffer)[i - self->n_read] = endless_head[i];
  self->n_read += count;
  return (gssize) count;
}

static gboolean
endless_is_readable (GPollableInputStream *stream)
{
  return TRUE;
}

static void
endless_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = endless_is_readable;
  iface->read_nonblocking = endless_read;
}

static GType endless_get_type (void);
G_DEFINE_FINAL_TYPE_WITH_CODE (Endless,
                               endless,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      endless_pollable_init))

static void
endless_class_init (EndlessClass *klass)
{
}

static void
endless_init (Endless *self)
{
}

/* Nothing else goes on while it is read, whatever the limit of a response is. */
static void
test_endless (void)
{
  const guint64 limits[] = { 0, 64 * 1024 * 1024, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (Endless) stream = g_object_new (endless_get_type (), NULL);

      g_assert_null (resilient_early_answer_read (G_INPUT_STREAM (stream), limits[i]));
      g_assert_cmpuint (stream->n_read, <, 8 * 1024 * 1024);
    }
}

/* ---------------------------------------------------------------------------------------------- */

static ResilientEarlyAnswer *
read_text (const char *text, guint64 limit)
{
  g_autoptr (GInputStream) stream =
    g_memory_input_stream_new_from_data (text, (gssize) strlen (text), NULL);

  return resilient_early_answer_read (stream, limit);
}

static void
test_whole (void)
{
  const struct
  {
    const char *text;
    guint status_code;
    const char *body;
  } cases[] = {
    { "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nstop", 403, "stop" },
    { "HTTP/1.1 403 No\nContent-Length: 4\n\nstop", 403, "stop" },
    { "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nstop and more", 403, "stop" },
    { "HTTP/1.0 413 \r\nContent-Length: 0\r\n\r\n", 413, "" },
    { "HTTP/1.1 503 Busy\r\n\r\nto the end", 503, "to the end" },
    { "HTTP/1.1 204 Done\r\nX: y\r\n\r\n", 204, "" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\nA: b\r\n\r\nHTTP/1.1 400 "
      "B\r\nContent-Length: 1\r\n\r\nx",
      400,
      "x" },
    { "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=f\r\nde\r\n0\r\n\r\n",
      400,
      "abcde" },
    { "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\nT: u\r\n\r\n",
      400,
      "0123456789" },
    { "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientEarlyAnswer) answer = read_text (cases[i].text, 100);
      GByteArray *body;

      g_test_message ("%u", i);
      g_assert_nonnull (answer);
      g_assert_cmpuint (resilient_early_answer_get_status_code (answer), ==, cases[i].status_code);
      body = resilient_early_answer_get_body (answer);
      g_assert_cmpmem (body->data, body->len, cases[i].body, strlen (cases[i].body));
    }
}

/* Each of the answers above, cut anywhere, and what is no answer. */
static void
test_not_whole (void)
{
  const char *cut[] = {
    "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nstop",
    "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n",
  };
  const char *never[] = {
    "nonsense\r\n\r\n",
    "HTTP/1.1 403 No\r\nContent-Length: 4\r\nContent-Length: x\r\n\r\n",
    "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "HTTP/1.1 400 B\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cut); i++)
    for (gsize length = 0; length < strlen (cut[i]); length++)
      {
        g_autofree char *text = g_strndup (cut[i], length);

        g_assert_null (read_text (text, 0));
      }
  for (guint i = 0; i < G_N_ELEMENTS (never); i++)
    {
      g_test_message ("%u", i);
      g_assert_null (read_text (never[i], 0));
    }
}

static void
test_limit (void)
{
  g_autoptr (ResilientEarlyAnswer) answer = NULL;
  const char *text = "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nstop";

  g_assert_null (read_text (text, 3));
  answer = read_text (text, 4);
  g_assert_nonnull (answer);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/early-answer/whole", test_whole);
  g_test_add_func ("/early-answer/not-whole", test_not_whole);
  g_test_add_func ("/early-answer/limit", test_limit);
  g_test_add_func ("/early-answer/endless", test_endless);
  return g_test_run ();
}
