/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What was learned of an origin, the requests that wait for a connection to it, and those that have
 * one, from which it learns how long connections take and serve. It owns its idle lanes' order and
 * the source that wakes those who wait. In the context of its pool. */

#include "config.h"

#include "resilient-route-private.h"

#include "resilient-clock-private.h"
#include "resilient-timer-queue-private.h"
#include "resilient-wait-estimate-private.h"

/* Who waits does so for so many halves of the time that a new connection takes, while nothing goes
 * on. */
#define PATIENCE 3
/* Who waits keeps so many times what it takes to open a connection in hand. */
#define CONNECTS 2

typedef enum
{
  RESILIENT_PROTOCOL_UNKNOWN,
  RESILIENT_PROTOCOL_HTTP1,
  RESILIENT_PROTOCOL_HTTP2,
} ResilientProtocol;

struct _ResilientRoute
{
  int ref_count;
  GUri *uri;
  GMainContext *context;
  ResilientProtocol protocol;
  gboolean scouted;       /* a request finds out which */
  gboolean rush;          /* the last one that tried could not */
  gboolean challenges;    /* on the way there somebody asks for credentials */
  gboolean avoids_expect; /* "Expect: 100-continue" is ignored there */
  GQueue idle;         /* of ResilientLane: those of HTTP/1 that are free, the longest idle first */
  ResilientLane *many; /* the lane of HTTP/2; a reference, or NULL */
  guint n_busy;        /* requests that have a lane of their own */
  gconstpointer main;  /* the session for credentials that knows it, if that is still there */
  GQueue waiting;      /* of ResilientLeaseWaiter */
  GSource *source;     /* wakes them */
  int io_priority;     /* of that: that of the last one who waited */
  gint64 revived;      /* when a connect that was found late was seen to go on; boot-time clock */

  /* Over TLS, where a connection costs more than most requests: whether to wait for one. */
  gboolean tls;
  gboolean closes;  /* the last new one served a single request */
  guint n_open;     /* lanes that are in use, on a connection that is open */
  guint n_opening;  /* those that have yet to get there */
  guint n_progress; /* counts lanes that were left, and connections that were opened */
  gint64 active_at; /* when that was, or a lane was taken */
  ResilientWaitEstimate estimate;
  ResilientTimerQueue *timers;
  ResilientTimer guard; /* while some wait: looks whether anything goes on */
  guint progress_seen;  /* when it last looked */
  guint n_silent;       /* how often it saw nothing */
};

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

gboolean
resilient_route_is_unused (ResilientRoute *self)
{
  return self->ref_count == 1;
}

GUri *
resilient_route_get_uri (ResilientRoute *self)
{
  return self->uri;
}

/* --- who waits -------------------------------------------------------------------------------- */

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

static void
call_next (ResilientRoute *self)
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
        call_next (self);
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

static gboolean
should_wait (ResilientRoute *self, ResilientLeaseWaiter *waiter)
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
resilient_lease_waiter_withdraw (ResilientLeaseWaiter *self)
{
  ResilientRoute *route = g_steal_pointer (&self->route);

  if (route == NULL)
    return;
  g_queue_unlink (&route->waiting, &self->link);
  resilient_route_unref (route);
}

ResilientWay
resilient_route_choose_way (ResilientRoute *self, ResilientLeaseWaiter *waiter)
{
  if (self->challenges)
    return RESILIENT_WAY_CHALLENGES;
  if (self->protocol == RESILIENT_PROTOCOL_HTTP2)
    return RESILIENT_WAY_MANY;
  if (self->protocol == RESILIENT_PROTOCOL_HTTP1 || self->rush)
    return waiter == NULL || !should_wait (self, waiter) ? RESILIENT_WAY_OWN : RESILIENT_WAY_WAIT;
  if (self->scouted)
    return RESILIENT_WAY_WAIT;
  self->scouted = TRUE;
  return RESILIENT_WAY_SCOUT;
}

/* --- what is known of it ---------------------------------------------------------------------- */

gboolean
resilient_route_speaks_http1 (ResilientRoute *self)
{
  return self->protocol == RESILIENT_PROTOCOL_HTTP1;
}

void
resilient_route_note_challenges (ResilientRoute *self)
{
  self->challenges = TRUE;
}

void
resilient_route_avoid_expect (ResilientRoute *self)
{
  self->avoids_expect = TRUE;
}

gboolean
resilient_route_avoids_expect (ResilientRoute *self)
{
  return self->avoids_expect;
}

void
resilient_route_note_revived (ResilientRoute *self)
{
  self->revived = resilient_clock_get_boot ();
}

gboolean
resilient_lease_waiter_was_revived (ResilientLeaseWaiter *self, gint64 since)
{
  return self->route != NULL && self->route->revived >= since;
}

ResilientLane *
resilient_route_get_many (ResilientRoute *self)
{
  return self->many;
}

void
resilient_route_set_many (ResilientRoute *self, ResilientLane *lane)
{
  g_clear_pointer (&self->many, resilient_lane_unref);
  self->many = lane != NULL ? resilient_lane_ref (lane) : NULL;
}

GQueue *
resilient_route_get_idle (ResilientRoute *self)
{
  return &self->idle;
}

gboolean
resilient_route_has_excess (ResilientRoute *self, guint kept)
{
  return self->idle.length > MAX (kept, self->n_busy);
}

gboolean
resilient_route_is_known_to (ResilientRoute *self, ResilientLane *main)
{
  return self->main == main;
}

void
resilient_route_set_known_to (ResilientRoute *self, ResilientLane *main)
{
  self->main = main;
}

/* --- leases ----------------------------------------------------------------------------------- */

void
resilient_lease_begin (ResilientLease *self, gboolean open)
{
  ResilientRoute *route = self->route;

  route->n_busy++;
  if (!route->tls)
    return;
  self->state = open ? RESILIENT_LEASE_OPEN : RESILIENT_LEASE_OPENING;
  self->alone = route->n_opening == 0;
  if (self->alone && route->n_open == 0)
    resilient_wait_estimate_note_idle (&route->estimate);
  self->since = route->active_at = resilient_clock_get_boot ();
  if (open)
    route->n_open++;
  else
    route->n_opening++;
}

void
resilient_lease_release_claim (ResilientLease *self)
{
  if (!self->claims)
    return;
  self->claims = FALSE;
  resilient_connections_release (resilient_lane_get_connections (self->lane), self->claim);
}

/* The connection that it was to use may have been closed: then it has opened one all the same. */
void
resilient_lease_started (ResilientLease *self, gboolean http2, gboolean reused)
{
  ResilientRoute *route = self->route;
  gboolean was_opening = self->state == RESILIENT_LEASE_OPENING;

  resilient_lease_release_claim (self);
  if (was_opening || (self->state == RESILIENT_LEASE_OPEN && !reused))
    {
      gint64 now = resilient_clock_get_boot ();

      if (was_opening)
        {
          self->state = RESILIENT_LEASE_OPEN;
          route->n_opening--;
          route->n_open++;
          route->n_progress++;
          if (!reused && self->alone)
            resilient_wait_estimate_note_opened (&route->estimate, now - self->since);
        }
      self->fresh = !reused;
      self->since = route->active_at = now;
    }
  /* those that come next join it */
  if (http2 && self->exclusive && route->many == NULL)
    route->many = resilient_lane_ref (self->lane);
  resilient_route_learn (route, http2);
}

void
resilient_lease_step_aside (ResilientLease *self)
{
  if (!self->scout)
    return;
  self->route->scouted = FALSE;
  resilient_route_wake (self->route);
}

void
resilient_lease_step_back (ResilientLease *self)
{
  if (self->scout)
    self->route->scouted =
      self->route->protocol == RESILIENT_PROTOCOL_UNKNOWN && !self->route->rush;
}

/* No connection could be made: those who wait find out by themselves. Until one is there. */
static void
rush (ResilientRoute *self)
{
  self->rush = TRUE;
  self->scouted = FALSE;
  resilient_route_wake (self);
}

void
resilient_lease_failed (ResilientLease *self)
{
  ResilientRoute *route = self->route;

  if (route->protocol == RESILIENT_PROTOCOL_UNKNOWN
      || (route->protocol == RESILIENT_PROTOCOL_HTTP1 && self->state == RESILIENT_LEASE_OPENING))
    rush (route);
}

void
resilient_lease_end (ResilientLease *self, gboolean kept)
{
  ResilientRoute *route = self->route;

  if (self->state == RESILIENT_LEASE_OPENING)
    {
      route->n_opening--;
    }
  else if (self->state == RESILIENT_LEASE_OPEN)
    {
      route->n_progress++;
      route->active_at = resilient_clock_get_boot ();
      if (kept)
        resilient_wait_estimate_note_served (
          &route->estimate, route->active_at - self->since, route->n_open, route->waiting.length);
      route->n_open--;
    }
  self->state = RESILIENT_LEASE_UNCOUNTED;
  route->n_busy--;
  if (self->scout && route->protocol == RESILIENT_PROTOCOL_UNKNOWN)
    /* it went without having learned anything: the next one tries */
    route->scouted = FALSE;
}

void
resilient_lease_pass_on (ResilientLease *self,
                         gboolean kept,
                         void (*leave) (ResilientLease *self, gboolean kept, gpointer pool),
                         gpointer pool)
{
  ResilientRoute *route = self->route;
  gboolean first = route->estimate.serving == 0;

  if (self->fresh)
    route->closes = !kept;
  leave (self, kept, pool);
  if (kept && route->protocol == RESILIENT_PROTOCOL_HTTP1)
    call_next (route);
  if (!kept || first)
    resilient_route_wake (route);
  resilient_route_unref (route);
}
