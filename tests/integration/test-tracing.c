/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

#include <string.h>

/* What a server sees of the trace that a request is part of. */

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"
#define STATE "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"

static ResilientRequest *
traced_request_new (ClientFixture *fixture, const char *path)
{
  ResilientRequest *request = request_new (fixture, "GET", path);

  resilient_request_set_trace_parent (request, PARENT);
  resilient_request_set_trace_state (request, STATE);
  return request;
}

/* The span id that a server was told; transfer full. */
static char *
take_span_id (FaultServer *server, const char *path, guint n)
{
  g_autoptr (FaultRecord) record = fault_server_get_record_of (server, path, n);
  const char *parent = fault_record_get_header (record, "traceparent");

  g_assert_nonnull (parent);
  g_assert_cmpuint (strlen (parent), ==, strlen (PARENT));
  g_assert_true (g_str_has_prefix (parent, "00-" TRACE "-"));
  g_assert_true (g_str_has_suffix (parent, "-01"));
  g_assert_cmpstr (parent, !=, PARENT);
  g_assert_cmpstr (fault_record_get_header (record, "tracestate"), ==, STATE);
  return g_strndup (parent + 36, 16);
}

static void
assert_untraced (FaultServer *server, const char *path)
{
  g_autoptr (FaultRecord) record = fault_server_get_record_of (server, path, 0);

  g_assert_null (fault_record_get_header (record, "traceparent"));
  g_assert_null (fault_record_get_header (record, "tracestate"));
}

/* Each attempt is a span of its own, and the log says which. */
static void
test_attempts (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = traced_request_new (fixture, "/flaky");
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (ResilientRequestContext) context = context_new ("traced", policy);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_next (fixture->server, "/flaky", fault_answer (503, NULL, ""), NULL);
  fault_server_next (fixture->server, "/flaky", fault_answer (503, NULL, ""), NULL);
  fault_server_on (fixture->server, "/flaky", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");

  result =
    assert_result (fixture, "traced", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 3);
  attempts = resilient_result_list_attempts (result);
  for (guint i = 0; i < attempts->len; i++)
    {
      char *span_id = take_span_id (fixture->server, "/flaky", i);
      g_autofree char *logged = resilient_attempt_dup_span_id (attempts->pdata[i]);

      g_assert_cmpstr (logged, ==, span_id);
      g_assert_true (g_hash_table_add (seen, span_id));
    }

  /* The same request, sent again, has other spans. */
  g_clear_pointer (&response, resilient_response_unref);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_hash_table_add (seen, take_span_id (fixture->server, "/flaky", 3)));
}

static void
test_redirects (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *other = fault_server_uri_at (fixture->server, "localhost", "/other");
  g_autofree char *back = fault_server_uri (fixture->server, "/back");
  g_autoptr (ResilientRequest) request = traced_request_new (fixture, "/from");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *from = NULL;
  g_autofree char *same = NULL;

  fault_server_on (fixture->server, "/from", fault_redirect (302, "/same"), NULL);
  fault_server_on (fixture->server, "/same", fault_redirect (302, other), NULL);
  fault_server_on (fixture->server, "/other", fault_redirect (302, back), NULL);
  fault_server_on (fixture->server, "/back", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");

  from = take_span_id (fixture->server, "/from", 0);
  same = take_span_id (fixture->server, "/same", 0);
  g_assert_cmpstr (from, ==, same);
  assert_untraced (fixture->server, "/other");
  assert_untraced (fixture->server, "/back");
}

/* Without a trace there is nothing to say, and what an app says by hand stays. */
static void
test_headers (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/none");
  g_autoptr (ResilientRequest) by_hand = traced_request_new (fixture, "/by-hand");
  g_autoptr (ResilientRequestContext) context = context_new ("none", NULL);
  g_autoptr (ResilientResponse) none = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/none", fault_answer (200, NULL, ""), NULL);
  fault_server_on (fixture->server, "/by-hand", fault_answer (200, NULL, ""), NULL);

  resilient_request_set_trace_state (request, STATE);
  none = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_untraced (fixture->server, "/none");
  result =
    assert_result (fixture, "none", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  attempts = resilient_result_list_attempts (result);
  g_assert_null (resilient_attempt_dup_span_id (attempts->pdata[0]));

  resilient_request_set_header (by_hand, "Traceparent", PARENT);
  response = client_send (fixture, by_hand, NULL, &error);
  g_assert_no_error (error);
  record = fault_server_get_record_of (fixture->server, "/by-hand", 0);
  g_assert_cmpstr (fault_record_get_header (record, "traceparent"), ==, PARENT);
}

static void
test_values (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = traced_request_new (fixture, "/");
  g_autoptr (ResilientRequest) copy = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (resilient_request_get_trace_parent (request), ==, PARENT);
  g_assert_cmpstr (resilient_request_get_trace_state (request), ==, STATE);

  resilient_request_set_trace_parent (request, "00-1-2-3\r\nX: y");
  g_assert_null (client_send (fixture, request, NULL, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_nonnull (strstr (error->message, "trace-parent"));
  g_clear_error (&error);

  /* What is valid takes its place. */
  resilient_request_set_trace_parent (request, PARENT);
  resilient_request_set_trace_state (request, "no state");
  copy = resilient_request_copy (request);
  g_assert_null (client_send (fixture, copy, NULL, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_nonnull (strstr (error->message, "trace-state"));
  g_clear_error (&error);

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, ""), NULL);
  resilient_request_set_trace_parent (copy, resilient_request_get_trace_parent (copy));
  resilient_request_set_trace_state (copy, NULL);
  response = client_send (fixture, copy, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (resilient_request_get_trace_state (copy));
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/tracing/attempts", test_attempts, FAULT_SERVER_PLAIN },
    { "/tracing/attempts/http2", test_attempts, FAULT_SERVER_HTTP2 },
    { "/tracing/redirects", test_redirects, FAULT_SERVER_PLAIN },
    { "/tracing/headers", test_headers, FAULT_SERVER_PLAIN },
    { "/tracing/values", test_values, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
