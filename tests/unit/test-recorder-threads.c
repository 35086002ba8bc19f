/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-recorder-private.h"

#include <string.h>

#include "events-fixture.h"

/* The recorder among threads, and whatever might run under its lock. */

#define N_THREADS 8
#define N_EVENTS 1000

typedef struct
{
  ResilientRecorder *recorder;
  ResilientResult *result;
  gint allowed; /* atomic: whether the wanted func may run */
  gint stop;    /* atomic */
} Fixture;

static ResilientResult *
make_success (void)
{
  return make_result ("x", RESILIENT_RESULT_STATUS_SUCCESS, 10);
}

static gboolean
wanted_cb (ResilientEventType type, gpointer data)
{
  Fixture *fixture = data;

  g_assert_true (g_atomic_int_get (&fixture->allowed));
  return TRUE;
}

static gpointer
record_thread (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (ResilientRequestContext) context = make_context (NULL);

  for (guint i = 0; i < N_EVENTS; i++)
    {
      resilient_recorder_started (fixture->recorder);
      if (i % 2 == 0)
        resilient_recorder_retry (fixture->recorder,
                                  context,
                                  RESILIENT_FAILURE_CONNECT,
                                  RESILIENT_REASON_RETRY,
                                  NULL,
                                  NULL,
                                  1);
      else
        resilient_recorder_ended (fixture->recorder, fixture->result, RESILIENT_REASON_SUCCESS, 0);
    }
  return NULL;
}

static gpointer
attempt_thread (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < N_EVENTS; i++)
    {
      g_autofree char *origin = g_strdup_printf ("http://host-%u:80", i % 20);

      resilient_recorder_attempt_ended (
        fixture->recorder, origin, "GET", 200 + i % 300, RESILIENT_FAILURE_NONE, i / 1000.0);
      resilient_recorder_ended (fixture->recorder, fixture->result, RESILIENT_REASON_SUCCESS, 0);
    }
  return NULL;
}

/* Whenever it is taken, a snapshot agrees with itself. */
static gpointer
snapshot_thread (gpointer data)
{
  Fixture *fixture = data;
  guint64 successes = 0;

  while (successes < N_THREADS * N_EVENTS)
    {
      g_autoptr (ResilientStats) stats = resilient_recorder_get_stats (fixture->recorder);
      g_autoptr (ResilientStats) twice = resilient_stats_merge (stats, stats);
      g_autofree char *text = resilient_stats_to_openmetrics (twice);
      g_autofree char *line = NULL;

      successes = resilient_stats_get_successes (stats);
      line = g_strdup_printf ("resilient_client_request_duration_seconds_count{outcome=\"success\"}"
                              " %" G_GUINT64_FORMAT "\n",
                              2 * successes);
      g_assert_nonnull (strstr (text, line));
      g_thread_yield ();
    }
  return NULL;
}

static void
test_snapshots (void)
{
  Fixture fixture = { resilient_recorder_new (), make_success (), TRUE };
  GThread *reader = g_thread_new ("snapshot", snapshot_thread, &fixture);
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("attempt", attempt_thread, &fixture);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_thread_join (reader);

  resilient_result_unref (fixture.result);
  resilient_recorder_unref (fixture.recorder);
}

static void
run_threads (Fixture *fixture)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("record", record_thread, fixture);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

static void
count_cb (ResilientEvent *event, gpointer data)
{
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, ++*(guint64 *) data);
}

/* Every observer sees every event, in order, without a gap. */
static void
test_order (void)
{
  Fixture fixture = { resilient_recorder_new (), make_success (), TRUE };
  ResilientEventQueue *queue = resilient_recorder_get_queue (fixture.recorder);
  ResilientSubscription *subscriptions[2];
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (GSource) source = NULL;
  guint64 last = 0;

  for (guint i = 0; i < G_N_ELEMENTS (subscriptions); i++)
    subscriptions[i] = resilient_recorder_subscribe (fixture.recorder, N_THREADS * N_EVENTS);
  resilient_event_queue_set_capacity (queue, N_THREADS * N_EVENTS);
  resilient_recorder_set_wanted_func (fixture.recorder, wanted_cb, &fixture);
  run_threads (&fixture);

  for (guint i = 0; i < G_N_ELEMENTS (subscriptions); i++)
    {
      for (guint64 n = 1; n <= N_THREADS * N_EVENTS; n++)
        {
          g_autoptr (ResilientEvent) event = resilient_subscription_try_next (subscriptions[i]);

          g_assert_cmpuint (resilient_event_get_sequence (event), ==, n);
        }
      g_assert_finalize_object (subscriptions[i]);
    }
  source = resilient_event_queue_attach (queue, NULL, count_cb, &last, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (last, ==, N_THREADS * N_EVENTS);
  g_source_destroy (source);

  stats = resilient_recorder_get_stats (fixture.recorder);
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, N_THREADS * N_EVENTS);
  g_assert_cmpuint (resilient_stats_get_retries (stats), ==, N_THREADS * N_EVENTS / 2);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, N_THREADS * N_EVENTS / 2);
  resilient_result_unref (fixture.result);
  resilient_recorder_unref (fixture.recorder);
}

static gpointer
subscribe_thread (gpointer data)
{
  Fixture *fixture = data;

  while (!g_atomic_int_get (&fixture->stop))
    {
      g_autoptr (ResilientSubscription) subscription =
        resilient_recorder_subscribe (fixture->recorder, 2);
      g_autoptr (ResilientEvent) event = resilient_subscription_try_next (subscription);

      if (event != NULL)
        g_assert_cmpuint (resilient_event_get_sequence (event), >, 0);
    }
  return NULL;
}

/* Subscriptions come and go while events are recorded, and one goes with the recorder. */
static void
test_subscribers (void)
{
  Fixture fixture = { resilient_recorder_new (), make_success (), TRUE };
  g_autoptr (ResilientSubscription) last = resilient_recorder_subscribe (fixture.recorder, 5);
  GThread *thread = g_thread_new ("subscribe", subscribe_thread, &fixture);

  run_threads (&fixture);
  g_atomic_int_set (&fixture.stop, TRUE);
  g_thread_join (thread);
  g_assert_cmpuint (resilient_subscription_get_length (last), ==, 5);
  g_assert_cmpuint (resilient_subscription_get_dropped (last), ==, N_THREADS * N_EVENTS - 5);
  resilient_result_unref (fixture.result);
  resilient_recorder_unref (fixture.recorder);
}

static gpointer
toggle_thread (gpointer data)
{
  Fixture *fixture = data;

  while (!g_atomic_int_get (&fixture->stop))
    {
      g_atomic_int_set (&fixture->allowed, TRUE);
      resilient_recorder_set_wanted_func (fixture->recorder, wanted_cb, fixture);
      resilient_recorder_set_wanted_func (fixture->recorder, NULL, NULL);
      /* From here on it does not run: it would see this. */
      g_atomic_int_set (&fixture->allowed, FALSE);
    }
  return NULL;
}

static void
test_wanted_cleared (void)
{
  Fixture fixture = { resilient_recorder_new (), make_success (), FALSE };
  GThread *thread = g_thread_new ("toggle", toggle_thread, &fixture);

  run_threads (&fixture);
  g_atomic_int_set (&fixture.stop, TRUE);
  g_thread_join (thread);
  resilient_result_unref (fixture.result);
  resilient_recorder_unref (fixture.recorder);
}

typedef struct
{
  ResilientRecorder *recorder;
  gpointer data;
  guint *freed;
} Foreign;

/* What a user may do when something of his is freed. */
static void
foreign_free_cb (gpointer data)
{
  Foreign *foreign = data;

  resilient_recorder_get_result_count (foreign->recorder);
  ++*foreign->freed;
  g_free (foreign->data);
  g_free (foreign);
}

/* A result, or event, that is the last to hold something with a free function of the user's. */
static void
record_foreign (ResilientRecorder *recorder, guint *freed)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GUri) uri = g_uri_parse ("http://127.0.0.1/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GBytes) body = NULL;
  Foreign *foreign = g_new (Foreign, 1);

  *foreign = (Foreign){ recorder, g_malloc0 (10), freed };
  body = g_bytes_new_with_free_func (foreign->data, 10, foreign_free_cb, foreign);
  context = make_context ("x");
  response = resilient_response_new_full (200, "OK", uri, SOUP_HTTP_1_1, headers, body, 0.1, -1);
  result = resilient_result_new (context,
                                 RESILIENT_RESULT_STATUS_SUCCESS,
                                 response,
                                 NULL,
                                 RESILIENT_FAILURE_NONE,
                                 1,
                                 1,
                                 0.5,
                                 NULL);
  resilient_recorder_ended (recorder, result, RESILIENT_REASON_SUCCESS, 0);
}

/* A deadlock if anything were released under the lock. */
static void
test_release (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  guint freed = 0;

  record_foreign (recorder, &freed);
  g_assert_cmpuint (freed, ==, 0);
  record_foreign (recorder, &freed);
  g_assert_cmpuint (freed, ==, 1);
  resilient_recorder_set_max_result_bytes (recorder, 5);
  g_assert_cmpuint (freed, ==, 2);
  resilient_recorder_set_max_result_bytes (recorder, 50);
  record_foreign (recorder, &freed);
  g_assert_cmpuint (resilient_recorder_clear_old_results (recorder, 0), ==, 1);
  g_assert_cmpuint (freed, ==, 3);
  record_foreign (recorder, &freed);
  resilient_recorder_set_max_results (recorder, 0);
  g_assert_cmpuint (freed, ==, 4);
  resilient_recorder_set_max_results (recorder, 1);
  record_foreign (recorder, &freed);
  resilient_recorder_set_result_ttl (recorder, 0);
  g_assert_cmpuint (freed, ==, 5);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/recorder-threads/order", test_order);
  g_test_add_func ("/recorder-threads/snapshots", test_snapshots);
  g_test_add_func ("/recorder-threads/subscribers", test_subscribers);
  g_test_add_func ("/recorder-threads/wanted-cleared", test_wanted_cleared);
  g_test_add_func ("/recorder-threads/release", test_release);

  return g_test_run ();
}
