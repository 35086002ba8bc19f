/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* An attempt over libsoup, as what makes attempts starts and abandons it. It lives in one context.
 */

#pragma once

#include "resilient-pool-private.h"
#include "resilient-soup-send-private.h"
#include "resilient-transport-attempt-private.h"

G_BEGIN_DECLS

/* In the thread-default context, whose connections @pool has. */
ResilientTransportAttempt *
resilient_soup_attempt_start (ResilientTransport *transport,
                              ResilientPool *pool,
                              const ResilientTransportAttemptParams *params,
                              ResilientTimerQueue *timers,
                              const ResilientTransportAttemptFuncs *funcs,
                              gpointer data);
void resilient_soup_attempt_abandon (ResilientTransportAttempt *attempt);
/* For tests: the message on its way, or NULL. */
ResilientSoupSend *resilient_soup_attempt_peek_send (ResilientTransportAttempt *attempt);

G_END_DECLS
