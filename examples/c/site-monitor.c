/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Looks at some sites again and again, and tells how available each was and how quick:
 * site-monitor --interval 5 --iterations 10 https://example.org https://example.com */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  const char *uri;
  guint n_checks;
  guint n_available;
  double total_time; /* seconds, of the answers */
} Site;

typedef struct
{
  GMainLoop *loop;
  ResilientClient *client;
  GArray *sites;   /* of Site */
  double interval; /* seconds between two rounds */
  int n_left;      /* rounds to come */
} Monitor;

static gboolean check_sites (gpointer user_data);

/* A site that answers, but with an error of its own, is not available. */
static void
note (Site *site, ResilientResult *result)
{
  ResilientResponse *response = resilient_result_get_response (result);

  site->n_checks++;
  if (response == NULL || !resilient_response_check_status (response, NULL))
    return;
  site->n_available++;
  site->total_time += resilient_result_get_total_time (result);
}

/* [round] */
static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Monitor *monitor = user_data;
  g_autoptr (GPtrArray) results =
    resilient_batch_run_finish (RESILIENT_BATCH (source), result, NULL);

  for (guint i = 0; results != NULL && i < results->len; i++)
    note (&g_array_index (monitor->sites, Site, i), results->pdata[i]);

  if (--monitor->n_left > 0)
    g_timeout_add ((guint) (monitor->interval * 1000), check_sites, monitor);
  else
    g_main_loop_quit (monitor->loop);
}

/* All sites at once: a slow one does not make the others wait. */
static gboolean
check_sites (gpointer user_data)
{
  Monitor *monitor = user_data;
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ResilientBatch) batch = NULL;

  for (guint i = 0; i < monitor->sites->len; i++)
    g_ptr_array_add (requests,
                     resilient_request_new ("GET", g_array_index (monitor->sites, Site, i).uri));
  batch = resilient_batch_new (monitor->client, requests, RESILIENT_BATCH_FLAGS_NONE);
  resilient_batch_run_async (batch, NULL, checked_cb, monitor);
  return G_SOURCE_REMOVE;
}
/* [end] */

static double
get_availability (const Site *site)
{
  return site->n_checks > 0 ? 100.0 * site->n_available / site->n_checks : 0.0;
}

static void
report (Monitor *monitor)
{
  for (guint i = 0; i < monitor->sites->len; i++)
    {
      const Site *site = &g_array_index (monitor->sites, Site, i);

      g_print ("%s: %.1f %% available, %.0f ms\n",
               site->uri,
               get_availability (site),
               site->n_available > 0 ? site->total_time / site->n_available * 1000 : 0.0);
    }
}

int
main (int argc, char **argv)
{
  double interval = 5.0;
  int iterations = 3;
  gboolean self_test = FALSE;
  g_auto (GStrv) uris = NULL;
  const GOptionEntry entries[] = {
    { "interval", 0, 0, G_OPTION_ARG_DOUBLE, &interval, "Between two rounds", "SECONDS" },
    { "iterations", 0, 0, G_OPTION_ARG_INT, &iterations, "How many rounds", "N" },
    { "self-test", 0, 0, G_OPTION_ARG_NONE, &self_test, "Look at a server of its own", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &uris, NULL, "URI…" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (ExampleServer) server = NULL;
  g_autoptr (ResilientRetryPolicy) once = resilient_retry_policy_new (0, 0.0);
  g_autoptr (GError) error = NULL;
  Monitor monitor = { 0 };
  gboolean right;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (!self_test && (uris == NULL || !(interval >= 0.0) || iterations < 1))
    {
      g_printerr ("Give at least one URI, an interval of at least 0 and at least one iteration\n");
      return 2;
    }

  if (self_test)
    {
      server = example_server_new (&error);
      if (server == NULL)
        g_error ("%s", error->message);
      uris = g_new0 (char *, 4);
      uris[0] = g_strconcat (example_server_get_uri (server), "/hello", NULL);
      uris[1] = g_strconcat (example_server_get_uri (server), "/flaky/1/site", NULL);
      uris[2] = g_strdup (example_server_get_refusing_uri (server));
      interval = 0.02;
      iterations = 4;
    }

  monitor.loop = g_main_loop_new (NULL, FALSE);
  monitor.client = resilient_client_new ();
  monitor.interval = interval;
  monitor.n_left = iterations;
  monitor.sites = g_array_new (FALSE, FALSE, sizeof (Site));
  for (guint i = 0; uris[i] != NULL; i++)
    {
      Site site = { .uri = uris[i] };

      g_array_append_val (monitor.sites, site);
    }
  /* A retry would hide what is looked for. */
  resilient_client_set_retry_policy (monitor.client, once);
  resilient_client_set_total_timeout (monitor.client, 10.0);

  check_sites (&monitor);
  g_main_loop_run (monitor.loop);
  report (&monitor);

  right = !self_test
          || (get_availability (&g_array_index (monitor.sites, Site, 0)) == 100.0
              && get_availability (&g_array_index (monitor.sites, Site, 1)) == 75.0
              && get_availability (&g_array_index (monitor.sites, Site, 2)) == 0.0);
  g_array_unref (monitor.sites);
  g_object_unref (monitor.client);
  g_main_loop_unref (monitor.loop);
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
