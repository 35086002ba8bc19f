/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

/* A proxy that puts a port of 127.0.0.1 further away: bytes take so many milliseconds in each
 * direction. A connection is there at once, since the kernel makes it, but its first bytes are held
 * back as long as a round trip, which is when a client so far away could have sent them.
 *
 * bench-delay PORT MILLISECONDS prints its own port, and serves until it is killed. */

typedef struct _Pair Pair;

/* One direction of a connection. */
typedef struct
{
  Pair *pair;
  GSocket *from;
  GSocket *to;
  gint64 last_at; /* when what was read last arrives: later bytes don't overtake */
} Way;

struct _Pair
{
  int n_refs; /* ways that read, and bytes on their way */
  gint64 ready_at;
  Way out;
  Way back;
};

/* Bytes on their way; none: the end. */
typedef struct
{
  Way *way;
  GBytes *bytes;
  gsize sent;
} Parcel;

static GSocketAddress *target;
static guint delay_ms;

static void
pair_unref (Pair *pair)
{
  if (--pair->n_refs > 0)
    return;
  g_object_unref (pair->out.from);
  g_object_unref (pair->out.to);
  g_free (pair);
}

static gboolean
arrive_cb (gpointer user_data)
{
  Parcel *parcel = user_data;
  GSocket *to = parcel->way->to;
  gsize size;
  const char *data = g_bytes_get_data (parcel->bytes, &size);

  if (size == 0)
    g_socket_shutdown (to, FALSE, TRUE, NULL);
  while (parcel->sent < size)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_socket_send (to, data + parcel->sent, size - parcel->sent, NULL, &error);

      /* A buffer that is full is rare with what is sent here: look again in a moment. */
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return G_SOURCE_CONTINUE;
      if (n < 0)
        break;
      parcel->sent += n;
    }

  g_bytes_unref (parcel->bytes);
  pair_unref (parcel->way->pair);
  g_free (parcel);
  return G_SOURCE_REMOVE;
}

static gboolean
readable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Way *way = user_data;
  gint64 now = g_get_monotonic_time ();
  Parcel *parcel;
  char buffer[65536];
  gssize n = g_socket_receive (socket, buffer, sizeof buffer, NULL, NULL);

  parcel = g_new0 (Parcel, 1);
  parcel->way = way;
  parcel->bytes = g_bytes_new (buffer, MAX (n, 0));
  way->last_at = MAX (way->last_at, MAX (now, way->pair->ready_at) + delay_ms * 1000);
  way->pair->n_refs++;
  g_timeout_add ((guint) ((way->last_at - now + 500) / 1000), arrive_cb, parcel);
  if (n > 0)
    return G_SOURCE_CONTINUE;

  pair_unref (way->pair);
  return G_SOURCE_REMOVE;
}

static void
watch (Pair *pair, Way *way, GSocket *from, GSocket *to)
{
  g_autoptr (GSource) source = g_socket_create_source (from, G_IO_IN, NULL);

  *way = (Way){ .pair = pair, .from = from, .to = to };
  pair->n_refs++;
  g_socket_set_blocking (from, FALSE);
  g_socket_set_option (from, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (readable_cb), way, NULL);
  g_source_attach (source, NULL);
}

static GSocket *
new_socket (void)
{
  return g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
}

static gboolean
accept_cb (GSocket *listener, GIOCondition condition, gpointer user_data)
{
  GSocket *client = g_socket_accept (listener, NULL, NULL);
  GSocket *server = new_socket ();
  Pair *pair = g_new0 (Pair, 1);

  if (client == NULL || !g_socket_connect (server, target, NULL, NULL))
    g_error ("The target is not there");
  pair->ready_at = g_get_monotonic_time () + 2 * delay_ms * 1000;
  watch (pair, &pair->out, client, server);
  watch (pair, &pair->back, server, client);

  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GSocket) listener = new_socket ();
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GSource) source = NULL;

  if (argc != 3)
    return 2;
  target = g_inet_socket_address_new_from_string ("127.0.0.1", atoi (argv[1]));
  delay_ms = atoi (argv[2]);
  g_socket_set_listen_backlog (listener, 1024);
  if (!g_socket_bind (listener, any, FALSE, NULL) || !g_socket_listen (listener, NULL))
    return 1;
  bound = g_socket_get_local_address (listener, NULL);
  g_print ("%u\n", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  source = g_socket_create_source (listener, G_IO_IN, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (accept_cb), NULL, NULL);
  g_source_attach (source, NULL);

  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
