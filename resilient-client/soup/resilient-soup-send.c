/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One message from the call that sends it until libsoup has let go of it. It owns message, body
 * stream and cancellable. In the one context that drives it. */

#include "config.h"

#include "resilient-soup-send-parts-private.h"

#include "resilient-i18n-private.h"

/* After an early answer it does not matter any more. */
static void
body_failed_cb (const GError *error, gpointer data)
{
  ResilientSoupSend *self = data;

  if (self->detached || self->returned || self->got_headers || self->refusal != NULL)
    return;
  self->body_failed = TRUE;
  resilient_soup_send_refuse (self, g_error_copy (error));
}

/* What was given to the message before may still be read. */
static void
part_with_body_stream (ResilientSoupSend *self)
{
  if (self->body_stream != NULL)
    resilient_body_stream_set_failed (self->body_stream, NULL, NULL);
  g_clear_object (&self->body_stream);
}

gboolean
resilient_soup_send_take_body (ResilientSoupSend *self, gboolean late, GError **error)
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

void
resilient_soup_send_begin_body (ResilientSoupSend *self)
{
  if (self->holds_body)
    resilient_body_begin (self->body);
  self->holds_body = FALSE;
}

/* Another send may take a one-shot stream from now on. */
void
resilient_soup_send_give_body_back (ResilientSoupSend *self)
{
  if (self->holds_body)
    resilient_body_release (self->body);
  self->holds_body = FALSE;
}

static void
send_free (ResilientSoupSend *self)
{
  resilient_share_clear (&self->share);
  resilient_soup_send_give_body_back (self);
  part_with_body_stream (self);
  g_clear_error (&self->refusal);
  resilient_soup_send_end_head (self);
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
  resilient_soup_send_disconnect (self);
  if (self->refuse_source != NULL)
    g_source_destroy (self->refuse_source);
  g_clear_pointer (&self->refuse_source, g_source_unref);
  resilient_soup_send_stop_intake (self);
  if (self->broken_source != NULL)
    g_source_destroy (self->broken_source);
  g_clear_pointer (&self->broken_source, g_source_unref);
  resilient_soup_send_give_body_back (self);
  resilient_share_clear (&self->share);
  self->funcs->released (self, self->data);
  send_free (self);
  return G_SOURCE_REMOVE;
}

GSource *
resilient_soup_send_attach_idle (ResilientSoupSend *self, int priority, GSourceFunc func)
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
    self->release_source = resilient_soup_send_attach_idle (self, self->io_priority, released_cb);
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
void
resilient_soup_send_look_for_answer (ResilientSoupSend *self)
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
    resilient_soup_send_look_for_answer (self);
  return g_steal_pointer (&self->early_answer);
}

void
resilient_soup_send_finished (ResilientSoupSend *self)
{
  if (!self->detached)
    resilient_soup_send_look_for_answer (self);
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
    resilient_soup_send_cut (self, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

/* Before it has headers libsoup tells by itself what happens, as long as it reads. */
void
resilient_soup_send_stream_changed (gpointer data)
{
  ResilientSoupSend *self = data;

  if (self->broken_source == NULL
      && (self->returned
            ? self->streaming
            : self->intake_source != NULL || resilient_share_is_deserted (&self->share)))
    self->broken_source = resilient_soup_send_attach_idle (self, G_PRIORITY_DEFAULT, broken_cb);
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
  resilient_soup_send_stop_intake (self);
  if (stream == NULL)
    resilient_soup_send_end_head (self);
  resilient_soup_send_put_uri_back (self);
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
        resilient_soup_send_stream_changed (self);
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
  resilient_soup_send_refuse (
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
  ready = resilient_soup_send_take_body (self, FALSE, &local_error);
  if (self->detached)
    {
      /* libsoup never had it */
      self->returned = self->finished = TRUE;
    }
  else if (ready)
    {
      resilient_soup_send_connect (self);
      resilient_connections_mark (self->message);
      watch = resilient_soup_send_watch_cache (self);
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
  resilient_soup_send_give_body_back (self);
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
