/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "phases.h"

/* Every way to cancel, in every phase: one callback, in the next turn, CANCELLED, and the slot
 * comes back. */

typedef enum
{
  BY_CANCELLABLE,
  BY_ID,
  BY_CALL,
  ALL,
} Way;

static void
cancel (Cell *cell)
{
  guint n;

  switch (cell->test->action)
    {
    case BY_CANCELLABLE:
      g_cancellable_cancel (cell->cancellable);
      break;
    case BY_ID:
      n = resilient_client_cancel (cell->fixture.client, VICTIM);
      if (!cell->phase->late)
        g_assert_cmpuint (n, ==, cell->phase->over ? 0 : 1);
      break;
    case BY_CALL:
      resilient_call_cancel (cell_find_call (cell));
      break;
    case ALL:
    default:
      resilient_client_cancel_all (cell->fixture.client);
      break;
    }
  /* not inside of what cancels */
  if (cell_is_at_home (cell) && !cell->phase->over && !cell->phase->late)
    g_assert_false (cell_has_ended (cell));
}

/* A call is not cancelled by a cancellable; and whoever wants to cancel by the call must have
 * it. */
static gboolean
makes_sense (const Case *test)
{
  /* all ways are one by the time they get to the session */
  if (test->sessions != SESSIONS_HIDDEN && test->action != BY_CANCELLABLE)
    return FALSE;
  if (test->action == BY_CANCELLABLE)
    return test->start != START_CALL;
  if (test->action == BY_CALL)
    return test->start == START_CALL || (test->phase->place == PLACE_REACHED && !test->phase->over);

  return TRUE;
}

static void
test_cancel (Cell *cell, gconstpointer data)
{
  cell_act_in_phase (cell, cancel);
  if (cell_is_at_home (cell) && cell->phase->place == PLACE_REACHED)
    {
      /* nothing but the turns of this context is needed */
      test_run_pending ();
      g_assert_true (cell_has_ended (cell));
    }
  cell_wait_end (cell);
  if (cell->phase->over || (cell->phase->late && cell->error == NULL))
    cell_expect_own_end (cell);
  else
    cell_expect_end (cell, &end_cancelled, cell->phase->attempts);
  cell_expect_slot (cell);
}

int
main (int argc, char **argv)
{
  phases_init (&argc, &argv);
  phases_add ("phases-cancel", "by-cancellable", BY_CANCELLABLE, makes_sense, test_cancel);
  phases_add ("phases-cancel", "by-id", BY_ID, makes_sense, test_cancel);
  phases_add ("phases-cancel", "by-call", BY_CALL, makes_sense, test_cancel);
  phases_add ("phases-cancel", "all", ALL, makes_sense, test_cancel);

  return g_test_run ();
}
