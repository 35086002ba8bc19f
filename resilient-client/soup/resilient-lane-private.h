/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-connections-private.h"

G_BEGIN_DECLS

/* A session, and what is known of its connections. HTTP/1 takes one for itself for each request: at
 * each step libsoup looks at every message and every idle connection of a session, it makes the
 * connections to a host one after the other, and it can't cancel what waits for one. Where a
 * session has one request there is nothing to look at or to wait for. Such a lane lives as long as
 * its connection: libsoup keeps each host of a session for five minutes, with a source of the
 * context for each, and no session costs as much as a connection. */
typedef struct _ResilientLane ResilientLane;

struct _ResilientLane
{
  int ref_count; /* atomic */
  SoupSession *session;
  ResilientConnections *connections;
  gboolean watched; /* set once */
  gboolean bare;    /* the session has no features: nobody answers a challenge */

  /* of the pool's context */
  struct _ResilientPool *pool;   /* whose it is, or NULL */
  struct _ResilientRoute *route; /* while it is idle: to which it goes; a reference */
  guint n_users;                 /* requests that have it; of HTTP/1 no more than one */
  GList link;                    /* among all that are idle */
  GList route_link;              /* among those of its route that HTTP/1 may take */
  gboolean listed;               /* it is among these */
};

ResilientLane *resilient_lane_new (SoupSession *session);
ResilientLane *resilient_lane_ref (ResilientLane *self);
void resilient_lane_unref (ResilientLane *self);
/* Others may use its session too, from now on. Any thread. */
void resilient_lane_watch (ResilientLane *self);

/* A session as we want it: no decoder of libsoup's, no time-outs. */
SoupSession *resilient_soup_session_new (guint max_conns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientLane, resilient_lane_unref)

G_END_DECLS
