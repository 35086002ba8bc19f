/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Servers that answer while they are still being sent to, and take no more. */

#define HUGE_SIZE (20 * 1024 * 1024)

static const FaultServerFlags transports[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };

static ResilientRequest *
huge_request (Fixture *fixture, const char *method, gboolean asks)
{
  static char *huge = NULL;
  ResilientRequest *request;

  if (huge == NULL)
    huge = g_strnfill (HUGE_SIZE, 'x');
  request = (asks ? request_with_body : one_shot_request) (fixture, method, "/", huge);
  return request;
}

/* Until neither side has anything to do: the kernel takes no more of the body. */
typedef struct
{
  Run *run;
  gint64 sent;
  guint n_still;
} Stillness;

static gboolean
is_still (gpointer data)
{
  Stillness *self = data;

  self->n_still = self->run->sent == self->sent && self->sent > 0 ? self->n_still + 1 : 0;
  self->sent = self->run->sent;
  return self->n_still >= 3;
}

static void
wait_still (Run *run)
{
  Stillness stillness = { .run = run };

  while (!is_still (&stillness))
    {
      test_run_pending ();
      g_thread_yield ();
    }
}

static Run *
start_stuck (Fixture *fixture, const char *method, FaultStep *answer)
{
  Run *run = run_new (fixture, huge_request (fixture, method, g_str_equal (method, "PUT")));

  run->params.write_timeout = 10;
  fault_server_next (
    fixture->server, NULL, fault_read (1), answer, fault_hold ("stuck"), fault_close (), NULL);
  run_start (run);
  fault_server_wait_held (fixture->server, "stuck", 1);
  wait_still (run);
  g_assert_false (run->done);
  return run;
}

/* A byte that moved late is progress, from which the time for writing counts anew. */
static void
end_stuck (Run *run)
{
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE_SECONDS * G_USEC_PER_SEC;

  while (!run->done && g_get_monotonic_time () < end)
    {
      test_clock_advance (10);
      g_thread_yield ();
    }
  g_assert_true (run->done);
  fault_server_open (run->fixture->server, "stuck");
  run_wait_released (run);
}

/* The answer lies in the socket when the time for writing is over. */
static void
test_write_timeout (void)
{
  const struct
  {
    guint status_code;
    gboolean chunked;
  } cases[] = { { 403, FALSE }, { 413, TRUE }, { 503, FALSE }, { 200, TRUE } };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;

        g_test_message ("%u %u", t, cases[i].status_code);
        fixture_init (&fixture, transports[t]);
        run = start_stuck (&fixture,
                           i % 2 ? "POST" : "PUT",
                           cases[i].chunked
                             ? fault_answer_chunked (cases[i].status_code, "X-A: b", "enough", 4)
                             : fault_answer (cases[i].status_code, "X-A: b", "enough"));
        end_stuck (run);
        assert_response (run, cases[i].status_code, "enough");
        g_assert_cmpstr (resilient_response_get_header (run->outcome.response, "X-A"), ==, "b");
        g_assert_cmpuint (run->headers_status, ==, cases[i].status_code);
        g_assert_cmpuint (run->outcome.sends, ==, 1);
        g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
      }
}

static void
test_encoded (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GBytes) bytes = fault_gzip ("enough of it", FAULT_GZIP_WHOLE);
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  run = start_stuck (&fixture, "PUT", fault_answer_bytes (403, "Content-Encoding: gzip", bytes));
  end_stuck (run);
  assert_response (run, 403, "enough of it");
}

static void
test_redirect (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  run = start_stuck (&fixture, "PUT", fault_redirect (303, "/there"));
  fault_server_on (fixture.server, "/there", fault_answer (200, NULL, "there"), NULL);
  end_stuck (run);
  assert_response (run, 200, "there");
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);
}

/* libsoup reads all that has come in one go, and keeps what is behind the interim response. */
static void
test_behind_interim (void)
{
  const char *interim[] = { "", "HTTP/1.1 103 Early Hints\r\n\r\n" };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < G_N_ELEMENTS (interim); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autofree char *text =
          g_strdup_printf ("%sHTTP/1.1 100 Continue\r\n\r\n"
                           "HTTP/1.1 413 Large\r\nContent-Length: 6\r\n\r\nenough",
                           interim[i]);
        g_autoptr (Run) run = NULL;

        g_test_message ("%u %s", t, interim[i]);
        fixture_init (&fixture, transports[t]);
        run = run_new (&fixture, huge_request (&fixture, "PUT", TRUE));
        run->params.write_timeout = 10;
        /* of itself the server would ask for the body, and read it, before it says anything */
        fault_server_next (fixture.server,
                           NULL,
                           fault_read (0),
                           fault_send (text),
                           fault_hold ("stuck"),
                           fault_close (),
                           NULL);
        run_start (run);
        fault_server_wait_held (fixture.server, "stuck", 1);
        wait_still (run);
        g_assert_false (run->done);
        end_stuck (run);
        assert_response (run, 413, "enough");
        g_assert_cmpuint (run->outcome.sends, ==, 1);
      }
}

/* An answer that is not there, or not as a whole, is none. */
static void
test_no_answer (void)
{
  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < 2; i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;

        fixture_init (&fixture, transports[t]);
        run = start_stuck (
          &fixture, "PUT", i == 0 ? fault_head (102, NULL) : fault_head (403, "Content-Length: 7"));
        end_stuck (run);
        assert_failure (run, RESILIENT_FAILURE_WRITE_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      }
}

/* The server closes with unread data, which is a reset: what it had said before is read first. */
static void
test_reset (void)
{
  const char *methods[] = { "PUT", "POST" };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (Run) first = NULL;

        g_test_message ("%u %s", t, methods[i]);
        fixture_init (&fixture, transports[t]);
        /* on a connection that has served, libsoup would send a PUT again */
        fault_server_next (fixture.server, NULL, fault_answer (200, NULL, "first"), NULL);
        first = run_new_for (&fixture, "GET", "/");
        run_through (first);
        run = start_stuck (&fixture, methods[i], fault_answer (403, NULL, "enough"));
        fault_server_next (fixture.server, NULL, fault_answer (200, NULL, "again"), NULL);
        fault_server_open (fixture.server, "stuck");
        run_wait_done (run);
        run_wait_released (run);
        assert_response (run, 403, "enough");
        g_assert_cmpuint (run->outcome.sends, ==, 1);
        g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  g_test_add_func ("/soup-early/write-timeout", test_write_timeout);
  g_test_add_func ("/soup-early/encoded", test_encoded);
  g_test_add_func ("/soup-early/redirect", test_redirect);
  g_test_add_func ("/soup-early/behind-interim", test_behind_interim);
  g_test_add_func ("/soup-early/no-answer", test_no_answer);
  g_test_add_func ("/soup-early/reset", test_reset);
  return g_test_run ();
}
