/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A function of the app's that answers in place of a server. A request and each call of it share
 * the one, which owns what the function was given. It is called in the thread of who asks; the last
 * one to let go of it, in any thread, frees that. */

#include "config.h"

#include "resilient-fallback-private.h"

struct _ResilientFallback
{
  ResilientFallbackAsk func;
  gpointer user_data;
  GDestroyNotify destroy; /* nullable */
};

ResilientFallback *
resilient_fallback_new (ResilientFallbackAsk func, gpointer user_data, GDestroyNotify destroy)
{
  ResilientFallback *self = g_atomic_rc_box_new0 (ResilientFallback);

  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

ResilientFallback *
resilient_fallback_ref (ResilientFallback *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
fallback_clear (gpointer data)
{
  ResilientFallback *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

void
resilient_fallback_unref (ResilientFallback *self)
{
  g_atomic_rc_box_release_full (self, fallback_clear);
}

ResilientResponse *
resilient_fallback_ask (ResilientFallback *self,
                        ResilientRequestContext *context,
                        ResilientResponse *response,
                        const GError *error)
{
  return self->func (context, response, error, self->user_data);
}
