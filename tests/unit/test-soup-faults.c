/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* A GET that leaves a connection behind which will be kept alive, and then be lost at its next
 * request. */
static void
leave_stale_connection (Fixture *fixture)
{
  g_autoptr (Run) run = run_new_for (fixture, "GET", "/first");

  fault_server_next (fixture->server, "/first", fault_answer (200, NULL, "first"), NULL);
  fault_server_next (fixture->server, "/", fault_reset (), NULL);
  run_through (run);
  assert_response (run, 200, "first");
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

static void
test_garbage (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (Run) cut = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (
    fixture.server, NULL, fault_send ("SSH-2.0-OpenSSH\r\n\r\n"), fault_close (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  assert_failure (run, RESILIENT_FAILURE_PROTOCOL, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING);

  fault_server_next (
    fixture.server, NULL, fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_reset (), NULL);
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
  fault_server_on (
    fixture.server, NULL, fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
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
  fault_server_on (
    fixture.server, "/wait", fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
  fault_server_on (fixture.server,
                   "/read",
                   fault_head (200, "Content-Length: 10"),
                   fault_send ("abc"),
                   fault_hold ("rest"),
                   NULL);
  fault_server_on (fixture.server, "/", fault_answer (200, NULL, "ok"), NULL);

  at_once = run_new_for (&fixture, "GET", "/");
  run_start (at_once);
  resilient_transport_attempt_abandon (at_once->attempt);
  resilient_transport_attempt_abandon (at_once->attempt);
  run_wait_released (at_once);

  waiting = run_new_for (&fixture, "GET", "/wait");
  run_start (waiting);
  fault_server_wait_held (fixture.server, "answer", 1);
  resilient_transport_attempt_abandon (waiting->attempt);
  run_wait_released (waiting);

  reading = run_new_for (&fixture, "GET", "/read");
  run_start (reading);
  run_wait_received (reading, 1);
  resilient_transport_attempt_abandon (reading->attempt);
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
  resilient_transport_attempt_abandon (done->attempt);
  run_wait_released (done);
  assert_response (done, 200, "ok");
}

/* What waits inside libsoup behind another's connect can't be cancelled there: it says its end at
 * once and leaves later. */
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
  resilient_transport_attempt_abandon (second->attempt);
  test_run_pending ();
  resilient_transport_attempt_abandon (first->attempt);
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
  fixture.transport = resilient_soup_transport_new (session, NULL);

  fault_server_next (fixture.server,
                     NULL,
                     fault_head (503, "Content-Length: 1000000"),
                     fault_send_filler (1000000),
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

/* The session's authentication goes on working, the second round has the body again, and is no
 * resend. Without a body that can be sent again there is none: what came is the answer. */
static void
test_authentication (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (Run) one_shot = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fixture_authenticate (&fixture);
  fault_server_next (
    fixture.server, "/a", fault_answer (401, "WWW-Authenticate: Basic realm=\"a\"", "who?"), NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "welcome"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "POST", "/a", "hello"));
  run_through (run);
  assert_response (run, 200, "welcome");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  assert_record_body (fixture.server, 1, "POST", "hello");
  record = fault_server_get_record (fixture.server, 1);
  g_assert_cmpstr (fault_record_get_header (record, "Authorization"), ==, "Basic am9lOnNlY3JldA==");

  fault_server_next (
    fixture.server, "/b", fault_answer (401, "WWW-Authenticate: Basic realm=\"b\"", "who?"), NULL);
  one_shot = run_new (&fixture, one_shot_request (&fixture, "POST", "/b", "hello"));
  run_through (one_shot);
  assert_response (one_shot, 401, "who?");
}

/* libsoup ends a request that asks for credentials, but not how, inside a signal of the message. */
static void
test_no_challenge (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_answer (401, NULL, ""), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  assert_response (run, 401, "");
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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup-faults/stale", test_stale);
  g_test_add_func ("/soup-faults/stale-twice", test_stale_twice);
  g_test_add_func ("/soup-faults/fresh-lost", test_fresh_lost);
  g_test_add_func ("/soup-faults/garbage", test_garbage);
  g_test_add_func ("/soup-faults/abort", test_abort);
  g_test_add_func ("/soup-faults/abort-connecting", test_abort_connecting);
  g_test_add_func ("/soup-faults/abandon", test_abandon);
  g_test_add_func ("/soup-faults/abandon-behind", test_abandon_behind);
  g_test_add_func ("/soup-faults/unread", test_unread);
  g_test_add_func ("/soup-faults/authentication", test_authentication);
  g_test_add_func ("/soup-faults/no-challenge", test_no_challenge);
  g_test_add_func ("/soup-faults/proxy", test_proxy);
  return g_test_run ();
}
