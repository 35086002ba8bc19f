/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* An ordered list of header fields. Mutable by its only owner, immutable once shared:
 * SoupMessageHeaders is not safe even to read from two threads, this is. Names compare without
 * case. Atomically refcounted. */
typedef struct _ResilientHeaders ResilientHeaders;

ResilientHeaders *resilient_headers_new (void);
ResilientHeaders *resilient_headers_new_from_soup (SoupMessageHeaders *headers);
ResilientHeaders *resilient_headers_ref (ResilientHeaders *self);
void resilient_headers_unref (ResilientHeaders *self);
/* A deep, unshared copy. */
ResilientHeaders *resilient_headers_copy (ResilientHeaders *self);

void resilient_headers_append (ResilientHeaders *self, const char *name, const char *value);
/* Removes every field of that name, then appends one, unless @value is NULL; keeps the secret mark
 * of the name. */
void resilient_headers_replace (ResilientHeaders *self, const char *name, const char *value);
/* Marks present and future fields of that name; marks survive copies. */
void resilient_headers_mark_secret (ResilientHeaders *self, const char *name);
/* Marks what @other has marked. */
void resilient_headers_mark_secrets_of (ResilientHeaders *self, ResilientHeaders *other);

/* Of the whole section, counted as SETTINGS_MAX_HEADER_LIST_SIZE of HTTP/2 does: name, value and 32
 * bytes for each field. */
gsize resilient_headers_get_size (ResilientHeaders *self);
guint resilient_headers_get_length (ResilientHeaders *self);
void
resilient_headers_get_nth (ResilientHeaders *self, guint n, const char **name, const char **value);
/* The first value, or NULL. */
const char *resilient_headers_get_one (ResilientHeaders *self, const char *name);
/* All values joined by ", " (RFC 9110, 5.3), computed once and kept; or NULL. Any thread. */
const char *resilient_headers_get_list (ResilientHeaders *self, const char *name);
/* Marked, or secret by nature: Authorization, Proxy-Authorization, Cookie, Set-Cookie. */
gboolean resilient_headers_is_secret (ResilientHeaders *self, const char *name);
void resilient_headers_append_to_soup (ResilientHeaders *self, SoupMessageHeaders *headers);

/* A field name is a token (RFC 9110, 5.1); a field value has no CR, LF or NUL. */
gboolean resilient_headers_name_is_valid (const char *name);
gboolean resilient_headers_value_is_valid (const char *value);
/* What an app gives as a field of a request, as INVALID_REQUEST that names the field: both as
 * above, and not one of those that follow from the body. Without @value the name alone is checked.
 */
gboolean resilient_headers_check_field (const char *name, const char *value, GError **error);
/* What an app gives as the type of a body, or NULL for none: it has a slash and no line break. */
gboolean resilient_headers_check_content_type (const char *value, GError **error);
/* Type "/" subtype, both tokens, nothing else (RFC 9110, 8.3.1). */
gboolean resilient_headers_is_media_type (const char *value, gboolean *is_lower);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientHeaders, resilient_headers_unref)

G_END_DECLS
