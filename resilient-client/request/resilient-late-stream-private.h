/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

/* A stream over another one that is opened when it is first read from. It owns that, and what opens
 * it. One reader at a time; closing may be in a thread of GIO's. */

G_BEGIN_DECLS

#define RESILIENT_TYPE_LATE_STREAM (resilient_late_stream_get_type ())
G_DECLARE_FINAL_TYPE (ResilientLateStream,
                      resilient_late_stream,
                      RESILIENT,
                      LATE_STREAM,
                      GInputStream)

/* Opens a stream when it is first read from, rather than when it is wanted: what opens it may
 * belong to the app and run a main loop. */
typedef GInputStream *(*ResilientLateStreamOpen) (gpointer data, GError **error);

GInputStream *
resilient_late_stream_new (ResilientLateStreamOpen open, gpointer data, GDestroyNotify destroy);

G_END_DECLS
