/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Many requests as one operation, with its progress, and a summary at the end: batch
 * https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

/* [batch] */
typedef struct
{
  GMainLoop *loop;
  GPtrArray *results; /* of ResilientResult, in the order of the requests */
} Summary;

static void
progress_cb (ResilientBatch *batch, GParamSpec *pspec, gpointer user_data)
{
  g_print ("%u of %u, %u failed\n",
           resilient_batch_get_n_done (batch),
           resilient_batch_get_n_total (batch),
           resilient_batch_get_n_failed (batch));
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Summary *summary = user_data;
  g_autoptr (GError) error = NULL;

  summary->results = resilient_batch_run_finish (RESILIENT_BATCH (source), result, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (summary->loop);
}

static void
run_batch (ResilientClient *client, GPtrArray *requests, Summary *summary)
{
  g_autoptr (ResilientBatch) batch =
    resilient_batch_new (client, requests, RESILIENT_BATCH_FLAGS_NONE);

  resilient_batch_set_max_concurrent (batch, 2);
  g_signal_connect (batch, "notify::n-done", G_CALLBACK (progress_cb), NULL);
  resilient_batch_run_async (batch, NULL, ended_cb, summary);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  const char *paths[] = { "/hello", "/missing", "/flaky/1/a", "/large" };
  g_autoptr (GPtrArray) requests = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  Summary summary = { 0 };
  gboolean right;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  resilient_client_set_retry_policy (client, resilient_retry_policy_get_standard ());
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *uri = g_strconcat (base, paths[i], NULL);

      g_ptr_array_add (requests, resilient_request_new ("GET", uri));
    }

  summary.loop = g_main_loop_new (NULL, FALSE);
  run_batch (client, requests, &summary);
  g_main_loop_run (summary.loop);
  g_main_loop_unref (summary.loop);

  right = summary.results != NULL && summary.results->len == G_N_ELEMENTS (paths);
  for (guint i = 0; right && i < summary.results->len; i++)
    {
      ResilientResult *result = summary.results->pdata[i];
      ResilientResponse *response = resilient_result_get_response (result);

      g_print ("%s: %u, %u attempts\n",
               paths[i],
               response != NULL ? resilient_response_get_status_code (response) : 0,
               resilient_result_get_attempts (result));
      if (server != NULL)
        right = resilient_result_is_success (result)
                && resilient_result_get_attempts (result) == (i == 2 ? 2 : 1);
    }
  g_clear_pointer (&summary.results, g_ptr_array_unref);

  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
