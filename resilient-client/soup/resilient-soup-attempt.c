/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One attempt over libsoup from its start to its release: it leases a connection, sends messages,
 * follows how far each is and what is late, reads or throws away the answer, and ends once. It owns
 * its transfers, timer and outcome. All of it is in the one context that drives it. */

#include "config.h"

#include "resilient-soup-attempt-private.h"

#include "resilient-clock-private.h"
#include "resilient-deadlines-private.h"
#include "resilient-debug-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-inflate-private.h"
#include "resilient-reader-private.h"
#include "resilient-redirect-private.h"
#include "resilient-soup-message-private.h"
#include "resilient-soup-send-private.h"
#include "resilient-tap-private.h"
#include "resilient-verdict-private.h"

/* From here on a server is asked whether it wants the body at all (RFC 9110, 10.1.1). */
#define EXPECT_SIZE (1024 * 1024)
/* How long a server may leave "Expect: 100-continue" without an answer before it gets the body all
 * the same: many know nothing of it (RFC 9110, 10.1.1, and curl's choice of the time). */
#define EXPECT_PATIENCE (1 * G_USEC_PER_SEC)
/* How often a silent response is looked at: what happens to a connection of HTTP/2, or to an
 * aborted session, wakes no source of its stream. */
#define READING_POLL (1 * G_USEC_PER_SEC)

/* What was found due is judged after so many turns of the context, in which everything that was
 * there is taken. From a readable socket to an answer takes three or four, through a new connection
 * to HTTP/2 and one who waited for it ten. */
#define LOOK_TURNS 16
/* A timer that is late by more shows that nobody was there to see what came in time: the loop was
 * busy, or the process stopped. */
#define LATE (10 * G_TIME_SPAN_MILLISECOND)

/* An unread response keeps its connection; to read it pays off only while it is short. */
#define DISCARD_SIZE (64 * 1024)
#define DISCARD_TIME (1 * G_USEC_PER_SEC)
/* Of an announced body so much memory is had at once. */
#define MAX_TRUSTED_SIZE (64 * 1024)
/* Of header sections: as much as browsers take. A few kilobytes of HTTP/2 can be megabytes of
 * it. */
#define MAX_HEADERS_SIZE (256 * 1024)

typedef struct _SoupAttempt SoupAttempt;

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

static void timer_cb (gpointer data);
static void arm_timer (SoupAttempt *self);
static void end_look (SoupAttempt *self);
static void attempt_ref (SoupAttempt *self);
static void attempt_unref (SoupAttempt *self);
static gboolean send_plan (SoupAttempt *self, GError **error);
static void send_later (SoupAttempt *self);
static void drop_transfer (SoupAttempt *self);
static void
finish (SoupAttempt *self, ResilientFailure failure, GError *error, ResilientResponse *response);
static void fail (SoupAttempt *self, GError *error);
static void stop_reading (SoupAttempt *self);
static gboolean take_early_answer (SoupAttempt *self);

/* --- life
 * ----------------------------------------------------------------------------------------- */

static gboolean
may_repeat (SoupAttempt *self)
{
  return resilient_verdict_may_repeat (
    self->plan.method,
    self->plan.with_body
      && (self->idempotency_key != NULL
          || resilient_frozen_request_has_idempotency_key (self->frozen)),
    resilient_frozen_request_get_idempotency (self->frozen));
}

static void
attempt_ref (SoupAttempt *self)
{
  g_atomic_int_inc (&self->ref_count);
}

static void
attempt_unref (SoupAttempt *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->n_transfers == 0 && self->idle == NULL && self->look == NULL
            && self->waiter.route == NULL);
  resilient_request_plan_clear (&self->plan);
  resilient_frozen_request_unref (self->frozen);
  g_free (self->debug_name);
  g_free (self->idempotency_key);
  g_free (self->user_agent);
  g_clear_object (&self->outcome.socket);
  g_clear_pointer (&self->inflate, resilient_inflate_free);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->headers, resilient_headers_unref);
  g_main_context_unref (self->context);
  resilient_timer_queue_unref (self->timers);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  resilient_transport_unref (self->base.transport);
  g_free (self);
}

static void
unref_base (ResilientTransportAttempt *attempt)
{
  attempt_unref ((SoupAttempt *) attempt);
}

/* A transfer that libsoup does not have, or no more. */
static void
transfer_free (SoupTransfer *transfer)
{
  g_clear_object (&transfer->tap);
  resilient_pool_leave (transfer->attempt->pool, &transfer->lease);
  g_free (transfer);
}

/* The last word, once nothing is left. */
static void
maybe_release (SoupAttempt *self)
{
  if (!self->ended || self->finishing || self->n_transfers > 0 || self->released
      || self->idle != NULL)
    return;
  self->released = TRUE;
  self->funcs->released (&self->base, self->data);
  attempt_unref (self);
}

static gboolean
idle_cb (gpointer data)
{
  SoupAttempt *self = data;

  attempt_ref (self);
  g_clear_pointer (&self->idle, g_source_unref);
  if (!self->ended)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->outcome.error);
      gboolean send = self->send_due;

      self->send_due = FALSE;
      if (!send || !send_plan (self, &error))
        finish (self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
    }
  else
    maybe_release (self);
  attempt_unref (self);
  return G_SOURCE_REMOVE;
}

static void
say_later (SoupAttempt *self)
{
  if (self->idle != NULL)
    return;
  self->idle = g_idle_source_new ();
  g_source_set_priority (self->idle, self->io_priority);
  g_source_set_callback (self->idle, idle_cb, self, NULL);
  g_source_set_static_name (self->idle, "[resilient-client] attempt");
  g_source_attach (self->idle, self->context);
}

/* --- how far it is, and what is late
 * -------------------------------------------------------------- */

/* Enters, or enters anew, a phase: its deadline counts from now. */
static void
enter_phase (SoupAttempt *self, ResilientPhase phase)
{
  gboolean changed = self->deadlines.phase != phase;
  gint64 now = resilient_clock_get_boot ();

  end_look (self);
  self->extended = FALSE;
  resilient_deadlines_enter (&self->deadlines, phase, now);
  self->polled = now;
  arm_timer (self);
  if (changed && !self->ended)
    self->funcs->phase (&self->base, phase, self->data);
}

static gint64
get_poll_due (SoupAttempt *self)
{
  switch (self->deadlines.phase)
    {
    case RESILIENT_PHASE_WRITING:
      if (self->transfer == NULL || resilient_soup_send_get_socket (self->transfer->send) == NULL
          || (self->deadlines.write == 0 && self->deadlines.read == 0))
        return G_MAXINT64;
      return self->polled + resilient_deadlines_get_poll_interval (&self->deadlines);

    case RESILIENT_PHASE_READING:
      return self->reading == READING_BODY ? self->polled + READING_POLL : G_MAXINT64;

    case RESILIENT_PHASE_CONNECTING:
    case RESILIENT_PHASE_WAITING:
    case RESILIENT_PHASE_DONE:
    default:
      return G_MAXINT64;
    }
}

/* Moves the timer only forward: when it fires too early it is set again, which costs less than to
 * move it for each chunk. */
static void
arm_timer (SoupAttempt *self)
{
  gint64 due;

  if (self->ended)
    return;
  due = MIN (resilient_deadlines_get_due (&self->deadlines), get_poll_due (self));
  if (self->expect_due != 0 && self->look == NULL)
    due = MIN (due, self->expect_due);
  if (self->discard_due != 0)
    due = MIN (due, self->discard_due);
  if (due != G_MAXINT64 && (!resilient_timer_is_set (&self->timer) || due < self->timer.due))
    resilient_timer_queue_set (self->timers, &self->timer, due, timer_cb, self);
}

/* When the peer last gave a sign on this socket, but not before this phase began. The kernel's own
 * ages say nothing about a clock that tests move by hand. */
static gint64
date_sign (SoupAttempt *self,
           gboolean (*get_age) (GSocket *, gint64 *),
           GSocket *socket,
           gint64 now)
{
  gint64 age;

  if (resilient_clock_is_virtual () || !get_age (socket, &age))
    return now;
  return CLAMP (now - age, self->deadlines.activity, now);
}

/* Libsoup has written all when the kernel has taken all, maybe megabytes ahead of the peer. */
static void
look_at_queue (SoupAttempt *self)
{
  GSocket *socket = resilient_soup_send_get_socket (self->transfer->send);
  gint64 now = resilient_clock_get_boot ();
  guint unsent = 0;
  gint64 emptied;
  gboolean brief = resilient_soup_send_is_brief (self->transfer->send);
  gboolean known = socket != NULL && (self->deadlines.write > 0 || self->deadlines.read > 0)
                   && resilient_socket_get_unsent (socket, &unsent);

  self->polled = now;
  if (known && (unsent < self->unsent || (brief && unsent == 0 && !resilient_clock_is_virtual ())))
    self->deadlines.activity = date_sign (self, resilient_socket_get_last_ack, socket, now);
  /* What is empty right after the write was never found full: it is dated without asking. A brief
   * request is not looked at before the first poll, by which most are answered. */
  emptied = known && (self->unsent > 0 || brief) ? self->deadlines.activity : now;
  self->unsent = unsent;
  if (!self->wrote_all || unsent > 0)
    return;

  enter_phase (self, RESILIENT_PHASE_WAITING);
  self->deadlines.activity = MIN (self->deadlines.activity, emptied);
  arm_timer (self);
}

static void
report_progress (SoupAttempt *self)
{
  gint64 upload_size = 0;

  if (self->ended)
    return;
  if (self->plan.with_body && resilient_frozen_request_get_body (self->frozen) != NULL)
    upload_size = resilient_body_get_size (resilient_frozen_request_get_body (self->frozen));
  self->funcs->progress (
    &self->base,
    self->transfer != NULL ? (gint64) resilient_soup_send_get_sent (self->transfer->send) : 0,
    (gint64) self->received,
    upload_size,
    self->download_size,
    self->data);
}

static void
count_send (SoupAttempt *self)
{
  SoupTransfer *transfer = self->transfer;
  guint resends = resilient_soup_send_get_resends (transfer->send);

  if (!transfer->started && transfer->counts)
    self->outcome.sends++;
  self->outcome.sends += resends - transfer->resends;
  transfer->resends = resends;
  transfer->started = TRUE;
}

static void
on_started (SoupAttempt *self)
{
  ResilientSoupSend *send = self->transfer->send;

  if (self->look != NULL && self->late)
    resilient_route_note_revived (self->transfer->lease.route);
  if (self->outcome.nothing_sent)
    self->outcome.reused_connection = resilient_soup_send_is_reused (send);
  self->nothing_sent_before = self->outcome.nothing_sent;
  self->outcome.nothing_sent = FALSE;
  self->outcome.status_code = 0;
  count_send (self);
  resilient_lease_started (&self->transfer->lease,
                           soup_message_get_http_version (resilient_soup_send_get_message (send))
                             == SOUP_HTTP_2_0,
                           resilient_soup_send_is_reused (send));
  resilient_debug (self->debug_name,
                   "sent over a connection that is %s",
                   resilient_soup_send_is_reused (send) ? "kept" : "new");
  self->wrote_all = resilient_soup_send_is_brief (send);
  self->unsent = 0;
  self->expect_due =
    resilient_soup_send_is_expecting (send) ? resilient_clock_get_boot () + EXPECT_PATIENCE : 0;
  enter_phase (self, RESILIENT_PHASE_WRITING);
  if (self->wrote_all && get_poll_due (self) == G_MAXINT64)
    look_at_queue (self);
}

static void
on_headers (SoupAttempt *self)
{
  SoupMessage *message = resilient_soup_send_get_message (self->transfer->send);
  gboolean http2 = soup_message_get_http_version (message) == SOUP_HTTP_2_0
                   && !resilient_soup_send_is_from_cache (self->transfer->send);

  self->expect_due = 0;
  self->outcome.status_code = soup_message_get_status (message);
  self->outcome.http2 = http2;
  resilient_debug (
    self->debug_name, "answered %u over HTTP/%s", self->outcome.status_code, http2 ? "2" : "1");
  if (self->plan.n_redirects == 0 && !resilient_soup_send_is_from_cache (self->transfer->send))
    {
      self->outcome.http2_of_origin = http2;
      self->outcome.answered = TRUE;
      g_set_object (&self->outcome.socket, resilient_soup_send_get_socket (self->transfer->send));
    }
  /* whatever came before: an early response of HTTP/2 never says that the request was written */
  enter_phase (self, RESILIENT_PHASE_READING);
}

static void
handle_event (SoupAttempt *self, ResilientSendEvent event)
{
  if (self->ended)
    return;

  switch (event)
    {
    case RESILIENT_SEND_STARTED:
      on_started (self);
      break;

    case RESILIENT_SEND_WROTE:
      self->deadlines.activity = resilient_clock_get_boot ();
      self->extended = FALSE;
      report_progress (self);
      break;

    case RESILIENT_SEND_WROTE_ALL:
      self->wrote_all = TRUE;
      if (self->deadlines.phase == RESILIENT_PHASE_WRITING)
        look_at_queue (self);
      break;

    case RESILIENT_SEND_INFORMATIONAL:
      /* none but 100 asks for the body: the server may wait for it all the same */
      if (!resilient_soup_send_is_expecting (self->transfer->send))
        self->expect_due = 0;
      self->deadlines.activity = resilient_clock_get_boot ();
      break;

    case RESILIENT_SEND_ARRIVING:
      self->deadlines.activity = resilient_clock_get_boot ();
      break;

    case RESILIENT_SEND_HEADERS:
      on_headers (self);
      break;

    case RESILIENT_SEND_UNPROCESSED:
      self->outcome.nothing_sent = self->nothing_sent_before;
      break;

    default:
      g_assert_not_reached ();
    }
}

static void
avoid_expect (SoupAttempt *self)
{
  resilient_route_avoid_expect (self->transfer->lease.route);
  self->no_expect = TRUE;
  self->count_send = TRUE;
}

/* The server does not know the expectation, or is slow to answer: it has its body unasked. Over a
 * connection that is the first's, where libsoup can't be told to go on, the request goes out anew,
 * body and all: not a byte of it was sent, so it can't have been processed. */
static void
send_unasked (SoupAttempt *self)
{
  g_autoptr (GError) error = NULL;

  self->expect_due = 0;
  if (resilient_soup_send_go_on (self->transfer->send))
    {
      resilient_route_avoid_expect (self->transfer->lease.route);
      return;
    }
  avoid_expect (self);
  drop_transfer (self);
  if (!send_plan (self, &error))
    finish (self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
}

/* What no source tells. */
static void
look_at_response (SoupAttempt *self)
{
  SoupTransfer *transfer = self->transfer;
  GSocket *socket = resilient_soup_send_get_socket (transfer->send);
  guint64 received = self->received;

  self->polled = resilient_clock_get_boot ();
  resilient_reader_poll (transfer->reader);
  /* A connection of HTTP/2 that breaks tells only those requests that still wait for headers. What
   * is still being decoded has come. */
  if (!self->ended && self->transfer == transfer && self->reading == READING_BODY
      && self->outcome.http2 && self->received == received && self->decode_source == NULL
      && !resilient_soup_send_has_all (transfer->send) && socket != NULL
      && resilient_socket_is_dead (socket))
    fail (self,
          g_error_new_literal (G_IO_ERROR,
                               G_IO_ERROR_CONNECTION_CLOSED,
                               _ ("The connection was lost while the response was read")));
}

/* What drips in is activity too, but libsoup keeps headers until they are complete, and TLS a
 * record. */
static void
look_for_bytes (SoupAttempt *self, gint64 now)
{
  GSocket *socket = resilient_soup_send_get_socket (self->transfer->send);

  if (socket != NULL && !resilient_clock_is_virtual ()
      && soup_message_get_http_version (resilient_soup_send_get_message (self->transfer->send))
           != SOUP_HTTP_2_0)
    {
      gint64 age;

      if (resilient_socket_get_last_receive (socket, &age))
        self->deadlines.activity = MAX (self->deadlines.activity, now - age);
    }
}

static gboolean
is_due (SoupAttempt *self, gint64 now)
{
  return (self->expect_due != 0 && self->expect_due <= now)
         || resilient_deadlines_check (&self->deadlines, now, self->outcome.nothing_sent)
              != RESILIENT_FAILURE_NONE;
}

/* It is over, and nothing saves it. */
static void
pass_judgement (SoupAttempt *self, gint64 now)
{
  ResilientFailure failure;

  if (self->expect_due != 0 && self->expect_due <= now)
    send_unasked (self);
  if (self->ended)
    return;
  failure = resilient_deadlines_check (&self->deadlines, now, self->outcome.nothing_sent);
  /* the answer is there already when it is only discarded */
  if (failure != RESILIENT_FAILURE_NONE && self->reading == READING_DISCARD)
    stop_reading (self);
  else if (failure != RESILIENT_FAILURE_NONE
           && (failure != RESILIENT_FAILURE_WRITE_TIMEOUT || !take_early_answer (self)))
    finish (self, failure, resilient_deadlines_make_error (&self->deadlines, failure), NULL);
}

/* The deadline was found due while nobody was there, and the connection goes on being made. Whose
 * thread makes it can't be asked how far it is. */
static gboolean
goes_on_connecting (SoupAttempt *self)
{
  if (!self->late)
    return FALSE;
  /* it is its turn now, for which it waited until then */
  if (self->waited && self->transfer != NULL)
    return TRUE;
  /* another makes the connection for which this one waits */
  if (self->transfer == NULL)
    return resilient_lease_waiter_was_revived (&self->waiter, self->look_since);
  if (resilient_soup_send_count_steps (self->transfer->send) == self->steps
      && (self->extended || !resilient_soup_send_is_stepping (self->transfer->send)))
    return FALSE;
  resilient_route_note_revived (self->transfer->lease.route);
  return TRUE;
}

/* After all that was there has been taken: was there a sign of the peer that changed nothing
 * else? */
static gboolean
has_come_on (SoupAttempt *self)
{
  GSocket *socket;

  if (self->deadlines.phase == RESILIENT_PHASE_CONNECTING)
    return goes_on_connecting (self);

  socket = resilient_soup_send_get_socket (self->transfer->send);
  if (socket == NULL)
    return FALSE;
  /* it is for us to write, and what is written may have to come from a thread */
  if (self->deadlines.phase == RESILIENT_PHASE_WRITING)
    return self->late && !self->extended && !self->wrote_all && resilient_socket_has_room (socket);
  /* a part of the headers, or of a record; on a connection that others share it may be theirs */
  return self->unread > resilient_socket_get_unread (socket)
         && soup_message_get_http_version (resilient_soup_send_get_message (self->transfer->send))
              != SOUP_HTTP_2_0;
}

static void
end_look (SoupAttempt *self)
{
  self->deadlines.held = FALSE;
  if (self->look == NULL)
    return;
  g_source_destroy (self->look);
  g_clear_pointer (&self->look, g_source_unref);
}

/* A turn of the context has passed, in which all was dispatched that was ready. */
static gboolean
look_cb (gpointer data)
{
  SoupAttempt *self = data;
  g_autoptr (GSource) source = g_source_ref (self->look);
  gint64 now = resilient_clock_get_boot ();

  attempt_ref (self);
  self->looks_left--;
  if (self->deadlines.phase == RESILIENT_PHASE_WRITING && self->transfer != NULL)
    look_at_queue (self);
  else if (self->deadlines.phase == RESILIENT_PHASE_READING && self->reading == READING_BODY)
    look_at_response (self);

  /* what was seen may have begun another phase, and that another look */
  if (!self->ended && self->look == source)
    {
      if (!is_due (self, now))
        {
          end_look (self);
        }
      else if (self->looks_left == 0
               || resilient_deadlines_get_attempt_due (&self->deadlines) <= now)
        {
          gboolean came_on = has_come_on (self);

          end_look (self);
          if (came_on)
            {
              self->deadlines.activity = now;
              self->extended = TRUE;
            }
          pass_judgement (self, now);
        }
    }
  arm_timer (self);
  attempt_unref (self);
  return G_SOURCE_CONTINUE;
}

/* What has arrived counts: I/O has its turn before anything is judged. By turns, not by a time, so
 * that a peer who sends what helps nobody ends no deadline; and at the priority of I/O, behind it
 * in each turn, so that a busy context neither starves the judgement nor brings it early. */
static void
start_look (SoupAttempt *self, gint64 now)
{
  GSocket *socket =
    self->transfer != NULL ? resilient_soup_send_get_socket (self->transfer->send) : NULL;
  gint64 due = resilient_deadlines_get_due (&self->deadlines);

  if (self->expect_due != 0)
    due = MIN (due, self->expect_due);
  self->late = now - due > LATE;
  self->unread = socket != NULL ? resilient_socket_get_unread (socket) : 0;
  self->waited = self->transfer == NULL;
  self->steps = self->transfer != NULL ? resilient_soup_send_count_steps (self->transfer->send) : 0;
  self->looks_left = LOOK_TURNS;
  self->look_since = now;
  self->deadlines.held = TRUE;
  self->look = g_idle_source_new ();
  g_source_set_priority (self->look, self->io_priority);
  g_source_set_callback (self->look, look_cb, self, NULL);
  g_source_set_static_name (self->look, "[resilient-client] look");
  g_source_attach (self->look, self->context);
}

static void
timer_cb (gpointer data)
{
  SoupAttempt *self = data;
  gint64 now = resilient_clock_get_boot ();

  attempt_ref (self);
  if (self->deadlines.phase == RESILIENT_PHASE_WRITING && get_poll_due (self) <= now)
    look_at_queue (self);
  else if (self->deadlines.phase == RESILIENT_PHASE_READING && get_poll_due (self) <= now)
    look_at_response (self);
  else if ((self->deadlines.phase == RESILIENT_PHASE_WAITING
            || self->deadlines.phase == RESILIENT_PHASE_READING)
           && self->transfer != NULL && resilient_deadlines_get_due (&self->deadlines) <= now)
    look_for_bytes (self, now);

  if (!self->ended && self->discard_due != 0 && self->discard_due <= now)
    stop_reading (self);
  if (!self->ended && is_due (self, now))
    {
      if (self->reading == READING_DISCARD
          || resilient_deadlines_get_attempt_due (&self->deadlines) <= now)
        {
          end_look (self);
          pass_judgement (self, now);
        }
      else if (self->look == NULL)
        {
          start_look (self, now);
        }
    }
  arm_timer (self);
  attempt_unref (self);
}

/* --- the answer
 * ----------------------------------------------------------------------------------- */

static void
pass_on (SoupTransfer *transfer)
{
  ResilientLease *lease = &transfer->lease;
  gboolean kept = resilient_soup_message_is_kept (resilient_soup_send_get_message (transfer->send));

  resilient_soup_send_served (transfer->send);
  if (lease->exclusive)
    kept = resilient_connections_settle (resilient_lane_get_connections (lease->lane)) && kept;
  resilient_pool_pass_on (transfer->attempt->pool, lease, kept);
}

static SoupMessage *
get_message (SoupAttempt *self)
{
  return resilient_soup_send_get_message (self->transfer->send);
}

static void
set_cut (GError **error)
{
  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_PARTIAL_INPUT,
                       _ ("The connection was closed before the whole response had come"));
}

static void
deliver (SoupAttempt *self, GBytes *body)
{
  SoupMessage *message = get_message (self);
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  ResilientResponse *response =
    resilient_response_new_full (soup_message_get_status (message),
                                 soup_message_get_reason_phrase (message),
                                 soup_message_get_uri (message),
                                 soup_message_get_http_version (message),
                                 self->headers,
                                 body,
                                 resilient_clock_to_seconds (elapsed),
                                 self->retry_after);

  finish (self, RESILIENT_FAILURE_NONE, NULL, response);
}

static void
next_send (SoupAttempt *self)
{
  drop_transfer (self);
  self->received = 0;
  self->download_size = -1;
  if (!self->ended)
    send_later (self);
}

/* Reads on without keeping anything: the connection serves again if the rest is short. */
static void
start_discard (SoupAttempt *self, ReadingMode mode)
{
  self->reading = mode;
  self->discard_due = resilient_clock_get_boot () + DISCARD_TIME;
  arm_timer (self);
  if (self->download_size > DISCARD_SIZE)
    stop_reading (self);
  else
    resilient_reader_start (self->transfer->reader);
}

static void
stop_reading (SoupAttempt *self)
{
  ReadingMode mode = self->reading;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  if (mode == READING_DISCARD)
    deliver (self, NULL);
  else if (mode == READING_DRAIN)
    next_send (self);
}

static void
guard_body (SoupTransfer *transfer, GInputStream *stream)
{
  SoupMessage *message = resilient_soup_send_get_message (transfer->send);
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ResilientFraming framing;
  ResilientTap *tap;

  if (soup_message_get_http_version (message) == SOUP_HTTP_2_0
      || resilient_soup_send_is_from_cache (transfer->send)
      || !resilient_soup_send_has_headers (transfer->send)
      || !resilient_soup_message_may_have_body (message))
    return;

  switch (soup_message_headers_get_encoding (headers))
    {
    case SOUP_ENCODING_CHUNKED:
      framing = RESILIENT_FRAMING_CHUNKED;
      break;
    case SOUP_ENCODING_CONTENT_LENGTH:
      /* libsoup counts it by itself, unless the connection closes behind it */
      if (soup_message_is_keepalive (message))
        return;
      framing = RESILIENT_FRAMING_LENGTH;
      break;
    case SOUP_ENCODING_EOF:
      framing = RESILIENT_FRAMING_CLOSE;
      break;
    case SOUP_ENCODING_UNRECOGNIZED:
    case SOUP_ENCODING_NONE:
    case SOUP_ENCODING_BYTERANGES:
    default:
      return;
    }

  tap = resilient_tap_guard_body (resilient_soup_send_get_tap (transfer->send),
                                  stream,
                                  framing,
                                  (guint64) MAX (0, resilient_soup_headers_get_size (headers)));
  g_set_object (&transfer->tap, tap);
}

/* The body has come, and what it decodes to is to be whole as well. */
static gboolean
check_decoded (SoupAttempt *self, GError **error)
{
  if (self->inflate != NULL && !self->checked
      && !resilient_inflate_finish (self->inflate, self->body, self->max_response_size, error))
    return FALSE;
  self->checked = TRUE;
  return TRUE;
}

/* Before anybody else, such as the session's cache, learns that the body is complete. */
static gboolean
check_decoded_cb (gpointer data, GError **error)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  return self->transfer != transfer || self->reading != READING_BODY || check_decoded (self, error);
}

static void
take_answer (SoupAttempt *self)
{
  SoupMessage *message = get_message (self);
  guint status_code = soup_message_get_status (message);
  SoupMessageHeaders *soup_headers = soup_message_get_response_headers (message);
  gboolean with_body = resilient_soup_message_may_have_body (message);
  gboolean wanted;

  g_clear_pointer (&self->headers, resilient_headers_unref);
  self->headers = resilient_headers_new_from_soup (soup_headers);
  if (resilient_headers_get_size (self->headers) > MAX_HEADERS_SIZE)
    {
      GError *error = NULL;

      resilient_set_headers_too_large (&error);
      fail (self, error);
      return;
    }
  self->download_size = with_body ? resilient_soup_headers_get_size (soup_headers) : 0;
  self->retry_after = resilient_soup_message_get_retry_after (self->headers);
  wanted = self->funcs->headers (&self->base, status_code, self->retry_after, self->data);
  if (self->ended)
    return;
  if (!wanted)
    {
      start_discard (self, READING_DISCARD);
      return;
    }
  if (self->download_size > 0 && (guint64) self->download_size > self->max_response_size)
    {
      GError *error = NULL;

      resilient_set_too_large (&error, self->max_response_size);
      finish (self, RESILIENT_FAILURE_TOO_LARGE, error, NULL);
      return;
    }

  self->reading = READING_BODY;
  self->checked = FALSE;
  self->body = g_byte_array_sized_new ((guint) CLAMP (self->download_size, 0, MAX_TRUSTED_SIZE));
  if (with_body)
    self->inflate =
      resilient_inflate_new (self->decode ? resilient_soup_headers_get_coding (soup_headers) : NULL,
                             resilient_soup_send_is_from_cache (self->transfer->send));
  if (self->inflate != NULL && self->transfer->tap != NULL)
    resilient_tap_set_check (self->transfer->tap, check_decoded_cb, self->transfer);
  arm_timer (self);
  resilient_reader_start (self->transfer->reader);
}

/* A connection that was kept alive and turned out dead: nothing came back, and it was not the first
 * to be used on it. libsoup resends by itself what has a method that is idempotent by nature, so
 * this is left for what is by a key or mark. */
static gboolean
resend (SoupAttempt *self, const GError *error)
{
  ResilientSoupSend *send = self->transfer->send;

  /* FAILED: a stream of HTTP/2 that was reset, on a connection that lives on */
  if (self->resent || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_FAILED)
      || !resilient_soup_send_is_on_wire (send) || !resilient_soup_send_is_reused (send)
      || resilient_soup_send_has_response (send) || resilient_soup_send_get_resends (send) > 0
      || !may_repeat (self) || resilient_method_is_idempotent (self->plan.method)
      || resilient_failure_from_error (error, FALSE) != RESILIENT_FAILURE_DISCONNECT
      || (self->plan.with_body && resilient_frozen_request_get_body (self->frozen) != NULL
          && resilient_body_is_spent (resilient_frozen_request_get_body (self->frozen))))
    return FALSE;

  self->resent = TRUE;
  self->count_send = TRUE;
  self->new_connection = TRUE;
  drop_transfer (self);
  if (!self->ended)
    send_later (self);
  return TRUE;
}

/* A proxy wants credentials, which only the main lane can know. No send (RFC 9110, 15.5.8). */
static gboolean
answer_challenge (SoupAttempt *self, gboolean body_spent)
{
  SoupTransfer *transfer = self->transfer;
  SoupMessage *message = get_message (self);

  if (soup_message_get_status (message) != SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED
      || !resilient_lane_is_bare (transfer->lease.lane))
    return FALSE;
  resilient_route_note_challenges (transfer->lease.route);
  if (body_spent)
    return FALSE;
  self->count_send = transfer->counts && !transfer->started;
  self->download_size =
    resilient_soup_headers_get_size (soup_message_get_response_headers (message));
  if (resilient_soup_send_has_headers (transfer->send))
    start_discard (self, READING_DRAIN);
  else
    next_send (self);
  return TRUE;
}

static SoupHSTSEnforcer *
get_enforcer (SoupAttempt *self)
{
  return (SoupHSTSEnforcer *) soup_session_get_feature_for_message (
    resilient_lane_get_session (self->transfer->lease.lane),
    SOUP_TYPE_HSTS_ENFORCER,
    get_message (self));
}

/* NULL with @error. */
static GBytes *
decode_at_once (SoupAttempt *self, SoupMessageHeaders *headers, GByteArray *raw, GError **error)
{
  const char *coding = self->decode ? resilient_soup_headers_get_coding (headers) : NULL;
  g_autoptr (ResilientInflate) inflate = resilient_inflate_new (coding, FALSE);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  ResilientInflateState state;

  if (inflate == NULL)
    return g_bytes_new (raw->data, raw->len);
  state =
    resilient_inflate_feed (inflate, raw->data, raw->len, body, self->max_response_size, error);
  while (state == RESILIENT_INFLATE_MORE)
    state = resilient_inflate_feed (inflate, NULL, 0, body, self->max_response_size, error);
  if (state == RESILIENT_INFLATE_FAILED
      || !resilient_inflate_finish (inflate, body, self->max_response_size, error))
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

static void
deliver_early_answer (SoupAttempt *self, ResilientEarlyAnswer *answer)
{
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  guint status_code = resilient_early_answer_get_status_code (answer);
  SoupMessageHeaders *headers = resilient_early_answer_get_headers (answer);
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->headers, resilient_headers_unref);
  self->headers = resilient_headers_new_from_soup (headers);
  self->retry_after = resilient_soup_message_get_retry_after (self->headers);
  if (self->funcs->headers (&self->base, status_code, self->retry_after, self->data)
      && !self->ended)
    body = decode_at_once (self, headers, resilient_early_answer_get_body (answer), &error);
  if (error != NULL)
    fail (self, g_steal_pointer (&error));
  else if (!self->ended)
    finish (self,
            RESILIENT_FAILURE_NONE,
            NULL,
            resilient_response_new_full (status_code,
                                         resilient_early_answer_get_reason_phrase (answer),
                                         soup_message_get_uri (get_message (self)),
                                         resilient_early_answer_get_version (answer),
                                         self->headers,
                                         body,
                                         resilient_clock_to_seconds (elapsed),
                                         self->retry_after));
}

/* It has passed by libsoup: what an app's session would do with it, say with its cookies, is not
 * done. */
static gboolean
take_early_answer (SoupAttempt *self)
{
  g_autoptr (ResilientEarlyAnswer) answer =
    self->transfer != NULL ? resilient_soup_send_take_early_answer (self->transfer->send) : NULL;
  g_autoptr (GError) error = NULL;
  SoupMessageHeaders *headers;
  guint status_code;

  if (answer == NULL)
    return FALSE;
  headers = resilient_early_answer_get_headers (answer);
  status_code = resilient_early_answer_get_status_code (answer);
  enter_phase (self, RESILIENT_PHASE_READING);
  self->outcome.status_code = status_code;
  switch (resilient_redirect_decide (
    &self->plan,
    get_enforcer (self),
    soup_message_get_uri (get_message (self)),
    status_code,
    soup_message_headers_get_one (headers, "Location"),
    resilient_body_is_spent (resilient_frozen_request_get_body (self->frozen)),
    &error))
    {
    case RESILIENT_REDIRECT_FOLLOW:
      self->resent = FALSE;
      self->no_expect = FALSE;
      next_send (self);
      break;
    case RESILIENT_REDIRECT_FAIL:
      finish (self, RESILIENT_FAILURE_REDIRECT, g_steal_pointer (&error), NULL);
      break;
    case RESILIENT_REDIRECT_DELIVER:
    default:
      deliver_early_answer (self, answer);
      break;
    }
  return TRUE;
}

static void
handle_answer (SoupAttempt *self, GInputStream *stream, GError *error)
{
  ResilientSoupSend *send = self->transfer->send;
  SoupMessage *message = resilient_soup_send_get_message (send);
  g_autoptr (GError) head_error = NULL;
  g_autoptr (GError) redirect_error = NULL;
  guint status_code = soup_message_get_status (message);
  gboolean body_spent =
    resilient_frozen_request_get_body (self->frozen) != NULL
    && resilient_body_is_spent (resilient_frozen_request_get_body (self->frozen));

  /* what libsoup makes of half a head is of no account */
  if (resilient_soup_send_has_half_head (send)
      && (stream != NULL || error->domain == SOUP_SESSION_ERROR))
    {
      GError *cut_error = NULL;

      set_cut (&cut_error);
      fail (self, cut_error);
      return;
    }
  if (stream == NULL)
    {
      if (!take_early_answer (self) && !resend (self, error))
        fail (self, g_error_copy (error));
      return;
    }
  if (answer_challenge (self, body_spent))
    return;
  if (!resilient_soup_send_has_headers (send))
    {
      finish (
        self, RESILIENT_FAILURE_CONNECT, resilient_soup_send_make_proxy_error (message), NULL);
      return;
    }
  if (!resilient_soup_message_check_head (message, &head_error))
    {
      fail (self, g_steal_pointer (&head_error));
      return;
    }
  /* RFC 9110, 15.5.18: ask again without the expectation that could not be met */
  if (status_code == SOUP_STATUS_EXPECTATION_FAILED && !self->no_expect
      && (resilient_soup_send_is_expecting (send)
          || (resilient_soup_send_has_gone_on (send) && !body_spent)))
    {
      avoid_expect (self);
      self->download_size =
        resilient_soup_headers_get_size (soup_message_get_response_headers (message));
      start_discard (self, READING_DRAIN);
      return;
    }

  switch (resilient_redirect_decide (
    &self->plan,
    get_enforcer (self),
    soup_message_get_uri (message),
    status_code,
    soup_message_headers_get_one (soup_message_get_response_headers (message), "Location"),
    body_spent,
    &redirect_error))
    {
    case RESILIENT_REDIRECT_FOLLOW:
      self->resent = FALSE;
      self->no_expect = FALSE;
      self->download_size =
        resilient_soup_headers_get_size (soup_message_get_response_headers (message));
      start_discard (self, READING_DRAIN);
      break;
    case RESILIENT_REDIRECT_FAIL:
      finish (self, RESILIENT_FAILURE_REDIRECT, g_steal_pointer (&redirect_error), NULL);
      break;
    case RESILIENT_REDIRECT_DELIVER:
    default:
      take_answer (self);
      break;
    }
}

static gboolean decode_cb (gpointer data);

/* TRUE when all of it is decoded, and more may be read. */
static gboolean
decode (SoupAttempt *self, const guint8 *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;

  switch (resilient_inflate_feed (
    self->inflate, bytes, length, self->body, self->max_response_size, &error))
    {
    case RESILIENT_INFLATE_DRAINED:
      if (self->download_size < 0 || self->received < (guint64) self->download_size
          || check_decoded (self, &error))
        return TRUE;
      fail (self, g_steal_pointer (&error));
      return FALSE;

    case RESILIENT_INFLATE_MORE:
      self->decode_source = g_idle_source_new ();
      g_source_set_priority (self->decode_source,
                             resilient_pace_get_priority (self->pace, self->io_priority));
      g_source_set_callback (self->decode_source, decode_cb, self, NULL);
      g_source_set_static_name (self->decode_source, "[resilient-client] decode");
      g_source_attach (self->decode_source, self->context);
      return FALSE;

    case RESILIENT_INFLATE_FAILED:
    default:
      fail (self, g_steal_pointer (&error));
      return FALSE;
    }
}

/* The others of the context have had their turn. */
static gboolean
decode_cb (gpointer data)
{
  SoupAttempt *self = data;

  g_clear_pointer (&self->decode_source, g_source_unref);
  /* it is not the server that keeps us waiting */
  self->deadlines.activity = resilient_clock_get_boot ();
  if (decode (self, NULL, 0))
    resilient_reader_start (self->transfer->reader);
  return G_SOURCE_REMOVE;
}

static gboolean
reader_data_cb (ResilientReader *reader, const guint8 *bytes, gsize length, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;
  g_autoptr (GError) error = NULL;

  self->deadlines.activity = resilient_clock_get_boot ();
  self->received += length;
  if (self->reading != READING_BODY)
    {
      if (self->received <= DISCARD_SIZE)
        return TRUE;
      stop_reading (self);
      return FALSE;
    }

  /* on the wire too: a coding may take in any amount and yield nothing */
  if (self->received > self->max_response_size)
    {
      resilient_set_too_large (&error, self->max_response_size);
      fail (self, g_steal_pointer (&error));
      return FALSE;
    }
  if (self->inflate == NULL)
    g_byte_array_append (self->body, bytes, (guint) length);
  report_progress (self);
  if (self->transfer != transfer || self->ended)
    return FALSE;
  return self->inflate == NULL || decode (self, bytes, length);
}

/* A header section that is cut after a line looks to libsoup like a whole one whose body, of
 * unknown length, is empty. Where no tap saw how it ended, as on a connection that the app has
 * opened by itself, one that means an empty body is to say that it closes (RFC 9112, 9.6). */
static gboolean
may_end_in_headers (SoupAttempt *self, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ResilientTap *tap = resilient_soup_send_get_tap (self->transfer->send);

  return (tap == NULL || !resilient_tap_saw_head (tap)) && self->received == 0
         && soup_message_get_http_version (message) == SOUP_HTTP_1_1
         && soup_message_headers_get_encoding (headers) == SOUP_ENCODING_EOF
         && !soup_message_headers_header_contains (headers, "Connection", "close");
}

/* Did all of the body arrive? What the tap could tell has been told: a cut body did not get
 * here. */
static gboolean
check_whole (SoupAttempt *self, GError **error)
{
  SoupMessage *message = get_message (self);
  gint64 declared = resilient_soup_headers_get_size (soup_message_get_response_headers (message));
  gboolean whole = TRUE;

  if (!resilient_soup_message_may_have_body (message)
      || resilient_soup_send_is_from_cache (self->transfer->send))
    return TRUE;
  if (declared >= 0)
    whole = self->received >= (guint64) declared;
  else
    whole = !may_end_in_headers (self, message);
  if (!whole)
    set_cut (error);
  return whole;
}

static void
reader_end_cb (ResilientReader *reader, const GError *read_error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;
  gsize length;

  if (self->reading != READING_BODY)
    {
      stop_reading (self);
      return;
    }
  if (read_error != NULL)
    {
      fail (self, g_error_copy (read_error));
      return;
    }
  if (!check_whole (self, &error) || !check_decoded (self, &error))
    {
      fail (self, g_steal_pointer (&error));
      return;
    }
  transfer->whole = !self->outcome.http2;
  length = self->body->len;
  /* the array grows in powers of two, and results are kept for long */
  body = g_bytes_new_take (
    g_realloc (g_byte_array_free (g_steal_pointer (&self->body), FALSE), length), length);
  deliver (self, body);
}

static void
reader_closed_cb (gpointer data)
{
  SoupTransfer *transfer = data;
  gboolean whole = transfer->whole && transfer->attempt->wrote_all;

  /* the connection serves again, though libsoup has yet to say that the message is finished */
  if (whole)
    pass_on (transfer);
  resilient_soup_send_stream_closed (transfer->send, whole);
}

static const ResilientReaderFuncs reader_funcs = {
  reader_data_cb,
  reader_end_cb,
  reader_closed_cb,
};

/* --- sending
 * -------------------------------------------------------------------------------------- */

static void
send_event_cb (ResilientSoupSend *send, ResilientSendEvent event, gpointer data)
{
  SoupTransfer *transfer = data;

  /* a message answered by the cache says all of it inside the send call */
  if ((transfer->launched || event == RESILIENT_SEND_STARTED)
      && transfer == transfer->attempt->transfer)
    handle_event (transfer->attempt, event);
}

static void
send_refused_cb (ResilientSoupSend *send, const GError *error, gpointer data)
{
  SoupTransfer *transfer = data;

  if (take_early_answer (transfer->attempt))
    return;
  if (resilient_soup_send_has_body_failed (send))
    finish (transfer->attempt, RESILIENT_FAILURE_INVALID, g_error_copy (error), NULL);
  else
    fail (transfer->attempt, g_error_copy (error));
}

static void
send_answered_cb (ResilientSoupSend *send, GInputStream *stream, GError *error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  attempt_ref (self);
  if (error != NULL)
    resilient_lease_failed (&transfer->lease);
  if (stream != NULL)
    {
      guard_body (transfer, stream);
      transfer->reader =
        resilient_reader_new (stream, self->io_priority, self->pace, &reader_funcs, transfer);
    }
  handle_answer (self, stream, error);
  attempt_unref (self);
}

static void
send_broken_cb (ResilientSoupSend *send, const GError *error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  if (self->transfer != transfer || self->reading == READING_NOTHING)
    return;
  if (self->reading == READING_BODY)
    fail (self, g_error_copy (error));
  else
    stop_reading (self);
}

static void
send_released_cb (ResilientSoupSend *send, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  /* an attempt whose message ended without an answer would never end */
  g_assert (transfer != self->transfer);
  self->n_transfers--;
  transfer_free (transfer);
  maybe_release (self);
  attempt_unref (self);
}

static const ResilientSoupSendFuncs send_funcs = {
  send_event_cb, send_refused_cb, send_answered_cb, send_broken_cb, send_released_cb,
};

static ResilientReuse
get_reuse (SoupAttempt *self)
{
  if (self->new_connection)
    return RESILIENT_REUSE_NONE;
  if (may_repeat (self) || resilient_method_is_idempotent (self->plan.method))
    return RESILIENT_REUSE_ANY;
  return RESILIENT_REUSE_FRESH;
}

static gboolean
wants_expect (SoupAttempt *self, SoupTransfer *transfer)
{
  const char *own;

  if (!self->plan.with_body || resilient_frozen_request_get_body (self->frozen) == NULL
      || self->no_expect)
    return FALSE;
  own =
    resilient_frozen_request_get_headers (self->frozen) != NULL
      ? resilient_headers_get_one (resilient_frozen_request_get_headers (self->frozen), "Expect")
      : NULL;
  if (own != NULL && g_ascii_strcasecmp (own, "100-continue") == 0)
    return TRUE;
  return resilient_body_get_size (resilient_frozen_request_get_body (self->frozen)) > EXPECT_SIZE
         && !resilient_route_avoids_expect (transfer->lease.route);
}

static SoupMessage *
make_message (SoupAttempt *self, SoupTransfer *transfer)
{
  g_autoptr (ResilientHeaders) defaults =
    self->funcs->default_headers != NULL ? self->funcs->default_headers (self->plan.uri, self->data)
                                         : NULL;
  const ResilientSoupMessageParams params = {
    .plan = &self->plan,
    .frozen = self->frozen,
    .defaults = defaults,
    .idempotency_key = self->idempotency_key,
    .user_agent = self->user_agent,
    .session = resilient_lane_is_bare (transfer->lease.lane)
                 ? NULL
                 : resilient_lane_get_session (transfer->lease.lane),
    .new_connection = self->new_connection,
    .may_use_kept = may_repeat (self) || transfer->lease.fresh_only,
  };

  return resilient_soup_message_new (&params, &self->decode);
}

/* Takes @lease. */
static gboolean
launch (SoupAttempt *self, const ResilientLease *lease, GError **error)
{
  SoupTransfer *transfer = g_new0 (SoupTransfer, 1);
  g_autoptr (SoupMessage) message = NULL;
  gboolean sent;
  ResilientSoupSendParams params = {
    .session = resilient_lane_get_session (lease->lane),
    .io_priority = self->io_priority,
    .pace = self->pace,
    .debug_name = self->debug_name,
    .body = self->plan.with_body ? resilient_frozen_request_get_body (self->frozen) : NULL,
    .connections = resilient_lane_get_connections (lease->lane),
    .shared = !lease->exclusive,
    /* in a session of others' a time-out, or an answer from its cache, may come in between; over
     * HTTP/2 it may wait for a stream */
    .brief = lease->exclusive && resilient_route_speaks_http1 (lease->route)
             && (!self->plan.with_body || resilient_frozen_request_get_body (self->frozen) == NULL),
    .may_repeat = may_repeat (self),
    .max_response_size = self->max_response_size,
  };

  transfer->attempt = self;
  transfer->lease = *lease;
  transfer->counts = self->count_send;
  params.message = message = make_message (self, transfer);
  params.expect = wants_expect (self, transfer);
  self->count_send = FALSE;
  self->new_connection = FALSE;
  self->transfer = transfer;
  self->n_transfers++;
  attempt_ref (self);
  transfer->send = resilient_soup_send_new (&params, &send_funcs, transfer);
  if (params.body != NULL)
    resilient_lease_step_aside (&transfer->lease);
  sent = resilient_soup_send_send (transfer->send, error);
  if (params.body != NULL)
    resilient_lease_step_back (&transfer->lease);
  if (!sent)
    {
      self->transfer = NULL;
      self->n_transfers--;
      transfer_free (transfer);
      attempt_unref (self);
      return FALSE;
    }
  transfer->launched = TRUE;
  return TRUE;
}

static gboolean
enter_lane (SoupAttempt *self, GError **error)
{
  ResilientLease lease;

  self->waiter.span = self->deadlines.connect;
  if (!resilient_pool_enter (self->pool,
                             self->plan.uri,
                             g_uri_get_userinfo (self->plan.uri) != NULL,
                             get_reuse (self),
                             &self->waiter,
                             &lease))
    {
      resilient_debug (self->debug_name, "waits for a connection");
      return TRUE;
    }
  resilient_debug (self->debug_name, "leased a connection: %s", lease.why);
  return launch (self, &lease, error);
}

static void
lane_ready (ResilientLeaseWaiter *waiter)
{
  SoupAttempt *self = (SoupAttempt *) ((guint8 *) waiter - G_STRUCT_OFFSET (SoupAttempt, waiter));

  /* another attempt may be in the midst of passing its lane on */
  if (!enter_lane (self, &self->outcome.error))
    say_later (self);
}

static const char *
get_phase_name (ResilientPhase phase)
{
  switch (phase)
    {
    case RESILIENT_PHASE_CONNECTING:
      return "connecting";
    case RESILIENT_PHASE_WRITING:
      return "writing";
    case RESILIENT_PHASE_WAITING:
      return "waiting for an answer";
    case RESILIENT_PHASE_READING:
      return "reading";
    case RESILIENT_PHASE_DONE:
    default:
      return "done";
    }
}

static void
tell_plan (SoupAttempt *self)
{
  g_autofree char *uri = resilient_debug_redact_uri (self->plan.uri);

  resilient_debug_write (self->debug_name, "%s %s by libsoup", self->plan.method, uri);
}

static void
tell_end (SoupAttempt *self)
{
  g_autofree char *error = resilient_debug_describe_error (self->outcome.error);

  if (self->outcome.failure == RESILIENT_FAILURE_NONE)
    resilient_debug_write (
      self->debug_name, "has its answer, of %" G_GUINT64_FORMAT " bytes", self->received);
  else
    resilient_debug_write (
      self->debug_name, "failed while %s: %s", get_phase_name (self->outcome.phase), error);
}

static gboolean
send_plan (SoupAttempt *self, GError **error)
{
  self->wrote_all = FALSE;
  self->unsent = 0;
  self->expect_due = 0;
  self->outcome.status_code = 0;
  self->outcome.http2 = FALSE;
  if (G_UNLIKELY (self->debug_name != NULL))
    tell_plan (self);
  enter_phase (self, RESILIENT_PHASE_CONNECTING);
  return enter_lane (self, error);
}

static void
send_later (SoupAttempt *self)
{
  self->send_due = TRUE;
  enter_phase (self, RESILIENT_PHASE_CONNECTING);
  say_later (self);
}

/* --- the end
 * -------------------------------------------------------------------------------------- */

static void
drop_transfer (SoupAttempt *self)
{
  SoupTransfer *transfer = g_steal_pointer (&self->transfer);
  ResilientClose how = RESILIENT_CLOSE_LATER;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  if (self->decode_source != NULL)
    g_source_destroy (self->decode_source);
  g_clear_pointer (&self->decode_source, g_source_unref);
  resilient_lease_waiter_withdraw (&self->waiter);
  if (transfer == NULL)
    return;
  if (transfer->tap != NULL)
    resilient_tap_set_check (transfer->tap, NULL, NULL);
  if (!self->outcome.http2 && !resilient_soup_send_is_from_cache (transfer->send)
      && transfer->reader != NULL)
    {
      if (!self->wrote_all || !resilient_reader_is_at_end (transfer->reader))
        how = RESILIENT_CLOSE_ABANDON;
      else if (transfer->whole)
        how = RESILIENT_CLOSE_NOW;
    }
  else if (transfer->reader != NULL && resilient_soup_send_is_lost (transfer->send))
    how = RESILIENT_CLOSE_ABANDON;
  if (transfer->reader == NULL || how == RESILIENT_CLOSE_ABANDON)
    resilient_soup_send_hang_up (transfer->send);
  resilient_soup_send_detach (transfer->send);
  if (transfer->reader != NULL)
    resilient_reader_close (g_steal_pointer (&transfer->reader), how);
}

static void
finish (SoupAttempt *self, ResilientFailure failure, GError *error, ResilientResponse *response)
{
  if (self->ended)
    {
      g_clear_error (&error);
      g_clear_pointer (&response, resilient_response_unref);
      return;
    }

  attempt_ref (self);
  self->ended = TRUE;
  self->finishing = TRUE;
  end_look (self);
  resilient_timer_queue_clear (self->timers, &self->timer);
  drop_transfer (self);
  self->outcome.failure = failure;
  self->outcome.error = error;
  self->outcome.response = response;
  self->outcome.phase =
    failure == RESILIENT_FAILURE_NONE ? RESILIENT_PHASE_DONE : self->deadlines.phase;
  if (G_UNLIKELY (self->debug_name != NULL))
    tell_end (self);
  /* to close a stream tells the handlers of the session, which may run a main loop */
  if (!self->abandoned)
    self->funcs->done (&self->base, &self->outcome, self->data);
  g_clear_error (&self->outcome.error);
  g_clear_pointer (&self->outcome.response, resilient_response_unref);
  self->finishing = FALSE;
  maybe_release (self);
  attempt_unref (self);
}

static void
fail (SoupAttempt *self, GError *error)
{
  ResilientFailure failure;

  /* The session was aborted, or something else of the app's: not for us to call a cancel, which
   * nobody here asked for. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (error);
      error = g_error_new_literal (G_IO_ERROR,
                                   G_IO_ERROR_CONNECTION_CLOSED,
                                   self->outcome.nothing_sent
                                     ? _ ("The connection was given up before it was made")
                                     : _ ("The connection was closed from this side"));
    }
  /* GnuTLS says the same of an alert after the handshake, which is about our certificate, and of a
   * stream that is read on after it was cut. Only a server that asked can be unhappy with one. */
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC) && !self->outcome.nothing_sent
      && self->transfer != NULL && !resilient_soup_send_may_lack_certificate (self->transfer->send))
    error->code = G_TLS_ERROR_EOF;
  /* the session's own time-out: the phase tells which one it was */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      && self->deadlines.phase == RESILIENT_PHASE_WRITING)
    failure = RESILIENT_FAILURE_WRITE_TIMEOUT;
  else
    failure = resilient_failure_from_error (error, self->outcome.nothing_sent);
  /* libsoup's own limit of a header section: it says "partial input" */
  if (failure == RESILIENT_FAILURE_TOO_LARGE && error->domain != RESILIENT_CLIENT_ERROR)
    {
      g_clear_error (&error);
      resilient_set_headers_too_large (&error);
    }
  finish (self, failure, error, NULL);
}

ResilientTransportAttempt *
resilient_soup_attempt_start (ResilientTransport *transport,
                              ResilientPool *pool,
                              const ResilientTransportAttemptParams *params,
                              ResilientTimerQueue *timers,
                              const ResilientTransportAttemptFuncs *funcs,
                              gpointer data)
{
  SoupAttempt *self = g_new0 (SoupAttempt, 1);

  self->base.transport = resilient_transport_ref (transport);
  self->base.unref = unref_base;
  self->base.outcome = &self->outcome;
  self->ref_count = 2; /* the caller's, and our own until released() */
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->io_priority = params->io_priority;
  self->pace = params->pace != NULL ? resilient_pace_ref (params->pace) : NULL;
  self->timers = resilient_timer_queue_ref (timers);
  if (params->context != NULL && resilient_debug_is_on ())
    self->debug_name = resilient_debug_name_new (
      resilient_request_context_get_request_id (params->context),
      resilient_request_context_get_current_attempt (params->context) + 1);
  self->frozen = resilient_frozen_request_ref (params->frozen);
  self->idempotency_key = g_strdup (params->idempotency_key);
  self->user_agent = g_strdup (params->user_agent);
  self->max_response_size = resilient_get_body_limit (params->max_response_size);
  self->new_connection = params->new_connection;
  self->count_send = TRUE;
  self->download_size = -1;
  self->pool = pool;
  self->waiter.ready = lane_ready;
  self->waiter.io_priority = params->io_priority;
  self->outcome.nothing_sent = TRUE;
  resilient_request_plan_init (&self->plan, self->frozen);
  resilient_deadlines_init (&self->deadlines,
                            resilient_clock_get_boot (),
                            params->connect_timeout,
                            params->write_timeout,
                            params->read_timeout,
                            params->attempt_timeout);

  if (!send_plan (self, &self->outcome.error))
    say_later (self);
  return &self->base;
}

void
resilient_soup_attempt_abandon (ResilientTransportAttempt *attempt)
{
  SoupAttempt *self = (SoupAttempt *) attempt;

  self->abandoned = TRUE;
  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_error (&self->outcome.error);
  end_look (self);
  resilient_timer_queue_clear (self->timers, &self->timer);
  drop_transfer (self);
  if (self->n_transfers == 0)
    say_later (self);
}

ResilientSoupSend *
resilient_soup_attempt_peek_send (ResilientTransportAttempt *attempt)
{
  SoupAttempt *self = (SoupAttempt *) attempt;

  return self->transfer != NULL ? self->transfer->send : NULL;
}
