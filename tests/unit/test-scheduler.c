/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-scheduler-private.h"

/* What is posted runs in the scheduler's context, in order; what can't run any more is let go. */

typedef struct
{
  ResilientScheduler *scheduler;
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
  Fixture f = { resilient_scheduler_new (context), g_string_new (NULL), NULL };
  Job jobs[3] = { { &f, 'a', 0 }, { &f, 'b', 0 }, { &f, 'c', 0 } };
  ResilientWork work = { 0 };

  resilient_scheduler_invoke (f.scheduler, run_cb, &jobs[0], freed_cb);
  resilient_scheduler_post (f.scheduler, &work, run_cb, &jobs[1]);
  resilient_scheduler_invoke (f.scheduler, run_cb, &jobs[2], NULL);
  g_assert_cmpstr (f.log->str, ==, "");
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, "abc");
  g_assert_cmpuint (jobs[0].n_freed, ==, 1);
  /* libsoup drives what it is given from there. */
  g_assert_true (f.thread_default == context);
  g_assert_null (g_main_context_get_thread_default ());
  g_assert_false (resilient_scheduler_is_current_thread (f.scheduler));

  resilient_scheduler_stop (f.scheduler);
  resilient_scheduler_unref (f.scheduler);
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
  f.scheduler = resilient_scheduler_new (context);
  resilient_scheduler_invoke (f.scheduler, run_cb, &job, freed_cb);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_true (f.thread_default == context);
  resilient_scheduler_stop (f.scheduler);
  resilient_scheduler_unref (f.scheduler);
  g_main_context_pop_thread_default (context);
  g_assert_cmpstr (f.log->str, ==, "a");

  /* The default context is that of a thread that has none. */
  f.scheduler = resilient_scheduler_new (g_main_context_default ());
  resilient_scheduler_invoke (f.scheduler, run_cb, &job, freed_cb);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, "aa");
  g_assert_null (f.thread_default);

  /* Iterated where another context is the thread's default. */
  g_main_context_push_thread_default (context);
  resilient_scheduler_invoke (f.scheduler, run_cb, &job, freed_cb);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  g_assert_cmpstr (f.log->str, ==, "aaa");
  g_assert_null (f.thread_default);
  g_assert_cmpuint (job.n_freed, ==, 3);
  resilient_scheduler_stop (f.scheduler);
  resilient_scheduler_unref (f.scheduler);
  g_string_free (f.log, TRUE);
}

/* Nobody iterates the context any more: what was asked for is not done, its data go all the
 * same. */
static void
test_stopped (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Fixture f = { resilient_scheduler_new (context), g_string_new (NULL), NULL };
  Job jobs[3] = { { &f, 'a', 0 }, { &f, 'b', 0 }, { &f, 'c', 0 } };
  ResilientWork work = { 0 };

  resilient_scheduler_invoke (f.scheduler, run_cb, &jobs[0], freed_cb);
  resilient_scheduler_post (f.scheduler, &work, run_cb, &jobs[2]);
  resilient_scheduler_stop (f.scheduler);
  g_assert_cmpuint (jobs[0].n_freed, ==, 1);
  g_assert_cmpstr (f.log->str, ==, "c");

  resilient_scheduler_invoke (f.scheduler, run_cb, &jobs[1], freed_cb);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpuint (jobs[1].n_freed, ==, 0);
  resilient_scheduler_unref (f.scheduler);
  g_assert_cmpuint (jobs[1].n_freed, ==, 1);
  g_assert_cmpstr (f.log->str, ==, "c");
  g_string_free (f.log, TRUE);
}

static void
where_cb (gpointer data)
{
  ResilientScheduler **scheduler = data;

  if (resilient_scheduler_is_current_thread (*scheduler))
    *scheduler = NULL;
}

static void
note_thread_cb (gpointer data)
{
  *(GThread **) data = g_thread_self ();
}

/* A thread of its own does what was posted before it ends, and what it ends with. */
static void
test_thread (void)
{
  ResilientScheduler *scheduler = resilient_scheduler_new_thread ("test", NULL);
  ResilientScheduler *seen = scheduler;
  GThread *thread = NULL, *last = NULL;

  g_assert_false (resilient_scheduler_is_current_thread (scheduler));
  resilient_scheduler_invoke (scheduler, where_cb, &seen, NULL);
  resilient_scheduler_invoke (scheduler, note_thread_cb, &thread, NULL);
  resilient_scheduler_stop_with (scheduler, note_thread_cb, &last);
  g_assert_null (seen);
  g_assert_true (last == thread && last != NULL && last != g_thread_self ());
  resilient_scheduler_unref (scheduler);
}

static Job *job_elsewhere;
static gboolean post_while_polling;
static int n_ready; /* what the last poll said */

static gpointer
post_thread (gpointer job)
{
  resilient_scheduler_invoke (((Job *) job)->fixture->scheduler, run_cb, job, NULL);
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
  Fixture f = { resilient_scheduler_new (context), g_string_new (NULL), NULL };
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

  resilient_scheduler_invoke (f.scheduler, post_elsewhere_cb, &job, NULL);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpstr (f.log->str, ==, "bab");
  g_assert_false (g_main_context_iteration (context, FALSE));
  g_assert_cmpint (n_ready, ==, 0);

  resilient_scheduler_stop (f.scheduler);
  resilient_scheduler_unref (f.scheduler);
  g_string_free (f.log, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/scheduler/order", test_order);
  g_test_add_func ("/scheduler/thread-default", test_thread_default);
  g_test_add_func ("/scheduler/stopped", test_stopped);
  g_test_add_func ("/scheduler/thread", test_thread);
  g_test_add_func ("/scheduler/wake", test_wake);

  return g_test_run ();
}
