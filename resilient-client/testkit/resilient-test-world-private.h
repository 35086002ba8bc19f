/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-test-stop-private.h"

G_BEGIN_DECLS

/* All main contexts of the process in which the library has timers, and those watched besides, as
 * one thing that comes to rest: nothing is ready in any of them, all at the same time. */

/* Runs all that is ready in the contexts that are the caller's to iterate (its own, and those that
 * nobody iterates), lets the other threads do the same with theirs, and holds them then. @due: when
 * the first timer of all falls due, on the boot-time clock; G_MAXINT64: none is set. */
ResilientTestStop *resilient_test_world_stop (gint64 *due);

/* The same for a thread that iterates nothing. NULL when the others did not rest, or when there are
 * none: *@due is -1 then, and
 * @knock will be called, in any thread, when somebody comes to iterate a context in which timers
 * are set. @patience is 0 at first, and kept for the next call. */
ResilientTestStop *
resilient_test_world_watch (gint64 *due, gint64 *patience, void (*knock) (gpointer data));
/* Ends the wait of the one who watches. */
void resilient_test_world_interrupt (void);

G_END_DECLS
