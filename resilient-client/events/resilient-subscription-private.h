/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-stream-private.h"
#include "resilient-subscription.h"

G_BEGIN_DECLS

/* @capacity 0 keeps nothing but what a reader waits for already. */
ResilientSubscription *resilient_subscription_new (guint capacity);
/* What the writer holds and pushes on (events without body); transfer none. It is ended once the subscription is gone. */
ResilientStream *resilient_subscription_get_stream (ResilientSubscription *self);
/* For the writer, under no lock: no more events come; what is queued can still be read. Notifies "closed". */
void resilient_subscription_finish (ResilientStream *stream);

G_END_DECLS
