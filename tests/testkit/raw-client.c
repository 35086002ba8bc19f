/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "raw-client.h"

#include <string.h>

#define DEADLINE_SECONDS 20
#define BLOCK 4096

gboolean
raw_client_connect (RawClient *self, ResilientTestServer *server, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_timeout (client, DEADLINE_SECONDS);
  self->connection = g_socket_client_connect_to_host (
    client, "127.0.0.1", resilient_test_server_get_port (server), NULL, error);
  if (self->connection == NULL)
    return FALSE;
  self->stream = g_object_ref (G_IO_STREAM (self->connection));
  self->seen = g_string_new (NULL);

  return TRUE;
}

gboolean
raw_client_start_tls (RawClient *self, ResilientTestServer *server, GError **error)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("127.0.0.1", 443);
  g_autoptr (GIOStream) tls = g_tls_client_connection_new (self->stream, identity, error);

  if (tls == NULL)
    return FALSE;
  g_tls_connection_set_database (G_TLS_CONNECTION (tls),
                                 resilient_test_server_get_tls_database (server));
  if (!g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, error))
    return FALSE;
  g_set_object (&self->stream, tls);

  return TRUE;
}

void
raw_client_send (RawClient *self, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (
    g_io_stream_get_output_stream (self->stream), text, strlen (text), NULL, NULL, &error);
  g_assert_no_error (error);
}

RawEnd
raw_client_read (RawClient *self, gsize size)
{
  GInputStream *input = g_io_stream_get_input_stream (self->stream);
  char block[BLOCK];

  while (self->seen->len < size)
    {
      g_autoptr (GError) error = NULL;
      gssize n =
        g_input_stream_read (input, block, MIN (BLOCK, size - self->seen->len), NULL, &error);

      if (n == 0)
        return RAW_END_FIN;
      if (n < 0)
        {
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
            g_error ("%s after “%s”", error->message, self->seen->str);
          return RAW_END_RST;
        }
      g_string_append_len (self->seen, block, n);
    }

  return RAW_END_NONE;
}

RawEnd
raw_client_read_end (RawClient *self)
{
  return raw_client_read (self, G_MAXSIZE);
}

void
raw_client_clear (RawClient *self)
{
  if (self->connection != NULL)
    g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_clear_object (&self->stream);
  g_clear_object (&self->connection);
  if (self->seen != NULL)
    g_string_free (self->seen, TRUE);
  self->seen = NULL;
}
