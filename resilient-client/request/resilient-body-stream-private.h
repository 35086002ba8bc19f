/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* What libsoup reads a body from, in place of @base: it reads @base ahead of what is asked for,
 * ends at the length that was announced, and outlives what libsoup has forgotten. One reader at a
 * time, as with every GInputStream. */
typedef struct _ResilientBodyStream ResilientBodyStream;

/* @length: of @base, in bytes; -1 = unknown. When @base ends before it,
 * RESILIENT_CLIENT_ERROR_INVALID_REQUEST; what comes after it is not read. @lent: @base stays open
 * unless it was read. */
ResilientBodyStream *resilient_body_stream_new (GInputStream *base, gint64 length, gboolean lent);
/* @message sends it; in the context where it is read, before. */
void resilient_body_stream_set_message (ResilientBodyStream *self, SoupMessage *message);

/* An asynchronous read failed, of which libsoup, over HTTP/2, hears at once and speaks when the
 * next frame comes in. */
typedef void (*ResilientBodyFailed) (const GError *error, gpointer data);
/* One at a time; NULL = none. In that context too. */
void resilient_body_stream_set_failed (ResilientBodyStream *self,
                                       ResilientBodyFailed failed,
                                       gpointer data);

GType resilient_body_stream_get_type (void);
#define RESILIENT_TYPE_BODY_STREAM (resilient_body_stream_get_type ())
#define RESILIENT_IS_BODY_STREAM(object)                                                           \
  G_TYPE_CHECK_INSTANCE_TYPE (object, RESILIENT_TYPE_BODY_STREAM)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientBodyStream, g_object_unref)

G_END_DECLS
