/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "kit-fixture.h"
#include "raw-client.h"

#define PATIENCE 20.0

static GBytes *
bytes (const char *text)
{
  return g_bytes_new_static (text, strlen (text));
}

static ResilientResponse *
get (ResilientClient *client, ResilientTestServer *server, const char *path, GError **error)
{
  g_autofree char *uri = resilient_test_server_get_uri (server, path);
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

  return resilient_client_send (client, request, NULL, NULL, error);
}

static void
assert_get (ResilientClient *client,
            ResilientTestServer *server,
            const char *path,
            guint status,
            const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = get (client, server, path, &error);
  GBytes *body;

  g_assert_no_error (error);
  g_assert_cmpuint (resilient_response_get_status_code (response), ==, status);
  body = resilient_response_get_body (response);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), text, strlen (text));
}

static void
test_uris (void)
{
  g_autoptr (ResilientTestServer) plain = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientTestServer) tls = server_new (RESILIENT_TEST_SERVER_HTTP2);
  g_autofree char *uri = resilient_test_server_get_uri (plain, "/a?b=c");
  g_autofree char *other = resilient_test_server_get_uri_at_host (tls, "localhost", "/");
  g_autofree char *expected =
    g_strdup_printf ("http://127.0.0.1:%u/a?b=c", resilient_test_server_get_port (plain));
  g_autofree char *expected_other =
    g_strdup_printf ("https://localhost:%u/", resilient_test_server_get_port (tls));
  ResilientTestServerFlags flags;
  guint port;

  g_assert_cmpstr (uri, ==, expected);
  g_assert_cmpstr (other, ==, expected_other);
  g_object_get (tls, "flags", &flags, "port", &port, NULL);
  g_assert_cmpuint (flags, ==, RESILIENT_TEST_SERVER_HTTP2);
  g_assert_cmpuint (port, ==, resilient_test_server_get_port (tls));
  g_assert_null (resilient_test_server_get_tls_database (plain));
  g_assert_null (resilient_test_server_get_ca_certificate (plain));
  g_assert_null (resilient_test_server_get_client_certificate (plain));
  g_assert_nonnull (resilient_test_server_get_ca_certificate (tls));
  g_assert_nonnull (resilient_test_server_get_client_certificate (tls));
}

/* What was put into the line comes in order, whatever it is. */
static void
test_line (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autoptr (GBytes) one = bytes ("one");
  g_autoptr (GError) error = NULL;

  resilient_test_server_enqueue_response (server, 200, "text/plain", one);
  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_RESET_ON_ACCEPT);
  resilient_test_server_enqueue_retry_after (server, 503, "soon");
  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_REFUSE);
  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_CUT_BODY);
  resilient_test_server_enqueue_response (server, 200, NULL, NULL);

  assert_get (client, server, "/", 200, "one");
  g_assert_null (get (client, server, "/", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_clear_error (&error);
  assert_get (client, server, "/", 503, "");
  g_assert_null (get (client, server, "/", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_clear_error (&error);
  resilient_test_server_set_listening (server, TRUE, &error);
  g_assert_no_error (error);
  g_assert_null (get (client, server, "/", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  g_clear_error (&error);
  assert_get (client, server, "/", 200, "");
  assert_get (client, server, "/", 404, "no script");
  g_assert_cmpuint (resilient_test_server_get_n_requests (server), ==, 5);
}

/* A fault of a connection comes to the next one even if one is open already. */
static void
test_line_with_open_connection (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autoptr (GError) error = NULL;

  resilient_test_server_set_response (server, NULL, 200, NULL, NULL);
  assert_get (client, server, "/", 200, "");
  resilient_test_server_wait_for_requests (server, 1, PATIENCE, NULL, &error);
  g_assert_no_error (error);
  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT);
  g_assert_null (get (client, server, "/", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  assert_get (client, server, "/", 200, "");
  g_assert_cmpuint (resilient_test_server_get_n_connections (server), ==, 3);
}

static void
test_paths (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
  g_autoptr (GBytes) any = bytes ("any");
  g_autoptr (GBytes) here = bytes ("here");
  g_autoptr (GBytes) twice = bytes ("twice");
  g_autoptr (GError) error = NULL;

  resilient_test_script_add_response (script, 201, NULL, twice);
  resilient_test_server_set_response (server, NULL, 200, NULL, any);
  resilient_test_server_set_response (server, "/here", 200, NULL, here);
  resilient_test_server_set_fault (server, "/gone", RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST);
  resilient_test_server_enqueue_script (server, "/here", 2, script);

  assert_get (client, server, "/", 200, "any");
  for (guint i = 0; i < 2; i++)
    assert_get (client, server, "/here?n=1", 201, "twice");
  assert_get (client, server, "/here?n=2", 200, "here");
  g_assert_null (get (client, server, "/gone", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  resilient_test_server_set_script (server, "/gone", script);
  assert_get (client, server, "/gone", 201, "twice");
  resilient_test_server_set_script (server, "/gone", NULL);
  assert_get (client, server, "/gone", 200, "any");
  g_assert_cmpuint (resilient_test_server_count_requests (server, "/here"), ==, 3);
  g_assert_cmpuint (resilient_test_server_get_max_concurrent (server), ==, 1);
}

static void
test_redirects (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autofree char *elsewhere = resilient_test_server_get_uri_at_host (server, "localhost", "/b");
  g_autofree char *host = NULL;

  resilient_test_server_enqueue_redirect (server, 307, "a");
  resilient_test_server_enqueue_redirect (server, 301, elsewhere);
  resilient_test_server_enqueue_response (server, 204, NULL, NULL);
  assert_get (client, server, "/", 204, "");
  g_assert_cmpuint (resilient_test_server_count_requests (server, "/a"), ==, 1);
  g_assert_cmpuint (resilient_test_server_count_requests (server, "/b"), ==, 1);
  host = resilient_test_server_get_request_header (server, 2, "host");
  g_assert_true (g_str_has_prefix (host, "localhost:"));
}

static void
test_records (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientTestRecord) record = NULL;
  g_autoptr (ResilientTestRecord) second = NULL;
  g_autoptr (ResilientTestRecord) copy = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (RawClient) client = { 0 };
  g_autofree char *sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "hello", 5);
  const char *const *headers;
  GBytes *body;

  g_assert_null (resilient_test_server_get_request (server, 0));
  g_assert_null (resilient_test_server_get_request_to (server, "/x", 0));
  g_assert_null (resilient_test_server_get_request_header (server, 0, "Host"));

  resilient_test_server_set_response (server, NULL, 204, NULL, NULL);
  raw_client_connect (&client, server, &error);
  g_assert_no_error (error);
  raw_client_send (&client,
                   "PUT /x?y HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-a: 2\r\n"
                   "Content-Length: 5\r\n\r\nhello"
                   "GET /z HTTP/1.1\r\n\r\n"
                   "POST /cut HTTP/1.1\r\nContent-Length: 9\r\n\r\nhell");
  g_assert_true (resilient_test_server_wait_for_requests (server, 3, PATIENCE, NULL, &error));
  g_assert_no_error (error);
  raw_client_clear (&client);
  g_assert_true (resilient_test_server_wait_for_closed (server, 1, PATIENCE, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (resilient_test_server_get_n_closed (server), ==, 1);

  record = resilient_test_server_get_request (server, 0);
  copy = resilient_test_record_copy (record);
  g_assert_true (copy == record);
  g_assert_cmpstr (resilient_test_record_get_method (record), ==, "PUT");
  g_assert_cmpstr (resilient_test_record_get_path (record), ==, "/x?y");
  g_assert_cmpstr (resilient_test_record_get_version (record), ==, "1.1");
  g_assert_cmpuint (resilient_test_record_get_connection (record), ==, 1);
  g_assert_cmpstr (resilient_test_record_get_header (record, "x-a"), ==, "1");
  g_assert_null (resilient_test_record_get_header (record, "x"));
  headers = resilient_test_record_get_headers (record);
  g_assert_cmpuint (g_strv_length ((char **) headers), ==, 4);
  g_assert_cmpstr (headers[2], ==, "X-a: 2");
  body = resilient_test_record_get_body (record);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), "hello", 5);
  g_assert_cmpuint (resilient_test_record_get_body_size (record), ==, 5);
  g_assert_cmpstr (resilient_test_record_get_body_sha256 (record), ==, sha256);
  g_assert_true (resilient_test_record_is_whole (record));

  second = resilient_test_server_get_request_to (server, "/z", 0);
  g_assert_cmpstr (resilient_test_record_get_method (second), ==, "GET");
  g_assert_cmpint (resilient_test_record_get_arrived_at (record),
                   <=,
                   resilient_test_record_get_arrived_at (second));

  list = resilient_test_server_list_requests (server);
  g_assert_cmpuint (list->len, ==, 3);
  g_assert_false (resilient_test_record_is_whole (list->pdata[2]));
  g_assert_cmpuint (resilient_test_record_get_body_size (list->pdata[2]), ==, 4);
}

/* A script that takes all steps that HTTP/1.1 has. */
static void
test_script (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
  g_autoptr (GBytes) drops = bytes ("ab");
  g_autoptr (GError) error = NULL;
  g_auto (RawClient) client = { 0 };

  resilient_test_script_add_read (script, 2);
  resilient_test_script_add_head (script, 103, (const char *[]){ "Link: <a>", "Link: <b>", NULL });
  resilient_test_script_add_gated_read (script, 1, "read");
  resilient_test_script_add_head (script, 200, NULL);
  resilient_test_script_add_text (script, "text,");
  resilient_test_script_add_bytes (script, drops);
  resilient_test_script_add_drip (script, drops, 0.001);
  resilient_test_script_add_gate (script, "drip");
  resilient_test_script_add_gated_drip (script, drops, "drip");
  resilient_test_script_add_pause (script, 0.001);
  resilient_test_script_add_filler (script, 3);
  resilient_test_script_add_close (script);
  resilient_test_server_enqueue_script (server, "/s", 1, script);
  /* later steps are for later uses */
  resilient_test_script_add_text (script, "never");

  raw_client_connect (&client, server, &error);
  g_assert_no_error (error);
  raw_client_send (&client, "POST /s HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (
        resilient_test_server_wait_for_gate (server, "read", 1, PATIENCE, NULL, &error));
      resilient_test_server_release_gate (server, "read", 1);
    }
  g_assert_true (resilient_test_server_wait_for_gate (server, "drip", 1, PATIENCE, NULL, &error));
  resilient_test_server_open_gate (server, "drip");
  g_assert_cmpint (raw_client_read_end (&client), ==, RAW_END_FIN);
  g_assert_cmpstr (client.seen->str,
                   ==,
                   "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nLink: <b>\r\n\r\n"
                   "HTTP/1.1 200 OK\r\n\r\ntext,abababxxx");
}

/* Steps that end: each in a script of its own. */
static void
test_script_ends (void)
{
  static const struct
  {
    void (*add) (ResilientTestScript *self);
    RawEnd end;
  } ends[] = {
    { resilient_test_script_add_close, RAW_END_FIN },
    { resilient_test_script_add_cut, RAW_END_FIN },
    { resilient_test_script_add_reset, RAW_END_RST },
  };
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
      g_autoptr (GBytes) body = bytes ("abc");
      g_autoptr (GError) error = NULL;
      g_auto (RawClient) client = { 0 };

      resilient_test_script_add_chunked_response (script, 200, NULL, body, 2);
      resilient_test_script_add_await_next (script);
      resilient_test_script_add_fault (script, RESILIENT_TEST_FAULT_UNAVAILABLE);
      ends[i].add (script);
      resilient_test_server_enqueue_script (server, NULL, 1, script);
      raw_client_connect (&client, server, &error);
      g_assert_no_error (error);
      raw_client_send (&client, RAW_GET RAW_GET);
      g_assert_cmpint (raw_client_read_end (&client), ==, ends[i].end);
      g_assert_cmpstr (client.seen->str,
                       ==,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
                       "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                       "Content-Length: 0\r\n\r\n");
    }
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);

  return G_SOURCE_REMOVE;
}

static void
test_waits (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (resilient_test_server_wait_for_requests (server, 0, 0.0, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (resilient_test_server_wait_for_requests (server, 1, 0.01, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  /* the context of the caller runs */
  g_idle_add (cancel_cb, cancellable);
  g_assert_false (
    resilient_test_server_wait_for_connections (server, 1, PATIENCE, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gpointer
cancel_thread (gpointer data)
{
  g_cancellable_cancel (data);

  return NULL;
}

/* A thread that may not run the context waits as well. */
static gpointer
waiting_thread (gpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_thread, cancellable);

  g_assert_false (
    resilient_test_server_wait_for_gate (data, "none", 1, PATIENCE, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);

  return NULL;
}

static void
test_waits_in_thread (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  gboolean acquired = g_main_context_acquire (NULL);

  g_assert_true (acquired);
  g_thread_join (g_thread_new ("waiting", waiting_thread, server));
  g_main_context_release (NULL);
}

/* How many threads of servers there are in this process; -1 where nobody can tell. */
static int
count_threads (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *task;
  int n = 0;

  if (tasks == NULL)
    return -1;
  while ((task = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", task, "comm", NULL);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL))
        n += g_str_has_prefix (name, "fault-");
    }

  return n;
}

/* Whatever its threads do, they end; what was recorded stays. */
static void
test_close (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);
  g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
  g_autoptr (ResilientTestRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  RawClient clients[4] = { 0 };

  if (count_threads () < 0)
    {
      g_test_skip ("no /proc tells of threads");
      return;
    }
  resilient_test_script_add_gate (script, "closed");
  resilient_test_server_set_script (server, "/gate", script);
  resilient_test_server_set_fault (server, "/silence", RESILIENT_TEST_FAULT_SILENCE);
  resilient_test_server_set_fault (server, "/endless", RESILIENT_TEST_FAULT_ENDLESS_BODY);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      raw_client_connect (&clients[i], server, &error);
      g_assert_no_error (error);
    }
  raw_client_send (&clients[0], "GET /gate HTTP/1.1\r\n\r\n");
  raw_client_send (&clients[1], "GET /silence HTTP/1.1\r\n\r\n");
  raw_client_send (&clients[2], "GET /endless HTTP/1.1\r\n\r\n");
  g_assert_true (resilient_test_server_wait_for_connections (server, 4, PATIENCE, NULL, &error));
  g_assert_true (resilient_test_server_wait_for_requests (server, 3, PATIENCE, NULL, &error));
  g_assert_cmpint (count_threads (), ==, 5);

  resilient_test_server_close (server);
  g_assert_cmpint (count_threads (), ==, 0);
  resilient_test_server_close (server);
  g_assert_cmpuint (resilient_test_server_get_n_requests (server), ==, 3);
  record = resilient_test_server_get_request_to (server, "/gate", 0);
  g_assert_nonnull (record);
  g_assert_cmpuint (resilient_test_server_get_n_closed (server), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    raw_client_clear (&clients[i]);
}

static void
test_dispose (void)
{
  ResilientTestServer *server = server_new (RESILIENT_TEST_SERVER_HTTP2);
  g_auto (RawClient) client = { 0 };
  g_autoptr (GError) error = NULL;

  raw_client_connect (&client, server, &error);
  g_assert_no_error (error);
  resilient_test_server_wait_for_connections (server, 1, PATIENCE, NULL, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (server);
  g_assert_cmpint (count_threads (), <=, 0);
}

/* Over TLS, by either version of HTTP. */
static void
test_tls (gconstpointer data)
{
  ResilientTestServerFlags flags = GPOINTER_TO_UINT (data);
  g_autoptr (ResilientTestServer) server = server_new (flags);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autoptr (ResilientClient) distrustful = resilient_client_new ();
  g_autoptr (GBytes) body = bytes ("secret");
  g_autoptr (ResilientTestRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  resilient_test_server_set_response (server, NULL, 200, NULL, body);
  assert_get (client, server, "/", 200, "secret");
  record = resilient_test_server_get_request (server, 0);
  g_assert_cmpstr (resilient_test_record_get_version (record),
                   ==,
                   flags & RESILIENT_TEST_SERVER_HTTP2 ? "2" : "1.1");
  g_assert_null (get (distrustful, server, "/", &error));
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
}

/* A client that has no use for the database trusts the authority by itself. */
static void
test_ca_certificate (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_TLS);
  GTlsCertificate *authority = resilient_test_server_get_ca_certificate (server);
  g_autofree char *pem = NULL;
  g_autofree char *file = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp (NULL, &file, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_object_get (authority, "certificate-pem", &pem, NULL);
  g_file_set_contents (file, pem, -1, &error);
  g_assert_no_error (error);
  database = g_tls_file_database_new (file, &error);
  g_assert_no_error (error);

  soup_session_set_tls_database (session, database);
  client = resilient_client_new_with_session (session);
  resilient_test_server_set_response (server, NULL, 204, NULL, NULL);
  assert_get (client, server, "/", 204, "");
  g_remove (file);
}

static void
request_certificate_cb (SoupSession *session, SoupMessage *message, gpointer user_data)
{
  soup_message_set_tls_client_certificate (message, user_data);
}

static void
test_client_certificate (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE);
  g_autoptr (ResilientClient) without = client_new (server);
  g_autoptr (ResilientClient) client = client_new (server);
  g_autoptr (GError) error = NULL;

  resilient_test_server_set_response (server, NULL, 204, NULL, NULL);
  g_assert_null (get (without, server, "/", &error));
  g_assert_nonnull (error);
  g_signal_connect (resilient_client_share_session (client),
                    "request-queued",
                    G_CALLBACK (request_certificate_cb),
                    resilient_test_server_get_client_certificate (server));
  assert_get (client, server, "/", 204, "");
}

/* Errors of the programmer say so, and do nothing. */
static void
test_misuse (void)
{
  g_autoptr (ResilientTestServer) server = server_new (RESILIENT_TEST_SERVER_NONE);

  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*fits*");
  resilient_test_server_enqueue_fault (server, RESILIENT_TEST_FAULT_TLS_CUT);
  g_test_assert_expected_messages ();
  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*path == NULL*");
  resilient_test_server_set_fault (server, "/", RESILIENT_TEST_FAULT_RESET_ON_ACCEPT);
  g_test_assert_expected_messages ();
  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*status >= 200*");
  resilient_test_server_enqueue_response (server, 7, NULL, NULL);
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/testkit-server/uris", test_uris);
  g_test_add_func ("/testkit-server/line", test_line);
  g_test_add_func ("/testkit-server/line-with-open-connection", test_line_with_open_connection);
  g_test_add_func ("/testkit-server/paths", test_paths);
  g_test_add_func ("/testkit-server/redirects", test_redirects);
  g_test_add_func ("/testkit-server/records", test_records);
  g_test_add_func ("/testkit-server/script", test_script);
  g_test_add_func ("/testkit-server/script-ends", test_script_ends);
  g_test_add_func ("/testkit-server/waits", test_waits);
  g_test_add_func ("/testkit-server/waits-in-thread", test_waits_in_thread);
  g_test_add_func ("/testkit-server/close", test_close);
  g_test_add_func ("/testkit-server/dispose", test_dispose);
  g_test_add_data_func (
    "/testkit-server/tls", GUINT_TO_POINTER (RESILIENT_TEST_SERVER_TLS), test_tls);
  g_test_add_data_func (
    "/testkit-server/http2", GUINT_TO_POINTER (RESILIENT_TEST_SERVER_HTTP2), test_tls);
  g_test_add_func ("/testkit-server/ca-certificate", test_ca_certificate);
  g_test_add_func ("/testkit-server/client-certificate", test_client_certificate);
  g_test_add_func ("/testkit-server/misuse", test_misuse);

  return g_test_run ();
}
