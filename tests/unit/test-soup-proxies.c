/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "soup-fixture.h"

/* HTTP proxies of the settings whose URI has a user and a password. */

#define GOOD "Basic am9lOnNlY3JldA==" /* joe:secret */

typedef enum
{
  PROXY_KEEPS,  /* its connections */
  PROXY_CLOSES, /* those on which it has refused */
  PROXY_FLOODS, /* answers with interim responses without end */
} ProxyManner;

/* A proxy that asks for credentials. One thread for each connection. */
typedef struct
{
  GSocketService *service;
  guint16 port;
  ProxyManner manner;
  const char *challenge;
  GMutex lock;
  GPtrArray *requests; /* under the lock: their first lines */
} Proxy;

/* The head of a request, split at its lines; NULL at the end of the connection. */
static char **
read_head (GDataInputStream *input)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (;;)
    {
      char *line = g_data_input_stream_read_line (input, NULL, NULL, NULL);

      if (line == NULL)
        return NULL;
      if (*line == '\0')
        {
          g_free (line);
          break;
        }
      g_ptr_array_add (lines, line);
    }
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&lines), FALSE);
}

static const char *
get_header (char **lines, const char *name)
{
  gsize length = strlen (name);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_ascii_strncasecmp (lines[i], name, length) == 0 && lines[i][length] == ':')
      return lines[i] + length + 2;
  return NULL;
}

static gboolean
say (GIOStream *stream, const char *text)
{
  return g_output_stream_write_all (
    g_io_stream_get_output_stream (stream), text, strlen (text), NULL, NULL, NULL);
}

static gpointer
pass_back (gpointer data)
{
  GIOStream **streams = data;

  g_output_stream_splice (g_io_stream_get_output_stream (streams[0]),
                          g_io_stream_get_input_stream (streams[1]),
                          G_OUTPUT_STREAM_SPLICE_NONE,
                          NULL,
                          NULL);
  g_socket_shutdown (
    g_socket_connection_get_socket (G_SOCKET_CONNECTION (streams[0])), FALSE, TRUE, NULL);
  return NULL;
}

/* Passes bytes on in both directions until one side ends. */
static void
run_tunnel (GIOStream *stream, GInputStream *input, const char *target)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) origin =
    g_socket_client_connect_to_host (client, target, 443, NULL, NULL);
  GIOStream *streams[] = { stream, G_IO_STREAM (origin) };
  GThread *thread;

  g_assert_nonnull (origin);
  if (!say (stream, "HTTP/1.1 200 Connection established\r\n\r\n"))
    return;
  thread = g_thread_new ("tunnel", pass_back, streams);
  g_output_stream_splice (
    g_io_stream_get_output_stream (streams[1]), input, G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_socket_shutdown (g_socket_connection_get_socket (origin), TRUE, TRUE, NULL);
  g_thread_join (thread);
}

/* FALSE: the connection is over. */
static gboolean
serve (Proxy *self, GIOStream *stream, GDataInputStream *input)
{
  g_auto (GStrv) lines = read_head (input);
  g_auto (GStrv) words = NULL;
  g_autofree char *body = NULL;
  g_autofree char *answer = NULL;
  const char *length;
  gsize size = 0;

  if (lines == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->requests, g_strdup (lines[0]));
  g_mutex_unlock (&self->lock);
  words = g_strsplit (lines[0], " ", 3);
  length = get_header (lines, "Content-Length");
  if (length != NULL)
    size = (gsize) g_ascii_strtoull (length, NULL, 10);
  body = g_malloc0 (size + 1);
  if (get_header (lines, "Expect") != NULL)
    {
      if (g_strcmp0 (get_header (lines, "Proxy-Authorization"), GOOD) != 0)
        {
          /* to the head alone, and then it waits for the body for as long as the peer does */
          answer = g_strdup_printf (
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: %s\r\nContent-Length: 4\r\n\r\nwho?",
            self->challenge);
          if (say (stream, answer))
            g_input_stream_read_all (G_INPUT_STREAM (input), body, size, NULL, NULL, NULL);
          return FALSE;
        }
      if (!say (stream, "HTTP/1.1 100 Continue\r\n\r\n"))
        return FALSE;
    }
  g_input_stream_read_all (G_INPUT_STREAM (input), body, size, NULL, NULL, NULL);

  while (self->manner == PROXY_FLOODS)
    if (!say (stream, "HTTP/1.1 102 Processing\r\n\r\n"))
      return FALSE;
  if (g_strcmp0 (get_header (lines, "Proxy-Authorization"), GOOD) != 0)
    {
      answer = g_strdup_printf (
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: %s\r\nContent-Length: 4\r\n%s\r\nwho?",
        self->challenge,
        self->manner == PROXY_CLOSES ? "Connection: close\r\n" : "");
      return say (stream, answer) && self->manner != PROXY_CLOSES;
    }
  if (g_str_equal (words[0], "CONNECT"))
    {
      run_tunnel (stream, G_INPUT_STREAM (input), words[1]);
      return FALSE;
    }
  answer = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s %s",
                            strlen (words[1]) + 1 + size,
                            words[1],
                            body);
  return say (stream, answer);
}

static gboolean
run_cb (GThreadedSocketService *service,
        GSocketConnection *connection,
        GObject *source,
        gpointer data)
{
  g_autoptr (GDataInputStream) input =
    g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));

  g_data_input_stream_set_newline_type (input, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  while (serve (data, G_IO_STREAM (connection), input))
    ;
  return TRUE;
}

static void
proxy_init (Proxy *self, ProxyManner manner, const char *challenge)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  self->manner = manner;
  self->challenge = challenge;
  g_mutex_init (&self->lock);
  self->requests = g_ptr_array_new_with_free_func (g_free);
  self->service = g_threaded_socket_service_new (-1);
  g_signal_connect (self->service, "run", G_CALLBACK (run_cb), self);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service),
                                 address,
                                 G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP,
                                 NULL,
                                 &bound,
                                 &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static gboolean
is_idle (gpointer service)
{
  return g_atomic_int_get (&((GObject *) service)->ref_count) == 1;
}

/* After the session has closed its connections: each thread has a reference. */
static void
proxy_clear (Proxy *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  while (!is_idle (self->service))
    g_main_context_iteration (NULL, FALSE);
  g_object_unref (self->service);
  g_ptr_array_unref (self->requests);
  g_mutex_clear (&self->lock);
}

static void
use_proxy (Fixture *fixture, Proxy *proxy, const char *password)
{
  g_autofree char *uri = g_strdup_printf ("http://joe:%s@127.0.0.1:%u", password, proxy->port);
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);

  soup_session_set_proxy_resolver (fixture->session, resolver);
}

static Run *
run_new_by_proxy (Fixture *fixture, const char *method)
{
  return g_str_equal (method, "GET")
           ? run_new_for (fixture, method, "/page")
           : run_new (fixture, request_with_body (fixture, method, "/page", "the body"));
}

/* Each request to the proxy asks for what the app asked for, and for nothing of the proxy's own. */
static guint
count_requests (Proxy *self, const char *target)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->requests->len;
  for (guint i = 0; i < n; i++)
    {
      g_auto (GStrv) words = g_strsplit (self->requests->pdata[i], " ", 3);

      g_assert_cmpstr (words[1], ==, target);
    }
  g_mutex_unlock (&self->lock);
  return n;
}

static const char *const methods[] = { "GET", "POST" };
static const ProxyManner manners[] = { PROXY_KEEPS, PROXY_CLOSES };

static void
test_http (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods) * G_N_ELEMENTS (manners); i++)
    {
      Proxy proxy = { 0 };
      guint n = 0;

      proxy_init (&proxy, manners[i / 2], "Basic realm=\"p\"");
      {
        g_auto (Fixture) fixture = { 0 };
        g_autofree char *uri = NULL;
        g_autofree char *expected = NULL;

        fixture_init (&fixture, FAULT_SERVER_PLAIN);
        use_proxy (&fixture, &proxy, "secret");
        uri = fault_server_uri (fixture.server, "/page");
        expected = g_strdup_printf ("%s %s", uri, i % 2 ? "the body" : "");
        for (guint round = 0; round < 2; round++)
          {
            g_autoptr (Run) run = run_new_by_proxy (&fixture, methods[i % 2]);
            g_autofree char *final = NULL;

            run_through (run);
            assert_response (run, 200, expected);
            g_assert_cmpuint (run->outcome.sends, ==, 1);
            final = g_uri_to_string (resilient_response_get_uri (run->outcome.response));
            g_assert_cmpstr (final, ==, uri);
          }
        n = count_requests (&proxy, uri);
      }
      /* the first is asked for credentials, the second has them */
      g_assert_cmpuint (n, ==, 3);
      proxy_clear (&proxy);
    }
}

static void
test_http_wrong_password (void)
{
  const struct
  {
    const char *challenge;
    guint n;
  } cases[] = {
    { "Basic realm=\"p\"", 2 },
    { "Digest realm=\"p\", nonce=\"n\", qop=\"auth\"", 3 },
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    for (guint i = 0; i < G_N_ELEMENTS (methods) * G_N_ELEMENTS (manners); i++)
      {
        Proxy proxy = { 0 };
        guint n = 0;

        proxy_init (&proxy, manners[i / 2], cases[c].challenge);
        {
          g_auto (Fixture) fixture = { 0 };
          g_autofree char *uri = NULL;
          g_autofree char *final = NULL;
          g_autoptr (Run) run = NULL;

          fixture_init (&fixture, FAULT_SERVER_PLAIN);
          use_proxy (&fixture, &proxy, "wrong");
          uri = fault_server_uri (fixture.server, "/page");
          run = run_new_by_proxy (&fixture, methods[i % 2]);
          run_through (run);
          assert_response (run, 407, "who?");
          final = g_uri_to_string (resilient_response_get_uri (run->outcome.response));
          g_assert_cmpstr (final, ==, uri);
          n = count_requests (&proxy, uri);
        }
        g_assert_cmpuint (n, ==, cases[c].n);
        proxy_clear (&proxy);
      }
}

/* The proxy refuses an upload by its head, and waits. The body is sent once, after the credentials;
 * without good ones the answer is delivered. */
static void
test_http_upload (void)
{
  const char *const challenges[] = { "Basic realm=\"p\"",
                                     "Digest realm=\"p\", nonce=\"n\", qop=\"auth\"" };
  const gsize size = 2 * 1024 * 1024;
  g_autofree char *large = g_strnfill (size, 'x');

  for (guint c = 0; c < G_N_ELEMENTS (challenges); c++)
    for (guint i = 0; i < 2 * G_N_ELEMENTS (methods); i++)
      {
        gboolean good = c == 0 && i < 2;
        Proxy proxy = { 0 };

        g_test_message ("%s %u", challenges[c], i);
        proxy_init (&proxy, PROXY_KEEPS, challenges[c]);
        {
          g_auto (Fixture) fixture = { 0 };
          g_autofree char *uri = NULL;
          g_autofree char *expected = NULL;
          g_autoptr (Run) run = NULL;

          fixture_init (&fixture, FAULT_SERVER_PLAIN);
          use_proxy (&fixture, &proxy, good ? "secret" : "wrong");
          uri = fault_server_uri (fixture.server, "/page");
          expected = g_strdup_printf ("%s %s", uri, large);
          run = run_new (&fixture,
                         request_with_body (&fixture, i % 2 ? "PUT" : "POST", "/page", large));
          run_through (run);
          assert_response (run, good ? 200 : 407, good ? expected : "who?");
          g_assert_cmpuint (run->outcome.sends, ==, 1);
          g_assert_cmpint (run->sent, ==, good ? (gint64) size : 0);
          g_assert_cmpuint (count_requests (&proxy, uri), <=, 3);
        }
        proxy_clear (&proxy);
      }
}

static void
test_https (void)
{
  const char *passwords[] = { "secret", "wrong" };

  for (guint p = 0; p < G_N_ELEMENTS (passwords); p++)
    for (guint i = 0; i < G_N_ELEMENTS (methods) * G_N_ELEMENTS (manners); i++)
      {
        Proxy proxy = { 0 };
        guint n = 0;

        g_test_message ("%s %u", passwords[p], i);
        proxy_init (&proxy, manners[i / 2], "Basic realm=\"p\"");
        {
          g_auto (Fixture) fixture = { 0 };
          g_autofree char *target = NULL;
          g_autoptr (Run) run = NULL;

          fixture_init (&fixture, FAULT_SERVER_TLS);
          fault_server_on (fixture.server, "/page", fault_answer (200, NULL, "there"), NULL);
          use_proxy (&fixture, &proxy, passwords[p]);
          target = g_strdup_printf ("127.0.0.1:%u", fault_server_get_port (fixture.server));
          run = run_new_by_proxy (&fixture, methods[i % 2]);
          run_through (run);
          if (p == 0)
            {
              assert_response (run, 200, "there");
              g_assert_cmpuint (run->outcome.sends, ==, 1);
              if (i % 2)
                assert_record_body (fixture.server, 0, "POST", "the body");
            }
          else
            {
              assert_failure (
                run, RESILIENT_FAILURE_CONNECT, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED);
              g_assert_true (run->outcome.nothing_sent);
              g_assert_cmpuint (fault_server_get_connections (fixture.server), ==, 0);
            }
          n = count_requests (&proxy, target);
        }
        g_assert_cmpuint (n, ==, 2);
        proxy_clear (&proxy);
      }
}

/* Interim responses without end, to a request and to one for a tunnel. */
static void
test_flood (void)
{
  const FaultServerFlags flags[] = { FAULT_SERVER_PLAIN, FAULT_SERVER_TLS };

  for (guint t = 0; t < G_N_ELEMENTS (flags); t++)
    for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
      {
        Proxy proxy = { 0 };

        proxy_init (&proxy, PROXY_FLOODS, NULL);
        {
          g_auto (Fixture) fixture = { 0 };
          g_autoptr (Run) run = NULL;

          fixture_init (&fixture, flags[t]);
          use_proxy (&fixture, &proxy, "secret");
          run = run_new_by_proxy (&fixture, methods[i]);
          run_through (run);
          assert_failure (
            run, RESILIENT_FAILURE_PROTOCOL, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING);
          g_assert_cmpuint (run->outcome.sends, ==, t == 0 ? 1 : 0);
        }
        proxy_clear (&proxy);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/soup-proxies/http", test_http);
  g_test_add_func ("/soup-proxies/http/wrong-password", test_http_wrong_password);
  g_test_add_func ("/soup-proxies/http/upload", test_http_upload);
  g_test_add_func ("/soup-proxies/https", test_https);
  g_test_add_func ("/soup-proxies/flood", test_flood);
  return g_test_run ();
}
