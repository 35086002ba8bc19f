/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_NETWORK (resilient_test_network_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientTestNetwork, resilient_test_network, RESILIENT_TEST, NETWORK, GObject)

RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestNetwork *resilient_test_network_new           (void);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                  resilient_test_network_install       (ResilientTestNetwork *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                  resilient_test_network_uninstall     (ResilientTestNetwork *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                  resilient_test_network_set_available (ResilientTestNetwork *self,
                                                            gboolean              available);

G_END_DECLS
