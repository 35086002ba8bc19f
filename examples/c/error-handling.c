/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* Every kind of error and what to do about it: error-handling https://example.org
 *
 * An error of the network keeps the domain and code that GIO or libsoup gave it; what the library
 * itself decides is in RESILIENT_CLIENT_ERROR; a status is an error only where check_status() says
 * so. */

#include <locale.h>
#include <resilient.h>
#include <stdlib.h>

#include "example-server.h"

/* [explain] */
static const char *
explain (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return "the user changed their mind: say nothing";

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return "too slow: offer to try again";

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE)
      || error->domain == G_RESOLVER_ERROR)
    return "no way to the server: is the network there?";

  if (error->domain == G_TLS_ERROR)
    return "not the server it claims to be: do not go on";

  if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST)
      || g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_POLICY))
    return "nothing was sent: check what the user typed";

  if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE))
    return "more than we are willing to hold in memory";

  if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_OVERLOADED))
    return "held back on purpose: try later";

  if (g_error_matches (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_CLOSED))
    return "the app is about to quit";

  /* The code is the status. */
  if (error->domain == RESILIENT_HTTP_ERROR)
    return error->code >= 500 ? "the server has a problem" : "we asked for something wrong";

  return "show the message, it is translated";
}
/* [end] */

/* [send] */
static gboolean
try_request (ResilientClient *client,
             ResilientRequest *request,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (ResilientResponse) response =
    resilient_client_send (client, request, NULL, cancellable, error);

  return response != NULL && resilient_response_check_status (response, error);
}
/* [end] */

/* Whether it failed in the way that is to be shown. */
static gboolean
show (ResilientClient *client,
      ResilientRequest *request,
      GCancellable *cancellable,
      GQuark domain,
      int code)
{
  g_autoptr (GError) error = NULL;

  if (try_request (client, request, cancellable, &error))
    {
      g_print ("%s: no error\n", resilient_request_get_uri (request));
      return FALSE;
    }

  g_print (
    "%s: %s\n  → %s\n", resilient_request_get_uri (request), error->message, explain (error));
  return g_error_matches (error, domain, code);
}

static gboolean
show_all (ResilientClient *client, ExampleServer *server)
{
  const char *base = example_server_get_uri (server);
  g_autofree char *missing_uri = g_strconcat (base, "/missing", NULL);
  g_autofree char *broken_uri = g_strconcat (base, "/flaky/9/broken", NULL);
  g_autofree char *slow_uri = g_strconcat (base, "/slow", NULL);
  g_autofree char *large_uri = g_strconcat (base, "/large", NULL);
  g_autoptr (ResilientRequest) missing = resilient_request_new ("GET", missing_uri);
  g_autoptr (ResilientRequest) broken = resilient_request_new ("GET", broken_uri);
  g_autoptr (ResilientRequest) refused =
    resilient_request_new ("GET", example_server_get_refusing_uri (server));
  g_autoptr (ResilientRequest) slow = resilient_request_new ("GET", slow_uri);
  g_autoptr (ResilientRequest) large = resilient_request_new ("GET", large_uri);
  g_autoptr (ResilientRequest) invalid = resilient_request_new ("GET", "gopher://example.org/");
  g_autoptr (ResilientRequest) unwanted = resilient_request_new ("GET", slow_uri);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  gboolean as_shown = TRUE;

  resilient_request_set_read_timeout (slow, 0.2);
  resilient_request_set_max_response_size (large, 64 * 1024);
  g_cancellable_cancel (cancelled);

  as_shown &= show (client, missing, NULL, RESILIENT_HTTP_ERROR, SOUP_STATUS_NOT_FOUND);
  as_shown &= show (client, broken, NULL, RESILIENT_HTTP_ERROR, SOUP_STATUS_SERVICE_UNAVAILABLE);
  as_shown &= show (client, refused, NULL, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  as_shown &= show (client, slow, NULL, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  as_shown &= show (client, large, NULL, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_TOO_LARGE);
  as_shown &=
    show (client, invalid, NULL, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);
  as_shown &= show (client, unwanted, cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  return as_shown;
}

int
main (int argc, char **argv)
{
  g_autoptr (ExampleServer) server = NULL;
  g_autofree char *uri = example_uri_from_args (argc, argv, &server);
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (1, 0.05);
  g_autoptr (ResilientRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  /* Messages of errors come in the language of the user. */
  setlocale (LC_ALL, "");

  /* Short, for this program to be brisk. */
  resilient_client_set_retry_policy (client, policy);
  if (server != NULL)
    return show_all (client, server) ? EXIT_SUCCESS : EXIT_FAILURE;

  request = resilient_request_new ("GET", uri);
  if (try_request (client, request, NULL, &error))
    {
      g_print ("no error\n");
      return EXIT_SUCCESS;
    }
  g_print ("%s\n  → %s\n", error->message, explain (error));

  return EXIT_FAILURE;
}
