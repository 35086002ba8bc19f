/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "resilient-version-macros.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_RESPONSE (resilient_response_get_type ())

typedef struct _ResilientResponse ResilientResponse;

RESILIENT_AVAILABLE_IN_1_0
GType               resilient_response_get_type          (void) G_GNUC_CONST;
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse  *resilient_response_new               (guint                status_code,
                                                          const char          *reason_phrase,
                                                          GUri                *uri,
                                                          SoupMessageHeaders  *headers,
                                                          GBytes              *body);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse  *resilient_response_ref               (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
void                resilient_response_unref             (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse  *resilient_response_copy              (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
guint               resilient_response_get_status_code   (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
const char         *resilient_response_get_reason_phrase (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
GUri               *resilient_response_get_uri           (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
SoupHTTPVersion     resilient_response_get_http_version  (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
const char         *resilient_response_get_header        (ResilientResponse   *self,
                                                          const char          *name);
RESILIENT_AVAILABLE_IN_1_0
SoupMessageHeaders *resilient_response_dup_headers       (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
const char         *resilient_response_get_content_type  (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
GBytes             *resilient_response_get_body          (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean            resilient_response_has_body          (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
char               *resilient_response_get_text          (ResilientResponse   *self,
                                                          GError             **error);
RESILIENT_AVAILABLE_IN_1_0
char               *resilient_response_dup_text_lenient  (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
JsonNode           *resilient_response_get_json          (ResilientResponse   *self,
                                                          GError             **error);
RESILIENT_AVAILABLE_IN_1_0
double              resilient_response_get_elapsed_time  (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
double              resilient_response_get_retry_after   (ResilientResponse   *self);
RESILIENT_AVAILABLE_IN_1_0
gboolean            resilient_response_check_status      (ResilientResponse   *self,
                                                          GError             **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientResponse, resilient_response_unref)

G_END_DECLS
