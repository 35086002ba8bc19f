/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Decides after an attempt whether there is another, when, and why not: the only place that does. A
 * pure function of its input and of chance, for any thread. */

#include "config.h"

#include "resilient-verdict-private.h"

#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-random-private.h"
#include "resilient-reason-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-policy-private.h"

/* RFC 9110, 15.6.1. Nobody knows what the server had done before it failed, and doing it again
 * may fail again, half done: not even a key helps when the server lost track of it. */
#define STATUS_INTERNAL_SERVER_ERROR 500

/* How much longer than a server asked for the wait may be, so that not all who were told the
 * same come back together. */
#define RETRY_AFTER_JITTER 0.1

/* Methods are compared with case, RFC 9110, 9.1. */
static gboolean
is_one_of (const char *method, const char *const *methods)
{
  return method != NULL && g_strv_contains (methods, method);
}

gboolean
resilient_method_is_safe (const char *method)
{
  static const char *const safe[] = { "GET", "HEAD", "OPTIONS", "TRACE", NULL };

  return is_one_of (method, safe);
}

gboolean
resilient_method_is_idempotent (const char *method)
{
  static const char *const idempotent[] = { "PUT", "DELETE", NULL };

  return resilient_method_is_safe (method) || is_one_of (method, idempotent);
}

gboolean
resilient_verdict_may_repeat (const char *method,
                              gboolean has_idempotency_key,
                              ResilientIdempotency idempotency)
{
  switch (idempotency)
    {
    case RESILIENT_IDEMPOTENCY_YES:
      return TRUE;

    case RESILIENT_IDEMPOTENCY_NO:
      return FALSE;

    case RESILIENT_IDEMPOTENCY_AUTO:
    default:
      return has_idempotency_key || resilient_method_is_idempotent (method);
    }
}

gboolean
resilient_verdict_status_is_failure (ResilientRetryPolicy *policy, guint status_code)
{
  return (resilient_retry_policy_get_retry_on (policy) & RESILIENT_FAILURE_STATUS) != 0
         && resilient_retry_policy_has_status (policy, status_code);
}

/* Rule 2. */
static gboolean
is_retryable (const ResilientVerdictInput *input)
{
  if ((resilient_retry_policy_get_retry_on (input->policy) & input->failure) == 0)
    return FALSE;

  if (input->failure != RESILIENT_FAILURE_STATUS)
    return TRUE;

  return resilient_verdict_status_is_failure (input->policy, input->status_code)
         && (input->status_code != STATUS_INTERNAL_SERVER_ERROR
             || resilient_method_is_safe (input->method));
}

/* Rule 3. */
static gboolean
has_retries_left (const ResilientVerdictInput *input)
{
  int max_retries = resilient_retry_policy_get_max_retries (input->policy);
  guint64 next = (guint64) resilient_request_context_get_current_attempt (input->context) + 1;

  return max_retries == -1 || next <= (guint64) max_retries;
}

/* Rule 6, FALSE when the server asks for more than the policy allows. */
static gboolean
draw_delay (const ResilientVerdictInput *input, double *delay)
{
  guint attempt = resilient_request_context_get_current_attempt (input->context);
  double previous = resilient_request_context_get_previous_delay (input->context);
  guint next = attempt < G_MAXUINT ? attempt + 1 : attempt;

  *delay = resilient_retry_policy_draw_delay (input->policy, next, previous);

  if (input->retry_after < 0.0 || !resilient_retry_policy_get_respect_retry_after (input->policy))
    return TRUE;

  /* The jitter of the wait is not held against the server. */
  if (input->retry_after > resilient_retry_policy_get_max_retry_after (input->policy))
    return FALSE;

  *delay = MAX (*delay, input->retry_after);
  *delay += resilient_random_range (0.0, RETRY_AFTER_JITTER * *delay);
  return TRUE;
}

static ResilientVerdict
final (ResilientReason reason)
{
  return (ResilientVerdict){ .retry = FALSE, .delay = 0.0, .reason = reason };
}

/* The rules are in this order because the first that applies is the reason to give. */
static ResilientVerdict
decide (const ResilientVerdictInput *input)
{
  double delay = 0.0;

  if (input->cancelled)
    return final (RESILIENT_REASON_CANCELLED);

  /* An answer that is there is worth more than the time it should have taken. */
  if (input->failure == RESILIENT_FAILURE_NONE)
    return final (RESILIENT_REASON_SUCCESS);

  if (input->deadline != 0 && input->now >= input->deadline)
    return final (RESILIENT_REASON_DEADLINE);

  if (input->closed)
    return final (RESILIENT_REASON_CLOSED);

  if (!is_retryable (input))
    return final (RESILIENT_REASON_NOT_RETRYABLE);

  if (!has_retries_left (input))
    return final (RESILIENT_REASON_RETRIES_EXHAUSTED);

  if (!input->nothing_sent
      && !resilient_verdict_may_repeat (
        input->method, input->has_idempotency_key, input->idempotency))
    return final (RESILIENT_REASON_NOT_IDEMPOTENT);

  if (input->body_spent)
    return final (RESILIENT_REASON_BODY_SPENT);

  /* A wait gives a server time, and another one needs none. */
  if (!input->other_server && !draw_delay (input, &delay))
    return final (RESILIENT_REASON_RETRY_AFTER_TOO_LONG);

  /* An attempt that begins at the deadline has no time left either. */
  if (input->deadline != 0 && resilient_clock_add (input->now, delay) >= input->deadline)
    return final (RESILIENT_REASON_DEADLINE_TOO_NEAR);

  return (ResilientVerdict){ .retry = TRUE, .delay = delay, .reason = RESILIENT_REASON_RETRY };
}

static void
tell (const ResilientVerdictInput *input, const ResilientVerdict *verdict)
{
  g_autofree char *name =
    resilient_debug_name_new (resilient_request_context_get_request_id (input->context),
                              resilient_request_context_get_current_attempt (input->context) + 1);

  resilient_debug (name,
                   "verdict on failure 0x%x, status %u: %s, %s",
                   input->failure,
                   input->status_code,
                   verdict->retry ? "again" : "the last",
                   resilient_reason_to_string (verdict->reason));
}

ResilientVerdict
resilient_verdict (const ResilientVerdictInput *input)
{
  ResilientVerdict verdict = decide (input);

  if (G_UNLIKELY (resilient_debug_is_on () && input->context != NULL))
    tell (input, &verdict);
  return verdict;
}
