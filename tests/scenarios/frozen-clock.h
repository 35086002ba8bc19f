/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A clock for programs with real sockets and several threads: it stands still but for what the test
 * moves it by. */

/* 2024-02-29 12:00:00 UTC */
#define FROZEN_EPOCH G_GINT64_CONSTANT (1709208000)

/* Installs it for the whole process; before the first use of the library. */
void frozen_clock_install (void);
/* Boot-time clock, microseconds. */
gint64 frozen_clock_get (void);
/* All three clocks go on, at once, and the default main context does what is due then. */
void frozen_clock_advance (double seconds);
/* The machine sleeps: boot time and real time go on, the monotonic clock does not. */
void frozen_clock_suspend (double seconds);
/* Somebody sets the machine's clock. */
void frozen_clock_set_real (gint64 microseconds);

G_END_DECLS
