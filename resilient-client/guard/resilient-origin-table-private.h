/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-client-guards-private.h"
#include "resilient-gate-private.h"
#include "resilient-origin.h"

G_BEGIN_DECLS

/* The origins of a client, by their keys: makes them at need and forgets those that nobody would
 * miss. Any thread: one lock inside, never held while a callback runs; those of the gate and of
 * origins are taken under it. */
typedef struct _ResilientOriginTable ResilientOriginTable;

ResilientOriginTable *resilient_origin_table_new (ResilientGate *gate);
/* Once, before the first origin: what holds for those that have no settings of their own. */
void resilient_origin_table_set_guards (ResilientOriginTable *self, ResilientClientGuards *guards);
ResilientOriginTable *resilient_origin_table_ref (ResilientOriginTable *self);
void resilient_origin_table_unref (ResilientOriginTable *self);
/* Its client is gone: it lets go of all origins, and calls nobody any more. */
void resilient_origin_table_close (ResilientOriginTable *self);

/* The origin (scheme, host, port) of @uri, an absolute http or https URI; made at need; transfer
 * full. Idle origins that nobody holds and that carry no settings are forgotten when there are more
 * than 512. */
ResilientOrigin *resilient_origin_table_get (ResilientOriginTable *self, GUri *uri);

/* For the list of origins; one watches at a time, NULL: nobody does. @func runs in any thread and
 * under no lock when there are origins to take over, or to forget: while somebody watches, that is
 * left to him. */
typedef void (*ResilientOriginTableChanged) (gpointer data);
void resilient_origin_table_watch (ResilientOriginTable *self,
                                   ResilientOriginTableChanged func,
                                   gpointer data);
/* Appends references of those that were made since *@n_taken of them were, oldest first. */
void resilient_origin_table_take (ResilientOriginTable *self, guint64 *n_taken, GPtrArray *origins);
/* One that the watcher alone has, when there are too many idle ones; transfer full, nullable. */
ResilientOrigin *resilient_origin_table_forget_listed (ResilientOriginTable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientOriginTable, resilient_origin_table_unref)

G_END_DECLS
