/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-clock.h"
#include "phases.h"

/* The lid is closed for the night, in every phase: boot time jumps by eight hours, the monotonic
 * clock does not know of it. */

#define NIGHT (8 * 3600)

typedef enum
{
  NO_DEADLINE, /* the peer is still there in the morning */
  TOTAL,       /* a deadline passed meanwhile */
  READ,
} Deadline;

static void
set_deadline (Cell *cell)
{
  if (cell->test->action == TOTAL)
    resilient_request_set_total_timeout (cell->request, 3600);
  else if (cell->test->action == READ)
    resilient_request_set_read_timeout (cell->request, 30);
}

static void
sleep_for_a_night (Cell *cell)
{
  test_clock_suspend (NIGHT);
}

static void
test_suspend (Cell *cell, gconstpointer data)
{
  cell->tune = set_deadline;
  cell_act_in_phase (cell, sleep_for_a_night);
  switch (cell->test->action)
    {
    case TOTAL:
      cell_wait_while_time_goes_on (cell, 1, cell_has_ended);
      cell_expect_end (cell, &end_deadline, cell->phase->attempts);
      break;
    case READ:
      cell_wait_while_time_goes_on (cell, 1, cell_has_ended);
      cell_expect_end (cell, &end_read_timeout, cell->phase->attempts);
      break;
    case NO_DEADLINE:
    default:
      if (cell->phase->finish != NULL)
        cell->phase->finish (cell);
      /* a sleep ends within two seconds of the morning */
      cell_wait_while_time_goes_on (cell, 1, cell_has_ended);
      cell_expect_own_end (cell);
      return;
    }
  cell_expect_slot (cell);
}

static gboolean
makes_sense (const Case *test)
{
  static const char *const reading[] = { "waiting",   "reading",       "redirected", "resent",
                                         "neighbour", "waiting-again", NULL };
  static const char *const finite[] = { "connecting", "discarding", NULL };
  const char *name = test->phase->name;

  if (test->phase->place != PLACE_REACHED || test->phase->over
      || (test->sessions != SESSIONS_HIDDEN && test->start != START_SEND))
    return FALSE;
  /* what they wait for is over in the morning */
  if (g_strv_contains (finite, name))
    return FALSE;

  return test->action != READ || g_strv_contains (reading, name);
}

/* --- connections in the morning --------------------------------------------------------------- */

static void
expect_get (ClientFixture *fixture, guint n_connections)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = client_get (fixture, "/", NULL, &error);

  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, n_connections);
}

/* A kept connection that looks alive may be dead: each origin gets one new one. */
static void
test_new_connection (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  expect_get (fixture, 1);
  expect_get (fixture, 1);
  test_clock_suspend (NIGHT);
  expect_get (fixture, 2);
  expect_get (fixture, 2);
  /* a nap is no night */
  test_clock_suspend (4);
  expect_get (fixture, 2);
}

/* Those whose sleep ended meanwhile don't all come at once. */
static void
test_spread (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (1);
  ResilientCall *calls[50];
  guint n;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");

      resilient_request_set_retry_policy (request, policy);
      calls[i] = resilient_client_start (fixture->client, request, NULL, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    call_wait_state (calls[i], RESILIENT_CALL_STATE_WAITING);
  fault_server_set_listening (fixture->server, TRUE);
  test_clock_suspend (NIGHT);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 0);
  test_clock_advance (1);
  n = 0;
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    n += resilient_call_get_state (calls[i]) != RESILIENT_CALL_STATE_WAITING;
  g_assert_cmpuint (n, >, 5);
  g_assert_cmpuint (n, <, 45);
  test_clock_advance (1);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = call_wait (calls[i], &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      g_object_unref (calls[i]);
    }
  wait_last_events (fixture, G_N_ELEMENTS (calls));
}

static void
add (const char *path, ClientTestFunc func, FaultServerFlags flags)
{
  g_test_add (path,
              ClientFixture,
              GUINT_TO_POINTER (flags),
              client_fixture_set_up,
              func,
              client_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  phases_init (&argc, &argv);
  phases_add ("suspend", "no-deadline", NO_DEADLINE, makes_sense, test_suspend);
  phases_add ("suspend", "total", TOTAL, makes_sense, test_suspend);
  phases_add ("suspend", "read", READ, makes_sense, test_suspend);
  add ("/suspend/new-connection/plain", test_new_connection, FAULT_SERVER_PLAIN);
  add ("/suspend/new-connection/tls", test_new_connection, FAULT_SERVER_TLS);
  add ("/suspend/new-connection/http2", test_new_connection, FAULT_SERVER_HTTP2);
  add ("/suspend/spread", test_spread, FAULT_SERVER_REFUSING);

  return g_test_run ();
}
