/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "exchange-fixture.h"

static void
test_get (void)
{
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_answer_chunked (200, NULL, "hello", 2), NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      run_through (run);
      assert_response (run, 200, "hello");
      g_assert_true (run->outcome.http2 && run->outcome.http2_of_origin);
      g_assert_cmpint (run->outcome.reused_connection, ==, i == 1);
      g_assert_cmpstr (run->phases->str, ==, "WAR");
    }
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

static void
test_post (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (Run) run = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (run);
  assert_response (run, 200, "ok");
  fault_server_wait_ended (fixture.server, 0);
  record = fault_server_get_record (fixture.server, 0);
  g_assert_cmpuint (record->body_size, ==, 2 * 1024 * 1024);
  g_assert_null (fault_record_get_header (record, "expect"));
}

/* libsoup warns of a response that comes before the request was written, and never says that it was
 * written. */
static void
test_early (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (Run) run = NULL;

  test_allow_warning ("libsoup-http2", "Unexpected state changed");
  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_read (0), fault_answer (413, NULL, "too much"),
                   NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run->params.write_timeout = 10;
  run->params.read_timeout = 10;
  run_through (run);
  assert_response (run, 413, "too much");
  g_assert_cmpstr (run->phases->str, ==, "WR");
  g_assert_cmpuint (test_count_allowed (), >, 0);
  test_allow_warning (NULL, NULL);
}

/* Bodies that were received before anybody asks for them fire no source. */
static void
test_large (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_head (200, NULL), fault_send_filler (3000000), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpint (run->received, ==, 3000000);
}

/* libsoup would resend what the server refuses for ever: once is enough, and a POST is not resent
 * at all. */
static void
test_refused_stream (void)
{
  const struct
  {
    const char *method;
    const char *key;
    guint sends;
  } cases[] = { { "GET", NULL, 2 }, { "PUT", NULL, 2 }, { "POST", "key", 2 }, { "POST", NULL, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, FAULT_SERVER_HTTP2);
      fault_server_on (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
      run = run_new (&fixture, request_with_body (&fixture, cases[i].method, "/", "hello"));
      run->params.idempotency_key = cases[i].key;
      run_through (run);
      g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
      g_assert_false (run->outcome.nothing_sent);
      g_assert_cmpuint (run->outcome.sends, ==, cases[i].sends);
      g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, cases[i].sends);
    }
}

static void
test_refused_once (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_next (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", "hello"));
  run_through (run);
  assert_response (run, 200, "ok");
  g_assert_cmpuint (run->outcome.sends, ==, 2);
  assert_record_body (fixture.server, 1, "PUT", "hello");
}

static void
test_goaway (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE),
                   fault_silence (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (run->outcome.sends, <=, 2);
}

/* It says that the request was not processed; libsoup would send it again and again all the same. */
static void
test_goaway_post (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE), fault_close (), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "POST", "/", "hello"));
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
}

static void
test_reset (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_INTERNAL_ERROR), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
}

/* A connection that breaks in the middle of a body tells its readers nothing. */
static void
test_lost_body (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_head (200, "Content-Length: 10"), fault_send ("abc"),
                   fault_hold ("cut"), fault_close (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.read_timeout = 100;
  run_start (run);
  while (run->received == 0)
    g_main_context_iteration (NULL, TRUE);
  fault_server_open (fixture.server, "cut");
  fault_server_wait_closed (fixture.server, 1);
  test_run_pending ();
  for (guint i = 0; i < 100 && !run->done; i++)
    advance (0.5);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  run_wait_released (run);
}

static void
test_discard (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) large = NULL;
  g_autoptr (Run) after = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_next (fixture.server, NULL, fault_head (503, NULL), fault_send_filler (1000000),
                     NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  large = run_new_for (&fixture, "GET", "/");
  large->discard = TRUE;
  run_through (large);
  assert_response (large, 503, NULL);
  after = run_new_for (&fixture, "GET", "/");
  run_through (after);
  assert_response (after, 200, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

static void
test_abandon (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) reading = NULL;
  g_autoptr (Run) after = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, "/read", fault_head (200, NULL), fault_send ("abc"),
                   fault_silence (), NULL);
  fault_server_on (fixture.server, "/", fault_answer (200, NULL, "ok"), NULL);
  reading = run_new_for (&fixture, "GET", "/read");
  run_start (reading);
  while (reading->received == 0)
    g_main_context_iteration (NULL, TRUE);
  resilient_exchange_abandon (reading->exchange);
  run_wait_released (reading);
  g_assert_false (reading->done);
  after = run_new_for (&fixture, "GET", "/");
  run_through (after);
  assert_response (after, 200, "ok");
}

/* What waited for another's connection when it was given up must not go out over it later. */
static void
test_abandon_behind (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_next_connection (fixture.server, fault_hold ("handshake"), NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  first = run_new_for (&fixture, "GET", "/first");
  second = run_new_for (&fixture, "PUT", "/second");
  second->params.connect_timeout = 1;
  run_start (first);
  fault_server_wait_held (fixture.server, "handshake", 1);
  run_start (second);
  test_run_pending ();
  advance (1);
  g_assert_true (second->done);
  assert_failure (second, RESILIENT_FAILURE_CONNECT_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (second->outcome.nothing_sent);
  fault_server_open (fixture.server, "handshake");
  run_wait_done (first);
  assert_response (first, 200, "ok");
  run_wait_released (first);
  run_wait_released (second);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  freeze_clock ();
  g_test_add_func ("/exchange-http2/get", test_get);
  g_test_add_func ("/exchange-http2/post", test_post);
  g_test_add_func ("/exchange-http2/early", test_early);
  g_test_add_func ("/exchange-http2/large", test_large);
  g_test_add_func ("/exchange-http2/refused-stream", test_refused_stream);
  g_test_add_func ("/exchange-http2/refused-once", test_refused_once);
  g_test_add_func ("/exchange-http2/goaway", test_goaway);
  g_test_add_func ("/exchange-http2/goaway-post", test_goaway_post);
  g_test_add_func ("/exchange-http2/reset", test_reset);
  g_test_add_func ("/exchange-http2/lost-body", test_lost_body);
  g_test_add_func ("/exchange-http2/discard", test_discard);
  g_test_add_func ("/exchange-http2/abandon", test_abandon);
  g_test_add_func ("/exchange-http2/abandon-behind", test_abandon_behind);
  return g_test_run ();
}
