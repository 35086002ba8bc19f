/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Runs posted work in one main context, in order: the app's home context, or that of an I/O thread
 * of our own, which it starts and ends. It owns the queue, its source and that thread. Any thread
 * posts. */

#include "config.h"

#include "resilient-scheduler-private.h"

#include <glib-unix.h>

#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"

/* How long who stops a scheduler waits for its thread, in microseconds: a connection whose peer
 * hangs may take longer to close. */
#define STOP_TIME (100 * 1000)

/* After so many pieces of work other sources of the context get their turn. */
#define WORK_PER_DISPATCH 128

struct _ResilientScheduler
{
  GMainContext *context;
  ResilientTimerQueue *timers;
  GSource *source;
  ResilientPace *pace;    /* NULL for one with a thread */
  int priority;           /* atomic; of the source, unless it gives way */
  guint generation;       /* of the process; see resilient-fork-private.h */
  GThread *thread;        /* NULL: the app iterates the context */
  int running;            /* atomic; the thread's loop goes on */
  ResilientWorkFunc last; /* before the thread ends; set when running ends */
  gpointer last_data;
  gboolean ended; /* under lock, with the condition */
  GCond end;
  int waiting; /* atomic; who iterates the context may be about to wait, or waits */

  GMutex lock;
  ResilientWork *head; /* changed under lock, with tail; atomic */
  ResilientWork *tail;
};

typedef struct
{
  GSource source;
  ResilientScheduler *scheduler; /* a reference, broken when it stops */
} SchedulerSource;

typedef struct
{
  ResilientWork work;
  ResilientWorkFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Invocation;

/* Neither its thread nor what that was about to do is in this process. */
static gboolean
is_foreign (ResilientScheduler *self)
{
  return self->generation != resilient_fork_get_generation ();
}

static ResilientWork *
take_work (ResilientScheduler *self)
{
  ResilientWork *work;

  g_mutex_lock (&self->lock);
  work = self->head;
  if (work != NULL)
    {
      g_atomic_pointer_set (&self->head, work->next);
      if (self->head == NULL)
        self->tail = NULL;
      work->next = NULL;
    }
  g_mutex_unlock (&self->lock);

  return work;
}

static gboolean
scheduler_source_check (GSource *source)
{
  ResilientScheduler *self = ((SchedulerSource *) source)->scheduler;

  if (is_foreign (self))
    return FALSE;
  g_atomic_int_set (&self->waiting, FALSE);
  return g_atomic_pointer_get (&self->head) != NULL;
}

/* Says that it may wait, then looks whether there is work; who posts does it the other way round:
 * so one of them sees the other. */
static gboolean
scheduler_source_prepare (GSource *source, int *timeout)
{
  ResilientScheduler *self = ((SchedulerSource *) source)->scheduler;

  *timeout = -1;
  if (is_foreign (self))
    return FALSE;
  g_atomic_int_set (&self->waiting, TRUE);
  if (g_atomic_pointer_get (&self->head) == NULL)
    return FALSE;
  return scheduler_source_check (source);
}

static gboolean
scheduler_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (ResilientScheduler) self =
    resilient_scheduler_ref (((SchedulerSource *) source)->scheduler);
  GMainContext *thread_default = g_main_context_get_thread_default ();
  gboolean push;
  guint n = 0;

  if (resilient_pace_hold (self->pace, source, g_atomic_int_get (&self->priority)))
    return G_SOURCE_CONTINUE;

  /* What is begun here is driven from the thread-default context. An app that has not made its home
   * context that one starts in the right place at least; for libsoup's own steps it must. */
  push = thread_default != self->context
         && !(thread_default == NULL && self->context == g_main_context_default ());
  if (push)
    g_main_context_push_thread_default (self->context);

  /* One by one: a nested loop in a callback goes on with the rest. */
  while (n++ < WORK_PER_DISPATCH)
    {
      ResilientWork *work = take_work (self);

      if (work == NULL)
        break;
      work->func (work->data);
      if (resilient_pace_is_overdue (self->pace))
        break;
    }

  if (push)
    g_main_context_pop_thread_default (self->context);

  return G_SOURCE_CONTINUE;
}

static void
scheduler_source_finalize (GSource *source)
{
  resilient_scheduler_unref (((SchedulerSource *) source)->scheduler);
}

static GSourceFuncs scheduler_source_funcs = {
  .prepare = scheduler_source_prepare,
  .check = scheduler_source_check,
  .dispatch = scheduler_source_dispatch,
  .finalize = scheduler_source_finalize,
};

/* GLib aborts when it can't have the descriptor by which a context is woken. So it is asked for one
 * only where some are left: what the context and its timers take, and as many again. */
#define SPARE_PIPES 2

static gboolean
has_descriptors (GError **error)
{
  int fds[2 * SPARE_PIPES];
  guint n = 0;

  while (n < SPARE_PIPES && g_unix_open_pipe (&fds[2 * n], FD_CLOEXEC, NULL))
    n++;
  if (n < SPARE_PIPES)
    g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES, _ ("The process has too many open files"));
  for (guint i = 0; i < 2 * n; i++)
    close (fds[i]);
  return n == SPARE_PIPES;
}

static ResilientScheduler *
scheduler_new (GMainContext *context)
{
  ResilientScheduler *self = g_atomic_rc_box_new0 (ResilientScheduler);

  /* The first task of a process makes a context of GLib's own: now, rather than when the app has
   * used up its descriptors. */
  if (has_descriptors (NULL))
    g_type_ensure (G_TYPE_TASK);
  self->generation = resilient_fork_get_generation ();
  self->context = g_main_context_ref (context);
  self->timers = resilient_timer_queue_get (context);
  g_mutex_init (&self->lock);
  g_cond_init (&self->end);

  self->source = g_source_new (&scheduler_source_funcs, sizeof (SchedulerSource));
  ((SchedulerSource *) self->source)->scheduler = resilient_scheduler_ref (self);
  g_source_set_static_name (self->source, "[resilient] scheduler");
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);

  return self;
}

ResilientScheduler *
resilient_scheduler_new (GMainContext *context)
{
  ResilientScheduler *self = scheduler_new (context);

  self->pace = resilient_pace_new (context, G_PRIORITY_DEFAULT);
  return self;
}

static void
invocation_run (gpointer data)
{
  Invocation *invocation = data;

  if (invocation->func != NULL)
    invocation->func (invocation->data);
  if (invocation->destroy != NULL)
    invocation->destroy (invocation->data);
  g_free (invocation);
}

/* What is left when nobody drives us any more: nothing that was asked for is done, everything is
 * let go. Work of a call can't be among it, because a call keeps its schedulers alive and
 * running. */
static void
drain (ResilientScheduler *self)
{
  ResilientWork *work;

  while ((work = take_work (self)) != NULL)
    {
      if (work->func == invocation_run)
        ((Invocation *) work->data)->func = NULL;
      work->func (work->data);
    }
}

static void
destroy_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* How a scheduler comes out of its thread. */
typedef struct
{
  GMainContext *context;
  GMutex lock;
  GCond cond;
  ResilientScheduler *scheduler; /* under lock */
} Start;

static gpointer
io_thread (gpointer data)
{
  Start *start = data;
  g_autoptr (GMainContext) context = g_steal_pointer (&start->context);
  ResilientScheduler *self;

  /* The context has its owner before its queue is known: who moves a replaced clock takes a
   * context without one for nobody's. */
  g_main_context_push_thread_default (context);
  self = scheduler_new (context);
  self->running = TRUE;
  self->thread = g_thread_ref (g_thread_self ());
  g_mutex_lock (&start->lock);
  start->scheduler = resilient_scheduler_ref (self);
  g_cond_signal (&start->cond);
  g_mutex_unlock (&start->lock);

  while (g_atomic_int_get (&self->running))
    g_main_context_iteration (self->context, TRUE);
  /* What was posted before the stop still runs: it may hold the last references to what lives in
   * this context. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  self->last (self->last_data);
  g_main_context_pop_thread_default (self->context);

  g_clear_pointer (&self->source, destroy_source);
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  g_cond_signal (&self->end);
  g_mutex_unlock (&self->lock);
  resilient_scheduler_unref (self);
  return NULL;
}

ResilientScheduler *
resilient_scheduler_new_thread (const char *name, GError **error)
{
  Start start = { 0 };
  GThread *thread;

  if (!has_descriptors (error))
    return NULL;
  start.context = g_main_context_new ();
  g_mutex_init (&start.lock);
  g_cond_init (&start.cond);

  thread = g_thread_try_new (name, io_thread, &start, error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      g_mutex_lock (&start.lock);
      while (start.scheduler == NULL)
        g_cond_wait (&start.cond, &start.lock);
      g_mutex_unlock (&start.lock);
    }

  g_clear_pointer (&start.context, g_main_context_unref);
  g_cond_clear (&start.cond);
  g_mutex_clear (&start.lock);

  return start.scheduler;
}

static gboolean
wait_end (ResilientScheduler *self)
{
  gint64 until = g_get_monotonic_time () + STOP_TIME;
  gboolean ended;

  g_mutex_lock (&self->lock);
  while (!self->ended && g_cond_wait_until (&self->end, &self->lock, until))
    ;
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  return ended;
}

void
resilient_scheduler_stop (ResilientScheduler *self)
{
  g_clear_pointer (&self->source, destroy_source);
  resilient_pace_stop (self->pace);
  drain (self);
}

void
resilient_scheduler_stop_with (ResilientScheduler *self, ResilientWorkFunc last, gpointer data)
{
  self->last = last;
  self->last_data = data;
  g_atomic_int_set (&self->running, FALSE);
  g_main_context_wakeup (self->context);
  /* a program that ends now should not do so under the feet of a thread that needs a moment */
  if (self->thread != g_thread_self () && wait_end (self))
    g_thread_join (self->thread);
  else
    g_thread_unref (self->thread);
}

ResilientScheduler *
resilient_scheduler_ref (ResilientScheduler *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
scheduler_free (gpointer data)
{
  ResilientScheduler *self = data;

  if (is_foreign (self))
    return;
  drain (self);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  resilient_timer_queue_unref (self->timers);
  g_main_context_unref (self->context);
  g_cond_clear (&self->end);
  g_mutex_clear (&self->lock);
}

void
resilient_scheduler_unref (ResilientScheduler *self)
{
  g_atomic_rc_box_release_full (self, scheduler_free);
}

void
resilient_scheduler_post (ResilientScheduler *self,
                          ResilientWork *work,
                          ResilientWorkFunc func,
                          gpointer data)
{
  gboolean first;

  if (is_foreign (self))
    return;
  work->func = func;
  work->data = data;
  work->next = NULL;

  g_mutex_lock (&self->lock);
  first = self->tail == NULL;
  if (first)
    g_atomic_pointer_set (&self->head, work);
  else
    self->tail->next = work;
  self->tail = work;
  /* Who iterates the context looks again before it waits: to wake it costs a system call. Under the
   * lock, as the work may let go of us. */
  if (first && g_atomic_int_get (&self->waiting) && !g_main_context_is_owner (self->context))
    g_main_context_wakeup (self->context);
  g_mutex_unlock (&self->lock);
}

void
resilient_scheduler_invoke (ResilientScheduler *self,
                            ResilientWorkFunc func,
                            gpointer data,
                            GDestroyNotify destroy)
{
  Invocation *invocation = g_new0 (Invocation, 1);

  invocation->func = func;
  invocation->data = data;
  invocation->destroy = destroy;
  resilient_scheduler_post (self, &invocation->work, invocation_run, invocation);
}

void
resilient_scheduler_set_priority (ResilientScheduler *self, int priority)
{
  int own = MIN (priority, G_PRIORITY_DEFAULT);

  g_atomic_int_set (&self->priority, own);
  g_source_set_priority (self->source, own);
  if (self->pace != NULL)
    resilient_pace_set_low (self->pace, priority);
}

int
resilient_scheduler_get_priority (ResilientScheduler *self)
{
  return g_atomic_int_get (&self->priority);
}

ResilientPace *
resilient_scheduler_get_pace (ResilientScheduler *self)
{
  return self->pace;
}

gboolean
resilient_scheduler_is_current_thread (ResilientScheduler *self)
{
  return self->thread != NULL && self->thread == g_thread_self ();
}

GMainContext *
resilient_scheduler_get_context (ResilientScheduler *self)
{
  return self->context;
}

ResilientTimerQueue *
resilient_scheduler_get_timers (ResilientScheduler *self)
{
  return self->timers;
}
