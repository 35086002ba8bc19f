/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Brings events to the signals of a client: any thread pushes, a source in the home context takes
 * and emits. It owns the GAsyncQueue and the source. */

#include "config.h"

#include "resilient-event-queue-private.h"

#include "resilient-event-private.h"
#include "resilient-fork-private.h"
#include "resilient-response-private.h"

/* After that many events the monitor lets the other sources of its context have their turn. */
#define EVENTS_PER_DISPATCH 64

/* Bytes of bodies that wait: a context that does not turn for a while must not fill the memory. As
 * much as the bodies of results take by default, with which these mostly are the same. */
#define MAX_BODIES ((gsize) 8 * 1024 * 1024)

/* The lock is that of the GAsyncQueue itself; it guards every field below @events. Under it nothing
 * but GLib's own locks is taken, so a push never waits for longer than it takes to append to a
 * list. In a forked child nobody takes it, and nothing changes any more. */
struct _ResilientEventQueue
{
  GAsyncQueue *events;
  guint generation; /* constant: of the process; see resilient-fork-private.h */

  guint capacity;
  guint64 dropped;
  gsize bodies;     /* bytes of them, of the events that wait */
  GSList *monitors; /* of Monitor, borrowed: each leaves before it is freed */
  int wake;         /* changed under the lock; atomic: somebody waits who was not told yet */
};

/* What a monitor's source calls. It lives as long as the source is attached, or dispatches. */
typedef struct
{
  GSource *source; /* borrowed: a source lets go of us before it goes */
  ResilientEventQueue *queue;
  GMainContext *context; /* borrowed: a context destroys its sources before it goes */
  ResilientMonitorFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Monitor;

/* The source has a reference of its own, because prepare and check may run in the home thread while
 * another thread destroys the source, and with it the Monitor. */
typedef struct
{
  GSource base;
  ResilientEventQueue *queue;
  int waiting; /* atomic; who iterates the context may be about to wait, or waits */
} MonitorSource;

static gboolean
is_foreign (ResilientEventQueue *self)
{
  return self->generation != resilient_fork_get_generation ();
}

static void
event_queue_clear (gpointer data)
{
  ResilientEventQueue *self = data;

  g_assert (self->monitors == NULL);
  g_async_queue_unref (self->events);
}

static void
monitor_free (gpointer data)
{
  Monitor *monitor = data;

  if (is_foreign (monitor->queue))
    return;

  g_async_queue_lock (monitor->queue->events);
  monitor->queue->monitors = g_slist_remove (monitor->queue->monitors, monitor);
  g_async_queue_unlock (monitor->queue->events);

  if (monitor->destroy != NULL)
    monitor->destroy (monitor->data);
  resilient_event_queue_unref (monitor->queue);
  g_free (monitor);
}

static gboolean
monitor_source_check (GSource *source)
{
  MonitorSource *self = (MonitorSource *) source;

  if (is_foreign (self->queue))
    return FALSE;
  g_atomic_int_set (&self->waiting, FALSE);
  return g_async_queue_length (self->queue->events) > 0;
}

/* Says that it may wait, then looks whether there are events; who pushes one does it the other way
 * round: so one of them sees the other. */
static gboolean
monitor_source_prepare (GSource *source, int *timeout)
{
  MonitorSource *self = (MonitorSource *) source;

  *timeout = -1;
  if (is_foreign (self->queue))
    return FALSE;
  g_atomic_int_set (&self->waiting, TRUE);
  if (g_async_queue_length (self->queue->events) == 0)
    return FALSE;
  return monitor_source_check (source);
}

static gsize
get_body_size (ResilientEvent *event)
{
  ResilientResponse *response = resilient_event_get_response (event);

  return response != NULL ? resilient_response_get_weight (response) : 0;
}

static ResilientEvent *
pop (ResilientEventQueue *self)
{
  ResilientEvent *event;

  g_async_queue_lock (self->events);
  event = g_async_queue_try_pop_unlocked (self->events);
  if (event != NULL)
    self->bodies -= get_body_size (event);
  g_async_queue_unlock (self->events);
  return event;
}

/* Events leave the queue one at a time, so that those behind the one being handled are still there
 * for a main loop that its handler runs: the nested dispatch continues with them, in order, and
 * this one goes on where that left off. */
static gboolean
monitor_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ResilientEventQueue *queue = ((MonitorSource *) source)->queue;
  Monitor *monitor = user_data;

  for (guint n = 0; n < EVENTS_PER_DISPATCH && !g_source_is_destroyed (source); n++)
    {
      g_autoptr (ResilientEvent) event = pop (queue);

      if (event == NULL)
        break;
      monitor->func (event, monitor->data);
    }

  return G_SOURCE_CONTINUE;
}

static void
monitor_source_finalize (GSource *source)
{
  resilient_event_queue_unref (((MonitorSource *) source)->queue);
}

static GSourceFuncs monitor_source_funcs = {
  .prepare = monitor_source_prepare,
  .check = monitor_source_check,
  .dispatch = monitor_source_dispatch,
  .finalize = monitor_source_finalize,
};

/* GSource wants a callback to be set; the dispatch function above calls the Monitor's with its real
 * type. */
static gboolean
monitor_cb (gpointer user_data)
{
  g_assert_not_reached ();
}

/*
 * resilient_event_queue_new:
 * @capacity: how many events may wait before RETRY events are dropped
 *
 * Returns: (transfer full): an empty queue
 */
ResilientEventQueue *
resilient_event_queue_new (guint capacity)
{
  ResilientEventQueue *self = g_atomic_rc_box_new0 (ResilientEventQueue);

  self->events = g_async_queue_new_full ((GDestroyNotify) resilient_event_unref);
  self->generation = resilient_fork_get_generation ();
  self->capacity = capacity;
  return self;
}

ResilientEventQueue *
resilient_event_queue_ref (ResilientEventQueue *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_event_queue_unref (ResilientEventQueue *self)
{
  g_atomic_rc_box_release_full (self, event_queue_clear);
}

/* What is queued already stays, whatever the new capacity. */
void
resilient_event_queue_set_capacity (ResilientEventQueue *self, guint capacity)
{
  g_async_queue_lock (self->events);
  self->capacity = capacity;
  g_async_queue_unlock (self->events);
}

guint
resilient_event_queue_get_capacity (ResilientEventQueue *self)
{
  guint capacity;

  if (is_foreign (self))
    return self->capacity;
  g_async_queue_lock (self->events);
  capacity = self->capacity;
  g_async_queue_unlock (self->events);
  return capacity;
}

guint
resilient_event_queue_get_length (ResilientEventQueue *self)
{
  return is_foreign (self) ? 0 : (guint) g_async_queue_length (self->events);
}

guint64
resilient_event_queue_get_dropped (ResilientEventQueue *self)
{
  guint64 dropped;

  if (is_foreign (self))
    return self->dropped;
  g_async_queue_lock (self->events);
  dropped = self->dropped;
  g_async_queue_unlock (self->events);
  return dropped;
}

/* Who iterates a context looks at the queue before it waits, so that only who waits is woken: that
 * costs a system call. */
static gboolean
is_waiting_locked (Monitor *self)
{
  return g_atomic_int_get (&((MonitorSource *) self->source)->waiting)
         && !g_main_context_is_owner (self->context);
}

/*
 * resilient_event_queue_push:
 * @self: the queue
 * @event: (transfer none): the event
 *
 * Nobody is woken yet: resilient_event_queue_wake() is to be called afterwards, under no
 * lock. */
void
resilient_event_queue_push (ResilientEventQueue *self, ResilientEvent *event)
{
  guint length;

  g_async_queue_lock (self->events);

  length = (guint) g_async_queue_length_unlocked (self->events);
  if (length < self->capacity)
    {
      gsize size = get_body_size (event);

      /* whatever its size, one that need not share has its body */
      if (self->bodies > 0 && size > MAX_BODIES - MIN (self->bodies, MAX_BODIES))
        {
          g_async_queue_push_unlocked (self->events, resilient_event_without_body (event));
        }
      else
        {
          g_async_queue_push_unlocked (self->events, resilient_event_ref (event));
          self->bodies += size;
        }
    }
  else if (resilient_event_get_event_type (event) == RESILIENT_EVENT_TYPE_RETRY)
    {
      self->dropped++;
      g_async_queue_unlock (self->events);
      return;
    }
  else
    {
      g_async_queue_push_unlocked (self->events, resilient_event_without_response (event));
    }

  /* Until a monitor has found the queue empty it looks by itself. */
  if (length == 0)
    for (GSList *l = self->monitors; l != NULL; l = l->next)
      if (is_waiting_locked (l->data))
        g_atomic_int_set (&self->wake, TRUE);

  g_async_queue_unlock (self->events);
}

static GSList *
ref_waiting_contexts (ResilientEventQueue *self)
{
  GSList *contexts = NULL;

  g_async_queue_lock (self->events);
  g_atomic_int_set (&self->wake, FALSE);
  for (GSList *l = self->monitors; l != NULL; l = l->next)
    if (is_waiting_locked (l->data))
      contexts = g_slist_prepend (contexts, g_main_context_ref (((Monitor *) l->data)->context));
  g_async_queue_unlock (self->events);

  return contexts;
}

static void
wake_context (gpointer data)
{
  g_main_context_wakeup (data);
  g_main_context_unref (data);
}

/* Under no lock: who is woken takes that of the queue at once. */
void
resilient_event_queue_wake (ResilientEventQueue *self)
{
  if (g_atomic_int_get (&self->wake))
    g_slist_free_full (ref_waiting_contexts (self), wake_context);
}

GSource *
resilient_event_queue_attach (ResilientEventQueue *self,
                              GMainContext *context,
                              ResilientMonitorFunc func,
                              gpointer data,
                              GDestroyNotify destroy)
{
  GSource *source = g_source_new (&monitor_source_funcs, sizeof (MonitorSource));
  Monitor *monitor = g_new0 (Monitor, 1);

  ((MonitorSource *) source)->queue = resilient_event_queue_ref (self);
  g_source_set_static_name (source, "[resilient] monitor");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_can_recurse (source, TRUE);

  monitor->source = source;
  monitor->queue = resilient_event_queue_ref (self);
  monitor->context = context != NULL ? context : g_main_context_default ();
  monitor->func = func;
  monitor->data = data;
  monitor->destroy = destroy;
  g_source_set_callback (source, monitor_cb, monitor, monitor_free);

  g_async_queue_lock (self->events);
  self->monitors = g_slist_prepend (self->monitors, monitor);
  g_async_queue_unlock (self->events);

  /* From here on the context looks at the queue by itself, so what came before is not forgotten. */
  g_source_attach (source, monitor->context);
  return source;
}
