/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-event-private.h"

#include "resilient-clock-private.h"
#include "resilient-response-private.h"

/**
 * ResilientEvent:
 *
 * Something that happened to a request: it is to be retried, or it ended.
 *
 * Each request that was started has any number of retry events and then exactly one terminal event,
 * in this order.
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */
struct _ResilientEvent
{
  ResilientEventType type;
  ResilientRequestContext *context;
  guint64 sequence;
  gint64 timestamp; /* microseconds since 1970 */
  gint64 boot;      /* the same moment on the boot-time clock */
  ResilientFailure failure;
  ResilientReason reason;
  ResilientResponse *response; /* nullable */
  GError *error;               /* nullable */
  double delay;                /* seconds */
};

G_DEFINE_BOXED_TYPE (ResilientEvent, resilient_event, resilient_event_ref, resilient_event_unref)

static void
clear_event (gpointer data)
{
  ResilientEvent *self = data;

  resilient_request_context_unref (self->context);
  g_clear_pointer (&self->response, resilient_response_unref);
  g_clear_error (&self->error);
}

ResilientEvent *
resilient_event_new (ResilientEventType type,
                     ResilientRequestContext *context,
                     guint64 sequence,
                     ResilientFailure failure,
                     ResilientReason reason,
                     ResilientResponse *response,
                     const GError *error,
                     double delay)
{
  ResilientEvent *self = g_atomic_rc_box_new0 (ResilientEvent);

  self->type = type;
  self->context = resilient_request_context_ref (context);
  self->sequence = sequence;
  self->timestamp = resilient_clock_get_real ();
  self->boot = resilient_clock_get_boot ();
  self->failure = failure;
  self->reason = reason;
  self->response = response != NULL ? resilient_response_ref (response) : NULL;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  self->delay = delay;

  return self;
}

/* Takes @response. */
static ResilientEvent *
replace_response (ResilientEvent *self, ResilientResponse *response)
{
  ResilientEvent *event = g_atomic_rc_box_dup (sizeof *self, self);

  resilient_request_context_ref (event->context);
  event->response = response;
  event->error = self->error != NULL ? g_error_copy (self->error) : NULL;

  return event;
}

ResilientEvent *
resilient_event_without_response (ResilientEvent *self)
{
  if (self->response == NULL)
    return resilient_event_ref (self);

  return replace_response (self, NULL);
}

ResilientEvent *
resilient_event_without_body (ResilientEvent *self)
{
  if (self->response == NULL
      || (!resilient_response_has_body (self->response)
          && resilient_response_get_weight (self->response) == 0))
    return resilient_event_ref (self);

  return replace_response (self, resilient_response_without_body (self->response));
}

/**
 * resilient_event_ref:
 * @self: an event
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientEvent *
resilient_event_ref (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_event_unref:
 * @self: (transfer full): an event
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_event_unref (ResilientEvent *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_event);
}

/**
 * resilient_event_copy:
 * @self: an event
 *
 * Copies an event, which is taking a reference, as events never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientEvent *
resilient_event_copy (ResilientEvent *self)
{
  return resilient_event_ref (self);
}

/**
 * resilient_event_get_event_type:
 * @self: an event
 *
 * Gets what happened.
 *
 * Returns: the type of the event
 *
 * Since: 1.0
 */
ResilientEventType
resilient_event_get_event_type (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_EVENT_TYPE_ERROR);

  return self->type;
}

/**
 * resilient_event_get_context:
 * @self: an event
 *
 * Gets to which request it happened.
 *
 * A retry event has the context of the attempt to come, a terminal event that of the last attempt
 * made.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
ResilientRequestContext *
resilient_event_get_context (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->context;
}

/**
 * resilient_event_get_sequence:
 * @self: an event
 *
 * Gets its place among all events of the client.
 *
 * Returns: a number greater than that of every earlier event of the client
 *
 * Since: 1.0
 */
guint64
resilient_event_get_sequence (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->sequence;
}

/**
 * resilient_event_get_timestamp:
 * @self: an event
 *
 * Gets when it happened.
 *
 * Returns: microseconds since 1970, UTC
 *
 * Since: 1.0
 */
gint64
resilient_event_get_timestamp (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->timestamp;
}

/**
 * resilient_event_get_age:
 * @self: an event
 *
 * Gets how long ago it happened. Setting the wall clock does not matter, and suspended time counts.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
double
resilient_event_get_age (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return resilient_clock_to_seconds (MAX (resilient_clock_get_boot () - self->boot, 0));
}

/**
 * resilient_event_get_response:
 * @self: an event
 *
 * Gets the response that the event is about.
 *
 * It is there on success, and on a retry or an error because of a status. Its body may have been
 * dropped, see [method@Response.has_body].
 *
 * Returns: (transfer none) (nullable): the response, or %NULL if there is none
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_event_get_response (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->response;
}

/**
 * resilient_event_get_error:
 * @self: an event
 *
 * Gets the error that the event is about.
 *
 * There is none on success, nor where a status is the failure: see [method@Event.get_response].
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if there is none
 *
 * Since: 1.0
 */
const GError *
resilient_event_get_error (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}

/**
 * resilient_event_get_failure:
 * @self: an event
 *
 * Gets how the attempt, or the request, failed.
 *
 * Returns: the one kind of failure, or %RESILIENT_FAILURE_NONE
 *
 * Since: 1.0
 */
ResilientFailure
resilient_event_get_failure (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_FAILURE_NONE);

  return self->failure;
}

/**
 * resilient_event_get_delay:
 * @self: an event
 *
 * Gets how long the request sleeps before its next attempt.
 *
 * Returns: seconds, 0 unless it is a retry event
 *
 * Since: 1.0
 */
double
resilient_event_get_delay (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->delay;
}

/**
 * resilient_event_get_reason:
 * @self: an event
 *
 * Gets why there is, or is not, another attempt.
 *
 * Returns: the rule that decided it
 *
 * Since: 1.0
 */
ResilientReason
resilient_event_get_reason (ResilientEvent *self)
{
  g_return_val_if_fail (self != NULL, RESILIENT_REASON_SUCCESS);

  return self->reason;
}
