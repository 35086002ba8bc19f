/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-gate-private.h"
#include "resilient-heap-private.h"

G_BEGIN_DECLS

/* What the gate and the origin know of each other. Lock order: the gate's, then the origin's. */
struct _ResilientOrigin
{
  GObject parent_instance;

  char *key;           /* constant */
  ResilientGate *gate; /* constant; its memory, not a user's reference; NULL if made without one */
  gboolean near;       /* atomic: it needs no default route */

  /* Guarded by the gate's lock. */
  ResilientHeap waiters; /* of ResilientWaiter, the next one first */
  guint candidate_index; /* 1 + place among the origins that could admit a waiter */
  guint active;
  guint detached;     /* those of them whose requests have ended */
  int max_concurrent; /* -1: as the gate says */
  gboolean http2;
  gboolean active_changed; /* since the last notification */
  gboolean pending_changed;
  gboolean idle;
  GList idle_link;  /* in the gate's list while idle */
  GList order_link; /* in the gate's list of all */
  guint64 number;   /* how many the gate had made, with this one */
  gboolean listed;  /* a list has a reference, too */

  /* Atomic: the gate has told that counts changed, and nobody has notified yet. */
  gint change_told;

  /* Guarded by the origin's own lock. */
  GMutex lock;
  ResilientHeaders *default_headers; /* owned, nullable, immutable: replaced as a whole */
  gboolean has_secret_marks;
  guint fresh_generation;
};

ResilientOrigin *resilient_origin_new (ResilientGate *gate, const char *key);
/* Nobody but the gate has it, nor would notice if a new one took its place. */
gboolean resilient_origin_is_forgettable (ResilientOrigin *self);
/* Whether anybody listens to changes of properties. */
gboolean resilient_origin_is_watched (ResilientOrigin *self);

/* The memory of the gate, which outlives the last of its users while somebody holds an origin. */
ResilientGate *resilient_gate_acquire (ResilientGate *self);
void resilient_gate_release (ResilientGate *self);
void resilient_gate_lock (ResilientGate *self);
void resilient_gate_unlock (ResilientGate *self);
/* By priority, then who slept before, then arrival. */
gboolean resilient_waiter_is_before (gconstpointer a, gconstpointer b);
/* FALSE if it was that already. */
gboolean resilient_gate_set_origin_limit (ResilientGate *self, ResilientOrigin *origin, int limit);

G_END_DECLS
