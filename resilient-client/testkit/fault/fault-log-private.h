/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "fault-enums.h"
#include "fault-record.h"

G_BEGIN_DECLS

/* What happened on a server, and who waits for something to happen. One lock guards all of it, and
 * what of connections and streams is said to be guarded by "the log's lock". */
typedef struct
{
  GMutex lock;
  GCond changed;       /* for threads of the server and for callers without a main context */
  GPtrArray *contexts; /* of callers who wait, woken at each change; borrowed while they wait */
  GPtrArray *records;  /* of FaultRecord */
  GHashTable *gates;
  gboolean closing;
  guint connections;
  guint closed;
  guint active;
  guint max_active;
} FaultLog;

void fault_log_init (FaultLog *self);
void fault_log_clear (FaultLog *self);
/* Under the lock: something changed. */
void fault_log_wake (FaultLog *self);
/* From now on nobody waits in a gate or pause. */
void fault_log_close (FaultLog *self);

/* Under the lock: returns its number. */
guint fault_log_add_connection (FaultLog *self);
void fault_log_connection_closed (FaultLog *self);
/* Returns its index. Takes @headers. */
guint fault_log_begin (FaultLog *self,
                       guint connection,
                       const char *method,
                       const char *path,
                       const char *version,
                       char **headers);
void fault_log_body (FaultLog *self, guint index, gconstpointer data, gsize size);
void fault_log_body_end (FaultLog *self, guint index, gboolean whole);
/* It is no more among the active ones. */
void fault_log_finish (FaultLog *self);

/* FALSE: the server closes, or *@gone became TRUE. */
gboolean fault_log_pass (FaultLog *self, const char *gate, const gboolean *gone);
gboolean fault_log_pause (FaultLog *self, guint milliseconds, const gboolean *gone);
void fault_log_release (FaultLog *self, const char *gate, guint n, gboolean open);

typedef struct
{
  const char *what; /* for the message of a test that failed */
  const char *gate;
  guint n;
} FaultWish;

typedef gboolean (*FaultCondition) (FaultLog *self, const FaultWish *wish);

/* @condition is asked under the lock. */
FaultWaited fault_log_wait_for (FaultLog *self,
                                FaultCondition condition,
                                const FaultWish *wish,
                                double timeout,
                                GCancellable *cancellable);
/* The same, for a test that fails then. */
void fault_log_wait (FaultLog *self, FaultCondition condition, const FaultWish *wish);
guint fault_log_get_held (FaultLog *self, const char *gate);
gboolean fault_log_has_ended (FaultLog *self, guint index);
guint fault_log_count (FaultLog *self, const char *path);
FaultRecord *fault_log_copy (FaultLog *self, const char *path, guint n);

G_END_DECLS
