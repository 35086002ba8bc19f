/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <resilient.h>
#include <string.h>

#include "resilient-timer-queue-private.h"
#include "script-server.h"
#include "test-clock.h"
#include "test-util.h"

/* A whole call over libsoup, against a server that answers the bytes of the input.
 *
 * The first line says what is asked for, a letter each; the rest is the server's script (see
 * script-server.h). Time is moved by hand, and only when there is nothing else to do. */

#define SECRET "s3cr3t"
#define BODY "0123456789"
#define MAX_SIZE 1000
/* Of steps in time, far more than any call makes. */
#define MAX_STEPS 100000

typedef struct
{
  ResilientRequest *request;
  ResilientClient *client;
  const char *method;
  gboolean limited_size;
  int max_retries;

  ResilientResponse *response;
  GError *error;
  guint n_callbacks;
  guint n_retries;
  guint n_last;
  ResilientEventType last;
  guint closed;
  guint gone;
} Run;

static ScriptServer *server;

static void
event_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  Run *run = user_data;

  if (resilient_event_get_event_type (event) == RESILIENT_EVENT_TYPE_RETRY)
    {
      g_assert_cmpuint (run->n_last, ==, 0);
      run->n_retries++;
      return;
    }
  run->n_last++;
  run->last = resilient_event_get_event_type (event);
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  run->n_callbacks++;
  run->response = resilient_client_send_finish (RESILIENT_CLIENT (source), result, &run->error);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  run->closed = resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
}

static void
gone_cb (gpointer user_data, GObject *object)
{
  *(guint *) user_data = TRUE;
}

static gboolean
hangs_cb (gpointer user_data)
{
  g_error ("nothing is left to do, and it has not ended");

  return G_SOURCE_REMOVE;
}

/* Everything runs in this one thread, over sockets without delay: when nothing is ready, only the
 * server's next word or time itself can change anything. */
static void
run_until (const guint *flag)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);

  for (guint n_steps = 0; !*flag; n_steps++)
    {
      gint64 due;

      while (!*flag && g_main_context_iteration (NULL, FALSE))
        ;
      if (*flag || script_server_resume (server))
        continue;

      g_assert_cmpuint (n_steps, <, MAX_STEPS);
      due = resilient_timer_queue_get_next_due (timers);
      if (due < G_MAXINT64)
        {
          test_clock_set (MAX (test_clock_get (), due));
        }
      else
        {
          guint watchdog = g_timeout_add_seconds (10, hangs_cb, NULL);

          g_main_context_iteration (NULL, TRUE);
          g_source_remove (watchdog);
        }
    }
}

static ResilientRetryPolicy *
make_policy (gboolean standard, int max_retries)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (
    standard ? resilient_retry_policy_get_standard () : resilient_retry_policy_get_default ());
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

/* One letter after the other, the last of its kind counts. */
static void
configure (Run *run, const char *letters)
{
  g_autoptr (GBytes) body = g_bytes_new_static (BODY, strlen (BODY));
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  gboolean standard = FALSE, streamed = FALSE, keyed = FALSE;

  run->method = "GET";
  run->max_retries = 2;
  for (const char *c = letters; *c != '\0'; c++)
    switch (*c)
      {
      case 'h':
        run->method = "HEAD";
        break;
      case 'p':
        run->method = "POST";
        break;
      case 'u':
        run->method = "PUT";
        break;
      case 'd':
        run->method = "DELETE";
        break;
      case 's':
        standard = TRUE;
        break;
      case 'b':
        streamed = TRUE;
        break;
      case 'k':
        keyed = TRUE;
        break;
      case 'l':
        run->limited_size = TRUE;
        break;
      case '0':
      case '1':
      case '2':
      case '3':
        run->max_retries = *c - '0';
        break;
      default:
        break;
      }

  run->request = resilient_request_new (
    run->method, "http://user:" SECRET "@server.example/start?token=" SECRET);
  resilient_request_set_header (run->request, "Authorization", "Bearer " SECRET);
  if (*run->method == 'P' && streamed)
    {
      g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_bytes (body);

      resilient_request_set_body_stream (run->request, "text/plain", stream, strlen (BODY));
    }
  else if (*run->method == 'P')
    resilient_request_set_body_bytes (run->request, "text/plain", body);
  if (keyed)
    resilient_request_set_idempotency_key (run->request, NULL);
  if (run->limited_size)
    resilient_request_set_max_response_size (run->request, MAX_SIZE);
  policy = make_policy (standard, run->max_retries);
  resilient_request_set_retry_policy (run->request, policy);
}

/* Whether the server may have asked for the request once more: a redirect, credentials, another
 * connection. */
static gboolean
asks_again (void)
{
  const char *const statuses[] = { "30", "401", "407", "421" };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    if (script_server_has_sent (server, statuses[i]))
      return TRUE;

  return FALSE;
}

/* Neither does the server see half a body, nor a POST twice unless it asked for that itself. */
static void
check_requests (Run *run, const char *letters)
{
  GPtrArray *requests = script_server_get_requests (server);
  gboolean asked = asks_again ();
  guint n_posts = 0;

  for (guint i = 0; i < requests->len; i++)
    {
      ScriptRequest *request = requests->pdata[i];

      if (*request->method == 'P')
        g_assert_cmpuint (request->body_size, ==, strlen (BODY));
      else
        g_assert_cmpuint (request->body_size, ==, 0);
      g_assert_true (asked || strcmp (request->path, "/start?token=" SECRET) == 0);
      g_assert_true (asked || strcmp (request->method, run->method) == 0);
      n_posts += strcmp (request->method, "POST") == 0;
    }
  if (strchr (letters, 'k') == NULL && !asked)
    g_assert_cmpuint (n_posts, <=, 1);
}

static void
check_result (Run *run)
{
  g_autoptr (GPtrArray) results = resilient_client_list_results (run->client);
  ResilientResult *result;
  gboolean shown = script_server_has_sent (server, SECRET);

  g_assert_cmpuint (run->n_callbacks, ==, 1);
  g_assert_true ((run->response == NULL) != (run->error == NULL));
  g_assert_cmpuint (results->len, ==, 1);
  result = results->pdata[0];
  g_assert_cmpuint (resilient_result_get_attempts (result), >=, 1);
  g_assert_cmpuint (resilient_result_get_attempts (result), <=, (guint) run->max_retries + 1);
  g_assert_cmpuint (resilient_result_get_attempts (result), ==, run->n_retries + 1);
  g_assert_cmpint (resilient_result_get_status (result), !=, RESILIENT_RESULT_STATUS_PENDING);
  g_assert_cmpint (resilient_result_get_status (result), !=, RESILIENT_RESULT_STATUS_CANCELLED);
  g_assert_cmpint (resilient_result_is_success (result),
                   ==,
                   resilient_result_get_failure (result) == RESILIENT_FAILURE_NONE);
  g_assert_cmpint (
    resilient_result_is_success (result), ==, run->last == RESILIENT_EVENT_TYPE_SUCCESS);

  if (run->error != NULL)
    {
      g_assert_false (resilient_result_is_success (result));
      /* Nobody cancelled. */
      g_assert_false (g_error_matches (run->error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      g_assert_true (g_utf8_validate (run->error->message, -1, NULL));
      g_assert_true (shown || strstr (run->error->message, SECRET) == NULL);
      return;
    }

  g_assert_true (resilient_result_is_success (result)
                 || resilient_result_get_failure (result) == RESILIENT_FAILURE_STATUS);
  g_assert_cmpuint (resilient_response_get_status_code (run->response), >=, 100);
  g_assert_cmpuint (resilient_response_get_status_code (run->response), <=, 999);
  if (resilient_response_has_body (run->response))
    {
      gsize length = g_bytes_get_size (resilient_response_get_body (run->response));

      g_assert_true (!run->limited_size || length <= MAX_SIZE);
      g_assert_true (strcmp (run->method, "HEAD") != 0 || length == 0);
    }
}

static void
run_call (const char *letters, const guint8 *script, gsize size)
{
  Run run = { 0 };
  SoupSession *session = g_object_new (SOUP_TYPE_SESSION,
                                       "remote-connectable",
                                       script_server_get_address (server),
                                       "timeout",
                                       0,
                                       NULL);

  script_server_start (server, script, size);
  configure (&run, letters);
  run.client = resilient_client_new_with_session (session);
  g_signal_connect (run.client, "event", G_CALLBACK (event_cb), &run);
  resilient_client_send_async (run.client, run.request, NULL, NULL, sent_cb, &run);

  run_until (&run.n_callbacks);
  run_until (&run.n_last);
  check_requests (&run, letters);
  check_result (&run);
  g_assert_cmpuint (resilient_client_get_active_count (run.client), <=, 1);

  resilient_client_close_async (run.client, 0, NULL, closed_cb, &run);
  run_until (&run.closed);
  g_object_weak_ref (G_OBJECT (run.client), gone_cb, &run.gone);
  g_object_unref (run.client);
  run_until (&run.gone);
  /* None comes after the last. */
  g_assert_cmpuint (run.n_last, ==, 1);
  g_assert_cmpuint (run.n_callbacks, ==, 1);

  script_server_stop (server);
  soup_session_abort (session);
  g_object_unref (session);
  test_run_pending ();
  g_object_unref (run.request);
  g_clear_pointer (&run.response, resilient_response_unref);
  g_clear_error (&run.error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *letters = fuzz_take_line (&input);

  if (server == NULL)
    {
      server = script_server_new ();
      test_clock_install ();
    }
  /* libsoup's own, of a Content-Length below -1 */
  test_allow_warning ("GLib-GObject",
                      "of type 'gint64' is invalid or out of range for property 'content-length'");
  run_call (letters != NULL ? letters : "", input.data, input.size);

  return 0;
}
