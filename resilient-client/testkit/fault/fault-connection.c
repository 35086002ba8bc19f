/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One connection of the misbehaving server in a thread of its own: TLS, the first bytes, then
 * HTTP/1 or HTTP/2. It owns the socket and its streams. */

#include "config.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "fault-private.h"
#include "fault-script-private.h"

#define BLOCK 16384
#define MAX_DRAINED (1024 * BLOCK)

FaultConnection *
fault_connection_new (FaultServer *server, FaultLog *log, GSocket *socket)
{
  FaultConnection *self = g_new0 (FaultConnection, 1);

  self->server = server;
  self->log = log;
  self->cancellable = g_cancellable_new ();
  self->input = g_byte_array_new ();
  self->certificate =
    fault_server_get_flags (server) & FAULT_SERVER_EXPIRED      ? FAULT_CERTIFICATE_EXPIRED
    : fault_server_get_flags (server) & FAULT_SERVER_WRONG_HOST ? FAULT_CERTIFICATE_WRONG_HOST
                                                                : FAULT_CERTIFICATE_GOOD;
  self->raw = g_socket_connection_factory_create_connection (socket);
  self->stream = g_object_ref (G_IO_STREAM (self->raw));

  return self;
}

void
fault_connection_free (FaultConnection *self)
{
  g_clear_object (&self->stream);
  g_clear_object (&self->raw);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->input);
  g_clear_pointer (&self->script, fault_script_unref);
  g_free (self);
}

gboolean
fault_connection_write (FaultConnection *self, gconstpointer data, gsize size)
{
  return g_output_stream_write_all (
    g_io_stream_get_output_stream (self->stream), data, size, NULL, self->cancellable, NULL);
}

gboolean
fault_connection_fill (FaultConnection *self)
{
  gsize old = self->input->len;
  gssize n;

  g_byte_array_set_size (self->input, old + BLOCK);
  n = g_input_stream_read (g_io_stream_get_input_stream (self->stream),
                           self->input->data + old,
                           BLOCK,
                           self->cancellable,
                           NULL);
  g_byte_array_set_size (self->input, old + MAX (n, 0));

  return n > 0;
}

void
fault_connection_consume (FaultConnection *self, gsize size)
{
  g_byte_array_remove_range (self->input, 0, size);
}

void
fault_connection_add_busy (FaultConnection *self, int n)
{
  g_mutex_lock (&self->log->lock);
  self->busy += n;
  g_mutex_unlock (&self->log->lock);
}

void
fault_connection_stop (FaultConnection *self, FaultEnd how)
{
  g_mutex_lock (&self->log->lock);
  self->end = how;
  g_mutex_unlock (&self->log->lock);
  g_cancellable_cancel (self->cancellable);
}

/* What a script may do before a new connection is looked at: raw bytes. */

static gboolean
raw_head (FaultStream *stream, guint status, const char *headers)
{
  return FALSE;
}

static gboolean
raw_data (FaultStream *stream, gconstpointer data, gsize size)
{
  return fault_connection_write (stream->connection, data, size);
}

static gboolean
raw_read (FaultStream *stream, guint64 size)
{
  GInputStream *input = g_io_stream_get_input_stream (stream->connection->stream);
  g_autofree guint8 *block = g_malloc (BLOCK);

  while (size > 0)
    {
      gssize n = g_input_stream_read (
        input, block, MIN (size, BLOCK), stream->connection->cancellable, NULL);

      if (n <= 0)
        return FALSE;
      size -= n;
    }

  return TRUE;
}

static gboolean
raw_read_done (FaultStream *stream)
{
  return FALSE;
}

static gboolean
raw_silence (FaultStream *stream)
{
  return raw_read (stream, G_MAXUINT64);
}

static void
raw_show_certificate (FaultStream *stream, FaultCertificate which)
{
  stream->connection->certificate = which;
}

static const FaultStreamFuncs raw_funcs = {
  .head = raw_head,
  .await_next = raw_silence,
  .data = raw_data,
  .read = raw_read,
  .read_done = raw_read_done,
  .silence = raw_silence,
  .show_certificate = raw_show_certificate,
};

static gboolean
accept_certificate_cb (GTlsConnection *tls,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       gpointer user_data)
{
  return TRUE;
}

/* Returns the protocol that was agreed upon: "h2" or "http/1.1"; NULL when the handshake failed. */
static const char *
handshake (FaultConnection *self)
{
  static const char *const both[] = { "h2", "http/1.1", NULL };
  FaultServerFlags flags = fault_server_get_flags (self->server);
  g_autoptr (GIOStream) tls = NULL;
  const char *protocol;

  tls = g_tls_server_connection_new (
    self->stream, fault_server_get_certificate (self->server, self->certificate), NULL);
  if (tls == NULL)
    return NULL;
  if (flags & FAULT_SERVER_CLIENT_CERTIFICATE)
    {
      g_object_set (tls, "authentication-mode", G_TLS_AUTHENTICATION_REQUIRED, NULL);
      g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_certificate_cb), NULL);
    }
  /* without a close_notify it is for a script to say how a connection ends */
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls),
                                             flags & FAULT_SERVER_HTTP2 ? both : both + 1);
  /* Kept also when the handshake fails: GIO's thread that made it may let go of it later than we
   * do, and who is the last closes the socket, which must not be at the same time as end(). */
  g_set_object (&self->stream, tls);
  if (!g_tls_connection_handshake (G_TLS_CONNECTION (tls), self->cancellable, NULL))
    return NULL;

  protocol = g_tls_connection_get_negotiated_protocol (G_TLS_CONNECTION (tls));

  return g_strcmp0 (protocol, "h2") == 0 ? "h2" : "http/1.1";
}

/* An unread byte turns a close into an RST. But who sends without end must not put it off. */
static void
drain (GSocket *socket)
{
  guint8 block[BLOCK];
  gssize total = 0;
  gssize n;

  do
    {
      n = g_socket_receive_with_blocking (socket, (char *) block, sizeof block, FALSE, NULL, NULL);
      total += n;
    }
  while (n > 0 && total < MAX_DRAINED);
}

static void
end (FaultConnection *self)
{
  GSocket *socket = g_socket_connection_get_socket (self->raw);
  g_autoptr (GSocketConnection) raw = NULL;
  struct linger at_once = { 1, 0 };
  FaultEnd how;

  g_mutex_lock (&self->log->lock);
  how = self->end;
  raw = g_steal_pointer (&self->raw);
  g_mutex_unlock (&self->log->lock);

  if (how == FAULT_END_RESET)
    setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  else
    drain (socket);
  if (how == FAULT_END_CLOSE && G_IS_TLS_CONNECTION (self->stream))
    {
      /* a peer that reads nothing must not keep close_notify, and so this thread, for ever */
      g_socket_set_timeout (socket, 1);
      g_io_stream_close (self->stream, NULL, NULL);
    }
  g_socket_close (socket, NULL);
  g_clear_object (&self->stream);
  fault_log_connection_closed (self->log);
}

void
fault_connection_run (FaultConnection *self)
{
  GSocket *socket = g_socket_connection_get_socket (self->raw);
  FaultStream stream = { .funcs = &raw_funcs, .connection = self };
  const char *protocol = "http/1.1";

  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  if (self->script == NULL || fault_script_run (self->script, &stream))
    {
      if (fault_server_get_flags (self->server) & FAULT_SERVER_TLS)
        protocol = handshake (self);
      if (g_strcmp0 (protocol, "h2") == 0)
        fault_http2_run (self);
      else if (protocol != NULL)
        fault_http1_run (self);
    }
  end (self);

  g_mutex_lock (&self->log->lock);
  self->over = TRUE;
  g_mutex_unlock (&self->log->lock);
}
