/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads what a server says of how many requests it still takes. Pure functions that own nothing,
 * for any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many requests the server still takes, and when it takes more. */
typedef struct
{
  gint64 remaining; /* at least 0 */
  double reset;     /* in so many seconds, at least 0; -1: it does not say */
} ResilientRateLimitHint;

/* The field values of a response, each nullable: RateLimit and RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers-08 and later), X-RateLimit-Remaining and X-RateLimit-Reset,
 * which no standard describes: the latter are seconds from @now on, or since 1970, as GitHub has
 * it.
 * @now is the wall clock, microseconds since 1970.
 *
 * Of several quotas it is the one with the least remaining, and of those the one that takes
 * longest. RateLimit counts before the others; what is not well formed is as if it were not there.
 * FALSE: the server says nothing. */
gboolean resilient_rate_limit_fields_parse (const char *rate_limit,
                                            const char *policy,
                                            const char *x_remaining,
                                            const char *x_reset,
                                            gint64 now,
                                            ResilientRateLimitHint *hint);

G_END_DECLS
