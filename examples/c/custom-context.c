/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Metadata of a context that become headers: custom-context https://example.org/headers
 *
 * A context is a value, not a class to derive from. What an app wants to carry along goes into its
 * metadata; what the server shall see is made into headers in one place, here api_request_new(). */

#include <resilient.h>
#include <stdlib.h>
#include <string.h>

#include "example-server.h"

typedef struct
{
  GMainLoop *loop;
  char *text;
} Example;

/* [context] */
static ResilientRequestContext *
api_context_new (const char *tenant, const char *trace_id, GError **error)
{
  GVariantDict metadata;

  g_variant_dict_init (&metadata, NULL);
  g_variant_dict_insert (&metadata, "tenant", "s", tenant);
  g_variant_dict_insert (&metadata, "trace-id", "s", trace_id);

  return resilient_request_context_new (NULL, NULL, g_variant_dict_end (&metadata), error);
}
/* [end] */

/* [request] */
static ResilientRequest *
api_request_new (const char *uri, ResilientRequestContext *context, const char *token)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autofree char *authorization = g_strconcat ("Bearer ", token, NULL);
  GVariant *metadata = resilient_request_context_get_metadata (context);
  const char *value;

  resilient_request_set_header (
    request, "X-Request-Id", resilient_request_context_get_request_id (context));
  if (g_variant_lookup (metadata, "tenant", "&s", &value))
    resilient_request_set_header (request, "X-Tenant", value);
  if (g_variant_lookup (metadata, "trace-id", "&s", &value))
    resilient_request_set_header (request, "X-Trace-Id", value);
  /* Metadata show in events and results, so secrets stay out of them. */
  resilient_request_set_header (request, "Authorization", authorization);

  return g_steal_pointer (&request);
}
/* [end] */

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Example *example = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ResilientResponse) response =
    resilient_client_send_finish (RESILIENT_CLIENT (source), result, &error);

  if (response != NULL)
    example->text = resilient_response_get_text (response, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (example->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  g_autofree char *uri = server != NULL ? g_strconcat (base, "/headers", NULL) : g_strdup (base);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  Example example = { loop, NULL };
  gboolean as_shown;

  context = api_context_new ("acme", "4bf92f3577b34da6", &error);
  if (context == NULL)
    g_error ("%s", error->message);
  request = api_request_new (uri, context, "open-sesame");

  resilient_client_send_async (client, request, context, NULL, sent_cb, &example);
  g_main_loop_run (loop);
  if (example.text == NULL)
    return EXIT_FAILURE;

  g_print ("%s", example.text);
  as_shown =
    server == NULL
    || (strstr (example.text, "\"X-Tenant\": \"acme\"") != NULL
        && strstr (example.text, "\"X-Trace-Id\": \"4bf92f3577b34da6\"") != NULL
        && strstr (example.text, resilient_request_context_get_request_id (context)) != NULL);
  g_free (example.text);

  return as_shown ? EXIT_SUCCESS : EXIT_FAILURE;
}
