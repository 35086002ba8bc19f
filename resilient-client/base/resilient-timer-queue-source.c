/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The source by which a timer queue wakes its main context, by a timerfd of the boot-time clock
 * where there is one. It owns the descriptor. The source runs in its context; to move its due time
 * is for any thread, under the queue's lock. */

#include "config.h"

#include "resilient-timer-queue-state-private.h"

#include "resilient-clock-private.h"
#include "resilient-fork-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#ifdef HAVE_TIMERFD
#include <sys/timerfd.h>
#endif

/* Other sources of the context get their turn after so many timers. */
#define MAX_TIMERS_PER_DISPATCH 256

/* How far ahead the kernel is asked to wake us. A timerfd counts suspended time itself; without
 * one, poll() does not, and a timer that fell due during suspend waits for this long at most. The
 * first bound keeps far due times within what every time_t holds. */
#define TIMERFD_HORIZON (G_GINT64_CONSTANT (24) * 60 * 60 * G_USEC_PER_SEC)
#define POLL_HORIZON (G_GINT64_CONSTANT (30) * G_USEC_PER_SEC)

/* The kernel wakes us at whole milliseconds only, as for GLib's own timers: the thousands that
 * sleep come by tens, not one by one. */
#define TICK (G_USEC_PER_SEC / 1000)

static gboolean
timer_is_before (gconstpointer a, gconstpointer b)
{
  const ResilientTimer *first = a;
  const ResilientTimer *second = b;

  if (first->due != second->due)
    return first->due < second->due;

  return (gint32) (first->order - second->order) < 0;
}

/* From here to dispatch(): called with the lock held, where the name says so. */

static gboolean
arm_timerfd_locked (ResilientTimerQueue *self, gint64 due)
{
#ifdef HAVE_TIMERFD
  /* An absolute time of zero would disarm it. */
  gint64 when = MAX (due, 1);
  struct itimerspec spec = { 0 };

  spec.it_value.tv_sec = when / G_USEC_PER_SEC;
  spec.it_value.tv_nsec = when % G_USEC_PER_SEC * 1000;

  return self->fd >= 0 && timerfd_settime (self->fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0;
#else
  return FALSE;
#endif
}

static gint64
round_up_to_tick (gint64 due)
{
  gint64 rest = due % TICK;

  return rest > 0 && due <= G_MAXINT64 - TICK ? due - rest + TICK : due;
}

/* Makes the kernel wake the context when the first timer falls due, or before. It is not told when
 * the first timer leaves: it then wakes us for nothing, once, which is cheaper than a system call
 * for each timer. */
void
resilient_timer_queue_arm (ResilientTimerQueue *self)
{
  ResilientTimer *head = resilient_heap_peek (&self->heap);
  gint64 due, now;

  if (head == NULL || head->due >= self->armed_due || resilient_clock_is_virtual ())
    return;

  due = round_up_to_tick (head->due);
  if (due >= self->armed_due)
    return;

  now = resilient_clock_get_boot ();
  self->armed_due = MIN (due, now + TIMERFD_HORIZON);

  if (!arm_timerfd_locked (self, self->armed_due))
    {
      self->armed_due = CLAMP (due, now, now + POLL_HORIZON);
      g_source_set_ready_time (&self->source, g_get_monotonic_time () + self->armed_due - now);
    }
}

/* After the kernel woke us. */
static void
disarm_locked (ResilientTimerQueue *self)
{
  guint64 expirations;

  self->armed_due = G_MAXINT64;
  g_source_set_ready_time (&self->source, -1);

  /* Nothing to read: it was armed again in between, or woke a nested loop. Both are fine. */
  if (self->fd >= 0)
    while (read (self->fd, &expirations, sizeof expirations) < 0 && errno == EINTR)
      ;
}

gboolean
resilient_timer_queue_is_foreign (ResilientTimerQueue *self)
{
  return self->generation != resilient_fork_get_generation ();
}

static gboolean
is_due_locked (ResilientTimerQueue *self)
{
  ResilientTimer *head = resilient_heap_peek (&self->heap);

  return head != NULL && head->due <= resilient_clock_get_boot ();
}

static gboolean
prepare (GSource *source, int *timeout)
{
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;
  gboolean due;

  *timeout = -1;
  if (resilient_timer_queue_is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  due = is_due_locked (self);
  if (!due)
    resilient_timer_queue_arm (self);
  g_mutex_unlock (&self->lock);

  return due;
}

static gboolean
check (GSource *source)
{
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;
  gboolean due;

  if (resilient_timer_queue_is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);

  if (self->fd >= 0 && g_source_query_unix_fd (source, self->fd_tag) != 0)
    disarm_locked (self);

  due = is_due_locked (self);
  if (!due)
    resilient_timer_queue_arm (self);

  g_mutex_unlock (&self->lock);

  return due;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;
  GMainContext *context = g_source_get_context (source);
  GMainContext *thread_default = g_main_context_get_thread_default ();
  gint64 now = resilient_clock_get_boot ();
  /* What a callback starts belongs to this context, also where an app iterates it without having
   * made it the thread-default one. */
  gboolean push = context != (thread_default != NULL ? thread_default : g_main_context_default ());

  if (push)
    g_main_context_push_thread_default (context);

  g_mutex_lock (&self->lock);

  /* The ready time may be what brought us here; it would bring us here again. */
  if (g_source_get_ready_time (source) >= 0)
    disarm_locked (self);

  for (guint i = 0; i < MAX_TIMERS_PER_DISPATCH; i++)
    {
      ResilientTimer *timer = resilient_heap_peek (&self->heap);
      ResilientTimerFunc func;
      gpointer data;

      if (timer == NULL || timer->due > now)
        break;

      resilient_heap_remove (&self->heap, timer);
      func = timer->func;
      data = timer->data;

      g_mutex_unlock (&self->lock);
      func (data);
      g_mutex_lock (&self->lock);
    }

  if (!g_source_is_destroyed (source))
    resilient_timer_queue_arm (self);

  g_mutex_unlock (&self->lock);

  if (push)
    g_main_context_pop_thread_default (context);

  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;

  if (self->fd >= 0)
    {
      resilient_fork_unguard_fd (self->fd);
      close (self->fd);
    }

  resilient_heap_clear (&self->heap);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs source_funcs = {
  .prepare = prepare,
  .check = check,
  .dispatch = dispatch,
  .finalize = finalize,
};

ResilientTimerQueue *
resilient_timer_queue_new (GMainContext *context)
{
  GSource *source = g_source_new (&source_funcs, sizeof (ResilientTimerQueue));
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;

  self->context = g_main_context_ref (context);
  self->refs = 1;
  self->generation = resilient_fork_get_generation ();
  g_mutex_init (&self->lock);
  self->heap = RESILIENT_HEAP_INIT (timer_is_before, ResilientTimer, index);
  self->armed_due = G_MAXINT64;
  self->fd = -1;

#ifdef HAVE_TIMERFD
  self->fd = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->fd >= 0)
    {
      self->fd_tag = g_source_add_unix_fd (source, self->fd, G_IO_IN);
      resilient_fork_guard_fd (self->fd);
    }
  else
    g_debug ("No timer descriptor, polling instead: %s", g_strerror (errno));
#endif

  g_source_set_static_name (source, "[resilient] timers");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  /* A callback may run a nested main loop, in which the other timers go on. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);

  return self;
}
