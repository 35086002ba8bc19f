/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-frozen-request-private.h"

static ResilientFrozenRequest *
freeze (ResilientRequest *request)
{
  g_autoptr (GError) error = NULL;
  ResilientFrozenRequest *frozen = resilient_request_freeze (request, &error);

  g_assert_no_error (error);
  return frozen;
}

static void
assert_invalid (ResilientRequest *request, const char *named)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_request_freeze (request, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_nonnull (strstr (error->message, named));
  g_assert_null (strstr (error->message, "hunter2"));
}

static void
test_defaults (void)
{
  ResilientRequest *request = resilient_request_new ("GET", "http://example.org/");
  g_autoptr (ResilientFrozenRequest) frozen = freeze (request);

  g_assert_cmpstr (resilient_request_get_method (request), ==, "GET");
  g_assert_cmpstr (resilient_request_get_uri (request), ==, "http://example.org/");
  g_assert_null (resilient_request_get_retry_policy (request));
  g_assert_null (resilient_request_get_metadata (request));
  g_assert_cmpint (resilient_request_get_priority (request), ==, 0);
  g_assert_cmpint (resilient_request_get_idempotency (request), ==, RESILIENT_IDEMPOTENCY_AUTO);
  g_assert_cmpint (resilient_request_get_max_response_size (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_connect_timeout (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_read_timeout (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_write_timeout (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_queue_timeout (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_attempt_timeout (request), ==, -1);
  g_assert_cmpfloat (resilient_request_get_total_timeout (request), ==, -1);
  g_assert_null (frozen->headers);
  g_assert_null (frozen->body);
  g_assert_null (frozen->idempotency_key);
  g_assert_finalize_object (request);
}

static void
notify_cb (GObject *object, GParamSpec *pspec, gpointer data)
{
  g_string_append_printf (data, "%s ", pspec->name);
}

/* Every property through its setter and through GObject, with notifications for changes only. */
static void
test_properties (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (5, 0.5);
  g_autoptr (GVariant) metadata = g_variant_ref_sink (g_variant_new_parsed ("{'a': <1>}"));
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  g_signal_connect (request, "notify", G_CALLBACK (notify_cb), log);
  for (guint i = 0; i < 2; i++)
    {
      resilient_request_set_method (request, "PUT");
      resilient_request_set_uri (request, "http://example.org/x");
      resilient_request_set_retry_policy (request, policy);
      resilient_request_set_metadata (request, metadata);
      resilient_request_set_priority (request, -10);
      resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_NO);
      resilient_request_set_max_response_size (request, 1234);
      resilient_request_set_connect_timeout (request, 0.25);
      resilient_request_set_read_timeout (request, 0);
      resilient_request_set_write_timeout (request, 3);
      resilient_request_set_queue_timeout (request, 4);
      resilient_request_set_attempt_timeout (request, 5);
      resilient_request_set_total_timeout (request, 6);
    }
  g_assert_cmpstr (log->str,
                   ==,
                   "method uri retry-policy metadata priority idempotency max-response-size "
                   "connect-timeout read-timeout write-timeout queue-timeout attempt-timeout "
                   "total-timeout ");

  frozen = freeze (request);
  g_assert_cmpstr (frozen->method, ==, "PUT");
  g_assert_true (frozen->retry_policy == policy);
  g_assert_true (frozen->metadata == metadata);
  g_assert_cmpint (frozen->priority, ==, -10);
  g_assert_cmpint (frozen->idempotency, ==, RESILIENT_IDEMPOTENCY_NO);
  g_assert_cmpint (frozen->overrides->max_response_size, ==, 1234);
  g_assert_cmpfloat (frozen->overrides->connect_timeout, ==, 0.25);
  g_assert_cmpfloat (frozen->overrides->read_timeout, ==, 0);
  g_assert_cmpfloat (frozen->overrides->write_timeout, ==, 3);
  g_assert_cmpfloat (frozen->overrides->queue_timeout, ==, 4);
  g_assert_cmpfloat (frozen->overrides->attempt_timeout, ==, 5);
  g_assert_cmpfloat (frozen->overrides->total_timeout, ==, 6);

  g_object_set (request,
                "method",
                "POST",
                "retry-policy",
                NULL,
                "metadata",
                NULL,
                "priority",
                3,
                "idempotency",
                RESILIENT_IDEMPOTENCY_YES,
                "max-response-size",
                (gint64) 0,
                "total-timeout",
                7.5,
                NULL);
  g_clear_pointer (&frozen, resilient_frozen_request_unref);
  frozen = freeze (request);
  g_assert_cmpstr (frozen->method, ==, "POST");
  g_assert_null (frozen->retry_policy);
  g_assert_null (frozen->metadata);
  g_assert_cmpint (frozen->priority, ==, 3);
  g_assert_cmpint (frozen->idempotency, ==, RESILIENT_IDEMPOTENCY_YES);
  g_assert_cmpint (frozen->overrides->max_response_size, ==, 0);
  g_assert_cmpfloat (frozen->overrides->total_timeout, ==, 7.5);
}

static void
test_durations (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");
  const double bad[] = { NAN, -0.5, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      resilient_request_set_read_timeout (request, 1);
      resilient_request_set_read_timeout (request, bad[i]);
      g_assert_cmpfloat (resilient_request_get_read_timeout (request), ==, -1);
    }
  resilient_request_set_read_timeout (request, INFINITY);
  g_assert_cmpfloat (resilient_request_get_read_timeout (request), ==, G_MAXDOUBLE);
  resilient_request_set_max_response_size (request, -7);
  g_assert_cmpint (resilient_request_get_max_response_size (request), ==, -1);
}

static void
test_headers (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");
  g_autoptr (ResilientFrozenRequest) first = NULL;
  g_autoptr (ResilientFrozenRequest) second = NULL;

  resilient_request_set_header (request, "X-A", "1");
  resilient_request_append_header (request, "x-a", "2");
  resilient_request_mark_header_secret (request, "X-KEY");
  resilient_request_set_header (request, "X-Key", "k");
  resilient_request_set_header (request, "X-Gone", "v");
  resilient_request_set_header (request, "x-gone", NULL);
  first = freeze (request);
  resilient_request_set_header (request, "X-A", "3");
  second = freeze (request);

  g_assert_cmpuint (resilient_headers_get_length (first->headers), ==, 3);
  g_assert_cmpstr (resilient_headers_get_list (first->headers, "X-A"), ==, "1, 2");
  g_assert_true (resilient_headers_is_secret (first->headers, "x-key"));
  g_assert_cmpstr (resilient_headers_get_list (second->headers, "X-A"), ==, "3");
}

static void
test_query (void)
{
  const struct
  {
    const char *uri;
    const char *name;
    const char *value;
    const char *expected;
  } cases[] = {
    { "http://example.org/p", "a", "b", "http://example.org/p?a=b" },
    { "http://example.org/p?x=%2F#f",
      "a b",
      "c&d=e/\xc3\xa9",
      "http://example.org/p?x=%2F&a%20b=c%26d%3De%2F%C3%A9#f" },
    { "http://example.org/p?", "a", "", "http://example.org/p?a=" },
    { "http://example.org", "a", "b", "http://example.org/?a=b" },
    { "http://example.org/p?x?", "a", "b", "http://example.org/p?x?&a=b" },
    { "http://example.org/p#f?g", "a", "b", "http://example.org/p?a=b#f?g" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", cases[i].uri);
      g_autoptr (ResilientFrozenRequest) frozen = NULL;
      g_autofree char *text = NULL;

      resilient_request_add_query_param (request, cases[i].name, cases[i].value);
      frozen = freeze (request);
      text = g_uri_to_string (frozen->uri);
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpstr (resilient_request_get_uri (request), ==, cases[i].uri);
    }
}

static void
test_key (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", "http://example.org/");
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  resilient_request_set_idempotency_key (request, NULL);
  frozen = freeze (request);
  g_assert_true (g_uuid_string_is_valid (frozen->idempotency_key));
  g_assert_true (resilient_frozen_request_has_idempotency_key (frozen));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_idempotency_key (request, "abc");
  frozen = freeze (request);
  g_assert_cmpstr (frozen->idempotency_key, ==, "abc");
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  g_set_object (&request, resilient_request_new ("POST", "http://example.org/"));
  g_object_unref (request);
  resilient_request_set_header (request, "idempotency-key", "mine");
  frozen = freeze (request);
  g_assert_true (resilient_frozen_request_has_idempotency_key (frozen));
}

static void
test_bodies (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", "http://example.org/");
  g_autoptr (JsonNode) json = json_from_string ("{\"a\":[1,2]}", NULL);
  g_autoptr (GHashTable) form = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  resilient_request_set_body_json (request, json);
  frozen = freeze (request);
  g_assert_cmpstr (resilient_body_get_content_type (frozen->body), ==, "application/json");
  g_assert_cmpint (resilient_body_get_size (frozen->body), ==, strlen ("{\"a\":[1,2]}"));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  g_hash_table_insert (form, (gpointer) "a b", (gpointer) "c&d");
  resilient_request_set_body_form (request, form);
  frozen = freeze (request);
  g_assert_cmpstr (
    resilient_body_get_content_type (frozen->body), ==, "application/x-www-form-urlencoded");
  g_assert_cmpint (resilient_body_get_size (frozen->body), ==, strlen ("a+b=c%26d"));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_body_bytes (request, "text/plain", bytes);
  frozen = freeze (request);
  g_assert_cmpint (resilient_body_get_size (frozen->body), ==, 3);
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_body_bytes (request, NULL, NULL);
  frozen = freeze (request);
  g_assert_null (frozen->body);
}

/* What is bad is named when the request is frozen; what was corrected meanwhile is not. */
static void
test_invalid (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GE T", "not a URI");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (JsonNode) not_finite = json_node_init_double (json_node_alloc (), (double) NAN);

  assert_invalid (request, "method");
  resilient_request_set_method (request, "POST");
  assert_invalid (request, "URI");
  resilient_request_set_uri (request, "http://example.org/");

  resilient_request_set_header (request, "X-Bad", "hunter2\r\nX-Evil: 1");
  assert_invalid (request, "X-Bad");
  resilient_request_set_header (request, "X-Bad", "good");
  resilient_request_set_header (request, "X Bad: hunter2", "v");
  assert_invalid (request, "name of a header");
  resilient_request_set_header (request, "X Bad: hunter2", NULL);
  resilient_request_set_header (request, "Content-Length", "5");
  assert_invalid (request, "Content-Length");
  resilient_request_set_header (request, "Content-Length", NULL);
  resilient_request_append_header (request, "transfer-encoding", "chunked");
  assert_invalid (request, "transfer-encoding");
  resilient_request_set_header (request, "Transfer-Encoding", NULL);

  resilient_request_set_metadata (request, g_variant_new_string ("x"));
  assert_invalid (request, "a{sv}");
  resilient_request_set_metadata (request, NULL);
  resilient_request_set_idempotency_key (request, "a\nhunter2");
  assert_invalid (request, "idempotency key");
  resilient_request_set_idempotency_key (request, "");
  assert_invalid (request, "idempotency key");
  resilient_request_set_idempotency_key (request, "k");
  resilient_request_set_body_bytes (request, "plain", bytes);
  assert_invalid (request, "content type");
  resilient_request_set_body_json (request, not_finite);
  assert_invalid (request, "body");
  resilient_request_set_body_bytes (request, "text/plain", bytes);
  resilient_frozen_request_unref (freeze (request));
}

static void
test_from_uri (void)
{
  g_autoptr (GUri) uri = g_uri_parse ("https://u:p@example.org/a%20b?c", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientRequest) request = resilient_request_new_from_uri ("DELETE", uri);
  g_autoptr (ResilientFrozenRequest) frozen = freeze (request);
  g_autofree char *text = g_uri_to_string (frozen->uri);

  g_assert_cmpstr (text, ==, "https://u:p@example.org/a%20b?c");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/request/defaults", test_defaults);
  g_test_add_func ("/request/properties", test_properties);
  g_test_add_func ("/request/durations", test_durations);
  g_test_add_func ("/request/headers", test_headers);
  g_test_add_func ("/request/query", test_query);
  g_test_add_func ("/request/key", test_key);
  g_test_add_func ("/request/bodies", test_bodies);
  g_test_add_func ("/request/invalid", test_invalid);
  g_test_add_func ("/request/from-uri", test_from_uri);
  return g_test_run ();
}
