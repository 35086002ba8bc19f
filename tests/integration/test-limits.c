/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* How many at once, who goes first, and who is not let in. */

#define MANY 40

static ResilientCall *
start (ClientFixture *fixture, FaultServer *server, const char *path, int priority)
{
  g_autofree char *uri = fault_server_uri (server, path);
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

  resilient_request_set_priority (request, priority);

  return resilient_client_start (fixture->client, request, NULL, NULL);
}

static GPtrArray *
start_many (ClientFixture *fixture, FaultServer *server, guint n)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (calls, start (fixture, server, "/", 0));

  return calls;
}

static void
expect_ok (GPtrArray *calls)
{
  for (guint i = 0; i < calls->len; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = call_wait (calls->pdata[i], &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
}

static void
serve_held (FaultServer *server)
{
  fault_server_on (server, NULL, fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
}

/* So many must be held at once, one call more must not be, and all get their turn. */
static void
expect_limit (ClientFixture *fixture, guint limit)
{
  g_autoptr (GPtrArray) calls = NULL;

  serve_held (fixture->server);
  calls = start_many (fixture, fixture->server, MANY);
  fault_server_wait_held (fixture->server, "go", limit);
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_active (fixture->server), ==, limit);
  g_assert_cmpuint (resilient_client_get_active_count (fixture->client), ==, limit);
  g_assert_cmpuint (resilient_client_get_pending_count (fixture->client), ==, MANY - limit);
  fault_server_open (fixture->server, "go");
  expect_ok (calls);
  g_assert_cmpuint (fault_server_get_max_active (fixture->server), ==, limit);
}

static void
test_automatic (ClientFixture *fixture, gconstpointer flags)
{
  expect_limit (fixture, 6);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), <=, 6);
}

static void
test_automatic_http2 (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientResponse) response = NULL;

  fault_server_next (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  response = client_get (fixture, "/", NULL, NULL);
  assert_response (response, 200, "ok");
  expect_limit (fixture, 32);
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
}

static void
test_per_host (ClientFixture *fixture, gconstpointer flags)
{
  resilient_client_set_max_concurrent_per_host (fixture->client, 3);
  expect_limit (fixture, 3);
}

static void
test_per_origin (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  g_autoptr (ResilientOrigin) origin = resilient_client_get_origin (fixture->client, uri, NULL);

  resilient_client_set_max_concurrent_per_host (fixture->client, 3);
  resilient_origin_set_max_concurrent (origin, 2);
  expect_limit (fixture, 2);
}

static void
test_total (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultServer) other = fault_server_new (FAULT_SERVER_PLAIN);
  g_autoptr (GPtrArray) calls = NULL;
  g_autoptr (GPtrArray) other_calls = NULL;

  serve_held (fixture->server);
  serve_held (other);
  resilient_client_set_max_concurrent (fixture->client, 4);
  resilient_client_set_max_concurrent_per_host (fixture->client, 3);
  calls = start_many (fixture, fixture->server, 10);
  other_calls = start_many (fixture, other, 10);
  fault_server_wait_held (fixture->server, "go", 3);
  fault_server_wait_held (other, "go", 1);
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_active (other), ==, 1);
  g_assert_cmpuint (resilient_client_get_active_count (fixture->client), ==, 4);
  fault_server_open (fixture->server, "go");
  fault_server_open (other, "go");
  expect_ok (calls);
  expect_ok (other_calls);
  g_assert_cmpuint (fault_server_get_max_active (fixture->server), ==, 3);
  g_assert_cmpuint (fault_server_get_max_active (other), <=, 3);
}

static void
expect_order (FaultServer *server, const char *const *paths, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FaultRecord) record = fault_server_get_record (server, i);

      g_assert_cmpstr (fault_record_get_path (record), ==, paths[i]);
    }
}

static void
test_priority (ClientFixture *fixture, gconstpointer flags)
{
  const char *order[] = { "/first", "/raised", "/high", "/normal", "/normal-too", "/low" };
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  ResilientCall *raised;

  serve_held (fixture->server);
  resilient_client_set_max_concurrent (fixture->client, 1);
  g_ptr_array_add (calls, start (fixture, fixture->server, "/first", 0));
  fault_server_wait_held (fixture->server, "go", 1);
  g_ptr_array_add (calls, start (fixture, fixture->server, "/low", 10));
  g_ptr_array_add (calls, start (fixture, fixture->server, "/normal", 0));
  g_ptr_array_add (calls, start (fixture, fixture->server, "/high", -10));
  g_ptr_array_add (calls, start (fixture, fixture->server, "/normal-too", 0));
  raised = start (fixture, fixture->server, "/raised", 20);
  g_ptr_array_add (calls, raised);
  resilient_call_set_priority (raised, -20);
  fault_server_open (fixture->server, "go");
  expect_ok (calls);
  expect_order (fixture->server, order, G_N_ELEMENTS (order));
}

static void
test_overloaded (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GPtrArray) calls = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  serve_held (fixture->server);
  resilient_client_set_max_concurrent (fixture->client, 1);
  resilient_client_set_max_pending (fixture->client, 2);
  calls = start_many (fixture, fixture->server, 3);
  response = client_get (fixture, "/", NULL, &error);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED);
  g_assert_null (response);
  stats = resilient_client_get_stats (fixture->client);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 1);
  g_assert_cmpuint (resilient_client_get_pending_count (fixture->client), ==, 2);
  fault_server_open (fixture->server, "go");
  expect_ok (calls);
  wait_last_events (fixture, 3);
  test_run_pending ();
  g_assert_cmpuint (fixture->events->len, ==, 3);
  g_assert_cmpuint (resilient_client_get_result_count (fixture->client), ==, 3);
}

/* A slot is free when libsoup has let go of the request, which may be a turn after its end. */
static gboolean
only_stuck_left (gpointer client)
{
  return resilient_client_get_active_count (client) + resilient_client_get_pending_count (client)
         == MANY;
}

static void
test_hanging_host (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (FaultServer) hanging = fault_server_new (GPOINTER_TO_UINT (flags));
  g_autoptr (GPtrArray) stuck = NULL;
  g_autoptr (GPtrArray) calls = NULL;

  serve_held (hanging);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  stuck = start_many (fixture, hanging, MANY);
  calls = start_many (fixture, fixture->server, MANY);
  expect_ok (calls);
  test_run_until (only_stuck_left, fixture->client);
  fault_server_open (hanging, "go");
  expect_ok (stuck);
}

static gboolean
nothing_active (gpointer data)
{
  return resilient_client_get_active_count (data) == 0;
}

/* A request that sleeps holds no slot, and goes first when it wakes. */
static void
test_sleeping (ClientFixture *fixture, gconstpointer flags)
{
  const char *order[] = { "/held", "/sleeper", "/waiting" };
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (1);
  g_autoptr (ResilientRequestContext) context = context_new ("sleeper", policy);
  g_autofree char *uri = fault_server_uri (fixture->server, "/sleeper");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientCall) sleeper = NULL;
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_client_set_max_concurrent (fixture->client, 1);
  fault_server_set_listening (fixture->server, FALSE);
  sleeper = resilient_client_start (fixture->client, request, context, NULL);
  call_wait_state (sleeper, RESILIENT_CALL_STATE_WAITING);
  /* as soon as libsoup lets go of the attempt */
  test_run_until (nothing_active, fixture->client);
  fault_server_set_listening (fixture->server, TRUE);
  serve_held (fixture->server);
  g_ptr_array_add (calls, start (fixture, fixture->server, "/held", 0));
  fault_server_wait_held (fixture->server, "go", 1);
  g_ptr_array_add (calls, start (fixture, fixture->server, "/waiting", 0));
  g_assert_true (resilient_call_retry_now (sleeper));
  call_wait_state (sleeper, RESILIENT_CALL_STATE_QUEUED);
  g_ptr_array_add (calls, g_object_ref (sleeper));
  fault_server_open (fixture->server, "go");
  expect_ok (calls);
  expect_order (fixture->server, order, G_N_ELEMENTS (order));
}

/* Raising a limit lets those in who wait. */
static void
test_raise (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GPtrArray) calls = NULL;

  serve_held (fixture->server);
  resilient_client_set_max_concurrent_per_host (fixture->client, 1);
  calls = start_many (fixture, fixture->server, 8);
  fault_server_wait_held (fixture->server, "go", 1);
  resilient_client_set_max_concurrent_per_host (fixture->client, 4);
  fault_server_wait_held (fixture->server, "go", 4);
  fault_server_open (fixture->server, "go");
  expect_ok (calls);
  g_assert_cmpuint (fault_server_get_max_active (fixture->server), ==, 4);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/limits/automatic", test_automatic, FAULT_SERVER_PLAIN },
    { "/limits/automatic/tls", test_automatic, FAULT_SERVER_TLS },
    { "/limits/automatic/http2", test_automatic_http2, FAULT_SERVER_HTTP2 },
    { "/limits/per-host", test_per_host, FAULT_SERVER_PLAIN },
    { "/limits/per-host/http2", test_per_host, FAULT_SERVER_HTTP2 },
    { "/limits/per-origin", test_per_origin, FAULT_SERVER_PLAIN },
    { "/limits/total", test_total, FAULT_SERVER_PLAIN },
    { "/limits/priority", test_priority, FAULT_SERVER_PLAIN },
    { "/limits/overloaded", test_overloaded, FAULT_SERVER_PLAIN },
    { "/limits/hanging-host", test_hanging_host, FAULT_SERVER_PLAIN },
    { "/limits/hanging-host/http2", test_hanging_host, FAULT_SERVER_HTTP2 },
    { "/limits/sleeping", test_sleeping, FAULT_SERVER_PLAIN },
    { "/limits/raise", test_raise, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
