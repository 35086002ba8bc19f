/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-pool-private.h"

/* Which lane a request gets, and what stays of it: without any connection. */

#define BURST 40

typedef struct
{
  ResilientLane *shared;
  ResilientPool *pool;
  GUri *uri;
} Fixture;

static void
set_up (Fixture *self, gconstpointer uri)
{
  self->shared = NULL;
  self->pool = resilient_pool_new (NULL, &self->shared);
  self->uri = g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL);
}

static void
tear_down (Fixture *self, gconstpointer uri)
{
  resilient_pool_free (self->pool);
  g_uri_unref (self->uri);
}

static ResilientPass
enter (Fixture *self, gboolean challenges)
{
  ResilientTicket ticket = { 0 };
  ResilientPass pass;

  g_assert_true (resilient_pool_enter (self->pool, self->uri, challenges, FALSE, &ticket, &pass));
  return pass;
}

/* One that serves again serves first. */
static void
test_newest (Fixture *self, gconstpointer uri)
{
  ResilientPass a = enter (self, FALSE);
  ResilientPass b = enter (self, FALSE);
  ResilientLane *lane = a.lane;

  g_assert_true (a.exclusive && b.exclusive);
  g_assert_true (a.lane != b.lane);
  resilient_pool_leave (self->pool, &b);
  resilient_pool_leave (self->pool, &a);
  resilient_pool_leave (self->pool, &a); /* has left */
  a = enter (self, FALSE);
  g_assert_true (a.lane == lane);
  resilient_pool_leave (self->pool, &a);
}

/* However many come one after the other. */
static void
test_in_turn (Fixture *self, gconstpointer uri)
{
  ResilientPass first = enter (self, FALSE);
  ResilientHost *host = resilient_host_ref (first.host);

  resilient_pool_leave (self->pool, &first);
  for (guint i = 0; i < 100; i++)
    {
      ResilientPass pass = enter (self, FALSE);

      resilient_pool_leave (self->pool, &pass);
      g_assert_cmpuint (host->traces->len, ==, 1);
    }
  resilient_host_unref (host);
}

static void
count_gone_cb (gpointer n_gone, GObject *session)
{
  ++*(guint *) n_gone;
}

/* What a burst left goes, whichever of them was the first to be done: sessions, not only the
 * knowledge of them. */
static void
test_burst (Fixture *self, gconstpointer uri)
{
  ResilientPass passes[BURST];
  guint n_gone = 0;

  for (guint i = 0; i < BURST; i++)
    {
      passes[i] = enter (self, FALSE);
      g_object_weak_ref (G_OBJECT (passes[i].lane->session), count_gone_cb, &n_gone);
    }
  for (guint i = 0; i < BURST; i++)
    resilient_pool_leave (self->pool, &passes[i]);
  for (guint i = 0; i < BURST; i++)
    {
      passes[0] = enter (self, FALSE);
      resilient_pool_leave (self->pool, &passes[0]);
    }
  g_assert_cmpuint (n_gone, >=, BURST / 2);
  resilient_pool_free (g_steal_pointer (&self->pool));
  self->pool = resilient_pool_new (NULL, &self->shared);
  g_assert_cmpuint (n_gone, ==, BURST);
}

static GIOStream *
open_stream (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new (
    G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_no_error (error);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

/* Each new host leaves a connection open. They have a lane each only up to a limit; then the lane
 * that was idle for longest serves, not the first one, which others may share. */
static void
test_many_hosts (Fixture *self, gconstpointer uri)
{
  g_autoptr (GHashTable) lanes = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) streams = g_ptr_array_new_with_free_func (g_object_unref);
  ResilientLane *first = NULL;

  for (guint i = 0; i < 4 * BURST; i++)
    {
      g_autofree char *other = g_strdup_printf ("http://host-%u/", i);
      g_autoptr (GUri) host = g_uri_parse (other, SOUP_HTTP_URI_FLAGS, NULL);
      ResilientTicket ticket = { 0 };
      ResilientPass pass;

      g_assert_true (resilient_pool_enter (self->pool, host, FALSE, FALSE, &ticket, &pass));
      if (g_hash_table_add (lanes, pass.lane))
        {
          g_ptr_array_add (streams, open_stream ());
          resilient_connections_add (pass.lane->connections, i + 1, streams->pdata[streams->len - 1]);
        }
      if (first == NULL)
        first = pass.lane;
      else
        g_assert_true (pass.lane != first);
      resilient_pool_leave (self->pool, &pass);
    }
  g_assert_cmpuint (g_hash_table_size (lanes), ==, 128);
}

/* Those that learn nothing, because nobody answers, leave nothing. */
static void
test_vain (Fixture *self, gconstpointer uri)
{
  for (guint i = 0; i < 100; i++)
    {
      ResilientPass pass = enter (self, FALSE);

      g_assert_true (pass.scout);
      g_assert_cmpuint (pass.host->traces->len, ==, 0);
      resilient_pool_leave (self->pool, &pass);
    }
}

static void
ready_cb (ResilientTicket *ticket)
{
}

/* One finds out, the next waits, and may go before it is told. */
static void
test_wait (Fixture *self, gconstpointer uri)
{
  ResilientTicket ticket = { .ready = ready_cb };
  ResilientPass first = enter (self, FALSE);
  ResilientPass second;

  g_assert_false (resilient_pool_enter (self->pool, self->uri, FALSE, FALSE, &ticket, &second));
  g_assert_null (second.lane);
  g_assert_nonnull (ticket.host);
  resilient_host_learn (first.host, FALSE);
  resilient_ticket_withdraw (&ticket);
  resilient_ticket_withdraw (&ticket);
  g_assert_null (ticket.host);
  resilient_pool_leave (self->pool, &first);
  /* its source finds nobody */
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Whom a session knows credentials for, it serves from then on. */
static void
test_challenges (Fixture *self, gconstpointer uri)
{
  ResilientPass first = enter (self, FALSE);
  ResilientPass with, without;

  with = enter (self, TRUE);
  without = enter (self, FALSE);
  g_assert_false (with.lane->bare);
  g_assert_true (without.lane == with.lane);
  resilient_pool_leave (self->pool, &first);
  resilient_pool_leave (self->pool, &with);
  resilient_pool_leave (self->pool, &without);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, uri, test) g_test_add (path, Fixture, uri, set_up, test, tear_down)
  ADD ("/pool/newest", "http://example.org/", test_newest);
  ADD ("/pool/in-turn", "http://example.org/", test_in_turn);
  ADD ("/pool/burst", "http://example.org/", test_burst);
  ADD ("/pool/many-hosts", "http://example.org/", test_many_hosts);
  ADD ("/pool/vain", "https://example.org/", test_vain);
  ADD ("/pool/wait", "https://example.org/", test_wait);
  ADD ("/pool/challenges", "http://example.org/", test_challenges);
#undef ADD
  return g_test_run ();
}
