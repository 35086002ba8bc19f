/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-run-private.h"

#include "resilient-clock-private.h"
#include "resilient-i18n-private.h"
#include "resilient-request-context-private.h"

/* One attempt of a call: it starts a transport attempt, hears what becomes of it, and asks for the
 * verdict. */

/* The log of a call that retries for days keeps its newest attempts. */
#define MAX_LOG 100

static ResilientVerdict
judge (ResilientCall *self,
       ResilientFailure failure,
       gboolean nothing_sent,
       guint status_code,
       double retry_after)
{
  ResilientVerdictInput input = {
    .context = self->context,
    .policy = resilient_request_context_peek_policy (self->context),
    .failure = failure,
    .nothing_sent = nothing_sent,
    .status_code = status_code,
    .retry_after = retry_after,
    .method = self->frozen->method,
    .has_idempotency_key = resilient_frozen_request_has_idempotency_key (self->frozen),
    .idempotency = self->frozen->idempotency,
    .body_spent = self->frozen->body != NULL && resilient_body_is_spent (self->frozen->body),
    .closed = resilient_engine_is_closing (self->engine),
    .now = resilient_clock_get_boot (),
    .deadline = resilient_call_get_deadline (self),
  };

  return resilient_verdict (&input);
}

static void
attempt_phase (ResilientTransportAttempt *attempt, ResilientPhase phase, gpointer data)
{
  ResilientTurn *turn = data;
  ResilientCall *self = turn->call;
  ResilientCallState state = phase >= RESILIENT_PHASE_READING ? RESILIENT_CALL_STATE_RECEIVING
                                                              : RESILIENT_CALL_STATE_SENDING;

  if (turn->left)
    return;
  g_mutex_lock (&self->lock);
  if (self->state != state)
    {
      self->state = state;
      resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_STATE);
    }
  g_mutex_unlock (&self->lock);
}

static void
attempt_progress (ResilientTransportAttempt *attempt,
                  gint64 sent,
                  gint64 received,
                  gint64 upload_size,
                  gint64 download_size,
                  gpointer data)
{
  ResilientTurn *turn = data;
  ResilientCall *self = turn->call;
  guint props = 0;

  if (turn->left)
    return;
  g_mutex_lock (&self->lock);
#define UPDATE(field, value, PROP)                                                                 \
  if (self->field != value)                                                                        \
    {                                                                                              \
      self->field = value;                                                                         \
      props |= 1 << RESILIENT_CALL_PROP_##PROP;                                                    \
    }
  UPDATE (bytes_sent, sent, BYTES_SENT)
  UPDATE (bytes_received, received, BYTES_RECEIVED)
  UPDATE (upload_size, upload_size, UPLOAD_SIZE)
  UPDATE (download_size, download_size, DOWNLOAD_SIZE)
#undef UPDATE
  if (props != 0)
    resilient_call_changed (self, props);
  g_mutex_unlock (&self->lock);
}

/* The verdict on a status is taken here already: if there will be a retry, the body need not be
 * read. */
static gboolean
attempt_headers (ResilientTransportAttempt *attempt,
                 guint status_code,
                 double retry_after,
                 gpointer data)
{
  ResilientTurn *turn = data;
  ResilientCall *self = turn->call;

  if (turn->left)
    return FALSE;
  g_mutex_lock (&self->lock);
  self->status_code = status_code;
  resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_STATUS_CODE);
  g_mutex_unlock (&self->lock);

  if (!resilient_verdict_status_is_failure (resilient_request_context_peek_policy (self->context),
                                            status_code))
    return TRUE;

  turn->early_verdict = judge (self, RESILIENT_FAILURE_STATUS, FALSE, status_code, retry_after);
  turn->has_early_verdict = TRUE;
  return !turn->early_verdict.retry;
}

/* The newest come first. */
static void
cut_log (ResilientCall *self)
{
  GSList *last = g_slist_nth (self->log, MAX_LOG - 1);

  if (last == NULL)
    return;
  g_slist_free_full (g_steal_pointer (&last->next), (GDestroyNotify) resilient_attempt_unref);
}

void
resilient_turn_log_attempt (ResilientTurn *turn,
                            ResilientOutcome *outcome,
                            ResilientFailure failure,
                            ResilientReason reason)
{
  ResilientCall *self = turn->call;
  double duration = resilient_clock_to_seconds (resilient_clock_get_boot () - turn->started);

  self->log = g_slist_prepend (
    self->log,
    resilient_attempt_new (self->attempts,
                           turn->started_real,
                           duration,
                           failure,
                           outcome->status_code,
                           resilient_request_context_get_previous_delay (self->context),
                           outcome->reused_connection,
                           outcome->sends,
                           reason));
  /* Not each time: it takes a walk to the end. */
  if (self->attempts % MAX_LOG == 0)
    cut_log (self);
  g_mutex_lock (&self->lock);
  self->sends += outcome->sends;
  g_mutex_unlock (&self->lock);
}

GSList *
resilient_call_get_log (ResilientCall *self)
{
  cut_log (self);
  return self->log;
}

static GError *
describe_last_error (ResilientCall *self, const GError *error)
{
  GError *described;

  if (self->attempts < 2)
    return g_error_copy (error);

  described = g_error_new_literal (error->domain, error->code, "");
  g_free (described->message);
  described->message = g_strdup_printf (
    /* Translators: %s is the message of the last error. */
    resilient_ngettext ("%s (after %u attempt)", "%s (after %u attempts)", self->attempts),
    error->message,
    self->attempts);
  return described;
}

static void
attempt_done (ResilientTransportAttempt *attempt, ResilientOutcome *outcome, gpointer data)
{
  ResilientTurn *turn = data;
  ResilientCall *self = turn->call;
  ResilientFailure failure = outcome->failure;
  ResilientVerdict verdict = { .reason = RESILIENT_REASON_SUCCESS };

  if (turn->left)
    return;
  /* The slot goes back when the attempt is released. */
  self->turn = NULL;

  if (outcome->answered)
    resilient_network_answered (self->engine->network, turn->waiter.origin, outcome->socket);
  if (outcome->http2_of_origin)
    resilient_gate_set_http2 (self->engine->gate, turn->waiter.origin);

  if (failure == RESILIENT_FAILURE_NONE
      && resilient_verdict_status_is_failure (resilient_request_context_peek_policy (self->context),
                                              outcome->status_code))
    failure = RESILIENT_FAILURE_STATUS;

  if (failure == RESILIENT_FAILURE_STATUS && turn->has_early_verdict)
    verdict = turn->early_verdict;
  else if (failure != RESILIENT_FAILURE_NONE)
    verdict = judge (self, failure, outcome->nothing_sent, outcome->status_code, -1);
  self->new_connection =
    (failure & (RESILIENT_FAILURE_READ_TIMEOUT | RESILIENT_FAILURE_WRITE_TIMEOUT)) != 0;

  resilient_turn_log_attempt (turn, outcome, failure, verdict.reason);

  if (verdict.retry)
    {
      resilient_call_sleep (
        self, verdict.delay, failure, verdict.reason, outcome->response, outcome->error);
    }
  else if (failure == RESILIENT_FAILURE_NONE)
    {
      turn->last = self->slot_due = TRUE;
      resilient_call_end (
        self, RESILIENT_RESULT_STATUS_SUCCESS, failure, verdict.reason, outcome->response, NULL);
    }
  else
    {
      g_autoptr (GError) error =
        outcome->error != NULL ? describe_last_error (self, outcome->error) : NULL;

      turn->last = self->slot_due = TRUE;
      resilient_call_end (self,
                          failure & RESILIENT_FAILURE_ANY_TIMEOUT ? RESILIENT_RESULT_STATUS_TIMEOUT
                                                                  : RESILIENT_RESULT_STATUS_ERROR,
                          failure,
                          verdict.reason,
                          outcome->response,
                          error);
    }
}

static void
attempt_released (ResilientTransportAttempt *attempt, gpointer data)
{
  ResilientTurn *turn = data;

  if (turn->starting)
    turn->released = TRUE;
  else
    resilient_turn_leave (turn);
}

static ResilientHeaders *
attempt_default_headers (GUri *uri, gpointer data)
{
  ResilientTurn *turn = data;
  ResilientEngine *engine = turn->call->engine;
  g_autoptr (ResilientOrigin) other = NULL;

  if (uri == turn->call->frozen->uri)
    return resilient_engine_dup_default_headers (engine, turn->waiter.origin);
  other = resilient_gate_get_origin (engine->gate, uri);
  return resilient_engine_dup_default_headers (engine, other);
}

static const ResilientTransportAttemptFuncs attempt_funcs = {
  .phase = attempt_phase,
  .progress = attempt_progress,
  .headers = attempt_headers,
  .done = attempt_done,
  .released = attempt_released,
  .default_headers = attempt_default_headers,
};

void
resilient_call_begin_attempt (ResilientCall *self)
{
  g_autoptr (ResilientTransport) transport = resilient_engine_dup_transport (self->engine);
  guint generation = resilient_network_check_resume (self->engine->network);
  ResilientTurn *turn = self->turn;
  ResilientTransportAttemptParams params = {
    .frozen = self->frozen,
    .idempotency_key = self->frozen->idempotency_key,
    .user_agent = self->limits->user_agent,
    .connect_timeout = self->limits->connect_timeout,
    .read_timeout = self->limits->read_timeout,
    .write_timeout = self->limits->write_timeout,
    .attempt_timeout = self->limits->attempt_timeout,
    .max_response_size = self->limits->max_response_size,
    .new_connection = self->new_connection,
    .io_priority = resilient_scheduler_get_priority (self->scheduler),
    .pace = resilient_scheduler_get_pace (self->scheduler),
  };

  if (generation > 0 && resilient_origin_take_fresh_connection (turn->waiter.origin, generation))
    params.new_connection = TRUE;

  resilient_frozen_request_ensure_uri (self->frozen);
  turn->started = resilient_clock_get_boot ();
  turn->started_real = resilient_clock_get_real ();

  g_mutex_lock (&self->lock);
  self->attempts++;
  g_clear_pointer (&self->last_context, resilient_request_context_unref);
  self->state = RESILIENT_CALL_STATE_SENDING;
  resilient_call_changed (self, 1 << RESILIENT_CALL_PROP_STATE | 1 << RESILIENT_CALL_PROP_ATTEMPT);
  g_mutex_unlock (&self->lock);

  resilient_recorder_attempt (self->engine->recorder);
  turn->starting = TRUE;
  turn->attempt = resilient_transport_attempt_start (
    transport, &params, resilient_scheduler_get_timers (self->scheduler), &attempt_funcs, turn);
  turn->starting = FALSE;
  if (turn->released)
    resilient_turn_leave (turn);
  else if (turn->left)
    resilient_transport_attempt_abandon (turn->attempt);
}
