/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-metrics-private.h"

#include <string.h>

#define ORIGIN "https://example.org:443"
#define ATTEMPTS "http_client_request_duration_seconds"
#define EXAMPLE_ORG "server_address=\"example.org\",server_port=\"443\",url_scheme=\"https\""

static char *
make_text (const ResilientMetrics *metrics)
{
  GString *text = g_string_new (NULL);

  resilient_metrics_write (metrics, text);
  return g_string_free (text, FALSE);
}

static gboolean
has_line (const ResilientMetrics *metrics, const char *line)
{
  g_autofree char *text = make_text (metrics);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  return g_strv_contains ((const char *const *) lines, line);
}

static guint
count_lines (const ResilientMetrics *metrics, const char *prefix)
{
  g_autofree char *text = make_text (metrics);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    n += g_str_has_prefix (lines[i], prefix);
  return n;
}

/* A boundary belongs to what is below it. */
static void
test_buckets (void)
{
  static const struct
  {
    gint64 microseconds;
    const char *bound;
    guint at_most;
  } cases[] = {
    { 0, "0.005", 1 },       { 5000, "0.005", 2 },      { 5001, "0.01", 3 },
    { 1000000, "1.0", 4 },   { 1000001, "2.5", 5 },     { 10000000, "10.0", 6 },
    { 10000001, "+Inf", 7 }, { G_MAXINT64, "+Inf", 8 },
  };
  g_autoptr (ResilientMetrics) metrics = resilient_metrics_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line =
        g_strdup_printf (ATTEMPTS "_bucket{http_request_method=\"GET\"," EXAMPLE_ORG
                                  ",http_response_status_code=\"200\",le=\"%s\"} %u",
                         cases[i].bound,
                         cases[i].at_most);

      resilient_metrics_add_attempt (
        metrics, ORIGIN, "GET", 200, RESILIENT_FAILURE_NONE, cases[i].microseconds);
      g_assert_true (has_line (metrics, line));
    }
  g_assert_cmpuint (count_lines (metrics, ATTEMPTS "_bucket"), ==, 15);
}

static void
test_attributes (void)
{
  static const struct
  {
    const char *origin, *method;
    guint status_code;
    ResilientFailure failure;
    const char *labels;
  } cases[] = {
    { ORIGIN,
      "GET",
      0,
      RESILIENT_FAILURE_CONNECT_TIMEOUT,
      "http_request_method=\"GET\"," EXAMPLE_ORG ",error_type=\"connect-timeout\"" },
    /* A body that broke off has both. */
    { ORIGIN,
      "GET",
      200,
      RESILIENT_FAILURE_DISCONNECT,
      "http_request_method=\"GET\"," EXAMPLE_ORG
      ",http_response_status_code=\"200\",error_type=\"disconnect\"" },
    { ORIGIN,
      "POST",
      503,
      RESILIENT_FAILURE_STATUS,
      "http_request_method=\"POST\"," EXAMPLE_ORG
      ",http_response_status_code=\"503\",error_type=\"503\"" },
    /* An error by the conventions, whatever the policy says. */
    { ORIGIN,
      "POST",
      404,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"POST\"," EXAMPLE_ORG
      ",http_response_status_code=\"404\",error_type=\"404\"" },
    { ORIGIN,
      "POST",
      202,
      RESILIENT_FAILURE_STATUS,
      "http_request_method=\"POST\"," EXAMPLE_ORG
      ",http_response_status_code=\"202\",error_type=\"status\"" },
    /* What is not registered stands for its class. */
    { ORIGIN,
      "PUT",
      299,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"PUT\"," EXAMPLE_ORG ",http_response_status_code=\"200\"" },
    { ORIGIN,
      "PUT",
      999,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"PUT\"," EXAMPLE_ORG
      ",http_response_status_code=\"500\",error_type=\"500\"" },
    { ORIGIN,
      "get",
      200,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"_OTHER\"," EXAMPLE_ORG ",http_response_status_code=\"200\"" },
    { ORIGIN,
      "PROPFIND",
      207,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"_OTHER\"," EXAMPLE_ORG ",http_response_status_code=\"207\"" },
    { "http://[::1]:8080",
      "HEAD",
      204,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"HEAD\",server_address=\"::1\",server_port=\"8080\",url_scheme=\"http\""
      ",http_response_status_code=\"204\"" },
    /* No host of the library's looks like this one, and it must not break the text either. */
    { "http://a\"b\\c\nd:80",
      "HEAD",
      204,
      RESILIENT_FAILURE_NONE,
      "http_request_method=\"HEAD\",server_address=\"a\\\"b\\\\c\\nd\",server_port=\"80\""
      ",url_scheme=\"http\",http_response_status_code=\"204\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ResilientMetrics) metrics = resilient_metrics_new ();
      g_autofree char *line = g_strdup_printf (ATTEMPTS "_count{%s} 1", cases[i].labels);

      resilient_metrics_add_attempt (
        metrics, cases[i].origin, cases[i].method, cases[i].status_code, cases[i].failure, 1000);
      g_assert_true (has_line (metrics, line));
    }
}

/* A thousand servers, every status and many methods: the text has a bound. */
static void
test_cardinality (void)
{
  g_autoptr (ResilientMetrics) metrics = resilient_metrics_new ();
  guint n_series;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *origin = g_strdup_printf ("https://host-%u.example:443", i);
      g_autofree char *method = g_strdup_printf ("METHOD-%u", i);

      resilient_metrics_add_attempt (metrics, origin, "GET", 200, RESILIENT_FAILURE_NONE, 1000);
      resilient_metrics_add_attempt (metrics, origin, method, 200, RESILIENT_FAILURE_NONE, 1000);
    }
  g_assert_true (has_line (metrics,
                           ATTEMPTS "_count{http_request_method=\"GET\",server_address=\"_OTHER\""
                                    ",http_response_status_code=\"200\"} 984"));
  n_series = count_lines (metrics, ATTEMPTS "_count");
  g_assert_cmpuint (n_series, ==, 2 * (RESILIENT_METRICS_MAX_ORIGINS + 1));

  for (guint status = 100; status < 1000; status++)
    for (guint bit = 0; bit < 18; bit++)
      resilient_metrics_add_attempt (metrics, ORIGIN, "PUT", status, 1 << bit, 1000);
  /* The one more is what there was no room for. */
  n_series = count_lines (metrics, ATTEMPTS "_count");
  g_assert_cmpuint (n_series, ==, RESILIENT_METRICS_MAX_SERIES + 1);
  g_assert_cmpuint (count_lines (metrics, ATTEMPTS "_count{otel_metric_overflow=\"true\"}"), ==, 1);

  /* What has its series keeps it. */
  resilient_metrics_add_attempt (
    metrics, "https://host-0.example:443", "GET", 200, RESILIENT_FAILURE_NONE, 1000);
  g_assert_true (has_line (metrics,
                           ATTEMPTS "_count{http_request_method=\"GET\""
                                    ",server_address=\"host-0.example\",server_port=\"443\""
                                    ",url_scheme=\"https\",http_response_status_code=\"200\"} 2"));
}

static void
test_requests (void)
{
  g_autoptr (ResilientMetrics) metrics = resilient_metrics_new ();
  const guint sends[] = { 0, 1, 2, 4, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sends); i++)
    resilient_metrics_add_request (
      metrics, RESILIENT_RESULT_STATUS_TIMEOUT, sends[i], G_USEC_PER_SEC / 4);

  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"0.0\"} 2"));
  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"1.0\"} 3"));
  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"2.0\"} 3"));
  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"3.0\"} 4"));
  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"50.0\"} 4"));
  g_assert_true (has_line (metrics, "http_request_resend_count_bucket{le=\"+Inf\"} 5"));
  g_assert_true (has_line (metrics, "http_request_resend_count_count 5"));
  g_assert_true (has_line (metrics, "http_request_resend_count_sum 1003"));
  g_assert_true (
    has_line (metrics, "resilient_client_request_duration_seconds_sum{outcome=\"timeout\"} 1.25"));
  g_assert_true (
    has_line (metrics, "resilient_client_request_duration_seconds_count{outcome=\"success\"} 0"));
}

static void
test_merge (void)
{
  g_autoptr (ResilientMetrics) a = resilient_metrics_new ();
  g_autoptr (ResilientMetrics) b = resilient_metrics_new ();
  g_autoptr (ResilientMetrics) copy = resilient_metrics_new ();
  g_autofree char *text = NULL;
  g_autofree char *text_of_copy = NULL;

  /* The same server has another place in each. */
  resilient_metrics_add_attempt (a, "http://a:80", "GET", 200, RESILIENT_FAILURE_NONE, 1000);
  resilient_metrics_add_attempt (a, ORIGIN, "GET", 200, RESILIENT_FAILURE_NONE, 1000);
  resilient_metrics_add_attempt (b, ORIGIN, "GET", 200, RESILIENT_FAILURE_NONE, 1000);
  resilient_metrics_add_request (a, RESILIENT_RESULT_STATUS_ERROR, 1, 1000);
  resilient_metrics_add_request (b, RESILIENT_RESULT_STATUS_ERROR, 3, 1000);
  resilient_metrics_merge (a, b);

  g_assert_true (has_line (a,
                           ATTEMPTS "_count{http_request_method=\"GET\"," EXAMPLE_ORG
                                    ",http_response_status_code=\"200\"} 2"));
  g_assert_true (has_line (a, "http_request_resend_count_sum 2"));

  /* Many in each: the bound holds, and nothing is lost. */
  for (guint i = 0; i < 400; i++)
    {
      g_autofree char *origin = g_strdup_printf ("https://host-%u.example:443", i % 15);

      resilient_metrics_add_attempt (
        i % 2 == 0 ? a : b, origin, "PUT", 100 + i, RESILIENT_FAILURE_NONE, 1000);
      resilient_metrics_add_attempt (b, origin, "PUT", 100 + i, 1 << (i % 18), 1000);
    }
  resilient_metrics_merge (a, b);
  g_assert_cmpuint (count_lines (a, ATTEMPTS "_count"), <=, RESILIENT_METRICS_MAX_SERIES + 1);

  resilient_metrics_merge (copy, a);
  text = make_text (a);
  text_of_copy = make_text (copy);
  g_assert_cmpstr (text, ==, text_of_copy);
}

/* Nothing is a text, too. */
static void
test_text (void)
{
  g_autofree char *nothing = make_text (NULL);

  g_assert_nonnull (strstr (nothing, "# TYPE " ATTEMPTS " histogram\n"));
  g_assert_nonnull (strstr (nothing, "# UNIT " ATTEMPTS " seconds\n"));
  g_assert_null (strstr (nothing, ATTEMPTS "_bucket"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/metrics/buckets", test_buckets);
  g_test_add_func ("/metrics/attributes", test_attributes);
  g_test_add_func ("/metrics/cardinality", test_cardinality);
  g_test_add_func ("/metrics/requests", test_requests);
  g_test_add_func ("/metrics/merge", test_merge);
  g_test_add_func ("/metrics/text", test_text);

  return g_test_run ();
}
