/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* All timers of a main context behind one source: a heap of those that are set, and one descriptor
 * or ready time of the kernel's for the first of them. A timer belongs to its owner, and to the
 * queue while it is set. Any thread sets and clears; functions are called in the context. */

#include "config.h"

#include "resilient-timer-queue-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

#ifdef HAVE_TIMERFD
#include <sys/timerfd.h>
#endif

#include "resilient-clock-private.h"
#include "resilient-fork-private.h"
#include "resilient-heap-private.h"

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

/* The queue is the source. References of its users are counted apart from those of GLib: with the
 * last of them the source is destroyed, but its memory stays for as long as a dispatch runs. */
struct _ResilientTimerQueue
{
  GSource source;

  GMainContext *context; /* owned, constant */
  guint refs;            /* under the lock of the registry */
  guint64 serial;        /* constant: the order in which timers were made */
  guint generation;      /* constant: of the process; see resilient-fork-private.h */

  GMutex lock;        /* guards all below, and every timer that is set */
  ResilientHeap heap; /* of ResilientTimer, by (due, order) */
  guint32 next_order;
  gint64 armed_due; /* when the kernel wakes us, on the boot clock; G_MAXINT64: it will not */
  int fd;           /* the timerfd; -1: the source's ready time is used instead */
  gpointer fd_tag;
};

static GMutex registry_lock;
/* GMainContext → ResilientTimerQueue, neither owned: a timer queue keeps its context alive and
 * leaves before it goes. */
static GHashTable *registry;
static guint64 next_serial;

static gboolean
timer_is_before (gconstpointer a, gconstpointer b)
{
  const ResilientTimer *first = a;
  const ResilientTimer *second = b;

  if (first->due != second->due)
    return first->due < second->due;

  return (gint32) (first->order - second->order) < 0;
}

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
static void
arm_locked (ResilientTimerQueue *self)
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

/* It belongs to the process from which this one was forked. */
static gboolean
is_foreign (ResilientTimerQueue *self)
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
  if (is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  due = is_due_locked (self);
  if (!due)
    arm_locked (self);
  g_mutex_unlock (&self->lock);

  return due;
}

static gboolean
check (GSource *source)
{
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;
  gboolean due;

  if (is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);

  if (self->fd >= 0 && g_source_query_unix_fd (source, self->fd_tag) != 0)
    disarm_locked (self);

  due = is_due_locked (self);
  if (!due)
    arm_locked (self);

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
    arm_locked (self);

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

/* Attached to @context, with one reference. */
static ResilientTimerQueue *
timer_queue_new (GMainContext *context)
{
  GSource *source = g_source_new (&source_funcs, sizeof (ResilientTimerQueue));
  ResilientTimerQueue *self = (ResilientTimerQueue *) source;

  self->context = g_main_context_ref (context);
  self->refs = 1;
  self->generation = resilient_fork_get_generation ();
  g_mutex_init (&self->lock);
  self->heap = RESILIENT_HEAP_INIT (timer_is_before, ResilientTimer, index);
  /* So that they wrap soon, where tests see it, and not after years. */
  self->next_order = G_MAXUINT32 - 1;
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

/* The clock has moved by hand. */
static void
wake_all (void)
{
  GHashTableIter iter;
  gpointer context;

  g_mutex_lock (&registry_lock);

  if (registry != NULL)
    {
      g_hash_table_iter_init (&iter, registry);
      while (g_hash_table_iter_next (&iter, &context, NULL))
        g_main_context_wakeup (context);
    }

  g_mutex_unlock (&registry_lock);
}

ResilientTimerQueue *
resilient_timer_queue_get (GMainContext *context)
{
  static gsize protected = 0;
  ResilientTimerQueue *self;

  if (context == NULL)
    context = g_main_context_default ();
  if (g_once_init_enter (&protected))
    {
      resilient_fork_protect (&registry_lock);
      resilient_clock_set_moved_func (wake_all);
      g_once_init_leave (&protected, 1);
    }

  g_mutex_lock (&registry_lock);

  if (registry == NULL)
    registry = g_hash_table_new (NULL, NULL);

  self = g_hash_table_lookup (registry, context);
  /* that of the parent stays where it is, and does nothing */
  if (self != NULL && !is_foreign (self))
    {
      self->refs++;
    }
  else
    {
      self = timer_queue_new (context);
      self->serial = next_serial++;
      g_hash_table_insert (registry, context, self);
    }

  g_mutex_unlock (&registry_lock);

  return self;
}

ResilientTimerQueue *
resilient_timer_queue_ref (ResilientTimerQueue *self)
{
  g_mutex_lock (&registry_lock);
  g_assert (self->refs > 0);
  self->refs++;
  g_mutex_unlock (&registry_lock);

  return self;
}

void
resilient_timer_queue_unref (ResilientTimerQueue *self)
{
  g_autoptr (GMainContext) context = NULL;
  gboolean last;

  if (is_foreign (self))
    return;

  g_mutex_lock (&registry_lock);

  g_assert (self->refs > 0);
  last = --self->refs == 0;
  if (last)
    {
      g_hash_table_remove (registry, self->context);
      if (g_hash_table_size (registry) == 0)
        g_clear_pointer (&registry, g_hash_table_unref);
    }

  g_mutex_unlock (&registry_lock);

  if (!last)
    return;

  context = g_steal_pointer (&self->context);

  /* What is still set will not fire; its owner can tell. */
  g_mutex_lock (&self->lock);
  resilient_heap_clear (&self->heap);
  g_mutex_unlock (&self->lock);

  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

void
resilient_timer_queue_set (ResilientTimerQueue *self,
                           ResilientTimer *timer,
                           gint64 due,
                           ResilientTimerFunc func,
                           gpointer data)
{
  gboolean first;

  if (is_foreign (self))
    return;

  g_mutex_lock (&self->lock);

  timer->due = due;
  timer->order = self->next_order++;
  timer->func = func;
  timer->data = data;

  if (timer->index == 0)
    resilient_heap_insert (&self->heap, timer);
  else
    resilient_heap_update (&self->heap, timer);

  /* Who iterates the context looks at the heap again before it waits. */
  first = resilient_heap_peek (&self->heap) == timer;
  if (first && !g_main_context_is_owner (self->context))
    arm_locked (self);

  g_mutex_unlock (&self->lock);

  /* The kernel wakes the context for a real due time, wherever it was set, but knows nothing of
   * virtual ones. */
  if (first && resilient_clock_is_virtual ())
    {
      g_main_context_wakeup (self->context);
      resilient_clock_await ();
    }
}

gboolean
resilient_timer_queue_clear (ResilientTimerQueue *self, ResilientTimer *timer)
{
  gboolean was_set;

  if (is_foreign (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  was_set = timer->index != 0;
  if (was_set)
    resilient_heap_remove (&self->heap, timer);
  g_mutex_unlock (&self->lock);

  return was_set;
}

gint64
resilient_timer_queue_get_due (ResilientTimerQueue *self, ResilientTimer *timer)
{
  gint64 due;

  if (is_foreign (self))
    return 0;

  g_mutex_lock (&self->lock);
  due = timer->index != 0 ? timer->due : 0;
  g_mutex_unlock (&self->lock);

  return due;
}

gboolean
resilient_timer_is_set (ResilientTimer *timer)
{
  return g_atomic_int_get (&timer->index) != 0;
}

guint
resilient_timer_queue_get_length (ResilientTimerQueue *self)
{
  guint length;

  g_mutex_lock (&self->lock);
  length = self->heap.length;
  g_mutex_unlock (&self->lock);

  return length;
}

gint64
resilient_timer_queue_get_next_due (ResilientTimerQueue *self)
{
  ResilientTimer *head;
  gint64 due;

  g_mutex_lock (&self->lock);
  head = resilient_heap_peek (&self->heap);
  due = head != NULL ? head->due : G_MAXINT64;
  g_mutex_unlock (&self->lock);

  return due;
}

GMainContext *
resilient_timer_queue_get_context (ResilientTimerQueue *self)
{
  return self->context;
}

static int
compare_serials (gconstpointer a, gconstpointer b)
{
  const ResilientTimerQueue *first = *(ResilientTimerQueue *const *) a;
  const ResilientTimerQueue *second = *(ResilientTimerQueue *const *) b;

  return first->serial < second->serial ? -1 : 1;
}

GPtrArray *
resilient_timer_queue_list (void)
{
  GPtrArray *queues = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_timer_queue_unref);
  GHashTableIter iter;
  ResilientTimerQueue *timers;

  g_mutex_lock (&registry_lock);

  if (registry != NULL)
    {
      g_hash_table_iter_init (&iter, registry);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &timers))
        {
          timers->refs++;
          g_ptr_array_add (queues, timers);
        }
    }

  g_mutex_unlock (&registry_lock);

  g_ptr_array_sort (queues, compare_serials);
  return queues;
}
