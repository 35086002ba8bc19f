/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-subscription-private.h"

#include <math.h>

#include "events-fixture.h"

static gboolean
push (ResilientSubscription *subscription, guint64 sequence)
{
  g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_RETRY, sequence);
  g_autoptr (ResilientEvent) dropped = NULL;

  return resilient_event_buffer_push (
    resilient_subscription_get_buffer (subscription), event, &dropped);
}

static void
push_many (ResilientSubscription *subscription, guint64 first, guint64 last)
{
  for (guint64 i = first; i <= last; i++)
    g_assert_true (push (subscription, i));
}

/* The sequence number of the next event, 0 at the end. */
static guint64
take (ResilientSubscription *subscription)
{
  g_autoptr (ResilientEvent) event = resilient_subscription_try_next (subscription);

  return event != NULL ? resilient_event_get_sequence (event) : 0;
}

/* What callbacks of next_async were given, one letter each: a digit for an event, E for the end, C
 * for cancelled. */
static void
next_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientEvent) event =
    resilient_subscription_next_finish (RESILIENT_SUBSCRIPTION (source), result, &error);

  if (error != NULL)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_null (event);
      g_string_append_c (user_data, 'C');
    }
  else if (event == NULL)
    g_string_append_c (user_data, 'E');
  else
    g_string_append_printf (user_data, "%u", (guint) resilient_event_get_sequence (event));
}

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
count_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  g_assert_true (resilient_subscription_get_closed (RESILIENT_SUBSCRIPTION (object)));
  ++*(guint *) user_data;
}

static const struct
{
  guint capacity;
  guint pushed;
  guint length;
  guint64 dropped;
  guint64 first; /* that can be read */
} capacities[] = {
  { 3, 0, 0, 0, 0 }, { 3, 1, 1, 0, 1 }, { 3, 3, 3, 0, 1 }, { 3, 4, 3, 1, 2 },
  { 3, 9, 3, 6, 7 }, { 1, 5, 1, 4, 5 }, { 0, 5, 0, 5, 0 },
};

static void
test_capacity (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (capacities); i++)
    {
      ResilientSubscription *subscription = resilient_subscription_new (capacities[i].capacity);
      guint capacity, length;
      guint64 dropped;
      gboolean closed;

      push_many (subscription, 1, capacities[i].pushed);
      g_object_get (subscription,
                    "capacity",
                    &capacity,
                    "length",
                    &length,
                    "dropped",
                    &dropped,
                    "closed",
                    &closed,
                    NULL);
      g_assert_cmpuint (capacity, ==, capacities[i].capacity);
      g_assert_cmpuint (length, ==, capacities[i].length);
      g_assert_cmpuint (dropped, ==, capacities[i].dropped);
      g_assert_false (closed);

      for (guint n = 0; n < length; n++)
        g_assert_cmpuint (take (subscription), ==, capacities[i].first + n);
      g_assert_cmpuint (take (subscription), ==, 0);
      g_assert_finalize_object (subscription);
    }
}

/* Operations: a digit is pushed, n next_async, N the same with a cancellable, c cancels it, x
 * closes, f finishes, i iterates, t try_next (what it takes counts too), d next_async of somebody
 * who does not look at the answer. */
static const struct
{
  const char *operations;
  const char *callbacks;
} sequences[] = {
  { "1ni", "1" },         { "n1i", "1" },
  { "nnn123i", "123" },   { "12nnn3i", "123" },
  { "n12ni", "12" },      { "n1n2i", "12" },
  { "ni", "" },           { "nixi", "E" },
  { "nnfi", "EE" },       { "12fnnni", "12E" },
  { "12xni", "E" },       { "1n2xi", "1" },
  { "cNi", "C" },         { "c1Nini", "C1" },
  { "Ncii", "C" },        { "NNci", "CC" },
  { "nNnc12i", "12C" },   { "Nc1ini", "C1" },
  { "Ncxi", "C" },        { "Nncfi", "EC" },
  { "Nnci1i", "C1" },     { "N1ci", "C" },
  { "N1cini", "C1" },     { "N1cti", "1C" },
  { "1Nc2tti", "12C" },   { "N1c2inini", "C12" },
  { "1Nc2inini", "C12" }, { "NN12c3itttt", "CC1230" },
  { "N1cfinini", "C1E" }, { "N1cxini", "CE" },
  { "d1it", "1" },        { "1di2tt", "12" },
  { "d1ni", "1" },        { "d1xi", "" },
  { "Nxci", "E" },        { "1cNti", "1C" },
  { "n1t2ti", "021" },    { "ffxxni", "E" },
  { "N1ici", "1" },
};

static void
test_next (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sequences); i++)
    {
      ResilientSubscription *subscription = resilient_subscription_new (10);
      ResilientEventBuffer *stream = resilient_subscription_get_buffer (subscription);
      GCancellable *cancellable = g_cancellable_new ();
      g_autoptr (GString) callbacks = g_string_new (NULL);

      g_test_message ("%s", sequences[i].operations);
      for (const char *p = sequences[i].operations; *p != '\0'; p++)
        switch (*p)
          {
          case 'n':
          case 'N':
            resilient_subscription_next_async (
              subscription, *p == 'N' ? cancellable : NULL, next_cb, callbacks);
            break;
          case 'd':
            resilient_subscription_next_async (subscription, NULL, NULL, NULL);
            break;
          case 'c':
            g_cancellable_cancel (cancellable);
            break;
          case 'x':
            resilient_subscription_close (subscription);
            break;
          case 'f':
            resilient_subscription_finish (stream);
            break;
          case 't':
            g_string_append_printf (callbacks, "%u", (guint) take (subscription));
            break;
          case 'i':
            iterate ();
            break;
          default:
            g_assert_true (push (subscription, (guint64) (*p - '0')));
          }
      g_assert_cmpstr (callbacks->str, ==, sequences[i].callbacks);

      resilient_subscription_close (subscription);
      iterate ();
      g_assert_finalize_object (subscription);
      g_assert_finalize_object (cancellable);
    }
}

static void
test_close (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  guint notified = 0;

  g_signal_connect (subscription, "notify::closed", G_CALLBACK (count_cb), &notified);
  push_many (subscription, 1, 3);
  resilient_subscription_close (subscription);
  g_assert_cmpuint (notified, ==, 1);
  g_assert_cmpuint (resilient_subscription_get_length (subscription), ==, 0);
  g_assert_cmpuint (resilient_subscription_get_dropped (subscription), ==, 0);
  g_assert_false (push (subscription, 4));
  g_assert_cmpuint (take (subscription), ==, 0);

  resilient_subscription_close (subscription);
  resilient_subscription_finish (resilient_subscription_get_buffer (subscription));
  g_assert_cmpuint (notified, ==, 1);
  g_assert_finalize_object (subscription);
}

static void
test_finish (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  ResilientEventBuffer *stream = resilient_subscription_get_buffer (subscription);
  guint notified = 0;

  g_signal_connect (subscription, "notify::closed", G_CALLBACK (count_cb), &notified);
  push_many (subscription, 1, 3);
  resilient_subscription_finish (stream);
  g_assert_cmpuint (notified, ==, 1);
  g_assert_false (push (subscription, 4));
  g_assert_cmpuint (take (subscription), ==, 1);
  g_assert_cmpuint (take (subscription), ==, 2);

  /* Closing it discards what is left; that it is closed is no news. */
  resilient_subscription_close (subscription);
  g_assert_cmpuint (notified, ==, 1);
  g_assert_cmpuint (take (subscription), ==, 0);
  g_assert_finalize_object (subscription);
}

/* The writer's side when nobody reads any more. */
static void
test_gone (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  g_autoptr (ResilientEventBuffer) stream =
    resilient_event_buffer_ref (resilient_subscription_get_buffer (subscription));
  g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_SUCCESS, 1);
  ResilientEvent *dropped;

  g_assert_true (resilient_event_buffer_push (stream, event, &dropped));
  g_assert_null (dropped);
  g_assert_finalize_object (subscription);
  g_assert_true (resilient_event_buffer_is_ended (stream));
  g_assert_cmpuint (resilient_event_buffer_get_length (stream), ==, 0);
  g_assert_false (resilient_event_buffer_push (stream, event, &dropped));
  g_assert_null (dropped);
  resilient_subscription_finish (stream);
}

static void
test_outstanding (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  g_autoptr (GString) callbacks = g_string_new (NULL);
  gpointer weak = subscription;

  /* Whoever waits keeps it alive … */
  g_object_add_weak_pointer (G_OBJECT (subscription), &weak);
  resilient_subscription_next_async (subscription, NULL, next_cb, callbacks);
  resilient_subscription_next_async (subscription, NULL, next_cb, callbacks);
  g_object_unref (subscription);
  g_assert_nonnull (weak);
  g_assert_true (push (weak, 1));
  iterate ();
  g_assert_cmpstr (callbacks->str, ==, "1");
  g_assert_nonnull (weak);

  /* … until there is nothing to wait for. */
  resilient_subscription_finish (resilient_subscription_get_buffer (weak));
  iterate ();
  g_assert_cmpstr (callbacks->str, ==, "1E");
  g_assert_null (weak);
}

static void
test_dispose (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  g_autoptr (GString) callbacks = g_string_new (NULL);

  resilient_subscription_next_async (subscription, NULL, next_cb, callbacks);
  g_object_run_dispose (G_OBJECT (subscription));
  g_object_run_dispose (G_OBJECT (subscription));
  g_assert_cmpstr (callbacks->str, ==, "");
  iterate ();
  g_assert_cmpstr (callbacks->str, ==, "E");
  g_assert_true (resilient_subscription_get_closed (subscription));
  g_assert_finalize_object (subscription);
}

static void
test_wait (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ResilientEvent) event = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_subscription_wait_next (subscription, 0, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_null (resilient_subscription_wait_next (subscription, 0.005, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);

  push_many (subscription, 1, 3);
  event = resilient_subscription_wait_next (subscription, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, 1);
  g_clear_pointer (&event, resilient_event_unref);
  event = resilient_subscription_wait_next (subscription, INFINITY, cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (resilient_event_get_sequence (event), ==, 2);

  /* A cancelled wait takes nothing. */
  g_cancellable_cancel (cancellable);
  g_assert_null (resilient_subscription_wait_next (subscription, -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpuint (take (subscription), ==, 3);

  resilient_subscription_finish (resilient_subscription_get_buffer (subscription));
  g_assert_null (resilient_subscription_wait_next (subscription, -1, NULL, &error));
  g_assert_no_error (error);

  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*isnan (timeout)*");
  g_assert_null (resilient_subscription_wait_next (subscription, NAN, NULL, &error));
  g_test_assert_expected_messages ();
  g_assert_finalize_object (subscription);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/subscription/capacity", test_capacity);
  g_test_add_func ("/subscription/next", test_next);
  g_test_add_func ("/subscription/close", test_close);
  g_test_add_func ("/subscription/finish", test_finish);
  g_test_add_func ("/subscription/gone", test_gone);
  g_test_add_func ("/subscription/outstanding", test_outstanding);
  g_test_add_func ("/subscription/dispose", test_dispose);
  g_test_add_func ("/subscription/wait", test_wait);

  return g_test_run ();
}
