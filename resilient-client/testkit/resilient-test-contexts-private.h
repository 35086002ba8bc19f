/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which main contexts have to rest before time may move. @timers is a list of timer queues, as the
 * library has them. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Those of @timers, and those that were added; transfer full. */
GPtrArray *resilient_test_contexts_list (GPtrArray *timers);
/* Takes those of @contexts that no other thread has, and leaves the others in it. */
GPtrArray *resilient_test_contexts_acquire_own (GPtrArray *contexts);
/* Whether others were made since @timers was. */
gboolean resilient_test_contexts_have_new_timers (GPtrArray *timers);
/* On the boot-time clock; G_MAXINT64: none is set. */
gint64 resilient_test_contexts_get_first_due (GPtrArray *timers);

/* Another context that has to rest. */
void resilient_test_contexts_add (GMainContext *context);
void resilient_test_contexts_remove_all (void);

G_END_DECLS
