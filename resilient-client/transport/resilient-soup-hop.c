/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-hop-private.h"

#include "resilient-i18n-private.h"

/* References: one of the owner, until released() has run. Libsoup ends a message in two ways that come in any order: its
 * send call returns, and the message is "finished", which for an answered one takes the closing of its stream. */
struct _ResilientSoupHop
{
  SoupSession *session;
  SoupMessage *message;
  ResilientBody *body;
  ResilientConnections *connections;
  const ResilientSoupHopFuncs *funcs;
  gpointer data;
  GMainContext *context;
  GCancellable *cancellable; /* of this hop alone: a preconnect or another request must not share it */
  GSocket *socket;
  GSource *refuse_source;  /* a resend is being refused */
  GSource *release_source;
  GError *refusal;

  gboolean may_repeat;
  gboolean expect;
  gboolean expecting;
  gboolean detached;
  gboolean returned; /* the send call */
  gboolean finished; /* the message */
  gboolean streaming; /* a stream was given away and is open */
  gboolean on_wire;
  gboolean reused;
  gboolean from_cache;
  gboolean holds_body; /* applied, not begun */
  gboolean got_informational;
  gboolean got_headers;
  guint resends;
  gboolean resending; /* the next start is a resend */
  guint64 sent;
};

static gboolean
take_body (ResilientSoupHop *self, GError **error)
{
  if (self->body == NULL)
    return TRUE;
  if (self->holds_body)
    resilient_body_release (self->body);
  self->holds_body = resilient_body_apply (self->body, self->message, error);
  return self->holds_body;
}

static void
begin_body (ResilientSoupHop *self)
{
  if (self->holds_body)
    resilient_body_begin (self->body);
  self->holds_body = FALSE;
}

/* Another send may take a one-shot stream from now on. */
static void
give_body_back (ResilientSoupHop *self)
{
  if (self->holds_body)
    resilient_body_release (self->body);
  self->holds_body = FALSE;
}

static void
hop_free (ResilientSoupHop *self)
{
  give_body_back (self);
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
  g_signal_handlers_disconnect_by_data (self->message, self);
  if (self->refuse_source != NULL)
    g_source_destroy (self->refuse_source);
  g_clear_pointer (&self->refuse_source, g_source_unref);
  give_body_back (self);
  self->funcs->released (self, self->data);
  hop_free (self);
  return G_SOURCE_REMOVE;
}

static GSource *
attach_idle (ResilientSoupHop *self, int priority, GSourceFunc func)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, self, NULL);
  g_source_set_static_name (source, "[resilient-client] message");
  g_source_attach (source, self->context);
  return source;
}

/* Never directly: this is reached from inside libsoup's signals, and what it ends may start anything. */
static void
maybe_release (ResilientSoupHop *self)
{
  if (!self->returned || !self->finished || self->streaming || self->release_source != NULL)
    return;
  self->release_source = attach_idle (self, G_PRIORITY_DEFAULT, released_cb);
}

static void
emit (ResilientSoupHop *self, ResilientHopEvent event)
{
  if (!self->detached)
    self->funcs->event (self, event, self->data);
}

static void
network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *stream, gpointer data)
{
  ResilientSoupHop *self = data;

  if (event == G_SOCKET_CLIENT_COMPLETE && stream != NULL)
    resilient_connections_add (self->connections, soup_message_get_connection_id (message), stream);
}

/* Just before the first byte of a request, on each send of the message. A cache emits it too, without any connection. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;
  guint64 id = soup_message_get_connection_id (message);

  if (id == 0)
    {
      self->from_cache = TRUE;
      return;
    }
  self->from_cache = FALSE;
  g_clear_object (&self->socket);
  self->socket = resilient_connections_use (self->connections, id, &self->reused);
  self->on_wire = TRUE;
  self->sent = 0;
  self->resends += self->resending;
  self->resending = FALSE;

  /* Only here the protocol is known: on HTTP/2 flow control does what the expectation is for. */
  self->expecting = self->expect && soup_message_get_http_version (message) != SOUP_HTTP_2_0;
  soup_message_headers_set_expectations (soup_message_get_request_headers (message),
                                         self->expecting ? SOUP_EXPECTATION_CONTINUE : 0);
  if (!self->expecting)
    begin_body (self);
  emit (self, RESILIENT_HOP_STARTED);
}

static void
wrote_body_data_cb (SoupMessage *message, guint length, gpointer data)
{
  ResilientSoupHop *self = data;

  self->sent += length;
  emit (self, RESILIENT_HOP_WROTE);
}

static void
wrote_body_cb (SoupMessage *message, gpointer data)
{
  emit (data, RESILIENT_HOP_WROTE_ALL);
}

static void
got_informational_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;

  self->got_informational = TRUE;
  if (self->expecting && soup_message_get_status (message) == SOUP_STATUS_CONTINUE)
    {
      self->expecting = FALSE;
      begin_body (self);
    }
  emit (self, RESILIENT_HOP_INFORMATIONAL);
}

static void
got_headers_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;

  self->got_headers = TRUE;
  emit (self, RESILIENT_HOP_HEADERS);
}

static gboolean
refuse_cb (gpointer data)
{
  ResilientSoupHop *self = data;

  g_clear_pointer (&self->refuse_source, g_source_unref);
  if (!self->detached)
    self->funcs->refused (self, self->refusal, self->data);
  return G_SOURCE_REMOVE;
}

/* Cancelling inside "restarted" is a critical of libsoup, so it is done before anything else of the next turn. Until then
 * a new connection is being made, over which nothing has been sent. */
static void
refuse (ResilientSoupHop *self, GError *error)
{
  if (self->refusal != NULL)
    {
      g_error_free (error);
      return;
    }
  self->refusal = error;
  self->refuse_source = attach_idle (self, G_PRIORITY_HIGH, refuse_cb);
}

/* Connected before the send call, and so run before the session's own handler forgets the status. */
static void
restarted_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;
  guint status_code = soup_message_get_status (message);
  gboolean asked_for = status_code == SOUP_STATUS_UNAUTHORIZED
                       || status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
                       || status_code == SOUP_STATUS_MISDIRECTED_REQUEST;
  gboolean may_repeat = self->may_repeat && (self->body == NULL || !resilient_body_is_spent (self->body));
  g_autoptr (GError) error = NULL;

  self->got_headers = FALSE;
  self->got_informational = FALSE;
  if (!asked_for)
    {
      /* The connection was lost, or the stream refused. A new connection can't be stale, and gives the refusal below the
       * time to come before the send. */
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      self->resending = TRUE;
    }
  if (self->detached)
    return;
  if (!asked_for && (!may_repeat || self->resends > 0))
    {
      refuse (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                                         may_repeat ? _("The connection was closed before a reply, and again when the"
                                                        " request was sent over a new one")
                                                    : _("The connection was closed before a reply")));
      return;
    }

  /* libsoup would send the message again without its body */
  if (!take_body (self, &error))
    refuse (self, g_steal_pointer (&error));
}

static void
finished_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;

  self->finished = TRUE;
  maybe_release (self);
}

static void
discarded_cb (GObject *stream, GAsyncResult *result, gpointer data)
{
  g_input_stream_close_finish (G_INPUT_STREAM (stream), result, NULL);
  resilient_soup_hop_stream_closed (data);
}

static void
sent_cb (GObject *session, GAsyncResult *result, gpointer data)
{
  ResilientSoupHop *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (session), result, &error);

  self->returned = TRUE;
  self->streaming = stream != NULL;
  if (!self->detached)
    self->funcs->answered (self, stream, error, self->data); /* the hop outlives a detach: only a source frees it */
  else if (stream != NULL)
    g_input_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, discarded_cb, self);
  maybe_release (self);
}

ResilientSoupHop *
resilient_soup_hop_send (const ResilientSoupHopParams *params, const ResilientSoupHopFuncs *funcs, gpointer data,
                         GError **error)
{
  ResilientSoupHop *self;

  self = g_new0 (ResilientSoupHop, 1);
  self->session = g_object_ref (params->session);
  self->message = g_object_ref (params->message);
  self->body = params->body != NULL ? resilient_body_ref (params->body) : NULL;
  self->connections = resilient_connections_ref (params->connections);
  self->may_repeat = params->may_repeat;
  self->expect = params->expect;
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  if (!take_body (self, error))
    {
      hop_free (self);
      return NULL;
    }

  g_signal_connect (self->message, "network-event", G_CALLBACK (network_event_cb), self);
  g_signal_connect (self->message, "starting", G_CALLBACK (starting_cb), self);
  if (self->body != NULL)
    g_signal_connect (self->message, "wrote-body-data", G_CALLBACK (wrote_body_data_cb), self);
  g_signal_connect (self->message, "wrote-body", G_CALLBACK (wrote_body_cb), self);
  g_signal_connect (self->message, "got-informational", G_CALLBACK (got_informational_cb), self);
  g_signal_connect (self->message, "got-headers", G_CALLBACK (got_headers_cb), self);
  g_signal_connect (self->message, "restarted", G_CALLBACK (restarted_cb), self);
  g_signal_connect (self->message, "finished", G_CALLBACK (finished_cb), self);
  soup_session_send_async (self->session, self->message, G_PRIORITY_DEFAULT, self->cancellable, sent_cb, self);
  return self;
}

void
resilient_soup_hop_detach (ResilientSoupHop *self)
{
  if (self->detached)
    return;
  self->detached = TRUE;
  /* Where the message waits for a connection, cancelling has no effect by itself: it would even be sent later, on a shared
   * HTTP/2 connection, behind the back of a retry. One that needs a connection of its own makes it and fails at once. */
  if (!self->on_wire)
    soup_message_add_flags (self->message, SOUP_MESSAGE_NEW_CONNECTION);
  give_body_back (self);
  if (!self->returned)
    g_cancellable_cancel (self->cancellable);
}

void
resilient_soup_hop_stream_closed (ResilientSoupHop *self)
{
  self->streaming = FALSE;
  /* The callback of the close is no signal of libsoup's: the usual end needs no turn more. */
  if (self->returned && self->finished && self->release_source == NULL)
    released_cb (self);
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

guint
resilient_soup_hop_get_resends (ResilientSoupHop *self)
{
  return self->resends;
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
