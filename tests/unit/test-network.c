/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "call-fixture.h"
#include "fake-monitor.h"

/* Offline and back, and back from suspend: calls over scripted attempts, in virtual time, with a monitor of our own. */

static FakeMonitor *monitor;

static void
set_available (gboolean available)
{
  monitor->available = available;
  g_signal_emit_by_name (monitor, "network-changed", available);
}

#define REMOTE "http://example.com/"

static void
set_up (Fixture *f, gconstpointer data)
{
  monitor = fake_monitor_new ();
  resilient_network_install_monitor (G_NETWORK_MONITOR (monitor));
  fixture_set_up (f, data);
  resilient_gate_set_limits (f->core->gate, 100, 100, 1000);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fixture_tear_down (f, data);
  resilient_network_install_monitor (NULL);
  g_assert_finalize_object (monitor);
}

static void
test_offline_and_back (Fixture *f, gconstpointer data)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  guint started;

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  for (guint i = 0; i < 50; i++)
    g_ptr_array_add (calls, start_uri (f, REMOTE));
  virtual_clock_settle ();
  g_assert_cmpuint (f->script->n_started, ==, 50);

  /* The sleeps of about a second end; nobody goes. */
  monitor->available = FALSE;
  virtual_clock_advance (25);
  g_assert_cmpuint (f->script->n_started, ==, 50);
  g_assert_cmpint (resilient_call_get_state (calls->pdata[0]), ==, RESILIENT_CALL_STATE_WAITING);

  /* One probe in thirty seconds. */
  virtual_clock_advance (7);
  g_assert_cmpuint (f->script->n_started, ==, 51);

  /* Back: the rest within two seconds, not all at once. */
  f->script->next = f->script->steps->len;
  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_OK);
  set_available (TRUE);
  virtual_clock_settle ();
  g_assert_cmpuint (f->script->n_started, ==, 51);
  virtual_clock_advance (1);
  started = f->script->n_started - 51;
  g_assert_cmpuint (started, >, 5);
  g_assert_cmpuint (started, <, 45);
  virtual_clock_advance (5);
  g_assert_cmpuint (resilient_recorder_get_result_count (f->core->recorder), ==, 50);

  g_ptr_array_unref (calls);
}

/* Back and gone again before the retry. */
static void
test_offline_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  call = start_uri (f, REMOTE);
  virtual_clock_settle ();
  for (guint i = 1; i < 3; i++)
    {
      set_available (FALSE);
      virtual_clock_advance (6);
      g_assert_cmpuint (f->script->n_started, ==, i);
      set_available (TRUE);
      virtual_clock_settle ();
      while (f->script->n_started == i)
        virtual_clock_advance (0.1);
    }
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
}

static void
test_deadline_while_offline (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  f->core->settings.limits->total_timeout = 10;
  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  call = start_uri (f, REMOTE);
  virtual_clock_settle ();
  set_available (FALSE);
  virtual_clock_advance (9.9);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), ==, 0);
  virtual_clock_advance (0.2);
  result = resilient_call_get_result (call);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_DEADLINE);
}

static void
test_cancel_and_retry_now_while_offline (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) cancelled = NULL;
  g_autoptr (ResilientCall) hurried = NULL;

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  cancelled = start_uri (f, REMOTE);
  hurried = start_uri (f, REMOTE);
  virtual_clock_settle ();
  set_available (FALSE);
  virtual_clock_advance (5);
  resilient_call_cancel (cancelled);
  virtual_clock_settle ();
  g_assert_cmpint (resilient_call_get_state (cancelled), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_true (resilient_call_retry_now (hurried));
  virtual_clock_settle ();
  g_assert_cmpuint (f->script->n_started, ==, 3);
  resilient_call_cancel (hurried);
}

/* What runs on this machine does not need the network. */
static void
test_loopback (Fixture *f, gconstpointer data)
{
  static const char *uris[] = { "http://localhost/", "http://127.0.0.1:8080/", "http://[::1]/", "http://a.localhost/" };

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  monitor->available = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (ResilientCall) call = start_uri (f, uris[i]);

      virtual_clock_advance (20);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
    }
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  guint started;

  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_REFUSED);
  for (guint i = 0; i < 50; i++)
    g_ptr_array_add (calls, start_uri (f, i % 2 ? REMOTE : "http://example.org/"));
  virtual_clock_settle ();
  g_assert_cmpuint (f->script->n_new_connections, ==, 0);

  /* Eight hours later they are all due; they go within two seconds, and each origin gets one new connection. */
  f->script->next = f->script->steps->len;
  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_OK);
  virtual_clock_suspend (8 * 3600);
  started = f->script->n_started - 50;
  g_assert_cmpuint (started, ==, 0);
  virtual_clock_advance (1);
  started = f->script->n_started - 50;
  g_assert_cmpuint (started, >, 5);
  g_assert_cmpuint (started, <, 45);
  virtual_clock_advance (2);
  g_assert_cmpuint (f->script->n_started, ==, 100);
  g_assert_cmpuint (f->script->n_new_connections, ==, 2);

  /* A short step is no suspend. */
  g_ptr_array_add (calls, start_uri (f, REMOTE));
  virtual_clock_suspend (4);
  virtual_clock_advance (1);
  g_assert_cmpuint (f->script->n_new_connections, ==, 2);

  g_ptr_array_unref (calls);
}

/* A deadline counts suspended time. */
static void
test_deadline_over_suspend (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  f->core->settings.limits->total_timeout = 3600;
  scripted_transport_add (f->script, (ScriptedStep) SCRIPTED_HANG);
  call = start (f);
  virtual_clock_settle ();
  virtual_clock_suspend (3601);
  result = resilient_call_get_result (call);
  g_assert_nonnull (result);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_DEADLINE);
}

/* A sleeper alone, without a call. */
typedef struct
{
  ResilientParked parked; /* first */
  guint n_resumed;
  gboolean spread;
} Sleeper;

static void
resume_cb (ResilientParked *parked, gboolean spread)
{
  Sleeper *self = (Sleeper *) parked;

  self->n_resumed++;
  self->spread = spread;
}

static void
test_park (Fixture *f, gconstpointer data)
{
  Sleeper sleepers[3] = { { .parked.resume = resume_cb },
                          { .parked.resume = resume_cb },
                          { .parked.resume = resume_cb } };

  monitor->available = TRUE;
  g_assert_false (resilient_network_park (f->core->network, &sleepers[0].parked));
  g_assert_false (resilient_network_unpark (f->core->network, &sleepers[0].parked));

  set_available (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (sleepers); i++)
    g_assert_true (resilient_network_park (f->core->network, &sleepers[i].parked));
  g_assert_true (resilient_network_unpark (f->core->network, &sleepers[1].parked));
  g_assert_false (resilient_network_unpark (f->core->network, &sleepers[1].parked));

  /* one probe after the other, until nobody is left */
  virtual_clock_advance (31);
  g_assert_cmpuint (sleepers[0].n_resumed, ==, 1);
  g_assert_false (sleepers[0].spread);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 0);
  /* offline as before */
  set_available (FALSE);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 0);
  virtual_clock_advance (31);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 1);
  virtual_clock_advance (100);
  g_assert_cmpuint (sleepers[1].n_resumed, ==, 0);

  g_assert_true (resilient_network_park (f->core->network, &sleepers[1].parked));
  set_available (TRUE);
  g_assert_cmpuint (sleepers[1].n_resumed, ==, 1);
  g_assert_true (sleepers[1].spread);
  virtual_clock_advance (31);
}

/* It came back between the question and the parking: nobody would tell of that any more. */
static void
test_back_meanwhile (Fixture *f, gconstpointer data)
{
  Sleeper sleeper = { .parked.resume = resume_cb };

  monitor->n_lies = 1;
  g_assert_false (resilient_network_park (f->core->network, &sleeper.parked));
  g_assert_false (resilient_network_unpark (f->core->network, &sleeper.parked));
  virtual_clock_advance (31);
  g_assert_cmpuint (sleeper.n_resumed, ==, 0);
}

/* Only the home context asks for the monitor; who needs it elsewhere goes on until that has. */
static void
test_other_context (Fixture *f, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Sleeper sleeper = { .parked.resume = resume_cb };

  monitor->available = FALSE;
  g_main_context_push_thread_default (context);
  g_assert_false (resilient_network_park (f->core->network, &sleeper.parked));
  g_assert_false (resilient_network_park (f->core->network, &sleeper.parked));
  virtual_clock_settle ();
  g_assert_true (resilient_network_park (f->core->network, &sleeper.parked));
  g_assert_true (resilient_network_unpark (f->core->network, &sleeper.parked));
  g_main_context_pop_thread_default (context);
  virtual_clock_advance (31);
}

/* Asked for too late: nothing is left that would listen. */
static void
test_gone_before_asked (Fixture *f, gconstpointer data)
{
  ResilientNetwork *network = resilient_network_new (f->core->home);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Sleeper sleeper = { .parked.resume = resume_cb };

  g_main_context_push_thread_default (context);
  g_assert_false (resilient_network_park (network, &sleeper.parked));
  g_main_context_pop_thread_default (context);
  resilient_network_free (network);
  virtual_clock_settle ();
  set_available (TRUE);
  g_assert_cmpuint (sleeper.n_resumed, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add ("/network/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("offline-and-back", test_offline_and_back);
  ADD ("offline-twice", test_offline_twice);
  ADD ("deadline-while-offline", test_deadline_while_offline);
  ADD ("cancel-and-retry-now-while-offline", test_cancel_and_retry_now_while_offline);
  ADD ("loopback", test_loopback);
  ADD ("resume", test_resume);
  ADD ("deadline-over-suspend", test_deadline_over_suspend);
  ADD ("park", test_park);
  ADD ("back-meanwhile", test_back_meanwhile);
  ADD ("other-context", test_other_context);
  ADD ("gone-before-asked", test_gone_before_asked);

  return g_test_run ();
}
