/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-deadlines-private.h"
#include "resilient-exchange-private.h"
#include "resilient-inflate-private.h"
#include "resilient-pool-private.h"
#include "resilient-reader-private.h"
#include "resilient-redirect-private.h"
#include "resilient-soup-hop-private.h"

G_BEGIN_DECLS

/* The files of the exchange over libsoup share this: life and legs (soup-exchange), what a message says on its way
 * (soup-phases), and its answer (soup-answer). */

typedef struct _SoupExchange SoupExchange;
typedef struct _SoupTransport SoupTransport;

struct _SoupTransport
{
  ResilientTransport base;
  GMainContext *home;
  ResilientLane *shared; /* nullable, atomic; set once: everything goes by this session, which others see */
  GMutex lock;
  ResilientLane *main; /* under the lock; nullable: what is, or may become, the shared one */
  GPtrArray *pools;    /* under the lock: of each context that drives exchanges */
};

/* One message of an exchange, until libsoup lets go of it. The exchange has one that counts, and maybe older ones on their
 * way out. Owned by the hop's released(). */
typedef struct
{
  SoupExchange *exchange; /* a reference */
  ResilientPass pass;
  ResilientSoupHop *hop;
  ResilientReader *reader; /* of the response, once there is one; owned by its own closing */
  gboolean whole;          /* a response of HTTP/1 that was read to its end */
  gboolean counts;         /* its first send is one that outcome.sends counts */
  gboolean started;
  guint resends; /* those that were counted */
} SoupLeg;

typedef enum
{
  READING_NOTHING,
  READING_BODY,    /* of the answer */
  READING_DISCARD, /* of an answer that will be retried: no more than a while */
  READING_DRAIN,   /* of a redirect that is followed: the same */
} ReadingMode;

/* Lives in one context and is touched only there. References: one of the user, one of each leg, one of itself until released()
 * has run. */
struct _SoupExchange
{
  ResilientExchange base;
  int ref_count;
  const ResilientExchangeFuncs *funcs;
  gpointer data;
  GMainContext *context;
  ResilientAlarm *alarm;
  ResilientTimer timer; /* for every deadline and poll; set early rather than moved at every sign of life */
  GSource *idle;        /* what start() or abandon() must not say itself */

  ResilientRecipe *recipe;
  char *idempotency_key;
  char *user_agent;
  guint64 max_response_size;
  gboolean new_connection; /* for the next leg */
  gboolean no_expect;
  gboolean decode; /* the codings that the current leg asked for are ours */

  ResilientPool *pool;
  ResilientHop plan;      /* what the current leg asks */
  ResilientTicket ticket; /* while that waits for a lane */
  SoupLeg *leg;
  guint n_legs;
  gboolean resent;     /* this hop was sent a second time by us */
  gboolean count_send; /* the next leg is the first, or a resend, and no redirect hop */

  ResilientDeadlines deadlines;
  gint64 polled;      /* when the timer last looked at the connection */
  guint unsent;       /* bytes in the send queue then */
  gboolean wrote_all; /* the kernel has the whole request */
  gint64 expect_due;  /* when to stop waiting for "100 Continue"; 0 = not waiting */
  gint64 discard_due; /* when to stop reading what is not wanted */

  ReadingMode reading;
  ResilientInflate *inflate; /* nullable */
  GByteArray *body;
  ResilientHeaders *headers; /* of the answer; nullable */
  double retry_after;        /* what they ask for, seconds, or -1 */
  guint64 received; /* as it came, before decoding */
  gint64 download_size;

  ResilientOutcome outcome; /* its failure, error and response only at the end */
  gboolean ended;           /* done, or abandoned */
  gboolean finishing;       /* done() comes before released() */
  gboolean released;
};

/* soup-transport */
ResilientPool *resilient_soup_transport_get_pool (SoupTransport *self, GMainContext *context);

/* soup-exchange */
ResilientExchange *resilient_soup_exchange_start (ResilientTransport *transport, const ResilientExchangeParams *params,
                                                  ResilientAlarm *alarm, const ResilientExchangeFuncs *funcs,
                                                  gpointer data);
void resilient_soup_exchange_abandon (ResilientExchange *exchange);
void resilient_soup_exchange_ref (SoupExchange *self);
void resilient_soup_exchange_unref (SoupExchange *self);
/* Sends what the plan says, now or as soon as there is a lane. TRUE, or FALSE with @error when the body can't be had. */
gboolean resilient_soup_exchange_send (SoupExchange *self, GError **error);
/* Lets the current leg go, closing its stream. */
void resilient_soup_exchange_drop_leg (SoupExchange *self);
/* The end. Takes @error and @response. */
void resilient_soup_exchange_finish (SoupExchange *self, ResilientFailure failure, GError *error,
                                     ResilientResponse *response);
/* With the kind that @error has by itself. Takes @error. */
void resilient_soup_exchange_fail (SoupExchange *self, GError *error);
gboolean resilient_soup_exchange_may_repeat (SoupExchange *self);

/* soup-phases */
void resilient_soup_exchange_event (SoupExchange *self, ResilientHopEvent event);
void resilient_soup_exchange_enter (SoupExchange *self, ResilientPhase phase);
void resilient_soup_exchange_arm (SoupExchange *self);
void resilient_soup_exchange_report_progress (SoupExchange *self);
/* The next leg sends the body unasked, and so does what comes later to this origin. */
void resilient_soup_exchange_avoid_expect (SoupExchange *self);

/* soup-answer */
void resilient_soup_exchange_answered (SoupExchange *self, GInputStream *stream, GError *error);
/* Unwanted reading has taken long enough. */
void resilient_soup_exchange_stop_reading (SoupExchange *self);
extern const ResilientReaderFuncs resilient_soup_reader_funcs;

/* soup-message */
/* For the lane of @leg. */
SoupMessage *resilient_soup_message_new (SoupExchange *self, SoupLeg *leg);
/* libsoup won't send the current hop over a connection that is open. */
gboolean resilient_soup_message_wants_own_connection (SoupExchange *self);
/* After a whole answer: the lane of @leg serves others. */
void resilient_soup_message_pass_on (SoupLeg *leg);
gboolean resilient_soup_message_wants_expect (SoupExchange *self, SoupLeg *leg);
/* A tunnel was asked for and refused: what came is the proxy's word, of which libsoup shows the status alone. */
GError *resilient_soup_message_make_proxy_error (SoupMessage *message);
/* What is to be decoded, or NULL. libsoup leaves a workaround for servers that label a .tar.gz with the coding of its own
 * format: so do we. */
const char *resilient_soup_headers_get_coding (SoupMessageHeaders *headers);

G_END_DECLS
