/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reads what a server sends over a connection of HTTP/2, before libsoup does (RFC 9113).
 * Libsoup 3.2 notices much of what goes wrong there by no more than a time-out, or never; and what
 * its engine, nghttp2, takes for the end of the connection leaves its requests behind for ever. So
 * what breaks the rules is refused here, as an error of the stream that libsoup reads, which it
 * does notice; and each request is told what became of its own stream.
 *
 * No I/O; lives in the context that reads the connection. */
typedef struct _ResilientHttp2Frames ResilientHttp2Frames;

/* What has come for one request. Read by who opened it. */
typedef struct
{
  guint32 id;
  guint n_sections; /* of headers: those of 1xx, of the response, trailers */
  gint64 declared;  /* Content-Length, or −1 */
  gint64 content;   /* bytes of it that came, padding not counted */
  gboolean has_data;
  gboolean ended;     /* by END_STREAM: nothing comes any more */
  gboolean malformed; /* RFC 9113, 8.1.1 */
  gboolean too_large; /* a section of headers, for which the connection was given up */
  gboolean reset;     /* before it ended */
  gboolean
    unprocessed; /* and the server says that it has done nothing with the request (RFC 9113, 8.7) */
  guint32 code;  /* of the reset */

  gboolean resend; /* libsoup sends it again when the connection turns out dead */

  /* of the frames */
  gint64 credit; /* what the server takes of the body, beyond the initial window */
  gint64 sent;   /* of the body */
  void (*changed) (gpointer data);
  gpointer data;
} ResilientHttp2Stream;

/* A section of headers may be so large, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113,
 * 6.5.2). */
#define RESILIENT_HTTP2_MAX_SECTION (256 * 1024)

ResilientHttp2Frames *resilient_http2_frames_new (void);
void resilient_http2_frames_free (ResilientHttp2Frames *self);

/* Appends to @out what of @data libsoup may see, whole frames but for DATA. FALSE with @error, for
 * good, at what it must not; what came before that is in @out. */
gboolean resilient_http2_frames_feed (ResilientHttp2Frames *self,
                                      const guint8 *data,
                                      gsize length,
                                      GByteArray *out,
                                      GError **error);
/* Nothing comes any more, because of @error. All streams are told. */
void resilient_http2_frames_fail (ResilientHttp2Frames *self, const GError *error);
/* Why nothing comes any more, or NULL. */
const GError *resilient_http2_frames_get_error (ResilientHttp2Frames *self);
/* After that: appends what makes libsoup let the waiting requests go. FALSE while there is one of
 * whose stream somebody still wants to know. */
gboolean resilient_http2_frames_wind_up (ResilientHttp2Frames *self, GByteArray *out);
/* Appends a frame of a type that nobody knows, so that there is something to read; nothing where
 * none may stand. */
void resilient_http2_frames_add_unknown (ResilientHttp2Frames *self, GByteArray *out);
/* The server went away in a way for which libsoup fails its requests by itself. */
gboolean resilient_http2_frames_is_going_away (ResilientHttp2Frames *self);
/* A response is to come, or the rest of one. */
gboolean resilient_http2_frames_is_awaited (ResilientHttp2Frames *self);
gboolean resilient_http2_stream_is_open (const ResilientHttp2Stream *self);
/* How much there was to do since it was last asked, in bytes: an empty frame costs more than its
 * bytes. */
gsize resilient_http2_frames_take_work (ResilientHttp2Frames *self);

/* The next request starts, in the order in which libsoup numbers them. @changed: something came
 * that libsoup may not tell of; from inside feed(), where nothing may be cancelled, closed or
 * sent. */
ResilientHttp2Stream *resilient_http2_frames_open (ResilientHttp2Frames *self,
                                                   void (*changed) (gpointer data),
                                                   gpointer data);
void resilient_http2_frames_close (ResilientHttp2Frames *self, ResilientHttp2Stream *stream);
/* A request of somebody else's starts, of whose stream nobody will know. */
void resilient_http2_frames_note_foreign (ResilientHttp2Frames *self);
/* There may be requests of which nobody told, under later numbers. */
void resilient_http2_frames_set_shared (ResilientHttp2Frames *self);

/* Libsoup has the headers of the response to @stream. If none came for it, the numbers are others
 * than was thought: everything passes from now on. */
void resilient_http2_frames_verify (ResilientHttp2Frames *self, ResilientHttp2Stream *stream);
/* That was so: what the streams say is of no use. */
gboolean resilient_http2_frames_is_off (ResilientHttp2Frames *self);
/* How long the content of the response is to be. */
void resilient_http2_frames_declare (ResilientHttp2Frames *self,
                                     ResilientHttp2Stream *stream,
                                     gint64 size);
/* So much of the body of the request was sent. */
void resilient_http2_frames_note_sent (ResilientHttp2Frames *self,
                                       ResilientHttp2Stream *stream,
                                       gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientHttp2Frames, resilient_http2_frames_free)

G_END_DECLS
