/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-deadlines-private.h"
#include "resilient-soup-transport-private.h"
#include "resilient-transport-attempt-private.h"
#include "resilient-inflate-private.h"
#include "resilient-pool-private.h"
#include "resilient-reader-private.h"
#include "resilient-redirect-private.h"
#include "resilient-soup-send-private.h"
#include "resilient-tap-private.h"

G_BEGIN_DECLS

/* The files of the attempt over libsoup share this: life and transfers (soup-attempt), what a
 * message says on its way (soup-phases), and its answer (soup-answer). */

typedef struct _SoupAttempt SoupAttempt;
typedef struct _SoupTransport SoupTransport;

struct _SoupTransport
{
  ResilientTransport base;
  GMainContext *home;
  /* nullable, atomic; set once: everything goes by this session, which others see */
  ResilientLane *shared;
  GMutex lock;
  GPtrArray *pools; /* under the lock: of each context that drives attempts */
};

/* One message of an attempt, until libsoup lets go of it. The attempt has one that counts, and
 * maybe older ones on their way out. Owned by the send's released(). */
typedef struct
{
  SoupAttempt *attempt; /* a reference */
  ResilientLease lease;
  ResilientSoupSend *send;
  ResilientReader *reader; /* of the response, once there is one; owned by its own closing */
  ResilientTap *tap;       /* that guards the body of the response; nullable */
  gboolean whole;          /* a response of HTTP/1 that was read to its end */
  gboolean counts;         /* its first send is one that outcome.sends counts */
  gboolean started;
  gboolean launched; /* the send call of its send is over */
  guint resends;     /* those that were counted */
} SoupTransfer;

typedef enum
{
  READING_NOTHING,
  READING_BODY,    /* of the answer */
  READING_DISCARD, /* of an answer that will be retried: no more than a while */
  READING_DRAIN,   /* of a redirect that is followed: the same */
} ReadingMode;

/* Lives in one context and is touched only there. References: one of the user, one of each
 * transfer, one of itself until released() has run. */
struct _SoupAttempt
{
  ResilientTransportAttempt base;
  int ref_count;
  const ResilientTransportAttemptFuncs *funcs;
  gpointer data;
  GMainContext *context;
  int io_priority;
  ResilientPace *pace; /* nullable */
  ResilientTimerQueue *timers;
  ResilientTimer
    timer; /* for every deadline and poll; set early rather than moved at every sign of life */
  GSource *idle;     /* what start() or abandon() must not say itself, or the next send */
  gboolean send_due; /* the idle source sends what the plan says */

  char *debug_name; /* NULL: nothing is told of it */
  ResilientFrozenRequest *frozen;
  char *idempotency_key;
  char *user_agent;
  guint64 max_response_size; /* never 0 */
  gboolean new_connection;   /* for the next transfer */
  gboolean no_expect;
  gboolean decode; /* the codings that the current transfer asked for are ours */

  ResilientPool *pool;
  ResilientRequestPlan plan;   /* what the current transfer asks */
  ResilientLeaseWaiter waiter; /* while that waits for a lane */
  SoupTransfer *transfer;
  guint n_transfers;
  gboolean resent;     /* this send was sent a second time by us */
  gboolean count_send; /* the next transfer is the first, or a resend, and no redirect send */

  ResilientDeadlines deadlines;
  gboolean nothing_sent_before; /* what the outcome's was when the current send started */
  gint64 polled;                /* when the timer last looked at the connection */
  guint unsent;                 /* bytes in the send queue then */
  gboolean wrote_all;           /* the kernel has the whole request */
  gint64 expect_due;            /* when to stop waiting for "100 Continue"; 0 = not waiting */
  gint64 discard_due;           /* when to stop reading what is not wanted */
  /* While something that was found due is looked into. */
  GSource *look; /* nullable */
  guint looks_left;
  gint64 look_since;
  gboolean late;     /* nobody was there when it fell due */
  gsize unread;      /* bytes that lay in the socket */
  gboolean waited;   /* for another's connection */
  guint steps;       /* towards one of its own, that had been made */
  gboolean extended; /* what came late has given this phase its time anew, without a sign of life */

  ReadingMode reading;
  ResilientInflate *inflate; /* nullable */
  /* goes on with what is decoded in more than one turn, while nothing is read */
  GSource *decode_source;
  gboolean checked; /* the body is whole, and all of it was decoded */
  GByteArray *body;
  ResilientHeaders *headers; /* of the answer; nullable */
  double retry_after;        /* what they ask for, seconds, or -1 */
  guint64 received;          /* as it came, before decoding */
  gint64 download_size;

  ResilientOutcome outcome; /* its failure, error and response only at the end */
  gboolean ended;           /* done, or abandoned */
  gboolean finishing;       /* done() comes before released() */
  gboolean abandoned;       /* done() does not come */
  gboolean released;
};

/* soup-transport */
ResilientPool *resilient_soup_transport_get_pool (SoupTransport *self, GMainContext *context);

/* soup-attempt */
ResilientTransportAttempt *
resilient_soup_attempt_start (ResilientTransport *transport,
                              const ResilientTransportAttemptParams *params,
                              ResilientTimerQueue *timers,
                              const ResilientTransportAttemptFuncs *funcs,
                              gpointer data);
void resilient_soup_attempt_abandon (ResilientTransportAttempt *attempt);
void resilient_soup_attempt_ref (SoupAttempt *self);
void resilient_soup_attempt_unref (SoupAttempt *self);
/* Sends what the plan says, now or as soon as there is a lane. TRUE, or FALSE with @error when the
 * body can't be had. */
gboolean resilient_soup_attempt_send (SoupAttempt *self, GError **error);
/* The same in the next turn: what brought it may be inside of nghttp2, where no function of the
 * app's must run. */
void resilient_soup_attempt_send_later (SoupAttempt *self);
/* Lets the current transfer go, closing its stream. */
void resilient_soup_attempt_drop_transfer (SoupAttempt *self);
/* The end. Takes @error and @response. */
void resilient_soup_attempt_finish (SoupAttempt *self,
                                    ResilientFailure failure,
                                    GError *error,
                                    ResilientResponse *response);
/* With the kind that @error has by itself. Takes @error. */
void resilient_soup_attempt_fail (SoupAttempt *self, GError *error);
gboolean resilient_soup_attempt_may_repeat (SoupAttempt *self);

/* soup-phases */
void resilient_soup_attempt_event (SoupAttempt *self, ResilientSendEvent event);
void resilient_soup_attempt_enter (SoupAttempt *self, ResilientPhase phase);
void resilient_soup_attempt_arm (SoupAttempt *self);
/* Nothing is looked into any more. */
void resilient_soup_attempt_end_look (SoupAttempt *self);
void resilient_soup_attempt_report_progress (SoupAttempt *self);
/* The next transfer sends the body unasked, and so does what comes later to this origin. */
void resilient_soup_attempt_avoid_expect (SoupAttempt *self);

/* soup-answer */
/* Before anything is read: what libsoup would let pass ends @stream, the response of @transfer,
 * with an error. */
void resilient_soup_attempt_guard (SoupTransfer *transfer, GInputStream *stream);
void resilient_soup_attempt_answered (SoupAttempt *self, GInputStream *stream, GError *error);
/* Before the failure of a send is told: TRUE when the server has answered all the same, which is
 * the answer then. */
gboolean resilient_soup_attempt_take_early_answer (SoupAttempt *self);
/* Unwanted reading has taken long enough. */
void resilient_soup_attempt_stop_reading (SoupAttempt *self);
extern const ResilientReaderFuncs resilient_soup_reader_funcs;

/* soup-message */
/* For the lane of @transfer. */
SoupMessage *resilient_soup_message_new (SoupAttempt *self, SoupTransfer *transfer);
/* What the current send may be sent over. */
ResilientReuse resilient_soup_message_get_reuse (SoupAttempt *self);
/* After a whole answer: the lane of @transfer serves others. */
void resilient_soup_message_pass_on (SoupTransfer *transfer);
gboolean resilient_soup_message_wants_expect (SoupAttempt *self, SoupTransfer *transfer);
/* What is to be decoded, or NULL. libsoup leaves a workaround for servers that label a .tar.gz with
 * the coding of its own format: so do we. */
const char *resilient_soup_headers_get_coding (SoupMessageHeaders *headers);

G_END_DECLS
