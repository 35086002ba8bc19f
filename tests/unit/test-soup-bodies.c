/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"
/* A response without body is one with an empty body; a coding that it would have had is no
 * error. */
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

      fault_server_next (
        fixture.server, NULL, fault_answer (cases[i].status_code, cases[i].headers, ""), NULL);
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
  fault_server_on (
    fixture.server, NULL, fault_answer (200, NULL, "the body that GET would give"), NULL);
  run = run_new_for (&fixture, "HEAD", "/");
  run->params.max_response_size = 4;
  run_through (run);
  assert_response (run, 200, "");
  g_assert_cmpstr (
    resilient_response_get_header (run->outcome.response, "Content-Length"), ==, "28");
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
  fault_server_next (
    fixture.server, NULL, fault_answer (503, "Retry-After: 7", "please wait"), NULL);
  small = run_new_for (&fixture, "GET", "/");
  small->discard = TRUE;
  run_through (small);
  assert_response (small, 503, NULL);
  g_assert_cmpfloat (small->retry_after, ==, 7);

  /* the short one was read, and its connection serves again; the long ones cost theirs */
  fault_server_next (fixture.server,
                     NULL,
                     fault_head (503, "Content-Length: 1000000"),
                     fault_send_filler (1000000),
                     NULL);
  large = run_new_for (&fixture, "GET", "/");
  large->discard = TRUE;
  run_through (large);
  assert_response (large, 503, NULL);
  g_assert_true (large->outcome.reused_connection);

  fault_server_next (
    fixture.server, NULL, fault_head (503, "Connection: close"), fault_send_filler (0), NULL);
  endless = run_new_for (&fixture, "GET", "/");
  endless->discard = TRUE;
  run_through (endless);
  assert_response (endless, 503, NULL);

  fault_server_next (fixture.server,
                     NULL,
                     fault_head (503, "Content-Length: 10"),
                     fault_send ("abc"),
                     fault_close (),
                     NULL);
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

      fault_server_next (fixture.server,
                         NULL,
                         cases[i].chunked ? fault_answer_chunked (200, NULL, body, 300)
                                          : fault_answer (200, NULL, body),
                         NULL);
      run->params.max_response_size = 1000;
      run_through (run);
      if (cases[i].ok)
        assert_response (run, 200, body);
      else
        assert_failure (run,
                        RESILIENT_FAILURE_TOO_LARGE,
                        RESILIENT_CLIENT_ERROR,
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
  fault_server_on (fixture.server,
                   NULL,
                   fault_head (200, "Content-Length: 3000000"),
                   fault_send_filler (3000000),
                   NULL);
  run = run_new_for (&fixture, "GET", "/");
  run_through (run);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_NONE);
  g_assert_cmpuint (
    g_bytes_get_size (resilient_response_get_body (run->outcome.response)), ==, 3000000);
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
          fault_server_next (fixture.server,
                             NULL,
                             fault_head (200, cases[i].headers),
                             fault_send (cases[i].body),
                             fault_close (),
                             NULL);
          run_through (run);
          if (cases[i].how == WHOLE)
            assert_response (run, 200, "abcdef");
          else
            {
              assert_failure (
                run, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
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

      fault_server_next (
        fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
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

    fault_server_next (
      fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
    run->params.max_response_size = 99999;
    run_through (run);
    assert_failure (
      run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
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

/* Whether what is in the cache is still valid libsoup asks by a message of its own: a send all the
 * same. When it is not, the request itself is another. */
static void
test_cache_validation (void)
{
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS, FAULT_SERVER_HTTP2 };
  const struct
  {
    const char *validator;
    const char *condition;
  } cases[] = {
    { "ETag: \"a\"", "If-None-Match" },
    { "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", "If-Modified-Since" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (flags) * G_N_ELEMENTS (cases); i++)
    {
      g_auto (Fixture) fixture = { 0 };
      g_autofree char *name = g_strdup_printf ("soup-%u", i);
      g_autofree char *dir = g_build_filename (g_get_user_cache_dir (), name, NULL);
      g_autoptr (SoupCache) cache = soup_cache_new (dir, SOUP_CACHE_SINGLE_USER);
      g_autofree char *headers =
        g_strdup_printf ("Cache-Control: max-age=0\r\n%s", cases[i % 2].validator);
      const struct
      {
        guint sends;
        guint requests;
        const char *body;
      } rounds[] = { { 1, 1, "first" }, { 1, 2, "first" }, { 2, 4, "second" } };

      fixture_init (&fixture, flags[i / 2]);
      test_allow_warning ("libsoup", "conns");
      soup_session_add_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
      fault_server_next (fixture.server, NULL, fault_answer (200, headers, "first"), NULL);
      fault_server_next (fixture.server, NULL, fault_answer (304, headers, ""), NULL);
      fault_server_on (fixture.server, NULL, fault_answer (200, headers, "second"), NULL);
      for (guint j = 0; j < G_N_ELEMENTS (rounds); j++)
        {
          g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");
          g_autoptr (FaultRecord) record = NULL;

          run_through (run);
          assert_response (run, 200, rounds[j].body);
          g_assert_cmpuint (run->outcome.sends, ==, rounds[j].sends);
          g_assert_cmpuint (fault_server_get_requests (fixture.server), ==, rounds[j].requests);
          if (j == 1)
            {
              record = fault_server_get_record (fixture.server, 1);
              g_assert_nonnull (fault_record_get_header (record, cases[i % 2].condition));
              g_assert_cmpstr (run->phases->str, ==, "WAR");
            }
          soup_cache_flush (cache);
        }
      soup_session_remove_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
    }
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
  fault_server_next (
    fixture.server, NULL, fault_read (0), fault_answer (413, NULL, "no"), fault_close (), NULL);
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
  g_assert_cmpuint (fault_record_get_body_size (record), ==, 2 * 1024 * 1024);

  small = run_new (&fixture, request_with_body (&fixture, "PUT", "/", "small"));
  run_through (small);
  assert_response (small, 200, "ok");

  /* the one-shot stream was not read yet, and serves the second send */
  fault_server_next (
    fixture.server, NULL, fault_read (0), fault_answer (417, NULL, ""), fault_close (), NULL);
  unable = run_new (&fixture, one_shot_request (&fixture, "POST", "/", large));
  run_through (unable);
  assert_response (unable, 200, "ok");
  g_assert_cmpuint (unable->outcome.sends, ==, 2);
  second = fault_server_get_record (fixture.server, 4);
  g_assert_null (fault_record_get_header (second, "Expect"));
  g_assert_cmpuint (fault_record_get_body_size (second), ==, 2 * 1024 * 1024);
}

/* Never ready: it only counts how often the context looks at its sources. */
typedef struct
{
  GSource base;
  guint n_turns;
} TurnSource;

static gboolean
count_turn (GSource *source, int *timeout)
{
  ((TurnSource *) source)->n_turns++;
  *timeout = -1;
  return FALSE;
}

static GBytes *
compress_zeros (gsize size, guint layers)
{
  g_autofree guint8 *zeros = g_malloc0 (size);
  GBytes *bytes = g_bytes_new (zeros, size);

  for (guint i = 0; i < layers; i++)
    {
      g_autoptr (GConverter) gzip =
        G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
      g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
      g_autoptr (GOutputStream) stream = g_converter_output_stream_new (memory, gzip);

      g_assert_true (g_output_stream_write_all (
        stream, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL, NULL, NULL));
      g_assert_true (g_output_stream_close (stream, NULL, NULL));
      g_bytes_unref (bytes);
      bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
    }
  return bytes;
}

/* A body that is small on the wire and large behind it, or that comes in chunks of one byte, leaves
 * the other sources of the context their turns. */
static void
test_turns (void)
{
  static GSourceFuncs turn_funcs = { .prepare = count_turn };
  const guint size = 8 * 1024 * 1024;
  const struct
  {
    const char *headers;
    guint layers;
    guint chunk_size; /* 0 = Content-Length */
    gsize size;       /* decoded */
    guint n_turns;    /* at least */
  } rows[] = {
    { "Content-Encoding: gzip", 1, 0, size, size / (512 * 1024) },
    { "Content-Encoding: gzip, gzip", 2, 0, size, size / (512 * 1024) },
    /* 64 reads at a time, and more than once in a turn in which more arrives */
    { NULL, 0, 1, 16 * 1024, 64 },
  };
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS, FAULT_SERVER_HTTP2 };

  for (guint k = 0; k < G_N_ELEMENTS (flags); k++)
    {
      g_auto (Fixture) fixture = { 0 };

      fixture_init (&fixture, flags[k]);
      for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        {
          g_autoptr (GBytes) bytes = compress_zeros (rows[i].size, rows[i].layers);
          g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");
          GSource *turns = g_source_new (&turn_funcs, sizeof (TurnSource));
          guint n_turns;

          fault_server_next (
            fixture.server,
            NULL,
            rows[i].chunk_size > 0
              ? fault_answer_bytes_chunked (200, rows[i].headers, bytes, rows[i].chunk_size)
              : fault_answer_bytes (200, rows[i].headers, bytes),
            NULL);
          g_source_attach (turns, NULL);
          run_start (run);
          run_wait_done (run);
          n_turns = ((TurnSource *) turns)->n_turns;
          g_source_destroy (turns);
          g_source_unref (turns);
          run_wait_released (run);
          g_assert_no_error (run->outcome.error);
          g_assert_cmpuint (g_bytes_get_size (resilient_response_get_body (run->outcome.response)),
                            ==,
                            rows[i].size);
          /* frames of one byte libsoup puts together itself */
          if (rows[i].chunk_size == 0 || flags[k] != FAULT_SERVER_HTTP2)
            g_assert_cmpuint (n_turns, >=, rows[i].n_turns);
        }
    }
}

/* A coding that takes in any amount and yields nothing counts as it comes. */
static void
test_nothing_decoded (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GByteArray) members = g_byte_array_new ();
  g_autoptr (GBytes) member = compress_zeros (0, 1);
  g_autoptr (GBytes) bytes = NULL;
  const guint64 limits[] = { 0, 100000, 1000 };

  for (guint i = 0; i < 5000; i++)
    g_byte_array_append (
      members, g_bytes_get_data (member, NULL), (guint) g_bytes_get_size (member));
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&members));
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 100000);

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      fault_server_next (fixture.server,
                         NULL,
                         fault_answer_bytes_chunked (200, "Content-Encoding: gzip", bytes, 1000),
                         NULL);
      run->params.max_response_size = limits[i];
      run_through (run);
      if (limits[i] == 1000)
        assert_failure (run,
                        RESILIENT_FAILURE_TOO_LARGE,
                        RESILIENT_CLIENT_ERROR,
                        RESILIENT_CLIENT_ERROR_TOO_LARGE);
      else
        assert_response (run, 200, "");
    }
}

/* What is given up while it is decoded leaves nothing behind, and one that is cut then is cut. */
static void
test_decoding_ends (void)
{
  g_auto (Fixture) fixture = { 0 };
  g_autoptr (GBytes) bytes = compress_zeros (8 * 1024 * 1024, 1);
  g_autoptr (GBytes) cut = g_bytes_new_from_bytes (bytes, 0, g_bytes_get_size (bytes) - 4);
  g_autoptr (Run) abandoned = NULL;
  g_autoptr (Run) partial = NULL;
  g_autoptr (Run) large = NULL;

  fixture_init (&fixture, FAULT_SERVER_PLAIN);
  fault_server_on (
    fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", bytes), NULL);
  abandoned = run_new_for (&fixture, "GET", "/");
  run_start (abandoned);
  test_run_until_set (&abandoned->received);
  resilient_transport_attempt_abandon (abandoned->attempt);
  run_wait_released (abandoned);
  g_assert_false (abandoned->done);

  fault_server_next (
    fixture.server, NULL, fault_answer_bytes (200, "Content-Encoding: gzip", cut), NULL);
  partial = run_new_for (&fixture, "GET", "/");
  run_through (partial);
  assert_failure (partial, RESILIENT_FAILURE_DISCONNECT, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);

  large = run_new_for (&fixture, "GET", "/");
  large->params.max_response_size = 8 * 1024 * 1024 - 1;
  run_through (large);
  assert_failure (
    large, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup-bodies/bodyless", test_bodyless);
  g_test_add_func ("/soup-bodies/head-length", test_head_length);
  g_test_add_func ("/soup-bodies/discard", test_discard);
  g_test_add_func ("/soup-bodies/too-large", test_too_large);
  g_test_add_func ("/soup-bodies/large-body", test_large_body);
  g_test_add_func ("/soup-bodies/whole", test_whole);
  g_test_add_func ("/soup-bodies/gzip", test_gzip);
  g_test_add_func ("/soup-bodies/cache", test_cache);
  g_test_add_func ("/soup-bodies/cache/validation", test_cache_validation);
  g_test_add_func ("/soup-bodies/expect", test_expect);
  g_test_add_func ("/soup-bodies/turns", test_turns);
  g_test_add_func ("/soup-bodies/nothing-decoded", test_nothing_decoded);
  g_test_add_func ("/soup-bodies/decoding-ends", test_decoding_ends);
  return g_test_run ();
}
