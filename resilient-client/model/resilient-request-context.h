/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-retry-policy.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_REQUEST_CONTEXT (resilient_request_context_get_type ())

typedef struct _ResilientRequestContext ResilientRequestContext;

RESILIENT_AVAILABLE_IN_1_0
GType                    resilient_request_context_get_type            (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_new                 (const char               *request_id,
                                                                        ResilientRetryPolicy     *policy,
                                                                        GVariant                 *metadata,
                                                                        GError                  **error);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_ref                 (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_request_context_unref               (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_copy                (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_request_context_equal               (ResilientRequestContext  *self,
                                                                        ResilientRequestContext  *other);
RESILIENT_AVAILABLE_IN_1_0
const char              *resilient_request_context_get_request_id      (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy    *resilient_request_context_get_policy          (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
int                      resilient_request_context_get_max_retries     (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_request_context_get_base_delay      (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_request_context_get_backoff_factor  (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_request_context_get_max_delay       (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_request_context_get_current_attempt (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
gint64                   resilient_request_context_get_created_at      (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
GVariant                *resilient_request_context_get_metadata        (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_request_context_get_elapsed_time    (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_request_context_has_retries_left    (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_request_context_calculate_delay     (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_increment_attempt   (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_reset_attempts      (ResilientRequestContext  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_request_context_with_metadata       (ResilientRequestContext  *self,
                                                                        GVariant                 *metadata,
                                                                        GError                  **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientRequestContext, resilient_request_context_unref)

G_END_DECLS
