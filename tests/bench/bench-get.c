/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* Many GETs of one URI, so many in flight, by this library or by libsoup alone; or all submitted at once. */

static char *peer = NULL;
static char *uri = NULL;
static int n_requests = 20000;
static int in_flight = 50;
static gboolean at_once = FALSE;

static const GOptionEntry entries[] = {
  { "peer", 0, 0, G_OPTION_ARG_STRING, &peer, "Who sends: ours or libsoup", "NAME" },
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is asked for", "URI" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &in_flight, "How many on the wire at once", "N" },
  { "at-once", 0, 0, G_OPTION_ARG_NONE, &at_once, "Submit all of them at once", NULL },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static SoupSession *session;
static int n_started, n_done;
static gsize n_bytes;

static void submit (void);

static void
done (GBytes *body, const GError *error)
{
  if (body == NULL)
    g_error ("A request failed: %s", error != NULL ? error->message : "no body");

  n_bytes += g_bytes_get_size (body);
  n_done++;
  if (!at_once)
    submit ();
}

static void
ours_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_get_finish (client, result, &error);

  done (response != NULL ? resilient_response_get_body (response) : NULL, error);
}

static void
soup_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (session, result, &error);

  done (body, error);
}

static void
submit (void)
{
  if (n_started == n_requests)
    return;
  n_started++;

  if (client != NULL)
    {
      resilient_client_get_async (client, uri, NULL, NULL, ours_cb, NULL);
    }
  else
    {
      g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);

      soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, NULL, soup_cb, NULL);
    }
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  gsize heap, waiting;
  gint64 began;
  double cpu, elapsed;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error) || uri == NULL || peer == NULL)
    {
      g_printerr ("%s\n", error != NULL ? error->message : "--peer and --uri are needed");
      return 2;
    }

  if (g_str_equal (peer, "ours"))
    client = bench_client_new (in_flight);
  else
    session = bench_session_new (in_flight);

  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  heap = bench_heap_in_use ();
  for (int i = 0; i < (at_once ? n_requests : in_flight); i++)
    submit ();
  waiting = bench_heap_in_use () - heap;

  while (n_done < n_requests)
    g_main_context_iteration (NULL, TRUE);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;

  if (client != NULL)
    {
      g_autoptr (ResilientStats) stats = resilient_client_get_stats (client);

      while (g_main_context_iteration (NULL, FALSE))
        ;
      /* Everything that is claimed to be on was. */
      g_assert_cmpuint (resilient_stats_get_successes (stats), ==, (guint64) n_requests);
      g_assert_cmpuint (bench_n_signals, >=, (guint64) n_requests);
      g_assert_cmpuint (resilient_client_get_result_count (client), >, 0);
    }

  g_print ("{\"peer\": \"%s\", \"requests\": %d, \"bytes\": %" G_GSIZE_FORMAT ", \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"cpu_us\": %.2f, \"heap_per_waiting\": %.1f, \"peak_rss\": %" G_GSIZE_FORMAT "}\n",
           peer, n_requests, n_bytes, elapsed, n_requests / elapsed, cpu * 1e6 / n_requests,
           (double) waiting / n_requests, bench_peak_rss ());

  g_clear_object (&client);
  g_clear_object (&session);
  return EXIT_SUCCESS;
}
