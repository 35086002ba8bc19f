/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The library's hidden functions that the test kit calls, by their names, through a table that the
 * library carries. Any thread. */

#pragma once

#include "resilient-seams-private.h"

G_BEGIN_DECLS

/* The kit's sources call the library's hidden functions by their names. In the kit's shared library
 * they are reached through the table that the client's type carries; programs that link the
 * library's static parts reach them directly. */
#ifndef RESILIENT_TEST_DIRECT
/* Aborts with a message when the library is not of the kit's version. */
const ResilientSeams *resilient_test_get_seams (void);

#define resilient_timer_queue_clear (resilient_test_get_seams ()->resilient_timer_queue_clear)
#define resilient_timer_queue_get_context                                                          \
  (resilient_test_get_seams ()->resilient_timer_queue_get_context)
#define resilient_timer_queue_get_next_due                                                         \
  (resilient_test_get_seams ()->resilient_timer_queue_get_next_due)
#define resilient_timer_queue_list (resilient_test_get_seams ()->resilient_timer_queue_list)
#define resilient_timer_queue_ref (resilient_test_get_seams ()->resilient_timer_queue_ref)
#define resilient_timer_queue_set (resilient_test_get_seams ()->resilient_timer_queue_set)
#define resilient_timer_queue_unref (resilient_test_get_seams ()->resilient_timer_queue_unref)
#define resilient_body_begin (resilient_test_get_seams ()->resilient_body_begin)
#define resilient_body_get_content_type                                                            \
  (resilient_test_get_seams ()->resilient_body_get_content_type)
#define resilient_body_is_replayable (resilient_test_get_seams ()->resilient_body_is_replayable)
#define resilient_body_open (resilient_test_get_seams ()->resilient_body_open)
#define resilient_body_release (resilient_test_get_seams ()->resilient_body_release)
#define resilient_client_set_transport (resilient_test_get_seams ()->resilient_client_set_transport)
#define resilient_clock_add (resilient_test_get_seams ()->resilient_clock_add)
#define resilient_clock_from_seconds (resilient_test_get_seams ()->resilient_clock_from_seconds)
#define resilient_clock_get_boot (resilient_test_get_seams ()->resilient_clock_get_boot)
#define resilient_clock_get_real (resilient_test_get_seams ()->resilient_clock_get_real)
#define resilient_clock_install (resilient_test_get_seams ()->resilient_clock_install)
#define resilient_clock_moved (resilient_test_get_seams ()->resilient_clock_moved)
#define resilient_clock_to_seconds (resilient_test_get_seams ()->resilient_clock_to_seconds)
#define resilient_deadlines_check (resilient_test_get_seams ()->resilient_deadlines_check)
#define resilient_deadlines_enter (resilient_test_get_seams ()->resilient_deadlines_enter)
#define resilient_deadlines_get_due (resilient_test_get_seams ()->resilient_deadlines_get_due)
#define resilient_deadlines_init (resilient_test_get_seams ()->resilient_deadlines_init)
#define resilient_deadlines_make_error (resilient_test_get_seams ()->resilient_deadlines_make_error)
#define resilient_failure_from_error (resilient_test_get_seams ()->resilient_failure_from_error)
#define resilient_headers_append (resilient_test_get_seams ()->resilient_headers_append)
#define resilient_headers_get_length (resilient_test_get_seams ()->resilient_headers_get_length)
#define resilient_headers_get_list (resilient_test_get_seams ()->resilient_headers_get_list)
#define resilient_headers_get_nth (resilient_test_get_seams ()->resilient_headers_get_nth)
#define resilient_headers_get_one (resilient_test_get_seams ()->resilient_headers_get_one)
#define resilient_headers_name_is_valid                                                            \
  (resilient_test_get_seams ()->resilient_headers_name_is_valid)
#define resilient_headers_new (resilient_test_get_seams ()->resilient_headers_new)
#define resilient_headers_ref (resilient_test_get_seams ()->resilient_headers_ref)
#define resilient_headers_replace (resilient_test_get_seams ()->resilient_headers_replace)
#define resilient_headers_unref (resilient_test_get_seams ()->resilient_headers_unref)
#define resilient_headers_value_is_valid                                                           \
  (resilient_test_get_seams ()->resilient_headers_value_is_valid)
#define resilient_request_plan_clear (resilient_test_get_seams ()->resilient_request_plan_clear)
#define resilient_request_plan_init (resilient_test_get_seams ()->resilient_request_plan_init)
#define resilient_request_plan_merge_headers                                                       \
  (resilient_test_get_seams ()->resilient_request_plan_merge_headers)
#define resilient_network_install_monitor                                                          \
  (resilient_test_get_seams ()->resilient_network_install_monitor)
#define resilient_random_seed (resilient_test_get_seams ()->resilient_random_seed)
#define resilient_random_unseed (resilient_test_get_seams ()->resilient_random_unseed)
#define resilient_frozen_request_get_body                                                          \
  (resilient_test_get_seams ()->resilient_frozen_request_get_body)
#define resilient_frozen_request_get_headers                                                       \
  (resilient_test_get_seams ()->resilient_frozen_request_get_headers)
#define resilient_frozen_request_get_method                                                        \
  (resilient_test_get_seams ()->resilient_frozen_request_get_method)
#define resilient_frozen_request_peek_uri                                                          \
  (resilient_test_get_seams ()->resilient_frozen_request_peek_uri)
#define resilient_frozen_request_ref (resilient_test_get_seams ()->resilient_frozen_request_ref)
#define resilient_frozen_request_unref (resilient_test_get_seams ()->resilient_frozen_request_unref)
#define resilient_response_new_full (resilient_test_get_seams ()->resilient_response_new_full)
#define resilient_retry_after_parse_all                                                            \
  (resilient_test_get_seams ()->resilient_retry_after_parse_all)
#define resilient_transport_ref (resilient_test_get_seams ()->resilient_transport_ref)
#define resilient_transport_unref (resilient_test_get_seams ()->resilient_transport_unref)
#endif

G_END_DECLS
