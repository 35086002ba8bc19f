/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CIRCUIT_POLICY (resilient_circuit_policy_get_type ())

typedef struct _ResilientCircuitPolicy ResilientCircuitPolicy;

RESILIENT_AVAILABLE_IN_1_0
GType                   resilient_circuit_policy_get_type                (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy *resilient_circuit_policy_get_default             (void);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy *resilient_circuit_policy_ref                     (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
void                    resilient_circuit_policy_unref                   (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy *resilient_circuit_policy_copy                    (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean                resilient_circuit_policy_equal                   (ResilientCircuitPolicy *self,
                                                                          ResilientCircuitPolicy *other);
RESILIENT_AVAILABLE_IN_1_0
int                     resilient_circuit_policy_get_failure_threshold   (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
double                  resilient_circuit_policy_get_failure_rate        (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
int                     resilient_circuit_policy_get_minimum_calls       (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
double                  resilient_circuit_policy_get_window              (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
double                  resilient_circuit_policy_get_recovery_timeout    (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
int                     resilient_circuit_policy_get_half_open_max_calls (ResilientCircuitPolicy *self);
RESILIENT_AVAILABLE_IN_1_0
double                  resilient_circuit_policy_get_lease               (ResilientCircuitPolicy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientCircuitPolicy, resilient_circuit_policy_unref)

G_END_DECLS
