/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-share-private.h"
#include "resilient-soup-send-private.h"

G_BEGIN_DECLS

/* Shared by the two files of the send: its life (soup-send) and what its message says
 * (soup-send-signals). */

/* References: one of the owner, until released() has run. Libsoup ends a message in two ways that
 * come in any order: its send call returns, and the message is "finished", which for an answered
 * one takes the closing of its stream. */
struct _ResilientSoupSend
{
  SoupSession *session;
  SoupMessage *message;
  ResilientBody *body;
  ResilientBodyStream *body_stream; /* what the message reads it from; nullable */
  ResilientConnections *connections;
  const ResilientSoupSendFuncs *funcs;
  gpointer data;
  GMainContext *context;
  int io_priority;
  ResilientPace *pace;    /* nullable */
  const char *debug_name; /* nullable; borrowed */
  /* of this send alone: a preconnect or another request must not share it */
  GCancellable *cancellable;
  GClosure *closure; /* of all handlers of the message */
  GSocket *socket;
  ResilientTap *tap;        /* of the connection, of HTTP/1; nullable */
  GSocket *dialed;          /* of the newest connection that is made for it; nullable */
  GSocketClientEvent stage; /* how far that is */
  guint n_steps;            /* that were made so far; 0: none, and the two above say nothing */
  GSource *refuse_source;   /* a resend is being refused */
  GSource *intake_source;   /* libsoup reads a body by itself */
  GSource *broken_source;   /* something broke that libsoup may not tell of */
  GSource *release_source;
  GError *refusal;
  guint64 connection_id;
  ResilientEarlyAnswer *early_answer; /* found when the send failed; nullable */
  GUri *sent_to;                      /* as it was last sent; nullable */
  ResilientShare share;               /* of a connection that is not ours alone */

  gboolean shared;
  gboolean brief;
  guint64 max_response_size;
  gboolean may_repeat;
  gboolean expect;
  gboolean expecting;
  gboolean went_on; /* without what it expected */
  gboolean
    calling_out; /* inside what may run a main loop, where it can be neither cancelled nor freed */
  gboolean detached;
  gboolean returned;  /* the send call */
  gboolean finished;  /* the message */
  gboolean forsaken;  /* libsoup will let go of neither */
  gboolean sent_back; /* and yet the send call has returned */
  gboolean freed;     /* but for what it needs */
  gboolean answering; /* inside answered() */
  gboolean whole;     /* the stream was read to its end before it was closed */
  gboolean streaming; /* a stream was given away and is open */
  gboolean on_wire;
  gboolean reused;
  gboolean certificate_asked; /* the server asked for one of ours */
  gboolean from_cache;
  gboolean holds_body;  /* applied, not begun */
  gboolean body_failed; /* the refusal says how */
  gboolean wrote_body;
  gboolean got_informational;
  gboolean got_headers;
  gboolean final;            /* a 401, 407 or 421 that is the answer: libsoup must not send again */
  gboolean misdirected;      /* a 421 was answered by another connection */
  gboolean tunnel_restarted; /* a proxy that closes was answered: the next start is the first */
  guint n_proxy_rounds;      /* answered with the credentials of the proxy's URI */
  gsize interim_size;        /* of the 1xx responses to this send */
  guint64 intake;            /* what libsoup has read by itself, as last seen */
  guint64 intake_start;      /* what the connection had received before */
  gboolean in_head;          /* of a response, which the tap watches */
  gboolean half_head;        /* with which the connection ended */
  guint resends;
  gboolean resending; /* the next start is a resend */
  guint64 sent;
};

GSource *resilient_soup_send_attach_idle (ResilientSoupSend *self, int priority, GSourceFunc func);
/* The body of a send: set on the message, about to be read, or free for another send. */
gboolean resilient_soup_send_take_body (ResilientSoupSend *self, gboolean late, GError **error);
void resilient_soup_send_begin_body (ResilientSoupSend *self);
/* Ends it with @error, which it takes, before anything else of the next turn. */
void resilient_soup_send_refuse (ResilientSoupSend *self, GError *error);
/* The same where the send can't wait for the next turn: it is cancelled at once. Not in "starting"
 * and "restarted". */
void resilient_soup_send_cut (ResilientSoupSend *self, GError *error);
void resilient_soup_send_give_body_back (ResilientSoupSend *self);
void resilient_soup_send_stop_intake (ResilientSoupSend *self);
/* The message's own, where libsoup has put that of a proxy. */
void resilient_soup_send_put_uri_back (ResilientSoupSend *self);
/* Something came on its stream of HTTP/2. A ResilientHttp2Frames callback. */
void resilient_soup_send_stream_changed (gpointer data);
/* What the message says; resilient_soup_send_finished() is its last word. */
void resilient_soup_send_connect (ResilientSoupSend *self);
void resilient_soup_send_disconnect (ResilientSoupSend *self);
gulong resilient_soup_send_watch_cache (ResilientSoupSend *self);
void resilient_soup_send_finished (ResilientSoupSend *self);
/* No more of a head is read: it is complete, or never will be. */
void resilient_soup_send_end_head (ResilientSoupSend *self);
void resilient_soup_send_look_for_answer (ResilientSoupSend *self);

G_END_DECLS
