/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-error.h"
#include "resilient-redirect-private.h"

static void
start (ResilientHop *hop, const char *method, const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientRecipe) recipe = resilient_recipe_new (method, uri, &error);

  g_assert_no_error (error);
  resilient_hop_init (hop, recipe);
}

static ResilientRedirect
decide (ResilientHop *hop,
        guint status_code,
        const char *location,
        gboolean body_spent,
        GError **error)
{
  g_autoptr (GUri) sent_to = g_uri_ref (hop->uri);

  return resilient_redirect_decide (hop, sent_to, status_code, location, body_spent, error);
}

/* The specification's table: which method, and whether with the body. */
static void
test_methods (void)
{
  const struct
  {
    guint status_code;
    const char *method;
    const char *next; /* NULL: delivered */
    gboolean with_body;
  } cases[] = {
    { 300, "GET", NULL, FALSE },       { 301, "GET", "GET", TRUE },
    { 301, "POST", "GET", FALSE },     { 301, "PUT", "PUT", TRUE },
    { 301, "DELETE", "DELETE", TRUE }, { 301, "HEAD", "HEAD", TRUE },
    { 302, "GET", "GET", TRUE },       { 302, "POST", "GET", FALSE },
    { 302, "PATCH", "PATCH", TRUE },   { 303, "GET", "GET", FALSE },
    { 303, "HEAD", "HEAD", FALSE },    { 303, "POST", "GET", FALSE },
    { 303, "PUT", "GET", FALSE },      { 303, "DELETE", "GET", FALSE },
    { 304, "GET", NULL, FALSE },       { 305, "GET", NULL, FALSE },
    { 306, "GET", NULL, FALSE },       { 307, "GET", "GET", TRUE },
    { 307, "POST", "POST", TRUE },     { 308, "POST", "POST", TRUE },
    { 308, "PATCH", "PATCH", TRUE },   { 200, "GET", NULL, FALSE },
    { 201, "POST", NULL, FALSE },      { 404, "GET", NULL, FALSE },
    { 309, "GET", NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ResilientHop hop;
      g_autoptr (GError) error = NULL;
      ResilientRedirect redirect;

      start (&hop, cases[i].method, "http://example.org/a");
      redirect = decide (&hop, cases[i].status_code, "/b", FALSE, &error);
      g_assert_no_error (error);
      g_test_message ("%u %s", cases[i].status_code, cases[i].method);
      if (cases[i].next == NULL)
        g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_DELIVER);
      else
        {
          g_autofree char *text = g_uri_to_string (hop.uri);

          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FOLLOW);
          g_assert_cmpstr (hop.method, ==, cases[i].next);
          g_assert_cmpint (hop.with_body, ==, cases[i].with_body);
          g_assert_cmpstr (text, ==, "http://example.org/b");
          g_assert_cmpuint (hop.n_redirects, ==, 1);
        }
      resilient_hop_clear (&hop);
    }
}

static void
test_targets (void)
{
  const struct
  {
    const char *from;
    const char *location;
    const char *to; /* NULL: REDIRECT error; "": delivered */
  } cases[] = {
    { "http://a.example/x/y?q#f", NULL, "" },
    { "http://a.example/x/y?q#f", "", "" },
    { "http://a.example/x/y?q#f", "z", "http://a.example/x/z#f" },
    { "http://a.example/x/y?q#f", "z#g", "http://a.example/x/z#g" },
    { "http://a.example/x/y?q#f", "?r", "http://a.example/x/y?r#f" },
    { "http://a.example/x/y", "//b.example/z", "http://b.example/z" },
    { "http://a.example/x/y", "https://b.example", "https://b.example/" },
    { "http://a.example/x/y", "/with space/\xc3\xa9", "http://a.example/with%20space/%C3%A9" },
    { "https://a.example/x", "http://a.example/x", NULL },
    { "https://a.example/x", "HTTP://a.example/x", NULL },
    { "http://a.example/x", "ftp://a.example/x", NULL },
    { "http://a.example/x", "file:///etc/passwd", NULL },
    { "http://a.example/x", "javascript:alert(1)", NULL },
    { "http://a.example/x", "http://", NULL },
    { "http://a.example/x", "http://a.example:port/", NULL },
    { "http://a.example/x", "http://a.example%0d%0aX-Header:1/", NULL },
    { "http://a.example/x", "//a.example%2fy/", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ResilientHop hop;
      g_autoptr (GError) error = NULL;
      ResilientRedirect redirect;
      g_autofree char *text = NULL;

      start (&hop, "GET", cases[i].from);
      redirect = decide (&hop, 302, cases[i].location, FALSE, &error);
      text = g_uri_to_string (hop.uri);
      g_test_message ("%s → %s", cases[i].from, cases[i].location);
      if (cases[i].to == NULL)
        {
          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FAIL);
          g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
          g_assert_cmpstr (text, ==, cases[i].from);
        }
      else if (*cases[i].to == '\0')
        g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_DELIVER);
      else
        {
          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FOLLOW);
          g_assert_cmpstr (text, ==, cases[i].to);
        }
      resilient_hop_clear (&hop);
    }
}

static void
test_limit (void)
{
  ResilientHop hop;
  g_autoptr (GError) error = NULL;

  start (&hop, "GET", "http://example.org/");
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (decide (&hop, 302, "/", FALSE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_no_error (error);
  g_assert_cmpint (decide (&hop, 302, "/", FALSE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  resilient_hop_clear (&hop);
}

/* A one-shot body that was read: fatal where it is asked for again, no matter where it is not. */
static void
test_spent_body (void)
{
  ResilientHop hop;
  g_autoptr (GError) error = NULL;

  start (&hop, "POST", "http://example.org/");
  g_assert_cmpint (decide (&hop, 307, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  g_clear_error (&error);
  g_assert_cmpint (decide (&hop, 308, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_clear_error (&error);
  g_assert_cmpint (decide (&hop, 303, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_cmpint (decide (&hop, 307, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_no_error (error);
  resilient_hop_clear (&hop);
}

static char *
join (ResilientHeaders *headers)
{
  GString *text = g_string_new (NULL);
  const char *name, *value;

  for (guint i = 0; i < resilient_headers_get_length (headers); i++)
    {
      resilient_headers_get_nth (headers, i, &name, &value);
      g_string_append_printf (text, "%s=%s ", name, value);
    }
  return g_string_free (text, FALSE);
}

static ResilientHeaders *
own_headers (void)
{
  ResilientHeaders *headers = resilient_headers_new ();

  resilient_headers_append (headers, "Authorization", "a");
  resilient_headers_append (headers, "Cookie", "c");
  resilient_headers_append (headers, "Proxy-Authorization", "p");
  resilient_headers_append (headers, "X-Api-Key", "k");
  resilient_headers_append (headers, "X-Plain", "1");
  resilient_headers_append (headers, "x-plain", "2");
  resilient_headers_append (headers, "Content-Type", "t");
  resilient_headers_append (headers, "Content-Language", "fr");
  resilient_headers_append (headers, "Idempotency-Key", "i");
  resilient_headers_mark_secret (headers, "x-api-key");
  return headers;
}

static void
assert_headers (ResilientHop *hop,
                ResilientHeaders *defaults,
                ResilientHeaders *own,
                const char *expected)
{
  g_autoptr (ResilientHeaders) merged = resilient_hop_merge_headers (hop, defaults, own);
  g_autofree char *text = join (merged);

  g_assert_cmpstr (text, ==, expected);
}

#define ALL                                                                                        \
  "Authorization=a Cookie=c Proxy-Authorization=p X-Api-Key=k X-Plain=1 x-plain=2 Content-Type=t " \
  "Content-Language=fr Idempotency-Key=i "

static void
test_secrets (void)
{
  ResilientHop hop;
  g_autoptr (ResilientHeaders) own = own_headers ();
  g_autoptr (ResilientHeaders) merged = NULL;

  start (&hop, "POST", "https://a.example/");
  assert_headers (&hop, NULL, own, ALL);
  merged = resilient_hop_merge_headers (&hop, NULL, own);
  g_assert_true (resilient_headers_is_secret (merged, "X-Api-Key"));

  /* the same origin keeps them, another loses them, and they stay lost on the way back */
  decide (&hop, 307, "https://a.example:443/b", FALSE, NULL);
  assert_headers (&hop, NULL, own, ALL);
  decide (&hop, 307, "https://a.example:8443/b", FALSE, NULL);
  assert_headers (&hop, NULL, own,
                  "X-Plain=1 x-plain=2 Content-Type=t Content-Language=fr Idempotency-Key=i ");
  decide (&hop, 307, "https://a.example/", FALSE, NULL);
  assert_headers (&hop, NULL, own,
                  "X-Plain=1 x-plain=2 Content-Type=t Content-Language=fr Idempotency-Key=i ");
  resilient_hop_clear (&hop);
}

static void
test_bodyless (void)
{
  ResilientHop hop;
  g_autoptr (ResilientHeaders) own = own_headers ();

  start (&hop, "POST", "https://a.example/");
  decide (&hop, 303, "/b", FALSE, NULL);
  assert_headers (
    &hop, NULL, own,
    "Authorization=a Cookie=c Proxy-Authorization=p X-Api-Key=k X-Plain=1 x-plain=2 ");
  resilient_hop_clear (&hop);
}

/* The request's own headers replace all defaults of their name; the defaults of the new origin come
 * with their secrets. */
static void
test_defaults (void)
{
  ResilientHop hop;
  g_autoptr (ResilientHeaders) own = own_headers ();
  g_autoptr (ResilientHeaders) defaults = resilient_headers_new ();

  resilient_headers_append (defaults, "X-PLAIN", "0");
  resilient_headers_append (defaults, "Authorization", "of the origin");
  resilient_headers_append (defaults, "X-Other", "o");
  start (&hop, "POST", "https://a.example/");
  assert_headers (&hop, defaults, own, "X-Other=o " ALL);
  assert_headers (&hop, defaults, NULL, "X-PLAIN=0 Authorization=of the origin X-Other=o ");
  decide (&hop, 303, "https://b.example/", FALSE, NULL);
  assert_headers (&hop, defaults, own,
                  "Authorization=of the origin X-Other=o X-Plain=1 x-plain=2 ");
  resilient_hop_clear (&hop);
}

/* What the session upgraded to https came from https. */
static void
test_upgraded (void)
{
  ResilientHop hop;
  g_autoptr (GUri) sent_to = g_uri_parse ("https://a.example/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GError) error = NULL;

  start (&hop, "GET", "http://a.example/");
  g_assert_cmpint (
    resilient_redirect_decide (&hop, sent_to, 302, "https://a.example/b", FALSE, &error), ==,
    RESILIENT_REDIRECT_FOLLOW);
  g_assert_false (hop.secrets_dropped);
  g_assert_cmpint (
    resilient_redirect_decide (&hop, sent_to, 302, "http://a.example/b", FALSE, &error), ==,
    RESILIENT_REDIRECT_FAIL);
  resilient_hop_clear (&hop);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/redirect/methods", test_methods);
  g_test_add_func ("/redirect/targets", test_targets);
  g_test_add_func ("/redirect/limit", test_limit);
  g_test_add_func ("/redirect/spent-body", test_spent_body);
  g_test_add_func ("/redirect/secrets", test_secrets);
  g_test_add_func ("/redirect/bodyless", test_bodyless);
  g_test_add_func ("/redirect/defaults", test_defaults);
  g_test_add_func ("/redirect/upgraded", test_upgraded);
  return g_test_run ();
}
