/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Reads Retry-After in its two forms (RFC 9110, 10.2.3). Pure functions that own nothing, for any
 * thread. */

#include "config.h"

#include "resilient-retry-after-private.h"

#include "resilient-http-date-private.h"

/* What a longer wait counts as. RFC 9111, 1.2.2 has it so for delta-seconds that don't fit; 68
 * years are beyond every policy, yet a number that can be reckoned with. */
#define MAX_SECONDS ((gint64) 1 << 31)

/* delta-seconds: digits, nothing else, saturating. */
static gboolean
parse_delta (const char *text, gint64 *seconds)
{
  gint64 value = 0;

  if (*text == '\0')
    return FALSE;

  for (const char *p = text; *p != '\0'; p++)
    {
      if (!g_ascii_isdigit (*p))
        return FALSE;

      value = MIN (value * 10 + g_ascii_digit_value (*p), MAX_SECONDS);
    }

  *seconds = value;
  return TRUE;
}

double
resilient_retry_after_parse (const char *value, const char *date, gint64 now)
{
  g_autofree char *text = g_strdup (value);
  gint64 seconds, until, since;

  if (text == NULL)
    return -1.0;

  g_strstrip (text);

  if (parse_delta (text, &seconds))
    return seconds;

  if (!resilient_http_date_parse (text, now, &until))
    return -1.0;

  /* Against the server's own clock, if it told it: then a wrong clock here does no harm. */
  if (date == NULL || !resilient_http_date_parse (date, now, &since))
    since = now;

  return CLAMP ((until - since) / (double) G_USEC_PER_SEC, 0.0, (double) MAX_SECONDS);
}

double
resilient_retry_after_parse_all (const char *const *values, const char *date, gint64 now)
{
  double largest = -1.0;

  for (gsize i = 0; values != NULL && values[i] != NULL; i++)
    {
      double seconds = resilient_retry_after_parse (values[i], date, now);

      largest = MAX (largest, seconds);
    }

  return largest;
}
