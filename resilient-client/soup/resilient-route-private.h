/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-timer-queue-private.h"
#include "resilient-lane-private.h"
#include "resilient-wait-estimate-private.h"

G_BEGIN_DECLS

/* What was learned of an origin. Lives in the context of its pool. */
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
  RESILIENT_PROTOCOL_UNKNOWN,
  RESILIENT_PROTOCOL_HTTP1,
  RESILIENT_PROTOCOL_HTTP2,
} ResilientProtocol;

struct _ResilientRoute
{
  int ref_count;
  GUri *uri;
  GMainContext *context;
  ResilientProtocol protocol;
  gboolean scouted;       /* a request finds out which */
  gboolean rush;          /* the last one that tried could not */
  gboolean challenges;    /* on the way there somebody asks for credentials */
  gboolean avoids_expect; /* "Expect: 100-continue" is ignored there */
  GQueue idle;         /* of ResilientLane: those of HTTP/1 that are free, the longest idle first */
  ResilientLane *many; /* the lane of HTTP/2; a reference, or NULL */
  guint n_busy;        /* requests that have a lane of their own */
  gconstpointer main;  /* the session for credentials that knows it, if that is still there */
  GQueue waiting;      /* of ResilientLeaseWaiter */
  GSource *source;     /* wakes them */
  int io_priority;     /* of that: that of the last one who waited */
  gint64 revived;      /* when a connect that was found late was seen to go on; boot-time clock */

  /* Over TLS, where a connection costs more than most requests: whether to wait for one. */
  gboolean tls;
  gboolean closes;  /* the last new one served a single request */
  guint n_open;     /* lanes that are in use, on a connection that is open */
  guint n_opening;  /* those that have yet to get there */
  guint n_progress; /* counts lanes that were left, and connections that were opened */
  gint64 active_at; /* when that was, or a lane was taken */
  ResilientWaitEstimate estimate;
  ResilientTimerQueue *timers;
  ResilientTimer guard; /* while some wait: looks whether anything goes on */
  guint progress_seen;  /* when it last looked */
  guint n_silent;       /* how often it saw nothing */
};

ResilientRoute *resilient_route_new (GUri *uri);
ResilientRoute *resilient_route_ref (ResilientRoute *self);
void resilient_route_unref (ResilientRoute *self);
/* By origin. */
guint resilient_route_hash (gconstpointer self);
gboolean resilient_route_equal (gconstpointer a, gconstpointer b);

/* @waiter waits: until it is known what the route speaks, or for a connection. */
void resilient_route_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter);
/* Whether @waiter, too, is to wait for a connection. */
gboolean resilient_route_should_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter);
/* Now, who has waited for longest enters again. */
void resilient_route_call_next (ResilientRoute *self);
/* Soon, those who wait and need not do enter again. */
void resilient_route_wake (ResilientRoute *self);
void resilient_lease_waiter_withdraw (ResilientLeaseWaiter *self);

/* A request is about to be sent to it, over HTTP/2 or not. */
void resilient_route_learn (ResilientRoute *self, gboolean http2);
/* No connection could be made: those who wait find out by themselves. Until one is there. */
void resilient_route_rush (ResilientRoute *self);

G_END_DECLS
