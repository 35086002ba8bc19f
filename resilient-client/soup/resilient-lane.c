/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A session with what is known of its connections, reference counted, and the options with which we
 * make sessions. It owns both. Its pool's context, but for ref and unref. */

#include "config.h"

#include "resilient-lane-private.h"

/* How long a connection may be idle, in seconds: libsoup's default. */
#define IDLE_TIMEOUT 60

struct _ResilientLane
{
  int ref_count; /* atomic */
  SoupSession *session;
  ResilientConnections *connections;
  gboolean watched; /* set once */
  gboolean bare;    /* set once */

  /* of the owner's context */
  gpointer owner; /* or NULL */
  ResilientLaneLost lost;
  guint n_users;  /* requests that have it */
  gpointer place; /* while it is idle: a reference, else NULL */
  GQueue *idle;   /* it is in this one then, by link */
  GQueue *takers; /* and in this one, by taker_link, or NULL */
  GList link;
  GList taker_link;
};

SoupSession *
resilient_soup_session_new (guint max_conns)
{
  int limit = (int) CLAMP (max_conns, 1, G_MAXINT);
  SoupSession *session = soup_session_new_with_options ("max-conns",
                                                        limit,
                                                        "max-conns-per-host",
                                                        limit,
                                                        "timeout",
                                                        0,
                                                        "idle-timeout",
                                                        IDLE_TIMEOUT,
                                                        NULL);

  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

ResilientLane *
resilient_lane_new (SoupSession *session)
{
  ResilientLane *self = g_new0 (ResilientLane, 1);

  self->ref_count = 1;
  self->session = g_object_ref (session);
  self->connections = resilient_connections_new ();
  self->link.data = self->taker_link.data = self;
  return self;
}

static void
lost_cb (gpointer data)
{
  ResilientLane *self = data;

  self->lost (self, self->owner);
}

ResilientLane *
resilient_lane_new_owned (SoupSession *session,
                          gboolean bare,
                          ResilientLaneLost lost,
                          gpointer owner)
{
  ResilientLane *self = resilient_lane_new (session);

  /* Each feature costs with each message, and this one has nobody that it could ask. */
  if (bare)
    soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  self->bare = bare;
  self->owner = owner;
  self->lost = lost;
  if (bare)
    resilient_connections_set_lost_func (self->connections, lost_cb, self);
  return self;
}

ResilientLane *
resilient_lane_ref (ResilientLane *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
resilient_lane_unref (ResilientLane *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  if (self->watched)
    resilient_connections_unwatch (self->connections, self->session);
  g_object_unref (self->session);
  resilient_connections_unref (self->connections);
  g_free (self);
}

void
resilient_lane_watch (ResilientLane *self)
{
  self->watched = TRUE;
  resilient_connections_watch (self->connections, self->session);
}

SoupSession *
resilient_lane_get_session (ResilientLane *self)
{
  return self->session;
}

ResilientConnections *
resilient_lane_get_connections (ResilientLane *self)
{
  return self->connections;
}

gboolean
resilient_lane_is_bare (ResilientLane *self)
{
  return self->bare;
}

void
resilient_lane_disown (ResilientLane *self)
{
  self->owner = NULL;
  resilient_connections_set_lost_func (self->connections, NULL, NULL);
}

void
resilient_lane_enter (ResilientLane *self)
{
  self->n_users += self->owner != NULL;
}

gboolean
resilient_lane_leave (ResilientLane *self)
{
  return self->owner != NULL && --self->n_users == 0;
}

gboolean
resilient_lane_is_in_use (ResilientLane *self)
{
  return self->n_users > 0;
}

void
resilient_lane_list (ResilientLane *self, GQueue *idle, GQueue *takers, gpointer place)
{
  self->place = place;
  self->idle = idle;
  self->takers = takers;
  g_queue_push_tail_link (idle, &self->link);
  if (takers != NULL)
    g_queue_push_tail_link (takers, &self->taker_link);
}

gpointer
resilient_lane_unlist (ResilientLane *self)
{
  if (self->place == NULL)
    return NULL;
  g_queue_unlink (self->idle, &self->link);
  if (self->takers != NULL)
    g_queue_unlink (self->takers, &self->taker_link);
  return g_steal_pointer (&self->place);
}

gpointer
resilient_lane_get_place (ResilientLane *self)
{
  return self->place;
}
