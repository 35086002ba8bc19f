/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which origins a client knows: a table by their keys, which owns a reference to each, and the same
 * in the order in which they were made, for the list of them. The gate knows which of them are idle
 * and for how long; whether one may be forgotten is decided here, under the table's lock, under
 * which alone somebody can get a reference to an origin that nobody has. Any thread. */

#include "config.h"

#include "resilient-origin-table-private.h"

#include "resilient-address-private.h"
#include "resilient-origin-key-private.h"
#include "resilient-origin-private.h"

/* Idle origins that are kept, for what was learned of them. */
#define MAX_IDLE 512
/* How many of them one operation looks at, when there are more. */
#define MAX_FORGET 8

typedef struct
{
  ResilientOrigin *origin; /* owned */
  GList link;              /* in the order of all */
  guint64 number;          /* how many there had been, with this one */
  gboolean listed;         /* a list has a reference, too */
} Entry;

typedef struct
{
  ResilientOriginTableChanged func; /* NULL: nobody has them in a list */
  gpointer data;
} Changed;

struct _ResilientOriginTable
{
  /* Set once. */
  ResilientGate *gate;           /* owned */
  ResilientClientGuards *guards; /* owned, nullable */

  GMutex lock;
  /* Under lock. */
  GHashTable *entries; /* key, of the origin → Entry, owned; NULL once it is closed */
  GQueue in_order;     /* of all entries, oldest first */
  guint64 n_made;      /* origins, ever */
  Changed changed;
};

/* With the lock held. */
static gboolean
is_forgettable_locked (Entry *entry)
{
  int n_references = g_atomic_int_get (&G_OBJECT (entry->origin)->ref_count);

  return n_references <= (entry->listed ? 2 : 1) && !resilient_origin_is_marked (entry->origin);
}

/* The origin goes from the table with the table's reference. */
static ResilientOrigin *
remove_locked (ResilientOriginTable *self, Entry *entry)
{
  ResilientOrigin *origin = entry->origin;

  resilient_slots_set_kept (resilient_origin_get_slots (origin), FALSE);
  g_queue_unlink (&self->in_order, &entry->link);
  g_hash_table_remove (self->entries, resilient_origin_peek_key (origin));

  return origin;
}

/* The next one that can be forgotten, with the table's reference. What must stay has become the
 * last that is looked at, so that a few looks each time find what can go, in the end (the CLOCK
 * algorithm). */
static ResilientOrigin *
forget_one_locked (ResilientOriginTable *self, guint *n_looks)
{
  ResilientOrigin *origin;

  while (self->entries != NULL && *n_looks < MAX_FORGET
         && (origin = resilient_gate_rotate_idle (self->gate)) != NULL)
    {
      Entry *entry = g_hash_table_lookup (self->entries, resilient_origin_peek_key (origin));

      (*n_looks)++;
      if (is_forgettable_locked (entry))
        return remove_locked (self, entry);
    }
  return NULL;
}

/* Drops what can be forgotten, or says that there may be some. */
static void
forget_idle_cb (gpointer data)
{
  ResilientOriginTable *self = data;
  ResilientOrigin *forgotten[MAX_FORGET];
  guint n_forgotten = 0, n_looks = 0;
  Changed changed;

  g_mutex_lock (&self->lock);
  changed = self->changed;
  while (changed.func == NULL && n_forgotten < MAX_FORGET
         && (forgotten[n_forgotten] = forget_one_locked (self, &n_looks)) != NULL)
    n_forgotten++;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < n_forgotten; i++)
    g_object_unref (forgotten[i]);
  if (changed.func != NULL)
    changed.func (changed.data);
}

ResilientOriginTable *
resilient_origin_table_new (ResilientGate *gate)
{
  ResilientOriginTable *self = g_atomic_rc_box_new0 (ResilientOriginTable);

  g_mutex_init (&self->lock);
  self->gate = resilient_gate_ref (gate);
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  resilient_gate_set_idle_func (gate, MAX_IDLE, forget_idle_cb, self);

  return self;
}

void
resilient_origin_table_set_guards (ResilientOriginTable *self, ResilientClientGuards *guards)
{
  self->guards = resilient_client_guards_ref (guards);
}

ResilientOriginTable *
resilient_origin_table_ref (ResilientOriginTable *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_origin_table_close (ResilientOriginTable *self)
{
  g_autoptr (GPtrArray) origins = g_ptr_array_new_with_free_func (g_object_unref);

  resilient_gate_set_idle_func (self->gate, G_MAXUINT, NULL, NULL);

  g_mutex_lock (&self->lock);
  self->changed = (Changed){ NULL, NULL };
  while (!g_queue_is_empty (&self->in_order))
    g_ptr_array_add (origins, remove_locked (self, g_queue_peek_head (&self->in_order)));
  g_clear_pointer (&self->entries, g_hash_table_unref);
  g_mutex_unlock (&self->lock);
}

static void
table_free (gpointer data)
{
  ResilientOriginTable *self = data;

  resilient_origin_table_close (self);
  g_clear_pointer (&self->guards, resilient_client_guards_unref);
  resilient_gate_unref (self->gate);
  g_mutex_clear (&self->lock);
}

void
resilient_origin_table_unref (ResilientOriginTable *self)
{
  g_atomic_rc_box_release_full (self, table_free);
}

static Entry *
add_locked (ResilientOriginTable *self, const char *key, GUri *uri)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->origin =
    resilient_origin_new (self->gate, key, resilient_host_name_is_near (g_uri_get_host (uri)));
  if (self->guards != NULL)
    resilient_origin_guards_set_client (resilient_origin_get_guards (entry->origin), self->guards);
  entry->link.data = entry;
  entry->number = ++self->n_made;
  g_hash_table_insert (self->entries, (gpointer) resilient_origin_peek_key (entry->origin), entry);
  g_queue_push_tail_link (&self->in_order, &entry->link);
  resilient_slots_set_kept (resilient_origin_get_slots (entry->origin), TRUE);

  return entry;
}

ResilientOrigin *
resilient_origin_table_get (ResilientOriginTable *self, GUri *uri)
{
  g_autofree char *made_key = NULL;
  char written_key[128];
  const char *key = written_key;
  ResilientOrigin *origin;
  Entry *entry;
  gboolean made = FALSE;

  g_assert (g_uri_get_host (uri) != NULL);
  if (!resilient_origin_key_write (uri, written_key, sizeof written_key))
    key = made_key = resilient_origin_key_new (uri);

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, key);
  if (entry == NULL)
    {
      entry = add_locked (self, key, uri);
      made = TRUE;
    }
  origin = g_object_ref (entry->origin);
  g_mutex_unlock (&self->lock);

  if (made)
    forget_idle_cb (self);

  return origin;
}

void
resilient_origin_table_watch (ResilientOriginTable *self,
                              ResilientOriginTableChanged func,
                              gpointer data)
{
  g_mutex_lock (&self->lock);
  self->changed = (Changed){ func, data };
  for (GList *link = self->in_order.head; link != NULL && func == NULL; link = link->next)
    ((Entry *) link->data)->listed = FALSE;
  g_mutex_unlock (&self->lock);
}

void
resilient_origin_table_take (ResilientOriginTable *self, guint64 *n_taken, GPtrArray *origins)
{
  GList *link;

  g_mutex_lock (&self->lock);

  link = self->in_order.tail;
  while (link != NULL && ((Entry *) link->data)->number > *n_taken)
    link = link->prev;
  for (link = link != NULL ? link->next : self->in_order.head; link != NULL; link = link->next)
    {
      Entry *entry = link->data;

      entry->listed = TRUE;
      g_ptr_array_add (origins, g_object_ref (entry->origin));
    }
  *n_taken = self->n_made;

  g_mutex_unlock (&self->lock);
}

ResilientOrigin *
resilient_origin_table_forget_listed (ResilientOriginTable *self)
{
  ResilientOrigin *origin;
  guint n_looks = 0;

  g_mutex_lock (&self->lock);
  origin = forget_one_locked (self, &n_looks);
  g_mutex_unlock (&self->lock);

  return origin;
}
