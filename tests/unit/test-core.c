/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "call-fixture.h"

/* What a core does when its last call ended, and when its last user is gone. */

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

/* Apps' callbacks run from a source of their own, not from the one that brought the end: that may be libsoup's. */
static void
test_idle (Fixture *f, gconstpointer data)
{
  const char *idle = NULL, *closed = NULL;

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_OK);
  g_object_unref (start (f));
  resilient_core_when_idle (f->core, note_source_cb, &idle);
  g_signal_connect (f->events, "notify::closed", G_CALLBACK (note_closed_cb), &closed);
  resilient_core_close (f->core);
  g_assert_null (closed);
  virtual_clock_settle ();
  g_assert_cmpstr (idle, ==, "[resilient] driver");
  g_assert_cmpstr (closed, ==, "[resilient] driver");
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

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_OK);
  /* at once when it is quiet */
  resilient_core_when_idle (f->core, count_idle_cb, &n_idle);
  virtual_clock_settle ();
  g_assert_cmpuint (n_idle, ==, 1);

  g_object_unref (start (f));
  resilient_core_when_idle (f->core, count_idle_cb, &n_idle);
  resilient_core_when_idle (f->core, count_idle_cb, &n_idle);
  virtual_clock_settle ();
  g_assert_cmpuint (n_idle, ==, 3);

  /* nobody waits */
  g_object_unref (start (f));
  virtual_clock_settle ();
  g_assert_cmpuint (n_idle, ==, 3);

  g_object_unref (start (f));
  g_assert_true (resilient_core_close (f->core));
  g_assert_false (resilient_core_close (f->core));
  virtual_clock_settle ();
  resilient_core_when_idle (f->core, count_idle_cb, &n_idle);
  virtual_clock_settle ();
  g_assert_cmpuint (n_idle, ==, 4);
}

/* Made when it is asked for, once. */
static void
test_session (void)
{
  g_autoptr (ResilientCore) core = resilient_core_new (g_main_context_default (), NULL);
  g_autoptr (SoupSession) session = resilient_core_dup_session (core);
  g_autoptr (SoupSession) again = resilient_core_dup_session (core);

  g_assert_true (session == again);
  g_assert_true (SOUP_IS_SESSION (session));
}

static GMutex freed_lock;
static GCond freed_cond;
static guint n_freed;

static void
count_free (ResilientTransport *transport)
{
  scripted_transport_free (transport);

  g_mutex_lock (&freed_lock);
  n_freed++;
  g_cond_signal (&freed_cond);
  g_mutex_unlock (&freed_lock);
}

/* All of it goes though nobody ever iterates the home context, whoever is the last: a program may make synchronous calls
 * only. */
static void
test_home_not_iterated (void)
{
  ResilientTransportFuncs funcs;

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GMainContext) home = g_main_context_new ();
      ResilientCore *core = resilient_core_new (home, NULL);
      ScriptedTransport *script = scripted_transport_new ();
      g_autoptr (ResilientRecipe) recipe = resilient_recipe_new ("GET", "http://localhost/", NULL);
      g_autoptr (ResilientDriver) io = resilient_core_dup_io_driver (core);
      ResilientCall *call;

      funcs = *script->parent.funcs;
      funcs.free = count_free;
      script->parent.funcs = &funcs;
      scripted_transport_add (script, (ScriptedStep) SCRIPTED_OK);
      resilient_core_set_transport (core, &script->parent);
      resilient_transport_unref (&script->parent);

      call = resilient_call_start (core, io, recipe, NULL, NULL);
      resilient_core_unref (core);
      if (i % 2 == 0)
        resilient_call_block (call);
      g_object_unref (call);

      g_mutex_lock (&freed_lock);
      while (n_freed <= i)
        g_assert_true (
          g_cond_wait_until (&freed_cond, &freed_lock, g_get_monotonic_time () + 20 * G_USEC_PER_SEC));
      g_mutex_unlock (&freed_lock);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add ("/core/idle", Fixture, NULL, fixture_set_up, test_idle, fixture_tear_down);
  g_test_add ("/core/idle/again", Fixture, NULL, fixture_set_up, test_idle_again, fixture_tear_down);
  g_test_add_func ("/core/session", test_session);
  g_test_add_func ("/core/home-not-iterated", test_home_not_iterated);

  return g_test_run ();
}
