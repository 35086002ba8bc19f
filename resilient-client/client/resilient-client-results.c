/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"
#include "resilient-subscription-private.h"

/* What was: results, statistics, subscriptions, and how much of it is kept; any thread. */

/**
 * resilient_client_get_event_queue_capacity:
 * @self: a client
 *
 * Gets [property@Client:event-queue-capacity].
 *
 * Returns: the number of events
 *
 * Since: 1.0
 */
guint
resilient_client_get_event_queue_capacity (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_capacity (resilient_recorder_get_queue (self->engine->recorder));
}

/**
 * resilient_client_set_event_queue_capacity:
 * @self: a client
 * @event_queue_capacity: the number of events; with 0 every retry event is dropped
 *
 * Sets [property@Client:event-queue-capacity].
 *
 * Since: 1.0
 */
void
resilient_client_set_event_queue_capacity (ResilientClient *self, guint event_queue_capacity)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_client_get_event_queue_capacity (self) == event_queue_capacity)
    return;
  resilient_event_queue_set_capacity (resilient_recorder_get_queue (self->engine->recorder),
                                      event_queue_capacity);
  g_object_notify (G_OBJECT (self), "event-queue-capacity");
}

/**
 * resilient_client_get_max_results:
 * @self: a client
 *
 * Gets [property@Client:max-results].
 *
 * Returns: the number of results; 0 = none
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_results (ResilientClient *self)
{
  GET_SETTING (self, max_results);
}

/**
 * resilient_client_set_max_results:
 * @self: a client
 * @max_results: the number of results; 0 = none
 *
 * Sets [property@Client:max-results]. Results that are too many leave at once.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_results (ResilientClient *self, guint max_results)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  SET_SETTING (self, max_results);
  resilient_recorder_set_max_results (self->engine->recorder, max_results);
  g_object_notify (G_OBJECT (self), "max-results");
}

/**
 * resilient_client_get_result_ttl:
 * @self: a client
 *
 * Gets [property@Client:result-ttl].
 *
 * Returns: seconds; 0 = none
 *
 * Since: 1.0
 */
double
resilient_client_get_result_ttl (ResilientClient *self)
{
  GET_SETTING (self, result_ttl);
}

/**
 * resilient_client_set_result_ttl:
 * @self: a client
 * @result_ttl: seconds, not negative; 0 = none
 *
 * Sets [property@Client:result-ttl].
 *
 * Since: 1.0
 */
void
resilient_client_set_result_ttl (ResilientClient *self, double result_ttl)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (result_ttl >= 0);

  SET_SETTING (self, result_ttl);
  resilient_recorder_set_result_ttl (self->engine->recorder, result_ttl);
  g_object_notify (G_OBJECT (self), "result-ttl");
}

/**
 * resilient_client_get_max_result_bytes:
 * @self: a client
 *
 * Gets [property@Client:max-result-bytes].
 *
 * Returns: bytes; 0 = none
 *
 * Since: 1.0
 */
guint64
resilient_client_get_max_result_bytes (ResilientClient *self)
{
  GET_SETTING (self, max_result_bytes);
}

/**
 * resilient_client_set_max_result_bytes:
 * @self: a client
 * @max_result_bytes: bytes; 0 = none
 *
 * Sets [property@Client:max-result-bytes].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_result_bytes (ResilientClient *self, guint64 max_result_bytes)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  SET_SETTING (self, max_result_bytes);
  resilient_recorder_set_max_result_bytes (self->engine->recorder, max_result_bytes);
  g_object_notify (G_OBJECT (self), "max-result-bytes");
}

/**
 * resilient_client_get_result:
 * @self: a client
 * @request_id: the id of a request
 *
 * Gets the newest result of that id; a PENDING one while a request of that id is alive.
 *
 * Returns: (nullable) (transfer full): the result, or %NULL if none is known (any more)
 *
 * Since: 1.0
 */
ResilientResult *
resilient_client_get_result (ResilientClient *self, const char *request_id)
{
  g_autoptr (ResilientCall) call = NULL;

  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (request_id != NULL, NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return NULL;

  call = resilient_engine_find_call (self->engine, request_id);
  if (call != NULL)
    return resilient_call_snapshot (call);

  return resilient_recorder_get_result (self->engine->recorder, request_id);
}

/**
 * resilient_client_list_results:
 * @self: a client
 *
 * Lists the results that are kept, oldest first; live requests have none.
 *
 * Returns: (transfer container) (element-type ResilientResult): the results
 *
 * Since: 1.0
 */
GPtrArray *
resilient_client_list_results (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_result_unref);

  return resilient_recorder_list_results (self->engine->recorder);
}

/**
 * resilient_client_clear_old_results:
 * @self: a client
 * @max_age: seconds, at least 0; 0 clears all
 *
 * Drops the results that are at least @max_age seconds old.
 *
 * Returns: how many were dropped
 *
 * Since: 1.0
 */
guint
resilient_client_clear_old_results (ResilientClient *self, double max_age)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  g_return_val_if_fail (max_age >= 0, 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_recorder_clear_old_results (self->engine->recorder, max_age);
}

/**
 * resilient_client_get_stats:
 * @self: a client
 *
 * Takes a snapshot of the counters, which never forget, unlike the results.
 *
 * Returns: (transfer full): the statistics so far
 *
 * Since: 1.0
 */
ResilientStats *
resilient_client_get_stats (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    {
      const ResilientStatsData none = { 0 };

      return resilient_stats_new (&none);
    }

  return resilient_recorder_get_stats (self->engine->recorder);
}

/**
 * resilient_client_subscribe:
 * @self: a client
 * @capacity: how many events it holds, at least 1; when full it drops the oldest
 *
 * Opens a stream of the events to come, to be read from any thread. It lasts as long as the caller
 * keeps it: dropping it ends it.
 *
 * Returns: (transfer full): the subscription; ended already if the client is closed
 *
 * Since: 1.0
 */
ResilientSubscription *
resilient_client_subscribe (ResilientClient *self, guint capacity)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), NULL);
  g_return_val_if_fail (capacity > 0, NULL);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return resilient_subscription_new_ended (capacity);

  return resilient_recorder_subscribe (self->engine->recorder, capacity);
}

/**
 * resilient_client_get_result_count:
 * @self: a client
 *
 * Gets how many results are kept.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_result_count (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);
  if (resilient_engine_is_foreign (self->engine, NULL))
    return 0;

  return resilient_recorder_get_result_count (self->engine->recorder);
}

/**
 * resilient_client_get_event_queue_length:
 * @self: a client
 *
 * Gets how many events are on their way to signal handlers.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
resilient_client_get_event_queue_length (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_length (resilient_recorder_get_queue (self->engine->recorder));
}

/**
 * resilient_client_get_dropped_events:
 * @self: a client
 *
 * Gets how many events signal handlers did not get because too many were on their way already.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
resilient_client_get_dropped_events (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), 0);

  return resilient_event_queue_get_dropped (resilient_recorder_get_queue (self->engine->recorder));
}
