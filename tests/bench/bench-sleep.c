/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* Requests that were refused and sleep before a retry: what they cost while they sleep. */

static int n_requests = 100000;
static int seconds = 3;

static const GOptionEntry entries[] = {
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "How long to watch them sleep", "SECONDS" },
  G_OPTION_ENTRY_NULL
};

static int n_cancelled;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  n_cancelled++;
}

static gboolean
watched_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* A port that nothing listens on. */
static char *
closed_uri (void)
{
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  g_assert_true (g_socket_bind (socket, address, FALSE, NULL));
  bound = g_socket_get_local_address (socket, NULL);

  return g_strdup_printf ("http://127.0.0.1:%u/",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = closed_uri ();
  guint sources_before, sources, alarms;
  gboolean watched = FALSE;
  gsize heap;
  gint64 began;
  double asleep_after, cpu;
  int turns = 0;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  resilient_retry_policy_builder_set_base_delay (builder, 3600);
  resilient_retry_policy_builder_set_max_delay (builder, 7200);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  client = bench_client_new (100, NULL);
  resilient_client_set_retry_policy (client, policy);

  /* The first failure makes what is made once: GIO's network monitor among it. */
  resilient_client_get_async (client, uri, NULL, NULL, done_cb, NULL);
  while (bench_n_signals < 1)
    g_main_context_iteration (NULL, TRUE);
  resilient_client_cancel_all (client);
  while (n_cancelled < 1)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  bench_n_signals = n_cancelled = 0;

  sources_before = bench_count_sources (NULL, NULL);
  heap = bench_heap_in_use ();
  began = g_get_monotonic_time ();
  for (int i = 0; i < n_requests; i++)
    resilient_client_get_async (client, uri, NULL, NULL, done_cb, NULL);
  while (bench_n_signals < (guint64) n_requests)
    g_main_context_iteration (NULL, TRUE);
  asleep_after = (g_get_monotonic_time () - began) / 1e6;
  while (g_main_context_iteration (NULL, FALSE))
    ;

  heap = bench_heap_in_use () - heap;
  sources = bench_count_sources (NULL, NULL);
  alarms = bench_count_sources (NULL, "[resilient] alarm");

  g_timeout_add_seconds (seconds, watched_cb, &watched);
  cpu = bench_cpu_time ();
  while (!watched)
    {
      g_main_context_iteration (NULL, TRUE);
      turns++;
    }
  cpu = bench_cpu_time () - cpu;

  resilient_client_cancel_all (client);
  while (n_cancelled < n_requests)
    g_main_context_iteration (NULL, TRUE);

  g_print ("{\"requests\": %d, \"asleep_after\": %.3f, \"heap_each\": %.1f, \"sources_before\": "
           "%u, \"sources\": %u, "
           "\"alarm_sources\": %u, \"watched\": %d, \"turns\": %d, \"cpu_ms\": %.3f, \"peak_rss\": "
           "%" G_GSIZE_FORMAT "}\n",
           n_requests,
           asleep_after,
           (double) heap / n_requests,
           sources_before,
           sources,
           alarms,
           seconds,
           turns,
           cpu * 1e3,
           bench_peak_rss ());

  return EXIT_SUCCESS;
}
