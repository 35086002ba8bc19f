/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

static ResilientRequest *
secret_request (Fixture *fixture, const char *method, const char *path)
{
  ResilientRequest *request = request_with_body (fixture, method, path, "hello");

  resilient_request_set_header (request, "Authorization", "Bearer a");
  resilient_request_set_header (request, "Cookie", "c=1");
  resilient_request_set_header (request, "X-Api-Key", "k");
  resilient_request_set_header (request, "X-Plain", "p");
  resilient_request_mark_header_secret (request, "X-Api-Key");
  return request;
}

static void
assert_secrets (FaultServer *server, const char *path, gboolean there)
{
  const char *names[] = { "Authorization", "Cookie", "X-Api-Key" };
  g_autoptr (FaultRecord) record = fault_server_get_record_of (server, path, 0);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpint (fault_record_get_header (record, names[i]) != NULL, ==, there);
  g_assert_cmpstr (fault_record_get_header (record, "X-Plain"), ==, "p");
}

static void
test_follow (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autofree char *uri = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, "/a", fault_redirect (303, "b?x=1"), NULL);
  fault_server_on (fixture.server, "/b", fault_answer (200, NULL, "there"), NULL);
  run = run_new (&fixture, secret_request (&fixture, "POST", "/a#top"));
  run->params.idempotency_key = "key";
  run_through (run);

  assert_response (run, 200, "there");
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (run->headers_status, ==, 200);
  g_assert_cmpstr (run->phases->str, ==, "WARCWAR");
  uri = g_uri_to_string (resilient_response_get_uri (run->outcome.response));
  g_assert_true (g_str_has_suffix (uri, "/b?x=1#top"));
  /* the redirect's body was drained, so that one connection served both */
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
  assert_record_body (fixture.server, 0, "POST", "hello");
  assert_record_body (fixture.server, 1, "GET", "");
  record = fault_server_get_record (fixture.server, 1);
  g_assert_null (fault_record_get_header (record, "Content-Type"));
  g_assert_null (fault_record_get_header (record, "Content-Length"));
  g_assert_null (fault_record_get_header (record, "Idempotency-Key"));
  assert_secrets (fixture.server, "/a", TRUE);
  assert_secrets (fixture.server, "/b", TRUE);
}

static void
test_keeps_body (void)
{
  const guint statuses[] = { 307, 308 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (FaultRecord) record = NULL;

      fixture_init (&fixture, FAULT_SERVER_PLAIN);
      fault_server_on (fixture.server, "/a", fault_redirect (statuses[i], "/b"), NULL);
      fault_server_on (fixture.server, "/b", fault_answer (200, NULL, "there"), NULL);
      run = run_new (&fixture, request_with_body (&fixture, "POST", "/a", "hello"));
      run->params.idempotency_key = "key";
      run_through (run);
      assert_response (run, 200, "there");
      assert_record_body (fixture.server, 1, "POST", "hello");
      record = fault_server_get_record (fixture.server, 1);
      g_assert_cmpstr (fault_record_get_header (record, "Idempotency-Key"), ==, "key");
      g_assert_cmpstr (fault_record_get_header (record, "Content-Type"), ==, "text/plain");
    }
}

/* From one origin to another and back: what was dropped stays dropped, the defaults of each origin
 * come along. */
static void
test_secrets (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *other = NULL;
  g_autofree char *back = NULL;
  g_autofree char *asked = NULL;
  guint port;
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  port = fault_server_get_port (fixture.server);
  other = fault_server_uri_at (fixture.server, "localhost", "/other");
  back = fault_server_uri (fixture.server, "/back");
  fault_server_on (fixture.server, "/a", fault_redirect (302, "/same"), NULL);
  fault_server_on (fixture.server, "/same", fault_redirect (302, other), NULL);
  fault_server_on (fixture.server, "/other", fault_redirect (302, back), NULL);
  fault_server_on (fixture.server, "/back", fault_answer (200, NULL, "there"), NULL);
  run = run_new (&fixture, secret_request (&fixture, "GET", "/a"));
  run_through (run);

  assert_response (run, 200, "there");
  asked = g_strdup_printf (
    "127.0.0.1:%u 127.0.0.1:%u localhost:%u 127.0.0.1:%u ", port, port, port, port);
  g_assert_cmpstr (run->asked->str, ==, asked);
  assert_secrets (fixture.server, "/a", TRUE);
  assert_secrets (fixture.server, "/same", TRUE);
  assert_secrets (fixture.server, "/other", FALSE);
  assert_secrets (fixture.server, "/back", FALSE);
}

static void
test_refused (void)
{
  const struct
  {
    const char *location;
    FaultServerFlags flags;
  } cases[] = {
    { "ftp://127.0.0.1/", FAULT_SERVER_PLAIN },
    { "http://", FAULT_SERVER_PLAIN },
    { "http://127.0.0.1/", FAULT_SERVER_TLS },
    { "/loop", FAULT_SERVER_PLAIN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, cases[i].flags);
      fault_server_on (fixture.server, NULL, fault_redirect (302, cases[i].location), NULL);
      run = run_new_for (&fixture, "GET", "/loop");
      run_through (run);
      assert_failure (
        run, RESILIENT_FAILURE_REDIRECT, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
      g_assert_cmpuint (fault_server_get_requests (fixture.server),
                        ==,
                        g_str_equal (cases[i].location, "/loop") ? 21 : 1);
      g_assert_cmpuint (run->headers_status, ==, 0);
    }
}

static void
test_delivered (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) bare = NULL;
  g_autoptr (Run) choices = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_answer (302, NULL, "nowhere"), NULL);
  bare = run_new_for (&fixture, "GET", "/");
  run_through (bare);
  assert_response (bare, 302, "nowhere");

  fault_server_next (fixture.server, NULL, fault_answer (300, "Location: /b", "choose"), NULL);
  choices = run_new_for (&fixture, "GET", "/");
  run_through (choices);
  assert_response (choices, 300, "choose");
}

/* The POST was processed: whatever its target then does, nothing of this attempt may be called
 * unsent. */
static void
test_target_refuses (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (FaultServer) gone = fault_server_new (FAULT_SERVER_REFUSING);
  g_autofree char *target = fault_server_uri (gone, "/");
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_redirect (303, target), NULL);
  run = run_new (&fixture, request_with_body (&fixture, "POST", "/", "hello"));
  run_through (run);
  assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_false (run->outcome.nothing_sent);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_cmpuint (run->outcome.status_code, ==, 0);
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
}

static void
test_one_shot (void)
{
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, "/307", fault_redirect (307, "/ok"), NULL);
  fault_server_on (fixture.server, "/303", fault_redirect (303, "/ok"), NULL);
  fault_server_on (fixture.server, "/ok", fault_answer (200, NULL, "there"), NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *target = fault_server_uri (fixture.server, i == 0 ? "/307" : "/303");
      ResilientRequest *request = resilient_request_new ("POST", target);
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("hello", 5, NULL);
      g_autoptr (Run) run = NULL;

      resilient_request_set_body_stream (request, NULL, stream, -1);
      run = run_new (&fixture, request);
      run_through (run);
      if (i == 0)
        assert_failure (
          run, RESILIENT_FAILURE_REDIRECT, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
      else
        assert_response (run, 200, "there");
      g_assert_true (resilient_body_is_spent (resilient_frozen_request_get_body (run->frozen)));
    }
}

/* A redirect with a body that is too long to be read costs its connection, and holds nobody up. */
static void
test_large_redirect (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) declared = NULL;
  g_autoptr (Run) endless = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, "/there", fault_answer (200, NULL, "there"), NULL);
  fault_server_next (fixture.server,
                     "/a",
                     fault_head (302, "Location: /there\r\nContent-Length: 1000000"),
                     fault_send_filler (1000000),
                     NULL);
  declared = run_new_for (&fixture, "GET", "/a");
  run_through (declared);
  assert_response (declared, 200, "there");

  fault_server_next (fixture.server,
                     "/a",
                     fault_head (302, "Location: /there\r\nConnection: close"),
                     fault_send_filler (0),
                     NULL);
  endless = run_new_for (&fixture, "GET", "/a");
  run_through (endless);
  assert_response (endless, 200, "there");
}

/* From https to http, of a host that the session's enforcer knows: asked by https, as if the
 * message had gone to the session. */
static void
test_hsts (void)
{
  const gboolean known[] = { TRUE, FALSE };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (SoupHSTSEnforcer) enforcer = soup_hsts_enforcer_new ();
      g_autoptr (SoupHSTSPolicy) policy = soup_hsts_policy_new ("localhost", 1000, FALSE);
      g_autoptr (Run) run = NULL;
      g_autofree char *from = NULL;
      g_autofree char *to = NULL;

      fixture_init (&fixture, FAULT_SERVER_TLS);
      if (known[i])
        soup_hsts_enforcer_set_policy (enforcer, policy);
      soup_session_add_feature (fixture.session, SOUP_SESSION_FEATURE (enforcer));
      from = fault_server_uri_at (fixture.server, "localhost", "/a");
      to = g_strdup_printf ("http://localhost:%u/b", fault_server_get_port (fixture.server));
      fault_server_on (fixture.server, "/a", fault_redirect (302, to), NULL);
      fault_server_on (fixture.server, "/b", fault_answer (200, NULL, "there"), NULL);
      run = run_new (&fixture, resilient_request_new ("GET", from));
      run_through (run);
      if (known[i])
        assert_response (run, 200, "there");
      else
        assert_failure (
          run, RESILIENT_FAILURE_REDIRECT, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
      soup_session_remove_feature (fixture.session, SOUP_SESSION_FEATURE (enforcer));
    }
}

/* The target as the server wrote it, as far as libsoup lets us see it: bytes that are not UTF-8 it
 * has replaced before. */
static void
test_odd_targets (void)
{
  const struct
  {
    const char *location;
    const char *path; /* NULL: REDIRECT error */
  } cases[] = {
    { "/a%zz", "/a%zz" },
    { "/50%", "/50%" },
    { "/?q=1%&r=%%2F", "/?q=1%&r=%%2F" },
    { "/caf\xc3\xa9", "/caf%C3%A9" },
    { "/caf\xe9", NULL },
  };
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };

  for (guint t = 0; t < G_N_ELEMENTS (flags); t++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (FaultRecord) record = NULL;

        g_test_message ("%u %u", t, i);
        fixture_init (&fixture, flags[t]);
        fault_server_next (fixture.server, NULL, fault_redirect (307, cases[i].location), NULL);
        fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "there"), NULL);
        run = run_new (&fixture, request_with_body (&fixture, "POST", "/", "body"));
        run_through (run);
        if (cases[i].path == NULL)
          {
            assert_failure (run,
                            RESILIENT_FAILURE_REDIRECT,
                            RESILIENT_CLIENT_ERROR,
                            RESILIENT_CLIENT_ERROR_REDIRECT);
            continue;
          }
        assert_response (run, 200, "there");
        record = fault_server_get_record (fixture.server, 1);
        g_assert_cmpstr (fault_record_get_path (record), ==, cases[i].path);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup-redirects/follow", test_follow);
  g_test_add_func ("/soup-redirects/keeps-body", test_keeps_body);
  g_test_add_func ("/soup-redirects/secrets", test_secrets);
  g_test_add_func ("/soup-redirects/refused", test_refused);
  g_test_add_func ("/soup-redirects/delivered", test_delivered);
  g_test_add_func ("/soup-redirects/target-refuses", test_target_refuses);
  g_test_add_func ("/soup-redirects/one-shot", test_one_shot);
  g_test_add_func ("/soup-redirects/large-redirect", test_large_redirect);
  g_test_add_func ("/soup-redirects/hsts", test_hsts);
  g_test_add_func ("/soup-redirects/odd-targets", test_odd_targets);
  return g_test_run ();
}
