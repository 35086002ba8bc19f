/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-headers-private.h"
#include "resilient-origin.h"

G_BEGIN_DECLS

/* Admits requests: so many at once in all and per origin, the rest waits by priority, then (woken
 * before new), then arrival. Thread-safe: one lock inside, never held while a callback runs.
 * Entering, leaving and withdrawing are O(log n). */
typedef struct _ResilientGate ResilientGate;
typedef struct _ResilientWaiter ResilientWaiter;

/* Embedded in its owner. All fields belong to the gate from enter() until it was admitted or
 * withdrawn. */
struct _ResilientWaiter
{
  ResilientOrigin *origin; /* owned by the gate while it waits or holds a slot */
  int priority;
  gboolean woken; /* slept before a retry: goes before newcomers of its priority */
  guint64 arrival;
  guint index; /* 1 + place in the origin's heap; 0: does not wait */
  /* It never waits: it blocks a thread without which those who hold the slots can't give them back.
   * It gets a slot beyond our own limits, but no connection that the session does not have. */
  gboolean beyond;
  gboolean detached; /* see resilient_gate_detach() */
  /* Runs once, in whatever thread freed the slot, when a waiter that was told to wait gets its
   * slot. */
  void (*admitted) (ResilientWaiter *waiter);
};

typedef enum
{
  RESILIENT_GATE_ADMITTED,
  RESILIENT_GATE_QUEUED,
  RESILIENT_GATE_OVERLOADED,
} ResilientGateAnswer;

ResilientGate *resilient_gate_new (void);
ResilientGate *resilient_gate_ref (ResilientGate *self);
void resilient_gate_unref (ResilientGate *self);

/* @per_origin 0 = automatic: 6, or 32 once the origin is known to speak HTTP/2. Raising a limit
 * admits at once. */
void resilient_gate_set_limits (ResilientGate *self,
                                guint max_concurrent,
                                guint per_origin,
                                guint max_pending);
/* What the session in use allows (G_MAXUINT: no bound of its own); the smaller of both is in
 * force. */
void
resilient_gate_set_session_limits (ResilientGate *self, guint max_conns, guint max_conns_per_host);

/* The origin (scheme, host, port) of @uri, an absolute http or https URI; made at need. Idle
 * origins that nobody holds and that carry no settings are forgotten when there are more than
 * 512. */
ResilientOrigin *resilient_gate_get_origin (ResilientGate *self, GUri *uri);

/* priority, woken, beyond and admitted are set by the owner before. OVERLOADED: more than
 * max_pending wait (never for a woken one), or one that never waits would have to. */
ResilientGateAnswer
resilient_gate_enter (ResilientGate *self, ResilientOrigin *origin, ResilientWaiter *waiter);
/* TRUE: it waited, and now does not; admitted() will not run. */
gboolean resilient_gate_withdraw (ResilientGate *self, ResilientWaiter *waiter);
void resilient_gate_set_priority (ResilientGate *self, ResilientWaiter *waiter, int priority);
/* Gives the slot back and admits who is next. The waiter may be freed or enter again after. */
void resilient_gate_leave (ResilientGate *self, ResilientWaiter *waiter);
/* The request that has this slot has ended, and what it left behind keeps the slot for a while: it
 * does not count as one that runs any more. */
void resilient_gate_detach (ResilientGate *self, ResilientWaiter *waiter);
/* A redirect to another origin does not move the slot. */
void resilient_gate_set_http2 (ResilientGate *self, ResilientOrigin *origin);

/* How many slots are taken; and by requests that run. */
guint resilient_gate_get_active (ResilientGate *self);
guint resilient_gate_get_running (ResilientGate *self);
guint resilient_gate_get_pending (ResilientGate *self);
/* Runs under no lock, in any thread, after counts changed: of the gate (@origin NULL) or of an
 * origin. */
typedef void (*ResilientGateChanged) (ResilientOrigin *origin, gpointer data);
void
resilient_gate_set_changed_func (ResilientGate *self, ResilientGateChanged func, gpointer data);

/* For the list of origins; one watches at a time, NULL: nobody does. @func runs in any thread and
 * under no lock when there are origins to take over, or to forget: while somebody watches, the gate
 * leaves that to him. */
typedef void (*ResilientGateOriginsChanged) (gpointer data);
void
resilient_gate_watch_origins (ResilientGate *self, ResilientGateOriginsChanged func, gpointer data);
/* Appends references of those that were made since *@n_taken of them were, oldest first. */
void resilient_gate_take_origins (ResilientGate *self, guint64 *n_taken, GPtrArray *origins);
/* One that the watcher alone has, when there are too many idle ones; transfer full. */
ResilientOrigin *resilient_gate_forget_listed (ResilientGate *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientGate, resilient_gate_unref)

/* The default headers of an origin, with its secret marks; NULL when it has none. Immutable
 * snapshot, any thread. */
ResilientHeaders *resilient_origin_dup_default_headers (ResilientOrigin *self);
/* Notifies the properties that changed since the last call; in the home context. */
void resilient_origin_notify_changes (ResilientOrigin *self);
/* After a resume: TRUE once per origin and @generation, for the request that must use a new
 * connection. */
gboolean resilient_origin_take_fresh_connection (ResilientOrigin *self, guint generation);
/* It is this machine, or on a network that is directly connected: it is there without a default
 * route. What its name does not tell, the address tells from which it answered. */
gboolean resilient_origin_is_near (ResilientOrigin *self);
void resilient_origin_set_near (ResilientOrigin *self);
/* "https://example.org:443", for logs; no user info. */
const char *resilient_origin_peek_key (ResilientOrigin *self);

G_END_DECLS
