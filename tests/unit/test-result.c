/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-result-private.h"

#include "resilient-attempt-private.h"
#include "resilient-error.h"
#include "resilient-response-private.h"
#include "test-clock.h"
#include "test-util.h"

static ResilientResponse *
make_response (void)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GBytes) body = g_bytes_new_static ("hello", 5);

  return resilient_response_new_full (503, NULL, uri, SOUP_HTTP_1_1, headers, body, 0.1, -1.0);
}

/* Newest first. */
static GSList *
make_log (void)
{
  GSList *log = NULL;

  log = g_slist_prepend (
    log,
    resilient_attempt_new (
      1, 10, 0.1, RESILIENT_FAILURE_CONNECT, 0, 0.0, FALSE, 0, RESILIENT_REASON_RETRY));
  log = g_slist_prepend (log,
                         resilient_attempt_new (2,
                                                20,
                                                0.2,
                                                RESILIENT_FAILURE_STATUS,
                                                503,
                                                1.0,
                                                FALSE,
                                                1,
                                                RESILIENT_REASON_RETRIES_EXHAUSTED));
  return log;
}

static ResilientResult *
make_result (ResilientResultStatus status, gboolean whole)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("id", NULL, NULL, NULL);
  g_autoptr (ResilientResponse) response = whole ? make_response () : NULL;
  GSList *log = whole ? make_log () : NULL;
  g_autoptr (GError) error = whole ? g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "words") : NULL;

  ResilientResult *result =
    resilient_result_new (context,
                          status,
                          response,
                          error,
                          whole ? RESILIENT_FAILURE_STATUS : RESILIENT_FAILURE_NONE,
                          2,
                          1,
                          1.5,
                          log);

  g_slist_free_full (log, (GDestroyNotify) resilient_attempt_unref);
  return result;
}

static void
test_getters (void)
{
  g_autoptr (ResilientResult) result = make_result (RESILIENT_RESULT_STATUS_ERROR, TRUE);

  g_assert_cmpstr (resilient_result_get_request_id (result), ==, "id");
  g_assert_cmpstr (
    resilient_request_context_get_request_id (resilient_result_get_context (result)), ==, "id");
  g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_ERROR);
  g_assert_cmpuint (
    resilient_response_get_status_code (resilient_result_get_response (result)), ==, 503);
  g_assert_error (resilient_result_get_error (result), G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmphex (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_STATUS);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  g_assert_cmpfloat (resilient_result_get_total_time (result), ==, 1.5);
  g_assert_cmpuint (resilient_result_get_weight (result), ==, 5);
  g_assert_cmpint (resilient_result_get_created_at (result), ==, resilient_clock_get_real ());
  g_assert_cmpint (resilient_result_get_created_boot (result), ==, test_clock_get ());
}

static void
test_bare (void)
{
  g_autoptr (ResilientResult) result = make_result (RESILIENT_RESULT_STATUS_PENDING, FALSE);
  g_autoptr (ResilientResult) same = resilient_result_without_body (result);
  g_autoptr (GPtrArray) attempts = resilient_result_list_attempts (result);

  g_assert_null (resilient_result_get_response (result));
  g_assert_null (resilient_result_get_error (result));
  g_assert_cmpuint (resilient_result_get_weight (result), ==, 0);
  g_assert_true (same == result);
  g_assert_cmpuint (attempts->len, ==, 0);
}

static void
test_status (void)
{
  const struct
  {
    ResilientResultStatus status;
    gboolean is_success, is_error;
  } rows[] = {
    { RESILIENT_RESULT_STATUS_PENDING, FALSE, FALSE },
    { RESILIENT_RESULT_STATUS_SUCCESS, TRUE, FALSE },
    { RESILIENT_RESULT_STATUS_ERROR, FALSE, TRUE },
    { RESILIENT_RESULT_STATUS_TIMEOUT, FALSE, TRUE },
    { RESILIENT_RESULT_STATUS_CANCELLED, FALSE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientResult) result = make_result (rows[i].status, FALSE);

      g_assert_cmpint (resilient_result_is_success (result), ==, rows[i].is_success);
      g_assert_cmpint (resilient_result_is_error (result), ==, rows[i].is_error);
    }
}

static void
test_age (void)
{
  g_autoptr (ResilientResult) result = make_result (RESILIENT_RESULT_STATUS_SUCCESS, FALSE);

  g_assert_cmpfloat (resilient_result_get_age (result), ==, 0.0);
  test_clock_pass (0.25);
  test_clock_suspend (3.0);
  test_clock_set_real (resilient_clock_get_real () + G_TIME_SPAN_HOUR);
  g_assert_cmpfloat (resilient_result_get_age (result), ==, 3.25);
  test_clock_set_real (resilient_clock_get_real () - G_TIME_SPAN_HOUR);
}

static void
test_list_attempts (void)
{
  ResilientResult *result = make_result (RESILIENT_RESULT_STATUS_ERROR, TRUE);
  g_autoptr (GPtrArray) attempts = resilient_result_list_attempts (result);
  g_autoptr (GPtrArray) again = resilient_result_list_attempts (result);

  /* An array of the caller's own, of the same attempts. */
  g_assert_true (attempts != again);
  g_assert_cmpuint (attempts->len, ==, 2);
  g_assert_true (attempts->pdata[0] == again->pdata[0]);
  g_ptr_array_set_size (again, 0);

  /* It outlives the result. */
  resilient_result_unref (result);
  g_assert_cmpuint (resilient_attempt_get_number (attempts->pdata[0]), ==, 1);
  g_assert_cmpuint (resilient_attempt_get_number (attempts->pdata[1]), ==, 2);
}

static void
test_without_body (void)
{
  ResilientResult *result = make_result (RESILIENT_RESULT_STATUS_ERROR, TRUE);
  g_autoptr (ResilientResult) slim = NULL;
  g_autoptr (ResilientResult) same = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  gint64 created_at = resilient_result_get_created_at (result);

  test_clock_pass (1);
  slim = resilient_result_without_body (result);
  g_assert_true (slim != result);
  g_assert_true (resilient_response_has_body (resilient_result_get_response (result)));
  resilient_result_unref (result);

  g_assert_false (resilient_response_has_body (resilient_result_get_response (slim)));
  g_assert_cmpuint (resilient_result_get_weight (slim), ==, 0);
  g_assert_cmpstr (resilient_result_get_request_id (slim), ==, "id");
  g_assert_cmpint (resilient_result_get_status (slim), ==, RESILIENT_RESULT_STATUS_ERROR);
  g_assert_cmpstr (resilient_result_get_error (slim)->message, ==, "words");
  g_assert_cmpfloat (resilient_result_get_total_time (slim), ==, 1.5);
  g_assert_cmpint (resilient_result_get_created_at (slim), ==, created_at);
  g_assert_cmpfloat (resilient_result_get_age (slim), ==, 1.0);
  attempts = resilient_result_list_attempts (slim);
  g_assert_cmpuint (attempts->len, ==, 2);

  same = resilient_result_without_body (slim);
  g_assert_true (same == slim);
}

static void
test_copy (void)
{
  ResilientResult *result = make_result (RESILIENT_RESULT_STATUS_ERROR, TRUE);
  ResilientResult *copy = resilient_result_copy (result);
  ResilientResult *boxed = g_boxed_copy (RESILIENT_TYPE_RESULT, result);

  g_assert_true (copy == result);
  g_assert_true (boxed == result);
  resilient_result_unref (result);
  g_boxed_free (RESILIENT_TYPE_RESULT, boxed);
  g_assert_cmpuint (resilient_result_get_attempts (copy), ==, 2);
  resilient_result_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/result/getters", test_getters);
  g_test_add_func ("/result/bare", test_bare);
  g_test_add_func ("/result/status", test_status);
  g_test_add_func ("/result/age", test_age);
  g_test_add_func ("/result/list-attempts", test_list_attempts);
  g_test_add_func ("/result/without-body", test_without_body);
  g_test_add_func ("/result/copy", test_copy);

  return g_test_run ();
}
