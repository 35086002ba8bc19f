/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-share-private.h"
#include "resilient-soup-hop-private.h"

G_BEGIN_DECLS

/* Shared by the two files of the hop: its life (soup-hop) and what its message says (soup-hop-signals). */

/* References: one of the owner, until released() has run. Libsoup ends a message in two ways that come in any order: its
 * send call returns, and the message is "finished", which for an answered one takes the closing of its stream. */
struct _ResilientSoupHop
{
  SoupSession *session;
  SoupMessage *message;
  ResilientBody *body;
  ResilientBodyStream *body_stream; /* what the message reads it from; nullable */
  ResilientConnections *connections;
  const ResilientSoupHopFuncs *funcs;
  gpointer data;
  GMainContext *context;
  GCancellable *cancellable; /* of this hop alone: a preconnect or another request must not share it */
  GClosure *closure; /* of all handlers of the message */
  GSocket *socket;
  GSource *refuse_source; /* a resend is being refused */
  GSource *release_source;
  GError *refusal;
  ResilientShare share; /* of an HTTP/2 connection */

  gboolean brief;
  gboolean quiet; /* its headers are not heard of before the send call returns */
  gboolean may_repeat;
  gboolean expect;
  gboolean expecting;
  gboolean detached;
  gboolean returned; /* the send call */
  gboolean finished; /* the message */
  gboolean answering; /* inside answered() */
  gboolean whole;     /* the stream was read to its end before it was closed */
  gboolean streaming; /* a stream was given away and is open */
  gboolean on_wire;
  gboolean reused;
  gboolean certificate_asked; /* the server asked for one of ours */
  gboolean from_cache;
  gboolean holds_body; /* applied, not begun */
  gboolean body_failed; /* the refusal says how */
  gboolean got_informational;
  gboolean got_headers;
  guint resends;
  gboolean resending; /* the next start is a resend */
  guint64 sent;
};

GSource *resilient_soup_hop_attach_idle (ResilientSoupHop *self, int priority, GSourceFunc func);
/* The body of a send: set on the message, about to be read, or free for another send. */
gboolean resilient_soup_hop_take_body (ResilientSoupHop *self, GError **error);
void resilient_soup_hop_begin_body (ResilientSoupHop *self);
/* Ends it with @error, which it takes, before anything else of the next turn. */
void resilient_soup_hop_refuse (ResilientSoupHop *self, GError *error);
void resilient_soup_hop_give_body_back (ResilientSoupHop *self);
/* What the message says; resilient_soup_hop_finished() is its last word. */
void resilient_soup_hop_connect (ResilientSoupHop *self);
void resilient_soup_hop_disconnect (ResilientSoupHop *self);
void resilient_soup_hop_finished (ResilientSoupHop *self);
void resilient_soup_hop_got_headers (ResilientSoupHop *self);

G_END_DECLS
