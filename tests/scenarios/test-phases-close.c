/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-clock.h"
#include "phases.h"

/* The client is closed in every phase: at once, with grace that is enough, and with grace that is
 * not. */

typedef enum
{
  AT_ONCE,
  WITH_GRACE,
  GRACE_RUNS_OUT,
} How;

/* Longer than anything takes by itself. */
#define ENOUGH 1e6
#define TOO_SHORT 30

/* Of one program, one close at a time. */
static int n_closed; /* atomic */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (resilient_client_close_finish (RESILIENT_CLIENT (source), result, &error));
  g_assert_no_error (error);
  g_atomic_int_inc (&n_closed);
  g_main_context_wakeup (NULL);
}

static gboolean
is_closed (Cell *cell)
{
  return g_atomic_int_get (&n_closed) > 0;
}

static void
close_client (Cell *cell)
{
  static const double graces[] = { 0, ENOUGH, TOO_SHORT };

  resilient_client_close_async (
    cell->fixture.client, graces[cell->test->action], NULL, closed_cb, NULL);
  /* not inside of what closes */
  if (cell_is_at_home (cell) && cell->phase->place == PLACE_REACHED)
    g_assert_false (is_closed (cell));
}

static void
expect_refused (Cell *cell)
{
  g_autofree char *uri = fault_server_uri (cell->healthy, "/");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  response = client_send (&cell->fixture, request, NULL, &error);
  g_assert_null (response);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
}

static void
test_close (Cell *cell, gconstpointer data)
{
  gboolean own_end = cell->phase->over || cell->test->action == WITH_GRACE;

  g_atomic_int_set (&n_closed, 0);
  cell_act_in_phase (cell, close_client);
  expect_refused (cell);
  if (cell->phase->place == PLACE_REACHED && !cell->phase->over && cell->test->action != AT_ONCE)
    g_assert_false (is_closed (cell));

  if (cell->test->action == WITH_GRACE)
    cell_finish (cell);
  else if (cell->test->action == GRACE_RUNS_OUT)
    test_clock_advance (TOO_SHORT);
  cell_wait_end (cell);
  if (own_end || (cell->phase->late && cell->error == NULL))
    cell_expect_own_end (cell);
  else
    cell_expect_end (cell, &end_cancelled, cell->phase->attempts);

  cell_wait (cell, is_closed);
  g_assert_true (resilient_client_get_closed (cell->fixture.client));
  test_run_pending ();
  g_assert_cmpuint (
    g_list_model_get_n_items (resilient_client_get_calls (cell->fixture.client)), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&n_closed), ==, 1);
  if (cell->test->action != WITH_GRACE && cell->phase->stuck)
    cell->phase->finish (cell);
}

/* Grace makes a difference to what lives; and a thread that ends with its request does not hear of
 * the end of a close. */
static gboolean
makes_sense (const Case *test)
{
  if (test->phase->place == PLACE_START && test->start == START_THREAD)
    return FALSE;
  if (test->phase->place == PLACE_CALLBACK && test->start == START_THREAD)
    return FALSE;
  /* a retry that was decided before is made, one that is to be decided is not: nothing shows
   * which */
  if (test->action == WITH_GRACE && g_str_equal (test->phase->name, "discarding"))
    return FALSE;
  if (test->action == GRACE_RUNS_OUT)
    return test->phase->place == PLACE_REACHED && !test->phase->over;

  return TRUE;
}

int
main (int argc, char **argv)
{
  phases_init (&argc, &argv);
  phases_add ("phases-close", "at-once", AT_ONCE, makes_sense, test_close);
  phases_add ("phases-close", "with-grace", WITH_GRACE, makes_sense, test_close);
  phases_add ("phases-close", "grace-runs-out", GRACE_RUNS_OUT, makes_sense, test_close);

  return g_test_run ();
}
