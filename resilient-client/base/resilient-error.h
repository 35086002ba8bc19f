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
 * @RESILIENT_CLIENT_ERROR_INVALID_POLICY: a retry policy contradicts itself
 * @RESILIENT_CLIENT_ERROR_OVERLOADED: too many requests wait already
 * @RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN: a circuit breaker holds the request back
 * @RESILIENT_CLIENT_ERROR_TOO_LARGE: the response is larger than allowed
 * @RESILIENT_CLIENT_ERROR_REDIRECT: a redirect could not, or must not, be followed
 * @RESILIENT_CLIENT_ERROR_NOT_FOUND: no request of that id is known
 * @RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED: no retry is left and there is no other cause to report
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
 * The error domain of [method@Response.check_status]; the code is the HTTP status.
 *
 * Since: 1.0
 */
#define RESILIENT_HTTP_ERROR (resilient_http_error_quark ())

RESILIENT_AVAILABLE_IN_1_0
GQuark resilient_http_error_quark (void);

G_END_DECLS
