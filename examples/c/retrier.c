/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* An operation that is no request, made resilient: a service on a socket that is not there yet.
 * retrier example.org:7 */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

/* [operation] */
typedef struct
{
  GSocketClient *client;
  char *host_and_port;
  ResilientRetrier *retrier;
} Connecting;

static void attempt (GTask *task);

static void
connecting_free (gpointer data)
{
  Connecting *connecting = data;

  g_object_unref (connecting->client);
  g_free (connecting->host_and_port);
  g_object_unref (connecting->retrier);
  g_free (connecting);
}

static void
backoff_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  /* The error of the last attempt, when there is no other one. */
  if (!resilient_retrier_backoff_finish (RESILIENT_RETRIER (source), result, &error))
    g_task_return_error (task, error);
  else
    attempt (g_steal_pointer (&task));
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connecting *connecting = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection =
    g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, &error);

  if (connection != NULL)
    g_task_return_pointer (task, connection, g_object_unref);
  else
    resilient_retrier_backoff_async (
      connecting->retrier, error, g_task_get_cancellable (task), backoff_cb, g_object_ref (task));
}

static void
attempt (GTask *task)
{
  Connecting *connecting = g_task_get_task_data (task);

  g_socket_client_connect_to_host_async (connecting->client,
                                         connecting->host_and_port,
                                         0,
                                         g_task_get_cancellable (task),
                                         connected_cb,
                                         task);
}

static void
connect_async (const char *host_and_port,
               ResilientRetrier *retrier,
               GCancellable *cancellable,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Connecting *connecting = g_new0 (Connecting, 1);

  connecting->client = g_socket_client_new ();
  connecting->host_and_port = g_strdup (host_and_port);
  connecting->retrier = g_object_ref (retrier);
  g_task_set_task_data (task, connecting, connecting_free);
  attempt (task);
}
/* [end] */

typedef struct
{
  GMainLoop *loop;
  GSocketConnection *connection;
  GSocket *late; /* nullable: bound, and refuses until it listens */
  guint n_retries;
} Example;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;

  example->connection = g_task_propagate_pointer (G_TASK (result), &error);
  if (example->connection == NULL)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (example->loop);
}

/* [event] */
static void
event_cb (ResilientRetrier *retrier, ResilientEvent *event, gpointer user_data)
{
  Example *example = user_data;

  if (resilient_event_get_event_type (event) != RESILIENT_EVENT_TYPE_RETRY)
    return;

  g_print ("%s: attempt %u in %.2f s\n",
           resilient_event_get_error (event)->message,
           resilient_retrier_get_attempt (retrier),
           resilient_event_get_delay (event));
  /* The service of the self-test comes after the second attempt. */
  if (++example->n_retries == 2 && example->late != NULL)
    g_socket_listen (example->late, NULL);
}
/* [end] */

static GSocket *
bind_late (char **host_and_port)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  GSocket *socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  if (socket == NULL || !g_socket_bind (socket, any_port, FALSE, &error))
    g_error ("%s", error->message);
  address = g_socket_get_local_address (socket, NULL);
  *host_and_port = g_strdup_printf (
    "127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  return socket;
}

int
main (int argc, char **argv)
{
  Example example = { 0 };
  g_autofree char *host_and_port = NULL;
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (5, 0.02);
  g_autoptr (ResilientRetrier) retrier = resilient_retrier_new (policy, NULL);
  gboolean connected;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  if (argc != 2)
    {
      g_printerr ("Usage: %s HOST:PORT | --self-test\n", argv[0]);
      return 2;
    }
  if (g_str_equal (argv[1], "--self-test"))
    example.late = bind_late (&host_and_port);
  else
    host_and_port = g_strdup (argv[1]);

  example.loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (retrier, "event", G_CALLBACK (event_cb), &example);
  connect_async (host_and_port, retrier, NULL, done_cb, &example);
  g_main_loop_run (example.loop);

  connected = example.connection != NULL;
  if (connected)
    g_print ("Connected, in %u attempts.\n", resilient_retrier_get_attempt (retrier));
  if (example.late != NULL && resilient_retrier_get_attempt (retrier) != 3)
    connected = FALSE;

  g_clear_object (&example.connection);
  g_clear_object (&example.late);
  g_main_loop_unref (example.loop);
  return connected ? EXIT_SUCCESS : EXIT_FAILURE;
}
