/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Admits requests: so many at once in all and per origin, the rest waits by priority, then (woken
 * before new), then arrival. Entering, leaving and withdrawing are O(log n). It knows nothing of
 * what an origin is: that hands down its owner and what is to be called. Any thread: one lock
 * inside, never held while a callback runs. */
typedef struct _ResilientGate ResilientGate;
/* The slots of one origin and the queue for them, under the lock of their gate. */
typedef struct _ResilientSlots ResilientSlots;
typedef struct _ResilientWaiter ResilientWaiter;

/* Embedded in its owner. All fields belong to the gate from enter() until it was admitted or
 * withdrawn. */
struct _ResilientWaiter
{
  ResilientSlots *slots; /* for one of which it waits, or which it holds; not owned */
  int priority;
  gboolean woken; /* slept before a retry: goes before newcomers of its priority */
  guint64 arrival;
  guint index; /* 1 + place in the heap of the slots; 0: does not wait */
  /* It never waits: it blocks a thread without which those who hold the slots can't give them back.
   * It gets a slot beyond our own limits, but no connection that the session does not have. */
  gboolean beyond;
  gboolean detached; /* see resilient_gate_detach() */
  gboolean held;     /* see resilient_gate_hold() */
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

/* priority, woken, beyond and admitted are set by the owner before. OVERLOADED: more than
 * max_pending wait (never for a woken one), or one that never waits would have to. Who enters keeps
 * the owner of @slots until the waiter has left, or was withdrawn. */
ResilientGateAnswer
resilient_gate_enter (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter);
/* Only a slot that is free, and for which nobody waits. */
gboolean
resilient_gate_try_enter (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter);
/* A guard holds @waiter back, which has nothing yet, or a slot that goes back. Until it enters
 * again, with the place of its first arrival, it counts as one that waits. OVERLOADED as above, but
 * never for one that had a slot; else QUEUED. */
ResilientGateAnswer
resilient_gate_hold (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter);
/* TRUE: it waited, or was held back, and now does not; admitted() will not run. */
gboolean resilient_gate_withdraw (ResilientGate *self, ResilientWaiter *waiter);
void resilient_gate_set_priority (ResilientGate *self, ResilientWaiter *waiter, int priority);
/* Gives the slot back and admits who is next. The waiter may be freed or enter again after. */
void resilient_gate_leave (ResilientGate *self, ResilientWaiter *waiter);
/* The request that has this slot has ended, and what it left behind keeps the slot for a while: it
 * does not count as one that runs any more. */
void resilient_gate_detach (ResilientGate *self, ResilientWaiter *waiter);

/* How many slots are taken; and by requests that run. */
guint resilient_gate_get_active (ResilientGate *self);
guint resilient_gate_get_running (ResilientGate *self);
guint resilient_gate_get_pending (ResilientGate *self);
/* Runs under no lock, in any thread, after counts changed: of the gate, and of the slots of @owner.
 * One at a time, until it is replaced: nobody enters or leaves meanwhile. */
typedef void (*ResilientGateChanged) (gpointer owner, gpointer data);
void resilient_gate_set_changed_func (ResilientGate *self,
                                      ResilientGateChanged func,
                                      gpointer data,
                                      GDestroyNotify destroy);

/* Slots are idle while no request has one or waits for one. Runs under no lock, in any thread, when
 * some became idle and more than @max_idle of those that are kept were. */
typedef void (*ResilientGateIdle) (gpointer data);
void resilient_gate_set_idle_func (ResilientGate *self,
                                   guint max_idle,
                                   ResilientGateIdle func,
                                   gpointer data);
/* The owner of those that have been idle for longest, when there are more than @max_idle; they are
 * the last then. Whoever calls this sees to it that the owners of all that are kept live. */
gpointer resilient_gate_rotate_idle (ResilientGate *self);

/* @owner has them and frees them, once no waiter is there any more; it is for callbacks only. They
 * keep the gate. */
ResilientSlots *resilient_slots_new (ResilientGate *gate, gpointer owner);
void resilient_slots_free (ResilientSlots *self);
/* Whether they are among those that are rotated. */
void resilient_slots_set_kept (ResilientSlots *self, gboolean kept);
/* Their own limit, -1: as the gate says. FALSE if it was that already. */
gboolean resilient_slots_set_limit (ResilientSlots *self, int limit);
int resilient_slots_get_limit (ResilientSlots *self);
/* What the server can take: no more than that run, whatever else allows more. 0: not known. */
void resilient_slots_set_ceiling (ResilientSlots *self, guint ceiling);
/* One connection carries all requests: a session's limit of connections does not count. */
void resilient_slots_set_http2 (ResilientSlots *self);
/* Of requests that run, and of those that wait. */
guint resilient_slots_get_running (ResilientSlots *self);
guint resilient_slots_get_pending (ResilientSlots *self);
/* For what else has changed about their owner: calls the function of the gate. */
void resilient_slots_tell_changed (ResilientSlots *self);
/* Which of the counts have changed since the last time. */
void resilient_slots_take_changes (ResilientSlots *self, gboolean *running, gboolean *pending);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientGate, resilient_gate_unref)

G_END_DECLS
