/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-host-private.h"

#include "resilient-clock-private.h"
#include "resilient-recipe-private.h"

/* Who waits does so for so many halves of the time that a new connection takes, while nothing goes
 * on. */
#define PATIENCE 3
/* Who waits keeps so many times what it takes to open a connection in hand. */
#define CONNECTS 2

guint
resilient_host_hash (gconstpointer data)
{
  GUri *uri = ((const ResilientHost *) data)->uri;

  return g_str_hash (g_uri_get_host (uri)) * 31 + (guint) resilient_uri_get_port (uri) * 2
         + (g_uri_get_scheme (uri)[4] == 's');
}

gboolean
resilient_host_equal (gconstpointer a, gconstpointer b)
{
  return resilient_uri_same_origin (((const ResilientHost *) a)->uri,
                                    ((const ResilientHost *) b)->uri);
}

static void
trace_clear (gpointer data)
{
  resilient_lane_unref (((ResilientTrace *) data)->lane);
}

ResilientHost *
resilient_host_new (GUri *uri)
{
  ResilientHost *self = g_new0 (ResilientHost, 1);

  self->ref_count = 1;
  self->uri = g_uri_ref (uri);
  self->context = g_main_context_ref_thread_default ();
  self->traces = g_array_new (FALSE, FALSE, sizeof (ResilientTrace));
  g_array_set_clear_func (self->traces, trace_clear);
  /* libsoup speaks HTTP/2 over TLS only */
  self->tls = g_uri_get_scheme (uri)[4] == 's';
  self->protocol = self->tls ? RESILIENT_PROTOCOL_UNKNOWN : RESILIENT_PROTOCOL_HTTP1;
  self->alarm = resilient_alarm_get (self->context);
  return self;
}

ResilientHost *
resilient_host_ref (ResilientHost *self)
{
  self->ref_count++;
  return self;
}

void
resilient_host_unref (ResilientHost *self)
{
  if (--self->ref_count > 0)
    return;
  g_assert (g_queue_is_empty (&self->waiting));
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  resilient_alarm_clear (self->alarm, &self->guard);
  resilient_alarm_unref (self->alarm);
  g_array_unref (self->traces);
  g_main_context_unref (self->context);
  g_uri_unref (self->uri);
  g_free (self);
}

void
resilient_host_remember (ResilientHost *self, ResilientLane *lane)
{
  ResilientTrace trace = { resilient_lane_ref (lane), lane->stamp };

  if (lane->open || !self->tls)
    g_array_append_val (self->traces, trace);
  else
    g_array_prepend_val (self->traces, trace);
}

ResilientLane *
resilient_host_find (ResilientHost *self)
{
  while (self->traces->len > 0)
    {
      ResilientTrace *trace = &g_array_index (self->traces, ResilientTrace, self->traces->len - 1);

      if (!trace->lane->busy && trace->stamp == trace->lane->stamp)
        return trace->lane;
      g_array_set_size (self->traces, self->traces->len - 1);
    }
  return NULL;
}

ResilientLane *
resilient_host_take (ResilientHost *self)
{
  ResilientLane *lane = resilient_host_find (self);

  if (lane != NULL)
    g_array_set_size (self->traces, self->traces->len - 1);
  return lane;
}

void
resilient_host_forget (ResilientHost *self, ResilientLane *lane)
{
  for (guint i = self->traces->len; i > 0; i--)
    if (g_array_index (self->traces, ResilientTrace, i - 1).lane == lane)
      g_array_remove_index (self->traces, i - 1);
}

static void
call (ResilientHost *self, GList *link)
{
  ResilientTicket *ticket = link->data;

  g_queue_unlink (&self->waiting, link);
  ticket->host = NULL;
  ticket->called = TRUE;
  ticket->ready (ticket);
  resilient_host_unref (self);
}

void
resilient_host_call_next (ResilientHost *self)
{
  if (self->waiting.head != NULL)
    call (self, self->waiting.head);
}

/* It is for a connection that they wait, if at all. */
static gboolean
is_known (ResilientHost *self)
{
  return self->tls && self->protocol == RESILIENT_PROTOCOL_HTTP1 && !self->challenges && !self->rush
         && !self->closes;
}

static gboolean
has_free_connection (ResilientHost *self)
{
  ResilientLane *lane = resilient_host_find (self);

  return lane != NULL && lane->open;
}

static void
review (ResilientHost *self)
{
  GQueue *waiting = &self->waiting;

  resilient_host_ref (self);
  /* until one is to wait for another again */
  while (waiting->length > 0 && !self->scouted && (!is_known (self) || has_free_connection (self)))
    call (self, waiting->head);
  /* The last ones have the longest to wait. */
  while (waiting->length > 0 && is_known (self)
         && !resilient_patience_should_wait (
           &self->patience, waiting->length, self->n_open, self->n_opening))
    call (self, waiting->tail);
  resilient_host_unref (self);
}

static void guard_cb (gpointer data);

static void
arm_guard (ResilientHost *self)
{
  double span = self->patience.opening / 2;

  self->progress_seen = self->n_progress;
  resilient_alarm_set (
    self->alarm, &self->guard, resilient_clock_get_boot () + (gint64) span + 1, guard_cb, self);
}

/* A new connection must still be possible for them, were it to take twice as long as the others. */
static void
call_late (ResilientHost *self)
{
  gint64 now = resilient_clock_get_boot ();
  GList *link = self->waiting.head;

  while (link != NULL)
    if (((ResilientTicket *) link->data)->latest > now)
      {
        link = link->next;
      }
    else
      {
        call (self, link);
        link = self->waiting.head;
      }
}

/* What was measured may not hold any more, as when all connections are taken by answers that take
 * for ever. Then to have waited costs once, or half as much again, what to open a connection would
 * have: more of the connect time-out is not lost by it. */
static void
guard_cb (gpointer data)
{
  ResilientHost *self = resilient_host_ref (data);

  if (self->n_progress != self->progress_seen)
    self->n_silent = 0;
  else if (self->waiting.length > 0 && ++self->n_silent >= PATIENCE)
    {
      self->n_silent = 0;
      resilient_patience_note_vain (&self->patience);
      for (guint n = self->waiting.length; n > 0; n--)
        resilient_host_call_next (self);
    }
  call_late (self);
  review (self);
  if (self->waiting.length > 0)
    arm_guard (self);
  resilient_host_unref (self);
}

void
resilient_host_wait (ResilientHost *self, ResilientTicket *ticket)
{
  ticket->host = resilient_host_ref (self);
  ticket->link = (GList){ .data = ticket };
  ticket->latest = ticket->span > 0 ? resilient_clock_get_boot () + ticket->span
                                        - (gint64) (CONNECTS * self->patience.opening)
                                    : G_MAXINT64;
  g_queue_push_tail_link (&self->waiting, &ticket->link);
  if (self->waiting.length > 1 || !is_known (self))
    return;
  self->n_silent = 0;
  arm_guard (self);
}

gboolean
resilient_host_should_wait (ResilientHost *self, ResilientTicket *ticket)
{
  guint n_waiting = self->waiting.length;

  if (!is_known (self) || (n_waiting == 0 && has_free_connection (self))
      || !resilient_patience_should_wait (
        &self->patience, n_waiting + 1, self->n_open, self->n_opening))
    return FALSE;
  if (ticket->span > 0 && (double) ticket->span < (CONNECTS + 1) * self->patience.opening)
    return FALSE;
  /* those that are in use seem to be so for long */
  if (resilient_clock_get_boot () - self->active_at > PATIENCE * self->patience.opening / 2)
    return FALSE;
  return !resilient_patience_wants_more (&self->patience, self->n_open, self->n_opening);
}

static gboolean
wake_cb (gpointer data)
{
  ResilientHost *self = data;

  g_clear_pointer (&self->source, g_source_unref);
  review (self);
  return G_SOURCE_REMOVE;
}

void
resilient_host_wake (ResilientHost *self)
{
  if (self->source != NULL || g_queue_is_empty (&self->waiting))
    return;
  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, wake_cb, self, NULL);
  g_source_set_static_name (self->source, "[resilient-client] lanes");
  g_source_attach (self->source, self->context);
}

void
resilient_host_learn (ResilientHost *self, gboolean http2)
{
  ResilientProtocol protocol = http2 ? RESILIENT_PROTOCOL_HTTP2 : RESILIENT_PROTOCOL_HTTP1;

  self->rush = FALSE;
  self->scouted = FALSE;
  if (self->protocol == protocol)
    return;
  self->protocol = protocol;
  resilient_host_wake (self);
  if (self->waiting.length > 0 && is_known (self))
    arm_guard (self);
}

void
resilient_host_rush (ResilientHost *self)
{
  self->rush = TRUE;
  self->scouted = FALSE;
  resilient_host_wake (self);
}

void
resilient_ticket_withdraw (ResilientTicket *self)
{
  ResilientHost *host = g_steal_pointer (&self->host);

  if (host == NULL)
    return;
  g_queue_unlink (&host->waiting, &self->link);
  resilient_host_unref (host);
}
