/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "kit-fixture.h"
#include "raw-client.h"

/* What each fault is on the wire. */

#define HEAD_200 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define GOOD HEAD_200 "Content-Length: 2\r\n\r\nok"

static void
connect_to (RawClient *client, ResilientTestServer *server)
{
  g_autoptr (GError) error = NULL;

  raw_client_connect (client, server, &error);
  g_assert_no_error (error);
}

/* Faults that answer a request: all that comes, and how it ends. */
static const struct
{
  ResilientTestFault fault;
  const char *text;
  RawEnd end;
} answers[] = {
  { RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST, "", RAW_END_FIN },
  { RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST, "", RAW_END_RST },
  { RESILIENT_TEST_FAULT_SILENCE, "", RAW_END_NONE },
  { RESILIENT_TEST_FAULT_CUT_STATUS_LINE, "H", RAW_END_FIN },
  { RESILIENT_TEST_FAULT_CUT_HEADERS, "HTTP/1.1 200 OK\r\nContent-Type: text/pl", RAW_END_FIN },
  { RESILIENT_TEST_FAULT_CUT_BODY,
    HEAD_200 "Content-Length: 64\r\n\r\nnot all of it",
    RAW_END_FIN },
  { RESILIENT_TEST_FAULT_RESET_IN_BODY,
    HEAD_200 "Content-Length: 64\r\n\r\nnot all of it",
    RAW_END_RST },
  { RESILIENT_TEST_FAULT_CUT_CHUNK,
    HEAD_200 "Transfer-Encoding: chunked\r\n\r\n40\r\nnot all of it",
    RAW_END_FIN },
  { RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS,
    HEAD_200 "Transfer-Encoding: chunked\r\n\r\nd\r\nnot all of it\r\n",
    RAW_END_FIN },
  { RESILIENT_TEST_FAULT_SILENCE_IN_BODY,
    HEAD_200 "Content-Length: 64\r\n\r\nnot all of it",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_DRIP, HEAD_200 "Content-Length: 4\r\n\r\nslow", RAW_END_NONE },
  { RESILIENT_TEST_FAULT_GARBAGE, "220 mail.example ESMTP\r\n\r\n", RAW_END_FIN },
  { RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT,
    HEAD_200 "Content-Length: 8\r\n\r\nmore than was promised",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_LENGTH_TOO_LONG,
    HEAD_200 "Content-Length: 64\r\n\r\nall of it",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_LENGTH_INVALID,
    HEAD_200 "Content-Length: some\r\n\r\nall of it",
    RAW_END_FIN },
  { RESILIENT_TEST_FAULT_INFORMATIONAL,
    "HTTP/1.1 102 Processing\r\n\r\n"
    "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" GOOD,
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_REDIRECT_LOOP,
    "HTTP/1.1 302 Found\r\nLocation: ?again\r\nContent-Length: 0\r\n\r\n",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_REDIRECT_NOWHERE,
    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS,
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_UNAVAILABLE,
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    RAW_END_NONE },
  { RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE, GOOD, RAW_END_NONE },
  { RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE, GOOD, RAW_END_FIN },
  /* of HTTP/2, without it */
  { RESILIENT_TEST_FAULT_GOAWAY, "", RAW_END_FIN },
  { RESILIENT_TEST_FAULT_REFUSED_STREAM, "", RAW_END_RST },
  { RESILIENT_TEST_FAULT_RESET_STREAM,
    HEAD_200 "Content-Length: 64\r\n\r\nnot all of it",
    RAW_END_RST },
};

static void
test_answer (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_auto (RawClient) client = { 0 };
  RawEnd end;

  resilient_test_server_enqueue_fault (server, answers[i].fault);
  connect_to (&client, server);
  raw_client_send (&client, RAW_GET);
  if (answers[i].end == RAW_END_NONE)
    {
      /* what is open says nothing more until it is ended from elsewhere */
      raw_client_read (&client, strlen (answers[i].text));
      resilient_test_server_wait_for_requests (server, 1, 20.0, NULL, NULL);
      resilient_test_server_drop_connections (server);
      raw_client_read_end (&client);
      g_assert_cmpstr (client.seen->str, ==, answers[i].text);
      return;
    }
  end = raw_client_read_end (&client);
  g_assert_cmpstr (client.seen->str, ==, answers[i].text);
  g_assert_cmpint (end, ==, answers[i].end);
}

/* Faults of a connection: nothing comes, and how it ends. */
static const struct
{
  ResilientTestFault fault;
  ResilientTestServerFlags flags;
  RawEnd end;
} connections[] = {
  { RESILIENT_TEST_FAULT_RESET_ON_ACCEPT, RESILIENT_TEST_SERVER_NONE, RAW_END_RST },
  { RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT, RESILIENT_TEST_SERVER_NONE, RAW_END_FIN },
  { RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE, RESILIENT_TEST_SERVER_NONE, RAW_END_FIN },
  { RESILIENT_TEST_FAULT_TLS_CUT, RESILIENT_TEST_SERVER_TLS, RAW_END_FIN },
  { RESILIENT_TEST_FAULT_TLS_SILENCE, RESILIENT_TEST_SERVER_TLS, RAW_END_NONE },
};

static void
test_connection (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (ResilientTestServer) server = server_new (connections[i].flags);
  g_auto (RawClient) client = { 0 };
  g_autoptr (GError) error = NULL;
  RawEnd end;

  resilient_test_server_enqueue_fault (server, connections[i].fault);
  if (!raw_client_connect (&client, server, &error))
    {
      /* the reset came before the client had seen that it was connected */
      g_assert_cmpint (connections[i].fault, ==, RESILIENT_TEST_FAULT_RESET_ON_ACCEPT);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      return;
    }
  if (connections[i].fault == RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE
      || connections[i].flags == RESILIENT_TEST_SERVER_TLS)
    raw_client_send (&client, "G");
  if (connections[i].end == RAW_END_NONE)
    {
      resilient_test_server_wait_for_connections (server, 1, 20.0, NULL, NULL);
      resilient_test_server_drop_connections (server);
    }
  end = raw_client_read_end (&client);
  g_assert_cmpuint (client.seen->len, ==, 0);
  if (connections[i].end != RAW_END_NONE)
    g_assert_cmpint (end, ==, connections[i].end);
  g_assert_cmpuint (resilient_test_server_get_n_requests (server), ==, 0);

  /* the next one is a good one */
  {
    g_auto (RawClient) next = { 0 };

    resilient_test_server_set_response (server, NULL, 204, NULL, NULL);
    connect_to (&next, server);
    if (connections[i].flags == RESILIENT_TEST_SERVER_TLS)
      raw_client_start_tls (&next, server, &error);
    g_assert_no_error (error);
    raw_client_send (&next, RAW_GET);
    g_assert_cmpint (raw_client_read (&next, 12), ==, RAW_END_NONE);
    g_assert_cmpstr (next.seen->str, ==, "HTTP/1.1 204");
  }
}

static void
test_certificates (void)
{
  static const struct
  {
    ResilientTestFault fault;
    GTlsCertificateFlags flags;
  } certificates[] = {
    { RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE, G_TLS_CERTIFICATE_EXPIRED },
    { RESILIENT_TEST_FAULT_WRONG_HOST, G_TLS_CERTIFICATE_BAD_IDENTITY },
  };
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_TLS);
  g_autoptr (GSocketConnectable) identity = g_network_address_new ("127.0.0.1", 443);

  for (guint i = 0; i < G_N_ELEMENTS (certificates); i++)
    {
      g_auto (RawClient) client = { 0 };
      g_autoptr (GIOStream) tls = NULL;
      g_autoptr (GError) error = NULL;

      resilient_test_server_enqueue_fault (server, certificates[i].fault);
      connect_to (&client, server);
      tls = g_tls_client_connection_new (client.stream, identity, &error);
      g_assert_no_error (error);
      g_tls_connection_set_database (G_TLS_CONNECTION (tls),
                                     resilient_test_server_get_tls_database (server));
      g_assert_false (g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, &error));
      g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
      g_assert_cmpuint (g_tls_connection_get_peer_certificate_errors (G_TLS_CONNECTION (tls)),
                        ==,
                        certificates[i].flags);
    }

  /* to each, and to none any more */
  for (guint i = 0; i < 3; i++)
    {
      g_auto (RawClient) client = { 0 };
      g_autoptr (GError) error = NULL;

      if (i == 0)
        resilient_test_server_set_fault (server, NULL, RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE);
      else if (i == 2)
        resilient_test_server_set_script (server, NULL, NULL);
      connect_to (&client, server);
      g_assert_cmpint (raw_client_start_tls (&client, server, &error), ==, i == 2);
    }
}

static void
test_close_after_headers (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientTestRecord) record = NULL;
  g_auto (RawClient) client = { 0 };

  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS);
  connect_to (&client, server);
  raw_client_send (&client, "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
  g_assert_cmpint (raw_client_read_end (&client), ==, RAW_END_FIN);
  g_assert_cmpuint (client.seen->len, ==, 0);
  record = resilient_test_server_get_request (server, 0);
  g_assert_false (resilient_test_record_is_whole (record));
}

static void
test_endless (void)
{
  static const struct
  {
    ResilientTestFault fault;
    const char *begin;
  } endless[] = {
    { RESILIENT_TEST_FAULT_HEADER_FLOOD, "HTTP/1.1 200 OK\r\nX-Flood-0: " },
    { RESILIENT_TEST_FAULT_ENDLESS_BODY, HEAD_200 "\r\nxxxxxxxx" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (endless); i++)
    {
      g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
      g_auto (RawClient) client = { 0 };

      resilient_test_server_enqueue_fault (server, endless[i].fault);
      connect_to (&client, server);
      raw_client_send (&client, RAW_GET);
      g_assert_cmpint (raw_client_read (&client, 1000 * 1000), ==, RAW_END_NONE);
      g_assert_true (g_str_has_prefix (client.seen->str, endless[i].begin));
      if (i == 0)
        g_assert_null (strstr (client.seen->str, "\r\n\r\n"));
    }
}

/* The answer is whole, what is in it is not. */
static void
test_gzip (void)
{
  static const struct
  {
    ResilientTestFault fault;
    int code;
  } faults[] = {
    { RESILIENT_TEST_FAULT_CUT_GZIP, G_IO_ERROR_PARTIAL_INPUT },
    { RESILIENT_TEST_FAULT_CORRUPT_GZIP, G_IO_ERROR_INVALID_DATA },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
      g_auto (RawClient) client = { 0 };
      g_autoptr (GZlibDecompressor) decompressor =
        g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
      g_autoptr (GInputStream) packed = NULL;
      g_autoptr (GInputStream) unpacked = NULL;
      g_autoptr (GError) error = NULL;
      char text[1024];
      const char *length;
      gsize head, size;

      resilient_test_server_enqueue_fault (server, faults[i].fault);
      connect_to (&client, server);
      raw_client_send (&client, RAW_GET);
      while (strstr (client.seen->str, "\r\n\r\n") == NULL)
        raw_client_read (&client, client.seen->len + 1);
      g_assert_nonnull (strstr (client.seen->str, "Content-Encoding: gzip\r\n"));
      length = strstr (client.seen->str, "Content-Length: ") + strlen ("Content-Length: ");
      size = g_ascii_strtoull (length, NULL, 10);
      head = client.seen->len;
      g_assert_cmpint (raw_client_read (&client, head + size), ==, RAW_END_NONE);

      packed = g_memory_input_stream_new_from_data (client.seen->str + head, size, NULL);
      unpacked = g_converter_input_stream_new (packed, G_CONVERTER (decompressor));
      g_assert_false (g_input_stream_read_all (unpacked, text, sizeof text, &size, NULL, &error));
      g_assert_error (error, G_IO_ERROR, faults[i].code);
    }
}

static void
test_reset_kept_alive (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_auto (RawClient) client = { 0 };

  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE);
  connect_to (&client, server);
  raw_client_send (&client, RAW_GET);
  g_assert_cmpint (raw_client_read (&client, strlen (GOOD)), ==, RAW_END_NONE);
  raw_client_send (&client, RAW_GET);
  g_assert_cmpint (raw_client_read_end (&client), ==, RAW_END_RST);
  g_assert_cmpstr (client.seen->str, ==, GOOD);
  g_assert_cmpuint (resilient_test_server_get_n_requests (server), ==, 1);
}

static void
test_refuse (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_auto (RawClient) client = { 0 };
  g_autoptr (GError) error = NULL;

  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_REFUSE);
  g_assert_false (raw_client_connect (&client, server, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_clear_error (&error);

  resilient_test_server_set_listening (server, TRUE, &error);
  g_assert_no_error (error);
  connect_to (&client, server);
}

static void
test_full_backlog (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address =
    g_inet_socket_address_new_from_string ("127.0.0.1", resilient_test_server_get_port (server));
  g_autoptr (GError) error = NULL;

  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_FULL_BACKLOG);
  g_socket_set_blocking (socket, FALSE);
  g_assert_false (g_socket_connect (socket, address, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_cmpint (g_socket_condition_check (socket, G_IO_OUT | G_IO_ERR), ==, 0);

  /* the system asks again after a second or so */
  resilient_test_server_set_listening (server, TRUE, &error);
  g_assert_no_error (error);
  g_socket_set_timeout (socket, 20);
  g_socket_condition_wait (socket, G_IO_OUT, NULL, &error);
  g_assert_no_error (error);
  g_socket_check_connect_result (socket, &error);
  g_assert_no_error (error);
  resilient_test_server_wait_for_connections (server, 1, 20.0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (resilient_test_server_get_n_connections (server), ==, 1);
}

/* Every fault has a case above. */
static void
test_all (void)
{
  g_autoptr (GEnumClass) faults = g_type_class_ref (RESILIENT_TEST_TYPE_FAULT);

  g_assert_cmpuint (faults->n_values,
                    ==,
                    G_N_ELEMENTS (answers) + G_N_ELEMENTS (connections) + 2 /* certificates */
                      + 1 /* headers */ + 2 /* endless */ + 2 /* gzip */ + 2 /* door */);
}

int
main (int argc, char **argv)
{
  g_autoptr (GEnumClass) faults = g_type_class_ref (RESILIENT_TEST_TYPE_FAULT);

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strconcat (
        "/testkit-faults/", g_enum_get_value (faults, answers[i].fault)->value_nick, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_answer);
    }
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      g_autofree char *path = g_strconcat (
        "/testkit-faults/", g_enum_get_value (faults, connections[i].fault)->value_nick, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_connection);
    }
  g_test_add_func ("/testkit-faults/certificates", test_certificates);
  g_test_add_func ("/testkit-faults/close-after-headers", test_close_after_headers);
  g_test_add_func ("/testkit-faults/endless", test_endless);
  g_test_add_func ("/testkit-faults/gzip", test_gzip);
  g_test_add_func ("/testkit-faults/kept-alive", test_reset_kept_alive);
  g_test_add_func ("/testkit-faults/refuse", test_refuse);
  g_test_add_func ("/testkit-faults/full-backlog", test_full_backlog);
  g_test_add_func ("/testkit-faults/all", test_all);

  return g_test_run ();
}
