/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Tests of an app's error paths, in time that the test moves: no server, no waiting. */

#include <locale.h>
#include <resilient-test.h>

#define URI "https://api.example.com/notes"

/* --- the app ---------------------------------------------------------------------------------- */

/* Saves a note, and says what to tell the user. */
static const char *
save_note (ResilientClient *client, const char *text)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", URI);
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  resilient_request_set_body_bytes (request, "text/plain", body);
  resilient_request_set_total_timeout (request, 60.0);
  response = resilient_client_send (client, request, NULL, NULL, &error);
  if (response != NULL && resilient_response_check_status (response, &error))
    return "Saved";
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return "Not saved";
  return "Perhaps saved";
}

/* --- its tests -------------------------------------------------------------------------------- */

/* [set-up] */
typedef struct
{
  ResilientTestClock *clock;
  ResilientTestTransport *transport;
  ResilientClient *client;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->clock = resilient_test_clock_new ();
  resilient_test_clock_install (f->clock); /* before the first client */
  resilient_test_seed_random (1);          /* the same jitter each time */
  f->transport = resilient_test_transport_new ();
  f->client = resilient_client_new ();
  resilient_test_transport_install (f->transport, f->client);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->client);
  g_clear_object (&f->transport);
  resilient_test_clock_uninstall (f->clock);
  g_clear_object (&f->clock);
}
/* [end] */

/* [blocking] */
static void
test_server_restarts (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) refused = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "");

  resilient_test_transport_add_error (f->transport, NULL, refused, FALSE, 0.1);
  resilient_test_transport_add_error (f->transport, NULL, refused, FALSE, 0.1);
  resilient_test_transport_add_response (f->transport, NULL, 201, NULL, NULL, 0.3);

  resilient_test_clock_set_automatic (f->clock, TRUE);
  g_assert_cmpstr (save_note (f->client, "Buy milk"), ==, "Saved");
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 3);
  g_assert_cmpfloat (resilient_test_clock_get_elapsed (f->clock), >, 2.0);
}

static void
test_connection_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) lost = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "");

  /* The note had been sent: to send it again might save it twice. */
  resilient_test_transport_add_error (f->transport, NULL, lost, TRUE, 0.1);

  resilient_test_clock_set_automatic (f->clock, TRUE);
  g_assert_cmpstr (save_note (f->client, "Buy milk"), ==, "Perhaps saved");
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 1);
}
/* [end] */

/* [by-hand] */
static void
saved_cb (GObject *client, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ResilientResponse) response =
    resilient_client_put_finish (RESILIENT_CLIENT (client), result, NULL);

  *(guint *) user_data = response != NULL ? resilient_response_get_status_code (response) : 0;
}

static void
test_busy_server (Fixture *f, gconstpointer data)
{
  static const char *headers[] = { "Retry-After: 20", NULL };
  g_autoptr (GBytes) body = g_bytes_new_static ("Buy milk", 8);
  guint status = 0;

  resilient_client_set_retry_policy (f->client, resilient_retry_policy_get_standard ());
  resilient_test_transport_add_response (f->transport, URI, 503, headers, NULL, 0.1);
  resilient_test_transport_add_response (f->transport, URI, 204, NULL, NULL, 0.1);
  resilient_client_put_async (f->client, URI, "text/plain", body, NULL, NULL, saved_cb, &status);

  resilient_test_clock_advance (f->clock, 20.0);
  g_assert_cmpuint (status, ==, 0);
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 1);
  resilient_test_clock_advance (f->clock, 3.0); /* up to a tenth is added by chance */
  g_assert_cmpuint (status, ==, 204);
}
/* [end] */

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/notes/server-restarts", Fixture, NULL, set_up, test_server_restarts, tear_down);
  g_test_add ("/notes/connection-lost", Fixture, NULL, set_up, test_connection_lost, tear_down);
  g_test_add ("/notes/busy-server", Fixture, NULL, set_up, test_busy_server, tear_down);

  return g_test_run ();
}
