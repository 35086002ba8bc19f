/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#if !defined(RESILIENT_TEST_INSIDE) && !defined(RESILIENT_TEST_COMPILATION)
#error "Only <resilient-test.h> can be included directly."
#endif

#include <glib-object.h>

#include "resilient-test-version-macros.h"

G_BEGIN_DECLS

/**
 * ResilientTestServerFlags:
 * @RESILIENT_TEST_SERVER_NONE: HTTP/1.1 without encryption
 * @RESILIENT_TEST_SERVER_TLS: HTTP/1.1 over TLS
 * @RESILIENT_TEST_SERVER_HTTP2: HTTP/2 over TLS; a client that does not ask for it is answered by HTTP/1.1
 * @RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE: over TLS, and a client without a certificate is refused
 *
 * What a [class@Server] speaks.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_TEST_SERVER_NONE = 0,
  RESILIENT_TEST_SERVER_TLS = 1 << 0,
  RESILIENT_TEST_SERVER_HTTP2 = 1 << 1,
  RESILIENT_TEST_SERVER_CLIENT_CERTIFICATE = 1 << 2,
} ResilientTestServerFlags;

#define RESILIENT_TEST_TYPE_SERVER_FLAGS (resilient_test_server_flags_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
GType resilient_test_server_flags_get_type (void) G_GNUC_CONST;

/**
 * ResilientTestFault:
 * @RESILIENT_TEST_FAULT_REFUSE: nobody listens: connects are refused until
 *   [method@Server.set_listening] says otherwise
 * @RESILIENT_TEST_FAULT_FULL_BACKLOG: nobody accepts: connects hang until
 *   [method@Server.set_listening] says otherwise
 * @RESILIENT_TEST_FAULT_RESET_ON_ACCEPT: the connection is accepted and reset (RST); a client may see
 *   that as a connect that fails
 * @RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT: the connection is accepted and closed (FIN)
 * @RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE: the connection is closed once the client said something
 * @RESILIENT_TEST_FAULT_TLS_CUT: the TLS handshake is cut after the client's first message
 * @RESILIENT_TEST_FAULT_TLS_SILENCE: the TLS handshake is never answered
 * @RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE: the certificate is no longer valid
 * @RESILIENT_TEST_FAULT_WRONG_HOST: the certificate is that of another host
 * @RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS: the connection is closed once the headers of the
 *   request have come, before its body is read
 * @RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST: the connection is closed (FIN) once the whole request
 *   has come, without an answer
 * @RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST: the connection is reset (RST) once the whole request
 *   has come, without an answer
 * @RESILIENT_TEST_FAULT_SILENCE: the request is never answered
 * @RESILIENT_TEST_FAULT_CUT_STATUS_LINE: the answer ends after its first byte
 * @RESILIENT_TEST_FAULT_CUT_HEADERS: the answer ends amid its headers
 * @RESILIENT_TEST_FAULT_CUT_BODY: the body ends before its Content-Length
 * @RESILIENT_TEST_FAULT_RESET_IN_BODY: the connection is reset amid the body
 * @RESILIENT_TEST_FAULT_CUT_CHUNK: a chunked body ends amid a chunk
 * @RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS: a chunked body ends after a chunk, without the last one
 * @RESILIENT_TEST_FAULT_CUT_GZIP: the answer is whole, the gzip stream in it is not
 * @RESILIENT_TEST_FAULT_CORRUPT_GZIP: the answer is whole, the gzip stream in it is corrupt
 * @RESILIENT_TEST_FAULT_SILENCE_IN_BODY: the body stops, and the connection stays open
 * @RESILIENT_TEST_FAULT_DRIP: the body comes a byte at a time, ten bytes a second
 * @RESILIENT_TEST_FAULT_GARBAGE: the answer is not HTTP
 * @RESILIENT_TEST_FAULT_HEADER_FLOOD: the headers of the answer never end
 * @RESILIENT_TEST_FAULT_ENDLESS_BODY: the body of the answer never ends
 * @RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT: the body is longer than its Content-Length
 * @RESILIENT_TEST_FAULT_LENGTH_TOO_LONG: the body is shorter than its Content-Length, and the
 *   connection stays open
 * @RESILIENT_TEST_FAULT_LENGTH_INVALID: the Content-Length is no number
 * @RESILIENT_TEST_FAULT_INFORMATIONAL: answers 102 and 103 come before the good one
 * @RESILIENT_TEST_FAULT_REDIRECT_LOOP: a redirect (302) to the same URI
 * @RESILIENT_TEST_FAULT_REDIRECT_NOWHERE: a redirect (302) without a Location
 * @RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS: status 429 with `Retry-After: 1`
 * @RESILIENT_TEST_FAULT_UNAVAILABLE: status 503 with `Retry-After: 1`
 * @RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE: a good answer, and the connection is reset when the next
 *   request comes on it
 * @RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE: a good answer that promises to keep the connection, which
 *   is then closed
 * @RESILIENT_TEST_FAULT_GOAWAY: HTTP/2: the server goes away without having looked at the request
 * @RESILIENT_TEST_FAULT_REFUSED_STREAM: HTTP/2: the stream is reset as not looked at
 * @RESILIENT_TEST_FAULT_RESET_STREAM: HTTP/2: the stream is reset amid the body, with INTERNAL_ERROR
 *
 * What a [class@Server] can do wrong.
 *
 * Those up to %RESILIENT_TEST_FAULT_WRONG_HOST are faults of a connection: a client meets them before
 * it can send a request. All others answer a request. Each means the same over HTTP/1.1 and HTTP/2,
 * as far as there is such a thing; where there is not, the connection is closed without an answer.
 *
 * More values may be added.
 *
 * Since: 1.0
 */
typedef enum
{
  RESILIENT_TEST_FAULT_REFUSE,
  RESILIENT_TEST_FAULT_FULL_BACKLOG,
  RESILIENT_TEST_FAULT_RESET_ON_ACCEPT,
  RESILIENT_TEST_FAULT_CLOSE_ON_ACCEPT,
  RESILIENT_TEST_FAULT_CLOSE_ON_FIRST_BYTE,
  RESILIENT_TEST_FAULT_TLS_CUT,
  RESILIENT_TEST_FAULT_TLS_SILENCE,
  RESILIENT_TEST_FAULT_EXPIRED_CERTIFICATE,
  RESILIENT_TEST_FAULT_WRONG_HOST,
  RESILIENT_TEST_FAULT_CLOSE_AFTER_HEADERS,
  RESILIENT_TEST_FAULT_CLOSE_AFTER_REQUEST,
  RESILIENT_TEST_FAULT_RESET_AFTER_REQUEST,
  RESILIENT_TEST_FAULT_SILENCE,
  RESILIENT_TEST_FAULT_CUT_STATUS_LINE,
  RESILIENT_TEST_FAULT_CUT_HEADERS,
  RESILIENT_TEST_FAULT_CUT_BODY,
  RESILIENT_TEST_FAULT_RESET_IN_BODY,
  RESILIENT_TEST_FAULT_CUT_CHUNK,
  RESILIENT_TEST_FAULT_CUT_BETWEEN_CHUNKS,
  RESILIENT_TEST_FAULT_CUT_GZIP,
  RESILIENT_TEST_FAULT_CORRUPT_GZIP,
  RESILIENT_TEST_FAULT_SILENCE_IN_BODY,
  RESILIENT_TEST_FAULT_DRIP,
  RESILIENT_TEST_FAULT_GARBAGE,
  RESILIENT_TEST_FAULT_HEADER_FLOOD,
  RESILIENT_TEST_FAULT_ENDLESS_BODY,
  RESILIENT_TEST_FAULT_LENGTH_TOO_SHORT,
  RESILIENT_TEST_FAULT_LENGTH_TOO_LONG,
  RESILIENT_TEST_FAULT_LENGTH_INVALID,
  RESILIENT_TEST_FAULT_INFORMATIONAL,
  RESILIENT_TEST_FAULT_REDIRECT_LOOP,
  RESILIENT_TEST_FAULT_REDIRECT_NOWHERE,
  RESILIENT_TEST_FAULT_TOO_MANY_REQUESTS,
  RESILIENT_TEST_FAULT_UNAVAILABLE,
  RESILIENT_TEST_FAULT_RESET_KEPT_ALIVE,
  RESILIENT_TEST_FAULT_CLOSE_KEPT_ALIVE,
  RESILIENT_TEST_FAULT_GOAWAY,
  RESILIENT_TEST_FAULT_REFUSED_STREAM,
  RESILIENT_TEST_FAULT_RESET_STREAM,
} ResilientTestFault;

#define RESILIENT_TEST_TYPE_FAULT (resilient_test_fault_get_type ())

RESILIENT_TEST_AVAILABLE_IN_1_0
GType resilient_test_fault_get_type (void) G_GNUC_CONST;

G_END_DECLS
