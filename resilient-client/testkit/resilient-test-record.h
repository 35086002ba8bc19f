/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_RECORD (resilient_test_record_get_type ())

typedef struct _ResilientTestRecord ResilientTestRecord;

RESILIENT_TEST_AVAILABLE_IN_1_0
GType                resilient_test_record_get_type       (void) G_GNUC_CONST;
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestRecord *resilient_test_record_ref            (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_record_unref          (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestRecord *resilient_test_record_copy           (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gint64               resilient_test_record_get_arrived_at (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint                resilient_test_record_get_connection (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char          *resilient_test_record_get_method     (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char          *resilient_test_record_get_path       (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char          *resilient_test_record_get_version    (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char          *resilient_test_record_get_header     (ResilientTestRecord *self,
                                                           const char          *name);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char * const  *resilient_test_record_get_headers     (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
GBytes     *resilient_test_record_get_body        (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
guint64     resilient_test_record_get_body_size   (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
const char *resilient_test_record_get_body_sha256 (ResilientTestRecord *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
gboolean    resilient_test_record_is_whole        (ResilientTestRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTestRecord, resilient_test_record_unref)

G_END_DECLS
