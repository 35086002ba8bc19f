/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-enums.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_ATTEMPT (resilient_attempt_get_type ())

typedef struct _ResilientAttempt ResilientAttempt;

RESILIENT_AVAILABLE_IN_1_0
GType             resilient_attempt_get_type              (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientAttempt *resilient_attempt_ref                   (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
void              resilient_attempt_unref                 (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientAttempt *resilient_attempt_copy                  (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
guint             resilient_attempt_get_number            (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
gint64            resilient_attempt_get_started_at        (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
double            resilient_attempt_get_duration          (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientFailure  resilient_attempt_get_failure           (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
guint             resilient_attempt_get_status_code       (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
double            resilient_attempt_get_delay_before      (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean          resilient_attempt_get_reused_connection (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
guint             resilient_attempt_get_sends             (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientReason   resilient_attempt_get_reason            (ResilientAttempt *self);
RESILIENT_AVAILABLE_IN_1_0
char             *resilient_attempt_dup_span_id           (ResilientAttempt *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientAttempt, resilient_attempt_unref)

G_END_DECLS
