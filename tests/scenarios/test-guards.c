/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>
#include <string.h>

#include "resilient-client-private.h"
#include "resilient-error.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-builder.h"
#include "test-clock.h"
#include "test-step.h"
#include "test-util.h"

/* Guards on a client, in virtual time: when which attempts begin. */

#define URI "http://api.example/"

typedef struct
{
  ResilientClient *client;
  ResilientTestStub *stub;
  gint64 began_real;
  guint n_done;
  guint n_failed; /* with an error */
  GError *error;  /* the last one */
} Fixture;

/* Debug lines of the library. */
static int n_held_told;
static int n_opened_told;

static void
set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->client = resilient_client_new ();
  resilient_client_set_retry_policy (f->client, resilient_retry_policy_get_standard ());
  f->stub = resilient_test_stub_new ();
  use_stub (resilient_client_peek_engine (f->client), f->stub);
  resilient_client_set_max_results (f->client, 0);
  f->began_real = resilient_clock_get_real ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  test_run_pending ();
  g_assert_finalize_object (f->client);
  test_run_pending ();
  resilient_test_stub_unref (f->stub);
  g_clear_error (&f->error);
  test_clock_uninstall ();
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  response = resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);
  f->n_done++;
  f->n_failed += response == NULL;
  if (error != NULL)
    {
      g_clear_error (&f->error);
      f->error = g_steal_pointer (&error);
    }
}

/* @setting: of the request; NULL: as the client says. */
static void
get (Fixture *f, const char *uri, guint n, const char *setting, double seconds)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

      if (setting != NULL)
        g_object_set (request, setting, seconds, NULL);
      resilient_client_send_async (f->client, request, NULL, NULL, done_cb, f);
    }
  test_run_pending ();
}

static ResilientOrigin *
get_origin (Fixture *f, const char *uri)
{
  ResilientOrigin *origin = resilient_client_get_origin (f->client, uri, NULL);

  g_assert_nonnull (origin);
  return origin;
}

/* In seconds from the beginning. */
static double
get_start (Fixture *f, guint i)
{
  g_autoptr (ResilientTestAttempt) attempt = get_attempt (f->stub, i);

  return resilient_test_attempt_get_time (attempt);
}

static void
asked_to_wait (Fixture *f, guint status, double seconds)
{
  Step step = { .status = status, .retry_after = seconds, .takes = 0.001 };

  add_step (f->stub, step);
}

static void
then_well (Fixture *f, double takes)
{
  Step step = { .status = 200, .retry_after = -1, .takes = takes };

  add_step (f->stub, step);
}

/* --- the wait that a server asks for ---------------------------------------------------------- */

/* How many pairs of attempts begin within the same 10 ms. */
static guint
count_pairs (Fixture *f, guint from)
{
  g_autoptr (GHashTable) slots = g_hash_table_new (NULL, NULL);
  guint n_pairs = 0;

  for (guint i = from; i < resilient_test_stub_get_started (f->stub); i++)
    {
      gpointer slot = GUINT_TO_POINTER ((guint) (get_start (f, i) * 100));
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (slots, slot));

      n_pairs += n;
      g_hash_table_insert (slots, slot, GUINT_TO_POINTER (n + 1));
    }
  return n_pairs;
}

/* Of 50 requests in parallel one is told to come back in 2 s: nobody goes before that, and then
 * they come no closer to each other than chance has it. */
static void
test_hold_parallel (void)
{
  const guint n_rounds = 100;
  double expected = 0;
  guint n_pairs = 0;

  for (guint round = 0; round < n_rounds; round++)
    {
      Fixture f = { NULL };

      resilient_random_seed (round + 1);
      set_up (&f, NULL);
      resilient_client_set_max_concurrent_per_host (f.client, 4);
      asked_to_wait (&f, 429, 2);
      then_well (&f, 0.005);
      get (&f, URI, 50, NULL, 0);
      test_clock_run (6);
      g_assert_cmpuint (f.n_done, ==, 50);
      g_assert_cmpuint (f.n_failed, ==, 0);
      g_assert_cmpuint (resilient_test_stub_get_started (f.stub), ==, 51);
      /* four were on their way already */
      for (guint i = 0; i < 51; i++)
        g_assert_cmpint (get_start (&f, i) < 2, ==, i < 4);
      g_assert_cmpfloat (get_start (&f, 50), <=, 4.01);
      n_pairs += count_pairs (&f, 4);
      /* 46 of them evenly over 200 slots; the one that was told spreads itself over 20 */
      expected += 46 * 45 / 2 / 200.0 + 46 / 200.0;
      tear_down (&f, NULL);
    }
  resilient_random_unseed ();

  g_test_message ("pairs within 10 ms: %u, by chance %.0f", n_pairs, expected);
  g_assert_cmpfloat (fabs (n_pairs - expected), <, 4 * sqrt (expected));
}

/* Newcomers, retries that sleep, and both statuses; other origins are not concerned. */
static void
test_hold_all (Fixture *f, gconstpointer data)
{
  const Step refused = STEP_STATUS (500);

  /* it sleeps at most half a second */
  add_step (f->stub, refused);
  asked_to_wait (f, 503, 10);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  get (f, URI, 1, NULL, 0);
  test_clock_run (5);
  get (f, URI "new", 3, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  get (f, "http://other.example/", 1, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  test_clock_run (4.9);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  test_clock_run (2.2);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 8);
  g_assert_cmpuint (f->n_done, ==, 6);
}

/* A later answer with less does not shorten it, one with more makes it longer; the policy says how
 * long it may be. */
static void
test_hold_longest (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  gint64 until;

  asked_to_wait (f, 429, 60);
  asked_to_wait (f, 429, 2);
  asked_to_wait (f, 503, 90);
  asked_to_wait (f, 503, 100000);
  then_well (f, 0.001);
  g_assert_cmpint (resilient_origin_get_held_until (origin), ==, 0);
  get (f, URI, 4, NULL, 0);
  test_clock_run (0.01);
  /* an hour, as the standard policy has it */
  until = resilient_origin_get_held_until (origin);
  g_assert_cmpint (until - f->began_real, >=, 3600 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (until - f->began_real, <=, 3601 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->n_done, ==, 1);
  test_clock_run (3599.9);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  /* a tenth of the wait is longer than two seconds */
  test_clock_run (361);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 7);
  g_assert_cmpint (resilient_origin_get_held_until (origin), ==, 0);
}

static void
notified_cb (ResilientOrigin *origin, GParamSpec *pspec, gpointer user_data)
{
  GArray *dates = user_data;
  gint64 until = resilient_origin_get_held_until (origin);

  g_array_append_val (dates, until);
}

/* Who listens hears of its beginning and of its end. */
static void
test_hold_notified (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (GArray) dates = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_signal_connect (origin, "notify::held-until", G_CALLBACK (notified_cb), dates);
  asked_to_wait (f, 429, 5);
  asked_to_wait (f, 429, 20);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.001);
  get (f, URI "held", 1, NULL, 0);
  g_assert_cmpuint (dates->len, ==, 1);
  g_assert_cmpint (g_array_index (dates, gint64, 0), ==, f->began_real + 5 * G_USEC_PER_SEC + 1000);
  test_clock_run (4);
  g_assert_cmpuint (dates->len, ==, 1);
  test_clock_run (5);
  g_assert_cmpuint (dates->len, ==, 3);
  g_assert_cmpint (g_array_index (dates, gint64, 1), ==, 0);
  g_assert_cmpint (g_array_index (dates, gint64, 2), >, resilient_clock_get_real ());
  test_clock_run (25);
  g_assert_cmpuint (dates->len, ==, 4);
  g_assert_cmpint (g_array_index (dates, gint64, 3), ==, 0);
  g_assert_cmpuint (f->n_done, ==, 2);

  /* one that is let go of in the meantime */
  resilient_test_stub_clear_steps (f->stub);
  asked_to_wait (f, 429, 5);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.1);
  g_assert_cmpuint (dates->len, ==, 5);
  g_signal_handlers_disconnect_by_data (origin, dates);
  resilient_client_cancel_all (f->client);
  test_run_pending ();
}

/* The deadlines hold on, and so does a cancel. */
static void
test_hold_deadlines (Fixture *f, gconstpointer data)
{
  asked_to_wait (f, 429, 100);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.1);
  get (f, URI, 1, "queue-timeout", 3);
  get (f, URI, 1, "total-timeout", 5);
  test_clock_run (2.9);
  g_assert_cmpuint (f->n_done, ==, 0);
  test_clock_run (0.2);
  g_assert_cmpuint (f->n_done, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (f->error->message, "held back"));
  test_clock_run (2);
  g_assert_cmpuint (f->n_done, ==, 2);
  get (f, URI, 1, NULL, 0);
  g_assert_cmpuint (resilient_client_get_pending_count (f->client), ==, 1);
  resilient_client_cancel_all (f->client);
  test_run_pending ();
  g_assert_cmpuint (f->n_done, ==, 4);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
}

/* Where a policy does not share it, each finds out by itself. */
static void
test_hold_off (Fixture *f, gconstpointer data)
{
  for (guint respected = 0; respected < 2; respected++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder =
        resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
      g_autoptr (ResilientRetryPolicy) policy = NULL;

      resilient_retry_policy_builder_set_max_retries (builder, 0);
      resilient_retry_policy_builder_set_shared_retry_after (builder, !respected);
      resilient_retry_policy_builder_set_respect_retry_after (builder, respected);
      policy = resilient_retry_policy_builder_build (builder, NULL);
      g_assert_nonnull (policy);
      resilient_client_set_retry_policy (f->client, policy);
      asked_to_wait (f, 429, 100);
      get (f, URI, 1, NULL, 0);
      test_clock_run (0.1);
      get (f, URI, 5, NULL, 0);
      test_clock_run (0.1);
      g_assert_cmpuint (f->n_done, ==, 6 * (respected + 1));
    }
}

/* --- circuit breakers ------------------------------------------------------------------------- */

static ResilientRetryPolicy *
make_policy (int max_retries)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  return resilient_retry_policy_builder_build (builder, NULL);
}

static void
answers (Fixture *f, guint status)
{
  Step step = { .status = status, .retry_after = -1, .takes = 0.001 };

  add_step (f->stub, step);
}

static void
circuit_changed_cb (ResilientClient *client,
                    ResilientOrigin *origin,
                    ResilientCircuitState old_state,
                    ResilientCircuitState new_state,
                    gpointer user_data)
{
  g_assert_cmpstr (resilient_origin_get_uri (origin), ==, "http://api.example:80");
  g_string_append_printf (user_data, "%d%d ", old_state, new_state);
}

static ResilientCall *
start (Fixture *f, const char *uri)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  ResilientCall *call = resilient_client_start (f->client, request, NULL, NULL);

  test_run_pending ();
  return call;
}

/* Five failures in a row open it, and nobody is sent any more; it tells when to come again. What
 * does not tell of the server does not count. */
static void
test_circuit (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = make_policy (0);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (GString) changes = g_string_new ("");
  g_autoptr (ResilientSubscription) events = NULL;
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;
  g_autoptr (ResilientCall) refused = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (ResilientEvent) event = NULL;
  double left;

  resilient_client_set_retry_policy (f->client, policy);
  g_assert_null (resilient_origin_get_circuit_breaker (origin));
  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  g_signal_connect (f->client, "circuit-changed", G_CALLBACK (circuit_changed_cb), changes);
  breaker = resilient_origin_get_circuit_breaker (origin);
  g_assert_nonnull (breaker);

  /* four, and one that is none */
  for (guint i = 0; i < 4; i++)
    answers (f, i % 2 ? 500 : 503);
  answers (f, 404);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.01);
  for (guint i = 0; i < 4; i++)
    {
      get (f, URI, 1, NULL, 0);
      test_clock_run (0.01);
    }
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);

  for (guint i = 0; i < 5; i++)
    answers (f, 503);
  for (guint i = 0; i < 5; i++)
    {
      get (f, URI, 1, NULL, 0);
      test_clock_run (0.01);
    }
  g_assert_cmpint (resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_OPEN);
  g_assert_cmpuint (f->n_failed, ==, 0);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 10);

  events = resilient_client_subscribe (f->client, 10);
  refused = start (f, URI);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 10);
  result = resilient_call_get_result (refused);
  g_assert_nonnull (result);
  g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_CIRCUIT_OPEN);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 0);
  g_assert_error ((GError *) resilient_result_get_error (result),
                  RESILIENT_CLIENT_ERROR,
                  RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  left = resilient_circuit_breaker_get_retry_after (breaker);
  g_assert_cmpfloat (left, >, 20);
  g_assert_cmpfloat_with_epsilon (resilient_call_get_delay_left (refused), left, 1e-5);
  event = resilient_subscription_try_next (events);
  g_assert_nonnull (event);
  g_assert_cmpint (resilient_event_get_event_type (event), ==, RESILIENT_EVENT_TYPE_ERROR);
  g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_CIRCUIT_OPEN);
  g_assert_cmpfloat_with_epsilon (resilient_event_get_delay (event), left, 1e-5);
  stats = resilient_client_get_stats (f->client);
  g_assert_cmpuint (resilient_stats_get_circuit_refusals (stats), ==, 1);

  /* another origin has one of its own */
  get (f, "http://other.example/", 1, NULL, 0);
  test_clock_run (0.01);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 11);

  /* one probe, of many that come */
  test_clock_run (left);
  g_assert_cmpfloat (resilient_call_get_delay_left (refused), ==, 0);
  resilient_test_stub_clear_steps (f->stub);
  answers (f, 200);
  f->n_failed = 0;
  get (f, URI, 5, NULL, 0);
  g_assert_cmpuint (f->n_failed, ==, 4);
  test_clock_run (0.01);
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
  test_run_pending ();
  g_assert_cmpstr (changes->str, ==, "01 12 20 ");
}

/* A retry that an open breaker would refuse after its sleep is refused before, with the answer that
 * there was. */
static void
test_circuit_retries (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) first = NULL;
  g_autoptr (ResilientCall) second = NULL;
  g_autoptr (ResilientResult) result = NULL;

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  answers (f, 503);
  first = start (f, URI);
  test_clock_run (30);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  second = start (f, URI);
  test_clock_run (0.01);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 5);
  result = resilient_call_get_result (second);
  g_assert_nonnull (result);
  g_assert_nonnull (resilient_result_get_response (result));
  g_assert_cmpuint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpfloat (resilient_call_get_delay_left (second), >, 10);
}

/* A retry that comes when the circuit may be probed again is the probe: it waits for that, where
 * one that came earlier would be refused at once. */
static void
test_circuit_probed_by_retry (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  asked_to_wait (f, 503, 60);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  resilient_circuit_breaker_trip (breaker);
  test_clock_run (50);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  test_clock_run (50);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  g_assert_cmpuint (f->n_done, ==, 1);
  g_assert_cmpuint (f->n_failed, ==, 0);
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
}

/* The body of the answer that opened it breaks: the verdict is taken twice, and counted once. */
static void
test_circuit_counted_once (Fixture *f, gconstpointer data)
{
  const Step cut = { .status = 503, .retry_after = -1, .takes = 0.001, .cut = TRUE };
  g_autoptr (ResilientStats) stats = NULL;

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  for (guint i = 0; i < 4; i++)
    answers (f, 503);
  add_step (f->stub, cut);
  get (f, URI, 1, NULL, 0);
  test_clock_run (30);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.01);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 5);
  g_assert_cmpuint (f->n_done, ==, 2);
  stats = resilient_client_get_stats (f->client);
  g_assert_cmpuint (resilient_stats_get_circuit_refusals (stats), ==, 1);
}

/* Who waits for a limiter is refused when the breaker opens, not at his turn; who waits there for
 * another origin keeps his. */
static void
test_circuit_in_line (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (0.1, 1, NULL);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;
  g_autoptr (ResilientCall) other = NULL;

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  resilient_client_set_rate_limiter (f->client, limiter);
  answers (f, 200);
  get (f, URI, 3, NULL, 0);
  other = start (f, "http://other.example/");
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.01);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  g_assert_cmpuint (f->n_done, ==, 1);

  breaker = resilient_origin_get_circuit_breaker (origin);
  resilient_circuit_breaker_trip (breaker);
  test_run_pending ();
  g_assert_cmpuint (f->n_failed, ==, 3);
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  g_assert_cmpint (resilient_call_get_state (other), ==, RESILIENT_CALL_STATE_QUEUED);
  test_clock_run (10);
  g_assert_cmpint (resilient_call_get_state (other), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
}

/* A cancelled probe is no verdict: the next one may go. */
static void
test_circuit_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = make_policy (0);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;
  g_autoptr (ResilientCall) probe = NULL;
  const Step hangs = STEP_HANG;

  resilient_client_set_retry_policy (f->client, policy);
  resilient_origin_set_circuit_policy (origin, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  resilient_circuit_breaker_trip (breaker);
  test_clock_run (resilient_circuit_breaker_get_retry_after (breaker) + 0.001);
  add_step (f->stub, hangs);
  answers (f, 200);
  probe = start (f, URI);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  get (f, URI, 1, NULL, 0);
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  resilient_call_cancel (probe);
  test_run_pending ();
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_HALF_OPEN);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.01);
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
}

/* --- rate limits ------------------------------------------------------------------------------ */

/* In order, at the times of the tokens, each attempt anew; who gives up leaves his turn. */
static void
test_rate (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (2, 1, NULL);
  g_autoptr (ResilientStats) stats = NULL;
  ResilientCall *calls[6];

  resilient_client_set_rate_limiter (f->client, limiter);
  answers (f, 200);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autofree char *uri = g_strdup_printf (URI "%u", i);

      calls[i] = start (f, uri);
    }
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  g_assert_cmpuint (resilient_client_get_pending_count (f->client), ==, 5);
  g_assert_cmpuint (resilient_client_get_active_count (f->client), ==, 1);
  g_assert_cmpfloat_with_epsilon (resilient_call_get_delay_left (calls[1]), 0.5, 0.001);
  test_clock_run (0.6);
  resilient_call_cancel (calls[2]);
  test_clock_run (3);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 5);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *uri = g_strdup_printf (URI "%u", i < 2 ? i : i + 1);
      g_autoptr (ResilientTestAttempt) attempt = get_attempt (f->stub, i);

      g_assert_cmpstr (resilient_test_attempt_get_uri (attempt), ==, uri);
      g_assert_cmpfloat_with_epsilon (get_start (f, i), i * 0.5, 0.001);
    }
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    g_clear_object (&calls[i]);
  stats = resilient_client_get_stats (f->client);
  g_assert_cmpuint (resilient_stats_get_held_back (stats), ==, 5);
}

/* Both must admit, and a host that is limited holds up no other. */
static void
test_rate_of_both (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRateLimiter) of_client = resilient_rate_limiter_new (10, 10, NULL);
  g_autoptr (ResilientRateLimiter) of_origin = resilient_rate_limiter_new (1, 1, NULL);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);

  resilient_client_set_rate_limiter (f->client, of_client);
  resilient_origin_set_rate_limiter (origin, of_origin);
  answers (f, 200);
  get (f, URI, 3, NULL, 0);
  get (f, "http://other.example/", 12, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 7); /* six at once to a host */
  test_clock_run (0.01);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 10);
  test_clock_run (0.35);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 13);
  test_clock_run (0.7);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 14);
  test_clock_run (1.2);
  g_assert_cmpuint (f->n_done, ==, 15);
  /* what waited for one limiter kept no token of the other */
  g_assert_cmpfloat (resilient_rate_limiter_get_available (of_client), >, 9.8);
}

/* --- retry budgets ---------------------------------------------------------------------------- */

/* A thousand callers, and a server that answers 503: a fifth more, and the reserve. */
static void
test_budget (void)
{
  Fixture f = { NULL };
  g_autoptr (ResilientRetryBudget) budget = NULL;
  g_autoptr (ResilientOrigin) origin = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  double full;

  set_up (&f, NULL);
  g_assert_finalize_object (g_steal_pointer (&f.client));
  f.client = resilient_client_new_standard ();
  use_stub (resilient_client_peek_engine (f.client), f.stub);
  resilient_client_set_circuit_policy (f.client, NULL);
  origin = get_origin (&f, URI);
  budget = resilient_origin_get_retry_budget (origin);
  g_assert_nonnull (budget);
  full = resilient_retry_budget_get_available (budget);

  answers (&f, 503);
  get (&f, URI, 1000, NULL, 0);
  test_clock_run (30);
  g_assert_cmpuint (f.n_done, ==, 1000);
  g_assert_cmpuint (f.n_failed, ==, 0);
  g_test_message ("1000 callers: %u sends; without a budget it were 4000",
                  resilient_test_stub_get_started (f.stub));
  g_assert_cmpuint (resilient_test_stub_get_started (f.stub), <=, 1000 * 1.2 + 10);
  g_assert_cmpuint (resilient_test_stub_get_started (f.stub), >, 1100);
  stats = resilient_client_get_stats (f.client);
  g_assert_cmpuint (resilient_stats_get_budget_refusals (stats), >, 500);

  /* it recovers */
  resilient_test_stub_clear_steps (f.stub);
  answers (&f, 200);
  for (guint i = 0; i < 60; i++)
    {
      get (&f, URI, 1, NULL, 0);
      test_clock_run (1);
    }
  g_test_message ("60 s later the budget has %g, at first %g",
                  resilient_retry_budget_get_available (budget),
                  full);
  /* what it began with, and nearly a fifth of the requests that came since */
  g_assert_cmpfloat (resilient_retry_budget_get_available (budget), >=, full + 11);
  tear_down (&f, NULL);
}

/* Its refusal is a reason of its own, with what the last attempt brought. */
static void
test_budget_reason (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 1, NULL);
  g_autoptr (ResilientSubscription) events = resilient_client_subscribe (f->client, 100);
  g_autoptr (ResilientEvent) last = NULL;
  ResilientEvent *event;

  g_assert_nonnull (budget);
  resilient_client_set_retry_budget (f->client, budget);
  while (resilient_retry_budget_try_withdraw (budget))
    ;
  answers (f, 503);
  get (f, URI, 1, NULL, 0);
  test_clock_run (1);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  g_assert_cmpuint (f->n_done, ==, 1);
  g_assert_cmpuint (f->n_failed, ==, 0);
  while ((event = resilient_subscription_try_next (events)) != NULL)
    {
      g_clear_pointer (&last, resilient_event_unref);
      last = event;
    }
  g_assert_nonnull (last);
  g_assert_cmpint (resilient_event_get_event_type (last), ==, RESILIENT_EVENT_TYPE_ERROR);
  g_assert_cmpint (resilient_event_get_reason (last), ==, RESILIENT_REASON_RETRY_BUDGET);
  g_assert_cmpuint (
    resilient_response_get_status_code (resilient_event_get_response (last)), ==, 503);
}

/* A refusal is told at once, also where a wait was set before it and is longer. */
static void
test_circuit_and_hold (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  asked_to_wait (f, 503, 1000);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  test_clock_run (0.1);
  g_assert_cmpint (resilient_origin_get_held_until (origin), >, 0);

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  resilient_circuit_breaker_trip (breaker);
  f->n_failed = 0;
  get (f, URI, 1, NULL, 0);
  g_assert_cmpuint (f->n_failed, ==, 1);
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  resilient_client_cancel_all (f->client);
  test_clock_run (1);
}

/* What ran out of time while the machine slept was no fault of the server's. */
static void
test_circuit_asleep (Fixture *f, gconstpointer data)
{
  const Step hangs = STEP_HANG;
  g_autoptr (ResilientRetryPolicy) policy = make_policy (0);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  resilient_client_set_retry_policy (f->client, policy);
  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  add_step (f->stub, hangs);

  get (f, URI, 5, "total-timeout", 30);
  test_clock_suspend (3600);
  test_run_pending ();
  g_assert_cmpuint (f->n_failed, ==, 5);
  g_assert_cmpint (
    resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);

  get (f, URI, 5, "total-timeout", 30);
  test_clock_run (31);
  g_assert_cmpuint (f->n_failed, ==, 10);
  g_assert_cmpint (resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_OPEN);
}

/* --- adaptive concurrency --------------------------------------------------------------------- */

#define CAPACITY 10

/* A server that takes ten at once, in 0.1 s each, and turns away what is more than twice that. */
static void
serve_cb (GObject *owner, ResilientTestAttempt *attempt)
{
  ResilientTestStub *stub = g_object_get_data (owner, "stub");
  double load = (double) resilient_test_stub_get_live (stub) / CAPACITY;

  if (load > 2)
    resilient_test_attempt_respond (attempt, 503, NULL, NULL, 0.001);
  else
    resilient_test_attempt_respond (attempt, 200, NULL, NULL, 0.1 * MAX (load, 1));
}

static guint
count_turned_away (gboolean adaptive)
{
  Fixture f = { NULL };
  g_autoptr (ResilientRetryPolicy) policy = make_policy (0);
  g_autoptr (ResilientSubscription) events = NULL;
  ResilientEvent *event;
  guint n_turned_away = 0;

  set_up (&f, NULL);
  resilient_client_set_retry_policy (f.client, policy);
  resilient_client_set_max_concurrent_per_host (f.client, 100);
  resilient_client_set_adaptive_concurrency (f.client, adaptive);
  events = resilient_client_subscribe (f.client, 10000);
  g_object_set_data (G_OBJECT (f.client), "stub", f.stub);
  resilient_test_stub_set_ask_func (f.stub, serve_cb, G_OBJECT (f.client));
  get (&f, URI, 3000, NULL, 0);
  if (adaptive)
    {
      g_assert_cmpuint (resilient_test_stub_get_live (f.stub), ==, 4);
      test_clock_run (15);
      resilient_test_stub_clear (f.stub);
      test_clock_run (2);
      g_test_message ("%u at once of 10 that the server takes",
                      resilient_test_stub_get_max_live (f.stub));
      g_assert_cmpuint (resilient_test_stub_get_max_live (f.stub), >=, 8);
      g_assert_cmpuint (resilient_test_stub_get_max_live (f.stub), <=, 14);
    }
  test_clock_run (60);
  g_assert_cmpuint (f.n_done, ==, 3000);
  while ((event = resilient_subscription_try_next (events)) != NULL)
    {
      ResilientResponse *response = resilient_event_get_response (event);

      n_turned_away += response != NULL && resilient_response_get_status_code (response) == 503;
      resilient_event_unref (event);
    }
  g_clear_object (&events);
  tear_down (&f, NULL);
  return n_turned_away;
}

static void
test_adaptive (void)
{
  guint without = count_turned_away (FALSE);
  guint with = count_turned_away (TRUE);

  g_test_message ("turned away of 3000: %u, with adaptive concurrency %u", without, with);
  g_assert_cmpuint (without, >, 1000);
  g_assert_cmpuint (with, <, 60);
}

/* 503 and no answer in time are of the load, another failure is none of it. */
static void
test_adaptive_failures (Fixture *f, gconstpointer data)
{
  const Step rows[] = {
    { .status = 503, .retry_after = -1, .takes = 0.01 },
    { .status = 429, .retry_after = -1, .takes = 0.01 },
    { .failure = RESILIENT_FAILURE_DISCONNECT,
      .domain = G_IO_ERROR,
      .code = G_IO_ERROR_CONNECTION_CLOSED,
      .retry_after = -1,
      .takes = 10 },
    { .status = 500, .retry_after = -1, .takes = 0.01 },
    { .failure = RESILIENT_FAILURE_DISCONNECT,
      .domain = G_IO_ERROR,
      .code = G_IO_ERROR_CONNECTION_CLOSED,
      .retry_after = -1,
      .takes = 0.01 },
  };
  g_autoptr (ResilientRetryPolicy) policy = make_policy (0);

  resilient_client_set_retry_policy (f->client, policy);
  resilient_client_set_max_concurrent_per_host (f->client, 1000);
  resilient_client_set_adaptive_concurrency (f->client, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://%c.example/", 'a' + (char) i);
      guint before, now;

      resilient_test_stub_clear (f->stub);
      then_well (f, 0.1);
      get (f, uri, 400, NULL, 0);
      test_clock_run (9);
      resilient_test_stub_clear (f->stub);
      add_step (f->stub, rows[i]);
      get (f, uri, 1000, NULL, 0);
      before = resilient_test_stub_get_live (f->stub);
      g_assert_cmpuint (before, >=, 6);
      test_clock_run (1000 * MAX (rows[i].takes, 0.05));
      resilient_test_stub_clear (f->stub);
      add_step (f->stub, (Step) STEP_HANG);
      get (f, uri, 1000, NULL, 0);
      now = resilient_test_stub_get_live (f->stub);
      g_test_message ("row %u: %u at once, then %u", i, before, now);
      if (i < 3)
        g_assert_cmpuint (now, <, before);
      else
        g_assert_cmpuint (now, >=, before);
      resilient_client_cancel_all (f->client);
      test_clock_run (1);
    }
}

/* Who waits goes by priority, is cancelled at once, and goes when the limit is lifted. */
static void
test_adaptive_queue (Fixture *f, gconstpointer data)
{
  const Step hangs = STEP_HANG;

  resilient_client_set_max_concurrent_per_host (f->client, 50);
  resilient_client_set_adaptive_concurrency (f->client, TRUE);
  add_step (f->stub, hangs);
  get (f, URI, 10, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 4);
  g_assert_cmpuint (resilient_client_get_pending_count (f->client), ==, 6);
  /* of one origin, not of another */
  get (f, "http://other.example/", 10, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 8);

  resilient_client_set_adaptive_concurrency (f->client, FALSE);
  get (f, URI, 1, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 8 + 7);
  resilient_client_set_adaptive_concurrency (f->client, TRUE);
  get (f, URI, 1, NULL, 0);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 8 + 7);
  resilient_client_cancel_all (f->client);
  test_run_pending ();
  g_assert_cmpuint (f->n_done, ==, 22);
}

/* A retry that does not come, because it was cancelled or refused meanwhile, costs nothing. */
static void
test_budget_given_back (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 10, NULL);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;

  resilient_client_set_retry_budget (f->client, budget);
  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  answers (f, 503);
  for (guint i = 0; i < 2; i++)
    {
      get (f, URI, 1, NULL, 0);
      test_clock_run (0.001);
      g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, i + 1);
      g_assert_cmpfloat (resilient_retry_budget_get_available (budget), <, 9.01);
      if (i == 0)
        resilient_client_cancel_all (f->client);
      else
        resilient_circuit_breaker_trip (breaker);
      test_clock_run (i * 2);
      g_assert_cmpuint (f->n_done, ==, i + 1);
      g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, i + 1);
      g_assert_cmpfloat (resilient_retry_budget_get_available (budget), >, 9.9);
    }
}

static void
test_standard (void)
{
  g_autoptr (ResilientClient) client = resilient_client_new_standard ();
  g_autoptr (ResilientRetryPolicy) policy = resilient_client_get_retry_policy (client);
  g_autoptr (ResilientCircuitPolicy) circuit_policy = resilient_client_get_circuit_policy (client);
  g_autoptr (ResilientOrigin) one = resilient_client_get_origin (client, URI, NULL);
  g_autoptr (ResilientOrigin) two =
    resilient_client_get_origin (client, "http://other.example/", NULL);
  g_autoptr (ResilientRetryBudget) first = resilient_origin_get_retry_budget (one);
  g_autoptr (ResilientRetryBudget) second = resilient_origin_get_retry_budget (two);
  g_autoptr (ResilientRetryBudget) none = NULL;

  g_assert_true (policy == resilient_retry_policy_get_standard ());
  g_assert_true (circuit_policy == resilient_circuit_policy_get_default ());
  g_assert_null (resilient_client_get_retry_budget (client));
  g_assert_null (resilient_client_get_rate_limiter (client));
  g_assert_cmpfloat (resilient_retry_budget_get_ratio (first), ==, 0.2);
  g_assert_cmpfloat (resilient_retry_budget_get_reserve (first), ==, 10);
  g_assert_true (first != second);
  resilient_client_set_retry_budget (client, first);
  g_clear_object (&second);
  second = resilient_origin_get_retry_budget (two);
  g_assert_true (first == second);
  resilient_client_set_retry_budget (client, NULL);
  none = resilient_origin_get_retry_budget (two);
  g_assert_null (none);
}

/* What guards do with a request is told to who debugs. */
static void
test_told (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1, 1, NULL);
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientCircuitBreaker) breaker = NULL;
  int n_held_before = n_held_told;
  int n_opened_before = n_opened_told;

  then_well (f, 0.001);
  resilient_client_set_rate_limiter (f->client, limiter);
  get (f, URI, 2, NULL, 0);
  g_assert_cmpint (n_held_told, ==, n_held_before + 1);
  test_clock_run (2);
  g_assert_cmpuint (f->n_done, ==, 2);

  resilient_client_set_circuit_policy (f->client, resilient_circuit_policy_get_default ());
  breaker = resilient_origin_get_circuit_breaker (origin);
  resilient_circuit_breaker_trip (breaker);
  g_assert_cmpint (n_opened_told, ==, n_opened_before + 1);
}

/* One of each kind on an origin, and taken off again. */
static void
test_settings_of_origin (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientOrigin) origin = get_origin (f, URI);
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1, 1, NULL);
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 1, NULL);
  ResilientCircuitPolicy *policy = resilient_circuit_policy_get_default ();

  then_well (f, 0.001);
  for (guint i = 0; i < 2; i++)
    {
      g_object_set (
        origin, "rate-limiter", limiter, "retry-budget", budget, "circuit-policy", policy, NULL);
      /* what is there already is no change */
      g_object_set (
        origin, "rate-limiter", limiter, "retry-budget", budget, "circuit-policy", policy, NULL);
      get (f, URI, 2, NULL, 0);
      test_clock_run (0.01);
      g_assert_cmpuint (f->n_done, ==, 4 * i + 1);
      test_clock_run (2);
      g_assert_cmpuint (f->n_done, ==, 4 * i + 2);

      g_object_set (
        origin, "rate-limiter", NULL, "retry-budget", NULL, "circuit-policy", NULL, NULL);
      get (f, URI, 2, NULL, 0);
      test_clock_run (0.01);
      g_assert_cmpuint (f->n_done, ==, 4 * i + 4);
      test_clock_run (2);
    }

  resilient_client_set_rate_limiter (f->client, limiter);
  resilient_client_set_rate_limiter (f->client, NULL);
  get (f, URI, 2, NULL, 0);
  test_clock_run (0.01);
  g_assert_cmpuint (f->n_done, ==, 10);
  g_assert_cmpuint (f->n_failed, ==, 0);
}

/* One that can't be, as a binding can make it: what is wrong with it is the error of a request. */
static void
test_rate_impossible (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRateLimiter) limiter =
    g_object_new (RESILIENT_TYPE_RATE_LIMITER, "rate", -1.0, NULL);

  then_well (f, 0.001);
  resilient_client_set_rate_limiter (f->client, limiter);
  get (f, URI, 1, NULL, 0);
  test_clock_run (1);
  g_assert_cmpuint (f->n_failed, ==, 1);
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
  g_assert_nonnull (strstr (f->error->message, "rate"));
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 0);
}

static void
test_budget_impossible (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryBudget) budget =
    g_object_new (RESILIENT_TYPE_RETRY_BUDGET, "ratio", 7.0, NULL);

  then_well (f, 0.001);
  resilient_client_set_retry_budget (f->client, budget);
  get (f, URI, 1, NULL, 0);
  test_clock_run (1);
  g_assert_cmpuint (f->n_failed, ==, 1);
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
  g_assert_nonnull (strstr (f->error->message, "ratio"));
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 0);
}

int
main (int argc, char *argv[])
{
  test_count_lines ("held back for", &n_held_told);
  test_count_lines ("open, was closed", &n_opened_told);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add ("/guards/" name, Fixture, NULL, set_up, func, tear_down)
  g_test_add_func ("/guards/hold/parallel", test_hold_parallel);
  ADD ("hold/all", test_hold_all);
  ADD ("hold/longest", test_hold_longest);
  ADD ("hold/notified", test_hold_notified);
  ADD ("hold/deadlines", test_hold_deadlines);
  ADD ("hold/off", test_hold_off);
  ADD ("circuit/opens", test_circuit);
  ADD ("circuit/retries", test_circuit_retries);
  ADD ("circuit/probed-by-retry", test_circuit_probed_by_retry);
  ADD ("circuit/counted-once", test_circuit_counted_once);
  ADD ("circuit/in-line", test_circuit_in_line);
  ADD ("circuit/cancelled", test_circuit_cancelled);
  ADD ("circuit/hold", test_circuit_and_hold);
  ADD ("circuit/asleep", test_circuit_asleep);
  ADD ("rate/order", test_rate);
  ADD ("rate/both", test_rate_of_both);
  ADD ("rate/impossible", test_rate_impossible);
  ADD ("budget/impossible", test_budget_impossible);
  ADD ("settings-of-origin", test_settings_of_origin);
  ADD ("told", test_told);
  g_test_add_func ("/guards/budget/callers", test_budget);
  ADD ("budget/reason", test_budget_reason);
  ADD ("budget/given-back", test_budget_given_back);
  g_test_add_func ("/guards/adaptive/turned-away", test_adaptive);
  ADD ("adaptive/queue", test_adaptive_queue);
  ADD ("adaptive/failures", test_adaptive_failures);
  g_test_add_func ("/guards/standard", test_standard);

  return g_test_run ();
}
