/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <glib.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

RESILIENT_TEST_AVAILABLE_IN_1_0
void resilient_test_seed_random   (guint32 seed);
RESILIENT_TEST_AVAILABLE_IN_1_0
void resilient_test_unseed_random (void);

G_END_DECLS
