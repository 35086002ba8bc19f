/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-event.h"
#include "resilient-request-context.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RETRIER (resilient_retrier_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientRetrier, resilient_retrier, RESILIENT, RETRIER, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientRetrier        *resilient_retrier_new              (ResilientRetryPolicy     *policy,
                                                             ResilientRequestContext  *context);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_retrier_backoff_async    (ResilientRetrier         *self,
                                                             const GError             *cause,
                                                             GCancellable             *cancellable,
                                                             GAsyncReadyCallback       callback,
                                                             gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
gboolean                 resilient_retrier_backoff_finish   (ResilientRetrier         *self,
                                                             GAsyncResult             *result,
                                                             GError                  **error);
RESILIENT_AVAILABLE_IN_1_0
void                     resilient_retrier_reset            (ResilientRetrier         *self);
RESILIENT_AVAILABLE_IN_1_0
guint                    resilient_retrier_get_attempt      (ResilientRetrier         *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_retrier_get_context      (ResilientRetrier         *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy    *resilient_retrier_get_retry_policy (ResilientRetrier         *self);

G_END_DECLS
