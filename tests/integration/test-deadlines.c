/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Every deadline against a peer that makes it pass. The peer waits for ever, so nothing but the
 * deadline ends a request. */

#define SHORT 0.05
#define UPLOAD_SIZE (32 * 1024 * 1024) /* more than a kernel buffers */

/* Sends @request, which must fail with @failure in less than the whole second that libsoup's own
 * time-outs take. */
static void
expect_timeout (ClientFixture *fixture,
                ResilientRequest *request,
                ResilientFailure failure,
                guint attempts)
{
  g_autoptr (ResilientRequestContext) context = context_new ("late", NULL);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (ResilientResponse) response = client_send (fixture, request, context, &error);
  double elapsed = (g_get_monotonic_time () - start) / (double) G_TIME_SPAN_SECOND;
  g_autoptr (ResilientResult) result = NULL;

  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (response);
  g_assert_cmpfloat (elapsed, >=, SHORT * 0.9);
  if (!test_is_quick ())
    g_assert_cmpfloat (elapsed, <, 1);
  result = assert_result (fixture, "late", RESILIENT_RESULT_STATUS_TIMEOUT, failure, attempts);
  wait_last_events (fixture, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_TIMEOUT, "late"), ==, 1);
}

static void
test_connect (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  resilient_client_set_connect_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_CONNECT_TIMEOUT, 1);
}

static void
test_handshake (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_next_connection (fixture->server, fault_silence (), NULL);
  resilient_client_set_connect_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_CONNECT_TIMEOUT, 1);
}

static void
test_write (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (UPLOAD_SIZE), UPLOAD_SIZE);

  fault_server_on (fixture->server,
                   "/",
                   fault_send ("HTTP/1.1 100 Continue\r\n\r\n"),
                   fault_read (0),
                   fault_hold ("never"),
                   NULL);
  resilient_request_set_body_bytes (request, NULL, body);
  resilient_request_set_write_timeout (request, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_WRITE_TIMEOUT, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

static void
test_read (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_client_set_read_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_READ_TIMEOUT, 1);
  fault_server_wait_closed (fixture->server, 1);
}

static void
test_read_headers (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (
    fixture->server, "/", fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_silence (), NULL);
  resilient_client_set_read_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_READ_TIMEOUT, 1);
}

static void
test_read_body (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (fixture->server,
                   "/",
                   fault_head (200, "Content-Length: 10"),
                   fault_send ("abc"),
                   fault_silence (),
                   NULL);
  resilient_client_set_read_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_READ_TIMEOUT, 1);
}

static void
test_attempt (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_client_set_attempt_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_DEADLINE, 1);
}

/* Bytes that come in time one by one satisfy the read deadline for ever; the attempt's is for
 * that. */
static void
test_drip (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autofree char *text = g_strnfill (10000, 'd');

  fault_server_on (fixture->server,
                   "/",
                   fault_head (200, "Content-Length: 10000"),
                   fault_drip (text, NULL, 2),
                   NULL);
  resilient_client_set_read_timeout (fixture->client, 15);
  resilient_client_set_attempt_timeout (fixture->client, 4 * SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_DEADLINE, 1);
}

static void
test_drip_in_time (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server,
                   "/",
                   fault_head (200, "Content-Length: 24"),
                   fault_drip ("abcdefghijklmnopqrstuvwx", NULL, 25),
                   NULL);
  resilient_client_set_read_timeout (fixture->client, 0.5);
  response = client_get (fixture, "/", NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "abcdefghijklmnopqrstuvwx");
  g_assert_cmpfloat (resilient_response_get_elapsed_time (response), >, 0.5);
}

static void
test_total (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_client_set_total_timeout (fixture->client, 30);
  resilient_request_set_total_timeout (request, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_DEADLINE, 1);
}

/* A sleep that can't end in time is not begun: the real failure is told at once. */
static void
test_total_before_sleep (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (5);
  g_autoptr (ResilientRequestContext) context = context_new ("no-use", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  resilient_client_set_total_timeout (fixture->client, 15);
  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  result =
    assert_result (fixture, "no-use", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 1);
  g_assert_cmpfloat (resilient_result_get_total_time (result), <, 15);
}

static void
test_queue (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) first = { 0 };

  fault_server_on (
    fixture->server, "/first", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  resilient_client_set_max_concurrent (fixture->client, 1);
  client_start_get (fixture, "/first", NULL, NULL, &first);
  fault_server_wait_held (fixture->server, "go", 1);
  resilient_client_set_queue_timeout (fixture->client, SHORT);
  expect_timeout (fixture, request, RESILIENT_FAILURE_QUEUE_TIMEOUT, 0);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &first, &error);
  g_assert_no_error (error);
}

static void
test_request_wins (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) patient = request_new (fixture, "GET", "/hold");
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/silent");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (
    fixture->server, "/hold", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/silent", fault_silence (), NULL);
  resilient_client_set_read_timeout (fixture->client, SHORT);
  resilient_request_set_read_timeout (patient, 0);
  call = resilient_client_start (fixture->client, patient, NULL, NULL);
  fault_server_wait_held (fixture->server, "go", 1);
  expect_timeout (fixture, request, RESILIENT_FAILURE_READ_TIMEOUT, 1);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_SENDING);
  fault_server_open (fixture->server, "go");
  response = call_wait (call, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

static void
test_retried (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("patient", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/", fault_silence (), NULL);
  /* the answer itself must not be late on a slow machine */
  resilient_client_set_read_timeout (fixture->client, 10 * SHORT);
  response = client_get (fixture, "/", context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  result =
    assert_result (fixture, "patient", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 2);
  attempts = resilient_result_list_attempts (result);
  g_assert_cmpuint (
    resilient_attempt_get_failure (attempts->pdata[0]), ==, RESILIENT_FAILURE_READ_TIMEOUT);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/deadlines/connect", test_connect, FAULT_SERVER_FULL_BACKLOG },
    { "/deadlines/handshake", test_handshake, FAULT_SERVER_TLS },
    { "/deadlines/write", test_write, FAULT_SERVER_PLAIN },
    { "/deadlines/read", test_read, FAULT_SERVER_PLAIN },
    { "/deadlines/read/tls", test_read, FAULT_SERVER_TLS },
    { "/deadlines/read-headers", test_read_headers, FAULT_SERVER_PLAIN },
    { "/deadlines/read-body", test_read_body, FAULT_SERVER_PLAIN },
    { "/deadlines/read-body/http2", test_read_body, FAULT_SERVER_HTTP2 },
    { "/deadlines/attempt", test_attempt, FAULT_SERVER_PLAIN },
    { "/deadlines/drip", test_drip, FAULT_SERVER_PLAIN },
    { "/deadlines/drip-in-time", test_drip_in_time, FAULT_SERVER_PLAIN },
    { "/deadlines/total", test_total, FAULT_SERVER_PLAIN },
    { "/deadlines/total-before-sleep", test_total_before_sleep, FAULT_SERVER_REFUSING },
    { "/deadlines/queue", test_queue, FAULT_SERVER_PLAIN },
    { "/deadlines/request-wins", test_request_wins, FAULT_SERVER_PLAIN },
    { "/deadlines/retried", test_retried, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
