/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

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
G_DEFINE_QUARK (resilient-client-error-quark, resilient_client_error)

/**
 * resilient_http_error_quark:
 *
 * Gets the error domain for HTTP statuses, whose codes are the statuses themselves.
 *
 * Returns: the domain of the errors of [method@Response.check_status]
 *
 * Since: 1.0
 */
G_DEFINE_QUARK (resilient-http-error-quark, resilient_http_error)

G_DEFINE_ENUM_TYPE (ResilientClientError, resilient_client_error,
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_INVALID_REQUEST, "invalid-request"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_INVALID_POLICY, "invalid-policy"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_OVERLOADED, "overloaded"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN, "circuit-open"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_TOO_LARGE, "too-large"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_REDIRECT, "redirect"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_NOT_FOUND, "not-found"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED, "retries-exhausted"))
