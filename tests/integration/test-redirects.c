/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Where a request may be led, as what, and what it takes along. */

static const char *const secrets[] = { "Authorization",
                                       "Proxy-Authorization",
                                       "Cookie",
                                       "X-Api-Key" };

static ResilientRequest *
secret_request_new (ClientFixture *fixture, const char *method, const char *path)
{
  ResilientRequest *request = request_new (fixture, method, path);

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    resilient_request_set_header (request, secrets[i], "secret");
  resilient_request_mark_header_secret (request, "x-api-key");
  resilient_request_set_header (request, "X-Plain", "plain");

  return request;
}

static void
assert_secrets (FaultRecord *record, gboolean present)
{
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_cmpstr (fault_record_get_header (record, secrets[i]), ==, present ? "secret" : NULL);
  g_assert_cmpstr (fault_record_get_header (record, "X-Plain"), ==, "plain");
}

static void
test_same_origin (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = secret_request_new (fixture, "GET", "/from?a#part");
  g_autoptr (ResilientRequestContext) context = context_new ("led", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = NULL;
  g_autofree char *expected = fault_server_uri (fixture->server, "/to?b#part");

  fault_server_on (fixture->server, "/from", fault_redirect (302, "to?b"), NULL);
  fault_server_on (fixture->server, "/to", fault_answer (200, NULL, "there"), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "there");
  uri = g_uri_to_string (resilient_response_get_uri (response));
  g_assert_cmpstr (uri, ==, expected);
  record = fault_server_get_record_of (fixture->server, "/to", 0);
  assert_secrets (record, TRUE);
  /* a hop of a redirect is no send of its own */
  result =
    assert_result (fixture, "led", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
}

/* What is dropped at another origin stays dropped when a later hop comes back. */
static void
test_other_origin (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultServer) other = fault_server_new (FAULT_SERVER_PLAIN);
  g_autofree char *there = fault_server_uri (other, "/there");
  g_autofree char *back = fault_server_uri (fixture->server, "/back");
  g_autoptr (ResilientRequest) request = secret_request_new (fixture, "GET", "/from");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) first = NULL;
  g_autoptr (FaultRecord) second = NULL;
  g_autoptr (FaultRecord) third = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/from", fault_redirect (307, there), NULL);
  fault_server_on (other, "/there", fault_redirect (302, back), NULL);
  fault_server_on (fixture->server, "/back", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  first = fault_server_get_record_of (fixture->server, "/from", 0);
  second = fault_server_get_record_of (other, "/there", 0);
  third = fault_server_get_record_of (fixture->server, "/back", 0);
  assert_secrets (first, TRUE);
  assert_secrets (second, FALSE);
  assert_secrets (third, FALSE);
}

/* Another name of the same machine is another origin. */
static void
test_other_name (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *there = fault_server_uri_at (fixture->server, "localhost", "/there");
  g_autoptr (ResilientRequest) request = secret_request_new (fixture, "GET", "/from");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/from", fault_redirect (302, there), NULL);
  fault_server_on (fixture->server, "/there", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  record = fault_server_get_record_of (fixture->server, "/there", 0);
  assert_secrets (record, FALSE);
}

/* What the app has marked on the origin is as secret as what it marks on the request. */
static void
test_marked_origin (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *here = fault_server_uri (fixture->server, "/from");
  g_autofree char *there = fault_server_uri_at (fixture->server, "localhost", "/there");
  g_autoptr (ResilientOrigin) origin = resilient_client_get_origin (fixture->client, here, NULL);
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", here);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) first = NULL;
  g_autoptr (FaultRecord) second = NULL;
  g_autoptr (GError) error = NULL;

  resilient_origin_mark_header_secret (origin, "x-key");
  resilient_request_set_header (request, "X-Key", "secret");
  resilient_request_set_header (request, "X-Other", "public");
  fault_server_on (fixture->server, "/from", fault_redirect (302, there), NULL);
  fault_server_on (fixture->server, "/there", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  first = fault_server_get_record_of (fixture->server, "/from", 0);
  second = fault_server_get_record_of (fixture->server, "/there", 0);
  g_assert_cmpstr (fault_record_get_header (first, "X-Key"), ==, "secret");
  g_assert_null (fault_record_get_header (second, "X-Key"));
  g_assert_cmpstr (fault_record_get_header (second, "X-Other"), ==, "public");
}

/* Who redirects is not to blame for what the other one does. */
static void
test_blame (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *here = fault_server_uri (fixture->server, "/from");
  g_autofree char *there = fault_server_uri_at (fixture->server, "localhost", "/there");
  g_autoptr (ResilientOrigin) origin = resilient_client_get_origin (fixture->client, here, NULL);
  g_autoptr (ResilientRetryPolicy) once = quick_policy (0);
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (ResilientCircuitPolicy) policy = NULL;
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  resilient_circuit_policy_builder_set_failure_threshold (builder, 1);
  policy = resilient_circuit_policy_builder_build (builder, NULL);
  resilient_client_set_retry_policy (fixture->client, once);
  resilient_client_set_circuit_policy (fixture->client, policy);
  breaker = resilient_origin_get_circuit_breaker (origin);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/from");
      g_autoptr (ResilientResponse) response = NULL;

      fault_server_on (fixture->server, "/from", fault_redirect (302, there), NULL);
      if (i == 0)
        fault_server_on (fixture->server, "/there", fault_answer (503, NULL, "busy"), NULL);
      else if (i == 1)
        fault_server_on (fixture->server, "/there", fault_reset (), NULL);
      else
        fault_server_on (
          fixture->server, "/there", fault_send_raw ("x\r\n\r\n", 5), fault_close (), NULL);
      response = client_send (fixture, request, NULL, NULL);
      g_assert_cmpint (response != NULL, ==, i == 0);
      g_assert_cmpint (
        resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
    }
}

static void
test_methods (ClientFixture *fixture, gconstpointer flags)
{
  const struct
  {
    guint status;
    const char *method, *then;
    gboolean body;
  } rows[] = {
    { 301, "GET", "GET", FALSE },    { 301, "POST", "GET", FALSE },
    { 301, "PUT", "PUT", TRUE },     { 301, "HEAD", "HEAD", FALSE },
    { 302, "GET", "GET", FALSE },    { 302, "POST", "GET", FALSE },
    { 302, "PATCH", "PATCH", TRUE }, { 302, "DELETE", "DELETE", FALSE },
    { 303, "GET", "GET", FALSE },    { 303, "POST", "GET", FALSE },
    { 303, "PUT", "GET", FALSE },    { 303, "HEAD", "HEAD", FALSE },
    { 307, "GET", "GET", FALSE },    { 307, "POST", "POST", TRUE },
    { 307, "PUT", "PUT", TRUE },     { 307, "HEAD", "HEAD", FALSE },
    { 308, "GET", "GET", FALSE },    { 308, "POST", "POST", TRUE },
    { 308, "PUT", "PUT", TRUE },     { 308, "DELETE", "DELETE", FALSE },
  };
  g_autoptr (GBytes) bytes = g_bytes_new ("body", 4);

  fault_server_on (fixture->server, "/to", fault_answer (200, NULL, ""), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, rows[i].method, "/from");
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (FaultRecord) record = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%u %s", rows[i].status, rows[i].method);
      fault_server_next (fixture->server, "/from", fault_redirect (rows[i].status, "/to"), NULL);
      if (g_str_has_prefix (rows[i].method, "P"))
        resilient_request_set_body_bytes (request, "text/plain", bytes);
      response = client_send (fixture, request, NULL, &error);
      g_assert_no_error (error);
      record = fault_server_get_record_of (fixture->server, "/to", i);
      g_assert_cmpstr (fault_record_get_method (record), ==, rows[i].then);
      g_assert_cmpuint (fault_record_get_body_size (record), ==, rows[i].body ? 4 : 0);
      g_assert_cmpstr (
        fault_record_get_header (record, "Content-Type"), ==, rows[i].body ? "text/plain" : NULL);
    }
}

static void
expect_refused (ClientFixture *fixture, ResilientRequest *request)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("astray", policy);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  result =
    assert_result (fixture, "astray", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_REDIRECT, 1);
}

static void
test_loop (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/again");

  fault_server_on (fixture->server, "/again", fault_redirect (302, "/again"), NULL);
  expect_refused (fixture, request);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 21);
}

static void
test_downgrade (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultServer) plain = fault_server_new (FAULT_SERVER_PLAIN);
  g_autofree char *there = fault_server_uri (plain, "/");
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

  fault_server_on (fixture->server, "/", fault_redirect (302, there), NULL);
  expect_refused (fixture, request);
  g_assert_cmpuint (fault_server_get_connections (plain), ==, 0);
}

static void
test_bad_target (ClientFixture *fixture, gconstpointer flags)
{
  const char *targets[] = { "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://[::1" };

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

      fault_server_on (fixture->server, "/", fault_redirect (302, targets[i]), NULL);
      expect_refused (fixture, request);
      wait_last_events (fixture, 1);
      g_ptr_array_set_size (fixture->events, 0);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, G_N_ELEMENTS (targets));
}

static void
test_one_shot_body (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/from");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("once", 4, NULL);

  fault_server_on (fixture->server, "/from", fault_redirect (307, "/to"), NULL);
  resilient_request_set_body_stream (request, "text/plain", stream, 4);
  expect_refused (fixture, request);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

/* 3xx that lead nowhere are answers. */
static void
test_answers (ClientFixture *fixture, gconstpointer flags)
{
  const guint statuses[] = { 300, 302, 304, 307 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      fault_server_next (fixture->server,
                         "/",
                         fault_answer (statuses[i], NULL, statuses[i] == 304 ? "" : "see"),
                         NULL);
      response = client_get (fixture, "/", NULL, &error);
      g_assert_no_error (error);
      assert_response (response, statuses[i], statuses[i] == 304 ? "" : "see");
    }
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/redirects/same-origin", test_same_origin, FAULT_SERVER_PLAIN },
    { "/redirects/same-origin/http2", test_same_origin, FAULT_SERVER_HTTP2 },
    { "/redirects/other-origin", test_other_origin, FAULT_SERVER_PLAIN },
    { "/redirects/other-name", test_other_name, FAULT_SERVER_PLAIN },
    { "/redirects/other-name/tls", test_other_name, FAULT_SERVER_TLS },
    { "/redirects/marked-origin", test_marked_origin, FAULT_SERVER_PLAIN },
    { "/redirects/blame", test_blame, FAULT_SERVER_PLAIN },
    { "/redirects/methods", test_methods, FAULT_SERVER_PLAIN },
    { "/redirects/methods/http2", test_methods, FAULT_SERVER_HTTP2 },
    { "/redirects/loop", test_loop, FAULT_SERVER_PLAIN },
    { "/redirects/downgrade", test_downgrade, FAULT_SERVER_TLS },
    { "/redirects/bad-target", test_bad_target, FAULT_SERVER_PLAIN },
    { "/redirects/one-shot-body", test_one_shot_body, FAULT_SERVER_PLAIN },
    { "/redirects/answers", test_answers, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
