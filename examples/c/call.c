/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A request as something to look at while it lives: call https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  guint n_waits;
  gboolean success;
} Example;

/* [notify] */
static void
changed_cb (ResilientCall *call, GParamSpec *pspec, gpointer user_data)
{
  Example *example = user_data;
  g_autofree char *state = NULL;

  state = g_enum_to_string (RESILIENT_TYPE_CALL_STATE, resilient_call_get_state (call));
  g_print ("%s, attempt %u of %u\n",
           state,
           resilient_call_get_attempt (call),
           resilient_call_get_max_attempts (call));

  if (resilient_call_get_state (call) == RESILIENT_CALL_STATE_WAITING)
    {
      example->n_waits++;
      g_print ("again in %.1f s, or now\n", resilient_call_get_delay_left (call));
      /* What a button would do: */
      resilient_call_retry_now (call);
    }
}
/* [end] */

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_call_wait_finish (RESILIENT_CALL (source), result, &error);

  example->success = response != NULL && resilient_response_check_status (response, &error);
  if (!example->success)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (example->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *uri =
    server != NULL ? g_strconcat (base, "/flaky/2/call", NULL) : g_strdup (base);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientCall) call = NULL;
  Example example = {
    loop,
  };

  setlocale (LC_ALL, "");
  resilient_request_set_retry_policy (request, resilient_retry_policy_get_standard ());

  /* [start] */
  call = resilient_client_start (client, request, NULL, NULL);
  g_signal_connect (call, "notify::state", G_CALLBACK (changed_cb), &example);
  resilient_call_wait_async (call, NULL, finished_cb, &example);
  /* [end] */
  g_main_loop_run (loop);
  g_signal_handlers_disconnect_by_data (call, &example);

  return example.success && (server == NULL || example.n_waits == 2) ? EXIT_SUCCESS : EXIT_FAILURE;
}
