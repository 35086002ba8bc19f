/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-http-date-private.h"

#include <locale.h>
#include <string.h>

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110, 5.6.7. */
#define EXAMPLE G_GINT64_CONSTANT (784111777)
/* Tue, 14 Nov 2023 22:13:20 GMT */
#define NOW (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC)

static void
test_forms (void)
{
  const struct
  {
    const char *text;
    gint64 expected; /* seconds since 1970 */
  } rows[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE },
    { "Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE },
    { "Sun Nov  6 08:49:37 1994", EXAMPLE },
    { "Sun Nov 06 08:49:37 1994", EXAMPLE },
    { " \tSun, 06 Nov 1994 08:49:37 GMT ", EXAMPLE },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
    { "Mon, 01 Jan 0001 00:00:00 GMT", G_GINT64_CONSTANT (-62135596800) },
    { "Fri, 31 Dec 9999 23:59:59 GMT", G_GINT64_CONSTANT (253402300799) },
    { "Tue, 19 Jan 2038 03:14:08 GMT", G_GINT64_CONSTANT (2147483648) },
    { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
    { "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
    { "Tue Nov 14 22:13:20 2023", 1700000000 },
    /* a leap second is the second before */
    { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228799 },
    /* the day of the week is not what counts */
    { "Mon, 06 Nov 1994 08:49:37 GMT", EXAMPLE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint64 date = 42;

      g_test_message ("%s", rows[i].text);
      g_assert_true (resilient_http_date_parse (rows[i].text, NOW, &date));
      g_assert_cmpint (date, ==, rows[i].expected * G_USEC_PER_SEC);
    }
}

static void
test_refused (void)
{
  const char *texts[] = {
    "",
    " ",
    "Sun",
    "Sun,",
    "0",
    "784111777",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 08:49:37 GMT+1",
    "Sun, 06 Nov 1994 08:49:37 GMTx",
    "Sun, 06 Nov 1994 08:49:37 GMT, 1",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06  Nov 1994 08:49:37 GMT",
    "Sun 06 Nov 1994 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 November 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 08:49 GMT",
    "Sun, 06 Nov 1994 084937 GMT",
    "Sun, 06 Nov 19940 08:49:37 GMT",
    "Sun, +6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov -994 08:49:37 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nop 1994 08:49:37 GMT",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Sun, 06 Nov 1994 0x:49:37 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sunday 06-Nov-94 08:49:37 GMT",
    "Sundays, 06-Nov-94 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov  6 08:49:37 1994 GMT",
    "Sun Nov  6 08:49:37 94",
    "Sun Nov  66 08:49:37 1994",
    /* something left out */
    ", 06-Nov-94 08:49:37 GMT",
    "Sun, 06 Nov 1994 :49:37 GMT",
    "Sun, 06 Nov 1994 08::37 GMT",
    "Sun, 06 Nov 1994 08:49: GMT",
    "Sunday, 06-Nov- 08:49:37 GMT",
    /* no such date */
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 32 Jan 1994 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 29 Feb 1900 08:49:37 GMT",
    "Sun, 06 Nov 0000 08:49:37 GMT",
    /* no such time */
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      gint64 date = 42;

      g_test_message ("%s", texts[i]);
      g_assert_false (resilient_http_date_parse (texts[i], NOW, &date));
      g_assert_cmpint (date, ==, 42);
    }
}

/* No form lacks anything at its end, and none has a place where anything may stand. */
static void
test_damaged (void)
{
  const char *texts[] = {
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Wed Nov 16 08:49:37 1994",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (gsize at = 0; at < strlen (texts[i]); at++)
      {
        g_autofree char *cut = g_strndup (texts[i], at);
        g_autofree char *spoilt = g_strdup (texts[i]);
        gint64 date = 42;

        spoilt[at] = '#';
        g_assert_false (resilient_http_date_parse (cut, NOW, &date));
        g_assert_false (resilient_http_date_parse (spoilt, NOW, &date));
        g_assert_cmpint (date, ==, 42);
      }
}

/* Two digits: the last such year that is not more than 50 years ahead. */
static void
test_two_digit_years (void)
{
  const struct
  {
    const char *text, *now, *expected;
  } rows[] = {
    { "Monday, 01-Jan-94 00:00:00 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 01 Jan 1994 00:00:00 GMT" },
    { "Monday, 01-Jan-24 00:00:00 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 01 Jan 2024 00:00:00 GMT" },
    { "Monday, 01-Jan-73 00:00:00 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 01 Jan 2073 00:00:00 GMT" },
    { "Monday, 14-Nov-73 22:13:20 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 14 Nov 2073 22:13:20 GMT" },
    { "Monday, 14-Nov-73 22:13:21 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 14 Nov 1973 22:13:21 GMT" },
    { "Monday, 01-Jan-74 00:00:00 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 01 Jan 1974 00:00:00 GMT" },
    { "Monday, 01-Jan-00 00:00:00 GMT",
      "Tue, 14 Nov 2023 22:13:20 GMT",
      "Mon, 01 Jan 2000 00:00:00 GMT" },
    { "Monday, 01-Jan-05 00:00:00 GMT",
      "Fri, 31 Dec 2099 23:59:59 GMT",
      "Mon, 01 Jan 2105 00:00:00 GMT" },
    { "Monday, 01-Jan-00 00:00:00 GMT",
      "Wed, 01 Jun 2050 00:00:00 GMT",
      "Mon, 01 Jan 2100 00:00:00 GMT" },
    { "Monday, 01-Jan-99 00:00:00 GMT",
      "Fri, 01 Jan 2100 00:00:00 GMT",
      "Mon, 01 Jan 2099 00:00:00 GMT" },
    { "Monday, 29-Feb-00 00:00:00 GMT",
      "Fri, 01 Jan 1999 00:00:00 GMT",
      "Mon, 29 Feb 2000 00:00:00 GMT" },
    { "Monday, 29-Feb-24 00:00:00 GMT",
      "Thu, 29 Feb 2024 00:00:00 GMT",
      "Mon, 29 Feb 2024 00:00:00 GMT" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gint64 now, date, expected;

      g_assert_true (resilient_http_date_parse (rows[i].now, 0, &now));
      g_assert_true (resilient_http_date_parse (rows[i].expected, 0, &expected));
      g_assert_true (resilient_http_date_parse (rows[i].text, now, &date));
      g_assert_cmpint (date, ==, expected);
    }
}

/* Nobody can say what two digits mean at a time that no calendar has; four mean what they say. */
static void
test_absurd_clock (void)
{
  gint64 date = 42;

  g_assert_false (resilient_http_date_parse ("Sunday, 06-Nov-94 08:49:37 GMT", G_MAXINT64, &date));
  g_assert_cmpint (date, ==, 42);
  g_assert_true (resilient_http_date_parse ("Sun, 06 Nov 1994 08:49:37 GMT", G_MAXINT64, &date));
  g_assert_cmpint (date, ==, EXAMPLE * G_USEC_PER_SEC);
}

/* What GLib makes of it, day by day over 800 years. */
static void
test_calendar (void)
{
  g_autoptr (GDateTime) day = g_date_time_new_utc (1600, 1, 1, 12, 34, 56.0);

  while (g_date_time_get_year (day) < 2400)
    {
      g_autoptr (GDateTime) before = NULL;
      /* Not g_date_time_format(), which speaks the language of the locale. */
      const char *months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
      g_autofree char *text = g_strdup_printf ("Mon, %02d %s %04d 12:34:56 GMT",
                                               g_date_time_get_day_of_month (day),
                                               months[g_date_time_get_month (day) - 1],
                                               g_date_time_get_year (day));
      gint64 date;

      g_assert_true (resilient_http_date_parse (text, NOW, &date));
      g_assert_cmpint (date, ==, g_date_time_to_unix (day) * G_USEC_PER_SEC);

      before = g_steal_pointer (&day);
      day = g_date_time_add_days (before, 1);
    }
}

/* The zone and the language of the user don't matter. */
static void
test_zone_and_locale (void)
{
  const char *zones[] = { "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati" };
  const char *locales[] = { "C", "fr_FR.UTF-8", "tr_TR.UTF-8", "C.UTF-8" };

  for (guint i = 0; i < G_N_ELEMENTS (zones); i++)
    {
      gint64 date;

      g_setenv ("TZ", zones[i], TRUE);
      /* Those that are not installed change nothing. */
      setlocale (LC_ALL, locales[i]);
      g_assert_true (resilient_http_date_parse ("Sun, 06 Nov 1994 08:49:37 GMT", NOW, &date));
      g_assert_cmpint (date, ==, EXAMPLE * G_USEC_PER_SEC);
      g_assert_true (resilient_http_date_parse ("Sunday, 06-Nov-94 08:49:37 GMT", NOW, &date));
      g_assert_cmpint (date, ==, EXAMPLE * G_USEC_PER_SEC);
    }
  g_unsetenv ("TZ");
  setlocale (LC_ALL, "C");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/http-date/forms", test_forms);
  g_test_add_func ("/http-date/refused", test_refused);
  g_test_add_func ("/http-date/damaged", test_damaged);
  g_test_add_func ("/http-date/two-digit-years", test_two_digit_years);
  g_test_add_func ("/http-date/absurd-clock", test_absurd_clock);
  g_test_add_func ("/http-date/calendar", test_calendar);
  g_test_add_func ("/http-date/zone-and-locale", test_zone_and_locale);

  return g_test_run ();
}
