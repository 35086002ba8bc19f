/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-chunked-private.h"

#include <string.h>

typedef enum
{
  DONE,
  MORE, /* nothing is wrong, but the end has not come */
  BROKEN,
} End;

/* Decodes @text in pieces of @step; what came after the end goes to @rest. */
static GString *
decode (const char *text, gsize length, gsize step, End *end, GString *rest)
{
  ResilientChunked chunked;
  GString *body = g_string_new (NULL);

  resilient_chunked_init (&chunked);
  for (gsize i = 0; i < length; i += step)
    {
      gsize n = MIN (step, length - i);
      g_autofree guint8 *data = g_memdup2 (text + i, n);
      g_autoptr (GError) error = NULL;
      gsize n_decoded, n_consumed;

      if (!resilient_chunked_decode (&chunked, data, n, &n_decoded, &n_consumed, &error))
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
          *end = BROKEN;
          return body;
        }
      g_assert_no_error (error);
      g_assert_cmpuint (n_decoded, <=, n_consumed);
      g_assert_cmpuint (n_consumed, <=, n);
      g_assert_true (n_consumed == n || resilient_chunked_is_done (&chunked));
      g_string_append_len (body, (const char *) data, (gssize) n_decoded);
      g_string_append_len (rest, (const char *) data + n_consumed, (gssize) (n - n_consumed));
    }
  *end = resilient_chunked_is_done (&chunked) ? DONE : MORE;
  return body;
}

static void
assert_decodes (const char *text, gsize length, End expected, const char *body, const char *rest)
{
  const gsize steps[] = { 1, 2, 3, 7, 64, 100000 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GString) behind = g_string_new (NULL);
      g_autoptr (GString) decoded = NULL;
      End end;

      decoded = decode (text, length, steps[i], &end, behind);
      g_assert_cmpint (end, ==, expected);
      if (body != NULL)
        g_assert_cmpstr (decoded->str, ==, body);
      if (rest != NULL)
        g_assert_cmpstr (behind->str, ==, rest);
    }
}

static void
test_table (void)
{
  const struct
  {
    const char *text;
    End end;
    const char *body;
    const char *rest;
  } rows[] = {
    { "", MORE, "", "" },
    { "0\r\n\r\n", DONE, "", "" },
    { "5\r\nhello\r\n0\r\n\r\n", DONE, "hello", "" },
    { "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nnext", DONE, "hello world", "next" },
    { "a\r\n0123456789\r\n0\r\n\r\n", DONE, "0123456789", "" },
    { "A\r\n0123456789\r\n00\r\n\r\n", DONE, "0123456789", "" },
    { "0000000000000005\r\nhello\r\n0\r\n\r\n", DONE, "hello", "" },
    /* lines that end with a line feed alone, and sizes that are padded */
    { "5\nhello\n0\n\n", DONE, "hello", "" },
    { "5  \r\nhello\r\n0 \t\r\n\r\n", DONE, "hello", "" },
    /* what is dropped */
    { "5;a=b\r\nhello\r\n0;c\r\n\r\n", DONE, "hello", "" },
    { "5 ; a = \"b;\tc\"\r\nhello\r\n0\r\n\r\n", DONE, "hello", "" },
    { "0\r\nTrailer: t\r\nOther:\r\n\r\nx", DONE, "", "x" },
    { "0\r\nTrailer: t\r\n goes on\r\n\r\n", DONE, "", "" },
    { "2\r\nok\r\n0\nTrailer: t\n\n", DONE, "ok", "" },
    /* cut */
    { "5", MORE, "", "" },
    { "5\r\nhel", MORE, "hel", "" },
    { "5\r\nhello", MORE, "hello", "" },
    { "5\r\nhello\r\n", MORE, "hello", "" },
    { "5\r\nhello\r\n0\r\n", MORE, "hello", "" },
    { "0\r\nTrailer: t\r\n", MORE, "", "" },
    { "7fffffffffffffff\r\nx", MORE, "x", "" },
    /* sizes that are none */
    { "zz\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "-5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "+5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { " 5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "0x5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "5 5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "5,5\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "5\rhello\r\n0\r\n\r\n", BROKEN },
    { "5;a\rb\r\nhello\r\n0\r\n\r\n", BROKEN },
    { ";a\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "00000000000000005\r\nhello\r\n0\r\n\r\n", BROKEN },
    { "8000000000000000\r\nhello", BROKEN },
    { "ffffffffffffffff\r\nhello", BROKEN },
    { "10000000000000005\r\nhello\r\n0\r\n\r\n", BROKEN },
    /* no end of line where the chunk ends */
    { "5\r\nhello0\r\n\r\n", BROKEN, "hello" },
    { "5\r\nhello world\r\n0\r\n\r\n", BROKEN },
    { "5\r\nhello\r0\r\n\r\n", BROKEN },
    { "5\r\nhello\r\n\r\n0\r\n\r\n", BROKEN },
    { "5\r\nhello\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n", BROKEN },
    /* trailers that are none */
    { "0\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n", BROKEN },
    { "0\r\n:\r\n\r\n", BROKEN },
    { "0\r\n goes on\r\n\r\n", BROKEN },
    { "0\r\nTrailer : t\r\n\r\n", BROKEN },
    { "0\r\n\rx", BROKEN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gsize length = strlen (rows[i].text);

      g_test_message ("%u", i);
      /* what came before a mistake depends on where the pieces end */
      assert_decodes (rows[i].text,
                      length,
                      rows[i].end,
                      rows[i].end == BROKEN ? NULL : rows[i].body,
                      rows[i].end == BROKEN ? NULL : rows[i].rest);
    }
}

static void
test_nul (void)
{
  assert_decodes ("5\0\r\nhello\r\n0\r\n\r\n", 17, BROKEN, NULL, NULL);
  assert_decodes ("5;\0\r\nhello\r\n0\r\n\r\n", 18, BROKEN, NULL, NULL);
  assert_decodes ("0\r\nA: \0\r\n\r\n", 11, BROKEN, NULL, NULL);
}

/* What has no bound of its own has one here. */
static void
test_bounds (void)
{
  const struct
  {
    const char *before, *after;
    char filler;
    gsize most; /* of the filler */
  } rows[] = {
    { "2;", "\r\nok\r\n0\r\n\r\n", 'x', 4095 },
    { "2", "\r\nok\r\n0\r\n\r\n", ' ', 4096 },
    { "2\r\nok\r\n0\r\nA: ", "\r\n\r\n", 'x', 64 * 1024 - 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize more = 0; more < 2; more++)
      {
        g_autofree char *filler = g_strnfill (rows[i].most + more, rows[i].filler);
        g_autofree char *text = g_strconcat (rows[i].before, filler, rows[i].after, NULL);

        assert_decodes (text, strlen (text), more ? BROKEN : DONE, more ? NULL : "ok", NULL);
      }
}

/* Broken is broken, and after the end comes nothing. */
static void
test_for_good (void)
{
  ResilientChunked chunked;
  guint8 bad[] = "x\r\n", good[] = "0\r\n\r\n";
  gsize n_decoded, n_consumed;

  resilient_chunked_init (&chunked);
  g_assert_false (resilient_chunked_decode (&chunked, bad, 3, &n_decoded, &n_consumed, NULL));
  g_assert_false (resilient_chunked_decode (&chunked, good, 5, &n_decoded, &n_consumed, NULL));
  g_assert_false (resilient_chunked_is_done (&chunked));

  resilient_chunked_init (&chunked);
  g_assert_true (resilient_chunked_decode (&chunked, good, 5, &n_decoded, &n_consumed, NULL));
  g_assert_true (resilient_chunked_is_done (&chunked));
  g_assert_true (resilient_chunked_decode (&chunked, bad, 3, &n_decoded, &n_consumed, NULL));
  g_assert_cmpuint (n_decoded, ==, 0);
  g_assert_cmpuint (n_consumed, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/chunked/table", test_table);
  g_test_add_func ("/chunked/nul", test_nul);
  g_test_add_func ("/chunked/bounds", test_bounds);
  g_test_add_func ("/chunked/for-good", test_for_good);
  return g_test_run ();
}
