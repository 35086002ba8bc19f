/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient.h"

#include <sys/wait.h>
#include <unistd.h>

#include "resilient-timer-queue-private.h"
#include "test-clock.h"
#include "test-util.h"

/* The sleeps between the attempts of an operation, in virtual time. */

typedef struct
{
  ResilientRetrier *retrier;
  guint n_called;
  gboolean again;
  GError *error;
  GPtrArray *events; /* of references */
  GString *notified;
} Fixture;

static ResilientRetryPolicy *
new_policy (int max_retries)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (GError) error = NULL;
  ResilientRetryPolicy *policy;

  resilient_retry_policy_builder_set_max_retries (builder, max_retries);
  resilient_retry_policy_builder_set_base_delay (builder, 1);
  resilient_retry_policy_builder_set_max_delay (builder, 8);
  resilient_retry_policy_builder_set_jitter_mode (builder, RESILIENT_JITTER_NONE);
  policy = resilient_retry_policy_builder_build (builder, &error);
  g_assert_no_error (error);
  return policy;
}

static void
event_cb (ResilientRetrier *retrier, ResilientEvent *event, gpointer data)
{
  Fixture *f = data;

  g_ptr_array_add (f->events, resilient_event_ref (event));
}

static void
notify_cb (ResilientRetrier *retrier, GParamSpec *pspec, gpointer data)
{
  Fixture *f = data;

  g_string_append_printf (f->notified, "%u ", resilient_retrier_get_attempt (retrier));
}

static void
use (Fixture *f, ResilientRetryPolicy *policy)
{
  g_clear_object (&f->retrier);
  f->retrier = resilient_retrier_new (policy, NULL);
  g_signal_connect (f->retrier, "event", G_CALLBACK (event_cb), f);
  g_signal_connect (f->retrier, "notify::attempt", G_CALLBACK (notify_cb), f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) policy = new_policy (3);

  test_clock_install ();
  f->events = g_ptr_array_new_with_free_func ((GDestroyNotify) resilient_event_unref);
  f->notified = g_string_new (NULL);
  use (f, policy);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientTimerQueue) timers = resilient_timer_queue_get (NULL);

  test_run_pending ();
  g_assert_cmpuint (resilient_timer_queue_get_length (timers), ==, 0);
  g_clear_error (&f->error);
  g_ptr_array_unref (f->events);
  g_string_free (f->notified, TRUE);
  if (f->retrier != NULL)
    g_assert_finalize_object (f->retrier);
  test_clock_uninstall ();
}

static void
backoff_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;

  g_clear_error (&f->error);
  f->again = resilient_retrier_backoff_finish (RESILIENT_RETRIER (source), result, &f->error);
  g_assert_true (f->again == (f->error == NULL));
  f->n_called++;
}

static void
backoff (Fixture *f, GQuark domain, int code, GCancellable *cancellable)
{
  g_autoptr (GError) cause = domain != 0 ? g_error_new_literal (domain, code, "broken") : NULL;

  f->n_called = 0;
  resilient_retrier_backoff_async (f->retrier, cause, cancellable, backoff_cb, f);
  g_assert_cmpuint (f->n_called, ==, 0);
}

static ResilientEvent *
last_event (Fixture *f)
{
  g_assert_cmpuint (f->events->len, >, 0);
  return g_ptr_array_index (f->events, f->events->len - 1);
}

/* The whole of a life: delays that double, one attempt more than retries, the cause at the end. */
static void
test_backoff (Fixture *f, gconstpointer data)
{
  const double delays[] = { 1, 2, 4 };

  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (delays); i++)
    {
      backoff (f, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, NULL);
      g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, i + 2);
      g_assert_cmpint (
        resilient_event_get_event_type (last_event (f)), ==, RESILIENT_EVENT_TYPE_RETRY);
      g_assert_cmpfloat (resilient_event_get_delay (last_event (f)), ==, delays[i]);
      g_assert_cmpuint (
        resilient_event_get_failure (last_event (f)), ==, RESILIENT_FAILURE_CONNECT);
      g_assert_cmpuint (resilient_request_context_get_current_attempt (
                          resilient_event_get_context (last_event (f))),
                        ==,
                        i + 1);
      test_clock_run (delays[i] - 0.01);
      g_assert_cmpuint (f->n_called, ==, 0);
      test_clock_run (0.02);
      g_assert_cmpuint (f->n_called, ==, 1);
      g_assert_true (f->again);
    }

  backoff (f, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, NULL);
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_cmpstr (f->error->message, ==, "broken");
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 4);
  g_assert_cmpint (resilient_event_get_event_type (last_event (f)), ==, RESILIENT_EVENT_TYPE_ERROR);
  g_assert_cmpint (
    resilient_event_get_reason (last_event (f)), ==, RESILIENT_REASON_RETRIES_EXHAUSTED);
  g_assert_cmpuint (resilient_event_get_sequence (last_event (f)), ==, 4);
  g_assert_cmpstr (f->notified->str, ==, "2 3 4 ");
}

static void
test_exhausted (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) once = new_policy (1);

  use (f, once);
  backoff (f, 0, 0, NULL);
  test_clock_run (1);
  g_assert_true (f->again);
  backoff (f, 0, 0, NULL);
  test_run_pending ();
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED);
  g_assert_cmpstr (f->error->message, ==, "No attempt is left after 2 attempts");
}

static void
test_no_retries (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) never = new_policy (0);

  use (f, never);
  backoff (f, 0, 0, NULL);
  test_run_pending ();
  g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED);
  g_assert_cmpstr (f->error->message, ==, "No attempt is left after 1 attempt");
}

static void
test_unlimited (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) endless = new_policy (-1);

  use (f, endless);
  for (guint i = 0; i < 1000; i++)
    {
      backoff (f, 0, 0, NULL);
      test_clock_run (8);
      g_assert_true (f->again);
    }
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 1001);
}

/* An answer is not asked for again. */
static void
test_answer (Fixture *f, gconstpointer data)
{
  const struct
  {
    GQuark domain;
    int code;
  } answers[] = {
    { G_IO_ERROR, G_IO_ERROR_NOT_FOUND },
    { G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED },
    { G_IO_ERROR, G_IO_ERROR_CANCELLED },
    { G_IO_ERROR, G_IO_ERROR_FAILED },
    { G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD },
    { G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE },
    { G_FILE_ERROR, G_FILE_ERROR_NOENT },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED },
    { RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_NOT_FOUND },
    { RESILIENT_HTTP_ERROR, RESILIENT_HTTP_ERROR_NOT_FOUND },
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      backoff (f, answers[i].domain, answers[i].code, NULL);
      test_run_pending ();
      g_assert_error (f->error, answers[i].domain, answers[i].code);
      g_assert_cmpint (
        resilient_event_get_reason (last_event (f)), ==, RESILIENT_REASON_NOT_RETRYABLE);
    }
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 1);
}

/* What a policy retries, of errors of all kinds; the default one only what was not begun. */
static void
test_kinds (Fixture *f, gconstpointer data)
{
  const struct
  {
    GQuark domain;
    int code;
    gboolean by_default;
    ResilientEventType end;
  } rows[] = {
    { G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_IO_ERROR, G_IO_ERROR_BUSY, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, TRUE, RESILIENT_EVENT_TYPE_ERROR },
    { G_TLS_ERROR, G_TLS_ERROR_EOF, FALSE, RESILIENT_EVENT_TYPE_ERROR },
    { G_IO_ERROR, G_IO_ERROR_TIMED_OUT, FALSE, RESILIENT_EVENT_TYPE_TIMEOUT },
    { G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, FALSE, RESILIENT_EVENT_TYPE_ERROR },
    { G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY, FALSE, RESILIENT_EVENT_TYPE_TIMEOUT },
    { G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED, FALSE, RESILIENT_EVENT_TYPE_ERROR },
    { RESILIENT_HTTP_ERROR, 503, FALSE, RESILIENT_EVENT_TYPE_ERROR },
    { RESILIENT_HTTP_ERROR, 500, FALSE, RESILIENT_EVENT_TYPE_ERROR },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      use (f, resilient_retry_policy_get_standard ());
      backoff (f, rows[i].domain, rows[i].code, NULL);
      test_clock_run (1);
      g_assert_true (f->again);

      use (f, resilient_retry_policy_get_default ());
      backoff (f, rows[i].domain, rows[i].code, NULL);
      test_clock_run (2);
      g_assert_true (f->again == rows[i].by_default);
      if (!rows[i].by_default)
        {
          g_assert_error (f->error, rows[i].domain, rows[i].code);
          g_assert_cmpint (resilient_event_get_event_type (last_event (f)), ==, rows[i].end);
        }
    }
}

/* Nothing is known of the failure: what the policy retries at all. */
static void
test_no_cause (Fixture *f, gconstpointer data)
{
  const ResilientFailure retried[] = { RESILIENT_FAILURE_DISCONNECT, RESILIENT_FAILURE_STATUS };

  for (guint i = 0; i < G_N_ELEMENTS (retried); i++)
    {
      g_autoptr (ResilientRetryPolicyBuilder) builder =
        resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
      g_autoptr (ResilientRetryPolicy) some = NULL;
      g_autoptr (ResilientRetryPolicy) none = NULL;

      resilient_retry_policy_builder_set_retry_on (builder, retried[i]);
      some = resilient_retry_policy_builder_build (builder, NULL);
      use (f, some);
      backoff (f, 0, 0, NULL);
      test_clock_run (1);
      g_assert_true (f->again);
      backoff (f, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED, NULL);
      test_clock_run (1);
      g_assert_true (f->again);

      resilient_retry_policy_builder_set_retry_on (builder, RESILIENT_FAILURE_NONE);
      none = resilient_retry_policy_builder_build (builder, NULL);
      use (f, none);
      backoff (f, 0, 0, NULL);
      test_run_pending ();
      g_assert_error (f->error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_RETRIES_EXHAUSTED);
    }
}

static void
assert_cancelled (Fixture *f)
{
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (
    resilient_event_get_event_type (last_event (f)), ==, RESILIENT_EVENT_TYPE_CANCELLED);
  g_assert_cmpuint (resilient_event_get_failure (last_event (f)), ==, RESILIENT_FAILURE_CANCELLED);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  backoff (f, 0, 0, cancellable);
  test_clock_run (0.5);
  g_cancellable_cancel (cancellable);
  g_assert_cmpuint (f->n_called, ==, 0);
  assert_cancelled (f);

  /* before it begins, no attempt is used up */
  backoff (f, 0, 0, cancellable);
  assert_cancelled (f);
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 2);

  g_cancellable_reset (cancellable);
  backoff (f, 0, 0, cancellable);
  test_clock_run (2);
  g_assert_true (f->again);
}

/* Two who wait would make two attempts at once. */
static void
test_pending (Fixture *f, gconstpointer data)
{
  backoff (f, 0, 0, NULL);
  backoff (f, 0, 0, NULL);
  test_run_pending ();
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 2);
  test_clock_run (1);
  g_assert_cmpuint (f->n_called, ==, 2);
  g_assert_true (f->again);
}

/* Who sleeps in the parent keeps nobody waiting in a forked child. */
static void
test_fork (Fixture *f, gconstpointer data)
{
  int status = -1;
  pid_t pid;

  backoff (f, 0, 0, NULL);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      alarm (TEST_DEADLINE_SECONDS);
      backoff (f, 0, 0, NULL);
      test_clock_run (2);
      g_assert_no_error (f->error);
      g_assert_cmpuint (f->n_called, ==, 1);
      g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 3);
      _exit (0);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  test_clock_run (1);
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_true (f->again);
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 2);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      backoff (f, 0, 0, NULL);
      test_clock_run (1);
      g_assert_true (f->again);
      resilient_retrier_reset (f->retrier);
      g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 1);
    }

  /* while somebody sleeps */
  backoff (f, 0, 0, NULL);
  g_string_truncate (f->notified, 0);
  resilient_retrier_reset (f->retrier);
  resilient_retrier_reset (f->retrier);
  g_assert_cmpstr (f->notified->str, ==, "1 ");
  test_clock_run (1);
  g_assert_true (f->again);
  g_assert_cmpuint (resilient_retrier_get_attempt (f->retrier), ==, 1);
}

/* The last reference goes while somebody sleeps: he is told all the same. */
static void
test_drop (Fixture *f, gconstpointer data)
{
  backoff (f, 0, 0, NULL);
  g_clear_object (&f->retrier);
  test_clock_run (1);
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_true (f->again);
}

static void
drop_cb (ResilientRetrier *retrier, ResilientEvent *event, gpointer data)
{
  Fixture *f = data;

  g_clear_object (&f->retrier);
  resilient_retrier_reset (retrier);
}

static void
test_drop_in_handler (Fixture *f, gconstpointer data)
{
  g_signal_connect (f->retrier, "event", G_CALLBACK (drop_cb), f);
  resilient_retrier_backoff_async (f->retrier, NULL, NULL, backoff_cb, f);
  g_assert_null (f->retrier);
  test_clock_run (1);
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_true (f->again);
}

/* What is due during suspend is done at resume. */
static void
test_suspend (Fixture *f, gconstpointer data)
{
  backoff (f, 0, 0, NULL);
  test_clock_suspend (3600);
  g_assert_cmpuint (f->n_called, ==, 1);
  g_assert_true (f->again);
}

static void
test_context (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicy) one = new_policy (1);
  g_autoptr (ResilientRetryPolicy) two = new_policy (2);
  g_autoptr (ResilientRequestContext) bare =
    resilient_request_context_new ("mount", NULL, g_variant_new_parsed ("{'a': <1>}"), NULL);
  g_autoptr (ResilientRequestContext) own = resilient_request_context_new ("own", two, NULL, NULL);
  g_autoptr (ResilientRequestContext) counted = resilient_request_context_increment_attempt (own);
  g_autoptr (ResilientRetrier) first = resilient_retrier_new (one, bare);
  g_autoptr (ResilientRetrier) second = resilient_retrier_new (one, counted);
  g_autoptr (ResilientRetrier) third = resilient_retrier_new (NULL, NULL);
  g_autoptr (ResilientRequestContext) context = resilient_retrier_get_context (first);

  g_assert_true (resilient_retrier_get_retry_policy (first) == one);
  g_assert_cmpstr (resilient_request_context_get_request_id (context), ==, "mount");
  g_assert_cmpint (resilient_request_context_get_max_retries (context), ==, 1);
  g_assert_cmpuint (g_variant_n_children (resilient_request_context_get_metadata (context)), ==, 1);

  g_assert_true (resilient_retrier_get_retry_policy (second) == two);
  g_assert_cmpuint (resilient_retrier_get_attempt (second), ==, 1);

  g_assert_true (resilient_retry_policy_equal (resilient_retrier_get_retry_policy (third),
                                               resilient_retry_policy_get_standard ()));
}

/* A thread with a context of its own is called there. */
static gpointer
sleep_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (ResilientRetryPolicy) policy = new_policy (-1);
  Fixture f = { .retrier = resilient_retrier_new (policy, NULL) };

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();

      backoff (&f, 0, 0, cancellable);
      g_cancellable_cancel (cancellable);
      while (f.n_called == 0)
        g_main_context_iteration (context, TRUE);
      g_assert_error (f.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  g_main_context_pop_thread_default (context);

  g_clear_error (&f.error);
  g_assert_finalize_object (f.retrier);
  return NULL;
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("sleeper", sleep_thread, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* A thread without a context of its own is called in the default one, which another iterates. */
static gpointer
borrow_thread (gpointer data)
{
  Fixture *f = data;

  resilient_retrier_backoff_async (f->retrier, NULL, NULL, backoff_cb, f);
  return NULL;
}

static void
test_borrowed_context (Fixture *f, gconstpointer data)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = resilient_retry_policy_builder_new (NULL);
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  guint n_rounds = test_is_quick () ? 10 : 500;

  resilient_retry_policy_builder_set_base_delay (builder, 0);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  use (f, policy);
  for (guint i = 0; i < n_rounds; i++)
    {
      GThread *thread;

      f->n_called = 0;
      resilient_retrier_reset (f->retrier);
      thread = g_thread_new ("borrower", borrow_thread, f);
      while (f->n_called == 0)
        g_main_context_iteration (NULL, FALSE);
      g_thread_join (thread);
      g_assert_true (f->again);
    }
}

/* An app's writer of logs looks at the retrier, and begins anew. */
static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  Fixture *f = data;

  if (f->retrier == NULL || level != G_LOG_LEVEL_DEBUG)
    return g_log_writer_default (level, fields, n_fields, NULL);
  resilient_retrier_get_attempt (f->retrier);
  resilient_retrier_reset (f->retrier);
  g_string_append (f->notified, "log ");
  return G_LOG_WRITER_HANDLED;
}

/* What is told to who debugs is told without the lock. */
static void
test_debug_lines (void)
{
  static Fixture f;

  if (!g_test_subprocess ())
    {
      g_setenv ("G_MESSAGES_DEBUG", "Resilient", TRUE);
      g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
      g_unsetenv ("G_MESSAGES_DEBUG");
      g_assert_false (g_test_trap_reached_timeout ());
      g_test_trap_assert_passed ();
      return;
    }

  g_log_set_writer_func (write_cb, &f, NULL);
  set_up (&f, NULL);
  backoff (&f, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, NULL);
  g_assert_nonnull (strstr (f.notified->str, "log "));
  g_assert_cmpuint (resilient_retrier_get_attempt (f.retrier), ==, 1);
  test_clock_run (2);
  g_assert_true (f.again);
  backoff (&f, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, NULL);
  test_run_pending ();
  g_assert_error (f.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  tear_down (&f, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add ("/retrier/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("backoff", test_backoff);
  ADD ("exhausted", test_exhausted);
  ADD ("no-retries", test_no_retries);
  ADD ("unlimited", test_unlimited);
  ADD ("answer", test_answer);
  ADD ("kinds", test_kinds);
  ADD ("no-cause", test_no_cause);
  ADD ("cancel", test_cancel);
  ADD ("pending", test_pending);
  ADD ("fork", test_fork);
  ADD ("reset", test_reset);
  ADD ("drop", test_drop);
  ADD ("drop-in-handler", test_drop_in_handler);
  ADD ("suspend", test_suspend);
  ADD ("context", test_context);
  ADD ("threads", test_threads);
  ADD ("borrowed-context", test_borrowed_context);
#undef ADD
  g_test_add_func ("/retrier/debug-lines", test_debug_lines);

  return g_test_run ();
}
