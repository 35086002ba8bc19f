/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Looks up translations in the library's own domain, which is bound once. It owns no state but
 * that. Any thread. */

#include "config.h"

#include "resilient-i18n-private.h"

#include <libintl.h>

/* RESILIENT_LOCALE_DIR in the environment serves uninstalled runs: the build tree has catalogues
 * too. */
static void
ensure_bound (void)
{
  static gsize bound = 0;

  if (g_once_init_enter (&bound))
    {
      const char *dir = g_getenv ("RESILIENT_LOCALE_DIR");

      bindtextdomain (GETTEXT_PACKAGE, dir != NULL ? dir : RESILIENT_LOCALE_DIR);
      bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
      g_once_init_leave (&bound, 1);
    }
}

const char *
resilient_gettext (const char *msgid)
{
  ensure_bound ();
  return g_dgettext (GETTEXT_PACKAGE, msgid);
}

const char *
resilient_ngettext (const char *singular, const char *plural, gulong n)
{
  ensure_bound ();
  return g_dngettext (GETTEXT_PACKAGE, singular, plural, n);
}
