/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-gate-state-private.h"

#include "resilient-address-private.h"
#include "resilient-origin-key-private.h"

/* Idle origins that are kept, for what was learned of them. */
#define MAX_IDLE_ORIGINS 512
/* How many of them one operation looks at, when there are more. */
#define MAX_FORGET 8

void
resilient_gate_update_idle (ResilientGate *self, ResilientOrigin *origin)
{
  gboolean idle = origin->active == 0 && origin->waiters.length == 0;

  if (idle == origin->idle || self->origins == NULL)
    return;

  origin->idle = idle;
  if (idle)
    g_queue_push_tail_link (&self->idle, &origin->idle_link);
  else
    g_queue_unlink (&self->idle, &origin->idle_link);
}

/* The next one that can be forgotten, with the table's reference. What must stay goes to the end of
 * the list, so that a few looks each time find what can go, in the end (the CLOCK algorithm). */
static ResilientOrigin *
forget_one_locked (ResilientGate *self, guint *n_looks)
{
  while (*n_looks < MAX_FORGET && self->idle.length > MAX_IDLE_ORIGINS)
    {
      GList *link = g_queue_pop_head_link (&self->idle);
      ResilientOrigin *origin = link->data;

      (*n_looks)++;
      if (resilient_origin_is_forgettable (origin))
        {
          origin->idle = FALSE;
          g_queue_unlink (&self->in_order, &origin->order_link);
          g_hash_table_steal (self->origins, origin->key);
          return origin;
        }
      g_queue_push_tail_link (&self->idle, link);
    }
  return NULL;
}

/* Drops what can be forgotten, or says that there is some. */
void
resilient_gate_forget_idle (ResilientGate *self)
{
  ResilientOrigin *forgotten[MAX_FORGET];
  ResilientGateOriginsChanged changed = NULL;
  gpointer changed_data = NULL;
  guint n_forgotten = 0, n_looks = 0;

  g_mutex_lock (&self->lock);

  if (self->origins_changed == NULL)
    {
      while (n_forgotten < MAX_FORGET
             && (forgotten[n_forgotten] = forget_one_locked (self, &n_looks)) != NULL)
        n_forgotten++;
    }
  else if (self->idle.length > MAX_IDLE_ORIGINS)
    {
      changed = self->origins_changed;
      changed_data = self->origins_changed_data;
    }

  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < n_forgotten; i++)
    g_object_unref (forgotten[i]);
  if (changed != NULL)
    changed (changed_data);
}

ResilientOrigin *
resilient_gate_forget_listed (ResilientGate *self)
{
  ResilientOrigin *origin = NULL;
  guint n_looks = 0;

  g_mutex_lock (&self->lock);
  if (self->origins != NULL)
    origin = forget_one_locked (self, &n_looks);
  g_mutex_unlock (&self->lock);

  return origin;
}

void
resilient_gate_watch_origins (ResilientGate *self, ResilientGateOriginsChanged func, gpointer data)
{
  g_mutex_lock (&self->lock);
  self->origins_changed = func;
  self->origins_changed_data = data;
  for (GList *link = self->in_order.head; link != NULL && func == NULL; link = link->next)
    ((ResilientOrigin *) link->data)->listed = FALSE;
  g_mutex_unlock (&self->lock);
}

void
resilient_gate_take_origins (ResilientGate *self, guint64 *n_taken, GPtrArray *origins)
{
  GList *link;

  g_mutex_lock (&self->lock);

  link = self->in_order.tail;
  while (link != NULL && ((ResilientOrigin *) link->data)->number > *n_taken)
    link = link->prev;
  for (link = link != NULL ? link->next : self->in_order.head; link != NULL; link = link->next)
    {
      ResilientOrigin *origin = link->data;

      origin->listed = TRUE;
      g_ptr_array_add (origins, g_object_ref (origin));
    }
  *n_taken = self->n_made;

  g_mutex_unlock (&self->lock);
}

static void
gate_free (gpointer data)
{
  ResilientGate *self = data;

  g_assert (self->origins == NULL);

  resilient_heap_clear (&self->candidates);
  g_mutex_clear (&self->lock);
}

ResilientGate *
resilient_gate_new (void)
{
  ResilientGate *self = g_atomic_rc_box_new0 (ResilientGate);

  g_atomic_ref_count_init (&self->users);
  g_mutex_init (&self->lock);
  self->origins = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->candidates =
    RESILIENT_HEAP_INIT (resilient_gate_candidate_is_before, ResilientOrigin, candidate_index);
  self->max_concurrent = 100;
  self->max_pending = 10000;
  self->session_max_conns = G_MAXUINT;
  self->session_max_conns_per_host = G_MAXUINT;

  return self;
}

ResilientGate *
resilient_gate_acquire (ResilientGate *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_gate_release (ResilientGate *self)
{
  g_atomic_rc_box_release_full (self, gate_free);
}

ResilientGate *
resilient_gate_ref (ResilientGate *self)
{
  g_atomic_ref_count_inc (&self->users);
  return self;
}

void
resilient_gate_unref (ResilientGate *self)
{
  g_autoptr (GHashTable) origins = NULL;

  if (!g_atomic_ref_count_dec (&self->users))
    return;

  /* Origins keep the gate's memory, and the gate its origins: this is where the circle is cut. */
  g_mutex_lock (&self->lock);
  origins = g_steal_pointer (&self->origins);
  g_queue_init (&self->idle);
  g_queue_init (&self->in_order);
  self->changed = NULL;
  self->origins_changed = NULL;
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&origins, g_hash_table_unref);
  resilient_gate_release (self);
}

void
resilient_gate_lock (ResilientGate *self)
{
  g_mutex_lock (&self->lock);
}

void
resilient_gate_unlock (ResilientGate *self)
{
  g_mutex_unlock (&self->lock);
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
  resilient_gate_update_all_candidates (self);
  g_mutex_unlock (&self->lock);

  resilient_gate_admit (self);
}

void
resilient_gate_set_session_limits (ResilientGate *self, guint max_conns, guint max_conns_per_host)
{
  g_mutex_lock (&self->lock);
  self->session_max_conns = max_conns;
  self->session_max_conns_per_host = max_conns_per_host;
  resilient_gate_update_all_candidates (self);
  g_mutex_unlock (&self->lock);

  resilient_gate_admit (self);
}

ResilientOrigin *
resilient_gate_get_origin (ResilientGate *self, GUri *uri)
{
  g_autofree char *made_key = NULL;
  char written_key[128];
  const char *key = written_key;
  ResilientOrigin *origin;
  ResilientGateOriginsChanged changed = NULL;
  gpointer changed_data = NULL;
  gboolean made = FALSE;

  g_assert (g_uri_get_host (uri) != NULL);
  if (!resilient_origin_key_write (uri, written_key, sizeof written_key))
    key = made_key = resilient_origin_key_new (uri);

  g_mutex_lock (&self->lock);

  origin = g_hash_table_lookup (self->origins, key);
  if (origin != NULL)
    {
      g_object_ref (origin);
    }
  else
    {
      origin = resilient_origin_new (self, key);
      origin->near = resilient_host_name_is_near (g_uri_get_host (uri));
      g_hash_table_insert (self->origins, origin->key, g_object_ref (origin));
      origin->number = ++self->n_made;
      g_queue_push_tail_link (&self->in_order, &origin->order_link);
      resilient_gate_update_idle (self, origin);
      made = TRUE;
      changed = self->origins_changed;
      changed_data = self->origins_changed_data;
    }

  g_mutex_unlock (&self->lock);

  if (changed != NULL)
    changed (changed_data);
  if (made)
    resilient_gate_forget_idle (self);

  return origin;
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
resilient_gate_get_active (ResilientGate *self)
{
  guint active;

  g_mutex_lock (&self->lock);
  active = self->active;
  g_mutex_unlock (&self->lock);

  return active;
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
resilient_gate_set_changed_func (ResilientGate *self, ResilientGateChanged func, gpointer data)
{
  g_mutex_lock (&self->lock);
  self->changed = func;
  self->changed_data = data;
  g_mutex_unlock (&self->lock);
}
