/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Packs a text, and spoils what it has packed. Pure functions that own nothing, for any thread. */

#include "config.h"

#include "fault-gzip.h"

#include <gio/gio.h>
#include <string.h>

GBytes *
fault_gzip (const char *text, FaultGzip how)
{
  g_autoptr (GZlibCompressor) compressor =
    g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  g_autoptr (GInputStream) memory = g_memory_input_stream_new_from_data (text, strlen (text), NULL);
  g_autoptr (GInputStream) source = g_converter_input_stream_new (memory, G_CONVERTER (compressor));
  g_autoptr (GOutputStream) target = g_memory_output_stream_new_resizable ();
  g_autoptr (GBytes) whole = NULL;
  guint8 *data;
  gsize size;

  g_output_stream_splice (target,
                          source,
                          G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                          NULL,
                          NULL);
  whole = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (target));
  switch (how)
    {
    case FAULT_GZIP_CUT:
      /* the last eight bytes are checksum and length: leave those and some data out */
      return g_bytes_new_from_bytes (whole, 0, g_bytes_get_size (whole) - 10);

    case FAULT_GZIP_CORRUPT:
      data = g_bytes_unref_to_data (g_steal_pointer (&whole), &size);
      data[size - 8] ^= 0xff;
      data[size / 2] ^= 0xff;
      return g_bytes_new_take (data, size);

    case FAULT_GZIP_WHOLE:
    default:
      return g_steal_pointer (&whole);
    }
}
