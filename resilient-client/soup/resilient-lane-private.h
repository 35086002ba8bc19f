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

/* The peer has closed a connection of a lane. */
typedef void (*ResilientLaneLost) (ResilientLane *self, gpointer owner);

ResilientLane *resilient_lane_new (SoupSession *session);
/* One that @owner alone hands out, in its context. @bare: its session has no features, so that
 * nobody answers a challenge; and @lost is called. */
ResilientLane *resilient_lane_new_owned (SoupSession *session,
                                         gboolean bare,
                                         ResilientLaneLost lost,
                                         gpointer owner);
ResilientLane *resilient_lane_ref (ResilientLane *self);
void resilient_lane_unref (ResilientLane *self);
/* Others may use its session too, from now on. Any thread. */
void resilient_lane_watch (ResilientLane *self);
SoupSession *resilient_lane_get_session (ResilientLane *self);
ResilientConnections *resilient_lane_get_connections (ResilientLane *self);
gboolean resilient_lane_is_bare (ResilientLane *self);

/* What follows is for its owner. */

/* The owner hands it out no more; requests that have it keep it. */
void resilient_lane_disown (ResilientLane *self);
/* A request has it, or has it no more; of HTTP/1 no more than one. One that has no owner is not
 * counted. */
void resilient_lane_enter (ResilientLane *self);
/* TRUE: it was the last one. */
gboolean resilient_lane_leave (ResilientLane *self);
gboolean resilient_lane_is_in_use (ResilientLane *self);

/* It is idle: the last of @idle, and of @takers, which may be NULL. Takes the reference that @place
 * is to where it belongs, which only the owner knows. */
void resilient_lane_list (ResilientLane *self, GQueue *idle, GQueue *takers, gpointer place);
/* It is in no queue any more. Gives @place back; NULL: it was in none. */
gpointer resilient_lane_unlist (ResilientLane *self);
/* NULL: it is in no queue. */
gpointer resilient_lane_get_place (ResilientLane *self);

/* A session as we want it: no decoder of libsoup's, no time-outs. */
SoupSession *resilient_soup_session_new (guint max_conns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientLane, resilient_lane_unref)

G_END_DECLS
