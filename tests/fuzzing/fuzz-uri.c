/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <libsoup/soup.h>
#include <string.h>

#include "resilient-error.h"
#include "resilient-origin-key-private.h"
#include "resilient-frozen-request-private.h"

/* What may be shown of a URI: never its user info, nor the values of its query.
 *
 * An input has up to five lines: what stands before the user info, the user info, what stands
 * between it and the query, the query, and the rest. Two URIs that differ in their secrets alone
 * must look the same, and a message must not repeat a secret of a URI that can't be. */

#define CANARY "QcanaryQ"
#define OTHER "Zparrot-9Z"
#define N_PARTS 5

/* @secret in every place that is to be kept: as user, as password and in each value of the
 * query. */
static char *
make_uri (char *const *parts, const char *secret)
{
  GString *uri = g_string_new (parts[0]);

  if (*parts[1] != '\0')
    g_string_append_printf (uri, "%s%s:%s@", secret, parts[1], secret);
  g_string_append (uri, parts[2]);
  if (*parts[3] != '\0')
    {
      g_string_append_c (uri, '?');
      for (const char *c = parts[3]; *c != '\0'; c++)
        {
          g_string_append_c (uri, *c);
          if (*c == '=')
            g_string_append (uri, secret);
        }
    }
  g_string_append (uri, parts[4]);

  return g_string_free (uri, FALSE);
}

static void
check_escape (const char *text)
{
  g_autofree char *escaped = resilient_uri_escape (text);
  g_autofree char *again = resilient_uri_escape (escaped);

  g_assert_cmpstr (again, ==, escaped);
  for (const char *c = escaped; *c != '\0'; c++)
    g_assert_true (g_ascii_isgraph (*c) && strchr ("\"<>\\^`{|}", *c) == NULL);
}

static void
check_redacted (GUri *uri)
{
  g_autofree char *text = resilient_uri_redact (uri);
  g_autoptr (GUri) again = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);
  g_autofree char *twice = NULL;

  /* What is shown is a URI of the same origin, and hiding what is hidden changes nothing. */
  g_assert_nonnull (again);
  g_assert_true (resilient_origin_key_equal (uri, again));
  g_assert_null (g_uri_get_fragment (again));
  twice = resilient_uri_redact (again);
  g_assert_cmpstr (twice, ==, text);
}

static gboolean
contains (const char *text, const char *part)
{
  return text != NULL && strstr (text, part) != NULL;
}

static gboolean
has_both (const char *userinfo)
{
  return userinfo != NULL && g_str_has_prefix (userinfo, CANARY)
         && g_str_has_suffix (userinfo, ":" CANARY);
}

/* Whether the secrets are where they were meant to be: what mutation made part of a path, say, is
 * none.
 */
static gboolean
is_as_meant (GUri *uri, char *const *parts)
{
  return (*parts[1] == '\0' || has_both (g_uri_get_userinfo (uri)))
         && !contains (g_uri_get_scheme (uri), CANARY) && !contains (g_uri_get_host (uri), CANARY)
         && !contains (g_uri_get_path (uri), CANARY) && strchr (parts[3], '#') == NULL;
}

/* Schemes are shown in lower case. */
static gboolean
repeats (const char *text, const char *secret)
{
  g_autofree char *lower_text = g_ascii_strdown (text, -1);
  g_autofree char *lower_secret = g_ascii_strdown (secret, -1);

  return contains (lower_text, lower_secret);
}

/* A secret that mutation has written elsewhere too is none. */
static gboolean
are_secrets (char *const *parts)
{
  g_autofree char *rest = make_uri (parts, "");

  return !repeats (rest, CANARY) && !repeats (rest, OTHER);
}

/* Before "://" there is a scheme, and no user. */
static gboolean
has_secret_scheme (const char *text, const char *other_text)
{
  g_autofree char *scheme = g_uri_parse_scheme (text);
  g_autofree char *other = g_uri_parse_scheme (other_text);

  return g_strcmp0 (scheme, other) != 0 && scheme != NULL
         && g_str_has_prefix (text + strlen (scheme), "://");
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  char *parts[N_PARTS];
  g_autofree char *text = NULL;
  g_autofree char *other_text = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = NULL;
  g_autoptr (ResilientFrozenRequest) other = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PARTS; i++)
    {
      parts[i] = fuzz_take_line (&input);
      if (parts[i] == NULL)
        parts[i] = g_strdup ("");
    }
  text = make_uri (parts, CANARY);
  other_text = make_uri (parts, OTHER);
  check_escape (text);

  frozen = resilient_frozen_request_new ("GET", text, &error);
  other = resilient_frozen_request_new ("GET", other_text, NULL);
  if (frozen == NULL)
    {
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
      g_assert_true (!are_secrets (parts) || !repeats (error->message, CANARY)
                     || has_secret_scheme (text, other_text));
    }
  else
    {
      check_redacted (resilient_frozen_request_peek_uri (frozen));
      if (other != NULL && are_secrets (parts)
          && is_as_meant (resilient_frozen_request_peek_uri (frozen), parts))
        {
          g_autofree char *shown =
            resilient_uri_redact (resilient_frozen_request_peek_uri (frozen));
          g_autofree char *other_shown =
            resilient_uri_redact (resilient_frozen_request_peek_uri (other));

          g_assert_cmpstr (shown, ==, other_shown);
        }
    }

  for (guint i = 0; i < N_PARTS; i++)
    g_free (parts[i]);

  return 0;
}
