/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counting, and a snapshot of what was counted: counters, the histogram of times, and the metrics
 * that only a monitoring system reads. Who counts owns the data and its lock; a snapshot never
 * changes. */

#include "config.h"

#include "resilient-stats-private.h"

#include <string.h>

#include "resilient-clock-private.h"

/**
 * ResilientStats:
 *
 * What a client has done since it was made, counted: a snapshot.
 *
 * Counted are logical requests, each once however many attempts it took. A request is started when
 * the client accepts it and ends with success, an error, a time-out or a cancellation; refused ones
 * are neither started nor ended.
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */
struct _ResilientStats
{
  ResilientStatsData data;
  gboolean has_live; /* it is known how many requests were alive */
  guint64 active;
  guint64 pending;
};

G_DEFINE_BOXED_TYPE (ResilientStats, resilient_stats, resilient_stats_ref, resilient_stats_unref)

static ResilientMetrics *
ensure_metrics (ResilientStatsData *self)
{
  if (self->metrics == NULL)
    self->metrics = resilient_metrics_new ();

  return self->metrics;
}

void
resilient_stats_data_clear (ResilientStatsData *self)
{
  resilient_histogram_clear (&self->times);
  g_clear_pointer (&self->metrics, resilient_metrics_free);
}

void
resilient_stats_data_add_attempt (ResilientStatsData *self,
                                  const char *origin,
                                  const char *method,
                                  guint status_code,
                                  ResilientFailure failure,
                                  double seconds)
{
  resilient_metrics_add_attempt (ensure_metrics (self),
                                 origin,
                                 method,
                                 status_code,
                                 failure,
                                 resilient_clock_from_seconds (seconds));
}

void
resilient_stats_data_add_ended (ResilientStatsData *self,
                                ResilientResultStatus status,
                                guint sends,
                                double seconds)
{
  gint64 microseconds = resilient_clock_from_seconds (seconds);

  switch (status)
    {
    case RESILIENT_RESULT_STATUS_SUCCESS:
      self->successes++;
      break;
    case RESILIENT_RESULT_STATUS_ERROR:
      self->errors++;
      break;
    case RESILIENT_RESULT_STATUS_TIMEOUT:
      self->timeouts++;
      break;
    case RESILIENT_RESULT_STATUS_CANCELLED:
      self->cancelled++;
      break;
    case RESILIENT_RESULT_STATUS_PENDING:
    default:
      g_return_if_reached ();
    }

  self->total_time += resilient_clock_to_seconds (microseconds);
  resilient_histogram_add (&self->times, microseconds);
  resilient_metrics_add_request (ensure_metrics (self), status, sends, microseconds);
}

static void
merge_times (ResilientStatsData *self, const ResilientStatsData *other)
{
  resilient_histogram_merge (&self->times, &other->times);
  if (other->metrics != NULL)
    resilient_metrics_merge (ensure_metrics (self), other->metrics);
}

static void
merge_data (ResilientStatsData *self, const ResilientStatsData *other)
{
  self->requests += other->requests;
  self->attempts += other->attempts;
  self->retries += other->retries;
  self->hedges += other->hedges;
  self->successes += other->successes;
  self->errors += other->errors;
  self->timeouts += other->timeouts;
  self->cancelled += other->cancelled;
  self->refused += other->refused;
  self->held_back += other->held_back;
  self->circuit_refusals += other->circuit_refusals;
  self->budget_refusals += other->budget_refusals;
  self->total_time += other->total_time;
  merge_times (self, other);
}

ResilientStats *
resilient_stats_new (const ResilientStatsData *data)
{
  ResilientStats *self = g_atomic_rc_box_new0 (ResilientStats);

  /* Every counter, and copies of what the rest points to. */
  self->data = *data;
  self->data.times = (ResilientHistogram){ 0 };
  self->data.metrics = NULL;
  merge_times (&self->data, data);

  return self;
}

void
resilient_stats_set_live (ResilientStats *self, guint active, guint pending)
{
  self->has_live = TRUE;
  self->active = active;
  self->pending = pending;
}

static void
stats_clear (gpointer data)
{
  resilient_stats_data_clear (&((ResilientStats *) data)->data);
}

static guint64
count_ended (const ResilientStatsData *data)
{
  return data->successes + data->errors + data->timeouts + data->cancelled;
}

static double
divide (guint64 part, guint64 whole)
{
  return whole > 0 ? part / (double) whole : 0.0;
}

/**
 * resilient_stats_ref:
 * @self: statistics
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientStats *
resilient_stats_ref (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_stats_unref:
 * @self: (transfer full): statistics
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_stats_unref (ResilientStats *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, stats_clear);
}

/**
 * resilient_stats_copy:
 * @self: statistics
 *
 * Copies statistics, which is taking a reference, as a snapshot never changes.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientStats *
resilient_stats_copy (ResilientStats *self)
{
  return resilient_stats_ref (self);
}

/**
 * resilient_stats_get_requests:
 * @self: statistics
 *
 * Gets how many requests were started, those that have not ended yet included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_requests (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.requests;
}

/**
 * resilient_stats_get_attempts:
 * @self: statistics
 *
 * Gets how many attempts were begun. One that several requests share counts once, see
 * [method@Request.set_coalesce].
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_attempts (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.attempts;
}

/**
 * resilient_stats_get_retries:
 * @self: statistics
 *
 * Gets how many retries were decided.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_retries (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.retries;
}

/**
 * resilient_stats_get_hedges:
 * @self: statistics
 *
 * Gets how many attempts were made beside one that was late, see
 * [method@RetryPolicyBuilder.set_hedge_delay]. Neither [method@Stats.get_attempts] nor
 * [method@Stats.get_retries] counts them.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_hedges (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.hedges;
}

/**
 * resilient_stats_get_successes:
 * @self: statistics
 *
 * Gets how many requests ended with an answer that their policy accepts.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_successes (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.successes;
}

/**
 * resilient_stats_get_errors:
 * @self: statistics
 *
 * Gets how many requests failed, time-outs aside.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_errors (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.errors;
}

/**
 * resilient_stats_get_timeouts:
 * @self: statistics
 *
 * Gets how many requests failed, their last failure being a time-out.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_timeouts (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.timeouts;
}

/**
 * resilient_stats_get_cancelled:
 * @self: statistics
 *
 * Gets how many requests were cancelled.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_cancelled (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.cancelled;
}

/**
 * resilient_stats_get_refused:
 * @self: statistics
 *
 * Gets how many requests were refused at once: they were not valid, too many waited or the client
 * was closed.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_refused (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.refused;
}

/**
 * resilient_stats_get_held_back:
 * @self: statistics
 *
 * Gets how many attempts a guard held back: a rate limiter, or a wait that the server had asked
 * for.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_held_back (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.held_back;
}

/**
 * resilient_stats_get_circuit_refusals:
 * @self: statistics
 *
 * Gets how many attempts circuit breakers refused. A request whose first attempt was refused counts
 * as an error as well.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_circuit_refusals (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.circuit_refusals;
}

/**
 * resilient_stats_get_budget_refusals:
 * @self: statistics
 *
 * Gets how many retries were not made because a retry budget could not pay for them.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_stats_get_budget_refusals (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->data.budget_refusals;
}

/**
 * resilient_stats_get_success_rate:
 * @self: statistics
 *
 * Gets which part of the ended requests were successes.
 *
 * Returns: successes / (successes + errors + time-outs + cancelled), from 0 to 1; 0 when none has
 *   ended
 *
 * Since: 1.0
 */
double
resilient_stats_get_success_rate (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return divide (self->data.successes, count_ended (&self->data));
}

/**
 * resilient_stats_get_retry_rate:
 * @self: statistics
 *
 * Gets which part of the attempts had to be followed by another one.
 *
 * Returns: retries / attempts, from 0 to 1; 0 when there was no attempt
 *
 * Since: 1.0
 */
double
resilient_stats_get_retry_rate (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  /* of an attempt that several share each of them may need another one */
  return MIN (divide (self->data.retries, self->data.attempts), 1.0);
}

/**
 * resilient_stats_get_error_rate:
 * @self: statistics
 *
 * Gets which part of the ended requests failed. Cancelled ones did not.
 *
 * Returns: from 0 to 1, (errors + time-outs) / (successes + errors + time-outs + cancelled); 0 when
 *   none has ended
 *
 * Since: 1.0
 */
double
resilient_stats_get_error_rate (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return divide (self->data.errors + self->data.timeouts, count_ended (&self->data));
}

/**
 * resilient_stats_get_mean_time:
 * @self: statistics
 *
 * Gets how long requests took on average, with their waits and retries.
 *
 * Returns: seconds, 0 when none has ended
 *
 * Since: 1.0
 */
double
resilient_stats_get_mean_time (ResilientStats *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->data.times.count > 0 ? self->data.total_time / self->data.times.count : 0.0;
}

/**
 * resilient_stats_get_percentile:
 * @self: statistics
 * @percentile: a part of all requests from 0 to 1, such as 0.99
 *
 * Gets the time that this part of the ended requests stayed within. A @percentile out of its range
 * is a programmer error.
 *
 * It is right to 1 % of itself, and to a microsecond, however many requests there were: the times
 * are counted in a histogram of the layout of [HdrHistogram](https://hdrhistogram.org/).
 *
 * Returns: seconds, 0 when none has ended
 *
 * Since: 1.0
 */
double
resilient_stats_get_percentile (ResilientStats *self, double percentile)
{
  g_return_val_if_fail (self != NULL, 0.0);
  g_return_val_if_fail (percentile >= 0.0 && percentile <= 1.0, 0.0);

  return resilient_histogram_get_percentile (&self->data.times, percentile) / G_USEC_PER_SEC;
}

/**
 * resilient_stats_merge:
 * @self: statistics
 * @other: statistics, as a rule of another client
 *
 * Adds up two statistics, such as those of all clients of a program. Percentiles are as exact as if
 * one client had counted everything.
 *
 * Returns: (transfer full): new statistics
 *
 * Since: 1.0
 */
ResilientStats *
resilient_stats_merge (ResilientStats *self, ResilientStats *other)
{
  ResilientStats *sum;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (other != NULL, NULL);

  sum = resilient_stats_new (&self->data);
  merge_data (&sum->data, &other->data);
  sum->has_live = self->has_live || other->has_live;
  sum->active = self->active + other->active;
  sum->pending = self->pending + other->pending;

  return sum;
}

static void
append_metric (GString *text, const char *type, const char *name, guint64 value, const char *help)
{
  g_string_append_printf (text,
                          "# TYPE %s %s\n# HELP %s %s\n%s%s %" G_GUINT64_FORMAT "\n",
                          name,
                          type,
                          name,
                          help,
                          name,
                          strcmp (type, "counter") == 0 ? "_total" : "",
                          value);
}

/**
 * resilient_stats_to_openmetrics:
 * @self: statistics
 *
 * Writes statistics for a monitoring system such as Prometheus, in the text format of
 * [OpenMetrics 1.0](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md).
 * Its media type is `application/openmetrics-text; version=1.0.0; charset=utf-8`.
 *
 * The duration of attempts has the name, the attributes and the buckets of OpenTelemetry's
 * [semantic conventions](https://opentelemetry.io/docs/specs/semconv/http/http-metrics/):
 * `http.client.request.duration`, as `http_client_request_duration_seconds`. [What there is
 * besides](metrics.html) has a name that begins with `resilient_client`.
 *
 * The text has a bounded size. The first 16 servers are named, others are `_OTHER`; a status code
 * that is not registered counts as the first one of its class; beyond 256 combinations of server,
 * method and outcome all others are one, with `otel_metric_overflow="true"`. No label has anything
 * of a path, a query, a header field or a user name.
 *
 * One text is about one client: no label says which. For several clients, add up their statistics
 * with [method@Stats.merge], as a metric may stand in a text only once.
 *
 * Returns: (transfer full): text that ends with a line `# EOF`
 *
 * Since: 1.0
 */
char *
resilient_stats_to_openmetrics (ResilientStats *self)
{
  const ResilientStatsData *data;
  GString *text;

  g_return_val_if_fail (self != NULL, NULL);

  data = &self->data;
  text = g_string_new (NULL);
  resilient_metrics_write (data->metrics, text);

#define COUNTER(name, help)                                                                        \
  append_metric (text, "counter", "resilient_client_" #name, data->name, help)
  COUNTER (requests, "Requests that were started.");
  COUNTER (attempts, "Attempts that were begun.");
  COUNTER (retries, "Retries that were decided.");
  COUNTER (hedges, "Attempts that were made beside one that was late.");
  COUNTER (successes, "Requests that ended with an answer that their policy accepts.");
  COUNTER (errors, "Requests that failed, time-outs aside.");
  COUNTER (timeouts, "Requests that failed, their last failure being a time-out.");
  COUNTER (cancelled, "Requests that were cancelled.");
  COUNTER (refused, "Requests that were refused at once.");
  COUNTER (held_back, "Attempts that a guard held back.");
  COUNTER (circuit_refusals, "Attempts that a circuit breaker refused.");
  COUNTER (budget_refusals, "Retries that a retry budget did not pay for.");
#undef COUNTER
  if (self->has_live)
    {
      append_metric (
        text, "gauge", "http_client_active_requests", self->active, "Requests that have a slot.");
      append_metric (text,
                     "gauge",
                     "resilient_client_pending_requests",
                     self->pending,
                     "Requests that wait for a slot.");
    }

  g_string_append (text, "# EOF\n");
  return g_string_free (text, FALSE);
}
