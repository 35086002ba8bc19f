/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-enums.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RETRY_POLICY (resilient_retry_policy_get_type ())

typedef struct _ResilientRetryPolicy ResilientRetryPolicy;

RESILIENT_AVAILABLE_IN_1_0
GType                 resilient_retry_policy_get_type                (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_new                     (int                    max_retries,
                                                                      double                 base_delay);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_new_checked             (int                    max_retries,
                                                                      double                 base_delay,
                                                                      GError               **error);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_get_default             (void);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_get_standard            (void);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_ref                     (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_retry_policy_unref                   (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_retry_policy_copy                    (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_retry_policy_equal                   (ResilientRetryPolicy  *self,
                                                                      ResilientRetryPolicy  *other);
RESILIENT_AVAILABLE_IN_1_0
int                   resilient_retry_policy_get_max_retries         (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_base_delay          (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_backoff_factor      (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_max_delay           (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientJitter       resilient_retry_policy_get_jitter_mode         (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_jitter              (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientFailure      resilient_retry_policy_get_retry_on            (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
const guint16        *resilient_retry_policy_get_retry_statuses      (ResilientRetryPolicy  *self,
                                                                      gsize                 *n_statuses);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_retry_policy_get_respect_retry_after (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean              resilient_retry_policy_get_shared_retry_after  (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_max_retry_after     (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_get_hedge_delay         (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
int                   resilient_retry_policy_get_hedge_max           (ResilientRetryPolicy  *self);
RESILIENT_AVAILABLE_IN_1_0
double                resilient_retry_policy_delay_for_attempt       (ResilientRetryPolicy  *self,
                                                                      guint                  attempt);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientRetryPolicy, resilient_retry_policy_unref)

G_END_DECLS
