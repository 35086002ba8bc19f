/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads what a server says of when to come back, and the dates of HTTP. Pure functions, for any
 * thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* RFC 9110, 10.2.3. @date is the response's own Date header or NULL; @now is the wall clock,
 * microseconds since 1970, used without it. Returns seconds ≥ 0, or -1 when absent or
 * unparsable. */
double resilient_retry_after_parse (const char *value, const char *date, gint64 now);
/* The largest of several field values; @values is NULL-terminated. */
double resilient_retry_after_parse_all (const char *const *values, const char *date, gint64 now);

G_END_DECLS
