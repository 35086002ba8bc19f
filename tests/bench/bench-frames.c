/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* Does a window go on being drawn? A timer of 16 ms at the priority of GTK's drawing, beside a
 * client that has as much to do as it can in the same main context. */

#define FRAME 16   /* milliseconds */
#define REDRAW 120 /* GDK_PRIORITY_REDRAW */

static char *uri = NULL;
static int n_requests = 20000;
static int n_in_flight = 50;
static int io_priority = 150;

static const GOptionEntry entries[] = {
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is fetched", "URI" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How often, in all", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &n_in_flight, "How many at one time", "N" },
  { "io-priority", 0, 0, G_OPTION_ARG_INT, &io_priority, "The client's", "PRIORITY" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static int n_started;
static int n_done;
static guint64 n_bytes;
static GArray *gaps; /* of double: between two frames, milliseconds */
static gint64 last_frame;

static void fetch (void);

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_get_finish (client, result, &error);

  if (response == NULL || resilient_response_get_status_code (response) != 200)
    g_error ("The request failed: %s", error != NULL ? error->message : "status");
  n_bytes += g_bytes_get_size (resilient_response_get_body (response));
  n_done++;
  fetch ();
}

static void
fetch (void)
{
  if (n_started == n_requests)
    return;
  n_started++;
  resilient_client_get_async (client, uri, NULL, NULL, fetched_cb, NULL);
}

static gboolean
frame_cb (gpointer data)
{
  gint64 now = g_get_monotonic_time ();
  double gap = (now - last_frame) / 1e3;

  g_array_append_val (gaps, gap);
  last_frame = now;
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  GSource *frames;
  gint64 began;
  double elapsed, cpu, longest, p99, median;

  bench_parse (entries, &argc, &argv);
  if (uri == NULL)
    {
      g_printerr ("--uri is needed\n");
      return 2;
    }

  gaps = g_array_new (FALSE, FALSE, sizeof (double));
  client = bench_client_new ((guint) n_in_flight, NULL, NULL);
  resilient_client_set_max_response_size (client, 0);
  resilient_client_set_io_priority (client, io_priority);
  frames = g_timeout_source_new (FRAME);
  g_source_set_priority (frames, REDRAW);
  g_source_set_callback (frames, frame_cb, NULL, NULL);
  g_source_attach (frames, NULL);
  began = last_frame = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  for (int i = 0; i < n_in_flight; i++)
    fetch ();
  bench_turn_until (&n_done, n_requests);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;
  frame_cb (NULL);

  longest = bench_percentile (gaps, 1);
  p99 = bench_percentile (gaps, 0.99);
  median = bench_percentile (gaps, 0.5);
  g_print ("{\"io_priority\": %d, \"requests\": %d, \"in_flight\": %d, \"seconds\": %.6f, "
           "\"per_second\": %.1f, \"bytes_per_second\": %.1f, \"cpu_ms\": %.2f, \"frames\": %u, "
           "\"frames_due\": %.0f, \"gap_median_ms\": %.2f, \"gap_p99_ms\": %.2f, "
           "\"gap_max_ms\": %.2f}\n",
           io_priority,
           n_requests,
           n_in_flight,
           elapsed,
           n_requests / elapsed,
           (double) n_bytes / elapsed,
           cpu * 1e3,
           gaps->len,
           elapsed * 1e3 / FRAME,
           median,
           p99,
           longest);
  g_source_destroy (frames);
  g_source_unref (frames);
  g_array_unref (gaps);
  g_clear_object (&client);
  return EXIT_SUCCESS;
}
