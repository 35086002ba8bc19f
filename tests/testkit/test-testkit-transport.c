/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "kit-fixture.h"

/* Attempts that end as the test says, and a network that comes and goes. */

#define OTHER_URI "http://example.com/other?x=1"

static GBytes *
make_bytes (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static ResilientTestAttempt *
get_attempt (Fixture *f, guint n)
{
  g_autoptr (GPtrArray) attempts = resilient_test_transport_list_attempts (f->transport);

  g_assert_cmpuint (attempts->len, >, n);
  return g_object_ref (attempts->pdata[n]);
}

static void
test_response (Fixture *f, gconstpointer data)
{
  static const char *headers[] = {
    "Content-Type: text/plain; charset=utf-8", "X-A:  1 ", "X-A: 2", NULL
  };
  g_autoptr (GBytes) body = make_bytes ("hello");
  g_auto (Answer) answer = { 0 };

  resilient_test_transport_add_response (f->transport, NULL, 404, headers, body, 0.25);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 1.0);
  assert_status (&answer, 404);
  g_assert_cmpstr (resilient_response_get_reason_phrase (answer.response), ==, "Not Found");
  g_assert_cmpstr (resilient_response_get_content_type (answer.response), ==, "text/plain");
  g_assert_cmpstr (resilient_response_get_header (answer.response, "x-a"), ==, "1, 2");
  g_assert_true (g_bytes_equal (resilient_response_get_body (answer.response), body));
  g_assert_cmpfloat (resilient_response_get_elapsed_time (answer.response), ==, 0.25);
}

/* Each URI has its own steps, the others share theirs; the last of them repeats until more come. */
static void
test_order (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *uri;
    guint status;
  } rows[] = {
    { URI, 201 },       { OTHER_URI, 301 }, { URI, 202 },       { "http://example.org/", 203 },
    { OTHER_URI, 302 }, { URI, 203 },       { OTHER_URI, 302 },
  };

  for (guint status = 201; status <= 203; status++)
    resilient_test_transport_add_response (f->transport, NULL, status, NULL, NULL, 0.0);
  resilient_test_transport_add_response (f->transport, OTHER_URI, 301, NULL, NULL, 0.0);
  resilient_test_transport_add_response (
    f->transport, "HTTP://example.com:80/other?x=1", 302, NULL, NULL, 0.0);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Answer) answer = { 0 };

      send_request (f, "GET", rows[i].uri, &answer);
      resilient_test_clock_advance (f->clock, 0.0);
      assert_status (&answer, rows[i].status);
    }

  resilient_test_transport_add_response (f->transport, NULL, 204, NULL, NULL, 0.0);
  {
    g_auto (Answer) answer = { 0 };

    send_request (f, "GET", URI, &answer);
    resilient_test_clock_advance (f->clock, 0.0);
    assert_status (&answer, 204);
  }
  g_assert_cmpuint (
    resilient_test_transport_get_attempt_count (f->transport), ==, G_N_ELEMENTS (rows) + 1);
}

/* Once a byte may have reached the server, a POST is not sent again. */
static void
test_never_twice (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *method;
    gboolean sent;
    guint attempts;
  } rows[] = {
    { "GET", FALSE, 2 }, { "GET", TRUE, 2 }, { "POST", FALSE, 2 },
    { "POST", TRUE, 1 }, { "PUT", TRUE, 2 },
  };

  use_exact_policy (f, 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Answer) answer = { 0 };

      resilient_test_transport_clear (f->transport);
      resilient_test_transport_add_error (f->transport, NULL, f->closed, rows[i].sent, 0.5);
      send_request (f, rows[i].method, URI, &answer);
      resilient_test_clock_advance (f->clock, 10.0);
      g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
      g_assert_cmpuint (
        resilient_test_transport_get_attempt_count (f->transport), ==, rows[i].attempts);
    }
}

/* Nothing happens until the client has enough of it. */
static void
test_hang (Fixture *f, gconstpointer data)
{
  static const struct
  {
    gboolean sent;
    double attempt_timeout;
    double at;
    ResilientFailure failure;
  } rows[] = {
    { TRUE, 0.0, 30.0, RESILIENT_FAILURE_READ_TIMEOUT },
    { FALSE, 0.0, 10.0, RESILIENT_FAILURE_CONNECT_TIMEOUT },
    { TRUE, 5.0, 5.0, RESILIENT_FAILURE_DEADLINE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", URI);
      g_autoptr (ResilientCall) call = NULL;

      resilient_test_transport_clear (f->transport);
      resilient_test_transport_add_hang (f->transport, NULL, rows[i].sent);
      resilient_request_set_attempt_timeout (request, rows[i].attempt_timeout);
      call = resilient_client_start (f->client, request, NULL, NULL);
      resilient_test_clock_advance (f->clock, rows[i].at - 0.001);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_SENDING);
      resilient_test_clock_advance (f->clock, 0.001);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
      g_assert_cmpint (resilient_call_get_failure (call), ==, rows[i].failure);
    }
}

/* What is longer than the read time-out ends by that. */
static void
test_too_slow (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 30.5);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 40.0);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* What a server would see. */
static void
test_attempt (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", URI);
  g_autoptr (ResilientTestAttempt) first = NULL;
  g_autoptr (ResilientTestAttempt) second = NULL;
  g_autoptr (GBytes) body = make_bytes ("a=b");
  g_autoptr (GBytes) sent = NULL;
  g_auto (Answer) answer = { 0 };

  use_exact_policy (f, 1);
  resilient_client_set_default_header (f->client, "X-Default", "d", NULL);
  resilient_client_set_default_header (f->client, "X-Own", "d", NULL);
  resilient_client_set_user_agent (f->client, "kit/1");
  resilient_request_add_query_param (request, "q", "1");
  resilient_request_set_header (request, "X-Own", "o");
  resilient_request_set_body_bytes (request, "text/css", body);
  resilient_request_set_idempotency_key (request, NULL);
  resilient_test_transport_add_response (f->transport, NULL, 503, NULL, NULL, 0.0);
  resilient_client_send_async (f->client, request, NULL, NULL, answer_cb, &answer);
  resilient_test_clock_advance (f->clock, 5.0);
  assert_status (&answer, 503);

  first = get_attempt (f, 0);
  second = get_attempt (f, 1);
  g_assert_cmpstr (resilient_test_attempt_get_method (first), ==, "POST");
  g_assert_cmpstr (resilient_test_attempt_get_uri (first), ==, URI "?q=1");
  g_assert_cmpstr (resilient_test_attempt_get_header (first, "x-default"), ==, "d");
  g_assert_cmpstr (resilient_test_attempt_get_header (first, "X-Own"), ==, "o");
  g_assert_cmpstr (resilient_test_attempt_get_header (first, "User-Agent"), ==, "kit/1");
  g_assert_cmpstr (resilient_test_attempt_get_header (first, "Content-Type"), ==, "text/css");
  g_assert_null (resilient_test_attempt_get_header (first, "X-None"));
  g_assert_nonnull (resilient_test_attempt_get_header (first, "Idempotency-Key"));
  g_assert_cmpstr (resilient_test_attempt_get_header (first, "Idempotency-Key"),
                   ==,
                   resilient_test_attempt_get_header (second, "Idempotency-Key"));
  sent = resilient_test_attempt_dup_body (second);
  g_assert_true (g_bytes_equal (sent, body));
  g_assert_cmpuint (resilient_test_attempt_get_number (first), ==, 1);
  g_assert_cmpuint (resilient_test_attempt_get_number (second), ==, 2);
  g_assert_false (resilient_test_attempt_is_live (second));
}

/* A stream that can be read once is spent by an attempt that connects, and by no other. */
static void
test_one_shot_body (Fixture *f, gconstpointer data)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("once", 4, NULL);
  g_autoptr (ResilientRequest) request = resilient_request_new ("PUT", URI);
  g_autoptr (ResilientTestAttempt) first = NULL;
  g_autoptr (ResilientTestAttempt) second = NULL;
  g_autoptr (GBytes) sent = NULL;
  g_auto (Answer) answer = { 0 };

  use_exact_policy (f, 5);
  resilient_request_set_body_stream (request, "text/plain", stream, 4);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.0);
  resilient_test_transport_add_error (f->transport, NULL, f->closed, TRUE, 0.0);
  resilient_client_send_async (f->client, request, NULL, NULL, answer_cb, &answer);
  resilient_test_clock_advance (f->clock, 100.0);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 2);
  first = get_attempt (f, 0);
  second = get_attempt (f, 1);
  g_assert_null (resilient_test_attempt_dup_body (first));
  sent = resilient_test_attempt_dup_body (second);
  g_assert_cmpmem (g_bytes_get_data (sent, NULL), g_bytes_get_size (sent), "once", 4);
}

static void
attempt_cb (ResilientTestTransport *transport, ResilientTestAttempt *attempt, gpointer user_data)
{
  Fixture *f = user_data;

  if (g_str_has_suffix (resilient_test_attempt_get_uri (attempt), "/fail"))
    g_assert_true (resilient_test_attempt_fail (attempt, f->closed, TRUE, 0.5));
  else if (g_str_has_suffix (resilient_test_attempt_get_uri (attempt), "/cancel"))
    resilient_client_cancel_all (f->client);
  else if (resilient_test_attempt_get_number (attempt) > 2)
    g_assert_true (resilient_test_attempt_respond (attempt, 201, NULL, NULL, 0.5));
}

/* A handler is asked first, and else the steps are. */
static void
test_handler (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answered = { 0 };
  g_auto (Answer) failed = { 0 };
  g_auto (Answer) cancelled = { 0 };

  use_exact_policy (f, 5);
  resilient_test_transport_add_response (f->transport, NULL, 503, NULL, NULL, 0.0);
  g_signal_connect (f->transport, "attempt", G_CALLBACK (attempt_cb), f);
  send_request (f, "GET", URI, &answered);
  send_request (f, "POST", "http://example.com/fail", &failed);
  resilient_test_clock_advance (f->clock, 10.0);
  assert_status (&answered, 201);
  g_assert_error (failed.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 4);

  send_request (f, "GET", "http://example.com/cancel", &cancelled);
  resilient_test_clock_advance (f->clock, 0.0);
  g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* An attempt of which nobody says how it ends waits for the test. */
static void
test_later (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answered = { 0 };
  g_auto (Answer) failed = { 0 };
  g_autoptr (ResilientTestAttempt) first = NULL;
  g_autoptr (ResilientTestAttempt) second = NULL;

  send_request (f, "GET", URI, &answered);
  send_request (f, "POST", URI, &failed);
  resilient_test_clock_advance (f->clock, 5.0);
  g_assert_cmpuint (resilient_test_transport_get_live_count (f->transport), ==, 2);
  first = get_attempt (f, 0);
  second = get_attempt (f, 1);
  g_assert_true (resilient_test_attempt_is_live (first));

  g_assert_true (resilient_test_attempt_respond (first, 200, NULL, NULL, 1.0));
  g_assert_false (resilient_test_attempt_respond (first, 200, NULL, NULL, 0.0));
  g_assert_true (resilient_test_attempt_fail (second, f->closed, TRUE, 0.0));
  resilient_test_clock_advance (f->clock, 0.999);
  g_assert_error (failed.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_cmpuint (answered.n_ends, ==, 0);
  resilient_test_clock_advance (f->clock, 0.001);
  assert_status (&answered, 200);
  g_assert_false (resilient_test_attempt_is_live (first));
  g_assert_false (resilient_test_attempt_fail (first, f->closed, TRUE, 0.0));
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientTestAttempt) attempt = NULL;
  g_auto (Answer) answer = { 0 };

  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 10.0);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 1.0);
  attempt = get_attempt (f, 0);
  resilient_client_cancel_all (f->client);
  resilient_test_clock_advance (f->clock, 0.0);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (resilient_test_attempt_is_live (attempt));
  g_assert_cmpuint (resilient_test_transport_get_live_count (f->transport), ==, 0);
}

/* A body that can't be read, and a header that is none. */
static void
test_errors (Fixture *f, gconstpointer data)
{
  static const char *no_headers[] = { "X-A", NULL };
  g_autoptr (ResilientRequest) request = resilient_request_new ("PUT", URI);
  g_autoptr (GFile) missing = g_file_new_for_path ("/nonexistent/file");
  g_auto (Answer) answer = { 0 };

  resilient_request_set_body_file (request, "text/plain", missing);
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.0);
  resilient_client_send_async (f->client, request, NULL, NULL, answer_cb, &answer);
  resilient_test_clock_advance (f->clock, 10.0);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 1);

  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*headers_are_valid*");
  resilient_test_transport_add_response (f->transport, URI, 200, no_headers, NULL, 0.0);
  g_test_assert_expected_messages ();
}

static void
test_too_late (void)
{
  Fixture f;

  if (g_test_subprocess ())
    {
      fixture_set_up (&f, NULL);
      resilient_test_transport_install (f.transport, f.client);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*before the first call*");
}

/* Who drops the client and the transport while attempts live gets its answers all the same. */
static void
test_dropped (void)
{
  Fixture f;
  g_auto (Answer) answer = { 0 };

  fixture_set_up (&f, NULL);
  resilient_test_transport_add_response (f.transport, NULL, 200, NULL, NULL, 5.0);
  send_request (&f, "GET", URI, &answer);
  resilient_test_clock_advance (f.clock, 1.0);
  g_clear_object (&f.client);
  g_assert_finalize_object (g_steal_pointer (&f.transport));
  resilient_test_clock_advance (f.clock, 5.0);
  assert_status (&answer, 200);

  f.transport = resilient_test_transport_new ();
  f.client = resilient_client_new ();
  fixture_tear_down (&f, NULL);
}

/* --- the network ------------------------------------------------------------------------------ */

static ResilientTestNetwork *network;

static void
network_set_up (Fixture *f, gconstpointer data)
{
  network = resilient_test_network_new ();
  resilient_test_network_install (network);
  fixture_set_up (f, data);
}

static void
network_tear_down (Fixture *f, gconstpointer data)
{
  fixture_tear_down (f, data);
  resilient_test_network_uninstall (network);
  g_assert_finalize_object (network);
}

static void
count_change_cb (GNetworkMonitor *monitor, gboolean available, gpointer user_data)
{
  g_string_append_c (user_data, available ? '+' : '-');
}

static void
test_monitor (Fixture *f, gconstpointer data)
{
  GNetworkMonitor *monitor = G_NETWORK_MONITOR (network);
  g_autoptr (GSocketConnectable) address = g_network_address_new ("example.com", 80);
  g_autoptr (GString) changes = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  g_signal_connect (monitor, "network-changed", G_CALLBACK (count_change_cb), changes);
  g_assert_true (g_network_monitor_get_network_available (monitor));
  g_assert_true (g_network_monitor_can_reach (monitor, address, NULL, NULL));
  resilient_test_network_set_available (network, FALSE);
  resilient_test_network_set_available (network, FALSE);
  g_assert_false (g_network_monitor_get_network_available (monitor));
  g_assert_cmpint (g_network_monitor_get_connectivity (monitor), ==, G_NETWORK_CONNECTIVITY_LOCAL);
  g_assert_false (g_network_monitor_can_reach (monitor, address, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);
  resilient_test_network_set_available (network, TRUE);
  g_assert_cmpstr (changes->str, ==, "-+");
}

/* While it is away a pause does not end; back, requests go on within two seconds. */
static void
test_offline (Fixture *f, gconstpointer data)
{
  g_auto (Answer) remote = { 0 };
  g_auto (Answer) local = { 0 };

  use_exact_policy (f, -1);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.0);
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.0);
  resilient_test_transport_add_error (f->transport, "http://localhost/", f->refused, FALSE, 0.0);
  resilient_test_transport_add_response (f->transport, "http://localhost/", 200, NULL, NULL, 0.0);
  send_request (f, "GET", URI, &remote);
  send_request (f, "GET", "http://localhost/", &local);
  resilient_test_clock_advance (f->clock, 0.5);
  resilient_test_network_set_available (network, FALSE);
  resilient_test_clock_advance (f->clock, 25.0);
  assert_status (&local, 200);
  g_assert_cmpuint (remote.n_ends, ==, 0);
  resilient_test_network_set_available (network, TRUE);
  resilient_test_clock_advance (f->clock, 2.0);
  assert_status (&remote, 200);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/testkit-transport/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("response", test_response);
  ADD ("order", test_order);
  ADD ("never-twice", test_never_twice);
  ADD ("hang", test_hang);
  ADD ("too-slow", test_too_slow);
  ADD ("attempt", test_attempt);
  ADD ("one-shot-body", test_one_shot_body);
  ADD ("handler", test_handler);
  ADD ("later", test_later);
  ADD ("cancel", test_cancel);
  ADD ("errors", test_errors);
  g_test_add_func ("/testkit-transport/too-late", test_too_late);
  g_test_add_func ("/testkit-transport/dropped", test_dropped);
  g_test_add (
    "/testkit-transport/monitor", Fixture, NULL, network_set_up, test_monitor, network_tear_down);
  g_test_add (
    "/testkit-transport/offline", Fixture, NULL, network_set_up, test_offline, network_tear_down);

  return g_test_run ();
}
