/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-origin-private.h"
#include "resilient-handlers-private.h"

/**
 * ResilientOrigin:
 *
 * What a client knows of one origin: a scheme, a host and a port.
 *
 * An origin is what limits and secrets are bound to. [method@Client.get_origin] gives the one of a
 * URI, the same object each time, from any thread. Requests to an origin beyond
 * [property@Origin:max-concurrent] wait, in order of their priority, then of their arrival, while
 * those to other origins go on: one host that hangs does not stop the others.
 *
 * ```c
 * g_autoptr (ResilientOrigin) origin = NULL;
 *
 * origin = resilient_client_get_origin (client, "https://api.example.org", &error);
 * if (origin == NULL)
 *   return FALSE;
 * resilient_origin_set_max_concurrent (origin, 2);
 * return resilient_origin_set_default_header (origin, "Authorization", "Bearer …", &error);
 * ```
 *
 * The settings of an origin last as long as its client. An origin without any is forgotten some
 * time after its last request.
 *
 * Changes of the counts are notified in the home context of the client
 * ([property@Client:main-context]), and not one by one: a notification says that a count may have
 * changed since the last one.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (ResilientOrigin, resilient_origin, G_TYPE_OBJECT)

enum
{
  PROP_URI = 1,
  PROP_MAX_CONCURRENT,
  PROP_ACTIVE_COUNT,
  PROP_PENDING_COUNT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint notify_signal;

/* An origin that a binding made by itself has no gate: nobody else can see it, and it holds back
 * nothing. */
static void
lock_gate (ResilientOrigin *self)
{
  if (self->gate != NULL)
    resilient_gate_lock (self->gate);
}

static void
unlock_gate (ResilientOrigin *self)
{
  if (self->gate != NULL)
    resilient_gate_unlock (self->gate);
}

static void
resilient_origin_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  switch (prop_id)
    {
    case PROP_URI:
      g_value_set_string (value, resilient_origin_get_uri (self));
      break;
    case PROP_MAX_CONCURRENT:
      g_value_set_int (value, resilient_origin_get_max_concurrent (self));
      break;
    case PROP_ACTIVE_COUNT:
      g_value_set_uint (value, resilient_origin_get_active_count (self));
      break;
    case PROP_PENDING_COUNT:
      g_value_set_uint (value, resilient_origin_get_pending_count (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_origin_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  switch (prop_id)
    {
    case PROP_URI:
      self->key = g_value_dup_string (value);
      break;
    case PROP_MAX_CONCURRENT:
      resilient_origin_set_max_concurrent (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_origin_finalize (GObject *object)
{
  ResilientOrigin *self = RESILIENT_ORIGIN (object);

  g_assert (self->active == 0 && self->waiters.length == 0);

  resilient_heap_clear (&self->waiters);
  g_clear_pointer (&self->default_headers, resilient_headers_unref);
  g_mutex_clear (&self->lock);
  g_clear_pointer (&self->gate, resilient_gate_release);
  g_clear_pointer (&self->key, g_free);

  G_OBJECT_CLASS (resilient_origin_parent_class)->finalize (object);
}

static void
resilient_origin_class_init (ResilientOriginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = resilient_origin_get_property;
  object_class->set_property = resilient_origin_set_property;
  object_class->finalize = resilient_origin_finalize;

  /**
   * ResilientOrigin:uri: (getter get_uri)
   *
   * Scheme, host and port, such as `https://example.org:443`.
   *
   * Since: 1.0
   */
  props[PROP_URI] = g_param_spec_string (
    "uri", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | flags);

  /**
   * ResilientOrigin:max-concurrent: (getter get_max_concurrent) (setter set_max_concurrent)
   *
   * How many requests to this origin may run at once: -1 for as many as the client allows per host
   * ([property@Client:max-concurrent-per-host]), else 1 or more.
   *
   * The limits of the client in all, and of a session that the app gave, hold besides: the smallest
   * is in force. A session's limit of connections per host no longer counts once the origin has
   * answered over HTTP/2, where one connection carries all requests.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONCURRENT] =
    g_param_spec_int ("max-concurrent", NULL, NULL, -1, G_MAXINT, -1, G_PARAM_READWRITE | flags);

  /**
   * ResilientOrigin:active-count: (getter get_active_count)
   *
   * How many requests to this origin run.
   *
   * Since: 1.0
   */
  props[PROP_ACTIVE_COUNT] =
    g_param_spec_uint ("active-count", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | flags);

  /**
   * ResilientOrigin:pending-count: (getter get_pending_count)
   *
   * How many requests to this origin wait for others to end.
   *
   * Those that sleep before a retry are not among them.
   *
   * Since: 1.0
   */
  props[PROP_PENDING_COUNT] =
    g_param_spec_uint ("pending-count", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | flags);

  g_object_class_install_properties (object_class, N_PROPS, props);

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

static void
resilient_origin_init (ResilientOrigin *self)
{
  g_mutex_init (&self->lock);
  self->waiters = RESILIENT_HEAP_INIT (resilient_waiter_is_before, ResilientWaiter, index);
  self->max_concurrent = -1;
  self->idle_link.data = self;
  self->order_link.data = self;
}

ResilientOrigin *
resilient_origin_new (ResilientGate *gate, const char *key)
{
  ResilientOrigin *self = g_object_new (RESILIENT_TYPE_ORIGIN, "uri", key, NULL);

  self->gate = resilient_gate_acquire (gate);

  return self;
}

gboolean
resilient_origin_is_watched (ResilientOrigin *self)
{
  return resilient_has_handler (self, notify_signal);
}

/* With the gate's lock held, under which alone a second reference can be taken. */
gboolean
resilient_origin_is_forgettable (ResilientOrigin *self)
{
  gboolean has_headers;

  if (g_atomic_int_get (&G_OBJECT (self)->ref_count) > (self->listed ? 2 : 1)
      || self->max_concurrent != -1)
    return FALSE;

  g_mutex_lock (&self->lock);
  has_headers = self->default_headers != NULL;
  g_mutex_unlock (&self->lock);

  /* Who listens, without a reference, expects the same object to go on. */
  return !has_headers && !resilient_origin_is_watched (self);
}

/**
 * resilient_origin_get_uri: (get-property uri)
 * @self: an origin
 *
 * Gets what the origin is: scheme, host and port, such as `https://example.org:443`.
 *
 * Returns: (transfer none) (nullable): the URI; %NULL only of an origin that no client gave
 *
 * Since: 1.0
 */
const char *
resilient_origin_get_uri (ResilientOrigin *self)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), NULL);

  return self->key;
}

/**
 * resilient_origin_get_max_concurrent: (get-property max-concurrent)
 * @self: an origin
 *
 * Gets how many requests to this origin may run at once.
 *
 * Returns: the limit, or -1 for as many as the client allows per host
 *
 * Since: 1.0
 */
int
resilient_origin_get_max_concurrent (ResilientOrigin *self)
{
  int max_concurrent;

  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), -1);

  lock_gate (self);
  max_concurrent = self->max_concurrent;
  unlock_gate (self);

  return max_concurrent;
}

/**
 * resilient_origin_set_max_concurrent: (set-property max-concurrent)
 * @self: an origin
 * @max_concurrent: 1 or more, or -1 for as many as the client allows per host
 *
 * Sets how many requests to this origin may run at once.
 *
 * A higher limit lets waiting requests go at once; a lower one stops none that runs. Any thread may
 * call this.
 *
 * Since: 1.0
 */
void
resilient_origin_set_max_concurrent (ResilientOrigin *self, int max_concurrent)
{
  gboolean changed;

  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (max_concurrent == -1 || max_concurrent > 0);

  if (self->gate != NULL)
    {
      changed = resilient_gate_set_origin_limit (self->gate, self, max_concurrent);
    }
  else
    {
      changed = self->max_concurrent != max_concurrent;
      self->max_concurrent = max_concurrent;
    }

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_CONCURRENT]);
}

/**
 * resilient_origin_get_active_count: (get-property active-count)
 * @self: an origin
 *
 * Gets how many requests to this origin run.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
resilient_origin_get_active_count (ResilientOrigin *self)
{
  guint active;

  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), 0);

  lock_gate (self);
  active = self->active - self->detached;
  unlock_gate (self);

  return active;
}

/**
 * resilient_origin_get_pending_count: (get-property pending-count)
 * @self: an origin
 *
 * Gets how many requests to this origin wait for others to end.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
resilient_origin_get_pending_count (ResilientOrigin *self)
{
  guint pending;

  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), 0);

  lock_gate (self);
  pending = self->waiters.length;
  unlock_gate (self);

  return pending;
}

void
resilient_origin_notify_changes (ResilientOrigin *self)
{
  gboolean active_changed, pending_changed;

  /* First, so that what changes from here on is told again. */
  g_atomic_int_set (&self->change_told, FALSE);

  lock_gate (self);
  active_changed = self->active_changed;
  pending_changed = self->pending_changed;
  self->active_changed = FALSE;
  self->pending_changed = FALSE;
  unlock_gate (self);

  if (active_changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ACTIVE_COUNT]);
  if (pending_changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PENDING_COUNT]);
}

gboolean
resilient_origin_take_fresh_connection (ResilientOrigin *self, guint generation)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = generation > self->fresh_generation;
  if (taken)
    self->fresh_generation = generation;
  g_mutex_unlock (&self->lock);

  return taken;
}

const char *
resilient_origin_peek_key (ResilientOrigin *self)
{
  return self->key;
}

gboolean
resilient_origin_is_near (ResilientOrigin *self)
{
  return g_atomic_int_get (&self->near);
}

void
resilient_origin_set_near (ResilientOrigin *self)
{
  g_atomic_int_set (&self->near, TRUE);
}
