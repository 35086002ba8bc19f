/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "demo-server.h"

#include <gio/gio.h>
#include <string.h>

/* Of the thread alone but for what is set before it starts, and the counts. */
struct _DemoServer
{
  double fault_rate;
  guint32 seed;
  double outage; /* seconds */
  guint port;

  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GCancellable *stopping;
  GSocket *socket; /* bound from the first moment on, so that nobody else gets the port */
  GSocketService *service;
  GHashTable *visits; /* path → how many requests */
  guint n_peers;

  /* atomic */
  int dropped;
  int stalled;
  int unavailable;
};

typedef enum
{
  ANSWER,
  DROP,
  STALL,
  UNAVAILABLE,
} Behaviour;

/* One connection: reads a request, behaves, and reads the next. */
typedef struct
{
  DemoServer *server;
  GSocketConnection *connection;
  GString *received;
  char buffer[2048];
  char *answer;
} Peer;

static void peer_read (Peer *peer);

static void
peer_free (Peer *peer)
{
  peer->server->n_peers--;
  g_io_stream_close (G_IO_STREAM (peer->connection), NULL, NULL);
  g_object_unref (peer->connection);
  g_string_free (peer->received, TRUE);
  g_free (peer->answer);
  g_free (peer);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *peer = user_data;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    peer_read (peer);
  else
    peer_free (peer);
}

static gboolean
answer_cb (gpointer user_data)
{
  Peer *peer = user_data;

  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (peer->connection)),
                                   peer->answer,
                                   strlen (peer->answer),
                                   G_PRIORITY_DEFAULT,
                                   peer->server->stopping,
                                   written_cb,
                                   peer);

  return G_SOURCE_REMOVE;
}

static void
peer_answer (Peer *peer, guint delay, const char *head, const char *body)
{
  g_autoptr (GSource) source = g_timeout_source_new (delay);

  g_free (peer->answer);
  peer->answer = g_strdup_printf (
    "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %" G_GSIZE_FORMAT
    "\r\n\r\n%s",
    head,
    strlen (body),
    body);
  g_source_set_callback (source, answer_cb, peer, NULL);
  g_source_attach (source, peer->server->context);
}

/* Chance that belongs to a request and not to the moment at which it came. */
static GRand *
draw_for (DemoServer *server, const char *path, guint visit)
{
  const guint32 seeds[] = { server->seed, g_str_hash (path), visit };

  return g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
}

static Behaviour
choose_behaviour (DemoServer *server, GRand *chance)
{
  if (g_rand_double (chance) >= server->fault_rate)
    return ANSWER;

  return DROP + g_rand_int_range (chance, 0, 3);
}

static void
peer_behave (Peer *peer, const char *path)
{
  DemoServer *server = peer->server;
  guint visit = GPOINTER_TO_UINT (g_hash_table_lookup (server->visits, path)) + 1;
  g_autoptr (GRand) chance = draw_for (server, path, visit);
  g_autofree char *body = NULL;

  g_hash_table_insert (server->visits, g_strdup (path), GUINT_TO_POINTER (visit));

  switch (choose_behaviour (server, chance))
    {
    case DROP:
      g_atomic_int_inc (&server->dropped);
      peer_free (peer);
      break;

    case STALL:
      g_atomic_int_inc (&server->stalled);
      peer_read (peer);
      break;

    case UNAVAILABLE:
      g_atomic_int_inc (&server->unavailable);
      peer_answer (peer,
                   1,
                   "503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close",
                   "{ \"error\": \"overloaded\" }\n");
      break;

    case ANSWER:
    default:
      body = g_strdup_printf ("{ \"path\": \"%s\", \"visit\": %u, \"text\": \"%0*d\" }\n",
                              path,
                              visit,
                              g_rand_int_range (chance, 1, 400),
                              0);
      peer_answer (peer, g_rand_int_range (chance, 2, 40), "200 OK", body);
      break;
    }
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *peer = user_data;
  gssize n_read = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);
  g_autofree char *path = NULL;
  char *end;

  if (n_read <= 0)
    {
      peer_free (peer);
      return;
    }

  g_string_append_len (peer->received, peer->buffer, n_read);
  end = strstr (peer->received->str, "\r\n\r\n");
  if (end == NULL)
    {
      peer_read (peer);
      return;
    }

  /* GET /path HTTP/1.1 */
  if (g_str_has_prefix (peer->received->str, "GET /"))
    path = g_strndup (peer->received->str + strlen ("GET "),
                      strcspn (peer->received->str + strlen ("GET "), " \r"));
  g_string_erase (peer->received, 0, end + strlen ("\r\n\r\n") - peer->received->str);

  if (path != NULL)
    peer_behave (peer, path);
  else
    peer_free (peer);
}

static void
peer_read (Peer *peer)
{
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (peer->connection)),
                             peer->buffer,
                             sizeof peer->buffer,
                             G_PRIORITY_DEFAULT,
                             peer->server->stopping,
                             read_cb,
                             peer);
}

static gboolean
incoming_cb (GSocketService *service,
             GSocketConnection *connection,
             GObject *source_object,
             gpointer user_data)
{
  Peer *peer = g_new0 (Peer, 1);

  peer->server = user_data;
  peer->server->n_peers++;
  peer->connection = g_object_ref (connection);
  peer->received = g_string_new (NULL);
  peer_read (peer);

  return TRUE;
}

/* The end of the outage. */
static gboolean
listen_cb (gpointer user_data)
{
  DemoServer *server = user_data;
  g_autoptr (GError) error = NULL;

  g_socket_set_listen_backlog (server->socket, 1024);
  if (!g_socket_listen (server->socket, &error)
      || !g_socket_listener_add_socket (
        G_SOCKET_LISTENER (server->service), server->socket, NULL, &error))
    g_warning ("%s", error->message);

  return G_SOURCE_REMOVE;
}

static gboolean
stop_cb (gpointer user_data)
{
  DemoServer *server = user_data;

  g_cancellable_cancel (server->stopping);
  g_main_loop_quit (server->loop);

  return G_SOURCE_REMOVE;
}

static gpointer
serve (gpointer data)
{
  DemoServer *server = data;
  g_autoptr (GSource) opening = g_timeout_source_new ((guint) (server->outage * 1000));

  g_main_context_push_thread_default (server->context);

  server->service = g_socket_service_new ();
  g_signal_connect (server->service, "incoming", G_CALLBACK (incoming_cb), server);
  g_source_set_callback (opening, listen_cb, server, NULL);
  g_source_attach (opening, server->context);
  g_main_loop_run (server->loop);

  g_source_destroy (opening);
  g_socket_service_stop (server->service);
  g_socket_listener_close (G_SOCKET_LISTENER (server->service));
  while (server->n_peers > 0)
    g_main_context_iteration (server->context, TRUE);
  while (g_main_context_iteration (server->context, FALSE))
    ;
  g_clear_object (&server->service);

  g_main_context_pop_thread_default (server->context);

  return NULL;
}

/* Takes a port without listening on it: connections to it are refused. */
static gboolean
take_port (DemoServer *server, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;

  server->socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (server->socket == NULL || !g_socket_bind (server->socket, any_port, FALSE, error))
    return FALSE;
  address = g_socket_get_local_address (server->socket, error);
  if (address == NULL)
    return FALSE;
  server->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));

  return TRUE;
}

DemoServer *
demo_server_new (double fault_rate, guint32 seed, double outage, GError **error)
{
  g_autoptr (DemoServer) server = g_new0 (DemoServer, 1);

  server->fault_rate = fault_rate;
  server->seed = seed;
  server->outage = outage;
  server->context = g_main_context_new ();
  server->loop = g_main_loop_new (server->context, FALSE);
  server->stopping = g_cancellable_new ();
  server->visits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!take_port (server, error))
    return NULL;
  server->thread = g_thread_new ("demo-server", serve, server);

  return g_steal_pointer (&server);
}

void
demo_server_free (DemoServer *server)
{
  if (server->thread != NULL)
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_callback (source, stop_cb, server, NULL);
      g_source_attach (source, server->context);
      g_thread_join (server->thread);
    }
  g_clear_object (&server->socket);
  g_object_unref (server->stopping);
  g_hash_table_unref (server->visits);
  g_main_loop_unref (server->loop);
  g_main_context_unref (server->context);
  g_free (server);
}

guint
demo_server_get_port (DemoServer *server)
{
  return server->port;
}

void
demo_server_get_faults (DemoServer *server, DemoFaults *faults)
{
  faults->dropped = g_atomic_int_get (&server->dropped);
  faults->stalled = g_atomic_int_get (&server->stalled);
  faults->unavailable = g_atomic_int_get (&server->unavailable);
}
