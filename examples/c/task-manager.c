/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Tasks with names, of which only a few run at once, and a summary of all of them: task-manager
 * https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

/* [manager] */
typedef struct
{
  ResilientClient *client;
  guint max_running; /* the most that were seen at once */
} TaskManager;

static void
task_manager_init (TaskManager *self, guint limit)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (2, 0.05);

  self->client = resilient_client_new ();
  self->max_running = 0;
  resilient_client_set_retry_policy (self->client, policy);
  /* Those beyond the limit wait in the client's queue, by priority, then by arrival. */
  resilient_client_set_max_concurrent (self->client, limit);
}

/* The name is the id of the request: by it the task can be found, waited for and cancelled. */
static void
task_manager_add (TaskManager *self, const char *name, const char *uri, int priority)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (name, NULL, NULL, NULL);
  g_autoptr (ResilientCall) call = NULL;
  guint n_running;

  resilient_request_set_priority (request, priority);
  call = resilient_client_start (self->client, request, context, NULL);
  n_running = resilient_client_get_active_count (self->client);
  self->max_running = MAX (self->max_running, n_running);
}

static void
task_manager_cancel (TaskManager *self, const char *name)
{
  resilient_client_cancel (self->client, name);
}
/* [end] */

/* [summary] */
static void
print_summary (GPtrArray *results)
{
  guint counts[RESILIENT_RESULT_STATUS_CANCELLED + 1] = { 0 };
  double total_time = 0.0;

  for (guint i = 0; i < results->len; i++)
    {
      ResilientResult *result = results->pdata[i];

      counts[resilient_result_get_status (result)]++;
      total_time += resilient_result_get_total_time (result);
      g_print ("%-10s %.3f s\n",
               resilient_result_get_request_id (result),
               resilient_result_get_total_time (result));
    }
  g_print ("%u succeeded, %u failed, %u cancelled, %.3f s on average\n",
           counts[RESILIENT_RESULT_STATUS_SUCCESS],
           counts[RESILIENT_RESULT_STATUS_ERROR] + counts[RESILIENT_RESULT_STATUS_TIMEOUT],
           counts[RESILIENT_RESULT_STATUS_CANCELLED],
           results->len > 0 ? total_time / results->len : 0.0);
}
/* [end] */

typedef struct
{
  GMainLoop *loop;
  GPtrArray *results;
} Waiting;

static void
all_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  waiting->results = resilient_client_wait_all_finish (RESILIENT_CLIENT (source), result, NULL);
  g_main_loop_quit (waiting->loop);
}

static guint
count_status (GPtrArray *results, ResilientResultStatus status)
{
  guint n = 0;

  for (guint i = 0; i < results->len; i++)
    n += resilient_result_get_status (results->pdata[i]) == status;
  return n;
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  Waiting waiting = { 0 };
  TaskManager manager;
  gboolean right = TRUE;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  task_manager_init (&manager, 2);
  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("task-%u", i);
      g_autofree char *uri = g_strconcat (base, "/hello", NULL);

      task_manager_add (&manager, name, uri, G_PRIORITY_DEFAULT);
    }
  if (server != NULL)
    {
      g_autofree char *slow = g_strconcat (base, "/slow", NULL);

      task_manager_add (&manager, "refused", example_server_get_refusing_uri (server), 0);
      /* It would never end. */
      task_manager_add (&manager, "slow", slow, G_PRIORITY_LOW);
      task_manager_cancel (&manager, "slow");
    }

  waiting.loop = g_main_loop_new (NULL, FALSE);
  resilient_client_wait_all_async (manager.client, NULL, all_done_cb, &waiting);
  g_main_loop_run (waiting.loop);
  print_summary (waiting.results);
  g_print ("At most %u ran at once\n", manager.max_running);

  if (server != NULL)
    right = count_status (waiting.results, RESILIENT_RESULT_STATUS_SUCCESS) == 5
            && count_status (waiting.results, RESILIENT_RESULT_STATUS_ERROR) == 1
            && count_status (waiting.results, RESILIENT_RESULT_STATUS_CANCELLED) == 1
            && manager.max_running <= 2;
  g_ptr_array_unref (waiting.results);
  g_main_loop_unref (waiting.loop);
  g_object_unref (manager.client);
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
