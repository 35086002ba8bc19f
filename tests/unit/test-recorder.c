/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-recorder-private.h"

#include <math.h>

#include "events-fixture.h"

static void
record_ended (ResilientRecorder *recorder, const char *id, ResilientResultStatus status)
{
  g_autoptr (ResilientResult) result = make_result (id, status, 10);

  resilient_recorder_ended (recorder, result, RESILIENT_REASON_SUCCESS, 0);
}

static void
record_retry (ResilientRecorder *recorder)
{
  g_autoptr (ResilientRequestContext) context = make_context (NULL);

  resilient_recorder_retry (
    recorder, context, RESILIENT_FAILURE_CONNECT, RESILIENT_REASON_RETRY, NULL, NULL, 1.5);
}

static gboolean
all_wanted_cb (ResilientEventType type, gpointer data)
{
  return TRUE;
}

static gboolean
one_wanted_cb (ResilientEventType type, gpointer data)
{
  return type == (ResilientEventType) GPOINTER_TO_INT (data);
}

/* Numbers go on while nobody looks. */
static void
test_sequence (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  ResilientEventQueue *queue = resilient_recorder_get_queue (recorder);
  ResilientSubscription *subscription;
  static const guint64 expected[] = { 4, 5, 6 };

  record_retry (recorder);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_SUCCESS);
  record_retry (recorder);
  subscription = resilient_recorder_subscribe (recorder, 10);
  record_retry (recorder);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_ERROR);
  record_ended (recorder, "y", RESILIENT_RESULT_STATUS_ERROR);

  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (ResilientEvent) event = resilient_subscription_try_next (subscription);

      g_assert_cmpuint (resilient_event_get_sequence (event), ==, expected[i]);
    }
  g_assert_null (resilient_subscription_try_next (subscription));
  g_assert_cmpuint (resilient_event_queue_get_length (queue), ==, 0);
  g_assert_finalize_object (subscription);
}

static const struct
{
  ResilientResultStatus status;
  ResilientEventType type;
} types[] = {
  { RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_EVENT_TYPE_SUCCESS },
  { RESILIENT_RESULT_STATUS_ERROR, RESILIENT_EVENT_TYPE_ERROR },
  { RESILIENT_RESULT_STATUS_TIMEOUT, RESILIENT_EVENT_TYPE_TIMEOUT },
  { RESILIENT_RESULT_STATUS_CANCELLED, RESILIENT_EVENT_TYPE_CANCELLED },
};

static void
test_terminal (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
      g_autoptr (ResilientSubscription) subscription = resilient_recorder_subscribe (recorder, 10);
      g_autoptr (ResilientRequestContext) context = make_context ("id");
      g_autoptr (ResilientResponse) response = make_response (10);
      g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "late");
      g_autoptr (ResilientResult) result = resilient_result_new (
        context, types[i].status, response, error, RESILIENT_FAILURE_READ_TIMEOUT, 1, 1, 2, NULL);
      g_autoptr (ResilientResult) stored = NULL;
      g_autoptr (ResilientEvent) event = NULL;
      ResilientResponse *bare;

      resilient_recorder_ended (recorder, result, RESILIENT_REASON_RETRIES_EXHAUSTED, 0);
      stored = resilient_recorder_get_result (recorder, "id");
      g_assert_true (stored == result);

      event = resilient_subscription_try_next (subscription);
      g_assert_cmpint (resilient_event_get_event_type (event), ==, types[i].type);
      g_assert_true (resilient_event_get_context (event) == context);
      g_assert_cmpint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_READ_TIMEOUT);
      g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_RETRIES_EXHAUSTED);
      g_assert_error (resilient_event_get_error (event), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      g_assert_cmpfloat (resilient_event_get_delay (event), ==, 0);
      /* A subscription does not hold on to bodies. */
      bare = resilient_event_get_response (event);
      g_assert_cmpuint (resilient_response_get_status_code (bare), ==, 200);
      g_assert_false (resilient_response_has_body (bare));
    }
}

static void
test_retry (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  g_autoptr (ResilientSubscription) subscription = resilient_recorder_subscribe (recorder, 10);
  g_autoptr (ResilientRequestContext) context = make_context ("id");
  g_autoptr (ResilientRequestContext) next = resilient_request_context_increment_attempt (context);
  g_autoptr (ResilientResponse) response = make_response (10);
  g_autoptr (ResilientEvent) event = NULL;

  resilient_recorder_retry (
    recorder, next, RESILIENT_FAILURE_STATUS, RESILIENT_REASON_RETRY, response, NULL, 2.5);
  event = resilient_subscription_try_next (subscription);
  g_assert_cmpint (resilient_event_get_event_type (event), ==, RESILIENT_EVENT_TYPE_RETRY);
  g_assert_true (resilient_event_get_context (event) == next);
  g_assert_cmpint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpfloat (resilient_event_get_delay (event), ==, 2.5);
  g_assert_false (resilient_response_has_body (resilient_event_get_response (event)));
  /* It is not an end: nothing is stored. */
  g_assert_cmpuint (resilient_recorder_get_result_count (recorder), ==, 0);
}

static void
seen_cb (ResilientEvent *event, gpointer data)
{
  guint64 sequence = resilient_event_get_sequence (event);

  /* What goes to the signals is whole. */
  if (resilient_event_get_event_type (event) != RESILIENT_EVENT_TYPE_RETRY)
    g_assert_true (resilient_response_has_body (resilient_event_get_response (event)));
  g_array_append_val (data, sequence);
}

static void
test_wanted (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  ResilientEventQueue *queue = resilient_recorder_get_queue (recorder);
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GSource) source = resilient_event_queue_attach (queue, NULL, seen_cb, seen, NULL);

  g_assert_cmpuint (resilient_event_queue_get_capacity (queue), ==, 1000);
  record_retry (recorder);
  resilient_recorder_set_wanted_func (
    recorder, one_wanted_cb, GINT_TO_POINTER (RESILIENT_EVENT_TYPE_ERROR));
  record_retry (recorder);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_ERROR);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_SUCCESS);
  resilient_recorder_set_wanted_func (recorder, all_wanted_cb, NULL);
  record_retry (recorder);
  resilient_recorder_set_wanted_func (recorder, NULL, NULL);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_ERROR);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (seen->len, ==, 2);
  g_assert_cmpuint (g_array_index (seen, guint64, 0), ==, 3);
  g_assert_cmpuint (g_array_index (seen, guint64, 1), ==, 5);
  g_source_destroy (source);
}

static void
test_stats (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  g_autoptr (ResilientStats) before = resilient_recorder_get_stats (recorder);
  g_autoptr (ResilientStats) stats = NULL;

  for (guint i = 0; i < 10; i++)
    resilient_recorder_started (recorder);
  for (guint i = 0; i < 12; i++)
    resilient_recorder_attempt (recorder);
  for (guint i = 0; i < 2; i++)
    record_retry (recorder);
  resilient_recorder_refused (recorder);
  for (guint i = 0; i < 4; i++)
    for (guint n = 0; n <= i; n++)
      record_ended (recorder, "x", types[i].status);

  stats = resilient_recorder_get_stats (recorder);
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 10);
  g_assert_cmpuint (resilient_stats_get_attempts (stats), ==, 12);
  g_assert_cmpuint (resilient_stats_get_retries (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, 1);
  g_assert_cmpuint (resilient_stats_get_errors (stats), ==, 2);
  g_assert_cmpuint (resilient_stats_get_timeouts (stats), ==, 3);
  g_assert_cmpuint (resilient_stats_get_cancelled (stats), ==, 4);
  g_assert_cmpfloat_with_epsilon (resilient_stats_get_mean_time (stats), 0.5, 0.001);
  /* A snapshot. */
  g_assert_cmpuint (resilient_stats_get_requests (before), ==, 0);
}

static void
test_results (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  g_autoptr (GPtrArray) list = NULL;

  for (guint i = 0; i < 3; i++)
    record_ended (recorder, (const char *[]){ "x", "y", "z" }[i], RESILIENT_RESULT_STATUS_SUCCESS);
  list = resilient_recorder_list_results (recorder);
  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (resilient_result_get_request_id (list->pdata[0]), ==, "x");
  g_assert_null (resilient_recorder_get_result (recorder, "w"));

  resilient_recorder_set_max_result_bytes (recorder, 20);
  resilient_recorder_set_max_results (recorder, 2);
  g_assert_cmpuint (resilient_recorder_get_result_count (recorder), ==, 2);
  g_assert_cmpuint (resilient_recorder_clear_old_results (recorder, 0), ==, 2);
  g_assert_cmpuint (resilient_recorder_get_result_count (recorder), ==, 0);
  resilient_recorder_set_result_ttl (recorder, 0);
  record_ended (recorder, "x", RESILIENT_RESULT_STATUS_SUCCESS);
  g_assert_null (resilient_recorder_get_result (recorder, "x"));

  for (guint i = 0; i < 2; i++)
    {
      double bad = i == 0 ? -1 : NAN;

      g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*max_age >= 0*");
      g_assert_cmpuint (resilient_recorder_clear_old_results (recorder, bad), ==, 0);
      g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*ttl >= 0*");
      resilient_recorder_set_result_ttl (recorder, bad);
      g_test_assert_expected_messages ();
    }
}

static void
test_close (void)
{
  g_autoptr (ResilientRecorder) recorder = resilient_recorder_new ();
  ResilientSubscription *before = resilient_recorder_subscribe (recorder, 10);
  ResilientSubscription *after;
  g_autoptr (ResilientEvent) event = NULL;

  record_retry (recorder);
  resilient_recorder_close (recorder);
  resilient_recorder_close (recorder);
  record_retry (recorder);
  g_assert_true (resilient_subscription_get_closed (before));
  g_assert_cmpuint (resilient_subscription_get_length (before), ==, 1);
  event = resilient_subscription_try_next (before);
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, 1);

  after = resilient_recorder_subscribe (recorder, 10);
  g_assert_true (resilient_subscription_get_closed (after));
  g_assert_null (resilient_subscription_try_next (after));
  g_assert_finalize_object (before);
  g_assert_finalize_object (after);
}

/* Neither keeps the other alive. */
static void
test_lifetimes (void)
{
  ResilientRecorder *recorder = resilient_recorder_new ();
  ResilientSubscription *kept = resilient_recorder_subscribe (recorder, 10);
  ResilientSubscription *closed = resilient_recorder_subscribe (recorder, 10);

  g_assert_finalize_object (resilient_recorder_subscribe (recorder, 10));
  record_retry (recorder);
  resilient_subscription_close (closed);
  record_retry (recorder);
  g_assert_cmpuint (resilient_subscription_get_length (kept), ==, 2);
  resilient_recorder_unref (recorder);

  g_assert_true (resilient_subscription_get_closed (kept));
  g_assert_cmpuint (resilient_subscription_get_length (kept), ==, 2);
  g_assert_finalize_object (kept);
  g_assert_finalize_object (closed);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/recorder/sequence", test_sequence);
  g_test_add_func ("/recorder/terminal", test_terminal);
  g_test_add_func ("/recorder/retry", test_retry);
  g_test_add_func ("/recorder/wanted", test_wanted);
  g_test_add_func ("/recorder/stats", test_stats);
  g_test_add_func ("/recorder/results", test_results);
  g_test_add_func ("/recorder/close", test_close);
  g_test_add_func ("/recorder/lifetimes", test_lifetimes);

  return g_test_run ();
}
