/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-body-private.h"
#include "resilient-headers-private.h"
#include "resilient-retry-policy.h"

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

/* What is sent and how: a request frozen when it is sent, for one call. Immutable, but for the
 * parsed URI, and atomically refcounted. Small, as many wait. */
typedef struct
{
  gatomicrefcount ref_count;
  int priority;
  const char *method;                 /* static, or behind the URI; case kept; a valid token */
  ResilientHeaders *headers;          /* nullable */
  ResilientBody *body;                /* nullable */
  ResilientRetryPolicy *retry_policy; /* nullable */
  GVariant *metadata;                 /* nullable, a{sv} */
  char *idempotency_key;              /* nullable; drawn for each send if the request says so */
  ResilientOverrides *overrides;      /* nullable: none */
  GUri *uri;                          /* uri_text parsed; NULL while it is forgotten */
  ResilientIdempotency idempotency;
  /* absolute http or https with a host, query parameters added; nothing left to escape; then a
   * method that is not static */
  char uri_text[];
} ResilientFrozenRequest;

/* Checks method and URI: INVALID_REQUEST, with secrets left out of the message. */
ResilientFrozenRequest *
resilient_frozen_request_new (const char *method, const char *uri, GError **error);
/* For the verbs: a frozen request with a body, before it is shared. @content_type is checked.
 * @body may be NULL. */
gboolean resilient_frozen_request_set_body (ResilientFrozenRequest *self,
                                            const char *content_type,
                                            GBytes *body,
                                            GError **error);
void resilient_frozen_request_set_overrides (ResilientFrozenRequest *self,
                                             const ResilientOverrides *overrides);
ResilientFrozenRequest *resilient_frozen_request_ref (ResilientFrozenRequest *self);
void resilient_frozen_request_unref (ResilientFrozenRequest *self);
/* While a call waits it forgets the parsed URI, which spares 250 bytes. Of the thread that starts
 * the call, and after that of its driving context. ensure(): transfer none. */
GUri *resilient_frozen_request_ensure_uri (ResilientFrozenRequest *self);
void resilient_frozen_request_forget_uri (ResilientFrozenRequest *self);
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
