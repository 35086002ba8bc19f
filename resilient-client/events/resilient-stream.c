/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-stream-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"

/* @lock guards everything but @capacity and @reader, which do not change. Under it no foreign code
 * runs and no reference is dropped that could be the last one of a task: a task's end may finalise
 * the subscription, which ends the stream. */
struct _ResilientStream
{
  GMutex lock;
  GCond changed;   /* an event was queued, the stream ended, or a waiting thread was cancelled */
  guint n_blocked; /* threads that wait for it: to signal costs a system call even for none */
  GQueue events;   /* of ResilientEvent, oldest first */
  GQueue waiters;  /* of Waiter, in order of arrival; empty unless @events is */
  guint64 dropped;
  gboolean ended;

  guint capacity;
  GWeakRef reader;
};

/* The data of a task that asked for an event when there was none. */
typedef struct
{
  ResilientStream *stream;
  GSource *cancel_source; /* set before the task waits, then used in the task's context only */

  /* Under the stream's lock while it waits; then its completion's alone. */
  GList link; /* in @waiters, data: the GTask, with a reference */
  gboolean waits;
  gboolean cancelled;
  ResilientEvent *event;
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  if (waiter->cancel_source != NULL)
    {
      g_source_destroy (waiter->cancel_source);
      g_source_unref (waiter->cancel_source);
    }
  g_clear_pointer (&waiter->event, resilient_event_unref);
  resilient_stream_unref (waiter->stream);
  g_free (waiter);
}

/* In the task's context, with the task out of the list: so only once. */
static void
complete (GTask *task)
{
  Waiter *waiter = g_task_get_task_data (task);

  if (waiter->cancel_source != NULL)
    g_source_destroy (waiter->cancel_source);

  if (waiter->cancelled)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                             _("The wait for an event was cancelled"));
  else
    g_task_return_pointer (task, g_steal_pointer (&waiter->event),
                           (GDestroyNotify) resilient_event_unref);
}

static gboolean
complete_cb (gpointer user_data)
{
  complete (user_data);
  return G_SOURCE_REMOVE;
}

/* Runs in the task's context, not in the "cancelled" handler: there a cancellable can't be
 * disconnected from. */
static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  Waiter *waiter = g_task_get_task_data (task);
  ResilientStream *self = waiter->stream;
  gboolean waited;

  g_mutex_lock (&self->lock);
  waited = waiter->waits;
  if (waited)
    {
      g_queue_unlink (&self->waiters, &waiter->link);
      waiter->waits = FALSE;
      waiter->cancelled = TRUE;
    }
  g_mutex_unlock (&self->lock);

  /* Otherwise its completion is on the way, perhaps with an event: one that was taken must not be
   * lost. */
  if (waited)
    {
      complete (task);
      g_object_unref (task);
    }
  return G_SOURCE_REMOVE;
}

/* Completes the first waiter with @event (transfer none, nullable: the end), or as cancelled, and
 * then returns FALSE. Locked. A source of the task's own context does the rest: sources of one
 * context and priority are dispatched in the order in which they were attached, so attaching under
 * the lock makes callbacks come in the order of the events, whoever pushes them. */
static gboolean
serve_first_waiter (ResilientStream *self, ResilientEvent *event)
{
  GTask *task = g_queue_pop_head_link (&self->waiters)->data;
  Waiter *waiter = g_task_get_task_data (task);
  GSource *source = g_idle_source_new ();
  gboolean cancelled = g_cancellable_is_cancelled (g_task_get_cancellable (task));

  waiter->waits = FALSE;
  waiter->cancelled = cancelled;
  if (!cancelled && event != NULL)
    waiter->event = resilient_event_ref (event);

  /* g_task_attach_source() would take a reference, and leave ours to be dropped under the lock. */
  g_source_set_static_name (source, "[resilient] subscription");
  g_source_set_priority (source, g_task_get_priority (task));
  g_source_set_callback (source, complete_cb, task, g_object_unref);
  g_source_attach (source, g_task_get_context (task));
  g_source_unref (source);
  return !cancelled;
}

static void
stream_clear (gpointer data)
{
  ResilientStream *self = data;

  g_assert (g_queue_is_empty (&self->waiters));
  g_queue_clear_full (&self->events, (GDestroyNotify) resilient_event_unref);
  g_weak_ref_clear (&self->reader);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
}

ResilientStream *
resilient_stream_new (GObject *reader)
{
  ResilientStream *self = g_atomic_rc_box_new0 (ResilientStream);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->events);
  g_queue_init (&self->waiters);
  g_weak_ref_init (&self->reader, reader);
  return self;
}

ResilientStream *
resilient_stream_ref (ResilientStream *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_stream_unref (ResilientStream *self)
{
  g_atomic_rc_box_release_full (self, stream_clear);
}

GObject *
resilient_stream_dup_reader (ResilientStream *self)
{
  return g_weak_ref_get (&self->reader);
}

void
resilient_stream_set_capacity (ResilientStream *self, guint capacity)
{
  self->capacity = capacity;
}

guint
resilient_stream_get_capacity (ResilientStream *self)
{
  return self->capacity;
}

guint
resilient_stream_get_length (ResilientStream *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  return self->events.length;
}

guint64
resilient_stream_get_dropped (ResilientStream *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  return self->dropped;
}

gboolean
resilient_stream_is_ended (ResilientStream *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  return self->ended;
}

gboolean
resilient_stream_push (ResilientStream *self, ResilientEvent *event, ResilientEvent **dropped)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  *dropped = NULL;
  if (self->ended)
    return FALSE;

  while (!g_queue_is_empty (&self->waiters))
    if (serve_first_waiter (self, event))
      return TRUE;

  if (self->events.length >= self->capacity)
    {
      self->dropped++;
      *dropped = g_queue_pop_head (&self->events);
    }
  if (self->events.length < self->capacity)
    {
      g_queue_push_tail (&self->events, resilient_event_ref (event));
      /* One thread is enough: whoever wakes looks for an event first, even if it was cancelled or
       * is too late. */
      if (self->n_blocked > 0)
        g_cond_signal (&self->changed);
    }
  return TRUE;
}

gboolean
resilient_stream_end (ResilientStream *self, gboolean discard)
{
  GQueue discarded = G_QUEUE_INIT;
  gboolean first;

  g_mutex_lock (&self->lock);
  first = !self->ended;
  self->ended = TRUE;
  if (discard)
    {
      discarded = self->events;
      g_queue_init (&self->events);
    }
  while (!g_queue_is_empty (&self->waiters))
    serve_first_waiter (self, NULL);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  g_queue_clear_full (&discarded, (GDestroyNotify) resilient_event_unref);
  return first;
}

ResilientEvent *
resilient_stream_pop (ResilientStream *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  return g_queue_pop_head (&self->events);
}

void
resilient_stream_next (ResilientStream *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GSource) cancel_source = NULL;
  ResilientEvent *event;
  Waiter *waiter;

  /* Or a cancellation between an event's hand-over and its callback would lose the event. */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }

  /* Made outside of the lock, as it takes the cancellable's, under which a cancelled handler of
   * ours wants this one. */
  if (cancellable != NULL)
    cancel_source = g_cancellable_source_new (cancellable);

  g_mutex_lock (&self->lock);
  if (self->ended || !g_queue_is_empty (&self->events))
    {
      event = g_queue_pop_head (&self->events);
      g_mutex_unlock (&self->lock);
      g_task_return_pointer (task, event, (GDestroyNotify) resilient_event_unref);
      g_object_unref (task);
      return;
    }

  waiter = g_new0 (Waiter, 1);
  waiter->stream = resilient_stream_ref (self);
  waiter->cancel_source = g_steal_pointer (&cancel_source);
  waiter->link.data = task;
  waiter->waits = TRUE;
  g_task_set_task_data (task, waiter, waiter_free);
  g_queue_push_tail_link (&self->waiters, &waiter->link);
  /* Another thread may iterate the task's context (the default one) and dispatch this at once: it
   * then waits for the lock. */
  if (waiter->cancel_source != NULL)
    g_task_attach_source (task, waiter->cancel_source, G_SOURCE_FUNC (cancelled_cb));
  g_mutex_unlock (&self->lock);
}

static void
wake_waiting_threads_cb (GCancellable *cancellable, gpointer user_data)
{
  ResilientStream *self = user_data;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->lock);

  g_cond_broadcast (&self->changed);
}

/* A blocked thread can be woken by the kernel's timer only, so this is the one place where time is
 * not read from the clock's seam. */
ResilientEvent *
resilient_stream_wait (ResilientStream *self, double timeout, GCancellable *cancellable,
                       GError **error)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end_time = timeout < 0 ? G_MAXINT64 : resilient_clock_add (now, timeout);
  ResilientEvent *event;
  gulong handler = 0;
  gboolean ended, in_time = TRUE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  /* Connected to, and disconnected from, outside of the lock: the handler takes it, and
   * disconnecting waits for a handler that runs. */
  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (wake_waiting_threads_cb), self, NULL);

  g_mutex_lock (&self->lock);
  self->n_blocked++;
  while ((event = g_queue_pop_head (&self->events)) == NULL && !self->ended && in_time &&
         !g_cancellable_is_cancelled (cancellable))
    {
      if (end_time == G_MAXINT64)
        g_cond_wait (&self->changed, &self->lock);
      else
        in_time = g_cond_wait_until (&self->changed, &self->lock, end_time);
    }
  self->n_blocked--;
  ended = self->ended;
  g_mutex_unlock (&self->lock);

  if (cancellable != NULL)
    g_cancellable_disconnect (cancellable, handler);

  if (event != NULL || ended)
    return event;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("No event came in time"));
  return NULL;
}
