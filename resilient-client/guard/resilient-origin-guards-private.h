/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib-object.h>

#include "resilient-client-guards-private.h"
#include "resilient-concurrency-limit-private.h"

G_BEGIN_DECLS

/* What guards know of one origin; part of it. Any thread: one lock inside, under which nothing is
 * called. */
typedef struct _ResilientOriginGuards ResilientOriginGuards;

/* @origin: whose part it is; not owned. */
ResilientOriginGuards *resilient_origin_guards_new (GObject *origin);
void resilient_origin_guards_free (ResilientOriginGuards *self);
/* An origin made anew would act differently. */
gboolean resilient_origin_guards_is_marked (ResilientOriginGuards *self);

/* Once, before another thread has it: the client whose settings hold where the origin has none. An
 * origin that a binding made by itself has no client. */
void
resilient_origin_guards_set_client (ResilientOriginGuards *self, ResilientClientGuards *client);

/* What the origin has of its own, transfer full; NULL: what its client has. FALSE: it was that
 * already. */
gboolean resilient_origin_guards_set_circuit_policy (ResilientOriginGuards *self,
                                                     ResilientCircuitPolicy *policy);
gboolean resilient_origin_guards_set_rate_limiter (ResilientOriginGuards *self,
                                                   ResilientRateLimiter *limiter);
gboolean resilient_origin_guards_set_retry_budget (ResilientOriginGuards *self,
                                                   ResilientRetryBudget *budget);
ResilientCircuitPolicy *resilient_origin_guards_dup_circuit_policy (ResilientOriginGuards *self);
ResilientRateLimiter *resilient_origin_guards_dup_rate_limiter (ResilientOriginGuards *self);

/* What is in force, transfer full; NULL: nothing. The limiters are two: of the origin, and of its
 * client. */
ResilientCircuitBreaker *resilient_origin_guards_dup_breaker (ResilientOriginGuards *self);
ResilientRetryBudget *resilient_origin_guards_dup_budget (ResilientOriginGuards *self);
void resilient_origin_guards_dup_limiters (ResilientOriginGuards *self,
                                           ResilientRateLimiter *limiters[2]);

/* How many attempts its server takes at once, which is in force from now on; 0: nobody wants to
 * know. */
guint resilient_origin_guards_take_concurrency (ResilientOriginGuards *self);
/* Somebody wants to know, and nothing is in force, or the other way round. */
gboolean resilient_origin_guards_is_concurrency_due (ResilientOriginGuards *self);
/* An attempt begins; FALSE: nobody wants to know, and nothing is to be told of it. @changed: it is
 * another number now. */
gboolean resilient_origin_guards_begin_attempt (ResilientOriginGuards *self,
                                                ResilientConcurrencySample *sample,
                                                gboolean *changed);
void resilient_origin_guards_answer_attempt (ResilientOriginGuards *self,
                                             ResilientConcurrencySample *sample);
/* TRUE: it is another number now. */
gboolean resilient_origin_guards_end_attempt (ResilientOriginGuards *self,
                                              ResilientConcurrencySample *sample,
                                              ResilientConcurrencyEnd end);

/* Nobody is sent there before @until, boot-time microseconds, and who waited for that goes within
 * @spread seconds after. FALSE: it was held for as long already. */
gboolean resilient_origin_guards_hold (ResilientOriginGuards *self, gint64 until, double spread);
/* FALSE: it is not held. @until as above. */
gboolean
resilient_origin_guards_is_held (ResilientOriginGuards *self, gint64 *until, double *spread);
/* Microseconds since 1970, 0: it is not held. */
gint64 resilient_origin_guards_get_held_until (ResilientOriginGuards *self);
/* Whether that has changed since the last time. The first one who asks while it is held has to come
 * again at @again, boot-time microseconds, when that is not 0. */
gboolean resilient_origin_guards_take_hold_change (ResilientOriginGuards *self, gint64 *again);

G_END_DECLS
