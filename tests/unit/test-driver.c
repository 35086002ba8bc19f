/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-driver-private.h"

/* What is posted runs in the driver's context, in order; what can't run any more is let go. */

typedef struct
{
  ResilientDriver *driver;
  GString *log;
  GMainContext *thread_default; /* while the last one ran */
} Fixture;

typedef struct
{
  Fixture *fixture;
  char name;
  guint n_freed;
} Job;

static void
run_cb (gpointer data)
{
  Job *job = data;

  g_string_append_c (job->fixture->log, job->name);
  job->fixture->thread_default = g_main_context_get_thread_default ();
}

static void
freed_cb (gpointer data)
{
  ((Job *) data)->n_freed++;
}

static void
test_order (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Fixture f = { resilient_driver_new (context), g_string_new (NULL), NULL };
  Job jobs[3] = { { &f, 'a', 0 }, { &f, 'b', 0 }, { &f, 'c', 0 } };
  ResilientWork work = { 0 };

  resilient_driver_invoke (f.driver, run_cb, &jobs[0], freed_cb);
  resilient_driver_post (f.driver, &work, run_cb, &jobs[1]);
  resilient_driver_invoke (f.driver, run_cb, &jobs[2], NULL);
  g_assert_cmpstr (f.log->str, ==, "");
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, "abc");
  g_assert_cmpuint (jobs[0].n_freed, ==, 1);
  /* libsoup drives what it is given from there. */
  g_assert_true (f.thread_default == context);
  g_assert_null (g_main_context_get_thread_default ());
  g_assert_false (resilient_driver_is_current_thread (f.driver));

  resilient_driver_stop (f.driver);
  resilient_driver_unref (f.driver);
  g_string_free (f.log, TRUE);
}

/* Who made the context the thread's own needs no help. */
static void
test_thread_default (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Fixture f = { NULL, g_string_new (NULL), NULL };
  Job job = { &f, 'a', 0 };

  g_main_context_push_thread_default (context);
  f.driver = resilient_driver_new (context);
  resilient_driver_invoke (f.driver, run_cb, &job, freed_cb);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (f.thread_default == context);
  resilient_driver_stop (f.driver);
  resilient_driver_unref (f.driver);
  g_main_context_pop_thread_default (context);
  g_assert_cmpstr (f.log->str, ==, "a");

  /* The default context is that of a thread that has none. */
  f.driver = resilient_driver_new (g_main_context_default ());
  resilient_driver_invoke (f.driver, run_cb, &job, freed_cb);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, "aa");
  g_assert_null (f.thread_default);

  /* Iterated where another context is the thread's default. */
  g_main_context_push_thread_default (context);
  resilient_driver_invoke (f.driver, run_cb, &job, freed_cb);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  g_assert_cmpstr (f.log->str, ==, "aaa");
  g_assert_null (f.thread_default);
  g_assert_cmpuint (job.n_freed, ==, 3);
  resilient_driver_stop (f.driver);
  resilient_driver_unref (f.driver);
  g_string_free (f.log, TRUE);
}

/* Nobody iterates the context any more: what was asked for is not done, its data go all the same.
 */
static void
test_stopped (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Fixture f = { resilient_driver_new (context), g_string_new (NULL), NULL };
  Job jobs[3] = { { &f, 'a', 0 }, { &f, 'b', 0 }, { &f, 'c', 0 } };
  ResilientWork work = { 0 };

  resilient_driver_invoke (f.driver, run_cb, &jobs[0], freed_cb);
  resilient_driver_post (f.driver, &work, run_cb, &jobs[2]);
  resilient_driver_stop (f.driver);
  g_assert_cmpuint (jobs[0].n_freed, ==, 1);
  g_assert_cmpstr (f.log->str, ==, "c");

  resilient_driver_invoke (f.driver, run_cb, &jobs[1], freed_cb);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpuint (jobs[1].n_freed, ==, 0);
  resilient_driver_unref (f.driver);
  g_assert_cmpuint (jobs[1].n_freed, ==, 1);
  g_assert_cmpstr (f.log->str, ==, "c");
  g_string_free (f.log, TRUE);
}

static void
where_cb (gpointer data)
{
  ResilientDriver **driver = data;

  if (resilient_driver_is_current_thread (*driver))
    *driver = NULL;
}

/* A thread of its own does what was posted before it ends. */
static void
test_thread (void)
{
  ResilientDriver *driver = resilient_driver_new_thread ("test");
  ResilientDriver *seen = driver;

  g_assert_false (resilient_driver_is_current_thread (driver));
  resilient_driver_invoke (driver, where_cb, &seen, NULL);
  resilient_driver_stop (driver);
  g_assert_null (seen);
  /* Once is enough. */
  resilient_driver_stop (driver);
  resilient_driver_unref (driver);
}

static Job *job_elsewhere;
static gboolean post_while_polling;
static int n_ready; /* what the last poll said */

static gpointer
post_thread (gpointer job)
{
  resilient_driver_invoke (((Job *) job)->fixture->driver, run_cb, job, NULL);
  return NULL;
}

static void
post_elsewhere_cb (gpointer data)
{
  run_cb (data);
  g_thread_join (g_thread_new ("post", post_thread, job_elsewhere));
}

static int
poll_cb (GPollFD *fds, guint n_fds, int timeout)
{
  if (post_while_polling)
    g_thread_join (g_thread_new ("post", post_thread, job_elsewhere));
  post_while_polling = FALSE;

  return n_ready = g_poll (fds, n_fds, 0);
}

/* Who waits is woken, and nobody else: it costs a system call. */
static void
test_wake (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Fixture f = { resilient_driver_new (context), g_string_new (NULL), NULL };
  Job job = { &f, 'a', 0 };
  Job other = { &f, 'b', 0 };

  job_elsewhere = &other;
  g_main_context_set_poll_func (context, poll_cb);
  while (g_main_context_iteration (context, FALSE))
    ;

  post_while_polling = TRUE;
  g_assert_true (g_main_context_iteration (context, TRUE));
  g_assert_cmpint (n_ready, ==, 1);
  g_assert_cmpstr (f.log->str, ==, "b");

  resilient_driver_invoke (f.driver, post_elsewhere_cb, &job, NULL);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpstr (f.log->str, ==, "bab");
  g_assert_false (g_main_context_iteration (context, FALSE));
  g_assert_cmpint (n_ready, ==, 0);

  resilient_driver_stop (f.driver);
  resilient_driver_unref (f.driver);
  g_string_free (f.log, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/driver/order", test_order);
  g_test_add_func ("/driver/thread-default", test_thread_default);
  g_test_add_func ("/driver/stopped", test_stopped);
  g_test_add_func ("/driver/thread", test_thread);
  g_test_add_func ("/driver/wake", test_wake);

  return g_test_run ();
}
