/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include "resilient-body-private.h"
#include "resilient-clock-private.h"
#include "resilient-deadlines-private.h"
#include "resilient-transport-attempt-private.h"
#include "resilient-network-private.h"
#include "resilient-random-private.h"
#include "resilient-redirect-private.h"
#include "resilient-retry-after-private.h"

/* What of the library's hidden functions the test kit uses. The library exports its API and nothing
 * else: the kit, a shared library of its own, finds this table as data of the client's type. The
 * two share structs, and so are of one version. Constant, for any thread. */

G_BEGIN_DECLS

typedef struct _ResilientClient ResilientClient;

/* For the test kit: FALSE once the client has a transport, that is from its first call on. */
gboolean resilient_client_set_transport (ResilientClient *self, ResilientTransport *transport);

#define RESILIENT_SEAMS(SEAM)                                                                      \
  SEAM (resilient_timer_queue_clear)                                                               \
  SEAM (resilient_timer_queue_get_context)                                                         \
  SEAM (resilient_timer_queue_get_next_due)                                                        \
  SEAM (resilient_timer_queue_list)                                                                \
  SEAM (resilient_timer_queue_ref)                                                                 \
  SEAM (resilient_timer_queue_set)                                                                 \
  SEAM (resilient_timer_queue_unref)                                                               \
  SEAM (resilient_body_begin)                                                                      \
  SEAM (resilient_body_get_content_type)                                                           \
  SEAM (resilient_body_is_replayable)                                                              \
  SEAM (resilient_body_open)                                                                       \
  SEAM (resilient_body_release)                                                                    \
  SEAM (resilient_client_set_transport)                                                            \
  SEAM (resilient_clock_add)                                                                       \
  SEAM (resilient_clock_from_seconds)                                                              \
  SEAM (resilient_clock_get_boot)                                                                  \
  SEAM (resilient_clock_get_real)                                                                  \
  SEAM (resilient_clock_install)                                                                   \
  SEAM (resilient_clock_moved)                                                                     \
  SEAM (resilient_clock_to_seconds)                                                                \
  SEAM (resilient_deadlines_check)                                                                 \
  SEAM (resilient_deadlines_enter)                                                                 \
  SEAM (resilient_deadlines_get_due)                                                               \
  SEAM (resilient_deadlines_init)                                                                  \
  SEAM (resilient_deadlines_make_error)                                                            \
  SEAM (resilient_failure_from_error)                                                              \
  SEAM (resilient_headers_append)                                                                  \
  SEAM (resilient_headers_get_length)                                                              \
  SEAM (resilient_headers_get_list)                                                                \
  SEAM (resilient_headers_get_nth)                                                                 \
  SEAM (resilient_headers_get_one)                                                                 \
  SEAM (resilient_headers_name_is_valid)                                                           \
  SEAM (resilient_headers_new)                                                                     \
  SEAM (resilient_headers_ref)                                                                     \
  SEAM (resilient_headers_replace)                                                                 \
  SEAM (resilient_headers_unref)                                                                   \
  SEAM (resilient_headers_value_is_valid)                                                          \
  SEAM (resilient_request_plan_clear)                                                              \
  SEAM (resilient_request_plan_init)                                                               \
  SEAM (resilient_request_plan_merge_headers)                                                      \
  SEAM (resilient_network_install_monitor)                                                         \
  SEAM (resilient_random_seed)                                                                     \
  SEAM (resilient_random_unseed)                                                                   \
  SEAM (resilient_frozen_request_get_body)                                                         \
  SEAM (resilient_frozen_request_get_headers)                                                      \
  SEAM (resilient_frozen_request_get_method)                                                       \
  SEAM (resilient_frozen_request_peek_uri)                                                         \
  SEAM (resilient_frozen_request_ref)                                                              \
  SEAM (resilient_frozen_request_unref)                                                            \
  SEAM (resilient_response_new_full)                                                               \
  SEAM (resilient_retry_after_parse_all)                                                           \
  SEAM (resilient_transport_ref)                                                                   \
  SEAM (resilient_transport_unref)

typedef struct
{
  /* These two stay the first for ever. */
  gsize size;
  const char *version; /* RESILIENT_VERSION_S of the library */

#define RESILIENT_SEAM_FIELD(function) __typeof__ (function) *function;
  RESILIENT_SEAMS (RESILIENT_SEAM_FIELD)
#undef RESILIENT_SEAM_FIELD
} ResilientSeams;

#define RESILIENT_SEAMS_QUARK (g_quark_from_static_string ("resilient-testkit-1"))

/* From the client's class_init. */
void resilient_seams_offer (GType client_type);

G_END_DECLS
