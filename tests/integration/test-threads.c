/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* One client, many threads and contexts: each callback comes where its operation was started, each
 * signal at home. */

#define N_THREADS 8

/* Of each thread. */
static guint n_requests = 25;

typedef struct
{
  ClientFixture *fixture;
  guint number;
  guint good;
} Worker;

static char *
worker_path (Worker *self, guint i)
{
  return g_strdup_printf ("/ok?worker=%u&request=%u", self->number, i);
}

static gpointer
sync_thread (gpointer data)
{
  Worker *self = data;

  for (guint i = 0; i < n_requests; i++)
    {
      g_autofree char *path = worker_path (self, i);
      g_autoptr (ResilientRequest) request =
        request_new (self->fixture, i % 5 > 0 ? "GET" : "POST", path);
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response =
        resilient_client_send (self->fixture->client, request, NULL, NULL, &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      self->good++;
    }

  return NULL;
}

static gpointer
async_thread (gpointer data)
{
  Worker *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < n_requests; i++)
    {
      g_autofree char *path = worker_path (self, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = NULL;
      g_auto (TestResult) result = { 0 };

      client_start_get (self->fixture, path, NULL, NULL, &result);
      test_result_wait (&result);
      g_assert_true (result.thread == g_thread_self ());
      response = client_end_get (self->fixture, &result, &error);
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      self->good++;
    }
  g_main_context_pop_thread_default (context);

  return NULL;
}

static gboolean
all_signalled (gpointer data)
{
  return ((GPtrArray *) data)->len == N_THREADS * n_requests;
}

static void
home_thread_cb (ResilientClient *client, ResilientEvent *event, GThread *home)
{
  g_assert_true (g_thread_self () == home);
}

static void
run_threads (ClientFixture *fixture, GThreadFunc func)
{
  Worker workers[N_THREADS];
  GThread *threads[N_THREADS];

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  g_signal_connect (fixture->client, "event", G_CALLBACK (home_thread_cb), g_thread_self ());
  for (guint i = 0; i < N_THREADS; i++)
    {
      workers[i] = (Worker){ fixture, i, 0 };
      threads[i] = g_thread_new ("worker", func, &workers[i]);
    }
  /* at home, meanwhile, signals come */
  test_run_until (all_signalled, fixture->events);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpuint (workers[i].good, ==, n_requests);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, N_THREADS * n_requests);
}

static void
test_sync (ClientFixture *fixture, gconstpointer flags)
{
  run_threads (fixture, sync_thread);
}

static void
test_async (ClientFixture *fixture, gconstpointer flags)
{
  run_threads (fixture, async_thread);
}

/* The synchronous twin needs no main loop, not even when it is called in the home thread. */
static void
test_sync_at_home (ClientFixture *fixture, gconstpointer flags)
{
  Worker worker = { fixture, 0, 0 };
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  sync_thread (&worker);
  /* and asynchronous requests go on after it, in this context */
  response = client_get (fixture, "/ok", NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

static gpointer
cancel_thread (gpointer data)
{
  ClientFixture *fixture = data;

  fault_server_wait_requests (fixture->server, 1);
  g_assert_cmpuint (resilient_client_cancel (fixture->client, "stuck"), ==, 1);

  return NULL;
}

static void
test_cancel_sync (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientRequestContext) context = context_new ("stuck", NULL);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_thread, fixture);

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  g_assert_null (resilient_client_send (fixture->client, request, context, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

static gpointer
cancellable_thread (gpointer data)
{
  gpointer *parts = data;

  fault_server_wait_requests (parts[0], 1);
  g_cancellable_cancel (parts[1]);

  return NULL;
}

static void
test_cancellable_sync (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gpointer parts[] = { fixture->server, cancellable };
  GThread *thread = g_thread_new ("cancel", cancellable_thread, parts);

  fault_server_on (fixture->server, "/", fault_silence (), NULL);
  g_assert_null (resilient_client_send (fixture->client, request, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

typedef struct
{
  FaultServer *server;
  GThread *thread;
  guint events;
} Home;

static void
home_event_cb (ResilientClient *client, ResilientEvent *event, Home *home)
{
  g_assert_true (g_thread_self () == home->thread);
  home->events++;
}

static gboolean
has_event (gpointer data)
{
  return ((Home *) data)->events > 0;
}

/* A client whose home is a context of another thread than the main one. */
static gpointer
home_thread (gpointer data)
{
  Home *home = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree char *uri = fault_server_uri (home->server, "/ok");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) result = { 0 };
  ResilientClient *client;

  g_main_context_push_thread_default (context);
  home->thread = g_thread_self ();
  client = resilient_client_new ();
  g_assert_true (resilient_client_get_main_context (client) == context);
  g_signal_connect (client, "event", G_CALLBACK (home_event_cb), home);
  resilient_client_get_async (client, uri, NULL, NULL, test_result_cb, &result);
  response = resilient_client_get_finish (client, test_result_wait (&result), &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_true (result.thread == g_thread_self ());
  test_run_until (has_event, home);
  test_result_clear (&result);
  client_dispose (client);
  g_main_context_pop_thread_default (context);

  return NULL;
}

static void
test_home_elsewhere (ClientFixture *fixture, gconstpointer flags)
{
  Home home = { fixture->server, NULL, 0 };

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  g_thread_join (g_thread_new ("home", home_thread, &home));
  g_assert_cmpuint (home.events, ==, 1);
}

/* Made, used and forgotten, from a thread without any context of its own. */
static gpointer
fetch_thread (gpointer data)
{
  g_autofree char *uri = fault_server_uri (data, "/ok");
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_fetch ("GET", uri, 2, 10, NULL, &error);

  g_assert_no_error (error);
  assert_response (response, 200, "ok");

  return NULL;
}

static void
test_fetch (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *uri = fault_server_uri (fixture->server, "/ok");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) result = { 0 };

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  resilient_fetch_async ("GET", uri, 2, 10, NULL, test_result_cb, &result);
  response = resilient_fetch_finish (test_result_wait (&result), &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_thread_join (g_thread_new ("fetch", fetch_thread, fixture->server));
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/threads/sync", test_sync, FAULT_SERVER_PLAIN },
    { "/threads/sync/http2", test_sync, FAULT_SERVER_HTTP2 },
    { "/threads/async", test_async, FAULT_SERVER_PLAIN },
    { "/threads/async/http2", test_async, FAULT_SERVER_HTTP2 },
    { "/threads/sync-at-home", test_sync_at_home, FAULT_SERVER_PLAIN },
    { "/threads/sync-at-home/http2", test_sync_at_home, FAULT_SERVER_HTTP2 },
    { "/threads/cancel-sync", test_cancel_sync, FAULT_SERVER_PLAIN },
    { "/threads/cancellable-sync", test_cancellable_sync, FAULT_SERVER_PLAIN },
    { "/threads/home-elsewhere", test_home_elsewhere, FAULT_SERVER_PLAIN },
    { "/threads/fetch", test_fetch, FAULT_SERVER_PLAIN },
  };

  /* set where each instruction is checked: a POST opens a connection of its own, and with TLS that
   * takes its time */
  if (test_is_quick ())
    n_requests = 5;

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
