/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-network-private.h"

#include "resilient-clock-private.h"

/* While offline, one parked retry is let through so often: the monitor is a hint, and may be wrong.
 */
#define PROBE_INTERVAL 30.0
/* The boot clock must have run so far ahead of the monotonic one to mean a suspend: microseconds.
 */
#define RESUME_JUMP (5 * G_USEC_PER_SEC)

struct _ResilientNetwork
{
  ResilientDriver *home;

  GMutex lock;
  /* Under lock. */
  GNetworkMonitor
    *monitor; /* asked for when the first call sleeps: it costs a netlink round trip */
  gulong changed_id;
  GQueue parked;
  ResilientTimer probe_timer;
  gboolean freed;
  gint64 suspended; /* the boot clock's lead over the monotonic one at the last look */
  guint generation;
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
resilient_network_new (ResilientDriver *home)
{
  ResilientNetwork *self = g_atomic_rc_box_new0 (ResilientNetwork);

  self->home = resilient_driver_ref (home);
  g_mutex_init (&self->lock);
  g_queue_init (&self->parked);
  self->suspended = get_suspended ();

  return self;
}

static void
network_finalize (gpointer data)
{
  ResilientNetwork *self = data;

  g_clear_object (&self->monitor);
  resilient_driver_unref (self->home);
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

  g_assert (g_queue_is_empty (&self->parked));

  if (resilient_alarm_clear (resilient_driver_get_alarm (self->home), &self->probe_timer))
    network_unref (self);
  g_mutex_lock (&self->lock);
  /* The home context may be about to connect. */
  self->freed = TRUE;
  changed_id = self->changed_id;
  g_mutex_unlock (&self->lock);
  if (changed_id != 0)
    g_signal_handler_disconnect (self->monitor, changed_id);
  network_unref (self);
}

static void
release (ResilientNetwork *self, guint max, gboolean spread)
{
  while (max-- > 0)
    {
      ResilientParked *parked = NULL;
      GList *link;

      g_mutex_lock (&self->lock);
      link = g_queue_pop_head_link (&self->parked);
      if (link != NULL)
        {
          parked = link->data;
          parked->parked = FALSE;
        }
      g_mutex_unlock (&self->lock);

      if (parked == NULL)
        break;
      parked->resume (parked, spread);
    }
}

static void probe_cb (gpointer data);

/* The timer holds a reference: it may be firing in the home context while another thread frees us.
 */
static void
arm_probe_locked (ResilientNetwork *self)
{
  if (!g_queue_is_empty (&self->parked) && !resilient_timer_is_set (&self->probe_timer))
    resilient_alarm_set (resilient_driver_get_alarm (self->home),
                         &self->probe_timer,
                         resilient_clock_add (resilient_clock_get_boot (), PROBE_INTERVAL),
                         probe_cb,
                         g_atomic_rc_box_acquire (self));
}

static void
probe_cb (gpointer data)
{
  ResilientNetwork *self = data;

  release (self, 1, FALSE);
  g_mutex_lock (&self->lock);
  arm_probe_locked (self);
  g_mutex_unlock (&self->lock);
  network_unref (self);
}

static void
network_changed_cb (GNetworkMonitor *monitor, gboolean available, gpointer user_data)
{
  ResilientNetwork *self = user_data;

  if (available)
    release (self, G_MAXUINT, TRUE);
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
      if (context == resilient_driver_get_context (self->home))
        ensure_monitor_cb (self);
      else
        resilient_driver_invoke (
          self->home, ensure_monitor_cb, g_atomic_rc_box_acquire (self), network_unref);
    }

  g_mutex_lock (&self->lock);
  monitor = self->monitor != NULL ? g_object_ref (self->monitor) : NULL;
  g_mutex_unlock (&self->lock);

  return monitor;
}

gboolean
resilient_network_is_offline (ResilientNetwork *self)
{
  g_autoptr (GNetworkMonitor) monitor = dup_monitor (self);

  /* Not asked for yet by the home context: as good as online. */
  return monitor != NULL && !g_network_monitor_get_network_available (monitor);
}

gboolean
resilient_network_park (ResilientNetwork *self, ResilientParked *parked)
{
  if (!resilient_network_is_offline (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  parked->link.data = parked;
  parked->parked = TRUE;
  g_queue_push_tail_link (&self->parked, &parked->link);
  arm_probe_locked (self);
  g_mutex_unlock (&self->lock);

  /* It may have come back between the question and the parking. */
  if (!resilient_network_is_offline (self))
    return !resilient_network_unpark (self, parked);
  return TRUE;
}

gboolean
resilient_network_unpark (ResilientNetwork *self, ResilientParked *parked)
{
  gboolean was_parked;

  g_mutex_lock (&self->lock);
  was_parked = parked->parked;
  if (was_parked)
    {
      g_queue_unlink (&self->parked, &parked->link);
      parked->parked = FALSE;
    }
  g_mutex_unlock (&self->lock);

  return was_parked;
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
