/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-frozen-request-private.h"
#include "resilient-request-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-random-private.h"

static gboolean
freeze_headers (ResilientRequest *self, ResilientFrozenRequest *frozen, GError **error)
{
  g_autoptr (ResilientHeaders) headers = NULL;

  if (self->headers->len == 0 && self->secret_headers->len == 0)
    return TRUE;

  headers = resilient_headers_new ();
  for (guint i = 0; i < self->headers->len; i++)
    {
      ResilientField *field = g_ptr_array_index (self->headers, i);

      if (!resilient_headers_check_field (field->name, field->value, error))
        return FALSE;
      resilient_headers_append (headers, field->name, field->value);
    }
  for (guint i = 0; i < self->secret_headers->len; i++)
    resilient_headers_mark_secret (headers, g_ptr_array_index (self->secret_headers, i));
  frozen->headers = g_steal_pointer (&headers);
  return TRUE;
}

static gboolean
freeze_body (ResilientRequest *self, ResilientFrozenRequest *frozen, GError **error)
{
  const char *type;

  if (self->body_error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->body_error));
      return FALSE;
    }
  if (self->body == NULL)
    return TRUE;

  type = resilient_body_get_content_type (self->body);
  if (type != NULL && (strchr (type, '/') == NULL || !resilient_headers_value_is_valid (type)))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("The content type of the body is not a media type"));
      return FALSE;
    }
  frozen->body = resilient_body_ref (self->body);
  return TRUE;
}

static gboolean
freeze_key (ResilientRequest *self, ResilientFrozenRequest *frozen, GError **error)
{
  const char *key = self->idempotency_key;

  if (key != NULL && (*key == '\0' || !resilient_headers_value_is_valid (key)))
    {
      g_set_error_literal (error,
                           RESILIENT_CLIENT_ERROR,
                           RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                           _ ("The idempotency key is empty or has a line break"));
      return FALSE;
    }
  if (self->draw_idempotency_key)
    {
      frozen->idempotency_key = g_malloc (RESILIENT_UUID_SIZE);
      resilient_random_uuid (frozen->idempotency_key);
    }
  else
    {
      frozen->idempotency_key = g_strdup (key);
    }
  return TRUE;
}

static gboolean
freeze_metadata (ResilientRequest *self, ResilientFrozenRequest *frozen, GError **error)
{
  if (self->metadata == NULL)
    return TRUE;
  if (!g_variant_is_of_type (self->metadata, G_VARIANT_TYPE_VARDICT))
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_INVALID_REQUEST,
                   /* Translators: both are types of GVariant, such as “a{sv}”. */
                   _ ("Metadata must be of type “%s”, not “%s”"),
                   "a{sv}",
                   g_variant_get_type_string (self->metadata));
      return FALSE;
    }
  frozen->metadata = g_variant_ref (self->metadata);
  return TRUE;
}

/* The URI with the query parameters added. Everything but unreserved characters (RFC 3986, 2.3) is
 * encoded in them, so a value can't end its parameter. */
static char *
make_uri (ResilientRequest *self)
{
  gsize length;
  GString *text;
  const char *query;

  if (self->uri == NULL || self->query->len == 0)
    return g_strdup (self->uri);

  length = strcspn (self->uri, "#");
  text = g_string_new_len (self->uri, (gssize) length);
  query = strchr (text->str, '?');
  if (query == NULL)
    g_string_append_c (text, '?');
  else if (query[1] != '\0')
    g_string_append_c (text, '&');
  for (guint i = 0; i < self->query->len; i++)
    {
      ResilientField *field = g_ptr_array_index (self->query, i);

      if (i > 0)
        g_string_append_c (text, '&');
      g_string_append_uri_escaped (text, field->name, NULL, FALSE);
      g_string_append_c (text, '=');
      g_string_append_uri_escaped (text, field->value, NULL, FALSE);
    }
  g_string_append (text, self->uri + length);
  return g_string_free (text, FALSE);
}

ResilientFrozenRequest *
resilient_request_freeze (ResilientRequest *self, GError **error)
{
  g_autofree char *uri = make_uri (self);
  g_autoptr (ResilientFrozenRequest) frozen =
    resilient_frozen_request_new (self->method, uri, error);

  if (frozen == NULL)
    return NULL;
  if (!freeze_headers (self, frozen, error) || !freeze_body (self, frozen, error)
      || !freeze_key (self, frozen, error) || !freeze_metadata (self, frozen, error))
    return NULL;

  if (self->retry_policy != NULL)
    frozen->retry_policy = resilient_retry_policy_ref (self->retry_policy);
  frozen->idempotency = self->idempotency;
  frozen->priority = self->priority;
  resilient_frozen_request_set_overrides (frozen, &self->overrides);
  return g_steal_pointer (&frozen);
}
