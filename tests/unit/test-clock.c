/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-clock-private.h"

#include <math.h>
#include <time.h>

#include "resilient-version.h"

static void
test_from_seconds (void)
{
  static const struct
  {
    double seconds;
    gint64 microseconds;
  } cases[] = {
    { 0.0, 0 },
    { -0.0, 0 },
    { 1.0, 1000000 },
    { 0.1, 100000 },
    { 0.29, 290000 },
    { 0.1 + 0.2, 300000 },
    { 1.9999999, 2000000 },
    { 3600.0, G_GINT64_CONSTANT (3600000000) },
    /* Short is not none. */
    { 1e-6, 1 },
    { 1e-9, 1 },
    { G_MINDOUBLE, 1 },
    { -1.0, 0 },
    { -G_MAXDOUBLE, 0 },
    { -INFINITY, 0 },
    { NAN, 0 },
    { G_MAXDOUBLE, G_MAXINT64 },
    { INFINITY, G_MAXINT64 },
    { 9223372036854.775807, G_MAXINT64 },
    { 9223372036855.0, G_MAXINT64 },
    { 9223372036854.0, G_GINT64_CONSTANT (9223372036854000000) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 microseconds = resilient_clock_from_seconds (cases[i].seconds);

      g_test_message ("%.17g s", cases[i].seconds);
      if (cases[i].microseconds < G_GINT64_CONSTANT (1) << 53
          || cases[i].microseconds == G_MAXINT64)
        g_assert_cmpint (microseconds, ==, cases[i].microseconds);
      else /* within what a double can tell apart */
        g_assert_cmpint (ABS (microseconds - cases[i].microseconds), <=, 1024);
    }
}

static void
test_to_seconds (void)
{
  g_assert_cmpfloat (resilient_clock_to_seconds (0), ==, 0.0);
  g_assert_cmpfloat (resilient_clock_to_seconds (1500000), ==, 1.5);
  g_assert_cmpfloat (resilient_clock_to_seconds (-250000), ==, -0.25);

  for (gint64 us = 1; us < G_GINT64_CONSTANT (1) << 52; us *= 7)
    g_assert_cmpint (resilient_clock_from_seconds (resilient_clock_to_seconds (us)), ==, us);
}

static void
test_add (void)
{
  g_assert_cmpint (resilient_clock_add (0, 0.0), ==, 0);
  g_assert_cmpint (resilient_clock_add (5, 1.0), ==, 1000005);
  g_assert_cmpint (resilient_clock_add (-5, 1.0), ==, 999995);
  g_assert_cmpint (resilient_clock_add (7, -1.0), ==, 7);
  g_assert_cmpint (resilient_clock_add (7, NAN), ==, 7);
  g_assert_cmpint (resilient_clock_add (1, INFINITY), ==, G_MAXINT64);
  g_assert_cmpint (resilient_clock_add (G_MAXINT64, 1.0), ==, G_MAXINT64);
  g_assert_cmpint (resilient_clock_add (G_MAXINT64 - 999999, 1.0), ==, G_MAXINT64);
  g_assert_cmpint (resilient_clock_add (G_MAXINT64 - 1000001, 1.0), ==, G_MAXINT64 - 1);
  g_assert_cmpint (resilient_clock_add (G_MININT64, INFINITY), ==, -1);
}

static void
test_real (void)
{
  gint64 before, boot, monotonic, after;

  g_assert_false (resilient_clock_is_virtual ());

  before = g_get_monotonic_time ();
  monotonic = resilient_clock_get_monotonic ();
  after = g_get_monotonic_time ();
  g_assert_cmpint (monotonic, >=, before);
  g_assert_cmpint (monotonic, <=, after);

  /* Boot time is the monotonic one plus what was slept through. */
  boot = resilient_clock_get_boot ();
  g_assert_cmpint (boot, >=, monotonic);
  g_assert_cmpint (resilient_clock_get_boot (), >=, boot);

#ifdef CLOCK_BOOTTIME
  {
    struct timespec now;

    g_assert_cmpint (clock_gettime (CLOCK_BOOTTIME, &now), ==, 0);
    g_assert_cmpint (boot, <=, (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000);
  }
#endif

  before = g_get_real_time ();
  g_assert_cmpint (ABS (resilient_clock_get_real () - before), <, 60 * G_USEC_PER_SEC);
}

static gint64
get_monotonic (gpointer data)
{
  return ((gint64 *) data)[0];
}

static gint64
get_boot (gpointer data)
{
  return ((gint64 *) data)[1];
}

static gint64
get_real (gpointer data)
{
  return ((gint64 *) data)[2];
}

static void
test_install (void)
{
  gint64 first[] = { 10, 20, 30 };
  gint64 second[] = { 11, 21, 31 };

  {
    /* Not kept: the clock copies it. */
    ResilientClockFuncs funcs = { get_monotonic, get_boot, get_real };

    resilient_clock_install (&funcs, first);
    funcs = (ResilientClockFuncs){ NULL, NULL, NULL };
  }
  g_assert_true (resilient_clock_is_virtual ());
  g_assert_cmpint (resilient_clock_get_monotonic (), ==, 10);
  g_assert_cmpint (resilient_clock_get_boot (), ==, 20);
  g_assert_cmpint (resilient_clock_get_real (), ==, 30);

  first[1] = 25;
  resilient_clock_moved ();
  g_assert_cmpint (resilient_clock_get_boot (), ==, 25);

  {
    const ResilientClockFuncs funcs = { get_monotonic, get_boot, get_real };

    resilient_clock_install (&funcs, second);
  }
  g_assert_cmpint (resilient_clock_get_real (), ==, 31);

  resilient_clock_install (NULL, NULL);
  g_assert_false (resilient_clock_is_virtual ());
  g_assert_cmpint (resilient_clock_get_real (), >, 31);
}

static void
test_version (void)
{
  g_autofree char *version = g_strdup_printf (
    "%d.%d.%d", RESILIENT_MAJOR_VERSION, RESILIENT_MINOR_VERSION, RESILIENT_MICRO_VERSION);

  g_assert_cmpstr (version, ==, RESILIENT_VERSION_S);

#define MAJOR RESILIENT_MAJOR_VERSION
#define MINOR RESILIENT_MINOR_VERSION
#define MICRO RESILIENT_MICRO_VERSION
  g_assert_true (RESILIENT_CHECK_VERSION (MAJOR, MINOR, MICRO));
  g_assert_true (RESILIENT_CHECK_VERSION (MAJOR - 1, MINOR + 1, MICRO + 1));
  g_assert_true (RESILIENT_CHECK_VERSION (MAJOR, MINOR - 1, MICRO + 1));
  g_assert_false (RESILIENT_CHECK_VERSION (MAJOR, MINOR, MICRO + 1));
  g_assert_false (RESILIENT_CHECK_VERSION (MAJOR, MINOR + 1, 0));
  g_assert_false (RESILIENT_CHECK_VERSION (MAJOR + 1, 0, 0));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/clock/from-seconds", test_from_seconds);
  g_test_add_func ("/clock/to-seconds", test_to_seconds);
  g_test_add_func ("/clock/add", test_add);
  g_test_add_func ("/clock/real", test_real);
  g_test_add_func ("/clock/install", test_install);
  g_test_add_func ("/clock/version", test_version);

  return g_test_run ();
}
