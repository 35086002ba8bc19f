/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

/**
 * RESILIENT_CLIENT_ERROR:
 *
 * The error domain of this library; its codes are those of [error@ClientError].
 *
 * Since: 1.0
 */
#define RESILIENT_CLIENT_ERROR (resilient_client_error_quark ())

/**
 * ResilientClientError:
 * @RESILIENT_CLIENT_ERROR_CLOSED: the client is closed
 * @RESILIENT_CLIENT_ERROR_INVALID_REQUEST: the method, URI, a header, the context or the body is not valid; nothing was sent
 * @RESILIENT_CLIENT_ERROR_INVALID_POLICY: a policy, or a setting of a guard, is not valid or contradicts another
 * @RESILIENT_CLIENT_ERROR_OVERLOADED: too many requests wait already
 * @RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN: a circuit breaker lets nothing through now
 * @RESILIENT_CLIENT_ERROR_TOO_LARGE: the response is larger than allowed
 * @RESILIENT_CLIENT_ERROR_REDIRECT: a redirect could not, or must not, be followed
 * @RESILIENT_CLIENT_ERROR_NOT_FOUND: no request of that id is known
 * @RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED: a [class@Retrier] has no attempt left, and was not told why the last one failed
 *
 * The conditions of this library itself. An error of the network keeps the domain and code that GIO or libsoup gave it.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_CLIENT_ERROR_CLOSED,
  RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
  RESILIENT_CLIENT_ERROR_INVALID_POLICY,
  RESILIENT_CLIENT_ERROR_OVERLOADED,
  RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN,
  RESILIENT_CLIENT_ERROR_TOO_LARGE,
  RESILIENT_CLIENT_ERROR_REDIRECT,
  RESILIENT_CLIENT_ERROR_NOT_FOUND,
  RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED,
} ResilientClientError;

#define RESILIENT_TYPE_CLIENT_ERROR (resilient_client_error_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_client_error_get_type (void) G_GNUC_CONST;

RESILIENT_AVAILABLE_IN_1_0
GQuark resilient_client_error_quark (void);

/**
 * RESILIENT_HTTP_ERROR:
 *
 * The error domain of [method@Response.check_status]; the code is the HTTP status, with a name in [error@HttpError] or
 * without.
 *
 * Since: 1.0
 */
#define RESILIENT_HTTP_ERROR (resilient_http_error_quark ())

/**
 * ResilientHttpError:
 * @RESILIENT_HTTP_ERROR_BAD_REQUEST: 400, the server can't make sense of the request
 * @RESILIENT_HTTP_ERROR_UNAUTHORIZED: 401, credentials are missing or wrong
 * @RESILIENT_HTTP_ERROR_PAYMENT_REQUIRED: 402, reserved
 * @RESILIENT_HTTP_ERROR_FORBIDDEN: 403, the server refuses, whatever the credentials
 * @RESILIENT_HTTP_ERROR_NOT_FOUND: 404, there is nothing at this URI
 * @RESILIENT_HTTP_ERROR_METHOD_NOT_ALLOWED: 405, the resource doesn't know this method
 * @RESILIENT_HTTP_ERROR_NOT_ACCEPTABLE: 406, there is no representation of the kinds asked for
 * @RESILIENT_HTTP_ERROR_PROXY_AUTHENTICATION_REQUIRED: 407, credentials for the proxy are missing or wrong
 * @RESILIENT_HTTP_ERROR_REQUEST_TIMEOUT: 408, the server waited too long for the request
 * @RESILIENT_HTTP_ERROR_CONFLICT: 409, the request conflicts with the state of the resource
 * @RESILIENT_HTTP_ERROR_GONE: 410, there was something at this URI, and there never will be again
 * @RESILIENT_HTTP_ERROR_LENGTH_REQUIRED: 411, the server wants to know the length of the body
 * @RESILIENT_HTTP_ERROR_PRECONDITION_FAILED: 412, a condition in the headers doesn't hold
 * @RESILIENT_HTTP_ERROR_CONTENT_TOO_LARGE: 413, the body of the request is too large
 * @RESILIENT_HTTP_ERROR_URI_TOO_LONG: 414, the URI is too long
 * @RESILIENT_HTTP_ERROR_UNSUPPORTED_MEDIA_TYPE: 415, the body is of a type that the resource doesn't know
 * @RESILIENT_HTTP_ERROR_RANGE_NOT_SATISFIABLE: 416, the range asked for doesn't exist
 * @RESILIENT_HTTP_ERROR_EXPECTATION_FAILED: 417, what the Expect header asks for can't be met
 * @RESILIENT_HTTP_ERROR_MISDIRECTED_REQUEST: 421, the server doesn't answer for this host
 * @RESILIENT_HTTP_ERROR_UNPROCESSABLE_CONTENT: 422, the body is well formed and still makes no sense
 * @RESILIENT_HTTP_ERROR_LOCKED: 423, the resource is locked
 * @RESILIENT_HTTP_ERROR_FAILED_DEPENDENCY: 424, another request, on which this one depends, failed
 * @RESILIENT_HTTP_ERROR_TOO_EARLY: 425, the server won't risk processing what might be replayed
 * @RESILIENT_HTTP_ERROR_UPGRADE_REQUIRED: 426, the server wants another protocol
 * @RESILIENT_HTTP_ERROR_PRECONDITION_REQUIRED: 428, the server wants the request to be conditional
 * @RESILIENT_HTTP_ERROR_TOO_MANY_REQUESTS: 429, too many requests in a given time
 * @RESILIENT_HTTP_ERROR_REQUEST_HEADER_FIELDS_TOO_LARGE: 431, the headers are too large
 * @RESILIENT_HTTP_ERROR_UNAVAILABLE_FOR_LEGAL_REASONS: 451, the server refuses because of a legal demand
 * @RESILIENT_HTTP_ERROR_INTERNAL_SERVER_ERROR: 500, the server failed
 * @RESILIENT_HTTP_ERROR_NOT_IMPLEMENTED: 501, the server knows no such method
 * @RESILIENT_HTTP_ERROR_BAD_GATEWAY: 502, the gateway got an invalid answer
 * @RESILIENT_HTTP_ERROR_SERVICE_UNAVAILABLE: 503, the server is overloaded or down for maintenance
 * @RESILIENT_HTTP_ERROR_GATEWAY_TIMEOUT: 504, the gateway got no answer in time
 * @RESILIENT_HTTP_ERROR_HTTP_VERSION_NOT_SUPPORTED: 505, the server doesn't speak this version of HTTP
 * @RESILIENT_HTTP_ERROR_VARIANT_ALSO_NEGOTIATES: 506, content negotiation is misconfigured
 * @RESILIENT_HTTP_ERROR_INSUFFICIENT_STORAGE: 507, the server can't store what it needs to
 * @RESILIENT_HTTP_ERROR_LOOP_DETECTED: 508, the server found itself in an infinite loop
 * @RESILIENT_HTTP_ERROR_NETWORK_AUTHENTICATION_REQUIRED: 511, the network wants a login first, as a captive portal does
 *
 * The HTTP statuses that report an error, as the IANA registry of status codes has them (RFC 9110, section 15, and
 * others).
 *
 * A server may send any status from 400 to 599, so expect codes that have no name here.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_HTTP_ERROR_BAD_REQUEST = 400,
  RESILIENT_HTTP_ERROR_UNAUTHORIZED = 401,
  RESILIENT_HTTP_ERROR_PAYMENT_REQUIRED = 402,
  RESILIENT_HTTP_ERROR_FORBIDDEN = 403,
  RESILIENT_HTTP_ERROR_NOT_FOUND = 404,
  RESILIENT_HTTP_ERROR_METHOD_NOT_ALLOWED = 405,
  RESILIENT_HTTP_ERROR_NOT_ACCEPTABLE = 406,
  RESILIENT_HTTP_ERROR_PROXY_AUTHENTICATION_REQUIRED = 407,
  RESILIENT_HTTP_ERROR_REQUEST_TIMEOUT = 408,
  RESILIENT_HTTP_ERROR_CONFLICT = 409,
  RESILIENT_HTTP_ERROR_GONE = 410,
  RESILIENT_HTTP_ERROR_LENGTH_REQUIRED = 411,
  RESILIENT_HTTP_ERROR_PRECONDITION_FAILED = 412,
  RESILIENT_HTTP_ERROR_CONTENT_TOO_LARGE = 413,
  RESILIENT_HTTP_ERROR_URI_TOO_LONG = 414,
  RESILIENT_HTTP_ERROR_UNSUPPORTED_MEDIA_TYPE = 415,
  RESILIENT_HTTP_ERROR_RANGE_NOT_SATISFIABLE = 416,
  RESILIENT_HTTP_ERROR_EXPECTATION_FAILED = 417,
  RESILIENT_HTTP_ERROR_MISDIRECTED_REQUEST = 421,
  RESILIENT_HTTP_ERROR_UNPROCESSABLE_CONTENT = 422,
  RESILIENT_HTTP_ERROR_LOCKED = 423,
  RESILIENT_HTTP_ERROR_FAILED_DEPENDENCY = 424,
  RESILIENT_HTTP_ERROR_TOO_EARLY = 425,
  RESILIENT_HTTP_ERROR_UPGRADE_REQUIRED = 426,
  RESILIENT_HTTP_ERROR_PRECONDITION_REQUIRED = 428,
  RESILIENT_HTTP_ERROR_TOO_MANY_REQUESTS = 429,
  RESILIENT_HTTP_ERROR_REQUEST_HEADER_FIELDS_TOO_LARGE = 431,
  RESILIENT_HTTP_ERROR_UNAVAILABLE_FOR_LEGAL_REASONS = 451,
  RESILIENT_HTTP_ERROR_INTERNAL_SERVER_ERROR = 500,
  RESILIENT_HTTP_ERROR_NOT_IMPLEMENTED = 501,
  RESILIENT_HTTP_ERROR_BAD_GATEWAY = 502,
  RESILIENT_HTTP_ERROR_SERVICE_UNAVAILABLE = 503,
  RESILIENT_HTTP_ERROR_GATEWAY_TIMEOUT = 504,
  RESILIENT_HTTP_ERROR_HTTP_VERSION_NOT_SUPPORTED = 505,
  RESILIENT_HTTP_ERROR_VARIANT_ALSO_NEGOTIATES = 506,
  RESILIENT_HTTP_ERROR_INSUFFICIENT_STORAGE = 507,
  RESILIENT_HTTP_ERROR_LOOP_DETECTED = 508,
  RESILIENT_HTTP_ERROR_NETWORK_AUTHENTICATION_REQUIRED = 511,
} ResilientHttpError;

#define RESILIENT_TYPE_HTTP_ERROR (resilient_http_error_get_type ())

RESILIENT_AVAILABLE_IN_1_0
GType resilient_http_error_get_type (void) G_GNUC_CONST;

RESILIENT_AVAILABLE_IN_1_0
GQuark resilient_http_error_quark (void);

G_END_DECLS
