/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How many times a service that is down is asked, with a budget for retries and without one:
 * retry-budget */

#include <resilient.h>
#include <stdlib.h>

#define N_CALLERS 1000
#define MAX_RETRIES 3

/* A service that is down. */
static gboolean
ask_service (guint *n_asked)
{
  ++*n_asked;
  return FALSE;
}

/* [budget] */
/* An attempt, and retries as long as the budget pays for them. */
static gboolean
ask (ResilientRetryBudget *budget, guint *n_asked)
{
  resilient_retry_budget_deposit (budget);

  for (guint retry = 0; !ask_service (n_asked); retry++)
    {
      if (retry == MAX_RETRIES || !resilient_retry_budget_try_withdraw (budget))
        return FALSE;
    }
  return TRUE;
}
/* [end] */

static gboolean
ask_without (guint *n_asked)
{
  for (guint retry = 0; !ask_service (n_asked); retry++)
    if (retry == MAX_RETRIES)
      return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientRetryBudget) budget = NULL;
  guint n_with = 0, n_without = 0;

  /* [new] */
  /* A fifth of the requests of the last minute, and ten a minute in any case. */
  budget = resilient_retry_budget_new (0.2, 10, &error);
  if (budget == NULL)
    g_error ("%s", error->message);
  /* [end] */

  for (guint i = 0; i < N_CALLERS; i++)
    {
      ask (budget, &n_with);
      ask_without (&n_without);
    }
  g_print ("%d callers of a service that is down ask %u times, %u times with a budget\n",
           N_CALLERS,
           n_without,
           n_with);

  return n_with <= N_CALLERS * 1.2 + 10 + 1 && n_without == N_CALLERS * (1 + MAX_RETRIES)
           ? EXIT_SUCCESS
           : EXIT_FAILURE;
}
