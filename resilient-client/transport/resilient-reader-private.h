/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

#include "resilient-pace-private.h"

G_BEGIN_DECLS

/* Reads a response stream to its end in the thread-default context, without ever blocking, and
 * closes it. */
typedef struct _ResilientReader ResilientReader;

typedef struct
{
  /* Some bytes; called from a source, or from start(). FALSE: read no more until it is started
   * again. The reader may be closed from inside. */
  gboolean (*data) (ResilientReader *self, const guint8 *bytes, gsize length, gpointer user_data);
  /* Once, the last but closed(): the end of the stream, or @error. */
  void (*end) (ResilientReader *self, const GError *error, gpointer user_data);
  /* Once after close(): the stream is closed. The reader is freed next. */
  void (*closed) (gpointer user_data);
} ResilientReaderFuncs;

/* @io_priority: of its sources, and of what it asks of @stream. @pace, nullable, by which they give
 * way. */
ResilientReader *resilient_reader_new (GInputStream *stream,
                                       int io_priority,
                                       ResilientPace *pace,
                                       const ResilientReaderFuncs *funcs,
                                       gpointer user_data);
/* Starts reading at once, from inside the call. */
void resilient_reader_start (ResilientReader *self);
/* Tries a read although nothing has announced data: finds out what fires no source. */
void resilient_reader_poll (ResilientReader *self);
/* How to close a stream of libsoup's. */
typedef enum
{
  RESILIENT_CLOSE_LATER, /* whatever is left is skipped, or the stream reset; may take turns */
  RESILIENT_CLOSE_NOW,   /* both sides of an HTTP/1 message are done: from inside the call */
  /* gives the connection up, of HTTP/2 one that is lost already: nothing is written */
  RESILIENT_CLOSE_ABANDON,
} ResilientClose;

/* Stops reading and closes the stream. Only closed() follows. Does not block. */
void resilient_reader_close (ResilientReader *self, ResilientClose how);
gboolean resilient_reader_is_at_end (ResilientReader *self);

G_END_DECLS
