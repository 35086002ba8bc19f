/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "client-fixture.h"

G_BEGIN_DECLS

/* Every phase in which a request can be, and how a test brings one there: what all the programs of
 * phases cross with their actions. A cell is one phase, one protocol, one way to start, one action.
 * Its clock is frozen and nothing in it waits for time. */

#define VICTIM "victim"

/* How the request is started. */
typedef enum
{
  START_SEND,   /* send_async at home */
  START_CALL,   /* start() at home; nothing but the call is kept */
  START_THREAD, /* send_async in another thread, with a context of its own */
  START_SYNC,   /* the synchronous twin, in another thread */
  N_STARTS
} Start;

/* One way in which a request ends. */
typedef struct
{
  ResilientEventType type;
  GQuark (*domain) (void); /* NULL: a response, 200 */
  int code;
  ResilientFailure failure;
} End;

extern const End end_success;
extern const End end_cancelled;
extern const End end_queue_timeout;
extern const End end_connect_timeout;
extern const End end_write_timeout;
extern const End end_read_timeout;
extern const End end_deadline;
extern const End end_refused;

typedef struct _Cell Cell;
typedef struct _Phase Phase;
typedef void (*CellFunc) (Cell *cell);
typedef void (*CellTest) (Cell *cell, gconstpointer test);

/* Where a test acts. */
typedef enum
{
  PLACE_REACHED, /* outside of everything, once reach() was there */
  PLACE_START,   /* right after the start, in the same thread */
  PLACE_HOOK,    /* inside a handler, which prepare() set up and which calls cell_act() */
  PLACE_CALLBACK /* inside the victim's own callback */
} Place;

struct _Phase
{
  const char *name;
  guint protocols; /* of those below */
  guint starts;    /* 1 << Start */
  Place place;
  FaultServerFlags flags;
  CellFunc prepare; /* before the start */
  CellFunc reach;
  CellFunc finish; /* lets the request come to its own end */
  const End *end;  /* which is this */
  guint attempts;  /* made when it is reached */
  guint all_attempts;
  gboolean over;  /* whatever is done comes too late */
  gboolean late;  /* it may come too late */
  gboolean wide;  /* needs more than one connection */
  gboolean stuck; /* the slot is not free before finish() */
};

#define PROTOCOL_PLAIN (1 << 0)
#define PROTOCOL_TLS (1 << 1)
#define PROTOCOL_HTTP2 (1 << 2)

/* Whose sessions the client uses. */
typedef enum
{
  SESSIONS_HIDDEN, /* its own, that nobody sees */
  SESSIONS_SEEN,   /* its own, the one that the application asked for */
  SESSIONS_GIVEN,  /* the application's, with room for one connection */
  N_SESSIONS
} Sessions;

typedef struct
{
  const Phase *phase;
  Start start;
  FaultServerFlags protocol;
  Sessions sessions;
  int action; /* means something to the program */
} Case;

struct _Cell
{
  ClientFixture fixture; /* first */
  const Case *test;
  const Phase *phase;
  FaultServer *healthy; /* where the next request goes */
  ResilientRequest *request;
  ResilientRequestContext *context;
  GCancellable *cancellable;
  ResilientSubscription *subscription;
  ResilientCall *call;  /* the victim's, once asked for; START_CALL: always */
  ResilientCall *other; /* another request that the phase needs; nullable */
  GThread *worker;
  CellFunc act;
  CellFunc tune; /* of the test, right before the start; nullable */
  /* What a phase wants of each message, in the thread that drives it; nullable. */
  void (*message_queued) (Cell *self, SoupSession *session, SoupMessage *message);

  int acting; /* atomic */
  int acted;  /* atomic: and it is over */
  int calls;  /* atomic: of the callback; what follows was written before */
  ResilientResponse *response;
  GError *error;
  GThread *called_in;

  TestResult next; /* of the request that wants the slot */
  int client_gone; /* atomic */
  int n_sessions;  /* atomic: those that sent, or were seen, and still live */
  gulong hook_id;
};

/* Adds a test for each cell. @only: which make sense; nullable. */
void phases_add (const char *prefix,
                 const char *action_name,
                 int action,
                 gboolean (*only) (const Case *test),
                 CellTest test);
void phases_init (int *argc, char ***argv);

/* Starts the victim, brings it into its phase, and there, perhaps inside a handler, runs @act. */
void cell_act_in_phase (Cell *self, CellFunc act);
/* TRUE: the request was started in the thread of the test, where no turn goes by unseen. */
gboolean cell_is_at_home (Cell *self);
/* The victim's call, while it lives. */
ResilientCall *cell_find_call (Cell *self);
gboolean cell_has_ended (Cell *self);
void cell_wait_end (Cell *self);
/* Lets the victim come to its own end, and waits for it. */
void cell_finish (Cell *self);
/* The victim must have ended so, with one callback, one last event and one result. */
void cell_expect_end (Cell *self, const End *end, guint attempts);
/* Its own end, as the phase says. */
void cell_expect_own_end (Cell *self);
/* With one slot in all, the next request must get it. */
void cell_expect_slot (Cell *self);
/* The last reference of the client goes. */
void cell_drop_client (Cell *self);
/* Turns of the test's context until @condition holds, whichever thread makes it so. */
void cell_wait (Cell *self, gboolean (*condition) (Cell *self));
/* The same, while time goes on by so many seconds a turn. */
void cell_wait_while_time_goes_on (Cell *self, double step, gboolean (*condition) (Cell *self));
/* Waits until the client and its sessions are finalized; nobody may hold them. */
void cell_wait_gone (Cell *self);

G_END_DECLS
