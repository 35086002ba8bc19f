/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* What every request is promised under the default policy. */

static void
test_success (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("one", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "hello"), NULL);
  response = client_get (fixture, "/", context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "hello");

  result =
    assert_result (fixture, "one", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  g_assert_false (resilient_result_is_error (result));
  g_assert_null (resilient_result_get_error (result));
  g_assert_true (resilient_result_get_response (result) == response);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  wait_last_events (fixture, 1);
  g_assert_cmpuint (fixture->events->len, ==, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_SUCCESS, "one"), ==, 1);
}

static void
test_second_attempt (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("two", policy);
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "at last"), NULL);
  call = resilient_client_start (fixture->client, request, context, NULL);
  call_wait_state (call, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpuint (resilient_call_get_failure (call), ==, RESILIENT_FAILURE_CONNECT);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), >, 100);
  fault_server_set_listening (fixture->server, TRUE);
  g_assert_true (resilient_call_retry_now (call));
  response = call_wait (call, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "at last");
  g_assert_false (resilient_call_retry_now (call));

  result =
    assert_result (fixture, "two", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 2);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  attempts = resilient_result_list_attempts (result);
  g_assert_cmpuint (attempts->len, ==, 2);
  g_assert_cmpuint (
    resilient_attempt_get_failure (attempts->pdata[0]), ==, RESILIENT_FAILURE_CONNECT);
  g_assert_cmpuint (resilient_attempt_get_sends (attempts->pdata[0]), ==, 0);
  g_assert_cmpuint (resilient_attempt_get_failure (attempts->pdata[1]), ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpuint (resilient_attempt_get_number (attempts->pdata[1]), ==, 2);
  g_assert_cmpuint (resilient_attempt_get_status_code (attempts->pdata[1]), ==, 200);
}

static void
test_three_attempts (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("three", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_null (response);

  result =
    assert_result (fixture, "three", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 3);
  g_assert_true (resilient_result_is_error (result));
  g_assert_true (g_error_matches (
    resilient_result_get_error (result), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED));
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 0);
  wait_last_events (fixture, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, "three"), ==, 2);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_ERROR, "three"), ==, 1);
  g_assert_cmpuint (fixture->events->len, ==, 3);
}

static void
test_statuses_are_answers (ClientFixture *fixture, gconstpointer flags)
{
  const guint statuses[] = { 204, 400, 404, 429, 500, 503 };

  for (gsize i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autofree char *id = g_strdup_printf ("status-%u", statuses[i]);
      g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GError) error = NULL;

      fault_server_next (
        fixture->server, "/", fault_answer (statuses[i], "Retry-After: 7", "said"), NULL);
      response = client_get (fixture, "/", context, &error);
      g_assert_no_error (error);
      assert_response (response, statuses[i], statuses[i] == 204 ? "" : "said");
      g_assert_cmpfloat (resilient_response_get_retry_after (response), ==, 7);
      result =
        assert_result (fixture, id, RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 1);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, G_N_ELEMENTS (statuses));
}

static void
test_timeout_is_final (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("late", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  resilient_client_set_read_timeout (fixture->client, 0.05);
  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_null (response);
  result = assert_result (
    fixture, "late", RESILIENT_RESULT_STATUS_TIMEOUT, RESILIENT_FAILURE_READ_TIMEOUT, 1);
  wait_last_events (fixture, 1);
  g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_TIMEOUT, "late"), ==, 1);
  g_assert_cmpuint (fixture->events->len, ==, 1);
}

#define N_SIBLINGS 5

static void
test_siblings (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (N_SIBLINGS);
  ResilientRequestContext *contexts[N_SIBLINGS];
  TestResult results[N_SIBLINGS] = { 0 };

  for (guint i = 0; i < N_SIBLINGS; i++)
    {
      g_autofree char *id = g_strdup_printf ("sibling-%u", i);
      g_autofree char *path = g_strdup_printf ("/%u", i);
      GVariantDict dict;
      g_autoptr (GError) error = NULL;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "number", "u", i);
      contexts[i] = resilient_request_context_new (id, policy, g_variant_dict_end (&dict), &error);
      g_assert_no_error (error);
      for (guint n = 0; n < i; n++)
        fault_server_next (fixture->server, path, fault_answer (503, NULL, ""), NULL);
      fault_server_on (fixture->server, path, fault_answer (200, NULL, id), NULL);
    }
  for (guint i = 0; i < N_SIBLINGS; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);

      client_start_get (fixture, path, contexts[i], NULL, &results[i]);
    }
  for (guint i = 0; i < N_SIBLINGS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &results[i], &error);
      const char *id = resilient_request_context_get_request_id (contexts[i]);
      g_autoptr (ResilientResult) result = NULL;

      g_assert_no_error (error);
      assert_response (response, 200, id);
      result =
        assert_result (fixture, id, RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, i + 1);
      g_assert_cmpuint (
        resilient_request_context_get_current_attempt (resilient_result_get_context (result)),
        ==,
        i);
      g_assert_cmpuint (resilient_request_context_get_current_attempt (contexts[i]), ==, 0);
    }

  wait_last_events (fixture, N_SIBLINGS);
  for (guint i = 0; i < N_SIBLINGS; i++)
    {
      const char *id = resilient_request_context_get_request_id (contexts[i]);

      g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, id), ==, i);
      g_assert_cmpuint (count_events (fixture, RESILIENT_EVENT_TYPE_SUCCESS, id), ==, 1);
      for (guint n = 0; n <= i; n++)
        {
          ResilientEventType type =
            n < i ? RESILIENT_EVENT_TYPE_RETRY : RESILIENT_EVENT_TYPE_SUCCESS;
          ResilientEvent *event = find_event (fixture, type, id, n < i ? n : 0);
          GVariant *metadata =
            resilient_request_context_get_metadata (resilient_event_get_context (event));
          guint number;

          g_assert_true (g_variant_lookup (metadata, "number", "u", &number));
          g_assert_cmpuint (number, ==, i);
        }
      resilient_request_context_unref (contexts[i]);
    }
}

static void
test_retry_events (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  const double nominal[] = { 0.002, 0.004, 0.008 };

  resilient_retry_policy_builder_set_max_retries (builder, 3);
  resilient_retry_policy_builder_set_base_delay (builder, 0.002);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  context = context_new ("again", policy);
  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);

  wait_last_events (fixture, 1);
  g_assert_cmpuint (fixture->events->len, ==, G_N_ELEMENTS (nominal) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (nominal); i++)
    {
      ResilientEvent *event = fixture->events->pdata[i];
      ResilientRequestContext *event_context = resilient_event_get_context (event);

      g_assert_cmpint (resilient_event_get_event_type (event), ==, RESILIENT_EVENT_TYPE_RETRY);
      g_assert_cmpstr (resilient_request_context_get_request_id (event_context), ==, "again");
      g_assert_cmpuint (resilient_request_context_get_current_attempt (event_context), ==, i + 1);
      g_assert_cmpuint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_CONNECT);
      g_assert_true (g_error_matches (
        resilient_event_get_error (event), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED));
      /* proportional jitter of 0.2 */
      g_assert_cmpfloat (resilient_event_get_delay (event), >=, nominal[i] * 0.8);
      g_assert_cmpfloat (resilient_event_get_delay (event), <=, nominal[i] * 1.2);
      g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_RETRY);
    }
  g_assert_cmpuint (resilient_request_context_get_current_attempt (
                      resilient_event_get_context (fixture->events->pdata[3])),
                    ==,
                    3);
}

static void
close_in_handler_cb (ResilientClient *client, ResilientEvent *event, TestResult *result)
{
  resilient_client_close_async (client, 0, NULL, test_result_cb, result);
}

static void
test_close_in_handler (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("closing", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) closed = { 0 };

  g_signal_connect (fixture->client, "retry", G_CALLBACK (close_in_handler_cb), &closed);
  response = client_get (fixture, "/", context, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (
    resilient_client_close_finish (fixture->client, test_result_wait (&closed), &error));
  g_assert_no_error (error);
  result = assert_result (
    fixture, "closing", RESILIENT_RESULT_STATUS_CANCELLED, RESILIENT_FAILURE_CANCELLED, 1);
}

static void
test_closed (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequestContext) context = context_new ("cut-off", NULL);
  g_autoptr (ResilientRequestContext) late = context_new ("too-late", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  fault_server_wait_requests (fixture->server, 1);
  client_close (fixture, 0);
  response = client_end_get (fixture, &slot, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  result = assert_result (
    fixture, "cut-off", RESILIENT_RESULT_STATUS_CANCELLED, RESILIENT_FAILURE_CANCELLED, 1);

  response = client_get (fixture, "/", late, &error);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
  g_assert_null (response);
  g_assert_null (resilient_client_get_result (fixture->client, "too-late"));
  stats = resilient_client_get_stats (fixture->client);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  wait_last_events (fixture, 1);
  test_run_pending ();
  g_assert_cmpuint (fixture->events->len, ==, 1);
}

static void
test_clear_old_results (ClientFixture *fixture, gconstpointer flags)
{
  const char *ids[] = { "a", "b", "c" };

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, ""), NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (ResilientRequestContext) context = context_new (ids[i], NULL);
      g_autoptr (ResilientResponse) response = client_get (fixture, "/", context, NULL);

      assert_response (response, 200, "");
    }
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 3);
  g_assert_cmpuint (resilient_client_clear_old_results (fixture->client, 3600), ==, 0);
  g_assert_cmpuint (resilient_client_clear_old_results (fixture->client, 0), ==, 3);
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 0);
  g_assert_null (resilient_client_get_result (fixture->client, "a"));
}

static void
test_refused_before_sending (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *good = fault_server_uri (fixture->server, "/");
  const struct
  {
    const char *method, *uri, *name, *value;
  } rows[] = {
    { "GET IT", good, NULL, NULL },
    { "", good, NULL, NULL },
    { "GET\r\nX: y", good, NULL, NULL },
    { "GET", "ftp://127.0.0.1/", NULL, NULL },
    { "GET", "/relative", NULL, NULL },
    { "GET", "http://", NULL, NULL },
    { "GET", "", NULL, NULL },
    { "GET", "http://127.0.0.1/\r\n", NULL, NULL },
    { "GET", good, "X", "a\r\nY: b" },
    { "GET", good, "X", "a\nb" },
    { "GET", good, "X\r\nY", "a" },
    { "GET", good, "X Y", "a" },
    { "GET", good, "", "a" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new (rows[i].method, rows[i].uri);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("row %" G_GSIZE_FORMAT, i);
      if (rows[i].name != NULL)
        resilient_request_set_header (request, rows[i].name, rows[i].value);
      response = client_send (fixture, request, NULL, &error);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_null (response);
    }
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 0);
  g_assert_cmpuint (fixture->events->len, ==, 0);
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 0);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/contract/success", test_success, FAULT_SERVER_PLAIN },
    { "/contract/second-attempt", test_second_attempt, FAULT_SERVER_REFUSING },
    { "/contract/three-attempts", test_three_attempts, FAULT_SERVER_REFUSING },
    { "/contract/statuses-are-answers", test_statuses_are_answers, FAULT_SERVER_PLAIN },
    { "/contract/timeout-is-final", test_timeout_is_final, FAULT_SERVER_PLAIN },
    { "/contract/siblings", test_siblings, FAULT_SERVER_PLAIN },
    { "/contract/retry-events", test_retry_events, FAULT_SERVER_REFUSING },
    { "/contract/close-in-handler", test_close_in_handler, FAULT_SERVER_REFUSING },
    { "/contract/closed", test_closed, FAULT_SERVER_PLAIN },
    { "/contract/clear-old-results", test_clear_old_results, FAULT_SERVER_PLAIN },
    { "/contract/refused-before-sending", test_refused_before_sending, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
