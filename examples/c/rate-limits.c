/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Not too often: pages at the rate that a server asks for, rows that are shown one after the other,
 * a search once nobody types any more. rate-limits http://localhost:8080/hello */

#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

#define N_PAGES 6
#define PAGES_A_SECOND 50.0
#define PAGES_AT_ONCE 2

typedef struct
{
  GMainLoop *loop;
  ResilientClient *client;
  char *uri;
  guint n_pages;
  guint n_rows;
  guint n_searches;
  guint n_left; /* callbacks that are still to come */
} Example;

/* [observe] */
static void
event_cb (ResilientClient *client, ResilientEvent *event, gpointer user_data)
{
  ResilientRateLimiter *limiter = user_data;
  ResilientResponse *response = resilient_event_get_response (event);

  if (response != NULL)
    resilient_rate_limiter_observe (limiter, response);
}
/* [end] */

static void
done (Example *example)
{
  if (--example->n_left == 0)
    g_main_loop_quit (example->loop);
}

/* [limiter] */
static void
got_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response = NULL;

  response = resilient_client_get_finish (RESILIENT_CLIENT (source), result, &error);
  if (response != NULL)
    example->n_pages++;
  else
    g_printerr ("%s\n", error->message);
  done (example);
}

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;

  if (resilient_rate_limiter_acquire_finish (RESILIENT_RATE_LIMITER (source), result, &error))
    resilient_client_get_async (example->client, example->uri, NULL, NULL, got_cb, example);
  else
    {
      g_printerr ("%s\n", error->message);
      done (example);
    }
}

static gboolean
get_pages (Example *example, GError **error)
{
  g_autoptr (ResilientRateLimiter) limiter =
    resilient_rate_limiter_new (PAGES_A_SECOND, PAGES_AT_ONCE, error);

  if (limiter == NULL)
    return FALSE;

  g_signal_connect_object (example->client, "event", G_CALLBACK (event_cb), limiter, 0);
  for (guint i = 0; i < N_PAGES; i++)
    {
      example->n_left++;
      resilient_rate_limiter_acquire_async (limiter, NULL, acquired_cb, example);
    }
  return TRUE;
}
/* [end] */

/* [throttle] */
static void
next_row_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;

  if (resilient_throttle_wait_finish (RESILIENT_THROTTLE (source), result, NULL))
    g_print ("row %u\n", ++example->n_rows);
  done (example);
}

/* However quickly they come, a row is shown each hundredth of a second. */
static void
show_row (Example *example, ResilientThrottle *throttle)
{
  example->n_left++;
  resilient_throttle_wait_async (throttle, NULL, next_row_cb, example);
}
/* [end] */

/* [debounce] */
static void
quiet_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;

  /* FALSE: another key was pressed since. */
  if (resilient_debouncer_wait_finish (RESILIENT_DEBOUNCER (source), result, NULL))
    example->n_searches++;
  done (example);
}

static void
key_pressed (Example *example, ResilientDebouncer *debouncer)
{
  example->n_left++;
  resilient_debouncer_wait_async (debouncer, NULL, quiet_cb, example);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autofree char *uri = server != NULL ? g_strconcat (base, "/hello", NULL) : g_strdup (base);
  g_autoptr (ResilientThrottle) throttle = resilient_throttle_new (0.01, NULL);
  g_autoptr (ResilientDebouncer) debouncer = resilient_debouncer_new (0.02, NULL);
  g_autoptr (GError) error = NULL;
  Example example = { .loop = loop, .client = client, .uri = uri };
  gint64 began = g_get_monotonic_time ();
  double elapsed;

  if (!get_pages (&example, &error))
    g_error ("%s", error->message);
  for (guint i = 0; i < 3; i++)
    {
      show_row (&example, throttle);
      key_pressed (&example, debouncer);
    }
  g_main_loop_run (loop);

  elapsed = (g_get_monotonic_time () - began) / (double) G_USEC_PER_SEC;
  g_print ("%u pages in %.3f s, %u rows, %u search\n",
           example.n_pages,
           elapsed,
           example.n_rows,
           example.n_searches);

  return example.n_pages == N_PAGES && example.n_rows == 3 && example.n_searches == 1
             && elapsed >= (N_PAGES - PAGES_AT_ONCE) / PAGES_A_SECOND - 0.001
           ? EXIT_SUCCESS
           : EXIT_FAILURE;
}
