/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-http-date-private.h"

#include <string.h>

/* HTTP-date, RFC 9110, 5.6.7. By hand: strptime() knows the names of the locale only, and nothing
 * here may depend on locale or time zone. The forms are:
 *
 *   Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate
 *   Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
 *   Sun Nov  6 08:49:37 1994           asctime()
 */

static const char *const day_names[] = {
  "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};

static const char month_names[][4] = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

typedef struct
{
  int year;
  int month; /* 1 … 12 */
  int day;
  int hour;
  int minute;
  int second;
} DateTime;

#define LENGTH_OF_SHORT_NAME 3

/* All of these move *text behind what they took, and only if they took it. */
static gboolean
take (const char **text, const char *expected)
{
  gsize length = strlen (expected);

  if (strncmp (*text, expected, length) != 0)
    return FALSE;

  *text += length;
  return TRUE;
}

static gboolean
take_number (const char **text, guint n_digits, int *number)
{
  int value = 0;

  for (guint i = 0; i < n_digits; i++)
    {
      /* Stops at the end of the string too. */
      if (!g_ascii_isdigit ((*text)[i]))
        return FALSE;

      value = value * 10 + g_ascii_digit_value ((*text)[i]);
    }

  *number = value;
  *text += n_digits;
  return TRUE;
}

/* Whether the name belongs to the date is not checked: the date stands without it. */
static gboolean
take_day_name (const char **text, gboolean *is_short)
{
  for (guint i = 0; i < G_N_ELEMENTS (day_names); i++)
    {
      if (take (text, day_names[i]))
        {
          *is_short = FALSE;
          return TRUE;
        }

      if (strncmp (*text, day_names[i], LENGTH_OF_SHORT_NAME) == 0)
        {
          *text += LENGTH_OF_SHORT_NAME;
          *is_short = TRUE;
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
take_month_name (const char **text, int *month)
{
  for (guint i = 0; i < G_N_ELEMENTS (month_names); i++)
    {
      if (take (text, month_names[i]))
        {
          *month = i + 1;
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
take_time (const char **text, DateTime *date)
{
  return take_number (text, 2, &date->hour) && take (text, ":")
         && take_number (text, 2, &date->minute) && take (text, ":")
         && take_number (text, 2, &date->second);
}

/* asctime() pads the day with a blank. */
static gboolean
take_padded_day (const char **text, int *day)
{
  return take (text, " ") ? take_number (text, 1, day) : take_number (text, 2, day);
}

/* Days since 1970 in the proleptic Gregorian calendar, for years from 1 on: the year begins in
 * March, so that the day of a leap year is its last, and 400 years have 146097 days. */
static gint64
count_days (int year, int month, int day)
{
  gint64 years = month > 2 ? year : year - 1;
  gint64 era = years / 400;
  gint64 year_of_era = years - era * 400;
  gint64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  gint64 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  const gint64 days_before_1970 = 719468;

  return era * 146097 + day_of_era - days_before_1970;
}

static gint64
to_unix (const DateTime *date)
{
  gint64 days = count_days (date->year, date->month, date->day);

  return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

static gboolean
is_valid (const DateTime *date)
{
  return date->year >= 1
         && g_date_valid_dmy (date->day, (GDateMonth) date->month, (GDateYear) date->year)
         && date->hour <= 23 && date->minute <= 59 && date->second <= 59;
}

/* "… a timestamp that appears to be more than 50 years in the future as representing the most
 * recent year in the past that had the same last two digits." */
static gboolean
complete_year (DateTime *date, gint64 now)
{
  g_autoptr (GDateTime) today = g_date_time_new_from_unix_utc (now / G_USEC_PER_SEC);
  DateTime limit;

  if (today == NULL)
    return FALSE;

  limit = (DateTime){
    .year = g_date_time_get_year (today) + 50,
    .month = g_date_time_get_month (today),
    .day = g_date_time_get_day_of_month (today),
    .hour = g_date_time_get_hour (today),
    .minute = g_date_time_get_minute (today),
    .second = g_date_time_get_second (today),
  };

  /* The last year with these digits that is not beyond the limit. */
  date->year += limit.year / 100 * 100;
  if (to_unix (date) > to_unix (&limit))
    date->year -= 100;

  return TRUE;
}

static gboolean
parse (const char *text, gint64 now, DateTime *date)
{
  gboolean is_short = FALSE;

  if (!take_day_name (&text, &is_short))
    return FALSE;

  if (!is_short)
    return take (&text, ", ") && take_number (&text, 2, &date->day) && take (&text, "-")
           && take_month_name (&text, &date->month) && take (&text, "-")
           && take_number (&text, 2, &date->year) && take (&text, " ") && take_time (&text, date)
           && take (&text, " GMT") && *text == '\0' && complete_year (date, now);

  if (take (&text, ", "))
    return take_number (&text, 2, &date->day) && take (&text, " ")
           && take_month_name (&text, &date->month) && take (&text, " ")
           && take_number (&text, 4, &date->year) && take (&text, " ") && take_time (&text, date)
           && take (&text, " GMT") && *text == '\0';

  return take (&text, " ") && take_month_name (&text, &date->month) && take (&text, " ")
         && take_padded_day (&text, &date->day) && take (&text, " ") && take_time (&text, date)
         && take (&text, " ") && take_number (&text, 4, &date->year) && *text == '\0';
}

gboolean
resilient_http_date_parse (const char *text, gint64 now, gint64 *out)
{
  g_autofree char *stripped = g_strdup (text);
  DateTime date = { 0 };

  if (!parse (g_strstrip (stripped), now, &date))
    return FALSE;

  /* Leap seconds don't exist in the time that computers count. */
  if (date.second == 60)
    date.second = 59;

  if (!is_valid (&date))
    return FALSE;

  *out = to_unix (&date) * G_USEC_PER_SEC;
  return TRUE;
}
