/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* How the library makes a response, and what of it can be given up. A response never changes. Any
 * thread. */

#pragma once

#include "resilient-headers-private.h"
#include "resilient-response.h"

G_BEGIN_DECLS

/* Takes references to all. @body NULL: has_body is FALSE. @elapsed_time and @retry_after in
 * seconds, -1 = no Retry-After. */
ResilientResponse *resilient_response_new_full (guint status_code,
                                                const char *reason_phrase,
                                                GUri *uri,
                                                SoupHTTPVersion version,
                                                ResilientHeaders *headers,
                                                GBytes *body,
                                                double elapsed_time,
                                                double retry_after);
/* The same without what get_weight() counts (itself when there is none). */
ResilientResponse *resilient_response_without_body (ResilientResponse *self);
ResilientHeaders *resilient_response_peek_headers (ResilientResponse *self);
/* Bytes that are worth to be given up: of the body, and of headers when they take more than 4
 * KiB. */
gsize resilient_response_get_weight (ResilientResponse *self);

G_END_DECLS
