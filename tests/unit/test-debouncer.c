/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-debouncer.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resilient-error.h"
#include "test-clock.h"
#include "test-util.h"

/* Which of many calls a debouncer lets go, and when, in virtual time. */

#define N_THREADS 8

static ResilientDebouncer *
make (double seconds)
{
  g_autoptr (GError) error = NULL;
  ResilientDebouncer *debouncer = resilient_debouncer_new (seconds, &error);

  g_assert_no_error (error);
  return debouncer;
}

static void
test_values (void)
{
  static const double bad[] = { -1, -1e-9, NAN, INFINITY, -INFINITY };
  static const double good[] = { 0, 1e-300, 0.5, 1e300, G_MAXDOUBLE };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) late = NULL;
      g_autoptr (ResilientDebouncer) unchecked =
        g_object_new (RESILIENT_TYPE_DEBOUNCER, "interval", bad[i], NULL);
      g_auto (TestResult) result = { 0 };

      g_assert_null (resilient_debouncer_new (bad[i], &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, "interval"));
      resilient_debouncer_wait_async (unchecked, NULL, test_result_cb, &result);
      g_assert_false (
        resilient_debouncer_wait_finish (unchecked, test_result_wait (&result), &late));
      g_assert_error (late, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (ResilientDebouncer) debouncer = make (good[i]);

      g_assert_cmpfloat (resilient_debouncer_get_interval (debouncer), ==, good[i]);
    }
}

/* What was returned, a letter each: that of a call that goes, the small one of a call that does
 * not. */
typedef struct
{
  GString *returned;
  char letter;
} Call;

static void
call_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = NULL;
  gboolean goes = resilient_debouncer_wait_finish (RESILIENT_DEBOUNCER (source), result, &error);

  if (!goes)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_string_append_c (call->returned, goes ? call->letter : g_ascii_tolower (call->letter));
}

/* A capital calls, its small one cancels it, with a reset in one go after r. i runs the main
 * context, s half a second passes, z the machine sleeps for one. A second of quiet. */
static const struct
{
  const char *operations;
  const char *returned;
} tables[] = {
  { "As", "" },       { "Ass", "A" },          { "ABi", "a" },    { "ABss", "aB" },
  { "ABCDi", "abc" }, { "ABCDss", "abcD" },    { "AsBs", "a" },   { "AsBss", "aB" },
  { "AssBss", "AB" }, { "AsBsCsDss", "abcD" }, { "Aai", "a" },    { "Arai", "a" },
  { "Aiaiss", "a" },  { "Airaiss", "a" },      { "ABbss", "ab" }, { "ABass", "aB" },
  { "ABrass", "aB" }, { "ABibiCss", "abC" },   { "aAi", "" },     { "Az", "A" },
  { "AszB", "A" },    { "AszBss", "AB" },      { "AssA", "A" },
};

static void
test_tables (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (ResilientDebouncer) debouncer = make (1);
      g_autoptr (GString) returned = g_string_new (NULL);
      GCancellable *cancellables[26] = { NULL };
      Call calls[26];
      gboolean reset = FALSE;

      g_test_message ("%s", tables[i].operations);
      for (const char *c = tables[i].operations; *c != '\0'; c++)
        {
          guint n = (guint) (g_ascii_toupper (*c) - 'A');

          if (*c == 'i')
            test_run_pending ();
          else if (*c == 's')
            test_clock_run (0.5);
          else if (*c == 'z')
            test_clock_suspend (1);
          else if (*c == 'r')
            reset = TRUE;
          else if (g_ascii_isupper (*c))
            {
              calls[n] = (Call){ returned, *c };
              if (cancellables[n] == NULL)
                cancellables[n] = g_cancellable_new ();
              resilient_debouncer_wait_async (debouncer, cancellables[n], call_cb, &calls[n]);
            }
          else if (cancellables[n] != NULL)
            {
              g_cancellable_cancel (cancellables[n]);
              if (reset)
                g_cancellable_reset (cancellables[n]);
            }
        }
      g_assert_cmpstr (returned->str, ==, tables[i].returned);

      for (guint n = 0; n < G_N_ELEMENTS (cancellables); n++)
        if (cancellables[n] != NULL)
          g_cancellable_cancel (cancellables[n]);
      test_run_pending ();
      for (guint n = 0; n < G_N_ELEMENTS (cancellables); n++)
        g_clear_object (&cancellables[n]);
      g_assert_finalize_object (g_steal_pointer (&debouncer));
    }
}

/* An older one hears of it in its own main context, not inside the newer call. */
static void
test_no_surprise (void)
{
  g_autoptr (ResilientDebouncer) debouncer = make (1);
  g_autoptr (GString) returned = g_string_new (NULL);
  Call calls[] = { { returned, 'A' }, { returned, 'B' } };

  resilient_debouncer_wait_async (debouncer, NULL, call_cb, &calls[0]);
  test_run_pending ();
  resilient_debouncer_wait_async (debouncer, NULL, call_cb, &calls[1]);
  g_assert_cmpstr (returned->str, ==, "");
  test_run_pending ();
  g_assert_cmpstr (returned->str, ==, "a");
  test_clock_run (1);
  g_assert_cmpstr (returned->str, ==, "aB");
}

static void
test_drop (void)
{
  ResilientDebouncer *debouncer = make (1);
  g_autoptr (GString) returned = g_string_new (NULL);
  Call call = { returned, 'A' };

  resilient_debouncer_wait_async (debouncer, NULL, call_cb, &call);
  g_object_add_weak_pointer (G_OBJECT (debouncer), (gpointer *) &debouncer);
  g_object_unref (debouncer);
  test_clock_run (1);
  g_assert_cmpstr (returned->str, ==, "A");
  g_assert_null (debouncer);
}

static void
test_fork (void)
{
  g_autoptr (ResilientDebouncer) debouncer = make (1);
  g_autoptr (GString) returned = g_string_new (NULL);
  Call calls[] = { { returned, 'A' }, { returned, 'B' } };
  int status = -1;
  pid_t pid;

  resilient_debouncer_wait_async (debouncer, NULL, call_cb, &calls[0]);
  test_run_pending ();
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      resilient_debouncer_wait_async (debouncer, NULL, call_cb, &calls[1]);
      test_clock_run (1);
      g_assert_cmpstr (returned->str, ==, "B");
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  test_clock_run (1);
  g_assert_cmpstr (returned->str, ==, "A");
}

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct
{
  ResilientDebouncer *debouncer;
  int n_left;         /* of this thread */
  int *n_went_of_all; /* atomic */
} Crowd;

static void
crowd_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Crowd *crowd = data;

  crowd->n_left--;
  if (resilient_debouncer_wait_finish (RESILIENT_DEBOUNCER (source), result, NULL))
    g_atomic_int_inc (crowd->n_went_of_all);
}

static gpointer
crowd_thread (gpointer data)
{
  Crowd *shared = data;
  Crowd own = *shared;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 50; i++)
    {
      own.n_left++;
      resilient_debouncer_wait_async (
        own.debouncer, i % 4 == 0 ? cancellable : NULL, crowd_cb, &own);
      g_cancellable_cancel (cancellable);
      g_cancellable_reset (cancellable);
      g_main_context_iteration (context, FALSE);
    }
  while (own.n_left > 0)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Each call has one answer, and in the end there is one that goes; time is the real one, and there
 * is nothing to wait for. */
static void
test_threads (void)
{
  g_autoptr (ResilientDebouncer) debouncer = NULL;
  GThread *threads[N_THREADS];
  int n_went = 0;
  Crowd crowd = { .n_went_of_all = &n_went };

  test_clock_uninstall ();
  crowd.debouncer = debouncer = make (0.001);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("crowd", crowd_thread, &crowd);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (n_went, >=, 1);
  test_clock_install ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

#define ADD(name, func) g_test_add_func ("/debouncer/" name, func)
  ADD ("values", test_values);
  ADD ("tables", test_tables);
  ADD ("no-surprise", test_no_surprise);
  ADD ("drop", test_drop);
  ADD ("fork", test_fork);
  ADD ("threads", test_threads);

  return g_test_run ();
}
