/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-clock-private.h"

G_BEGIN_DECLS

/* A clock that stands still but for what the test moves it by; for any thread. */

/* 2024-02-29 12:00:00 UTC */
#define TEST_CLOCK_EPOCH G_GINT64_CONSTANT (1709208000)

/* Installs it for the whole process; before the first use of the library. */
void test_clock_install (void);
/* The kernel's clocks again. */
void test_clock_uninstall (void);
/* Boot-time clock, microseconds. */
gint64 test_clock_get (void);
/* What it installs, for a clock of the test's own that does more than to show the time. */
const ResilientClockFuncs *test_clock_get_funcs (void);
/* All three clocks go on, at once; what is due then waits for a turn of its main context. */
void test_clock_pass (double seconds);
/* The same, to where the boot-time clock shows @microseconds, which may be earlier. */
void test_clock_set (gint64 microseconds);
/* As test_clock_pass(), and the default main context does what is due then. */
void test_clock_advance (double seconds);
/* The same, but from one timer of the default main context to the next, each at its own time. */
void test_clock_run (double seconds);
/* The machine sleeps: boot time and real time go on, the monotonic clock does not. */
void test_clock_suspend (double seconds);
/* Somebody sets the machine's clock. */
void test_clock_set_real (gint64 microseconds);

G_END_DECLS
