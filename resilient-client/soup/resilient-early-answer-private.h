/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A final response of HTTP/1.1 that lies in a connection while the body of the request is still
 * being written. libsoup reads nothing before it has written all, which a server that has answered
 * already need not take. */
typedef struct
{
  guint status_code;
  char *reason_phrase;
  SoupHTTPVersion version;
  SoupMessageHeaders *headers;
  GByteArray *body; /* as it came, without its chunks */
} ResilientEarlyAnswer;

/* Takes what can be read from @stream without waiting, which must be pollable, and nobody else may
 * read from it any more. NULL when that is no whole final response, or one with a body of more than
 * @limit bytes (0 = none). */
ResilientEarlyAnswer *resilient_early_answer_read (GInputStream *stream, guint64 limit);
void resilient_early_answer_free (ResilientEarlyAnswer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientEarlyAnswer, resilient_early_answer_free)

G_END_DECLS
