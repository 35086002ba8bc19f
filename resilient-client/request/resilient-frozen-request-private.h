/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-body-private.h"
#include "resilient-fallback-private.h"
#include "resilient-headers-private.h"
#include "resilient-retry-policy.h"
#include "resilient-trace-context-private.h"

G_BEGIN_DECLS

/* What a request may have in place of the client's. */
typedef struct
{
  gint64 max_response_size; /* bytes; -1 = the client's, 0 = no limit */
  /* seconds; -1 = the client's, 0 = none */
  double connect_timeout, read_timeout, write_timeout, queue_timeout, attempt_timeout,
    total_timeout;
} ResilientOverrides;

#define RESILIENT_OVERRIDES_NONE                                                                   \
  {                                                                                                \
    -1, -1, -1, -1, -1, -1, -1                                                                     \
  }

/* What is sent and how: a request frozen when it is sent, for one call. Immutable once it is
 * shared, but for the parsed URI, and atomically refcounted. */
typedef struct _ResilientFrozenRequest ResilientFrozenRequest;

/* Checks method and URI: INVALID_REQUEST, with secrets left out of the message. */
ResilientFrozenRequest *
resilient_frozen_request_new (const char *method, const char *uri, GError **error);
/* For the verbs: a frozen request with a body, before it is shared. @content_type is checked.
 * @body may be NULL. */
gboolean resilient_frozen_request_set_body (ResilientFrozenRequest *self,
                                            const char *content_type,
                                            GBytes *body,
                                            GError **error);
/* All before it is shared; each may be set once. Nullable where a getter may return NULL. */
void
resilient_frozen_request_take_trace (ResilientFrozenRequest *self, ResilientTraceContext *trace);
void
resilient_frozen_request_take_headers (ResilientFrozenRequest *self, ResilientHeaders *headers);
void resilient_frozen_request_take_body (ResilientFrozenRequest *self, ResilientBody *body);
void resilient_frozen_request_set_retry_policy (ResilientFrozenRequest *self,
                                                ResilientRetryPolicy *retry_policy);
void resilient_frozen_request_set_metadata (ResilientFrozenRequest *self, GVariant *metadata);
void resilient_frozen_request_take_idempotency_key (ResilientFrozenRequest *self, char *key);
void resilient_frozen_request_set_overrides (ResilientFrozenRequest *self,
                                             const ResilientOverrides *overrides);
void resilient_frozen_request_set_idempotency (ResilientFrozenRequest *self,
                                               ResilientIdempotency idempotency);
void resilient_frozen_request_set_priority (ResilientFrozenRequest *self, int priority);
void
resilient_frozen_request_set_fallback (ResilientFrozenRequest *self, ResilientFallback *fallback);
/* It may share an attempt of an equal one. */
void resilient_frozen_request_set_coalesce (ResilientFrozenRequest *self);
/* The last: the same request to another URI, which is checked as the first one is. */
gboolean
resilient_frozen_request_add_mirror (ResilientFrozenRequest *self, const char *uri, GError **error);
/* What its origin has marked is secret to the request, and to its mirrors, too. Of the thread that
 * starts the call. */
void resilient_frozen_request_mark_secrets (ResilientFrozenRequest *self, ResilientHeaders *marks);
ResilientFrozenRequest *resilient_frozen_request_ref (ResilientFrozenRequest *self);
void resilient_frozen_request_unref (ResilientFrozenRequest *self);
/* While a call waits it forgets the parsed URI, which spares 250 bytes. Of the thread that starts
 * the call, and after that of its driving context. ensure(): transfer none. */
GUri *resilient_frozen_request_ensure_uri (ResilientFrozenRequest *self);
void resilient_frozen_request_forget_uri (ResilientFrozenRequest *self);
/* What it is now: NULL while it is forgotten. */
GUri *resilient_frozen_request_peek_uri (ResilientFrozenRequest *self);
/* Absolute http or https with a host, query parameters added; nothing left to escape. */
const char *resilient_frozen_request_get_uri_text (ResilientFrozenRequest *self);

/* A valid token, its case kept. */
const char *resilient_frozen_request_get_method (ResilientFrozenRequest *self);
ResilientHeaders *
resilient_frozen_request_get_headers (ResilientFrozenRequest *self);             /* nullable */
ResilientBody *resilient_frozen_request_get_body (ResilientFrozenRequest *self); /* nullable */
/* Nullable: as the client's. */
ResilientRetryPolicy *resilient_frozen_request_get_retry_policy (ResilientFrozenRequest *self);
/* Nullable, a{sv}. */
GVariant *resilient_frozen_request_get_metadata (ResilientFrozenRequest *self);
/* Nullable: none was set, or drawn for this send. */
const char *resilient_frozen_request_get_idempotency_key (ResilientFrozenRequest *self);
/* Nullable: none. */
const ResilientOverrides *resilient_frozen_request_get_overrides (ResilientFrozenRequest *self);
/* Nullable: it is part of no trace. */
ResilientTraceContext *resilient_frozen_request_get_trace (ResilientFrozenRequest *self);
/* Of ResilientFrozenRequest, in their order; nullable: none. They have no mirrors. */
GPtrArray *resilient_frozen_request_get_mirrors (ResilientFrozenRequest *self);
gboolean resilient_frozen_request_get_coalesce (ResilientFrozenRequest *self);
/* Nullable; a mirror has none. */
ResilientFallback *resilient_frozen_request_get_fallback (ResilientFrozenRequest *self);
/* It is a mirror of another origin: what is secret belongs to that of the request. */
gboolean resilient_frozen_request_drops_secrets (ResilientFrozenRequest *self);
ResilientIdempotency resilient_frozen_request_get_idempotency (ResilientFrozenRequest *self);
int resilient_frozen_request_get_priority (ResilientFrozenRequest *self);
gboolean resilient_frozen_request_has_idempotency_key (ResilientFrozenRequest *self);

/* For logs and errors: user info and query values replaced. */
char *resilient_uri_redact (GUri *uri);
/* Percent-encodes what no URI can hold; what is encoded already stays. */
char *resilient_uri_escape (const char *text);
/* FALSE also without a host. */
gboolean resilient_uri_has_valid_host (GUri *uri);
/* @uri with its host as everybody spells it, or a reference to it. */
GUri *resilient_uri_respell_host (GUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientFrozenRequest, resilient_frozen_request_unref)

G_END_DECLS
