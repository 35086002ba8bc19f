/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* One large body: read whole into memory, or sent from a file. */

static char *peer = NULL;
static char *uri = NULL;
static char *path = NULL;
static int n_bytes = 64 << 20;

static const GOptionEntry entries[] = {
  { "peer", 0, 0, G_OPTION_ARG_STRING, &peer, "Who sends: ours or libsoup", "NAME" },
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "Where it is or goes", "URI" },
  { "file", 0, 0, G_OPTION_ARG_FILENAME, &path, "Send this file", "FILE" },
  { "bytes", 0, 0, G_OPTION_ARG_INT, &n_bytes, "How many it has", "BYTES" },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static SoupSession *session;
static int n_done;

static void
done (guint status, GBytes *body, const GError *error)
{
  if (body == NULL || status != 200)
    g_error ("The request failed: %u %s", status, error != NULL ? error->message : "");
  if (path == NULL)
    g_assert_cmpuint (g_bytes_get_size (body), ==, (gsize) n_bytes);
  n_done++;
}

static void
ours_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_send_finish (client, result, &error);

  done (response != NULL ? resilient_response_get_status_code (response) : 0,
        response != NULL ? resilient_response_get_body (response) : NULL,
        error);
}

static void
soup_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  guint status = soup_message_get_status (soup_session_get_async_result_message (session, result));
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (session, result, &error);

  done (status, body, error);
}

static void
send_ours (GFile *file)
{
  g_autoptr (ResilientRequest) request = resilient_request_new (file != NULL ? "PUT" : "GET", uri);

  client = bench_client_new (1, NULL, NULL);
  if (file != NULL)
    resilient_request_set_body_file (request, "application/octet-stream", file);
  resilient_client_send_async (client, request, NULL, NULL, ours_cb, NULL);
}

static void
send_soup (GFile *file)
{
  g_autoptr (SoupMessage) message = soup_message_new (file != NULL ? "PUT" : "GET", uri);
  g_autoptr (GError) error = NULL;

  session = bench_session_new (1, NULL, NULL);
  if (file != NULL)
    {
      g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &error);

      g_assert_no_error (error);
      soup_message_set_request_body (
        message, "application/octet-stream", G_INPUT_STREAM (stream), n_bytes);
    }
  soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, NULL, soup_cb, NULL);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GFile) file = NULL;
  gint64 began;
  double elapsed, cpu, longest, p99;
  gsize rss;

  bench_parse (entries, &argc, &argv);
  if (peer == NULL || uri == NULL)
    {
      g_printerr ("--peer and --uri are needed\n");
      return 2;
    }
  if (path != NULL)
    file = g_file_new_for_path (path);

  rss = bench_peak_rss ();
  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  if (g_str_equal (peer, "ours"))
    send_ours (file);
  else
    send_soup (file);
  bench_stalls_begin ();
  bench_turn_until (&n_done, 1);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;
  bench_stalls_end (&longest, &p99);

  g_print ("{\"peer\": \"%s\", \"bytes\": %d, \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"cpu_ms\": %.2f, \"stall_max_ms\": %.3f, \"stall_p99_ms\": %.3f, "
           "\"more_rss\": %" G_GSIZE_FORMAT ", \"peak_rss\": %" G_GSIZE_FORMAT "}\n",
           peer,
           n_bytes,
           elapsed,
           n_bytes / elapsed,
           cpu * 1e3,
           longest,
           p99,
           bench_peak_rss () - rss,
           bench_peak_rss ());
  g_clear_object (&client);
  g_clear_object (&session);
  return EXIT_SUCCESS;
}
