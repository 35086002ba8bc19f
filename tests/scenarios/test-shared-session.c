/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* Two clients on one session of the application's: what ends the requests of one leaves those of
 * the other alone, and the session. */

typedef struct
{
  ClientFixture fixture; /* first; its client is the one that things happen to */
  SoupSession *session;
  ResilientClient *other;
} Pair;

static void
set_up (Pair *pair, gconstpointer data)
{
  client_fixture_set_up (&pair->fixture, data);
  client_dispose (g_steal_pointer (&pair->fixture.client));
  pair->session = soup_session_new_with_options ("timeout", 0, NULL);
  pair->fixture.client = resilient_client_new_with_session (pair->session);
  pair->other = resilient_client_new_with_session (pair->session);
  fault_server_on (
    pair->fixture.server, "/victim", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (
    pair->fixture.server, "/other", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (pair->fixture.server, NULL, fault_answer (200, NULL, "next"), NULL);
}

static gboolean
is_gone (gpointer location)
{
  return *(gpointer *) location == NULL;
}

static void
tear_down (Pair *pair, gconstpointer data)
{
  if (pair->fixture.client != NULL)
    client_dispose (g_steal_pointer (&pair->fixture.client));
  client_dispose (pair->other);
  soup_session_abort (pair->session);
  g_object_add_weak_pointer (G_OBJECT (pair->session), (gpointer *) &pair->session);
  g_object_unref (pair->session);
  test_run_until (is_gone, &pair->session);
  client_fixture_tear_down (&pair->fixture, data);
}

static ResilientCall *
start (Pair *pair, ResilientClient *client, const char *path)
{
  g_autoptr (ResilientRequest) request = request_new (&pair->fixture, "GET", path);

  return resilient_client_start (client, request, NULL, NULL);
}

static void
expect_ok (ResilientCall *call, const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = call_wait (call, &error);

  g_assert_no_error (error);
  assert_response (response, 200, body);
}

static void
expect_cancelled (ResilientCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = call_wait (call, &error);

  g_assert_null (response);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Both hang at the server; then @end happens to one. */
static void
run (Pair *pair, void (*end) (Pair *pair), gboolean cancels)
{
  g_autoptr (ResilientCall) victim = start (pair, pair->fixture.client, "/victim");
  g_autoptr (ResilientCall) other = start (pair, pair->other, "/other");
  g_autoptr (ResilientCall) next = NULL;

  fault_server_wait_held (pair->fixture.server, "go", 2);
  end (pair);
  if (cancels)
    expect_cancelled (victim);
  g_assert_cmpint (resilient_call_get_state (other), ==, RESILIENT_CALL_STATE_SENDING);
  next = start (pair, pair->other, "/next");
  fault_server_open (pair->fixture.server, "go");
  expect_ok (other, "ok");
  expect_ok (next, "next");
  if (!cancels)
    expect_ok (victim, "ok");
}

static void
cancel_all (Pair *pair)
{
  resilient_client_cancel_all (pair->fixture.client);
}

static void
close_now (Pair *pair)
{
  client_close (&pair->fixture, 0);
}

static void
drop (Pair *pair)
{
  g_clear_object (&pair->fixture.client);
}

static void
test_cancel (Pair *pair, gconstpointer data)
{
  run (pair, cancel_all, TRUE);
}

static void
test_close (Pair *pair, gconstpointer data)
{
  run (pair, close_now, TRUE);
}

static void
test_dispose (Pair *pair, gconstpointer data)
{
  run (pair, drop, FALSE);
}

/* The application sends by itself as well. */
static void
test_message (Pair *pair, gconstpointer data)
{
  g_autofree char *uri = fault_server_uri (pair->fixture.server, "/victim");
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr (ResilientCall) call = start (pair, pair->fixture.client, "/other");
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) result = { 0 };

  soup_session_send_and_read_async (pair->session, message, 0, NULL, test_result_cb, &result);
  fault_server_wait_held (pair->fixture.server, "go", 2);
  resilient_client_cancel_all (pair->fixture.client);
  expect_cancelled (call);
  client_dispose (g_steal_pointer (&pair->fixture.client));
  g_assert_cmpuint (result.calls, ==, 0);
  fault_server_open (pair->fixture.server, "go");
  body = soup_session_send_and_read_finish (pair->session, test_result_wait (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), "ok", 2);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Pair *pair, gconstpointer data);
  } tests[] = {
    { "cancel", test_cancel },
    { "close", test_close },
    { "dispose", test_dispose },
    { "message", test_message },
  };
  static const struct
  {
    const char *name;
    FaultServerFlags flags;
  } protocols[] = {
    { "plain", FAULT_SERVER_PLAIN },
    { "tls", FAULT_SERVER_TLS },
    { "http2", FAULT_SERVER_HTTP2 },
  };

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (protocols); j++)
      {
        g_autofree char *path =
          g_strdup_printf ("/shared-session/%s/%s", tests[i].name, protocols[j].name);

        g_test_add (
          path, Pair, GUINT_TO_POINTER (protocols[j].flags), set_up, tests[i].test, tear_down);
      }

  return g_test_run ();
}
