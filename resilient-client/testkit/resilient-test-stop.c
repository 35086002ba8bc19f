/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Holds threads where their main contexts have nothing to do, so that time can be moved while
 * nothing runs. Each held thread keeps a reference until it is let go. Any thread. */

#include "config.h"

#include "resilient-test-stop-private.h"

/* How long others have for coming to rest before they are let go for another try, in microseconds:
 * one of them may wait for another that is held already, or no longer be there. They are given
 * twice the time then, so that a slow machine comes to an end as well. */
#define FIRST_PATIENCE (10 * G_TIME_SPAN_MILLISECOND)
#define LAST_PATIENCE (2 * G_TIME_SPAN_SECOND)

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
resilient_test_stop_go_on (ResilientTestStop *self)
{
  resilient_test_stop_end (self);
  stop_unref (self);
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
