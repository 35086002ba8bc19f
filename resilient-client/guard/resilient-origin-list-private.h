/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-origin-table-private.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_ORIGIN_LIST (resilient_origin_list_get_type ())

/* The origins of a client as a GListModel, oldest first; of the home context. */
G_DECLARE_FINAL_TYPE (ResilientOriginList, resilient_origin_list, RESILIENT, ORIGIN_LIST, GObject)

/* @changed: as for resilient_origin_table_watch(); it has resilient_origin_list_update() called in
 * the home context. @table NULL: an empty list that stays so. */
ResilientOriginList *resilient_origin_list_new (ResilientOriginTable *table,
                                                ResilientOriginTableChanged changed,
                                                gpointer data);
/* Takes over what the table has got since, drops what it can forget, and tells of both. */
void resilient_origin_list_update (ResilientOriginList *self);

G_END_DECLS
