/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "exchange-fixture.h"

/* A GET that leaves a connection behind which will be kept alive, and then be lost at its next request. */
static void
leave_stale_connection (Fixture *fixture)
{
  g_autoptr (Run) run = run_new_for (fixture, "GET", "/first");

  fault_server_next (fixture->server, "/first", fault_answer (200, NULL, "first"), NULL);
  fault_server_next (fixture->server, "/", fault_reset (), NULL);
  run_through (run);
  assert_response (run, 200, "first");
}

static ResilientRequest *
one_shot_request (Fixture *fixture, const char *method, const char *path, const char *body)
{
  g_autofree char *uri = fault_server_uri (fixture->server, path);
  ResilientRequest *request = resilient_request_new (method, uri);
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data (body, (gssize) strlen (body), NULL);

  resilient_request_set_body_stream (request, "text/plain", stream, (gint64) strlen (body));
  return request;
}

/* Once, whole, on a fresh connection, and only where rule 4 allows it. */
static void
test_stale (void)
{
  const struct
  {
    const char *method;
    const char *key;
    ResilientIdempotency idempotency;
    gboolean one_shot;
    gboolean resent;
  } cases[] = {
    { "GET", NULL, RESILIENT_IDEMPOTENCY_AUTO, FALSE, TRUE },
    { "PUT", NULL, RESILIENT_IDEMPOTENCY_AUTO, FALSE, TRUE },
    { "DELETE", NULL, RESILIENT_IDEMPOTENCY_AUTO, FALSE, TRUE },
    { "PUT", NULL, RESILIENT_IDEMPOTENCY_NO, FALSE, FALSE },
    { "PUT", NULL, RESILIENT_IDEMPOTENCY_AUTO, TRUE, FALSE },
    { "POST", "key", RESILIENT_IDEMPOTENCY_AUTO, FALSE, TRUE },
    { "PATCH", NULL, RESILIENT_IDEMPOTENCY_YES, FALSE, TRUE },
    { "POST", "key", RESILIENT_IDEMPOTENCY_AUTO, TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      ResilientRequest *request;

      g_test_message ("%u: %s", i, cases[i].method);
      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      fault_server_on (fixture.server, "/", fault_answer (200, NULL, "done"), NULL);
      leave_stale_connection (&fixture);
      request = cases[i].one_shot ? one_shot_request (&fixture, cases[i].method, "/", "hello")
                                  : request_with_body (&fixture, cases[i].method, "/", "hello");
      resilient_request_set_idempotency (request, cases[i].idempotency);
      run = run_new (&fixture, request);
      run->params.idempotency_key = cases[i].key;
      run_through (run);

      g_assert_false (run->outcome.nothing_sent);
      g_assert_true (run->outcome.reused_connection);
      if (cases[i].resent)
        {
          assert_response (run, 200, "done");
          g_assert_cmpuint (run->outcome.sends, ==, 2);
          g_assert_cmpuint (fault_server_count (fixture.server, "/"), ==, 2);
          assert_record_body (fixture.server, 2, cases[i].method, "hello");
          g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 2);
        }
      else
        {
          g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpuint (fault_server_count (fixture.server, "/"), ==, 1);
        }
    }
}

static void
test_stale_twice (void)
{
  const char *methods[] = { "PUT", "POST" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      fault_server_on (fixture.server, "/", fault_reset (), NULL);
      leave_stale_connection (&fixture);
      run = run_new (&fixture, request_with_body (&fixture, methods[i], "/", "hello"));
      run->params.idempotency_key = "key";
      run_through (run);
      g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
      g_assert_cmpuint (run->outcome.sends, ==, 2);
      g_assert_cmpuint (fault_server_count (fixture.server, "/"), ==, 2);
    }
}

/* A fresh connection that is lost is no stale one. */
static void
test_fresh_lost (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_close (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
}

/* What looks whole to libsoup is looked at again; what is whole stays so. */
static void
test_whole (void)
{
  enum
  {
    WHOLE,
    CUT,
    CORRUPT
  };
  const struct
  {
    const char *headers;
    const char *body;
    int how;
  } cases[] = {
    { "Content-Length: 6", "abcdef", WHOLE },
    { "Content-Length: 9", "abcdef", CUT },
    { "Content-Length: 9\r\nConnection: close", "abcdef", CUT },
    { "Content-Length: 6\r\nConnection: close", "abcdef", WHOLE },
    { "Connection: close", "abcdef", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n0\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked\r\nConnection: close", "6\r\nabcdef\r\n0\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n0\r\nX-Trailer: 1\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n", CUT },
    { "Transfer-Encoding: chunked\r\nConnection: close", "6\r\nabcdef\r\n", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabc", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n3", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n3\r\n", CUT },
    { "Transfer-Encoding: chunked", "", CUT },
  };
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };

  for (guint j = 0; j < G_N_ELEMENTS (flags); j++)
    {
      g_auto (Fixture) fixture = { 0 };

      fixture_init (&fixture, flags[j]);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        {
          g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

          g_test_message ("%u: %s / %s", i, cases[i].headers, cases[i].body);
          fault_server_next (fixture.server, NULL, fault_head (200, cases[i].headers), fault_send (cases[i].body),
                             fault_close (), NULL);
          run_through (run);
          if (cases[i].how == WHOLE)
            assert_response (run, 200, "abcdef");
          else
            {
              assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
              g_assert_cmpuint (run->outcome.status_code, ==, 200);
              g_assert_cmpint (run->outcome.phase, ==, RESILIENT_PHASE_READING);
            }
        }
    }
}

static void
test_gzip (void)
{
  const struct
  {
    FaultGzip how;
    ResilientFailure failure;
    int code;
  } cases[] = {
    { FAULT_GZIP_WHOLE, RESILIENT_FAILURE_NONE, 0 },
    { FAULT_GZIP_CUT, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR_PARTIAL_INPUT },
    { FAULT_GZIP_CORRUPT, RESILIENT_FAILURE_PROTOCOL, G_IO_ERROR_INVALID_DATA },
  };

  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GString) numbers = g_string_new (NULL);
  const char *text;

  while (numbers->len < 100000)
    g_string_append_printf (numbers, "%08" G_GSIZE_FORMAT, numbers->len * 7919);
  text = g_string_truncate (numbers, 100000)->str;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = fault_gzip (text, cases[i].how);
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      fault_server_next (fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
      run_through (run);
      if (cases[i].failure == RESILIENT_FAILURE_NONE)
        {
          assert_response (run, 200, text);
          g_assert_cmpint (run->received, ==, g_bytes_get_size (bytes));
        }
      else
        assert_failure (run, cases[i].failure, G_IO_ERROR, cases[i].code);
    }

  {
    g_autoptr (GBytes) bytes = fault_gzip (text, FAULT_GZIP_WHOLE);
    g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

    fault_server_next (fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
    run->params.max_response_size = 99999;
    run_through (run);
    assert_failure (run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
  }
}

static void
test_garbage (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (Run) cut = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_send ("SSH-2.0-OpenSSH\r\n\r\n"), fault_close (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  assert_failure (run, RESILIENT_FAILURE_PROTOCOL, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING);

  fault_server_next (fixture.server, NULL, fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_reset (), NULL);
  cut = run_new_for (&fixture, "GET", "/");
  run_through (cut);
  g_assert_cmpint (cut->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (cut->outcome.status_code, ==, 0);
}

/* An abort of the session cancels what nobody here cancelled. */
static void
test_abort (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) waiting = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
  waiting = run_new_for (&fixture, "GET", "/");
  run_start (waiting);
  fault_server_wait_held (fixture.server, "answer", 1);
  soup_session_abort (fixture.session);
  run_wait_done (waiting);
  run_wait_released (waiting);
  assert_failure (waiting, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

static void
test_abort_connecting (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_FULL_BACKLOG);
  run = run_new_for (&fixture, "GET", "/");
  run_start (run);
  test_run_pending ();
  soup_session_abort (fixture.session);
  run_wait_done (run);
  run_wait_released (run);
  assert_failure (run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_true (run->outcome.nothing_sent);
}

/* In each phase: no word but released(), and nothing left. */
static void
test_abandon (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) at_once = NULL;
  g_autoptr (Run) waiting = NULL;
  g_autoptr (Run) reading = NULL;
  g_autoptr (Run) at_headers = NULL;
  g_autoptr (Run) done = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, "/wait", fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
  fault_server_on (fixture.server, "/read", fault_head (200, "Content-Length: 10"), fault_send ("abc"),
                   fault_hold ("rest"), NULL);
  fault_server_on (fixture.server, "/", fault_answer (200, NULL, "ok"), NULL);

  at_once = run_new_for (&fixture, "GET", "/");
  run_start (at_once);
  resilient_exchange_abandon (at_once->exchange);
  resilient_exchange_abandon (at_once->exchange);
  run_wait_released (at_once);

  waiting = run_new_for (&fixture, "GET", "/wait");
  run_start (waiting);
  fault_server_wait_held (fixture.server, "answer", 1);
  resilient_exchange_abandon (waiting->exchange);
  run_wait_released (waiting);

  reading = run_new_for (&fixture, "GET", "/read");
  run_start (reading);
  while (reading->received == 0)
    g_main_context_iteration (NULL, TRUE);
  resilient_exchange_abandon (reading->exchange);
  run_wait_released (reading);

  at_headers = run_new_for (&fixture, "GET", "/");
  at_headers->abandon_at_headers = TRUE;
  run_start (at_headers);
  run_wait_released (at_headers);

  g_assert_false (at_once->done || waiting->done || reading->done || at_headers->done);

  /* after the end it changes nothing */
  done = run_new_for (&fixture, "GET", "/");
  run_start (done);
  run_wait_done (done);
  resilient_exchange_abandon (done->exchange);
  run_wait_released (done);
  assert_response (done, 200, "ok");
}

/* What waits inside libsoup behind another's connect can't be cancelled there: it says its end at once and leaves later. */
static void
test_abandon_behind (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_FULL_BACKLOG);
  first = run_new_for (&fixture, "GET", "/");
  second = run_new_for (&fixture, "GET", "/");
  run_start (first);
  test_run_pending ();
  run_start (second);
  test_run_pending ();
  resilient_exchange_abandon (second->exchange);
  test_run_pending ();
  resilient_exchange_abandon (first->exchange);
  run_wait_released (first);
  run_wait_released (second);
  g_assert_false (first->done || second->done);
}

/* With one connection in all, an answer that nobody wants must not keep it. */
static void
test_unread (void)
{
  g_auto (Fixture) fixture = { 0 };
  SoupSession *session;
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  session = resilient_soup_session_new (1);
  resilient_transport_unref (fixture.transport);
  g_set_object (&fixture.session, session);
  g_object_unref (session);
  fixture.transport = resilient_soup_transport_new (session);

  fault_server_next (fixture.server, NULL, fault_head (503, "Content-Length: 1000000"), fault_send_filler (1000000),
                     NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  first = run_new_for (&fixture, "GET", "/");
  first->discard = TRUE;
  run_start (first);
  run_wait_done (first);
  second = run_new_for (&fixture, "GET", "/");
  run_through (second);
  assert_response (second, 200, "ok");
  run_wait_released (first);
}

static void
authenticate_cb (SoupMessage *message, SoupAuth *auth, gboolean retrying, gpointer data)
{
  if (!retrying)
    soup_auth_authenticate (auth, "user", "password");
}

static void
request_queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  g_signal_connect (message, "authenticate", G_CALLBACK (authenticate_cb), NULL);
}

/* The session's authentication goes on working, the second round has the body again, and is no resend. */
static void
test_authentication (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (Run) one_shot = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  g_signal_connect (fixture.session, "request-queued", G_CALLBACK (request_queued_cb), NULL);
  fault_server_next (fixture.server, "/a", fault_answer (401, "WWW-Authenticate: Basic realm=\"a\"", "who?"), NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "welcome"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "POST", "/a", "hello"));
  run_through (run);
  assert_response (run, 200, "welcome");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  assert_record_body (fixture.server, 1, "POST", "hello");
  record = fault_server_get_record (fixture.server, 1);
  g_assert_cmpstr (fault_record_get_header (record, "Authorization"), ==, "Basic dXNlcjpwYXNzd29yZA==");

  fault_server_next (fixture.server, "/b", fault_answer (401, "WWW-Authenticate: Basic realm=\"b\"", "who?"), NULL);
  one_shot = run_new (&fixture, one_shot_request (&fixture, "POST", "/b", "hello"));
  run_through (one_shot);
  assert_failure (one_shot, RESILIENT_FAILURE_INVALID, RESILIENT_CLIENT_ERROR,
                  RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
}

/* A refused tunnel shows as a status of the message: it is the proxy's. */
static void
test_proxy (void)
{
  const struct
  {
    guint status_code;
    int code;
  } cases[] = { { 403, G_IO_ERROR_PROXY_FAILED }, { 502, G_IO_ERROR_PROXY_FAILED } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autofree char *uri = NULL;
      g_autoptr (GProxyResolver) resolver = NULL;
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      fault_server_on (fixture.server, NULL, fault_answer (cases[i].status_code, NULL, "no"), NULL);
      uri = fault_server_uri (fixture.server, "");
      resolver = g_simple_proxy_resolver_new (uri, NULL);
      soup_session_set_proxy_resolver (fixture.session, resolver);
      run = run_new (&fixture, resilient_request_new ("GET", "https://example.org/"));
      run_through (run);
      assert_failure (run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, cases[i].code);
      g_assert_true (run->outcome.nothing_sent);
      g_assert_cmpuint (run->headers_status, ==, 0);
    }
}

/* What the session's cache answers was never sent, and is the answer all the same. */
static void
test_cache (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *dir = g_build_filename (g_get_user_cache_dir (), "soup", NULL);
  g_autoptr (SoupCache) cache = soup_cache_new (dir, SOUP_CACHE_SINGLE_USER);
  g_autoptr (GBytes) bytes = fault_gzip ("cached", FAULT_GZIP_WHOLE);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = soup_date_time_to_string (now, SOUP_DATE_HTTP);
  g_autofree char *headers = g_strdup_printf ("Date: %s\r\nCache-Control: max-age=1000\r\nContent-Encoding: gzip", date);

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  soup_session_add_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
  fault_server_on (fixture.server, NULL, fault_answer_bytes (200, headers, bytes), NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      run_through (run);
      assert_response (run, 200, "cached");
      g_assert_cmpuint (run->outcome.sends, ==, i == 0 ? 1 : 0);
      /* stored by a worker of the cache's */
      soup_cache_flush (cache);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
  soup_session_remove_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
}

/* A server that refuses a large upload before it has come says so. */
static void
test_expect (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (Run) refused = NULL;
  g_autoptr (Run) taken = NULL;
  g_autoptr (Run) unable = NULL;
  g_autoptr (Run) small = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (FaultRecord) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_read (0), fault_answer (413, NULL, "no"), fault_close (), NULL);
  refused = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (refused);
  assert_response (refused, 413, "no");
  g_assert_cmpint (refused->sent, ==, 0);

  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  taken = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (taken);
  assert_response (taken, 200, "ok");
  g_assert_cmpint (taken->sent, ==, 2 * 1024 * 1024);
  g_assert_cmpuint (taken->outcome.sends, ==, 1);
  record = fault_server_get_record (fixture.server, 1);
  g_assert_cmpstr (fault_record_get_header (record, "Expect"), ==, "100-continue");
  g_assert_cmpuint (record->body_size, ==, 2 * 1024 * 1024);

  small = run_new (&fixture, request_with_body (&fixture, "PUT", "/", "small"));
  run_through (small);
  assert_response (small, 200, "ok");

  /* the one-shot stream was not read yet, and serves the second send */
  fault_server_next (fixture.server, NULL, fault_read (0), fault_answer (417, NULL, ""), fault_close (), NULL);
  unable = run_new (&fixture, one_shot_request (&fixture, "POST", "/", large));
  run_through (unable);
  assert_response (unable, 200, "ok");
  g_assert_cmpuint (unable->outcome.sends, ==, 2);
  second = fault_server_get_record (fixture.server, 4);
  g_assert_null (fault_record_get_header (second, "Expect"));
  g_assert_cmpuint (second->body_size, ==, 2 * 1024 * 1024);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/exchange-faults/stale", test_stale);
  g_test_add_func ("/exchange-faults/stale-twice", test_stale_twice);
  g_test_add_func ("/exchange-faults/fresh-lost", test_fresh_lost);
  g_test_add_func ("/exchange-faults/whole", test_whole);
  g_test_add_func ("/exchange-faults/gzip", test_gzip);
  g_test_add_func ("/exchange-faults/garbage", test_garbage);
  g_test_add_func ("/exchange-faults/abort", test_abort);
  g_test_add_func ("/exchange-faults/abort-connecting", test_abort_connecting);
  g_test_add_func ("/exchange-faults/abandon", test_abandon);
  g_test_add_func ("/exchange-faults/abandon-behind", test_abandon_behind);
  g_test_add_func ("/exchange-faults/unread", test_unread);
  g_test_add_func ("/exchange-faults/authentication", test_authentication);
  g_test_add_func ("/exchange-faults/proxy", test_proxy);
  g_test_add_func ("/exchange-faults/cache", test_cache);
  g_test_add_func ("/exchange-faults/expect", test_expect);
  return g_test_run ();
}
