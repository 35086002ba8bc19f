/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>

/* Many requests for one URI, so many of them in flight, by this library or by libsoup alone; or all
 * submitted at once. */

static char *peer = NULL;
static char *uri = NULL;
static char *ca = NULL;
static char *trust = NULL;
static int n_requests = 20000;
static int in_flight = 50;
static int live = 0;
static int post_size = -1;
static int base_delay_ms = -1;
static int io_priority = G_MAXINT;
static gboolean at_once = FALSE;
static gboolean may_fail = FALSE;
static gboolean keyed = FALSE;
static gboolean json = FALSE;
static gboolean guarded = FALSE;
static gint64 spawned_at = 0;

static const GOptionEntry entries[] = {
  { "peer", 0, 0, G_OPTION_ARG_STRING, &peer, "Who sends: ours or libsoup", "NAME" },
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is asked for", "URI" },
  { "ca", 0, 0, G_OPTION_ARG_STRING, &ca, "Certificates to trust", "FILE" },
  { "trust", 0, 0, G_OPTION_ARG_STRING, &trust, "How: default, session or any", "HOW" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &in_flight, "How many on the wire at once", "N" },
  { "live",
    0,
    0,
    G_OPTION_ARG_INT,
    &live,
    "How many submitted and not done (as many as in flight)",
    "N" },
  { "io-priority", 0, 0, G_OPTION_ARG_INT, &io_priority, "The client's", "PRIORITY" },
  { "at-once", 0, 0, G_OPTION_ARG_NONE, &at_once, "Submit all of them at once", NULL },
  { "may-fail",
    0,
    0,
    G_OPTION_ARG_NONE,
    &may_fail,
    "Count failures in place of ending at one",
    NULL },
  { "base-delay-ms",
    0,
    0,
    G_OPTION_ARG_INT,
    &base_delay_ms,
    "Base delay of retries, in place of the policy's",
    "MS" },
  { "post", 0, 0, G_OPTION_ARG_INT, &post_size, "POST this many bytes", "BYTES" },
  { "key", 0, 0, G_OPTION_ARG_NONE, &keyed, "With an idempotency key", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Parse what comes", NULL },
  { "guards",
    0,
    0,
    G_OPTION_ARG_NONE,
    &guarded,
    "With a circuit breaker, a rate limiter and a retry budget, none of which refuses any",
    NULL },
  { "spawned-at",
    0,
    0,
    G_OPTION_ARG_INT64,
    &spawned_at,
    "When this program was started: µs since 1970",
    "TIME" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static SoupSession *session;
static GBytes *content;
static int n_started, n_done, n_ok;
static gsize n_bytes;
static gint64 first_at;
static gint64 *started_at;
static GArray *latencies;

static void submit (void);

static void
done (gpointer user_data, guint status, GBytes *body, const GError *error)
{
  gint64 now = g_get_monotonic_time ();
  double latency = (now - started_at[GPOINTER_TO_INT (user_data)]) / 1e3;

  if (n_done++ == 0)
    first_at = g_get_real_time ();
  g_array_append_val (latencies, latency);
  if (body != NULL && status == 200)
    {
      n_ok++;
      n_bytes += g_bytes_get_size (body);
    }
  else if (!may_fail)
    {
      g_error ("A request failed: %u %s", status, error != NULL ? error->message : "");
    }
  if (!at_once)
    submit ();
}

static void
check_json (JsonNode *node)
{
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node)
      || json_array_get_length (json_node_get_array (node)) < 100)
    g_error ("This is not the JSON that was asked for");
}

static void
ours_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  if (content == NULL)
    response = resilient_client_get_finish (client, result, &error);
  else if (keyed)
    response = resilient_client_send_finish (client, result, &error);
  else
    response = resilient_client_post_finish (client, result, &error);

  if (json && response != NULL)
    {
      g_autoptr (JsonNode) node = resilient_response_get_json (response, NULL);

      check_json (node);
    }
  done (user_data,
        response != NULL ? resilient_response_get_status_code (response) : 0,
        response != NULL ? resilient_response_get_body (response) : NULL,
        error);
}

static void
soup_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  SoupMessage *message = soup_session_get_async_result_message (session, result);
  guint status = soup_message_get_status (message);
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (session, result, &error);

  if (json && body != NULL)
    {
      g_autoptr (JsonParser) parser = json_parser_new_immutable ();

      json_parser_load_from_data (
        parser, g_bytes_get_data (body, NULL), g_bytes_get_size (body), NULL);
      check_json (json_parser_get_root (parser));
    }
  done (user_data, status, body, error);
}

static void
submit_ours (gpointer index)
{
  if (content == NULL)
    {
      resilient_client_get_async (client, uri, NULL, NULL, ours_cb, index);
    }
  else if (keyed)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);

      resilient_request_set_body_bytes (request, "application/octet-stream", content);
      resilient_request_set_idempotency_key (request, NULL);
      resilient_client_send_async (client, request, NULL, NULL, ours_cb, index);
    }
  else
    {
      resilient_client_post_async (
        client, uri, "application/octet-stream", content, NULL, NULL, ours_cb, index);
    }
}

static void
submit (void)
{
  gpointer index = GINT_TO_POINTER (n_started);

  if (n_started == n_requests)
    return;
  started_at[n_started++] = g_get_monotonic_time ();

  if (client != NULL)
    {
      submit_ours (index);
    }
  else
    {
      g_autoptr (SoupMessage) message = soup_message_new (content != NULL ? "POST" : "GET", uri);

      if (content != NULL)
        soup_message_set_request_body_from_bytes (message, "application/octet-stream", content);
      soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, NULL, soup_cb, index);
    }
}

/* The longest that any request slept between its attempts: no client with this policy can be done
 * earlier. */
static double
longest_sleep (void)
{
  g_autoptr (GPtrArray) results = resilient_client_list_results (client);
  double longest = 0;

  for (guint i = 0; i < results->len; i++)
    {
      g_autoptr (GPtrArray) attempts =
        resilient_result_list_attempts (g_ptr_array_index (results, i));
      double sleep = 0;

      for (guint j = 0; j < attempts->len; j++)
        sleep += resilient_attempt_get_delay_before (g_ptr_array_index (attempts, j));
      longest = MAX (longest, sleep);
    }

  return longest;
}

/* Everything that is claimed to have been on was. */
static void
check_ours (ResilientStats *stats)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (resilient_stats_get_requests (stats), ==, (guint64) n_requests);
  g_assert_cmpuint (resilient_stats_get_successes (stats), ==, (guint64) n_ok);
  g_assert_cmpuint (bench_n_signals, >=, (guint64) n_requests);
  g_assert_cmpuint (resilient_client_get_result_count (client), >, 0);
}

static void
set_base_delay (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_client_get_retry_policy (client));
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  resilient_retry_policy_builder_set_base_delay (builder, base_delay_ms / 1e3);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  resilient_client_set_retry_policy (client, policy);
}

/* All that an attempt may have to ask, set so that it is only asked. */
static void
set_guards (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientRateLimiter) limiter = resilient_rate_limiter_new (1e6, 1000000, &error);
  g_autoptr (ResilientRetryBudget) budget = resilient_retry_budget_new (0.2, 10, NULL);

  g_assert_no_error (error);
  resilient_client_set_rate_limiter (client, limiter);
  resilient_client_set_retry_budget (client, budget);
  resilient_client_set_circuit_policy (client, resilient_circuit_policy_get_default ());
}

static void
setup (void)
{
  if (ca != NULL && trust == NULL)
    trust = g_strdup ("default");
  if (g_str_equal (peer, "ours"))
    client = bench_client_new (in_flight, ca, trust);
  else
    session = bench_session_new (in_flight, ca, trust);
  if (client != NULL && base_delay_ms >= 0)
    set_base_delay ();
  if (client != NULL && io_priority != G_MAXINT)
    resilient_client_set_io_priority (client, io_priority);
  if (client != NULL && guarded)
    set_guards ();
  if (live == 0)
    live = in_flight;
  if (post_size >= 0)
    content = g_bytes_new_take (g_malloc0 (MAX (post_size, 1)), post_size);
  started_at = g_new0 (gint64, n_requests);
  latencies = g_array_sized_new (FALSE, FALSE, sizeof (double), n_requests);
}

int
main (int argc, char *argv[])
{
  gsize heap, waiting;
  gint64 began, submitted;
  int open;
  double cpu, elapsed, longest, p99, sleep = 0;
  guint64 retries = 0;

  bench_parse (entries, &argc, &argv);
  if (uri == NULL || peer == NULL)
    {
      g_printerr ("--peer and --uri are needed\n");
      return 2;
    }
  setup ();

  open = bench_count_descriptors ();
  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  heap = bench_heap_in_use ();
  for (int i = 0; i < (at_once ? n_requests : live); i++)
    submit ();
  waiting = bench_heap_in_use () - heap;
  submitted = g_get_monotonic_time () - began;

  bench_stalls_begin ();
  bench_turn_until (&n_done, n_requests);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;
  open = bench_count_descriptors () - open;
  bench_stalls_end (&longest, &p99);

  if (client != NULL)
    {
      g_autoptr (ResilientStats) stats = resilient_client_get_stats (client);

      check_ours (stats);
      retries = resilient_stats_get_retries (stats);
      sleep = may_fail ? longest_sleep () : 0;
    }

  g_print ("{\"peer\": \"%s\", \"requests\": %d, \"ok\": %d, \"retries\": %" G_GUINT64_FORMAT
           ", \"bytes\": %" G_GSIZE_FORMAT
           ", \"seconds\": %.6f, \"submit_us\": %.3f, \"per_second\": %.1f, \"cpu_us\": %.2f, "
           "\"heap_per_waiting\": %.1f, \"peak_rss\": %" G_GSIZE_FORMAT
           ", \"longest_sleep\": %.3f, "
           "\"stall_max_ms\": %.3f, \"stall_p99_ms\": %.3f, ",
           peer,
           n_requests,
           n_ok,
           retries,
           n_bytes,
           elapsed,
           (double) submitted / n_requests,
           n_requests / elapsed,
           cpu * 1e6 / n_requests,
           (double) waiting / n_requests,
           bench_peak_rss (),
           sleep,
           longest,
           p99);
  g_print ("\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"first_ms\": %.3f, \"open\": %d}\n",
           bench_percentile (latencies, 0.5),
           bench_percentile (latencies, 0.99),
           (first_at - spawned_at) / 1e3,
           open);

  g_clear_object (&client);
  g_clear_object (&session);
  g_clear_pointer (&content, g_bytes_unref);
  g_free (started_at);
  g_array_unref (latencies);
  return EXIT_SUCCESS;
}
