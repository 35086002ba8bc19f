/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What G_MESSAGES_DEBUG=Resilient tells of a request, and what it never tells. */

#include "config.h"

#include "client-fixture.h"

static GMutex lock;
static GPtrArray *lines; /* under the lock */

static const char *
get_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key))
      return fields[i].value;
  return "";
}

static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (level != G_LOG_LEVEL_DEBUG
      || !g_str_equal (get_field (fields, n_fields, "GLIB_DOMAIN"), "Resilient"))
    return g_log_writer_default (level, fields, n_fields, NULL);
  g_mutex_lock (&lock);
  g_ptr_array_add (lines, g_strdup (get_field (fields, n_fields, "MESSAGE")));
  g_mutex_unlock (&lock);
  return G_LOG_WRITER_HANDLED;
}

static gboolean
is_next (const char *line, const char *id, const char *part)
{
  return g_str_has_prefix (line, id) && strstr (line, part) != NULL;
}

/* All of them in this order, others in between. */
static void
assert_story (const char *id, const char *const parts[])
{
  guint n = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; i < lines->len && parts[n] != NULL; i++)
    if (is_next (lines->pdata[i], id, parts[n]))
      n++;
  if (parts[n] != NULL)
    for (guint i = 0; i < lines->len; i++)
      g_test_message ("%s", (char *) lines->pdata[i]);
  g_mutex_unlock (&lock);
  g_assert_cmpstr (parts[n], ==, NULL);
}

static void
forget (void)
{
  g_mutex_lock (&lock);
  g_ptr_array_set_size (lines, 0);
  g_mutex_unlock (&lock);
}

static void
test_retry (ClientFixture *fixture, gconstpointer flags)
{
  const FaultServerFlags kind = GPOINTER_TO_UINT (flags);
  const gboolean http2 = kind == FAULT_SERVER_HTTP2;
  const char *const story[] = {
    "attempt 1: has a slot",
    "/busy by libsoup",
    "attempt 1: leased a connection: new",
    "attempt 1: connected",
    "attempt 1: sent over a connection that is new",
    http2 ? "attempt 1: answered 503 over HTTP/2" : "attempt 1: answered 503 over HTTP/1",
    "status 503: again, retry",
    "attempt 2: comes after a sleep of",
    "attempt 2: has a slot",
    "attempt 2: leased a connection: ",
    "attempt 2: sent over a connection that is ",
    "attempt 2: answered 200",
    "attempt 2: has its answer, of 2 bytes",
    "attempt 2: ended the request, after",
    NULL,
  };
  const char *const secure[] = {
    "attempt 1: connected",
    http2 ? "attempt 1: TLS is there, for h2" : "attempt 1: TLS is there, for ",
    "attempt 1: sent",
    NULL,
  };
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientRequestContext) context = context_new ("told", policy);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  forget ();
  fault_server_next (fixture->server, "/busy", fault_answer (503, NULL, "busy"), NULL);
  fault_server_on (fixture->server, "/busy", fault_answer (200, NULL, "ok"), NULL);
  response = client_get (fixture, "/busy", context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  assert_story ("told, ", story);
  if (kind != FAULT_SERVER_PLAIN)
    assert_story ("told, ", secure);
}

static void
test_failure (ClientFixture *fixture, gconstpointer flags)
{
  const char *const story[] = {
    "attempt 1: failed while ",
    "the last, not-idempotent",
    "attempt 1: ended the request",
    NULL,
  };
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientRequestContext) context = context_new ("failed", policy);
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  forget ();
  fault_server_on (fixture->server, "/", fault_close (), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_null (response);
  assert_story ("failed, ", story);
}

static void
test_queue (ClientFixture *fixture, gconstpointer flags)
{
  /* its slot comes when the other has let go of its connection */
  const char *const story[] = {
    "attempt 1: queued for a slot",
    "attempt 1: GET",
    "attempt 1: leased a connection: kept, and idle",
    "attempt 1: sent over a connection that is kept",
    NULL,
  };
  g_auto (TestResult) first = { 0 };
  g_auto (TestResult) second = { 0 };
  g_autoptr (ResilientRequestContext) context = context_new ("queued", NULL);
  g_autoptr (ResilientResponse) first_response = NULL;
  g_autoptr (ResilientResponse) second_response = NULL;
  g_autoptr (GError) error = NULL;

  forget ();
  resilient_client_set_max_concurrent (fixture->client, 1);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/first", NULL, NULL, &first);
  client_start_get (fixture, "/second", context, NULL, &second);
  first_response = client_end_get (fixture, &first, &error);
  g_assert_no_error (error);
  second_response = client_end_get (fixture, &second, &error);
  g_assert_no_error (error);
  assert_story ("queued, ", story);
}

/* Where one may be: in headers, by any name, in a query, in a URI's user, in a place to go to, in
 * cookies that a server sets, in what a server says. */
static void
test_secrets (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (1);
  g_autoptr (ResilientRequestContext) context = context_new ("silent", policy);
  g_autofree char *plain =
    fault_server_uri (fixture->server, "/from?key=hush-1&name=hush-2&hush-3");
  g_autofree char *uri = NULL;
  g_autofree char *to = fault_server_uri (fixture->server, "/to?token=hush-4#hush-5");
  g_autoptr (ResilientRequest) request = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  const char *host = strstr (plain, "://") + strlen ("://");

  forget ();
  uri = g_strdup_printf ("%.*shush-6:hush-7@%s", (int) (host - plain), plain, host);
  request = resilient_request_new ("GET", uri);
  resilient_request_set_header (request, "Authorization", "Bearer hush-8");
  resilient_request_set_header (request, "Cookie", "session=hush-9");
  resilient_request_set_header (request, "X-Api-Key", "hush-10");
  resilient_request_mark_header_secret (request, "X-Api-Key");
  fault_server_next (
    fixture->server, "/from", fault_answer (503, "Set-Cookie: id=hush-11", "hush-12"), NULL);
  fault_server_on (fixture->server, "/from", fault_redirect (302, to), NULL);
  fault_server_on (fixture->server, "/to", fault_close (), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_null (response);

  g_mutex_lock (&lock);
  g_assert_cmpuint (lines->len, >, 10);
  for (guint i = 0; i < lines->len; i++)
    {
      const char *line = lines->pdata[i];

      if (strstr (line, "hush") != NULL)
        g_error ("it tells a secret: %s", line);
    }
  g_mutex_unlock (&lock);
  assert_story (
    "silent, ",
    (const char *const[]){ "@127.0.0.1", "/from?key=…&name=…&… by", "/to?token=… by", NULL });
}

int
main (int argc, char *argv[])
{
  static const ClientTest tests[] = {
    { "/story/retry/plain", test_retry, FAULT_SERVER_PLAIN },
    { "/story/retry/tls", test_retry, FAULT_SERVER_TLS },
    { "/story/retry/http2", test_retry, FAULT_SERVER_HTTP2 },
    { "/story/failure", test_failure, FAULT_SERVER_PLAIN },
    { "/story/queue", test_queue, FAULT_SERVER_PLAIN },
    { "/story/secrets", test_secrets, FAULT_SERVER_PLAIN },
  };
  int result;

  /* before the library reads it */
  g_setenv ("G_MESSAGES_DEBUG", "Resilient", TRUE);
  lines = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (write_cb, NULL, NULL);
  result = client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
  g_ptr_array_unref (lines);
  return result;
}
