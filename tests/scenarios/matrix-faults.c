/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "matrix.h"

/* More than any cell opens. */
#define CONNECTIONS 16

/* What the server does with each request to "/". */
#define FAULT_SCRIPT(name, ...)                                                                    \
  static void name (Scene *scene) { fault_server_on (scene->server, "/", __VA_ARGS__, NULL); }

/* The same for what goes wrong in the body of the answer, of which HEAD gets the headers alone. */
#define FAULT_BODY(name, headers, ...)                                                             \
  static void name (Scene *scene)                                                                  \
  {                                                                                                \
    if (g_str_equal (scene->cell.method, "HEAD"))                                                  \
      fault_server_on (scene->server, "/", fault_head (200, headers), NULL);                       \
    else                                                                                           \
      fault_server_on (scene->server, "/", fault_head (200, headers), __VA_ARGS__, NULL);          \
  }

/* What it does with each new connection. */
#define FAULT_CONNECTION(name, ...)                                                                \
  static void name (Scene *scene)                                                                  \
  {                                                                                                \
    for (guint i = 0; i < CONNECTIONS; i++)                                                        \
      fault_server_next_connection (scene->server, __VA_ARGS__, NULL);                             \
  }

/* What it does with the first request to "/"; the next is answered well. */
#define FAULT_ONCE(name, ...)                                                                      \
  static void name (Scene *scene)                                                                  \
  {                                                                                                \
    fault_server_next (scene->server, "/", __VA_ARGS__, NULL);                                     \
    fault_server_on (scene->server, "/", fault_answer (200, NULL, "ok"), NULL);                    \
  }

/* --- connecting ------------------------------------------------------------------------------- */

static void
nothing (Scene *scene)
{
}

/* The gate opens when the client begins its request: a connection that is lost earlier may also be
 * seen as one that was never made. */
FAULT_CONNECTION (accept_fin, fault_hold ("begun"), fault_close ())
FAULT_CONNECTION (accept_reset, fault_hold ("begun"), fault_reset ())
FAULT_CONNECTION (handshake_silence, fault_silence ())
FAULT_CONNECTION (handshake_fin, fault_read (1), fault_close ())
FAULT_CONNECTION (handshake_reset, fault_read (1), fault_reset ())
FAULT_CONNECTION (handshake_garbage,
                  fault_send ("HTTP/1.1 400 Bad Request\r\n\r\n"),
                  fault_close ())

static void
proxy_refuses (Scene *scene)
{
  g_autofree char *uri = fault_server_uri (scene->server, "");
  g_autoptr (GProxyResolver) resolver = g_simple_proxy_resolver_new (uri, NULL);

  soup_session_set_proxy_resolver (resilient_client_share_session (scene->client), resolver);
  fault_server_on (scene->server, NULL, fault_answer (403, NULL, "no"), NULL);
}

/* --- the request ------------------------------------------------------------------------------ */

FAULT_CONNECTION (byte_fin, fault_read (1), fault_close ())
FAULT_CONNECTION (byte_reset, fault_read (1), fault_reset ())
FAULT_SCRIPT (headers_fin, fault_read (0), fault_close ())
FAULT_SCRIPT (headers_reset, fault_read (0), fault_reset ())
FAULT_SCRIPT (request_fin, fault_close ())
FAULT_SCRIPT (request_cut, fault_cut ())
FAULT_SCRIPT (request_reset, fault_reset ())

/* --- the head of the answer ------------------------------------------------------------------- */

FAULT_SCRIPT (status_byte, fault_send ("H"), fault_close ())
FAULT_SCRIPT (head_cut, fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_close ())
FAULT_SCRIPT (head_cut_line,
              fault_send ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
              fault_close ())
FAULT_SCRIPT (head_cut_status, fault_send ("HTTP/1.1 200 OK\r\n"), fault_close ())
FAULT_SCRIPT (head_reset, fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_reset ())
FAULT_SCRIPT (head_silence, fault_send ("HTTP/1.1 200 OK\r\nContent-Le"), fault_silence ())
FAULT_SCRIPT (silence, fault_silence ())
FAULT_SCRIPT (garbage, fault_send ("SSH-2.0-OpenSSH_9.2\r\n\r\n"), fault_silence ())
FAULT_SCRIPT (garbage_binary, fault_send ("\x15\x03\x01\x02\x02\r\n\r\n"), fault_close ())
FAULT_SCRIPT (flood_headers, fault_flood_headers (0))
FAULT_SCRIPT (early_hints,
              fault_head (103, "Link: </style.css>; rel=preload"),
              fault_answer (200, NULL, "ok"))
FAULT_SCRIPT (early_hints_fin, fault_head (103, NULL), fault_close ())

static void
flood_informational (Scene *scene)
{
  g_autoptr (GString) flood = g_string_new (NULL);

  for (guint i = 0; i < 2000; i++)
    g_string_append (flood, "HTTP/1.1 102 Processing\r\n\r\n");
  fault_server_on (
    scene->server, "/", fault_send (flood->str), fault_answer (200, NULL, "ok"), NULL);
}

/* --- the body of the answer ------------------------------------------------------------------- */

FAULT_BODY (body_cut, "Content-Length: 10", fault_send ("abc"), fault_close ())
FAULT_BODY (body_cut_tls, "Content-Length: 10", fault_send ("abc"), fault_cut ())
FAULT_BODY (body_reset, "Content-Length: 10", fault_send ("abc"), fault_reset ())
FAULT_BODY (body_silence, "Content-Length: 10", fault_send ("abc"), fault_silence ())
FAULT_BODY (body_drip, "Content-Length: 2", fault_drip ("ok", "drip", 0))
FAULT_BODY (chunk_cut, "Transfer-Encoding: chunked", fault_send ("5\r\nab"), fault_close ())
FAULT_BODY (chunk_cut_boundary,
            "Transfer-Encoding: chunked",
            fault_send ("3\r\nabc\r\n"),
            fault_close ())
FAULT_BODY (chunk_cut_size,
            "Transfer-Encoding: chunked",
            fault_send ("3\r\nabc\r\n1"),
            fault_close ())
FAULT_BODY (chunk_cut_last,
            "Transfer-Encoding: chunked",
            fault_send ("3\r\nabc\r\n0\r\n"),
            fault_close ())
FAULT_BODY (endless, NULL, fault_send_filler (0))
/* libsoup reads from a connection of HTTP/2 for as long as there is something to read */
FAULT_BODY (much, NULL, fault_send_filler (3 * 1024 * 1024))
FAULT_BODY (endless_chunk,
            "Transfer-Encoding: chunked",
            fault_send ("7fffffffffff\r\n"),
            fault_send_filler (0))
FAULT_BODY (too_large, "Content-Length: 1000000000", fault_send_filler (0))
FAULT_BODY (length_long, "Content-Length: 5", fault_send ("ok"), fault_close ())
FAULT_BODY (length_long_closing,
            "Content-Length: 5\r\nConnection: close",
            fault_send ("ok"),
            fault_close ())
FAULT_BODY (length_short, "Content-Length: 2", fault_send ("okHTTP/1.1 200 OK\r\n\r\nnot ok"))
FAULT_BODY (until_end, "Connection: close", fault_send ("ok"), fault_close ())

static void
answer_gzip (Scene *scene, FaultGzip how)
{
  g_autoptr (GBytes) body = fault_gzip ("Twice two is four, and three times three is nine.", how);

  fault_server_on (
    scene->server, "/", fault_answer_bytes (200, "Content-Encoding: gzip", body), NULL);
}

static void
gzip_cut (Scene *scene)
{
  answer_gzip (scene, FAULT_GZIP_CUT);
}

static void
gzip_corrupt (Scene *scene)
{
  answer_gzip (scene, FAULT_GZIP_CORRUPT);
}

/* --- kept-alive connections ------------------------------------------------------------------- */

FAULT_ONCE (stale_fin, fault_close ())
FAULT_ONCE (stale_reset, fault_reset ())
FAULT_ONCE (stale_headers, fault_read (0), fault_close ())

/* The answer before has more than it said, which must not be taken for an answer to what comes
 * next. */
static void
stale_answered (Scene *scene)
{
  fault_server_next (scene->server,
                     "/warm",
                     fault_head (200, "Content-Length: 2"),
                     fault_send ("okHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"),
                     NULL);
  fault_server_on (scene->server, "/", fault_answer (200, NULL, "ok"), NULL);
}

/* --- statuses --------------------------------------------------------------------------------- */

#define FAULT_STATUS(status, headers)                                                              \
  FAULT_SCRIPT (status_##status, fault_answer (status, headers, "ok"))

FAULT_STATUS (404, NULL)
FAULT_STATUS (408, NULL)
FAULT_STATUS (425, NULL)
FAULT_STATUS (429, "Retry-After: 7")
FAULT_STATUS (500, NULL)
FAULT_STATUS (501, NULL)
FAULT_STATUS (502, NULL)
FAULT_STATUS (503, "Retry-After: 7")
FAULT_STATUS (504, NULL)
FAULT_SCRIPT (retry_after_date,
              fault_answer (503,
                            "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
                            "Retry-After: Tue, 14 Nov 2023 22:15:20 GMT",
                            "ok"))
FAULT_SCRIPT (retry_after_past,
              fault_answer (503, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", "ok"))
FAULT_SCRIPT (retry_after_huge, fault_answer (429, "Retry-After: 99999999999999999999", "ok"))
FAULT_SCRIPT (retry_after_cap, fault_answer (429, "Retry-After: 3600", "ok"))
FAULT_SCRIPT (retry_after_rubbish, fault_answer (429, "Retry-After: soon", "ok"))

/* --- redirects -------------------------------------------------------------------------------- */

static void
redirect (Scene *scene, guint status, const char *location)
{
  fault_server_on (scene->server, "/", fault_redirect (status, location), NULL);
  fault_server_on (scene->server, "/to", fault_answer (200, NULL, "ok"), NULL);
}

#define FAULT_REDIRECT(status)                                                                     \
  static void redirect_##status (Scene *scene) { redirect (scene, status, "/to"); }

FAULT_REDIRECT (301)
FAULT_REDIRECT (302)
FAULT_REDIRECT (303)
FAULT_REDIRECT (307)
FAULT_REDIRECT (308)
FAULT_SCRIPT (redirect_nowhere, fault_answer (302, NULL, "ok"))
FAULT_SCRIPT (redirect_loop, fault_redirect (302, "/"))
FAULT_SCRIPT (redirect_bad, fault_redirect (302, "gopher://127.0.0.1/"))

static void
redirect_cut (Scene *scene)
{
  redirect (scene, 307, "/to");
  fault_server_on (scene->server, "/to", fault_close (), NULL);
}

static void
redirect_elsewhere (Scene *scene, FaultServerFlags flags)
{
  g_autofree char *location = NULL;

  scene->other = fault_server_new (flags);
  location = fault_server_uri (scene->other, "/to");
  redirect (scene, 307, location);
}

static void
redirect_refused (Scene *scene)
{
  redirect_elsewhere (scene, FAULT_SERVER_REFUSING);
}

static void
redirect_downgrade (Scene *scene)
{
  redirect_elsewhere (scene, FAULT_SERVER_PLAIN);
}

/* --- HTTP/2 ----------------------------------------------------------------------------------- */

FAULT_SCRIPT (refused_stream, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM))
FAULT_ONCE (refused_stream_once, fault_reset_stream (FAULT_HTTP2_REFUSED_STREAM))
FAULT_SCRIPT (reset_stream, fault_reset_stream (FAULT_HTTP2_INTERNAL_ERROR))
FAULT_BODY (reset_stream_body,
            "Content-Length: 10",
            fault_send ("abc"),
            fault_reset_stream (FAULT_HTTP2_INTERNAL_ERROR))
FAULT_SCRIPT (goaway_processed, fault_goaway (FAULT_HTTP2_INTERNAL_ERROR, TRUE), fault_close ())
FAULT_SCRIPT (goaway_answered,
              fault_goaway (FAULT_HTTP2_NO_ERROR, TRUE),
              fault_answer (200, NULL, "ok"))
FAULT_SCRIPT (goaway_unprocessed, fault_goaway (FAULT_HTTP2_NO_ERROR, FALSE), fault_close ())
FAULT_BODY (body_length_http2, "Content-Length: 10", fault_send ("ok"))

/* ---------------------------------------------------------------------------------------------- */

const Fault matrix_faults[] = {
  { "refused", FAULT_SERVER_REFUSING, nothing, RESILIENT_FAILURE_CONNECT, .unsent = TRUE },
  { "backlog-full",
    FAULT_SERVER_FULL_BACKLOG,
    nothing,
    RESILIENT_FAILURE_CONNECT_TIMEOUT,
    .unsent = TRUE,
    .stall = STALL_CONNECT },
  { "accept-fin", 0, accept_fin, RESILIENT_FAILURE_DISCONNECT },
  { "accept-rst", 0, accept_reset, RESILIENT_FAILURE_DISCONNECT },
  { "handshake-fin", FAULT_SERVER_TLS, handshake_fin, RESILIENT_FAILURE_TLS, .unsent = TRUE },
  { "handshake-rst", FAULT_SERVER_TLS, handshake_reset, RESILIENT_FAILURE_TLS, .unsent = TRUE },
  { "handshake-garbage",
    FAULT_SERVER_TLS,
    handshake_garbage,
    RESILIENT_FAILURE_TLS,
    .unsent = TRUE },
  { "handshake-silence",
    FAULT_SERVER_TLS,
    handshake_silence,
    RESILIENT_FAILURE_CONNECT_TIMEOUT,
    .unsent = TRUE,
    .stall = STALL_CONNECT },
  { "certificate-expired",
    FAULT_SERVER_EXPIRED,
    nothing,
    RESILIENT_FAILURE_CERTIFICATE,
    .unsent = TRUE },
  { "certificate-wrong-host",
    FAULT_SERVER_WRONG_HOST,
    nothing,
    RESILIENT_FAILURE_CERTIFICATE,
    .unsent = TRUE },
  { "proxy-refuses",
    0,
    proxy_refuses,
    RESILIENT_FAILURE_CONNECT,
    .unsent = TRUE,
    .uri = "https://example.org/" },

  { "byte-fin", 0, byte_fin, RESILIENT_FAILURE_DISCONNECT },
  { "byte-rst", 0, byte_reset, RESILIENT_FAILURE_DISCONNECT },
  { "headers-fin", 0, headers_fin, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WITHOUT_BODY },
  { "headers-rst",
    0,
    headers_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WITHOUT_BODY },
  { "request-fin", 0, request_fin, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "request-rst", 0, request_reset, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "request-fin-tls",
    FAULT_SERVER_TLS,
    request_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "request-cut-tls",
    FAULT_SERVER_TLS,
    request_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "request-rst-tls",
    FAULT_SERVER_TLS,
    request_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },

  { "status-byte", 0, status_byte, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "head-cut", 0, head_cut, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "head-cut-status", 0, head_cut_status, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "head-cut-line", 0, head_cut_line, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "head-rst", 0, head_reset, RESILIENT_FAILURE_DISCONNECT, .arrival = ARRIVES_WHOLE },
  { "head-silence",
    0,
    head_silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .stall = STALL_ANSWER },
  { "silence",
    0,
    silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .stall = STALL_ANSWER },
  { "silence-tls",
    FAULT_SERVER_TLS,
    silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .stall = STALL_ANSWER },
  { "garbage", 0, garbage, RESILIENT_FAILURE_PROTOCOL, .arrival = ARRIVES_WHOLE },
  { "garbage-binary", 0, garbage_binary, RESILIENT_FAILURE_PROTOCOL, .arrival = ARRIVES_WHOLE },
  { "flood-of-headers", 0, flood_headers, RESILIENT_FAILURE_TOO_LARGE, .arrival = ARRIVES_WHOLE },
  { "informational", 0, early_hints, .arrival = ARRIVES_WHOLE },
  { "informational-fin",
    0,
    early_hints_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "flood-of-informational", 0, flood_informational, .arrival = ARRIVES_WHOLE },

  { "body-cut",
    0,
    body_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "body-rst",
    0,
    body_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "body-cut-tls",
    FAULT_SERVER_TLS,
    body_cut_tls,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "body-silence",
    0,
    body_silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE,
    .stall = STALL_BODY },
  { "body-drip", 0, body_drip, .arrival = ARRIVES_WHOLE, .in_body = TRUE, .stall = STALL_DRIP },
  { "body-until-end", 0, until_end, .arrival = ARRIVES_WHOLE, .in_body = TRUE },
  { "chunk-cut",
    0,
    chunk_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "chunk-cut-boundary",
    0,
    chunk_cut_boundary,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "chunk-cut-size",
    0,
    chunk_cut_size,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "chunk-cut-last",
    0,
    chunk_cut_last,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "gzip-cut",
    0,
    gzip_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "gzip-corrupt",
    0,
    gzip_corrupt,
    RESILIENT_FAILURE_PROTOCOL,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "endless", 0, endless, RESILIENT_FAILURE_TOO_LARGE, .arrival = ARRIVES_WHOLE, .in_body = TRUE },
  { "endless-chunk",
    0,
    endless_chunk,
    RESILIENT_FAILURE_TOO_LARGE,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "much-http2",
    FAULT_SERVER_HTTP2,
    much,
    RESILIENT_FAILURE_TOO_LARGE,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "too-large",
    0,
    too_large,
    RESILIENT_FAILURE_TOO_LARGE,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "length-too-long",
    0,
    length_long,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "length-too-long-closing",
    0,
    length_long_closing,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "length-too-short", 0, length_short, .arrival = ARRIVES_WHOLE, .in_body = TRUE },

  { "stale-fin",
    0,
    stale_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .once = TRUE,
    .kept = TRUE },
  { "stale-rst",
    0,
    stale_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .once = TRUE,
    .kept = TRUE },
  { "stale-rst-tls",
    FAULT_SERVER_TLS,
    stale_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .once = TRUE,
    .kept = TRUE },
  { "stale-fin-http2",
    FAULT_SERVER_HTTP2,
    stale_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .once = TRUE,
    .kept = TRUE },
  { "stale-headers",
    0,
    stale_headers,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WITHOUT_BODY,
    .once = TRUE,
    .kept = TRUE },
  { "stale-for-ever-fin",
    0,
    request_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .kept = TRUE },
  { "stale-for-ever-rst",
    0,
    request_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .kept = TRUE },
  { "stale-answered", 0, stale_answered, .arrival = ARRIVES_WHOLE, .kept = TRUE },

  { "404", 0, status_404, .status = 404, .arrival = ARRIVES_WHOLE },
  { "408", 0, status_408, .status = 408, .arrival = ARRIVES_WHOLE },
  { "425", 0, status_425, .status = 425, .arrival = ARRIVES_WHOLE },
  { "429-seconds", 0, status_429, .status = 429, .arrival = ARRIVES_WHOLE, .retry_after = 7 },
  { "429-huge", 0, retry_after_huge, .status = 429, .arrival = ARRIVES_WHOLE, .retry_after = 1e9 },
  { "429-cap", 0, retry_after_cap, .status = 429, .arrival = ARRIVES_WHOLE, .retry_after = 3600 },
  { "429-rubbish", 0, retry_after_rubbish, .status = 429, .arrival = ARRIVES_WHOLE },
  { "500", 0, status_500, .status = 500, .arrival = ARRIVES_WHOLE },
  { "501", 0, status_501, .status = 501, .arrival = ARRIVES_WHOLE },
  { "502", 0, status_502, .status = 502, .arrival = ARRIVES_WHOLE },
  { "503-seconds", 0, status_503, .status = 503, .arrival = ARRIVES_WHOLE, .retry_after = 7 },
  { "503-seconds-http2",
    FAULT_SERVER_HTTP2,
    status_503,
    .status = 503,
    .arrival = ARRIVES_WHOLE,
    .retry_after = 7 },
  { "503-date", 0, retry_after_date, .status = 503, .arrival = ARRIVES_WHOLE, .retry_after = 120 },
  { "503-past", 0, retry_after_past, .status = 503, .arrival = ARRIVES_WHOLE, .retry_after = 1e-9 },
  { "504", 0, status_504, .status = 504, .arrival = ARRIVES_WHOLE },

  { "301", 0, redirect_301, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "302", 0, redirect_302, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "303", 0, redirect_303, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "307", 0, redirect_307, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "308", 0, redirect_308, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "308-http2", FAULT_SERVER_HTTP2, redirect_308, .arrival = ARRIVES_WHOLE, .application = "/to" },
  { "redirect-nowhere", 0, redirect_nowhere, .status = 302, .arrival = ARRIVES_WHOLE },
  { "redirect-loop", 0, redirect_loop, RESILIENT_FAILURE_REDIRECT, .application = "/to" },
  { "redirect-bad", 0, redirect_bad, RESILIENT_FAILURE_REDIRECT, .application = "/to" },
  { "redirect-refused", 0, redirect_refused, RESILIENT_FAILURE_DISCONNECT, .application = "/to" },
  /* the second hop goes over the connection of the first one, which was kept alive */
  { "redirect-cut",
    0,
    redirect_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .resent = TRUE,
    .application = "/to" },
  { "redirect-to-http",
    FAULT_SERVER_TLS,
    redirect_downgrade,
    RESILIENT_FAILURE_REDIRECT,
    .application = "/to" },

  { "refused-stream-http2",
    FAULT_SERVER_HTTP2,
    refused_stream,
    RESILIENT_FAILURE_CONNECT,
    .arrival = ARRIVES_WHOLE,
    .resent = TRUE,
    .unprocessed = TRUE },
  { "refused-stream-once-http2",
    FAULT_SERVER_HTTP2,
    refused_stream_once,
    RESILIENT_FAILURE_CONNECT,
    .arrival = ARRIVES_WHOLE,
    .resent = TRUE,
    .unprocessed = TRUE,
    .once = TRUE },
  { "reset-stream-http2",
    FAULT_SERVER_HTTP2,
    reset_stream,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "reset-stream-body-http2",
    FAULT_SERVER_HTTP2,
    reset_stream_body,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "length-too-long-http2",
    FAULT_SERVER_HTTP2,
    body_length_http2,
    RESILIENT_FAILURE_PROTOCOL,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "goaway-answered-http2", FAULT_SERVER_HTTP2, goaway_answered, .arrival = ARRIVES_WHOLE },
  { "goaway-processed-http2",
    FAULT_SERVER_HTTP2,
    goaway_processed,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "goaway-unprocessed-http2",
    FAULT_SERVER_HTTP2,
    goaway_unprocessed,
    RESILIENT_FAILURE_CONNECT,
    .arrival = ARRIVES_WHOLE,
    .resent = TRUE,
    .unprocessed = TRUE },
  { "request-fin-http2",
    FAULT_SERVER_HTTP2,
    request_fin,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "request-rst-http2",
    FAULT_SERVER_HTTP2,
    request_reset,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE },
  { "silence-http2",
    FAULT_SERVER_HTTP2,
    silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .stall = STALL_ANSWER },
  { "body-silence-http2",
    FAULT_SERVER_HTTP2,
    body_silence,
    RESILIENT_FAILURE_READ_TIMEOUT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE,
    .stall = STALL_BODY },
  { "body-cut-http2",
    FAULT_SERVER_HTTP2,
    body_cut,
    RESILIENT_FAILURE_DISCONNECT,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE },
  { "body-drip-http2",
    FAULT_SERVER_HTTP2,
    body_drip,
    .arrival = ARRIVES_WHOLE,
    .in_body = TRUE,
    .stall = STALL_DRIP },
};

const gsize matrix_n_faults = G_N_ELEMENTS (matrix_faults);
