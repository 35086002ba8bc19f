/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "fault-server.h"
#include "test-util.h"

typedef struct
{
  FaultServer *server;
  SoupSession *session;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer flags)
{
  fixture->server = fault_server_new (GPOINTER_TO_UINT (flags));
  fixture->session = soup_session_new ();
  soup_session_set_timeout (fixture->session, 0);
  test_trust (fixture->session);
}

static void
tear_down (Fixture *fixture, gconstpointer flags)
{
  g_assert_finalize_object (fixture->session);
  fault_server_free (fixture->server);
}

static SoupMessage *
start (Fixture *fixture,
       const char *method,
       const char *path,
       GCancellable *cancellable,
       TestResult *result)
{
  g_autofree char *uri = fault_server_uri (fixture->server, path);
  SoupMessage *message = soup_message_new (method, uri);

  soup_session_send_and_read_async (
    fixture->session, message, G_PRIORITY_DEFAULT, cancellable, test_result_cb, result);

  return message;
}

static char *
end (Fixture *fixture, TestResult *result, GError **error)
{
  g_autoptr (GBytes) body =
    soup_session_send_and_read_finish (fixture->session, test_result_wait (result), error);

  test_result_clear (result);

  return body != NULL ? g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body)) : NULL;
}

static void
expect (Fixture *fixture, const char *path, SoupHTTPVersion version, guint status, const char *text)
{
  g_auto (TestResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupMessage) message = start (fixture, "GET", path, NULL, &result);
  g_autofree char *body = end (fixture, &result, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, text);
  g_assert_cmpuint (soup_message_get_status (message), ==, status);
  g_assert_cmpint (soup_message_get_http_version (message), ==, version);
}

static void
test_tls (Fixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "hello"), NULL);
  expect (fixture, "/", SOUP_HTTP_1_1, 200, "hello");
}

static void
test_bad_certificate (Fixture *fixture, gconstpointer flags)
{
  g_auto (TestResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupMessage) message = start (fixture, "GET", "/", NULL, &result);
  g_autofree char *body = end (fixture, &result, &error);

  g_assert_null (body);
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  g_assert_cmpint (soup_message_get_tls_peer_certificate_errors (message),
                   ==,
                   GPOINTER_TO_UINT (flags) & FAULT_SERVER_EXPIRED
                     ? G_TLS_CERTIFICATE_EXPIRED
                     : G_TLS_CERTIFICATE_BAD_IDENTITY);
}

static void
test_answers (Fixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultRecord) record = NULL;
  g_autofree char *large = g_strnfill (300000, 'y');

  fault_server_on (fixture->server, "/a", fault_answer (200, "X-A: b", "hello"), NULL);
  fault_server_on (fixture->server,
                   "/parts",
                   fault_head (503, "Retry-After: 1"),
                   fault_send ("a"),
                   fault_send ("b"),
                   NULL);
  fault_server_on (fixture->server, "/chunks", fault_answer_chunked (200, NULL, "abcde", 2), NULL);
  fault_server_on (fixture->server, "/large", fault_answer (200, NULL, large), NULL);
  expect (fixture, "/a?b=%20c", SOUP_HTTP_2_0, 200, "hello");
  expect (fixture, "/parts", SOUP_HTTP_2_0, 503, "ab");
  expect (fixture, "/chunks", SOUP_HTTP_2_0, 200, "abcde");
  expect (fixture, "/large", SOUP_HTTP_2_0, 200, large);
  expect (fixture, "/nowhere", SOUP_HTTP_2_0, 404, "no script");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  record = fault_server_get_record_of (fixture->server, "/a", 0);
  g_assert_cmpstr (fault_record_get_method (record), ==, "GET");
  g_assert_cmpstr (fault_record_get_path (record), ==, "/a?b=%20c");
  g_assert_cmpstr (fault_record_get_version (record), ==, "2");
  g_assert_nonnull (strstr (fault_record_get_header (record, "Accept-Encoding"), "gzip"));
  g_assert_true (fault_record_is_whole (record));
}

static void
test_upload (Fixture *fixture, gconstpointer flags)
{
  g_autofree char *uri = fault_server_uri (fixture->server, "/up");
  g_autoptr (SoupMessage) message = soup_message_new ("PUT", uri);
  g_autofree char *large = g_strnfill (200000, 'z');
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, large, -1);
  g_autoptr (GBytes) bytes = g_bytes_new (large, 200000);
  g_auto (TestResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autofree char *body = NULL;

  fault_server_on (fixture->server,
                   "/up",
                   fault_read (1000),
                   fault_hold ("more"),
                   fault_read (G_MAXUINT64),
                   fault_answer (200, NULL, "ok"),
                   NULL);
  soup_message_set_request_body_from_bytes (message, "text/plain", bytes);
  soup_session_send_and_read_async (
    fixture->session, message, G_PRIORITY_DEFAULT, NULL, test_result_cb, &result);
  fault_server_wait_held (fixture->server, "more", 1);
  record = fault_server_get_record (fixture->server, 0);
  g_assert_cmpuint (fault_record_get_body_size (record), <, 200000);
  g_assert_false (fault_record_is_whole (record));
  fault_server_open (fixture->server, "more");
  body = end (fixture, &result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, "ok");
  g_clear_pointer (&record, fault_record_free);
  record = fault_server_get_record (fixture->server, 0);
  g_assert_cmpstr (fault_record_get_body_sha256 (record), ==, sum);
  g_assert_true (fault_record_is_whole (record));
}

static void
test_concurrent (Fixture *fixture, gconstpointer flags)
{
  TestResult results[8] = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *none = NULL;

  fault_server_on (fixture->server, "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  expect (fixture, "/nowhere", SOUP_HTTP_2_0, 404, "no script");
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    g_object_unref (start (fixture, "GET", "/", i == 0 ? cancellable : NULL, &results[i]));
  fault_server_wait_held (fixture->server, "go", 8);
  g_assert_cmpuint (fault_server_get_active (fixture->server), ==, 8);

  /* A stream that the client gives up ends its wait. libsoup notices a cancel only when its
   * connection has a frame to read. */
  g_cancellable_cancel (cancellable);
  expect (fixture, "/nowhere", SOUP_HTTP_2_0, 404, "no script");
  none = end (fixture, &results[0], &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fault_server_wait_active (fixture->server, 7);

  fault_server_open (fixture->server, "go");
  for (gsize i = 1; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) none_wanted = NULL;
      g_autofree char *body = end (fixture, &results[i], &none_wanted);

      g_assert_no_error (none_wanted);
      g_assert_cmpstr (body, ==, "ok");
    }
  /* the eight and the one that woke the connection */
  g_assert_cmpuint (fault_server_get_max_active (fixture->server), ==, 9);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
}

static void
test_refused_once (Fixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/", fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  expect (fixture, "/", SOUP_HTTP_2_0, 200, "ok");
  g_assert_cmpuint (fault_server_count (fixture->server, "/"), ==, 2);
}

static void
test_goaway (Fixture *fixture, gconstpointer flags)
{
  g_auto (TestResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupMessage) message = NULL;
  g_autofree char *body = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/away", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (
    fixture->server, "/away", fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE), fault_close (), NULL);
  expect (fixture, "/", SOUP_HTTP_2_0, 200, "ok");
  message = start (fixture, "POST", "/away", NULL, &result);
  /* libsoup fails it or sends it again, as the end of the connection comes late or early */
  body = end (fixture, &result, &error);
  g_assert_true (error != NULL || g_strcmp0 (body, "ok") == 0);
  fault_server_wait_closed (fixture->server, 1);
  expect (fixture, "/", SOUP_HTTP_2_0, 200, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), >=, 2);
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *path;
    FaultServerFlags flags;
    void (*test) (Fixture *, gconstpointer);
  } rows[] = {
    { "/fault-server-http2/tls", FAULT_SERVER_TLS, test_tls },
    { "/fault-server-http2/expired", FAULT_SERVER_EXPIRED, test_bad_certificate },
    { "/fault-server-http2/wrong-host", FAULT_SERVER_WRONG_HOST, test_bad_certificate },
    { "/fault-server-http2/answers", FAULT_SERVER_HTTP2, test_answers },
    { "/fault-server-http2/upload", FAULT_SERVER_HTTP2, test_upload },
    { "/fault-server-http2/concurrent", FAULT_SERVER_HTTP2, test_concurrent },
    { "/fault-server-http2/refused-once", FAULT_SERVER_HTTP2, test_refused_once },
    { "/fault-server-http2/goaway", FAULT_SERVER_HTTP2, test_goaway },
  };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_test_add (
      rows[i].path, Fixture, GUINT_TO_POINTER (rows[i].flags), set_up, rows[i].test, tear_down);

  return g_test_run ();
}
