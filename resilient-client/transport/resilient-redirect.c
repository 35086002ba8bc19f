/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Decides whether a redirect is followed, as what, and which headers go along. It changes the plan
 * that it is given and owns nothing. In the context of the attempt. */

#include "config.h"

#include "resilient-redirect-private.h"

#include <string.h>

#include "resilient-error.h"
#include "resilient-i18n-private.h"
#include "resilient-origin-key-private.h"

/* What libsoup puts in the place of bytes that are not UTF-8. */
#define REPLACEMENT_CHARACTER "\xef\xbf\xbd"

void
resilient_request_plan_init (ResilientRequestPlan *self, ResilientFrozenRequest *frozen)
{
  *self = (ResilientRequestPlan){
    .method = g_strdup (resilient_frozen_request_get_method (frozen)),
    .uri = g_uri_ref (resilient_frozen_request_peek_uri (frozen)),
    .with_body = TRUE,
    .secrets_dropped = resilient_frozen_request_drops_secrets (frozen),
  };
}

void
resilient_request_plan_clear (ResilientRequestPlan *self)
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
 * one of its own. Servers write a percent sign that encodes nothing, which the next one is to see
 * as it is. Bytes that libsoup could not read name nothing any more. */
static GUri *
resolve_target (GUri *base, const char *location)
{
  g_autofree char *escaped = resilient_uri_escape (location);
  g_autoptr (GUri) parsed = NULL;
  g_autoptr (GUri) target = NULL;

  if (strstr (location, REPLACEMENT_CHARACTER) != NULL)
    return NULL;
  parsed =
    g_uri_parse_relative (base, escaped, SOUP_HTTP_URI_FLAGS | G_URI_FLAGS_PARSE_RELAXED, NULL);
  if (parsed == NULL || !resilient_uri_has_valid_host (parsed))
    return NULL;
  target = resilient_uri_respell_host (parsed);
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

/* Looks through all policies, but only of an enforcer that has one of the domain. */
static gboolean
covers_subdomains (SoupHSTSEnforcer *enforcer, const char *domain)
{
  GList *policies = soup_hsts_enforcer_get_policies (enforcer, TRUE);
  gboolean covers = FALSE;

  for (GList *link = policies; link != NULL && !covers; link = link->next)
    covers = soup_hsts_policy_includes_subdomains (link->data)
             && !soup_hsts_policy_is_expired (link->data)
             && g_str_equal (soup_hsts_policy_get_domain (link->data), domain);
  g_list_free_full (policies, (GDestroyNotify) soup_hsts_policy_free);
  return covers;
}

/* RFC 6797, 8.2 */
static gboolean
is_known_host (SoupHSTSEnforcer *enforcer, const char *host)
{
  g_autofree char *canonical =
    g_hostname_is_ascii_encoded (host) ? g_hostname_to_unicode (host) : g_ascii_strdown (host, -1);
  const char *dot;

  if (canonical == NULL || g_hostname_is_ip_address (canonical))
    return FALSE;
  if (soup_hsts_enforcer_has_valid_policy (enforcer, canonical))
    return TRUE;
  for (dot = strchr (canonical, '.'); dot != NULL; dot = strchr (dot + 1, '.'))
    if (dot[1] != '\0' && soup_hsts_enforcer_has_valid_policy (enforcer, dot + 1)
        && covers_subdomains (enforcer, dot + 1))
      return TRUE;
  return FALSE;
}

/* Of a target that the session would not ask by plain http: what it would ask (RFC 6797, 8.3). */
static GUri *
upgrade (GUri *target)
{
  int port = g_uri_get_port (target);

  return soup_uri_copy (
    target, SOUP_URI_SCHEME, "https", SOUP_URI_PORT, port == 80 ? -1 : port, SOUP_URI_NONE);
}

ResilientRedirect
resilient_redirect_decide (ResilientRequestPlan *plan,
                           SoupHSTSEnforcer *enforcer,
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

  if (plan->n_redirects >= RESILIENT_REDIRECT_MAX)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_REDIRECT,
                   resilient_ngettext (
                     "More than %u redirect", "More than %u redirects", RESILIENT_REDIRECT_MAX),
                   RESILIENT_REDIRECT_MAX);
      return RESILIENT_REDIRECT_FAIL;
    }
  target = resolve_target (sent_to, location);
  if (target == NULL)
    return fail (error, _ ("The redirect has no valid target"));
  if (strcmp (g_uri_get_scheme (target), "http") != 0
      && strcmp (g_uri_get_scheme (target), "https") != 0)
    {
      g_set_error (error,
                   RESILIENT_CLIENT_ERROR,
                   RESILIENT_CLIENT_ERROR_REDIRECT,
                   _ ("The redirect leads to the scheme “%s”, neither http nor https"),
                   g_uri_get_scheme (target));
      return RESILIENT_REDIRECT_FAIL;
    }
  if (strcmp (g_uri_get_scheme (sent_to), "https") == 0
      && strcmp (g_uri_get_scheme (target), "http") == 0)
    {
      g_autoptr (GUri) plain = g_steal_pointer (&target);

      if (enforcer == NULL || !is_known_host (enforcer, g_uri_get_host (plain)))
        return fail (error, _ ("The redirect leads from https to http"));
      target = upgrade (plain);
    }

  rewrite = becomes_get (plan->method, status_code);
  if (!rewrite && plan->with_body && body_spent)
    return fail (error, _ ("The redirect asks for the body again, which can be read only once"));

  if (!resilient_origin_key_equal (sent_to, target))
    plan->secrets_dropped = TRUE;
  if (rewrite)
    {
      g_free (plan->method);
      plan->method = g_strdup ("GET");
    }
  /* a 303 to a GET that had a body drops it all the same */
  if (rewrite || status_code == SOUP_STATUS_SEE_OTHER)
    plan->with_body = FALSE;
  g_uri_unref (plan->uri);
  plan->uri = g_steal_pointer (&target);
  plan->n_redirects++;
  return RESILIENT_REDIRECT_FOLLOW;
}

/* Whether the plan must not bear a header of the request. The default headers are another matter:
 * they belong to the origin that the plan goes to. */
static gboolean
must_drop (ResilientRequestPlan *self, ResilientHeaders *own, const char *name)
{
  if (self->secrets_dropped && resilient_headers_is_secret (own, name))
    return TRUE;
  return !self->with_body
         && (g_ascii_strncasecmp (name, "Content-", strlen ("Content-")) == 0
             || g_ascii_strcasecmp (name, "Expect") == 0
             || g_ascii_strcasecmp (name, "Idempotency-Key") == 0);
}

ResilientHeaders *
resilient_request_plan_merge_headers (ResilientRequestPlan *self,
                                      ResilientHeaders *defaults,
                                      ResilientHeaders *own)
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
