/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"

/* The way of a call over scripted attempts, in virtual time. */

static void
test_success (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_QUEUED);
  test_run_pending ();

  result = resilient_call_get_result (call);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  g_assert_true (resilient_result_is_success (result));
  assert_events (f, "success");
}

static void
test_one_retry (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientEvent) event = NULL;
  double delay;

  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);

  event = resilient_subscription_try_next (f->events);
  g_assert_cmpint (resilient_event_get_event_type (event), ==, RESILIENT_EVENT_TYPE_RETRY);
  g_assert_cmpuint (
    resilient_request_context_get_current_attempt (resilient_event_get_context (event)), ==, 1);
  g_assert_cmpint (resilient_event_get_failure (event), ==, RESILIENT_FAILURE_CONNECT);
  g_assert_error (resilient_event_get_error (event), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  delay = resilient_event_get_delay (event);
  g_assert_cmpfloat_with_epsilon (resilient_call_get_delay_left (call), delay, 1e-5);

  test_clock_run (delay - 0.001);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  test_clock_run (0.002);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);

  result = resilient_call_get_result (call);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
  g_assert_true (resilient_result_is_success (result));
  assert_events (f, "success");
}

static void
test_exhausted (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) log = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  call = start (f);
  test_clock_run (60);

  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  result = resilient_call_get_result (call);
  g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_ERROR);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 3);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 0);
  g_assert_error (resilient_result_get_error (result), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_nonnull (strstr (resilient_result_get_error (result)->message, "3"));
  log = resilient_result_list_attempts (result);
  g_assert_cmpuint (log->len, ==, 3);
  g_assert_cmpint (resilient_attempt_get_reason (log->pdata[1]), ==, RESILIENT_REASON_RETRY);
  g_assert_cmpint (
    resilient_attempt_get_reason (log->pdata[2]), ==, RESILIENT_REASON_RETRIES_EXHAUSTED);
  g_assert_cmpfloat (resilient_attempt_get_delay_before (log->pdata[2]), >, 0);
  assert_events (f, "retry retry error");
}

/* The default policy takes these for final. */
static void
test_final (Fixture *f, gconstpointer data)
{
  static const struct
  {
    Step step;
    const char *events;
  } rows[] = {
    { STEP_STATUS (404), "success" },
    { STEP_STATUS (503), "success" },
    { { .failure = RESILIENT_FAILURE_READ_TIMEOUT,
        .code = G_IO_ERROR_TIMED_OUT,
        .retry_after = -1 },
      "timeout" },
    { { .failure = RESILIENT_FAILURE_CONNECT_TIMEOUT,
        .code = G_IO_ERROR_TIMED_OUT,
        .nothing_sent = TRUE,
        .retry_after = -1 },
      "timeout" },
    { { .failure = RESILIENT_FAILURE_DISCONNECT,
        .code = G_IO_ERROR_CONNECTION_CLOSED,
        .retry_after = -1 },
      "error" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientCall) call = NULL;
      g_autoptr (ResilientResult) result = NULL;
      Step step = rows[i].step;

      step.domain = G_IO_ERROR;
      add_step (f->stub, step);
      call = start (f);
      test_clock_run (60);
      result = resilient_call_get_result (call);
      g_assert_cmpuint (resilient_result_get_attempts (result), ==, 1);
      assert_events (f, rows[i].events);
    }
}

/* What will be retried is not read; what is final is. */
static void
test_status_body (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  fixture_set_policy (f, resilient_retry_policy_get_standard ());
  add_step (f->stub, (Step) STEP_STATUS (503));
  call = start (f);
  test_clock_run (200);

  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  g_assert_cmpuint (resilient_test_stub_get_discarded (f->stub), ==, 3);
  result = resilient_call_get_result (call);
  g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_ERROR);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_STATUS);
  g_assert_true (resilient_response_has_body (resilient_result_get_response (result)));
  assert_events (f, "retry retry retry error");
}

/* What fell silent is not tried again on the same connection. */
static void
test_new_connection (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;

  fixture_set_policy (f, resilient_retry_policy_get_standard ());
  add_step (f->stub,
            (Step){ .failure = RESILIENT_FAILURE_READ_TIMEOUT,
                    .domain = G_IO_ERROR,
                    .code = G_IO_ERROR_TIMED_OUT });
  add_step (f->stub, (Step) STEP_STATUS (503));
  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_new_connections (f->stub), ==, 0);
  test_clock_run (100);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  g_assert_cmpuint (resilient_test_stub_get_new_connections (f->stub), ==, 1);
  assert_events (f, "retry retry success");
}

static void
test_retry_now (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  g_assert_false (resilient_call_retry_now (call));
  test_run_pending ();
  g_assert_true (resilient_call_retry_now (call));
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_false (resilient_call_retry_now (call));
}

static void
count_notify_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Handlers with a detail count as much as those without. */
static void
test_notify (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  guint n_state = 0, n_attempt = 0, n_priority = 0;

  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  g_signal_connect (call, "notify::state", G_CALLBACK (count_notify_cb), &n_state);
  g_signal_connect (call, "notify::attempt", G_CALLBACK (count_notify_cb), &n_attempt);
  g_signal_connect (call, "notify::priority", G_CALLBACK (count_notify_cb), &n_priority);
  test_run_pending ();
  g_assert_cmpuint (n_state, >=, 1);
  g_assert_cmpuint (n_attempt, ==, 1);
  test_clock_run (10);
  g_assert_cmpuint (n_state, >=, 2);
  g_assert_cmpuint (n_attempt, ==, 2);
  g_assert_cmpuint (n_priority, ==, 0);
  resilient_call_set_priority (call, 3);
  test_run_pending ();
  g_assert_cmpuint (n_priority, ==, 1);
}

typedef enum
{
  BEFORE_FIRST_TURN,
  QUEUED,
  SENDING,
  WAITING,
  N_PHASES
} Phase;

/* A call brought to @phase; in QUEUED another one holds the only slot. */
static ResilientCall *
start_to (Fixture *f, Phase phase, ResilientCall **other)
{
  ResilientCall *call;

  *other = NULL;
  resilient_test_stub_clear_steps (f->stub);
  if (phase == WAITING)
    add_step (f->stub, (Step) STEP_REFUSED);
  else
    add_step (f->stub, (Step) STEP_HANG);
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
  if (phase == QUEUED)
    *other = start (f);
  call = start (f);
  if (phase != BEFORE_FIRST_TURN)
    test_run_pending ();

  return call;
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  for (Phase phase = 0; phase < N_PHASES; phase++)
    {
      g_autoptr (ResilientCall) other = NULL;
      g_autoptr (ResilientCall) call = start_to (f, phase, &other);
      guint started = resilient_test_stub_get_started (f->stub);
      guint n_callbacks = 0;

      clear_events (f);
      resilient_call_wait_async (call, NULL, count_cancelled_cb, &n_callbacks);
      resilient_call_cancel (call);
      resilient_call_cancel (call);
      test_run_pending ();
      g_assert_cmpuint (n_callbacks, ==, 1);
      assert_events (f, "cancelled");
      g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, started);

      /* Waiting after the end gives the same. */
      resilient_call_wait_async (call, NULL, count_cancelled_cb, &n_callbacks);
      test_run_pending ();
      g_assert_cmpuint (n_callbacks, ==, 2);

      if (other != NULL)
        resilient_call_cancel (other);
      test_run_pending ();
      clear_events (f);
      g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 0);
    }
}

/* What the attempt to come would have borne is not what the last event bears. */
static void
test_last_context (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) other = NULL;
  g_autoptr (ResilientCall) call = start_to (f, WAITING, &other);
  g_autoptr (ResilientRequestContext) next = resilient_call_get_context (call);
  g_autoptr (ResilientRequestContext) last = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientEvent) event = NULL;

  g_assert_cmpuint (resilient_request_context_get_current_attempt (next), ==, 1);
  clear_events (f);
  resilient_call_cancel (call);
  test_run_pending ();
  event = resilient_subscription_try_next (f->events);
  g_assert_cmpuint (
    resilient_request_context_get_current_attempt (resilient_event_get_context (event)), ==, 0);
  result = resilient_call_get_result (call);
  g_assert_cmpuint (
    resilient_request_context_get_current_attempt (resilient_result_get_context (result)), ==, 0);
  last = resilient_call_get_context (call);
  g_assert_cmpuint (resilient_request_context_get_current_attempt (last), ==, 0);
}

static void
settle_and_count_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint *n_callbacks = user_data;

  ++*n_callbacks;
  test_run_pending ();
  g_assert_cmpuint (*n_callbacks, ==, 3);
}

/* A nested loop in the callback of one who waits for a call serves the others who do. */
static void
test_nested_waiters (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  guint n_callbacks = 0;

  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  for (guint i = 0; i < 3; i++)
    resilient_call_wait_async (call, NULL, settle_and_count_cb, &n_callbacks);
  test_run_pending ();
  g_assert_cmpuint (n_callbacks, ==, 3);
}

static void
test_deadline (Fixture *f, gconstpointer data)
{
  fixture_set_timeouts (f, 0, 0.5);
  for (Phase phase = QUEUED; phase <= SENDING; phase++)
    {
      g_autoptr (ResilientCall) other = NULL;
      g_autoptr (ResilientCall) call = start_to (f, phase, &other);
      g_autoptr (ResilientResult) result = NULL;

      test_clock_run (0.499);
      g_assert_cmpint (resilient_call_get_state (call), !=, RESILIENT_CALL_STATE_DONE);
      test_clock_run (0.002);
      result = resilient_call_get_result (call);
      g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_DEADLINE);
      g_assert_cmpint (resilient_result_get_status (result), ==, RESILIENT_RESULT_STATUS_TIMEOUT);
      g_assert_error (resilient_result_get_error (result), G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
      clear_events (f);
    }

  /* A sleep that would outlast it is not begun: the real failure is what is told. */
  {
    g_autoptr (ResilientCall) other = NULL;
    g_autoptr (ResilientCall) call = start_to (f, WAITING, &other);
    g_autoptr (ResilientResult) result = resilient_call_get_result (call);

    g_assert_error (resilient_result_get_error (result), G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
    assert_events (f, "error");
  }
}

static void
test_queue_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) other = NULL;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  fixture_set_timeouts (f, 2, 0);
  call = start_to (f, QUEUED, &other);
  test_clock_run (1.9);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_QUEUED);
  test_clock_run (0.2);
  result = resilient_call_get_result (call);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_QUEUE_TIMEOUT);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 0);
  g_assert_cmpint (resilient_call_get_state (other), ==, RESILIENT_CALL_STATE_SENDING);
  resilient_call_cancel (other);
  test_run_pending ();
}

static void
test_own_queue_timeout (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/", NULL);
  ResilientOverrides overrides = RESILIENT_OVERRIDES_NONE;
  g_autoptr (ResilientCall) other = NULL;
  g_autoptr (ResilientCall) patient = NULL;
  g_autoptr (ResilientCall) call = NULL;

  fixture_set_timeouts (f, 2, 0);
  patient = start_to (f, QUEUED, &other);
  overrides.queue_timeout = 1;
  resilient_frozen_request_set_overrides (frozen, &overrides);
  call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
  test_clock_run (1.1);
  g_assert_cmpint (resilient_call_get_failure (call), ==, RESILIENT_FAILURE_QUEUE_TIMEOUT);
  g_assert_cmpint (resilient_call_get_state (patient), ==, RESILIENT_CALL_STATE_QUEUED);
  resilient_call_cancel (patient);
  resilient_call_cancel (other);
  test_run_pending ();
}

/* libsoup holds on to a cancelled attempt: the call is done at once, its slot is not free
 * before. */
static void
test_detached_keeps_slot (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) first = NULL;
  g_autoptr (ResilientCall) second = NULL;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);
  add_step (f->stub, (Step){ .takes = -1, .retry_after = -1, .released_after = 5 });
  add_step (f->stub, (Step) STEP_OK);
  first = start (f);
  second = start (f);
  test_run_pending ();
  resilient_call_cancel (first);
  test_clock_run (4.9);
  g_assert_cmpuint (resilient_gate_get_active (resilient_engine_get_gate (f->engine)), ==, 1);
  g_assert_cmpuint (resilient_gate_get_running (resilient_engine_get_gate (f->engine)), ==, 0);
  g_assert_cmpint (resilient_call_get_state (first), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (second), ==, RESILIENT_CALL_STATE_QUEUED);
  test_clock_run (0.2);
  g_assert_cmpint (resilient_call_get_state (second), ==, RESILIENT_CALL_STATE_DONE);
  assert_events (f, "cancelled success");
}

static void
test_sleepers (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);
  int n_fds = g_main_context_query (g_main_context_default (), G_MAXINT, &(int){ 0 }, NULL, 0);
  const guint n_sleepers = test_is_quick () ? 10000 : 100000;
  int timeout;

  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, G_MAXUINT);
  resilient_test_stub_set_keeps_attempts (f->stub, FALSE);
  add_step (f->stub, (Step) STEP_REFUSED);
  for (guint i = 0; i < n_sleepers; i++)
    g_object_unref (start (f));
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, n_sleepers);
  g_assert_cmpuint (resilient_timer_queue_get_length (timers), ==, n_sleepers);
  g_assert_cmpuint (resilient_test_stub_get_max_live (f->stub), <=, 100);

  /* No timer, idle or descriptor each: nothing to do for the context, and nothing that would wake
   * it. */
  g_assert_false (g_main_context_pending (NULL));
  g_assert_cmpint (
    g_main_context_query (g_main_context_default (), G_MAXINT, &timeout, NULL, 0), ==, n_fds);
  g_assert_cmpint (timeout, ==, -1);

  test_clock_run (60);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3 * n_sleepers);
  g_assert_cmpuint (resilient_timer_queue_get_length (timers), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/call/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("success", test_success);
  ADD ("one-retry", test_one_retry);
  ADD ("exhausted", test_exhausted);
  ADD ("final", test_final);
  ADD ("status-body", test_status_body);
  ADD ("new-connection", test_new_connection);
  ADD ("retry-now", test_retry_now);
  ADD ("notify", test_notify);
  ADD ("cancel", test_cancel);
  ADD ("last-context", test_last_context);
  ADD ("nested-waiters", test_nested_waiters);
  ADD ("deadline", test_deadline);
  ADD ("queue-timeout", test_queue_timeout);
  ADD ("queue-timeout/own", test_own_queue_timeout);
  ADD ("detached-keeps-slot", test_detached_keeps_slot);
  ADD ("sleepers", test_sleepers);

  return g_test_run ();
}
