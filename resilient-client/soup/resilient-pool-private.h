/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-route-private.h"

G_BEGIN_DECLS

/* The lanes and routes of one driving context: touched only there, but for
 * resilient_pool_any_open(). */
typedef struct _ResilientPool ResilientPool;

/* What a request may be sent over. */
typedef enum
{
  RESILIENT_REUSE_ANY, /* any connection: what is lost on a stale one is sent again */
  /* one that served just now and is found open: nothing is ever sent again */
  RESILIENT_REUSE_FRESH,
  RESILIENT_REUSE_NONE, /* a new one */
} ResilientReuse;

/* In its context, which is the thread-default one. Once *@shared is not NULL, which any thread may
 * set atomically, every request goes by that one. */
ResilientPool *resilient_pool_new (ResilientLane **shared);
void resilient_pool_free (ResilientPool *self);

/* A lane for a request to the origin of @uri. FALSE: @waiter waits until it is known which protocol
 * that speaks, or for a connection, and @lease is empty. @challenges: there must be somebody who
 * can answer one. */
gboolean resilient_pool_enter (ResilientPool *self,
                               GUri *uri,
                               gboolean challenges,
                               ResilientReuse reuse,
                               ResilientLeaseWaiter *waiter,
                               ResilientLease *lease);
/* The request is done, and its connection serves others if it is @kept: who has waited for longest
 * enters now. From a source. */
void resilient_pool_pass_on (ResilientPool *self, ResilientLease *lease, gboolean kept);
/* The same once libsoup has nothing of it any more, if it did not pass its lane on. */
void resilient_pool_leave (ResilientPool *self, ResilientLease *lease);

/* Ends what is under way and closes what is idle, but for the shared lane. */
void resilient_pool_abort (ResilientPool *self);
/* Any thread: whether a connection is still open, or being closed. */
gboolean resilient_pool_any_open (ResilientPool *self);
/* For tests: lanes that are there, and those that are idle. */
guint resilient_pool_get_length (ResilientPool *self);
guint resilient_pool_get_idle (ResilientPool *self);

G_END_DECLS
