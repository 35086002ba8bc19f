/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-subscription-private.h"

#include <math.h>

/**
 * ResilientSubscription:
 *
 * A bounded stream of a client's events, for any thread.
 *
 * Signals of a client come in its home context; a subscription is for everybody else: a worker
 * thread that blocks in [method@Subscription.wait_next], a language's asynchronous loop over
 * [method@Subscription.next_async], or a poll with [method@Subscription.try_next]. Any number of
 * readers may share one, in any mixture: each event goes to one of them. Whoever wants every event
 * makes a subscription of his own.
 *
 * It yields every event of every request that is recorded after it was made, in the order of their
 * sequence numbers ([method@Event.get_sequence]). The responses in them have no body: a stream must
 * not hold on to what was downloaded. The body is in the client's result, if anywhere.
 *
 * A reader that is too slow never slows a request down. When as many events wait as
 * [property@Subscription:capacity] says, the oldest leaves for the newest, and
 * [property@Subscription:dropped] counts it; the sequence numbers show the gap.
 *
 * The stream ends when its reader closes it or drops the last reference to it, and after the last
 * event of a client that was closed. Reading yields %NULL from then on, without an error. The
 * client does not keep its subscriptions alive.
 *
 * Only [property@Subscription:closed] is notified, in the thread that closes the subscription, or
 * the client.
 *
 * Since: 1.0
 */
struct _ResilientSubscription
{
  GObject parent_instance;

  ResilientEventBuffer *stream; /* set once; locks for itself */
};

enum
{
  PROP_CAPACITY = 1,
  PROP_LENGTH,
  PROP_DROPPED,
  PROP_CLOSED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientSubscription, resilient_subscription, G_TYPE_OBJECT)

static void
resilient_subscription_get_property (GObject *object,
                                     guint prop_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  ResilientSubscription *self = RESILIENT_SUBSCRIPTION (object);

  switch (prop_id)
    {
    case PROP_CAPACITY:
      g_value_set_uint (value, resilient_subscription_get_capacity (self));
      break;
    case PROP_LENGTH:
      g_value_set_uint (value, resilient_subscription_get_length (self));
      break;
    case PROP_DROPPED:
      g_value_set_uint64 (value, resilient_subscription_get_dropped (self));
      break;
    case PROP_CLOSED:
      g_value_set_boolean (value, resilient_subscription_get_closed (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* Outstanding readers hold a reference, so nobody is waiting, unless somebody runs dispose by hand:
 * they get the end. */
static void
resilient_subscription_dispose (GObject *object)
{
  resilient_event_buffer_end (RESILIENT_SUBSCRIPTION (object)->stream, TRUE);

  G_OBJECT_CLASS (resilient_subscription_parent_class)->dispose (object);
}

static void
resilient_subscription_finalize (GObject *object)
{
  resilient_event_buffer_unref (RESILIENT_SUBSCRIPTION (object)->stream);

  G_OBJECT_CLASS (resilient_subscription_parent_class)->finalize (object);
}

static void
resilient_subscription_class_init (ResilientSubscriptionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = resilient_subscription_get_property;
  object_class->dispose = resilient_subscription_dispose;
  object_class->finalize = resilient_subscription_finalize;

  /**
   * ResilientSubscription:capacity: (getter get_capacity)
   *
   * How many events may wait to be read, at least 1; the oldest leaves for one more.
   *
   * Since: 1.0
   */
  props[PROP_CAPACITY] = g_param_spec_uint (
    "capacity", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ResilientSubscription:length: (getter get_length)
   *
   * How many events wait to be read now. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_LENGTH] = g_param_spec_uint (
    "length", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ResilientSubscription:dropped: (getter get_dropped)
   *
   * How many events were lost because nobody read them in time. Not notified.
   *
   * Since: 1.0
   */
  props[PROP_DROPPED] = g_param_spec_uint64 (
    "dropped", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * ResilientSubscription:closed: (getter get_closed)
   *
   * Whether no more events come, because the subscription was closed, or its client.
   *
   * After the client was closed the events that wait can still be read.
   *
   * Notified in the thread that closes the subscription or the client.
   *
   * Since: 1.0
   */
  props[PROP_CLOSED] =
    g_param_spec_boolean ("closed",
                          NULL,
                          NULL,
                          FALSE,
                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
resilient_subscription_init (ResilientSubscription *self)
{
  self->stream = resilient_event_buffer_new (G_OBJECT (self));
}

ResilientSubscription *
resilient_subscription_new (guint capacity)
{
  ResilientSubscription *self = g_object_new (RESILIENT_TYPE_SUBSCRIPTION, NULL);

  resilient_event_buffer_set_capacity (self->stream, capacity);
  return self;
}

ResilientSubscription *
resilient_subscription_new_ended (guint capacity)
{
  ResilientSubscription *self = resilient_subscription_new (capacity);

  resilient_event_buffer_end (self->stream, FALSE);
  return self;
}

ResilientEventBuffer *
resilient_subscription_get_buffer (ResilientSubscription *self)
{
  return self->stream;
}

void
resilient_subscription_finish (ResilientEventBuffer *stream)
{
  g_autoptr (GObject) reader = NULL;

  if (!resilient_event_buffer_end (stream, FALSE))
    return;

  reader = resilient_event_buffer_dup_reader (stream);
  if (reader != NULL)
    g_object_notify_by_pspec (reader, props[PROP_CLOSED]);
}

/**
 * resilient_subscription_next_async:
 * @self: a subscription
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (closure user_data): called in the thread-default main context of the
 *   caller
 * @user_data: data for @callback
 *
 * Waits for the next event.
 *
 * May be called again before it has completed: calls are served in the order in which they were
 * made. The subscription stays alive until then.
 *
 * A call that returns as cancelled took no event: one that was on its way goes to the next reader,
 * before all younger ones. So it does if the result is dropped without
 * [method@Subscription.next_finish].
 *
 * Since: 1.0
 */
void
resilient_subscription_next_async (ResilientSubscription *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task;

  g_return_if_fail (RESILIENT_IS_SUBSCRIPTION (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, resilient_subscription_next_async);
  resilient_event_buffer_next (self->stream, task);
}

/**
 * resilient_subscription_next_finish:
 * @self: a subscription
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Completes [method@Subscription.next_async].
 *
 * Returns: (transfer full) (nullable): the event; %NULL at the end, and then @error is not set; or
 *   %NULL with @error set to `G_IO_ERROR_CANCELLED`
 *
 * Since: 1.0
 */
ResilientEvent *
resilient_subscription_next_finish (ResilientSubscription *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, resilient_subscription_next_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return resilient_event_buffer_next_finish (G_TASK (result), error);
}

/**
 * resilient_subscription_try_next:
 * @self: a subscription
 *
 * Takes the next event if there is one, and does not wait.
 *
 * Returns: (transfer full) (nullable): the event, or %NULL when none waits, or at the end
 *
 * Since: 1.0
 */
ResilientEvent *
resilient_subscription_try_next (ResilientSubscription *self)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), NULL);

  return resilient_event_buffer_pop (self->stream);
}

/**
 * resilient_subscription_wait_next:
 * @self: a subscription
 * @timeout: for how many seconds to wait at most; negative for no limit, 0 not to wait at all
 * @cancellable: (nullable): a cancellable; another thread cancels it to end the wait
 * @error: return location for an error
 *
 * Waits for the next event and blocks the calling thread meanwhile.
 *
 * This is for worker threads. In a thread that runs a main loop use
 * [method@Subscription.next_async]: while it is blocked that thread drives no request, so the event
 * it waits for may never come. Time in which the system sleeps does not count.
 *
 * Calls that wait in [method@Subscription.next_async] are served before threads that block here.
 *
 * Returns: (transfer full) (nullable): the event; %NULL at the end, and then @error is not set; or
 *   %NULL with @error set to `G_IO_ERROR_TIMED_OUT` or `G_IO_ERROR_CANCELLED`
 *
 * Since: 1.0
 */
ResilientEvent *
resilient_subscription_wait_next (ResilientSubscription *self,
                                  double timeout,
                                  GCancellable *cancellable,
                                  GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), NULL);
  g_return_val_if_fail (!isnan (timeout), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return resilient_event_buffer_wait (self->stream, timeout, cancellable, error);
}

/**
 * resilient_subscription_close:
 * @self: a subscription
 *
 * Ends the stream from the reader's side.
 *
 * Events that were not read yet are discarded, and do not count as dropped. Whoever waits for an
 * event gets the end. Closing it again is fine.
 *
 * Since: 1.0
 */
void
resilient_subscription_close (ResilientSubscription *self)
{
  g_return_if_fail (RESILIENT_IS_SUBSCRIPTION (self));

  if (resilient_event_buffer_end (self->stream, TRUE))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CLOSED]);
}

/**
 * resilient_subscription_get_capacity: (get-property capacity)
 * @self: a subscription
 *
 * Gets how many events may wait to be read.
 *
 * Returns: the capacity
 *
 * Since: 1.0
 */
guint
resilient_subscription_get_capacity (ResilientSubscription *self)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), 0);

  return resilient_event_buffer_get_capacity (self->stream);
}

/**
 * resilient_subscription_get_length: (get-property length)
 * @self: a subscription
 *
 * Gets how many events wait to be read now.
 *
 * Returns: the number of events
 *
 * Since: 1.0
 */
guint
resilient_subscription_get_length (ResilientSubscription *self)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), 0);

  return resilient_event_buffer_get_length (self->stream);
}

/**
 * resilient_subscription_get_dropped: (get-property dropped)
 * @self: a subscription
 *
 * Gets how many events were lost because nobody read them in time.
 *
 * Returns: the number of events
 *
 * Since: 1.0
 */
guint64
resilient_subscription_get_dropped (ResilientSubscription *self)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), 0);

  return resilient_event_buffer_get_dropped (self->stream);
}

/**
 * resilient_subscription_get_closed: (get-property closed)
 * @self: a subscription
 *
 * Gets whether no more events come.
 *
 * Returns: %TRUE once the subscription or its client was closed
 *
 * Since: 1.0
 */
gboolean
resilient_subscription_get_closed (ResilientSubscription *self)
{
  g_return_val_if_fail (RESILIENT_IS_SUBSCRIPTION (self), FALSE);

  return resilient_event_buffer_is_ended (self->stream);
}
