/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-timer-queue-private.h"
#include "resilient-connections-private.h"

G_BEGIN_DECLS

/* A request's place on a connection that it shares with others, as HTTP/2 requests do.
 * Zero-initialised in its owner, and touched in the owner's context only. */
typedef struct
{
  ResilientConnections *connections; /* NULL: no place */
  guint64 id;
  GSocket *socket;              /* nullable */
  ResilientHttp2Input *input;   /* nullable */
  ResilientHttp2Stream *stream; /* with it */
  ResilientTimerQueue *timers;  /* once stranded */
  ResilientTimer timer;
} ResilientShare;

/* @resend: libsoup sends it again by itself when the connection turns out dead before anything
 * comes. @changed: what came for it may be something that libsoup does not tell of; see
 * resilient_http2_frames_open(). */
void resilient_share_take (ResilientShare *self,
                           ResilientConnections *connections,
                           guint64 id,
                           GSocket *socket,
                           gboolean resend,
                           void (*changed) (gpointer data),
                           gpointer data);
void resilient_share_clear (ResilientShare *self);
/* The request was cancelled in @context and waits for a response. Libsoup notices that only when a
 * frame comes in, which from a server that hangs is never: the request would keep its slot for
 * good, and new ones would go down the same way. So a connection that nobody else uses for a while
 * is closed. Until resilient_share_clear(). */
void resilient_share_strand (ResilientShare *self, GMainContext *context);

/* The following may be asked without a place, too. */

void resilient_share_note_headers (ResilientShare *self, gint64 declared_size);
void resilient_share_note_sent (ResilientShare *self, gsize size);
/* The server says that it did nothing with the request. */
gboolean resilient_share_is_unprocessed (ResilientShare *self);
/* Libsoup has given the connection up without a word. */
gboolean resilient_share_is_deserted (ResilientShare *self);
/* Nothing comes over the connection any more, nor can be sent. */
gboolean resilient_share_is_lost (ResilientShare *self);
/* The rules were broken, or the stream reset, or the connection is at its end: there will be no
 * whole response. */
gboolean resilient_share_is_broken (ResilientShare *self, GError **error);
/* The response breaks a rule that only libsoup's engine knows: @reported is what libsoup says of
 * the reset that this sends. */
gboolean resilient_share_is_rejected (ResilientShare *self, const GError *reported, GError **error);

G_END_DECLS
