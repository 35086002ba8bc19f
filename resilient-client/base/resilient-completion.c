/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-completion-private.h"

#include "resilient-timer-queue-private.h"
#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"

/* The only place that decides how a wait ends. A cancellable is a latch that its owner may reset:
 * an app that uses one again cancels and resets it in one go. So the moment of the cancel decides,
 * in the handler of "cancelled", and not what a source finds when its turn comes. The handler only
 * takes the task; the rest happens in the task's context, where the callback runs anyway, because
 * in the handler a cancellable can't be disconnected from, and the thread is that of who
 * cancels. */

struct _ResilientCompletion
{
  /* Set once. */
  ResilientCompletionFunc withdrawn;
  gpointer data;
  GDestroyNotify destroy;
  GMainContext *context;
  int priority;

  GMutex lock;
  /* Under the lock. */
  GTask *task;               /* NULL once it was taken */
  GCancellable *cancellable; /* owned while it is connected to */
  gulong cancelled_id;
  ResilientTimerQueue *timers; /* of the task's context; NULL: no time-out */

  ResilientTimer timer; /* of the timer queue; holds a reference while it is set */
  char *timeout_message;
};

ResilientCompletion *
resilient_completion_new (GTask *task,
                          ResilientCompletionFunc withdrawn,
                          gpointer data,
                          GDestroyNotify destroy)
{
  ResilientCompletion *self = g_atomic_rc_box_new0 (ResilientCompletion);

  g_task_set_check_cancellable (task, FALSE);
  self->withdrawn = withdrawn;
  self->data = data;
  self->destroy = destroy;
  self->context = g_main_context_ref (g_task_get_context (task));
  self->priority = g_task_get_priority (task);
  self->task = task;
  g_mutex_init (&self->lock);
  return self;
}

ResilientCompletion *
resilient_completion_ref (ResilientCompletion *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
completion_clear (gpointer data)
{
  ResilientCompletion *self = data;

  g_assert (self->cancellable == NULL);
  g_clear_object (&self->task);
  g_clear_pointer (&self->timers, resilient_timer_queue_unref);
  g_clear_pointer (&self->timeout_message, g_free);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  if (self->destroy != NULL)
    self->destroy (self->data);
}

void
resilient_completion_unref (ResilientCompletion *self)
{
  g_atomic_rc_box_release_full (self, completion_clear);
}

static void
unref (gpointer self)
{
  resilient_completion_unref (self);
}

static GTask *
take_task (ResilientCompletion *self)
{
  GTask *task;

  g_mutex_lock (&self->lock);
  task = g_steal_pointer (&self->task);
  g_mutex_unlock (&self->lock);

  return task;
}

/* Nothing but what the task was taken for ends the wait any more. Not g_cancellable_disconnect():
 * it waits for a handler that runs, and this may be inside one. The handler's data is a reference,
 * so that one that is late finds us, and no task. */
static void
disarm (ResilientCompletion *self)
{
  g_autoptr (GCancellable) cancellable = NULL;
  gulong cancelled_id;
  gboolean was_set;

  g_mutex_lock (&self->lock);
  cancellable = g_steal_pointer (&self->cancellable);
  cancelled_id = self->cancelled_id;
  was_set = self->timers != NULL && resilient_timer_queue_clear (self->timers, &self->timer);
  g_mutex_unlock (&self->lock);

  if (cancellable != NULL)
    g_signal_handler_disconnect (cancellable, cancelled_id);
  if (was_set)
    resilient_completion_unref (self);
}

GTask *
resilient_completion_take (ResilientCompletion *self)
{
  GTask *task = take_task (self);

  if (task != NULL)
    disarm (self);
  return task;
}

static void
withdraw (ResilientCompletion *self)
{
  disarm (self);
  if (self->withdrawn != NULL)
    self->withdrawn (self, self->data);
}

/* A task that was taken by a cancel, on its way to its context. */
typedef struct
{
  ResilientCompletion *completion;
  GTask *task;
} Cancel;

static void
cancel_free (gpointer data)
{
  Cancel *cancel = data;

  g_clear_object (&cancel->task);
  resilient_completion_unref (cancel->completion);
  g_free (cancel);
}

static gboolean
return_cancelled_cb (gpointer data)
{
  Cancel *cancel = data;

  withdraw (cancel->completion);
  g_task_return_new_error (
    cancel->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("The wait was cancelled"));
  return G_SOURCE_REMOVE;
}

/* In the thread that cancels, perhaps under the cancellable's lock. */
static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  ResilientCompletion *self = data;
  GTask *task = take_task (self);
  Cancel *cancel;

  if (task == NULL)
    return;

  cancel = g_new (Cancel, 1);
  cancel->completion = resilient_completion_ref (self);
  cancel->task = task;
  resilient_main_context_post (self->context,
                               self->priority,
                               "[resilient] cancelled wait",
                               return_cancelled_cb,
                               cancel,
                               cancel_free);
}

static void
timeout_cb (gpointer data)
{
  ResilientCompletion *self = data;
  g_autoptr (GTask) task = take_task (self);

  if (task != NULL)
    {
      withdraw (self);
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s", self->timeout_message);
    }
  resilient_completion_unref (self);
}

static void
connect (ResilientCompletion *self, GCancellable *cancellable)
{
  gulong id = g_cancellable_connect (
    cancellable, G_CALLBACK (cancelled_cb), resilient_completion_ref (self), unref);

  /* 0: it was cancelled before, and the task is taken. */
  if (id == 0)
    return;
  g_mutex_lock (&self->lock);
  self->cancellable = g_object_ref (cancellable);
  self->cancelled_id = id;
  g_mutex_unlock (&self->lock);
}

void
resilient_completion_arm (ResilientCompletion *self,
                          GCancellable *cancellable,
                          double timeout,
                          const char *timeout_message)
{
  gboolean taken;

  if (timeout >= 0)
    {
      g_mutex_lock (&self->lock);
      self->timeout_message = g_strdup (timeout_message);
      self->timers = resilient_timer_queue_get (self->context);
      resilient_timer_queue_set (self->timers,
                                 &self->timer,
                                 resilient_clock_add (resilient_clock_get_boot (), timeout),
                                 timeout_cb,
                                 resilient_completion_ref (self));
      g_mutex_unlock (&self->lock);
    }
  if (cancellable != NULL)
    connect (self, cancellable);

  /* By another thread, before there was all of this to be undone. */
  g_mutex_lock (&self->lock);
  taken = self->task == NULL;
  g_mutex_unlock (&self->lock);
  if (taken)
    disarm (self);
}
