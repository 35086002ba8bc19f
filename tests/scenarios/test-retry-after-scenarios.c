/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include <locale.h>
#include <time.h>

#include "client-fixture.h"
#include "test-clock.h"

/* What a server asks for with Retry-After, in every form, and when the second attempt comes: under
 * several time zones and locales, with the machine's clock right and wrong. */

#define ID "asked"
/* The standard policy's first backoff is at most this. */
#define BACKOFF 0.5
/* The most that is added, of what was asked for. */
#define JITTER 0.1

#define ABSENT (-1)
#define TOO_LONG (-2)

#define YEAR (365.0 * 24 * 3600)
#define NOON "Thu, 29 Feb 2024 12:00:00 GMT" /* TEST_CLOCK_EPOCH */

static const struct
{
  const char *name;
  const char *headers;
  double asked; /* seconds, or one of those above */
  double clock; /* by how much the machine's is ahead, seconds */
} table[] = {
  { "seconds", "Retry-After: 120", 120, 0 },
  { "zero", "Retry-After: 0", 0, 0 },
  { "padded", "Retry-After:   \t 0120  ", 120, 0 },
  { "imf-date", "Retry-After: Thu, 29 Feb 2024 12:02:00 GMT", 120, 0 },
  { "rfc850-date", "Retry-After: Thursday, 29-Feb-24 12:02:00 GMT", 120, 0 },
  { "asctime-date", "Retry-After: Thu Feb 29 12:02:00 2024", 120, 0 },
  { "past", "Retry-After: Thu, 29 Feb 2024 11:00:00 GMT", 0, 0 },
  { "next-day",
    "Retry-After: Fri, 01 Mar 2024 12:02:00 GMT\r\nDate: Fri, 01 Mar 2024 12:00:00 GMT",
    120,
    0 },
  { "clock-behind",
    "Date: " NOON "\r\nRetry-After: Thu, 29 Feb 2024 12:02:00 GMT",
    120,
    -20 * YEAR },
  { "clock-ahead", "Date: " NOON "\r\nRetry-After: Thu, 29 Feb 2024 12:02:00 GMT", 120, 10 * YEAR },
  { "clock-hour-ahead",
    "Date: Thu Feb 29 12:00:00 2024\r\nRetry-After: Thursday, 29-Feb-24 12:02:00 GMT",
    120,
    3600 },
  { "clock-ahead-no-date", "Retry-After: Thu, 29 Feb 2024 12:02:00 GMT", 0, 3600 },
  { "clock-behind-no-date", "Retry-After: Thu, 29 Feb 2024 12:02:00 GMT", 180, -60 },
  { "seconds-wrong-clock", "Date: " NOON "\r\nRetry-After: 120", 120, 10 * YEAR },
  { "two", "Retry-After: 60\r\nRetry-After: 120", 120, 0 },
  { "two-the-other-way", "Retry-After: 120\r\nRetry-After: 60", 120, 0 },
  { "two-forms", "Retry-After: 60\r\nRetry-After: Thu, 29 Feb 2024 12:02:00 GMT", 120, 0 },
  { "two-one-bad", "Retry-After: soon\r\nRetry-After: 120", 120, 0 },
  { "joined", "Retry-After: 60, 120", ABSENT, 0 },
  { "negative", "Retry-After: -120", ABSENT, 0 },
  { "fraction", "Retry-After: 120.5", ABSENT, 0 },
  { "german-fraction", "Retry-After: 120,5", ABSENT, 0 },
  { "german-date", "Retry-After: Do, 29 Feb 2024 12:02:00 GMT", ABSENT, 0 },
  { "other-zone", "Retry-After: Thu, 29 Feb 2024 12:02:00 CET", ABSENT, 0 },
  { "offset", "Retry-After: Thu, 29 Feb 2024 12:02:00 +0000", ABSENT, 0 },
  { "no-such-day", "Retry-After: Fri, 30 Feb 2024 12:02:00 GMT", ABSENT, 0 },
  { "empty", "Retry-After:", ABSENT, 0 },
  { "word", "Retry-After: tomorrow", ABSENT, 0 },
  { "an-hour-and-more", "Retry-After: 3601", TOO_LONG, 0 },
  { "twenty-digits", "Retry-After: 99999999999999999999", TOO_LONG, 0 },
  { "two-one-huge", "Retry-After: 1\r\nRetry-After: 99999999999999999999", TOO_LONG, 0 },
  { "date-next-year", "Retry-After: Fri, 28 Feb 2025 12:00:00 GMT", TOO_LONG, 0 },
  { "last-date", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", TOO_LONG, 0 },
};

static const char *const zones[] = { "UTC", "Pacific/Apia", "America/St_Johns" };

typedef struct
{
  guint row;
  const char *zone;
  const char *locale;
  FaultServerFlags flags;
} Case;

/* Of Case; they live as long as the program. */
static GSList *cases;

/* The locales of the build tree, only for as long as one is chosen. */
static gboolean
choose_locale (const char *locale)
{
  const char *folder = g_getenv ("RESILIENT_TEST_LOCALES");
  gboolean chosen;

  if (folder != NULL && g_str_has_prefix (locale, "de"))
    g_setenv ("LOCPATH", folder, TRUE);
  chosen = setlocale (LC_ALL, locale) != NULL;
  g_unsetenv ("LOCPATH");

  return chosen;
}

static void
set_up (ClientFixture *fixture, gconstpointer data)
{
  const Case *test = data;

  g_setenv ("TZ", test->zone, TRUE);
  tzset ();
  client_fixture_set_up (fixture, GUINT_TO_POINTER (test->flags));
  resilient_client_set_retry_policy (fixture->client, resilient_retry_policy_get_standard ());
}

static void
tear_down (ClientFixture *fixture, gconstpointer data)
{
  client_fixture_tear_down (fixture, data);
  test_clock_set_real (TEST_CLOCK_EPOCH * G_USEC_PER_SEC);
  setlocale (LC_ALL, "C");
}

static void
expect_too_long (ClientFixture *fixture, TestResult *slot)
{
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = client_end_get (fixture, slot, &error);

  /* the answer is there, with what it asked for */
  g_assert_no_error (error);
  assert_response (response, 503, "busy");
  g_assert_cmpfloat (resilient_response_get_retry_after (response), >, 3600);
  result = assert_result (fixture, ID, RESILIENT_RESULT_STATUS_ERROR, RESILIENT_FAILURE_STATUS, 1);
  wait_last_events (fixture, 1);
  g_assert_cmpint (
    resilient_event_get_reason (find_event (fixture, RESILIENT_EVENT_TYPE_ERROR, ID, 0)),
    ==,
    RESILIENT_REASON_RETRY_AFTER_TOO_LONG);
}

static gboolean
has_retry (gpointer fixture)
{
  return count_events (fixture, RESILIENT_EVENT_TYPE_RETRY, ID) > 0;
}

static void
test_retry_after (ClientFixture *fixture, gconstpointer data)
{
  const Case *test = data;
  double asked = table[test->row].asked;
  g_autoptr (ResilientRequestContext) context = context_new (ID, NULL);
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TestResult) slot = { 0 };
  double delay;

  if (!choose_locale (test->locale))
    {
      g_test_skip ("this machine does not have the locale");
      return;
    }
  test_clock_set_real ((TEST_CLOCK_EPOCH + (gint64) table[test->row].clock) * G_USEC_PER_SEC);
  fault_server_next (
    fixture->server, "/", fault_answer (503, table[test->row].headers, "busy"), NULL);
  fault_server_on (fixture->server, "/", fault_answer (200, NULL, "ok"), NULL);
  client_start_get (fixture, "/", context, NULL, &slot);
  if (asked == TOO_LONG)
    {
      expect_too_long (fixture, &slot);
      return;
    }

  test_run_until (has_retry, fixture);
  delay = resilient_event_get_delay (find_event (fixture, RESILIENT_EVENT_TYPE_RETRY, ID, 0));
  g_test_message ("%s: %g s", table[test->row].name, delay);
  response = resilient_event_get_response (find_event (fixture, RESILIENT_EVENT_TYPE_RETRY, ID, 0));
  g_assert_cmpfloat (resilient_response_get_retry_after (response), ==, asked);
  response = NULL;
  g_assert_cmpfloat (delay, >=, MAX (asked, 0));
  g_assert_cmpfloat (delay, <=, MAX (asked, BACKOFF) * (1 + JITTER));

  /* and that is when it comes */
  if (delay > 0.002)
    test_clock_advance (delay - 0.001);
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 1);
  test_clock_advance (0.002);
  response = client_end_get (fixture, &slot, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
}

static void
add (guint row, const char *zone, const char *locale, FaultServerFlags flags)
{
  Case test = { row, zone, locale, flags };
  g_autofree char *path = g_strdup_printf ("/retry-after-scenarios/%s/%s/%s%s",
                                           table[row].name,
                                           zone,
                                           locale,
                                           flags & FAULT_SERVER_HTTP2 ? "/http2" : "");

  cases = g_slist_prepend (cases, g_memdup2 (&test, sizeof test));
  g_test_add (path, ClientFixture, cases->data, set_up, test_retry_after, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();
  for (guint row = 0; row < G_N_ELEMENTS (table); row++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (zones); i++)
        add (row, zones[i], "C", FAULT_SERVER_PLAIN);
      add (row, zones[1], "de_DE.UTF-8", FAULT_SERVER_PLAIN);
      add (row, zones[2], "C", FAULT_SERVER_HTTP2);
    }

  return g_test_run ();
}
