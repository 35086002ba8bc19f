/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "bench.h"

#include <stdlib.h>

/* Requests to many hosts, all submitted at once, the last of which may never answer: what those for
 * the others take. */

static char *peer = NULL;
static int port = 0;
static int n_hosts = 100;
static int n_requests = 20000;
static gboolean hanging = FALSE;

static const GOptionEntry entries[] = {
  { "peer", 0, 0, G_OPTION_ARG_STRING, &peer, "Who sends: ours or libsoup", "NAME" },
  { "port", 0, 0, G_OPTION_ARG_INT, &port, "Where they listen", "PORT" },
  { "hosts", 0, 0, G_OPTION_ARG_INT, &n_hosts, "How many, from 127.0.0.1 on", "N" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many in all", "N" },
  { "hanging", 0, 0, G_OPTION_ARG_NONE, &hanging, "The last host never answers", NULL },
  G_OPTION_ENTRY_NULL
};

static ResilientClient *client;
static SoupSession *session;
static GCancellable *cancellable;
static int n_done, n_cancelled;

static void
done (guint status, GBytes *body, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && hanging)
    n_cancelled++;
  else if (body == NULL || status != 200)
    g_error ("A request failed: %u %s", status, error != NULL ? error->message : "");
  else
    n_done++;
}

static void
ours_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = resilient_client_get_finish (client, result, &error);

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
submit (const char *uri)
{
  if (client != NULL)
    {
      resilient_client_get_async (client, uri, NULL, cancellable, ours_cb, NULL);
    }
  else
    {
      g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);

      soup_session_send_and_read_async (
        session, message, G_PRIORITY_DEFAULT, cancellable, soup_cb, NULL);
    }
}

int
main (int argc, char *argv[])
{
  g_auto (GStrv) uris = NULL;
  int n_awaited, n_open;
  gint64 began;
  double elapsed, cpu;

  bench_parse (entries, &argc, &argv);
  if (peer == NULL || port == 0)
    {
      g_printerr ("--peer and --port are needed\n");
      return 2;
    }
  if (g_str_equal (peer, "ours"))
    {
      client = bench_client_new (100, NULL, NULL);
      resilient_client_set_max_concurrent_per_host (client, 0);
    }
  else
    {
      session = soup_session_new_with_options ("max-conns", 100, "max-conns-per-host", 6, NULL);
    }
  cancellable = g_cancellable_new ();
  uris = g_new0 (char *, n_hosts + 1);
  for (int i = 0; i < n_hosts; i++)
    uris[i] = g_strdup_printf ("http://127.%d.%d.%d:%d/%s",
                               (i + 1) >> 16,
                               (i + 1) >> 8 & 255,
                               (i + 1) & 255,
                               port,
                               hanging && i == n_hosts - 1 ? "?hang=1" : "");

  n_awaited = hanging ? n_requests - n_requests / n_hosts : n_requests;
  began = g_get_monotonic_time ();
  cpu = bench_cpu_time ();
  for (int i = 0; i < n_requests; i++)
    submit (uris[i % n_hosts]);
  bench_turn_until (&n_done, n_awaited);
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  cpu = bench_cpu_time () - cpu;
  n_open = bench_count_descriptors ();

  /* The others hang, all of them. */
  g_assert_cmpint (n_cancelled, ==, 0);
  g_cancellable_cancel (cancellable);
  if (client != NULL)
    {
      bench_turn_until (&n_cancelled, n_requests - n_awaited);
      g_assert_cmpint (n_done, ==, n_awaited);
    }

  g_print ("{\"peer\": \"%s\", \"requests\": %d, \"seconds\": %.6f, \"per_second\": %.1f, "
           "\"cpu_us\": %.2f, \"open\": %d, \"peak_rss\": %" G_GSIZE_FORMAT "}\n",
           peer,
           n_awaited,
           elapsed,
           n_awaited / elapsed,
           cpu * 1e6 / n_awaited,
           n_open,
           bench_peak_rss ());
  return EXIT_SUCCESS;
}
