/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-address-private.h"

/* What is reached without a default route. */

static void
test_hosts (void)
{
  static const struct
  {
    const char *host;
    gboolean near;
  } hosts[] = {
    { "localhost", TRUE },
    { "LOCALHOST", TRUE },
    { "localhost.", TRUE },
    { "app.localhost", TRUE },
    { "127.0.0.1", TRUE },
    { "127.255.255.254", TRUE },
    { "::1", TRUE },
    /* RFC 1918, and next to it */
    { "10.0.0.1", TRUE },
    { "10.255.255.255", TRUE },
    { "9.255.255.255", FALSE },
    { "11.0.0.0", FALSE },
    { "172.16.0.1", TRUE },
    { "172.31.255.255", TRUE },
    { "172.15.255.255", FALSE },
    { "172.32.0.0", FALSE },
    { "192.168.0.1", TRUE },
    { "192.167.0.1", FALSE },
    { "192.169.0.1", FALSE },
    /* link-local */
    { "169.254.10.20", TRUE },
    { "169.253.10.20", FALSE },
    { "fe80::1", TRUE },
    { "fe80::1%eth0", TRUE },
    { "febf::1", TRUE },
    { "fe00::1", FALSE },
    /* unique local */
    { "fc00::1", TRUE },
    { "fd12:3456:789a::1", TRUE },
    { "fe12::1", FALSE },
    { "fb12::1", FALSE },
    /* an IPv4 one in an IPv6 one */
    { "::ffff:192.168.1.1", TRUE },
    { "::ffff:127.0.0.1", TRUE },
    { "::ffff:93.184.216.34", FALSE },
    { "93.184.216.34", FALSE },
    { "2001:db8::1", FALSE },
    { "100.64.0.1", FALSE },
    /* names */
    { "printer.local", TRUE },
    { "Printer.LOCAL.", TRUE },
    { "nas.home.arpa", TRUE },
    { "wiki.corp.internal", TRUE },
    { "nas", TRUE },
    { "example.com", FALSE },
    { "local.example.com", FALSE },
    { "notlocal", TRUE },
    { "my-local.org", FALSE },
    { "xlocalhost.org", FALSE },
    { "m\303\274nchen.example", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_test_message ("%s", hosts[i].host);
      g_assert_cmpint (resilient_host_name_is_near (hosts[i].host), ==, hosts[i].near);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/address/hosts", test_hosts);

  return g_test_run ();
}
