/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One connection of the misbehaving server: its bytes, TLS over it, and its end. It owns the socket
 * and its streams. In the thread that serves it, but for what others may ask of it. */

#include "config.h"

#include "fault-connection-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define BLOCK 16384
#define MAX_DRAINED (1024 * BLOCK)

struct _FaultConnection
{
  FaultLog *log; /* set once, as are the next two */
  guint number;
  GCancellable *cancellable; /* for any thread */
  FaultEnd end;              /* the log's lock, as the next */
  guint busy;                /* requests that are being served */
  GSocketConnection *raw; /* the log's lock for shutting down and the end; else the thread's own */
  GIOStream *stream;      /* raw, or TLS over it */
  GByteArray *input;      /* read, not yet used */
};

FaultConnection *
fault_connection_new (FaultLog *log, guint number, GSocket *socket)
{
  FaultConnection *self = g_new0 (FaultConnection, 1);

  self->log = log;
  self->number = number;
  self->cancellable = g_cancellable_new ();
  self->input = g_byte_array_new ();
  self->raw = g_socket_connection_factory_create_connection (socket);
  self->stream = g_object_ref (G_IO_STREAM (self->raw));
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);

  return self;
}

void
fault_connection_free (FaultConnection *self)
{
  g_clear_object (&self->stream);
  g_clear_object (&self->raw);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->input);
  g_free (self);
}

guint
fault_connection_get_number (FaultConnection *self)
{
  return self->number;
}

FaultLog *
fault_connection_get_log (FaultConnection *self)
{
  return self->log;
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

gboolean
fault_connection_fill_to (FaultConnection *self, gsize size)
{
  while (self->input->len < size)
    if (!fault_connection_fill (self))
      return FALSE;

  return TRUE;
}

const guint8 *
fault_connection_peek (FaultConnection *self, gsize *size)
{
  *size = self->input->len;

  return self->input->data;
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

gboolean
fault_connection_discard (FaultConnection *self, guint64 size)
{
  GInputStream *input = g_io_stream_get_input_stream (self->stream);
  g_autofree guint8 *block = g_malloc (BLOCK);

  while (size > 0)
    {
      gssize n = g_input_stream_read (input, block, MIN (size, BLOCK), self->cancellable, NULL);

      if (n <= 0)
        return FALSE;
      size -= n;
    }

  return TRUE;
}

void
fault_connection_cancel (FaultConnection *self)
{
  g_cancellable_cancel (self->cancellable);
}

void
fault_connection_stop (FaultConnection *self, FaultEnd how)
{
  g_mutex_lock (&self->log->lock);
  self->end = how;
  g_mutex_unlock (&self->log->lock);
  g_cancellable_cancel (self->cancellable);
}

void
fault_connection_shut_down (FaultConnection *self, gboolean idle_only)
{
  if (self->raw != NULL && (!idle_only || self->busy == 0))
    g_socket_shutdown (g_socket_connection_get_socket (self->raw), TRUE, TRUE, NULL);
}

static gboolean
accept_certificate_cb (GTlsConnection *tls,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       gpointer user_data)
{
  return TRUE;
}

const char *
fault_connection_handshake (FaultConnection *self,
                            GTlsCertificate *certificate,
                            gboolean ask,
                            gboolean offer_http2)
{
  static const char *const both[] = { "h2", "http/1.1", NULL };
  g_autoptr (GIOStream) tls = NULL;
  const char *protocol;

  tls = g_tls_server_connection_new (self->stream, certificate, NULL);
  if (tls == NULL)
    return NULL;
  if (ask)
    {
      g_object_set (tls, "authentication-mode", G_TLS_AUTHENTICATION_REQUIRED, NULL);
      g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_certificate_cb), NULL);
    }
  /* without a close_notify it is for a script to say how a connection ends */
  g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), offer_http2 ? both : both + 1);
  /* Kept also when the handshake fails: GIO's thread that made it may let go of it later than we
   * do, and who is the last closes the socket, which must not be at the same time as close(). */
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

void
fault_connection_close (FaultConnection *self)
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
