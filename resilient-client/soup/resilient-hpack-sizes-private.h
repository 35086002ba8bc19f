/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Measures header sections of HTTP/2 before anybody decodes them: a section of 16 KiB can stand for
 * 60 MiB (RFC 7541, 7.3). Reads the whole encoding, but keeps no name and no value, only how long
 * they are. */
typedef struct _ResilientHpackSizes ResilientHpackSizes;

ResilientHpackSizes *resilient_hpack_sizes_new (void);
void resilient_hpack_sizes_free (ResilientHpackSizes *self);
/* What the encoder may set the size of its table to from now on. */
void resilient_hpack_sizes_set_max_table (ResilientHpackSizes *self, guint32 size);
/* The size of the section that @block encodes, as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC
 * 9113, 6.5.2). It stops as soon as that is above @limit, and is of no use any more then, as it is
 * after −1: @block is no valid encoding. */
gint64 resilient_hpack_sizes_measure (ResilientHpackSizes *self,
                                      const guint8 *block,
                                      gsize length,
                                      gint64 limit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResilientHpackSizes, resilient_hpack_sizes_free)

G_END_DECLS
