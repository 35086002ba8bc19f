/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* libsoup 3.2 reads HTTP/2 in one source of the main context: "Soup HTTP/2 read source", over a
 * filter stream of its own, over the stream of TLS. In one dispatch it reads until there is nothing
 * left, which a server that is fast enough, or means ill, puts off for as long as it likes; all
 * other sources stand still meanwhile, and what they should have read piles up in memory.
 *
 * There is no other way to get in between than this one, by which nothing of libsoup's is taken
 * apart: the source is found by its name, right after libsoup has attached it; its callback is
 * called by ours, which is given the filter stream; and the base stream of that, a public field,
 * becomes this stream, provided that it is the stream of TLS that the connection was announced
 * with. */

#include "config.h"

#include "resilient-http2-input-private.h"

#include "resilient-i18n-private.h"

#include <errno.h>
#include <string.h>

#define SOURCE_NAME "Soup HTTP/2 read source"
/* Sources are attached under ascending numbers; others may come in between. */
#define SOURCES_SEARCHED 64
/* What libsoup is given in one dispatch. A reader of a response takes as much in one: nothing piles
 * up. */
#define DISPATCH_WORK (64 * 1024)
#define BUFFER_SIZE (16 * 1024)
/* How often libsoup is kept from the end of a connection until its requests have ended; each needs
 * a turn or two. */
#define MAX_HELD 64

struct _ResilientHttp2Input
{
  GInputStream parent_instance;

  GInputStream *base;
  GSocket *socket;
  gboolean installed;
  ResilientHttp2Frames *frames;
  GByteArray *passed; /* what libsoup may read */
  gsize offset;       /* of what it has read */
  GError *error;      /* after that */
  gboolean at_end;
  gboolean refused; /* the error is ours */
  guint n_held;     /* how often that was kept back */

  /* libsoup's source, in whose dispatch this is read */
  guint marker; /* a source that was attached just before it */
  int io_priority;
  ResilientPace *pace; /* nullable */
  GSourceFunc callback;
  gpointer callback_data;
  gboolean dispatching;
  gboolean dry;       /* nothing more is there in this dispatch */
  gboolean throttled; /* or it has had enough */
  gboolean served;    /* libsoup was given something in this dispatch */
  gboolean unlooked;  /* libsoup has read, and may not have seen what became of it */
  gsize work;
  gboolean deserted;
};

static void pollable_init (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientHttp2Input,
                               resilient_http2_input,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, pollable_init))

/* --- reading ---------------------------------------------------------------------------------- */

static gssize
take (ResilientHttp2Input *self, void *buffer, gsize count)
{
  gsize n = MIN (count, self->passed->len - self->offset);

  memcpy (buffer, self->passed->data + self->offset, n);
  self->offset += n;
  self->unlooked = self->served = TRUE;
  if (self->offset == self->passed->len)
    {
      g_byte_array_set_size (self->passed, 0);
      self->offset = 0;
    }
  return (gssize) n;
}

/* The connection is at its end, by @error or without. */
static void
lose (ResilientHttp2Input *self, const GError *error)
{
  g_autoptr (GError) closed = NULL;

  if (error == NULL)
    {
      self->at_end = TRUE;
      closed = g_error_new_literal (G_IO_ERROR,
                                    G_IO_ERROR_CONNECTION_CLOSED,
                                    _ ("The connection was lost while the response was read"));
    }
  else
    self->error = g_error_copy (error);
  resilient_http2_frames_fail (self->frames, error != NULL ? error : closed);
}

/* One read of the base stream; FALSE when that would wait. */
static gboolean
fill (ResilientHttp2Input *self, gboolean blocking, GCancellable *cancellable)
{
  guint8 buffer[BUFFER_SIZE];
  g_autoptr (GError) error = NULL;
  gssize n =
    g_pollable_stream_read (self->base, buffer, sizeof buffer, blocking, cancellable, &error);

  if (n > 0)
    self->refused =
      !resilient_http2_frames_feed (self->frames, buffer, (gsize) n, self->passed, &self->error);
  else if (n == 0)
    lose (self, NULL);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)
           || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  else
    lose (self, error);
  self->work += resilient_http2_frames_take_work (self->frames);
  return TRUE;
}

static gboolean
would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, g_strerror (EAGAIN));
  return FALSE;
}

static gboolean
is_over (ResilientHttp2Input *self)
{
  return self->error != NULL || self->at_end;
}

/* TRUE when there is something to take before the end, or libsoup has yet to do without.
 *
 * What libsoup has to say to what it reads, such as a reset of a stream whose message it has let go
 * of, it writes from a source, in a turn of its own: it counts its connection as in use until then,
 * and writes nothing once it knows of the end. Then the connection stays in use until its session
 * goes, which complains of it. So the end never comes in the dispatch in which something else did.
 */
static gboolean
hold_end (ResilientHttp2Input *self)
{
  gboolean over;

  if (!self->dispatching)
    return FALSE;
  if (self->served)
    {
      self->throttled = TRUE;
      return TRUE;
    }
  over = resilient_http2_frames_wind_up (self->frames, self->passed);
  if (self->passed->len > 0)
    return TRUE;
  if (over)
    return FALSE;
  self->throttled = self->n_held++ < MAX_HELD;
  return self->throttled;
}

/* TRUE when there is something to take, or the end. */
static gboolean
prepare (ResilientHttp2Input *self, gboolean blocking, GCancellable *cancellable, GError **error)
{
  while (self->passed->len == 0 && !is_over (self))
    {
      if (self->dispatching && self->work >= DISPATCH_WORK)
        self->throttled = TRUE;
      if (self->dispatching && (self->throttled || self->dry))
        return would_block (error);
      if (fill (self, blocking, cancellable))
        continue;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      self->dry = self->dispatching;
      return would_block (error);
    }
  if (self->passed->len > 0 || (hold_end (self) && self->passed->len > 0))
    return TRUE;
  if (self->throttled)
    return would_block (error);
  /* A peer that breaks the rules may not read either: the farewell of TLS, for which libsoup
   * blocks, must not wait for it. */
  if (self->refused)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }
  return TRUE;
}

static gssize
http2_input_read (GInputStream *stream,
                  void *buffer,
                  gsize count,
                  GCancellable *cancellable,
                  GError **error)
{
  ResilientHttp2Input *self = RESILIENT_HTTP2_INPUT (stream);

  return prepare (self, TRUE, cancellable, error) ? take (self, buffer, count) : -1;
}

static gssize
http2_input_read_nonblocking (GPollableInputStream *stream,
                              void *buffer,
                              gsize count,
                              GError **error)
{
  ResilientHttp2Input *self = RESILIENT_HTTP2_INPUT (stream);

  return prepare (self, FALSE, NULL, error) ? take (self, buffer, count) : -1;
}

static gboolean
http2_input_is_readable (GPollableInputStream *stream)
{
  ResilientHttp2Input *self = RESILIENT_HTTP2_INPUT (stream);

  return self->passed->len > 0 || is_over (self)
         || g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (self->base));
}

/* libsoup makes a new source when another thread takes the connection over. */
static GSource *
http2_input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  ResilientHttp2Input *self = RESILIENT_HTTP2_INPUT (stream);
  g_autoptr (GSource) base =
    self->passed->len > 0 || is_over (self)
      ? g_idle_source_new ()
      : g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (self->base), NULL);

  return g_pollable_source_new_full (self, base, cancellable);
}

static void
pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = http2_input_is_readable;
  iface->create_source = http2_input_create_source;
  iface->read_nonblocking = http2_input_read_nonblocking;
}

/* The connection closes what is below itself. */
static gboolean
http2_input_close (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

/* --- getting in between ----------------------------------------------------------------------- */

static void
install (ResilientHttp2Input *self, GObject *stream)
{
  GFilterInputStream *filter =
    G_IS_FILTER_INPUT_STREAM (stream) ? G_FILTER_INPUT_STREAM (stream) : NULL;

  if (filter == NULL || filter->base_stream != self->base
      || g_input_stream_has_pending (G_INPUT_STREAM (filter)))
    {
      g_info ("HTTP/2 is not read as expected: its connections are not watched");
      return;
    }
  filter->base_stream = g_object_ref (G_INPUT_STREAM (self));
  g_object_unref (self->base); /* the filter's reference */
  self->installed = TRUE;
}

/* Nothing was an error for us, and yet nothing more is wanted, as it is after a GOAWAY when all
 * responses are there. */
static void
note_desertion (ResilientHttp2Input *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->installed || is_over (self) || !resilient_http2_frames_is_awaited (self->frames))
    return;
  g_debug ("HTTP/2: libsoup stopped reading");
  self->deserted = TRUE;
  error = g_error_new_literal (
    G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("The server broke the rules of HTTP/2"));
  resilient_http2_frames_fail (self->frames, error);
}

static gboolean
read_ready_cb (GObject *stream, gpointer data)
{
  ResilientHttp2Input *self = g_object_ref (data);
  GPollableSourceFunc callback = (GPollableSourceFunc) (gpointer) self->callback;
  GSource *source = g_main_current_source ();
  gboolean again;

  if (resilient_pace_hold (self->pace, source, self->io_priority))
    {
      g_object_unref (self);
      return G_SOURCE_CONTINUE;
    }
  if (!self->installed)
    install (self, stream);
  if (g_source_get_ready_time (source) >= 0)
    g_source_set_ready_time (source, -1);
  self->dispatching = TRUE;
  self->dry = self->throttled = self->served = FALSE;
  self->work = 0;
  /* In there it may part with the connection, and with this source and its data. */
  again = callback (stream, self->callback_data) && !g_source_is_destroyed (source);
  /* What it read may have been the end, of the connection or of a stream in which nghttp2 found a
   * fault and which it resets with the next write. Libsoup finds out when it looks again: by itself
   * only when something comes, and at its requests only when it has read something. */
  if (again && self->installed && self->dry && self->unlooked && !self->throttled)
    {
      if (!is_over (self))
        resilient_http2_frames_add_unknown (self->frames, self->passed);
      again = callback (stream, self->callback_data) && !g_source_is_destroyed (source);
      self->unlooked = FALSE;
    }
  self->dispatching = FALSE;
  if (again && self->throttled)
    g_source_set_ready_time (source, 0);
  /* what it writes has its turn before the end, whatever the app's priority is */
  if (again && is_over (self))
    g_source_set_priority (source, MAX (self->io_priority, G_PRIORITY_DEFAULT));
  if (!again)
    note_desertion (self);
  g_object_unref (self);
  return again;
}

static gboolean
is_read_source (GSource *source)
{
  GSourceFunc callback;
  gpointer data;

  if (source == NULL || g_strcmp0 (g_source_get_name (source), SOURCE_NAME) != 0
      || source->callback_funcs == NULL)
    return FALSE;
  source->callback_funcs->get (source->callback_data, source, &callback, &data);
  return callback != G_SOURCE_FUNC (read_ready_cb);
}

/* Before anything of the usual priority: libsoup has not read yet. */
static gboolean
find_source_cb (gpointer data)
{
  ResilientHttp2Input *self = data;
  GMainContext *context = g_source_get_context (g_main_current_source ());
  GSource *source = NULL;

  for (guint i = 1; i <= SOURCES_SEARCHED && !is_read_source (source); i++)
    source = g_main_context_find_source_by_id (context, self->marker + i);
  if (!is_read_source (source))
    {
      g_info ("HTTP/2 is not read as expected: its connections are not watched");
      return G_SOURCE_REMOVE;
    }
  source->callback_funcs->get (
    source->callback_data, source, &self->callback, &self->callback_data);
  /* libsoup's own is higher than that of what takes bodies from it, which would never have a
   * turn */
  g_source_set_priority (source, self->io_priority);
  g_source_set_callback (
    source, G_SOURCE_FUNC (read_ready_cb), g_object_ref (self), g_object_unref);
  return G_SOURCE_REMOVE;
}

/* --- functions -------------------------------------------------------------------------------- */

static void
resilient_http2_input_finalize (GObject *object)
{
  ResilientHttp2Input *self = RESILIENT_HTTP2_INPUT (object);

  g_object_unref (self->base);
  g_object_unref (self->socket);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  resilient_http2_frames_free (self->frames);
  g_byte_array_unref (self->passed);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (resilient_http2_input_parent_class)->finalize (object);
}

static void
resilient_http2_input_class_init (ResilientHttp2InputClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = resilient_http2_input_finalize;
  stream_class->read_fn = http2_input_read;
  stream_class->close_fn = http2_input_close;
}

static void
resilient_http2_input_init (ResilientHttp2Input *self)
{
  self->frames = resilient_http2_frames_new ();
  self->passed = g_byte_array_new ();
}

ResilientHttp2Input *
resilient_http2_input_new (GIOStream *stream, GSocket *socket, int io_priority, ResilientPace *pace)
{
  ResilientHttp2Input *self = g_object_new (RESILIENT_TYPE_HTTP2_INPUT, NULL);
  g_autoptr (GSource) marker = g_idle_source_new ();

  self->base = g_object_ref (g_io_stream_get_input_stream (stream));
  self->socket = g_object_ref (socket);
  self->io_priority = io_priority;
  self->pace = pace != NULL ? resilient_pace_ref (pace) : NULL;
  g_source_set_priority (marker, G_PRIORITY_HIGH);
  g_source_set_callback (marker, find_source_cb, g_object_ref (self), g_object_unref);
  g_source_set_static_name (marker, "[resilient-client] HTTP/2 connection");
  self->marker = g_source_attach (marker, g_main_context_get_thread_default ());
  return self;
}

ResilientHttp2Frames *
resilient_http2_input_get_frames (ResilientHttp2Input *self)
{
  return self->frames;
}

gboolean
resilient_http2_input_is_deserted (ResilientHttp2Input *self)
{
  return self->deserted;
}
