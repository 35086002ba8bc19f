/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-pool-private.h"

#include "resilient-exchange-private.h"

/* Hosts remembered beyond those in use. */
#define HOSTS_MAX 256
/* A host that is new gets a lane of its own while there are no more than these; then the one whose
 * connections have been idle for longest. */
#define LANES_APART 16
/* How long a connection may be idle, in seconds: libsoup's default. */
#define IDLE_TIMEOUT 60

struct _ResilientLane
{
  int ref_count; /* atomic */
  SoupSession *session;
  ResilientConnections *connections;
  gboolean watched; /* set once */
  gboolean bare;
  gboolean busy; /* a request has it for itself */
  guint stamp;   /* counts those requests */
  GList link;    /* among the idle ones */
};

/* A lane that has been to this host, and maybe to no other since. */
typedef struct
{
  ResilientLane *lane; /* a reference */
  guint stamp;
} Trace;

typedef enum
{
  PROTOCOL_UNKNOWN,
  PROTOCOL_HTTP1,
  PROTOCOL_HTTP2,
} Protocol;

struct _ResilientHost
{
  int ref_count;
  GUri *uri;
  GMainContext *context;
  Protocol protocol;
  gboolean scouted; /* a request finds out which */
  gboolean rush;    /* the last one that tried could not */
  gboolean challenges;
  gboolean avoids_expect;
  GArray *traces;  /* of Trace, the newest last; as many as were in use at one time */
  GQueue waiting;  /* of ResilientTicket */
  GSource *source; /* wakes them */
};

struct _ResilientPool
{
  ResilientLane **shared;
  ResilientLane *main; /* for HTTP/2, credentials, and HTTP/1 too; nullable */
  GQueue idle;         /* lanes that HTTP/1 left, the longest idle first */
  GHashTable *hosts;   /* set of ResilientHost, by origin */
  GMutex lock;
  GPtrArray *lanes; /* all of them; changes in the context, under the lock */
};

/* --- lanes ------------------------------------------------------------------------------------ */

SoupSession *
resilient_soup_session_new (guint max_conns)
{
  int limit = (int) CLAMP (max_conns, 1, G_MAXINT);
  SoupSession *session = soup_session_new_with_options (
    "max-conns", limit, "max-conns-per-host", limit, "timeout", 0, "idle-timeout", IDLE_TIMEOUT, NULL);

  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

ResilientLane *
resilient_lane_new (SoupSession *session)
{
  ResilientLane *self = g_new0 (ResilientLane, 1);

  self->ref_count = 1;
  self->session = g_object_ref (session);
  self->connections = resilient_connections_new ();
  self->link.data = self;
  return self;
}

ResilientLane *
resilient_lane_ref (ResilientLane *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
resilient_lane_unref (ResilientLane *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  if (self->watched)
    resilient_connections_unwatch (self->connections, self->session);
  g_object_unref (self->session);
  resilient_connections_unref (self->connections);
  g_free (self);
}

void
resilient_lane_watch (ResilientLane *self)
{
  self->watched = TRUE;
  resilient_connections_watch (self->connections, self->session);
}

SoupSession *
resilient_lane_get_session (ResilientLane *self)
{
  return self->session;
}

ResilientConnections *
resilient_lane_get_connections (ResilientLane *self)
{
  return self->connections;
}

gboolean
resilient_lane_is_bare (ResilientLane *self)
{
  return self->bare;
}

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
   * broke inside a body, so that a lower limit would fill up over the life of a laptop's session. */
  g_autoptr (SoupSession) session = resilient_soup_session_new (G_MAXUINT16);
  ResilientLane *lane = resilient_lane_new (session);

  /* Each feature costs with each message, and this one has nobody that it could ask. */
  if (bare)
    soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  lane->bare = bare;
  add_lane (self, lane);
  return lane;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static guint
host_hash (gconstpointer data)
{
  GUri *uri = ((const ResilientHost *) data)->uri;

  return g_str_hash (g_uri_get_host (uri)) * 31 + (guint) resilient_uri_get_port (uri) * 2
         + (g_uri_get_scheme (uri)[4] == 's');
}

static gboolean
host_equal (gconstpointer a, gconstpointer b)
{
  return resilient_uri_same_origin (((const ResilientHost *) a)->uri, ((const ResilientHost *) b)->uri);
}

static void
trace_clear (gpointer data)
{
  resilient_lane_unref (((Trace *) data)->lane);
}

static ResilientHost *
host_ref (ResilientHost *self)
{
  self->ref_count++;
  return self;
}

static void
host_unref (ResilientHost *self)
{
  if (--self->ref_count > 0)
    return;
  g_assert (g_queue_is_empty (&self->waiting));
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_array_unref (self->traces);
  g_main_context_unref (self->context);
  g_uri_unref (self->uri);
  g_free (self);
}

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
    return host_ref (host);

  /* To forget one costs little: a connection more, a second at the next large upload. */
  if (g_hash_table_size (self->hosts) >= HOSTS_MAX)
    g_hash_table_foreach_remove (self->hosts, is_unused, NULL);
  host = g_new0 (ResilientHost, 1);
  host->ref_count = 1;
  host->uri = g_uri_ref (uri);
  host->context = g_main_context_ref_thread_default ();
  host->traces = g_array_new (FALSE, FALSE, sizeof (Trace));
  g_array_set_clear_func (host->traces, trace_clear);
  /* libsoup speaks HTTP/2 over TLS only */
  host->protocol = g_uri_get_scheme (uri)[4] == 's' ? PROTOCOL_UNKNOWN : PROTOCOL_HTTP1;
  g_hash_table_add (self->hosts, host);
  return host_ref (host);
}

static gboolean
wake_cb (gpointer data)
{
  ResilientHost *self = host_ref (data);
  GList *link;

  g_clear_pointer (&self->source, g_source_unref);
  /* until one is to wait for another again */
  while (!self->scouted && (link = g_queue_pop_head_link (&self->waiting)) != NULL)
    {
      ResilientTicket *ticket = link->data;

      ticket->host = NULL;
      ticket->ready (ticket);
      host_unref (self);
    }
  host_unref (self);
  return G_SOURCE_REMOVE;
}

static void
wake (ResilientHost *self)
{
  if (self->source != NULL || g_queue_is_empty (&self->waiting))
    return;
  self->source = g_idle_source_new ();
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, wake_cb, self, NULL);
  g_source_set_static_name (self->source, "[resilient-client] lanes");
  g_source_attach (self->source, self->context);
}

void
resilient_host_learn (ResilientHost *self, gboolean http2)
{
  self->protocol = http2 ? PROTOCOL_HTTP2 : PROTOCOL_HTTP1;
  self->rush = FALSE;
  self->scouted = FALSE;
  wake (self);
}

void
resilient_host_rush (ResilientHost *self)
{
  if (self->protocol != PROTOCOL_UNKNOWN)
    return;
  self->rush = TRUE;
  self->scouted = FALSE;
  wake (self);
}

void
resilient_host_set_challenges (ResilientHost *self)
{
  self->challenges = TRUE;
}

void
resilient_host_set_avoids_expect (ResilientHost *self)
{
  self->avoids_expect = TRUE;
}

gboolean
resilient_host_get_avoids_expect (ResilientHost *self)
{
  return self->avoids_expect;
}

/* --- the pool --------------------------------------------------------------------------------- */

ResilientPool *
resilient_pool_new (ResilientLane *main, ResilientLane **shared)
{
  ResilientPool *self = g_new0 (ResilientPool, 1);

  self->main = main;
  self->shared = shared;
  self->hosts =
    g_hash_table_new_full (host_hash, host_equal, (GDestroyNotify) host_unref, NULL);
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

/* The lane that was at @host last, whose connection is the least likely to be closed. */
static ResilientLane *
follow_trace (ResilientPool *self, ResilientHost *host)
{
  ResilientLane *found = NULL;

  while (found == NULL && host->traces->len > 0)
    {
      Trace *trace = &g_array_index (host->traces, Trace, host->traces->len - 1);

      if (!trace->lane->busy && trace->stamp == trace->lane->stamp)
        found = trace->lane;
      g_array_set_size (host->traces, host->traces->len - 1);
    }
  return found;
}

static ResilientLane *
get_main (ResilientPool *self)
{
  if (self->main == NULL)
    self->main = make_lane (self, FALSE);
  return self->main;
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

static void
take_exclusive (ResilientPool *self, ResilientPass *pass)
{
  ResilientLane *lane = follow_trace (self, pass->host);

  if (lane == NULL && get_main (self)->stamp == 0)
    lane = self->main;
  else if (lane == NULL && self->lanes->len >= LANES_APART)
    lane = g_queue_peek_head (&self->idle);
  if (lane == NULL)
    lane = make_lane (self, TRUE);
  occupy (self, lane, pass);
}

gboolean
resilient_pool_enter (ResilientPool *self, GUri *uri, gboolean challenges, ResilientTicket *ticket,
                      ResilientPass *pass)
{
  ResilientHost *host = get_host (self, uri);

  *pass = (ResilientPass){ .host = host, .lane = g_atomic_pointer_get (self->shared) };
  if (pass->lane != NULL)
    return TRUE;
  if (challenges || host->challenges || host->protocol == PROTOCOL_HTTP2)
    {
      pass->lane = get_main (self);
    }
  else if (host->protocol == PROTOCOL_HTTP1 || host->rush)
    {
      take_exclusive (self, pass);
    }
  else if (!host->scouted)
    {
      host->scouted = TRUE;
      pass->scout = TRUE;
      /* it may turn out to be HTTP/1 */
      if (!get_main (self)->busy)
        occupy (self, self->main, pass);
      pass->lane = self->main;
    }
  else
    {
      ticket->host = g_steal_pointer (&pass->host);
      ticket->link = (GList){ .data = ticket };
      g_queue_push_tail_link (&host->waiting, &ticket->link);
    }
  return pass->lane != NULL;
}

/* A burst leaves lanes behind that serve nobody once their connections have closed. */
static void
trim (ResilientPool *self)
{
  ResilientLane *oldest = g_queue_peek_head (&self->idle);

  if (self->lanes->len <= LANES_APART || oldest == NULL || oldest == self->main
      || resilient_connections_any_open (oldest->connections))
    return;
  g_queue_unlink (&self->idle, &oldest->link);
  oldest->busy = TRUE; /* for those who still know of it */
  g_mutex_lock (&self->lock);
  g_ptr_array_remove_fast (self->lanes, oldest);
  g_mutex_unlock (&self->lock);
}

void
resilient_pool_leave (ResilientPool *self, ResilientPass *pass)
{
  ResilientHost *host = g_steal_pointer (&pass->host);
  ResilientLane *lane = g_steal_pointer (&pass->lane);

  if (host == NULL)
    return;
  if (pass->exclusive)
    {
      Trace trace = { resilient_lane_ref (lane), lane->stamp };

      trim (self);
      lane->busy = FALSE;
      g_queue_push_tail_link (&self->idle, &lane->link);
      g_array_append_val (host->traces, trace);
    }
  if (pass->scout && host->protocol == PROTOCOL_UNKNOWN && host->scouted)
    {
      /* it went without having learned anything: the next one tries */
      host->scouted = FALSE;
      wake (host);
    }
  host_unref (host);
}

void
resilient_ticket_withdraw (ResilientTicket *self)
{
  ResilientHost *host = g_steal_pointer (&self->host);

  if (host == NULL)
    return;
  g_queue_unlink (&host->waiting, &self->link);
  host_unref (host);
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
