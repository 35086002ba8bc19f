/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "resilient-body-stream-private.h"
#include "resilient-late-stream-private.h"

G_BEGIN_DECLS

/* A request body: bytes (also JSON and form), a file, a stream factory, or a stream that can be
 * read once. Atomically refcounted; immutable but for the one-shot stream, which is taken at its
 * first send. */
typedef struct _ResilientBody ResilientBody;

ResilientBody *resilient_body_new_bytes (const char *content_type, GBytes *bytes);
ResilientBody *resilient_body_new_file (const char *content_type, GFile *file);
ResilientBody *resilient_body_new_factory (const char *content_type,
                                           ResilientLateStreamOpen func,
                                           gpointer data,
                                           GDestroyNotify destroy);
ResilientBody *
resilient_body_new_stream (const char *content_type, GInputStream *stream, gint64 length);
ResilientBody *resilient_body_ref (ResilientBody *self);
/* What one call sends: a file is another one for each, as its size may change between two calls; of
 * all else a reference. */
ResilientBody *resilient_body_ref_for_call (ResilientBody *self);
void resilient_body_unref (ResilientBody *self);

/* The body from its beginning, or NULL with @error as below; @size -1 = unknown. */
GInputStream *resilient_body_open (ResilientBody *self, gint64 *size, GError **error);
/* Sets the body on @message from its beginning, and its Content-Type unless the message has one.
 * FALSE with @error: the stream is spent or taken by another send, the factory failed, the file
 * can't be opened or has another size than at its first send. With @late the factory is called, and
 * fails, when the body is first read, from a source of its own. @applied, a reference, is replaced:
 * NULL where no read can fail. */
gboolean resilient_body_apply (ResilientBody *self,
                               SoupMessage *message,
                               gboolean late,
                               ResilientBodyStream **applied,
                               GError **error);
/* What apply() gave away is about to be read: from here on a one-shot stream is spent. */
void resilient_body_begin (ResilientBody *self);
/* What apply() gave away will not be read after all (after begin() this does nothing). */
void resilient_body_release (ResilientBody *self);
gboolean resilient_body_is_replayable (ResilientBody *self);
gboolean resilient_body_is_spent (ResilientBody *self);
/* Transfer none; NULL: it is a file or a stream. */
GBytes *resilient_body_get_bytes (ResilientBody *self);
/* Bytes; -1 = unknown. */
gint64 resilient_body_get_size (ResilientBody *self);
const char *resilient_body_get_content_type (ResilientBody *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientBody, resilient_body_unref)

G_END_DECLS
