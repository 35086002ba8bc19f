/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

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
  g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);
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
  fault_server_on (
    fixture.server, NULL, fault_read (0), fault_answer (413, NULL, "too much"), NULL);
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

/* libsoup would resend what the server refuses for ever: once is enough. As the server has not
 * begun with it, that holds for a POST too, and another attempt is as harmless as after a connect
 * that failed. */
static void
test_refused_stream (void)
{
  const struct
  {
    const char *method;
    const char *key;
    guint sends;
  } cases[] = { { "GET", NULL, 2 }, { "PUT", NULL, 2 }, { "POST", "key", 2 }, { "POST", NULL, 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, FAULT_SERVER_HTTP2);
      fault_server_on (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
      run = run_new (&fixture, request_with_body (&fixture, cases[i].method, "/", "hello"));
      run->params.idempotency_key = cases[i].key;
      run_through (run);
      assert_failure (run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      g_assert_true (run->outcome.nothing_sent);
      g_assert_cmpuint (run->outcome.sends, ==, cases[i].sends);
      g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, cases[i].sends);
    }
}

static void
test_refused_once (void)
{
  const char *const methods[] = { "PUT", "POST" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, FAULT_SERVER_HTTP2);
      fault_server_next (
        fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      run = run_new (&fixture, request_with_body (&fixture, methods[i], "/", "hello"));
      run_through (run);
      assert_response (run, 200, "ok");
      g_assert_false (run->outcome.nothing_sent);
      g_assert_cmpuint (run->outcome.sends, ==, 2);
      assert_record_body (fixture.server, 1, methods[i], "hello");
    }
}

/* A body that can be read once is spent with the first send. */
static void
test_refused_one_shot (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  run = run_new (&fixture, one_shot_request (&fixture, "POST", "/", "hello"));
  run_through (run);
  assert_failure (run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_true (run->outcome.nothing_sent);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
}

/* What was refused after another send of it may have been processed is not unsent any more. */
static void
test_refused_after_loss (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_next (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next (fixture.server, NULL, fault_close (), NULL);
  fault_server_on (fixture.server, NULL, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM), NULL);
  first = run_new_for (&fixture, "GET", "/");
  run_through (first);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", "hello"));
  run_through (run);
  assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_false (run->outcome.nothing_sent);
  g_assert_cmpuint (run->outcome.sends, ==, 2);
}

/* It says that the request was not processed. */
static void
test_goaway (void)
{
  const struct
  {
    const char *method;
    guint code;
    gboolean closes;
  } cases[] = {
    { "GET", FAULT_HTTP2_NO_ERROR, FALSE },
    { "POST", FAULT_HTTP2_NO_ERROR, FALSE },
    { "POST", FAULT_HTTP2_NO_ERROR, TRUE },
    { "POST", FAULT_HTTP2_ENHANCE_YOUR_CALM, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (Run) again = NULL;

      fixture_init (&fixture, FAULT_SERVER_HTTP2);
      fault_server_on (fixture.server,
                       NULL,
                       fault_goaway (cases[i].code, FALSE),
                       cases[i].closes ? fault_close () : fault_silence (),
                       NULL);
      run = run_new (&fixture, request_with_body (&fixture, cases[i].method, "/", "hello"));
      run_through (run);
      assert_failure (run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      g_assert_true (run->outcome.nothing_sent);
      g_assert_cmpuint (run->outcome.sends, ==, 2);
      g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);

      fault_server_next (fixture.server,
                         NULL,
                         fault_goaway (cases[i].code, FALSE),
                         cases[i].closes ? fault_close () : fault_silence (),
                         NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      again = run_new (&fixture, request_with_body (&fixture, cases[i].method, "/", "hello"));
      run_through (again);
      assert_response (again, 200, "ok");
      g_assert_cmpuint (again->outcome.sends, ==, 2);
    }
}

/* What the server will still answer is waited for, while the rest goes elsewhere. */
static void
test_goaway_between (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) before = NULL;
  g_autoptr (Run) reading = NULL;
  g_autoptr (Run) after = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (
    fixture.server, "/before", fault_hold ("answer"), fault_answer (200, NULL, "one"), NULL);
  fault_server_on (fixture.server,
                   "/reading",
                   fault_head (200, "Content-Length: 3"),
                   fault_send ("t"),
                   fault_hold ("answer"),
                   fault_send ("wo"),
                   NULL);
  fault_server_next (
    fixture.server, "/after", fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE), fault_silence (), NULL);
  fault_server_on (fixture.server, "/after", fault_answer (200, NULL, "three"), NULL);
  before = run_new (&fixture, request_with_body (&fixture, "PUT", "/before", "hello"));
  reading = run_new_for (&fixture, "GET", "/reading");
  after = run_new_for (&fixture, "GET", "/after");
  run_start (before);
  fault_server_wait_held (fixture.server, "answer", 1);
  run_start (reading);
  fault_server_wait_held (fixture.server, "answer", 2);
  run_through (after);
  assert_response (after, 200, "three");
  g_assert_cmpuint (after->outcome.sends, ==, 2);
  g_assert_false (before->done || reading->done);
  fault_server_open (fixture.server, "answer");
  run_wait_done (before);
  run_wait_done (reading);
  assert_response (before, 200, "one");
  assert_response (reading, 200, "two");
  g_assert_cmpuint (before->outcome.sends, ==, 1);
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 2);
  run_wait_released (before);
  run_wait_released (reading);
  fault_server_wait_closed (fixture.server, 1);
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

/* Three digits, and no status of a response. */
static void
test_no_status (void)
{
  const guint statuses[] = { 0, 99 };
  const char *methods[] = { "GET", "POST" };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;

        fixture_init (&fixture, FAULT_SERVER_HTTP2);
        fault_server_on (fixture.server,
                         NULL,
                         fault_head (statuses[i], "Content-Length: 2"),
                         fault_send ("ok"),
                         NULL);
        run = run_new (&fixture, request_with_body (&fixture, methods[j], "/", "hello"));
        run_through (run);
        assert_failure (
          run, RESILIENT_FAILURE_PROTOCOL, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING);
        g_assert_cmpuint (run->outcome.sends, ==, 1);
      }
}

/* A line that is repeated takes four kilobytes once, and then a byte each. */
static void
test_header_bomb (void)
{
  const struct
  {
    guint n_lines;
    gboolean fits; /* into 256 KiB */
  } rows[] = {
    { 10, TRUE }, { 66, TRUE }, { 67, FALSE }, { !test_is_quick () ? 10000 : 500, FALSE }
  };
  g_autofree char *value = g_strnfill (3900, 'x');
  g_autofree char *line = g_strconcat ("x: ", value, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (GString) headers = g_string_new ("Content-Length: 2");
      g_autoptr (Run) run = NULL;

      for (guint j = 0; j < rows[i].n_lines; j++)
        g_string_append_printf (headers, "\r\n%s", line);
      fixture_init (&fixture, FAULT_SERVER_HTTP2);
      fault_server_on (
        fixture.server, NULL, fault_head (200, headers->str), fault_send ("ok"), NULL);
      run = run_new_for (&fixture, "GET", "/");
      run_through (run);
      if (rows[i].fits)
        assert_response (run, 200, "ok");
      else
        assert_failure (run,
                        RESILIENT_FAILURE_TOO_LARGE,
                        RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_TOO_LARGE);
      g_assert_cmpuint (run->outcome.sends, ==, 1);
    }
}

/* A connection that breaks in the middle of a body tells its readers nothing. */
static void
test_lost_body (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (200, "Content-Length: 10"),
                   fault_send ("abc"),
                   fault_hold ("cut"),
                   fault_close (),
                   NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.read_timeout = 100;
  run_start (run);
  run_wait_received (run, 1);
  fault_server_open (fixture.server, "cut");
  fault_server_wait_closed (fixture.server, 1);
  test_run_pending ();
  for (guint i = 0; i < 100 && !run->done; i++)
    test_clock_advance (0.5);
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
  fault_server_next (
    fixture.server, NULL, fault_head (503, NULL), fault_send_filler (1000000), NULL);
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
  fault_server_on (
    fixture.server, "/read", fault_head (200, NULL), fault_send ("abc"), fault_silence (), NULL);
  fault_server_on (fixture.server, "/", fault_answer (200, NULL, "ok"), NULL);
  reading = run_new_for (&fixture, "GET", "/read");
  run_start (reading);
  run_wait_received (reading, 1);
  resilient_transport_attempt_abandon (reading->attempt);
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
  test_clock_advance (1);
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

/* All of it has come, and the connection has ended, long before it is decoded: a context that is
 * busy has a second's time for each of the turns that this takes. */
static void
test_decoded_after_end (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *text = g_strnfill (8 * 1024 * 1024, 'x');
  g_autoptr (GBytes) bytes = fault_gzip (text, FAULT_GZIP_WHOLE);
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_next (fixture.server,
                     NULL,
                     fault_answer_bytes (200, "Content-Encoding: gzip", bytes),
                     fault_close (),
                     NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.connect_timeout = run->params.read_timeout = 0;
  run_start (run);
  while (!run->done)
    {
      test_clock_pass (1);
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
  run_wait_released (run);
  assert_response (run, 200, text);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  g_test_add_func ("/soup-http2/get", test_get);
  g_test_add_func ("/soup-http2/post", test_post);
  g_test_add_func ("/soup-http2/early", test_early);
  g_test_add_func ("/soup-http2/large", test_large);
  g_test_add_func ("/soup-http2/refused-stream", test_refused_stream);
  g_test_add_func ("/soup-http2/refused-once", test_refused_once);
  g_test_add_func ("/soup-http2/refused-one-shot", test_refused_one_shot);
  g_test_add_func ("/soup-http2/refused-after-loss", test_refused_after_loss);
  g_test_add_func ("/soup-http2/decoded-after-end", test_decoded_after_end);
  g_test_add_func ("/soup-http2/goaway", test_goaway);
  g_test_add_func ("/soup-http2/goaway-between", test_goaway_between);
  g_test_add_func ("/soup-http2/reset", test_reset);
  g_test_add_func ("/soup-http2/no-status", test_no_status);
  g_test_add_func ("/soup-http2/header-bomb", test_header_bomb);
  g_test_add_func ("/soup-http2/lost-body", test_lost_body);
  g_test_add_func ("/soup-http2/discard", test_discard);
  g_test_add_func ("/soup-http2/abandon", test_abandon);
  g_test_add_func ("/soup-http2/abandon-behind", test_abandon_behind);
  return g_test_run ();
}
