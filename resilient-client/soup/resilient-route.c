/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What was learned of an origin, and the requests that wait for a connection to it. It owns its
 * idle lanes' order and the source that wakes those who wait. In the context of its pool. */

#include "config.h"

#include "resilient-route-private.h"

#include "resilient-clock-private.h"
#include "resilient-origin-key-private.h"

/* Who waits does so for so many halves of the time that a new connection takes, while nothing goes
 * on. */
#define PATIENCE 3
/* Who waits keeps so many times what it takes to open a connection in hand. */
#define CONNECTS 2

guint
resilient_route_hash (gconstpointer data)
{
  return resilient_origin_key_hash (((const ResilientRoute *) data)->uri);
}

gboolean
resilient_route_equal (gconstpointer a, gconstpointer b)
{
  return resilient_origin_key_equal (((const ResilientRoute *) a)->uri,
                                     ((const ResilientRoute *) b)->uri);
}

ResilientRoute *
resilient_route_new (GUri *uri)
{
  ResilientRoute *self = g_new0 (ResilientRoute, 1);

  self->ref_count = 1;
  self->uri = g_uri_ref (uri);
  self->context = g_main_context_ref_thread_default ();
  /* libsoup speaks HTTP/2 over TLS only */
  self->tls = g_uri_get_scheme (uri)[4] == 's';
  self->protocol = self->tls ? RESILIENT_PROTOCOL_UNKNOWN : RESILIENT_PROTOCOL_HTTP1;
  self->timers = resilient_timer_queue_get (self->context);
  return self;
}

ResilientRoute *
resilient_route_ref (ResilientRoute *self)
{
  self->ref_count++;
  return self;
}

void
resilient_route_unref (ResilientRoute *self)
{
  if (--self->ref_count > 0)
    return;
  g_assert (g_queue_is_empty (&self->waiting) && g_queue_is_empty (&self->idle));
  g_clear_pointer (&self->many, resilient_lane_unref);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  resilient_timer_queue_clear (self->timers, &self->guard);
  resilient_timer_queue_unref (self->timers);
  g_main_context_unref (self->context);
  g_uri_unref (self->uri);
  g_free (self);
}

static void
call (ResilientRoute *self, GList *link)
{
  ResilientLeaseWaiter *waiter = link->data;

  g_queue_unlink (&self->waiting, link);
  waiter->route = NULL;
  waiter->called = TRUE;
  waiter->ready (waiter);
  resilient_route_unref (self);
}

void
resilient_route_call_next (ResilientRoute *self)
{
  if (self->waiting.head != NULL)
    call (self, self->waiting.head);
}

/* It is for a connection that they wait, if at all. */
static gboolean
is_known (ResilientRoute *self)
{
  return self->tls && self->protocol == RESILIENT_PROTOCOL_HTTP1 && !self->challenges && !self->rush
         && !self->closes;
}

static void
review (ResilientRoute *self)
{
  GQueue *waiting = &self->waiting;

  resilient_route_ref (self);
  /* until one is to wait for another again */
  while (waiting->length > 0 && !self->scouted && (!is_known (self) || self->idle.length > 0))
    call (self, waiting->head);
  /* The last ones have the longest to wait. */
  while (waiting->length > 0 && is_known (self)
         && !resilient_wait_estimate_should_wait (
           &self->estimate, waiting->length, self->n_open, self->n_opening))
    call (self, waiting->tail);
  resilient_route_unref (self);
}

static void guard_cb (gpointer data);

static void
arm_guard (ResilientRoute *self)
{
  double span = self->estimate.opening / 2;

  self->progress_seen = self->n_progress;
  resilient_timer_queue_set (
    self->timers, &self->guard, resilient_clock_get_boot () + (gint64) span + 1, guard_cb, self);
}

/* A new connection must still be possible for them, were it to take twice as long as the others. */
static void
call_late (ResilientRoute *self)
{
  gint64 now = resilient_clock_get_boot ();
  GList *link = self->waiting.head;

  while (link != NULL)
    if (((ResilientLeaseWaiter *) link->data)->latest > now)
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
  ResilientRoute *self = resilient_route_ref (data);

  if (self->n_progress != self->progress_seen)
    self->n_silent = 0;
  else if (self->waiting.length > 0 && ++self->n_silent >= PATIENCE)
    {
      self->n_silent = 0;
      resilient_wait_estimate_note_vain (&self->estimate);
      for (guint n = self->waiting.length; n > 0; n--)
        resilient_route_call_next (self);
    }
  call_late (self);
  review (self);
  if (self->waiting.length > 0)
    arm_guard (self);
  resilient_route_unref (self);
}

void
resilient_route_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter)
{
  self->io_priority = waiter->io_priority;
  waiter->route = resilient_route_ref (self);
  waiter->link = (GList){ .data = waiter };
  waiter->latest = waiter->span > 0 ? resilient_clock_get_boot () + waiter->span
                                        - (gint64) (CONNECTS * self->estimate.opening)
                                    : G_MAXINT64;
  g_queue_push_tail_link (&self->waiting, &waiter->link);
  if (self->waiting.length > 1 || !is_known (self))
    return;
  self->n_silent = 0;
  arm_guard (self);
}

gboolean
resilient_route_should_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter)
{
  guint n_waiting = self->waiting.length;

  if (!is_known (self) || (n_waiting == 0 && self->idle.length > 0)
      || !resilient_wait_estimate_should_wait (
        &self->estimate, n_waiting + 1, self->n_open, self->n_opening))
    return FALSE;
  if (waiter->span > 0 && (double) waiter->span < (CONNECTS + 1) * self->estimate.opening)
    return FALSE;
  /* those that are in use seem to be so for long */
  if (resilient_clock_get_boot () - self->active_at > PATIENCE * self->estimate.opening / 2)
    return FALSE;
  return !resilient_wait_estimate_wants_more (&self->estimate, self->n_open, self->n_opening);
}

static gboolean
wake_cb (gpointer data)
{
  ResilientRoute *self = data;

  g_clear_pointer (&self->source, g_source_unref);
  review (self);
  return G_SOURCE_REMOVE;
}

void
resilient_route_wake (ResilientRoute *self)
{
  if (self->source != NULL || g_queue_is_empty (&self->waiting))
    return;
  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, self->io_priority);
  g_source_set_callback (self->source, wake_cb, self, NULL);
  g_source_set_static_name (self->source, "[resilient-client] lanes");
  g_source_attach (self->source, self->context);
}

void
resilient_route_learn (ResilientRoute *self, gboolean http2)
{
  ResilientProtocol protocol = http2 ? RESILIENT_PROTOCOL_HTTP2 : RESILIENT_PROTOCOL_HTTP1;

  self->rush = FALSE;
  self->scouted = FALSE;
  if (self->protocol == protocol)
    return;
  self->protocol = protocol;
  if (!http2)
    g_clear_pointer (&self->many, resilient_lane_unref);
  resilient_route_wake (self);
  if (self->waiting.length > 0 && is_known (self))
    arm_guard (self);
}

void
resilient_route_rush (ResilientRoute *self)
{
  self->rush = TRUE;
  self->scouted = FALSE;
  resilient_route_wake (self);
}

void
resilient_lease_waiter_withdraw (ResilientLeaseWaiter *self)
{
  ResilientRoute *route = g_steal_pointer (&self->route);

  if (route == NULL)
    return;
  g_queue_unlink (&route->waiting, &self->link);
  resilient_route_unref (route);
}
