/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-error.h"
#include "resilient-redirect-private.h"

static void
start (ResilientRequestPlan *send, const char *method, const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = resilient_frozen_request_new (method, uri, &error);

  g_assert_no_error (error);
  resilient_request_plan_init (send, frozen);
}

static ResilientRedirect
decide (ResilientRequestPlan *send,
        guint status_code,
        const char *location,
        gboolean body_spent,
        GError **error)
{
  g_autoptr (GUri) sent_to = g_uri_ref (send->uri);

  return resilient_redirect_decide (send, NULL, sent_to, status_code, location, body_spent, error);
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
      ResilientRequestPlan send;
      g_autoptr (GError) error = NULL;
      ResilientRedirect redirect;

      start (&send, cases[i].method, "http://example.org/a");
      redirect = decide (&send, cases[i].status_code, "/b", FALSE, &error);
      g_assert_no_error (error);
      g_test_message ("%u %s", cases[i].status_code, cases[i].method);
      if (cases[i].next == NULL)
        g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_DELIVER);
      else
        {
          g_autofree char *text = g_uri_to_string (send.uri);

          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FOLLOW);
          g_assert_cmpstr (send.method, ==, cases[i].next);
          g_assert_cmpint (send.with_body, ==, cases[i].with_body);
          g_assert_cmpstr (text, ==, "http://example.org/b");
          g_assert_cmpuint (send.n_redirects, ==, 1);
        }
      resilient_request_plan_clear (&send);
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
    { "http://a.example/x", "/y%zz", "http://a.example/y%zz" },
    { "http://a.example/x", "y%", "http://a.example/y%" },
    { "http://a.example/x", "?q=50%&r=%4", "http://a.example/x?q=50%&r=%4" },
    { "http://a.example/x", "#%2%", "http://a.example/x#%2%" },
    { "http://a.example/x", "http://b.example/100% sure%2F", "http://b.example/100%%20sure%2F" },
    { "http://a.example/x", "/y\xe9", "http://a.example/y%E9" },
    { "http://a.example/x", "/y\xef\xbf\xbd", NULL },
    { "http://a.example/x", "http://a%zz.example/", NULL },
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
      ResilientRequestPlan send;
      g_autoptr (GError) error = NULL;
      ResilientRedirect redirect;
      g_autofree char *text = NULL;

      start (&send, "GET", cases[i].from);
      redirect = decide (&send, 302, cases[i].location, FALSE, &error);
      text = g_uri_to_string (send.uri);
      g_test_message ("%u: from %s", i, cases[i].from);
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
      resilient_request_plan_clear (&send);
    }
}

static void
test_limit (void)
{
  ResilientRequestPlan send;
  g_autoptr (GError) error = NULL;

  start (&send, "GET", "http://example.org/");
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (decide (&send, 302, "/", FALSE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_no_error (error);
  g_assert_cmpint (decide (&send, 302, "/", FALSE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  resilient_request_plan_clear (&send);
}

/* A one-shot body that was read: fatal where it is asked for again, no matter where it is not. */
static void
test_spent_body (void)
{
  ResilientRequestPlan send;
  g_autoptr (GError) error = NULL;

  start (&send, "POST", "http://example.org/");
  g_assert_cmpint (decide (&send, 307, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
  g_clear_error (&error);
  g_assert_cmpint (decide (&send, 308, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FAIL);
  g_clear_error (&error);
  g_assert_cmpint (decide (&send, 303, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_cmpint (decide (&send, 307, "/", TRUE, &error), ==, RESILIENT_REDIRECT_FOLLOW);
  g_assert_no_error (error);
  resilient_request_plan_clear (&send);
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
assert_headers (ResilientRequestPlan *send,
                ResilientHeaders *defaults,
                ResilientHeaders *own,
                const char *expected)
{
  g_autoptr (ResilientHeaders) merged = resilient_request_plan_merge_headers (send, defaults, own);
  g_autofree char *text = join (merged);

  g_assert_cmpstr (text, ==, expected);
}

#define ALL                                                                                        \
  "Authorization=a Cookie=c Proxy-Authorization=p X-Api-Key=k X-Plain=1 x-plain=2 Content-Type=t " \
  "Content-Language=fr Idempotency-Key=i "

static void
test_secrets (void)
{
  ResilientRequestPlan send;
  g_autoptr (ResilientHeaders) own = own_headers ();
  g_autoptr (ResilientHeaders) merged = NULL;

  start (&send, "POST", "https://a.example/");
  assert_headers (&send, NULL, own, ALL);
  merged = resilient_request_plan_merge_headers (&send, NULL, own);
  g_assert_true (resilient_headers_is_secret (merged, "X-Api-Key"));

  /* the same origin keeps them, another loses them, and they stay lost on the way back */
  decide (&send, 307, "https://a.example:443/b", FALSE, NULL);
  assert_headers (&send, NULL, own, ALL);
  decide (&send, 307, "https://a.example:8443/b", FALSE, NULL);
  assert_headers (
    &send, NULL, own, "X-Plain=1 x-plain=2 Content-Type=t Content-Language=fr Idempotency-Key=i ");
  decide (&send, 307, "https://a.example/", FALSE, NULL);
  assert_headers (
    &send, NULL, own, "X-Plain=1 x-plain=2 Content-Type=t Content-Language=fr Idempotency-Key=i ");
  resilient_request_plan_clear (&send);
}

static void
test_bodyless (void)
{
  ResilientRequestPlan send;
  g_autoptr (ResilientHeaders) own = own_headers ();

  start (&send, "POST", "https://a.example/");
  decide (&send, 303, "/b", FALSE, NULL);
  assert_headers (
    &send,
    NULL,
    own,
    "Authorization=a Cookie=c Proxy-Authorization=p X-Api-Key=k X-Plain=1 x-plain=2 ");
  resilient_request_plan_clear (&send);
}

/* The request's own headers replace all defaults of their name; the defaults of the new origin come
 * with their secrets. */
static void
test_defaults (void)
{
  ResilientRequestPlan send;
  g_autoptr (ResilientHeaders) own = own_headers ();
  g_autoptr (ResilientHeaders) defaults = resilient_headers_new ();

  resilient_headers_append (defaults, "X-PLAIN", "0");
  resilient_headers_append (defaults, "Authorization", "of the origin");
  resilient_headers_append (defaults, "X-Other", "o");
  start (&send, "POST", "https://a.example/");
  assert_headers (&send, defaults, own, "X-Other=o " ALL);
  assert_headers (&send, defaults, NULL, "X-PLAIN=0 Authorization=of the origin X-Other=o ");
  decide (&send, 303, "https://b.example/", FALSE, NULL);
  assert_headers (
    &send, defaults, own, "Authorization=of the origin X-Other=o X-Plain=1 x-plain=2 ");
  resilient_request_plan_clear (&send);
}

/* What the session upgraded to https came from https. */
static void
test_upgraded (void)
{
  ResilientRequestPlan send;
  g_autoptr (GUri) sent_to = g_uri_parse ("https://a.example/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GError) error = NULL;

  start (&send, "GET", "http://a.example/");
  g_assert_cmpint (
    resilient_redirect_decide (&send, NULL, sent_to, 302, "https://a.example/b", FALSE, &error),
    ==,
    RESILIENT_REDIRECT_FOLLOW);
  g_assert_false (send.secrets_dropped);
  g_assert_cmpint (
    resilient_redirect_decide (&send, NULL, sent_to, 302, "http://a.example/b", FALSE, &error),
    ==,
    RESILIENT_REDIRECT_FAIL);
  resilient_request_plan_clear (&send);
}

static void
add_policy (SoupHSTSEnforcer *enforcer, const char *domain, gulong max_age, gboolean subdomains)
{
  g_autoptr (SoupHSTSPolicy) policy = soup_hsts_policy_new (domain, max_age, subdomains);

  soup_hsts_enforcer_set_policy (enforcer, policy);
}

/* What the session would not ask by plain http leads nowhere else than before. */
static void
test_hsts (void)
{
  const struct
  {
    const char *location;
    const char *to; /* NULL: REDIRECT error */
  } cases[] = {
    { "http://known.example/x", "https://known.example/x" },
    { "http://known.example:80/x", "https://known.example/x" },
    { "http://known.example:8080/x?y#z", "https://known.example:8080/x?y#z" },
    { "HTTP://KNOWN.example/", "https://KNOWN.example/" },
    { "http://sub.known.example/", NULL },
    { "http://all.example/", "https://all.example/" },
    { "http://a.b.all.example/", "https://a.b.all.example/" },
    { "http://notall.example/", NULL },
    { "http://xn--bcher-kva.example/", "https://xn--bcher-kva.example/" },
    { "http://other.example/", NULL },
    { "http://127.0.0.1/", NULL },
  };
  g_autoptr (SoupHSTSEnforcer) enforcer = soup_hsts_enforcer_new ();

  add_policy (enforcer, "known.example", 1000, FALSE);
  add_policy (enforcer, "all.example", 1000, TRUE);
  add_policy (enforcer, "b\303\274cher.example", 1000, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ResilientRequestPlan send;
      g_autoptr (GUri) sent_to = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;
      ResilientRedirect redirect;

      g_test_message ("%s", cases[i].location);
      start (&send, "GET", "https://a.example/");
      sent_to = g_uri_ref (send.uri);
      redirect =
        resilient_redirect_decide (&send, enforcer, sent_to, 302, cases[i].location, FALSE, &error);
      text = g_uri_to_string (send.uri);
      if (cases[i].to != NULL)
        {
          g_assert_no_error (error);
          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FOLLOW);
          g_assert_cmpstr (text, ==, cases[i].to);
        }
      else
        {
          g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT);
          g_assert_cmpint (redirect, ==, RESILIENT_REDIRECT_FAIL);
        }
      resilient_request_plan_clear (&send);
    }
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
  g_test_add_func ("/redirect/hsts", test_hsts);
  return g_test_run ();
}
