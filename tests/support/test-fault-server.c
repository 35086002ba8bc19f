/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "fault-server.h"
#include "test-util.h"

static GSocketConnection *
dial (FaultServer *server)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host (
    client, "127.0.0.1", fault_server_get_port (server), NULL, &error);

  g_assert_no_error (error);

  return connection;
}

static void
say (GSocketConnection *connection, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                             text,
                             strlen (text),
                             NULL,
                             NULL,
                             &error);
  g_assert_no_error (error);
}

/* All that comes until the end; @error of the reading. */
static char *
hear_all (GSocketConnection *connection, GError **error)
{
  GString *text = g_string_new (NULL);
  char block[4096];
  gssize n;

  while (
    (n = g_input_stream_read (
       g_io_stream_get_input_stream (G_IO_STREAM (connection)), block, sizeof block, NULL, error))
    > 0)
    g_string_append_len (text, block, n);

  return g_string_free (text, FALSE);
}

/* Exactly as much as @expected. */
static void
hear (GSocketConnection *connection, const char *expected)
{
  g_autofree char *text = g_malloc0 (strlen (expected) + 1);
  g_autoptr (GError) error = NULL;

  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (connection)),
                           text,
                           strlen (expected),
                           NULL,
                           NULL,
                           &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_answers (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GSocketConnection) connection = dial (server);
  g_autofree char *rest = NULL;

  fault_server_on (server, "/a", fault_answer (200, "X-A: b", "hello"), NULL);
  fault_server_next (server, "/a", fault_answer (503, "Retry-After: 1", ""), NULL);
  fault_server_on (server, "/chunks", fault_answer_chunked (200, NULL, "abcde", 3), NULL);
  fault_server_on (server, "/to", fault_redirect (302, "/a"), NULL);
  say (connection, "GET /a?x=1 HTTP/1.1\r\nHost: h\r\nA: 1\r\na: 2\r\n\r\n");
  hear (connection,
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
  say (connection, "GET /a HTTP/1.1\r\n\r\n");
  hear (connection, "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello");
  say (connection, "HEAD /a HTTP/1.1\r\n\r\n");
  hear (connection, "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\n");
  say (connection, "GET /chunks HTTP/1.1\r\n\r\n");
  hear (connection,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  say (connection, "GET /to HTTP/1.1\r\n\r\n");
  hear (connection, "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n");
  say (connection, "GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n");
  rest = hear_all (connection, NULL);
  g_assert_cmpstr (rest, ==, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno script");

  g_assert_cmpuint (fault_server_get_requests (server), ==, 6);
  g_assert_cmpuint (fault_server_count (server, "/a"), ==, 3);
  g_assert_cmpuint (fault_server_get_connections (server), ==, 1);
  g_assert_cmpuint (fault_server_get_max_active (server), ==, 1);
}

static void
test_records (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GSocketConnection) one = dial (server);
  g_autoptr (GSocketConnection) other = NULL;
  g_autoptr (FaultRecord) whole = NULL;
  g_autoptr (FaultRecord) chunked = NULL;
  g_autoptr (FaultRecord) cut = NULL;
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "hello", 5);

  fault_server_on (server, NULL, fault_answer (204, NULL, ""), NULL);
  say (one, "PUT /a?q HTTP/1.1\r\nContent-Length: 5\r\nX: 1\r\nx: 2\r\n\r\nhello");
  hear (one, "HTTP/1.1 204 No Content\r\n\r\n");
  say (one, "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  hear (one, "HTTP/1.1 100 Continue\r\n\r\n");
  say (one, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  hear (one, "HTTP/1.1 204 No Content\r\n\r\n");
  other = dial (server);
  say (other, "PUT /c HTTP/1.1\r\nContent-Length: 10\r\n\r\nhel");
  fault_server_wait_requests (server, 3);
  g_clear_object (&other);
  fault_server_wait_ended (server, 2);

  whole = fault_server_get_record (server, 0);
  g_assert_cmpuint (fault_record_get_connection (whole), ==, 1);
  g_assert_cmpstr (fault_record_get_method (whole), ==, "PUT");
  g_assert_cmpstr (fault_record_get_path (whole), ==, "/a?q");
  g_assert_cmpstr (fault_record_get_version (whole), ==, "1.1");
  g_assert_cmpuint (fault_record_get_body_size (whole), ==, 5);
  g_assert_cmpstr (fault_record_get_body_sha256 (whole), ==, sum);
  g_assert_true (fault_record_is_whole (whole));
  g_assert_cmpstr (fault_record_get_header (whole, "X"), ==, "1");
  g_assert_cmpuint (fault_record_count_header (whole, "X"), ==, 2);
  g_assert_null (fault_record_get_header (whole, "Y"));
  chunked = fault_server_get_record_of (server, "/b", 0);
  g_assert_true (fault_record_is_whole (chunked));
  g_assert_cmpstr (fault_record_get_body_sha256 (chunked), ==, sum);
  g_assert_cmpint (fault_record_get_arrived_at (chunked), >=, fault_record_get_arrived_at (whole));
  cut = fault_server_get_record_of (server, "/c", 0);
  g_assert_false (fault_record_is_whole (cut));
  g_assert_cmpuint (fault_record_get_body_size (cut), ==, 3);
  g_assert_cmpuint (fault_record_get_connection (cut), ==, 2);
}

static void
test_ends (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  const struct
  {
    const char *path, *text;
    gboolean reset;
  } rows[] = {
    { "/close", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", FALSE },
    { "/cut", "HT", FALSE },
    { "/reset", "", TRUE },
    { "/second", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", TRUE },
  };

  fault_server_on (server,
                   "/close",
                   fault_head (200, "Content-Length: 10"),
                   fault_send ("abc"),
                   fault_close (),
                   NULL);
  fault_server_on (server, "/cut", fault_send ("HT"), fault_cut (), NULL);
  fault_server_on (server, "/reset", fault_reset (), NULL);
  fault_server_on (
    server, "/second", fault_answer (200, NULL, "ok"), fault_hold ("idle"), fault_reset (), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GSocketConnection) connection = dial (server);
      g_autofree char *request = g_strdup_printf ("GET %s HTTP/1.1\r\n\r\n", rows[i].path);
      g_autofree char *rest = NULL;
      g_autoptr (GError) error = NULL;

      say (connection, request);
      hear (connection, rows[i].text);
      fault_server_release (server, "idle", 1);
      rest = hear_all (connection, &error);
      g_assert_cmpstr (rest, ==, "");
      if (rows[i].reset)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      else
        g_assert_no_error (error);
    }
  fault_server_wait_closed (server, G_N_ELEMENTS (rows));
}

static void
test_gates (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GSocketConnection) one = dial (server);
  g_autoptr (GSocketConnection) two = dial (server);

  fault_server_on (server, "/", fault_hold ("go"), fault_answer (200, NULL, ""), NULL);
  fault_server_on (server, "/drip", fault_drip ("abc", "byte", 0), NULL);
  say (one, "GET / HTTP/1.1\r\n\r\n");
  say (two, "GET / HTTP/1.1\r\n\r\n");
  fault_server_wait_held (server, "go", 2);
  g_assert_cmpuint (fault_server_get_active (server), ==, 2);
  fault_server_release (server, "go", 1);
  fault_server_wait_held (server, "go", 1);
  fault_server_open (server, "go");
  hear (one, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  hear (two, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  g_assert_cmpuint (fault_server_get_active (server), ==, 0);
  g_assert_cmpuint (fault_server_get_max_active (server), ==, 2);

  say (one, "GET /drip HTTP/1.1\r\n\r\n");
  for (guint i = 0; i < 3; i++)
    {
      const char *bytes[] = { "a", "b", "c" };

      fault_server_wait_held (server, "byte", 1);
      fault_server_release (server, "byte", 1);
      hear (one, bytes[i]);
    }
}

static void
test_bodies_not_read (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GSocketConnection) early = dial (server);
  g_autoptr (GSocketConnection) slow = dial (server);
  g_autoptr (FaultRecord) record = NULL;

  fault_server_on (
    server, "/early", fault_read (0), fault_answer (413, NULL, ""), fault_hold ("end"), NULL);
  fault_server_on (
    server, "/slow", fault_read_slowly (2, "step"), fault_answer (200, NULL, ""), NULL);
  say (early, "PUT /early HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  hear (early, "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\n\r\n");
  fault_server_open (server, "end");
  say (slow, "PUT /slow HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde");
  for (guint i = 0; i < 3; i++)
    {
      fault_server_wait_held (server, "step", 1);
      fault_server_release (server, "step", 1);
    }
  hear (slow, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  record = fault_server_get_record_of (server, "/slow", 0);
  g_assert_true (fault_record_is_whole (record));
}

static void
test_listening (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_REFUSING);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      connection = g_socket_client_connect_to_host (
        client, "127.0.0.1", fault_server_get_port (server), NULL, &error);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
      g_clear_error (&error);
      fault_server_set_listening (server, TRUE);
      connection = dial (server);
      g_clear_object (&connection);
      fault_server_set_listening (server, FALSE);
    }
}

static void
test_new_connections (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GSocketConnection) reset = NULL;
  g_autoptr (GSocketConnection) one_byte = NULL;
  g_autoptr (GSocketConnection) usual = NULL;
  g_autofree char *rest = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_next_connection (server, fault_reset (), NULL);
  fault_server_next_connection (server, fault_read (1), fault_send ("?"), fault_close (), NULL);
  reset = dial (server);
  rest = hear_all (reset, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  one_byte = dial (server);
  say (one_byte, "G");
  hear (one_byte, "?");
  fault_server_wait_closed (server, 2);
  usual = dial (server);
  say (usual, "GET / HTTP/1.1\r\n\r\n");
  hear (usual, "HTTP/1.1 404");
}

static void
test_full_backlog (void)
{
  g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_FULL_BACKLOG);
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address =
    g_inet_socket_address_new_from_string ("127.0.0.1", fault_server_get_port (server));
  g_autoptr (GError) error = NULL;

  g_socket_set_blocking (socket, FALSE);
  g_assert_false (g_socket_connect (socket, address, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  /* over loopback a connect that can succeed does so before connect() returns */
  g_assert_cmpint (g_socket_condition_check (socket, G_IO_OUT | G_IO_ERR | G_IO_HUP)
                     & (G_IO_OUT | G_IO_ERR),
                   ==,
                   0);
}

static void
test_gzip (void)
{
  g_autoptr (GBytes) whole = fault_gzip ("hello hello hello hello", FAULT_GZIP_WHOLE);
  g_autoptr (GBytes) cut = fault_gzip ("hello hello hello hello", FAULT_GZIP_CUT);
  g_autoptr (GBytes) corrupt = fault_gzip ("hello hello hello hello", FAULT_GZIP_CORRUPT);

  g_assert_cmpuint (g_bytes_get_size (cut), <, g_bytes_get_size (whole));
  g_assert_cmpuint (g_bytes_get_size (corrupt), ==, g_bytes_get_size (whole));
  g_assert_false (g_bytes_equal (corrupt, whole));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/fault-server/answers", test_answers);
  g_test_add_func ("/fault-server/records", test_records);
  g_test_add_func ("/fault-server/ends", test_ends);
  g_test_add_func ("/fault-server/gates", test_gates);
  g_test_add_func ("/fault-server/bodies-not-read", test_bodies_not_read);
  g_test_add_func ("/fault-server/listening", test_listening);
  g_test_add_func ("/fault-server/new-connections", test_new_connections);
  g_test_add_func ("/fault-server/full-backlog", test_full_backlog);
  g_test_add_func ("/fault-server/gzip", test_gzip);

  return g_test_run ();
}
