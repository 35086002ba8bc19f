/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

#include "config.h"

#include "events-fixture.h"

ResilientRequestContext *
make_context (const char *id)
{
  g_autoptr (GError) error = NULL;
  ResilientRequestContext *context = resilient_request_context_new (id, NULL, NULL, &error);

  g_assert_no_error (error);
  return context;
}

ResilientResponse *
make_response (gsize body_size)
{
  g_autoptr (GUri) uri = g_uri_parse ("http://127.0.0.1/", SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (ResilientHeaders) headers = resilient_headers_new ();
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (MAX (body_size, 1)), body_size);

  return resilient_response_new_full (200, "OK", uri, SOUP_HTTP_1_1, headers, body, 0.1, -1);
}

ResilientEvent *
make_event (ResilientEventType type, guint64 sequence)
{
  g_autoptr (ResilientRequestContext) context = make_context (NULL);
  g_autoptr (ResilientResponse) response = NULL;

  if (type != RESILIENT_EVENT_TYPE_RETRY)
    response = make_response (10);
  return resilient_event_new (
    type, context, sequence, RESILIENT_FAILURE_NONE, RESILIENT_REASON_SUCCESS, response, NULL, 0);
}

ResilientResult *
make_result (const char *id, ResilientResultStatus status, gsize body_size)
{
  g_autoptr (ResilientRequestContext) context = make_context (id);
  g_autoptr (ResilientResponse) response = make_response (body_size);

  return resilient_result_new (
    context, status, response, NULL, RESILIENT_FAILURE_NONE, 1, 1, 0.5, NULL);
}
