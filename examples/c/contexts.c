/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Many requests at once, each with a context of its own: contexts http://localhost:8080
 *
 * A context names a request and says how hard to try. It is immutable: what happens to one request
 * never shows in another's. */

#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  GPtrArray *results; /* of ResilientResult */
} Example;

/* [policies] */
/* Tries up to four more times, on errors of the server too. */
static ResilientRetryPolicy *
create_patient_policy (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_max_retries (builder, 4);
  resilient_retry_policy_builder_set_base_delay (builder, 0.05);
  resilient_retry_policy_builder_set_max_delay (builder, 2.0);
  policy = resilient_retry_policy_builder_build (builder, &error);
  if (policy == NULL)
    g_error ("%s", error->message);

  return g_steal_pointer (&policy);
}
/* [end] */

/* [hedging] */
/* An answer that takes longer than 0.2 s is raced by a second attempt. */
static ResilientRetryPolicy *
create_hedging_policy (void)
{
  g_autoptr (ResilientRetryPolicyBuilder) builder = NULL;
  g_autoptr (ResilientRetryPolicy) policy = NULL;
  g_autoptr (GError) error = NULL;

  builder = resilient_retry_policy_builder_new (resilient_retry_policy_get_standard ());
  resilient_retry_policy_builder_set_hedge_delay (builder, 0.2);
  policy = resilient_retry_policy_builder_build (builder, &error);
  if (policy == NULL)
    g_error ("%s", error->message);

  return g_steal_pointer (&policy);
}
/* [end] */

/* [mirrors] */
/* Each retry goes to the next one. */
static ResilientRequest *
create_mirrored_request (const char *uri, const char *mirror)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  const char *const mirrors[] = { mirror, NULL };

  resilient_request_set_fallback_uris (request, mirrors);
  return g_steal_pointer (&request);
}
/* [end] */

/* [coalesce] */
/* Any number of these at a time cost the server one answer. */
static ResilientRequest *
create_shared_request (const char *uri)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

  resilient_request_set_coalesce (request, TRUE);
  return g_steal_pointer (&request);
}
/* [end] */

/* [fallback] */
/* Kept from the last time that the server answered. */
static ResilientResponse *
load_stored_answer (ResilientRequestContext *context,
                    ResilientResponse *response,
                    const GError *error,
                    gpointer user_data)
{
  const char *stored = user_data;
  g_autoptr (GBytes) body = g_bytes_new (stored, strlen (stored));
  g_autoptr (GUri) uri = g_uri_parse ("https://example.org/stored", SOUP_HTTP_URI_FLAGS, NULL);

  return resilient_response_new (200, "Stored", uri, NULL, body);
}

static ResilientRequest *
create_request_with_fallback (const char *uri, const char *stored)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);

  resilient_request_set_fallback (request, load_stored_answer, g_strdup (stored), g_free);
  return g_steal_pointer (&request);
}
/* [end] */

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;

  example->results = resilient_client_wait_all_finish (RESILIENT_CLIENT (source), result, &error);
  if (example->results == NULL)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (example->loop);
}

/* [results] */
static void
print_result (ResilientResult *result)
{
  ResilientResponse *response = resilient_result_get_response (result);
  const GError *error = resilient_result_get_error (result);

  g_print ("%-9s %-5s attempts %u  time %.3f s  %s\n",
           resilient_result_get_request_id (result),
           resilient_result_is_success (result) ? "done" : "lost",
           resilient_result_get_attempts (result),
           resilient_result_get_total_time (result),
           response != NULL ? resilient_response_get_reason_phrase (response) : error->message);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRetryPolicy) patient = create_patient_policy ();
  g_autoptr (ResilientRetryPolicy) hedging = create_hedging_policy ();
  g_autoptr (ResilientRetryPolicy) once = resilient_retry_policy_new (0, 1.0);
  Example example = { loop, NULL };
  /* What the server fails twice, the patient get; who asks once only gets the 503. */
  const struct
  {
    const char *id;
    const char *path;
    ResilientRetryPolicy *policy;
    guint attempts;
    guint status;
  } requests[] = {
    { "profile", "/hello", once, 1, 200 },
    { "feed", "/flaky/2/feed", patient, 3, 200 },
    { "avatar", "/flaky/3/avatar", patient, 4, 200 },
    { "preview", "/flaky/2/preview", once, 1, 503 },
    { "settings", "/hello", NULL, 1, 200 },
    { "search", "/hello", hedging, 1, 200 },
  };
  gboolean as_shown = TRUE;

  /* A port on which nobody listens, and a mirror. */
  g_autofree char *mirror = g_strconcat (base, "/hello", NULL);
  g_autoptr (ResilientRequest) mirrored =
    create_mirrored_request ("http://127.0.0.1:1/hello", mirror);
  g_autoptr (ResilientRequest) stored =
    create_request_with_fallback ("http://127.0.0.1:1/hello", "what it was yesterday");

  resilient_request_set_retry_policy (stored, once);
  resilient_client_send_async (client, mirrored, NULL, NULL, NULL, NULL);
  resilient_client_send_async (client, stored, NULL, NULL, NULL, NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (ResilientRequest) shared = create_shared_request (mirror);

      resilient_client_send_async (client, shared, NULL, NULL, NULL, NULL);
    }

  /* [start] */
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *uri = g_strconcat (base, requests[i].path, NULL);
      g_autoptr (ResilientRequestContext) context = NULL;

      context = resilient_request_context_new (requests[i].id, requests[i].policy, NULL, &error);
      if (context == NULL)
        g_error ("%s", error->message);
      /* Without a callback: the results are collected below. */
      resilient_client_get_async (client, uri, context, NULL, NULL, NULL);
    }

  resilient_client_wait_all_async (client, NULL, waited_cb, &example);
  g_main_loop_run (loop);
  /* [end] */

  if (example.results == NULL)
    return EXIT_FAILURE;
  for (guint i = 0; i < example.results->len; i++)
    print_result (g_ptr_array_index (example.results, i));
  g_ptr_array_unref (example.results);

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (ResilientResult) result = resilient_client_get_result (client, requests[i].id);
      ResilientResponse *response = result != NULL ? resilient_result_get_response (result) : NULL;

      if (response == NULL
          || (server != NULL
              && (resilient_result_get_attempts (result) != requests[i].attempts
                  || resilient_response_get_status_code (response) != requests[i].status)))
        as_shown = FALSE;
    }

  return as_shown ? EXIT_SUCCESS : EXIT_FAILURE;
}
