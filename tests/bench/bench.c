/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <malloc.h>
#include <sys/resource.h>

guint64 bench_n_signals;

double
bench_cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

gsize
bench_heap_in_use (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

gsize
bench_peak_rss (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gsize) usage.ru_maxrss * 1024;
}

guint
bench_count_sources (GMainContext *context, const char *name)
{
  g_autoptr (GSource) newest = g_idle_source_new ();
  guint last, n = 0;

  /* Ids are given in order. */
  last = g_source_attach (newest, context);
  g_source_destroy (newest);
  for (guint id = 1; id < last; id++)
    {
      GSource *source = g_main_context_find_source_by_id (context, id);

      if (source != NULL && (name == NULL || g_strcmp0 (g_source_get_name (source), name) == 0))
        n++;
    }

  return n;
}

static void
event_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  bench_n_signals++;
}

ResilientClient *
bench_client_new (guint concurrency)
{
  ResilientClient *client = g_object_new (RESILIENT_TYPE_CLIENT,
                                          "max-concurrent", concurrency,
                                          "max-concurrent-per-host", concurrency,
                                          "max-pending", G_MAXUINT,
                                          "retry-policy", resilient_retry_policy_get_standard (),
                                          NULL);

  g_signal_connect (client, "event", G_CALLBACK (event_cb), NULL);
  return client;
}

SoupSession *
bench_session_new (guint concurrency)
{
  return soup_session_new_with_options ("max-conns", concurrency, "max-conns-per-host", concurrency, NULL);
}
