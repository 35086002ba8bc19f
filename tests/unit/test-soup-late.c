/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"
#include "resilient-soup-attempt-private.h"

#include <poll.h>

/* Nobody was there: the loop was busy, or the process stopped, past a deadline. What has come
 * meanwhile counts. Over real sockets, with a clock that stands still but for what the test moves
 * it by, and a main context that turns only where the test says so. */

#define SPAN 1.0
#define BUSY 33.0

/* Something for @socket has come, or the peer took something; the context does not turn. */
static void
wait_socket (GSocket *socket, short events)
{
  struct pollfd fd = { g_socket_get_fd (socket), events, 0 };

  g_assert_cmpint (poll (&fd, 1, TEST_DEADLINE_SECONDS * 1000), ==, 1);
}

static gboolean
is_ready (GSocket *socket, short events)
{
  struct pollfd fd = { g_socket_get_fd (socket), events, 0 };

  return poll (&fd, 1, 1) == 1;
}

/* Anything, read or not. */
static void
wait_received (GSocket *socket)
{
  guint64 received = 0;

  while (resilient_socket_get_received (socket, &received) && received == 0)
    g_thread_yield ();
}

static ResilientSoupSend *
get_send (Run *run)
{
  return resilient_soup_attempt_peek_send (run->attempt);
}

static void
wait_arrived (Run *run)
{
  wait_socket (resilient_soup_send_get_socket (get_send (run)), POLLIN);
}

/* Nothing is left that has been seen before. */
static void
wait_held (Fixture *fixture, const char *gate, guint n)
{
  fault_server_wait_held (fixture->server, gate, n);
  test_run_pending ();
}

static gboolean
is_waiting (Run *run)
{
  return run->phases->len > 0 && run->phases->str[run->phases->len - 1] == 'A';
}

/* The peer has the whole request. Its acknowledgement takes real time, in which the clock stands
 * still, and is found when that moves on. */
static void
wait_until_waiting (Run *run)
{
  GSocket *socket = resilient_soup_send_get_socket (get_send (run));
  guint unsent;

  while (!is_waiting (run))
    {
      while (resilient_socket_get_unsent (socket, &unsent) && unsent > 0)
        g_thread_yield ();
      test_clock_advance (0.001);
      g_assert_no_error (run->outcome.error);
      g_assert_false (run->done);
    }
}

static Run *
run_late (Fixture *fixture, const char *method, const char *path)
{
  Run *run = run_new_for (fixture, method, path);

  run->params.connect_timeout = SPAN;
  run->params.write_timeout = SPAN;
  run->params.read_timeout = SPAN;
  return run;
}

/* A stream of HTTP/2 that was given up goes with its connection, for which time has to go on. */
static void
release_run (Run *run)
{
  while (!run->released)
    {
      test_clock_advance (0.1);
      g_thread_yield ();
    }
}

static void
finish_run (Run *run)
{
  run_wait_done (run);
  release_run (run);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
answer_late (FaultServerFlags flags, const char *method)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, flags);
  fault_server_on (
    fixture.server, NULL, fault_hold ("answer"), fault_answer (200, NULL, "in time"), NULL);
  run = run_late (&fixture, method, "/");
  run_start (run);
  wait_held (&fixture, "answer", 1);
  wait_until_waiting (run);
  fault_server_release (fixture.server, "answer", 1);
  wait_arrived (run);
  test_clock_advance (BUSY);
  finish_run (run);
  assert_response (run, 200, "in time");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

static void
test_answer (gconstpointer flags)
{
  answer_late (GPOINTER_TO_UINT (flags), "GET");
}

static void
test_answer_to_post (gconstpointer flags)
{
  answer_late (GPOINTER_TO_UINT (flags), "POST");
}

/* In the midst of the body, at its beginning and at its end. */
static void
test_body (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (200, "Content-Length: 9"),
                   fault_hold ("a"),
                   fault_send ("abc"),
                   fault_hold ("b"),
                   fault_send ("def"),
                   fault_hold ("c"),
                   fault_send ("ghi"),
                   NULL);
  run = run_late (&fixture, "GET", "/");
  run_start (run);
  for (guint i = 0; i < 3; i++)
    {
      const char gate[] = { (char) ('a' + i), 0 };

      fault_server_wait_held (fixture.server, gate, 1);
      /* over HTTP/2 libsoup keeps the answer until there is something of its body */
      while (run->phase != RESILIENT_PHASE_READING || run->received < i * 3)
        g_main_context_iteration (NULL, TRUE);
      test_run_pending ();
      fault_server_release (fixture.server, gate, 1);
      wait_arrived (run);
      test_clock_advance (BUSY);
      g_assert_no_error (run->outcome.error);
    }
  finish_run (run);
  assert_response (run, 200, "abcdefghi");
}

/* A part of the headers is a sign of life, once: then the deadline counts again. */
static void
test_part_of_headers (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server,
                   NULL,
                   fault_hold ("part"),
                   fault_send ("HTTP/1.1 200 OK\r\nCont"),
                   fault_silence (),
                   NULL);
  run = run_late (&fixture, "GET", "/");
  run_start (run);
  wait_held (&fixture, "part", 1);
  wait_until_waiting (run);
  fault_server_release (fixture.server, "part", 1);
  wait_arrived (run);
  test_clock_advance (BUSY);
  g_assert_false (run->done);
  test_clock_advance (SPAN - 0.001);
  g_assert_false (run->done);
  test_clock_advance (0.001);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_READ_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  release_run (run);
}

/* Nothing has come. */
static void
test_silence (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server, NULL, fault_silence (), NULL);
  run = run_late (&fixture, "POST", "/");
  run_start (run);
  fault_server_wait_requests (fixture.server, 1);
  wait_until_waiting (run);
  test_clock_advance (BUSY);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_READ_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpint (run->outcome.phase, ==, RESILIENT_PHASE_WAITING);
  release_run (run);
}

/* The connection has ended: that is no time-out. */
static void
test_end (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server, NULL, fault_hold ("end"), fault_close (), NULL);
  run = run_late (&fixture, "POST", "/");
  run_start (run);
  wait_held (&fixture, "end", 1);
  wait_until_waiting (run);
  fault_server_release (fixture.server, "end", 1);
  wait_arrived (run);
  test_clock_advance (BUSY);
  finish_run (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
}

/* On one connection: who was answered has its answer, who was not has none, however much came for
 * the other. */
static void
test_neighbours (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) silent = NULL;
  g_autoptr (Run) answered = NULL;

  fixture_init (&fixture, FAULT_SERVER_HTTP2);
  fault_server_on (fixture.server, "/silent", fault_silence (), NULL);
  fault_server_on (fixture.server,
                   "/answered",
                   fault_hold ("answer"),
                   fault_head (200, NULL),
                   fault_send_filler (100000),
                   NULL);
  silent = run_late (&fixture, "GET", "/silent");
  run_start (silent);
  fault_server_wait_requests (fixture.server, 1);
  answered = run_late (&fixture, "GET", "/answered");
  run_start (answered);
  wait_held (&fixture, "answer", 1);
  wait_until_waiting (silent);
  wait_until_waiting (answered);
  fault_server_release (fixture.server, "answer", 1);
  wait_arrived (answered);
  test_clock_advance (BUSY);
  run_wait_done (answered);
  run_wait_done (silent);
  release_run (answered);
  release_run (silent);
  g_assert_no_error (answered->outcome.error);
  g_assert_cmpint (answered->received, ==, 100000);
  assert_failure (silent, RESILIENT_FAILURE_READ_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

/* The attempt's deadline is final, whatever lies in the socket. */
static void
test_attempt (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (
    fixture.server, NULL, fault_hold ("answer"), fault_answer (200, NULL, "late"), NULL);
  run = run_late (&fixture, "GET", "/");
  run->params.attempt_timeout = SPAN / 2;
  run_start (run);
  wait_held (&fixture, "answer", 1);
  fault_server_release (fixture.server, "answer", 1);
  wait_arrived (run);
  test_clock_advance (BUSY);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_DEADLINE, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  release_run (run);
}

/* --- connecting ------------------------------------------------------------------------------- */

static gboolean
has_reached (Run *run, GSocketClientEvent stage)
{
  ResilientSoupSend *send = get_send (run);

  return resilient_soup_send_count_steps (send) > 0
         && resilient_soup_send_get_stage (send) >= stage;
}

static void
run_until_stage (Run *run, GSocketClientEvent stage)
{
  while (!has_reached (run, stage))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (resilient_soup_send_get_stage (get_send (run)), ==, stage);
}

/* The connect has succeeded meanwhile; what comes after it has its time. */
static void
test_connect (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  run = run_late (&fixture, "POST", "/");
  run_start (run);
  run_until_stage (run, G_SOCKET_CLIENT_CONNECTING);
  wait_socket (resilient_soup_send_get_dialed (get_send (run)), POLLOUT);
  test_clock_advance (BUSY);
  finish_run (run);
  assert_response (run, 200, "ok");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

/* The server has done its part of the handshake, of which a thread does ours. */
static void
test_handshake (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  run = run_late (&fixture, "GET", "/");
  run_start (run);
  run_until_stage (run, G_SOCKET_CLIENT_TLS_HANDSHAKING);
  wait_received (resilient_soup_send_get_dialed (get_send (run)));
  test_clock_advance (BUSY);
  finish_run (run);
  assert_response (run, 200, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

/* Those who wait until it is known what the server speaks are none the worse. */
static void
test_handshake_of_another (gconstpointer flags)
{
  Fixture fixture = { 0 };
  Run *runs[4];

  fixture.server = fault_server_new (GPOINTER_TO_UINT (flags));
  test_trust_by_default ();
  fixture.transport = resilient_soup_transport_new (NULL, NULL);
  fixture.timers = resilient_timer_queue_get (NULL);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      runs[i] = run_late (&fixture, "GET", "/");
      run_start (runs[i]);
    }
  run_until_stage (runs[0], G_SOCKET_CLIENT_TLS_HANDSHAKING);
  wait_received (resilient_soup_send_get_dialed (get_send (runs[0])));
  test_clock_advance (BUSY);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      finish_run (runs[i]);
      assert_response (runs[i], 200, "ok");
      run_free (runs[i]);
    }
  resilient_soup_transport_abort (fixture.transport, NULL);
  while (resilient_soup_transport_is_connected (fixture.transport, NULL))
    g_main_context_iteration (NULL, TRUE);
  resilient_transport_unref (fixture.transport);
  resilient_timer_queue_unref (fixture.timers);
  fault_server_free (fixture.server);
}

/* A server that says nothing has no second time. */
static void
test_handshake_silence (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_next_connection (fixture.server, fault_silence (), NULL);
  run = run_late (&fixture, "GET", "/");
  run_start (run);
  run_until_stage (run, G_SOCKET_CLIENT_TLS_HANDSHAKING);
  test_clock_advance (BUSY);
  g_assert_true (run->done);
  assert_failure (run, RESILIENT_FAILURE_CONNECT_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (run->outcome.nothing_sent);
  release_run (run);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The server takes a little at a time, and each time nobody is there to write more. */
static void
test_upload (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  const gsize size = 16 * 1024 * 1024; /* more than the kernels keep */
  g_autofree char *large = g_strnfill (size, 'x');
  g_autoptr (Run) run = NULL;
  guint n_busy = 0;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  fault_server_on (fixture.server,
                   NULL,
                   fault_read_slowly (128 * 1024, "read"),
                   fault_answer (200, NULL, "ok"),
                   NULL);
  run = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run->params.write_timeout = SPAN;
  run_start (run);
  fault_server_wait_requests (fixture.server, 1);
  fault_server_release (fixture.server, "read", 1);
  while (run->sent == 0)
    g_main_context_iteration (NULL, TRUE);
  test_run_pending ();
  while (run->sent < (gint64) size)
    {
      GSocket *socket = resilient_soup_send_get_socket (get_send (run));
      gint64 sent = run->sent;

      do
        fault_server_release (fixture.server, "read", 1);
      while (!is_ready (socket, POLLOUT));
      test_clock_advance (BUSY);
      g_assert_no_error (run->outcome.error);
      g_assert_cmpint (run->sent, >, sent);
      n_busy++;
    }
  g_assert_cmpuint (n_busy, >=, 1);
  fault_server_open (fixture.server, "read");
  finish_run (run);
  assert_response (run, 200, "ok");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
}

static void
add (const char *path, GTestDataFunc test, FaultServerFlags flags)
{
  const char *const names[] = {
    [FAULT_SERVER_PLAIN] = "plain", [FAULT_SERVER_TLS] = "tls", [FAULT_SERVER_HTTP2] = "http2"
  };
  g_autofree char *full = g_strdup_printf ("/soup-late/%s/%s", path, names[flags]);

  g_test_add_data_func (full, GUINT_TO_POINTER (flags), test);
}

int
main (int argc, char *argv[])
{
  const FaultServerFlags all[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS, FAULT_SERVER_HTTP2 };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      add ("answer", test_answer, all[i]);
      add ("answer-to-post", test_answer_to_post, all[i]);
      add ("body", test_body, all[i]);
      add ("silence", test_silence, all[i]);
      add ("end", test_end, all[i]);
      add ("attempt", test_attempt, all[i]);
      add ("connect", test_connect, all[i]);
      if (all[i] != FAULT_SERVER_HTTP2)
        {
          add ("upload", test_upload, all[i]);
          add ("part-of-headers", test_part_of_headers, all[i]);
        }
      if (all[i] == FAULT_SERVER_PLAIN)
        continue;
      add ("handshake", test_handshake, all[i]);
      add ("handshake-of-another", test_handshake_of_another, all[i]);
      add ("handshake-silence", test_handshake_silence, all[i]);
    }
  g_test_add_func ("/soup-late/neighbours", test_neighbours);

  return g_test_run ();
}
