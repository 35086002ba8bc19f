/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A stream below libsoup's HTTP/1 reader that lets pass only what is a response. It belongs to the
 * thread that drives the connection. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define RESILIENT_TYPE_TAP (resilient_tap_get_type ())
G_DECLARE_FINAL_TYPE (ResilientTap, resilient_tap, RESILIENT, TAP, GInputStream)

/* Where libsoup's reading side of a connection of HTTP/1 meets the stream below it: sees what
 * comes, and lets through only what is a response. All but new() and dispose() belong to the thread
 * that drives the connection. */

/* For a connection over which nothing was read yet. The stream is not touched before the first
 * expect_head(). */
ResilientTap *resilient_tap_new (GIOStream *connection);

/* A request is about to be written, whose response begins with the next byte. @expecting: its body
 * waits for "100 Continue". */
void resilient_tap_expect_head (ResilientTap *self, gboolean expecting);
/* In libsoup's signal that an interim response has come, before it reads on. */
void resilient_tap_end_interim (ResilientTap *self);
/* Has libsoup read "100 Continue", in its next turn, as if the server had said it. FALSE where that
 * can't be: it has a part of a head already, or nothing was ever read over the connection, so that
 * libsoup's stream is not known. */
gboolean resilient_tap_say_continue (ResilientTap *self);
/* The head has come, or never will. TRUE when the connection ended before its empty line: whatever
 * libsoup made of it. */
gboolean resilient_tap_end_head (ResilientTap *self);
/* libsoup's stream above, which may have read ahead; NULL as long as it is not known. */
GInputStream *resilient_tap_dup_filter (ResilientTap *self);
/* Whether it was there for the whole of the last head, and end_head() can be believed. */
gboolean resilient_tap_saw_head (ResilientTap *self);

/* How a response body says where it ends (RFC 9112, 6.3). */
typedef enum
{
  RESILIENT_FRAMING_CHUNKED,
  RESILIENT_FRAMING_LENGTH, /* and then the connection closes: libsoup takes less for enough */
  RESILIENT_FRAMING_CLOSE,  /* with the connection alone */
} ResilientFraming;

/* Asked at the end of a body, when all of it was read: FALSE with @error makes that error of the
 * end. */
typedef gboolean (*ResilientTapCheck) (gpointer user_data, GError **error);

/* Before anything is read from @response, the stream that libsoup gave for a response of HTTP/1.
 * From now on the body ends with an error when it is cut (G_IO_ERROR_PARTIAL_INPUT,
 * G_TLS_ERROR_EOF) or broken (G_IO_ERROR_INVALID_DATA), also for a cache that listens in between.
 * @self is the tap of its connection, or NULL when that is not known. Returns the tap that guards
 * it, or NULL when the stream is of an unknown kind, and the body is what libsoup takes it for. */
ResilientTap *resilient_tap_guard_body (ResilientTap *self,
                                        GInputStream *response,
                                        ResilientFraming framing,
                                        guint64 length);
/* @check may be NULL, and must be before @user_data goes. Of a body with a length that was
 * announced the end is known above, and not asked for here. */
void resilient_tap_set_check (ResilientTap *self, ResilientTapCheck check, gpointer user_data);

G_END_DECLS
