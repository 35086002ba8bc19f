/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-origin-private.h"

/* Requests that have the list keep it as it was. */
static void
make_headers_writable_locked (ResilientOrigin *self)
{
  g_autoptr (ResilientHeaders) shared = g_steal_pointer (&self->default_headers);

  if (shared != NULL)
    self->default_headers = resilient_headers_copy (shared);
  else
    self->default_headers = resilient_headers_new ();
}

/**
 * resilient_origin_set_default_header:
 * @self: an origin
 * @name: the name of a header, a token (RFC 9110, 5.1)
 * @value: (nullable): its value, without CR, LF or NUL (RFC 9110, 5.5), or %NULL for none
 * @error: return location for an error
 *
 * Sets a header for every request to this origin that does not set it itself.
 *
 * This is the place for credentials: the header goes to this origin only, and a redirect does not
 * take it elsewhere. It wins over a default header of the client of the same name, and holds for
 * requests started later. Any thread may call this.
 *
 * Fails with %RESILIENT_CLIENT_ERROR_INVALID_REQUEST, and changes nothing, if the name or the value
 * is not valid, or the header follows from the body: `Content-Length` and `Transfer-Encoding`.
 *
 * Returns: %TRUE if it was set; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
resilient_origin_set_default_header (ResilientOrigin *self,
                                     const char *name,
                                     const char *value,
                                     GError **error)
{
  g_return_val_if_fail (RESILIENT_IS_ORIGIN (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!resilient_headers_check_field (name, value, error))
    return FALSE;

  g_mutex_lock (&self->lock);

  make_headers_writable_locked (self);
  resilient_headers_replace (self->default_headers, name, value);

  if (resilient_headers_get_length (self->default_headers) == 0 && !self->has_secret_marks)
    g_clear_pointer (&self->default_headers, resilient_headers_unref);

  g_mutex_unlock (&self->lock);

  return TRUE;
}

/**
 * resilient_origin_mark_header_secret:
 * @self: an origin
 * @name: the name of a header
 *
 * Marks a header as one whose value must not be seen, such as `X-Api-Key`.
 *
 * Its value then appears in no log, event, error or statistic, and is dropped when a redirect leads
 * to another origin. That holds for requests started later. `Authorization`, `Proxy-Authorization`,
 * `Cookie` and `Set-Cookie` are secret without a mark. Any thread may call this.
 *
 * Since: 1.0
 */
void
resilient_origin_mark_header_secret (ResilientOrigin *self, const char *name)
{
  g_return_if_fail (RESILIENT_IS_ORIGIN (self));
  g_return_if_fail (name != NULL);

  g_mutex_lock (&self->lock);

  make_headers_writable_locked (self);
  resilient_headers_mark_secret (self->default_headers, name);
  self->has_secret_marks = TRUE;

  g_mutex_unlock (&self->lock);
}

ResilientHeaders *
resilient_origin_dup_default_headers (ResilientOrigin *self)
{
  ResilientHeaders *headers;

  g_mutex_lock (&self->lock);
  headers = self->default_headers != NULL ? resilient_headers_ref (self->default_headers) : NULL;
  g_mutex_unlock (&self->lock);

  return headers;
}
