/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-lane-private.h"

G_BEGIN_DECLS

/* What was learned of an origin. Lives in the context of its pool. */
typedef struct _ResilientHost ResilientHost;

/* A request that may have to wait for its lane. Owned by who waits; all zero but for ready. */
typedef struct _ResilientTicket ResilientTicket;

struct _ResilientTicket
{
  void (*ready) (ResilientTicket *self); /* it waits no more: enter again. From a source. */
  ResilientHost *host;                   /* where it waits, or NULL */
  GList link;
};

/* A lane that has been to this host, and maybe to no other since. */
typedef struct
{
  ResilientLane *lane; /* a reference */
  guint stamp;
} ResilientTrace;

typedef enum
{
  RESILIENT_PROTOCOL_UNKNOWN,
  RESILIENT_PROTOCOL_HTTP1,
  RESILIENT_PROTOCOL_HTTP2,
} ResilientProtocol;

struct _ResilientHost
{
  int ref_count;
  GUri *uri;
  GMainContext *context;
  ResilientProtocol protocol;
  gboolean scouted;       /* a request finds out which */
  gboolean rush;          /* the last one that tried could not */
  gboolean challenges;    /* on the way there somebody asks for credentials */
  gboolean avoids_expect; /* "Expect: 100-continue" is ignored there */
  GArray *traces;  /* of ResilientTrace, the newest last; as many as were in use at one time */
  GQueue waiting;  /* of ResilientTicket */
  GSource *source; /* wakes them */
};

ResilientHost *resilient_host_new (GUri *uri);
ResilientHost *resilient_host_ref (ResilientHost *self);
void resilient_host_unref (ResilientHost *self);
/* By origin. */
guint resilient_host_hash (gconstpointer self);
gboolean resilient_host_equal (gconstpointer a, gconstpointer b);

/* The trace of @lane, which leaves the host now; and that it is no lane any more. */
void resilient_host_remember (ResilientHost *self, ResilientLane *lane);
void resilient_host_forget (ResilientHost *self, ResilientLane *lane);

/* Soon, those who wait enter again, until one is to wait for another. */
void resilient_host_wake (ResilientHost *self);
void resilient_ticket_withdraw (ResilientTicket *self);

/* A request is about to be sent to it, over HTTP/2 or not. */
void resilient_host_learn (ResilientHost *self, gboolean http2);
/* No connection could be made: those who wait find out by themselves. */
void resilient_host_rush (ResilientHost *self);

G_END_DECLS
