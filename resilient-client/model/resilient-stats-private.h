/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The numbers behind the statistics, as the recorder counts them under its lock, and how it makes a
 * snapshot, which is immutable. */

#pragma once

#include "resilient-stats.h"

G_BEGIN_DECLS

/* Log-linear buckets over microseconds (the HdrHistogram layout): relative error at most 1/32. */
#define RESILIENT_HISTOGRAM_BUCKETS 1024

typedef struct
{
  guint64 requests; /* started: not the refused ones */
  guint64 attempts;
  guint64 retries;
  guint64 successes;
  guint64 errors;
  guint64 timeouts;
  guint64 cancelled;
  guint64 refused;
  double total_time; /* seconds, of all ended requests */
  guint64 n_times;
  guint32 histogram[RESILIENT_HISTOGRAM_BUCKETS];
} ResilientStatsData;

void resilient_stats_data_add_time (ResilientStatsData *self, double seconds);
/* @percentile from 0 to 1; seconds, 0 without any time. */
double resilient_stats_data_get_percentile (const ResilientStatsData *self, double percentile);
/* A snapshot. */
ResilientStats *resilient_stats_new (const ResilientStatsData *data);

G_END_DECLS
