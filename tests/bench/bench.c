/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

guint64 bench_n_signals;

/* Lengths of the turns of the main context, and when its last poll returned; in its thread only. */
static GArray *turns;
static gint64 woken_at;

double
bench_cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
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
  /* That of getrusage() starts with the peak of the process that started this one. */
  g_autofree char *status = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = status != NULL ? strstr (status, "VmHWM:") : NULL;

  return line != NULL ? g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) * 1024 : 0;
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

void
bench_parse (const GOptionEntry *entries, int *argc, char ***argv)
{
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, argc, argv, &error))
    {
      g_printerr ("%s\n", error->message);
      exit (2);
    }
}

static void
event_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  bench_n_signals++;
}

static gboolean
accept_cb (SoupMessage *message,
           GTlsCertificate *certificate,
           GTlsCertificateFlags errors,
           gpointer user_data)
{
  return TRUE;
}

static void
queued_cb (SoupSession *session, SoupMessage *message, gpointer user_data)
{
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_cb), NULL);
}

/* TRUE: @session must be told; else the process was. */
static gboolean
trust_by_default (const char *ca, const char *trust)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;

  if (ca == NULL || g_strcmp0 (trust, "default") != 0)
    return trust != NULL;

  database = g_tls_file_database_new (ca, &error);
  g_assert_no_error (error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
  return FALSE;
}

static void
trust_by_session (SoupSession *session, const char *ca, const char *trust)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (trust, "any"))
    {
      g_signal_connect (session, "request-queued", G_CALLBACK (queued_cb), NULL);
      return;
    }
  database = g_tls_file_database_new (ca, &error);
  g_assert_no_error (error);
  soup_session_set_tls_database (session, database);
}

ResilientClient *
bench_client_new (guint concurrency, const char *ca, const char *trust)
{
  ResilientClient *client = g_object_new (RESILIENT_TYPE_CLIENT,
                                          "max-concurrent",
                                          concurrency,
                                          "max-concurrent-per-host",
                                          concurrency,
                                          "max-pending",
                                          G_MAXUINT,
                                          "retry-policy",
                                          resilient_retry_policy_get_standard (),
                                          NULL);

  g_signal_connect (client, "event", G_CALLBACK (event_cb), NULL);
  /* Who shares the session gives up what a client does with several. */
  if (trust_by_default (ca, trust))
    trust_by_session (resilient_client_share_session (client), ca, trust);
  return client;
}

SoupSession *
bench_session_new (guint concurrency, const char *ca, const char *trust)
{
  SoupSession *session = soup_session_new_with_options (
    "max-conns", concurrency, "max-conns-per-host", concurrency, NULL);

  if (trust_by_default (ca, trust))
    trust_by_session (session, ca, trust);
  return session;
}

int
bench_count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  int n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;

  return n;
}

void
bench_turn_until (const int *counter, int n)
{
  while (*counter < n)
    g_main_context_iteration (NULL, TRUE);
}

static int
poll_cb (GPollFD *fds, guint n_fds, int timeout)
{
  double turn = (g_get_monotonic_time () - woken_at) / 1e3;
  int n_ready;

  if (turns != NULL)
    g_array_append_val (turns, turn);
  n_ready = g_poll (fds, n_fds, timeout);
  woken_at = g_get_monotonic_time ();

  return n_ready;
}

void
bench_stalls_begin (void)
{
  turns = g_array_sized_new (FALSE, FALSE, sizeof (double), 1 << 16);
  woken_at = g_get_monotonic_time ();
  g_main_context_set_poll_func (NULL, poll_cb);
}

void
bench_stalls_end (double *longest, double *p99)
{
  *longest = bench_percentile (turns, 1);
  *p99 = bench_percentile (turns, 0.99);
  g_clear_pointer (&turns, g_array_unref);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

double
bench_percentile (GArray *values, double p)
{
  if (values->len == 0)
    return 0;

  g_array_sort (values, compare);
  return g_array_index (values, double, MIN (values->len - 1, (guint) (p * values->len)));
}
