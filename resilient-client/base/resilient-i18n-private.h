/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The marks for what is translated, and the functions that they call. Any thread. */

#pragma once

#include <glib.h>

/* gettext for a library: the domain is bound once, privately, on first use; the process locale is
 * never touched. */
const char *resilient_gettext (const char *msgid) G_GNUC_FORMAT (1);
const char *resilient_ngettext (const char *singular, const char *plural, gulong n)
  G_GNUC_FORMAT (1) G_GNUC_FORMAT (2);

#define _(String) resilient_gettext (String)
#define N_(String) (String)
