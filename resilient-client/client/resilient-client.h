/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_INSIDE) && !defined(RESILIENT_COMPILATION)
#error "Only <resilient.h> can be included directly."
#endif

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "resilient-call.h"
#include "resilient-origin.h"
#include "resilient-request-context.h"
#include "resilient-request.h"
#include "resilient-response.h"
#include "resilient-result.h"
#include "resilient-stats.h"
#include "resilient-subscription.h"

G_BEGIN_DECLS

#define RESILIENT_TYPE_CLIENT (resilient_client_get_type ())

RESILIENT_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (ResilientClient, resilient_client, RESILIENT, CLIENT, GObject)

RESILIENT_AVAILABLE_IN_1_0
ResilientClient *resilient_client_new (void);

RESILIENT_AVAILABLE_IN_1_0
ResilientClient *resilient_client_new_standard (void);

RESILIENT_AVAILABLE_IN_1_0
ResilientClient *resilient_client_new_with_session (SoupSession *session);

RESILIENT_AVAILABLE_IN_1_0
SoupSession *resilient_client_get_session   (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
SoupSession *resilient_client_share_session (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
GMainContext *resilient_client_get_main_context (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientRetryPolicy *resilient_client_get_retry_policy (ResilientClient      *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_client_set_retry_policy (ResilientClient      *self,
                                                         ResilientRetryPolicy *retry_policy);

RESILIENT_AVAILABLE_IN_1_0
ResilientCircuitPolicy *resilient_client_get_circuit_policy (ResilientClient        *self);
RESILIENT_AVAILABLE_IN_1_0
void                    resilient_client_set_circuit_policy (ResilientClient        *self,
                                                             ResilientCircuitPolicy *circuit_policy);

RESILIENT_AVAILABLE_IN_1_0
ResilientRateLimiter *resilient_client_get_rate_limiter (ResilientClient      *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_client_set_rate_limiter (ResilientClient      *self,
                                                         ResilientRateLimiter *rate_limiter);

RESILIENT_AVAILABLE_IN_1_0
ResilientRetryBudget *resilient_client_get_retry_budget (ResilientClient      *self);
RESILIENT_AVAILABLE_IN_1_0
void                  resilient_client_set_retry_budget (ResilientClient      *self,
                                                         ResilientRetryBudget *retry_budget);

RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_client_get_adaptive_concurrency (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void     resilient_client_set_adaptive_concurrency (ResilientClient *self,
                                                    gboolean         adaptive_concurrency);

RESILIENT_AVAILABLE_IN_1_0
const char *resilient_client_get_user_agent (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void        resilient_client_set_user_agent (ResilientClient *self,
                                             const char      *user_agent);

RESILIENT_AVAILABLE_IN_1_0
int  resilient_client_get_io_priority (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void resilient_client_set_io_priority (ResilientClient *self,
                                       int              io_priority);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_max_concurrent (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void  resilient_client_set_max_concurrent (ResilientClient *self,
                                           guint            max_concurrent);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_max_concurrent_per_host (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void  resilient_client_set_max_concurrent_per_host (ResilientClient *self,
                                                    guint            max_concurrent_per_host);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_max_pending (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void  resilient_client_set_max_pending (ResilientClient *self,
                                        guint            max_pending);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_connect_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_connect_timeout (ResilientClient *self,
                                             double           connect_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_read_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_read_timeout (ResilientClient *self,
                                          double           read_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_write_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_write_timeout (ResilientClient *self,
                                           double           write_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_queue_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_queue_timeout (ResilientClient *self,
                                           double           queue_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_attempt_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_attempt_timeout (ResilientClient *self,
                                             double           attempt_timeout);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_total_timeout (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_total_timeout (ResilientClient *self,
                                           double           total_timeout);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_event_queue_capacity (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void  resilient_client_set_event_queue_capacity (ResilientClient *self,
                                                 guint            event_queue_capacity);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_max_results (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void  resilient_client_set_max_results (ResilientClient *self,
                                        guint            max_results);

RESILIENT_AVAILABLE_IN_1_0
double resilient_client_get_result_ttl (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void   resilient_client_set_result_ttl (ResilientClient *self,
                                        double           result_ttl);

RESILIENT_AVAILABLE_IN_1_0
guint64 resilient_client_get_max_result_bytes (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void    resilient_client_set_max_result_bytes (ResilientClient *self,
                                               guint64          max_result_bytes);

RESILIENT_AVAILABLE_IN_1_0
guint64 resilient_client_get_max_response_size (ResilientClient *self);
RESILIENT_AVAILABLE_IN_1_0
void    resilient_client_set_max_response_size (ResilientClient *self,
                                                guint64          max_response_size);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_active_count (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_pending_count (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_result_count (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_get_event_queue_length (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint64 resilient_client_get_dropped_events (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_client_get_closed (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
GListModel *resilient_client_get_calls (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
GListModel *resilient_client_get_origins (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_client_set_default_header (ResilientClient  *self,
                                              const char       *name,
                                              const char       *value,
                                              GError          **error);

RESILIENT_AVAILABLE_IN_1_0
ResilientOrigin *resilient_client_get_origin (ResilientClient  *self,
                                              const char       *uri,
                                              GError          **error);

RESILIENT_AVAILABLE_IN_1_0
ResilientCall *resilient_client_start (ResilientClient         *self,
                                       ResilientRequest        *request,
                                       ResilientRequestContext *context,
                                       GCancellable            *cancellable);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_send_async  (ResilientClient          *self,
                                                 ResilientRequest         *request,
                                                 ResilientRequestContext  *context,
                                                 GCancellable             *cancellable,
                                                 GAsyncReadyCallback       callback,
                                                 gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_send_finish (ResilientClient          *self,
                                                 GAsyncResult             *result,
                                                 GError                  **error);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_send        (ResilientClient          *self,
                                                 ResilientRequest         *request,
                                                 ResilientRequestContext  *context,
                                                 GCancellable             *cancellable,
                                                 GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void resilient_client_get_async (ResilientClient         *self,
                                 const char              *uri,
                                 ResilientRequestContext *context,
                                 GCancellable            *cancellable,
                                 GAsyncReadyCallback      callback,
                                 gpointer                 user_data);

RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_get_finish (ResilientClient  *self,
                                                GAsyncResult     *result,
                                                GError          **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_head_async  (ResilientClient          *self,
                                                 const char               *uri,
                                                 ResilientRequestContext  *context,
                                                 GCancellable             *cancellable,
                                                 GAsyncReadyCallback       callback,
                                                 gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_head_finish (ResilientClient          *self,
                                                 GAsyncResult             *result,
                                                 GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_options_async  (ResilientClient          *self,
                                                    const char               *uri,
                                                    ResilientRequestContext  *context,
                                                    GCancellable             *cancellable,
                                                    GAsyncReadyCallback       callback,
                                                    gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_options_finish (ResilientClient          *self,
                                                    GAsyncResult             *result,
                                                    GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_delete_async  (ResilientClient          *self,
                                                   const char               *uri,
                                                   ResilientRequestContext  *context,
                                                   GCancellable             *cancellable,
                                                   GAsyncReadyCallback       callback,
                                                   gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_delete_finish (ResilientClient          *self,
                                                   GAsyncResult             *result,
                                                   GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_post_async  (ResilientClient          *self,
                                                 const char               *uri,
                                                 const char               *content_type,
                                                 GBytes                   *body,
                                                 ResilientRequestContext  *context,
                                                 GCancellable             *cancellable,
                                                 GAsyncReadyCallback       callback,
                                                 gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_post_finish (ResilientClient          *self,
                                                 GAsyncResult             *result,
                                                 GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_put_async  (ResilientClient          *self,
                                                const char               *uri,
                                                const char               *content_type,
                                                GBytes                   *body,
                                                ResilientRequestContext  *context,
                                                GCancellable             *cancellable,
                                                GAsyncReadyCallback       callback,
                                                gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_put_finish (ResilientClient          *self,
                                                GAsyncResult             *result,
                                                GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_client_patch_async  (ResilientClient          *self,
                                                  const char               *uri,
                                                  const char               *content_type,
                                                  GBytes                   *body,
                                                  ResilientRequestContext  *context,
                                                  GCancellable             *cancellable,
                                                  GAsyncReadyCallback       callback,
                                                  gpointer                  user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_client_patch_finish (ResilientClient          *self,
                                                  GAsyncResult             *result,
                                                  GError                  **error);

RESILIENT_AVAILABLE_IN_1_0
void             resilient_client_wait_result_async  (ResilientClient      *self,
                                                      const char           *request_id,
                                                      double                timeout,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResult *resilient_client_wait_result_finish (ResilientClient      *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);

RESILIENT_AVAILABLE_IN_1_0
void       resilient_client_wait_all_async  (ResilientClient      *self,
                                             GCancellable         *cancellable,
                                             GAsyncReadyCallback   callback,
                                             gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
GPtrArray *resilient_client_wait_all_finish (ResilientClient      *self,
                                             GAsyncResult         *result,
                                             GError              **error);

RESILIENT_AVAILABLE_IN_1_0
ResilientResult *resilient_client_get_result (ResilientClient *self,
                                              const char      *request_id);

RESILIENT_AVAILABLE_IN_1_0
GPtrArray *resilient_client_list_results (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_clear_old_results (ResilientClient *self,
                                          double           max_age);

RESILIENT_AVAILABLE_IN_1_0
ResilientStats *resilient_client_get_stats (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
guint resilient_client_cancel (ResilientClient *self,
                               const char      *request_id);

RESILIENT_AVAILABLE_IN_1_0
void resilient_client_cancel_all (ResilientClient *self);

RESILIENT_AVAILABLE_IN_1_0
ResilientSubscription *resilient_client_subscribe (ResilientClient *self,
                                                   guint            capacity);

RESILIENT_AVAILABLE_IN_1_0
void     resilient_client_close_async  (ResilientClient      *self,
                                        double                grace,
                                        GCancellable         *cancellable,
                                        GAsyncReadyCallback   callback,
                                        gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
gboolean resilient_client_close_finish (ResilientClient      *self,
                                        GAsyncResult         *result,
                                        GError              **error);

RESILIENT_AVAILABLE_IN_1_0
void               resilient_fetch_async  (const char           *method,
                                           const char           *uri,
                                           int                   max_retries,
                                           double                timeout,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_fetch_finish (GAsyncResult         *result,
                                           GError              **error);
RESILIENT_AVAILABLE_IN_1_0
ResilientResponse *resilient_fetch        (const char           *method,
                                           const char           *uri,
                                           int                   max_retries,
                                           double                timeout,
                                           GCancellable         *cancellable,
                                           GError              **error);

G_END_DECLS

