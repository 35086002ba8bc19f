/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the client makes a subscription, and how its recorder writes into one. Any thread. */

#pragma once

#include "resilient-event-buffer-private.h"
#include "resilient-subscription.h"

G_BEGIN_DECLS

/* @capacity 0 keeps nothing but what a reader waits for already. */
ResilientSubscription *resilient_subscription_new (guint capacity);
/* One to which no event will come. */
ResilientSubscription *resilient_subscription_new_ended (guint capacity);
/* What the writer holds and pushes on (events without body); transfer none. It is ended once the
 * subscription is gone. */
ResilientEventBuffer *resilient_subscription_get_buffer (ResilientSubscription *self);
/* For the writer, under no lock: no more events come; what is queued can still be read. Notifies
 * "closed". */
void resilient_subscription_finish (ResilientEventBuffer *stream);

G_END_DECLS
