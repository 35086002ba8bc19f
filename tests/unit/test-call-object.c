/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"
#include "resilient-request-private.h"

/* A call as an object: what its properties tell, and what can be asked of one that does nothing. */

static void
test_properties (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autofree char *id = NULL;
  ResilientCallState state;
  ResilientFailure failure;
  guint attempt, max_attempts, status;
  gint64 sent, received, upload, download;
  int priority;

  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_STATUS (404));
  call = start (f);
  g_object_set (call, "priority", -5, NULL);
  test_run_pending ();

  g_object_get (call,
                "request-id",
                &id,
                "context",
                &context,
                "state",
                &state,
                "attempt",
                &attempt,
                "max-attempts",
                &max_attempts,
                "failure",
                &failure,
                "status-code",
                &status,
                "result",
                &result,
                "bytes-sent",
                &sent,
                "bytes-received",
                &received,
                "upload-size",
                &upload,
                "download-size",
                &download,
                "priority",
                &priority,
                NULL);
  g_assert_cmpstr (id, ==, resilient_call_get_request_id (call));
  g_assert_cmpstr (id, ==, resilient_request_context_get_request_id (context));
  /* that of the attempt to come */
  g_assert_cmpuint (resilient_request_context_get_current_attempt (context), ==, 1);
  g_assert_cmpint (state, ==, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpuint (attempt, ==, 1);
  g_assert_cmpuint (max_attempts, ==, 3);
  g_assert_cmpuint (failure, ==, RESILIENT_FAILURE_CONNECT);
  g_assert_cmpuint (status, ==, 0);
  g_assert_null (result);
  g_assert_cmpint (sent, ==, 0);
  g_assert_cmpint (received, ==, 0);
  g_assert_cmpint (upload, ==, 0);
  g_assert_cmpint (download, ==, -1);
  g_assert_cmpint (priority, ==, -5);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), >, 0);

  test_clock_run (2);
  g_object_get (call, "state", &state, "status-code", &status, "result", &result, NULL);
  g_assert_cmpint (state, ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (status, ==, 404);
  g_assert_nonnull (result);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, 2);
  /* no sleep, no rest of it */
  g_assert_cmpfloat (resilient_call_get_delay_left (call), ==, 0);
  /* what was can't be pushed ahead or called off */
  g_assert_false (resilient_call_retry_now (call));
  resilient_call_cancel (call);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  assert_events (f, "retry success");
}

static void
count_notify_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_priority (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  guint n_notified = 0;

  add_step (f->stub, (Step) STEP_HANG);
  call = start (f);
  g_signal_connect (call, "notify::priority", G_CALLBACK (count_notify_cb), &n_notified);
  resilient_call_set_priority (call, 7);
  resilient_call_set_priority (call, 7);
  test_run_pending ();
  g_assert_cmpuint (n_notified, ==, 1);
  g_assert_cmpint (resilient_call_get_priority (call), ==, 7);
  resilient_call_cancel (call);
  test_run_pending ();
}

/* A call that sleeps has no place in a queue to change. */
static void
test_priority_asleep (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  resilient_call_set_priority (call, -1);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  test_clock_run (5);
  assert_events (f, "retry success");
}

/* What is known before the end, and after it. */
static void
test_snapshot (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) before = NULL;
  g_autoptr (ResilientResult) after = NULL;
  g_autoptr (ResilientResult) result = NULL;

  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  call = start (f);
  test_run_pending ();
  before = resilient_call_snapshot (call);
  g_assert_cmpint (resilient_result_get_status (before), ==, RESILIENT_RESULT_STATUS_PENDING);
  test_clock_run (2);
  after = resilient_call_snapshot (call);
  result = resilient_call_get_result (call);
  g_assert_true (after == result);
}

/* Requests may share an id: the newest is found, each ends by itself, in whatever order. */
static void
test_same_id (Fixture *f, gconstpointer data)
{
  const guint orders[][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 }, { 2, 0, 1 }, { 1, 2, 0 } };
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/", NULL);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("same", NULL, NULL, NULL);

  add_step (f->stub, (Step) STEP_HANG);
  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      ResilientCall *calls[3];
      guint n_left = G_N_ELEMENTS (calls);

      for (guint j = 0; j < G_N_ELEMENTS (calls); j++)
        calls[j] = resilient_call_start (
          f->engine, resilient_engine_get_home (f->engine), frozen, context, NULL);
      test_run_pending ();

      for (guint j = 0; j < G_N_ELEMENTS (calls); j++)
        {
          g_autoptr (GPtrArray) found = resilient_engine_list_calls (f->engine, "same");
          g_autoptr (ResilientCall) newest = resilient_engine_find_call (f->engine, "same");
          int last = 2;

          while (resilient_call_get_state (calls[last]) == RESILIENT_CALL_STATE_DONE)
            last--;
          g_assert_true (newest == calls[last]);
          g_assert_cmpuint (found->len, ==, n_left--);
          resilient_call_cancel (calls[orders[i][j]]);
          test_run_pending ();
        }
      g_assert_null (resilient_engine_find_call (f->engine, "same"));
      for (guint j = 0; j < G_N_ELEMENTS (calls); j++)
        g_object_unref (calls[j]);
      clear_events (f);
    }
}

/* Who asks for the end when others are just being told waits for its turn behind them. */
static void
append_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (RESILIENT_CALL (source), result, NULL);

  g_assert_nonnull (response);
  g_string_append_c (user_data, 'o');
}

static void
ask_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  append_cb (source, result, user_data);
  resilient_call_wait_async (RESILIENT_CALL (source), NULL, append_cb, user_data);
  g_string_append_c (user_data, 'a');
}

static void
test_late_waiter (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GString) log = g_string_new (NULL);

  add_step (f->stub, (Step) STEP_OK);
  call = start (f);
  resilient_call_wait_async (call, NULL, ask_again_cb, log);
  resilient_call_wait_async (call, NULL, append_cb, log);
  test_run_pending ();
  g_assert_cmpstr (log->str, ==, "oaoo");
}

/* Bindings can make one that belongs to no client: it says that nothing is known. */
static void
test_bare (void)
{
  g_autoptr (ResilientCall) call = g_object_new (RESILIENT_TYPE_CALL, NULL);

  g_assert_null (resilient_call_get_request_id (call));
  g_assert_null (resilient_call_get_context (call));
  g_assert_null (resilient_call_get_result (call));
  g_assert_cmpuint (resilient_call_get_attempt (call), ==, 0);
  g_assert_cmpuint (resilient_call_get_max_attempts (call), ==, 0);
  g_assert_cmpint (resilient_call_get_upload_size (call), ==, 0);
  g_assert_cmpint (resilient_call_get_download_size (call), ==, -1);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), ==, 0);
  resilient_call_set_priority (call, 3);
  g_assert_cmpint (resilient_call_get_priority (call), ==, 3);
}

/* No limit is told as 0. */
static void
test_unlimited (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (-1, 1);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new ("endless", policy, NULL, NULL);
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "http://localhost/", NULL);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) attempts = NULL;
  ResilientAttempt *newest;

  add_step (f->stub, (Step) STEP_REFUSED);
  call =
    resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, context, NULL);
  g_assert_cmpuint (resilient_call_get_max_attempts (call), ==, 0);
  for (guint i = 0; i < 60; i++)
    test_clock_run (60);
  resilient_call_cancel (call);
  test_run_pending ();

  /* Its log keeps the newest attempts alone. */
  result = resilient_call_get_result (call);
  attempts = resilient_result_list_attempts (result);
  g_assert_cmpuint (resilient_result_get_attempts (result), >, attempts->len);
  newest = attempts->pdata[attempts->len - 1];
  g_assert_cmpuint (
    resilient_attempt_get_number (newest), ==, resilient_result_get_attempts (result));
  clear_events (f);
}

/* With a key of its own for each send a POST may be repeated after it was on its way. */
static void
test_drawn_key (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", "http://localhost/");
  g_autoptr (GError) error = NULL;

  resilient_request_set_retry_policy (request, resilient_retry_policy_get_standard ());

  for (guint keys = 0; keys < 2; keys++)
    {
      g_autoptr (ResilientFrozenRequest) frozen = NULL;
      g_autoptr (ResilientCall) call = NULL;

      if (keys == 1)
        resilient_request_set_idempotency_key (request, NULL);
      frozen = resilient_request_freeze (request, &error);
      g_assert_no_error (error);
      resilient_test_stub_clear_steps (f->stub);
      add_step (f->stub,
                (Step){
                  .failure = RESILIENT_FAILURE_DISCONNECT,
                  .domain = G_IO_ERROR,
                  .code = G_IO_ERROR_CONNECTION_CLOSED,
                  .retry_after = -1,
                });
      add_step (f->stub, (Step) STEP_OK);
      call =
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);
      test_clock_run (10);
      assert_events (f, keys == 0 ? "error" : "retry success");
    }
}

/* Who slept goes before newcomers, but waits for its turn like they do, and no longer than it
 * may. */
static void
test_woken_to_a_queue (Fixture *f, gconstpointer data)
{
  fixture_set_timeouts (f, 5, 0);
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 1, 0, 100);

  for (guint late = 0; late < 2; late++)
    {
      g_autoptr (ResilientCall) sleeper = NULL;
      g_autoptr (ResilientCall) other = NULL;

      resilient_test_stub_clear_steps (f->stub);
      add_step (f->stub, (Step) STEP_REFUSED);
      add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = late ? 20 : 4 });
      add_step (f->stub, (Step) STEP_OK);
      sleeper = start (f);
      test_run_pending ();
      other = start (f);
      test_run_pending ();
      g_assert_cmpint (resilient_call_get_state (sleeper), ==, RESILIENT_CALL_STATE_WAITING);
      g_assert_cmpint (resilient_call_get_state (other), ==, RESILIENT_CALL_STATE_SENDING);
      test_clock_run (2);
      g_assert_cmpint (resilient_call_get_state (sleeper), ==, RESILIENT_CALL_STATE_QUEUED);
      test_clock_run (30);
      assert_events (f, late ? "retry timeout success" : "retry success success");
    }
}

/* Only the waiting ends, not the call. */
static void
note_error_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_null (resilient_call_wait_finish (RESILIENT_CALL (source), result, user_data));
}

static void
test_waiting_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (GError) error = NULL;

  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  call = start (f);
  resilient_call_wait_async (call, cancellable, note_error_cb, &error);
  g_cancellable_cancel (cancellable);
  test_run_pending ();
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_SENDING);
  test_clock_run (2);
  assert_events (f, "success");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/call-object/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("properties", test_properties);
  ADD ("priority", test_priority);
  ADD ("priority/asleep", test_priority_asleep);
  ADD ("snapshot", test_snapshot);
  ADD ("same-id", test_same_id);
  ADD ("late-waiter", test_late_waiter);
  g_test_add_func ("/call-object/bare", test_bare);
  ADD ("unlimited", test_unlimited);
  ADD ("drawn-key", test_drawn_key);
  ADD ("woken-to-a-queue", test_woken_to_a_queue);
  ADD ("waiting-cancelled", test_waiting_cancelled);

  return g_test_run ();
}
