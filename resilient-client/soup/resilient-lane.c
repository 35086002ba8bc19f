/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A session with what is known of its connections, reference counted, and the options with which we
 * make sessions. It owns both. Its pool's context, but for ref and unref. */

#include "config.h"

#include "resilient-lane-private.h"

/* How long a connection may be idle, in seconds: libsoup's default. */
#define IDLE_TIMEOUT 60

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
  self->link.data = self->route_link.data = self;
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
