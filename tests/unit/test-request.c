/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-request-private.h"

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
  g_assert_null (resilient_frozen_request_get_headers (frozen));
  g_assert_null (resilient_frozen_request_get_body (frozen));
  g_assert_null (resilient_frozen_request_get_idempotency_key (frozen));
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
  g_assert_cmpstr (resilient_frozen_request_get_method (frozen), ==, "PUT");
  g_assert_true (resilient_frozen_request_get_retry_policy (frozen) == policy);
  g_assert_true (resilient_frozen_request_get_metadata (frozen) == metadata);
  g_assert_cmpint (resilient_frozen_request_get_priority (frozen), ==, -10);
  g_assert_cmpint (resilient_frozen_request_get_idempotency (frozen), ==, RESILIENT_IDEMPOTENCY_NO);
  g_assert_cmpint (resilient_frozen_request_get_overrides (frozen)->max_response_size, ==, 1234);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->connect_timeout, ==, 0.25);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->read_timeout, ==, 0);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->write_timeout, ==, 3);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->queue_timeout, ==, 4);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->attempt_timeout, ==, 5);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->total_timeout, ==, 6);

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
  g_assert_cmpstr (resilient_frozen_request_get_method (frozen), ==, "POST");
  g_assert_null (resilient_frozen_request_get_retry_policy (frozen));
  g_assert_null (resilient_frozen_request_get_metadata (frozen));
  g_assert_cmpint (resilient_frozen_request_get_priority (frozen), ==, 3);
  g_assert_cmpint (
    resilient_frozen_request_get_idempotency (frozen), ==, RESILIENT_IDEMPOTENCY_YES);
  g_assert_cmpint (resilient_frozen_request_get_overrides (frozen)->max_response_size, ==, 0);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->total_timeout, ==, 7.5);
}

static void
test_durations (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");
  static const char *const names[] = { "connect-timeout", "read-timeout",    "write-timeout",
                                       "queue-timeout",   "attempt-timeout", "total-timeout" };
  const double bad[] = { NAN, -0.5, -7, -INFINITY };
  double value;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      for (guint j = 0; j < G_N_ELEMENTS (bad); j++)
        {
          g_object_set (request, names[i], 1.5, NULL);
          resilient_frozen_request_unref (freeze (request));
          g_object_set (request, names[i], bad[j], NULL);
          assert_invalid (request, names[i]);
          g_object_get (request, names[i], &value, NULL);
          g_assert_cmpfloat (value, ==, 1.5);
        }
      g_object_set (request, names[i], (double) INFINITY, NULL);
      g_object_get (request, names[i], &value, NULL);
      g_assert_cmpfloat (value, ==, G_MAXDOUBLE);
      g_object_set (request, names[i], -1.0, NULL);
      resilient_frozen_request_unref (freeze (request));
    }
}

/* Out of range, whichever way they come, and the value before stays. */
static void
test_ranges (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("PUT", "http://example.org/");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new ();

  resilient_request_set_max_response_size (request, -7);
  g_assert_cmpint (resilient_request_get_max_response_size (request), ==, -1);
  assert_invalid (request, "max-response-size");
  resilient_request_set_max_response_size (request, 10);
  g_object_set (request, "max-response-size", G_MININT64, NULL);
  g_assert_cmpint (resilient_request_get_max_response_size (request), ==, 10);
  assert_invalid (request, "max-response-size");
  resilient_request_set_max_response_size (request, -1);

  resilient_request_set_idempotency (request, (ResilientIdempotency) 99);
  g_assert_cmpint (resilient_request_get_idempotency (request), ==, RESILIENT_IDEMPOTENCY_AUTO);
  assert_invalid (request, "idempotency");
  resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_AUTO);

  resilient_request_set_body_stream (request, NULL, stream, -2);
  assert_invalid (request, "length");
  resilient_request_set_body_stream (request, NULL, stream, -1);
  resilient_frozen_request_unref (freeze (request));
}

/* The first of them is told, until it is put right. */
static void
test_mistakes (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");
  g_autoptr (ResilientRequest) copy = NULL;

  resilient_request_set_header (request, "X-Key", "hunter2\n");
  resilient_request_set_read_timeout (request, -3);
  assert_invalid (request, "X-Key");
  /* one more value, or a mark, does not make up for it */
  resilient_request_append_header (request, "x-key", "good");
  resilient_request_mark_header_secret (request, "X-Key");
  assert_invalid (request, "X-Key");

  copy = resilient_request_copy (request);
  resilient_request_set_header (request, "X-KEY", "good");
  assert_invalid (request, "read-timeout");
  resilient_request_set_read_timeout (request, 3);
  resilient_frozen_request_unref (freeze (request));
  assert_invalid (copy, "X-Key");

  resilient_request_mark_header_secret (request, "X Key");
  assert_invalid (request, "name of a header");
}

static void
test_reading (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", "http://example.org/");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (bytes);
  SoupMessageHeaders *headers;

  g_assert_null (resilient_request_get_header (request, "X-A"));
  g_assert_null (resilient_request_get_idempotency_key (request));
  g_assert_null (resilient_request_get_body_bytes (request));
  g_assert_cmpint (resilient_request_get_body_size (request), ==, 0);
  headers = resilient_request_dup_headers (request);
  g_assert_null (soup_message_headers_get_one (headers, "X-A"));
  soup_message_headers_unref (headers);

  resilient_request_set_header (request, "X-A", "1");
  resilient_request_append_header (request, "x-a", "2");
  resilient_request_set_header (request, "Authorization", "hunter2");
  g_assert_cmpstr (resilient_request_get_header (request, "X-a"), ==, "1, 2");
  g_assert_cmpstr (resilient_request_get_header (request, "authorization"), ==, "hunter2");
  headers = resilient_request_dup_headers (request);
  g_assert_cmpstr (soup_message_headers_get_list (headers, "X-A"), ==, "1, 2");
  soup_message_headers_replace (headers, "X-A", "3");
  soup_message_headers_unref (headers);
  g_assert_cmpstr (resilient_request_get_header (request, "X-A"), ==, "1, 2");

  resilient_request_set_idempotency_key (request, "key");
  g_assert_cmpstr (resilient_request_get_idempotency_key (request), ==, "key");
  resilient_request_set_idempotency_key (request, NULL);
  g_assert_null (resilient_request_get_idempotency_key (request));

  resilient_request_set_body_bytes (request, NULL, bytes);
  g_assert_true (resilient_request_get_body_bytes (request) == bytes);
  g_assert_cmpint (resilient_request_get_body_size (request), ==, 3);
  resilient_request_set_body_stream (request, NULL, stream, 3);
  g_assert_null (resilient_request_get_body_bytes (request));
  g_assert_cmpint (resilient_request_get_body_size (request), ==, 3);
  resilient_request_set_body_stream (request, NULL, stream, -1);
  g_assert_cmpint (resilient_request_get_body_size (request), ==, -1);
}

/* What the getters return may be given to the setters. */
static void
test_own_values (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://example.org/");

  resilient_request_set_header (request, "X-A", "1");
  resilient_request_append_header (request, "X-A", "2");
  for (guint i = 0; i < 2; i++)
    {
      resilient_request_set_header (request, "X-A", resilient_request_get_header (request, "X-A"));
      g_assert_cmpstr (resilient_request_get_header (request, "X-A"), ==, "1, 2");
      resilient_request_append_header (
        request, "X-B", resilient_request_get_header (request, "X-A"));
      resilient_frozen_request_unref (freeze (request));
    }
  g_assert_cmpstr (resilient_request_get_header (request, "X-B"), ==, "1, 2, 1, 2");
  resilient_request_set_idempotency_key (request, "key");
  resilient_request_set_idempotency_key (request, resilient_request_get_idempotency_key (request));
  g_assert_cmpstr (resilient_request_get_idempotency_key (request), ==, "key");
  resilient_request_set_uri (request, resilient_request_get_uri (request));
  g_assert_cmpstr (resilient_request_get_uri (request), ==, "http://example.org/");
}

static void
test_copy (void)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("PUT", "http://example.org/");
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (5, 0.5);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (ResilientRequest) copy = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = NULL;

  resilient_request_set_retry_policy (request, policy);
  resilient_request_set_metadata (request, g_variant_new_parsed ("{'a': <1>}"));
  resilient_request_set_priority (request, 7);
  resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_NO);
  resilient_request_set_total_timeout (request, 6);
  resilient_request_set_header (request, "X-A", "1");
  resilient_request_mark_header_secret (request, "X-A");
  resilient_request_add_query_param (request, "a", "b");
  resilient_request_set_idempotency_key (request, "key");
  resilient_request_set_body_bytes (request, "text/plain", bytes);

  copy = resilient_request_copy (request);
  resilient_request_set_header (request, "X-A", "2");
  resilient_request_add_query_param (request, "c", "d");
  resilient_request_set_total_timeout (request, 1);
  g_assert_cmpstr (resilient_request_get_header (copy, "X-A"), ==, "1");

  frozen = freeze (copy);
  g_assert_cmpstr (resilient_frozen_request_get_method (frozen), ==, "PUT");
  g_assert_cmpstr (resilient_frozen_request_get_uri_text (frozen), ==, "http://example.org/?a=b");
  g_assert_true (resilient_frozen_request_get_retry_policy (frozen) == policy);
  g_assert_cmpuint (g_variant_n_children (resilient_frozen_request_get_metadata (frozen)), ==, 1);
  g_assert_cmpint (resilient_frozen_request_get_priority (frozen), ==, 7);
  g_assert_cmpint (resilient_frozen_request_get_idempotency (frozen), ==, RESILIENT_IDEMPOTENCY_NO);
  g_assert_cmpfloat (resilient_frozen_request_get_overrides (frozen)->total_timeout, ==, 6);
  g_assert_true (
    resilient_headers_is_secret (resilient_frozen_request_get_headers (frozen), "x-a"));
  g_assert_cmpstr (resilient_frozen_request_get_idempotency_key (frozen), ==, "key");
  g_assert_cmpint (resilient_body_get_size (resilient_frozen_request_get_body (frozen)), ==, 3);
  resilient_request_set_header (copy, "X-A", "3");
  g_assert_cmpstr (
    resilient_headers_get_one (resilient_frozen_request_get_headers (frozen), "X-A"), ==, "1");
  g_assert_cmpstr (resilient_request_get_header (request, "X-A"), ==, "2");
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

  g_assert_cmpuint (
    resilient_headers_get_length (resilient_frozen_request_get_headers (first)), ==, 3);
  g_assert_cmpstr (
    resilient_headers_get_list (resilient_frozen_request_get_headers (first), "X-A"), ==, "1, 2");
  g_assert_true (
    resilient_headers_is_secret (resilient_frozen_request_get_headers (first), "x-key"));
  g_assert_cmpstr (
    resilient_headers_get_list (resilient_frozen_request_get_headers (second), "X-A"), ==, "3");
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
      text = g_uri_to_string (resilient_frozen_request_peek_uri (frozen));
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
  g_assert_true (g_uuid_string_is_valid (resilient_frozen_request_get_idempotency_key (frozen)));
  g_assert_true (resilient_frozen_request_has_idempotency_key (frozen));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_idempotency_key (request, "abc");
  frozen = freeze (request);
  g_assert_cmpstr (resilient_frozen_request_get_idempotency_key (frozen), ==, "abc");
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
  g_assert_cmpstr (resilient_body_get_content_type (resilient_frozen_request_get_body (frozen)),
                   ==,
                   "application/json");
  g_assert_cmpint (resilient_body_get_size (resilient_frozen_request_get_body (frozen)),
                   ==,
                   strlen ("{\"a\":[1,2]}"));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  g_hash_table_insert (form, (gpointer) "a b", (gpointer) "c&d");
  resilient_request_set_body_form (request, form);
  frozen = freeze (request);
  g_assert_cmpstr (resilient_body_get_content_type (resilient_frozen_request_get_body (frozen)),
                   ==,
                   "application/x-www-form-urlencoded");
  g_assert_cmpint (
    resilient_body_get_size (resilient_frozen_request_get_body (frozen)), ==, strlen ("a+b=c%26d"));
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_body_bytes (request, "text/plain", bytes);
  frozen = freeze (request);
  g_assert_cmpint (resilient_body_get_size (resilient_frozen_request_get_body (frozen)), ==, 3);
  g_clear_pointer (&frozen, resilient_frozen_request_unref);

  resilient_request_set_body_bytes (request, NULL, NULL);
  frozen = freeze (request);
  g_assert_null (resilient_frozen_request_get_body (frozen));
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
  g_autofree char *text = g_uri_to_string (resilient_frozen_request_peek_uri (frozen));

  g_assert_cmpstr (text, ==, "https://u:p@example.org/a%20b?c");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/request/defaults", test_defaults);
  g_test_add_func ("/request/properties", test_properties);
  g_test_add_func ("/request/durations", test_durations);
  g_test_add_func ("/request/ranges", test_ranges);
  g_test_add_func ("/request/mistakes", test_mistakes);
  g_test_add_func ("/request/reading", test_reading);
  g_test_add_func ("/request/own-values", test_own_values);
  g_test_add_func ("/request/copy", test_copy);
  g_test_add_func ("/request/headers", test_headers);
  g_test_add_func ("/request/query", test_query);
  g_test_add_func ("/request/key", test_key);
  g_test_add_func ("/request/bodies", test_bodies);
  g_test_add_func ("/request/invalid", test_invalid);
  g_test_add_func ("/request/from-uri", test_from_uri);
  return g_test_run ();
}
