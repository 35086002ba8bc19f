/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One thread finds work, and others do it, with a bounded queue between them: producer-consumer
 * https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

#define N_CONSUMERS 3
#define N_ITEMS 30
#define QUEUE_CAPACITY 5

/* [queue] */
/* A producer that is quicker than the consumers waits for them. */
typedef struct
{
  GMutex lock;
  GCond changed;
  GQueue items; /* of URIs */
  guint longest;
  gboolean ended; /* nothing more comes */
} WorkQueue;

static void
work_queue_push (WorkQueue *queue, char *uri)
{
  g_mutex_lock (&queue->lock);
  while (queue->items.length >= QUEUE_CAPACITY)
    g_cond_wait (&queue->changed, &queue->lock);
  g_queue_push_tail (&queue->items, uri);
  queue->longest = MAX (queue->longest, queue->items.length);
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

/* NULL once all is done. */
static char *
work_queue_pop (WorkQueue *queue)
{
  char *uri;

  g_mutex_lock (&queue->lock);
  while (queue->items.length == 0 && !queue->ended)
    g_cond_wait (&queue->changed, &queue->lock);
  uri = g_queue_pop_head (&queue->items);
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
  return uri;
}

static void
work_queue_end (WorkQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->ended = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}
/* [end] */

typedef struct
{
  WorkQueue queue;
  ResilientClient *client;
  const char *base;
} Work;

/* [threads] */
static gpointer
produce (gpointer data)
{
  Work *work = data;

  for (guint i = 0; i < N_ITEMS; i++)
    work_queue_push (&work->queue, g_strdup_printf ("%s/flaky/1/%u", work->base, i));
  work_queue_end (&work->queue);
  return NULL;
}

/* All consumers share one client: its connections, limits and statistics. */
static gpointer
consume (gpointer data)
{
  Work *work = data;
  guint n_done = 0;
  char *uri;

  while ((uri = work_queue_pop (&work->queue)) != NULL)
    {
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientResponse) response =
        resilient_client_send (work->client, request, NULL, NULL, &error);

      if (response != NULL && resilient_response_check_status (response, &error))
        n_done++;
      else
        g_printerr ("%s: %s\n", uri, error->message);
      g_free (uri);
    }
  return GUINT_TO_POINTER (n_done);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autoptr (ResilientRetryPolicyBuilder) builder =
    resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  GThread *consumers[N_CONSUMERS];
  GThread *producer;
  Work work = { .base = base };
  guint n_done = 0;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  resilient_retry_policy_builder_set_base_delay (builder, 0.01);
  policy = resilient_retry_policy_builder_build (builder, NULL);
  work.client = resilient_client_new ();
  resilient_client_set_retry_policy (work.client, policy);
  g_mutex_init (&work.queue.lock);
  g_cond_init (&work.queue.changed);
  g_queue_init (&work.queue.items);

  for (guint i = 0; i < N_CONSUMERS; i++)
    consumers[i] = g_thread_new ("consumer", consume, &work);
  producer = g_thread_new ("producer", produce, &work);
  g_thread_join (producer);
  for (guint i = 0; i < N_CONSUMERS; i++)
    n_done += GPOINTER_TO_UINT (g_thread_join (consumers[i]));
  g_print ("%u of %u done, at most %u waited\n", n_done, N_ITEMS, work.queue.longest);

  g_object_unref (work.client);
  g_cond_clear (&work.queue.changed);
  g_mutex_clear (&work.queue.lock);
  if (server == NULL)
    return EXIT_SUCCESS;
  return n_done == N_ITEMS && work.queue.longest <= QUEUE_CAPACITY ? EXIT_SUCCESS : EXIT_FAILURE;
}
