/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-headers-private.h"
#include "resilient-response.h"

G_BEGIN_DECLS

/* Immutable. Only the files of this type look inside. */
struct _ResilientResponse
{
  guint status_code;
  const char *reason_phrase;
  GUri *uri;
  SoupHTTPVersion version;
  ResilientHeaders *headers;
  const char *content_type; /* without parameters; nullable */
  char *own_phrase;         /* what is not the standard one */
  char *own_type;           /* what is not as it stands in the headers */
  GBytes *body;             /* nullable */
  double elapsed_time;      /* seconds */
  double retry_after;       /* seconds, -1 = none */
};

/* Takes references to all. @body NULL: has_body is FALSE. @elapsed_time and @retry_after in
 * seconds, -1 = no Retry-After. */
ResilientResponse *resilient_response_new (guint status_code,
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
