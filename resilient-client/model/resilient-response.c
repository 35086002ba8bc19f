/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* An answer as the caller gets it: status, headers and a whole body. It is immutable and owns
 * references to headers and body; its parts that are computed once are published atomically. Any
 * thread. */

#include "config.h"

#include "resilient-response-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

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
resilient_response_new (guint status_code,
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
  return resilient_response_new (self->status_code,
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
