/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-clock-private.h"
#include "resilient-transport-attempt-private.h"

/* The other maker of attempts: no sockets, each attempt ends as the script says, after so much
 * (virtual) time. The last step repeats. Lives in one context. */
typedef struct
{
  ResilientFailure failure; /* NONE: a response with @status */
  GQuark domain;            /* of the error of a failure */
  int code;
  guint status;
  double retry_after; /* seconds; set it to -1 for none */
  double takes;       /* seconds; less than 0: never ends by itself */
  gboolean nothing_sent;
  gboolean http2;
  double released_after; /* seconds after its end: libsoup holds on to it */
} ScriptedStep;

typedef struct
{
  ResilientTransport parent;
  GArray *steps;
  guint next;
  guint n_started;
  guint n_live;
  guint max_live;
  guint n_discarded;
  guint n_new_connections;
  GPtrArray *uris; /* of all attempts; nullable: not kept */
  GArray *starts;  /* of all attempts, boot-time microseconds; nullable: not kept */
} ScriptedTransport;

typedef struct
{
  ResilientTransportAttempt parent;
  int refs;
  ScriptedTransport *script;
  ScriptedStep step;
  ResilientOutcome so_far;
  ResilientTransportAttemptFuncs funcs;
  gpointer data;
  ResilientTimerQueue *timers;
  ResilientTimer timer;
  GUri *uri;
  gboolean over;
} ScriptedAttempt;

static void
scripted_exchange_unref (ResilientTransportAttempt *attempt)
{
  ScriptedAttempt *self = (ScriptedAttempt *) attempt;

  if (--self->refs > 0)
    return;
  resilient_timer_queue_unref (self->timers);
  resilient_transport_unref (&self->script->parent);
  g_uri_unref (self->uri);
  g_free (self);
}

static void
scripted_exchange_release (gpointer data)
{
  ScriptedAttempt *self = data;

  self->script->n_live--;
  self->funcs.released (&self->parent, self->data);
  scripted_exchange_unref (&self->parent);
}

static void
scripted_exchange_wind_up (ScriptedAttempt *self)
{
  self->over = TRUE;
  resilient_timer_queue_set (
    self->timers,
    &self->timer,
    resilient_clock_add (resilient_clock_get_boot (), self->step.released_after),
    scripted_exchange_release,
    self);
}

static void
scripted_exchange_end (gpointer data)
{
  ScriptedAttempt *self = data;
  ScriptedStep *step = &self->step;
  ResilientOutcome outcome = {
    .failure = step->failure,
    .phase = step->nothing_sent ? RESILIENT_PHASE_CONNECTING : RESILIENT_PHASE_WAITING,
    .nothing_sent = step->nothing_sent,
    .http2 = step->http2,
    .http2_of_origin = step->http2,
    .sends = step->nothing_sent ? 0 : 1,
  };

  if (step->failure == RESILIENT_FAILURE_NONE)
    {
      g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
      g_autoptr (GBytes) body = g_bytes_new_static ("ok", 2);

      self->funcs.phase (&self->parent, RESILIENT_PHASE_READING, self->data);
      if (!self->funcs.headers (&self->parent, step->status, step->retry_after, self->data))
        {
          self->script->n_discarded++;
          g_clear_pointer (&body, g_bytes_unref);
        }
      outcome.phase = RESILIENT_PHASE_DONE;
      outcome.status_code = step->status;
      outcome.answered = TRUE;
      outcome.response = resilient_response_new_full (
        step->status, "", self->uri, SOUP_HTTP_1_1, headers, body, step->takes, step->retry_after);
    }
  else
    {
      outcome.error = g_error_new_literal (step->domain, step->code, "scripted");
    }

  self->over = TRUE;
  self->funcs.done (&self->parent, &outcome, self->data);
  g_clear_pointer (&outcome.response, resilient_response_unref);
  g_clear_error (&outcome.error);
  scripted_exchange_wind_up (self);
}

static void
scripted_exchange_abandon (ResilientTransportAttempt *attempt)
{
  ScriptedAttempt *self = (ScriptedAttempt *) attempt;

  if (!self->over)
    scripted_exchange_wind_up (self);
}

static ResilientTransportAttempt *
scripted_transport_start (ResilientTransport *transport,
                          const ResilientTransportAttemptParams *params,
                          ResilientTimerQueue *timers,
                          const ResilientTransportAttemptFuncs *funcs,
                          gpointer data)
{
  ScriptedTransport *script = (ScriptedTransport *) transport;
  ScriptedAttempt *self = g_new0 (ScriptedAttempt, 1);

  g_assert_cmpuint (script->steps->len, >, 0);
  self->parent.transport = resilient_transport_ref (transport);
  self->parent.unref = scripted_exchange_unref;
  self->parent.outcome = &self->so_far;
  self->refs = 2;
  self->script = script;
  self->step =
    g_array_index (script->steps, ScriptedStep, MIN (script->next, script->steps->len - 1));
  self->so_far.sends = self->step.nothing_sent ? 0 : 1;
  self->so_far.nothing_sent = self->step.nothing_sent;
  self->funcs = *funcs;
  self->data = data;
  self->timers = resilient_timer_queue_ref (timers);
  self->uri = g_uri_ref (resilient_frozen_request_peek_uri (params->frozen));

  script->next++;
  script->n_started++;
  script->n_live++;
  script->max_live = MAX (script->max_live, script->n_live);
  script->n_new_connections += params->new_connection;
  if (script->uris != NULL)
    g_ptr_array_add (script->uris, g_uri_to_string (self->uri));
  if (script->starts != NULL)
    {
      gint64 now = resilient_clock_get_boot ();

      g_array_append_val (script->starts, now);
    }

  if (self->step.takes >= 0)
    resilient_timer_queue_set (timers,
                               &self->timer,
                               resilient_clock_add (resilient_clock_get_boot (), self->step.takes),
                               scripted_exchange_end,
                               self);
  return &self->parent;
}

static void
scripted_transport_free (ResilientTransport *transport)
{
  ScriptedTransport *script = (ScriptedTransport *) transport;

  g_assert_cmpuint (script->n_live, ==, 0);
  g_array_unref (script->steps);
  g_clear_pointer (&script->uris, g_ptr_array_unref);
  g_clear_pointer (&script->starts, g_array_unref);
  g_free (script);
}

static inline ScriptedTransport *
scripted_transport_new (void)
{
  static const ResilientTransportFuncs transport_funcs = {
    .start = scripted_transport_start,
    .abandon = scripted_exchange_abandon,
    .free = scripted_transport_free,
  };
  ScriptedTransport *script = g_new0 (ScriptedTransport, 1);

  script->parent.funcs = &transport_funcs;
  script->parent.ref_count = 1;
  script->steps = g_array_new (FALSE, FALSE, sizeof (ScriptedStep));
  script->uris = g_ptr_array_new_with_free_func (g_free);

  return script;
}

static inline void
scripted_transport_add (ScriptedTransport *script, ScriptedStep step)
{
  g_array_append_val (script->steps, step);
}

#define SCRIPTED_OK                                                                                \
  {                                                                                                \
    .status = 200, .retry_after = -1                                                               \
  }
#define SCRIPTED_REFUSED                                                                           \
  {                                                                                                \
    .failure = RESILIENT_FAILURE_CONNECT, .domain = G_IO_ERROR,                                    \
    .code = G_IO_ERROR_CONNECTION_REFUSED, .nothing_sent = TRUE, .retry_after = -1                 \
  }
#define SCRIPTED_STATUS(code_)                                                                     \
  {                                                                                                \
    .status = (code_), .retry_after = -1                                                           \
  }
#define SCRIPTED_HANG                                                                              \
  {                                                                                                \
    .takes = -1, .retry_after = -1                                                                 \
  }
