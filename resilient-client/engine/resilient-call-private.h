/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What the client asks of a call beyond its public functions. Functions of the public object, for
 * any thread. */

#pragma once

#include "resilient-call-machine-private.h"
#include "resilient-call.h"

G_BEGIN_DECLS

/* Starts @frozen. A refused call (CLOSED, OVERLOADED) is returned ended, with its error. Any
 * thread.
 * @scheduler: who drives it; @cancellable cancels the call. */
ResilientCall *resilient_call_start (ResilientEngine *engine,
                                     ResilientScheduler *scheduler,
                                     ResilientFrozenRequest *frozen,
                                     ResilientRequestContext *context,
                                     GCancellable *cancellable);
/* The same, but NULL, and nothing is counted, where there is no place for it in the queue. */
ResilientCall *resilient_call_try_start (ResilientEngine *engine,
                                         ResilientScheduler *scheduler,
                                         ResilientFrozenRequest *frozen);
/* The same for a thread that then blocks on it. */
ResilientCall *resilient_call_start_blocking (ResilientEngine *engine,
                                              ResilientScheduler *scheduler,
                                              ResilientFrozenRequest *frozen,
                                              ResilientRequestContext *context,
                                              GCancellable *cancellable);
/* A call that never was: ended with @error, counted as refused. */
ResilientCall *resilient_call_new_refused (ResilientEngine *engine, const GError *error);

/* The same of an engine that is foreign: nothing of that is touched. */
ResilientCall *resilient_call_new_foreign (ResilientEngine *engine, const GError *error);

/* What moves it; of the call. */
ResilientCallMachine *resilient_call_get_machine (ResilientCall *self);
/* FALSE: it has ended, or is just being recorded as ended. */
gboolean resilient_call_cancel_for (ResilientCall *self, ResilientCancelCause cause);

/* What a task of a call returns: the response, or NULL with the error. */
ResilientResponse *resilient_call_take_response (ResilientCall *self, GError **error);
/* Returns @task (transfer full) with the response or error when the call ends; @cancellable and
 * @timeout (seconds, less than 0: none) only end the waiting. @want_result: with the
 * ResilientResult instead. */
void resilient_call_add_task (ResilientCall *self,
                              GTask *task,
                              gboolean want_result,
                              double timeout,
                              GCancellable *cancellable);
/* Blocks until the call ended, and returns as it ended; see resilient_call_machine_block(). */
ResilientResponse *resilient_call_block (ResilientCall *self, GError **error);
/* The result, or a PENDING one made for the occasion. Transfer full. */
ResilientResult *resilient_call_snapshot (ResilientCall *self);

G_END_DECLS
