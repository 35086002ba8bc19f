/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <string.h>

#include "resilient-http-date-private.h"
#include "resilient-retry-after-private.h"

/* Retry-After is what a server says, and how long a request sleeps.
 *
 * An input has up to three lines: the value, the response's Date, and the wall clock in seconds
 * since 1970. */

#define MAX_SECONDS 2147483648.0

/* Years 1 … 9999, what a wall clock may show. */
#define FIRST_SECOND G_GINT64_CONSTANT (-62135596800)
#define LAST_SECOND G_GINT64_CONSTANT (253402300799)

static gboolean
is_delta (const char *text)
{
  return *text != '\0' && text[strspn (text, "0123456789")] == '\0';
}

/* Saturating at the longest wait. */
static double
delta_to_seconds (const char *text)
{
  return MIN (g_ascii_strtod (text, NULL), MAX_SECONDS);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *value = fuzz_take_line (&input);
  g_autofree char *date = fuzz_take_line (&input);
  gint64 now = fuzz_take_integer (&input, FIRST_SECOND, LAST_SECOND) * G_USEC_PER_SEC;
  double seconds = resilient_retry_after_parse (value, date, now);
  g_autofree char *padded = NULL;
  gint64 until, since;

  g_assert_true (seconds == -1.0 || (seconds >= 0.0 && seconds <= MAX_SECONDS));
  if (value == NULL)
    {
      g_assert_cmpfloat (seconds, ==, -1.0);
      return 0;
    }

  /* White space around a value means nothing. */
  padded = g_strconcat (" \t", value, "\t ", NULL);
  g_assert_cmpfloat (resilient_retry_after_parse (padded, date, now), ==, seconds);

  /* A field that comes several times asks for the longest wait, whatever the order. */
  {
    const char *const alone[] = { value, NULL };
    const char *const before[] = { "60", value, "x", NULL };
    const char *const behind[] = { "x", value, "60", NULL };

    g_assert_cmpfloat (resilient_retry_after_parse_all (alone, date, now), ==, seconds);
    g_assert_cmpfloat (resilient_retry_after_parse_all (before, date, now), ==, MAX (seconds, 60));
    g_assert_cmpfloat (resilient_retry_after_parse_all (behind, date, now), ==, MAX (seconds, 60));
  }

  g_strstrip (value);
  if (is_delta (value))
    {
      g_assert_cmpfloat (seconds, ==, delta_to_seconds (value));
      return 0;
    }

  /* Anything else is a date or nothing at all. */
  g_assert_cmpint (seconds >= 0.0, ==, resilient_http_date_parse (value, now, &until));
  if (seconds < 0.0)
    return 0;

  if (date == NULL || !resilient_http_date_parse (date, now, &since))
    since = now;
  g_assert_cmpfloat (seconds, ==, CLAMP ((until - since) / 1e6, 0.0, MAX_SECONDS));

  return 0;
}
