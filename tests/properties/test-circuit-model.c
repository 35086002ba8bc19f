/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <resilient.h>

#include "resilient-circuit-breaker-private.h"
#include "resilient-random-private.h"
#include "test-clock.h"
#include "test-util.h"

/* A circuit breaker against a model of it that keeps everything and computes everything anew, over
 * random schedules of random policies. */

/* A few are enough where each instruction is checked. */
#define N_SCHEDULES 2000
#define N_SCHEDULES_QUICK 100
#define N_STEPS 400
/* Of the window, as the documentation has it. */
#define N_PARTS 60

/* What the model knows of a call. */
typedef struct
{
  ResilientPermit *permit;
  guint round; /* of the model, when it was admitted */
  gint64 due;  /* of a probe; 0: it is none, or has lost its place */
} Call;

typedef struct
{
  gint64 time;
  gboolean failed;
} Outcome;

typedef struct
{
  /* The policy. */
  int threshold, minimum, max_probes;
  double rate;
  gint64 part, lease;
  double timeout;

  ResilientCircuitState state;
  guint round; /* of changes and resets */
  gint64 until;
  double timeout_now;
  int successes;
  GArray *outcomes; /* of Outcome, of this round */
  GPtrArray *calls; /* of Call, not reported */
  GString *changes;
} Model;

static const char letters[] = "COH";

static void
model_enter (Model *self, ResilientCircuitState state)
{
  if (self->state != state)
    g_string_append_printf (self->changes, "%c%c ", letters[self->state], letters[state]);
  self->state = state;
  self->round++;
  self->successes = 0;
  g_array_set_size (self->outcomes, 0);
}

/* How long is drawn; the rest of the model goes on with what the breaker drew. */
static void
model_open (Model *self, ResilientCircuitBreaker *breaker)
{
  double cap = MAX (self->timeout, 250), left;

  if (self->state == RESILIENT_CIRCUIT_STATE_HALF_OPEN)
    self->timeout_now = MIN (2 * self->timeout_now, cap);
  else if (self->state == RESILIENT_CIRCUIT_STATE_CLOSED)
    self->timeout_now = MIN (self->timeout, cap);
  if (self->state != RESILIENT_CIRCUIT_STATE_OPEN)
    model_enter (self, RESILIENT_CIRCUIT_STATE_OPEN);

  left = resilient_circuit_breaker_get_retry_after (breaker);
  g_assert_cmpfloat_with_epsilon (left, 1.1 * self->timeout_now, 0.1 * self->timeout_now + 1e-6);
  self->until = test_clock_get () + (gint64) (left * G_USEC_PER_SEC + 0.5);
}

static void
model_close (Model *self)
{
  self->timeout_now = 0;
  model_enter (self, RESILIENT_CIRCUIT_STATE_CLOSED);
}

static ResilientCircuitState
model_get_state (Model *self)
{
  if (self->state == RESILIENT_CIRCUIT_STATE_OPEN && test_clock_get () >= self->until)
    return RESILIENT_CIRCUIT_STATE_HALF_OPEN;
  return self->state;
}

static void
model_settle (Model *self)
{
  if (model_get_state (self) != self->state)
    model_enter (self, RESILIENT_CIRCUIT_STATE_HALF_OPEN);
}

static int
model_count_probes (Model *self, gint64 *first_due)
{
  int n = 0;

  *first_due = G_MAXINT64;
  for (guint i = 0; i < self->calls->len; i++)
    {
      Call *call = self->calls->pdata[i];

      if (call->round == self->round && call->due > test_clock_get ())
        {
          n++;
          *first_due = MIN (*first_due, call->due);
        }
    }
  return n;
}

static gint64
model_get_wait (Model *self)
{
  gint64 first_due;

  if (self->state == RESILIENT_CIRCUIT_STATE_CLOSED)
    return 0;
  if (self->state == RESILIENT_CIRCUIT_STATE_OPEN)
    return MAX (self->until - test_clock_get (), 0);
  if (self->successes + model_count_probes (self, &first_due) < self->max_probes)
    return 0;
  return first_due - test_clock_get ();
}

static gboolean
model_is_failing (Model *self)
{
  int in_row = 0, calls = 0, failures = 0;

  for (guint i = 0; i < self->outcomes->len; i++)
    {
      const Outcome *outcome = &g_array_index (self->outcomes, Outcome, i);

      in_row = outcome->failed ? in_row + 1 : 0;
      if (outcome->time / self->part + N_PARTS <= test_clock_get () / self->part)
        continue;
      calls++;
      failures += outcome->failed;
    }
  return in_row >= self->threshold
         || (calls >= self->minimum && (double) failures / calls >= self->rate);
}

typedef enum
{
  REPORT_SUCCEED,
  REPORT_FAIL,
  REPORT_DROP,
} Report;

static void
model_report (Model *self, ResilientCircuitBreaker *breaker, Call *call, Report report)
{
  if (call->round != self->round || report == REPORT_DROP)
    return;

  if (self->state == RESILIENT_CIRCUIT_STATE_CLOSED)
    {
      Outcome outcome = { test_clock_get (), report == REPORT_FAIL };

      g_array_append_val (self->outcomes, outcome);
      if (model_is_failing (self))
        model_open (self, breaker);
    }
  else if (call->due > test_clock_get ())
    {
      if (report == REPORT_FAIL)
        model_open (self, breaker);
      else if (++self->successes == self->max_probes)
        model_close (self);
    }
}

static void
changed_cb (ResilientCircuitBreaker *breaker,
            ResilientCircuitState old_state,
            ResilientCircuitState new_state,
            gpointer user_data)
{
  g_string_append_printf (user_data, "%c%c ", letters[old_state], letters[new_state]);
}

static ResilientCircuitBreaker *
make_breaker (GRand *random, Model *model)
{
  static const double rates[] = { 0.1, 0.3, 0.5, 0.9, 1.0 };
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (ResilientCircuitPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;
  int window = g_rand_int_range (random, 1, 100), lease = g_rand_int_range (random, 1, 100);

  model->threshold = g_rand_int_range (random, 1, 12);
  model->minimum = g_rand_int_range (random, 1, 20);
  model->max_probes = g_rand_int_range (random, 1, 6);
  model->rate = rates[g_rand_int_range (random, 0, G_N_ELEMENTS (rates))];
  model->timeout = g_rand_int_range (random, 1, 400);
  model->part = (gint64) window * G_USEC_PER_SEC / N_PARTS;
  model->lease = (gint64) lease * G_USEC_PER_SEC;

  resilient_circuit_policy_builder_set_failure_threshold (builder, model->threshold);
  resilient_circuit_policy_builder_set_failure_rate (builder, model->rate);
  resilient_circuit_policy_builder_set_minimum_calls (builder, model->minimum);
  resilient_circuit_policy_builder_set_window (builder, window);
  resilient_circuit_policy_builder_set_recovery_timeout (builder, model->timeout);
  resilient_circuit_policy_builder_set_half_open_max_calls (builder, model->max_probes);
  resilient_circuit_policy_builder_set_lease (builder, lease);
  policy = resilient_circuit_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return resilient_circuit_breaker_new (policy);
}

static void
acquire (Model *model, ResilientCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientPermit) permit = resilient_circuit_breaker_acquire (breaker, &error);
  gboolean expected;

  model_settle (model);
  expected = model_get_wait (model) == 0;
  g_assert_cmpint (permit != NULL, ==, expected);
  if (permit == NULL)
    g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  else
    {
      Call *call = g_new0 (Call, 1);

      call->permit = g_steal_pointer (&permit);
      call->round = model->round;
      if (model->state == RESILIENT_CIRCUIT_STATE_HALF_OPEN)
        call->due = test_clock_get () + model->lease;
      g_ptr_array_add (model->calls, call);
    }
}

static void
report (GRand *random, Model *model, ResilientCircuitBreaker *breaker, double failing)
{
  guint i = g_rand_int_range (random, 0, model->calls->len);
  g_autofree Call *call = g_ptr_array_steal_index (model->calls, i);
  Report what = g_rand_double (random) < failing ? REPORT_FAIL : REPORT_SUCCEED;

  if (g_rand_int_range (random, 0, 10) == 0)
    what = REPORT_DROP;
  if (what == REPORT_FAIL)
    resilient_permit_fail (call->permit);
  else if (what == REPORT_SUCCEED)
    resilient_permit_succeed (call->permit);
  g_object_unref (call->permit);
  model_report (model, breaker, call, what);
}

static void
step (GRand *random, Model *model, ResilientCircuitBreaker *breaker, double failing)
{
  switch (g_rand_int_range (random, 0, 100))
    {
    case 0:
      resilient_circuit_breaker_trip (breaker);
      model_settle (model);
      model_open (model, breaker);
      break;
    case 1:
      resilient_circuit_breaker_reset (breaker);
      model_settle (model);
      model_close (model);
      break;
    case 2 ... 9:
      test_clock_set (test_clock_get () + g_rand_int_range (random, 0, 100 * G_USEC_PER_SEC));
      break;
    case 10 ... 29:
      test_clock_set (test_clock_get () + g_rand_int_range (random, 0, G_USEC_PER_SEC));
      break;
    case 30 ... 64:
      acquire (model, breaker);
      break;
    default:
      if (model->calls->len > 0)
        report (random, model, breaker, failing);
      break;
    }
}

static void
run_schedule (guint32 seed, guint n_changes[3])
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GString) changes = g_string_new (NULL);
  Model model = { .outcomes = g_array_new (FALSE, FALSE, sizeof (Outcome)),
                  .calls = g_ptr_array_new (),
                  .changes = g_string_new (NULL) };
  ResilientCircuitBreaker *breaker = make_breaker (random, &model);
  double failing = g_rand_double (random);

  resilient_random_seed (seed);
  resilient_circuit_breaker_set_changed_func (breaker, changed_cb, changes, NULL);
  for (guint i = 0; i < N_STEPS; i++)
    {
      double wait;

      /* Services fail for a while. */
      if (g_rand_int_range (random, 0, 50) == 0)
        failing = g_rand_boolean (random) ? g_rand_double (random) : 0;
      step (random, &model, breaker, failing);

      g_assert_cmpint (resilient_circuit_breaker_get_state (breaker), ==, model_get_state (&model));
      wait = (double) model_get_wait (&model) / G_USEC_PER_SEC;
      g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), ==, wait);
      g_assert_cmpint (resilient_circuit_breaker_check (breaker, NULL), ==, wait == 0);
      g_assert_cmpstr (changes->str, ==, model.changes->str);
    }
  for (const char *change = changes->str; *change != '\0'; change += 3)
    n_changes[change[1] == 'C' ? 0 : change[1] == 'O' ? 1 : 2]++;

  while (model.calls->len > 0)
    report (random, &model, breaker, failing);
  g_assert_finalize_object (breaker);
  g_array_unref (model.outcomes);
  g_ptr_array_unref (model.calls);
  g_string_free (model.changes, TRUE);
}

static void
test_model (void)
{
  guint n_schedules = test_is_quick () ? N_SCHEDULES_QUICK : N_SCHEDULES;
  guint n_changes[3] = { 0 };

  for (guint32 seed = 1; seed <= n_schedules; seed++)
    {
      /* With the seed as the last message a failure can be run again. */
      g_test_message ("seed %u", seed);
      run_schedule (seed, n_changes);
    }
  resilient_random_unseed ();

  /* The schedules go everywhere, often. */
  g_test_message (
    "closed %u times, opened %u, half-open %u", n_changes[0], n_changes[1], n_changes[2]);
  for (guint i = 0; i < G_N_ELEMENTS (n_changes); i++)
    g_assert_cmpuint (n_changes[i], >, n_schedules);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/circuit-model/schedules", test_model);

  return g_test_run ();
}
