/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-budget-private.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resilient-error.h"
#include "test-clock.h"
#include "test-fork.h"
#include "test-util.h"

/* A retry budget in virtual time: against tables, against a model, and against threads. */

#define N_THREADS 16

static ResilientRetryBudget *
make (double ratio, double reserve)
{
  g_autoptr (GError) error = NULL;
  ResilientRetryBudget *budget = resilient_retry_budget_new (ratio, reserve, &error);

  g_assert_no_error (error);
  return budget;
}

static guint
withdraw_all (ResilientRetryBudget *budget)
{
  guint n = 0;

  while (resilient_retry_budget_try_withdraw (budget))
    n++;
  return n;
}

static void
deposit (ResilientRetryBudget *budget, guint n)
{
  for (guint i = 0; i < n; i++)
    resilient_retry_budget_deposit (budget);
}

static const struct
{
  double ratio;
  double reserve;
  const char *field; /* that is not valid */
} values[] = {
  { 0.2, 10, NULL },       { 0, 1, NULL },           { 1, 0, NULL },
  { 0.2, 0.5, NULL },      { 0, 1e9, NULL },         { 0, 0, "ratio" },
  { 0, 0, "reserve" },     { -0.1, 10, "ratio" },    { 1.1, 10, "ratio" },
  { NAN, 10, "ratio" },    { INFINITY, 1, "ratio" }, { 0.2, -1, "reserve" },
  { 0.2, NAN, "reserve" }, { 0, NAN, "reserve" },    { 0.2, INFINITY, "reserve" },
  { 0.2, 2e9, "reserve" },
};

static void
test_values (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRetryBudget) budget =
        resilient_retry_budget_new (values[i].ratio, values[i].reserve, &error);
      g_autoptr (ResilientRetryBudget) unchecked = g_object_new (
        RESILIENT_TYPE_RETRY_BUDGET, "ratio", values[i].ratio, "reserve", values[i].reserve, NULL);
      double ratio, reserve;

      if (values[i].field == NULL)
        {
          g_assert_no_error (error);
          g_object_get (budget, "ratio", &ratio, "reserve", &reserve, NULL);
          g_assert_cmpfloat (ratio, ==, values[i].ratio);
          g_assert_cmpfloat (reserve, ==, values[i].reserve);
          g_assert_true (resilient_retry_budget_check (unchecked, NULL));
        }
      else
        {
          g_assert_null (budget);
          g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
          g_assert_nonnull (strstr (error->message, values[i].field));
          /* as a binding may make it: it never pays */
          g_assert_false (resilient_retry_budget_check (unchecked, NULL));
          deposit (unchecked, 100);
          g_assert_false (resilient_retry_budget_try_withdraw (unchecked));
          g_assert_cmpfloat (resilient_retry_budget_get_available (unchecked), ==, 0);
        }
    }
}

/* So many deposits, so much later so many can be withdrawn, and again so much later. */
static const struct
{
  double ratio;
  double reserve;
  guint deposits;
  double wait;
  guint withdrawals;
  double wait_again;
  guint withdrawals_again;
} tables[] = {
  { 0.2, 10, 0, 0, 10, 0, 0 },       { 0.2, 10, 5, 0, 11, 0, 0 },
  { 0.2, 10, 4, 0, 10, 0, 0 },       { 0.2, 10, 100, 0, 30, 60, 10 },
  { 0.2, 10, 100, 59, 30, 6, 1 },    { 0.2, 10, 100, 60, 10, 6, 1 },
  { 0.2, 10, 100, 61, 10, 59, 9 },   { 0.1, 0, 9, 0, 0, 0, 0 },
  { 0.1, 0, 10, 0, 1, 60, 0 },       { 0, 1, 100, 0, 1, 59, 0 },
  { 0, 1, 100, 0, 1, 60, 1 },        { 0, 0.5, 0, 0, 1, 119, 0 },
  { 0, 0.5, 0, 0, 1, 120, 1 },       { 0, 60, 0, 3600, 60, 1, 1 },
  { 0.2, 10, 1000, 0, 210, 60, 10 }, { 0.2, 10, 1000, 86400, 10, 0, 0 },
};

static void
test_tables (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (ResilientRetryBudget) budget = make (tables[i].ratio, tables[i].reserve);

      g_test_message ("row %u", (guint) i);
      deposit (budget, tables[i].deposits);
      test_clock_run (tables[i].wait);
      g_assert_cmpuint (withdraw_all (budget), ==, tables[i].withdrawals);
      test_clock_run (tables[i].wait_again);
      g_assert_cmpuint (withdraw_all (budget), ==, tables[i].withdrawals_again);
    }
}

static void
test_available (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);

  g_assert_cmpfloat (resilient_retry_budget_get_available (budget), ==, 10);
  deposit (budget, 3);
  g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), 10.6, 1e-9);
  g_assert_true (resilient_retry_budget_try_withdraw (budget));
  g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), 9.6, 1e-9);
  test_clock_run (60);
  g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), 10, 1e-9);
}

/* A thousand callers with up to three retries each against a server that is down, for ten minutes;
 * then it is back. */
static void
test_outage (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);
  guint n_requests = 0, n_retries = 0;

  for (guint second = 0; second < 600; second++)
    {
      for (guint i = 0; i < 1000 / 60; i++)
        {
          resilient_retry_budget_deposit (budget);
          n_requests++;
          for (guint retry = 0; retry < 3 && resilient_retry_budget_try_withdraw (budget); retry++)
            n_retries++;
        }
      test_clock_run (1);
    }
  g_test_message (
    "%u requests, %u retries, %.1f %%", n_requests, n_retries, 100.0 * n_retries / n_requests);
  g_assert_cmpfloat (n_retries, <=, n_requests * 0.2 + 10 * (1 + 600 / 60.0) + 1e-6);
  /* and it does not collapse either */
  g_assert_cmpfloat (n_retries, >=, n_requests * 0.2 + 10 * 10 - 2);
  g_assert_cmpfloat (resilient_retry_budget_get_available (budget), <, 2);
  test_clock_run (60);
  g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), 10, 1e-9);
}

/* At once. */
static void
test_thousand_at_once (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);

  deposit (budget, 1000);
  g_assert_cmpuint (1000 + withdraw_all (budget), ==, 1210);
}

static void
test_suspend (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);

  deposit (budget, 100);
  withdraw_all (budget);
  deposit (budget, 100);
  test_clock_suspend (60);
  g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), 10, 1e-9);
}

/* --- a model ---------------------------------------------------------------------------------- */

/* What a deposit has left, one by one. */
typedef struct
{
  gint64 second;
  double left;
} Earning;

/* As plainly as it can be written: a list of deposits, and a reserve that fills up. */
typedef struct
{
  double ratio;
  double reserve;
  GArray *earnings; /* of Earning, oldest first */
  double left;      /* of the reserve */
  gint64 left_at;
} Model;

static double
model_sum (Model *model)
{
  gint64 now = resilient_clock_get_boot ();
  double sum = 0;

  for (guint i = 0; i < model->earnings->len; i++)
    {
      Earning *earning = &g_array_index (model->earnings, Earning, i);

      if (earning->second <= now / G_USEC_PER_SEC - 60)
        earning->left = 0;
      sum += earning->left;
    }
  model->left = MIN (model->left + model->reserve * (double) (now - model->left_at) / 60e6,
                     model->reserve > 0 ? MAX (model->reserve, 1) : 0);
  model->left_at = now;

  return sum + model->left;
}

static void
model_withdraw (Model *model)
{
  double due = 1;

  for (guint i = 0; i < model->earnings->len; i++)
    {
      Earning *earning = &g_array_index (model->earnings, Earning, i);
      double part = MIN (earning->left, due);

      earning->left -= part;
      due -= part;
    }
  model->left -= due;
}

static void
test_model (void)
{
  static const struct
  {
    double ratio;
    double reserve;
  } settings[] = { { 0.2, 10 }, { 1, 0 }, { 0, 3 }, { 0.07, 0.5 }, { 0.5, 600 } };
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (ResilientRetryBudget) budget = make (settings[i].ratio, settings[i].reserve);
      g_autoptr (GArray) earnings = g_array_new (FALSE, FALSE, sizeof (Earning));
      Model model = { .ratio = settings[i].ratio,
                      .reserve = settings[i].reserve,
                      .earnings = earnings };
      guint n_steps = test_fewer (3000);

      model.left = model.reserve > 0 ? MAX (model.reserve, 1) : 0;
      model.left_at = resilient_clock_get_boot ();
      for (guint step = 0; step < n_steps; step++)
        {
          double sum = model_sum (&model);
          gboolean paid;

          g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), sum, 1e-5);
          switch (g_rand_int_range (rand, 0, 5))
            {
            case 0:
            case 1:
              {
                Earning earning = { resilient_clock_get_boot () / G_USEC_PER_SEC, model.ratio };

                g_array_append_val (earnings, earning);
                resilient_retry_budget_deposit (budget);
              }
              break;
            case 2:
            case 3:
              paid = resilient_retry_budget_try_withdraw (budget);
              /* they round in another way */
              if (fabs (sum - 1) > 1e-5)
                g_assert_true (paid == (sum >= 1));
              if (paid)
                model_withdraw (&model);
              break;
            default:
              test_clock_run (g_rand_double_range (rand, 0, 1) < 0.02
                                ? g_rand_double_range (rand, 30, 200)
                                : g_rand_double_range (rand, 0, 2));
            }
          if (earnings->len > 500)
            g_array_remove_range (earnings, 0, 1);
        }
    }
}

/* A test may put another clock in place of the one that a budget was made by. */
static void
test_clock_back (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);
  gint64 now = test_clock_get ();

  deposit (budget, 5);
  test_clock_set (now - G_USEC_PER_SEC / 2);
  g_assert_cmpfloat (resilient_retry_budget_get_available (budget), ==, 11);
  g_assert_cmpuint (withdraw_all (budget), ==, 11);
  test_clock_set (now);
}

/* --- processes and threads -------------------------------------------------------------------- */

static void
use (gpointer object)
{
  resilient_retry_budget_try_withdraw (object);
}

static void
test_fork_with_lock (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);

  assert_usable_in_child (use, budget);
}

static void
test_fork (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.2, 10);
  int status = -1;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      deposit (budget, 5);
      g_assert_cmpuint (withdraw_all (budget), ==, 11);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_cmpuint (withdraw_all (budget), ==, 10);
}

/* What is given back is there again, and no more than there can be. */
static void
test_given_back (void)
{
  static const struct
  {
    double ratio, reserve;
  } cases[] = { { 1, 0 }, { 0, 5 }, { 0.5, 5 }, { 0.5, 0.5 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientRetryBudget) budget = make (cases[i].ratio, cases[i].reserve);
      double before;

      for (guint n = 0; n < 4; n++)
        resilient_retry_budget_deposit (budget);
      before = resilient_retry_budget_get_available (budget);
      for (guint n = 0; n < 2; n++)
        g_assert_true (resilient_retry_budget_try_withdraw (budget));
      for (guint n = 0; n < 2; n++)
        resilient_retry_budget_give_back (budget);
      g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget), before, 1e-6);
      /* what came from deposits expires as they do */
      test_clock_run (120);
      g_assert_cmpfloat_with_epsilon (resilient_retry_budget_get_available (budget),
                                      cases[i].reserve > 0 ? MAX (cases[i].reserve, 1) : 0,
                                      1e-6);
    }
}

typedef struct
{
  ResilientRetryBudget *budget;
  guint n_rounds;
  int n_paid; /* atomic */
} Crowd;

static gpointer
crowd_thread (gpointer data)
{
  Crowd *crowd = data;

  for (guint i = 0; i < crowd->n_rounds; i++)
    {
      resilient_retry_budget_deposit (crowd->budget);
      for (guint n = 0; n < 3; n++)
        if (resilient_retry_budget_try_withdraw (crowd->budget))
          g_atomic_int_inc (&crowd->n_paid);
    }
  return NULL;
}

/* To the last retry. */
static void
test_threads (void)
{
  g_autoptr (ResilientRetryBudget) budget = make (0.25, 10);
  Crowd crowd = { budget, 1000, 0 };
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("crowd", crowd_thread, &crowd);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (crowd.n_paid, ==, N_THREADS * 1000 / 4 + 10);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

#define ADD(name, func) g_test_add_func ("/retry-budget/" name, func)
  ADD ("fork-with-lock", test_fork_with_lock);
  ADD ("values", test_values);
  ADD ("tables", test_tables);
  ADD ("available", test_available);
  ADD ("outage", test_outage);
  ADD ("thousand-at-once", test_thousand_at_once);
  ADD ("suspend", test_suspend);
  ADD ("model", test_model);
  ADD ("clock-back", test_clock_back);
  ADD ("given-back", test_given_back);
  ADD ("fork", test_fork);
  ADD ("threads", test_threads);

  return g_test_run ();
}
