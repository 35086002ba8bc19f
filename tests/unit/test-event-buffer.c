/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-subscription-private.h"

#include "events-fixture.h"

/* The stream among threads: nothing is lost, nothing comes twice, nobody waits for ever. */

#define N_WRITERS 8
#define N_READERS 4
#define N_EVENTS 1000
#define N_ROUNDS 500

typedef struct
{
  ResilientSubscription *subscription;
  guint number;
} Writer;

/* Writers number their events by themselves: the order of each must survive. */
static gpointer
write_thread (gpointer data)
{
  Writer *writer = data;
  ResilientEventBuffer *stream = resilient_subscription_get_buffer (writer->subscription);

  for (guint i = 0; i < N_EVENTS; i++)
    {
      g_autoptr (ResilientEvent) event =
        make_event (RESILIENT_EVENT_TYPE_RETRY, writer->number * N_EVENTS + i);
      ResilientEvent *dropped;

      g_assert_true (resilient_event_buffer_push (stream, event, &dropped));
      g_assert_null (dropped);
    }
  return NULL;
}

/* What one reader saw. */
typedef struct
{
  ResilientSubscription *subscription;
  guint last[N_WRITERS]; /* 1 + the number of the last event of each writer */
  guint count;
  guint outstanding;
} Reader;

static void
note (Reader *reader, ResilientEvent *event)
{
  guint sequence = (guint) resilient_event_get_sequence (event);
  guint *last = &reader->last[sequence / N_EVENTS];

  g_assert_cmpuint (sequence % N_EVENTS, >=, *last);
  *last = sequence % N_EVENTS + 1;
  reader->count++;
}

static gpointer
read_thread (gpointer data)
{
  Reader *reader = data;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientEvent) event =
        resilient_subscription_wait_next (reader->subscription, -1, cancellable, &error);

      g_assert_no_error (error);
      if (event == NULL)
        return NULL;
      note (reader, event);
    }
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reader *reader = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientEvent) event =
    resilient_subscription_next_finish (reader->subscription, result, &error);

  g_assert_no_error (error);
  reader->outstanding--;
  if (event == NULL)
    return;

  note (reader, event);
  reader->outstanding++;
  resilient_subscription_next_async (reader->subscription, NULL, read_cb, reader);
}

static gpointer
read_async_thread (gpointer data)
{
  Reader *reader = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (reader->outstanding = 0; reader->outstanding < 3; reader->outstanding++)
    resilient_subscription_next_async (reader->subscription, NULL, read_cb, reader);
  while (reader->outstanding > 0)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
run_writers (ResilientSubscription *subscription)
{
  Writer writers[N_WRITERS];
  GThread *threads[N_WRITERS];

  for (guint i = 0; i < N_WRITERS; i++)
    {
      writers[i] = (Writer){ subscription, i };
      threads[i] = g_thread_new ("write", write_thread, &writers[i]);
    }
  for (guint i = 0; i < N_WRITERS; i++)
    g_thread_join (threads[i]);
}

static void
run_readers (const GThreadFunc *funcs, guint n_readers)
{
  ResilientSubscription *subscription = resilient_subscription_new (N_WRITERS * N_EVENTS);
  g_autofree Reader *readers = g_new0 (Reader, n_readers);
  g_autofree GThread **threads = g_new (GThread *, n_readers);
  guint count = 0;

  for (guint i = 0; i < n_readers; i++)
    {
      readers[i].subscription = subscription;
      threads[i] = g_thread_new ("read", funcs[i], &readers[i]);
    }
  run_writers (subscription);
  resilient_subscription_finish (resilient_subscription_get_buffer (subscription));
  for (guint i = 0; i < n_readers; i++)
    {
      g_thread_join (threads[i]);
      count += readers[i].count;
    }

  g_assert_cmpuint (count, ==, N_WRITERS * N_EVENTS);
  g_assert_cmpuint (resilient_subscription_get_length (subscription), ==, 0);
  g_assert_cmpuint (resilient_subscription_get_dropped (subscription), ==, 0);
  g_assert_finalize_object (subscription);
}

static void
test_async (void)
{
  const GThreadFunc funcs[] = { read_async_thread };

  run_readers (funcs, G_N_ELEMENTS (funcs));
}

static void
test_mixture (void)
{
  const GThreadFunc funcs[N_READERS] = {
    read_thread, read_async_thread, read_thread, read_async_thread
  };

  run_readers (funcs, N_READERS);
}

/* A reader that is too slow: what was read and what was dropped is everything. */
static void
test_overflow (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  ResilientEventBuffer *stream = resilient_subscription_get_buffer (subscription);

  for (guint64 i = 1; i <= 1000; i++)
    {
      g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_SUCCESS, i);
      g_autoptr (ResilientEvent) dropped = NULL;

      g_assert_true (resilient_event_buffer_push (stream, event, &dropped));
      if (i <= 10)
        g_assert_null (dropped);
      else
        g_assert_cmpuint (resilient_event_get_sequence (dropped), ==, i - 10);
    }
  g_assert_cmpuint (resilient_subscription_get_dropped (subscription), ==, 990);
  g_assert_finalize_object (subscription);
}

typedef struct
{
  ResilientSubscription *subscription;
  GCancellable *cancellable;
  gint ready; /* atomic: how many threads are at the start */
  guint events, cancelled, callbacks;
} Race;

static void
meet (Race *race)
{
  g_atomic_int_inc (&race->ready);
  while (g_atomic_int_get (&race->ready) < 2)
    g_thread_yield ();
}

static gpointer
cancel_thread (gpointer data)
{
  Race *race = data;

  meet (race);
  g_cancellable_cancel (race->cancellable);
  return NULL;
}

static void
race_push (Race *race)
{
  g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_RETRY, 1);
  ResilientEvent *dropped;

  resilient_event_buffer_push (
    resilient_subscription_get_buffer (race->subscription), event, &dropped);
}

static void
race_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Race *race = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientEvent) event =
    resilient_subscription_next_finish (race->subscription, result, &error);

  race->callbacks++;
  if (event != NULL)
    race->events++;
  else
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      race->cancelled++;
    }
}

/* Cancelling races with an event: one callback, and the event is in it or still there. */
static void
test_cancel_next (void)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      Race race = { resilient_subscription_new (10), g_cancellable_new () };
      GThread *thread = g_thread_new ("cancel", cancel_thread, &race);

      resilient_subscription_next_async (race.subscription, race.cancellable, race_cb, &race);
      meet (&race);
      race_push (&race);
      while (race.callbacks == 0)
        g_main_context_iteration (NULL, TRUE);
      g_thread_join (thread);
      while (g_main_context_iteration (NULL, FALSE))
        ;

      g_assert_cmpuint (race.callbacks, ==, 1);
      g_assert_cmpuint (race.events + resilient_subscription_get_length (race.subscription), ==, 1);
      g_assert_finalize_object (race.subscription);
      g_assert_finalize_object (race.cancellable);
    }
}

static gpointer
wait_thread (gpointer data)
{
  Race *race = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientEvent) event = NULL;

  meet (race);
  event = resilient_subscription_wait_next (race->subscription, -1, race->cancellable, &error);
  if (event == NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return GUINT_TO_POINTER (event != NULL ? 1 : 0);
}

/* A thread that blocks is woken by a cancellation, also by one that comes together with an event.
 * */
static void
test_cancel_wait (gconstpointer data)
{
  gboolean with_event = GPOINTER_TO_INT (data);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      Race race = { resilient_subscription_new (10), g_cancellable_new () };
      GThread *thread = g_thread_new ("wait", wait_thread, &race);
      guint events;

      meet (&race);
      if (with_event)
        race_push (&race);
      g_cancellable_cancel (race.cancellable);
      events = GPOINTER_TO_UINT (g_thread_join (thread));
      events += resilient_subscription_get_length (race.subscription);

      g_assert_cmpuint (events, ==, with_event ? 1 : 0);
      g_assert_finalize_object (race.subscription);
      g_assert_finalize_object (race.cancellable);
    }
}

static gpointer
wait_for_end_thread (gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (resilient_subscription_wait_next (data, -1, NULL, &error));
  g_assert_no_error (error);
  return NULL;
}

/* Closing wakes every thread that blocks. */
static void
test_close_wait (void)
{
  ResilientSubscription *subscription = resilient_subscription_new (10);
  GThread *threads[N_READERS];

  for (guint i = 0; i < N_READERS; i++)
    threads[i] = g_thread_new ("wait", wait_for_end_thread, subscription);
  resilient_subscription_close (subscription);
  for (guint i = 0; i < N_READERS; i++)
    g_thread_join (threads[i]);
  g_assert_finalize_object (subscription);
}

typedef struct
{
  ResilientSubscription *ping, *pong;
} Game;

static gpointer
echo_thread (gpointer data)
{
  Game *game = data;
  ResilientEvent *event, *dropped;

  while ((event = resilient_subscription_wait_next (game->ping, -1, NULL, NULL)) != NULL)
    {
      resilient_event_buffer_push (resilient_subscription_get_buffer (game->pong), event, &dropped);
      resilient_event_unref (event);
    }
  return NULL;
}

/* Each event wakes a thread by itself: one that is forgotten blocks this test for good. */
static void
test_wake (void)
{
  Game game = { resilient_subscription_new (1), resilient_subscription_new (1) };
  GThread *thread = g_thread_new ("echo", echo_thread, &game);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_RETRY, i);
      g_autoptr (ResilientEvent) echo = NULL;
      ResilientEvent *dropped;

      resilient_event_buffer_push (resilient_subscription_get_buffer (game.ping), event, &dropped);
      echo = resilient_subscription_wait_next (game.pong, -1, NULL, NULL);
      g_assert_true (echo == event);
    }
  resilient_subscription_close (game.ping);
  g_thread_join (thread);
  g_assert_finalize_object (game.ping);
  g_assert_finalize_object (game.pong);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/stream/async", test_async);
  g_test_add_func ("/stream/mixture", test_mixture);
  g_test_add_func ("/stream/overflow", test_overflow);
  g_test_add_func ("/stream/cancel-next", test_cancel_next);
  g_test_add_data_func ("/stream/cancel-wait", GINT_TO_POINTER (FALSE), test_cancel_wait);
  g_test_add_data_func ("/stream/cancel-wait/with-event", GINT_TO_POINTER (TRUE), test_cancel_wait);
  g_test_add_func ("/stream/close-wait", test_close_wait);
  g_test_add_func ("/stream/wake", test_wake);

  return g_test_run ();
}
