/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-event-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-response-private.h"
#include "test-clock.h"
#include "test-util.h"

static ResilientResponse *
make_response (const char *body)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_new (body, strlen (body)) : NULL;

  return resilient_response_new_full (503, NULL, uri, SOUP_HTTP_1_1, headers, bytes, 0.1, -1.0);
}

static ResilientEvent *
make_event (const char *body, const GError *error)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("id", NULL, NULL, NULL);
  g_autoptr (ResilientResponse) response = body != NULL ? make_response (body) : NULL;

  return resilient_event_new (RESILIENT_EVENT_TYPE_RETRY,
                              context,
                              42,
                              RESILIENT_FAILURE_STATUS,
                              RESILIENT_REASON_RETRY,
                              response,
                              error,
                              1.25);
}

static void
test_getters (void)
{
  g_autoptr (GError) error =
    g_error_new (RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT, "loop");
  g_autoptr (ResilientEvent) event = make_event ("body", error);

  g_assert_cmpint (resilient_event_get_event_type (event), ==, RESILIENT_EVENT_TYPE_RETRY);
  g_assert_cmpstr (
    resilient_request_context_get_request_id (resilient_event_get_context (event)), ==, "id");
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, 42);
  g_assert_cmphex (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpint (resilient_event_get_reason (event), ==, RESILIENT_REASON_RETRY);
  g_assert_cmpfloat (resilient_event_get_delay (event), ==, 1.25);
  g_assert_cmpuint (
    resilient_response_get_status_code (resilient_event_get_response (event)), ==, 503);

  /* The error is a copy. */
  g_assert_true (resilient_event_get_error (event) != error);
  g_assert_error (
    resilient_event_get_error (event), RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  g_assert_cmpstr (resilient_event_get_error (event)->message, ==, "loop");
}

static void
test_bare (void)
{
  g_autoptr (ResilientEvent) event = make_event (NULL, NULL);

  g_assert_null (resilient_event_get_response (event));
  g_assert_null (resilient_event_get_error (event));
}

static void
test_age (void)
{
  g_autoptr (ResilientEvent) event = make_event (NULL, NULL);
  gint64 timestamp = resilient_clock_get_real ();

  g_assert_cmpint (resilient_event_get_timestamp (event), ==, timestamp);
  g_assert_cmpfloat (resilient_event_get_age (event), ==, 0.0);

  /* Suspended time counts, the wall clock does not. */
  test_clock_pass (0.5);
  test_clock_suspend (2.0);
  test_clock_set_real (resilient_clock_get_real () + G_TIME_SPAN_HOUR);
  g_assert_cmpfloat (resilient_event_get_age (event), ==, 2.5);
  g_assert_cmpint (resilient_event_get_timestamp (event), ==, timestamp);
  test_clock_set_real (resilient_clock_get_real () - G_TIME_SPAN_HOUR);
}

static void
assert_same_but_response (ResilientEvent *event, ResilientEvent *other)
{
  g_assert_true (event != other);
  g_assert_cmpint (
    resilient_event_get_event_type (event), ==, resilient_event_get_event_type (other));
  g_assert_true (resilient_event_get_context (event) == resilient_event_get_context (other));
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, resilient_event_get_sequence (other));
  g_assert_cmpint (
    resilient_event_get_timestamp (event), ==, resilient_event_get_timestamp (other));
  g_assert_cmpfloat (resilient_event_get_age (event), ==, resilient_event_get_age (other));
  g_assert_cmphex (resilient_event_get_failure (event), ==, resilient_event_get_failure (other));
  g_assert_cmpint (resilient_event_get_reason (event), ==, resilient_event_get_reason (other));
  g_assert_cmpfloat (resilient_event_get_delay (event), ==, resilient_event_get_delay (other));
  g_assert_cmpstr (
    resilient_event_get_error (event)->message, ==, resilient_event_get_error (other)->message);
}

static void
test_without (void)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "words");
  g_autoptr (ResilientEvent) event = make_event ("body", error);
  g_autoptr (ResilientEvent) without_body = NULL;
  g_autoptr (ResilientEvent) without_response = NULL;
  g_autoptr (ResilientEvent) same_body = NULL;
  g_autoptr (ResilientEvent) same_response = NULL;

  test_clock_pass (1);
  without_body = resilient_event_without_body (event);
  without_response = resilient_event_without_response (event);

  assert_same_but_response (without_body, event);
  g_assert_false (resilient_response_has_body (resilient_event_get_response (without_body)));
  assert_same_but_response (without_response, event);
  g_assert_null (resilient_event_get_response (without_response));

  /* The original keeps all. */
  g_assert_true (resilient_response_has_body (resilient_event_get_response (event)));

  /* Nothing to take away: nothing to copy. */
  same_body = resilient_event_without_body (without_body);
  same_response = resilient_event_without_body (without_response);
  g_assert_true (same_body == without_body);
  g_assert_true (same_response == without_response);
  g_clear_pointer (&same_response, resilient_event_unref);
  same_response = resilient_event_without_response (without_response);
  g_assert_true (same_response == without_response);
}

/* Each outlives the other. */
static void
test_without_lives_alone (void)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "words");
  ResilientEvent *event = make_event ("body", error);
  g_autoptr (ResilientEvent) without_body = resilient_event_without_body (event);
  ResilientRequestContext *context;

  resilient_event_unref (event);
  g_assert_cmpstr (resilient_event_get_error (without_body)->message, ==, "words");
  context = resilient_event_get_context (without_body);
  g_assert_cmpstr (resilient_request_context_get_request_id (context), ==, "id");
}

static void
test_copy (void)
{
  ResilientEvent *event = make_event ("body", NULL);
  ResilientEvent *copy = resilient_event_copy (event);
  ResilientEvent *boxed = g_boxed_copy (RESILIENT_TYPE_EVENT, event);

  g_assert_true (copy == event);
  g_assert_true (boxed == event);
  resilient_event_unref (event);
  g_boxed_free (RESILIENT_TYPE_EVENT, boxed);
  g_assert_cmpuint (resilient_event_get_sequence (copy), ==, 42);
  resilient_event_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/event/getters", test_getters);
  g_test_add_func ("/event/bare", test_bare);
  g_test_add_func ("/event/age", test_age);
  g_test_add_func ("/event/without", test_without);
  g_test_add_func ("/event/without/lives-alone", test_without_lives_alone);
  g_test_add_func ("/event/copy", test_copy);

  return g_test_run ();
}
