/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Decodes a body as it comes in (RFC 9110, 8.4.1): gzip, x-gzip and deflate, also one over another. For one thread. */
typedef struct _ResilientInflate ResilientInflate;

/* NULL when @content_encoding has nothing to decode, or a coding that we don't know: the body is then delivered as it is.
 * @lenient: a body that does not begin as its coding must is passed through (what a cache stored already decoded). */
ResilientInflate *resilient_inflate_new (const char *content_encoding, gboolean lenient);
void resilient_inflate_free (ResilientInflate *self);

/* Appends what @data decodes to. FALSE with @error: G_IO_ERROR_INVALID_DATA, or RESILIENT_CLIENT_ERROR_TOO_LARGE when @out
 * would grow beyond @limit bytes (0 = none). */
gboolean resilient_inflate_feed (ResilientInflate *self, const guint8 *data, gsize length, GByteArray *out,
                                 guint64 limit, GError **error);
/* At the end of the body: G_IO_ERROR_PARTIAL_INPUT when it was cut. A body without a byte is whole. */
gboolean resilient_inflate_finish (ResilientInflate *self, GByteArray *out, guint64 limit, GError **error);

void resilient_set_too_large (GError **error, guint64 limit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientInflate, resilient_inflate_free)

G_END_DECLS
