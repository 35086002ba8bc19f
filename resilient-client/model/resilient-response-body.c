/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The body of a response, and what can be read from it. */

#include "config.h"

#include "resilient-response-private.h"

#include <string.h>

#include "resilient-i18n-private.h"

/* Deeper JSON than this is an attack, or a mistake: json-glib recurses, and a body of brackets
 * would overflow the stack. RFC 8259, 9 allows a limit. */
#define MAX_JSON_DEPTH 512

typedef struct
{
  const char *charset;
  gsize length;
  guint8 bytes[3];
} ByteOrderMark;

static const ByteOrderMark byte_order_marks[] = {
  { "UTF-8", 3, { 0xef, 0xbb, 0xbf } },
  { "UTF-16BE", 2, { 0xfe, 0xff } },
  { "UTF-16LE", 2, { 0xff, 0xfe } },
};

static gboolean
check_has_body (ResilientResponse *self,
                GError           **error)
{
  if (self->body != NULL)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       _("The response has no body any more"));
  return FALSE;
}

/* The charset parameter of Content-Type, or NULL. */
static char *
dup_charset (ResilientResponse *self)
{
  const char *content_type = resilient_headers_get_one (self->headers, "Content-Type");
  GHashTable *parameters;
  char *charset;

  if (content_type == NULL)
    return NULL;

  parameters = soup_header_parse_semi_param_list (content_type);
  charset = g_strdup (g_hash_table_lookup (parameters, "charset"));
  soup_header_free_param_list (parameters);

  if (charset != NULL && *g_strstrip (charset) == '\0')
    g_clear_pointer (&charset, g_free);

  return charset;
}

/* Text of @charset to UTF-8. A NUL inside is refused too: the string would end there. */
static char *
decode (const char *data,
        gsize       size,
        const char *charset,
        GError    **error)
{
  g_autoptr (GError) conversion_error = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  if (g_ascii_strcasecmp (charset, "UTF-8") == 0 || g_ascii_strcasecmp (charset, "UTF8") == 0)
    {
      if (g_utf8_validate_len (data, size, NULL))
        return g_strndup (data, size);
    }
  else
    {
      text = g_convert (data, size, "UTF-8", charset, NULL, &length, &conversion_error);
      if (text != NULL && strlen (text) == length)
        return g_steal_pointer (&text);
    }

  if (conversion_error != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 /* Translators: a character set, such as UTF-8, and an error message. */
                 _("The body can’t be read as %s text: %s"), charset, conversion_error->message);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 /* Translators: %s is a character set, such as UTF-8. */
                 _("The body is not valid %s text"), charset);
  return NULL;
}

/* How deep json-glib would recurse, or an error when it is too deep. Comments and single quotes,
 * which json-glib takes and JSON has not, would make the two disagree about what is inside a
 * string, so they are refused. */
static gboolean
check_json_depth (const char *text,
                  GError    **error)
{
  gboolean in_string = FALSE;
  guint depth = 0;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (in_string)
        {
          if (*p == '\\' && p[1] != '\0')
            p++;
          else if (*p == '"')
            in_string = FALSE;
          continue;
        }

      switch (*p)
        {
        case '"':
          in_string = TRUE;
          break;

        case '[':
        case '{':
          if (++depth > MAX_JSON_DEPTH)
            {
              g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE,
                           resilient_ngettext ("The JSON text is nested deeper than %u level",
                                               "The JSON text is nested deeper than %u levels",
                                               MAX_JSON_DEPTH),
                           MAX_JSON_DEPTH);
              return FALSE;
            }
          break;

        case ']':
        case '}':
          /* What closes more than was opened the parser refuses. */
          if (depth > 0)
            depth--;
          break;

        case '/':
        case '\'':
          g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE,
                       /* Translators: %c is a slash or an apostrophe. */
                       _("“%c” is not allowed in JSON outside of a string"), *p);
          return FALSE;

        default:
          break;
        }
    }

  return TRUE;
}

/**
 * resilient_response_get_body:
 * @self: a response
 *
 * Gets the body, with its content coding removed.
 *
 * Returns: (transfer none) (nullable): the body, empty if the server sent none, or %NULL exactly
 *   when [method@Response.has_body] is %FALSE
 *
 * Since: 1.0
 */
GBytes *
resilient_response_get_body (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->body;
}

/**
 * resilient_response_has_body:
 * @self: a response
 *
 * Tells whether the body is there.
 *
 * The response that a request returns has its body, even if that is empty. Stored results and
 * observed events may have lost theirs to save memory.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
resilient_response_has_body (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->body != NULL;
}

/**
 * resilient_response_get_text:
 * @self: a response
 * @error: return location for an error
 *
 * Reads the body as text.
 *
 * A byte order mark tells the encoding, and is removed; without one the `charset` of the header
 * `Content-Type` does; without that it is UTF-8.
 *
 * Fails with %G_IO_ERROR_INVALID_DATA when the body is not valid text of that encoding, has a NUL
 * character or when the encoding is unknown, and with %G_IO_ERROR_NOT_FOUND when
 * [method@Response.has_body] is %FALSE.
 *
 * Returns: (transfer full): the text in UTF-8, or %NULL with @error set
 *
 * Since: 1.0
 */
char *
resilient_response_get_text (ResilientResponse *self,
                             GError           **error)
{
  g_autofree char *charset = NULL;
  const char *data;
  gsize size;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_has_body (self, error))
    return NULL;

  data = g_bytes_get_data (self->body, &size);
  if (size == 0)
    return g_strdup ("");

  /* The order of the Encoding Standard (WHATWG), "decode": the mark is more to be trusted than
   * the header. */
  for (guint i = 0; i < G_N_ELEMENTS (byte_order_marks); i++)
    {
      const ByteOrderMark *mark = &byte_order_marks[i];

      if (size >= mark->length && memcmp (data, mark->bytes, mark->length) == 0)
        return decode (data + mark->length, size - mark->length, mark->charset, error);
    }

  charset = dup_charset (self);

  return decode (data, size, charset != NULL ? charset : "UTF-8", error);
}

/**
 * resilient_response_get_json:
 * @self: a response
 * @error: return location for an error
 *
 * Reads the body as JSON.
 *
 * Fails with an error of the domain `JSON_PARSER_ERROR` when the body is not JSON, is empty or is
 * nested deeper than 512 levels, and as [method@Response.get_text] does when it is not even text.
 * The header `Content-Type` need not say that it is JSON.
 *
 * Returns: (transfer full): the root of a new tree, or %NULL with @error set
 *
 * Since: 1.0
 */
JsonNode *
resilient_response_get_json (ResilientResponse *self,
                             GError           **error)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonParser) parser = NULL;
  JsonNode *root;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  text = resilient_response_get_text (self, error);
  if (text == NULL || !check_json_depth (text, error))
    return NULL;

  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, text, -1, error))
    return NULL;

  /* To json-glib nothing at all is fine; it is no JSON text (RFC 8259, 2). */
  root = json_parser_steal_root (parser);
  if (root == NULL)
    g_set_error_literal (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE,
                         _("The body is empty, not JSON"));

  return root;
}
