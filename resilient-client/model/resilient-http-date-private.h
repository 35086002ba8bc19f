/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The dates of HTTP, in all three forms that RFC 9110 has. Pure functions, for any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* RFC 9110, 5.6.7: IMF-fixdate, RFC 850 and asctime forms, without locale or time zone.
 * Microseconds since 1970. */
gboolean resilient_http_date_parse (const char *text, gint64 now, gint64 *out);

G_END_DECLS
