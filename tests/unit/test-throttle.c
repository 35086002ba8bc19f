/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-throttle.h"

#include <math.h>
#include <string.h>

#include "resilient-error.h"
#include "test-clock.h"
#include "test-util.h"

/* Calls that a throttle spaces, in virtual time. */

static ResilientThrottle *
make (double seconds)
{
  g_autoptr (GError) error = NULL;
  ResilientThrottle *throttle = resilient_throttle_new (seconds, &error);

  g_assert_no_error (error);
  return throttle;
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
      g_autoptr (ResilientThrottle) unchecked =
        g_object_new (RESILIENT_TYPE_THROTTLE, "interval", bad[i], NULL);
      g_auto (TestResult) result = { 0 };

      g_assert_null (resilient_throttle_new (bad[i], &error));
      g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_nonnull (strstr (error->message, "interval"));
      resilient_throttle_wait_async (unchecked, NULL, test_result_cb, &result);
      g_assert_false (
        resilient_throttle_wait_finish (unchecked, test_result_wait (&result), &late));
      g_assert_error (late, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY);
      g_assert_cmpstr (late->message, ==, error->message);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (ResilientThrottle) throttle = make (good[i]);
      g_auto (TestResult) result = { 0 };
      double interval;

      g_object_get (throttle, "interval", &interval, NULL);
      g_assert_cmpfloat (interval, ==, good[i]);
      resilient_throttle_wait_async (throttle, NULL, test_result_cb, &result);
      g_assert_true (resilient_throttle_wait_finish (throttle, test_result_wait (&result), NULL));
    }
}

static void
wait_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (resilient_throttle_wait_finish (RESILIENT_THROTTLE (source), result, &error))
    g_string_append_c (data, 'T');
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_string_append_c (data, 'C');
    }
}

/* w waits, W the same with the cancellable, c cancels it, r does and resets it in one go, s half a
 * second passes, z the machine sleeps for one; what returned, T for those that go, with a dot for
 * each time that passes. One a second. */
static const struct
{
  const char *operations;
  const char *returned;
} tables[] = {
  { "ws", "T." },
  { "wws", "T." },
  { "wwss", "T..T" },
  { "wwwssss", "T..T..T" },
  { "wsws", "T..T" },
  { "wssws", "T..T." },
  { "wsssswws", "T....T." },
  { "wWwcss", "TC..T" },
  { "wWwrss", "TC..T" },
  { "Wrws", "CT." },
  { "wwzw", "T.T" },
  { "wsWcwss", "T.C.T." },
  { "wWrWrwss", "TCC..T" },
};

static void
test_tables (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (ResilientThrottle) throttle = make (1);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GCancellable) last = g_cancellable_new ();
      g_autoptr (GString) returned = g_string_new (NULL);

      g_test_message ("%s", tables[i].operations);
      for (const char *c = tables[i].operations; *c != '\0'; c++)
        {
          if (*c == 'w' || *c == 'W')
            resilient_throttle_wait_async (
              throttle, *c == 'W' ? cancellable : last, wait_cb, returned);
          else if (*c == 'c' || *c == 'r')
            {
              g_cancellable_cancel (cancellable);
              if (*c == 'r')
                g_cancellable_reset (cancellable);
            }
          else
            {
              test_run_pending ();
              g_string_append_c (returned, '.');
              if (*c == 'z')
                test_clock_suspend (1);
              else
                test_clock_run (0.5);
            }
          if (*c == 'c' || *c == 'r')
            test_run_pending ();
        }
      g_assert_cmpstr (returned->str, ==, tables[i].returned);
      g_cancellable_cancel (last);
      test_run_pending ();
      g_assert_finalize_object (g_steal_pointer (&throttle));
    }
}

/* All of them in the same moment. */
static void
test_no_interval (void)
{
  g_autoptr (ResilientThrottle) throttle = make (0);
  g_autoptr (GString) returned = g_string_new (NULL);

  for (guint i = 0; i < 5; i++)
    resilient_throttle_wait_async (throttle, NULL, wait_cb, returned);
  test_run_pending ();
  g_assert_cmpstr (returned->str, ==, "TTTTT");
}

static void
test_drop (void)
{
  ResilientThrottle *throttle = make (1);
  g_autoptr (GString) returned = g_string_new (NULL);

  resilient_throttle_wait_async (throttle, NULL, wait_cb, returned);
  resilient_throttle_wait_async (throttle, NULL, wait_cb, returned);
  g_object_add_weak_pointer (G_OBJECT (throttle), (gpointer *) &throttle);
  g_object_unref (throttle);
  test_clock_run (1);
  g_assert_cmpstr (returned->str, ==, "TT");
  g_assert_null (throttle);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  g_test_add_func ("/throttle/values", test_values);
  g_test_add_func ("/throttle/tables", test_tables);
  g_test_add_func ("/throttle/no-interval", test_no_interval);
  g_test_add_func ("/throttle/drop", test_drop);

  return g_test_run ();
}
