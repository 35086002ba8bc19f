/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "demo.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

void
demo_print (Demo *demo, const char *text)
{
  if (demo->options.json)
    g_printerr ("%s", text);
  else
    g_print ("%s", text);
}

double
demo_get_elapsed (Demo *demo)
{
  return (g_get_monotonic_time () - demo->started_at) / (double) G_USEC_PER_SEC;
}

char *
demo_format_seconds (double seconds)
{
  if (seconds < 1)
    return g_strdup_printf ("%.0f ms", seconds * 1000);

  return g_strdup_printf (seconds == (int) seconds ? "%.0f s" : "%.2f s", seconds);
}

void
demo_print_heading (Demo *demo)
{
  const DemoOptions *options = &demo->options;
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          /* Translators: %s is the name of a policy: default or standard. */
                          ngettext ("%'d request at once, %'d at a time, with the %s policy\n",
                                    "%'d requests at once, %'d at a time, with the %s policy\n",
                                    options->n_requests),
                          options->n_requests,
                          options->concurrency,
                          options->policy);
  if (demo->server != NULL)
    {
      g_string_append_printf (
        text,
        /* Translators: lines of at most 80 characters. The outage is in seconds. */
        _ ("The server refuses connections for the first %.1f s; then it fails %.0f %% of the\n"
           "requests: it drops the connection, says nothing, or answers 503.\n"),
        DEMO_OUTAGE,
        options->fault_rate * 100);
      if (g_str_equal (options->policy, "standard"))
        g_string_append_printf (
          text,
          ngettext ("The policy has %d retry and pauses from %.1f s here, to be brisk.\n",
                    "The policy has %d retries and pauses from %.1f s here, to be brisk.\n",
                    DEMO_MAX_RETRIES),
          DEMO_MAX_RETRIES,
          DEMO_BASE_DELAY);
      else
        g_string_append (
          text,
          _ ("The policy only retries what was never sent, so all these faults are final.\n"));
      /* Translators: --seed is what one types. */
      g_string_append_printf (text, _ ("To see the same faults again: --seed %u\n"), options->seed);
    }
  g_string_append_c (text, '\n');
  demo_print (demo, text->str);
}

guint
demo_count_wrong (Demo *demo)
{
  guint n_wrong = 0;

  for (int i = 0; i < demo->options.n_requests; i++)
    {
      DemoRequest *request = &demo->requests[i];

      if (request->callbacks != 1 || request->terminals != (request->refused ? 0 : 1))
        n_wrong++;
    }

  return n_wrong;
}

/* In bytes. What getrusage() says may be that of the shell from which we were started. */
static guint64
get_peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *line;
  struct rusage usage = {
    { 0 },
  };

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL)
      && (line = strstr (status, "\nVmHWM:")) != NULL)
    return g_ascii_strtoull (line + strlen ("\nVmHWM:"), NULL, 10) * 1024;

  getrusage (RUSAGE_SELF, &usage);

  return (guint64) usage.ru_maxrss * 1024;
}

static double
share (guint64 part, guint64 whole)
{
  return whole > 0 ? (double) part / whole : 0.0;
}

static G_GNUC_PRINTF (3, 4) void add_row (GString *text, const char *label, const char *format, ...)
{
  va_list arguments;

  g_string_append (text, label);
  for (glong i = g_utf8_strlen (label, -1); i < 22; i++)
    g_string_append_c (text, ' ');
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
  g_string_append_c (text, '\n');
}

static void
add_faults (GString *text, DemoServer *server)
{
  DemoFaults faults;

  demo_server_get_faults (server, &faults);
  add_row (text,
           _ ("Faults met"),
           /* Translators: connections dropped, requests left without an answer, answers 503. */
           _ ("dropped: %'u, stalled: %'u, answered 503: %'u"),
           faults.dropped,
           faults.stalled,
           faults.unavailable);
}

void
demo_print_report (Demo *demo, double elapsed)
{
  g_autoptr (ResilientStats) stats = resilient_client_get_stats (demo->client);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *p50 = demo_format_seconds (resilient_stats_get_percentile (stats, 0.50));
  g_autofree char *p95 = demo_format_seconds (resilient_stats_get_percentile (stats, 0.95));
  g_autofree char *p99 = demo_format_seconds (resilient_stats_get_percentile (stats, 0.99));
  g_autofree char *time = demo_format_seconds (elapsed);
  guint n_requests = demo->options.n_requests, n_wrong = demo_count_wrong (demo);
  guint n_failed = n_requests - demo->successes;
  guint n_retries = (guint) resilient_stats_get_retries (stats);

  add_row (text, _ ("Requests"), "%'u", n_requests);
  add_row (text,
           _ ("Success rate"),
           /* Translators: a share in per cent. */
           _ ("%.1f %%"),
           100 * share (demo->successes, n_requests));
  add_row (
    text, _ ("Error rate"), _ ("%.1f %%"), 100 * share (n_failed - demo->cancelled, n_requests));
  if (n_failed > 0)
    add_row (text,
             "",
             /* Translators: how many requests ended in each of these ways. */
             _ ("error statuses: %'u, errors: %'u, time-outs: %'u, cancelled: %'u"),
             demo->http_errors,
             demo->errors,
             demo->timeouts,
             demo->cancelled);
  if (demo->error != NULL)
    add_row (text, "", "%s", demo->error->message);
  add_row (text, _ ("Retry rate"), _ ("%.1f %%"), 100 * resilient_stats_get_retry_rate (stats));
  add_row (text,
           _ ("Attempts"),
           /* Translators: attempts in all; the plural is that of the retries among them. */
           ngettext ("%'u, of them %'u retry", "%'u, of them %'u retries", n_retries),
           (guint) resilient_stats_get_attempts (stats),
           n_retries);
  if (demo->server != NULL)
    add_faults (text, demo->server);
  add_row (text, _ ("Time of a request"), "p50 %s, p95 %s, p99 %s", p50, p95, p99);
  add_row (text, _ ("Elapsed"), "%s", time);
  add_row (text, _ ("Peak memory"), _ ("%.1f MiB"), get_peak_memory () / (1024.0 * 1024.0));
  g_string_append_c (text, '\n');

  if (n_wrong == 0)
    g_string_append (text, _ ("Every request ended exactly once.\n"));
  else
    g_string_append_printf (text,
                            ngettext ("%'u request did not end exactly once!\n",
                                      "%'u requests did not end exactly once!\n",
                                      n_wrong),
                            n_wrong);
  if (n_failed > 0 && demo->server != NULL && g_str_equal (demo->options.policy, "default"))
    g_string_append (text, _ ("For a server like this one try --policy standard.\n"));
  else if (n_failed > demo->cancelled && demo->server != NULL)
    g_string_append_printf (
      text,
      /* Translators: lines of at most 80 characters. %d is 16. */
      _ ("Those that failed met a fault in each of the %d attempts that the policy allows.\n"),
      DEMO_MAX_RETRIES + 1);
  demo_print (demo, text->str);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_double (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

void
demo_print_json (Demo *demo, double elapsed)
{
  g_autoptr (ResilientStats) stats = resilient_client_get_stats (demo->client);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  guint n_requests = demo->options.n_requests;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "policy");
  json_builder_add_string_value (builder, demo->options.policy);
  add_int (builder, "concurrency", demo->options.concurrency);
  if (demo->server != NULL)
    {
      DemoFaults faults;

      demo_server_get_faults (demo->server, &faults);
      add_int (builder, "seed", demo->options.seed);
      add_double (builder, "fault_rate", demo->options.fault_rate);
      add_int (builder, "faults_dropped", faults.dropped);
      add_int (builder, "faults_stalled", faults.stalled);
      add_int (builder, "faults_unavailable", faults.unavailable);
    }
  add_int (builder, "requests", n_requests);
  add_int (builder, "successes", demo->successes);
  add_int (builder, "errors", demo->errors + demo->http_errors);
  add_int (builder, "http_errors", demo->http_errors);
  add_int (builder, "timeouts", demo->timeouts);
  add_int (builder, "cancelled", demo->cancelled);
  add_int (builder, "attempts", resilient_stats_get_attempts (stats));
  add_int (builder, "retries", resilient_stats_get_retries (stats));
  add_double (builder, "success_rate", share (demo->successes, n_requests));
  add_double (
    builder, "error_rate", share (n_requests - demo->successes - demo->cancelled, n_requests));
  add_double (builder, "retry_rate", resilient_stats_get_retry_rate (stats));
  add_double (builder, "p50", resilient_stats_get_percentile (stats, 0.50));
  add_double (builder, "p95", resilient_stats_get_percentile (stats, 0.95));
  add_double (builder, "p99", resilient_stats_get_percentile (stats, 0.99));
  add_double (builder, "elapsed", elapsed);
  add_int (builder, "peak_memory_bytes", get_peak_memory ());
  json_builder_set_member_name (builder, "exactly_once");
  json_builder_add_boolean_value (builder, demo_count_wrong (demo) == 0);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  text = json_generator_to_data (generator, NULL);
  g_print ("%s\n", text);
}
