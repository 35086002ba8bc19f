/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-alarm-private.h"
#include "resilient-lane-private.h"
#include "resilient-patience-private.h"

G_BEGIN_DECLS

/* What was learned of an origin. Lives in the context of its pool. */
typedef struct _ResilientHost ResilientHost;

/* A request that may have to wait for its lane. Owned by who waits; all zero but for ready. */
typedef struct _ResilientTicket ResilientTicket;

struct _ResilientTicket
{
  /* It waits no more: enter again. From a source, maybe on behalf of another request. */
  void (*ready) (ResilientTicket *self);
  gint64 span;         /* what it may take to connect, waiting included, microseconds; 0 = any time */
  gint64 latest;       /* when it waits no more, lest it have too little of that left */
  ResilientHost *host; /* where it waits, or NULL */
  gboolean called;     /* it is its turn: it does not wait for a connection again */
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

  /* Over TLS, where a connection costs more than most requests: whether to wait for one. */
  gboolean tls;
  gboolean closes;  /* the last new one served a single request */
  guint n_open;     /* lanes that are in use, on a connection that is open */
  guint n_opening;  /* those that have yet to get there */
  guint n_progress; /* counts lanes that were left, and connections that were opened */
  gint64 active_at; /* when that was, or a lane was taken */
  ResilientPatience patience;
  ResilientAlarm *alarm;
  ResilientTimer guard;  /* while some wait: looks whether anything goes on */
  guint progress_seen; /* when it last looked */
  guint n_silent;      /* how often it saw nothing */
};

ResilientHost *resilient_host_new (GUri *uri);
ResilientHost *resilient_host_ref (ResilientHost *self);
void resilient_host_unref (ResilientHost *self);
/* By origin. */
guint resilient_host_hash (gconstpointer self);
gboolean resilient_host_equal (gconstpointer a, gconstpointer b);

/* The trace of @lane, which leaves the host now; and that it is no lane any more. */
void resilient_host_remember (ResilientHost *self, ResilientLane *lane);
/* The lane that left last, whose connection is the least likely to be closed; NULL if none is free.
 * It is taken along with its trace. */
ResilientLane *resilient_host_find (ResilientHost *self);
ResilientLane *resilient_host_take (ResilientHost *self);
void resilient_host_forget (ResilientHost *self, ResilientLane *lane);

/* @ticket waits: until it is known what the host speaks, or for a connection. */
void resilient_host_wait (ResilientHost *self, ResilientTicket *ticket);
/* Whether @ticket, too, is to wait for a connection. */
gboolean resilient_host_should_wait (ResilientHost *self, ResilientTicket *ticket);
/* Now, who has waited for longest enters again. */
void resilient_host_call_next (ResilientHost *self);
/* Soon, those who wait and need not do enter again. */
void resilient_host_wake (ResilientHost *self);
void resilient_ticket_withdraw (ResilientTicket *self);

/* A request is about to be sent to it, over HTTP/2 or not. */
void resilient_host_learn (ResilientHost *self, gboolean http2);
/* No connection could be made: those who wait find out by themselves. Until one is there. */
void resilient_host_rush (ResilientHost *self);

G_END_DECLS
