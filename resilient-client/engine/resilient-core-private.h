/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-call.h"
#include "resilient-driver-private.h"
#include "resilient-exchange-private.h"
#include "resilient-gate-private.h"
#include "resilient-recorder-private.h"

G_BEGIN_DECLS

/* What the calls of a client share. A call keeps it alive, so that dropping the client while requests run is fine. */
typedef struct _ResilientCore ResilientCore;
typedef struct _ResilientNetwork ResilientNetwork;

/* What a call is held to. In a g_atomic_rc_box, and never changed once it is shared: calls refer to that of their client as it
 * was when they started. Durations in seconds, 0 = none. */
typedef struct
{
  double connect_timeout;
  double read_timeout;
  double write_timeout;
  double queue_timeout;
  double attempt_timeout;
  double total_timeout;
  guint64 max_response_size; /* bytes, 0 = no limit */
  const char *user_agent;    /* interned, nullable */
} ResilientLimits;

typedef struct
{
  ResilientRetryPolicy *retry_policy; /* owned */
  ResilientLimits *limits;            /* owned */
  guint max_concurrent;
  guint max_concurrent_per_host;
  guint max_pending;
  /* Copies: in force is what the recorder was told. */
  guint max_results;
  double result_ttl;
  guint64 max_result_bytes;
} ResilientSettings;

struct _ResilientCore
{
  /* Set once, read by any thread. */
  GMainContext *home_context;
  ResilientDriver *home;
  ResilientGate *gate;
  ResilientRecorder *recorder;
  ResilientNetwork *network;

  GMutex lock;
  /* Under lock. */
  ResilientSettings settings;
  ResilientHeaders *default_headers;
  SoupSession *session; /* the app's, or ours once somebody asked for it; NULL until then */
  gboolean own_session;
  gboolean at_home; /* connections of the session may be driven by the home context */
  ResilientTransport *transport;
  ResilientDriver *io; /* NULL until a call needs it */
  GHashTable *calls_by_id; /* id → the newest live call, not owned; older ones hang off it */
  ResilientCall *first_call; /* the live calls, oldest first; owned */
  ResilientCall *last_call;
  guint n_calls;
  gboolean closing; /* new calls are refused */
  gboolean ended;   /* closing, and the last call ended */
  GSList *idle_waiters;
  gpointer watch; /* what the gate's changes go to; set once */
  GDestroyNotify watch_free;
  void (*calls_changed) (ResilientCall *call, gboolean added, gpointer data); /* under lock: only note it down */
  gpointer calls_changed_data;
};

ResilientCore *resilient_core_new (GMainContext *home_context, SoupSession *session);
ResilientCore *resilient_core_ref (ResilientCore *self);
void resilient_core_unref (ResilientCore *self);

/* The session, made at need, for use in the home context; and what sends. Transfer full. */
SoupSession *resilient_core_dup_session (ResilientCore *self);
ResilientTransport *resilient_core_dup_transport (ResilientCore *self);
/* For tests: before the first call. */
void resilient_core_set_transport (ResilientCore *self, ResilientTransport *transport);

/* The driver for calls started in the thread-default context of now: home, or the I/O thread. Transfer full. */
ResilientDriver *resilient_core_dup_driver (ResilientCore *self);
ResilientDriver *resilient_core_dup_io_driver (ResilientCore *self);

/* Tells the gate what the settings and the session allow, after either changed. */
void resilient_core_apply_limits (ResilientCore *self);

/* Client's default headers with those of @origin; transfer full, nullable. */
ResilientHeaders *resilient_core_dup_default_headers (ResilientCore *self, ResilientOrigin *origin);

/* Registry. add() fails with CLOSED once the client closes. */
gboolean resilient_core_add_call (ResilientCore *self, ResilientCall *call, GError **error);
void resilient_core_remove_call (ResilientCore *self, ResilientCall *call);
ResilientCall *resilient_core_find_call (ResilientCore *self, const char *request_id); /* the newest; transfer full */
GPtrArray *resilient_core_list_calls (ResilientCore *self, const char *request_id); /* NULL id: all; of references */

/* @func runs once, in any thread and under no lock, when no call is live; at once when none is, else from a source of its
 * own. */
typedef void (*ResilientIdleFunc) (gpointer data);
void resilient_core_when_idle (ResilientCore *self, ResilientIdleFunc func, gpointer data);
/* New calls are refused from now on; the recorder closes when the last one ended, before those who wait for it are told.
 * TRUE for the first who says so. */
gboolean resilient_core_close (ResilientCore *self);
gboolean resilient_core_is_closing (ResilientCore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientCore, resilient_core_unref)

G_END_DECLS
