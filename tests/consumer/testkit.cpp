/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The headers of the test kit from C++. */

#include <gtest/gtest.h>
#include <resilient-test.h>

TEST (TestKit, AnswersAndRecords)
{
  g_autoptr (ResilientTestServer) server = resilient_test_server_new (nullptr);
  g_autoptr (ResilientTestScript) script = resilient_test_script_new ();
  g_autofree char *uri = resilient_test_server_get_uri (server, "/");
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", uri);
  g_autoptr (ResilientResponse) response = nullptr;
  g_autoptr (ResilientTestRecord) record = nullptr;
  const char *headers[] = { "X-From: C++", nullptr };

  resilient_test_script_add_response (script, 204, headers, nullptr);
  resilient_test_server_enqueue_script (server, nullptr, 1, script);
  response = resilient_client_send (client, request, nullptr, nullptr, nullptr);
  ASSERT_NE (response, nullptr);
  EXPECT_STREQ (resilient_response_get_header (response, "X-From"), "C++");
  record = resilient_test_server_get_request (server, 0);
  EXPECT_STREQ (resilient_test_record_get_method (record), "GET");
}
