/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <string.h>

#include "resilient-encoding-private.h"

static void
test_labels (void)
{
  const struct
  {
    const char *label;
    const char *name; /* NULL: unknown */
  } rows[] = {
    { "utf-8", "UTF-8" },
    { "UTF8", "UTF-8" },
    { "utf_8", "UTF-8" },
    { "utf8mb4", "UTF-8" },
    { "unicode-1-1-utf-8", "UTF-8" },
    { "us-ascii", "windows-1252" },
    { "iso-8859-1", "windows-1252" },
    { "ISO_8859-1:1987", "windows-1252" },
    { "latin1", "windows-1252" },
    { "latin-1", "windows-1252" },
    { "l1", "windows-1252" },
    { "cp1252", "windows-1252" },
    { "iso-8859-15", "ISO-8859-15" },
    { "iso8859-2", "ISO-8859-2" },
    { "windows-1251", "windows-1251" },
    { "koi8-r", "KOI8-R" },
    { "koi8_r", "KOI8-R" },
    { "koi8-ru", "KOI8-U" },
    { "x-sjis", "Shift_JIS" },
    { "shift-jis", "Shift_JIS" },
    { "windows-31j", "Shift_JIS" },
    { "gb2312", "GBK" },
    { "gb18030", "gb18030" },
    { "big5-hkscs", "Big5" },
    { "euc-kr", "EUC-KR" },
    { "ks_c_5601-1987", "EUC-KR" },
    { "utf-16", "UTF-16LE" },
    { "utf-16be", "UTF-16BE" },
    { "macintosh", "macintosh" },
    { "tis-620", "windows-874" },
    /* what iconv would take */
    { "ISO-2022-CN-EXT", NULL },
    { "ISO-2022-KR", NULL },
    { "UTF-7", NULL },
    { "UTF-8//TRANSLIT", NULL },
    { "UTF-8//IGNORE", NULL },
    { "UTF-32", NULL },
    { "IBM1047", NULL },
    { "ANSI_X3.110-1983", NULL },
    /* parts of labels, and none */
    { "utf", NULL },
    { "8", NULL },
    { "latin", NULL },
    { "utf-8 latin1", NULL },
    { "utf8mb4latin1", NULL },
    { "", NULL },
    { "-", NULL },
    { "klingon", NULL },
    { "utf-8\xc3\xa9", NULL },
  };
  g_autofree char *longest = g_strnfill (50 * 1024, 'u');

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const ResilientEncoding *encoding = resilient_encoding_find (rows[i].label);

      g_test_message ("%s", rows[i].label);
      g_assert_cmpstr (
        encoding != NULL ? resilient_encoding_get_name (encoding) : NULL, ==, rows[i].name);
    }
  g_assert_null (resilient_encoding_find (longest));
}

/* Every one that is known can decode: an empty text, ASCII where it has that, and, leniently, all
 * bytes there are. */
static void
test_all (void)
{
  const char *labels[] = {
    "utf-8",          "windows-1252", "big5",         "euc-jp",
    "euc-kr",         "gb18030",      "gbk",          "ibm866",
    "iso-2022-jp",    "iso-8859-2",   "iso-8859-3",   "iso-8859-4",
    "iso-8859-5",     "iso-8859-6",   "iso-8859-7",   "iso-8859-8",
    "iso-8859-8-i",   "iso-8859-10",  "iso-8859-13",  "iso-8859-14",
    "iso-8859-15",    "iso-8859-16",  "koi8-r",       "koi8-u",
    "macintosh",      "shift_jis",    "windows-874",  "windows-1250",
    "windows-1251",   "windows-1253", "windows-1254", "windows-1255",
    "windows-1256",   "windows-1257", "windows-1258", "x-mac-cyrillic",
    "x-user-defined", "utf-16be",     "utf-16le",
  };
  char bytes[512];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (char) (i % 256);

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      const ResilientEncoding *encoding = resilient_encoding_find (labels[i]);
      gboolean wide = g_str_has_prefix (labels[i], "utf-16");
      g_autofree char *empty = NULL;
      g_autofree char *ascii = NULL;

      g_test_message ("%s", labels[i]);
      g_assert_nonnull (encoding);
      empty = resilient_encoding_decode (encoding, "", 0);
      g_assert_cmpstr (empty, ==, "");
      if (!wide)
        {
          ascii = resilient_encoding_decode (encoding, "Aloha 123", 9);
          g_assert_cmpstr (ascii, ==, "Aloha 123");
        }
      for (gsize length = 0; length < 200; length++)
        {
          g_autofree char *text =
            resilient_encoding_decode_lenient (encoding, bytes + length, length);

          g_assert_true (g_utf8_validate (text, -1, NULL));
          g_assert_true (length == 0 || *text != '\0');
        }
    }
}

static void
test_decode (void)
{
  const struct
  {
    const char *label;
    const char *data;
    gssize size;
    const char *strict; /* NULL: it is none */
    const char *lenient;
  } rows[] = {
    { "utf-8", "caf\xc3\xa9", -1, "café", "café" },
    { "utf-8",
      "a\xff"
      "b\xc3",
      -1,
      NULL,
      "a\xef\xbf\xbd"
      "b\xef\xbf\xbd" },
    { "utf-8",
      "a\0b",
      3,
      NULL,
      "a\xef\xbf\xbd"
      "b" },
    { "latin1", "caf\xe9 \x80\x81", -1, "café €\xc2\x81", "café €\xc2\x81" },
    { "latin1", "a\0", 2, NULL, "a\xef\xbf\xbd" },
    { "x-user-defined", "a\x80\xff", -1, "a\xef\x9e\x80\xef\x9f\xbf", "a\xef\x9e\x80\xef\x9f\xbf" },
    { "shift_jis", "\x93\xfa\x96\x7b", -1, "日本", "日本" },
    { "shift_jis", "\x93\xfa\x96", -1, NULL, "日\xef\xbf\xbd" },
    { "shift_jis",
      "a\xff"
      "b",
      -1,
      NULL,
      "a\xef\xbf\xbd"
      "b" },
    { "utf-16le", "a\0b\0", 4, "ab", "ab" },
    { "utf-16le", "a\0b", 3, NULL, "a\xef\xbf\xbd" },
    { "utf-16le",
      "a\0\0\0b\0",
      6,
      NULL,
      "a\xef\xbf\xbd"
      "b" },
    /* the last character waits in iconv for a mark that combines with it */
    { "windows-1258", "a", -1, "a", "a" },
    { "big5", "\x88\x66", -1, "Ê", "Ê" },
    { "gb2312", "\xc4\xe3\xba\xc3", -1, "你好", "你好" },
    { "iso-2022-jp", "\x1b$BF|\x1b(B", -1, "日", "日" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const ResilientEncoding *encoding = resilient_encoding_find (rows[i].label);
      gsize size = rows[i].size >= 0 ? (gsize) rows[i].size : strlen (rows[i].data);
      g_autofree char *strict = resilient_encoding_decode (encoding, rows[i].data, size);
      g_autofree char *lenient = resilient_encoding_decode_lenient (encoding, rows[i].data, size);

      g_test_message ("row %u: %s", i, lenient);
      g_assert_cmpstr (strict, ==, rows[i].strict);
      g_assert_cmpstr (lenient, ==, rows[i].lenient);
    }
}

/* More than one buffer of iconv's. */
static void
test_long (void)
{
  const gsize size = 1024 * 1024;
  g_autofree char *data = g_strnfill (size, '\xe9');
  g_autofree char *text = NULL;
  g_autofree char *other = NULL;

  text = resilient_encoding_decode_lenient (resilient_encoding_find ("koi8-r"), data, size);
  g_assert_cmpuint (strlen (text), ==, 2 * size);
  g_assert_cmpint (g_utf8_strlen (text, -1), ==, (glong) size);
  other = resilient_encoding_decode (resilient_encoding_find ("koi8-r"), data, size);
  g_assert_cmpstr (text, ==, other);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/encoding/labels", test_labels);
  g_test_add_func ("/encoding/all", test_all);
  g_test_add_func ("/encoding/decode", test_decode);
  g_test_add_func ("/encoding/long", test_long);
  return g_test_run ();
}
