/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Who serves a connection of the misbehaving server, in a thread of its own. Any thread may ask
 * something of it. */

#pragma once

#include "fault-service-private.h"

G_BEGIN_DECLS

typedef struct _FaultWorker FaultWorker;

/* Serves @connection, by @script first, which may be NULL; takes both. NULL: there is no thread for
 * it. */
FaultWorker *
fault_worker_new (FaultService *service, FaultConnection *connection, FaultScript *script);
/* Waits for the end of its thread. */
void fault_worker_free (FaultWorker *self);
/* Its thread ends soon, wherever it is. */
void fault_worker_cancel (FaultWorker *self);
/* Under the log's lock: its thread has nothing left to do. */
gboolean fault_worker_is_over (FaultWorker *self);
/* Under the log's lock: see fault_connection_shut_down(). */
void fault_worker_shut_down (FaultWorker *self, gboolean idle_only);

G_END_DECLS
