/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "resilient-enums.h"
#include "resilient-request-context.h"
#include "resilient-response.h"
#include "resilient-retry-policy.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_REQUEST (resilient_request_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientRequest, resilient_request, RESILIENT, REQUEST, GObject)

/**
 * ResilientBodyFunc:
 * @user_data: (closure): the data given with the function
 * @error: return location for an error
 *
 * Opens the body of a request from its beginning, once for every send.
 *
 * Returns: (transfer full): a stream at its beginning, or %NULL with @error set
 *
 * Since: 1.0
 */
typedef GInputStream *(*ResilientBodyFunc) (gpointer user_data, GError **error);

/**
 * ResilientFallbackFunc:
 * @context: who the request is
 * @response: (nullable): the answer of the last attempt, of a status that the policy takes for a
 *   failure; %NULL if there was none
 * @error: (nullable): what the request would end with; %NULL if there is a @response
 * @user_data: (closure): the data given with the function
 *
 * Gives an answer to a request that has failed, such as one that was stored before.
 *
 * Returns: (transfer full) (nullable): the response that the request ends with, as a success, or
 *   %NULL to let it fail
 *
 * Since: 1.0
 */
typedef ResilientResponse *(*ResilientFallbackFunc) (ResilientRequestContext *context,
                                                     ResilientResponse *response,
                                                     const GError *error,
                                                     gpointer user_data);

RESILIENT_AVAILABLE_IN_1_0
ResilientRequest *resilient_request_new (const char *method,
                                         const char *uri);

RESILIENT_AVAILABLE_IN_1_0
ResilientRequest *resilient_request_new_from_uri (const char *method,
                                                  GUri       *uri);

RESILIENT_AVAILABLE_IN_1_0
ResilientRequest *resilient_request_copy (ResilientRequest *self);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_method (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_request_set_method (ResilientRequest *self,
                                          const char       *method);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_uri (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_request_set_uri (ResilientRequest *self,
                                       const char       *uri);

RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_request_get_retry_policy (ResilientRequest     *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_request_set_retry_policy (ResilientRequest     *self,
                                                          ResilientRetryPolicy *retry_policy);

RESILIENT_AVAILABLE_IN_1_0
GVariant *resilient_request_get_metadata (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void      resilient_request_set_metadata (ResilientRequest *self,
                                          GVariant         *metadata);

RESILIENT_AVAILABLE_IN_1_0
int  resilient_request_get_priority (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_priority (ResilientRequest *self,
                                     int               priority);

RESILIENT_AVAILABLE_IN_1_0
ResilientIdempotency resilient_request_get_idempotency (ResilientRequest     *self);
RESILIENT_AVAILABLE_IN_1_0
void                 resilient_request_set_idempotency (ResilientRequest     *self,
                                                        ResilientIdempotency  idempotency);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_request_get_max_response_size (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_max_response_size (ResilientRequest *self,
                                                gint64            max_response_size);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_connect_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_connect_timeout (ResilientRequest *self,
                                              double            connect_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_read_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_read_timeout (ResilientRequest *self,
                                           double            read_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_write_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_write_timeout (ResilientRequest *self,
                                            double            write_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_queue_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_queue_timeout (ResilientRequest *self,
                                            double            queue_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_attempt_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_attempt_timeout (ResilientRequest *self,
                                              double            attempt_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_request_get_total_timeout (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_request_set_total_timeout (ResilientRequest *self,
                                            double            total_timeout);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_header (ResilientRequest *self,
                                          const char       *name);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_header (ResilientRequest *self,
                                   const char       *name,
                                   const char       *value);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_append_header (ResilientRequest *self,
                                      const char       *name,
                                      const char       *value);

RESILIENT_AVAILABLE_IN_1_0
SoupMessageHeaders *resilient_request_dup_headers (ResilientRequest *self);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_mark_header_secret (ResilientRequest *self,
                                           const char       *name);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_add_query_param (ResilientRequest *self,
                                        const char       *name,
                                        const char       *value);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_idempotency_key (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_request_set_idempotency_key (ResilientRequest *self,
                                                   const char       *idempotency_key);

RESILIENT_AVAILABLE_IN_1_0
const char *const *resilient_request_get_fallback_uris (ResilientRequest  *self);
RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_fallback_uris (ResilientRequest  *self,
                                          const char *const *fallback_uris);

RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_request_get_coalesce (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void     resilient_request_set_coalesce (ResilientRequest *self,
                                         gboolean          coalesce);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_fallback (ResilientRequest      *self,
                                     ResilientFallbackFunc  func,
                                     gpointer               user_data,
                                     GDestroyNotify         destroy);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_trace_parent (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_request_set_trace_parent (ResilientRequest *self,
                                                const char       *trace_parent);
RESILIENT_AVAILABLE_IN_1_0
const char *resilient_request_get_trace_state  (ResilientRequest *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_request_set_trace_state  (ResilientRequest *self,
                                                const char       *trace_state);

RESILIENT_AVAILABLE_IN_1_0
GBytes *resilient_request_get_body_bytes (ResilientRequest *self);

RESILIENT_AVAILABLE_IN_1_0
gint64 resilient_request_get_body_size (ResilientRequest *self);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_bytes (ResilientRequest *self,
                                       const char       *content_type,
                                       GBytes           *bytes);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_json (ResilientRequest *self,
                                      JsonNode         *json);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_form (ResilientRequest *self,
                                      GHashTable       *form);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_file (ResilientRequest *self,
                                      const char       *content_type,
                                      GFile            *file);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_stream_factory (ResilientRequest  *self,
                                                const char        *content_type,
                                                ResilientBodyFunc  func,
                                                gpointer           user_data,
                                                GDestroyNotify     destroy);

RESILIENT_AVAILABLE_IN_1_0
void resilient_request_set_body_stream (ResilientRequest *self,
                                        const char       *content_type,
                                        GInputStream     *stream,
                                        gint64            length);

G_END_DECLS
