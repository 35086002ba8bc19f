/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The least that a test of somebody else's program does; built with pkg-config and as the parent of
 * a Meson subproject. */

#include <resilient-test.h>

int
main (void)
{
  g_autoptr (ResilientTestServer) server =
    resilient_test_server_new_with_flags (RESILIENT_TEST_SERVER_TLS, NULL);
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (ResilientClient) client = NULL;
  g_autoptr (ResilientRequest) request = NULL;
  g_autoptr (ResilientResponse) response = NULL;
  g_autofree char *uri = NULL;

  g_assert (server != NULL);
  uri = resilient_test_server_get_uri (server, "/");
  soup_session_set_tls_database (session, resilient_test_server_get_tls_database (server));
  client = resilient_client_new_with_session (session);
  request = resilient_request_new ("GET", uri);
  resilient_test_server_enqueue_retry_after (server, 503, NULL);
  response = resilient_client_send (client, request, NULL, NULL, NULL);
  g_assert (response != NULL && resilient_response_get_status_code (response) == 503);
  g_assert (resilient_test_server_get_n_requests (server) == 1);

  return 0;
}
