/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "fuzz.h"

#include <libsoup/soup.h>
#include <string.h>

#include "resilient-http-date-private.h"
#include "resilient-retry-after-private.h"

/* HTTP-date, and what a wrong clock does to a wait that ends at a date.
 *
 * An input has up to three lines: a date, how many seconds after the response's Date the server
 * wants to be asked again, and the client's wall clock in seconds since 1970. */

#define MAX_SECONDS G_GINT64_CONSTANT (2147483648)
#define FIRST_SECOND G_GINT64_CONSTANT (-62135596800)
#define LAST_SECOND G_GINT64_CONSTANT (253402300799)

static const char *const days[] = {
  "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};
static const char *const months[] = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

typedef enum
{
  FORM_IMF,
  FORM_RFC850,
  FORM_ASCTIME,
} Form;

/* As a server writes it: GDateTime's own names are those of the locale. */
static char *
format (gint64 seconds, Form form)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (seconds);
  const char *day = days[g_date_time_get_day_of_week (date) - 1];
  const char *month = months[g_date_time_get_month (date) - 1];
  g_autofree char *time = g_strdup_printf ("%02d:%02d:%02d",
                                           g_date_time_get_hour (date),
                                           g_date_time_get_minute (date),
                                           g_date_time_get_second (date));
  int year = g_date_time_get_year (date);
  int day_of_month = g_date_time_get_day_of_month (date);

  switch (form)
    {
    case FORM_RFC850:
      return g_strdup_printf (
        "%s, %02d-%s-%02d %s GMT", day, day_of_month, month, year % 100, time);
    case FORM_ASCTIME:
      return g_strdup_printf ("%.3s %s %2d %s %04d", day, month, day_of_month, time, year);
    case FORM_IMF:
    default:
      return g_strdup_printf ("%.3s, %02d %s %04d %s GMT", day, day_of_month, month, year, time);
    }
}

static void
check_round_trip (gint64 seconds, Form form, gint64 now)
{
  g_autofree char *text = format (seconds, form);
  gint64 parsed;

  g_assert_true (resilient_http_date_parse (text, now, &parsed));
  g_assert_cmpint (parsed, ==, seconds * G_USEC_PER_SEC);
}

/* libsoup knows the same forms and some more. */
static void
check_against_libsoup (const char *text, gint64 parsed)
{
  g_autoptr (GDateTime) date = soup_date_time_new_from_http_string (text);

  if (date != NULL)
    g_assert_cmpint (g_date_time_to_unix (date), ==, parsed / G_USEC_PER_SEC);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };
  g_autofree char *text = fuzz_take_line (&input);
  gint64 wait = fuzz_take_integer (&input, -MAX_SECONDS * 2, MAX_SECONDS * 2);
  gint64 now = fuzz_take_integer (&input, FIRST_SECOND, LAST_SECOND) * G_USEC_PER_SEC;
  gint64 parsed, seconds;

  if (text == NULL || !resilient_http_date_parse (text, now, &parsed))
    return 0;

  seconds = parsed / G_USEC_PER_SEC;
  g_assert_cmpint (parsed % G_USEC_PER_SEC, ==, 0);
  /* Two digits of a year, read at the end of the calendar, may mean one beyond it. */
  if (seconds > LAST_SECOND)
    return 0;
  check_round_trip (seconds, FORM_IMF, now);
  check_round_trip (seconds, FORM_ASCTIME, now);
  /* Two digits of a year mean one of the last 50 years or the next. */
  if (ABS (parsed - now) < G_GINT64_CONSTANT (49) * 365 * 24 * 3600 * G_USEC_PER_SEC)
    check_round_trip (seconds, FORM_RFC850, now);

  /* Only years of four digits are independent of the day on which they are read. */
  if (strchr (text, '-') == NULL)
    {
      gint64 later;

      g_assert_true (resilient_http_date_parse (text, 0, &later));
      g_assert_cmpint (later, ==, parsed);
      /* libsoup takes no leap second and no date before 1900 for one. */
      if (strstr (text, ":60") == NULL && seconds > G_GINT64_CONSTANT (-2208988800))
        check_against_libsoup (text, parsed);
    }

  /* A wait is measured on the server's clock: this machine's has no say. */
  if (seconds + wait >= FIRST_SECOND && seconds + wait <= LAST_SECOND)
    {
      g_autofree char *until = format (seconds + wait, FORM_IMF);
      g_autofree char *since = format (seconds, FORM_ASCTIME);

      g_assert_cmpfloat (
        resilient_retry_after_parse (until, since, now), ==, CLAMP (wait, 0, MAX_SECONDS));
    }

  return 0;
}
