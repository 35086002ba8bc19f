/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "engine-fixture.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-builder.h"

/* What hedges are for: a server of which few answers take many times as long as the others. In
 * virtual time, over scripted attempts. */

#define N_REQUESTS 20000
#define MEDIAN 0.05        /* seconds */
#define SLOW (20 * MEDIAN) /* one answer of each hundred */
#define INTERVAL 0.05      /* between two requests */
#define DELAY (2 * MEDIAN) /* of a hedge */

static ResilientRetryPolicy *
make_policy (double hedge_delay)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  ResilientRetryPolicy *policy;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_hedge_delay (builder, hedge_delay);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  return policy;
}

/* In each hundred answers one is slow, at a place drawn anew. */
static GArray *
draw_answers (gboolean all_slow)
{
  GArray *steps = g_array_new (FALSE, FALSE, sizeof (Step));

  for (guint i = 0; i < 2 * N_REQUESTS / 100; i++)
    {
      guint slow = (guint) resilient_random_range (0, 100);

      for (guint j = 0; j < 100; j++)
        {
          Step step = STEP_OK;

          step.takes =
            j == slow || all_slow ? SLOW : resilient_random_range (0.6 * MEDIAN, 1.4 * MEDIAN);
          g_array_append_val (steps, step);
        }
    }
  return steps;
}

/* In place of those before. */
static void
script_answers (Fixture *f, GArray *steps)
{
  resilient_test_stub_clear_steps (f->stub);
  for (guint i = 0; i < steps->len; i++)
    add_step (f->stub, g_array_index (steps, Step, i));
}

static ResilientCall *
start_with (Fixture *f, ResilientRetryPolicy *policy)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/", NULL);

  resilient_frozen_request_set_retry_policy (frozen, policy);
  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  double first = *(const double *) a;
  double second = *(const double *) b;

  return first < second ? -1 : first > second;
}

typedef struct
{
  double median, p99; /* seconds */
  double extra;       /* part of the requests */
} Figures;

static Figures
run (Fixture *f, double hedge_delay, guint n_requests, double interval)
{
  g_autoptr (ResilientRetryPolicy) policy = make_policy (hedge_delay);
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  guint n_before = resilient_test_stub_get_started (f->stub);
  Figures figures;

  for (guint i = 0; i < n_requests; i++)
    {
      g_ptr_array_add (calls, start_with (f, policy));
      test_clock_run (interval);
    }
  test_clock_run (1000 * SLOW);

  for (guint i = 0; i < calls->len; i++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[i]);
      double time;

      g_assert_true (resilient_result_is_success (result));
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
      time = resilient_result_get_total_time (result);
      g_array_append_val (times, time);
    }
  g_array_sort (times, compare_times);
  figures.median = g_array_index (times, double, n_requests / 2);
  figures.p99 = g_array_index (times, double, n_requests * 99 / 100);
  figures.extra = (double) (resilient_test_stub_get_started (f->stub) - n_before) / n_requests - 1;
  clear_events (f);
  return figures;
}

/* The answers that take longest are those that a hedge overtakes. */
static void
test_tail (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) steps = draw_answers (FALSE);
  Figures without, with;

  script_answers (f, steps);
  without = run (f, 0, N_REQUESTS, INTERVAL);
  script_answers (f, steps);
  with = run (f, DELAY, N_REQUESTS, INTERVAL);

  g_test_message ("without hedges: median %.3f s, p99 %.3f s", without.median, without.p99);
  g_test_message ("with hedges: median %.3f s, p99 %.3f s, extra load %.2f %%",
                  with.median,
                  with.p99,
                  100 * with.extra);
  g_assert_cmpfloat (without.extra, ==, 0);
  g_assert_cmpfloat (without.p99, >=, SLOW - 1e-6);
  g_assert_cmpfloat (with.p99, <=, 0.5 * without.p99);
  g_assert_cmpfloat (with.extra, >, 0);
  g_assert_cmpfloat (with.extra, <=, 0.05);
}

/* The same with the delay that the answers give. */
static void
test_automatic (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) steps = draw_answers (FALSE);
  Figures without, with;

  script_answers (f, steps);
  without = run (f, 0, N_REQUESTS, INTERVAL);
  script_answers (f, steps);
  with = run (f, -1, N_REQUESTS, INTERVAL);

  g_test_message ("automatic: median %.3f s, p99 %.3f s, extra load %.2f %%",
                  with.median,
                  with.p99,
                  100 * with.extra);
  g_assert_cmpfloat (with.p99, <=, 0.5 * without.p99);
  g_assert_cmpfloat (with.extra, >, 0.02);
  g_assert_cmpfloat (with.extra, <=, 0.05 + 1e-9);
}

/* When all of them are slow a hedge helps nobody, and it stays at what pays for them. */
static void
test_all_slow (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) steps = draw_answers (TRUE);
  Figures figures;

  script_answers (f, steps);
  figures = run (f, DELAY, 2000, SLOW / 2);
  g_test_message (
    "all slow: median %.3f s, extra load %.2f %%", figures.median, 100 * figures.extra);
  g_assert_cmpfloat (figures.extra, >, 0.04);
  g_assert_cmpfloat (figures.extra, <=, 0.05 + 1e-9);
}

/* A burst that fills all slots is not hedged, however long it takes: hedges would keep others
 * waiting. */
static void
test_no_slot (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) steps = draw_answers (TRUE);
  Figures figures;

  script_answers (f, steps);
  figures = run (f, DELAY, 1000, 0.001);
  g_test_message ("no slot: extra load %.2f %%", 100 * figures.extra);
  g_assert_cmpfloat (figures.extra, <=, 0.01);
}

/* A body that can be read again goes along with a hedge; one that can't is sent once. */
static void
test_bodies (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = make_policy (DELAY);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("body", 4);
  Step slow = STEP_OK;

  add_step (f->stub, (Step) STEP_OK);
  for (guint i = 0; i < 60; i++)
    g_object_unref (start_with (f, policy));
  test_clock_run (1);
  slow.takes = 10 * DELAY;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("PUT", "http://localhost/", NULL);
      g_autoptr (ResilientCall) call = NULL;

      resilient_test_stub_clear (f->stub);
      add_step (f->stub, slow);
      resilient_frozen_request_set_retry_policy (frozen, policy);
      if (i == 0)
        {
          resilient_frozen_request_take_body (frozen,
                                              resilient_body_new_bytes ("text/plain", bytes));
        }
      else
        {
          g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);

          resilient_frozen_request_take_body (frozen,
                                              resilient_body_new_stream ("text/plain", stream, 4));
        }
      call =
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
      test_clock_run (20 * DELAY);
      g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, i == 0 ? 2 : 1);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
    }
  clear_events (f);
}

/* What one of two was told by the server holds for the next attempt, though the other one failed
 * last, and otherwise. */
static void
test_retry_after (Fixture *f, gconstpointer data)
{
  const guint16 statuses[] = { 503 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;
  Step busy = { .status = 503, .retry_after = 10, .takes = 3 * DELAY };
  Step refused = STEP_REFUSED;
  Step ok = STEP_OK;

  resilient_retry_policy_builder_set_hedge_delay (builder, DELAY);
  resilient_retry_policy_builder_set_retry_on (
    builder, RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  resilient_retry_policy_builder_set_respect_retry_after (builder, TRUE);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  g_assert_nonnull (policy);
  /* they pay for the hedge */
  add_step (f->stub, ok);
  for (guint i = 0; i < 20; i++)
    g_object_unref (start_with (f, policy));
  test_clock_run (1);
  resilient_test_stub_clear (f->stub);

  refused.takes = 5 * DELAY;
  add_step (f->stub, busy);
  add_step (f->stub, refused);
  add_step (f->stub, ok);
  call = start_with (f, policy);
  test_clock_run (10);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  /* up to a tenth later */
  test_clock_run (1.5);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  result = resilient_call_get_result (call);
  g_assert_true (resilient_result_is_success (result));
  clear_events (f);
}

static int n_hedges_told;

/* Each hedge is told to who debugs. */
static void
test_told (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) steps = draw_answers (TRUE);
  int n_before = n_hedges_told;

  script_answers (f, steps);
  run (f, DELAY, 200, SLOW / 2);
  g_assert_cmpint (
    n_hedges_told - n_before, ==, (int) resilient_test_stub_get_started (f->stub) - 200);
  g_assert_cmpint (n_hedges_told, >, n_before);
}

int
main (int argc, char *argv[])
{
  test_count_lines ("is hedged", &n_hedges_told);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/hedging/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("tail", test_tail);
  ADD ("automatic", test_automatic);
  ADD ("all-slow", test_all_slow);
  ADD ("no-slot", test_no_slot);
  ADD ("bodies", test_bodies);
  ADD ("retry-after", test_retry_after);
  ADD ("told", test_told);

  return g_test_run ();
}
