/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-exchange-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"

/* How long a server may leave "Expect: 100-continue" without an answer before it gets the body all
 * the same: many know nothing of it (RFC 9110, 10.1.1, and curl's choice of the time). */
#define EXPECT_PATIENCE (1 * G_USEC_PER_SEC)
/* How often a silent response is looked at: what happens to a connection of HTTP/2, or to an
 * aborted session, wakes no source of its stream. */
#define READING_POLL (1 * G_USEC_PER_SEC)

static void timer_cb (gpointer data);

/* Enters, or enters anew, a phase: its deadline counts from now. */
void
resilient_soup_exchange_enter (SoupExchange *self, ResilientPhase phase)
{
  gboolean changed = self->deadlines.phase != phase;
  gint64 now = resilient_clock_get_boot ();

  resilient_deadlines_enter (&self->deadlines, phase, now);
  self->polled = now;
  resilient_soup_exchange_arm (self);
  if (changed && !self->ended)
    self->funcs->phase (&self->base, phase, self->data);
}

static gint64
get_poll_due (SoupExchange *self)
{
  switch (self->deadlines.phase)
    {
    case RESILIENT_PHASE_WRITING:
      if (self->leg == NULL || resilient_soup_hop_get_socket (self->leg->hop) == NULL
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
resilient_soup_exchange_arm (SoupExchange *self)
{
  gint64 due;

  if (self->ended)
    return;
  due = MIN (resilient_deadlines_get_due (&self->deadlines), get_poll_due (self));
  if (self->expect_due != 0)
    due = MIN (due, self->expect_due);
  if (self->discard_due != 0)
    due = MIN (due, self->discard_due);
  if (due != G_MAXINT64 && (!resilient_timer_is_set (&self->timer) || due < self->timer.due))
    resilient_alarm_set (self->alarm, &self->timer, due, timer_cb, self);
}

/* When the peer last gave a sign on this socket, but not before this phase began. The kernel's own
 * ages say nothing about a clock that tests move by hand. */
static gint64
date_sign (SoupExchange *self,
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
look_at_queue (SoupExchange *self)
{
  GSocket *socket = resilient_soup_hop_get_socket (self->leg->hop);
  gint64 now = resilient_clock_get_boot ();
  guint unsent = 0;
  gint64 emptied;
  gboolean brief = resilient_soup_hop_is_brief (self->leg->hop);
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

  resilient_soup_exchange_enter (self, RESILIENT_PHASE_WAITING);
  self->deadlines.activity = MIN (self->deadlines.activity, emptied);
  resilient_soup_exchange_arm (self);
}

void
resilient_soup_exchange_report_progress (SoupExchange *self)
{
  gint64 upload_size = 0;

  if (self->ended)
    return;
  if (self->plan.with_body && self->recipe->body != NULL)
    upload_size = resilient_body_get_size (self->recipe->body);
  self->funcs->progress (
    &self->base, self->leg != NULL ? (gint64) resilient_soup_hop_get_sent (self->leg->hop) : 0,
    (gint64) self->received, upload_size, self->download_size, self->data);
}

static void
count_send (SoupExchange *self)
{
  SoupLeg *leg = self->leg;
  guint resends = resilient_soup_hop_get_resends (leg->hop);

  if (!leg->started && leg->counts)
    self->outcome.sends++;
  self->outcome.sends += resends - leg->resends;
  leg->resends = resends;
  leg->started = TRUE;
}

static void
on_started (SoupExchange *self)
{
  ResilientSoupHop *hop = self->leg->hop;

  if (self->outcome.nothing_sent)
    self->outcome.reused_connection = resilient_soup_hop_is_reused (hop);
  self->outcome.nothing_sent = FALSE;
  self->outcome.status_code = 0;
  count_send (self);
  resilient_pass_started (&self->leg->pass,
                          soup_message_get_http_version (resilient_soup_hop_get_message (hop))
                            == SOUP_HTTP_2_0,
                          resilient_soup_hop_is_reused (hop));
  self->wrote_all = resilient_soup_hop_is_brief (hop);
  self->unsent = 0;
  self->expect_due =
    resilient_soup_hop_is_expecting (hop) ? resilient_clock_get_boot () + EXPECT_PATIENCE : 0;
  resilient_soup_exchange_enter (self, RESILIENT_PHASE_WRITING);
  if (self->wrote_all && get_poll_due (self) == G_MAXINT64)
    look_at_queue (self);
}

static void
on_headers (SoupExchange *self)
{
  SoupMessage *message = resilient_soup_hop_get_message (self->leg->hop);
  gboolean http2 = soup_message_get_http_version (message) == SOUP_HTTP_2_0
                   && !resilient_soup_hop_is_from_cache (self->leg->hop);

  self->expect_due = 0;
  self->outcome.status_code = soup_message_get_status (message);
  self->outcome.http2 = http2;
  if (self->plan.n_redirects == 0)
    self->outcome.http2_of_origin = http2;
  /* whatever came before: an early response of HTTP/2 never says that the request was written */
  resilient_soup_exchange_enter (self, RESILIENT_PHASE_READING);
}

void
resilient_soup_exchange_event (SoupExchange *self, ResilientHopEvent event)
{
  if (self->ended)
    return;

  switch (event)
    {
    case RESILIENT_HOP_STARTED:
      on_started (self);
      break;

    case RESILIENT_HOP_WROTE:
      self->deadlines.activity = resilient_clock_get_boot ();
      resilient_soup_exchange_report_progress (self);
      break;

    case RESILIENT_HOP_WROTE_ALL:
      self->wrote_all = TRUE;
      if (self->deadlines.phase == RESILIENT_PHASE_WRITING)
        look_at_queue (self);
      break;

    case RESILIENT_HOP_INFORMATIONAL:
      self->expect_due = 0;
      self->deadlines.activity = resilient_clock_get_boot ();
      break;

    case RESILIENT_HOP_HEADERS:
      on_headers (self);
      break;

    default:
      g_assert_not_reached ();
    }
}

void
resilient_soup_exchange_avoid_expect (SoupExchange *self)
{
  self->leg->pass.host->avoids_expect = TRUE;
  self->no_expect = TRUE;
  self->count_send = TRUE;
}

/* The server does not know the expectation, or is slow to answer. Not a byte of the body was sent,
 * so the request can't have been processed: it goes out anew, body and all. */
static void
resend_unasked (SoupExchange *self)
{
  g_autoptr (GError) error = NULL;

  resilient_soup_exchange_avoid_expect (self);
  resilient_soup_exchange_drop_leg (self);
  if (!resilient_soup_exchange_send (self, &error))
    resilient_soup_exchange_finish (self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error),
                                    NULL);
}

/* What no source tells. */
static void
look_at_response (SoupExchange *self)
{
  SoupLeg *leg = self->leg;
  GSocket *socket = resilient_soup_hop_get_socket (leg->hop);
  guint64 received = self->received;

  self->polled = resilient_clock_get_boot ();
  resilient_reader_poll (leg->reader);
  /* A connection of HTTP/2 that breaks tells only those requests that still wait for headers. */
  if (!self->ended && self->leg == leg && self->reading == READING_BODY && self->outcome.http2
      && self->received == received && socket != NULL && resilient_socket_is_dead (socket))
    resilient_soup_exchange_fail (
      self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                                 _("The connection was lost while the response was read")));
}

/* Headers that drip in are activity too, but libsoup keeps them until they are complete. */
static void
look_for_headers (SoupExchange *self, gint64 now)
{
  GSocket *socket = resilient_soup_hop_get_socket (self->leg->hop);

  if (socket != NULL && !resilient_clock_is_virtual ()
      && soup_message_get_http_version (resilient_soup_hop_get_message (self->leg->hop))
           != SOUP_HTTP_2_0)
    {
      gint64 age;

      if (resilient_socket_get_last_receive (socket, &age))
        self->deadlines.activity = MAX (self->deadlines.activity, now - age);
    }
}

static void
timer_cb (gpointer data)
{
  SoupExchange *self = data;
  gint64 now = resilient_clock_get_boot ();
  ResilientFailure failure;

  resilient_soup_exchange_ref (self);
  if (self->deadlines.phase == RESILIENT_PHASE_WRITING && get_poll_due (self) <= now)
    look_at_queue (self);
  else if (self->deadlines.phase == RESILIENT_PHASE_READING && get_poll_due (self) <= now)
    look_at_response (self);
  else if (self->deadlines.phase == RESILIENT_PHASE_WAITING
           && resilient_deadlines_get_due (&self->deadlines) <= now)
    look_for_headers (self, now);

  if (!self->ended && self->discard_due != 0 && self->discard_due <= now)
    resilient_soup_exchange_stop_reading (self);
  if (!self->ended && self->expect_due != 0 && self->expect_due <= now)
    resend_unasked (self);
  if (!self->ended)
    {
      failure = resilient_deadlines_check (&self->deadlines, now, self->outcome.nothing_sent);
      /* the answer is there already when it is only discarded */
      if (failure != RESILIENT_FAILURE_NONE && self->reading == READING_DISCARD)
        resilient_soup_exchange_stop_reading (self);
      else if (failure != RESILIENT_FAILURE_NONE)
        resilient_soup_exchange_finish (
          self, failure, resilient_deadlines_make_error (&self->deadlines, failure), NULL);
    }
  resilient_soup_exchange_arm (self);
  resilient_soup_exchange_unref (self);
}
