/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

#include "resilient-body-private.h"
#include "resilient-connections-private.h"

G_BEGIN_DECLS

/* One SoupMessage while libsoup has it: its signals, its resend, its way out. Lives in one context. */
typedef struct _ResilientSoupHop ResilientSoupHop;

typedef enum
{
  RESILIENT_HOP_STARTED,       /* the first byte is about to be sent; again for every send of the message */
  RESILIENT_HOP_WROTE,         /* the kernel took some of the body */
  RESILIENT_HOP_WROTE_ALL,     /* the kernel took the whole request; not of a brief one */
  RESILIENT_HOP_INFORMATIONAL, /* a 1xx response */
  RESILIENT_HOP_HEADERS,       /* a final status line and its headers */
} ResilientHopEvent;

typedef struct
{
  /* From inside a signal of libsoup: nothing may be cancelled, closed or sent here. */
  void (*event) (ResilientSoupHop *self, ResilientHopEvent event, gpointer data);
  /* Libsoup would resend what must not be sent again, or for ever; or the body could not be read. From a source; the hop
   * can be detached. */
  void (*refused) (ResilientSoupHop *self, const GError *error, gpointer data);
  /* Headers and body stream, or @error. At most once; not from inside send(). */
  void (*answered) (ResilientSoupHop *self, GInputStream *stream, GError *error, gpointer data);
  /* Libsoup holds nothing of it any more, and the hop is freed next. Once, also after detach(); from a source. */
  void (*released) (ResilientSoupHop *self, gpointer data);
} ResilientSoupHopFuncs;

typedef struct
{
  SoupSession *session;
  SoupMessage *message; /* without body yet */
  ResilientBody *body;  /* nullable */
  ResilientConnections *connections;
  gboolean brief;        /* goes over HTTP/1, without a body: the kernel takes it whole as soon as it starts */
  gboolean may_repeat;   /* what may have been processed can be sent again */
  gboolean expect;       /* ask HTTP/1 servers before a large body is sent */
} ResilientSoupHopParams;

/* NULL with @error when the body can't be had. */
ResilientSoupHop *resilient_soup_hop_send (const ResilientSoupHopParams *params, const ResilientSoupHopFuncs *funcs,
                                           gpointer data, GError **error);
/* Before a detach that makes libsoup close a connection of its own. Over TLS libsoup 3.2 blocks then until the peer takes
 * the farewell, behind all that was written before, which a peer that hangs never does. */
void resilient_soup_hop_hang_up (ResilientSoupHop *self);
/* From a source of the driving context: no callback but released() any more. Cancels, and closes nothing: a stream that
 * answered() gave away is its receiver's, who must tell by stream_closed(). */
void resilient_soup_hop_detach (ResilientSoupHop *self);
void resilient_soup_hop_stream_closed (ResilientSoupHop *self, gboolean whole);

SoupMessage *resilient_soup_hop_get_message (ResilientSoupHop *self);
/* The socket it was last sent over, or NULL. */
GSocket *resilient_soup_hop_get_socket (ResilientSoupHop *self);
/* TRUE once it was really sent: what a cache answers is not. */
gboolean resilient_soup_hop_is_on_wire (ResilientSoupHop *self);
gboolean resilient_soup_hop_is_reused (ResilientSoupHop *self);
/* The server may be missing a certificate of ours, or refuse it. */
gboolean resilient_soup_hop_may_lack_certificate (ResilientSoupHop *self);
/* The refusal is of what could not be read: a trouble of this machine, whatever the error looks like. */
gboolean resilient_soup_hop_has_body_failed (ResilientSoupHop *self);
/* Sends of this message that the protocol did not ask for (after a connection was lost), beyond the first. */
guint resilient_soup_hop_get_resends (ResilientSoupHop *self);
gboolean resilient_soup_hop_is_brief (ResilientSoupHop *self);
/* Waits for "100 Continue" before it sends its body. */
gboolean resilient_soup_hop_is_expecting (ResilientSoupHop *self);
gboolean resilient_soup_hop_is_from_cache (ResilientSoupHop *self);
/* A final status line came from the origin (or the cache). */
gboolean resilient_soup_hop_has_headers (ResilientSoupHop *self);
/* Anything at all came from the origin. */
gboolean resilient_soup_hop_has_response (ResilientSoupHop *self);
guint64 resilient_soup_hop_get_sent (ResilientSoupHop *self);

G_END_DECLS
