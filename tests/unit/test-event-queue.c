/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-event-queue-private.h"

#include "events-fixture.h"

#define N_THREADS 8
#define N_EVENTS 1000

/* What a monitor saw. */
typedef struct
{
  ResilientEventQueue *queue;
  GMainContext *context;
  GSource *source;
  GArray *sequences; /* of guint64 */
  guint destroyed;
  guint depth, max_depth;
} Seen;

static void
seen_init (Seen *seen, guint capacity)
{
  *seen = (Seen){ NULL };
  seen->queue = resilient_event_queue_new (capacity);
  seen->context = g_main_context_new ();
  seen->sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
}

static void
seen_clear (Seen *seen)
{
  if (seen->source != NULL)
    {
      g_source_destroy (seen->source);
      g_clear_pointer (&seen->source, g_source_unref);
      g_assert_cmpuint (seen->destroyed, ==, 1);
    }
  g_clear_pointer (&seen->queue, resilient_event_queue_unref);
  g_clear_pointer (&seen->context, g_main_context_unref);
  g_array_unref (seen->sequences);
}

static void
seen_cb (ResilientEvent *event, gpointer data)
{
  Seen *seen = data;
  guint64 sequence = resilient_event_get_sequence (event);

  g_array_append_val (seen->sequences, sequence);
}

static void
destroyed_cb (gpointer data)
{
  ((Seen *) data)->destroyed++;
}

static void
attach (Seen *seen, ResilientMonitorFunc func)
{
  seen->source =
    resilient_event_queue_attach (seen->queue, seen->context, func, seen, destroyed_cb);
}

static void
push (ResilientEventQueue *queue, ResilientEventType type, guint64 sequence)
{
  g_autoptr (ResilientEvent) event = make_event (type, sequence);

  resilient_event_queue_push (queue, event);
  resilient_event_queue_wake (queue);
}

static void
drain (Seen *seen)
{
  while (g_main_context_iteration (seen->context, FALSE))
    ;
}

static void
assert_sequences (Seen *seen, guint64 first, guint n)
{
  g_assert_cmpuint (seen->sequences->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (g_array_index (seen->sequences, guint64, i), ==, first + i);
}

static void
test_order (void)
{
  Seen seen;

  seen_init (&seen, 10);
  push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, 1);
  push (seen.queue, RESILIENT_EVENT_TYPE_SUCCESS, 2);
  g_assert_cmpuint (resilient_event_queue_get_length (seen.queue), ==, 2);

  /* What came before the monitor is not forgotten. */
  attach (&seen, seen_cb);
  drain (&seen);
  assert_sequences (&seen, 1, 2);

  push (seen.queue, RESILIENT_EVENT_TYPE_CANCELLED, 3);
  drain (&seen);
  assert_sequences (&seen, 1, 3);
  g_assert_cmpuint (resilient_event_queue_get_length (seen.queue), ==, 0);
  g_assert_cmpstr (g_source_get_name (seen.source), ==, "[resilient] monitor");
  g_assert_cmpint (g_source_get_priority (seen.source), ==, G_PRIORITY_DEFAULT);
  seen_clear (&seen);
}

/* R: RETRY, T: terminal, a digit: the capacity from then on; what is expected: t, a terminal event
 * without its response. */
static const struct
{
  guint capacity;
  const char *pushed;
  const char *expected;
  guint64 dropped;
} capacities[] = {
  { 3, "", "", 0 },         { 3, "RTR", "RTR", 0 },       { 3, "RTRR", "RTR", 1 },
  { 3, "RTRT", "RTRt", 0 }, { 3, "RRRTRTR", "RRRtt", 2 }, { 1, "TRT", "Tt", 1 },
  { 0, "RTRT", "tt", 2 },   { 2, "RT1RT3RT", "RTtt", 2 }, { 2, "RT1RT5RT", "RTtRT", 1 },
};

static void
describe_cb (ResilientEvent *event, gpointer data)
{
  ResilientEventType type = resilient_event_get_event_type (event);
  ResilientResponse *response = resilient_event_get_response (event);

  if (type == RESILIENT_EVENT_TYPE_RETRY)
    g_string_append_c (data, 'R');
  else
    g_string_append_c (data, response != NULL ? 'T' : 't');
}

static void
test_capacity (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (capacities); i++)
    {
      g_autoptr (GString) described = g_string_new (NULL);
      g_autoptr (GSource) source = NULL;
      g_autoptr (GMainContext) context = g_main_context_new ();
      g_autoptr (ResilientEventQueue) queue = resilient_event_queue_new (capacities[i].capacity);

      g_assert_cmpuint (resilient_event_queue_get_capacity (queue), ==, capacities[i].capacity);
      for (const char *p = capacities[i].pushed; *p != '\0'; p++)
        if (g_ascii_isdigit (*p))
          resilient_event_queue_set_capacity (queue, (guint) (*p - '0'));
        else
          push (queue, *p == 'R' ? RESILIENT_EVENT_TYPE_RETRY : RESILIENT_EVENT_TYPE_ERROR, 1);

      g_assert_cmpuint (resilient_event_queue_get_dropped (queue), ==, capacities[i].dropped);

      source = resilient_event_queue_attach (queue, context, describe_cb, described, NULL);
      while (g_main_context_iteration (context, FALSE))
        ;
      g_assert_cmpstr (described->str, ==, capacities[i].expected);

      g_source_destroy (source);
    }
}

static void
describe_body_cb (ResilientEvent *event, gpointer data)
{
  ResilientResponse *response = resilient_event_get_response (event);

  if (response == NULL)
    g_string_append_c (data, '-');
  else
    g_string_append_c (data, resilient_response_has_body (response) ? 'B' : 'b');
}

/* Digits: MiB of a body; what is expected: b, a response without its body. */
static const struct
{
  guint capacity;
  const char *pushed;
  const char *expected;
} bodies[] = {
  { 100, "111111111", "BBBBBBBBb" },
  { 100, "119", "BBb" },
  { 100, "44001", "BBBBb" },
  { 100, "71101", "BBbBb" },
  /* a large one alone has its body, and leaves no room */
  { 100, "911", "Bbb" },
  { 3, "1119", "BBB-" },
};

static void
push_body (ResilientEventQueue *queue, guint size)
{
  g_autoptr (ResilientRequestContext) context = make_context (NULL);
  g_autoptr (ResilientResponse) response = make_response (size * 1024 * 1024);
  g_autoptr (ResilientEvent) event = resilient_event_new (RESILIENT_EVENT_TYPE_SUCCESS,
                                                          context,
                                                          1,
                                                          RESILIENT_FAILURE_NONE,
                                                          RESILIENT_REASON_SUCCESS,
                                                          response,
                                                          NULL,
                                                          0);

  resilient_event_queue_push (queue, event);
}

/* A context that does not turn does not fill the memory; what was taken makes room. */
static void
test_bodies (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (GString) described = g_string_new (NULL);
      g_autoptr (GSource) source = NULL;
      g_autoptr (GMainContext) context = g_main_context_new ();
      g_autoptr (ResilientEventQueue) queue = resilient_event_queue_new (bodies[i].capacity);

      source = resilient_event_queue_attach (queue, context, describe_body_cb, described, NULL);
      for (guint round = 0; round < 2; round++)
        {
          g_test_message ("row %u, round %u", (guint) i, round);
          for (const char *p = bodies[i].pushed; *p != '\0'; p++)
            push_body (queue, (guint) (*p - '0'));
          while (g_main_context_iteration (context, FALSE))
            ;
          g_assert_cmpstr (described->str, ==, bodies[i].expected);
          g_assert_cmpuint (resilient_event_queue_get_dropped (queue), ==, 0);
          g_string_truncate (described, 0);
        }

      g_source_destroy (source);
    }
}

/* The handler of the first event runs a main loop until the other ones were seen. */
static void
recursing_cb (ResilientEvent *event, gpointer data)
{
  Seen *seen = data;

  seen->depth++;
  seen->max_depth = MAX (seen->max_depth, seen->depth);
  seen_cb (event, data);
  if (resilient_event_get_sequence (event) == 1)
    while (seen->sequences->len < 5)
      g_main_context_iteration (seen->context, TRUE);
  seen->depth--;
}

static void
test_recursion (void)
{
  Seen seen;

  seen_init (&seen, 10);
  attach (&seen, recursing_cb);
  for (guint64 i = 1; i <= 5; i++)
    push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, i);

  g_assert_true (g_main_context_iteration (seen.context, FALSE));
  assert_sequences (&seen, 1, 5);
  g_assert_cmpuint (seen.max_depth, ==, 2);
  seen_clear (&seen);
}

static gboolean
take_turn_cb (gpointer data)
{
  Seen *seen = data;

  seen->depth = seen->sequences->len;
  return G_SOURCE_REMOVE;
}

/* Another source of the same priority is not kept waiting until the queue is empty. */
static void
test_fairness (void)
{
  g_autoptr (GSource) other = g_idle_source_new ();
  Seen seen;

  seen_init (&seen, 1000);
  attach (&seen, seen_cb);
  for (guint64 i = 1; i <= 1000; i++)
    push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, i);

  g_source_set_priority (other, G_PRIORITY_DEFAULT);
  g_source_set_callback (other, take_turn_cb, &seen, NULL);
  g_source_attach (other, seen.context);
  drain (&seen);
  g_assert_cmpuint (seen.depth, >, 0);
  g_assert_cmpuint (seen.depth, <=, 64);
  assert_sequences (&seen, 1, 1000);
  seen_clear (&seen);
}

static void
destroying_cb (ResilientEvent *event, gpointer data)
{
  Seen *seen = data;

  seen_cb (event, data);
  g_source_destroy (seen->source);
  /* Not while the handler still runs with its data. */
  g_assert_cmpuint (seen->destroyed, ==, 0);
}

static void
test_destroy_in_handler (void)
{
  Seen seen;

  seen_init (&seen, 10);
  attach (&seen, destroying_cb);
  push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, 1);
  push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, 2);
  drain (&seen);
  assert_sequences (&seen, 1, 1);
  g_assert_cmpuint (seen.destroyed, ==, 1);
  g_assert_cmpuint (resilient_event_queue_get_length (seen.queue), ==, 1);

  /* The next monitor goes on with the rest. */
  g_source_unref (seen.source);
  seen.destroyed = 0;
  attach (&seen, seen_cb);
  drain (&seen);
  assert_sequences (&seen, 1, 2);
  seen_clear (&seen);
}

static void
dropping_cb (ResilientEvent *event, gpointer data)
{
  Seen *seen = data;

  seen_cb (event, data);
  g_source_destroy (seen->source);
  g_clear_pointer (&seen->source, g_source_unref);
  g_clear_pointer (&seen->queue, resilient_event_queue_unref);
}

static void
test_drop_in_handler (void)
{
  Seen seen;

  seen_init (&seen, 10);
  attach (&seen, dropping_cb);
  push (seen.queue, RESILIENT_EVENT_TYPE_SUCCESS, 1);
  push (seen.queue, RESILIENT_EVENT_TYPE_SUCCESS, 2);
  drain (&seen);
  assert_sequences (&seen, 1, 1);
  g_assert_cmpuint (seen.destroyed, ==, 1);
  seen_clear (&seen);
}

static void
test_context_goes_first (void)
{
  Seen seen;

  seen_init (&seen, 10);
  attach (&seen, seen_cb);
  g_clear_pointer (&seen.source, g_source_unref);
  g_clear_pointer (&seen.context, g_main_context_unref);
  g_assert_cmpuint (seen.destroyed, ==, 1);

  /* There is nobody to wake any more. */
  push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, 1);
  g_assert_cmpuint (resilient_event_queue_get_length (seen.queue), ==, 1);
  seen_clear (&seen);
}

static void
test_two_monitors (void)
{
  Seen seen;
  g_autoptr (GSource) other = NULL;

  seen_init (&seen, 1000);
  attach (&seen, seen_cb);
  other = resilient_event_queue_attach (seen.queue, seen.context, seen_cb, &seen, NULL);
  for (guint64 i = 1; i <= 1000; i++)
    push (seen.queue, RESILIENT_EVENT_TYPE_RETRY, i);
  drain (&seen);
  assert_sequences (&seen, 1, 1000);
  g_source_destroy (other);
  seen_clear (&seen);
}

typedef struct
{
  ResilientEventQueue *queue;
  guint64 number;
} Pusher;

static gpointer
push_thread (gpointer data)
{
  Pusher *pusher = data;

  for (guint64 i = 0; i < N_EVENTS; i++)
    push (pusher->queue, RESILIENT_EVENT_TYPE_RETRY, pusher->number * N_EVENTS + i);
  return NULL;
}

static ResilientEventQueue *pushed_to;
static gboolean push_while_polling;
static int n_ready; /* what the last poll said */

static gpointer
push_two_thread (gpointer data)
{
  for (guint64 sequence = 1; sequence <= 2; sequence++)
    {
      g_autoptr (ResilientEvent) event = make_event (RESILIENT_EVENT_TYPE_SUCCESS, sequence);

      resilient_event_queue_push (pushed_to, event);
    }
  resilient_event_queue_wake (pushed_to);
  return NULL;
}

static void
push_two_elsewhere (void)
{
  g_thread_join (g_thread_new ("push", push_two_thread, NULL));
}

static int
poll_cb (GPollFD *fds, guint n_fds, int timeout)
{
  if (push_while_polling)
    push_two_elsewhere ();
  push_while_polling = FALSE;

  return n_ready = g_poll (fds, n_fds, 0);
}

static void
seen_and_push_cb (ResilientEvent *event, gpointer data)
{
  Seen *seen = data;

  seen_cb (event, data);
  if (seen->sequences->len == 3)
    push_two_elsewhere ();
}

/* Who waits is woken, and nobody else: it costs a system call. */
static void
test_wake (void)
{
  Seen seen;

  seen_init (&seen, 10);
  attach (&seen, seen_and_push_cb);
  pushed_to = seen.queue;
  g_main_context_set_poll_func (seen.context, poll_cb);
  drain (&seen);

  push_while_polling = TRUE;
  g_assert_true (g_main_context_iteration (seen.context, TRUE));
  g_assert_cmpint (n_ready, ==, 1);
  assert_sequences (&seen, 1, 2);

  push (seen.queue, RESILIENT_EVENT_TYPE_SUCCESS, 3);
  g_assert_true (g_main_context_iteration (seen.context, FALSE));
  g_assert_cmpuint (seen.sequences->len, ==, 5);
  g_assert_false (g_main_context_iteration (seen.context, FALSE));
  g_assert_cmpint (n_ready, ==, 0);
  seen_clear (&seen);
}

/* A wake-up that is lost blocks this test for good. */
static void
test_threads (void)
{
  Pusher pushers[N_THREADS];
  GThread *threads[N_THREADS];
  guint64 next[N_THREADS] = { 0 };
  Seen seen;

  seen_init (&seen, N_THREADS * N_EVENTS);
  attach (&seen, seen_cb);
  for (guint i = 0; i < N_THREADS; i++)
    {
      pushers[i] = (Pusher){ seen.queue, i };
      threads[i] = g_thread_new ("push", push_thread, &pushers[i]);
    }
  while (seen.sequences->len < N_THREADS * N_EVENTS)
    g_main_context_iteration (seen.context, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  for (guint i = 0; i < seen.sequences->len; i++)
    {
      guint64 sequence = g_array_index (seen.sequences, guint64, i);

      g_assert_cmpuint (sequence % N_EVENTS, ==, next[sequence / N_EVENTS]++);
    }
  g_assert_cmpuint (resilient_event_queue_get_dropped (seen.queue), ==, 0);
  seen_clear (&seen);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/event-queue/order", test_order);
  g_test_add_func ("/event-queue/capacity", test_capacity);
  g_test_add_func ("/event-queue/bodies", test_bodies);
  g_test_add_func ("/event-queue/recursion", test_recursion);
  g_test_add_func ("/event-queue/fairness", test_fairness);
  g_test_add_func ("/event-queue/destroy-in-handler", test_destroy_in_handler);
  g_test_add_func ("/event-queue/drop-in-handler", test_drop_in_handler);
  g_test_add_func ("/event-queue/context-goes-first", test_context_goes_first);
  g_test_add_func ("/event-queue/two-monitors", test_two_monitors);
  g_test_add_func ("/event-queue/wake", test_wake);
  g_test_add_func ("/event-queue/threads", test_threads);

  return g_test_run ();
}
