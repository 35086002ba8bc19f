/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-hop-parts-private.h"

#include "resilient-i18n-private.h"

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

static gboolean
request_certificate_cb (SoupMessage *message, GTlsClientConnection *tls, gpointer data)
{
  ResilientSoupHop *self = data;

  self->certificate_asked = TRUE;
  return FALSE;
}

/* Just before the first byte of a request, on each send of the message. A cache emits it too,
 * without any connection. */
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
  resilient_share_clear (&self->share);
  if (soup_message_get_http_version (message) == SOUP_HTTP_2_0 && !self->detached)
    resilient_share_take (&self->share, self->connections, id, self->socket);
  self->on_wire = TRUE;
  self->sent = 0;
  self->resends += self->resending;
  self->resending = FALSE;

  /* Only here the protocol is known: on HTTP/2 flow control does what the expectation is for. */
  self->expecting = self->expect && soup_message_get_http_version (message) != SOUP_HTTP_2_0;
  soup_message_headers_set_expectations (soup_message_get_request_headers (message),
                                         self->expecting ? SOUP_EXPECTATION_CONTINUE : 0);
  if (!self->expecting)
    resilient_soup_hop_begin_body (self);
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
      resilient_soup_hop_begin_body (self);
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

/* Cancelling inside "restarted" is a critical of libsoup, so it is done before anything else of the
 * next turn. Until then a new connection is being made, over which nothing has been sent. */
static void
refuse (ResilientSoupHop *self, GError *error)
{
  if (self->refusal != NULL)
    {
      g_error_free (error);
      return;
    }
  self->refusal = error;
  self->refuse_source = resilient_soup_hop_attach_idle (self, G_PRIORITY_HIGH, refuse_cb);
}

/* Connected before the send call, so it runs before the session's own handler forgets the status. */
static void
restarted_cb (SoupMessage *message, gpointer data)
{
  ResilientSoupHop *self = data;
  guint status_code = soup_message_get_status (message);
  gboolean asked_for = status_code == SOUP_STATUS_UNAUTHORIZED
                       || status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
                       || status_code == SOUP_STATUS_MISDIRECTED_REQUEST;
  gboolean may_repeat =
    self->may_repeat && (self->body == NULL || !resilient_body_is_spent (self->body));
  g_autoptr (GError) error = NULL;

  self->got_headers = FALSE;
  self->got_informational = FALSE;
  resilient_share_clear (&self->share);
  if (!asked_for)
    {
      /* The connection was lost, or the stream refused. A new connection can't be stale, and gives
       * the refusal below the time to come before the send. */
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      self->resending = TRUE;
    }
  if (self->detached)
    return;
  if (!asked_for && (!may_repeat || self->resends > 0))
    {
      refuse (self, g_error_new_literal (
                      G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                      may_repeat ? _("The connection was closed before a reply, and again when the"
                                      " request was sent over a new one")
                                 : _("The connection was closed before a reply")));
      return;
    }

  /* libsoup would send the message again without its body */
  if (!resilient_soup_hop_take_body (self, &error))
    refuse (self, g_steal_pointer (&error));
}

/* Before the message is sent, so that these handlers run before the session's own. */
void
resilient_soup_hop_connect (ResilientSoupHop *self)
{
  gboolean tls = g_str_equal (g_uri_get_scheme (soup_message_get_uri (self->message)), "https");

  /* Only what can come, and is not learned otherwise: each costs as much as a system call. */
  g_signal_connect (self->message, "network-event", G_CALLBACK (network_event_cb), self);
  if (tls)
    g_signal_connect (self->message, "request-certificate", G_CALLBACK (request_certificate_cb), self);
  g_signal_connect (self->message, "starting", G_CALLBACK (starting_cb), self);
  if (self->body != NULL)
    g_signal_connect (self->message, "wrote-body-data", G_CALLBACK (wrote_body_data_cb), self);
  g_signal_connect (self->message, "wrote-body", G_CALLBACK (wrote_body_cb), self);
  if (tls || self->body != NULL)
    g_signal_connect (self->message, "got-informational", G_CALLBACK (got_informational_cb), self);
  g_signal_connect (self->message, "got-headers", G_CALLBACK (got_headers_cb), self);
  g_signal_connect (self->message, "restarted", G_CALLBACK (restarted_cb), self);
}
