/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>

#include "client-fixture.h"

/* What goes on the wire: methods, bodies, queries and headers. */

typedef void (*BareVerb) (ResilientClient *,
                          const char *,
                          ResilientRequestContext *,
                          GCancellable *,
                          GAsyncReadyCallback,
                          gpointer);
typedef void (*BodyVerb) (ResilientClient *,
                          const char *,
                          const char *,
                          GBytes *,
                          ResilientRequestContext *,
                          GCancellable *,
                          GAsyncReadyCallback,
                          gpointer);
typedef ResilientResponse *(*VerbFinish) (ResilientClient *, GAsyncResult *, GError **);

static void
test_bare_verbs (ClientFixture *fixture, gconstpointer flags)
{
  const struct
  {
    const char *method;
    BareVerb start;
    VerbFinish finish;
    const char *body;
  } rows[] = {
    { "GET", resilient_client_get_async, resilient_client_get_finish, "hello" },
    { "HEAD", resilient_client_head_async, resilient_client_head_finish, "" },
    { "OPTIONS", resilient_client_options_async, resilient_client_options_finish, "hello" },
    { "DELETE", resilient_client_delete_async, resilient_client_delete_finish, "hello" },
  };
  g_autofree char *uri = fault_server_uri (fixture->server, "/thing?a=b");

  fault_server_on (
    fixture->server, "/thing", fault_answer (200, "Content-Type: text/plain", "hello"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (TestResult) result = { 0 };
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (FaultRecord) record = NULL;
      g_autoptr (GError) error = NULL;

      rows[i].start (fixture->client, uri, NULL, NULL, test_result_cb, &result);
      response = rows[i].finish (fixture->client, test_result_wait (&result), &error);
      g_assert_no_error (error);
      assert_response (response, 200, rows[i].body);
      g_assert_cmpstr (resilient_response_get_content_type (response), ==, "text/plain");
      record = fault_server_get_record (fixture->server, i);
      g_assert_cmpstr (fault_record_get_method (record), ==, rows[i].method);
      g_assert_cmpstr (fault_record_get_path (record), ==, "/thing?a=b");
      g_assert_cmpuint (fault_record_get_body_size (record), ==, 0);
    }
}

static void
test_body_verbs (ClientFixture *fixture, gconstpointer flags)
{
  const struct
  {
    const char *method;
    BodyVerb start;
    VerbFinish finish;
  } rows[] = {
    { "POST", resilient_client_post_async, resilient_client_post_finish },
    { "PUT", resilient_client_put_async, resilient_client_put_finish },
    { "PATCH", resilient_client_patch_async, resilient_client_patch_finish },
  };
  g_autofree char *uri = fault_server_uri (fixture->server, "/thing");
  g_autoptr (GBytes) body = g_bytes_new ("a\0b", 3);

  fault_server_on (fixture->server, "/thing", fault_answer (201, NULL, "made"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (TestResult) result = { 0 };
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (FaultRecord) record = NULL;
      g_autoptr (GError) error = NULL;

      rows[i].start (
        fixture->client, uri, "application/x-thing", body, NULL, NULL, test_result_cb, &result);
      response = rows[i].finish (fixture->client, test_result_wait (&result), &error);
      g_assert_no_error (error);
      assert_response (response, 201, "made");
      record = fault_server_get_record (fixture->server, i);
      g_assert_cmpstr (fault_record_get_method (record), ==, rows[i].method);
      g_assert_cmpstr (fault_record_get_header (record, "Content-Type"), ==, "application/x-thing");
      g_assert_cmpstr (fault_record_get_header (record, "Content-Length"), ==, "3");
      g_assert_true (g_bytes_equal (fault_record_get_body (record), body));
      g_assert_true (fault_record_is_whole (record));
    }
}

static void
test_other_methods (ClientFixture *fixture, gconstpointer flags)
{
  const char *methods[] = { "TRACE", "PROPFIND", "M-SEARCH" };

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, methods[i], "/");
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_send (fixture, request, NULL, &error);
      g_autoptr (FaultRecord) record = NULL;

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      record = fault_server_get_record (fixture->server, i);
      g_assert_cmpstr (fault_record_get_method (record), ==, methods[i]);
    }
}

/* Sends @request as a PUT whose first answer is a 503, so that its body goes twice, and returns the
 * second record. */
static FaultRecord *
send_twice (ClientFixture *fixture, ResilientRequest *request)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) first = NULL;
  g_autoptr (GError) error = NULL;
  FaultRecord *second;

  fault_server_on (fixture->server, "/up", fault_answer (200, NULL, "taken"), NULL);
  fault_server_next (fixture->server, "/up", fault_answer (503, NULL, ""), NULL);
  resilient_request_set_retry_policy (request, policy);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "taken");
  g_assert_cmpuint (fault_server_count (fixture->server, "/up"), ==, 2);
  first = fault_server_get_record_of (fixture->server, "/up", 0);
  second = fault_server_get_record_of (fixture->server, "/up", 1);
  g_assert_true (fault_record_is_whole (second));
  g_assert_cmpstr (fault_record_get_body_sha256 (first), ==, fault_record_get_body_sha256 (second));

  return second;
}

static void
assert_body (FaultRecord *record, const char *content_type, const char *body)
{
  g_assert_cmpstr (fault_record_get_header (record, "Content-Type"), ==, content_type);
  g_assert_cmpmem (g_bytes_get_data (fault_record_get_body (record), NULL),
                   g_bytes_get_size (fault_record_get_body (record)),
                   body,
                   strlen (body));
}

static void
test_json (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/up");
  g_autoptr (JsonNode) json = json_from_string ("{\"a\":[1,true,null,\"é\"]}", NULL);
  g_autoptr (FaultRecord) record = NULL;

  resilient_request_set_body_json (request, json);
  record = send_twice (fixture, request);
  assert_body (record, "application/json", "{\"a\":[1,true,null,\"é\"]}");
}

static void
test_json_answer (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResponse) bad = NULL;
  g_autoptr (JsonNode) json = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server,
                   "/good",
                   fault_answer (200, "Content-Type: application/json", "{\"n\": 7}"),
                   NULL);
  fault_server_on (fixture->server, "/bad", fault_answer (404, NULL, "{\"n\""), NULL);
  response = client_get (fixture, "/good", NULL, &error);
  g_assert_no_error (error);
  json = resilient_response_get_json (response, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_object_get_int_member (json_node_get_object (json), "n"), ==, 7);
  text = resilient_response_get_text (response, &error);
  g_assert_cmpstr (text, ==, "{\"n\": 7}");
  g_assert_true (resilient_response_check_status (response, &error));

  bad = client_get (fixture, "/bad", NULL, &error);
  g_assert_no_error (error);
  g_assert_null (resilient_response_get_json (bad, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (resilient_response_check_status (bad, &error));
  g_assert_error (error, RESILIENT_HTTP_ERROR, 404);
}

static void
test_form (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/up");
  g_autoptr (GHashTable) form = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (FaultRecord) record = NULL;

  g_hash_table_insert (form, (gpointer) "na me", (gpointer) "a&b=c é");
  resilient_request_set_body_form (request, form);
  record = send_twice (fixture, request);
  assert_body (record, "application/x-www-form-urlencoded", "na+me=a%26b%3Dc+%C3%A9");
}

static void
test_file (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/up");
  g_autofree char *path = g_build_filename (g_get_user_data_dir (), "upload", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (g_get_user_data_dir (), 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "from a file", -1, &error));
  g_assert_no_error (error);
  resilient_request_set_body_file (request, "text/plain", file);
  record = send_twice (fixture, request);
  assert_body (record, "text/plain", "from a file");

  g_assert_cmpint (g_unlink (path), ==, 0);
  response = client_send (fixture, request, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_null (response);
}

static GInputStream *
open_cb (gpointer user_data, GError **error)
{
  (*(guint *) user_data)++;

  return g_memory_input_stream_new_from_data ("made anew", 9, NULL);
}

static void
test_stream_factory (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/up");
  g_autoptr (FaultRecord) record = NULL;
  guint opened = 0;

  resilient_request_set_body_stream_factory (request, "text/plain", open_cb, &opened, NULL);
  record = send_twice (fixture, request);
  assert_body (record, "text/plain", "made anew");
  g_assert_cmpuint (opened, ==, 2);
}

static void
test_stream_once (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/up");
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("only once", 9, NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/up", fault_answer (503, NULL, "no"), NULL);
  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_body_stream (request, "text/plain", stream, 9);
  response = client_send (fixture, request, NULL, &error);
  /* the answer is delivered; nothing is left to send it again with */
  g_assert_no_error (error);
  assert_response (response, 503, "no");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  record = fault_server_get_record (fixture->server, 0);
  assert_body (record, "text/plain", "only once");
  wait_last_events (fixture, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_ERROR, NULL), ==, 1);
}

static void
test_query (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/search?a=1");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;

  resilient_request_add_query_param (request, "q", "x y&z");
  resilient_request_add_query_param (request, "q", "é");
  response = client_send (fixture, request, NULL, NULL);
  record = fault_server_get_record (fixture->server, 0);
  g_assert_cmpstr (fault_record_get_path (record), ==, "/search?a=1&q=x%20y%26z&q=%C3%A9");
}

static void
test_default_headers (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  g_autoptr (ResilientOrigin) origin = resilient_client_get_origin (fixture->client, uri, NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;

  resilient_client_set_user_agent (fixture->client, "tester/1");
  g_assert_true (resilient_client_set_default_header (fixture->client, "X-Client", "c", NULL));
  g_assert_true (resilient_client_set_default_header (fixture->client, "X-Both", "c", NULL));
  g_assert_true (resilient_client_set_default_header (fixture->client, "X-Gone", "c", NULL));
  g_assert_true (resilient_client_set_default_header (fixture->client, "X-Gone", NULL, NULL));
  g_assert_true (resilient_origin_set_default_header (origin, "X-Both", "o", NULL));
  g_assert_true (resilient_origin_set_default_header (origin, "Authorization", "Bearer t", NULL));
  g_assert_true (resilient_origin_set_default_header (origin, "X-Mine", "o", NULL));
  resilient_request_set_header (request, "X-Mine", "r");
  resilient_request_append_header (request, "X-Many", "1");
  resilient_request_append_header (request, "X-Many", "2");
  response = client_send (fixture, request, NULL, NULL);
  record = fault_server_get_record (fixture->server, 0);
  g_assert_cmpstr (fault_record_get_header (record, "User-Agent"), ==, "tester/1");
  g_assert_cmpstr (fault_record_get_header (record, "X-Client"), ==, "c");
  g_assert_cmpstr (fault_record_get_header (record, "X-Both"), ==, "o");
  g_assert_cmpuint (fault_record_count_header (record, "X-Both"), ==, 1);
  g_assert_null (fault_record_get_header (record, "X-Gone"));
  g_assert_cmpstr (fault_record_get_header (record, "Authorization"), ==, "Bearer t");
  g_assert_cmpstr (fault_record_get_header (record, "X-Mine"), ==, "r");
  g_assert_cmpuint (fault_record_count_header (record, "X-Many"), ==, 2);
}

/* Each says so in an error, and changes nothing. */
static void
test_bad_values (ClientFixture *fixture, gconstpointer flags)
{
  static const struct
  {
    const char *name;
    const char *value;
    gboolean of_origin; /* and good there */
  } headers[] = {
    { "", "a", FALSE },
    { "X Y", "a", FALSE },
    { "X-Y\n", "a", FALSE },
    { "X Y", NULL, FALSE },
    { "X-Y", "a\nX-Z: b", FALSE },
    { "X-Y", "a\r", FALSE },
    { "Authorization", "Basic x", TRUE },
    { "proxy-authorization", "Basic x", TRUE },
    { "COOKIE", "a=b", TRUE },
  };
  static const char *const uris[] = {
    "",
    "nonsense",
    "/path",
    "http://",
    "ftp://127.0.0.1/",
    "http://127.0.0.1:99999/",
    "http://a\n/",
  };
  static const struct
  {
    const char *method;
    const char *uri;
    int max_retries;
    double timeout;
    ResilientClientError code;
  } fetches[] = {
    { "", "http://127.0.0.1/", 0, 1, RESILIENT_CLIENT_ERROR_INVALID_REQUEST },
    { "G T", "http://127.0.0.1/", 0, 1, RESILIENT_CLIENT_ERROR_INVALID_REQUEST },
    { "GET", "nonsense", 0, 1, RESILIENT_CLIENT_ERROR_INVALID_REQUEST },
    { "GET", "http://127.0.0.1/", -2, 1, RESILIENT_CLIENT_ERROR_INVALID_POLICY },
    { "GET", "http://127.0.0.1/", G_MININT, 1, RESILIENT_CLIENT_ERROR_INVALID_POLICY },
    { "GET", "http://127.0.0.1/", 0, NAN, RESILIENT_CLIENT_ERROR_INVALID_REQUEST },
  };
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientOrigin) origin = NULL;
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;

  origin = resilient_client_get_origin (fixture->client, uri, &error);
  g_assert_no_error (error);
  g_assert_nonnull (origin);
  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      const char *name = headers[i].name, *value = headers[i].value;

      g_assert_false (resilient_client_set_default_header (fixture->client, name, value, &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_clear_error (&error);
      if (headers[i].of_origin)
        continue;
      g_assert_false (resilient_origin_set_default_header (origin, name, value, &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_clear_error (&error);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_assert_null (resilient_client_get_origin (fixture->client, uris[i], &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_clear_error (&error);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (fetches); i++)
    {
      g_auto (TestResult) result = { 0 };

      resilient_fetch_async (fetches[i].method,
                             fetches[i].uri,
                             fetches[i].max_retries,
                             fetches[i].timeout,
                             NULL,
                             test_result_cb,
                             &result);
      g_assert_null (resilient_fetch_finish (test_result_wait (&result), &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, (int) fetches[i].code);
      g_clear_error (&error);
      g_assert_null (resilient_fetch (fetches[i].method,
                                      fetches[i].uri,
                                      fetches[i].max_retries,
                                      fetches[i].timeout,
                                      NULL,
                                      &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, (int) fetches[i].code);
      g_clear_error (&error);
    }

  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  record = fault_server_get_record (fixture->server, 0);
  g_assert_null (fault_record_get_header (record, "X-Y"));
  g_assert_null (fault_record_get_header (record, "Authorization"));
  g_assert_null (fault_record_get_header (record, "Cookie"));
}

static void
test_idempotency_key (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/up");
  g_autoptr (FaultRecord) one = NULL;
  g_autoptr (FaultRecord) again = NULL;
  g_autoptr (FaultRecord) other = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autofree char *key = NULL;

  resilient_request_set_idempotency_key (request, NULL);
  again = send_twice (fixture, request);
  one = fault_server_get_record (fixture->server, 0);
  key = g_strdup (fault_record_get_header (one, "Idempotency-Key"));
  g_assert_true (g_uuid_string_is_valid (key));
  g_assert_cmpstr (key, ==, fault_record_get_header (again, "Idempotency-Key"));
  response = client_send (fixture, request, NULL, NULL);
  other = fault_server_get_record (fixture->server, 2);
  g_assert_cmpstr (key, !=, fault_record_get_header (other, "Idempotency-Key"));
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/verbs/bare", test_bare_verbs, FAULT_SERVER_PLAIN },
    { "/verbs/bare/tls", test_bare_verbs, FAULT_SERVER_TLS },
    { "/verbs/bare/http2", test_bare_verbs, FAULT_SERVER_HTTP2 },
    { "/verbs/body", test_body_verbs, FAULT_SERVER_PLAIN },
    { "/verbs/body/http2", test_body_verbs, FAULT_SERVER_HTTP2 },
    { "/verbs/other-methods", test_other_methods, FAULT_SERVER_PLAIN },
    { "/verbs/json", test_json, FAULT_SERVER_PLAIN },
    { "/verbs/json-answer", test_json_answer, FAULT_SERVER_PLAIN },
    { "/verbs/form", test_form, FAULT_SERVER_PLAIN },
    { "/verbs/file", test_file, FAULT_SERVER_PLAIN },
    { "/verbs/stream-factory", test_stream_factory, FAULT_SERVER_PLAIN },
    { "/verbs/stream-factory/http2", test_stream_factory, FAULT_SERVER_HTTP2 },
    { "/verbs/stream-once", test_stream_once, FAULT_SERVER_PLAIN },
    { "/verbs/query", test_query, FAULT_SERVER_PLAIN },
    { "/verbs/default-headers", test_default_headers, FAULT_SERVER_PLAIN },
    { "/verbs/bad-values", test_bad_values, FAULT_SERVER_PLAIN },
    { "/verbs/idempotency-key", test_idempotency_key, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
