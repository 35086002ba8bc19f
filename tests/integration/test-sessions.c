/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* By which connections requests go, and what becomes of them when an app takes the session. */

#define MANY 5

/* --- a proxy that asks for credentials, as the system's settings could name one --------------- */

static char *proxy_uri = NULL;

typedef struct
{
  GObject parent;
} TestResolver;

typedef struct
{
  GObjectClass parent;
} TestResolverClass;

static GType test_resolver_get_type (void);

static gboolean
resolver_is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

static gchar **
resolver_lookup (GProxyResolver *resolver,
                 const char *uri,
                 GCancellable *cancellable,
                 GError **error)
{
  const char *direct = "direct://";

  return g_strdupv ((char *[]){ proxy_uri != NULL ? proxy_uri : (char *) direct, NULL });
}

static void
resolver_lookup_async (GProxyResolver *resolver,
                       const char *uri,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  g_task_return_pointer (
    task, resolver_lookup (resolver, uri, NULL, NULL), (GDestroyNotify) g_strfreev);
}

static gchar **
resolver_lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
resolver_interface_init (GProxyResolverInterface *iface)
{
  iface->is_supported = resolver_is_supported;
  iface->lookup = resolver_lookup;
  iface->lookup_async = resolver_lookup_async;
  iface->lookup_finish = resolver_lookup_finish;
}

G_DEFINE_TYPE_WITH_CODE (TestResolver,
                         test_resolver,
                         G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, resolver_interface_init))

static void
test_resolver_class_init (TestResolverClass *klass)
{
}

static void
test_resolver_init (TestResolver *self)
{
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
start_gets (ClientFixture *fixture, TestResult *results)
{
  for (guint i = 0; i < MANY; i++)
    client_start_get (fixture, "/", NULL, NULL, &results[i]);
}

static void
end_gets (ClientFixture *fixture, TestResult *results, const char *body)
{
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response = client_end_get (fixture, &results[i], &error);

      g_assert_no_error (error);
      assert_response (response, 200, body);
      test_result_clear (&results[i]);
    }
}

/* Each has made a connection, and those serve again. */
static void
end_gets_and_repeat (ClientFixture *fixture, TestResult *results)
{
  end_gets (fixture, results, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, MANY);
  start_gets (fixture, results);
  end_gets (fixture, results, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, MANY);
}

/* Connections are made at the same time, not one after the other: all are there before any of them
 * has got further. */
static void
test_parallel (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < MANY; i++)
    fault_server_next_connection (fixture->server, fault_hold ("go"), NULL);
  start_gets (fixture, results);
  fault_server_wait_held (fixture->server, "go", MANY);
  fault_server_open (fixture->server, "go");
  end_gets_and_repeat (fixture, results);
}

/* Over TLS the first shows which protocol the server speaks, and how long a connection takes: then
 * those that would wait for long make one each, all at the same time. */
static void
test_parallel_tls (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };

  fault_server_on (fixture->server, NULL, fault_hold ("all"), fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server, fault_hold ("first"), NULL);
  start_gets (fixture, results);
  fault_server_wait_held (fixture->server, "first", 1);
  test_run_pending ();
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  for (guint i = 1; i < MANY; i++)
    fault_server_next_connection (fixture->server, fault_hold ("go"), NULL);
  fault_server_open (fixture->server, "first");
  fault_server_wait_held (fixture->server, "go", MANY - 1);
  fault_server_open (fixture->server, "go");
  fault_server_wait_held (fixture->server, "all", MANY);
  fault_server_open (fixture->server, "all");
  end_gets_and_repeat (fixture, results);
}

static void
test_one_http2_connection (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  start_gets (fixture, results);
  end_gets (fixture, results, "ok");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
}

/* The first finds nobody there: the others try at once, not one after the other. */
static void
test_first_fails (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (1);

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server, fault_reset (), NULL);
  for (guint i = 1; i < MANY; i++)
    fault_server_next_connection (fixture->server, fault_hold ("go"), NULL);
  resilient_client_set_retry_policy (fixture->client, policy);
  start_gets (fixture, results);
  fault_server_wait_held (fixture->server, "go", MANY - 1);
  fault_server_open (fixture->server, "go");
  end_gets (fixture, results, "ok");
}

/* The first is cancelled while it connects: another finds out. */
static void
test_first_cancelled (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (TestResult) first = { 0 };
  TestResult results[MANY] = { { 0 } };
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server, fault_hold ("never"), NULL);
  client_start_get (fixture, "/", NULL, cancellable, &first);
  start_gets (fixture, results);
  fault_server_wait_held (fixture->server, "never", 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (client_end_get (fixture, &first, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  end_gets (fixture, results, "ok");
  fault_server_open (fixture->server, "never");
}

/* One that waits for the first is cancelled, and one meets its deadline. */
static void
test_waiting_ends (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (TestResult) first = { 0 };
  g_auto (TestResult) second = { 0 };
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_next_connection (fixture->server, fault_hold ("go"), NULL);
  client_start_get (fixture, "/", NULL, NULL, &first);
  client_start_get (fixture, "/", NULL, cancellable, &second);
  fault_server_wait_held (fixture->server, "go", 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (client_end_get (fixture, &second, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  resilient_request_set_connect_timeout (request, 0.02);
  resilient_client_set_retry_policy (fixture->client, policy);
  g_assert_null (client_send (fixture, request, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);

  fault_server_open (fixture->server, "go");
  response = client_end_get (fixture, &first, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

/* Whatever an app adds to the session counts from then on. */
static void
test_session_taken (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };
  g_autoptr (SoupCookieJar) jar = soup_cookie_jar_new ();

  fault_server_on (fixture->server, NULL, fault_answer (200, "Set-Cookie: a=b", "ok"), NULL);
  start_gets (fixture, results);
  soup_session_add_feature (resilient_client_share_session (fixture->client),
                            SOUP_SESSION_FEATURE (jar));
  end_gets (fixture, results, "ok");

  for (guint i = 0; i < 2; i++)
    {
      start_gets (fixture, results);
      end_gets (fixture, results, "ok");
    }
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (FaultRecord) record = fault_server_get_record (fixture->server, 2 * MANY + i);

      g_assert_cmpstr (fault_record_get_header (record, "Cookie"), ==, "a=b");
    }
}

/* The credentials of a URI answer a challenge, also when others are under way without any. */
static void
test_credentials (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *uri = g_strdup_printf ("http://joe:secret@127.0.0.1:%u/private",
                                          fault_server_get_port (fixture->server));
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_next (fixture->server,
                     "/private",
                     fault_answer (401, "WWW-Authenticate: Basic realm=\"x\"", "who?"),
                     NULL);
  fault_server_on (fixture->server, "/private", fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  record = fault_server_get_record_of (fixture->server, "/private", 1);
  g_assert_cmpstr (fault_record_get_header (record, "Authorization"), ==, "Basic am9lOnNlY3JldA==");
}

/* What can be sent only once is not sent again: what came is the answer. */
static void
test_credentials_one_shot (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *uri = g_strdup_printf ("%s://joe:secret@127.0.0.1:%u/private",
                                          GPOINTER_TO_UINT (flags) != 0 ? "https" : "http",
                                          fault_server_get_port (fixture->server));
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("once", 4, NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_next (fixture->server,
                     "/private",
                     fault_answer (401, "WWW-Authenticate: Basic realm=\"x\"", "who?"),
                     NULL);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  resilient_request_set_body_stream (request, "text/plain", stream, 4);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 401, "who?");
  g_clear_pointer (&response, resilient_response_unref);

  response = client_get (fixture, "/", NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_count (fixture->server, "/private"), ==, 1);
}

/* They hold where a redirect leads on the same host, whatever other sessions are there. */
static void
test_credentials_redirected (ClientFixture *fixture, gconstpointer flags)
{
  guint port = fault_server_get_port (fixture->server);
  g_autofree char *uri = g_strdup_printf ("http://joe:secret@127.0.0.1:%u/private/a", port);
  g_autofree char *target = fault_server_uri (fixture->server, "/private/b");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (FaultRecord) record = NULL;
  TestResult results[MANY] = { { 0 } };
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  start_gets (fixture, results);
  end_gets (fixture, results, "ok");
  fault_server_next (fixture->server,
                     "/private/a",
                     fault_answer (401, "WWW-Authenticate: Basic realm=\"x\"", "who?"),
                     NULL);
  fault_server_on (fixture->server, "/private/a", fault_redirect (302, target), NULL);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  record = fault_server_get_record_of (fixture->server, "/private/b", 0);
  g_assert_cmpstr (fault_record_get_header (record, "Authorization"), ==, "Basic am9lOnNlY3JldA==");
}

/* A proxy's challenge is answered with what the settings of the system say, whichever session the
 * request was on. It is no send, and who comes later knows. */
static void
test_proxy (ClientFixture *fixture, gconstpointer flags)
{
  TestResult results[MANY] = { { 0 } };
  g_autoptr (GPtrArray) list = NULL;

  proxy_uri =
    g_strdup_printf ("http://joe:secret@127.0.0.1:%u", fault_server_get_port (fixture->server));
  for (guint i = 0; i < MANY; i++)
    fault_server_next (fixture->server,
                       NULL,
                       fault_hold ("all"),
                       fault_answer (407, "Proxy-Authenticate: Basic realm=\"x\"", "who?"),
                       NULL);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  start_gets (fixture, results);
  fault_server_wait_held (fixture->server, "all", MANY);
  fault_server_open (fixture->server, "all");
  end_gets (fixture, results, "ok");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 2 * MANY);
  list = resilient_client_list_results (fixture->client);
  g_assert_cmpuint (list->len, ==, MANY);
  for (guint i = 0; i < MANY; i++)
    {
      g_assert_cmpuint (resilient_result_get_sends (list->pdata[i]), ==, 1);
      g_assert_cmpuint (resilient_result_get_attempts (list->pdata[i]), ==, 1);
    }

  start_gets (fixture, results);
  end_gets (fixture, results, "ok");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 3 * MANY);
  g_clear_pointer (&proxy_uri, g_free);
}

/* Each request that the proxy gets is for what the app asked for, and none is for the proxy's own
 * page; with credentials that it refuses there is an end: after one of a session that has nobody to
 * answer, and two of the one that has. */
static void
test_proxy_target (ClientFixture *fixture, gconstpointer flags)
{
  const struct
  {
    const char *method;
    const char *uri;
    const char *target;
    gboolean refused;
    guint n_requests;
  } cases[] = {
    { "GET", "http://origin.test/page?a", "http://origin.test/page?a", FALSE, 2 },
    { "POST", "http://post.test/page", "http://post.test/page", FALSE, 2 },
    { "GET", "http://refused.test/page", "http://refused.test/page", TRUE, 3 },
    { "POST", "http://lost.test/page", "http://lost.test/page", TRUE, 3 },
    { "GET", "https://origin.test/page", "origin.test:443", TRUE, 3 },
    { "POST", "https://post.test/page", "post.test:443", TRUE, 3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FaultServer) server = fault_server_new (FAULT_SERVER_PLAIN);
      g_autoptr (ResilientClient) client = resilient_client_new ();
      g_autoptr (ResilientRequest) request = resilient_request_new (cases[i].method, cases[i].uri);
      g_autoptr (GBytes) body = g_bytes_new_static ("body", 4);
      g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (TestResult) result = { 0 };

      g_test_message ("%s %s", cases[i].method, cases[i].uri);
      proxy_uri =
        g_strdup_printf ("http://joe:secret@127.0.0.1:%u", fault_server_get_port (server));
      fault_server_next (
        server, NULL, fault_answer (407, "Proxy-Authenticate: Basic realm=\"x\"", "who?"), NULL);
      fault_server_on (server,
                       NULL,
                       fault_answer (cases[i].refused ? 407 : 200,
                                     "Proxy-Authenticate: Basic realm=\"x\"",
                                     "said"),
                       NULL);
      if (cases[i].method[0] == 'P')
        resilient_request_set_body_bytes (request, "text/plain", body);
      resilient_client_set_retry_policy (client, policy);
      resilient_client_send_async (client, request, NULL, NULL, test_result_cb, &result);
      response = resilient_client_send_finish (client, test_result_wait (&result), &error);
      if (cases[i].uri[4] == 's')
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED);
        }
      else
        {
          g_autofree char *uri = NULL;

          g_assert_no_error (error);
          assert_response (response, cases[i].refused ? 407 : 200, "said");
          uri = g_uri_to_string (resilient_response_get_uri (response));
          g_assert_cmpstr (uri, ==, cases[i].uri);
        }
      g_assert_cmpuint (fault_server_get_requests (server), ==, cases[i].n_requests);
      for (guint j = 0; j < cases[i].n_requests; j++)
        {
          g_autoptr (FaultRecord) record = fault_server_get_record (server, j);

          g_assert_cmpstr (fault_record_get_path (record), ==, cases[i].target);
        }
      test_result_clear (&result);
      client_dispose (g_steal_pointer (&client));
      g_clear_pointer (&proxy_uri, g_free);
    }
}

/* What can be sent only once meets the challenge, so that what comes later can answer it at
 * once. */
static void
test_proxy_one_shot (ClientFixture *fixture, gconstpointer flags)
{
  static const guint expected[] = { 407, 407, 200 };
  TestResult held = { 0 };
  g_autoptr (ResilientResponse) other = NULL;
  g_autoptr (GError) error = NULL;

  proxy_uri =
    g_strdup_printf ("http://joe:secret@127.0.0.1:%u", fault_server_get_port (fixture->server));
  fault_server_next (
    fixture->server, NULL, fault_hold ("other"), fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", NULL, NULL, &held);
  fault_server_wait_held (fixture->server, "other", 1);
  for (guint i = 0; i < 2; i++)
    fault_server_next (fixture->server,
                       NULL,
                       fault_answer (407, "Proxy-Authenticate: Basic realm=\"x\"", "who?"),
                       NULL);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/");
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("once", 4, NULL);
      g_autoptr (ResilientResponse) response = NULL;

      resilient_request_set_body_stream (request, "text/plain", stream, 4);
      response = client_send (fixture, request, NULL, NULL);
      g_assert_cmpuint (
        response != NULL ? resilient_response_get_status_code (response) : 0, ==, expected[i]);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 4);
  fault_server_open (fixture->server, "other");
  other = client_end_get (fixture, &held, &error);
  g_assert_no_error (error);
  assert_response (other, 200, "ok");
  test_result_clear (&held);
  g_clear_pointer (&proxy_uri, g_free);
}

/* More hosts than there are sessions, one after the other: those that come back find their
 * connection. */
static void
test_many_hosts (ClientFixture *fixture, gconstpointer flags)
{
  FaultServer *servers[24];

  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
      {
        g_autoptr (ResilientRequest) request = NULL;
        g_autoptr (ResilientResponse) response = NULL;
        g_autoptr (GError) error = NULL;
        g_autofree char *uri = NULL;

        if (round == 0)
          {
            servers[i] = fault_server_new (FAULT_SERVER_PLAIN);
            fault_server_on (servers[i], NULL, fault_answer (200, NULL, "ok"), NULL);
          }
        uri = fault_server_uri (servers[i], "/");
        request = resilient_request_new ("GET", uri);
        response = client_send (fixture, request, NULL, &error);
        g_assert_no_error (error);
        assert_response (response, 200, "ok");
        g_assert_cmpuint (fault_server_get_requests (servers[i]), ==, round + 1);
      }
  /* the newest at least */
  g_assert_cmpuint (fault_server_get_connections (servers[G_N_ELEMENTS (servers) - 1]), <=, 2);
  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    fault_server_free (servers[i]);
}

int
main (int argc, char **argv)
{
  static const ClientTest tests[] = {
    { "/sessions/parallel", test_parallel, FAULT_SERVER_PLAIN },
    { "/sessions/parallel/tls", test_parallel_tls, FAULT_SERVER_TLS },
    { "/sessions/one-http2-connection", test_one_http2_connection, FAULT_SERVER_HTTP2 },
    { "/sessions/first-fails", test_first_fails, FAULT_SERVER_TLS },
    { "/sessions/first-cancelled", test_first_cancelled, FAULT_SERVER_TLS },
    { "/sessions/first-cancelled/http2", test_first_cancelled, FAULT_SERVER_HTTP2 },
    { "/sessions/waiting-ends", test_waiting_ends, FAULT_SERVER_TLS },
    { "/sessions/taken", test_session_taken, FAULT_SERVER_PLAIN },
    { "/sessions/credentials", test_credentials, FAULT_SERVER_PLAIN },
    { "/sessions/credentials/one-shot", test_credentials_one_shot, FAULT_SERVER_PLAIN },
    { "/sessions/credentials/one-shot/tls", test_credentials_one_shot, FAULT_SERVER_TLS },
    { "/sessions/credentials/one-shot/http2", test_credentials_one_shot, FAULT_SERVER_HTTP2 },
    { "/sessions/credentials/redirected", test_credentials_redirected, FAULT_SERVER_PLAIN },
    { "/sessions/proxy", test_proxy, FAULT_SERVER_PLAIN },
    { "/sessions/proxy/target", test_proxy_target, FAULT_SERVER_PLAIN },
    { "/sessions/proxy/one-shot", test_proxy_one_shot, FAULT_SERVER_PLAIN },
    { "/sessions/many-hosts", test_many_hosts, FAULT_SERVER_PLAIN },
  };
  GIOExtensionPoint *point;

  /* before anybody asks for the default one */
  g_setenv ("GIO_USE_PROXY_RESOLVER", "resilient-test", TRUE);
  point = g_io_extension_point_register (G_PROXY_RESOLVER_EXTENSION_POINT_NAME);
  g_io_extension_point_set_required_type (point, G_TYPE_PROXY_RESOLVER);
  g_io_extension_point_implement (
    G_PROXY_RESOLVER_EXTENSION_POINT_NAME, test_resolver_get_type (), "resilient-test", 1000);

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
