/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-response-private.h"

#include <string.h>

#include "resilient-error.h"

static ResilientResponse *
make_response (guint status_code,
               const char *reason_phrase,
               const char *content_type,
               const char *body,
               gssize body_length)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/final", G_URI_FLAGS_NONE, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GBytes) bytes = NULL;

  if (content_type != NULL)
    resilient_headers_append (headers, "Content-Type", content_type);
  resilient_headers_append (headers, "Set-Cookie", "a=1");
  resilient_headers_append (headers, "Set-Cookie", "b=2");

  if (body != NULL)
    bytes = g_bytes_new (body, body_length >= 0 ? (gsize) body_length : strlen (body));

  return resilient_response_new_full (
    status_code, reason_phrase, uri, SOUP_HTTP_1_1, headers, bytes, 0.25, 7.0);
}

/* As an app makes one, for a fallback or a test. */
static void
test_new (void)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://example.com/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GBytes) body = g_bytes_new_static ("hello", 5);
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (ResilientResponse) full = NULL;
  g_autoptr (ResilientResponse) empty = resilient_response_new (204, NULL, uri, NULL, NULL);
  g_autofree char *text = NULL;

  soup_message_headers_append (headers, "Content-Type", "text/plain");
  soup_message_headers_append (headers, "Retry-After", "7");
  soup_message_headers_append (headers, "Retry-After", "9");
  full = resilient_response_new (503, "Busy", uri, headers, body);
  soup_message_headers_append (headers, "Via", "x");
  soup_message_headers_unref (headers);

  g_assert_cmpuint (resilient_response_get_status_code (full), ==, 503);
  g_assert_cmpstr (resilient_response_get_reason_phrase (full), ==, "Busy");
  g_assert_true (resilient_response_get_uri (full) == uri);
  g_assert_cmpstr (resilient_response_get_content_type (full), ==, "text/plain");
  g_assert_null (resilient_response_get_header (full, "Via"));
  g_assert_cmpfloat (resilient_response_get_retry_after (full), ==, 9.0);
  g_assert_cmpfloat (resilient_response_get_elapsed_time (full), ==, 0.0);
  text = resilient_response_get_text (full, NULL);
  g_assert_cmpstr (text, ==, "hello");

  g_assert_cmpstr (resilient_response_get_reason_phrase (empty), ==, "No Content");
  g_assert_false (resilient_response_has_body (empty));
  g_assert_cmpfloat (resilient_response_get_retry_after (empty), ==, -1.0);
}

static void
test_getters (void)
{
  g_autoptr (ResilientResponse) response = make_response (200, "Fine", "text/plain", "hello", -1);
  g_autofree char *uri = g_uri_to_string (resilient_response_get_uri (response));
  SoupMessageHeaders *headers;

  g_assert_cmpuint (resilient_response_get_status_code (response), ==, 200);
  g_assert_cmpstr (resilient_response_get_reason_phrase (response), ==, "Fine");
  g_assert_cmpstr (uri, ==, "http://example.com/final");
  g_assert_cmpint (resilient_response_get_http_version (response), ==, SOUP_HTTP_1_1);
  g_assert_cmpfloat (resilient_response_get_elapsed_time (response), ==, 0.25);
  g_assert_cmpfloat (resilient_response_get_retry_after (response), ==, 7.0);
  g_assert_true (resilient_response_has_body (response));
  g_assert_cmpmem (g_bytes_get_data (resilient_response_get_body (response), NULL), 5, "hello", 5);
  g_assert_cmpuint (resilient_response_get_weight (response), ==, 5);

  g_assert_cmpstr (resilient_response_get_header (response, "SET-COOKIE"), ==, "a=1, b=2");
  g_assert_cmpstr (resilient_response_get_header (response, "Content-type"), ==, "text/plain");
  g_assert_null (resilient_response_get_header (response, "Via"));

  /* A private copy. */
  headers = resilient_response_dup_headers (response);
  g_assert_cmpstr (soup_message_headers_get_list (headers, "Set-Cookie"), ==, "a=1, b=2");
  soup_message_headers_append (headers, "Via", "x");
  g_assert_null (resilient_response_get_header (response, "Via"));
  soup_message_headers_unref (headers);
}

static void
test_reason_phrase (void)
{
  const struct
  {
    guint status;
    const char *given, *expected;
  } rows[] = {
    { 404, "Nope", "Nope" },
    { 404, NULL, "Not Found" }, /* HTTP/2 has none */
    { 503, "", "Service Unavailable" },
    { 404, "Pas trouv\xe9", "Pas trouvé" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientResponse) response =
        make_response (rows[i].status, rows[i].given, NULL, "", -1);

      g_assert_cmpstr (resilient_response_get_reason_phrase (response), ==, rows[i].expected);
    }
}

static void
test_content_type (void)
{
  const struct
  {
    const char *header, *expected;
  } rows[] = {
    { NULL, NULL },
    { "text/html", "text/html" },
    { "text/html; charset=utf-8", "text/html" },
    { " Text/HTML ;charset=utf-8", "text/html" },
    { "application/vnd.api+json", "application/vnd.api+json" },
    { "", NULL },
    { "text", NULL },
    { "text/", NULL },
    { "/html", NULL },
    { "text/html/x", NULL },
    { "te xt/html", NULL },
    { "; charset=utf-8", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientResponse) response = make_response (200, NULL, rows[i].header, "", -1);

      g_assert_cmpstr (resilient_response_get_content_type (response), ==, rows[i].expected);
    }
}

static void
test_text (void)
{
  const struct
  {
    const char *content_type;
    const char *body;
    gssize length;
    const char *expected; /* NULL: not text */
  } rows[] = {
    /* UTF-8 when nothing says otherwise */
    { NULL, "caf\xc3\xa9", -1, "café" },
    { "text/plain", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=utf-8", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=UTF8", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=", "caf\xc3\xa9", -1, "café" },
    { NULL, "", -1, "" },
    { "text/plain; charset=iso-8859-1", "", -1, "" },
    /* the charset */
    { "text/plain; charset=ISO-8859-1", "caf\xe9", -1, "café" },
    { "text/plain; boundary=x; Charset=\"iso-8859-15\"", "\xa4", -1, "€" },
    { "text/plain; charset=windows-1252", "\x93x\x94", -1, "“x”" },
    { "text/plain; charset=us-ascii", "caf\xe9", -1, "café" },
    { "text/plain; charset=utf_8", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=latin-1", "caf\xe9", -1, "café" },
    { "text/plain; charset='x-sjis'", "\x93\xfa\x96\x7b", -1, "日本" },
    { "text/plain; charset=utf-8,charset=utf-8", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=\"utf-8; x\"", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=none", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=utf-16be", "\0a\0b", 4, "ab" },
    { "text/plain; charset=shift_jis", "\x93\xfa\x96\x7b", -1, "日本" },
    /* the mark wins, and goes */
    { NULL,
      "\xef\xbb\xbf"
      "caf\xc3\xa9",
      -1,
      "café" },
    { "text/plain; charset=iso-8859-1",
      "\xef\xbb\xbf"
      "caf\xc3\xa9",
      -1,
      "café" },
    { NULL, "\xfe\xff\0a\0b", 6, "ab" },
    { NULL,
      "\xff\xfe"
      "a\0b\0",
      6,
      "ab" },
    { "text/plain; charset=utf-8",
      "\xff\xfe"
      "a\0b\0",
      6,
      "ab" },
    { NULL, "\xef\xbb\xbf", -1, "" },
    /* not text */
    { NULL, "caf\xe9", -1, NULL },
    { NULL, "\xc3", -1, NULL },
    { NULL, "\xed\xa0\x80", -1, NULL },
    { NULL, "a\0b", 3, NULL },
    { "text/plain; charset=iso-8859-1", "a\0b", 3, NULL },
    { "text/plain; charset=utf-16le", "abc", -1, NULL },
    { "text/plain; charset=klingon", "abc", -1, NULL },
    { "text/plain; charset=ISO-2022-CN-EXT", "abc", -1, NULL },
    { "text/plain; charset=UTF-8//TRANSLIT", "abc", -1, NULL },
    { "text/plain; charset=none", "caf\xe9", -1, NULL },
    { NULL, "\xef\xbb\xbf\xff", -1, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientResponse) response =
        make_response (200, NULL, rows[i].content_type, rows[i].body, rows[i].length);
      g_autoptr (GError) error = NULL;
      g_autofree char *text = resilient_response_get_text (response, &error);

      g_test_message ("row %u: %s", i, error != NULL ? error->message : text);
      g_assert_cmpstr (text, ==, rows[i].expected);
      if (rows[i].expected != NULL)
        g_assert_no_error (error);
      else
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
}

/* A label of any length is shown in a line. */
static void
test_unknown_label (void)
{
  g_autofree char *label = g_strnfill (50 * 1024, 'x');
  g_autofree char *content_type = g_strconcat ("text/plain; charset=", label, NULL);
  g_autoptr (ResilientResponse) response = make_response (200, NULL, content_type, "abc", -1);
  g_autoptr (GError) error = NULL;
  g_autofree char *lenient = NULL;

  g_assert_null (resilient_response_get_text (response, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_nonnull (strstr (error->message, "xxx…"));
  g_assert_cmpuint (strlen (error->message), <, 100);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));

  lenient = resilient_response_dup_text_lenient (response);
  g_assert_cmpstr (lenient, ==, "abc");

  /* It is cut between characters, wherever they begin. */
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *start = g_strnfill (34 + i, 'x');
      g_autofree char *type = g_strconcat ("text/plain; charset=", start, "éééé€€€", NULL);
      g_autoptr (ResilientResponse) other = make_response (200, NULL, type, "abc", -1);

      g_clear_error (&error);
      g_assert_null (resilient_response_get_text (other, &error));
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_nonnull (strstr (error->message, "…"));
    }
}

static void
test_text_lenient (void)
{
  const struct
  {
    const char *content_type;
    const char *body;
    gssize length;
    const char *expected;
  } rows[] = {
    { NULL, "caf\xc3\xa9", -1, "café" },
    { NULL, "", -1, "" },
    /* no label, no UTF-8 */
    { NULL, "caf\xe9 \x80", -1, "café €" },
    { "text/plain; charset=klingon", "caf\xc3\xa9", -1, "café" },
    { "text/plain; charset=klingon", "caf\xe9", -1, "café" },
    { NULL,
      "a\0b",
      3,
      "a\xef\xbf\xbd"
      "b" },
    { NULL, "\xc3\xa9\0", 3, "é\xef\xbf\xbd" },
    { NULL, "\xe9\0", 2, "é\xef\xbf\xbd" },
    { NULL, "\0\0", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
    /* what is known is stuck to */
    { "text/plain; charset=utf-8", "caf\xe9 \xc3\xa9", -1, "caf\xef\xbf\xbd é" },
    { "text/plain; charset=latin-1", "caf\xc3\xa9", -1, "cafÃ©" },
    { "text/plain; charset=shift_jis", "\x93\xfa\x96", -1, "日\xef\xbf\xbd" },
    /* the mark wins, and goes */
    { "text/plain; charset=latin-1",
      "\xef\xbb\xbf"
      "caf\xc3\xa9",
      -1,
      "café" },
    { NULL,
      "\xff\xfe"
      "a\0b",
      5,
      "a\xef\xbf\xbd" },
    { NULL, "\xef\xbb\xbf\xff", -1, "\xef\xbf\xbd" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ResilientResponse) response =
        make_response (200, NULL, rows[i].content_type, rows[i].body, rows[i].length);
      g_autoptr (ResilientResponse) without_body = resilient_response_without_body (response);
      g_autofree char *text = resilient_response_dup_text_lenient (response);
      g_autofree char *nothing = resilient_response_dup_text_lenient (without_body);

      g_test_message ("row %u", i);
      g_assert_cmpstr (text, ==, rows[i].expected);
      g_assert_cmpstr (nothing, ==, "");
    }
}

/* UTF-8, whatever it is labelled as (RFC 8259, 8.1). */
static void
test_json_labels (void)
{
  const char *labels[] = { "ISO-8859-1", "utf8mb4", "us-ascii", "klingon", "utf-16", "none" };

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autofree char *content_type = g_strconcat ("application/json; charset=", labels[i], NULL);
      g_autoptr (ResilientResponse) response =
        make_response (200, NULL, content_type, "\"caf\xc3\xa9\"", -1);
      g_autoptr (ResilientResponse) latin =
        make_response (200, NULL, content_type, "\"caf\xe9\"", -1);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = resilient_response_get_json (response, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (json_node_get_string (node), ==, "café");
      g_assert_null (resilient_response_get_json (latin, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    }
}

static void
test_json (void)
{
  g_autoptr (ResilientResponse) response =
    make_response (200, NULL, "application/json", "\xef\xbb\xbf{\"a\": [1, \"[{/'\\\"\"]}", -1);
  g_autoptr (ResilientResponse) wide =
    make_response (200, NULL, "application/json", "\xff\xfe[\0]\0", 6);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = resilient_response_get_json (response, &error);
  g_autoptr (JsonNode) again = NULL;
  g_autoptr (JsonNode) marked = NULL;
  JsonArray *array;

  g_assert_no_error (error);
  array = json_object_get_array_member (json_node_get_object (root), "a");
  g_assert_cmpint (json_array_get_int_element (array, 0), ==, 1);
  g_assert_cmpstr (json_array_get_string_element (array, 1), ==, "[{/'\"");

  /* A tree of its own each time. */
  again = resilient_response_get_json (response, &error);
  g_assert_no_error (error);
  g_assert_true (again != root);
  g_assert_true (json_node_equal (again, root));

  marked = resilient_response_get_json (wide, &error);
  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_ARRAY (marked));
}

static void
test_json_refused (void)
{
  const char *bodies[] = { "",    "   ",        "{",         "[1, 2",  "{\"a\" 1}", "nonsense",
                           "'a'", "[1] // one", "/* x */ 1", "<html>", "]" };
  g_autoptr (ResilientResponse) binary =
    make_response (200, NULL, "application/json", "\"\xff\"", -1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (ResilientResponse) response =
        make_response (200, NULL, "application/json", bodies[i], -1);
      g_autoptr (GError) parse_error = NULL;

      g_assert_null (resilient_response_get_json (response, &parse_error));
      g_assert_nonnull (parse_error);
      g_test_message ("%s: %s", bodies[i], parse_error->message);
      g_assert_true (parse_error->domain == JSON_PARSER_ERROR);
    }

  g_assert_null (resilient_response_get_json (binary, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static char *
nest (guint depth, const char *prefix)
{
  g_autofree char *open = g_strnfill (depth, '[');
  g_autofree char *close = g_strnfill (depth, ']');

  return g_strconcat (prefix, open, close, NULL);
}

/* A body of brackets must not overflow the stack. */
static void
test_json_depth (void)
{
  const struct
  {
    guint depth;
    const char *prefix;
    gboolean fine;
  } rows[] = {
    { 1, "", TRUE },
    { 512, "", TRUE },
    { 513, "", FALSE },
    { 1000 * 1000, "", FALSE },
    /* nothing hides them */
    { 1000 * 1000, "/*\"*/", FALSE },
    { 1000 * 1000, "'\"'", FALSE },
    { 1000 * 1000, "//\"\n", FALSE },
    { 1000 * 1000, "\"\\\\\"", FALSE },
    { 1000 * 1000, "\"\\\"\"", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *body = nest (rows[i].depth, rows[i].prefix);
      g_autoptr (ResilientResponse) response = make_response (200, NULL, NULL, body, -1);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) root = resilient_response_get_json (response, &error);

      if (rows[i].fine)
        {
          g_assert_no_error (error);
          g_assert_nonnull (root);
        }
      else
        {
          g_assert_null (root);
          g_assert_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE);
        }
    }
}

static void
test_without_body (void)
{
  g_autoptr (ResilientResponse) whole =
    make_response (200, "Fine", "text/plain; charset=utf-8", "hello", -1);
  g_autoptr (ResilientResponse) response = resilient_response_without_body (whole);
  g_autoptr (ResilientResponse) again = resilient_response_without_body (response);
  g_autoptr (GError) error = NULL;

  /* It itself when it has none. */
  g_assert_true (again == response);

  g_assert_false (resilient_response_has_body (response));
  g_assert_null (resilient_response_get_body (response));
  g_assert_cmpuint (resilient_response_get_weight (response), ==, 0);
  g_assert_true (resilient_response_has_body (whole));

  /* All the rest stays. */
  g_assert_cmpuint (resilient_response_get_status_code (response), ==, 200);
  g_assert_cmpstr (resilient_response_get_reason_phrase (response), ==, "Fine");
  g_assert_true (resilient_response_get_uri (response) == resilient_response_get_uri (whole));
  g_assert_true (resilient_response_peek_headers (response)
                 == resilient_response_peek_headers (whole));
  g_assert_cmpstr (resilient_response_get_content_type (response), ==, "text/plain");
  g_assert_cmpfloat (resilient_response_get_elapsed_time (response), ==, 0.25);
  g_assert_cmpfloat (resilient_response_get_retry_after (response), ==, 7.0);

  g_assert_null (resilient_response_get_text (response, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (resilient_response_get_json (response, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* An empty body is a body. */
static void
test_empty_body (void)
{
  g_autoptr (ResilientResponse) response = make_response (204, NULL, NULL, "", -1);

  g_assert_true (resilient_response_has_body (response));
  g_assert_nonnull (resilient_response_get_body (response));
  g_assert_cmpuint (resilient_response_get_weight (response), ==, 0);
}

static void
test_check_status (void)
{
  for (guint status = 100; status < 1000; status++)
    {
      g_autoptr (ResilientResponse) response =
        make_response (status, "Strange words", NULL, "", -1);
      g_autoptr (GError) error = NULL;
      gboolean fine = resilient_response_check_status (response, &error);

      g_assert_cmpint (fine, ==, status < 400 || status > 599);
      if (fine)
        {
          g_assert_no_error (error);
        }
      else
        {
          g_autofree char *code = g_strdup_printf ("%u", status);

          g_assert_error (error, RESILIENT_HTTP_ERROR, (int) status);
          g_assert_nonnull (strstr (error->message, code));
          g_assert_nonnull (strstr (error->message, "Strange words"));
        }
      g_assert_cmpint (resilient_response_check_status (response, NULL), ==, fine);
    }
}

static void
test_copy (void)
{
  ResilientResponse *response = make_response (200, NULL, NULL, "x", -1);
  ResilientResponse *copy = resilient_response_copy (response);
  ResilientResponse *boxed = g_boxed_copy (RESILIENT_TYPE_RESPONSE, response);

  g_assert_true (copy == response);
  g_assert_true (boxed == response);
  resilient_response_unref (response);
  g_boxed_free (RESILIENT_TYPE_RESPONSE, boxed);
  g_assert_true (resilient_response_has_body (copy));
  resilient_response_unref (copy);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/response/new", test_new);
  g_test_add_func ("/response/getters", test_getters);
  g_test_add_func ("/response/reason-phrase", test_reason_phrase);
  g_test_add_func ("/response/content-type", test_content_type);
  g_test_add_func ("/response/text", test_text);
  g_test_add_func ("/response/text/unknown-label", test_unknown_label);
  g_test_add_func ("/response/text/lenient", test_text_lenient);
  g_test_add_func ("/response/json", test_json);
  g_test_add_func ("/response/json/labels", test_json_labels);
  g_test_add_func ("/response/json/refused", test_json_refused);
  g_test_add_func ("/response/json/depth", test_json_depth);
  g_test_add_func ("/response/without-body", test_without_body);
  g_test_add_func ("/response/empty-body", test_empty_body);
  g_test_add_func ("/response/check-status", test_check_status);
  g_test_add_func ("/response/copy", test_copy);

  return g_test_run ();
}
