/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Counts leases towards their route, which learns from them how long connections take and serve. It
 * owns nothing; in the context of the pool. */

#include "config.h"

#include "resilient-lease-private.h"

#include "resilient-clock-private.h"

void
resilient_lease_begin (ResilientLease *self, gboolean open)
{
  ResilientRoute *route = self->route;

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
  resilient_connections_release (self->lane->connections, self->claim);
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

void
resilient_lease_failed (ResilientLease *self)
{
  ResilientRoute *route = self->route;

  if (route->protocol == RESILIENT_PROTOCOL_UNKNOWN
      || (route->protocol == RESILIENT_PROTOCOL_HTTP1 && self->state == RESILIENT_LEASE_OPENING))
    resilient_route_rush (route);
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
}
