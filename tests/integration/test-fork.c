/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/* A client belongs to the process that made it. A forked child gets an error at once from each
 * call, sends nothing, takes nothing from the parent, and may drop it. */

typedef void (*ChildFunc) (ClientFixture *fixture);

/* A failed assertion ends the child with a signal. */
static void
run_child (ClientFixture *fixture, ChildFunc func)
{
  /* without what a checker wants to be loaded everywhere */
  char *const environment[] = { NULL };
  pid_t pid = fork ();
  int status = 0;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      /* who waits for a lock that nobody will give back ends by a signal */
      alarm (TEST_DEADLINE_SECONDS);
      func (fixture);
      /* what the threads of the parent had at hand is lost here, which who looks for leaks would
       * tell */
      execle ("/bin/true", "true", NULL, environment);
      _exit (1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
assert_closed (GError *error)
{
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "forked"));
  g_error_free (error);
}

static void
child_blocks (ClientFixture *fixture)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/child");
  GError *error = NULL;

  g_assert_null (resilient_client_send (fixture->client, request, NULL, NULL, &error));
  assert_closed (error);
}

/* In the context of the parent, which the child has inherited with all its sources. */
static void
child_turns (ClientFixture *fixture)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/child");
  g_autoptr (ResilientCall) call = NULL;
  g_auto (TestResult) result = { 0 };
  g_auto (TestResult) again = { 0 };
  GError *error = NULL;

  g_assert_null (client_get (fixture, "/child", NULL, &error));
  assert_closed (error);
  error = NULL;

  call = resilient_client_start (fixture->client, request, NULL, NULL);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_null (call_wait (call, &error));
  assert_closed (error);
  error = NULL;

  resilient_client_wait_result_async (fixture->client, "held", -1, NULL, test_result_cb, &result);
  g_assert_null (
    resilient_client_wait_result_finish (fixture->client, test_result_wait (&result), &error));
  assert_closed (error);
  error = NULL;

  resilient_client_close_async (fixture->client, 0, NULL, test_result_cb, &again);
  g_assert_false (
    resilient_client_close_finish (fixture->client, test_result_wait (&again), &error));
  assert_closed (error);

  for (guint i = 0; i < 1000; i++)
    g_main_context_iteration (NULL, FALSE);
}

static void
child_drops (ClientFixture *fixture)
{
  child_turns (fixture);
  g_clear_object (&fixture->client);
  for (guint i = 0; i < 1000; i++)
    g_main_context_iteration (NULL, FALSE);
}

/* All else that can be asked of it: nothing waits for what a thread of the parent had. */
static void
child_asks (ClientFixture *fixture)
{
  static const char *const settings[] = {
    "retry-policy",         "user-agent",      "io-priority",      "max-concurrent",
    "max-pending",          "connect-timeout", "read-timeout",     "write-timeout",
    "queue-timeout",        "attempt-timeout", "total-timeout",    "max-response-size",
    "max-results",          "result-ttl",      "max-result-bytes", "max-concurrent-per-host",
    "event-queue-capacity",
  };
  ResilientClient *client = fixture->client;
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (ResilientSubscription) subscription = NULL;
  g_autoptr (GError) error = NULL;
  GListModel *calls = NULL;
  GListModel *origins = NULL;

  g_assert_null (resilient_client_get_result (client, "held"));
  results = resilient_client_list_results (client);
  g_assert_cmpuint (results->len, ==, 0);
  g_assert_cmpuint (resilient_client_clear_old_results (client, 0), ==, 0);
  g_assert_cmpuint (resilient_client_get_result_count (client), ==, 0);
  stats = resilient_client_get_stats (client);
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, 0);
  subscription = resilient_client_subscribe (client, 10);
  g_assert_true (resilient_subscription_get_closed (subscription));
  g_assert_null (resilient_subscription_try_next (subscription));
  g_assert_cmpuint (resilient_client_get_active_count (client), ==, 0);
  g_assert_cmpuint (resilient_client_get_pending_count (client), ==, 0);
  g_assert_cmpuint (resilient_client_get_event_queue_length (client), ==, 0);
  g_assert_cmpuint (resilient_client_get_dropped_events (client), ==, 0);
  g_assert_true (resilient_client_get_closed (client));
  g_assert_null (resilient_client_get_origin (client, "http://localhost/", &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (resilient_client_set_default_header (client, "X-Child", "1", &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED);
  g_assert_null (resilient_client_get_session (client));
  g_assert_null (resilient_client_share_session (client));
  calls = resilient_client_get_calls (client);
  g_assert_cmpuint (resilient_client_cancel (client, "held"), ==, 0);
  resilient_client_cancel_all (client);
  g_assert_true (G_IS_LIST_MODEL (calls));
  origins = resilient_client_get_origins (client);
  g_assert_cmpuint (g_list_model_get_n_items (origins), ==, 0);

  /* each keeps what the parent set */
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (client), settings[i], &value);
      g_object_set_property (G_OBJECT (client), settings[i], &value);
    }
  resilient_client_set_max_concurrent (client, 77);
  g_assert_cmpuint (resilient_client_get_max_concurrent (client), ==, 100);
  resilient_client_set_total_timeout (client, 77);
  g_assert_cmpfloat (resilient_client_get_total_timeout (client), ==, 0);
  resilient_client_set_io_priority (client, 77);
  g_assert_cmpint (resilient_client_get_io_priority (client), ==, 150);
  resilient_client_set_event_queue_capacity (client, 77);
  g_assert_cmpuint (resilient_client_get_event_queue_capacity (client), ==, 1000);
  resilient_client_set_retry_policy (client, resilient_retry_policy_get_standard ());
}

/* One of its own has connections of its own. */
static void
child_makes_one (ClientFixture *fixture)
{
  g_autofree char *uri = fault_server_uri (fixture->server, "/child");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  ResilientClient *own = resilient_client_new ();

  response = resilient_client_send (own, request, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "child");
}

/* One of the I/O thread's, and one of this context's. */
static void
assert_both_serve (ClientFixture *fixture)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/ok");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (ResilientResponse) response =
        i == 0 ? resilient_client_send (fixture->client, request, NULL, NULL, &error)
               : client_get (fixture, "/ok", NULL, &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
}

/* Runs @func while a request is under way whose answer has come, and @idle connections are open. */
static void
fork_beside (ClientFixture *fixture, ChildFunc func, guint n_requests)
{
  g_autoptr (ResilientResponse) held = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) result = { 0 };
  guint connections, requests;

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/child", fault_answer (200, NULL, "child"), NULL);
  fault_server_on (
    fixture->server, "/held", fault_hold ("held"), fault_answer (200, NULL, "held"), NULL);
  client_start_get (fixture, "/held", NULL, NULL, &result);
  fault_server_wait_held (fixture->server, "held", 1);
  assert_both_serve (fixture);
  test_run_pending ();
  connections = fault_server_get_connections (fixture->server);
  requests = fault_server_get_requests (fixture->server);

  /* the answer is on its way while nobody but the child turns */
  fault_server_open (fixture->server, "held");
  run_child (fixture, func);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, requests + n_requests);

  held = client_end_get (fixture, &result, &error);
  g_assert_no_error (error);
  assert_response (held, 200, "held");
  assert_both_serve (fixture);
  /* by the same connections */
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, connections + n_requests);
}

static void
test_blocks (ClientFixture *fixture, gconstpointer flags)
{
  fork_beside (fixture, child_blocks, 0);
}

static void
test_turns (ClientFixture *fixture, gconstpointer flags)
{
  fork_beside (fixture, child_turns, 0);
}

static void
test_drops (ClientFixture *fixture, gconstpointer flags)
{
  fork_beside (fixture, child_drops, 0);
}

static void
test_asks (ClientFixture *fixture, gconstpointer flags)
{
  fork_beside (fixture, child_asks, 0);
}

/* --- while other threads have the locks ------------------------------------------------------- */

#define N_FORKS 20
#define N_HEADERS 500

typedef struct
{
  ClientFixture *fixture;
  ResilientCall *call;
  ResilientSubscription *subscription;
  ResilientOrigin *origin;
  int stop; /* atomic */
} Busy;

static ResilientCall *asked_call;
static ResilientSubscription *asked_subscription;
static ResilientOrigin *asked_origin;

/* They take no lock of GLib's, which can't be helped in a child. The client's own: each copies all
 * headers under it. */
static gpointer
engine_thread (gpointer data)
{
  Busy *busy = data;

  while (!g_atomic_int_get (&busy->stop))
    resilient_client_set_default_header (busy->fixture->client, "X-Last", "value", NULL);

  return NULL;
}

/* Those of the recorder and of the gate. */
static gpointer
recorder_thread (gpointer data)
{
  Busy *busy = data;

  while (!g_atomic_int_get (&busy->stop))
    {
      g_autoptr (ResilientStats) stats = resilient_client_get_stats (busy->fixture->client);

      g_assert_nonnull (stats);
      resilient_client_get_active_count (busy->fixture->client);
      resilient_client_get_dropped_events (busy->fixture->client);
    }

  return NULL;
}

/* The call's. */
static gpointer
call_thread (gpointer data)
{
  Busy *busy = data;

  while (!g_atomic_int_get (&busy->stop))
    resilient_call_get_request_id (busy->call);

  return NULL;
}

/* The subscription's. */
static gpointer
subscription_thread (gpointer data)
{
  Busy *busy = data;

  while (!g_atomic_int_get (&busy->stop))
    resilient_subscription_get_length (busy->subscription);

  return NULL;
}

/* What comes is the parent's. */
static void
child_reads_and_drops (ClientFixture *fixture)
{
  g_auto (TestResult) next = { 0 };
  GError *error = NULL;

  g_assert_cmpuint (resilient_subscription_get_length (asked_subscription), ==, 0);
  g_assert_true (resilient_subscription_get_closed (asked_subscription));
  g_assert_null (resilient_subscription_try_next (asked_subscription));
  g_assert_null (resilient_subscription_wait_next (asked_subscription, -1, NULL, &error));
  g_assert_no_error (error);
  resilient_subscription_next_async (asked_subscription, NULL, test_result_cb, &next);
  g_assert_null (
    resilient_subscription_next_finish (asked_subscription, test_result_wait (&next), &error));
  g_assert_no_error (error);
  resilient_subscription_close (asked_subscription);
  test_result_clear (&next);
  g_object_run_dispose (G_OBJECT (asked_subscription));
  g_object_unref (asked_subscription);
}

G_GNUC_UNUSED static void
test_subscription (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 10);
  Busy busy = { .subscription = subscription };
  g_autoptr (ResilientEvent) event = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  fault_server_on (fixture->server, "/ok", fault_answer (200, NULL, "ok"), NULL);
  response = client_get (fixture, "/ok", NULL, &error);
  g_assert_no_error (error);
  asked_subscription = subscription;
  thread = g_thread_new ("subscription", subscription_thread, &busy);
  for (guint i = 0; i < N_FORKS; i++)
    run_child (fixture, child_reads_and_drops);
  g_atomic_int_set (&busy.stop, TRUE);
  g_thread_join (thread);
  event = resilient_subscription_try_next (subscription);
  g_assert_nonnull (event);
}

static void
child_asks_call (ClientFixture *fixture)
{
  ResilientCall *call = asked_call;
  g_autoptr (ResilientRequestContext) context = resilient_call_get_context (call);
  g_autoptr (ResilientResult) result = resilient_call_get_result (call);
  g_auto (TestResult) waiting = { 0 };
  GError *error = NULL;

  g_assert_nonnull (context);
  g_assert_null (result);
  g_assert_cmpstr (resilient_call_get_request_id (call), ==, "asleep");
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpuint (resilient_call_get_attempt (call), ==, 1);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), ==, 0);
  resilient_call_set_priority (call, 1);
  resilient_call_retry_now (call);
  resilient_call_cancel (call);
  resilient_call_wait_async (call, NULL, test_result_cb, &waiting);
  g_assert_null (resilient_call_wait_finish (call, test_result_wait (&waiting), &error));
  assert_closed (error);
}

G_GNUC_UNUSED static void
test_call (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (1, 30);
  g_autoptr (ResilientRequestContext) context = context_new ("asleep", policy);
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://127.0.0.1:1/");
  g_autoptr (ResilientCall) call = resilient_client_start (fixture->client, request, context, NULL);
  Busy busy = { .call = call };
  g_autoptr (GError) error = NULL;
  GThread *thread;

  call_wait_state (call, RESILIENT_CALL_STATE_WAITING);
  asked_call = call;
  thread = g_thread_new ("call", call_thread, &busy);
  for (guint i = 0; i < N_FORKS; i++)
    run_child (fixture, child_asks_call);
  g_atomic_int_set (&busy.stop, TRUE);
  g_thread_join (thread);
  resilient_call_cancel (call);
  g_assert_null (call_wait (call, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The origin's own lock, and that of the gate: each header is set under the first. */
static gpointer
origin_thread (gpointer data)
{
  Busy *busy = data;

  while (!g_atomic_int_get (&busy->stop))
    {
      resilient_origin_set_default_header (busy->origin, "X-Last", "value", NULL);
      resilient_origin_get_pending_count (busy->origin);
    }

  return NULL;
}

/* As of one that says nothing and has nothing. */
static void
child_asks_origin (ClientFixture *fixture)
{
  ResilientOrigin *origin = asked_origin;
  GListModel *origins = resilient_client_get_origins (fixture->client);
  g_autoptr (ResilientOrigin) first = g_list_model_get_item (origins, 0);
  g_autofree char *uri = NULL;
  guint active, pending;
  int max_concurrent;
  GError *error = NULL;

  g_assert_true (first == origin);
  g_assert_cmpuint (g_list_model_get_n_items (origins), ==, 1);
  g_assert_cmpstr (resilient_origin_get_uri (origin), ==, "http://127.0.0.1:1");
  resilient_origin_set_max_concurrent (origin, 77);
  g_assert_cmpint (resilient_origin_get_max_concurrent (origin), ==, -1);
  g_assert_cmpuint (resilient_origin_get_active_count (origin), ==, 0);
  g_assert_cmpuint (resilient_origin_get_pending_count (origin), ==, 0);
  g_assert_false (resilient_origin_set_default_header (origin, "X-Child", "1", &error));
  assert_closed (error);
  g_assert_false (resilient_origin_set_default_header (origin, "X-Child", NULL, NULL));
  resilient_origin_mark_header_secret (origin, "X-Child");
  g_object_set (origin, "max-concurrent", 77, NULL);
  g_object_get (origin,
                "uri",
                &uri,
                "max-concurrent",
                &max_concurrent,
                "active-count",
                &active,
                "pending-count",
                &pending,
                NULL);
  g_assert_cmpint (max_concurrent, ==, -1);
  g_assert_cmpuint (active + pending, ==, 0);

  /* the parent's references to it are none of the child's to drop, but it may drop the list's */
  g_object_run_dispose (G_OBJECT (origins));
  g_object_run_dispose (G_OBJECT (origin));
}

G_GNUC_UNUSED static void
test_origin (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientOrigin) origin =
    resilient_client_get_origin (fixture->client, "http://127.0.0.1:1/", NULL);
  Busy busy = { .origin = origin };
  GThread *thread;

  for (guint i = 0; i < N_HEADERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("X-%u", i);

      resilient_origin_set_default_header (origin, name, "value", NULL);
    }
  resilient_origin_set_max_concurrent (origin, 5);
  g_assert_nonnull (resilient_client_get_origins (fixture->client));
  asked_origin = origin;
  thread = g_thread_new ("origin", origin_thread, &busy);
  for (guint i = 0; i < N_FORKS; i++)
    run_child (fixture, child_asks_origin);
  g_atomic_int_set (&busy.stop, TRUE);
  g_thread_join (thread);
  g_assert_cmpint (resilient_origin_get_max_concurrent (origin), ==, 5);
}

static void
child_asks_and_drops (ClientFixture *fixture)
{
  child_asks (fixture);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_clear_object (&fixture->client);
}

G_GNUC_UNUSED static void
test_locked (ClientFixture *fixture, gconstpointer flags)
{
  Busy busy = { .fixture = fixture };
  GThread *threads[2];

  for (guint i = 0; i < N_HEADERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("X-%u", i);

      resilient_client_set_default_header (fixture->client, name, "value", NULL);
    }
  /* the list of them is there already, with its own end */
  g_assert_nonnull (resilient_client_get_calls (fixture->client));
  threads[0] = g_thread_new ("core", engine_thread, &busy);
  threads[1] = g_thread_new ("recorder", recorder_thread, &busy);
  for (guint i = 0; i < N_FORKS; i++)
    run_child (fixture, i % 2 ? child_asks : child_asks_and_drops);
  g_atomic_int_set (&busy.stop, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* --- what was under way ----------------------------------------------------------------------- */

typedef struct
{
  TestResult sent, waited, waited_all, closed, read;
} UnderWay;

static UnderWay under_way;

static guint
count_callbacks (void)
{
  return under_way.sent.calls + under_way.waited.calls + under_way.waited_all.calls
         + under_way.closed.calls + under_way.read.calls;
}

/* Each callback comes once, in the parent: here it would come a second time. What the child asks
 * itself comes here. */
static void
child_goes_on (ClientFixture *fixture)
{
  g_auto (TestResult) next = { 0 };
  GError *error = NULL;

  child_blocks (fixture);
  for (guint i = 0; i < 1000; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (count_callbacks (), ==, 0);

  resilient_subscription_next_async (asked_subscription, NULL, test_result_cb, &next);
  g_assert_null (
    resilient_subscription_next_finish (asked_subscription, test_result_wait (&next), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_callbacks (), ==, 0);

  /* that ends whatever waits for it, whoever began */
  resilient_subscription_close (asked_subscription);
  g_assert_null (resilient_subscription_next_finish (
    asked_subscription, test_result_wait (&under_way.read), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_callbacks (), ==, 1);
}

static void
test_under_way (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientSubscription) subscription = resilient_client_subscribe (fixture->client, 10);
  g_autoptr (ResilientRequestContext) context = context_new ("under-way", NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (ResilientEvent) event = NULL;
  g_autoptr (GError) error = NULL;

  under_way = (UnderWay){ 0 };
  asked_subscription = subscription;
  fault_server_on (
    fixture->server, "/", fault_hold ("held"), fault_answer (200, NULL, "held"), NULL);
  client_start_get (fixture, "/", context, NULL, &under_way.sent);
  resilient_client_wait_result_async (
    fixture->client, "under-way", 100, NULL, test_result_cb, &under_way.waited);
  resilient_client_wait_all_async (fixture->client, NULL, test_result_cb, &under_way.waited_all);
  resilient_subscription_next_async (subscription, NULL, test_result_cb, &under_way.read);
  fault_server_wait_held (fixture->server, "held", 1);
  resilient_client_close_async (fixture->client, 100, NULL, test_result_cb, &under_way.closed);
  test_run_pending ();
  fault_server_open (fixture->server, "held");
  run_child (fixture, child_goes_on);

  g_assert_cmpuint (count_callbacks (), ==, 0);
  response =
    resilient_client_get_finish (fixture->client, test_result_wait (&under_way.sent), &error);
  g_assert_no_error (error);
  assert_response (response, 200, "held");
  result = resilient_client_wait_result_finish (
    fixture->client, test_result_wait (&under_way.waited), &error);
  g_assert_no_error (error);
  results = resilient_client_wait_all_finish (
    fixture->client, test_result_wait (&under_way.waited_all), &error);
  g_assert_no_error (error);
  event =
    resilient_subscription_next_finish (subscription, test_result_wait (&under_way.read), &error);
  g_assert_no_error (error);
  g_assert_nonnull (event);
  g_assert_true (
    resilient_client_close_finish (fixture->client, test_result_wait (&under_way.closed), &error));
  test_run_pending ();
  g_assert_cmpuint (count_callbacks (), ==, 5);
  test_result_clear (&under_way.sent);
  test_result_clear (&under_way.waited);
  test_result_clear (&under_way.waited_all);
  test_result_clear (&under_way.closed);
  test_result_clear (&under_way.read);
}

static void
test_makes_one (ClientFixture *fixture, gconstpointer flags)
{
  fork_beside (fixture, child_makes_one, 1);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/fork/blocks", test_blocks, FAULT_SERVER_PLAIN },
    { "/fork/blocks/tls", test_blocks, FAULT_SERVER_TLS },
    { "/fork/blocks/http2", test_blocks, FAULT_SERVER_HTTP2 },
    { "/fork/turns", test_turns, FAULT_SERVER_PLAIN },
    { "/fork/turns/tls", test_turns, FAULT_SERVER_TLS },
    { "/fork/turns/http2", test_turns, FAULT_SERVER_HTTP2 },
    { "/fork/drops", test_drops, FAULT_SERVER_PLAIN },
    { "/fork/drops/tls", test_drops, FAULT_SERVER_TLS },
    { "/fork/drops/http2", test_drops, FAULT_SERVER_HTTP2 },
    { "/fork/asks", test_asks, FAULT_SERVER_PLAIN },
/* What the sanitizers of gcc 12 have of their own may be locked in a child by a thread that is not
 * there. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    { "/fork/locked", test_locked, FAULT_SERVER_PLAIN },
    { "/fork/call", test_call, FAULT_SERVER_PLAIN },
    { "/fork/origin", test_origin, FAULT_SERVER_PLAIN },
    { "/fork/subscription", test_subscription, FAULT_SERVER_PLAIN },
#endif
    { "/fork/under-way", test_under_way, FAULT_SERVER_PLAIN },
    { "/fork/under-way/tls", test_under_way, FAULT_SERVER_TLS },
    { "/fork/under-way/http2", test_under_way, FAULT_SERVER_HTTP2 },
    { "/fork/makes-one", test_makes_one, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
