/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Which addresses and host names need no default route, so that a monitor that says "offline" means
 * others. Pure functions that own nothing, for any thread. */

#include "config.h"

#include "resilient-address-private.h"

#include <string.h>

/* An IPv4 address in the form of IPv6: ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
static GInetAddress *
unmap (GInetAddress *address)
{
  static const guint8 prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, prefix, sizeof prefix) == 0)
    return g_inet_address_new_from_bytes (bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
  return g_object_ref (address);
}

gboolean
resilient_address_is_near (GInetAddress *address)
{
  g_autoptr (GInetAddress) plain = unmap (address);

  /* Unique local ones, fc00::/7 (RFC 4193), are what GIO does not know: its site-local ones are
   * those of RFC 1918, and fec0::/10. */
  return g_inet_address_get_is_loopback (plain) || g_inet_address_get_is_link_local (plain)
         || g_inet_address_get_is_site_local (plain)
         || (g_inet_address_get_family (plain) == G_SOCKET_FAMILY_IPV6
             && (g_inet_address_to_bytes (plain)[0] & 0xfe) == 0xfc);
}

gboolean
resilient_host_name_is_near (const char *host)
{
  /* RFC 6761 (this machine), RFC 6762 (multicast DNS), RFC 8375 (home networks), and what ICANN
   * keeps for private use. */
  static const char *const suffixes[] = { ".localhost", ".local", ".home.arpa", ".internal" };
  /* without the zone of a link-local one: fe80::1%eth0 */
  g_autofree char *name = g_ascii_strdown (host, (gssize) strcspn (host, "%"));
  g_autoptr (GInetAddress) address = NULL;
  gsize length = strlen (name);

  /* the root's dot */
  if (length > 1 && name[length - 1] == '.')
    name[--length] = '\0';
  address = g_inet_address_new_from_string (name);
  if (address != NULL)
    return resilient_address_is_near (address);

  /* "localhost", or one that only a search list or a name service of the network can complete */
  if (strchr (name, '.') == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      if (g_str_has_suffix (name, suffixes[i]))
        return TRUE;
    }
  return FALSE;
}
