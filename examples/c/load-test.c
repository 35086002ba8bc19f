/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How a server bears many requests: load-test -n 1000 -c 50 http://localhost:8080/ */

#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  guint left;
  guint good;
  gint64 bytes;
} Load;

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Load *load = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);

  if (response != NULL && resilient_response_check_status (response, NULL))
    {
      load->good++;
      load->bytes += g_bytes_get_size (resilient_response_get_body (response));
    }
  if (--load->left == 0)
    g_main_loop_quit (load->loop);
}

/* [load] */
static ResilientClient *
create_client (guint n_requests, guint concurrency)
{
  g_autoptr (ResilientClient) client = resilient_client_new ();

  resilient_client_set_max_concurrent (client, concurrency);
  /* Not the six of a well-behaved guest: the server is ours. */
  resilient_client_set_max_concurrent_per_host (client, concurrency);
  resilient_client_set_max_pending (client, n_requests);
  /* Statistics are kept all the same. */
  resilient_client_set_max_results (client, 0);

  return g_steal_pointer (&client);
}
/* [end] */

static void
print_report (ResilientClient *client, Load *load, double elapsed)
{
  g_autoptr (ResilientStats) stats = resilient_client_get_stats (client);
  guint64 requests = resilient_stats_get_requests (stats);

  g_print ("requests     %" G_GUINT64_FORMAT ", %u of them answered well\n", requests, load->good);
  g_print ("retries      %" G_GUINT64_FORMAT "\n", resilient_stats_get_retries (stats));
  g_print ("elapsed      %.3f s, %.0f requests/s, %.1f MB/s\n",
           elapsed,
           requests / elapsed,
           load->bytes / 1e6 / elapsed);
  g_print ("mean         %.1f ms\n", 1000 * resilient_stats_get_mean_time (stats));
  g_print ("percentiles  p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, p100 %.1f ms\n",
           1000 * resilient_stats_get_percentile (stats, 0.50),
           1000 * resilient_stats_get_percentile (stats, 0.95),
           1000 * resilient_stats_get_percentile (stats, 0.99),
           1000 * resilient_stats_get_percentile (stats, 1.00));
}

int
main (int argc, char **argv)
{
  int n_requests = 1000, concurrency = 50;
  gboolean self_test = FALSE;
  const GOptionEntry entries[] = {
    { "requests", 'n', 0, G_OPTION_ARG_INT, &n_requests, "How many requests", "N" },
    { "concurrency", 'c', 0, G_OPTION_ARG_INT, &concurrency, "How many of them at once", "N" },
    { "self-test", 0, 0, G_OPTION_ARG_NONE, &self_test, "Use a server of our own", NULL },
    { NULL }
  };
  g_autoptr (GOptionContext) options = g_option_context_new ("[URI]");
  g_autoptr (ExampleServer) server = NULL;
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = NULL;
  Load load = {
    loop,
  };
  gint64 started;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (n_requests < 1 || concurrency < 1 || argc != (self_test ? 1 : 2))
    {
      g_autofree char *help = g_option_context_get_help (options, TRUE, NULL);

      g_printerr ("%s", help);
      return 2;
    }
  if (self_test)
    {
      server = example_server_new (&error);
      if (server == NULL)
        g_error ("%s", error->message);
    }
  uri =
    self_test ? g_strconcat (example_server_get_uri (server), "/hello", NULL) : g_strdup (argv[1]);

  client = create_client (n_requests, concurrency);
  load.left = n_requests;
  started = g_get_monotonic_time ();
  for (int i = 0; i < n_requests; i++)
    resilient_client_get_async (client, uri, NULL, NULL, answered_cb, &load);
  g_main_loop_run (loop);
  print_report (client, &load, (g_get_monotonic_time () - started) / 1e6);

  return load.good == (guint) n_requests ? EXIT_SUCCESS : EXIT_FAILURE;
}
