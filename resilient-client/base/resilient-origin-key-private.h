/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What an origin is (RFC 6454, 4 and 5): this is the only place that knows. Two URIs have one
 * origin when their schemes, hosts and ports are the same. Schemes and hosts compare without case,
 * an address of IPv6 however it is spelled, and a port that is left out is that of the scheme. A
 * dot at the end of a name makes it another one, as in browsers. @uri is http or https and has a
 * host. */

/* Such as "https://example.org:443" and "http://[::1]:80". */
char *resilient_origin_key_new (GUri *uri);
/* The same into @buffer, without an allocation; FALSE when it does not fit, or is of a rare
 * kind. */
gboolean resilient_origin_key_write (GUri *uri, char *buffer, gsize size);

/* For hash tables whose keys are URIs. */
guint resilient_origin_key_hash (gconstpointer uri);
gboolean resilient_origin_key_equal (gconstpointer a, gconstpointer b);

/* The port, or the default one of the scheme. Port 0 is a port, at which nobody can be reached. */
int resilient_origin_key_get_port (GUri *uri);

/* @host as everybody spells it (RFC 5952) if it is an address of IPv6 in another spelling, else
 * NULL. */
char *resilient_origin_key_respell_host (const char *host);

G_END_DECLS
