/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One attempt over libsoup from its start to its release: it leases a connection, sends messages,
 * and ends once. It owns its transfers, timer and outcome. In the one context that drives it. */

#include "config.h"

#include "resilient-soup-attempt-private.h"

#include "resilient-clock-private.h"
#include "resilient-debug-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-verdict-private.h"

void
resilient_soup_attempt_ref (SoupAttempt *self)
{
  g_atomic_int_inc (&self->ref_count);
}

void
resilient_soup_attempt_unref (SoupAttempt *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->n_transfers == 0 && self->idle == NULL && self->look == NULL
            && self->waiter.route == NULL);
  resilient_request_plan_clear (&self->plan);
  resilient_frozen_request_unref (self->frozen);
  g_free (self->debug_name);
  g_free (self->idempotency_key);
  g_free (self->user_agent);
  g_clear_object (&self->outcome.socket);
  g_clear_pointer (&self->inflate, resilient_inflate_free);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->headers, resilient_headers_unref);
  g_main_context_unref (self->context);
  resilient_timer_queue_unref (self->timers);
  g_clear_pointer (&self->pace, resilient_pace_unref);
  resilient_transport_unref (self->base.transport);
  g_free (self);
}

static void
attempt_unref (ResilientTransportAttempt *attempt)
{
  resilient_soup_attempt_unref ((SoupAttempt *) attempt);
}

gboolean
resilient_soup_attempt_may_repeat (SoupAttempt *self)
{
  return resilient_verdict_may_repeat (
    self->plan.method,
    self->plan.with_body
      && (self->idempotency_key != NULL
          || resilient_frozen_request_has_idempotency_key (self->frozen)),
    self->frozen->idempotency);
}

/* A transfer that libsoup does not have, or no more. */
static void
transfer_free (SoupTransfer *transfer)
{
  g_clear_object (&transfer->tap);
  resilient_pool_leave (transfer->attempt->pool, &transfer->lease);
  g_free (transfer);
}

/* The last word, once nothing is left. */
static void
maybe_release (SoupAttempt *self)
{
  if (!self->ended || self->finishing || self->n_transfers > 0 || self->released
      || self->idle != NULL)
    return;
  self->released = TRUE;
  self->funcs->released (&self->base, self->data);
  resilient_soup_attempt_unref (self);
}

static gboolean
idle_cb (gpointer data)
{
  SoupAttempt *self = data;

  resilient_soup_attempt_ref (self);
  g_clear_pointer (&self->idle, g_source_unref);
  if (!self->ended)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->outcome.error);
      gboolean send = self->send_due;

      self->send_due = FALSE;
      if (!send || !resilient_soup_attempt_send (self, &error))
        resilient_soup_attempt_finish (
          self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
    }
  else
    maybe_release (self);
  resilient_soup_attempt_unref (self);
  return G_SOURCE_REMOVE;
}

static void
say_later (SoupAttempt *self)
{
  if (self->idle != NULL)
    return;
  self->idle = g_idle_source_new ();
  g_source_set_priority (self->idle, self->io_priority);
  g_source_set_callback (self->idle, idle_cb, self, NULL);
  g_source_set_static_name (self->idle, "[resilient-client] attempt");
  g_source_attach (self->idle, self->context);
}

static void
send_event_cb (ResilientSoupSend *send, ResilientSendEvent event, gpointer data)
{
  SoupTransfer *transfer = data;

  /* a message answered by the cache says all of it inside the send call */
  if ((transfer->launched || event == RESILIENT_SEND_STARTED)
      && transfer == transfer->attempt->transfer)
    resilient_soup_attempt_event (transfer->attempt, event);
}

static void
send_refused_cb (ResilientSoupSend *send, const GError *error, gpointer data)
{
  SoupTransfer *transfer = data;

  if (resilient_soup_attempt_take_early_answer (transfer->attempt))
    return;
  if (resilient_soup_send_has_body_failed (send))
    resilient_soup_attempt_finish (
      transfer->attempt, RESILIENT_FAILURE_INVALID, g_error_copy (error), NULL);
  else
    resilient_soup_attempt_fail (transfer->attempt, g_error_copy (error));
}

static void
send_answered_cb (ResilientSoupSend *send, GInputStream *stream, GError *error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  resilient_soup_attempt_ref (self);
  if (error != NULL)
    resilient_lease_failed (&transfer->lease);
  if (stream != NULL)
    {
      resilient_soup_attempt_guard (transfer, stream);
      transfer->reader = resilient_reader_new (
        stream, self->io_priority, self->pace, &resilient_soup_reader_funcs, transfer);
    }
  resilient_soup_attempt_answered (self, stream, error);
  resilient_soup_attempt_unref (self);
}

static void
send_broken_cb (ResilientSoupSend *send, const GError *error, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  if (self->transfer != transfer || self->reading == READING_NOTHING)
    return;
  if (self->reading == READING_BODY)
    resilient_soup_attempt_fail (self, g_error_copy (error));
  else
    resilient_soup_attempt_stop_reading (self);
}

static void
send_released_cb (ResilientSoupSend *send, gpointer data)
{
  SoupTransfer *transfer = data;
  SoupAttempt *self = transfer->attempt;

  /* an attempt whose message ended without an answer would never end */
  g_assert (transfer != self->transfer);
  self->n_transfers--;
  transfer_free (transfer);
  maybe_release (self);
  resilient_soup_attempt_unref (self);
}

static const ResilientSoupSendFuncs send_funcs = {
  send_event_cb, send_refused_cb, send_answered_cb, send_broken_cb, send_released_cb,
};

/* Takes @lease. */
static gboolean
launch (SoupAttempt *self, const ResilientLease *lease, GError **error)
{
  SoupTransfer *transfer = g_new0 (SoupTransfer, 1);
  g_autoptr (SoupMessage) message = NULL;
  gboolean sent;
  ResilientSoupSendParams params = {
    .session = lease->lane->session,
    .io_priority = self->io_priority,
    .pace = self->pace,
    .debug_name = self->debug_name,
    .body = self->plan.with_body ? self->frozen->body : NULL,
    .connections = lease->lane->connections,
    .shared = !lease->exclusive,
    /* in a session of others' a time-out, or an answer from its cache, may come in between; over
     * HTTP/2 it may wait for a stream */
    .brief = lease->exclusive && lease->route->protocol == RESILIENT_PROTOCOL_HTTP1
             && (!self->plan.with_body || self->frozen->body == NULL),
    .may_repeat = resilient_soup_attempt_may_repeat (self),
    .max_response_size = self->max_response_size,
  };

  transfer->attempt = self;
  transfer->lease = *lease;
  transfer->counts = self->count_send;
  params.message = message = resilient_soup_message_new (self, transfer);
  params.expect = resilient_soup_message_wants_expect (self, transfer);
  self->count_send = FALSE;
  self->new_connection = FALSE;
  self->transfer = transfer;
  self->n_transfers++;
  resilient_soup_attempt_ref (self);
  transfer->send = resilient_soup_send_new (&params, &send_funcs, transfer);
  if (params.body != NULL)
    resilient_lease_step_aside (&transfer->lease);
  sent = resilient_soup_send_send (transfer->send, error);
  if (params.body != NULL)
    resilient_lease_step_back (&transfer->lease);
  if (!sent)
    {
      self->transfer = NULL;
      self->n_transfers--;
      transfer_free (transfer);
      resilient_soup_attempt_unref (self);
      return FALSE;
    }
  transfer->launched = TRUE;
  return TRUE;
}

static gboolean
enter_lane (SoupAttempt *self, GError **error)
{
  ResilientLease lease;

  self->waiter.span = self->deadlines.connect;
  if (!resilient_pool_enter (self->pool,
                             self->plan.uri,
                             g_uri_get_userinfo (self->plan.uri) != NULL,
                             resilient_soup_message_get_reuse (self),
                             &self->waiter,
                             &lease))
    {
      resilient_debug (self->debug_name, "waits for a connection");
      return TRUE;
    }
  resilient_debug (self->debug_name, "leased a connection: %s", lease.why);
  return launch (self, &lease, error);
}

static void
lane_ready (ResilientLeaseWaiter *waiter)
{
  SoupAttempt *self = (SoupAttempt *) ((guint8 *) waiter - G_STRUCT_OFFSET (SoupAttempt, waiter));

  /* another attempt may be in the midst of passing its lane on */
  if (!enter_lane (self, &self->outcome.error))
    say_later (self);
}

static const char *
get_phase_name (ResilientPhase phase)
{
  switch (phase)
    {
    case RESILIENT_PHASE_CONNECTING:
      return "connecting";
    case RESILIENT_PHASE_WRITING:
      return "writing";
    case RESILIENT_PHASE_WAITING:
      return "waiting for an answer";
    case RESILIENT_PHASE_READING:
      return "reading";
    case RESILIENT_PHASE_DONE:
    default:
      return "done";
    }
}

static void
tell_plan (SoupAttempt *self)
{
  g_autofree char *uri = resilient_debug_redact_uri (self->plan.uri);

  resilient_debug_write (self->debug_name, "%s %s by libsoup", self->plan.method, uri);
}

static void
tell_end (SoupAttempt *self)
{
  g_autofree char *error = resilient_debug_describe_error (self->outcome.error);

  if (self->outcome.failure == RESILIENT_FAILURE_NONE)
    resilient_debug_write (
      self->debug_name, "has its answer, of %" G_GUINT64_FORMAT " bytes", self->received);
  else
    resilient_debug_write (
      self->debug_name, "failed while %s: %s", get_phase_name (self->outcome.phase), error);
}

gboolean
resilient_soup_attempt_send (SoupAttempt *self, GError **error)
{
  self->wrote_all = FALSE;
  self->unsent = 0;
  self->expect_due = 0;
  self->outcome.status_code = 0;
  self->outcome.http2 = FALSE;
  if (G_UNLIKELY (self->debug_name != NULL))
    tell_plan (self);
  resilient_soup_attempt_enter (self, RESILIENT_PHASE_CONNECTING);
  return enter_lane (self, error);
}

void
resilient_soup_attempt_send_later (SoupAttempt *self)
{
  self->send_due = TRUE;
  resilient_soup_attempt_enter (self, RESILIENT_PHASE_CONNECTING);
  say_later (self);
}

void
resilient_soup_attempt_drop_transfer (SoupAttempt *self)
{
  SoupTransfer *transfer = g_steal_pointer (&self->transfer);
  ResilientClose how = RESILIENT_CLOSE_LATER;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  if (self->decode_source != NULL)
    g_source_destroy (self->decode_source);
  g_clear_pointer (&self->decode_source, g_source_unref);
  resilient_lease_waiter_withdraw (&self->waiter);
  if (transfer == NULL)
    return;
  if (transfer->tap != NULL)
    resilient_tap_set_check (transfer->tap, NULL, NULL);
  if (!self->outcome.http2 && !resilient_soup_send_is_from_cache (transfer->send)
      && transfer->reader != NULL)
    {
      if (!self->wrote_all || !resilient_reader_is_at_end (transfer->reader))
        how = RESILIENT_CLOSE_ABANDON;
      else if (transfer->whole)
        how = RESILIENT_CLOSE_NOW;
    }
  else if (transfer->reader != NULL && resilient_soup_send_is_lost (transfer->send))
    how = RESILIENT_CLOSE_ABANDON;
  if (transfer->reader == NULL || how == RESILIENT_CLOSE_ABANDON)
    resilient_soup_send_hang_up (transfer->send);
  resilient_soup_send_detach (transfer->send);
  if (transfer->reader != NULL)
    resilient_reader_close (g_steal_pointer (&transfer->reader), how);
}

void
resilient_soup_attempt_finish (SoupAttempt *self,
                               ResilientFailure failure,
                               GError *error,
                               ResilientResponse *response)
{
  if (self->ended)
    {
      g_clear_error (&error);
      g_clear_pointer (&response, resilient_response_unref);
      return;
    }

  resilient_soup_attempt_ref (self);
  self->ended = TRUE;
  self->finishing = TRUE;
  resilient_soup_attempt_end_look (self);
  resilient_timer_queue_clear (self->timers, &self->timer);
  resilient_soup_attempt_drop_transfer (self);
  self->outcome.failure = failure;
  self->outcome.error = error;
  self->outcome.response = response;
  self->outcome.phase =
    failure == RESILIENT_FAILURE_NONE ? RESILIENT_PHASE_DONE : self->deadlines.phase;
  if (G_UNLIKELY (self->debug_name != NULL))
    tell_end (self);
  /* to close a stream tells the handlers of the session, which may run a main loop */
  if (!self->abandoned)
    self->funcs->done (&self->base, &self->outcome, self->data);
  g_clear_error (&self->outcome.error);
  g_clear_pointer (&self->outcome.response, resilient_response_unref);
  self->finishing = FALSE;
  maybe_release (self);
  resilient_soup_attempt_unref (self);
}

void
resilient_soup_attempt_fail (SoupAttempt *self, GError *error)
{
  ResilientFailure failure;

  /* The session was aborted, or something else of the app's: not for us to call a cancel, which
   * nobody here asked for. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (error);
      error = g_error_new_literal (G_IO_ERROR,
                                   G_IO_ERROR_CONNECTION_CLOSED,
                                   self->outcome.nothing_sent
                                     ? _ ("The connection was given up before it was made")
                                     : _ ("The connection was closed from this side"));
    }
  /* GnuTLS says the same of an alert after the handshake, which is about our certificate, and of a
   * stream that is read on after it was cut. Only a server that asked can be unhappy with one. */
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC) && !self->outcome.nothing_sent
      && self->transfer != NULL && !resilient_soup_send_may_lack_certificate (self->transfer->send))
    error->code = G_TLS_ERROR_EOF;
  /* the session's own time-out: the phase tells which one it was */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      && self->deadlines.phase == RESILIENT_PHASE_WRITING)
    failure = RESILIENT_FAILURE_WRITE_TIMEOUT;
  else
    failure = resilient_failure_from_error (error, self->outcome.nothing_sent);
  /* libsoup's own limit of a header section: it says "partial input" */
  if (failure == RESILIENT_FAILURE_TOO_LARGE && error->domain != RESILIENT_CLIENT_ERROR)
    {
      g_clear_error (&error);
      resilient_set_headers_too_large (&error);
    }
  resilient_soup_attempt_finish (self, failure, error, NULL);
}

ResilientTransportAttempt *
resilient_soup_attempt_start (ResilientTransport *transport,
                              const ResilientTransportAttemptParams *params,
                              ResilientTimerQueue *timers,
                              const ResilientTransportAttemptFuncs *funcs,
                              gpointer data)
{
  SoupAttempt *self = g_new0 (SoupAttempt, 1);

  self->base.transport = resilient_transport_ref (transport);
  self->base.unref = attempt_unref;
  self->base.outcome = &self->outcome;
  self->ref_count = 2; /* the caller's, and our own until released() */
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->io_priority = params->io_priority;
  self->pace = params->pace != NULL ? resilient_pace_ref (params->pace) : NULL;
  self->timers = resilient_timer_queue_ref (timers);
  if (params->context != NULL && resilient_debug_is_on ())
    self->debug_name = resilient_debug_name_new (
      resilient_request_context_get_request_id (params->context),
      resilient_request_context_get_current_attempt (params->context) + 1);
  self->frozen = resilient_frozen_request_ref (params->frozen);
  self->idempotency_key = g_strdup (params->idempotency_key);
  self->user_agent = g_strdup (params->user_agent);
  self->max_response_size = resilient_get_body_limit (params->max_response_size);
  self->new_connection = params->new_connection;
  self->count_send = TRUE;
  self->download_size = -1;
  self->pool = resilient_soup_transport_get_pool ((SoupTransport *) transport, self->context);
  self->waiter.ready = lane_ready;
  self->waiter.io_priority = params->io_priority;
  self->outcome.nothing_sent = TRUE;
  resilient_request_plan_init (&self->plan, self->frozen);
  resilient_deadlines_init (&self->deadlines,
                            resilient_clock_get_boot (),
                            params->connect_timeout,
                            params->write_timeout,
                            params->read_timeout,
                            params->attempt_timeout);

  if (!resilient_soup_attempt_send (self, &self->outcome.error))
    say_later (self);
  return &self->base;
}

void
resilient_soup_attempt_abandon (ResilientTransportAttempt *attempt)
{
  SoupAttempt *self = (SoupAttempt *) attempt;

  self->abandoned = TRUE;
  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_error (&self->outcome.error);
  resilient_soup_attempt_end_look (self);
  resilient_timer_queue_clear (self->timers, &self->timer);
  resilient_soup_attempt_drop_transfer (self);
  if (self->n_transfers == 0)
    say_later (self);
}
