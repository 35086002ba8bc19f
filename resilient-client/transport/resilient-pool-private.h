/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-host-private.h"

G_BEGIN_DECLS

/* The lanes and hosts of one driving context: touched only there, but for
 * resilient_pool_any_open(). */
typedef struct _ResilientPool ResilientPool;

/* What a request holds of a pool. */
typedef struct
{
  ResilientHost *host; /* a reference */
  ResilientLane *lane; /* NULL while the request waits */
  gboolean exclusive;  /* no other HTTP/1 request takes it meanwhile, but those with credentials */
  gboolean scout;      /* others wait for what it learns */
} ResilientPass;

/* In its context, which is the thread-default one. @main (nullable) is its first lane. Once
 * *@shared is not NULL, which any thread may set atomically, every request goes by that one. */
ResilientPool *resilient_pool_new (ResilientLane *main, ResilientLane **shared);
void resilient_pool_free (ResilientPool *self);

/* A lane for a request to the origin of @uri. FALSE: @ticket waits until it is known which protocol
 * that speaks, and @pass is empty. @challenges: there must be somebody who can answer one. */
gboolean resilient_pool_enter (ResilientPool *self,
                               GUri *uri,
                               gboolean challenges,
                               ResilientTicket *ticket,
                               ResilientPass *pass);
/* Its connection can serve others. Again does nothing. */
void resilient_pool_leave (ResilientPool *self, ResilientPass *pass);

/* Ends what is under way and closes what is idle, but for the shared lane. */
void resilient_pool_abort (ResilientPool *self);
/* Any thread: whether a connection is still open, or being closed. */
gboolean resilient_pool_any_open (ResilientPool *self);

G_END_DECLS
