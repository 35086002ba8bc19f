/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The nicks of the reasons that verdicts give. Constant texts, for any thread. */

#include "config.h"

#include "resilient-reason-private.h"

const char *
resilient_reason_to_string (ResilientReason reason)
{
  /* A switch without default: the compiler tells when a reason has no nick. */
  switch (reason)
    {
    case RESILIENT_REASON_NONE:
      return "none";
    case RESILIENT_REASON_SUCCESS:
      return "success";
    case RESILIENT_REASON_RETRY:
      return "retry";
    case RESILIENT_REASON_CANCELLED:
      return "cancelled";
    case RESILIENT_REASON_DEADLINE:
      return "deadline";
    case RESILIENT_REASON_CLOSED:
      return "closed";
    case RESILIENT_REASON_NOT_RETRYABLE:
      return "not-retryable";
    case RESILIENT_REASON_RETRIES_EXHAUSTED:
      return "retries-exhausted";
    case RESILIENT_REASON_NOT_IDEMPOTENT:
      return "not-idempotent";
    case RESILIENT_REASON_BODY_SPENT:
      return "body-spent";
    case RESILIENT_REASON_RETRY_AFTER_TOO_LONG:
      return "retry-after-too-long";
    case RESILIENT_REASON_DEADLINE_TOO_NEAR:
      return "deadline-too-near";
    case RESILIENT_REASON_BUDGET_EMPTY:
      return "budget-empty";
    case RESILIENT_REASON_QUEUE_TIMEOUT:
      return "queue-timeout";
    }

  g_return_val_if_reached ("none");
}
