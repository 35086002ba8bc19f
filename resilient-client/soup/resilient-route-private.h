/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-lane-private.h"

G_BEGIN_DECLS

/* What was learned of an origin, by the requests that wait for a connection to it and those that
 * have one. Lives in the context of its pool. */
typedef struct _ResilientRoute ResilientRoute;

/* A request that may have to wait for its lane. Owned by who waits; all zero but for ready. */
typedef struct _ResilientLeaseWaiter ResilientLeaseWaiter;

struct _ResilientLeaseWaiter
{
  /* It waits no more: enter again. From a source, maybe on behalf of another request. */
  void (*ready) (ResilientLeaseWaiter *self);
  int io_priority; /* of the source that calls it */
  gint64 span;     /* what it may take to connect, waiting included, microseconds; 0 = any time */
  gint64 latest;   /* when it waits no more, lest it have too little of that left */
  ResilientRoute *route; /* where it waits, or NULL */
  gboolean called;       /* it is its turn: it does not wait for a connection again */
  GList link;
};

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

/* What a request to a route is sent over. */
typedef enum
{
  RESILIENT_WAY_WAIT,       /* it is not known yet, or a connection will be free soon */
  RESILIENT_WAY_CHALLENGES, /* a session that answers those who ask for credentials */
  RESILIENT_WAY_MANY,       /* the lane of HTTP/2 */
  RESILIENT_WAY_OWN,        /* a lane of its own */
  RESILIENT_WAY_SCOUT,      /* the same, and others wait for what it learns */
} ResilientWay;

ResilientRoute *resilient_route_new (GUri *uri);
ResilientRoute *resilient_route_ref (ResilientRoute *self);
void resilient_route_unref (ResilientRoute *self);
/* Nobody but the pool has a reference. */
gboolean resilient_route_is_unused (ResilientRoute *self);
GUri *resilient_route_get_uri (ResilientRoute *self);

/* For a request that enters. @waiter: who may wait for a connection, or NULL. */
ResilientWay resilient_route_choose_way (ResilientRoute *self, ResilientLeaseWaiter *waiter);
/* @waiter waits: until it is known what the route speaks, or for a connection. */
void resilient_route_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter);
/* Soon, those who wait and need not do enter again. */
void resilient_route_wake (ResilientRoute *self);
void resilient_lease_waiter_withdraw (ResilientLeaseWaiter *self);

/* A request is about to be sent to it, over HTTP/2 or not. */
void resilient_route_learn (ResilientRoute *self, gboolean http2);
gboolean resilient_route_speaks_http1 (ResilientRoute *self);
/* On the way there somebody asks for credentials. */
void resilient_route_note_challenges (ResilientRoute *self);
/* "Expect: 100-continue" is ignored there. */
void resilient_route_avoid_expect (ResilientRoute *self);
gboolean resilient_route_avoids_expect (ResilientRoute *self);
/* A connect that was found late was seen to go on. */
void resilient_route_note_revived (ResilientRoute *self);
/* Whether @self waits, and that was seen where it does so, @since on the boot-time clock. */
gboolean resilient_lease_waiter_was_revived (ResilientLeaseWaiter *self, gint64 since);

/* The lane of HTTP/2; NULL: there is none. */
ResilientLane *resilient_route_get_many (ResilientRoute *self);
void resilient_route_set_many (ResilientRoute *self, ResilientLane *lane);
/* Lanes of HTTP/1 that are free, the longest idle first. */
GQueue *resilient_route_get_idle (ResilientRoute *self);
/* More than @kept of them, and more than are in use: what is in use may be idle beside it. */
gboolean resilient_route_has_excess (ResilientRoute *self, guint kept);
/* Whether @main, which is the lane for credentials now, knows it; and that it does. */
gboolean resilient_route_is_known_to (ResilientRoute *self, ResilientLane *main);
void resilient_route_set_known_to (ResilientRoute *self, ResilientLane *main);

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
/* It is done with a lane of its own, whose connection is @kept. */
void resilient_lease_end (ResilientLease *self, gboolean kept);
/* It gives its connection, which is @kept, to who has waited for longest, by the @leave of its
 * pool; and soon, those who need not wait any more enter too. Takes the reference to the route. */
void resilient_lease_pass_on (ResilientLease *self,
                              gboolean kept,
                              void (*leave) (ResilientLease *self, gboolean kept, gpointer pool),
                              gpointer pool);

G_END_DECLS
