/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_ATTEMPT (resilient_test_attempt_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientTestAttempt, resilient_test_attempt, RESILIENT_TEST, ATTEMPT, GObject)

RESILIENT_TEST_AVAILABLE_IN_1_0
const char *resilient_test_attempt_get_method (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char *resilient_test_attempt_get_uri    (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char *resilient_test_attempt_get_header (ResilientTestAttempt *self,
                                               const char           *name);
RESILIENT_TEST_AVAILABLE_IN_1_0
GBytes     *resilient_test_attempt_dup_body   (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint       resilient_test_attempt_get_number (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
double      resilient_test_attempt_get_time   (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean    resilient_test_attempt_is_live    (ResilientTestAttempt *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean    resilient_test_attempt_respond    (ResilientTestAttempt *self,
                                               guint                 status_code,
                                               const char * const   *headers,
                                               GBytes               *body,
                                               double                takes);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean    resilient_test_attempt_fail       (ResilientTestAttempt *self,
                                               const GError         *error,
                                               gboolean              sent,
                                               double                takes);

G_END_DECLS
