/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Other threads, held where they are at rest. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ResilientTestStop ResilientTestStop;

ResilientTestStop *resilient_test_stop_new (void);
/* Holds the threads of @contexts. FALSE: one of them did not come in time, or was busy, or it was
 * ended. @patience, 0 at first, says how long that may take, and grows when it was not enough. */
gboolean resilient_test_stop_hold (ResilientTestStop *self, GPtrArray *contexts, gint64 *patience);
/* Lets them go, and those go who wait for them. */
void resilient_test_stop_end (ResilientTestStop *self);
/* The same, and frees it. */
void resilient_test_stop_go_on (ResilientTestStop *self);

G_END_DECLS
