/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-connections-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef HAVE_SIOCOUTQ
#include <linux/sockios.h>
#endif

typedef struct
{
  guint64 id;
  GWeakRef socket;
  guint n_requests;
  guint n_sharing; /* of our requests that are on it now */
} Connection;

struct _ResilientConnections
{
  GMutex lock;
  GHashTable *table;     /* under the lock: id → Connection */
  guint purge_at;        /* under the lock: the length at which dead ones are swept out */
  guint n_foreign;       /* under the lock: messages of the app's own in the session */
};

#define PURGE_MIN 32

static G_DEFINE_QUARK (resilient-own-message, own_message)

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  g_weak_ref_clear (&connection->socket);
  g_free (connection);
}

ResilientConnections *
resilient_connections_new (void)
{
  ResilientConnections *self = g_atomic_rc_box_new0 (ResilientConnections);

  g_mutex_init (&self->lock);
  self->table = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, connection_free);
  self->purge_at = PURGE_MIN;
  return self;
}

ResilientConnections *
resilient_connections_ref (ResilientConnections *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
connections_clear (gpointer data)
{
  ResilientConnections *self = data;

  g_hash_table_unref (self->table);
  g_mutex_clear (&self->lock);
}

void
resilient_connections_unref (ResilientConnections *self)
{
  g_atomic_rc_box_release_full (self, connections_clear);
}

static gboolean
is_gone (gpointer key, gpointer value, gpointer data)
{
  g_autoptr (GSocket) socket = g_weak_ref_get (&((Connection *) value)->socket);

  return socket == NULL || g_socket_is_closed (socket);
}

/* Swept when the table has doubled, so that each connection pays for a constant part of it. */
static void
purge_locked (ResilientConnections *self)
{
  if (g_hash_table_size (self->table) < self->purge_at)
    return;
  g_hash_table_foreach_remove (self->table, is_gone, NULL);
  self->purge_at = MAX (PURGE_MIN, 2 * g_hash_table_size (self->table));
}

static GSocket *
find_socket (GIOStream *stream)
{
  g_autoptr (GIOStream) base = g_object_ref (stream);

  while (G_IS_TLS_CONNECTION (base))
    {
      GIOStream *inner = NULL;

      g_object_get (base, "base-io-stream", &inner, NULL);
      g_object_unref (base);
      base = inner;
    }
  if (base == NULL || !G_IS_SOCKET_CONNECTION (base))
    return NULL;
  return g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)));
}

void
resilient_connections_add (ResilientConnections *self, guint64 id, GIOStream *stream)
{
  g_autoptr (GSocket) socket = find_socket (stream);
  Connection *connection;

  if (socket == NULL || id == 0)
    return;

  connection = g_new0 (Connection, 1);
  connection->id = id;
  g_weak_ref_init (&connection->socket, socket);
  g_mutex_lock (&self->lock);
  purge_locked (self);
  g_hash_table_replace (self->table, &connection->id, connection);
  g_mutex_unlock (&self->lock);
}

GSocket *
resilient_connections_use (ResilientConnections *self, guint64 id, gboolean *reused)
{
  GSocket *socket = NULL;
  Connection *connection;

  *reused = TRUE;
  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    {
      *reused = connection->n_requests++ > 0;
      socket = g_weak_ref_get (&connection->socket);
    }
  g_mutex_unlock (&self->lock);
  return socket;
}

static void
share (ResilientConnections *self, guint64 id, int change)
{
  Connection *connection;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    connection->n_sharing += change;
  g_mutex_unlock (&self->lock);
}

void
resilient_connections_join (ResilientConnections *self, guint64 id)
{
  share (self, id, 1);
}

void
resilient_connections_leave (ResilientConnections *self, guint64 id)
{
  share (self, id, -1);
}

gboolean
resilient_connections_is_deserted (ResilientConnections *self, guint64 id)
{
  Connection *connection;
  gboolean deserted;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  deserted = connection != NULL && connection->n_sharing == 0 && self->n_foreign == 0;
  g_mutex_unlock (&self->lock);
  return deserted;
}

static void
count_foreign (ResilientConnections *self, SoupMessage *message, int change)
{
  if (g_object_get_qdata (G_OBJECT (message), own_message_quark ()) != NULL)
    return;
  g_mutex_lock (&self->lock);
  /* one that was queued before we watched may leave */
  if (change > 0 || self->n_foreign > 0)
    self->n_foreign += change;
  g_mutex_unlock (&self->lock);
}

static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  count_foreign (data, message, 1);
}

static void
unqueued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  count_foreign (data, message, -1);
}

static void
unref_closure (gpointer data, GClosure *closure)
{
  resilient_connections_unref (data);
}

void
resilient_connections_watch (ResilientConnections *self, SoupSession *session)
{
  g_signal_connect_data (session, "request-queued", G_CALLBACK (queued_cb),
                         resilient_connections_ref (self), unref_closure, 0);
  g_signal_connect_data (session, "request-unqueued", G_CALLBACK (unqueued_cb),
                         resilient_connections_ref (self), unref_closure, 0);
}

void
resilient_connections_unwatch (ResilientConnections *self, SoupSession *session)
{
  g_signal_handlers_disconnect_by_data (session, self);
}

void
resilient_connections_mark (SoupMessage *message)
{
  g_object_set_qdata (G_OBJECT (message), own_message_quark (), GINT_TO_POINTER (TRUE));
}

gboolean
resilient_connections_any_open (ResilientConnections *self)
{
  gboolean open;

  g_mutex_lock (&self->lock);
  g_hash_table_foreach_remove (self->table, is_gone, NULL);
  open = g_hash_table_size (self->table) > 0;
  g_mutex_unlock (&self->lock);
  return open;
}

guint
resilient_connections_get_length (ResilientConnections *self)
{
  guint length;

  g_mutex_lock (&self->lock);
  length = g_hash_table_size (self->table);
  g_mutex_unlock (&self->lock);
  return length;
}

gboolean
resilient_socket_get_unsent (GSocket *socket, guint *bytes)
{
#ifdef HAVE_SIOCOUTQ
  int value = 0;
  int fd = g_socket_get_fd (socket);
  GSocketFamily family = g_socket_get_family (socket);

  /* For TCP: everything between what was written and what was acknowledged. Other families count
   * otherwise. */
  if (fd < 0 || (family != G_SOCKET_FAMILY_IPV4 && family != G_SOCKET_FAMILY_IPV6)
      || ioctl (fd, SIOCOUTQ, &value) != 0 || value < 0)
    return FALSE;
  *bytes = (guint) value;
  return TRUE;
#else
  return FALSE;
#endif
}

#ifdef TCP_INFO
static gboolean
get_tcp_info (GSocket *socket, struct tcp_info *info)
{
  int fd = g_socket_get_fd (socket);
  socklen_t length = sizeof *info;

  return fd >= 0 && getsockopt (fd, IPPROTO_TCP, TCP_INFO, info, &length) == 0
         && length >= G_STRUCT_OFFSET (struct tcp_info, tcpi_last_ack_recv)
                        + sizeof info->tcpi_last_ack_recv;
}
#endif

gboolean
resilient_socket_get_last_ack (GSocket *socket, gint64 *age)
{
#if defined(TCP_INFO) && defined(__linux__)
  struct tcp_info info;

  if (get_tcp_info (socket, &info))
    {
      *age = (gint64) info.tcpi_last_ack_recv * 1000;
      return TRUE;
    }
#endif
  return FALSE;
}

gboolean
resilient_socket_get_last_receive (GSocket *socket, gint64 *age)
{
#if defined(TCP_INFO) && defined(__linux__)
  struct tcp_info info;

  if (get_tcp_info (socket, &info))
    {
      *age = (gint64) info.tcpi_last_data_recv * 1000;
      return TRUE;
    }
#endif
  return FALSE;
}

gboolean
resilient_socket_is_dead (GSocket *socket)
{
  char byte;
  gssize n;
  int fd = g_socket_get_fd (socket);

  if (fd < 0)
    return TRUE;
  do
    n = recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}
