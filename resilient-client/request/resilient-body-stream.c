/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The stream that libsoup reads a body from. It owns one piece of what it has read ahead and a
 * reference to the stream below, which it closes unless that was lent to it. One reader at a time,
 * in the context that drives the message. */

#include "config.h"

#include "resilient-body-stream-private.h"

#include "resilient-error.h"
#include "resilient-i18n-private.h"

#include <string.h>

/* libsoup asks for 8 or 16 KiB at a time, and GIO reads each of a file in another thread. Twice as
 * much makes an upload some 5 % faster, half as much a fifth slower. */
#define MAX_PIECE ((gint64) 64 * 1024)

struct _ResilientBodyStream
{
  GFilterInputStream parent_instance;

  GWeakRef message;
  ResilientBodyFailed failed;
  gpointer failed_data;
  gint64 rest; /* what is still to be read of the base; -1 = until it ends */
  gsize size;  /* of the piece; at least 1 */

  guint8 *piece; /* NULL before the first read */
  gsize start;   /* of what has not been asked for yet */
  gsize end;
};

typedef GFilterInputStreamClass ResilientBodyStreamClass;

G_DEFINE_FINAL_TYPE (ResilientBodyStream, resilient_body_stream, G_TYPE_FILTER_INPUT_STREAM)

static ResilientBodyStream *
get_self (gpointer stream)
{
  return stream;
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* @buffer: NULL = thrown away */
static gsize
take (ResilientBodyStream *self, void *buffer, gsize count)
{
  gsize n = MIN (count, self->end - self->start);

  if (n > 0 && buffer != NULL)
    memcpy (buffer, self->piece + self->start, n);
  self->start += n;
  return n;
}

static gboolean
needs_piece (ResilientBodyStream *self)
{
  return self->start == self->end && self->rest != 0;
}

static gsize
begin_piece (ResilientBodyStream *self)
{
  g_filter_input_stream_set_close_base_stream (&self->parent_instance, TRUE);
  if (self->piece == NULL)
    self->piece = g_malloc (self->size);
  return self->rest >= 0 ? (gsize) MIN (self->rest, (gint64) self->size) : self->size;
}

/* @n: as read() returned it, with the error set when it is negative. */
static gboolean
end_piece (ResilientBodyStream *self, gssize n, GError **error)
{
  if (n < 0)
    return FALSE;

  self->start = 0;
  self->end = (gsize) n;
  if (self->rest < 0)
    return TRUE;
  if (n == 0)
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("The body of the request is shorter than was announced"));
      return FALSE;
    }
  self->rest -= n;
  return TRUE;
}

/* --- GInputStream ----------------------------------------------------------------------------- */

static gssize
body_stream_read (GInputStream *stream,
                  void *buffer,
                  gsize count,
                  GCancellable *cancellable,
                  GError **error)
{
  ResilientBodyStream *self = get_self (stream);

  if (needs_piece (self))
    {
      gsize size = begin_piece (self);
      gssize n = g_input_stream_read (
        self->parent_instance.base_stream, self->piece, size, cancellable, error);

      if (!end_piece (self, n, error))
        return -1;
    }
  return (gssize) take (self, buffer, count);
}

static gssize
body_stream_skip (GInputStream *stream, gsize count, GCancellable *cancellable, GError **error)
{
  return body_stream_read (stream, NULL, count, cancellable, error);
}

typedef struct
{
  void *buffer;
  gsize count;
  gulong handler; /* of the reader's on the message, 0 = none */
} Wish;

static void piece_cb (GObject *base, GAsyncResult *result, gpointer user_data);

static void
piece_cb (GObject *base, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ResilientBodyStream *self = get_self (g_task_get_source_object (task));
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (base), result, &error);

  if (end_piece (self, n, &error))
    g_task_return_boolean (task, TRUE);
  else
    {
      if (self->failed != NULL)
        self->failed (error, self->failed_data);
      g_task_return_error (task, error);
    }
}

/* libsoup (3.2 and newest) does not wait for a read of a body that HTTP/2 has no use for any more,
 * because the answer came early or the connection is lost: it frees the buffer, and what its
 * callback works on, unless that is told that the read was cancelled. Until then this is also the
 * data of a handler that libsoup has on the message. */
static gulong
find_reader (ResilientBodyStream *self, gpointer user_data)
{
  g_autoptr (SoupMessage) message = g_weak_ref_get (&self->message);

  if (message == NULL || user_data == NULL)
    return 0;
  return g_signal_handler_find (message, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, user_data);
}

static gboolean
is_reader_gone (ResilientBodyStream *self, gulong handler)
{
  g_autoptr (SoupMessage) message = NULL;

  if (handler == 0)
    return FALSE;
  message = g_weak_ref_get (&self->message);
  return message == NULL || !g_signal_handler_is_connected (message, handler);
}

static gboolean
read_piece_cb (gpointer user_data)
{
  GTask *task = user_data;
  ResilientBodyStream *self = get_self (g_task_get_source_object (task));

  g_input_stream_read_async (self->parent_instance.base_stream,
                             self->piece,
                             begin_piece (self),
                             g_task_get_priority (task),
                             g_task_get_cancellable (task),
                             piece_cb,
                             g_object_ref (task));
  return G_SOURCE_REMOVE;
}

static void
body_stream_read_async (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        int priority,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  ResilientBodyStream *self = get_self (stream);
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Wish *wish = g_new (Wish, 1);

  wish->buffer = buffer;
  wish->count = count;
  wish->handler = find_reader (self, user_data);
  g_task_set_source_tag (task, body_stream_read_async);
  g_task_set_priority (task, priority);
  g_task_set_task_data (task, wish, g_free);
  if (g_task_return_error_if_cancelled (task))
    return;

  if (needs_piece (self))
    {
      g_autoptr (GSource) source = NULL;

      begin_piece (self);
      /* A stream of the app's may run a main loop, and libsoup reads from inside of nghttp2. */
      source = g_idle_source_new ();
      g_source_set_priority (source, priority);
      g_source_set_static_name (source, "[resilient-client] request body");
      g_task_attach_source (task, source, read_piece_cb);
    }
  else
    g_task_return_boolean (task, TRUE);
}

/* The buffer is written to here and not before: here it is known whether it is still there. */
static gssize
body_stream_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  ResilientBodyStream *self = get_self (stream);
  Wish *wish = g_task_get_task_data (G_TASK (result));

  if (is_reader_gone (self, wish->handler))
    {
      g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The request was cancelled"));
      return -1;
    }
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return -1;
  return (gssize) take (self, wish->buffer, wish->count);
}

static void
resilient_body_stream_finalize (GObject *object)
{
  ResilientBodyStream *self = get_self (object);

  g_weak_ref_clear (&self->message);
  g_free (self->piece);
  G_OBJECT_CLASS (resilient_body_stream_parent_class)->finalize (object);
}

static void
resilient_body_stream_class_init (ResilientBodyStreamClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = resilient_body_stream_finalize;
  stream_class->read_fn = body_stream_read;
  stream_class->skip = body_stream_skip;
  stream_class->read_async = body_stream_read_async;
  stream_class->read_finish = body_stream_read_finish;
}

static void
resilient_body_stream_init (ResilientBodyStream *self)
{
  g_weak_ref_init (&self->message, NULL);
}

ResilientBodyStream *
resilient_body_stream_new (GInputStream *base, gint64 length, gboolean lent)
{
  ResilientBodyStream *self = g_object_new (
    RESILIENT_TYPE_BODY_STREAM, "base-stream", base, "close-base-stream", !lent, NULL);

  self->rest = length;
  self->size = (gsize) (length >= 0 ? CLAMP (length, 1, MAX_PIECE) : MAX_PIECE);
  return self;
}

void
resilient_body_stream_set_message (ResilientBodyStream *self, SoupMessage *message)
{
  g_weak_ref_set (&self->message, message);
}

void
resilient_body_stream_set_failed (ResilientBodyStream *self,
                                  ResilientBodyFailed failed,
                                  gpointer data)
{
  self->failed = failed;
  self->failed_data = data;
}
