/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call-private.h"
#include "resilient-client.h"

/* What the verbs, and the function that needs no client, ask of a client: to send a request that is
 * frozen already. It owns nothing. Any thread, as the client. */

G_BEGIN_DECLS

/* Starts @frozen, or for a NULL one a call refused with @error. */
ResilientCall *resilient_client_start_frozen (ResilientClient *self,
                                              ResilientFrozenRequest *frozen,
                                              const GError *frozen_error,
                                              ResilientRequestContext *context,
                                              GCancellable *cancellable);
/* The same of one that may come later: NULL, and nothing is counted, where there is no place for it
 * in the queue. @frozen is nullable: with @frozen_error. */
ResilientCall *resilient_client_try_start_frozen (ResilientClient *self,
                                                  ResilientFrozenRequest *frozen,
                                                  const GError *frozen_error);
/* The same, as a task of @self (any tag) that returns the response. */
void resilient_client_send_frozen (ResilientClient *self,
                                   ResilientFrozenRequest *frozen,
                                   const GError *frozen_error,
                                   ResilientRequestContext *context,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data,
                                   gpointer tag);
/* The same for a verb; @content_type and @body are nullable. */
void resilient_client_send_verb (ResilientClient *self,
                                 const char *method,
                                 const char *uri,
                                 const char *content_type,
                                 GBytes *body,
                                 ResilientRequestContext *context,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data,
                                 gpointer tag);
/* Blocks; driven by the I/O thread. */
ResilientResponse *resilient_client_send_frozen_sync (ResilientClient *self,
                                                      ResilientFrozenRequest *frozen,
                                                      ResilientRequestContext *context,
                                                      GCancellable *cancellable,
                                                      GError **error);
ResilientResponse *resilient_client_finish_response (ResilientClient *self,
                                                     GAsyncResult *result,
                                                     gpointer tag,
                                                     GError **error);

/* For tests. */
ResilientEngine *resilient_client_peek_engine (ResilientClient *self);

G_END_DECLS
