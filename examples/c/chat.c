/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A chat whose client survives a restart of the server, and loses no line that it was told to say:
 *
 *   chat --serve 8080
 *   chat ada ws://127.0.0.1:8080/chat */

#include <gio/gunixinputstream.h>
#include <locale.h>
#include <resilient.h>
#include <stdlib.h>
#include <unistd.h>

#include "chat-room.h"

/* [client] */
typedef struct
{
  char *name;
  char *uri;
  SoupSession *session;
  ResilientRetrier *retrier;
  GCancellable *cancellable;
  SoupWebsocketConnection *connection; /* NULL: there is none now */
  guint64 last_number;
  GQueue unconfirmed; /* of "NUMBER TEXT", what the room may not have got yet */
  GPtrArray *lines;   /* what it heard */
  void (*heard) (const char *line);
} ChatClient;

static void chat_client_connect (ChatClient *client);

static void
backoff_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* Otherwise the client may be gone. */
  if (resilient_retrier_backoff_finish (RESILIENT_RETRIER (source), result, NULL))
    chat_client_connect (user_data);
}

/* Whatever the reason: a proxy's answer while the server restarts is no last word. */
static void
connect_again (ChatClient *client)
{
  resilient_retrier_backoff_async (client->retrier, NULL, client->cancellable, backoff_cb, client);
}

static void
message_cb (SoupWebsocketConnection *connection, int type, GBytes *message, gpointer user_data)
{
  ChatClient *client = user_data;
  char *line = g_strndup (g_bytes_get_data (message, NULL), g_bytes_get_size (message));

  /* It has proved itself: the next loss has all attempts again. */
  resilient_retrier_reset (client->retrier);

  if (g_str_has_prefix (line, "= "))
    {
      guint64 number = g_ascii_strtoull (line + 2, NULL, 10);
      const char *first;

      while ((first = g_queue_peek_head (&client->unconfirmed)) != NULL
             && g_ascii_strtoull (first, NULL, 10) <= number)
        g_free (g_queue_pop_head (&client->unconfirmed));
      g_free (line);
      return;
    }
  g_ptr_array_add (client->lines, line);
  client->heard (line);
}

static void
closed_cb (SoupWebsocketConnection *connection, gpointer user_data)
{
  ChatClient *client = user_data;

  g_clear_object (&client->connection);
  connect_again (client);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  SoupWebsocketConnection *connection =
    soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);
  ChatClient *client = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL)
    {
      connect_again (client);
      return;
    }
  client->connection = connection;
  g_signal_connect (connection, "message", G_CALLBACK (message_cb), client);
  g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), client);
  for (GList *item = client->unconfirmed.head; item != NULL; item = item->next)
    soup_websocket_connection_send_text (connection, item->data);
}

static void
chat_client_connect (ChatClient *client)
{
  g_autofree char *uri =
    g_strdup_printf ("%s/%s?seen=%u", client->uri, client->name, client->lines->len);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);

  soup_session_websocket_connect_async (client->session,
                                        message,
                                        NULL,
                                        NULL,
                                        G_PRIORITY_DEFAULT,
                                        client->cancellable,
                                        connected_cb,
                                        client);
}

/* The line is kept until the room has confirmed it. */
static void
chat_client_say (ChatClient *client, const char *text)
{
  char *line = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", ++client->last_number, text);

  g_queue_push_tail (&client->unconfirmed, line);
  if (client->connection != NULL
      && soup_websocket_connection_get_state (client->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_text (client->connection, line);
}
/* [end] */

static ChatClient *
chat_client_new (const char *name, const char *uri, void (*heard) (const char *line))
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  ChatClient *client = g_new0 (ChatClient, 1);

  /* Higher than those of an earlier client of this name, which the room remembers. */
  client->last_number = (guint64) g_get_real_time ();

  /* As long as the user waits: only cancelling ends it. */
  resilient_retry_policy_builder_set_max_retries (builder, -1);
  resilient_retry_policy_builder_set_base_delay (builder, 0.02);
  resilient_retry_policy_builder_set_max_delay (builder, 5.0);
  policy = resilient_retry_policy_builder_build (builder, NULL);

  client->name = g_strdup (name);
  client->uri = g_strdup (uri);
  client->session = soup_session_new ();
  client->retrier = resilient_retrier_new (policy, NULL);
  client->cancellable = g_cancellable_new ();
  client->lines = g_ptr_array_new_with_free_func (g_free);
  client->heard = heard;
  g_queue_init (&client->unconfirmed);
  return client;
}

/* What waits is told of its end in the next turns of the main context, and then looks at nothing
 * of the client. */
static void
chat_client_free (ChatClient *client)
{
  g_cancellable_cancel (client->cancellable);
  if (client->connection != NULL)
    {
      g_signal_handlers_disconnect_by_data (client->connection, client);
      soup_websocket_connection_close (client->connection, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
    }
  g_clear_object (&client->connection);
  g_object_unref (client->cancellable);
  g_object_unref (client->retrier);
  g_object_unref (client->session);
  g_queue_clear_full (&client->unconfirmed, g_free);
  g_ptr_array_unref (client->lines);
  g_free (client->uri);
  g_free (client->name);
  g_free (client);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChatClient, chat_client_free)

/* --- the program ------------------------------------------------------------------------------ */

static void
print_line (const char *line)
{
  g_print ("%s\n", line);
}

static void
typed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDataInputStream *input = G_DATA_INPUT_STREAM (source);
  ChatClient *client = user_data;
  g_autofree char *text = g_data_input_stream_read_line_finish (input, result, NULL, NULL);

  if (text == NULL)
    exit (EXIT_SUCCESS);
  chat_client_say (client, text);
  g_data_input_stream_read_line_async (input, G_PRIORITY_DEFAULT, NULL, typed_cb, client);
}

static void
talk (const char *name, const char *uri)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ChatClient) client = chat_client_new (name, uri, print_line);
  g_autoptr (GInputStream) keyboard = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GDataInputStream) input = g_data_input_stream_new (keyboard);

  chat_client_connect (client);
  g_data_input_stream_read_line_async (input, G_PRIORITY_DEFAULT, NULL, typed_cb, client);
  g_main_loop_run (loop);
}

static void
serve (guint port)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ChatRoom) room = chat_room_new ();
  g_autoptr (GError) error = NULL;

  port = chat_room_start (room, port, &error);
  if (port == 0)
    g_error ("%s", error->message);
  g_print ("ws://127.0.0.1:%u/chat\n", port);
  g_main_loop_run (loop);
}

/* The room ends amid a talk, and comes back on its port after some attempts of those who were in
 * it. All that was said meanwhile is heard, once and in order. */
static gboolean
has_line (GPtrArray *lines, const char *line)
{
  return g_ptr_array_find_with_equal_func (lines, line, g_str_equal, NULL);
}

static gboolean
says_in_order (GPtrArray *lines, const char *name, const char *const *texts)
{
  for (guint i = 0; i < lines->len; i++)
    {
      const char *line = lines->pdata[i];

      if (!g_str_has_prefix (line, name) || line[strlen (name)] != ':')
        continue;
      if (*texts == NULL || !g_str_equal (line + strlen (name) + 2, *texts++))
        return FALSE;
    }
  return *texts == NULL;
}

static void
wait_for_line (ChatClient *client, const char *line)
{
  while (!has_line (client->lines, line))
    g_main_context_iteration (NULL, TRUE);
}

static void
hear_nothing (const char *line)
{
}

static gboolean
test (void)
{
  static const char *const texts[] = { "one", "two", "three", "four", NULL };
  g_autoptr (ChatRoom) room = chat_room_new ();
  g_autoptr (GError) error = NULL;
  guint port = chat_room_start (room, 0, &error);
  g_autofree char *uri = g_strdup_printf ("ws://127.0.0.1:%u/chat", port);
  g_autoptr (ChatClient) ada = chat_client_new ("ada", uri, print_line);
  g_autoptr (ChatClient) bob = chat_client_new ("bob", uri, hear_nothing);

  if (port == 0)
    g_error ("%s", error->message);
  chat_client_connect (ada);
  chat_client_connect (bob);
  wait_for_line (bob, "* ada joined");
  wait_for_line (ada, "* bob joined");
  chat_client_say (ada, "one");
  wait_for_line (bob, "ada: one");

  /* On its way when the room ends, and said to nobody. */
  chat_client_say (ada, "two");
  chat_room_stop (room);
  chat_client_say (ada, "three");
  while (resilient_retrier_get_attempt (ada->retrier) < 4)
    g_main_context_iteration (NULL, TRUE);
  if (chat_room_start (room, port, &error) != port)
    g_error ("%s", error->message);

  chat_client_say (ada, "four");
  wait_for_line (bob, "ada: four");
  chat_client_say (bob, "bye");
  wait_for_line (ada, "bob: bye");
  while (!g_queue_is_empty (&ada->unconfirmed) || !g_queue_is_empty (&bob->unconfirmed))
    g_main_context_iteration (NULL, TRUE);

  g_clear_pointer (&bob, chat_client_free);
  wait_for_line (ada, "* bob left");

  /* Another client of that name is not taken for one that repeats itself. */
  bob = chat_client_new ("bob", uri, hear_nothing);
  chat_client_connect (bob);
  chat_client_say (bob, "again");
  wait_for_line (ada, "bob: again");
  return says_in_order (ada->lines, "ada", texts)
         && says_in_order (chat_room_get_lines (room), "ada", texts)
         && ada->lines->len == chat_room_get_lines (room)->len;
}

int
main (int argc, char **argv)
{
  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  if (argc == 2 && g_str_equal (argv[1], "--self-test"))
    return test () ? EXIT_SUCCESS : EXIT_FAILURE;

  if (argc == 3 && g_str_equal (argv[1], "--serve"))
    serve ((guint) g_ascii_strtoull (argv[2], NULL, 10));
  else if (argc == 3)
    talk (argv[1], argv[2]);
  else
    g_printerr ("Usage: %s --serve PORT | NAME URI | --self-test\n", argv[0]);
  return 2;
}
