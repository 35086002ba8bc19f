/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"

/* What an engine does when its last call ended, and when its last user is gone. */

static void
note_source_cb (gpointer data)
{
  *(const char **) data = g_source_get_name (g_main_current_source ());
}

static void
note_closed_cb (ResilientSubscription *subscription, GParamSpec *pspec, gpointer user_data)
{
  note_source_cb (user_data);
}

/* Apps' callbacks run from a source of their own, not from the one that brought the end: that may
 * be libsoup's. */
static void
test_idle (Fixture *f, gconstpointer data)
{
  const char *idle = NULL, *closed = NULL;

  add_step (f->stub, (Step) STEP_OK);
  g_object_unref (start (f));
  resilient_engine_when_idle (f->engine, note_source_cb, &idle);
  g_signal_connect (f->events, "notify::closed", G_CALLBACK (note_closed_cb), &closed);
  resilient_engine_close (f->engine);
  g_assert_null (closed);
  test_run_pending ();
  g_assert_cmpstr (idle, ==, "[resilient] scheduler");
  g_assert_cmpstr (closed, ==, "[resilient] scheduler");
}

static void
count_idle_cb (gpointer data)
{
  ++*(guint *) data;
}

/* Those who wait for quiet are told whenever it comes, closed or not; the end is told once. */
static void
test_idle_again (Fixture *f, gconstpointer data)
{
  guint n_idle = 0;

  add_step (f->stub, (Step) STEP_OK);
  /* at once when it is quiet */
  resilient_engine_when_idle (f->engine, count_idle_cb, &n_idle);
  test_run_pending ();
  g_assert_cmpuint (n_idle, ==, 1);

  g_object_unref (start (f));
  g_assert_false (resilient_engine_withdraw_idle (f->engine, f));
  resilient_engine_when_idle (f->engine, count_idle_cb, f);
  resilient_engine_when_idle (f->engine, count_idle_cb, &n_idle);
  g_assert_false (resilient_engine_withdraw_idle (f->engine, &f));
  g_assert_true (resilient_engine_withdraw_idle (f->engine, f));
  resilient_engine_when_idle (f->engine, count_idle_cb, &n_idle);
  test_run_pending ();
  g_assert_cmpuint (n_idle, ==, 3);

  /* nobody waits */
  g_object_unref (start (f));
  test_run_pending ();
  g_assert_cmpuint (n_idle, ==, 3);

  g_object_unref (start (f));
  g_assert_true (resilient_engine_close (f->engine));
  g_assert_false (resilient_engine_close (f->engine));
  test_run_pending ();
  resilient_engine_when_idle (f->engine, count_idle_cb, &n_idle);
  test_run_pending ();
  g_assert_cmpuint (n_idle, ==, 4);
}

/* Made when it is asked for, once. */
static void
test_session (void)
{
  g_autoptr (ResilientEngine) engine = resilient_engine_new (g_main_context_default (), NULL);
  g_autoptr (SoupSession) session = resilient_engine_dup_session (engine);
  g_autoptr (SoupSession) again = resilient_engine_dup_session (engine);

  g_assert_true (session == again);
  g_assert_true (SOUP_IS_SESSION (session));
}

static GMutex freed_lock;
static GCond freed_cond;
static guint n_freed;

static void (*free_stub) (ResilientTransport *transport);

static void
count_free (ResilientTransport *transport)
{
  free_stub (transport);

  g_mutex_lock (&freed_lock);
  n_freed++;
  g_cond_signal (&freed_cond);
  g_mutex_unlock (&freed_lock);
}

/* All of it goes though nobody ever iterates the home context, whoever is the last: a program may
 * make synchronous calls only. */
static void
test_home_not_iterated (void)
{
  ResilientTransportFuncs funcs;

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GMainContext) home = g_main_context_new ();
      ResilientEngine *engine = resilient_engine_new (home, NULL);
      ResilientTestStub *stub = resilient_test_stub_new ();
      ResilientTransport *transport = resilient_test_stub_get_transport (stub);
      g_autoptr (ResilientFrozenRequest) frozen =
        resilient_frozen_request_new ("GET", "http://localhost/", NULL);
      g_autoptr (ResilientScheduler) io = resilient_engine_dup_io_scheduler (engine, NULL);
      ResilientCall *call;

      funcs = *transport->funcs;
      free_stub = funcs.free;
      funcs.free = count_free;
      transport->funcs = &funcs;
      add_step (stub, (Step) STEP_OK);
      use_stub (engine, stub);
      resilient_test_stub_unref (stub);

      call = resilient_call_start (engine, io, frozen, NULL, NULL);
      resilient_engine_unref (engine);
      if (i % 2 == 0)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (ResilientResponse) response = resilient_call_block (call, &error);

          g_assert_no_error (error);
          g_assert_nonnull (response);
        }
      g_object_unref (call);

      g_mutex_lock (&freed_lock);
      while (n_freed <= i)
        g_assert_true (g_cond_wait_until (
          &freed_cond, &freed_lock, g_get_monotonic_time () + 20 * G_USEC_PER_SEC));
      g_mutex_unlock (&freed_lock);
    }
}

/* Nothing was ever sent: by the home context, by the I/O thread, or by both. */
static void
test_nothing_sent (void)
{
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (SoupSession) session = i & 4 ? soup_session_new () : NULL;
      ResilientEngine *engine = resilient_engine_new (g_main_context_default (), session);
      g_autoptr (GError) error = NULL;

      if (i & 1)
        resilient_scheduler_unref (resilient_engine_dup_io_scheduler (engine, &error));
      g_assert_no_error (error);
      if (i & 2)
        resilient_scheduler_unref (resilient_engine_dup_scheduler (engine, &error));
      g_assert_no_error (error);
      resilient_engine_unref (engine);
      g_assert_cmpuint (session != NULL ? G_OBJECT (session)->ref_count : 1, ==, 1);
    }
}

/* What serves requests never has less than the usual priority, only more. */
static void
test_priority (void)
{
  const int priorities[] = { 150, G_PRIORITY_HIGH, 0, 300 };

  for (guint i = 0; i < 2; i++)
    {
      ResilientEngine *engine = resilient_engine_new (g_main_context_default (), NULL);

      if (i == 1)
        resilient_scheduler_unref (resilient_engine_dup_io_scheduler (engine, NULL));
      for (guint j = 0; j < G_N_ELEMENTS (priorities); j++)
        {
          resilient_engine_set_io_priority (engine, priorities[j]);
          g_assert_cmpint (resilient_engine_get_io_priority (engine), ==, priorities[j]);
          g_assert_cmpint (
            resilient_engine_get_source_priority (engine), ==, MIN (priorities[j], 0));
        }
      resilient_engine_unref (engine);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add ("/engine/idle", Fixture, NULL, fixture_set_up, test_idle, fixture_tear_down);
  g_test_add (
    "/engine/idle/again", Fixture, NULL, fixture_set_up, test_idle_again, fixture_tear_down);
  g_test_add_func ("/engine/session", test_session);
  g_test_add_func ("/engine/home-not-iterated", test_home_not_iterated);
  g_test_add_func ("/engine/nothing-sent", test_nothing_sent);
  g_test_add_func ("/engine/priority", test_priority);

  return g_test_run ();
}
