/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-read-ahead-private.h"

#include <string.h>

/* Twice as much makes an upload some 5 % faster, half as much a fifth slower. */
#define MAX_PIECE ((gsize) 64 * 1024)

typedef struct
{
  GFilterInputStream parent_instance;

  guint8 *piece; /* NULL before the first read */
  gsize size;    /* of it; at least 1 */
  gsize start;   /* of what has not been asked for yet */
  gsize end;
} ResilientReadAhead;

typedef GFilterInputStreamClass ResilientReadAheadClass;

static GType resilient_read_ahead_get_type (void);
G_DEFINE_FINAL_TYPE (ResilientReadAhead, resilient_read_ahead, G_TYPE_FILTER_INPUT_STREAM)

typedef struct
{
  void *buffer;
  gsize count;
} Wish;

static ResilientReadAhead *
get_self (gpointer stream)
{
  return stream;
}

/* @buffer: NULL = thrown away */
static gsize
take (ResilientReadAhead *self, void *buffer, gsize count)
{
  gsize n = MIN (count, self->end - self->start);

  if (n > 0 && buffer != NULL)
    memcpy (buffer, self->piece + self->start, n);
  self->start += n;
  return n;
}

static guint8 *
ensure_piece (ResilientReadAhead *self)
{
  if (self->piece == NULL)
    self->piece = g_malloc (self->size);
  return self->piece;
}

static gssize
read_ahead_read (GInputStream *stream,
                 void *buffer,
                 gsize count,
                 GCancellable *cancellable,
                 GError **error)
{
  ResilientReadAhead *self = get_self (stream);
  gssize n;

  if (self->start == self->end)
    {
      n = g_input_stream_read (
        self->parent_instance.base_stream, ensure_piece (self), self->size, cancellable, error);
      if (n < 0)
        return -1;
      self->start = 0;
      self->end = (gsize) n;
    }
  return (gssize) take (self, buffer, count);
}

static gssize
read_ahead_skip (GInputStream *stream, gsize count, GCancellable *cancellable, GError **error)
{
  return read_ahead_read (stream, NULL, count, cancellable, error);
}

static void
piece_cb (GObject *base, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ResilientReadAhead *self = get_self (g_task_get_source_object (task));
  Wish *wish = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (base), result, &error);

  if (n < 0)
    {
      g_task_return_error (task, error);
      return;
    }
  self->start = 0;
  self->end = (gsize) n;
  g_task_return_int (task, (gssize) take (self, wish->buffer, wish->count));
}

static void
read_ahead_read_async (GInputStream *stream,
                       void *buffer,
                       gsize count,
                       int priority,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  ResilientReadAhead *self = get_self (stream);
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  Wish *wish;

  g_task_set_source_tag (task, read_ahead_read_async);
  g_task_set_priority (task, priority);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (self->start < self->end)
    {
      g_task_return_int (task, (gssize) take (self, buffer, count));
      return;
    }

  wish = g_new (Wish, 1);
  wish->buffer = buffer;
  wish->count = count;
  g_task_set_task_data (task, wish, g_free);
  g_input_stream_read_async (self->parent_instance.base_stream,
                             ensure_piece (self),
                             self->size,
                             priority,
                             cancellable,
                             piece_cb,
                             g_steal_pointer (&task));
}

static gssize
read_ahead_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

static void
resilient_read_ahead_finalize (GObject *object)
{
  g_free (get_self (object)->piece);
  G_OBJECT_CLASS (resilient_read_ahead_parent_class)->finalize (object);
}

static void
resilient_read_ahead_class_init (ResilientReadAheadClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = resilient_read_ahead_finalize;
  stream_class->read_fn = read_ahead_read;
  stream_class->skip = read_ahead_skip;
  stream_class->read_async = read_ahead_read_async;
  stream_class->read_finish = read_ahead_read_finish;
}

static void
resilient_read_ahead_init (ResilientReadAhead *self)
{
}

GInputStream *
resilient_read_ahead_new (GInputStream *base, gint64 length)
{
  ResilientReadAhead *self =
    g_object_new (resilient_read_ahead_get_type (), "base-stream", base, NULL);

  self->size = length >= 0 ? (gsize) CLAMP (length, 1, (gint64) MAX_PIECE) : MAX_PIECE;
  return G_INPUT_STREAM (self);
}
