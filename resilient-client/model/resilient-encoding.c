/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The character encodings that a text may have: those of the Encoding Standard (WHATWG, "Names and
 * labels") and no others. iconv knows hundreds more, some of which have been the way to an attack,
 * takes suffixes that change what it does, and has other names for them. */

#include "config.h"

#include "resilient-encoding-private.h"

#include <errno.h>
#include <string.h>

struct _ResilientEncoding
{
  const char *name;
  const char *iconv;  /* what glibc calls it; NULL = decoded here */
  const char *labels; /* letters and digits only, separated by spaces */
};

/* "utf8mb4" is not of the standard: it is what MySQL calls UTF-8, and what programs then say. The
 * labels of the encoding "replacement" are left out, because that decodes nothing: they are unknown
 * here. */
static const ResilientEncoding encodings[] = {
  { "UTF-8", "UTF-8", "unicode11utf8 unicode20utf8 utf8 utf8mb4 xunicode20utf8" },
  { "windows-1252",
    NULL,
    "ansix341968 ascii cp1252 cp819 csisolatin1 ibm819 iso88591 iso885911987 isoir100"
    " l1 latin1 usascii windows1252 xcp1252" },
  { "Big5", "BIG5-HKSCS", "big5 big5hkscs cnbig5 csbig5 xxbig5" },
  { "EUC-JP", "EUC-JP", "cseucpkdfmtjapanese eucjp xeucjp" },
  { "EUC-KR",
    "UHC",
    "cseuckr csksc56011987 euckr isoir149 korean ksc5601 ksc56011987 ksc56011989"
    " windows949" },
  { "gb18030", "GB18030", "gb18030" },
  { "GBK", "GB18030", "chinese csgb2312 csiso58gb231280 gb2312 gb231280 gbk isoir58 xgbk" },
  { "IBM866", "IBM866", "866 cp866 csibm866 ibm866" },
  { "ISO-2022-JP", "ISO-2022-JP", "csiso2022jp iso2022jp" },
  { "ISO-8859-10", "ISO-8859-10", "csisolatin6 iso885910 isoir157 l6 latin6" },
  { "ISO-8859-13", "ISO-8859-13", "iso885913" },
  { "ISO-8859-14", "ISO-8859-14", "iso885914" },
  { "ISO-8859-15", "ISO-8859-15", "csisolatin9 iso885915 l9" },
  { "ISO-8859-16", "ISO-8859-16", "iso885916" },
  { "ISO-8859-2", "ISO-8859-2", "csisolatin2 iso88592 iso885921987 isoir101 l2 latin2" },
  { "ISO-8859-3", "ISO-8859-3", "csisolatin3 iso88593 iso885931988 isoir109 l3 latin3" },
  { "ISO-8859-4", "ISO-8859-4", "csisolatin4 iso88594 iso885941988 isoir110 l4 latin4" },
  { "ISO-8859-5", "ISO-8859-5", "csisolatincyrillic cyrillic iso88595 iso885951988 isoir144" },
  { "ISO-8859-6",
    "ISO-8859-6",
    "arabic asmo708 csiso88596e csiso88596i csisolatinarabic ecma114 iso88596"
    " iso885961987 iso88596e iso88596i isoir127" },
  { "ISO-8859-7",
    "ISO-8859-7",
    "csisolatingreek ecma118 elot928 greek greek8 iso88597 iso885971987 isoir126"
    " suneugreek" },
  { "ISO-8859-8",
    "ISO-8859-8",
    "csiso88598e csisolatinhebrew hebrew iso88598 iso885981988 iso88598e isoir138"
    " visual" },
  { "ISO-8859-8-I", "ISO-8859-8", "csiso88598i iso88598i logical" },
  { "KOI8-R", "KOI8-R", "cskoi8r koi koi8 koi8r" },
  { "KOI8-U", "KOI8-U", "koi8ru koi8u" },
  { "macintosh", "MACINTOSH", "csmacintosh mac macintosh xmacroman" },
  { "Shift_JIS", "CP932", "csshiftjis mskanji shiftjis sjis windows31j xsjis" },
  { "UTF-16BE", "UTF-16BE", "unicodefffe utf16be" },
  { "UTF-16LE", "UTF-16LE", "csunicode iso10646ucs2 ucs2 unicode unicodefeff utf16 utf16le" },
  { "windows-1250", "CP1250", "cp1250 windows1250 xcp1250" },
  { "windows-1251", "CP1251", "cp1251 windows1251 xcp1251" },
  { "windows-1253", "CP1253", "cp1253 windows1253 xcp1253" },
  { "windows-1254",
    "CP1254",
    "cp1254 csisolatin5 iso88599 iso885991989 isoir148 l5 latin5 windows1254 xcp1254" },
  { "windows-1255", "CP1255", "cp1255 windows1255 xcp1255" },
  { "windows-1256", "CP1256", "cp1256 windows1256 xcp1256" },
  { "windows-1257", "CP1257", "cp1257 windows1257 xcp1257" },
  { "windows-1258", "CP1258", "cp1258 windows1258 xcp1258" },
  { "windows-874", "CP874", "dos874 iso885911 tis620 windows874" },
  { "x-mac-cyrillic", "MAC-UK", "xmaccyrillic xmacukrainian" },
  { "x-user-defined", NULL, "xuserdefined" },
};

/* Undefined bytes are the control characters of their number, as the standard has it. */
static const gunichar windows_1252[32] = {
  0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
  0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
  0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
};

#define REPLACEMENT "\357\277\275" /* U+FFFD */
/* Longer than any label. */
#define LABEL_MAX 32

static gboolean
has_label (const ResilientEncoding *self, const char *label)
{
  gsize length = strlen (label);
  const char *p = self->labels;

  while ((p = strstr (p, label)) != NULL)
    {
      if ((p == self->labels || p[-1] == ' ') && (p[length] == ' ' || p[length] == '\0'))
        return TRUE;
      p += length;
    }
  return FALSE;
}

/* Case means nothing, nor does punctuation: no two labels differ by that alone, and "utf_8" and
 * "latin-1" are common. */
const ResilientEncoding *
resilient_encoding_find (const char *label)
{
  char plain[LABEL_MAX];
  gsize length = 0;

  for (const char *p = label; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && strchr ("-_ :.", *p) == NULL)
        return NULL;
      if (!g_ascii_isalnum (*p))
        continue;
      if (length == sizeof plain - 1)
        return NULL;
      plain[length++] = g_ascii_tolower (*p);
    }
  plain[length] = '\0';
  if (length == 0)
    return NULL;

  for (guint i = 0; i < G_N_ELEMENTS (encodings); i++)
    if (has_label (&encodings[i], plain))
      return &encodings[i];
  return NULL;
}

const ResilientEncoding *
resilient_encoding_get_utf8 (void)
{
  return &encodings[0];
}

const ResilientEncoding *
resilient_encoding_get_windows_1252 (void)
{
  return &encodings[1];
}

const ResilientEncoding *
resilient_encoding_find_mark (const char *data, gsize size, gsize *length)
{
  static const struct
  {
    const char *label;
    gsize length;
    char bytes[3];
  } marks[] = {
    { "utf8", 3, "\xef\xbb\xbf" },
    { "utf16be", 2, "\xfe\xff" },
    { "utf16le", 2, "\xff\xfe" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
    if (size >= marks[i].length && memcmp (data, marks[i].bytes, marks[i].length) == 0)
      {
        *length = marks[i].length;
        return resilient_encoding_find (marks[i].label);
      }
  *length = 0;
  return NULL;
}

const char *
resilient_encoding_get_name (const ResilientEncoding *self)
{
  return self->name;
}

/* A byte, a character: windows-1252 and x-user-defined. */
static char *
decode_bytes (const ResilientEncoding *self, const guchar *data, gsize size, gboolean lenient)
{
  GString *text = g_string_sized_new (size + size / 8);

  for (gsize i = 0; i < size; i++)
    if (data[i] == '\0' && lenient)
      g_string_append (text, REPLACEMENT);
    else if (data[i] < 0x80)
      g_string_append_c (text, (char) data[i]);
    else if (self != resilient_encoding_get_windows_1252 ())
      g_string_append_unichar (text, 0xf700 + (gunichar) data[i]);
    else
      g_string_append_unichar (text, data[i] < 0xa0 ? windows_1252[data[i] - 0x80] : data[i]);
  return g_string_free (text, FALSE);
}

char *
resilient_encoding_decode (const ResilientEncoding *self, const char *data, gsize size)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (self == resilient_encoding_get_utf8 ())
    return g_utf8_validate_len (data, size, NULL) ? g_strndup (data, size) : NULL;
  if (self->iconv == NULL)
    return memchr (data, '\0', size) == NULL
             ? decode_bytes (self, (const guchar *) data, size, FALSE)
             : NULL;
  text = g_convert (data, (gssize) size, "UTF-8", self->iconv, NULL, &length, NULL);
  return text != NULL && strlen (text) == length ? g_steal_pointer (&text) : NULL;
}

static void
append_without_nul (GString *text, const char *data, gsize size)
{
  while (size > 0)
    {
      const char *nul = memchr (data, '\0', size);
      gsize length = nul != NULL ? (gsize) (nul - data) : size;

      g_string_append_len (text, data, (gssize) length);
      if (nul == NULL)
        return;
      g_string_append (text, REPLACEMENT);
      data += length + 1;
      size -= length + 1;
    }
}

/* One byte at a time is left out where iconv stops, as most decoders do. */
static char *
convert_lenient (const ResilientEncoding *self, char *data, gsize size)
{
  GIConv converter = g_iconv_open ("UTF-8", self->iconv);
  GString *text;
  char buffer[4096];

  if (converter == (GIConv) -1)
    return decode_bytes (resilient_encoding_get_windows_1252 (), (const guchar *) data, size, TRUE);

  text = g_string_sized_new (size + size / 8);
  while (size > 0)
    {
      char *out = buffer;
      gsize left = sizeof buffer;
      gsize n = g_iconv (converter, &data, &size, &out, &left);
      int reason = errno;

      append_without_nul (text, buffer, (gsize) (out - buffer));
      if (n != (gsize) -1 || reason == E2BIG)
        continue;
      g_string_append (text, REPLACEMENT);
      if (reason != EILSEQ)
        break; /* cut at the end */
      data++;
      size--;
    }
  /* some wait for a mark that combines with the last character */
  {
    char *out = buffer;
    gsize left = sizeof buffer;

    g_iconv (converter, NULL, NULL, &out, &left);
    append_without_nul (text, buffer, (gsize) (out - buffer));
  }
  g_iconv_close (converter);
  return g_string_free (text, FALSE);
}

char *
resilient_encoding_decode_lenient (const ResilientEncoding *self, const char *data, gsize size)
{
  GString *text;

  if (self != resilient_encoding_get_utf8 ())
    return self->iconv == NULL ? decode_bytes (self, (const guchar *) data, size, TRUE)
                               : convert_lenient (self, (char *) data, size);

  text = g_string_sized_new (size);
  while (size > 0)
    {
      const char *end;

      g_utf8_validate_len (data, size, &end);
      g_string_append_len (text, data, end - data);
      size -= (gsize) (end - data);
      if (size == 0)
        break;
      g_string_append (text, REPLACEMENT);
      data = end + 1;
      size--;
    }
  return g_string_free (text, FALSE);
}
