/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-core-private.h"

#include "resilient-call-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-network-private.h"

/* Our own session lets the gate decide: it bounds connections, idle ones included, only well above
 * what the gate admits. */
#define MIN_SESSION_CONNS 256

ResilientCore *
resilient_core_new (GMainContext *home_context, SoupSession *session)
{
  ResilientCore *self = g_atomic_rc_box_new0 (ResilientCore);

  self->home_context = g_main_context_ref (home_context);
  self->home = resilient_driver_new (home_context);
  self->gate = resilient_gate_new ();
  self->recorder = resilient_recorder_new ();
  self->network = resilient_network_new (self->home);
  g_mutex_init (&self->lock);
  self->settings = (ResilientSettings){
    .retry_policy = resilient_retry_policy_ref (resilient_retry_policy_get_default ()),
    .max_concurrent = 100,
    .max_pending = 10000,
    .connect_timeout = 10,
    .read_timeout = 30,
    .write_timeout = 10,
    .max_response_size = 64 * 1024 * 1024,
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
  resilient_core_apply_limits (self);

  return self;
}

ResilientCore *
resilient_core_ref (ResilientCore *self)
{
  return g_atomic_rc_box_acquire (self);
}

typedef struct
{
  SoupSession *session;
  ResilientTransport *transport;
  ResilientDriver *io;
} Remains;

static gboolean
drop_remains_cb (gpointer data)
{
  Remains *remains = data;

  /* Connections that the I/O thread drove must not be touched while it runs. */
  if (remains->io != NULL)
    {
      resilient_driver_stop (remains->io);
      resilient_driver_unref (remains->io);
    }
  g_clear_pointer (&remains->transport, resilient_transport_unref);
  g_clear_object (&remains->session);
  g_free (remains);
  return G_SOURCE_REMOVE;
}

static void
core_free (gpointer data)
{
  ResilientCore *self = data;
  Remains *remains = g_new0 (Remains, 1);

  g_assert (self->n_calls == 0);

  /* The connections of the home context go where it is iterated: here and now if it is by us, or by
   * nobody. This may be the I/O thread, which can't wait for its own end. */
  remains->session = self->session;
  remains->transport = self->transport;
  remains->io = self->io;
  g_main_context_invoke (self->home_context, drop_remains_cb, remains);

  resilient_network_free (self->network);
  resilient_driver_stop (self->home);
  resilient_driver_unref (self->home);
  resilient_gate_unref (self->gate);
  if (self->watch != NULL)
    self->watch_free (self->watch);
  resilient_recorder_unref (self->recorder);
  resilient_retry_policy_unref (self->settings.retry_policy);
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
ensure_session_locked (ResilientCore *self)
{
  if (self->session == NULL)
    self->session =
      resilient_soup_session_new (MAX (self->settings.max_concurrent, MIN_SESSION_CONNS));
  if (self->transport == NULL)
    self->transport = resilient_soup_transport_new (self->session);
}

SoupSession *
resilient_core_dup_session (ResilientCore *self)
{
  SoupSession *session;

  g_mutex_lock (&self->lock);
  ensure_session_locked (self);
  session = g_object_ref (self->session);
  g_mutex_unlock (&self->lock);

  return session;
}

ResilientTransport *
resilient_core_dup_transport (ResilientCore *self)
{
  ResilientTransport *transport;

  g_mutex_lock (&self->lock);
  if (self->transport == NULL)
    ensure_session_locked (self);
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

  /* A worker thread without a context of its own has the global default one as its thread-default:
   * its call goes home too, by way of the driver's source, and so does its callback. */
  return context == self->home_context ? resilient_driver_ref (self->home)
                                       : resilient_core_dup_io_driver (self);
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
resilient_core_dup_default_headers (ResilientCore *self, GUri *uri)
{
  g_autoptr (ResilientOrigin) origin = resilient_gate_get_origin (self->gate, uri);
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
