/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A task that returns once, whoever comes first: what it waits for, its own cancellable, or its own
 * time-out. Reference counted; any thread. */
typedef struct _ResilientCompletion ResilientCompletion;

/* The wait ended by cancellable or time-out. In the task's context, under no lock, before the task
 * returns: who keeps the completion in a list takes it out. */
typedef void (*ResilientCompletionFunc) (ResilientCompletion *self, gpointer data);

/* Takes @task, which returns what it is given, whatever its cancellable says then. @withdrawn
 * (nullable) runs at most once; @destroy (nullable) once, in any thread. */
ResilientCompletion *resilient_completion_new (GTask *task,
                                               ResilientCompletionFunc withdrawn,
                                               gpointer data,
                                               GDestroyNotify destroy);
ResilientCompletion *resilient_completion_ref (ResilientCompletion *self);
void resilient_completion_unref (ResilientCompletion *self);

/* From now on @cancellable (nullable) ends the wait, and so does @timeout (seconds, less than 0:
 * none) with @timeout_message. Once, under no lock that @withdrawn takes; what is waited for may
 * have come already. */
void resilient_completion_arm (ResilientCompletion *self,
                               GCancellable *cancellable,
                               double timeout,
                               const char *timeout_message);

/* What it waits for is there: transfer full, to be returned by the caller, under no lock. NULL: it
 * was taken, cancelled or too late before. */
GTask *resilient_completion_take (ResilientCompletion *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientCompletion, resilient_completion_unref)

G_END_DECLS
