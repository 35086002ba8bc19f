/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-redirect-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"

void
resilient_hop_init (ResilientHop *self, ResilientRecipe *recipe)
{
  *self = (ResilientHop){
    .method = g_strdup (recipe->method),
    .uri = g_uri_ref (recipe->uri),
    .with_body = TRUE,
  };
}

void
resilient_hop_clear (ResilientHop *self)
{
  g_clear_pointer (&self->method, g_free);
  g_clear_pointer (&self->uri, g_uri_unref);
}

static ResilientRedirect
fail (GError **error, const char *message)
{
  g_set_error_literal (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT, message);
  return RESILIENT_REDIRECT_FAIL;
}

/* The target (RFC 9110, 10.2.2): relative to what was asked, and with its fragment unless it has
 * one of its own. */
static GUri *
resolve_target (GUri *base, const char *location)
{
  g_autofree char *escaped = resilient_uri_escape (location);
  g_autoptr (GUri) target = g_uri_parse_relative (base, escaped, SOUP_HTTP_URI_FLAGS, NULL);

  if (target == NULL || !resilient_uri_has_valid_host (target))
    return NULL;
  if (g_uri_get_fragment (target) == NULL && g_uri_get_fragment (base) != NULL)
    return soup_uri_copy (target, SOUP_URI_FRAGMENT, g_uri_get_fragment (base), SOUP_URI_NONE);
  return g_steal_pointer (&target);
}

/* RFC 9110, 15.4: what is asked of the target. POST becomes GET after 301 and 302 because clients
 * always did so; 307 and 308 are there for those who mean it. */
static gboolean
becomes_get (const char *method, guint status_code)
{
  switch (status_code)
    {
    case SOUP_STATUS_MOVED_PERMANENTLY:
    case SOUP_STATUS_FOUND:
      return strcmp (method, "POST") == 0;
    case SOUP_STATUS_SEE_OTHER:
      return strcmp (method, "HEAD") != 0 && strcmp (method, "GET") != 0;
    default:
      return FALSE;
    }
}

ResilientRedirect
resilient_redirect_decide (ResilientHop *hop,
                           GUri *sent_to,
                           guint status_code,
                           const char *location,
                           gboolean body_spent,
                           GError **error)
{
  g_autoptr (GUri) target = NULL;
  gboolean rewrite;

  switch (status_code)
    {
    case SOUP_STATUS_MOVED_PERMANENTLY:
    case SOUP_STATUS_FOUND:
    case SOUP_STATUS_SEE_OTHER:
    case SOUP_STATUS_TEMPORARY_REDIRECT:
    case SOUP_STATUS_PERMANENT_REDIRECT:
      break;
    default:
      return RESILIENT_REDIRECT_DELIVER;
    }
  if (location == NULL || *location == '\0')
    return RESILIENT_REDIRECT_DELIVER;

  if (hop->n_redirects >= RESILIENT_REDIRECT_MAX)
    {
      g_set_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT,
                   resilient_ngettext ("More than %u redirect", "More than %u redirects",
                                       RESILIENT_REDIRECT_MAX),
                   RESILIENT_REDIRECT_MAX);
      return RESILIENT_REDIRECT_FAIL;
    }
  target = resolve_target (sent_to, location);
  if (target == NULL)
    return fail (error, _("The redirect has no valid target"));
  if (strcmp (g_uri_get_scheme (target), "http") != 0
      && strcmp (g_uri_get_scheme (target), "https") != 0)
    {
      g_set_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_REDIRECT,
                   _("The redirect leads to the scheme “%s”, neither http nor https"),
                   g_uri_get_scheme (target));
      return RESILIENT_REDIRECT_FAIL;
    }
  if (strcmp (g_uri_get_scheme (sent_to), "https") == 0
      && strcmp (g_uri_get_scheme (target), "http") == 0)
    return fail (error, _("The redirect leads from https to http"));

  rewrite = becomes_get (hop->method, status_code);
  if (!rewrite && hop->with_body && body_spent)
    return fail (error, _("The redirect asks for the body again, which can be read only once"));

  if (!resilient_uri_same_origin (sent_to, target))
    hop->secrets_dropped = TRUE;
  if (rewrite)
    {
      g_free (hop->method);
      hop->method = g_strdup ("GET");
    }
  /* a 303 to a GET that had a body drops it all the same */
  if (rewrite || status_code == SOUP_STATUS_SEE_OTHER)
    hop->with_body = FALSE;
  g_uri_unref (hop->uri);
  hop->uri = g_steal_pointer (&target);
  hop->n_redirects++;
  return RESILIENT_REDIRECT_FOLLOW;
}

/* Whether the hop must not bear a header of the request. The default headers are another matter:
 * they belong to the origin that the hop goes to. */
static gboolean
must_drop (ResilientHop *self, ResilientHeaders *own, const char *name)
{
  if (self->secrets_dropped && resilient_headers_is_secret (own, name))
    return TRUE;
  return !self->with_body
         && (g_ascii_strncasecmp (name, "Content-", strlen ("Content-")) == 0
             || g_ascii_strcasecmp (name, "Expect") == 0
             || g_ascii_strcasecmp (name, "Idempotency-Key") == 0);
}

ResilientHeaders *
resilient_hop_merge_headers (ResilientHop *self, ResilientHeaders *defaults, ResilientHeaders *own)
{
  ResilientHeaders *merged =
    defaults != NULL ? resilient_headers_copy (defaults) : resilient_headers_new ();
  guint length = own != NULL ? resilient_headers_get_length (own) : 0;
  const char *name, *value;

  /* first all names leave, then all values come: a name may have several */
  for (guint i = 0; i < length; i++)
    {
      resilient_headers_get_nth (own, i, &name, &value);
      if (!must_drop (self, own, name))
        resilient_headers_replace (merged, name, NULL);
    }
  for (guint i = 0; i < length; i++)
    {
      resilient_headers_get_nth (own, i, &name, &value);
      if (must_drop (self, own, name))
        continue;
      resilient_headers_append (merged, name, value);
      if (resilient_headers_is_secret (own, name))
        resilient_headers_mark_secret (merged, name);
    }
  return merged;
}
