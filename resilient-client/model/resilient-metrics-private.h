/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a monitoring system asks for beyond the plain counters: histograms of the attempts by
 * server, method and outcome, and of the requests. Its size has a fixed bound. Who owns one locks
 * for it. */

#pragma once

#include "resilient-enums.h"

G_BEGIN_DECLS

/* So many servers have a name of their own, the first ones; all others are one. */
#define RESILIENT_METRICS_MAX_ORIGINS 16
/* So many combinations of server, method and outcome have; all others are one. */
#define RESILIENT_METRICS_MAX_SERIES 256

typedef struct _ResilientMetrics ResilientMetrics;

ResilientMetrics *resilient_metrics_new (void);
void resilient_metrics_free (ResilientMetrics *self);
/* Adds all that @other has counted. */
void resilient_metrics_merge (ResilientMetrics *self, const ResilientMetrics *other);

/* @origin: as resilient_origin_key_new() writes it. @status_code: 0 = none was received. */
void resilient_metrics_add_attempt (ResilientMetrics *self,
                                    const char *origin,
                                    const char *method,
                                    guint status_code,
                                    ResilientFailure failure,
                                    gint64 microseconds);
/* One that has ended. @sends: how often it was sent, redirects aside. */
void resilient_metrics_add_request (ResilientMetrics *self,
                                    ResilientResultStatus status,
                                    guint sends,
                                    gint64 microseconds);

/* Appends its metric families in the text format of OpenMetrics; NULL: nothing was counted. */
void resilient_metrics_write (const ResilientMetrics *self, GString *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientMetrics, resilient_metrics_free)

G_END_DECLS
