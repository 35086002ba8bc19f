/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>
#include <resilient.h>
#include <time.h>

#include "engine-fixture.h"
#include "resilient-random-private.h"

/* A server that is down for a day, and a thousand requests that wait for it, in virtual time. */

#define OUTAGE (24 * 3600)
#define BASE 0.5
#define CAP 300
/* Seconds that a day may take: of the processor, as nobody knows what else keeps it busy, and at
 * best: what shares the processor can only slow it down. Half a million attempts take some 3 s;
 * what is not linear in them takes minutes. */
#define BAR 8.0
#define TRIES 4

/* A few are enough where each instruction is checked. */
static guint n_requests = 1000;
static double least_cpu = G_MAXDOUBLE;

typedef struct
{
  double mean, deviation;
} Model;

/* How many attempts the requests make until they succeed, with full jitter: the n-th sleep is
 * uniform in (0, b), b = min (CAP, BASE · 2^(n − 1)), and ends at the next tick, so it takes 1, 2,
 * … or b ticks, each as likely as the others: (b + 1) / 2 in the mean, with a variance of (b² − 1)
 * / 12.
 *
 * The R sleeps with bounds below the cap are a ramp; what follows is a renewal process of sleeps
 * with the bound CAP, of mean μ and variance σ². In t ticks it has
 *
 *   t / μ + (σ² + μ + μ²) / (2 μ²) − 1
 *
 * renewals in the mean (Feller, An Introduction to Probability Theory I, XIII.12), with a variance
 * of t σ² / μ³, to which the ramp adds that of its length over μ². So a request makes one attempt
 * at once, R after the sleeps of the ramp, as many as there are renewals in the rest of the outage,
 * and the one that succeeds.
 *
 * The sum over all requests is normal; one seed in 1.7 million leaves five deviations. */
static Model
predict (void)
{
  double mean = (CAP + 1) / 2.0, variance = (CAP * CAP - 1) / 12.0;
  double ramp = 0, ramp_mean = 0, ramp_variance = 0, left;

  for (double bound = BASE; bound < CAP; bound *= 2, ramp++)
    {
      ramp_mean += (MAX (bound, 1) + 1) / 2;
      ramp_variance += (MAX (bound * bound, 1) - 1) / 12;
    }
  left = OUTAGE - ramp_mean;
  return (Model){
    .mean =
      n_requests
      * (1 + ramp + left / mean + (variance + mean + mean * mean) / (2 * mean * mean) - 1 + 1),
    .deviation =
      sqrt (n_requests * (left * variance / (mean * mean * mean) + ramp_variance / (mean * mean))),
  };
}

/* Timers are looked at once in a second. Going from one to the next would show the same, but take
 * a turn of the main loop for each. */
static void
tick (guint n)
{
  test_run_pending ();
  for (; n > 0; n--)
    {
      test_clock_pass (1);
      test_run_pending ();
    }
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (RESILIENT_CALL (source), result, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (resilient_response_get_status_code (response), ==, 200);
  ++*(guint *) user_data;
}

static void
test_day (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  Model model = predict ();
  guint n_answers = 0, n_down;
  gint64 began = g_get_monotonic_time ();
  double cpu = clock () / (double) CLOCKS_PER_SEC;

  resilient_retry_policy_builder_set_max_retries (builder, -1);
  resilient_retry_policy_builder_set_max_delay (builder, CAP);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  g_assert_cmpfloat (resilient_retry_policy_get_base_delay (policy), ==, BASE);
  fixture_set_policy (f, policy);
  add_step (f->stub, (Step) STEP_REFUSED);
  /* Half a million attempts are not for keeping. */
  resilient_test_stub_set_keeps_attempts (f->stub, FALSE);
  resilient_subscription_close (f->events);
  resilient_random_seed (1);

  for (guint i = 0; i < n_requests; i++)
    {
      g_autoptr (ResilientCall) call = start (f);

      resilient_call_wait_async (call, NULL, answered_cb, &n_answers);
    }
  tick (OUTAGE);
  n_down = resilient_test_stub_get_started (f->stub);
  g_assert_cmpuint (n_answers, ==, 0);

  /* It is back: all succeed within a cap, and not all at once. */
  add_step (f->stub, (Step) STEP_OK);
  tick (CAP / 2);
  g_assert_cmpuint (n_answers, >, n_requests / 2);
  g_assert_cmpuint (n_answers, <, n_requests);
  tick (CAP / 2);
  cpu = clock () / (double) CLOCKS_PER_SEC - cpu;
  g_assert_cmpuint (n_answers, ==, n_requests);

  g_test_message ("%u attempts while it was down and %u after; expected %.0f ± %.0f in all",
                  n_down,
                  resilient_test_stub_get_started (f->stub) - n_down,
                  model.mean,
                  model.deviation);
  g_test_message ("a day took %.2f s, %.2f s of the processor",
                  (g_get_monotonic_time () - began) / (double) G_USEC_PER_SEC,
                  cpu);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub) - n_down, ==, n_requests);
  g_assert_cmpfloat (
    fabs (resilient_test_stub_get_started (f->stub) - model.mean), <, 5 * model.deviation);

  stats = resilient_recorder_get_stats (resilient_engine_get_recorder (f->engine));
  g_assert_cmpuint (
    resilient_stats_get_attempts (stats), ==, resilient_test_stub_get_started (f->stub));
  g_assert_cmpuint (resilient_stats_get_retries (stats),
                    ==,
                    resilient_test_stub_get_started (f->stub) - n_requests);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, n_requests);

  resilient_random_unseed ();
  least_cpu = MIN (least_cpu, cpu);
}

static void
test_day_again (Fixture *f, gconstpointer data)
{
  if (least_cpu >= BAR)
    test_day (f, data);
}

static void
test_speed (void)
{
  g_assert_cmpfloat (least_cpu, <, BAR);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  if (test_is_quick ())
    n_requests = 20;

  g_test_add ("/outage/day", Fixture, NULL, fixture_set_up, test_day, fixture_tear_down);
#ifdef __OPTIMIZE__
  if (!test_is_quick ())
    {
      for (guint i = 1; i < TRIES; i++)
        {
          g_autofree char *name = g_strdup_printf ("/outage/day-again-%u", i);

          g_test_add (name, Fixture, NULL, fixture_set_up, test_day_again, fixture_tear_down);
        }
      g_test_add_func ("/outage/speed", test_speed);
    }
#endif

  return g_test_run ();
}
