/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The bounded sequence of events that one subscription reads. It owns the queued events and the
 * tasks that wait for one, under one lock. Any thread. */

#include "config.h"

#include "resilient-event-buffer-private.h"

#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"

/* @lock guards everything but @capacity and @reader, which do not change. Under it no foreign code
 * runs and no reference is dropped that could be the last one of a task: a task's end may finalise
 * the subscription, which ends the stream. */
struct _ResilientEventBuffer
{
  GMutex lock;
  GCond changed;   /* an event was queued, the stream ended, or a waiting thread was cancelled */
  guint n_blocked; /* threads that wait for it: to signal costs a system call even for none */
  GQueue events;   /* of ResilientEvent, oldest first */
  GQueue waiters;  /* of Waiter, in order of arrival; empty unless @events is */
  GQueue answers;  /* of Answer with an event that its reader has not finished */
  guint64 dropped;
  gboolean ended;
  gboolean discards; /* it ended from the reader's side: nothing is kept any more */

  guint capacity;
  GWeakRef reader;
  guint generation; /* atomic: of the process; see resilient-fork-private.h */
};

/* In a forked child the events are the parent's, and so is who has the lock: the stream is at its
 * end there, with a lock that is free. */
static void
adopt (gpointer stream)
{
  ResilientEventBuffer *self = stream;

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->n_blocked = 0;
  g_queue_init (&self->events);
  self->ended = TRUE;
}

/* To take it. */
static GMutex *
get_lock (ResilientEventBuffer *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

/* Who asked for an event when there was none: the data of the completion that the list keeps. */
typedef struct
{
  ResilientEventBuffer *stream;
  ResilientCompletion *completion;
  GList
    link; /* in @waiters, with the list's reference to the completion; under the stream's lock */
  gboolean waits;
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  resilient_event_buffer_unref (waiter->stream);
  g_free (waiter);
}

static void
stopped_waiting_cb (ResilientCompletion *completion, gpointer data)
{
  Waiter *waiter = data;
  ResilientEventBuffer *self = waiter->stream;
  gboolean waited;

  g_mutex_lock (get_lock (self));
  waited = waiter->waits;
  if (waited)
    g_queue_unlink (&self->waiters, &waiter->link);
  waiter->waits = FALSE;
  g_mutex_unlock (&self->lock);

  if (waited)
    resilient_completion_unref (completion);
}

/* What a task is given: its data. The event stays here until the task is finished, as its reader
 * may be cancelled, or gone, before that. */
typedef struct
{
  ResilientEventBuffer *stream;
  GCancellable *cancellable; /* nullable, the task's */

  /* Under the stream's lock. */
  GList link; /* in @answers while there is an event */
  ResilientEvent *event;
  gboolean taken_back;
} Answer;

/* The event is transfer full. */
static void
answer_locked (GTask *task, ResilientEvent *event)
{
  Answer *answer = g_task_get_task_data (task);

  answer->event = event;
  answer->link.data = answer;
  g_queue_push_tail_link (&answer->stream->answers, &answer->link);
}

static ResilientEvent *
take_event_locked (Answer *answer)
{
  if (answer->event != NULL)
    g_queue_unlink (&answer->stream->answers, &answer->link);
  return g_steal_pointer (&answer->event);
}

static gboolean
return_cb (gpointer task)
{
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* Completes the first waiter with @event (transfer none, nullable: the end). FALSE: it was
 * cancelled before that. The callback is called from a source of its own, so not under the lock. */
static gboolean
serve_first_waiter_locked (ResilientEventBuffer *self, ResilientEvent *event)
{
  Waiter *waiter = g_queue_peek_head (&self->waiters);
  g_autoptr (ResilientCompletion) completion = waiter->completion;
  GTask *task = resilient_completion_take (completion);

  g_queue_unlink (&self->waiters, &waiter->link);
  waiter->waits = FALSE;
  if (task == NULL)
    return FALSE;

  if (event != NULL)
    answer_locked (task, resilient_event_ref (event));
  resilient_main_context_post (g_task_get_context (task),
                               g_task_get_priority (task),
                               "[resilient] subscription",
                               return_cb,
                               task,
                               g_object_unref);
  return TRUE;
}

static int
compare_sequences (gconstpointer a, gconstpointer b, gpointer unused)
{
  const guint64 left = resilient_event_get_sequence ((ResilientEvent *) a);
  const guint64 right = resilient_event_get_sequence ((ResilientEvent *) b);

  return left < right ? -1 : left > right;
}

/* An event (transfer full) that was on its way to a reader who does not want it any more goes to
 * the next one, before all that are younger. It had left already, so that it may make the queue
 * longer than the capacity for a while. */
static void
give_back (ResilientEventBuffer *self, ResilientEvent *event)
{
  gboolean taken = FALSE;

  g_mutex_lock (get_lock (self));
  while (!taken && !g_queue_is_empty (&self->waiters))
    taken = serve_first_waiter_locked (self, event);
  if (!taken && !self->discards)
    {
      g_queue_insert_sorted (&self->events, g_steal_pointer (&event), compare_sequences, NULL);
      if (self->n_blocked > 0)
        g_cond_signal (&self->changed);
    }
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&event, resilient_event_unref);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;
  ResilientEvent *event;

  g_mutex_lock (get_lock (answer->stream));
  event = take_event_locked (answer);
  g_mutex_unlock (&answer->stream->lock);

  /* Whoever asked for it went away without a look at the answer. */
  if (event != NULL)
    give_back (answer->stream, event);
  g_clear_object (&answer->cancellable);
  resilient_event_buffer_unref (answer->stream);
  g_free (answer);
}

/* The oldest event, also if it is still on its way to a reader who was cancelled. */
static ResilientEvent *
pop_locked (ResilientEventBuffer *self)
{
  for (GList *l = self->answers.head, *next; l != NULL && !self->discards; l = next)
    {
      Answer *answer = l->data;

      next = l->next;
      if (answer->cancellable == NULL || !g_cancellable_is_cancelled (answer->cancellable))
        continue;
      answer->taken_back = TRUE;
      g_queue_insert_sorted (&self->events, take_event_locked (answer), compare_sequences, NULL);
    }

  return g_queue_pop_head (&self->events);
}

static void
stream_clear (gpointer data)
{
  ResilientEventBuffer *self = data;

  g_assert (g_queue_is_empty (&self->waiters));
  g_queue_clear_full (&self->events, (GDestroyNotify) resilient_event_unref);
  g_weak_ref_clear (&self->reader);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
}

ResilientEventBuffer *
resilient_event_buffer_new (GObject *reader)
{
  ResilientEventBuffer *self = g_atomic_rc_box_new0 (ResilientEventBuffer);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->events);
  g_queue_init (&self->waiters);
  g_weak_ref_init (&self->reader, reader);
  self->generation = resilient_fork_get_generation ();
  return self;
}

ResilientEventBuffer *
resilient_event_buffer_ref (ResilientEventBuffer *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_event_buffer_unref (ResilientEventBuffer *self)
{
  g_atomic_rc_box_release_full (self, stream_clear);
}

GObject *
resilient_event_buffer_dup_reader (ResilientEventBuffer *self)
{
  return g_weak_ref_get (&self->reader);
}

void
resilient_event_buffer_set_capacity (ResilientEventBuffer *self, guint capacity)
{
  self->capacity = capacity;
}

guint
resilient_event_buffer_get_capacity (ResilientEventBuffer *self)
{
  return self->capacity;
}

guint
resilient_event_buffer_get_length (ResilientEventBuffer *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  return self->events.length;
}

guint64
resilient_event_buffer_get_dropped (ResilientEventBuffer *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  return self->dropped;
}

gboolean
resilient_event_buffer_is_ended (ResilientEventBuffer *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  return self->ended;
}

gboolean
resilient_event_buffer_push (ResilientEventBuffer *self,
                             ResilientEvent *event,
                             ResilientEvent **dropped)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  *dropped = NULL;
  if (self->ended)
    return FALSE;

  while (!g_queue_is_empty (&self->waiters))
    if (serve_first_waiter_locked (self, event))
      return TRUE;

  if (self->events.length >= self->capacity)
    {
      self->dropped++;
      *dropped = g_queue_pop_head (&self->events);
    }
  if (self->capacity > 0)
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
resilient_event_buffer_end (ResilientEventBuffer *self, gboolean discard)
{
  GQueue discarded = G_QUEUE_INIT;
  gboolean first;

  g_mutex_lock (get_lock (self));
  first = !self->ended;
  self->ended = TRUE;
  if (discard)
    {
      self->discards = TRUE;
      discarded = self->events;
      g_queue_init (&self->events);
    }
  while (!g_queue_is_empty (&self->waiters))
    serve_first_waiter_locked (self, NULL);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  g_queue_clear_full (&discarded, (GDestroyNotify) resilient_event_unref);
  return first;
}

ResilientEvent *
resilient_event_buffer_pop (ResilientEventBuffer *self)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  return pop_locked (self);
}

void
resilient_event_buffer_next (ResilientEventBuffer *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (ResilientCompletion) completion = NULL;
  Answer *answer;
  ResilientEvent *event;
  Waiter *waiter;

  /* resilient_event_buffer_next_finish() looks at it, where the event can still go back. */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }

  answer = g_new0 (Answer, 1);
  answer->stream = resilient_event_buffer_ref (self);
  answer->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  g_task_set_task_data (task, answer, answer_free);

  g_mutex_lock (get_lock (self));
  event = pop_locked (self);
  if (event != NULL || self->ended)
    {
      if (event != NULL)
        answer_locked (task, event);
      g_mutex_unlock (&self->lock);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }

  waiter = g_new0 (Waiter, 1);
  waiter->stream = resilient_event_buffer_ref (self);
  waiter->completion = resilient_completion_new (task, stopped_waiting_cb, waiter, waiter_free);
  waiter->link.data = waiter;
  waiter->waits = TRUE;
  completion = resilient_completion_ref (waiter->completion);
  g_queue_push_tail_link (&self->waiters, &waiter->link);
  g_mutex_unlock (&self->lock);

  resilient_completion_arm (completion, cancellable, -1, NULL);
}

ResilientEvent *
resilient_event_buffer_next_finish (GTask *task, GError **error)
{
  Answer *answer = g_task_get_task_data (task);
  ResilientEvent *event;
  gboolean taken_back;

  if (!g_task_propagate_boolean (task, error))
    return NULL;

  g_mutex_lock (get_lock (answer->stream));
  event = take_event_locked (answer);
  taken_back = answer->taken_back;
  g_mutex_unlock (&answer->stream->lock);

  if (event != NULL && answer->cancellable != NULL
      && g_cancellable_is_cancelled (answer->cancellable))
    {
      give_back (answer->stream, g_steal_pointer (&event));
      taken_back = TRUE;
    }
  if (taken_back)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The wait was cancelled"));

  return event;
}

/* A thread that blocks for an event, or until it is cancelled: whatever becomes of the cancellable
 * after that. */
typedef struct
{
  ResilientEventBuffer *stream;
  gboolean cancelled; /* under the stream's lock */
} Blocked;

static void
wake_waiting_threads_cb (GCancellable *cancellable, gpointer user_data)
{
  Blocked *blocked = user_data;
  ResilientEventBuffer *self = blocked->stream;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (get_lock (self));

  blocked->cancelled = TRUE;
  g_cond_broadcast (&self->changed);
}

/* A blocked thread can be woken by the kernel's timer only, so this is the one place where time is
 * not that of the replaceable clock. */
ResilientEvent *
resilient_event_buffer_wait (ResilientEventBuffer *self,
                             double timeout,
                             GCancellable *cancellable,
                             GError **error)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end_time = timeout < 0 ? G_MAXINT64 : resilient_clock_add (now, timeout);
  Blocked blocked = { self, FALSE };
  ResilientEvent *event;
  gulong handler = 0;
  gboolean ended, in_time = TRUE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  /* Connected to, and disconnected from, outside of the lock: the handler takes it, and
   * disconnecting waits for a handler that runs. */
  if (cancellable != NULL)
    handler =
      g_cancellable_connect (cancellable, G_CALLBACK (wake_waiting_threads_cb), &blocked, NULL);

  g_mutex_lock (get_lock (self));
  self->n_blocked++;
  while ((event = pop_locked (self)) == NULL && !self->ended && in_time && !blocked.cancelled)
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
  if (blocked.cancelled)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The wait was cancelled"));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _ ("No event came in time"));
  return NULL;
}
