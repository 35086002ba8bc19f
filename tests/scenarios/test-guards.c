/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>

#include "resilient-client-private.h"
#include "resilient-random-private.h"
#include "resilient-retry-policy-builder.h"
#include "scripted-transport.h"
#include "virtual-clock.h"

/* Guards on a client, in virtual time: when which attempts begin. */

#define URI "http://api.example/"

typedef struct
{
  ResilientClient *client;
  ScriptedTransport *script;
  gint64 began;
  guint n_done;
  guint n_failed; /* with an error */
  GError *error;  /* the last one */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  virtual_clock_install ();
  f->client = resilient_client_new ();
  resilient_client_set_retry_policy (f->client, resilient_retry_policy_get_standard ());
  f->script = scripted_transport_new ();
  f->script->starts = g_array_new (FALSE, FALSE, sizeof (gint64));
  resilient_engine_set_transport (resilient_client_peek_engine (f->client), &f->script->parent);
  resilient_client_set_max_results (f->client, 0);
  f->began = virtual_now;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  virtual_clock_settle ();
  g_assert_finalize_object (f->client);
  virtual_clock_settle ();
  resilient_transport_unref (&f->script->parent);
  g_clear_error (&f->error);
  resilient_clock_install (NULL, NULL);
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
  virtual_clock_settle ();
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
  g_assert_cmpuint (i, <, f->script->starts->len);
  return resilient_clock_to_seconds (g_array_index (f->script->starts, gint64, i) - f->began);
}

static void
asked_to_wait (Fixture *f, guint status, double seconds)
{
  ScriptedStep step = { .status = status, .retry_after = seconds, .takes = 0.001 };

  scripted_transport_add (f->script, step);
}

static void
then_well (Fixture *f, double takes)
{
  ScriptedStep step = { .status = 200, .retry_after = -1, .takes = takes };

  scripted_transport_add (f->script, step);
}

/* --- the wait that a server asks for ---------------------------------------------------------- */

/* How many pairs of attempts begin within the same 10 ms. */
static guint
count_pairs (Fixture *f, guint from)
{
  g_autoptr (GHashTable) slots = g_hash_table_new (NULL, NULL);
  guint n_pairs = 0;

  for (guint i = from; i < f->script->starts->len; i++)
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
      virtual_clock_advance (6);
      g_assert_cmpuint (f.n_done, ==, 50);
      g_assert_cmpuint (f.n_failed, ==, 0);
      g_assert_cmpuint (f.script->starts->len, ==, 51);
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
  const ScriptedStep refused = SCRIPTED_STATUS (500);

  /* it sleeps at most half a second */
  scripted_transport_add (f->script, refused);
  asked_to_wait (f, 503, 10);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  get (f, URI, 1, NULL, 0);
  virtual_clock_advance (5);
  get (f, URI "new", 3, NULL, 0);
  g_assert_cmpuint (f->script->n_started, ==, 2);
  get (f, "http://other.example/", 1, NULL, 0);
  g_assert_cmpuint (f->script->n_started, ==, 3);
  virtual_clock_advance (4.9);
  g_assert_cmpuint (f->script->n_started, ==, 3);
  virtual_clock_advance (2.2);
  g_assert_cmpuint (f->script->n_started, ==, 8);
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
  virtual_clock_advance (0.01);
  /* an hour, as the standard policy has it */
  until = resilient_origin_get_held_until (origin);
  g_assert_cmpint (until - virtual_epoch - f->began, >=, 3600 * G_TIME_SPAN_SECOND);
  g_assert_cmpint (until - virtual_epoch - f->began, <=, 3601 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->n_done, ==, 1);
  virtual_clock_advance (3599.9);
  g_assert_cmpuint (f->script->n_started, ==, 4);
  /* a tenth of the wait is longer than two seconds */
  virtual_clock_advance (361);
  g_assert_cmpuint (f->script->n_started, ==, 7);
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
  virtual_clock_advance (0.001);
  get (f, URI "held", 1, NULL, 0);
  g_assert_cmpuint (dates->len, ==, 1);
  g_assert_cmpint (
    g_array_index (dates, gint64, 0), ==, virtual_epoch + f->began + 5 * G_USEC_PER_SEC + 1000);
  virtual_clock_advance (4);
  g_assert_cmpuint (dates->len, ==, 1);
  virtual_clock_advance (5);
  g_assert_cmpuint (dates->len, ==, 3);
  g_assert_cmpint (g_array_index (dates, gint64, 1), ==, 0);
  g_assert_cmpint (g_array_index (dates, gint64, 2), >, virtual_epoch + virtual_now);
  virtual_clock_advance (25);
  g_assert_cmpuint (dates->len, ==, 4);
  g_assert_cmpint (g_array_index (dates, gint64, 3), ==, 0);
  g_assert_cmpuint (f->n_done, ==, 2);

  /* one that is let go of in the meantime */
  asked_to_wait (f, 429, 5);
  f->script->next = f->script->steps->len - 1;
  get (f, URI, 1, NULL, 0);
  virtual_clock_advance (0.1);
  g_assert_cmpuint (dates->len, ==, 5);
  g_signal_handlers_disconnect_by_data (origin, dates);
  resilient_client_cancel_all (f->client);
  virtual_clock_settle ();
}

/* The deadlines hold on, and so does a cancel. */
static void
test_hold_deadlines (Fixture *f, gconstpointer data)
{
  asked_to_wait (f, 429, 100);
  then_well (f, 0.001);
  get (f, URI, 1, NULL, 0);
  virtual_clock_advance (0.1);
  get (f, URI, 1, "queue-timeout", 3);
  get (f, URI, 1, "total-timeout", 5);
  virtual_clock_advance (2.9);
  g_assert_cmpuint (f->n_done, ==, 0);
  virtual_clock_advance (0.2);
  g_assert_cmpuint (f->n_done, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (f->error->message, "held back"));
  virtual_clock_advance (2);
  g_assert_cmpuint (f->n_done, ==, 2);
  get (f, URI, 1, NULL, 0);
  g_assert_cmpuint (resilient_client_get_pending_count (f->client), ==, 1);
  resilient_client_cancel_all (f->client);
  virtual_clock_settle ();
  g_assert_cmpuint (f->n_done, ==, 4);
  g_assert_cmpuint (f->script->n_started, ==, 1);
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
      virtual_clock_advance (0.1);
      get (f, URI, 5, NULL, 0);
      virtual_clock_advance (0.1);
      g_assert_cmpuint (f->n_done, ==, 6 * (respected + 1));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add ("/guards/" name, Fixture, NULL, set_up, func, tear_down)
  g_test_add_func ("/guards/hold/parallel", test_hold_parallel);
  ADD ("hold/all", test_hold_all);
  ADD ("hold/longest", test_hold_longest);
  ADD ("hold/notified", test_hold_notified);
  ADD ("hold/deadlines", test_hold_deadlines);
  ADD ("hold/off", test_hold_off);

  return g_test_run ();
}
