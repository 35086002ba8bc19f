/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the library does with a context beyond what an app can: stamp it, and count its attempts. A
 * context never changes. Any thread. */

#pragma once

#include "resilient-request-context.h"

G_BEGIN_DECLS

/* For a call that starts: attempt 0, @policy (never NULL) in force, @metadata in place of an absent
 * one when the context itself came from the library. NULL @self: a new context with a random id. */
ResilientRequestContext *resilient_request_context_stamp (ResilientRequestContext *self,
                                                          ResilientRetryPolicy *policy,
                                                          GVariant *metadata);
/* Like it, but at @attempt, with the delay drawn before that (seconds). */
ResilientRequestContext *
resilient_request_context_at (ResilientRequestContext *self, guint attempt, double delay);
/* increment_attempt() that also remembers the delay drawn before the attempt to come (seconds). */
ResilientRequestContext *
resilient_request_context_advance (ResilientRequestContext *self, double delay);
/* The policy in force: its own, or the library default. */
ResilientRetryPolicy *resilient_request_context_peek_policy (ResilientRequestContext *self);
double resilient_request_context_get_previous_delay (ResilientRequestContext *self);

G_END_DECLS
