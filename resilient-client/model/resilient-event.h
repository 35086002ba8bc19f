/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-enums.h"
#include "resilient-request-context.h"
#include "resilient-response.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_EVENT (resilient_event_get_type ())

typedef struct _ResilientEvent ResilientEvent;

RESILIENT_AVAILABLE_IN_1_0
GType                    resilient_event_get_type       (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientEvent          *resilient_event_ref            (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_event_unref          (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientEvent          *resilient_event_copy           (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientEventType       resilient_event_get_event_type (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_event_get_context    (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
guint64                  resilient_event_get_sequence   (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
gint64                   resilient_event_get_timestamp  (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_event_get_age        (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse       *resilient_event_get_response   (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
const GError            *resilient_event_get_error      (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientFailure         resilient_event_get_failure    (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
double                   resilient_event_get_delay      (ResilientEvent *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientReason          resilient_event_get_reason     (ResilientEvent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEvent, resilient_event_unref)

G_END_DECLS
