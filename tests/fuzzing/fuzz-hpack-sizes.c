/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <nghttp2/nghttp2.h>

#include "resilient-hpack-sizes-private.h"

/* Header sections of HTTP/2 are measured before nghttp2 decodes them, for libsoup: both must mean
 * the same by them.
 *
 * An input has a line that says whether the large table was granted, a line that says how long the
 * first section is, and then the sections. */

#define LIMIT (256 * 1024)
#define TABLE_SIZE 65536

/* As resilient_hpack_sizes_measure(), by what nghttp2 decodes. */
static gint64
measure (nghttp2_hd_inflater *inflater, const guint8 *data, gsize size)
{
  gint64 total = 0;
  int flags = 0;

  while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0)
    {
      nghttp2_nv field;
      ssize_t n = nghttp2_hd_inflate_hd2 (inflater, &field, &flags, data, size, TRUE);

      if (n < 0)
        return -1;
      data += n;
      size -= (gsize) n;
      if (flags & NGHTTP2_HD_INFLATE_EMIT)
        total += (gint64) (field.namelen + field.valuelen + 32);
    }
  nghttp2_hd_inflate_end_headers (inflater);
  return total;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  gboolean large = fuzz_take_integer (&input, 0, 1) == 1;
  gsize first = (gsize) fuzz_take_integer (&input, 0, 64 * 1024);
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();
  nghttp2_hd_inflater *inflater = NULL;
  gint64 measured = 0;

  g_assert_cmpint (nghttp2_hd_inflate_new (&inflater), ==, 0);
  if (large)
    {
      resilient_hpack_sizes_set_max_table (sizes, TABLE_SIZE);
      g_assert_cmpint (nghttp2_hd_inflate_change_table_size (inflater, TABLE_SIZE), ==, 0);
    }

  first = MIN (first, input.size);
  for (guint i = 0; i < 2 && measured >= 0 && measured <= LIMIT; i++)
    {
      const guint8 *block = i == 0 ? input.data : input.data + first;
      gsize length = i == 0 ? first : input.size - first;

      measured = resilient_hpack_sizes_measure (sizes, block, length, LIMIT);
      if (measured <= LIMIT)
        g_assert_cmpint (measured, ==, measure (inflater, block, length));
    }

  nghttp2_hd_inflate_del (inflater);
  return 0;
}
