/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Header compression of HTTP/2 for the misbehaving server (RFC 7541). A coder owns its table; one
 * thread at a time. */

#include "config.h"

#include <string.h>

#include "fault-hpack-private.h"

#define TABLE_SIZE 4096
#define ENTRY_OVERHEAD 32 /* RFC 7541, 4.1 */
#define MAX_CODE_LENGTH 30
#define END_OF_STRING 256

struct _FaultHpack
{
  GQueue dynamic; /* of char *, "name: value", the newest first */
  gsize size;
  gsize max_size;
};

typedef struct
{
  const guint8 *at;
  const guint8 *end;
} Cursor;

/* RFC 7541, Appendix A. */
static const char *const static_table[] = {
  ":authority: ",
  ":method: GET",
  ":method: POST",
  ":path: /",
  ":path: /index.html",
  ":scheme: http",
  ":scheme: https",
  ":status: 200",
  ":status: 204",
  ":status: 206",
  ":status: 304",
  ":status: 400",
  ":status: 404",
  ":status: 500",
  "accept-charset: ",
  "accept-encoding: gzip, deflate",
  "accept-language: ",
  "accept-ranges: ",
  "accept: ",
  "access-control-allow-origin: ",
  "age: ",
  "allow: ",
  "authorization: ",
  "cache-control: ",
  "content-disposition: ",
  "content-encoding: ",
  "content-language: ",
  "content-length: ",
  "content-location: ",
  "content-range: ",
  "content-type: ",
  "cookie: ",
  "date: ",
  "etag: ",
  "expect: ",
  "expires: ",
  "from: ",
  "host: ",
  "if-match: ",
  "if-modified-since: ",
  "if-none-match: ",
  "if-range: ",
  "if-unmodified-since: ",
  "last-modified: ",
  "link: ",
  "location: ",
  "max-forwards: ",
  "proxy-authenticate: ",
  "proxy-authorization: ",
  "range: ",
  "referer: ",
  "refresh: ",
  "retry-after: ",
  "server: ",
  "set-cookie: ",
  "strict-transport-security: ",
  "transfer-encoding: ",
  "user-agent: ",
  "vary: ",
  "via: ",
  "www-authenticate: ",
};

/* How many bits the code of each symbol has (RFC 7541, Appendix B). The code is canonical: among
 * codes of one length the values rise with the symbols, so the lengths say it all. */
static const guint8 code_lengths[END_OF_STRING + 1] = {
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
  15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
  7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
  23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
  21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

FaultHpack *
fault_hpack_new (void)
{
  FaultHpack *self = g_new0 (FaultHpack, 1);

  self->max_size = TABLE_SIZE;

  return self;
}

static gsize
entry_size (const char *line)
{
  /* ": " does not count */
  return strlen (line) - 2 + ENTRY_OVERHEAD;
}

static void
shrink (FaultHpack *self, gsize limit)
{
  while (self->size > limit)
    {
      g_autofree char *oldest = g_queue_pop_tail (&self->dynamic);

      self->size -= entry_size (oldest);
    }
}

void
fault_hpack_free (FaultHpack *self)
{
  g_queue_clear_full (&self->dynamic, g_free);
  g_free (self);
}

static const char *
look_up (FaultHpack *self, guint64 index)
{
  if (index == 0)
    return NULL;
  if (index <= G_N_ELEMENTS (static_table))
    return static_table[index - 1];

  return g_queue_peek_nth (&self->dynamic, index - G_N_ELEMENTS (static_table) - 1);
}

/* RFC 7541, 5.1. */
static gboolean
read_integer (Cursor *cursor, guint prefix_bits, guint64 *value)
{
  guint8 mask = (1 << prefix_bits) - 1;

  if (cursor->at == cursor->end)
    return FALSE;
  *value = *cursor->at++ & mask;
  if (*value < mask)
    return TRUE;
  for (guint shift = 0; cursor->at < cursor->end && shift < 28; shift += 7)
    {
      guint8 byte = *cursor->at++;

      *value += (guint64) (byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return TRUE;
    }

  return FALSE;
}

/* The symbol of a canonical code, END_OF_STRING + 1 if no code of that length has the value. */
static guint
find_symbol (guint32 code, guint length)
{
  guint32 value = 0;
  guint n = 0;

  /* the first code of a length is the one after the last shorter code, shifted */
  for (guint bits = 1; bits <= length; bits++)
    {
      value = (value + n) << 1;
      n = 0;
      for (guint symbol = 0; symbol <= END_OF_STRING; symbol++)
        n += code_lengths[symbol] == bits;
    }
  if (code < value || code >= value + n)
    return END_OF_STRING + 1;
  for (guint symbol = 0; symbol <= END_OF_STRING; symbol++)
    if (code_lengths[symbol] == length && value++ == code)
      return symbol;

  return END_OF_STRING + 1;
}

static char *
decode_huffman (const guint8 *data, gsize size)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint32 code = 0;
  guint length = 0;

  for (gsize i = 0; i < size * 8; i++)
    {
      guint symbol;

      code = code << 1 | (data[i / 8] >> (7 - i % 8) & 1);
      if (++length > MAX_CODE_LENGTH)
        return NULL;
      symbol = length < 5 ? END_OF_STRING + 1 : find_symbol (code, length);
      if (symbol > END_OF_STRING)
        continue;
      g_string_append_c (text, symbol);
      code = length = 0;
    }

  /* what is left is padding */
  return length < 8 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static char *
read_string (Cursor *cursor)
{
  gboolean huffman;
  guint64 length;
  const guint8 *start;

  if (cursor->at == cursor->end)
    return NULL;
  huffman = *cursor->at & 0x80;
  if (!read_integer (cursor, 7, &length) || length > (guint64) (cursor->end - cursor->at))
    return NULL;
  start = cursor->at;
  cursor->at += length;

  return huffman ? decode_huffman (start, length) : g_strndup ((const char *) start, length);
}

static char *
read_literal (FaultHpack *self, Cursor *cursor, guint prefix_bits)
{
  guint64 index;
  g_autofree char *name = NULL;
  g_autofree char *value = NULL;

  if (!read_integer (cursor, prefix_bits, &index))
    return NULL;
  if (index > 0)
    {
      const char *line = look_up (self, index);

      /* a name may begin with a colon */
      name = line != NULL ? g_strndup (line, strstr (line, ": ") - line) : NULL;
    }
  else
    {
      name = read_string (cursor);
    }
  value = name != NULL ? read_string (cursor) : NULL;

  return value != NULL ? g_strconcat (name, ": ", value, NULL) : NULL;
}

static void
remember (FaultHpack *self, const char *line)
{
  gsize size = entry_size (line);

  shrink (self, self->max_size - MIN (size, self->max_size));
  if (size > self->max_size)
    return;
  g_queue_push_head (&self->dynamic, g_strdup (line));
  self->size += size;
}

static gboolean
decode_one (FaultHpack *self, Cursor *cursor, GPtrArray *lines)
{
  guint8 first = *cursor->at;
  guint64 number;
  char *line;

  if (first & 0x80)
    {
      line = read_integer (cursor, 7, &number) ? g_strdup (look_up (self, number)) : NULL;
    }
  else if (first & 0x40)
    {
      line = read_literal (self, cursor, 6);
      if (line != NULL)
        remember (self, line);
    }
  else if (first & 0x20)
    {
      if (!read_integer (cursor, 5, &number) || number > TABLE_SIZE)
        return FALSE;
      self->max_size = number;
      shrink (self, number);
      return TRUE;
    }
  else
    {
      line = read_literal (self, cursor, 4);
    }
  if (line != NULL)
    g_ptr_array_add (lines, line);

  return line != NULL;
}

char **
fault_hpack_decode (FaultHpack *self, const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  Cursor cursor = { data, data + size };

  while (cursor.at < cursor.end)
    if (!decode_one (self, &cursor, lines))
      return NULL;
  g_ptr_array_add (lines, NULL);

  return (char **) g_ptr_array_steal (lines, NULL);
}

#define LITERAL_NOT_INDEXED 0x00
#define LITERAL_INDEXED 0x40
/* An indexed field: the first entry behind the 61 of the static table. */
static const guint8 newest_entry = 0x80 | 62;

static void
write_string (GByteArray *block, const char *text)
{
  gsize length = strlen (text);
  gsize left = length;
  guint8 byte;

  byte = MIN (left, 127);
  g_byte_array_append (block, &byte, 1);
  if (left >= 127)
    {
      for (left -= 127; left >= 128; left >>= 7)
        {
          byte = 0x80 | (left & 0x7f);
          g_byte_array_append (block, &byte, 1);
        }
      byte = left;
      g_byte_array_append (block, &byte, 1);
    }
  g_byte_array_append (block, (const guint8 *) text, length);
}

static void
write_literal (GByteArray *block, guint8 kind, const char *name, const char *value)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  g_byte_array_append (block, &kind, 1);
  write_string (block, lower);
  write_string (block, value);
}

void
fault_hpack_encode (GByteArray *block, const char *name, const char *value)
{
  write_literal (block, LITERAL_NOT_INDEXED, name, value);
}

guint
fault_hpack_encode_run (GByteArray *block, const char *name, const char *value, char **lines)
{
  guint n = 1;

  write_literal (block, LITERAL_INDEXED, name, value);
  for (; g_strcmp0 (lines[n], lines[0]) == 0; n++)
    g_byte_array_append (block, &newest_entry, 1);

  return n;
}
