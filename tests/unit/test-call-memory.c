/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-call-private.h"
#include "test-clock.h"
#include "test-step.h"
#include "test-util.h"

#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* What a call costs while it only waits, of which there may be a hundred thousand. */

#define N_CALLS 10000
#define N_BEFORE 1000 /* make what is made once, or is there for some already */
#define BAR 1024

typedef struct
{
  ResilientEngine *engine;
  ResilientTestStub *stub;
  guint n_done;
} Fixture;

/* Bytes, with what malloc() needs for itself. */
static gsize
heap_in_use (void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

/* FALSE where malloc() is another one, as with sanitizers. */
static gboolean
heap_is_known (void)
{
  gsize before = heap_in_use ();
  g_autofree char *block = g_strnfill (1 << 20, 'x');

  return heap_in_use () >= before + strlen (block);
}

static void
fixture_set_up (Fixture *f, gconstpointer data)
{
  test_clock_install ();
  f->engine = resilient_engine_new (g_main_context_default (), NULL);
  f->stub = resilient_test_stub_new ();
  resilient_test_stub_set_keeps_attempts (f->stub, FALSE);
  use_stub (f->engine, f->stub);
  resilient_engine_lock_settings (f->engine)->max_pending = G_MAXUINT;
  resilient_engine_unlock_settings (f->engine);
  resilient_engine_apply_limits (f->engine);
}

static void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  resilient_engine_unref (f->engine);
  resilient_test_stub_unref (f->stub);
  test_run_pending ();
  test_clock_uninstall ();
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* As a verb does. */
static void
start (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("GET", "http://example.org/a/path", NULL);
      g_autoptr (ResilientCall) call =
        resilient_call_start (f->engine, resilient_engine_get_home (f->engine), frozen, NULL, NULL);

      resilient_call_add_task (call, g_task_new (NULL, NULL, done_cb, &f->n_done), FALSE, -1, NULL);
    }
  test_clock_run (0);
}

static void
cancel_all (Fixture *f)
{
  g_autoptr (GPtrArray) calls = resilient_engine_list_calls (f->engine, NULL);
  guint n_done = f->n_done + calls->len;

  for (guint i = 0; i < calls->len; i++)
    resilient_call_cancel (calls->pdata[i]);
  test_clock_run (0);
  g_assert_cmpuint (f->n_done, ==, n_done);
}

static void
assert_small (Fixture *f)
{
  gsize before, each;

  start (f, N_BEFORE);
  before = heap_in_use ();
  start (f, N_CALLS);
  each = (heap_in_use () - before) / N_CALLS;
  g_test_message ("%" G_GSIZE_FORMAT " bytes each", each);

  g_assert_cmpuint (each, >, 0);
  g_assert_cmpuint (each, <=, BAR);
}

static void
test_queued (Fixture *f, gconstpointer data)
{
  resilient_engine_lock_settings (f->engine)->max_concurrent = 1;
  resilient_engine_unlock_settings (f->engine);
  resilient_engine_apply_limits (f->engine);
  add_step (f->stub, (Step){ .takes = -1 });

  assert_small (f);
  g_assert_cmpuint (
    resilient_gate_get_pending (resilient_engine_get_gate (f->engine)), ==, N_BEFORE + N_CALLS - 1);
  cancel_all (f);
}

static void
test_asleep (Fixture *f, gconstpointer data)
{
  ResilientSettings *settings = resilient_engine_lock_settings (f->engine);

  resilient_retry_policy_unref (settings->retry_policy);
  settings->retry_policy = resilient_retry_policy_ref (resilient_retry_policy_get_standard ());
  resilient_engine_unlock_settings (f->engine);
  add_step (f->stub, (Step) STEP_STATUS (503));

  assert_small (f);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, N_BEFORE + N_CALLS);
  g_assert_cmpuint (resilient_engine_count_calls (f->engine), ==, N_BEFORE + N_CALLS);
  cancel_all (f);
}

/* Each in a process of its own: GSlice keeps what it once had, and would give it again. */
static void
test_alone (gconstpointer path)
{
  if (!heap_is_known ())
    {
      g_test_skip ("malloc() does not tell how much is in use");
      return;
    }

  g_test_trap_subprocess (path, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add_data_func (                                                                           \
    "/call-memory/" name, "/call-memory/" name "/subprocess/alone", test_alone);                   \
  g_test_add ("/call-memory/" name "/subprocess/alone",                                            \
              Fixture,                                                                             \
              NULL,                                                                                \
              fixture_set_up,                                                                      \
              func,                                                                                \
              fixture_tear_down);

  ADD ("queued", test_queued)
  ADD ("asleep", test_asleep)
#undef ADD

  return g_test_run ();
}
