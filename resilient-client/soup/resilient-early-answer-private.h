/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A final response of HTTP/1.1 that lies in a connection while the body of the request is still
 * being written. libsoup reads nothing before it has written all, which a server that has answered
 * already need not take. Immutable; for one thread at a time. */
typedef struct _ResilientEarlyAnswer ResilientEarlyAnswer;

/* Takes what can be read from @stream without waiting, which must be pollable, and nobody else may
 * read from it any more. NULL when that is no whole final response, or one with a body of more than
 * @limit bytes (0 = none). */
ResilientEarlyAnswer *resilient_early_answer_read (GInputStream *stream, guint64 limit);
void resilient_early_answer_free (ResilientEarlyAnswer *self);

guint resilient_early_answer_get_status_code (ResilientEarlyAnswer *self);
const char *resilient_early_answer_get_reason_phrase (ResilientEarlyAnswer *self);
SoupHTTPVersion resilient_early_answer_get_version (ResilientEarlyAnswer *self);
SoupMessageHeaders *resilient_early_answer_get_headers (ResilientEarlyAnswer *self);
/* As it came, without its chunks. */
GByteArray *resilient_early_answer_get_body (ResilientEarlyAnswer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEarlyAnswer, resilient_early_answer_free)

G_END_DECLS
