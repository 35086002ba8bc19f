/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-exchange-private.h"

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

ResilientExchange *
resilient_exchange_start (ResilientTransport *self,
                          const ResilientExchangeParams *params,
                          ResilientAlarm *alarm,
                          const ResilientExchangeFuncs *funcs,
                          gpointer data)
{
  return self->funcs->start (self, params, alarm, funcs, data);
}

void
resilient_exchange_abandon (ResilientExchange *self)
{
  self->transport->funcs->abandon (self);
}

void
resilient_exchange_unref (ResilientExchange *self)
{
  self->unref (self);
}
