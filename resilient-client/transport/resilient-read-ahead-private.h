/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A stream that reads @base, which it closes, in large pieces. What libsoup sends it asks for in pieces of 8 KiB, and GIO
 * reads each of a file in a thread of its own. @length: what is expected of @base, -1 = unknown. */
GInputStream *resilient_read_ahead_new (GInputStream *base, gint64 length);

G_END_DECLS
