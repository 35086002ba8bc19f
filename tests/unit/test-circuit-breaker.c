/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-circuit-breaker-private.h"

#include <math.h>
#include <string.h>

#include "resilient-circuit-policy-builder.h"
#include "resilient-error.h"
#include "resilient-random-private.h"
#include "test-clock.h"
#include "test-util.h"

/* Zero stands for the default. */
typedef struct
{
  int failure_threshold;
  double failure_rate;
  int minimum_calls;
  double window;
  double recovery_timeout;
  int half_open_max_calls;
  double lease;
} Settings;

static ResilientCircuitPolicy *
new_policy (const Settings *settings)
{
  g_autoptr (ResilientCircuitPolicyBuilder) builder = resilient_circuit_policy_builder_new (NULL);
  g_autoptr (GError) error = NULL;
  ResilientCircuitPolicy *policy;

  if (settings->failure_threshold != 0)
    resilient_circuit_policy_builder_set_failure_threshold (builder, settings->failure_threshold);
  if (settings->failure_rate != 0)
    resilient_circuit_policy_builder_set_failure_rate (builder, settings->failure_rate);
  if (settings->minimum_calls != 0)
    resilient_circuit_policy_builder_set_minimum_calls (builder, settings->minimum_calls);
  if (settings->window != 0)
    resilient_circuit_policy_builder_set_window (builder, settings->window);
  if (settings->recovery_timeout != 0)
    resilient_circuit_policy_builder_set_recovery_timeout (builder, settings->recovery_timeout);
  if (settings->half_open_max_calls != 0)
    resilient_circuit_policy_builder_set_half_open_max_calls (builder,
                                                              settings->half_open_max_calls);
  if (settings->lease != 0)
    resilient_circuit_policy_builder_set_lease (builder, settings->lease);
  policy = resilient_circuit_policy_builder_build (builder, &error);
  g_assert_no_error (error);

  return policy;
}

static ResilientCircuitBreaker *
new_breaker (const Settings *settings)
{
  g_autoptr (ResilientCircuitPolicy) policy = new_policy (settings);

  return resilient_circuit_breaker_new (policy);
}

static char
letter_of (ResilientCircuitState state)
{
  return "COH"[state];
}

static void
assert_refused (ResilientCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (resilient_circuit_breaker_check (breaker, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  g_clear_error (&error);
  g_assert_null (resilient_circuit_breaker_acquire (breaker, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), >, 0.0);
}

static ResilientPermit *
acquire (ResilientCircuitBreaker *breaker)
{
  g_autoptr (GError) error = NULL;
  ResilientPermit *permit;

  g_assert_true (resilient_circuit_breaker_check (breaker, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), ==, 0.0);
  permit = resilient_circuit_breaker_acquire (breaker, &error);
  g_assert_no_error (error);
  g_assert_nonnull (permit);

  return permit;
}

/* What a row does, word by word:
 *   s f d   a call succeeds, fails, drops its permit
 *   x       a call is refused
 *   a       a call is begun; s1 f1 d1 is how the first of those ends
 *   +30     so many seconds pass
 *   C O H   the state is closed, open, half-open
 *   =30     so many seconds are left, up to a fifth more
 *   trip, reset */
static void
run_script (ResilientCircuitBreaker *breaker, const char *script)
{
  g_autoptr (GPtrArray) begun = g_ptr_array_new ();
  g_auto (GStrv) words = g_strsplit (script, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      const char *word = words[i];
      ResilientPermit *permit = NULL;

      g_test_message ("%u: %s", i, word);
      if (strcmp (word, "trip") == 0)
        resilient_circuit_breaker_trip (breaker);
      else if (strcmp (word, "reset") == 0)
        resilient_circuit_breaker_reset (breaker);
      else if (word[0] == '+')
        test_clock_advance (g_ascii_strtod (word + 1, NULL));
      else if (word[0] == '=')
        {
          double left = g_ascii_strtod (word + 1, NULL);

          g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), >=, left);
          g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), <=, 1.2 * left);
        }
      else if (strchr ("COH", word[0]) != NULL)
        g_assert_cmpint (letter_of (resilient_circuit_breaker_get_state (breaker)), ==, word[0]);
      else if (word[0] == 'x')
        assert_refused (breaker);
      else if (word[0] == 'a')
        g_ptr_array_add (begun, acquire (breaker));
      else
        {
          g_assert_nonnull (strchr ("sfd", word[0]));
          if (word[1] == '\0')
            permit = acquire (breaker);
          else
            permit = g_steal_pointer (&begun->pdata[word[1] - '1']);
          if (word[0] == 's')
            resilient_permit_succeed (permit);
          else if (word[0] == 'f')
            resilient_permit_fail (permit);
          g_object_unref (permit);
        }
    }

  for (guint i = 0; i < begun->len; i++)
    g_clear_object ((ResilientPermit **) &begun->pdata[i]);
}

static void
log_change_cb (ResilientCircuitBreaker *breaker,
               ResilientCircuitState old_state,
               ResilientCircuitState new_state,
               gpointer user_data)
{
  GString *log = user_data;

  if (log->len > 0)
    g_string_append_c (log, ' ');
  g_string_append_c (log, letter_of (old_state));
  g_string_append_c (log, letter_of (new_state));
}

static void
count_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  guint *count = user_data;

  (*count)++;
}

static const struct
{
  const char *path;
  Settings settings;
  const char *script;
  const char *changes;
} rows[] = {
  { "closed", { 0 }, "C s f s f C =0", "" },
  { "in-a-row", { 0 }, "f f f f C f O x", "CO" },
  { "in-a-row-of-one", { .failure_threshold = 1 }, "s s C f O x", "CO" },
  { "success-begins-anew", { .minimum_calls = 100 }, "f f f f s f f f f C f O", "CO" },
  { "drop-is-no-outcome", { .minimum_calls = 5 }, "f f f f d d d d C f O", "CO" },
  { "drop-does-not-part", { .minimum_calls = 100 }, "f f d f d f C f O", "CO" },
  { "rate", { 0 }, "s f s f s f s f s C f O x", "CO" },
  { "rate-by-success", { 0 }, "f s f s f s f s f C s O x", "CO" },
  { "rate-below-minimum", { 0 }, "f f f f s C s s s s C", "" },
  { "rate-below-rate", { .failure_rate = 0.6 }, "f s f s f s f s f s f C s f C f C f O", "CO" },
  { "rate-of-all",
    { .failure_rate = 1, .failure_threshold = 100 },
    "s f f f f f f f f f f f C",
    "" },
  { "rate-in-order-of-reports", { .failure_threshold = 2 }, "a a a f1 s2 f3 C", "" },
  { "window-forgets", { 0 }, "f f f f +61 s s s s s s C", "" },
  { "window-forgets-failures",
    { .minimum_calls = 5 },
    "f f f f +61 s s s s s s C +61 s s s s s s C",
    "" },
  { "window-remembers", { 0 }, "f f f f +58 s s s s s f O", "CO" },
  { "window-slides",
    { .window = 10, .failure_threshold = 100 },
    "f f f f +9 s s s s s +2 f f f f C f O",
    "CO" },
  { "window-comes-round", { .minimum_calls = 5, .failure_threshold = 100 }, "f f f f +60 f C", "" },
  { "row-is-not-of-the-window", { 0 }, "f f f f +1000 C f O", "CO" },
  { "recovery", { 0 }, "f f f f f O =30 +29.9 O x +6.1 H s C s", "CO OH HC" },
  { "half-open-unasked", { 0 }, "trip +36 H +1000 H =0", "CO" },
  { "half-open-fails", { 0 }, "trip +36 H f O x =60 +59.9 x +12.1 H", "CO OH HO" },
  { "half-open-drops", { 0 }, "trip +36 d H d H s C", "CO OH HC" },
  { "half-open-one", { 0 }, "trip +36 a x H x s1 C", "CO OH HC" },
  { "half-open-three",
    { .half_open_max_calls = 3 },
    "trip +36 a a a x s1 x s3 x H s2 C",
    "CO OH HC" },
  { "half-open-one-by-one", { .half_open_max_calls = 3 }, "trip +36 s H s H s C", "CO OH HC" },
  { "half-open-one-fails",
    { .half_open_max_calls = 3 },
    "trip +36 a a a s1 s2 f3 O x",
    "CO OH HO" },
  { "half-open-late-probe",
    { .half_open_max_calls = 2 },
    "trip +36 a a f1 O s2 O x +72 H",
    "CO OH HO" },
  { "doubled-and-back",
    { 0 },
    "trip =30 +36 f =60 +72 f =120 +144 f =240 +288 f =250 +300 f =250 +300 s C trip =30",
    "CO OH HO OH HO OH HO OH HO OH HO OH HC CO" },
  { "doubled-short",
    { .recovery_timeout = 0.5 },
    "trip =0.5 +0.6 f =1 +1.2 f =2",
    "CO OH HO OH HO" },
  { "never-below-the-timeout",
    { .recovery_timeout = 400 },
    "trip =400 +399 x +81 f =400",
    "CO OH HO" },
  { "lease", { .lease = 10 }, "trip +36 a x =10 +9.9 x +0.1 a x =10 +10 a s3 C", "CO OH HC" },
  { "lease-late-success", { .lease = 10 }, "trip +36 a +10 s1 H a s2 C", "CO OH HC" },
  { "lease-late-failure", { .lease = 10 }, "trip +36 a +10 f1 H a x f2 O", "CO OH HO" },
  { "lease-late-twice", { .lease = 10 }, "trip +36 a +10 a s1 H x f2 O", "CO OH HO" },
  { "lease-in-turn",
    { .lease = 10, .half_open_max_calls = 2 },
    "trip +36 a +4 a x =6 +6 a x =4 s2 s3 C",
    "CO OH HC" },
  { "lease-after-success",
    { .lease = 10, .half_open_max_calls = 2 },
    "trip +36 s a x +10 H a x s2 C",
    "CO OH HC" },
  { "lease-not-while-closed", { .lease = 1, .failure_threshold = 1 }, "a +100 f1 O", "CO" },
  { "late-success", { 0 }, "a trip s1 O +36 s C", "CO OH HC" },
  { "late-failure", { 0 }, "a trip +36 s C f1 C f f f f C f O", "CO OH HC CO" },
  { "late-failures",
    { .failure_threshold = 2 },
    "a a a a f1 f2 O =30 +10 f3 f4 O +26 H s C",
    "CO OH HC" },
  { "late-failure-half-open", { 0 }, "a trip +36 a f1 H s2 C", "CO OH HC" },
  { "trip-twice", { 0 }, "trip =30 +20 trip =30 +29 x +7 H", "CO" },
  { "trip-half-open", { 0 }, "trip +36 H trip O =60", "CO OH HO" },
  { "reset-closed", { 0 }, "f f f f a reset f1 f f f f C f O", "CO" },
  { "reset-counts",
    { .minimum_calls = 4, .failure_threshold = 100 },
    "trip reset f f f C f O",
    "CO OC CO" },
  { "reset-failures",
    { .minimum_calls = 4, .failure_threshold = 100, .failure_rate = 1 },
    "trip reset s f f f C",
    "CO OC" },
  { "reset-open", { 0 }, "trip reset C s", "CO OC" },
  { "reset-half-open", { 0 }, "trip +36 a reset C f1 C", "CO OH HC" },
  { "reset-half-open-unasked", { 0 }, "trip +36 reset C", "CO OH HC" },
  { "reset-doubled", { 0 }, "trip +36 f =60 reset trip =30", "CO OH HO OC CO" },
};

static void
test_row (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data), n_notifies = 0;
  ResilientCircuitBreaker *breaker = new_breaker (&rows[i].settings);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GString) told = g_string_new (NULL);

  g_signal_connect (breaker, "state-changed", G_CALLBACK (log_change_cb), log);
  g_signal_connect (breaker, "notify::state", G_CALLBACK (count_cb), &n_notifies);
  resilient_circuit_breaker_set_changed_func (breaker, log_change_cb, told, NULL);

  run_script (breaker, rows[i].script);
  g_assert_cmpstr (told->str, ==, rows[i].changes);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, rows[i].changes);
  g_assert_cmpuint (n_notifies, ==, (log->len + 1) / 3);

  g_assert_finalize_object (breaker);
}

static void
test_permit (void)
{
  const Settings settings = { .failure_threshold = 2 };
  ResilientCircuitBreaker *breaker = new_breaker (&settings);
  ResilientPermit *permit = acquire (breaker);
  ResilientPermit *alone = g_object_new (RESILIENT_TYPE_PERMIT, NULL);

  /* Only the first report counts. */
  resilient_permit_fail (permit);
  resilient_permit_fail (permit);
  resilient_permit_succeed (permit);
  g_assert_finalize_object (permit);
  run_script (breaker, "C f O");

  /* Disposing of it is dropping it. */
  run_script (breaker, "+36 H");
  permit = acquire (breaker);
  run_script (breaker, "x");
  g_object_run_dispose (G_OBJECT (permit));
  resilient_permit_fail (permit);
  run_script (breaker, "H s C");
  g_assert_finalize_object (permit);

  /* It outlives who gave it. */
  permit = acquire (breaker);
  g_object_unref (breaker);
  resilient_permit_succeed (permit);
  g_assert_finalize_object (permit);

  /* Of no breaker, as only a binding can make one. */
  resilient_permit_succeed (alone);
  resilient_permit_fail (alone);
  g_assert_finalize_object (alone);
}

static void
test_jitter (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);
  double shortest = G_MAXDOUBLE, longest = 0;

  for (guint i = 0; i < 1000; i++)
    {
      double left;

      resilient_circuit_breaker_trip (breaker);
      left = resilient_circuit_breaker_get_retry_after (breaker);
      shortest = MIN (shortest, left);
      longest = MAX (longest, left);
    }
  g_assert_cmpfloat (shortest, >=, 30.0);
  g_assert_cmpfloat (shortest, <, 30.1);
  g_assert_cmpfloat (longest, >, 35.9);
  g_assert_cmpfloat (longest, <, 36.0);

  g_assert_finalize_object (breaker);
}

/* To the microsecond. */
static void
test_boundary (void)
{
  const Settings settings = { .lease = 10 };
  ResilientCircuitBreaker *breaker = new_breaker (&settings);
  ResilientCircuitLease lease = { 0 };
  g_autoptr (GError) error = NULL;
  ResilientPermit *probe;

  resilient_circuit_breaker_trip (breaker);
  test_clock_pass (resilient_circuit_breaker_get_retry_after (breaker) - 1e-6);
  g_assert_cmpfloat_with_epsilon (resilient_circuit_breaker_get_retry_after (breaker), 1e-6, 1e-9);
  run_script (breaker, "O x");
  g_assert_false (resilient_circuit_breaker_take (breaker, &lease, &error));
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CIRCUIT_OPEN);
  test_clock_pass (1e-6);
  run_script (breaker, "H");

  probe = acquire (breaker);
  test_clock_pass (10 - 1e-6);
  run_script (breaker, "x");
  test_clock_pass (1e-6);
  /* Its time is over, whether somebody has asked or not. */
  resilient_permit_fail (probe);
  run_script (breaker, "H s C");
  g_assert_finalize_object (probe);

  /* A lease that ends now has not ended for who reports before. */
  run_script (breaker, "trip +36");
  probe = acquire (breaker);
  test_clock_pass (10 - 1e-6);
  resilient_permit_succeed (probe);
  run_script (breaker, "C");
  g_assert_finalize_object (probe);

  g_assert_finalize_object (breaker);
}

/* A probe whose answer has begun has shown that there is somebody: its end, late or bad, tells
 * nothing of that any more. Any other call counts at its end. */
static void
test_answered (void)
{
  const Settings settings = { .lease = 10, .failure_threshold = 1 };
  ResilientCircuitBreaker *breaker = new_breaker (&settings);
  ResilientCircuitLease lease = { 0 };

  g_assert_true (resilient_circuit_breaker_take (breaker, &lease, NULL));
  resilient_circuit_breaker_answered (breaker, &lease);
  resilient_circuit_breaker_report (breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_FAILED);
  run_script (breaker, "O +36 H");

  lease = (ResilientCircuitLease){ 0 };
  g_assert_true (resilient_circuit_breaker_take (breaker, &lease, NULL));
  run_script (breaker, "H x");
  resilient_circuit_breaker_answered (breaker, &lease);
  run_script (breaker, "C");
  resilient_circuit_breaker_answered (breaker, &lease);
  test_clock_pass (100);
  resilient_circuit_breaker_report (breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_FAILED);
  run_script (breaker, "C");
  g_assert_finalize_object (breaker);
}

static void
test_properties (void)
{
  const Settings settings = { .failure_threshold = 1 };
  g_autoptr (ResilientCircuitPolicy) policy = new_policy (&settings);
  g_autoptr (ResilientCircuitPolicy) got = NULL;
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (policy);
  ResilientCircuitBreaker *plain = g_object_new (RESILIENT_TYPE_CIRCUIT_BREAKER, NULL);
  ResilientCircuitState state;
  double retry_after;

  run_script (breaker, "f O");
  g_object_get (breaker, "policy", &got, "state", &state, "retry-after", &retry_after, NULL);
  g_assert_true (got == policy);
  g_assert_cmpint (state, ==, RESILIENT_CIRCUIT_STATE_OPEN);
  g_assert_cmpfloat (retry_after, ==, resilient_circuit_breaker_get_retry_after (breaker));
  g_assert_true (resilient_circuit_breaker_get_policy (plain)
                 == resilient_circuit_policy_get_default ());

  g_assert_finalize_object (breaker);
  g_assert_finalize_object (plain);
}

static void
test_error (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);
  g_autoptr (ResilientPermit) probe = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = NULL;

  resilient_circuit_breaker_trip (breaker);
  expected = g_strdup_printf ("The circuit breaker is open: the next call may be made in %.1f s",
                              resilient_circuit_breaker_get_retry_after (breaker));
  g_assert_null (resilient_circuit_breaker_acquire (breaker, &error));
  g_assert_cmpstr (error->message, ==, expected);
  g_clear_error (&error);
  /* Without a place for the error it is the same. */
  g_assert_null (resilient_circuit_breaker_acquire (breaker, NULL));
  g_assert_false (resilient_circuit_breaker_check (breaker, NULL));

  run_script (breaker, "+36");
  probe = acquire (breaker);
  g_assert_null (resilient_circuit_breaker_acquire (breaker, &error));
  g_assert_cmpstr (error->message,
                   ==,
                   "The circuit breaker is half-open: it waits for its probes, for 60.0 s at most");

  g_clear_object (&probe);
  g_assert_finalize_object (breaker);
}

/* In the main context of the thread that made it, whoever makes the change. */
static void
test_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  ResilientCircuitBreaker *breaker;

  g_main_context_push_thread_default (context);
  breaker = resilient_circuit_breaker_new (NULL);
  g_main_context_pop_thread_default (context);
  g_signal_connect (breaker, "state-changed", G_CALLBACK (log_change_cb), log);

  run_script (breaker, "trip reset trip");
  g_assert_cmpstr (log->str, ==, "");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, "");
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, "CO OC CO");
  g_assert_finalize_object (breaker);

  /* NULL: the global default context */
  for (guint i = 0; i < 2; i++)
    {
      breaker = resilient_circuit_breaker_new_for_context (NULL, i == 0 ? context : NULL);
      g_string_truncate (log, 0);
      g_signal_connect (breaker, "state-changed", G_CALLBACK (log_change_cb), log);
      run_script (breaker, "trip");
      while (g_main_context_iteration (i == 0 ? context : NULL, FALSE))
        ;
      g_assert_cmpstr (log->str, ==, "CO");
      g_assert_finalize_object (breaker);
    }
}

static void
count_notify_cb (ResilientCircuitBreaker *breaker, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Who is told of the property alone, and a probe that fails ever again: the time open does not grow
 * for ever. */
static void
test_reopened_often (void)
{
  g_autoptr (ResilientCircuitBreaker) breaker = resilient_circuit_breaker_new (NULL);
  guint n_notified = 0;

  g_signal_connect (breaker, "notify::state", G_CALLBACK (count_notify_cb), &n_notified);
  resilient_circuit_breaker_trip (breaker);
  for (guint i = 0; i < 70; i++)
    {
      g_autoptr (ResilientPermit) permit = NULL;

      g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), <=, 300);
      test_clock_advance (301);
      permit = resilient_circuit_breaker_acquire (breaker, NULL);
      g_assert_nonnull (permit);
      resilient_permit_fail (permit);
    }
  g_assert_cmpfloat (resilient_circuit_breaker_get_retry_after (breaker), >=, 250);
  test_run_pending ();
  /* opened once, and then half-open and open each time */
  g_assert_cmpuint (n_notified, ==, 1 + 2 * 70);
}

/* A handler uses the breaker, and waits in a main loop for what comes next. */
static void
nested_cb (ResilientCircuitBreaker *breaker,
           ResilientCircuitState old_state,
           ResilientCircuitState new_state,
           gpointer user_data)
{
  GString *log = user_data;
  gsize before;

  log_change_cb (breaker, old_state, new_state, log);
  before = log->len;
  if (new_state != RESILIENT_CIRCUIT_STATE_OPEN)
    return;
  if (old_state == RESILIENT_CIRCUIT_STATE_CLOSED)
    resilient_circuit_breaker_reset (breaker);
  while (log->len == before)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_nested (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);
  g_autoptr (GString) log = g_string_new (NULL);

  g_signal_connect (breaker, "state-changed", G_CALLBACK (nested_cb), log);
  resilient_circuit_breaker_trip (breaker);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, "CO OC");
  g_assert_finalize_object (breaker);
}

static void
nested_notify_cb (ResilientCircuitBreaker *breaker, GParamSpec *pspec, gpointer user_data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* A handler of the notification runs a main loop while another change is on its way. */
static void
test_nested_notify (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);
  g_autoptr (GString) log = g_string_new (NULL);

  g_signal_connect (breaker, "notify::state", G_CALLBACK (nested_notify_cb), NULL);
  g_signal_connect (breaker, "state-changed", G_CALLBACK (log_change_cb), log);
  run_script (breaker, "trip reset");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (log->str, ==, "CO OC");
  g_assert_finalize_object (breaker);
}

static void
reenter_cb (ResilientCircuitBreaker *breaker,
            ResilientCircuitState old_state,
            ResilientCircuitState new_state,
            gpointer user_data)
{
  if (new_state == RESILIENT_CIRCUIT_STATE_OPEN)
    {
      resilient_circuit_breaker_reset (breaker);
      g_assert_cmpint (
        resilient_circuit_breaker_get_state (breaker), ==, RESILIENT_CIRCUIT_STATE_CLOSED);
    }
  /* That change comes after this one, and not within. */
  log_change_cb (breaker, old_state, new_state, user_data);
}

static void
destroy_cb (gpointer user_data)
{
  g_string_append_c (user_data, '.');
}

static void
test_changed_func (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);
  g_autoptr (GString) log = g_string_new (NULL);

  resilient_circuit_breaker_set_changed_func (breaker, reenter_cb, log, destroy_cb);
  run_script (breaker, "trip C");
  g_assert_cmpstr (log->str, ==, "CO OC");
  g_assert_finalize_object (breaker);
  g_assert_cmpstr (log->str, ==, "CO OC.");
}

static void
drop_cb (ResilientCircuitBreaker *breaker,
         ResilientCircuitState old_state,
         ResilientCircuitState new_state,
         gpointer user_data)
{
  g_object_unref (breaker);
}

static void
test_dropped_by_listener (void)
{
  const Settings settings = { .failure_threshold = 1 };
  ResilientCircuitBreaker *breaker = new_breaker (&settings);
  ResilientCircuitLease lease = { 0 };
  gpointer weak = breaker;

  g_object_add_weak_pointer (G_OBJECT (breaker), &weak);
  resilient_circuit_breaker_set_changed_func (breaker, drop_cb, NULL, NULL);
  g_assert_true (resilient_circuit_breaker_take (breaker, &lease, NULL));
  resilient_circuit_breaker_report (breaker, &lease, RESILIENT_CIRCUIT_OUTCOME_FAILED);
  g_assert_null (weak);
}

/* Nobody listens: nothing is sent anywhere. */
static void
test_unheard (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);

  run_script (breaker, "trip reset trip");
  g_assert_false (g_main_context_pending (NULL));
  g_assert_finalize_object (breaker);
}

/* Huge times saturate, tiny ones are at least a microsecond. */
static void
test_extremes (void)
{
  const Settings huge = { .window = 1e300, .recovery_timeout = 1e300, .lease = 1e300 };
  const Settings endless = { .recovery_timeout = G_MAXDOUBLE };
  const Settings tiny = { .window = 1e-300, .recovery_timeout = 1e-300, .lease = 1e-300 };
  ResilientCircuitBreaker *breaker = new_breaker (&huge);

  run_script (breaker, "f f f f +1e9 f O x +1e9 O x reset C");
  g_assert_finalize_object (breaker);

  /* Where a fifth more is no number any more. */
  breaker = new_breaker (&endless);
  for (guint i = 0; i < 10; i++)
    run_script (breaker, "trip +1e9 O x");
  g_assert_finalize_object (breaker);

  breaker = new_breaker (&tiny);
  run_script (breaker, "f f f f f O +0.00001 H a +0.00001 H s C");
  g_assert_finalize_object (breaker);
}

/* Boot time goes on in a sleep. */
static void
test_suspend (void)
{
  ResilientCircuitBreaker *breaker = resilient_circuit_breaker_new (NULL);

  run_script (breaker, "trip x");
  test_clock_suspend (36);
  run_script (breaker, "H s C");
  g_assert_finalize_object (breaker);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  test_clock_install ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/circuit-breaker/", rows[i].path, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/circuit-breaker/permit", test_permit);
  g_test_add_func ("/circuit-breaker/jitter", test_jitter);
  g_test_add_func ("/circuit-breaker/boundary", test_boundary);
  g_test_add_func ("/circuit-breaker/answered", test_answered);
  g_test_add_func ("/circuit-breaker/properties", test_properties);
  g_test_add_func ("/circuit-breaker/error", test_error);
  g_test_add_func ("/circuit-breaker/context", test_context);
  g_test_add_func ("/circuit-breaker/reopened-often", test_reopened_often);
  g_test_add_func ("/circuit-breaker/nested", test_nested);
  g_test_add_func ("/circuit-breaker/nested-notify", test_nested_notify);
  g_test_add_func ("/circuit-breaker/changed-func", test_changed_func);
  g_test_add_func ("/circuit-breaker/dropped-by-listener", test_dropped_by_listener);
  g_test_add_func ("/circuit-breaker/unheard", test_unheard);
  g_test_add_func ("/circuit-breaker/extremes", test_extremes);
  g_test_add_func ("/circuit-breaker/suspend", test_suspend);

  return g_test_run ();
}
