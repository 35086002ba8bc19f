/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One message from the call that sends it until libsoup has let go of it: first what it says on its
 * way, as signals, then its life. It owns message, body stream and cancellable. In the one context
 * that drives it; a handler of a signal mostly runs inside of libsoup, where nothing may be
 * cancelled or closed. */

#include "config.h"

#include "resilient-soup-send-private.h"

#include <string.h>

#include "resilient-debug-private.h"
#include "resilient-failure-private.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"
#include "resilient-inflate-private.h"
#include "resilient-share-private.h"
#include "resilient-verdict-private.h"

/* References: one of the owner, until released() has run. Libsoup ends a message in two ways that
 * come in any order: its send call returns, and the message is "finished", which for an answered
 * one takes the closing of its stream. */
struct _ResilientSoupSend
{
  SoupSession *session;
  SoupMessage *message;
  ResilientBody *body;
  ResilientBodyStream *body_stream; /* what the message reads it from; nullable */
  ResilientConnections *connections;
  const ResilientSoupSendFuncs *funcs;
  gpointer data;
  GMainContext *context;
  int io_priority;
  ResilientPace *pace;    /* nullable */
  const char *debug_name; /* nullable; borrowed */
  /* of this send alone: a preconnect or another request must not share it */
  GCancellable *cancellable;
  GClosure *closure; /* of all handlers of the message */
  GSocket *socket;
  ResilientTap *tap;        /* of the connection, of HTTP/1; nullable */
  GSocket *dialed;          /* of the newest connection that is made for it; nullable */
  GSocketClientEvent stage; /* how far that is */
  guint n_steps;            /* that were made so far; 0: none, and the two above say nothing */
  GSource *refuse_source;   /* a resend is being refused */
  GSource *intake_source;   /* libsoup reads a body by itself */
  GSource *broken_source;   /* something broke that libsoup may not tell of */
  GSource *release_source;
  GError *refusal;
  guint64 connection_id;
  ResilientEarlyAnswer *early_answer; /* found when the send failed; nullable */
  GUri *sent_to;                      /* as it was last sent; nullable */
  ResilientShare share;               /* of a connection that is not ours alone */

  gboolean shared;
  gboolean brief;
  guint64 max_response_size;
  gboolean may_repeat;
  gboolean expect;
  gboolean expecting;
  gboolean went_on; /* without what it expected */
  gboolean
    calling_out; /* inside what may run a main loop, where it can be neither cancelled nor freed */
  gboolean detached;
  gboolean returned;  /* the send call */
  gboolean finished;  /* the message */
  gboolean forsaken;  /* libsoup will let go of neither */
  gboolean sent_back; /* and yet the send call has returned */
  gboolean freed;     /* but for what it needs */
  gboolean answering; /* inside answered() */
  gboolean whole;     /* the stream was read to its end before it was closed */
  gboolean streaming; /* a stream was given away and is open */
  gboolean on_wire;
  gboolean reused;
  gboolean certificate_asked; /* the server asked for one of ours */
  gboolean from_cache;
  gboolean holds_body;  /* applied, not begun */
  gboolean body_failed; /* the refusal says how */
  gboolean wrote_body;
  gboolean got_informational;
  gboolean got_headers;
  gboolean final;            /* a 401, 407 or 421 that is the answer: libsoup must not send again */
  gboolean misdirected;      /* a 421 was answered by another connection */
  gboolean tunnel_restarted; /* a proxy that closes was answered: the next start is the first */
  guint n_proxy_rounds;      /* answered with the credentials of the proxy's URI */
  gsize interim_size;        /* of the 1xx responses to this send */
  guint64 intake;            /* what libsoup has read by itself, as last seen */
  guint64 intake_start;      /* what the connection had received before */
  gboolean in_head;          /* of a response, which the tap watches */
  gboolean half_head;        /* with which the connection ended */
  guint resends;
  gboolean resending; /* the next start is a resend */
  guint64 sent;
};

static GSource *attach_idle (ResilientSoupSend *self, int priority, GSourceFunc func);
static gboolean take_body (ResilientSoupSend *self, gboolean late, GError **error);
static void begin_body (ResilientSoupSend *self);
static void look_for_answer (ResilientSoupSend *self);
static void message_finished (ResilientSoupSend *self);
static void stream_changed_cb (gpointer data);
static void cut_off (ResilientSoupSend *self, GError *error);
static void end_head (ResilientSoupSend *self);
/* What the interim responses to one send may amount to, in bytes, as a section of headers may. Each
 * counts for so many at least: 4,000 of them are a sign of life every second for an hour. */
#define INTERIM_SIZE (256 * 1024)
#define INTERIM_MIN 64
/* What framing may add to a body on its way: an eighth of it, and a little. */
#define INTAKE_SLACK (64 * 1024)

static void
emit (ResilientSoupSend *self, ResilientSendEvent event)
{
  if (!self->detached)
    self->funcs->event (self, event, self->data);
}

typedef enum
{
  /* heard by hooks */
  SIGNAL_NETWORK_EVENT,
  SIGNAL_GOT_INFORMATIONAL,
  SIGNAL_RESTARTED,
  N_HOOKED,
  /* connected to */
  SIGNAL_REQUEST_CERTIFICATE = N_HOOKED,
  SIGNAL_STARTING,
  SIGNAL_WROTE_BODY_DATA,
  SIGNAL_WROTE_BODY,
  SIGNAL_GOT_HEADERS,
  SIGNAL_GOT_BODY,
  SIGNAL_FINISHED,
  N_SIGNALS
} MessageSignal;

/* Of a message: the closure of its send. */
/* clang-format off */
static G_DEFINE_QUARK (resilient-soup-send, send)
  /* clang-format on */

  static guint signal_ids[N_SIGNALS];

static void
connect_signal (ResilientSoupSend *self, SoupMessage *message, MessageSignal which)
{
  g_signal_connect_closure_by_id (message, signal_ids[which], 0, self->closure, FALSE);
}

/* What @message says from now on, the send hears too: one that libsoup has made for it. */
static void
adopt (GClosure *closure, SoupMessage *message)
{
  g_object_set_qdata_full (
    G_OBJECT (message), send_quark (), g_closure_ref (closure), (GDestroyNotify) g_closure_unref);
}

/* --- proxies ---------------------------------------------------------------------------------- */

/* The send whose connection is about to be told to open a tunnel: libsoup makes a message of its
 * own for that, and emits this for the send's message first, and then at once for its own. */
static GPrivate tunnelling = G_PRIVATE_INIT ((GDestroyNotify) g_closure_unref);

static gboolean
is_tunnel (SoupMessage *message)
{
  return g_str_equal (soup_message_get_method (message), "CONNECT");
}

static void
adopt_tunnel (SoupMessage *message)
{
  GClosure *closure = g_private_get (&tunnelling);
  ResilientSoupSend *self = closure != NULL ? closure->data : NULL;

  if (self != NULL
      && soup_message_get_connection_id (self->message) == soup_message_get_connection_id (message))
    {
      adopt (closure, message);
      connect_signal (self, message, SIGNAL_GOT_HEADERS);
    }
  g_private_replace (&tunnelling, NULL);
}

/* With the credentials that the URI of a proxy has, libsoup answers whatever the proxy says, and so
 * for ever when they are wrong. Those of a digest may have become stale once. */
static gboolean
has_refused_credentials (ResilientSoupSend *self, SoupMessage *message)
{
  const char *sent = soup_message_headers_get_one (soup_message_get_request_headers (message),
                                                   "Proxy-Authorization");
  gboolean basic = sent != NULL && g_ascii_strncasecmp (sent, "Basic ", strlen ("Basic ")) == 0;

  return self->n_proxy_rounds >= (basic ? 1 : 2);
}

/* ... and it then takes the URI of the proxy for the message's, so that the next send would ask the
 * proxy for a page of its own, and for a tunnel to itself. */
static void
put_uri_back (ResilientSoupSend *self, SoupMessage *message, GUri *uri)
{
  if (uri == NULL || soup_uri_equal (soup_message_get_uri (message), uri))
    return;
  soup_message_set_uri (message, uri);
  self->n_proxy_rounds++;
}

/* After the session's own handlers, which have put the proxy's URI there. */
static void
got_headers_of_tunnel (ResilientSoupSend *self, SoupMessage *message)
{
  if (soup_message_get_status (message) != SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
      || self->detached)
    return;
  if (has_refused_credentials (self, message))
    cut_off (self, resilient_soup_send_make_proxy_error (message));
  else
    put_uri_back (self, message, soup_message_get_uri (self->message));
}

/* --- connections and sends -------------------------------------------------------------------- */

static void
tell_step (ResilientSoupSend *self, GSocketClientEvent event, GIOStream *stream)
{
  const char *protocol;

  switch (event)
    {
    case G_SOCKET_CLIENT_RESOLVED:
      resilient_debug_write (self->debug_name, "resolved the name");
      break;
    case G_SOCKET_CLIENT_CONNECTED:
      resilient_debug_write (self->debug_name, "connected");
      break;
    case G_SOCKET_CLIENT_PROXY_NEGOTIATED:
      resilient_debug_write (self->debug_name, "connected by a proxy");
      break;
    case G_SOCKET_CLIENT_TLS_HANDSHAKED:
      protocol = G_IS_TLS_CONNECTION (stream)
                   ? g_tls_connection_get_negotiated_protocol (G_TLS_CONNECTION (stream))
                   : NULL;
      resilient_debug_write (self->debug_name,
                             "TLS is there, for %s",
                             protocol != NULL ? protocol : "no protocol by name");
      break;
    case G_SOCKET_CLIENT_RESOLVING:
    case G_SOCKET_CLIENT_CONNECTING:
    case G_SOCKET_CLIENT_PROXY_NEGOTIATING:
    case G_SOCKET_CLIENT_TLS_HANDSHAKING:
    case G_SOCKET_CLIENT_COMPLETE:
    default:
      break;
    }
}

static void
network_event (ResilientSoupSend *self,
               SoupMessage *message,
               GSocketClientEvent event,
               GIOStream *stream)
{
  self->n_steps++;
  self->stage = event;
  if (G_UNLIKELY (self->debug_name != NULL))
    tell_step (self, event, stream);
  if (event == G_SOCKET_CLIENT_CONNECTING)
    g_clear_object (&self->dialed);
  if (self->dialed == NULL && stream != NULL)
    {
      self->dialed = resilient_socket_find (stream);
      if (self->dialed != NULL)
        resilient_fork_guard_socket (self->dialed);
    }
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    connect_signal (self, message, SIGNAL_REQUEST_CERTIFICATE);
  else if (event == G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    g_private_replace (&tunnelling, g_closure_ref (self->closure));
  else if (event == G_SOCKET_CLIENT_COMPLETE && stream != NULL)
    resilient_connections_add (self->connections,
                               soup_message_get_connection_id (message),
                               soup_message_get_uri (self->message),
                               stream,
                               self->io_priority,
                               self->pace);
}

/* Just before the first byte of a request, on each send of the message. A cache emits it too,
 * without any connection. */
static void
starting (ResilientSoupSend *self, SoupMessage *message)
{
  guint64 id = soup_message_get_connection_id (message);
  gboolean http2 = soup_message_get_http_version (message) == SOUP_HTTP_2_0;

  if (id == 0)
    {
      self->from_cache = TRUE;
      return;
    }
  self->from_cache = FALSE;
  end_head (self);
  self->half_head = FALSE;
  g_clear_object (&self->tap);
  g_clear_object (&self->socket);
  self->socket = resilient_connections_use (self->connections, id, http2, &self->reused);
  resilient_share_clear (&self->share);
  if (http2)
    /* how much of a body libsoup has read is known there in no other way */
    soup_message_add_flags (message, SOUP_MESSAGE_COLLECT_METRICS);
  if (!http2)
    self->tap = resilient_connections_get_tap (self->connections, id);
  if (self->detached && http2)
    resilient_connections_note_foreign (self->connections, id);
  else if (!self->detached && (http2 || self->shared))
    resilient_share_take (&self->share,
                          self->connections,
                          id,
                          self->socket,
                          self->reused
                            && resilient_method_is_idempotent (soup_message_get_method (message)),
                          stream_changed_cb,
                          self);
  self->in_head = self->tap != NULL;
  self->on_wire = TRUE;
  self->connection_id = id;
  self->wrote_body = FALSE;
  self->tunnel_restarted = FALSE;
  self->sent = 0;
  self->interim_size = 0;
  g_clear_pointer (&self->sent_to, g_uri_unref);
  self->sent_to = g_uri_ref (soup_message_get_uri (message));
  self->resends += self->resending;
  /* what the cache could not use is asked for anew */
  self->resending = message != self->message;

  /* Only here the protocol is known: on HTTP/2 flow control does what the expectation is for. */
  self->expecting = self->expect && !http2;
  self->went_on = FALSE;
  if (self->tap != NULL)
    resilient_tap_expect_head (self->tap, self->expecting);
  soup_message_headers_set_expectations (soup_message_get_request_headers (message),
                                         self->expecting ? SOUP_EXPECTATION_CONTINUE : 0);
  if (!self->expecting)
    begin_body (self);
  emit (self, RESILIENT_SEND_STARTED);
}

/* As far as libsoup shows them: each is parsed and forgotten. */
static gsize
measure_interim (SoupMessage *message)
{
  const char *name, *value, *reason = soup_message_get_reason_phrase (message);
  gsize size = reason != NULL ? strlen (reason) : 0;
  SoupMessageHeadersIter iter;

  soup_message_headers_iter_init (&iter, soup_message_get_response_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    size += strlen (name) + strlen (value);
  return MAX (size, INTERIM_MIN);
}

/* libsoup reads one after the other for as long as they come: no source of the context has its turn
 * meanwhile, no deadline either. */
static gboolean
is_flooded (ResilientSoupSend *self, SoupMessage *message)
{
  self->interim_size += measure_interim (message);
  if (self->interim_size <= INTERIM_SIZE)
    return FALSE;
  cut_off (self,
           g_error_new_literal (SOUP_SESSION_ERROR,
                                SOUP_SESSION_ERROR_PARSING,
                                _ ("The server sends interim responses without end")));
  /* nothing less ends the reading of a connection of HTTP/2 */
  if (soup_message_get_http_version (message) == SOUP_HTTP_2_0 && self->socket != NULL)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  return TRUE;
}

static void
got_informational (ResilientSoupSend *self, SoupMessage *message)
{
  if (is_flooded (self, message) || message != self->message)
    return;
  self->got_informational = TRUE;
  if (self->expecting && soup_message_get_status (self->message) == SOUP_STATUS_CONTINUE)
    {
      self->expecting = FALSE;
      begin_body (self);
    }
  else if (self->expecting && self->tap != NULL)
    {
      resilient_tap_end_interim (self->tap);
    }
  emit (self, RESILIENT_SEND_INFORMATIONAL);
}

/* libsoup takes an answer without a body and without a length for one that goes on to the end of
 * the connection, and closes that (RFC 9112, 6.3). A 204 that announces a body all the same may be
 * followed by it: that would be the next answer. */
static void
set_framing (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  guint status_code = soup_message_get_status (message);
  SoupEncoding encoding;

  if (soup_message_get_http_version (message) == SOUP_HTTP_2_0
      || (status_code != SOUP_STATUS_NO_CONTENT && status_code != SOUP_STATUS_NOT_MODIFIED
          && soup_message_get_method (message) != SOUP_METHOD_HEAD))
    return;
  encoding = soup_message_headers_get_encoding (headers);
  if (encoding == SOUP_ENCODING_EOF)
    soup_message_headers_set_encoding (headers, SOUP_ENCODING_NONE);
  else if (status_code == SOUP_STATUS_NO_CONTENT
           && (encoding != SOUP_ENCODING_CONTENT_LENGTH
               || soup_message_headers_get_content_length (headers) > 0))
    soup_message_headers_append (soup_message_get_request_headers (message), "Connection", "close");
}

static void
end_head (ResilientSoupSend *self)
{
  if (!self->in_head)
    return;
  self->in_head = FALSE;
  self->half_head = resilient_tap_end_head (self->tap);
}

/* Of a 1xx that is not the first one, libsoup says over HTTP/2 that it were the response, and lets
 * the headers of both be one. */
static gboolean
is_informational (ResilientSoupSend *self)
{
  return SOUP_STATUS_IS_INFORMATIONAL (soup_message_get_status (self->message))
         && soup_message_get_http_version (self->message) == SOUP_HTTP_2_0;
}

/* Content-Length of what has content, or −1. */
static gint64
get_declared_size (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  guint status_code = soup_message_get_status (message);

  if (soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH
      || soup_message_get_method (message) == SOUP_METHOD_HEAD
      || status_code == SOUP_STATUS_NO_CONTENT || status_code == SOUP_STATUS_NOT_MODIFIED)
    return -1;
  return soup_message_headers_get_content_length (headers);
}

/* --- what libsoup answers by itself -----------------------------------------------------------
 *
 * The body of a 401, 407 or 421 is read by libsoup, into memory and to its end, for then it may
 * send the message again: with credentials, or over another connection. Here is seen to it that
 * this has a limit, that it does so only when the message can be sent again, and that it does not
 * wait for ever. */

static gboolean
is_answered_by_libsoup (guint status_code)
{
  return status_code == SOUP_STATUS_UNAUTHORIZED
         || status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
         || status_code == SOUP_STATUS_MISDIRECTED_REQUEST;
}

static guint64
get_intake (ResilientSoupSend *self)
{
  SoupMessageMetrics *metrics;
  guint64 received = 0;

  if (soup_message_get_http_version (self->message) == SOUP_HTTP_2_0)
    {
      metrics = soup_message_get_metrics (self->message);
      return metrics != NULL ? soup_message_metrics_get_response_body_bytes_received (metrics) : 0;
    }
  if (self->socket == NULL || !resilient_socket_get_received (self->socket, &received))
    return 0;
  return received - MIN (received, self->intake_start);
}

typedef struct
{
  GSource base;
  ResilientSoupSend *send;
} IntakeSource;

/* In each turn of the context, because it is in these that libsoup reads. */
static gboolean
intake_prepare (GSource *source, int *timeout)
{
  ResilientSoupSend *self = ((IntakeSource *) source)->send;

  *timeout = -1;
  return get_intake (self) != self->intake;
}

static gboolean
intake_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  ResilientSoupSend *self = ((IntakeSource *) source)->send;
  guint64 limit = self->max_response_size;
  GError *error = NULL;

  self->intake = get_intake (self);
  if (limit == 0 || self->intake <= limit + limit / 8 + INTAKE_SLACK)
    {
      emit (self, RESILIENT_SEND_ARRIVING);
      return G_SOURCE_CONTINUE;
    }
  resilient_set_too_large (&error, limit);
  cut_off (self, error);
  return G_SOURCE_REMOVE;
}

static void
start_intake (ResilientSoupSend *self)
{
  static GSourceFuncs funcs = { intake_prepare, NULL, intake_dispatch, NULL, NULL, NULL };

  self->intake_start = 0;
  self->intake = self->intake_start = get_intake (self);
  self->intake_source = g_source_new (&funcs, sizeof (IntakeSource));
  ((IntakeSource *) self->intake_source)->send = self;
  g_source_set_static_name (self->intake_source, "[resilient-client] intake");
  g_source_attach (self->intake_source, self->context);
}

static void
stop_intake (ResilientSoupSend *self)
{
  if (self->intake_source != NULL)
    g_source_destroy (self->intake_source);
  g_clear_pointer (&self->intake_source, g_source_unref);
}

static void
shut_down_cb (GCancellable *cancellable, gpointer socket)
{
  g_socket_shutdown (socket, TRUE, TRUE, NULL);
}

static void
got_challenge (ResilientSoupSend *self, guint status_code)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);
  GError *error = NULL;

  self->final = (self->body != NULL && resilient_body_is_spent (self->body))
                || (status_code == SOUP_STATUS_MISDIRECTED_REQUEST && self->misdirected)
                || (status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
                    && has_refused_credentials (self, self->message));
  /* libsoup then hands the body to us, as of any other status */
  if (self->final && status_code != SOUP_STATUS_MISDIRECTED_REQUEST)
    soup_message_disable_feature (self->message, SOUP_TYPE_AUTH_MANAGER);

  if (self->max_response_size > 0
      && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH
      && (guint64) soup_message_headers_get_content_length (headers) > self->max_response_size)
    {
      resilient_set_too_large (&error, self->max_response_size);
      cut_off (self, error);
      return;
    }
  start_intake (self);
  /* With the body of the request still unasked for, libsoup takes the end of the response for the
   * begin of another, and waits for that when it closes the stream, the whole context with it. It
   * does so also when it is told to stop, by us or by an app that aborts its session. */
  if (self->expecting && self->socket != NULL)
    g_cancellable_connect (
      self->cancellable, G_CALLBACK (shut_down_cb), g_object_ref (self->socket), g_object_unref);
}

static void
got_headers (ResilientSoupSend *self)
{
  guint status_code = soup_message_get_status (self->message);

  if (self->got_headers)
    return;
  if (is_informational (self))
    {
      got_informational (self, self->message);
      soup_message_headers_clear (soup_message_get_response_headers (self->message));
      return;
    }
  self->got_headers = TRUE;
  self->final = FALSE;
  end_head (self);
  if (self->half_head)
    return;
  set_framing (self->message);
  resilient_share_note_headers (&self->share, get_declared_size (self->message));
  if (self->share.connections != NULL)
    resilient_connections_served (self->connections, self->share.id);
  emit (self, RESILIENT_SEND_HEADERS);
  if (is_answered_by_libsoup (status_code) && !self->from_cache && !self->detached)
    got_challenge (self, status_code);
}

/* Before the session's own handlers, which send the message again. */
static void
got_body (ResilientSoupSend *self)
{
  if (!is_answered_by_libsoup (soup_message_get_status (self->message)))
    return;
  if (self->expecting && self->socket != NULL)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  if (self->final)
    g_signal_stop_emission (self->message, signal_ids[SIGNAL_GOT_BODY], 0);
}

static void
restore_uri (ResilientSoupSend *self)
{
  if (soup_message_get_status (self->message) == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    put_uri_back (self, self->message, self->sent_to);
}

static gboolean
refuse_cb (gpointer data)
{
  ResilientSoupSend *self = data;

  g_clear_pointer (&self->refuse_source, g_source_unref);
  if (!self->detached)
    self->funcs->refused (self, self->refusal, self->data);
  else if (!self->returned)
    g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

/* Cancelling inside "restarted" is a critical of libsoup, so it is done before anything else of the
 * next turn. Until then a new connection is being made, over which nothing has been sent. */
static void
refuse (ResilientSoupSend *self, GError *error)
{
  if (self->refusal != NULL)
    {
      g_error_free (error);
      return;
    }
  self->refusal = error;
  self->refuse_source = attach_idle (self, G_PRIORITY_HIGH, refuse_cb);
}

static void
cut_off (ResilientSoupSend *self, GError *error)
{
  refuse (self, error);
  g_cancellable_cancel (self->cancellable);
}

/* Such schemes authenticate a connection: the rounds are of one, which an expectation that is not
 * met would cost. */
static gboolean
is_bound_to_connection (SoupMessageHeaders *headers, guint status_code)
{
  const char *name =
    status_code == SOUP_STATUS_UNAUTHORIZED ? "WWW-Authenticate" : "Proxy-Authenticate";
  const char *list = soup_message_headers_get_list (headers, name);

  return list != NULL
         && (g_strstr_len (list, -1, "NTLM") != NULL
             || g_strstr_len (list, -1, "Negotiate") != NULL);
}

/* libsoup sends the message again over the connection that it has, unless that is to be closed. */
static void
part_with_connection (SoupMessageHeaders *response_headers)
{
  soup_message_headers_replace (response_headers, "Connection", "close");
}

/* Before the session's own handler, which forgets the status. */
static void
restarted (ResilientSoupSend *self)
{
  SoupMessage *message = self->message;
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  guint status_code = soup_message_get_status (message);
  gboolean asked_for = is_answered_by_libsoup (status_code) || self->tunnel_restarted;
  gboolean unprocessed = !asked_for && resilient_share_is_unprocessed (&self->share);
  gboolean may_repeat = (self->may_repeat || unprocessed)
                        && (self->body == NULL || !resilient_body_is_spent (self->body));
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) broken = NULL;

  if (unprocessed)
    emit (self, RESILIENT_SEND_UNPROCESSED);
  else if (!asked_for)
    resilient_share_is_broken (&self->share, &broken);
  if (!asked_for && !self->detached)
    look_for_answer (self);
  self->tunnel_restarted = FALSE;
  self->got_headers = FALSE;
  self->got_informational = FALSE;
  stop_intake (self);
  restore_uri (self);
  resilient_share_clear (&self->share);
  if (!asked_for)
    {
      /* The connection was lost, or the stream refused. A new connection can't be stale, and gives
       * the refusal below the time to come before the send. */
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      self->resending = TRUE;
    }
  else if (status_code == SOUP_STATUS_MISDIRECTED_REQUEST)
    {
      /* RFC 9110, 15.5.20: libsoup would send it over the same one */
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      part_with_connection (headers);
      self->misdirected = self->resending = TRUE;
    }
  else if (self->expecting)
    {
      part_with_connection (headers);
      self->expect = !is_bound_to_connection (headers, status_code);
    }
  if (self->detached)
    return;
  /* what breaks the rules does so again */
  if (broken != NULL
      && resilient_failure_from_error (broken, FALSE) != RESILIENT_FAILURE_DISCONNECT)
    {
      refuse (self, g_steal_pointer (&broken));
      return;
    }
  if (!asked_for && (!may_repeat || self->resends > 0 || self->early_answer != NULL))
    {
      refuse (self,
              g_error_new_literal (
                G_IO_ERROR,
                G_IO_ERROR_CONNECTION_CLOSED,
                may_repeat ? _ ("The connection was closed before a reply, and again when the"
                                " request was sent over a new one")
                           : _ ("The connection was closed before a reply")));
      return;
    }

  /* libsoup would send the message again without its body. Nobody outside is called from here. */
  if (!take_body (self, TRUE, &error))
    {
      part_with_connection (headers);
      soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
      refuse (self, g_steal_pointer (&error));
    }
}

static void
handle (ResilientSoupSend *self, MessageSignal which, const GValue *values, GValue *result)
{
  SoupMessage *message = g_value_get_object (&values[0]);

  switch (which)
    {
    case SIGNAL_NETWORK_EVENT:
      if (!is_tunnel (message))
        network_event (
          self, message, g_value_get_enum (&values[1]), g_value_get_object (&values[2]));
      break;
    case SIGNAL_GOT_INFORMATIONAL:
      got_informational (self, message);
      break;
    case SIGNAL_RESTARTED:
      if (message == self->message)
        restarted (self);
      else
        self->tunnel_restarted = is_tunnel (message);
      break;
    case SIGNAL_REQUEST_CERTIFICATE:
      self->certificate_asked = TRUE;
      g_value_set_boolean (result, FALSE);
      break;
    case SIGNAL_STARTING:
      starting (self, message);
      break;
    case SIGNAL_WROTE_BODY_DATA:
      self->sent += g_value_get_uint (&values[1]);
      resilient_share_note_sent (&self->share, g_value_get_uint (&values[1]));
      emit (self, RESILIENT_SEND_WROTE);
      break;
    case SIGNAL_WROTE_BODY:
      self->wrote_body = TRUE;
      emit (self, RESILIENT_SEND_WROTE_ALL);
      break;
    case SIGNAL_GOT_HEADERS:
      if (message == self->message)
        got_headers (self);
      else if (is_tunnel (message))
        got_headers_of_tunnel (self, message);
      else
        {
          end_head (self);
          self->half_head = FALSE;
        }
      break;
    case SIGNAL_GOT_BODY:
      got_body (self);
      break;
    case SIGNAL_FINISHED:
      message_finished (self);
      break;
    case N_SIGNALS:
    default:
      g_assert_not_reached ();
    }
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
  guint id = ((GSignalInvocationHint *) hint)->signal_id;
  MessageSignal which = N_HOOKED;

  if (closure->data == NULL)
    return; /* disconnected */
  while (signal_ids[which] != id)
    which++;
  handle (closure->data, which, values, result);
}

/* Called for every message of the process, when it says what most of them never do: to connect to
 * these three as well would cost a GET 2 % more. Hooks run before all handlers. */
static gboolean
hook (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer which)
{
  SoupMessage *message = g_value_get_object (&values[0]);
  GClosure *closure = g_object_get_qdata (G_OBJECT (message), send_quark ());

  if (closure != NULL && closure->data != NULL)
    handle (closure->data, GPOINTER_TO_INT (which), values, NULL);
  else if (closure == NULL && GPOINTER_TO_INT (which) == SIGNAL_NETWORK_EVENT && is_tunnel (message)
           && g_value_get_enum (&values[1]) == G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    adopt_tunnel (message);
  return TRUE;
}

/* Once, and for good. */
static void
look_up_signals (void)
{
  static const char *const names[N_SIGNALS] = {
    "network-event", "got-informational", "restarted",  "request-certificate",
    "starting",      "wrote-body-data",   "wrote-body", "got-headers",
    "got-body",      "finished",
  };
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  for (guint i = 0; i < N_SIGNALS; i++)
    signal_ids[i] = g_signal_lookup (names[i], SOUP_TYPE_MESSAGE);
  for (guint i = 0; i < N_HOOKED; i++)
    g_signal_add_emission_hook (signal_ids[i], 0, hook, GINT_TO_POINTER (i), NULL);
  g_once_init_leave (&done, 1);
}

/* Before the message is sent, so that these handlers run before the session's own. */
static void
watch_message (ResilientSoupSend *self)
{
  look_up_signals ();
  self->closure = g_closure_ref (g_closure_new_simple (sizeof (GClosure), self));
  g_closure_sink (self->closure);
  g_closure_set_marshal (self->closure, dispatch);
  g_object_set_qdata (G_OBJECT (self->message), send_quark (), self->closure);

  /* Only what can come, and is not learned otherwise. */
  connect_signal (self, self->message, SIGNAL_STARTING);
  connect_signal (self, self->message, SIGNAL_GOT_HEADERS);
  connect_signal (self, self->message, SIGNAL_FINISHED);
  if (!self->brief)
    connect_signal (self, self->message, SIGNAL_WROTE_BODY);
  if (self->body != NULL)
    {
      connect_signal (self, self->message, SIGNAL_WROTE_BODY_DATA);
      connect_signal (self, self->message, SIGNAL_GOT_BODY);
    }
}

/* libsoup asks whether what it has in its cache is still valid by a message of its own. */
static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  ResilientSoupSend *self = data;
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  if (message == self->message || !soup_message_is_feature_disabled (message, SOUP_TYPE_CACHE)
      || (soup_message_headers_get_one (headers, "If-None-Match") == NULL
          && soup_message_headers_get_one (headers, "If-Modified-Since") == NULL)
      || !soup_uri_equal (soup_message_get_uri (message), soup_message_get_uri (self->message)))
    return;
  adopt (self->closure, message);
  connect_signal (self, message, SIGNAL_STARTING);
  connect_signal (self, message, SIGNAL_WROTE_BODY);
  connect_signal (self, message, SIGNAL_GOT_HEADERS);
}

/* From before to after the send call, inside which a cache has been asked. */
static gulong
watch_cache (ResilientSoupSend *self)
{
  if (self->brief || !soup_session_has_feature (self->session, SOUP_TYPE_CACHE))
    return 0;
  return g_signal_connect (self->session, "request-queued", G_CALLBACK (queued_cb), self);
}

/* The handlers stay, of no use, until the message goes. To invalidate the closure of several
 * handlers of one instance is wrong inside a signal of that instance, where the one that was called
 * is still in the list and is taken for the next one; and libsoup ends a request there when, say, a
 * 401 brings no challenge. */
static void
unwatch_message (ResilientSoupSend *self)
{
  if (self->closure == NULL)
    return;
  self->closure->data = NULL;
  g_clear_pointer (&self->closure, g_closure_unref);
}

/* --- life ------------------------------------------------------------------------------------- */

/* After an early answer it does not matter any more. */
static void
body_failed_cb (const GError *error, gpointer data)
{
  ResilientSoupSend *self = data;

  if (self->detached || self->returned || self->got_headers || self->refusal != NULL)
    return;
  self->body_failed = TRUE;
  refuse (self, g_error_copy (error));
}

/* What was given to the message before may still be read. */
static void
part_with_body_stream (ResilientSoupSend *self)
{
  if (self->body_stream != NULL)
    resilient_body_stream_set_failed (self->body_stream, NULL, NULL);
  g_clear_object (&self->body_stream);
}

static gboolean
take_body (ResilientSoupSend *self, gboolean late, GError **error)
{
  if (self->body == NULL)
    return TRUE;
  if (self->holds_body)
    resilient_body_release (self->body);
  part_with_body_stream (self);
  self->holds_body =
    resilient_body_apply (self->body, self->message, late, &self->body_stream, error);
  if (self->body_stream != NULL)
    resilient_body_stream_set_failed (self->body_stream, body_failed_cb, self);
  return self->holds_body;
}

static void
begin_body (ResilientSoupSend *self)
{
  if (self->holds_body)
    resilient_body_begin (self->body);
  self->holds_body = FALSE;
}

/* Another send may take a one-shot stream from now on. */
static void
give_body_back (ResilientSoupSend *self)
{
  if (self->holds_body)
    resilient_body_release (self->body);
  self->holds_body = FALSE;
}

static void
send_free (ResilientSoupSend *self)
{
  resilient_share_clear (&self->share);
  give_body_back (self);
  part_with_body_stream (self);
  g_clear_error (&self->refusal);
  end_head (self);
  g_clear_object (&self->tap);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  g_clear_pointer (&self->sent_to, g_uri_unref);
  g_clear_pointer (&self->early_answer, resilient_early_answer_free);
  g_clear_object (&self->socket);
  g_clear_object (&self->dialed);
  g_clear_pointer (&self->body, resilient_body_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->message);
  g_object_unref (self->session);
  resilient_connections_unref (self->connections);
  g_main_context_unref (self->context);
  /* the send call has it, and may return after all */
  self->freed = TRUE;
  if (!self->forsaken || self->sent_back)
    g_free (self);
}

static gboolean
released_cb (gpointer data)
{
  ResilientSoupSend *self = data;

  g_clear_pointer (&self->release_source, g_source_unref);
  unwatch_message (self);
  if (self->refuse_source != NULL)
    g_source_destroy (self->refuse_source);
  g_clear_pointer (&self->refuse_source, g_source_unref);
  stop_intake (self);
  if (self->broken_source != NULL)
    g_source_destroy (self->broken_source);
  g_clear_pointer (&self->broken_source, g_source_unref);
  give_body_back (self);
  resilient_share_clear (&self->share);
  self->funcs->released (self, self->data);
  send_free (self);
  return G_SOURCE_REMOVE;
}

static GSource *
attach_idle (ResilientSoupSend *self, int priority, GSourceFunc func)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, self, NULL);
  g_source_set_static_name (source, "[resilient-client] message");
  g_source_attach (source, self->context);
  return source;
}

static gboolean
is_over (ResilientSoupSend *self)
{
  return self->returned && self->finished && !self->streaming && !self->answering
         && !self->calling_out && self->release_source == NULL;
}

/* Never directly from inside libsoup's signals: what it ends may start anything. */
static void
release_later (ResilientSoupSend *self)
{
  if (is_over (self))
    self->release_source = attach_idle (self, self->io_priority, released_cb);
}

/* From the callback of an operation. After a whole response the connection is back with libsoup
 * already; else libsoup may still have to part with it when we return. */
static void
release (ResilientSoupSend *self)
{
  if (self->whole && is_over (self))
    released_cb (self);
  else
    release_later (self);
}

/* Before libsoup closes the connection: afterwards there is nothing to be found. */
static void
look_for_answer (ResilientSoupSend *self)
{
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GInputStream) input = NULL;

  if (self->body == NULL || !self->on_wire || self->expecting || self->wrote_body
      || self->got_headers || self->early_answer != NULL
      || soup_message_get_http_version (self->message) == SOUP_HTTP_2_0)
    return;
  stream = resilient_connections_dup_stream (self->connections, self->connection_id);
  if (stream == NULL || g_io_stream_is_closed (stream))
    return;
  /* libsoup may have read on behind an interim response */
  input = self->tap != NULL ? resilient_tap_dup_filter (self->tap) : NULL;
  self->early_answer = resilient_early_answer_read (
    input != NULL ? input : g_io_stream_get_input_stream (stream), self->max_response_size);
}

ResilientEarlyAnswer *
resilient_soup_send_take_early_answer (ResilientSoupSend *self)
{
  if (!self->finished)
    look_for_answer (self);
  return g_steal_pointer (&self->early_answer);
}

static void
message_finished (ResilientSoupSend *self)
{
  if (!self->detached)
    look_for_answer (self);
  self->finished = TRUE;
  release_later (self);
}

static void
discarded_cb (GObject *stream, GAsyncResult *result, gpointer data)
{
  g_input_stream_close_finish (G_INPUT_STREAM (stream), result, NULL);
  resilient_soup_send_stream_closed (data, FALSE);
}

/* Of a connection that libsoup reads no more, without having told those that wait for it, it can't
 * be made to let go of them. What it holds is lost; what is ours is not. */
static void
forsake (ResilientSoupSend *self, const GError *error)
{
  if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  if (!self->detached)
    self->funcs->refused (self, error, self->data);
  self->forsaken = TRUE;
  self->returned = TRUE;
  self->finished = TRUE;
  release_later (self);
}

static gboolean
broken_cb (gpointer data)
{
  ResilientSoupSend *self = data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->broken_source, g_source_unref);
  if (!resilient_share_is_broken (&self->share, &error))
    return G_SOURCE_REMOVE;
  if (!self->returned && resilient_share_is_deserted (&self->share))
    forsake (self, error);
  else if (self->streaming && !self->detached)
    self->funcs->broken (self, error, self->data);
  else if (self->intake_source != NULL && !self->detached)
    cut_off (self, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

/* Before it has headers libsoup tells by itself what happens, as long as it reads. */
static void
stream_changed_cb (gpointer data)
{
  ResilientSoupSend *self = data;

  if (self->broken_source == NULL
      && (self->returned
            ? self->streaming
            : self->intake_source != NULL || resilient_share_is_deserted (&self->share)))
    self->broken_source = attach_idle (self, G_PRIORITY_DEFAULT, broken_cb);
}

static void
sent_cb (GObject *session, GAsyncResult *result, gpointer data)
{
  ResilientSoupSend *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
    soup_session_send_finish (SOUP_SESSION (session), result, &error);

  if (self->forsaken)
    {
      self->sent_back = TRUE;
      if (self->freed)
        g_free (self);
      return;
    }
  self->returned = TRUE;
  self->streaming = stream != NULL;
  stop_intake (self);
  if (stream == NULL)
    end_head (self);
  restore_uri (self);
  if (self->detached && stream == NULL)
    resilient_share_clear (&self->share);
  if (!self->detached)
    {
      g_autoptr (GError) reason = NULL;

      /* libsoup's own errors of HTTP/2 are all of one kind */
      if (stream == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
          && (resilient_share_is_broken (&self->share, &reason)
              || resilient_share_is_rejected (&self->share, error, &reason)))
        {
          g_error_free (error);
          error = g_steal_pointer (&reason);
        }
      /* The answer may be read, and the stream closed, before this returns. */
      self->answering = TRUE;
      if (self->refusal != NULL && stream == NULL)
        self->funcs->refused (self, self->refusal, self->data);
      else
        self->funcs->answered (self, stream, error, self->data);
      self->answering = FALSE;
      if (self->streaming && resilient_share_is_broken (&self->share, NULL))
        stream_changed_cb (self);
    }
  else if (stream != NULL)
    /* cancelled already: HTTP/1 then closes at once, see resilient_reader_close() */
    g_input_stream_close_async (stream,
                                self->io_priority,
                                soup_message_get_http_version (self->message) != SOUP_HTTP_2_0
                                    || resilient_share_is_lost (&self->share)
                                  ? self->cancellable
                                  : NULL,
                                discarded_cb,
                                self);
  release (self);
}

ResilientSoupSend *
resilient_soup_send_new (const ResilientSoupSendParams *params,
                         const ResilientSoupSendFuncs *funcs,
                         gpointer data)
{
  ResilientSoupSend *self = g_new0 (ResilientSoupSend, 1);

  self->session = g_object_ref (params->session);
  self->message = g_object_ref (params->message);
  self->body = params->body != NULL ? resilient_body_ref (params->body) : NULL;
  self->connections = resilient_connections_ref (params->connections);
  self->io_priority = params->io_priority;
  self->pace = params->pace != NULL ? resilient_pace_ref (params->pace) : NULL;
  self->debug_name = params->debug_name;
  self->shared = params->shared;
  self->brief = params->brief;
  self->may_repeat = params->may_repeat;
  self->expect = params->expect;
  self->max_response_size = params->max_response_size;
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  return self;
}

/* libsoup 3.2 tells a session's handlers of a message before it has noted down whom to give the
 * answer to. If they run a main loop in which the session goes on, it sends the message there, and
 * its answer is lost: sent, but never answered. */
static void
refuse_lost_answer (ResilientSoupSend *self)
{
  self->returned |= self->finished;
  refuse (
    self,
    g_error_new_literal (G_IO_ERROR,
                         G_IO_ERROR_CONNECTION_CLOSED,
                         _ ("The answer was lost: a handler of the session ran a main loop")));
}

gboolean
resilient_soup_send_send (ResilientSoupSend *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gboolean ready;
  gulong watch;

  self->calling_out = TRUE;
  ready = take_body (self, FALSE, &local_error);
  if (self->detached)
    {
      /* libsoup never had it */
      self->returned = self->finished = TRUE;
    }
  else if (ready)
    {
      watch_message (self);
      resilient_connections_mark (self->message);
      watch = watch_cache (self);
      soup_session_send_async (
        self->session, self->message, self->io_priority, self->cancellable, sent_cb, self);
      if (watch != 0)
        g_signal_handler_disconnect (self->session, watch);
      if (self->on_wire)
        refuse_lost_answer (self);
      if (self->detached)
        g_cancellable_cancel (self->cancellable);
    }
  else
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      send_free (self);
      return FALSE;
    }
  self->calling_out = FALSE;
  release_later (self);
  return TRUE;
}

gboolean
resilient_soup_send_go_on (ResilientSoupSend *self)
{
  self->went_on = self->expecting && self->tap != NULL && resilient_tap_say_continue (self->tap);
  return self->went_on;
}

gboolean
resilient_soup_send_has_gone_on (ResilientSoupSend *self)
{
  return self->went_on;
}

void
resilient_soup_send_hang_up (ResilientSoupSend *self)
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
resilient_soup_send_detach (ResilientSoupSend *self)
{
  if (self->detached)
    return;
  self->detached = TRUE;
  /* Where the message waits for a connection, cancelling has no effect by itself: it would even be
   * sent later, on a shared HTTP/2 connection, behind the back of a retry. One that needs a
   * connection of its own makes it and fails at once. */
  if (!self->on_wire)
    soup_message_add_flags (self->message, SOUP_MESSAGE_NEW_CONNECTION);
  give_body_back (self);
  if (!self->returned)
    {
      if (soup_message_get_http_version (self->message) == SOUP_HTTP_2_0)
        resilient_share_strand (&self->share, self->context);
      /* where libsoup can't be cancelled */
      if (!self->calling_out)
        g_cancellable_cancel (self->cancellable);
    }
}

void
resilient_soup_send_served (ResilientSoupSend *self)
{
  if (!self->shared)
    return;
  resilient_connections_served (self->connections, soup_message_get_connection_id (self->message));
  resilient_share_clear (&self->share);
}

void
resilient_soup_send_stream_closed (ResilientSoupSend *self, gboolean whole)
{
  self->streaming = FALSE;
  self->whole = whole;
  release (self);
}

SoupMessage *
resilient_soup_send_get_message (ResilientSoupSend *self)
{
  return self->message;
}

GSocket *
resilient_soup_send_get_socket (ResilientSoupSend *self)
{
  return self->socket;
}

guint
resilient_soup_send_count_steps (ResilientSoupSend *self)
{
  return self->n_steps;
}

gboolean
resilient_soup_send_is_stepping (ResilientSoupSend *self)
{
  guint64 received;

  if (self->n_steps == 0)
    return FALSE;
  switch (self->stage)
    {
    case G_SOCKET_CLIENT_RESOLVING:
      return TRUE;
    case G_SOCKET_CLIENT_PROXY_NEGOTIATING:
    case G_SOCKET_CLIENT_TLS_HANDSHAKING:
      return self->dialed != NULL && resilient_socket_get_received (self->dialed, &received)
             && received > 0;
    case G_SOCKET_CLIENT_RESOLVED:
    case G_SOCKET_CLIENT_CONNECTING:
    case G_SOCKET_CLIENT_CONNECTED:
    case G_SOCKET_CLIENT_PROXY_NEGOTIATED:
    case G_SOCKET_CLIENT_TLS_HANDSHAKED:
    case G_SOCKET_CLIENT_COMPLETE:
    default:
      return FALSE;
    }
}

gboolean
resilient_soup_send_is_on_wire (ResilientSoupSend *self)
{
  return self->on_wire;
}

gboolean
resilient_soup_send_is_reused (ResilientSoupSend *self)
{
  return self->reused;
}

gboolean
resilient_soup_send_may_lack_certificate (ResilientSoupSend *self)
{
  /* with an interaction of the app's own it is not we who would be asked */
  return self->certificate_asked || soup_session_get_tls_interaction (self->session) != NULL;
}

gboolean
resilient_soup_send_has_body_failed (ResilientSoupSend *self)
{
  return self->body_failed;
}

guint
resilient_soup_send_get_resends (ResilientSoupSend *self)
{
  return self->resends;
}

gboolean
resilient_soup_send_is_brief (ResilientSoupSend *self)
{
  return self->brief;
}

gboolean
resilient_soup_send_is_expecting (ResilientSoupSend *self)
{
  return self->expecting;
}

gboolean
resilient_soup_send_is_from_cache (ResilientSoupSend *self)
{
  return self->from_cache;
}

gboolean
resilient_soup_send_has_headers (ResilientSoupSend *self)
{
  return self->got_headers;
}

gboolean
resilient_soup_send_has_half_head (ResilientSoupSend *self)
{
  return self->half_head;
}

ResilientTap *
resilient_soup_send_get_tap (ResilientSoupSend *self)
{
  return self->tap;
}

gboolean
resilient_soup_send_has_all (ResilientSoupSend *self)
{
  return self->share.stream != NULL && self->share.stream->ended;
}

gboolean
resilient_soup_send_is_lost (ResilientSoupSend *self)
{
  return resilient_share_is_lost (&self->share);
}

gboolean
resilient_soup_send_has_response (ResilientSoupSend *self)
{
  return self->got_headers || self->got_informational;
}

guint64
resilient_soup_send_get_sent (ResilientSoupSend *self)
{
  return self->sent;
}

GError *
resilient_soup_send_make_proxy_error (SoupMessage *message)
{
  guint status_code = soup_message_get_status (message);
  const char *reason = soup_message_get_reason_phrase (message);

  return g_error_new (G_IO_ERROR,
                      status_code == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
                        ? G_IO_ERROR_PROXY_AUTH_FAILED
                        : G_IO_ERROR_PROXY_FAILED,
                      /* Translators: an HTTP status and what the proxy says about it. */
                      _ ("The proxy refused the connection: %u (%s)"),
                      status_code,
                      reason != NULL ? reason : soup_status_get_phrase (status_code));
}

GSocketClientEvent
resilient_soup_send_get_stage (ResilientSoupSend *self)
{
  return self->stage;
}

GSocket *
resilient_soup_send_get_dialed (ResilientSoupSend *self)
{
  return self->dialed;
}
