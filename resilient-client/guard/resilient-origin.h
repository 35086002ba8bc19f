/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-circuit-breaker.h"
#include "resilient-rate-limiter.h"
#include "resilient-retry-budget.h"
#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_ORIGIN (resilient_origin_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientOrigin, resilient_origin, RESILIENT, ORIGIN, GObject)

RESILIENT_AVAILABLE_IN_1_0
const char              *resilient_origin_get_uri             (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
int                      resilient_origin_get_max_concurrent  (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_origin_set_max_concurrent  (ResilientOrigin         *self,
                                                               int                      max_concurrent);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_origin_set_default_header  (ResilientOrigin         *self,
                                                               const char              *name,
                                                               const char              *value,
                                                               GError                 **error);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_origin_mark_header_secret  (ResilientOrigin         *self,
                                                               const char              *name);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_origin_get_active_count    (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_origin_get_pending_count   (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
gint64                   resilient_origin_get_held_until      (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRateLimiter    *resilient_origin_get_rate_limiter    (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_origin_set_rate_limiter    (ResilientOrigin         *self,
                                                               ResilientRateLimiter    *rate_limiter);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryBudget    *resilient_origin_get_retry_budget    (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_origin_set_retry_budget    (ResilientOrigin         *self,
                                                               ResilientRetryBudget    *retry_budget);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy  *resilient_origin_get_circuit_policy  (ResilientOrigin         *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_origin_set_circuit_policy  (ResilientOrigin         *self,
                                                               ResilientCircuitPolicy  *circuit_policy);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitBreaker *resilient_origin_get_circuit_breaker (ResilientOrigin         *self);

G_END_DECLS

