/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-driver-private.h"

/* After so many pieces of work other sources of the context get their turn. */
#define WORK_PER_DISPATCH 128

struct _ResilientDriver
{
  GMainContext *context;
  ResilientAlarm *alarm;
  GSource *source;
  GThread *thread; /* NULL: the app iterates the context */
  int running;     /* atomic; the thread's loop goes on */
  int waiting;     /* atomic; who iterates the context may be about to wait, or waits */

  GMutex lock;
  ResilientWork *head; /* changed under lock, with tail; atomic */
  ResilientWork *tail;
};

typedef struct
{
  GSource source;
  ResilientDriver *driver; /* a reference, broken by resilient_driver_stop() */
} DriverSource;

typedef struct
{
  ResilientWork work;
  ResilientWorkFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Invocation;

static ResilientWork *
take_work (ResilientDriver *self)
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
driver_source_check (GSource *source)
{
  ResilientDriver *self = ((DriverSource *) source)->driver;

  g_atomic_int_set (&self->waiting, FALSE);
  return g_atomic_pointer_get (&self->head) != NULL;
}

/* Says that it may wait, then looks whether there is work; who posts does it the other way round:
 * so one of them sees the other. */
static gboolean
driver_source_prepare (GSource *source, int *timeout)
{
  ResilientDriver *self = ((DriverSource *) source)->driver;

  *timeout = -1;
  g_atomic_int_set (&self->waiting, TRUE);
  if (g_atomic_pointer_get (&self->head) == NULL)
    return FALSE;
  return driver_source_check (source);
}

static gboolean
driver_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (ResilientDriver) self = resilient_driver_ref (((DriverSource *) source)->driver);
  GMainContext *thread_default = g_main_context_get_thread_default ();
  gboolean push;
  guint n = 0;

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
    }

  if (push)
    g_main_context_pop_thread_default (self->context);

  return G_SOURCE_CONTINUE;
}

static void
driver_source_finalize (GSource *source)
{
  resilient_driver_unref (((DriverSource *) source)->driver);
}

static GSourceFuncs driver_source_funcs = {
  .prepare = driver_source_prepare,
  .check = driver_source_check,
  .dispatch = driver_source_dispatch,
  .finalize = driver_source_finalize,
};

ResilientDriver *
resilient_driver_new (GMainContext *context)
{
  ResilientDriver *self = g_atomic_rc_box_new0 (ResilientDriver);

  self->context = g_main_context_ref (context);
  self->alarm = resilient_alarm_get (context);
  g_mutex_init (&self->lock);

  self->source = g_source_new (&driver_source_funcs, sizeof (DriverSource));
  ((DriverSource *) self->source)->driver = resilient_driver_ref (self);
  g_source_set_static_name (self->source, "[resilient] driver");
  g_source_set_can_recurse (self->source, TRUE);
  g_source_attach (self->source, context);

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
 * let go. Work of a call can't be among it, because a call keeps its drivers alive and running. */
static void
drain (ResilientDriver *self)
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

/* How a driver comes out of its thread. */
typedef struct
{
  GMutex lock;
  GCond cond;
  ResilientDriver *driver; /* under lock */
} Start;

static gpointer
io_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Start *start = data;
  ResilientDriver *self;

  /* The context has its owner before its alarm is known: who moves a replaced clock takes a context
   * without one for nobody's. */
  g_main_context_push_thread_default (context);
  self = resilient_driver_new (context);
  self->running = TRUE;
  self->thread = g_thread_ref (g_thread_self ());
  g_mutex_lock (&start->lock);
  start->driver = resilient_driver_ref (self);
  g_cond_signal (&start->cond);
  g_mutex_unlock (&start->lock);

  while (g_atomic_int_get (&self->running))
    g_main_context_iteration (self->context, TRUE);
  /* What was posted before the stop still runs: it may hold the last references to what lives in
   * this context. */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);

  g_clear_pointer (&self->source, destroy_source);
  resilient_driver_unref (self);
  return NULL;
}

ResilientDriver *
resilient_driver_new_thread (const char *name)
{
  Start start = { 0 };

  g_mutex_init (&start.lock);
  g_cond_init (&start.cond);

  g_thread_unref (g_thread_new (name, io_thread, &start));
  g_mutex_lock (&start.lock);
  while (start.driver == NULL)
    g_cond_wait (&start.cond, &start.lock);
  g_mutex_unlock (&start.lock);

  g_cond_clear (&start.cond);
  g_mutex_clear (&start.lock);

  return start.driver;
}

void
resilient_driver_stop (ResilientDriver *self)
{
  if (self->thread == NULL)
    {
      g_clear_pointer (&self->source, destroy_source);
      drain (self);
      return;
    }

  if (!g_atomic_int_compare_and_exchange (&self->running, TRUE, FALSE))
    return;
  g_main_context_wakeup (self->context);
  if (self->thread == g_thread_self ())
    g_thread_unref (self->thread);
  else
    g_thread_join (self->thread);
}

ResilientDriver *
resilient_driver_ref (ResilientDriver *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
driver_free (gpointer data)
{
  ResilientDriver *self = data;

  drain (self);
  resilient_alarm_unref (self->alarm);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
}

void
resilient_driver_unref (ResilientDriver *self)
{
  g_atomic_rc_box_release_full (self, driver_free);
}

void
resilient_driver_post (ResilientDriver *self,
                       ResilientWork *work,
                       ResilientWorkFunc func,
                       gpointer data)
{
  gboolean first;

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
resilient_driver_invoke (ResilientDriver *self,
                         ResilientWorkFunc func,
                         gpointer data,
                         GDestroyNotify destroy)
{
  Invocation *invocation = g_new0 (Invocation, 1);

  invocation->func = func;
  invocation->data = data;
  invocation->destroy = destroy;
  resilient_driver_post (self, &invocation->work, invocation_run, invocation);
}

gboolean
resilient_driver_is_current_thread (ResilientDriver *self)
{
  return self->thread != NULL && self->thread == g_thread_self ();
}

GMainContext *
resilient_driver_get_context (ResilientDriver *self)
{
  return self->context;
}

ResilientAlarm *
resilient_driver_get_alarm (ResilientDriver *self)
{
  return self->alarm;
}
