/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-subscription.h"

G_BEGIN_DECLS

ResilientSubscription *resilient_subscription_new (guint capacity);
/* Any thread; drops the oldest when full. FALSE once it is closed. @event has no body. */
gboolean resilient_subscription_push (ResilientSubscription *self, ResilientEvent *event);
/* No more events come; what is queued can still be read. */
void resilient_subscription_finish (ResilientSubscription *self);

G_END_DECLS
