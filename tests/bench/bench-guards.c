/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

/* What a guard takes that nobody else uses at the time: one operation, many times. */

static char *operation = NULL;
static int n_times = 2000000;

static const GOptionEntry entries[] = {
  { "operation", 0, 0, G_OPTION_ARG_STRING, &operation, "What is done", "NAME" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_times, "How many times", "N" },
  G_OPTION_ENTRY_NULL
};

static int n_done;

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (
    resilient_rate_limiter_acquire_finish (RESILIENT_RATE_LIMITER (source), result, NULL));
  n_done++;
}

static void
take_tokens (void)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1e9, G_MAXINT, NULL);

  for (int i = 0; i < n_times; i++)
    g_assert_true (resilient_rate_limiter_try_acquire (limiter));
}

static void
take_none (void)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1e-6, 1, NULL);

  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  for (int i = 0; i < n_times; i++)
    g_assert_false (resilient_rate_limiter_try_acquire (limiter));
}

static void
acquire (void)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1e9, G_MAXINT, NULL);

  for (int i = 0; i < n_times; i++)
    {
      resilient_rate_limiter_acquire_async (limiter, NULL, acquired_cb, NULL);
      bench_turn_until (&n_done, i + 1);
    }
}

static void
deposit (void)
{
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0.2, 10, NULL);

  for (int i = 0; i < n_times; i++)
    resilient_retry_budget_deposit (budget);
}

static void
withdraw (void)
{
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 1e9, NULL);

  for (int i = 0; i < n_times; i++)
    g_assert_true (resilient_retry_budget_try_withdraw (budget));
}

static void
permit (void)
{
  g_autoptr (ResilientCircuitBreaker) breaker = resilient_circuit_breaker_new (NULL);

  for (int i = 0; i < n_times; i++)
    {
      g_autoptr (ResilientPermit) permit = resilient_circuit_breaker_acquire (breaker, NULL);

      resilient_permit_succeed (permit);
    }
}

static void
refuse (void)
{
  g_autoptr (ResilientCircuitBreaker) breaker = resilient_circuit_breaker_new (NULL);

  resilient_circuit_breaker_trip (breaker);
  for (int i = 0; i < n_times; i++)
    g_assert_null (resilient_circuit_breaker_acquire (breaker, NULL));
}

static const struct
{
  const char *name;
  void (*func) (void);
} operations[] = {
  { "try-acquire", take_tokens }, { "try-acquire-in-vain", take_none }, { "acquire", acquire },
  { "permit", permit },           { "permit-in-vain", refuse },         { "deposit", deposit },
  { "try-withdraw", withdraw },
};

int
main (int argc, char *argv[])
{
  bench_parse (entries, &argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      gint64 began = g_get_monotonic_time ();

      if (g_strcmp0 (operation, operations[i].name) != 0)
        continue;
      operations[i].func ();
      g_print ("{\"times\": %d, \"nanoseconds\": %.1f}\n",
               n_times,
               (g_get_monotonic_time () - began) * 1e3 / n_times);
      return 0;
    }

  g_printerr ("No such operation\n");
  return 2;
}
