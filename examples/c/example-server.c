/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "example-server.h"

#include <libsoup/soup.h>
#include <stdlib.h>
#include <string.h>

/* Of the thread alone but for what is set before it starts: loop, context and the two URIs. */
struct _ExampleServer
{
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  SoupServer *soup;
  GHashTable *visits; /* path → how many requests */
  GSocket *refusing;
  char *uri;
  char *refusing_uri;
};

static void
answer (SoupServerMessage *message, guint status, const char *content_type, const char *text)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, content_type, SOUP_MEMORY_COPY, text, strlen (text));
}

static void
hello_cb (SoupServer *soup,
          SoupServerMessage *message,
          const char *path,
          GHashTable *query,
          gpointer user_data)
{
  answer (message, SOUP_STATUS_OK, "text/plain", "Hello from the other end.\n");
}

static void
missing_cb (SoupServer *soup,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  answer (message, SOUP_STATUS_NOT_FOUND, "text/plain", "There is nothing here.\n");
}

static void
large_cb (SoupServer *soup,
          SoupServerMessage *message,
          const char *path,
          GHashTable *query,
          gpointer user_data)
{
  g_autofree char *text = g_strnfill (1024 * 1024, '.');

  answer (message, SOUP_STATUS_OK, "text/plain", text);
}

static void
slow_cb (SoupServer *soup,
         SoupServerMessage *message,
         const char *path,
         GHashTable *query,
         gpointer user_data)
{
  soup_server_message_pause (message);
}

static void
headers_cb (SoupServer *soup,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  g_autoptr (GString) json = g_string_new ("{");
  SoupMessageHeadersIter iter;
  const char *name, *value;

  soup_message_headers_iter_init (&iter, soup_server_message_get_request_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      g_autofree char *escaped = g_strescape (value, NULL);

      g_string_append_printf (
        json, "%s\n  \"%s\": \"%s\"", json->len > 1 ? "," : "", name, escaped);
    }
  g_string_append (json, "\n}\n");
  answer (message, SOUP_STATUS_OK, "application/json", json->str);
}

static void
flaky_cb (SoupServer *soup,
          SoupServerMessage *message,
          const char *path,
          GHashTable *query,
          gpointer user_data)
{
  ExampleServer *server = user_data;
  guint64 failures = g_ascii_strtoull (path + strlen ("/flaky/"), NULL, 10);
  guint visits = GPOINTER_TO_UINT (g_hash_table_lookup (server->visits, path)) + 1;

  g_hash_table_insert (server->visits, g_strdup (path), GUINT_TO_POINTER (visits));
  if (visits > failures)
    answer (message, SOUP_STATUS_OK, "text/plain", "At last.\n");
  else
    answer (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "text/plain", "Not now.\n");
}

static gpointer
serve (gpointer data)
{
  ExampleServer *server = data;

  g_main_context_push_thread_default (server->context);
  g_main_loop_run (server->loop);
  soup_server_disconnect (server->soup);
  while (g_main_context_iteration (server->context, FALSE))
    ;
  g_clear_object (&server->soup);
  g_main_context_pop_thread_default (server->context);

  return NULL;
}

/* On a port of loopback that the kernel chooses. As long as it is bound and does not listen,
 * connections are refused. */
static GSocket *
bind_socket (char **uri, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) socket = NULL;

  socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL || !g_socket_bind (socket, any_port, FALSE, error))
    return NULL;
  address = g_socket_get_local_address (socket, error);
  if (address == NULL)
    return NULL;
  *uri = g_strdup_printf ("http://127.0.0.1:%u",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));

  return g_steal_pointer (&socket);
}

static gboolean
listen_for_requests (ExampleServer *server, GError **error)
{
  g_autoptr (GSocket) socket = bind_socket (&server->uri, error);
  gboolean listening;

  if (socket == NULL)
    return FALSE;
  /* More than soup_server_listen_local() would let wait: a client whose connection is dropped tries
   * again a second later. */
  g_socket_set_listen_backlog (socket, 1024);
  if (!g_socket_listen (socket, error))
    return FALSE;

  /* The server answers in the context that is the thread's default here. */
  g_main_context_push_thread_default (server->context);
  listening = soup_server_listen_socket (server->soup, socket, 0, error);
  g_main_context_pop_thread_default (server->context);

  return listening;
}

ExampleServer *
example_server_new (GError **error)
{
  ExampleServer *server = g_new0 (ExampleServer, 1);

  server->context = g_main_context_new ();
  server->loop = g_main_loop_new (server->context, FALSE);
  server->visits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  server->soup = soup_server_new (NULL, NULL);
  soup_server_add_handler (server->soup, "/hello", hello_cb, NULL, NULL);
  soup_server_add_handler (server->soup, "/missing", missing_cb, NULL, NULL);
  soup_server_add_handler (server->soup, "/large", large_cb, NULL, NULL);
  soup_server_add_handler (server->soup, "/slow", slow_cb, NULL, NULL);
  soup_server_add_handler (server->soup, "/headers", headers_cb, NULL, NULL);
  soup_server_add_handler (server->soup, "/flaky/", flaky_cb, server, NULL);

  server->refusing = bind_socket (&server->refusing_uri, error);
  if (server->refusing == NULL || !listen_for_requests (server, error))
    {
      example_server_free (server);
      return NULL;
    }
  server->thread = g_thread_new ("example-server", serve, server);

  return server;
}

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
example_server_free (ExampleServer *server)
{
  if (server->thread != NULL)
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_callback (source, quit_cb, server->loop, NULL);
      g_source_attach (source, server->context);
      g_thread_join (server->thread);
    }
  g_clear_object (&server->soup);
  g_clear_object (&server->refusing);
  g_hash_table_unref (server->visits);
  g_main_loop_unref (server->loop);
  g_main_context_unref (server->context);
  g_free (server->uri);
  g_free (server->refusing_uri);
  g_free (server);
}

const char *
example_server_get_uri (ExampleServer *server)
{
  return server->uri;
}

const char *
example_server_get_refusing_uri (ExampleServer *server)
{
  return server->refusing_uri;
}

char *
example_uri_from_args (int argc, char **argv, ExampleServer **server)
{
  g_autoptr (GError) error = NULL;

  if (argc == 2 && !g_str_equal (argv[1], "--self-test") && argv[1][0] != '-')
    return g_strdup (argv[1]);

  if (argc != 2 || !g_str_equal (argv[1], "--self-test"))
    {
      g_printerr ("Usage: %s URI | --self-test\n", argv[0]);
      exit (2);
    }

  *server = example_server_new (&error);
  if (*server == NULL)
    g_error ("%s", error->message);

  return g_strdup (example_server_get_uri (*server));
}
