/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-hpack-sizes-private.h"

#include <string.h>

#define LIMIT (256 * 1024)

static GByteArray *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; *hex != '\0'; hex++)
    if (*hex != ' ')
      {
        guint8 byte = (guint8) (g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1]));

        g_byte_array_append (bytes, &byte, 1);
        hex++;
      }
  return bytes;
}

static void
assert_size (ResilientHpackSizes *sizes, const char *hex, gint64 expected)
{
  g_autoptr (GByteArray) block = from_hex (hex);

  g_assert_cmpint (
    resilient_hpack_sizes_measure (sizes, block->data, block->len, LIMIT), ==, expected);
}

static void
assert_invalid (const char *hex)
{
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();

  assert_size (sizes, hex, -1);
}

/* RFC 7541, appendix C: the sizes are of what it says that the blocks decode to. */
static void
test_examples (void)
{
  g_autoptr (ResilientHpackSizes) plain = resilient_hpack_sizes_new ();
  g_autoptr (ResilientHpackSizes) huffman = resilient_hpack_sizes_new ();
  g_autoptr (ResilientHpackSizes) small = resilient_hpack_sizes_new ();

  assert_size (plain, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", 180);
  assert_size (plain, "8286 84be 5808 6e6f 2d63 6163 6865", 233);
  assert_size (
    plain, "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", 245);

  assert_size (huffman, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", 180);
  assert_size (huffman, "8286 84be 5886 a8eb 1064 9cbf", 233);
  assert_size (huffman, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", 245);

  /* with a table of 256 bytes, out of which entries fall */
  assert_size (
    small,
    "3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6"
    "2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    222);
  assert_size (small, "4883 640e ffc1 c0bf", 222);
  assert_size (
    small,
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad"
    "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160"
    "65c0 03ed 4ee5 b106 3d50 07",
    372);
}

static void
test_literals (void)
{
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();

  assert_size (sizes, "", 0);
  assert_size (sizes, "0001 7803 6f6e 65", 1 + 3 + 32); /* without indexing */
  assert_size (sizes, "1001 7803 6f6e 65", 1 + 3 + 32); /* never indexed */
  assert_size (sizes, "0f11 00", 6 + 32);               /* "cookie", the 32nd of the static table */
  assert_size (sizes, "0080 80", 32);                   /* empty strings */
}

static void
test_invalid (void)
{
  assert_invalid ("80");                /* an index of 0 */
  assert_invalid ("be");                /* beyond the tables */
  assert_invalid ("7f ff ff ff ff 0f"); /* an integer that overflows */
  assert_invalid ("ff 80 80 80 80 80 00");
  assert_invalid ("ff 80");    /* one that is cut */
  assert_invalid ("40 05 78"); /* a string that is cut */
  assert_invalid ("40");
  assert_invalid ("00 81 00 00");          /* padding that is not all ones */
  assert_invalid ("00 82 1f ff 00");       /* or longer than 7 bits */
  assert_invalid ("00 84 ff ff ff ff 00"); /* the end of strings itself */
  assert_invalid ("3f e2 1f");             /* a table that is larger than agreed: 4097 */
  assert_invalid ("82 20");                /* a change of the table that comes late */
}

static void
test_table (void)
{
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();

  assert_size (sizes, "3fe1 1f 4001 7803 6f6e 65", 36); /* 4096 is agreed */
  assert_size (sizes, "be", 36);
  assert_size (sizes, "20 3fe1 1f", 0); /* emptied, and opened again */
  assert_size (sizes, "be", -1);

  resilient_hpack_sizes_set_max_table (sizes, 65536);
  assert_size (sizes, "3fe1 ff03", 0);
  assert_size (sizes, "3fe2 ff03", -1);
}

/* A byte that stands for 4,000 is counted no further than it takes. */
static void
test_bomb (void)
{
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();
  g_autoptr (GByteArray) block = from_hex ("40 0178 7fa1 1e");
  g_autofree char *value = g_strnfill (4000, 'x');
  g_autofree char *repeats = g_strnfill (100000, '\xbe');
  gint64 size;

  g_byte_array_append (block, (const guint8 *) value, 4000);
  g_byte_array_append (block, (const guint8 *) repeats, 100000);
  size = resilient_hpack_sizes_measure (sizes, block->data, block->len, LIMIT);
  g_assert_cmpint (size, >, LIMIT);
  g_assert_cmpint (size, <=, LIMIT + 4033);
}

/* Entries come and go for long: the table holds no more than its size. */
static void
test_churn (void)
{
  g_autoptr (ResilientHpackSizes) sizes = resilient_hpack_sizes_new ();

  for (guint i = 0; i < 10000; i++)
    {
      assert_size (sizes, "4001 7803 6f6e 65", 36);
      assert_size (sizes, "be", 36);
    }
  /* 4096 / 36 = 113 of them, from 62 on */
  assert_size (sizes, "ff 2f", 36);
  assert_size (sizes, "ff 30", -1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hpack-sizes/examples", test_examples);
  g_test_add_func ("/hpack-sizes/literals", test_literals);
  g_test_add_func ("/hpack-sizes/invalid", test_invalid);
  g_test_add_func ("/hpack-sizes/table", test_table);
  g_test_add_func ("/hpack-sizes/bomb", test_bomb);
  g_test_add_func ("/hpack-sizes/churn", test_churn);
  return g_test_run ();
}
