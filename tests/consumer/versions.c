/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a program says of versions before it includes the header; installed.sh tells which of them
 * may compile. */

#include <resilient.h>

G_STATIC_ASSERT (RESILIENT_VERSION_MIN_REQUIRED <= RESILIENT_VERSION_MAX_ALLOWED);
G_STATIC_ASSERT (RESILIENT_VERSION_1_0 == G_ENCODE_VERSION (1, 0));

RESILIENT_AVAILABLE_IN_1_0
void brought_by_this_version (void);
RESILIENT_UNAVAILABLE (9, 9)
void brought_by_a_later_one (void);
RESILIENT_DEPRECATED_IN_1_0_FOR (brought_by_this_version)
void deprecated_in_this_version (void);

void use (void);

void
use (void)
{
  brought_by_this_version ();
#ifdef USE_LATER
  brought_by_a_later_one ();
#endif
#ifdef USE_DEPRECATED
  deprecated_in_this_version ();
#endif
}
