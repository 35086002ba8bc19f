/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-error.h"
#include "resilient-frozen-request-private.h"

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
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new (cases[i].method, cases[i].uri, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = g_uri_to_string (resilient_frozen_request_peek_uri (frozen));
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpstr (resilient_frozen_request_get_method (frozen), ==, cases[i].method);
      g_assert_null (resilient_frozen_request_get_overrides (frozen));
      g_assert_false (resilient_frozen_request_has_idempotency_key (frozen));
    }
}

static void
test_forget_uri (void)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("GET", "HTTPS://u:p%40@ex%61mple.org:8443/a b?c=%2F#d", NULL);
  g_autoptr (GUri) uri = g_uri_ref (resilient_frozen_request_ensure_uri (frozen));
  g_autofree char *before = g_uri_to_string (uri);
  g_autofree char *after = NULL;

  g_assert_true (resilient_frozen_request_peek_uri (frozen) == uri);
  resilient_frozen_request_forget_uri (frozen);
  g_assert_null (resilient_frozen_request_peek_uri (frozen));
  resilient_frozen_request_forget_uri (frozen);
  after = g_uri_to_string (resilient_frozen_request_ensure_uri (frozen));
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
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new (cases[i].method, cases[i].uri, &error);

      g_assert_null (frozen);
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

/* Whatever the spelling of an address, libsoup meets one. */
static void
test_respell (void)
{
  const struct
  {
    const char *uri;
    const char *expected;
  } cases[] = {
    { "http://[0:0::0:1]:80/a?b=%20", "http://[::1]/a?b=%20" },
    { "https://u:p@[FE80::A]:8443/#f", "https://u:p@[fe80::a]:8443/#f" },
    { "http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/" },
    { "http://[::1]:8080/", "http://[::1]:8080/" },
    { "http://Example.org/", "http://Example.org/" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("GET", cases[i].uri, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = g_uri_to_string (resilient_frozen_request_peek_uri (frozen));
      g_assert_cmpstr (text, ==, cases[i].expected);
      resilient_frozen_request_forget_uri (frozen);
      g_free (text);
      text = g_uri_to_string (resilient_frozen_request_ensure_uri (frozen));
      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

static void
test_body (void)
{
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new ("POST", "http://example.org/", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (GError) error = NULL;

  g_assert_true (resilient_frozen_request_set_body (frozen, "text/plain", bytes, NULL));
  g_assert_cmpint (resilient_body_get_size (resilient_frozen_request_get_body (frozen)), ==, 3);
  g_assert_false (
    resilient_frozen_request_set_body (frozen, "text/plain\r\nX-Evil: 1", bytes, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_true (resilient_frozen_request_set_body (frozen, NULL, NULL, NULL));
  g_assert_null (resilient_frozen_request_get_body (frozen));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/frozen/valid", test_valid);
  g_test_add_func ("/frozen/forget-uri", test_forget_uri);
  g_test_add_func ("/frozen/invalid", test_invalid);
  g_test_add_func ("/frozen/redact", test_redact);
  g_test_add_func ("/frozen/respell", test_respell);
  g_test_add_func ("/frozen/body", test_body);
  return g_test_run ();
}
