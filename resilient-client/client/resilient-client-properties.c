/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-client-private.h"

/* Reading and writing the properties; what they are stands in resilient-client-pspecs.c. */

void
resilient_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  switch (prop_id)
    {
    case RESILIENT_CLIENT_PROP_SESSION:
      g_value_set_object (value, resilient_client_get_session (self));
      break;
    case RESILIENT_CLIENT_PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, resilient_client_get_main_context (self));
      break;
    case RESILIENT_CLIENT_PROP_RETRY_POLICY:
      g_value_take_boxed (value, resilient_client_get_retry_policy (self));
      break;
    case RESILIENT_CLIENT_PROP_USER_AGENT:
      g_value_set_static_string (value, resilient_client_get_user_agent (self));
      break;
    case RESILIENT_CLIENT_PROP_IO_PRIORITY:
      g_value_set_int (value, resilient_client_get_io_priority (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_CONCURRENT:
      g_value_set_uint (value, resilient_client_get_max_concurrent (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_CONCURRENT_PER_HOST:
      g_value_set_uint (value, resilient_client_get_max_concurrent_per_host (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_PENDING:
      g_value_set_uint (value, resilient_client_get_max_pending (self));
      break;
    case RESILIENT_CLIENT_PROP_CONNECT_TIMEOUT:
      g_value_set_double (value, resilient_client_get_connect_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_READ_TIMEOUT:
      g_value_set_double (value, resilient_client_get_read_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_WRITE_TIMEOUT:
      g_value_set_double (value, resilient_client_get_write_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_QUEUE_TIMEOUT:
      g_value_set_double (value, resilient_client_get_queue_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_ATTEMPT_TIMEOUT:
      g_value_set_double (value, resilient_client_get_attempt_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_TOTAL_TIMEOUT:
      g_value_set_double (value, resilient_client_get_total_timeout (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESPONSE_SIZE:
      g_value_set_uint64 (value, resilient_client_get_max_response_size (self));
      break;
    case RESILIENT_CLIENT_PROP_EVENT_QUEUE_CAPACITY:
      g_value_set_uint (value, resilient_client_get_event_queue_capacity (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESULTS:
      g_value_set_uint (value, resilient_client_get_max_results (self));
      break;
    case RESILIENT_CLIENT_PROP_RESULT_TTL:
      g_value_set_double (value, resilient_client_get_result_ttl (self));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESULT_BYTES:
      g_value_set_uint64 (value, resilient_client_get_max_result_bytes (self));
      break;
    case RESILIENT_CLIENT_PROP_ACTIVE_COUNT:
      g_value_set_uint (value, resilient_client_get_active_count (self));
      break;
    case RESILIENT_CLIENT_PROP_PENDING_COUNT:
      g_value_set_uint (value, resilient_client_get_pending_count (self));
      break;
    case RESILIENT_CLIENT_PROP_RESULT_COUNT:
      g_value_set_uint (value, resilient_client_get_result_count (self));
      break;
    case RESILIENT_CLIENT_PROP_EVENT_QUEUE_LENGTH:
      g_value_set_uint (value, resilient_client_get_event_queue_length (self));
      break;
    case RESILIENT_CLIENT_PROP_DROPPED_EVENTS:
      g_value_set_uint64 (value, resilient_client_get_dropped_events (self));
      break;
    case RESILIENT_CLIENT_PROP_CLOSED:
      g_value_set_boolean (value, resilient_client_get_closed (self));
      break;
    case RESILIENT_CLIENT_PROP_CALLS:
      g_value_set_object (value, resilient_client_get_calls (self));
      break;
    case RESILIENT_CLIENT_PROP_ORIGINS:
      g_value_set_object (value, resilient_client_get_origins (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

void
resilient_client_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  ResilientClient *self = RESILIENT_CLIENT (object);

  switch (prop_id)
    {
    case RESILIENT_CLIENT_PROP_SESSION:
      self->given_session = g_value_dup_object (value);
      break;
    case RESILIENT_CLIENT_PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;
    case RESILIENT_CLIENT_PROP_RETRY_POLICY:
      resilient_client_set_retry_policy (self, g_value_get_boxed (value));
      break;
    case RESILIENT_CLIENT_PROP_USER_AGENT:
      resilient_client_set_user_agent (self, g_value_get_string (value));
      break;
    case RESILIENT_CLIENT_PROP_IO_PRIORITY:
      resilient_client_set_io_priority (self, g_value_get_int (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_CONCURRENT:
      resilient_client_set_max_concurrent (self, g_value_get_uint (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_CONCURRENT_PER_HOST:
      resilient_client_set_max_concurrent_per_host (self, g_value_get_uint (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_PENDING:
      resilient_client_set_max_pending (self, g_value_get_uint (value));
      break;
    case RESILIENT_CLIENT_PROP_CONNECT_TIMEOUT:
      resilient_client_set_connect_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_READ_TIMEOUT:
      resilient_client_set_read_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_WRITE_TIMEOUT:
      resilient_client_set_write_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_QUEUE_TIMEOUT:
      resilient_client_set_queue_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_ATTEMPT_TIMEOUT:
      resilient_client_set_attempt_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_TOTAL_TIMEOUT:
      resilient_client_set_total_timeout (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESPONSE_SIZE:
      resilient_client_set_max_response_size (self, g_value_get_uint64 (value));
      break;
    case RESILIENT_CLIENT_PROP_EVENT_QUEUE_CAPACITY:
      resilient_client_set_event_queue_capacity (self, g_value_get_uint (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESULTS:
      resilient_client_set_max_results (self, g_value_get_uint (value));
      break;
    case RESILIENT_CLIENT_PROP_RESULT_TTL:
      resilient_client_set_result_ttl (self, g_value_get_double (value));
      break;
    case RESILIENT_CLIENT_PROP_MAX_RESULT_BYTES:
      resilient_client_set_max_result_bytes (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}
