/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-error.h"
#include "resilient-inflate-private.h"

#include <string.h>

static GByteArray *
compress (GZlibCompressorFormat format, const void *data, gsize length)
{
  g_autoptr (GConverter) compressor = G_CONVERTER (g_zlib_compressor_new (format, 6));
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) stream = g_converter_output_stream_new (memory, compressor);
  g_autoptr (GBytes) bytes = NULL;

  g_assert_true (g_output_stream_write_all (stream, data, length, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (stream, NULL, NULL));
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  return g_bytes_unref_to_array (g_steal_pointer (&bytes));
}

static char *
make_text (gsize length)
{
  GString *text = g_string_sized_new (length + 32);
  guint32 x = 1;

  while (text->len < length)
    {
      x = x * 1664525 + 1013904223;
      g_string_append_printf (text, "%x ", x >> 12);
    }
  g_string_truncate (text, length);
  return g_string_free (text, FALSE);
}

/* Steps that the last decode() took. */
static guint n_steps;

static gboolean
feed (ResilientInflate *inflate,
      const guint8 *data,
      gsize length,
      GByteArray *out,
      guint64 limit,
      GError **error)
{
  ResilientInflateState state = resilient_inflate_feed (inflate, data, length, out, limit, error);

  n_steps++;
  while (state == RESILIENT_INFLATE_MORE)
    {
      guint before = out->len;

      g_assert_true (error == NULL || *error == NULL);
      state = resilient_inflate_feed (inflate, NULL, 0, out, limit, error);
      /* what one step does is bounded */
      g_assert_cmpuint (out->len - before, <=, 512 * 1024);
      n_steps++;
    }
  return state == RESILIENT_INFLATE_DRAINED;
}

/* Decodes in pieces of @step; the error, if any, is that of the feed or of the finish. */
static GByteArray *
decode (const char *encoding,
        gboolean lenient,
        const guint8 *data,
        gsize length,
        gsize step,
        guint64 limit,
        GError **error)
{
  g_autoptr (ResilientInflate) inflate = resilient_inflate_new (encoding, lenient);
  g_autoptr (GByteArray) out = g_byte_array_new ();

  g_assert_nonnull (inflate);
  n_steps = 0;
  for (gsize i = 0; i < length; i += step)
    if (!feed (inflate, data + i, MIN (step, length - i), out, limit, error))
      return NULL;
  if (!resilient_inflate_finish (inflate, out, limit, error))
    return NULL;
  return g_steal_pointer (&out);
}

static void
assert_decodes (const char *encoding, gboolean lenient, GByteArray *data, const char *expected)
{
  const gsize steps[] = { 1, 2, 7, 4096, G_MAXINT };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GByteArray) out =
        decode (encoding, lenient, data->data, data->len, steps[i], 0, &error);

      g_assert_no_error (error);
      g_assert_cmpmem (out->data, out->len, expected, strlen (expected));
    }
}

static void
assert_fails (const char *encoding,
              const guint8 *data,
              gsize length,
              guint64 limit,
              GQuark domain,
              int code)
{
  const gsize steps[] = { 1, G_MAXINT };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GByteArray) out = decode (encoding, FALSE, data, length, steps[i], limit, &error);

      g_assert_null (out);
      g_assert_error (error, domain, code);
    }
}

static void
test_codings (void)
{
  g_autofree char *text = make_text (200000);
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, text, strlen (text));
  g_autoptr (GByteArray) zlib = compress (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, text, strlen (text));
  g_autoptr (GByteArray) raw = compress (G_ZLIB_COMPRESSOR_FORMAT_RAW, text, strlen (text));
  g_autoptr (GByteArray) both = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, zlib->data, zlib->len);

  assert_decodes ("gzip", FALSE, gzip, text);
  assert_decodes ("X-GZip", FALSE, gzip, text);
  assert_decodes ("deflate", FALSE, zlib, text);
  assert_decodes ("deflate", FALSE, raw, text);
  assert_decodes ("deflate, gzip", FALSE, both, text);
  assert_decodes ("identity, gzip", FALSE, gzip, text);
}

static void
test_unknown (void)
{
  g_assert_null (resilient_inflate_new (NULL, FALSE));
  g_assert_null (resilient_inflate_new ("", FALSE));
  g_assert_null (resilient_inflate_new ("identity", FALSE));
  g_assert_null (resilient_inflate_new ("br", FALSE));
  g_assert_null (resilient_inflate_new ("br, gzip", FALSE));
  /* more than two, whichever */
  g_assert_null (resilient_inflate_new ("gzip, gzip, gzip", FALSE));
  g_assert_null (resilient_inflate_new ("deflate, gzip, x-gzip", FALSE));
  g_assert_null (resilient_inflate_new ("gzip,gzip,gzip,gzip,gzip", FALSE));
}

static void
test_empty (void)
{
  g_autoptr (GByteArray) nothing = g_byte_array_new ();
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "", 0);

  assert_decodes ("gzip", FALSE, nothing, "");
  assert_decodes ("deflate", FALSE, nothing, "");
  assert_decodes ("deflate, gzip", FALSE, nothing, "");
  assert_decodes ("gzip", FALSE, gzip, "");
}

static void
test_cut (void)
{
  g_autofree char *text = make_text (500);
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, text, strlen (text));
  g_autoptr (GByteArray) zlib = compress (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, text, strlen (text));
  g_autoptr (GByteArray) raw = compress (G_ZLIB_COMPRESSOR_FORMAT_RAW, text, strlen (text));

  for (gsize length = 1; length < gzip->len; length++)
    assert_fails ("gzip", gzip->data, length, 0, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  for (gsize length = 1; length < zlib->len; length += 13)
    assert_fails ("deflate", zlib->data, length, 0, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  for (gsize length = 2; length < raw->len; length += 13)
    assert_fails ("deflate", raw->data, length, 0, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
}

static void
test_corrupt (void)
{
  g_autofree char *text = make_text (5000);
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, text, strlen (text));
  g_autoptr (GByteArray) sum = g_byte_array_new ();

  g_byte_array_append (sum, gzip->data, gzip->len);
  sum->data[sum->len - 6] ^= 0x55; /* the check sum */
  assert_fails ("gzip", sum->data, sum->len, 0, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  assert_fails (
    "gzip", (const guint8 *) "this is plain", 13, 0, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  assert_fails (
    "deflate", (const guint8 *) "\xff\xff\xff\xff", 4, 0, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* Two members are one body; anything else behind a whole one is padding. */
static void
test_trailing (void)
{
  g_autoptr (GByteArray) first = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "abc", 3);
  g_autoptr (GByteArray) second = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "def", 3);
  g_autoptr (GByteArray) padded = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "abc", 3);
  g_autoptr (GByteArray) zlib = compress (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, "abc", 3);

  g_byte_array_append (first, second->data, second->len);
  assert_decodes ("gzip", FALSE, first, "abcdef");
  g_byte_array_append (padded, (const guint8 *) "\0\0\0\0garbage", 11);
  assert_decodes ("gzip", FALSE, padded, "abc");
  g_byte_array_append (zlib, (const guint8 *) "x", 1);
  assert_decodes ("deflate", FALSE, zlib, "abc");
  /* what padding holds is no member any more, wherever the pieces end */
  g_byte_array_append (padded, second->data, second->len);
  assert_decodes ("gzip", FALSE, padded, "abc");
  /* a second member that is cut is a cut body */
  assert_fails ("gzip", first->data, first->len - 3, 0, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
}

/* A megabyte of zeros is a kilobyte on the wire. */
static void
test_limit (void)
{
  g_autofree guint8 *zeros = g_malloc0 (1024 * 1024);
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, zeros, 1024 * 1024);
  g_autoptr (GByteArray) out = NULL;
  g_autoptr (GError) error = NULL;

  assert_fails ("gzip",
                gzip->data,
                gzip->len,
                1024 * 1024 - 1,
                RESILIENT_CLIENT_ERROR,
                RESILIENT_CLIENT_ERROR_TOO_LARGE);
  out = decode ("gzip", FALSE, gzip->data, gzip->len, G_MAXINT, 1024 * 1024, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (out->len, ==, 1024 * 1024);
}

static GByteArray *
repeat (GByteArray *data, guint n)
{
  GByteArray *all = g_byte_array_sized_new (data->len * n);

  for (guint i = 0; i < n; i++)
    g_byte_array_append (all, data->data, data->len);
  return all;
}

/* Members without number cost what their bytes cost, in one piece too, and a bounded part of that
 * at a time; so do layers of them that yield nothing at all. */
static void
test_many_members (void)
{
  g_autoptr (GByteArray) nothing = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "", 0);
  g_autoptr (GByteArray) letter = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "a", 1);
  g_autoptr (GByteArray) letters = repeat (letter, 400000);
  g_autoptr (GByteArray) inner = repeat (nothing, 400000);
  g_autoptr (GByteArray) outer = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, inner->data, inner->len);
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) out = NULL;
  g_autoptr (GByteArray) none = NULL;

  out = decode ("gzip", FALSE, letters->data, letters->len, G_MAXINT, 400000, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (out->len, ==, 400000);
  g_assert_cmpuint (n_steps, >, letters->len / (512 * 1024));
  g_assert_cmpuint (n_steps, <, 1000);

  none = decode ("gzip, gzip", FALSE, outer->data, outer->len, G_MAXINT, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpuint (n_steps, >, inner->len / (512 * 1024));
  g_assert_cmpuint (n_steps, <, 1000);
}

/* 60 KB on the wire, 60 MB of body: legal, and no reason to stop everything else. */
static void
test_steps (void)
{
  const gsize size = 60 * 1024 * 1024;
  g_autofree guint8 *zeros = g_malloc0 (size);
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, zeros, size);
  g_autoptr (GByteArray) twice = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, gzip->data, gzip->len);
  g_autoptr (GError) error = NULL;
  const struct
  {
    const char *encoding;
    GByteArray *data;
  } rows[] = { { "gzip", gzip }, { "gzip, gzip", twice } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) out = decode (
        rows[i].encoding, FALSE, rows[i].data->data, rows[i].data->len, G_MAXINT, size, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (out->len, ==, size);
      g_assert_cmpuint (n_steps, >=, size / (512 * 1024));
    }
}

/* From a cache: the label may speak of what it has decoded already. */
static void
test_lenient (void)
{
  g_autoptr (GByteArray) gzip = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, "abc", 3);
  g_autoptr (GByteArray) zlib = compress (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, "abc", 3);
  g_autoptr (GByteArray) plain = g_byte_array_new ();
  g_autoptr (GByteArray) one = g_byte_array_new ();

  g_byte_array_append (plain, (const guint8 *) "plain text", 10);
  g_byte_array_append (one, (const guint8 *) "x", 1);
  assert_decodes ("gzip", TRUE, gzip, "abc");
  assert_decodes ("gzip", TRUE, plain, "plain text");
  assert_decodes ("deflate", TRUE, zlib, "abc");
  assert_decodes ("deflate", TRUE, plain, "plain text");
  assert_decodes ("gzip", TRUE, one, "x");
}

/* No limit is one of what an array holds. The array is not written to. */
static void
test_array_limit (void)
{
  const guint64 limits[] = { 0, G_MAXUINT64, (guint64) G_MAXUINT + 1 };
  g_autofree char *text = make_text (1000);
  g_autoptr (GByteArray) encoded = compress (G_ZLIB_COMPRESSOR_FORMAT_GZIP, text, 1000);

  g_assert_cmpuint (resilient_get_body_limit (1000), ==, 1000);
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (ResilientInflate) inflate = resilient_inflate_new ("gzip", FALSE);
      GByteArray full = { .data = NULL, .len = G_MAXUINT / 2 - 999 };
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (resilient_get_body_limit (limits[i]), ==, G_MAXUINT / 2);
      g_assert_cmpint (
        resilient_inflate_feed (inflate, encoded->data, encoded->len, &full, limits[i], &error),
        ==,
        RESILIENT_INFLATE_FAILED);
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/inflate/codings", test_codings);
  g_test_add_func ("/inflate/unknown", test_unknown);
  g_test_add_func ("/inflate/empty", test_empty);
  g_test_add_func ("/inflate/cut", test_cut);
  g_test_add_func ("/inflate/corrupt", test_corrupt);
  g_test_add_func ("/inflate/trailing", test_trailing);
  g_test_add_func ("/inflate/limit", test_limit);
  g_test_add_func ("/inflate/many-members", test_many_members);
  g_test_add_func ("/inflate/steps", test_steps);
  g_test_add_func ("/inflate/lenient", test_lenient);
  g_test_add_func ("/inflate/array-limit", test_array_limit);
  return g_test_run ();
}
