/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-pool-private.h"

/* Hosts remembered beyond those in use. */
#define HOSTS_MAX 256
/* A host that is new gets a lane of its own while there are no more than these; then the one that has
 * been idle for longest. So many connections are left open at most, beside those in use. */
#define LANES_APART 128
/* So many are kept when they serve nobody. */
#define LANES_KEPT 16

struct _ResilientPool
{
  ResilientLane **shared;
  ResilientLane *main; /* for credentials, and HTTP/1 too; nullable */
  ResilientLane *many; /* for HTTP/2, and what may turn out to be; nullable */
  GQueue idle;         /* lanes that HTTP/1 left, the longest idle first */
  GHashTable *hosts;   /* set of ResilientHost, by origin */
  GMutex lock;
  GPtrArray *lanes; /* all of them; changes in the context, under the lock */
};

/* --- lanes ------------------------------------------------------------------------------------ */

static void
add_lane (ResilientPool *self, ResilientLane *lane)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->lanes, lane);
  g_mutex_unlock (&self->lock);
}

static ResilientLane *
make_lane (ResilientPool *self, gboolean bare)
{
  /* The gate alone decides how many requests run. libsoup 3.2 goes on counting a connection that
   * broke inside a body, so that a lower limit would fill up over the life of a laptop's session.
   */
  g_autoptr (SoupSession) session = resilient_soup_session_new (G_MAXINT);
  ResilientLane *lane = resilient_lane_new (session);

  /* Each feature costs with each message, and this one has nobody that it could ask. */
  if (bare)
    soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  lane->bare = bare;
  add_lane (self, lane);
  return lane;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static gboolean
is_unused (gpointer key, gpointer value, gpointer data)
{
  return ((ResilientHost *) key)->ref_count == 1;
}

static ResilientHost *
get_host (ResilientPool *self, GUri *uri)
{
  ResilientHost key = { .uri = uri };
  ResilientHost *host = g_hash_table_lookup (self->hosts, &key);

  if (host != NULL)
    return resilient_host_ref (host);

  /* To forget one costs little: a connection more, a second at the next large upload. */
  if (g_hash_table_size (self->hosts) >= HOSTS_MAX)
    g_hash_table_foreach_remove (self->hosts, is_unused, NULL);
  host = resilient_host_new (uri);
  g_hash_table_add (self->hosts, host);
  return resilient_host_ref (host);
}

/* --- the pool --------------------------------------------------------------------------------- */

ResilientPool *
resilient_pool_new (ResilientLane *main, ResilientLane **shared)
{
  ResilientPool *self = g_new0 (ResilientPool, 1);

  self->main = main;
  self->shared = shared;
  self->hosts = g_hash_table_new_full (
    resilient_host_hash, resilient_host_equal, (GDestroyNotify) resilient_host_unref, NULL);
  self->lanes = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_lane_unref);
  g_mutex_init (&self->lock);
  if (main != NULL)
    add_lane (self, resilient_lane_ref (main));
  return self;
}

void
resilient_pool_free (ResilientPool *self)
{
  g_hash_table_unref (self->hosts);
  g_ptr_array_unref (self->lanes);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static ResilientLane *
get_main (ResilientPool *self)
{
  if (self->main == NULL)
    self->main = make_lane (self, FALSE);
  return self->main;
}

static ResilientLane *
get_many (ResilientPool *self)
{
  if (self->many == NULL)
    self->many = make_lane (self, TRUE);
  return self->many;
}

static void
occupy (ResilientPool *self, ResilientLane *lane, ResilientPass *pass)
{
  if (lane->stamp > 0)
    g_queue_unlink (&self->idle, &lane->link);
  lane->busy = TRUE;
  lane->stamp++;
  pass->lane = lane;
  pass->exclusive = TRUE;
}

/* The first that carries nothing but what it is taken for. */
static GList *
find_longest_idle (ResilientPool *self)
{
  GList *link = self->idle.head;

  while (link != NULL && (link->data == self->main || link->data == self->many))
    link = link->next;
  return link;
}

/* Its idle connection is to another host. Were it left open, each lane would in time have one to
 * each host. */
static ResilientLane *
take_longest_idle (ResilientPool *self)
{
  GList *link = find_longest_idle (self);

  if (link == NULL)
    return NULL;
  soup_session_abort (((ResilientLane *) link->data)->session);
  return link->data;
}

static void
take_exclusive (ResilientPool *self, ResilientPass *pass, gboolean own)
{
  ResilientLane *lane = resilient_host_take (pass->host);
  gboolean open = lane != NULL && lane->open && !own;

  if (lane == NULL && get_main (self)->stamp == 0)
    lane = self->main;
  else if (lane == NULL && self->lanes->len >= LANES_APART)
    lane = take_longest_idle (self);
  if (lane == NULL)
    lane = make_lane (self, TRUE);
  occupy (self, lane, pass);
  resilient_pass_begin (pass, open);
}

gboolean
resilient_pool_enter (ResilientPool *self,
                      GUri *uri,
                      gboolean challenges,
                      gboolean own,
                      ResilientTicket *ticket,
                      ResilientPass *pass)
{
  ResilientHost *host = get_host (self, uri);
  gboolean called = ticket->called;

  ticket->called = FALSE;
  *pass = (ResilientPass){ .host = host, .lane = g_atomic_pointer_get (self->shared) };
  if (pass->lane != NULL)
    return TRUE;
  /* A session answers for what it got to know, whatever a redirect or a later request says. */
  host->challenges = host->challenges || challenges;
  if (host->challenges)
    {
      pass->lane = get_main (self);
    }
  else if (host->protocol == RESILIENT_PROTOCOL_HTTP2)
    {
      pass->lane = get_many (self);
    }
  else if (host->protocol == RESILIENT_PROTOCOL_HTTP1 || host->rush)
    {
      if (own || called || !resilient_host_should_wait (host, ticket))
        take_exclusive (self, pass, own);
    }
  else if (!host->scouted)
    {
      host->scouted = TRUE;
      pass->scout = TRUE;
      /* it may turn out to be HTTP/1 */
      if (!get_many (self)->busy)
        {
          occupy (self, self->many, pass);
          resilient_pass_begin (pass, FALSE);
        }
      pass->lane = self->many;
    }
  if (pass->lane != NULL)
    return TRUE;
  resilient_host_wait (host, ticket);
  g_clear_pointer (&pass->host, resilient_host_unref);
  return FALSE;
}

static void
forget_lane (gpointer key, gpointer value, gpointer lane)
{
  resilient_host_forget (key, lane);
}

/* A burst leaves lanes behind that serve nobody once their connections have closed. */
static void
trim (ResilientPool *self)
{
  GList *link = find_longest_idle (self);
  g_autoptr (ResilientLane) oldest = NULL;

  if (self->lanes->len <= LANES_KEPT || link == NULL
      || resilient_connections_any_open (((ResilientLane *) link->data)->connections))
    return;
  oldest = resilient_lane_ref (link->data);
  g_queue_unlink (&self->idle, link);
  g_hash_table_foreach (self->hosts, forget_lane, oldest);
  g_mutex_lock (&self->lock);
  g_ptr_array_remove_fast (self->lanes, oldest);
  g_mutex_unlock (&self->lock);
}

static void
leave (ResilientPool *self, ResilientPass *pass, gboolean kept)
{
  ResilientHost *host = pass->host;
  ResilientLane *lane = pass->lane;

  if (pass->exclusive)
    {
      resilient_pass_end (pass, kept);
      trim (self);
      lane->busy = FALSE;
      g_queue_push_tail_link (&self->idle, &lane->link);
      /* not of one that found nobody: it took no trace up, so they would only become more */
      if (!pass->scout || host->protocol != RESILIENT_PROTOCOL_UNKNOWN)
        resilient_host_remember (host, lane);
    }
  if (pass->scout && host->protocol == RESILIENT_PROTOCOL_UNKNOWN)
    /* it went without having learned anything: the next one tries */
    host->scouted = FALSE;
  pass->host = NULL;
  pass->lane = NULL;
}

void
resilient_pool_pass_on (ResilientPool *self, ResilientPass *pass, gboolean kept)
{
  ResilientHost *host = pass->host;
  gboolean first;

  if (host == NULL)
    return;
  first = host->patience.serving == 0;
  if (pass->fresh)
    host->closes = !kept;
  leave (self, pass, kept);
  if (kept && host->protocol == RESILIENT_PROTOCOL_HTTP1)
    resilient_host_call_next (host);
  if (!kept || first)
    resilient_host_wake (host);
  resilient_host_unref (host);
}

void
resilient_pool_leave (ResilientPool *self, ResilientPass *pass)
{
  ResilientHost *host = pass->host;

  if (host == NULL)
    return;
  leave (self,
         pass,
         pass->state == RESILIENT_PASS_OPEN
           && resilient_connections_any_open (pass->lane->connections));
  resilient_host_wake (host);
  resilient_host_unref (host);
}

void
resilient_pool_abort (ResilientPool *self)
{
  ResilientLane *shared = g_atomic_pointer_get (self->shared);

  for (guint i = 0; i < self->lanes->len; i++)
    {
      ResilientLane *lane = g_ptr_array_index (self->lanes, i);

      if (lane != shared)
        soup_session_abort (lane->session);
    }
}

gboolean
resilient_pool_any_open (ResilientPool *self)
{
  gboolean open = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->lanes->len && !open; i++)
    open = resilient_connections_any_open (
      ((ResilientLane *) g_ptr_array_index (self->lanes, i))->connections);
  g_mutex_unlock (&self->lock);
  return open;
}
