/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Waits until a misbehaving server has seen something, and runs the caller's main context meanwhile
 * where that may be. It owns nothing but the wait. Any thread. */

#include "config.h"

#include "fault-log-private.h"

#define PATIENCE_SECONDS 20

static gboolean
wait_over_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static G_NORETURN void
give_up (FaultLog *self, const FaultWish *wish)
{
  g_error ("waited %d s for %s %s %u; so far %u requests, %u active, %u connections, %u closed",
           PATIENCE_SECONDS,
           wish->what,
           wish->gate ? wish->gate : "",
           wish->n,
           self->records->len,
           self->active,
           self->connections,
           self->closed);
}

/* Whatever becomes of the cancellable later. */
typedef struct
{
  FaultLog *log;
  gboolean cancelled; /* under the log's lock */
} Cancel;

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Cancel *cancel = user_data;

  g_mutex_lock (&cancel->log->lock);
  cancel->cancelled = TRUE;
  fault_log_wake (cancel->log);
  g_mutex_unlock (&cancel->log->lock);
}

/* The lock is held, but for the turns of @context, which is NULL for a caller who may not run
 * it. */
static gboolean
wait_until (FaultLog *self,
            FaultCondition condition,
            const FaultWish *wish,
            gint64 end,
            GMainContext *context,
            const Cancel *cancel)
{
  while (!condition (self, wish))
    {
      if (g_get_monotonic_time () >= end || cancel->cancelled)
        return FALSE;
      if (context != NULL)
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

  return TRUE;
}

FaultWaited
fault_log_wait_for (FaultLog *self,
                    FaultCondition condition,
                    const FaultWish *wish,
                    double timeout,
                    GCancellable *cancellable)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  gint64 end = g_get_monotonic_time () + (gint64) (timeout * G_TIME_SPAN_SECOND);
  gboolean owner = g_main_context_acquire (context);
  Cancel cancel = { self, FALSE };
  g_autoptr (GSource) patience = NULL;
  gulong handler = 0;
  gboolean met;

  if (owner)
    {
      patience = g_timeout_source_new (MIN (timeout * 1000 + 1, G_MAXINT));
      g_source_set_callback (patience, wait_over_cb, NULL, NULL);
      g_source_attach (patience, context);
    }
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), &cancel, NULL);

  g_mutex_lock (&self->lock);
  if (owner)
    g_ptr_array_add (self->contexts, context);
  met = wait_until (self, condition, wish, end, owner ? context : NULL, &cancel);
  if (owner)
    g_ptr_array_remove (self->contexts, context);
  g_mutex_unlock (&self->lock);

  g_cancellable_disconnect (cancellable, handler);
  if (owner)
    {
      g_source_destroy (patience);
      g_main_context_release (context);
    }

  if (met)
    return FAULT_WAITED_MET;
  return cancel.cancelled ? FAULT_WAITED_CANCELLED : FAULT_WAITED_LATE;
}

void
fault_log_wait (FaultLog *self, FaultCondition condition, const FaultWish *wish)
{
  if (fault_log_wait_for (self, condition, wish, PATIENCE_SECONDS, NULL) != FAULT_WAITED_MET)
    give_up (self, wish);
}
