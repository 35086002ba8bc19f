/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

#include "resilient-body-private.h"
#include "resilient-connections-private.h"
#include "resilient-early-answer-private.h"

G_BEGIN_DECLS

/* One SoupMessage while libsoup has it: its signals, its resend, its way out. Lives in one
 * context. */
typedef struct _ResilientSoupSend ResilientSoupSend;

typedef enum
{
  /* the first byte is about to be sent; again for every send of the message */
  RESILIENT_SEND_STARTED,
  RESILIENT_SEND_WROTE,         /* the kernel took some of the body */
  RESILIENT_SEND_WROTE_ALL,     /* the kernel took the whole request; not of a brief one */
  RESILIENT_SEND_INFORMATIONAL, /* a 1xx response */
  RESILIENT_SEND_HEADERS,       /* a final status line and its headers */
  RESILIENT_SEND_ARRIVING,      /* more of a body that libsoup reads by itself */
  /* the server says that it did nothing with what was sent since the last start */
  RESILIENT_SEND_UNPROCESSED,
} ResilientSendEvent;

typedef struct
{
  /* From inside a signal of libsoup: nothing may be cancelled, closed or sent here. */
  void (*event) (ResilientSoupSend *self, ResilientSendEvent event, gpointer data);
  /* Libsoup would resend what must not be sent again, or for ever; or the body could not be read;
   * or what comes has no end. From a source; the send can be detached. */
  void (*refused) (ResilientSoupSend *self, const GError *error, gpointer data);
  /* Headers and body stream, or @error. At most once; not from inside send(). */
  void (*answered) (ResilientSoupSend *self, GInputStream *stream, GError *error, gpointer data);
  /* The rest of the body does not come, which its stream does not tell. From a source. */
  void (*broken) (ResilientSoupSend *self, const GError *error, gpointer data);
  /* Libsoup holds nothing of it any more, and the send is freed next. Once, also after detach();
   * from a source. */
  void (*released) (ResilientSoupSend *self, gpointer data);
} ResilientSoupSendFuncs;

typedef struct
{
  SoupSession *session;
  SoupMessage *message; /* without body yet */
  ResilientBody *body;  /* nullable */
  ResilientConnections *connections;
  int io_priority;        /* of its sources, and of all that is asked of libsoup */
  ResilientPace *pace;    /* by which these give way; nullable */
  const char *debug_name; /* borrowed for as long as the send lives; NULL: nothing is told */
  gboolean shared;        /* the session may have several connections, which others use */
  gboolean
    brief; /* goes over HTTP/1, without a body: the kernel takes it whole as soon as it starts */
  gboolean may_repeat;       /* what may have been processed can be sent again */
  gboolean expect;           /* ask HTTP/1 servers before a large body is sent */
  guint64 max_response_size; /* bytes that libsoup may read by itself; 0 = no limit */
} ResilientSoupSendParams;

ResilientSoupSend *resilient_soup_send_new (const ResilientSoupSendParams *params,
                                            const ResilientSoupSendFuncs *funcs,
                                            gpointer data);
/* Once. FALSE with @error when the body can't be had: the send is freed. The functions of a body
 * and the handlers of a session are the app's, and may run a main loop, in which this one may be
 * detached; then there is nothing to tell, and TRUE. */
gboolean resilient_soup_send_send (ResilientSoupSend *self, GError **error);
/* Before a detach that makes libsoup close a connection of its own. Over TLS libsoup 3.2 blocks
 * then until the peer takes the farewell, behind all that was written before, which a peer that
 * hangs never does. */
void resilient_soup_send_hang_up (ResilientSoupSend *self);
/* From a source of the driving context: no callback but released() any more. Cancels, and closes
 * nothing: a stream that answered() gave away is its receiver's, who must tell by
 * stream_closed(). */
void resilient_soup_send_detach (ResilientSoupSend *self);
/* After a whole answer over HTTP/1, before stream_closed(): its connection serves others now. */
void resilient_soup_send_served (ResilientSoupSend *self);
void resilient_soup_send_stream_closed (ResilientSoupSend *self, gboolean whole);

SoupMessage *resilient_soup_send_get_message (ResilientSoupSend *self);
/* For tests: how far the newest connection is that is made for it, and its socket; nullable. */
GSocketClientEvent resilient_soup_send_get_stage (ResilientSoupSend *self);
GSocket *resilient_soup_send_get_dialed (ResilientSoupSend *self);
/* The socket it was last sent over, or NULL. */
GSocket *resilient_soup_send_get_socket (ResilientSoupSend *self);
/* Steps towards a connection of its own so far. */
guint resilient_soup_send_count_steps (ResilientSoupSend *self);
/* The next step is under way in another thread, as far as that can be told: a look-up, or a
 * handshake that the peer takes part in. */
gboolean resilient_soup_send_is_stepping (ResilientSoupSend *self);
/* TRUE once it was really sent: what a cache answers is not. */
gboolean resilient_soup_send_is_on_wire (ResilientSoupSend *self);
gboolean resilient_soup_send_is_reused (ResilientSoupSend *self);
/* The server may be missing a certificate of ours, or refuse it. */
gboolean resilient_soup_send_may_lack_certificate (ResilientSoupSend *self);
/* The refusal is of what could not be read: a trouble of this machine, whatever the error looks
 * like. */
gboolean resilient_soup_send_has_body_failed (ResilientSoupSend *self);
/* Sends of this message that the protocol did not ask for (after a connection was lost), beyond the
 * first. */
guint resilient_soup_send_get_resends (ResilientSoupSend *self);
gboolean resilient_soup_send_is_brief (ResilientSoupSend *self);
/* Waits for "100 Continue" before it sends its body. */
gboolean resilient_soup_send_is_expecting (ResilientSoupSend *self);
/* Sends the body though nobody has asked for it, over the same connection. FALSE: libsoup can't be
 * told to. */
gboolean resilient_soup_send_go_on (ResilientSoupSend *self);
gboolean resilient_soup_send_has_gone_on (ResilientSoupSend *self);
gboolean resilient_soup_send_is_from_cache (ResilientSoupSend *self);
/* A final status line came from the origin (or the cache). */
gboolean resilient_soup_send_has_headers (ResilientSoupSend *self);
/* What came of a head ended with the connection: neither the status nor the headers are to be
 * believed. */
gboolean resilient_soup_send_has_half_head (ResilientSoupSend *self);
/* Of the connection, or NULL when that is not known. */
ResilientTap *resilient_soup_send_get_tap (ResilientSoupSend *self);
/* The end of the response has come, over HTTP/2, though libsoup may not have read it. */
gboolean resilient_soup_send_has_all (ResilientSoupSend *self);
/* Its connection, of HTTP/2, is of no use any more. */
gboolean resilient_soup_send_is_lost (ResilientSoupSend *self);
/* Anything at all came from the origin. */
gboolean resilient_soup_send_has_response (ResilientSoupSend *self);
/* The whole response of an HTTP/1 server that has not taken the whole request, looked for where it
 * may be; NULL if it is not there. Then nothing else comes of the send. Transfer full. */
ResilientEarlyAnswer *resilient_soup_send_take_early_answer (ResilientSoupSend *self);
guint64 resilient_soup_send_get_sent (ResilientSoupSend *self);
/* A tunnel was asked for and refused: what came is the proxy's word, of which libsoup shows the
 * status alone. */
GError *resilient_soup_send_make_proxy_error (SoupMessage *message);

G_END_DECLS
