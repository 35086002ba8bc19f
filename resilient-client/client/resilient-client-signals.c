/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-handlers-private.h"

/* Signals, and the properties that change by themselves: all of it in the home context. */

enum
{
  SIGNAL_EVENT,
  /* then one for each type of event */
  N_SIGNALS = SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_CANCELLED + 1,
};

static guint signals[N_SIGNALS];
static guint notify_signal;

static guint
signal_of_type (ResilientEventType type)
{
  return signals[SIGNAL_EVENT + 1 + type];
}

gboolean
resilient_client_wants_event (ResilientEventType type, gpointer client)
{
  return resilient_has_handler (client, signal_of_type (type))
         || resilient_has_handler (client, signals[SIGNAL_EVENT]);
}

static GQuark
detail_of_type (ResilientEventType type)
{
  static GQuark details[RESILIENT_EVENT_TYPE_CANCELLED + 1];

  if (details[type] == 0)
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (RESILIENT_TYPE_EVENT_TYPE);

      details[type] = g_quark_from_string (g_enum_get_value (klass, type)->value_nick);
    }

  return details[type];
}

void
resilient_client_emit_event (ResilientEvent *event, gpointer weak_client)
{
  /* A handler may drop the last reference. */
  g_autoptr (ResilientClient) self = g_weak_ref_get (weak_client);
  ResilientEventType type = resilient_event_get_event_type (event);

  if (self == NULL || resilient_engine_is_foreign (self->engine, NULL))
    return;

  g_signal_emit (self, signals[SIGNAL_EVENT], detail_of_type (type), event);
  g_signal_emit (self, signal_of_type (type), 0, event);
}

static guint
new_signal (GObjectClass *object_class, const char *name, GSignalFlags flags)
{
  return g_signal_new (name,
                       G_TYPE_FROM_CLASS (object_class),
                       G_SIGNAL_RUN_LAST | flags,
                       0,
                       NULL,
                       NULL,
                       NULL,
                       G_TYPE_NONE,
                       1,
                       RESILIENT_TYPE_EVENT);
}

void
resilient_client_install_signals (GObjectClass *object_class)
{
  /**
   * ResilientClient::event:
   * @self: the client
   * @event: the event
   *
   * Emitted for every event; the detail is the nick of its type, as in `event::retry`.
   *
   * Emitted in the home context, some time after what it reports: the result is in the store
   * already. A request's events come in order, exactly one of them terminal. A handler may cancel
   * requests, close the client or drop it.
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT] = new_signal (object_class, "event", G_SIGNAL_DETAILED);

  /**
   * ResilientClient::success:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request got an answer that the policy accepts, of any status. See
   * [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_SUCCESS] =
    new_signal (object_class, "success", 0);

  /**
   * ResilientClient::retry:
   * @self: the client
   * @event: the event
   *
   * Emitted when another attempt was decided; the event bears the context of the attempt to come
   * and the delay before it. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_RETRY] = new_signal (object_class, "retry", 0);

  /**
   * ResilientClient::error:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request failed for good. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_ERROR] = new_signal (object_class, "error", 0);

  /**
   * ResilientClient::timeout:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request failed for good, its last failure being a time-out. See
   * [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_TIMEOUT] =
    new_signal (object_class, "timeout", 0);

  /**
   * ResilientClient::cancelled:
   * @self: the client
   * @event: the event
   *
   * Emitted when a request was cancelled. See [signal@Client::event].
   *
   * Since: 1.0
   */
  signals[SIGNAL_EVENT + 1 + RESILIENT_EVENT_TYPE_CANCELLED] =
    new_signal (object_class, "cancelled", 0);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

/* --- notifications ---------------------------------------------------------------------------- */

/* One for a client: tells the home context of changed counts, at most once per turn. Lives as long
 * as the gate may call. */
typedef struct
{
  GWeakRef client;
  ResilientScheduler *home;
  ResilientWork work;
  int scheduled; /* atomic */
  ResilientWork origins_work;
  int origins_scheduled; /* atomic */
} Watch;

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  g_weak_ref_clear (&watch->client);
  resilient_scheduler_unref (watch->home);
}

static void
watch_unref (gpointer watch)
{
  g_atomic_rc_box_release_full (watch, watch_free);
}

static void
counts_changed_cb (gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&watch->client);

  g_atomic_int_set (&watch->scheduled, FALSE);
  if (self != NULL && resilient_has_handler (self, notify_signal))
    {
      g_object_notify (G_OBJECT (self), "active-count");
      g_object_notify (G_OBJECT (self), "pending-count");
      g_object_notify (G_OBJECT (self), "closed");
    }
  watch_unref (watch);
}

static void
update_origins_cb (gpointer data)
{
  Watch *watch = data;
  g_autoptr (ResilientClient) self = g_weak_ref_get (&watch->client);

  g_atomic_int_set (&watch->origins_scheduled, FALSE);
  if (self != NULL && self->origins != NULL)
    resilient_origin_list_update (self->origins);
  watch_unref (watch);
}

static void
origins_changed_cb (gpointer data)
{
  Watch *watch = data;

  if (g_atomic_int_compare_and_exchange (&watch->origins_scheduled, FALSE, TRUE))
    resilient_scheduler_post (
      watch->home, &watch->origins_work, update_origins_cb, g_atomic_rc_box_acquire (watch));
}

/**
 * resilient_client_get_origins:
 * @self: a client
 *
 * Gets the origins that the client knows, oldest first, as a list that keeps itself up to date; for
 * the home context only.
 *
 * Returns: (transfer none): a list of [class@Origin]
 *
 * Since: 1.0
 */
GListModel *
resilient_client_get_origins (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);

  if (self->origins == NULL && resilient_engine_is_foreign (self->engine, NULL))
    self->origins = resilient_origin_list_new (NULL, NULL, NULL);
  else if (self->origins == NULL)
    self->origins =
      resilient_origin_list_new (self->engine->gate, origins_changed_cb, self->engine->watch);

  return G_LIST_MODEL (self->origins);
}

static void
notify_origin_cb (gpointer origin)
{
  resilient_origin_notify_changes (origin);
}

static void
gate_changed_cb (ResilientOrigin *origin, gpointer data)
{
  Watch *watch = data;

  if (origin != NULL)
    {
      resilient_scheduler_invoke (
        watch->home, notify_origin_cb, g_object_ref (origin), g_object_unref);
      return;
    }

  if (g_atomic_int_compare_and_exchange (&watch->scheduled, FALSE, TRUE))
    {
      g_autoptr (ResilientClient) self = NULL;

      /* Another thread wakes the home context only for somebody; in it, to look once a turn is less
       * than to look each time. */
      if (!g_main_context_is_owner (resilient_scheduler_get_context (watch->home)))
        {
          self = g_weak_ref_get (&watch->client);
          if (self == NULL || !resilient_has_handler (self, notify_signal))
            {
              g_atomic_int_set (&watch->scheduled, FALSE);
              return;
            }
        }
      resilient_scheduler_post (
        watch->home, &watch->work, counts_changed_cb, g_atomic_rc_box_acquire (watch));
    }
}

void
resilient_client_watch_counts (ResilientClient *self)
{
  Watch *watch = g_atomic_rc_box_new0 (Watch);

  g_weak_ref_init (&watch->client, self);
  watch->home = resilient_scheduler_ref (self->engine->home);
  resilient_gate_set_changed_func (self->engine->gate, gate_changed_cb, watch);
  self->engine->watch = watch;
  self->engine->watch_free = watch_unref;
}

void
resilient_client_counts_changed (ResilientClient *self)
{
  gate_changed_cb (NULL, self->engine->watch);
}

/**
 * resilient_client_get_active_count:
 * @self: a client
 *
 * Gets how many requests run: they hold a slot, and have not ended.
 *
 * Returns: the number; 0 once [method@Client.wait_all_async] has completed
 *
 * Since: 1.0
 */
guint
resilient_client_get_active_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_gate_get_running (self->engine->gate);
}

/**
 * resilient_client_get_pending_count:
 * @self: a client
 *
 * Gets how many requests wait for a slot.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_pending_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_gate_get_pending (self->engine->gate);
}
