/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A rate limiter of one each interval, whose line is that of the throttle. It owns the limiter and
 * nothing else, so that any thread may use it. */

#include "config.h"

#include "resilient-throttle.h"

#include <math.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-rate-limiter-private.h"

/* So many a second that any number go at once. */
#define NO_LIMIT 1e300

/**
 * ResilientThrottle:
 *
 * Spaces calls: one goes at once, each later one at least so many seconds after the one before.
 *
 * This is for what must not be done too often, but each time in the end: pages of a list that are
 * asked for one after the other, updates that are shown. For what need not be done at all when
 * something newer comes take a [class@Debouncer], for so much in a second with a burst a
 * [class@RateLimiter].
 *
 * All methods may be called from any thread. Time in which the machine sleeps counts. In a forked
 * child it goes on by itself, without those who wait in the parent.
 *
 * Since: 1.0
 */
struct _ResilientThrottle
{
  GObject parent_instance;

  /* Set once. */
  double interval;               /* seconds */
  GError *invalid;               /* why there can be no such throttle; NULL: there can */
  ResilientRateLimiter *limiter; /* owned: one each interval, none in advance */
};

enum
{
  PROP_INTERVAL = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientThrottle, resilient_throttle, G_TYPE_OBJECT)

static GError *
check_interval (double interval)
{
  if (isfinite (interval) && interval >= 0.0)
    return NULL;

  return g_error_new (RESILIENT_CLIENT_ERROR,
                      RESILIENT_CLIENT_ERROR_INVALID_POLICY,
                      /* Translators: %s is the name of a setting, interval. */
                      _ ("Invalid throttle: %s must be a finite number of seconds, at least 0, and "
                         "is %g"),
                      "interval",
                      interval);
}

static void
resilient_throttle_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_INTERVAL:
      g_value_set_double (value, resilient_throttle_get_interval (RESILIENT_THROTTLE (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_throttle_set_property (GObject *object,
                                 guint prop_id,
                                 const GValue *value,
                                 GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_INTERVAL:
      RESILIENT_THROTTLE (object)->interval = g_value_get_double (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_throttle_constructed (GObject *object)
{
  ResilientThrottle *self = RESILIENT_THROTTLE (object);

  G_OBJECT_CLASS (resilient_throttle_parent_class)->constructed (object);

  self->invalid = check_interval (self->interval);
  if (self->invalid == NULL)
    {
      double rate = self->interval > 1.0 / NO_LIMIT ? 1.0 / self->interval : NO_LIMIT;

      self->limiter = resilient_rate_limiter_new (rate, 1, NULL);
    }
}

/* Whoever waits holds a reference, so nobody does. */
static void
resilient_throttle_finalize (GObject *object)
{
  ResilientThrottle *self = RESILIENT_THROTTLE (object);

  g_clear_object (&self->limiter);
  g_clear_error (&self->invalid);

  G_OBJECT_CLASS (resilient_throttle_parent_class)->finalize (object);
}

static void
resilient_throttle_class_init (ResilientThrottleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = resilient_throttle_constructed;
  object_class->get_property = resilient_throttle_get_property;
  object_class->set_property = resilient_throttle_set_property;
  object_class->finalize = resilient_throttle_finalize;

  /**
   * ResilientThrottle:interval: (getter get_interval)
   *
   * How far apart calls are, in seconds: a finite number, at least 0.
   *
   * Another one, given to `g_object_new()`, makes a throttle that lets nothing through:
   * [method@Throttle.wait_finish] says why.
   *
   * Since: 1.0
   */
  props[PROP_INTERVAL] = g_param_spec_double ("interval",
                                              NULL,
                                              NULL,
                                              -HUGE_VAL,
                                              HUGE_VAL,
                                              0.0,
                                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY
                                                | G_PARAM_LAX_VALIDATION | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
resilient_throttle_init (ResilientThrottle *self)
{
}

/**
 * resilient_throttle_new:
 * @seconds: how far apart calls are, a finite number of seconds, at least 0
 * @error: return location for an error
 *
 * Creates a throttle.
 *
 * What is not valid is %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message names the interval.
 *
 * Returns: (transfer full): a new throttle, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientThrottle *
resilient_throttle_new (double seconds, GError **error)
{
  g_autoptr (ResilientThrottle) self = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_object_new (RESILIENT_TYPE_THROTTLE, "interval", seconds, NULL);
  if (self->invalid != NULL)
    {
      g_propagate_error (error, g_error_copy (self->invalid));
      return NULL;
    }

  return g_steal_pointer (&self);
}

/**
 * resilient_throttle_wait_async:
 * @self: a throttle
 * @cancellable: (nullable): a cancellable, which ends the waiting
 * @callback: (scope async) (closure user_data): called in the thread-default main context of the
 *   caller
 * @user_data: data for @callback
 *
 * Waits until the next call may go.
 *
 * Calls go in the order in which they came. The throttle stays alive until then. Who is cancelled
 * leaves the line at once, and those behind move up.
 *
 * Since: 1.0
 */
void
resilient_throttle_wait_async (ResilientThrottle *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (RESILIENT_IS_THROTTLE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_throttle_wait_async);
  if (self->invalid != NULL)
    g_task_return_error (task, g_error_copy (self->invalid));
  else
    resilient_rate_limiter_acquire (self->limiter, g_steal_pointer (&task));
}

/**
 * resilient_throttle_wait_finish:
 * @self: a throttle
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Completes [method@Throttle.wait_async].
 *
 * Returns: %TRUE when it is time to go on; %FALSE with @error set: `G_IO_ERROR_CANCELLED`, or
 *   %RESILIENT_CLIENT_ERROR_INVALID_POLICY from a throttle that `g_object_new()` made with an
 *   interval that is not valid
 *
 * Since: 1.0
 */
gboolean
resilient_throttle_wait_finish (ResilientThrottle *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_THROTTLE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_throttle_wait_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * resilient_throttle_get_interval: (get-property interval)
 * @self: a throttle
 *
 * Gets how far apart calls are.
 *
 * Returns: the interval, in seconds
 *
 * Since: 1.0
 */
double
resilient_throttle_get_interval (ResilientThrottle *self)
{
  g_return_val_if_fail (RESILIENT_IS_THROTTLE (self), 0.0);

  return self->interval;
}
