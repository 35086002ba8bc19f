/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-json-private.h"

static JsonNode *
parse (const char *text, GError **error)
{
  return resilient_json_parse (text, strlen (text), error);
}

/* Each with how json-glib writes it. */
static void
test_accepted (void)
{
  const struct
  {
    const char *text;
    const char *expected;
  } rows[] = {
    /* values, alone too (RFC 8259, 2) */
    { "null", "null" },
    { "true", "true" },
    { "false", "false" },
    { "\"\"", "\"\"" },
    { " \t\r\n[ ] \n", "[]" },
    { "{ }", "{}" },
    { "[1,2 , 3]", "[1,2,3]" },
    { "{\"a\":{\"b\":[{},[],null]}}", "{\"a\":{\"b\":[{},[],null]}}" },
    { "{\"\":0}", "{\"\":0}" },
    { "{\"a\":1,\"a\":2}", "{\"a\":2}" },
    /* numbers (6) */
    { "0", "0" },
    { "-0", "0" },
    { "-12", "-12" },
    { "9223372036854775807", "9223372036854775807" },
    { "-9223372036854775808", "-9223372036854775808" },
    { "0.5", "0.5" },
    { "-0.25e+2", "-25.0" },
    { "1E2", "100.0" },
    { "1e-400", "0.0" },
    /* strings (7) */
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
    { "\"\\u00e9\\u20AC\"", "\"é€\"" },
    { "\"\\ud83d\\uDE00\"", "\"😀\"" },
    { "\"/* ' // [{\"", "\"/* ' // [{\"" },
    { "\"\x7f\"", "\"\\u007f\"" },
    { "\"\xe2\x80\xa8\"", "\"\xe2\x80\xa8\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = parse (rows[i].text, &error);
      g_autofree char *written = NULL;

      g_test_message ("%s", rows[i].text);
      g_assert_no_error (error);
      written = json_to_string (node, FALSE);
      g_assert_cmpstr (written, ==, rows[i].expected);
    }
}

static void
test_large_integers (void)
{
  const struct
  {
    const char *text;
    double expected;
  } rows[] = {
    { "9223372036854775808", 9223372036854775808.0 },
    { "-9223372036854775809", -9223372036854775808.0 },
    { "18446744073709551615", 18446744073709551616.0 },
    { "123456789012345678901234567890", 123456789012345678901234567890.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *array =
        g_strdup_printf ("[1, %s ,{\"%s\":%s}]", rows[i].text, rows[i].text, rows[i].text);
      g_autoptr (JsonNode) alone = parse (rows[i].text, &error);
      g_autoptr (JsonNode) among = parse (array, &error);
      JsonObject *object;

      g_assert_no_error (error);
      g_assert_cmpfloat (json_node_get_double (alone), ==, rows[i].expected);
      g_assert_cmpint (json_array_get_int_element (json_node_get_array (among), 0), ==, 1);
      g_assert_cmpfloat (
        json_array_get_double_element (json_node_get_array (among), 1), ==, rows[i].expected);
      object = json_array_get_object_element (json_node_get_array (among), 2);
      g_assert_cmpfloat (
        json_object_get_double_member (object, rows[i].text), ==, rows[i].expected);
    }
}

static void
test_refused (void)
{
  const struct
  {
    const char *text;
    const char *where;
  } rows[] = {
    { "", "line 1, column 1:" },
    { " \n\t", "line 2, column 2:" },
    { "[1,\n 2,\n\"é\" 3]", "line 3, column 5:" },
    /* structure */
    { "[", "column 2:" },
    { "]", "column 1:" },
    { "[1,]", "column 4:" },
    { "[,1]", "column 2:" },
    { "[1 2]", "column 4:" },
    { "[1}", "column 3:" },
    { "{]", "column 2:" },
    { "{1:2}", "column 2:" },
    { "{\"a\"}", "column 5:" },
    { "{\"a\" 1}", "column 6:" },
    { "{\"a\":}", "column 6:" },
    { "{\"a\":1,}", "column 8:" },
    { "{a:1}", "column 2:" },
    { "1 2", "column 3:" },
    { "[] []", "column 4:" },
    { "nul", "column 4:" },
    { "nulll", "column 5:" },
    { "True", "column 1:" },
    { "NaN", "column 1:" },
    { "undefined", "column 1:" },
    /* what json-glib takes, and JSON has not */
    { "'a'", "column 1:" },
    { "[1] // one", "column 5:" },
    { "/* x */ 1", "column 1:" },
    { "# x\n1", "column 1:" },
    { "var a = 1", "column 1:" },
    { "[0x10]", "column 3:" },
    { "[010]", "column 3:" },
    /* numbers */
    { "01", "column 2:" },
    { "-", "column 2:" },
    { "+1", "column 1:" },
    { ".5", "column 1:" },
    { "5.", "column 3:" },
    { "1e", "column 3:" },
    { "1e+", "column 4:" },
    { "1.e1", "column 3:" },
    { "- 1", "column 2:" },
    { "[-Infinity]", "column 3:" },
    { "[1e400]", "column 2:" },
    { "[1, -1e9999999999]", "column 5:" },
    /* strings */
    { "\"", "column 2:" },
    { "\"a", "column 3:" },
    { "\"a\tb\"", "column 3:" },
    { "\"a\nb\"", "column 3:" },
    { "\"\\\"", "column 4:" },
    { "\"\\", "column 3:" },
    { "\"\\x\"", "column 3:" },
    { "\"\\'\"", "column 3:" },
    { "\"\\u\"", "column 4:" },
    { "\"\\u1\"", "column 5:" },
    { "[\"\\u1\"", "column 6:" },
    { "\"\\u12g4\"", "column 6:" },
    { "\"\\U0041\"", "column 3:" },
    /* what no string of C, or no text at all, can hold */
    { "\"a\\u0000b\"", "column 3:" },
    { "{\"\\u0000\":1}", "column 3:" },
    { "[\"\\ud800\"", "column 3:" },
    { "\"\\ud800\\u0041\"", "column 2:" },
    { "\"\\ud800\\ud800\"", "column 2:" },
    { "\"\\udc00\"", "column 2:" },
    { "\"\\ud83d\\n\"", "column 2:" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", rows[i].text);
      g_assert_null (parse (rows[i].text, &error));
      g_assert_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE);
      if (strstr (error->message, rows[i].where) == NULL)
        g_error ("%s: %s, not %s", rows[i].text, error->message, rows[i].where);
    }
}

/* @n times @open, what is in the midst, and as many times @close. */
static char *
nest (const char *before, guint n, const char *open, const char *inner, const char *close)
{
  GString *text = g_string_new (before);

  for (guint i = 0; i < n; i++)
    g_string_append (text, open);
  g_string_append (text, inner);
  for (guint i = 0; i < n; i++)
    g_string_append (text, close);
  return g_string_free (text, FALSE);
}

/* Text of brackets overflows no stack, whatever stands before it. */
static void
test_depth (void)
{
  const struct
  {
    const char *before;
    guint n;
    const char *open;
    const char *close;
    gboolean accepted;
  } rows[] = {
    { "", RESILIENT_JSON_MAX_DEPTH, "[", "]", TRUE },
    { "", RESILIENT_JSON_MAX_DEPTH, "{\"a\":", "}", TRUE },
    { "", RESILIENT_JSON_MAX_DEPTH + 1, "[", "]", FALSE },
    { "", RESILIENT_JSON_MAX_DEPTH + 1, "{\"a\":", "}", FALSE },
    { "", 1000 * 1000, "[", "]", FALSE },
    { "[\"\\ud800\"", 80 * 1000, "[", "]", FALSE },
    { "[\"\\u1\"", 80 * 1000, "[", "]", FALSE },
    { "[\"\\u1\",", 80 * 1000, "[", "]", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = nest (rows[i].before, rows[i].n, rows[i].open, "1", rows[i].close);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = parse (text, &error);

      g_test_message ("row %u", i);
      g_assert_cmpint (node != NULL, ==, rows[i].accepted);
      if (node == NULL)
        g_assert_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE);
    }
}

/* What is written any parser takes, also where json-glib writes something else. */
static void
test_written (void)
{
  const struct
  {
    const char *text;
    const char *written;
  } rows[] = {
    { "{\"a\":[1,\"b\",null,true,-1.5]}", "{\"a\":[1,\"b\",null,true,-1.5]}" },
    { "\"\\u001e\\u001f\\u0020\\\"\\u001f\"", "\"\\u001e\\u001f \\\"\\u001f\"" },
    { "{\"\\u001f\":1e40}", "{\"\\u001f\":1e+40}" },
    { "[1e40,-2.5E+20,3.0517578125E-5,\"1e+40.0\"]",
      "[1e+40,-2.5e+20,3.0517578125e-05,\"1e+40.0\"]" },
    { "100000000000000000000", "1e+20" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = parse (rows[i].text, &error);
      g_autofree char *written = NULL;

      g_assert_no_error (error);
      written = resilient_json_write (node, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (written, ==, rows[i].written);
    }
}

static JsonNode *
nest_arrays (guint n)
{
  JsonNode *node = json_node_init_int (json_node_alloc (), 1);

  for (guint i = 0; i < n; i++)
    {
      JsonArray *array = json_array_new ();

      json_array_add_element (array, node);
      node = json_node_init_array (json_node_alloc (), array);
      json_array_unref (array);
    }
  return node;
}

/* What JSON can't say is an error that tells what it was. */
static void
test_not_written (void)
{
  const struct
  {
    JsonNode *node; /* taken */
    const char *reason;
  } rows[] = {
    { json_node_init_double (json_node_alloc (), (double) INFINITY), "not finite" },
    { json_node_init_double (json_node_alloc (), -(double) INFINITY), "not finite" },
    { json_node_init_double (json_node_alloc (), (double) NAN), "not finite" },
    { json_node_init_string (json_node_alloc (), "caf\xe9"), "UTF-8" },
    { nest_arrays (RESILIENT_JSON_MAX_DEPTH + 1), "deeper" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (JsonNode) node = rows[i].node;
      g_autoptr (GError) error = NULL;

      g_assert_null (resilient_json_write (node, &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_nonnull (strstr (error->message, rows[i].reason));
    }
}

/* Words that look like such a number stay what they are inside a text. */
static void
test_written_words (void)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), "nan inf -inf");
  g_autoptr (GError) error = NULL;
  g_autofree char *written = resilient_json_write (node, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (written, ==, "\"nan inf -inf\"");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/json/accepted", test_accepted);
  g_test_add_func ("/json/large-integers", test_large_integers);
  g_test_add_func ("/json/refused", test_refused);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/written", test_written);
  g_test_add_func ("/json/not-written", test_not_written);
  g_test_add_func ("/json/written-words", test_written_words);
  return g_test_run ();
}
