/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "resilient-chunked-private.h"

/* Chunks are what a server says, and what it says there is given to the caller as its body.
 *
 * An input has a line with the size of the pieces in which the rest arrives. */

typedef struct
{
  GByteArray *body;
  gsize n_consumed;
  gboolean broken;
  gboolean done;
} Decoded;

static void
decode (Decoded *decoded, const guint8 *data, gsize size, gsize step)
{
  ResilientChunked chunked;

  *decoded = (Decoded){ .body = g_byte_array_new () };
  resilient_chunked_init (&chunked);
  for (gsize i = 0; i < size && !decoded->done; i += step)
    {
      gsize length = MIN (step, size - i);
      g_autofree guint8 *piece = g_memdup2 (data + i, length);
      g_autoptr (GError) error = NULL;
      gsize n_decoded, n_consumed;

      if (!resilient_chunked_decode (&chunked, piece, length, &n_decoded, &n_consumed, &error))
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
          decoded->broken = TRUE;
          return;
        }
      g_assert_true (n_decoded <= n_consumed && n_consumed <= length);
      decoded->done = resilient_chunked_is_done (&chunked);
      g_assert_true (decoded->done || n_consumed == length);
      g_byte_array_append (decoded->body, piece, (guint) n_decoded);
      decoded->n_consumed += n_consumed;
    }
}

static gboolean
starts_with_size (const guint8 *data, gsize size, gsize value)
{
  g_autofree char *text = g_strndup ((const char *) data, MIN (size, 17));
  char *end;

  return g_ascii_isxdigit (*text) && g_ascii_strtoull (text, &end, 16) == value && end != text;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  gsize step = (gsize) fuzz_take_integer (&input, 1, 64 * 1024);
  Decoded whole, pieces;

  if (input.size == 0)
    return 0;

  /* How it is dealt out does not matter. */
  decode (&whole, input.data, input.size, input.size);
  decode (&pieces, input.data, input.size, step);
  g_assert_cmpint (pieces.broken, ==, whole.broken);
  g_assert_cmpint (pieces.done, ==, whole.done);
  if (!whole.broken)
    {
      g_assert_cmpuint (pieces.n_consumed, ==, whole.n_consumed);
      g_assert_cmpmem (pieces.body->data, pieces.body->len, whole.body->data, whole.body->len);
    }

  /* A chunked body begins with the size of its first chunk and ends with an empty line, and what is
   * decoded of it stands in it. */
  if (whole.done)
    {
      g_assert_true (whole.n_consumed >= 3);
      g_assert_cmpint (input.data[whole.n_consumed - 1], ==, '\n');
      g_assert_true (g_ascii_isxdigit (input.data[0]));
      g_assert_true (whole.body->len + 3 <= whole.n_consumed);
      if (whole.body->len == 0)
        g_assert_true (starts_with_size (input.data, input.size, 0));
    }
  /* All of its beginnings are neither broken nor done. */
  if (whole.done && whole.n_consumed <= 256)
    for (gsize n = 1; n < whole.n_consumed; n++)
      {
        Decoded part;

        decode (&part, input.data, n, n);
        g_assert_false (part.broken || part.done);
        g_byte_array_unref (part.body);
      }

  g_byte_array_unref (whole.body);
  g_byte_array_unref (pieces.body);
  return 0;
}
