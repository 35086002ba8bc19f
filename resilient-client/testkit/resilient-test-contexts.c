/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which main contexts have to rest before time may move: those in which the library has timers, and
 * those that a test names. It owns the latter, under one lock. Any thread. */

#include "config.h"

#include "resilient-test-contexts-private.h"

#include "resilient-test-seams-private.h"

static GMutex added_lock;
static GPtrArray *added_contexts; /* under added_lock */

static void
add_context (GPtrArray *contexts, GMainContext *context)
{
  if (!g_ptr_array_find (contexts, context, NULL))
    g_ptr_array_add (contexts, g_main_context_ref (context));
}

GPtrArray *
resilient_test_contexts_list (GPtrArray *timers)
{
  GPtrArray *contexts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_main_context_unref);

  for (guint i = 0; i < timers->len; i++)
    add_context (contexts, resilient_timer_queue_get_context (timers->pdata[i]));

  g_mutex_lock (&added_lock);
  for (guint i = 0; added_contexts != NULL && i < added_contexts->len; i++)
    add_context (contexts, added_contexts->pdata[i]);
  g_mutex_unlock (&added_lock);

  return contexts;
}

gboolean
resilient_test_contexts_have_new_timers (GPtrArray *timers)
{
  g_autoptr (GPtrArray) now = resilient_timer_queue_list ();

  for (guint i = 0; i < now->len; i++)
    if (!g_ptr_array_find (timers, now->pdata[i], NULL))
      return TRUE;

  return FALSE;
}

gint64
resilient_test_contexts_get_first_due (GPtrArray *timers)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < timers->len; i++)
    first = MIN (first, resilient_timer_queue_get_next_due (timers->pdata[i]));

  return first;
}

GPtrArray *
resilient_test_contexts_acquire_own (GPtrArray *contexts)
{
  GPtrArray *own = g_ptr_array_new_with_free_func ((GDestroyNotify) g_main_context_unref);

  for (guint i = 0; i < contexts->len;)
    {
      if (g_main_context_acquire (contexts->pdata[i]))
        g_ptr_array_add (own, g_ptr_array_steal_index (contexts, i));
      else
        i++;
    }

  return own;
}

void
resilient_test_contexts_add (GMainContext *context)
{
  g_mutex_lock (&added_lock);
  if (added_contexts == NULL)
    added_contexts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_main_context_unref);
  add_context (added_contexts, context);
  g_mutex_unlock (&added_lock);
}

void
resilient_test_contexts_remove_all (void)
{
  g_autoptr (GPtrArray) contexts = NULL;

  g_mutex_lock (&added_lock);
  contexts = g_steal_pointer (&added_contexts);
  g_mutex_unlock (&added_lock);
}
