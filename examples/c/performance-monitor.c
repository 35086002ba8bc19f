/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Watches how a service does and reports it: performance-monitor http://localhost:8080
 *
 * Each kind of request is an operation, with its times in a report of its own. The time of an
 * operation is that of the caller: with all attempts and the waits between them. Each is a span of
 * one trace, so that a slow attempt can be looked up on the server. */

#include <resilient.h>
#include <stdlib.h>
#include <string.h>

#include "example-server.h"

#define ROUNDS 5
#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"

/* [monitor] */
typedef struct
{
  const char *name;
  const char *path;
  /* What became of it so far. */
  GArray *times; /* of double, seconds */
  guint failures;
  guint attempts;
} Operation;

static int
compare_times (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

/* The nearest rank; @operation has at least one time, in order. */
static double
get_percentile (Operation *operation, guint percent)
{
  guint rank = (percent * operation->times->len + 99) / 100;

  return g_array_index (operation->times, double, rank - 1);
}

static void
record (Operation *operation, ResilientResult *result)
{
  double time = resilient_result_get_total_time (result);

  g_array_append_val (operation->times, time);
  operation->attempts += resilient_result_get_attempts (result);
  if (!resilient_result_is_success (result))
    operation->failures++;
}

static void
report (Operation *operation)
{
  guint n = operation->times->len;
  double sum = 0.0;

  if (n == 0)
    return;
  g_array_sort (operation->times, compare_times);
  for (guint i = 0; i < n; i++)
    sum += g_array_index (operation->times, double, i);

  g_print ("%-8s %3u %4.0f %% %8.1f %8.3f %8.3f %8.3f %8.3f\n",
           operation->name,
           n,
           100.0 * (n - operation->failures) / n,
           (double) operation->attempts / n,
           sum / n,
           get_percentile (operation, 50),
           get_percentile (operation, 95),
           g_array_index (operation->times, double, n - 1));
}
/* [end] */

/* [trace] */
static ResilientRequest *
create_traced_request (const char *uri)
{
  ResilientRequest *request = resilient_request_new ("GET", uri);
  /* The span of the app in which it asks: drawn, as its tracing library would. */
  g_autofree char *parent =
    g_strdup_printf ("00-" TRACE_ID "-%08x%08x-01", g_random_int () | 1, g_random_int ());

  resilient_request_set_trace_parent (request, parent);
  return request;
}

/* What the app tells its tracing system of the attempts: children of that span. */
static guint
print_spans (ResilientResult *result)
{
  g_autoptr (GPtrArray) attempts = resilient_result_list_attempts (result);

  for (guint i = 0; i < attempts->len; i++)
    {
      ResilientAttempt *attempt = attempts->pdata[i];
      g_autofree char *span_id = resilient_attempt_dup_span_id (attempt);

      g_print ("  span %s  attempt %u  status %u  %.3f s\n",
               span_id,
               resilient_attempt_get_number (attempt),
               resilient_attempt_get_status_code (attempt),
               resilient_attempt_get_duration (attempt));
    }
  return attempts->len;
}
/* [end] */

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GPtrArray **results = user_data;

  *results = resilient_client_wait_all_finish (RESILIENT_CLIENT (source), result, NULL);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
  *(gboolean *) user_data = TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (ResilientStats) stats = NULL;
  Operation operations[] = {
    { .name = "page", .path = "/hello" },
    { .name = "flaky", .path = "/flaky/1" },
    { .name = "broken", .path = "/flaky/99" },
  };
  gboolean closed = FALSE;
  guint n_spans = 0;

  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_max_retries (builder, 2);
  resilient_retry_policy_builder_set_base_delay (builder, 0.02);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  resilient_client_set_retry_policy (client, policy);

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    operations[i].times = g_array_new (FALSE, FALSE, sizeof (double));

  /* The name of the operation is the beginning of the request's id. */
  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
      {
        g_autofree char *uri = g_strdup_printf ("%s%s/%u", base, operations[i].path, round);
        g_autofree char *id = g_strdup_printf ("%s.%u", operations[i].name, round);
        g_autoptr (ResilientRequest) request = create_traced_request (uri);
        g_autoptr (ResilientRequestContext) context =
          resilient_request_context_new (id, NULL, NULL, NULL);

        resilient_client_send_async (client, request, context, NULL, NULL, NULL);
      }
  resilient_client_wait_all_async (client, NULL, waited_cb, &results);
  while (results == NULL)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < results->len; i++)
    {
      ResilientResult *result = results->pdata[i];
      const char *id = resilient_result_get_request_id (result);

      for (guint j = 0; j < G_N_ELEMENTS (operations); j++)
        if (g_str_has_prefix (id, operations[j].name))
          record (&operations[j], result);
      /* One that took several attempts is worth a look. */
      if (resilient_result_get_attempts (result) > 1 && n_spans == 0)
        {
          g_print ("trace " TRACE_ID ", request %s\n", id);
          n_spans = print_spans (result);
        }
    }

  g_print ("%-8s %3s %6s %8s %8s %8s %8s %8s\n",
           "name",
           "n",
           "good",
           "attempts",
           "mean s",
           "p50 s",
           "p95 s",
           "max s");
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    report (&operations[i]);
  stats = resilient_client_get_stats (client);
  g_print ("in all %" G_GUINT64_FORMAT " requests, p99 %.3f s\n",
           resilient_stats_get_requests (stats),
           resilient_stats_get_percentile (stats, 0.99));

  resilient_client_close_async (client, 0, NULL, closed_cb, &closed);
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    g_array_unref (operations[i].times);

  if (server == NULL)
    return EXIT_SUCCESS;
  /* Two attempts for what fails once, three in vain for what is broken. */
  if (operations[0].attempts != ROUNDS || operations[1].attempts != 2 * ROUNDS
      || operations[2].attempts != 3 * ROUNDS)
    return EXIT_FAILURE;
  if (operations[1].failures != 0 || operations[2].failures != ROUNDS || n_spans < 2)
    return EXIT_FAILURE;
  return EXIT_SUCCESS;
}
