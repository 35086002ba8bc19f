/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <resilient.h>

G_BEGIN_DECLS

/* What happened to some requests, as seen from outside. What must hold for every history is in
 * properties.c. */

/* One event of a request, as its subscription told it. */
typedef struct
{
  guint order; /* place in the history, which counts events, answers and signals together */
  gint64 time; /* of the clock, microseconds */
  ResilientEventType type;
  guint64 sequence;
  guint attempt; /* of its context, from 0 */
  ResilientFailure failure;
  double delay;
  gboolean has_response;
  gboolean has_error;
  ResilientRetryPolicy *policy; /* owned */
} PastEvent;

/* One callback of who waited for a request. */
typedef struct
{
  guint order; /* 0: it was never called */
  guint calls;
  gint64 time;
  gboolean has_response;
  GError *error;
  gboolean gave_up;  /* its own cancellable was used: the waiting may end before the request */
  gboolean overtook; /* a blocked thread gave up waiting for a scheduler that is late to end it */
  gboolean stored;   /* the result was in the store */
} PastAnswer;

/* One attempt, as the network saw it. */
typedef struct
{
  ResilientFailure failure; /* as scripted */
  guint status;
  double retry_after; /* -1: none */
  gboolean nothing_sent;
} PastAttempt;

typedef struct
{
  guint number;
  char *id; /* NULL: drawn by the library */
  const char *method;
  ResilientIdempotency idempotency;
  gboolean has_key;
  gint64 started;
  gint64 deadline;     /* 0: none */
  gint64 cancelled_at; /* asked for by the app while it was alive; -1: never */
  gint64 must_end;     /* by a close; G_MAXINT64: no close asked for it */
  gboolean after_close;
  gboolean invalid;
  gboolean hurried;        /* somebody pressed "Retry now" */
  GPtrArray *events;       /* of PastEvent */
  GPtrArray *answers;      /* of PastAnswer */
  GArray *attempts;        /* of PastAttempt */
  guint n_seen;            /* by the server; 0: nobody counted */
  ResilientResult *result; /* as the call had it at the end; NULL where nobody kept the call */

  /* Of the running schedule. */
  ResilientCall *call;
  GCancellable *cancellable;
} PastRequest;

typedef struct
{
  gint64 from, to;
} Suspend;

typedef struct
{
  guint32 seed;
  GString *log; /* one line for all that happened, in order */

  GPtrArray *requests; /* of PastRequest */
  GArray *signals;     /* of guint64: sequence numbers */
  GArray *sequences;   /* the same, as subscribed */
  GArray *suspends;
  ResilientStats *stats; /* at the end; NULL when the client was gone before */
  guint64 dropped;       /* events that the client did not signal */
  gboolean disposed;     /* it signals no more */
  gboolean results_kept; /* nothing but the library's own default limits removes results */
  guint n_closes, n_closed, n_waits, n_waited; /* begun, and their callbacks */
  guint closed_order;                          /* when the first close ended; 0: none did */
  guint max_concurrent;                        /* the most that was ever allowed */
  guint max_live;                              /* attempts at one time */
  guint n_miscounted; /* moments at which the gate counted other than the network */

  /* Of guards: attempts begun, and admissions that ended otherwise than unused. */
  guint n_begun, n_used;

  /* What is left at the end. */
  guint calls_left, active_left, pending_left, listed_left, timers_left, objects_left, guarded_left;
  gboolean engine_left;
} History;

History *history_new (guint32 seed);
void history_free (History *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (History, history_free)

/* A request that is now the newest of @self. */
PastRequest *history_add_request (History *self);
/* Records @event, @time being its own. */
PastEvent *past_request_add_event (PastRequest *self, ResilientEvent *event, guint order);
PastAnswer *past_request_add_answer (PastRequest *self);
gboolean past_request_has_ended (PastRequest *self);

/* One thing that holds for every history: NULL, or what is wrong with this one. */
typedef struct
{
  const char *name;
  char *(*check) (History *history);
  gboolean needs_clock; /* that only goes on when told */
} Property;

extern const Property properties[];
extern const guint n_properties;

G_END_DECLS
