/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* GETs whose events a thread follows that is slower than they come. */

static char *uri = NULL;
static int n_requests = 20000;
static int in_flight = 50;
static int capacity = 1000;
static int pause_us = 1000;

static const GOptionEntry entries[] = {
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is asked for", "URI" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &in_flight, "How many on the wire at once", "N" },
  { "capacity", 0, 0, G_OPTION_ARG_INT, &capacity, "How many events may wait", "N" },
  { "pause-us", 0, 0, G_OPTION_ARG_INT, &pause_us, "How long the follower takes for each", "µs" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static int n_started, n_done, n_closed;
static int hurry; /* atomic: all are done */

static gpointer
follow (gpointer user_data)
{
  ResilientSubscription *subscription = user_data;
  gsize n_seen = 0;
  guint64 last = 0;

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientEvent) event =
        resilient_subscription_wait_next (subscription, -1, NULL, &error);

      g_assert_no_error (error);
      if (event == NULL)
        return GSIZE_TO_POINTER (n_seen);
      g_assert_cmpuint (resilient_event_get_sequence (event), >, last);
      last = resilient_event_get_sequence (event);
      n_seen++;
      if (!g_atomic_int_get (&hurry))
        g_usleep (pause_us);
    }
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (resilient_client_close_finish (client, result, NULL));
  n_closed++;
}

static void submit (void);

static void
get_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_get_finish (client, result, &error);

  if (response == NULL || resilient_response_get_status_code (response) != 200)
    g_error ("A request failed: %s", error != NULL ? error->message : "its status");
  n_done++;
  submit ();
}

static void
submit (void)
{
  if (n_started == n_requests)
    return;
  n_started++;
  resilient_client_get_async (client, uri, NULL, NULL, get_cb, NULL);
}

int
main (int argc, char *argv[])
{
  g_autoptr (ResilientSubscription) subscription = NULL;
  GThread *follower;
  gsize n_seen;
  guint64 dropped;
  gint64 began;
  double elapsed, cpu;

  bench_parse (entries, &argc, &argv);
  if (uri == NULL)
    {
      g_printerr ("--uri is needed\n");
      return 2;
    }
  client = bench_client_new (in_flight, NULL, NULL);
  subscription = resilient_client_subscribe (client, capacity);
  follower = g_thread_new ("follower", follow, subscription);

  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  for (int i = 0; i < in_flight; i++)
    submit ();
  bench_turn_until (&n_done, n_requests);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;

  /* Which ends the subscription after its last event. */
  g_atomic_int_set (&hurry, TRUE);
  resilient_client_close_async (client, 0, NULL, closed_cb, NULL);
  bench_turn_until (&n_closed, 1);
  n_seen = GPOINTER_TO_SIZE (g_thread_join (follower));
  dropped = resilient_subscription_get_dropped (subscription);
  g_assert_cmpuint (n_seen + dropped, ==, (guint64) n_requests);

  g_print ("{\"requests\": %d, \"seconds\": %.6f, \"per_second\": %.1f, \"cpu_us\": %.2f, "
           "\"seen\": %" G_GSIZE_FORMAT ", \"dropped\": %" G_GUINT64_FORMAT
           ", \"peak_rss\": %" G_GSIZE_FORMAT "}\n",
           n_requests,
           elapsed,
           n_requests / elapsed,
           cpu * 1e6 / n_requests,
           n_seen,
           dropped,
           bench_peak_rss ());
  g_clear_object (&client);
  return EXIT_SUCCESS;
}
