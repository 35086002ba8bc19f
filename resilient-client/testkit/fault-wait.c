/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fault-log-private.h"

#define PATIENCE_SECONDS 20

static gboolean
patience_over_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static G_NORETURN void
give_up (FaultLog *self, const FaultWish *wish)
{
  g_error ("waited %d s for %s %s %u; so far %u requests, %u active, %u connections, %u closed",
           PATIENCE_SECONDS, wish->what, wish->gate ? wish->gate : "", wish->n, self->entries->len,
           self->active, self->connections, self->closed);
}

void
fault_log_wait (FaultLog *self, FaultCondition condition, const FaultWish *wish)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  gint64 end = g_get_monotonic_time () + PATIENCE_SECONDS * G_TIME_SPAN_SECOND;
  g_autoptr (GSource) patience = NULL;
  gboolean owner = g_main_context_acquire (context);

  if (owner)
    {
      patience = g_timeout_source_new_seconds (PATIENCE_SECONDS);
      g_source_set_callback (patience, patience_over_cb, NULL, NULL);
      g_source_attach (patience, context);
    }

  g_mutex_lock (&self->lock);
  if (owner)
    g_ptr_array_add (self->contexts, context);
  while (!condition (self, wish))
    {
      if (g_get_monotonic_time () >= end)
        give_up (self, wish);
      if (owner)
        {
          g_mutex_unlock (&self->lock);
          g_main_context_iteration (context, TRUE);
          g_mutex_lock (&self->lock);
        }
      else
        {
          g_cond_wait_until (&self->changed, &self->lock, end);
        }
    }
  if (owner)
    g_ptr_array_remove (self->contexts, context);
  g_mutex_unlock (&self->lock);

  if (owner)
    {
      g_source_destroy (patience);
      g_main_context_release (context);
    }
}
