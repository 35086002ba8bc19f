/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Decodes a body as it comes in (RFC 9110, 8.4.1): gzip, x-gzip and deflate, also one over another.
 * A few bytes may decode to any amount of output, or cost any amount of work without output, so it
 * works in steps. For one thread. */
typedef struct _ResilientInflate ResilientInflate;

typedef enum
{
  RESILIENT_INFLATE_FAILED,
  RESILIENT_INFLATE_DRAINED, /* it waits for more of the body, or for its end */
  RESILIENT_INFLATE_MORE,    /* feed it nothing, later, to go on with what it has */
} ResilientInflateState;

/* NULL when @content_encoding has nothing to decode, a coding that we don't know, or more than two
 * codings: the body is then delivered as it is. @lenient: a body that does not begin as its coding
 * must is passed through (what a cache stored already decoded). */
ResilientInflate *resilient_inflate_new (const char *content_encoding, gboolean lenient);
void resilient_inflate_free (ResilientInflate *self);

/* Takes all of @data, does a bounded part of the work and appends to @out what comes of it. FAILED
 * with @error: G_IO_ERROR_INVALID_DATA, or RESILIENT_CLIENT_ERROR_TOO_LARGE when @out would grow
 * beyond @limit bytes (0 = none). */
ResilientInflateState resilient_inflate_feed (ResilientInflate *self,
                                              const guint8 *data,
                                              gsize length,
                                              GByteArray *out,
                                              guint64 limit,
                                              GError **error);
/* At the end of the body, drained: G_IO_ERROR_PARTIAL_INPUT when it was cut. A body without a byte
 * is whole. */
gboolean
resilient_inflate_finish (ResilientInflate *self, GByteArray *out, guint64 limit, GError **error);

/* What a body may grow to at most: @max_response_size, where 0 is no limit, but never more than an
 * array holds. */
guint64 resilient_get_body_limit (guint64 max_response_size);

void resilient_set_too_large (GError **error, guint64 limit);
void resilient_set_headers_too_large (GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientInflate, resilient_inflate_free)

G_END_DECLS
