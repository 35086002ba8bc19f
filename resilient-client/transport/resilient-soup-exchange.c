/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-exchange-private.h"

#include "resilient-clock-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-verdict-private.h"

void
resilient_soup_exchange_ref (SoupExchange *self)
{
  g_atomic_int_inc (&self->ref_count);
}

void
resilient_soup_exchange_unref (SoupExchange *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_assert (self->n_legs == 0 && self->idle == NULL && self->ticket.host == NULL);
  resilient_hop_clear (&self->plan);
  resilient_recipe_unref (self->recipe);
  g_free (self->idempotency_key);
  g_free (self->user_agent);
  g_clear_pointer (&self->inflate, resilient_inflate_free);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->headers, resilient_headers_unref);
  g_main_context_unref (self->context);
  resilient_alarm_unref (self->alarm);
  resilient_transport_unref (self->base.transport);
  g_free (self);
}

static void
exchange_unref (ResilientExchange *exchange)
{
  resilient_soup_exchange_unref ((SoupExchange *) exchange);
}

gboolean
resilient_soup_exchange_may_repeat (SoupExchange *self)
{
  return resilient_verdict_may_repeat (
    self->plan.method,
    self->plan.with_body
      && (self->idempotency_key != NULL || resilient_recipe_has_idempotency_key (self->recipe)),
    self->recipe->idempotency);
}

/* A leg that libsoup does not have, or no more. */
static void
leg_free (SoupLeg *leg)
{
  resilient_pool_leave (leg->exchange->pool, &leg->pass);
  g_free (leg);
}

/* The last word, once nothing is left. */
static void
maybe_release (SoupExchange *self)
{
  if (!self->ended || self->finishing || self->n_legs > 0 || self->released || self->idle != NULL)
    return;
  self->released = TRUE;
  self->funcs->released (&self->base, self->data);
  resilient_soup_exchange_unref (self);
}

static gboolean
idle_cb (gpointer data)
{
  SoupExchange *self = data;

  resilient_soup_exchange_ref (self);
  g_clear_pointer (&self->idle, g_source_unref);
  if (!self->ended)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->outcome.error);

      resilient_soup_exchange_finish (
        self, RESILIENT_FAILURE_INVALID, g_steal_pointer (&error), NULL);
    }
  else
    maybe_release (self);
  resilient_soup_exchange_unref (self);
  return G_SOURCE_REMOVE;
}

static void
say_later (SoupExchange *self)
{
  if (self->idle != NULL)
    return;
  self->idle = g_idle_source_new ();
  g_source_set_priority (self->idle, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->idle, idle_cb, self, NULL);
  g_source_set_static_name (self->idle, "[resilient-client] exchange");
  g_source_attach (self->idle, self->context);
}

static void
hop_event_cb (ResilientSoupHop *hop, ResilientHopEvent event, gpointer data)
{
  SoupLeg *leg = data;

  /* a message answered by the cache speaks before the leg knows its hop */
  if (leg->hop != NULL && leg == leg->exchange->leg)
    resilient_soup_exchange_event (leg->exchange, event);
}

static void
hop_refused_cb (ResilientSoupHop *hop, const GError *error, gpointer data)
{
  SoupLeg *leg = data;

  if (resilient_soup_hop_has_body_failed (hop))
    resilient_soup_exchange_finish (
      leg->exchange, RESILIENT_FAILURE_INVALID, g_error_copy (error), NULL);
  else
    resilient_soup_exchange_fail (leg->exchange, g_error_copy (error));
}

static void
hop_answered_cb (ResilientSoupHop *hop, GInputStream *stream, GError *error, gpointer data)
{
  SoupLeg *leg = data;
  SoupExchange *self = leg->exchange;

  resilient_soup_exchange_ref (self);
  if (error != NULL)
    resilient_pass_failed (&leg->pass);
  if (stream != NULL)
    leg->reader = resilient_reader_new (stream, &resilient_soup_reader_funcs, leg);
  resilient_soup_exchange_answered (self, stream, error);
  resilient_soup_exchange_unref (self);
}

static void
hop_released_cb (ResilientSoupHop *hop, gpointer data)
{
  SoupLeg *leg = data;
  SoupExchange *self = leg->exchange;

  /* an attempt whose message ended without an answer would never end */
  g_assert (leg != self->leg);
  self->n_legs--;
  leg_free (leg);
  maybe_release (self);
  resilient_soup_exchange_unref (self);
}

static const ResilientSoupHopFuncs hop_funcs = {
  hop_event_cb,
  hop_refused_cb,
  hop_answered_cb,
  hop_released_cb,
};

/* Takes @pass. */
static gboolean
launch (SoupExchange *self, const ResilientPass *pass, GError **error)
{
  SoupLeg *leg = g_new0 (SoupLeg, 1);
  g_autoptr (SoupMessage) message = NULL;
  ResilientSoupHopParams params = {
    .session = pass->lane->session,
    .body = self->plan.with_body ? self->recipe->body : NULL,
    .connections = pass->lane->connections,
    /* in a session of others' a time-out, or an answer from its cache, may come in between; over HTTP/2
     * it may wait for a stream */
    .brief = pass->exclusive && pass->host->protocol == RESILIENT_PROTOCOL_HTTP1
             && (!self->plan.with_body || self->recipe->body == NULL),
    .may_repeat = resilient_soup_exchange_may_repeat (self),
  };

  leg->exchange = self;
  leg->pass = *pass;
  leg->counts = self->count_send;
  params.message = message = resilient_soup_message_new (self, leg);
  params.expect = resilient_soup_message_wants_expect (self, leg);
  self->count_send = FALSE;
  self->new_connection = FALSE;
  self->leg = leg;
  leg->hop = resilient_soup_hop_send (&params, &hop_funcs, leg, error);
  if (leg->hop == NULL)
    {
      self->leg = NULL;
      leg_free (leg);
      return FALSE;
    }
  self->n_legs++;
  resilient_soup_exchange_ref (self);
  return TRUE;
}

static gboolean
enter_lane (SoupExchange *self, GError **error)
{
  ResilientPass pass;

  self->ticket.span = self->deadlines.connect;

  return !resilient_pool_enter (self->pool,
                                self->plan.uri,
                                g_uri_get_userinfo (self->plan.uri) != NULL,
                                resilient_soup_message_wants_own_connection (self),
                                &self->ticket,
                                &pass)
         || launch (self, &pass, error);
}

static void
lane_ready (ResilientTicket *ticket)
{
  SoupExchange *self =
    (SoupExchange *) ((guint8 *) ticket - G_STRUCT_OFFSET (SoupExchange, ticket));

  /* another exchange may be in the midst of passing its lane on */
  if (!enter_lane (self, &self->outcome.error))
    say_later (self);
}

gboolean
resilient_soup_exchange_send (SoupExchange *self, GError **error)
{
  self->wrote_all = FALSE;
  self->unsent = 0;
  self->expect_due = 0;
  self->outcome.status_code = 0;
  self->outcome.http2 = FALSE;
  resilient_soup_exchange_enter (self, RESILIENT_PHASE_CONNECTING);
  return enter_lane (self, error);
}

void
resilient_soup_exchange_drop_leg (SoupExchange *self)
{
  SoupLeg *leg = g_steal_pointer (&self->leg);
  ResilientClose how = RESILIENT_CLOSE_LATER;

  self->reading = READING_NOTHING;
  self->discard_due = 0;
  resilient_ticket_withdraw (&self->ticket);
  if (leg == NULL)
    return;
  if (!self->outcome.http2 && !resilient_soup_hop_is_from_cache (leg->hop) && leg->reader != NULL)
    {
      if (!self->wrote_all || !resilient_reader_is_at_end (leg->reader))
        how = RESILIENT_CLOSE_ABANDON;
      else if (leg->whole)
        how = RESILIENT_CLOSE_NOW;
    }
  if (leg->reader == NULL || how == RESILIENT_CLOSE_ABANDON)
    resilient_soup_hop_hang_up (leg->hop);
  resilient_soup_hop_detach (leg->hop);
  if (leg->reader != NULL)
    resilient_reader_close (g_steal_pointer (&leg->reader), how);
}

void
resilient_soup_exchange_finish (SoupExchange *self,
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

  resilient_soup_exchange_ref (self);
  self->ended = TRUE;
  self->finishing = TRUE;
  resilient_alarm_clear (self->alarm, &self->timer);
  resilient_soup_exchange_drop_leg (self);
  self->outcome.failure = failure;
  self->outcome.error = error;
  self->outcome.response = response;
  self->outcome.phase =
    failure == RESILIENT_FAILURE_NONE ? RESILIENT_PHASE_DONE : self->deadlines.phase;
  self->funcs->done (&self->base, &self->outcome, self->data);
  g_clear_error (&self->outcome.error);
  g_clear_pointer (&self->outcome.response, resilient_response_unref);
  self->finishing = FALSE;
  maybe_release (self);
  resilient_soup_exchange_unref (self);
}

void
resilient_soup_exchange_fail (SoupExchange *self, GError *error)
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
      && self->leg != NULL && !resilient_soup_hop_may_lack_certificate (self->leg->hop))
    error->code = G_TLS_ERROR_EOF;
  /* the session's own time-out: the phase tells which one it was */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      && self->deadlines.phase == RESILIENT_PHASE_WRITING)
    failure = RESILIENT_FAILURE_WRITE_TIMEOUT;
  else
    failure = resilient_failure_from_error (error, self->outcome.nothing_sent);
  resilient_soup_exchange_finish (self, failure, error, NULL);
}

ResilientExchange *
resilient_soup_exchange_start (ResilientTransport *transport,
                               const ResilientExchangeParams *params,
                               ResilientAlarm *alarm,
                               const ResilientExchangeFuncs *funcs,
                               gpointer data)
{
  SoupExchange *self = g_new0 (SoupExchange, 1);

  self->base.transport = resilient_transport_ref (transport);
  self->base.unref = exchange_unref;
  self->base.outcome = &self->outcome;
  self->ref_count = 2; /* the caller's, and our own until released() */
  self->funcs = funcs;
  self->data = data;
  self->context = g_main_context_ref_thread_default ();
  self->alarm = resilient_alarm_ref (alarm);
  self->recipe = resilient_recipe_ref (params->recipe);
  self->idempotency_key = g_strdup (params->idempotency_key);
  self->user_agent = g_strdup (params->user_agent);
  self->max_response_size = params->max_response_size;
  self->new_connection = params->new_connection;
  self->count_send = TRUE;
  self->download_size = -1;
  self->pool = resilient_soup_transport_get_pool ((SoupTransport *) transport, self->context);
  self->ticket.ready = lane_ready;
  self->outcome.nothing_sent = TRUE;
  resilient_hop_init (&self->plan, self->recipe);
  resilient_deadlines_init (&self->deadlines,
                            resilient_clock_get_boot (),
                            params->connect_timeout,
                            params->write_timeout,
                            params->read_timeout,
                            params->attempt_timeout);

  if (!resilient_soup_exchange_send (self, &self->outcome.error))
    say_later (self);
  return &self->base;
}

void
resilient_soup_exchange_abandon (ResilientExchange *exchange)
{
  SoupExchange *self = (SoupExchange *) exchange;

  if (self->ended)
    return;
  self->ended = TRUE;
  g_clear_error (&self->outcome.error);
  resilient_alarm_clear (self->alarm, &self->timer);
  resilient_soup_exchange_drop_leg (self);
  if (self->n_legs == 0)
    say_later (self);
}
