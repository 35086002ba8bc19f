/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-private.h"

#define BACKLOG 1024
#define ANY_PATH ""
#define CERTS_FILE(name) FAULT_CERTS_DIR "/" name ".pem"

struct _FaultServer
{
  FaultServerFlags flags;
  FaultLog log;
  guint16 port;
  GSocket
    *reservation; /* bound, never listens: so the port stays ours while connects are refused */
  GTlsCertificate *certificate;

  /* the caller's threads, one at a time (control) */
  GMutex control;
  GSocket *listener;
  GThread *accepting;
  GCancellable *stop_accepting;
  int filler; /* a connection that fills the backlog; -1 = none */

  /* the log's lock */
  GPtrArray *connections;
  GHashTable *always;   /* path → script */
  GHashTable *once;     /* path → queue of scripts */
  GQueue on_connection; /* of scripts */
};

static void
script_queue_free (gpointer data)
{
  g_queue_free_full (data, (GDestroyNotify) g_ptr_array_unref);
}

static GSocket *
bind_socket (guint16 port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

  /* allow_reuse: the reservation and the listener share the port */
  if (socket == NULL || !g_socket_bind (socket, address, TRUE, &error))
    g_error ("bind: %s", error->message);

  return g_steal_pointer (&socket);
}

FaultServer *
fault_server_new (FaultServerFlags flags)
{
  FaultServer *self = g_new0 (FaultServer, 1);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  if (flags
      & (FAULT_SERVER_HTTP2 | FAULT_SERVER_EXPIRED | FAULT_SERVER_WRONG_HOST
         | FAULT_SERVER_CLIENT_CERTIFICATE))
    flags |= FAULT_SERVER_TLS;
  self->flags = flags;
  self->filler = -1;
  g_mutex_init (&self->control);
  fault_log_init (&self->log);
  self->connections = g_ptr_array_new ();
  self->always =
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->once = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, script_queue_free);
  if (flags & FAULT_SERVER_TLS)
    {
      const char *file = flags & FAULT_SERVER_EXPIRED      ? CERTS_FILE ("expired")
                         : flags & FAULT_SERVER_WRONG_HOST ? CERTS_FILE ("wrong-host")
                                                           : CERTS_FILE ("server");

      self->certificate = g_tls_certificate_new_from_file (file, &error);
      if (self->certificate == NULL)
        g_error ("certificate: %s", error->message);
    }

  self->reservation = bind_socket (0);
  address = g_socket_get_local_address (self->reservation, NULL);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  if (!(flags & FAULT_SERVER_REFUSING))
    fault_server_set_listening (self, TRUE);

  return self;
}

static gpointer
connection_thread (gpointer data)
{
  fault_connection_run (data);

  return NULL;
}

static gpointer
accept_thread (gpointer data)
{
  FaultServer *self = data;
  GSocket *socket;

  while ((socket = g_socket_accept (self->listener, self->stop_accepting, NULL)) != NULL)
    {
      FaultConnection *connection =
        fault_connection_new (self, &self->log, fault_log_add_connection (&self->log), socket);

      g_object_unref (socket);
      g_mutex_lock (&self->log.lock);
      g_ptr_array_add (self->connections, connection);
      connection->thread = g_thread_new ("fault-connection", connection_thread, connection);
      g_mutex_unlock (&self->log.lock);
    }

  return NULL;
}

/* With a backlog of 0 the kernel keeps one connection; a SYN beyond that gets no answer. */
static void
fill_backlog (FaultServer *self)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (self->port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  self->filler = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (self->filler < 0 || connect (self->filler, (struct sockaddr *) &address, sizeof address) != 0)
    g_error ("filling the backlog failed");
}

static void
listen_now (FaultServer *self)
{
  g_autoptr (GError) error = NULL;

  self->listener = bind_socket (self->port);
  g_socket_set_listen_backlog (self->listener,
                               self->flags & FAULT_SERVER_FULL_BACKLOG ? 0 : BACKLOG);
  if (!g_socket_listen (self->listener, &error))
    g_error ("listen: %s", error->message);
  if (self->flags & FAULT_SERVER_FULL_BACKLOG)
    {
      fill_backlog (self);
      return;
    }
  self->stop_accepting = g_cancellable_new ();
  self->accepting = g_thread_new ("fault-accept", accept_thread, self);
}

static void
stop_listening (FaultServer *self)
{
  if (self->stop_accepting != NULL)
    g_cancellable_cancel (self->stop_accepting);
  g_clear_pointer (&self->accepting, g_thread_join);
  g_clear_object (&self->stop_accepting);
  g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
  if (self->filler >= 0)
    close (self->filler);
  self->filler = -1;
}

void
fault_server_set_listening (FaultServer *self, gboolean listening)
{
  g_mutex_lock (&self->control);
  if (listening && self->listener == NULL)
    listen_now (self);
  else if (!listening && self->listener != NULL)
    stop_listening (self);
  g_mutex_unlock (&self->control);
}

void
fault_server_free (FaultServer *self)
{
  if (self == NULL)
    return;

  fault_server_set_listening (self, FALSE);
  fault_log_close (&self->log);
  /* no thread adds to the list any more */
  for (guint i = 0; i < self->connections->len; i++)
    g_cancellable_cancel (((FaultConnection *) self->connections->pdata[i])->cancellable);
  for (guint i = 0; i < self->connections->len; i++)
    {
      FaultConnection *connection = self->connections->pdata[i];

      g_thread_join (connection->thread);
      fault_connection_free (connection);
    }
  g_ptr_array_unref (self->connections);
  g_hash_table_unref (self->always);
  g_hash_table_unref (self->once);
  g_queue_clear_full (&self->on_connection, (GDestroyNotify) g_ptr_array_unref);
  g_socket_close (self->reservation, NULL);
  g_object_unref (self->reservation);
  g_clear_object (&self->certificate);
  fault_log_clear (&self->log);
  g_mutex_clear (&self->control);
  g_free (self);
}

char *
fault_server_uri_at (FaultServer *self, const char *host, const char *path)
{
  return g_strdup_printf ("%s://%s:%u%s", self->flags & FAULT_SERVER_TLS ? "https" : "http", host,
                          self->port, path);
}

char *
fault_server_uri (FaultServer *self, const char *path)
{
  return fault_server_uri_at (self, "127.0.0.1", path);
}

guint16
fault_server_get_port (FaultServer *self)
{
  return self->port;
}

const char *
fault_server_get_ca_file (void)
{
  return CERTS_FILE ("ca");
}

const char *
fault_server_get_client_file (void)
{
  return CERTS_FILE ("client");
}

FaultServerFlags
fault_server_get_flags (FaultServer *self)
{
  return self->flags;
}

FaultLog *
fault_server_get_log (FaultServer *self)
{
  return &self->log;
}

GTlsCertificate *
fault_server_get_certificate (FaultServer *self)
{
  return self->certificate;
}

static FaultScript *
collect (va_list steps)
{
  FaultScript *script = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_step_free);
  FaultStep *step;

  while ((step = va_arg (steps, FaultStep *)) != NULL)
    g_ptr_array_add (script, step);

  return script;
}

void
fault_server_on (FaultServer *self, const char *path, ...)
{
  FaultScript *script;
  va_list steps;

  va_start (steps, path);
  script = collect (steps);
  va_end (steps);

  g_mutex_lock (&self->log.lock);
  g_hash_table_replace (self->always, g_strdup (path != NULL ? path : ANY_PATH), script);
  g_mutex_unlock (&self->log.lock);
}

void
fault_server_next (FaultServer *self, const char *path, ...)
{
  FaultScript *script;
  GQueue *queue;
  va_list steps;

  va_start (steps, path);
  script = collect (steps);
  va_end (steps);

  path = path != NULL ? path : ANY_PATH;
  g_mutex_lock (&self->log.lock);
  queue = g_hash_table_lookup (self->once, path);
  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_hash_table_insert (self->once, g_strdup (path), queue);
    }
  g_queue_push_tail (queue, script);
  g_mutex_unlock (&self->log.lock);
}

void
fault_server_next_connection (FaultServer *self, ...)
{
  FaultScript *script;
  va_list steps;

  va_start (steps, self);
  script = collect (steps);
  va_end (steps);

  g_mutex_lock (&self->log.lock);
  g_queue_push_tail (&self->on_connection, script);
  g_mutex_unlock (&self->log.lock);
}

FaultScript *
fault_server_take_connection_script (FaultServer *self)
{
  FaultScript *script;

  g_mutex_lock (&self->log.lock);
  script = g_queue_pop_head (&self->on_connection);
  g_mutex_unlock (&self->log.lock);

  return script;
}

/* The lock is held. */
static FaultScript *
find_script (FaultServer *self, const char *path)
{
  GQueue *queue = g_hash_table_lookup (self->once, path);
  FaultScript *script;

  if (queue != NULL && queue->length > 0)
    return g_queue_pop_head (queue);
  queue = g_hash_table_lookup (self->once, ANY_PATH);
  if (queue != NULL && queue->length > 0)
    return g_queue_pop_head (queue);
  script = g_hash_table_lookup (self->always, path);
  if (script == NULL)
    script = g_hash_table_lookup (self->always, ANY_PATH);

  return script != NULL ? g_ptr_array_ref (script) : NULL;
}

FaultScript *
fault_server_take_script (FaultServer *self, const char *path)
{
  g_autofree char *plain = g_strndup (path, strcspn (path, "?"));
  FaultScript *script;

  g_mutex_lock (&self->log.lock);
  script = find_script (self, plain);
  g_mutex_unlock (&self->log.lock);
  if (script == NULL)
    {
      script = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_step_free);
      g_ptr_array_add (script, fault_answer (404, NULL, "no script"));
    }

  return script;
}

void
fault_server_disconnect (FaultServer *self)
{
  g_mutex_lock (&self->log.lock);
  for (guint i = 0; i < self->connections->len; i++)
    {
      FaultConnection *connection = self->connections->pdata[i];

      if (connection->raw != NULL)
        g_socket_shutdown (g_socket_connection_get_socket (connection->raw), TRUE, TRUE, NULL);
    }
  g_mutex_unlock (&self->log.lock);
}
