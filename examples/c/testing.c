/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Tests of an app's error paths, against a real server that misbehaves as it is told. */

#include <locale.h>
#include <resilient-test.h>

/* --- the app ---------------------------------------------------------------------------------- */

/* [app] */
/* Loads the notes, and says what to tell the user. */
static char *
load_notes (ResilientClient *client, const char *uri)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  response = resilient_client_send (client, request, NULL, NULL, &error);
  if (response != NULL && resilient_response_check_status (response, &error))
    return resilient_response_get_text (response, NULL);
  if (error->domain == G_TLS_ERROR)
    return g_strdup ("This server is not who it says it is");
  if (g_error_matches (error, RESILIENT_HTTP_ERROR, 503))
    return g_strdup ("The server is busy");
  return g_strdup ("No connection");
}

/* Adds a note, and tells whether the server has it for sure. */
static gboolean
add_note (ResilientClient *client, const char *uri, const char *text)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  g_autoptr (ResilientResponse) response = NULL;

  resilient_request_set_body_bytes (request, "text/plain", body);
  response = resilient_client_send (client, request, NULL, NULL, NULL);

  return response != NULL && resilient_response_check_status (response, NULL);
}
/* [end] */

/* --- its tests -------------------------------------------------------------------------------- */

/* [set-up] */
typedef struct
{
  ResilientTestServer *server;
  ResilientClient *client;
  char *uri;
} Fixture;

/* That of the app, without the pauses. */
static ResilientRetryPolicy *
policy_new (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());

  resilient_retry_policy_builder_set_base_delay (builder, 0.0);

  return resilient_retry_policy_builder_build (builder, NULL);
}

static void
set_up (Fixture *f, gconstpointer flags)
{
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (ResilientRetryPolicy) policy = policy_new ();
  g_autoptr (GError) error = NULL;

  f->server = resilient_test_server_new_with_flags (GPOINTER_TO_UINT (flags), &error);
  g_assert_no_error (error);
  f->uri = resilient_test_server_get_uri (f->server, "/notes");

  /* trusts the certificate of the server, if it has one */
  soup_session_set_tls_database (session, resilient_test_server_get_tls_database (f->server));
  f->client = resilient_client_new_with_session (session);
  resilient_client_set_retry_policy (f->client, policy);
}

static void
tear_down (Fixture *f, gconstpointer flags)
{
  g_object_unref (f->client);
  g_object_unref (f->server); /* ends its threads */
  g_free (f->uri);
}
/* [end] */

/* [faults] */
static void
test_cut_answer (Fixture *f, gconstpointer flags)
{
  g_autoptr (GBytes) notes = g_bytes_new_static ("Buy milk", 8);
  g_autofree char *shown = NULL;

  resilient_test_server_enqueue_fault (f->server, RESILIENT_TEST_FAULT_RESET_ON_ACCEPT);
  resilient_test_server_enqueue_fault (f->server, RESILIENT_TEST_FAULT_CUT_BODY);
  resilient_test_server_enqueue_response (f->server, 200, "text/plain", notes);

  shown = load_notes (f->client, f->uri);
  g_assert_cmpstr (shown, ==, "Buy milk");
  g_assert_cmpuint (resilient_test_server_get_n_requests (f->server), ==, 2);
}

static void
test_expired_certificate (Fixture *f, gconstpointer flags)
{
  g_autofree char *shown = NULL;

  resilient_test_server_enqueue_fault (f->server, RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE);

  shown = load_notes (f->client, f->uri);
  g_assert_cmpstr (shown, ==, "This server is not who it says it is");
  g_assert_cmpuint (resilient_test_server_get_n_requests (f->server), ==, 0);
}
/* [end] */

/* [records] */
static void
test_lost_answer (Fixture *f, gconstpointer flags)
{
  g_autoptr (ResilientTestRecord) record = NULL;

  /* The note had come: to send it again might add it twice. */
  resilient_test_server_set_fault (f->server, "/notes", RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST);

  g_assert_false (add_note (f->client, f->uri, "Buy milk"));
  g_assert_cmpuint (resilient_test_server_get_n_requests (f->server), ==, 1);
  record = resilient_test_server_get_request (f->server, 0);
  g_assert_cmpstr (resilient_test_record_get_method (record), ==, "POST");
  g_assert_cmpstr (resilient_test_record_get_header (record, "Content-Type"), ==, "text/plain");
  g_assert_true (resilient_test_record_is_whole (record));
}
/* [end] */

/* [gate] */
static void
loaded_cb (GObject *client, GAsyncResult *result, gpointer user_data)
{
  resilient_client_get_finish (RESILIENT_CLIENT (client), result, user_data);
}

static void
test_cancel (Fixture *f, gconstpointer flags)
{
  g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  resilient_test_script_add_head (script, 200, NULL);
  resilient_test_script_add_text (script, "Buy ");
  resilient_test_script_add_gate (script, "half way"); /* here it stands until the test says so */
  resilient_test_server_enqueue_script (f->server, "/notes", 1, script);

  resilient_client_get_async (f->client, f->uri, NULL, cancellable, loaded_cb, &error);
  g_assert_true (resilient_test_server_wait_for_gate (f->server, "half way", 1, 20.0, NULL, NULL));
  g_cancellable_cancel (cancellable);
  while (error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}
/* [end] */

int
main (int argc, char **argv)
{
  gconstpointer plain = GUINT_TO_POINTER (RESILIENT_TEST_SERVER_NONE);
  gconstpointer tls = GUINT_TO_POINTER (RESILIENT_TEST_SERVER_TLS);

  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/notes/cut-answer", Fixture, plain, set_up, test_cut_answer, tear_down);
  g_test_add (
    "/notes/expired-certificate", Fixture, tls, set_up, test_expired_certificate, tear_down);
  g_test_add ("/notes/lost-answer", Fixture, plain, set_up, test_lost_answer, tear_down);
  g_test_add ("/notes/cancel", Fixture, plain, set_up, test_cancel, tear_down);

  return g_test_run ();
}
