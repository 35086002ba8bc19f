/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-test-world-private.h"

G_BEGIN_DECLS

/* What the two ways of stopping the world share. */

ResilientTestStop *resilient_test_stop_new (void);
/* Holds the threads of @contexts. FALSE: one of them did not come in time, or was busy, or it was
 * ended. @patience, 0 at first, says how long that may take, and grows when it was not enough. */
gboolean resilient_test_stop_hold (ResilientTestStop *self, GPtrArray *contexts, gint64 *patience);
/* Lets them go, and those go who wait for them. */
void resilient_test_stop_end (ResilientTestStop *self);

/* All contexts that have to rest. */
GPtrArray *resilient_test_world_list_contexts (GPtrArray *timers);
/* Takes those of @contexts that no other thread has, and leaves the others in it. */
GPtrArray *resilient_test_world_acquire_own (GPtrArray *contexts);
/* Whether others were made since @timers was. */
gboolean resilient_test_world_has_new_timers (GPtrArray *timers);
gint64 resilient_test_world_get_first_due (GPtrArray *timers);

G_END_DECLS
