/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The place of one request on a connection of HTTP/2 that others use as well, and what became of
 * its stream there. It is part of its send, whose context it lives in, and owns references to
 * connection and stream. */

#include "config.h"

#include "resilient-share-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"
#include "resilient-inflate-private.h"

/* How long a connection may be deserted until it is closed: a new request that follows a cancel
 * finds it still open, and its response frees what was stranded. Then how often to look again while
 * others use it. */
#define PATIENCE (G_USEC_PER_SEC / 10)
#define POLL (1 * G_USEC_PER_SEC)
/* What libsoup's errors of HTTP/2 begin with, in any language. */
#define SOUP_HTTP2_ERROR "HTTP/2 Error: "

void
resilient_share_take (ResilientShare *self,
                      ResilientConnections *connections,
                      guint64 id,
                      GSocket *socket,
                      gboolean resend,
                      void (*changed) (gpointer data),
                      gpointer data)
{
  g_assert (self->connections == NULL);
  self->connections = resilient_connections_ref (connections);
  self->id = id;
  self->socket = socket != NULL ? g_object_ref (socket) : NULL;
  resilient_connections_join (connections, id);
  self->input = resilient_connections_get_input (connections, id);
  if (self->input == NULL)
    return;
  self->stream =
    resilient_http2_frames_open (resilient_http2_input_get_frames (self->input), changed, data);
  self->stream->resend = resend;
}

void
resilient_share_clear (ResilientShare *self)
{
  if (self->connections == NULL)
    return;
  if (self->timers != NULL)
    resilient_timer_queue_clear (self->timers, &self->timer);
  else
    resilient_connections_leave (self->connections, self->id);
  g_clear_pointer (&self->timers, resilient_timer_queue_unref);
  if (self->input != NULL)
    resilient_http2_frames_close (resilient_http2_input_get_frames (self->input),
                                  g_steal_pointer (&self->stream));
  g_clear_object (&self->input);
  g_clear_object (&self->socket);
  g_clear_pointer (&self->connections, resilient_connections_unref);
}

static void
stranded_cb (gpointer data)
{
  ResilientShare *self = data;
  guint unsent;

  /* The end is what libsoup is to see. It may still have resets to write, for what it finds in the
   * connection before: one that can't be written leaves the connection in use for good. What a peer
   * has not taken it would wait for, when it says farewell in TLS. */
  if (resilient_connections_is_deserted (self->connections, self->id))
    g_socket_shutdown (
      self->socket, TRUE, !resilient_socket_get_unsent (self->socket, &unsent) || unsent > 0, NULL);
  else
    resilient_timer_queue_set (
      self->timers, &self->timer, resilient_clock_get_boot () + POLL, stranded_cb, self);
}

void
resilient_share_strand (ResilientShare *self, GMainContext *context)
{
  if (self->connections == NULL || self->socket == NULL || self->timers != NULL)
    return;
  resilient_connections_leave (self->connections, self->id);
  self->timers = resilient_timer_queue_get (context);
  resilient_timer_queue_set (
    self->timers, &self->timer, resilient_clock_get_boot () + PATIENCE, stranded_cb, self);
}

void
resilient_share_note_headers (ResilientShare *self, gint64 declared_size)
{
  ResilientHttp2Frames *frames;

  if (self->input == NULL)
    return;
  frames = resilient_http2_input_get_frames (self->input);
  resilient_http2_frames_verify (frames, self->stream);
  if (declared_size >= 0)
    resilient_http2_frames_declare (frames, self->stream, declared_size);
}

void
resilient_share_note_sent (ResilientShare *self, gsize size)
{
  if (self->input != NULL)
    resilient_http2_frames_note_sent (
      resilient_http2_input_get_frames (self->input), self->stream, size);
}

/* NULL where nothing is known of the stream. */
static ResilientHttp2Frames *
get_frames (ResilientShare *self)
{
  ResilientHttp2Frames *frames;

  if (self->input == NULL)
    return NULL;
  frames = resilient_http2_input_get_frames (self->input);
  return resilient_http2_frames_is_off (frames) ? NULL : frames;
}

gboolean
resilient_share_is_unprocessed (ResilientShare *self)
{
  return get_frames (self) != NULL && self->stream->unprocessed;
}

gboolean
resilient_share_is_deserted (ResilientShare *self)
{
  return get_frames (self) != NULL && resilient_http2_input_is_deserted (self->input)
         && resilient_http2_stream_is_open (self->stream);
}

gboolean
resilient_share_is_lost (ResilientShare *self)
{
  ResilientHttp2Frames *frames = get_frames (self);

  return frames != NULL && resilient_http2_frames_get_error (frames) != NULL;
}

static void
set_broken (GError **error)
{
  g_set_error_literal (
    error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("The server broke the rules of HTTP/2"));
}

gboolean
resilient_share_is_broken (ResilientShare *self, GError **error)
{
  ResilientHttp2Frames *frames = get_frames (self);
  const GError *lost;

  if (frames == NULL)
    return FALSE;
  lost = resilient_http2_frames_get_error (frames);
  if (self->stream->malformed)
    set_broken (error);
  else if (self->stream->too_large)
    resilient_set_headers_too_large (error);
  else if (self->stream->reset)
    g_set_error (error,
                 G_IO_ERROR,
                 G_IO_ERROR_FAILED,
                 /* Translators: the number of an error of HTTP/2. */
                 _ ("The server gave the response up (HTTP/2 error %u)"),
                 self->stream->code);
  else if (lost != NULL && !self->stream->ended)
    g_propagate_error (error, g_error_copy (lost));
  else
    return FALSE;
  return TRUE;
}

/* What libsoup fails a request for is a reset, by one side or the other, or a GOAWAY. */
gboolean
resilient_share_is_rejected (ResilientShare *self, const GError *reported, GError **error)
{
  ResilientHttp2Frames *frames = get_frames (self);

  if (frames == NULL || self->stream->reset || resilient_http2_frames_is_going_away (frames)
      || !g_error_matches (reported, G_IO_ERROR, G_IO_ERROR_FAILED)
      || !g_str_has_prefix (reported->message, SOUP_HTTP2_ERROR))
    return FALSE;
  set_broken (error);
  return TRUE;
}
