/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-frozen-request-private.h"

G_BEGIN_DECLS

#define RESILIENT_REDIRECT_MAX 20

/* One plan of an attempt: what is asked where. Pure data, owned by the attempt. */
typedef struct
{
  char *method;
  GUri *uri;
  gboolean with_body; /* of the request; when FALSE its Content-* headers and key stay away too */
  gboolean secrets_dropped; /* for good, once the origin has changed */
  guint n_redirects;
} ResilientRequestPlan;

typedef enum
{
  RESILIENT_REDIRECT_DELIVER, /* the response is the answer */
  RESILIENT_REDIRECT_FOLLOW,
  RESILIENT_REDIRECT_FAIL,
} ResilientRedirect;

void resilient_request_plan_init (ResilientRequestPlan *self, ResilientFrozenRequest *frozen);
void resilient_request_plan_clear (ResilientRequestPlan *self);

/* What to do with a response of @status_code and @location (nullable) to @plan, which was really
 * sent to @sent_to (the session may have upgraded it to https). A redirect from https to http is
 * refused, unless @enforcer (nullable) knows that host as one of https. FOLLOW: @plan has become
 * the next one. FAIL: @error is set. */
ResilientRedirect resilient_redirect_decide (ResilientRequestPlan *plan,
                                             SoupHSTSEnforcer *enforcer,
                                             GUri *sent_to,
                                             guint status_code,
                                             const char *location,
                                             gboolean body_spent,
                                             GError **error);

/* The header fields of a plan, with the marks of secrets: @defaults (nullable) as replaced by the
 * request's, without what this plan must not have. */
ResilientHeaders *resilient_request_plan_merge_headers (ResilientRequestPlan *self,
                                                        ResilientHeaders *defaults,
                                                        ResilientHeaders *own);

G_END_DECLS
