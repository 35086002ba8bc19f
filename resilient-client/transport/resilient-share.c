/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-share-private.h"

#include "resilient-clock-private.h"

/* How long a connection may be deserted until it is closed: a new request that follows a cancel finds it still open, and its
 * response frees what was stranded. Then how often to look again while others use it. */
#define PATIENCE (G_USEC_PER_SEC / 10)
#define POLL (1 * G_USEC_PER_SEC)

void
resilient_share_take (ResilientShare *self, ResilientConnections *connections, guint64 id, GSocket *socket)
{
  g_assert (self->connections == NULL);
  self->connections = resilient_connections_ref (connections);
  self->id = id;
  self->socket = socket != NULL ? g_object_ref (socket) : NULL;
  resilient_connections_join (connections, id);
}

void
resilient_share_clear (ResilientShare *self)
{
  if (self->connections == NULL)
    return;
  if (self->alarm != NULL)
    resilient_alarm_clear (self->alarm, &self->timer);
  else
    resilient_connections_leave (self->connections, self->id);
  g_clear_pointer (&self->alarm, resilient_alarm_unref);
  g_clear_object (&self->socket);
  g_clear_pointer (&self->connections, resilient_connections_unref);
}

static void
stranded_cb (gpointer data)
{
  ResilientShare *self = data;

  if (resilient_connections_is_deserted (self->connections, self->id))
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  else
    resilient_alarm_set (self->alarm, &self->timer, resilient_clock_get_boot () + POLL, stranded_cb, self);
}

void
resilient_share_strand (ResilientShare *self, GMainContext *context)
{
  if (self->connections == NULL || self->socket == NULL || self->alarm != NULL)
    return;
  resilient_connections_leave (self->connections, self->id);
  self->alarm = resilient_alarm_get (context);
  resilient_alarm_set (self->alarm, &self->timer, resilient_clock_get_boot () + PATIENCE, stranded_cb, self);
}
