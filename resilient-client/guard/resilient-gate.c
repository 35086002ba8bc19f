/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-gate-state-private.h"

#include <string.h>

/* Idle origins that are kept, for what was learned of them. */
#define MAX_IDLE_ORIGINS 512
/* How many of them one operation looks at, when there are more. */
#define MAX_FORGET 8

void
resilient_gate_update_idle (ResilientGate   *self,
                            ResilientOrigin *origin)
{
  gboolean idle = origin->active == 0 && origin->waiters.length == 0;

  if (idle == origin->idle || self->origins == NULL)
    return;

  origin->idle = idle;
  if (idle)
    g_queue_push_tail_link (&self->idle, &origin->idle_link);
  else
    g_queue_unlink (&self->idle, &origin->idle_link);
}

/* Drops what can be forgotten. What must stay goes to the end of the list, so that a few looks each
 * time find what can go, in the end (the CLOCK algorithm). */
void
resilient_gate_forget_idle (ResilientGate *self)
{
  ResilientOrigin *forgotten[MAX_FORGET];
  guint n_forgotten = 0;

  g_mutex_lock (&self->lock);

  for (guint i = 0; i < MAX_FORGET && self->idle.length > MAX_IDLE_ORIGINS; i++)
    {
      GList *link = g_queue_pop_head_link (&self->idle);
      ResilientOrigin *origin = link->data;

      if (resilient_origin_is_forgettable (origin))
        {
          origin->idle = FALSE;
          g_hash_table_steal (self->origins, origin->key);
          forgotten[n_forgotten++] = origin;
        }
      else
        {
          g_queue_push_tail_link (&self->idle, link);
        }
    }

  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < n_forgotten; i++)
    g_object_unref (forgotten[i]);
}

static void
gate_free (gpointer data)
{
  ResilientGate *self = data;

  g_assert (self->origins == NULL);

  resilient_heap_clear (&self->candidates);
  g_mutex_clear (&self->lock);
}

ResilientGate *
resilient_gate_new (void)
{
  ResilientGate *self = g_atomic_rc_box_new0 (ResilientGate);

  g_atomic_ref_count_init (&self->users);
  g_mutex_init (&self->lock);
  self->origins = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->candidates =
    RESILIENT_HEAP_INIT (resilient_gate_candidate_is_before, ResilientOrigin, candidate_index);
  self->max_concurrent = 100;
  self->max_pending = 10000;
  self->session_max_conns = G_MAXUINT;
  self->session_max_conns_per_host = G_MAXUINT;

  return self;
}

ResilientGate *
resilient_gate_acquire (ResilientGate *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_gate_release (ResilientGate *self)
{
  g_atomic_rc_box_release_full (self, gate_free);
}

ResilientGate *
resilient_gate_ref (ResilientGate *self)
{
  g_atomic_ref_count_inc (&self->users);
  return self;
}

void
resilient_gate_unref (ResilientGate *self)
{
  g_autoptr (GHashTable) origins = NULL;

  if (!g_atomic_ref_count_dec (&self->users))
    return;

  /* Origins keep the gate's memory, and the gate its origins: this is where the circle is cut. */
  g_mutex_lock (&self->lock);
  origins = g_steal_pointer (&self->origins);
  g_queue_init (&self->idle);
  self->changed = NULL;
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&origins, g_hash_table_unref);
  resilient_gate_release (self);
}

void
resilient_gate_lock (ResilientGate *self)
{
  g_mutex_lock (&self->lock);
}

void
resilient_gate_unlock (ResilientGate *self)
{
  g_mutex_unlock (&self->lock);
}

void
resilient_gate_set_limits (ResilientGate *self,
                           guint          max_concurrent,
                           guint          per_origin,
                           guint          max_pending)
{
  g_mutex_lock (&self->lock);
  self->max_concurrent = max_concurrent;
  self->per_origin = per_origin;
  self->max_pending = max_pending;
  resilient_gate_update_all_candidates (self);
  g_mutex_unlock (&self->lock);

  resilient_gate_admit (self);
}

void
resilient_gate_set_session_limits (ResilientGate *self,
                                   guint          max_conns,
                                   guint          max_conns_per_host)
{
  g_mutex_lock (&self->lock);
  self->session_max_conns = max_conns;
  self->session_max_conns_per_host = max_conns_per_host;
  resilient_gate_update_all_candidates (self);
  g_mutex_unlock (&self->lock);

  resilient_gate_admit (self);
}

/* Two URIs have one origin if their schemes, hosts and ports are the same (RFC 6454, 4 and 5); the
 * first two compare without case, and a port left out is that of the scheme. */
static char *
make_key (GUri *uri)
{
  g_autofree char *scheme = g_ascii_strdown (g_uri_get_scheme (uri), -1);
  g_autofree char *ascii = g_hostname_to_ascii (g_uri_get_host (uri));
  g_autofree char *host = g_ascii_strdown (ascii != NULL ? ascii : g_uri_get_host (uri), -1);
  gboolean literal = strchr (host, ':') != NULL;
  int port = g_uri_get_port (uri);

  if (port == -1)
    port = g_str_equal (scheme, "https") ? 443 : 80;

  return g_strdup_printf (literal ? "%s://[%s]:%d" : "%s://%s:%d", scheme, host, port);
}

/* The same for the usual case, without an allocation; FALSE if it is another. */
static gboolean
write_key (GUri *uri,
           char *key,
           gsize size)
{
  const char *scheme = g_uri_get_scheme (uri);
  const char *host = g_uri_get_host (uri);
  gsize n = strlen (scheme), length = strlen (host);
  int port = g_uri_get_port (uri);

  if (n + length + sizeof "://:65535" > size || memchr (host, ':', length) != NULL)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    key[i] = g_ascii_tolower (scheme[i]);
  memcpy (key + n, "://", 3);
  if (port == -1)
    port = n == strlen ("https") ? 443 : 80;
  n += 3;
  for (gsize i = 0; i < length; i++)
    {
      if ((guchar) host[i] >= 0x80)
        return FALSE;
      key[n++] = g_ascii_tolower (host[i]);
    }
  g_snprintf (key + n, size - n, ":%d", port);
  return TRUE;
}

static gboolean
is_local (const char *host)
{
  g_autoptr (GInetAddress) address = NULL;

  if (g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost"))
    return TRUE;

  address = g_inet_address_new_from_string (host);
  return address != NULL && g_inet_address_get_is_loopback (address);
}

ResilientOrigin *
resilient_gate_get_origin (ResilientGate *self,
                           GUri          *uri)
{
  g_autofree char *made_key = NULL;
  char written_key[128];
  const char *key = written_key;
  ResilientOrigin *origin;
  gboolean made = FALSE;

  g_assert (g_uri_get_host (uri) != NULL);
  if (!write_key (uri, written_key, sizeof written_key))
    key = made_key = make_key (uri);

  g_mutex_lock (&self->lock);

  origin = g_hash_table_lookup (self->origins, key);
  if (origin != NULL)
    {
      g_object_ref (origin);
    }
  else
    {
      origin = resilient_origin_new (self, key);
      origin->local = is_local (g_uri_get_host (uri));
      g_hash_table_insert (self->origins, origin->key, g_object_ref (origin));
      resilient_gate_update_idle (self, origin);
      made = TRUE;
    }

  g_mutex_unlock (&self->lock);

  if (made)
    resilient_gate_forget_idle (self);

  return origin;
}

guint
resilient_gate_get_active (ResilientGate *self)
{
  guint active;

  g_mutex_lock (&self->lock);
  active = self->active;
  g_mutex_unlock (&self->lock);

  return active;
}

guint
resilient_gate_get_pending (ResilientGate *self)
{
  guint pending;

  g_mutex_lock (&self->lock);
  pending = self->pending;
  g_mutex_unlock (&self->lock);

  return pending;
}

void
resilient_gate_set_changed_func (ResilientGate        *self,
                                 ResilientGateChanged  func,
                                 gpointer              data)
{
  g_mutex_lock (&self->lock);
  self->changed = func;
  self->changed_data = data;
  g_mutex_unlock (&self->lock);
}
