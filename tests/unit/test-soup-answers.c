/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* Responses that are whole, that were cut, and that are none, byte for byte as they come over
 * HTTP/1.1. Each is asked for by GET and by POST. */

typedef enum
{
  STAYS,  /* the server leaves the connection open and says no more */
  CLOSES, /* FIN, over TLS after close_notify */
  CUTS,   /* FIN alone */
  RESETS,
} End;

#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static Run *
ask (Fixture *fixture, const char *method, const char *path, gboolean kept)
{
  Run *run;

  if (g_str_equal (method, "POST"))
    run = run_new (fixture, request_with_body (fixture, method, path, "hello"));
  else
    run = run_new_for (fixture, method, path);
  run->params.new_connection = !kept;
  run_through (run);
  return run;
}

static void
say (Fixture *fixture, const char *text, End end)
{
  FaultStep *const ends[] = { fault_silence (), fault_close (), fault_cut (), fault_reset () };

  fault_server_next (fixture->server, NULL, fault_send (text), fault_step_ref (ends[end]), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    fault_step_free (ends[i]);
}

/* Once on a new connection, and once on one that has served before. */
static Run *
ask_for (Fixture *fixture, const char *method, const char *text, End end, gboolean kept)
{
  if (kept)
    {
      g_autoptr (Run) first = NULL;

      fault_server_next (fixture->server, NULL, fault_answer_chunked (200, NULL, "first", 2), NULL);
      first = ask (fixture, "GET", "/first", FALSE);
      assert_response (first, 200, "first");
    }
  say (fixture, text, end);
  return ask (fixture, method, "/", kept);
}

static void
assert_lost (Run *run)
{
  g_assert_nonnull (run->outcome.error);
  g_assert_cmpint (run->outcome.failure, ==, RESILIENT_FAILURE_DISCONNECT);
  g_assert_cmpuint (run->outcome.sends, ==, 1);
  g_assert_false (run->outcome.nothing_sent);
}

static const char *const methods[] = { "GET", "POST" };

/* A handshake costs more than all the rest: over TLS each row has one of the methods, and where
 * each instruction is checked every eighth. */
static gboolean
is_left_out (gconstpointer flags, guint row, guint method)
{
  return GPOINTER_TO_UINT (flags) != FAULT_SERVER_PLAIN
         && (row % 2 == method || (row % 8 > 1 && test_is_quick ()));
}

/* A head that is cut is none, wherever that is; and the last byte of it makes it one. */
static void
test_head_cut (gconstpointer flags)
{
  const char *text = HEAD "Content-Length: 0\r\nX-Y:z\r\n\r\n";
  gsize length = strlen (text);
  g_auto (Fixture) fixture = { 0 };
  guint n_connections = 0;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (gsize n = 1; n <= length; n++)
    for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
      {
        g_autofree char *part = g_strndup (text, n);
        g_autoptr (Run) run = NULL;

        if (is_left_out (flags, (guint) n, i))
          continue;
        g_test_message ("%s, %" G_GSIZE_FORMAT " bytes", methods[i], n);
        run = ask_for (&fixture, methods[i], part, n % 2 ? CLOSES : CUTS, FALSE);
        if (n == length)
          {
            assert_response (run, 200, "");
            continue;
          }
        assert_lost (run);
        g_assert_cmpuint (run->outcome.status_code, ==, 0);
        g_assert_cmpuint (run->headers_status, ==, 0);
        g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, ++n_connections);
      }
}

/* The same where no byte of a body could tell. */
static void
test_head_cut_line (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  const struct
  {
    const char *method;
    const char *text;
  } rows[] = {
    { "GET", HEAD },
    { "GET", HEAD "Connection: close\r\n" },
    { "GET", HEAD "Content-Length: 0\r\nConnection: close\r\n" },
    { "GET", HEAD "Content-Length:0\r\nConnection:close\r\n" },
    { "GET", "HTTP/1.0 200 OK\nServer: s\n" },
    { "GET", "HTTP/1.1 204 No Content\r\n" },
    { "GET", "HTTP/1.1 204 No Content\r\nDate: x\r\n" },
    { "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n" },
    { "GET", "HTTP/1.1 401 Unauthorized\r\n" },
    { "GET", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n" },
    { "GET", "HTTP/1.1 103 Early Hints\r\n\r\n" HEAD },
    { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n" },
    { "HEAD", HEAD },
    { "HEAD", HEAD "Content-Length: 5\r\n" },
    { "HEAD", "HTTP/1.1 503 Busy\r\n" },
    { "POST", HEAD },
    { "POST", "HTTP/1.1 201 Created\r\nLocation: /a\r\n" },
    { "POST", "HTTP/1.1 503 Busy\r\n" },
  };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gboolean kept = FALSE; kept <= TRUE; kept++)
      {
        g_autoptr (Run) run = NULL;

        g_test_message ("%u%s", i, kept ? ", kept" : "");
        run = ask_for (&fixture, rows[i].method, rows[i].text, CLOSES, kept);
        assert_lost (run);
        g_assert_cmpuint (run->outcome.status_code, ==, 0);
        if (GPOINTER_TO_UINT (flags) == FAULT_SERVER_PLAIN)
          g_assert_error (run->outcome.error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
      }
}

static char *
put_status (const char *head, guint status)
{
  GString *text = g_string_new (head);
  g_autofree char *digits = g_strdup_printf ("%u", status);

  g_string_replace (text, "NNN", digits, 1);
  return g_string_free (text, FALSE);
}

/* A whole head without a length, and the end of the connection: the body is empty (RFC 9112, 6.3).
 * Nobody writes all of these heads, but each is one. */
static void
test_head_alone (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  guint n_requests = 0;
  const char *const heads[] = {
    "HTTP/1.1 NNN OK\r\n\r\n",
    "HTTP/1.1 NNN OK\n\n",
    "HTTP/1.1 NNN\r\n\r\n",
    "HTTP/1.0 NNN OK\r\n\r\n",
    "HTTP/1.1 NNN OK\r\nServer:s\r\nDate:x\r\n\r\n",
    "HTTP/1.1 NNN OK\r\nServer: s  \r\n\r\n",
    "HTTP/1.1 NNN OK\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 NNN OK\r\n\r\n",
  };
  const guint statuses[] = { 200, 201, 401, 503 };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    for (guint j = 0; j < G_N_ELEMENTS (statuses); j++)
      for (guint k = 0; k < G_N_ELEMENTS (methods); k++)
        {
          g_autoptr (Run) run = NULL;
          g_autofree char *text = NULL;

          text = put_status (heads[i], statuses[j]);
          if (is_left_out (flags, i + j, k))
            continue;
          g_test_message ("%s %u, %u", methods[k], statuses[j], i);
          run = ask_for (&fixture, methods[k], text, CLOSES, (i + j) % 2);
          assert_response (run, statuses[j], "");
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpuint (fault_server_count (fixture.server, "/"), ==, ++n_requests);
        }
}

/* What can't be a response, whether the peer stays or goes. */
static void
test_none (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  guint n_requests = 0;
  const struct
  {
    const char *text;
    GQuark domain;
    int code;
  } rows[] = {
    { "SSH-2.0-OpenSSH\r\n\r\n", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { "HTTP/1.1 000 No\r\n\r\n", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { "HTTP/1.1 99 No\r\n\r\n", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { "HTTP/1.1 2000 No\r\n\r\n", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    /* lengths */
    { HEAD "Content-Length:\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: -5\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: -1\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: +5\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: 9223372036854775808\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: 18446744073709551621\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING },
    { HEAD "Connection: close\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING },
    { HEAD "Content-Length: 5, 3\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_ENCODING },
    { HEAD "Content-Length: 0x5\r\n\r\nhello", SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_ENCODING },
    { HEAD "Transfer-Encoding: gzip\r\n\r\nhello",
      SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_ENCODING },
    /* chunks: all of them are in the tests of their decoder */
    { CHUNKED "zz\r\nhello\r\n0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "-5\r\nhello\r\n0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "\r\nhello\r\n0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "5\r\nhello0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "3\r\nhello\r\n0\r\n\r\n", G_IO_ERROR, G_IO_ERROR_INVALID_DATA },
    { CHUNKED "5\r\nhello\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n",
      G_IO_ERROR,
      G_IO_ERROR_INVALID_DATA },
    { CHUNKED "5\r\nhello\r\n0\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n",
      G_IO_ERROR,
      G_IO_ERROR_INVALID_DATA },
  };
  const End ends[] = { STAYS, CLOSES };

  /* libsoup makes a stream for a length below -1 before anybody can refuse it */
  test_allow_warning ("GLib-GObject", "invalid or out of range for property 'content-length'");
  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
        {
          g_autoptr (Run) run = NULL;

          if (is_left_out (flags, i, j))
            continue;
          g_test_message ("%s %u, %u", methods[j], i, k);
          run = ask_for (&fixture, methods[j], rows[i].text, ends[k], (i + k) % 2);
          assert_failure (run, RESILIENT_FAILURE_PROTOCOL, rows[i].domain, rows[i].code);
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpuint (fault_server_count (fixture.server, "/"), ==, ++n_requests);
        }
}

/* Bodies that are cut, however they say where they end. */
static void
test_body_cut (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  const char *const rows[] = {
    HEAD "Content-Length: 10\r\n\r\n",
    HEAD "Content-Length: 10\r\n\r\nhello",
    HEAD "Content-Length: 10\r\nConnection: close\r\n\r\n",
    HEAD "Content-Length: 10\r\nConnection: close\r\n\r\nhello",
    "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    CHUNKED,
    CHUNKED "5",
    CHUNKED "5\r\nhel",
    CHUNKED "5\r\nhello",
    CHUNKED "5\r\nhello\r\n",
    CHUNKED "5\r\nhello\r\n0\r\n",
    CHUNKED "5\r\nhello\r\n0\r\nTrailer: t\r\n",
  };
  const End ends[] = { CLOSES, CUTS, RESETS };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
        {
          g_autoptr (Run) run = NULL;

          if (is_left_out (flags, i, j))
            continue;
          g_test_message ("%s %u, %u", methods[j], i, k);
          run = ask_for (&fixture, methods[j], rows[i], ends[k], (i + k) % 2);
          assert_lost (run);
        }
}

/* A body that ends with the connection: over TLS only a farewell tells that it is whole. */
static void
test_body_to_close (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };
  const char *const rows[] = {
    HEAD "\r\nhello",
    HEAD "Connection: close\r\n\r\nhello",
    "HTTP/1.0 200 OK\r\n\r\nhello",
    HEAD "Connection: close\r\n\r\n",
    HEAD "\r\n",
  };
  gboolean tls = GPOINTER_TO_UINT (flags) & FAULT_SERVER_TLS;

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      for (gboolean kept = FALSE; kept <= TRUE; kept++)
        {
          const char *body = g_str_has_suffix (rows[i], "hello") ? "hello" : "";
          g_autoptr (Run) whole = NULL;
          g_autoptr (Run) cut = NULL;

          if (is_left_out (flags, i, j))
            continue;
          g_test_message ("%s %u, %d", methods[j], i, kept);
          whole = ask_for (&fixture, methods[j], rows[i], CLOSES, kept);
          assert_response (whole, 200, body);
          cut = ask_for (&fixture, methods[j], rows[i], CUTS, kept);
          if (tls)
            assert_lost (cut);
          else
            assert_response (cut, 200, body);
        }
}

/* What looks odd and is right. */
static void
test_odd (gconstpointer flags)
{
  g_autofree char *extension = g_strnfill (4000, 'x');
  g_autofree char *extended = g_strconcat (CHUNKED "5;", extension, "\r\nhello\r\n0\r\n\r\n", NULL);
  const char *const rows[] = {
    HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    HEAD "Content-Length: 005\r\n\r\nhello",
    HEAD "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    HEAD "Transfer-Encoding: Chunked\r\nContent-Length: -7\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    CHUNKED "5;name=value\r\nhello\r\n0\r\n\r\n",
    CHUNKED "0000000000000002\r\nhe\r\n3 \r\nllo\r\n0\r\n\r\n",
    CHUNKED "1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\n\r\n",
    CHUNKED "5\r\nhello\r\n0\r\nTrailer: t\r\nOther: o\r\n\r\n",
    CHUNKED "5\nhello\n0\n\n",
    extended,
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (methods); j++)
      {
        g_auto (Fixture) fixture = { 0 };
        g_autoptr (Run) run = NULL;
        g_autoptr (Run) next = NULL;
        guint n_connections;

        g_test_message ("%s %u", methods[j], i);
        fixture_init (&fixture, GPOINTER_TO_UINT (flags));
        fault_server_next (fixture.server, NULL, fault_send (rows[i]), NULL);
        run = ask (&fixture, methods[j], "/", FALSE);
        assert_response (run, 200, "hello");

        /* and the connection serves on, trailers or not */
        n_connections = fault_server_get_connections (fixture.server);
        fault_server_next (fixture.server, NULL, fault_answer (200, NULL, "next"), NULL);
        next = ask (&fixture, "GET", "/", TRUE);
        assert_response (next, 200, "next");
        g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, n_connections);
      }
}

/* However the bytes are dealt out, the bodies are the same. */
static void
test_dealt (gconstpointer flags)
{
  const char *const rows[] = {
    CHUNKED "5;a=b\r\nhello\r\n0\r\nTrailer: t\r\n\r\n",
    HEAD "Content-Length: 5\r\nConnection: close\r\n\r\nhello",
    HEAD "\r\nhello",
  };
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (Run) run = NULL;

      fault_server_next (fixture.server, NULL, fault_drip (rows[i], NULL, 0), fault_close (), NULL);
      run = ask (&fixture, "GET", "/", TRUE);
      assert_response (run, 200, "hello");
    }
}

/* Large bodies, in chunks that are smaller and larger than what is read at a time. */
static void
test_large (gconstpointer flags)
{
  const gsize sizes[] = { 1000, 16 * 1024, 300 * 1000 };
  g_autoptr (GByteArray) array = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_auto (Fixture) fixture = { 0 };

  for (guint32 i = 0; array->len < 1000 * 1000; i++)
    g_byte_array_append (array, (const guint8 *) &i, sizeof i);
  bytes = g_bytes_new (array->data, array->len);

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (Run) run = NULL;

      fault_server_next (
        fixture.server, NULL, fault_answer_bytes_chunked (200, NULL, bytes, sizes[i]), NULL);
      run = ask (&fixture, "GET", "/", TRUE);
      g_assert_no_error (run->outcome.error);
      g_assert_true (g_bytes_equal (resilient_response_get_body (run->outcome.response), bytes));
    }
  g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 1);
}

static GBytes *
make_answer (const char *framing, GBytes *body, const char *end)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = soup_date_time_to_string (now, SOUP_DATE_HTTP);
  g_autofree char *head =
    g_strdup_printf (HEAD "Date: %s\r\nCache-Control: max-age=1000\r\n%s\r\n\r\n", date, framing);
  GByteArray *answer = g_byte_array_new ();

  g_byte_array_append (answer, (const guint8 *) head, (guint) strlen (head));
  if (strstr (framing, "chunked") != NULL)
    {
      g_autofree char *size = g_strdup_printf ("%zx\r\n", g_bytes_get_size (body));

      g_byte_array_append (answer, (const guint8 *) size, (guint) strlen (size));
    }
  g_byte_array_append (answer, g_bytes_get_data (body, NULL), (guint) g_bytes_get_size (body));
  g_byte_array_append (answer, (const guint8 *) end, (guint) strlen (end));
  return g_byte_array_free_to_bytes (answer);
}

/* What the session's cache may store is whole: what failed is asked for again, and what comes then
 * is stored. */
static void
test_cache (gconstpointer flags)
{
  g_autofree char *dir = g_build_filename (g_get_user_cache_dir (), "answers", NULL);
  g_autoptr (GBytes) text = g_bytes_new_static ("hello", 5);
  g_autoptr (GBytes) cut_gzip = fault_gzip ("hello hello hello", FAULT_GZIP_CUT);
  g_autoptr (GBytes) bad_gzip = fault_gzip ("hello hello hello", FAULT_GZIP_CORRUPT);
  g_autofree char *cut_length =
    g_strdup_printf ("Content-Encoding: gzip\r\nContent-Length: %zu", g_bytes_get_size (cut_gzip));
  g_autofree char *bad_length =
    g_strdup_printf ("Content-Encoding: gzip\r\nContent-Length: %zu", g_bytes_get_size (bad_gzip));
  const struct
  {
    const char *framing;
    GBytes *body;
    const char *end;
  } rows[] = {
    { "Content-Length: 10", text, "" },
    { "Content-Length: 10\r\nConnection: close", text, "" },
    { "Content-Length: -1", text, "" },
    { "Content-Length: 5\r\nContent-Length: 3", text, "" },
    { "Transfer-Encoding: chunked", text, "" },
    { "Transfer-Encoding: chunked", text, "\r\n" },
    { "Transfer-Encoding: chunked", text, "\r\n0\r\n" },
    { "Transfer-Encoding: chunked", text, "\r\nzz\r\n" },
    { "Transfer-Encoding: chunked", text, "0\r\n\r\n" },
    { cut_length, cut_gzip, "" },
    { "Content-Encoding: gzip\r\nTransfer-Encoding: chunked", cut_gzip, "\r\n0\r\n\r\n" },
    { "Content-Encoding: gzip", cut_gzip, "" },
    { "Content-Encoding: gzip\r\nConnection: close", cut_gzip, "" },
    { bad_length, bad_gzip, "" },
    { "Content-Encoding: gzip\r\nTransfer-Encoding: chunked", bad_gzip, "\r\n0\r\n\r\n" },
  };
  g_autoptr (SoupCache) cache = soup_cache_new (dir, SOUP_CACHE_SINGLE_USER);
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  soup_session_add_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);
      g_autoptr (GBytes) answer = make_answer (rows[i].framing, rows[i].body, rows[i].end);
      g_autoptr (GBytes) good = make_answer ("Content-Length: 5", text, "");
      g_autoptr (Run) bad = NULL;
      g_autoptr (Run) first = NULL;
      g_autoptr (Run) second = NULL;

      g_test_message ("%s", path);
      fault_server_next (fixture.server, path, fault_send_bytes (answer), fault_close (), NULL);
      fault_server_next (fixture.server, path, fault_send_bytes (good), NULL);
      bad = ask (&fixture, "GET", path, TRUE);
      g_assert_nonnull (bad->outcome.error);
      soup_cache_flush (cache);

      first = ask (&fixture, "GET", path, TRUE);
      assert_response (first, 200, "hello");
      g_assert_cmpuint (first->outcome.sends, ==, 1);
      soup_cache_flush (cache);

      second = ask (&fixture, "GET", path, TRUE);
      assert_response (second, 200, "hello");
      g_assert_cmpuint (second->outcome.sends, ==, 0);
      g_assert_cmpuint (fault_server_count (fixture.server, path), ==, 2);
    }
  soup_session_remove_feature (fixture.session, SOUP_SESSION_FEATURE (cache));
}

/* A body of more than an array holds is refused before a byte of it comes, limit or not. */
static void
test_endless (gconstpointer flags)
{
  const guint64 limits[] = { 0, G_MAXUINT64 };
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (Run) run = run_new_for (&fixture, "GET", "/");

      fault_server_next (fixture.server,
                         NULL,
                         fault_head (200, "Content-Length: 4294967296"),
                         fault_silence (),
                         NULL);
      run->params.max_response_size = limits[i];
      run_through (run);
      assert_failure (
        run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
    }
}

/* A header section of any size ends, and its error says why. */
static void
test_header_flood (gconstpointer flags)
{
  g_auto (Fixture) fixture = { 0 };

  fixture_init (&fixture, GPOINTER_TO_UINT (flags));
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (Run) run = NULL;

      fault_server_next (fixture.server, NULL, fault_flood_headers (0), NULL);
      run = ask (&fixture, methods[i], "/", FALSE);
      assert_failure (
        run, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
    }
}

static void
add (const char *name, void (*func) (gconstpointer flags))
{
  g_autofree char *plain = g_strconcat ("/soup-answers/", name, NULL);
  g_autofree char *tls = g_strconcat (plain, "/tls", NULL);

  g_test_add_data_func (plain, GUINT_TO_POINTER (FAULT_SERVER_PLAIN), func);
  g_test_add_data_func (tls, GUINT_TO_POINTER (FAULT_SERVER_TLS), func);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  add ("head-cut", test_head_cut);
  add ("head-cut-line", test_head_cut_line);
  add ("head-alone", test_head_alone);
  add ("none", test_none);
  add ("body-cut", test_body_cut);
  add ("body-to-close", test_body_to_close);
  add ("odd", test_odd);
  add ("dealt", test_dealt);
  add ("large", test_large);
  add ("cache", test_cache);
  add ("endless", test_endless);
  add ("header-flood", test_header_flood);
  return g_test_run ();
}
