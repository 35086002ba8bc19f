/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The error domains of the library and their registered codes. It owns nothing but quarks and
 * types. Any thread. */

#include "config.h"

#include "resilient-error.h"

/**
 * resilient_client_error_quark:
 *
 * Gets the error domain of this library.
 *
 * Returns: the domain of [error@ClientError]
 *
 * Since: 1.0
 */
/* clang-format off */
G_DEFINE_QUARK (resilient-client-error-quark, resilient_client_error)
/* clang-format on */

/**
 * resilient_http_error_quark:
 *
 * Gets the error domain for HTTP statuses, whose codes are the statuses themselves.
 *
 * Returns: the domain of the errors of [method@Response.check_status]
 *
 * Since: 1.0
 */
/* clang-format off */
G_DEFINE_QUARK (resilient-http-error-quark, resilient_http_error)
/* clang-format on */

G_DEFINE_ENUM_TYPE (ResilientClientError,
                    resilient_client_error,
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_INVALID_REQUEST, "invalid-request"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_INVALID_POLICY, "invalid-policy"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_OVERLOADED, "overloaded"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN, "circuit-open"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_TOO_LARGE, "too-large"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_REDIRECT, "redirect"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_NOT_FOUND, "not-found"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED,
                                         "retries-exhausted"))

G_DEFINE_ENUM_TYPE (
  ResilientHttpError,
  resilient_http_error,
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_BAD_REQUEST, "bad-request"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_UNAUTHORIZED, "unauthorized"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_PAYMENT_REQUIRED, "payment-required"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_FORBIDDEN, "forbidden"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_NOT_FOUND, "not-found"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_METHOD_NOT_ALLOWED, "method-not-allowed"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_NOT_ACCEPTABLE, "not-acceptable"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_PROXY_AUTHENTICATION_REQUIRED,
                       "proxy-authentication-required"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_REQUEST_TIMEOUT, "request-timeout"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_CONFLICT, "conflict"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_GONE, "gone"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_LENGTH_REQUIRED, "length-required"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_PRECONDITION_FAILED, "precondition-failed"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_CONTENT_TOO_LARGE, "content-too-large"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_URI_TOO_LONG, "uri-too-long"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_RANGE_NOT_SATISFIABLE, "range-not-satisfiable"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_EXPECTATION_FAILED, "expectation-failed"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_MISDIRECTED_REQUEST, "misdirected-request"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_UNPROCESSABLE_CONTENT, "unprocessable-content"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_LOCKED, "locked"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_FAILED_DEPENDENCY, "failed-dependency"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_TOO_EARLY, "too-early"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_UPGRADE_REQUIRED, "upgrade-required"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_PRECONDITION_REQUIRED, "precondition-required"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_TOO_MANY_REQUESTS, "too-many-requests"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_REQUEST_HEADER_FIELDS_TOO_LARGE,
                       "request-header-fields-too-large"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_UNAVAILABLE_FOR_LEGAL_REASONS,
                       "unavailable-for-legal-reasons"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_INTERNAL_SERVER_ERROR, "internal-server-error"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_NOT_IMPLEMENTED, "not-implemented"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_BAD_GATEWAY, "bad-gateway"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_SERVICE_UNAVAILABLE, "service-unavailable"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_GATEWAY_TIMEOUT, "gateway-timeout"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_HTTP_VERSION_NOT_SUPPORTED,
                       "http-version-not-supported"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_VARIANT_ALSO_NEGOTIATES, "variant-also-negotiates"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_INSUFFICIENT_STORAGE, "insufficient-storage"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_LOOP_DETECTED, "loop-detected"),
  G_DEFINE_ENUM_VALUE (RESILIENT_HTTP_ERROR_NETWORK_AUTHENTICATION_REQUIRED,
                       "network-authentication-required"))
