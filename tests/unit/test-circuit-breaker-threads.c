/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-breaker-private.h"

#include <sys/wait.h>
#include <unistd.h>

#include "resilient-circuit-policy-builder.h"
#include "resilient-error.h"
#include "test-clock.h"
#include "test-util.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER TRUE
#else
#define UNDER_THREAD_SANITIZER FALSE
#endif

#define N_CALLERS 100
/* Fewer where each instruction is checked. */
#define N_ROUNDS 10
#define N_ROUNDS_QUICK 4
#define N_WORKERS 8
#define N_STEPS 2000
#define N_STEPS_QUICK 200
#define N_FORKS 50
#define N_FORKS_QUICK 5

static ResilientCircuitBreaker *
new_breaker (int half_open_max_calls, double recovery_timeout)
{
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (ResilientCircuitPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  resilient_circuit_policy_builder_set_half_open_max_calls (builder, half_open_max_calls);
  resilient_circuit_policy_builder_set_recovery_timeout (builder, recovery_timeout);
  policy = resilient_circuit_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return resilient_circuit_breaker_new (policy);
}

/* The changes of a breaker, one after the other. Nothing guards it: they are told one at a time. */
typedef struct
{
  GArray *states; /* of ResilientCircuitState */
} Log;

static void
log_cb (ResilientCircuitBreaker *breaker,
        ResilientCircuitState old_state,
        ResilientCircuitState new_state,
        gpointer user_data)
{
  GArray *states = ((Log *) user_data)->states;

  g_assert_cmpint (old_state, !=, new_state);
  g_assert_cmpint (old_state, ==, g_array_index (states, ResilientCircuitState, states->len - 1));
  g_array_append_val (states, new_state);
}

static void
log_init (Log *log)
{
  ResilientCircuitState closed = RESILIENT_CIRCUIT_STATE_CLOSED;

  log->states = g_array_new (FALSE, FALSE, sizeof (ResilientCircuitState));
  g_array_append_val (log->states, closed);
}

/* Threads that begin at the same moment, and wait for each other once more. */
typedef struct
{
  GMutex lock;
  GCond cond;
  guint n_here; /* under the lock */
  guint n_all;  /* constant */
} Barrier;

static void
barrier_init (Barrier *barrier, guint n_all)
{
  g_mutex_init (&barrier->lock);
  g_cond_init (&barrier->cond);
  barrier->n_here = 0;
  barrier->n_all = n_all;
}

/* @n_times: how often this thread has been here, this time included. */
static void
barrier_wait (Barrier *barrier, guint n_times)
{
  g_mutex_lock (&barrier->lock);
  barrier->n_here++;
  g_cond_broadcast (&barrier->cond);
  while (barrier->n_here < n_times * barrier->n_all)
    g_cond_wait (&barrier->cond, &barrier->lock);
  g_mutex_unlock (&barrier->lock);
}

static void
barrier_clear (Barrier *barrier)
{
  g_mutex_clear (&barrier->lock);
  g_cond_clear (&barrier->cond);
}

typedef struct
{
  ResilientCircuitBreaker *breaker;
  Barrier barrier;
  int n_admitted; /* atomic */
} Rush;

static gpointer
caller_main (gpointer data)
{
  Rush *rush = data;
  g_autoptr (ResilientPermit) permit = NULL;
  g_autoptr (GError) error = NULL;

  barrier_wait (&rush->barrier, 1);
  permit = resilient_circuit_breaker_acquire (rush->breaker, &error);
  if (permit != NULL)
    g_atomic_int_inc (&rush->n_admitted);
  else
    g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);

  /* All have asked before one reports. */
  barrier_wait (&rush->barrier, 2);
  if (permit != NULL)
    resilient_permit_succeed (permit);

  return NULL;
}

static void
test_half_open (void)
{
  static const int max_calls[] = { 1, 3, 10, N_CALLERS - 1 };
  guint n_rounds = test_is_quick () ? N_ROUNDS_QUICK : N_ROUNDS;

  for (guint i = 0; i < n_rounds; i++)
    {
      int n = max_calls[i % G_N_ELEMENTS (max_calls)];
      Rush rush = { .breaker = new_breaker (n, 30.0) };
      GThread *threads[N_CALLERS];
      Log log;

      log_init (&log);
      resilient_circuit_breaker_set_changed_func (rush.breaker, log_cb, &log, NULL);
      resilient_circuit_breaker_trip (rush.breaker);
      test_clock_pass (36);

      barrier_init (&rush.barrier, N_CALLERS);
      for (guint j = 0; j < N_CALLERS; j++)
        threads[j] = g_thread_new ("caller", caller_main, &rush);
      for (guint j = 0; j < N_CALLERS; j++)
        g_thread_join (threads[j]);

      g_assert_cmpint (g_atomic_int_get (&rush.n_admitted), ==, n);
      g_assert_cmpint (
        resilient_circuit_breaker_get_state (rush.breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
      /* closed, open, half-open, closed */
      g_assert_cmpuint (log.states->len, ==, 4);

      g_array_unref (log.states);
      barrier_clear (&rush.barrier);
      g_assert_finalize_object (rush.breaker);
    }
}

typedef struct
{
  ResilientCircuitBreaker *breaker;
  guint seed, n_steps;
} Worker;

static gpointer
worker_main (gpointer data)
{
  Worker *worker = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (worker->seed);
  g_autoptr (ResilientPermit) kept = NULL;

  for (guint i = 0; i < worker->n_steps; i++)
    {
      g_autoptr (ResilientPermit) permit = NULL;

      switch (g_rand_int_range (random, 0, 10))
        {
        case 0:
          resilient_circuit_breaker_trip (worker->breaker);
          break;
        case 1:
          resilient_circuit_breaker_reset (worker->breaker);
          break;
        case 2:
          test_clock_pass (0.001);
          break;
        case 3:
          resilient_circuit_breaker_get_state (worker->breaker);
          resilient_circuit_breaker_get_retry_after (worker->breaker);
          break;
        default:
          permit = resilient_circuit_breaker_acquire (worker->breaker, NULL);
          if (permit == NULL)
            break;
          if (g_rand_boolean (random))
            resilient_permit_fail (permit);
          else if (g_rand_boolean (random))
            resilient_permit_succeed (permit);
          else
            g_set_object (&kept, permit);
        }
    }

  return NULL;
}

static void
test_order (void)
{
  ResilientCircuitBreaker *breaker = new_breaker (2, 0.001);
  Worker workers[N_WORKERS];
  GThread *threads[N_WORKERS];
  Log told, heard;

  log_init (&told);
  log_init (&heard);
  resilient_circuit_breaker_set_changed_func (breaker, log_cb, &told, NULL);
  g_signal_connect (breaker, "state-changed", G_CALLBACK (log_cb), &heard);

  for (guint i = 0; i < N_WORKERS; i++)
    {
      workers[i].breaker = breaker;
      workers[i].seed = i;
      workers[i].n_steps = test_is_quick () ? N_STEPS_QUICK : N_STEPS;
      threads[i] = g_thread_new ("worker", worker_main, &workers[i]);
    }
  for (guint i = 0; i < N_WORKERS; i++)
    g_thread_join (threads[i]);
  while (g_main_context_iteration (NULL, FALSE))
    ;

  g_assert_cmpuint (told.states->len, >, N_WORKERS);
  g_assert_cmpmem (heard.states->data,
                   heard.states->len * sizeof (ResilientCircuitState),
                   told.states->data,
                   told.states->len * sizeof (ResilientCircuitState));
  g_array_unref (told.states);
  g_array_unref (heard.states);
  g_assert_finalize_object (breaker);
}

typedef struct
{
  ResilientCircuitBreaker *breaker;
  int stopped; /* atomic */
} Hammer;

static gpointer
hammer_main (gpointer data)
{
  Hammer *hammer = data;

  while (!g_atomic_int_get (&hammer->stopped))
    {
      ResilientCircuitLease lease = { 0 };

      if (resilient_circuit_breaker_take (hammer->breaker, &lease, NULL))
        resilient_circuit_breaker_report (
          hammer->breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_FAILED);
      else
        resilient_circuit_breaker_reset (hammer->breaker);
    }

  return NULL;
}

/* In a child, whose parent's other thread may have had the lock: a breaker of its own, closed. */
static void
use_in_child (ResilientCircuitBreaker *breaker, ResilientCircuitLease *before)
{
  Log log;

  alarm (30);

  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
  log_init (&log);
  resilient_circuit_breaker_set_changed_func (breaker, log_cb, &log, NULL);
  resilient_circuit_breaker_report (breaker, before, RESILIENT_CIRCUIT_OUTCOME_FAILED);
  for (guint i = 0; i < 5; i++)
    {
      ResilientCircuitLease lease = { 0 };

      g_assert_true (resilient_circuit_breaker_take (breaker, &lease, NULL));
      resilient_circuit_breaker_report (breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_FAILED);
    }
  g_assert_cmpint (resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_OPEN);
  g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), <, 36.0);
  resilient_circuit_breaker_reset (breaker);
  g_assert_true (resilient_circuit_breaker_check (breaker, NULL));
  /* closed, open, closed */
  g_assert_cmpuint (log.states->len, ==, 3);
}

static void
test_fork (void)
{
  /* without what a checker wants to be loaded everywhere */
  char *const environment[] = { NULL };
  Hammer hammer = { .breaker = new_breaker (1, 30.0) };
  guint n_forks = test_is_quick () ? N_FORKS_QUICK : N_FORKS;
  GThread *thread = NULL;

  /* By the kernel's clocks, which have no lock that would keep the two threads apart. */
  test_clock_uninstall ();
  /* Nor would the sanitizer's own locks be free in the child. */
  if (!UNDER_THREAD_SANITIZER)
    thread = g_thread_new ("hammer", hammer_main, &hammer);

  for (guint i = 0; i < n_forks; i++)
    {
      ResilientCircuitLease lease = { 0 };
      int status = -1;
      pid_t pid;

      while (!resilient_circuit_breaker_take (hammer.breaker, &lease, NULL))
        ;
      pid = fork ();
      g_assert_cmpint (pid, >=, 0);
      if (pid == 0)
        {
          use_in_child (hammer.breaker, &lease);
          /* what the parent's threads had at hand is lost here, which who looks for leaks would
           * tell */
          execle ("/bin/true", "true", NULL, environment);
          _exit (1);
        }
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      g_assert_true (WIFEXITED (status));
      g_assert_cmpint (WEXITSTATUS (status), ==, 0);
      resilient_circuit_breaker_report (hammer.breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_RELEASED);
    }

  g_atomic_int_set (&hammer.stopped, TRUE);
  g_clear_pointer (&thread, g_thread_join);
  test_clock_install ();
  g_assert_finalize_object (hammer.breaker);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/circuit-breaker-threads/half-open", test_half_open);
  g_test_add_func ("/circuit-breaker-threads/order", test_order);
  g_test_add_func ("/circuit-breaker-threads/fork", test_fork);

  return g_test_run ();
}
