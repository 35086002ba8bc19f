/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A character encoding that the web has. Static. */
typedef struct _ResilientEncoding ResilientEncoding;

/* By the label of a header; NULL for one that means nothing here. No label reaches iconv. */
const ResilientEncoding *resilient_encoding_find (const char *label);
/* The one that a byte order mark tells, and the length of that; else NULL and 0. */
const ResilientEncoding *resilient_encoding_find_mark (const char *data, gsize size, gsize *length);
const ResilientEncoding *resilient_encoding_get_utf8 (void);
const ResilientEncoding *resilient_encoding_get_windows_1252 (void);
const char *resilient_encoding_get_name (const ResilientEncoding *self);

/* To UTF-8, or NULL when something is no character of the encoding, or the character NUL, where a C
 * string would end. */
char *resilient_encoding_decode (const ResilientEncoding *self, const char *data, gsize size);
/* Never fails: what is none, and each NUL, becomes U+FFFD. */
char *
resilient_encoding_decode_lenient (const ResilientEncoding *self, const char *data, gsize size);

G_END_DECLS
