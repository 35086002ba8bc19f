/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-response.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RATE_LIMITER (resilient_rate_limiter_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientRateLimiter, resilient_rate_limiter, RESILIENT, RATE_LIMITER, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientRateLimiter *resilient_rate_limiter_new            (double                 rate,
                                                             int                    burst,
                                                             GError               **error);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_rate_limiter_acquire_async  (ResilientRateLimiter  *self,
                                                             GCancellable          *cancellable,
                                                             GAsyncReadyCallback    callback,
                                                             gpointer               user_data);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_rate_limiter_acquire_finish (ResilientRateLimiter  *self,
                                                             GAsyncResult          *result,
                                                             GError               **error);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_rate_limiter_try_acquire    (ResilientRateLimiter  *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_rate_limiter_observe        (ResilientRateLimiter  *self,
                                                             ResilientResponse     *response);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_rate_limiter_get_rate       (ResilientRateLimiter  *self);
RESILIENT_AVAILABLE_IN_1_0
int                   resilient_rate_limiter_get_burst      (ResilientRateLimiter  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_rate_limiter_get_available  (ResilientRateLimiter  *self);

G_END_DECLS
