/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Looks whether the main contexts of the process have come to rest, by sources that it attaches to
 * them. It owns these, under one lock. Any thread. */

#include "config.h"

#include "resilient-test-world-private.h"

#include "resilient-test-contexts-private.h"
#include "resilient-test-seams-private.h"

static GMutex watch_lock;
/* Under watch_lock. */
static GHashTable *knocked_contexts; /* with a knocking source each; not owned */
static ResilientTestStop *watching;  /* what resilient_test_world_watch() waits for; not owned */
static gboolean interrupted;

typedef struct
{
  void (*func) (gpointer data);
  GMainContext *context; /* not owned */
} Knock;

static gboolean
knock_cb (gpointer data)
{
  Knock *knock = data;

  knock->func (NULL);
  return G_SOURCE_REMOVE;
}

static void
knock_free (gpointer data)
{
  Knock *knock = data;

  g_mutex_lock (&watch_lock);
  g_hash_table_remove (knocked_contexts, knock->context);
  g_mutex_unlock (&watch_lock);
  g_free (knock);
}

static void
knock_at (GMainContext *context, void (*func) (gpointer data))
{
  gboolean is_new;

  g_mutex_lock (&watch_lock);
  if (knocked_contexts == NULL)
    knocked_contexts = g_hash_table_new (NULL, NULL);
  is_new = g_hash_table_add (knocked_contexts, context);
  g_mutex_unlock (&watch_lock);

  if (is_new)
    {
      g_autoptr (GSource) source = g_idle_source_new ();
      Knock *knock = g_new (Knock, 1);

      *knock = (Knock){ func, context };
      g_source_set_static_name (source, "[resilient-test] knock");
      g_source_set_callback (source, knock_cb, knock, knock_free);
      g_source_attach (source, context);
    }
}

ResilientTestStop *
resilient_test_world_watch (gint64 *due, gint64 *patience, void (*knock) (gpointer data))
{
  g_autoptr (GPtrArray) all = resilient_timer_queue_list ();
  g_autoptr (GPtrArray) watched = g_ptr_array_new ();
  g_autoptr (GPtrArray) others = NULL;
  g_autoptr (GPtrArray) nobodys = NULL;
  ResilientTestStop *stop;
  gboolean held;

  /* What nobody iterates stands still, and its timers too. */
  for (guint i = 0; i < all->len; i++)
    {
      ResilientTimerQueue *timers = all->pdata[i];
      GMainContext *context = resilient_timer_queue_get_context (timers);

      if (!g_main_context_acquire (context))
        {
          g_ptr_array_add (watched, timers);
          continue;
        }
      g_main_context_release (context);
      if (resilient_timer_queue_get_next_due (timers) != G_MAXINT64)
        knock_at (context, knock);
    }

  others = resilient_test_contexts_list (watched);
  nobodys = resilient_test_contexts_acquire_own (others);
  g_ptr_array_foreach (nobodys, (GFunc) (void (*) (void)) g_main_context_release, NULL);

  *due = -1;
  if (others->len == 0)
    return NULL;

  stop = resilient_test_stop_new ();
  g_mutex_lock (&watch_lock);
  watching = stop;
  if (interrupted)
    resilient_test_stop_end (stop);
  interrupted = FALSE;
  g_mutex_unlock (&watch_lock);

  *due = G_MAXINT64;
  held = resilient_test_stop_hold (stop, others, patience)
         && !resilient_test_contexts_have_new_timers (all);

  g_mutex_lock (&watch_lock);
  watching = NULL;
  g_mutex_unlock (&watch_lock);

  if (!held)
    {
      g_clear_pointer (&stop, resilient_test_stop_go_on);
      return NULL;
    }

  *due = resilient_test_contexts_get_first_due (watched);
  return stop;
}

void
resilient_test_world_interrupt (void)
{
  g_mutex_lock (&watch_lock);
  if (watching != NULL)
    resilient_test_stop_end (watching);
  else
    interrupted = TRUE;
  g_mutex_unlock (&watch_lock);
}
