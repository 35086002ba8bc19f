/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"
#include "resilient-client.h"
#include "resilient-error.h"
#include "resilient-redirect-private.h"
#include "resilient-request-private.h"
#include "resilient-retry-policy-builder.h"

/* The same thing on several servers, which are tried in turn. In virtual time, over scripted
 * attempts. */

static const char *const mirrors[] = { "http://b.test/x", "https://c.test:8443/x", NULL };

static ResilientRetryPolicy *
make_policy (int max_retries)
{
  const guint16 statuses[] = { 503 };
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  ResilientRetryPolicy *policy;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  resilient_retry_policy_builder_set_retry_on (
    builder, RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_DISCONNECT | RESILIENT_FAILURE_STATUS);
  resilient_retry_policy_builder_set_retry_statuses (builder, statuses, G_N_ELEMENTS (statuses));
  resilient_retry_policy_builder_set_respect_retry_after (builder, TRUE);
  resilient_retry_policy_builder_set_max_retry_after (builder, 60);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  return policy;
}

static ResilientCall *
start_with_key (Fixture *f, const char *method, int max_retries, const char *key)
{
  g_autoptr (ResilientRequest) request = resilient_request_new (method, "http://a.test/x");
  g_autoptr (ResilientRetryPolicy) policy = make_policy (max_retries);
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  resilient_request_set_fallback_uris (request, mirrors);
  resilient_request_set_retry_policy (request, policy);
  if (key != NULL)
    resilient_request_set_idempotency_key (request, key);
  frozen = resilient_request_freeze (request, &error);
  g_assert_no_error (error);
  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

static ResilientCall *
start_mirrored (Fixture *f, const char *method, int max_retries)
{
  return start_with_key (f, method, max_retries, NULL);
}

static void
assert_uris (Fixture *f, const char *expected)
{
  g_autoptr (GPtrArray) attempts = resilient_test_stub_list_attempts (f->stub);
  g_autoptr (GString) hosts = g_string_new (NULL);

  /* "http://a.test/x": the letter of its host */
  for (guint i = 0; i < attempts->len; i++)
    g_string_append_c (hosts,
                       strstr (resilient_test_attempt_get_uri (attempts->pdata[i]), "//")[2]);
  g_assert_cmpstr (hosts->str, ==, expected);
}

/* Each once without a delay, then around with that of the policy, as often as that allows. */
static void
test_around (Fixture *f, gconstpointer data)
{
  Step refused = STEP_REFUSED;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  add_step (f->stub, refused);
  call = start_mirrored (f, "GET", 5);
  test_clock_run (0);
  assert_uris (f, "abc");
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  test_clock_run (3.9);
  assert_uris (f, "abc");
  /* the third retry: 1 s, doubled twice */
  test_clock_run (0.2);
  assert_uris (f, "abca");
  test_clock_run (100);
  assert_uris (f, "abcabc");
  assert_events (f, "retry retry retry retry retry error");

  result = resilient_call_get_result (call);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 6);
}

/* The answer tells where it came from, and its slots have gone back, each to its own origin. */
static void
test_second_answers (Fixture *f, gconstpointer data)
{
  Step refused = STEP_REFUSED;
  Step ok = STEP_OK;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  /* what the first one has held on to comes back after the end */
  refused.released_after = 5;
  ok.takes = 1;
  add_step (f->stub, refused);
  add_step (f->stub, ok);
  call = start_mirrored (f, "GET", 2);
  test_clock_run (0.5);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GUri) uri =
        g_uri_parse (i == 0 ? "http://a.test/" : mirrors[0], SOUP_HTTP_URI_FLAGS, NULL);
      g_autoptr (ResilientOrigin) origin =
        resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);

      g_assert_cmpuint (resilient_origin_get_active_count (origin), ==, i);
    }
  test_clock_run (1);
  assert_uris (f, "ab");
  assert_events (f, "retry success");
  result = resilient_call_get_result (call);
  g_assert_cmpstr (
    g_uri_get_host (resilient_response_get_uri (resilient_result_get_response (result))),
    ==,
    "b.test");
}

/* Each server is left alone for as long as it asked, and no other is. */
static void
test_waits (Fixture *f, gconstpointer data)
{
  Step busy = { .status = 503, .retry_after = 20 };
  Step less_busy = { .status = 503, .retry_after = 3 };
  Step refused = STEP_REFUSED;
  Step ok = STEP_OK;
  g_autoptr (ResilientCall) call = NULL;

  /* a asks for 20 s, b for 3, and c is not there */
  refused.takes = 2;
  add_step (f->stub, busy);
  add_step (f->stub, less_busy);
  add_step (f->stub, refused);
  add_step (f->stub, refused);
  add_step (f->stub, ok);
  call = start_mirrored (f, "GET", 5);
  test_clock_run (19.9);
  assert_uris (f, "abc");
  /* up to a tenth later */
  test_clock_run (1.9);
  assert_uris (f, "abca");
  /* a is not there any more, and b's wait is long over: only the policy's own is left */
  test_clock_run (12);
  assert_uris (f, "abcab");
  assert_events (f, "retry retry retry retry success");
}

/* What one of them asks for is kept from round to round, the longest of it; more than the policy
 * allows ends no request where another one failed last, without a response that says so. */
static void
test_waits_again (Fixture *f, gconstpointer data)
{
  Step busy = { .status = 503, .retry_after = 20 };
  Step less_busy = { .status = 503, .retry_after = 0 };
  Step for_ever = { .status = 503, .retry_after = 3600 };
  Step refused = STEP_REFUSED;
  Step ok = STEP_OK;
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, busy);
  add_step (f->stub, refused);
  add_step (f->stub, refused);
  add_step (f->stub, less_busy);
  add_step (f->stub, refused);
  add_step (f->stub, for_ever);
  add_step (f->stub, for_ever);
  add_step (f->stub, refused);
  add_step (f->stub, ok);
  call = start_mirrored (f, "GET", 20);
  test_clock_run (19.9);
  assert_uris (f, "abc");
  test_clock_run (2.2);
  assert_uris (f, "abca");
  /* each with the wait of the policy before it, up to half a minute */
  test_clock_run (100);
  assert_uris (f, "abcabcab");
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  test_clock_run (100);
  assert_uris (f, "abcabcabc");
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  clear_events (f);
}

/* What the policy does not retry, or must not be sent twice, goes to no mirror either. */
static void
test_kinds (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *method;
    Step step;
    int max_retries;
    const char *uris;
  } rows[] = {
    { "GET", STEP_REFUSED, 0, "a" },
    { "GET", STEP_REFUSED, 1, "ab" },
    { "POST", STEP_REFUSED, 2, "abc" },
    { "GET", STEP_STATUS (404), 2, "a" },
    { "GET", STEP_STATUS (503), 2, "abc" },
    { "POST", STEP_STATUS (503), 2, "a" },
    { "GET", { .status = 503, .retry_after = 3600 }, 5, "abc" },
    { "GET",
      { .failure = RESILIENT_FAILURE_DISCONNECT,
        .domain = G_IO_ERROR,
        .code = G_IO_ERROR_CONNECTION_CLOSED },
      2,
      "abc" },
    { "POST",
      { .failure = RESILIENT_FAILURE_DISCONNECT,
        .domain = G_IO_ERROR,
        .code = G_IO_ERROR_CONNECTION_CLOSED },
      2,
      "a" },
    { "PUT",
      { .failure = RESILIENT_FAILURE_DISCONNECT,
        .domain = G_IO_ERROR,
        .code = G_IO_ERROR_CONNECTION_CLOSED },
      2,
      "abc" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientCall) call = NULL;

      resilient_test_stub_clear (f->stub);
      add_step (f->stub, rows[i].step);
      g_test_message ("row %u", i);
      call = start_mirrored (f, rows[i].method, rows[i].max_retries);
      test_clock_run (0);
      assert_uris (f, rows[i].uris);
      test_clock_run (100);
      clear_events (f);
    }
}

/* A key is known to the server that may have had the request, and to no other: what may be sent
 * again for its key alone stays where it was sent. */
static void
test_key (Fixture *f, gconstpointer data)
{
  const Step refused = STEP_REFUSED;
  const Step lost = { .failure = RESILIENT_FAILURE_DISCONNECT,
                      .domain = G_IO_ERROR,
                      .code = G_IO_ERROR_CONNECTION_CLOSED };
  const Step busy = STEP_STATUS (503);
  const struct
  {
    Step first, second;
    const char *at_once, *in_the_end;
  } rows[] = {
    { refused, refused, "abc", "abca" },
    { lost, lost, "a", "aaaa" },
    /* whatever comes after it */
    { lost, refused, "a", "aaaa" },
    { busy, refused, "a", "aaaa" },
    { refused, lost, "ab", "abbb" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientCall) call = NULL;

      resilient_test_stub_clear (f->stub);
      add_step (f->stub, rows[i].first);
      add_step (f->stub, rows[i].second);
      g_test_message ("row %u", i);
      call = start_with_key (f, "POST", 3, "key");
      test_clock_run (0);
      assert_uris (f, rows[i].at_once);
      test_clock_run (100);
      assert_uris (f, rows[i].in_the_end);
      clear_events (f);
    }
}

/* By the app's word it may be repeated anywhere. */
static void
test_idempotent_by_word (Fixture *f, gconstpointer data)
{
  const Step busy = STEP_STATUS (503);
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", "http://a.test/x");
  g_autoptr (ResilientRetryPolicy) policy = make_policy (2);
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (ResilientCall) call = NULL;

  resilient_request_set_fallback_uris (request, mirrors);
  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_YES);
  frozen = resilient_request_freeze (request, NULL);
  g_assert_nonnull (frozen);
  add_step (f->stub, busy);
  call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
  test_clock_run (0);
  assert_uris (f, "abc");
  clear_events (f);
}

/* A server whose breaker is open is left out, and neither it nor an empty budget of the first one
 * keeps a request from the others. */
static void
test_guards (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *open; /* hosts */
    gboolean poor;    /* the first one's budget pays nothing */
    const char *uris;
  } rows[] = {
    { "", FALSE, "abc" }, { "a", FALSE, "bc" }, { "b", FALSE, "ac" }, { "c", FALSE, "ab" },
    { "ab", FALSE, "c" }, { "abc", FALSE, "" }, { "", TRUE, "abc" },  { "a", TRUE, "bc" },
  };
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0, 1, NULL);
  const Step refused = STEP_REFUSED;

  g_assert_true (resilient_retry_budget_try_withdraw (budget));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) origins = g_ptr_array_new_with_free_func (g_object_unref);
      g_autoptr (ResilientCall) call = NULL;
      g_autoptr (ResilientResult) result = NULL;

      resilient_test_stub_clear (f->stub);
      add_step (f->stub, refused);
      for (guint j = 0; j < 3; j++)
        {
          g_autoptr (GUri) uri =
            g_uri_parse (j == 0 ? "http://a.test/" : mirrors[j - 1], SOUP_HTTP_URI_FLAGS, NULL);
          ResilientOrigin *origin =
            resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);
          g_autoptr (ResilientCircuitBreaker) breaker = NULL;

          g_ptr_array_add (origins, origin);
          resilient_origin_set_circuit_policy (origin, resilient_circuit_policy_get_default ());
          breaker = resilient_origin_get_circuit_breaker (origin);
          resilient_circuit_breaker_reset (breaker);
          if (strchr (rows[i].open, "abc"[j]) != NULL)
            resilient_circuit_breaker_trip (breaker);
        }
      resilient_origin_set_retry_budget (origins->pdata[0], rows[i].poor ? budget : NULL);

      g_test_message ("row %u", i);
      call = start_mirrored (f, "GET", 2);
      test_clock_run (0);
      assert_uris (f, rows[i].uris);
      test_clock_run (1);
      resilient_call_cancel (call);
      test_clock_run (1);
      result = resilient_call_get_result (call);
      if (rows[i].uris[0] == '\0')
        g_assert_error (resilient_result_get_error (result),
                        RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
      clear_events (f);
    }
}

/* A cancel, between any two of them. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  Step slow = STEP_REFUSED;

  slow.takes = 1;
  slow.released_after = 1;
  add_step (f->stub, slow);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (ResilientCall) call = start_mirrored (f, "GET", 5);

      test_clock_run (0.5 * i);
      resilient_call_cancel (call);
      test_clock_run (5);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
      clear_events (f);
    }
}

/* What is secret stays with the origin of the request; the rest goes along, with what was added to
 * the query. */
static void
test_secrets (void)
{
  static const char *const uris[] = { "http://a.test/mirror", "https://a.test/x?y=2", NULL };
  static const char *const expected[] = { "http://a.test/mirror?z=1", "https://a.test/x?y=2&z=1" };
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://a.test/x");
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (ResilientHeaders) marks = resilient_headers_new ();
  g_autoptr (GError) error = NULL;
  GPtrArray *list;

  resilient_headers_mark_secret (marks, "x-key-of-origin");
  resilient_request_set_header (request, "X-Key-Of-Origin", "3");
  resilient_request_set_header (request, "Authorization", "Bearer 1");
  resilient_request_set_header (request, "X-Key", "2");
  resilient_request_mark_header_secret (request, "X-Key");
  resilient_request_set_header (request, "Accept", "text/plain");
  resilient_request_add_query_param (request, "z", "1");
  resilient_request_set_fallback_uris (request, uris);
  frozen = resilient_request_freeze (request, &error);
  g_assert_no_error (error);
  resilient_frozen_request_mark_secrets (frozen, marks);
  list = resilient_frozen_request_get_mirrors (frozen);
  g_assert_cmpuint (list->len, ==, 2);
  for (guint i = 0; i < list->len; i++)
    {
      ResilientFrozenRequest *mirror = list->pdata[i];
      g_autoptr (ResilientHeaders) merged = NULL;
      ResilientRequestPlan plan;

      g_assert_cmpstr (resilient_frozen_request_get_uri_text (mirror), ==, expected[i]);
      resilient_frozen_request_ensure_uri (mirror);
      resilient_request_plan_init (&plan, mirror);
      merged = resilient_request_plan_merge_headers (
        &plan, NULL, resilient_frozen_request_get_headers (mirror));
      g_assert_cmpstr (resilient_headers_get_one (merged, "Accept"), ==, "text/plain");
      /* the second one is of another scheme, and so of another origin */
      g_assert_cmpint (resilient_headers_get_one (merged, "Authorization") != NULL, ==, i == 0);
      g_assert_cmpint (resilient_headers_get_one (merged, "X-Key") != NULL, ==, i == 0);
      g_assert_cmpint (resilient_headers_get_one (merged, "X-Key-Of-Origin") != NULL, ==, i == 0);
      resilient_request_plan_clear (&plan);
    }
}

static void
test_bad_uris (void)
{
  static const char *const bad[] = {
    "", "b.test/x", "ftp://b.test/", "http:///x", "http://b\r\n/"
  };
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://a.test/x");
  g_autoptr (ResilientFrozenRequest) good = NULL;
  g_autoptr (GError) error = NULL;
  const char *const none[] = { NULL };

  g_assert_null (resilient_request_get_fallback_uris (request));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *const uris[] = { "http://b.test/", bad[i], NULL };
      g_autoptr (ResilientFrozenRequest) frozen = NULL;

      resilient_request_set_fallback_uris (request, uris);
      frozen = resilient_request_freeze (request, &error);
      g_assert_null (frozen);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_nonnull (strstr (error->message, "fallback-uris"));
      g_clear_error (&error);
    }

  /* set anew, it counts no more; a copy has it too */
  g_object_set (request, "fallback-uris", mirrors, NULL);
  {
    g_autoptr (ResilientRequest) copy = resilient_request_copy (request);

    g_assert_true (g_strv_equal (resilient_request_get_fallback_uris (copy), mirrors));
  }
  resilient_request_set_fallback_uris (request, none);
  g_assert_null (resilient_request_get_fallback_uris (request));
  good = resilient_request_freeze (request, &error);
  g_assert_no_error (error);
  g_assert_null (resilient_frozen_request_get_mirrors (good));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/mirrors/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("around", test_around);
  ADD ("second-answers", test_second_answers);
  ADD ("waits", test_waits);
  ADD ("waits-again", test_waits_again);
  ADD ("kinds", test_kinds);
  ADD ("key", test_key);
  ADD ("idempotent-by-word", test_idempotent_by_word);
  ADD ("guards", test_guards);
  ADD ("cancel", test_cancel);
  g_test_add_func ("/mirrors/secrets", test_secrets);
  g_test_add_func ("/mirrors/bad-uris", test_bad_uris);

  return g_test_run ();
}
