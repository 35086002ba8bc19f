/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-wait-estimate-private.h"

/* When to wait for a connection, and when to open one. */

#define MS 1000

static void
test_wait (void)
{
  static const struct
  {
    double opening, serving; /* ms */
    guint position, n_open, n_opening;
    gboolean wait;
  } rows[] = {
    /* nothing is known, or there is nothing to wait for */
    { 0, 0, 1, 1, 0, FALSE },
    { 10, 1, 1, 0, 0, FALSE },
    /* the first answer has yet to come */
    { 10, 0, 49, 1, 0, TRUE },
    /* a near server that is quick */
    { 10, 0.2, 49, 1, 0, TRUE },
    { 10, 0.2, 50, 1, 0, FALSE },
    { 10, 0.2, 99, 2, 0, TRUE },
    /* one that is slow */
    { 10, 20, 1, 1, 0, FALSE },
    { 10, 20, 1, 3, 0, TRUE },
    { 10, 20, 2, 3, 0, FALSE },
    /* a far one */
    { 200, 100, 1, 1, 0, TRUE },
    { 200, 100, 2, 1, 0, FALSE },
    { 200, 100, 3, 1, 1, TRUE },
    { 200, 100, 4, 1, 1, FALSE },
    /* none is open yet: the one that comes serves others too */
    { 10, 1, 9, 0, 1, TRUE },
    { 10, 1, 10, 0, 1, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      ResilientWaitEstimate estimate = { .opening = rows[i].opening * MS,
                                         .serving = rows[i].serving * MS };

      g_test_message ("row %u", i);
      g_assert_cmpint (resilient_wait_estimate_should_wait (
                         &estimate, rows[i].position, rows[i].n_open, rows[i].n_opening),
                       ==,
                       rows[i].wait);
    }
}

/* The processor is busy, or the network: to open a connection takes longer, too. */
static void
test_congestion (void)
{
  ResilientWaitEstimate estimate = { .opening = 10 * MS, .serving = 2 * MS, .fastest = MS };

  g_assert_true (resilient_wait_estimate_should_wait (&estimate, 9, 1, 0));
  g_assert_false (resilient_wait_estimate_should_wait (&estimate, 10, 1, 0));
  estimate.fastest = MS / 100;
  g_assert_true (resilient_wait_estimate_should_wait (&estimate, 14, 1, 0));
  g_assert_false (resilient_wait_estimate_should_wait (&estimate, 15, 1, 0));
}

static void
test_figures (void)
{
  ResilientWaitEstimate estimate = { 0 };

  resilient_wait_estimate_note_opened (&estimate, 8 * MS);
  g_assert_cmpfloat (estimate.opening, ==, 8 * MS);
  resilient_wait_estimate_note_opened (&estimate, 16 * MS);
  g_assert_cmpfloat (estimate.opening, ==, 9 * MS);

  resilient_wait_estimate_note_served (&estimate, 8 * MS, 1, 0);
  g_assert_cmpfloat (estimate.serving, ==, 8 * MS);
  resilient_wait_estimate_note_served (&estimate, 0, 1, 0);
  g_assert_cmpfloat_with_epsilon (estimate.serving, 7 * MS, 1);
  g_assert_cmpfloat (estimate.waited, ==, 0);
}

/* One that stands out says little; what lasts says all. */
static void
test_outlier (void)
{
  ResilientWaitEstimate estimate = { .opening = 10 * MS, .serving = MS };

  resilient_wait_estimate_note_served (&estimate, 1000 * MS, 1, 0);
  g_assert_cmpfloat (estimate.serving, ==, 1.125 * MS);
  for (guint i = 0; i < 100; i++)
    resilient_wait_estimate_note_served (&estimate, 1000 * MS, 1, 0);
  g_assert_cmpfloat (estimate.serving, >, 900 * MS);
}

static void
test_vain (void)
{
  ResilientWaitEstimate estimate = { .opening = 10 * MS };
  guint n = 0;

  /* what lasts is learned soon */
  for (; resilient_wait_estimate_should_wait (&estimate, 2, 1, 0); n++)
    resilient_wait_estimate_note_vain (&estimate);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpfloat (estimate.serving, ==, 5 * MS);
}

/* Nobody has to, but all together would gain, unless the answers get slower by it. */
static void
test_more (void)
{
  ResilientWaitEstimate estimate = { .opening = 10 * MS, .serving = MS, .fastest = MS };

  g_assert_false (resilient_wait_estimate_wants_more (&estimate, 2, 0));
  for (guint i = 0; i < 5; i++)
    resilient_wait_estimate_note_served (&estimate, MS, 2, 4);
  g_assert_false (resilient_wait_estimate_wants_more (&estimate, 2, 1));
  g_assert_true (resilient_wait_estimate_wants_more (&estimate, 2, 0));
  g_assert_false (resilient_wait_estimate_wants_more (&estimate, 2, 0));

  for (guint i = 0; i < 20; i++)
    resilient_wait_estimate_note_served (&estimate, 8 * MS, 2, 4);
  g_assert_false (resilient_wait_estimate_wants_more (&estimate, 2, 0));
  /* until it shows that this is what it always takes */
  resilient_wait_estimate_note_idle (&estimate);
  for (guint i = 0; i < 20; i++)
    resilient_wait_estimate_note_served (&estimate, 4 * MS, 2, 4);
  g_assert_true (resilient_wait_estimate_wants_more (&estimate, 2, 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/estimate/wait", test_wait);
  g_test_add_func ("/estimate/congestion", test_congestion);
  g_test_add_func ("/estimate/figures", test_figures);
  g_test_add_func ("/estimate/outlier", test_outlier);
  g_test_add_func ("/estimate/vain", test_vain);
  g_test_add_func ("/estimate/more", test_more);
  return g_test_run ();
}
