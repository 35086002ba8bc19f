/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "phases.h"

/* The last reference of the client goes, in every phase: the request comes to its own end, or to
 * the one that its caller chooses, as if the client were still there. */

typedef enum
{
  THEN_FINISH,
  THEN_CANCEL,
} Then;

static void
drop (Cell *cell)
{
  cell_drop_client (cell);
  /* an operation holds the client it was started on; a call does not */
  if (cell->test->start == START_CALL && cell->phase->place == PLACE_REACHED)
    g_assert_true (cell->client_gone);
}

static void
test_dispose (Cell *cell, gconstpointer data)
{
  guint n_signals;

  cell_act_in_phase (cell, drop);
  n_signals = cell->fixture.events->len;
  if (cell->test->action == THEN_CANCEL)
    {
      if (cell->test->start == START_CALL)
        resilient_call_cancel (cell->call);
      else
        g_cancellable_cancel (cell->cancellable);
      cell_wait_end (cell);
      cell_expect_end (cell, &end_cancelled, cell->phase->attempts);
      if (cell->phase->stuck)
        cell->phase->finish (cell);
    }
  else
    {
      cell_finish (cell);
      cell_expect_own_end (cell);
    }
  if (cell->test->start == START_CALL && cell->phase->place == PLACE_REACHED)
    g_assert_cmpuint (cell->fixture.events->len, ==, n_signals);
}

/* What is cancelled must not have ended. */
static gboolean
makes_sense (const Case *test)
{
  if (test->action == THEN_CANCEL)
    return test->phase->place == PLACE_REACHED && !test->phase->over;

  return TRUE;
}

int
main (int argc, char **argv)
{
  phases_init (&argc, &argv);
  phases_add ("phases-dispose", "then-finish", THEN_FINISH, makes_sense, test_dispose);
  phases_add ("phases-dispose", "then-cancel", THEN_CANCEL, makes_sense, test_dispose);

  return g_test_run ();
}
