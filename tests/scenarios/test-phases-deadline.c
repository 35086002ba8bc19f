/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-clock.h"
#include "phases.h"

/* Every deadline, in every phase: it ends the request where it is meant for that phase, on time and
 * never early, and leaves it alone where it is not. */

typedef enum
{
  CONNECT = 1 << 0,
  WRITE = 1 << 1,
  READ = 1 << 2,
  QUEUE = 1 << 3,
  ATTEMPT = 1 << 4,
  TOTAL = 1 << 5,
} Deadline;

#define PERIOD 50

static const struct
{
  const char *phase;
  guint fire; /* which do; the rest does not */
  guint skip; /* the phase can't tell, see the comments */
} table[] = {
  { "queued", QUEUE | TOTAL },
  { "resolving", CONNECT | ATTEMPT | TOTAL },
  { "resolving-stubborn", CONNECT | ATTEMPT | TOTAL },
  { "connecting", CONNECT | ATTEMPT | TOTAL },
  { "handshaking", CONNECT | ATTEMPT | TOTAL },
  { "behind", CONNECT | ATTEMPT | TOTAL },
  /* The body goes out unasked after a second, or is taken in part: then it is a matter of the
   * kernel's buffers. */
  { "expecting", ATTEMPT | TOTAL, WRITE | READ },
  { "writing", WRITE | ATTEMPT | TOTAL },
  { "flood-writing", ATTEMPT | TOTAL, WRITE | READ },
  { "waiting", READ | ATTEMPT | TOTAL, WRITE },
  /* the kernel acknowledges late, in a time that does not stand still */
  { "reading", READ | ATTEMPT | TOTAL },
  { "redirected", READ | ATTEMPT | TOTAL, WRITE },
  { "resent", READ | ATTEMPT | TOTAL, WRITE },
  { "neighbour", READ | ATTEMPT | TOTAL, WRITE },
  { "flood", READ | ATTEMPT | TOTAL, WRITE },
  /* a total deadline before the end of a sleep ends the request instead of the sleep */
  { "sleeping", 0, TOTAL },
  { "sleeping-503", 0, TOTAL },
  { "discarding", 0, TOTAL | ATTEMPT | READ }, /* nothing shows when it begins */
  { "waiting-again", READ | ATTEMPT, TOTAL | WRITE },
  { "queued-again", QUEUE, TOTAL },
};

static int
find (const Case *test)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (g_str_equal (table[i].phase, test->phase->name))
      return (int) i;

  return -1;
}

static gboolean
makes_sense (const Case *test)
{
  int row = find (test);

  /* no deadline of ours is the session's */
  if (test->sessions != SESSIONS_HIDDEN && test->start != START_SEND)
    return FALSE;

  return row >= 0 && !(table[row].skip & (guint) test->action);
}

static void
set_deadline (Cell *cell)
{
  switch (cell->test->action)
    {
    case CONNECT:
      resilient_request_set_connect_timeout (cell->request, PERIOD);
      break;
    case WRITE:
      resilient_request_set_write_timeout (cell->request, PERIOD);
      break;
    case READ:
      resilient_request_set_read_timeout (cell->request, PERIOD);
      break;
    case QUEUE:
      resilient_request_set_queue_timeout (cell->request, PERIOD);
      break;
    case ATTEMPT:
      resilient_request_set_attempt_timeout (cell->request, PERIOD);
      break;
    case TOTAL:
    default:
      resilient_request_set_total_timeout (cell->request, PERIOD);
      break;
    }
}

static void
do_nothing (Cell *cell)
{
}

static const End *
get_end (Deadline deadline)
{
  switch (deadline)
    {
    case CONNECT:
      return &end_connect_timeout;
    case WRITE:
      return &end_write_timeout;
    case READ:
      return &end_read_timeout;
    case QUEUE:
      return &end_queue_timeout;
    case ATTEMPT:
    case TOTAL:
    default:
      return &end_deadline;
    }
}

static void
test_deadline (Cell *cell, gconstpointer data)
{
  int row = find (cell->test);
  gboolean fires = (table[row].fire & (guint) cell->test->action) != 0;
  gint64 reached;

  cell->tune = set_deadline;
  cell_act_in_phase (cell, do_nothing);
  reached = test_clock_get ();
  test_clock_advance (PERIOD - 0.001);
  g_assert_false (cell_has_ended (cell));

  if (!fires)
    {
      test_clock_advance (PERIOD / 2);
      g_assert_false (cell_has_ended (cell));
      cell_finish (cell);
      cell_expect_own_end (cell);
      return;
    }

  test_clock_advance (0.001);
  /* whether the peer took what was written is looked at now and then, and so known a little
   * later */
  if (cell_is_at_home (cell) && cell->test->action != WRITE && cell->test->action != READ)
    g_assert_true (cell_has_ended (cell));
  cell_wait_while_time_goes_on (cell, 0.5, cell_has_ended);
  g_assert_cmpint (test_clock_get () - reached, >=, PERIOD * G_USEC_PER_SEC);
  cell_expect_end (cell, get_end (cell->test->action), cell->phase->attempts);
  cell_expect_slot (cell);
}

int
main (int argc, char **argv)
{
  phases_init (&argc, &argv);
  phases_add ("phases-deadline", "connect", CONNECT, makes_sense, test_deadline);
  phases_add ("phases-deadline", "write", WRITE, makes_sense, test_deadline);
  phases_add ("phases-deadline", "read", READ, makes_sense, test_deadline);
  phases_add ("phases-deadline", "queue", QUEUE, makes_sense, test_deadline);
  phases_add ("phases-deadline", "attempt", ATTEMPT, makes_sense, test_deadline);
  phases_add ("phases-deadline", "total", TOTAL, makes_sense, test_deadline);

  return g_test_run ();
}
