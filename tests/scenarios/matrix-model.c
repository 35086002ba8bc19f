/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "matrix.h"

#include <string.h>

/* The rules of retrying once more, written from the specification and for this test only: nothing
 * of the library is asked, so that an error there is not repeated here. */

typedef struct
{
  guint max_retries;
  double base, factor, cap, jitter; /* of 1 ± jitter; 0 = full, from zero on */
  guint retried;                    /* ResilientFailure */
  guint16 statuses[8];              /* until 0 */
  double max_retry_after;           /* 0 = not honoured */
} Policy;

static const Policy default_policy = {
  .max_retries = 2,
  .base = 1,
  .factor = 2,
  .cap = 30,
  .jitter = 0.2,
  .retried = RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS,
};

static const Policy standard_policy = {
  .max_retries = 3,
  .base = 0.5,
  .factor = 2,
  .cap = 30,
  .retried = RESILIENT_FAILURE_RESOLVE | RESILIENT_FAILURE_CONNECT | RESILIENT_FAILURE_TLS
             | RESILIENT_FAILURE_CONNECT_TIMEOUT | RESILIENT_FAILURE_DISCONNECT
             | RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT
             | RESILIENT_FAILURE_STATUS,
  .statuses = { 408, 425, 429, 500, 502, 503, 504 },
  .max_retry_after = 3600,
};

static gboolean
is_one_of (const char *method, const char *list)
{
  g_auto (GStrv) methods = g_strsplit (list, " ", -1);

  return g_strv_contains ((const char *const *) methods, method);
}

gboolean
cell_has_body (const Cell *cell)
{
  return is_one_of (cell->method, "PUT POST PATCH");
}

/* Rule 4, for what was begun to be sent. */
static gboolean
may_repeat (const Cell *cell)
{
  return cell->key || is_one_of (cell->method, "GET HEAD OPTIONS TRACE PUT DELETE");
}

static gboolean
has_status (const Policy *policy, guint status)
{
  for (gsize i = 0; policy->statuses[i] != 0; i++)
    if (policy->statuses[i] == status)
      return TRUE;

  return FALSE;
}

/* What the application gets of one send. */
static guint
count_arrival (const Fault *fault, const Cell *cell, gboolean good)
{
  if (good)
    return 1;
  switch (fault->arrival)
    {
    case ARRIVES_WHOLE:
      return 1;
    case ARRIVES_WITHOUT_BODY:
      return cell_has_body (cell) ? 0 : 1;
    case ARRIVES_NOT:
    default:
      return 0;
    }
}

/* One attempt. Returns its kind. */
static ResilientFailure
attempt (const Fault *fault, const Cell *cell, const Policy *policy, Prediction *prediction)
{
  gboolean first = prediction->attempts == 0;
  gboolean good = !first && fault->once;

  prediction->attempts++;
  if (fault->unsent)
    return fault->failure;

  prediction->sends++;
  prediction->arrivals += count_arrival (fault, cell, good);
  /* A kept-alive connection that turns out dead is not the end of the attempt, nor is a stream that
   * was refused. Every later connection is a new one. */
  if (!good && fault->failure != RESILIENT_FAILURE_NONE && (fault->unprocessed || may_repeat (cell))
      && (fault->resent || (fault->kept && first)))
    {
      good = fault->once;
      prediction->sends++;
      prediction->arrivals += count_arrival (fault, cell, good);
    }
  if (good || (fault->in_body && g_str_equal (cell->method, "HEAD")))
    return RESILIENT_FAILURE_NONE;
  if (fault->status != 0)
    return policy->retried & RESILIENT_FAILURE_STATUS && has_status (policy, fault->status)
             ? RESILIENT_FAILURE_STATUS
             : RESILIENT_FAILURE_NONE;

  return fault->failure;
}

/* The @n-th wait, from 0. FALSE: the server asks for more than the policy grants. */
static gboolean
predict_delay (const Fault *fault, const Policy *policy, guint n, Prediction *prediction)
{
  double nominal = policy->base;
  double *min = &prediction->min_delays[n], *max = &prediction->max_delays[n];

  for (guint i = 0; i < n; i++)
    nominal *= policy->factor;
  nominal = MIN (nominal, policy->jitter > 0 ? policy->cap / (1 + policy->jitter) : policy->cap);
  *min = policy->jitter > 0 ? nominal * (1 - policy->jitter) : 0;
  *max = nominal * (1 + policy->jitter);
  if (fault->retry_after == 0 || policy->max_retry_after == 0)
    return TRUE;

  *min = MAX (*min, fault->retry_after);
  *max = MAX (*max, fault->retry_after) * 1.1;

  return fault->retry_after <= policy->max_retry_after;
}

void
matrix_predict (const Fault *fault, const Cell *cell, Prediction *prediction)
{
  const Policy *policy = cell->standard ? &standard_policy : &default_policy;
  ResilientFailure failure;

  memset (prediction, 0, sizeof *prediction);
  for (;;)
    {
      guint n = prediction->attempts;

      failure = attempt (fault, cell, policy, prediction);
      prediction->failures[n] = failure;
      if (failure == RESILIENT_FAILURE_NONE)
        break;
      if (!(policy->retried & failure)) /* 2 */
        break;
      if (failure == RESILIENT_FAILURE_STATUS && fault->status == 500
          && !is_one_of (cell->method, "GET HEAD OPTIONS TRACE"))
        break;
      if (prediction->attempts > policy->max_retries) /* 3 */
        break;
      if (!fault->unsent && !fault->unprocessed && !may_repeat (cell)) /* 4 */
        break;
      if (!predict_delay (fault, policy, n, prediction)) /* 6 */
        break;
      prediction->events[n] = 'R';
    }

  switch (failure)
    {
    case RESILIENT_FAILURE_NONE:
      prediction->events[prediction->attempts - 1] = 'S';
      break;
    case RESILIENT_FAILURE_CONNECT_TIMEOUT:
    case RESILIENT_FAILURE_WRITE_TIMEOUT:
    case RESILIENT_FAILURE_READ_TIMEOUT:
    case RESILIENT_FAILURE_DEADLINE:
      prediction->events[prediction->attempts - 1] = 'T';
      break;
    default:
      prediction->events[prediction->attempts - 1] = 'E';
      break;
    }
}
