/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* GETs from elsewhere than the home context: started in another thread's context, or by threads
 * that wait for each. The home context turns meanwhile and emits the signals. */

static char *uri = NULL;
static int n_requests = 20000;
static int in_flight = 50;
static int n_threads = 0;

static const GOptionEntry entries[] = {
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is asked for", "URI" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &in_flight, "How many on the wire at once", "N" },
  { "threads", 0, 0, G_OPTION_ARG_INT, &n_threads, "Send and wait in so many threads", "N" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static int n_ended; /* threads; home context */

static void
check (ResilientResponse *response, const GError *error)
{
  if (response == NULL || resilient_response_get_status_code (response) != 200
      || g_bytes_get_size (resilient_response_get_body (response)) != 1024)
    g_error ("A request failed: %s", error != NULL ? error->message : "its answer");
}

static gboolean
ended_cb (gpointer user_data)
{
  n_ended++;
  return G_SOURCE_REMOVE;
}

/* What the thread with a context of its own keeps. */
typedef struct
{
  int n_started;
  int n_done;
} Load;

static void submit (Load *load);

static void
get_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Load *load = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_get_finish (client, result, &error);

  check (response, error);
  load->n_done++;
  submit (load);
}

static void
submit (Load *load)
{
  if (load->n_started == n_requests)
    return;
  load->n_started++;
  resilient_client_get_async (client, uri, NULL, NULL, get_cb, load);
}

static gpointer
context_thread (gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Load load = { 0 };

  g_main_context_push_thread_default (context);
  for (int i = 0; i < in_flight; i++)
    submit (&load);
  while (load.n_done < n_requests)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  g_idle_add (ended_cb, NULL);

  return NULL;
}

static gpointer
waiting_thread (gpointer user_data)
{
  for (int i = 0; i < n_requests / n_threads; i++)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response =
        resilient_client_send (client, request, NULL, NULL, &error);

      check (response, error);
    }
  g_idle_add (ended_cb, NULL);

  return NULL;
}

int
main (int argc, char *argv[])
{
  g_autoptr (ResilientStats) stats = NULL;
  int n_all;
  gint64 began;
  double elapsed, cpu;

  bench_parse (entries, &argc, &argv);
  if (uri == NULL)
    {
      g_printerr ("--uri is needed\n");
      return 2;
    }
  client = bench_client_new (in_flight, NULL, NULL);
  n_all = n_threads > 0 ? n_requests / n_threads * n_threads : n_requests;

  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  for (int i = 0; i < MAX (n_threads, 1); i++)
    g_thread_unref (g_thread_new ("load", n_threads > 0 ? waiting_thread : context_thread, NULL));
  bench_turn_until (&n_ended, MAX (n_threads, 1));
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;

  while (bench_n_signals < (guint64) n_all)
    g_main_context_iteration (NULL, TRUE);
  stats = resilient_client_get_stats (client);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, (guint64) n_all);

  g_print ("{\"requests\": %d, \"seconds\": %.6f, \"per_second\": %.1f, \"cpu_us\": %.2f, "
           "\"peak_rss\": %" G_GSIZE_FORMAT "}\n",
           n_all,
           elapsed,
           n_all / elapsed,
           cpu * 1e6 / n_all,
           bench_peak_rss ());
  g_clear_object (&client);
  return EXIT_SUCCESS;
}
