/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* What observers see: signals, their order and details, subscriptions. */

static void
get_as (ClientFixture *fixture, const char *id, const char *path)
{
  g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", path);
  g_autoptr (ResilientResponse) response = NULL;

  if (g_str_equal (path, "/timeout"))
    resilient_request_set_attempt_timeout (request, 0.05);
  response = client_send (fixture, request, context, NULL);
}

static void
count_cb (ResilientClient *client, ResilientEvent *event, guint *count)
{
  (*count)++;
}

static void
count_notify_cb (guint *count)
{
  (*count)++;
}

/* A server of which each kind of event can be had, under a policy that retries quickly and once. */
static void
serve_all_kinds (ClientFixture *fixture)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);

  fault_server_on (fixture->server, "/success", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/error", fault_answer (503, NULL, "no"), NULL);
  fault_server_on (fixture->server, "/timeout", fault_silence (), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
}

static void
cancel_one (ClientFixture *fixture, const char *id)
{
  g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
  g_auto (TestResult) slot = { 0 };

  client_start_get (fixture, "/timeout", context, NULL, &slot);
  resilient_client_cancel (fixture->client, id);
  g_assert_null (client_end_get (fixture, &slot, NULL));
}

static void
test_signals (ClientFixture *fixture, gconstpointer flags)
{
  const char *nicks[] = { "success", "retry", "error", "timeout", "cancelled" };
  const guint expected[] = { 1, 1, 1, 1, 1 };
  guint detailed[5] = { 0 }, named[5] = { 0 };

  serve_all_kinds (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (nicks); i++)
    {
      g_autofree char *signal = g_strconcat ("event::", nicks[i], NULL);

      g_signal_connect (fixture->client, signal, G_CALLBACK (count_cb), &detailed[i]);
      g_signal_connect (fixture->client, nicks[i], G_CALLBACK (count_cb), &named[i]);
    }
  get_as (fixture, "a", "/success");
  get_as (fixture, "b", "/error");
  get_as (fixture, "c", "/timeout");
  cancel_one (fixture, "d");
  wait_last_events (fixture, 4);
  g_assert_cmpuint (fixture->events->len, ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (nicks); i++)
    {
      g_assert_cmpuint (detailed[i], ==, expected[i]);
      g_assert_cmpuint (named[i], ==, expected[i]);
    }
}

/* A handler that only has a detail is reason enough to emit, as is one for a property alone. */
static void
test_detail_alone (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  g_auto (TestResult) slot = { 0 };
  guint retries = 0, active = 0;

  fault_server_on (fixture->server, "/", fault_answer (503, NULL, "no"), NULL);
  resilient_client_set_retry_policy (client, policy);
  g_signal_connect (client, "event::retry", G_CALLBACK (count_cb), &retries);
  g_signal_connect_swapped (client, "notify::active-count", G_CALLBACK (count_notify_cb), &active);
  resilient_client_get_async (client, uri, NULL, NULL, test_result_cb, &slot);
  test_result_wait (&slot);
  test_run_until_true ((gboolean *) &retries);
  test_run_until_true ((gboolean *) &active);
  g_assert_cmpuint (retries, ==, 1);
}

static void
test_order (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  TestResult slots[8] = { 0 };
  guint64 sequence = 0;

  fault_server_on (fixture->server, "/", fault_answer (503, NULL, "no"), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    client_start_get (fixture, "/", NULL, NULL, &slots[i]);
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    {
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &slots[i], NULL);

      assert_response (response, 503, "no");
    }
  wait_last_events (fixture, G_N_ELEMENTS (slots));
  g_assert_cmpuint (fixture->events->len, ==, 4 * G_N_ELEMENTS (slots));
  for (guint i = 0; i < fixture->events->len; i++)
    {
      ResilientEvent *event = fixture->events->pdata[i];
      const char *id =
        resilient_request_context_get_request_id (resilient_event_get_context (event));
      guint attempt =
        resilient_request_context_get_current_attempt (resilient_event_get_context (event));

      g_assert_cmpuint (resilient_event_get_sequence (event), >, sequence);
      sequence = resilient_event_get_sequence (event);
      g_assert_cmpint (resilient_event_get_timestamp (event), >, G_TIME_SPAN_DAY);
      /* the events of one request come as they happened */
      if (resilient_event_get_event_type (event) == RESILIENT_EVENT_TYPE_RETRY)
        g_assert_true (find_event (fixture, RESILIENT_EVENT_TYPE_RETRY, id, attempt - 1) == event);
      else
        g_assert_cmpuint (attempt, ==, 3);
    }
}

static void
test_contents (ClientFixture *fixture, gconstpointer flags)
{
  ResilientEvent *event;

  serve_all_kinds (fixture);
  get_as (fixture, "a", "/success");
  get_as (fixture, "b", "/error");
  get_as (fixture, "c", "/timeout");
  wait_last_events (fixture, 3);

  event = find_event (fixture, RESILIENT_EVENT_TYPE_SUCCESS, "a", 0);
  assert_response (resilient_event_get_response (event), 200, "ok");
  g_assert_null (resilient_event_get_error (event));
  g_assert_cmpuint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_NONE);
  event = find_event (fixture, RESILIENT_EVENT_TYPE_RETRY, "b", 0);
  g_assert_cmpuint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_STATUS);
  event = find_event (fixture, RESILIENT_EVENT_TYPE_ERROR, "b", 0);
  assert_response (resilient_event_get_response (event), 503, "no");
  g_assert_cmpuint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_RETRIES_EXHAUSTED);
  event = find_event (fixture, RESILIENT_EVENT_TYPE_TIMEOUT, "c", 0);
  g_assert_null (resilient_event_get_response (event));
  g_assert_true (
    g_error_matches (resilient_event_get_error (event), G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
}

static void
test_subscription (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 10);
  g_autoptr (ResilientEvent) success = NULL;
  g_autoptr (ResilientEvent) retry = NULL;
  g_autoptr (ResilientEvent) last = NULL;
  g_autoptr (ResilientEvent) none = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };

  serve_all_kinds (fixture);
  g_assert_null (resilient_subscription_try_next (subscription));
  g_assert_null (resilient_subscription_wait_next (subscription, 0.01, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);

  resilient_subscription_next_async (subscription, NULL, test_result_cb, &slot);
  get_as (fixture, "a", "/success");
  success = resilient_subscription_next_finish (subscription, test_result_wait (&slot), &error);
  g_assert_no_error (error);
  g_assert_cmpint (resilient_event_get_event_type (success), ==, RESILIENT_EVENT_TYPE_SUCCESS);
  g_assert_false (resilient_response_has_body (resilient_event_get_response (success)));
  test_result_clear (&slot);

  get_as (fixture, "b", "/error");
  g_assert_cmpuint (resilient_subscription_get_length (subscription), ==, 2);
  client_close (fixture, 0);
  g_assert_true (resilient_subscription_get_closed (subscription));
  retry = resilient_subscription_wait_next (subscription, -1, NULL, &error);
  g_assert_cmpint (resilient_event_get_event_type (retry), ==, RESILIENT_EVENT_TYPE_RETRY);
  last = resilient_subscription_try_next (subscription);
  g_assert_cmpint (resilient_event_get_event_type (last), ==, RESILIENT_EVENT_TYPE_ERROR);

  /* the end of the stream */
  resilient_subscription_next_async (subscription, NULL, test_result_cb, &slot);
  none = resilient_subscription_next_finish (subscription, test_result_wait (&slot), &error);
  g_assert_no_error (error);
  g_assert_null (none);
}

static void
test_subscription_drops (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 2);
  g_autoptr (ResilientEvent) event = NULL;

  serve_all_kinds (fixture);
  get_as (fixture, "a", "/success");
  get_as (fixture, "b", "/success");
  get_as (fixture, "c", "/success");
  g_assert_cmpuint (resilient_subscription_get_capacity (subscription), ==, 2);
  g_assert_cmpuint (resilient_subscription_get_length (subscription), ==, 2);
  g_assert_cmpuint (resilient_subscription_get_dropped (subscription), ==, 1);
  event = resilient_subscription_try_next (subscription);
  g_assert_cmpstr (
    resilient_request_context_get_request_id (resilient_event_get_context (event)), ==, "b");
}

/* While nobody drains the queue, retries beyond its capacity are dropped and last events are
 * not. */
static void
test_dropped (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (4);
  g_autofree char *uri = fault_server_uri (fixture->server, "/error");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

  serve_all_kinds (fixture);
  resilient_client_set_retry_policy (fixture->client, policy);
  resilient_client_set_event_queue_capacity (fixture->client, 2);
  /* a synchronous request leaves the home context alone, and with it the monitor */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (ResilientResponse) response =
        resilient_client_send (fixture->client, request, NULL, NULL, NULL);

      g_assert_nonnull (response);
    }
  g_assert_cmpuint (resilient_client_get_dropped_events (fixture->client), ==, 6);
  g_assert_cmpuint (resilient_client_get_event_queue_length (fixture->client), ==, 4);
  wait_last_events (fixture, 2);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, NULL), ==, 2);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_ERROR, NULL), ==, 2);
  g_assert_cmpuint (resilient_client_get_event_queue_length (fixture->client), ==, 0);
}

static void
cancel_in_handler_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  g_assert_cmpuint (resilient_client_cancel (client, "b"), ==, 1);
}

static void
test_cancel_in_handler (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("b", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };

  fault_server_on (fixture->server, "/success", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/silent", fault_silence (), NULL);
  g_signal_connect (fixture->client, "success", G_CALLBACK (cancel_in_handler_cb), NULL);
  client_start_get (fixture, "/silent", context, NULL, &slot);
  get_as (fixture, "a", "/success");
  g_assert_null (client_end_get (fixture, &slot, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
nested_loop_cb (ResilientClient *client, ResilientEvent *event, ClientFixture *fixture)
{
  if (g_str_equal (resilient_request_context_get_request_id (resilient_event_get_context (event)),
                   "nested"))
    return;
  /* signals go on inside, and so do timers */
  get_as (fixture, "nested", "/error");
  wait_last_events (fixture, 2);
}

static void
test_nested_loop (ClientFixture *fixture, gconstpointer flags)
{
  serve_all_kinds (fixture);
  g_signal_connect (fixture->client, "success", G_CALLBACK (nested_loop_cb), fixture);
  get_as (fixture, "outer", "/success");
  wait_last_events (fixture, 2);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, "nested"), ==, 1);
}

static void
let_go_cb (ResilientClient *client, ResilientEvent *event, ClientFixture *fixture)
{
  g_clear_object (&fixture->client);
}

static void
test_let_go_in_handler (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/success");
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  fault_server_on (fixture->server, "/success", fault_answer (200, NULL, "ok"), NULL);
  g_signal_connect (fixture->client, "event", G_CALLBACK (let_go_cb), fixture);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  response = call_wait (call, NULL);
  assert_response (response, 200, "ok");
  wait_last_events (fixture, 1);
  test_run_pending ();
  g_assert_null (fixture->client);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/events/signals", test_signals, FAULT_SERVER_PLAIN },
    { "/events/detail-alone", test_detail_alone, FAULT_SERVER_PLAIN },
    { "/events/order", test_order, FAULT_SERVER_PLAIN },
    { "/events/contents", test_contents, FAULT_SERVER_PLAIN },
    { "/events/subscription", test_subscription, FAULT_SERVER_PLAIN },
    { "/events/subscription-drops", test_subscription_drops, FAULT_SERVER_PLAIN },
    { "/events/dropped", test_dropped, FAULT_SERVER_PLAIN },
    { "/events/cancel-in-handler", test_cancel_in_handler, FAULT_SERVER_PLAIN },
    { "/events/nested-loop", test_nested_loop, FAULT_SERVER_PLAIN },
    { "/events/let-go-in-handler", test_let_go_in_handler, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
