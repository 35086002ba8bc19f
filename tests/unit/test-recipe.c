/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-error.h"
#include "resilient-recipe-private.h"

static void
test_valid (void)
{
  const struct
  {
    const char *method;
    const char *uri;
    const char *expected;
  } cases[] = {
    { "GET", "http://example.org", "http://example.org/" },
    { "get", "HTTP://EXAMPLE.org/a?b=c#d", "http://EXAMPLE.org/a?b=c#d" },
    { "PROPFIND", "https://example.org:8443/", "https://example.org:8443/" },
    { "M-SEARCH", "https://[::1]/x", "https://[::1]/x" },
    { "GET", "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/" },
    { "GET", "http://ex%61mple.org/", "http://example.org/" },
    { "GET", "http://example.org/a b", "http://example.org/a%20b" },
    { "GET", "http://example.org/a%20b?c=%26", "http://example.org/a%20b?c=%26" },
    { "GET", "http://example.org/\xc3\xa9?\xc3\xa9", "http://example.org/%C3%A9?%C3%A9" },
    { "GET",
      "http://b\xc3\xbc"
      "cher.example/",
      "http://xn--bcher-kva.example/" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRecipe) recipe =
        resilient_recipe_new (cases[i].method, cases[i].uri, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = g_uri_to_string (recipe->uri);
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpstr (recipe->method, ==, cases[i].method);
      g_assert_null (recipe->overrides);
      g_assert_false (resilient_recipe_has_idempotency_key (recipe));
    }
}

static void
test_forget_uri (void)
{
  g_autoptr (ResilientRecipe) recipe =
    resilient_recipe_new ("GET", "HTTPS://u:p%40@ex%61mple.org:8443/a b?c=%2F#d", NULL);
  g_autoptr (GUri) uri = g_uri_ref (resilient_recipe_ensure_uri (recipe));
  g_autofree char *before = g_uri_to_string (uri);
  g_autofree char *after = NULL;

  g_assert_true (recipe->uri == uri);
  resilient_recipe_forget_uri (recipe);
  g_assert_null (recipe->uri);
  resilient_recipe_forget_uri (recipe);
  after = g_uri_to_string (resilient_recipe_ensure_uri (recipe));
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpstr (after, ==, "https://u:p%40@example.org:8443/a%20b?c=%2F#d");
}

static void
test_invalid (void)
{
  const struct
  {
    const char *method;
    const char *uri;
  } cases[] = {
    { "", "http://example.org/" },
    { "GE T", "http://example.org/" },
    { "GET\r\nX: y", "http://example.org/" },
    { "CONNECT", "http://example.org/" },
    { "GET", "" },
    { "GET", "/relative" },
    { "GET", "example.org" },
    { "GET", "ftp://user:hunter2@example.org/" },
    { "GET", "file:///etc/hunter2" },
    { "GET", "http://" },
    { "GET", "http:///hunter2" },
    { "GET", "http://example.org:hunter2/" },
    { "GET", "http://example.org/\r\nX: hunter2" },
    { "GET", "http://example.org/\nhunter2" },
    /* what a host can't have, encoded or not */
    { "GET", "http://example.org%0d%0aX-Header:1/" },
    { "GET", "http://example.org%0a/" },
    { "GET", "http://exam ple.org/" },
    { "GET", "http://example.org%2Fpath/" },
    { "GET", "http://hunter2%40example.org/" },
    { "GET", "http://example.org%3A80/" },
    { "GET", "http://example%2541.org/" },
    { "GET", "http://example.org%7f/" },
    { "GET", "http://[::1%25eth0%0a]/" },
    /* the user is no scheme */
    { "GET", "hunter2:password@example.org" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRecipe) recipe =
        resilient_recipe_new (cases[i].method, cases[i].uri, &error);

      g_assert_null (recipe);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_null (strstr (error->message, "hunter2"));
      g_assert_null (strchr (error->message, '\n'));
    }
}

static void
test_redact (void)
{
  const struct
  {
    const char *uri;
    const char *expected;
  } cases[] = {
    { "http://example.org/a/b", "http://example.org/a/b" },
    { "https://user:pw@example.org:8443/a?token=s3cret&x=1#frag",
      "https://***@example.org:8443/a?token=***&x=***" },
    { "https://example.org/?bare", "https://example.org/?***" },
    { "https://example.org/?a=", "https://example.org/?a=***" },
    { "https://example.org/?a&&b=c", "https://example.org/?***&&b=***" },
    { "http://[::1]:8080/x", "http://[::1]:8080/x" },
    { "http://[fe80::1%25eth0]:8080/x", "http://[fe80::1%25eth0]:8080/x" },
    { "https://example.org:443/", "https://example.org/" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GUri) uri = g_uri_parse (cases[i].uri, SOUP_HTTP_URI_FLAGS, NULL);
      g_autofree char *text = resilient_uri_redact (uri);

      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

static void
test_origin (void)
{
  const struct
  {
    const char *a;
    const char *b;
    gboolean same;
  } cases[] = {
    { "http://example.org/a", "http://EXAMPLE.org:80/b", TRUE },
    { "https://example.org/", "https://example.org:443/", TRUE },
    { "https://example.org/", "http://example.org/", FALSE },
    { "https://example.org/", "https://example.org:8443/", FALSE },
    { "https://example.org/", "https://www.example.org/", FALSE },
    { "https://u:p@example.org/", "https://example.org/", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GUri) a = g_uri_parse (cases[i].a, SOUP_HTTP_URI_FLAGS, NULL);
      g_autoptr (GUri) b = g_uri_parse (cases[i].b, SOUP_HTTP_URI_FLAGS, NULL);

      g_assert_cmpint (resilient_uri_same_origin (a, b), ==, cases[i].same);
    }
}

static void
test_body (void)
{
  g_autoptr (ResilientRecipe) recipe = resilient_recipe_new ("POST", "http://example.org/", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);

  resilient_recipe_set_body (recipe, "text/plain", bytes);
  g_assert_cmpint (resilient_body_get_size (recipe->body), ==, 3);
  resilient_recipe_set_body (recipe, NULL, NULL);
  g_assert_null (recipe->body);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/recipe/valid", test_valid);
  g_test_add_func ("/recipe/forget-uri", test_forget_uri);
  g_test_add_func ("/recipe/invalid", test_invalid);
  g_test_add_func ("/recipe/redact", test_redact);
  g_test_add_func ("/recipe/origin", test_origin);
  g_test_add_func ("/recipe/body", test_body);
  return g_test_run ();
}
