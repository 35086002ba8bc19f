/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-attempt.h"
#include "resilient-request-context.h"
#include "resilient-response.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RESULT (resilient_result_get_type ())

typedef struct _ResilientResult ResilientResult;

RESILIENT_AVAILABLE_IN_1_0
GType                    resilient_result_get_type       (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientResult         *resilient_result_ref            (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_result_unref          (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientResult         *resilient_result_copy           (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
const char              *resilient_result_get_request_id (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_result_get_context    (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientResultStatus    resilient_result_get_status     (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse       *resilient_result_get_response   (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
const GError            *resilient_result_get_error      (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientFailure         resilient_result_get_failure    (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_result_get_attempts   (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_result_get_sends      (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_result_get_total_time (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
gint64                   resilient_result_get_created_at (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_result_get_age        (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_result_is_success     (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_result_is_error       (ResilientResult *self);
RESILIENT_AVAILABLE_IN_1_0
GPtrArray               *resilient_result_list_attempts  (ResilientResult *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientResult, resilient_result_unref)

G_END_DECLS
