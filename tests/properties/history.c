/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "history.h"

static void
past_event_free (gpointer data)
{
  PastEvent *event = data;

  resilient_retry_policy_unref (event->policy);
  g_free (event);
}

static void
past_answer_free (gpointer data)
{
  PastAnswer *answer = data;

  g_clear_error (&answer->error);
  g_free (answer);
}

static void
past_request_free (gpointer data)
{
  PastRequest *request = data;

  g_ptr_array_unref (request->events);
  g_ptr_array_unref (request->answers);
  g_array_unref (request->attempts);
  g_clear_pointer (&request->result, resilient_result_unref);
  g_free (request->id);
  g_free (request);
}

History *
history_new (guint32 seed)
{
  History *self = g_new0 (History, 1);

  self->seed = seed;
  self->log = g_string_sized_new (8192);
  self->requests = g_ptr_array_new_with_free_func (past_request_free);
  self->signals = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->suspends = g_array_new (FALSE, FALSE, sizeof (Suspend));
  self->results_kept = TRUE;

  return self;
}

void
history_free (History *self)
{
  g_string_free (self->log, TRUE);
  g_ptr_array_unref (self->requests);
  g_array_unref (self->signals);
  g_array_unref (self->sequences);
  g_array_unref (self->suspends);
  g_clear_pointer (&self->stats, resilient_stats_unref);
  g_free (self);
}

PastRequest *
history_add_request (History *self)
{
  PastRequest *request = g_new0 (PastRequest, 1);

  request->number = self->requests->len;
  request->events = g_ptr_array_new_with_free_func (past_event_free);
  request->answers = g_ptr_array_new_with_free_func (past_answer_free);
  request->attempts = g_array_new (FALSE, FALSE, sizeof (PastAttempt));
  request->cancelled_at = -1;
  request->must_end = G_MAXINT64;
  g_ptr_array_add (self->requests, request);

  return request;
}

PastEvent *
past_request_add_event (PastRequest *self, ResilientEvent *event, guint order)
{
  ResilientRequestContext *context = resilient_event_get_context (event);
  PastEvent *past = g_new0 (PastEvent, 1);

  past->order = order;
  past->time = resilient_event_get_timestamp (event);
  past->type = resilient_event_get_event_type (event);
  past->sequence = resilient_event_get_sequence (event);
  past->attempt = resilient_request_context_get_current_attempt (context);
  past->failure = resilient_event_get_failure (event);
  past->delay = resilient_event_get_delay (event);
  past->has_response = resilient_event_get_response (event) != NULL;
  past->has_error = resilient_event_get_error (event) != NULL;
  past->policy = resilient_retry_policy_ref (resilient_request_context_get_policy (context));
  g_ptr_array_add (self->events, past);

  return past;
}

PastAnswer *
past_request_add_answer (PastRequest *self)
{
  PastAnswer *answer = g_new0 (PastAnswer, 1);

  g_ptr_array_add (self->answers, answer);
  return answer;
}

gboolean
past_request_has_ended (PastRequest *self)
{
  PastEvent *last;

  if (self->events->len == 0)
    return FALSE;
  last = self->events->pdata[self->events->len - 1];
  return last->type != RESILIENT_EVENT_TYPE_RETRY;
}
