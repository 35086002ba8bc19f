/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Every property of a client: what is set is what is read, by name and by function, and a change is
 * told once. */

static void
count_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Another value than the one it has. */
static void
make_other (GParamSpec *pspec, GValue *value)
{
  if (G_VALUE_HOLDS_INT (value))
    g_value_set_int (value, g_value_get_int (value) + 1);
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, g_value_get_uint (value) + 1);
  else if (G_VALUE_HOLDS_INT (value))
    g_value_set_int (value, g_value_get_int (value) + 1);
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, g_value_get_uint64 (value) + 1);
  else if (G_VALUE_HOLDS_DOUBLE (value))
    g_value_set_double (value, g_value_get_double (value) + 1.5);
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_value_set_boolean (value, !g_value_get_boolean (value));
  else if (G_VALUE_HOLDS_STRING (value))
    g_value_set_string (value, "Other/1");
  else if (G_VALUE_HOLDS (value, RESILIENT_TYPE_RETRY_POLICY))
    g_value_set_boxed (value, resilient_retry_policy_get_standard ());
  else if (G_VALUE_HOLDS (value, RESILIENT_TYPE_CIRCUIT_POLICY))
    g_value_set_boxed (value, resilient_circuit_policy_get_default ());
  else if (G_VALUE_HOLDS (value, RESILIENT_TYPE_RATE_LIMITER))
    g_value_take_object (value, resilient_rate_limiter_new (1, 1, NULL));
  else if (G_VALUE_HOLDS (value, RESILIENT_TYPE_RETRY_BUDGET))
    g_value_take_object (value, resilient_retry_budget_new (0.2, 10, NULL));
  else
    g_error ("no other value for %s", pspec->name);
}

static void
check_writable (ResilientClient *client, GParamSpec *pspec)
{
  g_autofree char *signal = g_strconcat ("notify::", pspec->name, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) after = G_VALUE_INIT;
  guint n_notified = 0;
  gulong id = g_signal_connect (client, signal, G_CALLBACK (count_cb), &n_notified);

  g_test_message ("%s", pspec->name);
  g_value_init (&value, pspec->value_type);
  g_value_init (&after, pspec->value_type);
  g_object_get_property (G_OBJECT (client), pspec->name, &value);
  make_other (pspec, &value);

  g_object_set_property (G_OBJECT (client), pspec->name, &value);
  g_object_get_property (G_OBJECT (client), pspec->name, &after);
  if (G_VALUE_HOLDS (&value, RESILIENT_TYPE_RETRY_POLICY))
    g_assert_true (
      resilient_retry_policy_equal (g_value_get_boxed (&value), g_value_get_boxed (&after)));
  else
    g_assert_cmpint (g_param_values_cmp (pspec, &value, &after), ==, 0);
  g_assert_cmpuint (n_notified, ==, 1);

  /* the same again is no change */
  g_object_set_property (G_OBJECT (client), pspec->name, &after);
  g_assert_cmpuint (n_notified, ==, 1);
  g_signal_handler_disconnect (client, id);
}

static void
test_writable (ClientFixture *self, gconstpointer flags)
{
  guint n;
  g_autofree GParamSpec **pspecs =
    g_object_class_list_properties (G_OBJECT_GET_CLASS (self->client), &n);

  for (guint i = 0; i < n; i++)
    if ((pspecs[i]->flags & G_PARAM_WRITABLE) != 0
        && (pspecs[i]->flags & G_PARAM_CONSTRUCT_ONLY) == 0)
      check_writable (self->client, pspecs[i]);
}

/* The names of properties and their functions are the same thing. */
static void
test_functions (ClientFixture *self, gconstpointer flags)
{
  ResilientClient *client = self->client;

#define CHECK(name, type, other, compare)                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    type value_ = 0;                                                                               \
                                                                                                   \
    resilient_client_set_##name (client, other);                                                   \
    g_object_get (client, #name, &value_, NULL);                                                   \
    compare (value_, ==, other);                                                                   \
    compare (resilient_client_get_##name (client), ==, other);                                     \
  }                                                                                                \
  G_STMT_END

  CHECK (io_priority, int, 42, g_assert_cmpint);
  CHECK (adaptive_concurrency, gboolean, TRUE, g_assert_cmpint);
  CHECK (max_concurrent, guint, 11, g_assert_cmpuint);
  CHECK (max_concurrent_per_host, guint, 12, g_assert_cmpuint);
  CHECK (max_pending, guint, 13, g_assert_cmpuint);
  CHECK (connect_timeout, double, 14.5, g_assert_cmpfloat);
  CHECK (read_timeout, double, 15.5, g_assert_cmpfloat);
  CHECK (write_timeout, double, 16.5, g_assert_cmpfloat);
  CHECK (queue_timeout, double, 17.5, g_assert_cmpfloat);
  CHECK (attempt_timeout, double, 18.5, g_assert_cmpfloat);
  CHECK (total_timeout, double, 19.5, g_assert_cmpfloat);
  CHECK (event_queue_capacity, guint, 20, g_assert_cmpuint);
  CHECK (max_results, guint, 21, g_assert_cmpuint);
  CHECK (result_ttl, double, 22.5, g_assert_cmpfloat);
  CHECK (max_result_bytes, guint64, 23, g_assert_cmpuint);
  CHECK (max_response_size, guint64, 24, g_assert_cmpuint);
#undef CHECK
}

static void
count_one_cb (guint *n)
{
  (*n)++;
}

static void
test_readable (ClientFixture *self, gconstpointer flags)
{
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GListModel) calls = NULL;
  guint active, pending, results, queued;
  guint64 dropped;
  gboolean closed;

  g_object_get (self->client,
                "session",
                &session,
                "main-context",
                &context,
                "calls",
                &calls,
                "active-count",
                &active,
                "pending-count",
                &pending,
                "result-count",
                &results,
                "event-queue-length",
                &queued,
                "dropped-events",
                &dropped,
                "closed",
                &closed,
                NULL);
  g_assert_null (session);
  g_assert_true (context == resilient_client_get_main_context (self->client));
  g_assert_true (calls == resilient_client_get_calls (self->client));
  g_assert_cmpuint (g_list_model_get_n_items (calls), ==, 0);
  g_assert_cmpuint (active + pending + results + queued, ==, 0);
  g_assert_cmpuint (dropped, ==, 0);
  g_assert_cmpuint (resilient_client_get_event_queue_length (self->client), ==, 0);
  g_assert_cmpuint (resilient_client_get_dropped_events (self->client), ==, 0);
  g_assert_false (closed);
}

/* Reading it makes none; sharing makes one that stays and that the next request goes by. */
static void
test_session (ClientFixture *self, gconstpointer flags)
{
  g_autoptr (ResilientClient) with_given = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (SoupSession) given = soup_session_new ();
  g_autoptr (GError) error = NULL;
  SoupSession *shared;
  guint notified = 0, queued = 0;

  fault_server_on (self->server, "/", fault_answer (200, NULL, "ok"), NULL);
  g_signal_connect_swapped (self->client, "notify::session", G_CALLBACK (count_one_cb), &notified);
  for (guint i = 0; i < 2; i++)
    g_assert_null (resilient_client_get_session (self->client));
  g_assert_cmpuint (notified, ==, 0);

  shared = resilient_client_share_session (self->client);
  g_assert_true (SOUP_IS_SESSION (shared));
  g_assert_true (resilient_client_share_session (self->client) == shared);
  g_assert_true (resilient_client_get_session (self->client) == shared);
  g_assert_cmpuint (notified, ==, 1);
  g_signal_connect_swapped (shared, "request-queued", G_CALLBACK (count_one_cb), &queued);
  response = client_get (self, "/", NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (queued, ==, 1);

  with_given = resilient_client_new_with_session (given);
  g_assert_true (resilient_client_get_session (with_given) == given);
  g_assert_true (resilient_client_share_session (with_given) == given);
}

static void
items_changed_cb (GListModel *model, guint position, guint removed, guint added, GString *log)
{
  g_string_append_printf (log, "%u-%u+%u ", position, removed, added);
}

static gpointer
get_origin_thread (gpointer client)
{
  return resilient_client_get_origin (client, "http://thread.test", NULL);
}

/* What any thread made is in the list when the home context has turned. */
static void
test_origins (ClientFixture *self, gconstpointer flags)
{
  g_autoptr (ResilientOrigin) first = NULL;
  g_autoptr (ResilientOrigin) second = NULL;
  g_autoptr (ResilientOrigin) item = NULL;
  g_autoptr (GString) log = g_string_new (NULL);
  GListModel *origins;

  first = resilient_client_get_origin (self->client, "http://a.test/path", NULL);
  origins = resilient_client_get_origins (self->client);
  g_assert_true (origins == resilient_client_get_origins (self->client));
  g_assert_true (g_list_model_get_item_type (origins) == RESILIENT_TYPE_ORIGIN);
  g_assert_cmpuint (g_list_model_get_n_items (origins), ==, 1);
  g_signal_connect (origins, "items-changed", G_CALLBACK (items_changed_cb), log);

  second = g_thread_join (g_thread_new ("maker", get_origin_thread, self->client));
  g_assert_cmpuint (g_list_model_get_n_items (origins), ==, 1);
  test_run_pending ();
  g_assert_cmpstr (log->str, ==, "1-0+1 ");
  item = g_list_model_get_item (origins, 1);
  g_assert_true (item == second);
  g_assert_cmpstr (resilient_origin_get_uri (item), ==, "http://thread.test:80");
  g_assert_null (g_list_model_get_item (origins, 2));

  /* idle ones that nobody holds leave it, those that somebody holds stay */
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *uri = g_strdup_printf ("http://%u.test", i);

      g_object_unref (resilient_client_get_origin (self->client, uri, NULL));
    }
  test_run_pending ();
  g_assert_cmpuint (g_list_model_get_n_items (origins), <, 600);
  g_assert_cmpuint (g_list_model_get_n_items (origins), >=, 512);
  g_clear_object (&item);
  item = g_list_model_get_item (origins, 0);
  g_assert_true (item == first);

  /* it outlives the client */
  g_object_ref (origins);
  client_dispose (self->client);
  self->client = NULL;
  test_run_pending ();
  g_assert_cmpuint (g_list_model_get_n_items (origins), >=, 512);
  g_signal_handlers_disconnect_by_data (origins, log);
  g_object_unref (origins);
}

/* It is the client's own, and a request that was started with another keeps that. */
static void
test_user_agent (ClientFixture *self, gconstpointer flags)
{
  char *given = g_strdup ("First/1");
  g_auto (TestResult) result = { 0 };
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  guint n_notified = 0;

  g_signal_connect (self->client, "notify::user-agent", G_CALLBACK (count_cb), &n_notified);
  resilient_client_set_user_agent (self->client, given);
  memset (given, 'x', strlen (given));
  g_free (given);
  g_assert_cmpstr (resilient_client_get_user_agent (self->client), ==, "First/1");
  resilient_client_set_user_agent (self->client, "First/1");
  g_assert_cmpuint (n_notified, ==, 1);

  fault_server_on (self->server, "/", fault_answer (200, NULL, "ok"), NULL);
  client_start_get (self, "/", NULL, NULL, &result);
  resilient_client_set_user_agent (self->client, NULL);
  g_assert_null (resilient_client_get_user_agent (self->client));
  g_assert_cmpuint (n_notified, ==, 2);
  response = client_end_get (self, &result, &error);
  g_assert_no_error (error);
  record = fault_server_get_record (self->server, 0);
  g_assert_cmpstr (fault_record_get_header (record, "User-Agent"), ==, "First/1");
}

int
main (int argc, char *argv[])
{
  const ClientTest tests[] = {
    { "/properties/writable", test_writable, FAULT_SERVER_PLAIN },
    { "/properties/functions", test_functions, FAULT_SERVER_PLAIN },
    { "/properties/readable", test_readable, FAULT_SERVER_PLAIN },
    { "/properties/user-agent", test_user_agent, FAULT_SERVER_PLAIN },
    { "/properties/session", test_session, FAULT_SERVER_PLAIN },
    { "/properties/origins", test_origins, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
