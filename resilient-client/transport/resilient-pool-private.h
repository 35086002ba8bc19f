/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-connections-private.h"

G_BEGIN_DECLS

/* A session, and what is known of its connections. HTTP/1 takes one for itself for each request: at
 * each step libsoup looks at every message and every idle connection of a session, it makes the
 * connections to a host one after the other, and it can't cancel what waits for one. Where a session
 * has one request there is nothing to look at or to wait for. */
typedef struct _ResilientLane ResilientLane;

/* What was learned of an origin. Kept while somebody holds it, and for a while after. */
typedef struct _ResilientHost ResilientHost;

/* The lanes and hosts of one driving context: touched only there, but for
 * resilient_pool_any_open(). */
typedef struct _ResilientPool ResilientPool;

/* A request that may have to wait for its lane. Owned by who waits; all zero but for ready. */
typedef struct _ResilientTicket ResilientTicket;

struct _ResilientTicket
{
  void (*ready) (ResilientTicket *self); /* it waits no more: enter again. From a source. */
  ResilientHost *host;                   /* where it waits, or NULL */
  GList link;
};

/* What a request holds of a pool. */
typedef struct
{
  ResilientHost *host; /* a reference */
  ResilientLane *lane; /* NULL while the request waits */
  gboolean exclusive;  /* no other request is on it */
  gboolean scout;      /* others wait for what it learns */
} ResilientPass;

ResilientLane *resilient_lane_new (SoupSession *session);
ResilientLane *resilient_lane_ref (ResilientLane *self);
void resilient_lane_unref (ResilientLane *self);
/* Others may use its session too, from now on. Any thread. */
void resilient_lane_watch (ResilientLane *self);
SoupSession *resilient_lane_get_session (ResilientLane *self);
ResilientConnections *resilient_lane_get_connections (ResilientLane *self);
/* Its session has no features: nobody answers a challenge. */
gboolean resilient_lane_is_bare (ResilientLane *self);

/* In its context, which is the thread-default one. @main (nullable) is its first lane. Once *@shared
 * is not NULL, which any thread may set atomically, every request goes by that one. */
ResilientPool *resilient_pool_new (ResilientLane *main, ResilientLane **shared);
void resilient_pool_free (ResilientPool *self);

/* A lane for a request to the origin of @uri. FALSE: @ticket waits until it is known which protocol
 * that speaks, and @pass is empty. @challenges: there must be somebody who can answer one. */
gboolean resilient_pool_enter (ResilientPool *self, GUri *uri, gboolean challenges,
                               ResilientTicket *ticket, ResilientPass *pass);
/* Its connection can serve others. Again does nothing. */
void resilient_pool_leave (ResilientPool *self, ResilientPass *pass);
void resilient_ticket_withdraw (ResilientTicket *self);

/* A request is about to be sent to it, over HTTP/2 or not. */
void resilient_host_learn (ResilientHost *self, gboolean http2);
/* No connection could be made: those who wait find out by themselves. */
void resilient_host_rush (ResilientHost *self);
/* On the way there somebody asks for credentials. */
void resilient_host_set_challenges (ResilientHost *self);
/* It ignores "Expect: 100-continue". */
void resilient_host_set_avoids_expect (ResilientHost *self);
gboolean resilient_host_get_avoids_expect (ResilientHost *self);

/* Ends what is under way and closes what is idle, but for the shared lane. */
void resilient_pool_abort (ResilientPool *self);
/* Any thread: whether a connection is still open, or being closed. */
gboolean resilient_pool_any_open (ResilientPool *self);

G_END_DECLS
