/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The body of a response, and what can be read from it. */

#include "config.h"

#include "resilient-response-private.h"

#include <string.h>

#include "resilient-encoding-private.h"
#include "resilient-i18n-private.h"
#include "resilient-json-private.h"

/* Of a label in a message: nobody has longer ones, but for a jest. */
#define MAX_LABEL_SHOWN 40

static gboolean
check_has_body (ResilientResponse *self, GError **error)
{
  if (self->body != NULL)
    return TRUE;

  g_set_error_literal (
    error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _ ("The response has no body any more"));
  return FALSE;
}

/* The charset parameter of Content-Type, or NULL. What joins several of them ends it, and some say
 * that they have nothing to say. */
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
  if (charset == NULL)
    return NULL;

  g_strdelimit (charset, "\"'", ' ');
  g_strchug (charset);
  charset[strcspn (charset, ",; \t")] = '\0';
  if (*charset == '\0' || g_ascii_strcasecmp (charset, "none") == 0
      || g_ascii_strcasecmp (charset, "null") == 0
      || g_ascii_strcasecmp (charset, "undefined") == 0)
    g_clear_pointer (&charset, g_free);

  return charset;
}

/* What to read the body as. The order of the Encoding Standard (WHATWG), "decode": a byte order
 * mark is more to be trusted than the header. NULL for a label that means nothing, which goes to
 * @label. */
static const ResilientEncoding *
find_encoding (ResilientResponse *self, gsize *mark_length, char **label)
{
  gsize size;
  const char *data = g_bytes_get_data (self->body, &size);
  const ResilientEncoding *encoding = resilient_encoding_find_mark (data, size, mark_length);

  *label = NULL;
  if (encoding != NULL)
    return encoding;

  *label = dup_charset (self);
  return *label != NULL ? resilient_encoding_find (*label) : resilient_encoding_get_utf8 ();
}

static char *
decode (const ResilientEncoding *encoding, const char *data, gsize size, GError **error)
{
  char *text = resilient_encoding_decode (encoding, data, size);

  if (text == NULL)
    g_set_error (error,
                 G_IO_ERROR,
                 G_IO_ERROR_INVALID_DATA,
                 /* Translators: %s is a character set, such as UTF-8. */
                 _ ("The body is not valid %s text"),
                 resilient_encoding_get_name (encoding));
  return text;
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
 * `Content-Type` does; without that it is UTF-8. A `charset` is looked up among the labels of the
 * [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels), whatever its case and
 * punctuation, as browsers do: so `ISO-8859-1` is windows-1252. Other encodings are unknown.
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
resilient_response_get_text (ResilientResponse *self, GError **error)
{
  const ResilientEncoding *encoding;
  g_autofree char *label = NULL;
  const char *data;
  gsize size, mark_length;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_has_body (self, error))
    return NULL;

  data = g_bytes_get_data (self->body, &size);
  if (size == 0)
    return g_strdup ("");

  encoding = find_encoding (self, &mark_length, &label);
  if (encoding != NULL)
    return decode (encoding, data + mark_length, size - mark_length, error);

  if (strlen (label) > MAX_LABEL_SHOWN)
    strcpy (label + MAX_LABEL_SHOWN - strlen ("…"), "…");
  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_INVALID_DATA,
               /* Translators: %s is what a server calls a character set. */
               _ ("The body has an unknown character set, “%s”"),
               label);
  return NULL;
}

/**
 * resilient_response_dup_text_lenient:
 * @self: a response
 *
 * Reads the body as text, whatever it is.
 *
 * For text to show, or to search. A byte order mark or a known `charset`, as for
 * [method@Response.get_text], decides the encoding. Otherwise it is UTF-8 if all of the body is
 * valid UTF-8, else windows-1252, in which all bytes are characters. What is no character of the
 * encoding, and the character NUL, is replaced by U+FFFD.
 *
 * Returns: (transfer full): the text in UTF-8, empty when [method@Response.has_body] is %FALSE
 *
 * Since: 1.0
 */
char *
resilient_response_dup_text_lenient (ResilientResponse *self)
{
  const ResilientEncoding *encoding;
  g_autofree char *label = NULL;
  const char *data;
  gsize size, mark_length;
  char *text;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->body == NULL || g_bytes_get_size (self->body) == 0)
    return g_strdup ("");

  data = g_bytes_get_data (self->body, &size);
  encoding = find_encoding (self, &mark_length, &label);
  if (encoding == NULL || (mark_length == 0 && label == NULL))
    {
      text = resilient_encoding_decode (resilient_encoding_get_utf8 (), data, size);
      if (text != NULL)
        return text;
      encoding = resilient_encoding_get_windows_1252 ();
    }
  return resilient_encoding_decode_lenient (encoding, data + mark_length, size - mark_length);
}

/**
 * resilient_response_get_json:
 * @self: a response
 * @error: return location for an error
 *
 * Reads the body as JSON.
 *
 * The body must be one JSON text (RFC 8259) in UTF-8, whatever the header `Content-Type` says; a
 * byte order mark is passed over. Comments, single quotes, trailing commas and the like are
 * mistakes. An integer that does not fit in 64 bits is read as a floating-point number; of several
 * members of an object that bear one name the last counts.
 *
 * Fails with an error of the domain `JSON_PARSER_ERROR` when the body is not JSON, is nested deeper
 * than 512 levels, or holds what a [struct@Json.Node] can't: a number beyond the range of a double,
 * the character NUL, or half of a surrogate pair. Fails with %G_IO_ERROR_INVALID_DATA when it is
 * not UTF-8, and with %G_IO_ERROR_NOT_FOUND when [method@Response.has_body] is %FALSE.
 *
 * Returns: (transfer full): the root of a new tree, or %NULL with @error set
 *
 * Since: 1.0
 */
JsonNode *
resilient_response_get_json (ResilientResponse *self, GError **error)
{
  const ResilientEncoding *encoding;
  g_autofree char *text = NULL;
  const char *data;
  gsize size, mark_length;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_has_body (self, error))
    return NULL;

  data = g_bytes_get_data (self->body, &size);
  encoding = resilient_encoding_find_mark (data, size, &mark_length);
  if (encoding == NULL)
    encoding = resilient_encoding_get_utf8 ();
  text = decode (encoding, size > 0 ? data + mark_length : "", size - mark_length, error);
  if (text == NULL)
    return NULL;

  return resilient_json_parse (text, strlen (text), error);
}
