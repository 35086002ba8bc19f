/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Knows no name: no test asks a real name server. */
typedef GResolver NoResolver;
typedef GResolverClass NoResolverClass;

GType no_resolver_get_type (void);
G_DEFINE_TYPE (NoResolver, no_resolver, G_TYPE_RESOLVER)

static void
no_resolver_lookup_async (GResolver *resolver,
                          const char *hostname,
                          GResolverNameLookupFlags flags,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such name");
}

static GList *
no_resolver_lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
no_resolver_class_init (NoResolverClass *klass)
{
  klass->lookup_by_name_with_flags_async = no_resolver_lookup_async;
  klass->lookup_by_name_with_flags_finish = no_resolver_lookup_finish;
}

static void
no_resolver_init (NoResolver *self)
{
}

static void
test_get (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (
    fixture.server, "/a", fault_answer (200, "X-A: b\r\nContent-Type: text/plain", "hello"), NULL);
  run = run_new_for (&fixture, "GET", "/a?b=c");
  run->params.user_agent = "Test/1";
  run_through (run);

  assert_response (run, 200, "hello");
  g_assert_cmpstr (run->phases->str, ==, "WAR");
  g_assert_false (run->outcome.nothing_sent);
  g_assert_false (run->outcome.reused_connection);
  g_assert_false (run->outcome.http2 || run->outcome.http2_of_origin);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (run->headers_status, ==, 200);
  g_assert_cmpfloat (run->retry_after, ==, -1);
  g_assert_cmpint (run->received, ==, 5);
  g_assert_cmpint (run->download_size, ==, 5);
  g_assert_cmpint (run->upload_size, ==, 0);
  g_assert_cmpstr (resilient_response_get_header (run->outcome.response, "x-a"), ==, "b");
  g_assert_cmpint (resilient_response_get_http_version (run->outcome.response), ==, SOUP_HTTP_1_1);

  record = fault_server_get_record (fixture.server, 0);
  g_assert_cmpstr (fault_record_get_path (record), ==, "/a?b=c");
  g_assert_cmpstr (fault_record_get_header (record, "User-Agent"), ==, "Test/1");
  g_assert_cmpstr (fault_record_get_header (record, "Accept-Encoding"), ==, "gzip, deflate");
  g_assert_null (fault_record_get_header (record, "Idempotency-Key"));
}

static void
test_post (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_answer (201, NULL, "ok"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "POST", "/", "hello"));
  run->params.idempotency_key = "key";
  run_through (run);

  assert_response (run, 201, "ok");
  g_assert_cmpint (run->sent, ==, 5);
  g_assert_cmpint (run->upload_size, ==, 5);
  assert_record_body (fixture.server, 0, "POST", "hello");
  record = fault_server_get_record (fixture.server, 0);
  g_assert_cmpstr (fault_record_get_header (record, "Idempotency-Key"), ==, "key");
  g_assert_cmpstr (fault_record_get_header (record, "Content-Type"), ==, "text/plain");
  g_assert_cmpstr (fault_record_get_header (record, "Content-Length"), ==, "5");
}

/* Who wins among default headers, the request's and what the library adds. */
static void
test_headers (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *uri = NULL;
  ResilientRequest *request;
  g_autoptr (Run) run = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (
    fixture.server, NULL, fault_answer (200, "Content-Encoding: gzip", "not decoded"), NULL);
  uri = fault_server_uri (fixture.server, "/");
  request = resilient_request_new ("PUT", uri);
  resilient_request_set_header (request, "X-Mine", "1");
  resilient_request_append_header (request, "X-Mine", "2");
  resilient_request_set_header (request, "User-Agent", "Mine/1");
  resilient_request_set_header (request, "Accept-Encoding", "gzip");
  resilient_request_set_body_bytes (request, "text/plain", bytes);
  run = run_new (&fixture, request);
  run->params.user_agent = "Test/1";
  run->defaults = resilient_headers_new ();
  resilient_headers_append (run->defaults, "x-mine", "default");
  resilient_headers_append (run->defaults, "X-Default", "d");
  resilient_headers_append (run->defaults, "Content-Type", "wrong/default");
  resilient_headers_append (run->defaults, "Content-Length", "99");
  run_through (run);

  assert_response (run, 200, "not decoded");
  record = fault_server_get_record (fixture.server, 0);
  g_assert_cmpuint (fault_record_count_header (record, "X-Mine"), ==, 2);
  g_assert_cmpstr (fault_record_get_header (record, "X-Mine"), ==, "1");
  g_assert_cmpstr (fault_record_get_header (record, "X-Default"), ==, "d");
  g_assert_cmpstr (fault_record_get_header (record, "User-Agent"), ==, "Mine/1");
  g_assert_cmpstr (fault_record_get_header (record, "Accept-Encoding"), ==, "gzip");
  g_assert_cmpstr (fault_record_get_header (record, "Content-Type"), ==, "text/plain");
  g_assert_cmpstr (fault_record_get_header (record, "Content-Length"), ==, "1");
}

static void
test_reuse (void)
{
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_answer_chunked (200, NULL, "abcdef", 4), NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      run->params.new_connection = i == 2;
      run_through (run);
      assert_response (run, 200, "abcdef");
      g_assert_cmpint (run->outcome.reused_connection, ==, i == 1);
    }
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 2);
}

/* Without key or mark a POST uses a connection that served within two seconds; else it has one of
 * its own, which can't be stale, and the other is closed. */
static void
test_post_connections (void)
{
  const struct
  {
    ResilientIdempotency idempotency;
    const char *key;
    double age; /* of the connection, seconds */
    gboolean reused;
  } cases[] = {
    { RESILIENT_IDEMPOTENCY_AUTO, NULL, 0, TRUE },
    { RESILIENT_IDEMPOTENCY_AUTO, NULL, 2, TRUE },
    { RESILIENT_IDEMPOTENCY_AUTO, NULL, 2.001, FALSE },
    { RESILIENT_IDEMPOTENCY_NO, "key", 2, TRUE },
    { RESILIENT_IDEMPOTENCY_NO, "key", 2.001, FALSE },
    { RESILIENT_IDEMPOTENCY_AUTO, "key", 50, TRUE },
    { RESILIENT_IDEMPOTENCY_YES, NULL, 50, TRUE },
  };

  test_clock_install ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) first = NULL;
      g_autoptr (Run) second = NULL;
      ResilientRequest *request;

      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      first = run_new_for (&fixture, "GET", "/");
      run_through (first);
      test_clock_advance (cases[i].age);
      request = request_with_body (&fixture, "POST", "/", "x");
      resilient_request_set_idempotency (request, cases[i].idempotency);
      second = run_new (&fixture, request);
      second->params.idempotency_key = cases[i].key;
      run_through (second);
      assert_response (second, 200, "ok");
      g_assert_cmpint (second->outcome.reused_connection, ==, cases[i].reused);
      if (!cases[i].reused)
        fault_server_wait_closed (fixture.server, 1);
      g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, cases[i].reused ? 1 : 2);
    }
  test_clock_uninstall ();
}

static void
test_connect_errors (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GResolver) before = g_resolver_get_default ();
  g_autoptr (GResolver) resolver = g_object_new (no_resolver_get_type (), NULL);
  g_autoptr (Run) refused = NULL;
  g_autoptr (Run) unknown = NULL;

  fixture_init (&fixture, FAULT_SERVER_REFUSING);
  refused = run_new_for (&fixture, "POST", "/");
  run_through (refused);
  assert_failure (refused, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_true (refused->outcome.nothing_sent);
  g_assert_cmpint (refused->outcome.phase, ==, RESILIENT_PHASE_CONNECTING);
  g_assert_cmpuint (refused->outcome.status_code, ==, 0);

  g_resolver_set_default (resolver);
  unknown = run_new (&fixture, resilient_request_new ("GET", "http://no-such-name.invalid/"));
  run_through (unknown);
  g_resolver_set_default (before);
  g_assert_cmpint (unknown->outcome.failure, ==, RESILIENT_FAILURE_RESOLVE);
  g_assert_error (unknown->outcome.error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
}

static void
test_tls (void)
{
  const struct
  {
    FaultServerFlags flags;
    ResilientFailure failure;
  } cases[] = {
    { FAULT_SERVER_TLS, RESILIENT_FAILURE_NONE },
    { FAULT_SERVER_TLS | FAULT_SERVER_EXPIRED, RESILIENT_FAILURE_CERTIFICATE },
    { FAULT_SERVER_TLS | FAULT_SERVER_WRONG_HOST, RESILIENT_FAILURE_CERTIFICATE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, cases[i].flags);
      fault_server_on (fixture.server, NULL, fault_answer_chunked (200, NULL, "secret", 3), NULL);
      run = run_new_for (&fixture, "GET", "/");
      run_through (run);
      g_assert_cmpint (run->outcome.failure, ==, cases[i].failure);
      if (cases[i].failure == RESILIENT_FAILURE_NONE)
        assert_response (run, 200, "secret");
      else
        g_assert_true (run->outcome.nothing_sent);
    }
}

static void
test_body_errors (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *uri = NULL;
  ResilientRequest *request;
  g_autoptr (GFile) file = g_file_new_for_path ("/no/such/file");
  g_autoptr (Run) missing = NULL;
  g_autoptr (Run) abandoned = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  uri = fault_server_uri (fixture.server, "/");
  request = resilient_request_new ("PUT", uri);
  resilient_request_set_body_file (request, NULL, file);
  missing = run_new (&fixture, g_object_ref (request));
  run_through (missing);
  assert_failure (missing, RESILIENT_FAILURE_INVALID, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (missing->outcome.nothing_sent);

  abandoned = run_new (&fixture, request);
  run_start (abandoned);
  resilient_transport_attempt_abandon (abandoned->attempt);
  run_wait_released (abandoned);
  g_assert_false (abandoned->done);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 0);
}

/* A session of the app's, as libsoup makes it: its decoder stays out of our messages, its
 * connections are shared. */
static void
test_app_session (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *uri = NULL;
  g_autoptr (SoupMessage) message = NULL;
  g_auto (TestResult) result = { 0 };
  g_autoptr (GBytes) read = NULL;
  g_autoptr (GBytes) cut = fault_gzip ("hello hello hello", FAULT_GZIP_CUT);
  g_autoptr (GBytes) whole = fault_gzip ("hello hello hello", FAULT_GZIP_WHOLE);
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) second = NULL;
  g_autoptr (GError) error = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  resilient_transport_unref (fixture.transport);
  g_object_unref (fixture.session);
  fixture.session = soup_session_new ();
  fixture.transport = resilient_soup_transport_new (fixture.session, NULL);

  uri = fault_server_uri (fixture.server, "/");
  message = soup_message_new ("GET", uri);
  fault_server_next (fixture.server, NULL, fault_answer (200, NULL, "the app's"), NULL);
  soup_session_send_and_read_async (fixture.session, message, 0, NULL, test_result_cb, &result);
  read = soup_session_send_and_read_finish (fixture.session, test_result_wait (&result), &error);
  g_assert_no_error (error);
  test_run_pending ();

  fault_server_next (
    fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", whole), NULL);
  first = run_new_for (&fixture, "GET", "/");
  run_through (first);
  assert_response (first, 200, "hello hello hello");
  g_assert_true (first->outcome.reused_connection);

  fault_server_next (
    fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", cut), NULL);
  second = run_new_for (&fixture, "GET", "/");
  run_through (second);
  assert_failure (second, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup/get", test_get);
  g_test_add_func ("/soup/post", test_post);
  g_test_add_func ("/soup/headers", test_headers);
  g_test_add_func ("/soup/reuse", test_reuse);
  g_test_add_func ("/soup/post-connections", test_post_connections);
  g_test_add_func ("/soup/connect-errors", test_connect_errors);
  g_test_add_func ("/soup/tls", test_tls);
  g_test_add_func ("/soup/body-errors", test_body_errors);
  g_test_add_func ("/soup/app-session", test_app_session);
  return g_test_run ();
}
