/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "script-server.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <unistd.h>

/* All of it belongs to the thread of the default main context. */

typedef struct
{
  ScriptServer *server;
  GSocket *socket;
  GSource *source;
  GByteArray *received;
  guint n_wanted; /* requests that must have come before it says more */
  guint n_requests;
  gboolean paused;
  gboolean silent;
} Connection;

struct _ScriptServer
{
  GSocket *listener;
  GSocketConnectable *address;
  const guint8 *script;
  gsize size;
  gsize at;
  Connection *speaker; /* whose turn it is in the script; NULL: the next to come */
  GPtrArray *connections;
  GPtrArray *requests;
  GByteArray *sent;
};

static void
request_free (gpointer data)
{
  ScriptRequest *request = data;

  g_free (request->method);
  g_free (request->path);
  g_free (request->head);
  g_free (request);
}

static void
connection_free (gpointer data)
{
  Connection *self = data;

  if (self->server->speaker == self)
    self->server->speaker = NULL;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_byte_array_unref (self->received);
  g_free (self);
}

static void
connection_close (Connection *self)
{
  g_ptr_array_remove_fast (self->server->connections, self);
}

static void
connection_send (Connection *self, const guint8 *data, gsize size)
{
  g_byte_array_append (self->server->sent, data, size);
  /* What does not fit, or nobody reads, is lost. */
  if (size > 0)
    g_socket_send (self->socket, (const char *) data, size, NULL, NULL);
}

/* Says what is next, up to where the script has it wait or end. */
static void
connection_speak (Connection *self)
{
  ScriptServer *server = self->server;

  while (server->at < server->size)
    {
      gsize start = server->at;
      gsize end = start;

      while (end < server->size
             && !(server->script[end] == '\\' && end + 1 < server->size
                  && strchr ("npcse", server->script[end + 1]) != NULL
                  && server->script[end + 1] != '\0'))
        end++;

      connection_send (self, server->script + start, end - start);
      server->at = end;
      if (end == server->size)
        break;

      server->at = end + 2;
      switch (server->script[end + 1])
        {
        case 'n':
          self->n_wanted++;
          if (self->n_wanted > self->n_requests)
            return;
          break;
        case 'p':
          self->paused = TRUE;
          return;
        case 's':
          self->silent = TRUE;
          server->speaker = NULL;
          return;
        default:
          connection_close (self);
          return;
        }
    }

  connection_close (self);
}

/* The size of the body that a head announces. */
static gsize
get_body_size (const char *head)
{
  const char *length = strstr (head, "\r\nContent-Length: ");

  return length != NULL ? g_ascii_strtoull (length + strlen ("\r\nContent-Length: "), NULL, 10) : 0;
}

/* Moves whole requests from what was received to the log. */
static void
connection_parse (Connection *self)
{
  for (;;)
    {
      const char *text = (const char *) self->received->data;
      const char *end = g_strstr_len (text, self->received->len, "\r\n\r\n");
      g_autofree char *head = NULL;
      g_auto (GStrv) words = NULL;
      ScriptRequest *request;
      gsize body_size, head_size;

      if (end == NULL)
        return;
      head_size = end + 4 - text;
      head = g_strndup (text, head_size);
      body_size = get_body_size (head);
      if (self->received->len < head_size + body_size)
        return;

      words = g_strsplit (head, " ", 3);
      g_assert_cmpuint (g_strv_length (words), ==, 3);
      g_assert_true (g_str_has_prefix (words[2], "HTTP/1.1\r\n"));
      request = g_new0 (ScriptRequest, 1);
      request->method = g_steal_pointer (&words[0]);
      request->path = g_strdup (words[1]);
      request->head = g_steal_pointer (&head);
      request->body_size = body_size;
      g_ptr_array_add (self->server->requests, request);
      words[0] = g_strdup ("");
      g_byte_array_remove_range (self->received, 0, head_size + body_size);
      self->n_requests++;
    }
}

static gboolean
readable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Connection *self = user_data;
  guint8 buffer[4096];
  gssize n = g_socket_receive (socket, (char *) buffer, sizeof buffer, NULL, NULL);

  if (n <= 0)
    {
      connection_close (self);
      return G_SOURCE_REMOVE;
    }

  g_byte_array_append (self->received, buffer, n);
  connection_parse (self);
  if (self->server->speaker == NULL && !self->silent)
    self->server->speaker = self;
  if (self->server->speaker == self && !self->paused && self->n_requests >= self->n_wanted)
    connection_speak (self);

  return G_SOURCE_CONTINUE;
}

static gboolean
incoming_cb (GSocket *listener, GIOCondition condition, gpointer user_data)
{
  ScriptServer *self = user_data;
  GSocket *socket = g_socket_accept (listener, NULL, NULL);
  Connection *connection;

  if (socket == NULL)
    return G_SOURCE_CONTINUE;

  connection = g_new0 (Connection, 1);
  connection->server = self;
  connection->socket = socket;
  g_socket_set_blocking (socket, FALSE);
  connection->received = g_byte_array_new ();
  connection->n_wanted = 1;
  connection->source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (connection->source, G_SOURCE_FUNC (readable_cb), connection, NULL);
  g_source_attach (connection->source, NULL);
  g_ptr_array_add (self->connections, connection);

  /* A command to close without reading is one that comes before the request. */
  if (self->speaker == NULL && self->at + 1 < self->size && self->script[self->at] == '\\'
      && self->script[self->at + 1] == 'e')
    {
      self->at += 2;
      connection_close (connection);
    }

  return G_SOURCE_CONTINUE;
}

ScriptServer *
script_server_new (void)
{
  ScriptServer *self = g_new0 (ScriptServer, 1);
  g_autofree char *name = g_strdup_printf ("resilient-fuzz-%d", (int) getpid ());
  g_autoptr (GSource) source = NULL;
  g_autoptr (GError) error = NULL;

  /* Without a file, and without the ports that TCP keeps for minutes after each connection. */
  self->address = G_SOCKET_CONNECTABLE (
    g_unix_socket_address_new_with_type (name, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT));
  self->listener =
    g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_socket_bind (self->listener, G_SOCKET_ADDRESS (self->address), FALSE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (self->listener, FALSE);

  self->connections = g_ptr_array_new_with_free_func (connection_free);
  self->requests = g_ptr_array_new_with_free_func (request_free);
  self->sent = g_byte_array_new ();
  source = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (incoming_cb), self, NULL);
  g_source_attach (source, NULL);

  return self;
}

GSocketConnectable *
script_server_get_address (ScriptServer *self)
{
  return self->address;
}

void
script_server_start (ScriptServer *self, const guint8 *script, gsize size)
{
  script_server_stop (self);
  g_ptr_array_set_size (self->requests, 0);
  g_byte_array_set_size (self->sent, 0);
  self->script = script;
  self->size = size;
  self->at = 0;
}

void
script_server_stop (ScriptServer *self)
{
  g_ptr_array_set_size (self->connections, 0);
}

gboolean
script_server_resume (ScriptServer *self)
{
  Connection *speaker = self->speaker;

  if (speaker == NULL || !speaker->paused)
    return FALSE;

  speaker->paused = FALSE;
  connection_speak (speaker);
  return TRUE;
}

GPtrArray *
script_server_get_requests (ScriptServer *self)
{
  return self->requests;
}

gboolean
script_server_has_sent (ScriptServer *self, const char *text)
{
  return self->sent->len > 0
         && memmem (self->sent->data, self->sent->len, text, strlen (text)) != NULL;
}
