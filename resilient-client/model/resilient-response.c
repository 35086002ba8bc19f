/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* What a server answered, and how its body is read. It owns headers and body, which never change.
 * Any thread. */

#include "config.h"

#include "resilient-response-private.h"

#include <string.h>

#include "resilient-clock-private.h"
#include "resilient-encoding-private.h"
#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-json-private.h"
#include "resilient-retry-after-private.h"

/* Ordinary header sections are well below. A thousand results of this size are half of what their
 * bodies may take. */
#define MAX_KEPT_HEADERS 4096

/**
 * ResilientResponse:
 *
 * What a server answered: status, headers and the whole body.
 *
 * A response of any status is a response, 404 and 500 included. [method@Response.check_status]
 * turns the statuses of failure into an error.
 *
 * Immutable, for any thread; copying one is taking a reference.
 *
 * Since: 1.0
 */
/* Immutable. */
struct _ResilientResponse
{
  guint status_code;
  const char *reason_phrase;
  GUri *uri;
  SoupHTTPVersion version;
  ResilientHeaders *headers;
  const char *content_type; /* without parameters; nullable */
  char *own_phrase;         /* what is not the standard one */
  char *own_type;           /* what is not as it stands in the headers */
  GBytes *body;             /* nullable */
  double elapsed_time;      /* seconds */
  double retry_after;       /* seconds, -1 = none */
};

G_DEFINE_BOXED_TYPE (ResilientResponse,
                     resilient_response,
                     resilient_response_ref,
                     resilient_response_unref)

static void
clear_response (gpointer data)
{
  ResilientResponse *self = data;

  g_free (self->own_phrase);
  g_free (self->own_type);
  g_uri_unref (self->uri);
  resilient_headers_unref (self->headers);
  g_clear_pointer (&self->body, g_bytes_unref);
}

/* HTTP/2 has no reason phrases, and HTTP/1.1 may leave them out. What is not UTF-8 is taken as
 * ISO 8859-1 (RFC 9112, 4). */
static void
set_reason_phrase (ResilientResponse *self, const char *reason_phrase)
{
  const char *standard = soup_status_get_phrase (self->status_code);

  if (reason_phrase == NULL || *reason_phrase == '\0' || g_str_equal (reason_phrase, standard))
    {
      self->reason_phrase = standard;
      return;
    }

  if (g_utf8_validate (reason_phrase, -1, NULL))
    self->own_phrase = g_strdup (reason_phrase);
  else
    self->own_phrase = g_convert (reason_phrase, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
  self->reason_phrase = self->own_phrase;
}

static void
set_content_type (ResilientResponse *self)
{
  const char *value = resilient_headers_get_one (self->headers, "Content-Type");
  gboolean is_lower;

  if (value == NULL)
    return;

  /* nearly always as it stands there */
  if (resilient_headers_is_media_type (value, &is_lower) && is_lower)
    {
      self->content_type = value;
      return;
    }

  self->own_type = g_strstrip (g_ascii_strdown (value, strcspn (value, ";")));
  if (resilient_headers_is_media_type (self->own_type, &is_lower))
    self->content_type = self->own_type;
}

ResilientResponse *
resilient_response_new_full (guint status_code,
                             const char *reason_phrase,
                             GUri *uri,
                             SoupHTTPVersion version,
                             ResilientHeaders *headers,
                             GBytes *body,
                             double elapsed_time,
                             double retry_after)
{
  ResilientResponse *self = g_atomic_rc_box_new0 (ResilientResponse);

  self->status_code = status_code;
  self->uri = g_uri_ref (uri);
  self->version = version;
  self->headers = resilient_headers_ref (headers);
  self->body = body != NULL ? g_bytes_ref (body) : NULL;
  self->elapsed_time = elapsed_time;
  self->retry_after = retry_after;
  set_reason_phrase (self, reason_phrase);
  set_content_type (self);

  return self;
}

/* Headers that are as large as bodies are treated as those. */
static gboolean
has_large_headers (ResilientResponse *self)
{
  return resilient_headers_get_size (self->headers) > MAX_KEPT_HEADERS;
}

ResilientResponse *
resilient_response_without_body (ResilientResponse *self)
{
  g_autoptr (ResilientHeaders) headers = NULL;

  if (self->body == NULL && !has_large_headers (self))
    return resilient_response_ref (self);

  headers =
    has_large_headers (self) ? resilient_headers_new () : resilient_headers_ref (self->headers);
  return resilient_response_new_full (self->status_code,
                                      self->reason_phrase,
                                      self->uri,
                                      self->version,
                                      headers,
                                      NULL,
                                      self->elapsed_time,
                                      self->retry_after);
}

ResilientHeaders *
resilient_response_peek_headers (ResilientResponse *self)
{
  return self->headers;
}

gsize
resilient_response_get_weight (ResilientResponse *self)
{
  gsize weight = self->body != NULL ? g_bytes_get_size (self->body) : 0;

  if (has_large_headers (self))
    weight += resilient_headers_get_size (self->headers);

  return weight;
}

/* Of all fields of that name the longest wait counts. */
static double
read_retry_after (ResilientHeaders *headers)
{
  const char *date = resilient_headers_get_one (headers, "Date");
  double longest = -1;

  for (guint i = 0; i < resilient_headers_get_length (headers); i++)
    {
      const char *name, *value;

      resilient_headers_get_nth (headers, i, &name, &value);
      if (g_ascii_strcasecmp (name, "Retry-After") == 0)
        longest =
          MAX (longest, resilient_retry_after_parse (value, date, resilient_clock_get_real ()));
    }

  return longest;
}

/**
 * resilient_response_new:
 * @status_code: an HTTP status, such as 200
 * @reason_phrase: (nullable): what the server said for it, or %NULL for the usual words
 * @uri: where it came from
 * @headers: (nullable): the headers, which are copied, or %NULL for none
 * @body: (nullable): the body, or %NULL for none
 *
 * Makes a response that no server has sent, as a fallback or for a test.
 *
 * Its HTTP version is 1.1, it took no time, and its [method@Response.get_retry_after] is what
 * @headers say.
 *
 * Returns: (transfer full): a new response
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_response_new (guint status_code,
                        const char *reason_phrase,
                        GUri *uri,
                        SoupMessageHeaders *headers,
                        GBytes *body)
{
  g_autoptr (ResilientHeaders) copy = NULL;

  g_return_val_if_fail (uri != NULL, NULL);

  copy = headers != NULL ? resilient_headers_new_from_soup (headers) : resilient_headers_new ();
  return resilient_response_new_full (
    status_code, reason_phrase, uri, SOUP_HTTP_1_1, copy, body, 0.0, read_retry_after (copy));
}

/**
 * resilient_response_ref:
 * @self: a response
 *
 * Takes a reference. Any thread may.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_response_ref (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * resilient_response_unref:
 * @self: (transfer full): a response
 *
 * Drops a reference. Any thread may.
 *
 * Since: 1.0
 */
void
resilient_response_unref (ResilientResponse *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_response);
}

/**
 * resilient_response_copy:
 * @self: a response
 *
 * Copies a response, which is taking a reference, as responses never change.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
ResilientResponse *
resilient_response_copy (ResilientResponse *self)
{
  return resilient_response_ref (self);
}

/**
 * resilient_response_get_status_code:
 * @self: a response
 *
 * Gets the status.
 *
 * Returns: the HTTP status
 *
 * Since: 1.0
 */
guint
resilient_response_get_status_code (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->status_code;
}

/**
 * resilient_response_get_reason_phrase:
 * @self: a response
 *
 * Gets the words that came with the status, or when none came, as with HTTP/2, the usual ones.
 *
 * Returns: (transfer none): the words, mostly English
 *
 * Since: 1.0
 */
const char *
resilient_response_get_reason_phrase (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->reason_phrase;
}

/**
 * resilient_response_get_uri:
 * @self: a response
 *
 * Gets the URI that answered: after redirects, the last one.
 *
 * Returns: (transfer none): the URI
 *
 * Since: 1.0
 */
GUri *
resilient_response_get_uri (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->uri;
}

/**
 * resilient_response_get_http_version:
 * @self: a response
 *
 * Gets the version of HTTP that the server answered in.
 *
 * Returns: the version
 *
 * Since: 1.0
 */
SoupHTTPVersion
resilient_response_get_http_version (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, SOUP_HTTP_1_1);

  return self->version;
}

/**
 * resilient_response_get_header:
 * @self: a response
 * @name: the name of a header, in any case
 *
 * Gets the value of a header.
 *
 * Of a header that is there more than once all values are joined by ", " (RFC 9110, 5.3). That is
 * of no use for `Set-Cookie`: see [method@Response.dup_headers].
 *
 * Octets that are not UTF-8 are taken as ISO 8859-1.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is no such header; valid as
 *   long as the response
 *
 * Since: 1.0
 */
const char *
resilient_response_get_header (ResilientResponse *self, const char *name)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return resilient_headers_get_list (self->headers, name);
}

/**
 * resilient_response_dup_headers:
 * @self: a response
 *
 * Gets all headers, in order.
 *
 * `SoupMessageHeaders` is not safe to share between threads, not even to read, so this makes a new
 * one.
 *
 * Returns: (transfer full): a copy of the headers, which the caller may change
 *
 * Since: 1.0
 */
SoupMessageHeaders *
resilient_response_dup_headers (ResilientResponse *self)
{
  SoupMessageHeaders *headers;

  g_return_val_if_fail (self != NULL, NULL);

  headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  resilient_headers_append_to_soup (self->headers, headers);

  return headers;
}

/**
 * resilient_response_get_content_type:
 * @self: a response
 *
 * Gets the media type of the body.
 *
 * Returns: (transfer none) (nullable): the type in lower case and without parameters, such as
 *   `text/html`, or %NULL if the server gave none that is valid
 *
 * Since: 1.0
 */
const char *
resilient_response_get_content_type (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->content_type;
}

/**
 * resilient_response_get_elapsed_time:
 * @self: a response
 *
 * Gets how long it took to get it, from the start of the attempt that got it to the last byte of
 * its body.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
double
resilient_response_get_elapsed_time (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, 0.0);

  return self->elapsed_time;
}

/**
 * resilient_response_get_retry_after:
 * @self: a response
 *
 * Gets how long the server asked to wait by `Retry-After` (RFC 9110, 10.2.3).
 *
 * A date was measured against the response's own `Date` header when it had one, so a wrong clock
 * does no harm. A longer wait than 2^31 seconds is given as that.
 *
 * Returns: seconds from when the response came, 0 for a date that was over, or -1 if there was no
 *   valid `Retry-After`
 *
 * Since: 1.0
 */
double
resilient_response_get_retry_after (ResilientResponse *self)
{
  g_return_val_if_fail (self != NULL, -1.0);

  return self->retry_after;
}

/**
 * resilient_response_check_status:
 * @self: a response
 * @error: return location for an error
 *
 * Turns a status of failure into an error.
 *
 * For the statuses from 400 to 599 this fails with an error of the domain %RESILIENT_HTTP_ERROR,
 * whose code is the status.
 *
 * Returns: %TRUE if the status is none of these
 *
 * Since: 1.0
 */
gboolean
resilient_response_check_status (ResilientResponse *self, GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->status_code < 400 || self->status_code > 599)
    return TRUE;

  g_set_error (error,
               RESILIENT_HTTP_ERROR,
               (int) self->status_code,
               /* Translators: an HTTP status and what the server says about it: 404 (Not Found). */
               _ ("The server answered %u (%s)"),
               self->status_code,
               self->reason_phrase);
  return FALSE;
}

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
    {
      char *end = label + MAX_LABEL_SHOWN - strlen ("…");

      /* not inside a character */
      while ((*end & 0xc0) == 0x80)
        end--;
      strcpy (end, "…");
    }
  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_INVALID_DATA,
               /* Translators: %s is what a server calls a character set. */
               _ ("The body has an unknown character set, “%s”"),
               label);
  return NULL;
}

/* NUL is a character of UTF-8, which GLib does not take. */
static gboolean
is_utf8 (const char *data, gsize size)
{
  const char *end;

  while (!g_utf8_validate_len (data, size, &end))
    {
      if (*end != '\0')
        return FALSE;
      size -= (gsize) (end + 1 - data);
      data = end + 1;
    }
  return TRUE;
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

  g_return_val_if_fail (self != NULL, NULL);

  if (self->body == NULL || g_bytes_get_size (self->body) == 0)
    return g_strdup ("");

  data = g_bytes_get_data (self->body, &size);
  encoding = find_encoding (self, &mark_length, &label);
  if (encoding == NULL || (mark_length == 0 && label == NULL))
    encoding = is_utf8 (data, size) ? resilient_encoding_get_utf8 ()
                                    : resilient_encoding_get_windows_1252 ();
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
