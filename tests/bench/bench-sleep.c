/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* Requests that were refused and sleep before a retry: what they cost while they sleep, and when
 * they wake, all of them within ten seconds. They wake into the queue, because the one slot there
 * is then is taken, lest the cost of sending them again be counted. */

#define SPREAD 10.0
#define BATCH 250

static int n_requests = 100000;
static int seconds = 3;

static const GOptionEntry entries[] = {
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "How long to watch them sleep", "SECONDS" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static char *uri;
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

/* A port that nothing listens on, or whose listener never says a word. */
static char *
silent_uri (GSocket *socket, gboolean open)
{
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  g_assert_true (g_socket_bind (socket, any, FALSE, NULL));
  if (open)
    g_assert_true (g_socket_listen (socket, NULL));
  bound = g_socket_get_local_address (socket, NULL);

  return g_strdup_printf ("http://127.0.0.1:%u/",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}

static void
turn_for (double duration)
{
  gboolean over = FALSE;

  g_timeout_add ((guint) (MAX (duration, 0) * 1000), watched_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
cancel_all (int n)
{
  resilient_client_cancel_all (client);
  bench_turn_until (&n_cancelled, n);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  bench_n_signals = n_cancelled = 0;
}

/* From now on a retry comes after @least to @least + SPREAD seconds. */
static void
set_delay (double least)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;
  double middle = least + SPREAD / 2;

  resilient_retry_policy_builder_set_base_delay (builder, middle);
  resilient_retry_policy_builder_set_max_delay (builder, 7200);
  resilient_retry_policy_builder_set_jitter (builder, SPREAD / 2 / middle);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_client_set_retry_policy (client, policy);
}

/* Sends so many to sleep, to wake from @wake_at on; returns how long that took. */
static double
fall_asleep (int n, gint64 wake_at)
{
  gint64 began = g_get_monotonic_time ();
  guint64 n_before = bench_n_signals;

  for (int i = 0; i < n; i++)
    {
      if (i % BATCH == 0)
        set_delay ((wake_at - g_get_monotonic_time ()) / 1e6);
      resilient_client_get_async (client, uri, NULL, NULL, done_cb, NULL);
      if (i % BATCH == BATCH - 1 || i == n - 1)
        while (bench_n_signals < n_before + i + 1)
          g_main_context_iteration (NULL, TRUE);
    }

  return (g_get_monotonic_time () - began) / 1e6;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GSocket) closed = NULL;
  g_autoptr (GSocket) silent = NULL;
  g_autofree char *silent_at = NULL;
  guint sources_before, sources, timers;
  gsize heap;
  gint64 wake_at;
  double asleep_after, cpu, wake_cpu, longest, p99;

  bench_parse (entries, &argc, &argv);
  closed = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  silent = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  uri = silent_uri (closed, FALSE);
  silent_at = silent_uri (silent, TRUE);
  client = bench_client_new (100, NULL, NULL);
  resilient_client_set_read_timeout (client, 0);

  /* The first failures make what is made once, GIO's network monitor among it, and tell how long
   * the rest will take. */
  asleep_after = fall_asleep (BATCH, g_get_monotonic_time () + G_TIME_SPAN_HOUR);
  asleep_after =
    fall_asleep (BATCH, g_get_monotonic_time () + G_TIME_SPAN_HOUR) / BATCH * n_requests;
  cancel_all (2 * BATCH);
  wake_at = g_get_monotonic_time () + (gint64) ((asleep_after * 2 + seconds + 1) * G_USEC_PER_SEC);
  resilient_client_get_async (client, silent_at, NULL, NULL, done_cb, NULL);
  turn_for (0.1);

  sources_before = bench_count_sources (NULL, NULL);
  heap = bench_heap_in_use ();
  asleep_after = fall_asleep (n_requests, wake_at);
  while (g_main_context_iteration (NULL, FALSE))
    ;

  heap = bench_heap_in_use () - heap;
  sources = bench_count_sources (NULL, NULL);
  timers = bench_count_sources (NULL, "[resilient] timers");

  cpu = bench_cpu_time ();
  turn_for (seconds);
  cpu = bench_cpu_time () - cpu;
  g_assert_cmpint (g_get_monotonic_time (), <, wake_at);
  g_assert_cmpuint (resilient_client_get_active_count (client), ==, 1);
  g_assert_cmpuint (resilient_client_get_pending_count (client), ==, 0);

  resilient_client_set_max_concurrent (client, 1);
  wake_cpu = bench_cpu_time ();
  bench_stalls_begin ();
  turn_for ((wake_at - g_get_monotonic_time ()) / 1e6 + SPREAD + 0.5);
  bench_stalls_end (&longest, &p99);
  wake_cpu = bench_cpu_time () - wake_cpu;
  g_assert_cmpuint (resilient_client_get_pending_count (client), ==, (guint) n_requests);
  cancel_all (n_requests + 1);

  g_print (
    "{\"requests\": %d, \"asleep_after\": %.3f, \"heap_each\": %.1f, \"sources_before\": %u, "
    "\"sources\": %u, \"timer_queue_sources\": %u, \"watched\": %d, \"cpu_ms\": %.3f, \"wake_us\": "
    "%.3f, "
    "\"stall_max_ms\": %.3f, \"stall_p99_ms\": %.3f, \"peak_rss\": %" G_GSIZE_FORMAT "}\n",
    n_requests,
    asleep_after,
    (double) heap / n_requests,
    sources_before,
    sources,
    timers,
    seconds,
    cpu * 1e3,
    wake_cpu * 1e6 / n_requests,
    longest,
    p99,
    bench_peak_rss ());

  g_clear_object (&client);
  g_free (uri);
  return EXIT_SUCCESS;
}
