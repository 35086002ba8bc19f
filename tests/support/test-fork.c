/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "test-fork.h"

#include <sys/wait.h>
#include <unistd.h>

#include "test-clock.h"
#include "test-util.h"

static GMutex stop_lock;
static GCond stop_cond;
static GThread *stop_thread; /* atomic: it stops when it reads the time */
/* Under stop_lock. */
static gboolean stop_reached;
static gboolean stop_over;

typedef struct
{
  void (*use) (gpointer object);
  gpointer object;
} StopUse;

static gint64
stop_boot (gpointer data)
{
  if (g_thread_self () == g_atomic_pointer_get (&stop_thread))
    {
      g_mutex_lock (&stop_lock);
      stop_reached = TRUE;
      g_cond_broadcast (&stop_cond);
      while (!stop_over)
        g_cond_wait (&stop_cond, &stop_lock);
      g_mutex_unlock (&stop_lock);
    }
  return test_clock_get ();
}

static gpointer
stop_thread_main (gpointer data)
{
  StopUse *use = data;

  g_atomic_pointer_set (&stop_thread, g_thread_self ());
  use->use (use->object);
  return NULL;
}

void
assert_usable_in_child (void (*use) (gpointer object), gpointer object)
{
  ResilientClockFuncs funcs = *test_clock_get_funcs ();
  StopUse stop_use = { use, object };
  GThread *thread;
  int status = -1;
  pid_t pid;

  funcs.boot = stop_boot;
  resilient_clock_install (&funcs, NULL);
  thread = g_thread_new ("stops", stop_thread_main, &stop_use);
  g_mutex_lock (&stop_lock);
  while (!stop_reached)
    g_cond_wait (&stop_cond, &stop_lock);
  g_mutex_unlock (&stop_lock);

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      use (object);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);

  g_mutex_lock (&stop_lock);
  stop_over = TRUE;
  g_cond_broadcast (&stop_cond);
  g_mutex_unlock (&stop_lock);
  g_thread_join (thread);
  test_clock_install ();
}
