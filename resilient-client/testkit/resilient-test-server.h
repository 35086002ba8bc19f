/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-test-enums.h"
#include "resilient-test-record.h"
#include "resilient-test-script.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_SERVER (resilient_test_server_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientTestServer, resilient_test_server, RESILIENT_TEST, SERVER, GObject)

RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestServer     *resilient_test_server_new                    (GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestServer     *resilient_test_server_new_with_flags         (ResilientTestServerFlags   flags,
                                                                       GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestServerFlags resilient_test_server_get_flags              (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_get_port               (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
char                    *resilient_test_server_get_uri                (ResilientTestServer       *self,
                                                                       const char                *path);
RESILIENT_TEST_AVAILABLE_IN_1_0
char                    *resilient_test_server_get_uri_at_host        (ResilientTestServer       *self,
                                                                       const char                *host,
                                                                       const char                *path);
RESILIENT_TEST_AVAILABLE_IN_1_0
GTlsDatabase            *resilient_test_server_get_tls_database       (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
GTlsCertificate         *resilient_test_server_get_ca_certificate     (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
GTlsCertificate         *resilient_test_server_get_client_certificate (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean                 resilient_test_server_set_listening          (ResilientTestServer       *self,
                                                                       gboolean                   listening,
                                                                       GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_drop_connections       (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_close                  (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_enqueue_response       (ResilientTestServer       *self,
                                                                       guint                      status,
                                                                       const char                *content_type,
                                                                       GBytes                    *body);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_enqueue_redirect       (ResilientTestServer       *self,
                                                                       guint                      status,
                                                                       const char                *location);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_enqueue_retry_after    (ResilientTestServer       *self,
                                                                       guint                      status,
                                                                       const char                *retry_after);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_enqueue_fault          (ResilientTestServer       *self,
                                                                       ResilientTestFault         fault);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_enqueue_script         (ResilientTestServer       *self,
                                                                       const char                *path,
                                                                       guint                      n_times,
                                                                       ResilientTestScript       *script);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_set_response           (ResilientTestServer       *self,
                                                                       const char                *path,
                                                                       guint                      status,
                                                                       const char                *content_type,
                                                                       GBytes                    *body);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_set_fault              (ResilientTestServer       *self,
                                                                       const char                *path,
                                                                       ResilientTestFault         fault);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_set_script             (ResilientTestServer       *self,
                                                                       const char                *path,
                                                                       ResilientTestScript       *script);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_release_gate           (ResilientTestServer       *self,
                                                                       const char                *gate,
                                                                       guint                      n);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                     resilient_test_server_open_gate              (ResilientTestServer       *self,
                                                                       const char                *gate);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_get_n_requests         (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_count_requests         (ResilientTestServer       *self,
                                                                       const char                *path);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestRecord     *resilient_test_server_get_request            (ResilientTestServer       *self,
                                                                       guint                      n);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestRecord     *resilient_test_server_get_request_to         (ResilientTestServer       *self,
                                                                       const char                *path,
                                                                       guint                      n);
RESILIENT_TEST_AVAILABLE_IN_1_0
char                    *resilient_test_server_get_request_header     (ResilientTestServer       *self,
                                                                       guint                      n,
                                                                       const char                *name);
RESILIENT_TEST_AVAILABLE_IN_1_0
GPtrArray               *resilient_test_server_list_requests          (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_get_n_connections      (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_get_n_closed           (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                    resilient_test_server_get_max_concurrent     (ResilientTestServer       *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean                 resilient_test_server_wait_for_requests      (ResilientTestServer       *self,
                                                                       guint                      n,
                                                                       double                     timeout,
                                                                       GCancellable              *cancellable,
                                                                       GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean                 resilient_test_server_wait_for_connections   (ResilientTestServer       *self,
                                                                       guint                      n,
                                                                       double                     timeout,
                                                                       GCancellable              *cancellable,
                                                                       GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean                 resilient_test_server_wait_for_closed        (ResilientTestServer       *self,
                                                                       guint                      n,
                                                                       double                     timeout,
                                                                       GCancellable              *cancellable,
                                                                       GError                   **error);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean                 resilient_test_server_wait_for_gate          (ResilientTestServer       *self,
                                                                       const char                *gate,
                                                                       guint                      n,
                                                                       double                     timeout,
                                                                       GCancellable              *cancellable,
                                                                       GError                   **error);

G_END_DECLS
