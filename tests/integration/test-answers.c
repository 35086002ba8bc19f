/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Answers that are whole, answers that only look so, and what kind of failure each of those is. */

#define TEXT "hello hello hello hello hello hello hello hello"
#define UPLOAD_SIZE (16 * 1024 * 1024)

static void
expect_whole (ClientFixture *fixture, const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = client_get (fixture, "/", NULL, &error);

  g_assert_no_error (error);
  assert_response (response, 200, body);
}

/* Under a policy that retries nothing that was sent. */
static void
expect_failure (ClientFixture *fixture, ResilientFailure failure)
{
  g_autoptr (ResilientRequestContext) context = context_new ("bad", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (client_get (fixture, "/", context, &error));
  g_assert_nonnull (error);
  result = assert_result (fixture, "bad", RESILIENT_RESULT_STATUS_ERROR, failure, 1);
  g_assert_null (resilient_result_get_response (result));
  wait_last_events (fixture, 1);
  g_ptr_array_set_size (fixture->events, 0);
}

static void
test_whole (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GBytes) gzip = fault_gzip (TEXT, FAULT_GZIP_WHOLE);

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, TEXT), NULL);
  expect_whole (fixture, TEXT);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, ""), NULL);
  expect_whole (fixture, "");
  fault_server_on (fixture->server, "/", fault_answer_chunked (200, NULL, TEXT, 7), NULL);
  expect_whole (fixture, TEXT);
  fault_server_on (
    fixture->server, "/", fault_answer_bytes (200, "Content-Encoding: gzip", gzip), NULL);
  expect_whole (fixture, TEXT);
  fault_server_on (
    fixture->server, "/", fault_head (103, "Link: </a>"), fault_answer (200, NULL, TEXT), NULL);
  expect_whole (fixture, TEXT);
  fault_server_on (
    fixture->server, "/", fault_head (200, "Content-Length: 3"), fault_drip ("abc", NULL, 0), NULL);
  expect_whole (fixture, "abc");
}

/* What only HTTP/1 knows: a body that ends with the connection, one byte a packet. */
static void
test_whole_http1 (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (
    fixture->server, "/", fault_head (200, NULL), fault_send (TEXT), fault_close (), NULL);
  expect_whole (fixture, TEXT);
  fault_server_on (
    fixture->server, "/", fault_head (200, "Connection: close"), fault_close (), NULL);
  expect_whole (fixture, "");
  fault_server_on (fixture->server,
                   "/",
                   fault_drip ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL, 0),
                   NULL);
  expect_whole (fixture, "ok");
  fault_server_on (fixture->server,
                   "/",
                   fault_send ("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nTrailer: t\r\n\r\n"),
                   NULL);
  expect_whole (fixture, "ok");
}

static void
test_cut (ClientFixture *fixture, gconstpointer flags)
{
  const struct
  {
    const char *sent;
    ResilientFailure failure;
  } rows[] = {
    { "", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nContent-Le", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\n", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
      RESILIENT_FAILURE_DISCONNECT },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
      RESILIENT_FAILURE_DISCONNECT },
    { "not http at all\r\n\r\n", RESILIENT_FAILURE_PROTOCOL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint how = 0; how < 2; how++)
      {
        g_test_message ("%s after %s", how == 0 ? "FIN" : "RST", rows[i].sent);
        fault_server_on (fixture->server,
                         "/",
                         fault_send (rows[i].sent),
                         how == 0 ? fault_cut () : fault_hold ("go"),
                         fault_reset (),
                         NULL);
        /* a reset may overtake what was sent: then the rest does not matter */
        fault_server_open (fixture->server, "go");
        if (how == 1 && rows[i].failure != RESILIENT_FAILURE_DISCONNECT)
          continue;
        expect_failure (fixture, rows[i].failure);
      }
}

static void
test_bad_gzip (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GBytes) cut = fault_gzip (TEXT, FAULT_GZIP_CUT);
  g_autoptr (GBytes) corrupt = fault_gzip (TEXT, FAULT_GZIP_CORRUPT);

  fault_server_on (
    fixture->server, "/", fault_answer_bytes (200, "Content-Encoding: gzip", cut), NULL);
  expect_failure (fixture, RESILIENT_FAILURE_DISCONNECT);
  fault_server_on (
    fixture->server, "/", fault_answer_bytes (200, "Content-Encoding: gzip", corrupt), NULL);
  expect_failure (fixture, RESILIENT_FAILURE_PROTOCOL);
  fault_server_on (
    fixture->server, "/", fault_answer (200, "Content-Encoding: gzip", "plain text"), NULL);
  expect_failure (fixture, RESILIENT_FAILURE_PROTOCOL);
}

static void
test_lost_connection (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (
    fixture->server, "/", fault_head (200, NULL), fault_send ("abc"), fault_cut (), NULL);
  expect_failure (fixture, RESILIENT_FAILURE_DISCONNECT);
}

/* libsoup tells nobody that a stream was reset inside its body: no short body may come of it, and
 * the read deadline ends it. */
static void
test_stream_reset (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GError) error = NULL;

  resilient_client_set_read_timeout (fixture->client, 0.1);
  fault_server_on (fixture->server,
                   "/",
                   fault_head (200, NULL),
                   fault_send ("abc"),
                   fault_reset_stream (FAULT_HTTP2_INTERNAL_ERROR),
                   NULL);
  g_assert_null (client_get (fixture, "/", NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  fault_server_on (
    fixture->server, "/", fault_head (200, "Content-Length: 10"), fault_send ("abc"), NULL);
  g_assert_null (client_get (fixture, "/", NULL, &error));
  g_assert_nonnull (error);
}

static void
expect_too_large (ClientFixture *fixture)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new ("large", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  resilient_request_set_max_response_size (request, 1000);
  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
  result =
    assert_result (fixture, "large", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_TOO_LARGE, 1);
  wait_last_events (fixture, 1);
  g_ptr_array_set_size (fixture->events, 0);
}

static void
test_too_large (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *fits = g_strnfill (1000, 'f');
  g_autofree char *large = g_strnfill (1001, 'l');
  g_autofree char *bomb_text = g_strnfill (5000000, '0');
  g_autoptr (GBytes) bomb = fault_gzip (bomb_text, FAULT_GZIP_WHOLE);

  resilient_client_set_max_response_size (fixture->client, 1000);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, fits), NULL);
  expect_whole (fixture, fits);
  resilient_client_set_max_response_size (fixture->client, 0);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, large), NULL);
  expect_whole (fixture, large);
  expect_too_large (fixture);
  fault_server_on (fixture->server, "/", fault_answer_chunked (200, NULL, large, 100), NULL);
  expect_too_large (fixture);
  /* what counts is what it becomes */
  fault_server_on (
    fixture->server, "/", fault_answer_bytes (200, "Content-Encoding: gzip", bomb), NULL);
  expect_too_large (fixture);
  fault_server_on (fixture->server, "/", fault_head (200, NULL), fault_send_filler (0), NULL);
  expect_too_large (fixture);
}

static void
test_header_flood (ClientFixture *fixture, gconstpointer flags)
{
  resilient_client_set_attempt_timeout (fixture->client, 15);
  fault_server_on (fixture->server, "/", fault_flood_headers (0), NULL);
  /* libsoup has a limit, and calls what is beyond it a partial input */
  expect_failure (fixture, RESILIENT_FAILURE_TOO_LARGE);
}

/* A server that has heard enough of an upload answers at once and reads no more. */
static void
test_early_answer (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (UPLOAD_SIZE), UPLOAD_SIZE);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  /* HTTP/1: asked first, it refuses before a byte of the body. HTTP/2: libsoup complains, and the
   * answer counts. */
  test_allow_warning ("libsoup-http2", "Unexpected state changed");
  fault_server_on (fixture->server, "/", fault_read (0), fault_answer (413, NULL, "enough"), NULL);
  resilient_request_set_body_bytes (request, NULL, body);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 413, "enough");
  record = fault_server_get_record (fixture->server, 0);
  g_assert_false (fault_record_is_whole (record));
  if (g_str_equal (fault_record_get_version (record), "2"))
    return;
  g_assert_cmpstr (fault_record_get_header (record, "Expect"), ==, "100-continue");
  g_assert_cmpuint (fault_record_get_body_size (record), ==, 0);
}

static void
expect_certificate_failure (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequestContext) context = context_new ("untrusted", policy);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "secret"), NULL);
  g_assert_null (client_get (fixture, "/", context, &error));
  g_assert_nonnull (error);
  result = assert_result (
    fixture, "untrusted", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CERTIFICATE, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 0);
}

/* What comes of it depends on whether the refusal or the end of the connection is seen first. */
static void
test_no_client_certificate (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("nobody", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "secret"), NULL);
  g_assert_null (client_get (fixture, "/", context, &error));
  g_assert_nonnull (error);
  result = resilient_client_get_result (fixture->client, "nobody");
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
  g_assert_true (resilient_result_get_failure (result) == RESILIENT_FAILURE_CERTIFICATE
                 || resilient_result_get_failure (result) == RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 0);
}

static void
test_handshake (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("tls", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server,
                                fault_read (1),
                                fault_send ("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                fault_close (),
                                NULL);
  fault_server_next_connection (fixture->server, fault_read (1), fault_reset (), NULL);
  response = client_get (fixture, "/", context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  result =
    assert_result (fixture, "tls", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 3);
  attempts = resilient_result_list_attempts (result);
  g_assert_cmpuint (resilient_attempt_get_failure (attempts->pdata[0]), ==, RESILIENT_FAILURE_TLS);
  g_assert_cmpuint (resilient_attempt_get_sends (attempts->pdata[1]), ==, 0);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/answers/whole", test_whole, FAULT_SERVER_PLAIN },
    { "/answers/whole/tls", test_whole, FAULT_SERVER_TLS },
    { "/answers/whole/http2", test_whole, FAULT_SERVER_HTTP2 },
    { "/answers/whole-http1", test_whole_http1, FAULT_SERVER_PLAIN },
    { "/answers/cut", test_cut, FAULT_SERVER_PLAIN },
    { "/answers/cut/tls", test_cut, FAULT_SERVER_TLS },
    { "/answers/bad-gzip", test_bad_gzip, FAULT_SERVER_PLAIN },
    { "/answers/bad-gzip/http2", test_bad_gzip, FAULT_SERVER_HTTP2 },
    { "/answers/lost-connection", test_lost_connection, FAULT_SERVER_HTTP2 },
    { "/answers/stream-reset", test_stream_reset, FAULT_SERVER_HTTP2 },
    { "/answers/too-large", test_too_large, FAULT_SERVER_PLAIN },
    { "/answers/too-large/http2", test_too_large, FAULT_SERVER_HTTP2 },
    { "/answers/header-flood", test_header_flood, FAULT_SERVER_PLAIN },
    { "/answers/early-answer", test_early_answer, FAULT_SERVER_PLAIN },
    { "/answers/early-answer/http2", test_early_answer, FAULT_SERVER_HTTP2 },
    { "/answers/expired", expect_certificate_failure, FAULT_SERVER_EXPIRED },
    { "/answers/wrong-host", expect_certificate_failure, FAULT_SERVER_WRONG_HOST },
    { "/answers/no-client-certificate",
      test_no_client_certificate,
      FAULT_SERVER_CLIENT_CERTIFICATE },
    { "/answers/handshake", test_handshake, FAULT_SERVER_TLS },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
