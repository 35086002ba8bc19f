/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads a response stream to its end without blocking and without starving others, then closes it.
 * It owns the stream and its sources. In one context. */

#include "config.h"

#include "resilient-reader-private.h"

#include "resilient-i18n-private.h"

#define BUFFER_SIZE (16 * 1024)
/* Read in one dispatch at most, and in how many pieces: one fast response must not starve the
 * others of the context, and a chunk of one byte costs nearly as much as one of many. */
#define DISPATCH_SIZE (64 * 1024)
#define DISPATCH_READS 64

/* Lives in one context. References: one of the owner until close(), one for each operation under
 * way. */
struct _ResilientReader
{
  int ref_count;
  GInputStream *stream;
  int io_priority;
  ResilientPace *pace; /* nullable */
  const ResilientReaderFuncs *funcs;
  gpointer user_data;
  GSource *source;           /* waits for data, or continues */
  GCancellable *cancellable; /* nullable */
  guint8 *buffer;            /* of a stream that can't be polled; NULL until it is read */
  gboolean in_read;          /* asynchronous, of a stream that can't be polled */
  gboolean reading;          /* inside read_some() */
  gboolean paused;           /* until it is started again */
  gboolean ended;
  gboolean at_end; /* without an error */
  ResilientClose how;
  gboolean closed;
};

static void read_some (ResilientReader *self);

ResilientReader *
resilient_reader_new (GInputStream *stream,
                      int io_priority,
                      ResilientPace *pace,
                      const ResilientReaderFuncs *funcs,
                      gpointer user_data)
{
  ResilientReader *self = g_new0 (ResilientReader, 1);

  self->ref_count = 1;
  self->stream = g_object_ref (stream);
  self->io_priority = io_priority;
  self->pace = pace != NULL ? resilient_pace_ref (pace) : NULL;
  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}

static void
reader_unref (ResilientReader *self)
{
  if (--self->ref_count > 0)
    return;
  g_object_unref (self->stream);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  g_clear_object (&self->cancellable);
  g_free (self->buffer);
  g_free (self);
}

static void
clear_source (ResilientReader *self)
{
  if (self->source == NULL)
    return;
  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

static void
end (ResilientReader *self, const GError *error)
{
  self->ended = TRUE;
  self->at_end = error == NULL;
  clear_source (self);
  self->funcs->end (self, error, self->user_data);
}

static void attach (ResilientReader *self, GSource *source, GSourceFunc func);

static gboolean
continue_cb (gpointer data)
{
  ResilientReader *self = data;

  if (g_source_get_priority (self->source) == self->io_priority
      && resilient_pace_is_overdue (self->pace))
    {
      attach (self, g_idle_source_new (), continue_cb);
      return G_SOURCE_REMOVE;
    }
  clear_source (self);
  read_some (self);
  return G_SOURCE_REMOVE;
}

static gboolean
readable_cb (GObject *stream, gpointer data)
{
  return continue_cb (data);
}

static void
attach (ResilientReader *self, GSource *source, GSourceFunc func)
{
  clear_source (self);
  self->source = source;
  g_source_set_priority (source, resilient_pace_get_priority (self->pace, self->io_priority));
  g_source_set_callback (source, func, self, NULL);
  g_source_set_static_name (source, "[resilient-client] response body");
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* Some streams of libsoup return −1 without saying why. */
static void
end_with (ResilientReader *self, const GError *error)
{
  g_autoptr (GError) unknown = NULL;

  if (error == NULL)
    unknown = g_error_new_literal (G_IO_ERROR,
                                   G_IO_ERROR_CONNECTION_CLOSED,
                                   _ ("The connection was lost while the response was read"));
  end (self, error != NULL ? error : unknown);
}

/* TRUE to read on. */
static gboolean
hand_over (ResilientReader *self, const guint8 *buffer, gsize length)
{
  self->paused = !self->funcs->data (self, buffer, length, self->user_data);
  return !self->paused && !self->closed;
}

static void
read_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  ResilientReader *self = data;
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (object), result, &error);

  self->in_read = FALSE;
  if (self->closed)
    {
      resilient_reader_close (self, self->how);
      reader_unref (self);
      return;
    }
  if (n < 0)
    end_with (self, error);
  else if (n == 0)
    end (self, NULL);
  else if (hand_over (self, self->buffer, (gsize) n))
    read_some (self);
  reader_unref (self);
}

static void
read_pollable (ResilientReader *self)
{
  GPollableInputStream *stream = G_POLLABLE_INPUT_STREAM (self->stream);
  /* Not on the heap: most responses are short, and are read once. */
  guint8 buffer[BUFFER_SIZE];
  gsize total = 0;
  guint n_reads = 0;

  while (!self->closed)
    {
      g_autoptr (GError) error = NULL;
      gssize n =
        g_pollable_input_stream_read_nonblocking (stream, buffer, BUFFER_SIZE, NULL, &error);

      if (n > 0)
        {
          total += (gsize) n;
          if (!hand_over (self, buffer, (gsize) n))
            return;
          if (total < DISPATCH_SIZE && ++n_reads < DISPATCH_READS)
            continue;
          /* not by the stream's own source: on HTTP/2 that never fires for what was received
           * already */
          attach (self, g_idle_source_new (), continue_cb);
          return;
        }
      if (n == 0)
        {
          end (self, NULL);
          return;
        }
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          end_with (self, error);
          return;
        }
      attach (
        self, g_pollable_input_stream_create_source (stream, NULL), G_SOURCE_FUNC (readable_cb));
      return;
    }
}

static void
read_some (ResilientReader *self)
{
  if (self->closed || self->ended || self->in_read || self->reading || self->paused)
    return;

  self->ref_count++;
  if (G_IS_POLLABLE_INPUT_STREAM (self->stream)
      && g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (self->stream)))
    {
      self->reading = TRUE;
      read_pollable (self);
      self->reading = FALSE;
      reader_unref (self);
      return;
    }
  self->in_read = TRUE;
  if (self->buffer == NULL)
    {
      self->buffer = g_malloc (BUFFER_SIZE);
      self->cancellable = g_cancellable_new ();
    }
  g_input_stream_read_async (
    self->stream, self->buffer, BUFFER_SIZE, self->io_priority, self->cancellable, read_cb, self);
}

void
resilient_reader_start (ResilientReader *self)
{
  self->paused = FALSE;
  read_some (self);
}

void
resilient_reader_poll (ResilientReader *self)
{
  read_some (self);
}

static void
closed_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  ResilientReader *self = data;
  const ResilientReaderFuncs *funcs = self->funcs;
  gpointer user_data = self->user_data;

  g_input_stream_close_finish (G_INPUT_STREAM (object), result, NULL);
  reader_unref (self);
  funcs->closed (user_data);
}

/* Not synchronously unless all is done: libsoup would finish the request first, and block in
 * writing it. Nor asynchronously, on HTTP/1, before that: libsoup 3.2 then waits on a structure
 * that it takes for another. With a cancellable that is cancelled it neither writes nor waits. */
void
resilient_reader_close (ResilientReader *self, ResilientClose how)
{
  self->closed = TRUE;
  self->how = how;
  clear_source (self);
  if (self->in_read)
    {
      g_cancellable_cancel (self->cancellable);
      return; /* read_cb() goes on: a stream has one operation at a time */
    }
  if (how == RESILIENT_CLOSE_NOW)
    {
      const ResilientReaderFuncs *funcs = self->funcs;
      gpointer user_data = self->user_data;

      g_input_stream_close (self->stream, NULL, NULL);
      reader_unref (self);
      funcs->closed (user_data);
      return;
    }
  if (how == RESILIENT_CLOSE_ABANDON)
    {
      if (self->cancellable == NULL)
        self->cancellable = g_cancellable_new ();
      g_cancellable_cancel (self->cancellable);
    }
  g_input_stream_close_async (self->stream,
                              self->io_priority,
                              how == RESILIENT_CLOSE_ABANDON ? self->cancellable : NULL,
                              closed_cb,
                              self);
}

gboolean
resilient_reader_is_at_end (ResilientReader *self)
{
  return self->at_end;
}
