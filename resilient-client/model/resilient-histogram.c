/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A histogram of durations with buckets that are wider the longer the duration. It owns its counts
 * and has no lock: the recorder's guards the one that counts, and a snapshot never changes.
 *
 * The layout is that of HdrHistogram (Gil Tene, hdrhistogram.org): linear buckets inside each power
 * of two. With 64 of them a bucket is at most 1/64 as wide as the durations in it are long, and its
 * middle is wrong by 1/128 = 0.8 % of them at most. DDSketch (Masson, Rim and Lee, VLDB 2019) gives
 * the same bound with fewer buckets, but takes a logarithm for each duration, where shifts do
 * here. */

#include "config.h"

#include "resilient-histogram-private.h"

#include <float.h>
#include <math.h>

/* Which bucket of which block. Block 0 has those below the first power that is cut, one for each
 * microsecond. */
static void
find_bucket (guint64 microseconds, guint *block, guint *bucket)
{
  guint shift = 0;

  if (microseconds < RESILIENT_HISTOGRAM_SUB_BUCKETS)
    {
      *block = 0;
      *bucket = microseconds;
      return;
    }

  while (microseconds >> shift >= 2 * RESILIENT_HISTOGRAM_SUB_BUCKETS)
    shift++;
  *block = shift + 1;
  *bucket = (microseconds >> shift) & (RESILIENT_HISTOGRAM_SUB_BUCKETS - 1);
}

/* The middle of what a bucket counts, in microseconds. */
static double
get_middle (guint block, guint bucket)
{
  double low, width;

  if (block == 0)
    return bucket;

  low = ldexp (RESILIENT_HISTOGRAM_SUB_BUCKETS + bucket, (int) block - 1);
  width = ldexp (1.0, (int) block - 1);
  return low + (width - 1.0) / 2.0;
}

static guint64 *
ensure_block (ResilientHistogram *self, guint block)
{
  if (self->blocks[block] == NULL)
    self->blocks[block] = g_new0 (guint64, RESILIENT_HISTOGRAM_SUB_BUCKETS);

  return self->blocks[block];
}

void
resilient_histogram_clear (ResilientHistogram *self)
{
  for (guint i = 0; i < RESILIENT_HISTOGRAM_BLOCKS; i++)
    g_clear_pointer (&self->blocks[i], g_free);
  self->count = 0;
}

void
resilient_histogram_add (ResilientHistogram *self, gint64 microseconds)
{
  guint block, bucket;

  find_bucket (MAX (microseconds, 0), &block, &bucket);
  ensure_block (self, block)[bucket]++;
  self->count++;
}

void
resilient_histogram_merge (ResilientHistogram *self, const ResilientHistogram *other)
{
  for (guint i = 0; i < RESILIENT_HISTOGRAM_BLOCKS; i++)
    {
      guint64 *counts;

      if (other->blocks[i] == NULL)
        continue;
      counts = ensure_block (self, i);
      for (guint j = 0; j < RESILIENT_HISTOGRAM_SUB_BUCKETS; j++)
        counts[j] += other->blocks[i][j];
    }
  self->count += other->count;
}

double
resilient_histogram_get_percentile (const ResilientHistogram *self, double percentile)
{
  guint64 seen = 0;
  double rank;

  if (self->count == 0)
    return 0.0;

  /* Nearest rank: the smallest time that at least this part of all times does not exceed. The
   * product may be a bit too large by rounding, as that of 0.07 and 100 is, and must not become
   * the rank after. */
  rank = ceil (percentile * self->count * (1.0 - 2.0 * DBL_EPSILON));
  rank = CLAMP (rank, 1.0, (double) self->count);

  for (guint i = 0; i < RESILIENT_HISTOGRAM_BLOCKS; i++)
    for (guint j = 0; self->blocks[i] != NULL && j < RESILIENT_HISTOGRAM_SUB_BUCKETS; j++)
      {
        seen += self->blocks[i][j];
        if (seen >= rank)
          return get_middle (i, j);
      }

  g_assert_not_reached ();
}
