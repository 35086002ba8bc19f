/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-pool-private.h"

#include <sys/socket.h>
#include <unistd.h>

#include "resilient-clock-private.h"

/* Which lane a request gets, and what stays of it: over sockets that carry nothing. */

#define BURST 40
#define IDLE_PER_HOST 6
#define IDLE_IN_ALL 32

typedef struct
{
  ResilientLane *shared;
  ResilientPool *pool;
  GUri *uri;
  GPtrArray *streams; /* of GIOStream: what libsoup would own */
  GArray *peers;      /* of int: the other ends */
  guint64 last_id;
} Fixture;

static gint64 now;
static guint n_gone; /* sessions */

static gint64
clock_cb (gpointer data)
{
  return now;
}

static void
clear_peer (gpointer peer)
{
  if (*(int *) peer >= 0)
    close (*(int *) peer);
}

static void
set_up (Fixture *self, gconstpointer uri)
{
  now = 1000 * G_USEC_PER_SEC;
  self->shared = NULL;
  self->pool = resilient_pool_new (&self->shared);
  self->uri = g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL);
  self->streams = g_ptr_array_new_with_free_func (g_object_unref);
  self->peers = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (self->peers, clear_peer);
  self->last_id = 0;
  n_gone = 0;
}

static void
tear_down (Fixture *self, gconstpointer uri)
{
  resilient_pool_free (self->pool);
  g_uri_unref (self->uri);
  g_ptr_array_unref (self->streams);
  g_array_unref (self->peers);
}

static void
turn (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static ResilientLease
enter_for (Fixture *self, GUri *uri, gboolean challenges, ResilientReuse reuse)
{
  ResilientLeaseWaiter waiter = { 0 };
  ResilientLease lease;

  g_assert_true (resilient_pool_enter (self->pool, uri, challenges, reuse, &waiter, &lease));
  return lease;
}

static ResilientLease
enter (Fixture *self)
{
  return enter_for (self, self->uri, FALSE, RESILIENT_REUSE_ANY);
}

/* What libsoup does when it has none. */
static void
open_connection (Fixture *self, ResilientLease *lease)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  socket = g_socket_new_from_fd (fds[0], &error);
  g_assert_no_error (error);
  g_ptr_array_add (self->streams, g_socket_connection_factory_create_connection (socket));
  g_array_append_val (self->peers, fds[1]);
  resilient_connections_add (resilient_lane_get_connections (lease->lane),
                             ++self->last_id,
                             resilient_route_get_uri (lease->route),
                             self->streams->pdata[self->streams->len - 1],
                             G_PRIORITY_DEFAULT,
                             NULL);
}

static void
hang_up (Fixture *self, guint index)
{
  clear_peer (&g_array_index (self->peers, int, index));
  g_array_index (self->peers, int, index) = -1;
}

static void
leave (Fixture *self, ResilientLease *lease)
{
  resilient_pool_leave (self->pool, lease);
}

static void
assert_lanes (Fixture *self, guint n, guint n_idle)
{
  g_assert_cmpuint (resilient_pool_get_length (self->pool), ==, n);
  g_assert_cmpuint (resilient_pool_get_idle (self->pool), ==, n_idle);
}

/* One that serves again serves first. */
static void
test_newest (Fixture *self, gconstpointer uri)
{
  ResilientLease a = enter (self);
  ResilientLease b = enter (self);
  ResilientLane *lane = a.lane;

  g_assert_true (a.exclusive && b.exclusive);
  g_assert_true (a.lane != b.lane);
  open_connection (self, &a);
  open_connection (self, &b);
  leave (self, &b);
  leave (self, &a);
  leave (self, &a); /* has left */
  assert_lanes (self, 2, 2);
  a = enter (self);
  g_assert_true (a.lane == lane);
  leave (self, &a);
  assert_lanes (self, 2, 2);
}

/* However many come one after the other. */
static void
test_in_turn (Fixture *self, gconstpointer uri)
{
  ResilientLease lease = enter (self);

  open_connection (self, &lease);
  leave (self, &lease);
  for (guint i = 0; i < 100; i++)
    {
      lease = enter (self);
      assert_lanes (self, 1, 0);
      leave (self, &lease);
      assert_lanes (self, 1, 1);
    }
}

/* What leaves without a connection leaves nothing. */
static void
test_nothing (Fixture *self, gconstpointer uri)
{
  ResilientLease lease = enter (self);

  leave (self, &lease);
  assert_lanes (self, 0, 0);
  lease = enter (self);
  open_connection (self, &lease);
  g_io_stream_close (self->streams->pdata[0], NULL, NULL);
  leave (self, &lease);
  assert_lanes (self, 0, 0);
}

static void
count_gone_cb (gpointer data, GObject *session)
{
  n_gone++;
}

/* Of a burst a few connections stay, whichever was the first to be done, and the others go with
 * their sessions: not while those who asked may be about to go on. While many are in use as many
 * may be idle. */
static void
test_burst (Fixture *self, gconstpointer uri)
{
  ResilientLease passes[BURST];

  for (guint i = 0; i < BURST; i++)
    {
      passes[i] = enter (self);
      open_connection (self, &passes[i]);
      g_object_weak_ref (
        G_OBJECT (resilient_lane_get_session (passes[i].lane)), count_gone_cb, NULL);
    }
  for (guint i = 0; i < BURST / 2; i++)
    leave (self, &passes[i]);
  turn ();
  assert_lanes (self, BURST, BURST / 2);
  for (guint i = BURST / 2; i < BURST; i++)
    leave (self, &passes[i]);
  assert_lanes (self, BURST, BURST);
  turn ();
  assert_lanes (self, IDLE_PER_HOST, IDLE_PER_HOST);
  g_assert_cmpuint (n_gone, ==, BURST - IDLE_PER_HOST);
  resilient_pool_free (g_steal_pointer (&self->pool));
  self->pool = resilient_pool_new (&self->shared);
  g_assert_cmpuint (n_gone, ==, BURST);
}

/* Each new host leaves a connection open, up to a limit: then the one that was idle for longest
 * goes, and its session. A host that was forgotten is a new one. */
static void
test_many_hosts (Fixture *self, gconstpointer uri)
{

  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < 5 * BURST; i++)
      {
        g_autofree char *other = g_strdup_printf ("http://host-%u/", i);
        g_autoptr (GUri) host = g_uri_parse (other, SOUP_HTTP_URI_FLAGS, NULL);
        ResilientLease lease = enter_for (self, host, FALSE, RESILIENT_REUSE_ANY);

        g_object_weak_ref (G_OBJECT (resilient_lane_get_session (lease.lane)), count_gone_cb, NULL);
        open_connection (self, &lease);
        leave (self, &lease);
        turn ();
        g_assert_cmpuint (resilient_pool_get_length (self->pool), <=, IDLE_IN_ALL);
      }
  assert_lanes (self, IDLE_IN_ALL, IDLE_IN_ALL);
  g_assert_cmpuint (n_gone, ==, 2 * 5 * BURST - IDLE_IN_ALL);
}

/* A connection that the peer closes goes at once; so does one that it closed before the request
 * left.
 */
static void
test_lost (Fixture *self, gconstpointer uri)
{
  ResilientLease first = enter (self);
  ResilientLease second = enter (self);
  ResilientLease third = enter (self);
  ResilientLane *lane = third.lane;

  open_connection (self, &first);
  open_connection (self, &second);
  open_connection (self, &third);
  leave (self, &first);
  assert_lanes (self, 3, 1);
  hang_up (self, 0);
  hang_up (self, 1);
  turn ();
  assert_lanes (self, 2, 0);
  leave (self, &second);
  assert_lanes (self, 1, 0);
  leave (self, &third);
  assert_lanes (self, 1, 1);
  turn ();
  first = enter (self);
  g_assert_true (first.lane == lane);
  leave (self, &first);
}

/* What can't be sent twice takes a connection that served within two seconds and is silent; or a
 * new one in place of it. */
static void
test_fresh (Fixture *self, gconstpointer uri)
{
  ResilientLease lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  ResilientLane *lane = lease.lane;

  g_assert_false (lease.fresh_only);
  open_connection (self, &lease);
  now += 100 * G_USEC_PER_SEC; /* a long answer */
  leave (self, &lease);

  now += 2 * G_USEC_PER_SEC;
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_true (lease.fresh_only && lease.lane == lane);
  leave (self, &lease);

  now += 2 * G_USEC_PER_SEC + 1;
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_false (lease.fresh_only);
  assert_lanes (self, 1, 0);
  open_connection (self, &lease);
  leave (self, &lease);
  assert_lanes (self, 1, 1);

  /* it says what nobody asked for */
  g_assert_cmpint (write (g_array_index (self->peers, int, 1), "x", 1), ==, 1);
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_false (lease.fresh_only);
  assert_lanes (self, 1, 0);
  open_connection (self, &lease);
  leave (self, &lease);

  /* it has closed, and no source has told so yet */
  hang_up (self, 2);
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_false (lease.fresh_only);
  assert_lanes (self, 1, 0);
  leave (self, &lease);
}

/* So does what wants a new one in any case; what can be sent twice takes any. */
static void
test_reuse (Fixture *self, gconstpointer uri)
{
  ResilientLease lease = enter (self);

  open_connection (self, &lease);
  leave (self, &lease);
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_NONE);
  g_assert_false (lease.fresh_only);
  assert_lanes (self, 1, 0);
  open_connection (self, &lease);
  leave (self, &lease);
  assert_lanes (self, 1, 1);
  now += 1000 * G_USEC_PER_SEC;
  lease = enter (self);
  g_assert_false (lease.fresh_only);
  assert_lanes (self, 1, 0);
  leave (self, &lease);
  assert_lanes (self, 1, 1);
}

/* However its name is spelled. */
static void
test_spelling (Fixture *self, gconstpointer uri)
{
  const char *const spellings[] = {
    "http://example.org/",
    "http://EXAMPLE.ORG/",
    "http://Example.org:80/",
    "HTTP://u@example.org",
  };
  ResilientLease lease = enter (self);
  ResilientLane *lane = lease.lane;

  open_connection (self, &lease);
  leave (self, &lease);
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autoptr (GUri) other = g_uri_parse (spellings[i], SOUP_HTTP_URI_FLAGS, NULL);

      lease = enter_for (self, other, FALSE, RESILIENT_REUSE_ANY);
      g_assert_true (lease.lane == lane);
      leave (self, &lease);
    }
}

/* Those that learn nothing, because nobody answers, leave nothing. */
static void
test_vain (Fixture *self, gconstpointer uri)
{
  for (guint i = 0; i < 100; i++)
    {
      ResilientLease lease = enter (self);

      g_assert_true (lease.scout);
      leave (self, &lease);
      assert_lanes (self, 0, 0);
    }
}

static void
ready_cb (ResilientLeaseWaiter *waiter)
{
}

/* One finds out, the next waits, and may go before it is told. */
static void
test_wait (Fixture *self, gconstpointer uri)
{
  ResilientLeaseWaiter waiter = { .ready = ready_cb };
  ResilientLease first = enter (self);
  ResilientLease second;

  g_assert_false (
    resilient_pool_enter (self->pool, self->uri, FALSE, RESILIENT_REUSE_ANY, &waiter, &second));
  g_assert_null (second.lane);
  g_assert_nonnull (waiter.route);
  resilient_route_learn (first.route, FALSE);
  resilient_lease_waiter_withdraw (&waiter);
  resilient_lease_waiter_withdraw (&waiter);
  g_assert_null (waiter.route);
  leave (self, &first);
  /* its source finds nobody */
  turn ();
}

/* Over HTTP/2 all to one host go by one lane, which stays while it is among the last to be used.
 * What can't be sent twice looks at its connection too. */
static void
test_http2 (Fixture *self, gconstpointer uri)
{
  ResilientLease scout = enter (self);
  ResilientLane *lane = scout.lane;
  ResilientLease lease;

  open_connection (self, &scout);
  g_object_unref (resilient_connections_use (
    resilient_lane_get_connections (lane), 1, TRUE, &(gboolean){ FALSE }));
  resilient_lease_started (&scout, TRUE, FALSE);
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_true (lease.lane == lane && !lease.exclusive && lease.fresh_only);
  leave (self, &scout);
  assert_lanes (self, 1, 0);
  leave (self, &lease);
  assert_lanes (self, 1, 1);
  now += 2 * G_USEC_PER_SEC + 1;
  lease = enter (self);
  g_assert_true (lease.lane == lane);
  leave (self, &lease);
  lease = enter_for (self, self->uri, FALSE, RESILIENT_REUSE_FRESH);
  g_assert_true (lease.lane == lane && !lease.fresh_only);
  leave (self, &lease);
  /* it made room for a new one */
  g_assert_cmpint (read (g_array_index (self->peers, int, 0), &(char){ 0 }, 1), ==, 0);
}

/* Whom a session knows credentials for, it serves from then on. */
static void
test_challenges (Fixture *self, gconstpointer uri)
{
  ResilientLease first = enter (self);
  ResilientLease with, without;

  with = enter_for (self, self->uri, TRUE, RESILIENT_REUSE_ANY);
  without = enter (self);
  g_assert_false (resilient_lane_is_bare (with.lane));
  g_assert_true (without.lane == with.lane);
  leave (self, &first);
  leave (self, &with);
  leave (self, &without);
}

/* Another session takes its place before it knows too many. */
static void
test_many_challenges (Fixture *self, gconstpointer uri)
{
  ResilientLease held = enter_for (self, self->uri, TRUE, RESILIENT_REUSE_ANY);

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *other = g_strdup_printf ("http://host-%u/", i);
      g_autoptr (GUri) host = g_uri_parse (other, SOUP_HTTP_URI_FLAGS, NULL);
      ResilientLease lease = enter_for (self, host, TRUE, RESILIENT_REUSE_ANY);

      if (i % 50 == 0)
        g_object_weak_ref (G_OBJECT (resilient_lane_get_session (lease.lane)), count_gone_cb, NULL);
      leave (self, &lease);
      g_assert_cmpuint (resilient_pool_get_length (self->pool), <=, 2);
    }
  g_assert_cmpuint (n_gone, >, 10);
  leave (self, &held);
  assert_lanes (self, 1, 0);
}

int
main (int argc, char **argv)
{
  static const ResilientClockFuncs funcs = { clock_cb, clock_cb, clock_cb };

  g_test_init (&argc, &argv, NULL);
  resilient_clock_install (&funcs, NULL);
#define ADD(path, uri, test) g_test_add (path, Fixture, uri, set_up, test, tear_down)
  ADD ("/pool/newest", "http://example.org/", test_newest);
  ADD ("/pool/in-turn", "http://example.org/", test_in_turn);
  ADD ("/pool/nothing", "http://example.org/", test_nothing);
  ADD ("/pool/burst", "http://example.org/", test_burst);
  ADD ("/pool/many-hosts", "http://example.org/", test_many_hosts);
  ADD ("/pool/lost", "http://example.org/", test_lost);
  ADD ("/pool/fresh", "http://example.org/", test_fresh);
  ADD ("/pool/reuse", "http://example.org/", test_reuse);
  ADD ("/pool/spelling", "http://example.org/", test_spelling);
  ADD ("/pool/vain", "https://example.org/", test_vain);
  ADD ("/pool/wait", "https://example.org/", test_wait);
  ADD ("/pool/http2", "https://example.org/", test_http2);
  ADD ("/pool/challenges", "http://example.org/", test_challenges);
  ADD ("/pool/many-challenges", "http://example.org/", test_many_challenges);
#undef ADD
  return g_test_run ();
}
