/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-timer-queue-private.h"
#include "resilient-pace-private.h"

G_BEGIN_DECLS

/* One of the two lasting contexts from which a session is driven: the home context, iterated by the
 * app, or the client's own I/O thread. Work is posted from any thread and runs there in order, one
 * source for all of it. */
typedef struct _ResilientScheduler ResilientScheduler;
typedef struct _ResilientWork ResilientWork;
typedef void (*ResilientWorkFunc) (gpointer data);

/* Embedded in its owner, who keeps it alive, and unposted, until @func ran. */
struct _ResilientWork
{
  ResilientWork *next;
  ResilientWorkFunc func;
  gpointer data;
};

ResilientScheduler *resilient_scheduler_new (GMainContext *context);
/* With a thread of its own that iterates a new context; NULL with @error when the process has no
 * descriptors or threads left for it. */
ResilientScheduler *resilient_scheduler_new_thread (const char *name, GError **error);
ResilientScheduler *resilient_scheduler_ref (ResilientScheduler *self);
void resilient_scheduler_unref (ResilientScheduler *self);

void resilient_scheduler_post (ResilientScheduler *self,
                               ResilientWork *work,
                               ResilientWorkFunc func,
                               gpointer data);
/* The same with a node of the scheduler's own, for what is rare. @destroy runs even when the
 * scheduler dies first. */
void resilient_scheduler_invoke (ResilientScheduler *self,
                                 ResilientWorkFunc func,
                                 gpointer data,
                                 GDestroyNotify destroy);
/* What serves requests there is at @priority, or, where that is below %G_PRIORITY_DEFAULT, at this,
 * and gives way as far as
 * @priority when something waits; a scheduler with a thread has nothing that could. Any thread. */
void resilient_scheduler_set_priority (ResilientScheduler *self, int priority);
/* That of a source that serves requests; and NULL where nothing waits. */
int resilient_scheduler_get_priority (ResilientScheduler *self);
ResilientPace *resilient_scheduler_get_pace (ResilientScheduler *self);
/* TRUE in the thread that belongs to this scheduler. FALSE for a scheduler without a thread. */
gboolean resilient_scheduler_is_current_thread (ResilientScheduler *self);

GMainContext *resilient_scheduler_get_context (ResilientScheduler *self);
ResilientTimerQueue *resilient_scheduler_get_timers (ResilientScheduler *self);

/* Of a scheduler without a thread, before its last reference goes: no more work runs from its
 * source.
 */
void resilient_scheduler_stop (ResilientScheduler *self);
/* Of a scheduler with a thread, once, before its last reference goes: after the work that was
 * posted that runs @last and ends. Waits for that for a moment, unless called from it. */
void
resilient_scheduler_stop_with (ResilientScheduler *self, ResilientWorkFunc last, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientScheduler, resilient_scheduler_unref)

G_END_DECLS
