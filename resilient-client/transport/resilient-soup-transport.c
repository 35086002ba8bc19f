/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-soup-exchange-private.h"

typedef struct
{
  GMainContext *context;
  ResilientPool *pool;
} ContextPool;

static void
context_pool_free (gpointer data)
{
  ContextPool *self = data;

  resilient_pool_free (self->pool);
  g_main_context_unref (self->context);
  g_free (self);
}

static ResilientPool *
find_pool_locked (SoupTransport *self, GMainContext *context)
{
  for (guint i = 0; i < self->pools->len; i++)
    {
      ContextPool *candidate = g_ptr_array_index (self->pools, i);

      if (candidate->context == context)
        return candidate->pool;
    }
  return NULL;
}

static ResilientLane *
get_main_locked (SoupTransport *self)
{
  if (self->main == NULL)
    {
      g_autoptr (SoupSession) session = resilient_soup_session_new (G_MAXINT);

      self->main = resilient_lane_new (session);
    }
  return self->main;
}

ResilientPool *
resilient_soup_transport_get_pool (SoupTransport *self, GMainContext *context)
{
  ResilientPool *pool;

  g_mutex_lock (&self->lock);
  pool = find_pool_locked (self, context);
  if (pool == NULL)
    {
      ContextPool *added = g_new (ContextPool, 1);

      added->context = g_main_context_ref (context);
      added->pool = pool =
        resilient_pool_new (context == self->home ? get_main_locked (self) : NULL, &self->shared);
      g_ptr_array_add (self->pools, added);
    }
  g_mutex_unlock (&self->lock);
  return pool;
}

static void
soup_transport_free (ResilientTransport *transport)
{
  SoupTransport *self = (SoupTransport *) transport;

  g_ptr_array_unref (self->pools);
  g_clear_pointer (&self->main, resilient_lane_unref);
  g_main_context_unref (self->home);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static const ResilientTransportFuncs soup_transport_funcs = {
  resilient_soup_exchange_start,
  resilient_soup_exchange_abandon,
  soup_transport_free,
};

ResilientTransport *
resilient_soup_transport_new (SoupSession *session, GMainContext *home)
{
  SoupTransport *self = g_new0 (SoupTransport, 1);

  self->base.funcs = &soup_transport_funcs;
  self->base.ref_count = 1;
  self->home = g_main_context_ref (home != NULL ? home : g_main_context_default ());
  g_mutex_init (&self->lock);
  self->pools = g_ptr_array_new_with_free_func (context_pool_free);
  if (session != NULL)
    {
      self->main = self->shared = resilient_lane_new (session);
      resilient_lane_watch (self->main);
    }
  return &self->base;
}

SoupSession *
resilient_soup_transport_share (ResilientTransport *transport)
{
  SoupTransport *self = (SoupTransport *) transport;
  ResilientLane *lane;

  if (transport->funcs != &soup_transport_funcs)
    return resilient_soup_session_new (G_MAXINT);
  g_mutex_lock (&self->lock);
  lane = get_main_locked (self);
  if (self->shared == NULL)
    {
      resilient_lane_watch (lane);
      g_atomic_pointer_set (&self->shared, lane);
    }
  g_mutex_unlock (&self->lock);
  return g_object_ref (lane->session);
}

void
resilient_soup_transport_abort (ResilientTransport *transport, GMainContext *context)
{
  SoupTransport *self = (SoupTransport *) transport;
  ResilientPool *pool;

  if (transport->funcs != &soup_transport_funcs)
    return;
  if (context == NULL)
    context = g_main_context_default ();
  g_mutex_lock (&self->lock);
  pool = find_pool_locked (self, context);
  g_mutex_unlock (&self->lock);
  if (pool != NULL)
    resilient_pool_abort (pool);
}

gboolean
resilient_soup_transport_is_connected (ResilientTransport *transport)
{
  SoupTransport *self = (SoupTransport *) transport;
  ResilientLane *shared;
  gboolean connected;

  if (transport->funcs != &soup_transport_funcs)
    return FALSE;
  shared = g_atomic_pointer_get (&self->shared);
  connected = shared != NULL && resilient_connections_any_open (shared->connections);
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->pools->len && !connected; i++)
    connected =
      resilient_pool_any_open (((ContextPool *) g_ptr_array_index (self->pools, i))->pool);
  g_mutex_unlock (&self->lock);
  return connected;
}
