/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-gate-state-private.h"

/* Chosen for a browser-like load: six connections to a host is what browsers open on HTTP/1; on
 * HTTP/2 requests share one connection and a server commonly allows a hundred streams. */
#define AUTOMATIC_PER_ORIGIN 6
#define AUTOMATIC_PER_ORIGIN_HTTP2 32

/* How many waiters are admitted under one hold of the lock. */
#define MAX_ADMIT 64

typedef struct
{
  ResilientWaiter *waiter;
  ResilientOrigin *origin; /* owned: the waiter may leave, and be freed, at any time */
} Admission;

/* The gate in which this thread is admitting. A callback may leave the gate at once: who is next is
 * then admitted by the loop that called it, not deeper and deeper in the stack. */
static GPrivate admitting;

gboolean
resilient_waiter_is_before (gconstpointer a, gconstpointer b)
{
  const ResilientWaiter *first = a;
  const ResilientWaiter *second = b;

  if (first->priority != second->priority)
    return first->priority < second->priority;

  if (!first->woken != !second->woken)
    return first->woken;

  return first->arrival < second->arrival;
}

gboolean
resilient_gate_candidate_is_before (gconstpointer a, gconstpointer b)
{
  ResilientOrigin *first = (ResilientOrigin *) a;
  ResilientOrigin *second = (ResilientOrigin *) b;

  return resilient_waiter_is_before (resilient_heap_peek (&first->waiters),
                                     resilient_heap_peek (&second->waiters));
}

/* From here to remove_waiter_locked(): called with the lock held. */

static guint
get_limit_locked (ResilientGate *self)
{
  /* A limit of zero would wait for ever. */
  return MAX (MIN (self->max_concurrent, self->session_max_conns), 1);
}

static guint
get_origin_limit_locked (ResilientGate *self, ResilientOrigin *origin)
{
  guint limit;

  if (origin->max_concurrent > 0)
    limit = origin->max_concurrent;
  else if (self->per_origin > 0)
    limit = self->per_origin;
  else
    limit = origin->http2 ? AUTOMATIC_PER_ORIGIN_HTTP2 : AUTOMATIC_PER_ORIGIN;

  /* The session's limit is one of connections, and HTTP/2 carries all requests over one. */
  if (!origin->http2)
    limit = MIN (limit, self->session_max_conns_per_host);

  return MAX (limit, 1);
}

static gboolean
has_slot_locked (ResilientGate *self, ResilientOrigin *origin)
{
  return origin->active < get_origin_limit_locked (self, origin);
}

/* Whose request has ended will leave soon, and its slot is as good as free: of the slots that a
 * newcomer to @origin lacks. */
static guint
count_leaving_locked (ResilientGate *self, ResilientOrigin *origin)
{
  return has_slot_locked (self, origin) ? self->detached : origin->detached;
}

/* After its waiters, its count or its limit changed: an origin is among the candidates, in its
 * place, or not. */
static void
update_candidate_locked (ResilientGate *self, ResilientOrigin *origin)
{
  gboolean can_admit = origin->waiters.length > 0 && has_slot_locked (self, origin);

  if (can_admit && origin->candidate_index != 0)
    resilient_heap_update (&self->candidates, origin);
  else if (can_admit)
    resilient_heap_insert (&self->candidates, origin);
  else if (origin->candidate_index != 0)
    resilient_heap_remove (&self->candidates, origin);
}

void
resilient_gate_update_all_candidates (ResilientGate *self)
{
  GHashTableIter iter;
  gpointer origin;

  g_hash_table_iter_init (&iter, self->origins);
  while (g_hash_table_iter_next (&iter, NULL, &origin))
    update_candidate_locked (self, origin);
}

static gboolean
has_connection_locked (ResilientGate *self, ResilientOrigin *origin)
{
  return origin->http2
         || (self->active < self->session_max_conns
             && origin->active < self->session_max_conns_per_host);
}

static void
add_active_locked (ResilientGate *self, ResilientOrigin *origin, int change)
{
  self->active += change;
  origin->active += change;
  origin->active_changed = TRUE;
}

static void
insert_waiter_locked (ResilientGate *self, ResilientOrigin *origin, ResilientWaiter *waiter)
{
  resilient_heap_insert (&origin->waiters, waiter);
  self->pending++;
  self->pending_new += waiter->woken ? 0 : 1;
  origin->pending_changed = TRUE;
}

static void
remove_waiter_locked (ResilientGate *self, ResilientOrigin *origin, ResilientWaiter *waiter)
{
  resilient_heap_remove (&origin->waiters, waiter);
  self->pending--;
  self->pending_new -= waiter->woken ? 0 : 1;
  origin->pending_changed = TRUE;
}

static void
tell_changed (ResilientGate *self, ResilientOrigin *origin)
{
  ResilientGateChanged changed;
  gpointer data;

  g_mutex_lock (&self->lock);
  changed = self->changed;
  data = self->changed_data;
  g_mutex_unlock (&self->lock);

  if (changed == NULL)
    return;

  changed (NULL, data);

  if (resilient_origin_is_watched (origin)
      && g_atomic_int_compare_and_exchange (&origin->change_told, FALSE, TRUE))
    changed (origin, data);
}

static guint
admit_some (ResilientGate *self, Admission admissions[MAX_ADMIT])
{
  ResilientOrigin *origin;
  guint n = 0;

  g_mutex_lock (&self->lock);

  while (n < MAX_ADMIT && self->active < get_limit_locked (self)
         && (origin = resilient_heap_peek (&self->candidates)) != NULL)
    {
      ResilientWaiter *waiter = resilient_heap_peek (&origin->waiters);

      remove_waiter_locked (self, origin, waiter);
      add_active_locked (self, origin, +1);
      update_candidate_locked (self, origin);
      admissions[n++] = (Admission){ waiter, g_object_ref (origin) };
    }

  g_mutex_unlock (&self->lock);

  return n;
}

void
resilient_gate_admit (ResilientGate *self)
{
  gpointer outer = g_private_get (&admitting);
  Admission admissions[MAX_ADMIT];
  guint n;

  if (outer == self)
    return;

  g_private_set (&admitting, self);

  while ((n = admit_some (self, admissions)) > 0)
    for (guint i = 0; i < n; i++)
      {
        admissions[i].waiter->admitted (admissions[i].waiter);
        tell_changed (self, admissions[i].origin);
        g_object_unref (admissions[i].origin);
      }

  g_private_set (&admitting, outer);
}

ResilientGateAnswer
resilient_gate_enter (ResilientGate *self, ResilientOrigin *origin, ResilientWaiter *waiter)
{
  ResilientGateAnswer answer;

  g_assert (waiter->index == 0 && waiter->origin == NULL);

  g_mutex_lock (&self->lock);

  /* Candidates are there, with a slot free, only while somebody is about to admit them: nobody
   * overtakes them. */
  if (self->active < get_limit_locked (self) && self->candidates.length == 0
      && origin->waiters.length == 0 && has_slot_locked (self, origin))
    {
      add_active_locked (self, origin, +1);
      answer = RESILIENT_GATE_ADMITTED;
    }
  else if (waiter->beyond && has_connection_locked (self, origin))
    {
      add_active_locked (self, origin, +1);
      update_candidate_locked (self, origin);
      answer = RESILIENT_GATE_ADMITTED;
    }
  else if (waiter->beyond)
    {
      answer = RESILIENT_GATE_OVERLOADED;
    }
  else if (waiter->woken
           || self->pending_new < (guint64) self->max_pending + count_leaving_locked (self, origin))
    {
      waiter->arrival = self->next_arrival++;
      insert_waiter_locked (self, origin, waiter);
      update_candidate_locked (self, origin);
      answer = RESILIENT_GATE_QUEUED;
    }
  else
    {
      answer = RESILIENT_GATE_OVERLOADED;
    }

  if (answer != RESILIENT_GATE_OVERLOADED)
    {
      waiter->origin = g_object_ref (origin);
      resilient_gate_update_idle (self, origin);
    }

  g_mutex_unlock (&self->lock);

  /* From here on the waiter may be admitted, leave and be freed in another thread. */

  if (answer != RESILIENT_GATE_OVERLOADED)
    tell_changed (self, origin);

  return answer;
}

gboolean
resilient_gate_withdraw (ResilientGate *self, ResilientWaiter *waiter)
{
  g_autoptr (ResilientOrigin) origin = NULL;

  g_mutex_lock (&self->lock);

  if (waiter->index != 0)
    {
      origin = g_steal_pointer (&waiter->origin);
      remove_waiter_locked (self, origin, waiter);
      update_candidate_locked (self, origin);
      resilient_gate_update_idle (self, origin);
    }

  g_mutex_unlock (&self->lock);

  if (origin == NULL)
    return FALSE;

  tell_changed (self, origin);
  return TRUE;
}

void
resilient_gate_set_priority (ResilientGate *self, ResilientWaiter *waiter, int priority)
{
  g_mutex_lock (&self->lock);

  waiter->priority = priority;
  if (waiter->index != 0)
    {
      resilient_heap_update (&waiter->origin->waiters, waiter);
      update_candidate_locked (self, waiter->origin);
    }

  g_mutex_unlock (&self->lock);
}

void
resilient_gate_leave (ResilientGate *self, ResilientWaiter *waiter)
{
  g_autoptr (ResilientOrigin) origin = NULL;
  gboolean idle;

  g_mutex_lock (&self->lock);

  g_assert (waiter->index == 0 && waiter->origin != NULL);
  origin = g_steal_pointer (&waiter->origin);
  add_active_locked (self, origin, -1);
  if (waiter->detached)
    {
      waiter->detached = FALSE;
      self->detached--;
      origin->detached--;
    }
  update_candidate_locked (self, origin);
  resilient_gate_update_idle (self, origin);
  idle = origin->idle;

  g_mutex_unlock (&self->lock);

  resilient_gate_admit (self);
  tell_changed (self, origin);

  /* Ours may be one reference too many to forget it. */
  g_clear_object (&origin);
  if (idle)
    resilient_gate_forget_idle (self);
}

void
resilient_gate_detach (ResilientGate *self, ResilientWaiter *waiter)
{
  g_autoptr (ResilientOrigin) origin = NULL;

  g_mutex_lock (&self->lock);

  g_assert (waiter->index == 0 && waiter->origin != NULL && !waiter->detached);
  origin = g_object_ref (waiter->origin);
  waiter->detached = TRUE;
  self->detached++;
  origin->detached++;
  origin->active_changed = TRUE;

  g_mutex_unlock (&self->lock);

  tell_changed (self, origin);
}

void
resilient_gate_set_http2 (ResilientGate *self, ResilientOrigin *origin)
{
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = !origin->http2;
  origin->http2 = TRUE;
  if (changed)
    update_candidate_locked (self, origin);
  g_mutex_unlock (&self->lock);

  if (changed)
    resilient_gate_admit (self);
}

gboolean
resilient_gate_set_origin_limit (ResilientGate *self, ResilientOrigin *origin, int max_concurrent)
{
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = origin->max_concurrent != max_concurrent;
  origin->max_concurrent = max_concurrent;
  if (changed)
    update_candidate_locked (self, origin);
  g_mutex_unlock (&self->lock);

  if (changed)
    resilient_gate_admit (self);

  return changed;
}
