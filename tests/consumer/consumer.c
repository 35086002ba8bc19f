/* SPDX-FileCopyrightText: The resilient-client authors
 * SPDX-License-Identifier: MIT */

/* The least that a program of somebody else does; built with pkg-config and as the parent of a
 * Meson subproject. */

#include <resilient.h>

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *closed = user_data;

  *closed = resilient_client_close_finish (RESILIENT_CLIENT (source), result, NULL);
}

int
main (void)
{
  g_autoptr (ResilientRetryPolicy) policy = resilient_retry_policy_new (3, 0.5);
  g_autoptr (ResilientRequestContext) context = NULL;
  g_autoptr (ResilientClient) client = resilient_client_new ();
  g_autoptr (ResilientRequest) request = resilient_request_new ("GET", "mailto:someone");
  g_autoptr (ResilientResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  gboolean closed = FALSE;

  context = resilient_request_context_new ("consumer", policy, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (resilient_request_context_get_max_retries (context), ==, 3);

  response = resilient_client_send (client, request, context, NULL, &error);
  g_assert_null (response);
  g_assert_error (error, RESILIENT_CLIENT_ERROR, RESILIENT_CLIENT_ERROR_INVALID_REQUEST);

  resilient_client_close_async (client, 0, NULL, closed_cb, &closed);
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  g_print ("%s\n", RESILIENT_VERSION_S);
  return 0;
}
