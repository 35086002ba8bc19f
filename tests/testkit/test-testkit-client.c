/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "kit-fixture.h"
#include "test-util.h"

/* What a client makes of each fault: a status, or the kind of its failure; and that it goes on from
 * there. */

#define BODY_LIMIT (1000 * 1000)
#define SHORT 0.1
#define LONG 20.0

/* libsoup may not notice that an HTTP/2 connection was cut amid a body. */
#define CUT (RESILIENT_FAILURE_DISCONNECT | RESILIENT_FAILURE_READ_TIMEOUT)

typedef struct
{
  ResilientTestFault fault;
  ResilientFailure http1; /* the kind of failure, or several that it may be */
  ResilientFailure http2;
  guint status; /* where there is no failure */
} Expected;

static const Expected table[] = {
  /* the reset may come before the client has seen that it is connected */
  { RESILIENT_TEST_FAULT_RESET_ON_ACCEPT,
    RESILIENT_FAILURE_DISCONNECT | RESILIENT_FAILURE_CONNECT,
    RESILIENT_FAILURE_TLS | RESILIENT_FAILURE_CONNECT },
  { RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_TLS },
  { RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_TLS },
  { RESILIENT_TEST_FAULT_TLS_CUT, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_TLS },
  { RESILIENT_TEST_FAULT_TLS_SILENCE, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_CONNECT_TIMEOUT },
  { RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE,
    RESILIENT_FAILURE_NONE,
    RESILIENT_FAILURE_CERTIFICATE },
  { RESILIENT_TEST_FAULT_WRONG_HOST, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_CERTIFICATE },
  { RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_SILENCE, RESILIENT_FAILURE_READ_TIMEOUT, RESILIENT_FAILURE_READ_TIMEOUT },
  { RESILIENT_TEST_FAULT_CUT_STATUS_LINE,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_CUT_HEADERS, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_CUT_BODY, RESILIENT_FAILURE_DISCONNECT, CUT },
  { RESILIENT_TEST_FAULT_RESET_IN_BODY, RESILIENT_FAILURE_DISCONNECT, CUT },
  { RESILIENT_TEST_FAULT_CUT_CHUNK, RESILIENT_FAILURE_DISCONNECT, CUT },
  { RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS, RESILIENT_FAILURE_DISCONNECT, CUT },
  { RESILIENT_TEST_FAULT_CUT_GZIP, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_CORRUPT_GZIP, RESILIENT_FAILURE_PROTOCOL, RESILIENT_FAILURE_PROTOCOL },
  { RESILIENT_TEST_FAULT_SILENCE_IN_BODY,
    RESILIENT_FAILURE_READ_TIMEOUT,
    RESILIENT_FAILURE_READ_TIMEOUT },
  { RESILIENT_TEST_FAULT_DRIP, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 200 },
  { RESILIENT_TEST_FAULT_GARBAGE, RESILIENT_FAILURE_PROTOCOL, RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_HEADER_FLOOD, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_FAILURE_DISCONNECT },
  { RESILIENT_TEST_FAULT_ENDLESS_BODY, RESILIENT_FAILURE_TOO_LARGE, RESILIENT_FAILURE_TOO_LARGE },
  { RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT,
    RESILIENT_FAILURE_NONE,
    RESILIENT_FAILURE_PROTOCOL,
    200 },
  { RESILIENT_TEST_FAULT_LENGTH_TOO_LONG,
    RESILIENT_FAILURE_READ_TIMEOUT,
    RESILIENT_FAILURE_PROTOCOL },
  { RESILIENT_TEST_FAULT_LENGTH_INVALID, RESILIENT_FAILURE_PROTOCOL, RESILIENT_FAILURE_PROTOCOL },
  { RESILIENT_TEST_FAULT_INFORMATIONAL, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 200 },
  { RESILIENT_TEST_FAULT_REDIRECT_NOWHERE, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 302 },
  { RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 429 },
  { RESILIENT_TEST_FAULT_UNAVAILABLE, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 503 },
  { RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 200 },
  { RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE, RESILIENT_FAILURE_NONE, RESILIENT_FAILURE_NONE, 200 },
  { RESILIENT_TEST_FAULT_GOAWAY, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_NONE, 200 },
  { RESILIENT_TEST_FAULT_REFUSED_STREAM,
    RESILIENT_FAILURE_DISCONNECT,
    RESILIENT_FAILURE_NONE,
    200 },
  { RESILIENT_TEST_FAULT_RESET_STREAM, RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_DISCONNECT },
};

typedef struct
{
  guint i;
  ResilientTestServerFlags flags;
} Case;

static void
closed_cb (GObject *client, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *) user_data = resilient_client_close_finish (RESILIENT_CLIENT (client), result, NULL);
}

static void
client_end (ResilientClient *client)
{
  gboolean closed = FALSE;

  resilient_client_close_async (client, 0.0, NULL, closed_cb, &closed);
  test_run_until_true (&closed);
  g_object_unref (client);
}

/* @timeouts: what a short time is to end; all others are much too long. */
static ResilientResult *
send (ResilientClient *client,
      ResilientTestServer *server,
      const char *id,
      ResilientRetryPolicy *policy,
      ResilientFailure timeouts)
{
  g_autofree char *uri = resilient_test_server_get_uri (server, "/x");
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (id, policy, NULL, NULL);
  g_autoptr (ResilientResponse) response = NULL;

  resilient_request_set_connect_timeout (
    request, timeouts & RESILIENT_FAILURE_CONNECT_TIMEOUT ? SHORT : LONG);
  resilient_request_set_read_timeout (request,
                                      timeouts & RESILIENT_FAILURE_READ_TIMEOUT ? SHORT : LONG);
  response = resilient_client_send (client, request, context, NULL, NULL);

  return resilient_client_get_result (client, id);
}

static void
test_fault (gconstpointer data)
{
  const Case *self = data;
  const Expected *expected = &table[self->i];
  ResilientFailure failure =
    self->flags & RESILIENT_TEST_SERVER_HTTP2 ? expected->http2 : expected->http1;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientTestServer) server = server_new (self->flags);
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (ResilientResult) next = NULL;
  ResilientResponse *response;
  g_autoptr (ResilientRetryPolicy) patient = NULL;
  ResilientClient *client;

  resilient_retry_policy_builder_set_base_delay (builder, 0.0);
  patient = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  /* libsoup keeps a place for an HTTP/2 connection that was cut amid a body */
  test_allow_warning ("libsoup", "conns");
  test_allow_warning ("libsoup", "while still connected");
  test_allow_warning ("libsoup-http2", "Unexpected state changed");
  client = client_new (server);
  resilient_client_set_max_response_size (client, BODY_LIMIT);
  resilient_test_server_enqueue_fault (server, expected->fault);
  resilient_test_server_set_response (server, NULL, 200, NULL, NULL);
  result = send (client, server, "fault", NULL, failure);
  response = resilient_result_get_response (result);
  g_assert_cmphex (resilient_result_get_failure (result) & ~failure, ==, 0);
  g_assert_cmpint (resilient_result_get_failure (result) == 0, ==, failure == 0);
  if (failure == RESILIENT_FAILURE_NONE)
    g_assert_cmpuint (resilient_response_get_status_code (response), ==, expected->status);
  else
    g_assert_null (response);

  /* the connection may be one that is about to be closed */
  next = send (client, server, "next", patient, 0);
  g_assert_true (resilient_result_is_success (next));
  client_end (client);
}

static gboolean
needs_tls (ResilientTestFault fault)
{
  return fault >= RESILIENT_TEST_FAULT_TLS_CUT && fault <= RESILIENT_TEST_FAULT_WRONG_HOST;
}

static void
add (const char *protocol, ResilientTestServerFlags flags)
{
  g_autoptr (GEnumClass) faults = g_type_class_ref (RESILIENT_TEST_TYPE_FAULT);

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      const char *nick = g_enum_get_value (faults, table[i].fault)->value_nick;
      g_autofree char *path = g_strdup_printf ("/testkit-client/%s/%s", protocol, nick);
      Case *data = g_new0 (Case, 1);

      data->i = i;
      data->flags = flags;
      if (flags == RESILIENT_TEST_SERVER_NONE && needs_tls (table[i].fault))
        g_free (data);
      else
        g_test_add_data_func_full (path, data, test_fault, g_free);
    }
}

/* A redirect that leads to itself for ever. */
static void
test_redirect_loop (void)
{
  g_autoptr (ResilientTestServer) server = resilient_test_server_new (NULL);
  ResilientClient *client = client_new (server);
  g_autoptr (ResilientResult) result = NULL;

  resilient_test_server_set_fault (server, NULL, RESILIENT_TEST_FAULT_REDIRECT_LOOP);
  result = send (client, server, "loop", NULL, 0);
  g_assert_cmphex (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_REDIRECT);
  client_end (client);
}

static void
test_door (void)
{
  g_autoptr (ResilientTestServer) server = resilient_test_server_new (NULL);
  ResilientClient *client = client_new (server);
  g_autoptr (ResilientResult) refused = NULL;
  g_autoptr (ResilientResult) stuck = NULL;

  resilient_test_server_set_fault (server, NULL, RESILIENT_TEST_FAULT_REFUSE);
  refused = send (client, server, "refused", NULL, 0);
  g_assert_cmphex (resilient_result_get_failure (refused), ==, RESILIENT_FAILURE_CONNECT);
  resilient_test_server_set_fault (server, NULL, RESILIENT_TEST_FAULT_FULL_BACKLOG);
  stuck = send (client, server, "stuck", NULL, RESILIENT_FAILURE_CONNECT_TIMEOUT);
  g_assert_cmphex (resilient_result_get_failure (stuck), ==, RESILIENT_FAILURE_CONNECT_TIMEOUT);
  client_end (client);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  add ("http1", RESILIENT_TEST_SERVER_NONE);
  add ("http2", RESILIENT_TEST_SERVER_HTTP2);
  g_test_add_func ("/testkit-client/redirect-loop", test_redirect_loop);
  g_test_add_func ("/testkit-client/door", test_door);

  return g_test_run ();
}
