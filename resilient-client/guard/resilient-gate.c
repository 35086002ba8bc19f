/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The gate of a client: how many requests run at once, in all and to each origin, and who is next.
 * It owns its counts and limits and the queues, but no waiter: they are embedded in who waits. All
 * is under one lock; any thread.
 *
 * The waiters of each origin are in a heap, and the slots that could admit one right now, but for
 * the total, are in another, ordered by their first waiters: whatever changes, the next one is
 * found in O(log n), however many waiters stand behind a busy host. Between two operations nobody
 * waits who could be admitted, except while some thread is about to admit him. */

#include "config.h"

#include "resilient-gate-private.h"

#include "resilient-heap-private.h"

/* Chosen for a browser-like load: six connections to a host is what browsers open on HTTP/1; on
 * HTTP/2 requests share one connection and a server commonly allows a hundred streams. */
#define AUTOMATIC_PER_ORIGIN 6
#define AUTOMATIC_PER_ORIGIN_HTTP2 32

/* How many waiters are admitted under one hold of the lock. */
#define MAX_ADMIT 64

typedef struct
{
  ResilientGateChanged func;
  gpointer data;
  GDestroyNotify destroy;
} Changed;

typedef struct
{
  ResilientGateIdle func;
  gpointer data;
} Idle;

struct _ResilientGate
{
  GMutex lock; /* guards all below, and all of the slots and waiters */

  GQueue slots;             /* all, not owned, in no order */
  GQueue idle;              /* of those that are kept and have no request, longest idle first */
  ResilientHeap candidates; /* that have a waiter and a slot for it */

  guint max_concurrent;
  guint per_origin; /* 0: automatic */
  guint max_pending;
  guint session_max_conns;
  guint session_max_conns_per_host;
  guint max_idle;

  guint active;
  guint detached; /* those of them whose requests have ended */
  guint pending;
  guint pending_new;    /* those of them that are not woken */
  guint64 next_arrival; /* 0: of a waiter that has none yet */

  Changed changed;
  Idle became_idle;
};

struct _ResilientSlots
{
  /* Set once. */
  ResilientGate *gate; /* owned */
  gpointer owner;      /* not owned */

  /* Under the gate's lock. */
  GList link;            /* among all of the gate */
  GList idle_link;       /* in the gate's list while idle */
  ResilientHeap waiters; /* of ResilientWaiter, the next one first */
  guint candidate_index; /* 1 + place among those that could admit a waiter */
  guint held;            /* waiters that a guard holds back */
  guint active;
  guint detached; /* those of them whose requests have ended */
  int limit;      /* -1: as the gate says */
  guint ceiling;  /* 0: none */
  gboolean http2;
  gboolean running_changed; /* since somebody asked */
  gboolean pending_changed;
  gboolean kept;
  gboolean idle;
};

/* The gate in which this thread is admitting. A callback may leave the gate at once: who is next is
 * then admitted by the loop that called it, not deeper and deeper in the stack. */
static GPrivate admitting;

static gboolean
waiter_is_before (gconstpointer a, gconstpointer b)
{
  const ResilientWaiter *first = a;
  const ResilientWaiter *second = b;

  if (first->priority != second->priority)
    return first->priority < second->priority;

  if (!first->woken != !second->woken)
    return first->woken;

  return first->arrival < second->arrival;
}

static gboolean
candidate_is_before (gconstpointer a, gconstpointer b)
{
  ResilientSlots *first = (ResilientSlots *) a;
  ResilientSlots *second = (ResilientSlots *) b;

  return waiter_is_before (resilient_heap_peek (&first->waiters),
                           resilient_heap_peek (&second->waiters));
}

/* --- with the lock held ---------------------------------------------------------------------- */

static guint
get_limit_locked (ResilientGate *self)
{
  /* A limit of zero would wait for ever. */
  return MAX (MIN (self->max_concurrent, self->session_max_conns), 1);
}

static guint
get_slots_limit_locked (ResilientGate *self, ResilientSlots *slots)
{
  guint limit;

  if (slots->limit > 0)
    limit = slots->limit;
  else if (self->per_origin > 0)
    limit = self->per_origin;
  else
    limit = slots->http2 ? AUTOMATIC_PER_ORIGIN_HTTP2 : AUTOMATIC_PER_ORIGIN;

  /* The session's limit is one of connections, and HTTP/2 carries all requests over one. */
  if (!slots->http2)
    limit = MIN (limit, self->session_max_conns_per_host);
  if (slots->ceiling > 0)
    limit = MIN (limit, slots->ceiling);

  return MAX (limit, 1);
}

static gboolean
has_slot_locked (ResilientGate *self, ResilientSlots *slots)
{
  return slots->active < get_slots_limit_locked (self, slots);
}

/* Whose request has ended will leave soon, and its slot is as good as free: of the slots that a
 * newcomer lacks. */
static guint
count_leaving_locked (ResilientGate *self, ResilientSlots *slots)
{
  return has_slot_locked (self, slots) ? self->detached : slots->detached;
}

/* After their waiters, their count or their limit changed: slots are among the candidates, in their
 * place, or not. */
static void
update_candidate_locked (ResilientGate *self, ResilientSlots *slots)
{
  gboolean can_admit = slots->waiters.length > 0 && has_slot_locked (self, slots);

  if (can_admit && slots->candidate_index != 0)
    resilient_heap_update (&self->candidates, slots);
  else if (can_admit)
    resilient_heap_insert (&self->candidates, slots);
  else if (slots->candidate_index != 0)
    resilient_heap_remove (&self->candidates, slots);
}

static void
update_all_candidates_locked (ResilientGate *self)
{
  for (GList *link = self->slots.head; link != NULL; link = link->next)
    update_candidate_locked (self, link->data);
}

/* After slots got or lost a request, or are kept now, or not any more. */
static void
update_idle_locked (ResilientGate *self, ResilientSlots *slots)
{
  gboolean idle =
    slots->kept && slots->active == 0 && slots->waiters.length == 0 && slots->held == 0;

  if (idle == slots->idle)
    return;

  slots->idle = idle;
  if (idle)
    g_queue_push_tail_link (&self->idle, &slots->idle_link);
  else
    g_queue_unlink (&self->idle, &slots->idle_link);
}

static gboolean
has_connection_locked (ResilientGate *self, ResilientSlots *slots)
{
  return slots->http2
         || (self->active < self->session_max_conns
             && slots->active < self->session_max_conns_per_host);
}

static void
add_active_locked (ResilientGate *self, ResilientSlots *slots, int change)
{
  self->active += change;
  slots->active += change;
  slots->running_changed = TRUE;
}

static void
insert_waiter_locked (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  resilient_heap_insert (&slots->waiters, waiter);
  self->pending++;
  self->pending_new += waiter->woken ? 0 : 1;
  slots->pending_changed = TRUE;
}

static void
remove_waiter_locked (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  if (waiter->held)
    slots->held--;
  else
    resilient_heap_remove (&slots->waiters, waiter);
  waiter->held = FALSE;
  self->pending--;
  self->pending_new -= waiter->woken ? 0 : 1;
  slots->pending_changed = TRUE;
}

/* Candidates are there, with a slot free, only while somebody is about to admit them: nobody
 * overtakes them. */
static gboolean
may_enter_locked (ResilientGate *self, ResilientSlots *slots)
{
  return self->active < get_limit_locked (self) && self->candidates.length == 0
         && slots->waiters.length == 0 && has_slot_locked (self, slots);
}

static gboolean
may_wait_locked (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  return waiter->woken
         || self->pending_new < (guint64) self->max_pending + count_leaving_locked (self, slots);
}

/* --- without the lock ------------------------------------------------------------------------ */

static void
tell_changed (const Changed *changed, ResilientSlots *slots)
{
  if (changed->func != NULL)
    changed->func (slots->owner, changed->data);
}

static guint
admit_some (ResilientGate *self, ResilientWaiter *admitted[MAX_ADMIT], Changed *changed)
{
  ResilientSlots *slots;
  guint n = 0;

  g_mutex_lock (&self->lock);

  while (n < MAX_ADMIT && self->active < get_limit_locked (self)
         && (slots = resilient_heap_peek (&self->candidates)) != NULL)
    {
      ResilientWaiter *waiter = resilient_heap_peek (&slots->waiters);

      remove_waiter_locked (self, slots, waiter);
      add_active_locked (self, slots, +1);
      update_candidate_locked (self, slots);
      admitted[n++] = waiter;
    }
  *changed = self->changed;

  g_mutex_unlock (&self->lock);

  return n;
}

/* Gives every slot that is free to who is next. */
static void
admit (ResilientGate *self)
{
  gpointer outer = g_private_get (&admitting);
  ResilientWaiter *admitted[MAX_ADMIT];
  Changed changed;
  guint n;

  if (outer == self)
    return;

  g_private_set (&admitting, self);

  while ((n = admit_some (self, admitted, &changed)) > 0)
    for (guint i = 0; i < n; i++)
      {
        /* First: from its callback on the waiter may leave, and the slots go. */
        tell_changed (&changed, admitted[i]->slots);
        admitted[i]->admitted (admitted[i]);
      }

  g_private_set (&admitting, outer);
}

/* --- requests -------------------------------------------------------------------------------- */

ResilientGateAnswer
resilient_gate_enter (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  gboolean was_held = waiter->held;
  ResilientGateAnswer answer;
  Changed changed;

  g_assert (waiter->index == 0 && (waiter->slots == NULL || was_held));

  g_mutex_lock (&self->lock);

  if (was_held)
    remove_waiter_locked (self, slots, waiter);

  if (may_enter_locked (self, slots))
    {
      add_active_locked (self, slots, +1);
      answer = RESILIENT_GATE_ADMITTED;
    }
  else if (waiter->beyond && has_connection_locked (self, slots))
    {
      add_active_locked (self, slots, +1);
      update_candidate_locked (self, slots);
      answer = RESILIENT_GATE_ADMITTED;
    }
  else if (waiter->beyond)
    {
      answer = RESILIENT_GATE_OVERLOADED;
    }
  else if (was_held || may_wait_locked (self, slots, waiter))
    {
      if (!was_held)
        waiter->arrival = self->next_arrival++;
      insert_waiter_locked (self, slots, waiter);
      update_candidate_locked (self, slots);
      answer = RESILIENT_GATE_QUEUED;
    }
  else
    {
      answer = RESILIENT_GATE_OVERLOADED;
    }

  waiter->slots = answer != RESILIENT_GATE_OVERLOADED ? slots : NULL;
  update_idle_locked (self, slots);
  changed = self->changed;

  g_mutex_unlock (&self->lock);

  /* From here on the waiter may be admitted, leave and be freed in another thread. */

  if (answer != RESILIENT_GATE_OVERLOADED || was_held)
    tell_changed (&changed, slots);

  return answer;
}

gboolean
resilient_gate_try_enter (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  Changed changed;
  gboolean entered;

  g_assert (waiter->index == 0 && waiter->slots == NULL);

  g_mutex_lock (&self->lock);
  entered = may_enter_locked (self, slots);
  if (entered)
    {
      add_active_locked (self, slots, +1);
      waiter->slots = slots;
      update_idle_locked (self, slots);
    }
  changed = self->changed;
  g_mutex_unlock (&self->lock);

  if (entered)
    tell_changed (&changed, slots);
  return entered;
}

ResilientGateAnswer
resilient_gate_hold (ResilientGate *self, ResilientSlots *slots, ResilientWaiter *waiter)
{
  gboolean had_slot = waiter->slots != NULL;
  Changed changed;

  g_assert (waiter->index == 0 && !waiter->held && !waiter->detached);

  g_mutex_lock (&self->lock);

  if (!had_slot && !may_wait_locked (self, slots, waiter))
    {
      g_mutex_unlock (&self->lock);
      return RESILIENT_GATE_OVERLOADED;
    }

  if (had_slot)
    {
      add_active_locked (self, slots, -1);
      update_candidate_locked (self, slots);
    }
  /* One that got its slot without a wait has no arrival yet. */
  if (waiter->arrival == 0)
    waiter->arrival = self->next_arrival++;
  waiter->slots = slots;
  waiter->held = TRUE;
  slots->held++;
  slots->pending_changed = TRUE;
  self->pending++;
  self->pending_new += waiter->woken ? 0 : 1;
  update_idle_locked (self, slots);
  changed = self->changed;

  g_mutex_unlock (&self->lock);

  if (had_slot)
    admit (self);
  tell_changed (&changed, slots);
  return RESILIENT_GATE_QUEUED;
}

gboolean
resilient_gate_withdraw (ResilientGate *self, ResilientWaiter *waiter)
{
  ResilientSlots *slots = NULL;
  Changed changed;

  g_mutex_lock (&self->lock);

  if (waiter->index != 0 || waiter->held)
    {
      slots = g_steal_pointer (&waiter->slots);
      remove_waiter_locked (self, slots, waiter);
      update_candidate_locked (self, slots);
      update_idle_locked (self, slots);
    }
  changed = self->changed;

  g_mutex_unlock (&self->lock);

  if (slots == NULL)
    return FALSE;

  tell_changed (&changed, slots);
  return TRUE;
}

void
resilient_gate_set_priority (ResilientGate *self, ResilientWaiter *waiter, int priority)
{
  g_mutex_lock (&self->lock);

  waiter->priority = priority;
  if (waiter->index != 0)
    {
      resilient_heap_update (&waiter->slots->waiters, waiter);
      update_candidate_locked (self, waiter->slots);
    }

  g_mutex_unlock (&self->lock);
}

void
resilient_gate_leave (ResilientGate *self, ResilientWaiter *waiter)
{
  ResilientSlots *slots;
  Changed changed;
  Idle became_idle = { NULL, NULL };

  g_mutex_lock (&self->lock);

  g_assert (waiter->index == 0 && waiter->slots != NULL);
  slots = g_steal_pointer (&waiter->slots);
  add_active_locked (self, slots, -1);
  if (waiter->detached)
    {
      waiter->detached = FALSE;
      self->detached--;
      slots->detached--;
    }
  update_candidate_locked (self, slots);
  update_idle_locked (self, slots);
  changed = self->changed;
  if (slots->idle && self->idle.length > self->max_idle)
    became_idle = self->became_idle;

  g_mutex_unlock (&self->lock);

  admit (self);
  tell_changed (&changed, slots);
  if (became_idle.func != NULL)
    became_idle.func (became_idle.data);
}

void
resilient_gate_detach (ResilientGate *self, ResilientWaiter *waiter)
{
  ResilientSlots *slots;
  Changed changed;

  g_mutex_lock (&self->lock);

  slots = waiter->slots;
  g_assert (waiter->index == 0 && slots != NULL && !waiter->detached);
  waiter->detached = TRUE;
  self->detached++;
  slots->detached++;
  slots->running_changed = TRUE;
  changed = self->changed;

  g_mutex_unlock (&self->lock);

  tell_changed (&changed, slots);
}

/* --- the gate -------------------------------------------------------------------------------- */

static void
gate_free (gpointer data)
{
  ResilientGate *self = data;

  g_assert (self->slots.length == 0);

  resilient_heap_clear (&self->candidates);
  g_mutex_clear (&self->lock);
}

ResilientGate *
resilient_gate_new (void)
{
  ResilientGate *self = g_atomic_rc_box_new0 (ResilientGate);

  g_mutex_init (&self->lock);
  self->candidates = RESILIENT_HEAP_INIT (candidate_is_before, ResilientSlots, candidate_index);
  self->max_concurrent = 100;
  self->max_pending = 10000;
  self->session_max_conns = G_MAXUINT;
  self->session_max_conns_per_host = G_MAXUINT;
  self->next_arrival = 1;
  self->max_idle = G_MAXUINT;

  return self;
}

ResilientGate *
resilient_gate_ref (ResilientGate *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_gate_unref (ResilientGate *self)
{
  g_atomic_rc_box_release_full (self, gate_free);
}

void
resilient_gate_set_limits (ResilientGate *self,
                           guint max_concurrent,
                           guint per_origin,
                           guint max_pending)
{
  g_mutex_lock (&self->lock);
  self->max_concurrent = max_concurrent;
  self->per_origin = per_origin;
  self->max_pending = max_pending;
  update_all_candidates_locked (self);
  g_mutex_unlock (&self->lock);

  admit (self);
}

void
resilient_gate_set_session_limits (ResilientGate *self, guint max_conns, guint max_conns_per_host)
{
  g_mutex_lock (&self->lock);
  self->session_max_conns = max_conns;
  self->session_max_conns_per_host = max_conns_per_host;
  update_all_candidates_locked (self);
  g_mutex_unlock (&self->lock);

  admit (self);
}

guint
resilient_gate_get_active (ResilientGate *self)
{
  guint active;

  g_mutex_lock (&self->lock);
  active = self->active;
  g_mutex_unlock (&self->lock);

  return active;
}

guint
resilient_gate_get_running (ResilientGate *self)
{
  guint running;

  g_mutex_lock (&self->lock);
  running = self->active - self->detached;
  g_mutex_unlock (&self->lock);

  return running;
}

guint
resilient_gate_get_pending (ResilientGate *self)
{
  guint pending;

  g_mutex_lock (&self->lock);
  pending = self->pending;
  g_mutex_unlock (&self->lock);

  return pending;
}

void
resilient_gate_set_changed_func (ResilientGate *self,
                                 ResilientGateChanged func,
                                 gpointer data,
                                 GDestroyNotify destroy)
{
  Changed old;

  g_mutex_lock (&self->lock);
  old = self->changed;
  self->changed = (Changed){ func, data, destroy };
  g_mutex_unlock (&self->lock);

  if (old.destroy != NULL)
    old.destroy (old.data);
}

void
resilient_gate_set_idle_func (ResilientGate *self,
                              guint max_idle,
                              ResilientGateIdle func,
                              gpointer data)
{
  g_mutex_lock (&self->lock);
  self->max_idle = max_idle;
  self->became_idle = (Idle){ func, data };
  g_mutex_unlock (&self->lock);
}

gpointer
resilient_gate_rotate_idle (ResilientGate *self)
{
  gpointer owner = NULL;

  g_mutex_lock (&self->lock);
  if (self->idle.length > self->max_idle)
    {
      GList *link = g_queue_pop_head_link (&self->idle);

      owner = ((ResilientSlots *) link->data)->owner;
      g_queue_push_tail_link (&self->idle, link);
    }
  g_mutex_unlock (&self->lock);

  return owner;
}

/* --- the slots of an origin ------------------------------------------------------------------ */

ResilientSlots *
resilient_slots_new (ResilientGate *gate, gpointer owner)
{
  ResilientSlots *self = g_new0 (ResilientSlots, 1);

  self->gate = resilient_gate_ref (gate);
  self->owner = owner;
  self->link.data = self;
  self->idle_link.data = self;
  self->waiters = RESILIENT_HEAP_INIT (waiter_is_before, ResilientWaiter, index);
  self->limit = -1;

  g_mutex_lock (&gate->lock);
  g_queue_push_tail_link (&gate->slots, &self->link);
  g_mutex_unlock (&gate->lock);

  return self;
}

void
resilient_slots_free (ResilientSlots *self)
{
  g_mutex_lock (&self->gate->lock);
  g_assert (self->active == 0 && self->waiters.length == 0 && self->held == 0);
  self->kept = FALSE;
  update_idle_locked (self->gate, self);
  g_queue_unlink (&self->gate->slots, &self->link);
  g_mutex_unlock (&self->gate->lock);

  resilient_heap_clear (&self->waiters);
  resilient_gate_unref (self->gate);
  g_free (self);
}

void
resilient_slots_set_kept (ResilientSlots *self, gboolean kept)
{
  g_mutex_lock (&self->gate->lock);
  self->kept = kept;
  update_idle_locked (self->gate, self);
  g_mutex_unlock (&self->gate->lock);
}

gboolean
resilient_slots_set_limit (ResilientSlots *self, int limit)
{
  gboolean changed;

  g_mutex_lock (&self->gate->lock);
  changed = self->limit != limit;
  self->limit = limit;
  if (changed)
    update_candidate_locked (self->gate, self);
  g_mutex_unlock (&self->gate->lock);

  if (changed)
    admit (self->gate);

  return changed;
}

int
resilient_slots_get_limit (ResilientSlots *self)
{
  int limit;

  g_mutex_lock (&self->gate->lock);
  limit = self->limit;
  g_mutex_unlock (&self->gate->lock);

  return limit;
}

void
resilient_slots_set_ceiling (ResilientSlots *self, guint ceiling)
{
  gboolean changed;

  g_mutex_lock (&self->gate->lock);
  changed = self->ceiling != ceiling;
  self->ceiling = ceiling;
  if (changed)
    update_candidate_locked (self->gate, self);
  g_mutex_unlock (&self->gate->lock);

  if (changed)
    admit (self->gate);
}

void
resilient_slots_set_http2 (ResilientSlots *self)
{
  gboolean changed;

  g_mutex_lock (&self->gate->lock);
  changed = !self->http2;
  self->http2 = TRUE;
  if (changed)
    update_candidate_locked (self->gate, self);
  g_mutex_unlock (&self->gate->lock);

  if (changed)
    admit (self->gate);
}

guint
resilient_slots_get_running (ResilientSlots *self)
{
  guint running;

  g_mutex_lock (&self->gate->lock);
  running = self->active - self->detached;
  g_mutex_unlock (&self->gate->lock);

  return running;
}

guint
resilient_slots_get_pending (ResilientSlots *self)
{
  guint pending;

  g_mutex_lock (&self->gate->lock);
  pending = self->waiters.length + self->held;
  g_mutex_unlock (&self->gate->lock);

  return pending;
}

void
resilient_slots_take_changes (ResilientSlots *self, gboolean *running, gboolean *pending)
{
  g_mutex_lock (&self->gate->lock);
  *running = self->running_changed;
  *pending = self->pending_changed;
  self->running_changed = FALSE;
  self->pending_changed = FALSE;
  g_mutex_unlock (&self->gate->lock);
}

void
resilient_slots_tell_changed (ResilientSlots *self)
{
  Changed changed;

  g_mutex_lock (&self->gate->lock);
  changed = self->gate->changed;
  g_mutex_unlock (&self->gate->lock);

  tell_changed (&changed, self);
}
