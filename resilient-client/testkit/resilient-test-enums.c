/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-test-enums.h"

G_DEFINE_FLAGS_TYPE (ResilientTestServerFlags, resilient_test_server_flags,
                     G_DEFINE_ENUM_VALUE (RESILIENT_TEST_SERVER_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_TEST_SERVER_TLS, "tls"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_TEST_SERVER_HTTP2, "http2"),
                     G_DEFINE_ENUM_VALUE (RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE, "client-certificate"))

G_DEFINE_ENUM_TYPE (ResilientTestFault, resilient_test_fault,
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_REFUSE, "refuse"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_FULL_BACKLOG, "full-backlog"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_RESET_ON_ACCEPT, "reset-on-accept"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT, "close-on-accept"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE, "close-on-first-byte"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_TLS_CUT, "tls-cut"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_TLS_SILENCE, "tls-silence"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE, "expired-certificate"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_WRONG_HOST, "wrong-host"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS, "close-after-headers"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST, "close-after-request"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST, "reset-after-request"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_SILENCE, "silence"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_STATUS_LINE, "cut-status-line"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_HEADERS, "cut-headers"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_BODY, "cut-body"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_RESET_IN_BODY, "reset-in-body"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_CHUNK, "cut-chunk"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS, "cut-between-chunks"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CUT_GZIP, "cut-gzip"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CORRUPT_GZIP, "corrupt-gzip"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_SILENCE_IN_BODY, "silence-in-body"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_DRIP, "drip"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_GARBAGE, "garbage"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_HEADER_FLOOD, "header-flood"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_ENDLESS_BODY, "endless-body"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT, "length-too-short"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_LENGTH_TOO_LONG, "length-too-long"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_LENGTH_INVALID, "length-invalid"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_INFORMATIONAL, "informational"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_REDIRECT_LOOP, "redirect-loop"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_REDIRECT_NOWHERE, "redirect-nowhere"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS, "too-many-requests"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_UNAVAILABLE, "unavailable"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE, "reset-kept-alive"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE, "close-kept-alive"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_GOAWAY, "goaway"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_REFUSED_STREAM, "refused-stream"),
                    G_DEFINE_ENUM_VALUE (RESILIENT_TEST_FAULT_RESET_STREAM, "reset-stream"))
