/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the library makes a result, and what of it can be given up. A result never changes. Any
 * thread. */

#pragma once

#include "resilient-result.h"

G_BEGIN_DECLS

/* @attempts counts what the policy allowed; @log (element-type ResilientAttempt, nullable) has the
 * newest first. created_at is the clock's now. */
ResilientResult *resilient_result_new (ResilientRequestContext *context,
                                       ResilientResultStatus status,
                                       ResilientResponse *response,
                                       const GError *error,
                                       ResilientFailure failure,
                                       guint attempts,
                                       guint sends,
                                       double total_time,
                                       GSList *log);
/* The same with a response without body and large headers, and what those are in bytes. */
ResilientResult *resilient_result_without_body (ResilientResult *self);
gsize resilient_result_get_weight (ResilientResult *self);
/* Creation on the boot-time clock, microseconds: what ages are measured by. */
gint64 resilient_result_get_created_boot (ResilientResult *self);

G_END_DECLS
