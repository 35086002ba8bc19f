/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_CLOCK (resilient_test_clock_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientTestClock, resilient_test_clock, RESILIENT_TEST, CLOCK, GObject)

RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestClock *resilient_test_clock_new           (void);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_install       (ResilientTestClock *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_uninstall     (ResilientTestClock *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_advance       (ResilientTestClock *self,
                                                        double              seconds);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_suspend       (ResilientTestClock *self,
                                                        double              seconds);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean            resilient_test_clock_get_automatic (ResilientTestClock *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_set_automatic (ResilientTestClock *self,
                                                        gboolean            automatic);
RESILIENT_TEST_AVAILABLE_IN_1_0
double              resilient_test_clock_get_elapsed   (ResilientTestClock *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gint64              resilient_test_clock_get_real_time (ResilientTestClock *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_set_real_time (ResilientTestClock *self,
                                                        gint64              real_time);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                resilient_test_clock_add_context   (ResilientTestClock *self,
                                                        GMainContext       *context);

G_END_DECLS
