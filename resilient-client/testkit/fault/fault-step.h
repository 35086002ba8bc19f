/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "fault-certs.h"

G_BEGIN_DECLS

/* One step of a script: see fault-script.h.
 *
 * Steps mean the same over HTTP/1.1 and HTTP/2, but for raw text before fault_head, which only
 * HTTP/1.1 has, and those under "HTTP/2 only" below, where HTTP/1.1 ends the connection.
 *
 * A step belongs to the script it is given to. @headers are lines "Name: value" separated by
 * "\r\n", or NULL. */
typedef struct _FaultStep FaultStep;

/* Whole answers. Content-Length is added; to HEAD, and with 204 and 304, goes no body. */
FaultStep *fault_answer (guint status, const char *headers, const char *body);
FaultStep *fault_answer_bytes (guint status, const char *headers, GBytes *body);
/* In chunks of @chunk_size bytes (HTTP/2: DATA frames of that size). */
FaultStep *
fault_answer_chunked (guint status, const char *headers, const char *body, gsize chunk_size);
FaultStep *
fault_answer_bytes_chunked (guint status, const char *headers, GBytes *body, gsize chunk_size);
FaultStep *fault_redirect (guint status, const char *location);

/* Parts of answers, sent as they are. A 1xx head may be followed by another. */
FaultStep *fault_head (guint status, const char *headers);
FaultStep *fault_send (const char *text);
FaultStep *fault_send_bytes (GBytes *bytes);
/* One byte at a time, each after a pass of @gate, or with NULL each after @milliseconds. */
FaultStep *fault_drip (const char *text, const char *gate, guint milliseconds);
FaultStep *fault_drip_bytes (GBytes *bytes, const char *gate, guint milliseconds);
/* @size bytes of body, without memory for them; 0 = for ever, until the peer goes away. */
FaultStep *fault_send_filler (guint64 size);
/* HTTP/1.1: a status line and header lines without end, @size bytes of them, 0 = for ever. */
FaultStep *fault_flood_headers (guint64 size);

/* Reads up to @size bytes of the request's body (of a new connection: raw bytes); 0 = answer
 * without reading. */
FaultStep *fault_read (guint64 size);
/* Reads the whole body, at most @chunk_size bytes for every pass of @gate. */
FaultStep *fault_read_slowly (gsize chunk_size, const char *gate);

/* Waiting. A gate is a name: see fault_server_release. */
FaultStep *fault_hold (const char *gate);
FaultStep *fault_pause (guint milliseconds);
/* Says nothing until the peer goes away. */
FaultStep *fault_silence (void);

/* HTTP/1.1: until the next request comes on the connection. HTTP/2: the script ends here. */
FaultStep *fault_await_next (void);

/* Of a new connection: the certificate it is to see. */
FaultStep *fault_show_certificate (FaultCertificate which);

/* Ends. FIN after everything was read (TLS: after close_notify); FIN without close_notify; RST. */
FaultStep *fault_close (void);
FaultStep *fault_cut (void);
FaultStep *fault_reset (void);

/* HTTP/2 only. */
#define FAULT_HTTP2_NO_ERROR 0
#define FAULT_HTTP2_INTERNAL_ERROR 2
#define FAULT_HTTP2_REFUSED_STREAM 7
#define FAULT_HTTP2_ENHANCE_YOUR_CALM 11
FaultStep *fault_reset_stream (guint code);
/* GOAWAY that names this request as the last one @processed, or the one before it; the connection
 * stays open. */
FaultStep *fault_goaway (guint code, gboolean processed);
/* Ends the answer with a header section after its content. */
FaultStep *fault_trailers (const char *headers);
/* A frame as it is given, whatever rule it breaks; @stream is its number, or that of the
 * request. */
#define FAULT_HTTP2_OWN_STREAM (-1)
FaultStep *fault_frame (guint type, guint flags, gint64 stream, gconstpointer payload, gsize size);
/* @n times the same; 0 = for ever, until the peer goes away. */
FaultStep *
fault_frames (guint n, guint type, guint flags, gint64 stream, gconstpointer payload, gsize size);
/* Bytes that may be no frame at all. */
FaultStep *fault_send_raw (gconstpointer bytes, gsize size);

FaultStep *fault_step_ref (FaultStep *step);
void fault_step_free (FaultStep *step);

G_END_DECLS
