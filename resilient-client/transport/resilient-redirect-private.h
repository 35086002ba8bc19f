/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-recipe-private.h"

G_BEGIN_DECLS

#define RESILIENT_REDIRECT_MAX 20

/* One hop of an attempt: what is asked where. Pure data, owned by the exchange. */
typedef struct
{
  char *method;
  GUri *uri;
  gboolean with_body;       /* of the recipe; when FALSE its Content-* headers and key stay away too */
  gboolean secrets_dropped; /* for good, once the origin has changed */
  guint n_redirects;
} ResilientHop;

typedef enum
{
  RESILIENT_REDIRECT_DELIVER, /* the response is the answer */
  RESILIENT_REDIRECT_FOLLOW,
  RESILIENT_REDIRECT_FAIL,
} ResilientRedirect;

void resilient_hop_init (ResilientHop *self, ResilientRecipe *recipe);
void resilient_hop_clear (ResilientHop *self);

/* What to do with a response of @status_code and @location (nullable) to @hop, which was really sent to @sent_to (the
 * session may have upgraded it to https). FOLLOW: @hop has become the next one. FAIL: @error is set. */
ResilientRedirect resilient_redirect_decide (ResilientHop *hop, GUri *sent_to, guint status_code, const char *location,
                                             gboolean body_spent, GError **error);

/* The header fields of a hop, with the marks of secrets: @defaults (nullable) as replaced by the recipe's, without what
 * this hop must not have. */
ResilientHeaders *resilient_hop_merge_headers (ResilientHop *self, ResilientHeaders *defaults, ResilientHeaders *own);

G_END_DECLS
