/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

static void
event_cb (ResilientClient *client, ResilientEvent *event, ClientFixture *self)
{
  g_ptr_array_add (self->events, resilient_event_ref (event));
}

void
client_fixture_set_up (ClientFixture *self, gconstpointer flags)
{
  self->server = fault_server_new (GPOINTER_TO_UINT (flags));
  self->client = resilient_client_new ();
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_unref);
  test_trust_by_default ();
  /* libsoup 3.2 goes on counting an HTTP/2 connection that broke, and warns of it when its session
   * goes, which may be later than the test */
  test_allow_warning ("libsoup", "conns");
  g_signal_connect (self->client, "event", G_CALLBACK (event_cb), self);
  /* several TLS handshakes at a time take longer than the default where each instruction is
   * checked */
  resilient_client_set_connect_timeout (self->client, 0);
}

static void
close_client (ResilientClient *client, double grace)
{
  g_auto (TestResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  resilient_client_close_async (client, grace, NULL, test_result_cb, &result);
  resilient_client_close_finish (client, test_result_wait (&result), &error);
  g_assert_no_error (error);
  g_assert_true (resilient_client_get_closed (client));
}

void
client_close (ClientFixture *self, double grace)
{
  close_client (self->client, grace);
}

/* The client goes with its last task or source, which may still stand in line when a close
 * completes. */
typedef struct
{
  GMainContext *context;
  int gone; /* atomic: it may go in the thread of a task */
} Going;

static void
gone_cb (gpointer user_data, GObject *client)
{
  Going *going = user_data;

  g_atomic_int_set (&going->gone, TRUE);
  g_main_context_wakeup (going->context);
}

static gboolean
is_gone (gpointer data)
{
  return g_atomic_int_get (&((Going *) data)->gone);
}

void
client_dispose (ResilientClient *client)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  Going going = { context, FALSE };

  close_client (client, 0);
  g_object_weak_ref (G_OBJECT (client), gone_cb, &going);
  g_object_unref (client);
  test_run_until (is_gone, &going);
}

static gboolean
is_last (ResilientEvent *event)
{
  return resilient_event_get_event_type (event) != RESILIENT_EVENT_TYPE_RETRY;
}

/* Requests of the tests have ids of their own, so there is one last event for each. */
static void
assert_one_last_event (GPtrArray *events)
{
  g_autoptr (GHashTable) ended = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < events->len; i++)
    {
      ResilientEvent *event = events->pdata[i];
      const char *id =
        resilient_request_context_get_request_id (resilient_event_get_context (event));

      g_assert_false (g_hash_table_contains (ended, id));
      if (is_last (event))
        g_hash_table_add (ended, (gpointer) id);
    }
}

void
client_fixture_tear_down (ClientFixture *self, gconstpointer flags)
{
  if (self->client != NULL)
    client_dispose (g_steal_pointer (&self->client));
  assert_one_last_event (self->events);
  g_ptr_array_unref (self->events);
  fault_server_free (self->server);
}

void
client_tests_add (const ClientTest *tests, gsize n_tests)
{
  for (gsize i = 0; i < n_tests; i++)
    g_test_add (tests[i].path,
                ClientFixture,
                GUINT_TO_POINTER (tests[i].flags),
                client_fixture_set_up,
                tests[i].test,
                client_fixture_tear_down);
}

int
client_tests_run (int argc, char **argv, const ClientTest *tests, gsize n_tests)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  client_tests_add (tests, n_tests);

  return g_test_run ();
}

static ResilientRetryPolicy *
build_policy (ResilientRetryPolicy *base, int max_retries, double base_delay, double max_delay)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (base);
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  resilient_retry_policy_builder_set_base_delay (builder, base_delay);
  resilient_retry_policy_builder_set_max_delay (builder, max_delay);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

ResilientRetryPolicy *
quick_policy (int max_retries)
{
  return build_policy (resilient_retry_policy_get_default (), max_retries, 0.002, 0.01);
}

ResilientRetryPolicy *
quick_standard_policy (int max_retries)
{
  return build_policy (resilient_retry_policy_get_standard (), max_retries, 0.002, 0.01);
}

ResilientRetryPolicy *
sleepy_policy (int max_retries)
{
  return build_policy (resilient_retry_policy_get_default (), max_retries, 600, 6000);
}

ResilientRequestContext *
context_new (const char *id, ResilientRetryPolicy *policy)
{
  g_autoptr (GError) error = NULL;
  ResilientRequestContext *context = resilient_request_context_new (id, policy, NULL, &error);

  g_assert_no_error (error);

  return context;
}

ResilientRequest *
request_new (ClientFixture *self, const char *method, const char *path)
{
  g_autofree char *uri = fault_server_uri (self->server, path);

  return resilient_request_new (method, uri);
}

void
client_start_get (ClientFixture *self,
                  const char *path,
                  ResilientRequestContext *context,
                  GCancellable *cancellable,
                  TestResult *result)
{
  g_autofree char *uri = fault_server_uri (self->server, path);

  resilient_client_get_async (self->client, uri, context, cancellable, test_result_cb, result);
}

ResilientResponse *
client_end_get (ClientFixture *self, TestResult *result, GError **error)
{
  ResilientResponse *response =
    resilient_client_get_finish (self->client, test_result_wait (result), error);

  test_result_clear (result);

  return response;
}

ResilientResponse *
client_get (ClientFixture *self, const char *path, ResilientRequestContext *context, GError **error)
{
  g_auto (TestResult) result = { 0 };

  client_start_get (self, path, context, NULL, &result);

  return client_end_get (self, &result, error);
}

ResilientResponse *
client_send (ClientFixture *self,
             ResilientRequest *request,
             ResilientRequestContext *context,
             GError **error)
{
  g_auto (TestResult) result = { 0 };

  resilient_client_send_async (self->client, request, context, NULL, test_result_cb, &result);

  return resilient_client_send_finish (self->client, test_result_wait (&result), error);
}

ResilientResponse *
call_wait (ResilientCall *call, GError **error)
{
  g_auto (TestResult) result = { 0 };

  resilient_call_wait_async (call, NULL, test_result_cb, &result);

  return resilient_call_wait_finish (call, test_result_wait (&result), error);
}

typedef struct
{
  ResilientCall *call;
  ResilientCallState state;
} StateWish;

static gboolean
has_state (gpointer data)
{
  StateWish *wish = data;

  return resilient_call_get_state (wish->call) == wish->state;
}

void
call_wait_state (ResilientCall *call, ResilientCallState state)
{
  StateWish wish = { call, state };

  test_run_until (has_state, &wish);
}

void
assert_response (ResilientResponse *response, guint status, const char *body)
{
  GBytes *bytes;

  g_assert_nonnull (response);
  g_assert_cmpuint (resilient_response_get_status_code (response), ==, status);
  bytes = resilient_response_get_body (response);
  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), body, strlen (body));
}

ResilientResult *
assert_result (ClientFixture *self,
               const char *id,
               ResilientResultStatus status,
               ResilientFailure failure,
               guint attempts)
{
  ResilientResult *result = resilient_client_get_result (self->client, id);

  g_assert_nonnull (result);
  g_assert_cmpstr (resilient_result_get_request_id (result), ==, id);
  g_assert_cmpint (resilient_result_get_status (result), ==, status);
  g_assert_cmpuint (resilient_result_get_failure (result), ==, failure);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, attempts);
  g_assert_cmpint (
    resilient_result_is_success (result), ==, status == RESILIENT_RESULT_STATUS_SUCCESS);

  return result;
}

ResilientEvent *
find_event (ClientFixture *self, ResilientEventType type, const char *id, guint n)
{
  for (guint i = 0; i < self->events->len; i++)
    {
      ResilientEvent *event = self->events->pdata[i];
      const char *event_id =
        resilient_request_context_get_request_id (resilient_event_get_context (event));

      if (resilient_event_get_event_type (event) == type
          && (id == NULL || g_str_equal (id, event_id)) && n-- == 0)
        return event;
    }

  return NULL;
}

guint
count_events (ClientFixture *self, ResilientEventType type, const char *id)
{
  guint n = 0;

  while (find_event (self, type, id, n) != NULL)
    n++;

  return n;
}

typedef struct
{
  GPtrArray *events;
  guint n;
} LastWish;

static gboolean
has_last_events (gpointer data)
{
  LastWish *wish = data;
  guint n = 0;

  for (guint i = 0; i < wish->events->len; i++)
    n += is_last (wish->events->pdata[i]);

  return n >= wish->n;
}

void
wait_last_events (ClientFixture *self, guint n)
{
  LastWish wish = { self->events, n };

  test_run_until (has_last_events, &wish);
}
