/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-completion-private.h"

#include "test-clock.h"
#include "test-util.h"

/* A wait that ends once, by what it waits for, its cancellable or its time-out, whatever becomes of
 * the cancellable after that. */

#define N_ROUNDS 2000

typedef struct
{
  ResilientCompletion *completion;
  GCancellable *cancellable;
  guint n_withdrawn;
  guint n_destroyed;
  guint n_called;
  GError *error; /* what it returned; NULL: TRUE */
} Fixture;

static void
withdrawn_cb (ResilientCompletion *completion, gpointer data)
{
  Fixture *f = data;

  g_assert_true (completion == f->completion);
  g_assert_cmpuint (f->n_called, ==, 0);
  f->n_withdrawn++;
}

static void
destroyed_cb (gpointer data)
{
  ((Fixture *) data)->n_destroyed++;
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;
  gboolean value = g_task_propagate_boolean (G_TASK (result), &f->error);

  g_assert_true (value == (f->error == NULL));
  f->n_called++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->cancellable = g_cancellable_new ();
  f->completion = resilient_completion_new (
    g_task_new (NULL, f->cancellable, called_cb, f), withdrawn_cb, f, destroyed_cb);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 1);
  g_clear_error (&f->error);
  g_assert_cmpuint (f->n_destroyed, ==, 0);
  resilient_completion_unref (f->completion);
  g_assert_cmpuint (f->n_destroyed, ==, 1);
  /* nothing is connected to it any more */
  g_assert_false (g_signal_has_handler_pending (
    f->cancellable, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE), 0, TRUE));
  g_assert_finalize_object (f->cancellable);
  test_clock_uninstall ();
}

static void
arm (Fixture *f, double timeout)
{
  resilient_completion_arm (f->completion, f->cancellable, timeout, "too late");
}

static void
complete (Fixture *f)
{
  g_autoptr (GTask) task = resilient_completion_take (f->completion);

  g_assert_nonnull (task);
  g_task_return_boolean (task, TRUE);
}

static void
assert_ended (Fixture *f, int code, guint n_withdrawn)
{
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_cmpuint (f->n_withdrawn, ==, n_withdrawn);
  if (code < 0)
    g_assert_no_error (f->error);
  else
    g_assert_error (f->error, G_IO_ERROR, code);
  g_assert_null (resilient_completion_take (f->completion));
}

static void
test_take (Fixture *f, gconstpointer data)
{
  arm (f, 10);
  complete (f);
  g_cancellable_cancel (f->cancellable);
  test_clock_run (20);
  assert_ended (f, -1, 0);
}

static void
test_take_before_arm (Fixture *f, gconstpointer data)
{
  complete (f);
  arm (f, 10);
  g_cancellable_cancel (f->cancellable);
  test_clock_run (20);
  assert_ended (f, -1, 0);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  arm (f, 10);
  g_cancellable_cancel (f->cancellable);
  /* not inside the call that cancels */
  g_assert_cmpuint (f->n_called, ==, 0);
  assert_ended (f, G_IO_ERROR_CANCELLED, 1);
  test_clock_run (20);
}

/* As apps do that use one again. */
static void
test_cancel_and_reset (Fixture *f, gconstpointer data)
{
  arm (f, -1);
  g_cancellable_cancel (f->cancellable);
  g_cancellable_reset (f->cancellable);
  /* what comes later is too late */
  g_assert_null (resilient_completion_take (f->completion));
  assert_ended (f, G_IO_ERROR_CANCELLED, 1);
  g_cancellable_cancel (f->cancellable);
}

static void
test_cancelled_before (Fixture *f, gconstpointer data)
{
  g_cancellable_cancel (f->cancellable);
  arm (f, 10);
  g_cancellable_reset (f->cancellable);
  assert_ended (f, G_IO_ERROR_CANCELLED, 1);
}

/* Before it listens, a cancel that is over is none. */
static void
test_reset_before (Fixture *f, gconstpointer data)
{
  g_cancellable_cancel (f->cancellable);
  g_cancellable_reset (f->cancellable);
  arm (f, 10);
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 0);
  complete (f);
  assert_ended (f, -1, 0);
}

static void
test_timeout (Fixture *f, gconstpointer data)
{
  arm (f, 10);
  test_clock_run (9.9);
  g_assert_cmpuint (f->n_called, ==, 0);
  test_clock_run (0.2);
  assert_ended (f, G_IO_ERROR_TIMED_OUT, 1);
  g_assert_cmpstr (f->error->message, ==, "too late");
}

/* --- threads ---------------------------------------------------------------------------------- */

static gpointer
cancel_thread (gpointer data)
{
  GCancellable *cancellable = data;

  g_cancellable_cancel (cancellable);
  g_cancellable_reset (cancellable);
  return NULL;
}

/* A cancel and the end at the same time: one of them. */
static void
test_race (void)
{
  guint n_rounds = test_is_quick () ? N_ROUNDS / 20 : N_ROUNDS;

  for (guint i = 0; i < n_rounds; i++)
    {
      Fixture f = { NULL, g_cancellable_new () };
      GThread *thread;
      GTask *task;

      f.completion = resilient_completion_new (
        g_task_new (NULL, f.cancellable, called_cb, &f), withdrawn_cb, &f, destroyed_cb);
      thread = g_thread_new ("cancel", cancel_thread, f.cancellable);
      resilient_completion_arm (f.completion, f.cancellable, -1, NULL);
      task = resilient_completion_take (f.completion);
      if (task != NULL)
        g_task_return_boolean (task, TRUE);
      g_clear_object (&task);
      while (f.n_called == 0)
        g_main_context_iteration (NULL, TRUE);
      g_thread_join (thread);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_cmpuint (f.n_called, ==, 1);
      g_assert_cmpuint (f.n_withdrawn, ==, f.error != NULL);
      resilient_completion_unref (f.completion);
      g_assert_cmpuint (f.n_destroyed, ==, 1);
      g_clear_error (&f.error);
      g_assert_finalize_object (f.cancellable);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add ("/completion/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("take", test_take);
  ADD ("take-before-arm", test_take_before_arm);
  ADD ("cancel", test_cancel);
  ADD ("cancel-and-reset", test_cancel_and_reset);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("reset-before", test_reset_before);
  ADD ("timeout", test_timeout);
  g_test_add_func ("/completion/race", test_race);

  return g_test_run ();
}
