/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-hop-parts-private.h"

/* After an early answer it does not matter any more. */
static void
body_failed_cb (const GError *error, gpointer data)
{
  ResilientSoupHop *self = data;

  if (self->detached || self->returned || self->got_headers || self->refusal != NULL)
    return;
  self->body_failed = TRUE;
  resilient_soup_hop_refuse (self, g_error_copy (error));
}

/* What was given to the message before may still be read. */
static void
part_with_body_stream (ResilientSoupHop *self)
{
  if (self->body_stream != NULL)
    resilient_body_stream_set_failed (self->body_stream, NULL, NULL);
  g_clear_object (&self->body_stream);
}

gboolean
resilient_soup_hop_take_body (ResilientSoupHop *self, GError **error)
{
  if (self->body == NULL)
    return TRUE;
  if (self->holds_body)
    resilient_body_release (self->body);
  part_with_body_stream (self);
  self->holds_body = resilient_body_apply (self->body, self->message, &self->body_stream, error);
  if (self->body_stream != NULL)
    resilient_body_stream_set_failed (self->body_stream, body_failed_cb, self);
  return self->holds_body;
}

void
resilient_soup_hop_begin_body (ResilientSoupHop *self)
{
  if (self->holds_body)
    resilient_body_begin (self->body);
  self->holds_body = FALSE;
}

/* Another send may take a one-shot stream from now on. */
void
resilient_soup_hop_give_body_back (ResilientSoupHop *self)
{
  if (self->holds_body)
    resilient_body_release (self->body);
  self->holds_body = FALSE;
}

static void
hop_free (ResilientSoupHop *self)
{
  resilient_share_clear (&self->share);
  resilient_soup_hop_give_body_back (self);
  part_with_body_stream (self);
  g_clear_error (&self->refusal);
  g_clear_object (&self->socket);
  g_clear_pointer (&self->body, resilient_body_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->message);
  g_object_unref (self->session);
  resilient_connections_unref (self->connections);
  g_main_context_unref (self->context);
  g_free (self);
}

static gboolean
released_cb (gpointer data)
{
  ResilientSoupHop *self = data;

  g_clear_pointer (&self->release_source, g_source_unref);
  resilient_soup_hop_disconnect (self);
  if (self->refuse_source != NULL)
    g_source_destroy (self->refuse_source);
  g_clear_pointer (&self->refuse_source, g_source_unref);
  resilient_soup_hop_give_body_back (self);
  self->funcs->released (self, self->data);
  hop_free (self);
  return G_SOURCE_REMOVE;
}

GSource *
resilient_soup_hop_attach_idle (ResilientSoupHop *self, int priority, GSourceFunc func)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, self, NULL);
  g_source_set_static_name (source, "[resilient-client] message");
  g_source_attach (source, self->context);
  return source;
}

static gboolean
is_over (ResilientSoupHop *self)
{
  return self->returned && self->finished && !self->streaming && !self->answering
         && self->release_source == NULL;
}

/* Never directly from inside libsoup's signals: what it ends may start anything. */
static void
release_later (ResilientSoupHop *self)
{
  if (is_over (self))
    self->release_source = resilient_soup_hop_attach_idle (self, G_PRIORITY_DEFAULT, released_cb);
}

/* From the callback of an operation. After a whole response the connection is back with libsoup
 * already; else libsoup may still have to part with it when we return. */
static void
release (ResilientSoupHop *self)
{
  if (self->whole && is_over (self))
    released_cb (self);
  else
    release_later (self);
}

void
resilient_soup_hop_finished (ResilientSoupHop *self)
{
  self->finished = TRUE;
  release_later (self);
}

static void
discarded_cb (GObject *stream, GAsyncResult *result, gpointer data)
{
  g_input_stream_close_finish (G_INPUT_STREAM (stream), result, NULL);
  resilient_soup_hop_stream_closed (data, FALSE);
}

static void
sent_cb (GObject *session, GAsyncResult *result, gpointer data)
{
  ResilientSoupHop *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
    soup_session_send_finish (SOUP_SESSION (session), result, &error);

  self->returned = TRUE;
  self->streaming = stream != NULL;
  if (self->detached)
    resilient_share_clear (&self->share);
  if (!self->detached)
    {
      if (self->quiet && stream != NULL)
        resilient_soup_hop_got_headers (self);
      /* The answer may be read, and the stream closed, before this returns. */
      self->answering = TRUE;
      if (self->body_failed && stream == NULL)
        self->funcs->refused (self, self->refusal, self->data);
      else
        self->funcs->answered (self, stream, error, self->data);
      self->answering = FALSE;
    }
  else if (stream != NULL)
    /* cancelled already: HTTP/1 then closes at once, see resilient_reader_close() */
    g_input_stream_close_async (
      stream,
      G_PRIORITY_DEFAULT,
      soup_message_get_http_version (self->message) != SOUP_HTTP_2_0 ? self->cancellable : NULL,
      discarded_cb,
      self);
  release (self);
}

ResilientSoupHop *
resilient_soup_hop_send (const ResilientSoupHopParams *params,
                         const ResilientSoupHopFuncs *funcs,
                         gpointer data,
                         GError **error)
{
  ResilientSoupHop *self;

  self = g_new0 (ResilientSoupHop, 1);
  self->session = g_object_ref (params->session);
  self->message = g_object_ref (params->message);
  self->body = params->body != NULL ? resilient_body_ref (params->body) : NULL;
  self->connections = resilient_connections_ref (params->connections);
  self->brief = params->brief;
  self->may_repeat = params->may_repeat;
  self->expect = params->expect;
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  if (!resilient_soup_hop_take_body (self, error))
    {
      hop_free (self);
      return NULL;
    }

  resilient_soup_hop_connect (self);
  resilient_connections_mark (self->message);
  soup_session_send_async (
    self->session, self->message, G_PRIORITY_DEFAULT, self->cancellable, sent_cb, self);
  return self;
}

void
resilient_soup_hop_hang_up (ResilientSoupHop *self)
{
  guint unsent;

  if (self->socket == NULL || !self->on_wire || (self->returned && !self->streaming)
      || soup_message_get_http_version (self->message) == SOUP_HTTP_2_0
      || g_strcmp0 (g_uri_get_scheme (soup_message_get_uri (self->message)), "https") != 0)
    return;
  /* what has room in the kernel does not block */
  if (!resilient_socket_get_unsent (self->socket, &unsent) || unsent > 0)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
}

void
resilient_soup_hop_detach (ResilientSoupHop *self)
{
  if (self->detached)
    return;
  self->detached = TRUE;
  /* Where the message waits for a connection, cancelling has no effect by itself: it would even be
   * sent later, on a shared HTTP/2 connection, behind the back of a retry. One that needs a
   * connection of its own makes it and fails at once. */
  if (!self->on_wire)
    soup_message_add_flags (self->message, SOUP_MESSAGE_NEW_CONNECTION);
  resilient_soup_hop_give_body_back (self);
  if (!self->returned)
    {
      resilient_share_strand (&self->share, self->context);
      g_cancellable_cancel (self->cancellable);
    }
}

void
resilient_soup_hop_stream_closed (ResilientSoupHop *self, gboolean whole)
{
  self->streaming = FALSE;
  self->whole = whole;
  release (self);
}

SoupMessage *
resilient_soup_hop_get_message (ResilientSoupHop *self)
{
  return self->message;
}

GSocket *
resilient_soup_hop_get_socket (ResilientSoupHop *self)
{
  return self->socket;
}

gboolean
resilient_soup_hop_is_on_wire (ResilientSoupHop *self)
{
  return self->on_wire;
}

gboolean
resilient_soup_hop_is_reused (ResilientSoupHop *self)
{
  return self->reused;
}

gboolean
resilient_soup_hop_may_lack_certificate (ResilientSoupHop *self)
{
  /* with an interaction of the app's own it is not we who would be asked */
  return self->certificate_asked || soup_session_get_tls_interaction (self->session) != NULL;
}

gboolean
resilient_soup_hop_has_body_failed (ResilientSoupHop *self)
{
  return self->body_failed;
}

guint
resilient_soup_hop_get_resends (ResilientSoupHop *self)
{
  return self->resends;
}

gboolean
resilient_soup_hop_is_brief (ResilientSoupHop *self)
{
  return self->brief;
}

gboolean
resilient_soup_hop_is_expecting (ResilientSoupHop *self)
{
  return self->expecting;
}

gboolean
resilient_soup_hop_is_from_cache (ResilientSoupHop *self)
{
  return self->from_cache;
}

gboolean
resilient_soup_hop_has_headers (ResilientSoupHop *self)
{
  return self->got_headers;
}

gboolean
resilient_soup_hop_has_response (ResilientSoupHop *self)
{
  return self->got_headers || self->got_informational;
}

guint64
resilient_soup_hop_get_sent (ResilientSoupHop *self)
{
  return self->sent;
}
