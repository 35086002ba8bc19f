/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-private.h"
#include "engine-fixture.h"

/* An app that keeps the last answer and shows it while the server is away: an hour of outage, in
 * virtual time, over scripted attempts. */

#define N_BEFORE 10
#define N_OUTAGE 60 /* one request each minute */

typedef struct
{
  guint n_asked;
  guint n_with_response;
} Store;

static ResilientResponse *
store_answer (ResilientRequestContext *context,
              ResilientResponse *response,
              const GError *error,
              gpointer user_data)
{
  Store *store = user_data;
  g_autoptr (GUri) uri = g_uri_parse ("http://a.test/", SOUP_HTTP_URI_FLAGS, NULL);

  store->n_asked++;
  store->n_with_response += response != NULL;
  return resilient_response_new (203, "Stored", uri, NULL, NULL);
}

static ResilientCall *
start_stored (Fixture *f, Store *store)
{
  static const char *const mirrors[] = { "http://b.test/", NULL };
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://a.test/");
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (GError) error = NULL;

  resilient_request_set_retry_policy (request, resilient_retry_policy_get_standard ());
  resilient_request_set_fallback_uris (request, mirrors);
  resilient_request_set_fallback (request, store_answer, store, NULL);
  frozen = resilient_request_freeze (request, &error);
  g_assert_no_error (error);
  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

static guint
run_minutes (Fixture *f, Store *store, guint n)
{
  guint n_stored = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ResilientCall) call = start_stored (f, store);
      g_autoptr (ResilientResult) result = NULL;

      test_clock_run (60);
      result = resilient_call_get_result (call);
      g_assert_nonnull (result);
      g_assert_true (resilient_result_is_success (result));
      n_stored +=
        resilient_response_get_status_code (resilient_result_get_response (result)) == 203;
    }
  return n_stored;
}

/* Nobody sees an error, and the server and its mirror are tried as often as the policy says. */
static void
test_outage (Fixture *f, gconstpointer data)
{
  Step ok = STEP_OK;
  Step refused = STEP_REFUSED;
  Step busy = STEP_STATUS (503);
  Store store = { 0 };

  for (guint i = 0; i < N_BEFORE; i++)
    add_step (f->stub, ok);
  /* three retries each */
  for (guint i = 0; i < 4 * N_OUTAGE; i++)
    add_step (f->stub, i < 2 * N_OUTAGE ? refused : busy);
  add_step (f->stub, ok);

  g_assert_cmpuint (run_minutes (f, &store, N_BEFORE), ==, 0);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, N_BEFORE);
  clear_events (f);
  g_assert_cmpuint (run_minutes (f, &store, N_OUTAGE), ==, N_OUTAGE);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, N_BEFORE + 4 * N_OUTAGE);
  g_assert_cmpuint (store.n_asked, ==, N_OUTAGE);
  g_assert_cmpuint (store.n_with_response, ==, N_OUTAGE / 2);
  clear_events (f);
  g_assert_cmpuint (run_minutes (f, &store, N_BEFORE), ==, 0);
  assert_events (f,
                 "success success success success success success success success success success");
}

/* The time of the request is over while it sleeps before a retry. */
static void
test_deadline (Fixture *f, gconstpointer data)
{
  Step refused = STEP_REFUSED;
  Store store = { 0 };
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  refused.takes = 3;
  add_step (f->stub, refused);
  fixture_set_timeouts (f, 0, 4);
  call = start_stored (f, &store);
  test_clock_run (3.9);
  g_assert_cmpuint (store.n_asked, ==, 0);
  test_clock_run (0.2);
  g_assert_cmpuint (store.n_asked, ==, 1);
  result = resilient_call_get_result (call);
  g_assert_true (resilient_result_is_success (result));
  g_assert_cmpfloat_with_epsilon (resilient_result_get_total_time (result), 4, 0.15);
  assert_events (f, "retry success");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/stored-answers/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("outage", test_outage);
  ADD ("deadline", test_deadline);

  return g_test_run ();
}
