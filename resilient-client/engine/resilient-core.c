/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-core-private.h"

#include "resilient-call-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-network-private.h"

ResilientCore *
resilient_core_new (GMainContext *home_context, SoupSession *session)
{
  ResilientCore *self = g_atomic_rc_box_new0 (ResilientCore);
  ResilientLimits *limits;

  self->home_context = g_main_context_ref (home_context);
  self->home = resilient_driver_new (home_context);
  self->gate = resilient_gate_new ();
  self->recorder = resilient_recorder_new ();
  self->network = resilient_network_new (self->home);
  g_mutex_init (&self->lock);
  limits = g_atomic_rc_box_new0 (ResilientLimits);
  *limits = (ResilientLimits){
    .connect_timeout = 10,
    .read_timeout = 30,
    .write_timeout = 10,
    .max_response_size = 64 * 1024 * 1024,
  };
  self->settings = (ResilientSettings){
    .retry_policy = resilient_retry_policy_ref (resilient_retry_policy_get_default ()),
    .limits = limits,
    .max_concurrent = 100,
    .max_pending = 10000,
    .max_results = 1000,
    .result_ttl = 3600,
    .max_result_bytes = 8 * 1024 * 1024,
  };
  resilient_recorder_set_max_results (self->recorder, self->settings.max_results);
  resilient_recorder_set_result_ttl (self->recorder, self->settings.result_ttl);
  resilient_recorder_set_max_result_bytes (self->recorder, self->settings.max_result_bytes);
  self->calls_by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->session = session != NULL ? g_object_ref (session) : NULL;
  self->own_session = session == NULL;
  self->at_home = session != NULL;
  resilient_core_apply_limits (self);

  return self;
}

ResilientCore *
resilient_core_ref (ResilientCore *self)
{
  return g_atomic_rc_box_acquire (self);
}

/* What libsoup still holds when the last user of a core is gone. */
typedef struct
{
  SoupSession *session;
  gboolean own_session;
  ResilientTransport *transport;
  GMainContext *home_context;
  ResilientDriver *io;
  guint n_looks;
} Remains;

/* An HTTP/2 connection is closed by and by, and a session that goes before complains: milliseconds,
 * and how many of them. */
#define CLOSING_POLL 5
#define CLOSING_LOOKS 400

static void
remains_free (gpointer data)
{
  Remains *remains = data;

  if (remains->io != NULL)
    resilient_driver_stop (remains->io);
  g_clear_pointer (&remains->io, resilient_driver_unref);
  g_clear_pointer (&remains->transport, resilient_transport_unref);
  g_clear_object (&remains->session);
  g_main_context_unref (remains->home_context);
  g_free (remains);
}

static gboolean
closed_cb (gpointer data)
{
  Remains *remains = data;

  return ++remains->n_looks < CLOSING_LOOKS
         && resilient_soup_transport_is_connected (remains->transport);
}

/* What is to be aborted in one context. */
typedef struct
{
  SoupSession *session; /* nullable */
  ResilientTransport *transport;
  GMainContext *context;
} Abort;

static Abort *
abort_new (Remains *remains, GMainContext *context)
{
  Abort *self = g_new (Abort, 1);

  self->session = remains->session != NULL ? g_object_ref (remains->session) : NULL;
  self->transport = resilient_transport_ref (remains->transport);
  self->context = g_main_context_ref (context);
  return self;
}

static void
abort_free (gpointer data)
{
  Abort *self = data;

  g_clear_object (&self->session);
  resilient_transport_unref (self->transport);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
abort_cb (gpointer data)
{
  Abort *self = data;

  if (self->session != NULL)
    soup_session_abort (self->session);
  resilient_soup_transport_abort (self->transport, self->context);
}

/* With @context ours, or NULL when no connection belongs to it. Connections that the I/O thread
 * drives are closed by it, and must not be touched while it runs. */
static void
part (Remains *remains, GMainContext *context)
{
  gboolean close = remains->own_session && remains->transport != NULL;

  if (remains->io != NULL)
    {
      if (close)
        resilient_driver_invoke (remains->io,
                                 abort_cb,
                                 abort_new (remains, resilient_driver_get_context (remains->io)),
                                 abort_free);
      resilient_driver_stop (remains->io);
      g_clear_pointer (&remains->io, resilient_driver_unref);
    }

  if (close)
    {
      Abort *home = abort_new (remains, remains->home_context);

      abort_cb (home);
      abort_free (home);
    }
  if (context != NULL && close && resilient_soup_transport_is_connected (remains->transport))
    {
      g_autoptr (GSource) source = g_timeout_source_new (CLOSING_POLL);

      g_source_set_static_name (source, "[resilient] closing connections");
      g_source_set_callback (source, closed_cb, remains, remains_free);
      g_source_attach (source, context);
    }
  else
    remains_free (remains);
}

/* From a source, or from the call that was to make one, where the context has become free meanwhile. */
static gboolean
part_cb (gpointer data)
{
  Remains *remains = g_steal_pointer ((Remains **) data);

  part (remains, remains->home_context);
  return G_SOURCE_REMOVE;
}

static void
part_notify (gpointer data)
{
  g_clear_pointer ((Remains **) data, remains_free);
  g_free (data);
}

/* The connections of the home context go where it is iterated; here and now if that is by us, or by
 * nobody at the moment, such as in a program that only makes synchronous calls. Who iterates it may
 * also stop and drop it: then they go with it. */
static void
part_at_home (GMainContext *home_context, Remains *remains)
{
  if (g_main_context_acquire (home_context))
    {
      part (remains, home_context);
      g_main_context_release (home_context);
    }
  else
    {
      Remains **holder = g_new (Remains *, 1);

      *holder = remains;
      g_main_context_invoke_full (home_context, G_PRIORITY_DEFAULT, part_cb, holder, part_notify);
    }
}

static void
core_free (gpointer data)
{
  ResilientCore *self = data;
  Remains *remains = g_new0 (Remains, 1);

  g_assert (self->n_calls == 0);

  /* This may be the I/O thread, which can't wait for its own end. */
  remains->session = self->session;
  remains->own_session = self->own_session;
  remains->transport = self->transport;
  remains->home_context = g_main_context_ref (self->home_context);
  remains->io = self->io;
  if (self->at_home)
    part_at_home (self->home_context, remains);
  else
    part (remains, NULL); /* maybe nobody ever iterates that: all calls were synchronous */

  resilient_network_free (self->network);
  resilient_driver_stop (self->home);
  resilient_driver_unref (self->home);
  resilient_gate_unref (self->gate);
  if (self->watch != NULL)
    self->watch_free (self->watch);
  resilient_recorder_unref (self->recorder);
  resilient_retry_policy_unref (self->settings.retry_policy);
  g_atomic_rc_box_release (self->settings.limits);
  g_clear_pointer (&self->default_headers, resilient_headers_unref);
  g_hash_table_unref (self->calls_by_id);
  g_main_context_unref (self->home_context);
  g_mutex_clear (&self->lock);
}

void
resilient_core_unref (ResilientCore *self)
{
  g_atomic_rc_box_release_full (self, core_free);
}

/* --- session and drivers ---------------------------------------------------------------------- */

static void
ensure_transport_locked (ResilientCore *self)
{
  if (self->transport == NULL)
    self->transport = resilient_soup_transport_new (self->session, self->home_context);
}

SoupSession *
resilient_core_dup_session (ResilientCore *self)
{
  SoupSession *session;

  g_mutex_lock (&self->lock);
  ensure_transport_locked (self);
  if (self->session == NULL)
    self->session = resilient_soup_transport_share (self->transport);
  self->at_home = TRUE;
  session = g_object_ref (self->session);
  g_mutex_unlock (&self->lock);

  return session;
}

ResilientTransport *
resilient_core_dup_transport (ResilientCore *self)
{
  ResilientTransport *transport;

  g_mutex_lock (&self->lock);
  ensure_transport_locked (self);
  transport = resilient_transport_ref (self->transport);
  g_mutex_unlock (&self->lock);

  return transport;
}

void
resilient_core_set_transport (ResilientCore *self, ResilientTransport *transport)
{
  g_mutex_lock (&self->lock);
  g_assert (self->transport == NULL);
  self->transport = resilient_transport_ref (transport);
  g_mutex_unlock (&self->lock);
}

ResilientDriver *
resilient_core_dup_io_driver (ResilientCore *self)
{
  ResilientDriver *io;

  g_mutex_lock (&self->lock);
  if (self->io == NULL)
    self->io = resilient_driver_new_thread ("resilient-io");
  io = resilient_driver_ref (self->io);
  g_mutex_unlock (&self->lock);

  return io;
}

ResilientDriver *
resilient_core_dup_driver (ResilientCore *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  if (context != self->home_context)
    return resilient_core_dup_io_driver (self);

  /* A worker thread without a context of its own has the global default one as its thread-default:
   * its call goes home too, by way of the driver's source, and so does its callback. */
  g_mutex_lock (&self->lock);
  self->at_home = TRUE;
  g_mutex_unlock (&self->lock);

  return resilient_driver_ref (self->home);
}

void
resilient_core_apply_limits (ResilientCore *self)
{
  guint max_concurrent, per_host, max_pending;
  guint session_conns = G_MAXUINT, session_conns_per_host = G_MAXUINT;

  g_mutex_lock (&self->lock);
  max_concurrent = self->settings.max_concurrent;
  per_host = self->settings.max_concurrent_per_host;
  max_pending = self->settings.max_pending;
  if (self->session != NULL)
    {
      session_conns = soup_session_get_max_conns (self->session);
      session_conns_per_host = soup_session_get_max_conns_per_host (self->session);
    }
  g_mutex_unlock (&self->lock);

  resilient_gate_set_session_limits (self->gate, session_conns, session_conns_per_host);
  resilient_gate_set_limits (self->gate, max_concurrent, per_host, max_pending);
}

ResilientHeaders *
resilient_core_dup_default_headers (ResilientCore *self, ResilientOrigin *origin)
{
  g_autoptr (ResilientHeaders) own = resilient_origin_dup_default_headers (origin);
  ResilientHeaders *merged;

  g_mutex_lock (&self->lock);
  merged = self->default_headers != NULL ? resilient_headers_ref (self->default_headers) : NULL;
  g_mutex_unlock (&self->lock);

  if (own == NULL)
    return merged;
  if (merged != NULL)
    {
      g_autoptr (ResilientHeaders) general = merged;

      /* The origin's win over the client's of the same name. */
      merged = resilient_headers_copy (own);
      for (guint i = 0; i < resilient_headers_get_length (general); i++)
        {
          const char *name, *value;

          resilient_headers_get_nth (general, i, &name, &value);
          if (resilient_headers_get_one (own, name) == NULL)
            resilient_headers_append (merged, name, value);
        }
      return merged;
    }

  return g_steal_pointer (&own);
}
