/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <glib/gstdio.h>

#include "client-fixture.h"

/* A body of each kind on a way with every reason to be sent again: the connection turns out dead,
 * the answer is a 503, and the next one leads elsewhere. */

static char *
upload_path (void)
{
  g_assert_cmpint (g_mkdir_with_parents (g_get_user_data_dir (), 0700), ==, 0);

  return g_build_filename (g_get_user_data_dir (), "upload", NULL);
}

static void
write_upload (const char *text)
{
  g_autofree char *path = upload_path ();
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
set_upload (ResilientRequest *request)
{
  g_autofree char *path = upload_path ();
  g_autoptr (GFile) file = g_file_new_for_path (path);

  resilient_request_set_body_file (request, "text/plain", file);
}

static void
set_bytes (ResilientRequest *request)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("bytes", 5);

  resilient_request_set_body_bytes (request, "text/plain", bytes);
}

static void
set_json (ResilientRequest *request)
{
  g_autoptr (JsonNode) json = json_from_string ("[1,2]", NULL);

  resilient_request_set_body_json (request, json);
}

static void
set_form (ResilientRequest *request)
{
  g_autoptr (GHashTable) form = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (form, (gpointer) "a", (gpointer) "b c");
  resilient_request_set_body_form (request, form);
}

static void
set_file (ResilientRequest *request)
{
  write_upload ("from a file");
  set_upload (request);
}

static GInputStream *
open_cb (gpointer user_data, GError **error)
{
  return g_memory_input_stream_new_from_data ("made anew", 9, NULL);
}

static void
set_factory (ResilientRequest *request)
{
  resilient_request_set_body_stream_factory (request, "text/plain", open_cb, NULL, NULL);
}

static void
set_stream (ResilientRequest *request)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("only once", 9, NULL);

  resilient_request_set_body_stream (request, "text/plain", stream, 9);
}

static const struct
{
  const char *name;
  void (*set) (ResilientRequest *request);
  const char *body;
} kinds[] = {
  { "bytes", set_bytes, "bytes" },         { "JSON", set_json, "[1,2]" },
  { "form", set_form, "a=b+c" },           { "file", set_file, "from a file" },
  { "factory", set_factory, "made anew" }, { "stream", set_stream, "only once" },
};

static void
assert_body (ClientFixture *fixture, const char *path, guint n, const char *body)
{
  g_autoptr (FaultRecord) record = fault_server_get_record_of (fixture->server, path, n);

  g_assert_true (fault_record_is_whole (record));
  g_assert_cmpmem (g_bytes_get_data (fault_record_get_body (record), NULL),
                   g_bytes_get_size (fault_record_get_body (record)),
                   body,
                   strlen (body));
}

static void
test_every_reason (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);

  fault_server_on (fixture->server, "/warm", fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/to", fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s", kinds[i].name);
      g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", path);
      g_autoptr (ResilientRequestContext) context = context_new (kinds[i].name, policy);
      g_autoptr (ResilientResponse) warm = NULL;
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", kinds[i].name);
      fault_server_next (fixture->server, path, fault_reset (), NULL);
      fault_server_next (fixture->server, path, fault_answer (503, NULL, "no"), NULL);
      fault_server_on (fixture->server, path, fault_redirect (307, "/to"), NULL);
      kinds[i].set (request);
      warm = client_get (fixture, "/warm", NULL, &error);
      g_assert_no_error (error);
      response = client_send (fixture, request, context, &error);
      assert_body (fixture, path, 0, kinds[i].body);
      if (kinds[i].set == set_stream)
        {
          g_assert_nonnull (error);
          g_assert_cmpuint (fault_server_count (fixture->server, path), ==, 1);
          result = assert_result (
            fixture, kinds[i].name, RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
          continue;
        }
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      assert_body (fixture, path, 1, kinds[i].body);
      assert_body (fixture, path, 2, kinds[i].body);
      assert_body (fixture, "/to", i, kinds[i].body);
      g_assert_cmpuint (fault_server_count (fixture->server, path), ==, 3);
      result = assert_result (
        fixture, kinds[i].name, RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 2);
      g_assert_cmpuint (resilient_result_get_sends (result), ==, 3);
    }
}

static void
listen_cb (ResilientClient *client, ResilientEvent *event, ClientFixture *fixture)
{
  guint attempt =
    resilient_request_context_get_current_attempt (resilient_event_get_context (event));

  if (attempt == 2)
    fault_server_set_listening (fixture->server, TRUE);
}

/* What was never read can still be read once. */
static void
test_stream_unread (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (1000);
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/");
  g_autoptr (ResilientRequestContext) context = context_new ("unread", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  g_signal_connect (fixture->client, "retry", G_CALLBACK (listen_cb), fixture);
  set_stream (request);
  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  assert_body (fixture, "/", 0, "only once");
  result = resilient_client_get_result (fixture->client, "unread");
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  g_assert_cmpuint (resilient_result_get_attempts (result), >=, 3);
}

static void
grow_cb (ResilientClient *client, ResilientEvent *event, gpointer call)
{
  write_upload ("from a file that grew");
  g_assert_true (resilient_call_retry_now (*(ResilientCall **) call));
}

/* A part of one version and a part of another must not become one upload. */
static void
test_file_changed (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientRequest) request = request_new (fixture, "PUT", "/");
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  /* it sleeps until the file has changed */
  resilient_retry_policy_builder_set_base_delay (builder, 600);
  resilient_retry_policy_builder_set_max_delay (builder, 600);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  context = context_new ("changed", policy);
  fault_server_on (fixture->server, "/", fault_answer (503, NULL, "no"), NULL);
  set_file (request);
  g_signal_connect (fixture->client, "retry", G_CALLBACK (grow_cb), &call);
  call = resilient_client_start (fixture->client, request, context, NULL);
  response = call_wait (call, &error);
  g_assert_nonnull (error);
  g_assert_null (response);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  assert_body (fixture, "/", 0, "from a file");
  result =
    assert_result (fixture, "changed", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_INVALID, 2);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/bodies/every-reason", test_every_reason, FAULT_SERVER_PLAIN },
    { "/bodies/every-reason/tls", test_every_reason, FAULT_SERVER_TLS },
    { "/bodies/every-reason/http2", test_every_reason, FAULT_SERVER_HTTP2 },
    { "/bodies/stream-unread", test_stream_unread, FAULT_SERVER_REFUSING },
    { "/bodies/file-changed", test_file_changed, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
