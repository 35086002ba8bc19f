/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-result.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CALL (resilient_call_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientCall, resilient_call, RESILIENT, CALL, GObject)

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_call_get_request_id (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientRequestContext *resilient_call_get_context (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientCallState resilient_call_get_state (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_call_get_attempt (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_call_get_max_attempts (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientFailure resilient_call_get_failure (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_call_get_status_code (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientResult *resilient_call_get_result (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_call_get_bytes_sent (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_call_get_bytes_received (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_call_get_upload_size (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_call_get_download_size (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
int  resilient_call_get_priority (ResilientCall *self);
RESILIENT_AVAILABLE_IN_1_0
void resilient_call_set_priority (ResilientCall *self,
                                  int            priority);

RESILIENT_AVAILABLE_IN_1_0
double resilient_call_get_delay_left (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_call_retry_now (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
void resilient_call_cancel (ResilientCall *self);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_call_wait_async  (ResilientCall        *self,
                                               GCancellable         *cancellable,
                                               GAsyncReadyCallback   callback,
                                               gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_call_wait_finish (ResilientCall        *self,
                                               GAsyncResult         *result,
                                               GError              **error);

G_END_DECLS

