/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "resilient-request.h"

G_BEGIN_DECLS

/* A request body: bytes (also JSON and form), a file, a stream factory, or a stream that can be read once. Atomically
 * refcounted; immutable but for the one-shot stream, which is taken at its first send. */
typedef struct _ResilientBody ResilientBody;

ResilientBody *resilient_body_new_bytes (const char *content_type, GBytes *bytes);
ResilientBody *resilient_body_new_file (const char *content_type, GFile *file);
ResilientBody *resilient_body_new_factory (const char *content_type, ResilientBodyFunc func, gpointer data, GDestroyNotify destroy);
ResilientBody *resilient_body_new_stream (const char *content_type, GInputStream *stream, gint64 length);
ResilientBody *resilient_body_ref (ResilientBody *self);
void resilient_body_unref (ResilientBody *self);

/* Sets the body on @message from its beginning. FALSE with @error: the stream is spent, the factory failed, the file can't be
 * opened or has another size than at its first send. */
gboolean resilient_body_apply (ResilientBody *self, SoupMessage *message, GError **error);
gboolean resilient_body_is_replayable (ResilientBody *self);
gboolean resilient_body_is_spent (ResilientBody *self);
/* Bytes; -1 = unknown. */
gint64 resilient_body_get_size (ResilientBody *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientBody, resilient_body_unref)

G_END_DECLS
