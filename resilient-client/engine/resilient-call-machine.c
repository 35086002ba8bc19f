/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-machine-private.h"

#include <string.h>

#include "resilient-attempt-private.h"
#include "resilient-circuit-breaker-private.h"
#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-error.h"
#include "resilient-exchange-private.h"
#include "resilient-fallback-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"
#include "resilient-network-private.h"
#include "resilient-origin-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-budget-private.h"
#include "resilient-retry-policy-private.h"
#include "resilient-verdict-private.h"

/* The machine of a call: its states, the events that move it from one to the next, and what is done
 * on the way: admission, attempts, the sleeps between them, the end. It owns the attempts of the
 * call, each with its slot, its timers, its context and its result.
 *
 * Two tables say what may happen: `handlers` what each event does in each state, `edges` which
 * state may follow which. resilient_call_machine_handle() is the only one who reads the first,
 * set_state_locked() the only one who writes a state, after a look at the second.
 *
 * Events are handled in the driving context, from a source of its own, never inside a signal of
 * libsoup's but for the callbacks of an attempt. What other threads ask for is put in the mailbox,
 * a set of bits, and becomes an event there. */

/* The log of a call that retries for days keeps its newest attempts. */
#define MAX_LOG 100
/* Where the number of a hedge stands in that of its attempt. */
#define HEDGE_NUMBER_SHIFT 24
/* Retries that fell due together, on resume or when the network came back, are spread over so many
 * seconds. */
#define SPREAD 2.0
/* So long the scheduler has, after a cancel or the total deadline, to end a call that blocks a
 * thread, and after the end to give its slot back: many times what it needs unless something keeps
 * its thread, such as a callback of the app's. */
#define SCHEDULER_PATIENCE (G_USEC_PER_SEC / 10)

/* How far an attempt has come. Several may be STARTING or RUNNING, one alone before that. Up to
 * RUNNING the call attends to it. */
typedef enum
{
  STAGE_HELD,     /* by a guard, without a slot */
  STAGE_WAITING,  /* for a slot */
  STAGE_ADMITTED, /* it has its slot, and the gate won't touch the waiter any more */
  STAGE_JOINED,   /* to that of another call; it has no slot */
  /* Inside resilient_transport_attempt_start(), which calls functions of the app's: they may run a
   * main loop, in which anything may happen. */
  STAGE_STARTING,
  STAGE_RUNNING,
  STAGE_SHARED,   /* its call has ended, and others wait for its outcome */
  STAGE_OVER,     /* it has told how it ended */
  STAGE_LOST,     /* another one answered first: to be abandoned, then LEFT */
  STAGE_LEFT,     /* the call went on without it: what it tells does not count */
  STAGE_RELEASED, /* while it was starting: its slot is to be given back */
} Stage;

/* An attempt, from its place in the queue until the transport lets go of it, which may be after the
 * call ended or sleeps already: until then it has its slot. */
typedef struct _CallAttempt CallAttempt;
struct _CallAttempt
{
  ResilientWaiter waiter;                       /* first: its place in the queue, then its slot */
  ResilientCallMachine *machine;                /* with a reference to its call */
  CallAttempt *next;                            /* an older one; under the lock */
  ResilientAdmission *admission;                /* until its end is told to the guards; nullable */
  ResilientTransportAttempt *transport_attempt; /* NULL until its start is over */
  ResilientVerdict early_verdict;               /* taken when the headers came */
  gint64 started;                               /* boot-time clock, microseconds */
  gint64 started_real;                          /* the same moment since 1970 */
  guint8 has_early_verdict;
  guint8 answered;    /* its headers have come */
  guint8 receiving;   /* as far as it told last */
  guint8 hedge;       /* made beside another one, and not by the policy of retries */
  guint8 stage;       /* a Stage */
  guint8 astray;      /* a redirect has led to another origin */
  guint8 shares;      /* that of another call: nothing was sent for it */
  guint8 in_exchange; /* that of the extras is its own */
  guint8 was_held;    /* a guard held it back, and that is counted */
  guint number;       /* of its span: from 1, a hedge has its own; 0: it has not begun */
  guint generation;   /* of resumes from suspend, when it was sent */
};

/* What a call ends with, unless the app gives it an answer. */
typedef struct
{
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  ResilientResponse *response; /* owned, nullable */
  GError *error;               /* owned, nullable */

  ResilientFallback *fallback; /* of the request */
  gboolean asked;              /* under the lock: somebody is asking */
  ResilientResponse *answer;   /* owned, nullable; under the lock until FALLBACK is posted */
} Failing;

/* What few calls need, made when one does, and kept until it is finalized: whoever resumes one that
 * is offline may be about to do so, in another thread, when it goes on for another reason. */
typedef struct
{
  ResilientNetworkWaiter network_waiter; /* first; its sleep that goes on past its end */
  ResilientCallMachine *machine;         /* with a reference to its call while it waits */
  ResilientTimer deadline;
  gint64 queue_deadline; /* where there are guards: of one in the queue; 0: none */
  gint64 not_before;     /* says a guard; under the lock; 0: none does */
  GError *refusal;       /* by a guard, before the first turn; owned, nullable */
  /* Of the mirrors that were tried, and of the request's own URI; kept as long as an attempt may
   * have a slot of one of them. NULL: only the request's own was. */
  GPtrArray *origins;
  ResilientFrozenRequest *own_request; /* which has the mirrors; with origins */
  guint mirror;                        /* that of now, from 1; 0: the request's own URI */
  int n_hedges;                        /* beside the newest attempt that the policy made */
  /* Until when (gint64, boot-time clock) each of those asked to be left alone, by an attempt that
   * was not the last word; nullable. */
  GArray *waits;
  gboolean bound;     /* to the server that may have had it: no other knows its key */
  double hedge_delay; /* of those, where it is automatic; seconds */
  /* that an attempt leads or shares, until its end is told; owned, nullable */
  ResilientExchange *exchange;
  ResilientParty party; /* its part in that */
  /* where there are guards: of the last attempt, while the next one is to come; owned, nullable */
  ResilientResponse *last_response;
  /* What has paid for the attempt to come, until that begins; owned, nullable. */
  ResilientRetryBudget *paid_by;
  gboolean has_fallback; /* set once */
  GMainContext *caller; /* where that is asked, until it is; NULL: the thread that blocks asks it */
  Failing *failing;     /* owned, nullable; set once, under the lock */
} Extras;

/* What other threads ask of the driving context. */
enum
{
  MAIL_START = 1 << 0,
  MAIL_ADMITTED = 1 << 1,
  MAIL_PREPARED = 1 << 2,
  MAIL_RETRY_NOW = 1 << 3,
  MAIL_NETWORK_BACK = 1 << 4,
  MAIL_SPREAD = 1 << 5, /* with NETWORK_BACK: many others go on now too */
  MAIL_WAKE = 1 << 6,
  MAIL_CANCEL = 1 << 7, /* for the cause that is noted */
  MAIL_PRIORITY = 1 << 8,
  MAIL_COMPLETE = 1 << 9,
  MAIL_ASK_AGAIN = 1 << 10,
  MAIL_HEDGE = 1 << 11,
  MAIL_SETTLED = 1 << 12,
  MAIL_FALLBACK = 1 << 13,
  MAIL_SHARED = 1 << 14,
  MAIL_CHECK_AGAIN = 1 << 15,
};

/* What the events of an attempt bring with them. */
typedef struct
{
  CallAttempt *attempt;
  ResilientPhase phase;      /* PHASE */
  guint status_code;         /* HEADERS */
  double retry_after;        /* HEADERS */
  gboolean read_body;        /* HEADERS, what is answered */
  ResilientOutcome *outcome; /* ATTEMPT_DONE */
} AttemptNews;

struct _ResilientCallMachine
{
  /* Set once, but for request and origin, which a mirror has of its own: those change in the
   * driving context. */
  ResilientEngineMember member; /* whose call owns us */
  const ResilientCallMachineFuncs *funcs;
  ResilientEngine *engine;
  ResilientScheduler *scheduler;
  ResilientFrozenRequest *frozen;
  ResilientOrigin *origin; /* that of the request's URI; NULL: refused before it was asked for */
  ResilientCallOptions *options;
  gint64 started; /* boot-time clock, microseconds */

  /* Of the driving context; of the starting thread until MAIL_START is posted. */
  ResilientTimer timer; /* queue time-out, the end of a sleep, or the time of a hedge */
  Extras *extras;       /* owned, nullable; made under the lock */
  GSList *log;          /* of ResilientAttempt, newest first */

  /* Under the lock, as is what follows it. What only the driving context writes, it reads without:
   * the state, the attempts and their stages, the context. */
  GMutex lock;
  GCond *done_cond;      /* who blocks waits on it; owned, nullable */
  CallAttempt *attempts; /* newest first */
  ResilientCallView view;
  /* of the last attempt made, while the next one is to come; else NULL */
  ResilientRequestContext *last_context;
  guint sends;
  guint16 mail;
  guint8 mail_posted;
  guint8 state;        /* a ResilientMachineState */
  guint8 cancel_cause; /* a ResilientCancelCause */
  /* who blocked was told the error of that cause and has gone: no other end any more */
  guint8 told;

  /* Of the driving context, as above; here for their size. */
  guint8 new_connection : 1; /* the last one fell silent: HTTP/2 would give it to a retry again */
  guint8 blocks_home : 1;    /* set once: who is to turn the home context waits for its end */
  guint8 streams : 1;        /* set once: a reader takes the body */
  guint8 quiet : 1;          /* set once: where there is no place for it, nothing is counted */
  guint generation;          /* of resumes from suspend, already spread over */
  ResilientWork work;
};

/* A hundred thousand may wait: malloc() gives what is of this size 288 bytes. */
G_STATIC_ASSERT (sizeof (ResilientCallMachine) <= 280);

static void take_back_payment (ResilientCallMachine *self);
static void end (ResilientCallMachine *self,
                 ResilientResultStatus status,
                 ResilientFailure failure,
                 ResilientReason reason,
                 ResilientResponse *response,
                 const GError *error);

/* --- states ---------------------------------------------------------------------------------- */

#define TO(state) (1 << RESILIENT_MACHINE_STATE_##state)

/* Which states may follow which. */
static const guint16 edges[RESILIENT_MACHINE_N_STATES] = {
  [RESILIENT_MACHINE_STATE_NEW] = TO (QUEUED) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_QUEUED] =
    TO (PREPARING) | TO (SENDING) | TO (JOINED) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_PREPARING] = TO (SENDING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_SENDING] =
    TO (RECEIVING) | TO (STREAMING) | TO (SLEEPING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_RECEIVING] =
    TO (SENDING) | TO (STREAMING) | TO (SLEEPING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_STREAMING] = TO (SLEEPING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_JOINED] = TO (SLEEPING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_SLEEPING] = TO (QUEUED) | TO (OFFLINE) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_OFFLINE] = TO (QUEUED) | TO (SLEEPING) | TO (FALLBACK) | TO (ENDING),
  [RESILIENT_MACHINE_STATE_FALLBACK] = TO (ENDING),
  [RESILIENT_MACHINE_STATE_ENDING] = TO (DONE),
  [RESILIENT_MACHINE_STATE_DONE] = 0,
};

static const struct
{
  const char *name;
  ResilientCallState shown; /* nothing that an app sees says yet that it prepares or streams */
} states[RESILIENT_MACHINE_N_STATES] = {
  [RESILIENT_MACHINE_STATE_NEW] = { "new", RESILIENT_CALL_STATE_QUEUED },
  [RESILIENT_MACHINE_STATE_QUEUED] = { "queued", RESILIENT_CALL_STATE_QUEUED },
  [RESILIENT_MACHINE_STATE_PREPARING] = { "preparing", RESILIENT_CALL_STATE_QUEUED },
  [RESILIENT_MACHINE_STATE_SENDING] = { "sending", RESILIENT_CALL_STATE_SENDING },
  [RESILIENT_MACHINE_STATE_RECEIVING] = { "receiving", RESILIENT_CALL_STATE_RECEIVING },
  [RESILIENT_MACHINE_STATE_STREAMING] = { "streaming", RESILIENT_CALL_STATE_RECEIVING },
  [RESILIENT_MACHINE_STATE_JOINED] = { "joined", RESILIENT_CALL_STATE_SENDING },
  [RESILIENT_MACHINE_STATE_SLEEPING] = { "sleeping", RESILIENT_CALL_STATE_WAITING },
  [RESILIENT_MACHINE_STATE_OFFLINE] = { "offline", RESILIENT_CALL_STATE_OFFLINE },
  [RESILIENT_MACHINE_STATE_FALLBACK] = { "fallback", RESILIENT_CALL_STATE_WAITING },
  [RESILIENT_MACHINE_STATE_ENDING] = { "ending", RESILIENT_CALL_STATE_DONE },
  [RESILIENT_MACHINE_STATE_DONE] = { "done", RESILIENT_CALL_STATE_DONE },
};

static void
changed_locked (ResilientCallMachine *self, guint props)
{
  self->funcs->changed (self->member.call, props);
}

/* Gives the state before, to be told once the lock is not held any more. */
static ResilientMachineState
set_state_locked (ResilientCallMachine *self, ResilientMachineState state)
{
  ResilientMachineState from = self->state;

  self->state = state;
  /* Until all of its end is there to be seen, it stands where it stood. */
  if (state != RESILIENT_MACHINE_STATE_ENDING && state != RESILIENT_MACHINE_STATE_FALLBACK
      && self->view.state != states[state].shown)
    {
      self->view.state = states[state].shown;
      changed_locked (self, 1 << RESILIENT_CALL_PROP_STATE);
    }
  return from;
}

/* Without the lock: an app's writer of logs may look at the call. */
static void
tell_move (ResilientCallMachine *self, ResilientMachineState from, ResilientMachineState to)
{
  if (!resilient_machine_state_may_follow (from, to))
    g_critical (
      "%s: a call can't go from %s to %s", self->member.id, states[from].name, states[to].name);
  if (G_UNLIKELY (resilient_debug_is_on ()))
    g_debug ("%s, attempt %u: from %s to %s",
             self->member.id,
             self->view.attempts,
             states[from].name,
             states[to].name);
}

static void
set_state (ResilientCallMachine *self, ResilientMachineState state)
{
  ResilientMachineState from;

  g_mutex_lock (&self->lock);
  from = set_state_locked (self, state);
  g_mutex_unlock (&self->lock);

  tell_move (self, from, state);
}

gboolean
resilient_machine_state_may_follow (ResilientMachineState from, ResilientMachineState to)
{
  return (edges[from] & 1 << to) != 0;
}

/* --- the mailbox ----------------------------------------------------------------------------- */

static void
ref_call (ResilientCallMachine *self)
{
  g_object_ref (self->member.call);
}

/* It may be the last one. */
static void
unref_call (ResilientCallMachine *self)
{
  g_object_unref (self->member.call);
}

static gboolean
is_live (CallAttempt *attempt)
{
  return attempt->stage == STAGE_STARTING || attempt->stage == STAGE_RUNNING
         || (attempt->stage == STAGE_JOINED && attempt->number != 0);
}

/* The newest of those that are under way. */
static CallAttempt *
get_live (ResilientCallMachine *self)
{
  CallAttempt *attempt = self->attempts;

  while (attempt != NULL && !is_live (attempt))
    attempt = attempt->next;
  return attempt;
}

static gboolean
is_only_one_live (CallAttempt *attempt)
{
  for (CallAttempt *other = attempt->machine->attempts; other != NULL; other = other->next)
    {
      if (other != attempt && is_live (other))
        return FALSE;
    }
  return TRUE;
}

/* The one to come, or the newest of those that are under way. */
static CallAttempt *
get_attended (ResilientCallMachine *self)
{
  CallAttempt *attempt = self->attempts;

  while (attempt != NULL && attempt->stage > STAGE_RUNNING)
    attempt = attempt->next;
  return attempt;
}

static void
pass_on_priority (ResilientCallMachine *self)
{
  CallAttempt *attempt = get_attended (self);
  int priority;

  g_mutex_lock (&self->lock);
  priority = self->view.priority;
  g_mutex_unlock (&self->lock);

  if (attempt != NULL)
    resilient_gate_set_priority (
      resilient_engine_get_gate (self->engine), &attempt->waiter, priority);
}

static ResilientCancelCause
get_cancel_cause (ResilientCallMachine *self)
{
  ResilientCancelCause cause;

  g_mutex_lock (&self->lock);
  cause = self->cancel_cause;
  g_mutex_unlock (&self->lock);

  return cause;
}

/* A cancel comes first: nothing is begun any more. */
static void
open_mail (ResilientCallMachine *self, guint mail)
{
  static const ResilientMachineEvent cancels[] = {
    [RESILIENT_CANCEL_BY_CALLER] = RESILIENT_MACHINE_EVENT_CANCEL,
    [RESILIENT_CANCEL_BY_CLOSE] = RESILIENT_MACHINE_EVENT_CLOSE,
    [RESILIENT_CANCEL_BY_DEADLINE] = RESILIENT_MACHINE_EVENT_DEADLINE,
  };

  if (mail & MAIL_CANCEL)
    resilient_call_machine_handle (self, cancels[get_cancel_cause (self)], NULL);
  if (mail & MAIL_START)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_START, NULL);
  if (mail & MAIL_ADMITTED)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_ADMITTED, NULL);
  if (mail & MAIL_PREPARED)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_PREPARED, NULL);
  if (mail & MAIL_RETRY_NOW)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_RETRY_NOW, NULL);
  if (mail & MAIL_NETWORK_BACK)
    resilient_call_machine_handle (
      self, RESILIENT_MACHINE_EVENT_NETWORK_BACK, GINT_TO_POINTER (mail & MAIL_SPREAD));
  if (mail & MAIL_WAKE)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_WAKE, NULL);
  if (mail & (MAIL_ASK_AGAIN | MAIL_CHECK_AGAIN))
    resilient_call_machine_handle (
      self, RESILIENT_MACHINE_EVENT_ASK_AGAIN, GINT_TO_POINTER (!(mail & MAIL_ASK_AGAIN)));
  if (mail & MAIL_SETTLED)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_SETTLED, NULL);
  if (mail & MAIL_HEDGE)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_HEDGE, NULL);
  if (mail & MAIL_SHARED)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_SHARED, NULL);
  if (mail & MAIL_FALLBACK)
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_FALLBACK, NULL);

  if (mail & MAIL_PRIORITY)
    pass_on_priority (self);
  if (mail & MAIL_COMPLETE)
    {
      /* Once for all that ended before this piece of work got its turn. */
      resilient_recorder_wake (resilient_engine_get_recorder (self->engine));
      self->funcs->complete (self->member.call);
    }
}

static void
work_cb (gpointer data)
{
  ResilientCallMachine *self = data;
  guint mail;

  g_mutex_lock (&self->lock);
  mail = self->mail;
  self->mail_posted = FALSE;
  /* Cancelled, or admitted, while the starting thread is still at it: that is kept until then. */
  if (self->state == RESILIENT_MACHINE_STATE_NEW && !(mail & MAIL_START))
    mail = 0;
  self->mail &= ~mail;
  g_mutex_unlock (&self->lock);

  open_mail (self, mail);
  unref_call (self);
}

static void
post_locked (ResilientCallMachine *self, guint mail)
{
  self->mail |= mail;
  if (!self->mail_posted)
    {
      self->mail_posted = TRUE;
      ref_call (self);
      resilient_scheduler_post (self->scheduler, &self->work, work_cb, self);
    }
}

static void
post (ResilientCallMachine *self, guint mail)
{
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_mutex_lock (&self->lock);
  post_locked (self, mail);
  g_mutex_unlock (&self->lock);
}

/* --- time ------------------------------------------------------------------------------------ */

/* On the boot-time clock, microseconds; 0 = none. */
static gint64
get_deadline (ResilientCallMachine *self)
{
  double timeout = self->options->total_timeout;

  return timeout > 0 ? resilient_clock_add (self->started, timeout) : 0;
}

static gint64
after (double seconds)
{
  return resilient_clock_add (resilient_clock_get_boot (), seconds);
}

static void
set_timer (ResilientCallMachine *self, gint64 due, ResilientTimerFunc func)
{
  resilient_timer_queue_set (
    resilient_scheduler_get_timers (self->scheduler), &self->timer, due, func, self);
}

static void
clear_timer (ResilientCallMachine *self)
{
  resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler), &self->timer);
}

/* Not from here, where hundreds may wake at once at a priority above that of I/O. */
static void
wake_cb (gpointer data)
{
  post (data, MAIL_WAKE);
}

static void
sleep_until (ResilientCallMachine *self, gint64 due)
{
  set_timer (self, due, wake_cb);
}

static void
queue_timeout_cb (gpointer data)
{
  resilient_call_machine_handle (data, RESILIENT_MACHINE_EVENT_QUEUE_TIMEOUT, NULL);
}

static void
deadline_cb (gpointer data)
{
  resilient_call_machine_handle (data, RESILIENT_MACHINE_EVENT_DEADLINE, NULL);
}

/* In any thread. */
static void
network_back_cb (ResilientNetworkWaiter *waiter, gboolean spread)
{
  ResilientCallMachine *self = ((Extras *) waiter)->machine;

  post (self, MAIL_NETWORK_BACK | (spread ? MAIL_SPREAD : 0));
  unref_call (self);
}

static Extras *
ensure_extras (ResilientCallMachine *self)
{
  if (self->extras == NULL)
    {
      Extras *extras = g_new0 (Extras, 1);

      extras->machine = self;
      extras->network_waiter.timers = resilient_scheduler_get_timers (self->scheduler);
      extras->network_waiter.resume = network_back_cb;
      g_mutex_lock (&self->lock);
      self->extras = extras;
      g_mutex_unlock (&self->lock);
    }

  return self->extras;
}

/* 0: none. */
static void
set_not_before (ResilientCallMachine *self, gint64 not_before)
{
  if (not_before == (self->extras != NULL ? self->extras->not_before : 0))
    return;

  ensure_extras (self);
  g_mutex_lock (&self->lock);
  self->extras->not_before = not_before;
  g_mutex_unlock (&self->lock);
}

/* --- attempts -------------------------------------------------------------------------------- */

/* In whatever thread freed the slot. */
static void
admitted_cb (ResilientWaiter *waiter)
{
  post (((CallAttempt *) waiter)->machine, MAIL_ADMITTED);
}

static CallAttempt *
attempt_new (ResilientCallMachine *self)
{
  CallAttempt *attempt = g_new0 (CallAttempt, 1);

  ref_call (self);
  attempt->machine = self;
  /* who was let in once is not turned away later */
  attempt->waiter.woken = self->view.attempts > 0 || self->state != RESILIENT_MACHINE_STATE_NEW;
  attempt->waiter.beyond = self->blocks_home;
  attempt->waiter.admitted = admitted_cb;

  g_mutex_lock (&self->lock);
  attempt->waiter.priority = self->view.priority;
  attempt->next = self->attempts;
  self->attempts = attempt;
  g_mutex_unlock (&self->lock);

  return attempt;
}

/* For one whose call may have ended: who blocks for that reads it in another thread. */
static void
set_stage (CallAttempt *attempt, Stage stage)
{
  g_mutex_lock (&attempt->machine->lock);
  attempt->stage = stage;
  g_mutex_unlock (&attempt->machine->lock);
}

/* What each guard that admitted it is told once. */
static void
tell_guards (CallAttempt *attempt, ResilientGuardEnd end)
{
  ResilientAdmission *admission = g_steal_pointer (&attempt->admission);

  if (admission != NULL)
    resilient_admission_end (admission, end);
}

/* Each hears of it in a turn of its own. Takes @told. */
static void
tell_sharing (GArray *told)
{
  for (guint i = 0; i < told->len; i++)
    post (g_array_index (told, ResilientParty, i).machine, MAIL_SHARED);
  g_array_unref (told);
}

/* NULL @outcome: it has none for those who share it. */
static void
end_exchange (ResilientExchange *exchange, const ResilientOutcome *outcome)
{
  tell_sharing (resilient_exchange_finish (exchange, outcome));
  resilient_exchange_unref (exchange);
}

/* The last to leave one that its leader has left, too, sees to it that it is given up. */
static void
leave_exchange (ResilientCallMachine *self, ResilientExchange *exchange)
{
  ResilientParty leader;

  if (resilient_exchange_leave (exchange, &self->extras->party, &leader))
    {
      post (leader.machine, MAIL_SETTLED);
      g_object_unref (leader.call);
    }
  resilient_exchange_unref (exchange);
}

static ResilientExchange *
peek_exchange (CallAttempt *attempt)
{
  return attempt->in_exchange ? attempt->machine->extras->exchange : NULL;
}

static ResilientExchange *
take_exchange (CallAttempt *attempt)
{
  if (!attempt->in_exchange)
    return NULL;
  attempt->in_exchange = FALSE;
  return g_steal_pointer (&attempt->machine->extras->exchange);
}

/* Takes @exchange. */
static void
give_exchange (CallAttempt *attempt, ResilientExchange *exchange)
{
  ensure_extras (attempt->machine)->exchange = exchange;
  attempt->in_exchange = TRUE;
}

static void
drop_exchange (CallAttempt *attempt)
{
  ResilientExchange *exchange = take_exchange (attempt);

  if (exchange == NULL)
    return;
  if (attempt->shares)
    leave_exchange (attempt->machine, exchange);
  else
    end_exchange (exchange, NULL);
}

/* One without a slot. */
static void
attempt_free (CallAttempt *attempt)
{
  ResilientCallMachine *self = attempt->machine;
  CallAttempt **link = &self->attempts;

  drop_exchange (attempt);
  tell_guards (attempt, RESILIENT_GUARD_END_UNUSED);
  g_mutex_lock (&self->lock);
  while (*link != attempt)
    link = &(*link)->next;
  *link = attempt->next;
  if (self->done_cond != NULL)
    g_cond_broadcast (self->done_cond);
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&attempt->transport_attempt, resilient_transport_attempt_unref);
  g_free (attempt);
  unref_call (self);
}

static void
attempt_give_back (CallAttempt *attempt)
{
  resilient_gate_leave (resilient_engine_get_gate (attempt->machine->engine), &attempt->waiter);
  attempt_free (attempt);
}

/* Nobody read what came for it, and its times ran out, while the machine slept; or there is no
 * network. */
static gboolean
is_without_network (CallAttempt *attempt)
{
  ResilientCallMachine *self = attempt->machine;
  ResilientNetwork *network = resilient_engine_get_network (self->engine);

  return resilient_network_check_resume (network) != attempt->generation
         || (resilient_network_is_offline (network) && !resilient_origin_is_near (self->origin));
}

/* Where there is no network nothing that goes wrong on the way is a fault of the server's; and what
 * another one does, to which a redirect led, says nothing of this one. */
static ResilientGuardEnd
judge_failure (CallAttempt *attempt)
{
  return attempt->astray || is_without_network (attempt) ? RESILIENT_GUARD_END_NO_VERDICT
                                                         : RESILIENT_GUARD_END_FAILURE;
}

static ResilientGuardEnd
judge_status (CallAttempt *attempt, guint status_code)
{
  ResilientGuardEnd end = resilient_guard_judge_status (status_code);

  return attempt->astray && end == RESILIENT_GUARD_END_FAILURE ? RESILIENT_GUARD_END_NO_VERDICT
                                                               : end;
}

/* What an end that the attempt did not bring says of the server: nothing, unless that had not begun
 * to answer when the time was over. */
static ResilientGuardEnd
judge_interruption (CallAttempt *attempt)
{
  return get_cancel_cause (attempt->machine) == RESILIENT_CANCEL_BY_DEADLINE && !attempt->answered
           ? judge_failure (attempt)
           : RESILIENT_GUARD_END_NO_VERDICT;
}

/* The call ends without it; its slot may stay with it for a while. */
static void
attempt_leave (CallAttempt *attempt)
{
  ResilientGate *gate = resilient_engine_get_gate (attempt->machine->engine);

  if (is_live (attempt) && !attempt->shares && attempt->in_exchange)
    {
      if (resilient_exchange_desert (peek_exchange (attempt)))
        {
          attempt->stage = STAGE_SHARED;
          return;
        }
      drop_exchange (attempt);
    }

  if (attempt->stage >= STAGE_STARTING)
    tell_guards (attempt, judge_interruption (attempt));
  switch ((Stage) attempt->stage)
    {
    case STAGE_HELD:
    case STAGE_WAITING:
      /* Else it was admitted at this very moment, and ADMITTED gives the slot back. */
      if (resilient_gate_withdraw (gate, &attempt->waiter))
        attempt_free (attempt);
      break;
    case STAGE_ADMITTED:
      attempt_give_back (attempt);
      break;
    case STAGE_JOINED:
      attempt_free (attempt);
      break;
    case STAGE_STARTING:
      attempt->stage = STAGE_LEFT;
      resilient_gate_detach (gate, &attempt->waiter);
      break;
    case STAGE_RUNNING:
      attempt->stage = STAGE_LEFT;
      resilient_gate_detach (gate, &attempt->waiter);
      resilient_transport_attempt_abandon (attempt->transport_attempt);
      break;
    case STAGE_SHARED:
    case STAGE_OVER:
    case STAGE_LOST:
    case STAGE_LEFT:
    case STAGE_RELEASED:
      break;
    }
}

/* The newest come first. */
static void
cut_log (ResilientCallMachine *self)
{
  GSList *last = g_slist_nth (self->log, MAX_LOG - 1);

  if (last == NULL)
    return;
  g_slist_free_full (g_steal_pointer (&last->next), (GDestroyNotify) resilient_attempt_unref);
}

static const ResilientRetryPolicyValues *
get_policy_values (ResilientCallMachine *self)
{
  return resilient_retry_policy_get_values (
    resilient_request_context_peek_policy (self->view.context));
}

static gboolean
has_automatic_hedges (ResilientCallMachine *self)
{
  return get_policy_values (self)->hedge_delay == RESILIENT_HEDGE_DELAY_AUTOMATIC;
}

/* Of the hedges that were made beside the attempt of now. */
static double
get_hedge_delay (ResilientCallMachine *self)
{
  return has_automatic_hedges (self) ? self->extras->hedge_delay
                                     : get_policy_values (self)->hedge_delay;
}

static void
log_attempt (CallAttempt *attempt,
             const ResilientOutcome *outcome,
             ResilientFailure failure,
             ResilientReason reason)
{
  ResilientCallMachine *self = attempt->machine;
  double duration = resilient_clock_to_seconds (resilient_clock_get_boot () - attempt->started);
  double delay_before = attempt->hedge
                          ? get_hedge_delay (self)
                          : resilient_request_context_get_previous_delay (self->view.context);
  ResilientTraceContext *trace = resilient_frozen_request_get_trace (self->frozen);
  ResilientAttempt *record = resilient_attempt_new (self->view.attempts,
                                                    attempt->started_real,
                                                    duration,
                                                    failure,
                                                    outcome->status_code,
                                                    delay_before,
                                                    outcome->reused_connection,
                                                    outcome->sends,
                                                    reason);

  if (trace != NULL)
    resilient_attempt_set_span_id (record,
                                   resilient_trace_context_get_span_id (trace, attempt->number));
  self->log = g_slist_prepend (self->log, record);
  /* what several share is counted once */
  if (!attempt->shares)
    resilient_recorder_attempt_ended (resilient_engine_get_recorder (self->engine),
                                      resilient_origin_peek_key (self->origin),
                                      resilient_frozen_request_get_method (self->frozen),
                                      outcome->status_code,
                                      failure,
                                      duration);
  /* Not each time: it takes a walk to the end. */
  if (self->view.attempts % MAX_LOG == 0)
    cut_log (self);
  g_mutex_lock (&self->lock);
  self->sends += outcome->sends;
  g_mutex_unlock (&self->lock);
}

/* One that has not told how it ended. */
static void
log_unended (CallAttempt *attempt, ResilientFailure failure, ResilientReason reason)
{
  static const ResilientOutcome nothing_sent = { .nothing_sent = TRUE };

  log_attempt (attempt,
               attempt->transport_attempt != NULL ? attempt->transport_attempt->outcome
                                                  : &nothing_sent,
               failure,
               reason);
}

/* The request as the app gave it, with its mirrors. */
static ResilientFrozenRequest *
get_own_request (ResilientCallMachine *self)
{
  return self->extras != NULL && self->extras->own_request != NULL ? self->extras->own_request
                                                                   : self->frozen;
}

/* --- the end --------------------------------------------------------------------------------- */

/* The end that @cause, that of its cancelling, asks for. Transfer full. */
static GError *
make_interruption (ResilientCallMachine *self,
                   ResilientCancelCause cause,
                   ResilientResultStatus *status,
                   ResilientFailure *failure,
                   ResilientReason *reason)
{
  gboolean closed = cause == RESILIENT_CANCEL_BY_CLOSE;

  if (cause == RESILIENT_CANCEL_BY_DEADLINE)
    {
      *status = RESILIENT_RESULT_STATUS_TIMEOUT;
      *failure = RESILIENT_FAILURE_DEADLINE;
      *reason = RESILIENT_REASON_DEADLINE;
      return g_error_new (G_IO_ERROR,
                          G_IO_ERROR_TIMED_OUT,
                          /* Translators: seconds, with a fraction. */
                          _ ("The request was not done within %g s"),
                          self->options->total_timeout);
    }

  *status = RESILIENT_RESULT_STATUS_CANCELLED;
  *failure = RESILIENT_FAILURE_CANCELLED;
  *reason = closed ? RESILIENT_REASON_CLOSED : RESILIENT_REASON_CANCELLED;
  return g_error_new_literal (G_IO_ERROR,
                              G_IO_ERROR_CANCELLED,
                              closed ? _ ("The client was closed before the request ended")
                                     : _ ("The request was cancelled"));
}

/* Makes the call an ended one, with @result; takes it. */
static void
finish (ResilientCallMachine *self, ResilientResult *result)
{
  g_autoptr (GObject) blocked = NULL;
  ResilientMachineState from;

  g_mutex_lock (&self->lock);
  self->view.result = result;
  self->view.failure = resilient_result_get_failure (result);
  from = set_state_locked (self, RESILIENT_MACHINE_STATE_DONE);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_RESULT | 1 << RESILIENT_CALL_PROP_FAILURE);
  /* who blocks may take its result, and drop the call, at any moment from now on */
  if (self->done_cond != NULL)
    blocked = g_object_ref (G_OBJECT (self->member.call));
  g_mutex_unlock (&self->lock);

  tell_move (self, from, RESILIENT_MACHINE_STATE_DONE);

  /* The callbacks run from a piece of work of their own, not inside libsoup's dispatch that brought
   * the end. */
  post (self, MAIL_COMPLETE);
  if (blocked != NULL)
    g_cond_broadcast (self->done_cond);
}

static void
leave_offline (ResilientCallMachine *self)
{
  if (self->extras != NULL
      && resilient_network_withdraw (resilient_engine_get_network (self->engine),
                                     &self->extras->network_waiter))
    unref_call (self);
}

/* Whatever it holds of timers, gate and attempts; a slot may stay with an attempt. */
static void
let_go (ResilientCallMachine *self)
{
  CallAttempt *attempt;

  clear_timer (self);
  if (self->extras != NULL)
    resilient_timer_queue_clear (resilient_scheduler_get_timers (self->scheduler),
                                 &self->extras->deadline);
  leave_offline (self);

  /* To abandon one calls functions of the app's, which may run a main loop: the list is not the
   * same after that. */
  while ((attempt = get_live (self)) != NULL)
    attempt_leave (attempt);
  attempt = get_attended (self);
  if (attempt != NULL)
    attempt_leave (attempt);
}

static void
end_now (ResilientCallMachine *self,
         ResilientResultStatus status,
         ResilientFailure failure,
         ResilientReason reason,
         ResilientResponse *response,
         const GError *error)
{
  double total = resilient_clock_to_seconds (resilient_clock_get_boot () - self->started);
  g_autoptr (GError) interruption = NULL;
  ResilientMachineState from;
  ResilientResult *result;

  g_mutex_lock (&self->lock);
  /* Other threads learn of the end before it leaves the live ones. */
  from = set_state_locked (self, RESILIENT_MACHINE_STATE_ENDING);
  /* What was said already to who had blocked holds, whatever came after. */
  if (self->told)
    {
      interruption = make_interruption (self, self->cancel_cause, &status, &failure, &reason);
      error = interruption;
      response = NULL;
    }
  /* The attempt that was to come does not: the last word is on the one before. */
  if (self->last_context != NULL)
    {
      /* never one that is gone: a forked child reads it without the lock */
      ResilientRequestContext *to_come = self->view.context;

      self->view.context = g_steal_pointer (&self->last_context);
      resilient_request_context_unref (to_come);
      changed_locked (self, 1 << RESILIENT_CALL_PROP_CONTEXT);
    }
  g_mutex_unlock (&self->lock);

  tell_move (self, from, RESILIENT_MACHINE_STATE_ENDING);
  let_go (self);
  take_back_payment (self);

  cut_log (self);
  result = resilient_result_new (self->view.context,
                                 status,
                                 response,
                                 error,
                                 failure,
                                 self->view.attempts,
                                 self->sends,
                                 total,
                                 self->log);
  resilient_recorder_ended (resilient_engine_get_recorder (self->engine),
                            result,
                            reason,
                            resilient_call_machine_get_delay_left_locked (self));
  finish (self, result);
  resilient_engine_remove_call (self->engine, &self->member, self->scheduler);
}

/* Its caller, or its client, wants no answer any more, whatever it is. */
static gboolean
is_unwanted_locked (ResilientCallMachine *self)
{
  return self->told || self->cancel_cause == RESILIENT_CANCEL_BY_CALLER
         || self->cancel_cause == RESILIENT_CANCEL_BY_CLOSE;
}

static gboolean
is_to_ask_locked (ResilientCallMachine *self)
{
  return self->state == RESILIENT_MACHINE_STATE_FALLBACK && !self->extras->failing->asked
         && !is_unwanted_locked (self);
}

/* Once, in the caller's context, or in the thread that blocks. */
static void
ask_fallback (ResilientCallMachine *self)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  ResilientResponse *answer;
  Failing *failing;

  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_mutex_lock (&self->lock);
  failing = self->extras->failing;
  if (is_to_ask_locked (self))
    {
      failing->asked = TRUE;
      context = resilient_request_context_ref (self->view.context);
    }
  g_mutex_unlock (&self->lock);
  if (context == NULL)
    return;

  answer = resilient_fallback_ask (failing->fallback, context, failing->response, failing->error);

  g_mutex_lock (&self->lock);
  failing->answer = answer;
  post_locked (self, MAIL_FALLBACK);
  g_mutex_unlock (&self->lock);
}

static gboolean
ask_fallback_cb (gpointer data)
{
  ask_fallback (data);
  return G_SOURCE_REMOVE;
}

/* Nobody asks any more, where the context of the caller has ended first. */
static void
asked_fallback_cb (gpointer data)
{
  ResilientCallMachine *self = data;

  if (!resilient_engine_is_foreign (self->engine, NULL))
    {
      g_mutex_lock (&self->lock);
      if (is_to_ask_locked (self))
        {
          self->extras->failing->asked = TRUE;
          post_locked (self, MAIL_FALLBACK);
        }
      g_mutex_unlock (&self->lock);
    }
  unref_call (self);
}

static void
call_caller (ResilientCallMachine *self)
{
  g_autoptr (GMainContext) caller = g_steal_pointer (&self->extras->caller);

  if (caller == NULL)
    {
      g_mutex_lock (&self->lock);
      if (self->done_cond != NULL)
        g_cond_broadcast (self->done_cond);
      g_mutex_unlock (&self->lock);
      return;
    }

  ref_call (self);
  resilient_main_context_post (caller,
                               resilient_engine_get_source_priority (self->engine),
                               "resilient-fallback",
                               ask_fallback_cb,
                               self,
                               asked_fallback_cb);
}

static gboolean
has_fallback (ResilientCallMachine *self)
{
  return self->extras != NULL && self->extras->has_fallback;
}

static gboolean
may_fall_back (ResilientCallMachine *self, ResilientResultStatus status)
{
  gboolean unwanted;

  if (status == RESILIENT_RESULT_STATUS_SUCCESS || status == RESILIENT_RESULT_STATUS_CANCELLED
      || !has_fallback (self) || self->extras->failing != NULL || self->streams)
    return FALSE;

  g_mutex_lock (&self->lock);
  unwanted = is_unwanted_locked (self);
  g_mutex_unlock (&self->lock);

  return !unwanted;
}

static void
failing_free (Failing *failing)
{
  g_clear_pointer (&failing->response, resilient_response_unref);
  g_clear_pointer (&failing->answer, resilient_response_unref);
  g_clear_error (&failing->error);
  g_free (failing);
}

static void
end_failing (ResilientCallMachine *self, const Failing *failing)
{
  end_now (
    self, failing->status, failing->failure, failing->reason, failing->response, failing->error);
}

/* The last word is the app's. Nothing is held while it thinks, and no time is measured. */
static void
fall_back (ResilientCallMachine *self, Failing *failing)
{
  ResilientMachineState from;
  gboolean unwanted;

  /* Looked at again under the same lock: a thread that blocks may have gone just now. */
  g_mutex_lock (&self->lock);
  unwanted = is_unwanted_locked (self);
  from = self->state;
  if (!unwanted)
    {
      self->extras->failing = failing;
      from = set_state_locked (self, RESILIENT_MACHINE_STATE_FALLBACK);
    }
  g_mutex_unlock (&self->lock);

  if (unwanted)
    {
      end_failing (self, failing);
      failing_free (failing);
      return;
    }

  tell_move (self, from, RESILIENT_MACHINE_STATE_FALLBACK);
  let_go (self);
  /* a main loop inside of that may have brought its end */
  if (self->state == RESILIENT_MACHINE_STATE_FALLBACK)
    call_caller (self);
}

/* Or first asks the app for an answer, where it can be asked and the end is a failure. */
static void
end (ResilientCallMachine *self,
     ResilientResultStatus status,
     ResilientFailure failure,
     ResilientReason reason,
     ResilientResponse *response,
     const GError *error)
{
  Failing *failing;

  if (!may_fall_back (self, status))
    {
      end_now (self, status, failure, reason, response, error);
      return;
    }

  failing = g_new0 (Failing, 1);
  failing->status = status;
  failing->failure = failure;
  failing->reason = reason;
  failing->response = response != NULL ? resilient_response_ref (response) : NULL;
  failing->error = error != NULL ? g_error_copy (error) : NULL;
  failing->fallback = resilient_frozen_request_get_fallback (get_own_request (self));
  fall_back (self, failing);
}

static void
handle_fallback (ResilientCallMachine *self, gpointer arg)
{
  Failing *failing = self->extras->failing;

  if (failing->answer == NULL)
    {
      end_failing (self, failing);
      return;
    }

  /* what a guard asked for is not waited for */
  set_not_before (self, 0);
  end_now (self,
           RESILIENT_RESULT_STATUS_SUCCESS,
           RESILIENT_FAILURE_NONE,
           RESILIENT_REASON_FALLBACK,
           failing->answer,
           NULL);
}

/* The oldest first. */
static void
log_all_live (CallAttempt *attempt, ResilientFailure failure, ResilientReason reason)
{
  if (attempt == NULL)
    return;

  log_all_live (attempt->next, failure, reason);
  if (is_live (attempt))
    log_unended (attempt, failure, reason);
}

/* For @cause, or for one that was there before. */
static void
interrupt (ResilientCallMachine *self, ResilientCancelCause cause)
{
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = cause;
  cause = self->cancel_cause;
  g_mutex_unlock (&self->lock);
  set_not_before (self, 0);
  error = make_interruption (self, cause, &status, &failure, &reason);

  /* those that are being left by one that falls back are in the log already */
  if (self->state != RESILIENT_MACHINE_STATE_FALLBACK)
    log_all_live (self->attempts, failure, reason);
  end (self, status, failure, reason, NULL, error);
}

static void
handle_cancel (ResilientCallMachine *self, gpointer arg)
{
  interrupt (self, RESILIENT_CANCEL_BY_CALLER);
}

static void
handle_close (ResilientCallMachine *self, gpointer arg)
{
  interrupt (self, RESILIENT_CANCEL_BY_CLOSE);
}

static void
handle_deadline (ResilientCallMachine *self, gpointer arg)
{
  interrupt (self, RESILIENT_CANCEL_BY_DEADLINE);
}

/* --- several attempts at once ---------------------------------------------------------------- */

/* Where another may want just the same. A trace is of one request. Who keeps the home context from
 * turning can't wait for one that may need a slot which is to become free there. */
static gboolean
may_share (ResilientCallMachine *self)
{
  ResilientFrozenRequest *frozen = self->frozen;

  return resilient_frozen_request_get_coalesce (frozen) && !self->streams && !self->blocks_home
         && strcmp (resilient_frozen_request_get_method (frozen), "GET") == 0
         && resilient_frozen_request_get_body (frozen) == NULL
         && resilient_frozen_request_get_trace (frozen) == NULL;
}

/* Rule 4 of the verdict, before anything has failed. */
static gboolean
may_be_hedged (ResilientCallMachine *self)
{
  ResilientFrozenRequest *frozen = self->frozen;
  ResilientBody *body = resilient_frozen_request_get_body (frozen);

  return get_policy_values (self)->hedge_delay != 0 && !may_share (self)
         && resilient_verdict_may_repeat (resilient_frozen_request_get_method (frozen),
                                          resilient_frozen_request_has_idempotency_key (frozen),
                                          resilient_frozen_request_get_idempotency (frozen))
         && (body == NULL || resilient_body_is_replayable (body));
}

/* Its answer is there, or was not when that of another was: then it takes longer than that, which
 * is as much as is to be known where delays are looked for that few answers exceed. Of a hedge that
 * lost it is known to be longer than next to nothing, and who wins is no fair sample. */
static void
count_answer_time (CallAttempt *attempt)
{
  if (!attempt->hedge && has_automatic_hedges (attempt->machine)
      && may_be_hedged (attempt->machine))
    resilient_origin_add_answer_time (attempt->machine->origin,
                                      resilient_clock_get_boot () - attempt->started);
}

/* @winner has the answer: what else is under way is given up. It is abandoned in a turn of its own,
 * as this may run inside a callback of an attempt. */
static void
settle (ResilientCallMachine *self, CallAttempt *winner)
{
  if (is_only_one_live (winner))
    return;

  for (CallAttempt *attempt = self->attempts; attempt != NULL; attempt = attempt->next)
    {
      if (attempt == winner || !is_live (attempt))
        continue;
      log_unended (attempt, RESILIENT_FAILURE_CANCELLED, RESILIENT_REASON_HEDGE);
      count_answer_time (attempt);
      tell_guards (attempt, RESILIENT_GUARD_END_NO_VERDICT);
      resilient_gate_detach (resilient_engine_get_gate (self->engine), &attempt->waiter);
      /* one that starts is abandoned when its start is over */
      attempt->stage = attempt->stage == STAGE_RUNNING ? STAGE_LOST : STAGE_LEFT;
    }
  post (self, MAIL_SETTLED);
}

static void
handle_settled (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = self->attempts;

  /* from the beginning each time, as in let_go() */
  while (attempt != NULL)
    {
      if (attempt->stage == STAGE_SHARED && attempt->transport_attempt != NULL
          && !resilient_exchange_desert (peek_exchange (attempt)))
        {
          drop_exchange (attempt);
          tell_guards (attempt, RESILIENT_GUARD_END_NO_VERDICT);
          resilient_gate_detach (resilient_engine_get_gate (self->engine), &attempt->waiter);
          set_stage (attempt, STAGE_LOST);
        }
      if (attempt->stage == STAGE_LOST)
        {
          set_stage (attempt, STAGE_LEFT);
          resilient_transport_attempt_abandon (attempt->transport_attempt);
          attempt = self->attempts;
        }
      else
        {
          attempt = attempt->next;
        }
    }
}

/* The call is where the one that has come furthest is. */
static void
show_phase (ResilientCallMachine *self)
{
  ResilientMachineState state = RESILIENT_MACHINE_STATE_SENDING;

  for (CallAttempt *attempt = self->attempts; attempt != NULL; attempt = attempt->next)
    {
      if (is_live (attempt) && attempt->receiving)
        state = RESILIENT_MACHINE_STATE_RECEIVING;
    }
  if (self->state != state)
    set_state (self, state);
}

/* Of the oldest one what comes and goes is shown, until another has the answer. */
static gboolean
is_oldest_live (CallAttempt *attempt)
{
  for (CallAttempt *older = attempt->next; older != NULL; older = older->next)
    {
      if (is_live (older))
        return FALSE;
    }
  return TRUE;
}

/* --- what an attempt tells ------------------------------------------------------------------- */

/* It may have had the request, which may be repeated for its key alone: that says so to the server
 * which keeps it, and to no other. */
static void
note_sent (ResilientCallMachine *self)
{
  ResilientFrozenRequest *own = get_own_request (self);

  if (resilient_frozen_request_get_mirrors (own) != NULL
      && resilient_frozen_request_get_idempotency (own) == RESILIENT_IDEMPOTENCY_AUTO
      && !resilient_method_is_idempotent (resilient_frozen_request_get_method (own)))
    ensure_extras (self)->bound = TRUE;
}

static gboolean
is_bound (ResilientCallMachine *self)
{
  return self->extras != NULL && self->extras->bound;
}

/* The next attempt goes to a mirror for the first time. */
static gboolean
has_fresh_mirror (ResilientCallMachine *self)
{
  GPtrArray *mirrors = resilient_frozen_request_get_mirrors (get_own_request (self));
  guint n_tried =
    self->extras != NULL && self->extras->origins != NULL ? self->extras->origins->len : 1;

  return mirrors != NULL && n_tried <= mirrors->len && !is_bound (self);
}

/* Where the next attempt goes. */
static guint
get_next_mirror (ResilientCallMachine *self)
{
  GPtrArray *mirrors = resilient_frozen_request_get_mirrors (get_own_request (self));
  guint mirror = self->extras != NULL ? self->extras->mirror : 0;

  return mirrors != NULL && !is_bound (self) ? (mirror + 1) % (mirrors->len + 1) : mirror;
}

/* The server of now asks to be left alone for @seconds, or does not where that is less than 0. */
static void
note_wait (ResilientCallMachine *self, double seconds)
{
  Extras *extras;
  gint64 *until;

  if (seconds < 0)
    return;
  extras = ensure_extras (self);
  if (extras->waits == NULL)
    extras->waits = g_array_new (FALSE, TRUE, sizeof (gint64));
  if (extras->waits->len <= extras->mirror)
    g_array_set_size (extras->waits, extras->mirror + 1);
  until = &g_array_index (extras->waits, gint64, extras->mirror);
  *until = MAX (*until, after (seconds));
}

/* For how long the server of the next attempt is to be left alone, where the one of now asks for
 * @seconds: in seconds, less than 0: it did not ask. */
static double
get_wait (ResilientCallMachine *self, ResilientFailure failure, double seconds)
{
  guint next = get_next_mirror (self);
  guint mirror = self->extras != NULL ? self->extras->mirror : 0;
  GArray *waits = self->extras != NULL ? self->extras->waits : NULL;
  gint64 left = -1;
  double wait;

  if (waits != NULL && next < waits->len)
    left = g_array_index (waits, gint64, next) - resilient_clock_get_boot ();
  if (left <= 0)
    return next == mirror ? seconds : -1;

  wait = resilient_clock_to_seconds (left);
  /* Longer than the policy allows is the end with the response that says so, and none else. */
  if (failure != RESILIENT_FAILURE_STATUS)
    wait = MIN (wait, get_policy_values (self)->max_retry_after);
  return MAX (next == mirror ? seconds : -1, wait);
}

/* Around after the last; nothing where there are none. */
static void
go_to_next_mirror (ResilientCallMachine *self)
{
  ResilientFrozenRequest *own = get_own_request (self);
  GPtrArray *mirrors = resilient_frozen_request_get_mirrors (own);
  guint next = get_next_mirror (self);
  Extras *extras;
  ResilientFrozenRequest *old = self->frozen;
  g_autoptr (ResilientOrigin) old_origin = NULL;

  if (mirrors == NULL || is_bound (self))
    return;

  extras = ensure_extras (self);
  if (extras->origins == NULL)
    {
      extras->origins = g_ptr_array_new_with_free_func (g_object_unref);
      g_ptr_array_add (extras->origins, g_object_ref (self->origin));
      extras->own_request = resilient_frozen_request_ref (own);
    }
  extras->mirror = next;
  self->frozen = resilient_frozen_request_ref (
    extras->mirror == 0 ? own : g_ptr_array_index (mirrors, extras->mirror - 1));
  if (extras->mirror == extras->origins->len)
    g_ptr_array_add (
      extras->origins,
      resilient_origin_table_get (resilient_engine_get_origins (self->engine),
                                  resilient_frozen_request_ensure_uri (self->frozen)));
  old_origin = self->origin;
  self->origin = g_object_ref (g_ptr_array_index (extras->origins, extras->mirror));
  resilient_frozen_request_forget_uri (old);
  resilient_frozen_request_unref (old);
}

static gboolean
is_for_want_of_network (CallAttempt *attempt, ResilientFailure failure)
{
  const ResilientFailure of_the_way =
    RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS
    | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
    | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_DISCONNECT;

  return (failure & of_the_way) != 0 && is_without_network (attempt);
}

/* What a breaker that is open for longer than the sleep would say after it, it says now, while the
 * response is there. Its @delay is then that to the next probe. */
static void
let_breaker_judge (ResilientCallMachine *self, ResilientVerdict *verdict)
{
  g_autoptr (ResilientCircuitBreaker) breaker =
    resilient_origin_guards_dup_breaker (resilient_origin_get_guards (self->origin));
  double left;

  /* a mirror has a breaker of its own */
  if (breaker == NULL || resilient_frozen_request_get_mirrors (get_own_request (self)) != NULL
      || resilient_circuit_breaker_check (breaker, NULL))
    return;
  left = resilient_circuit_breaker_get_retry_after (breaker);
  if (left <= verdict->delay)
    return;

  *verdict = (ResilientVerdict){ .delay = left, .reason = RESILIENT_REASON_CIRCUIT_OPEN };
}

/* The last rule: once, though the verdict of one attempt may be taken twice, at its headers and at
 * its end. A network that is away is no reason to spend what is for a server that fails. */
static void
let_budget_judge (CallAttempt *attempt, ResilientFailure failure, ResilientVerdict *verdict)
{
  ResilientCallMachine *self = attempt->machine;
  g_autoptr (ResilientRetryBudget) budget = NULL;

  if ((self->extras != NULL && self->extras->paid_by != NULL)
      || is_for_want_of_network (attempt, failure))
    return;
  budget = resilient_origin_guards_dup_budget (resilient_origin_get_guards (self->origin));
  if (budget == NULL)
    return;

  if (resilient_retry_budget_try_withdraw (budget))
    ensure_extras (self)->paid_by = g_steal_pointer (&budget);
  else
    *verdict = (ResilientVerdict){ .reason = RESILIENT_REASON_RETRY_BUDGET };
}

/* The retry that was paid for does not come. */
static void
take_back_payment (ResilientCallMachine *self)
{
  g_autoptr (ResilientRetryBudget) budget =
    self->extras != NULL ? g_steal_pointer (&self->extras->paid_by) : NULL;

  if (budget != NULL)
    resilient_retry_budget_give_back (budget);
}

/* Of the last verdict on an attempt: one that was taken at its headers may not be. */
static void
count_refusal (ResilientCallMachine *self, ResilientReason reason)
{
  if (reason == RESILIENT_REASON_CIRCUIT_OPEN)
    resilient_recorder_guarded (resilient_engine_get_recorder (self->engine),
                                RESILIENT_GUARD_ACT_CIRCUIT_REFUSED);
  else if (reason == RESILIENT_REASON_RETRY_BUDGET)
    resilient_recorder_guarded (resilient_engine_get_recorder (self->engine),
                                RESILIENT_GUARD_ACT_BUDGET_REFUSED);
}

/* @retry_after: that of a response with a status that is a failure, else -1. */
static ResilientVerdict
judge (CallAttempt *attempt,
       ResilientFailure failure,
       gboolean nothing_sent,
       guint status_code,
       double retry_after)
{
  ResilientCallMachine *self = attempt->machine;
  ResilientVerdictInput input = {
    .context = self->view.context,
    .policy = resilient_request_context_peek_policy (self->view.context),
    .failure = failure,
    .nothing_sent = nothing_sent,
    .status_code = status_code,
    .retry_after = get_wait (self, failure, retry_after),
    .method = resilient_frozen_request_get_method (self->frozen),
    .has_idempotency_key = resilient_frozen_request_has_idempotency_key (self->frozen),
    .idempotency = resilient_frozen_request_get_idempotency (self->frozen),
    .body_spent = resilient_frozen_request_get_body (self->frozen) != NULL
                  && resilient_body_is_spent (resilient_frozen_request_get_body (self->frozen)),
    .other_server = has_fresh_mirror (self),
    .closed = resilient_engine_is_closing (self->engine),
    .now = resilient_clock_get_boot (),
    .deadline = get_deadline (self),
  };

  ResilientVerdict verdict = resilient_verdict (&input);

  if (resilient_guards_is_empty (resilient_engine_get_guards (self->engine)))
    return verdict;
  if (verdict.retry)
    let_breaker_judge (self, &verdict);
  /* A mirror's first attempt is no more load for the server that failed. */
  if (verdict.retry && !input.other_server)
    let_budget_judge (attempt, failure, &verdict);
  return verdict;
}

/* FALSE: nobody listens any more. */
static gboolean
tell (ResilientMachineEvent event, AttemptNews *news)
{
  if (news->attempt->stage > STAGE_RUNNING)
    return FALSE;
  resilient_call_machine_handle (news->attempt->machine, event, news);
  return TRUE;
}

/* Its call does not listen any more, and others do; in a forked child nobody does. */
static gboolean
is_shared (CallAttempt *attempt)
{
  return attempt->stage == STAGE_SHARED
         && !resilient_engine_is_foreign (attempt->machine->engine, NULL);
}

static void
phase_cb (ResilientTransportAttempt *transport_attempt, ResilientPhase phase, gpointer data)
{
  AttemptNews news = { .attempt = data, .phase = phase };

  tell (RESILIENT_MACHINE_EVENT_PHASE, &news);
}

static void
handle_phase (ResilientCallMachine *self, gpointer arg)
{
  AttemptNews *news = arg;

  news->attempt->receiving = news->phase >= RESILIENT_PHASE_READING;
  show_phase (self);
}

static void
progress_cb (ResilientTransportAttempt *transport_attempt,
             gint64 sent,
             gint64 received,
             gint64 upload_size,
             gint64 download_size,
             gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;
  guint props = 0;

  if (attempt->stage > STAGE_RUNNING || resilient_engine_is_foreign (self->engine, NULL)
      || !is_oldest_live (attempt))
    return;
  g_mutex_lock (&self->lock);
#define UPDATE(field, value, PROP)                                                                 \
  if (self->view.field != value)                                                                   \
    {                                                                                              \
      self->view.field = value;                                                                    \
      props |= 1 << RESILIENT_CALL_PROP_##PROP;                                                    \
    }
  UPDATE (bytes_sent, sent, BYTES_SENT)
  UPDATE (bytes_received, received, BYTES_RECEIVED)
  UPDATE (upload_size, upload_size, UPLOAD_SIZE)
  UPDATE (download_size, download_size, DOWNLOAD_SIZE)
#undef UPDATE
  if (props != 0)
    changed_locked (self, props);
  g_mutex_unlock (&self->lock);
}

static gboolean
headers_cb (ResilientTransportAttempt *transport_attempt,
            guint status_code,
            double retry_after,
            gpointer data)
{
  AttemptNews news = {
    .attempt = data,
    .status_code = status_code,
    .retry_after = retry_after,
    .read_body = TRUE,
  };

  if (is_shared (news.attempt))
    {
      news.attempt->answered = TRUE;
      if (news.attempt->admission != NULL)
        resilient_admission_answered (news.attempt->admission, status_code);
      resilient_exchange_close (peek_exchange (news.attempt));
      return TRUE;
    }
  return tell (RESILIENT_MACHINE_EVENT_HEADERS, &news) && news.read_body;
}

/* The verdict on a status is taken here already: if there will be a retry, the body need not be
 * read. */
static void
handle_headers (ResilientCallMachine *self, gpointer arg)
{
  AttemptNews *news = arg;
  CallAttempt *attempt = news->attempt;

  attempt->answered = TRUE;
  if (attempt->in_exchange)
    resilient_exchange_close (peek_exchange (attempt));
  if (attempt->admission != NULL)
    resilient_admission_answered (attempt->admission, news->status_code);
  /* An answer may be good up here and break later, but a bad one does not get better. */
  if (resilient_guard_judge_status (news->status_code) == RESILIENT_GUARD_END_FAILURE)
    tell_guards (attempt, judge_status (attempt, news->status_code));

  g_mutex_lock (&self->lock);
  self->view.status_code = MIN (news->status_code, G_MAXUINT16);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_STATUS_CODE);
  g_mutex_unlock (&self->lock);

  if (resilient_verdict_status_is_failure (
        resilient_request_context_peek_policy (self->view.context), news->status_code))
    {
      /* Beside another one it is no verdict yet, but may be the last word. */
      if (!is_only_one_live (attempt))
        return;
      note_sent (self);
      attempt->early_verdict =
        judge (attempt, RESILIENT_FAILURE_STATUS, FALSE, news->status_code, news->retry_after);
      attempt->has_early_verdict = TRUE;
      /* to others, of other policies, it may be the answer */
      news->read_body =
        !attempt->early_verdict.retry
        || (attempt->in_exchange && resilient_exchange_is_shared (peek_exchange (attempt)));
    }
  else
    {
      count_answer_time (attempt);
      settle (self, attempt);
    }

  if (news->read_body && self->streams)
    set_state (self, RESILIENT_MACHINE_STATE_STREAMING);
}

static GError *
describe_last_error (ResilientCallMachine *self, const GError *error)
{
  GError *described;

  if (self->view.attempts < 2)
    return g_error_copy (error);

  described = g_error_new_literal (error->domain, error->code, "");
  g_free (described->message);
  described->message = g_strdup_printf (
    /* Translators: %s is the message of the last error. */
    resilient_ngettext ("%s (after %u attempt)", "%s (after %u attempts)", self->view.attempts),
    error->message,
    self->view.attempts);
  return described;
}

static void
go_to_sleep (ResilientCallMachine *self,
             double delay,
             ResilientFailure failure,
             ResilientReason reason,
             ResilientResponse *response,
             const GError *error)
{
  g_autoptr (ResilientRequestContext) context = NULL;
  ResilientMachineState from;
  gboolean told;

  g_mutex_lock (&self->lock);
  told = self->told;
  g_mutex_unlock (&self->lock);
  if (told)
    {
      end (self, RESILIENT_RESULT_STATUS_ERROR, failure, reason, response, error);
      return;
    }

  context = resilient_request_context_advance (self->view.context, delay);
  resilient_recorder_retry (
    resilient_engine_get_recorder (self->engine), context, failure, reason, response, error, delay);
  /* a guard may have the last word, and it is not to be said without the answer that there was */
  if (response != NULL && !resilient_guards_is_empty (resilient_engine_get_guards (self->engine)))
    ensure_extras (self)->last_response = resilient_response_ref (response);

  resilient_frozen_request_forget_uri (self->frozen);
  self->generation = resilient_network_check_resume (resilient_engine_get_network (self->engine));
  sleep_until (self, after (delay));

  g_mutex_lock (&self->lock);
  from = set_state_locked (self, RESILIENT_MACHINE_STATE_SLEEPING);
  self->view.failure = failure;
  self->last_context = self->view.context;
  self->view.context = g_steal_pointer (&context);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_FAILURE | 1 << RESILIENT_CALL_PROP_CONTEXT);
  g_mutex_unlock (&self->lock);

  tell_move (self, from, RESILIENT_MACHINE_STATE_SLEEPING);
}

/* What the end of an attempt says of the server. */
static ResilientGuardEnd
judge_outcome (CallAttempt *attempt, const ResilientOutcome *outcome)
{
  const ResilientFailure of_server = RESILIENT_FAILURE_CERTIFICATE | RESILIENT_FAILURE_PROTOCOL;
  const ResilientFailure of_the_way =
    RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS
    | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
    | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_DISCONNECT;

  if (outcome->failure == RESILIENT_FAILURE_NONE || outcome->failure == RESILIENT_FAILURE_STATUS)
    return judge_status (attempt, outcome->status_code);
  if ((outcome->failure & of_server) && !attempt->astray)
    return RESILIENT_GUARD_END_FAILURE;
  if (outcome->failure & of_the_way)
    return judge_failure (attempt);
  /* The time of the attempt is one for all of it, also for an answer that is long. */
  if (outcome->failure == RESILIENT_FAILURE_DEADLINE && !attempt->answered)
    return judge_failure (attempt);
  return RESILIENT_GUARD_END_NO_VERDICT;
}

/* A wait that the server asks for is meant for all who would ask it. */
static void
share_retry_after (ResilientCallMachine *self, const ResilientOutcome *outcome)
{
  ResilientRetryPolicy *policy = resilient_request_context_peek_policy (self->view.context);
  g_autoptr (ResilientOrigin) origin = NULL;
  double wait;

  if ((outcome->status_code != 429 && outcome->status_code != 503) || outcome->response == NULL
      || !resilient_retry_policy_get_shared_retry_after (policy)
      || !resilient_retry_policy_get_respect_retry_after (policy))
    return;

  wait = MIN (resilient_response_get_retry_after (outcome->response),
              resilient_retry_policy_get_max_retry_after (policy));
  if (wait <= 0)
    return;
  /* not always that of the request: it may be the target of a redirect */
  origin = resilient_origin_table_get (resilient_engine_get_origins (self->engine),
                                       resilient_response_get_uri (outcome->response));
  resilient_engine_hold_origin (self->engine, origin, wait);
}

/* What its end tells of the server, and those who share it. */
static void
note_outcome (CallAttempt *attempt, const ResilientOutcome *outcome)
{
  ResilientCallMachine *self = attempt->machine;
  ResilientExchange *exchange = take_exchange (attempt);

  /* The slot goes back when the attempt is released, and is as good as free until then. */
  tell_guards (attempt, judge_outcome (attempt, outcome));
  share_retry_after (self, outcome);
  resilient_gate_detach (resilient_engine_get_gate (self->engine), &attempt->waiter);
  if (!outcome->nothing_sent)
    note_sent (self);

  if (outcome->answered)
    resilient_network_answered (
      resilient_engine_get_network (self->engine), self->origin, outcome->socket);
  if (outcome->http2_of_origin)
    resilient_slots_set_http2 (resilient_origin_get_slots (self->origin));
  if (exchange != NULL)
    end_exchange (exchange, outcome);
}

static void
done_cb (ResilientTransportAttempt *transport_attempt, ResilientOutcome *outcome, gpointer data)
{
  AttemptNews news = { .attempt = data, .outcome = outcome };

  if (is_shared (news.attempt))
    {
      set_stage (news.attempt, STAGE_OVER);
      note_outcome (news.attempt, outcome);
      return;
    }
  tell (RESILIENT_MACHINE_EVENT_ATTEMPT_DONE, &news);
}

static ResilientFailure
get_failure (ResilientCallMachine *self, const ResilientOutcome *outcome)
{
  if (outcome->failure == RESILIENT_FAILURE_NONE
      && resilient_verdict_status_is_failure (
        resilient_request_context_peek_policy (self->view.context), outcome->status_code))
    return RESILIENT_FAILURE_STATUS;
  return outcome->failure;
}

static double
get_retry_after (const ResilientOutcome *outcome, ResilientFailure failure)
{
  return failure == RESILIENT_FAILURE_STATUS && outcome->response != NULL
           ? resilient_response_get_retry_after (outcome->response)
           : -1;
}

/* The end, or another attempt. */
static void
conclude (CallAttempt *attempt, const ResilientOutcome *outcome, ResilientFailure failure)
{
  ResilientCallMachine *self = attempt->machine;
  ResilientVerdict verdict = { .reason = RESILIENT_REASON_SUCCESS };
  g_autoptr (GError) error = NULL;

  /* whatever became of a body that only others wanted */
  if (failure != RESILIENT_FAILURE_NONE && attempt->has_early_verdict
      && attempt->early_verdict.retry)
    failure = RESILIENT_FAILURE_STATUS;

  if (failure == RESILIENT_FAILURE_STATUS && attempt->has_early_verdict)
    verdict = attempt->early_verdict;
  else if (failure != RESILIENT_FAILURE_NONE)
    verdict = judge (attempt,
                     failure,
                     outcome->nothing_sent,
                     outcome->status_code,
                     get_retry_after (outcome, failure));
  self->new_connection =
    (failure & (RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT)) != 0;

  log_attempt (attempt, outcome, failure, verdict.reason);

  count_refusal (self, verdict.reason);
  if (verdict.reason == RESILIENT_REASON_CIRCUIT_OPEN)
    set_not_before (self, after (verdict.delay));
  if (verdict.retry)
    {
      if (resilient_frozen_request_get_mirrors (get_own_request (self)) != NULL)
        note_wait (self, get_retry_after (outcome, failure));
      go_to_next_mirror (self);
      go_to_sleep (self, verdict.delay, failure, verdict.reason, outcome->response, outcome->error);
      return;
    }
  if (failure == RESILIENT_FAILURE_NONE)
    {
      end (self, RESILIENT_RESULT_STATUS_SUCCESS, failure, verdict.reason, outcome->response, NULL);
      return;
    }

  if (outcome->error != NULL)
    error = describe_last_error (self, outcome->error);
  end (self,
       failure & RESILIENT_FAILURE_ANY_TIMEOUT ? RESILIENT_RESULT_STATUS_TIMEOUT
                                               : RESILIENT_RESULT_STATUS_ERROR,
       failure,
       verdict.reason,
       outcome->response,
       error);
}

static void
handle_attempt_done (ResilientCallMachine *self, gpointer arg)
{
  AttemptNews *news = arg;
  CallAttempt *attempt = news->attempt;
  ResilientFailure failure = get_failure (self, news->outcome);

  attempt->stage = STAGE_OVER;
  note_outcome (attempt, news->outcome);
  /* As long as another one is under way it is not the end of anything. */
  if (failure != RESILIENT_FAILURE_NONE && get_live (self) != NULL)
    {
      note_wait (self, get_retry_after (news->outcome, failure));
      log_attempt (attempt, news->outcome, failure, RESILIENT_REASON_HEDGE);
      show_phase (self);
      return;
    }
  settle (self, attempt);
  conclude (attempt, news->outcome, failure);
}

static void
released_cb (ResilientTransportAttempt *transport_attempt, gpointer data)
{
  AttemptNews news = { .attempt = data };

  resilient_call_machine_handle (
    news.attempt->machine, RESILIENT_MACHINE_EVENT_ATTEMPT_RELEASED, &news);
}

static void
handle_attempt_released (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = ((AttemptNews *) arg)->attempt;

  if (attempt->transport_attempt != NULL)
    {
      attempt_give_back (attempt);
      return;
    }

  set_stage (attempt, STAGE_RELEASED);
}

/* With the trace of the request; the headers of the request itself win over it later. Takes
 * @headers, which is nullable. */
static ResilientHeaders *
add_trace (CallAttempt *attempt, ResilientHeaders *headers)
{
  ResilientTraceContext *trace = resilient_frozen_request_get_trace (attempt->machine->frozen);
  g_autoptr (ResilientHeaders) shared = headers;
  ResilientHeaders *own =
    shared != NULL ? resilient_headers_copy (shared) : resilient_headers_new ();
  char parent[RESILIENT_TRACE_PARENT_SIZE];

  resilient_trace_context_write_parent (trace, attempt->number, parent);
  resilient_headers_replace (own, "traceparent", parent);
  resilient_headers_replace (own, "tracestate", resilient_trace_context_get_state (trace));
  return own;
}

static ResilientHeaders *
default_headers_cb (GUri *uri, gpointer data)
{
  CallAttempt *attempt = data;
  ResilientCallMachine *self = attempt->machine;
  g_autoptr (ResilientOrigin) other = NULL;
  ResilientOrigin *origin = self->origin;
  ResilientHeaders *headers;

  if (uri != resilient_frozen_request_peek_uri (self->frozen))
    origin = other = resilient_origin_table_get (resilient_engine_get_origins (self->engine), uri);
  headers = resilient_engine_dup_default_headers (self->engine, origin);

  /* As the secrets of a request, it does not come back either. */
  if (origin != self->origin)
    attempt->astray = TRUE;
  return resilient_frozen_request_get_trace (self->frozen) != NULL && !attempt->astray
           ? add_trace (attempt, headers)
           : headers;
}

static const ResilientTransportAttemptFuncs attempt_funcs = {
  .phase = phase_cb,
  .progress = progress_cb,
  .headers = headers_cb,
  .done = done_cb,
  .released = released_cb,
  .default_headers = default_headers_cb,
};

/* --- how an attempt begins ------------------------------------------------------------------- */

/* A request earns a share of a retry, with its first attempt. */
static void
pay_in (ResilientCallMachine *self)
{
  g_autoptr (ResilientRetryBudget) budget = NULL;

  if (self->view.attempts != 1
      || resilient_guards_is_empty (resilient_engine_get_guards (self->engine)))
    return;
  budget = resilient_origin_guards_dup_budget (resilient_origin_get_guards (self->origin));
  if (budget != NULL)
    resilient_retry_budget_deposit (budget);
}

/* Not from here: as of a sleep. */
static void
hedge_cb (gpointer data)
{
  post (data, MAIL_HEDGE);
}

static gboolean
has_hedges_left (ResilientCallMachine *self)
{
  int n_hedges = self->extras != NULL ? self->extras->n_hedges : 0;

  return n_hedges < get_policy_values (self)->hedge_max;
}

/* @attempt has begun: when another may begin beside it. */
static void
arm_hedge (ResilientCallMachine *self, CallAttempt *attempt)
{
  double delay;

  if (!may_be_hedged (self))
    return;

  if (!attempt->hedge)
    resilient_origin_deposit_hedge (self->origin);
  delay = get_policy_values (self)->hedge_delay;
  if (has_automatic_hedges (self))
    {
      delay = resilient_origin_get_hedge_delay (self->origin);
      if (!attempt->hedge && delay > 0)
        ensure_extras (self)->hedge_delay = delay;
    }
  if (delay > 0 && has_hedges_left (self))
    set_timer (self, after (delay), hedge_cb);
}

/* It has its slot, and what is to be done before it is sent is done. */
static void
launch (ResilientCallMachine *self, CallAttempt *attempt)
{
  g_autoptr (ResilientTransport) transport = resilient_engine_dup_transport (self->engine);
  guint generation = resilient_network_check_resume (resilient_engine_get_network (self->engine));
  ResilientTransportAttemptParams params = {
    .context = self->view.context,
    .frozen = self->frozen,
    .idempotency_key = resilient_frozen_request_get_idempotency_key (self->frozen),
    .user_agent = self->options->user_agent,
    .connect_timeout = self->options->connect_timeout,
    .read_timeout = self->options->read_timeout,
    .write_timeout = self->options->write_timeout,
    .attempt_timeout = self->options->attempt_timeout,
    .max_response_size = self->options->max_response_size,
    .new_connection = self->new_connection,
    .io_priority = resilient_scheduler_get_priority (self->scheduler),
    .pace = resilient_scheduler_get_pace (self->scheduler),
  };

  if (generation > 0 && resilient_origin_take_fresh_connection (self->origin, generation))
    params.new_connection = TRUE;

  resilient_frozen_request_ensure_uri (self->frozen);
  attempt->generation = generation;
  attempt->started = resilient_clock_get_boot ();
  attempt->started_real = resilient_clock_get_real ();
  attempt->stage = STAGE_STARTING;
  if (attempt->admission != NULL)
    resilient_admission_started (attempt->admission);
  attempt->transport_attempt = resilient_transport_attempt_start (
    transport, &params, resilient_scheduler_get_timers (self->scheduler), &attempt_funcs, attempt);

  if (attempt->stage == STAGE_STARTING)
    {
      attempt->stage = STAGE_RUNNING;
      arm_hedge (self, attempt);
    }
  else if (attempt->stage == STAGE_LEFT)
    resilient_transport_attempt_abandon (attempt->transport_attempt);
  else if (attempt->stage == STAGE_SHARED)
    post (self, MAIL_SETTLED); /* they may have left, too */
  else if (attempt->stage == STAGE_RELEASED)
    attempt_give_back (attempt);
}

static void
begin_attempt (ResilientCallMachine *self)
{
  CallAttempt *attempt = get_attended (self);
  ResilientMachineState from;

  if (self->extras != NULL)
    self->extras->n_hedges = 0;

  g_mutex_lock (&self->lock);
  attempt->number = ++self->view.attempts;
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  from = set_state_locked (self, RESILIENT_MACHINE_STATE_SENDING);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_ATTEMPT);
  g_mutex_unlock (&self->lock);

  tell_move (self, from, RESILIENT_MACHINE_STATE_SENDING);

  if (attempt->in_exchange)
    tell_sharing (resilient_exchange_begin (peek_exchange (attempt)));
  resilient_recorder_attempt (resilient_engine_get_recorder (self->engine));
  if (self->extras != NULL)
    {
      g_clear_pointer (&self->extras->last_response, resilient_response_unref);
      g_clear_object (&self->extras->paid_by);
    }
  pay_in (self);
  launch (self, attempt);
}

static void
handle_prepared (ResilientCallMachine *self, gpointer arg)
{
  begin_attempt (self);
}

/* It has its slot. */
static void
prepare (ResilientCallMachine *self, CallAttempt *attempt)
{
  if (self->extras != NULL)
    self->extras->queue_deadline = 0;
  if (!resilient_engine_has_preparation (self->engine))
    {
      begin_attempt (self);
      return;
    }

  set_state (self, RESILIENT_MACHINE_STATE_PREPARING);
  if (resilient_engine_prepare (self->engine, self->member.call))
    resilient_call_machine_handle (self, RESILIENT_MACHINE_EVENT_PREPARED, NULL);
}

/* --- admission ------------------------------------------------------------------------------- */

static GError *
make_overloaded (ResilientCallMachine *self)
{
  return g_error_new_literal (
    RESILIENT_CLIENT_ERROR,
    RESILIENT_CLIENT_ERROR_OVERLOADED,
    self->blocks_home ? _ ("The session has no connection left, and the thread that is to free one"
                           " would wait for it")
                      : _ ("Too many requests are waiting already"));
}

static void
tell_place (ResilientCallMachine *self, gboolean admitted)
{
  g_autofree char *name = resilient_debug_name_new (
    self->member.id, resilient_request_context_get_current_attempt (self->view.context) + 1);

  resilient_debug (name, admitted ? "has a slot" : "queued for a slot");
}

static void
tell_joined (ResilientCallMachine *self)
{
  g_autofree char *name = resilient_debug_name_new (
    self->member.id, resilient_request_context_get_current_attempt (self->view.context) + 1);

  resilient_debug (name, "shares that of another request for the same");
}

/* A line for who debugs. */
static void
tell_held (ResilientCallMachine *self, gint64 not_before)
{
  g_autofree char *name = resilient_debug_name_new (
    self->member.id, resilient_request_context_get_current_attempt (self->view.context) + 1);

  resilient_debug (name,
                   "held back for %g s",
                   resilient_clock_to_seconds (not_before - resilient_clock_get_boot ()));
}

static void
tell_hedge (ResilientCallMachine *self)
{
  g_autofree char *name = resilient_debug_name_new (
    self->member.id, resilient_request_context_get_current_attempt (self->view.context) + 1);

  resilient_debug (name, "has no answer yet, and is hedged");
}

/* In any thread. */
static void
ask_again_cb (gpointer data)
{
  post (data, MAIL_ASK_AGAIN);
}

/* Asks for one more attempt: the guards what they have against it, then the gate for a slot. ADMIT:
 * it has one, or a place in the queue. NOT_BEFORE: it has a place among those that are held back.
 */
static ResilientGuardAnswer
ask_admission (ResilientCallMachine *self, gint64 *not_before, GError **error)
{
  ResilientGuardAnswer answer = resilient_guards_check (
    resilient_engine_get_guards (self->engine), self->origin, not_before, error);
  ResilientSlots *slots = resilient_origin_get_slots (self->origin);
  ResilientGateAnswer answer_of_gate;
  CallAttempt *attempt = get_attended (self);

  if (answer == RESILIENT_GUARD_REFUSE || (answer == RESILIENT_GUARD_NOT_BEFORE && attempt != NULL))
    return answer;

  if (attempt == NULL)
    attempt = attempt_new (self);
  if (answer == RESILIENT_GUARD_NOT_BEFORE)
    {
      answer_of_gate =
        resilient_gate_hold (resilient_engine_get_gate (self->engine), slots, &attempt->waiter);
    }
  else
    {
      /* Once it is in the queue it may be admitted in another thread, which looks at nothing of
       * this. */
      attempt->stage = STAGE_WAITING;
      answer_of_gate =
        resilient_gate_enter (resilient_engine_get_gate (self->engine), slots, &attempt->waiter);
    }
  switch (answer_of_gate)
    {
    case RESILIENT_GATE_ADMITTED:
      attempt->stage = STAGE_ADMITTED;
      break;
    case RESILIENT_GATE_QUEUED:
      /* Its turn with a guard may come before it has a slot: others must not wait for that. */
      if (attempt->admission != NULL)
        resilient_admission_step_back (attempt->admission);
      resilient_frozen_request_forget_uri (self->frozen);
      break;
    case RESILIENT_GATE_OVERLOADED:
      attempt_free (attempt);
      *error = make_overloaded (self);
      return RESILIENT_GUARD_REFUSE;
    }

  /* not by its stage: once it waits it may be admitted in another thread */
  if (G_UNLIKELY (resilient_debug_is_on ()) && answer == RESILIENT_GUARD_ADMIT)
    tell_place (self, answer_of_gate == RESILIENT_GATE_ADMITTED);
  return answer;
}

/* With what is written of its authority beside the origin, which may be written in several ways. */
static void
append_uri (GString *key, ResilientOrigin *origin, const char *uri)
{
  const char *authority = strstr (uri, "://") + strlen ("://");
  const char *path = authority + strcspn (authority, "/?#");
  const char *at = g_strrstr_len (authority, path - authority, "@");

  g_string_append_len (key, authority, at != NULL ? at + 1 - authority : 0);
  g_string_append (key, resilient_origin_peek_key (origin));
  g_string_append (key, path);
}

/* In their order. What is secret does not go where a redirect may lead. */
static void
append_headers (GString *key, ResilientHeaders *headers)
{
  for (guint i = 0; headers != NULL && i < resilient_headers_get_length (headers); i++)
    {
      const char *name, *value;

      resilient_headers_get_nth (headers, i, &name, &value);
      g_string_append_printf (
        key, "\n%s%s:%s", resilient_headers_is_secret (headers, name) ? "*" : "", name, value);
    }
}

/* What is the same of all that share an attempt: the request as it is sent, with the headers that
 * client and origin add now, and what it is held to while it is. When it is sent, too: one that is
 * urgent does not wait for one that is not. And who drives it: a thread that blocks may not wait
 * for a context that does not turn. */
static char *
make_exchange_key (ResilientCallMachine *self)
{
  ResilientFrozenRequest *frozen = self->frozen;
  g_autoptr (ResilientHeaders) defaults =
    resilient_engine_dup_default_headers (self->engine, self->origin);
  const char *idempotency_key = resilient_frozen_request_get_idempotency_key (frozen);
  const ResilientCallOptions *options = self->options;
  GString *key = g_string_new (NULL);
  int priority;

  g_mutex_lock (&self->lock);
  priority = self->view.priority;
  g_mutex_unlock (&self->lock);

  append_uri (key, self->origin, resilient_frozen_request_get_uri_text (frozen));
  g_string_append_printf (key,
                          "\n%p %a %a %a %a %" G_GUINT64_FORMAT " %d %d %d %d\n%s\n%s",
                          (void *) self->scheduler,
                          options->connect_timeout,
                          options->read_timeout,
                          options->write_timeout,
                          options->attempt_timeout,
                          options->max_response_size,
                          resilient_frozen_request_drops_secrets (frozen),
                          resilient_frozen_request_get_idempotency (frozen),
                          self->new_connection,
                          priority,
                          options->user_agent != NULL ? options->user_agent : "",
                          idempotency_key != NULL ? idempotency_key : "");
  append_headers (key, resilient_frozen_request_get_headers (frozen));
  g_string_append_c (key, '\n');
  append_headers (key, defaults);
  return g_string_free (key, FALSE);
}

/* As ask_admission(), but where another call has an attempt under way for the same. ADMIT: it has
 * joined that, or as there. */
static ResilientGuardAnswer
ask_for_attempt (ResilientCallMachine *self, gint64 *not_before, GError **error)
{
  g_autoptr (ResilientExchange) exchange = NULL;
  ResilientParty *party;
  ResilientGuardAnswer answer;
  CallAttempt *attempt;
  gboolean leads;

  if (!may_share (self) || get_attended (self) != NULL)
    return ask_admission (self, not_before, error);

  party = &ensure_extras (self)->party;
  party->call = (GObject *) self->member.call;
  party->machine = self;
  exchange = resilient_exchange_table_enter (
    resilient_engine_get_exchanges (self->engine), make_exchange_key (self), party, &leads);
  if (!leads)
    {
      attempt = attempt_new (self);
      attempt->shares = TRUE;
      attempt->stage = STAGE_JOINED;
      give_exchange (attempt, g_steal_pointer (&exchange));
      resilient_frozen_request_forget_uri (self->frozen);
      if (G_UNLIKELY (resilient_debug_is_on ()))
        tell_joined (self);
      return RESILIENT_GUARD_ADMIT;
    }

  answer = ask_admission (self, not_before, error);
  attempt = get_attended (self);
  if (attempt != NULL)
    give_exchange (attempt, g_steal_pointer (&exchange));
  else
    end_exchange (g_steal_pointer (&exchange), NULL);
  return answer;
}

/* The time in the queue is one, whether a guard or the gate keeps it there. */
static gint64
get_queue_deadline (ResilientCallMachine *self)
{
  if (self->extras != NULL && self->extras->queue_deadline != 0)
    return self->extras->queue_deadline;
  return self->options->queue_timeout > 0 ? after (self->options->queue_timeout) : 0;
}

static void
wait_in_queue (ResilientCallMachine *self)
{
  gint64 deadline = get_queue_deadline (self);

  if (deadline == 0)
    return;
  /* it may go on where it waits now for another reason */
  if (may_share (self) || !resilient_guards_is_empty (resilient_engine_get_guards (self->engine)))
    ensure_extras (self)->queue_deadline = deadline;
  set_timer (self, deadline, queue_timeout_cb);
}

static void
wait_for_guard (ResilientCallMachine *self, gint64 not_before)
{
  gint64 deadline = get_queue_deadline (self);
  CallAttempt *attempt = get_attended (self);

  if (!attempt->was_held)
    resilient_recorder_guarded (resilient_engine_get_recorder (self->engine),
                                RESILIENT_GUARD_ACT_HELD_BACK);
  attempt->was_held = TRUE;
  ensure_extras (self)->queue_deadline = deadline;
  set_not_before (self, not_before);
  if (G_UNLIKELY (resilient_debug_is_on ()))
    tell_held (self, not_before);
  resilient_frozen_request_forget_uri (self->frozen);
  if (deadline != 0 && deadline < not_before)
    set_timer (self, deadline, queue_timeout_cb);
  else
    set_timer (self, not_before, wake_cb);
}

static void queue_up (ResilientCallMachine *self);

/* What an open breaker keeps from one server may go to the next one that was not asked yet. */
static gboolean
ask_next_mirror (ResilientCallMachine *self)
{
  CallAttempt *attempt = get_attended (self);

  if (!has_fresh_mirror (self))
    return FALSE;

  clear_timer (self);
  if (attempt != NULL)
    attempt_leave (attempt);
  set_not_before (self, 0);
  go_to_next_mirror (self);
  queue_up (self);
  return TRUE;
}

/* A guard's last word. @not_before: when it may admit one again. */
static void
refuse_attempt (ResilientCallMachine *self, gint64 not_before, const GError *error)
{
  ResilientFailure failure = resilient_failure_from_error (error, TRUE);
  gboolean open = failure == RESILIENT_FAILURE_CIRCUIT_OPEN;
  g_autoptr (ResilientResponse) response = NULL;

  if (open)
    resilient_recorder_guarded (resilient_engine_get_recorder (self->engine),
                                RESILIENT_GUARD_ACT_CIRCUIT_REFUSED);
  if (open && ask_next_mirror (self))
    return;
  if (self->extras != NULL)
    response = g_steal_pointer (&self->extras->last_response);
  set_not_before (self, not_before);
  /* An answer that there was is worth more than the news that there is no other. */
  end (self,
       RESILIENT_RESULT_STATUS_ERROR,
       response != NULL ? RESILIENT_FAILURE_STATUS : failure,
       open ? RESILIENT_REASON_CIRCUIT_OPEN : RESILIENT_REASON_NOT_RETRYABLE,
       response,
       response != NULL ? NULL : error);
}

/* It has its slot: the guards give what it needs, or the slot goes back. */
static void
use_slot (ResilientCallMachine *self, CallAttempt *attempt)
{
  ResilientGuards *guards = resilient_engine_get_guards (self->engine);
  ResilientGuardAnswer answer;
  g_autoptr (GError) error = NULL;
  gint64 not_before = 0;

  attempt->stage = STAGE_ADMITTED;
  if (resilient_guards_is_empty (guards))
    {
      prepare (self, attempt);
      return;
    }

  if (attempt->admission == NULL)
    attempt->admission =
      resilient_admission_new (guards, self->origin, self->member.call, ask_again_cb, self);
  answer = resilient_guards_check (guards, self->origin, &not_before, &error);
  if (answer == RESILIENT_GUARD_ADMIT)
    answer = resilient_admission_enter (attempt->admission, &not_before, &error);
  else
    resilient_admission_step_back (attempt->admission);

  switch (answer)
    {
    case RESILIENT_GUARD_ADMIT:
      set_not_before (self, 0);
      prepare (self, attempt);
      break;
    case RESILIENT_GUARD_NOT_BEFORE:
      /* first: the slot goes to who may be driven by this very thread */
      attempt->stage = STAGE_HELD;
      resilient_gate_hold (resilient_engine_get_gate (self->engine),
                           resilient_origin_get_slots (self->origin),
                           &attempt->waiter);
      wait_for_guard (self, not_before);
      break;
    case RESILIENT_GUARD_REFUSE:
      refuse_attempt (self, not_before, error);
      break;
    }
}

/* FALSE: it has no slot, or a guard has something against it; nothing is taken then. */
static gboolean
admit_hedge (ResilientCallMachine *self, CallAttempt *attempt)
{
  ResilientGuards *guards = resilient_engine_get_guards (self->engine);
  g_autoptr (GError) error = NULL;
  gint64 not_before = 0;

  if (resilient_guards_check (guards, self->origin, &not_before, &error) != RESILIENT_GUARD_ADMIT
      || !resilient_gate_try_enter (resilient_engine_get_gate (self->engine),
                                    resilient_origin_get_slots (self->origin),
                                    &attempt->waiter))
    return FALSE;

  attempt->stage = STAGE_ADMITTED;
  if (resilient_guards_is_empty (guards))
    return TRUE;
  attempt->admission =
    resilient_admission_new (guards, self->origin, self->member.call, ask_again_cb, self);
  return resilient_admission_enter (attempt->admission, &not_before, &error)
         == RESILIENT_GUARD_ADMIT;
}

static gboolean
has_answer (ResilientCallMachine *self)
{
  for (CallAttempt *attempt = self->attempts; attempt != NULL; attempt = attempt->next)
    {
      if (is_live (attempt) && attempt->answered)
        return TRUE;
    }
  return FALSE;
}

/* No answer after the delay: one more attempt beside what is under way. It is made at once or not
 * at all; what made the running one ready to be sent holds for it too. */
static void
handle_hedge (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt;

  /* of an attempt that is over */
  if (resilient_timer_is_set (&self->timer))
    return;
  if (!may_be_hedged (self) || !has_hedges_left (self) || has_answer (self)
      || resilient_engine_is_closing (self->engine))
    return;

  attempt = attempt_new (self);
  attempt->hedge = TRUE;
  if (!admit_hedge (self, attempt) || !resilient_origin_withdraw_hedge (self->origin))
    {
      if (attempt->stage == STAGE_ADMITTED)
        attempt_give_back (attempt);
      else
        attempt_free (attempt);
      return;
    }

  ensure_extras (self)->n_hedges++;
  attempt->number = self->view.attempts | (guint) self->extras->n_hedges << HEDGE_NUMBER_SHIFT;
  if (G_UNLIKELY (resilient_debug_is_on ()))
    tell_hedge (self);
  resilient_recorder_hedge (resilient_engine_get_recorder (self->engine));
  launch (self, attempt);
}

/* The attempt that it shares is being sent. It waits for what that brings, for as long as it
 * takes. */
static void
begin_shared (ResilientCallMachine *self, CallAttempt *attempt)
{
  ResilientMachineState from;

  clear_timer (self);
  self->extras->queue_deadline = 0;
  g_clear_pointer (&self->extras->last_response, resilient_response_unref);
  attempt->started = resilient_clock_get_boot ();
  attempt->started_real = resilient_clock_get_real ();

  g_mutex_lock (&self->lock);
  attempt->number = ++self->view.attempts;
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  from = set_state_locked (self, RESILIENT_MACHINE_STATE_JOINED);
  changed_locked (self, 1 << RESILIENT_CALL_PROP_ATTEMPT);
  g_mutex_unlock (&self->lock);

  tell_move (self, from, RESILIENT_MACHINE_STATE_JOINED);
  pay_in (self);
}

/* As if the attempt were its own. */
static void
conclude_shared (ResilientCallMachine *self, CallAttempt *attempt, const ResilientOutcome *outcome)
{
  if (outcome->status_code != 0)
    {
      g_mutex_lock (&self->lock);
      self->view.status_code = MIN (outcome->status_code, G_MAXUINT16);
      changed_locked (self, 1 << RESILIENT_CALL_PROP_STATUS_CODE);
      g_mutex_unlock (&self->lock);
    }
  attempt->stage = STAGE_OVER;
  /* the policy of who leads may have none of it */
  share_retry_after (self, outcome);
  conclude (attempt, outcome, get_failure (self, outcome));
  attempt_free (attempt);
}

static void queue_up (ResilientCallMachine *self);

/* Something has become of the attempt that it shares, or of one that it has left. */
static void
handle_shared (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = get_attended (self);
  const ResilientOutcome *outcome;

  if (attempt == NULL || attempt->stage != STAGE_JOINED)
    return;

  switch (resilient_exchange_get_state (peek_exchange (attempt), &outcome))
    {
    case RESILIENT_EXCHANGE_WAITING:
      break;
    case RESILIENT_EXCHANGE_BEGUN:
      if (self->state == RESILIENT_MACHINE_STATE_QUEUED)
        begin_shared (self, attempt);
      break;
    case RESILIENT_EXCHANGE_ENDED:
      if (self->state == RESILIENT_MACHINE_STATE_QUEUED)
        begin_shared (self, attempt);
      conclude_shared (self, attempt, outcome);
      break;
    case RESILIENT_EXCHANGE_VOID:
      /* The other one did not come to send it: as if it had never joined. */
      clear_timer (self);
      attempt_free (attempt);
      queue_up (self);
      break;
    }
}

/* Makes one more attempt, or waits in the queue for it. */
static void
queue_up (ResilientCallMachine *self)
{
  ResilientGuardAnswer answer = RESILIENT_GUARD_ADMIT;
  g_autoptr (GError) error = NULL;
  gint64 not_before = 0;
  CallAttempt *attempt = get_attended (self);

  /* else it has been in the queue since before its first turn */
  if (attempt == NULL || attempt->stage == STAGE_HELD)
    answer = ask_for_attempt (self, &not_before, &error);
  /* Who sees it in the queue may count on it that it has its place there. */
  if (self->state != RESILIENT_MACHINE_STATE_QUEUED)
    set_state (self, RESILIENT_MACHINE_STATE_QUEUED);

  switch (answer)
    {
    case RESILIENT_GUARD_ADMIT:
      set_not_before (self, 0);
      attempt = get_attended (self);
      if (attempt->stage == STAGE_ADMITTED)
        use_slot (self, attempt);
      else
        wait_in_queue (self);
      /* it may have begun, and even ended, since it was joined */
      handle_shared (self, NULL);
      break;
    case RESILIENT_GUARD_NOT_BEFORE:
      wait_for_guard (self, not_before);
      break;
    case RESILIENT_GUARD_REFUSE:
      refuse_attempt (self, not_before, error);
      break;
    }
}

static void
handle_start (ResilientCallMachine *self, gpointer arg)
{
  if (self->options->total_timeout > 0)
    resilient_timer_queue_set (resilient_scheduler_get_timers (self->scheduler),
                               &ensure_extras (self)->deadline,
                               get_deadline (self),
                               deadline_cb,
                               self);
  if (self->extras != NULL && self->extras->refusal != NULL)
    {
      set_state (self, RESILIENT_MACHINE_STATE_QUEUED);
      refuse_attempt (self, self->extras->not_before, self->extras->refusal);
    }
  else
    {
      queue_up (self);
    }
}

static void
handle_admitted (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = get_attended (self);

  clear_timer (self);
  use_slot (self, attempt);
}

/* It had ended at the very moment. */
static void
handle_admitted_late (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = get_attended (self);

  if (attempt != NULL)
    attempt_give_back (attempt);
}

static void
handle_queue_timeout (ResilientCallMachine *self, gpointer arg)
{
  CallAttempt *attempt = get_attended (self);
  gboolean held = FALSE;
  g_autoptr (GError) error = NULL;

  if (attempt != NULL)
    {
      held = attempt->stage == STAGE_HELD;
      if (attempt->stage != STAGE_JOINED
          && !resilient_gate_withdraw (resilient_engine_get_gate (self->engine), &attempt->waiter))
        return; /* admitted at this very moment */
      attempt_free (attempt);
    }

  set_not_before (self, 0);
  error = g_error_new (G_IO_ERROR,
                       G_IO_ERROR_TIMED_OUT,
                       /* Translators: seconds, with a fraction. */
                       held ? _ ("The request was held back for longer than %g s")
                            : _ ("No slot became free for the request within %g s"),
                       self->options->queue_timeout);
  end (self,
       RESILIENT_RESULT_STATUS_TIMEOUT,
       RESILIENT_FAILURE_QUEUE_TIMEOUT,
       RESILIENT_REASON_QUEUE_TIMEOUT,
       NULL,
       error);
}

static gboolean
is_held (ResilientCallMachine *self)
{
  CallAttempt *attempt = get_attended (self);

  return attempt != NULL && attempt->stage == STAGE_HELD;
}

/* A guard said: not before now. */
static void
handle_wake_in_queue (ResilientCallMachine *self, gpointer arg)
{
  /* else it was of an earlier sleep */
  if (is_held (self) && !resilient_timer_is_set (&self->timer))
    queue_up (self);
}

/* A breaker has opened, which may be that of its origin: then it is refused now and not at its
 * turn. Else it keeps its place in whatever line it stands. */
static void
check_again (ResilientCallMachine *self)
{
  g_autoptr (GError) error = NULL;
  gint64 not_before = 0;

  if (resilient_guards_check (
        resilient_engine_get_guards (self->engine), self->origin, &not_before, &error)
      != RESILIENT_GUARD_REFUSE)
    return;

  clear_timer (self);
  refuse_attempt (self, not_before, error);
}

static void
handle_ask_again (ResilientCallMachine *self, gpointer arg)
{
  gboolean only_check = GPOINTER_TO_INT (arg) != 0;

  if (!is_held (self))
    return;

  if (only_check)
    {
      check_again (self);
    }
  else
    {
      clear_timer (self);
      queue_up (self);
    }
}

/* --- sleep ----------------------------------------------------------------------------------- */

/* TRUE: the machine is offline, and NETWORK_BACK will say when the call may go on. */
static gboolean
go_offline (ResilientCallMachine *self)
{
  ResilientNetwork *network = resilient_engine_get_network (self->engine);

  if (resilient_origin_is_near (self->origin) || !resilient_network_is_offline (network))
    return FALSE;

  ensure_extras (self);
  ref_call (self);
  if (!resilient_network_wait (network, &self->extras->network_waiter, self->origin))
    {
      unref_call (self);
      return FALSE;
    }

  set_state (self, RESILIENT_MACHINE_STATE_OFFLINE);
  return TRUE;
}

static void
handle_wake (ResilientCallMachine *self, gpointer arg)
{
  guint generation;

  /* of an earlier sleep, which something else ended */
  if (resilient_timer_is_set (&self->timer))
    return;

  generation = resilient_network_check_resume (resilient_engine_get_network (self->engine));
  if (generation != self->generation)
    {
      self->generation = generation;
      sleep_until (self, after (resilient_random_range (0, SPREAD)));
    }
  else if (!go_offline (self))
    {
      queue_up (self);
    }
}

static void
handle_retry_now (ResilientCallMachine *self, gpointer arg)
{
  clear_timer (self);
  leave_offline (self);
  queue_up (self);
}

static void
handle_network_back (ResilientCallMachine *self, gpointer arg)
{
  gboolean spread = GPOINTER_TO_INT (arg) != 0;

  leave_offline (self);
  if (spread)
    {
      set_state (self, RESILIENT_MACHINE_STATE_SLEEPING);
      sleep_until (self, after (resilient_random_range (0, SPREAD)));
    }
  else
    {
      queue_up (self);
    }
}

/* --- the table of events --------------------------------------------------------------------- */

typedef void (*Handler) (ResilientCallMachine *self, gpointer arg);

#define ON(event, handler) [RESILIENT_MACHINE_EVENT_##event] = handler
#define ON_INTERRUPTIONS                                                                           \
  ON (CANCEL, handle_cancel), ON (CLOSE, handle_close), ON (DEADLINE, handle_deadline)
/* An attempt may be released in any state: one that the call left, or that is over. The same goes
 * for what is left to do about one that lost. */
#define ON_RELEASE ON (ATTEMPT_RELEASED, handle_attempt_released), ON (SETTLED, handle_settled)

/* What is not here changes nothing: it came too late. */
static const Handler handlers[RESILIENT_MACHINE_N_STATES][RESILIENT_MACHINE_N_EVENTS] = {
  [RESILIENT_MACHINE_STATE_NEW] = {
    ON (START, handle_start),
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_QUEUED] = {
    ON (ADMITTED, handle_admitted),
    ON (QUEUE_TIMEOUT, handle_queue_timeout),
    ON (WAKE, handle_wake_in_queue),
    ON (ASK_AGAIN, handle_ask_again),
    ON (SHARED, handle_shared),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_PREPARING] = {
    ON (PREPARED, handle_prepared),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_SENDING] = {
    ON (PHASE, handle_phase),
    ON (HEADERS, handle_headers),
    ON (HEDGE, handle_hedge),
    ON (ATTEMPT_DONE, handle_attempt_done),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_RECEIVING] = {
    ON (PHASE, handle_phase),
    ON (HEADERS, handle_headers),
    ON (HEDGE, handle_hedge),
    ON (ATTEMPT_DONE, handle_attempt_done),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_STREAMING] = {
    ON (ATTEMPT_DONE, handle_attempt_done),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_JOINED] = {
    ON (SHARED, handle_shared),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_SLEEPING] = {
    ON (WAKE, handle_wake),
    ON (RETRY_NOW, handle_retry_now),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  [RESILIENT_MACHINE_STATE_OFFLINE] = {
    ON (RETRY_NOW, handle_retry_now),
    ON (NETWORK_BACK, handle_network_back),
    ON_RELEASE,
    ON_INTERRUPTIONS,
  },
  /* The time of the call is over, or it ended before that. */
  [RESILIENT_MACHINE_STATE_FALLBACK] = {
    ON (ADMITTED, handle_admitted_late),
    ON (FALLBACK, handle_fallback),
    ON (CANCEL, handle_cancel),
    ON (CLOSE, handle_close),
    ON_RELEASE,
  },
  [RESILIENT_MACHINE_STATE_ENDING] = {
    ON (ADMITTED, handle_admitted_late),
    ON_RELEASE,
  },
  [RESILIENT_MACHINE_STATE_DONE] = {
    ON (ADMITTED, handle_admitted_late),
    ON_RELEASE,
  },
};

void
resilient_call_machine_handle (ResilientCallMachine *self,
                               ResilientMachineEvent event,
                               gpointer arg)
{
  Handler handler = handlers[self->state][event];

  /* In a forked child a source of the parent's may still tell of something. */
  if (handler != NULL && !resilient_engine_is_foreign (self->engine, NULL))
    handler (self, arg);
}

/* --- from any thread ------------------------------------------------------------------------- */

ResilientCallMachine *
resilient_call_machine_new (ResilientCall *call, const ResilientCallMachineFuncs *funcs)
{
  ResilientCallMachine *self = g_new0 (ResilientCallMachine, 1);

  self->member.call = call;
  self->funcs = funcs;
  self->view.download_size = -1;
  g_mutex_init (&self->lock);

  return self;
}

void
resilient_call_machine_free (ResilientCallMachine *self)
{
  g_slist_free_full (self->log, (GDestroyNotify) resilient_attempt_unref);
  g_clear_pointer (&self->view.result, resilient_result_unref);
  g_clear_pointer (&self->view.context, resilient_request_context_unref);
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  g_clear_pointer (&self->frozen, resilient_frozen_request_unref);
  g_clear_object (&self->origin);
  if (self->done_cond != NULL)
    g_cond_clear (self->done_cond);
  g_free (self->done_cond);
  g_clear_pointer (&self->options, resilient_call_options_release);
  if (self->extras != NULL)
    {
      g_clear_error (&self->extras->refusal);
      g_clear_pointer (&self->extras->origins, g_ptr_array_unref);
      g_clear_pointer (&self->extras->waits, g_array_unref);
      g_clear_pointer (&self->extras->own_request, resilient_frozen_request_unref);
      g_clear_pointer (&self->extras->last_response, resilient_response_unref);
      g_clear_object (&self->extras->paid_by);
      g_clear_pointer (&self->extras->caller, g_main_context_unref);
      g_clear_pointer (&self->extras->failing, failing_free);
    }
  g_free (self->extras);
  g_clear_pointer (&self->scheduler, resilient_scheduler_unref);
  g_clear_pointer (&self->engine, resilient_engine_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
set_context (ResilientCallMachine *self, ResilientRequestContext *context)
{
  self->view.context = context;
  /* Every context of a call shares the one string of the id. */
  self->member.id = resilient_request_context_get_request_id (context);
}

/* INVALID, OVERLOADED or CLOSED: the caller gets the error, nobody else hears of it. */
static void
refuse (ResilientCallMachine *self, const GError *error)
{
  ResilientFailure failure = resilient_failure_from_error (error, TRUE);

  if (!self->quiet || failure != RESILIENT_FAILURE_OVERLOADED)
    resilient_recorder_refused (resilient_engine_get_recorder (self->engine));
  set_state (self, RESILIENT_MACHINE_STATE_ENDING);
  finish (
    self,
    resilient_result_new (
      self->view.context, RESILIENT_RESULT_STATUS_ERROR, NULL, error, failure, 0, 0, 0, NULL));
}

gboolean
resilient_call_machine_enter (ResilientCallMachine *self,
                              ResilientEngine *engine,
                              ResilientScheduler *scheduler,
                              ResilientFrozenRequest *frozen,
                              ResilientRequestContext *context,
                              gboolean blocks)
{
  g_autoptr (ResilientHeaders) marks = NULL;
  g_autoptr (GError) error = NULL;
  gint64 not_before = 0;

  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (scheduler);
  self->frozen = resilient_frozen_request_ref (frozen);
  self->blocks_home = blocks && resilient_engine_is_home_thread (engine);
  self->view.priority = resilient_frozen_request_get_priority (frozen);
  self->view.upload_size = resilient_frozen_request_get_body (frozen) != NULL
                             ? resilient_body_get_size (resilient_frozen_request_get_body (frozen))
                             : 0;
  set_context (self, resilient_engine_take_settings (engine, frozen, context, &self->options));
  self->started = resilient_clock_get_boot ();
  if (resilient_frozen_request_get_fallback (frozen) != NULL)
    {
      ensure_extras (self)->has_fallback = TRUE;
      self->extras->caller = blocks ? NULL : g_main_context_ref_thread_default ();
    }

  if (!resilient_engine_add_call (engine, &self->member, &error))
    {
      refuse (self, error);
      return FALSE;
    }

  self->origin = resilient_origin_table_get (resilient_engine_get_origins (engine),
                                             resilient_frozen_request_ensure_uri (self->frozen));
  marks = resilient_origin_dup_secret_marks (self->origin);
  if (marks != NULL)
    resilient_frozen_request_mark_secrets (frozen, marks);

  /* The place in the queue is taken now, in the order of the calls; everything else happens in the
   * driving context: libsoup must not be touched by a thread while another iterates its context. */
  if (ask_for_attempt (self, &not_before, &error) == RESILIENT_GUARD_REFUSE)
    {
      if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED))
        {
          refuse (self, error);
          resilient_engine_remove_call (engine, &self->member, self->scheduler);
          return FALSE;
        }
      set_not_before (self, not_before);
      ensure_extras (self)->refusal = g_steal_pointer (&error);
    }

  resilient_recorder_started (resilient_engine_get_recorder (engine));
  return TRUE;
}

void
resilient_call_machine_refuse (ResilientCallMachine *self,
                               ResilientEngine *engine,
                               ResilientScheduler *scheduler,
                               const GError *error)
{
  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (scheduler);
  set_context (self,
               resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL));
  refuse (self, error);
}

void
resilient_call_machine_refuse_foreign (ResilientCallMachine *self,
                                       ResilientEngine *engine,
                                       const GError *error)
{
  self->engine = resilient_engine_ref (engine);
  self->scheduler = resilient_scheduler_ref (resilient_engine_get_home (engine));
  set_context (self,
               resilient_request_context_stamp (NULL, resilient_retry_policy_get_default (), NULL));
  self->view.failure = RESILIENT_FAILURE_CLOSED;
  self->view.result = resilient_result_new (self->view.context,
                                            RESILIENT_RESULT_STATUS_ERROR,
                                            NULL,
                                            error,
                                            self->view.failure,
                                            0,
                                            0,
                                            0,
                                            NULL);
  /* Nobody else has it yet. */
  set_state_locked (self, RESILIENT_MACHINE_STATE_ENDING);
  set_state_locked (self, RESILIENT_MACHINE_STATE_DONE);
}

void
resilient_call_machine_begin (ResilientCallMachine *self)
{
  post (self, MAIL_START);
}

void
resilient_call_machine_set_quiet (ResilientCallMachine *self)
{
  self->quiet = TRUE;
}

void
resilient_call_machine_set_streams (ResilientCallMachine *self)
{
  self->streams = TRUE;
}

ResilientMachineState
resilient_call_machine_get_state (ResilientCallMachine *self)
{
  ResilientMachineState state;

  resilient_call_machine_lock (self);
  state = self->state;
  resilient_call_machine_unlock (self);

  return state;
}

ResilientEngine *
resilient_call_machine_get_engine (ResilientCallMachine *self)
{
  return self->engine;
}

static gboolean
is_foreign (ResilientCallMachine *self)
{
  return self->engine != NULL && resilient_engine_is_foreign (self->engine, NULL);
}

const ResilientCallView *
resilient_call_machine_lock (ResilientCallMachine *self)
{
  if (!is_foreign (self))
    g_mutex_lock (&self->lock);

  return &self->view;
}

void
resilient_call_machine_unlock (ResilientCallMachine *self)
{
  if (!is_foreign (self))
    g_mutex_unlock (&self->lock);
}

double
resilient_call_machine_get_delay_left_locked (ResilientCallMachine *self)
{
  gint64 left = 0;

  if (self->state == RESILIENT_MACHINE_STATE_SLEEPING)
    left =
      resilient_timer_queue_get_due (resilient_scheduler_get_timers (self->scheduler), &self->timer)
      - resilient_clock_get_boot ();
  else if (self->extras != NULL && self->extras->not_before != 0)
    left = self->extras->not_before - resilient_clock_get_boot ();

  return resilient_clock_to_seconds (MAX (left, 0));
}

void
resilient_call_machine_set_priority (ResilientCallMachine *self, int priority)
{
  gboolean same;

  resilient_call_machine_lock (self);
  same = self->view.priority == priority;
  self->view.priority = priority;
  if (!same && self->engine != NULL)
    changed_locked (self, 1 << RESILIENT_CALL_PROP_PRIORITY);
  resilient_call_machine_unlock (self);

  if (!same && self->engine != NULL)
    post (self, MAIL_PRIORITY);
}

gboolean
resilient_call_machine_retry_now (ResilientCallMachine *self)
{
  gboolean asleep;

  if (is_foreign (self))
    return FALSE;

  /* In one go: it is this sleep that ends, and no later one. */
  g_mutex_lock (&self->lock);
  asleep = self->state == RESILIENT_MACHINE_STATE_SLEEPING
           || self->state == RESILIENT_MACHINE_STATE_OFFLINE;
  if (asleep)
    post_locked (self, MAIL_RETRY_NOW);
  g_mutex_unlock (&self->lock);

  return asleep;
}

/* Under the lock. */
static gboolean
is_at_its_end (ResilientCallMachine *self)
{
  return self->state >= RESILIENT_MACHINE_STATE_ENDING;
}

gboolean
resilient_call_machine_cancel (ResilientCallMachine *self, ResilientCancelCause cause)
{
  gboolean live;

  /* The parent's cancellable may be cancelled in a forked child, too. */
  if (is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  live = !is_at_its_end (self);
  /* The total deadline is not the end where the app is asked for an answer after it. */
  if (self->cancel_cause == RESILIENT_CANCEL_NONE
      || (self->cancel_cause == RESILIENT_CANCEL_BY_DEADLINE && !self->told && has_fallback (self)))
    self->cancel_cause = cause;
  if (live && self->done_cond != NULL)
    g_cond_broadcast (self->done_cond);
  g_mutex_unlock (&self->lock);

  if (live)
    post (self, MAIL_CANCEL);

  return live;
}

void
resilient_call_machine_check_again (ResilientCallMachine *self)
{
  if (is_foreign (self))
    return;

  g_mutex_lock (&self->lock);
  if (self->state == RESILIENT_MACHINE_STATE_QUEUED)
    post_locked (self, MAIL_CHECK_AGAIN);
  g_mutex_unlock (&self->lock);
}

void
resilient_call_machine_prepared (ResilientCallMachine *self)
{
  post (self, MAIL_PREPARED);
}

void
resilient_call_machine_ask_complete (ResilientCallMachine *self)
{
  post (self, MAIL_COMPLETE);
}

ResilientResult *
resilient_call_machine_snapshot (ResilientCallMachine *self)
{
  ResilientResult *result;

  g_mutex_lock (&self->lock);
  if (self->view.result != NULL)
    result = resilient_result_ref (self->view.result);
  else
    result = resilient_result_new (
      self->view.context,
      RESILIENT_RESULT_STATUS_PENDING,
      NULL,
      NULL,
      self->view.failure,
      self->view.attempts,
      self->sends,
      resilient_clock_to_seconds (resilient_clock_get_boot () - self->started),
      NULL);
  g_mutex_unlock (&self->lock);

  return result;
}

/* TRUE: there is a reason not to wait for the scheduler any more, unless it is at the end
 * already. */
static gboolean
is_overdue_locked (ResilientCallMachine *self, gint64 deadline)
{
  if (is_at_its_end (self))
    return FALSE;
  if (self->state == RESILIENT_MACHINE_STATE_FALLBACK)
    return is_unwanted_locked (self);
  return self->cancel_cause != RESILIENT_CANCEL_NONE
         || (deadline != 0 && deadline <= resilient_clock_get_boot ());
}

/* FALSE: the scheduler had its time, and the call is given up. The time is real even where the
 * clock is not: it is threads that are waited for. */
static gboolean
wait_for_scheduler_locked (ResilientCallMachine *self, gint64 deadline, gint64 *give_up)
{
  if (*give_up == 0)
    *give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;
  if (g_cond_wait_until (self->done_cond, &self->lock, *give_up))
    return TRUE;
  if (!is_overdue_locked (self, deadline))
    return TRUE;

  self->told = TRUE;
  if (self->cancel_cause == RESILIENT_CANCEL_NONE)
    self->cancel_cause = RESILIENT_CANCEL_BY_DEADLINE;
  return FALSE;
}

static gboolean
has_slot_due_locked (ResilientCallMachine *self)
{
  CallAttempt *attempt = self->attempts;

  while (attempt != NULL && attempt->stage != STAGE_OVER)
    attempt = attempt->next;
  return attempt != NULL;
}

/* It has ended, and its slot goes back at once. Where nobody may wait for one, the next call of
 * this thread would be refused before that. */
static void
wait_for_slot_locked (ResilientCallMachine *self)
{
  gint64 give_up = g_get_monotonic_time () + SCHEDULER_PATIENCE;

  while (has_slot_due_locked (self) && g_cond_wait_until (self->done_cond, &self->lock, give_up))
    ;
}

GError *
resilient_call_machine_block (ResilientCallMachine *self)
{
  gboolean may_queue = resilient_engine_may_queue (self->engine);
  gint64 deadline = get_deadline (self);
  gint64 give_up = 0;
  gboolean waiting = TRUE;
  ResilientResultStatus status;
  ResilientFailure failure;
  ResilientReason reason;
  GError *error;

  g_mutex_lock (&self->lock);
  g_assert (self->done_cond == NULL);
  self->done_cond = g_new (GCond, 1);
  g_cond_init (self->done_cond);
  while (waiting && self->state != RESILIENT_MACHINE_STATE_DONE)
    {
      if (is_to_ask_locked (self))
        {
          g_mutex_unlock (&self->lock);
          ask_fallback (self);
          g_mutex_lock (&self->lock);
        }
      else if (is_overdue_locked (self, deadline))
        waiting = wait_for_scheduler_locked (self, deadline, &give_up);
      else if (deadline == 0 || self->state == RESILIENT_MACHINE_STATE_FALLBACK
               || !resilient_clock_wait_until (self->done_cond, &self->lock, deadline))
        g_cond_wait (self->done_cond, &self->lock);
    }
  if (waiting && !may_queue)
    wait_for_slot_locked (self);
  g_mutex_unlock (&self->lock);

  if (waiting)
    return NULL;

  /* which does not change any more */
  error = make_interruption (self, self->cancel_cause, &status, &failure, &reason);
  post (self, MAIL_CANCEL);
  return error;
}
