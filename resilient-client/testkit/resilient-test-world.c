/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Brings all main contexts of the process to rest at once, so that time can be moved while nothing
 * runs. It owns nothing between two calls. Any thread, one at a time. */

#include "config.h"

#include "resilient-test-stop-private.h"

#include "resilient-test-seams-private.h"

/* How long others have for coming to rest before they are let go for another try, in microseconds:
 * one of them may wait for another that is held already, or no longer be there. They are given
 * twice the time then, so that a slow machine comes to an end as well. */
#define FIRST_PATIENCE (10 * G_TIME_SPAN_MILLISECOND)
#define LAST_PATIENCE (2 * G_TIME_SPAN_SECOND)
/* In real time: what does not come to rest for so long never will. */
#define WATCHDOG (60 * G_TIME_SPAN_SECOND)

struct _ResilientTestStop
{
  GMutex lock;
  GCond cond;
  /* Under lock. */
  guint n_there;      /* threads that came to rest */
  gboolean all_there; /* they may look whether they still are */
  guint n_looked;
  gboolean busy; /* one of them is not */
  gboolean over; /* they may go */
};

static GMutex added_lock;
static GPtrArray *added_contexts; /* under added_lock */

ResilientTestStop *
resilient_test_stop_new (void)
{
  ResilientTestStop *self = g_atomic_rc_box_new0 (ResilientTestStop);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);

  return self;
}

static void
stop_clear (gpointer data)
{
  ResilientTestStop *self = data;

  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
}

static void
stop_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, stop_clear);
}

void
resilient_test_stop_end (ResilientTestStop *self)
{
  g_mutex_lock (&self->lock);
  self->over = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
resilient_test_world_go_on (ResilientTestStop *stop)
{
  resilient_test_stop_end (stop);
  stop_unref (stop);
}

/* In the thread of a context, from a source that comes after all others: nothing was ready. */
static gboolean
rest_cb (gpointer data)
{
  ResilientTestStop *self = data;
  GMainContext *context = g_source_get_context (g_main_current_source ());

  g_mutex_lock (&self->lock);

  self->n_there++;
  g_cond_broadcast (&self->cond);
  while (!self->all_there && !self->over)
    g_cond_wait (&self->cond, &self->lock);

  if (!self->over)
    {
      gboolean busy;

      /* Who came later may have sent work here meanwhile. */
      g_mutex_unlock (&self->lock);
      busy = g_main_context_pending (context);
      /* Within a dispatch GLib forgets the references that it took to what is ready; but it drops
       * them here. */
      if (busy)
        g_main_context_prepare (context, NULL);
      g_mutex_lock (&self->lock);

      self->busy |= busy;
      self->n_looked++;
      g_cond_broadcast (&self->cond);
      while (!self->over)
        g_cond_wait (&self->cond, &self->lock);
    }

  g_mutex_unlock (&self->lock);

  return G_SOURCE_REMOVE;
}

static void
destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Holds the threads of @contexts. FALSE: one of them did not come in time, or was busy. */
gboolean
resilient_test_stop_hold (ResilientTestStop *self, GPtrArray *contexts, gint64 *patience)
{
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (destroy_source);
  gint64 until = g_get_monotonic_time () + MAX (*patience, FIRST_PATIENCE);
  gboolean held;

  for (guint i = 0; i < contexts->len; i++)
    {
      GSource *source = g_idle_source_new ();

      g_source_set_static_name (source, "[resilient-test] rest");
      g_source_set_priority (source, G_MAXINT);
      g_source_set_callback (source, rest_cb, g_atomic_rc_box_acquire (self), stop_unref);
      g_source_attach (source, contexts->pdata[i]);
      g_ptr_array_add (sources, source);
    }

  g_mutex_lock (&self->lock);

  while (self->n_there < contexts->len && !self->over)
    if (!g_cond_wait_until (&self->cond, &self->lock, until))
      {
        *patience = CLAMP (2 * *patience, FIRST_PATIENCE, LAST_PATIENCE);
        break;
      }

  held = self->n_there == contexts->len && !self->over;
  if (held)
    {
      *patience = 0;
      self->all_there = TRUE;
      g_cond_broadcast (&self->cond);
      while (self->n_looked < contexts->len && !self->over)
        g_cond_wait (&self->cond, &self->lock);
      held = !self->busy && !self->over;
    }

  g_mutex_unlock (&self->lock);

  return held;
}

static void
add_context (GPtrArray *contexts, GMainContext *context)
{
  if (!g_ptr_array_find (contexts, context, NULL))
    g_ptr_array_add (contexts, g_main_context_ref (context));
}

/* All contexts that have to rest. */
GPtrArray *
resilient_test_world_list_contexts (GPtrArray *timers)
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
resilient_test_world_has_new_timers (GPtrArray *timers)
{
  g_autoptr (GPtrArray) now = resilient_timer_queue_list ();

  for (guint i = 0; i < now->len; i++)
    if (!g_ptr_array_find (timers, now->pdata[i], NULL))
      return TRUE;

  return FALSE;
}

gint64
resilient_test_world_get_first_due (GPtrArray *timers)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < timers->len; i++)
    first = MIN (first, resilient_timer_queue_get_next_due (timers->pdata[i]));

  return first;
}

/* Takes those of @contexts that no other thread has, and leaves the others in it. */
GPtrArray *
resilient_test_world_acquire_own (GPtrArray *contexts)
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

static void
check_watchdog (gint64 started)
{
  if (g_get_monotonic_time () - started > WATCHDOG)
    g_error ("A main context does not come to rest: a source of it is always ready, or the thread "
             "that has it is blocked");
}

static gboolean
run_own (GPtrArray *own, gint64 started)
{
  gboolean ran = FALSE;

  for (guint i = 0; i < own->len; i++)
    while (g_main_context_iteration (own->pdata[i], FALSE))
      {
        ran = TRUE;
        check_watchdog (started);
      }

  return ran;
}

static gboolean
is_own_pending (GPtrArray *own)
{
  for (guint i = 0; i < own->len; i++)
    if (g_main_context_pending (own->pdata[i]))
      return TRUE;

  return FALSE;
}

ResilientTestStop *
resilient_test_world_stop (gint64 *due)
{
  g_autoptr (GMainContext) current = g_main_context_ref_thread_default ();
  gint64 started = g_get_monotonic_time ();
  gint64 patience = 0;

  for (;;)
    {
      g_autoptr (GPtrArray) timers = resilient_timer_queue_list ();
      g_autoptr (GPtrArray) others = resilient_test_world_list_contexts (timers);
      g_autoptr (GPtrArray) own = NULL;
      ResilientTestStop *stop = NULL;
      gboolean rests;

      add_context (others, current);
      own = resilient_test_world_acquire_own (others);

      /* What ran may have made others busy, or timers that we have not seen. */
      rests = !run_own (own, started);
      if (rests)
        {
          stop = resilient_test_stop_new ();
          rests = resilient_test_stop_hold (stop, others, &patience) && !is_own_pending (own)
                  && !resilient_test_world_has_new_timers (timers);
        }

      g_ptr_array_foreach (own, (GFunc) (void (*) (void)) g_main_context_release, NULL);

      if (rests)
        {
          *due = resilient_test_world_get_first_due (timers);
          return stop;
        }

      if (stop != NULL)
        {
          resilient_test_world_go_on (stop);
          check_watchdog (started);
        }
    }
}

void
resilient_test_world_add (GMainContext *context)
{
  g_mutex_lock (&added_lock);
  if (added_contexts == NULL)
    added_contexts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_main_context_unref);
  add_context (added_contexts, context);
  g_mutex_unlock (&added_lock);
}

void
resilient_test_world_remove_all (void)
{
  g_autoptr (GPtrArray) contexts = NULL;

  g_mutex_lock (&added_lock);
  contexts = g_steal_pointer (&added_contexts);
  g_mutex_unlock (&added_lock);
}
