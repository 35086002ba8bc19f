/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Brings all main contexts of the process to rest at once, so that time can be moved while nothing
 * runs. It owns nothing between two calls. Any thread, one at a time. */

#include "config.h"

#include "resilient-test-world-private.h"

#include "resilient-test-contexts-private.h"
#include "resilient-test-seams-private.h"

/* In real time: what does not come to rest for so long never will. */
#define WATCHDOG (60 * G_TIME_SPAN_SECOND)

static void
check_watchdog (gint64 started)
{
  if (g_get_monotonic_time () - started > WATCHDOG)
    g_error ("A main context does not come to rest: a source of it is always ready, or the thread "
             "that has it is blocked");
}

static gboolean
run_own (GPtrArray *own, gint64 started)
{
  gboolean ran = FALSE;

  for (guint i = 0; i < own->len; i++)
    while (g_main_context_iteration (own->pdata[i], FALSE))
      {
        ran = TRUE;
        check_watchdog (started);
      }

  return ran;
}

static gboolean
is_own_pending (GPtrArray *own)
{
  for (guint i = 0; i < own->len; i++)
    if (g_main_context_pending (own->pdata[i]))
      return TRUE;

  return FALSE;
}

ResilientTestStop *
resilient_test_world_stop (gint64 *due)
{
  g_autoptr (GMainContext) current = g_main_context_ref_thread_default ();
  gint64 started = g_get_monotonic_time ();
  gint64 patience = 0;

  for (;;)
    {
      g_autoptr (GPtrArray) timers = resilient_timer_queue_list ();
      g_autoptr (GPtrArray) others = resilient_test_contexts_list (timers);
      g_autoptr (GPtrArray) own = NULL;
      ResilientTestStop *stop = NULL;
      gboolean rests;

      if (!g_ptr_array_find (others, current, NULL))
        g_ptr_array_add (others, g_main_context_ref (current));
      own = resilient_test_contexts_acquire_own (others);

      /* What ran may have made others busy, or timers that we have not seen. */
      rests = !run_own (own, started);
      if (rests)
        {
          stop = resilient_test_stop_new ();
          rests = resilient_test_stop_hold (stop, others, &patience) && !is_own_pending (own)
                  && !resilient_test_contexts_have_new_timers (timers);
        }

      g_ptr_array_foreach (own, (GFunc) (void (*) (void)) g_main_context_release, NULL);

      if (rests)
        {
          *due = resilient_test_contexts_get_first_due (timers);
          return stop;
        }

      if (stop != NULL)
        {
          resilient_test_stop_go_on (stop);
          check_watchdog (started);
        }
    }
}
