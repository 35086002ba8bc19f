/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counts what becomes statistics: sums and a histogram of times. Plain data of its owner, which
 * locks. */

#include "config.h"

#include "resilient-stats-private.h"

#include <float.h>
#include <math.h>

#include "resilient-clock-private.h"

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
