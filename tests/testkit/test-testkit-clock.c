/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "kit-fixture.h"

/* Time that the test moves: by hand and by itself, in one main context and in several. */

static void
test_times (Fixture *f, gconstpointer data)
{
  gint64 start = resilient_test_clock_get_real_time (f->clock);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (NULL, NULL, NULL, NULL);
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (start / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format_iso8601 (date);

  g_assert_cmpstr (text, ==, "2023-11-14T22:13:20Z");
  g_assert_cmpfloat (resilient_test_clock_get_elapsed (f->clock), ==, 0.0);
  g_assert_cmpint (resilient_request_context_get_created_at (context), ==, start);

  resilient_test_clock_advance (f->clock, 1.5);
  g_assert_cmpfloat (resilient_test_clock_get_elapsed (f->clock), ==, 1.5);
  g_assert_cmpint (resilient_test_clock_get_real_time (f->clock), ==, start + 1500 * 1000);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 1.5);

  resilient_test_clock_suspend (f->clock, 60.0);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 61.5);

  resilient_test_clock_set_real_time (f->clock, 0);
  g_assert_cmpfloat (resilient_request_context_get_elapsed_time (context), ==, 61.5);
  resilient_test_clock_advance (f->clock, 1.0);
  g_assert_cmpint (resilient_test_clock_get_real_time (f->clock), ==, G_USEC_PER_SEC);
}

static void
test_retries (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  use_exact_policy (f, 3);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.25);
  resilient_test_transport_add_error (f->transport, NULL, f->closed, TRUE, 0.5);
  resilient_test_transport_add_response (f->transport, NULL, 503, NULL, NULL, 0.125);
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.0);

  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 7.874);
  g_assert_cmpuint (answer.n_ends, ==, 0);
  resilient_test_clock_advance (f->clock, 0.001);
  assert_status (&answer, 200);
  assert_attempts (f->transport, "0.000 1.250 3.750 7.875");
}

/* A deadline counts suspended time, and what fell due in it runs on resume. */
static void
test_suspend (Fixture *f, gconstpointer data)
{
  g_auto (Answer) answer = { 0 };

  resilient_client_set_total_timeout (f->client, 3600.0);
  resilient_client_set_read_timeout (f->client, 0.0);
  resilient_test_transport_add_hang (f->transport, NULL, TRUE);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_suspend (f->clock, 3599.0);
  g_assert_cmpuint (answer.n_ends, ==, 0);
  resilient_test_clock_suspend (f->clock, 1.0);
  g_assert_error (answer.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* Retry-After as a date is measured against the server's own clock. */
static void
test_wrong_wall_clock (Fixture *f, gconstpointer data)
{
  static const char *headers[] = { "Date: Tue, 14 Nov 2023 22:00:00 GMT",
                                   "Retry-After: Tue, 14 Nov 2023 22:00:30 GMT",
                                   NULL };
  g_auto (Answer) answer = { 0 };

  use_exact_policy (f, 1);
  resilient_test_clock_set_real_time (f->clock, 0);
  resilient_test_transport_add_response (f->transport, NULL, 503, headers, NULL, 0.0);
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.0);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 29.999);
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, 1);
  /* The jitter is 10 % at most. */
  resilient_test_clock_advance (f->clock, 3.002);
  assert_status (&answer, 200);
}

static char *
run_seeded (Fixture *f, guint32 seed)
{
  Answer answers[20] = { 0 };
  g_autofree char *attempts = NULL;
  GString *text = g_string_new (NULL);

  resilient_test_seed_random (seed);
  resilient_test_transport_clear (f->transport);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.1);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    send_request (f, "GET", URI, &answers[i]);
  resilient_test_clock_advance (f->clock, 100.0);

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_assert_error (answers[i].error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
      answer_clear (&answers[i]);
    }

  /* Ids are drawn, too. */
  {
    g_autoptr (GPtrArray) results = resilient_client_list_results (f->client);

    for (guint i = results->len - G_N_ELEMENTS (answers); i < results->len; i++)
      g_string_append_printf (text, "%s ", resilient_result_get_request_id (results->pdata[i]));
  }
  attempts = describe_attempts (f->transport);
  g_string_append (text, attempts);

  return g_string_free (text, FALSE);
}

static char *
run_seeded_anew (guint32 seed)
{
  Fixture f;
  char *text;

  fixture_set_up (&f, NULL);
  text = run_seeded (&f, seed);
  fixture_tear_down (&f, NULL);

  return text;
}

static void
test_seed (void)
{
  g_autofree char *first = run_seeded_anew (7);
  g_autofree char *same = run_seeded_anew (7);
  g_autofree char *other = run_seeded_anew (8);

  g_assert_cmpstr (first, ==, same);
  g_assert_cmpstr (first, !=, other);
}

/* An hour with an outage of ten minutes, for a thousand requests. */
static void
test_thousand (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 1000
  };
  g_autofree Answer *answers = g_new0 (Answer, N);
  g_autoptr (ResilientStats) stats = NULL;
  guint n_before;

  use_exact_policy (f, -1);
  resilient_client_set_max_concurrent_per_host (f->client, 50);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.01);
  for (guint i = 0; i < N; i++)
    send_request (f, "POST", URI, &answers[i]);
  resilient_test_clock_advance (f->clock, 600.0);
  n_before = resilient_test_transport_get_attempt_count (f->transport);
  g_assert_cmpuint (resilient_test_transport_get_max_live_count (f->transport), ==, 50);

  resilient_test_transport_clear (f->transport);
  resilient_test_transport_add_response (f->transport, NULL, 201, NULL, NULL, 0.01);
  resilient_test_clock_advance (f->clock, 3000.0);
  for (guint i = 0; i < N; i++)
    {
      assert_status (&answers[i], 201);
      answer_clear (&answers[i]);
    }
  g_assert_cmpuint (resilient_test_transport_get_attempt_count (f->transport), ==, N);
  stats = resilient_client_get_stats (f->client);
  g_assert_cmpuint (resilient_stats_get_attempts (stats), ==, n_before + N);
  /* 1 + 2 + 4 + 8 + 16 seconds, and from then on half a minute each. */
  g_assert_cmpuint (n_before, >=, 20 * N);
}

static void
advance_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (ResilientResponse) response =
    resilient_client_get_finish (RESILIENT_CLIENT (source), result, NULL);
  Answer answer = { 0 };

  g_assert_nonnull (response);
  send_request (f, "GET", URI, &answer);
  resilient_test_clock_advance (f->clock, 10.0);
  assert_status (&answer, 200);
  answer_clear (&answer);
}

/* The one that was further goes on from where it was left. */
static void
test_nested (Fixture *f, gconstpointer data)
{
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 1.0);
  resilient_client_get_async (f->client, URI, NULL, NULL, advance_cb, f);
  resilient_test_clock_advance (f->clock, 2.0);
  g_assert_cmpfloat (resilient_test_clock_get_elapsed (f->clock), ==, 11.0);
  assert_attempts (f->transport, "0.000 1.000");
}

/* --- other threads ---------------------------------------------------------------------------- */

static GMutex lock;
static GCond cond;
static guint n_begun;

static void
note_attempt_cb (ResilientTestTransport *transport,
                 ResilientTestAttempt *attempt,
                 gpointer user_data)
{
  g_mutex_lock (&lock);
  n_begun++;
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);
}

static void
wait_for_attempts (guint n)
{
  g_mutex_lock (&lock);
  while (n_begun < n)
    g_cond_wait (&cond, &lock);
  n_begun = 0;
  g_mutex_unlock (&lock);
}

static gpointer
send_blocking (gpointer data)
{
  Fixture *f = data;
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", URI);
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send (f->client, request, NULL, NULL, &error);

  g_assert_no_error (error);
  return GUINT_TO_POINTER (resilient_response_get_status_code (response));
}

/* The thread that drives blocking calls moves along. */
static void
test_blocking (Fixture *f, gconstpointer data)
{
  GThread *thread;

  n_begun = 0;
  use_exact_policy (f, 3);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.5);
  resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.5);
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 1.0);
  g_signal_connect (f->transport, "attempt", G_CALLBACK (note_attempt_cb), NULL);
  thread = g_thread_new ("blocking", send_blocking, f);
  wait_for_attempts (1);
  resilient_test_clock_advance (f->clock, 5.0);
  g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (thread)), ==, 200);
  assert_attempts (f->transport, "0.000 1.500 4.000");
  g_signal_handlers_disconnect_by_func (f->transport, note_attempt_cb, NULL);
}

/* A thread with a main context of its own, which sends one request after the other. */
typedef struct
{
  Fixture *f;
  ResilientClient *client; /* its own, or the fixture's */
  GMainContext *context;
  GMainLoop *loop;
  guint left;
  GString *times;
} Worker;

static void worker_next (Worker *self);

static void
worker_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Worker *self = user_data;
  g_autoptr (ResilientResponse) response =
    resilient_client_get_finish (RESILIENT_CLIENT (source), result, NULL);

  g_assert_nonnull (response);
  g_string_append_printf (self->times, "%.1f ", resilient_test_clock_get_elapsed (self->f->clock));
  if (--self->left > 0)
    worker_next (self);
}

static void
worker_next (Worker *self)
{
  resilient_client_get_async (self->client, URI, NULL, NULL, worker_cb, self);
}

static gboolean
start_cb (gpointer data)
{
  Worker *self = data;

  g_mutex_lock (&lock);
  n_begun++;
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);
  worker_next (self);
  return G_SOURCE_REMOVE;
}

static gpointer
worker_run (gpointer data)
{
  Worker *self = data;
  g_autoptr (GSource) source = g_idle_source_new ();
  gboolean own = self->client == NULL;

  g_main_context_push_thread_default (self->context);
  if (own)
    {
      self->client = resilient_client_new ();
      resilient_test_transport_install (self->f->transport, self->client);
    }
  g_source_set_callback (source, start_cb, self, NULL);
  g_source_attach (source, self->context);
  g_main_loop_run (self->loop);
  if (own)
    g_assert_finalize_object (g_steal_pointer (&self->client));
  g_main_context_pop_thread_default (self->context);

  return NULL;
}

#define N_CHAIN 40

static void
run_workers (Fixture *f, gboolean own)
{
  Worker workers[3] = { 0 };
  GThread *threads[G_N_ELEMENTS (workers)];
  g_autoptr (GString) expected = g_string_new (NULL);

  n_begun = 0;
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.5);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      Worker *worker = &workers[i];

      worker->f = f;
      worker->client = own ? NULL : f->client;
      worker->context = g_main_context_new ();
      worker->loop = g_main_loop_new (worker->context, FALSE);
      worker->left = N_CHAIN;
      worker->times = g_string_new (NULL);
      if (!own)
        resilient_test_clock_add_context (f->clock, worker->context);
      threads[i] = g_thread_new ("worker", worker_run, worker);
    }
  wait_for_attempts (G_N_ELEMENTS (workers));

  resilient_test_clock_advance (f->clock, N_CHAIN * 0.5);

  for (guint i = 1; i <= N_CHAIN; i++)
    g_string_append_printf (expected, "%.1f ", i * 0.5);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_assert_cmpstr (workers[i].times->str, ==, expected->str);
      g_main_loop_quit (workers[i].loop);
      g_thread_join (threads[i]);
      g_main_loop_unref (workers[i].loop);
      g_main_context_unref (workers[i].context);
      g_string_free (workers[i].times, TRUE);
    }
}

/* Each step of a chain waits for the other thread: nothing is passed over. */
static void
test_threads (Fixture *f, gconstpointer data)
{
  run_workers (f, TRUE);
}

static void
test_threads_with_one_client (Fixture *f, gconstpointer data)
{
  run_workers (f, FALSE);
}

/* A thread that waits for another one, while both are asked to rest. */
static gboolean
block_cb (gpointer data)
{
  Fixture *f = data;

  g_assert_cmpuint (GPOINTER_TO_UINT (send_blocking (f)), ==, 200);
  n_begun = 1;
  g_main_context_wakeup (NULL);
  return G_SOURCE_REMOVE;
}

static void
test_waiting_threads (Fixture *f, gconstpointer data)
{
  Worker worker = { .f = f, .left = 1, .times = g_string_new (NULL) };
  GThread *thread;

  n_begun = 0;
  resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 0.0);
  worker.context = g_main_context_new ();
  worker.loop = g_main_loop_new (worker.context, FALSE);
  thread = g_thread_new ("worker", worker_run, &worker);
  wait_for_attempts (1);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GSource) block = g_idle_source_new ();

      g_source_set_callback (block, block_cb, f, NULL);
      g_source_attach (block, worker.context);
      resilient_test_clock_advance (f->clock, 0.0);
      g_assert_cmpuint (n_begun, ==, 1);
      n_begun = 0;
    }
  g_main_loop_quit (worker.loop);
  g_thread_join (thread);
  g_main_loop_unref (worker.loop);
  g_main_context_unref (worker.context);
  g_string_free (worker.times, TRUE);
}

/* --- by itself -------------------------------------------------------------------------------- */

static void
quit_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gpointer *pair = user_data;

  answer_cb (source, result, pair[0]);
  g_main_loop_quit (pair[1]);
}

static void
test_automatic (Fixture *f, gconstpointer data)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  use_exact_policy (f, 3);
  resilient_test_clock_set_automatic (f->clock, TRUE);
  g_assert_true (resilient_test_clock_get_automatic (f->clock));

  for (guint i = 0; i < 50; i++)
    {
      Answer answer = { 0 };
      gpointer pair[] = { &answer, loop };
      double before = resilient_test_clock_get_elapsed (f->clock);

      resilient_test_transport_clear (f->transport);
      resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.5);
      resilient_test_transport_add_error (f->transport, NULL, f->refused, FALSE, 0.5);
      resilient_test_transport_add_response (f->transport, NULL, 200, NULL, NULL, 1.0);
      if (i % 2 == 0)
        {
          g_assert_cmpuint (GPOINTER_TO_UINT (send_blocking (f)), ==, 200);
        }
      else
        {
          g_autoptr (ResilientRequest) request = resilient_request_new ("GET", URI);

          resilient_client_send_async (f->client, request, NULL, NULL, quit_cb, pair);
          g_main_loop_run (loop);
          assert_status (&answer, 200);
          answer_clear (&answer);
        }
      g_assert_cmpfloat (resilient_test_clock_get_elapsed (f->clock) - before, ==, 5.0);
    }

  resilient_test_clock_set_automatic (f->clock, FALSE);
  g_assert_false (resilient_test_clock_get_automatic (f->clock));
}

static void
test_programmers_errors (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientTestClock) other = resilient_test_clock_new ();

  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*is_installed*");
  resilient_test_clock_install (other);
  g_test_assert_expected_messages ();
  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*seconds >= 0*");
  resilient_test_clock_advance (f->clock, -1.0);
  g_test_assert_expected_messages ();
  g_test_expect_message ("ResilientTest", G_LOG_LEVEL_CRITICAL, "*is_installed*");
  resilient_test_clock_advance (other, 1.0);
  g_test_assert_expected_messages ();
}

/* The kit shares structs with the library, and so takes none but its own. */
static void
test_other_version (void)
{
  /* As it is and stays in every version. */
  static struct
  {
    gsize size;
    const char *version;
  } other = { 16, "0.9.0" };

  if (g_test_subprocess ())
    {
      g_type_class_ref (RESILIENT_TYPE_CLIENT);
      g_type_set_qdata (RESILIENT_TYPE_CLIENT, g_quark_from_string ("resilient-testkit-1"), &other);
      resilient_test_clock_install (resilient_test_clock_new ());
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*same version of libresilient-client-1, which is 0.9.0 here*");
}

/* The library has its own time back. */
static void
test_uninstall (void)
{
  Fixture f;
  gint64 before = g_get_real_time ();

  fixture_set_up (&f, NULL);
  fixture_tear_down (&f, NULL);
  {
    g_autoptr (ResilientRequestContext) context =
      resilient_request_context_new (NULL, NULL, NULL, NULL);

    g_assert_cmpint (resilient_request_context_get_created_at (context), >=, before);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func)                                                                            \
  g_test_add ("/testkit-clock/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("times", test_times);
  ADD ("retries", test_retries);
  ADD ("suspend", test_suspend);
  ADD ("wrong-wall-clock", test_wrong_wall_clock);
  g_test_add_func ("/testkit-clock/seed", test_seed);
  ADD ("thousand", test_thousand);
  ADD ("nested", test_nested);
  ADD ("blocking", test_blocking);
  ADD ("threads", test_threads);
  ADD ("threads-with-one-client", test_threads_with_one_client);
  ADD ("waiting-threads", test_waiting_threads);
  ADD ("automatic", test_automatic);
  ADD ("programmers-errors", test_programmers_errors);
  g_test_add_func ("/testkit-clock/other-version", test_other_version);
  g_test_add_func ("/testkit-clock/uninstall", test_uninstall);

  return g_test_run ();
}
