/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The clocks that a test moves by hand, as the library reads them. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The times that the library reads while a test clock is installed, in microseconds.
 * Thread-safe. */
#define RESILIENT_TEST_TIME_START_BOOT G_USEC_PER_SEC
#define RESILIENT_TEST_TIME_START_REAL (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC)

/* Sets them to their start, and makes the library read them. */
void resilient_test_time_install (void);
void resilient_test_time_uninstall (void);

gint64 resilient_test_time_get_boot (void);
gint64 resilient_test_time_get_real (void);
void resilient_test_time_set_real (gint64 value);

/* To @boot on the boot-time clock, never back: who was called on the way may have moved it
 * further. */
void resilient_test_time_move_to (gint64 boot);
/* A suspend: monotonic time stands still. */
void resilient_test_time_jump (gint64 step);

/* Moved by a thread whenever the others have nothing else to do. */
gboolean resilient_test_time_get_automatic (void);
void resilient_test_time_set_automatic (gboolean automatic);

G_END_DECLS
