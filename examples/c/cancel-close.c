/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Four ways to end a request early: cancel-close http://localhost:8080
 *
 * Whichever is taken, a callback runs exactly once, in the next turn of its main context. */

#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  guint live;
  guint cancelled;
  guint refused;
  gboolean closed;
} Example;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    example->cancelled++;
  else if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED))
    example->refused++;
  g_print ("%s\n", response != NULL ? "answered" : error->message);

  if (--example->live == 0)
    g_main_loop_quit (example->loop);
}

static void
get (ResilientClient *client,
     const char *uri,
     const char *id,
     GCancellable *cancellable,
     Example *example)
{
  g_autoptr (ResilientRequestContext) context =
    resilient_request_context_new (id, NULL, NULL, NULL);

  example->live++;
  resilient_client_get_async (client, uri, context, cancellable, done_cb, example);
}

/* [cancel] */
static void
cancel_all_ways (ResilientClient *client, const char *uri, Example *example)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  get (client, uri, "search", cancellable, example);
  get (client, uri, "thumbnail", NULL, example);
  get (client, uri, "news", NULL, example);
  get (client, uri, "weather", NULL, example);

  /* The one request, or every operation, that was given it; */
  g_cancellable_cancel (cancellable);
  /* all requests of that id; */
  resilient_client_cancel (client, "thumbnail");
  /* all that are left. */
  resilient_client_cancel_all (client);
}
/* [end] */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;

  example->closed = resilient_client_close_finish (RESILIENT_CLIENT (source), result, &error);
  g_print ("%s\n", example->closed ? "closed" : error->message);
  if (--example->live == 0)
    g_main_loop_quit (example->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *slow_uri = g_strconcat (base, "/slow", NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  Example example = {
    loop,
  };

  cancel_all_ways (client, slow_uri, &example);
  g_main_loop_run (loop);

  /* [close] */
  get (client, slow_uri, "upload", NULL, &example);
  /* Lets what is under way end for a tenth of a second, cancels the rest, and refuses whatever
   * comes now. */
  example.live++;
  resilient_client_close_async (client, 0.1, NULL, closed_cb, &example);
  get (client, slow_uri, "too-late", NULL, &example);
  g_main_loop_run (loop);
  /* [end] */

  if (!example.closed || example.refused != 1)
    return EXIT_FAILURE;
  if (server != NULL && example.cancelled != 5)
    return EXIT_FAILURE;

  return EXIT_SUCCESS;
}
