/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-private.h"

#include <math.h>

/**
 * ResilientRequest:
 *
 * What is sent and how: method, URI, headers, body, retry policy and time-outs.
 *
 * A request can be changed and sent any number of times: sending takes a frozen
 * copy, so a later change touches only later sends. A value that is not valid, such as a URI
 * without scheme or a header with a line break, is reported when the request is sent, as
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * ```c
 * g_autoptr (ResilientRequest) request = NULL;
 *
 * request = resilient_request_new ("POST", "https://example.org/orders");
 * resilient_request_set_body_json (request, order);
 * resilient_request_set_idempotency_key (request, NULL);
 * resilient_request_set_total_timeout (request, 20.0);
 * ```
 *
 * With an idempotency key, a POST may be retried after it was sent. Durations are in seconds; -1
 * takes the client's, 0 is no limit.
 *
 * A request belongs to one thread at a time; what is sent does not.
 *
 * Since: 1.0
 */

enum
{
  PROP_METHOD = 1,
  PROP_URI,
  PROP_RETRY_POLICY,
  PROP_METADATA,
  PROP_PRIORITY,
  PROP_IDEMPOTENCY,
  PROP_MAX_RESPONSE_SIZE,
  PROP_CONNECT_TIMEOUT,
  PROP_READ_TIMEOUT,
  PROP_WRITE_TIMEOUT,
  PROP_QUEUE_TIMEOUT,
  PROP_ATTEMPT_TIMEOUT,
  PROP_TOTAL_TIMEOUT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientRequest, resilient_request, G_TYPE_OBJECT)

/* Where the value of a duration property lives. */
static double *
duration_field (ResilientRequest *self, guint prop_id)
{
  switch (prop_id)
    {
    case PROP_CONNECT_TIMEOUT:
      return &self->overrides.connect_timeout;
    case PROP_READ_TIMEOUT:
      return &self->overrides.read_timeout;
    case PROP_WRITE_TIMEOUT:
      return &self->overrides.write_timeout;
    case PROP_QUEUE_TIMEOUT:
      return &self->overrides.queue_timeout;
    case PROP_ATTEMPT_TIMEOUT:
      return &self->overrides.attempt_timeout;
    case PROP_TOTAL_TIMEOUT:
    default:
      return &self->overrides.total_timeout;
    }
}

/* @field is where one of the time-outs lives. What is no duration at all asks for the client's. */
void
resilient_request_set_duration (ResilientRequest *self, double *field, double value)
{
  if (isnan (value) || value < 0)
    value = -1;
  value = MIN (value, G_MAXDOUBLE);
  if (*field == value)
    return;
  *field = value;
  for (guint prop_id = PROP_CONNECT_TIMEOUT; prop_id <= PROP_TOTAL_TIMEOUT; prop_id++)
    if (duration_field (self, prop_id) == field)
      g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

static void
field_free (gpointer data)
{
  ResilientField *field = data;

  g_free (field->name);
  g_free (field->value);
  g_free (field);
}

static void
resilient_request_finalize (GObject *object)
{
  ResilientRequest *self = RESILIENT_REQUEST (object);

  g_free (self->method);
  g_free (self->uri);
  g_clear_pointer (&self->retry_policy, resilient_retry_policy_unref);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_ptr_array_unref (self->headers);
  g_ptr_array_unref (self->secret_headers);
  g_ptr_array_unref (self->query);
  g_clear_pointer (&self->body, resilient_body_unref);
  g_clear_error (&self->body_error);
  g_free (self->idempotency_key);

  G_OBJECT_CLASS (resilient_request_parent_class)->finalize (object);
}

static void
resilient_request_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  ResilientRequest *self = RESILIENT_REQUEST (object);

  switch (prop_id)
    {
    case PROP_METHOD:
      g_value_set_string (value, self->method);
      break;
    case PROP_URI:
      g_value_set_string (value, self->uri);
      break;
    case PROP_RETRY_POLICY:
      g_value_set_boxed (value, self->retry_policy);
      break;
    case PROP_METADATA:
      g_value_set_variant (value, self->metadata);
      break;
    case PROP_PRIORITY:
      g_value_set_int (value, self->priority);
      break;
    case PROP_IDEMPOTENCY:
      g_value_set_enum (value, self->idempotency);
      break;
    case PROP_MAX_RESPONSE_SIZE:
      g_value_set_int64 (value, self->overrides.max_response_size);
      break;
    case PROP_CONNECT_TIMEOUT:
    case PROP_READ_TIMEOUT:
    case PROP_WRITE_TIMEOUT:
    case PROP_QUEUE_TIMEOUT:
    case PROP_ATTEMPT_TIMEOUT:
    case PROP_TOTAL_TIMEOUT:
      g_value_set_double (value, *duration_field (self, prop_id));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_request_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  ResilientRequest *self = RESILIENT_REQUEST (object);

  switch (prop_id)
    {
    case PROP_METHOD:
      resilient_request_set_method (self, g_value_get_string (value));
      break;
    case PROP_URI:
      resilient_request_set_uri (self, g_value_get_string (value));
      break;
    case PROP_RETRY_POLICY:
      resilient_request_set_retry_policy (self, g_value_get_boxed (value));
      break;
    case PROP_METADATA:
      resilient_request_set_metadata (self, g_value_get_variant (value));
      break;
    case PROP_PRIORITY:
      resilient_request_set_priority (self, g_value_get_int (value));
      break;
    case PROP_IDEMPOTENCY:
      resilient_request_set_idempotency (self, g_value_get_enum (value));
      break;
    case PROP_MAX_RESPONSE_SIZE:
      resilient_request_set_max_response_size (self, g_value_get_int64 (value));
      break;
    case PROP_CONNECT_TIMEOUT:
    case PROP_READ_TIMEOUT:
    case PROP_WRITE_TIMEOUT:
    case PROP_QUEUE_TIMEOUT:
    case PROP_ATTEMPT_TIMEOUT:
    case PROP_TOTAL_TIMEOUT:
      resilient_request_set_duration (
        self, duration_field (self, prop_id), g_value_get_double (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
resilient_request_class_init (ResilientRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = resilient_request_finalize;
  object_class->get_property = resilient_request_get_property;
  object_class->set_property = resilient_request_set_property;

  /**
   * ResilientRequest:method:
   *
   * The HTTP method, as it is sent: any token but CONNECT.
   *
   * Since: 1.0
   */
  properties[PROP_METHOD] = g_param_spec_string ("method", NULL, NULL, "GET", flags);

  /**
   * ResilientRequest:uri:
   *
   * The absolute http or https URI, without what [method@Request.add_query_param] adds.
   *
   * Since: 1.0
   */
  properties[PROP_URI] = g_param_spec_string ("uri", NULL, NULL, NULL, flags);

  /**
   * ResilientRequest:retry-policy:
   *
   * The retry policy, or %NULL for the client's. The policy of a context given with the call wins
   * over both.
   *
   * Since: 1.0
   */
  properties[PROP_RETRY_POLICY] =
    g_param_spec_boxed ("retry-policy", NULL, NULL, RESILIENT_TYPE_RETRY_POLICY, flags);

  /**
   * ResilientRequest:metadata:
   *
   * What observers are told about the request, of type `a{sv}`, or %NULL. The metadata of a context
   * given with the call replaces it.
   *
   * Since: 1.0
   */
  properties[PROP_METADATA] =
    g_param_spec_variant ("metadata", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags);

  /**
   * ResilientRequest:priority:
   *
   * Where the request stands in the client's queue, like %G_PRIORITY_DEFAULT: lower goes first.
   *
   * Since: 1.0
   */
  properties[PROP_PRIORITY] =
    g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, flags);

  /**
   * ResilientRequest:idempotency:
   *
   * Whether sending the request twice does the same as sending it once.
   *
   * Since: 1.0
   */
  properties[PROP_IDEMPOTENCY] = g_param_spec_enum (
    "idempotency", NULL, NULL, RESILIENT_TYPE_IDEMPOTENCY, RESILIENT_IDEMPOTENCY_AUTO, flags);

  /**
   * ResilientRequest:max-response-size:
   *
   * The most bytes that the body of the response may have, after decoding: -1 for the client's
   * limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_RESPONSE_SIZE] =
    g_param_spec_int64 ("max-response-size", NULL, NULL, -1, G_MAXINT64, -1, flags);

  /**
   * ResilientRequest:connect-timeout:
   *
   * How long an attempt may take to get connected: resolving the name, connecting, TLS, and waiting
   * for a connection. In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_TIMEOUT] =
    g_param_spec_double ("connect-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  /**
   * ResilientRequest:read-timeout:
   *
   * How long no byte may be received while the answer is awaited or read.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_READ_TIMEOUT] =
    g_param_spec_double ("read-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  /**
   * ResilientRequest:write-timeout:
   *
   * How long the server may accept no byte of the request.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_WRITE_TIMEOUT] =
    g_param_spec_double ("write-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  /**
   * ResilientRequest:queue-timeout:
   *
   * How long the request may wait for a slot of the client.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_QUEUE_TIMEOUT] =
    g_param_spec_double ("queue-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  /**
   * ResilientRequest:attempt-timeout:
   *
   * How long one attempt may take in all.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_ATTEMPT_TIMEOUT] =
    g_param_spec_double ("attempt-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  /**
   * ResilientRequest:total-timeout:
   *
   * How long the request may take in all, attempts and the waits between them included.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_TOTAL_TIMEOUT] =
    g_param_spec_double ("total-timeout", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
resilient_request_init (ResilientRequest *self)
{
  self->method = g_strdup ("GET");
  self->headers = g_ptr_array_new_with_free_func (field_free);
  self->secret_headers = g_ptr_array_new_with_free_func (g_free);
  self->query = g_ptr_array_new_with_free_func (field_free);
  self->idempotency = RESILIENT_IDEMPOTENCY_AUTO;
  self->overrides = (ResilientOverrides) RESILIENT_OVERRIDES_NONE;
}
