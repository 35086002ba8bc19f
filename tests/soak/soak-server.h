/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A server that remembers nothing, in a process of its own, so that it can misbehave for days. What
 * it does with a request is in the path. */

/* Of the client: starts this program again as a server; it ends with us. Transfer full. */
GSubprocess *soak_server_start (const char *program, guint16 *port);
/* Of the server: writes its port, and serves until its input ends. */
int soak_server_run (void);

G_END_DECLS
