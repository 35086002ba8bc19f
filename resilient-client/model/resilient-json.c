/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* JSON of a server, for json-glib. That is lenient where it must not be with text that anybody may
 * have sent: it recurses without a limit, takes comments, single quotes and assignments, crashes on
 * escapes that are cut short, cuts a string at an escaped NUL and wraps large integers around. So a
 * check of the whole grammar of RFC 8259 goes first, without recursion, and what json-glib could
 * not say truly is refused, or written in a way that it can. */

#include "config.h"

#include "resilient-json-private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

typedef enum
{
  OPEN_ARRAY,
  OPEN_OBJECT,
} Open;

typedef struct
{
  const char *start;
  const char *p;
  const char *end;
  guint depth;
  guint8 open[RESILIENT_JSON_MAX_DEPTH]; /* of Open, the outermost first */
  GArray *large; /* gsize offsets behind integers that json-glib would wrap around */
  char *reason;  /* translated: why it is not accepted, at p */
} Checker;

static gboolean
refuse (Checker *self, const char *reason)
{
  self->reason = g_strdup (reason);
  return FALSE;
}

static gboolean
refuse_syntax (Checker *self)
{
  return refuse (
    self, self->p == self->end ? _ ("the text ends too early") : _ ("something else was expected"));
}

/* RFC 8259, 2. */
static void
skip_space (Checker *self)
{
  while (self->p < self->end
         && (*self->p == ' ' || *self->p == '\t' || *self->p == '\n' || *self->p == '\r'))
    self->p++;
}

static gboolean
take (Checker *self, char c)
{
  if (self->p == self->end || *self->p != c)
    return FALSE;
  self->p++;
  return TRUE;
}

static gboolean
check_literal (Checker *self, const char *literal)
{
  for (; *literal != '\0'; literal++)
    if (!take (self, *literal))
      return refuse_syntax (self);
  return TRUE;
}

static gboolean
check_digits (Checker *self)
{
  if (self->p == self->end || !g_ascii_isdigit (*self->p))
    return refuse_syntax (self);
  while (self->p < self->end && g_ascii_isdigit (*self->p))
    self->p++;
  return TRUE;
}

/* RFC 8259, 6. */
static gboolean
check_number (Checker *self)
{
  const char *start = self->p;
  gboolean is_integer = TRUE;

  take (self, '-');
  if (!take (self, '0') && !check_digits (self))
    return FALSE;
  if (take (self, '.'))
    {
      is_integer = FALSE;
      if (!check_digits (self))
        return FALSE;
    }
  if (take (self, 'e') || take (self, 'E'))
    {
      is_integer = FALSE;
      if (!take (self, '+'))
        take (self, '-');
      if (!check_digits (self))
        return FALSE;
    }

  /* What follows is no part of it, and ends it for these too. */
  if (is_integer)
    {
      errno = 0;
      g_ascii_strtoll (start, NULL, 10);
      if (errno != ERANGE)
        return TRUE;
    }
  if (isinf (g_ascii_strtod (start, NULL)))
    {
      self->p = start;
      return refuse (self, _ ("a number is too large"));
    }
  if (is_integer)
    {
      gsize offset = (gsize) (self->p - self->start);

      if (self->large == NULL)
        self->large = g_array_new (FALSE, FALSE, sizeof (gsize));
      g_array_append_val (self->large, offset);
    }
  return TRUE;
}

/* Four digits behind \u. */
static gboolean
check_code_unit (Checker *self, guint *unit)
{
  *unit = 0;
  for (guint i = 0; i < 4; i++, self->p++)
    {
      if (self->p == self->end || !g_ascii_isxdigit (*self->p))
        return refuse_syntax (self);
      *unit = *unit * 16 + (guint) g_ascii_xdigit_value (*self->p);
    }
  return TRUE;
}

/* RFC 8259, 7 and 8.2: half of a pair is no character, and a C string can't have the NUL. */
static gboolean
check_escape (Checker *self)
{
  const char *start = self->p - 1;
  guint unit, low;

  if (self->p == self->end)
    return refuse_syntax (self);
  if (!take (self, 'u'))
    {
      if (*self->p == '\0' || strchr ("\"\\/bfnrt", *self->p) == NULL)
        return refuse_syntax (self);
      self->p++;
      return TRUE;
    }
  if (!check_code_unit (self, &unit))
    return FALSE;
  if (unit >= 0xd800 && unit < 0xdc00 && take (self, '\\') && take (self, 'u'))
    {
      if (!check_code_unit (self, &low))
        return FALSE;
      if (low >= 0xdc00 && low < 0xe000)
        return TRUE;
    }
  if (unit == 0 || (unit >= 0xd800 && unit < 0xe000))
    {
      self->p = start;
      return refuse (self,
                     unit == 0 ? _ ("a text has the character NUL")
                               : _ ("a text has half of a surrogate pair"));
    }
  return TRUE;
}

static gboolean
check_string (Checker *self)
{
  if (!take (self, '"'))
    return refuse_syntax (self);
  while (self->p < self->end)
    {
      char c = *self->p;

      if ((guchar) c < 0x20)
        return refuse_syntax (self);
      self->p++;
      if (c == '"')
        return TRUE;
      if (c == '\\' && !check_escape (self))
        return FALSE;
    }
  return refuse_syntax (self);
}

static gboolean
push (Checker *self, Open what)
{
  if (self->depth == RESILIENT_JSON_MAX_DEPTH)
    {
      self->p--;
      self->reason = g_strdup_printf (resilient_ngettext ("it is nested deeper than %u level",
                                                          "it is nested deeper than %u levels",
                                                          RESILIENT_JSON_MAX_DEPTH),
                                      RESILIENT_JSON_MAX_DEPTH);
      return FALSE;
    }
  self->open[self->depth++] = (guint8) what;
  return TRUE;
}

static Open
get_innermost (Checker *self)
{
  return (Open) self->open[self->depth - 1];
}

static gboolean
check_key (Checker *self)
{
  skip_space (self);
  if (!check_string (self))
    return FALSE;
  skip_space (self);
  return take (self, ':') || refuse_syntax (self);
}

/* Up to what may be followed by a comma or an end. @opened: it has just opened what may be
 * empty. */
static gboolean
check_value (Checker *self, gboolean *opened)
{
  *opened = FALSE;
  skip_space (self);
  if (self->p == self->end)
    return refuse_syntax (self);
  switch (*self->p)
    {
    case '{':
      self->p++;
      *opened = TRUE;
      return push (self, OPEN_OBJECT);
    case '[':
      self->p++;
      *opened = TRUE;
      return push (self, OPEN_ARRAY);
    case '"':
      return check_string (self);
    case 't':
      return check_literal (self, "true");
    case 'f':
      return check_literal (self, "false");
    case 'n':
      return check_literal (self, "null");
    default:
      return check_number (self);
    }
}

/* The ends of all that is complete; then, of what is still open, what comes before the next
 * value. */
static gboolean
check_between (Checker *self, gboolean opened)
{
  while (self->depth > 0)
    {
      skip_space (self);
      if (take (self, get_innermost (self) == OPEN_OBJECT ? '}' : ']'))
        {
          self->depth--;
          opened = FALSE;
          continue;
        }
      if (!opened && !take (self, ','))
        return refuse_syntax (self);
      return get_innermost (self) != OPEN_OBJECT || check_key (self);
    }
  return TRUE;
}

static gboolean
check_text (Checker *self)
{
  gboolean opened;

  do
    if (!check_value (self, &opened) || !check_between (self, opened))
      return FALSE;
  while (self->depth > 0);
  skip_space (self);
  return self->p == self->end || refuse_syntax (self);
}

static void
set_error (Checker *self, GError **error)
{
  guint line = 1, column = 1;

  for (const char *p = self->start; p < self->p; p = g_utf8_next_char (p))
    if (*p == '\n')
      {
        line++;
        column = 1;
      }
    else
      {
        column++;
      }
  g_set_error (error,
               JSON_PARSER_ERROR,
               JSON_PARSER_ERROR_PARSE,
               /* Translators: %s is why, such as “the text ends too early”. */
               _ ("The text is not valid JSON at line %u, column %u: %s"),
               line,
               column,
               self->reason);
}

/* Integers of more than 64 bits as what they are to JavaScript: floating-point numbers. */
static char *
mark_large (Checker *self)
{
  GString *text = g_string_sized_new ((gsize) (self->end - self->start) + 2 * self->large->len);
  gsize done = 0;

  for (guint i = 0; i < self->large->len; i++)
    {
      gsize offset = g_array_index (self->large, gsize, i);

      g_string_append_len (text, self->start + done, (gssize) (offset - done));
      g_string_append (text, ".0");
      done = offset;
    }
  g_string_append (text, self->start + done);
  return g_string_free (text, FALSE);
}

JsonNode *
resilient_json_parse (const char *text, gsize length, GError **error)
{
  Checker checker = { .start = text, .p = text, .end = text + length };
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GArray) large = NULL;
  g_autofree char *marked = NULL;
  g_autofree char *reason = NULL;
  gboolean ok = check_text (&checker);

  large = checker.large;
  reason = checker.reason;
  if (!ok)
    {
      set_error (&checker, error);
      return NULL;
    }
  if (large != NULL)
    marked = mark_large (&checker);

  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, marked != NULL ? marked : text, -1, error))
    return NULL;
  return json_parser_steal_root (parser);
}

/* What json-glib wrote, as JSON: it leaves U+001F in texts as it is, and writes 1e+40.0 for a large
 * number (JsonGenerator of 1.6 and newest). NULL for a number that is not finite, which it writes
 * as a word. */
static char *
mend_written (const char *written)
{
  g_autoptr (GString) text = g_string_sized_new (strlen (written) + 16);
  gboolean in_text = FALSE;

  for (const char *p = written; *p != '\0'; p++)
    {
      if (*p == '"')
        in_text = !in_text;
      if (in_text && *p == 0x1f)
        {
          g_string_append (text, "\\u001f");
          continue;
        }
      if (!in_text && (g_str_has_prefix (p, "nan") || g_str_has_prefix (p, "inf")))
        return NULL;
      g_string_append_c (text, *p);
      if (in_text && *p == '\\')
        {
          g_string_append_c (text, *++p);
        }
      else if (!in_text && *p == 'e' && p > written && g_ascii_isdigit (p[-1]))
        {
          while (p[1] == '+' || p[1] == '-' || g_ascii_isdigit (p[1]))
            g_string_append_c (text, *++p);
          if (p[1] == '.' && p[2] == '0')
            p += 2;
        }
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
check_written (const char *text, char **reason)
{
  Checker checker = { .start = text, .p = text };
  gboolean ok;

  if (text == NULL)
    {
      *reason = g_strdup (_ ("a number is not finite"));
      return FALSE;
    }
  if (!g_utf8_validate (text, -1, NULL))
    {
      *reason = g_strdup (_ ("a text is not valid UTF-8"));
      return FALSE;
    }
  checker.end = text + strlen (text);
  ok = check_text (&checker);
  g_clear_pointer (&checker.large, g_array_unref);
  *reason = checker.reason;
  return ok;
}

char *
resilient_json_write (JsonNode *node, GError **error)
{
  g_autofree char *written = json_to_string (node, FALSE);
  g_autofree char *text = mend_written (written);
  g_autofree char *reason = NULL;

  if (check_written (text, &reason))
    return g_steal_pointer (&text);
  g_set_error (error,
               RESILIENT_CLIENT_ERROR,
               RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
               /* Translators: %s is why, such as “a number is not finite”. */
               _ ("The body can’t be written as JSON: %s"),
               reason);
  return NULL;
}
