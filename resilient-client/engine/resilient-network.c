/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Knows whether the machine is online and whether it has slept, and wakes the retries that were
 * held for it. It owns the list of waiting retries and the handlers of the monitor. Any thread; the
 * monitor speaks in the home context. */

#include "config.h"

#include "resilient-network-private.h"

#include "resilient-address-private.h"
#include "resilient-clock-private.h"
#include "resilient-origin-private.h"

/* While offline, one waiting retry of each origin is let through so often: the monitor is a hint,
 * and may be wrong. Seconds. */
#define PROBE_INTERVAL 30.0
/* The boot clock must have run so far ahead of the monotonic one to mean a suspend:
 * microseconds. */
#define RESUME_JUMP (5 * G_USEC_PER_SEC)

struct _ResilientNetwork
{
  ResilientScheduler *home;

  GMutex lock;
  /* Under lock. */
  /* asked for when the first call sleeps: it costs a netlink round trip */
  GNetworkMonitor *monitor;
  gulong changed_id;
  GHashTable *origins; /* of ResilientNetworkGroup, by origin: those of which a retry waits */
  GQueue order; /* the same, the one that came first first: the order in which all are freed */
  gboolean
    proved_wrong; /* something that needs a default route answered since the monitor changed */
  gboolean freed;
  gint64 suspended; /* the boot clock's lead over the monotonic one at the last look */
  guint generation;
};

/* The waiting retries of one origin, oldest first. References: the table's, and that of the timer
 * while it is set: it may be firing in its context while another thread empties the queue. */
struct _ResilientNetworkGroup
{
  ResilientNetwork *network;   /* a reference */
  ResilientOrigin *origin;     /* a reference */
  GQueue queue;                /* under the network's lock */
  GList link;                  /* likewise */
  ResilientTimerQueue *timers; /* likewise: that of the timer, not owned */
  ResilientTimer timer;        /* of the next probe */
};

static GNetworkMonitor *installed_monitor;

void
resilient_network_install_monitor (GNetworkMonitor *monitor)
{
  g_set_object (&installed_monitor, monitor);
}

static gint64
get_suspended (void)
{
  return resilient_clock_get_boot () - resilient_clock_get_monotonic ();
}

ResilientNetwork *
resilient_network_new (ResilientScheduler *home)
{
  ResilientNetwork *self = g_atomic_rc_box_new0 (ResilientNetwork);

  self->home = resilient_scheduler_ref (home);
  g_mutex_init (&self->lock);
  self->origins = g_hash_table_new (NULL, NULL);
  self->suspended = get_suspended ();

  return self;
}

static void
network_finalize (gpointer data)
{
  ResilientNetwork *self = data;

  g_clear_object (&self->monitor);
  g_hash_table_unref (self->origins);
  resilient_scheduler_unref (self->home);
  g_mutex_clear (&self->lock);
}

static void
network_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, network_finalize);
}

void
resilient_network_free (ResilientNetwork *self)
{
  gulong changed_id;

  g_mutex_lock (&self->lock);
  g_assert (g_hash_table_size (self->origins) == 0);
  /* The home context may be about to connect. */
  self->freed = TRUE;
  changed_id = self->changed_id;
  g_mutex_unlock (&self->lock);
  if (changed_id != 0)
    g_signal_handler_disconnect (self->monitor, changed_id);
  network_unref (self);
}

/* --- waiting retries -------------------------------------------------------------------------- */

static void
group_clear (gpointer data)
{
  ResilientNetworkGroup *self = data;

  g_assert (g_queue_is_empty (&self->queue));
  g_object_unref (self->origin);
  network_unref (self->network);
}

static void
group_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, group_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientNetworkGroup, group_unref)

static void probe_cb (gpointer data);

static gboolean
is_at_home (ResilientNetwork *self, ResilientNetworkWaiter *waiter)
{
  return waiter->timers == resilient_scheduler_get_timers (self->home);
}

/* The one that goes next: the oldest of those that a thread of ours drives, which always goes on.
 * The home context may stand still until one of them ends, where its thread is blocked in that.
 * Only where there is none is it the oldest of all. */
static ResilientNetworkWaiter *
find_probe_locked (ResilientNetworkGroup *self)
{
  for (GList *link = self->queue.head; link != NULL; link = link->next)
    if (!is_at_home (self->network, link->data))
      return link->data;
  return g_queue_peek_head (&self->queue);
}

/* In the context that drives the next probe. */
static void
arm_probe_locked (ResilientNetworkGroup *self, gint64 due)
{
  self->timers = find_probe_locked (self)->timers;
  resilient_timer_queue_set (
    self->timers, &self->timer, due, probe_cb, g_atomic_rc_box_acquire (self));
}

static gint64
get_next_probe_time (void)
{
  return resilient_clock_add (resilient_clock_get_boot (), PROBE_INTERVAL);
}

static gboolean
disarm_probe_locked (ResilientNetworkGroup *self)
{
  if (!resilient_timer_queue_clear (self->timers, &self->timer))
    return FALSE;
  group_unref (self);
  return TRUE;
}

/* One that does not wait any more goes out of the table with the last of its retries: the caller
 * holds a reference. */
static void
take_out_locked (ResilientNetworkGroup *self, ResilientNetworkWaiter *waiter)
{
  g_queue_unlink (&self->queue, &waiter->link);
  waiter->group = NULL;
  if (!g_queue_is_empty (&self->queue))
    return;

  g_hash_table_remove (self->network->origins, self->origin);
  g_queue_unlink (&self->network->order, &self->link);
  group_unref (self);
  disarm_probe_locked (self);
}

/* The oldest of @origin, or with NULL of any. */
static ResilientNetworkWaiter *
take_oldest (ResilientNetwork *self, ResilientOrigin *origin)
{
  ResilientNetworkGroup *group = NULL;
  ResilientNetworkWaiter *waiter = NULL;

  g_mutex_lock (&self->lock);
  if (origin != NULL)
    group = g_hash_table_lookup (self->origins, origin);
  else
    group = g_queue_peek_head (&self->order);
  if (group != NULL)
    {
      g_atomic_rc_box_acquire (group);
      waiter = g_queue_peek_head (&group->queue);
      take_out_locked (group, waiter);
    }
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&group, group_unref);
  return waiter;
}

/* All of @origin, or with NULL of any. */
static void
release (ResilientNetwork *self, ResilientOrigin *origin, gboolean spread)
{
  ResilientNetworkWaiter *waiter;

  while ((waiter = take_oldest (self, origin)) != NULL)
    waiter->resume (waiter, spread);
}

static void
probe_cb (gpointer data)
{
  ResilientNetworkGroup *self = data;
  ResilientNetwork *network = self->network;
  ResilientNetworkWaiter *waiter;

  g_mutex_lock (&network->lock);
  waiter = find_probe_locked (self);
  if (waiter != NULL)
    {
      take_out_locked (self, waiter);
      if (!g_queue_is_empty (&self->queue))
        arm_probe_locked (self, get_next_probe_time ());
    }
  g_mutex_unlock (&network->lock);

  if (waiter != NULL)
    waiter->resume (waiter, FALSE);
  group_unref (self);
}

static void
network_changed_cb (GNetworkMonitor *monitor, gboolean available, gpointer user_data)
{
  ResilientNetwork *self = user_data;

  g_mutex_lock (&self->lock);
  self->proved_wrong = FALSE;
  g_mutex_unlock (&self->lock);
  if (available)
    release (self, NULL, TRUE);
}

/* In the home context: the process-wide monitor takes the context in which it is first asked for,
 * which must last. */
static void
ensure_monitor_cb (gpointer data)
{
  ResilientNetwork *self = data;
  GNetworkMonitor *monitor =
    installed_monitor != NULL ? installed_monitor : g_network_monitor_get_default ();

  g_mutex_lock (&self->lock);
  if (self->monitor == NULL && !self->freed)
    {
      g_atomic_pointer_set (&self->monitor, g_object_ref (monitor));
      self->changed_id = g_signal_connect_data (monitor,
                                                "network-changed",
                                                G_CALLBACK (network_changed_cb),
                                                g_atomic_rc_box_acquire (self),
                                                (GClosureNotify) (void (*) (void)) network_unref,
                                                0);
    }
  g_mutex_unlock (&self->lock);
}

static GNetworkMonitor *
dup_monitor (ResilientNetwork *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  GNetworkMonitor *monitor;

  if (g_atomic_pointer_get (&self->monitor) == NULL)
    {
      if (context == resilient_scheduler_get_context (self->home))
        ensure_monitor_cb (self);
      else
        resilient_scheduler_invoke (
          self->home, ensure_monitor_cb, g_atomic_rc_box_acquire (self), network_unref);
    }

  g_mutex_lock (&self->lock);
  monitor = self->monitor != NULL ? g_object_ref (self->monitor) : NULL;
  g_mutex_unlock (&self->lock);

  return monitor;
}

/* Not asked for yet by the home context: as good as online. */
static gboolean
monitor_says_offline (GNetworkMonitor *monitor)
{
  return monitor != NULL && !g_network_monitor_get_network_available (monitor);
}

gboolean
resilient_network_is_offline (ResilientNetwork *self)
{
  g_autoptr (GNetworkMonitor) monitor = dup_monitor (self);
  gboolean proved_wrong;

  g_mutex_lock (&self->lock);
  proved_wrong = self->proved_wrong;
  g_mutex_unlock (&self->lock);

  return !proved_wrong && monitor_says_offline (monitor);
}

gboolean
resilient_network_wait (ResilientNetwork *self,
                        ResilientNetworkWaiter *waiter,
                        ResilientOrigin *origin)
{
  ResilientNetworkGroup *group;

  if (!resilient_network_is_offline (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  group = g_hash_table_lookup (self->origins, origin);
  if (group == NULL)
    {
      group = g_atomic_rc_box_new0 (ResilientNetworkGroup);
      group->network = g_atomic_rc_box_acquire (self);
      group->origin = g_object_ref (origin);
      g_hash_table_insert (self->origins, origin, group);
      group->link.data = group;
      g_queue_push_tail_link (&self->order, &group->link);
    }
  waiter->link.data = waiter;
  waiter->group = group;
  g_queue_push_tail_link (&group->queue, &waiter->link);
  if (group->timers == NULL)
    {
      arm_probe_locked (group, get_next_probe_time ());
    }
  else if (group->timers != waiter->timers && !is_at_home (self, waiter))
    {
      gint64 due = resilient_timer_queue_get_due (group->timers, &group->timer);

      /* not where it is just firing: then it goes on from there */
      if (disarm_probe_locked (group))
        arm_probe_locked (group, due);
    }
  g_mutex_unlock (&self->lock);

  /* It may have come back, or been proved wrong, between the question and the waiting. */
  if (!resilient_network_is_offline (self))
    return !resilient_network_withdraw (self, waiter);
  return TRUE;
}

gboolean
resilient_network_withdraw (ResilientNetwork *self, ResilientNetworkWaiter *waiter)
{
  g_autoptr (ResilientNetworkGroup) group = NULL;

  g_mutex_lock (&self->lock);
  if (waiter->group != NULL)
    {
      group = g_atomic_rc_box_acquire (waiter->group);
      take_out_locked (group, waiter);
    }
  g_mutex_unlock (&self->lock);

  return group != NULL;
}

static gboolean
is_peer_near (GSocket *socket)
{
  g_autoptr (GSocketAddress) address =
    socket != NULL ? g_socket_get_remote_address (socket, NULL) : NULL;

  return G_IS_INET_SOCKET_ADDRESS (address)
         && resilient_address_is_near (
           g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

void
resilient_network_answered (ResilientNetwork *self, ResilientOrigin *origin, GSocket *socket)
{
  g_autoptr (GNetworkMonitor) monitor = NULL;

  /* Nearly always: nobody ever slept, and so nobody asked for it; or it is online. */
  if (g_atomic_pointer_get (&self->monitor) == NULL)
    return;
  monitor = dup_monitor (self);
  if (!monitor_says_offline (monitor))
    return;

  /* What is near proves nothing of what lies beyond, and does not wait again. Its name may not have
   * told: a server of the house under a name of the internet, or a proxy in the house. */
  if (resilient_origin_is_near (origin) || is_peer_near (socket))
    {
      resilient_origin_set_near (origin);
      release (self, origin, TRUE);
      return;
    }

  g_mutex_lock (&self->lock);
  self->proved_wrong = TRUE;
  g_mutex_unlock (&self->lock);
  release (self, NULL, TRUE);
}

guint
resilient_network_check_resume (ResilientNetwork *self)
{
  gint64 suspended = get_suspended ();
  guint generation;

  g_mutex_lock (&self->lock);
  if (suspended - self->suspended > RESUME_JUMP)
    {
      self->suspended = suspended;
      self->generation++;
    }
  generation = self->generation;
  g_mutex_unlock (&self->lock);

  return generation;
}
