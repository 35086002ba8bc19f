/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_STATS (resilient_stats_get_type ())

typedef struct _ResilientStats ResilientStats;

RESILIENT_AVAILABLE_IN_1_0
GType           resilient_stats_get_type             (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientStats *resilient_stats_ref                  (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
void            resilient_stats_unref                (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientStats *resilient_stats_copy                 (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_requests         (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_attempts         (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_retries          (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_hedges           (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_successes        (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_errors           (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_timeouts         (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_cancelled        (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_refused          (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_held_back        (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_circuit_refusals (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_stats_get_budget_refusals  (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
double          resilient_stats_get_success_rate     (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
double          resilient_stats_get_retry_rate       (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
double          resilient_stats_get_error_rate       (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
double          resilient_stats_get_mean_time        (ResilientStats *self);
RESILIENT_AVAILABLE_IN_1_0
double          resilient_stats_get_percentile       (ResilientStats *self,
                                                      double          percentile);
RESILIENT_AVAILABLE_IN_1_0
ResilientStats *resilient_stats_merge                (ResilientStats *self,
                                                      ResilientStats *other);
RESILIENT_AVAILABLE_IN_1_0
char           *resilient_stats_to_openmetrics       (ResilientStats *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientStats, resilient_stats_unref)

G_END_DECLS
