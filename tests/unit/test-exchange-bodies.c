/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "exchange-fixture.h"
/* A response without body is one with an empty body; a coding that it would have had is no error.
 */
static void
test_bodyless (void)
{
  const struct
  {
    const char *method;
    guint status_code;
    const char *headers;
  } cases[] = {
    { "HEAD", 200, "Content-Encoding: gzip" },
    { "HEAD", 200, NULL },
    { "GET", 204, NULL },
    { "GET", 304, NULL },
    { "GET", 200, "Content-Encoding: gzip" },
    { "OPTIONS", 200, NULL },
  };

  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, cases[i].method, "/");

      fault_server_next (fixture.server, NULL,
                         fault_answer (cases[i].status_code, cases[i].headers, ""), NULL);
      run_through (run);
      assert_response (run, cases[i].status_code, "");
    }
}

/* HEAD names the size of a body that does not come, which is no early end, nor too large. */
static void
test_head_length (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "the body that GET would give"),
                   NULL);
  run = run_new_for (&fixture, "HEAD", "/");
  run->params.max_response_size = 4;
  run_through (run);
  assert_response (run, 200, "");
  g_assert_cmpstr (resilient_response_get_header (run->outcome.response, "Content-Length"), ==,
                   "28");
}

static void
test_discard (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) small = NULL;
  g_autoptr (Run) large = NULL;
  g_autoptr (Run) endless = NULL;
  g_autoptr (Run) cut = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_answer (503, "Retry-After: 7", "please wait"),
                     NULL);
  small = run_new_for (&fixture, "GET", "/");
  small->discard = TRUE;
  run_through (small);
  assert_response (small, 503, NULL);
  g_assert_cmpfloat (small->retry_after, ==, 7);

  /* the short one was read, and its connection serves again; the long ones cost theirs */
  fault_server_next (fixture.server, NULL, fault_head (503, "Content-Length: 1000000"),
                     fault_send_filler (1000000), NULL);
  large = run_new_for (&fixture, "GET", "/");
  large->discard = TRUE;
  run_through (large);
  assert_response (large, 503, NULL);
  g_assert_true (large->outcome.reused_connection);

  fault_server_next (fixture.server, NULL, fault_head (503, "Connection: close"),
                     fault_send_filler (0), NULL);
  endless = run_new_for (&fixture, "GET", "/");
  endless->discard = TRUE;
  run_through (endless);
  assert_response (endless, 503, NULL);

  fault_server_next (fixture.server, NULL, fault_head (503, "Content-Length: 10"),
                     fault_send ("abc"), fault_close (), NULL);
  cut = run_new_for (&fixture, "GET", "/");
  cut->discard = TRUE;
  run_through (cut);
  assert_response (cut, 503, NULL);
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 3);
}

static void
test_too_large (void)
{
  const struct
  {
    guint size;
    gboolean chunked;
    gboolean ok;
  } cases[] = {
    { 1000, FALSE, TRUE }, { 1001, FALSE, FALSE }, { 1000, TRUE, TRUE }, { 1001, TRUE, FALSE }
  };

  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");
      g_autofree char *body = g_strnfill (cases[i].size, 'x');

      fault_server_next (fixture.server, NULL,
                         cases[i].chunked ? fault_answer_chunked (200, NULL, body, 300)
                                          : fault_answer (200, NULL, body),
                         NULL);
      run->params.max_response_size = 1000;
      run_through (run);
      if (cases[i].ok)
        assert_response (run, 200, body);
      else
        assert_failure (run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_TOO_LARGE);
    }
}

/* More than one dispatch reads, so that the idle continuation and the source are both used. */
static void
test_large_body (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (Run) run = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (fixture.server, NULL, fault_head (200, "Content-Length: 3000000"),
                   fault_send_filler (3000000), NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpuint (g_bytes_get_size (resilient_response_get_body (run->outcome.response)), ==,
                    3000000);
  g_assert_cmpint (run->received, ==, 3000000);
}

/* What looks whole to libsoup is looked at again; what is whole stays so. */
static void
test_whole (void)
{
  enum
  {
    WHOLE,
    CUT,
    CORRUPT
  };
  const struct
  {
    const char *headers;
    const char *body;
    int how;
  } cases[] = {
    { "Content-Length: 6", "abcdef", WHOLE },
    { "Content-Length: 9", "abcdef", CUT },
    { "Content-Length: 9\r\nConnection: close", "abcdef", CUT },
    { "Content-Length: 6\r\nConnection: close", "abcdef", WHOLE },
    { "Connection: close", "abcdef", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n0\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked\r\nConnection: close", "6\r\nabcdef\r\n0\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n0\r\nX-Trailer: 1\r\n\r\n", WHOLE },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n", CUT },
    { "Transfer-Encoding: chunked\r\nConnection: close", "6\r\nabcdef\r\n", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabc", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n3", CUT },
    { "Transfer-Encoding: chunked", "6\r\nabcdef\r\n3\r\n", CUT },
    { "Transfer-Encoding: chunked", "", CUT },
  };
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };

  for (guint j = 0; j < G_N_ELEMENTS (flags); j++)
    {
      g_auto (Fixture) fixture = { 0 };

      fixture_init (&fixture, flags[j]);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        {
          g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

          g_test_message ("%u: %s / %s", i, cases[i].headers, cases[i].body);
          fault_server_next (fixture.server, NULL, fault_head (200, cases[i].headers),
                             fault_send (cases[i].body), fault_close (), NULL);
          run_through (run);
          if (cases[i].how == WHOLE)
            assert_response (run, 200, "abcdef");
          else
            {
              assert_failure (run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR,
                              G_IO_ERROR_PARTIAL_INPUT);
              g_assert_cmpuint (run->outcome.status_code, ==, 200);
              g_assert_cmpint (run->outcome.phase, ==, RESILIENT_PHASE_READING);
            }
        }
    }
}

static void
test_gzip (void)
{
  const struct
  {
    FaultGzip how;
    ResilientFailure failure;
    int code;
  } cases[] = {
    { FAULT_GZIP_WHOLE, RESILIENT_FAILURE_NONE, 0 },
    { FAULT_GZIP_CUT, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR_PARTIAL_INPUT },
    { FAULT_GZIP_CORRUPT, RESILIENT_FAILURE_PROTOCOL, G_IO_ERROR_INVALID_DATA },
  };

  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GString) numbers = g_string_new (NULL);
  const char *text;

  while (numbers->len < 100000)
    g_string_append_printf (numbers, "%08" G_GSIZE_FORMAT, numbers->len * 7919);
  text = g_string_truncate (numbers, 100000)->str;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = fault_gzip (text, cases[i].how);
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      fault_server_next (fixture.server, NULL,
                         fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
      run_through (run);
      if (cases[i].failure == RESILIENT_FAILURE_NONE)
        {
          assert_response (run, 200, text);
          g_assert_cmpint (run->received, ==, g_bytes_get_size (bytes));
        }
      else
        assert_failure (run, cases[i].failure, G_IO_ERROR, cases[i].code);
    }

  {
    g_autoptr (GBytes) bytes = fault_gzip (text, FAULT_GZIP_WHOLE);
    g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

    fault_server_next (fixture.server, NULL,
                       fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
    run->params.max_response_size = 99999;
    run_through (run);
    assert_failure (run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR,
                    RESILIENT_CLIENT_ERROR_TOO_LARGE);
  }
}

/* What the session's cache answers was never sent, and is the answer all the same. */
static void
test_cache (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *dir = g_build_filename (g_get_user_cache_dir (), "soup", NULL);
  g_autoptr (SoupCache) cache = soup_cache_new (dir, SOUP_CACHE_SINGLE_USER);
  g_autoptr (GBytes) bytes = fault_gzip ("cached", FAULT_GZIP_WHOLE);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = soup_date_time_to_string (now, SOUP_DATE_HTTP);
  g_autofree char *headers =
    g_strdup_printf ("Date: %s\r\nCache-Control: max-age=1000\r\nContent-Encoding: gzip", date);

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  soup_session_add_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
  fault_server_on (fixture.server, NULL, fault_answer_bytes (200, headers, bytes), NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      run_through (run);
      assert_response (run, 200, "cached");
      g_assert_cmpuint (run->outcome.sends, ==, i == 0 ? 1 : 0);
      /* stored by a worker of the cache's */
      soup_cache_flush (cache);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, 1);
  soup_session_remove_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
}

/* A server that refuses a large upload before it has come says so. */
static void
test_expect (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autofree char *large = g_strnfill (2 * 1024 * 1024, 'x');
  g_autoptr (Run) refused = NULL;
  g_autoptr (Run) taken = NULL;
  g_autoptr (Run) unable = NULL;
  g_autoptr (Run) small = NULL;
  g_autoptr (FaultRecord) record = NULL;
  g_autoptr (FaultRecord) second = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_next (fixture.server, NULL, fault_read (0), fault_answer (413, NULL, "no"),
                     fault_close (), NULL);
  refused = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (refused);
  assert_response (refused, 413, "no");
  g_assert_cmpint (refused->sent, ==, 0);

  fault_server_on (fixture.server, NULL, fault_answer (200, NULL, "ok"), NULL);
  taken = run_new (&fixture, request_with_body (&fixture, "PUT", "/", large));
  run_through (taken);
  assert_response (taken, 200, "ok");
  g_assert_cmpint (taken->sent, ==, 2 * 1024 * 1024);
  g_assert_cmpuint (taken->outcome.sends, ==, 1);
  record = fault_server_get_record (fixture.server, 1);
  g_assert_cmpstr (fault_record_get_header (record, "Expect"), ==, "100-continue");
  g_assert_cmpuint (record->body_size, ==, 2 * 1024 * 1024);

  small = run_new (&fixture, request_with_body (&fixture, "PUT", "/", "small"));
  run_through (small);
  assert_response (small, 200, "ok");

  /* the one-shot stream was not read yet, and serves the second send */
  fault_server_next (fixture.server, NULL, fault_read (0), fault_answer (417, NULL, ""),
                     fault_close (), NULL);
  unable = run_new (&fixture, one_shot_request (&fixture, "POST", "/", large));
  run_through (unable);
  assert_response (unable, 200, "ok");
  g_assert_cmpuint (unable->outcome.sends, ==, 2);
  second = fault_server_get_record (fixture.server, 4);
  g_assert_null (fault_record_get_header (second, "Expect"));
  g_assert_cmpuint (second->body_size, ==, 2 * 1024 * 1024);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/exchange-bodies/bodyless", test_bodyless);
  g_test_add_func ("/exchange-bodies/head-length", test_head_length);
  g_test_add_func ("/exchange-bodies/discard", test_discard);
  g_test_add_func ("/exchange-bodies/too-large", test_too_large);
  g_test_add_func ("/exchange-bodies/large-body", test_large_body);
  g_test_add_func ("/exchange-bodies/whole", test_whole);
  g_test_add_func ("/exchange-bodies/gzip", test_gzip);
  g_test_add_func ("/exchange-bodies/cache", test_cache);
  g_test_add_func ("/exchange-bodies/expect", test_expect);
  return g_test_run ();
}
