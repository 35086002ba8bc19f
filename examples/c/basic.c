/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* One GET in a main loop: basic https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  gboolean success;
} Example;

/* [finish] */
static void
got_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autofree char *text = NULL;

  response = resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);
  /* An answer may still be a 404: check_status() makes an error of 4xx and 5xx. */
  if (response != NULL && resilient_response_check_status (response, &error))
    text = resilient_response_get_text (response, &error);

  if (text != NULL)
    g_print ("%s", text);
  else
    g_printerr ("%s\n", error->message);

  example->success = text != NULL;
  g_main_loop_quit (example->loop);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *uri = server != NULL ? g_strconcat (base, "/hello", NULL) : g_strdup (base);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Example example = { loop, FALSE };

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  /* [get] */
  g_autoptr (ResilientClient) client = resilient_client_new ();

  /* Connections that fail are tried again, three attempts in all, with growing pauses. */
  resilient_client_get_async (client, uri, NULL, NULL, got_cb, &example);
  g_main_loop_run (loop);
  /* [end] */

  return example.success ? EXIT_SUCCESS : EXIT_FAILURE;
}
