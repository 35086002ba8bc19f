/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Lets a test fix what the library draws by chance, for the whole process. It owns nothing. Any
 * thread. */

#include "config.h"

#include "resilient-test-random.h"

#include "resilient-test-seams-private.h"

/**
 * resilient_test_seed_random:
 * @seed: any number
 *
 * Makes all that the library draws by chance follow from @seed: jitter, request ids and idempotency
 * keys.
 *
 * With one [class@Clock], one [class@Transport] and one main context the same seed gives the same
 * schedule, and the same log, each time. What several threads draw depends on who comes first.
 *
 * Since: 1.0
 */
void
resilient_test_seed_random (guint32 seed)
{
  resilient_random_seed (seed);
}

/**
 * resilient_test_unseed_random:
 *
 * Makes the library draw unpredictably again.
 *
 * Since: 1.0
 */
void
resilient_test_unseed_random (void)
{
  resilient_random_unseed ();
}
