/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How far an attempt over libsoup has come, and what is late: it moves the phases, and looks at the
 * socket before it judges a deadline. Part of the attempt, in its context. */

#include "config.h"

#include "resilient-soup-attempt-private.h"

#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-i18n-private.h"

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

static void timer_cb (gpointer data);

/* Enters, or enters anew, a phase: its deadline counts from now. */
void
resilient_soup_attempt_enter (SoupAttempt *self, ResilientPhase phase)
{
  gboolean changed = self->deadlines.phase != phase;
  gint64 now = resilient_clock_get_boot ();

  resilient_soup_attempt_end_look (self);
  self->extended = FALSE;
  resilient_deadlines_enter (&self->deadlines, phase, now);
  self->polled = now;
  resilient_soup_attempt_arm (self);
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
void
resilient_soup_attempt_arm (SoupAttempt *self)
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

  resilient_soup_attempt_enter (self, RESILIENT_PHASE_WAITING);
  self->deadlines.activity = MIN (self->deadlines.activity, emptied);
  resilient_soup_attempt_arm (self);
}

void
resilient_soup_attempt_report_progress (SoupAttempt *self)
{
  gint64 upload_size = 0;

  if (self->ended)
    return;
  if (self->plan.with_body && self->frozen->body != NULL)
    upload_size = resilient_body_get_size (self->frozen->body);
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
    self->transfer->lease.route->revived = resilient_clock_get_boot ();
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
  resilient_soup_attempt_enter (self, RESILIENT_PHASE_WRITING);
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
  resilient_soup_attempt_enter (self, RESILIENT_PHASE_READING);
}

void
resilient_soup_attempt_event (SoupAttempt *self, ResilientSendEvent event)
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
      resilient_soup_attempt_report_progress (self);
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

void
resilient_soup_attempt_avoid_expect (SoupAttempt *self)
{
  self->transfer->lease.route->avoids_expect = TRUE;
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
      self->transfer->lease.route->avoids_expect = TRUE;
      return;
    }
  resilient_soup_attempt_avoid_expect (self);
  resilient_soup_attempt_drop_transfer (self);
  if (!resilient_soup_attempt_send (self, &error))
    resilient_soup_attempt_finish (self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
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
    resilient_soup_attempt_fail (
      self,
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
    resilient_soup_attempt_stop_reading (self);
  else if (failure != RESILIENT_FAILURE_NONE
           && (failure != RESILIENT_FAILURE_WRITE_TIMEOUT
               || !resilient_soup_attempt_take_early_answer (self)))
    resilient_soup_attempt_finish (
      self, failure, resilient_deadlines_make_error (&self->deadlines, failure), NULL);
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
    return self->waiter.route != NULL && self->waiter.route->revived >= self->look_since;
  if (resilient_soup_send_count_steps (self->transfer->send) == self->steps
      && (self->extended || !resilient_soup_send_is_stepping (self->transfer->send)))
    return FALSE;
  self->transfer->lease.route->revived = resilient_clock_get_boot ();
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

void
resilient_soup_attempt_end_look (SoupAttempt *self)
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

  resilient_soup_attempt_ref (self);
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
          resilient_soup_attempt_end_look (self);
        }
      else if (self->looks_left == 0
               || resilient_deadlines_get_attempt_due (&self->deadlines) <= now)
        {
          gboolean came_on = has_come_on (self);

          resilient_soup_attempt_end_look (self);
          if (came_on)
            {
              self->deadlines.activity = now;
              self->extended = TRUE;
            }
          pass_judgement (self, now);
        }
    }
  resilient_soup_attempt_arm (self);
  resilient_soup_attempt_unref (self);
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

  resilient_soup_attempt_ref (self);
  if (self->deadlines.phase == RESILIENT_PHASE_WRITING && get_poll_due (self) <= now)
    look_at_queue (self);
  else if (self->deadlines.phase == RESILIENT_PHASE_READING && get_poll_due (self) <= now)
    look_at_response (self);
  else if ((self->deadlines.phase == RESILIENT_PHASE_WAITING
            || self->deadlines.phase == RESILIENT_PHASE_READING)
           && self->transfer != NULL && resilient_deadlines_get_due (&self->deadlines) <= now)
    look_for_bytes (self, now);

  if (!self->ended && self->discard_due != 0 && self->discard_due <= now)
    resilient_soup_attempt_stop_reading (self);
  if (!self->ended && is_due (self, now))
    {
      if (self->reading == READING_DISCARD
          || resilient_deadlines_get_attempt_due (&self->deadlines) <= now)
        {
          resilient_soup_attempt_end_look (self);
          pass_judgement (self, now);
        }
      else if (self->look == NULL)
        {
          start_look (self, now);
        }
    }
  resilient_soup_attempt_arm (self);
  resilient_soup_attempt_unref (self);
}
