/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-pass-private.h"

G_BEGIN_DECLS

/* The lanes and hosts of one driving context: touched only there, but for
 * resilient_pool_any_open(). */
typedef struct _ResilientPool ResilientPool;

/* In its context, which is the thread-default one. @main (nullable) is its first lane. Once
 * *@shared is not NULL, which any thread may set atomically, every request goes by that one. */
ResilientPool *resilient_pool_new (ResilientLane *main, ResilientLane **shared);
void resilient_pool_free (ResilientPool *self);

/* A lane for a request to the origin of @uri. FALSE: @ticket waits until it is known which protocol
 * that speaks, or for a connection, and @pass is empty. @challenges: there must be somebody who can
 * answer one. @own: it opens a connection in any case. */
gboolean resilient_pool_enter (ResilientPool *self,
                               GUri *uri,
                               gboolean challenges,
                               gboolean own,
                               ResilientTicket *ticket,
                               ResilientPass *pass);
/* The request is done, and its connection serves others if it is @kept: who has waited for longest enters
 * now. From a source. */
void resilient_pool_pass_on (ResilientPool *self, ResilientPass *pass, gboolean kept);
/* The same once libsoup has nothing of it any more, if it did not pass its lane on. */
void resilient_pool_leave (ResilientPool *self, ResilientPass *pass);

/* Ends what is under way and closes what is idle, but for the shared lane. */
void resilient_pool_abort (ResilientPool *self);
/* Any thread: whether a connection is still open, or being closed. */
gboolean resilient_pool_any_open (ResilientPool *self);

G_END_DECLS
