/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"
#include "resilient-clock-private.h"

/* What draws a window goes before what serves requests, once it has waited for some time. Told by
 * the order of dispatch: while a source is always ready that goes first, no request is begun and no
 * response is read. */

#define REDRAW 120 /* GDK_PRIORITY_REDRAW */
#define BELOW_REDRAW 150
#define N_CALLS 20
/* Turns of the context, many more than all the requests take. */
#define N_TURNS 5000

/* Longer than the client lets something wait. */
#define FRAME (16 * 1000)

static gint64 now = 1000 * G_USEC_PER_SEC;
static guint n_turns;

static gint64
clock_cb (gpointer data)
{
  return now;
}

static gboolean
draw_cb (gpointer data)
{
  n_turns++;
  return G_SOURCE_CONTINUE;
}

/* A window that has something to draw in each turn. */
static GSource *
draw_always (void)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, REDRAW);
  g_source_set_callback (source, draw_cb, NULL, NULL);
  g_source_attach (source, NULL);
  n_turns = 0;

  return source;
}

static void
turn (void)
{
  for (guint i = 0; i < N_TURNS; i++)
    g_main_context_iteration (NULL, FALSE);
}

static void
stop_drawing (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* The window is drawn in each turn from now on, and has waited for long enough. */
static GSource *
draw_late (ClientFixture *fixture, TestResult *first)
{
  GSource *drawing = draw_always ();

  client_start_get (fixture, "/first", NULL, NULL, first);
  turn ();
  now += FRAME;
  turn ();
  n_turns = 0;
  return drawing;
}

static void
end_drawing (ClientFixture *fixture, GSource *source, TestResult *first)
{
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  stop_drawing (source);
  response = client_end_get (fixture, first, &error);
  g_assert_no_error (error);
  test_result_clear (first);
}

static guint
count_done (TestResult *results)
{
  guint n = 0;

  for (guint i = 0; i < N_CALLS; i++)
    n += results[i].calls;

  return n;
}

static void
start_all (ClientFixture *fixture, TestResult *results, int io_priority)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);

  resilient_client_set_io_priority (fixture->client, io_priority);
  resilient_client_set_retry_policy (fixture->client, policy);
  resilient_client_set_max_concurrent_per_host (fixture->client, N_CALLS + 1);
  for (guint i = 0; i < N_CALLS; i++)
    client_start_get (fixture, "/", NULL, NULL, &results[i]);
}

static void
end_all (ClientFixture *fixture, TestResult *results, guint status)
{
  /* they sleep for some milliseconds before they are sent again */
  while (count_done (results) < N_CALLS)
    {
      now += 10;
      resilient_clock_moved ();
      g_main_context_iteration (NULL, FALSE);
      g_thread_yield ();
    }
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &results[i], &error);

      g_assert_no_error (error);
      g_assert_cmpuint (resilient_response_get_status_code (response), ==, status);
      test_result_clear (&results[i]);
    }
  wait_last_events (fixture, N_CALLS);
}

static void
set_up_first (ClientFixture *fixture)
{
  fault_server_on (fixture->server, "/first", fault_answer (200, NULL, "first"), NULL);
}

static void
test_start (ClientFixture *fixture, gconstpointer flags)
{
  TestResult first = { 0 };
  TestResult results[N_CALLS] = { { 0 } };
  GSource *drawing;

  set_up_first (fixture);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  drawing = draw_late (fixture, &first);
  start_all (fixture, results, BELOW_REDRAW);
  turn ();
  g_assert_cmpuint (n_turns, >, N_TURNS / 2);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), <=, 1);
  end_drawing (fixture, drawing, &first);
  end_all (fixture, results, 200);
}

/* Failures that are retried at once, and come while something is drawn. */
static void
test_failures (ClientFixture *fixture, gconstpointer flags)
{
  TestResult first = { 0 };
  TestResult results[N_CALLS] = { { 0 } };
  GSource *drawing;

  set_up_first (fixture);
  fault_server_on (
    fixture->server, "/", fault_hold ("answer"), fault_answer (503, NULL, "ok"), NULL);
  start_all (fixture, results, BELOW_REDRAW);
  fault_server_wait_held (fixture->server, "answer", N_CALLS);
  test_run_pending ();
  drawing = draw_late (fixture, &first);
  fault_server_open (fixture->server, "answer");
  turn ();
  g_assert_cmpuint (n_turns, >, N_TURNS / 2);
  g_assert_cmpuint (count_done (results), ==, 0);
  g_assert_cmpuint (fault_server_count (fixture->server, "/"), ==, N_CALLS);
  end_drawing (fixture, drawing, &first);
  end_all (fixture, results, 503);
}

/* A body of which more has come than is read in one turn. */
static void
test_download (ClientFixture *fixture, gconstpointer flags)
{
  TestResult first = { 0 };
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  GSource *drawing;
  gint64 received;

  resilient_client_set_io_priority (fixture->client, BELOW_REDRAW);
  set_up_first (fixture);
  fault_server_on (fixture->server,
                   "/",
                   fault_head (200, "Content-Length: 16000000"),
                   fault_send_filler (16000000),
                   NULL);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  while (resilient_call_get_bytes_received (call) == 0)
    g_main_context_iteration (NULL, TRUE);
  drawing = draw_late (fixture, &first);
  received = resilient_call_get_bytes_received (call);
  turn ();
  g_assert_cmpuint (n_turns, >, N_TURNS / 2);
  g_assert_cmpint (resilient_call_get_bytes_received (call), ==, received);
  end_drawing (fixture, drawing, &first);
  response = call_wait (call, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (resilient_response_get_body (response)), ==, 16000000);
}

/* An app that draws nothing may have it before all else. */
static void
test_chosen (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[N_CALLS] = { { 0 } };
  GSource *drawing;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  drawing = draw_always ();
  start_all (fixture, results, REDRAW - 1);
  end_all (fixture, results, 200);
  stop_drawing (drawing);
}

/* Deadlines don't wait for a window that is drawn all the time. */
static void
test_deadline (ClientFixture *fixture, gconstpointer flags)
{
  TestResult first = { 0 };
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GError) error = NULL;
  GSource *drawing;

  set_up_first (fixture);
  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  resilient_request_set_total_timeout (request, 30);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  fault_server_wait_requests (fixture->server, 1);
  drawing = draw_late (fixture, &first);
  now += 30 * G_USEC_PER_SEC;
  resilient_clock_moved ();
  while (resilient_call_get_state (call) != RESILIENT_CALL_STATE_DONE)
    g_main_context_iteration (NULL, FALSE);
  end_drawing (fixture, drawing, &first);
  g_assert_null (call_wait (call, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/priorities/start", test_start, FAULT_SERVER_PLAIN },
    { "/priorities/start/tls", test_start, FAULT_SERVER_TLS },
    { "/priorities/start/http2", test_start, FAULT_SERVER_HTTP2 },
    { "/priorities/failures", test_failures, FAULT_SERVER_PLAIN },
    { "/priorities/failures/http2", test_failures, FAULT_SERVER_HTTP2 },
    { "/priorities/download", test_download, FAULT_SERVER_PLAIN },
    { "/priorities/download/tls", test_download, FAULT_SERVER_TLS },
    { "/priorities/download/http2", test_download, FAULT_SERVER_HTTP2 },
    { "/priorities/chosen", test_chosen, FAULT_SERVER_PLAIN },
    { "/priorities/chosen/http2", test_chosen, FAULT_SERVER_HTTP2 },
    { "/priorities/deadline", test_deadline, FAULT_SERVER_PLAIN },
  };

  static const ResilientClockFuncs funcs = { clock_cb, clock_cb, clock_cb };

  resilient_clock_install (&funcs, NULL);
  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
