/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Header compression of HTTP/2 (RFC 7541), of which only lengths are of interest: the static table,
 * the dynamic table that the encoder fills as it goes, and how many characters a Huffman-coded
 * string has. */

#include "config.h"

#include "resilient-hpack-sizes-private.h"

#include <string.h>

/* RFC 7541, 4.1: what each field counts beyond its characters. */
#define FIELD_OVERHEAD 32
#define DEFAULT_TABLE_SIZE 4096
/* nghttp2 takes no longer strings. */
#define MAX_STRING 65536
#define N_STATIC 61

typedef struct
{
  guint32 name;
  guint32 value;
} FieldSize;

struct _ResilientHpackSizes
{
  GArray *table; /* of FieldSize; the newest last */
  guint first;   /* those before have been evicted */
  guint32 table_size;
  guint32 table_limit; /* by the encoder's word */
  guint32 max_table_limit;
};

/* RFC 7541, appendix A: names, and how long the values are. */
static const struct
{
  const char *name;
  guint8 value;
} static_table[N_STATIC] = {
  { ":authority", 0 },
  { ":method", 3 },
  { ":method", 4 },
  { ":path", 1 },
  { ":path", 11 },
  { ":scheme", 4 },
  { ":scheme", 5 },
  { ":status", 3 },
  { ":status", 3 },
  { ":status", 3 },
  { ":status", 3 },
  { ":status", 3 },
  { ":status", 3 },
  { ":status", 3 },
  { "accept-charset", 0 },
  { "accept-encoding", 13 },
  { "accept-language", 0 },
  { "accept-ranges", 0 },
  { "accept", 0 },
  { "access-control-allow-origin", 0 },
  { "age", 0 },
  { "allow", 0 },
  { "authorization", 0 },
  { "cache-control", 0 },
  { "content-disposition", 0 },
  { "content-encoding", 0 },
  { "content-language", 0 },
  { "content-length", 0 },
  { "content-location", 0 },
  { "content-range", 0 },
  { "content-type", 0 },
  { "cookie", 0 },
  { "date", 0 },
  { "etag", 0 },
  { "expect", 0 },
  { "expires", 0 },
  { "from", 0 },
  { "host", 0 },
  { "if-match", 0 },
  { "if-modified-since", 0 },
  { "if-none-match", 0 },
  { "if-range", 0 },
  { "if-unmodified-since", 0 },
  { "last-modified", 0 },
  { "link", 0 },
  { "location", 0 },
  { "max-forwards", 0 },
  { "proxy-authenticate", 0 },
  { "proxy-authorization", 0 },
  { "range", 0 },
  { "referer", 0 },
  { "refresh", 0 },
  { "retry-after", 0 },
  { "server", 0 },
  { "set-cookie", 0 },
  { "strict-transport-security", 0 },
  { "transfer-encoding", 0 },
  { "user-agent", 0 },
  { "vary", 0 },
  { "via", 0 },
  { "www-authenticate", 0 },
};

/* The Huffman code of RFC 7541, appendix B, is canonical: the codes of one length are consecutive
 * numbers, and those of the next length go on from there. So it takes only how many there are of
 * each length to tell where a code ends. */
#define MAX_CODE 30

static const struct
{
  guint8 length;
  guint8 n_codes;
} code_lengths[] = {
  { 5, 10 },  { 6, 26 },  { 7, 32 }, { 8, 6 },   { 10, 5 },  { 11, 3 },  { 12, 2 },
  { 13, 6 },  { 14, 2 },  { 15, 3 }, { 19, 3 },  { 20, 8 },  { 21, 13 }, { 22, 26 },
  { 23, 29 }, { 24, 12 }, { 25, 4 }, { 26, 15 }, { 27, 19 }, { 28, 29 }, { 30, 4 },
};

/* The first number that is no code of this length or a shorter one, moved up to 30 bits. */
static guint32 code_ends[G_N_ELEMENTS (code_lengths)];

static void
init_codes (void)
{
  static gsize done = 0;
  guint32 next = 0;
  guint length = 0;

  if (!g_once_init_enter (&done))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (code_lengths); i++)
    {
      next <<= code_lengths[i].length - length;
      length = code_lengths[i].length;
      next += code_lengths[i].n_codes;
      code_ends[i] = next << (MAX_CODE - length);
    }
  g_once_init_leave (&done, 1);
}

/* How many characters the code stands for, or −1. It is filled up to a whole byte by the first bits
 * of the code that ends strings, which is all ones and must not come itself (RFC 7541, 5.2). */
static gint64
measure_huffman (const guint8 *data, gsize length)
{
  const guint32 ones = (1u << MAX_CODE) - 1;
  guint64 bits = 0; /* read and not yet used, in the low ones */
  guint n_bits = 0;
  gsize at = 0;
  gint64 n_symbols = 0;

  for (;;)
    {
      guint32 window;
      guint i = 0;

      while (n_bits <= 56 && at < length)
        {
          bits = bits << 8 | data[at++];
          n_bits += 8;
        }
      if (n_bits == 0)
        return n_symbols;
      if (n_bits >= MAX_CODE)
        window = (guint32) (bits >> (n_bits - MAX_CODE)) & ones;
      else
        window = ((guint32) (bits << (MAX_CODE - n_bits)) | ones >> n_bits) & ones;
      while (window >= code_ends[i])
        i++;
      if (code_lengths[i].length > n_bits)
        return window == ones && n_bits < 8 ? n_symbols : -1;
      if (window == ones)
        return -1;
      n_bits -= code_lengths[i].length;
      n_symbols++;
    }
}

typedef struct
{
  const guint8 *at;
  const guint8 *end;
} Reader;

/* RFC 7541, 5.1; @prefix bits of the first byte. */
static gboolean
read_integer (Reader *reader, guint prefix, guint32 *value)
{
  const guint8 max = (guint8) ((1u << prefix) - 1);
  guint64 number;
  guint shift = 0;

  if (reader->at == reader->end)
    return FALSE;
  number = *reader->at++ & max;
  if (number == max)
    for (;;)
      {
        guint8 byte;

        if (reader->at == reader->end || shift > 28)
          return FALSE;
        byte = *reader->at++;
        number += (guint64) (byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0)
          break;
      }
  *value = (guint32) number;
  return number <= G_MAXUINT32;
}

static gboolean
read_string (Reader *reader, guint32 *size)
{
  gboolean huffman = reader->at < reader->end && (*reader->at & 0x80) != 0;
  guint32 length;
  gint64 n;

  if (!read_integer (reader, 7, &length) || length > (gsize) (reader->end - reader->at))
    return FALSE;
  n = huffman ? measure_huffman (reader->at, length) : (gint64) length;
  reader->at += length;
  *size = (guint32) n;
  return n >= 0 && n <= MAX_STRING;
}

static void
evict_to (ResilientHpackSizes *self, guint32 size)
{
  while (self->table_size > size)
    {
      FieldSize *oldest = &g_array_index (self->table, FieldSize, self->first++);

      self->table_size -= oldest->name + oldest->value + FIELD_OVERHEAD;
    }
  if (self->first > self->table->len / 2)
    {
      g_array_remove_range (self->table, 0, self->first);
      self->first = 0;
    }
}

static void
insert (ResilientHpackSizes *self, FieldSize *field)
{
  guint32 size = field->name + field->value + FIELD_OVERHEAD;

  if (size > self->table_limit)
    {
      evict_to (self, 0);
      return;
    }
  evict_to (self, self->table_limit - size);
  g_array_append_val (self->table, *field);
  self->table_size += size;
}

static gboolean
look_up (ResilientHpackSizes *self, guint32 index, FieldSize *field)
{
  if (index == 0)
    return FALSE;
  if (index <= N_STATIC)
    {
      field->name = (guint32) strlen (static_table[index - 1].name);
      field->value = static_table[index - 1].value;
      return TRUE;
    }
  index -= N_STATIC;
  if (index > self->table->len - self->first)
    return FALSE;
  *field = g_array_index (self->table, FieldSize, self->table->len - index);
  return TRUE;
}

static gboolean
read_literal (ResilientHpackSizes *self, Reader *reader, guint prefix, FieldSize *field)
{
  guint32 index;

  if (!read_integer (reader, prefix, &index))
    return FALSE;
  if (index == 0 ? !read_string (reader, &field->name) : !look_up (self, index, field))
    return FALSE;
  return read_string (reader, &field->value);
}

static gboolean
read_table_limit (ResilientHpackSizes *self, Reader *reader)
{
  guint32 limit;

  if (!read_integer (reader, 5, &limit) || limit > self->max_table_limit)
    return FALSE;
  self->table_limit = limit;
  evict_to (self, limit);
  return TRUE;
}

/* RFC 7541, 6. */
static gboolean
read_field (ResilientHpackSizes *self, Reader *reader, FieldSize *field)
{
  guint8 first = *reader->at;
  guint32 index;

  if (first & 0x80)
    return read_integer (reader, 7, &index) && look_up (self, index, field);
  if ((first & 0x40) == 0)
    return read_literal (self, reader, 4, field);
  if (!read_literal (self, reader, 6, field))
    return FALSE;
  insert (self, field);
  return TRUE;
}

ResilientHpackSizes *
resilient_hpack_sizes_new (void)
{
  ResilientHpackSizes *self = g_new0 (ResilientHpackSizes, 1);

  init_codes ();
  self->table = g_array_new (FALSE, FALSE, sizeof (FieldSize));
  self->table_limit = DEFAULT_TABLE_SIZE;
  self->max_table_limit = DEFAULT_TABLE_SIZE;
  return self;
}

void
resilient_hpack_sizes_free (ResilientHpackSizes *self)
{
  g_array_unref (self->table);
  g_free (self);
}

void
resilient_hpack_sizes_set_max_table (ResilientHpackSizes *self, guint32 size)
{
  self->max_table_limit = size;
}

gint64
resilient_hpack_sizes_measure (ResilientHpackSizes *self,
                               const guint8 *block,
                               gsize length,
                               gint64 limit)
{
  Reader reader = { block, length > 0 ? block + length : block }; /* of nothing, it may be NULL */
  gint64 total = 0;

  /* changes of the table come first (RFC 7541, 4.2) */
  while (reader.at < reader.end && (*reader.at & 0xe0) == 0x20)
    if (!read_table_limit (self, &reader))
      return -1;
  while (reader.at < reader.end && total <= limit)
    {
      FieldSize field = { 0, 0 };

      if ((*reader.at & 0xe0) == 0x20 || !read_field (self, &reader, &field))
        return -1;
      total += (gint64) field.name + field.value + FIELD_OVERHEAD;
    }
  return total;
}
