/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-gate-private.h"

typedef struct
{
  ResilientGate *gate;
  ResilientSlots *a;
  ResilientSlots *b;
  GString *log;
} Fixture;

typedef struct
{
  ResilientWaiter waiter; /* first */
  Fixture *fixture;
  char name;
} Visitor;

static void
set_up (Fixture *self, gconstpointer user_data)
{
  self->gate = resilient_gate_new ();
  self->a = resilient_slots_new (self->gate, (gpointer) "a");
  self->b = resilient_slots_new (self->gate, (gpointer) "b");
  self->log = g_string_new (NULL);
}

static void
tear_down (Fixture *self, gconstpointer user_data)
{
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 0);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 0);
  resilient_slots_free (self->a);
  resilient_slots_free (self->b);
  resilient_gate_unref (self->gate);
  g_string_free (self->log, TRUE);
}

static void
admitted_cb (ResilientWaiter *waiter)
{
  Visitor *visitor = (Visitor *) waiter;

  g_assert_cmpuint (waiter->index, ==, 0);
  g_string_append_c (visitor->fixture->log, visitor->name);
}

static ResilientGateAnswer
enter (Fixture *self, ResilientSlots *slots, Visitor *visitor, char name)
{
  visitor->fixture = self;
  visitor->name = name;
  visitor->waiter.admitted = admitted_cb;

  return resilient_gate_enter (self->gate, slots, &visitor->waiter);
}

static void
leave (Visitor *visitor)
{
  resilient_gate_leave (visitor->fixture->gate, &visitor->waiter);
}

static void
assert_counts (ResilientSlots *slots, guint active, guint pending)
{
  g_assert_cmpuint (resilient_slots_get_running (slots), ==, active);
  g_assert_cmpuint (resilient_slots_get_pending (slots), ==, pending);
}

static void
leave_all (Visitor *visitors, guint n_visitors)
{
  for (guint i = 0; i < n_visitors; i++)
    leave (&visitors[i]);
}

/* Only what is free, and for which nobody waits; who is refused leaves no trace. */
static void
test_try_enter (Fixture *self, gconstpointer user_data)
{
  Visitor v[4] = { 0 };

  resilient_gate_set_limits (self->gate, 100, 2, 10);
  g_assert_cmpint (enter (self, self->a, &v[0], '0'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_true (resilient_gate_try_enter (self->gate, self->a, &v[1].waiter));
  assert_counts (self->a, 2, 0);
  g_assert_false (resilient_gate_try_enter (self->gate, self->a, &v[2].waiter));
  assert_counts (self->a, 2, 0);
  g_assert_true (resilient_gate_try_enter (self->gate, self->b, &v[2].waiter));

  /* the total is full, and one waits */
  resilient_gate_set_limits (self->gate, 3, 10, 10);
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  resilient_gate_leave (self->gate, &v[2].waiter);
  g_assert_cmpstr (self->log->str, ==, "3");
  g_assert_false (resilient_gate_try_enter (self->gate, self->b, &v[2].waiter));
  resilient_gate_leave (self->gate, &v[0].waiter);
  g_assert_true (resilient_gate_try_enter (self->gate, self->b, &v[2].waiter));
  for (guint i = 1; i < 4; i++)
    resilient_gate_leave (self->gate, &v[i].waiter);
}

static void
test_per_origin (Fixture *self, gconstpointer user_data)
{
  Visitor v[8] = { 0 };

  resilient_gate_set_limits (self->gate, 100, 2, 10);
  g_assert_cmpint (enter (self, self->a, &v[0], '0'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_cmpint (enter (self, self->a, &v[1], '1'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  assert_counts (self->a, 2, 2);

  /* One host that hangs does not stop the others. */
  g_assert_cmpint (enter (self, self->b, &v[4], '4'), ==, RESILIENT_GATE_ADMITTED);
  assert_counts (self->b, 1, 0);
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 3);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 2);

  leave (&v[4]);
  g_assert_cmpstr (self->log->str, ==, "");
  leave (&v[1]);
  g_assert_cmpstr (self->log->str, ==, "2");
  leave (&v[2]);
  g_assert_cmpstr (self->log->str, ==, "23");
  assert_counts (self->a, 2, 0);

  /* The waiter may come again. */
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  leave (&v[0]);
  leave (&v[3]);
  leave (&v[2]);
  g_assert_cmpstr (self->log->str, ==, "232");
  assert_counts (self->a, 0, 0);
}

static void
test_total (Fixture *self, gconstpointer user_data)
{
  Visitor v[6] = { 0 };

  resilient_gate_set_limits (self->gate, 3, 2, 10);
  enter (self, self->a, &v[0], '0');
  enter (self, self->a, &v[1], '1');
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->b, &v[3], '3'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_cmpint (enter (self, self->b, &v[4], '4'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->a, &v[5], '5'), ==, RESILIENT_GATE_QUEUED);

  /* A slot of b: 2 came first, but a is full. */
  leave (&v[3]);
  g_assert_cmpstr (self->log->str, ==, "4");
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "42");
  leave (&v[4]);
  g_assert_cmpstr (self->log->str, ==, "42");
  leave (&v[1]);
  g_assert_cmpstr (self->log->str, ==, "425");
  leave (&v[2]);
  leave (&v[5]);
}

/* Who must not wait has a slot beyond our limits, before all who do, and gives it back; but none
 * beyond those of the session. */
static void
test_beyond (Fixture *self, gconstpointer user_data)
{
  Visitor holder = { 0 }, waiting = { 0 }, beyond = { 0 }, refused = { 0 };

  resilient_gate_set_limits (self->gate, 1, 1, 0);
  resilient_gate_set_session_limits (self->gate, 3, 2);
  enter (self, self->a, &holder, '1');
  resilient_gate_set_limits (self->gate, 1, 1, 1);
  g_assert_cmpint (enter (self, self->a, &waiting, '2'), ==, RESILIENT_GATE_QUEUED);

  beyond.waiter.beyond = TRUE;
  g_assert_cmpint (enter (self, self->a, &beyond, '3'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 2);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 1);
  refused.waiter.beyond = TRUE;
  g_assert_cmpint (enter (self, self->a, &refused, '4'), ==, RESILIENT_GATE_OVERLOADED);

  leave (&beyond);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 1);
  leave (&holder);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 0);
  leave (&waiting);
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 0);
}

/* By priority, lower first; then who slept before; then arrival; across origins too. */
static void
test_order (Fixture *self, gconstpointer user_data)
{
  static const struct
  {
    char name;
    int priority;
    gboolean woken;
    gboolean other;
  } cases[] = {
    { 'f', 0, FALSE, FALSE },
    { 'g', 0, FALSE, TRUE },
    { 'c', 0, TRUE, FALSE },
    { 'j', 100, TRUE, TRUE },
    { 'd', 0, 2, TRUE }, /* any value but zero is true */
    { 'a', -200, FALSE, TRUE },
    { 'k', G_MAXINT, FALSE, FALSE },
    { 'b', -100, FALSE, FALSE },
    { 'h', 0, FALSE, FALSE },
    { 'e', 0, TRUE, FALSE },
    { 'i', 0, FALSE, TRUE },
    { '0', G_MININT, FALSE, TRUE },
  };
  Visitor v[G_N_ELEMENTS (cases)] = { 0 };
  Visitor first = { 0 };

  resilient_gate_set_limits (self->gate, 1, 1, 100);
  enter (self, self->a, &first, '!');

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      v[i].waiter.priority = cases[i].priority;
      v[i].waiter.woken = cases[i].woken;
      g_assert_cmpint (enter (self, cases[i].other ? self->b : self->a, &v[i], cases[i].name),
                       ==,
                       RESILIENT_GATE_QUEUED);
    }

  leave (&first);
  for (guint n = 1; n <= G_N_ELEMENTS (cases); n++)
    {
      g_assert_cmpuint (self->log->len, ==, n);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        if (v[i].name == self->log->str[n - 1])
          leave (&v[i]);
    }
  g_assert_cmpstr (self->log->str, ==, "0abcdefghijk");
}

static void
test_withdraw (Fixture *self, gconstpointer user_data)
{
  Visitor v[5] = { 0 };

  resilient_gate_set_limits (self->gate, 100, 1, 2);
  enter (self, self->a, &v[0], '0');
  enter (self, self->a, &v[1], '1');
  enter (self, self->a, &v[2], '2');
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_OVERLOADED);

  g_assert_false (resilient_gate_withdraw (self->gate, &v[0].waiter)); /* has its slot */
  g_assert_false (resilient_gate_withdraw (self->gate, &v[3].waiter)); /* was refused */
  g_assert_false (resilient_gate_withdraw (self->gate, &v[4].waiter)); /* was never here */
  g_assert_true (resilient_gate_withdraw (self->gate, &v[1].waiter));
  g_assert_false (resilient_gate_withdraw (self->gate, &v[1].waiter));
  g_assert_null (v[1].waiter.slots);
  assert_counts (self->a, 1, 1);

  /* Its place in the queue is free again. */
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  leave (&v[0]);
  leave (&v[2]);
  g_assert_cmpstr (self->log->str, ==, "23");

  /* The last one of its origin, while others wait. */
  enter (self, self->a, &v[0], '0');
  enter (self, self->b, &v[1], '1');
  enter (self, self->b, &v[2], '2');
  g_assert_true (resilient_gate_withdraw (self->gate, &v[2].waiter));
  assert_counts (self->b, 1, 0);
  leave (&v[1]);
  leave (&v[3]);
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "230");
}

static void
test_set_priority (Fixture *self, gconstpointer user_data)
{
  Visitor v[6] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 10);
  enter (self, self->a, &v[0], '0');
  enter (self, self->a, &v[1], '1');
  enter (self, self->b, &v[2], '2');
  enter (self, self->a, &v[3], '3');
  enter (self, self->b, &v[4], '4');

  resilient_gate_set_priority (self->gate, &v[4].waiter, -1);
  resilient_gate_set_priority (self->gate, &v[1].waiter, 5);
  resilient_gate_set_priority (self->gate, &v[0].waiter, 9); /* has its slot: no effect */
  resilient_gate_set_priority (self->gate, &v[5].waiter, 9); /* not here */

  for (guint i = 0; i < 4; i++)
    leave (&v["0423"[i] - '0']);
  g_assert_cmpstr (self->log->str, ==, "4231");
  leave (&v[1]);
}

/* What moves one waiter moves his origin among the others. */
static void
test_set_priority_of_origin (Fixture *self, gconstpointer user_data)
{
  ResilientSlots *c = resilient_slots_new (self->gate, NULL);
  Visitor v[4] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 10);
  enter (self, c, &v[0], '0');
  enter (self, self->a, &v[1], '1');
  enter (self, self->b, &v[2], '2');
  enter (self, self->b, &v[3], '3');

  resilient_gate_set_priority (self->gate, &v[3].waiter, -1);
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "3");

  g_assert_cmpint (enter (self, c, &v[0], '0'), ==, RESILIENT_GATE_QUEUED);
  g_assert_true (resilient_gate_withdraw (self->gate, &v[1].waiter));
  leave (&v[3]);
  leave (&v[2]);
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "320");
  resilient_slots_free (c);
}

static void
test_raise_limits (Fixture *self, gconstpointer user_data)
{
  Visitor v[200] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 1, 1000);
  for (guint i = 0; i < G_N_ELEMENTS (v); i++)
    enter (self, i % 2 == 0 ? self->a : self->b, &v[i], 'a' + i % 26);
  assert_counts (self->a, 1, 99);
  assert_counts (self->b, 0, 100);

  resilient_gate_set_limits (self->gate, 2, 1, 1000);
  g_assert_cmpstr (self->log->str, ==, "b");
  resilient_gate_set_limits (self->gate, 3, 2, 1000);
  g_assert_cmpstr (self->log->str, ==, "bc");

  resilient_slots_set_limit (self->b, 4);
  g_assert_cmpstr (self->log->str, ==, "bc");
  resilient_gate_set_limits (self->gate, 5, 2, 1000);
  g_assert_cmpstr (self->log->str, ==, "bcdf");
  assert_counts (self->a, 2, 98);
  assert_counts (self->b, 3, 97);

  /* More than are admitted in one go, in order: a first, since b is full. */
  resilient_gate_set_limits (self->gate, 6, 2, 1000);
  assert_counts (self->b, 4, 96);
  resilient_gate_set_limits (self->gate, G_MAXUINT, G_MAXUINT, 1000);
  assert_counts (self->a, 100, 0);
  assert_counts (self->b, 4, 96);
  resilient_slots_set_limit (self->b, -1);
  assert_counts (self->b, 100, 0);

  /* Lower ones stop nobody; the next ones wait. */
  resilient_gate_set_limits (self->gate, 1, 1, 1000);
  g_assert_cmpuint (resilient_gate_get_active (self->gate), ==, 200);
  leave (&v[0]);
  g_assert_cmpint (enter (self, self->a, &v[0], '!'), ==, RESILIENT_GATE_QUEUED);
  leave_all (v + 1, 198);
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, 1);
  leave (&v[199]);
  g_assert_cmpint (self->log->str[self->log->len - 1], ==, '!');
  leave (&v[0]);
}

/* Enters until somebody has to wait; returns how many ran. */
static guint
measure (Fixture *self, ResilientSlots *slots)
{
  Visitor v[200] = { 0 };
  guint n = 0;

  while (enter (self, slots, &v[n], '.') == RESILIENT_GATE_ADMITTED)
    n++;

  g_assert_true (resilient_gate_withdraw (self->gate, &v[n].waiter));
  leave_all (v, n);

  return n;
}

/* The smallest of all limits is in force. */
static void
test_limits_table (void)
{
  static const struct
  {
    guint max_concurrent, per_origin;
    int own;
    guint max_conns, max_conns_per_host;
    gboolean http2;
    guint expected;
  } cases[] = {
    { 100, 0, -1, G_MAXUINT, G_MAXUINT, FALSE, 6 },
    { 100, 0, -1, G_MAXUINT, G_MAXUINT, TRUE, 32 },
    { 100, 10, -1, G_MAXUINT, G_MAXUINT, FALSE, 10 },
    { 100, 10, -1, G_MAXUINT, G_MAXUINT, TRUE, 10 },
    { 100, 10, 3, G_MAXUINT, G_MAXUINT, FALSE, 3 },
    { 100, 10, 20, G_MAXUINT, G_MAXUINT, TRUE, 20 },
    { 100, 0, 20, G_MAXUINT, G_MAXUINT, FALSE, 20 },
    { 5, 0, 20, G_MAXUINT, G_MAXUINT, FALSE, 5 },
    { 100, 0, -1, 10, 2, FALSE, 2 },
    { 100, 0, -1, 10, 2, TRUE, 10 },
    { 100, 0, 3, 10, 2, TRUE, 3 },
    { 100, 0, -1, 50, 2, TRUE, 32 },
    { 100, 50, 40, 10, 20, FALSE, 10 },
    { 100, 50, 40, 60, 20, FALSE, 20 },
    { 100, G_MAXUINT, G_MAXINT, G_MAXUINT, G_MAXUINT, FALSE, 100 },
    /* Nothing waits for ever. */
    { 0, 0, -1, 0, 0, FALSE, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;

      g_test_message ("row %u", i);
      set_up (&fixture, NULL);
      resilient_gate_set_limits (fixture.gate, cases[i].max_concurrent, cases[i].per_origin, 10);
      resilient_gate_set_session_limits (
        fixture.gate, cases[i].max_conns, cases[i].max_conns_per_host);
      resilient_slots_set_limit (fixture.a, cases[i].own);
      if (cases[i].http2)
        resilient_slots_set_http2 (fixture.a);
      g_assert_cmpuint (measure (&fixture, fixture.a), ==, cases[i].expected);
      tear_down (&fixture, NULL);
    }
}

/* What a server can take is below all that is allowed, whatever its owner or the client say. */
static void
test_ceiling (Fixture *self, gconstpointer user_data)
{
  Visitor v[12] = { 0 };

  resilient_gate_set_limits (self->gate, 100, 10, 100);
  resilient_slots_set_ceiling (self->a, 2);
  for (guint i = 0; i < 10; i++)
    enter (self, self->a, &v[i], '0' + i);
  assert_counts (self->a, 2, 8);
  /* of one origin, not of another */
  for (guint i = 10; i < 12; i++)
    g_assert_cmpint (enter (self, self->b, &v[i], 'x'), ==, RESILIENT_GATE_ADMITTED);

  resilient_slots_set_limit (self->a, 5);
  resilient_slots_set_http2 (self->a);
  assert_counts (self->a, 2, 8);
  resilient_slots_set_ceiling (self->a, 4);
  g_assert_cmpstr (self->log->str, ==, "23");
  resilient_slots_set_ceiling (self->a, 100);
  assert_counts (self->a, 5, 5);
  /* lower than what runs: nobody is stopped, nobody comes */
  resilient_slots_set_ceiling (self->a, 1);
  for (guint i = 0; i < 4; i++)
    leave (&v[i]);
  assert_counts (self->a, 1, 5);
  resilient_slots_set_ceiling (self->a, 0);
  assert_counts (self->a, 5, 1);
  g_assert_cmpstr (self->log->str, ==, "2345678");
  leave (&v[4]);
  for (guint i = 5; i < 12; i++)
    leave (&v[i]);
}

static void
test_http2 (Fixture *self, gconstpointer user_data)
{
  Visitor v[40] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (v); i++)
    enter (self, self->a, &v[i], 'x');
  assert_counts (self->a, 6, 34);

  /* The first answer says so. */
  resilient_slots_set_http2 (self->a);
  assert_counts (self->a, 32, 8);
  resilient_slots_set_http2 (self->a);
  assert_counts (self->a, 32, 8);

  /* What one origin speaks says nothing of another. */
  g_assert_cmpuint (measure (self, self->b), ==, 6);

  leave_all (v, G_N_ELEMENTS (v));
}

static void
test_session_limits (Fixture *self, gconstpointer user_data)
{
  Visitor v[6] = { 0 };

  resilient_gate_set_session_limits (self->gate, 2, 2);
  for (guint i = 0; i < G_N_ELEMENTS (v); i++)
    enter (self, self->a, &v[i], 'x');
  assert_counts (self->a, 2, 4);
  resilient_gate_set_session_limits (self->gate, 5, 2);
  assert_counts (self->a, 2, 4);
  resilient_gate_set_session_limits (self->gate, 5, 5);
  assert_counts (self->a, 5, 1);
  leave_all (v, G_N_ELEMENTS (v));
}

static void
test_overloaded (Fixture *self, gconstpointer user_data)
{
  Visitor v[8] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 2);
  enter (self, self->a, &v[0], '0');
  v[1].waiter.woken = TRUE;
  g_assert_cmpint (enter (self, self->a, &v[1], '1'), ==, RESILIENT_GATE_QUEUED);

  /* Who slept does not take the place of a newcomer. */
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->b, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->b, &v[4], '4'), ==, RESILIENT_GATE_OVERLOADED);
  g_assert_null (v[4].waiter.slots);
  v[5].waiter.woken = TRUE;
  g_assert_cmpint (enter (self, self->b, &v[5], '5'), ==, RESILIENT_GATE_QUEUED);
  assert_counts (self->a, 1, 2);
  assert_counts (self->b, 0, 2);

  /* Nothing else was disturbed. */
  for (guint i = 0; i < 5; i++)
    leave (&v["01523"[i] - '0']);
  g_assert_cmpstr (self->log->str, ==, "1523");

  /* With no room to wait, there is still room to run. */
  resilient_gate_set_limits (self->gate, 1, 0, 0);
  g_assert_cmpint (enter (self, self->a, &v[0], '0'), ==, RESILIENT_GATE_ADMITTED);
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_OVERLOADED);

  /* And for one to wait until a request that has ended leaves. */
  resilient_gate_detach (self->gate, &v[0].waiter);
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_OVERLOADED);
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "15232");
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_OVERLOADED);
  leave (&v[2]);
}

/* A slot that comes back is of use where one is lacked. */
static void
test_leaving (Fixture *self, gconstpointer user_data)
{
  Visitor v[4] = { 0 };

  resilient_gate_set_limits (self->gate, 2, 1, 0);
  enter (self, self->a, &v[0], '0');
  enter (self, self->b, &v[1], '1');
  resilient_gate_detach (self->gate, &v[0].waiter);
  g_assert_cmpint (enter (self, self->b, &v[2], '2'), ==, RESILIENT_GATE_OVERLOADED);
  g_assert_cmpint (enter (self, self->a, &v[2], '2'), ==, RESILIENT_GATE_QUEUED);
  leave (&v[0]);
  leave (&v[1]);
  leave (&v[2]);

  /* Here it is the client's limit. */
  resilient_gate_set_limits (self->gate, 1, 0, 0);
  enter (self, self->a, &v[0], '0');
  resilient_gate_detach (self->gate, &v[0].waiter);
  g_assert_cmpint (enter (self, self->b, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  leave (&v[0]);
  leave (&v[3]);
  g_assert_cmpstr (self->log->str, ==, "23");
}

static void
leave_at_once_cb (ResilientWaiter *waiter)
{
  Visitor *visitor = (Visitor *) waiter;
  Fixture *self = visitor->fixture;

  g_string_append_c (self->log, visitor->name);
  resilient_gate_leave (self->gate, waiter);
  g_free (visitor);
}

/* A hundred thousand wait, and each one that is admitted leaves, and is freed, inside its callback:
 * no deep stack, no search through the others. */
static void
test_many (Fixture *self, gconstpointer user_data)
{
  const guint n = 100000;
  Visitor first = { 0 };
  ResilientSlots *slots[64];

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    slots[i] = resilient_slots_new (self->gate, NULL);

  resilient_gate_set_limits (self->gate, 1, 0, n);
  enter (self, self->a, &first, '!');
  for (guint i = 0; i < n; i++)
    {
      Visitor *visitor = g_new0 (Visitor, 1);

      visitor->fixture = self;
      visitor->name = 'a' + i % 26;
      visitor->waiter.admitted = leave_at_once_cb;
      g_assert_cmpint (
        resilient_gate_enter (self->gate, slots[i % G_N_ELEMENTS (slots)], &visitor->waiter),
        ==,
        RESILIENT_GATE_QUEUED);
    }
  g_assert_cmpuint (resilient_gate_get_pending (self->gate), ==, n);

  leave (&first);
  g_assert_cmpuint (self->log->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (self->log->str[i], ==, 'a' + i % 26);

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    resilient_slots_free (slots[i]);
}

static Visitor *reenter_other;

static void
reenter_cb (ResilientWaiter *waiter)
{
  Visitor *visitor = (Visitor *) waiter;
  Fixture *self = visitor->fixture;

  g_string_append_c (self->log, visitor->name);
  if (reenter_other != NULL)
    {
      Visitor *other = g_steal_pointer (&reenter_other);

      /* It leaves, and comes back, while another waits: the other one goes first. */
      resilient_gate_leave (self->gate, waiter);
      g_assert_cmpint (enter (self, self->a, visitor, visitor->name), ==, RESILIENT_GATE_QUEUED);
      resilient_gate_set_priority (self->gate, &other->waiter, -1);
    }
}

static void
test_reenter (Fixture *self, gconstpointer user_data)
{
  Visitor v[3] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 10);
  enter (self, self->a, &v[0], '0');
  enter (self, self->a, &v[1], '1');
  v[1].waiter.admitted = reenter_cb;
  enter (self, self->b, &v[2], '2');
  reenter_other = &v[2];
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "12");
  leave (&v[2]);
  g_assert_cmpstr (self->log->str, ==, "121");
  leave (&v[1]);
}

static void
log_change_cb (gpointer owner, gpointer data)
{
  Fixture *self = data;

  g_string_append (self->log, owner);

  /* Under no lock. */
  resilient_gate_get_active (self->gate);
}

static void
test_changed (Fixture *self, gconstpointer user_data)
{
  Visitor v[3] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 1);
  resilient_gate_set_changed_func (self->gate, log_change_cb, self, NULL);

  enter (self, self->a, &v[0], '0');
  g_assert_cmpstr (self->log->str, ==, "a");
  enter (self, self->b, &v[1], '1');
  g_assert_cmpstr (self->log->str, ==, "ab");
  enter (self, self->a, &v[2], '2'); /* refused: nothing changed */
  g_assert_cmpstr (self->log->str, ==, "ab");

  /* Told before it is admitted, after which it may be gone. */
  g_string_truncate (self->log, 0);
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "b1a");
  resilient_gate_detach (self->gate, &v[1].waiter);
  leave (&v[1]);
  g_assert_cmpstr (self->log->str, ==, "b1abb");

  g_string_truncate (self->log, 0);
  resilient_gate_set_changed_func (self->gate, NULL, NULL, NULL);
  enter (self, self->a, &v[0], '0');
  leave (&v[0]);
  g_assert_cmpstr (self->log->str, ==, "");
}

static void
assert_changes (ResilientSlots *slots, gboolean running, gboolean pending)
{
  gboolean running_changed, pending_changed;

  resilient_slots_take_changes (slots, &running_changed, &pending_changed);
  g_assert_cmpint (running_changed, ==, running);
  g_assert_cmpint (pending_changed, ==, pending);
}

static void
test_changes (Fixture *self, gconstpointer user_data)
{
  Visitor v[2] = { 0 };

  resilient_gate_set_limits (self->gate, 1, 0, 1);
  assert_changes (self->a, FALSE, FALSE);
  enter (self, self->a, &v[0], '0');
  assert_changes (self->a, TRUE, FALSE);
  assert_changes (self->a, FALSE, FALSE);
  enter (self, self->a, &v[1], '1');
  assert_changes (self->a, FALSE, TRUE);
  assert_changes (self->b, FALSE, FALSE);
  leave (&v[0]);
  assert_changes (self->a, TRUE, TRUE);
  leave (&v[1]);
}

static void
count_idle_cb (gpointer data)
{
  Fixture *self = data;

  g_string_append_c (self->log, '.');

  /* Under no lock. */
  resilient_gate_get_active (self->gate);
}

/* Of those that are kept, more than one idle is too many; longest idle first. */
static void
test_idle (Fixture *self, gconstpointer user_data)
{
  Visitor visitor = { 0 };

  resilient_gate_set_idle_func (self->gate, 1, count_idle_cb, self);
  g_assert_null (resilient_gate_rotate_idle (self->gate));

  resilient_slots_set_kept (self->a, TRUE);
  enter (self, self->a, &visitor, '0');
  leave (&visitor);
  g_assert_cmpstr (self->log->str, ==, "");
  g_assert_null (resilient_gate_rotate_idle (self->gate));

  resilient_slots_set_kept (self->b, TRUE);
  enter (self, self->a, &visitor, '0');
  g_assert_null (resilient_gate_rotate_idle (self->gate));
  leave (&visitor);
  g_assert_cmpstr (self->log->str, ==, ".");
  g_assert_cmpstr (resilient_gate_rotate_idle (self->gate), ==, "b");
  g_assert_cmpstr (resilient_gate_rotate_idle (self->gate), ==, "a");

  resilient_slots_set_kept (self->b, FALSE);
  g_assert_null (resilient_gate_rotate_idle (self->gate));
}

/* Who has slots may go on using them. */
static void
test_refs (void)
{
  ResilientGate *gate = resilient_gate_new ();
  ResilientSlots *slots = resilient_slots_new (gate, NULL);

  g_assert_true (resilient_gate_ref (gate) == gate);
  resilient_gate_unref (gate);
  resilient_gate_unref (gate);

  g_assert_true (resilient_slots_set_limit (slots, 5));
  g_assert_false (resilient_slots_set_limit (slots, 5));
  g_assert_cmpint (resilient_slots_get_limit (slots), ==, 5);
  assert_counts (slots, 0, 0);
  resilient_slots_free (slots);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define N_THREADS 8
#define N_ROUNDS 3000

typedef struct
{
  ResilientWaiter waiter; /* first */
  Fixture *fixture;
  GMutex lock;
  GCond cond;
  gboolean admitted; /* under lock */
} Caller;

static gint n_inside[2], n_most[2], n_run;

static void
caller_admitted_cb (ResilientWaiter *waiter)
{
  Caller *caller = (Caller *) waiter;

  g_mutex_lock (&caller->lock);
  caller->admitted = TRUE;
  g_cond_signal (&caller->cond);
  g_mutex_unlock (&caller->lock);
}

static void
visit (guint which)
{
  gint inside = g_atomic_int_add (&n_inside[which], 1) + 1;
  gint most = g_atomic_int_get (&n_most[which]);

  while (inside > most && !g_atomic_int_compare_and_exchange (&n_most[which], most, inside))
    most = g_atomic_int_get (&n_most[which]);

  g_atomic_int_inc (&n_run);
  if (g_atomic_int_get (&n_run) % 16 == 0)
    g_thread_yield ();
  g_atomic_int_add (&n_inside[which], -1);
}

static gpointer
caller_cb (gpointer user_data)
{
  Fixture *self = user_data;
  g_autoptr (GRand) rand = g_rand_new ();

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint which = g_rand_int_range (rand, 0, 2);
      /* Each on its own, so that a late callback would be seen by a memory checker. */
      Caller *caller = g_new0 (Caller, 1);
      gboolean inside = TRUE;

      g_mutex_init (&caller->lock);
      g_cond_init (&caller->cond);
      caller->waiter.priority = g_rand_int_range (rand, 0, 3);
      caller->waiter.woken = g_rand_boolean (rand);
      caller->waiter.admitted = caller_admitted_cb;

      switch (resilient_gate_enter (self->gate, which == 0 ? self->a : self->b, &caller->waiter))
        {
        case RESILIENT_GATE_QUEUED:
          if (g_rand_int_range (rand, 0, 4) == 0)
            resilient_gate_set_priority (self->gate, &caller->waiter, -1);
          if (g_rand_int_range (rand, 0, 4) == 0
              && resilient_gate_withdraw (self->gate, &caller->waiter))
            {
              inside = FALSE;
              break;
            }
          g_mutex_lock (&caller->lock);
          while (!caller->admitted)
            g_cond_wait (&caller->cond, &caller->lock);
          g_mutex_unlock (&caller->lock);
          break;

        case RESILIENT_GATE_OVERLOADED:
          inside = FALSE;
          break;

        case RESILIENT_GATE_ADMITTED:
          break;
        }

      if (inside)
        {
          visit (which);
          resilient_gate_leave (self->gate, &caller->waiter);
        }

      g_mutex_clear (&caller->lock);
      g_cond_clear (&caller->cond);
      g_free (caller);
    }

  return NULL;
}

static void
test_threads (Fixture *self, gconstpointer user_data)
{
  GThread *threads[N_THREADS];

  resilient_gate_set_limits (self->gate, 3, 2, 3);

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", caller_cb, self);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (n_run, >, 0);
  g_assert_cmpint (n_most[0], <=, 2);
  g_assert_cmpint (n_most[1], <=, 2);
  assert_counts (self->a, 0, 0);
  assert_counts (self->b, 0, 0);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

static ResilientGateAnswer
hold (Fixture *self, ResilientSlots *slots, Visitor *visitor, char name)
{
  visitor->fixture = self;
  visitor->name = name;
  visitor->waiter.admitted = admitted_cb;

  return resilient_gate_hold (self->gate, slots, &visitor->waiter);
}

/* Whom a guard holds back waits without being in the way of the others, and keeps the place of its
 * arrival. */
static void
test_hold (Fixture *self, gconstpointer user_data)
{
  Visitor v[6] = { 0 };

  resilient_gate_set_limits (self->gate, 100, 1, 3);
  enter (self, self->a, &v[0], '0');
  g_assert_cmpint (hold (self, self->a, &v[1], '1'), ==, RESILIENT_GATE_QUEUED);
  enter (self, self->a, &v[2], '2');
  assert_counts (self->a, 1, 2);

  /* its slot goes to who waits for it */
  g_assert_cmpint (hold (self, self->a, &v[0], '0'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpstr (self->log->str, ==, "2");
  assert_counts (self->a, 1, 2);

  /* they count as waiting, but who was let in once is not refused */
  g_assert_cmpint (enter (self, self->a, &v[3], '3'), ==, RESILIENT_GATE_QUEUED);
  g_assert_cmpint (enter (self, self->a, &v[4], '4'), ==, RESILIENT_GATE_OVERLOADED);
  g_assert_cmpint (hold (self, self->b, &v[4], '4'), ==, RESILIENT_GATE_OVERLOADED);
  v[5].waiter.woken = TRUE;
  g_assert_cmpint (hold (self, self->b, &v[5], '5'), ==, RESILIENT_GATE_QUEUED);
  assert_counts (self->b, 0, 1);

  g_assert_cmpint (enter (self, self->a, &v[1], '1'), ==, RESILIENT_GATE_QUEUED);
  assert_counts (self->a, 1, 3);
  leave (&v[2]);
  g_assert_cmpstr (self->log->str, ==, "21");
  leave (&v[1]);
  g_assert_cmpstr (self->log->str, ==, "213");
  g_assert_true (resilient_gate_withdraw (self->gate, &v[0].waiter));
  g_assert_false (resilient_gate_withdraw (self->gate, &v[0].waiter));
  g_assert_cmpint (enter (self, self->b, &v[5], '5'), ==, RESILIENT_GATE_ADMITTED);
  leave (&v[5]);
  leave (&v[3]);
  assert_counts (self->a, 0, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  ADD ("/gate/per-origin", test_per_origin);
  ADD ("/gate/try-enter", test_try_enter);
  ADD ("/gate/total", test_total);
  ADD ("/gate/order", test_order);
  ADD ("/gate/withdraw", test_withdraw);
  ADD ("/gate/beyond", test_beyond);
  ADD ("/gate/set-priority", test_set_priority);
  ADD ("/gate/set-priority-of-origin", test_set_priority_of_origin);
  ADD ("/gate/raise-limits", test_raise_limits);
  g_test_add_func ("/gate/limits-table", test_limits_table);
  ADD ("/gate/ceiling", test_ceiling);
  ADD ("/gate/http2", test_http2);
  ADD ("/gate/session-limits", test_session_limits);
  ADD ("/gate/overloaded", test_overloaded);
  ADD ("/gate/leaving", test_leaving);
  ADD ("/gate/hold", test_hold);
  ADD ("/gate/many", test_many);
  ADD ("/gate/reenter", test_reenter);
  ADD ("/gate/changed", test_changed);
  ADD ("/gate/changes", test_changes);
  ADD ("/gate/idle", test_idle);
  g_test_add_func ("/gate/refs", test_refs);
  ADD ("/gate/threads", test_threads);

  return g_test_run ();
}
