/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-retry-after-private.h"

/* Tue, 14 Nov 2023 22:13:20 GMT */
#define NOW (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC)
#define LARGEST 2147483648.0

static void
test_table (void)
{
  const struct
  {
    const char *value, *date;
    double expected;
  } rows[] = {
    /* delta-seconds: digits only */
    { "0", NULL, 0.0 },
    { "1", NULL, 1.0 },
    { "120", NULL, 120.0 },
    { "0005", NULL, 5.0 },
    { " 7 ", NULL, 7.0 },
    { "\t7", NULL, 7.0 },
    /* huge ones are the largest */
    { "2147483647", NULL, 2147483647.0 },
    { "2147483648", NULL, LARGEST },
    { "2147483649", NULL, LARGEST },
    { "18446744073709551616", NULL, LARGEST },
    { "99999999999999999999999999999999999999", NULL, LARGEST },
    { "Fri, 31 Dec 9999 23:59:59 GMT", NULL, LARGEST },
    /* dates, against the clock */
    { "Tue, 14 Nov 2023 22:13:50 GMT", NULL, 30.0 },
    { "Tuesday, 14-Nov-23 22:13:50 GMT", NULL, 30.0 },
    { "Tue Nov 14 22:13:50 2023", NULL, 30.0 },
    { "Tue, 14 Nov 2023 22:13:20 GMT", NULL, 0.0 },
    /* a past one: now */
    { "Tue, 14 Nov 2023 22:13:19 GMT", NULL, 0.0 },
    { "Sun, 06 Nov 1994 08:49:37 GMT", NULL, 0.0 },
    /* against the date of the response */
    { "Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 60.0 },
    { "Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", 60.0 },
    { "Tue, 14 Nov 2023 22:13:50 GMT", "Tue, 14 Nov 2023 23:00:00 GMT", 0.0 },
    { "Tue, 14 Nov 2023 22:13:50 GMT", "yesterday", 30.0 },
    { "Tue, 14 Nov 2023 22:13:50 GMT", "", 30.0 },
    { "5", "Sun, 06 Nov 1994 08:49:37 GMT", 5.0 },
    /* anything else is absent */
    { NULL, NULL, -1.0 },
    { "", NULL, -1.0 },
    { " ", NULL, -1.0 },
    { "-1", NULL, -1.0 },
    { "+1", NULL, -1.0 },
    { "1.5", NULL, -1.0 },
    { "1e3", NULL, -1.0 },
    { "0x10", NULL, -1.0 },
    { "1 2", NULL, -1.0 },
    { "120s", NULL, -1.0 },
    { "10, 20", NULL, -1.0 },
    { "soon", NULL, -1.0 },
    { "inf", NULL, -1.0 },
    { "nan", NULL, -1.0 },
    { "١", NULL, -1.0 },
    { "Tue, 14 Nov 2023", NULL, -1.0 },
    { "Tue, 14 Nov 2023 22:13:50 CET", NULL, -1.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].value);
      g_assert_cmpfloat (
        resilient_retry_after_parse (rows[i].value, rows[i].date, NOW), ==, rows[i].expected);
    }
}

/* Parts of a second of the clock count. */
static void
test_fraction (void)
{
  g_assert_cmpfloat (
    resilient_retry_after_parse ("Tue, 14 Nov 2023 22:13:21 GMT", NULL, NOW + 250 * 1000),
    ==,
    0.75);
}

/* Of several the largest. */
static void
test_all (void)
{
  const struct
  {
    const char *values[4];
    double expected;
  } rows[] = {
    { { NULL }, -1.0 },
    { { "5", NULL }, 5.0 },
    { { "5", "60", "10", NULL }, 60.0 },
    { { "60", "Tue, 14 Nov 2023 22:15:00 GMT", NULL }, 100.0 },
    { { "soon", "5", "", NULL }, 5.0 },
    { { "0", "soon", NULL }, 0.0 },
    { { "soon", "later", NULL }, -1.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpfloat (
      resilient_retry_after_parse_all (rows[i].values, NULL, NOW), ==, rows[i].expected);

  g_assert_cmpfloat (resilient_retry_after_parse_all (NULL, NULL, NOW), ==, -1.0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/retry-after/table", test_table);
  g_test_add_func ("/retry-after/fraction", test_fraction);
  g_test_add_func ("/retry-after/all", test_all);

  return g_test_run ();
}
