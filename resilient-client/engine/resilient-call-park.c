/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-run-private.h"

/* A sleep that goes on past its end because the machine is offline; in the driving context. */

/* Made for the first such sleep, and kept until the call is finalized: whoever resumes the call may
 * be about to do so, in another thread, when it goes on for another reason. */
struct _ResilientParking
{
  ResilientParked parked; /* first */
  ResilientCall *call;    /* a reference while it is parked */
};

static void
parked_resume (ResilientParked *parked, gboolean spread)
{
  g_autoptr (ResilientCall) self = ((ResilientParking *) parked)->call;

  resilient_call_post (self, spread ? RESILIENT_WORK_SPREAD : RESILIENT_WORK_RETRY_NOW);
}

gboolean
resilient_call_park (ResilientCall *self)
{
  ResilientNetwork *network = self->engine->network;

  if (resilient_origin_is_near (self->origin) || !resilient_network_is_offline (network))
    return FALSE;

  if (self->parking == NULL)
    {
      self->parking = g_new0 (ResilientParking, 1);
      self->parking->parked.timers = resilient_scheduler_get_timers (self->scheduler);
      self->parking->parked.resume = parked_resume;
      self->parking->call = self;
    }

  g_object_ref (self);
  if (!resilient_network_park (network, &self->parking->parked, self->origin))
    {
      g_object_unref (self);
      return FALSE;
    }

  return TRUE;
}

void
resilient_call_unpark (ResilientCall *self)
{
  if (self->parking != NULL
      && resilient_network_unpark (self->engine->network, &self->parking->parked))
    g_object_unref (self);
}
