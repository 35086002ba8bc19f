/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <resilient.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_TRANSPORT (resilient_test_transport_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientTestTransport, resilient_test_transport, RESILIENT_TEST, TRANSPORT, GObject)

RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestTransport *resilient_test_transport_new                (void);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                    resilient_test_transport_install            (ResilientTestTransport *self,
                                                                     ResilientClient        *client);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                    resilient_test_transport_add_response       (ResilientTestTransport *self,
                                                                     const char             *uri,
                                                                     guint                   status_code,
                                                                     const char * const     *headers,
                                                                     GBytes                 *body,
                                                                     double                  takes);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                    resilient_test_transport_add_error          (ResilientTestTransport *self,
                                                                     const char             *uri,
                                                                     const GError           *error,
                                                                     gboolean                sent,
                                                                     double                  takes);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                    resilient_test_transport_add_hang           (ResilientTestTransport *self,
                                                                     const char             *uri,
                                                                     gboolean                sent);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                    resilient_test_transport_clear              (ResilientTestTransport *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                   resilient_test_transport_get_attempt_count  (ResilientTestTransport *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                   resilient_test_transport_get_live_count     (ResilientTestTransport *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                   resilient_test_transport_get_max_live_count (ResilientTestTransport *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
GPtrArray              *resilient_test_transport_list_attempts      (ResilientTestTransport *self);

G_END_DECLS
