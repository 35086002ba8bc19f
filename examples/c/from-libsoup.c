/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The same request twice, with libsoup alone and with a client: from-libsoup https://example.org */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  guint n_done;
} Example;

static void
show (GBytes *body, const GError *error, gpointer user_data)
{
  Example *example = user_data;

  if (body != NULL)
    {
      g_print ("%" G_GSIZE_FORMAT " bytes\n", g_bytes_get_size (body));
      example->n_done++;
    }
  else
    {
      g_printerr ("%s\n", error->message);
    }
  g_main_loop_quit (example->loop);
}

/* [before] */
#define MAX_ATTEMPTS 4

typedef struct
{
  SoupSession *session;
  char *uri;
  GCancellable *cancellable;
  SoupMessage *message;
  guint attempt;
  gpointer user_data;
} Download;

static void send_again (Download *download);

static void
download_free (Download *download)
{
  g_object_unref (download->session);
  g_free (download->uri);
  g_clear_object (&download->cancellable);
  g_clear_object (&download->message);
  g_free (download);
}

static gboolean
slept_cb (gpointer user_data)
{
  send_again (user_data);
  return G_SOURCE_REMOVE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Download *download = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body =
    soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  guint status = soup_message_get_status (download->message);
  gboolean retry;

  retry = body != NULL ? status == SOUP_STATUS_SERVICE_UNAVAILABLE || status == 429 /* too many */
                       : !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  if (retry && download->attempt < MAX_ATTEMPTS)
    {
      const char *retry_after = soup_message_headers_get_one (
        soup_message_get_response_headers (download->message), "Retry-After");
      double delay = g_random_double_range (0.0, 0.5 * (1 << (download->attempt - 1)));

      if (retry_after != NULL)
        delay = MAX (delay, g_ascii_strtod (retry_after, NULL));
      g_timeout_add (delay * 1000, slept_cb, download);
      return;
    }

  if (body != NULL && !SOUP_STATUS_IS_SUCCESSFUL (status))
    {
      g_clear_pointer (&body, g_bytes_unref);
      g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_FAILED, soup_status_get_phrase (status));
    }
  show (body, error, download->user_data);
  download_free (download);
}

static void
send_again (Download *download)
{
  /* A message can be sent only once. */
  g_clear_object (&download->message);
  download->message = soup_message_new ("GET", download->uri);
  download->attempt++;
  soup_session_send_and_read_async (download->session,
                                    download->message,
                                    G_PRIORITY_DEFAULT,
                                    download->cancellable,
                                    read_cb,
                                    download);
}

static void
download_with_libsoup (SoupSession *session,
                       const char *uri,
                       GCancellable *cancellable,
                       gpointer user_data)
{
  Download *download = g_new0 (Download, 1);

  download->session = g_object_ref (session);
  download->uri = g_strdup (uri);
  g_set_object (&download->cancellable, cancellable);
  download->user_data = user_data;
  send_again (download);
}
/* [end] */

/* [after] */
static void
got_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  GBytes *body = NULL;

  response = resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);
  if (response != NULL && resilient_response_check_status (response, &error))
    body = resilient_response_get_body (response);
  show (body, error, user_data);
}

static void
download (ResilientClient *client, const char *uri, GCancellable *cancellable, gpointer user_data)
{
  resilient_client_get_async (client, uri, NULL, cancellable, got_cb, user_data);
}
/* [end] */

/* [session] */
static ResilientClient *
create_client (SoupSession *session)
{
  g_autoptr (ResilientClient) client = resilient_client_new_with_session (session);

  resilient_client_set_retry_policy (client, resilient_retry_policy_get_standard ());
  /* The session's own applies to each read and write, in whole seconds; the client's are finer. */
  soup_session_set_timeout (session, 0);
  resilient_client_set_total_timeout (client, 60.0);

  return g_steal_pointer (&client);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *first_uri =
    server != NULL ? g_strconcat (base, "/flaky/1/first", NULL) : g_strdup (base);
  g_autofree char *second_uri =
    server != NULL ? g_strconcat (base, "/flaky/1/second", NULL) : g_strdup (base);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (ResilientClient) client = create_client (session);
  Example example = { loop, 0 };

  setlocale (LC_ALL, "");

  download_with_libsoup (session, first_uri, NULL, &example);
  g_main_loop_run (loop);
  download (client, second_uri, NULL, &example);
  g_main_loop_run (loop);

  return example.n_done == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
