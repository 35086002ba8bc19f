/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-alarm-private.h"
#include "resilient-connections-private.h"

G_BEGIN_DECLS

/* A request's place on a connection that it shares with others, as HTTP/2 requests do. Zero-initialised in its owner, and
 * touched in the owner's context only. */
typedef struct
{
  ResilientConnections *connections; /* NULL: no place */
  guint64 id;
  GSocket *socket; /* nullable */
  ResilientAlarm *alarm; /* once stranded */
  ResilientTimer timer;
} ResilientShare;

void resilient_share_take (ResilientShare *self, ResilientConnections *connections, guint64 id, GSocket *socket);
void resilient_share_clear (ResilientShare *self);
/* The request was cancelled in @context and waits for a response. Libsoup notices that only when a frame comes in, which from
 * a server that hangs is never: the request would keep its slot for good, and new ones would go down the same way. So a
 * connection that nobody else uses for a while is closed. Until resilient_share_clear(). */
void resilient_share_strand (ResilientShare *self, GMainContext *context);

G_END_DECLS
