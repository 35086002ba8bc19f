/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-exchange-private.h"

/* Who leads an attempt, who shares it, and who is told of its end. The calls are any objects. */

#define N_THREADS 8
#define N_ROUNDS 2000

static ResilientParty
party_new (void)
{
  GObject *call = g_object_new (G_TYPE_OBJECT, NULL);

  return (ResilientParty){ .call = call, .machine = call };
}

static ResilientExchange *
enter (ResilientExchangeTable *table, const char *key, ResilientParty *party, gboolean expect_leads)
{
  gboolean leads;
  ResilientExchange *exchange =
    resilient_exchange_table_enter (table, g_strdup (key), party, &leads);

  g_assert_cmpint (leads, ==, expect_leads);
  return exchange;
}

static void
test_outcome (void)
{
  ResilientExchangeTable *table = resilient_exchange_table_new ();
  ResilientParty a = party_new (), b = party_new (), c = party_new ();
  ResilientExchange *first = enter (table, "x", &a, TRUE);
  ResilientExchange *other = enter (table, "y", &c, TRUE);
  ResilientExchange *shared = enter (table, "x", &b, FALSE);
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "broken");
  ResilientOutcome outcome = {
    .failure = RESILIENT_FAILURE_DISCONNECT,
    .error = error,
    .sends = 3,
  };
  const ResilientOutcome *seen;
  g_autoptr (GArray) told = NULL;
  g_autoptr (GArray) nobody = NULL;

  g_assert_true (first == shared && first != other);
  g_assert_true (resilient_exchange_is_shared (first));
  g_assert_false (resilient_exchange_is_shared (other));
  g_assert_cmpint (resilient_exchange_get_state (shared, &seen), ==, RESILIENT_EXCHANGE_WAITING);
  g_assert_null (seen);
  told = resilient_exchange_begin (first);
  g_assert_cmpuint (told->len, ==, 1);
  g_assert_true (g_array_index (told, ResilientParty, 0).machine == b.machine);
  g_clear_pointer (&told, g_array_unref);
  g_assert_cmpint (resilient_exchange_get_state (shared, &seen), ==, RESILIENT_EXCHANGE_BEGUN);
  g_assert_true (resilient_exchange_is_shared (first));

  /* nobody comes to an answer that has begun */
  resilient_exchange_close (first);
  {
    ResilientExchange *late = enter (table, "x", &c, TRUE);

    g_assert_true (late != first);
    nobody = resilient_exchange_finish (late, NULL);
    g_assert_cmpuint (nobody->len, ==, 0);
    g_assert_cmpint (resilient_exchange_get_state (late, &seen), ==, RESILIENT_EXCHANGE_VOID);
    g_assert_null (seen);
    resilient_exchange_unref (late);
  }

  told = resilient_exchange_finish (first, &outcome);
  g_assert_cmpuint (told->len, ==, 1);
  g_assert_true (g_array_index (told, ResilientParty, 0).machine == b.machine);
  g_assert_cmpint (resilient_exchange_get_state (shared, &seen), ==, RESILIENT_EXCHANGE_ENDED);
  g_assert_cmpuint (seen->failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_error (seen->error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  g_assert_true (seen->error != error);
  g_assert_cmpuint (seen->sends, ==, 0);
  resilient_exchange_unref (first);
  resilient_exchange_unref (shared);

  g_array_unref (resilient_exchange_finish (other, NULL));
  resilient_exchange_unref (other);
  g_clear_pointer (&told, g_array_unref);
  resilient_exchange_table_free (table);
  g_assert_finalize_object (a.call);
  g_assert_finalize_object (b.call);
  g_assert_finalize_object (c.call);
}

/* The leader hears of it when it has left, and the last of the others does. */
static void
test_desert (void)
{
  ResilientExchangeTable *table = resilient_exchange_table_new ();
  ResilientParty a = party_new (), b = party_new (), c = party_new (), leader;
  ResilientExchange *exchange = enter (table, "x", &a, TRUE);

  resilient_exchange_unref (enter (table, "x", &b, FALSE));
  g_assert_false (resilient_exchange_leave (exchange, &b, &leader));
  g_assert_false (resilient_exchange_is_shared (exchange));
  resilient_exchange_unref (enter (table, "x", &b, FALSE));
  g_assert_true (resilient_exchange_desert (exchange));
  /* it is open still */
  resilient_exchange_unref (enter (table, "x", &c, FALSE));
  g_assert_false (resilient_exchange_leave (exchange, &b, &leader));
  g_assert_true (resilient_exchange_leave (exchange, &c, &leader));
  g_assert_true (leader.machine == a.machine);
  g_object_unref (leader.call);
  /* who comes before the leader has heard keeps it */
  resilient_exchange_unref (enter (table, "x", &b, FALSE));
  g_assert_true (resilient_exchange_desert (exchange));
  g_assert_true (resilient_exchange_leave (exchange, &b, &leader));
  g_object_unref (leader.call);
  g_assert_false (resilient_exchange_desert (exchange));
  {
    ResilientExchange *next = enter (table, "x", &b, TRUE);

    g_array_unref (resilient_exchange_finish (next, NULL));
    resilient_exchange_unref (next);
  }

  g_array_unref (resilient_exchange_finish (exchange, NULL));
  g_assert_false (resilient_exchange_leave (exchange, &c, &leader));
  resilient_exchange_unref (exchange);
  resilient_exchange_table_free (table);
  g_assert_finalize_object (a.call);
  g_assert_finalize_object (b.call);
  g_assert_finalize_object (c.call);
}

typedef struct
{
  ResilientExchangeTable *table;
  int n_led, n_shared, n_told; /* atomic */
} Crowd;

/* Enters, and ends what it leads, or leaves what it shares: each other time before the end. */
static gpointer
crowd_thread (gpointer data)
{
  Crowd *crowd = data;
  ResilientParty me = party_new ();

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      gboolean leads;
      g_autoptr (ResilientExchange) exchange =
        resilient_exchange_table_enter (crowd->table, g_strdup ("x"), &me, &leads);
      const ResilientOutcome *outcome;
      ResilientParty leader;

      if (leads)
        {
          ResilientOutcome good = { .status_code = 200 };
          g_autoptr (GArray) told = NULL;

          if (i % 3 == 0)
            resilient_exchange_desert (exchange);
          told = resilient_exchange_finish (exchange, &good);
          g_atomic_int_inc (&crowd->n_led);
          g_atomic_int_add (&crowd->n_told, (int) told->len);
        }
      else
        {
          g_atomic_int_inc (&crowd->n_shared);
          if (resilient_exchange_leave (exchange, &me, &leader))
            g_object_unref (leader.call);
          if (resilient_exchange_get_state (exchange, &outcome) == RESILIENT_EXCHANGE_ENDED)
            g_assert_cmpuint (outcome->status_code, ==, 200);
        }
    }

  g_object_unref (me.call);
  return NULL;
}

static void
test_threads (void)
{
  Crowd crowd = { resilient_exchange_table_new (), 0, 0, 0 };
  GThread *threads[N_THREADS];
  ResilientExchange *last;
  ResilientParty me = party_new ();

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("crowd", crowd_thread, &crowd);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_test_message ("%d led, %d shared, %d told", crowd.n_led, crowd.n_shared, crowd.n_told);
  g_assert_cmpint (crowd.n_led + crowd.n_shared, ==, N_THREADS * N_ROUNDS);
  g_assert_cmpint (crowd.n_told, <=, crowd.n_shared);

  /* none was left open */
  last = enter (crowd.table, "x", &me, TRUE);
  g_array_unref (resilient_exchange_finish (last, NULL));
  resilient_exchange_unref (last);
  resilient_exchange_table_free (crowd.table);
  g_object_unref (me.call);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/exchange/outcome", test_outcome);
  g_test_add_func ("/exchange/desert", test_desert);
  g_test_add_func ("/exchange/threads", test_threads);

  return g_test_run ();
}
