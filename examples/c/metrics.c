/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counting what happens: metrics http://localhost:8080
 *
 * Signals come in the main context, for what an interface shows. A subscription is a stream of the
 * same events for any thread, here one that writes a log. */

#include <resilient.h>
#include <stdlib.h>
#include <string.h>

#include "example-server.h"

/* [collector] */
typedef struct
{
  guint successes;
  guint retries;
  guint errors;
  guint responses;
  double total_time; /* seconds, of the responses */
} MetricsCollector;

static void
success_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  MetricsCollector *metrics = user_data;
  ResilientResponse *response = resilient_event_get_response (event);

  metrics->successes++;
  /* Events that come faster than they are read are delivered without it. */
  if (response != NULL)
    {
      metrics->responses++;
      metrics->total_time += resilient_response_get_elapsed_time (response);
    }
}

static void
retry_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  MetricsCollector *metrics = user_data;

  metrics->retries++;
}

static void
error_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  MetricsCollector *metrics = user_data;

  metrics->errors++;
}

static void
metrics_collector_attach (MetricsCollector *metrics, ResilientClient *client)
{
  g_signal_connect (client, "success", G_CALLBACK (success_cb), metrics);
  g_signal_connect (client, "retry", G_CALLBACK (retry_cb), metrics);
  g_signal_connect (client, "error", G_CALLBACK (error_cb), metrics);
  g_signal_connect (client, "timeout", G_CALLBACK (error_cb), metrics);
}

static void
metrics_collector_print (MetricsCollector *metrics)
{
  guint requests = metrics->successes + metrics->errors;

  g_print (
    "requests %u  success rate %.0f %%  retries a request %.1f  mean time of a response %.4f s\n",
    requests,
    requests > 0 ? 100.0 * metrics->successes / requests : 0.0,
    requests > 0 ? (double) metrics->retries / requests : 0.0,
    metrics->responses > 0 ? metrics->total_time / metrics->responses : 0.0);
}
/* [end] */

/* [subscription] */
static gpointer
write_log (gpointer data)
{
  ResilientSubscription *subscription = data;
  guint n_events = 0;

  /* No limit of time; NULL without an error is the end: the client was closed. */
  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientEvent) event =
        resilient_subscription_wait_next (subscription, -1, NULL, &error);
      g_autofree char *type = NULL;

      if (event == NULL)
        break;
      type = g_enum_to_string (RESILIENT_TYPE_EVENT_TYPE, resilient_event_get_event_type (event));
      g_print ("%3" G_GUINT64_FORMAT "  %-8s %s\n",
               resilient_event_get_sequence (event),
               resilient_request_context_get_request_id (resilient_event_get_context (event)),
               type);
      n_events++;
    }

  return GUINT_TO_POINTER (n_events);
}
/* [end] */

/* [page] */
/* A page for Prometheus or the collector of OpenTelemetry, to be served to them alone. */
static void
metrics_page_cb (SoupServer *server,
                 SoupServerMessage *message,
                 const char *path,
                 GHashTable *query,
                 gpointer user_data)
{
  ResilientClient *client = user_data;
  g_autoptr (ResilientStats) stats = resilient_client_get_stats (client);
  char *text = resilient_stats_to_openmetrics (stats);

  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message,
                                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                                    SOUP_MEMORY_TAKE,
                                    text,
                                    strlen (text));
}
/* [end] */

static void
page_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ResilientResponse **response = user_data;
  g_autoptr (GError) error = NULL;

  *response = resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);
  if (*response == NULL)
    g_error ("%s", error->message);
}

/* As Prometheus would: asks for the page, and writes what it says of requests. */
static gboolean
read_page (ResilientClient *client)
{
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (ResilientClient) scraper = resilient_client_new ();
  g_autoptr (ResilientResponse) response = NULL;
  g_autofree char *uri = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  GSList *uris;

  soup_server_add_handler (server, "/metrics", metrics_page_cb, client, NULL);
  if (!soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL))
    return FALSE;
  uris = soup_server_get_uris (server);
  uri = g_strdup_printf ("http://127.0.0.1:%d/metrics", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  resilient_client_get_async (scraper, uri, NULL, NULL, page_cb, &response);
  while (response == NULL)
    g_main_context_iteration (NULL, TRUE);

  text = resilient_response_get_text (response, NULL);
  if (text == NULL || !g_str_has_suffix (text, "\n# EOF\n"))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "resilient_client_requests"))
      g_print ("%s\n", lines[i]);
  return strstr (text, "error_type=\"404\"") != NULL;
}

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GPtrArray) results =
    resilient_client_wait_all_finish (RESILIENT_CLIENT (source), result, NULL);

  g_print ("%u results\n", results != NULL ? results->len : 0);
  g_main_loop_quit (user_data);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!resilient_client_close_finish (RESILIENT_CLIENT (source), result, &error))
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (user_data);
}

int
main (int argc, char **argv)
{
  const char *paths[] = { "/hello", "/flaky/1/a", "/flaky/2/b", "/flaky/9/c", "/missing" };
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientSubscription) subscription = NULL;
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (GThread) log = NULL;
  MetricsCollector metrics = {
    0,
  };
  guint n_logged;

  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_base_delay (builder, 0.05);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  resilient_client_set_retry_policy (client, policy);

  metrics_collector_attach (&metrics, client);
  subscription = resilient_client_subscribe (client, 100);
  log = g_thread_new ("log", write_log, subscription);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *uri = g_strconcat (base, paths[i], NULL);
      g_autofree char *id = g_strdup_printf ("item-%u", i);
      g_autoptr (ResilientRequestContext) context =
        resilient_request_context_new (id, NULL, NULL, NULL);

      resilient_client_get_async (client, uri, context, NULL, NULL, NULL);
    }
  resilient_client_wait_all_async (client, NULL, waited_cb, loop);
  g_main_loop_run (loop);

  /* Ends the log too. */
  resilient_client_close_async (client, 0, NULL, closed_cb, loop);
  g_main_loop_run (loop);

  /* Neither waits for signals that are still on their way. */
  while (resilient_client_get_event_queue_length (client) > 0)
    g_main_context_iteration (NULL, TRUE);
  n_logged = GPOINTER_TO_UINT (g_thread_join (g_steal_pointer (&log)));

  metrics_collector_print (&metrics);

  /* [stats] */
  /* The client keeps the same numbers itself. */
  stats = resilient_client_get_stats (client);
  g_print ("requests %" G_GUINT64_FORMAT "  attempts %" G_GUINT64_FORMAT
           "  p50 %.3f s  p95 %.3f s\n",
           resilient_stats_get_requests (stats),
           resilient_stats_get_attempts (stats),
           resilient_stats_get_percentile (stats, 0.50),
           resilient_stats_get_percentile (stats, 0.95));
  /* [end] */

  if (!read_page (client) && server != NULL)
    return EXIT_FAILURE;
  if (metrics.successes != resilient_stats_get_successes (stats)
      || metrics.retries != resilient_stats_get_retries (stats)
      || metrics.errors != resilient_stats_get_errors (stats) + resilient_stats_get_timeouts (stats)
      || n_logged != metrics.successes + metrics.retries + metrics.errors)
    return EXIT_FAILURE;
  /* One retry for a, two for b, three in vain for c; a 404 is an answer. */
  if (server != NULL && (metrics.successes != 4 || metrics.retries != 6 || metrics.errors != 1))
    return EXIT_FAILURE;

  return EXIT_SUCCESS;
}
