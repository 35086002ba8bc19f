/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Chooses over what a request is sent: a connection that is kept, a new one, or a session that many
 * share. It owns the sessions and routes of one driving context and is used in that alone. */

#include "config.h"

#include "resilient-pool-private.h"

#include "resilient-origin-key-private.h"

/* Connections that are left open while nobody needs them: to one origin, and in all. As many as are
 * in use may be idle beside them: under load one is idle for a moment only. */
#define IDLE_PER_HOST 6
#define IDLE_IN_ALL 32
/* Hosts remembered beyond those in use. To forget one costs little: a connection more, a second at
 * the next large upload. */
#define HOSTS_KEPT 256
/* So many routes get to know one session that answers challenges. It never forgets one before five
 * minutes have passed, with a source of the context for each. */
#define HOSTS_OF_MAIN 64

struct _ResilientPool
{
  ResilientLane **shared;
  ResilientLane *main; /* for credentials; nullable */
  guint n_main_hosts;
  GQueue idle;       /* lanes that nobody has, the longest idle first */
  guint n_busy;      /* requests that have a lane of their own */
  GSource *trimming; /* closes what is idle beyond that, in the next turn; or NULL */
  GMainContext *context;
  GHashTable *routes; /* by origin: URI of the route → ResilientRoute */
  guint purge_at;     /* so many routes, and those that nobody needs are forgotten */
  GMutex lock;
  GPtrArray *lanes; /* all of them; changes in the context, under the lock */
};

/* --- lanes ------------------------------------------------------------------------------------ */

/* Takes it out of the lists of those that are idle. */
static void
unlist (ResilientLane *lane)
{
  ResilientRoute *route = resilient_lane_unlist (lane);

  if (route != NULL)
    resilient_route_unref (route);
}

/* Its connections are closed when libsoup has parted with its last message. */
static void
remove_lane (ResilientPool *self, ResilientLane *lane, ResilientRoute *route)
{
  if (resilient_route_get_many (route) == lane)
    resilient_route_set_many (route, NULL);
  unlist (lane);
  resilient_lane_disown (lane);
  resilient_connections_hang_up (resilient_lane_get_connections (lane), FALSE);
  g_mutex_lock (&self->lock);
  g_ptr_array_remove_fast (self->lanes, lane);
  g_mutex_unlock (&self->lock);
}

/* The same now. */
static void
remove_idle (ResilientPool *self, ResilientLane *lane)
{
  ResilientRoute *route = resilient_route_ref (resilient_lane_get_place (lane));
  g_autoptr (SoupSession) session = g_object_ref (resilient_lane_get_session (lane));

  remove_lane (self, lane, route);
  soup_session_abort (session);
  resilient_route_unref (route);
}

/* The peer has closed its connection. One that is in use tells that by itself. */
static void
lost_cb (ResilientLane *lane, gpointer self)
{
  if (resilient_lane_get_place (lane) != NULL)
    remove_idle (self, lane);
}

static ResilientLane *
make_lane (ResilientPool *self, gboolean bare)
{
  /* The gate alone decides how many requests run. libsoup 3.2 goes on counting a connection that
   * broke inside a body, so that a lower limit would fill up over the life of a laptop's
   * session. */
  g_autoptr (SoupSession) session = resilient_soup_session_new (G_MAXINT);
  ResilientLane *lane = resilient_lane_new_owned (session, bare, lost_cb, self);

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->lanes, lane);
  g_mutex_unlock (&self->lock);
  return lane;
}

static void
remove_all_idle (ResilientPool *self)
{
  while (self->idle.head != NULL)
    remove_idle (self, self->idle.head->data);
}

/* What is in use may be idle beside it. */
static gboolean
is_excess (ResilientPool *self, ResilientRoute *route)
{
  return resilient_route_has_excess (route, IDLE_PER_HOST)
         || self->idle.length > MAX (IDLE_IN_ALL, self->n_busy);
}

static gboolean
trim_cb (gpointer data)
{
  ResilientPool *self = data;
  ResilientLane *shared = g_atomic_pointer_get (self->shared);
  GList *link = self->idle.head;

  g_clear_pointer (&self->trimming, g_source_unref);
  while (link != NULL)
    {
      ResilientLane *lane = link->data;

      link = link->next;
      if (is_excess (self, resilient_lane_get_place (lane)))
        remove_idle (self, lane);
    }
  for (guint i = 0; i < self->lanes->len; i++)
    resilient_connections_trim (
      resilient_lane_get_connections (self->lanes->pdata[i]), IDLE_PER_HOST, IDLE_IN_ALL);
  if (shared != NULL)
    resilient_connections_trim (
      resilient_lane_get_connections (shared), IDLE_PER_HOST, IDLE_IN_ALL);
  return G_SOURCE_REMOVE;
}

/* At the end of the next turn. The answers of many are often read in one turn, and in the next one
 * those who asked go on: they want these connections again. */
static void
trim_soon (ResilientPool *self)
{
  if (self->trimming != NULL)
    return;
  self->trimming = g_idle_source_new ();
  g_source_set_priority (self->trimming, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->trimming, trim_cb, self, NULL);
  g_source_set_static_name (self->trimming, "[resilient-client] idle connections");
  g_source_attach (self->trimming, self->context);
}

/* --- routes ----------------------------------------------------------------------------------- */

static gboolean
is_unused (gpointer key, gpointer value, gpointer data)
{
  return resilient_route_is_unused (value);
}

static ResilientRoute *
get_route (ResilientPool *self, GUri *uri)
{
  ResilientRoute *route = g_hash_table_lookup (self->routes, uri);

  if (route != NULL)
    return resilient_route_ref (route);

  if (g_hash_table_size (self->routes) >= self->purge_at)
    {
      g_hash_table_foreach_remove (self->routes, is_unused, NULL);
      self->purge_at = MAX (HOSTS_KEPT, 2 * g_hash_table_size (self->routes));
    }
  route = resilient_route_new (uri);
  g_hash_table_insert (self->routes, resilient_route_get_uri (route), route);
  return resilient_route_ref (route);
}

/* --- the pool --------------------------------------------------------------------------------- */

ResilientPool *
resilient_pool_new (ResilientLane **shared)
{
  ResilientPool *self = g_new0 (ResilientPool, 1);

  self->shared = shared;
  self->context = g_main_context_ref_thread_default ();
  self->purge_at = HOSTS_KEPT;
  self->routes = g_hash_table_new_full (resilient_origin_key_hash,
                                        resilient_origin_key_equal,
                                        NULL,
                                        (GDestroyNotify) resilient_route_unref);
  self->lanes = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_lane_unref);
  g_mutex_init (&self->lock);
  return self;
}

void
resilient_pool_free (ResilientPool *self)
{
  if (self->trimming != NULL)
    g_source_destroy (self->trimming);
  g_clear_pointer (&self->trimming, g_source_unref);
  /* libsoup 3.2 never lets go of some connections of HTTP/2, and closes them with their session: it
   * must not wait for the peer there */
  for (guint i = 0; i < self->lanes->len; i++)
    resilient_connections_hang_up (resilient_lane_get_connections (self->lanes->pdata[i]), TRUE);
  remove_all_idle (self);
  for (guint i = 0; i < self->lanes->len; i++)
    resilient_lane_disown (self->lanes->pdata[i]);
  g_hash_table_unref (self->routes);
  g_ptr_array_unref (self->lanes);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self);
}

/* A new one takes its place when it knows many routes; the old one goes with its last request. */
static ResilientLane *
get_main (ResilientPool *self, ResilientRoute *route)
{
  if (self->main != NULL && resilient_route_is_known_to (route, self->main))
    return self->main;
  if (self->main != NULL && ++self->n_main_hosts > HOSTS_OF_MAIN)
    {
      ResilientLane *old = g_steal_pointer (&self->main);

      if (!resilient_lane_is_in_use (old))
        remove_lane (self, old, route);
    }
  if (self->main == NULL)
    {
      self->main = make_lane (self, FALSE);
      self->n_main_hosts = 1;
    }
  resilient_route_set_known_to (route, self->main);
  return self->main;
}

static ResilientLane *
get_many (ResilientPool *self, ResilientRoute *route)
{
  if (resilient_route_get_many (route) == NULL)
    resilient_route_set_many (route, make_lane (self, TRUE));
  unlist (resilient_route_get_many (route));
  return resilient_route_get_many (route);
}

/* Only one that is left is free, and has a connection. */
static void
take_exclusive (ResilientPool *self, ResilientLease *lease, ResilientReuse reuse)
{
  ResilientRoute *route = lease->route;
  ResilientLane *lane = g_queue_peek_tail (resilient_route_get_idle (route));
  gboolean open = lane != NULL && reuse != RESILIENT_REUSE_NONE;

  lease->why = lane != NULL ? "kept, and idle" : "new, as none is idle";
  if (lane != NULL && reuse != RESILIENT_REUSE_ANY)
    {
      /* a new connection takes the place of one that is idle */
      if (reuse == RESILIENT_REUSE_FRESH)
        lease->fresh_only = open = resilient_connections_is_fresh (
          resilient_lane_get_connections (lane), resilient_route_get_uri (route));
      if (open)
        {
          lease->why = "kept, and found to be fresh";
        }
      else
        {
          lease->why = "new, as nothing is sent twice: one that is kept may be stale";
          remove_idle (self, lane);
          lane = NULL;
        }
    }
  if (lane != NULL)
    unlist (lane);
  else
    lane = make_lane (self, TRUE);
  lease->lane = lane;
  lease->exclusive = TRUE;
  self->n_busy++;
  resilient_lease_begin (lease, open);
}

/* None, if it is to wait. */
static void
take_lane (ResilientPool *self,
           ResilientLease *lease,
           ResilientReuse reuse,
           ResilientLeaseWaiter *waiter)
{
  switch (resilient_route_choose_way (lease->route, waiter))
    {
    case RESILIENT_WAY_CHALLENGES:
      lease->why = "that of a session that answers challenges";
      lease->lane = get_main (self, lease->route);
      break;
    case RESILIENT_WAY_MANY:
      lease->why = "shared, as the origin speaks HTTP/2";
      lease->lane = get_many (self, lease->route);
      break;
    case RESILIENT_WAY_SCOUT:
      lease->scout = TRUE;
      take_exclusive (self, lease, reuse);
      break;
    case RESILIENT_WAY_OWN:
      take_exclusive (self, lease, reuse);
      break;
    case RESILIENT_WAY_WAIT:
    default:
      break;
    }
}

gboolean
resilient_pool_enter (ResilientPool *self,
                      GUri *uri,
                      gboolean challenges,
                      ResilientReuse reuse,
                      ResilientLeaseWaiter *waiter,
                      ResilientLease *lease)
{
  ResilientRoute *route = get_route (self, uri);
  gboolean called = waiter->called;

  waiter->called = FALSE;
  *lease = (ResilientLease){ .route = route, .lane = g_atomic_pointer_get (self->shared) };
  /* A session answers for what it got to know, whatever a redirect or a later request says. */
  if (challenges)
    resilient_route_note_challenges (route);
  if (lease->lane != NULL)
    {
      lease->why = "the session's own choice";
      remove_all_idle (self);
    }
  else
    {
      take_lane (self, lease, reuse, reuse != RESILIENT_REUSE_NONE && !called ? waiter : NULL);
    }
  if (lease->lane == NULL)
    {
      resilient_route_wait (route, waiter);
      g_clear_pointer (&lease->route, resilient_route_unref);
      return FALSE;
    }
  resilient_lane_enter (lease->lane);
  if (!lease->exclusive)
    {
      lease->claims = TRUE;
      lease->claim =
        resilient_connections_claim (resilient_lane_get_connections (lease->lane),
                                     uri,
                                     reuse == RESILIENT_REUSE_FRESH ? &lease->fresh_only : NULL);
    }
  return TRUE;
}

static void
leave (ResilientLease *lease, gboolean kept, gpointer data)
{
  ResilientPool *self = data;
  ResilientRoute *route = lease->route;
  ResilientLane *lane = lease->lane;
  gboolean last = resilient_lane_leave (lane);
  gboolean crowded =
    !lease->exclusive
    && resilient_connections_get_length (resilient_lane_get_connections (lane)) > IDLE_PER_HOST;

  resilient_lease_release_claim (lease);
  if (lease->exclusive)
    {
      resilient_lease_end (lease, kept);
      self->n_busy--;
    }
  if (last && lane == resilient_route_get_many (route))
    resilient_lane_list (lane, &self->idle, NULL, resilient_route_ref (route));
  else if (last && kept && lease->exclusive && resilient_route_speaks_http1 (route))
    resilient_lane_list (
      lane, &self->idle, resilient_route_get_idle (route), resilient_route_ref (route));
  else if (last && lane != self->main)
    remove_lane (self, lane, route);
  if (crowded || is_excess (self, route))
    trim_soon (self);
  lease->route = NULL;
  lease->lane = NULL;
}

void
resilient_pool_pass_on (ResilientPool *self, ResilientLease *lease, gboolean kept)
{
  if (lease->route != NULL)
    resilient_lease_pass_on (lease, kept, leave, self);
}

void
resilient_pool_leave (ResilientPool *self, ResilientLease *lease)
{
  ResilientRoute *route = lease->route;

  if (route == NULL)
    return;
  leave (lease,
         lease->exclusive
           && resilient_connections_settle (resilient_lane_get_connections (lease->lane)),
         self);
  resilient_route_wake (route);
  resilient_route_unref (route);
}

void
resilient_pool_abort (ResilientPool *self)
{
  ResilientLane *shared = g_atomic_pointer_get (self->shared);

  for (guint i = 0; i < self->lanes->len; i++)
    {
      ResilientLane *lane = g_ptr_array_index (self->lanes, i);

      if (lane != shared)
        soup_session_abort (resilient_lane_get_session (lane));
    }
}

gboolean
resilient_pool_any_open (ResilientPool *self)
{
  gboolean open = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->lanes->len && !open; i++)
    open = resilient_connections_any_open (resilient_lane_get_connections (self->lanes->pdata[i]));
  g_mutex_unlock (&self->lock);
  return open;
}

guint
resilient_pool_get_length (ResilientPool *self)
{
  return self->lanes->len;
}

guint
resilient_pool_get_idle (ResilientPool *self)
{
  return self->idle.length;
}
