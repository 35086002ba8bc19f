/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-private.h"

/**
 * resilient_request_get_connect_timeout: (get-property connect-timeout)
 * @self: a request
 *
 * Gets [property@Request:connect-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_connect_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.connect_timeout;
}

/**
 * resilient_request_set_connect_timeout: (set-property connect-timeout)
 * @self: a request
 * @connect_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:connect-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_connect_timeout (ResilientRequest *self, double connect_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.connect_timeout, connect_timeout);
}

/**
 * resilient_request_get_read_timeout: (get-property read-timeout)
 * @self: a request
 *
 * Gets [property@Request:read-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_read_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.read_timeout;
}

/**
 * resilient_request_set_read_timeout: (set-property read-timeout)
 * @self: a request
 * @read_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:read-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_read_timeout (ResilientRequest *self, double read_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.read_timeout, read_timeout);
}

/**
 * resilient_request_get_write_timeout: (get-property write-timeout)
 * @self: a request
 *
 * Gets [property@Request:write-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_write_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.write_timeout;
}

/**
 * resilient_request_set_write_timeout: (set-property write-timeout)
 * @self: a request
 * @write_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:write-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_write_timeout (ResilientRequest *self, double write_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.write_timeout, write_timeout);
}

/**
 * resilient_request_get_queue_timeout: (get-property queue-timeout)
 * @self: a request
 *
 * Gets [property@Request:queue-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_queue_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.queue_timeout;
}

/**
 * resilient_request_set_queue_timeout: (set-property queue-timeout)
 * @self: a request
 * @queue_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:queue-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_queue_timeout (ResilientRequest *self, double queue_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.queue_timeout, queue_timeout);
}

/**
 * resilient_request_get_attempt_timeout: (get-property attempt-timeout)
 * @self: a request
 *
 * Gets [property@Request:attempt-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_attempt_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.attempt_timeout;
}

/**
 * resilient_request_set_attempt_timeout: (set-property attempt-timeout)
 * @self: a request
 * @attempt_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:attempt-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_attempt_timeout (ResilientRequest *self, double attempt_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.attempt_timeout, attempt_timeout);
}

/**
 * resilient_request_get_total_timeout: (get-property total-timeout)
 * @self: a request
 *
 * Gets [property@Request:total-timeout].
 *
 * Returns: seconds; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
double
resilient_request_get_total_timeout (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.total_timeout;
}

/**
 * resilient_request_set_total_timeout: (set-property total-timeout)
 * @self: a request
 * @total_timeout: seconds; -1 for the client's limit, 0 for none
 *
 * Sets [property@Request:total-timeout].
 *
 * Since: 1.0
 */
void
resilient_request_set_total_timeout (ResilientRequest *self, double total_timeout)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  resilient_request_set_duration (self, &self->overrides.total_timeout, total_timeout);
}
