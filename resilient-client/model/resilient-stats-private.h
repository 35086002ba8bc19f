/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The numbers behind the statistics, as the recorder counts them under its lock, and how it makes a
 * snapshot, which is immutable. */

#pragma once

#include "resilient-histogram-private.h"
#include "resilient-metrics-private.h"
#include "resilient-stats.h"

G_BEGIN_DECLS

/* All zeros: nothing has happened. */
typedef struct
{
  guint64 requests; /* started: not the refused ones */
  guint64 attempts;
  guint64 retries;
  guint64 hedges;
  guint64 successes;
  guint64 errors;
  guint64 timeouts;
  guint64 cancelled;
  guint64 refused;
  guint64 held_back;
  guint64 circuit_refusals;
  guint64 budget_refusals;
  double total_time;         /* seconds, of all ended requests */
  ResilientHistogram times;  /* of the same, in microseconds */
  ResilientMetrics *metrics; /* owned; NULL until there is something to count */
} ResilientStatsData;

void resilient_stats_data_clear (ResilientStatsData *self);
/* An attempt is over: see resilient_metrics_add_attempt(). */
void resilient_stats_data_add_attempt (ResilientStatsData *self,
                                       const char *origin,
                                       const char *method,
                                       guint status_code,
                                       ResilientFailure failure,
                                       double seconds);
/* A request has ended, as @status says, @sends messages and @seconds after it was started. */
void resilient_stats_data_add_ended (ResilientStatsData *self,
                                     ResilientResultStatus status,
                                     guint sends,
                                     double seconds);
/* A snapshot: a copy. */
ResilientStats *resilient_stats_new (const ResilientStatsData *data);
/* How many requests had a slot and how many waited for one when it was taken. Before anybody else
 * has it. */
void resilient_stats_set_live (ResilientStats *self, guint active, guint pending);

G_END_DECLS
