/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include "resilient-client.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_BATCH (resilient_batch_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientBatch, resilient_batch, RESILIENT, BATCH, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientBatch  *resilient_batch_new                (ResilientClient      *client,
                                                     GPtrArray            *requests,
                                                     ResilientBatchFlags   flags);
RESILIENT_AVAILABLE_IN_1_0
void             resilient_batch_run_async          (ResilientBatch       *self,
                                                     GCancellable         *cancellable,
                                                     GAsyncReadyCallback   callback,
                                                     gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
GPtrArray       *resilient_batch_run_finish         (ResilientBatch       *self,
                                                     GAsyncResult         *result,
                                                     GError              **error);
RESILIENT_AVAILABLE_IN_1_0
void             resilient_batch_cancel             (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
GPtrArray       *resilient_batch_list_results       (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientClient *resilient_batch_get_client         (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
guint            resilient_batch_get_n_done         (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
guint            resilient_batch_get_n_failed       (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
guint            resilient_batch_get_n_total        (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
guint            resilient_batch_get_max_concurrent (ResilientBatch       *self);
RESILIENT_AVAILABLE_IN_1_0
void             resilient_batch_set_max_concurrent (ResilientBatch       *self,
                                                     guint                 max_concurrent);

G_END_DECLS
