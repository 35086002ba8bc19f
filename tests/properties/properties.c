/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "history.h"

#include <gio/gio.h>

/* What holds for every history, each property by itself. */

#define G(number) ((double) (number) / G_USEC_PER_SEC)

static PastEvent *
last_event (PastRequest *request)
{
  return request->events->len > 0 ? request->events->pdata[request->events->len - 1] : NULL;
}

static gboolean
is_terminal (PastEvent *event)
{
  return event->type != RESILIENT_EVENT_TYPE_RETRY;
}

/* It ended without ever having begun: INVALID, OVERLOADED or CLOSED. */
static gboolean
was_refused (PastRequest *request)
{
  for (guint i = 0; i < request->answers->len; i++)
    {
      PastAnswer *answer = request->answers->pdata[i];

      if (g_error_matches (answer->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED)
          || g_error_matches (
            answer->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED)
          || g_error_matches (
            answer->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST))
        return TRUE;
    }
  return FALSE;
}

/* When a timer for @due fires at the latest: timers sleep while the machine does. */
static gint64
with_suspends (History *history, gint64 due)
{
  for (guint i = 0; i < history->suspends->len; i++)
    {
      Suspend *suspend = &g_array_index (history->suspends, Suspend, i);

      if (due > suspend->from && due < suspend->to)
        due = suspend->to;
    }
  return due;
}

/* Runs @check for each request. */
static char *
for_each (History *history, char *(*check) (History *history, PastRequest *request))
{
  for (guint i = 0; i < history->requests->len; i++)
    {
      PastRequest *request = history->requests->pdata[i];
      g_autofree char *problem = check (history, request);

      if (problem != NULL)
        return g_strdup_printf ("request %u: %s", request->number, problem);
    }
  return NULL;
}

/* Exactly one terminal event for each request that was accepted, and nothing after it; no event for
 * one that was refused, which an invalid one and one that came after a close always are. */
static char *
check_one_end_of (History *history, PastRequest *request)
{
  guint n_terminal = 0;

  for (guint i = 0; i < request->events->len; i++)
    n_terminal += is_terminal (request->events->pdata[i]);

  if (was_refused (request))
    {
      if (request->events->len > 0)
        return g_strdup_printf ("was refused and has %u events", request->events->len);
      return NULL;
    }
  if (request->after_close || request->invalid)
    return g_strdup ("was not refused");
  if (n_terminal != 1)
    return g_strdup_printf ("has %u terminal events", n_terminal);
  if (!is_terminal (last_event (request)))
    return g_strdup ("has an event after its terminal one");
  return NULL;
}

static char *
check_one_end (History *history)
{
  return for_each (history, check_one_end_of);
}

/* Exactly one callback for each who waits. */
static char *
check_one_callback_of (History *history, PastRequest *request)
{
  for (guint i = 0; i < request->answers->len; i++)
    {
      PastAnswer *answer = request->answers->pdata[i];

      if (answer->calls != 1)
        return g_strdup_printf ("callback %u was called %u times", i, answer->calls);
    }
  return NULL;
}

static char *
check_one_callback (History *history)
{
  if (history->n_closed != history->n_closes)
    return g_strdup_printf ("%u closes were begun, %u ended", history->n_closes, history->n_closed);
  if (history->n_waited != history->n_waits)
    return g_strdup_printf ("%u waits were begun, %u ended", history->n_waits, history->n_waited);
  return for_each (history, check_one_callback_of);
}

/* Events in order: retries 1, 2, 3 …, then the end, with the context of the last attempt made; then
 * the callbacks, which find the result in the store. The exception is a blocked thread: after a
 * cancel or its deadline it returns even where the thread that drives the request is kept. */
static char *
check_order_of (History *history, PastRequest *request)
{
  PastEvent *last = last_event (request);

  for (guint i = 0; i < request->events->len; i++)
    {
      PastEvent *event = request->events->pdata[i];

      if (!is_terminal (event) && event->attempt != i + 1)
        return g_strdup_printf ("retry %u has the context of attempt %u", i + 1, event->attempt);
    }
  if (last != NULL && last->attempt != MAX (request->attempts->len, 1) - 1)
    return g_strdup_printf (
      "the end has the context of attempt %u, of %u", last->attempt, request->attempts->len);
  for (guint i = 0; i < request->answers->len; i++)
    {
      PastAnswer *answer = request->answers->pdata[i];

      if (answer->gave_up || answer->overtook)
        continue;
      if (last != NULL && answer->order < last->order)
        return g_strdup ("a callback came before the terminal event");
      if (last != NULL && answer->time == last->time && history->results_kept && !answer->stored)
        return g_strdup ("its result was not in the store when its callback ran");
    }
  return NULL;
}

static char *
check_order (History *history)
{
  for (guint i = 1; i < history->sequences->len; i++)
    if (g_array_index (history->sequences, guint64, i)
        <= g_array_index (history->sequences, guint64, i - 1))
      return g_strdup_printf ("event %u has no larger number than the one before", i);
  return for_each (history, check_order_of);
}

/* The callback says what the event said; nobody is told that it was cancelled who did not
 * cancel. */
static char *
check_outcome_of (History *history, PastRequest *request)
{
  PastEvent *last = last_event (request);

  if (last == NULL)
    return NULL;
  if ((last->type == RESILIENT_EVENT_TYPE_SUCCESS) != (last->failure == RESILIENT_FAILURE_NONE))
    return g_strdup_printf ("failure %x does not go with event %d", last->failure, last->type);
  if (last->type == RESILIENT_EVENT_TYPE_SUCCESS && !last->has_response)
    return g_strdup ("a success without a response");
  if (last->type == RESILIENT_EVENT_TYPE_CANCELLED && request->cancelled_at < 0
      && request->must_end == G_MAXINT64)
    return g_strdup ("was cancelled, and nobody asked for it");
  if (last->type != RESILIENT_EVENT_TYPE_CANCELLED && last->type != RESILIENT_EVENT_TYPE_SUCCESS
      && (last->type == RESILIENT_EVENT_TYPE_TIMEOUT)
           != ((last->failure
                & (RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
                   | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_QUEUE_TIMEOUT
                   | RESILIENT_FAILURE_DEADLINE))
               != 0))
    return g_strdup_printf ("failure %x does not go with event %d", last->failure, last->type);

  for (guint i = 0; i < request->answers->len; i++)
    {
      PastAnswer *answer = request->answers->pdata[i];
      gboolean cancelled = g_error_matches (answer->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

      if (answer->gave_up && cancelled)
        continue;
      if (answer->has_response == (answer->error != NULL))
        return g_strdup ("a callback got both, or neither, of response and error");
      if (answer->has_response != last->has_response)
        return g_strdup ("callback and event differ about the response");
      if (cancelled != (last->type == RESILIENT_EVENT_TYPE_CANCELLED))
        return g_strdup ("callback and event differ about who cancelled");
    }
  return NULL;
}

static char *
check_outcome (History *history)
{
  return for_each (history, check_outcome_of);
}

static gboolean
may_repeat (PastRequest *request)
{
  switch (request->idempotency)
    {
    case RESILIENT_IDEMPOTENCY_YES:
      return TRUE;
    case RESILIENT_IDEMPOTENCY_NO:
      return FALSE;
    case RESILIENT_IDEMPOTENCY_AUTO:
    default:
      return request->has_key
             || !(g_str_equal (request->method, "POST") || g_str_equal (request->method, "PATCH"));
    }
}

/* What must not be sent twice was not; after a 500 only what is safe was. */
static char *
check_never_twice_of (History *history, PastRequest *request)
{
  gboolean safe = g_str_equal (request->method, "GET") || g_str_equal (request->method, "HEAD");

  if (request->n_seen > 1 && !may_repeat (request))
    return g_strdup_printf ("the server saw %s %u times", request->method, request->n_seen);

  for (guint i = 0; i + 1 < request->attempts->len; i++)
    {
      PastAttempt *attempt = &g_array_index (request->attempts, PastAttempt, i);

      if (!attempt->nothing_sent && !may_repeat (request))
        return g_strdup_printf ("%s was sent again after attempt %u", request->method, i + 1);
      if (attempt->failure == RESILIENT_FAILURE_NONE && attempt->status == 500 && !safe)
        return g_strdup_printf ("%s was sent again after a 500", request->method);
    }
  return NULL;
}

static char *
check_never_twice (History *history)
{
  return for_each (history, check_never_twice_of);
}

static gboolean
is_listed (ResilientRetryPolicy *policy, guint status)
{
  gsize n;
  const guint16 *statuses = resilient_retry_policy_get_retry_statuses (policy, &n);

  for (gsize i = 0; i < n; i++)
    if (statuses[i] == status)
      return (resilient_retry_policy_get_retry_on (policy) & RESILIENT_FAILURE_STATUS) != 0;
  return FALSE;
}

static ResilientFailure
failure_of (PastAttempt *attempt, ResilientRetryPolicy *policy)
{
  if (attempt->failure == RESILIENT_FAILURE_NONE && is_listed (policy, attempt->status))
    return RESILIENT_FAILURE_STATUS;
  return attempt->failure;
}

/* No more attempts than the policy allows, only after what it retries; counted alike by events,
 * results and the network. */
static char *
check_attempts_of (History *history, PastRequest *request)
{
  PastEvent *last = last_event (request);
  guint n_retries, n_attempts = request->attempts->len;
  int max_retries;

  if (last == NULL)
    return n_attempts > 0 ? g_strdup ("was refused and sent") : NULL;

  n_retries = request->events->len - 1;
  max_retries = resilient_retry_policy_get_max_retries (last->policy);
  if (max_retries >= 0 && n_attempts > (guint) max_retries + 1)
    return g_strdup_printf ("%u attempts, with %d retries allowed", n_attempts, max_retries);
  if (n_attempts == 0 ? n_retries > 0 : n_retries != n_attempts - 1 && n_retries != n_attempts)
    return g_strdup_printf ("%u retries told, %u attempts made", n_retries, n_attempts);
  if (request->result != NULL && resilient_result_get_attempts (request->result) != n_attempts)
    return g_strdup_printf ("its result tells of %u attempts, there were %u",
                            resilient_result_get_attempts (request->result),
                            n_attempts);

  for (guint i = 0; i < n_retries; i++)
    {
      PastEvent *retry = request->events->pdata[i];
      ResilientFailure failure =
        failure_of (&g_array_index (request->attempts, PastAttempt, i), last->policy);

      if (retry->failure != failure)
        return g_strdup_printf (
          "retry %u is for failure %x, attempt had %x", i + 1, retry->failure, failure);
      if ((resilient_retry_policy_get_retry_on (last->policy) & failure) == 0)
        return g_strdup_printf (
          "retry %u is for failure %x, which its policy does not retry", i + 1, failure);
    }
  if (n_retries < n_attempts
      && (last->type == RESILIENT_EVENT_TYPE_SUCCESS || last->type == RESILIENT_EVENT_TYPE_ERROR))
    {
      ResilientFailure failure =
        failure_of (&g_array_index (request->attempts, PastAttempt, n_attempts - 1), last->policy);

      if (failure != last->failure)
        return g_strdup_printf (
          "ended with failure %x, its last attempt with %x", last->failure, failure);
    }
  return NULL;
}

static char *
check_attempts (History *history)
{
  return for_each (history, check_attempts_of);
}

/* Delays within the bounds of the policy and of Retry-After, and slept to their end. */
static char *
check_delays_of (History *history, PastRequest *request)
{
  PastEvent *last = last_event (request);
  g_autoptr (GPtrArray) log = NULL;
  double cap;

  if (last == NULL)
    return NULL;
  cap = resilient_retry_policy_get_max_delay (last->policy);
  for (guint i = 0; i + 1 < request->events->len; i++)
    {
      PastEvent *retry = request->events->pdata[i];
      double asked = g_array_index (request->attempts, PastAttempt, i).retry_after;
      gboolean heard = asked >= 0 && retry->failure == RESILIENT_FAILURE_STATUS
                       && resilient_retry_policy_get_respect_retry_after (last->policy);

      if (retry->delay < (heard ? asked : 0))
        return g_strdup_printf ("delay %u of %g s is too short", i + 1, retry->delay);
      if (retry->delay > (heard ? MAX (asked, cap) * 1.1 : cap) + 1e-9)
        return g_strdup_printf ("delay %u of %g s is too long", i + 1, retry->delay);
      if (heard && asked > resilient_retry_policy_get_max_retry_after (last->policy))
        return g_strdup_printf ("retry %u although it was to wait for %g s", i + 1, asked);
      if (retry->time + retry->delay * G_USEC_PER_SEC >= request->deadline && request->deadline > 0)
        return g_strdup_printf ("sleep %u outlasts the deadline", i + 1);
    }

  if (request->result == NULL || request->hurried)
    return NULL;
  log = resilient_result_list_attempts (request->result);
  for (guint i = 1; i < log->len; i++)
    {
      double before = resilient_attempt_get_delay_before (log->pdata[i]);
      gint64 slept =
        resilient_attempt_get_started_at (log->pdata[i])
        - resilient_attempt_get_started_at (log->pdata[i - 1])
        - (gint64) (resilient_attempt_get_duration (log->pdata[i - 1]) * G_USEC_PER_SEC);

      if (G (slept + 2) < before)
        return g_strdup_printf ("slept %g s before attempt %u, not %g s",
                                G (slept),
                                resilient_attempt_get_number (log->pdata[i]),
                                before);
    }
  return NULL;
}

static char *
check_delays (History *history)
{
  return for_each (history, check_delays_of);
}

/* Deadlines, cancels and closes end a request in that very moment, and none ends too early. */
static char *
check_times_of (History *history, PastRequest *request)
{
  PastEvent *last = last_event (request);
  gint64 must_end = request->must_end;

  if (last == NULL)
    return NULL;
  if (history->closed_order > 0 && last->order > history->closed_order)
    return g_strdup ("was alive when a close completed");
  if (request->deadline > 0)
    must_end = MIN (must_end, request->deadline);
  if (must_end != G_MAXINT64 && last->time > with_suspends (history, must_end))
    return g_strdup_printf ("ended %g s too late", G (last->time - must_end));
  if (request->cancelled_at >= 0 && last->time > request->cancelled_at)
    return g_strdup_printf ("ended %g s after it was cancelled",
                            G (last->time - request->cancelled_at));
  if (last->failure == RESILIENT_FAILURE_DEADLINE && request->deadline > 0
      && request->events->len > request->attempts->len && last->time < request->deadline)
    return g_strdup_printf ("ended %g s before its deadline", G (request->deadline - last->time));
  for (guint i = 0; i < request->answers->len; i++)
    {
      PastAnswer *answer = request->answers->pdata[i];

      if (answer->time < last->time && !answer->gave_up)
        return g_strdup ("a callback came before the end");
    }
  /* The first who waited heard of it in the next turn of the context: time did not pass. */
  if (request->answers->len > 0 && !((PastAnswer *) request->answers->pdata[0])->gave_up
      && request->result == NULL && ((PastAnswer *) request->answers->pdata[0])->time != last->time)
    return g_strdup ("its callback came later than its end");
  return NULL;
}

static char *
check_times (History *history)
{
  return for_each (history, check_times_of);
}

/* Every event is signalled once, in order; retries may be dropped when the queue is full. */
static char *
check_signals (History *history)
{
  guint next = 0, n_terminal = 0, n_missing = 0;

  for (guint i = 0; i < history->signals->len; i++)
    {
      guint64 sequence = g_array_index (history->signals, guint64, i);

      while (next < history->sequences->len
             && g_array_index (history->sequences, guint64, next) != sequence)
        {
          next++;
          n_missing++;
        }
      if (next == history->sequences->len)
        return g_strdup_printf ("event %" G_GUINT64_FORMAT " was signalled twice or out of order",
                                sequence);
      next++;
    }
  n_missing += history->sequences->len - next;
  for (guint i = 0; i < history->requests->len; i++)
    n_terminal += last_event (history->requests->pdata[i]) != NULL;
  if (history->disposed || history->stats == NULL)
    return NULL;
  if (n_missing != history->dropped)
    return g_strdup_printf ("%u events were not signalled, %" G_GUINT64_FORMAT
                            " counted as dropped",
                            n_missing,
                            history->dropped);
  if (n_missing > history->sequences->len - n_terminal)
    return g_strdup ("a terminal event was not signalled");
  return NULL;
}

/* Never more attempts at once than allowed, and a slot for each. */
static char *
check_limits (History *history)
{
  if (history->max_live > history->max_concurrent)
    return g_strdup_printf (
      "%u attempts at once, %u allowed", history->max_live, history->max_concurrent);
  if (history->n_miscounted > 0)
    return g_strdup ("the gate counts other attempts than the network has");
  return NULL;
}

/* The statistics are those of the events. */
static char *
check_stats (History *history)
{
  ResilientStats *stats = history->stats;
  guint64 n_requests = 0, n_refused = 0, n_attempts = 0, n_retries = 0;
  guint64 n_ended[5] = { 0 };

  if (stats == NULL)
    return NULL;
  for (guint i = 0; i < history->requests->len; i++)
    {
      PastRequest *request = history->requests->pdata[i];

      n_attempts += request->attempts->len;
      if (request->events->len == 0)
        {
          n_refused++;
          continue;
        }
      n_requests++;
      n_retries += request->events->len - 1;
      n_ended[last_event (request)->type]++;
    }
#define CHECK(value, getter)                                                                       \
  if (resilient_stats_get_##getter (stats) != value)                                               \
    return g_strdup_printf (#getter " are %" G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT,          \
                            value,                                                                 \
                            (guint64) resilient_stats_get_##getter (stats));
  CHECK (n_requests, requests)
  CHECK (n_refused, refused)
  CHECK (n_attempts, attempts)
  CHECK (n_retries, retries)
  CHECK (n_ended[RESILIENT_EVENT_TYPE_SUCCESS], successes)
  CHECK (n_ended[RESILIENT_EVENT_TYPE_ERROR], errors)
  CHECK (n_ended[RESILIENT_EVENT_TYPE_TIMEOUT], timeouts)
  CHECK (n_ended[RESILIENT_EVENT_TYPE_CANCELLED], cancelled)
#undef CHECK
  return NULL;
}

/* Each guard admitted each attempt that began, and was told once how it ended. */
static char *
check_guards (History *history)
{
  if (history->n_used != history->n_begun)
    return g_strdup_printf (
      "guards were told of %u ends, there were %u", history->n_used, history->n_begun);
  return NULL;
}

/* Nothing is left of anything. */
static char *
check_leaks (History *history)
{
#define CHECK(left)                                                                                \
  if (history->left > 0)                                                                           \
    return g_strdup_printf (#left ": %u", (guint) history->left);
  CHECK (calls_left)
  CHECK (active_left)
  CHECK (pending_left)
  CHECK (listed_left)
  CHECK (timers_left)
  CHECK (objects_left)
  CHECK (guarded_left)
  CHECK (engine_left)
#undef CHECK
  return NULL;
}

const Property properties[] = {
  { "one-end", check_one_end },
  { "one-callback", check_one_callback },
  { "order", check_order },
  { "outcome", check_outcome },
  { "never-twice", check_never_twice },
  { "attempts", check_attempts },
  { "delays", check_delays },
  { "times", check_times, .needs_clock = TRUE },
  { "signals", check_signals },
  { "limits", check_limits, .needs_clock = TRUE },
  { "statistics", check_stats },
  { "guards", check_guards },
  { "nothing-left", check_leaks },
};
const guint n_properties = G_N_ELEMENTS (properties);
