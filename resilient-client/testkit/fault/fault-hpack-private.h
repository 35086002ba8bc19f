/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Header compression of HTTP/2 (RFC 7541): all of its decoding, and the plainest encoding that it
 * allows. */
typedef struct _FaultHpack FaultHpack;

FaultHpack *fault_hpack_new (void);
void fault_hpack_free (FaultHpack *self);
/* A header block as lines "name: value"; NULL if it can't be decoded. */
char **fault_hpack_decode (FaultHpack *self, const guint8 *data, gsize size);
void fault_hpack_encode (GByteArray *block, const char *name, const char *value);
/* The same for each of the first of @lines that are equal; returns how many. It goes into the
 * peer's table. */
guint fault_hpack_encode_run (GByteArray *block, const char *name, const char *value, char **lines);

G_END_DECLS
