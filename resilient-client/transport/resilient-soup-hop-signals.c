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

typedef enum
{
  SIGNAL_NETWORK_EVENT,
  SIGNAL_REQUEST_CERTIFICATE,
  SIGNAL_STARTING,
  SIGNAL_WROTE_BODY_DATA,
  SIGNAL_WROTE_BODY,
  SIGNAL_GOT_INFORMATIONAL,
  SIGNAL_GOT_HEADERS,
  SIGNAL_RESTARTED,
  SIGNAL_FINISHED,
  N_SIGNALS
} MessageSignal;

static guint signal_ids[N_SIGNALS];

static void
connect_signal (ResilientSoupHop *self, MessageSignal which)
{
  g_signal_connect_closure_by_id (self->message, signal_ids[which], 0, self->closure, FALSE);
}

static void
network_event (ResilientSoupHop *self, GSocketClientEvent event, GIOStream *stream)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    connect_signal (self, SIGNAL_REQUEST_CERTIFICATE);
  else if (event == G_SOCKET_CLIENT_COMPLETE && stream != NULL)
    resilient_connections_add (
      self->connections, soup_message_get_connection_id (self->message), stream);
}

/* Just before the first byte of a request, on each send of the message. A cache emits it too,
 * without any connection. */
static void
starting (ResilientSoupHop *self)
{
  SoupMessage *message = self->message;
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
got_informational (ResilientSoupHop *self)
{
  self->got_informational = TRUE;
  if (self->expecting && soup_message_get_status (self->message) == SOUP_STATUS_CONTINUE)
    {
      self->expecting = FALSE;
      resilient_soup_hop_begin_body (self);
    }
  emit (self, RESILIENT_HOP_INFORMATIONAL);
}

void
resilient_soup_hop_got_headers (ResilientSoupHop *self)
{
  if (self->got_headers)
    return;
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
void
resilient_soup_hop_refuse (ResilientSoupHop *self, GError *error)
{
  if (self->refusal != NULL)
    {
      g_error_free (error);
      return;
    }
  self->refusal = error;
  self->refuse_source = resilient_soup_hop_attach_idle (self, G_PRIORITY_HIGH, refuse_cb);
}

/* Connected before the send call, so it runs before the session's own handler forgets the status.
 */
static void
restarted (ResilientSoupHop *self)
{
  SoupMessage *message = self->message;
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
      resilient_soup_hop_refuse (
        self,
        g_error_new_literal (G_IO_ERROR,
                             G_IO_ERROR_CONNECTION_CLOSED,
                             may_repeat
                               ? _ ("The connection was closed before a reply, and again when the"
                                    " request was sent over a new one")
                               : _ ("The connection was closed before a reply")));
      return;
    }

  /* libsoup would send the message again without its body: at once over the connection that it
   * has, unless that is to be closed. */
  if (!resilient_soup_hop_take_body (self, &error))
    {
      soup_message_headers_replace (
        soup_message_get_response_headers (message), "Connection", "close");
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      resilient_soup_hop_refuse (self, g_steal_pointer (&error));
    }
}

static void
look_up_signals (void)
{
  static const char *const names[N_SIGNALS] = {
    "network-event",     "request-certificate", "starting",  "wrote-body-data", "wrote-body",
    "got-informational", "got-headers",         "restarted", "finished",
  };
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  for (guint i = 0; i < N_SIGNALS; i++)
    signal_ids[i] = g_signal_lookup (names[i], SOUP_TYPE_MESSAGE);
  g_once_init_leave (&done, 1);
}

/* All of them go through one closure: a handler each, connected by name and found again to be
 * disconnected, costs several times as much. */
static void
dispatch (GClosure *closure,
          GValue *result,
          guint n_values,
          const GValue *values,
          gpointer hint,
          gpointer marshal_data)
{
  ResilientSoupHop *self = closure->data;
  guint id = ((GSignalInvocationHint *) hint)->signal_id;
  MessageSignal which = 0;

  if (self == NULL)
    return; /* disconnected */
  while (signal_ids[which] != id)
    which++;
  switch (which)
    {
    case SIGNAL_NETWORK_EVENT:
      network_event (self, g_value_get_enum (&values[1]), g_value_get_object (&values[2]));
      break;
    case SIGNAL_REQUEST_CERTIFICATE:
      self->certificate_asked = TRUE;
      g_value_set_boolean (result, FALSE);
      break;
    case SIGNAL_STARTING:
      starting (self);
      break;
    case SIGNAL_WROTE_BODY_DATA:
      self->sent += g_value_get_uint (&values[1]);
      emit (self, RESILIENT_HOP_WROTE);
      break;
    case SIGNAL_WROTE_BODY:
      emit (self, RESILIENT_HOP_WROTE_ALL);
      break;
    case SIGNAL_GOT_INFORMATIONAL:
      got_informational (self);
      break;
    case SIGNAL_GOT_HEADERS:
      resilient_soup_hop_got_headers (self);
      break;
    case SIGNAL_RESTARTED:
      restarted (self);
      break;
    case SIGNAL_FINISHED:
      resilient_soup_hop_finished (self);
      break;
    case N_SIGNALS:
    default:
      g_assert_not_reached ();
    }
}

/* Before the message is sent, so that these handlers run before the session's own. */
void
resilient_soup_hop_connect (ResilientSoupHop *self)
{
  gboolean tls = g_uri_get_scheme (soup_message_get_uri (self->message))[4] == 's';

  look_up_signals ();
  self->closure = g_closure_ref (g_closure_new_simple (sizeof (GClosure), self));
  g_closure_sink (self->closure);
  g_closure_set_marshal (self->closure, dispatch);

  /* Only what can come, and is not learned otherwise. */
  connect_signal (self, SIGNAL_NETWORK_EVENT);
  connect_signal (self, SIGNAL_STARTING);
  connect_signal (self, SIGNAL_RESTARTED);
  connect_signal (self, SIGNAL_FINISHED);
  /* To a tunnel a proxy may answer, without headers of the origin's. */
  self->quiet = self->brief && !tls;
  if (!self->quiet)
    connect_signal (self, SIGNAL_GOT_HEADERS);
  if (!self->brief)
    connect_signal (self, SIGNAL_WROTE_BODY);
  if (self->body != NULL)
    connect_signal (self, SIGNAL_WROTE_BODY_DATA);
  if (tls || self->body != NULL)
    connect_signal (self, SIGNAL_GOT_INFORMATIONAL);
}

/* The handlers stay, of no use, until the message goes. To invalidate the closure of several
 * handlers of one instance is wrong inside a signal of that instance, where the one that was called
 * is still in the list and is taken for the next one; and libsoup ends a request there when, say, a
 * 401 brings no challenge. */
void
resilient_soup_hop_disconnect (ResilientSoupHop *self)
{
  if (self->closure == NULL)
    return;
  self->closure->data = NULL;
  g_clear_pointer (&self->closure, g_closure_unref);
}
