/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* All timers of one main context in one heap, behind one source. It owns the table of queues by
 * context and each queue's heap, and never a timer, which is part of its owner. Any thread sets and
 * clears; timers fire in their context. */

#include "config.h"

#include "resilient-timer-queue-state-private.h"

#include "resilient-clock-private.h"
#include "resilient-fork-private.h"

static GMutex registry_lock;
/* GMainContext → ResilientTimerQueue, neither owned: a timer queue keeps its context alive and
 * leaves before it goes. */
static GHashTable *registry;
static guint64 next_serial;

ResilientTimerQueue *
resilient_timer_queue_get (GMainContext *context)
{
  static gsize protected = 0;
  ResilientTimerQueue *self;

  if (context == NULL)
    context = g_main_context_default ();
  if (g_once_init_enter (&protected))
    {
      resilient_fork_protect (&registry_lock);
      g_once_init_leave (&protected, 1);
    }

  g_mutex_lock (&registry_lock);

  if (registry == NULL)
    registry = g_hash_table_new (NULL, NULL);

  self = g_hash_table_lookup (registry, context);
  /* that of the parent stays where it is, and does nothing */
  if (self != NULL && !resilient_timer_queue_is_foreign (self))
    {
      self->refs++;
    }
  else
    {
      self = resilient_timer_queue_new (context);
      self->serial = next_serial++;
      g_hash_table_insert (registry, context, self);
    }

  g_mutex_unlock (&registry_lock);

  return self;
}

ResilientTimerQueue *
resilient_timer_queue_ref (ResilientTimerQueue *self)
{
  g_mutex_lock (&registry_lock);
  g_assert (self->refs > 0);
  self->refs++;
  g_mutex_unlock (&registry_lock);

  return self;
}

void
resilient_timer_queue_unref (ResilientTimerQueue *self)
{
  g_autoptr (GMainContext) context = NULL;
  gboolean last;

  if (resilient_timer_queue_is_foreign (self))
    return;

  g_mutex_lock (&registry_lock);

  g_assert (self->refs > 0);
  last = --self->refs == 0;
  if (last)
    {
      g_hash_table_remove (registry, self->context);
      if (g_hash_table_size (registry) == 0)
        g_clear_pointer (&registry, g_hash_table_unref);
    }

  g_mutex_unlock (&registry_lock);

  if (!last)
    return;

  context = g_steal_pointer (&self->context);

  /* What is still set will not fire; its owner can tell. */
  g_mutex_lock (&self->lock);
  resilient_heap_clear (&self->heap);
  g_mutex_unlock (&self->lock);

  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

void
resilient_timer_queue_set (ResilientTimerQueue *self,
                           ResilientTimer *timer,
                           gint64 due,
                           ResilientTimerFunc func,
                           gpointer data)
{
  gboolean first;

  if (resilient_timer_queue_is_foreign (self))
    return;

  g_mutex_lock (&self->lock);

  timer->due = due;
  timer->order = self->next_order++;
  timer->func = func;
  timer->data = data;

  if (timer->index == 0)
    resilient_heap_insert (&self->heap, timer);
  else
    resilient_heap_update (&self->heap, timer);

  /* Who iterates the context looks at the heap again before it waits. */
  first = resilient_heap_peek (&self->heap) == timer;
  if (first && !g_main_context_is_owner (self->context))
    resilient_timer_queue_arm (self);

  g_mutex_unlock (&self->lock);

  /* The kernel wakes the context for a real due time, wherever it was set, but knows nothing of
   * virtual ones. */
  if (first && resilient_clock_is_virtual ())
    {
      g_main_context_wakeup (self->context);
      resilient_clock_await ();
    }
}

gboolean
resilient_timer_queue_clear (ResilientTimerQueue *self, ResilientTimer *timer)
{
  gboolean was_set;

  if (resilient_timer_queue_is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  was_set = timer->index != 0;
  if (was_set)
    resilient_heap_remove (&self->heap, timer);
  g_mutex_unlock (&self->lock);

  return was_set;
}

gint64
resilient_timer_queue_get_due (ResilientTimerQueue *self, ResilientTimer *timer)
{
  gint64 due;

  if (resilient_timer_queue_is_foreign (self))
    return 0;

  g_mutex_lock (&self->lock);
  due = timer->index != 0 ? timer->due : 0;
  g_mutex_unlock (&self->lock);

  return due;
}

gboolean
resilient_timer_is_set (ResilientTimer *timer)
{
  return g_atomic_int_get (&timer->index) != 0;
}

guint
resilient_timer_queue_get_length (ResilientTimerQueue *self)
{
  guint length;

  g_mutex_lock (&self->lock);
  length = self->heap.length;
  g_mutex_unlock (&self->lock);

  return length;
}

gint64
resilient_timer_queue_get_next_due (ResilientTimerQueue *self)
{
  ResilientTimer *head;
  gint64 due;

  g_mutex_lock (&self->lock);
  head = resilient_heap_peek (&self->heap);
  due = head != NULL ? head->due : G_MAXINT64;
  g_mutex_unlock (&self->lock);

  return due;
}

GMainContext *
resilient_timer_queue_get_context (ResilientTimerQueue *self)
{
  return self->context;
}

static int
compare_serials (gconstpointer a, gconstpointer b)
{
  const ResilientTimerQueue *first = *(ResilientTimerQueue *const *) a;
  const ResilientTimerQueue *second = *(ResilientTimerQueue *const *) b;

  return first->serial < second->serial ? -1 : 1;
}

GPtrArray *
resilient_timer_queue_list (void)
{
  GPtrArray *queues = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_timer_queue_unref);
  GHashTableIter iter;
  ResilientTimerQueue *timers;

  g_mutex_lock (&registry_lock);

  if (registry != NULL)
    {
      g_hash_table_iter_init (&iter, registry);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &timers))
        {
          timers->refs++;
          g_ptr_array_add (queues, timers);
        }
    }

  g_mutex_unlock (&registry_lock);

  g_ptr_array_sort (queues, compare_serials);
  return queues;
}

void
resilient_timer_queue_wake_all (void)
{
  GHashTableIter iter;
  gpointer context;

  g_mutex_lock (&registry_lock);

  if (registry != NULL)
    {
      g_hash_table_iter_init (&iter, registry);
      while (g_hash_table_iter_next (&iter, &context, NULL))
        g_main_context_wakeup (context);
    }

  g_mutex_unlock (&registry_lock);
}
