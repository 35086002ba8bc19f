/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Answers on which libsoup acts by itself: 401, 407 and 421, above all to uploads. */

#define LARGE (2 * 1024 * 1024)

static const FaultServerFlags transports[] = {
  FAULT_SERVER_PLAIN,
  FAULT_SERVER_TLS,
  FAULT_SERVER_HTTP2,
};

/* The head of an answer to a request whose body nobody reads, and the answer's body; then, over
 * HTTP/1.1, silence on a connection that stays open. */
static FaultScript *
answer_to_head (FaultServer *server, guint status_code, const char *challenge)
{
  g_autofree char *headers = g_strdup_printf (
    "Content-Length: 3%s%s", challenge != NULL ? "\r\n" : "", challenge != NULL ? challenge : "");

  if (fault_server_get_flags (server) & FAULT_SERVER_HTTP2)
    return fault_script_new (fault_read (0), fault_answer (status_code, challenge, "no\n"), NULL);
  return fault_script_new (
    fault_read (0), fault_head (status_code, headers), fault_send ("no\n"), fault_silence (), NULL);
}

static ResilientRequest *
upload (Fixture *fixture, const char *method, const char *path, gboolean one_shot, guint size)
{
  static char *large = NULL;
  static char *small = NULL;

  if (large == NULL)
    {
      large = g_strnfill (LARGE, 'x');
      small = g_strnfill (100, 'x');
    }
  return (one_shot ? one_shot_request
                   : request_with_body) (fixture, method, path, size == LARGE ? large : small);
}

/* Nobody has credentials: the answer is delivered at once, though the server waits for the body
 * that it was to be asked for, and would do so for ever. */
static void
test_refused_upload (void)
{
  const struct
  {
    guint status_code;
    const char *challenge;
    guint sends; /* 421: once more over another connection (RFC 9110, 15.5.20) */
  } cases[] = {
    { 401, NULL, 1 },
    { 401, "WWW-Authenticate: Basic realm=\"x\"", 1 },
    { 401, "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\"", 1 },
    { 401, "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"", 1 },
    { 401, "WWW-Authenticate: NTLM", 1 },
    { 407, NULL, 1 },
    { 407, "Proxy-Authenticate: Basic realm=\"x\"", 1 },
    { 421, NULL, 2 },
  };
  const char *methods[] = { "PUT", "POST" };

  for (guint t = 0; t < 2; t++)
    {
      g_auto (Fixture) fixture = { 0 };
      guint n = 0;

      fixture_init (&fixture, transports[t]);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        for (guint j = 0; j < 2 * G_N_ELEMENTS (methods); j++)
          {
            g_autoptr (Run) run =
              run_new (&fixture, upload (&fixture, methods[j / 2], "/", j % 2 == 1, LARGE));

            g_test_message ("%u %u %s %u", t, cases[i].status_code, cases[i].challenge, j);
            fault_server_on_script (
              fixture.server,
              NULL,
              answer_to_head (fixture.server, cases[i].status_code, cases[i].challenge));
            run_through (run);
            assert_response (run, cases[i].status_code, "no\n");
            g_assert_cmpuint (run->outcome.sends, ==, cases[i].sends);
            g_assert_cmpint (run->sent, ==, 0);
            n += cases[i].sends;
            g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, n);
            fault_server_wait_closed (fixture.server, n);
            g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, n);
          }
    }
}

/* The same where libsoup has credentials: it answers with them, and the body is sent once. */
static void
test_credentials (void)
{
  const char *challenges[] = {
    "WWW-Authenticate: Basic realm=\"x\"",
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"",
  };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < 2 * G_N_ELEMENTS (challenges); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (ResilientRequest) request = NULL;
        g_autoptr (FaultRecord) record = NULL;
        g_autofree char *uri = NULL;
        g_autofree char *large = g_strnfill (LARGE, 'x');
        g_autoptr (GBytes) bytes = g_bytes_new (large, LARGE);

        g_test_message ("%u %u", t, i);
        fixture_init (&fixture, transports[t]);
        test_allow_warning ("libsoup-http2", "Unexpected state changed");
        fault_server_next_script (
          fixture.server, NULL, answer_to_head (fixture.server, 401, challenges[i / 2]));
        fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
        uri = g_strdup_printf ("%s://joe:secret@127.0.0.1:%u/",
                               t > 0 ? "https" : "http",
                               fault_server_get_port (fixture.server));
        request = resilient_request_new (i % 2 ? "POST" : "PUT", uri);
        resilient_request_set_body_bytes (request, "text/plain", bytes);
        run = run_new (&fixture, g_steal_pointer (&request));
        run_through (run);
        assert_response (run, 200, "ok");
        g_assert_cmpuint (run->outcome.sends, ==, 1);
        g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);
        record = fault_server_get_record (fixture.server, 1);
        g_assert_true (fault_record_is_whole (record));
        g_assert_cmpuint (fault_record_get_body_size (record), ==, LARGE);
        g_assert_nonnull (fault_record_get_header (record, "Authorization"));
      }
}

/* A body that can be read once, and was not asked for when the challenge came, is still there. */
static void
test_credentials_one_shot (void)
{
  g_autofree char *large = g_strnfill (LARGE, 'x');
  const char *methods[] = { "PUT", "POST" };

  for (guint t = 0; t < 2; t++)
    for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (ResilientRequest) request = NULL;
        g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data (large, LARGE, NULL);
        g_autoptr (FaultRecord) record = NULL;
        g_autofree char *uri = NULL;

        g_test_message ("%u %s", t, methods[i]);
        fixture_init (&fixture, transports[t]);
        fault_server_next_script (
          fixture.server,
          NULL,
          answer_to_head (fixture.server, 401, "WWW-Authenticate: Basic realm=\"x\""));
        fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
        uri = g_strdup_printf ("%s://joe:secret@127.0.0.1:%u/",
                               t > 0 ? "https" : "http",
                               fault_server_get_port (fixture.server));
        request = resilient_request_new (methods[i], uri);
        resilient_request_set_body_stream (request, "text/plain", stream, LARGE);
        run = run_new (&fixture, g_steal_pointer (&request));
        run_through (run);
        assert_response (run, 200, "ok");
        g_assert_cmpuint (run->outcome.sends, ==, 1);
        g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);
        record = fault_server_get_record (fixture.server, 1);
        g_assert_true (fault_record_is_whole (record));
        g_assert_cmpuint (fault_record_get_body_size (record), ==, LARGE);
      }
}

/* NTLM goes its rounds on one connection, which an expectation that is not met would cost. */
static void
test_connection_bound (void)
{
  /* a challenge of the second round: no domain, no flags but those for Unicode and NTLM */
  const char *challenge =
    "WWW-Authenticate: NTLM TlRMTVNTUAACAAAAAAAAADAAAAABAgAAASNFZ4mrze8AAAAAAAAAAAAAAAAwAAAA";

  for (guint t = 0; t < 2; t++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;

      fixture_init (&fixture, transports[t]);
      soup_session_add_feature_by_type (fixture.session, SOUP_TYPE_AUTH_NTLM);
      fixture_authenticate (&fixture);
      fault_server_next_script (
        fixture.server, NULL, answer_to_head (fixture.server, 401, "WWW-Authenticate: NTLM"));
      fault_server_next (fixture.server, NULL, fault_answer (401, challenge, "go on"), NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
      run = run_new (&fixture, upload (&fixture, "PUT", "/", FALSE, LARGE));
      run_through (run);
      assert_response (run, 200, "ok");
      g_assert_cmpuint (run->outcome.sends, ==, 1);
      g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 3);
      for (guint i = 0; i < 3; i++)
        {
          g_autoptr (FaultRecord) record = fault_server_get_record (fixture.server, i);
          const char *authorization = fault_record_get_header (record, "Authorization");

          g_assert_cmpint (fault_record_get_header (record, "Expect") != NULL, ==, i == 0);
          g_assert_cmpint (authorization != NULL, ==, i > 0);
          g_assert_cmpuint (fault_record_get_connection (record), ==, i == 0 ? 1 : 2);
          g_assert_cmpuint (fault_record_get_body_size (record), ==, i == 0 ? 0 : LARGE);
        }
    }
}

/* The body of the answer does not come: whoever ends the request ends it. */
static void
test_unfinished_answer (void)
{
  for (guint t = 0; t < 2; t++)
    for (guint i = 0; i < 3; i++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;

        g_test_message ("%u %u", t, i);
        fixture_init (&fixture, transports[t]);
        fault_server_on (fixture.server,
                         NULL,
                         fault_read (0),
                         fault_head (401, "Content-Length: 3"),
                         fault_send ("n"),
                         fault_hold ("told"),
                         fault_silence (),
                         NULL);
        run = run_new (&fixture, upload (&fixture, "PUT", "/", FALSE, LARGE));
        if (i == 0)
          run->params.read_timeout = 0.02;
        run_start (run);
        fault_server_wait_held (fixture.server, "told", 1);
        test_run_pending ();
        fault_server_open (fixture.server, "told");
        if (i == 1)
          resilient_transport_attempt_abandon (run->attempt);
        else if (i == 2)
          soup_session_abort (fixture.session);
        run_wait_released (run);
        g_assert_cmpint (run->done, ==, i != 1);
        if (i == 0)
          assert_failure (run, RESILIENT_FAILURE_READ_TIMEOUT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
        else if (i == 2)
          g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
        fault_server_wait_closed (fixture.server, 1);
      }
}

/* What was read once and can't be read again is not sent again: what came is the answer. */
static void
test_spent (void)
{
  const struct
  {
    guint status_code;
    const char *headers;
  } cases[] = {
    { 401, "WWW-Authenticate: Basic realm=\"x\"" },
    { 401, "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"" },
    { 421, NULL },
  };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    {
      g_auto (Fixture) fixture = { 0 };

      fixture_init (&fixture, transports[t]);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        {
          g_autofree char *uri = g_strdup_printf ("%s://joe:secret@127.0.0.1:%u/%u",
                                                  t > 0 ? "https" : "http",
                                                  fault_server_get_port (fixture.server),
                                                  i);
          g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);
          g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("once", 4, NULL);
          g_autoptr (Run) run = NULL;

          fault_server_on (fixture.server,
                           NULL,
                           fault_answer (cases[i].status_code, cases[i].headers, "no"),
                           NULL);
          resilient_request_set_body_stream (request, "text/plain", stream, 4);
          run = run_new (&fixture, g_steal_pointer (&request));
          run_through (run);
          assert_response (run, cases[i].status_code, "no");
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, i + 1);
        }
    }
}

/* RFC 9110, 15.5.20: not for this connection, but maybe for another. */
static void
test_misdirected (void)
{
  const char *methods[] = { "GET", "DELETE", "PUT", "POST" };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
      for (guint again = 0; again < 2; again++)
        {
          g_auto (Fixture) fixture = { 0 };
          g_autoptr (Run) run = NULL;
          g_autoptr (FaultRecord) first = NULL;
          g_autoptr (FaultRecord) second = NULL;

          fixture_init (&fixture, transports[t]);
          fault_server_next (fixture.server, NULL, fault_answer (421, NULL, "not here"), NULL);
          fault_server_on (
            fixture.server, NULL, fault_answer (again ? 421 : 200, NULL, "second"), NULL);
          run = i < 2 ? run_new_for (&fixture, methods[i], "/")
                      : run_new (&fixture, request_with_body (&fixture, methods[i], "/", "body"));
          run_through (run);
          assert_response (run, again ? 421 : 200, "second");
          g_assert_cmpuint (run->outcome.sends, ==, 2);
          g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 2);
          first = fault_server_get_record (fixture.server, 0);
          second = fault_server_get_record (fixture.server, 1);
          g_assert_cmpuint (
            fault_record_get_connection (first), !=, fault_record_get_connection (second));
          if (i >= 2)
            assert_record_body (fixture.server, 1, methods[i], "body");
        }
}

/* libsoup reads these bodies by itself, whole. */
static void
test_too_large (void)
{
  const guint statuses[] = { 401, 407, 421 };
  guint size = !test_is_quick () ? 400000000 : 10000000;
  g_autofree char *length = g_strdup_printf ("Content-Length: %u", size);
  const char *headers[] = { "Connection: close", length };

  for (guint t = 0; t < G_N_ELEMENTS (transports); t++)
    for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
      for (guint j = 0; j < G_N_ELEMENTS (headers); j++)
        {
          g_auto (Fixture) fixture = { 0 };
          g_autoptr (Run) run = NULL;

          g_test_message ("%u %u %s", t, statuses[i], headers[j]);
          fixture_init (&fixture, transports[t]);
          test_allow_warning ("libsoup", "conns");
          fault_server_on (fixture.server,
                           NULL,
                           fault_head (statuses[i], headers[j]),
                           fault_send_filler (size),
                           fault_silence (),
                           NULL);
          run = run_new_for (&fixture, "GET", "/");
          run->params.max_response_size = 1024 * 1024;
          run_through (run);
          assert_failure (run,
                          RESILIENT_FAILURE_TOO_LARGE,
                          RESILIENT_CLIENT_ERROR,
                          RESILIENT_CLIENT_ERROR_TOO_LARGE);
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          if (transports[t] != FAULT_SERVER_HTTP2)
            fault_server_wait_closed (fixture.server, 1);
        }
}

/* Interim responses without end: as small as they can be, with headers, and large. A large one of
 * HTTP/2 does not go into a frame. */
static void
test_interim_flood (void)
{
  const struct
  {
    const char *status_line;
    guint size;
  } cases[] = {
    { "HTTP/1.1 100 Continue\r\n", 0 },
    { "HTTP/1.1 103 Early Hints\r\nLink: ", 30 },
    { "HTTP/1.1 102 ", 50000 },
    { "HTTP/1.1 199 x\r\nX-Large: ", 50000 },
  };
  const char *methods[] = { "GET", "POST" };

  for (guint t = 0; t < 2; t++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
        {
          g_auto (Fixture) fixture = { 0 };
          g_autoptr (Run) run = NULL;
          g_autoptr (GString) flood = g_string_new (NULL);
          g_autofree char *filler = g_strnfill (cases[i].size, 'x');

          g_test_message ("%u %u %s", t, i, methods[j]);
          fixture_init (&fixture, transports[t]);
          while (flood->len < 500000)
            g_string_append_printf (
              flood, "%s%s\r\n%s", cases[i].status_line, filler, cases[i].size > 0 ? "\r\n" : "");
          fault_server_on (fixture.server,
                           NULL,
                           fault_send (flood->str),
                           fault_send (flood->str),
                           fault_silence (),
                           NULL);
          run = j == 0 ? run_new_for (&fixture, "GET", "/")
                       : run_new (&fixture, request_with_body (&fixture, "POST", "/", "body"));
          run_through (run);
          assert_failure (
            run, RESILIENT_FAILURE_PROTOCOL, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING);
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpuint (run->outcome.status_code, ==, 0);
          fault_server_wait_closed (fixture.server, 1);
        }
}

/* Many are no flood yet. */
static void
test_interim_many (void)
{
  for (guint t = 0; t < 2; t++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autoptr (Run) run = NULL;
      g_autoptr (GString) many = g_string_new (NULL);

      fixture_init (&fixture, transports[t]);
      for (guint i = 0; i < 3600; i++)
        g_string_append (many, "HTTP/1.1 102 Processing\r\n\r\n");
      fault_server_on (
        fixture.server, NULL, fault_send (many->str), fault_answer (200, NULL, "at last"), NULL);
      run = run_new_for (&fixture, "GET", "/");
      run_through (run);
      assert_response (run, 200, "at last");
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup-challenges/refused-upload", test_refused_upload);
  g_test_add_func ("/soup-challenges/credentials", test_credentials);
  g_test_add_func ("/soup-challenges/credentials/one-shot", test_credentials_one_shot);
  g_test_add_func ("/soup-challenges/connection-bound", test_connection_bound);
  g_test_add_func ("/soup-challenges/unfinished-answer", test_unfinished_answer);
  g_test_add_func ("/soup-challenges/spent", test_spent);
  g_test_add_func ("/soup-challenges/misdirected", test_misdirected);
  g_test_add_func ("/soup-challenges/too-large", test_too_large);
  g_test_add_func ("/soup-challenges/interim-flood", test_interim_flood);
  g_test_add_func ("/soup-challenges/interim-many", test_interim_many);
  return g_test_run ();
}
