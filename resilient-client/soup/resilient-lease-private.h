/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a request holds of a pool while it is under way: its route, its session and maybe a
 * connection of its own. Plain data of its owner, in the context of the pool. */

#pragma once

#include "resilient-route-private.h"

G_BEGIN_DECLS

typedef enum
{
  RESILIENT_LEASE_UNCOUNTED,
  RESILIENT_LEASE_OPENING,
  RESILIENT_LEASE_OPEN,
} ResilientLeaseState;

/* What a request holds of a pool; and what its route learns by it. */
typedef struct
{
  ResilientRoute *route; /* a reference */
  ResilientLane *lane;   /* NULL while the request waits */
  const char *why;       /* this one, in the words of the log; static */
  gboolean exclusive;    /* no other HTTP/1 request takes it meanwhile */
  gboolean scout;        /* others wait for what it learns */
  gboolean fresh_only; /* libsoup may use a connection that is open, as it was found to be fresh */
  gboolean claims;     /* in a session with several: it has yet to get its connection ... */
  guint64 claim;       /* ... which is expected to be this one, 0 = none */

  /* over TLS */
  ResilientLeaseState state;
  gboolean alone; /* no other connection was being opened when it came */
  gboolean fresh; /* it opened its connection itself */
  gint64 since;   /* when it came, or had opened it */
} ResilientLease;

/* It has its lane, whose connection is @open. */
void resilient_lease_begin (ResilientLease *self, gboolean open);
/* It is about to be sent, over a connection that had a request before or not. */
void resilient_lease_started (ResilientLease *self, gboolean http2, gboolean reused);
/* While it calls functions of the app's, which may run a main loop and wait in it for another
 * request, others need not wait for what it learns. */
void resilient_lease_step_aside (ResilientLease *self);
void resilient_lease_step_back (ResilientLease *self);
/* It has its connection, or will have none. */
void resilient_lease_release_claim (ResilientLease *self);
/* It had no answer. */
void resilient_lease_failed (ResilientLease *self);
/* It is done, and its connection is @kept. */
void resilient_lease_end (ResilientLease *self, gboolean kept);

G_END_DECLS
