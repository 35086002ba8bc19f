/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-request-private.h"

#include <string.h>

#include <libsoup/soup.h>

#include "resilient-json-private.h"

static void
add_field (GPtrArray *fields, const char *name, const char *value)
{
  ResilientField *field = g_new (ResilientField, 1);

  field->name = g_strdup (name);
  field->value = g_strdup (value);
  g_ptr_array_add (fields, field);
}

static void
take_body (ResilientRequest *self, ResilientBody *body)
{
  g_clear_pointer (&self->body, resilient_body_unref);
  g_clear_error (&self->body_error);
  self->body = body;
}

/**
 * resilient_request_set_header:
 * @self: a request
 * @name: a header name, of any case
 * @value: (nullable): its only value from now on, or %NULL to remove the header
 *
 * Sets a header. It replaces default headers of the same name that the client or the origin has.
 *
 * Checked when the request is sent: @name must be a token and @value have no CR, LF or NUL (RFC
 * 9110, 5.1 and 5.5). `Content-Length` and `Transfer-Encoding` are refused, as they follow from the
 * body.
 *
 * Since: 1.0
 */
void
resilient_request_set_header (ResilientRequest *self, const char *name, const char *value)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);

  for (guint i = self->headers->len; i > 0; i--)
    {
      ResilientField *field = g_ptr_array_index (self->headers, i - 1);

      if (g_ascii_strcasecmp (field->name, name) == 0)
        g_ptr_array_remove_index (self->headers, i - 1);
    }
  if (value != NULL)
    add_field (self->headers, name, value);
}

/**
 * resilient_request_append_header:
 * @self: a request
 * @name: a header name, of any case
 * @value: one more value
 *
 * Adds a header beside those of the same name that the request has already. It is checked like
 * those of [method@Request.set_header].
 *
 * Since: 1.0
 */
void
resilient_request_append_header (ResilientRequest *self, const char *name, const char *value)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  add_field (self->headers, name, value);
}

/**
 * resilient_request_mark_header_secret:
 * @self: a request
 * @name: a header name, of any case
 *
 * Marks a header as secret: its value appears in no log, event or error, and a redirect to another
 * origin drops it.
 *
 * `Authorization`, `Proxy-Authorization` and `Cookie` are secret without a mark.
 *
 * Since: 1.0
 */
void
resilient_request_mark_header_secret (ResilientRequest *self, const char *name)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);

  g_ptr_array_add (self->secret_headers, g_strdup (name));
}

/**
 * resilient_request_add_query_param:
 * @self: a request
 * @name: the name, not encoded
 * @value: the value, not encoded
 *
 * Adds a parameter at the end of the URI's query, percent-encoded. [property@Request:uri] does not
 * change.
 *
 * Since: 1.0
 */
void
resilient_request_add_query_param (ResilientRequest *self, const char *name, const char *value)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (value != NULL);

  add_field (self->query, name, value);
}

/**
 * resilient_request_set_idempotency_key:
 * @self: a request
 * @idempotency_key: (nullable): a key, not empty and without line break, or %NULL to draw a random
 *   UUID for each send
 *
 * Sends the request with an `Idempotency-Key` header, by which a server recognises a request that
 * it has already processed. The key stays the same over all attempts of one send, and lets a POST
 * or PATCH be retried after it was sent.
 *
 * Since: 1.0
 */
void
resilient_request_set_idempotency_key (ResilientRequest *self, const char *idempotency_key)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  g_free (self->idempotency_key);
  self->idempotency_key = g_strdup (idempotency_key);
  self->draw_idempotency_key = idempotency_key == NULL;
}

/**
 * resilient_request_set_body_bytes:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @bytes: (nullable): the body, or %NULL for none
 *
 * Sets the body from memory. Each of the functions that set a body replaces the one before.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_bytes (ResilientRequest *self, const char *content_type, GBytes *bytes)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));

  take_body (self, bytes != NULL ? resilient_body_new_bytes (content_type, bytes) : NULL);
}

/**
 * resilient_request_set_body_json:
 * @self: a request
 * @json: a JSON document
 *
 * Sets the body to a JSON document, as it is now, of type `application/json`, written as RFC 8259
 * says.
 *
 * What JSON can't say, such as a number that is not finite, is reported when the request is sent,
 * with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_json (ResilientRequest *self, JsonNode *json)
{
  g_autoptr (GError) error = NULL;
  char *text;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (json != NULL);

  text = resilient_json_write (json, &error);
  if (text != NULL)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

      take_body (self, resilient_body_new_bytes ("application/json", bytes));
    }
  else
    {
      take_body (self, NULL);
      self->body_error = g_steal_pointer (&error);
    }
}

/**
 * resilient_request_set_body_form:
 * @self: a request
 * @form: (element-type utf8 utf8): names and values, not encoded
 *
 * Sets the body to a form, as it is now, of type `application/x-www-form-urlencoded`.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_form (ResilientRequest *self, GHashTable *form)
{
  g_autoptr (GBytes) bytes = NULL;
  char *text;

  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (form != NULL);

  text = soup_form_encode_hash (form);
  bytes = g_bytes_new_take (text, strlen (text));
  take_body (self, resilient_body_new_bytes (SOUP_FORM_MIME_TYPE_URLENCODED, bytes));
}

/**
 * resilient_request_set_body_file:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @file: a file
 *
 * Sets the body to the contents of a file, which is opened anew each time it is sent. A file that
 * can't be opened fails the request with the error of GIO; one whose size changes between two
 * attempts, or that becomes shorter while it is sent, and a device or a pipe, with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST. It is sent as long as it was when it was opened.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_file (ResilientRequest *self, const char *content_type, GFile *file)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (G_IS_FILE (file));

  take_body (self, resilient_body_new_file (content_type, file));
}

/**
 * resilient_request_set_body_stream_factory:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @func: (scope notified) (closure user_data) (destroy destroy): opens the body
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets the body to what a function opens each time it is sent. It is called in the thread that
 * drives the request: the one of the client's home context, or the client's I/O thread. Its error
 * fails the request. @destroy may be called in any thread.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_stream_factory (ResilientRequest *self,
                                           const char *content_type,
                                           ResilientBodyFunc func,
                                           gpointer user_data,
                                           GDestroyNotify destroy)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (func != NULL);

  take_body (self, resilient_body_new_factory (content_type, func, user_data, destroy));
}

/**
 * resilient_request_set_body_stream:
 * @self: a request
 * @content_type: (nullable): the media type of the body; a `Content-Type` header set by hand wins
 * @stream: a stream
 * @length: how many bytes the stream gives, or -1 if that is not known, and then it goes in chunks
 *
 * Sets the body to a stream that can be read once: after it was read, the request can be neither
 * retried nor sent again. Prefer [method@Request.set_body_stream_factory] where the body can be
 * opened anew.
 *
 * No more than @length bytes are sent. A stream that ends before fails the request with
 * %RESILIENT_CLIENT_ERROR_INVALID_REQUEST.
 *
 * Since: 1.0
 */
void
resilient_request_set_body_stream (ResilientRequest *self,
                                   const char *content_type,
                                   GInputStream *stream,
                                   gint64 length)
{
  g_return_if_fail (RESILIENT_IS_REQUEST (self));
  g_return_if_fail (G_IS_INPUT_STREAM (stream));
  g_return_if_fail (length >= -1);

  take_body (self, resilient_body_new_stream (content_type, stream, length));
}
