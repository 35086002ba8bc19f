/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Calls the functions of whichever transport there is, and counts its references. It owns nothing.
 * Attempts belong to the context that drives them; a transport is for any thread. */

#include "config.h"

#include "resilient-transport-attempt-private.h"

ResilientTransport *
resilient_transport_ref (ResilientTransport *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
resilient_transport_unref (ResilientTransport *self)
{
  if (g_atomic_int_dec_and_test (&self->ref_count))
    self->funcs->free (self);
}

ResilientTransportAttempt *
resilient_transport_attempt_start (ResilientTransport *self,
                                   const ResilientTransportAttemptParams *params,
                                   ResilientTimerQueue *timers,
                                   const ResilientTransportAttemptFuncs *funcs,
                                   gpointer data)
{
  return self->funcs->start (self, params, timers, funcs, data);
}

void
resilient_transport_attempt_abandon (ResilientTransportAttempt *self)
{
  self->transport->funcs->abandon (self);
}

void
resilient_transport_attempt_unref (ResilientTransportAttempt *self)
{
  self->unref (self);
}
