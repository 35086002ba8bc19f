/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counting, the histogram of times, and a snapshot of both. Who counts owns the data and its lock;
 * a snapshot never changes. */

#include "config.h"

#include "resilient-stats-private.h"

#include <float.h>
#include <math.h>

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
};

G_DEFINE_BOXED_TYPE (ResilientStats, resilient_stats, resilient_stats_ref, resilient_stats_unref)

ResilientStats *
resilient_stats_new (const ResilientStatsData *data)
{
  ResilientStats *self = g_atomic_rc_box_new0 (ResilientStats);

  self->data = *data;

  return self;
}

/* The layout of HdrHistogram (Gil Tene): each power of two is cut in SUB_BUCKETS of equal width, so
 * the width is at most 1/16 of the values in it, and the middle of a bucket is wrong by 1/32 of
 * them at most. Below SUB_BUCKETS each value has its own bucket. The 59 powers of two of a gint64
 * from there on make it 16 + 59 × 16 = 960 buckets. */
#define SUB_BUCKET_BITS 4
#define SUB_BUCKETS (1 << SUB_BUCKET_BITS)

G_STATIC_ASSERT (SUB_BUCKETS + (63 - SUB_BUCKET_BITS) * SUB_BUCKETS <= RESILIENT_HISTOGRAM_BUCKETS);

static guint
get_bucket (guint64 microseconds)
{
  guint shift = 0;

  if (microseconds < SUB_BUCKETS)
    return microseconds;

  while (microseconds >> shift >= 2 * SUB_BUCKETS)
    shift++;

  return (shift + 1) * SUB_BUCKETS + ((microseconds >> shift) & (SUB_BUCKETS - 1));
}

/* The middle of what is counted in a bucket, microseconds. */
static double
get_bucket_middle (guint bucket)
{
  guint shift;
  double low, width;

  if (bucket < SUB_BUCKETS)
    return bucket;

  shift = bucket / SUB_BUCKETS - 1;
  low = ldexp (SUB_BUCKETS + bucket % SUB_BUCKETS, shift);
  width = ldexp (1.0, shift);

  return low + (width - 1.0) / 2.0;
}

void
resilient_stats_data_add_time (ResilientStatsData *self, double seconds)
{
  gint64 microseconds = resilient_clock_from_seconds (seconds);
  guint32 *count = &self->histogram[get_bucket (microseconds)];

  self->total_time += resilient_clock_to_seconds (microseconds);
  self->n_times++;

  if (*count < G_MAXUINT32)
    (*count)++;
}

double
resilient_stats_data_get_percentile (const ResilientStatsData *self, double percentile)
{
  guint64 total = 0, seen = 0;
  double rank;

  for (guint i = 0; i < RESILIENT_HISTOGRAM_BUCKETS; i++)
    total += self->histogram[i];

  if (total == 0)
    return 0.0;

  /* Nearest rank: the smallest time that at least this part of all times does not exceed. The
   * product may be a bit too large by rounding, as that of 0.07 and 100 is, and must not become
   * the rank after. */
  rank = ceil (percentile * total * (1.0 - 2.0 * DBL_EPSILON));
  rank = CLAMP (rank, 1.0, (double) total);

  for (guint i = 0; i < RESILIENT_HISTOGRAM_BUCKETS; i++)
    {
      seen += self->histogram[i];
      if (seen >= rank)
        return get_bucket_middle (i) / G_USEC_PER_SEC;
    }

  g_assert_not_reached ();
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

  g_atomic_rc_box_release (self);
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
 * Gets how many attempts were begun.
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

  return divide (self->data.retries, self->data.attempts);
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

  return self->data.n_times > 0 ? self->data.total_time / self->data.n_times : 0.0;
}

/**
 * resilient_stats_get_percentile:
 * @self: statistics
 * @percentile: a part of all requests from 0 to 1, such as 0.99
 *
 * Gets the time that this part of the ended requests stayed within. A @percentile out of its range
 * is a programmer error.
 *
 * It is right to 1/32 of itself, and to a microsecond.
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

  return resilient_stats_data_get_percentile (&self->data, percentile);
}
