/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "resilient-main-context-private.h"

/* What one thread lets happen in the main context of another. */

#define N_ROUNDS 1000

static gboolean
append_cb (gpointer data)
{
  g_string_append_c (data, 'f');
  return G_SOURCE_REMOVE;
}

static void
append_destroyed (gpointer data)
{
  g_string_append_c (data, 'd');
}

/* Later, also where the caller owns the context, and once. */
static void
test_later (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GString) told = g_string_new (NULL);

  g_main_context_push_thread_default (context);
  resilient_main_context_post (
    context, G_PRIORITY_DEFAULT, "test", append_cb, told, append_destroyed);
  g_main_context_pop_thread_default (context);
  g_assert_cmpstr (told->str, ==, "");
  while (g_main_context_iteration (context, FALSE))
    ;
  g_assert_cmpstr (told->str, ==, "fd");
}

static void
test_priority (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GString) told = g_string_new (NULL);

  resilient_main_context_post (context, G_PRIORITY_LOW, "low", append_cb, told, append_destroyed);
  resilient_main_context_post (context, G_PRIORITY_HIGH, "high", append_cb, told, NULL);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpstr (told->str, ==, "f");
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpstr (told->str, ==, "ffd");
}

/* Of a context that ends before its turn only the data is left to free. */
static void
test_nobody (void)
{
  g_autoptr (GString) told = g_string_new (NULL);
  GMainContext *context = g_main_context_new ();

  resilient_main_context_post (
    context, G_PRIORITY_DEFAULT, "test", append_cb, told, append_destroyed);
  g_main_context_unref (context);
  g_assert_cmpstr (told->str, ==, "d");
}

/* A thread that waits for one thing in a context of its own, and ends with it. */
typedef struct
{
  GMainContext *context; /* the thread's; whoever posts has no reference */
  GAsyncQueue *contexts; /* of those that wait */
  gboolean called;
} Guest;

static gboolean
called_cb (gpointer data)
{
  ((Guest *) data)->called = TRUE;
  return G_SOURCE_REMOVE;
}

static gpointer
guest_thread (gpointer data)
{
  GAsyncQueue *guests = data;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      Guest guest = { .context = g_main_context_new () };

      g_async_queue_push (guests, &guest);
      while (!guest.called)
        g_main_context_iteration (guest.context, TRUE);
      g_main_context_unref (guest.context);
    }
  return NULL;
}

/* The context may be gone before the post returns. */
static void
test_gone (void)
{
  g_autoptr (GAsyncQueue) guests = g_async_queue_new ();
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("guest", guest_thread, guests);
  for (guint i = 0; i < G_N_ELEMENTS (threads) * N_ROUNDS; i++)
    {
      Guest *guest = g_async_queue_pop (guests);

      resilient_main_context_post (
        guest->context, G_PRIORITY_DEFAULT, "test", called_cb, guest, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

#define ADD(name, func) g_test_add_func ("/main-context/" name, func)
  ADD ("later", test_later);
  ADD ("priority", test_priority);
  ADD ("nobody", test_nobody);
  ADD ("gone", test_gone);

  return g_test_run ();
}
