/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Sixteen threads that start, cancel, hurry, wait for and look at each other's requests, all at
 * once, and make and drop clients of their own. For ThreadSanitizer above all: whoever reads, in
 * whatever thread, reads what is whole. Each request ends once. */

#define N_THREADS 16
#define N_SHARED 32

static guint n_requests = 60; /* of each thread */

typedef struct
{
  ClientFixture *fixture;
  GMutex lock;
  ResilientCall *calls[N_SHARED]; /* under the lock: some that may be alive, of any thread */
  guint n_started;                /* under the lock */
  int n_running;                  /* atomic: threads */
} Shared;

typedef struct
{
  Shared *shared;
  guint number;
  GRand *random;
  guint n_ended;
} Reader;

/* --- looking ---------------------------------------------------------------------------------- */

static ResilientCall *
dup_some_call (Reader *self)
{
  Shared *shared = self->shared;
  ResilientCall *call;

  g_mutex_lock (&shared->lock);
  call = shared->calls[g_rand_int_range (self->random, 0, N_SHARED)];
  if (call != NULL)
    g_object_ref (call);
  g_mutex_unlock (&shared->lock);
  return call;
}

static void
share_call (Reader *self, ResilientCall *call)
{
  Shared *shared = self->shared;
  g_autoptr (ResilientCall) old = NULL;

  g_mutex_lock (&shared->lock);
  old = shared->calls[shared->n_started % N_SHARED];
  shared->calls[shared->n_started++ % N_SHARED] = g_object_ref (call);
  g_mutex_unlock (&shared->lock);
}

static void
check_result (ResilientResult *result)
{
  g_autoptr (GPtrArray) log = resilient_result_list_attempts (result);
  guint sends = 0;

  if (resilient_result_get_status (result) == RESILIENT_RESULT_STATUS_PENDING)
    return;
  g_assert_cmpuint (log->len, ==, resilient_result_get_attempts (result));
  for (guint i = 0; i < log->len; i++)
    sends += resilient_attempt_get_sends (log->pdata[i]);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, sends);
}

/* Two looks at one call: nothing goes back. */
static void
look_at_call (ResilientClient *client, ResilientCall *call)
{
  const char *id = resilient_call_get_request_id (call);
  guint attempt = resilient_call_get_attempt (call);
  g_autoptr (ResilientRequestContext) context = resilient_call_get_context (call);
  g_autoptr (ResilientResult) first = resilient_client_get_result (client, id);
  g_autoptr (ResilientResult) second = resilient_client_get_result (client, id);
  g_autoptr (ResilientResult) own = NULL;

  g_assert_cmpstr (resilient_request_context_get_request_id (context), ==, id);
  if (first != NULL && second != NULL)
    {
      check_result (first);
      check_result (second);
      g_assert_cmpuint (resilient_result_get_attempts (first), >=, attempt);
      g_assert_cmpuint (
        resilient_result_get_sends (second), >=, resilient_result_get_sends (first));
    }
  resilient_call_get_state (call);
  resilient_call_get_failure (call);
  resilient_call_get_status_code (call);
  resilient_call_get_bytes_received (call);
  resilient_call_get_delay_left (call);
  own = resilient_call_get_result (call);
  if (own != NULL)
    check_result (own);
}

static void
look (Reader *self)
{
  ResilientClient *client = self->shared->fixture->client;
  g_autoptr (ResilientCall) call = dup_some_call (self);
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (ResilientStats) stats = NULL;

  if (call != NULL)
    look_at_call (client, call);
  switch (g_rand_int_range (self->random, 0, 8))
    {
    case 0:
      if (call != NULL)
        resilient_call_cancel (call);
      break;
    case 1:
      if (call != NULL)
        resilient_call_retry_now (call);
      break;
    case 2:
      if (call != NULL)
        resilient_call_set_priority (call, g_rand_int_range (self->random, -2, 3));
      break;
    case 3:
      results = resilient_client_list_results (client);
      for (guint i = 0; i < results->len; i++)
        check_result (results->pdata[i]);
      break;
    case 4:
      resilient_client_clear_old_results (client, 0);
      break;
    default:
      stats = resilient_client_get_stats (client);
      g_assert_cmpuint (
        resilient_stats_get_attempts (stats), >=, resilient_stats_get_retries (stats));
      resilient_client_get_active_count (client);
      resilient_client_get_pending_count (client);
      resilient_client_get_result_count (client);
      break;
    }
}

/* --- sending ---------------------------------------------------------------------------------- */

static void
ended_cb (GObject *call, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (RESILIENT_CALL (call), result, &error);

  g_assert_true ((response == NULL) == (error != NULL));
  ++*(guint *) user_data;
}

/* Waits with one cancellable again and again, and goes on looking meanwhile. */
static void
send_and_look (Reader *self, ResilientClient *client, GMainContext *context)
{
  static const char *const paths[] = { "/ok", "/busy", "/large", "/reset" };
  ClientFixture *fixture = self->shared->fixture;
  /* Over HTTP/2 a reset ends the requests of all the others, too. */
  int n_paths = fault_server_get_flags (fixture->server) & FAULT_SERVER_HTTP2 ? 3 : 4;
  g_autoptr (ResilientRequest) request =
    request_new (fixture, "GET", paths[g_rand_int_range (self->random, 0, n_paths)]);
  g_autoptr (ResilientCall) call = resilient_client_start (client, request, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint n_calls = 0, n_stopped = 0;

  if (client == self->shared->fixture->client)
    share_call (self, call);
  resilient_call_wait_async (call, NULL, ended_cb, &n_calls);
  resilient_call_wait_async (call, cancellable, ended_cb, &n_stopped);
  look (self);
  g_cancellable_cancel (cancellable);
  g_cancellable_reset (cancellable);
  while (n_calls == 0 || n_stopped == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_cmpuint (n_calls, ==, 1);
  g_assert_cmpuint (n_stopped, ==, 1);
  self->n_ended++;
}

static void
send_and_block (Reader *self, ResilientClient *client)
{
  g_autoptr (ResilientRequest) request = request_new (self->shared->fixture, "GET", "/ok");
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send (client, request, NULL, NULL, &error);

  g_assert_true ((response == NULL) == (error != NULL));
  look (self);
}

static gpointer
reader_thread (gpointer data)
{
  Reader *self = data;
  ResilientClient *client = self->shared->fixture->client;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < n_requests; i++)
    {
      send_and_look (self, client, context);
      if (self->number % 4 == 0)
        send_and_block (self, client);
      /* One of its own, with connections of its home context and of its I/O thread, dropped with
       * both open. */
      if (self->number % 4 == 1 && i % 10 == 0)
        {
          g_autoptr (ResilientClient) own = resilient_client_new ();

          send_and_look (self, own, context);
          send_and_block (self, own);
        }
    }
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  g_atomic_int_add (&self->shared->n_running, -1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
has_stopped (gpointer data)
{
  return g_atomic_int_get (&((Shared *) data)->n_running) == 0;
}

static void
test_readers (ClientFixture *fixture, gconstpointer flags)
{
  Shared shared = { .fixture = fixture, .n_running = N_THREADS };
  Reader readers[N_THREADS] = { { NULL } };
  GThread *threads[N_THREADS];
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (3);
  g_autofree char *large = g_strnfill (200000, 'x');

  test_trust_by_default ();
  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/large", fault_answer (200, NULL, large), NULL);
  fault_server_on (fixture->server, "/busy", fault_answer (503, NULL, "busy"), NULL);
  fault_server_on (fixture->server, "/reset", fault_reset (), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
  g_mutex_init (&shared.lock);

  for (guint i = 0; i < N_THREADS; i++)
    {
      readers[i] = (Reader){ &shared, i, g_rand_new_with_seed (i) };
      threads[i] = g_thread_new ("reader", reader_thread, &readers[i]);
    }
  test_run_until (has_stopped, &shared);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpuint (readers[i].n_ended, >=, n_requests);
      g_rand_free (readers[i].random);
    }
  for (guint i = 0; i < N_SHARED; i++)
    g_clear_object (&shared.calls[i]);
  g_mutex_clear (&shared.lock);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/readers/http1", test_readers, FAULT_SERVER_PLAIN },
    { "/readers/http2", test_readers, FAULT_SERVER_HTTP2 },
  };

  if (test_is_quick ())
    n_requests = 5;

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
