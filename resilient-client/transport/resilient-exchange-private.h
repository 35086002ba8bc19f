/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

#include "resilient-alarm-private.h"
#include "resilient-failure-private.h"
#include "resilient-recipe-private.h"
#include "resilient-response-private.h"

G_BEGIN_DECLS

/* One attempt while it lives: fresh messages (one per redirect hop or transparent resend), phase deadlines, body. Lives in one
 * driving context and is touched only there. The seam between engine and network: ResilientTransport makes them; one kind
 * over libsoup, one scripted for tests. */
typedef struct _ResilientExchange ResilientExchange;
typedef struct _ResilientTransport ResilientTransport;

/* How it ended. Owned by the exchange; the receiver may steal response and error. */
typedef struct
{
  ResilientFailure failure;    /* NONE: a whole response (of any status). Never STATUS: that is the engine's. */
  ResilientResponse *response; /* with failure NONE only; without body when it was discarded */
  GError *error;               /* with any other failure */
  ResilientPhase phase;        /* reached by the last hop */
  gboolean nothing_sent;       /* starting never fired, on any hop or resend */
  gboolean reused_connection;  /* of the first hop */
  gboolean http2;
  gboolean http2_of_origin; /* the request's own origin (first hop) answered over HTTP/2 */
  guint status_code; /* 0 = no status line was read */
  guint sends;
} ResilientOutcome;

typedef struct
{
  /* The phase of the attempt changed; also WRITING again after a redirect. */
  void (*phase) (ResilientExchange *self, ResilientPhase phase, gpointer data);
  /* Bytes so far in this attempt (body bytes), sizes -1 = unknown. At most once per chunk. */
  void (*progress) (ResilientExchange *self, gint64 sent, gint64 received, gint64 upload_size, gint64 download_size, gpointer data);
  /* The final response's headers are there (not a redirect that is followed): read its body (TRUE), or is it not wanted
   * because there will be a retry (FALSE: drained when short, else the connection is closed; the response has no body)? */
  gboolean (*headers) (ResilientExchange *self, guint status_code, double retry_after, gpointer data);
  /* Once, unless abandoned before; never from inside start(). */
  void (*done) (ResilientExchange *self, ResilientOutcome *outcome, gpointer data);
  /* Once, always the last: libsoup holds nothing of this attempt any more. Never from inside start(). */
  void (*released) (ResilientExchange *self, gpointer data);
  /* The default headers (client's and origin's, marks included) for a hop to @uri; transfer full, nullable. */
  ResilientHeaders *(*default_headers) (GUri *uri, gpointer data);
} ResilientExchangeFuncs;

typedef struct
{
  ResilientRecipe *recipe;
  const char *idempotency_key; /* nullable: sent as Idempotency-Key */
  const char *user_agent;      /* nullable; a User-Agent header of the recipe wins */
  /* seconds, 0 = none */
  double connect_timeout, read_timeout, write_timeout, attempt_timeout;
  guint64 max_response_size; /* bytes, 0 = no limit */
  gboolean new_connection;   /* don't reuse one for the first hop */
} ResilientExchangeParams;

typedef struct
{
  /* In the driving context, which is the thread-default one. Copies what it needs of @params. Returns a reference. */
  ResilientExchange *(*start) (ResilientTransport *self, const ResilientExchangeParams *params, ResilientAlarm *alarm,
                               const ResilientExchangeFuncs *funcs, gpointer data);
  /* No callback but released() runs any more; cancels what it can. From a source of the driving context, never from inside a
   * libsoup signal. After done() it does nothing. */
  void (*abandon) (ResilientExchange *exchange);
  void (*free) (ResilientTransport *self);
} ResilientTransportFuncs;

struct _ResilientTransport
{
  const ResilientTransportFuncs *funcs;
  int ref_count; /* atomic */
};

/* First member of every kind of exchange. */
struct _ResilientExchange
{
  ResilientTransport *transport;
  const ResilientOutcome *outcome; /* as far as it is known: sends and status count up while it lives */
  void (*unref) (ResilientExchange *self);
};

ResilientTransport *resilient_transport_ref (ResilientTransport *self);
void resilient_transport_unref (ResilientTransport *self);
ResilientExchange *resilient_exchange_start (ResilientTransport *self, const ResilientExchangeParams *params,
                                             ResilientAlarm *alarm, const ResilientExchangeFuncs *funcs, gpointer data);
void resilient_exchange_abandon (ResilientExchange *self);
void resilient_exchange_unref (ResilientExchange *self);

/* Over libsoup, by @session, of which it never changes a property; or by sessions of its own if that is NULL, the first of
 * them for @home (NULL: the global default context). */
ResilientTransport *resilient_soup_transport_new (SoupSession *session, GMainContext *home);
/* The session by which everything goes from now on: who sees it may give it features and handlers. Transfer full. */
SoupSession *resilient_soup_transport_share (ResilientTransport *self);
/* In @context (NULL: the global default one): ends what its own sessions do there, and closes their connections; not those of
 * a shared one. Nothing, here and below, for a transport of another kind: share() then gives a session that nobody uses. */
void resilient_soup_transport_abort (ResilientTransport *self, GMainContext *context);
/* Whether a connection that it used is still open, or being closed. */
gboolean resilient_soup_transport_is_connected (ResilientTransport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTransport, resilient_transport_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientExchange, resilient_exchange_unref)

G_END_DECLS
