/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the recorder makes events, and those without what not everybody may keep. They are immutable;
 * any thread. */

#pragma once

#include "resilient-event.h"

G_BEGIN_DECLS

/* @delay in seconds, 0 but for RETRY; the time stamp is the clock's now. Takes references, copies
 * @error. */
ResilientEvent *resilient_event_new (ResilientEventType type,
                                     ResilientRequestContext *context,
                                     guint64 sequence,
                                     ResilientFailure failure,
                                     ResilientReason reason,
                                     ResilientResponse *response,
                                     const GError *error,
                                     double delay);
/* The same (sequence and time too) without response, or with the response's body dropped. */
ResilientEvent *resilient_event_without_response (ResilientEvent *self);
ResilientEvent *resilient_event_without_body (ResilientEvent *self);

G_END_DECLS
