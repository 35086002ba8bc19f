/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-event.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_SUBSCRIPTION (resilient_subscription_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientSubscription, resilient_subscription, RESILIENT, SUBSCRIPTION, GObject)

RESILIENT_AVAILABLE_IN_1_0
void            resilient_subscription_next_async   (ResilientSubscription  *self,
                                                     GCancellable           *cancellable,
                                                     GAsyncReadyCallback     callback,
                                                     gpointer                user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientEvent *resilient_subscription_next_finish  (ResilientSubscription  *self,
                                                     GAsyncResult           *result,
                                                     GError                **error);
RESILIENT_AVAILABLE_IN_1_0
ResilientEvent *resilient_subscription_try_next     (ResilientSubscription  *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientEvent *resilient_subscription_wait_next    (ResilientSubscription  *self,
                                                     double                  timeout,
                                                     GCancellable           *cancellable,
                                                     GError                **error);
RESILIENT_AVAILABLE_IN_1_0
void            resilient_subscription_close        (ResilientSubscription  *self);
RESILIENT_AVAILABLE_IN_1_0
guint           resilient_subscription_get_capacity (ResilientSubscription  *self);
RESILIENT_AVAILABLE_IN_1_0
guint           resilient_subscription_get_length   (ResilientSubscription  *self);
RESILIENT_AVAILABLE_IN_1_0
guint64         resilient_subscription_get_dropped  (ResilientSubscription  *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean        resilient_subscription_get_closed   (ResilientSubscription  *self);

G_END_DECLS

