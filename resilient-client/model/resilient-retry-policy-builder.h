/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-retry-policy.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RETRY_POLICY_BUILDER (resilient_retry_policy_builder_get_type ())

typedef struct _ResilientRetryPolicyBuilder ResilientRetryPolicyBuilder;

RESILIENT_AVAILABLE_IN_1_0
GType                        resilient_retry_policy_builder_get_type                (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicyBuilder *resilient_retry_policy_builder_new                     (ResilientRetryPolicy         *base);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicyBuilder *resilient_retry_policy_builder_ref                     (ResilientRetryPolicyBuilder  *self);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_unref                   (ResilientRetryPolicyBuilder  *self);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_max_retries         (ResilientRetryPolicyBuilder  *self,
                                                                                     int                           max_retries);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_base_delay          (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        base_delay);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_backoff_factor      (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        backoff_factor);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_max_delay           (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        max_delay);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_jitter_mode         (ResilientRetryPolicyBuilder  *self,
                                                                                     ResilientJitter               jitter_mode);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_jitter              (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        jitter);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_retry_on            (ResilientRetryPolicyBuilder  *self,
                                                                                     ResilientFailure              retry_on);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_retry_statuses      (ResilientRetryPolicyBuilder  *self,
                                                                                     const guint16                *statuses,
                                                                                     gsize                         n_statuses);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_respect_retry_after (ResilientRetryPolicyBuilder  *self,
                                                                                     gboolean                      respect_retry_after);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_shared_retry_after  (ResilientRetryPolicyBuilder  *self,
                                                                                     gboolean                      shared_retry_after);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_max_retry_after     (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        max_retry_after);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_hedge_delay         (ResilientRetryPolicyBuilder  *self,
                                                                                     double                        hedge_delay);
RESILIENT_AVAILABLE_IN_1_0
void                         resilient_retry_policy_builder_set_hedge_max           (ResilientRetryPolicyBuilder  *self,
                                                                                     int                           hedge_max);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy        *resilient_retry_policy_builder_build                   (ResilientRetryPolicyBuilder  *self,
                                                                                     GError                      **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientRetryPolicyBuilder, resilient_retry_policy_builder_unref)

G_END_DECLS
