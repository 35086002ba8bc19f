/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The maker of attempts over libsoup: a pool of sessions for each context that drives some, or the
 * one session that the app has. It owns the pools, under its lock, each of which lives in its
 * context. */

#include "config.h"

#include "resilient-soup-transport-private.h"

#include "resilient-soup-attempt-private.h"

typedef struct
{
  ResilientTransport base;
  GMainContext *home;
  /* nullable, atomic; set once: everything goes by this session, which others see */
  ResilientLane *shared;
  GMutex lock;
  GPtrArray *pools; /* under the lock: of each context that drives attempts */
} SoupTransport;

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

static ResilientPool *
get_pool (SoupTransport *self, GMainContext *context)
{
  ResilientPool *pool;

  g_mutex_lock (&self->lock);
  pool = find_pool_locked (self, context);
  if (pool == NULL)
    {
      ContextPool *added = g_new (ContextPool, 1);

      added->context = g_main_context_ref (context);
      added->pool = pool = resilient_pool_new (&self->shared);
      g_ptr_array_add (self->pools, added);
    }
  g_mutex_unlock (&self->lock);
  return pool;
}

static ResilientTransportAttempt *
soup_transport_start (ResilientTransport *transport,
                      const ResilientTransportAttemptParams *params,
                      ResilientTimerQueue *timers,
                      const ResilientTransportAttemptFuncs *funcs,
                      gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  ResilientPool *pool = get_pool ((SoupTransport *) transport, context);

  return resilient_soup_attempt_start (transport, pool, params, timers, funcs, data);
}

static void
soup_transport_free (ResilientTransport *transport)
{
  SoupTransport *self = (SoupTransport *) transport;

  g_ptr_array_unref (self->pools);
  g_clear_pointer (&self->shared, resilient_lane_unref);
  g_main_context_unref (self->home);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static const ResilientTransportFuncs soup_transport_funcs = {
  soup_transport_start,
  resilient_soup_attempt_abandon,
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
      self->shared = resilient_lane_new (session);
      resilient_lane_watch (self->shared);
    }
  return &self->base;
}

/* libsoup closes idle connections from sources of the context in which their session was made: at
 * home, unless another thread has that now. */
static SoupSession *
make_session_at_home (SoupTransport *self)
{
  SoupSession *session;

  if (!g_main_context_acquire (self->home))
    return resilient_soup_session_new (G_MAXINT);
  g_main_context_push_thread_default (self->home);
  session = resilient_soup_session_new (G_MAXINT);
  g_main_context_pop_thread_default (self->home);
  g_main_context_release (self->home);
  return session;
}

SoupSession *
resilient_soup_transport_share (ResilientTransport *transport)
{
  SoupTransport *self = (SoupTransport *) transport;
  SoupSession *session;

  if (transport->funcs != &soup_transport_funcs)
    return resilient_soup_session_new (G_MAXINT);
  g_mutex_lock (&self->lock);
  if (self->shared == NULL)
    {
      g_autoptr (SoupSession) made = make_session_at_home (self);
      ResilientLane *lane = resilient_lane_new (made);

      resilient_lane_watch (lane);
      g_atomic_pointer_set (&self->shared, lane);
    }
  session = g_object_ref (resilient_lane_get_session (self->shared));
  g_mutex_unlock (&self->lock);
  return session;
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

void
resilient_soup_transport_leave (ResilientTransport *transport, GMainContext *context)
{
  SoupTransport *self = (SoupTransport *) transport;
  ContextPool *left = NULL;

  if (transport->funcs != &soup_transport_funcs)
    return;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->pools->len && left == NULL; i++)
    if (((ContextPool *) self->pools->pdata[i])->context == context)
      left = g_ptr_array_steal_index_fast (self->pools, i);
  g_mutex_unlock (&self->lock);
  if (left != NULL)
    context_pool_free (left);
}

gboolean
resilient_soup_transport_is_connected (ResilientTransport *transport, GMainContext *context)
{
  SoupTransport *self = (SoupTransport *) transport;
  ResilientLane *shared;
  ResilientPool *pool;
  gboolean connected;

  if (transport->funcs != &soup_transport_funcs)
    return FALSE;
  if (context == NULL)
    context = g_main_context_default ();
  shared = context == self->home ? g_atomic_pointer_get (&self->shared) : NULL;
  connected =
    shared != NULL && resilient_connections_any_open (resilient_lane_get_connections (shared));
  g_mutex_lock (&self->lock);
  pool = find_pool_locked (self, context);
  connected = connected || (pool != NULL && resilient_pool_any_open (pool));
  g_mutex_unlock (&self->lock);
  return connected;
}
