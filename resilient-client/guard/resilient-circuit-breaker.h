/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-circuit-policy.h"
#include "resilient-enums.h"
#include "resilient-permit.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CIRCUIT_BREAKER (resilient_circuit_breaker_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientCircuitBreaker,
                      resilient_circuit_breaker,
                      RESILIENT,
                      CIRCUIT_BREAKER,
                      GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitBreaker *resilient_circuit_breaker_new             (ResilientCircuitPolicy   *policy);
RESILIENT_AVAILABLE_IN_1_0
ResilientPermit         *resilient_circuit_breaker_acquire         (ResilientCircuitBreaker  *self,
                                                                    GError                  **error);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_circuit_breaker_reset           (ResilientCircuitBreaker  *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_circuit_breaker_trip            (ResilientCircuitBreaker  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy  *resilient_circuit_breaker_get_policy      (ResilientCircuitBreaker  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitState    resilient_circuit_breaker_get_state       (ResilientCircuitBreaker  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_circuit_breaker_get_retry_after (ResilientCircuitBreaker  *self);

G_END_DECLS
