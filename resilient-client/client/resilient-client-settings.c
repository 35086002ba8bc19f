/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

/* The settings that a call takes along when it starts; any thread, changes touch later calls only.
 * Limits act at once. */

/**
 * resilient_client_get_io_priority:
 * @self: a client
 *
 * Gets [property@Client:io-priority].
 *
 * Returns: the priority, like %G_PRIORITY_DEFAULT
 *
 * Since: 1.0
 */
int
resilient_client_get_io_priority (ResilientClient *self)
{
  g_return_val_if_fail (RESILIENT_IS_CLIENT (self), G_PRIORITY_DEFAULT);

  return resilient_engine_get_io_priority (self->engine);
}

/**
 * resilient_client_set_io_priority:
 * @self: a client
 * @io_priority: the priority, like %G_PRIORITY_DEFAULT; lower goes first
 *
 * Sets [property@Client:io-priority]. Attempts that are under way go on with the one that they
 * have.
 *
 * Since: 1.0
 */
void
resilient_client_set_io_priority (ResilientClient *self, int io_priority)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  if (resilient_engine_is_foreign (self->engine, NULL))
    return;

  if (resilient_engine_get_io_priority (self->engine) == io_priority)
    return;
  resilient_engine_set_io_priority (self->engine, io_priority);
  if (self->monitor != NULL)
    g_source_set_priority (self->monitor, resilient_engine_get_source_priority (self->engine));
  g_object_notify (G_OBJECT (self), "io-priority");
}

/**
 * resilient_client_get_max_concurrent:
 * @self: a client
 *
 * Gets [property@Client:max-concurrent].
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_concurrent (ResilientClient *self)
{
  GET_SETTING (self, max_concurrent);
}

/**
 * resilient_client_set_max_concurrent:
 * @self: a client
 * @max_concurrent: the number of requests, at least 1
 *
 * Sets [property@Client:max-concurrent]. A higher limit lets waiting requests go at once; a lower
 * one stops none that runs.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_concurrent (ResilientClient *self, guint max_concurrent)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (max_concurrent > 0);

  SET_SETTING (self, max_concurrent);
  resilient_engine_apply_limits (self->engine);
  g_object_notify (G_OBJECT (self), "max-concurrent");
}

/**
 * resilient_client_get_max_concurrent_per_host:
 * @self: a client
 *
 * Gets [property@Client:max-concurrent-per-host].
 *
 * Returns: the number of requests; 0 = automatic
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_concurrent_per_host (ResilientClient *self)
{
  GET_SETTING (self, max_concurrent_per_host);
}

/**
 * resilient_client_set_max_concurrent_per_host:
 * @self: a client
 * @max_concurrent_per_host: the number of requests, at least 1; 0 = automatic
 *
 * Sets [property@Client:max-concurrent-per-host].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_concurrent_per_host (ResilientClient *self, guint max_concurrent_per_host)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  SET_SETTING (self, max_concurrent_per_host);
  resilient_engine_apply_limits (self->engine);
  g_object_notify (G_OBJECT (self), "max-concurrent-per-host");
}

/**
 * resilient_client_get_max_pending:
 * @self: a client
 *
 * Gets [property@Client:max-pending].
 *
 * Returns: the number of requests
 *
 * Since: 1.0
 */
guint
resilient_client_get_max_pending (ResilientClient *self)
{
  GET_SETTING (self, max_pending);
}

/**
 * resilient_client_set_max_pending:
 * @self: a client
 * @max_pending: the number of requests; 0 = none may wait
 *
 * Sets [property@Client:max-pending].
 *
 * Since: 1.0
 */
void
resilient_client_set_max_pending (ResilientClient *self, guint max_pending)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  SET_SETTING (self, max_pending);
  resilient_engine_apply_limits (self->engine);
  g_object_notify (G_OBJECT (self), "max-pending");
}

/**
 * resilient_client_get_connect_timeout:
 * @self: a client
 *
 * Gets [property@Client:connect-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_connect_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->connect_timeout);
}

/**
 * resilient_client_set_connect_timeout:
 * @self: a client
 * @connect_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:connect-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_connect_timeout (ResilientClient *self, double connect_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (connect_timeout >= 0);

  SET_LIMIT (self, connect_timeout);
  g_object_notify (G_OBJECT (self), "connect-timeout");
}

/**
 * resilient_client_get_read_timeout:
 * @self: a client
 *
 * Gets [property@Client:read-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_read_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->read_timeout);
}

/**
 * resilient_client_set_read_timeout:
 * @self: a client
 * @read_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:read-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_read_timeout (ResilientClient *self, double read_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (read_timeout >= 0);

  SET_LIMIT (self, read_timeout);
  g_object_notify (G_OBJECT (self), "read-timeout");
}

/**
 * resilient_client_get_write_timeout:
 * @self: a client
 *
 * Gets [property@Client:write-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_write_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->write_timeout);
}

/**
 * resilient_client_set_write_timeout:
 * @self: a client
 * @write_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:write-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_write_timeout (ResilientClient *self, double write_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (write_timeout >= 0);

  SET_LIMIT (self, write_timeout);
  g_object_notify (G_OBJECT (self), "write-timeout");
}

/**
 * resilient_client_get_queue_timeout:
 * @self: a client
 *
 * Gets [property@Client:queue-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_queue_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->queue_timeout);
}

/**
 * resilient_client_set_queue_timeout:
 * @self: a client
 * @queue_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:queue-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_queue_timeout (ResilientClient *self, double queue_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (queue_timeout >= 0);

  SET_LIMIT (self, queue_timeout);
  g_object_notify (G_OBJECT (self), "queue-timeout");
}

/**
 * resilient_client_get_attempt_timeout:
 * @self: a client
 *
 * Gets [property@Client:attempt-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_attempt_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->attempt_timeout);
}

/**
 * resilient_client_set_attempt_timeout:
 * @self: a client
 * @attempt_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:attempt-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_attempt_timeout (ResilientClient *self, double attempt_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (attempt_timeout >= 0);

  SET_LIMIT (self, attempt_timeout);
  g_object_notify (G_OBJECT (self), "attempt-timeout");
}

/**
 * resilient_client_get_total_timeout:
 * @self: a client
 *
 * Gets [property@Client:total-timeout].
 *
 * Returns: seconds; 0 = no limit
 *
 * Since: 1.0
 */
double
resilient_client_get_total_timeout (ResilientClient *self)
{
  GET_SETTING (self, limits->total_timeout);
}

/**
 * resilient_client_set_total_timeout:
 * @self: a client
 * @total_timeout: seconds, not negative; 0 = no limit
 *
 * Sets [property@Client:total-timeout], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_total_timeout (ResilientClient *self, double total_timeout)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));
  g_return_if_fail (total_timeout >= 0);

  SET_LIMIT (self, total_timeout);
  g_object_notify (G_OBJECT (self), "total-timeout");
}

/**
 * resilient_client_get_max_response_size:
 * @self: a client
 *
 * Gets [property@Client:max-response-size].
 *
 * Returns: bytes; 0 = no limit
 *
 * Since: 1.0
 */
guint64
resilient_client_get_max_response_size (ResilientClient *self)
{
  GET_SETTING (self, limits->max_response_size);
}

/**
 * resilient_client_set_max_response_size:
 * @self: a client
 * @max_response_size: bytes; 0 = no limit
 *
 * Sets [property@Client:max-response-size], for requests that are started later.
 *
 * Since: 1.0
 */
void
resilient_client_set_max_response_size (ResilientClient *self, guint64 max_response_size)
{
  g_return_if_fail (RESILIENT_IS_CLIENT (self));

  SET_LIMIT (self, max_response_size);
  g_object_notify (G_OBJECT (self), "max-response-size");
}
