/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-engine-private.h"
#include "resilient-result.h"

G_BEGIN_DECLS

/* What moves a call: see resilient-call-machine.c. It is part of its call, and lives as long. Any
 * thread. */
typedef struct _ResilientCallMachine ResilientCallMachine;

/* Why a call is cancelled: the first reason stays. */
typedef enum
{
  RESILIENT_CANCEL_NONE,
  RESILIENT_CANCEL_BY_CALLER,
  RESILIENT_CANCEL_BY_CLOSE,
  /* by the total deadline, or by who blocked until then and found the scheduler at a stand-still */
  RESILIENT_CANCEL_BY_DEADLINE,
} ResilientCancelCause;

/* Where it stands. */
typedef enum
{
  RESILIENT_MACHINE_STATE_NEW,       /* until its first turn in the driving context */
  RESILIENT_MACHINE_STATE_QUEUED,    /* waits for a guard or a slot */
  RESILIENT_MACHINE_STATE_PREPARING, /* has its slot: an attempt is made ready to be sent */
  RESILIENT_MACHINE_STATE_SENDING,
  RESILIENT_MACHINE_STATE_RECEIVING,
  RESILIENT_MACHINE_STATE_STREAMING, /* a reader has the body */
  RESILIENT_MACHINE_STATE_JOINED,    /* to an attempt of another call, whose outcome it shares */
  RESILIENT_MACHINE_STATE_SLEEPING,  /* before a retry */
  RESILIENT_MACHINE_STATE_OFFLINE,   /* the sleep is over, and the network is not there */
  RESILIENT_MACHINE_STATE_FALLBACK,  /* it has failed, and the app is asked for an answer */
  RESILIENT_MACHINE_STATE_ENDING,    /* it is being recorded as ended */
  RESILIENT_MACHINE_STATE_DONE,
  RESILIENT_MACHINE_N_STATES
} ResilientMachineState;

/* What moves it. */
typedef enum
{
  RESILIENT_MACHINE_EVENT_START,
  RESILIENT_MACHINE_EVENT_ADMITTED, /* the gate gave a slot to one that waited */
  RESILIENT_MACHINE_EVENT_PREPARED,
  RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT,
  RESILIENT_MACHINE_EVENT_PHASE,            /* of an attempt */
  RESILIENT_MACHINE_EVENT_HEADERS,          /* of an attempt */
  RESILIENT_MACHINE_EVENT_ATTEMPT_DONE,     /* it has told how it ended */
  RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED, /* the transport has let go of it */
  RESILIENT_MACHINE_EVENT_WAKE,             /* the time of a sleep, or of a guard, has come */
  /* a guard that holds it back may say otherwise now; not NULL: another one may refuse it */
  RESILIENT_MACHINE_EVENT_ASK_AGAIN,
  RESILIENT_MACHINE_EVENT_RETRY_NOW,
  RESILIENT_MACHINE_EVENT_NETWORK_BACK, /* not NULL: within two seconds, as others go on too */
  RESILIENT_MACHINE_EVENT_HEDGE,   /* the time has come for one more attempt beside the first */
  RESILIENT_MACHINE_EVENT_SETTLED, /* an attempt has lost against another, and is to be abandoned */
  RESILIENT_MACHINE_EVENT_SHARED,  /* the attempt of another call has ended */
  RESILIENT_MACHINE_EVENT_FALLBACK, /* the app was asked for an answer */
  RESILIENT_MACHINE_EVENT_CANCEL,
  RESILIENT_MACHINE_EVENT_CLOSE,
  RESILIENT_MACHINE_EVENT_DEADLINE,
  RESILIENT_MACHINE_N_EVENTS
} ResilientMachineEvent;

/* What of a call may change: the numbers of the properties of ResilientCall. */
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

/* What there is to see of it. Pointers are not owned by who looks. */
typedef struct
{
  ResilientRequestContext *context; /* nullable: it was not started */
  ResilientResult *result;          /* NULL until it is done */
  gint64 bytes_sent, bytes_received, upload_size, download_size;
  ResilientFailure failure;
  guint attempts;
  int priority;
  guint16 status_code;
  guint8 state; /* a ResilientCallState */
} ResilientCallView;

typedef struct
{
  /* @props: a set of 1 << RESILIENT_CALL_PROP_*. Under the machine's lock: only note it down. */
  void (*changed) (ResilientCall *call, guint props);
  /* It has ended, or resilient_call_machine_ask_complete() was called after that. In the driving
   * context, from a piece of work of its own: may call the app. */
  void (*complete) (ResilientCall *call);
} ResilientCallMachineFuncs;

ResilientCallMachine *
resilient_call_machine_new (ResilientCall *call, const ResilientCallMachineFuncs *funcs);
void resilient_call_machine_free (ResilientCallMachine *self);

/* One of these, once. The first takes its place in the queue of now; TRUE: it waits for begin().
 * FALSE: it is refused (CLOSED, OVERLOADED), and has ended. @scheduler drives it; @blocks: the
 * thread of now waits for its end. */
gboolean resilient_call_machine_enter (ResilientCallMachine *self,
                                       ResilientEngine *engine,
                                       ResilientScheduler *scheduler,
                                       ResilientFrozenRequest *frozen,
                                       ResilientRequestContext *context,
                                       gboolean blocks);
/* Before enter(): one for which there is no place is not counted as refused. */
void resilient_call_machine_set_quiet (ResilientCallMachine *self);
/* Of a call that never was: it has ended with @error and is counted as refused. */
void resilient_call_machine_refuse (ResilientCallMachine *self,
                                    ResilientEngine *engine,
                                    ResilientScheduler *scheduler,
                                    const GError *error);
/* The same of an engine that is foreign: nothing of that is touched. */
void resilient_call_machine_refuse_foreign (ResilientCallMachine *self,
                                            ResilientEngine *engine,
                                            const GError *error);
/* Before begin(): a reader takes the body of its response as it comes. */
void resilient_call_machine_set_streams (ResilientCallMachine *self);
void resilient_call_machine_begin (ResilientCallMachine *self);
/* What resilient_engine_prepare() put off is done. Once for each. */
void resilient_call_machine_prepared (ResilientCallMachine *self);

/* The only one who decides what @event does in the state of now. In the driving context. @arg: what
 * the event brings with it. */
void resilient_call_machine_handle (ResilientCallMachine *self,
                                    ResilientMachineEvent event,
                                    gpointer arg);
ResilientMachineState resilient_call_machine_get_state (ResilientCallMachine *self);
gboolean resilient_machine_state_may_follow (ResilientMachineState from, ResilientMachineState to);

/* NULL: it was not started. */
ResilientEngine *resilient_call_machine_get_engine (ResilientCallMachine *self);
/* Not the lock, in a forked child: there nobody changes anything any more, and the lock may be that
 * of a thread that is not there. */
const ResilientCallView *resilient_call_machine_lock (ResilientCallMachine *self);
void resilient_call_machine_unlock (ResilientCallMachine *self);
/* Seconds until the end of its sleep, or until a guard may admit it, also of one that ended because
 * it did not; else 0. Under the lock. */
double resilient_call_machine_get_delay_left_locked (ResilientCallMachine *self);
/* The result, or a PENDING one made for the occasion. Transfer full. */
ResilientResult *resilient_call_machine_snapshot (ResilientCallMachine *self);

void resilient_call_machine_set_priority (ResilientCallMachine *self, int priority);
/* FALSE: it does not sleep. */
gboolean resilient_call_machine_retry_now (ResilientCallMachine *self);
/* FALSE: it has ended, or is just being recorded as ended. */
gboolean resilient_call_machine_cancel (ResilientCallMachine *self, ResilientCancelCause cause);
/* A guard that let it wait may refuse it now: if it is held back, that is looked at. Any thread. */
void resilient_call_machine_check_again (ResilientCallMachine *self);
/* It has ended, and complete() is to run (again). */
void resilient_call_machine_ask_complete (ResilientCallMachine *self);
/* Blocks until it ended. When it was cancelled, or its total deadline has passed, and the scheduler
 * does nothing about it, returns that error instead (transfer full): the scheduler ends the call in
 * the same way as soon as it can. Once. */
GError *resilient_call_machine_block (ResilientCallMachine *self);

G_END_DECLS
