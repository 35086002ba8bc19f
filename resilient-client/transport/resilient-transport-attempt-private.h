/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-timer-queue-private.h"
#include "resilient-failure-private.h"
#include "resilient-pace-private.h"
#include "resilient-frozen-request-private.h"
#include "resilient-request-context.h"
#include "resilient-response-private.h"

G_BEGIN_DECLS

/* One attempt while it lives: fresh messages (one per redirect or transparent resend), phase
 * deadlines, body. Lives in one driving context and is touched only there. The seam between engine
 * and network: ResilientTransport makes them; one kind over libsoup, one scripted for tests. */
typedef struct _ResilientTransportAttempt ResilientTransportAttempt;
typedef struct _ResilientTransport ResilientTransport;

/* How it ended. Owned by the attempt; the receiver may steal response and error. */
typedef struct
{
  ResilientFailure
    failure; /* NONE: a whole response (of any status). Never STATUS: that is the engine's. */
  ResilientResponse *response; /* with failure NONE only; without body when it was discarded */
  GError *error;               /* with any other failure */
  ResilientPhase phase;        /* reached by the last plan */
  gboolean nothing_sent;       /* starting never fired, on any plan or resend */
  gboolean reused_connection;  /* of the first plan */
  gboolean http2;
  gboolean http2_of_origin; /* the request's own origin (first plan) answered over HTTP/2 */
  gboolean answered; /* the request's own origin (first plan) did, itself: it can be reached */
  GSocket *socket;   /* over which that came; owned by the attempt, nullable */
  guint status_code; /* 0 = no status line was read */
  guint sends;
} ResilientOutcome;

typedef struct
{
  /* The phase of the attempt changed; also WRITING again after a redirect. */
  void (*phase) (ResilientTransportAttempt *self, ResilientPhase phase, gpointer data);
  /* Bytes so far in this attempt (body bytes), sizes -1 = unknown. At most once per chunk. */
  void (*progress) (ResilientTransportAttempt *self,
                    gint64 sent,
                    gint64 received,
                    gint64 upload_size,
                    gint64 download_size,
                    gpointer data);
  /* The final response's headers are there (not a redirect that is followed): read its body (TRUE),
   * or is it not wanted because there will be a retry (FALSE: drained when short, else the
   * connection is closed; the response has no body)? */
  gboolean (*headers) (ResilientTransportAttempt *self,
                       guint status_code,
                       double retry_after,
                       gpointer data);
  /* Once, unless abandoned before; never from inside start(), but for a main loop that a function
   * of the app's, such as that of a body, runs there: in it any of these may be called. */
  void (*done) (ResilientTransportAttempt *self, ResilientOutcome *outcome, gpointer data);
  /* Once, always the last: libsoup holds nothing of this attempt any more. As done(). */
  void (*released) (ResilientTransportAttempt *self, gpointer data);
  /* The default headers (client's and origin's, marks included) for a plan to @uri; transfer full,
   * nullable. */
  ResilientHeaders *(*default_headers) (GUri *uri, gpointer data);
} ResilientTransportAttemptFuncs;

typedef struct
{
  ResilientRequestContext *context; /* whose attempt it is, for the log; nullable */
  ResilientFrozenRequest *frozen;
  const char *idempotency_key; /* nullable: sent as Idempotency-Key */
  const char *user_agent;      /* nullable; a User-Agent header of the request wins */
  /* seconds, 0 = none */
  double connect_timeout, read_timeout, write_timeout, attempt_timeout;
  guint64 max_response_size; /* bytes, 0 = no limit */
  gboolean new_connection;   /* don't reuse one for the first plan */
  int io_priority;           /* of every source that it needs in its context */
  ResilientPace *pace;       /* by which these give way; nullable */
} ResilientTransportAttemptParams;

typedef struct
{
  /* In the driving context, which is the thread-default one. Copies what it needs of @params.
   * Returns a reference. */
  ResilientTransportAttempt *(*start) (ResilientTransport *self,
                                       const ResilientTransportAttemptParams *params,
                                       ResilientTimerQueue *timers,
                                       const ResilientTransportAttemptFuncs *funcs,
                                       gpointer data);
  /* No callback but released() runs any more; cancels what it can. From a source of the driving
   * context, never from inside a libsoup signal. After done() it does nothing. */
  void (*abandon) (ResilientTransportAttempt *attempt);
  void (*free) (ResilientTransport *self);
} ResilientTransportFuncs;

struct _ResilientTransport
{
  const ResilientTransportFuncs *funcs;
  int ref_count; /* atomic */
};

/* First member of every kind of attempt. */
struct _ResilientTransportAttempt
{
  ResilientTransport *transport;
  /* as far as it is known: sends and status count up while it lives */
  const ResilientOutcome *outcome;
  void (*unref) (ResilientTransportAttempt *self);
};

ResilientTransport *resilient_transport_ref (ResilientTransport *self);
void resilient_transport_unref (ResilientTransport *self);
ResilientTransportAttempt *
resilient_transport_attempt_start (ResilientTransport *self,
                                   const ResilientTransportAttemptParams *params,
                                   ResilientTimerQueue *timers,
                                   const ResilientTransportAttemptFuncs *funcs,
                                   gpointer data);
void resilient_transport_attempt_abandon (ResilientTransportAttempt *self);
void resilient_transport_attempt_unref (ResilientTransportAttempt *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTransport, resilient_transport_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTransportAttempt, resilient_transport_attempt_unref)

G_END_DECLS
