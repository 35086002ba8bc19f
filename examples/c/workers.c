/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One client, many threads: workers https://example.org */

#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

#define N_WORKERS 8
#define N_REQUESTS 5

typedef struct
{
  ResilientClient *client;
  const char *uri;
} Job;

/* [worker] */
/* Blocks this thread only. No main context turns for it: the client's own thread drives the
 * request. */
static gpointer
work (gpointer data)
{
  Job *job = data;
  guint n_done = 0;

  for (guint i = 0; i < N_REQUESTS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ResilientRequest) request = resilient_request_new ("GET", job->uri);
      g_autoptr (ResilientResponse) response =
        resilient_client_send (job->client, request, NULL, NULL, &error);

      if (response != NULL && resilient_response_check_status (response, &error))
        n_done++;
      else
        g_printerr ("%s\n", error->message);
    }

  return GUINT_TO_POINTER (n_done);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *uri = server != NULL ? g_strconcat (base, "/hello", NULL) : g_strdup (base);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  GThread *threads[N_WORKERS];
  Job job = { client, uri };
  guint n_done = 0;

  /* [threads] */
  for (guint i = 0; i < N_WORKERS; i++)
    threads[i] = g_thread_new ("worker", work, &job);
  for (guint i = 0; i < N_WORKERS; i++)
    n_done += GPOINTER_TO_UINT (g_thread_join (threads[i]));
  /* [end] */
  g_print ("%u of %u done\n", n_done, N_WORKERS * N_REQUESTS);

  return n_done == N_WORKERS * N_REQUESTS ? EXIT_SUCCESS : EXIT_FAILURE;
}
