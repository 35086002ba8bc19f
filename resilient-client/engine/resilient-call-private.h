/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-attempt-private.h"
#include "resilient-engine-private.h"
#include "resilient-network-private.h"
#include "resilient-verdict-private.h"

G_BEGIN_DECLS

/* One turn at the gate: queued, then a slot that an attempt holds until libsoup lets go of it,
 * which may be after the call ended or sleeps already. What is of one attempt alone is here,
 * too. */
typedef struct
{
  ResilientWaiter waiter; /* first */
  ResilientCall *call;    /* owned */
  ResilientTransportAttempt *attempt;
  gboolean admitted; /* it has its slot, and the gate won't touch the waiter any more */
  /* A start calls the app's functions, which may run a main loop, in which anything may happen. */
  gboolean starting; /* inside resilient_transport_attempt_start() */
  gboolean left;     /* the call let go of it meanwhile: to be abandoned */
  gboolean released; /* the attempt was released meanwhile */
  gboolean last;     /* it ended the call */
  gboolean has_early_verdict;
  ResilientVerdict early_verdict; /* taken when the headers came */
  gint64 started;                 /* the attempt; boot-time clock, microseconds */
  gint64 started_real;            /* the same moment since 1970 */
} ResilientTurn;

typedef struct _ResilientParking ResilientParking;

/* Things to do in the driving context, several of which may be due at once. */
typedef enum
{
  RESILIENT_WORK_START = 1 << 0,
  RESILIENT_WORK_ADMITTED = 1 << 1,
  RESILIENT_WORK_RETRY_NOW = 1 << 2,
  RESILIENT_WORK_SPREAD = 1 << 3, /* retry within two seconds: many others may do so too */
  RESILIENT_WORK_CANCEL = 1 << 4,
  RESILIENT_WORK_COMPLETE = 1 << 5,
  RESILIENT_WORK_PRIORITY = 1 << 6,
} ResilientCallWork;

/* Why a call is cancelled: the first reason stays. */
typedef enum
{
  RESILIENT_CANCEL_NONE,
  RESILIENT_CANCEL_BY_CALLER,
  RESILIENT_CANCEL_BY_CLOSE,
  /* by who blocked until the total deadline, and found the scheduler at a stand-still */
  RESILIENT_CANCEL_BY_DEADLINE,
} ResilientCancelCause;

struct _ResilientCall
{
  GObject parent_instance;

  /* Set once. */
  ResilientEngine *engine;
  ResilientScheduler *scheduler;
  ResilientFrozenRequest *frozen;
  ResilientOrigin *origin; /* that of the request's URI; NULL: refused before it was asked for */
  ResilientCallOptions *limits;
  gint64 started; /* boot-time clock, microseconds */

  /* Under the engine's lock. */
  ResilientCall *next_call;
  ResilientCall *previous_call;
  ResilientCall *older_call; /* with the same id */

  /* Of the driving context; of the starting thread until RESILIENT_WORK_START is posted. */
  ResilientTurn *turn;            /* the present one; NULL while it sleeps */
  ResilientTimer timer;           /* queue time-out, or the end of a sleep */
  ResilientTimer *deadline_timer; /* owned; NULL: no deadline */
  ResilientParking *parking;      /* owned; NULL: it never was parked */
  GSList *log;                    /* of ResilientAttempt, newest first */
  guint generation;               /* of resumes from suspend, already spread over */
  guint running : 1;              /* RESILIENT_WORK_START was done */
  guint new_connection : 1; /* the last one fell silent: HTTP/2 would give it to a retry again */

  /* Under the lock, as is what follows it; here for their size. */
  guint16 work_bits;   /* of ResilientCallWork */
  guint16 notify_bits; /* of 1 << RESILIENT_CALL_PROP_* */
  GMutex lock;
  GCond *done_cond; /* who blocks waits on it; owned, nullable */
  ResilientRequestContext *context;
  /* of the last attempt made, while the next one is to come; else NULL */
  ResilientRequestContext *last_context;
  ResilientCallState state;
  ResilientFailure failure;
  guint status_code;
  guint attempts;
  guint sends;
  int priority;
  /* Not bits: some are read without the lock once they can't change. */
  guint8 cancel_cause; /* a ResilientCancelCause */
  guint8 ending;       /* nothing can be changed about its end any more */
  guint8 task_wants_result;
  guint8 work_posted;
  guint8 blocks_home; /* set once: the thread that is to turn the home context waits for its end */
  /* the slot of the attempt that ended it is still to be given back; set before it is done */
  guint8 slot_due;
  /* who blocked has returned with the error of the cause above: no other end any more */
  guint8 given_up;
  gint64 bytes_sent, bytes_received, upload_size, download_size;
  ResilientResult *result;
  GTask *task;   /* the first who waits, if only for the end; owned, nullable */
  GQueue *tasks; /* of CallTask, the others, oldest first; owned, nullable */
  GCancellable *cancellable;
  gulong cancelled_id;
  ResilientWork work;
};

/* A hundred thousand may wait: what few of them need is made when they need it. GSlice, from which
 * GObject takes them, puts twelve of this size in a page. */
G_STATIC_ASSERT (sizeof (ResilientCall) <= 336);

/* For what an app may ask of it, also in a forked child: there nobody changes it any more, and the
 * lock may be that of a thread that is not there. */
static inline void
resilient_call_lock (ResilientCall *self)
{
  if (self->engine == NULL || !resilient_engine_is_foreign (self->engine, NULL))
    g_mutex_lock (&self->lock);
}

static inline void
resilient_call_unlock (ResilientCall *self)
{
  if (self->engine == NULL || !resilient_engine_is_foreign (self->engine, NULL))
    g_mutex_unlock (&self->lock);
}

enum
{
  RESILIENT_CALL_PROP_REQUEST_ID = 1,
  RESILIENT_CALL_PROP_CONTEXT,
  RESILIENT_CALL_PROP_STATE,
  RESILIENT_CALL_PROP_ATTEMPT,
  RESILIENT_CALL_PROP_MAX_ATTEMPTS,
  RESILIENT_CALL_PROP_FAILURE,
  RESILIENT_CALL_PROP_STATUS_CODE,
  RESILIENT_CALL_PROP_RESULT,
  RESILIENT_CALL_PROP_BYTES_SENT,
  RESILIENT_CALL_PROP_BYTES_RECEIVED,
  RESILIENT_CALL_PROP_UPLOAD_SIZE,
  RESILIENT_CALL_PROP_DOWNLOAD_SIZE,
  RESILIENT_CALL_PROP_PRIORITY,
  RESILIENT_CALL_N_PROPS
};
G_STATIC_ASSERT (RESILIENT_CALL_N_PROPS <= 16); /* ResilientCall.notify_bits */

/* Starts @frozen. A refused call (CLOSED, OVERLOADED) is returned ended, with its error. Any
 * thread.
 * @scheduler: who drives it; @cancellable cancels the call. */
ResilientCall *resilient_call_start (ResilientEngine *engine,
                                     ResilientScheduler *scheduler,
                                     ResilientFrozenRequest *frozen,
                                     ResilientRequestContext *context,
                                     GCancellable *cancellable);
/* The same for a thread that then blocks on it. */
ResilientCall *resilient_call_start_blocking (ResilientEngine *engine,
                                              ResilientScheduler *scheduler,
                                              ResilientFrozenRequest *frozen,
                                              ResilientRequestContext *context,
                                              GCancellable *cancellable);
/* A call that never was: ended with @error, counted as refused. */
ResilientCall *resilient_call_new_refused (ResilientEngine *engine, const GError *error);

/* The same of an engine that is foreign: nothing of that is touched. */
ResilientCall *resilient_call_new_foreign (ResilientEngine *engine, const GError *error);

/* Returns @task (transfer full) with the response or error when the call ends; @cancellable and
 * @timeout (seconds, less than 0: none) only end the waiting. @want_result: with the
 * ResilientResult instead. */
void resilient_call_add_task (ResilientCall *self,
                              GTask *task,
                              gboolean want_result,
                              double timeout,
                              GCancellable *cancellable);
/* Blocks until the call ended, and returns as it ended. When it was cancelled, or its total
 * deadline has passed, and the scheduler does nothing about it, it returns that error alone: the
 * scheduler ends the call in the same way as soon as it can. Once. */
ResilientResponse *resilient_call_block (ResilientCall *self, GError **error);
/* What a task of a call returns: the response, or NULL with the error. */
ResilientResponse *resilient_call_take_response (ResilientCall *self, GError **error);
/* The result, or a PENDING one made for the occasion. Transfer full. */
ResilientResult *resilient_call_snapshot (ResilientCall *self);
/* The end that the cause of its cancelling asks for. Transfer full. */
GError *resilient_call_make_interruption (ResilientCall *self,
                                          ResilientResultStatus *status,
                                          ResilientFailure *failure,
                                          ResilientReason *reason);
/* FALSE: it has ended, or is just being recorded as ended. */
gboolean resilient_call_cancel_for (ResilientCall *self, ResilientCancelCause cause);

/* On the boot-time clock, microseconds; 0 = none. Any thread. */
gint64 resilient_call_get_deadline (ResilientCall *self);

/* resilient-call-run.c and resilient-call-attempt.c: the way of a call, in its driving context. */
void resilient_call_run (ResilientCall *self, guint bits);
/* Enters the gate; FALSE: overloaded, see resilient_call_make_overloaded(). */
gboolean
resilient_call_enter_gate (ResilientCall *self, gboolean woken, ResilientGateAnswer *answer);
GError *resilient_call_make_overloaded (ResilientCall *self);
/* Any thread. */
void resilient_call_post (ResilientCall *self, guint bits);
/* Makes the call an ended one, with @result; takes it. */
void resilient_call_set_ended (ResilientCall *self, ResilientResult *result);
/* Returns its oldest task, and sees to it that the next one is; in the driving context, once it
 * ended. */
void resilient_call_complete (ResilientCall *self);

/* resilient-call.c */
/* @props: a set of 1 << RESILIENT_CALL_PROP_*; under the call's lock. */
void resilient_call_changed (ResilientCall *self, guint props);
extern GParamSpec *resilient_call_props[RESILIENT_CALL_N_PROPS];

G_END_DECLS
