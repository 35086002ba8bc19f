/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-network.h"

#include "resilient-test-seams-private.h"

#include <errno.h>

/**
 * ResilientTestNetwork:
 *
 * A [iface@Gio.NetworkMonitor] that says what the test wants: online, or offline.
 *
 * Installed, it is the one that the library asks before it wakes a request from a pause: while the
 * network is away, requests to other machines stay where they are. Those to this machine
 * (`localhost`, `127.0.0.1`, `[::1]`) go on.
 *
 * Since: 1.0
 */

struct _ResilientTestNetwork
{
  GObject parent_instance;

  int available; /* atomic */
};

enum
{
  PROP_NETWORK_AVAILABLE = 1,
  PROP_NETWORK_METERED,
  PROP_CONNECTIVITY,
};

static gboolean
can_reach (GNetworkMonitor *monitor,
           GSocketConnectable *connectable,
           GCancellable *cancellable,
           GError **error)
{
  if (g_network_monitor_get_network_available (monitor))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, g_strerror (ENETUNREACH));
  return FALSE;
}

static void
can_reach_async (GNetworkMonitor *monitor,
                 GSocketConnectable *connectable,
                 GCancellable *cancellable,
                 GAsyncReadyCallback callback,
                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (monitor, cancellable, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, can_reach_async);

  if (can_reach (monitor, connectable, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
can_reach_finish (GNetworkMonitor *monitor, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
network_monitor_iface_init (GNetworkMonitorInterface *iface)
{
  iface->can_reach = can_reach;
  iface->can_reach_async = can_reach_async;
  iface->can_reach_finish = can_reach_finish;
}

static gboolean
initable_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
initable_iface_init (GInitableIface *iface)
{
  iface->init = initable_init;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ResilientTestNetwork,
                               resilient_test_network,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, initable_iface_init)
                                 G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR,
                                                        network_monitor_iface_init))

static void
resilient_test_network_get_property (GObject *object,
                                     guint prop_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  ResilientTestNetwork *self = RESILIENT_TEST_NETWORK (object);
  gboolean available = g_atomic_int_get (&self->available);

  switch (prop_id)
    {
    case PROP_NETWORK_AVAILABLE:
      g_value_set_boolean (value, available);
      break;

    case PROP_NETWORK_METERED:
      g_value_set_boolean (value, FALSE);
      break;

    case PROP_CONNECTIVITY:
      g_value_set_enum (value,
                        available ? G_NETWORK_CONNECTIVITY_FULL : G_NETWORK_CONNECTIVITY_LOCAL);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_test_network_class_init (ResilientTestNetworkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = resilient_test_network_get_property;

  g_object_class_override_property (object_class, PROP_NETWORK_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_NETWORK_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
resilient_test_network_init (ResilientTestNetwork *self)
{
  self->available = TRUE;
}

/**
 * resilient_test_network_new:
 *
 * Makes a network that is available.
 *
 * Returns: (transfer full): a network
 *
 * Since: 1.0
 */
ResilientTestNetwork *
resilient_test_network_new (void)
{
  return g_object_new (RESILIENT_TEST_TYPE_NETWORK, NULL);
}

/**
 * resilient_test_network_install:
 * @self: a network
 *
 * Makes the clients of this process that are made from now on ask @self.
 *
 * The library keeps it until [method@Network.uninstall].
 *
 * Since: 1.0
 */
void
resilient_test_network_install (ResilientTestNetwork *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_NETWORK (self));

  resilient_network_install_monitor (G_NETWORK_MONITOR (self));
}

/**
 * resilient_test_network_uninstall:
 * @self: the installed network
 *
 * Makes the clients that are made from now on ask the one of the system.
 *
 * Since: 1.0
 */
void
resilient_test_network_uninstall (ResilientTestNetwork *self)
{
  g_return_if_fail (RESILIENT_TEST_IS_NETWORK (self));

  resilient_network_install_monitor (NULL);
}

/**
 * resilient_test_network_set_available:
 * @self: a network
 * @available: whether other machines can be reached
 *
 * Comes and goes; [signal@Gio.NetworkMonitor::network-changed] is emitted in the calling thread.
 *
 * Since: 1.0
 */
void
resilient_test_network_set_available (ResilientTestNetwork *self, gboolean available)
{
  gboolean before;

  g_return_if_fail (RESILIENT_TEST_IS_NETWORK (self));

  before = g_atomic_int_get (&self->available);
  g_atomic_int_set (&self->available, available != FALSE);
  if (before == (available != FALSE))
    return;

  g_object_notify (G_OBJECT (self), "network-available");
  g_object_notify (G_OBJECT (self), "connectivity");
  g_signal_emit_by_name (self, "network-changed", available);
}
