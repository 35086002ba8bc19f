/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The header fields of requests and responses, in order, in few blocks of memory. A list owns its
 * texts; it is written by its only owner and shared once it does not change any more. Then any
 * thread. */

#include "config.h"

#include "resilient-headers-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

typedef struct
{
  const char *name; /* both in the chunk, or in the block */
  const char *value;
} Field;

#define CHUNK_SIZE 512
/* RFC 9113, 6.5.2 */
#define FIELD_OVERHEAD 32

/* What get_list() once computed for a name that has more than one field. */
typedef struct
{
  char *name;
  char *list;
} JoinedList;

struct _ResilientHeaders
{
  /* Changed by the only owner before sharing, immutable after. */
  Field *fields; /* in order */
  guint n_fields;
  gsize read_size; /* of what was read from a response; 0: not known, or changed since */
  guint
    capacity; /* of @fields if that is an array of its own; 0: it is in the block below, or NULL */
  GStringChunk *text; /* of fields that were appended; NULL: none */
  GPtrArray *secrets; /* names marked secret; NULL: none */

  GMutex lock;
  GArray *joined; /* JoinedList; NULL: none; under lock, as any thread may be the first to ask */

  /* Of those that were read from a response, and may be kept for long: fields, then their text. */
  Field block[];
};

static const char *const secret_by_nature[] = {
  "Authorization",
  "Proxy-Authorization",
  "Cookie",
  "Set-Cookie",
};

static gboolean
names_equal (const char *a, const char *b)
{
  return g_ascii_strcasecmp (a, b) == 0;
}

static void
clear_joined_list (gpointer data)
{
  JoinedList *joined = data;

  g_free (joined->name);
  g_free (joined->list);
}

static void
clear_headers (gpointer data)
{
  ResilientHeaders *self = data;

  if (self->capacity > 0)
    g_free (self->fields);
  g_clear_pointer (&self->text, g_string_chunk_free);
  g_clear_pointer (&self->secrets, g_ptr_array_unref);
  g_clear_pointer (&self->joined, g_array_unref);
  g_mutex_clear (&self->lock);
}

ResilientHeaders *
resilient_headers_new (void)
{
  ResilientHeaders *self = g_atomic_rc_box_new0 (ResilientHeaders);

  g_mutex_init (&self->lock);

  return self;
}

/* A field value is octets (RFC 9110, 5.5); what is not UTF-8 is taken as ISO 8859-1, what it
 * used to be, as strings of the bindings must be UTF-8. */
static ResilientHeaders *
convert_from_soup (SoupMessageHeaders *headers)
{
  ResilientHeaders *self = resilient_headers_new ();
  SoupMessageHeadersIter iter;
  const char *name, *value;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      g_autofree char *decoded = NULL;

      if (!g_utf8_validate (value, -1, NULL))
        decoded = g_convert (value, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);

      resilient_headers_append (self, name, decoded != NULL ? decoded : value);
    }

  return self;
}

static char *
put (char **end, const char *text)
{
  char *start = *end;

  *end = g_stpcpy (start, text) + 1;
  return start;
}

ResilientHeaders *
resilient_headers_new_from_soup (SoupMessageHeaders *headers)
{
  ResilientHeaders *self;
  SoupMessageHeadersIter iter;
  const char *name, *value;
  gsize n_fields = 0, n_bytes = 0;
  char *end;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (!g_utf8_validate (value, -1, NULL))
        return convert_from_soup (headers);
      n_fields++;
      n_bytes += strlen (name) + strlen (value) + 2;
    }

  self = g_atomic_rc_box_alloc0 (sizeof *self + n_fields * sizeof (Field) + n_bytes);
  g_mutex_init (&self->lock);
  /* with the NULs that n_bytes counts */
  self->read_size = n_bytes + n_fields * (FIELD_OVERHEAD - 2);
  self->fields = self->block;
  end = (char *) (self->block + n_fields);
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      Field *field = &self->fields[self->n_fields++];

      field->name = put (&end, name);
      field->value = put (&end, value);
    }

  return self;
}

ResilientHeaders *
resilient_headers_ref (ResilientHeaders *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
resilient_headers_unref (ResilientHeaders *self)
{
  g_atomic_rc_box_release_full (self, clear_headers);
}

ResilientHeaders *
resilient_headers_copy (ResilientHeaders *self)
{
  ResilientHeaders *copy = resilient_headers_new ();

  for (guint i = 0; i < self->n_fields; i++)
    {
      Field *field = &self->fields[i];

      resilient_headers_append (copy, field->name, field->value);
    }

  resilient_headers_mark_secrets_of (copy, self);
  return copy;
}

gsize
resilient_headers_get_size (ResilientHeaders *self)
{
  gsize size = 0;

  if (self->read_size > 0)
    return self->read_size;

  for (guint i = 0; i < self->n_fields; i++)
    size += strlen (self->fields[i].name) + strlen (self->fields[i].value) + FIELD_OVERHEAD;

  return size;
}

void
resilient_headers_append (ResilientHeaders *self, const char *name, const char *value)
{
  Field field;

  self->read_size = 0;
  if (self->text == NULL)
    self->text = g_string_chunk_new (CHUNK_SIZE);
  field.name = g_string_chunk_insert (self->text, name);
  field.value = g_string_chunk_insert (self->text, value);

  if (self->n_fields >= self->capacity)
    {
      Field *old = self->fields;
      guint capacity = MAX (8, 2 * self->n_fields);

      self->fields = g_new (Field, capacity);
      if (self->n_fields > 0)
        memcpy (self->fields, old, self->n_fields * sizeof (Field));
      if (self->capacity > 0)
        g_free (old);
      self->capacity = capacity;
    }
  self->fields[self->n_fields++] = field;
  g_clear_pointer (&self->joined, g_array_unref);
}

void
resilient_headers_replace (ResilientHeaders *self, const char *name, const char *value)
{
  guint n_old = self->n_fields;

  self->read_size = 0;
  /* The text of a field that goes stays in the chunk: @name and @value may well be of one. */
  if (value != NULL)
    resilient_headers_append (self, name, value);

  for (guint i = n_old; i > 0; i--)
    {
      Field *field = &self->fields[i - 1];

      if (names_equal (field->name, name))
        memmove (field, field + 1, (--self->n_fields - (i - 1)) * sizeof (Field));
    }

  g_clear_pointer (&self->joined, g_array_unref);
}

static gboolean
is_marked_secret (ResilientHeaders *self, const char *name)
{
  for (guint i = 0; self->secrets != NULL && i < self->secrets->len; i++)
    {
      if (names_equal (g_ptr_array_index (self->secrets, i), name))
        return TRUE;
    }

  return FALSE;
}

void
resilient_headers_mark_secret (ResilientHeaders *self, const char *name)
{
  if (is_marked_secret (self, name))
    return;

  if (self->secrets == NULL)
    self->secrets = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (self->secrets, g_strdup (name));
}

void
resilient_headers_mark_secrets_of (ResilientHeaders *self, ResilientHeaders *other)
{
  for (guint i = 0; other->secrets != NULL && i < other->secrets->len; i++)
    resilient_headers_mark_secret (self, g_ptr_array_index (other->secrets, i));
}

guint
resilient_headers_get_length (ResilientHeaders *self)
{
  return self->n_fields;
}

void
resilient_headers_get_nth (ResilientHeaders *self, guint n, const char **name, const char **value)
{
  Field *field;

  g_assert (n < self->n_fields);

  field = &self->fields[n];
  if (name != NULL)
    *name = field->name;
  if (value != NULL)
    *value = field->value;
}

const char *
resilient_headers_get_one (ResilientHeaders *self, const char *name)
{
  for (guint i = 0; i < self->n_fields; i++)
    {
      Field *field = &self->fields[i];

      if (names_equal (field->name, name))
        return field->value;
    }

  return NULL;
}

/* With the lock held. What it returns lives as long as the headers don't change. */
static const char *
ensure_joined (ResilientHeaders *self, const char *name)
{
  GString *list = NULL;
  JoinedList joined;

  for (guint i = 0; self->joined != NULL && i < self->joined->len; i++)
    {
      JoinedList *known = &g_array_index (self->joined, JoinedList, i);

      if (names_equal (known->name, name))
        return known->list;
    }

  for (guint i = 0; i < self->n_fields; i++)
    {
      Field *field = &self->fields[i];

      if (!names_equal (field->name, name))
        continue;

      if (list == NULL)
        {
          list = g_string_new (field->value);
        }
      else
        {
          g_string_append (list, ", ");
          g_string_append (list, field->value);
        }
    }

  if (self->joined == NULL)
    {
      self->joined = g_array_new (FALSE, FALSE, sizeof (JoinedList));
      g_array_set_clear_func (self->joined, clear_joined_list);
    }

  joined.name = g_strdup (name);
  joined.list = g_string_free (list, FALSE);
  g_array_append_val (self->joined, joined);

  return joined.list;
}

const char *
resilient_headers_get_list (ResilientHeaders *self, const char *name)
{
  const char *first = NULL, *list;
  guint n_found = 0;

  for (guint i = 0; i < self->n_fields; i++)
    {
      Field *field = &self->fields[i];

      if (names_equal (field->name, name) && n_found++ == 0)
        first = field->value;
    }

  /* Nearly always: nothing to join, nothing to lock. */
  if (n_found <= 1)
    return first;

  g_mutex_lock (&self->lock);
  list = ensure_joined (self, name);
  g_mutex_unlock (&self->lock);

  return list;
}

gboolean
resilient_headers_is_secret (ResilientHeaders *self, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (secret_by_nature); i++)
    {
      if (names_equal (secret_by_nature[i], name))
        return TRUE;
    }

  return is_marked_secret (self, name);
}

void
resilient_headers_append_to_soup (ResilientHeaders *self, SoupMessageHeaders *headers)
{
  for (guint i = 0; i < self->n_fields; i++)
    {
      Field *field = &self->fields[i];

      soup_message_headers_append (headers, field->name, field->value);
    }
}

/* tchar of RFC 9110, 5.6.2. */
static gboolean
is_token_character (char character)
{
  return g_ascii_isalnum (character)
         || (character != '\0' && strchr ("!#$%&'*+-.^_`|~", character) != NULL);
}

gboolean
resilient_headers_name_is_valid (const char *name)
{
  if (name == NULL || *name == '\0')
    return FALSE;

  for (const char *p = name; *p != '\0'; p++)
    {
      if (!is_token_character (*p))
        return FALSE;
    }

  return TRUE;
}

gboolean
resilient_headers_value_is_valid (const char *value)
{
  /* A NUL can't be in a C string: it would end it. */
  return value != NULL && strpbrk (value, "\r\n") == NULL;
}

gboolean
resilient_headers_is_media_type (const char *value, gboolean *is_lower)
{
  guint n_slashes = 0;

  *is_lower = TRUE;
  for (const char *p = value; *p != '\0'; p++)
    {
      if (*p == '/' && (n_slashes++ > 0 || p == value || p[1] == '\0'))
        return FALSE;
      if (*p != '/' && !is_token_character (*p))
        return FALSE;
      *is_lower = *is_lower && !g_ascii_isupper (*p);
    }

  return n_slashes == 1;
}

/* What delimits a message follows from its body: a length of the caller's that is wrong would make
 * the request lie about its end, the way request smuggling works. */
static gboolean
is_framing (const char *name)
{
  return g_ascii_strcasecmp (name, "Content-Length") == 0
         || g_ascii_strcasecmp (name, "Transfer-Encoding") == 0;
}

gboolean
resilient_headers_check_field (const char *name, const char *value, GError **error)
{
  /* A bad name is not repeated: it may be a whole header, value included. */
  if (!resilient_headers_name_is_valid (name))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("The name of a header is not a valid token"));
      return FALSE;
    }
  if (value != NULL && !resilient_headers_value_is_valid (value))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The value of the header “%s” has a line break"),
                   name);
      return FALSE;
    }
  if (is_framing (name))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   _ ("The header “%s” can’t be set: it follows from the body"),
                   name);
      return FALSE;
    }
  return TRUE;
}

gboolean
resilient_headers_check_content_type (const char *value, GError **error)
{
  if (value == NULL || (strchr (value, '/') != NULL && resilient_headers_value_is_valid (value)))
    return TRUE;

  g_set_error_literal (error,
                       RESILIENT_CLIENT_ERROR,
                       RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                       _ ("The content type of the body is not a media type"));
  return FALSE;
}
