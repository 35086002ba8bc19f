/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-random-private.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_double (void)
{
  const guint n = 100000;
  guint histogram[10] = { 0 };
  double sum = 0.0;

  resilient_random_seed (1);

  for (guint i = 0; i < n; i++)
    {
      double value = resilient_random_double ();

      g_assert_cmpfloat (value, >=, 0.0);
      g_assert_cmpfloat (value, <, 1.0);
      sum += value;
      histogram[(guint) (value * 10)]++;
    }

  /* Seeded, so these never fail by chance: the bounds are five standard deviations. */
  g_assert_cmpfloat_with_epsilon (sum / n, 0.5, 0.005);
  for (guint i = 0; i < G_N_ELEMENTS (histogram); i++)
    g_assert_cmpint (ABS ((int) histogram[i] - (int) n / 10), <, 500);

  resilient_random_unseed ();
}

static void
test_range (void)
{
  resilient_random_seed (2);

  for (guint i = 0; i < 10000; i++)
    {
      double value = resilient_random_range (-3.0, 5.0);

      g_assert_cmpfloat (value, >=, -3.0);
      g_assert_cmpfloat (value, <, 5.0);

      /* Two neighbours: every sum is rounded to one of them, and the upper one is excluded. */
      g_assert_cmpfloat (resilient_random_range (1.0, 1.0 + G_MINDOUBLE), ==, 1.0);
      g_assert_cmpfloat (resilient_random_range (1.0, 1.0 + 2.220446049250313e-16), ==, 1.0);
    }

  g_assert_cmpfloat (resilient_random_range (7.0, 7.0), ==, 7.0);

  resilient_random_unseed ();
}

static void
test_seed (void)
{
  double first[100];
  char uuid[RESILIENT_UUID_SIZE];
  char same_uuid[RESILIENT_UUID_SIZE];
  gboolean differs = FALSE;

  resilient_random_seed (42);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    first[i] = resilient_random_double ();
  resilient_random_uuid (uuid);

  resilient_random_seed (42);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    g_assert_cmpfloat (resilient_random_double (), ==, first[i]);
  resilient_random_uuid (same_uuid);
  g_assert_cmpstr (uuid, ==, same_uuid);

  resilient_random_seed (43);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    differs = differs || resilient_random_double () != first[i];
  g_assert_true (differs);

  /* By chance the same a hundred times over: no. */
  resilient_random_seed (42);
  resilient_random_unseed ();
  differs = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    differs = differs || resilient_random_double () != first[i];
  g_assert_true (differs);
}

static void
test_uuid (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint or_of_digits = 0;

  for (guint i = 0; i < 10000; i++)
    {
      char uuid[RESILIENT_UUID_SIZE];

      resilient_random_uuid (uuid);
      g_assert_true (g_uuid_string_is_valid (uuid));
      g_assert_cmpuint (strlen (uuid), ==, 36);
      /* RFC 9562, 4.1 and 4.2: variant 0b10, version 4. */
      g_assert_cmpint (uuid[14], ==, '4');
      g_assert_nonnull (strchr ("89ab", uuid[19]));

      for (guint digit = 0; digit < 36; digit++)
        if (uuid[digit] != '-' && uuid[digit] != '0')
          or_of_digits |= 1u << (digit % 32);

      g_assert_true (g_hash_table_add (seen, g_strdup (uuid)));
    }

  /* Every digit varies. */
  for (guint digit = 0; digit < 32; digit++)
    if (digit != 8 && digit != 13 && digit != 18 && digit != 23)
      g_assert_cmpuint (or_of_digits & (1u << digit), !=, 0);
}

static gpointer
draw_cb (gpointer user_data)
{
  double *values = user_data;

  for (guint i = 0; i < 1000; i++)
    values[i] = resilient_random_double ();

  return NULL;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double first = *(const double *) a;
  double second = *(const double *) b;

  return (first > second) - (first < second);
}

/* The threads share one sequence: whoever draws, together they draw it once. */
static void
test_threads (void)
{
  double values[8][1000];
  double expected[8 * 1000];
  GThread *threads[8];

  resilient_random_seed (7);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    expected[i] = resilient_random_double ();

  resilient_random_seed (7);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("draw", draw_cb, values[i]);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  qsort (values, G_N_ELEMENTS (expected), sizeof (double), compare_doubles);
  qsort (expected, G_N_ELEMENTS (expected), sizeof (double), compare_doubles);
  g_assert_cmpmem (values, sizeof values, expected, sizeof expected);

  resilient_random_unseed ();
}

/* What the child of a fork draws next. */
static double
draw_in_child (void)
{
  double value = -1.0;
  int fds[2];
  int status;
  pid_t pid;

  g_assert_cmpint (pipe (fds), ==, 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);

  if (pid == 0)
    {
      value = resilient_random_double ();
      _exit (write (fds[1], &value, sizeof value) == sizeof value ? 0 : 1);
    }

  close (fds[1]);
  g_assert_cmpint (read (fds[0], &value, sizeof value), ==, sizeof value);
  close (fds[0]);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);

  return value;
}

static void
test_fork (void)
{
  double in_child, here;

  /* Make sure that there is a generator that could be inherited. */
  resilient_random_double ();
  in_child = draw_in_child ();
  here = resilient_random_double ();
  g_assert_cmpfloat (in_child, >=, 0.0);
  g_assert_cmpfloat (in_child, !=, here);

  resilient_random_seed (3);
  in_child = draw_in_child ();
  here = resilient_random_double ();
  g_assert_cmpfloat (in_child, ==, here);

  resilient_random_unseed ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/random/double", test_double);
  g_test_add_func ("/random/range", test_range);
  g_test_add_func ("/random/seed", test_seed);
  g_test_add_func ("/random/uuid", test_uuid);
  g_test_add_func ("/random/threads", test_threads);
  g_test_add_func ("/random/fork", test_fork);

  return g_test_run ();
}
