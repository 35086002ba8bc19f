/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "chat-room.h"

struct _ChatRoom
{
  GPtrArray *lines;         /* all that was said, oldest first */
  GHashTable *last_numbers; /* name → number of its last line */
  SoupServer *server;       /* NULL while it is stopped */
  GPtrArray *connections;   /* of SoupWebsocketConnection */
};

static void
say (ChatRoom *room, char *line)
{
  g_ptr_array_add (room->lines, line);
  for (guint i = 0; i < room->connections->len; i++)
    soup_websocket_connection_send_text (room->connections->pdata[i], line);
}

static const char *
get_name (SoupWebsocketConnection *connection)
{
  return g_object_get_data (G_OBJECT (connection), "name");
}

static void
message_cb (SoupWebsocketConnection *connection, int type, GBytes *message, gpointer user_data)
{
  ChatRoom *room = user_data;
  const char *name = get_name (connection);
  g_autofree char *text = g_strndup (g_bytes_get_data (message, NULL), g_bytes_get_size (message));
  char *rest;
  guint64 number = g_ascii_strtoull (text, &rest, 10);
  guint64 *last = g_hash_table_lookup (room->last_numbers, name);
  g_autofree char *confirmation = g_strdup_printf ("= %" G_GUINT64_FORMAT, number);

  if (*rest != ' ')
    return;
  if (last == NULL)
    {
      last = g_new0 (guint64, 1);
      g_hash_table_insert (room->last_numbers, g_strdup (name), last);
    }
  /* Else it came a second time, because its confirmation was lost. */
  if (number > *last)
    {
      *last = number;
      say (room, g_strdup_printf ("%s: %s", name, rest + 1));
    }
  soup_websocket_connection_send_text (connection, confirmation);
}

static void
closed_cb (SoupWebsocketConnection *connection, gpointer user_data)
{
  ChatRoom *room = user_data;
  g_autofree char *name = g_strdup (get_name (connection));

  if (g_ptr_array_remove (room->connections, connection))
    say (room, g_strdup_printf ("* %s left", name));
}

static void
joined_cb (SoupServer *server,
           SoupServerMessage *message,
           const char *path,
           SoupWebsocketConnection *connection,
           gpointer user_data)
{
  ChatRoom *room = user_data;
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));
  guint64 seen = 0;

  if (query != NULL && g_str_has_prefix (query, "seen="))
    seen = g_ascii_strtoull (query + strlen ("seen="), NULL, 10);
  g_object_set_data_full (
    G_OBJECT (connection), "name", g_path_get_basename (path), (GDestroyNotify) g_free);
  g_signal_connect (connection, "message", G_CALLBACK (message_cb), room);
  g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), room);

  for (guint64 i = seen; i < room->lines->len; i++)
    soup_websocket_connection_send_text (connection, room->lines->pdata[i]);
  g_ptr_array_add (room->connections, g_object_ref (connection));
  say (room, g_strdup_printf ("* %s joined", get_name (connection)));
}

ChatRoom *
chat_room_new (void)
{
  ChatRoom *room = g_new0 (ChatRoom, 1);

  room->lines = g_ptr_array_new_with_free_func (g_free);
  room->last_numbers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  room->connections = g_ptr_array_new_with_free_func (g_object_unref);
  return room;
}

void
chat_room_free (ChatRoom *room)
{
  chat_room_stop (room);
  g_ptr_array_unref (room->connections);
  g_hash_table_unref (room->last_numbers);
  g_ptr_array_unref (room->lines);
  g_free (room);
}

guint
chat_room_start (ChatRoom *room, guint port, GError **error)
{
  g_autoslist (GUri) uris = NULL;

  room->server = soup_server_new (NULL, NULL);
  soup_server_add_websocket_handler (room->server, "/chat", NULL, NULL, joined_cb, room, NULL);
  if (!soup_server_listen_local (room->server, port, SOUP_SERVER_LISTEN_IPV4_ONLY, error))
    {
      g_clear_object (&room->server);
      return 0;
    }
  uris = soup_server_get_uris (room->server);
  return (guint) g_uri_get_port (uris->data);
}

void
chat_room_stop (ChatRoom *room)
{
  for (guint i = 0; i < room->connections->len; i++)
    {
      SoupWebsocketConnection *connection = room->connections->pdata[i];

      g_signal_handlers_disconnect_by_data (connection, room);
      g_io_stream_close (soup_websocket_connection_get_io_stream (connection), NULL, NULL);
    }
  g_ptr_array_set_size (room->connections, 0);
  if (room->server != NULL)
    soup_server_disconnect (room->server);
  g_clear_object (&room->server);
}

GPtrArray *
chat_room_get_lines (ChatRoom *room)
{
  return room->lines;
}
