/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Says what an origin is: how its key is spelled, and which URIs have the same. Pure functions that
 * own nothing, for any thread. */

#include "config.h"

#include "resilient-origin-key-private.h"

#include <string.h>

#include <gio/gio.h>

int
resilient_origin_key_get_port (GUri *uri)
{
  int port = g_uri_get_port (uri);

  if (port >= 0)
    return port;
  return g_ascii_strcasecmp (g_uri_get_scheme (uri), "https") == 0 ? 443 : 80;
}

char *
resilient_origin_key_respell_host (const char *host)
{
  const char *zone = strchr (host, '%');
  g_autoptr (GInetAddress) address = NULL;
  g_autofree char *literal = NULL;
  g_autofree char *text = NULL;

  if (strchr (host, ':') == NULL)
    return NULL;
  literal = zone != NULL ? g_strndup (host, (gsize) (zone - host)) : g_strdup (host);
  address = g_inet_address_new_from_string (literal);
  if (address == NULL)
    return NULL;
  text = g_inet_address_to_string (address);
  if (zone != NULL)
    {
      char *with_zone = g_strconcat (text, zone, NULL);

      g_free (text);
      text = with_zone;
    }
  return strcmp (text, host) == 0 ? NULL : g_steal_pointer (&text);
}

char *
resilient_origin_key_new (GUri *uri)
{
  const char *given = g_uri_get_host (uri);
  g_autofree char *scheme = g_ascii_strdown (g_uri_get_scheme (uri), -1);
  g_autofree char *respelled = resilient_origin_key_respell_host (given);
  g_autofree char *ascii = g_hostname_to_ascii (given);
  const char *spelling = respelled != NULL ? respelled : ascii != NULL ? ascii : given;
  g_autofree char *host = g_ascii_strdown (spelling, -1);

  return g_strdup_printf (strchr (host, ':') != NULL ? "%s://[%s]:%d" : "%s://%s:%d",
                          scheme,
                          host,
                          resilient_origin_key_get_port (uri));
}

gboolean
resilient_origin_key_write (GUri *uri, char *buffer, gsize size)
{
  const char *scheme = g_uri_get_scheme (uri);
  const char *host = g_uri_get_host (uri);
  gsize n = strlen (scheme), length = strlen (host);

  if (n + length + sizeof "://:65535" > size || memchr (host, ':', length) != NULL)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    buffer[i] = g_ascii_tolower (scheme[i]);
  memcpy (buffer + n, "://", 3);
  n += 3;
  for (gsize i = 0; i < length; i++)
    {
      if ((guchar) host[i] >= 0x80)
        return FALSE;
      buffer[n++] = g_ascii_tolower (host[i]);
    }
  g_snprintf (buffer + n, size - n, ":%d", resilient_origin_key_get_port (uri));
  return TRUE;
}

/* What is equal has one hash, so an address that may be spelled in several ways counts by its port
 * alone. */
guint
resilient_origin_key_hash (gconstpointer data)
{
  GUri *uri = (GUri *) data;
  const char *host = g_uri_get_host (uri);
  g_autofree char *ascii = g_hostname_is_non_ascii (host) ? g_hostname_to_ascii (host) : NULL;
  guint port = (guint) resilient_origin_key_get_port (uri);
  guint hash = port;

  for (const char *c = ascii != NULL ? ascii : host; *c != '\0'; c++)
    {
      if (*c == ':')
        return port;
      hash = hash * 33 + (guchar) g_ascii_tolower (*c);
    }
  return hash;
}

static gboolean
have_same_host (const char *a, const char *b)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  if (g_ascii_strcasecmp (a, b) == 0)
    return TRUE;
  if (strchr (a, ':') != NULL && strchr (b, ':') != NULL)
    {
      first = resilient_origin_key_respell_host (a);
      second = resilient_origin_key_respell_host (b);
    }
  else if (g_hostname_is_non_ascii (a) || g_hostname_is_non_ascii (b))
    {
      first = g_hostname_to_ascii (a);
      second = g_hostname_to_ascii (b);
    }
  return g_ascii_strcasecmp (first != NULL ? first : a, second != NULL ? second : b) == 0;
}

gboolean
resilient_origin_key_equal (gconstpointer data, gconstpointer other)
{
  GUri *a = (GUri *) data;
  GUri *b = (GUri *) other;

  return a == b
         || (resilient_origin_key_get_port (a) == resilient_origin_key_get_port (b)
             && g_ascii_strcasecmp (g_uri_get_scheme (a), g_uri_get_scheme (b)) == 0
             && have_same_host (g_uri_get_host (a), g_uri_get_host (b)));
}
