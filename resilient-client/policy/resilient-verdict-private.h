/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-request-context.h"

G_BEGIN_DECLS

/* Everything that decides what happens after an attempt; nothing else does. Borrowed pointers. */
typedef struct
{
  ResilientRequestContext *context; /* of the attempt just made */
  ResilientRetryPolicy *policy;
  ResilientFailure failure; /* NONE or STATUS with a response */
  gboolean nothing_sent;
  guint status_code;
  /* Seconds for which the server of the next attempt asked to be left alone, -1 = it did not. Not
   * always by this attempt, which may have failed otherwise. */
  double retry_after;
  const char *method;
  gboolean has_idempotency_key;
  ResilientIdempotency idempotency;
  gboolean body_spent;   /* a one-shot body was already read from */
  gboolean other_server; /* the next attempt goes to one that was not tried yet */
  gboolean cancelled;
  gboolean closed;
  gint64 now;      /* boot-time clock, microseconds */
  gint64 deadline; /* the same clock; 0 = none */
} ResilientVerdictInput;

typedef struct
{
  double delay; /* seconds, when retry */
  gboolean retry;
  ResilientReason reason;
} ResilientVerdict;

ResilientVerdict resilient_verdict (const ResilientVerdictInput *input);

/* TRUE for a response status that the policy calls a failure. */
gboolean resilient_verdict_status_is_failure (ResilientRetryPolicy *policy, guint status_code);
/* Safe (RFC 9110, 9.2.1) and idempotent (9.2.2) methods. */
gboolean resilient_method_is_safe (const char *method);
gboolean resilient_method_is_idempotent (const char *method);
/* Rule 4 alone: may what may already have been processed be sent again? */
gboolean resilient_verdict_may_repeat (const char *method,
                                       gboolean has_idempotency_key,
                                       ResilientIdempotency idempotency);

G_END_DECLS
