/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-frozen-request-private.h"

G_BEGIN_DECLS

/* A header or a query parameter as given, unchecked: what is bad is reported when the request is
 * frozen. */
typedef struct
{
  char *name;
  char *value;
} ResilientField;

/* Owned by the thread that uses the request; not locked. */
struct _ResilientRequest
{
  GObject parent_instance;

  char *method;
  char *uri;
  ResilientRetryPolicy *retry_policy;
  GVariant *metadata;
  GPtrArray *headers;        /* ResilientField */
  GPtrArray *secret_headers; /* names */
  GPtrArray *query;          /* ResilientField */
  ResilientBody *body;
  /* why it has none: what was given could not be one; reported when it is sent */
  GError *body_error;
  char *idempotency_key;
  gboolean draw_idempotency_key;
  ResilientIdempotency idempotency;
  int priority;
  ResilientOverrides overrides;
};

void resilient_request_set_duration (ResilientRequest *self, double *field, double value);

G_END_DECLS
