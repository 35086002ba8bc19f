/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* All chance of the library: jitter, request ids, idempotency keys, span ids. A test may fix the
 * seed. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The seam through which all chance is drawn; thread-safe. Uniform in [0, 1). */
double resilient_random_double (void);
double resilient_random_range (double low, double high);
guint64 resilient_random_uint64 (void);
/* Fills @uuid with a random UUID (RFC 9562 version 4), zero-terminated. */
#define RESILIENT_UUID_SIZE 37
void resilient_random_uuid (char uuid[RESILIENT_UUID_SIZE]);

/* For tests: makes every later draw of the process follow from @seed, UUIDs included, until
 * resilient_random_unseed(). */
void resilient_random_seed (guint32 seed);
void resilient_random_unseed (void);

G_END_DECLS
