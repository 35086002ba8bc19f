/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-event-private.h"
#include "resilient-response-private.h"
#include "resilient-result-private.h"

/* Values to record, for the tests of this layer. */

ResilientRequestContext *make_context (const char *id);
ResilientResponse *make_response (gsize body_size);
/* RETRY events have no response, terminal ones have one with a body of 10 bytes. */
ResilientEvent *make_event (ResilientEventType type, guint64 sequence);
ResilientResult *make_result (const char *id, ResilientResultStatus status, gsize body_size);
