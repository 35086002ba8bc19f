/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A debouncer: keeps the newest call and fails the older ones. It owns a reference to that call.
 * Any thread, under one lock; each call has a timer in its own main context, and returns there. */

#include "config.h"

#include "resilient-debouncer.h"

#include <math.h>

#include "resilient-clock-private.h"
#include "resilient-completion-private.h"
#include "resilient-error.h"
#include "resilient-fork-private.h"
#include "resilient-i18n-private.h"
#include "resilient-main-context-private.h"
#include "resilient-timer-queue-private.h"

typedef struct _Waiter Waiter;

/**
 * ResilientDebouncer:
 *
 * Lets the newest of many calls go, once no other has come for a while.
 *
 * This is for what only the last of counts: a search while somebody types, a document that is saved
 * while it changes. Each call waits; a newer one takes its place, and the older one fails with
 * `G_IO_ERROR_CANCELLED` at once.
 *
 * ```c
 * static void
 * quiet_cb (GObject *source, GAsyncResult *result, gpointer user_data)
 * {
 *   if (resilient_debouncer_wait_finish (RESILIENT_DEBOUNCER (source), result, NULL))
 *     search (user_data);
 * }
 * ```
 *
 * All methods may be called from any thread. Time in which the machine sleeps counts. In a forked
 * child nobody waits at first.
 *
 * Since: 1.0
 */
struct _ResilientDebouncer
{
  GObject parent_instance;

  /* Set once. */
  double interval; /* seconds */
  GError *invalid; /* why there can be no such debouncer; NULL: there can */

  GMutex lock;
  /* Under the lock. */
  Waiter *newest;   /* with a reference; nullable */
  guint generation; /* atomic: of the process; see resilient-fork-private.h */
};

/* A call that waits. It is the data of its completion, which counts its references. */
struct _Waiter
{
  /* Set once. */
  ResilientDebouncer *debouncer; /* owned */
  ResilientCompletion *completion;
  GMainContext *context; /* owned; the task's */
  int priority;
  gint64 due;

  /* Used in the context. */
  gboolean done;
  ResilientTimerQueue *timers; /* owned, nullable */
  ResilientTimer timer;        /* holds a reference while it is set */
};

enum
{
  PROP_INTERVAL = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientDebouncer, resilient_debouncer, G_TYPE_OBJECT)

/* In a forked child the lock may be a thread's that is not there, and who waits is the parent's. */
static void
adopt (gpointer debouncer)
{
  ResilientDebouncer *self = debouncer;

  g_mutex_init (&self->lock);
  self->newest = NULL;
}

/* To take it. */
static GMutex *
get_lock (ResilientDebouncer *self)
{
  resilient_fork_adopt (&self->generation, adopt, self);
  return &self->lock;
}

/* --- who waits -------------------------------------------------------------------------------- */

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  g_clear_pointer (&waiter->timers, resilient_timer_queue_unref);
  g_main_context_unref (waiter->context);
  g_object_unref (waiter->debouncer);
  g_free (waiter);
}

static void
waiter_unref (gpointer waiter)
{
  resilient_completion_unref (((Waiter *) waiter)->completion);
}

/* TRUE: it is the newest no more; no newer one had come. */
static gboolean
leave (Waiter *waiter)
{
  ResilientDebouncer *self = waiter->debouncer;
  gboolean left;

  g_mutex_lock (get_lock (self));
  left = self->newest == waiter;
  if (left)
    self->newest = NULL;
  g_mutex_unlock (&self->lock);

  if (left)
    waiter_unref (waiter);
  return left;
}

/* In the context. */
static void
stop (Waiter *waiter)
{
  waiter->done = TRUE;
  if (waiter->timers != NULL && resilient_timer_queue_clear (waiter->timers, &waiter->timer))
    waiter_unref (waiter);
}

static void
quiet_cb (gpointer data)
{
  Waiter *waiter = data;

  if (leave (waiter))
    {
      g_autoptr (GTask) task = resilient_completion_take (waiter->completion);

      waiter->done = TRUE;
      if (task != NULL)
        g_task_return_boolean (task, TRUE);
    }
  waiter_unref (waiter);
}

static gboolean
begin_cb (gpointer data)
{
  Waiter *waiter = data;

  /* A newer one, or a cancel, may have been quicker. */
  if (!waiter->done)
    {
      waiter->timers = resilient_timer_queue_get (waiter->context);
      resilient_completion_ref (waiter->completion);
      resilient_timer_queue_set (waiter->timers, &waiter->timer, waiter->due, quiet_cb, waiter);
    }
  return G_SOURCE_REMOVE;
}

static gboolean
fail_cb (gpointer data)
{
  Waiter *waiter = data;
  g_autoptr (GTask) task = resilient_completion_take (waiter->completion);

  stop (waiter);
  if (task != NULL)
    g_task_return_new_error (
      task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("A newer call took its place"));
  return G_SOURCE_REMOVE;
}

/* In the context of @waiter (transfer full) soon, where it alone uses its timer. */
static void
run (Waiter *waiter, GSourceFunc func)
{
  resilient_main_context_post (
    waiter->context, waiter->priority, "[resilient] debouncer", func, waiter, waiter_unref);
}

/* In the context. */
static void
withdrawn_cb (ResilientCompletion *completion, gpointer data)
{
  Waiter *waiter = data;

  stop (waiter);
  leave (waiter);
}

/* Takes @task. */
static void
wait_for_quiet (ResilientDebouncer *self, GTask *task)
{
  g_autoptr (ResilientCompletion) completion = NULL;
  g_autoptr (GCancellable) cancellable = NULL;
  Waiter *waiter = g_new0 (Waiter, 1);
  Waiter *older;

  g_set_object (&cancellable, g_task_get_cancellable (task));
  waiter->debouncer = g_object_ref (self);
  waiter->context = g_main_context_ref (g_task_get_context (task));
  waiter->priority = g_task_get_priority (task);
  waiter->due = resilient_clock_add (resilient_clock_get_boot (), self->interval);
  completion = resilient_completion_new (task, withdrawn_cb, waiter, waiter_free);
  waiter->completion = completion;

  g_mutex_lock (get_lock (self));
  older = self->newest;
  self->newest = waiter;
  resilient_completion_ref (completion);
  g_mutex_unlock (&self->lock);

  if (older != NULL)
    run (older, fail_cb);
  resilient_completion_ref (completion);
  run (waiter, begin_cb);
  resilient_completion_arm (completion, cancellable, -1, NULL);
}

/* --- the object ------------------------------------------------------------------------------- */

static GError *
check_interval (double interval)
{
  if (isfinite (interval) && interval >= 0.0)
    return NULL;

  return g_error_new (
    RESILIENT_CLIENT_ERROR,
    RESILIENT_CLIENT_ERROR_INVALID_POLICY,
    /* Translators: %s is the name of a setting, interval. */
    _ ("Invalid debouncer: %s must be a finite number of seconds, at least 0, and "
       "is %g"),
    "interval",
    interval);
}

static void
resilient_debouncer_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_INTERVAL:
      g_value_set_double (value, resilient_debouncer_get_interval (RESILIENT_DEBOUNCER (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_debouncer_set_property (GObject *object,
                                  guint prop_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_INTERVAL:
      RESILIENT_DEBOUNCER (object)->interval = g_value_get_double (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_debouncer_constructed (GObject *object)
{
  ResilientDebouncer *self = RESILIENT_DEBOUNCER (object);

  G_OBJECT_CLASS (resilient_debouncer_parent_class)->constructed (object);

  self->invalid = check_interval (self->interval);
}

/* Whoever waits holds a reference, so nobody does. */
static void
resilient_debouncer_finalize (GObject *object)
{
  ResilientDebouncer *self = RESILIENT_DEBOUNCER (object);

  if (self->generation == resilient_fork_get_generation ())
    g_mutex_clear (&self->lock);
  g_clear_error (&self->invalid);

  G_OBJECT_CLASS (resilient_debouncer_parent_class)->finalize (object);
}

static void
resilient_debouncer_class_init (ResilientDebouncerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = resilient_debouncer_constructed;
  object_class->get_property = resilient_debouncer_get_property;
  object_class->set_property = resilient_debouncer_set_property;
  object_class->finalize = resilient_debouncer_finalize;

  /**
   * ResilientDebouncer:interval: (getter get_interval)
   *
   * How long it must be quiet before the newest call goes, in seconds: a finite number, at least 0.
   *
   * Another one, given to `g_object_new()`, makes a debouncer that lets nothing through:
   * [method@Debouncer.wait_finish] says why.
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

  resilient_fork_watch ();
}

static void
resilient_debouncer_init (ResilientDebouncer *self)
{
  g_mutex_init (&self->lock);
  self->generation = resilient_fork_get_generation ();
}

/**
 * resilient_debouncer_new:
 * @seconds: how long it must be quiet, a finite number of seconds, at least 0
 * @error: return location for an error
 *
 * Creates a debouncer.
 *
 * What is not valid is %RESILIENT_CLIENT_ERROR_INVALID_POLICY, and the message names the interval.
 *
 * Returns: (transfer full): a new debouncer, or %NULL with @error set
 *
 * Since: 1.0
 */
ResilientDebouncer *
resilient_debouncer_new (double seconds, GError **error)
{
  g_autoptr (ResilientDebouncer) self = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_object_new (RESILIENT_TYPE_DEBOUNCER, "interval", seconds, NULL);
  if (self->invalid != NULL)
    {
      g_propagate_error (error, g_error_copy (self->invalid));
      return NULL;
    }

  return g_steal_pointer (&self);
}

/**
 * resilient_debouncer_wait_async:
 * @self: a debouncer
 * @cancellable: (nullable): a cancellable, which ends the waiting
 * @callback: (scope async) (closure user_data): called in the thread-default main context of the
 *   caller
 * @user_data: data for @callback
 *
 * Waits until no other call has come for [property@Debouncer:interval] seconds.
 *
 * A call that waits already fails with `G_IO_ERROR_CANCELLED` at once, in its own main context. The
 * debouncer stays alive until each has its answer.
 *
 * Since: 1.0
 */
void
resilient_debouncer_wait_async (ResilientDebouncer *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (RESILIENT_IS_DEBOUNCER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_debouncer_wait_async);
  if (self->invalid != NULL)
    g_task_return_error (task, g_error_copy (self->invalid));
  else if (!g_task_return_error_if_cancelled (task))
    wait_for_quiet (self, g_steal_pointer (&task));
}

/**
 * resilient_debouncer_wait_finish:
 * @self: a debouncer
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Completes [method@Debouncer.wait_async].
 *
 * Returns: %TRUE when it is time to go on; %FALSE with @error set: `G_IO_ERROR_CANCELLED` because
 *   of the cancellable or of a newer call, or %RESILIENT_CLIENT_ERROR_INVALID_POLICY from a
 *   debouncer that `g_object_new()` made with an interval that is not valid
 *
 * Since: 1.0
 */
gboolean
resilient_debouncer_wait_finish (ResilientDebouncer *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_DEBOUNCER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_debouncer_wait_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * resilient_debouncer_get_interval: (get-property interval)
 * @self: a debouncer
 *
 * Gets how long it must be quiet before the newest call goes.
 *
 * Returns: the interval, in seconds
 *
 * Since: 1.0
 */
double
resilient_debouncer_get_interval (ResilientDebouncer *self)
{
  g_return_val_if_fail (RESILIENT_IS_DEBOUNCER (self), 0.0);

  return self->interval;
}
