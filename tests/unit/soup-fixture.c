/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

void
fixture_init (Fixture *fixture, FaultServerFlags flags)
{
  fixture->server = fault_server_new (flags);
  fixture->session = resilient_soup_session_new (8);
  if (flags & (FAULT_SERVER_TLS | FAULT_SERVER_HTTP2))
    test_trust (fixture->session);
  fixture->transport = resilient_soup_transport_new (fixture->session, NULL);
  fixture->timers = resilient_timer_queue_get (NULL);
}

static gboolean
is_gone (gpointer data)
{
  return *(gpointer *) data == NULL;
}

void
fixture_clear (Fixture *fixture)
{
  gpointer session = fixture->session;

  if (session == NULL)
    {
      resilient_soup_transport_abort (fixture->transport, NULL);
      resilient_transport_unref (fixture->transport);
      g_assert_cmpuint (resilient_timer_queue_get_length (fixture->timers), ==, 0);
      resilient_timer_queue_unref (fixture->timers);
      fault_server_free (fixture->server);
      return;
    }
  g_assert_cmpuint (resilient_timer_queue_get_length (fixture->timers), ==, 0);
  soup_session_abort (fixture->session);
  resilient_transport_unref (fixture->transport);
  g_object_add_weak_pointer (G_OBJECT (session), &session);
  g_object_unref (fixture->session);
  test_run_until (is_gone, &session);
  resilient_timer_queue_unref (fixture->timers);
  fault_server_free (fixture->server);
}

static void
run_phase_cb (ResilientTransportAttempt *attempt, ResilientPhase phase, gpointer data)
{
  Run *run = data;

  g_assert_false (run->starting || run->done);
  g_assert_cmpint (run->phase, !=, phase);
  run->phase = phase;
  g_string_append_c (run->phases, "CWAR"[phase]);
}

static void
run_progress_cb (ResilientTransportAttempt *attempt,
                 gint64 sent,
                 gint64 received,
                 gint64 upload_size,
                 gint64 download_size,
                 gpointer data)
{
  Run *run = data;

  g_assert_false (run->starting || run->done);
  run->sent = sent;
  run->received = received;
  run->upload_size = upload_size;
  run->download_size = download_size;
}

static gboolean
run_headers_cb (ResilientTransportAttempt *attempt,
                guint status_code,
                double retry_after,
                gpointer data)
{
  Run *run = data;

  g_assert_false (run->starting || run->done);
  g_assert_cmpuint (run->headers_status, ==, 0);
  run->headers_status = status_code;
  run->retry_after = retry_after;
  if (run->abandon_at_headers)
    resilient_transport_attempt_abandon (attempt);
  return !run->discard;
}

static void
run_done_cb (ResilientTransportAttempt *attempt, ResilientOutcome *outcome, gpointer data)
{
  Run *run = data;

  g_assert_false (run->starting || run->done || run->released);
  run->done = TRUE;
  run->outcome = *outcome;
  outcome->response = NULL;
  outcome->error = NULL;
  g_assert_cmpint (
    run->outcome.failure == RESILIENT_FAILURE_NONE, ==, run->outcome.response != NULL);
  g_assert_cmpint (run->outcome.failure == RESILIENT_FAILURE_NONE, ==, run->outcome.error == NULL);
  /* what was sent may have been refused unread */
  g_assert_true (run->outcome.nothing_sent || run->outcome.sends > 0);
  g_assert_false (g_error_matches (run->outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

static void
run_released_cb (ResilientTransportAttempt *attempt, gpointer data)
{
  Run *run = data;

  g_assert_false (run->starting || run->released);
  run->released = TRUE;
}

static ResilientHeaders *
run_default_headers_cb (GUri *uri, gpointer data)
{
  Run *run = data;

  g_string_append_printf (
    run->asked, "%s:%d ", g_uri_get_host (uri), resilient_origin_key_get_port (uri));
  return run->defaults != NULL ? resilient_headers_ref (run->defaults) : NULL;
}

static const ResilientTransportAttemptFuncs run_funcs = {
  run_phase_cb, run_progress_cb, run_headers_cb,
  run_done_cb,  run_released_cb, run_default_headers_cb,
};

static void
authenticate_cb (SoupMessage *message, SoupAuth *auth, gboolean retrying, gpointer data)
{
  if (!retrying)
    soup_auth_authenticate (auth, "joe", "secret");
}

static void
request_queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  g_signal_connect (message, "authenticate", G_CALLBACK (authenticate_cb), NULL);
}

void
fixture_authenticate (Fixture *fixture)
{
  g_signal_connect (fixture->session, "request-queued", G_CALLBACK (request_queued_cb), NULL);
}

Run *
run_new (Fixture *fixture, ResilientRequest *request)
{
  Run *run = g_new0 (Run, 1);
  g_autoptr (GError) error = NULL;

  run->fixture = fixture;
  run->frozen = resilient_request_freeze (request, &error);
  g_assert_no_error (error);
  g_object_unref (request);
  run->params.frozen = run->frozen;
  run->phases = g_string_new (NULL);
  run->asked = g_string_new (NULL);
  return run;
}

Run *
run_new_for (Fixture *fixture, const char *method, const char *path)
{
  g_autofree char *uri = fault_server_uri (fixture->server, path);

  return run_new (fixture, resilient_request_new (method, uri));
}

void
run_start (Run *run)
{
  run->starting = TRUE;
  run->attempt = resilient_transport_attempt_start (
    run->fixture->transport, &run->params, run->fixture->timers, &run_funcs, run);
  run->starting = FALSE;
}

void
run_wait_done (Run *run)
{
  test_run_until_true (&run->done);
}

void
run_wait_released (Run *run)
{
  test_run_until_true (&run->released);
}

void
run_wait_received (Run *run, gint64 n)
{
  while (run->received < n)
    {
      g_assert_false (run->done);
      g_main_context_iteration (NULL, TRUE);
    }
}

void
run_clear_outcome (Run *run)
{
  g_clear_error (&run->outcome.error);
  g_clear_pointer (&run->outcome.response, resilient_response_unref);
}

void
run_free (Run *run)
{
  g_assert_true (run->attempt == NULL || run->released);
  g_clear_pointer (&run->attempt, resilient_transport_attempt_unref);
  run_clear_outcome (run);
  g_clear_pointer (&run->defaults, resilient_headers_unref);
  resilient_frozen_request_unref (run->frozen);
  g_string_free (run->phases, TRUE);
  g_string_free (run->asked, TRUE);
  g_free (run);
}

void
run_through (Run *run)
{
  run_start (run);
  run_wait_done (run);
  run_wait_released (run);
}

void
assert_response (Run *run, guint status_code, const char *body)
{
  GBytes *bytes;

  g_assert_no_error (run->outcome.error);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpint (run->outcome.phase, ==, RESILIENT_PHASE_DONE);
  g_assert_cmpuint (resilient_response_get_status_code (run->outcome.response), ==, status_code);
  g_assert_cmpuint (run->outcome.status_code, ==, status_code);
  bytes = resilient_response_get_body (run->outcome.response);
  if (body == NULL)
    {
      g_assert_null (bytes);
      return;
    }
  g_assert_nonnull (bytes);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), body, strlen (body));
}

ResilientRequest *
request_with_body (Fixture *fixture, const char *method, const char *path, const char *body)
{
  g_autofree char *uri = fault_server_uri (fixture->server, path);
  ResilientRequest *request = resilient_request_new (method, uri);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));

  resilient_request_set_body_bytes (request, "text/plain", bytes);
  return request;
}

ResilientRequest *
one_shot_request (Fixture *fixture, const char *method, const char *path, const char *body)
{
  g_autofree char *uri = fault_server_uri (fixture->server, path);
  ResilientRequest *request = resilient_request_new (method, uri);
  g_autoptr (GInputStream) stream =
    g_memory_input_stream_new_from_data (body, (gssize) strlen (body), NULL);

  resilient_request_set_body_stream (request, "text/plain", stream, (gint64) strlen (body));
  return request;
}

void
assert_record_body (FaultServer *server, guint index, const char *method, const char *body)
{
  g_autoptr (FaultRecord) record = NULL;

  fault_server_wait_ended (server, index);
  record = fault_server_get_record (server, index);
  g_assert_cmpstr (fault_record_get_method (record), ==, method);
  g_assert_true (fault_record_is_whole (record));
  g_assert_cmpmem (g_bytes_get_data (fault_record_get_body (record), NULL),
                   g_bytes_get_size (fault_record_get_body (record)),
                   body,
                   strlen (body));
}
