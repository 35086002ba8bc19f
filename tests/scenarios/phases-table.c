/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "test-clock.h"
#include "held-resolver.h"
#include "phases-private.h"

/* How a request is brought into each phase, by nothing but the public interface and the server. */

/* More than a kernel buffers, and more than a window of HTTP/2. */
#define UPLOAD_SIZE (16 * 1024 * 1024)
#define UPLOAD_SIZE_HTTP2 (1024 * 1024)
/* Enough to ask for "100 Continue" first. */
#define EXPECTING_SIZE (2 * 1024 * 1024)
#define EVERYTHING G_MAXUINT64
#define FLOOD 2000

static FaultServer *
server (Cell *self)
{
  return self->fixture.server;
}

static void
serve_held (Cell *self)
{
  fault_server_on (server (self), "/", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
}

static void
open_go (Cell *self)
{
  fault_server_open (server (self), "go");
}

static void
wait_held_go (Cell *self)
{
  fault_server_wait_held (server (self), "go", 1);
}

/* --- before it is sent ------------------------------------------------------------------------ */

static void
prepare_queued (Cell *self)
{
  cell_start_other (self, "/other", "other");
}

static void
reach_queued (Cell *self)
{
  cell_wait_state (self, RESILIENT_CALL_STATE_QUEUED);
  test_run_pending ();
}

static void
open_other (Cell *self)
{
  fault_server_open (server (self), "other");
}

static void
go_by_name (Cell *self, const char *host)
{
  g_autofree char *uri = fault_server_uri_at (server (self), host, "/");

  g_object_unref (self->request);
  self->request = resilient_request_new ("GET", uri);
}

static void
prepare_resolving (Cell *self)
{
  go_by_name (self, "held.test");
}

static void
prepare_stubborn (Cell *self)
{
  go_by_name (self, "stubborn.test");
}

/* Addresses of either kind are asked for. */
static void
reach_resolving (Cell *self)
{
  held_resolver_wait (2);
}

static void
finish_resolving (Cell *self)
{
  held_resolver_release ();
}

static void
prepare_connecting (Cell *self)
{
  resilient_request_set_connect_timeout (self->request, 1000);
}

static void
reach_connecting (Cell *self)
{
  cell_wait_state (self, RESILIENT_CALL_STATE_SENDING);
  test_run_pending ();
}

/* Another thread may be about to look at the clock. */
static void
finish_connecting (Cell *self)
{
  cell_wait_while_time_goes_on (self, 100, cell_has_ended);
}

static void
prepare_handshaking (Cell *self)
{
  fault_server_next_connection (server (self), fault_hold ("tls"), NULL);
}

static void
reach_handshaking (Cell *self)
{
  fault_server_wait_held (server (self), "tls", 1);
  test_run_pending ();
}

static void
open_tls (Cell *self)
{
  fault_server_open (server (self), "tls");
}

/* Inside libsoup, behind the connect of another request. */
static void
prepare_behind (Cell *self)
{
  g_autoptr (ResilientRequest) request = request_new (&self->fixture, "GET", "/other");
  g_autoptr (ResilientRequestContext) context = context_new ("other", NULL);

  resilient_client_set_max_concurrent (self->fixture.client, 2);
  fault_server_next_connection (server (self), fault_hold ("tls"), NULL);
  self->other = resilient_client_start (self->fixture.client, request, context, NULL);
  fault_server_wait_held (server (self), "tls", 1);
}

/* --- on its way ------------------------------------------------------------------------------- */

static void
prepare_upload (Cell *self, FaultStep *first)
{
  gsize size = self->test->protocol & FAULT_SERVER_HTTP2 ? UPLOAD_SIZE_HTTP2 : UPLOAD_SIZE;
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (size), size);

  g_object_unref (self->request);
  self->request = request_new (&self->fixture, "PUT", "/");
  resilient_request_set_body_bytes (self->request, NULL, body);
  fault_server_on (server (self),
                   "/",
                   first,
                   fault_read (1000),
                   fault_hold ("go"),
                   fault_read (EVERYTHING),
                   fault_answer (200, NULL, "ok"),
                   NULL);
}

static void
prepare_writing (Cell *self)
{
  prepare_upload (self, fault_head (100, NULL));
}

/* The server does not answer the expectation, and nobody's patience ends while time stands
 * still. */
static void
prepare_expecting (Cell *self)
{
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (EXPECTING_SIZE), EXPECTING_SIZE);

  g_object_unref (self->request);
  self->request = request_new (&self->fixture, "PUT", "/");
  resilient_request_set_body_bytes (self->request, NULL, body);
  fault_server_on (server (self),
                   "/",
                   fault_read (0),
                   fault_hold ("go"),
                   fault_head (100, NULL),
                   fault_read (EVERYTHING),
                   fault_answer (200, NULL, "ok"),
                   NULL);
}

static void
prepare_reading (Cell *self)
{
  fault_server_on (server (self),
                   "/",
                   fault_head (200, "Content-Length: 10"),
                   fault_send ("abc"),
                   fault_hold ("go"),
                   fault_send ("defghij"),
                   NULL);
}

/* Somebody must look, for the context to be woken by changes that another thread brings. */
static void
state_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
}

static gboolean
has_three_bytes (Cell *self)
{
  return resilient_call_get_bytes_received (self->call) == 3;
}

static void
reach_reading (Cell *self)
{
  gulong id = g_signal_connect (cell_find_call (self), "notify", G_CALLBACK (state_cb), NULL);

  cell_wait (self, has_three_bytes);
  g_signal_handler_disconnect (self->call, id);
}

/* The first answer leads to a second request. */
static void
prepare_redirected (Cell *self)
{
  fault_server_on (server (self), "/", fault_redirect (302, "/there"), NULL);
  fault_server_on (
    server (self), "/there", fault_hold ("go"), fault_answer (200, NULL, "ok"), NULL);
}

/* A kept connection that breaks when the request comes: it is sent again. */
static void
prepare_resent (Cell *self)
{
  g_autoptr (ResilientRequest) request = request_new (&self->fixture, "GET", "/");
  g_autoptr (ResilientResponse) response = NULL;

  /* by who will drive the victim */
  fault_server_next (server (self), "/", fault_answer (200, NULL, "first"), NULL);
  if (cell_is_at_home (self))
    response = client_send (&self->fixture, request, NULL, NULL);
  else
    response = resilient_client_send (self->fixture.client, request, NULL, NULL, NULL);
  assert_response (response, 200, "first");
  fault_server_next (server (self), "/", fault_reset (), NULL);
  serve_held (self);
}

/* Another request is on the same connection. */
static void
prepare_neighbour (Cell *self)
{
  resilient_client_set_max_concurrent (self->fixture.client, 2);
  cell_start_other (self, "/other", "other");
  serve_held (self);
}

static void
finish_neighbour (Cell *self)
{
  open_go (self);
  open_other (self);
}

/* --- floods of 1xx ---------------------------------------------------------------------------- */

static char *
flood_new (const char *response)
{
  GString *flood = g_string_new (NULL);

  for (guint i = 0; i < FLOOD; i++)
    g_string_append (flood, response);

  return g_string_free (flood, FALSE);
}

static void
prepare_flood (Cell *self)
{
  g_autofree char *flood = flood_new ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");

  fault_server_on (server (self),
                   "/",
                   fault_send (flood),
                   fault_hold ("go"),
                   fault_answer (200, NULL, "ok"),
                   NULL);
}

static void
reach_flood (Cell *self)
{
  fault_server_wait_requests (server (self), 1);
}

static void
prepare_flood_writing (Cell *self)
{
  g_autofree char *flood = flood_new ("HTTP/1.1 100 Continue\r\n\r\n");

  prepare_upload (self, fault_send (flood));
}

static void
prepare_flood_http2 (Cell *self)
{
#define FOUR                                                                                       \
  fault_head (103, "Link: </a>"), fault_head (103, NULL), fault_head (100, NULL),                  \
    fault_head (103, NULL)
  fault_server_on (server (self),
                   "/",
                   FOUR,
                   FOUR,
                   FOUR,
                   FOUR,
                   FOUR,
                   FOUR,
                   FOUR,
                   FOUR,
                   fault_hold ("go"),
                   fault_answer (200, NULL, "ok"),
                   NULL);
#undef FOUR
}

/* --- between attempts ------------------------------------------------------------------------- */

static void
be_sleepy (Cell *self)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_policy (3);

  resilient_request_set_retry_policy (self->request, policy);
}

static void
reach_sleeping (Cell *self)
{
  cell_wait_state (self, RESILIENT_CALL_STATE_WAITING);
}

/* Listens again, and time goes on until the sleep is over; the client may be gone. */
static void
finish_sleeping (Cell *self)
{
  fault_server_set_listening (server (self), TRUE);
  /* the event of a retry comes before its sleep, when another thread drives it */
  if (self->call != NULL && !cell_has_ended (self))
    cell_wait_state (self, RESILIENT_CALL_STATE_WAITING);
  test_clock_advance (1000);
}

static ResilientRetryPolicy *
sleepy_standard_policy (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_base_delay (builder, 600);
  resilient_retry_policy_builder_set_max_delay (builder, 6000);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

static void
prepare_sleeping_503 (Cell *self)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_standard_policy ();

  resilient_request_set_retry_policy (self->request, policy);
  fault_server_next (server (self), "/", fault_answer (503, NULL, "busy"), NULL);
}

/* What nobody wants is read to its end, which does not come. */
static void
prepare_discarding (Cell *self)
{
  g_autoptr (ResilientRetryPolicy) policy = sleepy_standard_policy ();

  resilient_request_set_retry_policy (self->request, policy);
  fault_server_next (server (self),
                     "/",
                     fault_head (503, "Content-Length: 10"),
                     fault_send ("abc"),
                     fault_hold ("go"),
                     fault_send ("defghij"),
                     NULL);
}

static void
reach_discarding (Cell *self)
{
  cell_wait_state (self, RESILIENT_CALL_STATE_RECEIVING);
  test_run_pending ();
}

static void
finish_discarding (Cell *self)
{
  open_go (self);
  cell_wait_state (self, RESILIENT_CALL_STATE_WAITING);
  finish_sleeping (self);
}

/* The second attempt waits for its answer. */
static void
prepare_again (Cell *self)
{
  be_sleepy (self);
  serve_held (self);
}

static void
reach_again (Cell *self)
{
  reach_sleeping (self);
  finish_sleeping (self);
  wait_held_go (self);
}

/* Awake, and in line for a slot once more. */
static gboolean
has_slot_back (Cell *self)
{
  return resilient_client_get_active_count (self->fixture.client) == 0;
}

static void
reach_queued_again (Cell *self)
{
  gulong id;

  reach_sleeping (self);
  id = g_signal_connect (self->fixture.client, "notify", G_CALLBACK (state_cb), NULL);
  cell_wait (self, has_slot_back);
  g_signal_handler_disconnect (self->fixture.client, id);
  fault_server_set_listening (server (self), TRUE);
  cell_start_other (self, "/other", "other");
  finish_sleeping (self);
  cell_wait_state (self, RESILIENT_CALL_STATE_QUEUED);
}

/* --- in handlers ------------------------------------------------------------------------------ */

static void
event_cb (ResilientClient *client, ResilientEvent *event, Cell *self)
{
  if (g_str_equal (resilient_request_context_get_request_id (resilient_event_get_context (event)),
                   VICTIM))
    {
      cell_look_for_call (self);
      cell_act (self);
    }
}

static void
prepare_in_event (Cell *self)
{
  g_signal_connect (self->fixture.client, "event", G_CALLBACK (event_cb), self);
}

static void
prepare_in_retry (Cell *self)
{
  be_sleepy (self);
  g_signal_connect (self->fixture.client, "retry", G_CALLBACK (event_cb), self);
}

static void
prepare_in_success (Cell *self)
{
  g_signal_connect (self->fixture.client, "success", G_CALLBACK (event_cb), self);
}

static void
prepare_in_error (Cell *self)
{
  g_autoptr (ResilientRetryPolicy) policy = quick_policy (0);

  resilient_request_set_retry_policy (self->request, policy);
  g_signal_connect (self->fixture.client, "error", G_CALLBACK (event_cb), self);
}

static void
prepare_in_timeout (Cell *self)
{
  serve_held (self);
  resilient_request_set_total_timeout (self->request, 5);
  g_signal_connect (self->fixture.client, "timeout", G_CALLBACK (event_cb), self);
}

static void
reach_in_timeout (Cell *self)
{
  wait_held_go (self);
  test_clock_advance (5);
}

static void
prepare_in_cancelled (Cell *self)
{
  serve_held (self);
  g_signal_connect (self->fixture.client, "cancelled", G_CALLBACK (event_cb), self);
}

static void
reach_in_cancelled (Cell *self)
{
  wait_held_go (self);
  g_assert_cmpuint (resilient_client_cancel (self->fixture.client, VICTIM), ==, 1);
}

static void
count_cb (GObject *client, GParamSpec *pspec, Cell *self)
{
  cell_act (self);
}

static void
prepare_in_count (Cell *self)
{
  serve_held (self);
  g_signal_connect (self->fixture.client, "notify::active-count", G_CALLBACK (count_cb), self);
}

static void
items_changed_cb (GListModel *calls, guint position, guint removed, guint added, Cell *self)
{
  if (added > 0)
    cell_act (self);
}

static void
prepare_in_list (Cell *self)
{
  serve_held (self);
  g_signal_connect (resilient_client_get_calls (self->fixture.client),
                    "items-changed",
                    G_CALLBACK (items_changed_cb),
                    self);
}

/* What the application sees of the session and its messages; in the thread that drives them. */

static void
message_cb (SoupMessage *message, Cell *self)
{
  cell_act (self);
}

static void
network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *connection, Cell *self)
{
  if (event == G_SOCKET_CLIENT_CONNECTED || event == G_SOCKET_CLIENT_TLS_HANDSHAKED)
    cell_act (self);
}

static void
message_queued (Cell *self, SoupSession *session, SoupMessage *message)
{
  const char *name = self->phase->name + strlen ("in-");

  if (g_str_equal (name, "request-queued"))
    cell_act (self);
  else if (g_str_equal (name, "network-event"))
    g_signal_connect (message, name, G_CALLBACK (network_event_cb), self);
  else
    g_signal_connect (message, name, G_CALLBACK (message_cb), self);
}

static void
prepare_in_message (Cell *self)
{
  self->message_queued = message_queued;
}

static void
prepare_in_restarted (Cell *self)
{
  prepare_resent (self);
  prepare_in_message (self);
}

/* The application opens the body. */
static GInputStream *
factory_cb (gpointer user_data, GError **error)
{
  cell_act (user_data);

  return g_memory_input_stream_new_from_data ("body", 4, NULL);
}

static void
prepare_in_factory (Cell *self)
{
  g_object_unref (self->request);
  self->request = request_new (&self->fixture, "PUT", "/");
  resilient_request_set_body_stream_factory (self->request, NULL, factory_cb, self, NULL);
}

#define PLAIN PROTOCOL_PLAIN
#define TLS PROTOCOL_TLS
#define HTTP2 PROTOCOL_HTTP2
#define SECURE (TLS | HTTP2)
#define ANY (PLAIN | TLS | HTTP2)
#define AT_HOME (1 << START_SEND | 1 << START_CALL)
#define ASYNC (AT_HOME | 1 << START_THREAD)
#define EVERY (ASYNC | 1 << START_SYNC)
#define REFUSING FAULT_SERVER_REFUSING

/* clang-format off */
const Phase phases[] = {
  { "first-turn", PLAIN, ASYNC, PLACE_START, 0, NULL, NULL, NULL, &end_success, 0, 1 },
  { "queued", ANY, EVERY, PLACE_REACHED, 0, prepare_queued, reach_queued, open_other, &end_success, 0, 1, .stuck = TRUE },
  { "resolving", PLAIN, EVERY, PLACE_REACHED, 0, prepare_resolving, reach_resolving, finish_resolving, &end_success, 1, 1 },
  { "resolving-stubborn", PLAIN, EVERY, PLACE_REACHED, 0, prepare_stubborn, reach_resolving, finish_resolving, &end_success, 1, 1, .stuck = TRUE },
  { "connecting", PLAIN, EVERY, PLACE_REACHED, FAULT_SERVER_FULL_BACKLOG, prepare_connecting, reach_connecting, finish_connecting, &end_connect_timeout, 1, 1 },
  { "handshaking", SECURE, EVERY, PLACE_REACHED, 0, prepare_handshaking, reach_handshaking, open_tls, &end_success, 1, 1 },
  { "behind", SECURE, EVERY, PLACE_REACHED, 0, prepare_behind, reach_connecting, open_tls, &end_success, 1, 1, .wide = TRUE, .stuck = TRUE },
  { "expecting", PLAIN | TLS, EVERY, PLACE_REACHED, 0, prepare_expecting, wait_held_go, open_go, &end_success, 1, 1 },
  { "writing", ANY, EVERY, PLACE_REACHED, 0, prepare_writing, wait_held_go, open_go, &end_success, 1, 1 },
  { "waiting", ANY, EVERY, PLACE_REACHED, 0, serve_held, wait_held_go, open_go, &end_success, 1, 1 },
  { "reading", ANY, EVERY, PLACE_REACHED, 0, prepare_reading, reach_reading, open_go, &end_success, 1, 1 },
  { "redirected", ANY, EVERY, PLACE_REACHED, 0, prepare_redirected, wait_held_go, open_go, &end_success, 1, 1 },
  { "resent", PLAIN | TLS, EVERY, PLACE_REACHED, 0, prepare_resent, wait_held_go, open_go, &end_success, 1, 1 },
  { "neighbour", HTTP2, EVERY, PLACE_REACHED, 0, prepare_neighbour, wait_held_go, finish_neighbour, &end_success, 1, 1, .wide = TRUE, .stuck = TRUE },
  { "flood", PLAIN | TLS, EVERY, PLACE_REACHED, 0, prepare_flood, reach_flood, open_go, &end_success, 1, 1 },
  { "flood", HTTP2, EVERY, PLACE_REACHED, 0, prepare_flood_http2, reach_flood, open_go, &end_success, 1, 1 },
  { "flood-writing", PLAIN, EVERY, PLACE_REACHED, 0, prepare_flood_writing, reach_flood, open_go, &end_success, 1, 1 },
  { "sleeping", ANY, EVERY, PLACE_REACHED, REFUSING, be_sleepy, reach_sleeping, finish_sleeping, &end_success, 1, 2 },
  { "sleeping-503", ANY, EVERY, PLACE_REACHED, 0, prepare_sleeping_503, reach_sleeping, finish_sleeping, &end_success, 1, 2 },
  { "discarding", ANY, EVERY, PLACE_REACHED, 0, prepare_discarding, reach_discarding, finish_discarding, &end_success, 1, 2 },
  { "waiting-again", ANY, EVERY, PLACE_REACHED, REFUSING, prepare_again, reach_again, open_go, &end_success, 2, 2 },
  { "queued-again", ANY, EVERY, PLACE_REACHED, REFUSING, be_sleepy, reach_queued_again, open_other, &end_success, 1, 2, .stuck = TRUE },
  { "after-the-end", ANY, EVERY, PLACE_REACHED, 0, NULL, cell_wait_end, NULL, &end_success, 1, 1, .over = TRUE },
  { "in-callback", PLAIN | HTTP2, ASYNC, PLACE_CALLBACK, 0, NULL, NULL, NULL, &end_success, 1, 1, .over = TRUE },
  { "in-event", PLAIN, EVERY, PLACE_HOOK, 0, prepare_in_event, NULL, NULL, &end_success, 1, 1, .over = TRUE },
  { "in-retry", PLAIN, EVERY, PLACE_HOOK, REFUSING, prepare_in_retry, NULL, finish_sleeping, &end_success, 1, 2 },
  { "in-success", PLAIN, EVERY, PLACE_HOOK, 0, prepare_in_success, NULL, NULL, &end_success, 1, 1, .over = TRUE },
  { "in-error", PLAIN, EVERY, PLACE_HOOK, REFUSING, prepare_in_error, NULL, NULL, &end_refused, 1, 1, .over = TRUE },
  { "in-timeout", PLAIN, EVERY, PLACE_HOOK, 0, prepare_in_timeout, reach_in_timeout, NULL, &end_deadline, 1, 1, .over = TRUE },
  { "in-cancelled", PLAIN, EVERY, PLACE_HOOK, 0, prepare_in_cancelled, reach_in_cancelled, NULL, &end_cancelled, 1, 1, .over = TRUE },
  { "in-notify-active-count", PLAIN, AT_HOME, PLACE_HOOK, 0, prepare_in_count, NULL, open_go, &end_success, 0, 1 },
  { "in-items-changed", PLAIN, AT_HOME, PLACE_HOOK, 0, prepare_in_list, NULL, open_go, &end_success, 0, 1 },
  { "in-request-queued", PLAIN | HTTP2, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1 },
  { "in-network-event", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1 },
  { "in-factory", PLAIN | HTTP2, EVERY, PLACE_HOOK, 0, prepare_in_factory, NULL, NULL, &end_success, 1, 1 },
  { "in-starting", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1 },
  { "in-wrote-headers", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1 },
  { "in-wrote-body", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1 },
  { "in-restarted", PLAIN, EVERY, PLACE_HOOK, 0, prepare_in_restarted, NULL, open_go, &end_success, 1, 1 },
  { "in-got-headers", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1, .late = TRUE },
  { "in-got-body", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1, .late = TRUE },
  { "in-finished", ANY, EVERY, PLACE_HOOK, 0, prepare_in_message, NULL, NULL, &end_success, 1, 1, .late = TRUE },
};
/* clang-format on */
const guint n_phases = G_N_ELEMENTS (phases);
