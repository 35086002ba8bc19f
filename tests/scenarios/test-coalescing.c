/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"
#include "test-util.h"

/* Many parts of an app that want the same thing at the same time. In virtual time, over scripted
 * attempts. */

#define N_PARTS 50
#define N_ROUNDS 12
#define INTERVAL 5.0

static ResilientCall *
start_part (Fixture *f, gboolean coalesce)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/status", NULL);

  resilient_frozen_request_set_retry_policy (frozen, resilient_retry_policy_get_standard ());
  if (coalesce)
    resilient_frozen_request_set_coalesce (frozen);
  return resilient_call_start (
    f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
}

/* Rounds in which all ask at once. Gives how many attempts were sent. */
static guint
run_rounds (Fixture *f, gboolean coalesce)
{
  guint n_before = resilient_test_stub_get_started (f->stub);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

      for (guint j = 0; j < N_PARTS; j++)
        g_ptr_array_add (calls, start_part (f, coalesce));
      test_clock_run (INTERVAL);
      for (guint j = 0; j < N_PARTS; j++)
        {
          g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[j]);

          g_assert_nonnull (result);
          g_assert_true (resilient_result_is_success (result));
        }
      clear_events (f);
    }
  return resilient_test_stub_get_started (f->stub) - n_before;
}

static int n_shares_told;

/* One answer is enough for all of them. */
static void
test_dashboard (Fixture *f, gconstpointer data)
{
  Step ok = STEP_OK;
  guint without, with;

  ok.takes = 0.1;
  add_step (f->stub, ok);
  without = run_rounds (f, FALSE);
  with = run_rounds (f, TRUE);
  g_test_message ("%u requests without, %u with", without, with);
  g_assert_cmpuint (without, ==, N_PARTS * N_ROUNDS);
  g_assert_cmpuint (with, ==, N_ROUNDS);
  g_assert_cmpint (n_shares_told, ==, (N_PARTS - 1) * N_ROUNDS);
}

/* What is not the same goes by itself: another agent, another key, and what has a body. */
static void
test_alone (Fixture *f, gconstpointer data)
{
  static const char *const agents[] = { NULL, "First/1", "Second/1" };
  Step ok = STEP_OK;
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  ok.takes = 1;
  add_step (f->stub, ok);
  for (guint i = 0; i < G_N_ELEMENTS (agents); i++)
    {
      ResilientCallOptions *options = resilient_engine_lock_settings (f->engine)->options;

      g_clear_pointer (&options->user_agent, g_ref_string_release);
      options->user_agent = agents[i] != NULL ? g_ref_string_new (agents[i]) : NULL;
      resilient_engine_unlock_settings (f->engine);
      for (guint n = 0; n < 2; n++)
        g_ptr_array_add (calls, start_part (f, TRUE));
    }
  for (guint n = 0; n < 2; n++)
    {
      g_autoptr (ResilientFrozenRequest) keyed =
        resilient_frozen_request_new ("GET", "http://localhost/status", NULL);
      g_autoptr (ResilientFrozenRequest) full =
        resilient_frozen_request_new ("GET", "http://localhost/status", NULL);
      g_autoptr (GBytes) body = g_bytes_new_static ("query", 5);

      resilient_frozen_request_take_idempotency_key (keyed, g_strdup ("key"));
      g_assert_true (resilient_frozen_request_set_body (full, "text/plain", body, NULL));
      resilient_frozen_request_set_coalesce (keyed);
      resilient_frozen_request_set_coalesce (full);
      g_ptr_array_add (
        calls,
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), keyed, NULL, NULL));
      g_ptr_array_add (
        calls,
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), full, NULL, NULL));
    }
  test_clock_run (2);
  /* one of each agent, one with the key, and both with a body */
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3 + 1 + 2);
  for (guint i = 0; i < calls->len; i++)
    g_assert_cmpint (resilient_call_get_state (calls->pdata[i]), ==, RESILIENT_CALL_STATE_DONE);
  clear_events (f);
}

/* A server that fails each time at first is not flooded by those who try again: who wakes while
 * another one asks shares that. */
static void
test_retries (Fixture *f, gconstpointer data)
{
  Step busy = STEP_STATUS (503);
  Step ok = STEP_OK;
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *events = NULL;
  guint n_retries = 0;

  busy.takes = ok.takes = 0.1;
  add_step (f->stub, busy);
  add_step (f->stub, ok);
  for (guint j = 0; j < N_PARTS; j++)
    g_ptr_array_add (calls, start_part (f, TRUE));
  test_clock_run (60);
  /* the first retry of each comes within 0.5 s, of which an answer takes 0.1 s */
  g_test_message ("%u attempts", resilient_test_stub_get_started (f->stub));
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), <=, 1 + 6);
  events = take_events (f);
  for (const char *c = events; (c = strstr (c, "retry")) != NULL; c++)
    n_retries++;
  g_assert_cmpuint (n_retries, ==, N_PARTS);
  for (guint j = 0; j < N_PARTS; j++)
    {
      g_autoptr (ResilientResult) result = resilient_call_get_result (calls->pdata[j]);

      g_assert_true (resilient_result_is_success (result));
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
    }
}

/* Each has its own time: who can't wait goes, the others stay. */
static void
test_deadlines (Fixture *f, gconstpointer data)
{
  Step slow = STEP_OK;
  g_autoptr (ResilientCall) hasty = NULL;
  g_autoptr (ResilientCall) patient = NULL;

  slow.takes = 10;
  add_step (f->stub, slow);
  fixture_set_timeouts (f, 0, 3);
  hasty = start_part (f, TRUE);
  test_clock_run (1);
  fixture_set_timeouts (f, 0, 0);
  patient = start_part (f, TRUE);
  test_clock_run (5);
  g_assert_cmpint (resilient_call_get_state (hasty), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (resilient_call_get_failure (hasty), ==, RESILIENT_FAILURE_DEADLINE);
  g_assert_cmpint (resilient_call_get_state (patient), ==, RESILIENT_CALL_STATE_SENDING);
  test_clock_run (5);
  g_assert_cmpint (resilient_call_get_state (patient), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (resilient_call_get_failure (patient), ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  assert_events (f, "timeout success");
}

int
main (int argc, char *argv[])
{
  test_count_lines ("shares that of another request", &n_shares_told);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/coalescing/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("dashboard", test_dashboard);
  ADD ("alone", test_alone);
  ADD ("retries", test_retries);
  ADD ("deadlines", test_deadlines);

  return g_test_run ();
}
