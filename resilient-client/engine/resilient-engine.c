/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the calls of one client share: session and transport, gate, recorder, network, settings and
 * the schedulers that drive them. It owns all of these, under one lock, until the last call or
 * client lets go of it. Any thread. */

#include "config.h"

#include "resilient-engine-private.h"

#include "resilient-circuit-guard-private.h"
#include "resilient-concurrency-guard-private.h"
#include "resilient-error.h"
#include "resilient-exchange-private.h"
#include "resilient-fork-private.h"
#include "resilient-hold-guard-private.h"
#include "resilient-i18n-private.h"
#include "resilient-network-private.h"
#include "resilient-origin-private.h"
#include "resilient-rate-guard-private.h"
#include "resilient-request-context-private.h"
#include "resilient-soup-transport-private.h"

struct _ResilientEngine
{
  /* Set once, read by any thread. */
  guint generation; /* of the process; see resilient-fork-private.h */
  GMainContext *home_context;
  ResilientScheduler *home;
  /* not owned, only compared: of the engine, in whose context it is at home; else NULL */
  GThread *maker;
  ResilientGate *gate;
  ResilientOriginTable *origins;
  ResilientRecorder *recorder;
  ResilientNetwork *network;
  ResilientExchangeTable *exchanges;

  ResilientGuards guards; /* any thread; they only become more */
  ResilientClientGuards *guard_settings;

  /* Set before the first call. */
  ResilientPrepareFunc prepare;
  gpointer prepare_data;

  int io_priority; /* atomic */

  GMutex lock;
  /* Under lock. */
  ResilientSettings settings;
  gboolean has_hold_guard;
  SoupSession *session; /* the app's, or ours once somebody asked for it; NULL until then */
  gboolean own_session;
  gboolean at_home; /* connections of the session may be driven by the home context */
  ResilientTransport *transport;
  ResilientScheduler *io; /* NULL until a call needs it */
  /* id → the newest live member, not owned; older ones hang off it */
  GHashTable *members_by_id;
  ResilientEngineMember *first_member; /* the live calls, oldest first, with a reference to each */
  ResilientEngineMember *last_member;
  guint n_calls;
  gboolean closing; /* new calls are refused */
  gboolean ended;   /* closing, and the last call ended */
  GSList *idle_waiters;
  ResilientCallsChanged calls_changed;
  gpointer calls_changed_data;
};

static void
call_options_clear (gpointer data)
{
  g_clear_pointer (&((ResilientCallOptions *) data)->user_agent, g_ref_string_release);
}

void
resilient_call_options_release (ResilientCallOptions *self)
{
  g_atomic_rc_box_release_full (self, call_options_clear);
}

ResilientCallOptions *
resilient_call_options_dup (ResilientCallOptions *self)
{
  ResilientCallOptions *copy = g_atomic_rc_box_dup (sizeof *self, self);

  if (copy->user_agent != NULL)
    g_ref_string_acquire (copy->user_agent);
  return copy;
}

/* These guards are added with the first setting that needs them, so that clients without any don't
 * pay for them. The one that measures comes last: what another one does not admit does not begin.
 */
static void
need_guards_cb (gpointer data)
{
  resilient_engine_add_guard (data, resilient_rate_guard_new ());
  resilient_engine_add_guard (data, resilient_circuit_guard_new ());
  resilient_engine_add_guard (data, resilient_concurrency_guard_new ());
}

ResilientEngine *
resilient_engine_new (GMainContext *home_context, SoupSession *session)
{
  ResilientEngine *self = g_atomic_rc_box_new0 (ResilientEngine);
  g_autoptr (GMainContext) thread_default = g_main_context_ref_thread_default ();
  ResilientCallOptions *options;

  resilient_fork_watch ();
  self->generation = resilient_fork_get_generation ();
  self->home_context = g_main_context_ref (home_context);
  self->io_priority = RESILIENT_IO_PRIORITY;
  self->home = resilient_scheduler_new (home_context);
  resilient_scheduler_set_priority (self->home, self->io_priority);
  if (thread_default == home_context)
    self->maker = g_thread_self ();
  self->gate = resilient_gate_new ();
  self->origins = resilient_origin_table_new (self->gate);
  self->guard_settings = resilient_client_guards_new (home_context, need_guards_cb, self);
  resilient_origin_table_set_guards (self->origins, self->guard_settings);
  self->recorder = resilient_recorder_new ();
  self->network = resilient_network_new (self->home);
  self->exchanges = resilient_exchange_table_new ();
  g_mutex_init (&self->lock);
  options = g_atomic_rc_box_new0 (ResilientCallOptions);
  *options = (ResilientCallOptions){
    .connect_timeout = 10,
    .read_timeout = 30,
    .write_timeout = 10,
    .max_response_size = 64 * 1024 * 1024,
  };
  self->settings = (ResilientSettings){
    .retry_policy = resilient_retry_policy_ref (resilient_retry_policy_get_default ()),
    .options = options,
    .max_concurrent = 100,
    .max_pending = 10000,
    .max_results = 1000,
    .result_ttl = 3600,
    .max_result_bytes = 8 * 1024 * 1024,
  };
  resilient_recorder_set_max_results (self->recorder, self->settings.max_results);
  resilient_recorder_set_result_ttl (self->recorder, self->settings.result_ttl);
  resilient_recorder_set_max_result_bytes (self->recorder, self->settings.max_result_bytes);
  self->members_by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->session = session != NULL ? g_object_ref (session) : NULL;
  self->own_session = session == NULL;
  self->at_home = session != NULL;
  resilient_engine_apply_limits (self);

  return self;
}

ResilientEngine *
resilient_engine_ref (ResilientEngine *self)
{
  return g_atomic_rc_box_acquire (self);
}

/* What libsoup still holds when the last user of an engine is gone. Each of the two contexts parts
 * with the connections that it has driven, first the I/O thread's: nobody else may touch them while
 * that runs. */
typedef struct
{
  SoupSession *session;
  gboolean own_session;
  ResilientTransport *transport;
  GMainContext *home_context;
  /* of a thread that has ended: connections of a shared session may be of it; nullable */
  GMainContext *io_context;
  gboolean at_home; /* it has connections there, or may have */
  guint n_looks;
  gboolean closed; /* at the last look; libsoup needs a turn more */
} Remains;

/* An HTTP/2 connection is closed by and by, and a session that goes before complains: milliseconds,
 * and how many of them. */
#define CLOSING_POLL 5
#define CLOSING_LOOKS 400

static void
remains_free (gpointer data)
{
  Remains *remains = data;

  g_clear_pointer (&remains->transport, resilient_transport_unref);
  g_clear_object (&remains->session);
  g_clear_pointer (&remains->io_context, g_main_context_unref);
  g_main_context_unref (remains->home_context);
  g_free (remains);
}

/* In the context of its source. */
static gboolean
look_cb (gpointer data)
{
  Remains *remains = data;
  gboolean was_closed = remains->closed;

  remains->closed = !resilient_soup_transport_is_connected (
    remains->transport, g_source_get_context (g_main_current_source ()));
  return ++remains->n_looks < CLOSING_LOOKS && !was_closed;
}

/* Lives until all is closed, or was waited for long enough; NULL if there is nothing to wait
 * for. */
static GSource *
await_closing (Remains *remains, GMainContext *context, GDestroyNotify destroy)
{
  GSource *source;

  if (!resilient_soup_transport_is_connected (remains->transport, context))
    return NULL;
  remains->n_looks = 0;
  remains->closed = FALSE;
  source = g_timeout_source_new (CLOSING_POLL);
  g_source_set_static_name (source, "[resilient] closing connections");
  g_source_set_callback (source, look_cb, remains, destroy);
  g_source_attach (source, context);
  return source;
}

/* In the home context. */
static void
part (Remains *remains)
{
  g_autoptr (GSource) closing = NULL;

  if (remains->own_session && remains->transport != NULL)
    {
      if (remains->session != NULL)
        soup_session_abort (remains->session);
      resilient_soup_transport_abort (remains->transport, remains->home_context);
      closing = await_closing (remains, remains->home_context, remains_free);
    }
  if (closing == NULL)
    remains_free (remains);
}

/* From a source, or from the call that was to make one, where the context has become free
 * meanwhile. */
static gboolean
part_cb (gpointer data)
{
  part (g_steal_pointer ((Remains **) data));
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
part_at_home (Remains *remains)
{
  g_autoptr (GMainContext) home_context = g_main_context_ref (remains->home_context);

  if (!remains->at_home)
    {
      /* maybe nobody ever iterates that: all calls were synchronous */
      remains_free (remains);
    }
  else if (g_main_context_acquire (home_context))
    {
      /* what libsoup starts to close it goes on with in the thread-default context: that of the I/O
       * thread ends now */
      g_main_context_push_thread_default (home_context);
      part (remains);
      g_main_context_pop_thread_default (home_context);
      g_main_context_release (home_context);
    }
  else
    {
      Remains **holder = g_new (Remains *, 1);

      *holder = remains;
      g_main_context_invoke_full (home_context, G_PRIORITY_DEFAULT, part_cb, holder, part_notify);
    }
}

/* In the I/O thread, when nothing is left for it to do. */
static void
part_in_thread (gpointer data)
{
  Remains *remains = data;
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) closing = NULL;

  if (remains->own_session && remains->transport != NULL)
    {
      resilient_soup_transport_abort (remains->transport, context);
      closing = await_closing (remains, context, NULL);
    }
  while (closing != NULL && !g_source_is_destroyed (closing))
    g_main_context_iteration (context, TRUE);
  if (remains->transport != NULL)
    resilient_soup_transport_leave (remains->transport, context);
  remains->io_context = g_steal_pointer (&context);
  part_at_home (remains);
}

static void
engine_free (gpointer data)
{
  ResilientEngine *self = data;
  Remains *remains = g_new0 (Remains, 1);

  g_assert (self->n_calls == 0);

  remains->session = self->session;
  remains->own_session = self->own_session;
  remains->transport = self->transport;
  remains->home_context = g_main_context_ref (self->home_context);
  remains->at_home = self->at_home;
  if (self->io != NULL)
    {
      resilient_scheduler_stop_with (self->io, part_in_thread, remains);
      resilient_scheduler_unref (self->io);
    }
  else
    {
      part_at_home (remains);
    }

  resilient_network_free (self->network);
  resilient_exchange_table_free (self->exchanges);
  resilient_scheduler_stop (self->home);
  resilient_scheduler_unref (self->home);
  resilient_gate_set_changed_func (self->gate, NULL, NULL, NULL);
  resilient_origin_table_close (self->origins);
  resilient_origin_table_unref (self->origins);
  resilient_gate_unref (self->gate);
  resilient_recorder_unref (self->recorder);
  resilient_client_guards_close (self->guard_settings);
  resilient_client_guards_unref (self->guard_settings);
  resilient_guards_clear (&self->guards);
  resilient_retry_policy_unref (self->settings.retry_policy);
  resilient_call_options_release (self->settings.options);
  g_clear_pointer (&self->settings.default_headers, resilient_headers_unref);
  g_hash_table_unref (self->members_by_id);
  g_main_context_unref (self->home_context);
  g_mutex_clear (&self->lock);
}

void
resilient_engine_unref (ResilientEngine *self)
{
  /* the copy in a fork keeps all that its parent has */
  if (resilient_engine_is_foreign (self, NULL))
    return;
  g_atomic_rc_box_release_full (self, engine_free);
}

ResilientGate *
resilient_engine_get_gate (ResilientEngine *self)
{
  return self->gate;
}

ResilientOriginTable *
resilient_engine_get_origins (ResilientEngine *self)
{
  return self->origins;
}

ResilientRecorder *
resilient_engine_get_recorder (ResilientEngine *self)
{
  return self->recorder;
}

ResilientNetwork *
resilient_engine_get_network (ResilientEngine *self)
{
  return self->network;
}

ResilientClientGuards *
resilient_engine_get_guard_settings (ResilientEngine *self)
{
  return self->guard_settings;
}

ResilientExchangeTable *
resilient_engine_get_exchanges (ResilientEngine *self)
{
  return self->exchanges;
}

ResilientGuards *
resilient_engine_get_guards (ResilientEngine *self)
{
  return &self->guards;
}

ResilientScheduler *
resilient_engine_get_home (ResilientEngine *self)
{
  return self->home;
}

ResilientSettings *
resilient_engine_lock_settings (ResilientEngine *self)
{
  if (!resilient_engine_is_foreign (self, NULL))
    g_mutex_lock (&self->lock);

  return &self->settings;
}

void
resilient_engine_unlock_settings (ResilientEngine *self)
{
  if (!resilient_engine_is_foreign (self, NULL))
    g_mutex_unlock (&self->lock);
}

/* --- session and schedulers ------------------------------------------------------------------ */

static void
ensure_transport_locked (ResilientEngine *self)
{
  if (self->transport == NULL)
    self->transport = resilient_soup_transport_new (self->session, self->home_context);
}

SoupSession *
resilient_engine_dup_session (ResilientEngine *self)
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
resilient_engine_dup_transport (ResilientEngine *self)
{
  ResilientTransport *transport;

  g_mutex_lock (&self->lock);
  ensure_transport_locked (self);
  transport = resilient_transport_ref (self->transport);
  g_mutex_unlock (&self->lock);

  return transport;
}

SoupSession *
resilient_engine_peek_session (ResilientEngine *self)
{
  SoupSession *session;

  if (resilient_engine_is_foreign (self, NULL))
    return self->session;

  g_mutex_lock (&self->lock);
  session = self->session;
  g_mutex_unlock (&self->lock);

  return session;
}

gboolean
resilient_engine_set_transport (ResilientEngine *self, ResilientTransport *transport)
{
  gboolean is_first;

  g_mutex_lock (&self->lock);
  is_first = self->transport == NULL;
  if (is_first)
    self->transport = resilient_transport_ref (transport);
  g_mutex_unlock (&self->lock);

  return is_first;
}

static void
abort_session_cb (gpointer session)
{
  soup_session_abort (session);
}

static void
abort_transport_cb (gpointer transport)
{
  resilient_soup_transport_abort (transport, g_main_context_get_thread_default ());
}

void
resilient_engine_drop_connections (ResilientEngine *self)
{
  g_autoptr (ResilientTransport) transport = resilient_engine_dup_transport (self);
  g_autoptr (ResilientScheduler) io = NULL;
  g_autoptr (SoupSession) session = NULL;

  g_mutex_lock (&self->lock);
  if (self->io != NULL)
    io = resilient_scheduler_ref (self->io);
  else if (self->own_session && self->session != NULL)
    session = g_object_ref (self->session);
  g_mutex_unlock (&self->lock);

  if (session != NULL)
    resilient_scheduler_invoke (
      self->home, abort_session_cb, g_steal_pointer (&session), g_object_unref);
  resilient_scheduler_invoke (self->home,
                              abort_transport_cb,
                              resilient_transport_ref (transport),
                              (GDestroyNotify) resilient_transport_unref);
  if (io != NULL)
    resilient_scheduler_invoke (io,
                                abort_transport_cb,
                                g_steal_pointer (&transport),
                                (GDestroyNotify) resilient_transport_unref);
}

ResilientScheduler *
resilient_engine_dup_io_scheduler (ResilientEngine *self, GError **error)
{
  ResilientScheduler *io = NULL;

  g_mutex_lock (&self->lock);
  if (self->io == NULL)
    self->io = resilient_scheduler_new_thread ("resilient-io", error);
  if (self->io != NULL)
    {
      resilient_scheduler_set_priority (self->io, self->io_priority);
      io = resilient_scheduler_ref (self->io);
    }
  g_mutex_unlock (&self->lock);

  return io;
}

ResilientScheduler *
resilient_engine_dup_scheduler (ResilientEngine *self, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  if (context != self->home_context)
    return resilient_engine_dup_io_scheduler (self, error);

  /* A worker thread without a context of its own has the global default one as its thread-default:
   * its call goes home too, by way of the scheduler's source, and so does its callback. */
  g_mutex_lock (&self->lock);
  self->at_home = TRUE;
  g_mutex_unlock (&self->lock);

  return resilient_scheduler_ref (self->home);
}

gboolean
resilient_engine_is_foreign (ResilientEngine *self, GError **error)
{
  return resilient_fork_is_foreign (self->generation, error);
}

int
resilient_engine_get_io_priority (ResilientEngine *self)
{
  return g_atomic_int_get (&self->io_priority);
}

int
resilient_engine_get_source_priority (ResilientEngine *self)
{
  return MIN (resilient_engine_get_io_priority (self), G_PRIORITY_DEFAULT);
}

void
resilient_engine_set_io_priority (ResilientEngine *self, int io_priority)
{
  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->io_priority, io_priority);
  resilient_scheduler_set_priority (self->home, io_priority);
  if (self->io != NULL)
    resilient_scheduler_set_priority (self->io, io_priority);
  g_mutex_unlock (&self->lock);
}

/* Between two iterations nobody owns a context, and in a program that only blocks nobody ever does:
 * then it is the maker's, where it was the maker's thread-default one. */
gboolean
resilient_engine_is_home_thread (ResilientEngine *self)
{
  if (g_main_context_is_owner (self->home_context))
    return TRUE;
  if (self->maker != g_thread_self () || !g_main_context_acquire (self->home_context))
    return FALSE;
  g_main_context_release (self->home_context);
  return TRUE;
}

void
resilient_engine_apply_limits (ResilientEngine *self)
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
resilient_engine_dup_default_headers (ResilientEngine *self, ResilientOrigin *origin)
{
  g_autoptr (ResilientHeaders) own = resilient_origin_dup_default_headers (origin);
  ResilientHeaders *merged;

  g_mutex_lock (&self->lock);
  merged = self->settings.default_headers;
  if (merged != NULL)
    resilient_headers_ref (merged);
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

/* --- what calls are held to ------------------------------------------------------------------ */

/* The client's with what the request has in their place. */
static ResilientCallOptions *
override_options (ResilientCallOptions *options, const ResilientOverrides *overrides)
{
  ResilientCallOptions *own = resilient_call_options_dup (options);

#define OVERRIDE(field)                                                                            \
  if (overrides->field >= 0)                                                                       \
    own->field = overrides->field;
  OVERRIDE (connect_timeout)
  OVERRIDE (read_timeout)
  OVERRIDE (write_timeout)
  OVERRIDE (queue_timeout)
  OVERRIDE (attempt_timeout)
  OVERRIDE (total_timeout)
  OVERRIDE (max_response_size)
#undef OVERRIDE

  return own;
}

ResilientRequestContext *
resilient_engine_take_settings (ResilientEngine *self,
                                ResilientFrozenRequest *frozen,
                                ResilientRequestContext *context,
                                ResilientCallOptions **options)
{
  ResilientSettings *settings = &self->settings;
  ResilientRetryPolicy *policy = NULL;
  ResilientRequestContext *stamped;

  g_mutex_lock (&self->lock);
  if (context != NULL)
    policy = resilient_request_context_get_policy (context);
  if (policy == NULL)
    policy = resilient_frozen_request_get_retry_policy (frozen) != NULL
               ? resilient_frozen_request_get_retry_policy (frozen)
               : settings->retry_policy;
  stamped = resilient_request_context_stamp (
    context, policy, resilient_frozen_request_get_metadata (frozen));
  *options =
    resilient_frozen_request_get_overrides (frozen) != NULL
      ? override_options (settings->options, resilient_frozen_request_get_overrides (frozen))
      : g_atomic_rc_box_acquire (settings->options);
  g_mutex_unlock (&self->lock);

  return stamped;
}

void
resilient_engine_add_guard (ResilientEngine *self, ResilientGuard *guard)
{
  g_mutex_lock (&self->lock);
  resilient_guards_add (&self->guards, guard);
  g_mutex_unlock (&self->lock);
}

void
resilient_engine_hold_origin (ResilientEngine *self, ResilientOrigin *origin, double seconds)
{
  /* Without a hold, ever, no request pays for it. */
  g_mutex_lock (&self->lock);
  if (!self->has_hold_guard)
    resilient_guards_add (&self->guards, resilient_hold_guard_new ());
  self->has_hold_guard = TRUE;
  g_mutex_unlock (&self->lock);

  resilient_origin_hold (origin, seconds);
}

void
resilient_engine_set_preparation (ResilientEngine *self, ResilientPrepareFunc func, gpointer data)
{
  g_assert (self->n_calls == 0);
  self->prepare = func;
  self->prepare_data = data;
}

gboolean
resilient_engine_has_preparation (ResilientEngine *self)
{
  return self->prepare != NULL;
}

gboolean
resilient_engine_prepare (ResilientEngine *self, ResilientCall *call)
{
  return self->prepare (call, self->prepare_data);
}

gboolean
resilient_engine_may_queue (ResilientEngine *self)
{
  gboolean may_queue;

  g_mutex_lock (&self->lock);
  may_queue = self->settings.max_pending > 0;
  g_mutex_unlock (&self->lock);

  return may_queue;
}

/* --- the live calls, and their end ----------------------------------------------------------- */

typedef struct
{
  ResilientIdleFunc func;
  gpointer data;
} IdleWaiter;

gboolean
resilient_engine_add_call (ResilientEngine *self, ResilientEngineMember *member, GError **error)
{
  g_mutex_lock (&self->lock);
  if (self->closing)
    {
      g_mutex_unlock (&self->lock);
      g_set_error_literal (
        error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED, _ ("The client is closed"));
      return FALSE;
    }

  g_object_ref (member->call);
  member->older = g_hash_table_lookup (self->members_by_id, member->id);
  /* replace: the key must be the string of the call that is in the table */
  g_hash_table_replace (self->members_by_id, (gpointer) member->id, member);

  member->previous = self->last_member;
  if (self->last_member != NULL)
    self->last_member->next = member;
  else
    self->first_member = member;
  self->last_member = member;
  self->n_calls++;

  if (self->calls_changed != NULL)
    self->calls_changed (member->call, TRUE, self->calls_changed_data);
  g_mutex_unlock (&self->lock);

  return TRUE;
}

static void
remove_from_id_locked (ResilientEngine *self, ResilientEngineMember *member)
{
  ResilientEngineMember *newest = g_hash_table_lookup (self->members_by_id, member->id);

  if (newest != member)
    {
      while (newest->older != member)
        newest = newest->older;
      newest->older = member->older;
    }
  else if (member->older == NULL)
    g_hash_table_remove (self->members_by_id, member->id);
  else
    g_hash_table_replace (self->members_by_id, (gpointer) member->older->id, member->older);
  member->older = NULL;
}

/* What is to be told when the last call ended. */
typedef struct
{
  ResilientEngine *engine;
  ResilientScheduler *scheduler;
  GSList *waiters; /* of IdleWaiter, oldest first */
  gboolean ended;
} Idle;

static void
idle_free (gpointer data)
{
  Idle *idle = data;

  g_slist_free_full (idle->waiters, g_free);
  resilient_scheduler_unref (idle->scheduler);
  resilient_engine_unref (idle->engine);
  g_free (idle);
}

/* One waiter in each piece of work: a nested loop in a callback goes on with the rest. */
static void
idle_run (gpointer data)
{
  Idle *idle = data;
  g_autofree IdleWaiter *waiter = NULL;

  if (idle->ended)
    resilient_recorder_close (idle->engine->recorder);
  if (idle->waiters == NULL)
    return;

  waiter = idle->waiters->data;
  idle->waiters = g_slist_delete_link (idle->waiters, idle->waiters);
  if (idle->waiters != NULL)
    {
      Idle *rest = g_new0 (Idle, 1);

      rest->engine = resilient_engine_ref (idle->engine);
      rest->scheduler = resilient_scheduler_ref (idle->scheduler);
      rest->waiters = g_steal_pointer (&idle->waiters);
      resilient_scheduler_invoke (rest->scheduler, idle_run, rest, idle_free);
    }
  waiter->func (waiter->data);
}

void
resilient_engine_remove_call (ResilientEngine *self,
                              ResilientEngineMember *member,
                              ResilientScheduler *scheduler)
{
  Idle *idle = NULL;

  g_mutex_lock (&self->lock);
  remove_from_id_locked (self, member);

  if (member->previous != NULL)
    member->previous->next = member->next;
  else
    self->first_member = member->next;
  if (member->next != NULL)
    member->next->previous = member->previous;
  else
    self->last_member = member->previous;
  member->next = member->previous = NULL;
  self->n_calls--;

  if (self->calls_changed != NULL)
    self->calls_changed (member->call, FALSE, self->calls_changed_data);
  if (self->n_calls == 0 && (self->idle_waiters != NULL || (self->closing && !self->ended)))
    {
      idle = g_new0 (Idle, 1);
      idle->engine = resilient_engine_ref (self);
      idle->scheduler = resilient_scheduler_ref (scheduler);
      idle->waiters = g_slist_reverse (g_steal_pointer (&self->idle_waiters));
      idle->ended = self->closing && !self->ended;
      self->ended |= idle->ended;
    }
  g_mutex_unlock (&self->lock);

  /* An app's handlers and callbacks run from it, and may do anything: not inside libsoup's dispatch
   * that brought the end. */
  if (idle != NULL)
    resilient_scheduler_invoke (scheduler, idle_run, idle, idle_free);
  g_object_unref (member->call);
}

guint
resilient_engine_count_calls (ResilientEngine *self)
{
  guint n_calls;

  g_mutex_lock (&self->lock);
  n_calls = self->n_calls;
  g_mutex_unlock (&self->lock);

  return n_calls;
}

ResilientCall *
resilient_engine_find_call (ResilientEngine *self, const char *request_id)
{
  ResilientEngineMember *member;
  ResilientCall *call = NULL;

  g_mutex_lock (&self->lock);
  member = g_hash_table_lookup (self->members_by_id, request_id);
  if (member != NULL)
    call = g_object_ref (member->call);
  g_mutex_unlock (&self->lock);

  return call;
}

static GPtrArray *
list_calls_locked (ResilientEngine *self)
{
  GPtrArray *calls = g_ptr_array_new_full (self->n_calls, g_object_unref);

  for (ResilientEngineMember *member = self->first_member; member != NULL; member = member->next)
    g_ptr_array_add (calls, g_object_ref (member->call));

  return calls;
}

GPtrArray *
resilient_engine_list_calls (ResilientEngine *self, const char *request_id)
{
  GPtrArray *calls;

  g_mutex_lock (&self->lock);
  if (request_id != NULL)
    {
      ResilientEngineMember *member = g_hash_table_lookup (self->members_by_id, request_id);

      calls = g_ptr_array_new_with_free_func (g_object_unref);
      for (; member != NULL; member = member->older)
        g_ptr_array_add (calls, g_object_ref (member->call));
    }
  else
    {
      calls = list_calls_locked (self);
    }
  g_mutex_unlock (&self->lock);

  return calls;
}

GPtrArray *
resilient_engine_watch_calls (ResilientEngine *self, ResilientCallsChanged func, gpointer data)
{
  GPtrArray *calls = NULL;

  g_mutex_lock (&self->lock);
  g_assert (func == NULL || self->calls_changed == NULL);
  self->calls_changed = func;
  self->calls_changed_data = data;
  if (func != NULL)
    calls = list_calls_locked (self);
  g_mutex_unlock (&self->lock);

  return calls;
}

void
resilient_engine_when_idle (ResilientEngine *self, ResilientIdleFunc func, gpointer data)
{
  IdleWaiter *waiter = NULL;
  gboolean ended = FALSE;

  g_mutex_lock (&self->lock);
  if (self->n_calls == 0)
    {
      ended = self->closing;
    }
  else
    {
      waiter = g_new0 (IdleWaiter, 1);
      waiter->func = func;
      waiter->data = data;
      self->idle_waiters = g_slist_prepend (self->idle_waiters, waiter);
    }
  g_mutex_unlock (&self->lock);

  /* The last call may have left since it closed, and its end be told in a moment only. */
  if (ended)
    resilient_recorder_close (self->recorder);
  if (waiter == NULL)
    func (data);
}

gboolean
resilient_engine_withdraw_idle (ResilientEngine *self, gpointer data)
{
  IdleWaiter *waiter = NULL;

  g_mutex_lock (&self->lock);
  for (GSList *link = self->idle_waiters; link != NULL && waiter == NULL; link = link->next)
    {
      if (((IdleWaiter *) link->data)->data == data)
        waiter = link->data;
    }
  self->idle_waiters = g_slist_remove (self->idle_waiters, waiter);
  g_mutex_unlock (&self->lock);

  if (waiter == NULL)
    return FALSE;
  g_free (waiter);
  return TRUE;
}

gboolean
resilient_engine_close (ResilientEngine *self)
{
  gboolean first, ended;

  g_mutex_lock (&self->lock);
  first = !self->closing;
  self->closing = TRUE;
  ended = self->n_calls == 0;
  self->ended |= ended;
  g_mutex_unlock (&self->lock);

  /* Perhaps again: who closes while the end of the last call has yet to be told is told at once. */
  if (ended)
    resilient_recorder_close (self->recorder);

  return first;
}

gboolean
resilient_engine_is_closing (ResilientEngine *self)
{
  gboolean closing;

  g_mutex_lock (&self->lock);
  closing = self->closing;
  g_mutex_unlock (&self->lock);

  return closing;
}
