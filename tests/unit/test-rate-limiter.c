/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-rate-limiter-private.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resilient-error.h"
#include "test-clock.h"
#include "test-fork.h"
#include "test-util.h"

/* A token bucket in virtual time: how much it gives in any window, in which order, and to whom when
 * somebody gives up. */

#define N_THREADS 16

static ResilientRateLimiter *
make (double rate, int burst)
{
  g_autoptr (GError) error = NULL;
  ResilientRateLimiter *limiter = resilient_rate_limiter_new (rate, burst, &error);

  g_assert_no_error (error);
  return limiter;
}

static double
seconds (void)
{
  return resilient_clock_to_seconds (resilient_clock_get_boot ());
}

/* Who waits by a task. */
typedef struct
{
  GCancellable *cancellable;
  GString *order; /* nullable: its letter is appended when it is served, in lower case if not */
  char letter;
  gboolean done;
  gboolean served;
  double at; /* when */
} Wait;

static void
wait_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (wait->done);
  wait->done = TRUE;
  wait->at = seconds ();
  wait->served =
    resilient_rate_limiter_acquire_finish (RESILIENT_RATE_LIMITER (source), result, &error);
  if (!wait->served)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else
    g_assert_no_error (error);
  if (wait->order != NULL)
    g_string_append_c (wait->order, wait->served ? wait->letter : g_ascii_tolower (wait->letter));
}

static void
acquire (ResilientRateLimiter *limiter, Wait *wait)
{
  resilient_rate_limiter_acquire_async (limiter, wait->cancellable, wait_cb, wait);
}

/* --- values ----------------------------------------------------------------------------------- */

static const struct
{
  double rate;
  int burst;
  const char *field; /* that is not valid */
} values[] = {
  { 0.5, 1, NULL },         { 1e6, 1000, NULL },      { 1e-3, 1, NULL },
  { 1e300, 1, NULL },       { 1e-300, 1, NULL },      { 1, G_MAXINT, NULL },
  { 0, 1, "rate" },         { -1, 1, "rate" },        { NAN, 1, "rate" },
  { INFINITY, 1, "rate" },  { -INFINITY, 1, "rate" }, { 1, 0, "burst" },
  { 1, -1, "burst" },       { 1, G_MININT, "burst" }, { 1e-9, G_MAXINT, "burst" },
  { 1e-300, 3000, "rate" },
};

static void
test_values (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRateLimiter) limiter =
        resilient_rate_limiter_new (values[i].rate, values[i].burst, &error);
      double rate;
      int burst;

      if (values[i].field == NULL)
        {
          g_assert_no_error (error);
          g_object_get (limiter, "rate", &rate, "burst", &burst, NULL);
          g_assert_cmpfloat (rate, ==, values[i].rate);
          g_assert_cmpint (burst, ==, values[i].burst);
          g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, burst);
          g_assert_true (resilient_rate_limiter_try_acquire (limiter));
        }
      else
        {
          g_assert_null (limiter);
          g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
          g_assert_nonnull (strstr (error->message, values[i].field));
        }
    }
}

/* As a binding may do that knows constructors of GObject alone. */
static void
test_made_of_what_cannot_be (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = g_object_new (
        RESILIENT_TYPE_RATE_LIMITER, "rate", values[i].rate, "burst", values[i].burst, NULL);
      const ResilientRateLimitHint hint = { .remaining = 1, .reset = 1 };
      ResilientRateTicket ticket = { 0 };
      g_auto (TestResult) result = { 0 };
      g_autoptr (GError) error = NULL;
      gint64 not_before = 0;

      if (values[i].field == NULL)
        continue;
      g_assert_false (resilient_rate_limiter_check (limiter, NULL));
      g_assert_false (resilient_rate_limiter_take (limiter, &ticket, &not_before));
      g_assert_cmpint (not_before, ==, G_MAXINT64);
      resilient_rate_limiter_observe_hint (limiter, &hint);
      g_assert_false (resilient_rate_limiter_try_acquire (limiter));
      g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 0);
      resilient_rate_limiter_acquire_async (limiter, NULL, test_result_cb, &result);
      g_assert_false (
        resilient_rate_limiter_acquire_finish (limiter, test_result_wait (&result), &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, values[i].field));
    }
}

static void
test_defaults (void)
{
  g_autoptr (ResilientRateLimiter) limiter = g_object_new (RESILIENT_TYPE_RATE_LIMITER, NULL);

  g_assert_true (resilient_rate_limiter_check (limiter, NULL));
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
}

/* --- how much --------------------------------------------------------------------------------- */

/* Operations: t try_acquire, which must give a token, f the same, which must not, s half a second
 * passes, m a minute, a tells how much is available. */
static const struct
{
  double rate;
  int burst;
  const char *operations;
  double available; /* in the end */
} buckets[] = {
  { 1, 1, "tfsfst", 0 },      { 1, 3, "tttfsstf", 0 },   { 2, 1, "tfstfstf", 0 },
  { 1, 2, "mttf", 0 },        { 0.5, 1, "tsssfst", 0 },  { 4, 2, "ttfs", 2 },
  { 1, 4, "ttts", 1.5 },      { 0.001, 1, "tmf", .06 },  { 3, 4, "ttttf", 0 },
  { 7, 10, "tttttttttt", 0 }, { 1e6, 3, "tttfsttt", 0 },
};

static void
test_buckets (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (buckets); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (buckets[i].rate, buckets[i].burst);

      for (const char *c = buckets[i].operations; *c != '\0'; c++)
        {
          if (*c == 's' || *c == 'm')
            test_clock_run (*c == 's' ? 0.5 : 60);
          else
            g_assert_true (resilient_rate_limiter_try_acquire (limiter) == (*c == 't'));
        }
      g_assert_cmpfloat_with_epsilon (
        resilient_rate_limiter_get_available (limiter), buckets[i].available, 1e-9);
    }
}

/* The time of each token that was given. */
static void
note (GArray *times)
{
  gint64 now = resilient_clock_get_boot ();

  g_array_append_val (times, now);
}

/* Any window begins with a token and ends with one. Those from the i-th to the j-th are j - i + 1,
 * at most burst + rate × t: what the j-th has, less the least of those before it, tells for all
 * windows that end there. */
static void
assert_all_windows (GArray *times, double rate, int burst)
{
  double least = G_MAXDOUBLE;

  for (guint j = 0; j < times->len; j++)
    {
      double time = resilient_clock_to_seconds (g_array_index (times, gint64, j)
                                                - g_array_index (times, gint64, 0));
      double level = j - rate * time;

      least = MIN (least, level);
      g_assert_cmpfloat (level - least + 1, <=, burst + 1e-6);
    }
}

typedef struct
{
  GArray *times;
  guint n_waiting;
} Demand;

static void
demand_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Demand *demand = data;

  demand->n_waiting--;
  if (resilient_rate_limiter_acquire_finish (RESILIENT_RATE_LIMITER (source), result, NULL))
    note (demand->times);
}

static void
test_windows (gconstpointer data)
{
  const double rate = *(const double *) data;
  const int burst = rate > 100 ? 50 : 4;
  const guint n_tokens = test_fewer (10000);
  g_autoptr (ResilientRateLimiter) limiter = make (rate, burst);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  Demand demand = { times, 0 };

  while (times->len < n_tokens)
    {
      switch (g_rand_int_range (rand, 0, 8))
        {
        case 0:
        case 1:
          if (resilient_rate_limiter_try_acquire (limiter))
            note (times);
          break;
        case 2:
        case 3:
        case 4:
          demand.n_waiting++;
          resilient_rate_limiter_acquire_async (
            limiter, g_rand_boolean (rand) ? cancellable : NULL, demand_cb, &demand);
          break;
        case 5:
          /* all of them, wherever they stand */
          if (g_rand_int_range (rand, 0, 10) == 0)
            {
              g_cancellable_cancel (cancellable);
              g_cancellable_reset (cancellable);
            }
          break;
        default:
          test_clock_run (-log (1 - g_rand_double (rand)) * 1.5 / rate);
        }
    }
  while (demand.n_waiting > 0)
    test_clock_run (1 / rate);

  assert_all_windows (times, rate, burst);
  g_assert_finalize_object (g_steal_pointer (&limiter));
}

/* Whoever waits loses nothing: with a line there is a token each interval, to the microsecond. */
static void
test_thousands (void)
{
  const guint n_waits = test_fewer (5000);
  g_autoptr (ResilientRateLimiter) limiter = make (30, 10);
  g_autofree Wait *waits = g_new0 (Wait, n_waits);
  double start = seconds ();

  for (guint i = 0; i < n_waits; i++)
    acquire (limiter, &waits[i]);
  test_clock_run (n_waits / 30.0);
  for (guint i = 0; i < n_waits; i++)
    {
      g_assert_true (waits[i].served);
      g_assert_cmpfloat_with_epsilon (waits[i].at - start, i < 10 ? 0 : (i - 9) / 30.0, 2e-6);
    }
}

static void
test_slow_and_fast (void)
{
  g_autoptr (ResilientRateLimiter) slow = make (0.001, 1);
  g_autoptr (ResilientRateLimiter) fast = make (1e6, 1);
  Wait waits[4] = { { 0 } };
  double start = seconds ();

  for (guint i = 0; i < 2; i++)
    acquire (slow, &waits[i]);
  for (guint i = 2; i < 4; i++)
    acquire (fast, &waits[i]);
  test_clock_run (999.999);
  g_assert_true (waits[0].served && !waits[1].done && waits[2].served && waits[3].served);
  g_assert_cmpfloat_with_epsilon (waits[3].at - start, 1e-6, 1e-9);
  test_clock_run (0.001);
  g_assert_true (waits[1].served);
}

/* For as long as a program runs that is never idle; fractions of microseconds add up. */
static void
test_accuracy (void)
{
  static const double rates[] = { 3, 7, 30, 999, 123456.7 };

  for (gsize i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (rates[i], 1);
      guint n_tokens = test_fewer (100000);
      gint64 start = resilient_clock_get_boot ();
      double error;

      for (guint n = 0; n < n_tokens; n++)
        {
          ResilientRateTicket ticket = { 0 };
          gint64 not_before;

          if (!resilient_rate_limiter_take (limiter, &ticket, &not_before))
            {
              test_clock_set (not_before);
              g_assert_true (resilient_rate_limiter_take (limiter, &ticket, &not_before));
            }
        }
      error = resilient_clock_to_seconds (resilient_clock_get_boot () - start)
              - (n_tokens - 1) / rates[i];
      /* a token comes at a whole microsecond, and the next one counts from there */
      g_assert_cmpfloat (error, >=, -1e-9);
      g_assert_cmpfloat (error, <=, n_tokens * 1e-6);
    }
}

/* Time in suspend is time for whoever counts requests. */
static void
test_suspend (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (0.1, 2);
  Wait wait = { 0 };

  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  acquire (limiter, &wait);
  test_run_pending ();
  g_assert_false (wait.done);
  test_clock_suspend (10);
  g_assert_true (wait.served);
  test_clock_suspend (1000);
  g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 2);
}

/* What the server says counts besides the rate. */
static void
test_observe (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (10, 10);
  Wait waits[2] = { { 0 } };
  double start = seconds ();

  /* it takes three more, and the rate goes on from there */
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 3, 60 });
  g_assert_cmpfloat_with_epsilon (resilient_rate_limiter_get_available (limiter), 3, 1e-9);
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 7, 60 });
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 100, -1 });
  for (guint i = 0; i < 3; i++)
    g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
  test_clock_run (1);
  g_assert_cmpfloat_with_epsilon (resilient_rate_limiter_get_available (limiter), 10, 1e-9);

  /* it takes none for half a minute: who waits is told, a smaller value later is none */
  acquire (limiter, &waits[0]);
  test_run_pending ();
  g_assert_true (waits[0].served);
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, 30 });
  g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 0);
  acquire (limiter, &waits[1]);
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, 60 });
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, 5 });
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, 0 });
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, -1 });
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
  test_clock_run (100);
  g_assert_true (waits[1].served);
  g_assert_cmpfloat_with_epsilon (waits[1].at - start, 61, 1e-6);

  /* whatever it says, a day at most */
  resilient_rate_limiter_observe_hint (limiter, &(ResilientRateLimitHint){ 0, 1e9 });
  test_clock_run (86399);
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
  test_clock_run (1);
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
}

static const struct
{
  const char *headers; /* name, value, name, value… */
  double wait;         /* until there is a token */
} responses[] = {
  { "RateLimit|\"a\";r=0;t=30", 30 },
  { "RateLimit|\"a\";r=0|RateLimit-Policy|\"a\";q=9;w=60", 60 },
  { "X-RateLimit-Remaining|0|X-RateLimit-Reset|5", 5 },
  { "X-RateLimit-Remaining|0|X-RateLimit-Reset|1709208060|Date|Thu, 29 Feb 2024 12:00:00 GMT", 60 },
  { "X-RateLimit-Remaining|1|X-RateLimit-Reset|5", 0 },
  /* until when it does not say: the bucket is empty, and fills up at its rate */
  { "X-RateLimit-Remaining|0", 1 },
  { "RateLimit|\"a\";r=0", 1 },
  /* the reset is over */
  { "X-RateLimit-Remaining|0|X-RateLimit-Reset|0", 0 },
  { "Content-Type|text/plain", 0 },
};

static void
test_responses (void)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://localhost/", G_URI_FLAGS_NONE, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (responses); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (1, 5);
      g_autoptr (ResilientResponse) response = NULL;
      g_auto (GStrv) parts = g_strsplit (responses[i].headers, "|", -1);
      SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
      Wait wait = { 0 };
      double start = seconds ();

      for (guint n = 0; parts[n] != NULL; n += 2)
        soup_message_headers_append (headers, parts[n], parts[n + 1]);
      response = resilient_response_new (200, "OK", uri, headers, NULL);
      soup_message_headers_unref (headers);
      resilient_rate_limiter_observe (limiter, response);
      acquire (limiter, &wait);
      test_clock_run (100);
      g_assert_true (wait.served);
      g_assert_cmpfloat_with_epsilon (wait.at - start, responses[i].wait, 1e-6);
    }
}

/* A server that would take more than the bucket has fills nothing up. */
static void
test_observe_less (void)
{
  const ResilientRateLimitHint hints[] = {
    { .remaining = 2, .reset = 1 },
    { .remaining = 0, .reset = -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hints); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (1, 3);

      for (guint n = 0; n < 3; n++)
        g_assert_true (resilient_rate_limiter_try_acquire (limiter));
      resilient_rate_limiter_observe_hint (limiter, &hints[i]);
      g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 0);
      test_clock_run (1);
      g_assert_true (resilient_rate_limiter_try_acquire (limiter));
      g_assert_false (resilient_rate_limiter_try_acquire (limiter));
    }
}

/* Those who would wait for longer than a clock can count wait on, and can be cancelled. */
static void
test_for_ever (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1e-300, 1);
  Wait waits[3] = { { 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (waits); i++)
    {
      waits[i].cancellable = g_cancellable_new ();
      acquire (limiter, &waits[i]);
    }
  test_clock_run (1e6);
  g_assert_true (waits[0].served);
  g_assert_false (waits[1].done);
  g_assert_false (waits[2].done);
  for (gsize i = 0; i < G_N_ELEMENTS (waits); i++)
    g_cancellable_cancel (waits[i].cancellable);
  test_run_pending ();
  g_assert_true (waits[1].done && !waits[1].served);
  g_assert_true (waits[2].done && !waits[2].served);
  for (gsize i = 0; i < G_N_ELEMENTS (waits); i++)
    g_object_unref (waits[i].cancellable);
}

/* --- in which order --------------------------------------------------------------------------- */

/* A capital letter acquires, its small one is cancelled, after r with a reset in one go; i runs the
 * main context, 1 lets a second pass, t and f try_acquire with and without success. One token a
 * second, one at once. Served are the capitals, cancelled the small ones. */
static const struct
{
  const char *operations;
  const char *order;
} orders[] = {
  { "Ai", "A" },
  { "ABCi", "A" },
  { "ABC111", "ABC" },
  { "ABCDib111", "AbCD" },
  { "Aai", "a" },
  { "Aait", "a" },
  { "ra", "" },
  { "Arait", "a" },
  { "ABCDi111", "ABCD" },
  { "tABCDai111", "aBCD" },
  { "tABCDbi111", "bACD" },
  { "tABCDci111", "cABD" },
  { "tABCDdi111", "dABC" },
  { "tABCDrai111", "aBCD" },
  { "tABCDrbi111", "bACD" },
  { "tABCDrdi111", "dABC" },
  { "tABCDiai111", "aBCD" },
  { "tABCDibi111", "bACD" },
  { "tABCDrdcbai1t", "dcba" },
  { "tABf1f1f1t", "AB" },
  { "ABabi", "ab" },
  { "ABabit", "ab" },
  { "ABai", "Ba" },
  { "tABi1C1D1111", "ABCD" },
  { "1Aff", "" },
};

static void
test_orders (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
      g_autoptr (GString) order = g_string_new (NULL);
      Wait waits[26] = { { 0 } };
      gboolean reset = FALSE;

      g_test_message ("%s", orders[i].operations);
      for (const char *c = orders[i].operations; *c != '\0'; c++)
        {
          Wait *wait = &waits[g_ascii_isalpha (*c) ? g_ascii_toupper (*c) - 'A' : 0];

          if (*c == 'i')
            test_run_pending ();
          else if (*c == '1')
            test_clock_run (1);
          else if (*c == 'r')
            reset = TRUE;
          else if (*c == 't' || *c == 'f')
            g_assert_true (resilient_rate_limiter_try_acquire (limiter) == (*c == 't'));
          else if (g_ascii_isupper (*c))
            {
              wait->cancellable = g_cancellable_new ();
              wait->order = order;
              wait->letter = *c;
              acquire (limiter, wait);
            }
          else if (wait->cancellable != NULL)
            {
              g_cancellable_cancel (wait->cancellable);
              if (reset)
                g_cancellable_reset (wait->cancellable);
            }
        }
      g_assert_cmpstr (order->str, ==, orders[i].order);

      for (guint n = 0; n < G_N_ELEMENTS (waits); n++)
        if (waits[n].cancellable != NULL)
          g_cancellable_cancel (waits[n].cancellable);
      test_run_pending ();
      for (guint n = 0; n < G_N_ELEMENTS (waits); n++)
        {
          g_assert_true (waits[n].done == (waits[n].cancellable != NULL));
          g_clear_object (&waits[n].cancellable);
        }
      g_assert_finalize_object (g_steal_pointer (&limiter));
    }
}

/* Nobody is later because of whoever gave up, at whichever place. */
static void
test_cancel_at_every_position (gconstpointer data)
{
  const gboolean reset = GPOINTER_TO_INT (data);
  const guint n_waits = 12;

  for (guint position = 0; position < n_waits; position++)
    {
      g_autoptr (ResilientRateLimiter) limiter = make (2, 3);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Wait waits[12] = { { 0 } };
      double start = seconds ();

      for (guint i = 0; i < n_waits; i++)
        {
          waits[i].cancellable = i == position ? cancellable : NULL;
          acquire (limiter, &waits[i]);
        }
      if (position >= 3)
        test_run_pending ();
      g_cancellable_cancel (cancellable);
      if (reset)
        g_cancellable_reset (cancellable);
      test_run_pending ();
      g_assert_true (waits[position].done);
      g_assert_false (waits[position].served);

      test_clock_run (n_waits);
      for (guint i = 0, n = 0; i < n_waits; i++)
        {
          if (i == position)
            continue;
          g_assert_true (waits[i].served);
          g_assert_cmpfloat_with_epsilon (waits[i].at - start, n < 3 ? 0 : (n - 2) / 2.0, 1e-6);
          n++;
        }
    }
}

static void
test_cancelled_before (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
  Wait wait = { g_cancellable_new () };

  g_cancellable_cancel (wait.cancellable);
  acquire (limiter, &wait);
  test_run_pending ();
  g_assert_true (wait.done && !wait.served);
  g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 1);
  g_object_unref (wait.cancellable);
}

/* --- whom it belongs to ----------------------------------------------------------------------- */

/* The waiter keeps it alive. */
static void
test_drop (void)
{
  ResilientRateLimiter *limiter = make (1, 1);
  Wait waits[2] = { { 0 } };

  acquire (limiter, &waits[0]);
  acquire (limiter, &waits[1]);
  g_object_add_weak_pointer (G_OBJECT (limiter), (gpointer *) &limiter);
  g_object_unref (limiter);
  g_assert_nonnull (limiter);
  test_clock_run (1);
  g_assert_true (waits[0].served && waits[1].served);
  g_assert_null (limiter);
}

/* A main context that nobody runs holds up the line for an interval at most, and gets its own
 * tokens in the end. */
static void
test_context_that_sleeps (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Wait waits[4] = { { 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (waits); i++)
    {
      if (i % 2 == 0)
        g_main_context_push_thread_default (context);
      acquire (limiter, &waits[i]);
      if (i % 2 == 0)
        g_main_context_pop_thread_default (context);
    }
  test_clock_run (1);
  g_assert_true (!waits[0].done && waits[1].served && !waits[3].done);
  test_clock_run (3);
  g_assert_true (!waits[2].done && waits[3].served);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (waits[0].served && waits[2].served);
}

/* --- tickets ---------------------------------------------------------------------------------- */

typedef struct
{
  ResilientRateTicket ticket;
  guint n_moved;
  int n_held;
} Owner;

static void
moved_cb (ResilientRateTicket *ticket)
{
  ((Owner *) ticket)->n_moved++;
}

static void
hold_cb (ResilientRateTicket *ticket)
{
  ((Owner *) ticket)->n_held++;
}

static void
release_cb (ResilientRateTicket *ticket)
{
  ((Owner *) ticket)->n_held--;
}

static void
init_owners (Owner *owners, guint n_owners)
{
  for (guint i = 0; i < n_owners; i++)
    owners[i] = (Owner){ .ticket = { .moved = moved_cb, .hold = hold_cb, .release = release_cb } };
}

static double
ask (ResilientRateLimiter *limiter, Owner *owner)
{
  gint64 not_before = 0;

  if (resilient_rate_limiter_take (limiter, &owner->ticket, &not_before))
    return 0;
  return resilient_clock_to_seconds (not_before - resilient_clock_get_boot ());
}

static void
test_tickets (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
  Owner owners[5];

  init_owners (owners, G_N_ELEMENTS (owners));
  for (guint i = 0; i < G_N_ELEMENTS (owners); i++)
    g_assert_cmpfloat_with_epsilon (ask (limiter, &owners[i]), i, 1e-9);
  g_assert_cmpint (owners[0].n_held, ==, 0);
  g_assert_cmpint (owners[1].n_held, ==, 1);
  /* the same again while nothing has changed */
  g_assert_cmpfloat_with_epsilon (ask (limiter, &owners[3]), 3, 1e-9);

  /* from the middle: those behind are told when they are the first, no sooner */
  resilient_rate_limiter_withdraw (limiter, &owners[2].ticket);
  g_assert_cmpint (owners[2].n_held, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (owners); i++)
    g_assert_cmpuint (owners[i].n_moved, ==, 0);

  test_clock_run (1);
  g_assert_cmpfloat (ask (limiter, &owners[1]), ==, 0);
  g_assert_cmpuint (owners[3].n_moved, ==, 1);
  g_assert_cmpfloat_with_epsilon (ask (limiter, &owners[3]), 1, 1e-9);

  /* the first one goes */
  resilient_rate_limiter_withdraw (limiter, &owners[3].ticket);
  g_assert_cmpuint (owners[3].n_moved, ==, 1);
  g_assert_cmpuint (owners[4].n_moved, ==, 1);
  g_assert_cmpfloat_with_epsilon (ask (limiter, &owners[4]), 1, 1e-9);

  /* what comes back goes to the first one */
  resilient_rate_limiter_give_back (limiter);
  g_assert_cmpuint (owners[4].n_moved, ==, 2);
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
  g_assert_cmpfloat (ask (limiter, &owners[4]), ==, 0);

  /* a second time, and twice */
  g_assert_cmpfloat_with_epsilon (ask (limiter, &owners[4]), 1, 1e-9);
  resilient_rate_limiter_withdraw (limiter, &owners[4].ticket);
  resilient_rate_limiter_withdraw (limiter, &owners[4].ticket);
  for (guint i = 0; i < G_N_ELEMENTS (owners); i++)
    g_assert_cmpint (owners[i].n_held, ==, 0);
}

/* The head does not come: the others are told to look again, not all the time, and not served. */
/* Of owners that were served together the first makes the second use its token, and stand in line
 * anew, before that one has been called. */
static ResilientRateLimiter *again_limiter;
static Owner again[4];

static void
again_cb (ResilientRateTicket *ticket)
{
  moved_cb (ticket);
  g_assert_cmpfloat (ask (again_limiter, &again[1]), ==, 0);
  g_assert_cmpfloat (ask (again_limiter, &again[1]), >, 0);
  g_assert_cmpfloat (ask (again_limiter, &again[3]), >, 0);
}

static void
test_served_and_again (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 2);

  init_owners (again, G_N_ELEMENTS (again));
  for (guint i = 0; i < G_N_ELEMENTS (again); i++)
    again[i].ticket.eager = TRUE;
  again[0].ticket.moved = again_cb;
  again_limiter = limiter;

  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat (ask (limiter, &again[i]), >, 0);
  test_clock_pass (2);
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
  g_assert_cmpfloat (ask (limiter, &again[0]), ==, 0);

  g_assert_cmpint (again[0].n_held, ==, 0);
  for (guint i = 1; i < G_N_ELEMENTS (again); i++)
    g_assert_cmpint (again[i].n_held, ==, 1);
  g_assert_cmpuint (again[3].n_moved, ==, 0);
  for (guint i = 1; i < G_N_ELEMENTS (again); i++)
    resilient_rate_limiter_withdraw (limiter, &again[i].ticket);
  for (guint i = 0; i < G_N_ELEMENTS (again); i++)
    g_assert_cmpint (again[i].n_held, ==, 0);
}

static void
test_head_that_is_late (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1e6, 1);
  Owner owners[2];
  Wait wait = { 0 };

  init_owners (owners, G_N_ELEMENTS (owners));
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_cmpfloat (ask (limiter, &owners[0]), >, 0);
  ask (limiter, &owners[1]);
  acquire (limiter, &wait);
  test_clock_run (1);
  g_assert_cmpfloat (ask (limiter, &owners[1]), >=, 0.01);
  g_assert_false (wait.done);
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));

  g_assert_cmpfloat (ask (limiter, &owners[0]), ==, 0);
  g_assert_cmpuint (owners[1].n_moved, ==, 1);
  test_clock_run (1e-6);
  g_assert_cmpfloat (ask (limiter, &owners[1]), ==, 0);
  test_clock_run (1e-6);
  g_assert_true (wait.served);
}

/* No more is given back than there is room for. */
static void
test_give_back_too_much (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 2);

  for (guint i = 0; i < 5; i++)
    resilient_rate_limiter_give_back (limiter);
  g_assert_cmpfloat (resilient_rate_limiter_get_available (limiter), ==, 2);
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_true (resilient_rate_limiter_try_acquire (limiter));
  g_assert_false (resilient_rate_limiter_try_acquire (limiter));
}

/* --- processes and threads -------------------------------------------------------------------- */

static void
use (gpointer object)
{
  resilient_rate_limiter_try_acquire (object);
}

static void
test_fork_with_lock (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);

  assert_usable_in_child (use, limiter);
}

/* They have not been told yet. */
static void
test_fork_on_the_way (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
  Wait waits[2] = { { 0 } };
  int status = -1;
  pid_t pid;

  acquire (limiter, &waits[0]);
  acquire (limiter, &waits[1]);

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      test_clock_run (2);
      g_assert_false (waits[0].done);
      g_assert_false (waits[1].done);
      g_assert_true (resilient_rate_limiter_try_acquire (limiter));
      /* What the parent had on the way is lost here on purpose: nobody is to look for leaks. */
      kill (getpid (), SIGKILL);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);

  test_clock_run (1);
  g_assert_true (waits[0].served);
  g_assert_true (waits[1].served);
}

static void
test_fork (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1);
  Owner owner;
  Wait waits[2] = { { 0 } };
  int status = -1;
  pid_t pid;

  init_owners (&owner, 1);
  acquire (limiter, &waits[0]);
  acquire (limiter, &waits[1]);
  ask (limiter, &owner);
  test_run_pending ();

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      Wait own = { 0 };

      alarm (TEST_DEADLINE_SECONDS);
      /* the line is the parent's */
      resilient_rate_limiter_withdraw (limiter, &owner.ticket);
      g_assert_false (resilient_rate_limiter_try_acquire (limiter));
      test_clock_pass (1);
      g_assert_true (resilient_rate_limiter_try_acquire (limiter));
      acquire (limiter, &own);
      test_clock_run (1);
      g_assert_true (own.served);
      g_assert_false (waits[1].done);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);

  resilient_rate_limiter_withdraw (limiter, &owner.ticket);
  test_clock_run (1);
  g_assert_true (waits[1].served);
}

typedef struct
{
  ResilientRateLimiter *limiter;
  guint n_wanted;
  int n_taken;  /* atomic */
  int n_active; /* atomic: threads */
} Crowd;

static gpointer
grab_thread (gpointer data)
{
  Crowd *crowd = data;

  for (guint i = 0; i < crowd->n_wanted; i++)
    if (resilient_rate_limiter_try_acquire (crowd->limiter))
      g_atomic_int_inc (&crowd->n_taken);
  g_atomic_int_add (&crowd->n_active, -1);
  return NULL;
}

/* Time stands still: exactly those that are there. */
static void
test_threads_grab (void)
{
  g_autoptr (ResilientRateLimiter) limiter = make (1, 1000);
  Crowd crowd = { limiter, test_fewer (2000), 0, N_THREADS };
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("grab", grab_thread, &crowd);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (crowd.n_taken, ==, 1000);
}

static void
crowd_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Crowd *crowd = data;

  if (resilient_rate_limiter_acquire_finish (RESILIENT_RATE_LIMITER (source), result, NULL))
    g_atomic_int_inc (&crowd->n_taken);
  g_atomic_int_add (&crowd->n_active, -1);
}

static gpointer
wait_thread (gpointer data)
{
  Crowd *crowd = data;
  Crowd own = { crowd->limiter, crowd->n_wanted, 0, 0 };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_main_context_push_thread_default (context);
  own.n_active = (int) own.n_wanted;
  for (guint i = 0; i < own.n_wanted; i++)
    resilient_rate_limiter_acquire_async (
      own.limiter, i % 3 == 0 ? cancellable : NULL, crowd_cb, &own);
  g_cancellable_cancel (cancellable);
  while (own.n_active > 0)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  g_atomic_int_add (&crowd->n_taken, own.n_taken);
  g_atomic_int_add (&crowd->n_active, -1);
  return NULL;
}

/* Each with a main context of its own, while time passes: all get theirs, none too early. */
static void
test_threads_wait (void)
{
  g_autoptr (ResilientRateLimiter) limiter = NULL;
  Crowd crowd = { NULL, 30, 0, N_THREADS };
  GThread *threads[N_THREADS];
  double start;

  test_clock_install ();
  start = seconds ();
  crowd.limiter = limiter = make (100, 5);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("wait", wait_thread, &crowd);
  while (g_atomic_int_get (&crowd.n_active) > 0)
    {
      test_clock_pass (0.01);
      g_thread_yield ();
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (crowd.n_taken, >=, N_THREADS * 20);
  g_assert_cmpfloat (crowd.n_taken, <=, 5 + 100 * (seconds () - start) + 1e-6);
  test_clock_install ();
}

int
main (int argc, char *argv[])
{
  static const double rates[] = { 0.001, 0.5, 7.3, 1000, 1e6 };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

#define ADD(name, func) g_test_add_func ("/rate-limiter/" name, func)
  ADD ("fork-with-lock", test_fork_with_lock);
  ADD ("values", test_values);
  ADD ("made-of-what-cannot-be", test_made_of_what_cannot_be);
  ADD ("defaults", test_defaults);
  ADD ("buckets", test_buckets);
  for (gsize i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rate-limiter/windows/%g", rates[i]);

      g_test_add_data_func (path, &rates[i], test_windows);
    }
  ADD ("thousands", test_thousands);
  ADD ("slow-and-fast", test_slow_and_fast);
  ADD ("accuracy", test_accuracy);
  ADD ("suspend", test_suspend);
  ADD ("observe", test_observe);
  ADD ("observe/less", test_observe_less);
  ADD ("responses", test_responses);
  ADD ("for-ever", test_for_ever);
  ADD ("orders", test_orders);
  g_test_add_data_func ("/rate-limiter/cancel-at-every-position",
                        GINT_TO_POINTER (FALSE),
                        test_cancel_at_every_position);
  g_test_add_data_func ("/rate-limiter/cancel-at-every-position-and-reset",
                        GINT_TO_POINTER (TRUE),
                        test_cancel_at_every_position);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("drop", test_drop);
  ADD ("context-that-sleeps", test_context_that_sleeps);
  ADD ("tickets", test_tickets);
  ADD ("served-and-again", test_served_and_again);
  ADD ("head-that-is-late", test_head_that_is_late);
  ADD ("give-back-too-much", test_give_back_too_much);
  ADD ("fork", test_fork);
  ADD ("fork-on-the-way", test_fork_on_the_way);
  ADD ("threads/grab", test_threads_grab);
  ADD ("threads/wait", test_threads_wait);

  return g_test_run ();
}
