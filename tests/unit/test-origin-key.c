/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-origin-key-private.h"

/* As libsoup parses them (SOUP_HTTP_URI_FLAGS), and as another may. */
static const GUriFlags flags[] = {
  G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE,
  G_URI_FLAGS_NON_DNS,
};

static GUri *
parse (const char *text, GUriFlags how)
{
  g_autoptr (GError) error = NULL;
  GUri *uri = g_uri_parse (text, how, &error);

  g_assert_no_error (error);
  return uri;
}

/* All that are told of an origin agree: key, hash and equality. */
static void
check_pair (GUri *a, GUri *b, gboolean same)
{
  g_autofree char *first = resilient_origin_key_new (a);
  g_autofree char *second = resilient_origin_key_new (b);
  char buffer[128];

  g_assert_cmpint (g_str_equal (first, second), ==, same);
  g_assert_cmpint (resilient_origin_key_equal (a, b), ==, same);
  g_assert_cmpint (resilient_origin_key_equal (b, a), ==, same);
  if (same)
    g_assert_cmpuint (resilient_origin_key_hash (a), ==, resilient_origin_key_hash (b));
  if (resilient_origin_key_write (a, buffer, sizeof buffer))
    g_assert_cmpstr (buffer, ==, first);
  if (resilient_origin_key_write (b, buffer, sizeof buffer))
    g_assert_cmpstr (buffer, ==, second);
}

static void
test_same (void)
{
  const struct
  {
    const char *a;
    const char *b;
    gboolean same;
  } cases[] = {
    { "http://localhost/", "http://LOCALHOST/", TRUE },
    { "http://localhost/a", "HTTP://LocalHost:80/b?c#d", TRUE },
    { "https://example.org/", "https://example.org:443/", TRUE },
    { "https://u:p@example.org/", "https://example.org/", TRUE },
    { "http://example.org:/", "http://example.org:80/", TRUE },
    { "http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/", TRUE },
    { "http://[fe80::A]/", "http://[FE80:0::a]/", TRUE },
    { "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", TRUE },
    { "http://[fe80::A%25eth0]/", "http://[FE80:0::a%25eth0]/", TRUE },
    { "https://b\xc3\xbc"
      "cher.example/",
      "https://xn--bcher-kva.example/",
      TRUE },
    { "http://example.org/", "http://example.org./", FALSE },
    { "http://example.org/", "http://example.org:0/", FALSE },
    { "http://example.org:80/", "http://example.org:0/", FALSE },
    { "https://example.org/", "http://example.org/", FALSE },
    { "https://example.org:80/", "http://example.org:80/", FALSE },
    { "https://example.org/", "https://example.org:8443/", FALSE },
    { "https://example.org/", "https://www.example.org/", FALSE },
    { "http://[::1]/", "http://[::2]/", FALSE },
    { "http://[fe80::a%25eth0]/", "http://[fe80::a%25eth1]/", FALSE },
    { "http://[::ffff:127.0.0.1]/", "http://127.0.0.1/", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint how = 0; how < G_N_ELEMENTS (flags); how++)
      {
        g_autoptr (GUri) a = parse (cases[i].a, flags[how]);
        g_autoptr (GUri) b = parse (cases[i].b, flags[how]);

        g_test_message ("%s %s", cases[i].a, cases[i].b);
        check_pair (a, b, cases[i].same);
        check_pair (a, a, TRUE);
      }
}

static void
test_port (void)
{
  const struct
  {
    const char *uri;
    int port;
  } cases[] = {
    { "http://example.org/", 80 },          { "https://example.org/", 443 },
    { "HTTPS://example.org/", 443 },        { "http://example.org:443/", 443 },
    { "https://example.org:0/", 0 },        { "http://example.org:0/", 0 },
    { "http://example.org:65535/", 65535 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint how = 0; how < G_N_ELEMENTS (flags); how++)
      {
        g_autoptr (GUri) uri = parse (cases[i].uri, flags[how]);

        g_assert_cmpint (resilient_origin_key_get_port (uri), ==, cases[i].port);
      }
}

static void
test_respell (void)
{
  const struct
  {
    const char *host;
    const char *expected;
  } cases[] = {
    { "::1", NULL },
    { "fe80::a", NULL },
    { "FE80::A", "fe80::a" },
    { "0:0:0:0:0:0:0:1", "::1" },
    { "::ffff:7f00:1", "::ffff:127.0.0.1" },
    { "FE80::A%Eth0", "fe80::a%Eth0" },
    { "fe80::a%eth0", NULL },
    { "1:2", NULL },
    { "127.0.0.1", NULL },
    { "Example.org", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *host = resilient_origin_key_respell_host (cases[i].host);

      g_assert_cmpstr (host, ==, cases[i].expected);
    }
}

/* The short way gives up rather than cut. */
static void
test_write (void)
{
  g_autoptr (GUri) uri = parse ("http://example.org/", flags[0]);
  const char *key = "http://example.org:80";
  char buffer[128];

  for (gsize size = 0; size < sizeof buffer; size++)
    if (resilient_origin_key_write (uri, buffer, size))
      g_assert_cmpstr (buffer, ==, key);
    else
      g_assert_cmpuint (size, <, strlen (key) + sizeof ":65535");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin-key/same", test_same);
  g_test_add_func ("/origin-key/port", test_port);
  g_test_add_func ("/origin-key/respell", test_respell);
  g_test_add_func ("/origin-key/write", test_write);
  return g_test_run ();
}
