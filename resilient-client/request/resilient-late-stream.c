/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-late-stream-private.h"

/* libsoup sends a message again from inside its queue, and asks for the body there. A function of
 * the app's that ran a main loop at that moment would find the queue in the midst of a step. */

struct _ResilientLateStream
{
  GInputStream parent_instance;

  ResilientLateStreamOpen open;
  gpointer data;
  GDestroyNotify destroy;
  /* NULL until it is read; atomic, as GIO may close it in a thread of its own */
  GInputStream *base;
};

G_DEFINE_FINAL_TYPE (ResilientLateStream, resilient_late_stream, G_TYPE_INPUT_STREAM)

static gboolean
ensure_base (ResilientLateStream *self, GCancellable *cancellable, GError **error)
{
  if (self->base == NULL && !g_cancellable_set_error_if_cancelled (cancellable, error))
    g_atomic_pointer_set (&self->base, self->open (self->data, error));
  return self->base != NULL;
}

static gssize
late_stream_read (GInputStream *stream,
                  void *buffer,
                  gsize count,
                  GCancellable *cancellable,
                  GError **error)
{
  ResilientLateStream *self = RESILIENT_LATE_STREAM (stream);

  if (!ensure_base (self, cancellable, error))
    return -1;
  return g_input_stream_read (self->base, buffer, count, cancellable, error);
}

static void
read_cb (GObject *base, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (base), result, &error);

  if (n < 0)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, n);
}

static void
late_stream_read_async (GInputStream *stream,
                        void *buffer,
                        gsize count,
                        int priority,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  ResilientLateStream *self = RESILIENT_LATE_STREAM (stream);
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, late_stream_read_async);
  if (!ensure_base (self, cancellable, &error))
    g_task_return_error (task, error);
  else
    g_input_stream_read_async (
      self->base, buffer, count, priority, cancellable, read_cb, g_steal_pointer (&task));
}

static gssize
late_stream_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

static gboolean
late_stream_close (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  GInputStream *base = g_atomic_pointer_get (&RESILIENT_LATE_STREAM (stream)->base);

  return base == NULL || g_input_stream_close (base, cancellable, error);
}

static void
resilient_late_stream_finalize (GObject *object)
{
  ResilientLateStream *self = RESILIENT_LATE_STREAM (object);

  g_clear_object (&self->base);
  self->destroy (self->data);
  G_OBJECT_CLASS (resilient_late_stream_parent_class)->finalize (object);
}

static void
resilient_late_stream_class_init (ResilientLateStreamClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = resilient_late_stream_finalize;
  stream_class->read_fn = late_stream_read;
  stream_class->read_async = late_stream_read_async;
  stream_class->read_finish = late_stream_read_finish;
  stream_class->close_fn = late_stream_close;
}

static void
resilient_late_stream_init (ResilientLateStream *self)
{
}

GInputStream *
resilient_late_stream_new (ResilientLateStreamOpen open, gpointer data, GDestroyNotify destroy)
{
  ResilientLateStream *self = g_object_new (RESILIENT_TYPE_LATE_STREAM, NULL);

  self->open = open;
  self->data = data;
  self->destroy = destroy;
  return G_INPUT_STREAM (self);
}
