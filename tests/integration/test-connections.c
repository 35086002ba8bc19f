/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* How many connections there are: which requests share one, which get a new one, and which stay
 * open. What goes wrong while one is made. */

#define MANY 50
#define IN_TURN 40
#define IDLE_PER_HOST 6
#define IDLE_IN_ALL 32

static const char *const methods[] = { "POST", "PATCH" };

/* By whose session: ours alone; ours, shared with the app; the app's. */
typedef enum
{
  SESSION_OWN,
  SESSION_SHARED,
  SESSION_APP,
} Whose;

static void
take_session (ClientFixture *fixture, Whose whose)
{
  if (whose == SESSION_SHARED)
    g_assert_true (SOUP_IS_SESSION (resilient_client_share_session (fixture->client)));
  if (whose == SESSION_APP)
    {
      g_autoptr (SoupSession) session =
        soup_session_new_with_options ("max-conns", 1000, "max-conns-per-host", 1000, NULL);

      test_trust (session);
      client_dispose (fixture->client);
      fixture->client = resilient_client_new_with_session (session);
    }
}

static guint
count_open (ClientFixture *fixture)
{
  return fault_server_get_connections (fixture->server) - fault_server_get_closed (fixture->server);
}

static gboolean
is_trimmed (gpointer data)
{
  return count_open (data) <= IDLE_PER_HOST;
}

static gboolean
turn_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* The server notices in a thread of its own. */
static void
wait_trimmed (ClientFixture *fixture)
{
  guint source = g_timeout_add (1, turn_cb, NULL);

  test_run_until (is_trimmed, fixture);
  g_source_remove (source);
}

static void
send_ok (ClientFixture *fixture, const char *method, const char *path)
{
  g_autoptr (ResilientRequest) request = request_new (fixture, method, path);
  g_autoptr (GBytes) body = g_bytes_new_static ("x", 1);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  resilient_request_set_body_bytes (request, "text/plain", body);
  response = client_send (fixture, request, NULL, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

/* --- what can't be sent twice ----------------------------------------------------------------- */

static void
in_turn (ClientFixture *fixture, Whose whose)
{
  take_session (fixture, whose);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < IN_TURN; i++)
    send_ok (fixture, methods[i % 2], "/");
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, IN_TURN);
}

static void
test_in_turn (ClientFixture *fixture, gconstpointer flags)
{
  in_turn (fixture, SESSION_OWN);
}

static void
test_in_turn_seen (ClientFixture *fixture, gconstpointer flags)
{
  in_turn (fixture, SESSION_SHARED);
}

static void
test_in_turn_app (ClientFixture *fixture, gconstpointer flags)
{
  in_turn (fixture, SESSION_APP);
}

static void
test_blocking (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < IN_TURN; i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, methods[i % 2], "/");
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      response = resilient_client_send (fixture->client, request, NULL, NULL, &error);
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
}

static void
start_all (ClientFixture *fixture, TestResult *results, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ResilientRequest) request = request_new (fixture, methods[i % 2], "/");

      results[i] = (TestResult){ 0 };
      resilient_client_send_async (
        fixture->client, request, NULL, NULL, test_result_cb, &results[i]);
    }
}

static void
end_all (ClientFixture *fixture, TestResult *results, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response =
        resilient_client_send_finish (fixture->client, test_result_wait (&results[i]), &error);

      g_assert_no_error (error);
      assert_response (response, 200, "ok");
      test_result_clear (&results[i]);
    }
}

/* Waves of them: each opens what is missing, and leaves no more than a few. */
static void
waves (ClientFixture *fixture, Whose whose, guint n)
{
  TestResult results[MANY];

  /* Dozens of handshakes at a time wait for each other where both ends are in one process, whose
   * GTask has ten threads for all of them. */
  if (whose != SESSION_OWN && fault_server_get_flags (fixture->server) != FAULT_SERVER_PLAIN)
    n = MIN (n, 8);
  take_session (fixture, whose);
  resilient_client_set_max_concurrent_per_host (fixture->client, n);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint wave = 1; wave <= 5; wave++)
    {
      start_all (fixture, results, n);
      end_all (fixture, results, n);
      g_assert_cmpuint (fault_server_get_connections (fixture->server), <=, wave * n);
      wait_trimmed (fixture);
    }
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 5 * n);
  if (n <= IDLE_PER_HOST)
    g_assert_cmpuint (fault_server_get_connections (fixture->server), <=, n);
}

static void
test_six (ClientFixture *fixture, gconstpointer flags)
{
  waves (fixture, SESSION_OWN, IDLE_PER_HOST);
}

static void
test_six_seen (ClientFixture *fixture, gconstpointer flags)
{
  waves (fixture, SESSION_SHARED, IDLE_PER_HOST);
}

static void
test_fifty (ClientFixture *fixture, gconstpointer flags)
{
  waves (fixture, SESSION_OWN, MANY);
}

static void
test_fifty_seen (ClientFixture *fixture, gconstpointer flags)
{
  waves (fixture, SESSION_SHARED, MANY);
}

static void
test_fifty_app (ClientFixture *fixture, gconstpointer flags)
{
  waves (fixture, SESSION_APP, MANY);
}

/* A connection that looked well and was not: it is not known whether the request was processed, so
 * it is not sent again. */
static void
stale (ClientFixture *fixture, Whose whose)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (3);
  guint n = 0;

  take_session (fixture, whose);
  resilient_client_set_retry_policy (fixture->client, policy);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  fault_server_on (fixture->server, "/cut", fault_cut (), NULL);
  fault_server_on (fixture->server, "/reset", fault_reset (), NULL);
  for (guint i = 0; i < 4; i++)
    {
      const char *path = i % 2 == 0 ? "/cut" : "/reset";
      g_autoptr (ResilientRequest) request = request_new (fixture, methods[i / 2], path);
      g_autofree char *id = g_strdup_printf ("stale-%u", i);
      g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GError) error = NULL;

      send_ok (fixture, "GET", "/");
      g_assert_null (client_send (fixture, request, context, &error));
      g_assert_cmpint (error->domain, ==, G_IO_ERROR);
      result =
        assert_result (fixture, id, RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_DISCONNECT, 1);
      g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
      g_assert_cmpuint (fault_server_count (fixture->server, path), ==, 1 + i / 2);
      g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, ++n);
    }
}

static void
test_stale (ClientFixture *fixture, gconstpointer flags)
{
  stale (fixture, SESSION_OWN);
}

static void
test_stale_seen (ClientFixture *fixture, gconstpointer flags)
{
  stale (fixture, SESSION_SHARED);
}

/* The server closes what is idle: that is seen at once, and what is left costs no request. */
static void
closed (ClientFixture *fixture, Whose whose)
{
  take_session (fixture, whose);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 1; i <= 5; i++)
    {
      send_ok (fixture, "POST", "/");
      g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, i);
      fault_server_disconnect (fixture->server);
      fault_server_wait_closed (fixture->server, i);
    }
}

static void
test_closed (ClientFixture *fixture, gconstpointer flags)
{
  closed (fixture, SESSION_OWN);
}

static void
test_closed_seen (ClientFixture *fixture, gconstpointer flags)
{
  closed (fixture, SESSION_SHARED);
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* Sockets of this process that are connected to @port, our end of them. */
static guint
count_sockets (guint16 port)
{
  guint n = 0;

  for (int fd = 3; fd < 1024; fd++)
    {
      struct sockaddr_in address = { 0 };
      socklen_t length = sizeof address;
      guint16 peer = 0;

      if (getsockname (fd, (struct sockaddr *) &address, &length) != 0
          || address.sin_family != AF_INET || ntohs (address.sin_port) == port)
        continue;
      length = sizeof address;
      if (getpeername (fd, (struct sockaddr *) &address, &length) == 0)
        peer = ntohs (address.sin_port);
      n += peer == port;
    }
  return n;
}

typedef struct
{
  guint16 port;
  guint n;
} Sockets;

static gboolean
has_sockets (gpointer data)
{
  Sockets *sockets = data;

  return count_sockets (sockets->port) == sockets->n;
}

static void
wait_sockets (ClientFixture *fixture, guint n)
{
  Sockets sockets = { fault_server_get_port (fixture->server), n };
  guint source = g_timeout_add (1, turn_cb, NULL);

  test_run_until (has_sockets, &sockets);
  g_source_remove (source);
}

/* A connection that the server has closed does not keep its descriptor, though nobody wants it. */
static void
dropped (ClientFixture *fixture, Whose whose)
{
  TestResult results[IDLE_PER_HOST];

  take_session (fixture, whose);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  start_all (fixture, results, IDLE_PER_HOST);
  end_all (fixture, results, IDLE_PER_HOST);
  fault_server_disconnect (fixture->server);
  wait_sockets (fixture, 0);
  send_ok (fixture, "POST", "/");
  wait_sockets (fixture, 1);
}

static void
test_dropped (ClientFixture *fixture, gconstpointer flags)
{
  dropped (fixture, SESSION_OWN);
}

static void
test_dropped_seen (ClientFixture *fixture, gconstpointer flags)
{
  dropped (fixture, SESSION_SHARED);
}

/* The same of a server that answers and closes without having said so. */
static void
test_dropped_unsaid (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), fault_close (), NULL);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      response = client_get (fixture, "/", NULL, &error);
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
  wait_sockets (fixture, 0);
}

/* --- answers without a body ------------------------------------------------------------------- */

typedef struct
{
  const char *method;
  const char *head; /* what the server sends, raw */
  guint status;
  guint n_connections; /* of ten requests */
} Bodiless;

static const Bodiless bodiless[] = {
  { "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 1 },
  { "POST", "HTTP/1.1 204 No Content\r\n\r\n", 204, 1 },
  { "DELETE", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, 1 },
  { "GET", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, 1 },
  { "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, 1 },
  { "HEAD", "HTTP/1.1 200 OK\r\n\r\n", 200, 1 },
  { "HEAD", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n", 404, 1 },
  { "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, 1 },
  /* it closes, or says so */
  { "GET", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, 10 },
  { "HEAD", "HTTP/1.0 200 OK\r\n\r\n", 200, 10 },
  { "HEAD", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", 200, 1 },
  /* a body where none can be: what comes next must not take it for its answer */
  { "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, 10 },
  { "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, 10 },
  { "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 204, 10 },
  { "GET", "HTTP/1.1 204 No Content\r\n\r\nhello", 204, 10 },
  { "GET",
    "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    304,
    10 },
  { "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 10 },
};

static void
test_bodiless (ClientFixture *fixture, gconstpointer flags)
{
  guint before = 0;

  for (guint row = 0; row < G_N_ELEMENTS (bodiless); row++)
    {
      const Bodiless *line = &bodiless[row];
      guint connections;

      g_test_message ("%s %s", line->method, line->head);
      fault_server_on (fixture->server, "/", fault_send (line->head), NULL);
      for (guint i = 0; i < 10; i++)
        {
          g_autoptr (ResilientRequest) request = request_new (fixture, line->method, "/");
          g_autoptr (ResilientResponse) response = NULL;
          g_autoptr (GError) error = NULL;

          response = client_send (fixture, request, NULL, &error);
          g_assert_no_error (error);
          assert_response (response, line->status, "");
        }
      /* the next row begins with none */
      connections = fault_server_get_connections (fixture->server);
      g_assert_cmpuint (connections - before, ==, line->n_connections);
      fault_server_disconnect (fixture->server);
      fault_server_wait_closed (fixture->server, connections);
      before = connections;
    }
}

/* --- origins ---------------------------------------------------------------------------------- */

static void
test_spelling (ClientFixture *fixture, gconstpointer flags)
{
  const char *const hosts[] = { "localhost", "LOCALHOST", "LocalHost" };

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *uri =
        fault_server_uri_at (fixture->server, hosts[i % G_N_ELEMENTS (hosts)], "/");
      g_autoptr (ResilientRequest) request = resilient_request_new (i % 2 ? "GET" : "POST", uri);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;

      response = client_send (fixture, request, NULL, &error);
      g_assert_no_error (error);
      assert_response (response, 200, "ok");
    }
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 1);
}

/* Port 0 is not the default one. */
static void
test_port_zero (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "http://127.0.0.1:0/");
  g_autoptr (ResilientRequestContext) context = context_new ("zero", NULL);
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  resilient_client_set_retry_policy (fixture->client, policy);
  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_nonnull (error);
  result =
    assert_result (fixture, "zero", RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 1);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 0);
}

/* --- none left -------------------------------------------------------------------------------- */

/* No more than @n descriptors can be opened until the end of the block. */
typedef struct
{
  struct rlimit old;
} Shortage;

static guint
count_descriptors (void)
{
  struct rlimit limit;
  guint n = 0;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  for (int fd = 0; fd < (int) MIN (limit.rlim_cur, 4096); fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

/* Threads of what came before end by themselves, and what they close then is no shortage. */
static void
wait_until_settled (void)
{
  guint n_open = count_descriptors ();

  for (guint n_same = 0; n_same < 5; n_same++)
    {
      guint n;

      g_usleep (2000);
      n = count_descriptors ();
      if (n != n_open)
        n_same = 0;
      n_open = n;
    }
}

static void
shortage_init (Shortage *self, guint n)
{
  struct rlimit limit;
  guint n_free = 0;
  int fd = 0;

  wait_until_settled ();
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &self->old), ==, 0);
  for (; n_free < n || fcntl (fd, F_GETFD) >= 0; fd++)
    n_free += fcntl (fd, F_GETFD) < 0;
  limit = self->old;
  limit.rlim_cur = (rlim_t) fd;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
shortage_end (Shortage *self)
{
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &self->old), ==, 0);
}

static void
expect_ok (ResilientResponse *response, const GError *error)
{
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

/* The first call that needs the I/O thread finds no descriptor, or too few: an error of that call.
 * The next one works. */
static void
test_shortage_blocking (ClientFixture *fixture, gconstpointer flags)
{
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  send_ok (fixture, "GET", "/"); /* what the process opens once */
  for (guint n = 0; n < 4; n++)
    {
      g_autoptr (ResilientClient) client = resilient_client_new ();
      g_autofree char *uri = fault_server_uri (fixture->server, "/");
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
      g_autoptr (ResilientResponse) response = NULL;
      g_autoptr (GError) error = NULL;
      Shortage shortage;

      /* what the last one opened */
      fault_server_wait_closed (fixture->server, n);
      shortage_init (&shortage, n);
      response = resilient_client_send (client, request, NULL, NULL, &error);
      shortage_end (&shortage);
      g_assert_null (response);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
      g_clear_error (&error);
      response = resilient_client_send (client, request, NULL, NULL, &error);
      expect_ok (response, error);
    }
}

/* The same in a context that is not the client's own; and of a call. */
static void
test_shortage_elsewhere (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree char *uri = fault_server_uri (fixture->server, "/");
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) first = { 0 };
  g_auto (TestResult) second = { 0 };
  Shortage shortage;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  g_main_context_push_thread_default (context);
  shortage_init (&shortage, 0);
  resilient_client_send_async (fixture->client, request, NULL, NULL, test_result_cb, &first);
  call = resilient_client_start (fixture->client, request, NULL, NULL);
  shortage_end (&shortage);
  g_assert_null (resilient_client_send_finish (fixture->client, test_result_wait (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_clear_error (&error);

  resilient_client_send_async (fixture->client, request, NULL, NULL, test_result_cb, &second);
  response = resilient_client_send_finish (fixture->client, test_result_wait (&second), &error);
  expect_ok (response, error);
  g_main_context_pop_thread_default (context);

  g_assert_null (call_wait (call, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  stats = resilient_client_get_stats (fixture->client);
  g_assert_cmpuint (resilient_stats_get_refused (stats), ==, 2);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
}

/* No socket for the connection: nothing was sent, so that whatever it is, it goes out later. */
static void
test_shortage_connecting (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);
  Shortage shortage;

  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  send_ok (fixture, "POST", "/");
  fault_server_disconnect (fixture->server);
  fault_server_wait_closed (fixture->server, 1);
  wait_sockets (fixture, 0);
  resilient_client_set_retry_policy (fixture->client, policy);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *id = g_strdup_printf ("short-%u", i);
      g_autoptr (ResilientRequestContext) context = context_new (id, NULL);
      g_autoptr (ResilientRequest) request = request_new (fixture, methods[i], "/");
      g_autoptr (ResilientResult) result = NULL;
      g_autoptr (GError) error = NULL;

      shortage_init (&shortage, 0);
      g_assert_null (client_send (fixture, request, context, &error));
      shortage_end (&shortage);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
      result =
        assert_result (fixture, id, RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 1);
      g_assert_cmpuint (resilient_result_get_sends (result), ==, 0);
    }
  send_ok (fixture, "POST", "/");
}

/* --- what connect() says ---------------------------------------------------------------------- */

/* An address that can't be connected to, as a route or a firewall may say. */
#define TEST_TYPE_BARRED (test_barred_get_type ())
G_DECLARE_FINAL_TYPE (TestBarred, test_barred, TEST, BARRED, GObject)

struct _TestBarred
{
  GObject parent;
  int code;
  GSocketConnectable *way; /* once it is open; nullable */
};

#define TEST_TYPE_BARRED_ENUMERATOR (test_barred_enumerator_get_type ())
G_DECLARE_FINAL_TYPE (TestBarredEnumerator,
                      test_barred_enumerator,
                      TEST,
                      BARRED_ENUMERATOR,
                      GSocketAddressEnumerator)

struct _TestBarredEnumerator
{
  GSocketAddressEnumerator parent;
  int code;
};

G_DEFINE_FINAL_TYPE (TestBarredEnumerator, test_barred_enumerator, G_TYPE_SOCKET_ADDRESS_ENUMERATOR)

static GSocketAddress *
barred_next (GSocketAddressEnumerator *enumerator, GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, TEST_BARRED_ENUMERATOR (enumerator)->code, "No way");
  return NULL;
}

static void
test_barred_enumerator_class_init (TestBarredEnumeratorClass *klass)
{
  G_SOCKET_ADDRESS_ENUMERATOR_CLASS (klass)->next = barred_next;
}

static void
test_barred_enumerator_init (TestBarredEnumerator *self)
{
}

static GSocketAddressEnumerator *
barred_enumerate (GSocketConnectable *connectable)
{
  TestBarred *self = TEST_BARRED (connectable);
  TestBarredEnumerator *enumerator;

  if (self->way != NULL)
    return g_socket_connectable_enumerate (self->way);
  enumerator = g_object_new (TEST_TYPE_BARRED_ENUMERATOR, NULL);
  enumerator->code = self->code;
  return G_SOCKET_ADDRESS_ENUMERATOR (enumerator);
}

static void
barred_interface_init (GSocketConnectableIface *iface)
{
  iface->enumerate = barred_enumerate;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestBarred,
                               test_barred,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_SOCKET_CONNECTABLE,
                                                      barred_interface_init))

static void
barred_finalize (GObject *object)
{
  g_clear_object (&TEST_BARRED (object)->way);
  G_OBJECT_CLASS (test_barred_parent_class)->finalize (object);
}

static void
test_barred_class_init (TestBarredClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = barred_finalize;
}

static void
test_barred_init (TestBarred *self)
{
}

static void
go_by (ClientFixture *fixture, GSocketConnectable *connectable)
{
  g_autoptr (SoupSession) session =
    soup_session_new_with_options ("remote-connectable", connectable, NULL);

  test_trust (session);
  client_dispose (fixture->client);
  fixture->client = resilient_client_new_with_session (session);
}

/* Fails @n times, by whatever the policy retries: a POST too, as nothing was sent. */
static void
fail_to_connect (ClientFixture *fixture, const char *method, int code)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (2);
  g_autofree char *id = g_strdup_printf ("%s-%d", method, code);
  g_autoptr (ResilientRequestContext) context = context_new (id, policy);
  g_autoptr (ResilientRequest) request = request_new (fixture, method, "/");
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (client_send (fixture, request, context, &error));
  g_assert_error (error, G_IO_ERROR, code);
  result = assert_result (fixture, id, RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_CONNECT, 3);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 0);
}

static void
test_barred (ClientFixture *fixture, gconstpointer flags)
{
  /* EACCES and EPERM, EINVAL, ENOENT, and some that nobody thinks of */
  const int codes[] = {
    G_IO_ERROR_PERMISSION_DENIED, G_IO_ERROR_INVALID_ARGUMENT, G_IO_ERROR_NOT_FOUND,
    G_IO_ERROR_NOT_SUPPORTED,     G_IO_ERROR_ADDRESS_IN_USE,   G_IO_ERROR_TOO_MANY_OPEN_FILES,
    G_IO_ERROR_NO_SPACE,          G_IO_ERROR_EXISTS,
  };
  g_autoptr (TestBarred) barred = g_object_new (TEST_TYPE_BARRED, NULL);

  go_by (fixture, G_SOCKET_CONNECTABLE (barred));
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      barred->code = codes[i];
      fail_to_connect (fixture, "GET", codes[i]);
      fail_to_connect (fixture, "POST", codes[i]);
    }
  g_assert_cmpuint (fault_server_get_connections (fixture->server), ==, 0);
}

static void
open_way_cb (ResilientClient *client, ResilientEvent *event, gpointer data)
{
  TestBarred *barred = TEST_BARRED (g_object_get_data (G_OBJECT (client), "barred"));
  GSocketConnectable *way = data;

  g_set_object (&barred->way, way);
}

/* The next attempt finds the way open. */
static void
test_barred_opens (ClientFixture *fixture, gconstpointer flags)
{
  g_autoptr (TestBarred) barred = g_object_new (TEST_TYPE_BARRED, NULL);
  g_autoptr (GSocketConnectable) way =
    g_network_address_new ("127.0.0.1", fault_server_get_port (fixture->server));
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("opens", policy);
  g_autoptr (ResilientRequest) request = request_new (fixture, "POST", "/");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  barred->code = G_IO_ERROR_PERMISSION_DENIED;
  go_by (fixture, G_SOCKET_CONNECTABLE (barred));
  g_object_set_data (G_OBJECT (fixture->client), "barred", barred);
  g_signal_connect (fixture->client, "retry", G_CALLBACK (open_way_cb), way);
  fault_server_on (fixture->server, NULL, fault_answer (200, NULL, "ok"), NULL);
  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  result =
    assert_result (fixture, "opens", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 2);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 1);
  g_signal_handlers_disconnect_by_data (fixture->client, way);
}

/* What the kernel says of a local service that is being restarted. */
static void
test_missing_socket (ClientFixture *fixture, gconstpointer flags)
{
  g_autofree char *directory = g_dir_make_tmp ("resilient-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "socket", NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  go_by (fixture, G_SOCKET_CONNECTABLE (address));
  fail_to_connect (fixture, "GET", G_IO_ERROR_NOT_FOUND);
  fail_to_connect (fixture, "POST", G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

#define ALL(path, test)                                                                            \
  { path, test, FAULT_SERVER_PLAIN }, { path "/tls", test, FAULT_SERVER_TLS },                     \
  {                                                                                                \
    path "/http2", test, FAULT_SERVER_HTTP2                                                        \
  }
#define HTTP1(path, test)                                                                          \
  { path, test, FAULT_SERVER_PLAIN }, { path "/tls", test, FAULT_SERVER_TLS }

int
main (int argc, char **argv)
{
  static const ClientTest tests[] = {
    ALL ("/connections/in-turn", test_in_turn),
    ALL ("/connections/in-turn-seen", test_in_turn_seen),
    ALL ("/connections/in-turn-app", test_in_turn_app),
    ALL ("/connections/blocking", test_blocking),
    ALL ("/connections/six", test_six),
    ALL ("/connections/six-seen", test_six_seen),
    ALL ("/connections/fifty", test_fifty),
    ALL ("/connections/fifty-seen", test_fifty_seen),
    ALL ("/connections/fifty-app", test_fifty_app),
    HTTP1 ("/connections/stale", test_stale),
    HTTP1 ("/connections/stale-seen", test_stale_seen),
    ALL ("/connections/closed", test_closed),
    ALL ("/connections/closed-seen", test_closed_seen),
    HTTP1 ("/connections/dropped", test_dropped),
    HTTP1 ("/connections/dropped-seen", test_dropped_seen),
    HTTP1 ("/connections/dropped-unsaid", test_dropped_unsaid),
    HTTP1 ("/connections/bodiless", test_bodiless),
    ALL ("/connections/spelling", test_spelling),
    { "/connections/port-zero", test_port_zero, FAULT_SERVER_PLAIN },
    { "/connections/shortage-blocking", test_shortage_blocking, FAULT_SERVER_PLAIN },
    { "/connections/shortage-elsewhere", test_shortage_elsewhere, FAULT_SERVER_PLAIN },
    { "/connections/shortage-connecting", test_shortage_connecting, FAULT_SERVER_PLAIN },
    { "/connections/barred", test_barred, FAULT_SERVER_PLAIN },
    { "/connections/barred/tls", test_barred, FAULT_SERVER_TLS },
    { "/connections/barred-opens", test_barred_opens, FAULT_SERVER_PLAIN },
    { "/connections/missing-socket", test_missing_socket, FAULT_SERVER_PLAIN },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
