/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "client-fixture.h"

/* A request with secrets that is led over three origins and back, and fails on its way. */

static const char *const secrets[] = { "Authorization",
                                       "Proxy-Authorization",
                                       "Cookie",
                                       "X-Api-Key" };

static void
assert_secrets (FaultServer *server,
                const char *path,
                guint n,
                gboolean present,
                const char *of_origin)
{
  g_autoptr (FaultRecord) record = fault_server_get_record_of (server, path, n);

  g_test_message ("%s, %u", path, n);
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_cmpstr (fault_record_get_header (record, secrets[i]), ==, present ? "secret" : NULL);
  g_assert_cmpstr (fault_record_get_header (record, "X-Plain"), ==, "plain");
  g_assert_cmpstr (fault_record_get_header (record, "X-Origin"), ==, of_origin);
}

static void
set_origin_secret (ResilientClient *client, const char *uri, const char *value)
{
  g_autoptr (ResilientOrigin) origin = resilient_client_get_origin (client, uri, NULL);

  g_assert_true (resilient_origin_set_default_header (origin, "X-Origin", value, NULL));
  resilient_origin_mark_header_secret (origin, "X-Origin");
}

static void
test_three (ClientFixture *fixture, gconstpointer flags)
{
  FaultServerFlags server_flags = GPOINTER_TO_UINT (flags);
  g_autoptr (FaultServer) second = fault_server_new (server_flags);
  g_autoptr (FaultServer) third = fault_server_new (server_flags);
  g_autofree char *at_second = fault_server_uri (second, "/second");
  g_autofree char *at_third = fault_server_uri (third, "/third");
  g_autofree char *back = fault_server_uri (fixture->server, "/back");
  g_autoptr (ResilientRetryPolicy) policy = quick_standard_policy (2);
  g_autoptr (ResilientRequestContext) context = context_new ("led", policy);
  g_autoptr (ResilientRequest) request = request_new (fixture, "GET", "/first");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (ResilientResult) result = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    resilient_request_set_header (request, secrets[i], "secret");
  resilient_request_mark_header_secret (request, "x-api-key");
  resilient_request_set_header (request, "X-Plain", "plain");
  set_origin_secret (fixture->client, back, "one");
  set_origin_secret (fixture->client, at_third, "three");

  fault_server_on (fixture->server, "/first", fault_redirect (307, at_second), NULL);
  fault_server_on (second, "/second", fault_redirect (302, at_third), NULL);
  fault_server_next (third, "/third", fault_answer (503, NULL, "not yet"), NULL);
  fault_server_on (third, "/third", fault_redirect (308, back), NULL);
  fault_server_next (fixture->server, "/back", fault_answer (503, NULL, "not yet"), NULL);
  fault_server_on (fixture->server, "/back", fault_answer (200, NULL, "ok"), NULL);

  response = client_send (fixture, request, context, &error);
  g_assert_no_error (error);
  assert_response (response, 200, "ok");
  result =
    assert_result (fixture, "led", RESILIENT_RESULT_STATUS_SUCCESS, RESILIENT_FAILURE_NONE, 3);
  g_assert_cmpuint (resilient_result_get_sends (result), ==, 3);

  /* each attempt begins at the beginning, with all that the request had */
  g_assert_cmpuint (fault_server_get_requests (fixture->server), ==, 5);
  for (guint i = 0; i < 3; i++)
    {
      assert_secrets (fixture->server, "/first", i, TRUE, "one");
      assert_secrets (second, "/second", i, FALSE, NULL);
      assert_secrets (third, "/third", i, FALSE, "three");
    }
  /* what was dropped stays so; what belongs to the origin does not depend on the way */
  for (guint i = 0; i < 2; i++)
    assert_secrets (fixture->server, "/back", i, FALSE, "one");
}

int
main (int argc, char **argv)
{
  const ClientTest tests[] = {
    { "/origins/three", test_three, FAULT_SERVER_PLAIN },
    { "/origins/three/tls", test_three, FAULT_SERVER_TLS },
    { "/origins/three/http2", test_three, FAULT_SERVER_HTTP2 },
  };

  return client_tests_run (argc, argv, tests, G_N_ELEMENTS (tests));
}
