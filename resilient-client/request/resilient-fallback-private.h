/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-request-context.h"
#include "resilient-response.h"

G_BEGIN_DECLS

/* The app's function that gives an answer where there is none. Set once, atomically refcounted. */
typedef struct _ResilientFallback ResilientFallback;
/* As ResilientFallbackFunc. */
typedef ResilientResponse *(*ResilientFallbackAsk) (ResilientRequestContext *context,
                                                    ResilientResponse *response,
                                                    const GError *error,
                                                    gpointer user_data);

ResilientFallback *
resilient_fallback_new (ResilientFallbackAsk func, gpointer user_data, GDestroyNotify destroy);
ResilientFallback *resilient_fallback_ref (ResilientFallback *self);
void resilient_fallback_unref (ResilientFallback *self);
/* Calls the app. @response and @error are nullable; so is the answer, transfer full. */
ResilientResponse *resilient_fallback_ask (ResilientFallback *self,
                                           ResilientRequestContext *context,
                                           ResilientResponse *response,
                                           const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientFallback, resilient_fallback_unref)

G_END_DECLS
