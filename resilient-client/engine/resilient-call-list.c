/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Keeps a list model of live calls in step with the engine. It owns its array of calls, which
 * changes in the home context alone; other threads post what happened. */

#include "config.h"

#include "resilient-call-list-private.h"

#include "resilient-call.h"

/* What is posted does not keep the list alive, nor with it the engine: nobody may iterate the home
 * context any more. */
typedef struct
{
  GWeakRef list;
  ResilientWork work;
} Post;

struct _ResilientCallList
{
  GObject parent_instance;

  ResilientEngine *engine; /* tells of changes, under its lock; NULL after dispose */
  ResilientScheduler *home;
  Post *post; /* set once */

  /* Of the home context. */
  GSequence *calls;
  GHashTable *iters; /* call → GSequenceIter */
  GQueue pending;    /* changes taken over, to be told */

  gboolean foreign; /* in a forked child, whose parent's it was; at its end */

  /* Taken under the engine's lock, too. */
  GMutex lock;
  /* Under lock. */
  GQueue changes; /* of calls, owned; the lowest bit of the pointer says: removed */
  gboolean scheduled;
};

static GType
resilient_call_list_get_item_type (GListModel *model)
{
  return RESILIENT_TYPE_CALL;
}

static guint
resilient_call_list_get_n_items (GListModel *model)
{
  return g_sequence_get_length (RESILIENT_CALL_LIST (model)->calls);
}

static gpointer
resilient_call_list_get_item (GListModel *model, guint position)
{
  GSequenceIter *iter = g_sequence_get_iter_at_pos (RESILIENT_CALL_LIST (model)->calls, position);

  return g_sequence_iter_is_end (iter) ? NULL : g_object_ref (g_sequence_get (iter));
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = resilient_call_list_get_item_type;
  iface->get_n_items = resilient_call_list_get_n_items;
  iface->get_item = resilient_call_list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientCallList,
                               resilient_call_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

#define REMOVED_BIT 1

static gpointer
change_new (ResilientCall *call, gboolean added)
{
  return (gpointer) ((guintptr) g_object_ref (call) | (added ? 0 : REMOVED_BIT));
}

static ResilientCall *
change_get_call (gpointer change)
{
  return (ResilientCall *) ((guintptr) change & ~(guintptr) REMOVED_BIT);
}

static void
change_free (gpointer change)
{
  g_object_unref (change_get_call (change));
}

static void
append (ResilientCallList *self, ResilientCall *call)
{
  g_hash_table_insert (self->iters, call, g_sequence_append (self->calls, g_object_ref (call)));
}

static void
flush_added (ResilientCallList *self, guint *n_added)
{
  guint length = g_sequence_get_length (self->calls);

  if (*n_added > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), length - *n_added, 0, *n_added);
  *n_added = 0;
}

static void
remove_call (ResilientCallList *self, ResilientCall *call)
{
  GSequenceIter *iter = g_hash_table_lookup (self->iters, call);
  guint position = g_sequence_iter_get_position (iter);

  g_hash_table_remove (self->iters, call);
  g_sequence_remove (iter);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static void
post_clear (gpointer data)
{
  g_weak_ref_clear (&((Post *) data)->list);
}

static void
apply_changes_cb (gpointer data)
{
  Post *post = data;
  g_autoptr (ResilientCallList) self = g_weak_ref_get (&post->list);
  gpointer change;
  guint n_added = 0;

  g_atomic_rc_box_release_full (post, post_clear);
  if (self == NULL)
    return;

  if (self->engine != NULL)
    {
      g_mutex_lock (&self->lock);
      while ((change = g_queue_pop_head (&self->changes)) != NULL)
        g_queue_push_tail (&self->pending, change);
      self->scheduled = FALSE;
      g_mutex_unlock (&self->lock);
    }

  /* A handler may run a nested loop, in which this runs again: both take from the one queue, in
   * order. */
  while ((change = g_queue_pop_head (&self->pending)) != NULL)
    {
      ResilientCall *call = change_get_call (change);

      if ((guintptr) change & REMOVED_BIT)
        {
          flush_added (self, &n_added);
          remove_call (self, call);
        }
      else
        {
          append (self, call);
          n_added++;
        }
      change_free (change);
    }
  flush_added (self, &n_added);
}

static void
calls_changed_cb (ResilientCall *call, gboolean added, gpointer data)
{
  ResilientCallList *self = data;

  gboolean first;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->changes, change_new (call, added));
  first = !self->scheduled;
  self->scheduled = TRUE;
  g_mutex_unlock (&self->lock);

  if (first)
    resilient_scheduler_post (
      self->home, &self->post->work, apply_changes_cb, g_atomic_rc_box_acquire (self->post));
}

/* In whatever thread the last reference is dropped: work that runs has one, so none runs now. */
static void
resilient_call_list_dispose (GObject *object)
{
  ResilientCallList *self = RESILIENT_CALL_LIST (object);

  if (self->engine != NULL && resilient_engine_is_foreign (self->engine, NULL))
    {
      /* a thread that is not here may have been adding to it */
      g_queue_init (&self->changes);
      self->foreign = TRUE;
      self->engine = NULL;
    }
  if (self->engine != NULL)
    {
      resilient_engine_watch_calls (self->engine, NULL, NULL);
      g_clear_pointer (&self->engine, resilient_engine_unref);
    }

  G_OBJECT_CLASS (resilient_call_list_parent_class)->dispose (object);
}

static void
resilient_call_list_finalize (GObject *object)
{
  ResilientCallList *self = RESILIENT_CALL_LIST (object);

  if (!self->foreign)
    g_mutex_clear (&self->lock);
  g_queue_clear_full (&self->changes, change_free);
  g_queue_clear_full (&self->pending, change_free);
  g_hash_table_unref (self->iters);
  g_sequence_free (self->calls);
  g_clear_pointer (&self->home, resilient_scheduler_unref);
  g_atomic_rc_box_release_full (self->post, post_clear);

  G_OBJECT_CLASS (resilient_call_list_parent_class)->finalize (object);
}

static void
resilient_call_list_class_init (ResilientCallListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = resilient_call_list_dispose;
  object_class->finalize = resilient_call_list_finalize;
}

static void
resilient_call_list_init (ResilientCallList *self)
{
  g_mutex_init (&self->lock);
  self->post = g_atomic_rc_box_new0 (Post);
  g_weak_ref_init (&self->post->list, self);
  self->calls = g_sequence_new (g_object_unref);
  self->iters = g_hash_table_new (NULL, NULL);
}

ResilientCallList *
resilient_call_list_new (ResilientEngine *engine)
{
  ResilientCallList *self = g_object_new (RESILIENT_TYPE_CALL_LIST, NULL);
  g_autoptr (GPtrArray) calls = NULL;

  if (resilient_engine_is_foreign (engine, NULL))
    return self;

  self->engine = resilient_engine_ref (engine);
  self->home = resilient_scheduler_ref (resilient_engine_get_home (engine));

  calls = resilient_engine_watch_calls (engine, calls_changed_cb, self);
  for (guint i = 0; i < calls->len; i++)
    append (self, calls->pdata[i]);

  return self;
}
