/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-body-private.h"
#include "resilient-error.h"

#include <string.h>

static SoupMessage *
new_message (void)
{
  return soup_message_new ("PUT", "http://example.org/");
}

/* What libsoup would do with a message before it sends it again: the body is gone. */
static void
forget_body (SoupMessage *message)
{
  soup_message_set_request_body (message, NULL, NULL, 0);
}

static void
assert_applies (ResilientBody *body, SoupMessage *message, const char *type, gint64 length)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  g_autoptr (ResilientBodyStream) stream = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (resilient_body_apply (body, message, FALSE, &stream, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (soup_message_headers_get_one (headers, "Content-Type"), ==, type);
  if (length >= 0)
    g_assert_cmpint (soup_message_headers_get_content_length (headers), ==, length);
  else
    g_assert_cmpint (soup_message_headers_get_encoding (headers), ==, SOUP_ENCODING_CHUNKED);
}

static void
assert_refuses (ResilientBody *body, SoupMessage *message, GQuark domain, int code)
{
  g_autoptr (ResilientBodyStream) stream = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (resilient_body_apply (body, message, FALSE, &stream, &error));
  g_assert_error (error, domain, code);
}

static void
test_bytes (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  g_autoptr (ResilientBody) body = resilient_body_new_bytes ("text/plain", bytes);
  g_autoptr (SoupMessage) message = new_message ();

  assert_applies (body, message, "text/plain", 5);
  resilient_body_begin (body);
  forget_body (message);
  assert_applies (body, message, "text/plain", 5);
  g_assert_true (resilient_body_is_replayable (body));
  g_assert_false (resilient_body_is_spent (body));
  g_assert_cmpint (resilient_body_get_size (body), ==, 5);
}

/* A type set by hand stays; one that libsoup would warn of is no harm; none is fine. */
static void
test_type (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  g_autoptr (ResilientBody) body = resilient_body_new_bytes ("text/plain", bytes);
  g_autoptr (ResilientBody) odd = resilient_body_new_bytes ("plain", bytes);
  g_autoptr (ResilientBody) bare = resilient_body_new_bytes (NULL, bytes);
  g_autoptr (SoupMessage) first = new_message ();
  g_autoptr (SoupMessage) second = new_message ();
  g_autoptr (SoupMessage) third = new_message ();

  soup_message_headers_append (
    soup_message_get_request_headers (first), "Content-Type", "text/html");
  assert_applies (body, first, "text/html", 5);
  assert_applies (odd, second, "plain", 5);
  assert_applies (bare, third, NULL, 5);
}

static void
write_file (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
test_file (void)
{
  g_autofree char *path = g_build_filename (g_get_user_cache_dir (), "body", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (ResilientBody) body = resilient_body_new_file ("text/plain", file);
  g_autoptr (ResilientBody) again = NULL;
  g_autoptr (SoupMessage) message = new_message ();

  g_mkdir_with_parents (g_get_user_cache_dir (), 0700);
  assert_refuses (body, message, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (resilient_body_get_size (body), ==, -1);
  write_file (path, "hello");
  assert_applies (body, message, "text/plain", 5);
  g_assert_cmpint (resilient_body_get_size (body), ==, 5);
  forget_body (message);
  write_file (path, "olleh");
  assert_applies (body, message, "text/plain", 5);
  forget_body (message);
  write_file (path, "more than that");
  assert_refuses (body, message, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);

  /* For another call it is the file as it is now. */
  again = resilient_body_ref_for_call (body);
  assert_applies (again, message, "text/plain", 14);
}

typedef struct
{
  guint opened;
  guint destroyed;
  gboolean silent;
} Factory;

static GInputStream *
open_cb (gpointer user_data, GError **error)
{
  Factory *factory = user_data;

  if (++factory->opened < 3)
    return g_memory_input_stream_new_from_data ("abc", 3, NULL);
  if (!factory->silent)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "not now");
  return NULL;
}

static void
destroy_cb (gpointer user_data)
{
  ((Factory *) user_data)->destroyed++;
}

static void
test_factory (void)
{
  Factory factory = { 0 };
  ResilientBody *body = resilient_body_new_factory ("text/plain", open_cb, &factory, destroy_cb);
  g_autoptr (SoupMessage) message = new_message ();

  assert_applies (body, message, "text/plain", -1);
  forget_body (message);
  assert_applies (body, message, "text/plain", -1);
  g_assert_true (resilient_body_is_replayable (body));
  g_assert_cmpint (resilient_body_get_size (body), ==, -1);
  assert_refuses (body, message, G_IO_ERROR, G_IO_ERROR_BUSY);
  factory.silent = TRUE;
  assert_refuses (body, message, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  resilient_body_unref (body);
  g_assert_cmpuint (factory.destroyed, ==, 1);
}

/* A send that never begins to read gives the stream back; one that does spends it; two can't have
 * it at once. */
static void
test_stream (void)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("abc", 3, NULL);
  g_autoptr (ResilientBody) body = resilient_body_new_stream ("text/plain", stream, 3);
  g_autoptr (SoupMessage) first = new_message ();
  g_autoptr (SoupMessage) second = new_message ();

  g_assert_false (resilient_body_is_replayable (body));
  assert_applies (body, first, "text/plain", 3);
  assert_refuses (body, second, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_false (resilient_body_is_spent (body));
  resilient_body_release (body);
  assert_applies (body, second, "text/plain", 3);
  resilient_body_begin (body);
  g_assert_true (resilient_body_is_spent (body));
  resilient_body_release (body);
  assert_refuses (body, first, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  g_assert_true (resilient_body_is_spent (body));
  g_assert_cmpint (resilient_body_get_size (body), ==, 3);
}

static void
test_unknown_length (void)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("abc", 3, NULL);
  g_autoptr (ResilientBody) body = resilient_body_new_stream (NULL, stream, -1);
  g_autoptr (SoupMessage) message = new_message ();

  assert_applies (body, message, NULL, -1);
  g_assert_cmpint (resilient_body_get_size (body), ==, -1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/body/bytes", test_bytes);
  g_test_add_func ("/body/type", test_type);
  g_test_add_func ("/body/file", test_file);
  g_test_add_func ("/body/factory", test_factory);
  g_test_add_func ("/body/stream", test_stream);
  g_test_add_func ("/body/unknown-length", test_unknown_length);
  return g_test_run ();
}
