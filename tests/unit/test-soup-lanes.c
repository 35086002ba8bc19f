/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Who waits for a connection over TLS, who opens one. The clock stands still but for what the test
 * moves it by: to open the first connection takes OPENING, and each answer no time at all. */

#define OPENING 0.1
#define N 4

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->server = fault_server_new (FAULT_SERVER_TLS);
  fixture->transport = resilient_soup_transport_new (NULL, NULL);
  fixture->timers = resilient_timer_queue_get (NULL);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server, fault_hold ("connection"), NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  resilient_soup_transport_abort (fixture->transport, NULL);
  resilient_transport_unref (fixture->transport);
  g_assert_cmpuint (resilient_timer_queue_get_length (fixture->timers), ==, 0);
  resilient_timer_queue_unref (fixture->timers);
  fault_server_free (fixture->server);
}

static Run *
start (Fixture *fixture, const char *path)
{
  Run *run = run_new_for (fixture, "GET", path);

  run_start (run);
  return run;
}

static void
end (Run *run)
{
  run_wait_done (run);
  run_wait_released (run);
  assert_response (run, 200, "ok");
  run_free (run);
}

/* A number of requests to "/0", "/1" and so on. */
static void
start_all (Fixture *fixture, Run **runs)
{
  for (guint i = 0; i < N; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);

      runs[i] = start (fixture, path);
    }
}

static void
end_all (Fixture *fixture, Run **runs, guint n_connections)
{
  for (guint i = 0; i < N; i++)
    end (runs[i]);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, n_connections);
}

/* The server holds all of them, as "all". */
static void
release_all (Fixture *fixture, Run **runs, guint n_connections)
{
  fault_server_wait_held (fixture->server, "all", N);
  fault_server_open (fixture->server, "all");
  end_all (fixture, runs, n_connections);
}

static void
assert_order (Fixture *fixture, guint first)
{
  for (guint i = 0; i < N; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);
      g_autoptr (FaultRecord) record = fault_server_get_record (fixture->server, first + i);

      g_assert_cmpstr (fault_record_get_path (record), ==, path);
    }
}

static void
let_connect (Fixture *fixture)
{
  fault_server_wait_held (fixture->server, "connection", 1);
  test_clock_advance (OPENING);
  fault_server_open (fixture->server, "connection");
}

static void
warm_up (Fixture *fixture)
{
  Run *run = start (fixture, "/first");

  let_connect (fixture);
  end (run);
}

/* Nothing goes on for as long as who waits bears it. */
static void
pass_time (void)
{
  for (guint i = 0; i < 3; i++)
    test_clock_advance (OPENING / 2 + 1e-5);
}

static void
test_first (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  start_all (fixture, runs);
  let_connect (fixture);
  end_all (fixture, runs, 1);
  assert_order (fixture, 0);
}

static void
test_quick (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  warm_up (fixture);
  start_all (fixture, runs);
  end_all (fixture, runs, 1);
  assert_order (fixture, 1);
}

/* Answers take longer than connections. */
static void
test_slow (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];
  Run *first;

  fault_server_next (
    fixture->server, NULL, fault_hold ("first"), fault_answer (200, NULL, "ok"), NULL);
  first = start (fixture, "/first");
  let_connect (fixture);
  fault_server_wait_held (fixture->server, "first", 1);
  test_clock_advance (2 * N * OPENING);
  fault_server_open (fixture->server, "first");
  end (first);

  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  start_all (fixture, runs);
  release_all (fixture, runs, N);
}

/* What was quick before hangs. */
static void
test_hangs (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  warm_up (fixture);
  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  start_all (fixture, runs);
  fault_server_wait_held (fixture->server, "all", 1);
  test_clock_advance (OPENING);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  pass_time ();
  release_all (fixture, runs, N);
}

/* Which is known to who comes later. */
static void
test_hangs_already (Fixture *fixture, gconstpointer data)
{
  Run *first, *second;

  warm_up (fixture);
  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  first = start (fixture, "/");
  fault_server_wait_held (fixture->server, "all", 1);
  test_clock_advance (2 * OPENING);
  second = start (fixture, "/");
  fault_server_wait_held (fixture->server, "all", 2);
  fault_server_open (fixture->server, "all");
  end (first);
  end (second);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 2);
}

/* Nor is an answer there from the first request ever. */
static void
test_first_hangs (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  start_all (fixture, runs);
  let_connect (fixture);
  fault_server_wait_held (fixture->server, "all", 1);
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  pass_time ();
  release_all (fixture, runs, N);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (Run) abandoned = NULL;
  g_autoptr (Run) late = NULL;
  Run *first, *last;

  warm_up (fixture);
  fault_server_next (
    fixture->server, "/held", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  first = start (fixture, "/held");
  fault_server_wait_held (fixture->server, "go", 1);
  abandoned = start (fixture, "/abandoned");
  late = run_new_for (fixture, "GET", "/late");
  late->params.attempt_timeout = OPENING / 4;
  run_start (late);
  last = start (fixture, "/last");
  resilient_transport_attempt_abandon (abandoned->attempt);
  run_wait_released (abandoned);
  test_clock_advance (OPENING / 4);
  run_wait_released (late);
  assert_failure (late, RESILIENT_FAILURE_DEADLINE, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (late->outcome.nothing_sent);
  fault_server_open (fixture->server, "go");
  end (first);
  end (last);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 3);
}

/* Nobody waits so long that there is no time left to connect. */
static void
test_hurries (Fixture *fixture, gconstpointer data)
{
  Run *first, *quick, *waiting;

  warm_up (fixture);
  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  first = start (fixture, "/");
  fault_server_wait_held (fixture->server, "all", 1);
  waiting = run_new_for (fixture, "GET", "/");
  waiting->params.connect_timeout = 3.2 * OPENING;
  run_start (waiting);
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  quick = run_new_for (fixture, "GET", "/");
  quick->params.connect_timeout = 2.9 * OPENING;
  run_start (quick);
  fault_server_wait_held (fixture->server, "all", 2);
  /* earlier than who bears it for longer */
  pass_time ();
  fault_server_wait_held (fixture->server, "all", 3);
  fault_server_open (fixture->server, "all");
  end (first);
  end (quick);
  end (waiting);
}

/* Some need a connection of their own, such as a retry after a silence. What can't be sent twice
 * may use it after that, as it served just now. */
static void
test_own (Fixture *fixture, gconstpointer data)
{
  Run *first, *waiting, *retry, *post;

  warm_up (fixture);
  fault_server_next (
    fixture->server, "/held", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  first = start (fixture, "/held");
  fault_server_wait_held (fixture->server, "go", 1);
  waiting = start (fixture, "/waiting");
  retry = run_new_for (fixture, "GET", "/retry");
  retry->params.new_connection = TRUE;
  run_start (retry);
  post = run_new (fixture, request_with_body (fixture, "POST", "/post", "x"));
  run_start (post);
  end (retry);
  end (post);
  end (waiting);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 2);
  fault_server_open (fixture->server, "go");
  end (first);
}

static void
test_closes (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  fault_server_on (fixture->server, NULL, fault_answer (200, "Connection: close", "ok"), NULL);
  warm_up (fixture);
  fault_server_on (
    fixture->server, NULL, fault_hold ("all"), fault_answer (200, "Connection: close", "ok"), NULL);
  start_all (fixture, runs);
  release_all (fixture, runs, N + 1);
}

/* An old connection ends: those that wait do with a new one. */
static void
test_last_closes (Fixture *fixture, gconstpointer data)
{
  Run *runs[N];

  warm_up (fixture);
  fault_server_next (fixture->server, "/0", fault_answer (200, "Connection: close", "ok"), NULL);
  start_all (fixture, runs);
  end_all (fixture, runs, 2);
}

/* Nobody is there any more: they don't try one after the other. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Run *runs[N];

  warm_up (fixture);
  g_assert_true (fault_server_set_door (fixture->server, FAULT_DOOR_CLOSED, &error));
  g_assert_no_error (error);
  fault_server_disconnect (fixture->server);
  fault_server_wait_closed (fixture->server, 1);
  start_all (fixture, runs);
  for (guint i = 0; i < N; i++)
    {
      run_wait_released (runs[i]);
      assert_failure (
        runs[i], RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
      run_free (runs[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_trust_by_default ();
  test_clock_install ();
#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  ADD ("/soup-lanes/first", test_first);
  ADD ("/soup-lanes/quick", test_quick);
  ADD ("/soup-lanes/slow", test_slow);
  ADD ("/soup-lanes/hangs", test_hangs);
  ADD ("/soup-lanes/hangs-already", test_hangs_already);
  ADD ("/soup-lanes/first-hangs", test_first_hangs);
  ADD ("/soup-lanes/gone", test_gone);
  ADD ("/soup-lanes/hurries", test_hurries);
  ADD ("/soup-lanes/own", test_own);
  ADD ("/soup-lanes/closes", test_closes);
  ADD ("/soup-lanes/last-closes", test_last_closes);
  ADD ("/soup-lanes/refused", test_refused);
#undef ADD
  return g_test_run ();
}
