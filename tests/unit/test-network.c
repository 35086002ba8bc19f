/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "engine-fixture.h"
#include "resilient-origin-private.h"
#include "resilient-test-network.h"

/* Offline and back, and back from suspend: calls over scripted attempts, in virtual time, with a
 * monitor of our own. */

static ResilientTestNetwork *monitor;
static ResilientOrigin *remote;

static void
set_available (gboolean available)
{
  gboolean before = g_network_monitor_get_network_available (G_NETWORK_MONITOR (monitor));

  resilient_test_network_set_available (monitor, available);
  /* one tells of any change, such as of an address */
  if (before == available)
    g_signal_emit_by_name (monitor, "network-changed", available);
}

#define REMOTE "http://example.com/"

static ResilientOrigin *
get_origin (Fixture *f, const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);

  return resilient_origin_table_get (resilient_engine_get_origins (f->engine), uri);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  monitor = resilient_test_network_new ();
  resilient_test_network_install (monitor);
  fixture_set_up (f, data);
  resilient_gate_set_limits (resilient_engine_get_gate (f->engine), 100, 100, 1000);
  remote = get_origin (f, REMOTE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_object (&remote);
  fixture_tear_down (f, data);
  resilient_test_network_uninstall (monitor);
  g_assert_finalize_object (monitor);
}

static void
test_offline_and_back (Fixture *f, gconstpointer data)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  guint started;

  add_step (f->stub, (Step) STEP_REFUSED);
  for (guint i = 0; i < 50; i++)
    g_ptr_array_add (calls, start_uri (f, REMOTE));
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 50);

  /* The sleeps of about a second end; nobody goes. */
  resilient_test_network_set_available (monitor, FALSE);
  test_clock_run (25);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 50);
  g_assert_cmpint (resilient_call_get_state (calls->pdata[0]), ==, RESILIENT_CALL_STATE_OFFLINE);

  /* One probe in thirty seconds. */
  test_clock_run (7);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 51);

  /* Back: the rest within two seconds, not all at once. */
  resilient_test_stub_clear_steps (f->stub);
  add_step (f->stub, (Step) STEP_OK);
  set_available (TRUE);
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 51);
  test_clock_run (1);
  started = resilient_test_stub_get_started (f->stub) - 51;
  g_assert_cmpuint (started, >, 5);
  g_assert_cmpuint (started, <, 45);
  test_clock_run (5);
  g_assert_cmpuint (
    resilient_recorder_get_result_count (resilient_engine_get_recorder (f->engine)), ==, 50);

  g_ptr_array_unref (calls);
}

/* Back and gone again before the retry. */
static void
test_offline_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  call = start_uri (f, REMOTE);
  test_run_pending ();
  for (guint i = 1; i < 3; i++)
    {
      set_available (FALSE);
      test_clock_run (6);
      g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, i);
      set_available (TRUE);
      test_run_pending ();
      while (resilient_test_stub_get_started (f->stub) == i)
        test_clock_run (0.1);
    }
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
}

static void
test_deadline_while_offline (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  fixture_set_timeouts (f, 0, 10);
  add_step (f->stub, (Step) STEP_REFUSED);
  call = start_uri (f, REMOTE);
  test_run_pending ();
  set_available (FALSE);
  test_clock_run (9.9);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_OFFLINE);
  g_assert_cmpfloat (resilient_call_get_delay_left (call), ==, 0);
  test_clock_run (0.2);
  result = resilient_call_get_result (call);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_DEADLINE);
}

static void
test_cancel_and_retry_now_while_offline (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) cancelled = NULL;
  g_autoptr (ResilientCall) hurried = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  cancelled = start_uri (f, REMOTE);
  hurried = start_uri (f, REMOTE);
  test_run_pending ();
  set_available (FALSE);
  test_clock_run (5);
  resilient_call_cancel (cancelled);
  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (cancelled), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_true (resilient_call_retry_now (hurried));
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  resilient_call_cancel (hurried);
}

/* What runs on this machine, or on a network that is directly connected, needs no default route. */
static void
test_near (Fixture *f, gconstpointer data)
{
  static const char *uris[] = {
    "http://localhost/",   "http://127.0.0.1:8080/", "http://[::1]/",         "http://a.localhost/",
    "http://192.168.1.1/", "http://10.0.0.8:631/",   "http://172.16.3.4/",    "http://169.254.1.2/",
    "http://[fe80::1]/",   "http://[fd12:3456::1]/", "http://printer.local/", "http://nas/"
  };

  add_step (f->stub, (Step) STEP_REFUSED);
  resilient_test_network_set_available (monitor, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (ResilientCall) call = start_uri (f, uris[i]);

      test_clock_run (20);
      g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
    }
}

static ResilientCall *
start_asleep (Fixture *f, const char *uri)
{
  ResilientCall *call = start_uri (f, uri);

  test_run_pending ();
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_WAITING);
  return call;
}

/* Four servers with one failure each: none waits for the probe of another. */
static void
test_probe_of_each_origin (Fixture *f, gconstpointer data)
{
  static const char *const uris[] = {
    "http://a.example/", "http://b.example/", "http://c.example/", "https://a.example/"
  };
  ResilientCall *calls[G_N_ELEMENTS (uris)];

  add_step (f->stub, (Step) STEP_REFUSED);
  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    calls[i] = start_asleep (f, uris[i]);
  set_available (FALSE);
  test_clock_run (29);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 4);
  /* 30 s after a sleep of about a second; they fail again, so none frees another */
  test_clock_run (3);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 8);

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      resilient_call_cancel (calls[i]);
      g_object_unref (calls[i]);
    }
}

/* Five to one server: the first answer frees them all. */
static void
test_probe_frees_origin (Fixture *f, gconstpointer data)
{
  ResilientCall *calls[5];

  add_step (f->stub, (Step) STEP_REFUSED);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    calls[i] = start_asleep (f, REMOTE);
  set_available (FALSE);
  test_clock_run (29);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 5);
  resilient_test_stub_clear_steps (f->stub);
  add_step (f->stub, (Step) STEP_OK);
  test_clock_run (5);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 10);

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_assert_cmpint (resilient_call_get_state (calls[i]), ==, RESILIENT_CALL_STATE_DONE);
      g_object_unref (calls[i]);
    }
}

/* An answer, to whatever request and of whatever status, is worth more than what the monitor
 * says. */
static void
test_answer_proves (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) waiting = NULL;
  g_autoptr (ResilientCall) answered = NULL;
  g_autoptr (ResilientCall) later = NULL;
  g_autoptr (ResilientCall) after_change = NULL;
  Step unavailable = STEP_OK;
  guint started;

  add_step (f->stub, (Step) STEP_REFUSED);
  waiting = start_asleep (f, REMOTE);
  set_available (FALSE);
  test_clock_run (5);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);

  resilient_test_stub_clear_steps (f->stub);
  unavailable.status = 503;
  add_step (f->stub, unavailable);
  answered = start_uri (f, "https://example.org/");
  test_clock_run (3);
  g_assert_cmpint (resilient_call_get_state (answered), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (waiting), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);

  /* what sleeps from now on wakes in time */
  resilient_test_stub_clear_steps (f->stub);
  add_step (f->stub, (Step) STEP_REFUSED);
  later = start_asleep (f, REMOTE);
  test_clock_run (3);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), >=, 5);
  resilient_call_cancel (later);

  /* until the monitor has something new to say */
  set_available (FALSE);
  after_change = start_asleep (f, REMOTE);
  test_run_pending ();
  started = resilient_test_stub_get_started (f->stub);
  test_clock_run (25);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, started);
  resilient_call_cancel (after_change);
}

/* That of the printer says nothing of the internet. */
static void
test_answer_of_near (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) waiting = NULL;
  g_autoptr (ResilientCall) near = NULL;

  add_step (f->stub, (Step) STEP_REFUSED);
  waiting = start_asleep (f, REMOTE);
  set_available (FALSE);
  test_clock_run (5);
  resilient_test_stub_clear_steps (f->stub);
  add_step (f->stub, (Step) STEP_OK);
  near = start_uri (f, "http://192.168.1.9/");
  test_clock_run (5);
  g_assert_cmpint (resilient_call_get_state (near), ==, RESILIENT_CALL_STATE_DONE);
  g_assert_cmpint (resilient_call_get_state (waiting), ==, RESILIENT_CALL_STATE_OFFLINE);
  resilient_call_cancel (waiting);
}

/* A name that does not tell, of a server that answers from an address that does. */
static void
test_answer_from_near (Fixture *f, gconstpointer data)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection =
    g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
  g_autoptr (ResilientOrigin) house = get_origin (f, "http://cloud.example.net/");
  g_autoptr (ResilientCall) waiting = NULL;
  g_autoptr (ResilientCall) of_house = NULL;

  g_assert_nonnull (connection);
  add_step (f->stub, (Step) STEP_REFUSED);
  waiting = start_asleep (f, REMOTE);
  of_house = start_asleep (f, "http://cloud.example.net/");
  set_available (FALSE);
  test_clock_run (5);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  resilient_network_answered (
    resilient_engine_get_network (f->engine), house, g_socket_connection_get_socket (connection));
  test_clock_run (3);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), >=, 3);
  g_assert_true (resilient_origin_is_near (house));
  g_assert_cmpint (resilient_call_get_state (waiting), ==, RESILIENT_CALL_STATE_OFFLINE);
  g_assert_cmpuint (resilient_call_get_attempt (waiting), ==, 1);
  resilient_call_cancel (waiting);
  resilient_call_cancel (of_house);
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (g_object_unref);
  guint started;

  add_step (f->stub, (Step) STEP_REFUSED);
  for (guint i = 0; i < 50; i++)
    g_ptr_array_add (calls, start_uri (f, i % 2 ? REMOTE : "http://example.org/"));
  test_run_pending ();
  g_assert_cmpuint (resilient_test_stub_get_new_connections (f->stub), ==, 0);

  /* Eight hours later they are all due; they go within two seconds, and each origin gets one new
   * connection. */
  resilient_test_stub_clear_steps (f->stub);
  add_step (f->stub, (Step) STEP_OK);
  test_clock_suspend (8 * 3600);
  started = resilient_test_stub_get_started (f->stub) - 50;
  g_assert_cmpuint (started, ==, 0);
  test_clock_run (1);
  started = resilient_test_stub_get_started (f->stub) - 50;
  g_assert_cmpuint (started, >, 5);
  g_assert_cmpuint (started, <, 45);
  test_clock_run (2);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 100);
  g_assert_cmpuint (resilient_test_stub_get_new_connections (f->stub), ==, 2);

  /* A short step is no suspend. */
  g_ptr_array_add (calls, start_uri (f, REMOTE));
  test_clock_suspend (4);
  test_clock_run (1);
  g_assert_cmpuint (resilient_test_stub_get_new_connections (f->stub), ==, 2);

  g_ptr_array_unref (calls);
}

/* A deadline counts suspended time. */
static void
test_deadline_over_suspend (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientResult) result = NULL;

  fixture_set_timeouts (f, 0, 3600);
  add_step (f->stub, (Step) STEP_HANG);
  call = start (f);
  test_run_pending ();
  test_clock_suspend (3601);
  result = resilient_call_get_result (call);
  g_assert_nonnull (result);
  g_assert_cmpint (resilient_result_get_failure (result), ==, RESILIENT_FAILURE_DEADLINE);
}

/* A sleeper alone, without a call. */
typedef struct
{
  ResilientNetworkWaiter waiter; /* first */
  guint n_resumed;
  gboolean spread;
} Sleeper;

static void
resume_cb (ResilientNetworkWaiter *waiter, gboolean spread)
{
  Sleeper *self = (Sleeper *) waiter;

  self->n_resumed++;
  self->spread = spread;
}

/* Driven by the home context. */
#define SLEEPER(f)                                                                                 \
  {                                                                                                \
    .waiter.resume = resume_cb,                                                                    \
    .waiter.timers = resilient_scheduler_get_timers (resilient_engine_get_home ((f)->engine))      \
  }

static void
test_wait (Fixture *f, gconstpointer data)
{
  Sleeper sleepers[3] = { SLEEPER (f), SLEEPER (f), SLEEPER (f) };

  resilient_test_network_set_available (monitor, TRUE);
  g_assert_false (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleepers[0].waiter, remote));
  g_assert_false (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &sleepers[0].waiter));

  set_available (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (sleepers); i++)
    g_assert_true (resilient_network_wait (
      resilient_engine_get_network (f->engine), &sleepers[i].waiter, remote));
  g_assert_true (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &sleepers[1].waiter));
  g_assert_false (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &sleepers[1].waiter));

  /* one probe after the other, until nobody is left */
  test_clock_run (31);
  g_assert_cmpuint (sleepers[0].n_resumed, ==, 1);
  g_assert_false (sleepers[0].spread);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 0);
  /* offline as before */
  set_available (FALSE);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 0);
  test_clock_run (31);
  g_assert_cmpuint (sleepers[2].n_resumed, ==, 1);
  test_clock_run (100);
  g_assert_cmpuint (sleepers[1].n_resumed, ==, 0);

  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleepers[1].waiter, remote));
  set_available (TRUE);
  g_assert_cmpuint (sleepers[1].n_resumed, ==, 1);
  g_assert_true (sleepers[1].spread);
  test_clock_run (31);
}

/* A monitor that says once that the network is not there, and from then on that it is. */
#define TYPE_LIAR (liar_get_type ())
G_DECLARE_FINAL_TYPE (Liar, liar, TEST, LIAR, GObject)

struct _Liar
{
  GObject parent_instance;
  guint n_asked;
};

enum
{
  PROP_AVAILABLE = 1,
  PROP_METERED,
  PROP_CONNECTIVITY
};

static gboolean
liar_init_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
liar_initable_iface_init (GInitableIface *iface)
{
  iface->init = liar_init_initable;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Liar,
                               liar,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, liar_initable_iface_init)
                                 G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR, NULL))

static void
liar_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (prop_id == PROP_AVAILABLE)
    g_value_set_boolean (value, TEST_LIAR (object)->n_asked++ > 0);
}

static void
liar_class_init (LiarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = liar_get_property;
  g_object_class_override_property (object_class, PROP_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
liar_init (Liar *self)
{
}

/* It came back between the question and the waiting: nobody would tell of that any more. */
static void
test_back_meanwhile (Fixture *f, gconstpointer data)
{
  g_autoptr (Liar) liar = g_object_new (TYPE_LIAR, NULL);
  Sleeper sleeper = SLEEPER (f);

  /* before anybody asked for the one of the other tests */
  resilient_network_install_monitor (G_NETWORK_MONITOR (liar));
  g_assert_false (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleeper.waiter, remote));
  g_assert_false (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &sleeper.waiter));
  /* that it was asked twice is what this is about */
  g_assert_cmpuint (liar->n_asked, >=, 2);
  test_clock_run (31);
  g_assert_cmpuint (sleeper.n_resumed, ==, 0);
}

/* Only the home context asks for the monitor; who needs it elsewhere goes on until that has. */
static void
test_other_context (Fixture *f, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Sleeper sleeper = SLEEPER (f);

  resilient_test_network_set_available (monitor, FALSE);
  g_main_context_push_thread_default (context);
  g_assert_false (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleeper.waiter, remote));
  g_assert_false (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleeper.waiter, remote));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &sleeper.waiter, remote));
  g_assert_true (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &sleeper.waiter));
  g_main_context_pop_thread_default (context);
  test_clock_run (31);
}

/* The thread of the home context is blocked, and nobody else iterates that. */
typedef struct
{
  GMainContext *context; /* driven as by the I/O thread */
  ResilientScheduler *scheduler;
} Elsewhere;

static void
elsewhere_set_up (Elsewhere *self)
{
  self->context = g_main_context_new ();
  self->scheduler = resilient_scheduler_new (self->context);
}

static void
elsewhere_clear (Elsewhere *self)
{
  resilient_scheduler_stop (self->scheduler);
  resilient_scheduler_unref (self->scheduler);
  g_main_context_unref (self->context);
}

static void
elsewhere_settle (Elsewhere *self)
{
  g_main_context_push_thread_default (self->context);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
}

static void
elsewhere_advance (Elsewhere *self, double seconds)
{
  for (guint i = 0; i < 10 * seconds; i++)
    {
      test_clock_pass (0.1);
      elsewhere_settle (self);
    }
}

static void
test_home_blocked (Fixture *f, gconstpointer data)
{
  Elsewhere elsewhere;
  g_autoptr (ResilientCall) call = NULL;
  g_autoptr (ResilientFrozenRequest) frozen = resilient_frozen_request_new ("GET", REMOTE, NULL);

  elsewhere_set_up (&elsewhere);
  g_assert_false (resilient_network_is_offline (resilient_engine_get_network (f->engine)));
  resilient_test_network_set_available (monitor, FALSE);
  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_REFUSED);
  add_step (f->stub, (Step) STEP_OK);
  call = resilient_call_start_blocking (f->engine, elsewhere.scheduler, frozen, NULL, NULL);
  elsewhere_settle (&elsewhere);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  /* sleeps of about one second, then of two */
  elsewhere_advance (&elsewhere, 29);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 1);
  elsewhere_advance (&elsewhere, 3);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  elsewhere_advance (&elsewhere, 29);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 2);
  elsewhere_advance (&elsewhere, 5);
  g_assert_cmpuint (resilient_test_stub_get_started (f->stub), ==, 3);
  g_assert_cmpint (resilient_call_get_state (call), ==, RESILIENT_CALL_STATE_DONE);
  g_clear_object (&call);
  elsewhere_clear (&elsewhere);
}

/* The probe is one for the origin, and goes to who can go on: also where others came before. */
static void
test_home_blocked_behind (Fixture *f, gconstpointer data)
{
  Elsewhere elsewhere;
  Sleeper at_home[2] = { SLEEPER (f), SLEEPER (f) };
  Sleeper blocked = { .waiter.resume = resume_cb };

  elsewhere_set_up (&elsewhere);
  blocked.waiter.timers = resilient_scheduler_get_timers (elsewhere.scheduler);
  g_assert_false (resilient_network_is_offline (resilient_engine_get_network (f->engine)));
  resilient_test_network_set_available (monitor, FALSE);
  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &at_home[0].waiter, remote));
  test_clock_run (20);
  /* in time for the probe that is due then */
  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &blocked.waiter, remote));
  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &at_home[1].waiter, remote));
  elsewhere_advance (&elsewhere, 9);
  g_assert_cmpuint (blocked.n_resumed, ==, 0);
  elsewhere_advance (&elsewhere, 2);
  g_assert_cmpuint (blocked.n_resumed, ==, 1);
  g_assert_cmpuint (at_home[0].n_resumed, ==, 0);

  /* who is left is probed from home again, or wherever the probe was due */
  test_clock_run (31);
  g_assert_cmpuint (at_home[0].n_resumed, ==, 1);
  g_assert_cmpuint (at_home[1].n_resumed, ==, 0);
  g_assert_true (
    resilient_network_wait (resilient_engine_get_network (f->engine), &blocked.waiter, remote));
  g_assert_true (
    resilient_network_withdraw (resilient_engine_get_network (f->engine), &blocked.waiter));
  elsewhere_advance (&elsewhere, 31);
  g_assert_cmpuint (at_home[1].n_resumed, ==, 1);
  g_assert_cmpuint (blocked.n_resumed, ==, 1);
  test_clock_run (31);
  elsewhere_clear (&elsewhere);
}

/* Asked for too late: nothing is left that would listen. */
static void
test_gone_before_asked (Fixture *f, gconstpointer data)
{
  ResilientNetwork *network = resilient_network_new (resilient_engine_get_home (f->engine));
  g_autoptr (GMainContext) context = g_main_context_new ();
  Sleeper sleeper = SLEEPER (f);

  g_main_context_push_thread_default (context);
  g_assert_false (resilient_network_wait (network, &sleeper.waiter, remote));
  g_main_context_pop_thread_default (context);
  resilient_network_free (network);
  test_run_pending ();
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
  ADD ("near", test_near);
  ADD ("probe-of-each-origin", test_probe_of_each_origin);
  ADD ("probe-frees-origin", test_probe_frees_origin);
  ADD ("answer-proves", test_answer_proves);
  ADD ("answer-of-near", test_answer_of_near);
  ADD ("answer-from-near", test_answer_from_near);
  ADD ("resume", test_resume);
  ADD ("deadline-over-suspend", test_deadline_over_suspend);
  ADD ("wait", test_wait);
  ADD ("back-meanwhile", test_back_meanwhile);
  ADD ("other-context", test_other_context);
  ADD ("home-blocked", test_home_blocked);
  ADD ("home-blocked-behind", test_home_blocked_behind);
  ADD ("gone-before-asked", test_gone_before_asked);

  return g_test_run ();
}
