/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-circuit-policy.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CIRCUIT_POLICY_BUILDER (resilient_circuit_policy_builder_get_type ())

typedef struct _ResilientCircuitPolicyBuilder ResilientCircuitPolicyBuilder;

RESILIENT_AVAILABLE_IN_1_0
GType                          resilient_circuit_policy_builder_get_type                (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicyBuilder *resilient_circuit_policy_builder_new                     (ResilientCircuitPolicy         *base);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicyBuilder *resilient_circuit_policy_builder_ref                     (ResilientCircuitPolicyBuilder  *self);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_unref                   (ResilientCircuitPolicyBuilder  *self);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_failure_threshold   (ResilientCircuitPolicyBuilder  *self,
                                                                                         int                             failure_threshold);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_failure_rate        (ResilientCircuitPolicyBuilder  *self,
                                                                                         double                          failure_rate);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_minimum_calls       (ResilientCircuitPolicyBuilder  *self,
                                                                                         int                             minimum_calls);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_window              (ResilientCircuitPolicyBuilder  *self,
                                                                                         double                          window);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_recovery_timeout    (ResilientCircuitPolicyBuilder  *self,
                                                                                         double                          recovery_timeout);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_half_open_max_calls (ResilientCircuitPolicyBuilder  *self,
                                                                                         int                             half_open_max_calls);
RESILIENT_AVAILABLE_IN_1_0
void                           resilient_circuit_policy_builder_set_lease               (ResilientCircuitPolicyBuilder  *self,
                                                                                         double                          lease);
RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy        *resilient_circuit_policy_builder_build                   (ResilientCircuitPolicyBuilder  *self,
                                                                                         GError                        **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientCircuitPolicyBuilder,
                               resilient_circuit_policy_builder_unref)

G_END_DECLS
