/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "kit-fixture.h"

ResilientTestServer *
server_new (ResilientTestServerFlags flags)
{
  g_autoptr (GError) error = NULL;
  ResilientTestServer *server = resilient_test_server_new_with_flags (flags, &error);

  g_assert_no_error (error);

  return server;
}

ResilientClient *
client_new (ResilientTestServer *server)
{
  g_autoptr (ResilientRetryPolicy) once = resilient_retry_policy_new (0, 0.0);
  g_autoptr (SoupSession) session = soup_session_new ();
  ResilientClient *client;

  soup_session_set_tls_database (session, resilient_test_server_get_tls_database (server));
  client = resilient_client_new_with_session (session);
  resilient_client_set_retry_policy (client, once);

  return client;
}

void
fixture_set_up (Fixture *f, gconstpointer data)
{
  f->clock = resilient_test_clock_new ();
  resilient_test_clock_install (f->clock);
  resilient_test_seed_random (1);
  f->transport = resilient_test_transport_new ();
  f->client = resilient_client_new ();
  resilient_test_transport_install (f->transport, f->client);
  f->refused = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "Refused");
  f->closed = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "Closed");
}

void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (resilient_test_transport_get_live_count (f->transport), ==, 0);
  g_assert_finalize_object (f->client);
  g_assert_finalize_object (f->transport);
  g_clear_error (&f->refused);
  g_clear_error (&f->closed);
  resilient_test_unseed_random ();
  resilient_test_clock_uninstall (f->clock);
  g_assert_finalize_object (f->clock);
}

void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->response, resilient_response_unref);
  g_clear_error (&answer->error);
}

void
answer_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->response =
    resilient_client_send_finish (RESILIENT_CLIENT (source), result, &answer->error);
  answer->n_ends++;
}

void
send_request (Fixture *f, const char *method, const char *uri, Answer *answer)
{
  g_autoptr (ResilientRequest) request = resilient_request_new (method, uri);

  resilient_client_send_async (f->client, request, NULL, NULL, answer_cb, answer);
}

char *
describe_attempts (ResilientTestTransport *transport)
{
  g_autoptr (GPtrArray) attempts = resilient_test_transport_list_attempts (transport);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < attempts->len; i++)
    g_string_append_printf (
      text, "%s%.3f", i > 0 ? " " : "", resilient_test_attempt_get_time (attempts->pdata[i]));

  return g_string_free (text, FALSE);
}

ResilientRetryPolicy *
make_exact_policy (int max_retries)
{
  ResilientRetryPolicyBuilder *builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  resilient_retry_policy_builder_set_base_delay (builder, 1.0);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_retry_policy_builder_unref (builder);

  return policy;
}

void
use_exact_policy (Fixture *f, int max_retries)
{
  ResilientRetryPolicy *policy = make_exact_policy (max_retries);

  resilient_client_set_retry_policy (f->client, policy);
  resilient_retry_policy_unref (policy);
}
