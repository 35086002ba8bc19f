/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <libsoup/soup.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-failure-private.h"
#include "resilient-random-private.h"
#include "resilient-request-context-private.h"
#include "resilient-retry-policy-builder.h"
#include "resilient-retry-policy-private.h"
#include "resilient-verdict-private.h"

/* From the error of an attempt to the verdict: what is it called, and is it made again?
 *
 * An input has a line for each of: the error's domain, its code, the attempt's number, the method,
 * flags, Retry-After in seconds, the time left in seconds, the status. */

enum
{
  FLAG_NOTHING_SENT = 1 << 0,
  FLAG_KEY = 1 << 1,
  FLAG_IDEMPOTENT = 1 << 2,
  FLAG_NOT_IDEMPOTENT = 1 << 3,
  FLAG_SPENT = 1 << 4,
  FLAG_CANCELLED = 1 << 5,
  FLAG_CLOSED = 1 << 6,
  FLAG_STANDARD = 1 << 7,
  FLAG_ANSWERED = 1 << 8,
  FLAG_ENDLESS = 1 << 9,
};

/* Kinds that need proof that nothing had been sent, and those that need the opposite. */
#define BEFORE                                                                                     \
  (RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS                   \
   | RESILIENT_FAILURE_CONNECT_TIMEOUT)
#define AFTER (RESILIENT_FAILURE_DISCONNECT | RESILIENT_FAILURE_READ_TIMEOUT)
#define OF_AN_ATTEMPT                                                                              \
  (BEFORE | AFTER | RESILIENT_FAILURE_CERTIFICATE | RESILIENT_FAILURE_PROTOCOL                     \
   | RESILIENT_FAILURE_REDIRECT | RESILIENT_FAILURE_TOO_LARGE | RESILIENT_FAILURE_OVERLOADED       \
   | RESILIENT_FAILURE_CLOSED | RESILIENT_FAILURE_INVALID | RESILIENT_FAILURE_CIRCUIT_OPEN)

static GQuark
get_domain (guint n)
{
  switch (n)
    {
    case 0:
      return G_IO_ERROR;
    case 1:
      return G_TLS_ERROR;
    case 2:
      return G_RESOLVER_ERROR;
    case 3:
      return SOUP_SESSION_ERROR;
    case 4:
      return RESILIENT_CLIENT_ERROR;
    case 5:
      return G_FILE_ERROR;
    case 6:
      return G_CONVERT_ERROR;
    case 7:
      return G_URI_ERROR;
    case 8:
      return SOUP_TLD_ERROR;
    case 9:
      return G_DBUS_ERROR;
    default:
      return g_quark_from_static_string ("fuzz");
    }
}

static ResilientFailure
check_kind (GQuark domain, int code, gboolean nothing_sent)
{
  g_autoptr (GError) error = g_error_new_literal (domain, code, "one");
  g_autoptr (GError) other = g_error_new_literal (domain, code, "Zeitüberschreitung");
  ResilientFailure kind = resilient_failure_from_error (error, nothing_sent);

  /* One kind, told by domain and code alone: messages are translated. */
  g_assert_cmpuint (kind & (kind - 1), ==, 0);
  g_assert_cmpuint (kind & OF_AN_ATTEMPT, ==, kind);
  g_assert_cmpuint (kind, !=, RESILIENT_FAILURE_NONE);
  g_assert_cmpuint (resilient_failure_from_error (other, nothing_sent), ==, kind);
  g_assert_cmpuint (kind & (nothing_sent ? AFTER : BEFORE), ==, 0);

  return kind;
}

static ResilientRetryPolicy *
make_policy (guint flags)
{
  ResilientRetryPolicy *base = (flags & FLAG_STANDARD) != 0 ? resilient_retry_policy_get_standard ()
                                                            : resilient_retry_policy_get_default ();
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (base);
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  if ((flags & FLAG_ENDLESS) != 0)
    resilient_retry_policy_builder_set_max_retries (builder, -1);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

static ResilientRequestContext *
make_context (guint attempt)
{
  ResilientRequestContext *context = resilient_request_context_new ("fuzz", NULL, NULL, NULL);

  for (guint i = 0; i < attempt; i++)
    {
      ResilientRequestContext *next = resilient_request_context_advance (context, i);

      resilient_request_context_unref (context);
      context = next;
    }

  return context;
}

static void
check_verdict (const ResilientVerdictInput *input)
{
  ResilientVerdict verdict, again;
  ResilientVerdictInput easier = *input;
  int max_retries = resilient_retry_policy_get_max_retries (input->policy);
  guint attempt = resilient_request_context_get_current_attempt (input->context);

  resilient_random_seed (1);
  verdict = resilient_verdict (input);
  resilient_random_seed (1);
  again = resilient_verdict (input);
  g_assert_cmpint (again.reason, ==, verdict.reason);
  g_assert_cmpfloat (again.delay, ==, verdict.delay);
  g_assert_cmpint (verdict.retry, ==, verdict.reason == RESILIENT_REASON_RETRY);

  if (!verdict.retry)
    {
      g_assert_cmpfloat (verdict.delay, ==, 0.0);
      return;
    }

  g_assert_false (input->cancelled || input->closed || input->body_spent);
  g_assert_true (max_retries == -1 || attempt < (guint) max_retries);
  g_assert_cmpuint (
    resilient_retry_policy_get_retry_on (input->policy) & input->failure, ==, input->failure);
  g_assert_true (input->nothing_sent
                 || resilient_verdict_may_repeat (
                   input->method, input->has_idempotency_key, input->idempotency));
  g_assert_true (verdict.delay >= 0.0);
  g_assert_true (input->deadline == 0
                 || input->now + verdict.delay * G_USEC_PER_SEC <= input->deadline);
  if (input->retry_after >= 0.0 && resilient_retry_policy_get_respect_retry_after (input->policy))
    g_assert_cmpfloat (verdict.delay, >=, input->retry_after);

  /* What is allowed stays allowed when less stands against it. */
  easier.nothing_sent = TRUE;
  easier.deadline = 0;
  easier.idempotency = RESILIENT_IDEMPOTENCY_YES;
  resilient_random_seed (1);
  again = resilient_verdict (&easier);
  g_assert_true (again.retry);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  GQuark domain = get_domain ((guint) fuzz_take_integer (&input, 0, 10));
  int code = (int) fuzz_take_integer (&input, G_MININT, G_MAXINT);
  guint attempt = (guint) fuzz_take_integer (&input, 0, 15);
  g_autofree char *method = fuzz_take_line (&input);
  guint flags = (guint) fuzz_take_integer (&input, 0, 2047);
  double retry_after = fuzz_take_double (&input);
  double left = fuzz_take_double (&input);
  guint status = (guint) fuzz_take_integer (&input, 0, 999);
  g_autoptr (ResilientRetryPolicy) policy = make_policy (flags);
  g_autoptr (ResilientRequestContext) context = make_context (attempt);
  gboolean nothing_sent = (flags & FLAG_NOTHING_SENT) != 0;
  ResilientFailure kind = check_kind (domain, code, nothing_sent);
  ResilientVerdictInput verdict_input = {
    .context = context,
    .policy = policy,
    .failure = kind,
    .nothing_sent = nothing_sent,
    .retry_after = retry_after >= 0.0 && retry_after < 1e9 ? retry_after : -1.0,
    .method = method,
    .has_idempotency_key = (flags & FLAG_KEY) != 0,
    .body_spent = (flags & FLAG_SPENT) != 0,
    .cancelled = (flags & FLAG_CANCELLED) != 0,
    .closed = (flags & FLAG_CLOSED) != 0,
    .now = G_GINT64_CONSTANT (1000) * G_USEC_PER_SEC,
  };

  if ((flags & FLAG_IDEMPOTENT) != 0)
    verdict_input.idempotency = RESILIENT_IDEMPOTENCY_YES;
  else if ((flags & FLAG_NOT_IDEMPOTENT) != 0)
    verdict_input.idempotency = RESILIENT_IDEMPOTENCY_NO;
  if (left > 0.0 && left < 1e9)
    verdict_input.deadline = verdict_input.now + (gint64) (left * G_USEC_PER_SEC);
  if ((flags & FLAG_ANSWERED) != 0)
    {
      verdict_input.nothing_sent = FALSE;
      verdict_input.status_code = status;
      verdict_input.failure = resilient_verdict_status_is_failure (policy, status)
                                ? RESILIENT_FAILURE_STATUS
                                : RESILIENT_FAILURE_NONE;
    }
  check_verdict (&verdict_input);

  return 0;
}
