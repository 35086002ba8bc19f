/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <gio/gio.h>

#include "resilient-test-enums.h"

G_BEGIN_DECLS

#define RESILIENT_TEST_TYPE_SCRIPT (resilient_test_script_get_type ())

typedef struct _ResilientTestScript ResilientTestScript;

RESILIENT_TEST_AVAILABLE_IN_1_0
GType                resilient_test_script_get_type             (void) G_GNUC_CONST;
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestScript *resilient_test_script_new                  (void);
RESILIENT_TEST_AVAILABLE_IN_1_0
ResilientTestScript *resilient_test_script_ref                  (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_unref                (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_response         (ResilientTestScript *self,
                                                                 guint                status,
                                                                 const char * const  *headers,
                                                                 GBytes              *body);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_chunked_response (ResilientTestScript *self,
                                                                 guint                status,
                                                                 const char * const  *headers,
                                                                 GBytes              *body,
                                                                 gsize                chunk_size);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_fault            (ResilientTestScript *self,
                                                                 ResilientTestFault   fault);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_head             (ResilientTestScript *self,
                                                                 guint                status,
                                                                 const char * const  *headers);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_bytes            (ResilientTestScript *self,
                                                                 GBytes              *bytes);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_text             (ResilientTestScript *self,
                                                                 const char          *text);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_drip             (ResilientTestScript *self,
                                                                 GBytes              *bytes,
                                                                 double               interval);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_gated_drip       (ResilientTestScript *self,
                                                                 GBytes              *bytes,
                                                                 const char          *gate);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_filler           (ResilientTestScript *self,
                                                                 guint64              size);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_header_flood     (ResilientTestScript *self,
                                                                 guint64              size);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_read             (ResilientTestScript *self,
                                                                 guint64              size);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_gated_read       (ResilientTestScript *self,
                                                                 gsize                chunk_size,
                                                                 const char          *gate);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_gate             (ResilientTestScript *self,
                                                                 const char          *gate);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_pause            (ResilientTestScript *self,
                                                                 double               seconds);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_silence          (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_await_next       (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_close            (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_cut              (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_reset            (ResilientTestScript *self);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_stream_reset     (ResilientTestScript *self,
                                                                 guint                code);
RESILIENT_TEST_AVAILABLE_IN_1_0
void                 resilient_test_script_add_goaway           (ResilientTestScript *self,
                                                                 guint                code,
                                                                 gboolean             processed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientTestScript, resilient_test_script_unref)

G_END_DECLS
