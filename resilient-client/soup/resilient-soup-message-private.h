/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The SoupMessage of one send, and the head of its answer. In the context of the attempt. */

#pragma once

#include <libsoup/soup.h>

#include "resilient-redirect-private.h"

G_BEGIN_DECLS

typedef struct
{
  ResilientRequestPlan *plan;
  ResilientFrozenRequest *frozen;
  ResilientHeaders *defaults;  /* nullable: those of the client and of the origin */
  const char *idempotency_key; /* nullable */
  const char *user_agent;      /* nullable */
  SoupSession *session;        /* whose features are kept from it; NULL: it has none */
  gboolean new_connection;
  gboolean may_use_kept; /* a connection that was kept, though its method is not idempotent */
} ResilientSoupMessageParams;

/* @decode: whether the codings of its answer are ours to undo. */
SoupMessage *
resilient_soup_message_new (const ResilientSoupMessageParams *params, gboolean *decode);

/* Whether an answer of its status may have a body. */
gboolean resilient_soup_message_may_have_body (SoupMessage *message);
/* FALSE for what libsoup lets pass, and what can't be a response to a request: a final status has
 * three digits, from 200 on, and where a body ends must be beyond doubt. */
gboolean resilient_soup_message_check_head (SoupMessage *message, GError **error);
/* Whether the connection serves again after its answer (RFC 9112, 9.3). */
gboolean resilient_soup_message_is_kept (SoupMessage *message);
/* Seconds, or -1. */
double resilient_soup_message_get_retry_after (ResilientHeaders *headers);
/* Content-Length, or -1. */
gint64 resilient_soup_headers_get_size (SoupMessageHeaders *headers);
/* What is to be decoded, or NULL. libsoup leaves a workaround for servers that label a .tar.gz with
 * the coding of its own format: so do we. */
const char *resilient_soup_headers_get_coding (SoupMessageHeaders *headers);

G_END_DECLS
