/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* What libsoup does by itself and must not reach the caller: resends, connections that die, errors
 * that mislead. */

#define BODY "what must arrive whole"
#define BIG (8 * 1024 * 1024)

/* Opens a connection and leaves it in libsoup's pool. */
static void
warm_up (ClientFixture *fixture)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/warm", fault_answer (200, NULL, "warm"), NULL);
  response = client_get (fixture, "/warm", NULL, &error);
  g_assert_no_error (error);
}

static ResilientRequest *
upload_new (ClientFixture *fixture, const char *method)
{
  ResilientRequest *request = request_new (fixture, method, "/up");
  g_autoptr (GBytes) bytes = g_bytes_new_static (BODY, strlen (BODY));

  resilient_request_set_body_bytes (request, "text/plain", bytes);

  return request;
}

static void
assert_whole (ClientFixture *fixture, guint n)
{
  g_autoptr (FaultRecord) record = fault_server_get_record_of (fixture->server, "/up", n);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, BODY, -1);

  g_assert_true (fault_record_is_whole (record));
  g_assert_cmpstr (fault_record_get_body_sha256 (record), ==, sum);
}

/* A connection of the pool that dies under a request: one resend, whole, on a new connection, where
 * the method allows it. */
static void
test_stale_connection (ClientFixture *fixture, gconstpointer flags)
{
  const char *methods[] = { "GET", "HEAD", "OPTIONS", "DELETE", "PUT" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (ResilientRequest) request =
        i < 4 ? request_new (fixture, methods[i], "/up") : upload_new (fixture, methods[i]);
      g_autoptr (ResilientRequestContext) context = context_new (methods[i], NULL);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GPtrArray) attempts = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", methods[i]);
      warm_up (fixture);
      fault_server_on (fixture->server, "/up", fault_answer (200, NULL, ""), NULL);
      fault_server_next (fixture->server, "/up", fault_reset (), NULL);
      response = client_send (fixture, request, context, &error);
      g_assert_no_error (error);
      result = assert_result (
        fixture, methods[i], RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
      g_assert_cmpuint (resilient_result_get_sends (result), ==, 2);
      attempts = resilient_result_list_attempts (result);
      g_assert_true (resilient_attempt_get_reused_connection (attempts->pdata[0]));
      g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, 2 * (i + 1));
    }
  assert_whole (fixture, 8);
  assert_whole (fixture, 9);
}

/* The resend dies as well: no third time, and no retry under the default policy. */
static void
test_stale_twice (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "PUT");
  g_autoptr (ResilientRequestContext) context = context_new ("put", NULL);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  warm_up (fixture);
  fault_server_on (fixture->server, "/up", fault_reset (), NULL);
  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  result =
    assert_result (fixture, "put", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 2);
  g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, 2);
  assert_whole (fixture, 0);
  assert_whole (fixture, 1);
}

static void
expect_once (ClientFixture *fixture, ResilientRequest *request, guint sends)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequestContext) context = context_new ("post", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  warm_up (fixture);
  fault_server_on (fixture->server, "/up", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/up", fault_reset (), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, sends);
  if (sends == 1)
    {
      g_assert_nonnull (error);
      g_assert_null (response);
      result = assert_result (
        fixture, "post", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
      return;
    }
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  assert_whole (fixture, 1);
}

static void
test_post_never_twice (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "POST");

  expect_once (fixture, request, 1);
}

static void
test_declared_unsafe (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "PUT");

  resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_NO);
  expect_once (fixture, request, 1);
}

static void
test_post_with_key (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "POST");
  g_autoptr (FaultRecord) first = NULL;
  g_autoptr (FaultRecord) second = NULL;

  resilient_request_set_idempotency_key (request, NULL);
  expect_once (fixture, request, 2);
  first = fault_server_get_record_of (fixture->server, "/up", 0);
  second = fault_server_get_record_of (fixture->server, "/up", 1);
  g_assert_nonnull (fault_record_get_header (first, "Idempotency-Key"));
  g_assert_cmpstr (fault_record_get_header (first, "Idempotency-Key"),
                   ==,
                   fault_record_get_header (second, "Idempotency-Key"));
}

static void
test_post_declared_safe (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "POST");

  resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_YES);
  expect_once (fixture, request, 2);
}

/* REFUSED_STREAM: libsoup would send it thousands of times a second. */
static void
test_refused_for_ever (ClientFixture *fixture, gconstpointer flags)
{
  const char *methods[] = { "PUT", "POST" };

  warm_up (fixture);
  fault_server_on (fixture->server, "/up", fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (ResilientRequest) request = upload_new (fixture, methods[i]);
      g_autoptr (ResilientRequestContext) context = context_new (methods[i], NULL);
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GError) error = NULL;
      guint before = fault_server_count (fixture->server, "/up");

      g_assert_null (client_send (fixture, request, context, &error));
      g_assert_nonnull (error);
      g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      result = assert_result (
        fixture, methods[i], RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 3);
      g_assert_cmpuint (fault_server_count (fixture->server, "/up") - before,
                        ==,
                        resilient_result_get_sends (result));
      /* each of the attempts of the default policy twice */
      g_assert_cmpuint (resilient_result_get_sends (result), ==, 6);
    }
}

static void
test_refused_once (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = upload_new (fixture, "PUT");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  warm_up (fixture);
  fault_server_on (fixture->server, "/up", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/up", fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, 2);
  assert_whole (fixture, 1);
}

/* A connection that goes away never makes a POST go twice, and a GET ends well. */
static void
test_goaway (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequestContext) context = context_new ("get", policy);
  g_autoptr (ResilientRequest) request = upload_new (fixture, "POST");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResponse) posted = NULL;
  g_autoptr (GError) error = NULL;

  warm_up (fixture);
  fault_server_on (fixture->server, "/away", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (
    fixture->server, "/away", fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE), fault_close (), NULL);
  response = client_get (fixture, "/away", context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");

  warm_up (fixture);
  fault_server_on (
    fixture->server, "/up", fault_goaway (FAULT_HTTP2_NO_ERROR, TRUE), fault_close (), NULL);
  posted = client_send (fixture, request, NULL, &error);
  g_assert_nonnull (error);
  g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, 1);
}

/* Each attempt starts from the original address and headers, wherever a redirect had led the one
 * before. */
static void
test_fresh_start (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultServer) other = fault_server_new (FAULT_SERVER_PLAIN);
  g_autofree char *there = fault_server_uri (other, "/there");
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/here");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/here", fault_redirect (302, there), NULL);
  fault_server_on (other, "/there", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (other, "/there", fault_answer (503, NULL, "no"), NULL);
  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_header (request, "Authorization", "Bearer t");
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_count (fixture->server, "/here"), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FaultRecord) here = fault_server_get_record (fixture->server, i);
      g_autoptr (FaultRecord) there_record = fault_server_get_record (other, i);

      g_assert_cmpstr (fault_record_get_header (here, "Authorization"), ==, "Bearer t");
      g_assert_null (fault_record_get_header (there_record, "Authorization"));
    }
}

/* A body that nobody wants must not hold a connection that the retry needs. */
static void
test_unread_body (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autofree char *large = g_strnfill (BIG, 'l');

  resilient_client_set_retry_policy (fixture->client, policy);
  resilient_client_set_max_concurrent (fixture->client, 1);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture->server, "/", fault_answer (503, NULL, "short"), NULL);
  fault_server_next (fixture->server, "/", fault_answer (503, NULL, large), NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_get (fixture, "/", NULL, &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 4);

  /* and one without end */
  fault_server_next (fixture->server, "/", fault_head (503, NULL), fault_send_filler (0), NULL);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (ResilientResponse) response = client_get (fixture, "/", NULL, &error);

    g_assert_no_error (error);
    assert_response (response, 200, "ok");
  }
}

/* Somebody else stops the session: that is a failure, not the caller's cancel. */
static void
test_abort (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("aborted", NULL);
  SoupSession *session = resilient_client_share_session (fixture->client);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_auto (TestResult) slot = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_requests (fixture->server, 1);
  soup_session_abort (session);
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  result = assert_result (
    fixture, "aborted", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/libsoup-facts/stale-connection", test_stale_connection, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/stale-connection/tls", test_stale_connection, FAULT_SERVER_TLS },
    { "/libsoup-facts/stale-twice", test_stale_twice, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/stale-twice/tls", test_stale_twice, FAULT_SERVER_TLS },
    { "/libsoup-facts/post-never-twice", test_post_never_twice, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/post-never-twice/http2", test_post_never_twice, FAULT_SERVER_HTTP2 },
    { "/libsoup-facts/declared-unsafe", test_declared_unsafe, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/post-with-key", test_post_with_key, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/post-declared-safe", test_post_declared_safe, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/refused-for-ever", test_refused_for_ever, FAULT_SERVER_HTTP2 },
    { "/libsoup-facts/refused-once", test_refused_once, FAULT_SERVER_HTTP2 },
    { "/libsoup-facts/goaway", test_goaway, FAULT_SERVER_HTTP2 },
    { "/libsoup-facts/fresh-start", test_fresh_start, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/unread-body", test_unread_body, FAULT_SERVER_PLAIN },
    { "/libsoup-facts/unread-body/http2", test_unread_body, FAULT_SERVER_HTTP2 },
    { "/libsoup-facts/abort", test_abort, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
