/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-transport-private.h"

/* A scripted attempt: no sockets; it ends as somebody says, after so much time, or by its own
 * deadlines as any other. */

struct _ResilientTestTransportAttempt
{
  ResilientTransportAttempt parent;
  int ref_count;

  ResilientTestStub *stub;
  ResilientTestAttempt *attempt;
  ResilientFrozenRequest *frozen;
  const ResilientTransportAttemptFuncs *funcs;
  gpointer data;
  ResilientTimerQueue *timers;
  ResilientTimer timer;
  ResilientDeadlines deadlines;
  ResilientOutcome outcome;
  gboolean asked;     /* those who may say how it ends */
  gboolean begun;     /* that is known here, too */
  gint64 due;         /* when it ends the attempt */
  GError *body_error; /* of the request */
  gboolean body_sent;

  /* Under the lock of the stubs; the rest is of the driving context. */
  ResilientTestEnd *end; /* NULL until somebody says how it ends */
  gint64 planned;        /* when that was said */
  gboolean over;
};

static void
attempt_unref (ResilientTransportAttempt *attempt)
{
  ResilientTestTransportAttempt *self = (ResilientTestTransportAttempt *) attempt;

  if (--self->ref_count > 0)
    return;

  g_clear_pointer (&self->end, resilient_test_end_unref);
  g_clear_error (&self->body_error);
  g_object_unref (self->attempt);
  resilient_frozen_request_unref (self->frozen);
  resilient_timer_queue_unref (self->timers);
  resilient_transport_unref (&self->stub->parent);
  g_free (self);
}

static void
release_cb (gpointer data)
{
  ResilientTestTransportAttempt *self = data;

  resilient_test_stub_lock ();
  self->stub->n_live--;
  resilient_test_stub_unlock ();

  self->funcs->released (&self->parent, self->data);
  attempt_unref (&self->parent);
}

/* FALSE: it has ended. From now on nothing is heard of it but that it is released, by and by. */
static gboolean
take_end (ResilientTestTransportAttempt *self)
{
  gboolean first;
  double held;

  resilient_test_stub_lock ();
  first = !self->over;
  self->over = TRUE;
  held = self->end != NULL ? self->end->released_after : 0.0;
  resilient_test_attempt_set_attempt (self->attempt, NULL);
  resilient_test_stub_unlock ();

  if (first)
    resilient_timer_queue_set (self->timers,
                               &self->timer,
                               resilient_clock_add (resilient_clock_get_boot (), held),
                               release_cb,
                               self);
  return first;
}

static void
end_with_error (ResilientTestTransportAttempt *self, ResilientFailure failure, const GError *error)
{
  if (!take_end (self))
    return;

  self->outcome.failure = failure;
  self->outcome.error = g_error_copy (error);
  self->outcome.phase = self->deadlines.phase;
  self->funcs->done (&self->parent, &self->outcome, self->data);
  g_clear_error (&self->outcome.error);
}

static void
end_with_response (ResilientTestTransportAttempt *self)
{
  ResilientTestEnd *end = self->end;
  double retry_after = resilient_test_end_get_retry_after (end);
  gint64 elapsed = resilient_clock_get_boot () - self->deadlines.started;
  GBytes *body = end->body;

  self->funcs->phase (&self->parent, RESILIENT_PHASE_READING, self->data);
  self->outcome.status_code = end->status;
  self->outcome.answered = TRUE;
  if (self->funcs->headers (&self->parent, end->status, retry_after, self->data))
    {
      g_autoptr (GBytes) sent = resilient_test_attempt_dup_body (self->attempt);
      gint64 upload = sent != NULL ? (gint64) g_bytes_get_size (sent) : 0;
      gint64 download = (gint64) g_bytes_get_size (body);

      self->funcs->progress (&self->parent, upload, download, upload, download, self->data);
    }
  else
    {
      body = NULL;
      resilient_test_stub_lock ();
      self->stub->n_discarded++;
      resilient_test_stub_unlock ();
    }

  if (!take_end (self))
    return;

  self->outcome.failure = RESILIENT_FAILURE_NONE;
  self->outcome.phase = RESILIENT_PHASE_DONE;
  self->outcome.response = resilient_response_new_full (end->status,
                                                        soup_status_get_phrase (end->status),
                                                        self->frozen->uri,
                                                        end->http2 ? SOUP_HTTP_2_0 : SOUP_HTTP_1_1,
                                                        end->headers,
                                                        body,
                                                        resilient_clock_to_seconds (elapsed),
                                                        retry_after);
  self->funcs->done (&self->parent, &self->outcome, self->data);
  g_clear_pointer (&self->outcome.response, resilient_response_unref);
}

/* Reads what would go to the server; a stream that can be read once is spent by that. */
static void
send_body (ResilientTestTransportAttempt *self)
{
  ResilientBody *body = self->frozen->body;
  g_autoptr (GOutputStream) memory = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gint64 size;

  if (body == NULL || self->body_sent)
    return;

  self->body_sent = TRUE;
  stream = resilient_body_open (body, &size, &self->body_error);
  if (stream == NULL)
    return;

  resilient_body_begin (body);
  memory = g_memory_output_stream_new_resizable ();
  if (g_output_stream_splice (
        memory, stream, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &self->body_error)
      < 0)
    return;

  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  resilient_test_attempt_set_body (self->attempt, bytes);
}

/* In the driving context, once the end is known. */
static void
begin_end (ResilientTestTransportAttempt *self)
{
  ResilientTestEnd *end = self->end;

  self->begun = TRUE;
  self->due = end->takes < 0.0 ? G_MAXINT64 : resilient_clock_add (self->planned, end->takes);
  self->outcome.nothing_sent = end->nothing_sent;
  self->outcome.sends = end->nothing_sent ? 0 : 1;
  self->outcome.http2 = end->http2;
  self->outcome.http2_of_origin = end->http2;

  if (end->nothing_sent)
    resilient_deadlines_enter (
      &self->deadlines, RESILIENT_PHASE_CONNECTING, self->deadlines.started);
  else
    send_body (self);
}

static void
end_as_said (ResilientTestTransportAttempt *self)
{
  const GError *error = self->end->error;

  if (error != NULL)
    end_with_error (self, resilient_failure_from_error (error, self->end->nothing_sent), error);
  else
    end_with_response (self);
}

static void
end_by_deadline (ResilientTestTransportAttempt *self, gint64 now)
{
  ResilientFailure failure =
    resilient_deadlines_check (&self->deadlines, now, self->outcome.nothing_sent);
  g_autoptr (GError) error = resilient_deadlines_make_error (&self->deadlines, failure);

  if (!self->outcome.nothing_sent)
    send_body (self);
  end_with_error (self, failure, error);
}

/* Somebody may say in a handler how it ends; else the stub does, and without steps the attempt
 * waits. */
static void
ask (ResilientTestTransportAttempt *self)
{
  g_autoptr (ResilientTestTransport) owner = g_weak_ref_get (&self->stub->owner);

  self->asked = TRUE;
  if (owner != NULL)
    resilient_test_transport_ask (owner, self->attempt);

  resilient_test_stub_lock ();
  if (!self->over && self->end == NULL)
    {
      ResilientTestEnd *end =
        resilient_test_stub_take (self->stub, resilient_test_attempt_get_uri (self->attempt));

      if (end != NULL)
        resilient_test_transport_attempt_plan (self, end);
    }
  resilient_test_stub_unlock ();
}

static void
go_on_cb (gpointer data)
{
  ResilientTestTransportAttempt *self = data;
  gint64 now = resilient_clock_get_boot ();
  gint64 deadline;
  gboolean is_over, has_end;

  /* Who is asked may cancel it. */
  self->ref_count++;
  if (!self->asked)
    ask (self);

  resilient_test_stub_lock ();
  is_over = self->over;
  has_end = self->end != NULL;
  resilient_test_stub_unlock ();

  if (has_end && !is_over && !self->begun)
    begin_end (self);
  deadline = resilient_deadlines_get_due (&self->deadlines);

  if (is_over)
    ;
  else if (self->body_error != NULL)
    end_with_error (self, RESILIENT_FAILURE_INVALID, self->body_error);
  else if (self->due <= MIN (now, deadline))
    end_as_said (self);
  else if (deadline <= now)
    end_by_deadline (self, now);
  else
    resilient_timer_queue_set (
      self->timers, &self->timer, MIN (self->due, deadline), go_on_cb, self);

  attempt_unref (&self->parent);
}

gboolean
resilient_test_transport_attempt_plan (ResilientTestTransportAttempt *self, ResilientTestEnd *end)
{
  if (self->end != NULL)
    {
      resilient_test_end_unref (end);
      return FALSE;
    }

  self->end = end;
  self->planned = resilient_clock_get_boot ();
  resilient_timer_queue_set (self->timers, &self->timer, self->planned, go_on_cb, self);
  return TRUE;
}

void
resilient_test_transport_attempt_abandon (ResilientTransportAttempt *attempt)
{
  take_end ((ResilientTestTransportAttempt *) attempt);
}

/* What a server would see: the request's own headers win over defaults. */
static ResilientHeaders *
make_headers (ResilientTestTransportAttempt *self, const ResilientTransportAttemptParams *params)
{
  ResilientHeaders *own = self->frozen->headers;
  ResilientBody *body = self->frozen->body;
  ResilientHeaders *defaults = NULL;
  ResilientHeaders *merged;
  ResilientRequestPlan plan;

  if (self->funcs->default_headers != NULL)
    defaults = self->funcs->default_headers (self->frozen->uri, self->data);
  resilient_request_plan_init (&plan, self->frozen);
  merged = resilient_request_plan_merge_headers (&plan, defaults, own);
  resilient_request_plan_clear (&plan);
  if (defaults != NULL)
    resilient_headers_unref (defaults);

#define HAS_OWN(name) (own != NULL && resilient_headers_get_one (own, name) != NULL)
  if (body != NULL && resilient_body_get_content_type (body) != NULL && !HAS_OWN ("Content-Type"))
    resilient_headers_replace (merged, "Content-Type", resilient_body_get_content_type (body));
  if (params->idempotency_key != NULL)
    resilient_headers_replace (merged, "Idempotency-Key", params->idempotency_key);
  if (params->user_agent != NULL && !HAS_OWN ("User-Agent"))
    resilient_headers_replace (merged, "User-Agent", params->user_agent);
#undef HAS_OWN

  return merged;
}

/* With the lock held. */
static guint
count_attempt (ResilientTestStub *stub, const ResilientTransportAttemptParams *params)
{
  guint number = GPOINTER_TO_UINT (g_hash_table_lookup (stub->numbers, params->frozen)) + 1;

  g_hash_table_insert (stub->numbers, params->frozen, GUINT_TO_POINTER (number));
  stub->n_started++;
  stub->n_live++;
  stub->max_live = MAX (stub->max_live, stub->n_live);
  stub->n_new_connections += params->new_connection;

  return number;
}

ResilientTransportAttempt *
resilient_test_transport_attempt_start (ResilientTransport *transport,
                                        const ResilientTransportAttemptParams *params,
                                        ResilientTimerQueue *timers,
                                        const ResilientTransportAttemptFuncs *funcs,
                                        gpointer data)
{
  ResilientTestStub *stub = (ResilientTestStub *) transport;
  ResilientTestTransportAttempt *self = g_new0 (ResilientTestTransportAttempt, 1);
  gint64 now = resilient_clock_get_boot ();
  ResilientHeaders *headers;

  self->parent.transport = resilient_transport_ref (transport);
  self->parent.unref = attempt_unref;
  self->parent.outcome = &self->outcome;
  self->ref_count = 2; /* the caller's, and our own until released() */
  self->stub = stub;
  self->frozen = resilient_frozen_request_ref (params->frozen);
  self->funcs = funcs;
  self->data = data;
  self->timers = resilient_timer_queue_ref (timers);
  self->due = G_MAXINT64;
  self->outcome.sends = 1;
  /* To connect and to write takes no time. */
  resilient_deadlines_init (&self->deadlines,
                            now,
                            params->connect_timeout,
                            params->write_timeout,
                            params->read_timeout,
                            params->attempt_timeout);
  resilient_deadlines_enter (&self->deadlines, RESILIENT_PHASE_WAITING, now);

  headers = make_headers (self, params);

  resilient_test_stub_lock ();
  self->attempt = resilient_test_attempt_new (self->frozen,
                                              headers,
                                              count_attempt (stub, params),
                                              resilient_clock_to_seconds (now - stub->created));
  resilient_test_attempt_set_attempt (self->attempt, self);
  g_ptr_array_add (stub->attempts, g_object_ref (self->attempt));
  resilient_test_stub_unlock ();

  if (self->frozen->body != NULL && resilient_body_is_replayable (self->frozen->body))
    send_body (self);

  /* Nothing may come of it before the caller has it. */
  resilient_timer_queue_set (timers, &self->timer, now, go_on_cb, self);

  return &self->parent;
}
