/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-headers-private.h"

#include <string.h>

#include "resilient-error.h"

static void
assert_fields (ResilientHeaders *headers, const char *const *expected)
{
  guint n = 0;

  for (; expected[2 * n] != NULL; n++)
    {
      const char *name, *value;

      g_assert_cmpuint (n, <, resilient_headers_get_length (headers));
      resilient_headers_get_nth (headers, n, &name, &value);
      g_assert_cmpstr (name, ==, expected[2 * n]);
      g_assert_cmpstr (value, ==, expected[2 * n + 1]);
    }
  g_assert_cmpuint (resilient_headers_get_length (headers), ==, n);
}

#define assert_headers(headers, ...)                                                               \
  assert_fields (headers, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_append (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();

  g_assert_cmpuint (resilient_headers_get_length (headers), ==, 0);
  g_assert_null (resilient_headers_get_one (headers, "A"));

  resilient_headers_append (headers, "Accept", "a");
  resilient_headers_append (headers, "X", "");
  resilient_headers_append (headers, "accept", "b");

  /* Order and case stay, duplicates too. */
  assert_headers (headers, "Accept", "a", "X", "", "accept", "b");
  g_assert_cmpstr (resilient_headers_get_one (headers, "ACCEPT"), ==, "a");
  g_assert_cmpstr (resilient_headers_get_one (headers, "x"), ==, "");
  g_assert_null (resilient_headers_get_one (headers, "Accep"));
}

/* Name, value and 32 bytes a field, however they came there. */
static void
test_size (void)
{
  g_autoptr (SoupMessageHeaders) soup = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (ResilientHeaders) none = resilient_headers_new ();
  g_autoptr (ResilientHeaders) headers = NULL;
  g_autoptr (ResilientHeaders) latin = NULL;

  g_assert_cmpuint (resilient_headers_get_size (none), ==, 0);
  soup_message_headers_append (soup, "Ab", "cde");
  soup_message_headers_append (soup, "X", "");
  headers = resilient_headers_new_from_soup (soup);
  g_assert_cmpuint (resilient_headers_get_size (headers), ==, 5 + 32 + 1 + 32);
  resilient_headers_append (headers, "Y", "z");
  g_assert_cmpuint (resilient_headers_get_size (headers), ==, 5 + 32 + 1 + 32 + 2 + 32);
  resilient_headers_replace (headers, "Ab", NULL);
  g_assert_cmpuint (resilient_headers_get_size (headers), ==, 1 + 32 + 2 + 32);

  /* as UTF-8, which is what is kept */
  soup_message_headers_replace (soup, "X", "\xe4");
  latin = resilient_headers_new_from_soup (soup);
  g_assert_cmpuint (resilient_headers_get_size (latin), ==, 5 + 32 + 3 + 32);
}

static void
test_replace (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  const char *name, *value;

  resilient_headers_append (headers, "A", "1");
  resilient_headers_append (headers, "B", "2");
  resilient_headers_append (headers, "a", "3");

  resilient_headers_replace (headers, "A", "4");
  assert_headers (headers, "B", "2", "A", "4");

  resilient_headers_replace (headers, "C", "5");
  assert_headers (headers, "B", "2", "A", "4", "C", "5");

  resilient_headers_replace (headers, "b", NULL);
  assert_headers (headers, "A", "4", "C", "5");

  resilient_headers_replace (headers, "absent", NULL);
  assert_headers (headers, "A", "4", "C", "5");

  /* With strings of its own. */
  resilient_headers_get_nth (headers, 0, &name, &value);
  resilient_headers_replace (headers, name, value);
  assert_headers (headers, "C", "5", "A", "4");
  resilient_headers_get_nth (headers, 0, &name, NULL);
  resilient_headers_replace (headers, name, NULL);
  assert_headers (headers, "A", "4");
}

static void
test_list (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  const char *list;

  resilient_headers_append (headers, "Vary", "Accept");
  g_assert_null (resilient_headers_get_list (headers, "Via"));
  g_assert_cmpstr (resilient_headers_get_list (headers, "vary"), ==, "Accept");

  resilient_headers_append (headers, "Other", "x");
  resilient_headers_append (headers, "VARY", "Origin");
  list = resilient_headers_get_list (headers, "Vary");
  g_assert_cmpstr (list, ==, "Accept, Origin");

  /* Computed once and kept, for every spelling. */
  g_assert_true (resilient_headers_get_list (headers, "vary") == list);

  /* Not what was true before a change. */
  resilient_headers_append (headers, "vary", "");
  g_assert_cmpstr (resilient_headers_get_list (headers, "Vary"), ==, "Accept, Origin, ");
  resilient_headers_replace (headers, "Vary", "None");
  g_assert_cmpstr (resilient_headers_get_list (headers, "Vary"), ==, "None");
}

static gpointer
read_thread (gpointer data)
{
  ResilientHeaders *headers = data;

  for (guint i = 0; i < 1000; i++)
    {
      g_assert_cmpstr (resilient_headers_get_list (headers, "A"), ==, "1, 2");
      g_assert_cmpstr (resilient_headers_get_list (headers, "B"), ==, "3, 4");
      g_assert_cmpstr (resilient_headers_get_list (headers, "C"), ==, "5");
      g_assert_null (resilient_headers_get_list (headers, "D"));
    }

  resilient_headers_unref (headers);
  return NULL;
}

/* Shared ones are read in any thread. */
static void
test_threads (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  GThread *threads[8];

  resilient_headers_append (headers, "A", "1");
  resilient_headers_append (headers, "A", "2");
  resilient_headers_append (headers, "B", "3");
  resilient_headers_append (headers, "B", "4");
  resilient_headers_append (headers, "C", "5");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", read_thread, resilient_headers_ref (headers));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_secret (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (ResilientHeaders) copy = NULL;
  const char *by_nature[] = { "Authorization", "Proxy-Authorization", "Cookie",
                              "Set-Cookie",    "AUTHORIZATION",       "cookie" };

  for (guint i = 0; i < G_N_ELEMENTS (by_nature); i++)
    g_assert_true (resilient_headers_is_secret (headers, by_nature[i]));

  g_assert_false (resilient_headers_is_secret (headers, "X-Api-Key"));
  g_assert_false (resilient_headers_is_secret (headers, "Cookies"));

  /* A mark counts for fields to come, stays when they are replaced or go, and survives copies. */
  resilient_headers_mark_secret (headers, "X-Api-Key");
  resilient_headers_mark_secret (headers, "x-api-key");
  g_assert_true (resilient_headers_is_secret (headers, "X-API-KEY"));
  resilient_headers_append (headers, "X-Api-Key", "s");
  resilient_headers_replace (headers, "X-Api-Key", "t");
  resilient_headers_replace (headers, "X-Api-Key", NULL);
  g_assert_true (resilient_headers_is_secret (headers, "X-Api-Key"));

  copy = resilient_headers_copy (headers);
  g_assert_true (resilient_headers_is_secret (copy, "X-Api-Key"));
  resilient_headers_mark_secret (copy, "Other");
  g_assert_false (resilient_headers_is_secret (headers, "Other"));
}

static void
test_copy (void)
{
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (ResilientHeaders) copy = NULL;

  resilient_headers_append (headers, "A", "1");
  resilient_headers_append (headers, "A", "2");
  copy = resilient_headers_copy (headers);
  assert_headers (copy, "A", "1", "A", "2");

  resilient_headers_append (headers, "B", "3");
  resilient_headers_replace (copy, "A", NULL);
  assert_headers (headers, "A", "1", "A", "2", "B", "3");
  g_assert_cmpuint (resilient_headers_get_length (copy), ==, 0);
}

static void
test_soup (void)
{
  SoupMessageHeaders *soup = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  SoupMessageHeaders *back = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (ResilientHeaders) headers = NULL;

  soup_message_headers_append (soup, "Set-Cookie", "a=1");
  soup_message_headers_append (soup, "Content-Type", "text/plain");
  soup_message_headers_append (soup, "Set-Cookie", "b=2");
  soup_message_headers_append (soup, "X-Name", "caf\xe9");
  soup_message_headers_append (soup, "X-Utf8", "caf\xc3\xa9");

  headers = resilient_headers_new_from_soup (soup);
  g_assert_cmpuint (resilient_headers_get_length (headers), ==, 5);
  g_assert_cmpstr (resilient_headers_get_list (headers, "set-cookie"), ==, "a=1, b=2");
  g_assert_cmpstr (resilient_headers_get_one (headers, "Content-Type"), ==, "text/plain");

  /* Always UTF-8. */
  g_assert_cmpstr (resilient_headers_get_one (headers, "X-Name"), ==, "café");
  g_assert_cmpstr (resilient_headers_get_one (headers, "X-Utf8"), ==, "café");

  resilient_headers_append_to_soup (headers, back);
  g_assert_cmpstr (soup_message_headers_get_list (back, "Set-Cookie"), ==, "a=1, b=2");
  g_assert_cmpstr (soup_message_headers_get_one (back, "Content-Type"), ==, "text/plain");

  soup_message_headers_unref (soup);
  soup_message_headers_unref (back);
}

static void
test_name_is_valid (void)
{
  /* tchar, RFC 9110, 5.6.2 */
  const char *tokens = "!#$%&'*+-.^_`|~0123456789"
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  g_assert_false (resilient_headers_name_is_valid (NULL));
  g_assert_false (resilient_headers_name_is_valid (""));
  g_assert_true (resilient_headers_name_is_valid ("Content-Type"));

  for (guint c = 1; c < 256; c++)
    {
      const char name[] = { 'a', (char) c, 'b', '\0' };

      g_assert_cmpint (
        resilient_headers_name_is_valid (name), ==, strchr (tokens, (int) c) != NULL);
    }
}

static void
test_value_is_valid (void)
{
  g_assert_false (resilient_headers_value_is_valid (NULL));
  g_assert_true (resilient_headers_value_is_valid (""));

  for (guint c = 1; c < 256; c++)
    {
      const char value[] = { 'a', (char) c, 'b', '\0' };

      g_assert_cmpint (resilient_headers_value_is_valid (value), ==, c != '\r' && c != '\n');
    }
}

/* The error names the header, never what it was to be, and a bad name not at all. */
static void
test_check_field (void)
{
  const struct
  {
    const char *name;
    const char *value;
    const char *named; /* by the error; NULL: it is good */
  } rows[] = {
    { "X-A", "1", NULL },
    { "X-A", "", NULL },
    { "X-A", NULL, NULL },
    { "x-é", "1", "name of a header" },
    { "X-Hunter2: hunter2", NULL, "name of a header" },
    { "", "1", "name of a header" },
    { "X-A", "hunter2\r\nX-Evil: 1", "“X-A”" },
    { "X-A", "\nhunter2", "“X-A”" },
    { "Content-Length", "5", "“Content-Length”" },
    { "transfer-encoding", "chunked", "“transfer-encoding”" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (resilient_headers_check_field (rows[i].name, rows[i].value, &error),
                       ==,
                       rows[i].named == NULL);
      if (rows[i].named == NULL)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_nonnull (strstr (error->message, rows[i].named));
      g_assert_null (strstr (error->message, "hunter2"));
      g_assert_null (strchr (error->message, '\n'));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/headers/append", test_append);
  g_test_add_func ("/headers/replace", test_replace);
  g_test_add_func ("/headers/list", test_list);
  g_test_add_func ("/headers/threads", test_threads);
  g_test_add_func ("/headers/secret", test_secret);
  g_test_add_func ("/headers/copy", test_copy);
  g_test_add_func ("/headers/soup", test_soup);
  g_test_add_func ("/headers/size", test_size);
  g_test_add_func ("/headers/name-is-valid", test_name_is_valid);
  g_test_add_func ("/headers/value-is-valid", test_value_is_valid);
  g_test_add_func ("/headers/check-field", test_check_field);

  return g_test_run ();
}
