/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A thousand requests against a server that is down, drops connections, stalls and answers 503.
 * Each of them ends exactly once, which is what the exit status says; how many end well depends on
 * the retry policy. */

#include "demo.h"

#include <glib-unix.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* [policy] */
static ResilientRetryPolicy *
create_policy (Demo *demo)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (demo->options.policy, "default"))
    return resilient_retry_policy_ref (resilient_retry_policy_get_default ());
  if (demo->server == NULL)
    return resilient_retry_policy_ref (resilient_retry_policy_get_standard ());

  /* More retries, for a server worse than most; shorter pauses, for you who are watching. */
  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_max_retries (builder, DEMO_MAX_RETRIES);
  resilient_retry_policy_builder_set_base_delay (builder, DEMO_BASE_DELAY);
  resilient_retry_policy_builder_set_max_delay (builder, DEMO_MAX_DELAY);
  policy = resilient_retry_policy_builder_build (builder, &error);
  if (policy == NULL)
    g_error ("%s", error->message);

  return g_steal_pointer (&policy);
}
/* [end] */

/* [client] */
static ResilientClient *
create_client (Demo *demo)
{
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRetryPolicy) policy = create_policy (demo);
  guint n_requests = demo->options.n_requests;

  resilient_client_set_retry_policy (client, policy);
  resilient_client_set_max_concurrent (client, demo->options.concurrency);
  resilient_client_set_max_concurrent_per_host (client, demo->options.concurrency);
  resilient_client_set_max_pending (client, n_requests);
  resilient_client_set_max_results (client, n_requests);
  if (demo->server != NULL)
    resilient_client_set_read_timeout (client, DEMO_READ_TIMEOUT);

  return g_steal_pointer (&client);
}
/* [end] */

/* [events] */
static void
event_cb (ResilientClient *client, ResilientEvent *event, Demo *demo)
{
  const char *id = resilient_request_context_get_request_id (resilient_event_get_context (event));
  DemoRequest *request = &demo->requests[g_ascii_strtoull (id + strlen ("request-"), NULL, 10)];
  ResilientEventType type = resilient_event_get_event_type (event);

  if (type == RESILIENT_EVENT_TYPE_RETRY)
    demo->retries++;
  else
    request->terminals++;
}
/* [end] */

static guint
get_row (double seconds)
{
  const double bounds[] = { DEMO_BOUNDS };
  guint row = 0;

  while (row < G_N_ELEMENTS (bounds) && seconds > bounds[row])
    row++;

  return row;
}

/* To the library any status that the policy does not retry is an answer, a 503 included; here only
 * a good one counts. */
static void
count_end (Demo *demo, ResilientResponse *response, const GError *error)
{
  if (response != NULL && resilient_response_check_status (response, NULL))
    demo->successes++;
  else if (response != NULL)
    demo->http_errors++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    demo->timeouts++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    demo->cancelled++;
  else
    {
      demo->errors++;
      if (demo->error == NULL)
        demo->error = g_error_copy (error);
    }
}

/* [ended] */
static void
ended_cb (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  ResilientClient *client = RESILIENT_CLIENT (source);
  DemoRequest *request = user_data;
  Demo *demo = request->demo;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_get_finish (client, async_result, &error);
  g_autofree char *id = g_strdup_printf ("request-%u", (guint) (request - demo->requests));
  g_autoptr (ResilientResult) result = NULL;

  request->callbacks++;
  if (request->callbacks > 1)
    return;

  count_end (demo, response, error);
  /* It is in the store before the callback runs. */
  result = resilient_client_get_result (client, id);
  if (result != NULL)
    demo->histogram[get_row (resilient_result_get_total_time (result))]++;
  request->refused = result == NULL;

  if (++demo->n_ended == (guint) demo->options.n_requests)
    g_main_loop_quit (demo->loop);
}
/* [end] */

/* [start] */
static void
start_requests (Demo *demo)
{
  char **uris = demo->options.uris;
  guint n_uris = uris != NULL ? g_strv_length (uris) : 0;

  for (int i = 0; i < demo->options.n_requests; i++)
    {
      g_autofree char *id = g_strdup_printf ("request-%d", i);
      g_autoptr (ResilientRequestContext) context =
        resilient_request_context_new (id, NULL, NULL, NULL);
      g_autofree char *uri = NULL;

      if (n_uris > 0)
        uri = g_strdup (uris[i % n_uris]);
      else
        uri =
          g_strdup_printf ("http://127.0.0.1:%u/item/%d", demo_server_get_port (demo->server), i);

      demo->requests[i].demo = demo;
      resilient_client_get_async (demo->client, uri, context, NULL, ended_cb, &demo->requests[i]);
    }
}
/* [end] */

static gboolean
interrupt (Demo *demo, int signum)
{
  demo->interrupted = signum;
  resilient_client_cancel_all (demo->client);

  return G_SOURCE_REMOVE;
}

static gboolean
sigint_cb (gpointer demo)
{
  return interrupt (demo, SIGINT);
}

static gboolean
sigterm_cb (gpointer demo)
{
  return interrupt (demo, SIGTERM);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Demo *demo = user_data;

  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  g_main_loop_quit (demo->loop);
}

/* After this nothing is on its way any more, so a second end of a request would have shown. */
static void
close_client (Demo *demo)
{
  resilient_client_close_async (demo->client, 0, NULL, closed_cb, demo);
  g_main_loop_run (demo->loop);
  while (resilient_client_get_event_queue_length (demo->client) > 0
         || g_main_context_pending (NULL))
    g_main_context_iteration (NULL, FALSE);
}

static int
run (Demo *demo)
{
  DemoView *view;
  double elapsed;

  demo->loop = g_main_loop_new (NULL, FALSE);
  demo->requests = g_new0 (DemoRequest, demo->options.n_requests);
  demo->client = create_client (demo);
  g_signal_connect (demo->client, "event", G_CALLBACK (event_cb), demo);
  g_unix_signal_add (SIGINT, sigint_cb, demo);
  g_unix_signal_add (SIGTERM, sigterm_cb, demo);

  demo_print_heading (demo);
  demo->started_at = g_get_monotonic_time ();
  view = demo_view_new (demo);
  start_requests (demo);
  g_main_loop_run (demo->loop);
  elapsed = demo_get_elapsed (demo);
  close_client (demo);
  demo_view_free (view);

  if (demo->options.json)
    demo_print_json (demo, elapsed);
  else
    demo_print_report (demo, elapsed);

  if (demo_count_wrong (demo) > 0)
    return EXIT_FAILURE;
  return demo->interrupted != 0 ? 128 + demo->interrupted : EXIT_SUCCESS;
}

static void
set_up_translations (void)
{
  const char *dir = g_getenv ("RESILIENT_LOCALE_DIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, dir != NULL ? dir : DEMO_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

int
main (int argc, char **argv)
{
  Demo demo = {
    0,
  };
  g_autoptr (GError) error = NULL;
  int status = EXIT_FAILURE;

  set_up_translations ();
  if (!demo_options_parse (&demo.options, &argc, &argv, &error))
    {
      g_printerr ("%s: %s\n", g_get_prgname (), error->message);
      return 2;
    }

  if (demo.options.uris == NULL)
    demo.server = demo_server_new (demo.options.fault_rate, demo.options.seed, DEMO_OUTAGE, &error);
  if (error == NULL)
    status = run (&demo);
  else
    g_printerr ("%s: %s\n", g_get_prgname (), error->message);

  g_clear_error (&demo.error);
  g_clear_object (&demo.client);
  g_clear_pointer (&demo.server, demo_server_free);
  g_clear_pointer (&demo.loop, g_main_loop_unref);
  g_free (demo.requests);
  demo_options_clear (&demo.options);

  return status;
}
