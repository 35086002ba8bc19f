/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include <curl/curl.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

/* The same as bench-get.c by libcurl: its multi interface over epoll, with handles that are used
 * again. Whether curl_multi_perform () is faster with so few connections, and what its cache of
 * certificates saves, is not measured. It repeats nothing that failed. */

static char *uri = NULL;
static char *ca = NULL;
static int n_requests = 20000;
static int in_flight = 50;
static int post_size = -1;
static gboolean at_once = FALSE;
static gint64 spawned_at = 0;

static const GOptionEntry entries[] = {
  { "uri", 0, 0, G_OPTION_ARG_STRING, &uri, "What is asked for", "URI" },
  { "ca", 0, 0, G_OPTION_ARG_STRING, &ca, "Certificates to trust", "FILE" },
  { "requests", 0, 0, G_OPTION_ARG_INT, &n_requests, "How many", "N" },
  { "in-flight", 0, 0, G_OPTION_ARG_INT, &in_flight, "How many on the wire at once", "N" },
  { "post", 0, 0, G_OPTION_ARG_INT, &post_size, "POST this many bytes", "BYTES" },
  { "at-once", 0, 0, G_OPTION_ARG_NONE, &at_once, "Submit all of them at once", NULL },
  { "spawned-at",
    0,
    0,
    G_OPTION_ARG_INT64,
    &spawned_at,
    "When this program was started: µs since 1970",
    "TIME" },
  G_OPTION_ENTRY_NULL
};

typedef struct
{
  CURL *easy;
  GByteArray *body;
  gint64 started_at;
} Transfer;

static CURLM *multi;
static int poller;
static gint64 due = -1; /* when libcurl wants to be called: monotonic, µs */
static int n_started, n_done;
static gsize n_bytes;
static gint64 first_at;
static GArray *latencies;
static char *content;

static size_t
write_cb (char *data, size_t size, size_t n, void *user_data)
{
  Transfer *transfer = user_data;

  g_byte_array_append (transfer->body, (guint8 *) data, size * n);
  return size * n;
}

static int
socket_cb (CURL *easy, curl_socket_t fd, int what, void *user_data, void *known)
{
  struct epoll_event event = { .data.fd = fd };

  if (what & CURL_POLL_IN)
    event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT)
    event.events |= EPOLLOUT;
  if (what == CURL_POLL_REMOVE)
    epoll_ctl (poller, EPOLL_CTL_DEL, fd, NULL);
  else if (epoll_ctl (poller, EPOLL_CTL_MOD, fd, &event) != 0)
    epoll_ctl (poller, EPOLL_CTL_ADD, fd, &event);

  return 0;
}

static int
timer_cb (CURLM *m, long ms, void *user_data)
{
  due = ms < 0 ? -1 : g_get_monotonic_time () + ms * 1000;
  return 0;
}

static void
start (Transfer *transfer)
{
  transfer->started_at = g_get_monotonic_time ();
  transfer->body = g_byte_array_new ();
  n_started++;
  curl_multi_add_handle (multi, transfer->easy);
}

static Transfer *
transfer_new (void)
{
  Transfer *transfer = g_new0 (Transfer, 1);
  CURL *easy = transfer->easy = curl_easy_init ();

  curl_easy_setopt (easy, CURLOPT_URL, uri);
  curl_easy_setopt (easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, write_cb);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt (easy, CURLOPT_PIPEWAIT, 1L);
  if (ca != NULL)
    curl_easy_setopt (easy, CURLOPT_CAINFO, ca);
  if (post_size >= 0)
    {
      curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE, (long) post_size);
      curl_easy_setopt (easy, CURLOPT_POSTFIELDS, content);
    }

  return transfer;
}

static void
collect (void)
{
  CURLMsg *message;
  int n_left;

  while ((message = curl_multi_info_read (multi, &n_left)) != NULL)
    {
      Transfer *transfer;
      double latency;
      long status;

      curl_easy_getinfo (message->easy_handle, CURLINFO_PRIVATE, &transfer);
      curl_easy_getinfo (message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
      if (message->data.result != CURLE_OK || status != 200)
        g_error ("A request failed: %ld %s", status, curl_easy_strerror (message->data.result));
      latency = (g_get_monotonic_time () - transfer->started_at) / 1e3;
      g_array_append_val (latencies, latency);
      if (n_done++ == 0)
        first_at = g_get_real_time ();
      n_bytes += transfer->body->len;
      g_byte_array_unref (transfer->body);
      curl_multi_remove_handle (multi, transfer->easy);
      if (n_started < n_requests)
        start (transfer);
      else
        {
          curl_easy_cleanup (transfer->easy);
          g_free (transfer);
        }
    }
}

/* That of getrusage() starts with the peak of the process that started this one. */
static gsize
peak_rss (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = status != NULL ? strstr (status, "VmHWM:") : NULL;

  return line != NULL ? g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) * 1024 : 0;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) options = g_option_context_new (NULL);
  struct rusage usage;
  gint64 began;
  double elapsed, cpu;
  int n_running;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, NULL) || uri == NULL)
    return 2;

  poller = epoll_create1 (EPOLL_CLOEXEC);
  content = g_malloc0 (MAX (post_size, 1));
  latencies = g_array_sized_new (FALSE, FALSE, sizeof (double), n_requests);
  curl_global_init (CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init ();
  curl_multi_setopt (multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
  curl_multi_setopt (multi, CURLMOPT_TIMERFUNCTION, timer_cb);
  curl_multi_setopt (multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) in_flight);
  curl_multi_setopt (multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long) in_flight);
  curl_multi_setopt (multi, CURLMOPT_MAXCONNECTS, (long) in_flight);

  began = g_get_monotonic_time ();
  for (int i = 0; i < MIN (at_once ? n_requests : in_flight, n_requests); i++)
    start (transfer_new ());
  while (n_done < n_requests)
    {
      struct epoll_event events[64];
      gint64 now = g_get_monotonic_time ();
      int n = epoll_wait (poller,
                          events,
                          G_N_ELEMENTS (events),
                          due < 0 ? -1 : (int) MAX ((due - now + 999) / 1000, 0));

      for (int i = 0; i < n; i++)
        curl_multi_socket_action (multi,
                                  events[i].data.fd,
                                  (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                                    | (events[i].events & ~EPOLLOUT ? CURL_CSELECT_IN : 0),
                                  &n_running);
      if (due >= 0 && g_get_monotonic_time () >= due)
        {
          due = -1;
          curl_multi_socket_action (multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
        }
      collect ();
    }
  elapsed = (g_get_monotonic_time () - began) / 1e6;
  getrusage (RUSAGE_SELF, &usage);
  cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  g_array_sort (latencies, compare);

  g_print ("{\"peer\": \"curl\", \"requests\": %d, \"ok\": %d, \"bytes\": %" G_GSIZE_FORMAT
           ", \"seconds\": %.6f, "
           "\"per_second\": %.1f, \"cpu_us\": %.2f, \"peak_rss\": %" G_GSIZE_FORMAT
           ", \"p50_ms\": %.3f, "
           "\"p99_ms\": %.3f, "
           "\"first_ms\": %.3f}\n",
           n_requests,
           n_done,
           n_bytes,
           elapsed,
           n_requests / elapsed,
           cpu * 1e6 / n_requests,
           peak_rss (),
           g_array_index (latencies, double, n_requests / 2),
           g_array_index (latencies, double, n_requests * 99 / 100),
           (first_at - spawned_at) / 1e3);

  curl_multi_cleanup (multi);
  return EXIT_SUCCESS;
}
