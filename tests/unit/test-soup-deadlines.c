/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Over real sockets, with a clock that stands still but for what the test moves it by. */

static gboolean
has_phase (gpointer data)
{
  Run *run = data;

  return run->phases->len > 0 && run->phases->str[run->phases->len - 1] == 'A';
}

/* Until the peer has the whole request; the kernel's acknowledgement wakes nobody, the clock
 * does. */
static void
wait_until_waiting (Run *run)
{
  while (!has_phase (run))
    {
      test_clock_advance (0.001);
      g_assert_false (run->done);
    }
}

static void
assert_timeout (Run *run, ResilientFailure failure, ResilientPhase phase)
{
  assert_failure (run, failure, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (run->outcome.phase, ==, phase);
}

/* Not a millisecond before @seconds. */
static void
assert_times_out (Run *run, double seconds, ResilientFailure failure, ResilientPhase phase)
{
  test_clock_advance (seconds - 0.001);
  g_assert_false (run->done);
  test_clock_advance (0.001);
  g_assert_true (run->done);
  assert_timeout (run, failure, phase);
}

static void
test_connect (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_FULL_BACKLOG);
  run = run_new_for (&fixture, "POST", "/");
  run->params.connect_timeout = 0.25;
  run->params.read_timeout = 0.01;
  run_start (run);
  test_run_pending ();
  assert_times_out (run, 0.25, RESILIENT_FAILURE_CONNECT_TIMEOUT, RESILIENT_PHASE_CONNECTING);
  g_assert_true (run->outcome.nothing_sent);
  run_wait_released (run);
}

/* What libsoup lets wait behind another's connect counts too, and is gone when libsoup gets to
 * it. */
static void
test_connect_behind (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) first = NULL;
  g_autoptr (Run) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_FULL_BACKLOG);
  first = run_new_for (&fixture, "GET", "/");
  run_start (first);
  test_run_pending ();
  second = run_new_for (&fixture, "GET", "/");
  second->params.connect_timeout = 0.5;
  run_start (second);
  test_run_pending ();
  test_clock_advance (0.5);
  g_assert_true (second->done);
  assert_timeout (second, RESILIENT_FAILURE_CONNECT_TIMEOUT, RESILIENT_PHASE_CONNECTING);
  resilient_transport_attempt_abandon (first->attempt);
  run_wait_released (first);
  run_wait_released (second);
}

static void
test_read (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_silence (), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.connect_timeout = 0.1;
  run->params.write_timeout = 0.1;
  run->params.read_timeout = 0.75;
  run_start (run);
  fault_server_wait_requests (fixture.server, 1);
  wait_until_waiting (run);
  assert_times_out (run, 0.75, RESILIENT_FAILURE_READ_TIMEOUT, RESILIENT_PHASE_WAITING);
  g_assert_false (run->outcome.nothing_sent);
  run_wait_released (run);
}

/* Every byte of the body is a sign of life; silence in its middle is not. */
static void
test_drip (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (200, "Content-Length: 20"),
                   fault_drip ("0123456789", "drip", 0),
                   fault_silence (),
                   NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.read_timeout = 1;
  run_start (run);
  for (guint i = 1; i <= 10; i++)
    {
      fault_server_release (fixture.server, "drip", 1);
      run_wait_received (run, i);
      test_clock_advance (0.9);
      g_assert_false (run->done);
    }
  test_clock_advance (0.1);
  g_assert_true (run->done);
  assert_timeout (run, RESILIENT_FAILURE_READ_TIMEOUT, RESILIENT_PHASE_READING);
  g_assert_cmpuint (run->outcome.status_code, ==, 200);
  run_wait_released (run);
}

static void
test_attempt (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, "/a", fault_redirect (302, "/b"), NULL);
  fault_server_on (fixture.server,
                   "/b",
                   fault_hold ("b"),
                   fault_head (200, "Content-Length: 20"),
                   fault_send ("x"),
                   fault_silence (),
                   NULL);
  run = run_new_for (&fixture, "GET", "/a");
  run->params.attempt_timeout = 2;
  run->params.read_timeout = 1.5;
  run_start (run);
  fault_server_wait_held (fixture.server, "b", 1);
  test_clock_advance (1.4);
  fault_server_release (fixture.server, "b", 1);
  run_wait_received (run, 1);
  g_assert_false (run->done);
  test_clock_advance (0.6);
  g_assert_true (run->done);
  assert_timeout (run, RESILIENT_FAILURE_DEADLINE, RESILIENT_PHASE_READING);
  run_wait_released (run);
}

/* How much of the first request's body the server has read. */
static guint64
get_read (Fixture *fixture, gboolean *whole)
{
  g_autoptr (FaultRecord) record = fault_server_get_record (fixture->server, 0);

  *whole = fault_record_is_whole (record);
  return fault_record_get_body_size (record);
}

/* An upload to a server that reads a little at a time takes minutes: that is no time-out of
 * reading, for the answer can't come yet, nor of writing, for something is accepted all the time.
 * Only what the server's kernel holds when all was accepted counts as time to answer. */
static void
test_slow_upload (void)
{
  g_auto (Fixture) fixture = { 0 };
  const gsize size = 8 * 1024 * 1024;
  g_autofree char *large = g_strnfill (size, 'x');
  g_autoptr (Run) run = NULL;
  gint64 started = test_clock_get ();
  gboolean whole = FALSE;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server,
                   NULL,
                   fault_read_slowly (128 * 1024, "read"),
                   fault_answer (200, NULL, "ok"),
                   NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run->params.write_timeout = 20;
  run->params.read_timeout = 30;
  run_start (run);
  fault_server_wait_requests (fixture.server, 1);
  while (!whole)
    {
      guint64 read = get_read (&fixture, &whole);
      gint64 sent = run->sent;

      fault_server_release (fixture.server, "read", 1);
      while (!whole && get_read (&fixture, &whole) == read)
        g_main_context_iteration (NULL, FALSE);
      test_run_pending ();
      /* Time passes when something was accepted: seen by libsoup, which gives more to the kernel,
       * or only by the kernel, when it has all already. */
      if (run->sent > sent)
        test_clock_advance (10);
      else if (run->sent == (gint64) size)
        test_clock_advance (1);
      g_assert_no_error (run->outcome.error);
    }
  run_wait_done (run);
  assert_response (run, 200, "ok");
  g_assert_cmpint (run->sent, ==, size);
  g_test_message ("%d s", (int) ((test_clock_get () - started) / G_USEC_PER_SEC));
  g_assert_cmpint (test_clock_get () - started, >, 30 * G_USEC_PER_SEC);
  run_wait_released (run);
}

/* A server that accepts nothing any more. */
static void
test_write (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (16 * 1024 * 1024, 'x');
  g_autoptr (Run) run = NULL;
  double waited = 0;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_read (1), fault_hold ("never"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run->params.write_timeout = 3;
  run->params.read_timeout = 1;
  run_start (run);
  fault_server_wait_held (fixture.server, "never", 1);
  while (!run->done)
    {
      test_clock_advance (0.25);
      waited += 0.25;
      g_assert_cmpfloat (waited, <, 100);
    }
  assert_timeout (run, RESILIENT_FAILURE_WRITE_TIMEOUT, RESILIENT_PHASE_WRITING);
  g_assert_cmpfloat (waited, >=, 3);
  fault_server_open (fixture.server, "never");
  run_wait_released (run);
}

/* A server that knows nothing of "Expect: 100-continue" gets the body after a second, and later
 * ones at once. */
static void
test_expect_ignored (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (Run) run = NULL;
  g_autoptr (Run) later = NULL;
  g_autoptr (FaultRecord) record = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_read (0), fault_silence (), NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_start (run);
  fault_server_wait_requests (fixture.server, 1);
  test_clock_advance (0.999);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
  test_clock_advance (0.001);
  run_wait_done (run);
  run_wait_released (run);
  assert_response (run, 200, "ok");
  g_assert_cmpuint (run->outcome.sends, ==, 2);
  record = fault_server_get_record (fixture.server, 1);
  g_assert_null (fault_record_get_header (record, "Expect"));
  g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);

  later = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (later);
  assert_response (later, 200, "ok");
  g_assert_cmpuint (later->outcome.sends, ==, 1);
}

/* A request after which a connection is kept. */
static void
leave_connection (Fixture *fixture)
{
  g_autoptr (Run) run = run_new_for (fixture, "GET", "/first");

  fault_server_next (fixture->server, "/first", fault_answer (200, NULL, "first"), NULL);
  run_through (run);
  assert_response (run, 200, "first");
}

static Run *
run_upload (Fixture *fixture, const char *method, const char *body)
{
  if (g_str_equal (method, "POST"))
    return run_new (fixture, one_shot_request (fixture, "POST", "/", body));
  return run_new (fixture, request_with_body (fixture, "PUT", "/", body));
}

static const char *const upload_methods[] = { "PUT", "POST" };

static void
wait_sent (Run *run)
{
  while (run->sent == 0)
    g_main_context_iteration (NULL, TRUE);
}

/* On a connection that has served, the body follows on the same one. The server says "100 Continue"
 * when it finds the body there: that is too late, and one of many interim responses. */
static void
test_expect_ignored_kept (void)
{
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');

  for (guint t = 0; t < G_N_ELEMENTS (flags); t++)
    for (guint i = 0; i < G_N_ELEMENTS (upload_methods); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (Run) later = NULL;
        g_autoptr (FaultRecord) record = NULL;
        g_autoptr (FaultRecord) after = NULL;

        g_test_message ("%u %s", t, upload_methods[i]);
        fixture_init (&fixture, flags[t]);
        leave_connection (&fixture);
        fault_server_next (fixture.server,
                           NULL,
                           fault_read (0),
                           fault_hold ("head"),
                           fault_read (G_MAXUINT64),
                           fault_answer (200, NULL, "ok"),
                           NULL);
        fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "later"), NULL);
        run = run_upload (&fixture, upload_methods[i], large);
        run_start (run);
        fault_server_wait_held (fixture.server, "head", 1);
        test_run_pending ();
        test_clock_advance (0.999);
        g_assert_cmpint (run->sent, ==, 0);
        test_clock_advance (0.001);
        wait_sent (run);
        fault_server_open (fixture.server, "head");
        run_wait_done (run);
        run_wait_released (run);
        assert_response (run, 200, "ok");
        g_assert_cmpuint (run->outcome.sends, ==, 1);
        record = fault_server_get_record (fixture.server, 1);
        g_assert_nonnull (fault_record_get_header (record, "Expect"));
        g_assert_true (fault_record_is_whole (record));
        g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);

        /* who ignores it is not asked again */
        later = run_upload (&fixture, upload_methods[i], large);
        run_through (later);
        assert_response (later, 200, "later");
        after = fault_server_get_record (fixture.server, 2);
        g_assert_null (fault_record_get_header (after, "Expect"));
        g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
        g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 3);
      }
}

/* That it can't be met may be said later than the body goes. Then it is sent again without, if that
 * is possible (RFC 9110, 15.5.18). */
static void
test_expect_failed_late (void)
{
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');

  for (guint i = 0; i < G_N_ELEMENTS (upload_methods); i++)
    {
      gboolean one_shot = g_str_equal (upload_methods[i], "POST");
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (FaultRecord) record = NULL;

      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      leave_connection (&fixture);
      fault_server_next (fixture.server,
                         NULL,
                         fault_read (0),
                         fault_hold ("head"),
                         fault_read (G_MAXUINT64),
                         fault_answer (417, NULL, "never"),
                         NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      run = run_upload (&fixture, upload_methods[i], large);
      run_start (run);
      fault_server_wait_held (fixture.server, "head", 1);
      test_run_pending ();
      test_clock_advance (1);
      wait_sent (run);
      fault_server_open (fixture.server, "head");
      run_wait_done (run);
      run_wait_released (run);
      assert_response (run, one_shot ? 417 : 200, one_shot ? "never" : "ok");
      g_assert_cmpuint (run->outcome.sends, ==, one_shot ? 1 : 2);
      if (one_shot)
        continue;
      record = fault_server_get_record (fixture.server, 2);
      g_assert_null (fault_record_get_header (record, "Expect"));
      g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);
    }
}

/* A part of a head is there: nothing may be said in its midst, and the body goes over another
 * connection. */
static void
test_expect_half_head (void)
{
  const char *parts[] = { "HTTP/1.1 2",
                          "HTTP/1.1 200 OK\r\n",
                          "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: b" };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');

  for (guint i = 0; i < 2 * G_N_ELEMENTS (parts); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (FaultRecord) record = NULL;
      guint first = i % 2;

      g_test_message ("%u", i);
      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      if (first == 1)
        leave_connection (&fixture);
      fault_server_next (fixture.server,
                         NULL,
                         fault_read (0),
                         fault_send (parts[i / 2]),
                         fault_hold ("half"),
                         fault_silence (),
                         NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      run = run_upload (&fixture, "PUT", large);
      run_start (run);
      fault_server_wait_held (fixture.server, "half", 1);
      test_run_pending ();
      test_clock_advance (1);
      fault_server_open (fixture.server, "half");
      run_wait_done (run);
      run_wait_released (run);
      assert_response (run, 200, "ok");
      g_assert_cmpuint (run->outcome.sends, ==, 2);
      record = fault_server_get_record (fixture.server, first + 1);
      g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);
    }
}

/* Interim responses other than "100 Continue" say nothing about the body: whether the server goes
 * on to ask for it, or waits for it all the same. Either way it comes over the same connection. */
static void
test_expect_interim (void)
{
  const guint statuses[] = { 102, 103, 104, 199 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');

  for (guint i = 0; i < 8 * G_N_ELEMENTS (statuses); i++)
    {
      gboolean tls = (i & 1) != 0;
      gboolean asks = (i & 2) != 0;
      gboolean kept = (i & 4) != 0;
      guint status_code = statuses[i / 8];
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (FaultRecord) record = NULL;

      g_test_message ("%u %d %d %d", status_code, tls, asks, kept);
      fixture_init (&fixture, tls ? FAULT_SERVER_TLS : FAULT_SERVER_PLAIN);
      if (kept)
        leave_connection (&fixture);
      fault_server_next (fixture.server,
                         NULL,
                         fault_read (0),
                         fault_head (status_code, "Link: </style.css>"),
                         fault_head (status_code, NULL),
                         fault_hold ("told"),
                         fault_read (G_MAXUINT64),
                         fault_answer (200, NULL, "ok"),
                         NULL);
      run = run_upload (&fixture, upload_methods[(i + i / 8) % 2], large);
      run_start (run);
      fault_server_wait_held (fixture.server, "told", 1);
      test_run_pending ();
      if (!asks)
        {
          test_clock_advance (1);
          wait_sent (run);
        }
      fault_server_open (fixture.server, "told");
      run_wait_done (run);
      run_wait_released (run);
      assert_response (run, 200, "ok");

      g_assert_cmpuint (run->outcome.sends, ==, 1);
      g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
      record = fault_server_get_record (fixture.server, kept);
      g_assert_nonnull (fault_record_get_header (record, "Expect"));
      g_assert_true (fault_record_is_whole (record));
      g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);
    }
}

/* Nobody waits long for what nobody wants. */
static void
test_discard (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (503, "Content-Length: 20"),
                   fault_send ("x"),
                   fault_silence (),
                   NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->discard = TRUE;
  run->params.read_timeout = 100;
  run_start (run);
  while (run->headers_status == 0)
    g_main_context_iteration (NULL, TRUE);
  test_run_pending ();
  g_assert_false (run->done);
  test_clock_advance (1);
  g_assert_true (run->done);
  assert_response (run, 503, NULL);
  run_wait_released (run);
}

/* Neither its time nor its length is without bound: here the clock stands still. */
static void
test_discard_endless (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (
    fixture.server, NULL, fault_head (503, "Connection: close"), fault_send_filler (0), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->discard = TRUE;
  run_through (run);
  assert_response (run, 503, NULL);
}

/* An abort of the session while a silent body is read wakes no source: the attempt finds out by
 * itself. */
static void
test_abort_reading (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (200, "Content-Length: 20"),
                   fault_send ("x"),
                   fault_silence (),
                   NULL);
  run = run_new_for (&fixture, "GET", "/");
  run->params.read_timeout = 100;
  run_start (run);
  run_wait_received (run, 1);
  soup_session_abort (fixture.session);
  test_clock_advance (1);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  run_wait_released (run);
}

/* No limit is no timer, for as long as anyone likes. */
static void
test_none (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (
    fixture.server, NULL, fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_start (run);
  fault_server_wait_held (fixture.server, "answer", 1);
  g_assert_cmpuint (resilient_timer_queue_get_length (fixture.timers), ==, 0);
  test_clock_advance (1e6);
  fault_server_open (fixture.server, "answer");
  run_wait_done (run);
  assert_response (run, 200, "late");
  run_wait_released (run);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  g_test_add_func ("/soup-deadlines/connect", test_connect);
  g_test_add_func ("/soup-deadlines/connect-behind", test_connect_behind);
  g_test_add_func ("/soup-deadlines/read", test_read);
  g_test_add_func ("/soup-deadlines/drip", test_drip);
  g_test_add_func ("/soup-deadlines/attempt", test_attempt);
  g_test_add_func ("/soup-deadlines/slow-upload", test_slow_upload);
  g_test_add_func ("/soup-deadlines/write", test_write);
  g_test_add_func ("/soup-deadlines/expect-ignored", test_expect_ignored);
  g_test_add_func ("/soup-deadlines/expect-ignored-kept", test_expect_ignored_kept);
  g_test_add_func ("/soup-deadlines/expect-failed-late", test_expect_failed_late);
  g_test_add_func ("/soup-deadlines/expect-half-head", test_expect_half_head);
  g_test_add_func ("/soup-deadlines/expect-interim", test_expect_interim);
  g_test_add_func ("/soup-deadlines/discard", test_discard);
  g_test_add_func ("/soup-deadlines/discard-endless", test_discard_endless);
  g_test_add_func ("/soup-deadlines/abort-reading", test_abort_reading);
  g_test_add_func ("/soup-deadlines/none", test_none);
  return g_test_run ();
}
