/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A strict decoder of the chunked transfer coding (RFC 9112, 7.1), which allocates nothing. */
typedef enum
{
  RESILIENT_CHUNKED_SIZE,      /* the digits of a chunk's size */
  RESILIENT_CHUNKED_PADDING,   /* white space after them */
  RESILIENT_CHUNKED_EXTENSION, /* the rest of the line, from a semicolon on */
  RESILIENT_CHUNKED_SIZE_LF,   /* the line feed after a carriage return */
  RESILIENT_CHUNKED_DATA,      /* the bytes of a chunk */
  RESILIENT_CHUNKED_DATA_END,  /* the line end after them */
  RESILIENT_CHUNKED_DATA_LF,
  RESILIENT_CHUNKED_TRAILER,    /* the beginning of a line after the last chunk */
  RESILIENT_CHUNKED_NAME,       /* the name of a trailer field */
  RESILIENT_CHUNKED_VALUE,      /* its value, or the next line of that */
  RESILIENT_CHUNKED_TRAILER_LF, /* the line feed of the empty line that ends it all */
  RESILIENT_CHUNKED_DONE,
  RESILIENT_CHUNKED_BROKEN,
} ResilientChunkedState;

/* Lives in its owner; its fields are the decoder's. */
typedef struct
{
  ResilientChunkedState state;
  guint n_digits;     /* of the current size */
  guint n_line_bytes; /* between the current size and the end of its line */
  guint n_trailer_bytes;
  guint64 n_left; /* bytes of the current chunk that are still to come */
} ResilientChunked;

void resilient_chunked_init (ResilientChunked *self);

/* Decodes @data in place: what it holds of the body moves to its front, and *@n_decoded says how
 * much that is. All is consumed, but for what comes after the end of the body: *@n_consumed is less
 * then. FALSE with @error (G_IO_ERROR_INVALID_DATA) for what can't be a chunked body, now and ever
 * after. */
gboolean resilient_chunked_decode (ResilientChunked *self,
                                   guint8 *data,
                                   gsize length,
                                   gsize *n_decoded,
                                   gsize *n_consumed,
                                   GError **error);

/* The last chunk, the trailer fields and the empty line after them have come. */
gboolean resilient_chunked_is_done (const ResilientChunked *self);

G_END_DECLS
