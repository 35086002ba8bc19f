/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Knows the connections of one session by the ids that libsoup gives them: who is on them, which
 * are idle, fresh or lost. It owns the table, under its lock, and none of the sockets, which are
 * libsoup's. Any thread; the sources that hear of a peer that closes run in the context of the
 * connection. */

#include "config.h"

#include "resilient-connections-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#ifdef HAVE_SIOCOUTQ
#include <linux/sockios.h>
#endif

#include "resilient-clock-private.h"
#include "resilient-origin-key-private.h"

/* How long after an answer a connection still counts as one on which a request is not lost: less
 * than servers keep one open, and than middle boxes take to forget one. */
#define FRESH_TIME (2 * G_USEC_PER_SEC)

/* The peer will send no more (FIN). */
#ifdef POLLRDHUP
#define PEER_CLOSED POLLRDHUP
#else
#define PEER_CLOSED 0
#endif

typedef struct
{
  guint64 id;
  GUri *uri; /* of the first request */
  GWeakRef socket;
  GWeakRef stream;
  GWeakRef tap;               /* belongs to what reads from it */
  ResilientHttp2Input *input; /* nullable */
  gboolean http2;
  guint n_requests;
  guint n_sharing;  /* of our requests that are on it now */
  gboolean claimed; /* one of our requests is expected to take it */
  gboolean lost;    /* the peer has closed it */
  gint64 active_at; /* when it was opened, or served; boot-time clock */
} Connection;

struct _ResilientConnections
{
  GMutex lock;
  GHashTable *table; /* under the lock: id → Connection */
  guint purge_at;    /* under the lock: the length at which dead ones are swept out */
  guint n_foreign;   /* under the lock: messages of the app's own in the session */
  gboolean watched;  /* under the lock: there may be such */
  gboolean
    seen_foreign;  /* under the lock: there were some, who may have taken connections for good */
  guint n_pending; /* under the lock: requests of ours whose connection is not known yet */
  GRecMutex lost_lock;          /* held while @lost runs, which may clear it; outside of the lock */
  ResilientConnectionLost lost; /* under that; nullable */
  gpointer lost_data;
};

#define PURGE_MIN 32

/* clang-format off */
static G_DEFINE_QUARK (resilient-own-message, own_message)
static G_DEFINE_QUARK (resilient-watch, watch)
  /* clang-format on */

  static void connection_free (gpointer data)
{
  Connection *connection = data;

  g_weak_ref_clear (&connection->socket);
  g_weak_ref_clear (&connection->stream);
  g_weak_ref_clear (&connection->tap);
  g_clear_object (&connection->input);
  g_uri_unref (connection->uri);
  g_free (connection);
}

ResilientConnections *
resilient_connections_new (void)
{
  ResilientConnections *self = g_atomic_rc_box_new0 (ResilientConnections);

  g_mutex_init (&self->lock);
  g_rec_mutex_init (&self->lost_lock);
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
  g_rec_mutex_clear (&self->lost_lock);
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

GSocket *
resilient_socket_find (GIOStream *stream)
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

static gboolean
is_http2 (GIOStream *stream)
{
  return G_IS_TLS_CONNECTION (stream)
         && g_strcmp0 (g_tls_connection_get_negotiated_protocol (G_TLS_CONNECTION (stream)), "h2")
              == 0;
}

/* --- the peer closes a connection ------------------------------------------------------------- */

typedef struct
{
  ResilientConnections *connections; /* a reference */
  guint64 id;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  resilient_connections_unref (watch->connections);
  g_free (watch);
}

/* Nobody can be using it, or be about to: neither we nor the app, whose messages may have taken it
 * out of the session altogether. */
static gboolean
is_idle_locked (ResilientConnections *self, Connection *connection)
{
  return connection->n_sharing == 0 && !connection->claimed && self->n_pending == 0
         && !self->seen_foreign;
}

/* libsoup drops it when it looks at it next. A connection of HTTP/2 is read from all the time, and
 * ends in good order; one of HTTP/1 would stay half open until then. */
static void
close_locked (Connection *connection)
{
  g_autoptr (GSocket) socket = g_weak_ref_get (&connection->socket);

  if (socket == NULL)
    return;
  if (connection->http2)
    g_socket_shutdown (socket, TRUE, TRUE, NULL);
  else
    g_socket_close (socket, NULL);
}

/* What is called has its data until it returns: another thread that clears it waits for that. */
static gboolean
lost_cb (int fd, GIOCondition condition, gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientConnections) self = resilient_connections_ref (watch->connections);
  Connection *connection;
  gboolean was_open;

  g_rec_mutex_lock (&self->lost_lock);
  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &watch->id);
  was_open = connection != NULL && !is_gone (NULL, connection, NULL);
  if (was_open)
    connection->lost = TRUE;
  if (was_open && self->lost == NULL && is_idle_locked (self, connection))
    close_locked (connection);
  g_mutex_unlock (&self->lock);
  if (was_open && self->lost != NULL)
    self->lost (self->lost_data);
  g_rec_mutex_unlock (&self->lost_lock);
  return G_SOURCE_REMOVE;
}

static void
destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* libsoup looks at a connection that is idle when it wants to use it, and keeps one until then that
 * the peer has closed. Over HTTP/2 it reads all the time. The source lives no longer than the
 * socket. */
static void
watch (ResilientConnections *self, guint64 id, GSocket *socket, GIOStream *stream)
{
  Watch *watch;
  GSource *source;

  if (PEER_CLOSED == 0 || is_http2 (stream))
    return;
  watch = g_new (Watch, 1);
  watch->connections = resilient_connections_ref (self);
  watch->id = id;
  source = g_unix_fd_source_new (g_socket_get_fd (socket), PEER_CLOSED);
  g_source_set_callback (source, G_SOURCE_FUNC (lost_cb), watch, watch_free);
  g_source_set_static_name (source, "[resilient-client] connection");
  g_source_attach (source, g_main_context_get_thread_default ());
  g_object_set_qdata_full (G_OBJECT (socket), watch_quark (), source, destroy_source);
}

void
resilient_connections_set_lost_func (ResilientConnections *self,
                                     ResilientConnectionLost func,
                                     gpointer data)
{
  g_rec_mutex_lock (&self->lost_lock);
  self->lost = func;
  self->lost_data = data;
  g_rec_mutex_unlock (&self->lost_lock);
}

/* --- use -------------------------------------------------------------------------------------- */

static void
add (ResilientConnections *self,
     guint64 id,
     GUri *uri,
     GIOStream *stream,
     int io_priority,
     ResilientPace *pace,
     gboolean foreign)
{
  g_autoptr (GSocket) socket = resilient_socket_find (stream);
  Connection *connection;

  if (socket == NULL || id == 0)
    return;

  connection = g_new0 (Connection, 1);
  connection->id = id;
  connection->uri = g_uri_ref (uri);
  connection->active_at = resilient_clock_get_boot ();
  g_weak_ref_init (&connection->socket, socket);
  g_weak_ref_init (&connection->stream, stream);
  g_weak_ref_init (&connection->tap, NULL);
  connection->n_requests = foreign;
  if (is_http2 (stream))
    connection->input = resilient_http2_input_new (stream, socket, io_priority, pace);
  g_mutex_lock (&self->lock);
  if (self->watched && connection->input != NULL)
    resilient_http2_frames_set_shared (resilient_http2_input_get_frames (connection->input));
  purge_locked (self);
  g_hash_table_replace (self->table, &connection->id, connection);
  g_mutex_unlock (&self->lock);
  watch (self, id, socket, stream);
}

void
resilient_connections_add (ResilientConnections *self,
                           guint64 id,
                           GUri *uri,
                           GIOStream *stream,
                           int io_priority,
                           ResilientPace *pace)
{
  add (self, id, uri, stream, io_priority, pace, FALSE);
}

GSocket *
resilient_connections_use (ResilientConnections *self, guint64 id, gboolean http2, gboolean *reused)
{
  GSocket *socket = NULL;
  Connection *connection;

  *reused = TRUE;
  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    {
      *reused = connection->n_requests++ > 0;
      connection->http2 = http2;
      socket = g_weak_ref_get (&connection->socket);
    }
  g_mutex_unlock (&self->lock);
  return socket;
}

ResilientTap *
resilient_connections_get_tap (ResilientConnections *self, guint64 id)
{
  ResilientTap *tap = NULL;
  g_autoptr (GIOStream) stream = NULL;
  Connection *connection;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    tap = g_weak_ref_get (&connection->tap);
  if (connection != NULL && tap == NULL)
    {
      stream = g_weak_ref_get (&connection->stream);
      if (stream != NULL)
        {
          tap = resilient_tap_new (stream);
          g_weak_ref_set (&connection->tap, tap);
        }
    }
  g_mutex_unlock (&self->lock);
  return tap;
}

GIOStream *
resilient_connections_dup_stream (ResilientConnections *self, guint64 id)
{
  GIOStream *stream = NULL;
  Connection *connection;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    stream = g_weak_ref_get (&connection->stream);
  g_mutex_unlock (&self->lock);
  return stream;
}

ResilientHttp2Input *
resilient_connections_get_input (ResilientConnections *self, guint64 id)
{
  ResilientHttp2Input *input = NULL;
  Connection *connection;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL && connection->input != NULL)
    input = g_object_ref (connection->input);
  g_mutex_unlock (&self->lock);
  return input;
}

void
resilient_connections_note_foreign (ResilientConnections *self, guint64 id)
{
  g_autoptr (ResilientHttp2Input) input = resilient_connections_get_input (self, id);

  if (input != NULL)
    resilient_http2_frames_note_foreign (resilient_http2_input_get_frames (input));
}

gboolean
resilient_connections_settle (ResilientConnections *self)
{
  GHashTableIter iter;
  Connection *connection;
  gboolean open = FALSE, lost = FALSE;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &connection))
    {
      if (is_gone (NULL, connection, NULL))
        continue;
      open = TRUE;
      lost = lost || connection->lost;
      connection->active_at = resilient_clock_get_boot ();
    }
  g_mutex_unlock (&self->lock);
  return open && !lost;
}

void
resilient_connections_served (ResilientConnections *self, guint64 id)
{
  Connection *connection;

  g_mutex_lock (&self->lock);
  connection = g_hash_table_lookup (self->table, &id);
  if (connection != NULL)
    connection->active_at = resilient_clock_get_boot ();
  g_mutex_unlock (&self->lock);
}

/* --- what the next request may use ------------------------------------------------------------ */

/* libsoup looks at the newest first, and takes the first one that is idle, or of HTTP/2. */
static Connection *
find_next_locked (ResilientConnections *self, GUri *uri)
{
  GHashTableIter iter;
  Connection *connection, *next = NULL;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &connection))
    if ((next == NULL || connection->id > next->id)
        && (connection->http2 || (connection->n_sharing == 0 && !connection->claimed))
        && resilient_origin_key_equal (connection->uri, uri) && !is_gone (NULL, connection, NULL))
      next = connection;
  return next;
}

/* A peer that has closed shows it, and on HTTP/1 nobody has anything to say between two answers. */
static gboolean
is_silent (GSocket *socket, gboolean http2)
{
  GPollFD poll = {
    .fd = g_socket_get_fd (socket),
    .events = PEER_CLOSED | (http2 ? 0 : G_IO_IN),
  };

  return poll.fd >= 0 && g_poll (&poll, 1, 0) == 0;
}

static gboolean
is_fresh_locked (Connection *connection)
{
  g_autoptr (GSocket) socket = g_weak_ref_get (&connection->socket);
  gint64 age = resilient_clock_get_boot () - connection->active_at;
  gint64 heard;

  /* a stream that goes on for long is a sign of life as good as an answer */
  if (socket != NULL && age > FRESH_TIME && connection->http2 && !resilient_clock_is_virtual ()
      && resilient_socket_get_last_receive (socket, &heard))
    age = heard;
  return socket != NULL && age <= FRESH_TIME && !connection->lost
         && is_silent (socket, connection->http2);
}

gboolean
resilient_connections_is_fresh (ResilientConnections *self, GUri *uri)
{
  Connection *next;
  gboolean fresh;

  g_mutex_lock (&self->lock);
  next = find_next_locked (self, uri);
  fresh = next != NULL && is_fresh_locked (next);
  g_mutex_unlock (&self->lock);
  return fresh;
}

guint64
resilient_connections_claim (ResilientConnections *self, GUri *uri, gboolean *fresh)
{
  guint64 claim = 0;
  Connection *next;

  g_mutex_lock (&self->lock);
  next = find_next_locked (self, uri);
  if (fresh != NULL)
    *fresh = next != NULL && is_fresh_locked (next);
  if (next != NULL && fresh != NULL && !*fresh)
    {
      if (is_idle_locked (self, next))
        close_locked (next);
    }
  else if (next != NULL && !next->http2)
    {
      next->claimed = TRUE;
      claim = next->id;
    }
  self->n_pending++;
  g_mutex_unlock (&self->lock);
  return claim;
}

void
resilient_connections_release (ResilientConnections *self, guint64 claim)
{
  Connection *connection;

  g_mutex_lock (&self->lock);
  self->n_pending--;
  connection = claim != 0 ? g_hash_table_lookup (self->table, &claim) : NULL;
  if (connection != NULL)
    connection->claimed = FALSE;
  g_mutex_unlock (&self->lock);
}

static int
compare_activity (gconstpointer a, gconstpointer b)
{
  const Connection *first = *(const Connection *const *) a;
  const Connection *second = *(const Connection *const *) b;

  return (first->active_at > second->active_at) - (first->active_at < second->active_at);
}

static guint
count_origin (GPtrArray *connections, guint from)
{
  const Connection *first = g_ptr_array_index (connections, from);
  guint n = 0;

  for (guint i = from; i < connections->len; i++)
    n += resilient_origin_key_equal (
      first->uri, ((const Connection *) g_ptr_array_index (connections, i))->uri);
  return n;
}

void
resilient_connections_trim (ResilientConnections *self, guint per_origin, guint in_all)
{
  g_autoptr (GPtrArray) idle = NULL;
  GHashTableIter iter;
  Connection *connection;

  g_mutex_lock (&self->lock);
  if (g_hash_table_size (self->table) > per_origin)
    {
      idle = g_ptr_array_new ();
      g_hash_table_iter_init (&iter, self->table);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &connection))
        if (is_idle_locked (self, connection) && !is_gone (NULL, connection, NULL))
          g_ptr_array_add (idle, connection);
      g_ptr_array_sort (idle, compare_activity);
    }
  for (guint i = 0; idle != NULL && i < idle->len; i++)
    {
      connection = g_ptr_array_index (idle, i);
      if (idle->len - i <= in_all && count_origin (idle, i) <= per_origin)
        continue;
      close_locked (connection);
    }
  g_mutex_unlock (&self->lock);
}

void
resilient_connections_hang_up (ResilientConnections *self, gboolean all)
{
  GHashTableIter iter;
  Connection *connection;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &connection))
    {
      g_autoptr (GSocket) socket = g_weak_ref_get (&connection->socket);
      guint unsent;

      if (socket != NULL && !g_socket_is_closed (socket) && (all || !connection->http2)
          && (all || !resilient_socket_get_unsent (socket, &unsent) || unsent > 0))
        g_socket_shutdown (socket, TRUE, TRUE, NULL);
    }
  g_mutex_unlock (&self->lock);
}

/* --- who is on it ----------------------------------------------------------------------------- */

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

static gboolean
is_foreign (SoupMessage *message)
{
  return g_object_get_qdata (G_OBJECT (message), own_message_quark ()) == NULL;
}

static void
count_foreign (ResilientConnections *self, SoupMessage *message, int change)
{
  if (!is_foreign (message))
    return;
  g_mutex_lock (&self->lock);
  /* one that was queued before we watched may leave */
  if (change > 0 || self->n_foreign > 0)
    self->n_foreign += change;
  self->seen_foreign = TRUE;
  g_mutex_unlock (&self->lock);
}

static void
foreign_network_event_cb (SoupMessage *message,
                          GSocketClientEvent event,
                          GIOStream *stream,
                          gpointer data)
{
  if (event == G_SOCKET_CLIENT_COMPLETE && stream != NULL && is_http2 (stream))
    add (data,
         soup_message_get_connection_id (message),
         soup_message_get_uri (message),
         stream,
         G_PRIORITY_DEFAULT,
         NULL,
         TRUE);
}

static void
foreign_starting_cb (SoupMessage *message, gpointer data)
{
  resilient_connections_note_foreign (data, soup_message_get_connection_id (message));
}

static void
unref_closure (gpointer data, GClosure *closure)
{
  resilient_connections_unref (data);
}

static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  count_foreign (data, message, 1);
  if (!is_foreign (message))
    return;
  g_signal_connect_data (message,
                         "network-event",
                         G_CALLBACK (foreign_network_event_cb),
                         resilient_connections_ref (data),
                         unref_closure,
                         0);
  g_signal_connect_data (message,
                         "starting",
                         G_CALLBACK (foreign_starting_cb),
                         resilient_connections_ref (data),
                         unref_closure,
                         0);
}

static void
unqueued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  count_foreign (data, message, -1);
  if (!is_foreign (message))
    return;
  g_signal_handlers_disconnect_by_data (message, data);
}

void
resilient_connections_watch (ResilientConnections *self, SoupSession *session)
{
  g_mutex_lock (&self->lock);
  self->watched = TRUE;
  g_mutex_unlock (&self->lock);
  g_signal_connect_data (session,
                         "request-queued",
                         G_CALLBACK (queued_cb),
                         resilient_connections_ref (self),
                         unref_closure,
                         0);
  g_signal_connect_data (session,
                         "request-unqueued",
                         G_CALLBACK (unqueued_cb),
                         resilient_connections_ref (self),
                         unref_closure,
                         0);
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

#if defined(TCP_INFO) && defined(__linux__)
/* As Linux 4.1 and later give it; the C library's knows only the first part. */
typedef struct
{
  struct tcp_info info;
  guint64 pacing_rate;
  guint64 max_pacing_rate;
  guint64 bytes_acked;
  guint64 bytes_received;
} LongTcpInfo;

G_STATIC_ASSERT (G_STRUCT_OFFSET (LongTcpInfo, bytes_received) == 128);
#endif

gboolean
resilient_socket_get_received (GSocket *socket, guint64 *bytes)
{
#if defined(TCP_INFO) && defined(__linux__)
  LongTcpInfo info;
  int fd = g_socket_get_fd (socket);
  socklen_t length = sizeof info;

  if (fd >= 0 && getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0
      && length >= sizeof info)
    {
      *bytes = info.bytes_received;
      return TRUE;
    }
#endif
  return FALSE;
}

gsize
resilient_socket_get_unread (GSocket *socket)
{
  gssize n = g_socket_get_available_bytes (socket);

  return n > 0 ? (gsize) n : 0;
}

gboolean
resilient_socket_has_room (GSocket *socket)
{
  return !g_socket_is_closed (socket)
         && (g_socket_condition_check (socket, G_IO_OUT) & (G_IO_OUT | G_IO_ERR | G_IO_HUP))
              == G_IO_OUT;
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
