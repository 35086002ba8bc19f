/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counts durations so that any percentile is found again within 1 %, in memory that does not depend
 * on how many there were. Who owns one locks for it. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Each power of two of microseconds is cut in so many buckets of equal width. */
#define RESILIENT_HISTOGRAM_SUB_BITS 6
#define RESILIENT_HISTOGRAM_SUB_BUCKETS (1 << RESILIENT_HISTOGRAM_SUB_BITS)
/* Those below the first power that is cut, and the 57 powers of a gint64 from there on. */
#define RESILIENT_HISTOGRAM_BLOCKS (1 + 63 - RESILIENT_HISTOGRAM_SUB_BITS)

/* All zeros: empty. A block of counts is made when the first of its durations comes. */
typedef struct
{
  guint64 count;
  guint64 *blocks[RESILIENT_HISTOGRAM_BLOCKS]; /* owned, nullable */
} ResilientHistogram;

void resilient_histogram_clear (ResilientHistogram *self);
/* What is negative counts as 0. */
void resilient_histogram_add (ResilientHistogram *self, gint64 microseconds);
/* Adds all that @other has counted; an empty one becomes its copy. */
void resilient_histogram_merge (ResilientHistogram *self, const ResilientHistogram *other);
/* The smallest duration that the part @percentile (from 0 to 1) of all does not exceed, in
 * microseconds; 0 when there is none. */
double resilient_histogram_get_percentile (const ResilientHistogram *self, double percentile);

G_END_DECLS
