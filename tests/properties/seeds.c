/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "seeds.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "test-util.h"

static const SeedsTest *test;
static guint n_seeds;
static gint64 only_seed = -1;

static struct
{
  guint32 seed;
  char *problem;
  guint n;
} failed[32], differing;

/* What to say when a schedule ends the program. */
static char hint[512];

static const char *program;

static char *
command_for (guint32 seed)
{
  return g_strdup_printf ("RESILIENT_TEST_SEED=%u %s", seed, program);
}

static void
died_cb (int number)
{
  ssize_t written = write (STDERR_FILENO, hint, strlen (hint));

  (void) written;
  signal (number, SIG_DFL);
  raise (number);
}

/* The first line in which two logs differ. */
static char *
difference (const char *first, const char *second)
{
  const char *line_of_first = first, *line_of_second = second;

  for (; *first != '\0' && *first == *second; first++, second++)
    if (*first == '\n')
      {
        line_of_first = first + 1;
        line_of_second = second + 1;
      }
  return g_strdup_printf ("first “%.*s”, then “%.*s”",
                          (int) strcspn (line_of_first, "\n"),
                          line_of_first,
                          (int) strcspn (line_of_second, "\n"),
                          line_of_second);
}

static void
run_one (guint32 seed)
{
  g_autoptr (History) history = NULL;
  g_autoptr (History) again = NULL;
  g_autofree char *command = command_for (seed);

  g_snprintf (hint, sizeof hint, "# the schedule that ended the program: %s\n", command);
  history = test->run (seed);
  if (only_seed >= 0)
    g_printerr ("%s", history->log->str);
  for (guint i = 0; i < n_properties; i++)
    {
      char *problem =
        test->over_sockets && properties[i].needs_clock ? NULL : properties[i].check (history);

      if (problem == NULL)
        continue;
      if (failed[i].n++ == 0)
        {
          failed[i].seed = seed;
          failed[i].problem = problem;
        }
      else
        g_free (problem);
    }

  if (!test->same_log)
    return;
  again = test->run (seed);
  if (!g_str_equal (history->log->str, again->log->str) && differing.n++ == 0)
    {
      differing.seed = seed;
      differing.problem = difference (history->log->str, again->log->str);
    }
}

static void
run_all (void)
{
  static gboolean done = FALSE;
  gint64 began = g_get_monotonic_time ();

  if (done)
    return;
  done = TRUE;
  g_assert_cmpuint (n_properties, <=, G_N_ELEMENTS (failed));
  if (only_seed >= 0)
    {
      run_one ((guint32) only_seed);
    }
  else
    {
      for (guint i = 1; i <= n_seeds; i++)
        run_one (i);
      g_test_message ("%u schedules in %.1f s",
                      n_seeds,
                      (g_get_monotonic_time () - began) / (double) G_USEC_PER_SEC);
    }
  hint[0] = '\0';
}

static void
report (guint n, guint32 seed, const char *problem)
{
  g_autofree char *command = command_for (seed);

  if (n == 0)
    return;
  g_test_message ("%u schedules; the first, with seed %u: %s", n, seed, problem);
  g_test_message ("run it alone: %s", command);
  g_test_fail ();
}

static void
test_property (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);

  run_all ();
  report (failed[i].n, failed[i].seed, failed[i].problem);
}

/* The same seed, the same log, to the byte. */
static void
test_same_log (void)
{
  run_all ();
  report (differing.n, differing.seed, differing.problem);
}

int
seeds_main (int argc, char *argv[], const SeedsTest *the_test)
{
  static const int signals[] = { SIGABRT, SIGTRAP, SIGSEGV, SIGTERM };
  const char *seed = g_getenv ("RESILIENT_TEST_SEED");

  test = the_test;
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  /* Each property is told of, also after one that does not hold. */
  g_test_set_nonfatal_assertions ();
  n_seeds = !test_is_quick () ? test->n : test->n / 50;
  if (seed != NULL)
    only_seed = (gint64) g_ascii_strtoull (seed, NULL, 10);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], died_cb);

  for (guint i = 0; i < n_properties; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%s/%s", test->name, properties[i].name);

      if (!test->over_sockets || !properties[i].needs_clock)
        g_test_add_data_func (path, GUINT_TO_POINTER (i), test_property);
    }
  if (test->same_log)
    {
      g_autofree char *path = g_strdup_printf ("/%s/same-log", test->name);

      g_test_add_func (path, test_same_log);
    }

  return g_test_run ();
}
