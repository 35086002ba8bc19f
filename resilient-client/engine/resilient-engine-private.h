/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-frozen-request-private.h"
#include "resilient-scheduler-private.h"
#include "resilient-transport-attempt-private.h"
#include "resilient-gate-private.h"
#include "resilient-client-guards-private.h"
#include "resilient-guard-private.h"
#include "resilient-origin-table-private.h"
#include "resilient-recorder-private.h"

G_BEGIN_DECLS

/* What the calls of a client share. A call keeps it alive, so that dropping the client while
 * requests run is fine. */
typedef struct _ResilientEngine ResilientEngine;
typedef struct _ResilientNetwork ResilientNetwork;
typedef struct _ResilientExchangeTable ResilientExchangeTable;
/* Which call it is matters to those who ask, not to the engine. */
typedef struct _ResilientCall ResilientCall;

/* What a call is held to. In a g_atomic_rc_box, and never changed once it is shared: calls refer to
 * that of their client as it was when they started. Durations in seconds, 0 = none. */
typedef struct
{
  double connect_timeout;
  double read_timeout;
  double write_timeout;
  double queue_timeout;
  double attempt_timeout;
  double total_timeout;
  guint64 max_response_size; /* bytes, 0 = no limit */
  char *user_agent;          /* owned, a GRefString, nullable */
} ResilientCallOptions;

ResilientCallOptions *resilient_call_options_dup (ResilientCallOptions *self);
void resilient_call_options_release (ResilientCallOptions *self);

typedef struct
{
  ResilientRetryPolicy *retry_policy; /* owned */
  ResilientCallOptions *options;      /* owned */
  ResilientHeaders *default_headers;  /* owned, nullable, immutable: replaced as a whole */
  guint max_concurrent;
  guint max_concurrent_per_host;
  guint max_pending;
  /* Copies: in force is what the recorder was told. */
  guint max_results;
  double result_ttl;
  guint64 max_result_bytes;
} ResilientSettings;

/* A live call in the lists of its engine, embedded in what it is made of. */
typedef struct _ResilientEngineMember ResilientEngineMember;
struct _ResilientEngineMember
{
  /* Set once. */
  ResilientCall *call; /* not owned, but while it is in the lists */
  const char *id;      /* not owned: of its context */

  /* Under the engine's lock. */
  ResilientEngineMember *next;
  ResilientEngineMember *previous;
  ResilientEngineMember *older; /* with the same id */
};

/* @call is live now, or (@added FALSE) not any more. Under the engine's lock: only note it down. */
typedef void (*ResilientCallsChanged) (ResilientCall *call, gboolean added, gpointer data);

/* What is to be done before each attempt that has its slot, in its driving context. TRUE: it is
 * done. FALSE: resilient_call_machine_prepared() will say so, in any thread. */
typedef gboolean (*ResilientPrepareFunc) (ResilientCall *call, gpointer data);

ResilientEngine *resilient_engine_new (GMainContext *home_context, SoupSession *session);
ResilientEngine *resilient_engine_ref (ResilientEngine *self);
void resilient_engine_unref (ResilientEngine *self);

/* Set once: transfer none. */
ResilientGate *resilient_engine_get_gate (ResilientEngine *self);
ResilientOriginTable *resilient_engine_get_origins (ResilientEngine *self);
ResilientRecorder *resilient_engine_get_recorder (ResilientEngine *self);
ResilientNetwork *resilient_engine_get_network (ResilientEngine *self);
ResilientExchangeTable *resilient_engine_get_exchanges (ResilientEngine *self);
ResilientGuards *resilient_engine_get_guards (ResilientEngine *self);
ResilientClientGuards *resilient_engine_get_guard_settings (ResilientEngine *self);
ResilientScheduler *resilient_engine_get_home (ResilientEngine *self);

/* The settings, to be read and changed while they are locked, by any thread. In a forked child they
 * are what they were, and only read, without a lock. */
ResilientSettings *resilient_engine_lock_settings (ResilientEngine *self);
void resilient_engine_unlock_settings (ResilientEngine *self);

/* The session, made at need, for use in the home context; and what sends. Transfer full. */
SoupSession *resilient_engine_dup_session (ResilientEngine *self);
ResilientTransport *resilient_engine_dup_transport (ResilientEngine *self);
/* The session while there is one; the engine keeps it for as long as it lives. */
SoupSession *resilient_engine_peek_session (ResilientEngine *self);
/* For tests: before the first call; FALSE once there is one. */
gboolean resilient_engine_set_transport (ResilientEngine *self, ResilientTransport *transport);
/* Closes what is idle, in the context that drives it; of a session that two drive, it is left to
 * its idle time-out. */
void resilient_engine_drop_connections (ResilientEngine *self);

/* The scheduler for calls started in the thread-default context of now: home, or the I/O thread.
 * Transfer full. */
/* NULL with @error when the I/O thread is needed and can't be had. */
ResilientScheduler *resilient_engine_dup_scheduler (ResilientEngine *self, GError **error);
ResilientScheduler *resilient_engine_dup_io_scheduler (ResilientEngine *self, GError **error);

/* The thread of now is the one that has to iterate the home context: while it blocks, nothing of
 * that goes on. */
gboolean resilient_engine_is_home_thread (ResilientEngine *self);

/* It belongs to the process from which this one was forked: nothing of it may be used, nor its lock
 * taken, which a thread that is not here may have had. Sets @error, which says so. */
gboolean resilient_engine_is_foreign (ResilientEngine *self, GError **error);

/* As far as which the sources that serve requests give way to what else the home context has to do,
 * and by default: below what GTK lays out and draws with (110 and 120). */
int resilient_engine_get_io_priority (ResilientEngine *self);
void resilient_engine_set_io_priority (ResilientEngine *self, int io_priority);
#define RESILIENT_IO_PRIORITY 150
/* And the priority that they have otherwise, and callbacks always: at most that of the sources of
 * libsoup 3.2 which can't be changed. Below it, each of these takes a turn of the context of its
 * own, and a request twice the instructions. */
int resilient_engine_get_source_priority (ResilientEngine *self);

/* Tells the gate what the settings and the session allow, after either changed. */
void resilient_engine_apply_limits (ResilientEngine *self);

/* Client's default headers with those of @origin; transfer full, nullable. */
ResilientHeaders *
resilient_engine_dup_default_headers (ResilientEngine *self, ResilientOrigin *origin);

/* The server of @origin has asked for a wait of @seconds, which is all requests'. */
void resilient_engine_hold_origin (ResilientEngine *self, ResilientOrigin *origin, double seconds);
/* @guard (transfer full) is asked from now on, after those that are there. */
void resilient_engine_add_guard (ResilientEngine *self, ResilientGuard *guard);
/* Before the first call. */
void
resilient_engine_set_preparation (ResilientEngine *self, ResilientPrepareFunc func, gpointer data);
gboolean resilient_engine_has_preparation (ResilientEngine *self);
gboolean resilient_engine_prepare (ResilientEngine *self, ResilientCall *call);

/* What a call that starts now is held to: its context (transfer full), made from @context
 * (nullable), and its call options (transfer full). */
ResilientRequestContext *resilient_engine_take_settings (ResilientEngine *self,
                                                         ResilientFrozenRequest *frozen,
                                                         ResilientRequestContext *context,
                                                         ResilientCallOptions **options);
/* FALSE: a request that finds no slot free is refused. */
gboolean resilient_engine_may_queue (ResilientEngine *self);

/* @member is live from now on; fails with CLOSED once the client closes. */
gboolean
resilient_engine_add_call (ResilientEngine *self, ResilientEngineMember *member, GError **error);
/* And not any more: it has ended, and is recorded. What follows from that runs on @scheduler. */
void resilient_engine_remove_call (ResilientEngine *self,
                                   ResilientEngineMember *member,
                                   ResilientScheduler *scheduler);
guint resilient_engine_count_calls (ResilientEngine *self);
ResilientCall *resilient_engine_find_call (ResilientEngine *self,
                                           const char *request_id); /* the newest; transfer full */
GPtrArray *resilient_engine_list_calls (ResilientEngine *self,
                                        const char *request_id); /* NULL id: all; of references */
/* From now on @func hears of every change, one func at a time. Returns the live calls of now. NULL
 * @func: no more, and NULL is returned. */
GPtrArray *
resilient_engine_watch_calls (ResilientEngine *self, ResilientCallsChanged func, gpointer data);

/* @func runs once, in any thread and under no lock, when no call is live; at once when none is,
 * else from a source of its own. */
typedef void (*ResilientIdleFunc) (gpointer data);
void resilient_engine_when_idle (ResilientEngine *self, ResilientIdleFunc func, gpointer data);
/* TRUE: what was to run with @data will not. */
gboolean resilient_engine_withdraw_idle (ResilientEngine *self, gpointer data);
/* New calls are refused from now on; the recorder closes when the last one ended, before those who
 * wait for it are told. TRUE for the first who says so. */
gboolean resilient_engine_close (ResilientEngine *self);
gboolean resilient_engine_is_closing (ResilientEngine *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEngine, resilient_engine_unref)

G_END_DECLS
