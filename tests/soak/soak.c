/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Sends requests for as long as one likes, to a server that misbehaves, and fails when anything
 * grows: descriptors, memory, objects, threads. `./dev soak` runs it. */

#include <malloc.h>
#include <resilient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak-server.h"

#define TICK 10  /* milliseconds */
#define PRINT 10 /* samples, which are seconds */
#define N_SYNC_THREADS 4
#define CHURN 10 /* seconds between two clients that come and go */
#define CHURN_REQUESTS 100
#define MAX_WAITING 50

static double minutes = 10;
static int rate = 500;

/* What may grow, each with the growth that is still noise: that much, and that share. */
typedef enum
{
  DESCRIPTORS,
  RESIDENT,
  HEAP,
  OBJECTS,
  THREADS,
  N_MEASURES
} Measure;

static const struct
{
  const char *name;
  double slack, share;
} measures[N_MEASURES] = {
  [DESCRIPTORS] = { "descriptors", 50, 0.1 },
  [RESIDENT] = { "resident memory (KiB)", 4096, 0.05 },
  [HEAP] = { "heap in use (KiB)", 1024, 0.03 },
  [OBJECTS] = { "objects", 150, 0.1 },
  [THREADS] = { "threads", 2, 0 },
};

static ResilientClient *client;
static ResilientClient *passing; /* the one that comes and goes */
static char *server_uri;
static GRand *chance;
static GThreadPool *sync_pool;
static GPtrArray *cancellables; /* of live asynchronous requests; not owned */
static GArray *samples[N_MEASURES];
static guint64 n_started;
static int n_ended;   /* atomic */
static int n_answers; /* atomic */
static int n_objects; /* atomic: calls, requests, cancellables, messages, clients */
static guint64 last_ended;
static guint n_samples;
static GMainLoop *loop;

/* --- objects ---------------------------------------------------------------------------------- */

static void
gone_cb (gpointer user_data, GObject *object)
{
  g_atomic_int_add (&n_objects, -1);
}

static void
count (gpointer object)
{
  g_atomic_int_inc (&n_objects);
  g_object_weak_ref (object, gone_cb, NULL);
}

static void
queued_cb (SoupSession *session, SoupMessage *message)
{
  count (message);
}

/* --- requests --------------------------------------------------------------------------------- */

static ResilientRequest *
some_request (void)
{
  static const char *const paths[] = { "/ok",    "/ok",   "/ok",    "/ok",     "/large", "/absent",
                                       "/moved", "/busy", "/later", "/once",   "/reset", "/cut",
                                       "/shut",  "/ok",   "/ok",    "/garbage" };
  gboolean silent = g_rand_double (chance) < 0.01;
  const char *path = silent ? "/silent" : paths[g_rand_int_range (chance, 0, G_N_ELEMENTS (paths))];
  gboolean post = g_rand_double (chance) < 0.2;
  g_autofree char *uri = g_strconcat (server_uri, path, NULL);
  ResilientRequest *request = resilient_request_new (post ? "POST" : "GET", uri);

  count (request);
  if (silent)
    resilient_request_set_read_timeout (request, 0.2);
  if (post)
    {
      g_autoptr (GBytes) body = g_bytes_new_static ("body", 4);

      resilient_request_set_body_bytes (request, "text/plain", body);
      resilient_request_set_idempotency (request, RESILIENT_IDEMPOTENCY_YES);
    }
  resilient_request_set_priority (request, g_rand_int_range (chance, -1, 2));

  return request;
}

static void
ended (ResilientResponse *response)
{
  g_atomic_int_inc (&n_ended);
  g_atomic_int_add (&n_answers, response != NULL);
}

static void
sync_request (gpointer request, gpointer user_data)
{
  g_autoptr (ResilientResponse) response =
    resilient_client_send (client, request, NULL, NULL, NULL);

  ended (response);
  g_object_unref (request);
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer cancellable)
{
  g_autoptr (ResilientResponse) response =
    resilient_client_send_finish (RESILIENT_CLIENT (source), result, NULL);

  ended (response);
  g_ptr_array_remove_fast (cancellables, cancellable);
  g_object_unref (cancellable);
}

static void
call_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (RESILIENT_CALL (source), result, NULL);

  ended (response);
}

static void
start (ResilientClient *with)
{
  g_autoptr (ResilientRequest) request = some_request ();
  double kind = g_rand_double (chance);

  n_started++;
  /* They block: a queue of them would be growth of our own. */
  if (kind < 0.2 && g_thread_pool_unprocessed (sync_pool) == 0)
    {
      g_thread_pool_push (sync_pool, g_steal_pointer (&request), NULL);
    }
  else if (kind < 0.4)
    {
      g_autoptr (ResilientCall) call = resilient_client_start (with, request, NULL, NULL);

      count (call);
      resilient_call_wait_async (call, NULL, call_ended_cb, NULL);
    }
  else
    {
      GCancellable *cancellable = g_cancellable_new ();

      count (cancellable);
      g_ptr_array_add (cancellables, cancellable);
      resilient_client_send_async (with, request, NULL, cancellable, sent_cb, cancellable);
    }
}

/* So many a second; fewer while they pile up, because the machine has other things to do: what
 * waits is not what is looked for. */
static gboolean
tick_cb (gpointer user_data)
{
  static gint64 last;
  static double owed;
  gint64 now = g_get_monotonic_time ();

  if (last != 0)
    owed += (now - last) / (double) G_USEC_PER_SEC * rate;
  last = now;
  if (resilient_client_get_pending_count (client) > MAX_WAITING)
    owed = 0;

  for (; owed >= 1; owed--)
    {
      start (client);
      if (cancellables->len > 0 && g_rand_double (chance) < 0.05)
        g_cancellable_cancel (cancellables->pdata[g_rand_int_range (chance, 0, cancellables->len)]);
    }

  return G_SOURCE_CONTINUE;
}

/* --- clients ---------------------------------------------------------------------------------- */

static void
event_cb (ResilientClient *with, ResilientEvent *event)
{
}

static ResilientClient *
make_client (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  ResilientClient *made = resilient_client_new ();

  resilient_retry_policy_builder_set_base_delay (builder, 0.01);
  resilient_retry_policy_builder_set_max_delay (builder, 0.1);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  resilient_client_set_retry_policy (made, policy);
  resilient_client_set_max_concurrent_per_host (made, 50);
  g_signal_connect (made, "event", G_CALLBACK (event_cb), NULL);
  g_signal_connect (
    resilient_client_share_session (made), "request-queued", G_CALLBACK (queued_cb), NULL);
  count (made);

  return made;
}

static void
passed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  g_clear_object (&passing);
}

static gboolean
churn_cb (gpointer user_data)
{
  if (passing == NULL)
    {
      passing = make_client ();
      for (guint i = 0; i < CHURN_REQUESTS; i++)
        start (passing);
      resilient_client_close_async (passing, 0.05, NULL, passed_cb, NULL);
    }
  return G_SOURCE_CONTINUE;
}

/* --- measuring -------------------------------------------------------------------------------- */

static double
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* A line of /proc/self/status. */
static double
read_status (const char *name)
{
  g_autofree char *status = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = status != NULL ? strstr (status, name) : NULL;
  return line != NULL ? g_ascii_strtod (line + strlen (name), NULL) : 0;
}

static void
add_sample (Measure measure, double value)
{
  g_array_append_val (samples[measure], value);
}

static double
newest (Measure measure)
{
  return g_array_index (samples[measure], double, samples[measure]->len - 1);
}

static void
print_line (void)
{
  guint64 all = (guint) g_atomic_int_get (&n_ended);

  g_print ("%6u s %8" G_GUINT64_FORMAT " requests %6.1f/s %5.1f %% answered %5.0f fds %7.1f MiB "
           "resident %7.1f MiB heap %5.0f objects %3.0f threads %5u active %5u waiting\n",
           n_samples,
           all,
           (double) (all - last_ended) / PRINT,
           all > 0 ? 100.0 * g_atomic_int_get (&n_answers) / all : 0,
           newest (DESCRIPTORS),
           newest (RESIDENT) / 1024,
           newest (HEAP) / 1024,
           newest (OBJECTS),
           newest (THREADS),
           resilient_client_get_active_count (client),
           resilient_client_get_pending_count (client));
  last_ended = all;
}

static gboolean
sample_cb (gpointer user_data)
{
  struct mallinfo2 info = mallinfo2 ();

  add_sample (DESCRIPTORS, count_descriptors ());
  add_sample (RESIDENT, read_status ("VmRSS:"));
  add_sample (HEAP, (info.uordblks + info.hblkhd) / 1024.0);
  add_sample (OBJECTS, g_atomic_int_get (&n_objects));
  add_sample (THREADS, read_status ("Threads:"));
  if (++n_samples % PRINT == 0)
    print_line ();
  if (n_samples >= minutes * 60)
    g_main_loop_quit (loop);

  return G_SOURCE_CONTINUE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double first = *(const double *) a, second = *(const double *) b;

  return (first > second) - (first < second);
}

static double
median (GArray *values, guint from, guint to)
{
  g_autofree double *sorted =
    g_memdup2 (&g_array_index (values, double, from), (to - from) * sizeof (double));

  qsort (sorted, to - from, sizeof (double), compare);
  return sorted[(to - from) / 2];
}

/* The median of the last third against that of the first, without a warm-up in which pools, caches
 * and the result store fill: what comes and goes does not move it, and what leaks does. */
static gboolean
is_flat (void)
{
  guint warm = MAX (n_samples / 5, MIN (n_samples / 2, 30));
  guint third = (n_samples - warm) / 3;
  gboolean flat = TRUE;

  if (third < 3)
    {
      g_print ("Too short to tell a trend\n");
      return TRUE;
    }
  for (Measure i = 0; i < N_MEASURES; i++)
    {
      double first = median (samples[i], warm, warm + third);
      double last = median (samples[i], n_samples - third, n_samples);
      gboolean grows = last > first * (1 + measures[i].share) + measures[i].slack;

      g_print (
        "%-22s %10.0f → %10.0f %s\n", measures[i].name, first, last, grows ? "GROWS" : "flat");
      flat &= !grows;
    }
  return flat;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  *(gboolean *) user_data = TRUE;
}

static gboolean
late_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Everything ends once, and nothing stays. */
static gboolean
wind_up (void)
{
  gboolean closed = FALSE, late = FALSE;
  guint timeout = g_timeout_add_seconds (30, late_cb, &late);

  resilient_client_close_async (client, 1, NULL, closed_cb, &closed);
  while (!late && (!closed || passing != NULL || (guint64) g_atomic_int_get (&n_ended) < n_started))
    g_main_context_iteration (NULL, TRUE);
  g_thread_pool_free (sync_pool, FALSE, !late);
  g_clear_object (&client);
  while (!late && g_atomic_int_get (&n_objects) > 0)
    g_main_context_iteration (NULL, FALSE);
  if (!late)
    g_source_remove (timeout);

  g_print ("%" G_GUINT64_FORMAT " requests started, %d ended, %d objects left\n",
           n_started,
           n_ended,
           n_objects);
  return (guint64) n_ended == n_started && n_objects == 0;
}

int
main (int argc, char *argv[])
{
  const GOptionEntry entries[] = {
    { "minutes", 0, 0, G_OPTION_ARG_DOUBLE, &minutes, "For how long (default: 10)", "M" },
    { "rate", 0, 0, G_OPTION_ARG_INT, &rate, "Requests a second (default: 500)", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new ("- look for what grows");
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) server = NULL;
  guint16 port;
  guint sources[3];
  gboolean good;

  if (argc == 2 && g_str_equal (argv[1], "--serve"))
    return soak_server_run ();
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  /* Nothing of this machine's settings. */
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  g_setenv ("GIO_USE_VFS", "local", TRUE);
  setvbuf (stdout, NULL, _IOLBF, 0);

  server = soak_server_start (argv[0], &port);
  server_uri = g_strdup_printf ("http://127.0.0.1:%u", port);
  chance = g_rand_new_with_seed (1);
  cancellables = g_ptr_array_new ();
  for (Measure i = 0; i < N_MEASURES; i++)
    samples[i] = g_array_new (FALSE, FALSE, sizeof (double));
  client = make_client ();
  sync_pool = g_thread_pool_new (sync_request, NULL, N_SYNC_THREADS, TRUE, NULL);
  loop = g_main_loop_new (NULL, FALSE);

  sources[0] = g_timeout_add (TICK, tick_cb, NULL);
  sources[1] = g_timeout_add_seconds (CHURN, churn_cb, NULL);
  sources[2] = g_timeout_add (1000, sample_cb, NULL);
  g_main_loop_run (loop);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);

  good = is_flat ();
  good &= wind_up ();

  for (Measure i = 0; i < N_MEASURES; i++)
    g_array_unref (samples[i]);
  g_ptr_array_unref (cancellables);
  g_main_loop_unref (loop);
  g_rand_free (chance);
  g_free (server_uri);

  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
