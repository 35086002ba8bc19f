/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The list model behind a client's calls property. It lives in the home context; whoever holds it
 * keeps the engine. */

#pragma once

#include "resilient-engine-private.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CALL_LIST (resilient_call_list_get_type ())

G_DECLARE_FINAL_TYPE (ResilientCallList, resilient_call_list, RESILIENT, CALL_LIST, GObject)

/* A list model of the live calls of @engine, oldest first, kept up in the home context for as long
 * as somebody holds it, and with it the engine. Costs nothing until it is made; at most one per
 * engine. Dropped in any thread. */
ResilientCallList *resilient_call_list_new (ResilientEngine *engine);

G_END_DECLS
