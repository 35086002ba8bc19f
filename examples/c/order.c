/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* A POST that may be repeated, because its key lets the server tell: order
 * https://example.org/orders */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

/* [order] */
static gboolean
send_order (ResilientClient *client, const char *uri, JsonNode *order, GError **error)
{
  g_autoptr (ResilientRequest) request = resilient_request_new ("POST", uri);
  g_autoptr (ResilientResponse) response = NULL;

  resilient_request_set_body_json (request, order);
  resilient_request_set_idempotency_key (request, NULL); /* drawn once, the same in every attempt */
  resilient_request_set_retry_policy (request, resilient_retry_policy_get_standard ());
  resilient_request_set_total_timeout (request, 20.0); /* seconds, with all attempts and pauses */
  response = resilient_client_send (client, request, NULL, NULL, error);
  return response != NULL && resilient_response_check_status (response, error);
}
/* [end] */

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *base = example_uri_from_args (argc, argv, &server);
  /* The first one is answered by a 503. */
  g_autofree char *uri =
    server != NULL ? g_strconcat (base, "/flaky/1/orders", NULL) : g_strdup (base);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (JsonNode) order = json_from_string ("{\"article\": 42, \"number\": 1}", NULL);
  g_autoptr (ResilientStats) stats = NULL;
  g_autoptr (GError) error = NULL;
  guint64 attempts;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  if (!send_order (client, uri, order, &error))
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }

  stats = resilient_client_get_stats (client);
  attempts = resilient_stats_get_attempts (stats);
  g_print ("Ordered, in %" G_GUINT64_FORMAT " attempts.\n", attempts);

  return server == NULL || attempts == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
