/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-origin-private.h"

G_BEGIN_DECLS

/* The waiters of each origin are in a heap, and the origins that could admit one right now, but for
 * the total, are in another, ordered by their first waiters: whatever changes, the next one is
 * found in O(log n), however many waiters stand behind a busy host. Between two operations nobody
 * waits who could be admitted, except while some thread is about to admit him. */
struct _ResilientGate
{
  gatomicrefcount users; /* references of users; origins keep the memory alone */

  GMutex lock; /* guards all below, the counts and limits of the origins, and all waiters */

  GHashTable *origins; /* key → ResilientOrigin, owned; NULL after the last user */
  GQueue idle;         /* of the origins in the table without a request, longest idle first */
  ResilientHeap candidates;

  guint max_concurrent;
  guint per_origin; /* 0: automatic */
  guint max_pending;
  guint session_max_conns;
  guint session_max_conns_per_host;

  guint active;
  guint detached; /* those of them whose requests have ended */
  guint pending;
  guint pending_new; /* those of them that are not woken */
  guint64 next_arrival;

  GQueue in_order;                             /* of the origins in the table, oldest first */
  guint64 n_made;                              /* origins, ever */
  ResilientGateOriginsChanged origins_changed; /* NULL: nobody has them in a list */
  gpointer origins_changed_data;

  ResilientGateChanged changed;
  gpointer changed_data;
};

gboolean resilient_gate_candidate_is_before (gconstpointer a, gconstpointer b);
/* After limits changed; with the lock held. */
void resilient_gate_update_all_candidates (ResilientGate *self);
/* Gives every slot that is free to who is next; without the lock. */
void resilient_gate_admit (ResilientGate *self);
/* After an origin got or lost a request; with the lock held. */
void resilient_gate_update_idle (ResilientGate *self, ResilientOrigin *origin);
/* Forgets idle origins when there are too many; without the lock. */
void resilient_gate_forget_idle (ResilientGate *self);

G_END_DECLS
