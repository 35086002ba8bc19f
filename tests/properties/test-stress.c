/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Eight threads and a thousand requests each on one client, over sockets: some synchronous, some
 * not, some cancelled, by others, and a close in the middle. Each ends exactly once. */

#define N_THREADS 8
/* How many the asynchronous threads have under way. */
#define N_AT_ONCE 20

/* Of each thread. */
static guint n_requests = 1000;

typedef struct _Stress Stress;

typedef struct
{
  Stress *stress;
  guint number;
  GThread *thread;
  GMainContext *context; /* NULL: synchronous */
  GRand *random;
  guint n_started, n_ended;
  guint *ends;   /* per request: how many times it ended */
  guint *answer; /* how, a GQuark of the error's domain or 0 */
} Worker;

typedef struct
{
  Worker *worker;
  guint number;
  GCancellable *cancellable;
} Ticket;

struct _Stress
{
  ClientFixture *fixture;
  gboolean http2;
  Worker workers[N_THREADS];
  int n_ended;   /* atomic */
  int n_running; /* atomic: threads */

  GMutex lock;
  GPtrArray *prey; /* under lock: cancellables of requests that may be alive */
};

static ResilientRequest *
some_request (Worker *self, ResilientRequestContext **context)
{
  static const char *const paths[] = { "/ok",    "/ok",   "/ok",   "/ok",    "/ok",
                                       "/large", "/busy", "/busy", "/reset", "/silent" };
  Stress *stress = self->stress;
  g_autofree char *id = g_strdup_printf ("%u-%u", self->number, self->n_started);
  /* Over HTTP/2 those faults, and a POST, each open connections of their own. Dozens of TLS
   * handshakes at a time wait for each other where both ends are in one process, whose GTask has
   * ten threads for all of them. */
  guint n_paths = G_N_ELEMENTS (paths) - (stress->http2 ? 2 : 0);
  const char *path = paths[g_rand_int_range (self->random, 0, n_paths)];
  gboolean post = !stress->http2 && g_rand_boolean (self->random);
  ResilientRequest *request = request_new (stress->fixture, post ? "POST" : "GET", path);

  /* Nothing but a time-out or a cancel ends it. */
  if (g_str_equal (path, "/silent"))
    resilient_request_set_read_timeout (request, 0.02);
  resilient_request_set_priority (request, g_rand_int_range (self->random, -1, 2));
  *context = context_new (id, NULL);

  return request;
}

/* Somebody else's request, or one's own, of any thread. */
static void
cancel_some (Worker *self)
{
  g_autoptr (GCancellable) cancellable = NULL;

  g_mutex_lock (&self->stress->lock);
  if (self->stress->prey->len > 0)
    cancellable = g_object_ref (
      self->stress->prey->pdata[g_rand_int_range (self->random, 0, self->stress->prey->len)]);
  g_mutex_unlock (&self->stress->lock);

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

static Ticket *
ticket_new (Worker *self)
{
  Ticket *ticket = g_new0 (Ticket, 1);

  ticket->worker = self;
  ticket->number = self->n_started;
  ticket->cancellable = g_cancellable_new ();
  g_mutex_lock (&self->stress->lock);
  g_ptr_array_add (self->stress->prey, ticket->cancellable);
  g_mutex_unlock (&self->stress->lock);

  return ticket;
}

/* Takes @ticket. */
static void
end (Ticket *ticket, ResilientResponse *response, GError *error)
{
  Worker *self = ticket->worker;
  Stress *stress = self->stress;

  g_assert_true ((response == NULL) == (error != NULL));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_assert_true (g_cancellable_is_cancelled (ticket->cancellable)
                   || resilient_client_get_closed (stress->fixture->client));
  self->ends[ticket->number]++;
  self->n_ended++;
  if (error != NULL)
    self->answer[ticket->number] = error->domain;

  g_mutex_lock (&stress->lock);
  g_ptr_array_remove_fast (stress->prey, ticket->cancellable);
  g_mutex_unlock (&stress->lock);
  g_object_unref (ticket->cancellable);
  g_free (ticket);

  g_atomic_int_inc (&stress->n_ended);
  /* The main thread may wait for it. */
  g_main_context_wakeup (NULL);
  if (g_rand_int_range (self->random, 0, 8) == 0)
    cancel_some (self);
}

static void
start_sync (Worker *self)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientRequest) request = some_request (self, &context);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  Ticket *ticket = ticket_new (self);

  self->n_started++;
  response = resilient_client_send (
    self->stress->fixture->client, request, context, ticket->cancellable, &error);
  end (ticket, response, error);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ticket *ticket = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);

  g_assert_true (g_thread_self () == ticket->worker->thread);
  end (ticket, response, error);
}

static void
start_async (Worker *self)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientRequest) request = some_request (self, &context);
  Ticket *ticket = ticket_new (self);

  self->n_started++;
  resilient_client_send_async (
    self->stress->fixture->client, request, context, ticket->cancellable, ended_cb, ticket);
}

static gpointer
worker_thread (gpointer data)
{
  Worker *self = data;

  self->thread = g_thread_self ();
  if (self->context != NULL)
    g_main_context_push_thread_default (self->context);
  while (self->n_ended < n_requests)
    {
      if (self->context == NULL)
        start_sync (self);
      else if (self->n_started < n_requests && self->n_started - self->n_ended < N_AT_ONCE)
        start_async (self);
      else
        g_main_context_iteration (self->context, TRUE);
    }
  if (self->context != NULL)
    g_main_context_pop_thread_default (self->context);
  g_atomic_int_add (&self->stress->n_running, -1);
  g_main_context_wakeup (NULL);

  return NULL;
}

static gboolean
is_half_way (gpointer data)
{
  return (guint) g_atomic_int_get (&((Stress *) data)->n_ended) >= N_THREADS * n_requests / 2;
}

static gboolean
has_stopped (gpointer data)
{
  return g_atomic_int_get (&((Stress *) data)->n_running) == 0;
}

/* One last event for each request that was accepted, none for the others. */
static void
check_events (Stress *stress, ResilientSubscription *subscription)
{
  g_autoptr (GHashTable) ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 sequence = 0;
  ResilientEvent *event;

  g_assert_cmpuint (resilient_subscription_get_dropped (subscription), ==, 0);
  while ((event = resilient_subscription_try_next (subscription)) != NULL)
    {
      const char *id =
        resilient_request_context_get_request_id (resilient_event_get_context (event));

      g_assert_cmpuint (resilient_event_get_sequence (event), >, sequence);
      sequence = resilient_event_get_sequence (event);
      g_assert_false (g_hash_table_contains (ended, id));
      if (resilient_event_get_event_type (event) != RESILIENT_EVENT_TYPE_RETRY)
        g_hash_table_add (ended, g_strdup (id));
      resilient_event_unref (event);
    }

  for (guint i = 0; i < N_THREADS; i++)
    for (guint n = 0; n < n_requests; n++)
      {
        Worker *worker = &stress->workers[i];
        g_autofree char *id = g_strdup_printf ("%u-%u", i, n);
        gboolean refused = worker->answer[n] == RESILIENT_CLIENT_ERROR;

        g_assert_cmpuint (worker->ends[n], ==, 1);
        g_assert_true (g_hash_table_contains (ended, id) != refused);
      }
}

static void
test_stress (ClientFixture *fixture, gconstpointer flags)
{
  Stress stress = {
    .fixture = fixture,
    .http2 = (GPOINTER_TO_UINT (flags) & FAULT_SERVER_HTTP2) != 0,
    .prey = g_ptr_array_new (),
    .n_running = N_THREADS,
  };
  g_autoptr (ResilientSubscription) subscription =
    resilient_client_subscribe (fixture->client, G_MAXINT);
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autoptr (ResilientStats) stats = NULL;
  g_autofree char *large = g_strnfill (100000, 'x');

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/large", fault_answer (200, NULL, large), NULL);
  fault_server_on (fixture->server, "/busy", fault_answer (503, NULL, "busy"), NULL);
  fault_server_on (fixture->server, "/reset", fault_reset (), NULL);
  fault_server_on (fixture->server, "/silent", fault_silence (), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
  g_mutex_init (&stress.lock);

  for (guint i = 0; i < N_THREADS; i++)
    {
      Worker *worker = &stress.workers[i];

      worker->stress = &stress;
      worker->number = i;
      worker->random = g_rand_new_with_seed (i);
      worker->context = i % 2 > 0 ? g_main_context_new () : NULL;
      worker->ends = g_new0 (guint, n_requests);
      worker->answer = g_new0 (guint, n_requests);
      g_thread_unref (g_thread_new ("worker", worker_thread, worker));
    }
  test_run_until (is_half_way, &stress);
  client_close (fixture, 0.05);
  test_run_until (has_stopped, &stress);

  check_events (&stress, subscription);
  stats = resilient_client_get_stats (fixture->client);
  g_assert_cmpuint (resilient_stats_get_requests (stats) + resilient_stats_get_refused (stats),
                    ==,
                    N_THREADS * n_requests);
  g_assert_cmpuint (resilient_stats_get_successes (stats) + resilient_stats_get_errors (stats)
                      + resilient_stats_get_timeouts (stats)
                      + resilient_stats_get_cancelled (stats),
                    ==,
                    resilient_stats_get_requests (stats));
  g_test_message ("%" G_GUINT64_FORMAT " successes, %" G_GUINT64_FORMAT
                  " errors, %" G_GUINT64_FORMAT " timeouts, %" G_GUINT64_FORMAT
                  " cancelled, %" G_GUINT64_FORMAT " refused",
                  (guint64) resilient_stats_get_successes (stats),
                  (guint64) resilient_stats_get_errors (stats),
                  (guint64) resilient_stats_get_timeouts (stats),
                  (guint64) resilient_stats_get_cancelled (stats),
                  (guint64) resilient_stats_get_refused (stats));
  g_assert_cmpuint (resilient_client_get_pending_count (fixture->client), ==, 0);

  for (guint i = 0; i < N_THREADS; i++)
    {
      g_rand_free (stress.workers[i].random);
      g_clear_pointer (&stress.workers[i].context, g_main_context_unref);
      g_free (stress.workers[i].ends);
      g_free (stress.workers[i].answer);
    }
  g_ptr_array_unref (stress.prey);
  g_mutex_clear (&stress.lock);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/stress/http1", test_stress, FAULT_SERVER_PLAIN },
    { "/stress/http2", test_stress, FAULT_SERVER_HTTP2 },
  };

  if (test_is_quick ())
    n_requests = 50;

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
