/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient.h"

#include <sys/wait.h>
#include <unistd.h>

#include "resilient-client-private.h"
#include "test-clock.h"
#include "test-step.h"
#include "test-util.h"

/* Batches over a script, in virtual time. */

typedef struct
{
  ResilientClient *client;
  ResilientTestStub *stub;
  GPtrArray *requests;
  ResilientBatch *batch;
  GCancellable *cancellable;
  GPtrArray *results;
  GError *error;
  guint n_ended;
  guint n_notified;
  guint last_done;
} Fixture;

static void
add_requests (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      /* Each to a host of its own, so that none waits for another. */
      g_autofree char *uri = g_strdup_printf ("http://host-%u.example/", f->requests->len % 50);

      g_ptr_array_add (f->requests, resilient_request_new ("GET", uri));
    }
}

static void
set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->client = resilient_client_new ();
  f->stub = resilient_test_stub_new ();
  use_stub (resilient_client_peek_engine (f->client), f->stub);
  f->requests = g_ptr_array_new_with_free_func (g_object_unref);
  f->cancellable = g_cancellable_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  test_clock_run (1);
  g_assert_cmpuint (resilient_client_get_active_count (f->client), ==, 0);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 0);
  g_clear_pointer (&f->results, g_ptr_array_unref);
  g_clear_error (&f->error);
  g_ptr_array_unref (f->requests);
  if (f->batch != NULL)
    g_assert_finalize_object (f->batch);
  g_assert_finalize_object (f->client);
  test_run_pending ();
  g_assert_false (g_signal_has_handler_pending (
    f->cancellable, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE), 0, TRUE));
  g_assert_finalize_object (f->cancellable);
  resilient_test_stub_unref (f->stub);
  test_clock_uninstall ();
}

static void
notify_cb (ResilientBatch *batch, GParamSpec *pspec, gpointer data)
{
  Fixture *f = data;
  guint n_done = resilient_batch_get_n_done (batch);

  g_assert_cmpuint (n_done, >, f->last_done);
  g_assert_cmpuint (f->n_ended, ==, 0);
  f->last_done = n_done;
  f->n_notified++;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;

  g_clear_error (&f->error);
  g_clear_pointer (&f->results, g_ptr_array_unref);
  f->results = resilient_batch_run_finish (RESILIENT_BATCH (source), result, &f->error);
  g_assert_true ((f->results == NULL) == (f->error != NULL));
  f->n_ended++;
}

/* Whatever ended it: nothing of the batch is left, and each request has a result. */
static void
assert_ended (Fixture *f)
{
  g_autoptr (GPtrArray) results = resilient_batch_list_results (f->batch);

  g_assert_cmpuint (f->n_ended, ==, 1);
  g_assert_cmpuint (resilient_client_get_active_count (f->client), ==, 0);
  g_assert_cmpuint (results->len, ==, f->requests->len);
  g_assert_cmpuint (resilient_batch_get_n_done (f->batch), ==, f->requests->len);
  for (guint i = 0; i < results->len; i++)
    g_assert_cmpint (
      resilient_result_get_status (results->pdata[i]), !=, RESILIENT_RESULT_STATUS_PENDING);
}

static void
start (Fixture *f, ResilientBatchFlags flags)
{
  f->batch = resilient_batch_new (f->client, f->requests, flags);
  g_signal_connect (f->batch, "notify::n-done", G_CALLBACK (notify_cb), f);
}

static void
run (Fixture *f)
{
  resilient_batch_run_async (f->batch, f->cancellable, ended_cb, f);
  test_run_pending ();
}

static guint
status_of (Fixture *f, guint i)
{
  ResilientResult *result = f->results->pdata[i];

  return resilient_response_get_status_code (resilient_result_get_response (result));
}

/* The first takes longest: the order is that of the requests. */
static void
test_order (Fixture *f, gconstpointer data)
{
  add_requests (f, 4);
  for (guint i = 0; i < 4; i++)
    add_step (f->stub, (Step){ .status = 200 + i, .retry_after = -1, .takes = 4 - i });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  g_assert_cmpuint (resilient_batch_get_n_total (f->batch), ==, 4);
  g_assert_true (resilient_batch_get_client (f->batch) == f->client);
  run (f);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 4);
  for (guint i = 1; i <= 4; i++)
    {
      g_autoptr (GPtrArray) results = NULL;

      g_assert_cmpuint (f->n_ended, ==, 0);
      test_clock_run (1);
      g_assert_cmpuint (resilient_batch_get_n_done (f->batch), ==, i);
      results = resilient_batch_list_results (f->batch);
      g_assert_cmpuint (results->len, ==, i);
    }
  g_assert_no_error (f->error);
  assert_ended (f);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (status_of (f, i), ==, 200 + i);
  g_assert_cmpuint (f->n_notified, ==, 4);
  g_assert_cmpuint (resilient_batch_get_n_failed (f->batch), ==, 0);
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  start (f, RESILIENT_BATCH_FLAGS_FAIL_FAST);
  resilient_batch_run_async (f->batch, f->cancellable, ended_cb, f);
  g_assert_cmpuint (f->n_ended, ==, 0);
  test_run_pending ();
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->results->len, ==, 0);
  assert_ended (f);
}

/* Failures of all kinds are results. */
static void
test_collect (Fixture *f, gconstpointer data)
{
  add_requests (f, 4);
  g_ptr_array_add (f->requests, resilient_request_new ("GET", "not a URI"));
  resilient_client_set_retry_policy (f->client, resilient_retry_policy_get_standard ());
  for (guint i = 0; i < 3; i++)
    add_step (f->stub, (Step){ .status = i == 1 ? 404 : 200, .retry_after = -1, .takes = 1 });
  add_step (f->stub, (Step) STEP_STATUS (503));
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  test_clock_run (100);

  g_assert_no_error (f->error);
  assert_ended (f);
  g_assert_cmpuint (status_of (f, 1), ==, 404);
  g_assert_true (resilient_result_is_success (f->results->pdata[1]));
  g_assert_cmpuint (status_of (f, 3), ==, 503);
  g_assert_cmpuint (resilient_result_get_attempts (f->results->pdata[3]), ==, 4);
  g_assert_error (resilient_result_get_error (f->results->pdata[4]),
                  RESILIENT_CLIENT_ERROR,
                  RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_cmpuint (resilient_batch_get_n_failed (f->batch), ==, 2);
}

static void
test_fail_fast (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (ResilientRetryPolicy) once = resilient_retry_policy_new (0, 0.0);

  add_requests (f, 10);
  resilient_client_set_retry_policy (f->client, once);
  add_step (f->stub, (Step) STEP_OK);
  add_step (f->stub, (Step) STEP_HANG);
  add_step (f->stub,
            (Step){ .failure = RESILIENT_FAILURE_CONNECT,
                    .domain = G_IO_ERROR,
                    .code = G_IO_ERROR_CONNECTION_REFUSED,
                    .nothing_sent = TRUE,
                    .takes = 1 });
  add_step (f->stub, (Step) STEP_HANG);
  start (f, RESILIENT_BATCH_FLAGS_FAIL_FAST);
  resilient_batch_set_max_concurrent (f->batch, 3);
  run (f);
  g_assert_cmpuint (f->n_ended, ==, 0);
  test_clock_run (1);

  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  assert_ended (f);
  /* the other that ran is ended, and no more were started */
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  g_assert_cmpuint (resilient_batch_get_n_failed (f->batch), ==, 1);
  results = resilient_batch_list_results (f->batch);
  g_assert_true (resilient_result_is_success (results->pdata[0]));
  for (guint i = 0; i < 10; i++)
    if (i != 0 && i != 2)
      g_assert_cmpint (
        resilient_result_get_status (results->pdata[i]), ==, RESILIENT_RESULT_STATUS_CANCELLED);
}

/* A status that the policy lists is a failure, and has no error of its own. */
static void
test_fail_fast_status (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;

  resilient_retry_policy_builder_set_max_retries (builder, 0);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  g_assert_nonnull (policy);
  resilient_client_set_retry_policy (f->client, policy);
  add_requests (f, 2);
  add_step (f->stub, (Step) STEP_STATUS (503));
  start (f, RESILIENT_BATCH_FLAGS_FAIL_FAST);
  resilient_batch_set_max_concurrent (f->batch, 1);
  run (f);
  g_assert_error (f->error, RESILIENT_HTTP_ERROR, 503);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
}

static void
test_cancellable (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  add_step (f->stub, (Step) STEP_HANG);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  resilient_batch_set_max_concurrent (f->batch, 2);
  run (f);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 2);
  g_cancellable_cancel (f->cancellable);
  g_cancellable_reset (f->cancellable);
  g_assert_cmpuint (f->n_ended, ==, 0);
  test_run_pending ();
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  g_assert_cmpuint (resilient_batch_get_n_failed (f->batch), ==, 0);
  /* and later, for nothing */
  g_cancellable_cancel (f->cancellable);
  resilient_batch_cancel (f->batch);
  test_run_pending ();
}

static void
test_cancelled_before (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  if (GPOINTER_TO_INT (data))
    resilient_batch_cancel (f->batch);
  else
    g_cancellable_cancel (f->cancellable);
  run (f);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 0);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  add_step (f->stub, (Step) STEP_HANG);
  start (f, RESILIENT_BATCH_FLAGS_FAIL_FAST);
  run (f);
  resilient_batch_cancel (f->batch);
  resilient_batch_cancel (f->batch);
  test_run_pending ();
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_ended (f);
}

/* The last answer comes before the cancel does. */
static void
test_cancel_at_the_end (Fixture *f, gconstpointer data)
{
  add_requests (f, 1);
  add_step (f->stub, (Step) STEP_OK);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  g_assert_cmpuint (f->n_ended, ==, 1);
  resilient_batch_cancel (f->batch);
  test_run_pending ();
  g_assert_no_error (f->error);
  assert_ended (f);
}

static void
test_dispose (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  add_step (f->stub, (Step) STEP_HANG);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  g_object_run_dispose (G_OBJECT (f->batch));
  test_run_pending ();
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_ended (f);
}

/* It goes on without the references of the app. */
static void
test_drop (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  g_clear_object (&f->batch);
  test_clock_run (1);
  g_assert_cmpuint (f->n_ended, ==, 1);
  g_assert_cmpuint (f->results->len, ==, 5);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL));
}

static void
test_close (Fixture *f, gconstpointer data)
{
  add_requests (f, 5);
  add_step (f->stub, (Step) STEP_HANG);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  resilient_batch_set_max_concurrent (f->batch, 2);
  run (f);
  resilient_client_close_async (f->client, 0.0, NULL, closed_cb, NULL);
  test_run_pending ();
  g_assert_no_error (f->error);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  g_assert_cmpint (
    resilient_result_get_status (f->results->pdata[0]), ==, RESILIENT_RESULT_STATUS_CANCELLED);
  g_assert_error (resilient_result_get_error (f->results->pdata[4]),
                  RESILIENT_CLIENT_ERROR,
                  RESILIENT_CLIENT_ERROR_CLOSED);
  g_assert_cmpuint (resilient_batch_get_n_failed (f->batch), ==, 5);
}

static void
second_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GError **error = data;

  g_assert_null (resilient_batch_run_finish (RESILIENT_BATCH (source), result, error));
}

static void
test_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) during = NULL;
  g_autoptr (GError) after = NULL;

  add_requests (f, 2);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  resilient_batch_run_async (f->batch, NULL, second_cb, &during);
  test_clock_run (1);
  g_assert_error (during, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_no_error (f->error);
  assert_ended (f);
  resilient_batch_run_async (f->batch, NULL, second_cb, &after);
  test_run_pending ();
  g_assert_error (after, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
}

/* A turn of the parent's that comes in the child ends nothing there. */
static void
test_fork (Fixture *f, gconstpointer data)
{
  int status = -1;
  pid_t pid;

  add_requests (f, 3);
  for (guint i = 0; i < 3; i++)
    add_step (f->stub, (Step){ .status = 200, .retry_after = -1 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  resilient_batch_run_async (f->batch, NULL, ended_cb, f);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      test_run_pending ();
      resilient_batch_cancel (f->batch);
      test_run_pending ();
      g_assert_cmpuint (f->n_ended, ==, 0);
      g_assert_cmpuint (resilient_batch_get_n_done (f->batch), ==, 0);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  test_clock_run (1);
  assert_ended (f);
}

/* Its own limit, changed while it runs; a sleep before a retry counts. */
static void
test_limit (Fixture *f, gconstpointer data)
{
  add_requests (f, 20);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  g_assert_cmpuint (resilient_batch_get_max_concurrent (f->batch), ==, 0);
  resilient_batch_set_max_concurrent (f->batch, 3);
  run (f);
  test_clock_run (2);
  g_assert_cmpuint (resilient_test_stub_get_max_live (f->stub), ==, 3);
  g_assert_cmpuint (resilient_batch_get_n_done (f->batch), ==, 6);
  g_object_set (f->batch, "max-concurrent", 7u, NULL);
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 7);
  resilient_batch_set_max_concurrent (f->batch, 1);
  test_clock_run (1);
  g_assert_cmpuint (resilient_test_stub_get_live (f->stub), ==, 1);
  test_clock_run (10);
  assert_ended (f);
}

/* A client that lets nothing wait in its queue, and what others send with it. */
static void
test_short_queue (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientStats) stats = NULL;

  add_requests (f, 20);
  resilient_client_set_max_concurrent (f->client, 4);
  resilient_client_set_max_pending (f->client, 0);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  start (f, RESILIENT_BATCH_FLAGS_FAIL_FAST);
  resilient_batch_set_max_concurrent (f->batch, 10);
  run (f);
  test_clock_run (100);
  g_assert_no_error (f->error);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_max_live (f->stub), <=, 4);
  /* what it only tried is no refusal that anybody saw */
  stats = resilient_client_get_stats (f->client);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 0);
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 20);
}

static void
test_many (Fixture *f, gconstpointer data)
{
  guint n = test_is_quick () ? 5000 : 100000;

  resilient_test_stub_set_keeps_attempts (f->stub, FALSE);
  add_requests (f, n);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 0.01 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  run (f);
  while (f->n_ended == 0)
    {
      /* The client knows of no more than may run. */
      g_assert_cmpuint (resilient_client_get_active_count (f->client), <=, 100);
      g_assert_cmpuint (resilient_client_get_pending_count (f->client), <=, 100);
      test_clock_run (0.1);
    }
  g_assert_no_error (f->error);
  assert_ended (f);
  g_assert_cmpuint (resilient_test_stub_get_max_live (f->stub), <=, 100);
  g_assert_cmpuint (f->n_notified, ==, n);
}

/* A handler that drops the batch, cancels it, and runs a loop. */
static void
bad_handler_cb (ResilientBatch *batch, GParamSpec *pspec, gpointer data)
{
  Fixture *f = data;

  /* Some are told together, as the loop below brings the next one. */
  if (resilient_batch_get_n_done (batch) >= 2)
    {
      g_clear_object (&f->batch);
      resilient_batch_cancel (batch);
    }
  g_main_context_iteration (NULL, FALSE);
}

static void
test_bad_handler (Fixture *f, gconstpointer data)
{
  add_requests (f, 10);
  add_step (f->stub, (Step){ .status = 200, .retry_after = -1, .takes = 1 });
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  g_signal_connect (f->batch, "notify::n-done", G_CALLBACK (bad_handler_cb), f);
  resilient_batch_set_max_concurrent (f->batch, 3);
  run (f);
  test_clock_run (10);
  g_assert_cmpuint (f->n_ended, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The list of the app is its own. */
static void
test_list (Fixture *f, gconstpointer data)
{
  add_requests (f, 2);
  g_ptr_array_add (f->requests, g_object_ref (f->requests->pdata[0]));
  add_step (f->stub, (Step) STEP_OK);
  start (f, RESILIENT_BATCH_FLAGS_NONE);
  g_ptr_array_set_size (f->requests, 0);
  run (f);
  g_assert_cmpuint (f->n_ended, ==, 1);
  g_assert_cmpuint (f->results->len, ==, 3);
}

/* Cancelled by another thread, at any moment. */
static gpointer
cancel_thread (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  guint n_rounds = test_is_quick () ? 10 : 200;

  add_requests (f, 20);
  add_step (f->stub, (Step) STEP_OK);
  for (guint i = 0; i < n_rounds; i++)
    {
      GThread *thread;

      g_cancellable_reset (f->cancellable);
      f->n_ended = f->last_done = 0;
      start (f, RESILIENT_BATCH_FLAGS_NONE);
      resilient_batch_set_max_concurrent (f->batch, 1);
      resilient_batch_run_async (f->batch, f->cancellable, ended_cb, f);
      thread = g_thread_new ("canceller", cancel_thread, f->cancellable);
      while (f->n_ended == 0)
        g_main_context_iteration (NULL, TRUE);
      g_thread_join (thread);
      assert_ended (f);
      if (f->error != NULL)
        g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      test_run_pending ();
      g_assert_finalize_object (g_steal_pointer (&f->batch));
    }
}

/* A thread without a context of its own runs it in the default one, which another iterates, and
 * cancels it at once. */
static gpointer
borrow_thread (gpointer data)
{
  Fixture *f = data;

  resilient_batch_run_async (f->batch, f->cancellable, ended_cb, f);
  g_cancellable_cancel (f->cancellable);
  return NULL;
}

static void
test_borrowed_context (Fixture *f, gconstpointer data)
{
  guint n_rounds = test_is_quick () ? 10 : 300;

  add_requests (f, 3);
  add_step (f->stub, (Step) STEP_OK);
  for (guint i = 0; i < n_rounds; i++)
    {
      GThread *thread;

      g_cancellable_reset (f->cancellable);
      if (i % 3 == 0)
        g_cancellable_cancel (f->cancellable);
      f->n_ended = f->last_done = 0;
      start (f, RESILIENT_BATCH_FLAGS_NONE);
      thread = g_thread_new ("borrower", borrow_thread, f);
      while (f->n_ended == 0)
        g_main_context_iteration (NULL, FALSE);
      g_thread_join (thread);
      assert_ended (f);
      test_run_pending ();
      g_assert_finalize_object (g_steal_pointer (&f->batch));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD_FOR(name, func, data)                                                                  \
  g_test_add ("/batch/" name, Fixture, data, set_up, func, tear_down)
#define ADD(name, func) ADD_FOR (name, func, NULL)
  ADD ("order", test_order);
  ADD ("empty", test_empty);
  ADD ("collect", test_collect);
  ADD ("fail-fast", test_fail_fast);
  ADD ("fail-fast-status", test_fail_fast_status);
  ADD ("cancellable", test_cancellable);
  ADD_FOR ("cancelled-before", test_cancelled_before, GINT_TO_POINTER (FALSE));
  ADD_FOR ("cancel-before", test_cancelled_before, GINT_TO_POINTER (TRUE));
  ADD ("cancel", test_cancel);
  ADD ("cancel-at-the-end", test_cancel_at_the_end);
  ADD ("dispose", test_dispose);
  ADD ("drop", test_drop);
  ADD ("close", test_close);
  ADD ("twice", test_twice);
  ADD ("fork", test_fork);
  ADD ("limit", test_limit);
  ADD ("short-queue", test_short_queue);
  ADD ("many", test_many);
  ADD ("bad-handler", test_bad_handler);
  ADD ("list", test_list);
  ADD ("threads", test_threads);
  ADD ("borrowed-context", test_borrowed_context);
#undef ADD
#undef ADD_FOR

  return g_test_run ();
}
