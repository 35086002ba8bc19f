/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Why an attempt was the last, or not. The nick is public: what get_reason() returns. */
typedef enum
{
  RESILIENT_REASON_NONE,                 /* "none" */
  RESILIENT_REASON_SUCCESS,              /* "success": an answer that the policy accepts */
  RESILIENT_REASON_RETRY,                /* "retry" */
  RESILIENT_REASON_CANCELLED,            /* "cancelled" */
  RESILIENT_REASON_DEADLINE,             /* "deadline" */
  RESILIENT_REASON_CLOSED,               /* "closed" */
  RESILIENT_REASON_NOT_RETRYABLE,        /* "not-retryable": the policy does not retry this kind */
  RESILIENT_REASON_RETRIES_EXHAUSTED,    /* "retries-exhausted" */
  RESILIENT_REASON_NOT_IDEMPOTENT,       /* "not-idempotent" */
  RESILIENT_REASON_BODY_SPENT,           /* "body-spent": a one-shot body was already read */
  RESILIENT_REASON_RETRY_AFTER_TOO_LONG, /* "retry-after-too-long" */
  /* "deadline-too-near": the sleep would outlast the total deadline */
  RESILIENT_REASON_DEADLINE_TOO_NEAR,
  RESILIENT_REASON_BUDGET_EMPTY,  /* "budget-empty" */
  RESILIENT_REASON_QUEUE_TIMEOUT, /* "queue-timeout" */
} ResilientReason;

/* A static string. */
const char *resilient_reason_to_string (ResilientReason reason);

G_END_DECLS
