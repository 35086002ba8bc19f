/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-gate-private.h"
#include "resilient-headers-private.h"
#include "resilient-origin-guards-private.h"
#include "resilient-origin.h"

G_BEGIN_DECLS

/* What the library asks of an origin besides what an app may. Any thread. */

/* With slots of @gate. @key: as resilient_origin_key_new() has it. @near: its name tells that it
 * needs no default route. */
ResilientOrigin *resilient_origin_new (ResilientGate *gate, const char *key, gboolean near);

/* "https://example.org:443", for logs; no user info. */
const char *resilient_origin_peek_key (ResilientOrigin *self);
/* NULL if it was made without a gate. */
ResilientSlots *resilient_origin_get_slots (ResilientOrigin *self);

/* What guards know of it; transfer none. */
ResilientOriginGuards *resilient_origin_get_guards (ResilientOrigin *self);
/* Its server has asked for a wait of @seconds. FALSE: it is held for as long already. */
gboolean resilient_origin_hold (ResilientOrigin *self, double seconds);

/* A new one in its place would be noticed: it has settings, or somebody listens to it without a
 * reference. */
gboolean resilient_origin_is_marked (ResilientOrigin *self);

/* The default headers of an origin, with its secret marks; NULL when it has none. Immutable
 * snapshot. */
ResilientHeaders *resilient_origin_dup_default_headers (ResilientOrigin *self);
/* The same, NULL unless it has such marks. */
ResilientHeaders *resilient_origin_dup_secret_marks (ResilientOrigin *self);

/* After the counts of its slots changed. TRUE: somebody listens, and
 * resilient_origin_notify_changes() is to be called, as nobody was told since it was last. */
gboolean resilient_origin_take_change (ResilientOrigin *self);
/* Notifies the properties that changed since the last call; in the home context. */
void resilient_origin_notify_changes (ResilientOrigin *self);

/* What pays for hedges: each attempt that may be hedged earns a twentieth of one, up to ten in all.
 * What is earned does not expire, for programs that send one request now and then. */
void resilient_origin_deposit_hedge (ResilientOrigin *self);
/* FALSE: there is not enough for one. */
gboolean resilient_origin_withdraw_hedge (ResilientOrigin *self);

/* An answer came so long after its attempt began, or had not come yet when another one was there.
 * What it counts is where hedges begin that have no delay of their own: after 95 of 100 answers. In
 * seconds; 0: there were fewer than 20. */
void resilient_origin_add_answer_time (ResilientOrigin *self, gint64 microseconds);
double resilient_origin_get_hedge_delay (ResilientOrigin *self);

/* After a resume: TRUE once per origin and @generation, for the request that must use a new
 * connection. */
gboolean resilient_origin_take_fresh_connection (ResilientOrigin *self, guint generation);

/* It is this machine, or on a network that is directly connected: it is there without a default
 * route. What its name does not tell, the address tells from which it answered. */
gboolean resilient_origin_is_near (ResilientOrigin *self);
void resilient_origin_set_near (ResilientOrigin *self);

G_END_DECLS
