/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "matrix.h"
#include "resilient-connections-private.h"
#include "resilient-timer-queue-private.h"
#include "test-clock.h"
#include "test-util.h"

/* Runs each cell of the matrix in virtual time, and compares it with what the rules predict. */

#define ID "cell"
#define MAX_RESPONSE (1024 * 1024)
#define DRIP_SECONDS 20 /* less than the read deadline, though two are more */

static const char *const methods[MATRIX_METHODS] = { "GET",    "HEAD", "OPTIONS", "PUT",
                                                     "DELETE", "POST", "PATCH" };

/* What is seen of a cell while it runs. */
typedef struct
{
  Scene scene;
  const Fault *fault;
  ResilientCall *call;
  GPtrArray *events;  /* of the call */
  GPtrArray *sockets; /* of its connections */
  guint started;      /* requests that were begun, hops of redirects too */
  guint dripped;
} Run;

/* --- what happens ----------------------------------------------------------------------------- */

static void
event_cb (ResilientClient *client, ResilientEvent *event, Run *run)
{
  const char *id = resilient_request_context_get_request_id (resilient_event_get_context (event));

  if (g_str_equal (id, ID))
    g_ptr_array_add (run->events, resilient_event_ref (event));
}

static void
starting_cb (SoupMessage *message, Run *run)
{
  run->started++;
  fault_server_release (run->scene.server, "begun", 1);
}

static void
network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *stream, Run *run)
{
  if (event == G_SOCKET_CLIENT_CONNECTED)
    g_ptr_array_add (run->sockets,
                     g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))));
}

static void
request_queued_cb (SoupSession *session, SoupMessage *message, Run *run)
{
  /* to a proxy, about the tunnel */
  if (g_str_equal (soup_message_get_method (message), "CONNECT"))
    return;
  g_signal_connect (message, "network-event", G_CALLBACK (network_event_cb), run);
  g_signal_connect (message, "starting", G_CALLBACK (starting_cb), run);
}

static gboolean
tick_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* --- time ------------------------------------------------------------------------------------- */

/* The server's kernel has all that was written. */
static gboolean
is_written (Run *run)
{
  for (guint i = 0; i < run->sockets->len; i++)
    {
      guint unsent = 0;

      if (resilient_socket_get_unsent (run->sockets->pdata[i], &unsent) && unsent > 0)
        return FALSE;
    }

  return TRUE;
}

/* The last request was read by the server. */
static gboolean
is_read (Run *run)
{
  g_autoptr (FaultRecord) record = NULL;
  guint n = fault_server_get_requests (run->scene.server);

  if (n == 0 || n < run->started)
    return FALSE;
  record = fault_server_get_record (run->scene.server, n - 1);

  return fault_record_is_whole (record);
}

/* Whether nothing can happen any more but by time that passes. */
static gboolean
is_stalled (Run *run)
{
  ResilientCallState state = resilient_call_get_state (run->call);
  gboolean in_body =
    state == RESILIENT_CALL_STATE_RECEIVING && resilient_call_get_bytes_received (run->call) > 0;

  if (state == RESILIENT_CALL_STATE_WAITING)
    return TRUE;
  switch (run->fault->stall)
    {
    case STALL_CONNECT:
      return state == RESILIENT_CALL_STATE_SENDING;
    case STALL_ANSWER:
      return state == RESILIENT_CALL_STATE_SENDING
             && run->started == resilient_call_get_attempt (run->call) && is_read (run)
             && is_written (run);
    case STALL_BODY:
      return in_body;
    case STALL_DRIP:
    case STALL_NONE:
    default:
      return FALSE;
    }
}

static void
advance_to_next_timers (void)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);
  gint64 due = resilient_timer_queue_get_next_due (timers);

  g_assert_cmpint (due, <, G_MAXINT64);
  test_clock_set (MAX (test_clock_get (), due));
}

static void
drip (Run *run)
{
  if (resilient_call_get_state (run->call) != RESILIENT_CALL_STATE_RECEIVING
      || resilient_call_get_bytes_received (run->call) != run->dripped)
    return;
  test_clock_run (DRIP_SECONDS);
  fault_server_release (run->scene.server, "drip", 1);
  run->dripped++;
}

static gboolean
has_last_event (Run *run)
{
  return run->events->len > 0
         && resilient_event_get_event_type (run->events->pdata[run->events->len - 1])
              != RESILIENT_EVENT_TYPE_RETRY;
}

static void
run_to_end (Run *run)
{
  /* servers wake nobody: what they have got is looked at now and then */
  guint tick = run->fault->stall != STALL_NONE ? g_timeout_add (1, tick_cb, NULL) : 0;
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE_SECONDS * G_TIME_SPAN_SECOND;
  guint watchdog = g_timeout_add_seconds (TEST_DEADLINE_SECONDS, tick_cb, NULL);

  for (;;)
    {
      test_run_pending ();
      if (resilient_call_get_state (run->call) == RESILIENT_CALL_STATE_DONE && has_last_event (run))
        break;
      if (g_get_monotonic_time () > end)
        g_error ("%s: %s%s%s does not end",
                 run->fault->name,
                 run->scene.cell.method,
                 run->scene.cell.key ? " with key" : "",
                 run->scene.cell.standard ? ", standard policy" : ", default policy");
      if (run->fault->stall == STALL_DRIP)
        drip (run);
      if (is_stalled (run))
        advance_to_next_timers ();
      else
        g_main_context_iteration (NULL, TRUE);
    }

  g_source_remove (watchdog);
  if (tick != 0)
    g_source_remove (tick);
}

/* --- one cell --------------------------------------------------------------------------------- */

static void
gone_cb (gpointer user_data, GObject *client)
{
  *(gboolean *) user_data = TRUE;
}

static void
dispose_client (ResilientClient *client)
{
  gboolean gone = FALSE;

  resilient_client_close_async (client, 0, NULL, NULL, NULL);
  g_object_weak_ref (G_OBJECT (client), gone_cb, &gone);
  g_object_unref (client);
  test_run_until_true (&gone);
}

static void
warm_up (Run *run)
{
  g_autofree char *uri = fault_server_uri (run->scene.server, "/warm");
  g_auto (TestResult) result = { 0 };
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fault_server_on (run->scene.server, "/warm", fault_answer (200, NULL, "ok"), NULL);
  resilient_client_get_async (run->scene.client, uri, NULL, NULL, test_result_cb, &result);
  response = resilient_client_get_finish (run->scene.client, test_result_wait (&result), &error);
  g_assert_no_error (error);
  test_run_pending ();
  run->started = 0;
}

static ResilientRequest *
make_request (Run *run)
{
  const Cell *cell = &run->scene.cell;
  g_autofree char *uri = run->fault->uri != NULL ? g_strdup (run->fault->uri)
                                                 : fault_server_uri (run->scene.server, "/");
  ResilientRequest *request = resilient_request_new (cell->method, uri);

  if (cell_has_body (cell))
    {
      g_autoptr (GBytes) body = g_bytes_new_static ("hello", 5);

      resilient_request_set_body_bytes (request, "text/plain", body);
    }
  if (cell->key)
    resilient_request_set_idempotency_key (request, "key");
  resilient_request_set_max_response_size (request, MAX_RESPONSE);
  resilient_request_set_retry_policy (request,
                                      cell->standard ? resilient_retry_policy_get_standard ()
                                                     : resilient_retry_policy_get_default ());

  return request;
}

/* Whole requests to what does something. */
static guint
count_arrivals (Run *run)
{
  const char *path = run->fault->application != NULL ? run->fault->application : "/";
  guint n = fault_server_count (run->scene.server, path);
  guint arrivals = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FaultRecord) record = fault_server_get_record_of (run->scene.server, path, i);

      arrivals += fault_record_is_whole (record);
    }

  return arrivals;
}

static const char *
failure_name (ResilientFailure failure)
{
  switch (failure)
    {
    case RESILIENT_FAILURE_NONE:
      return "ok";
    case RESILIENT_FAILURE_CONNECT:
      return "conn";
    case RESILIENT_FAILURE_TLS:
      return "tls";
    case RESILIENT_FAILURE_CERTIFICATE:
      return "cert";
    case RESILIENT_FAILURE_CONNECT_TIMEOUT:
      return "ctime";
    case RESILIENT_FAILURE_WRITE_TIMEOUT:
      return "wtime";
    case RESILIENT_FAILURE_READ_TIMEOUT:
      return "rtime";
    case RESILIENT_FAILURE_DISCONNECT:
      return "disc";
    case RESILIENT_FAILURE_STATUS:
      return "stat";
    case RESILIENT_FAILURE_PROTOCOL:
      return "proto";
    case RESILIENT_FAILURE_REDIRECT:
      return "redir";
    case RESILIENT_FAILURE_TOO_LARGE:
      return "large";
    default:
      return "other";
    }
}

/* "attempts/sends kind", as it stands in the table. */
static char *
describe_cell (guint attempts, guint sends, ResilientFailure failure)
{
  return g_strdup_printf ("%u/%u %s", attempts, sends, failure_name (failure));
}

static void
append_log (GString *text, ResilientResult *result)
{
  g_autoptr (GPtrArray) attempts = resilient_result_list_attempts (result);

  for (guint i = 0; i < attempts->len; i++)
    g_string_append_printf (
      text, " %s", failure_name (resilient_attempt_get_failure (attempts->pdata[i])));
}

static char
event_letter (ResilientEvent *event)
{
  return "SRETC"[resilient_event_get_event_type (event)];
}

/* The same text of what was predicted and of what came, or the first difference. */
static char *
describe_prediction (const Prediction *prediction)
{
  guint last = prediction->attempts - 1;
  g_autofree char *cell =
    describe_cell (prediction->attempts, prediction->sends, prediction->failures[last]);
  GString *text = g_string_new (cell);

  g_string_append_printf (text, ", %s, %u arrived, log", prediction->events, prediction->arrivals);
  for (guint i = 0; i <= last; i++)
    g_string_append_printf (text, " %s", failure_name (prediction->failures[i]));

  return g_string_free (text, FALSE);
}

static char *
describe_run (Run *run, ResilientResult *result)
{
  g_autofree char *cell = describe_cell (resilient_result_get_attempts (result),
                                         resilient_result_get_sends (result),
                                         resilient_result_get_failure (result));
  GString *text = g_string_new (cell);

  g_string_append (text, ", ");
  for (guint i = 0; i < run->events->len; i++)
    g_string_append_c (text, event_letter (run->events->pdata[i]));
  g_string_append_printf (text, ", %u arrived, log", count_arrivals (run));
  append_log (text, result);

  return g_string_free (text, FALSE);
}

/* What the texts don't say. Returns what is wrong, or NULL. */
static char *
check_details (Run *run, ResilientResult *result, const Prediction *prediction)
{
  ResilientResponse *response = resilient_result_get_response (result);
  gboolean answered = prediction->failures[prediction->attempts - 1] == RESILIENT_FAILURE_NONE
                      || run->fault->status != 0;

  /* each begun request is a send, but for the hops of redirects */
  if (run->fault->application == NULL && run->started != resilient_result_get_sends (result))
    return g_strdup_printf ("%u requests were begun", run->started);
  if (resilient_result_is_success (result)
      != (prediction->failures[prediction->attempts - 1] == RESILIENT_FAILURE_NONE))
    return g_strdup ("the result's status does not fit");
  if ((response != NULL) != answered || (resilient_result_get_error (result) != NULL) == answered)
    return g_strdup ("the result must have a response, or else an error");

  for (guint i = 0; i < run->events->len; i++)
    {
      ResilientEvent *event = run->events->pdata[i];
      gboolean retry = event_letter (event) == 'R';
      double delay = resilient_event_get_delay (event);
      guint attempt =
        resilient_request_context_get_current_attempt (resilient_event_get_context (event));

      if (attempt != i + retry)
        return g_strdup_printf ("event %u is of attempt %u", i, attempt);
      if (resilient_event_get_failure (event) != prediction->failures[i])
        return g_strdup_printf ("event %u tells of another failure", i);
      if (retry && (delay < prediction->min_delays[i] || delay > prediction->max_delays[i]))
        return g_strdup_printf ("delay %u is %g, not from %g to %g",
                                i,
                                delay,
                                prediction->min_delays[i],
                                prediction->max_delays[i]);
    }

  if (resilient_result_is_success (result) && !g_str_equal (run->scene.cell.method, "HEAD"))
    {
      GBytes *body = resilient_response_get_body (response);

      if (body == NULL || g_bytes_get_size (body) != 2
          || memcmp (g_bytes_get_data (body, NULL), "ok", 2) != 0)
        return g_strdup ("another body");
    }

  return NULL;
}

/* Returns what is wrong, or NULL. */
static char *
compare (Run *run, const Prediction *prediction, char **cell)
{
  g_autoptr (ResilientResult) result = resilient_client_get_result (run->scene.client, ID);
  g_autofree char *expected = describe_prediction (prediction);
  g_autofree char *actual = NULL;

  g_assert_nonnull (result);
  actual = describe_run (run, result);
  *cell = describe_cell (resilient_result_get_attempts (result),
                         resilient_result_get_sends (result),
                         resilient_result_get_failure (result));
  /* what the server gave back unread has not reached it */
  if (!run->fault->unprocessed && !run->scene.cell.key
      && strchr (run->scene.cell.method, 'P') == run->scene.cell.method
      && !g_str_equal (run->scene.cell.method, "PUT") && count_arrivals (run) > 1)
    return g_strdup_printf ("it reached the application %u times", count_arrivals (run));
  if (!g_str_equal (expected, actual))
    return g_strdup_printf ("expected %s; was %s (%s)",
                            expected,
                            actual,
                            resilient_result_get_error (result) != NULL
                              ? resilient_result_get_error (result)->message
                              : "no error");

  return check_details (run, result, prediction);
}

static char *
run_cell (const Fault *fault, const Cell *cell, char **text)
{
  Run run = { .fault = fault, .scene.cell = *cell };
  g_autoptr (ResilientRequest) request = NULL;
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (GError) error = NULL;
  SoupSession *session;
  Prediction prediction;
  char *wrong;

  run.events = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_unref);
  run.sockets = g_ptr_array_new_with_free_func (g_object_unref);
  run.scene.server = fault_server_new (fault->flags);
  run.scene.client = resilient_client_new ();
  session = resilient_client_share_session (run.scene.client);
  test_trust (session);
  g_signal_connect (session, "request-queued", G_CALLBACK (request_queued_cb), &run);
  g_signal_connect (run.scene.client, "event", G_CALLBACK (event_cb), &run);
  fault->set_up (&run.scene);
  if (fault->kept)
    warm_up (&run);

  request = make_request (&run);
  context = resilient_request_context_new (ID, NULL, NULL, &error);
  g_assert_no_error (error);
  run.call = resilient_client_start (run.scene.client, request, context, NULL);
  run_to_end (&run);
  matrix_predict (fault, cell, &prediction);
  wrong = compare (&run, &prediction, text);

  g_signal_handlers_disconnect_by_data (session, &run);
  g_object_unref (run.call);
  dispose_client (run.scene.client);
  fault_server_free (run.scene.other);
  fault_server_free (run.scene.server);
  g_ptr_array_unref (run.events);
  g_ptr_array_unref (run.sockets);

  return wrong;
}

/* --- the matrix ------------------------------------------------------------------------------- */

static void
print_head (void)
{
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "%-28s", "attempts/sends kind");
  for (guint i = 0; i < MATRIX_METHODS; i++)
    g_string_append_printf (line, " %-10s %-10s", methods[i], "  with key");
  g_test_message ("%s", line->str);
  g_string_free (line, TRUE);
}

static void
test_fault (gconstpointer data)
{
  const Fault *fault = data;
  guint n_wrong = 0;

  /* libsoup 3.2 keeps a connection of HTTP/2 that broke until its session goes, and complains of it
   * then, which may be later than the test */
  test_allow_warning ("libsoup", "conns");
  test_allow_warning ("libsoup", "while still connected");
  print_head ();
  for (guint standard = 0; standard < 2; standard++)
    {
      g_autoptr (GString) row = g_string_new (NULL);

      g_string_append_printf (row, "%s, %s", fault->name, standard ? "standard" : "default");
      g_string_append_printf (row, "%*s", MAX (0, 28 - (int) row->len), "");
      for (guint i = 0; i < MATRIX_METHODS * 2; i++)
        {
          Cell cell = { methods[i / 2], i % 2 == 1, standard == 1 };
          g_autofree char *text = NULL;
          g_autofree char *wrong = run_cell (fault, &cell, &text);

          g_string_append_printf (row, " %-10s", text);
          if (wrong == NULL)
            continue;
          n_wrong++;
          g_test_message ("%s: %s%s, %s policy: %s",
                          fault->name,
                          cell.method,
                          cell.key ? " with key" : "",
                          standard ? "standard" : "default",
                          wrong);
        }
      g_test_message ("%s", row->str);
    }
  if (n_wrong > 0)
    g_test_fail_printf ("%s: %u of %u cells are wrong", fault->name, n_wrong, MATRIX_CELLS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  for (gsize i = 0; i < matrix_n_faults; i++)
    {
      g_autofree char *path = g_strdup_printf ("/matrix/%s", matrix_faults[i].name);

      g_test_add_data_func (path, &matrix_faults[i], test_fault);
    }

  return g_test_run ();
}
