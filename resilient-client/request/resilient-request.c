/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request as an app makes it, and how it is frozen when it is sent. It owns what was set, and the
 * mistakes that were made in setting it, for they are told when it is sent and not before. Of one
 * thread at a time. */

#include "config.h"

#include "resilient-request-private.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-fallback-private.h"
#include "resilient-i18n-private.h"
#include "resilient-json-private.h"
#include "resilient-random-private.h"

/**
 * ResilientRequest:
 *
 * What is sent and how: method, URI, headers, body, retry policy and time-outs.
 *
 * A request can be changed and sent any number of times: sending takes a frozen
 * copy, so a later change touches only later sends.
 *
 * No function here fails on a value that is not valid, such as a header with a line break, a URI
 * without scheme or a time-out that is no number. Sending the request reports the first such value,
 * as %RESILIENT_CLIENT_ERROR_INVALID_REQUEST with the name of what it was for, and nothing is sent.
 * A valid value for the same thing takes its place.
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

/* Why a value was not taken. */
typedef struct
{
  char *field; /* what it was for: a header, or else a property or something like it */
  gboolean is_header;
  GError *error;
} Mistake;

struct _ResilientRequest
{
  GObject parent_instance;

  /* All of the thread that uses the request. Method and URI are as they were given, and checked
   * when the request is frozen; of the rest only what is valid gets here. */
  char *method;              /* nullable */
  char *uri;                 /* nullable */
  GString *query;            /* what is added to that of the URI, encoded; nullable */
  ResilientHeaders *headers; /* nullable */
  gboolean headers_shared;   /* others look at them too: a copy is changed */
  ResilientBody *body;       /* nullable */
  char *idempotency_key;     /* nullable */
  gboolean draw_idempotency_key;
  char **fallback_uris;        /* nullable: none */
  ResilientFallback *fallback; /* nullable */
  gboolean coalesce;
  char *trace_parent;                 /* nullable */
  char *trace_state;                  /* nullable */
  ResilientRetryPolicy *retry_policy; /* nullable */
  GVariant *metadata;                 /* nullable, a{sv} */
  ResilientIdempotency idempotency;
  int priority;
  ResilientOverrides overrides;
  GPtrArray *mistakes; /* Mistake, in the order in which they were made; NULL: none yet */
};

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
  PROP_FALLBACK_URIS,
  PROP_COALESCE,
  PROP_TRACE_PARENT,
  PROP_TRACE_STATE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (ResilientRequest, resilient_request, G_TYPE_OBJECT)

static void
mistake_free (gpointer data)
{
  Mistake *mistake = data;

  g_free (mistake->field);
  g_error_free (mistake->error);
  g_free (mistake);
}

/* @error is taken; NULL: there is none. */
static void
add_mistake (ResilientRequest *self, const char *field, gboolean is_header, GError *error)
{
  Mistake *mistake;

  if (error == NULL)
    return;
  mistake = g_new (Mistake, 1);
  mistake->field = g_strdup (field);
  mistake->is_header = is_header;
  mistake->error = error;
  if (self->mistakes == NULL)
    self->mistakes = g_ptr_array_new_with_free_func (mistake_free);
  g_ptr_array_add (self->mistakes, mistake);
}

/* @field is set anew: what was wrong with it counts no more. */
static void
forget_mistakes (ResilientRequest *self, const char *field, gboolean is_header)
{
  for (guint i = self->mistakes != NULL ? self->mistakes->len : 0; i > 0; i--)
    {
      Mistake *mistake = g_ptr_array_index (self->mistakes, i - 1);

      if (mistake->is_header == is_header && g_ascii_strcasecmp (mistake->field, field) == 0)
        g_ptr_array_remove_index (self->mistakes, i - 1);
    }
}

/* @field is set to what is wrong with @error, which is taken, or to what is good. */
static void
note_mistake (ResilientRequest *self, const char *field, GError *error)
{
  forget_mistakes (self, field, FALSE);
  add_mistake (self, field, FALSE, error);
}

static GError *
new_invalid (const char *message)
{
  return g_error_new_literal (
    RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST, message);
}

static GError *
new_bad_size (const char *name, gint64 size)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, size);

  return g_error_new (RESILIENT_CLIENT_ERROR,
                      RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                      /* Translators: the first %s is the name of a property or a parameter, such as
                         max-response-size, the second a negative number. */
                      _ ("“%s” must be a number of bytes, 0 or more, or -1, and is %s"),
                      name,
                      text);
}

static void
set_string (ResilientRequest *self, char **field, const char *value, guint prop_id)
{
  g_autofree char *old = *field;

  if (g_strcmp0 (old, value) == 0)
    {
      g_steal_pointer (&old);
      return;
    }
  *field = g_strdup (value);
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

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

/* For ever is no limit; it is kept as a number that can be computed with. */
static void
set_duration (ResilientRequest *self, guint prop_id, double value)
{
  const char *name = properties[prop_id]->name;
  double *field = duration_field (self, prop_id);
  GError *error = NULL;

  if (isnan (value) || (value < 0 && value != -1))
    g_set_error (&error,
                 RESILIENT_CLIENT_ERROR,
                 RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                 /* Translators: %s is the name of a property, such as read-timeout. */
                 _ ("“%s” must be a number of seconds, 0 or more, or -1 for the client’s, and is "
                    "%g"),
                 name,
                 value);
  note_mistake (self, name, error);
  value = MIN (value, G_MAXDOUBLE);
  if (error != NULL || *field == value)
    return;
  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

/* Makes the headers ready for a change, and returns them as they were, to be kept while it is made:
 * what they are to become may be text of theirs. They are copied when others look at them too, or
 * when fields of @name go, whose text they would keep otherwise. */
static ResilientHeaders *
edit_headers (ResilientRequest *self, const char *name)
{
  ResilientHeaders *old = self->headers;

  if (old == NULL)
    {
      self->headers = resilient_headers_new ();
      old = resilient_headers_ref (self->headers);
    }
  else if (self->headers_shared || (name != NULL && resilient_headers_get_one (old, name) != NULL))
    {
      self->headers = resilient_headers_copy (old);
    }
  else
    {
      resilient_headers_ref (old);
    }
  self->headers_shared = FALSE;
  return old;
}

/* Both of us copy them before a change. */
static ResilientHeaders *
share_headers (ResilientRequest *self)
{
  self->headers_shared = TRUE;
  return self->headers != NULL ? resilient_headers_ref (self->headers) : NULL;
}

static gboolean
check_header (ResilientRequest *self, const char *name, const char *value)
{
  GError *error = NULL;
  gboolean good = resilient_headers_check_field (name, value, &error);

  add_mistake (self, name, TRUE, error);
  return good;
}

/* With the body, or NULL and the error, which are taken. */
static void
take_body (ResilientRequest *self, ResilientBody *body, GError *error)
{
  g_clear_pointer (&self->body, resilient_body_unref);
  self->body = body;
  note_mistake (self, "body", error);
}

static gboolean
check_content_type (ResilientRequest *self, const char *content_type)
{
  GError *error = NULL;

  if (resilient_headers_check_content_type (content_type, &error))
    return TRUE;
  take_body (self, NULL, error);
  return FALSE;
}

static void
resilient_request_finalize (GObject *object)
{
  ResilientRequest *self = RESILIENT_REQUEST (object);

  g_free (self->method);
  g_free (self->uri);
  if (self->query != NULL)
    g_string_free (self->query, TRUE);
  g_clear_pointer (&self->headers, resilient_headers_unref);
  g_clear_pointer (&self->body, resilient_body_unref);
  g_free (self->idempotency_key);
  g_strfreev (self->fallback_uris);
  g_clear_pointer (&self->fallback, resilient_fallback_unref);
  g_free (self->trace_parent);
  g_free (self->trace_state);
  g_clear_pointer (&self->retry_policy, resilient_retry_policy_unref);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_clear_pointer (&self->mistakes, g_ptr_array_unref);

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
    case PROP_FALLBACK_URIS:
      g_value_set_boxed (value, self->fallback_uris);
      break;
    case PROP_COALESCE:
      g_value_set_boolean (value, self->coalesce);
      break;
    case PROP_TRACE_PARENT:
      g_value_set_string (value, self->trace_parent);
      break;
    case PROP_TRACE_STATE:
      g_value_set_string (value, self->trace_state);
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
      set_duration (self, prop_id, g_value_get_double (value));
      break;
    case PROP_FALLBACK_URIS:
      resilient_request_set_fallback_uris (self, g_value_get_boxed (value));
      break;
    case PROP_COALESCE:
      resilient_request_set_coalesce (self, g_value_get_boolean (value));
      break;
    case PROP_TRACE_PARENT:
      resilient_request_set_trace_parent (self, g_value_get_string (value));
      break;
    case PROP_TRACE_STATE:
      resilient_request_set_trace_state (self, g_value_get_string (value));
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
  /* A number that is out of range is reported when the request is sent, and no warning of
   * GObject's. */
  const GParamFlags number_flags = flags | G_PARAM_LAX_VALIDATION;

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
    g_param_spec_int64 ("max-response-size", NULL, NULL, G_MININT64, G_MAXINT64, -1, number_flags);

  /**
   * ResilientRequest:connect-timeout:
   *
   * How long an attempt may take to get connected: resolving the name, connecting, TLS, and waiting
   * for a connection. In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_TIMEOUT] = g_param_spec_double (
    "connect-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:read-timeout:
   *
   * How long no byte may be received while the answer is awaited or read.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_READ_TIMEOUT] =
    g_param_spec_double ("read-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:write-timeout:
   *
   * How long the server may accept no byte of the request.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_WRITE_TIMEOUT] =
    g_param_spec_double ("write-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:queue-timeout:
   *
   * How long the request may wait for a slot of the client.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_QUEUE_TIMEOUT] =
    g_param_spec_double ("queue-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:attempt-timeout:
   *
   * How long one attempt may take in all.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_ATTEMPT_TIMEOUT] = g_param_spec_double (
    "attempt-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:total-timeout:
   *
   * How long the request may take in all, attempts and the waits between them included.
   * In seconds; -1 for the client's limit, 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_TOTAL_TIMEOUT] =
    g_param_spec_double ("total-timeout", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, -1, number_flags);

  /**
   * ResilientRequest:fallback-uris:
   *
   * Absolute http or https URIs of mirrors, which are tried in turn when the first one fails; %NULL
   * or empty for none.
   *
   * Since: 1.0
   */
  properties[PROP_FALLBACK_URIS] =
    g_param_spec_boxed ("fallback-uris", NULL, NULL, G_TYPE_STRV, flags);

  /**
   * ResilientRequest:coalesce:
   *
   * Whether the request may share an attempt of another one of the same client that asks for the
   * same, see [method@Request.set_coalesce].
   *
   * Since: 1.0
   */
  properties[PROP_COALESCE] = g_param_spec_boolean ("coalesce", NULL, NULL, FALSE, flags);

  /**
   * ResilientRequest:trace-parent:
   *
   * The trace to which the request belongs, as a `traceparent` header of
   * [W3C Trace Context](https://www.w3.org/TR/trace-context/); %NULL for none.
   *
   * Since: 1.0
   */
  properties[PROP_TRACE_PARENT] = g_param_spec_string ("trace-parent", NULL, NULL, NULL, flags);

  /**
   * ResilientRequest:trace-state:
   *
   * What tracing systems hand on to each other along with the trace, as a `tracestate` header;
   * %NULL for nothing.
   *
   * Since: 1.0
   */
  properties[PROP_TRACE_STATE] = g_param_spec_string ("trace-state", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
resilient_request_init (ResilientRequest *self)
{
  self->method = g_strdup ("GET");
  self->idempotency = RESILIENT_IDEMPOTENCY_AUTO;
  self->overrides = (ResilientOverrides) RESILIENT_OVERRIDES_NONE;
}

/**
 * resilient_request_new:
 * @method: an HTTP method
 * @uri: an absolute http or https URI
 *
 * Creates a request. A method or URI that is not valid is reported when the request is sent.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
ResilientRequest *
resilient_request_new (const char *method, const char *uri)
{
  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (uri != NULL, NULL);

  return g_object_new (RESILIENT_TYPE_REQUEST, "method", method, "uri", uri, NULL);
}

/**
 * resilient_request_new_from_uri:
 * @method: an HTTP method
 * @uri: an absolute http or https URI
 *
 * Creates a request for a parsed URI.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
ResilientRequest *
resilient_request_new_from_uri (const char *method, GUri *uri)
{
  g_autofree char *text = NULL;

  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (uri != NULL, NULL);

  text = g_uri_to_string (uri);
  return g_object_new (RESILIENT_TYPE_REQUEST, "method", method, "uri", text, NULL);
}

/**
 * resilient_request_copy:
 * @self: a request
 *
 * Copies a request with all that was set, what is not valid included.
 *
 * A body is shared, as it never changes; so a stream that can be read once is still read once only,
 * whichever of the two is sent.
 *
 * Returns: (transfer full): a new request
 *
 * Since: 1.0
 */
ResilientRequest *
resilient_request_copy (ResilientRequest *self)
{
  ResilientRequest *copy;

  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  copy = g_object_new (RESILIENT_TYPE_REQUEST, NULL);
  g_free (copy->method);
  copy->method = g_strdup (self->method);
  copy->uri = g_strdup (self->uri);
  if (self->query != NULL)
    copy->query = g_string_new_len (self->query->str, (gssize) self->query->len);
  copy->headers = share_headers (self);
  copy->headers_shared = TRUE;
  if (self->body != NULL)
    copy->body = resilient_body_ref (self->body);
  copy->idempotency_key = g_strdup (self->idempotency_key);
  copy->draw_idempotency_key = self->draw_idempotency_key;
  copy->fallback_uris = g_strdupv (self->fallback_uris);
  if (self->fallback != NULL)
    copy->fallback = resilient_fallback_ref (self->fallback);
  copy->coalesce = self->coalesce;
  copy->trace_parent = g_strdup (self->trace_parent);
  copy->trace_state = g_strdup (self->trace_state);
  if (self->retry_policy != NULL)
    copy->retry_policy = resilient_retry_policy_ref (self->retry_policy);
  if (self->metadata != NULL)
    copy->metadata = g_variant_ref (self->metadata);
  copy->idempotency = self->idempotency;
  copy->priority = self->priority;
  copy->overrides = self->overrides;
  for (guint i = 0; self->mistakes != NULL && i < self->mistakes->len; i++)
    {
      Mistake *mistake = g_ptr_array_index (self->mistakes, i);

      add_mistake (copy, mistake->field, mistake->is_header, g_error_copy (mistake->error));
    }
  return copy;
}

/**
 * resilient_request_get_method: (get-property method)
 * @self: a request
 *
 * Gets the HTTP method.
 *
 * Returns: (nullable): the HTTP method
 *
 * Since: 1.0
 */
const char *
resilient_request_get_method (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->method;
}

/**
 * resilient_request_set_method: (set-property method)
 * @self: a request
 * @method: (nullable): the HTTP method; checked when the request is sent
 *
 * Sets the HTTP method.
 *
 * Since: 1.0
 */
void
resilient_request_set_method (ResilientRequest *self, const char *method)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  set_string (self, &self->method, method, PROP_METHOD);
}

/**
 * resilient_request_get_uri: (get-property uri)
 * @self: a request
 *
 * Gets the URI.
 *
 * Returns: (nullable): the URI
 *
 * Since: 1.0
 */
const char *
resilient_request_get_uri (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->uri;
}

/**
 * resilient_request_set_uri: (set-property uri)
 * @self: a request
 * @uri: (nullable): the URI; checked when the request is sent
 *
 * Sets the URI.
 *
 * Since: 1.0
 */
void
resilient_request_set_uri (ResilientRequest *self, const char *uri)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  set_string (self, &self->uri, uri, PROP_URI);
}

/**
 * resilient_request_get_retry_policy: (get-property retry-policy)
 * @self: a request
 *
 * Gets the retry policy.
 *
 * Returns: (transfer none) (nullable): the policy, or %NULL for the client's
 *
 * Since: 1.0
 */
ResilientRetryPolicy *
resilient_request_get_retry_policy (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->retry_policy;
}

/**
 * resilient_request_set_retry_policy: (set-property retry-policy)
 * @self: a request
 * @retry_policy: (nullable): a policy, or %NULL for the client's
 *
 * Sets the retry policy.
 *
 * Since: 1.0
 */
void
resilient_request_set_retry_policy (ResilientRequest *self, ResilientRetryPolicy *retry_policy)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->retry_policy == retry_policy)
    return;
  g_clear_pointer (&self->retry_policy, resilient_retry_policy_unref);
  if (retry_policy != NULL)
    self->retry_policy = resilient_retry_policy_ref (retry_policy);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RETRY_POLICY]);
}

/**
 * resilient_request_get_metadata: (get-property metadata)
 * @self: a request
 *
 * Gets what observers are told about the request.
 *
 * Returns: (transfer none) (nullable): the metadata, or %NULL
 *
 * Since: 1.0
 */
GVariant *
resilient_request_get_metadata (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->metadata;
}

/**
 * resilient_request_set_metadata: (set-property metadata)
 * @self: a request
 * @metadata: (nullable): a dictionary of type `a{sv}`, or %NULL; taken when floating
 *
 * Sets what observers are told about the request.
 *
 * Since: 1.0
 */
void
resilient_request_set_metadata (ResilientRequest *self, GVariant *metadata)
{
  g_autoptr (GVariant) given = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (metadata != NULL && !g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT))
    g_set_error (&error,
                 RESILIENT_CLIENT_ERROR,
                 RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                 /* Translators: both are types of GVariant, such as “a{sv}”. */
                 _ ("Metadata must be of type “%s”, not “%s”"),
                 "a{sv}",
                 g_variant_get_type_string (metadata));
  note_mistake (self, "metadata", error);
  if (error != NULL || self->metadata == metadata)
    return;
  g_clear_pointer (&self->metadata, g_variant_unref);
  self->metadata = g_steal_pointer (&given);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_METADATA]);
}

/**
 * resilient_request_get_priority: (get-property priority)
 * @self: a request
 *
 * Gets where the request stands in the queue.
 *
 * Returns: lower goes first, 0 is the default
 *
 * Since: 1.0
 */
int
resilient_request_get_priority (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), 0);

  return self->priority;
}

/**
 * resilient_request_set_priority: (set-property priority)
 * @self: a request
 * @priority: lower goes first, 0 is the default
 *
 * Sets where the request stands in the queue.
 *
 * Since: 1.0
 */
void
resilient_request_set_priority (ResilientRequest *self, int priority)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (self->priority == priority)
    return;
  self->priority = priority;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PRIORITY]);
}

/**
 * resilient_request_get_idempotency: (get-property idempotency)
 * @self: a request
 *
 * Gets whether sending the request twice does the same as sending it once.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
ResilientIdempotency
resilient_request_get_idempotency (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), RESILIENT_IDEMPOTENCY_AUTO);

  return self->idempotency;
}

/**
 * resilient_request_set_idempotency: (set-property idempotency)
 * @self: a request
 * @idempotency: whether it does
 *
 * Sets whether sending the request twice does the same as sending it once.
 *
 * Since: 1.0
 */
void
resilient_request_set_idempotency (ResilientRequest *self, ResilientIdempotency idempotency)
{
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  /* Through guint, so that negative values are too large. */
  if ((guint) idempotency > RESILIENT_IDEMPOTENCY_NO)
    g_set_error (&error,
                 RESILIENT_CLIENT_ERROR,
                 RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                 /* Translators: %s is the name of a property, idempotency. */
                 _ ("“%s” is %d, which is none of its values"),
                 "idempotency",
                 (int) idempotency);
  note_mistake (self, "idempotency", error);
  if (error != NULL || self->idempotency == idempotency)
    return;
  self->idempotency = idempotency;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IDEMPOTENCY]);
}

/**
 * resilient_request_get_max_response_size: (get-property max-response-size)
 * @self: a request
 *
 * Gets the most bytes that the body of the response may have.
 *
 * Returns: bytes after decoding; -1 for the client's limit, 0 for none
 *
 * Since: 1.0
 */
gint64
resilient_request_get_max_response_size (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->overrides.max_response_size;
}

/**
 * resilient_request_set_max_response_size: (set-property max-response-size)
 * @self: a request
 * @max_response_size: bytes after decoding; -1 for the client's limit, 0 for none
 *
 * Sets the most bytes that the body of the response may have.
 *
 * Since: 1.0
 */
void
resilient_request_set_max_response_size (ResilientRequest *self, gint64 max_response_size)
{
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (max_response_size < -1)
    error = new_bad_size ("max-response-size", max_response_size);
  note_mistake (self, "max-response-size", error);
  if (error != NULL || self->overrides.max_response_size == max_response_size)
    return;
  self->overrides.max_response_size = max_response_size;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_RESPONSE_SIZE]);
}

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

  set_duration (self, PROP_CONNECT_TIMEOUT, connect_timeout);
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

  set_duration (self, PROP_READ_TIMEOUT, read_timeout);
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

  set_duration (self, PROP_WRITE_TIMEOUT, write_timeout);
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

  set_duration (self, PROP_QUEUE_TIMEOUT, queue_timeout);
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

  set_duration (self, PROP_ATTEMPT_TIMEOUT, attempt_timeout);
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

  set_duration (self, PROP_TOTAL_TIMEOUT, total_timeout);
}

/**
 * resilient_request_get_header:
 * @self: a request
 * @name: a header name, of any case
 *
 * Gets a header that the request itself sets, with all its values joined by `", "` (RFC 9110, 5.3).
 * The defaults of the client and of the origin, and what follows from the body, are not among them.
 *
 * Returns: (transfer none) (nullable): the value, which lives until a header is set or added, or
 *   %NULL if the request sets none of that name
 *
 * Since: 1.0
 */
const char *
resilient_request_get_header (ResilientRequest *self, const char *name)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return self->headers != NULL ? resilient_headers_get_list (self->headers, name) : NULL;
}

/**
 * resilient_request_set_header:
 * @self: a request
 * @name: a header name, of any case
 * @value: (nullable): its only value from now on, or %NULL to remove the header
 *
 * Sets a header. It replaces default headers of the same name that the client or the origin has.
 *
 * Not valid are a @name that is no token and a @value with CR, LF or NUL (RFC 9110, 5.1 and 5.5),
 * and `Content-Length` and `Transfer-Encoding`, which follow from the body.
 *
 * Since: 1.0
 */
void
resilient_request_set_header (ResilientRequest *self, const char *name, const char *value)
{
  g_autoptr (ResilientHeaders) old = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);

  forget_mistakes (self, name, TRUE);
  if (value != NULL ? !check_header (self, name, value) : self->headers == NULL)
    return;
  old = edit_headers (self, name);
  resilient_headers_replace (self->headers, name, value);
}

/**
 * resilient_request_append_header:
 * @self: a request
 * @name: a header name, of any case
 * @value: one more value
 *
 * Adds a header beside those of the same name that the request has already. What is valid is as for
 * [method@Request.set_header].
 *
 * Since: 1.0
 */
void
resilient_request_append_header (ResilientRequest *self, const char *name, const char *value)
{
  g_autoptr (ResilientHeaders) old = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  if (!check_header (self, name, value))
    return;
  old = edit_headers (self, NULL);
  resilient_headers_append (self->headers, name, value);
}

/**
 * resilient_request_dup_headers:
 * @self: a request
 *
 * Copies the headers that the request itself sets, secret ones included.
 *
 * Returns: (transfer full): the headers, in order
 *
 * Since: 1.0
 */
SoupMessageHeaders *
resilient_request_dup_headers (ResilientRequest *self)
{
  SoupMessageHeaders *headers;

  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  if (self->headers != NULL)
    resilient_headers_append_to_soup (self->headers, headers);
  return headers;
}

/**
 * resilient_request_mark_header_secret:
 * @self: a request
 * @name: a header name, of any case
 *
 * Marks a header as secret: its value appears in no log, event or error, and a redirect to another
 * origin drops it.
 *
 * `Authorization`, `Proxy-Authorization` and `Cookie` are secret without a mark.
 *
 * Since: 1.0
 */
void
resilient_request_mark_header_secret (ResilientRequest *self, const char *name)
{
  g_autoptr (ResilientHeaders) old = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);

  if (!check_header (self, name, NULL))
    return;
  old = edit_headers (self, NULL);
  resilient_headers_mark_secret (self->headers, name);
}

/**
 * resilient_request_add_query_param:
 * @self: a request
 * @name: the name, not encoded
 * @value: the value, not encoded
 *
 * Adds a parameter at the end of the URI's query, percent-encoded. [property@Request:uri] does not
 * change.
 *
 * Since: 1.0
 */
void
resilient_request_add_query_param (ResilientRequest *self, const char *name, const char *value)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  if (self->query == NULL)
    self->query = g_string_new (NULL);
  else
    g_string_append_c (self->query, '&');
  /* All but unreserved characters (RFC 3986, 2.3), so that a value can't end its parameter. */
  g_string_append_uri_escaped (self->query, name, NULL, FALSE);
  g_string_append_c (self->query, '=');
  g_string_append_uri_escaped (self->query, value, NULL, FALSE);
}

/**
 * resilient_request_get_idempotency_key:
 * @self: a request
 *
 * Gets the key that [method@Request.set_idempotency_key] set.
 *
 * Returns: (transfer none) (nullable): the key, or %NULL if there is none or one is drawn for each
 *   send
 *
 * Since: 1.0
 */
const char *
resilient_request_get_idempotency_key (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->idempotency_key;
}

/**
 * resilient_request_set_idempotency_key:
 * @self: a request
 * @idempotency_key: (nullable): a key, not empty and without line break, or %NULL to draw a random
 *   UUID for each send
 *
 * Sends the request with an `Idempotency-Key` header, by which a server recognises a request that
 * it has already processed. The key stays the same over all attempts of one send, and lets a POST
 * or PATCH be retried after it was sent.
 *
 * Since: 1.0
 */
void
resilient_request_set_idempotency_key (ResilientRequest *self, const char *idempotency_key)
{
  g_autofree char *old = NULL;
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (idempotency_key != NULL
      && (*idempotency_key == '\0' || !resilient_headers_value_is_valid (idempotency_key)))
    error = new_invalid (_ ("The idempotency key is empty or has a line break"));
  note_mistake (self, "idempotency-key", error);
  if (error != NULL)
    return;
  old = self->idempotency_key;
  self->idempotency_key = g_strdup (idempotency_key);
  self->draw_idempotency_key = idempotency_key == NULL;
}

/**
 * resilient_request_get_fallback_uris: (get-property fallback-uris)
 * @self: a request
 *
 * Gets the URIs of the mirrors.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the URIs, or %NULL for none
 *
 * Since: 1.0
 */
const char *const *
resilient_request_get_fallback_uris (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return (const char *const *) self->fallback_uris;
}

static GError *
check_fallback_uris (const char *const *uris)
{
  for (guint i = 0; uris != NULL && uris[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("GET", uris[i], &error);

      if (frozen == NULL)
        return g_error_new (RESILIENT_CLIENT_ERROR,
                            RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                            /* Translators: the first %s is the name of a property, fallback-uris,
                               the second a sentence that says what is wrong. */
                            _ ("“%s” has a URI that is not valid: %s"),
                            "fallback-uris",
                            error->message);
    }
  return NULL;
}

/**
 * resilient_request_set_fallback_uris: (set-property fallback-uris)
 * @self: a request
 * @fallback_uris: (nullable) (array zero-terminated=1): absolute http or https URIs, or %NULL
 *
 * Sets mirrors: where else the same can be had.
 *
 * Each retry goes to the next one, in this order, and after the last to the first URI again. Which
 * failures are retried, and how often, is up to the policy, and the rule that nothing is sent twice
 * by accident holds for all of them together: what may be sent again for its key alone stays with
 * the server that may have had it, as no other knows the key. A mirror that was not tried yet is
 * tried without a delay, whatever `Retry-After` the one before asked for, and in place of a server
 * whose circuit breaker is open.
 *
 * Each mirror has the limits, guards and default headers of its own origin. `Authorization`,
 * `Proxy-Authorization`, `Cookie` and the headers of the request that are marked secret go to the
 * origin of [property@Request:uri] only. What [method@Request.add_query_param] adds is added to
 * each of them.
 *
 * One that is not valid is an error that [method@Client.send] reports before anything is sent.
 *
 * Since: 1.0
 */
void
resilient_request_set_fallback_uris (ResilientRequest *self, const char *const *fallback_uris)
{
  g_auto (GStrv) old = NULL;
  GError *error;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  error = check_fallback_uris (fallback_uris);
  note_mistake (self, "fallback-uris", error);
  if (error != NULL)
    return;
  old = self->fallback_uris;
  self->fallback_uris =
    fallback_uris != NULL && fallback_uris[0] != NULL ? g_strdupv ((char **) fallback_uris) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FALLBACK_URIS]);
}

/**
 * resilient_request_get_coalesce: (get-property coalesce)
 * @self: a request
 *
 * Gets whether the request may share an attempt of another one.
 *
 * Returns: %TRUE if it may
 *
 * Since: 1.0
 */
gboolean
resilient_request_get_coalesce (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), FALSE);

  return self->coalesce;
}

/**
 * resilient_request_set_coalesce: (set-property coalesce)
 * @self: a request
 * @coalesce: whether it may share an attempt
 *
 * Lets the request share an attempt of another one that asks for the same, so that many who want
 * one thing at the same time cost the server one answer.
 *
 * It does so with an attempt of the same client whose answer has not begun yet, of a GET that has
 * this set, too, with the same URI, headers, priority and idempotency, and the same limits for an
 * attempt. Default headers of the client and the origin count, as they are when the request is
 * made; so does whether it is sent from the client's home context. Each of them has its own
 * context, events, result, deadlines and cancel; what the attempt ends with is what each of them
 * has, and each decides by its own policy whether to try again. When the one that has sent it is
 * cancelled the others have its answer still; it is given up with the last of them.
 *
 * Any other request is sent by itself, whatever is set here: one of another method, with a body, or
 * with a trace. Who shares an attempt has no hedges.
 *
 * Since: 1.0
 */
void
resilient_request_set_coalesce (ResilientRequest *self, gboolean coalesce)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  coalesce = !!coalesce;
  if (self->coalesce == coalesce)
    return;
  self->coalesce = coalesce;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_COALESCE]);
}

/**
 * resilient_request_set_fallback:
 * @self: a request
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy): gives an answer where
 *   there is none, or %NULL for no such function
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets what answers when no server does: the last resort, after retries and mirrors.
 *
 * When the request would end with an error, its total time included, or with a response of a status
 * that its policy takes for a failure, @func is called once. The response that it gives is what the
 * request ends with, a success of the reason %RESILIENT_REASON_FALLBACK; with %NULL it ends as it
 * would have. It is not called for a request that was cancelled, or whose client is closed or
 * refused it at once (not valid, or too many waiting).
 *
 * @func is called in the thread-default main context of the thread that has sent the request, and
 * for [method@Client.send] in the thread that waits there. Until it has returned the request is not
 * done: it has no slot then, and no time is measured any more, but a cancel ends it, and what @func
 * gives after that is dropped. @func may run a main loop and send other requests. @destroy may be
 * called in any thread, when neither the request nor a copy or call of it needs @func any more.
 *
 * Since: 1.0
 */
void
resilient_request_set_fallback (ResilientRequest *self,
                                ResilientFallbackFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy)
{
  g_autoptr (ResilientFallback) old G_GNUC_UNUSED = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  old = self->fallback;
  self->fallback = func != NULL ? resilient_fallback_new (func, user_data, destroy) : NULL;
  if (func == NULL && destroy != NULL)
    destroy (user_data);
}

/**
 * resilient_request_get_trace_parent: (get-property trace-parent)
 * @self: a request
 *
 * Gets the trace that [method@Request.set_trace_parent] set.
 *
 * Returns: (transfer none) (nullable): the value as it was given
 *
 * Since: 1.0
 */
const char *
resilient_request_get_trace_parent (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->trace_parent;
}

/**
 * resilient_request_set_trace_parent: (set-property trace-parent)
 * @self: a request
 * @trace_parent: (nullable): the span of the app in which the request is sent, as a `traceparent`
 *   header of [W3C Trace Context](https://www.w3.org/TR/trace-context/), such as
 *   `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`, or %NULL for none
 *
 * Makes the request part of a trace. Each attempt sends a `traceparent` header of version 00 with
 * the trace id and the flags of @trace_parent, and with a fresh span id:
 * [method@Attempt.dup_span_id] tells it, so that the app can report the attempt as a child of its
 * span. Redirects that an attempt follows have its span id, too.
 *
 * A redirect to another origin takes neither `traceparent` nor `tracestate` along. The
 * specification leaves it to who crosses a boundary of trust, and who is behind a redirect was not
 * chosen by the app: there the ids would tell which requests belong together, and the state what
 * the tracing systems behind the app keep in it. A `traceparent` header that the app has set itself
 * is sent as it is.
 *
 * Since: 1.0
 */
void
resilient_request_set_trace_parent (ResilientRequest *self, const char *trace_parent)
{
  g_autofree char *old = NULL;
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (trace_parent != NULL && !resilient_trace_parent_is_valid (trace_parent))
    error = new_invalid (_ ("“trace-parent” is not the value of a traceparent header"));
  note_mistake (self, "trace-parent", error);
  if (error != NULL)
    return;
  old = self->trace_parent;
  self->trace_parent = g_strdup (trace_parent);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TRACE_PARENT]);
}

/**
 * resilient_request_get_trace_state: (get-property trace-state)
 * @self: a request
 *
 * Gets what [method@Request.set_trace_state] set.
 *
 * Returns: (transfer none) (nullable): the value as it was given
 *
 * Since: 1.0
 */
const char *
resilient_request_get_trace_state (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->trace_state;
}

/**
 * resilient_request_set_trace_state: (set-property trace-state)
 * @self: a request
 * @trace_state: (nullable): the value of a `tracestate` header of
 *   [W3C Trace Context](https://www.w3.org/TR/trace-context/): at most 32 members `key=value`, or
 *   %NULL for none
 *
 * Sets what tracing systems hand on to each other along with a trace. It is sent as it is by every
 * attempt, next to `traceparent`; without [method@Request.set_trace_parent] it is not sent.
 *
 * Since: 1.0
 */
void
resilient_request_set_trace_state (ResilientRequest *self, const char *trace_state)
{
  g_autofree char *old = NULL;
  GError *error = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (trace_state != NULL && !resilient_trace_state_is_valid (trace_state))
    error = new_invalid (_ ("“trace-state” is not the value of a tracestate header"));
  note_mistake (self, "trace-state", error);
  if (error != NULL)
    return;
  old = self->trace_state;
  self->trace_state = g_strdup (trace_state);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TRACE_STATE]);
}

/**
 * resilient_request_get_body_bytes:
 * @self: a request
 *
 * Gets a body that is in memory: bytes, JSON or a form.
 *
 * Returns: (transfer none) (nullable): the body as it is sent, or %NULL if there is none, or it is
 * a file or a stream
 *
 * Since: 1.0
 */
GBytes *
resilient_request_get_body_bytes (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), NULL);

  return self->body != NULL ? resilient_body_get_bytes (self->body) : NULL;
}

/**
 * resilient_request_get_body_size:
 * @self: a request
 *
 * Gets how long the body is.
 *
 * Returns: bytes, 0 without a body, -1 if it is not known: of a file, and of a stream that was set
 *   without its length
 *
 * Since: 1.0
 */
gint64
resilient_request_get_body_size (ResilientRequest *self)
{
  g_return_val_if_fail (RESILIENT_IS_REQUEST (self), -1);

  return self->body != NULL ? resilient_body_get_size (self->body) : 0;
}

/**
 * resilient_request_set_body_bytes:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @bytes: (nullable): the body, or %NULL for none
 *
 * Sets the body from memory. Each of the functions that set a body replaces the one before, also
 * with one that is not valid.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_bytes (ResilientRequest *self, const char *content_type, GBytes *bytes)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  if (check_content_type (self, content_type))
    take_body (self, bytes != NULL ? resilient_body_new_bytes (content_type, bytes) : NULL, NULL);
}

/**
 * resilient_request_set_body_json:
 * @self: a request
 * @json: a JSON document
 *
 * Sets the body to a JSON document, as it is now, of type `application/json`, written as RFC 8259
 * says.
 *
 * What JSON can't say, such as a number that is not finite, is not valid.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_json (ResilientRequest *self, JsonNode *json)
{
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;
  char *text;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (json != NULL);

  text = resilient_json_write (json, &error);
  if (text == NULL)
    {
      take_body (self, NULL, error);
      return;
    }
  bytes = g_bytes_new_take (text, strlen (text));
  take_body (self, resilient_body_new_bytes ("application/json", bytes), NULL);
}

/**
 * resilient_request_set_body_form:
 * @self: a request
 * @form: (element-type utf8 utf8): names and values, not encoded
 *
 * Sets the body to a form, as it is now, of type `application/x-www-form-urlencoded`.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_form (ResilientRequest *self, GHashTable *form)
{
  g_autoptr (GBytes) bytes = NULL;
  char *text;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (form != NULL);

  text = soup_form_encode_hash (form);
  bytes = g_bytes_new_take (text, strlen (text));
  take_body (self, resilient_body_new_bytes (SOUP_FORM_MIME_TYPE_URLENCODED, bytes), NULL);
}

/**
 * resilient_request_set_body_file:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @file: a file
 *
 * Sets the body to the contents of a file, which is opened anew each time it is sent. A file that
 * can't be opened fails the request with the error of GIO; one whose size changes between two
 * attempts of a call, or that becomes shorter while it is sent, and a device or a pipe, with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST. It is sent as long as it was when it was opened.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_file (ResilientRequest *self, const char *content_type, GFile *file)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (G_IS_FILE (file));

  if (check_content_type (self, content_type))
    take_body (self, resilient_body_new_file (content_type, file), NULL);
}

/**
 * resilient_request_set_body_stream_factory:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @func: (scope notified) (closure user_data) (destroy destroy): opens the body
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets the body to what a function opens each time it is sent. It is called in the thread that
 * drives the request: the one of the client's home context, or the client's I/O thread. Its error
 * fails the request. @destroy may be called in any thread.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_stream_factory (ResilientRequest *self,
                                           const char *content_type,
                                           ResilientBodyFunc func,
                                           gpointer user_data,
                                           GDestroyNotify destroy)
{
  g_autoptr (ResilientBody) body = NULL;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (func != NULL);

  /* Before the type is checked: it owns @user_data, whatever becomes of it. */
  body = resilient_body_new_factory (content_type, func, user_data, destroy);
  if (check_content_type (self, content_type))
    take_body (self, g_steal_pointer (&body), NULL);
}

/**
 * resilient_request_set_body_stream:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @stream: a stream
 * @length: how many bytes the stream gives, or -1 if that is not known, and then it goes in chunks;
 *   less is not valid
 *
 * Sets the body to a stream that can be read once: after it was read, the request can be neither
 * retried nor sent again. Prefer [method@Request.set_body_stream_factory] where the body can be
 * opened anew.
 *
 * No more than @length bytes are sent. A stream that ends before fails the request with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_stream (ResilientRequest *self,
                                   const char *content_type,
                                   GInputStream *stream,
                                   gint64 length)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (G_IS_INPUT_STREAM (stream));

  if (!check_content_type (self, content_type))
    return;
  if (length < -1)
    take_body (self, NULL, new_bad_size ("length", length));
  else
    take_body (self, resilient_body_new_stream (content_type, stream, length), NULL);
}

/* The URI with the query parameters added. */
static char *
make_uri (ResilientRequest *self, const char *uri)
{
  gsize length;
  GString *text;
  const char *query;

  if (uri == NULL || self->query == NULL)
    return g_strdup (uri);

  length = strcspn (uri, "#");
  text = g_string_new_len (uri, (gssize) length);
  query = strchr (text->str, '?');
  if (query == NULL)
    g_string_append_c (text, '?');
  else if (query[1] != '\0')
    g_string_append_c (text, '&');
  g_string_append_len (text, self->query->str, (gssize) self->query->len);
  g_string_append (text, uri + length);
  return g_string_free (text, FALSE);
}

ResilientFrozenRequest *
resilient_request_freeze (ResilientRequest *self, GError **error)
{
  g_autofree char *uri = make_uri (self, self->uri);
  ResilientFrozenRequest *frozen = resilient_frozen_request_new (self->method, uri, error);

  if (frozen == NULL)
    return NULL;
  if (self->mistakes != NULL && self->mistakes->len > 0)
    {
      Mistake *first = g_ptr_array_index (self->mistakes, 0);

      g_propagate_error (error, g_error_copy (first->error));
      resilient_frozen_request_unref (frozen);
      return NULL;
    }

  resilient_frozen_request_take_headers (frozen, share_headers (self));
  if (self->body != NULL)
    resilient_frozen_request_take_body (frozen, resilient_body_ref_for_call (self->body));
  if (self->draw_idempotency_key)
    {
      char *key = g_malloc (RESILIENT_UUID_SIZE);

      resilient_random_uuid (key);
      resilient_frozen_request_take_idempotency_key (frozen, key);
    }
  else
    {
      resilient_frozen_request_take_idempotency_key (frozen, g_strdup (self->idempotency_key));
    }
  if (self->trace_parent != NULL)
    resilient_frozen_request_take_trace (
      frozen, resilient_trace_context_new (self->trace_parent, self->trace_state));
  resilient_frozen_request_set_retry_policy (frozen, self->retry_policy);
  resilient_frozen_request_set_metadata (frozen, self->metadata);
  resilient_frozen_request_set_idempotency (frozen, self->idempotency);
  resilient_frozen_request_set_priority (frozen, self->priority);
  resilient_frozen_request_set_overrides (frozen, &self->overrides);
  if (self->coalesce)
    resilient_frozen_request_set_coalesce (frozen);
  if (self->fallback != NULL)
    resilient_frozen_request_set_fallback (frozen, self->fallback);
  for (guint i = 0; self->fallback_uris != NULL && self->fallback_uris[i] != NULL; i++)
    {
      g_autofree char *mirror = make_uri (self, self->fallback_uris[i]);

      if (!resilient_frozen_request_add_mirror (frozen, mirror, error))
        {
          resilient_frozen_request_unref (frozen);
          return NULL;
        }
    }
  return frozen;
}
