/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Tells near addresses from far ones: those that are reached without a default route. Pure
 * functions, for any thread. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Near is what needs no default route: this machine, and what lies on a network that is directly
 * connected, or is private. */
gboolean resilient_address_is_near (GInetAddress *address);
/* The same of the host of a URI, as far as its text tells. */
gboolean resilient_host_name_is_near (const char *host);

G_END_DECLS
